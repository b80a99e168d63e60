// Package memory keeps the log in memory: a real store, for tests,
// rehearsals and simulations, and gone when the process ends.
package memory

import (
	"bytes"
	"context"
	"iter"
	"slices"
	"strings"
	"sync"

	"github.com/google/uuid"

	"github.com/daybook-engine/daybook/eventstore"
)

// A Store is an eventstore.Store whose log is a slice.
type Store struct {
	id uuid.UUID

	mu      sync.Mutex
	log     []eventstore.Recorded // only ever appended to, so a reader may keep a prefix of it without the lock
	streams map[string][]int      // indexes into log, in revision order
	deleted map[string]deletion   // of the streams that were
	written map[uuid.UUID]int     // index of the newest event with this id
	grown   chan struct{}         // closed and replaced at each append
	closed  chan struct{}
}

// New makes an empty log with an identity of its own.
func New() *Store {
	return &Store{
		id:      uuid.New(),
		streams: map[string][]int{},
		deleted: map[string]deletion{},
		written: map[uuid.UUID]int{},
		grown:   make(chan struct{}),
		closed:  make(chan struct{}),
	}
}

func (s *Store) ID() uuid.UUID { return s.id }

func (s *Store) Append(ctx context.Context, stream string, expected eventstore.Expected, events ...eventstore.Event) (eventstore.Result, error) {
	if err := ctx.Err(); err != nil {
		return eventstore.Result{}, err
	}
	if err := eventstore.Check(stream, events...); err != nil {
		return eventstore.Result{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isClosed() {
		return eventstore.Result{}, eventstore.ErrClosed
	}
	if len(events) == 0 {
		return eventstore.Result{}, nil
	}
	kept, err := s.decide(stream, expected, events)
	if err != nil {
		return eventstore.Result{}, err
	}
	if kept < 0 {
		kept = s.write(stream, events)
	}
	return eventstore.Result{Revision: s.log[kept].Revision, Position: s.log[kept].Position}, nil
}

// decide answers an append as EventStoreDB does: with the index of the last
// event when a retry finds all of them, with -1 when they are to be written,
// or with a conflict.
func (s *Store) decide(stream string, expected eventstore.Expected, events []eventstore.Event) (kept int, err error) {
	own, gone := s.streams[stream], s.deleted[stream]
	conflict := s.conflict(stream, expected)
	if gone.finally {
		return 0, eventstore.ErrStreamDeleted
	}
	hidden := len(own) > 0 && len(own) == gone.before // all events lie before the deletion

	if expected == eventstore.Any || expected == eventstore.StreamExists {
		switch {
		case expected == eventstore.StreamExists && len(own) == 0:
			return 0, conflict
		case expected == eventstore.StreamExists && hidden:
			return 0, eventstore.ErrStreamDeleted
		}
		for i, e := range events {
			at, known := s.written[e.ID]
			known = known && s.log[at].Stream == stream
			switch {
			case !known && i == 0:
				return -1, nil
			case !known:
				return 0, conflict
			}
			kept = at
		}
		return kept, nil
	}

	next := uint64(0) // the revision the first event would have
	if revision, exact := expected.Revision(); exact {
		if revision >= uint64(len(own)) {
			return 0, conflict
		}
		next = revision + 1
	}
	if next == uint64(len(own)) {
		return -1, nil
	}
	for i, e := range events {
		at := next + uint64(i)
		switch same := at < uint64(len(own)) && s.log[own[at]].ID == e.ID; {
		case !same && i == 0 && hidden && expected == eventstore.NoStream:
			return -1, nil // a deleted stream begins anew, after its last revision
		case !same:
			return 0, conflict
		}
		kept = own[at]
	}
	return kept, nil
}

func (s *Store) conflict(stream string, expected eventstore.Expected) *eventstore.WrongExpectedError {
	c := &eventstore.WrongExpectedError{Stream: stream, Expected: expected}
	if n := len(s.streams[stream]); n > 0 {
		c.Actual, c.ActualKnown = uint64(n-1), true
	}
	return c
}

func (s *Store) write(stream string, events []eventstore.Event) (last int) {
	for _, e := range events {
		e.Data, e.Metadata = bytes.Clone(e.Data), bytes.Clone(e.Metadata)
		last = len(s.log)
		n := uint64(last) + 1
		s.log = append(s.log, eventstore.Recorded{
			Event:    e,
			Stream:   stream,
			Revision: uint64(len(s.streams[stream])),
			Position: eventstore.NewPosition(n, n),
		})
		s.streams[stream] = append(s.streams[stream], last)
		s.written[e.ID] = last
	}
	close(s.grown)
	s.grown = make(chan struct{})
	return last
}

func (s *Store) ReadStream(ctx context.Context, stream string, r eventstore.ReadStream) iter.Seq2[eventstore.Recorded, error] {
	return func(yield func(eventstore.Recorded, error) bool) {
		log, own, gone, err := s.snapshot(stream)
		switch {
		case err != nil:
		case gone.finally:
			err = eventstore.ErrStreamDeleted
		case len(own) == gone.before: // both are 0 for a stream that never was
			err = eventstore.ErrStreamNotFound
		}
		if err != nil {
			yield(eventstore.Recorded{}, err)
			return
		}
		first := uint64(gone.before)
		if !r.Backwards {
			first = min(max(r.From, first), uint64(len(own)))
		}
		own = own[first:]
		deliver(ctx, len(own), r.Backwards, r.Limit, func(i int) eventstore.Recorded { return log[own[i]] }, nil, yield)
	}
}

func (s *Store) ReadAll(ctx context.Context, r eventstore.ReadAll) iter.Seq2[eventstore.Recorded, error] {
	return func(yield func(eventstore.Recorded, error) bool) {
		log, _, _, err := s.snapshot("")
		if err != nil {
			yield(eventstore.Recorded{}, err)
			return
		}
		after := r.After.Commit()
		switch {
		case !r.Backwards:
			log = log[min(after, uint64(len(log))):]
		case after > 0:
			log = log[:min(after-1, uint64(len(log)))]
		}
		deliver(ctx, len(log), r.Backwards, r.Limit, func(i int) eventstore.Recorded { return log[i] }, r.Prefixes, yield)
	}
}

func deliver(ctx context.Context, n int, backwards bool, limit int, at func(int) eventstore.Recorded, prefixes []string, yield func(eventstore.Recorded, error) bool) {
	given := 0
	for i := range n {
		if err := ctx.Err(); err != nil {
			yield(eventstore.Recorded{}, err)
			return
		}
		if backwards {
			i = n - 1 - i
		}
		e := at(i)
		if !matches(e.Stream, prefixes) {
			continue
		}
		if !yield(e, nil) {
			return
		}
		if given++; given == limit {
			return
		}
	}
}

func (s *Store) Head(ctx context.Context) (eventstore.Position, error) {
	log, _, _, err := s.snapshot("")
	if err == nil {
		err = ctx.Err()
	}
	if err != nil || len(log) == 0 {
		return eventstore.Position{}, err
	}
	return log[len(log)-1].Position, nil
}

// Count is an eventstore.Counter's.
func (s *Store) Count(stream string) (n uint64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	gone := s.deleted[stream]
	n = uint64(len(s.streams[stream]) + gone.before)
	if gone.finally {
		n++
	}
	return n, true
}

func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.isClosed() {
		close(s.closed)
	}
	return nil
}

func (s *Store) snapshot(stream string) (log []eventstore.Recorded, own []int, gone deletion, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isClosed() {
		return nil, nil, deletion{}, eventstore.ErrClosed
	}
	return s.log, s.streams[stream], s.deleted[stream], nil
}

func (s *Store) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

func matches(stream string, prefixes []string) bool {
	return len(prefixes) == 0 || slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(stream, p) })
}
