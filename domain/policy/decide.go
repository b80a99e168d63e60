package policy

import (
	"encoding/json"
	"time"

	"github.com/daybook-engine/daybook/domain"
)

// ErrNotParked is the answer to who comes too late, or looked at another event.
var ErrNotParked = domain.Refuse("policy_not_parked", "no policy of this name is parked at this event of this stream; daybook policies lists those that are")

// Park is policy.park. What is parked stays where it is.
type Park struct {
	ID
	Attempts int    `json:"attempts"`
	Fault    string `json:"fault"`
	Command  string `json:"command,omitzero"`
}

func (c Park) Decide(s State, _ time.Time) ([]Event, error) {
	if s.parked != "" {
		return nil, nil
	}
	return []Event{Parked{c.at(), c.Attempts, c.Fault, c.Command}}, nil
}

// Deciding is embedded by what a person decides of a parked instance.
type Deciding struct {
	ID
	Note domain.Private `json:"note,omitzero"`

	By domain.Person `json:"-" from:"self"`
}

// note is about whom the event is about, where those are one or two people, and
// else about who writes it.
func (c Deciding) note() domain.Private {
	about := c.About
	if len(about) == 0 || len(about) > 2 {
		about = []domain.Person{c.By}
	}
	return c.Note.About(domain.Personal, domain.Programme, about...)
}

// decide gives the event where the instance stands at what is decided of, and
// nothing where the same was decided already.
func (c Deciding) decide(s State, as passed, e Event) ([]Event, error) {
	as.event, as.parking = c.Event, s.last(c.Event).parking
	switch {
	case s.parked == c.Event:
		return []Event{e}, nil
	case s.parked == "" && s.last(c.Event) == as:
		return nil, nil
	}
	return nil, ErrNotParked
}

// Retry is policy.retry.
type Retry struct{ Deciding }

func (c Retry) Decide(s State, _ time.Time) ([]Event, error) {
	return c.decide(s, passed{how: retried}, Retried{c.at(), c.note()})
}

// Skip is policy.skip.
type Skip struct{ Deciding }

func (c Skip) Decide(s State, _ time.Time) ([]Event, error) {
	return c.decide(s, passed{how: skipped}, Skipped{c.at(), c.note()})
}

// Repair is policy.repair: a command of the policy's, in its stead.
type Repair struct {
	Deciding
	Command string          `json:"command"`
	With    json.RawMessage `json:"with"`

	// Looked up: whom the fields name.
	People []domain.Person `json:"-"`
}

func (c Repair) Decide(s State, _ time.Time) ([]Event, error) {
	as := passed{how: repaired, command: c.Command, with: string(c.With)}
	return c.decide(s, as, Repaired{c.at(), c.Command, string(c.With), c.People, c.note()})
}
