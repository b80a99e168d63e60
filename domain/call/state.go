package call

import (
	"slices"
	"time"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/when"
)

// An Event is a fact about one call.
type Event interface{ evolve(State) State }

// State is what the rules remember.
type State struct {
	opened   time.Time // zero: not yet
	closed   bool
	deadline when.Deadline
	notices  []string
	permits  []permit
}

type permit struct {
	person domain.Person
	until  time.Time
}

// Apply returns s after e. It never fails and never judges.
func (s State) Apply(e Event) State { return e.evolve(s) }

// Opened is when the call was opened; zero when it was not.
func (s State) Opened() time.Time { return s.opened }

// IsClosed tells whether the call was closed.
func (s State) IsClosed() bool { return s.closed }

// Deadline is the one in force.
func (s State) Deadline() when.Deadline { return s.deadline }

// Permit is until when person may submit although the deadline has passed;
// zero when there is no such permit.
func (s State) Permit(person domain.Person) time.Time {
	for _, p := range s.permits {
		if p.person == person {
			return p.until
		}
	}
	return time.Time{}
}

func (e Opened) evolve(s State) State {
	s.opened, s.deadline = e.Opened, e.Deadline
	return s
}

func (e NoticePublished) evolve(s State) State {
	s.notices = append(slices.Clip(s.notices), e.Where)
	return s
}

func (e DeadlineExtended) evolve(s State) State { s.deadline = e.Now; return s }

func (e PermitGranted) evolve(s State) State {
	s.permits = slices.DeleteFunc(slices.Clone(s.permits), func(p permit) bool { return p.person == e.Person })
	s.permits = append(s.permits, permit{e.Person, e.Until})
	return s
}

func (Closed) evolve(s State) State { s.closed = true; return s }
