package programme

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/matching"
	"github.com/daybook-engine/daybook/domain/when"
)

// A Definition is everything that differs from programme to programme. It is
// data: workflows/definition reads it from YAML, rules read it here. The yaml
// and json names of its fields are the same.
type Definition struct {
	Programme  string        `json:"programme"`
	Title      string        `json:"title"`
	Owner      string        `json:"owner"`   // organisation slug
	Network    string        `json:"network"` // whose members may take part
	Zone       string        `json:"zone"`    // IANA: where working days and times of day are counted
	Calendar   when.Calendar `json:"calendar"`
	Quotas     []Quota       `json:"quotas"`
	Calls      []Call        `json:"calls"`
	Review     Review        `json:"review"`
	Offer      Offer         `json:"offer"`
	Match      Match         `json:"match"`
	Agreement  Agreement     `json:"agreement"`
	Sessions   Sessions      `json:"sessions"`
	Reflection Reflection    `json:"reflections"`
	Completion Completion    `json:"completion"`
	Matching   matching.Plan `json:"matching,omitzero"` // where runs propose matches
}

// A Quota limits the places of a programme within each year or each cycle.
type Quota struct {
	Quota string `json:"quota"`
	Per   string `json:"per"` // year, cycle
	Limit int    `json:"limit"`
}

// A Call is an invitation to apply: who for, with which form, judged by which
// criteria.
type Call struct {
	Call       string      `json:"call"`
	Role       string      `json:"role"` // mentee, mentor
	Form       Form        `json:"form"`
	Criteria   []Criterion `json:"criteria"`
	Routes     []Route     `json:"routes"`
	DraftsLast when.Offset `json:"drafts_last"` // after closing: when an unsent draft expires
}

// A Form is what applicants are asked, in one version.
type Form struct {
	Version string  `json:"version"`
	Fields  []Field `json:"fields"`
}

// A Field is one question. A ranked field wants exactly Ranks answers, best
// first.
type Field struct {
	Field    string `json:"field"`
	Label    string `json:"label"`
	Ranks    int    `json:"ranks,omitempty"`
	Optional bool   `json:"optional,omitempty"`
}

// A Criterion is what makes an application eligible.
type Criterion struct {
	Criterion string `json:"criterion"`
	Text      string `json:"text"`
}

// A Route is a way to be put forward. Where Proof is set, the nominating
// organisation confirms within that time, or the nomination lapses.
type Route struct {
	Route string       `json:"route"`
	Text  string       `json:"text"`
	Proof *when.Offset `json:"proof,omitempty"`
}

// Review says how applications are assessed.
type Review struct {
	PerApplication int      `json:"per_application"` // reviews a decision rests on, at least
	Criteria       []string `json:"criteria"`
	MaxScore       int      `json:"max_score"` // a score is 0 to this, whole numbers
}

// Offer says how long an offer stands.
type Offer struct {
	ReplyWithin when.Offset `json:"reply_within"`
}

// Match says what is expected once two people are matched.
type Match struct {
	FirstContactWithin when.Offset `json:"first_contact_within"`
}

// An Agreement is what both sides sign, in one version.
type Agreement struct {
	Version string   `json:"version"`
	Clauses []string `json:"clauses"`
}

// Hash names the agreement's exact words.
func (a Agreement) Hash() domain.Digest { return hash(a) }

// Sessions is the session plan: it limits what is scheduled and marks what is
// recorded.
type Sessions struct {
	Min        int      `json:"min"`
	Max        int      `json:"max"`
	MinMinutes int      `json:"min_minutes"`
	MaxMinutes int      `json:"max_minutes"`
	Modes      []string `json:"modes"` // online, in_person, telephone
}

// Reflection says who reflects, after each held session and at the end.
type Reflection struct {
	Session []string `json:"session"` // sides: mentee, mentor
	Final   []string `json:"final"`
}

// Completion is the rule by which a match is complete.
type Completion struct {
	Version            string   `json:"version"`
	ConformingSessions int      `json:"conforming_sessions"`
	FinalReflections   []string `json:"final_reflections"` // sides that must have filed theirs
}

// Hash names the definition's content. It is taken over its JSON, whose
// fields have a fixed order.
func (d Definition) Hash() domain.Digest { return hash(d) }

func hash(v any) domain.Digest {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("hash %T: %v", v, err)) // plain data always marshals
	}
	sum := sha256.Sum256(b)
	return domain.Digest(base64.RawURLEncoding.EncodeToString(sum[:]))
}

// Call finds a call of the definition by its key.
func (d Definition) Call(key string) (Call, bool) {
	for _, c := range d.Calls {
		if c.Call == key {
			return c, true
		}
	}
	return Call{}, false
}

// Route finds a way to be put forward by its key.
func (c Call) Route(key string) (Route, bool) {
	for _, r := range c.Routes {
		if r.Route == key {
			return r, true
		}
	}
	return Route{}, false
}

// Keys lists the call's criteria.
func (c Call) Keys() []string {
	keys := make([]string, len(c.Criteria))
	for i, k := range c.Criteria {
		keys[i] = k.Criterion
	}
	return keys
}
