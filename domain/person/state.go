package person

// An Event is a fact about one person.
type Event interface{ evolve(State) State }

// State is what the rules remember.
type State struct{ registered bool }

// Apply returns s after e. It never fails and never judges.
func (s State) Apply(e Event) State { return e.evolve(s) }

// Registered tells whether there is such a person.
func (s State) Registered() bool { return s.registered }

func (Registered) evolve(s State) State { s.registered = true; return s }
