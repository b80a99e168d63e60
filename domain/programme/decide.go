package programme

import (
	"fmt"
	"time"

	"github.com/daybook-engine/daybook/domain"
)

var (
	// ErrDefinition is the answer to a definition that cannot be run.
	ErrDefinition = domain.Wrong("definition_invalid", "this definition cannot be published")
	// ErrUnsaid is the answer to a command that needs what the pinned definition
	// leaves open.
	ErrUnsaid = domain.Refuse("definition_unsaid", "the programme's definition does not say what this needs")
)

// PublishDefinition is definition.publish.
type PublishDefinition struct {
	ID
	Definition Definition `json:"definition"`
}

func (c PublishDefinition) Decide(s State, _ time.Time) ([]Event, error) {
	if c.Definition.Programme != c.Programme {
		return nil, ErrDefinition.Because(fmt.Sprintf("it is %s's, not %s's", c.Definition.Programme, c.Programme))
	}
	if faults := c.Definition.Faults(); len(faults) > 0 {
		return nil, ErrDefinition.Because(faults[0].String())
	}
	hash := c.Definition.Hash()
	if _, newest, ok := s.Version(""); ok && newest == hash {
		return nil, nil
	}
	return []Event{DefinitionPublished{hash, c.Definition}}, nil
}
