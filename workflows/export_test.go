package workflows

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/eventstore"
)

// ReplayChanged is Replay with a policy that orders another command with the
// same fields, or none.
func ReplayChanged(ctx context.Context, log Log, answered eventstore.Place, name, command string) (Replayed, error) {
	list := slices.Clone(policies)
	for i, p := range list {
		if p.name != name {
			continue
		}
		list[i].react = func(ctx context.Context, g *Engine, r eventstore.Recorded, event any) ([]order, error) {
			orders, err := p.react(ctx, g, r, event)
			if command == "" {
				return nil, err
			}
			for i := range orders {
				orders[i].command = command
			}
			return orders, err
		}
	}
	return replay(ctx, log, answered, list, nil)
}

// Sabotage has something happen before a policy of this engine's looks up what
// it must know: a fault, or a panic.
func (g *Engine) Sabotage(name string, before func(stream string) error) {
	i := slices.IndexFunc(g.policies, func(p policy) bool { return p.name == name })
	react := g.policies[i].react
	g.policies[i].react = func(ctx context.Context, g *Engine, r eventstore.Recorded, event any) ([]order, error) {
		if err := before(r.Stream); err != nil {
			return nil, err
		}
		return react(ctx, g, r, event)
	}
}

// A Newcomer is a policy that is newer than the first Daybook: it answers the
// events of a name, and is asked what with: a command and its fields, or none.
type Newcomer struct {
	Name, Answers string
	Order         func(stream string) (command, with string)
	Origin        bool
}

func (n Newcomer) policy() policy {
	return policy{n.Name, reaction{func(name string) bool { return name == n.Answers }, func(_ context.Context, _ *Engine, r eventstore.Recorded, _ any) ([]order, error) {
		command, with := n.Order(r.Stream)
		if command == "" {
			return nil, nil
		}
		return []order{{command, json.RawMessage(with)}}, nil
	}, n.Origin}}
}

// Join adds newcomers to this engine's policies.
func (g *Engine) Join(list ...Newcomer) {
	for _, n := range list {
		g.policies, g.later = append(g.policies, n.policy()), append(g.later, n.policy())
	}
}

// ReplayJoined is Replay with newcomers.
func ReplayJoined(ctx context.Context, log Log, answered eventstore.Place, list ...Newcomer) (Replayed, error) {
	var late []policy
	for _, n := range list {
		late = append(late, n.policy())
	}
	return replay(ctx, log, answered, slices.Concat(policies, late), late)
}

// Timers lists the clock's commands that a cycle at rest waits for.
func Timers() (list []string) {
	for _, commands := range timers {
		list = append(list, commands...)
	}
	return list
}

// What a Scratch has, to be looked at when nobody writes to it.
func (v *Scratch) Secrets() map[domain.Digest]Secret { return v.secrets }
func (v *Scratch) Handles() map[string]domain.Person { return v.handles }
func (v *Scratch) Size() int                         { return len(v.secrets) }
