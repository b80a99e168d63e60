package imports

// An Event is a fact about one import.
type Event interface{ evolve(State) State }

// State is what the rules remember.
type State struct {
	started  Started
	finished bool
	reverted bool
}

// Apply returns s after e. It never fails and never judges.
func (s State) Apply(e Event) State { return e.evolve(s) }

// Cycle is the cycle that the import was for; "" where there is none.
func (s State) Cycle() string { return s.started.Cycle }

func (e Started) evolve(s State) State { s.started = e; return s }
func (Finished) evolve(s State) State  { s.finished = true; return s }
func (Reverted) evolve(s State) State  { s.reverted = true; return s }
