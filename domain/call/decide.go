package call

import (
	"slices"
	"time"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/cycle"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/when"
)

var (
	ErrUnknown  = domain.Missing("call_unknown", "there is no such call in this cycle")
	ErrPast     = domain.Refuse("deadline_past", "a call opens before its deadline: where that has passed, say when it was opened")
	ErrFuture   = domain.Refuse("in_future", "what has not happened yet cannot be recorded")
	ErrOpen     = domain.Refuse("call_open", "this call is already open with another deadline; extend it instead")
	ErrClosed   = domain.Refuse("call_closed", "this call is closed")
	ErrNotOpen  = domain.Refuse("not_open", "this call is not open")
	ErrEarlier  = domain.Refuse("deadline_earlier", "an open call's deadline never moves earlier")
	ErrNoLonger = domain.Refuse("permit_not_later", "a permit lasts longer than the deadline, ends in the future, and is never shortened")
	ErrApplied  = domain.Refuse("applied_already", "this person has applied under this call already, and a permit does not let them apply again")
	ErrWhere    = domain.Wrong("where_missing", "say where the notice was published")
)

// Open is call.open.
type Open struct {
	ID
	Deadline when.Deadline `json:"deadline"`
	// OpenedAt says when it was opened, where that was before it is recorded: its
	// deadline may have passed since.
	OpenedAt time.Time `json:"opened_at,omitzero"`

	// Looked up: the call in the cycle's pinned definition, and whether the
	// cycle is closed.
	Plan *programme.Call `json:"-"`
	Over bool            `json:"-"`
}

// OccurredAt is when the call was opened.
func (c Open) OccurredAt() time.Time { return c.OpenedAt }

func (c Open) Decide(s State, now time.Time) ([]Event, error) {
	if c.Plan == nil {
		return nil, ErrUnknown.Because(c.Call)
	}
	opened := c.OpenedAt.UTC()
	if c.OpenedAt.IsZero() {
		opened = now
	}
	deadline, err := resolve(c.Deadline)
	switch {
	case err != nil:
		return nil, err
	case !s.opened.IsZero() && s.deadline == deadline:
		return nil, nil
	case !s.opened.IsZero():
		return nil, ErrOpen
	case c.Over:
		return nil, cycle.ErrClosed
	case opened.After(now):
		return nil, ErrFuture
	case !deadline.Met(opened):
		return nil, ErrPast
	}
	return []Event{Opened{c.Plan.Role, c.Plan.Form.Version, c.Plan.Keys(), deadline, opened}}, nil
}

// resolve is a deadline with its instant; why a check was set aside is a code.
func resolve(d when.Deadline) (when.Deadline, error) {
	if err := domain.CheckCode("override", d.Override); err != nil {
		return d, err
	}
	return d.Resolve()
}

// PublishNotice is notice.publish.
type PublishNotice struct {
	ID
	Where string `json:"where"`
	Text  string `json:"text"`

	Over bool `json:"-"` // looked up: the cycle is closed
}

func (c PublishNotice) Decide(s State, now time.Time) ([]Event, error) {
	switch {
	case c.Where == "":
		return nil, ErrWhere
	case s.opened.IsZero():
		return nil, ErrNotOpen
	case slices.Contains(s.notices, c.Where):
		return nil, nil
	case c.Over:
		return nil, cycle.ErrClosed
	case s.closed, !s.deadline.Met(now):
		return nil, ErrClosed // a stale notice must not outlive the call
	}
	return []Event{NoticePublished{c.Where, c.Text}}, nil
}

// ExtendDeadline is deadline.extend.
type ExtendDeadline struct {
	ID
	Deadline when.Deadline `json:"deadline"`
	Told     string        `json:"told,omitzero"`

	Over bool `json:"-"` // looked up: the cycle is closed
}

func (c ExtendDeadline) Decide(s State, now time.Time) ([]Event, error) {
	deadline, err := resolve(c.Deadline)
	switch {
	case err != nil:
		return nil, err
	case domain.CheckCode("told", c.Told) != nil:
		return nil, domain.CheckCode("told", c.Told)
	case s.opened.IsZero():
		return nil, ErrNotOpen
	case deadline == s.deadline:
		return nil, nil
	case c.Over:
		return nil, cycle.ErrClosed
	case deadline.Instant.Before(s.deadline.Instant),
		deadline.Instant.Equal(s.deadline.Instant) && deadline.Rule == when.Before && s.deadline.Rule == when.By:
		return nil, ErrEarlier
	case s.closed, !s.deadline.Met(now): // whether or not the clock has come to it
		return nil, ErrClosed
	}
	return []Event{DeadlineExtended{s.deadline, deadline, c.Told}}, nil
}

// GrantPermit is permit.grant: a late submission by one person, with the
// reason in the envelope and its particulars sealed.
type GrantPermit struct {
	ID
	Person   domain.Person  `json:"person"`
	Local    string         `json:"local"`
	Zone     string         `json:"zone"`
	Evidence domain.Digest  `json:"evidence,omitzero"`
	Note     domain.Private `json:"note,omitzero"`

	// Looked up.
	Over    bool `json:"-"` // the cycle is closed
	Applied bool `json:"-"` // they have applied already, whatever became of that
}

func (c GrantPermit) Decide(s State, now time.Time) ([]Event, error) {
	until, err := when.Local(c.Local, c.Zone)
	switch {
	case err != nil:
		return nil, err
	case domain.CheckDigest("evidence", c.Evidence) != nil:
		return nil, domain.CheckDigest("evidence", c.Evidence)
	case s.opened.IsZero():
		return nil, ErrNotOpen
	case s.Permit(c.Person).Equal(until):
		return nil, nil
	case c.Over:
		return nil, cycle.ErrClosed
	case c.Applied:
		return nil, ErrApplied
	case !until.After(s.deadline.Instant), !until.After(now), until.Before(s.Permit(c.Person)):
		return nil, ErrNoLonger
	}
	note := c.Note.About(domain.Special, domain.Programme, c.Person) // it may say why: an illness
	return []Event{PermitGranted{c.Person, until, c.Local, c.Zone, c.Evidence, note}}, nil
}

// Close is call.close: the clock's command at the deadline.
type Close struct {
	ID
	Tzdata string `json:"-" from:"tzdata"`
}

func (c Close) Decide(s State, now time.Time) ([]Event, error) {
	switch {
	case s.opened.IsZero():
		return nil, ErrNotOpen
	case s.closed:
		return nil, nil
	}
	timer, err := domain.Fire("call.close", s.deadline.Instant, now, "", c.Tzdata)
	if err != nil {
		return nil, err
	}
	return []Event{Closed{timer}}, nil
}
