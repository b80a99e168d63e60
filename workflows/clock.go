package workflows

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
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
	Round   int // counts how often before it could fall due at that time: it may be, anew
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

// dueBeside bounds how many of them are issued at once. They are due at one time
// and have nothing to do with each other, and the store commits them together:
// 10,000 cost a third of the processor time that they do one by one, and half of
// the time (BenchmarkDue). More at once do not help. In a rehearsal each waits
// for the last.
const dueBeside = 8

// Tick does what has fallen due, once. Doing it again is harmless: the
// command's id follows from what was due and when. It tells how many commands
// it issued that left something now: none that was refused, already so, or
// answered before. While it tells of any, more may be due at once; when it tells
// of none, a pause is in place, whatever an agenda goes on to ask for.
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
		seen := func(d Due) bool {
			again := asked[d.id()]
			asked[d.id()] = true
			return again
		}
		full := len(due) == limit
		n, err := g.fire(ctx, slices.DeleteFunc(slices.Clone(due), seen), min(batch, dueBeside))
		issued += n
		if err != nil || issued > 0 || !full {
			return issued, err
		}
	}
}

// id is that of the command: the same whenever it is asked for again.
func (d Due) id() uuid.UUID {
	what := fmt.Appendf(nil, "clock %s %s %s", d.Command, d.Fields, d.At.UTC().Format(time.RFC3339Nano))
	if d.Round > 0 {
		what = fmt.Appendf(what, " %d", d.Round)
	}
	return uuid.NewSHA1(uuid.Nil, what)
}

// fire issues what is due, so much of it at once, and tells how much of it left
// something. After a fault it issues no more.
func (g *Engine) fire(ctx context.Context, due []Due, beside int) (int, error) {
	head, err := g.Store.Head(ctx)
	if err != nil {
		return 0, fmt.Errorf("head of the log: %w", err)
	}
	var issued atomic.Int64
	var fault atomic.Pointer[error]
	var taken atomic.Int64
	work := func() {
		for i := taken.Add(1); i <= int64(len(due)) && fault.Load() == nil; i = taken.Add(1) {
			d := due[i-1]
			result, err := g.Do(ctx, d.Command, d.Fields, Cause{CommandID: d.id(), Actor: "clock", Role: access.Clock, Channel: "system"})
			switch refused := new(domain.Error); {
			case errors.As(err, &refused):
			case err != nil:
				err = fmt.Errorf("%s, due %s: %w", d.Command, d.At.Format(time.RFC3339), err)
				fault.CompareAndSwap(nil, &err)
			case len(result.Names) > 0 && result.Position.Compare(head) > 0: // and not the answer of an earlier time
				issued.Add(1)
			}
		}
	}
	var others sync.WaitGroup
	for range min(beside, len(due)) - 1 {
		others.Go(work)
	}
	work()
	others.Wait()
	if err := fault.Load(); err != nil {
		return int(issued.Load()), *err
	}
	return int(issued.Load()), nil
}
