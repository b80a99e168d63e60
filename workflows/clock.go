package workflows

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/access"
)

// Due is something that falls due: a command for the clock to issue. It is
// found in a view and judged by the command on its own stream, so that a
// stale view only asks too early, or again.
type Due struct {
	Command string
	Fields  json.RawMessage
	At      time.Time
}

// An Agenda finds what falls due.
type Agenda interface {
	// Due lists what has fallen due at now, the earliest first, at most limit.
	Due(ctx context.Context, now time.Time, limit int) ([]Due, error)
	// Next is when something falls due next; false when nothing will.
	Next(ctx context.Context) (time.Time, bool, error)
}

// dueBatch bounds what the clock takes up at once, so that people's commands
// come in between.
const dueBatch = 256

// Tick does what has fallen due, once. Doing it again is harmless: the
// command's id follows from what was due and when. It tells how many commands
// it issued that were not refused and were not already so.
func (g *Engine) Tick(ctx context.Context, agenda Agenda) (int, error) {
	return g.tick(ctx, agenda, dueBatch)
}

// tick is Tick, a batch at a time. What is refused stays on the agenda: it is
// passed by, until a batch brings something about or nothing more is due.
func (g *Engine) tick(ctx context.Context, agenda Agenda, batch int) (issued int, err error) {
	now, err := g.now()
	if err != nil {
		return 0, err
	}
	asked := map[uuid.UUID]bool{}
	for limit := batch; ; limit += batch {
		due, err := agenda.Due(ctx, now, limit)
		if err != nil {
			return issued, fmt.Errorf("what is due: %w", err)
		}
		for _, d := range due {
			id := uuid.NewSHA1(uuid.Nil, fmt.Appendf(nil, "clock %s %s %s", d.Command, d.Fields, d.At.UTC().Format(time.RFC3339Nano)))
			if asked[id] {
				continue
			}
			asked[id] = true
			result, err := g.Do(ctx, d.Command, d.Fields, Cause{CommandID: id, Actor: "clock", Role: access.Clock, Channel: "system"})
			if refused := new(domain.Error); errors.As(err, &refused) {
				continue
			} else if err != nil {
				return issued, fmt.Errorf("%s, due %s: %w", d.Command, d.At.Format(time.RFC3339), err)
			}
			if len(result.Names) > 0 {
				issued++
			}
		}
		if issued > 0 || len(due) < limit {
			return issued, nil
		}
	}
}
