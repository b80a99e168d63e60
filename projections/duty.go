package projections

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/daybook-engine/daybook/domain/schema"
	tasks "github.com/daybook-engine/daybook/domain/task"
	"github.com/daybook-engine/daybook/domain/when"
)

// A Duty is a task of the definition's that somebody has, or had: it stands as
// the rules themselves have it.
type Duty struct {
	Task string `json:"task"`
	tasks.State
	Deadline time.Time `json:"deadline,omitzero"` // of the call that it follows, as it stands
	ClosedAt time.Time `json:"closed_at,omitzero"`
	Closed   string    `json:"closed,omitempty"` // the event's name that completed it, or ended what it was about
}

func (d *Duty) columns() (string, string, time.Time, bool) {
	phase := string(d.Phase)
	if d.Phase == tasks.Waiting && d.Opened.Plan.DueFrom != "" {
		phase += " " + d.Opened.About.Call
	}
	return d.Opened.Cycle, phase, d.Due(), true
}

// Due is when it is to be done; zero: at no time.
func (d *Duty) Due() time.Time { return d.DueBy(d.Deadline) }

// File is the stream of what it is about.
func (d *Duty) File() string { return d.Opened.About.File(d.Opened.Cycle) }

func applyDuty(tx *Tx, e *Event, body tasks.Event) error {
	_, id, _ := strings.Cut(e.Stream, "-")
	d, err := change[Duty](tx, "queue_task", id)
	if err != nil {
		return err
	}
	d.Task, d.State = id, d.Apply(body)
	switch b := body.(type) {
	case tasks.Opened:
		if b.Plan.DueFrom != "" {
			c, err := look[queueCall](tx, "queue_call", b.Cycle+"."+b.About.Call)
			if err != nil {
				return err
			}
			d.Deadline = c.Instant
		}
	case tasks.Completed:
		d.Closed, d.ClosedAt = b.Event, e.Envelope.OccurredAt
	case tasks.Withdrawn:
		d.Closed, d.ClosedAt = b.Event, e.Envelope.OccurredAt
	case tasks.Expired:
		d.Closed, d.ClosedAt = "", e.Envelope.OccurredAt
	case tasks.Reopened:
		d.Closed, d.ClosedAt = "", time.Time{}
	}
	return d.wind(tx)
}

// dateDuties dates the tasks that follow a call's deadline.
func dateDuties(tx *Tx, c *queueCall, key string) error {
	cycle, name, _ := strings.Cut(key, ".")
	follows := func(d *Duty) bool {
		return d.Opened.Plan.DueFrom != "" && d.Opened.Cycle == cycle && d.Opened.About.Call == name
	}
	ids, err := keysOf(tx, "queue_task", cycle, string(tasks.Waiting)+" "+name, follows)
	if err != nil {
		return err
	}
	for _, id := range ids {
		d, err := change[Duty](tx, "queue_task", id)
		if err != nil {
			return err
		}
		d.Deadline = c.Instant
		if err := d.wind(tx); err != nil {
			return err
		}
	}
	return nil
}

// wind tells the clock what it has to do about a task next.
func (d *Duty) wind(tx *Tx) error {
	t, err := change[Task](tx, "queue", "task-"+d.Task)
	if err != nil {
		return err
	}
	*t = Task{
		Kind: "clock", Role: "clock", Stream: "task-" + d.Task, Args: args("task", d.Task), Task: d.Task,
		Cycle: d.Opened.Cycle, Call: d.Opened.About.Call, About: d.Opened.About.Person, Rule: d.rule(), Zone: d.Opened.Zone,
	}
	t.Command, t.Due = d.Next(d.Deadline)
	t.Words = clockWords[t.Command] + ": " + d.Opened.Plan.Text
	return nil
}

// rule says how its due date was reckoned.
func (d *Duty) rule() string {
	p := d.Opened.Plan
	switch {
	case !p.Timed():
		return ""
	case p.DueFrom == "":
		return "due " + p.Due.Words() + ", counted from its opening"
	case p.Due == (when.Offset{}):
		return "due at the " + p.DueFrom
	}
	return "due " + p.Due.Words() + ", counted from the " + p.DueFrom
}

// settles says which command brings about an event that completes a task.
var settles = map[string]string{
	"nomination.received": "nomination.receive", "eligibility.confirmed": "eligibility.confirm", "review.recorded": "review.record",
	"application.shortlisted": "application.shortlist", "application.selected": "application.select", "offer.accepted": "offer.accept",
	"match.accepted": "match.accept", "agreement.signed": "agreement.sign", "contact.made": "contact.make",
	"session.held": "session.hold", "reflection.filed": "reflection.file",
}

// join adds a task to a queue. What the queue says already, because it waits
// for the same of the same people, becomes one with it: nobody is told twice.
func (d *Duty) join(list []Task, now time.Time) []Task {
	about := d.Opened.About
	t := Task{
		Kind: "task", Words: d.words(), Command: "task.complete", Args: args("task", d.Task), Task: d.Task,
		Cycle: d.Opened.Cycle, Call: about.Call, Stream: d.File(), Role: d.Opened.Role, Person: d.Holder(now), About: about.Person,
		Due: d.Due(), Rule: d.rule(), Zone: d.Opened.Zone,
	}
	if d.Escalated {
		t.Also = d.Opened.Plan.Escalate.To
	}
	same := func(o Task) bool {
		return o.Kind != "clock" && o.Kind != "task" && o.Cycle == t.Cycle && o.Role == t.Role && (o.Person == "" || t.Person == "" || o.Person == t.Person) &&
			o.session() == about.Session && (o.Stream == t.Stream || o.Call != "" && o.Call == t.Call && o.About == t.About) &&
			slices.ContainsFunc(d.Opened.Plan.Done, func(event string) bool { return settles[event] == o.Command })
	}
	i := slices.IndexFunc(list, same)
	if i < 0 {
		return append(list, t)
	}
	t.Command, t.Args = list[i].Command, list[i].Args
	if t.Due.IsZero() {
		t.Due, t.Zone = list[i].Due, list[i].Zone
	}
	list[i] = t
	return list
}

// words say what is to be done, about what.
func (d *Duty) words() string {
	about := d.Opened.About
	switch {
	case about.Session > 0:
		return fmt.Sprintf("match %s, session %d: %s", about.Match, about.Session, d.Opened.Plan.Text)
	case about.Match != "":
		return "match " + about.Match + ": " + d.Opened.Plan.Text
	case about.Person != "":
		return "application of " + token(about.Person) + ": " + d.Opened.Plan.Text
	case about.Call != "":
		return "call " + about.Call + ": " + d.Opened.Plan.Text
	}
	return d.Opened.Plan.Text
}

// session is the number of the session that a task is about; 0: none.
func (t Task) session() int {
	var of struct {
		Session int `json:"session"`
	}
	_ = schema.Unmarshal(t.Args, &of) // arguments without it name none
	return of.Session
}

// Duties lists the tasks of a cycle that were ever opened, or those about one
// file: the open ones first, in the order of their due dates.
func (v *Views) Duties(ctx context.Context, cycle, file string) (list []Duty, err error) {
	err = v.ask(ctx, func(conn *sqlite.Conn) error {
		list, err = dutiesOf(conn, cycle)
		return err
	})
	list = slices.DeleteFunc(list, func(d Duty) bool { return file != "" && d.File() != file })
	slices.SortStableFunc(list, func(a, b Duty) int {
		if open := a.Phase == tasks.Waiting; open != (b.Phase == tasks.Waiting) {
			if open {
				return -1
			}
			return 1
		}
		return a.Opened.At.Compare(b.Opened.At)
	})
	return list, err
}

// Duty finds a task by its id.
func (v *Views) Duty(ctx context.Context, id string) (d Duty, err error) {
	err = v.ask(ctx, func(conn *sqlite.Conn) error {
		list, err := bodies[Duty](conn, "SELECT body FROM queue_task WHERE key = ?", id)
		if err == nil && len(list) == 0 {
			err = tasks.ErrUnknown.Because(id)
		}
		if err == nil {
			d = list[0]
		}
		return err
	})
	return d, err
}

func dutiesOf(conn *sqlite.Conn, cycle string) ([]Duty, error) {
	return bodies[Duty](conn, "SELECT body FROM queue_task WHERE cycle = ? ORDER BY key", cycle)
}
