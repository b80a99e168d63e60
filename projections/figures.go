package projections

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/daybook-engine/daybook/domain"
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
	Events   int                 `json:"events"`   // that it comes from
	Position eventstore.Position `json:"position"` // up to which the log was counted
}

// An Explanation is a figure with its definition and the events that it comes
// from, in the log's order.
type Explanation struct {
	Measure  measure.Measure     `json:"measure"`
	Scope    string              `json:"scope"`
	Value    int64               `json:"value"`
	Position eventstore.Position `json:"position"`
	Events   []Counted           `json:"events"`
}

// Counted is an event that counts towards a figure.
type Counted struct {
	Position   eventstore.Position `json:"position"`
	ID         string              `json:"id"`
	Name       string              `json:"name"`
	Stream     string              `json:"stream"`
	Revision   uint64              `json:"revision"`
	RecordedAt time.Time           `json:"recorded_at"`
	OccurredAt time.Time           `json:"occurred_at"`
	Value      int64               `json:"value"`        // what it adds to a sum; 1 otherwise
	Of         string              `json:"of,omitempty"` // what a distinct count tells apart
	Sentence   string              `json:"sentence"`
}

//go:embed figures.sql
var figuresSQL string

var figures = Projection{Name: "figures", Schema: measuresShape() + figuresSQL, Prepare: readMeasures, Apply: applyFigures}

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

// readMeasures is the costly part, and needs no tables.
func readMeasures(e *Event) error {
	var fields measure.Fields
	fact := measure.Fact{ID: e.Envelope.ID, Name: e.Envelope.Name, Stream: e.Stream, Book: e.Envelope.Book, Body: e.Data}
	for _, i := range measuresOf[fact.Name] {
		add, remove, err := measure.All[i].Read(fact, &fields)
		if err != nil {
			return err
		}
		if add != nil || remove != "" {
			e.readings = append(e.readings, reading{i, add, remove})
		}
	}
	return nil
}

func applyFigures(tx *Tx, e Event) (err error) {
	for _, r := range e.readings {
		if r.remove != "" {
			if err := exec(tx.conn, "DELETE FROM figures WHERE key = ? AND measure = ?", digest(r.remove), r.measure); err != nil {
				return err
			}
		}
		if r.add == nil {
			continue
		}
		var key, of any
		if len(measure.All[r.measure].Unless) > 0 {
			key = digest(r.add.Key)
		}
		if r.add.Of != "" {
			if of, _, err = tx.word("figures_word", r.add.Of); err != nil {
				return err
			}
		}
		err := exec(tx.conn, "INSERT INTO figures (scope, measure, n, key, value, of) VALUES (?, ?, ?, ?, ?, ?)",
			r.add.Scope, r.measure, e.N, key, r.add.Value, of)
		if err != nil {
			return err
		}
	}
	return nil
}

// digest keeps a key short in the index.
func digest(key string) []byte {
	sum := sha256.Sum256([]byte(key))
	return sum[:16]
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
			f := Figure{m.Measure, m.Version, m.Words, m.Unit, c.scope(m), 0, 0, at}
			err := query(conn, "SELECT count(*), coalesce(sum(value), 0), count(DISTINCT of) FROM figures WHERE scope = ? AND measure = ?", func(stmt *sqlite.Stmt) error {
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
// gives its value.
func (v *Views) Explain(ctx context.Context, id, name string) (x Explanation, err error) {
	i := slices.IndexFunc(measure.All, func(m measure.Measure) bool { return m.Measure == name })
	if i < 0 {
		return x, ErrMeasure.Because(name)
	}
	x.Measure = measure.All[i]
	var found []eventPlace
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
		return query(conn, `SELECT f.n, s.word, h.revision, f.value, o.word
			FROM figures f JOIN history h ON h.n = f.n JOIN history_word s ON s.id = h.stream LEFT JOIN figures_word o ON o.id = f.of
			WHERE f.scope = ? AND f.measure = ? ORDER BY f.n`, func(stmt *sqlite.Stmt) error {
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
		x.Events = append(x.Events, Counted{
			r.Position, r.Envelope.ID, r.Envelope.Name, r.Stream, r.Revision,
			r.Envelope.RecordedAt, r.Envelope.OccurredAt, entries[i].Value, entries[i].Of, r.Sentence,
		})
	}
	x.Value = x.Measure.Value(entries)
	return x, nil
}
