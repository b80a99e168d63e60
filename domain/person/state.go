package person

import "github.com/daybook-engine/daybook/domain"

// An Event is a fact about one person.
type Event interface{ evolve(State) State }

// State is what the rules remember.
type State struct {
	person  domain.Person
	erasure string // started, completed
}

// Apply returns s after e. It never fails and never judges.
func (s State) Apply(e Event) State { return e.evolve(s) }

// Registered tells whether there is such a person.
func (s State) Registered() bool { return s.person != "" }

// Subjects are the people every event of the stream is about.
func (s State) Subjects() []domain.Person {
	if s.person == "" {
		return nil
	}
	return []domain.Person{s.person}
}

func (e Registered) evolve(s State) State     { s.person = e.Person; return s }
func (ErasureStarted) evolve(s State) State   { s.erasure = "started"; return s }
func (ErasureCompleted) evolve(s State) State { s.erasure = "completed"; return s }
