package mentor

import (
	"fmt"
	"slices"
	"strings"
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
	case slices.ContainsFunc(c.Expertise, func(e string) bool { return domain.CheckCode("expertise", e) != nil }):
		return nil, domain.ErrCode.Because("expertise " + strings.Join(c.Expertise, ", "))
	case s.pool == c.Pool && s.capacity == c.Capacity:
		return nil, nil
	case s.Joined():
		return nil, ErrJoined.Because(fmt.Sprintf("%s, for %d", s.pool, s.capacity))
	}
	return []Event{Joined{c.Mentor, c.Pool, c.Capacity, c.Expertise}}, nil
}

// Engage is mentor.engage: a policy's command when both sides accepted. Where
// there is no room, that is kept, and the match waits for the next that is
// freed.
type Engage struct {
	ID
	Cycle string `json:"cycle"`
	Match string `json:"match"`

	// Looked up: the match is over already.
	Over bool `json:"-"`
}

func (c Engage) Decide(s State, _ time.Time) ([]Event, error) {
	e := Engaged{c.Cycle, c.Match}
	switch {
	case !s.Joined():
		return nil, ErrUnknown
	case slices.Contains(s.engaged, e), c.Over:
		return nil, nil
	case len(s.engaged) >= s.capacity:
		refused := EngagementRefused{e.Cycle, e.Match, s.capacity}
		if slices.Contains(s.waiting, e) {
			return nil, refused.Refused()
		}
		return []Event{refused}, refused.Refused()
	}
	return []Event{e}, nil
}

// Free is mentor.free: a policy's command when a match is over. The match that
// waits longest gets the room in the same breath, so that none slips in
// between.
type Free struct {
	ID
	Cycle string `json:"cycle"`
	Match string `json:"match"`
}

func (c Free) Decide(s State, _ time.Time) ([]Event, error) {
	e := Engaged{c.Cycle, c.Match}
	switch {
	case slices.Contains(s.waiting, e):
		return []Event{Freed(e)}, nil
	case !slices.Contains(s.engaged, e):
		return nil, nil
	case len(s.waiting) == 0:
		return []Event{Freed(e)}, nil
	}
	return []Event{Freed(e), s.waiting[0]}, nil
}
