package digest

import (
	"time"

	"github.com/daybook-engine/daybook/domain"
)

// An Event is a fact about one digest.
type Event interface{ evolve(State) State }

// State is what the rules remember.
type State struct{ queued Queued }

// Apply returns s after e. It never fails and never judges.
func (s State) Apply(e Event) State { return e.evolve(s) }

// Subjects are the people every event of the stream is about.
func (s State) Subjects() []domain.Person {
	if s.queued.For.Person == "" {
		return nil
	}
	return []domain.Person{s.queued.For.Person}
}

// At is when the day's digest was queued; zero where none was, or an older Daybook
// did not say.
func (s State) At() time.Time { return s.queued.At }

func (e Queued) evolve(State) State { return State{e} }
