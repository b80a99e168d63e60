package match

import (
	"time"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/when"
)

// The structs below are stored for ever. Add optional fields freely; for any
// other change, see package schema.

// Pair is who is matched.
type Pair struct {
	Mentee domain.Person `json:"mentee"`
	Mentor domain.Person `json:"mentor"`
}

// Proposed is match.proposed. The terms are those of the cycle's definition,
// kept here so that the match is judged by them to its end.
type Proposed struct {
	Pair
	Previous  string         `json:"previous,omitempty"` // the match that this one replaces
	Rationale domain.Private `json:"rationale"`
	Terms     Terms          `json:"terms"`
	Run       string         `json:"run,omitempty"`      // of the matching that the mentee last took part in
	Override  bool           `json:"override,omitempty"` // that run proposed another mentor, or nobody; the envelope has the reason
}

// Terms is what the programme expects of a match.
type Terms struct {
	Sessions     programme.Sessions   `json:"sessions"`
	Reflections  programme.Reflection `json:"reflections"`
	Completion   programme.Completion `json:"completion"`
	Agreement    string               `json:"agreement"` // version
	Clauses      domain.Digest        `json:"clauses"`   // hash of the agreement's words
	FirstContact when.Offset          `json:"first_contact"`
	Zone         string               `json:"zone"`
	Calendar     when.Calendar        `json:"calendar"`
}

// Accepted is match.accepted by one side; Both when the other had already.
type Accepted struct {
	Side string    `json:"side"`
	Both bool      `json:"both,omitempty"`
	At   time.Time `json:"at,omitzero"` // before it was recorded, where that was said
}

// Declined is match.declined by one side.
type Declined struct {
	Side string         `json:"side"`
	Note domain.Private `json:"note"`
}

// Made is match.made: both accepted and the mentor has room.
type Made struct {
	Pair
	Previous   string    `json:"previous,omitempty"`
	Made       time.Time `json:"made"` // when it was recorded that both had accepted, or when they did where both said so
	ContactDue time.Time `json:"contact_due"`
	Told       when.Told `json:"told,omitzero"` // of contact_due
	Calendar   string    `json:"calendar,omitempty"`
	Unsure     []int     `json:"unsure,omitempty"` // years counted through that the calendar was not made for
}

// OccurredAt is when it was made.
func (e Made) OccurredAt() time.Time { return e.Made }

// Unwound is match.unwound: it did not work, which may be nobody's fault. The
// envelope's reason is a code; what it was about is sealed.
type Unwound struct {
	NoFault bool           `json:"no_fault,omitempty"`
	Note    domain.Private `json:"note"`
	At      time.Time      `json:"at,omitzero"` // zero in a log from before this was said
}

// AgreementSigned is agreement.signed by one side.
type AgreementSigned struct {
	Side    string        `json:"side"`
	Version string        `json:"version"`
	Clauses domain.Digest `json:"clauses"`
	Signed  time.Time     `json:"signed"` // on paper, perhaps, before it was recorded
}

// AgreementInForce is agreement.in_force: both signed the same version.
type AgreementInForce struct {
	Version string    `json:"version"`
	From    time.Time `json:"from"` // when the later of the two signed
}

// OccurredAt is when the later of the two signed.
func (e AgreementInForce) OccurredAt() time.Time { return e.From }

// ContactMade is contact.made: one side, mostly the mentee, wrote to the
// other.
type ContactMade struct {
	Side string `json:"side"`
}

// ContactOverdue is contact.overdue.
type ContactOverdue struct {
	Timer domain.Timer `json:"timer"`
}

// Slot is when a session is to be held.
type Slot struct {
	Local string    `json:"local"`
	Zone  string    `json:"zone"`
	Start time.Time `json:"start"`
	Mode  string    `json:"mode"`
}

// SessionScheduled is session.scheduled.
type SessionScheduled struct {
	Session int `json:"session"`
	Slot
}

// SessionRescheduled is session.rescheduled. Sequence counts the changes, as
// calendar files do (RFC 5545 §3.8.7.4).
type SessionRescheduled struct {
	Session  int  `json:"session"`
	Was      Slot `json:"was"`
	Now      Slot `json:"now"`
	Sequence int  `json:"sequence"`
}

// SessionCancelled is session.cancelled.
type SessionCancelled struct {
	Session int `json:"session"`
}

// SessionMissed is session.missed.
type SessionMissed struct {
	Session int    `json:"session"`
	Side    string `json:"side"`             // who did not come
	Notice  bool   `json:"notice,omitempty"` // and said so before
}

// SessionHeld is session.held.
type SessionHeld struct {
	Session int `json:"session"`
	Slot
	Minutes int `json:"minutes"`
	// In which ways it does not conform to the terms: before_agreement,
	// under_min_duration, over_max_duration, over_max_sessions,
	// outside_plan_mode, after_match_end, after_cycle_close, not_active.
	Nonconformities []string `json:"nonconformities,omitempty"`
	ReflectionsDue  []string `json:"reflections_due,omitempty"` // sides
}

// SessionCorrected is session.corrected: the record as it should have been,
// whole; it stands in the place of the session.held of the same number.
type SessionCorrected SessionHeld

// SessionRetracted is session.retracted: the record of a session that was held
// then was a mistake.
type SessionRetracted struct {
	Session int `json:"session"`
	Slot
	Nonconformities []string `json:"nonconformities,omitempty"` // after_completion: the match was completed with it; after_cycle_close
}

// OccurredAt is when the session was recorded to have begun: it never was.
func (e SessionRetracted) OccurredAt() time.Time { return e.Start }

// SessionOf is the number of the session that an event is about; 0 for none.
func SessionOf(event any) int {
	switch e := event.(type) {
	case SessionScheduled:
		return e.Session
	case SessionRescheduled:
		return e.Session
	case SessionCancelled:
		return e.Session
	case SessionMissed:
		return e.Session
	case SessionHeld:
		return e.Session
	case SessionCorrected:
		return e.Session
	case SessionRetracted:
		return e.Session
	case ReflectionFiled:
		return e.Session
	}
	return 0
}

// ReflectionFiled is reflection.filed.
type ReflectionFiled struct {
	Side    string         `json:"side"`
	Kind    string         `json:"kind"` // session, final
	Session int            `json:"session,omitempty"`
	Words   int            `json:"words"`
	Text    domain.Private `json:"text,omitzero"`
	SHA256  string         `json:"sha256,omitempty"` // instead, where the words stay with their author: of what is kept there
}

// Completed is match.completed: by the rule from the sessions and final
// reflections listed, or by a waiver.
type Completed struct {
	Basis    string     `json:"basis"` // rule, waiver
	Rule     string     `json:"rule"`  // the completion rule's version
	Sessions []int      `json:"sessions,omitempty"`
	Finals   []string   `json:"finals,omitempty"` // sides
	Attended []Attended `json:"attended,omitempty"`
	At       time.Time  `json:"at,omitzero"` // as for Unwound
}

// Attended is a gathering at which a side was.
type Attended struct {
	Side      string `json:"side"`
	Stage     string `json:"stage"`
	Gathering string `json:"gathering"`
}

// CompletionWaived is completion.waived: the rule was not met, and somebody
// with the authority let it pass.
type CompletionWaived struct {
	Rule  string         `json:"rule"`
	Unmet string         `json:"unmet"`
	Note  domain.Private `json:"note"`
}

// Ended is match.ended: early, neither completed nor unwound.
type Ended struct {
	Note domain.Private `json:"note"`
	At   time.Time      `json:"at,omitzero"` // as for Unwound
}

// Marks lists the nonconformities for the envelope.
func (e SessionHeld) Marks() []string      { return e.Nonconformities }
func (e SessionCorrected) Marks() []string { return e.Nonconformities }
func (e SessionRetracted) Marks() []string { return e.Nonconformities }
