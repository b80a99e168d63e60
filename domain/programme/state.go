package programme

import "github.com/daybook-engine/daybook/domain"

// An Event is a fact about one programme.
type Event interface{ evolve(State) State }

// State is what the rules remember: every published version, newest last.
type State struct {
	published []DefinitionPublished
}

// Apply returns s after e. It never fails and never judges.
func (s State) Apply(e Event) State { return e.evolve(s) }

func (e DefinitionPublished) evolve(s State) State {
	s.published = append(s.published[:len(s.published):len(s.published)], e)
	return s
}

// Version finds a published definition; an empty hash means the newest.
func (s State) Version(hash domain.Digest) (Definition, domain.Digest, bool) {
	for i := len(s.published) - 1; i >= 0; i-- {
		if p := s.published[i]; hash == "" || p.Hash == hash {
			return p.Definition, p.Hash, true
		}
	}
	return Definition{}, "", false
}
