package application

import (
	"strings"
	"time"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/cycle"
	"github.com/daybook-engine/daybook/domain/when"
)

// The structs below are stored for ever. Add optional fields freely; for any
// other change, see package schema.

// DraftStarted is draft.started.
type DraftStarted struct {
	Cycle  string        `json:"cycle"`
	Call   string        `json:"call"`
	Person domain.Person `json:"person"`
}

// Received is application.received: the submission with the verdict on its
// time, which is never computed again.
type Received struct {
	Form         string        `json:"form"`
	Answers      []Answer      `json:"answers"`
	AnswersHash  domain.Digest `json:"answers_hash"` // over the form, the fields and the answers' commitments
	ReceivedAt   time.Time     `json:"received_at"`
	Deadline     when.Deadline `json:"deadline"` // in force then
	Late         bool          `json:"late,omitempty"`
	Permit       time.Time     `json:"permit,omitzero"` // until when this person was permitted, where it was late
	Route        string        `json:"route,omitempty"`
	Organisation string        `json:"organisation,omitempty"` // that puts the person forward
	ProofDue     time.Time     `json:"proof_due,omitzero"`
	Told         when.Told     `json:"told,omitzero"`      // of proof_due
	Calendar     string        `json:"calendar,omitempty"` // by which proof_due was counted
	Unsure       []int         `json:"unsure,omitempty"`   // years counted through that the calendar was not made for
}

// An Answer is one answer of the form; a ranked field has several, with rank
// 1 first.
type Answer struct {
	Field string         `json:"field"`
	Rank  int            `json:"rank,omitempty"`
	Text  domain.Private `json:"text"`
}

// SubmissionRefused is submission.refused: evidence in a complaint. It may be
// all there is of an application.
type SubmissionRefused struct {
	Cycle      string        `json:"cycle"`
	Call       string        `json:"call"`
	Person     domain.Person `json:"person"`
	Code       string        `json:"code"`
	ReceivedAt time.Time     `json:"received_at"`
	Deadline   when.Deadline `json:"deadline,omitzero"`
	Missing    []string      `json:"missing,omitempty"` // fields
}

// DraftExpired is draft.expired.
type DraftExpired struct {
	Timer  domain.Timer `json:"timer"`
	Unsure []int        `json:"unsure,omitempty"` // as for Received
}

// Withdrawn is application.withdrawn.
type Withdrawn struct{}

// Retracted is application.retracted: what there is of the application up to
// here was recorded by mistake, and never reached us.
type Retracted struct {
	Nonconformities []string `json:"nonconformities,omitempty"` // after_cycle_close
}

// Marks lists the nonconformities for the envelope.
func (e Retracted) Marks() []string { return e.Nonconformities }

// NominationReceived is nomination.received: the organisation confirmed.
type NominationReceived struct {
	Proof domain.Digest `json:"proof"`
}

// NominationLapsed is nomination.lapsed.
type NominationLapsed struct {
	Timer domain.Timer `json:"timer"`
}

// EligibilityConfirmed is eligibility.confirmed: every criterion is met.
type EligibilityConfirmed struct {
	Criteria []string `json:"criteria"`
}

// EligibilityFailed is eligibility.failed.
type EligibilityFailed struct {
	Failed []string `json:"failed"` // criteria
}

// Shortlisted is application.shortlisted.
type Shortlisted struct {
	Rationale domain.Private `json:"rationale"`
}

// PassedOver is application.passed_over: eligible, and not shortlisted.
type PassedOver struct {
	Rationale domain.Private `json:"rationale"`
}

// Selected is application.selected.
type Selected struct{ Decision }

// Reserved is application.reserved: promoted in order of rank when a place
// comes free.
type Reserved struct {
	Decision
	Rank int `json:"rank"`
}

// Declined is application.declined.
type Declined struct{ Decision }

// A Decision names what it rests on, so that it can be shown later what was
// decided upon.
type Decision struct {
	AnswersHash domain.Digest   `json:"answers_hash"`
	Reviews     []domain.Person `json:"reviews"` // the reviewers whose reviews were read
	Rationale   domain.Private  `json:"rationale"`
}

// OfferMade is offer.made: the person was told by when to answer.
type OfferMade struct {
	ReplyBy  time.Time `json:"reply_by"`
	Zone     string    `json:"zone"`
	Told     when.Told `json:"told,omitzero"`
	Calendar string    `json:"calendar,omitempty"`
	Unsure   []int     `json:"unsure,omitempty"` // as for Received
}

// OfferAccepted is offer.accepted.
type OfferAccepted struct{}

// OfferDeclined is offer.declined.
type OfferDeclined struct {
	Note domain.Private `json:"note"`
}

// OfferLapsed is offer.lapsed: nobody answered in time.
type OfferLapsed struct {
	Timer domain.Timer `json:"timer"`
}

// Refused is the answer that the submission got.
func (e SubmissionRefused) Refused() *domain.Error {
	switch e.Code {
	case ErrIncomplete.Code:
		return ErrIncomplete.Because("missing: " + strings.Join(e.Missing, ", "))
	case cycle.ErrClosed.Code:
		return cycle.ErrClosed
	}
	return ErrPassed.Because(e.Deadline.Words())
}
