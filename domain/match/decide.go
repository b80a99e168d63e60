package match

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/when"
)

var (
	ErrUnknown    = domain.Missing("match_unknown", "there is no such match")
	ErrExists     = domain.Refuse("match_exists", "there is already another match of this name")
	ErrSelf       = domain.Refuse("same_person", "nobody mentors themselves")
	ErrNoPlace    = domain.Refuse("no_place", "a mentee needs a filled place in this cycle")
	ErrOverride   = domain.Refuse("override_unexplained", "a run proposed another mentor for this mentee, or nobody; to override it takes a reason, in a few words or as a code such as mentee_asked")
	ErrMentor     = domain.Missing("mentor_unknown", "this person is in no pool of mentors")
	ErrSide       = domain.Wrong("side_unknown", "a match has two sides, mentee and mentor")
	ErrPhase      = domain.Refuse("wrong_phase", "this does not apply to the match as it stands")
	ErrNotBoth    = domain.Refuse("not_accepted", "a match is made when both sides have accepted")
	ErrVersion    = domain.Refuse("agreement_version", "this is not the version of the agreement that the match goes by")
	ErrAgreement  = domain.Refuse("no_agreement", "sessions are scheduled once the agreement is in force")
	ErrPlanFull   = domain.Refuse("plan_full", "the session plan has no room for another session")
	ErrMode       = domain.Refuse("mode_unplanned", "the session plan has no such mode")
	ErrSession    = domain.Wrong("session_number", "a session has a number, 1 or more")
	ErrScheduled  = domain.Refuse("session_exists", "a session of this number is already scheduled otherwise")
	ErrNoSession  = domain.Missing("session_unknown", "there is no such session")
	ErrSettled    = domain.Refuse("session_settled", "this session is no longer ahead")
	ErrHeld       = domain.Refuse("session_held", "this session is already recorded otherwise; correct the record instead")
	ErrWhich      = domain.Refuse("session_unnumbered", "this may be a session of this match that was planned: say the number of the one that was held")
	ErrTwice      = domain.Refuse("session_twice", "another session of this match is planned, or recorded, for the same time: record that one, or correct it")
	ErrRetracted  = domain.Refuse("session_retracted", "this record was retracted as a mistake; where the session was held, correct the record")
	ErrReflected  = domain.Refuse("session_reflected", "somebody has reflected on this session, so it was held; correct when and how long it was")
	ErrMinutes    = domain.Wrong("minutes_malformed", "a session lasts 1 minute to 24 hours")
	ErrBackdate   = domain.Deny("own_signed", "when somebody accepted, or signed on paper, is stated by whoever keys it in for them")
	ErrEarly      = domain.Refuse("before_match", "an agreement is not signed before the match was made")
	ErrFuture     = domain.Refuse("in_future", "what has not happened yet cannot be recorded")
	ErrReflection = domain.Wrong("reflection_kind", "a reflection is on a session or final")
	ErrEmpty      = domain.Refuse("reflection_empty", "a reflection has words")
	ErrCustody    = domain.Wrong("author_keeps", "by this programme the words of a reflection stay with their author: their SHA-256 is filed, and how many they are, and not the text")
	ErrSealed     = domain.Wrong("text_sealed", "by this programme a reflection is filed by its text, which is sealed")
	ErrSHA256     = domain.Wrong("sha256_malformed", "a SHA-256 is 64 hexadecimal digits, as sha256sum writes it; with it goes the number of words, 1 or more")
	ErrFiled      = domain.Refuse("reflection_filed", "this reflection is already filed")
	ErrIncomplete = domain.Refuse("completion_unmet", "the completion rule is not met")
	ErrMet        = domain.Refuse("completion_met", "the completion rule is met; there is nothing to waive")
	ErrCycleOver  = domain.Refuse("cycle_closed", "this cycle is closed")
)

func wrongPhase(s State) error {
	if s.phase == None {
		return ErrUnknown
	}
	return ErrPhase.Because("it is " + string(s.phase))
}

// Acting is embedded by what one side does for itself; the side is the
// actor's role where it isn't said.
type Acting struct {
	Side string `json:"side" from:"role"`
}

// ActsFor is the side whose doing the command is.
func (a Acting) ActsFor() string { return a.Side }

var sides = []string{Mentee, Mentor}

func (Acting) OneOf() map[string][]string { return map[string][]string{"side": sides} }

func checkSide(side string) error {
	if !slices.Contains(sides, side) {
		return ErrSide
	}
	return nil
}

// Propose is match.propose.
type Propose struct {
	ID
	Pair
	Previous  string         `json:"previous,omitzero"`
	Rationale domain.Private `json:"rationale,omitzero"`
	Proposed  time.Time      `json:"proposed,omitzero"` // when that was before now

	// Looked up.
	Placed    bool          `json:"-"`
	Joined    bool          `json:"-"`
	Over      bool          `json:"-"` // the cycle is closed
	Terms     Terms         `json:"-"`
	Run       string        `json:"-"` // the run of the matching that the mentee last took part in, if any
	Suggested domain.Person `json:"-"` // whom it proposed

	Reason string `json:"-" from:"reason"`
}

// OccurredAt is when it was proposed, where that is said.
func (c Propose) OccurredAt() time.Time { return c.Proposed }

func (c Propose) Decide(s State, now time.Time) ([]Event, error) {
	switch {
	case s.phase != None && !s.phase.Over() && s.pair == c.Pair:
		return nil, nil
	case s.phase != None:
		return nil, ErrExists
	case c.Previous != "" && domain.CheckSlug("previous", c.Previous) != nil:
		return nil, domain.CheckSlug("previous", c.Previous)
	case c.Mentee == c.Mentor:
		return nil, ErrSelf
	case c.Over:
		return nil, ErrCycleOver
	case !c.Placed:
		return nil, ErrNoPlace
	case !c.Joined:
		return nil, ErrMentor
	case c.Proposed.After(now):
		return nil, ErrFuture
	}
	override := c.Run != "" && c.Suggested != c.Mentor
	if override && c.Reason == "" {
		return nil, ErrOverride.Because("run " + c.Run + ": " + cmp.Or(string(c.Suggested), "nobody"))
	}
	rationale := c.Rationale.About(domain.Personal, domain.Programme, c.Mentee, c.Mentor)
	return []Event{Proposed{c.Pair, c.Previous, rationale, c.Terms, c.Run, override}}, nil
}

// Accept is match.accept.
type Accept struct {
	ID
	Acting
	Accepted time.Time `json:"accepted,omitzero"` // when that was before now, by letter or by telephone

	Actor domain.Person `json:"-" from:"actor"`
}

// OccurredAt is when it was accepted, where that is said.
func (c Accept) OccurredAt() time.Time { return c.Accepted }

func (c Accept) Decide(s State, now time.Time) ([]Event, error) {
	switch {
	case checkSide(c.Side) != nil:
		return nil, ErrSide
	case slices.Contains(s.accepted, c.Side):
		return nil, nil
	case s.phase != Proposal:
		return nil, wrongPhase(s)
	case !c.Accepted.IsZero() && c.Actor == s.Party(c.Side):
		return nil, ErrBackdate
	case c.Accepted.After(now):
		return nil, ErrFuture
	}
	return []Event{Accepted{c.Side, len(s.accepted) == 1, c.Accepted.UTC()}}, nil
}

// Decline is match.decline.
type Decline struct {
	ID
	Acting
	Note domain.Private `json:"note,omitzero"`
}

func (c Decline) Decide(s State, _ time.Time) ([]Event, error) {
	switch {
	case checkSide(c.Side) != nil:
		return nil, ErrSide
	case s.phase == Off:
		return nil, nil
	case s.phase != Proposal:
		return nil, wrongPhase(s)
	}
	return []Event{Declined{c.Side, c.Note.About(domain.Personal, domain.Programme, s.Party(c.Side))}}, nil
}

// Make is match.make: a policy's command when the mentor's room was taken.
type Make struct {
	ID

	// Looked up: the mentor had no room when both had accepted.
	Waited bool `json:"-"`
}

func (c Make) Decide(s State, now time.Time) ([]Event, error) {
	switch {
	case s.phase == Active:
		return nil, nil
	case s.phase != Proposal:
		return nil, wrongPhase(s)
	case len(s.accepted) < 2:
		return nil, ErrNotBoth
	}
	// Nobody can be late with what was asked of them before anybody knew of it.
	due, err := s.terms.FirstContact.From(now, s.terms.Zone, s.terms.Calendar)
	if err != nil {
		return nil, err
	}
	unsure := s.terms.FirstContact.Unsure(now, due, s.terms.Zone, s.terms.Calendar)
	made := s.agreed(now)
	if c.Waited {
		made = now
	}
	events := []Event{Made{s.pair, s.previous, made, due.UTC(), when.Tell(due, s.terms.Zone), s.terms.Calendar.Words(), unsure}}
	if len(s.signed) == 2 {
		events = append(events, AgreementInForce{s.terms.Agreement, s.signedAt})
	}
	return events, nil
}

// Unwind is match.unwind.
type Unwind struct {
	ID
	NoFault bool           `json:"no_fault,omitzero"`
	Note    domain.Private `json:"note,omitzero"`
}

func (c Unwind) Decide(s State, now time.Time) ([]Event, error) {
	switch s.phase {
	case Unwinding:
		return nil, nil
	case Active:
		return []Event{Unwound{c.NoFault, c.Note.About(domain.Special, domain.Programme, s.Subjects()...), now}}, nil
	}
	return nil, wrongPhase(s)
}

// End is match.end: earlier than planned.
type End struct {
	ID
	Note domain.Private `json:"note,omitzero"`
}

func (c End) Decide(s State, now time.Time) ([]Event, error) {
	switch s.phase {
	case EndedEarly:
		return nil, nil
	case Active:
		return []Event{Ended{c.Note.About(domain.Special, domain.Programme, s.Subjects()...), now}}, nil
	}
	return nil, wrongPhase(s)
}

// SignAgreement is agreement.sign.
type SignAgreement struct {
	ID
	Acting
	Version string    `json:"version"`
	Signed  time.Time `json:"signed,omitzero"` // when that was before now, on paper

	Actor domain.Person `json:"-" from:"actor"`
}

// OccurredAt is when it was signed, where that is said.
func (c SignAgreement) OccurredAt() time.Time { return c.Signed }

func (c SignAgreement) Decide(s State, now time.Time) ([]Event, error) {
	signed := c.Signed.UTC()
	if c.Signed.IsZero() {
		signed = now
	}
	switch {
	case checkSide(c.Side) != nil:
		return nil, ErrSide
	case s.phase != None && c.Version != s.terms.Agreement:
		return nil, ErrVersion.Because(fmt.Sprintf("it goes by version %s, not %s", s.terms.Agreement, c.Version))
	case slices.Contains(s.signed, c.Side):
		return nil, nil
	case s.phase != Active && (s.phase != Proposal || len(s.accepted) < 2): // what both accepted is made when the mentor has room
		return nil, wrongPhase(s)
	case !c.Signed.IsZero() && c.Actor == s.Party(c.Side):
		return nil, ErrBackdate
	case signed.After(now):
		return nil, ErrFuture
	case signed.Before(s.agreed(now)):
		return nil, ErrEarly
	}
	events := []Event{AgreementSigned{c.Side, c.Version, s.terms.Clauses, signed}}
	if s = s.Apply(events[0]); len(s.signed) == 2 && s.phase == Active {
		events = append(events, AgreementInForce{c.Version, s.signedAt})
	}
	return events, nil
}

// MakeContact is contact.make.
type MakeContact struct {
	ID
	Acting
}

func (c MakeContact) Decide(s State, _ time.Time) ([]Event, error) {
	switch {
	case checkSide(c.Side) != nil:
		return nil, ErrSide
	case s.contacted:
		return nil, nil
	case s.phase != Active:
		return nil, wrongPhase(s)
	}
	return []Event{ContactMade{c.Side}}, nil
}

// MarkContactOverdue is contact.mark_overdue: the clock's command.
type MarkContactOverdue struct {
	ID
	Tzdata string `json:"-" from:"tzdata"`
}

func (c MarkContactOverdue) Decide(s State, now time.Time) ([]Event, error) {
	if s.ContactDue().IsZero() {
		return nil, nil
	}
	timer, err := domain.Fire("contact.mark_overdue", s.contactDue, now, s.calendar, c.Tzdata)
	if err != nil {
		return nil, err
	}
	return []Event{ContactOverdue{timer}}, nil
}

// At is the time of a session as people say it: local, with its zone.
type At struct {
	Local string `json:"local"`
	Zone  string `json:"zone"`
	Mode  string `json:"mode"`
}

func (a At) slot() (Slot, error) {
	start, err := when.Local(a.Local, a.Zone)
	return Slot{a.Local, a.Zone, start.UTC(), a.Mode}, err
}

// ScheduleSession is session.schedule.
type ScheduleSession struct {
	ID
	Session int `json:"session"`
	At
}

func (c ScheduleSession) Decide(s State, _ time.Time) ([]Event, error) {
	slot, err := c.slot()
	x, known := s.session(c.Session)
	switch {
	case err != nil:
		return nil, err
	case c.Session < 1:
		return nil, ErrSession
	case known && x.status == "scheduled" && x.slot == slot:
		return nil, nil
	case known:
		return nil, ErrScheduled
	case s.phase != Active:
		return nil, wrongPhase(s)
	case s.inForce.IsZero():
		return nil, ErrAgreement
	case !slices.Contains(s.terms.Sessions.Modes, c.Mode):
		return nil, ErrMode.Because(c.Mode)
	case s.once(c.Session, slot.Start) != nil:
		return nil, s.once(c.Session, slot.Start)
	case s.planned() >= s.terms.Sessions.Max:
		return nil, ErrPlanFull.Because(fmt.Sprintf("%d of %d", s.planned(), s.terms.Sessions.Max))
	}
	return []Event{SessionScheduled{c.Session, slot}}, nil
}

// RescheduleSession is session.reschedule.
type RescheduleSession struct {
	ID
	Session int `json:"session"`
	At
}

func (c RescheduleSession) Decide(s State, _ time.Time) ([]Event, error) {
	slot, err := c.slot()
	x, known := s.session(c.Session)
	switch {
	case err != nil:
		return nil, err
	case !known:
		return nil, ErrNoSession
	case x.status == "scheduled" && x.slot == slot:
		return nil, nil
	case x.status != "scheduled" || s.phase != Active:
		return nil, ErrSettled
	case !slices.Contains(s.terms.Sessions.Modes, c.Mode):
		return nil, ErrMode.Because(c.Mode)
	case s.once(c.Session, slot.Start) != nil:
		return nil, s.once(c.Session, slot.Start)
	}
	return []Event{SessionRescheduled{c.Session, x.slot, slot, x.sequence + 1}}, nil
}

// CancelSession is session.cancel.
type CancelSession struct {
	ID
	Session int `json:"session"`
}

func (c CancelSession) Decide(s State, _ time.Time) ([]Event, error) {
	x, known := s.session(c.Session)
	switch {
	case !known:
		return nil, ErrNoSession
	case x.status == "cancelled":
		return nil, nil
	case !x.ahead():
		return nil, ErrSettled
	}
	return []Event{SessionCancelled{c.Session}}, nil
}

// MissSession is session.miss.
type MissSession struct {
	ID
	Session int    `json:"session"`
	Side    string `json:"side"`
	Notice  bool   `json:"notice,omitzero"`
}

func (MissSession) OneOf() map[string][]string { return map[string][]string{"side": sides} }

func (c MissSession) Decide(s State, now time.Time) ([]Event, error) {
	x, known := s.session(c.Session)
	switch {
	case checkSide(c.Side) != nil:
		return nil, ErrSide
	case !known:
		return nil, ErrNoSession
	case x.status == "missed":
		return nil, nil
	case !x.ahead():
		return nil, ErrSettled
	case x.slot.Start.After(now) && !c.Notice:
		return nil, ErrFuture
	}
	return []Event{SessionMissed{c.Session, c.Side, c.Notice}}, nil
}

// HoldSession is session.hold: the record of a session, whatever the plan
// says. Without a number it is of the session that has this time, or a new one.
type HoldSession struct {
	ID
	Session int `json:"session,omitzero"`
	At
	Minutes int `json:"minutes"`

	// Looked up: the cycle is closed.
	Over bool `json:"-"`
}

// OccurredAt is when the session began.
func (c HoldSession) OccurredAt() time.Time {
	slot, _ := c.slot() // malformed: Decide refuses it
	return slot.Start
}

// record is the event for what was held, marked by the terms.
func (c HoldSession) record(s State, now time.Time) (SessionHeld, error) {
	slot, err := c.slot()
	switch {
	case err != nil:
		return SessionHeld{}, err
	case c.Session < 1:
		return SessionHeld{}, ErrSession
	case domain.CheckCode("mode", c.Mode) != nil:
		return SessionHeld{}, domain.CheckCode("mode", c.Mode)
	case c.Minutes < 1 || c.Minutes > 24*60:
		return SessionHeld{}, ErrMinutes
	case s.phase == None:
		return SessionHeld{}, ErrUnknown
	case slot.Start.Add(time.Duration(c.Minutes) * time.Minute).After(now):
		return SessionHeld{}, ErrFuture
	}
	e := SessionHeld{Session: c.Session, Slot: slot, Minutes: c.Minutes, ReflectionsDue: s.terms.Reflections.Session}
	plan, others := s.terms.Sessions, 0
	for _, x := range s.sessions {
		if x.status == "held" && x.n != c.Session {
			others++
		}
	}
	mark := func(not bool, code string) {
		if not {
			e.Nonconformities = append(e.Nonconformities, code)
		}
	}
	// What stood around the session when it was first recorded: correcting
	// the record takes no such mark away and adds none.
	was, recorded := s.session(c.Session)
	around := func(not bool, code string) {
		if recorded && was.recorded() {
			not = slices.Contains(was.held.Nonconformities, code)
		}
		mark(not, code)
	}
	mark(s.inForce.IsZero() || slot.Start.Before(s.inForce), "before_agreement")
	mark(c.Minutes < plan.MinMinutes, "under_min_duration")
	mark(c.Minutes > plan.MaxMinutes, "over_max_duration")
	around(others >= plan.Max, "over_max_sessions")
	mark(!slices.Contains(plan.Modes, c.Mode), "outside_plan_mode")
	mark(!s.ended.IsZero() && slot.Start.After(s.ended), "after_match_end")
	around(s.phase.Unmade(), "not_active")
	around(c.Over, "after_cycle_close")
	return e, nil
}

func (c HoldSession) Decide(s State, now time.Time) ([]Event, error) {
	if c.Session == 0 {
		c.Session = s.Next() // until it is found: what is malformed is told first
		e, err := c.record(s, now)
		if err != nil {
			return nil, err
		}
		if c.Session, err = s.number(e.Start, now); err != nil {
			return nil, err
		}
	}
	e, err := c.record(s, now)
	if err != nil {
		return nil, err
	}
	switch x, _ := s.session(c.Session); {
	case x.status == "held":
		if x.held.Start.Equal(e.Start) && x.held.Mode == e.Mode && x.held.Minutes == e.Minutes { // in whatever zone
			return nil, nil
		}
		return nil, ErrHeld
	case x.recorded():
		return nil, ErrRetracted
	}
	if err := s.once(c.Session, e.Start); err != nil {
		return nil, err
	}
	return []Event{e}, nil
}

// CorrectSession is session.correct: the whole record as it should have been. Of
// 0 minutes, it takes the record back: there was no such session.
type CorrectSession struct{ HoldSession }

// Corrects tells whether an event is the record that is corrected, or an
// earlier correction of it.
func (c CorrectSession) Corrects(event any) bool {
	switch event.(type) {
	case SessionHeld, SessionCorrected, SessionRetracted:
		return SessionOf(event) == c.Session
	}
	return false
}

func (c CorrectSession) Decide(s State, now time.Time) ([]Event, error) {
	x, _ := s.session(c.Session)
	switch {
	case !x.recorded():
		return nil, ErrNoSession
	case c.Minutes == 0:
		return x.retract(s, c.Over)
	}
	e, err := c.record(s, now)
	switch {
	case err != nil:
		return nil, err
	case x.status == "held" && x.held.Slot == e.Slot && x.held.Minutes == e.Minutes && slices.Equal(x.held.Nonconformities, e.Nonconformities):
		return nil, nil
	}
	if err := s.once(c.Session, e.Start); err != nil {
		return nil, err
	}
	return []Event{SessionCorrected(e)}, nil
}

// retract takes the record of a session back, whole.
func (x session) retract(s State, over bool) ([]Event, error) {
	switch {
	case x.status != "held":
		return nil, nil
	case s.Reflected(x.n):
		return nil, ErrReflected
	}
	e := SessionRetracted{Session: x.n, Slot: x.held.Slot}
	if s.phase == Complete {
		e.Nonconformities = append(e.Nonconformities, "after_completion")
	}
	if over {
		e.Nonconformities = append(e.Nonconformities, "after_cycle_close")
	}
	return []Event{e}, nil
}

// FileReflection is reflection.file. What is filed in confidence stays
// between the pair, or with its author: then the text never comes here, and no
// copy of anything has it. Whoever wrote it can still prove what it was.
type FileReflection struct {
	ID
	Acting
	Kind    string         `json:"kind"`
	Session int            `json:"session,omitzero"`
	Text    domain.Private `json:"text,omitzero"`
	SHA256  string         `json:"sha256,omitzero"`
	Words   int            `json:"words,omitzero"`
}

var reflections = []string{"session", "final"}

func (FileReflection) OneOf() map[string][]string {
	return map[string][]string{"kind": reflections}
}

func (c FileReflection) Decide(s State, _ time.Time) ([]Event, error) {
	x, known := s.session(c.Session)
	switch {
	case checkSide(c.Side) != nil:
		return nil, ErrSide
	case !slices.Contains(reflections, c.Kind), c.Kind == "final" && c.Session != 0:
		return nil, ErrReflection
	case s.phase == None:
		return nil, ErrUnknown
	case c.Kind == "session" && (!known || x.status != "held"):
		return nil, ErrNoSession
	case s.hasFiled(c.Side, c.Kind, c.Session):
		return nil, ErrFiled
	case s.terms.Reflections.Custody == programme.ByAuthor:
		return c.kept()
	case c.SHA256 != "" || c.Words != 0:
		return nil, ErrSealed
	case strings.TrimSpace(c.Text.Text) == "":
		return nil, ErrEmpty
	}
	text := c.Text.About(domain.Personal, domain.Pair, s.Party(c.Side))
	return []Event{ReflectionFiled{Side: c.Side, Kind: c.Kind, Session: c.Session, Words: len(strings.Fields(c.Text.Text)), Text: text}}, nil
}

// kept is what is filed of a text that stays with its author.
func (c FileReflection) kept() ([]Event, error) {
	sum := strings.ToLower(c.SHA256)
	switch {
	case c.Text.Text != "":
		return nil, ErrCustody
	case len(sum) != 64 || strings.Trim(sum, "0123456789abcdef") != "" || c.Words < 1:
		return nil, ErrSHA256
	}
	return []Event{ReflectionFiled{Side: c.Side, Kind: c.Kind, Session: c.Session, Words: c.Words, SHA256: sum}}, nil
}

// An Evidence is what completion rests on that is not in the match.
type Evidence struct {
	// Looked up: where the two have been.
	Attended []Attended `json:"-"`
}

// Unmet says in words which attendance a completion rule still wants.
func (e Evidence) Unmet(rule programme.Completion) (list []string) {
	for _, a := range rule.Attendance {
		for _, side := range a.For {
			if n := len(e.of(side, a.Stage)); n < a.AtLeast {
				list = append(list, fmt.Sprintf("the %s was at %d of %d gatherings of %s", side, n, a.AtLeast, strings.ReplaceAll(a.Stage, "_", " ")))
			}
		}
	}
	return list
}

func (e Evidence) of(side, stage string) (list []Attended) {
	for _, a := range e.Attended {
		if a.Side == side && a.Stage == stage {
			list = append(list, a)
		}
	}
	return list
}

// unmet says in words what the completion rule still wants; empty when it is
// met.
func (s State) unmet(e Evidence) string {
	rule := s.terms.Completion
	var list []string
	if n := len(s.conforming()); n < rule.ConformingSessions {
		list = append(list, fmt.Sprintf("%d of %d conforming sessions", n, rule.ConformingSessions))
	}
	for _, side := range rule.FinalReflections {
		if !s.hasFiled(side, "final", 0) {
			list = append(list, "no final reflection by the "+side)
		}
	}
	return strings.Join(append(list, e.Unmet(rule)...), ", ")
}

func (s State) completed(basis string, x Evidence, now time.Time) Completed {
	e := Completed{Basis: basis, Rule: s.terms.Completion.Version, Sessions: s.conforming(), At: now}
	for _, side := range s.terms.Completion.FinalReflections {
		if s.hasFiled(side, "final", 0) {
			e.Finals = append(e.Finals, side)
		}
	}
	for _, a := range s.terms.Completion.Attendance {
		for _, side := range a.For {
			e.Attended = append(e.Attended, x.of(side, a.Stage)...)
		}
	}
	return e
}

// CompleteMatch is match.complete: by the rule, from the evidence it lists.
// The clock may not issue it.
type CompleteMatch struct {
	ID
	Evidence
}

func (c CompleteMatch) Decide(s State, now time.Time) ([]Event, error) {
	switch {
	case s.phase == Complete:
		return nil, nil
	case s.phase != Active:
		return nil, wrongPhase(s)
	case s.unmet(c.Evidence) != "":
		return nil, ErrIncomplete.Because(s.unmet(c.Evidence))
	}
	return []Event{s.completed("rule", c.Evidence, now)}, nil
}

// WaiveCompletion is completion.waive: complete although the rule is not met.
// The envelope names the authority.
type WaiveCompletion struct {
	ID
	Evidence
	Note domain.Private `json:"note,omitzero"`
}

func (c WaiveCompletion) Decide(s State, now time.Time) ([]Event, error) {
	switch {
	case s.phase == Complete:
		return nil, nil
	case s.phase != Active:
		return nil, wrongPhase(s)
	case s.unmet(c.Evidence) == "":
		return nil, ErrMet
	}
	note := c.Note.About(domain.Personal, domain.Programme, s.Subjects()...)
	return []Event{CompletionWaived{s.terms.Completion.Version, s.unmet(c.Evidence), note}, s.completed("waiver", c.Evidence, now)}, nil
}
