package task

import (
	"slices"
	"time"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/when"
)

// An Event is a fact about one task.
type Event interface{ evolve(State) State }

// A Phase is how far a task has come.
type Phase string

const (
	None    Phase = ""
	Waiting Phase = "open"
	Done    Phase = "completed"
	Lapsed  Phase = "expired"
	Dropped Phase = "withdrawn"
)

// State is what the rules remember. It may be read and kept: the work queue
// folds the same events by it, and so tells whose a task is and what falls due
// next as the rules do.
type State struct {
	Opened    Opened        `json:"opened"`
	Phase     Phase         `json:"phase"`
	Since     time.Time     `json:"since"`              // opened, or opened again
	Reopened  int           `json:"reopened,omitempty"` // how often
	Due       time.Time     `json:"due,omitzero"`       // where it does not follow a call's deadline
	Owner     domain.Person `json:"owner,omitempty"`    // whose it is: from the start, or who claimed it
	Lent      Delegated     `json:"lent,omitzero"`      // to whom it was handed on
	Reminded  []Reminder    `json:"reminded,omitempty"` // since it was opened, or opened again
	Escalated bool          `json:"escalated,omitempty"`
	By        domain.Person `json:"by,omitempty"` // who completed it
}

// A Reminder was given: at is when it was due, for a task that was due then.
// What followed a deadline stands as it was told, as long as that deadline does.
type Reminder struct {
	At       time.Time `json:"at"`
	Due      time.Time `json:"due"`
	Deadline time.Time `json:"deadline,omitzero"`
}

// Apply returns s after e. It never fails and never judges.
func (s State) Apply(e Event) State { return e.evolve(s) }

// Subjects are the people every event of the stream is about.
func (s State) Subjects() []domain.Person { return s.Opened.Concerns }

// Holder is who has the task to do at now; nobody, where nobody claimed it.
func (s State) Holder(now time.Time) domain.Person {
	if l := s.Lent; l.To != "" && !now.Before(l.From) && (l.Until.IsZero() || now.Before(l.Until)) {
		return l.To
	}
	return s.Owner
}

// Came is when somebody had it to do at the earliest: when it was opened, or
// handed on to them.
func (s State) Came(to domain.Person) time.Time {
	if s.Lent.To == to && s.Lent.From.After(s.Since) {
		return s.Lent.From
	}
	return s.Since
}

// Roles are those in which it may be done: its own, and the one that it was
// escalated to.
func (s State) Roles() []string {
	if s.Escalated {
		return []string{s.Opened.Role, s.Opened.Plan.Escalate.To}
	}
	return []string{s.Opened.Role}
}

// DueBy is when the task is due, where its call's deadline is that; zero: at
// no time.
func (s State) DueBy(deadline time.Time) time.Time {
	if s.Opened.Plan.DueFrom == "" {
		return s.Due
	}
	for _, r := range s.Reminded {
		if !deadline.IsZero() && r.Deadline.Equal(deadline) {
			return r.Due
		}
	}
	return s.Reckoned(deadline)
}

// Reckoned is when the task would be due, were that reckoned anew: by newer time
// zone data than people were told by, that may be another moment.
func (s State) Reckoned(deadline time.Time) time.Time {
	anchor := s.Since
	if s.Opened.Plan.DueFrom != "" {
		anchor = deadline
	}
	if !s.Opened.Plan.Timed() || anchor.IsZero() {
		return time.Time{}
	}
	return s.after(s.Opened.Plan.Due, anchor)
}

// after is an offset from an anchor in the programme's time. The definition
// was checked, so there is one.
func (s State) after(o when.Offset, anchor time.Time) time.Time {
	t, err := o.From(anchor, s.Opened.Zone, s.Opened.Calendar)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// A Timer is a command of the clock's that is to come about a task, and how much
// earlier or later than its due date.
type Timer struct {
	Command string
	At      time.Time
	Offset  when.Offset
}

// Next is the clock's next command about the task, and when it is to be
// issued; none, where nothing more falls due.
func (s State) Next(deadline time.Time) (command string, at time.Time) {
	if coming := s.Coming(deadline); len(coming) > 0 {
		return coming[0].Command, coming[0].At
	}
	return "", time.Time{}
}

// Coming are all the clock's commands about the task, if nobody does it before,
// in the order of their time: to its expiry, with as many reminders as there
// may yet be.
func (s State) Coming(deadline time.Time) (list []Timer) {
	due := s.DueBy(deadline)
	if s.Phase != Waiting || due.IsZero() {
		return nil
	}
	for n, r := range s.reminders(due) {
		if len(s.Reminded)+n < s.Opened.Plan.Remind.AtMost {
			list = append(list, Timer{"task.remind", r.at, Earlier(r.before)})
		}
	}
	if e := s.Opened.Plan.Escalate; e.To != "" && !s.Escalated {
		list = append(list, Timer{"task.escalate", s.after(e.After, due), e.After})
	}
	list = append(list, Timer{"task.expire", s.expires(due), s.Opened.Plan.Expires})
	list = slices.DeleteFunc(list, func(t Timer) bool { return t.At.IsZero() })
	slices.SortStableFunc(list, func(a, b Timer) int { return a.At.Compare(b.At) })
	if i := slices.IndexFunc(list, func(t Timer) bool { return t.Command == "task.expire" }); i >= 0 {
		list = list[:i+1]
	}
	return list
}

// expires is when nobody has to do a task any more that is due then; zero:
// never. Whoever reopened it when that had passed wants it done all the same.
func (s State) expires(due time.Time) time.Time {
	if s.Opened.Plan.Expires == (when.Offset{}) || due.IsZero() {
		return time.Time{}
	}
	at := s.after(s.Opened.Plan.Expires, due)
	if s.Reopened > 0 && !at.After(s.Since) {
		return time.Time{}
	}
	return at
}

// reminders are those still to be given for a task due then, the first first.
// None is given of a time before the task was opened, nor of one before a
// reminder that was given; of a new due date, each is given anew.
func (s State) reminders(due time.Time) (list []reminding) {
	if len(s.Reminded) >= s.Opened.Plan.Remind.AtMost {
		return nil
	}
	for _, o := range s.Opened.Plan.Remind.Before {
		at := s.after(Earlier(o), due)
		given := slices.ContainsFunc(s.Reminded, func(r Reminder) bool { return r.Due.Equal(due) && !at.After(r.At) })
		if at.After(s.Since) && !given {
			list = append(list, reminding{at, o})
		}
	}
	slices.SortFunc(list, func(a, b reminding) int { return a.at.Compare(b.at) })
	return list
}

// A reminding is a reminder to be given, so long before the task is due.
type reminding struct {
	at     time.Time
	before when.Offset
}

// Earlier is how much earlier than its due date a reminder of a task is given,
// which the definition says without a sign.
func Earlier(o when.Offset) when.Offset {
	o.Days, o.WorkingDays, o.Hours = -o.Days, -o.WorkingDays, -o.Hours
	return o
}

func (e Opened) evolve(State) State {
	return State{Opened: e, Phase: Waiting, Since: e.At, Due: e.Due, Owner: e.Person}
}

func (e Claimed) evolve(s State) State { s.Owner, s.Lent = e.Person, Delegated{}; return s }

func (e Released) evolve(s State) State {
	if s.Owner == e.Person {
		s.Owner = ""
	}
	if s.Owner == "" || s.Lent.To == e.Person {
		s.Lent = Delegated{}
	}
	return s
}

func (e Delegated) evolve(s State) State {
	if s.Lent = e; e.To == s.Owner {
		s.Lent = Delegated{}
	}
	return s
}

func (e Reminded) evolve(s State) State {
	s.Reminded = append(slices.Clip(s.Reminded), Reminder{e.Timer.Due, e.Due, e.Deadline})
	return s
}

func (Escalated) evolve(s State) State   { s.Escalated = true; return s }
func (e Completed) evolve(s State) State { s.Phase, s.By = Done, e.Person; return s }

// Whoever is to have it now is judged anew.
func (e Reopened) evolve(s State) State {
	return State{Opened: s.Opened, Phase: Waiting, Since: e.At, Reopened: s.Reopened + 1, Due: e.Due, Owner: s.Opened.Person}
}

func (Expired) evolve(s State) State   { s.Phase = Lapsed; return s }
func (Withdrawn) evolve(s State) State { s.Phase = Dropped; return s }
