package matching

import (
	"fmt"
	"slices"

	"github.com/daybook-engine/daybook/domain"
)

// The policies by which people are matched.
const (
	Assignment         = "assignment"          // most people, then the greatest score
	DeferredAcceptance = "deferred_acceptance" // by both sides' rankings, stable
)

// What a rule wants of the codes that two people have for a fact.
const (
	Share  = "share"  // one in common; what somebody has not said is shared with nobody
	Differ = "differ" // none in common
)

// How a factor values a pair, from 0 to 100. Fractions are cut off.
const (
	Part          = "part"           // which part of the mentee's codes the mentor has
	Ranked        = "ranked"         // the same, the mentee's first code counting most: of n, n times as much as the last
	Same          = "same"           // 100 where one is in common
	Different     = "different"      // 100 where both say and none is in common
	MenteeRanking = "mentee_ranking" // the mentee's first choice 100, the last of n 100/n
	MentorRanking = "mentor_ranking" // the mentor's
)

// A Plan is what a programme says of matching: part of its definition, whose
// rules for fields stand behind "rule".
type Plan struct {
	Policy  string   `json:"policy"` // assignment, deferred_acceptance
	Rules   []Rule   `json:"rules,omitempty"`
	Factors []Factor `json:"factors,omitempty"`
}

// Uses tells whether a rule or a factor looks at a fact.
func (p Plan) Uses(fact string) bool {
	return slices.ContainsFunc(p.Rules, func(r Rule) bool { return r.Fact == fact }) ||
		slices.ContainsFunc(p.Factors, func(f Factor) bool { return f.Fact == fact })
}

// A Rule is hard: it forbids pairs before anything is weighed.
type Rule struct {
	Rule string `json:"rule" rule:"required,code,key"` // its code
	Fact string `json:"fact" rule:"required,code"`
	Must string `json:"must" rule:"required,one=both"` // share: one code in common; differ: none
}

// A Factor is what makes one pair better than another.
type Factor struct {
	Factor  string `json:"factor" rule:"required,code,key"` // its code
	Measure string `json:"measure" rule:"required,one=measure"`
	Fact    string `json:"fact,omitempty" rule:"code"`      // except where rankings are measured
	Weight  int    `json:"weight" rule:"required,max=1000"` // points for each of the 100
}

// The largest values that a run takes, so that no sum can overflow. What keeps
// its tables small is MaxEvent: even with nothing known of anybody, that is less
// than 1500 people on both sides each.
const (
	MaxPeople  = 4096 // on one side
	MaxRanking = 100
	MaxWeight  = 1000
	MaxFactors = 16
	MaxRules   = 32        // codes of rules and bars
	MaxSeed    = 1<<53 - 1 // what every reader of JSON gets right
	MaxEvent   = 1 << 20   // bytes, what a store takes at once: a run is one event
)

// A Fault is one thing that is wrong: where, as a path of fields
// ("mentors[3].capacity"), and what was expected.
type Fault struct{ Path, Expected string }

// A checker collects faults.
type checker struct{ faults []Fault }

func (c *checker) expect(ok bool, path, expected string, args ...any) {
	if !ok {
		c.faults = append(c.faults, Fault{path, fmt.Sprintf(expected, args...)})
	}
}

func (c *checker) code(s, path string) {
	c.expect(s != "" && domain.CheckCode("", s) == nil, path, "a code such as same_employer, found %q", s)
}

// Reserved are the codes of the rules that hold whatever the plan says: people
// are not their own mentors nor proposed to each other again, however their
// match went, and where rankings decide, both sides rank.
const (
	SamePerson   = "same_person"
	PreviousPair = "previous_pair"
	Unranked     = "unranked"
)

// Faults checks the plan's meaning, in the order of its fields.
func (p Plan) Faults() []Fault {
	var c checker
	c.expect(p.Policy == Assignment || p.Policy == DeferredAcceptance, "policy", "%s or %s, found %q", Assignment, DeferredAcceptance, p.Policy)
	rules, factors := map[string]bool{}, map[string]bool{}
	c.expect(len(p.Rules) <= MaxRules, "rules", "%d at most, found %d", MaxRules, len(p.Rules))
	for i, r := range p.Rules {
		at := fmt.Sprintf("rules[%d].", i)
		c.code(r.Rule, at+"rule")
		c.expect(r.Rule != SamePerson && r.Rule != PreviousPair && r.Rule != Unranked, at+"rule", "another code: %s holds without being said", r.Rule)
		c.expect(!rules[r.Rule], at+"rule", "a code that no other rule has, not %s again", r.Rule)
		rules[r.Rule] = true
		c.code(r.Fact, at+"fact")
		c.expect(r.Must == Share || r.Must == Differ, at+"must", "%s or %s, found %q", Share, Differ, r.Must)
	}
	c.expect(len(p.Factors) <= MaxFactors, "factors", "%d at most", MaxFactors)
	for i, f := range p.Factors {
		at := fmt.Sprintf("factors[%d].", i)
		c.code(f.Factor, at+"factor")
		c.expect(!factors[f.Factor], at+"factor", "a code that no other factor has, not %s again", f.Factor)
		factors[f.Factor] = true
		switch f.Measure {
		case Part, Ranked, Same, Different:
			c.code(f.Fact, at+"fact")
		case MenteeRanking, MentorRanking:
			c.expect(f.Fact == "", at+"fact", "none: rankings are measured")
		default:
			c.expect(false, at+"measure", "%s, %s, %s, %s, %s or %s, found %q", Part, Ranked, Same, Different, MenteeRanking, MentorRanking, f.Measure)
		}
		c.expect(f.Weight >= 1 && f.Weight <= MaxWeight, at+"weight", "1 to %d, found %d", MaxWeight, f.Weight)
	}
	return c.faults
}
