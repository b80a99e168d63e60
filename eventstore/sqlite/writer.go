package sqlite

import (
	"fmt"
	"runtime"
	"time"

	"github.com/google/uuid"
	"zombiezen.com/go/sqlite"

	"github.com/daybook-engine/daybook/eventstore"
)

const (
	batchLength = 512      // at most so many appends are committed together
	batchBytes  = 16 << 20 // or about so many bytes

	// checkpointPages is how far the write-ahead log grows before the writer
	// moves it into the file. Moving it from here, between commits, lets it
	// start from its beginning again; from another connection it would never
	// be found at rest. While the log grows the disk keeps its length too, and
	// each commit takes a tenth longer: so it does not grow for long.
	checkpointPages = 1024
	pageSize        = 4096

	rememberedStreams = 1 << 15
	rememberedIDs     = 1 << 15
)

// A writer is the connection that writes, and what it knows by heart. It is
// used by one append at a time, whose turn it is.
type writer struct {
	conn  *sqlite.Conn
	delay time.Duration

	begin, commit, rollback, insert, newestOf, keptIn, checkpoint *sqlite.Stmt

	batch   []*request
	fresh   []eventstore.Recorded // of the batch, written
	crowded bool                  // the last batch had more than one

	last   int64                    // position of the newest event
	heads  recent[string, int64]    // revision of a stream's newest event, -1 without any
	places recent[uuid.UUID, place] // where an id was written last
	pages  int                      // written to the write-ahead log since the last checkpoint, about
	sums   checksummer
}

type place struct {
	stream string
	result eventstore.Result
}

func newWriter(conn *sqlite.Conn, delay time.Duration) (_ *writer, id uuid.UUID, err error) {
	w := &writer{
		conn: conn, delay: delay,
		heads:  newRecent[string, int64](rememberedStreams),
		places: newRecent[uuid.UUID, place](rememberedIDs),
	}
	for stmt, query := range map[**sqlite.Stmt]string{
		&w.begin:    "BEGIN IMMEDIATE",
		&w.commit:   "COMMIT",
		&w.rollback: "ROLLBACK",
		&w.insert: `INSERT INTO events (position, stream, revision, id, name, data, metadata, checksum)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		&w.newestOf:   "SELECT max(revision) FROM events WHERE stream IN (?)",
		&w.keptIn:     "SELECT id, position FROM events WHERE stream IN (?) AND revision >= ? ORDER BY revision",
		&w.checkpoint: "PRAGMA wal_checkpoint(PASSIVE)",
	} {
		if *stmt, err = conn.Prepare(query); err != nil {
			return nil, id, err
		}
	}
	last, err := integer(conn, "SELECT max(position) FROM events")
	if err != nil {
		return nil, id, err
	}
	w.last = int64(last)
	hex, err := text(conn, "SELECT hex(id) FROM store")
	if err != nil {
		return nil, id, err
	}
	if id, err = uuid.Parse(hex); err != nil {
		return nil, id, fmt.Errorf("store id %q: %w", hex, err)
	}
	return w, id, nil
}

// write answers what waits. It is called by an append whose turn it is to
// write, for itself and all others.
func (s *Store) write() {
	w := s.writer
	w.batch = s.gather(w.batch[:0])
	for grown := w.crowded; grown; {
		// Those just answered are on their way back; to wait for them a
		// moment is to commit once instead of twice.
		before := len(w.batch)
		runtime.Gosched()
		w.batch = s.gather(w.batch)
		grown = len(w.batch) > before
	}
	w.crowded = len(w.batch) > 1
	if cause := s.stopped.Load(); cause != nil {
		for _, r := range w.batch {
			r.err = fmt.Errorf("%w: %w", eventstore.ErrUnavailable, *cause) // and surely not written
		}
	} else {
		s.decideAndCommit(w.batch)
	}
	for _, r := range w.batch {
		close(r.done)
	}
	clear(w.batch)
	clear(w.fresh)
	if s.stopped.Load() == nil {
		if err := w.tidy(); err != nil {
			s.fail(nil, err)
		}
	}
}

// gather takes what waits, without waiting.
func (s *Store) gather(batch []*request) []*request {
	size := 0
	for len(batch) < batchLength && size < batchBytes {
		select {
		case r := <-s.queue:
			batch = append(batch, r)
			for _, e := range r.events {
				size += e.Size()
			}
		default:
			return batch
		}
	}
	return batch
}

// decideAndCommit decides each request by itself and commits them together.
// Nothing is answered before the commit: a conflict may be with an event of
// this batch.
func (s *Store) decideAndCommit(batch []*request) {
	w := s.writer
	before, begun := w.last, false
	w.fresh = w.fresh[:0]
	single := len(batch) == 1 && len(batch[0].events) == 1 // an insert, which is a transaction by itself: two statements less
	for i, r := range batch {
		if r.err = r.ctx.Err(); r.err != nil {
			continue
		}
		first, write, err := w.decide(r)
		if err == nil && write && !begun && !single {
			err = w.run(w.begin)
			begun = err == nil
		}
		if err == nil && write {
			s.counts.begin(r)
			err = w.add(r, first)
		}
		if !begun && sqlite.ErrCode(err).ToPrimary() == sqlite.ResultBusy {
			s.counts.end(batch)
			for _, r := range batch[i:] {
				r.err = fmt.Errorf("%s: %w: %w", s.path, eventstore.ErrUnavailable, err)
			}
			return
		}
		if err != nil {
			s.abandon(batch, fmt.Errorf("append to %s: %w", r.stream, err))
			return
		}
	}
	if w.last == before {
		return
	}
	if begun {
		if err := w.run(w.commit); err != nil {
			s.abandon(batch, fmt.Errorf("commit: %w", err))
			return
		}
	}
	if w.delay > 0 {
		time.Sleep(w.delay)
	}
	s.counts.end(batch)
	s.advance(w.last, w.fresh)
}

func (s *Store) abandon(batch []*request, cause error) {
	// The transaction may have ended by itself already.
	_ = s.writer.run(s.writer.rollback)
	s.fail(batch, cause)
}

// add inserts a request's events from revision first on.
func (w *writer) add(r *request, first int64) error {
	for i, e := range r.events {
		revision := first + int64(i)
		sum := w.sums.sum(r.stream, uint64(revision), e.ID, e.Name, e.Metadata, e.Data)
		w.insert.BindInt64(1, w.last+1)
		w.insert.BindText(2, r.stream)
		w.insert.BindInt64(3, revision)
		w.insert.BindBytes(4, e.ID[:])
		w.insert.BindText(5, e.Name)
		w.insert.BindBytes(6, e.Data)
		w.insert.BindBytes(7, e.Metadata)
		w.insert.BindInt64(8, sum)
		if err := w.run(w.insert); err != nil {
			return err
		}
		w.last++
		w.pages += 2 + e.Size()/pageSize
		r.result = eventstore.Result{Revision: uint64(revision), Position: position(w.last)}
		w.fresh = append(w.fresh, eventstore.Recorded{Event: e, Stream: r.stream, Revision: uint64(revision), Position: position(w.last)})
		w.places.put(e.ID, place{r.stream, r.result})
	}
	w.heads.put(r.stream, first+int64(len(r.events))-1)
	w.pages++
	return nil
}

// newest is the revision of the stream's newest event, -1 when there is none.
func (w *writer) newest(stream string) (int64, error) {
	if revision, ok := w.heads.get(stream); ok {
		return revision, nil
	}
	w.newestOf.BindText(1, stream)
	defer w.newestOf.Reset()
	if _, err := w.newestOf.Step(); err != nil {
		return 0, err
	}
	revision := int64(-1)
	if !w.newestOf.ColumnIsNull(0) {
		revision = w.newestOf.ColumnInt64(0)
	}
	w.heads.put(stream, revision)
	return revision, nil
}

// kept tells whether the stream has the request's events from revision first
// on, and if so fills in its result.
func (w *writer) kept(r *request, first int64) (same bool, err error) {
	w.keptIn.BindText(1, r.stream)
	w.keptIn.BindInt64(2, first)
	defer w.keptIn.Reset()
	for i, e := range r.events {
		var id uuid.UUID
		if row, err := w.keptIn.Step(); err != nil || !row {
			return false, err
		}
		if w.keptIn.ColumnBytes(0, id[:]); id != e.ID {
			return false, nil
		}
		r.result = eventstore.Result{Revision: uint64(first) + uint64(i), Position: position(w.keptIn.ColumnInt64(1))}
	}
	return true, nil
}

// tidy moves the write-ahead log into the file when it has grown long. A
// reader may keep part of it back; then the next time gets it.
func (w *writer) tidy() error {
	if w.pages < checkpointPages {
		return nil
	}
	w.pages = 0
	if err := w.run(w.checkpoint); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return nil
}

func (w *writer) run(stmt *sqlite.Stmt) error {
	_, err := stmt.Step()
	if reset := stmt.Reset(); err == nil {
		err = reset
	}
	return err
}
