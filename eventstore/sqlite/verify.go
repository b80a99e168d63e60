package sqlite

import (
	"context"
	"errors"
	"fmt"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/daybook-engine/daybook/eventstore"
)

// ErrDamaged is what every finding of Verify is, and the answer of a read to
// an event that is not what was written.
var ErrDamaged = errors.New("the log is damaged")

// Verify reads the whole log and tells the first thing wrong with it: an
// event missing from its place in the log or in its stream, an event that is
// not what was written, or a file that SQLite finds unsound. It may run
// beside appends and keeps little in memory. progress, which may be nil, is
// told events done, and how many there were at the start.
//
// That nobody made a new log with sound checksums is not for the store to say:
// the books outside it do.
func (s *Store) Verify(ctx context.Context, progress func(done, total int)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()

	head, _ := s.watch()
	if err := s.verifyEvents(ctx, head, progress); err != nil {
		return err
	}
	return s.withReader(ctx, func(conn *sqlite.Conn) error {
		conn.SetInterrupt(ctx.Done())
		defer conn.SetInterrupt(nil)
		if err := s.verifyTypes(conn); err != nil {
			return err
		}
		if err := s.verifyStreams(conn); err != nil {
			return err
		}
		finding, err := text(conn, "PRAGMA integrity_check(1)")
		if err == nil && finding != "ok" {
			err = fmt.Errorf("%w: SQLite finds %s", ErrDamaged, finding)
		}
		return s.located(err)
	})
}

// verifyEvents reads the log by position: positions count from 1 without a
// gap up to head, and each event is what its checksum says.
func (s *Store) verifyEvents(ctx context.Context, head int64, progress func(done, total int)) error {
	c := cursor{store: s}
	seen := int64(0)
	for {
		err := c.read(ctx, selectForwards, pageLength, seen)
		for _, e := range c.rows { // also those before what went wrong
			p := int64(e.Position.Commit())
			if p != seen+1 {
				return s.located(fmt.Errorf("%w: position %s is missing; the next event is %s", ErrDamaged, position(seen+1), words(e)))
			}
			seen = p
		}
		if errors.Is(err, ErrDamaged) && c.last != seen+1 {
			return s.located(fmt.Errorf("%w: position %s is missing", ErrDamaged, position(seen+1)))
		}
		if isDamage(err) {
			err = fmt.Errorf("%w: no event after position %s can be read: %w", ErrDamaged, position(seen), err)
		}
		if err != nil {
			return err
		}
		if progress != nil {
			progress(int(seen), int(max(head, seen)))
		}
		if len(c.rows) < pageLength {
			break
		}
	}
	if seen < head {
		return s.located(fmt.Errorf("%w: the log ends at position %s and should go on to %s", ErrDamaged, position(seen), position(head)))
	}
	return nil
}

// verifyTypes asks of what type each value is said to be, which no checksum
// covers: SQLite would find it too, and not say of which event.
func (s *Store) verifyTypes(conn *sqlite.Conn) error {
	err := sqlitex.ExecuteTransient(conn, `SELECT position, stream, revision, name FROM events
		WHERE typeof(stream) <> 'text' OR typeof(revision) <> 'integer' OR typeof(id) <> 'blob' OR typeof(name) <> 'text'
			OR typeof(data) <> 'blob' OR typeof(metadata) <> 'blob' OR typeof(checksum) <> 'integer'
		ORDER BY position LIMIT 1`, &sqlitex.ExecOptions{ResultFunc: func(stmt *sqlite.Stmt) error {
		e := eventstore.Recorded{
			Event:  eventstore.Event{Name: stmt.ColumnText(3)},
			Stream: stmt.ColumnText(1), Revision: uint64(stmt.ColumnInt64(2)), Position: position(stmt.ColumnInt64(0)),
		}
		return fmt.Errorf("%w: a value of %s is not of its type", ErrDamaged, words(e))
	}})
	return s.located(err)
}

// verifyStreams reads the index of streams: revisions count from 0 without a
// gap, in the order of positions.
func (s *Store) verifyStreams(conn *sqlite.Conn) error {
	var stream string
	var revision, last int64 // expected next; found last
	stmt, err := conn.Prepare("SELECT stream, revision, position FROM events ORDER BY stream, revision")
	if err != nil {
		return s.located(err)
	}
	defer stmt.Reset()
	for {
		row, err := stmt.Step()
		if err != nil || !row {
			return s.located(err)
		}
		if name := stmt.ColumnText(0); name != stream {
			stream, revision, last = name, 0, 0
		}
		r, p := stmt.ColumnInt64(1), stmt.ColumnInt64(2)
		if r != revision || p <= last {
			name, err := text(conn, fmt.Sprintf("SELECT name FROM events WHERE position = %d", p))
			if err != nil {
				return s.located(err)
			}
			e := eventstore.Recorded{Event: eventstore.Event{Name: name}, Stream: stream, Revision: uint64(r), Position: position(p)}
			return s.located(fmt.Errorf("%w: %s stands where revision %d of its stream should", ErrDamaged, words(e), revision))
		}
		revision, last = r+1, p
	}
}

// located says where; damage that SQLite met while reading is damage too.
func (s *Store) located(err error) error {
	if err == nil {
		return nil
	}
	if isDamage(err) && !errors.Is(err, ErrDamaged) {
		err = fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return fmt.Errorf("verify %s: %w", s.path, err)
}

func isDamage(err error) bool {
	switch sqlite.ErrCode(err).ToPrimary() {
	case sqlite.ResultCorrupt, sqlite.ResultNotADB, sqlite.ResultIOErr:
		return true
	}
	return false
}

func words(e eventstore.Recorded) string {
	return fmt.Sprintf("%s at position %s (revision %d of %s)", e.Name, e.Position, e.Revision, e.Stream)
}
