// Package policy is what people must know and may decide of the policies: where
// in the log each began to react, and which instance of one stands still.
//
// An instance is a policy and the stream whose events it answers. When an event
// cannot be answered, for a fault and not by a refusal, the instance is parked
// there: that event and the later ones of the stream wait, in order, until a
// person lets it try again, skip the event, or do something in its stead. Other
// instances go on.
package policy

import (
	"time"

	"github.com/daybook-engine/daybook/domain"
)

// ID names an event that an instance answers. An instance has one stream, in
// the book of the stream that it answers.
type ID struct {
	Policy string `json:"policy"`
	Of     string `json:"stream"` // that it answers
	Event  string `json:"event"`  // so that nobody decides of an event that they haven't seen

	// Looked up: the book of that stream, the cycle that the event names where
	// the book is no cycle's, and whom the event is about.
	In    string          `json:"-"`
	Cycle string          `json:"-"`
	About []domain.Person `json:"-"`
}

func (id ID) Stream() string { return "policy-" + id.Policy + "." + id.Of }
func (id ID) Book() string   { return id.In }

func (id ID) Check() error {
	if id.Of == "" || !domain.IsUUID(id.Event) {
		return domain.Wrong("instance_malformed", "an instance is a policy and a stream, and it stands at an event, by id; daybook policies lists them")
	}
	return domain.CheckSlug("policy", id.Policy)
}

func (id ID) at() At { return At{id.Policy, id.Of, id.Event, id.Cycle} }

// Starts is the stream of where policies began.
const Starts = "policies-all"

// Start is policy.start: some policies begin to react.
type Start struct {
	Policies []string `json:"policies"`
	After    string   `json:"after,omitzero"` // an event's id; none: from the log's origin
}

func (Start) Stream() string { return Starts }
func (Start) Book() string   { return "installation" }
func (Start) Check() error   { return nil }

// Decide leaves out who has begun.
func (c Start) Decide(s State, _ time.Time) ([]Event, error) {
	e := Started{After: c.After}
	for _, p := range c.Policies {
		if _, ok := s.Start(p); !ok {
			e.Policies = append(e.Policies, p)
		}
	}
	if e.Policies == nil {
		return nil, nil
	}
	return []Event{e}, nil
}
