package projections

import (
	"context"
	_ "embed"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/domain/call"
	"github.com/daybook-engine/daybook/domain/match"
)

// lateEntry is how long after it happened something may be recorded before
// that is an exception of its own.
const lateEntry = 24 * time.Hour

// An Exception is an event that did not go by the rule, or that set one
// aside: what, who, when and why are the event's.
type Exception struct {
	HistoryRow
	Kinds []string // waiver, extension, moved, permit, kept, late, override, correction, refused, nonconforming, overdue, lapsed, unwound, ended, parked, skipped, repaired, calendar, late_entry, authority
}

// exceptional lists the names that always are an exception, and of which
// kind.
var exceptional = map[string]string{
	"completion.waived":     "waiver",
	"permit.granted":        "permit",
	"deadline.extended":     "extension",
	"retention.extended":    "kept",
	"definition.moved":      "moved",
	"submission.refused":    "refused",
	"place.refused":         "refused",
	"access.refused":        "refused",
	"rank.refused":          "refused",
	"engagement.refused":    "refused",
	"session.corrected":     "correction",
	"session.retracted":     "correction",
	"application.retracted": "correction",
	"contact.overdue":       "overdue",
	"draft.expired":         "lapsed",
	"nomination.lapsed":     "lapsed",
	"offer.lapsed":          "lapsed",
	"match.unwound":         "unwound",
	"match.ended":           "ended",
	"task.escalated":        "overdue",
	"task.expired":          "lapsed",
	"policy.parked":         "parked",
	"policy.skipped":        "skipped",
	"policy.repaired":       "repaired",
}

const exceptionsIndexes = `
CREATE INDEX IF NOT EXISTS exceptions_cycle ON exceptions (cycle, n);
`

//go:embed exceptions.sql
var exceptionsSQL string

var exceptions = Projection{Name: "exceptions", Schema: exceptionsSQL, Indexes: exceptionsIndexes, Apply: applyExceptions}

func applyExceptions(tx *Tx, e *Event) error {
	for _, kind := range exceptionKinds(e) {
		if err := exec(tx.conn, "INSERT INTO exceptions (n, kind, cycle) VALUES (?, ?, ?)", e.N, kind, e.Cycle); err != nil {
			return err
		}
	}
	return nil
}

// exceptionKinds says in which ways an event is an exception.
func exceptionKinds(e *Event) (kinds []string) {
	add := func(is bool, kind string) {
		if is {
			kinds = append(kinds, kind)
		}
	}
	env := &e.Envelope
	kind := exceptional[env.Name]
	add(kind != "", kind)
	add(env.Corrects != "" && kind != "correction", "correction")
	switch b := e.Body.(type) {
	case application.Received:
		add(b.Late, "late")
		add(len(b.Unsure) > 0, "calendar")
	case application.OfferMade:
		add(len(b.Unsure) > 0, "calendar")
	case application.DraftExpired:
		add(len(b.Unsure) > 0, "calendar")
	case match.Made:
		add(len(b.Unsure) > 0, "calendar")
	case call.Opened:
		add(b.Deadline.Override != "", "override")
	case call.DeadlineExtended:
		add(b.Now.Override != "", "override")
	}
	add(len(env.Nonconformities) > 0, "nonconforming")
	add(env.Authority != "", "authority")
	switch env.Name {
	case "draft.started": // of one that was begun on paper the application tells
	case "session.retracted", "application.retracted": // is dated as what it retracts
	default:
		add(env.RecordedAt.Sub(env.OccurredAt) > lateEntry, "late_entry")
	}
	return kinds
}

// Exceptions is the register of a cycle, oldest first.
func (v *Views) Exceptions(ctx context.Context, cycle string) (list []Exception, err error) {
	var kinds [][]string
	var found []eventPlace
	err = v.ask(ctx, func(conn *sqlite.Conn) error {
		if _, err := findCycle(conn, cycle); err != nil {
			return err
		}
		return query(conn, `SELECT h.n, w.word, h.revision, group_concat(x.kind, ' ' ORDER BY x.kind)
			FROM exceptions x JOIN history h ON h.n = x.n JOIN history_word w ON w.id = h.stream
			WHERE x.cycle = ? GROUP BY x.n ORDER BY x.n`, func(stmt *sqlite.Stmt) error {
			found = append(found, eventPlace{stmt.ColumnInt64(0), stmt.ColumnText(1), uint64(stmt.ColumnInt64(2))})
			kinds = append(kinds, strings.Fields(stmt.ColumnText(3)))
			return nil
		}, cycle)
	})
	if err != nil {
		return nil, err
	}
	rows, err := v.lookUp(ctx, found)
	for i, r := range rows {
		list = append(list, Exception{r, kinds[i]})
	}
	return list, err
}
