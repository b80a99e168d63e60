package allocation

import (
	"slices"

	"github.com/daybook-engine/daybook/domain"
)

// An Event is a fact about a programme's places.
type Event interface{ evolve(State) State }

// State is what the rules remember.
type State struct {
	quotas   []QuotaSet
	places   []place   // reserved or filled; a released one is gone
	reserves []reserve // waiting; a promoted or released one is gone
	told     []Holder  // released from the reserve
}

type place struct {
	holder Holder
	filled bool
}

type reserve struct {
	holder Holder
	rank   int
}

// Apply returns s after e. It never fails and never judges.
func (s State) Apply(e Event) State { return e.evolve(s) }

// Holds tells whether person has a place in the cycle, and whether it is
// filled.
func (s State) Holds(cycle string, person domain.Person) (holds, filled bool) {
	for _, p := range s.places {
		if p.holder.Cycle == cycle && p.holder.Person == person {
			return true, p.filled
		}
	}
	return false, false
}

// Pending are those in a cycle whose place is not filled yet, and those who
// wait in reserve for one.
func (s State) Pending(cycle string) (reserved, waiting []Holder) {
	for _, p := range s.places {
		if p.holder.Cycle == cycle && !p.filled {
			reserved = append(reserved, p.holder)
		}
	}
	for _, r := range s.reserves {
		if r.holder.Cycle == cycle {
			waiting = append(waiting, r.holder)
		}
	}
	return reserved, waiting
}

// Quotas are those in force.
func (s State) Quotas() []QuotaSet { return s.quotas }

// used counts the places within the quota's period that holder would share.
func (s State) used(q QuotaSet, h Holder) int {
	n := 0
	for _, p := range s.places {
		if q.Per == "cycle" && p.holder.Cycle == h.Cycle || q.Per == "year" && p.holder.Year == h.Year {
			n++
		}
	}
	return n
}

// full lists the quotas without room for holder.
func (s State) full(h Holder) []FullQuota {
	var full []FullQuota
	for _, q := range s.quotas {
		if used := s.used(q, h); used >= q.Limit {
			full = append(full, FullQuota{q.Quota, q.Limit, used})
		}
	}
	return full
}

func (s State) place(h Holder) int {
	return slices.IndexFunc(s.places, func(p place) bool { return p.holder == h })
}

func (s State) reserve(h Holder) int {
	return slices.IndexFunc(s.reserves, func(r reserve) bool { return r.holder == h })
}

// Taken tells whether somebody waits with that rank.
func (s State) Taken(cycle, call string, rank int) bool {
	return slices.ContainsFunc(s.reserves, func(r reserve) bool {
		return r.holder.Cycle == cycle && r.holder.Call == call && r.rank == rank
	})
}

// next is the waiting reserve with the best rank, under the same call.
func (s State) next(cycle, call string) (reserve, bool) {
	var best reserve
	for _, r := range s.reserves {
		if r.holder.Cycle == cycle && r.holder.Call == call && (best.rank == 0 || r.rank < best.rank) {
			best = r
		}
	}
	return best, best.rank > 0
}

func (e QuotaSet) evolve(s State) State {
	s.quotas = slices.DeleteFunc(slices.Clone(s.quotas), func(q QuotaSet) bool { return q.Quota == e.Quota })
	s.quotas = append(s.quotas, e)
	return s
}

func (e PlaceReserved) evolve(s State) State {
	s.places = append(slices.Clip(s.places), place{holder: e.Holder})
	return s
}

func (PlaceRefused) evolve(s State) State { return s }
func (RankRefused) evolve(s State) State  { return s }

func (e PlaceFilled) evolve(s State) State {
	s.places = slices.Clone(s.places)
	if i := s.place(e.Holder); i >= 0 {
		s.places[i].filled = true
	}
	return s
}

func (e PlaceReleased) evolve(s State) State {
	s.places = slices.DeleteFunc(slices.Clone(s.places), func(p place) bool { return p.holder == e.Holder })
	return s
}

func (e ReserveRanked) evolve(s State) State {
	s.reserves = append(slices.Clip(s.reserves), reserve{e.Holder, e.Rank})
	return s
}

func (s State) without(h Holder) State {
	s.reserves = slices.DeleteFunc(slices.Clone(s.reserves), func(r reserve) bool { return r.holder == h })
	return s
}

func (e ReservePromoted) evolve(s State) State  { return s.without(e.Holder) }
func (e ReserveWithdrawn) evolve(s State) State { return s.without(e.Holder) }

func (e ReserveReleased) evolve(s State) State {
	s.told = append(slices.Clip(s.told), e.Holder)
	return s.without(e.Holder)
}
