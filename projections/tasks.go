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

// A Task is a task of the definition's that somebody has, or had: it stands as
// the rules themselves have it.
type Task struct {
	Task string `json:"task"`
	tasks.State
	Deadline time.Time `json:"deadline,omitzero"` // of the call that it follows, as it stands
	ClosedAt time.Time `json:"closed_at,omitzero"`
	Closed   string    `json:"closed,omitempty"` // the event's name that completed it, or ended what it was about
}

func (t *Task) columns() (string, string, time.Time, bool) {
	phase := string(t.Phase)
	if t.Phase == tasks.Waiting && t.Opened.Plan.DueFrom != "" {
		phase += " " + t.Opened.About.Call
	}
	return t.Opened.Cycle, phase, t.Due(), true
}

// Due is when it is to be done; zero: at no time.
func (t *Task) Due() time.Time { return t.DueBy(t.Deadline) }

// File is the stream of what it is about.
func (t *Task) File() string { return t.Opened.About.File(t.Opened.Cycle) }

func applyTask(tx *Tx, e *Event, body tasks.Event) error {
	_, id, _ := strings.Cut(e.Stream, "-")
	t, err := change[Task](tx, "queue_task", id)
	if err != nil {
		return err
	}
	t.Task, t.State = id, t.Apply(body)
	switch b := body.(type) {
	case tasks.Opened:
		err = t.follow(tx)
	case tasks.Completed:
		t.Closed, t.ClosedAt = b.Event, e.Envelope.OccurredAt
	case tasks.Withdrawn:
		t.Closed, t.ClosedAt = b.Event, e.Envelope.OccurredAt
	case tasks.Expired:
		t.Closed, t.ClosedAt = "", e.Envelope.OccurredAt
	case tasks.Reopened:
		t.Closed, t.ClosedAt = "", time.Time{}
		err = t.follow(tx) // which it did not do while it was closed
	}
	if err != nil {
		return err
	}
	return t.wind(tx)
}

// follow takes over the deadline of the call that the task follows, as it stands.
func (t *Task) follow(tx *Tx) error {
	if t.Opened.Plan.DueFrom == "" {
		return nil
	}
	c, err := look[queueCall](tx, "queue_call", t.Opened.Cycle+"."+t.Opened.About.Call)
	if err != nil {
		return err
	}
	t.Deadline = c.Instant
	return nil
}

// dateTasks dates the tasks that follow a call's deadline.
func dateTasks(tx *Tx, c *queueCall, key string) error {
	cycle, name, _ := strings.Cut(key, ".")
	follows := func(t *Task) bool {
		return t.Opened.Plan.DueFrom != "" && t.Opened.Cycle == cycle && t.Opened.About.Call == name
	}
	ids, err := keysOf(tx, "queue_task", follows, "cycle IN (?) AND phase IN (?)", cycle, string(tasks.Waiting)+" "+name)
	if err != nil {
		return err
	}
	for _, id := range ids {
		t, err := change[Task](tx, "queue_task", id)
		if err != nil {
			return err
		}
		t.Deadline = c.Instant
		if err := t.wind(tx); err != nil {
			return err
		}
	}
	return nil
}

// wind tells the clock what it has to do about a task next.
func (t *Task) wind(tx *Tx) error {
	item, err := change[Item](tx, "queue", "task-"+t.Task)
	if err != nil {
		return err
	}
	*item = t.timer(tasks.Timer{})
	if coming := t.Coming(t.Deadline); len(coming) > 0 {
		*item = t.timer(coming[0])
	}
	return nil
}

// timer is what the clock will do about a task.
func (t *Task) timer(x tasks.Timer) Item {
	item := Item{
		Kind: "clock", Role: "clock", Stream: "task-" + t.Task, Args: args("task", t.Task), Task: t.Task,
		Cycle: t.Opened.Cycle, Call: t.Opened.About.Call, About: t.Opened.About.Person, Zone: t.Opened.Zone,
		Command: x.Command, Due: x.At, Words: clockWords[x.Command] + ": " + t.Opened.Plan.Text,
		Round: t.Reopened,
	}
	own := "when it is due"
	if x.Offset != (when.Offset{}) {
		own = x.Offset.Words() + ", counted from its due date"
	}
	item.Rule = own + "; " + t.rule()
	if c := t.Opened.Calendar.Words(); c != "" && x.Offset.WorkingDays != 0 && t.Opened.Plan.Due.WorkingDays == 0 {
		item.Rule += ", by the calendar " + c
	}
	return item
}

// timers puts everything that the clock will do about tasks in the place of what
// it will do about each next, which is all that it asks for itself.
func timers(list []Item, of []Task) []Item {
	list = slices.DeleteFunc(list, func(i Item) bool { return i.Role == "clock" && i.Task != "" })
	for _, t := range of {
		for _, x := range t.Coming(t.Deadline) {
			list = append(list, t.timer(x))
		}
	}
	return list
}

// rule says how its due date was reckoned, and by which calendar.
func (t *Task) rule() string {
	rule := t.reckoned()
	if c := t.Opened.Calendar.Words(); c != "" && t.Opened.Plan.Due.WorkingDays != 0 {
		rule += ", by the calendar " + c
	}
	return rule
}

func (t *Task) reckoned() string {
	p := t.Opened.Plan
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
	"call.opened": "call.open", "notice.published": "notice.publish", "application.received": "application.submit",
	"nomination.received": "nomination.receive", "eligibility.confirmed": "eligibility.confirm", "eligibility.failed": "eligibility.fail",
	"review.recorded": "review.record", "application.shortlisted": "application.shortlist", "application.passed_over": "application.pass_over",
	"application.selected": "application.select", "application.reserved": "application.reserve", "application.declined": "application.decline",
	"offer.accepted": "offer.accept", "offer.declined": "offer.decline", "match.accepted": "match.accept", "agreement.signed": "agreement.sign",
	"contact.made": "contact.make", "session.scheduled": "session.schedule", "session.held": "session.hold", "reflection.filed": "reflection.file",
}

// A spot is where a command is waited for: in a stream, or in a person's part of a call.
type spot struct {
	command string
	session int // 0: none
	where   string
}

func spots(command string, session int, i Item) []spot {
	list := []spot{{command, session, i.Stream}}
	if i.Call != "" {
		list = append(list, spot{command, session, i.Call + " " + string(i.About)})
	}
	return list
}

// placed finds what people have to do in a queue by its spots.
func placed(list []Item) map[spot][]int {
	at := map[spot][]int{}
	for n, i := range list {
		if i.Kind == "clock" || i.Kind == "task" {
			continue
		}
		for _, p := range spots(i.Command, i.session(), i) {
			at[p] = append(at[p], n)
		}
	}
	return at
}

// join adds a task to a queue, in which at finds what it had before. What that
// says already, because it waits for the same of the same people, becomes one
// with it: nobody is told twice.
func (t *Task) join(list []Item, at map[spot][]int, now time.Time) []Item {
	about := t.Opened.About
	item := Item{
		Kind: "task", Words: t.words(), Command: "task.complete", Args: args("task", t.Task), Task: t.Task,
		Cycle: t.Opened.Cycle, Call: about.Call, Stream: t.File(), Role: t.Opened.Role, Person: t.Holder(now), About: about.Person,
		Due: t.Due(), Rule: t.rule(), Zone: t.Opened.Zone,
	}
	if t.Escalated {
		item.Also = t.Opened.Plan.Escalate.To
	}
	i := -1
	for _, event := range t.Opened.Plan.Done {
		for _, p := range spots(settles[event], about.Session, item) {
			for _, n := range at[p] {
				o := list[n]
				same := o.Kind != "task" && o.Cycle == item.Cycle && o.Role == item.Role && (o.Person == "" || item.Person == "" || o.Person == item.Person)
				if same && (i < 0 || n < i) {
					i = n
				}
			}
		}
	}
	if i < 0 {
		item.Others = t.others("")
		return append(list, item)
	}
	item.Command, item.Args, item.Others = list[i].Command, list[i].Args, t.others(list[i].Command)
	if item.Due.IsZero() {
		item.Due, item.Zone = list[i].Due, list[i].Zone
	}
	list[i] = item
	return list
}

// others are the commands, besides one, that bring about what completes it.
func (t *Task) others(besides string) (list []Other) {
	known, about := []any{"cycle", t.Opened.Cycle}, t.Opened.About
	if about.Call != "" {
		known = append(known, "call", about.Call)
	}
	if about.Person != "" {
		known = append(known, "person", about.Person)
	}
	if about.Match != "" {
		known = append(known, "match", about.Match)
	}
	if about.Session > 0 {
		known = append(known, "session", about.Session)
	}
	for _, event := range t.Opened.Plan.Done {
		if command := settles[event]; command != "" && command != besides {
			list = append(list, Other{command, args(known...)})
		}
	}
	return list
}

// words say what is to be done, about what.
func (t *Task) words() string {
	about := t.Opened.About
	switch {
	case about.Session > 0:
		return fmt.Sprintf("match %s, session %d: %s", about.Match, about.Session, t.Opened.Plan.Text)
	case about.Match != "":
		return "match " + about.Match + ": " + t.Opened.Plan.Text
	case about.Person != "":
		return "application of " + token(about.Person) + ": " + t.Opened.Plan.Text
	case about.Call != "":
		return "call " + about.Call + ": " + t.Opened.Plan.Text
	}
	return t.Opened.Plan.Text
}

// session is the number of the session that a task is about; 0: none.
func (i Item) session() int {
	var of struct {
		Session int `json:"session"`
	}
	_ = schema.Unmarshal(i.Args, &of) // arguments without it name none
	return of.Session
}

// Tasks lists the tasks of a cycle that were ever opened, or those about one
// file: the open ones first, in the order of their due dates.
func (v *Views) Tasks(ctx context.Context, cycle, file string) (list []Task, err error) {
	err = v.ask(ctx, func(conn *sqlite.Conn) error {
		list, err = tasksOf(conn, cycle)
		return err
	})
	list = slices.DeleteFunc(list, func(t Task) bool { return file != "" && t.File() != file })
	slices.SortStableFunc(list, func(a, b Task) int {
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

// Task finds a task by its id.
func (v *Views) Task(ctx context.Context, id string) (t Task, err error) {
	err = v.ask(ctx, func(conn *sqlite.Conn) error {
		list, err := bodies[Task](conn, "SELECT body FROM queue_task WHERE key = ?", id)
		if err == nil && len(list) == 0 {
			err = tasks.ErrUnknown.Because(id)
		}
		if err == nil {
			t = list[0]
		}
		return err
	})
	return t, err
}

func tasksOf(conn *sqlite.Conn, cycle string) ([]Task, error) {
	return bodies[Task](conn, "SELECT body FROM queue_task WHERE cycle = ? ORDER BY key", cycle)
}
