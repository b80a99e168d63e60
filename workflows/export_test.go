package workflows

import (
	"context"

	"github.com/daybook-engine/daybook/eventstore"
)

// ReplayChanged is Replay with a policy that orders another command with the
// same fields, or none.
func ReplayChanged(ctx context.Context, log Log, answered eventstore.Place, name, command string) (Replayed, error) {
	list := append([]policy{}, policies...)
	for i, p := range list {
		if p.name != name {
			continue
		}
		list[i].react = func(ctx context.Context, g *Engine, stream string, event any) ([]order, error) {
			orders, err := p.react(ctx, g, stream, event)
			if command == "" {
				return nil, err
			}
			for i := range orders {
				orders[i].command = command
			}
			return orders, err
		}
	}
	return replay(ctx, log, answered, list)
}
