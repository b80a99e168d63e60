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
	instance "github.com/daybook-engine/daybook/domain/policy"
	"github.com/daybook-engine/daybook/eventstore"
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

// dueBatch bounds what the clock takes up at once: the policies answer what people
// did when it is through.
const dueBatch = 512

// dueBeside bounds how many of them are issued at once. They are due at one time
// and have nothing to do with each other, and the store commits them together: the
// slower its disk, the more that saves, and the read models follow a commit at a
// time (BenchmarkDue). With more beside each other, people's commands, which are
// committed with them, would wait longer for the processor than for the disk. In a
// rehearsal each waits for the last.
const dueBeside = 32

// Tick does what has fallen due, once. Doing it again is harmless: the
// command's id follows from what was due and when. It tells how many commands
// it issued that left something now: none that was refused, already so, or
// answered before. While it tells of any, more may be due at once; when it tells
// of none, a pause is in place, whatever an agenda goes on to ask for. A fault of
// the store or the vault is an error; any other is that instance's own, and the
// others are done.
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
		n, err := g.fire(ctx, slices.DeleteFunc(slices.Clone(due), seen), now, min(batch, dueBeside))
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
// something. After a fault of the store or the vault it issues no more.
func (g *Engine) fire(ctx context.Context, due []Due, now time.Time, beside int) (int, error) {
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
			left, err := g.come(ctx, d, now, head)
			if err != nil {
				err = fmt.Errorf("%s, due %s: %w", d.Command, d.At.Format(time.RFC3339), err)
				fault.CompareAndSwap(nil, &err)
			}
			if left {
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

// theClock is parked as a policy is: its instances are the streams of what falls
// due, and what they stand at is a command, by its id.
const theClock = "clock"

// vain is what fell due and was tried in vain: how often, and when it is again.
type vain struct {
	tries int
	again time.Time
}

// againAfter is when the clock tries again what failed; each time it waits twice
// as long, so that an instance is parked after a minute and a quarter.
const againAfter = 5 * time.Second

// come issues what is due, and tells whether that left something now. A fault of
// its own is no error: it is tried again at later ticks, and then its instance is
// parked. In a rehearsal, where nobody would come to mend it, it is one.
func (g *Engine) come(ctx context.Context, d Due, now time.Time, head eventstore.Position) (left bool, err error) {
	r, cmd, err := read(access.Clock, d.Command, d.Fields)
	if err != nil {
		if !g.Rehearsal { // the agenda's own making, and about nothing that could be parked
			err = nil
		}
		return false, err
	}
	id := d.id()
	at := instance.ID{Policy: theClock, Of: cmd.(Command).Stream(), Event: id.String()}
	if now.Before(g.tried(id).again) {
		return false, nil
	}
	s, err := g.stood(ctx, at.Stream(), head)
	if err != nil || s.Parked() != "" || s.Skipped(at.Event) {
		return false, err
	}
	cause := Cause{CommandID: id, Actor: theClock, Role: access.Clock, Channel: "system"}
	result, fault, err := g.punctual(ctx, r, cmd, cause)
	refused := new(domain.Error)
	switch {
	case err == nil || errors.As(err, &refused) && refused.Kind != domain.Invalid:
		g.settle(id)
		return err == nil && len(result.Names) > 0 && result.Position.Compare(head) > 0, nil // and not the answer of an earlier time
	case g.Rehearsal || isWhole(ctx, err):
		return false, err
	}
	n := g.tried(id).tries + 1
	if n < tries && s.Parking(at.Event) == 0 { // else somebody waits to hear of it
		g.mu.Lock()
		defer g.mu.Unlock()
		g.vain[id] = vain{n, now.Add(againAfter << (n - 1))}
		return false, nil
	}
	cause.CommandID, cause.Role = uuid.NewSHA1(id, fmt.Append(nil, "park ", s.Times())), access.Policy
	before := eventstore.Recorded{Stream: at.Of, Event: eventstore.Event{ID: id, Name: d.Command}}
	err = g.stop(ctx, instance.Park{ID: at, Attempts: n, Fault: fault, Command: d.Command}, cause, before, err)
	if err == nil {
		g.settle(id)
	}
	return false, err
}

// punctual issues a command of the clock's, and tells of which kind a fault is.
func (g *Engine) punctual(ctx context.Context, r registration, cmd any, cause Cause) (result Result, fault string, err error) {
	defer recovered(&fault, &err)
	result, err = g.issue(ctx, r, cmd, cause)
	return result, faultCommand, err
}

func (g *Engine) tried(id uuid.UUID) vain {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.vain[id]
}

func (g *Engine) settle(id uuid.UUID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.vain, id)
}
