package retention

import (
	"time"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/application"
)

// An Event is a fact about how long one application is kept.
type Event interface {
	evolve(State) State
	Application() application.ID
}

// State is what the rules remember.
type State struct {
	Person domain.Person `json:"person"`
	Over   time.Time     `json:"over,omitzero"` // the end that people were asked about last
	Said   time.Time     `json:"said,omitzero"` // to when it is kept on; zero: that was not said
}

// Apply returns s after e. It never fails and never judges.
func (s State) Apply(e Event) State { return e.evolve(s) }

// Subjects are the people every event of the stream is about.
func (s State) Subjects() []domain.Person {
	if s.Person == "" {
		return nil
	}
	return []domain.Person{s.Person}
}

func (e Expired) evolve(s State) State  { s.Person, s.Over = e.Person, e.Timer.Due; return s }
func (e Extended) evolve(s State) State { s.Said = e.Until; return s }
