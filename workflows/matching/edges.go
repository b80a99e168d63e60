package matching

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/matching"
)

// edges are the pairs that the rules allow, and what each scores. Everybody is
// in the order drawn.
type edges struct {
	plan    matching.Plan
	rules   []string // the codes of all rules, in order
	mentees []mentee
	mentors []mentor
	score   []int64 // by mentee, then mentor; forbidden where a rule says so

	holders map[holding][]int // the mentors who have a code
	says    map[string][]bool // the mentors who say a fact
	rankers [][]ranker        // by mentee: the mentors who rank her
}

// forbidden is so far below every score that no sum of scores makes up for it,
// and so far from overflow that a few of them can be added.
const forbidden = -1 << 60

type mentee struct {
	id      domain.Person
	facts   []matching.Fact
	ranking []domain.Person
	tally
	bars   map[int][]int // by mentor, the rules
	locked int           // mentor, or none
}

type mentor struct {
	id       domain.Person
	facts    []matching.Fact
	ranking  []domain.Person
	capacity int
	room     int // capacity without what locks take
	tally
}

// A tally counts somebody's possible partners.
type tally struct {
	admissible int
	blocked    []int // by rule
}

type holding struct{ fact, code string }

type ranker struct {
	mentor, place, of int
}

// newEdges applies the rules to every pair and scores what they allow.
func newEdges(ctx context.Context, in matching.Input) (*edges, error) {
	in = in.Canonical()
	e := &edges{plan: in.Plan, holders: map[holding][]int{}, says: map[string][]bool{}}
	e.draw(in)
	e.index(in)
	n, m := len(e.mentees), len(e.mentors)
	e.score = make([]int64, n*m)
	blocked, value := make([][]bool, len(e.rules)), make([]int, m)
	for r := range blocked {
		blocked[r] = make([]bool, m)
	}
	for i := range e.mentees {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		row := e.score[i*m : (i+1)*m]
		e.block(i, blocked, value)
		for _, f := range e.plan.Factors {
			e.value(i, f, value)
			for j, v := range value {
				row[j] += int64(v * f.Weight)
			}
		}
		for j := range row {
			allowed := true
			for r := range e.rules {
				if blocked[r][j] {
					allowed = false
					e.mentees[i].blocked[r]++
					e.mentors[j].blocked[r]++
				}
			}
			if !allowed {
				row[j] = forbidden
				continue
			}
			e.mentees[i].admissible++
			e.mentors[j].admissible++
		}
	}
	return e, nil
}

// draw puts everybody in the order of their lots.
func (e *edges) draw(in matching.Input) {
	lots := map[domain.Person][sha256.Size]byte{}
	by := func(a, b domain.Person) int {
		x, y := lots[a], lots[b]
		return bytes.Compare(x[:], y[:])
	}
	for _, m := range in.Mentees {
		lots[m.Mentee] = drawn(in.Seed, "mentee", m.Mentee)
		e.mentees = append(e.mentees, mentee{id: m.Mentee, facts: m.Facts, ranking: m.Ranking, bars: map[int][]int{}, locked: none})
	}
	slices.SortStableFunc(e.mentees, func(a, b mentee) int { return by(a.id, b.id) })
	for _, m := range in.Mentors { // who is on both sides has another lot here
		lots[m.Mentor] = drawn(in.Seed, "mentor", m.Mentor)
		e.mentors = append(e.mentors, mentor{id: m.Mentor, facts: m.Facts, ranking: m.Ranking, capacity: m.Capacity, room: m.Capacity})
	}
	slices.SortStableFunc(e.mentors, func(a, b mentor) int { return by(a.id, b.id) })
}

// index finds by number and by code what the input has by id.
func (e *edges) index(in matching.Input) {
	rules := map[string]bool{matching.SamePerson: true}
	if e.plan.Policy == matching.DeferredAcceptance {
		rules[matching.Unranked] = true
	}
	for _, r := range e.plan.Rules {
		rules[r.Rule] = true
	}
	for _, b := range in.Bars {
		rules[b.Rule] = true
	}
	e.rules = slices.Sorted(maps.Keys(rules))

	mentees, mentors := map[domain.Person]int{}, map[domain.Person]int{}
	e.rankers = make([][]ranker, len(e.mentees))
	for i := range e.mentees {
		mentees[e.mentees[i].id] = i
		e.mentees[i].blocked = make([]int, len(e.rules))
	}
	for j := range e.mentors {
		m := &e.mentors[j]
		mentors[m.id] = j
		m.blocked = make([]int, len(e.rules))
		for _, f := range m.facts {
			if e.says[f.Fact] == nil {
				e.says[f.Fact] = make([]bool, len(e.mentors))
			}
			e.says[f.Fact][j] = true
			for _, code := range f.Codes {
				h := holding{f.Fact, code}
				e.holders[h] = append(e.holders[h], j)
			}
		}
		for place, p := range m.ranking {
			i := mentees[p]
			e.rankers[i] = append(e.rankers[i], ranker{j, place, len(m.ranking)})
		}
	}
	for _, b := range in.Bars {
		bars, j := e.mentees[mentees[b.Mentee]].bars, mentors[b.Mentor]
		bars[j] = append(bars[j], slices.Index(e.rules, b.Rule))
	}
	for i := range e.mentees {
		if j, ok := mentors[e.mentees[i].id]; ok {
			e.mentees[i].bars[j] = append(e.mentees[i].bars[j], slices.Index(e.rules, matching.SamePerson))
		}
	}
	for _, l := range in.Locks {
		i, j := mentees[l.Mentee], mentors[l.Mentor]
		e.mentees[i].locked = j
		e.mentors[j].room--
	}
}

// checkLocks tells of a lock that breaks a rule, by its place in the input.
func (e *edges) checkLocks(locks []matching.Lock) error {
	locked := map[matching.Lock]int{}
	for k, l := range locks {
		locked[l] = k
	}
	blocked, scratch := make([][]bool, len(e.rules)), make([]int, len(e.mentors))
	for r := range blocked {
		blocked[r] = make([]bool, len(e.mentors))
	}
	first, broken := len(locks), ""
	for i, m := range e.mentees {
		if m.locked == none {
			continue
		}
		e.block(i, blocked, scratch)
		for r, rule := range e.rules {
			// A ranking is a preference: a lock may go against it.
			k := locked[matching.Lock{Mentee: m.id, Mentor: e.mentors[m.locked].id}]
			if blocked[r][m.locked] && rule != matching.Unranked && k < first {
				first, broken = k, rule
			}
		}
	}
	if broken == "" {
		return nil
	}
	return ErrInput.Because(fmt.Sprintf("locks[%d]: expected a pair that the rules allow, not one that %s forbids", first+1, broken))
}

// block tells for one mentee which rule forbids which mentor.
func (e *edges) block(i int, blocked [][]bool, scratch []int) {
	for _, list := range blocked {
		clear(list)
	}
	for _, r := range e.plan.Rules {
		list := blocked[slices.Index(e.rules, r.Rule)]
		e.common(i, r.Fact, scratch)
		for j, n := range scratch {
			list[j] = (n > 0) != (r.Must == matching.Share)
		}
	}
	for j, rules := range e.mentees[i].bars {
		for _, r := range rules {
			blocked[r][j] = true
		}
	}
	if e.plan.Policy != matching.DeferredAcceptance {
		return
	}
	list := blocked[slices.Index(e.rules, matching.Unranked)]
	ranked := make(map[domain.Person]bool, len(e.mentees[i].ranking))
	for _, p := range e.mentees[i].ranking {
		ranked[p] = true
	}
	for j := range list {
		list[j] = true
	}
	for _, r := range e.rankers[i] {
		list[r.mentor] = !ranked[e.mentors[r.mentor].id]
	}
}

// codes are what a mentee says for a fact.
func (e *edges) codes(i int, fact string) []string {
	for _, f := range e.mentees[i].facts {
		if f.Fact == fact {
			return f.Codes
		}
	}
	return nil
}

// common counts for every mentor the codes of a fact that a mentee shares with
// them.
func (e *edges) common(i int, fact string, into []int) {
	clear(into)
	for _, code := range e.codes(i, fact) {
		for _, j := range e.holders[holding{fact, code}] {
			into[j]++
		}
	}
}

// value says what a factor gives a mentee with every mentor, 0 to 100.
func (e *edges) value(i int, f matching.Factor, into []int) {
	codes := e.codes(i, f.Fact)
	n := len(codes)
	switch f.Measure {
	case matching.Part:
		e.common(i, f.Fact, into)
		for j := range into {
			into[j] = into[j] * 100 / max(n, 1)
		}
	case matching.Ranked:
		clear(into)
		for k, code := range codes {
			for _, j := range e.holders[holding{f.Fact, code}] {
				into[j] += n - k
			}
		}
		for j := range into {
			into[j] = into[j] * 100 / max(n*(n+1)/2, 1)
		}
	case matching.Same:
		e.common(i, f.Fact, into)
		for j := range into {
			into[j] = 100 * min(into[j], 1)
		}
	case matching.Different:
		e.common(i, f.Fact, into)
		says := e.says[f.Fact]
		for j, common := range into {
			if into[j] = 0; common == 0 && n > 0 && says != nil && says[j] {
				into[j] = 100
			}
		}
	case matching.MenteeRanking:
		place := make(map[domain.Person]int, len(e.mentees[i].ranking))
		for k, p := range e.mentees[i].ranking {
			place[p] = len(e.mentees[i].ranking) - k
		}
		for j := range into {
			into[j] = 100 * place[e.mentors[j].id] / max(len(place), 1)
		}
	case matching.MentorRanking:
		clear(into)
		for _, r := range e.rankers[i] {
			into[r.mentor] = 100 * (r.of - r.place) / r.of
		}
	}
}

// contributions are what each factor adds to each chosen pair.
func (e *edges) contributions(partner []int) [][]matching.Contribution {
	parts, value := make([][]matching.Contribution, len(partner)), make([]int, len(e.mentors))
	for i, j := range partner {
		if j == none {
			continue
		}
		for _, f := range e.plan.Factors {
			e.value(i, f, value)
			parts[i] = append(parts[i], matching.Contribution{Factor: f.Factor, Value: value[j], Weight: f.Weight, Points: int64(value[j] * f.Weight)})
		}
	}
	return parts
}
