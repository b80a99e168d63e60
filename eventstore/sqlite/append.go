package sqlite

import (
	"bytes"
	"context"
	"fmt"
	"math"

	"github.com/daybook-engine/daybook/eventstore"
)

// queueLength bounds the appends that wait; more callers wait for a place.
const queueLength = 1024

// A request is an append on its way through the writer.
type request struct {
	ctx      context.Context
	stream   string
	expected eventstore.Expected
	events   []eventstore.Event

	// The writer's until done is closed.
	begun  bool // to be written
	result eventstore.Result
	err    error
	done   chan struct{}
}

func (s *Store) Append(ctx context.Context, stream string, expected eventstore.Expected, events ...eventstore.Event) (eventstore.Result, error) {
	if err := ctx.Err(); err != nil {
		return eventstore.Result{}, err
	}
	if err := eventstore.Check(stream, events...); err != nil {
		return eventstore.Result{}, err
	}
	r := &request{ctx: ctx, stream: stream, expected: expected, events: own(events), done: make(chan struct{})}

	s.gate.RLock()
	defer s.gate.RUnlock()
	if s.closed {
		return eventstore.Result{}, eventstore.ErrClosed
	}
	if len(events) == 0 {
		return eventstore.Result{}, nil
	}
	if err := s.enqueue(r); err != nil {
		return eventstore.Result{}, err
	}
	for {
		select {
		case <-r.done:
			if r.err != nil {
				return eventstore.Result{}, r.err
			}
			return r.result, nil
		case s.turn <- struct{}{}:
			if !r.answered() {
				s.write()
			}
			<-s.turn
		case <-ctx.Done():
			return eventstore.Result{}, ctx.Err()
		}
	}
}

// enqueue gives a request its place in the queue. The callers of all that are
// in it may have gone away, and then nobody would ever write them: so whoever
// finds it full may write.
func (s *Store) enqueue(r *request) error {
	for {
		select {
		case s.queue <- r:
			return nil
		default:
		}
		select {
		case s.queue <- r:
			return nil
		case s.turn <- struct{}{}:
			s.write()
			<-s.turn
		case <-r.ctx.Done():
			return r.ctx.Err()
		}
	}
}

func (r *request) answered() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// own copies the events, because a caller whose context ends has its bytes
// back while the writer may still be at them.
func own(events []eventstore.Event) []eventstore.Event {
	events = append([]eventstore.Event(nil), events...)
	for i := range events {
		events[i].Data = bytes.Clone(events[i].Data)
		events[i].Metadata = bytes.Clone(events[i].Metadata)
	}
	return events
}

// decide answers a request as EventStoreDB does: with the place of the last
// event when a retry finds all of them, with write when they are to be
// written from revision first, or with a conflict. It sees what the batch has
// written so far.
func (w *writer) decide(r *request) (first int64, write bool, err error) {
	newest, err := w.newest(r.stream)
	if err != nil {
		return 0, false, err
	}
	conflict := &eventstore.WrongExpectedError{Stream: r.stream, Expected: r.expected}
	if newest >= 0 {
		conflict.Actual, conflict.ActualKnown = uint64(newest), true
	}

	if r.expected == eventstore.Any || r.expected == eventstore.StreamExists {
		if r.expected == eventstore.StreamExists && newest < 0 {
			r.err = conflict
			return 0, false, nil
		}
		for i, e := range r.events {
			at, known := w.places.get(e.ID)
			known = known && at.stream == r.stream
			switch {
			case !known && i == 0:
				return newest + 1, true, nil
			case !known:
				r.err = conflict
				return 0, false, nil
			}
			r.result = at.result
		}
		return 0, false, nil
	}

	next := int64(0) // the revision the first event would have
	if revision, exact := r.expected.Revision(); exact {
		if revision >= math.MaxInt64 || int64(revision) > newest {
			r.err = conflict
			return 0, false, nil
		}
		next = int64(revision) + 1
	}
	if next == newest+1 {
		return next, true, nil
	}
	same, err := w.kept(r, next)
	if !same {
		r.err = conflict
	}
	return 0, false, err
}

// fail stops the store: what became of the batch can't be told any more.
func (s *Store) fail(batch []*request, cause error) {
	err := fmt.Errorf("%s %w: %w", s.path, ErrStopped, cause)
	s.stopped.Store(&err)
	for _, r := range batch {
		r.err = err
	}
}
