package matching

import (
	"fmt"
	"strings"

	"github.com/daybook-engine/daybook/domain"
)

// A Result is what a run proposes. It names what it was made by and from: the
// same algorithm, version and input give the same result, byte for byte.
type Result struct {
	Algorithm    string        `json:"algorithm"`
	Version      int           `json:"version"`
	Input        domain.Digest `json:"input"` // hash
	Seed         int64         `json:"seed"`
	Score        int64         `json:"score"`                  // of all pairs together
	Pairs        []Pair        `json:"pairs"`                  // by mentee
	Alternatives []Alternative `json:"alternatives,omitempty"` // for every pair that is not locked, in the same order
	Unmatched    []Unmatched   `json:"unmatched,omitempty"`
}

// A Pair is two people who are proposed to each other.
type Pair struct {
	Mentee     domain.Person  `json:"mentee"`
	Mentor     domain.Person  `json:"mentor"`
	Locked     bool           `json:"locked,omitempty"`
	Score      int64          `json:"score"`
	Parts      []Contribution `json:"parts,omitempty"`
	MenteeRank int            `json:"mentee_rank,omitempty"` // the mentor's place in the mentee's ranking, from 1
	MentorRank int            `json:"mentor_rank,omitempty"`
}

// A Contribution is what one factor adds to a pair's score.
type Contribution struct {
	Factor string `json:"factor"`
	Value  int    `json:"value"` // 0 to 100
	Weight int    `json:"weight"`
	Points int64  `json:"points"` // value times weight
}

// An Alternative is the runner-up of a pair: the best that the same policy
// makes of the same input when this one pair is forbidden, and what that costs
// everybody together. It is no statement about the two people alone: the
// mentor whom the mentee would get is often somebody else's.
//
// An assignment without one of its pairs matches no more people, and where it
// matches as many scores no more. Deferred acceptance aims at neither: without
// a pair it may match more people, and score more.
type Alternative struct {
	Mentee domain.Person `json:"mentee"`
	Mentor domain.Person `json:"mentor,omitempty"` // of those who go as well the first drawn; empty: nobody
	Fewer  int           `json:"fewer,omitempty"`  // people matched; below zero: more of them
	Less   int64         `json:"less"`             // score; below zero: a greater one
}

// Why somebody is in no pair.
const (
	NoAdmissible = "no_admissible_partner" // the rules forbid every one
	Exhausted    = "capacity_exhausted"    // every mentor whom the rules allow has no room left
	NoCapacity   = "no_capacity"           // a mentor without room
	NotNeeded    = "not_needed"            // every mentee whom the rules allow has a mentor
)

// Unmatched is somebody in no pair, and why. Two rules may forbid the same
// partner; each counts it.
type Unmatched struct {
	Person     domain.Person `json:"person"`
	Side       string        `json:"side"` // mentee, mentor
	Reason     string        `json:"reason"`
	Admissible int           `json:"admissible"` // partners whom the rules allow
	Blocked    []Blocked     `json:"blocked,omitempty"`
}

// Blocked counts the partners that a rule forbids somebody.
type Blocked struct {
	Rule     string `json:"rule"`
	Partners int    `json:"partners"`
}

// Why explains a pair's score: "expertise 300 (60 of 100, weight 5), …".
func (p Pair) Why() string {
	var parts, words []string
	for _, c := range p.Parts {
		parts = append(parts, fmt.Sprintf("%s %d (%d of 100, weight %d)", spaced(c.Factor), c.Points, c.Value, c.Weight))
	}
	if len(parts) > 0 {
		words = append(words, strings.Join(parts, ", "))
	}
	if p.MenteeRank > 0 {
		words = append(words, fmt.Sprintf("the mentee's choice %d", p.MenteeRank))
	}
	if p.MentorRank > 0 {
		words = append(words, fmt.Sprintf("the mentor's choice %d", p.MentorRank))
	}
	if p.Locked {
		words = append(words, "it was decided before")
	}
	return strings.Join(words, "; ")
}

// Cost explains what would be lost, or won, without the pair.
func (a Alternative) Cost() string {
	text := ""
	switch {
	case a.Fewer > 0:
		text = fmt.Sprintf("%d fewer would be matched in all, and ", a.Fewer)
	case a.Fewer < 0:
		text = fmt.Sprintf("%d more would be matched in all, and ", -a.Fewer)
	}
	switch {
	case a.Less > 0:
		return text + fmt.Sprintf("all pairs together would score %d less", a.Less)
	case a.Less < 0:
		return text + fmt.Sprintf("all pairs together would score %d more", -a.Less)
	}
	return text + "all pairs together would score the same"
}

// Instead explains what would be lost, or won, with the runner-up of a pair.
// Where an assignment would lose nothing, lots decided.
func (r Result) Instead(a Alternative) string {
	if r.Algorithm == Assignment && a.Fewer == 0 && a.Less == 0 {
		return fmt.Sprintf("%s: decided by lot, seed %d", a.Cost(), r.Seed)
	}
	return a.Cost()
}

// Words explains why somebody is in no pair.
func (u Unmatched) Words() string {
	text := map[string]string{
		NoAdmissible: "the rules allow no partner",
		Exhausted:    "every mentor whom the rules allow has no room left",
		NoCapacity:   "there is no room for a match",
		NotNeeded:    "every mentee whom the rules allow has a mentor",
	}[u.Reason]
	var rules []string
	for _, b := range u.Blocked {
		rules = append(rules, fmt.Sprintf("%s forbids %d", spaced(b.Rule), b.Partners))
	}
	if len(rules) > 0 {
		text += ": " + strings.Join(rules, ", ")
	}
	return text
}

func spaced(code string) string { return strings.ReplaceAll(code, "_", " ") }
