package projections

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/domain/measure"
	"github.com/daybook-engine/daybook/domain/message"
	"github.com/daybook-engine/daybook/domain/schema"
	tasks "github.com/daybook-engine/daybook/domain/task"
	"github.com/daybook-engine/daybook/eventstore"
)

// A HistoryRow is one event of the audit trail, in full, and in words.
type HistoryRow struct {
	Event
	Sentence string // what happened; people are tokens, see Sentence
	Before   string // what it was before, where something was changed
	After    string
	Late     bool // recorded more than a day after it happened
}

// A HistoryFilter chooses rows; an empty field chooses all.
type HistoryFilter struct {
	Cycle       string // with the erasures of people who took part in it, and the corrections of their names
	Stream      string
	Name        string // "session.held", or all of "session"
	Actor       string
	Subject     domain.Person
	Correlation string    // of what one import, or one act on many things, recorded
	From        time.Time // happened then or later
	To          time.Time // happened then or earlier

	After  eventstore.Position // exclusive
	Before eventstore.Position // exclusive; zero: no end
	Limit  int                 // at most so many; 0: all
	Newest bool                // the newest first
}

// File is the stream of the application or the match that an event is about:
// its own, that of the person or the match that it names, or that which a policy
// answers.
func (e *Event) File() string {
	var b struct {
		Cycle  string        `json:"cycle"`
		Call   string        `json:"call"`
		Person domain.Person `json:"person"`
		Match  string        `json:"match"`
	}
	kind, id, _ := strings.Cut(e.Stream, "-")
	switch kind {
	case "task":
		var b struct {
			About tasks.About `json:"about"`
		}
		if _ = schema.Unmarshal(e.Data, &b); b.About != (tasks.About{}) {
			return b.About.File(measure.BookOf(e.Envelope.Book, "cycle"))
		}
	case "allocation", "mentor", "call":
		_ = schema.Unmarshal(e.Data, &b) // a body without these fields names nobody
	}
	if kind == "call" {
		b.Cycle, b.Call, _ = strings.Cut(id, ".")
	}
	switch {
	case kind == "policy": // of a parked instance, which is named after what it answers
		_, of, _ := strings.Cut(id, ".")
		return of
	case b.Match != "":
		return match.ID{Cycle: b.Cycle, Match: b.Match}.Stream()
	case b.Person != "" && b.Call != "":
		return application.ID{Cycle: b.Cycle, Call: b.Call, Person: b.Person}.Stream()
	}
	return e.Stream
}

var historyIndexes = wordIndex("history_word") + `
CREATE INDEX IF NOT EXISTS history_person ON history_subject (person);
CREATE INDEX IF NOT EXISTS history_stream ON history (stream);
CREATE INDEX IF NOT EXISTS history_cycle ON history (cycle);
CREATE INDEX IF NOT EXISTS history_subjects ON history (subjects);
`

//go:embed history.sql
var historySQL string

// There is no switch in the audit trail: every event is in it.
var history = Projection{Name: "history", Schema: historySQL, Indexes: historyIndexes, Apply: applyHistory}

var historyRow = insertInto("history", "n", "commit_position", "prepare_position", "stream", "revision", "name", "cycle", "actor", "subjects", "occurred_at")

func applyHistory(tx *Tx, e *Event) error {
	var ids [5]int64
	people := "" // each behind a space, so that it is no other word
	for _, p := range e.Envelope.Subjects {
		people += " " + string(p)
	}
	for i, w := range [5]string{e.Stream, e.Envelope.Name, e.Cycle, e.Envelope.Actor, people} {
		id, isNew, err := tx.word("history_word", w)
		if err != nil {
			return err
		}
		ids[i] = id
		if i < 4 || !isNew {
			continue
		}
		for _, p := range e.Envelope.Subjects {
			if err := exec(tx.conn, "INSERT INTO history_subject (person, subjects) VALUES (?, ?)", string(p), id); err != nil {
				return err
			}
		}
	}
	tx.add(historyRow, e.N, int64(e.Position.Commit()), int64(e.Position.Prepare()), ids[0], int64(e.Revision), ids[1], ids[2], ids[3], ids[4],
		e.Envelope.OccurredAt.UnixMicro())
	return nil
}

// eventPlace is where an event is found again.
type eventPlace struct {
	n        int64
	stream   string
	revision uint64
}

// History is the audit trail, oldest first unless the filter says otherwise.
func (v *Views) History(ctx context.Context, f HistoryFilter) ([]HistoryRow, error) {
	var found []eventPlace
	err := v.ask(ctx, func(conn *sqlite.Conn) (err error) {
		found, err = f.find(conn)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	return v.lookUp(ctx, found)
}

func (f HistoryFilter) find(conn *sqlite.Conn) (found []eventPlace, err error) {
	where, args := "TRUE", []any(nil)
	and := func(is bool, condition string, arg any) {
		if is {
			where, args = where+" AND "+condition, append(args, arg)
		}
	}
	const word = "(SELECT id FROM history_word WHERE word = ?)"
	and(f.Stream != "", "h.stream = "+word, f.Stream)
	and(f.Actor != "", "h.actor = "+word, f.Actor)
	and(f.Subject != "", "h.subjects IN (SELECT subjects FROM history_subject WHERE person = ?)", string(f.Subject))
	and(f.Correlation != "", "h.n IN (SELECT n FROM together WHERE correlation = ?)", f.Correlation)
	and(f.Correlation != "" && f.Cycle != "", "h.cycle IN ((SELECT id FROM history_word WHERE word = ''), "+word+")", f.Cycle) // whom it registered is in no cycle
	and(!f.From.IsZero(), "h.occurred_at >= ?", f.From.UnixMicro())
	and(!f.To.IsZero(), "h.occurred_at <= ?", f.To.UnixMicro())
	if f.Name != "" {
		names := []string{"NULL"}
		for _, name := range schema.Names() {
			if name == f.Name || strings.HasPrefix(name, strings.TrimSuffix(f.Name, ".")+".") {
				names, args = append(names, word), append(args, name)
			}
		}
		where += " AND h.name IN (" + strings.Join(names, ", ") + ")"
	}
	if !f.After.IsZero() {
		n, _, err := upTo(conn, f.After)
		if err != nil {
			return nil, err
		}
		and(true, "h.n > ?", n)
	}
	if !f.Before.IsZero() {
		n, exact, err := upTo(conn, f.Before)
		if err != nil {
			return nil, err
		}
		if !exact {
			n++
		}
		and(true, "h.n < ?", n)
	}
	order, limit := "ASC", -1
	if f.Newest {
		order = "DESC"
	}
	if f.Limit > 0 {
		limit = f.Limit
	}
	// Each part is in order already, so that they are merged as far as asked.
	parts, all := []string{"TRUE"}, args
	if f.Cycle != "" && f.Correlation == "" {
		people, err := ofPeopleIn(conn, f.Cycle)
		if err != nil {
			return nil, err
		}
		parts = []string{"h.cycle = " + word, "h.n IN (SELECT value FROM json_each(?))"}
		all = slices.Concat([]any{f.Cycle}, args, []any{people}, args)
	}
	for i, part := range parts {
		parts[i] = "SELECT h.n AS n, s.word, h.revision FROM history h JOIN history_word s ON s.id = h.stream WHERE " + part + " AND " + where
	}
	sql := strings.Join(parts, " UNION ALL ") + " ORDER BY n " + order + " LIMIT ?"
	return found, query(conn, sql, func(stmt *sqlite.Stmt) error {
		found = append(found, eventPlace{stmt.ColumnInt64(0), stmt.ColumnText(1), uint64(stmt.ColumnInt64(2))})
		return nil
	}, append(all, limit)...)
}

// ofPeopleIn finds the erasures of people who took part in a cycle, and the
// corrections of their names, as a list in JSON. They are events of the person,
// who may have been in many.
func ofPeopleIn(conn *sqlite.Conn, cycle string) (numbers string, err error) {
	const of = "(SELECT id FROM history_word WHERE word = "
	const names = "FROM history_word WHERE word IN ('erasure.started', 'erasure.completed', 'name.set'))"
	return numbers, query(conn, `SELECT json_group_array(h.n) FROM history h
		WHERE EXISTS (SELECT 1 `+names+`
			AND h.cycle = `+of+`'') AND h.name IN (SELECT id `+names+`
			AND EXISTS (SELECT 1 FROM history_subject e JOIN history_subject o ON o.person = e.person JOIN history x ON x.subjects = o.subjects
				WHERE e.subjects = h.subjects AND x.cycle = `+of+`?))`, text(&numbers), cycle)
}

// upTo is a number between the newest row at or before a position and the
// next one, and tells whether that row is exactly there. Numbers and positions
// grow together, so it is found by halving.
func upTo(conn *sqlite.Conn, position eventstore.Position) (n int64, exact bool, err error) {
	number := func(stmt *sqlite.Stmt) error { n = stmt.ColumnInt64(0); return nil }
	if err := query(conn, "SELECT coalesce(max(n), 0) FROM history", number); err != nil {
		return 0, false, err
	}
	low, high := int64(0), n // the answer is low, or between
	for low < high {
		middle, at, is := low+(high-low+1)/2, eventstore.Position{}, int64(0)
		err := query(conn, "SELECT commit_position, prepare_position, n FROM history WHERE n <= ? ORDER BY n DESC LIMIT 1", func(stmt *sqlite.Stmt) error {
			at, is = eventstore.NewPosition(uint64(stmt.ColumnInt64(0)), uint64(stmt.ColumnInt64(1))), stmt.ColumnInt64(2)
			return nil
		}, middle)
		if err != nil {
			return 0, false, err
		}
		if at.Compare(position) <= 0 {
			low, exact = middle, at == position
		} else {
			high = max(is-1, low)
		}
	}
	return low, exact, nil
}

// lookUp reads events back from the log.
func (v *Views) lookUp(ctx context.Context, found []eventPlace) ([]HistoryRow, error) {
	rows := make([]HistoryRow, len(found))
	for i, at := range found {
		e, err := v.event(ctx, at)
		if err != nil {
			return nil, err
		}
		r := HistoryRow{Event: e, Late: e.Envelope.RecordedAt.Sub(e.Envelope.OccurredAt) > lateEntry}
		if r.Sentence, r.Before, r.After, err = v.Say(ctx, e); err != nil {
			return nil, err
		}
		rows[i] = r
	}
	return rows, nil
}

// Say is Sentence with what only the log around an event knows: which message
// it is about, and in which zone people read its times.
func (v *Views) Say(ctx context.Context, e Event) (sentence, before, after string, err error) {
	if strings.HasPrefix(e.Stream, message.ID{}.Stream()) && e.Envelope.Name != "message.queued" {
		first, err := v.event(ctx, eventPlace{stream: e.Stream})
		if err != nil {
			return "", "", "", err
		}
		queued, _ := first.Body.(message.Queued) // nothing else begins such a stream
		e.about = queued.About
		if e.Envelope.Name == "message.failed" {
			c, err := v.Cycle(ctx, e.about.Cycle)
			if err != nil {
				return "", "", "", err
			}
			e.zone = c.Zone
		}
	}
	sentence, before, after = Sentence(e)
	return sentence, before, after, nil
}

func (v *Views) event(ctx context.Context, at eventPlace) (e Event, err error) {
	for r, err := range v.store.ReadStream(ctx, at.stream, eventstore.ReadStream{From: at.revision, Limit: 1}) {
		if err != nil {
			return e, fmt.Errorf("read event %d of %s back: %w", at.revision, at.stream, err)
		}
		if err = new(envelopes).event(r, at.n, &e); err != nil {
			return e, err
		}
		if e.Body, err = schema.Decode(r.Name, r.Data); err != nil {
			return e, fmt.Errorf("event at %s: %w", r.Position, err)
		}
		return e, nil
	}
	return e, fmt.Errorf("read event %d of %s back: it is not there", at.revision, at.stream)
}
