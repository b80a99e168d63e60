// Package projections tells what the log says: read models in a database of
// their own, made from events and from nothing else. Deleting that database
// and starting again is the repair manual.
//
// A view holds ids and digests, never people's texts: pages ask the vault for
// those when they render. Nothing is decided from a view.
package projections

import (
	"fmt"
	"hash/maphash"
	"reflect"
	"slices"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/daybook-engine/daybook/domain/message"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/eventstore"
)

// An Event is what a projection sees: its place, its envelope, and its body
// in today's form.
type Event struct {
	N        int64               // counts the log's events from 1, in order
	Position eventstore.Position // its place, as the store says it
	Stream   string
	Revision uint64
	Envelope schema.Envelope
	Body     any    // nil where nobody asked for it
	Data     []byte // the body's exact bytes
	Cycle    string // its book's, or the one that its body names; "" when it is the programme's or the installation's own

	wants    uint64        // which projections see it, a bit for each
	about    message.About // of a message, by Say
	zone     string        // in which people read its times, by Say
	readings []reading     // by Prepare of the figures
	metadata []byte        // the envelope's exact bytes, for Prepare alone
	digest   [43]byte      // by Prepare of the books
}

// A Projection is one read model. Its tables and its place in the log change
// in the same transaction, so each event counts once.
type Projection struct {
	// Name begins the names of its tables and marks its checkpoint. A new
	// shape gets a new name, and is replayed from nothing; so is one whose
	// Schema or Documents changed.
	Name      string
	Schema    string
	Documents []row // one of each kind that it keeps
	// Indexes are made when the first replay is through, which is cheaper.
	// What Apply itself searches by belongs in Schema.
	Indexes string
	Names   []string // the events Apply is given, with their bodies; nil: every event, whose Body may be nil
	// Prepare does what needs no tables, ahead of Apply and beside it; it may
	// be nil.
	Prepare func(e *Event) error
	Apply   func(tx *Tx, e *Event) error // doesn't keep e
}

// All lists the read models.
func All() []Projection {
	return []Projection{
		history, cycles, applications, matches, places, exceptions, queue, figures, books, erasures, messages, gatherings, together,
	}
}

// A Tx is one transaction of the writer. Rows that are loaded are changed in
// place and written once, when it ends.
type Tx struct {
	conn   *sqlite.Conn
	rows   map[rowKey]*cached
	dirty  map[string][]*cached   // by table: what was changed and isn't written yet
	words  map[string]*dictionary // by table
	added  map[*insertion][]int64 // rows that wait to be inserted
	sorted [][]int64              // theirs, while they are

	trees, unfinished map[int64]*tree // by book; those whose newest row is to be written

	tables map[string]*documentTable
}

type rowKey struct{ table, key string }

// A row is a document with the columns that it is found by. All tables of
// documents have the same columns: key, cycle, phase, due, body.
type row interface {
	// columns gives those columns; due may be zero, and a row that is not
	// to be kept is deleted.
	columns() (cycle, phase string, due time.Time, keep bool)
}

// shape says what documents consist of.
func shape(documents []row) string {
	var b strings.Builder
	var add func(t reflect.Type)
	add = func(t reflect.Type) {
		switch _, own := t.MethodByName("MarshalJSON"); {
		case !own && t.Kind() == reflect.Struct:
			for i := range t.NumField() {
				fmt.Fprintf(&b, "%s %s ", t.Field(i).Name, t.Field(i).Tag)
				add(t.Field(i).Type)
			}
		case t.Kind() == reflect.Slice, t.Kind() == reflect.Pointer, t.Kind() == reflect.Map:
			b.WriteString(t.Kind().String() + " ")
			add(t.Elem())
		}
		fmt.Fprintln(&b, t)
	}
	for _, d := range documents {
		add(reflect.TypeOf(d))
	}
	return b.String()
}

type cached struct {
	key    string
	row    row
	dirty  bool
	exists bool // in the table
}

// So many rows and words are kept from one transaction to the next.
const (
	cachedRows  = 2 << 10
	cachedWords = 16 << 10
	everyWord   = 512 << 10 // in a first replay: 20 MiB, and more than a million events have
)

func newTx(conn *sqlite.Conn) *Tx {
	tx := &Tx{conn: conn, tables: map[string]*documentTable{}}
	tx.forget()
	return tx
}

// forget drops what was remembered of the tables: after a rollback it may be
// wrong.
func (tx *Tx) forget() {
	tx.rows, tx.dirty, tx.words = map[rowKey]*cached{}, map[string][]*cached{}, map[string]*dictionary{}
	tx.added, tx.trees, tx.unfinished = map[*insertion][]int64{}, map[int64]*tree{}, map[int64]*tree{}
}

// A documentTable is the statements of a table of documents.
type documentTable struct{ find, put, remove string }

// of gives them; made once, they are not put together for every row.
func (tx *Tx) of(table string) *documentTable {
	t := tx.tables[table]
	if t == nil {
		t = &documentTable{
			"SELECT body FROM " + table + " WHERE key = ?",
			"INSERT INTO " + table + ` (key, cycle, phase, due, body) VALUES (?1, ?2, ?3, ?4, CAST(?5 AS TEXT))
				ON CONFLICT (key) DO UPDATE SET cycle = ?2, phase = ?3, due = ?4, body = CAST(?5 AS TEXT)`,
			"DELETE FROM " + table + " WHERE key = ?",
		}
		tx.tables[table] = t
	}
	return t
}

// change gives the row of that key, a new one where there is none, to be
// changed in place.
func change[T any, P interface {
	*T
	row
}](tx *Tx, table, key string) (P, error) {
	c, err := find[T, P](tx, table, key)
	if err != nil {
		return nil, err
	}
	if !c.dirty {
		c.dirty = true
		tx.dirty[table] = append(tx.dirty[table], c)
	}
	return c.row.(P), nil
}

// look gives the row of that key, to be read only.
func look[T any, P interface {
	*T
	row
}](tx *Tx, table, key string) (P, error) {
	c, err := find[T, P](tx, table, key)
	if err != nil {
		return nil, err
	}
	return c.row.(P), nil
}

func find[T any, P interface {
	*T
	row
}](tx *Tx, table, key string) (*cached, error) {
	if c, ok := tx.rows[rowKey{table, key}]; ok {
		return c, nil
	}
	p := P(new(T))
	exists := false
	err := query(tx.conn, tx.of(table).find, func(stmt *sqlite.Stmt) error {
		exists = true
		return schema.Unmarshal(column(stmt, 0), p)
	}, key)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", table, key, err)
	}
	c := &cached{key: key, row: p, exists: exists}
	tx.rows[rowKey{table, key}] = c
	return c, nil
}

// An insertion adds rows to a table, many in one statement: that is cheaper
// than a statement for each.
type insertion struct {
	statements [len(manyRows)]string
	width      int
}

// manyRows are how many rows the statements of an insertion add.
var manyRows = [...]int{32, 8, 1}

func insertInto(table string, columns ...string) *insertion {
	to := &insertion{width: len(columns)}
	row := "(?" + strings.Repeat(", ?", len(columns)-1) + ")"
	for i, n := range manyRows {
		to.statements[i] = "INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES " + row + strings.Repeat(", "+row, n-1)
	}
	return to
}

// insert adds so many rows; bind gives a row's values to the statement's
// parameters from that one on.
func (to *insertion) insert(conn *sqlite.Conn, rows int, bind func(stmt *sqlite.Stmt, row, parameter int)) error {
	row := 0
	for i, n := range manyRows {
		for ; rows-row >= n; row += n {
			stmt, err := conn.Prepare(to.statements[i])
			if err != nil {
				return err
			}
			for i := range n {
				bind(stmt, row+i, i*to.width+1)
			}
			if _, err := stmt.Step(); err != nil {
				return err
			}
		}
	}
	return nil
}

// add inserts a row of numbers when the transaction ends.
func (tx *Tx) add(to *insertion, row ...int64) { tx.added[to] = append(tx.added[to], row...) }

// flushAdded inserts the rows that wait, in the order of their columns, of which
// the first are the key: a table grows fastest at its end.
func (tx *Tx) flushAdded(to *insertion) error {
	rows := slices.AppendSeq(tx.sorted[:0], slices.Chunk(tx.added[to], to.width))
	tx.added[to], tx.sorted = tx.added[to][:0], rows
	slices.SortFunc(rows, slices.Compare)
	return to.insert(tx.conn, len(rows), func(stmt *sqlite.Stmt, row, parameter int) {
		for i, value := range rows[row] {
			stmt.BindInt64(parameter+i, value)
		}
	})
}

// flush writes the rows that were added and changed.
func (tx *Tx) flush() error {
	for to := range tx.added {
		if err := tx.flushAdded(to); err != nil {
			return err
		}
	}
	for table, w := range tx.words {
		if err := w.flush(tx.conn); err != nil {
			return fmt.Errorf("%s: %w", table, err)
		}
	}
	for table := range tx.dirty {
		if err := tx.flushTable(table); err != nil {
			return err
		}
	}
	for book, t := range tx.unfinished {
		if err := t.write(tx.conn, book); err != nil {
			return err
		}
	}
	clear(tx.unfinished)
	return nil
}

// flushTable writes the changed rows of a table. Their documents are made
// ahead, beside the writing: when a replay commits, the reading side waits.
func (tx *Tx) flushTable(table string) (err error) {
	rows := tx.dirty[table]
	made := make(chan document, min(len(rows), 64))
	go func() {
		defer close(made)
		for _, c := range rows {
			made <- documentOf(c.row)
		}
	}()
	for _, c := range rows {
		if d := <-made; err == nil {
			if err = tx.write(table, c, d); err != nil {
				err = fmt.Errorf("%s %s: %w", table, c.key, err)
			}
			c.dirty = false
		}
	}
	tx.dirty[table] = rows[:0]
	return err
}

// trim keeps what is remembered within bounds, between transactions.
func (tx *Tx) trim() {
	if len(tx.rows) > cachedRows {
		tx.rows = map[rowKey]*cached{}
	}
	for _, w := range tx.words {
		if len(w.ids) > cachedWords && !w.all || len(w.ids) > everyWord {
			w.ids, w.all = map[[2]uint64]int64{}, false
		}
	}
}

// A document is a row as its table has it.
type document struct {
	cycle, phase string
	due          time.Time
	keep         bool
	body         []byte
	err          error
}

func documentOf(r row) (d document) {
	if d.cycle, d.phase, d.due, d.keep = r.columns(); d.keep {
		d.body, d.err = schema.Marshal(r)
	}
	return d
}

func (tx *Tx) write(table string, c *cached, d document) error {
	exists := c.exists
	c.exists = d.keep
	switch {
	case d.keep && d.err == nil:
		return exec(tx.conn, tx.of(table).put, c.key, d.cycle, d.phase, micros(d.due), d.body)
	case exists && d.err == nil:
		return exec(tx.conn, tx.of(table).remove, c.key)
	}
	return d.err
}

// A dictionary is the texts of a table (id, word), by a hash that is long enough
// never to be another text's. A first replay remembers all of them, so that
// what isn't remembered is new, nothing is searched for, and the index that
// finds words is made at the end like the others.
type dictionary struct {
	ids     map[[2]uint64]int64
	all     bool // that the table has are in ids
	indexed bool // surely
	last    int64
	recent  [1 << 8]struct { // by a part of the hash: most words are those of a few events ago
		word string
		id   int64
	}
	insertion *insertion
	added     []string // the newest words, which wait to be inserted
}

func (w *dictionary) flush(conn *sqlite.Conn) error {
	added, first := w.added, w.last-int64(len(w.added))+1
	w.added = added[:0]
	return w.insertion.insert(conn, len(added), func(stmt *sqlite.Stmt, row, parameter int) {
		stmt.BindInt64(parameter, first+int64(row))
		stmt.BindText(parameter+1, added[row])
	})
}

var seeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}

// word gives text a number within table (id, word), and tells whether it is
// new there.
func (tx *Tx) word(table, text string) (id int64, isNew bool, err error) {
	w := tx.words[table]
	if w == nil {
		w = &dictionary{ids: map[[2]uint64]int64{}, insertion: insertInto(table, "id", "word")}
		if err := query(tx.conn, "SELECT coalesce(max(id), 0) FROM "+table, number(&w.last)); err != nil {
			return 0, false, err
		}
		w.all = w.last == 0
		tx.words[table] = w
	}
	hash := [2]uint64{maphash.String(seeds[0], text)}
	recent := &w.recent[hash[0]%uint64(len(w.recent))]
	if recent.id > 0 && recent.word == text {
		return recent.id, false, nil
	}
	hash[1] = maphash.String(seeds[1], text)
	if id, ok := w.ids[hash]; ok {
		recent.word, recent.id = text, id
		return id, false, nil
	}
	if !w.all {
		if !w.indexed {
			if err := script(tx.conn, wordIndex(table)); err != nil {
				return 0, false, err
			}
			w.indexed = true
		}
		err = query(tx.conn, "SELECT id FROM "+table+" WHERE word = ?", number(&id), text)
	}
	if isNew = id == 0; err == nil && isNew {
		w.last++
		id = w.last
		if w.added = append(w.added, text); len(w.added) == manyRows[0] {
			err = w.flush(tx.conn)
		}
	}
	if err != nil {
		return 0, false, fmt.Errorf("%s %q: %w", table, text, err)
	}
	w.ids[hash], recent.word, recent.id = id, text, id
	return id, isNew, nil
}

func wordIndex(table string) string {
	return "CREATE UNIQUE INDEX IF NOT EXISTS " + table + "_word ON " + table + " (word);\n"
}

func number(n *int64) func(*sqlite.Stmt) error {
	return func(stmt *sqlite.Stmt) error {
		*n = stmt.ColumnInt64(0)
		return nil
	}
}

// exec runs a statement that gives no rows.
func exec(conn *sqlite.Conn, sql string, args ...any) error {
	return query(conn, sql, nil, args...)
}

// query runs a statement, and each for every row.
func query(conn *sqlite.Conn, sql string, each func(*sqlite.Stmt) error, args ...any) error {
	stmt, err := conn.Prepare(sql)
	if err != nil {
		return err
	}
	for i, arg := range args {
		switch arg := arg.(type) {
		case nil:
			stmt.BindNull(i + 1)
		case int:
			stmt.BindInt64(i+1, int64(arg))
		case int64:
			stmt.BindInt64(i+1, arg)
		case string:
			stmt.BindText(i+1, arg)
		case []byte:
			stmt.BindBytes(i+1, arg)
		default:
			return fmt.Errorf("bind %T", arg)
		}
	}
	for {
		more, err := stmt.Step()
		if err != nil || !more {
			return err
		}
		if each == nil {
			continue
		}
		if err := each(stmt); err != nil {
			_ = stmt.Reset()
			return err
		}
	}
}

// column copies a text or a blob.
func column(stmt *sqlite.Stmt, i int) []byte {
	b := make([]byte, stmt.ColumnLen(i))
	stmt.ColumnBytes(i, b)
	return b
}

// micros is how views keep times: microseconds since 1970, NULL for none.
func micros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

func fromMicros(us int64) time.Time { return time.UnixMicro(us).UTC() }

// bodies reads documents.
func bodies[T any](conn *sqlite.Conn, sql string, args ...any) ([]T, error) {
	var list []T
	err := query(conn, sql, func(stmt *sqlite.Stmt) error {
		var t T
		if err := schema.Unmarshal(column(stmt, 0), &t); err != nil {
			return err
		}
		list = append(list, t)
		return nil
	}, args...)
	return list, err
}
