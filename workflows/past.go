package workflows

import (
	"context"
	"hash/maphash"
	"iter"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/eventstore"
)

// A Log is what is read of a store by who has nothing to write there.
type Log interface {
	ID() uuid.UUID
	ReadStream(ctx context.Context, stream string, r eventstore.ReadStream) iter.Seq2[eventstore.Recorded, error]
	ReadAll(ctx context.Context, r eventstore.ReadAll) iter.Seq2[eventstore.Recorded, error]
}

// A past is the log as it was after an event, and an engine at work on it.
// What is appended goes no further.
type past struct {
	Log
	last     eventstore.Position // of the newest event that was there
	appended []eventstore.Recorded
	counts   map[string]uint64 // of the events appended to each stream
	engine   *Engine
	now      time.Time
}

// rewind begins at the beginning of a log, with an engine made of c.
func rewind(log Log, c Config) *past {
	p := &past{Log: log, counts: map[string]uint64{}}
	c.Store, c.Vault, c.Now = marking{p}, silent{c.Vault}, func() time.Time { return p.now }
	p.engine = &Engine{Config: c, seed: maphash.MakeSeed(), policies: slices.Concat(policies, later)}
	return p
}

// forward goes on behind events, and lets the engine forget how their streams
// stood before.
func (p *past) forward(events []played) {
	for _, e := range events {
		p.pass(e.Stream, e.Position)
	}
}

func (p *past) pass(stream string, at eventstore.Position) {
	p.engine.cache.drop(stream)
	p.last = at
}

func (p *past) Head(context.Context) (eventstore.Position, error) { return p.last, nil }

func (p *past) ReadAll(ctx context.Context, r eventstore.ReadAll) iter.Seq2[eventstore.Recorded, error] {
	return p.until(p.Log.ReadAll(ctx, r), nil)
}

func (p *past) ReadStream(ctx context.Context, stream string, r eventstore.ReadStream) iter.Seq2[eventstore.Recorded, error] {
	return p.until(p.Log.ReadStream(ctx, stream, r), eventstore.ErrStreamNotFound)
}

// until ends a sequence where the past does, with none where that is before
// its first event.
func (p *past) until(events iter.Seq2[eventstore.Recorded, error], none error) iter.Seq2[eventstore.Recorded, error] {
	return func(yield func(eventstore.Recorded, error) bool) {
		any := false
		for r, err := range events {
			if err == nil && r.Position.Compare(p.last) > 0 {
				break
			}
			if any = true; !yield(r, err) {
				return
			}
		}
		if !any && none != nil {
			yield(eventstore.Recorded{}, none)
		}
	}
}

// Append gives no position, and the revision from which the engine goes on.
func (p *past) Append(_ context.Context, stream string, expected eventstore.Expected, events ...eventstore.Event) (eventstore.Result, error) {
	for _, e := range events {
		p.appended = append(p.appended, eventstore.Recorded{Event: e, Stream: stream})
	}
	p.counts[stream] += uint64(len(events))
	last := uint64(len(events)) - 1
	if before, ok := expected.Revision(); ok {
		last += before + 1
	}
	return eventstore.Result{Revision: last}, nil
}

// Count is an eventstore.Counter's. The past does not change, and where it goes
// on the engine forgets: what it remembers need not be asked for again.
func (p *past) Count(stream string) (uint64, bool) { return p.counts[stream], true }

// undo takes back what was appended: it goes no further.
func (p *past) undo() []eventstore.Recorded {
	events := p.appended
	for _, e := range events {
		p.engine.cache.drop(e.Stream)
	}
	p.appended = nil
	return events
}

// Subscribe ends at once: nothing comes after the past.
func (p *past) Subscribe(context.Context, eventstore.Subscribe) (eventstore.Subscription, error) {
	return nil, eventstore.ErrClosed
}

func (p *past) Close() error { return nil }

// silent is a vault that is only asked.
type silent struct{ Vault }

func (silent) Put(context.Context, []Secret) error                    { return nil }
func (silent) SetHandle(context.Context, string, domain.Person) error { return nil }
