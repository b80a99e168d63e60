package projections

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"zombiezen.com/go/sqlite"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/cycle"
	"github.com/daybook-engine/daybook/domain/measure"
	"github.com/daybook-engine/daybook/eventstore"
)

// ErrMeasure is the answer to a measure that is not in the list.
var ErrMeasure = domain.Missing("measure_unknown", "there is no such measure")

// A Figure is what a measure says of a cycle.
type Figure struct {
	Measure  string              `json:"measure"`
	Version  int                 `json:"version"`
	Words    string              `json:"words"`
	Unit     string              `json:"unit"`
	Scope    string              `json:"scope"` // the cycle, or its programme's year
	Value    int64               `json:"value"`
	Events   int                 `json:"events"`           // that it comes from
	Position eventstore.Position `json:"position"`         // up to which the log was counted
	Sealed   *int64              `json:"sealed,omitempty"` // what it was when the cycle closed; nil: that was not sealed
}

// Changed tells whether it is no longer what was sealed when the cycle closed:
// records may come later.
func (f Figure) Changed() bool { return f.Sealed != nil && *f.Sealed != f.Value }

// Units puts a measure's unit behind that many.
func Units(n int64, unit string) string {
	switch {
	case n != 1:
	case unit == "people":
		return "person"
	case unit == "matches":
		return "match"
	default:
		return strings.TrimSuffix(unit, "s")
	}
	return unit
}

// An Explanation is a figure with its definition and the events that it comes
// from, in the log's order.
type Explanation struct {
	Measure  measure.Measure
	Scope    string
	Value    int64
	Position eventstore.Position
	Events   []Counted
	Removed  []Removed
}

// Counted is an event that counts towards a figure.
type Counted struct {
	HistoryRow
	Value int64  // what it adds to a sum; 1 otherwise
	Of    string // what a distinct count tells apart
}

// Removed is an event that counted towards a figure, and the later one by
// which it counts no more. Where that counts as well, as a correction does,
// it stands in the other's place.
type Removed struct {
	Counted
	By HistoryRow
}

//go:embed figures.sql
var figuresSQL string

var figures = Projection{Name: "figures", Schema: measuresShape() + figuresSQL, Indexes: wordIndex("figures_word"), Prepare: readMeasures, Apply: applyFigures}

// measuresShape makes a change of a measure a change of shape: entries say
// their measure by its place in the list.
func measuresShape() string {
	b, err := json.Marshal(measure.All)
	if err != nil {
		panic(err) // plain data always marshals
	}
	return "-- " + string(b) + "\n"
}

// measuresOf lists, for each name of event, the measures that see it.
var measuresOf = func() map[string][]int {
	m := map[string][]int{}
	for i, x := range measure.All {
		for _, name := range x.Names() {
			m[name] = append(m[name], i)
		}
	}
	return m
}()

// A reading is what an event does to one measure.
type reading struct {
	measure int // its place in the list
	add     *measure.Entry
	remove  string
}

func factOf(e *Event) measure.Fact {
	return measure.Fact{ID: e.Envelope.ID, Name: e.Envelope.Name, Stream: e.Stream, Book: e.Envelope.Book, Body: e.Data}
}

var fieldsPool = sync.Pool{New: func() any { return new(measure.Fields) }}

// readMeasures is the costly part, and needs no tables.
func readMeasures(e *Event) error {
	fact, fields := factOf(e), fieldsPool.Get().(*measure.Fields)
	defer fieldsPool.Put(fields)
	for _, i := range measuresOf[fact.Name] {
		add, remove, err := measure.All[i].Read(fact, fields)
		if err != nil {
			return err
		}
		if add != nil || remove != "" {
			e.readings = append(e.readings, reading{i, add, remove})
		}
	}
	return nil
}

var figuresRow = insertInto("figures", "scope", "measure", "n", "key", "value", "of")

func applyFigures(tx *Tx, e *Event) error {
	// First what takes entries out. A key that is new took none in, which is
	// so nearly always: most sessions were neither cancelled nor corrected.
	key, id, isNew := "", int64(0), false
	for _, r := range e.readings {
		if r.remove == "" {
			continue
		}
		if r.remove != key {
			var err error
			if id, isNew, err = tx.word("figures_word", r.remove); err != nil {
				return err
			}
			key = r.remove
		}
		if isNew {
			continue
		}
		if err := tx.flushAdded(figuresRow); err != nil {
			return err
		}
		if err := exec(tx.conn, "DELETE FROM figures WHERE key = ?1 AND measure = ?2 AND key > 0", id, r.measure); err != nil {
			return err
		}
	}
	for _, r := range e.readings {
		if r.add == nil {
			continue
		}
		m := &measure.All[r.measure]
		var words [3]int64
		for i, word := range [3]struct {
			is   bool
			text string
		}{{true, r.add.Scope}, {len(m.Unless) > 0, r.add.Key}, {m.Fold == "distinct", r.add.Of}} {
			if !word.is {
				continue
			}
			var err error
			if words[i], _, err = tx.word("figures_word", word.text); err != nil {
				return err
			}
		}
		tx.add(figuresRow, words[0], int64(r.measure), e.N, words[1], r.add.Value, words[2])
	}
	return nil
}

// Figures evaluates every measure for a cycle, in the measures' order.
func (v *Views) Figures(ctx context.Context, id string) (list []Figure, err error) {
	err = v.ask(ctx, func(conn *sqlite.Conn) error {
		c, err := findCycle(conn, id)
		if err != nil {
			return err
		}
		at, err := position(conn)
		if err != nil {
			return err
		}
		for i, m := range measure.All {
			f := Figure{Measure: m.Measure, Version: m.Version, Words: m.Words, Unit: m.Unit, Scope: c.scope(m), Position: at}
			if i := slices.IndexFunc(c.Sealed, func(s cycle.Figure) bool { return s.Measure == m.Measure }); i >= 0 {
				f.Sealed = &c.Sealed[i].Value
			}
			err := query(conn, "SELECT count(*), coalesce(sum(value), 0), count(DISTINCT of) FROM figures WHERE scope = (SELECT id FROM figures_word WHERE word = ?) AND measure = ?", func(stmt *sqlite.Stmt) error {
				f.Events = stmt.ColumnInt(0)
				f.Value = stmt.ColumnInt64(map[string]int{"count": 0, "sum": 1, "distinct": 2}[m.Fold])
				return nil
			}, f.Scope, i)
			if err != nil {
				return err
			}
			list = append(list, f)
		}
		return nil
	})
	return list, err
}

// Explain lists the events behind a figure: evaluating the measure over them
// gives its value. What counted before and counts no more is beside them.
func (v *Views) Explain(ctx context.Context, id, name string) (x Explanation, err error) {
	i := slices.IndexFunc(measure.All, func(m measure.Measure) bool { return m.Measure == name })
	if i < 0 {
		return x, ErrMeasure.Because(name)
	}
	x.Measure = measure.All[i]
	var found, candidates []eventPlace
	var entries []measure.Entry
	err = v.ask(ctx, func(conn *sqlite.Conn) error {
		c, err := findCycle(conn, id)
		if err != nil {
			return err
		}
		if x.Position, err = position(conn); err != nil {
			return err
		}
		x.Scope = c.scope(x.Measure)
		if candidates, err = streamsOf(conn, x.Measure, x.Scope); err != nil {
			return err
		}
		return query(conn, `SELECT f.n, s.word, h.revision, f.value, o.word
			FROM figures f JOIN history h ON h.n = f.n JOIN history_word s ON s.id = h.stream LEFT JOIN figures_word o ON o.id = f.of
			WHERE f.scope = (SELECT id FROM figures_word WHERE word = ?) AND f.measure = ? ORDER BY f.n`, func(stmt *sqlite.Stmt) error {
			found = append(found, eventPlace{stmt.ColumnInt64(0), stmt.ColumnText(1), uint64(stmt.ColumnInt64(2))})
			entries = append(entries, measure.Entry{Value: stmt.ColumnInt64(3), Of: stmt.ColumnText(4)})
			return nil
		}, x.Scope, i)
	})
	if err != nil {
		return x, err
	}
	rows, err := v.lookUp(ctx, found)
	if err != nil {
		return x, fmt.Errorf("explain %s: %w", name, err)
	}
	for i, r := range rows {
		x.Events = append(x.Events, Counted{r, entries[i].Value, entries[i].Of})
	}
	x.Value = x.Measure.Value(entries)
	if rows, err = v.lookUp(ctx, candidates); err != nil {
		return x, fmt.Errorf("explain %s: %w", name, err)
	}
	x.Removed, err = removed(x.Measure, x.Scope, rows)
	return x, err
}

// streamsOf finds what a measure sees in those streams of a scope in which
// something may have taken an entry out.
func streamsOf(conn *sqlite.Conn, m measure.Measure, scope string) (found []eventPlace, err error) {
	if len(m.Unless) == 0 {
		return nil, nil
	}
	all, err := bodies[Cycle](conn, "SELECT body FROM cycles ORDER BY key")
	if err != nil {
		return nil, err
	}
	cycles := []string{}
	for _, c := range all {
		if c.scope(m) == scope {
			cycles = append(cycles, c.Cycle)
		}
	}
	const words = "(SELECT id FROM history_word WHERE word IN (SELECT value FROM json_each(?)))"
	return found, query(conn, `SELECT h.n, s.word, h.revision FROM history h JOIN history_word s ON s.id = h.stream
		WHERE h.stream IN (SELECT stream FROM history WHERE cycle IN `+words+` AND name IN `+words+`) AND h.name IN `+words+` ORDER BY h.n`,
		func(stmt *sqlite.Stmt) error {
			found = append(found, eventPlace{stmt.ColumnInt64(0), stmt.ColumnText(1), uint64(stmt.ColumnInt64(2))})
			return nil
		}, array(cycles), array(m.Unless), array(m.Names()))
}

// removed reads events in the order of the log, and tells which of them
// counted within a scope and count no more.
func removed(m measure.Measure, scope string, rows []HistoryRow) (gone []Removed, err error) {
	var fields measure.Fields
	entries := map[string][]Counted{} // by key: what counts
	for _, r := range rows {
		add, remove, err := m.Read(factOf(&r.Event), &fields)
		if err != nil {
			return nil, err
		}
		if remove != "" {
			for _, c := range entries[remove] {
				gone = append(gone, Removed{c, r})
			}
			delete(entries, remove)
		}
		if add != nil && add.Scope == scope {
			entries[add.Key] = append(entries[add.Key], Counted{r, add.Value, add.Of})
		}
	}
	return gone, nil
}

// array is texts or numbers as SQLite's json_each reads them.
func array[T string | uint64](list []T) string {
	b, err := json.Marshal(list)
	if err != nil {
		panic(err) // they always marshal
	}
	return string(b)
}
