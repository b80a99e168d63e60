package organisation

import "slices"

// An Event is a fact about one organisation.
type Event interface{ evolve(State) State }

// State is what the rules remember.
type State struct {
	registered bool
	networks   []string
}

// Apply returns s after e. It never fails and never judges.
func (s State) Apply(e Event) State { return e.evolve(s) }

// MemberOf tells whether the organisation belongs to network.
func (s State) MemberOf(network string) bool { return slices.Contains(s.networks, network) }

func (Registered) evolve(s State) State { s.registered = true; return s }

func (e MembershipRecorded) evolve(s State) State {
	s.networks = append(slices.Clip(s.networks), e.Network)
	return s
}
