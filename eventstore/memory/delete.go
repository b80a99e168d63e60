package memory

import (
	"context"

	"github.com/daybook-engine/daybook/eventstore"
)

// A deletion is what became of a deleted stream. Its events stay in the log.
type deletion struct {
	before  int  // events below this revision are not read from the stream
	finally bool // by a tombstone
}

// Delete hides a stream's events from its readers, not from those of the log.
// The stream may be appended to again, and its revisions go on. It answers
// with the head of the log. A stream that never was is a conflict, whatever
// was expected, as in EventStoreDB.
//
// Deleting is a capability of this store alone, for the wire protocol's sake:
// a log that is kept forgets nothing.
func (s *Store) Delete(ctx context.Context, stream string, expected eventstore.Expected) (eventstore.Position, error) {
	return s.delete(ctx, stream, expected, false)
}

// Tombstone ends a stream for good: it answers ErrStreamDeleted from then on.
func (s *Store) Tombstone(ctx context.Context, stream string, expected eventstore.Expected) (eventstore.Position, error) {
	return s.delete(ctx, stream, expected, true)
}

func (s *Store) delete(ctx context.Context, stream string, expected eventstore.Expected, finally bool) (eventstore.Position, error) {
	if err := ctx.Err(); err != nil {
		return eventstore.Position{}, err
	}
	if err := eventstore.Check(stream); err != nil {
		return eventstore.Position{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isClosed() {
		return eventstore.Position{}, eventstore.ErrClosed
	}
	n := len(s.streams[stream])
	if s.deleted[stream].finally {
		return eventstore.Position{}, eventstore.ErrStreamDeleted
	}
	var met bool
	switch revision, exact := expected.Revision(); {
	case exact:
		met = n > 0 && revision == uint64(n-1)
	case expected == eventstore.NoStream:
		met = n == 0 && finally
	case expected == eventstore.StreamExists:
		met = n > 0
	default:
		met = n > 0 || finally
	}
	if !met {
		return eventstore.Position{}, s.conflict(stream, expected)
	}
	s.deleted[stream] = deletion{before: n, finally: finally}
	if len(s.log) == 0 {
		return eventstore.Position{}, nil
	}
	return s.log[len(s.log)-1].Position, nil
}
