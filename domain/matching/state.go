package matching

import (
	"maps"

	"github.com/daybook-engine/daybook/domain"
)

// An Event is a fact about a cycle's runs.
type Event interface{ evolve(State) State }

// State is what the rules remember.
type State struct {
	runs     map[string]domain.Digest // by run, what went into it
	proposed map[domain.Person]proposal
}

// A proposal is what the last run that a mentee took part in has for her.
type proposal struct {
	run    string
	mentor domain.Person // empty: nobody
}

// Apply returns s after e. It never fails and never judges.
func (s State) Apply(e Event) State { return e.evolve(s) }

// Proposed tells which run a mentee last took part in, if any, and whom it
// proposed, if anybody.
func (s State) Proposed(mentee domain.Person) (run string, mentor domain.Person) {
	p := s.proposed[mentee]
	return p.run, p.mentor
}

func (e Proposed) evolve(s State) State {
	runs, proposed := map[string]domain.Digest{e.Run: e.Result.Input}, map[domain.Person]proposal{}
	maps.Copy(runs, s.runs)
	maps.Copy(proposed, s.proposed)
	for _, m := range e.Input.Mentees {
		proposed[m.Mentee] = proposal{run: e.Run}
	}
	for _, p := range e.Result.Pairs {
		proposed[p.Mentee] = proposal{e.Run, p.Mentor}
	}
	s.runs, s.proposed = runs, proposed
	return s
}
