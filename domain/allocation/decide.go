package allocation

import (
	"fmt"
	"slices"
	"time"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/domain/cycle"
)

var (
	ErrProgramme = domain.Wrong("other_programme", "this cycle belongs to another programme")
	ErrUnknown   = domain.Refuse("programme_unknown", "no definition of such a programme was published; publish it first, with definition.publish")
	ErrQuota     = domain.Wrong("quota_malformed", "a quota has an id, is per year or per cycle, and allows at least one place")
	ErrBelow     = domain.Refuse("quota_below_used", "a quota is not set below the places already taken")
	ErrNoQuota   = domain.Refuse("no_quota", "the programme has no quota, so it has no places")
	ErrFull      = domain.Refuse("quota_full", "no place is left")
	ErrNotChosen = domain.Refuse("not_selected", "a place is for somebody selected or in reserve")
	ErrOrder     = domain.Refuse("out_of_rank", "reserves get places in order of rank")
	ErrNoPlace   = domain.Refuse("no_place", "this application holds no place")
	ErrReserve   = domain.Refuse("not_in_reserve", "this application is not in reserve")
)

// SetQuota is quota.set.
type SetQuota struct {
	ID
	Quota string `json:"quota"`
	Per   string `json:"per"`
	Limit int    `json:"limit"`

	Published bool `json:"-"` // looked up: a definition of the programme's
}

var periods = []string{"year", "cycle"}

func (SetQuota) OneOf() map[string][]string { return map[string][]string{"per": periods} }

func (c SetQuota) Decide(s State, _ time.Time) ([]Event, error) {
	e := QuotaSet{c.Quota, c.Per, c.Limit}
	switch {
	case domain.CheckSlug("quota", c.Quota) != nil || !slices.Contains(periods, c.Per) || c.Limit < 1:
		return nil, ErrQuota
	case slices.Contains(s.quotas, e):
		return nil, nil
	case !c.Published:
		return nil, ErrUnknown
	}
	for _, p := range s.places {
		if used := s.used(e, p.holder); used > c.Limit {
			return nil, ErrBelow.Because(fmt.Sprintf("%d are taken", used))
		}
	}
	return []Event{e}, nil
}

// For says whose place a command is about.
type For struct {
	Cycle  string        `json:"cycle"`
	Call   string        `json:"call"`
	Person domain.Person `json:"person"`

	Year int `json:"-"` // looked up from the cycle
}

func (f For) holder() Holder { return Holder(f) }

// ReservePlace is place.reserve: the beginning of every offer.
type ReservePlace struct {
	ID
	For

	// Looked up: where the application stands, and whether the cycle is closed.
	Phase application.Phase `json:"-"`
	Over  bool              `json:"-"`
}

func (c ReservePlace) Decide(s State, _ time.Time) ([]Event, error) {
	h := c.holder()
	switch {
	case s.place(h) >= 0:
		return nil, nil
	case c.Over:
		return nil, cycle.ErrClosed
	case len(s.quotas) == 0:
		return nil, ErrNoQuota
	case c.Phase != application.Chosen && c.Phase != application.InReserve:
		return nil, ErrNotChosen
	}
	if full := s.full(h); len(full) > 0 {
		refused := PlaceRefused{h, full}
		return []Event{refused}, refused.Refused()
	}
	next, waits := s.next(c.Cycle, c.Call)
	switch {
	case waits && next.holder == h:
		return []Event{ReservePromoted{h, next.rank}, PlaceReserved{h}}, nil
	case waits && c.Phase == application.InReserve:
		return nil, ErrOrder
	case c.Phase == application.InReserve && !slices.Contains(s.told, h):
		return nil, ErrReserve // its rank is not known here yet
	}
	return []Event{PlaceReserved{h}}, nil
}

// FillPlace is place.fill: a policy's command when the offer was accepted.
type FillPlace struct {
	ID
	For
}

func (c FillPlace) Decide(s State, _ time.Time) ([]Event, error) {
	i := s.place(c.holder())
	switch {
	case i < 0:
		return nil, ErrNoPlace
	case s.places[i].filled:
		return nil, nil
	}
	return []Event{PlaceFilled{c.holder()}}, nil
}

// ReleasePlace is place.release: a policy's command when an offer was
// declined or lapsed, or its application withdrawn. The first of the reserve
// gets the place in the same breath, so that nobody slips in between, unless
// the cycle is closed. Who only waits in reserve waits no more.
type ReleasePlace struct {
	ID
	For

	Over bool `json:"-"` // looked up: the cycle is closed
}

func (c ReleasePlace) Decide(s State, _ time.Time) ([]Event, error) {
	h := c.holder()
	if s.place(h) < 0 {
		if i := s.reserve(h); i >= 0 {
			return []Event{ReserveWithdrawn{h, s.reserves[i].rank}}, nil
		}
		return nil, nil
	}
	events := []Event{PlaceReleased{h}}
	s = s.Apply(events[0])
	next, ok := s.next(c.Cycle, c.Call)
	if !ok || c.Over {
		return events, nil
	}
	if len(s.full(next.holder)) > 0 {
		return events, nil
	}
	return append(events, ReservePromoted{next.holder, next.rank}, PlaceReserved{next.holder}), nil
}

// RankReserve is reserve.rank: a policy's command when an application was put
// in reserve. Two decided at once may have the same rank: the later is refused,
// which is kept, and somebody says which rank it has.
type RankReserve struct {
	ID
	For
	Rank int `json:"rank"`

	// Looked up: where the application stands, and whether the cycle is closed.
	Phase application.Phase `json:"-"`
	Over  bool              `json:"-"`
}

func (c RankReserve) Decide(s State, _ time.Time) ([]Event, error) {
	h := c.holder()
	switch {
	case c.Rank < 1:
		return nil, application.ErrRank // a rank of 0 would never come up
	case s.reserve(h) >= 0 || s.place(h) >= 0:
		return nil, nil
	case c.Over:
		return nil, cycle.ErrClosed
	case c.Phase != application.InReserve || slices.Contains(s.told, h):
		return nil, ErrReserve
	case s.Taken(c.Cycle, c.Call, c.Rank):
		refused := RankRefused{h, c.Rank}
		return []Event{refused}, refused.Refused()
	}
	return []Event{ReserveRanked{h, c.Rank}}, nil
}

// ReleaseReserve is reserve.release: tell somebody that no place came free.
type ReleaseReserve struct {
	ID
	For
}

func (c ReleaseReserve) Decide(s State, _ time.Time) ([]Event, error) {
	h := c.holder()
	i := s.reserve(h)
	switch {
	case slices.Contains(s.told, h):
		return nil, nil
	case i < 0:
		return nil, ErrReserve
	}
	return []Event{ReserveReleased{h, s.reserves[i].rank}}, nil
}
