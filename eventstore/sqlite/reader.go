package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/daybook-engine/daybook/eventstore"
)

const (
	readerCount = 4

	// pageLength is how many rows are read at a time: enough to hide what a
	// query costs, few enough to be kept by a slow consumer.
	// It stands in the statements' text, because SQLite plans a statement
	// anew whenever a bound limit changes.
	pageLength = 512
	pageLimit  = "512"
	firstPage  = 64 // of a stream: nobody can write meanwhile

	smallChunk, largeChunk = 8 << 10, 64 << 10
	internedNames          = 4096
)

// A reader is a connection that reads, opened when it is first used.
type reader struct {
	path string
	conn *sqlite.Conn
}

func (r *reader) close() {
	if r.conn != nil {
		r.conn.Close()
	}
}

// withReader lends a reader to f. What f waits for must end with the store.
func (s *Store) withReader(ctx context.Context, f func(*sqlite.Conn) error) (err error) {
	if s.ctx.Err() != nil {
		return eventstore.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case r := <-s.readers:
		defer func() { s.readers <- r }()
		if s.ctx.Err() != nil {
			return eventstore.ErrClosed
		}
		if r.conn == nil {
			if r.conn, err = connect(r.path, sqlite.OpenReadOnly); err != nil {
				return fmt.Errorf("read %s: %w", s.path, err)
			}
		}
		return f(r.conn)
	case <-ctx.Done():
		return ctx.Err()
	case <-s.ctx.Done():
		return eventstore.ErrClosed
	}
}

// lendWriter lends the writer to f if nobody writes, and else a reader. All
// that a reader knows of the file it forgets whenever something was written,
// and the writer doesn't: who writes what they have just read finds it there.
func (s *Store) lendWriter(ctx context.Context, f func(*sqlite.Conn) error) error {
	if free, err := s.whenFree(ctx, f); free {
		return err
	}
	return s.withReader(ctx, f)
}

// whenFree lends the writer to f unless somebody has it, or it may not be in
// order. It waits for nobody, and nobody closes the store meanwhile.
func (s *Store) whenFree(ctx context.Context, f func(*sqlite.Conn) error) (free bool, err error) {
	if ctx.Err() != nil || !s.gate.TryRLock() {
		return false, nil
	}
	defer s.gate.RUnlock()
	if s.closed {
		return false, nil
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	default:
		return false, nil
	}
	if s.stopped.Load() != nil { // in a transaction, perhaps, that could not be rolled back
		return false, nil
	}
	return true, f(s.writer.conn)
}

// columns are what a cursor reads, in its order.
const columns = "position, stream, revision, id, name, data, metadata, checksum"

// A cursor reads events page by page. Their bytes lie in chunks that the
// events of a page share, and names that repeat are the same string: a replay
// spends its time on events and not on allocations. It gives no event that is
// not what was written.
type cursor struct {
	store    *Store
	begins   bool // to read a stream: its first page, which is most often all of it
	prefixes []string

	positions []int64 // of all that the prefixes choose, and that was not read yet,
	looked    bool    // when that was looked for,
	many      bool    // and found to be more than is worth it

	rows    []eventstore.Recorded // the page: good until the next one is read
	scanned int                   // rows looked at, of which the prefixes chose those in the page
	last    int64                 // position of the last row looked at
	sums    checksummer

	chunk    []byte
	interned map[string]string
}

func (c *cursor) read(ctx context.Context, query string, want int, args ...any) error {
	lend := c.store.withReader
	if c.begins {
		lend = c.store.lendWriter
	}
	return lend(ctx, func(conn *sqlite.Conn) error {
		err := c.scan(conn, query, want, args)
		if err != nil {
			return fmt.Errorf("read %s: %w", c.store.path, err)
		}
		return nil
	})
}

// scan takes up to want events of what a query answers.
func (c *cursor) scan(conn *sqlite.Conn, query string, want int, args []any) error {
	c.rows, c.scanned = c.rows[:0], 0
	stmt, err := conn.Prepare(query)
	if err != nil {
		return err
	}
	defer stmt.Reset()
	for i, arg := range args {
		switch arg := arg.(type) {
		case int64:
			stmt.BindInt64(i+1, arg)
		case string:
			stmt.BindText(i+1, arg)
		}
	}
	for len(c.rows) < want {
		more, err := stmt.Step()
		if err != nil || !more {
			return err
		}
		c.scanned++
		c.last = stmt.ColumnInt64(0)
		stream := c.name(stmt, 1)
		if !matches(stream, c.prefixes) {
			continue
		}
		e := eventstore.Recorded{
			Stream:   stream,
			Revision: uint64(stmt.ColumnInt64(2)),
			Position: position(c.last),
			Event: eventstore.Event{
				Name:     c.name(stmt, 4),
				Data:     c.bytes(stmt, 5),
				Metadata: c.bytes(stmt, 6),
			},
		}
		stmt.ColumnBytes(3, e.ID[:])
		if stmt.ColumnInt64(7) != c.sums.sum(stream, e.Revision, e.ID, e.Name, e.Metadata, e.Data) {
			return fmt.Errorf("%w: the checksum of %s is not that of its content", ErrDamaged, words(e))
		}
		c.rows = append(c.rows, e)
	}
	return nil
}

// forwards reads what lies after c.last: from memory, where that is all new,
// as it is for whoever follows the log.
func (c *cursor) forwards(ctx context.Context, want int) error {
	recent, known := c.store.recent(c.last)
	if !known || ctx.Err() != nil || c.store.ctx.Err() != nil {
		return c.read(ctx, selectForwards, want, c.last)
	}
	c.rows, c.scanned = c.rows[:0], 0
	for _, e := range recent[:min(len(recent), pageLength)] {
		if len(c.rows) == want {
			break
		}
		c.scanned++
		c.last = int64(e.Position.Commit())
		if matches(e.Stream, c.prefixes) {
			c.rows = append(c.rows, e)
		}
	}
	return nil
}

// mostChosen is how many events are read by their positions, one by one. To read
// the whole log past others is quicker than to seek more.
const mostChosen = 8192

// chosen reads what lies after c.last in streams of the prefixes: by the index
// of streams, where that is little, as most often it is.
func (c *cursor) chosen(ctx context.Context, want int) error {
	if !c.looked {
		if err := c.look(ctx); err != nil {
			return err
		}
		c.looked = true
	}
	if c.many {
		return c.forwards(ctx, want)
	}
	page := c.positions[:min(want, len(c.positions))]
	c.positions = c.positions[len(page):]
	list := make([]byte, 0, 8*len(page)+2)
	list = append(list, '[')
	for i, n := range page {
		if i > 0 {
			list = append(list, ',')
		}
		list = strconv.AppendInt(list, n, 10)
	}
	return c.read(ctx, selectChosen, want, string(append(list, ']')))
}

// look finds the positions of what the prefixes choose.
func (c *cursor) look(ctx context.Context) error {
	if _, c.many = c.store.recent(c.last); c.many { // they lie in memory
		return nil
	}
	return c.store.withReader(ctx, func(conn *sqlite.Conn) error {
		for _, p := range c.prefixes {
			if p == "" || p[len(p)-1] >= 0x7e {
				c.many = true // there is no text that follows all that begin so
				return nil
			}
			stmt, err := conn.Prepare(selectPositions)
			if err != nil {
				return fmt.Errorf("read %s: %w", c.store.path, err)
			}
			stmt.BindText(1, p)
			stmt.BindText(2, p[:len(p)-1]+string(rune(p[len(p)-1]+1)))
			stmt.BindInt64(3, c.last)
			for more := true; more && !c.many; {
				if more, err = stmt.Step(); more {
					c.positions = append(c.positions, stmt.ColumnInt64(0))
					c.many = len(c.positions) > mostChosen
				}
			}
			if err := errors.Join(err, stmt.Reset()); err != nil {
				return fmt.Errorf("read %s: %w", c.store.path, err)
			}
		}
		slices.Sort(c.positions)
		c.positions = slices.Compact(c.positions)
		return nil
	})
}

func (c *cursor) bytes(stmt *sqlite.Stmt, column int) []byte {
	n := stmt.ColumnLen(column)
	if n > len(c.chunk) {
		size := smallChunk
		if len(c.rows) > 32 {
			size = largeChunk
		}
		c.chunk = make([]byte, max(size, n))
	}
	b := c.chunk[:n:n]
	c.chunk = c.chunk[n:]
	stmt.ColumnBytes(column, b)
	return b
}

func (c *cursor) name(stmt *sqlite.Stmt, column int) string {
	var buf [64]byte
	n := stmt.ColumnLen(column)
	if n > len(buf) {
		return stmt.ColumnText(column)
	}
	stmt.ColumnBytes(column, buf[:])
	if s, ok := c.interned[string(buf[:n])]; ok {
		return s
	}
	if c.interned == nil || len(c.interned) >= internedNames {
		c.interned = make(map[string]string)
	}
	s := string(buf[:n])
	c.interned[s] = s
	return s
}

func matches(stream string, prefixes []string) bool {
	return len(prefixes) == 0 || slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(stream, p) })
}
