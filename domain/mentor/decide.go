package mentor

import (
	"fmt"
	"slices"
	"time"

	"github.com/daybook-engine/daybook/domain"
)

var (
	ErrUnknown  = domain.Missing("mentor_unknown", "this person is in no pool of mentors")
	ErrCapacity = domain.Wrong("capacity_missing", "a mentor takes at least one match")
	ErrJoined   = domain.Refuse("mentor_joined", "this person is in a pool already, with other particulars")
	ErrFull     = domain.Refuse("mentor_full", "the mentor has no room for another match")
)

// Join is mentor.join.
type Join struct {
	ID
	Pool      string   `json:"pool"`
	Capacity  int      `json:"capacity"`
	Expertise []string `json:"expertise,omitzero"`
}

func (c Join) Decide(s State, _ time.Time) ([]Event, error) {
	switch {
	case domain.CheckSlug("pool", c.Pool) != nil:
		return nil, domain.CheckSlug("pool", c.Pool)
	case c.Capacity < 1:
		return nil, ErrCapacity
	case s.pool == c.Pool && s.capacity == c.Capacity:
		return nil, nil
	case s.Joined():
		return nil, ErrJoined.Because(fmt.Sprintf("%s, for %d", s.pool, s.capacity))
	}
	return []Event{Joined{c.Mentor, c.Pool, c.Capacity, c.Expertise}}, nil
}

// Engage is mentor.engage: a policy's command when both sides accepted.
type Engage struct {
	ID
	Cycle string `json:"cycle"`
	Match string `json:"match"`
}

func (c Engage) Decide(s State, _ time.Time) ([]Event, error) {
	e := Engaged{c.Cycle, c.Match}
	switch {
	case !s.Joined():
		return nil, ErrUnknown
	case slices.Contains(s.engaged, e):
		return nil, nil
	case len(s.engaged) >= s.capacity:
		return nil, ErrFull.Because(fmt.Sprintf("%d of %d", len(s.engaged), s.capacity))
	}
	return []Event{e}, nil
}

// Free is mentor.free: a policy's command when a match is over.
type Free struct {
	ID
	Cycle string `json:"cycle"`
	Match string `json:"match"`
}

func (c Free) Decide(s State, _ time.Time) ([]Event, error) {
	if !slices.Contains(s.engaged, Engaged{c.Cycle, c.Match}) {
		return nil, nil
	}
	return []Event{Freed{c.Cycle, c.Match}}, nil
}
