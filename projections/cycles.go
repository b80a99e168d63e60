package projections

import (
	"context"
	_ "embed"
	"slices"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/domain/call"
	"github.com/daybook-engine/daybook/domain/cycle"
	"github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/domain/measure"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/when"
	"github.com/daybook-engine/daybook/eventstore"
)

// A Cycle is one run of a programme: its calls, its timetable, and how far it
// has come.
type Cycle struct {
	Cycle       string         `json:"cycle"`
	Programme   string         `json:"programme"`
	Title       string         `json:"title"`
	From        when.Partial   `json:"from"`
	To          when.Partial   `json:"to"`
	Zone        string         `json:"zone"`
	Year        int            `json:"year"`
	Definition  domain.Digest  `json:"definition"` // that it goes by
	Versions    []Version      `json:"versions"`   // that it has gone by, oldest first
	Phase       string         `json:"phase"`      // planned, open, selecting, running, closed
	Rehearsal   bool           `json:"rehearsal"`  // its book is a rehearsal's
	PlannedAt   time.Time      `json:"planned_at,omitzero"`
	RunningAt   time.Time      `json:"running_at,omitzero"` // its first match was made
	ClosedAt    time.Time      `json:"closed_at,omitzero"`
	Calls       []Call         `json:"calls"`
	Stages      []Stage        `json:"stages"` // the timetable, each stage as last scheduled
	Sealed      []cycle.Figure `json:"sealed,omitempty"`
	SealedAfter string         `json:"sealed_after,omitempty"` // id of the last event that the sealed figures saw

	Counts Counts `json:"counts"` // filled in when the cycle is asked for
}

// A Version is a definition that a cycle went by, and since when.
type Version struct {
	Definition domain.Digest `json:"definition"`
	Since      time.Time     `json:"since"`
	Reason     string        `json:"reason,omitempty"` // why the cycle moved to it
}

// VersionAt is the definition that the cycle went by at a moment.
func (c Cycle) VersionAt(t time.Time) domain.Digest {
	for _, v := range slices.Backward(c.Versions) {
		if !v.Since.After(t) {
			return v.Definition
		}
	}
	return c.Definition
}

// Counts are how many a cycle has, whatever became of them.
type Counts struct {
	Submitted int `json:"submitted"`
	Placed    int `json:"placed"` // offers accepted
	Matches   int `json:"matches"`
}

// A Call is an invitation to apply, with the deadline in force.
type Call struct {
	Call     string          `json:"call"`
	Role     string          `json:"role"`
	Form     string          `json:"form"`
	Criteria []string        `json:"criteria"`
	Deadline when.Deadline   `json:"deadline"`
	Earlier  []when.Deadline `json:"earlier,omitempty"` // deadlines that were extended, oldest first
	Open     bool            `json:"open"`
	OpenedAt time.Time       `json:"opened_at,omitzero"`
	ClosedAt time.Time       `json:"closed_at,omitzero"`
}

// A Stage is an entry of the timetable.
type Stage struct {
	cycle.StageScheduled
	Earlier []cycle.StageScheduled `json:"earlier,omitempty"` // as it was scheduled before
}

// columns keeps no cycle that is not planned: by when things happened, a call may
// have been opened earlier.
func (c *Cycle) columns() (string, string, time.Time, bool) {
	return c.Cycle, c.Phase, time.Time{}, !c.PlannedAt.IsZero()
}

// call finds a call of the cycle, or makes it.
func (c *Cycle) call(key string) *Call {
	i := slices.IndexFunc(c.Calls, func(k Call) bool { return k.Call == key })
	if i < 0 {
		i = len(c.Calls)
		c.Calls = append(c.Calls, Call{Call: key})
	}
	return &c.Calls[i]
}

// phase says how far the cycle has come.
func (c *Cycle) phase() string {
	open := slices.ContainsFunc(c.Calls, func(k Call) bool { return k.Open })
	switch {
	case !c.ClosedAt.IsZero():
		return "closed"
	case !c.RunningAt.IsZero():
		return "running"
	case open:
		return "open"
	case len(c.Calls) > 0:
		return "selecting"
	}
	return "planned"
}

type definition struct {
	programme.Definition
}

func (d *definition) columns() (string, string, time.Time, bool) {
	return d.Programme, "", time.Time{}, true
}

//go:embed cycles.sql
var cyclesSQL string

var cycles = Projection{
	Name: "cycles", Schema: cyclesSQL, Documents: []row{&Cycle{}, &definition{}}, Apply: applyCycles,
	Names: []string{
		"definition.published", "cycle.planned", "definition.moved", "stage.scheduled", "cycle.closed", "figures.sealed", "call.opened",
		"deadline.extended", "call.closed", "match.made",
	},
}

func applyCycles(tx *Tx, e *Event) error {
	if b, ok := e.Body.(programme.DefinitionPublished); ok {
		d, err := change[definition](tx, "cycles_definition", string(b.Hash))
		if err != nil {
			return err
		}
		*d = definition{b.Definition}
		return nil
	}
	c, err := change[Cycle](tx, "cycles", e.Cycle)
	if err != nil {
		return err
	}
	c.Cycle, c.Rehearsal = e.Cycle, strings.HasPrefix(e.Envelope.Book, "rehearsal/")
	_, key, _ := strings.Cut(e.Stream, ".") // "call-<cycle>.<call>": neither holds a dot
	at := e.Envelope.OccurredAt
	switch b := e.Body.(type) {
	case cycle.Planned:
		c.Programme, c.Title, c.From, c.To, c.Zone, c.Year, c.Definition = b.Programme, b.Title, b.From, b.To, b.Zone, b.Year, b.Definition
		c.PlannedAt, c.Versions = at, []Version{{b.Definition, at, ""}}
	case cycle.DefinitionMoved:
		c.Definition, c.Versions = b.To, append(c.Versions, Version{b.To, at, e.Envelope.Reason})
	case cycle.StageScheduled:
		s := Stage{StageScheduled: b}
		if i := slices.IndexFunc(c.Stages, func(o Stage) bool { return o.Stage == b.Stage }); i >= 0 {
			s.Earlier = append(c.Stages[i].Earlier, c.Stages[i].StageScheduled)
			c.Stages[i] = s
		} else {
			c.Stages = append(c.Stages, s)
		}
	case cycle.Closed:
		c.ClosedAt = at
	case cycle.FiguresSealed:
		c.Sealed, c.SealedAfter = b.Figures, b.After
	case call.Opened:
		k := c.call(key)
		k.Role, k.Form, k.Criteria, k.Deadline, k.Open, k.OpenedAt = b.Role, b.Form, b.Criteria, b.Deadline, true, at
	case call.DeadlineExtended:
		k := c.call(key)
		k.Earlier, k.Deadline = append(k.Earlier, b.Was), b.Now
	case call.Closed:
		k := c.call(key)
		k.Open, k.ClosedAt = false, at
	case match.Made:
		if c.RunningAt.IsZero() {
			c.RunningAt = at
		}
	}
	c.Phase = c.phase()
	return nil
}

// Cycles lists the cycles, the newest plan first.
func (v *Views) Cycles(ctx context.Context) (list []Cycle, err error) {
	err = v.ask(ctx, func(conn *sqlite.Conn) error {
		if list, err = bodies[Cycle](conn, "SELECT body FROM cycles ORDER BY key"); err != nil {
			return err
		}
		counts, err := countCycles(conn, "")
		for i := range list {
			list[i].Counts = counts[list[i].Cycle]
		}
		return err
	})
	slices.SortStableFunc(list, func(a, b Cycle) int { return b.PlannedAt.Compare(a.PlannedAt) })
	return list, err
}

// Cycle finds a cycle by its id; cycle.ErrUnknown when there is none.
func (v *Views) Cycle(ctx context.Context, id string) (c Cycle, err error) {
	err = v.ask(ctx, func(conn *sqlite.Conn) error {
		if c, err = findCycle(conn, id); err != nil {
			return err
		}
		counts, err := countCycles(conn, id)
		c.Counts = counts[id]
		return err
	})
	return c, err
}

func findCycle(conn *sqlite.Conn, id string) (Cycle, error) {
	list, err := bodies[Cycle](conn, "SELECT body FROM cycles WHERE key = ?", id)
	if err == nil && len(list) == 0 {
		err = cycle.ErrUnknown.Because(id)
	}
	if err != nil {
		return Cycle{}, err
	}
	return list[0], nil
}

// countCycles counts by phase, of one cycle or of all.
func countCycles(conn *sqlite.Conn, id string) (map[string]Counts, error) {
	counts := map[string]Counts{}
	each := func(add func(c *Counts, phase string, n int)) func(*sqlite.Stmt) error {
		return func(stmt *sqlite.Stmt) error {
			c := counts[stmt.ColumnText(0)]
			add(&c, stmt.ColumnText(1), stmt.ColumnInt(2))
			counts[stmt.ColumnText(0)] = c
			return nil
		}
	}
	err := query(conn, "SELECT cycle, phase, count(*) FROM applications WHERE phase NOT IN ('', 'draft', 'expired') AND (?1 = '' OR cycle = ?1) GROUP BY cycle, phase ORDER BY cycle, phase",
		each(func(c *Counts, phase string, n int) {
			c.Submitted += n
			if application.Phase(phase) == application.Accepted {
				c.Placed += n
			}
		}), id)
	if err != nil {
		return nil, err
	}
	return counts, query(conn, "SELECT cycle, phase, count(*) FROM matches WHERE (?1 = '' OR cycle = ?1) GROUP BY cycle, phase ORDER BY cycle, phase",
		each(func(c *Counts, _ string, n int) { c.Matches += n }), id)
}

// Definition finds a published definition by its hash.
func (v *Views) Definition(ctx context.Context, hash domain.Digest) (d programme.Definition, err error) {
	err = v.ask(ctx, func(conn *sqlite.Conn) error {
		d, err = findDefinition(conn, hash)
		return err
	})
	return d, err
}

func findDefinition(conn *sqlite.Conn, hash domain.Digest) (programme.Definition, error) {
	list, err := bodies[definition](conn, "SELECT body FROM cycles_definition WHERE key = ?", string(hash))
	if err == nil && len(list) == 0 {
		err = cycle.ErrDefinition.Because(string(hash))
	}
	if err != nil {
		return programme.Definition{}, err
	}
	return list[0].Definition, nil
}

// position is how far all views have come, within a query.
func position(conn *sqlite.Conn) (p eventstore.Position, err error) {
	var s string
	if err = query(conn, "SELECT min(position) FROM progress", text(&s)); err != nil {
		return p, err
	}
	return eventstore.ParsePosition(s)
}

// cycleOfYear is the scope of a measure for a cycle.
func (c Cycle) scope(m measure.Measure) string {
	if m.Scope == "year" {
		return measure.YearScope(c.Programme, itoa(c.Year))
	}
	return c.Cycle
}
