package matching

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/daybook-engine/daybook/domain"
)

// An Input is everything that a run rests on: ids, codes and whole numbers,
// nothing anybody wrote. The order of people, facts, rules, factors, bars and
// locks says nothing; that of a ranking does, and that of a mentee's codes for
// a fact that is measured as ranked.
type Input struct {
	Plan
	Seed    int64    `json:"seed"` // draws the order in which ties are broken
	Mentees []Mentee `json:"mentees"`
	Mentors []Mentor `json:"mentors"`
	Bars    []Bar    `json:"bars,omitempty"`
	Locks   []Lock   `json:"locks,omitempty"`
}

// A Mentee is somebody to be matched.
type Mentee struct {
	Mentee  domain.Person   `json:"mentee"`
	Facts   []Fact          `json:"facts,omitempty"`
	Ranking []domain.Person `json:"ranking,omitempty"` // mentors, best first
}

// A Mentor is somebody with room for some.
type Mentor struct {
	Mentor   domain.Person   `json:"mentor"`
	Capacity int             `json:"capacity"`
	Facts    []Fact          `json:"facts,omitempty"`
	Ranking  []domain.Person `json:"ranking,omitempty"` // mentees, best first
}

// A Fact is what is known of somebody, in codes.
type Fact struct {
	Fact  string   `json:"fact"`
	Codes []string `json:"codes"`
}

// A Bar is a hard rule about two people: line_manager, previous_pair,
// conflict.
type Bar struct {
	Mentee domain.Person `json:"mentee"`
	Mentor domain.Person `json:"mentor"`
	Rule   string        `json:"rule"`
}

// A Lock is a pair that was decided on before.
type Lock struct {
	Mentee domain.Person `json:"mentee"`
	Mentor domain.Person `json:"mentor"`
}

// Ordered tells whether the order of a mentee's codes for a fact counts.
func (p Plan) Ordered(fact string) bool {
	return slices.ContainsFunc(p.Factors, func(f Factor) bool { return f.Measure == Ranked && f.Fact == fact })
}

// Canonical is the same input with everything whose order says nothing in
// order: inputs that say the same are then the same.
func (in Input) Canonical() Input {
	in.Rules = ordered(in.Rules, func(a, b Rule) int { return cmp.Compare(a.Rule, b.Rule) })
	in.Factors = ordered(in.Factors, func(a, b Factor) int { return cmp.Compare(a.Factor, b.Factor) })
	in.Mentees = ordered(in.Mentees, func(a, b Mentee) int { return cmp.Compare(a.Mentee, b.Mentee) })
	for i, m := range in.Mentees {
		in.Mentees[i].Facts = facts(m.Facts, in.Ordered)
		in.Mentees[i].Ranking = clone(m.Ranking)
	}
	in.Mentors = ordered(in.Mentors, func(a, b Mentor) int { return cmp.Compare(a.Mentor, b.Mentor) })
	for i, m := range in.Mentors {
		in.Mentors[i].Facts = facts(m.Facts, func(string) bool { return false })
		in.Mentors[i].Ranking = clone(m.Ranking)
	}
	in.Bars = ordered(in.Bars, func(a, b Bar) int {
		return cmp.Or(cmp.Compare(a.Mentee, b.Mentee), cmp.Compare(a.Mentor, b.Mentor), cmp.Compare(a.Rule, b.Rule))
	})
	in.Locks = ordered(in.Locks, func(a, b Lock) int {
		return cmp.Or(cmp.Compare(a.Mentee, b.Mentee), cmp.Compare(a.Mentor, b.Mentor))
	})
	return in
}

// ordered is a sorted copy; of nothing, nil, as it comes back from JSON.
func ordered[T any](list []T, by func(a, b T) int) []T {
	list = clone(list)
	slices.SortFunc(list, by)
	return list
}

func clone[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return slices.Clone(list)
}

func facts(list []Fact, keep func(fact string) bool) []Fact {
	list = ordered(list, func(a, b Fact) int { return cmp.Compare(a.Fact, b.Fact) })
	for i, f := range list {
		if list[i].Codes = clone(f.Codes); !keep(f.Fact) {
			slices.Sort(list[i].Codes)
		}
	}
	return list
}

// JSON is the input's canonical form: the same bytes for inputs that say the
// same.
func (in Input) JSON() []byte {
	b, err := json.Marshal(in.Canonical())
	if err != nil {
		panic(fmt.Sprintf("input of a matching: %v", err)) // plain data always marshals
	}
	return b
}

// Hash is the SHA-256 of JSON.
func (in Input) Hash() domain.Digest {
	sum := sha256.Sum256(in.JSON())
	return domain.Digest(base64.RawURLEncoding.EncodeToString(sum[:]))
}

// Faults checks the input's meaning, in the order of its fields. Whether a
// lock breaks a rule is told by who applies the rules.
func (in Input) Faults() []Fault {
	c := checker{in.Plan.Faults()}
	c.expect(in.Seed >= 0 && in.Seed <= MaxSeed, "seed", "0 to %d, found %d", MaxSeed, in.Seed)

	mentees, mentors := map[domain.Person]int{}, map[domain.Person]int{}
	person := func(seen map[domain.Person]int, p domain.Person, i int, path string) {
		c.expect(p != "", path, "somebody's id")
		_, again := seen[p]
		c.expect(!again, path, "somebody who is listed once, not %s again", p)
		seen[p] = i
	}
	for i, m := range in.Mentees {
		person(mentees, m.Mentee, i, fmt.Sprintf("mentees[%d].mentee", i))
	}
	for i, m := range in.Mentors {
		person(mentors, m.Mentor, i, fmt.Sprintf("mentors[%d].mentor", i))
	}
	known := func(seen map[domain.Person]int, p domain.Person, path, side string) {
		_, ok := seen[p]
		c.expect(ok, path, "one of the %s, found %q", side, p)
	}
	ranking := func(list []domain.Person, seen map[domain.Person]int, path, side string) {
		c.expect(len(list) <= MaxRanking, path, "%d at most, found %d", MaxRanking, len(list))
		ranked := map[domain.Person]bool{}
		for i, p := range list {
			at := fmt.Sprintf("%s[%d]", path, i)
			known(seen, p, at, side)
			c.expect(!ranked[p], at, "everybody once, not %s again", p)
			ranked[p] = true
		}
	}

	c.expect(len(in.Mentees) > 0, "mentees", "at least one")
	c.expect(len(in.Mentees) <= MaxPeople, "mentees", "%d at most, found %d", MaxPeople, len(in.Mentees))
	rank := 0
	for i, m := range in.Mentees {
		at := fmt.Sprintf("mentees[%d].", i)
		c.facts(m.Facts, at)
		ranking(m.Ranking, mentors, at+"ranking", "mentors")
		rank += len(m.Ranking)
	}
	c.expect(in.Policy != DeferredAcceptance || rank > 0, "mentees", "rankings: %s goes by them", DeferredAcceptance)
	c.expect(len(in.Mentors) > 0, "mentors", "at least one")
	c.expect(len(in.Mentors) <= MaxPeople, "mentors", "%d at most, found %d", MaxPeople, len(in.Mentors))
	rank = 0
	for i, m := range in.Mentors {
		at := fmt.Sprintf("mentors[%d].", i)
		c.expect(m.Capacity >= 0 && m.Capacity <= MaxPeople, at+"capacity", "0 to %d, found %d", MaxPeople, m.Capacity)
		c.facts(m.Facts, at)
		ranking(m.Ranking, mentees, at+"ranking", "mentees")
		rank += len(m.Ranking)
	}
	c.expect(in.Policy != DeferredAcceptance || rank > 0, "mentors", "rankings: %s goes by them", DeferredAcceptance)

	bars, rules := map[Bar]bool{}, map[string]bool{}
	for i, b := range in.Bars {
		at := fmt.Sprintf("bars[%d]", i)
		if b.Rule != PreviousPair { // which nobody chose to have
			rules[b.Rule] = true
		}
		known(mentees, b.Mentee, at+".mentee", "mentees")
		known(mentors, b.Mentor, at+".mentor", "mentors")
		c.code(b.Rule, at+".rule")
		c.expect(b.Rule != SamePerson && b.Rule != Unranked, at+".rule", "another code: %s is a rule of its own", b.Rule)
		c.expect(!slices.ContainsFunc(in.Rules, func(r Rule) bool { return r.Rule == b.Rule }), at+".rule", "another code: %s is one of the rules", b.Rule)
		c.expect(!bars[b], at, "everything once")
		bars[b] = true
	}
	c.expect(len(in.Rules)+len(rules) <= MaxRules, "bars", "codes that with those of the rules are %d at most, found %d", MaxRules, len(in.Rules)+len(rules))
	locked, load := map[domain.Person]bool{}, map[domain.Person]int{}
	for i, l := range in.Locks {
		at := fmt.Sprintf("locks[%d].", i)
		known(mentees, l.Mentee, at+"mentee", "mentees")
		known(mentors, l.Mentor, at+"mentor", "mentors")
		c.expect(!locked[l.Mentee], at+"mentee", "one lock for each mentee, not another for %s", l.Mentee)
		locked[l.Mentee] = true
		load[l.Mentor]++
		if j, ok := mentors[l.Mentor]; ok {
			c.expect(load[l.Mentor] <= in.Mentors[j].Capacity, at+"mentor", "no more locks than %s has room for, %d", l.Mentor, in.Mentors[j].Capacity)
		}
	}
	if people, size := len(in.Mentees)+len(in.Mentors), in.size(); size > MaxEvent {
		c.expect(false, "mentees", "at most %d people in one run, mentees and mentors together, where as much is said of each as here, found %d", people*MaxEvent/size, people)
	}
	return c.faults
}

// size is the most that the event of a run on the input may take, envelope and
// all, where people go by UUIDs. How many pairs there will be nobody knows yet:
// so every mentee counts as matched or as left over, whichever takes more, and
// every mentor as left over.
func (in Input) size() int {
	const (
		once    = 8192 // the envelope, and what a result has once
		subject = 40   // a person in the envelope
		pair    = 310  // and its alternative
		part    = 60   // without the factor's code
		left    = 130  // somebody left over
		blocked = 30   // without the rule's code
	)
	matched, alone := pair, left+blocked+len(SamePerson)+blocked+len(Unranked)
	for _, f := range in.Factors {
		matched += part + len(f.Factor)
	}
	for _, r := range in.Rules {
		alone += blocked + len(r.Rule)
	}
	size := once + len(in.JSON()) + len(in.Mentees)*(subject+max(matched, alone)) + len(in.Mentors)*(subject+alone)
	for _, b := range in.Bars {
		size += 2 * (blocked + len(b.Rule))
	}
	return size
}

func (c *checker) facts(list []Fact, at string) {
	facts := map[string]bool{}
	for i, f := range list {
		at := fmt.Sprintf("%sfacts[%d].", at, i)
		c.code(f.Fact, at+"fact")
		c.expect(!facts[f.Fact], at+"fact", "a fact that is said once, not %s again", f.Fact)
		facts[f.Fact] = true
		c.expect(len(f.Codes) > 0, at+"codes", "at least one")
		codes := map[string]bool{}
		for j, code := range f.Codes {
			at := fmt.Sprintf("%scodes[%d]", at, j)
			c.code(code, at)
			c.expect(!codes[code], at, "every code once, not %s again", code)
			codes[code] = true
		}
	}
}
