// Package eventstore is the contract of the log: named events, kept once, in
// order, for ever.
//
// A stream is what must never disagree with itself (one application, one
// match, one programme's places). The log is all streams in the order in
// which their events were committed. The package knows names and bytes; what
// they mean is the domain's business.
//
// Adapters share this contract, the conformance suite in storetest, how a file
// is put on the disk (durable), and nothing else.
package eventstore

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/google/uuid"
)

// MaxAppend is the most bytes one Append may carry, by Size. It is
// EventStoreDB's default MaxAppendSize, kept by every adapter so that what
// works on one machine works on a cluster.
const MaxAppend = 1 << 20

// An Event is a fact that a caller wants kept.
type Event struct {
	ID       uuid.UUID // chosen by the caller, so that a retry can be recognised; never zero
	Name     string    // "session.held"; never empty, never starting with "$"
	Data     []byte    // the body, JSON; the exact bytes are kept
	Metadata []byte    // the envelope, JSON; the exact bytes are kept
}

// Size is what the event counts against MaxAppend: EventStoreDB's formula
// (body, metadata, and the name in UTF-16).
func (e Event) Size() int { return len(e.Data) + len(e.Metadata) + 2*len(e.Name) }

// A Recorded event is an Event with its place: the Revision in its stream,
// counted from 0, and the Position in the log.
type Recorded struct {
	Event
	Stream   string
	Revision uint64
	Position Position
}

// Result tells where an Append ended.
type Result struct {
	Revision uint64   // of the last event appended
	Position Position // of the last event appended
}

// ReadStream says which part of a stream to read.
type ReadStream struct {
	From      uint64 // first revision read, inclusive; ignored when Backwards
	Backwards bool   // from the newest event to the oldest
	Limit     int    // at most so many events; 0 means all
}

// ReadAll says which part of the log to read.
type ReadAll struct {
	After     Position // exclusive: a checkpoint means "done up to here". Backwards: before it, and zero means from the end
	Backwards bool
	Limit     int      // at most so many events; 0 means all
	Prefixes  []string // only streams whose name starts with one of these; empty means every stream
}

// Subscribe says what to follow.
type Subscribe struct {
	After    Position // exclusive
	Prefixes []string // as in ReadAll
}

// A Message is what a Subscription delivers: exactly one of its fields is
// set.
type Message struct {
	Event      *Recorded
	CaughtUp   bool      // everything committed when the subscriber last looked has been delivered; may repeat
	Checkpoint *Position // nothing that matches the prefixes lies at or before this position undelivered
}

// A Subscription delivers events in log order, first those that are there,
// then those that come.
type Subscription interface {
	// Recv waits for the next message. An error ends the subscription for
	// good: io.EOF never, ctx.Err() when ctx ends, ErrClosed after Close of
	// the subscription or its store. There is no reconnecting inside.
	Recv(ctx context.Context) (Message, error)
	Close() error
}

// A Store keeps the log. Its methods may be called from many goroutines.
type Store interface {
	// ID is the identity of this log, made when it was created. A checkpoint
	// is worth nothing on a store with another ID.
	ID() uuid.UUID

	// Append adds events to one stream, all or none. When it returns nil the
	// events are durable and every later read sees them. Concurrent calls
	// on a stream are ordered by Expected: one wins, the others get
	// *WrongExpectedError.
	//
	// A retry with the same ids under NoStream or Exact is answered with the
	// first call's Result and writes nothing; under Any and StreamExists that
	// is best effort, as EventStoreDB does it: an id is not unique in the log.
	//
	// An error that is none of the package's (or a context error) leaves the
	// outcome unknown: the events may have been kept. Ask again with the same
	// ids. No events is not an error and writes nothing.
	Append(ctx context.Context, stream string, expected Expected, events ...Event) (Result, error)

	// ReadStream yields a stream's events in order. A stream that has no
	// events yields ErrStreamNotFound. An error ends the iteration.
	ReadStream(ctx context.Context, stream string, r ReadStream) iter.Seq2[Recorded, error]

	// ReadAll yields the log's events in position order. Events committed
	// while it runs may or may not be seen; nothing is skipped.
	ReadAll(ctx context.Context, r ReadAll) iter.Seq2[Recorded, error]

	// Subscribe follows the log.
	Subscribe(ctx context.Context, s Subscribe) (Subscription, error)

	// Head is the position of the newest event, zero when there is none.
	Head(ctx context.Context) (Position, error)

	// Close ends every subscription and waits for appends under way.
	Close() error
}

// A Counter is a Store that can tell without reading that a stream is as it
// was. One can that all appends to its log go through.
type Counter interface {
	// Count is a number of a stream's that goes up by one with each event
	// appended to it, and may go up with those of others. Where it is the same
	// as before a read began, that read has seen all of the stream that any
	// Append has been answered, or any read has seen, until now. ok is false
	// when this cannot be told.
	Count(stream string) (n uint64, ok bool)
}

// Count asks a store that can count.
func Count(s Store, stream string) (n uint64, ok bool) {
	if c, can := s.(Counter); can {
		return c.Count(stream)
	}
	return 0, false
}

var (
	ErrStreamNotFound = errors.New("stream not found")
	ErrTooLarge       = fmt.Errorf("append larger than %d bytes", MaxAppend)
	ErrClosed         = errors.New("event store is closed")
	// ErrStreamDeleted: a tombstone ended the stream; nobody reads it or
	// appends to it again. Only a store in memory sets one; on a cluster,
	// somebody with another tool may.
	ErrStreamDeleted = errors.New("stream is deleted")
	// ErrUnavailable: not now; ask again. Of an append it says that nothing was
	// written.
	ErrUnavailable = errors.New("event store is unavailable")
	// ErrConflict is what every *WrongExpectedError is.
	ErrConflict = errors.New("stream is not where the writer expected it")
	// ErrInvalid marks an event or a stream name that no store takes.
	ErrInvalid = errors.New("not a valid append")
)

// WrongExpectedError says that a stream was not where the writer expected it.
type WrongExpectedError struct {
	Stream      string
	Expected    Expected
	Actual      uint64 // revision of the newest event, when ActualKnown
	ActualKnown bool   // false: no events, or the store didn't say
}

func (e *WrongExpectedError) Error() string {
	actual := "no events"
	if e.ActualKnown {
		actual = fmt.Sprintf("revision %d", e.Actual)
	}
	return fmt.Sprintf("stream %s: expected %s, found %s", e.Stream, e.Expected, actual)
}

func (e *WrongExpectedError) Unwrap() error { return ErrConflict }

// Check tells whether events may be appended to stream: the rules that every
// adapter keeps. A stream's name is "category-id"; neither it nor an event's
// name starts with "$", which EventStoreDB keeps for itself.
func Check(stream string, events ...Event) error {
	if stream == "" || stream[0] == '$' {
		return fmt.Errorf("%w: stream name %q", ErrInvalid, stream)
	}
	size := 0
	for _, e := range events {
		switch {
		case e.ID == uuid.Nil:
			return fmt.Errorf("%w: %s in %s has no id", ErrInvalid, e.Name, stream)
		case e.Name == "" || e.Name[0] == '$':
			return fmt.Errorf("%w: event name %q in %s", ErrInvalid, e.Name, stream)
		}
		size += e.Size()
	}
	if size > MaxAppend {
		return ErrTooLarge
	}
	return nil
}
