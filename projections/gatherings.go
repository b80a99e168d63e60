package projections

import (
	"context"
	_ "embed"
	"slices"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/gathering"
	"github.com/daybook-engine/daybook/domain/match"
)

// A Gathering is people coming together: a training day, a supervision group.
type Gathering struct {
	Gathering  string         `json:"gathering"`
	Cycle      string         `json:"cycle"`
	Stream     string         `json:"stream"`
	Stage      string         `json:"stage"`
	Kind       string         `json:"kind"`
	For        []string       `json:"for,omitempty"` // roles; none: everybody
	Title      string         `json:"title"`
	Slot       gathering.Slot `json:"slot"`
	Sequence   int            `json:"sequence,omitempty"` // counts the reschedules
	Cancelled  bool           `json:"cancelled,omitempty"`
	RecordedAt time.Time      `json:"recorded_at"` // what is said of its time
	Attendance []Attendance   `json:"attendance,omitempty"`
}

// An Attendance is what was recorded of somebody, as last corrected.
type Attendance struct {
	Person  domain.Person `json:"person"`
	Minutes int           `json:"minutes"` // 0: they were not there after all
}

func (g *Gathering) columns() (string, string, time.Time, bool) {
	phase := "announced"
	if g.Cancelled {
		phase = "cancelled"
	}
	return g.Cycle, phase, g.Slot.Start, true
}

// Present counts who was there.
func (g Gathering) Present() (n int) {
	for _, a := range g.Attendance {
		if a.Minutes > 0 {
			n++
		}
	}
	return n
}

func (g Gathering) attended(p domain.Person) bool {
	return slices.ContainsFunc(g.Attendance, func(a Attendance) bool { return a.Person == p && a.Minutes > 0 })
}

// Invites tells whether somebody is asked to come, or came: all whose match
// stands are, or those on a side that it is for.
func (g Gathering) Invites(p domain.Person, matches []Match) bool {
	on := func(side string) bool { return len(g.For) == 0 || slices.Contains(g.For, side) }
	return g.attended(p) || slices.ContainsFunc(matches, func(m Match) bool {
		stands := m.Phase == match.Active || m.Phase == match.Complete
		return stands && (p == m.Mentee && on(match.Mentee) || p == m.Mentor && on(match.Mentor))
	})
}

const gatheringsIndexes = `
CREATE INDEX IF NOT EXISTS gatherings_cycle ON gatherings (cycle);
`

//go:embed gatherings.sql
var gatheringsSQL string

var gatherings = Projection{
	Name: "gatherings", Schema: gatheringsSQL, Documents: []row{&Gathering{}}, Indexes: gatheringsIndexes, Apply: applyGatherings,
	Names: []string{"gathering.announced", "gathering.rescheduled", "gathering.cancelled", "attendance.recorded", "attendance.corrected"},
}

func applyGatherings(tx *Tx, e *Event) error {
	id := gathering.ParseStream(e.Stream)
	g, err := change[Gathering](tx, "gatherings", id.Cycle+"."+id.Gathering)
	if err != nil {
		return err
	}
	record := func(b gathering.AttendanceRecorded) {
		g.Attendance = slices.DeleteFunc(g.Attendance, func(a Attendance) bool { return a.Person == b.Person })
		g.Attendance = append(g.Attendance, Attendance{b.Person, b.Minutes})
	}
	switch b := e.Body.(type) {
	case gathering.Announced:
		g.Gathering, g.Cycle, g.Stream = id.Gathering, id.Cycle, e.Stream
		g.Stage, g.Kind, g.For, g.Title, g.Slot, g.RecordedAt = b.Stage, b.Kind, b.For, b.Title, b.Slot, e.Envelope.RecordedAt
	case gathering.Rescheduled:
		g.Slot, g.Sequence, g.RecordedAt = b.Now, b.Sequence, e.Envelope.RecordedAt
	case gathering.Cancelled:
		g.Cancelled, g.RecordedAt = true, e.Envelope.RecordedAt
	case gathering.AttendanceRecorded:
		record(b)
	case gathering.AttendanceCorrected:
		record(gathering.AttendanceRecorded(b))
	}
	return nil
}

func gatheringsOf(conn *sqlite.Conn, cycle string) ([]Gathering, error) {
	list, err := bodies[Gathering](conn, "SELECT body FROM gatherings WHERE cycle = ? ORDER BY key", cycle)
	slices.SortStableFunc(list, func(a, b Gathering) int { return a.Slot.Start.Compare(b.Slot.Start) })
	return list, err
}

// Gatherings lists a cycle's, in the order of their times.
func (v *Views) Gatherings(ctx context.Context, cycle string) (list []Gathering, err error) {
	err = v.ask(ctx, func(conn *sqlite.Conn) error {
		list, err = gatheringsOf(conn, cycle)
		return err
	})
	return list, err
}

// attended adds to matches whose completion asks for it where the two have been.
func attended(conn *sqlite.Conn, list []Match) error {
	known := map[string][]Gathering{}
	for i := range list {
		m := &list[i]
		if len(m.Rule.Attendance) == 0 {
			continue
		}
		if known[m.Cycle] == nil {
			var err error
			if known[m.Cycle], err = gatheringsOf(conn, m.Cycle); err != nil {
				return err
			}
		}
		for _, g := range known[m.Cycle] {
			for side, who := range map[string]domain.Person{match.Mentee: m.Mentee, match.Mentor: m.Mentor} {
				if g.attended(who) {
					m.Attended = append(m.Attended, match.Attended{Side: side, Stage: g.Stage, Gathering: g.Gathering})
				}
			}
		}
		slices.SortFunc(m.Attended, func(a, b match.Attended) int {
			return strings.Compare(a.Side+a.Stage+a.Gathering, b.Side+b.Stage+b.Gathering)
		})
		m.Health = m.health()
	}
	return nil
}

// items are what people have to do about a gathering: to say who was there.
func (g Gathering) items(now time.Time) []Item {
	if g.Cancelled || len(g.Attendance) > 0 || g.Slot.Start.After(now) {
		return nil
	}
	return []Item{{
		Kind: "attendance", Words: "record who was at " + g.Title, Command: "attendance.record", Args: args("cycle", g.Cycle, "gathering", g.Gathering),
		Cycle: g.Cycle, Stream: g.Stream, Role: "coordinator", Due: g.Slot.Start, Zone: g.Slot.Zone,
	}}
}
