package matching_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/matching"
	. "github.com/daybook-engine/daybook/workflows/matching"
)

// A shape is what instances are drawn from.
type shape struct {
	mentees, mentors int
	capacity         int // the largest
	codes            int // few codes make many ties
	bars             int // in a hundred pairs
	policy           string
}

// instance draws an input. Facts, rankings, bars and locks are all there; the
// same dice draw the same.
func instance(dice *rand.Rand, s shape) matching.Input {
	in := matching.Input{
		Plan: matching.Plan{
			Policy: s.policy,
			Rules:  []matching.Rule{{Rule: "same_employer", Fact: "employer", Must: matching.Differ}, {Rule: "language", Fact: "language", Must: matching.Share}},
			Factors: []matching.Factor{
				{Factor: "priorities", Measure: matching.Ranked, Fact: "field", Weight: 1 + dice.IntN(3)},
				{Factor: "fields", Measure: matching.Part, Fact: "field", Weight: 1 + dice.IntN(2)},
				{Factor: "near", Measure: matching.Same, Fact: "nation", Weight: 1},
				{Factor: "abroad", Measure: matching.Different, Fact: "nation", Weight: 1 + dice.IntN(2)},
				{Factor: "wish", Measure: matching.MenteeRanking, Weight: 1},
				{Factor: "choice", Measure: matching.MentorRanking, Weight: 1},
			},
		},
		Seed: int64(dice.IntN(1000)),
	}
	some := func(prefix string, least, most int) []string {
		var codes []string
		for _, k := range dice.Perm(max(most, s.codes))[:least+dice.IntN(most-least+1)] {
			codes = append(codes, fmt.Sprint(prefix, k))
		}
		return codes
	}
	about := func() (facts []matching.Fact) {
		for _, f := range []struct {
			fact        string
			least, most int
		}{{"field", 0, 3}, {"nation", 0, 1}, {"employer", 0, 1}, {"language", 1, 2}} {
			if codes := some(f.fact, f.least, f.most); len(codes) > 0 {
				facts = append(facts, matching.Fact{Fact: f.fact, Codes: codes})
			}
		}
		return facts
	}
	people := func(side string, n int) (ids []domain.Person) {
		for k := range n {
			ids = append(ids, domain.Person(fmt.Sprintf("%s%03d", side, k)))
		}
		return ids
	}
	mentees, mentors := people("e", s.mentees), people("r", s.mentors)
	rank := func(of []domain.Person) (list []domain.Person) {
		for _, k := range dice.Perm(len(of))[:min(len(of), 1+dice.IntN(6))] {
			list = append(list, of[k])
		}
		return list
	}
	for _, id := range mentees {
		in.Mentees = append(in.Mentees, matching.Mentee{Mentee: id, Facts: about(), Ranking: rank(mentors)})
	}
	for _, id := range mentors {
		in.Mentors = append(in.Mentors, matching.Mentor{Mentor: id, Capacity: dice.IntN(s.capacity + 1), Facts: about(), Ranking: rank(mentees)})
	}
	for _, e := range mentees {
		for _, r := range mentors {
			if dice.IntN(100) < s.bars {
				in.Bars = append(in.Bars, matching.Bar{Mentee: e, Mentor: r, Rule: []string{"previous_pair", "conflict", "line_manager"}[dice.IntN(3)]})
			}
		}
	}
	for i := range dice.IntN(2) {
		j := dice.IntN(s.mentors)
		if ok, _ := worth(in, in.Mentees[i], in.Mentors[j]); ok && in.Mentors[j].Capacity > 0 {
			in.Locks = append(in.Locks, matching.Lock{Mentee: in.Mentees[i].Mentee, Mentor: in.Mentors[j].Mentor})
		}
	}
	return in
}

func codes(facts []matching.Fact, fact string) []string {
	for _, f := range facts {
		if f.Fact == fact {
			return f.Codes
		}
	}
	return nil
}

// worth says, from the words of the rules and factors alone, whether a pair is
// allowed and what it scores.
func worth(in matching.Input, e matching.Mentee, r matching.Mentor) (allowed bool, score int64) {
	common := func(fact string) (n int) {
		for _, c := range codes(e.Facts, fact) {
			if slices.Contains(codes(r.Facts, fact), c) {
				n++
			}
		}
		return n
	}
	if e.Mentee == r.Mentor || slices.ContainsFunc(in.Bars, func(b matching.Bar) bool { return b.Mentee == e.Mentee && b.Mentor == r.Mentor }) {
		return false, 0
	}
	for _, rule := range in.Rules {
		if rule.Must == matching.Share && common(rule.Fact) == 0 || rule.Must == matching.Differ && common(rule.Fact) > 0 {
			return false, 0
		}
	}
	wish, choice := slices.Index(e.Ranking, r.Mentor), slices.Index(r.Ranking, e.Mentee)
	if in.Policy == matching.DeferredAcceptance && (wish < 0 || choice < 0) {
		return false, 0
	}
	for _, f := range in.Factors {
		value, says := 0, codes(e.Facts, f.Fact)
		switch f.Measure {
		case matching.Part:
			if len(says) > 0 {
				value = 100 * common(f.Fact) / len(says)
			}
		case matching.Ranked:
			got, all := 0, 0
			for k, c := range says {
				all += len(says) - k
				if slices.Contains(codes(r.Facts, f.Fact), c) {
					got += len(says) - k
				}
			}
			if all > 0 {
				value = 100 * got / all
			}
		case matching.Same:
			if common(f.Fact) > 0 {
				value = 100
			}
		case matching.Different:
			if len(says) > 0 && len(codes(r.Facts, f.Fact)) > 0 && common(f.Fact) == 0 {
				value = 100
			}
		case matching.MenteeRanking:
			if wish >= 0 {
				value = 100 * (len(e.Ranking) - wish) / len(e.Ranking)
			}
		case matching.MentorRanking:
			if choice >= 0 {
				value = 100 * (len(r.Ranking) - choice) / len(r.Ranking)
			}
		}
		score += int64(f.Weight * value)
	}
	return true, score
}

// A table is an input as worth sees it, in the order drawn.
type table struct {
	in      matching.Input
	mentees []matching.Mentee
	mentors []matching.Mentor
	score   [][]int64 // -1: forbidden
}

func tabled(in matching.Input) table {
	lot := func(side string, p domain.Person) string {
		sum := sha256.Sum256([]byte(fmt.Sprintf("daybook/matching/draw\n%d\n%s\n%s", in.Seed, side, p)))
		return string(sum[:])
	}
	t := table{in: in, mentees: slices.Clone(in.Mentees), mentors: slices.Clone(in.Mentors)}
	slices.SortFunc(t.mentees, func(a, b matching.Mentee) int {
		return strings.Compare(lot("mentee", a.Mentee), lot("mentee", b.Mentee))
	})
	slices.SortFunc(t.mentors, func(a, b matching.Mentor) int {
		return strings.Compare(lot("mentor", a.Mentor), lot("mentor", b.Mentor))
	})
	for _, e := range t.mentees {
		row := make([]int64, len(t.mentors))
		for j, r := range t.mentors {
			row[j] = -1
			locked := slices.IndexFunc(in.Locks, func(l matching.Lock) bool { return l.Mentee == e.Mentee })
			if ok, score := worth(in, e, r); locked < 0 && ok || locked >= 0 && in.Locks[locked].Mentor == r.Mentor {
				row[j] = score
			}
		}
		t.score = append(t.score, row)
	}
	return t
}

func (t table) rooms() []int {
	room := make([]int, len(t.mentors))
	for j, r := range t.mentors {
		room[j] = r.Capacity
	}
	return room
}

// A sum is what an assignment comes to: people first.
type sum struct {
	locked, people int
	score          int64
}

func (s sum) compare(o sum) int {
	return cmp.Or(cmp.Compare(s.locked, o.locked), cmp.Compare(s.people, o.people), cmp.Compare(s.score, o.score))
}

// best goes through every assignment, mentee for mentee and for every room
// that is left, and gives the first of those that come to the most.
func (t table) best() (sum, []int) {
	known := map[string]sum{}
	var most func(i int, room []int) sum
	with := func(i, j int, room []int) (s sum, ok bool) {
		if j == len(t.mentors) { // nobody
			return most(i+1, room), true
		}
		if t.score[i][j] < 0 || room[j] == 0 {
			return s, false
		}
		room[j]--
		s = most(i+1, room)
		room[j]++
		s.people++
		s.score += t.score[i][j]
		if slices.ContainsFunc(t.in.Locks, func(l matching.Lock) bool { return l.Mentee == t.mentees[i].Mentee }) {
			s.locked++
		}
		return s, true
	}
	most = func(i int, room []int) (top sum) {
		key := fmt.Sprint(i, room)
		if s, ok := known[key]; ok || i == len(t.mentees) {
			return s
		}
		for j := range len(t.mentors) + 1 {
			if s, ok := with(i, j, room); ok && s.compare(top) > 0 {
				top = s
			}
		}
		known[key] = top
		return top
	}
	room := t.rooms()
	partner := make([]int, len(t.mentees))
	for i := range t.mentees {
		for j := range len(t.mentors) + 1 {
			if s, ok := with(i, j, room); ok && s == most(i, room) {
				if partner[i] = j; j < len(t.mentors) {
					room[j]--
				} else {
					partner[i] = -1
				}
				break
			}
		}
	}
	return most(0, t.rooms()), partner
}

// of is what a result says, in the table's terms.
func (t table) of(r matching.Result) (sum, []int) {
	partner := make([]int, len(t.mentees))
	s := sum{people: len(r.Pairs), score: r.Score}
	for i, e := range t.mentees {
		partner[i] = -1
		for _, p := range r.Pairs {
			if p.Mentee == e.Mentee {
				partner[i] = slices.IndexFunc(t.mentors, func(m matching.Mentor) bool { return m.Mentor == p.Mentor })
				if p.Locked {
					s.locked++
				}
			}
		}
	}
	return s, partner
}

// barred is the input without one pair.
func barred(in matching.Input, p matching.Pair) matching.Input {
	in.Bars = append(slices.Clip(in.Bars), matching.Bar{Mentee: p.Mentee, Mentor: p.Mentor, Rule: "tried"})
	return in
}

func locked(in matching.Input, e, r domain.Person) matching.Input {
	in.Locks = append(slices.Clip(in.Locks), matching.Lock{Mentee: e, Mentor: r})
	return in
}

func propose(t testing.TB, in matching.Input) matching.Result {
	t.Helper()
	r, err := Propose(t.Context(), in)
	require.NoError(t, err)
	return r
}

// sizes are instances of every size up to most by most, some of each, with few
// codes (so that ties abound) and with many.
func sizes(most, each int, policy string, try func(in matching.Input, name string)) {
	for n := 1; n <= most; n++ {
		for m := 1; m <= most; m++ {
			for k := range each {
				s := shape{mentees: n, mentors: m, capacity: 1 + k%3, codes: 2 + 2*(k%4), bars: 20 * (k % 3), policy: policy}
				try(instance(rand.New(rand.NewPCG(uint64(n*100+m), uint64(k))), s), fmt.Sprintf("%d mentees, %d mentors, %d", n, m, k))
			}
		}
	}
}

func TestAnAssignmentIsTheFirstOfTheBest(t *testing.T) {
	t.Parallel()
	sizes(8, 24, matching.Assignment, func(in matching.Input, name string) {
		table := tabled(in)
		want, first := table.best()
		got, partner := table.of(propose(t, in))
		require.Equal(t, want, got, name)
		require.Equal(t, first, partner, "%s: ties are broken by the rule", name)
	})
}

// Every table of pairs that are forbidden, score nothing or score, and some
// with one score more or with other room.
func TestAnAssignmentIsBestForEverySmallTable(t *testing.T) {
	t.Parallel()
	every := func(n, m, kinds int, capacity ...int) {
		table := make([]int, n*m)
		for {
			in := matching.Input{Plan: matching.Plan{Policy: matching.Assignment}}
			for v := 2; v < kinds; v++ {
				fact := fmt.Sprint("worth", v-1)
				in.Factors = append(in.Factors, matching.Factor{Factor: fact, Measure: matching.Same, Fact: fact, Weight: v - 1})
			}
			for i := range n {
				in.Mentees = append(in.Mentees, matching.Mentee{Mentee: domain.Person(fmt.Sprint("e", i))})
			}
			for j := range m {
				in.Mentors = append(in.Mentors, matching.Mentor{Mentor: domain.Person(fmt.Sprint("r", j)), Capacity: capacity[j]})
			}
			for k, v := range table {
				e, r := &in.Mentees[k/m], &in.Mentors[k%m]
				if v == 0 {
					in.Bars = append(in.Bars, matching.Bar{Mentee: e.Mentee, Mentor: r.Mentor, Rule: "conflict"})
				} else if v > 1 {
					f := matching.Fact{Fact: fmt.Sprint("worth", v-1), Codes: []string{fmt.Sprint("cell", k)}}
					e.Facts, r.Facts = join(e.Facts, f), join(r.Facts, f)
				}
			}
			all := tabled(in)
			want, first := all.best()
			got, partner := all.of(propose(t, in))
			require.Equal(t, want, got, table)
			require.Equal(t, first, partner, table)
			k := 0
			for k < len(table) && table[k] == kinds-1 {
				table[k] = 0
				k++
			}
			if k == len(table) {
				return
			}
			table[k]++
		}
	}
	every(2, 2, 4, 1, 1)
	every(3, 2, 3, 2, 1)
	every(2, 3, 3, 1, 1, 1)
	every(3, 3, 3, 1, 1, 1)
	every(3, 3, 2, 2, 0, 1)
}

// join adds a fact's codes to what is said of it.
func join(facts []matching.Fact, f matching.Fact) []matching.Fact {
	for i := range facts {
		if facts[i].Fact == f.Fact {
			facts[i].Codes = append(facts[i].Codes, f.Codes...)
			return facts
		}
	}
	return append(facts, f)
}

// flow is the most that an assignment comes to, by another road: minimum-cost
// flow, one cheapest path after another, each found by Bellman and Ford's.
func (t table) flow() sum {
	type arc struct{ from, to, room, cost int }
	var arcs []arc
	add := func(from, to, room, cost int) {
		arcs = append(arcs, arc{from, to, room, cost}, arc{to, from, 0, -cost})
	}
	n, m := len(t.mentees), len(t.mentors)
	const person, lock = 1 << 20, 1 << 40
	source, sink := n+m, n+m+1
	for i := range t.mentees {
		add(source, i, 1, 0)
		for j, s := range t.score[i] {
			if s >= 0 {
				worth := person + int(s)
				if slices.ContainsFunc(t.in.Locks, func(l matching.Lock) bool { return l.Mentee == t.mentees[i].Mentee }) {
					worth += lock
				}
				add(i, n+j, 1, -worth)
			}
		}
	}
	for j, room := range t.rooms() {
		add(n+j, sink, room, 0)
	}
	total := 0
	for {
		const far = 1 << 60
		distance, by := make([]int, n+m+2), make([]int, n+m+2)
		for k := range distance {
			distance[k] = far
		}
		distance[source] = 0
		for changed := true; changed; {
			changed = false
			for k, a := range arcs {
				if a.room > 0 && distance[a.from] < far && distance[a.from]+a.cost < distance[a.to] {
					distance[a.to], by[a.to], changed = distance[a.from]+a.cost, k, true
				}
			}
		}
		if distance[sink] >= 0 {
			return sum{total / lock, total % lock / person, int64(total % person)}
		}
		total -= distance[sink]
		for at := sink; at != source; at = arcs[by[at]].from {
			arcs[by[at]].room--
			arcs[by[at]^1].room++
		}
	}
}

func TestALargerAssignmentIsAsGoodAsByFlow(t *testing.T) {
	t.Parallel()
	for k := range 60 {
		dice := rand.New(rand.NewPCG(60, uint64(k)))
		in := instance(dice, shape{mentees: 20 + dice.IntN(41), mentors: 5 + dice.IntN(56), capacity: 1 + dice.IntN(4), codes: 3 + dice.IntN(30), bars: dice.IntN(60), policy: matching.Assignment})
		all := tabled(in)
		r := propose(t, in)
		got, _ := all.of(r)
		require.Equal(t, all.flow(), got, k)
		for _, a := range r.Alternatives[:min(3, len(r.Alternatives))] {
			without, _ := all.of(propose(t, barred(in, matching.Pair{Mentee: a.Mentee, Mentor: partner(r, a.Mentee)})))
			require.Equal(t, got, sum{without.locked, without.people + a.Fewer, without.score + a.Less}, k)
		}
	}
}

// People come first: a good pair does not leave somebody without any.
func TestMostPeopleThenTheScore(t *testing.T) {
	t.Parallel()
	fact := func(codes ...string) []matching.Fact { return []matching.Fact{{Fact: "field", Codes: codes}} }
	in := matching.Input{
		Plan:    matching.Plan{Policy: matching.Assignment, Factors: []matching.Factor{{Factor: "field", Measure: matching.Part, Fact: "field", Weight: 1000}}},
		Mentees: []matching.Mentee{{Mentee: "ana", Facts: fact("a")}, {Mentee: "ben", Facts: fact("b")}},
		Mentors: []matching.Mentor{{Mentor: "mia", Capacity: 1, Facts: fact("a")}, {Mentor: "max", Capacity: 1}},
		Bars:    []matching.Bar{{Mentee: "ben", Mentor: "max", Rule: "conflict"}},
	}
	r := propose(t, in)
	require.Len(t, r.Pairs, 2, "100,000 points for ana and mia leave nobody out")
	require.Zero(t, r.Score)
	require.Equal(t, matching.Alternative{Mentee: "ana", Mentor: "mia", Fewer: 1, Less: -100_000}, r.Alternatives[0], "one pair fewer, and a greater score")
	in.Bars = nil
	require.EqualValues(t, 100_000, propose(t, in).Score)
}

func TestWhatIsProposedKeepsTheRules(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{matching.Assignment, matching.DeferredAcceptance} {
		sizes(9, 6, policy, func(in matching.Input, name string) {
			r := propose(t, in)
			load := map[domain.Person]int{}
			seen := map[domain.Person]bool{}
			var score int64
			for _, p := range r.Pairs {
				e, m := find(in, p.Mentee, p.Mentor)
				allowed, worth := worth(in, e, m)
				require.True(t, allowed || p.Locked, "%s: %v is forbidden", name, p)
				require.Equal(t, worth, p.Score, name)
				require.False(t, seen[p.Mentee])
				seen[p.Mentee] = true
				load[p.Mentor]++
				require.LessOrEqual(t, load[p.Mentor], m.Capacity, name)
				require.Equal(t, 1+slices.Index(e.Ranking, p.Mentor), p.MenteeRank)
				var parts int64
				for _, c := range p.Parts {
					require.EqualValues(t, c.Value*c.Weight, c.Points)
					parts += c.Points
				}
				require.Equal(t, p.Score, parts, "%s: the parts make the score", name)
				require.Len(t, p.Parts, len(in.Factors))
				_, ok := alternative(r, p.Mentee)
				require.Equal(t, p.Locked, !ok)
				score += p.Score
			}
			require.Equal(t, score, r.Score)
			for _, l := range in.Locks {
				require.True(t, slices.ContainsFunc(r.Pairs, func(p matching.Pair) bool { return p.Mentee == l.Mentee && p.Mentor == l.Mentor && p.Locked }), "%s: locks are kept", name)
			}
			whole := len(r.Pairs) + len(r.Unmatched)
			for _, m := range in.Mentors {
				if load[m.Mentor] > 0 {
					whole++
				}
			}
			require.Equal(t, len(in.Mentees)+len(in.Mentors), whole, "%s: everybody is in a pair or told why not", name)
			for _, u := range r.Unmatched {
				requireReason(t, in, r, u, load, name)
			}
		})
	}
}

func find(in matching.Input, mentee, mentor domain.Person) (e matching.Mentee, r matching.Mentor) {
	e = in.Mentees[slices.IndexFunc(in.Mentees, func(e matching.Mentee) bool { return e.Mentee == mentee })]
	return e, in.Mentors[slices.IndexFunc(in.Mentors, func(m matching.Mentor) bool { return m.Mentor == mentor })]
}

// requireReason holds a reason against the input: it is true, and it is the
// one that applies.
func requireReason(t *testing.T, in matching.Input, r matching.Result, u matching.Unmatched, load map[domain.Person]int, name string) {
	admissible, free := 0, 0
	if u.Side == "mentee" {
		for _, m := range in.Mentors {
			e, m := find(in, u.Person, m.Mentor)
			if ok, _ := worth(in, e, m); ok {
				admissible++
				if load[m.Mentor] < m.Capacity {
					free++
				}
			}
		}
		require.Zero(t, free, "%s: a mentor with room whom the rules allow", name)
		require.Equal(t, map[bool]string{true: matching.Exhausted, false: matching.NoAdmissible}[admissible > 0], u.Reason, name)
	} else {
		capacity := 0
		for _, e := range in.Mentees {
			e, m := find(in, e.Mentee, u.Person)
			capacity = m.Capacity
			if ok, _ := worth(in, e, m); ok {
				admissible++
				if !slices.ContainsFunc(r.Pairs, func(p matching.Pair) bool { return p.Mentee == e.Mentee }) {
					free++
				}
			}
		}
		want := matching.NotNeeded
		switch {
		case capacity == 0:
			want = matching.NoCapacity
		case admissible == 0:
			want = matching.NoAdmissible
		}
		require.Equal(t, want, u.Reason, name)
		require.True(t, free == 0 || capacity == 0, "%s: a mentee without a mentor whom the rules allow", name)
	}
	require.Equal(t, admissible, u.Admissible, name)
	require.NotEmpty(t, u.Words())
}

func TestTheOrderOfAnInputSaysNothing(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{matching.Assignment, matching.DeferredAcceptance} {
		sizes(7, 6, policy, func(in matching.Input, name string) {
			before := encode(t, propose(t, in))
			dice := rand.New(rand.NewPCG(1, uint64(len(before))))
			var other matching.Input
			require.NoError(t, json.Unmarshal(encode(t, in), &other))
			shuffle(dice, other.Mentees)
			shuffle(dice, other.Mentors)
			shuffle(dice, other.Rules)
			shuffle(dice, other.Factors)
			shuffle(dice, other.Bars)
			shuffle(dice, other.Locks)
			for _, e := range other.Mentees {
				shuffle(dice, e.Facts)
				for _, f := range e.Facts {
					if f.Fact != "field" { // measured as ranked
						shuffle(dice, f.Codes)
					}
				}
			}
			for _, r := range other.Mentors {
				shuffle(dice, r.Facts)
				for _, f := range r.Facts {
					shuffle(dice, f.Codes)
				}
			}
			given := encode(t, other)
			require.Equal(t, string(before), string(encode(t, propose(t, other))), name)
			require.Equal(t, string(given), string(encode(t, other)), "an input is left as it was")
			require.Equal(t, string(in.JSON()), string(other.JSON()))

			back, err := Decode(in.JSON())
			require.NoError(t, err)
			require.Equal(t, string(before), string(encode(t, propose(t, back))), "%s: from its canonical form", name)
		})
	}
}

func shuffle[T any](dice *rand.Rand, list []T) {
	dice.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
}

func encode(t testing.TB, v any) []byte {
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return b
}

func TestOneMoreRuleNeverMakesItBetter(t *testing.T) {
	t.Parallel()
	sizes(7, 4, matching.Assignment, func(in matching.Input, name string) {
		all := tabled(in)
		before, _ := all.of(propose(t, in))
		in.Locks = nil // which a new rule may break
		free, _ := all.of(propose(t, in))
		in.Rules = append(slices.Clip(in.Rules), matching.Rule{Rule: "nation", Fact: "nation", Must: matching.Differ})
		after, _ := all.of(propose(t, in))
		require.GreaterOrEqual(t, free.compare(after), 0, name)
		free.locked, before.locked = 0, 0
		require.GreaterOrEqual(t, free.compare(before), 0, "%s: nor does a lock", name)
	})
}

// What an alternative says is what comes of forbidding the pair.
func TestAnAlternativeIsTheBestWithoutThePair(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{matching.Assignment, matching.DeferredAcceptance} {
		sizes(6, 6, policy, func(in matching.Input, name string) {
			r, all := propose(t, in), tabled(in)
			for _, p := range r.Pairs {
				if p.Locked {
					continue
				}
				without := propose(t, barred(in, p))
				got, _ := alternative(r, p.Mentee)
				require.Equal(t, len(r.Pairs)-len(without.Pairs), got.Fewer, name)
				require.Equal(t, r.Score-without.Score, got.Less, name)
				require.NotEqual(t, p.Mentor, got.Mentor)
				require.NotEmpty(t, got.Cost())
				if policy == matching.DeferredAcceptance {
					require.Equal(t, partner(without, p.Mentee), got.Mentor, name)
					continue
				}
				want := domain.Person("")
				for _, m := range all.mentors { // the first drawn who goes as well
					if m.Mentor == p.Mentor {
						continue
					}
					other, err := Propose(t.Context(), locked(barred(in, p), p.Mentee, m.Mentor))
					if err == nil && len(other.Pairs) == len(without.Pairs) && other.Score == without.Score {
						want = m.Mentor
						break
					}
				}
				require.Equal(t, want, got.Mentor, name)
			}
		})
	}
}

func alternative(r matching.Result, mentee domain.Person) (matching.Alternative, bool) {
	i := slices.IndexFunc(r.Alternatives, func(a matching.Alternative) bool { return a.Mentee == mentee })
	if i < 0 {
		return matching.Alternative{}, false
	}
	return r.Alternatives[i], true
}

func partner(r matching.Result, mentee domain.Person) domain.Person {
	for _, p := range r.Pairs {
		if p.Mentee == mentee {
			return p.Mentor
		}
	}
	return ""
}

// place is where somebody stands in a ranking: behind everybody when nowhere.
func place(list []domain.Person, p domain.Person) int {
	if i := slices.Index(list, p); i >= 0 {
		return i
	}
	return len(list)
}

// stable tells whether no two would rather have each other, who may.
func (t table) stable(partner []int) bool {
	load, worst := make([]int, len(t.mentors)), make([]int, len(t.mentors))
	for i, j := range partner {
		if j >= 0 {
			load[j]++
			worst[j] = max(worst[j], place(t.mentors[j].Ranking, t.mentees[i].Mentee))
		}
	}
	for i, e := range t.mentees {
		has := len(e.Ranking)
		if partner[i] >= 0 {
			has = place(e.Ranking, t.mentors[partner[i]].Mentor)
		}
		for j, r := range t.mentors {
			if t.score[i][j] < 0 || partner[i] == j || place(e.Ranking, r.Mentor) >= has || r.Capacity == 0 {
				continue
			}
			if load[j] < r.Capacity || place(r.Ranking, e.Mentee) < worst[j] {
				return false
			}
		}
	}
	return true
}

func TestDeferredAcceptanceIsStableAndBestForMentees(t *testing.T) {
	t.Parallel()
	try := func(most, each int, enumerate bool) {
		sizes(most, each, matching.DeferredAcceptance, func(in matching.Input, name string) {
			in.Locks = nil
			all := tabled(in)
			_, got := all.of(propose(t, in))
			require.True(t, all.stable(got), name)
			if !enumerate {
				return
			}
			some := false
			all.every(func(partner []int) {
				if !all.stable(partner) {
					return
				}
				some = some || slices.Equal(partner, got)
				for i, e := range all.mentees {
					has := func(j int) int {
						if j < 0 {
							return len(e.Ranking)
						}
						return place(e.Ranking, all.mentors[j].Mentor)
					}
					require.LessOrEqual(t, has(got[i]), has(partner[i]), "%s: mentee %d would have more by another stable matching", name, i)
				}
			})
			require.True(t, some, name)
		})
	}
	try(5, 12, true)
	try(20, 2, false)
}

// every goes through all ways to match people within the rules.
func (t table) every(visit func(partner []int)) {
	room, partner := t.rooms(), make([]int, len(t.mentees))
	var from func(i int)
	from = func(i int) {
		if i == len(partner) {
			visit(partner)
			return
		}
		partner[i] = -1
		from(i + 1)
		for j := range room {
			if t.score[i][j] >= 0 && room[j] > 0 {
				partner[i] = j
				room[j]--
				from(i + 1)
				room[j]++
			}
		}
		partner[i] = -1
	}
	from(0)
}

// Locks take their room; the others are stable among themselves.
func TestALockGoesBeforeARanking(t *testing.T) {
	t.Parallel()
	in := matching.Input{
		Plan:    matching.Plan{Policy: matching.DeferredAcceptance},
		Mentees: []matching.Mentee{{Mentee: "ana", Ranking: []domain.Person{"mia", "max"}}, {Mentee: "ben"}},
		Mentors: []matching.Mentor{{Mentor: "mia", Capacity: 1, Ranking: []domain.Person{"ana"}}, {Mentor: "max", Capacity: 1, Ranking: []domain.Person{"ana"}}},
		Locks:   []matching.Lock{{Mentee: "ben", Mentor: "mia"}},
	}
	r := propose(t, in)
	require.Equal(t, domain.Person("max"), partner(r, "ana"))
	require.Equal(t, domain.Person("mia"), partner(r, "ben"))
	require.Equal(t, []matching.Alternative{{Mentee: "ana", Fewer: 1}}, r.Alternatives)
}

// Stable is not most: a pair may stand in the way of two.
func TestDeferredAcceptanceMayMatchMoreWithoutAPair(t *testing.T) {
	t.Parallel()
	r := propose(t, matching.Input{
		Plan:    matching.Plan{Policy: matching.DeferredAcceptance},
		Mentees: []matching.Mentee{{Mentee: "ana", Ranking: []domain.Person{"mia", "noa"}}, {Mentee: "ben", Ranking: []domain.Person{"mia"}}},
		Mentors: []matching.Mentor{{Mentor: "mia", Capacity: 1, Ranking: []domain.Person{"ana", "ben"}}, {Mentor: "noa", Capacity: 1, Ranking: []domain.Person{"ana"}}},
	})
	require.Len(t, r.Pairs, 1)
	require.Equal(t, []matching.Alternative{{Mentee: "ana", Mentor: "noa", Fewer: -1}}, r.Alternatives)
	require.Equal(t, "1 more would be matched in all, and all pairs together would score the same", r.Alternatives[0].Cost())
}

func TestABadInputIsToldWhere(t *testing.T) {
	t.Parallel()
	good := func() matching.Input {
		return matching.Input{
			Plan: matching.Plan{
				Policy:  matching.Assignment,
				Rules:   []matching.Rule{{Rule: "same_employer", Fact: "employer", Must: matching.Differ}},
				Factors: []matching.Factor{{Factor: "field", Measure: matching.Part, Fact: "field", Weight: 3}, {Factor: "wish", Measure: matching.MenteeRanking, Weight: 1}},
			},
			Mentees: []matching.Mentee{{Mentee: "ana", Facts: []matching.Fact{{Fact: "employer", Codes: []string{"x"}}}}, {Mentee: "ben", Ranking: []domain.Person{"mia"}}},
			Mentors: []matching.Mentor{{Mentor: "mia", Capacity: 1, Facts: []matching.Fact{{Fact: "employer", Codes: []string{"x", "y"}}}, Ranking: []domain.Person{"ana", "ben"}}, {Mentor: "max"}},
			Bars:    []matching.Bar{{Mentee: "ana", Mentor: "max", Rule: "conflict"}},
			Locks:   []matching.Lock{{Mentee: "ben", Mentor: "mia"}},
		}
	}
	propose(t, good())
	in := good()
	for k := range 30 { // 32 with same_employer and conflict
		in.Bars = append(in.Bars, matching.Bar{Mentee: "ana", Mentor: "max", Rule: fmt.Sprint("rule", k)})
	}
	in.Bars = append(in.Bars, matching.Bar{Mentee: "ana", Mentor: "max", Rule: matching.PreviousPair})
	propose(t, in)
	for where, spoil := range map[string]func(in *matching.Input){
		"policy: expected assignment or deferred_acceptance":                 func(in *matching.Input) { in.Policy = "best" },
		"rules[1].rule: expected a code such as same_employer, found \"\"":   func(in *matching.Input) { in.Rules[0].Rule = "" },
		"rules[2].rule: expected a code that no other rule has":              func(in *matching.Input) { in.Rules = append(in.Rules, in.Rules[0]) },
		"rules[1].rule: expected another code: unranked holds without being": func(in *matching.Input) { in.Rules[0].Rule = "unranked" },
		"rules[1].rule: expected another code: previous_pair holds without":  func(in *matching.Input) { in.Rules[0].Rule = "previous_pair" },
		"rules[1].fact: expected a code":                                     func(in *matching.Input) { in.Rules[0].Fact = "My Firm" },
		"rules[1].must: expected share or differ":                            func(in *matching.Input) { in.Rules[0].Must = "" },
		"rules: expected 32 at most, found 33":                               func(in *matching.Input) { in.Rules = append(in.Rules, make([]matching.Rule, 32)...) },
		"factors: expected 16 at most":                                       func(in *matching.Input) { in.Factors = make([]matching.Factor, 17) },
		"factors[1].factor: expected a code":                                 func(in *matching.Input) { in.Factors[0].Factor = "" },
		"factors[2].factor: expected a code that no other factor has":        func(in *matching.Input) { in.Factors[1].Factor = "field" },
		"factors[1].measure: expected part, ranked":                          func(in *matching.Input) { in.Factors[0].Measure = "near" },
		"factors[1].fact: expected a code":                                   func(in *matching.Input) { in.Factors[0].Fact = "" },
		"factors[2].fact: expected none":                                     func(in *matching.Input) { in.Factors[1].Fact = "field" },
		"factors[1].weight: expected 1 to 1000, found 0":                     func(in *matching.Input) { in.Factors[0].Weight = 0 },
		"factors[1].weight: expected 1 to 1000, found 9223372036854775807":   func(in *matching.Input) { in.Factors[0].Weight = 1<<63 - 1 },
		"seed: expected 0 to 9007199254740991, found -1":                     func(in *matching.Input) { in.Seed = -1 },
		"mentees: expected at least one":                                     func(in *matching.Input) { in.Mentees, in.Bars, in.Locks, in.Mentors[0].Ranking = nil, nil, nil, nil },
		"mentors: expected at least one":                                     func(in *matching.Input) { in.Mentors, in.Bars, in.Locks, in.Mentees[1].Ranking = nil, nil, nil, nil },
		"mentees: expected 4096 at most, found 4097":                         func(in *matching.Input) { in.Mentees = append(in.Mentees, many(4095)...) },
		"mentees: expected rankings":                                         func(in *matching.Input) { in.Policy, in.Mentees[1].Ranking = matching.DeferredAcceptance, nil },
		"mentors: expected rankings":                                         func(in *matching.Input) { in.Policy, in.Mentors[0].Ranking = matching.DeferredAcceptance, nil },
		"mentees[2].mentee: expected somebody who is listed once, not ana":   func(in *matching.Input) { in.Mentees[1].Mentee, in.Locks, in.Mentors[0].Ranking = "ana", nil, nil },
		"mentors[2].mentor: expected somebody's id":                          func(in *matching.Input) { in.Mentors[1].Mentor, in.Bars = "", nil },
		"mentors[1].capacity: expected 0 to 4096, found -1":                  func(in *matching.Input) { in.Mentors[0].Capacity, in.Locks = -1, nil },
		"mentors[1].facts[1].codes[2]: expected every code once":             func(in *matching.Input) { in.Mentors[0].Facts[0].Codes[1] = "x" },
		"mentees[1].facts[1].codes: expected at least one":                   func(in *matching.Input) { in.Mentees[0].Facts[0].Codes = nil },
		"mentees[1].facts[2].fact: expected a fact that is said once":        func(in *matching.Input) { in.Mentees[0].Facts = append(in.Mentees[0].Facts, in.Mentees[0].Facts...) },
		"mentees[1].facts[1].codes[1]: expected a code":                      func(in *matching.Input) { in.Mentees[0].Facts[0].Codes[0] = "Ana’s firm" },
		"mentees[2].ranking[1]: expected one of the mentors, found \"ben\"":  func(in *matching.Input) { in.Mentees[1].Ranking[0] = "ben" },
		"mentors[1].ranking[2]: expected everybody once, not ana":            func(in *matching.Input) { in.Mentors[0].Ranking[1] = "ana" },
		"mentors[1].ranking: expected 100 at most, found 101": func(in *matching.Input) {
			for _, m := range many(99) {
				in.Mentees, in.Mentors[0].Ranking = append(in.Mentees, m), append(in.Mentors[0].Ranking, m.Mentee)
			}
		},
		"bars: expected codes that with those of the rules are 32 at most, fo": func(in *matching.Input) {
			for k := range 31 {
				in.Bars = append(in.Bars, matching.Bar{Mentee: "ana", Mentor: "max", Rule: fmt.Sprint("rule", k)})
			}
		},
		"mentees: expected at most 2095 people in one run, mentees and mentors together, where as much is said of each as here, found 3002": func(in *matching.Input) {
			in.Mentees = append(in.Mentees, many(2998)...)
		},
		"bars[1].mentee: expected one of the mentees, found \"zoe\"":           func(in *matching.Input) { in.Bars[0].Mentee = "zoe" },
		"bars[1].rule: expected a code":                                        func(in *matching.Input) { in.Bars[0].Rule = "they quarrelled" },
		"bars[1].rule: expected another code: same_employer is one of the":     func(in *matching.Input) { in.Bars[0].Rule = "same_employer" },
		"bars[1].rule: expected another code: same_person is a rule":           func(in *matching.Input) { in.Bars[0].Rule = "same_person" },
		"bars[2]: expected everything once":                                    func(in *matching.Input) { in.Bars = append(in.Bars, in.Bars[0]) },
		"locks[1].mentor: expected one of the mentors, found \"zoe\"":          func(in *matching.Input) { in.Locks[0].Mentor = "zoe" },
		"locks[2].mentee: expected one lock for each mentee":                   func(in *matching.Input) { in.Locks = append(in.Locks, matching.Lock{Mentee: "ben", Mentor: "max"}) },
		"locks[1].mentor: expected no more locks than max has room for, 0":     func(in *matching.Input) { in.Locks[0].Mentor = "max" },
		"locks[1]: expected a pair that the rules allow, not one that same_em": func(in *matching.Input) { in.Locks[0].Mentee = "ana" },
		"locks[1]: expected a pair that the rules allow, not one that tried":   func(in *matching.Input) { *in = barred(*in, matching.Pair{Mentee: "ben", Mentor: "mia"}) },
		"found \"\"; seed: expected 0 to 9007199254740991, found -1)":          func(in *matching.Input) { in.Policy, in.Seed = "", -1 },
		"found -1; and so on, 5 in all)": func(in *matching.Input) {
			in.Policy, in.Seed, in.Mentors[0].Capacity, in.Factors[0].Weight = "", -1, -1, 0
		},
	} {
		in := good()
		spoil(&in)
		_, err := Propose(t.Context(), in)
		require.ErrorIs(t, err, ErrInput, where)
		require.ErrorContains(t, err, where)
	}
}

// A run stops wherever it is when nobody waits for it any more.
func TestARunStopsWithItsContext(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{matching.Assignment, matching.DeferredAcceptance} {
		in := instance(rand.New(rand.NewPCG(3, 3)), shape{mentees: 9, mentors: 6, capacity: 1, codes: 3, policy: policy})
		whole := &patience{t.Context(), 1 << 30}
		_, err := Propose(whole, in)
		require.NoError(t, err)
		asked := 1<<30 - whole.left
		require.Greater(t, asked, len(in.Mentees), policy)
		for n := range asked {
			_, err := Propose(&patience{t.Context(), n}, in)
			require.ErrorIs(t, err, context.Canceled, "%s: %d", policy, n)
		}
	}
}

// patience ends after it has been asked so many times.
type patience struct {
	context.Context
	left int
}

func (p *patience) Err() error {
	if p.left--; p.left < 0 {
		return context.Canceled
	}
	return nil
}

func many(n int) (list []matching.Mentee) {
	for k := range n {
		list = append(list, matching.Mentee{Mentee: domain.Person(fmt.Sprint("m", k))})
	}
	return list
}

func TestNobodyIsTheirOwnMentor(t *testing.T) {
	t.Parallel()
	in := matching.Input{Plan: matching.Plan{Policy: matching.Assignment}, Mentees: []matching.Mentee{{Mentee: "ana"}}, Mentors: []matching.Mentor{{Mentor: "ana", Capacity: 2}}}
	r := propose(t, in)
	require.Empty(t, r.Pairs)
	require.Equal(t, []matching.Unmatched{
		{Person: "ana", Side: "mentee", Reason: matching.NoAdmissible, Blocked: []matching.Blocked{{Rule: matching.SamePerson, Partners: 1}}},
		{Person: "ana", Side: "mentor", Reason: matching.NoAdmissible, Blocked: []matching.Blocked{{Rule: matching.SamePerson, Partners: 1}}},
	}, r.Unmatched)
	require.Equal(t, "the rules allow no partner: same person forbids 1", r.Unmatched[0].Words())
}

// What an input hashes to, and what it results in, never changes: recorded
// runs rest on it. A result that must change takes a new Version.
func TestARunIsTheSameForEver(t *testing.T) {
	t.Parallel()
	in := instance(rand.New(rand.NewPCG(121, 2)), shape{mentees: 5, mentors: 4, capacity: 2, codes: 4, bars: 20, policy: matching.Assignment})
	r := propose(t, in)
	require.Equal(t, in.Hash(), r.Input)
	require.Equal(t, in.Seed, r.Seed)
	require.Equal(t, "28pAWStvLfRctGzuxytZd8l187sLrN2IXenLPJFkWGg", string(in.Hash()))
	sum := sha256.Sum256(encode(t, r))
	require.Equal(t, "5f17e42b08c45050b9319733c65dc603b13ede91a22bb9d998b26a67ac0f4332", fmt.Sprintf("%x", sum))
	in.Policy = matching.DeferredAcceptance
	sum = sha256.Sum256(encode(t, propose(t, in)))
	require.Equal(t, "b48a12c22de66df2f036c081f3373deb8e1d00c5cc0e04aac332bae8edb98716", fmt.Sprintf("%x", sum))
}

func TestAPairIsPutInWords(t *testing.T) {
	t.Parallel()
	p := matching.Pair{Score: 320, Parts: []matching.Contribution{{Factor: "priorities", Value: 60, Weight: 5, Points: 300}, {Factor: "own_nation", Value: 20, Weight: 1, Points: 20}}, MenteeRank: 1, MentorRank: 3}
	require.Equal(t, "priorities 300 (60 of 100, weight 5), own nation 20 (20 of 100, weight 1); the mentee's choice 1; the mentor's choice 3", p.Why())
	require.Equal(t, "it was decided before", matching.Pair{Locked: true}.Why())
	require.Equal(t, "1 fewer would be matched in all, and all pairs together would score 5 more", matching.Alternative{Fewer: 1, Less: -5}.Cost())
	require.Equal(t, "all pairs together would score the same", matching.Alternative{Mentor: "mia"}.Cost())
	for policy, words := range map[string]string{
		matching.Assignment:         "all pairs together would score the same: decided by lot, seed 7",
		matching.DeferredAcceptance: "all pairs together would score the same",
	} {
		require.Equal(t, words, matching.Result{Algorithm: policy, Seed: 7}.Instead(matching.Alternative{Mentor: "mia"}))
	}
	require.Equal(t, "all pairs together would score 5 less", matching.Result{Algorithm: matching.Assignment, Seed: 7}.Instead(matching.Alternative{Less: 5}))
	require.Equal(t, "1 more would be matched in all, and all pairs together would score 20 more", matching.Alternative{Mentor: "mia", Fewer: -1, Less: -20}.Cost())
}

// FuzzDecode looks for an input that panics, or that is not matched the same
// way again.
func FuzzDecode(f *testing.F) {
	for k := range 4 {
		policy := []string{matching.Assignment, matching.DeferredAcceptance}[k%2]
		f.Add(instance(rand.New(rand.NewPCG(7, uint64(k))), shape{mentees: 4, mentors: 3, capacity: 2, codes: 3, bars: 10, policy: policy}).JSON())
	}
	for _, text := range []string{``, `null`, `[]`, `{}`, `{} {}`, `{"policy":"assignment"}`, `{"policy":1}`, `{"police":"x"}`, `{"mentees":[{"mentee":null}]}`,
		`{"policy":"assignment","seed":1e3,"mentees":[{"mentee":"a"}],"mentors":[{"mentor":"b","capacity":1e9}]}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		in, err := Decode(text)
		if err != nil {
			require.ErrorIs(t, err, ErrInput)
			return
		}
		r, err := Propose(t.Context(), in)
		if err != nil {
			require.ErrorContains(t, err, "locks[")
			return
		}
		back, err := Decode(in.JSON())
		require.NoError(t, err)
		require.True(t, bytes.Equal(encode(t, r), encode(t, propose(t, back))))
	})
}

// BenchmarkAssignment solves what is drawn: five hundred mentees and mentors, as
// many as fit in one run, and two thousand, which would not.
func BenchmarkAssignment(b *testing.B) {
	for _, n := range []int{500, 2000} {
		for name, s := range map[string]shape{
			"one": {capacity: 1, codes: 60}, "room": {capacity: 3, codes: 60}, "ties": {capacity: 1, codes: 3},
		} {
			b.Run(fmt.Sprintf("%d/%s", n, name), func(b *testing.B) {
				s.mentees, s.mentors, s.policy = n, n, matching.Assignment
				in := instance(rand.New(rand.NewPCG(uint64(n), 1)), s)
				for j := range in.Mentors {
					in.Mentors[j].Capacity = max(in.Mentors[j].Capacity, 1)
				}
				for b.Loop() {
					require.NoError(b, Assign(b.Context(), in))
				}
			})
		}
	}
}
