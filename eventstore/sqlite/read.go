package sqlite

import (
	"context"
	"iter"
	"math"

	"zombiezen.com/go/sqlite"

	"github.com/daybook-engine/daybook/eventstore"
)

const (
	selectForwards = "SELECT " + columns + " FROM events WHERE position > ? ORDER BY position LIMIT " + pageLimit

	selectBackwards = "SELECT " + columns + " FROM events WHERE position < ? ORDER BY position DESC LIMIT " + pageLimit

	// The index of streams has positions, too: no event is looked at. The plus
	// keeps SQLite from going through the log by them instead.
	selectPositions = "SELECT position FROM events WHERE stream >= ? AND stream < ? AND +position > ?"
	selectChosen    = "SELECT " + columns + " FROM events WHERE position IN (SELECT value FROM json_each(?)) ORDER BY position"

	// IN of one: SQLite plans a statement anew for every value that it compares
	// a column with by = when the rows are to be ordered.
	selectStreamForwards = "SELECT " + columns + " FROM events WHERE stream IN (?) AND revision >= ? ORDER BY revision LIMIT " + pageLimit

	selectStreamBackwards = "SELECT " + columns + " FROM events WHERE stream IN (?) AND revision < ? ORDER BY revision DESC LIMIT " + pageLimit
)

func (s *Store) ReadStream(ctx context.Context, stream string, r eventstore.ReadStream) iter.Seq2[eventstore.Recorded, error] {
	return func(yield func(eventstore.Recorded, error) bool) {
		query, from := selectStreamForwards, int64(min(r.From, math.MaxInt64))
		if r.Backwards {
			query, from = selectStreamBackwards, math.MaxInt64
		}
		c := cursor{store: s, begins: true}
		found := false
		c.pages(ctx, r.Limit, yield, func(want int) error {
			if n := len(c.rows); n > 0 {
				from = int64(c.rows[n-1].Revision)
				if !r.Backwards {
					from++
				}
			}
			err := c.read(ctx, query, want, stream, from)
			if found = found || len(c.rows) > 0; err == nil && !found {
				found, err = true, eventstore.ErrStreamNotFound
				if !r.Backwards && r.From > 0 { // it may have some before that
					err = s.find(ctx, stream)
				}
			}
			return err
		})
	}
}

// find tells whether the stream has events.
func (s *Store) find(ctx context.Context, stream string) error {
	return s.withReader(ctx, func(conn *sqlite.Conn) error {
		stmt, err := conn.Prepare("SELECT 1 FROM events WHERE stream = ? LIMIT 1")
		if err != nil {
			return err
		}
		defer stmt.Reset()
		stmt.BindText(1, stream)
		row, err := stmt.Step()
		if err == nil && !row {
			err = eventstore.ErrStreamNotFound
		}
		return err
	})
}

func (s *Store) ReadAll(ctx context.Context, r eventstore.ReadAll) iter.Seq2[eventstore.Recorded, error] {
	return func(yield func(eventstore.Recorded, error) bool) {
		c := cursor{store: s, prefixes: r.Prefixes, last: number(r.After)}
		if r.Backwards && r.After.IsZero() {
			c.last = math.MaxInt64
		}
		c.pages(ctx, r.Limit, yield, func(want int) error {
			switch {
			case r.Backwards:
				return c.read(ctx, selectBackwards, want, c.last)
			case len(r.Prefixes) > 0:
				return c.chosen(ctx, want)
			}
			return c.forwards(ctx, want)
		})
	}
}

// pages yields what read puts into c, page after page, until a page is short.
func (c *cursor) pages(ctx context.Context, limit int, yield func(eventstore.Recorded, error) bool, read func(want int) error) {
	if limit <= 0 {
		limit = math.MaxInt
	}
	for {
		want := min(limit, pageLength)
		if c.begins {
			want = min(limit, firstPage)
		}
		if err := read(want); err != nil {
			yield(eventstore.Recorded{}, err)
			return
		}
		for _, e := range c.rows {
			if !yield(e, nil) {
				return
			}
		}
		limit -= len(c.rows)
		if limit == 0 || c.scanned < want {
			return
		}
		c.begins = false
	}
}

// number is a position of ours, or the end of time for one that is not.
func number(p eventstore.Position) int64 { return int64(min(p.Commit(), math.MaxInt64)) }
