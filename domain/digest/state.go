package digest

import "github.com/daybook-engine/daybook/domain"

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

func (e Queued) evolve(State) State { return State{e} }
