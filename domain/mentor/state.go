package mentor

import (
	"slices"

	"github.com/daybook-engine/daybook/domain"
)

// An Event is a fact about one mentor.
type Event interface{ evolve(State) State }

// State is what the rules remember.
type State struct {
	mentor    domain.Person
	pool      string
	capacity  int
	expertise []string
	engaged   []Engaged
	waiting   []Engaged // the first that was refused first
	waited    []Engaged // all that ever were
}

// Apply returns s after e. It never fails and never judges.
func (s State) Apply(e Event) State { return e.evolve(s) }

// Joined tells whether there is such a mentor.
func (s State) Joined() bool { return s.mentor != "" }

// Capacity is how many matches they take at a time.
func (s State) Capacity() int { return s.capacity }

// Expertise is what they are good at, in codes.
func (s State) Expertise() []string { return s.expertise }

// Waited tells whether there was once no room for a match.
func (s State) Waited(cycle, match string) bool {
	return slices.Contains(s.waited, Engaged{cycle, match})
}

// Subjects are the people every event of the stream is about.
func (s State) Subjects() []domain.Person {
	if s.mentor == "" {
		return nil
	}
	return []domain.Person{s.mentor}
}

func (e Joined) evolve(s State) State {
	s.mentor, s.pool, s.capacity, s.expertise = e.Mentor, e.Pool, e.Capacity, e.Expertise
	return s
}

func (e Engaged) evolve(s State) State {
	s.waiting = without(s.waiting, e)
	s.engaged = append(slices.Clip(s.engaged), e)
	return s
}

func (e EngagementRefused) evolve(s State) State {
	s.waiting = append(slices.Clip(s.waiting), Engaged{e.Cycle, e.Match})
	s.waited = append(slices.Clip(s.waited), Engaged{e.Cycle, e.Match})
	return s
}

func (e Freed) evolve(s State) State {
	s.engaged, s.waiting = without(s.engaged, Engaged(e)), without(s.waiting, Engaged(e))
	return s
}

func without(list []Engaged, e Engaged) []Engaged {
	return slices.DeleteFunc(slices.Clone(list), func(o Engaged) bool { return o == e })
}
