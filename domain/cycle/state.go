package cycle

import (
	"slices"

	"github.com/daybook-engine/daybook/domain"
)

// An Event is a fact about one cycle.
type Event interface{ evolve(State) State }

// State is what the rules remember.
type State struct {
	plan    Planned       // as it was planned
	version domain.Digest // the definition that it goes by now
	moved   bool
	stages  []StageScheduled // as last scheduled, one for each stage
	closed  bool
	sealed  bool
}

// Apply returns s after e. It never fails and never judges.
func (s State) Apply(e Event) State { return e.evolve(s) }

// Plan gives the programme, the definition that the cycle goes by and the year;
// ok is false when no such cycle was planned.
func (s State) Plan() (plan Planned, ok bool) {
	plan = s.plan
	plan.Definition = s.version
	return plan, s.version != ""
}

// Moved tells whether it ever went by another definition.
func (s State) Moved() bool { return s.moved }

// IsClosed tells whether the cycle is over.
func (s State) IsClosed() bool { return s.closed }

func (e Planned) evolve(s State) State         { s.plan, s.version = e, e.Definition; return s }
func (e DefinitionMoved) evolve(s State) State { s.version, s.moved = e.To, true; return s }

func (e StageScheduled) evolve(s State) State {
	s.stages = slices.DeleteFunc(slices.Clone(s.stages), func(o StageScheduled) bool { return o.Stage == e.Stage })
	s.stages = append(s.stages, e)
	return s
}

func (Closed) evolve(s State) State        { s.closed = true; return s }
func (FiguresSealed) evolve(s State) State { s.sealed = true; return s }
