package task

import (
	"slices"
	"time"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/when"
)

var (
	ErrUnknown   = domain.Missing("task_unknown", "there is no such task")
	ErrWhich     = domain.Wrong("task_ambiguous", "there are several such tasks; name the session as well, or the task by its id")
	ErrOver      = domain.Refuse("task_over", "this task is not open any more")
	ErrEarly     = domain.Refuse("before_task", "this happened before the task was opened")
	ErrEnded     = domain.Refuse("about_over", "what this task is about is over")
	ErrRole      = domain.Deny("task_role", "this task is for another role")
	ErrNotYours  = domain.Deny("task_not_yours", "this task is somebody else's; whoever runs the programme says on whose behalf they act")
	ErrTaken     = domain.Refuse("task_taken", "somebody else has this task")
	ErrUnclaimed = domain.Refuse("task_unclaimed", "nobody has this task yet: it is claimed before it is handed on")
	ErrPersonal  = domain.Refuse("task_personal", "what participants have to do is not handed on; it may be completed on their behalf")
	ErrPeriod    = domain.Wrong("period_malformed", "a task is handed on until a time that is to come, and that is later than from")
	ErrSelf      = domain.Deny("own_case", "nobody has a task about their own application or match but as a participant")
	ErrFourEyes  = domain.Deny("four_eyes", "this task is for somebody else than who did what it follows")
	ErrConflict  = domain.Deny("recused", "who has a conflict of interest has no task about this application")
)

// Open is task.open: a policy's command when the event happened that opens it.
type Open struct {
	ID
	Key   string `json:"key"` // in the definition
	Cause string `json:"-" from:"causation"`

	// Looked up.
	Plan     programme.Task  `json:"-"`
	Zone     string          `json:"-"`
	Calendar when.Calendar   `json:"-"`
	Role     string          `json:"-"`
	Person   domain.Person   `json:"-"`
	Concerns []domain.Person `json:"-"`
	Over     bool            `json:"-"` // what it is about
	Done     string          `json:"-"` // the event that completes it, or
	Ended    string          `json:"-"` // ends it, where that happened since its cause: it is opened late
}

func (c Open) Decide(s State, now time.Time) ([]Event, error) {
	switch {
	case s.Phase != None:
		return nil, nil
	case c.Over:
		return nil, ErrEnded
	}
	e := Opened{Matter: Matter{c.Key, c.About}, Cycle: c.Cycle, Cause: c.Cause, Plan: c.Plan, Zone: c.Zone, Role: c.Role, Person: c.Person, Concerns: c.Concerns, At: now}
	if c.Plan.Timed() {
		e.Calendar = c.Calendar
	}
	e.Due = State{Opened: e}.due(now)
	switch {
	case c.Done != "":
		return []Event{e, Completed{Matter: e.Matter, Event: c.Done}}, nil
	case c.Ended != "":
		return []Event{e, Withdrawn{e.Matter, c.Ended}}, nil
	}
	return []Event{e}, nil
}

// due is when a task is due that is opened now, and does not follow a deadline.
func (s State) due(now time.Time) time.Time {
	if s.Opened.Plan.DueFrom != "" || !s.Opened.Plan.Timed() {
		return time.Time{}
	}
	return s.after(s.Opened.Plan.Due, now)
}

// Acting is embedded by what people do with a task.
type Acting struct {
	Actor domain.Person `json:"-" from:"actor"`
	Self  domain.Person `json:"-" from:"self"` // whose act it is
	Role  string        `json:"-" from:"role"`

	// Looked up.
	Barred  []domain.Person `json:"-"` // who did what this task is to be a second pair of eyes for
	Recused []domain.Person `json:"-"` // who declared a conflict of interest
}

// coordinator is the role of whoever runs the programme, and acts for others.
const coordinator = "coordinator"

// admit tells whether these people may have the task.
func (a Acting) admit(s State, people ...domain.Person) error {
	for _, p := range people {
		switch {
		case slices.Contains(a.Recused, p):
			return ErrConflict
		case slices.Contains(a.Barred, p):
			return ErrFourEyes
		case p != s.Opened.Person && slices.Contains(s.Opened.Concerns, p):
			return ErrSelf
		}
	}
	return nil
}

// may tells whether the task may be theirs who act, or on whose behalf.
func (a Acting) may(s State) error {
	switch {
	case a.Self != a.Actor && a.Role != coordinator:
		return ErrNotYours
	case a.Self == a.Actor && !slices.Contains(s.Roles(), a.Role):
		return ErrRole.Because(s.Opened.Role)
	}
	return a.admit(s, a.Actor, a.Self)
}

// relieves tells whether who acts takes up what others have left undone.
func (a Acting) relieves(s State) bool {
	return s.Escalated && a.Self == a.Actor && a.Role == s.Opened.Plan.Escalate.To
}

// open tells whether a task is there, and open.
func (s State) open(id ID) error {
	switch {
	case s.Phase == None || s.Opened.Cycle != id.Cycle:
		return ErrUnknown
	case s.Phase != Waiting:
		return ErrOver.Because("it is " + string(s.Phase))
	}
	return nil
}

// Claim is task.claim.
type Claim struct {
	ID
	Acting
}

func (c Claim) Decide(s State, now time.Time) ([]Event, error) {
	if err := s.open(c.ID); err != nil {
		return nil, err
	}
	if s.Holder(now) == c.Self {
		return nil, nil
	}
	if err := c.may(s); err != nil {
		return nil, err
	}
	if s.Owner != "" && !c.relieves(s) {
		return nil, ErrTaken
	}
	return []Event{Claimed{s.Opened.Matter, c.Self}}, nil
}

// Delegate is task.delegate. Whose the task is may hand it on, and so may who
// runs the programme; who has it for a time hands it no further.
type Delegate struct {
	ID
	Acting
	To    domain.Person `json:"to"`
	From  time.Time     `json:"from,omitzero"`
	Until time.Time     `json:"until,omitzero"`
}

func (c Delegate) Decide(s State, now time.Time) ([]Event, error) {
	if err := s.open(c.ID); err != nil {
		return nil, err
	}
	from := c.From
	if from.IsZero() {
		from = now
	}
	switch l := s.Lent; {
	case s.Opened.Person != "" && s.Opened.Role != "reviewer":
		return nil, ErrPersonal
	case s.Owner == "":
		return nil, ErrUnclaimed
	case c.Role != coordinator && (c.Self != s.Owner || c.Self != c.Actor):
		return nil, ErrNotYours
	case !c.Until.IsZero() && (!c.Until.After(from) || !c.Until.After(now)):
		return nil, ErrPeriod
	case c.To == s.Owner && l.To == "", c.To == l.To && c.Until.Equal(l.Until) && (l.From.Equal(from) || c.From.IsZero() && !now.Before(l.From)):
		return nil, nil
	}
	if err := c.admit(s, c.Actor, c.To); err != nil {
		return nil, err
	}
	return []Event{Delegated{s.Opened.Matter, s.Owner, c.To, from.UTC(), c.Until.UTC(), s.Opened.Zone}}, nil
}

// Complete is task.complete.
type Complete struct {
	ID
	Acting
}

func (c Complete) Decide(s State, now time.Time) ([]Event, error) {
	if s.Phase == Done && s.Opened.Cycle == c.Cycle {
		return nil, nil
	}
	if err := s.open(c.ID); err != nil {
		return nil, err
	}
	if err := c.may(s); err != nil {
		return nil, err
	}
	if holder := s.Holder(now); holder != "" && holder != c.Self && !c.relieves(s) {
		return nil, ErrNotYours
	}
	return []Event{Completed{Matter: s.Opened.Matter, Person: c.Self}}, nil
}

// Following is embedded by what a policy does with a task when something
// happened. It may come back to what it answered before the task was opened.
type Following struct {
	Event string `json:"event"` // the event's name
	Cause string `json:"-" from:"causation"`

	Early bool `json:"-"` // looked up: it happened before the task was opened
}

// close decides how a task ends by what happened.
func (c Following) close(s State, e Event) ([]Event, error) {
	switch {
	case s.Phase == None:
		return nil, ErrUnknown
	case s.Phase != Waiting:
		return nil, nil
	case c.Early:
		return nil, ErrEarly
	}
	return []Event{e}, nil
}

// Fulfil is task.fulfil: a policy's command when an event says that a task is
// done, whoever had it.
type Fulfil struct {
	ID
	Following
}

func (c Fulfil) Decide(s State, _ time.Time) ([]Event, error) {
	return c.close(s, Completed{Matter: s.Opened.Matter, Event: c.Event})
}

// Reopen is task.reopen.
type Reopen struct {
	ID

	Over bool `json:"-"` // looked up: what it is about
}

func (c Reopen) Decide(s State, now time.Time) ([]Event, error) {
	switch {
	case s.Phase == None || s.Opened.Cycle != c.Cycle:
		return nil, ErrUnknown
	case s.Phase == Waiting:
		return nil, nil
	case c.Over || s.Phase == Dropped:
		return nil, ErrEnded
	}
	return []Event{Reopened{s.Opened.Matter, now, s.due(now), s.Opened.Zone}}, nil
}

// Withdraw is task.withdraw: a policy's command when what the task is about
// has ended.
type Withdraw struct {
	ID
	Following
}

func (c Withdraw) Decide(s State, _ time.Time) ([]Event, error) {
	return c.close(s, Withdrawn{s.Opened.Matter, c.Event})
}

// Release is task.release: a policy's command when somebody is recused who may
// have taken the task up, or have been handed it.
type Release struct {
	ID
	Person domain.Person `json:"person"`
}

func (c Release) Decide(s State, _ time.Time) ([]Event, error) {
	switch {
	case s.Phase == None:
		return nil, ErrUnknown
	case s.Phase != Waiting, s.Opened.Person == c.Person, s.Owner != c.Person && s.Lent.To != c.Person:
		return nil, nil
	}
	return []Event{Released{s.Opened.Matter, c.Person}}, nil
}

// Timed is embedded by what the clock does. The deadline that a task may
// follow is asked each time: it may have been moved since.
type Timed struct {
	Tzdata string `json:"-" from:"tzdata"`

	Deadline time.Time `json:"-"` // looked up; zero: there is none
}

// fire judges whether a rule of an open task is due at now.
func (c Timed) fire(s State, rule string, at, now time.Time) (domain.Timer, error) {
	return domain.Fire(rule, at, now, s.Opened.Calendar.Words(), c.Tzdata)
}

// Remind is task.remind. Of several reminders that a clock comes to late it
// gives the last.
type Remind struct {
	ID
	Timed
}

func (c Remind) Decide(s State, now time.Time) ([]Event, error) {
	if err := s.open(c.ID); err != nil {
		return nil, err
	}
	due := s.DueBy(c.Deadline)
	var last reminding
	for _, r := range s.reminders(due) {
		if !r.at.After(now) {
			last = r
		}
	}
	timer, err := c.fire(s, "task.remind", last.at, now)
	if err != nil {
		return nil, err
	}
	e := Reminded{
		Matter: s.Opened.Matter, Role: s.Opened.Role, Person: s.Holder(now), Due: due, Timer: timer, Text: s.Opened.Plan.Text, Zone: s.Opened.Zone,
		Before: last.before, Number: len(s.Reminded) + 1, AtMost: s.Opened.Plan.Remind.AtMost,
	}
	if s.Opened.Plan.DueFrom != "" {
		e.Deadline = c.Deadline
	}
	if n := len(s.Reminded); n > 0 && !s.Reminded[n-1].Due.Equal(due) {
		e.Was = s.Reminded[n-1].Due
	}
	return []Event{e}, nil
}

// Escalate is task.escalate.
type Escalate struct {
	ID
	Timed
}

func (c Escalate) Decide(s State, now time.Time) ([]Event, error) {
	if err := s.open(c.ID); err != nil {
		return nil, err
	}
	rule, due := s.Opened.Plan.Escalate, s.DueBy(c.Deadline)
	switch {
	case s.Escalated:
		return nil, nil
	case rule.To == "" || due.IsZero():
		return nil, domain.ErrNotDue
	}
	timer, err := c.fire(s, "task.escalate", s.after(rule.After, due), now)
	if err != nil {
		return nil, err
	}
	return []Event{Escalated{s.Opened.Matter, rule.To, due, timer}}, nil
}

// Expire is task.expire.
type Expire struct {
	ID
	Timed
}

func (c Expire) Decide(s State, now time.Time) ([]Event, error) {
	if s.Phase == Lapsed && s.Opened.Cycle == c.Cycle {
		return nil, nil
	}
	if err := s.open(c.ID); err != nil {
		return nil, err
	}
	due := s.DueBy(c.Deadline)
	at := s.expires(due)
	if at.IsZero() {
		return nil, domain.ErrNotDue
	}
	timer, err := c.fire(s, "task.expire", at, now)
	if err != nil {
		return nil, err
	}
	return []Event{Expired{s.Opened.Matter, due, timer}}, nil
}
