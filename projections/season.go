package projections

import (
	"context"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/daybook-engine/daybook/domain/when"
)

// A Season is what a picture of a cycle over time needs.
type Season struct {
	Cycle    Cycle           `json:"cycle"` // with its calls and timetable
	Days     []SeasonDay     `json:"days"`
	Sessions []SeasonSession `json:"sessions"`
}

// A SeasonDay is how often something happened on one local day.
type SeasonDay struct {
	Day   string `json:"day"`  // 2023-09-13, in the cycle's zone
	Name  string `json:"name"` // of the events
	Count int    `json:"count"`
}

// A SeasonSession is a session on the picture's line of its match.
type SeasonSession struct {
	Match           string    `json:"match"`
	Session         int       `json:"session"`
	Start           time.Time `json:"start"`
	Status          string    `json:"status"`
	Minutes         int       `json:"minutes,omitempty"`
	Nonconformities []string  `json:"nonconformities,omitempty"`
}

// Season is the picture of a cycle: what happened on each day by when it
// happened, the stages, and every session.
func (v *Views) Season(ctx context.Context, id string) (s Season, err error) {
	err = v.ask(ctx, func(conn *sqlite.Conn) error {
		if s.Cycle, err = findCycle(conn, id); err != nil {
			return err
		}
		zone, err := when.Zone(s.Cycle.Zone)
		if err != nil {
			zone = time.UTC // a cycle that was never planned has no zone
		}
		type key struct{ day, name string }
		at := map[key]int{}
		err = query(conn, `SELECT h.occurred_at, w.word FROM history h JOIN history_word w ON w.id = h.name
			WHERE h.cycle = (SELECT id FROM history_word WHERE word = ?) ORDER BY h.occurred_at, h.n`, func(stmt *sqlite.Stmt) error {
			k := key{fromMicros(stmt.ColumnInt64(0)).In(zone).Format(time.DateOnly), stmt.ColumnText(1)}
			i, known := at[k]
			if !known {
				i = len(s.Days)
				at[k] = i
				s.Days = append(s.Days, SeasonDay{Day: k.day, Name: k.name})
			}
			s.Days[i].Count++
			return nil
		}, id)
		if err != nil {
			return err
		}
		matches, err := matchesOf(conn, id)
		for _, m := range matches {
			for _, x := range m.Sessions {
				s.Sessions = append(s.Sessions, SeasonSession{m.Match, x.Session, x.Slot.Start, x.Status, x.Minutes, x.Nonconformities})
			}
		}
		return err
	})
	return s, err
}
