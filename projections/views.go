package projections

import (
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/eventstore"
)

// ErrOtherStore is the answer to views that were made from another log.
var ErrOtherStore = errors.New("these views were made from another log; delete them to make them anew")

const (
	bulk        = 10_000 // events in one transaction of a replay
	chunkLength = 250    // events handed from reading to applying at a time
	fewEvents   = 16     // so many are applied without a goroutine that reads ahead
	readerCount = 4
)

// Views are the read models of one log, kept up with it by CatchUp or Run,
// and asked by the methods named after them. The methods may be called from
// many goroutines; each sees all read models at one position.
type Views struct {
	store       eventstore.Store
	path        string
	projections []Projection
	wants       map[string]uint64 // which projections see an event of that name, a bit for each
	decoded     map[string]bool   // names whose bodies some projection reads

	applying  sync.Mutex // held through a catch-up, and while a live event is applied
	tx        *Tx
	begun     bool
	unindexed string // the indexes that wait for the end of a first replay
	marks     []mark // by projection
	filter    func(e *Event) verdict
	envelopes *envelopes // used by the reading side
	batch     int
	progress  func(n int64, p eventstore.Position)

	writer  chan *sqlite.Conn
	readers chan *sqlite.Conn // the writer itself, where the views are in memory

	mu      sync.Mutex
	at      mark
	stopped error         // why Run ended
	moved   chan struct{} // closed and replaced when at or stopped changes
}

// A mark is a place in the log, and how many events lie up to it.
type mark struct {
	eventstore.Place
	events int64
}

type verdict uint8

const (
	keep verdict = iota
	skip         // the event is passed over
	end          // the log ends before it
)

// Open opens the views at path, or makes them; an empty path means in memory.
// Views made from another log are refused with ErrOtherStore, and those that
// know of events that the log has not, because an older copy of it was put
// back, with eventstore.ErrLost. A projection that is new, or has a new shape, begins at the log's beginning; the others
// go on from where they were.
func Open(path string, store eventstore.Store) (*Views, error) {
	return open(path, store, All())
}

func open(path string, store eventstore.Store, projections []Projection) (*Views, error) {
	return openWith(path, store, projections, safely)
}

// What is in views.db can always be made again, so it need not survive a loss
// of power; what Rebuild makes beside it need not even survive a crash.
var (
	safely   = []string{"journal_mode = WAL", "synchronous = NORMAL", "cache_size = -16000"}
	beside   = []string{"journal_mode = OFF", "synchronous = OFF", "cache_size = -1000"}
	readOnly = []string{"query_only = TRUE"}
)

func openWith(path string, store eventstore.Store, projections []Projection, pragmas []string) (*Views, error) {
	v := &Views{
		store: store, path: path, projections: projections, batch: bulk, envelopes: &envelopes{},
		wants: map[string]uint64{}, decoded: map[string]bool{},
		marks: make([]mark, len(projections)), moved: make(chan struct{}),
	}
	for _, name := range schema.Names() {
		v.wants[name] = 0
		for i, p := range projections {
			if p.Names == nil || slices.Contains(p.Names, name) {
				v.wants[name] |= 1 << i
				v.decoded[name] = v.decoded[name] || p.Names != nil
			}
		}
	}
	conn, err := v.connect(pragmas, sqlite.OpenReadWrite|sqlite.OpenCreate)
	if err != nil {
		return nil, fmt.Errorf("open views %s: %w", path, err)
	}
	if err := v.prepare(conn); err != nil {
		conn.Close()
		return nil, fmt.Errorf("open views %s: %w", path, err)
	}
	if err := slices.MaxFunc(v.marks, byPosition).Held(context.Background(), store); err != nil {
		conn.Close()
		return nil, fmt.Errorf("open views %s: %w", path, err)
	}
	v.tx = newTx(conn)
	v.writer = make(chan *sqlite.Conn, 1)
	v.writer <- conn
	v.readers = v.writer
	if path != "" {
		v.readers = make(chan *sqlite.Conn, readerCount)
		for range readerCount {
			v.readers <- nil // opened when first used
		}
	}
	v.at = v.least()
	return v, nil
}

func (v *Views) connect(pragmas []string, flags sqlite.OpenFlags) (*sqlite.Conn, error) {
	path := cmp.Or(v.path, ":memory:")
	conn, err := sqlite.OpenConn(path, flags)
	if err != nil {
		return nil, err
	}
	conn.SetBlockOnBusy()
	for _, p := range pragmas { // one by one: the journal's mode can't change within a script's transaction
		if err := sqlitex.ExecuteTransient(conn, "PRAGMA "+p, nil); err != nil {
			conn.Close()
			return nil, err
		}
	}
	return conn, nil
}

const metaSchema = `
DROP TABLE IF EXISTS checkpoint; -- an earlier progress, which did not know its event
CREATE TABLE IF NOT EXISTS views (store TEXT NOT NULL PRIMARY KEY) STRICT;
CREATE TABLE IF NOT EXISTS progress (
	projection TEXT NOT NULL PRIMARY KEY,
	shape      TEXT NOT NULL, -- digest of its schema
	events     INTEGER NOT NULL,
	position   TEXT NOT NULL, -- of the event applied last
	stream     TEXT NOT NULL,
	revision   INTEGER NOT NULL,
	event      TEXT NOT NULL
) STRICT;
`

// prepare makes the tables that are missing and drops those of another shape.
func (v *Views) prepare(conn *sqlite.Conn) (err error) {
	defer sqlitex.Save(conn)(&err)
	if err := script(conn, metaSchema); err != nil {
		return err
	}
	id, made := v.store.ID().String(), ""
	if err := query(conn, "SELECT store FROM views", text(&made)); err != nil {
		return err
	}
	switch made {
	case id:
	case "":
		if err := exec(conn, "INSERT INTO views (store) VALUES (?)", id); err != nil {
			return err
		}
	default:
		return fmt.Errorf("%w: made from %s, opened with %s", ErrOtherStore, made, id)
	}

	marks, shapes := map[string]mark{}, map[string]string{}
	err = query(conn, "SELECT projection, shape, events, position, stream, revision, event FROM progress ORDER BY projection", func(stmt *sqlite.Stmt) error {
		name := stmt.ColumnText(0)
		p, errPosition := eventstore.ParsePosition(stmt.ColumnText(3))
		event, err := uuid.Parse(stmt.ColumnText(6))
		marks[name] = mark{eventstore.Place{Position: p, Stream: stmt.ColumnText(4), Revision: uint64(stmt.ColumnInt64(5)), ID: event}, stmt.ColumnInt64(2)}
		shapes[name] = stmt.ColumnText(1)
		return errors.Join(errPosition, err)
	})
	if err != nil {
		return err
	}
	for i, p := range v.projections {
		sum := sha256.Sum256([]byte(p.Schema + p.Indexes + shape(p.Documents)))
		shape := base64.RawURLEncoding.EncodeToString(sum[:])
		if shapes[p.Name] == shape {
			v.marks[i] = marks[p.Name]
			delete(shapes, p.Name)
			if !v.marks[i].Position.IsZero() { // a first replay may have been cut short
				err = script(conn, p.Indexes)
			} else {
				v.unindexed += p.Indexes
			}
			if err != nil {
				return err
			}
			continue
		}
		if err := drop(conn, p.Name); err != nil {
			return err
		}
		delete(shapes, p.Name)
		if err := script(conn, p.Schema); err != nil {
			return fmt.Errorf("make %s: %w", p.Name, err)
		}
		v.unindexed += p.Indexes
		err := exec(conn, "INSERT INTO progress (projection, shape, events, position, stream, revision, event) VALUES (?, ?, 0, ?, '', 0, ?)",
			p.Name, shape, eventstore.Position{}.String(), uuid.Nil.String())
		if err != nil {
			return err
		}
	}
	for name := range shapes { // of projections that are no more
		if err := drop(conn, name); err != nil {
			return err
		}
	}
	return nil
}

func drop(conn *sqlite.Conn, name string) error {
	var tables []string
	err := query(conn, `SELECT name FROM sqlite_schema WHERE type = 'table' AND (name = ?1 OR name LIKE ?2 ESCAPE '\') ORDER BY name`,
		func(stmt *sqlite.Stmt) error {
			tables = append(tables, stmt.ColumnText(0))
			return nil
		}, name, strings.ReplaceAll(name, "_", `\_`)+`\_%`)
	if err != nil {
		return err
	}
	for _, t := range tables {
		if err := script(conn, `DROP TABLE "`+t+`"`); err != nil {
			return err
		}
	}
	return exec(conn, "DELETE FROM progress WHERE projection = ?", name)
}

func script(conn *sqlite.Conn, sql string) error { return sqlitex.ExecuteScript(conn, sql, nil) }

func text(s *string) func(*sqlite.Stmt) error {
	return func(stmt *sqlite.Stmt) error {
		*s = stmt.ColumnText(0)
		return nil
	}
}

// least is how far every projection has come.
func (v *Views) least() mark { return slices.MinFunc(v.marks, byPosition) }

func byPosition(a, b mark) int { return a.Position.Compare(b.Position) }

// Position is how far the views have come.
func (v *Views) Position() eventstore.Position {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.at.Position
}

// WaitFor waits until the views have come as far as p: who wrote there then
// reads their own write. It returns Run's error if Run has stopped short of p.
func (v *Views) WaitFor(ctx context.Context, p eventstore.Position) error {
	for {
		v.mu.Lock()
		at, stopped, moved := v.at.Position, v.stopped, v.moved
		v.mu.Unlock()
		switch {
		case at.Compare(p) >= 0:
			return nil
		case stopped != nil:
			return fmt.Errorf("views stopped at %s: %w", at, stopped)
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// tell lets change what WaitFor looks at, and wakes who waits.
func (v *Views) tell(change func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	change()
	close(v.moved)
	v.moved = make(chan struct{})
}

// CatchUp applies what has been committed and returns when the views have
// come to where the log's head was, or beyond.
func (v *Views) CatchUp(ctx context.Context) error {
	head, err := v.store.Head(ctx)
	if err != nil {
		return fmt.Errorf("catch up: %w", err)
	}
	v.applying.Lock()
	defer v.applying.Unlock()
	defer v.rollback() // what an error left open
	if v.Position().Compare(head) < 0 {
		if err := v.replay(ctx); err != nil {
			return err
		}
	}
	return v.index(ctx)
}

// index makes the indexes that are missing.
func (v *Views) index(ctx context.Context) error {
	if v.unindexed == "" {
		return nil
	}
	if err := v.begin(ctx); err != nil {
		return err
	}
	if err := script(v.tx.conn, v.unindexed); err != nil {
		return fmt.Errorf("index views: %w", err)
	}
	if err := v.end(); err != nil {
		return fmt.Errorf("index views: %w", err)
	}
	v.unindexed = ""
	return nil
}

// Run catches up and then follows the log: what has come meanwhile is applied
// in one transaction. It returns when ctx ends, or with the first error: an event whose name the schema doesn't
// know ends it, and the error says where.
func (v *Views) Run(ctx context.Context) (err error) {
	v.tell(func() { v.stopped = nil })
	defer func() { v.tell(func() { v.stopped = err }) }()
	if err := v.CatchUp(ctx); err != nil {
		return err
	}
	sub, err := v.store.Subscribe(ctx, eventstore.Subscribe{After: v.Position()})
	if err != nil {
		return fmt.Errorf("follow the log: %w", err)
	}
	defer sub.Close()
	for {
		m, err := sub.Recv(ctx)
		if err != nil {
			return fmt.Errorf("follow the log: %w", err)
		}
		if m.Event == nil {
			continue
		}
		if m.Event.Position.Compare(v.Position()) <= 0 {
			continue // applied already, with others that came at a time
		}
		if err := v.CatchUp(ctx); err != nil {
			return err
		}
	}
}

// A chunk is handed from the reading side of a replay to the applying one.
type chunk struct {
	events []Event
	upTo   mark // events passed over included
	err    error
	last   bool // the log ends here, or an error does
}

// replay applies the log from where the views are to its end. What is more
// than a chunk is read and decoded ahead of applying, within bounds.
func (v *Views) replay(ctx context.Context) error {
	var first chunk
	v.produce(ctx, v.least(), fewEvents, func(c chunk) ([]Event, bool) { first = c; return nil, false })
	if err := v.apply(ctx, first.events); err != nil {
		return err
	}
	if first.last {
		return errors.Join(v.commit(first.upTo), first.err)
	}

	ctx, cancel := context.WithCancel(ctx)
	chunks, used := make(chan chunk, 4), make(chan []Event, 6)
	go func() {
		defer close(chunks)
		v.produce(ctx, first.upTo, min(chunkLength, v.batch), func(c chunk) (next []Event, ok bool) {
			select {
			case chunks <- c:
			case <-ctx.Done():
				return nil, false
			}
			select {
			case next = <-used:
			default:
			}
			return next, true
		})
	}()
	defer func() { // leave no reader behind
		cancel()
		for range chunks {
		}
	}()
	pending := len(first.events)
	for c := range chunks {
		if err := v.apply(ctx, c.events); err != nil {
			return err
		}
		pending += len(c.events)
		used <- c.events[:0]
		if pending >= v.batch || c.last {
			if err := v.commit(c.upTo); err != nil {
				return err
			}
			pending = 0
		}
		if c.last {
			return c.err
		}
	}
	return ctx.Err() // the reading side has stopped for it without a word
}

// produce reads and decodes the log in chunks, until send says no; send gives
// the memory of a chunk that was used, if there is one.
func (v *Views) produce(ctx context.Context, from mark, length int, send func(chunk) (next []Event, ok bool)) {
	c := chunk{upTo: from, events: make([]Event, 0, length)}
	for r, err := range v.store.ReadAll(ctx, eventstore.ReadAll{After: from.Position}) {
		if err != nil {
			c.err = fmt.Errorf("read the log after %s: %w", c.upTo.Position, err)
			break
		}
		if len(c.events) == length {
			next, ok := send(c)
			if !ok {
				return
			}
			if next == nil {
				next = make([]Event, 0, length)
			}
			c = chunk{upTo: c.upTo, events: next}
		}
		c.events = c.events[:len(c.events)+1]
		is, err := v.read(r, c.upTo.events+1, &c.events[len(c.events)-1])
		if is != keep {
			c.events = c.events[:len(c.events)-1]
		}
		if c.err = err; err != nil || is == end {
			break
		}
		c.upTo = mark{eventstore.PlaceOf(r), c.upTo.events + 1}
	}
	if err := ctx.Err(); err != nil && c.err == nil {
		c.err = err
	}
	c.last = true
	send(c)
}

// read makes e an event of what the store gave.
func (v *Views) read(r eventstore.Recorded, n int64, e *Event) (verdict, error) {
	if err := v.envelopes.event(r, n, e); err != nil {
		return end, err
	}
	e.metadata = r.Metadata
	wants, known := v.wants[r.Name]
	if !known {
		return end, fmt.Errorf("event at %s (%s, revision %d): %w %q", r.Position, r.Stream, r.Revision, schema.ErrUnknown, r.Name)
	}
	if v.filter != nil {
		if is := v.filter(e); is != keep {
			return is, nil
		}
	}
	if v.decoded[r.Name] {
		var err error
		if e.Body, err = schema.Decode(r.Name, r.Data); err != nil {
			return end, fmt.Errorf("event at %s: %w", r.Position, err)
		}
	}
	e.wants = wants
	for i := range v.projections {
		if prepare := v.projections[i].Prepare; prepare != nil && wants>>i&1 == 1 {
			if err := prepare(e); err != nil {
				return end, fmt.Errorf("%s: event at %s: %w", v.projections[i].Name, r.Position, err)
			}
		}
	}
	return keep, nil
}

// apply shows events to the projections that have not seen them, within the
// transaction that is open, or a new one.
func (v *Views) apply(ctx context.Context, events []Event) error {
	if len(events) == 0 {
		return nil
	}
	if err := v.begin(ctx); err != nil {
		return err
	}
	for i, p := range v.projections { // each by itself is faster than each event's together
		for at := range events {
			e := &events[at]
			if e.wants>>i&1 == 0 || e.Position.Compare(v.marks[i].Position) <= 0 {
				continue
			}
			if err := p.Apply(v.tx, e); err != nil {
				return fmt.Errorf("%s: event at %s (%s): %w", p.Name, e.Position, e.Envelope.Name, err)
			}
		}
	}
	return nil
}

func (v *Views) begin(ctx context.Context) error {
	if v.begun {
		return nil
	}
	select {
	case conn, open := <-v.writer:
		if !open {
			return errClosed
		}
		v.tx.conn = conn
	case <-ctx.Done():
		return ctx.Err()
	}
	v.begun = true
	return exec(v.tx.conn, "BEGIN IMMEDIATE")
}

// end commits the transaction and gives the connection back.
func (v *Views) end() error {
	if err := exec(v.tx.conn, "COMMIT"); err != nil {
		return err
	}
	v.begun = false
	v.writer <- v.tx.conn
	return nil
}

// rollback ends the transaction that is open, if one is, without a trace.
func (v *Views) rollback() {
	if !v.begun {
		return
	}
	_ = exec(v.tx.conn, "ROLLBACK") // nothing to do about it: closing the connection rolls back too
	v.tx.forget()
	v.begun = false
	v.writer <- v.tx.conn
}

// commit writes rows and checkpoint in one transaction, and tells who waits.
func (v *Views) commit(at mark) error {
	if byPosition(at, v.least()) <= 0 {
		return nil
	}
	if err := v.write(at); err != nil {
		return fmt.Errorf("views at %s: %w", at.Position, err)
	}
	v.tx.trim()
	for i := range v.marks {
		if byPosition(v.marks[i], at) < 0 {
			v.marks[i] = at
		}
	}
	v.tell(func() { v.at = v.least() })
	if v.progress != nil {
		v.progress(at.events, at.Position)
	}
	return nil
}

func (v *Views) write(at mark) error {
	if err := v.begin(context.Background()); err != nil {
		return err
	}
	if err := v.tx.flush(); err != nil {
		return err
	}
	err := exec(v.tx.conn, "UPDATE progress SET position = ?1, events = ?2, stream = ?3, revision = ?4, event = ?5 WHERE position < ?1",
		at.Position.String(), at.events, at.Stream, int64(at.Revision), at.ID.String())
	if err != nil {
		return err
	}
	return v.end()
}

var errClosed = errors.New("views are closed")

// ask lends a connection to f, in a transaction that sees one position.
func (v *Views) ask(ctx context.Context, f func(*sqlite.Conn) error) (err error) {
	var conn *sqlite.Conn
	open := false
	select {
	case conn, open = <-v.readers:
	case <-ctx.Done():
		return ctx.Err()
	}
	if !open {
		return errClosed
	}
	defer func() { v.readers <- conn }()
	if conn == nil {
		if conn, err = v.connect(readOnly, sqlite.OpenReadOnly); err != nil {
			return fmt.Errorf("read views %s: %w", v.path, err)
		}
	}
	conn.SetInterrupt(ctx.Done())
	defer conn.SetInterrupt(nil)
	if err := exec(conn, "BEGIN"); err != nil {
		return err
	}
	defer func() {
		conn.SetInterrupt(nil)
		err = errors.Join(err, exec(conn, "COMMIT"))
	}()
	return f(conn)
}

// Close waits for queries under way and closes the database. The store stays
// open.
func (v *Views) Close() error {
	v.applying.Lock()
	defer v.applying.Unlock()
	conn, open := <-v.writer
	if !open {
		return nil
	}
	errs := []error{}
	if v.readers != v.writer {
		for range readerCount {
			if r := <-v.readers; r != nil {
				errs = append(errs, r.Close())
			}
		}
		close(v.readers)
	}
	close(v.writer)
	return errors.Join(append(errs, conn.Close())...)
}

// Rebuild makes the views at path anew, beside the old ones, and puts them in
// their place at the end. The old ones must not be open. It tells progress,
// if that isn't nil, how many events are done, up to which position, and
// where the log's head was at the beginning.
func Rebuild(ctx context.Context, path string, store eventstore.Store, progress func(events int64, done, head eventstore.Position)) error {
	return rebuild(ctx, path, store, All(), progress)
}

func rebuild(ctx context.Context, path string, store eventstore.Store, projections []Projection, progress func(events int64, done, head eventstore.Position)) (err error) {
	made := path + ".new"
	if err := remove(made); err != nil {
		return fmt.Errorf("rebuild %s: %w", path, err)
	}
	head, err := store.Head(ctx)
	if err != nil {
		return fmt.Errorf("rebuild %s: %w", path, err)
	}
	v, err := openWith(made, store, projections, beside)
	if err != nil {
		return err
	}
	if progress != nil {
		v.progress = func(n int64, p eventstore.Position) { progress(n, p, head) }
	}
	err = v.CatchUp(ctx)
	if err = errors.Join(err, v.Close()); err != nil {
		return errors.Join(err, remove(made))
	}
	// It was written without care; once it has the name it must be whole, also
	// after a loss of power. Between the two there are no views, which is no
	// harm: the next Open makes them.
	if err := settle(made); err != nil {
		return fmt.Errorf("rebuild %s: %w", path, err)
	}
	if err := remove(path); err != nil {
		return fmt.Errorf("rebuild %s: %w", path, err)
	}
	if err := os.Rename(made, path); err != nil {
		return fmt.Errorf("rebuild %s: %w", path, err)
	}
	return nil
}

// settle waits until a file is on the disk.
func settle(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// remove deletes a database with the files that SQLite keeps beside it.
func remove(path string) error {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// A Clock is one of the two by which the past is asked for.
type Clock string

const (
	Recorded Clock = "recorded" // as was then known
	Occurred Clock = "occurred" // as we now know it was
)

// When is a moment in the past, by one of the two clocks.
type When struct {
	Time  time.Time
	Clock Clock
}

// moved tells of sessions whose record was corrected when they now are known
// to have been. By the occurred clock a record and its corrections have that
// one date: a session that was moved past a moment had not happened by then.
func moved(ctx context.Context, store eventstore.Store) (map[string]time.Time, error) {
	dates := map[string]time.Time{}
	var e Event
	for r, err := range store.ReadAll(ctx, eventstore.ReadAll{Prefixes: []string{"match-"}}) {
		if err == nil && (r.Name == "session.corrected" || r.Name == "session.retracted") {
			if err = new(envelopes).event(r, 0, &e); err == nil {
				session, _ := sessionOf(&e)
				dates[session] = e.Envelope.OccurredAt
			}
		}
		if err != nil {
			return nil, err
		}
	}
	return dates, nil
}

// sessionOf tells of which session an event is a record.
func sessionOf(e *Event) (session string, ok bool) {
	switch e.Envelope.Name {
	case "session.held", "session.corrected", "session.retracted":
	default:
		return "", false
	}
	body, _ := schema.Decode(e.Envelope.Name, e.Data) // what can't be read will be told by whom it concerns
	n := match.SessionOf(body)
	return e.Stream + " " + itoa(n), n > 0
}

// At is the time machine: the views as they stood at a moment, made by the
// same code from a shorter log, in memory. By the recorded clock that is the
// longest prefix of the log before the first event recorded later; by the
// other it is the whole log, keeping what had happened by then. Close it
// after use. It has no books: a book is the whole log's, or proves nothing.
func At(ctx context.Context, store eventstore.Store, when When) (*Views, error) {
	v, err := open("", store, slices.DeleteFunc(All(), func(p Projection) bool { return p.Name == books.Name }))
	if err != nil {
		return nil, err
	}
	v.filter = func(e *Event) verdict {
		if e.Envelope.RecordedAt.After(when.Time) {
			return end
		}
		return keep
	}
	if when.Clock == Occurred {
		dates, err := moved(ctx, store)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("read corrections: %w", err), v.Close())
		}
		v.filter = func(e *Event) verdict {
			at := e.Envelope.OccurredAt
			if session, ok := sessionOf(e); ok {
				if date, corrected := dates[session]; corrected {
					at = date
				}
			}
			if at.After(when.Time) {
				return skip
			}
			return keep
		}
	}
	if err := v.CatchUp(ctx); err != nil {
		return nil, errors.Join(err, v.Close())
	}
	return v, nil
}

// Dump writes every row of every table in a fixed order, a line each: two
// views of the same log are the same when their dumps are.
func (v *Views) Dump(ctx context.Context, w io.Writer) error {
	out := bufio.NewWriter(w)
	err := v.ask(ctx, func(conn *sqlite.Conn) error {
		var tables []string
		err := query(conn, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name", func(stmt *sqlite.Stmt) error {
			tables = append(tables, stmt.ColumnText(0))
			return nil
		})
		if err != nil {
			return err
		}
		for _, t := range tables {
			stmt, err := conn.Prepare(`SELECT * FROM "` + t + `"`)
			if err != nil {
				return err
			}
			order := make([]string, stmt.ColumnCount())
			for i := range order {
				order[i] = fmt.Sprint(i + 1)
			}
			err = query(conn, `SELECT * FROM "`+t+`" ORDER BY `+strings.Join(order, ", "), func(stmt *sqlite.Stmt) error {
				fmt.Fprint(out, t)
				for i := range stmt.ColumnCount() {
					if stmt.ColumnType(i) == sqlite.TypeBlob {
						fmt.Fprintf(out, "\t%x", column(stmt, i))
						continue
					}
					fmt.Fprintf(out, "\t%s", stmt.ColumnText(i))
				}
				_, err := fmt.Fprintln(out)
				return err
			})
			if err != nil {
				return fmt.Errorf("dump %s: %w", t, err)
			}
		}
		return nil
	})
	return errors.Join(err, out.Flush())
}
