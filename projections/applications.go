package projections

import (
	"context"
	_ "embed"
	"slices"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/allocation"
	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/domain/call"
	"github.com/daybook-engine/daybook/domain/review"
	"github.com/daybook-engine/daybook/domain/when"
)

// An Application is one person's file under one call.
type Application struct {
	Key    string            `json:"key"`
	Cycle  string            `json:"cycle"`
	Call   string            `json:"call"`
	Person domain.Person     `json:"person"`
	Phase  application.Phase `json:"phase"`

	StartedAt   time.Time     `json:"started_at,omitzero"`
	ExpiredAt   time.Time     `json:"expired_at,omitzero"`
	Form        string        `json:"form,omitempty"`
	Answers     []Answer      `json:"answers,omitempty"`
	AnswersHash domain.Digest `json:"answers_hash,omitempty"`
	ReceivedAt  time.Time     `json:"received_at,omitzero"`
	Deadline    when.Deadline `json:"deadline,omitzero"` // in force when it was received
	Late        bool          `json:"late,omitempty"`
	Permit      time.Time     `json:"permit,omitzero"` // until when this person was permitted
	Refusals    []Refusal     `json:"refusals,omitempty"`
	WithdrawnAt time.Time     `json:"withdrawn_at,omitzero"`
	RetractedAt time.Time     `json:"retracted_at,omitzero"` // when that was said

	Nomination  Nomination  `json:"nomination,omitzero"`
	Eligibility Eligibility `json:"eligibility,omitzero"`
	Reviews     []Review    `json:"reviews,omitempty"`
	Decisions   []Decision  `json:"decisions,omitempty"` // shortlisting, then selection
	Offer       Offer       `json:"offer,omitzero"`
	Released    time.Time   `json:"released,omitzero"` // told that no place came free

	Next []Item `json:"-"` // what falls due by the clock; filled in by Views.Application
}

// State is what has become of the application: its phase, or that it waits in
// reserve no more, which its own stream doesn't say.
func (a Application) State() string {
	if a.Phase == application.InReserve && !a.Released.IsZero() {
		return "reserve released"
	}
	return string(a.Phase)
}

// An Answer is one answer of the form; its words are in the vault.
type Answer struct {
	Field string         `json:"field"`
	Rank  int            `json:"rank,omitempty"`
	Text  domain.Private `json:"text"`
}

// A Refusal is an attempt to submit that was refused.
type Refusal struct {
	Code       string        `json:"code"`
	ReceivedAt time.Time     `json:"received_at"`
	Deadline   when.Deadline `json:"deadline,omitzero"`
	Missing    []string      `json:"missing,omitempty"`
	At         time.Time     `json:"at"`
}

// A Nomination is by which way and whom somebody was put forward.
type Nomination struct {
	Route        string        `json:"route,omitempty"`
	Organisation string        `json:"organisation,omitempty"`
	Due          time.Time     `json:"due,omitzero"`
	Told         when.Told     `json:"told,omitzero"`
	Proof        domain.Digest `json:"proof,omitempty"`
	ReceivedAt   time.Time     `json:"received_at,omitzero"`
	LapsedAt     time.Time     `json:"lapsed_at,omitzero"`
}

// Eligibility is the verdict on the criteria.
type Eligibility struct {
	At       time.Time `json:"at"`
	By       string    `json:"by"`
	Eligible bool      `json:"eligible"`
	Criteria []string  `json:"criteria,omitempty"` // met
	Failed   []string  `json:"failed,omitempty"`
}

// A Review is one reviewer's part: asked, opened, recorded, or recused.
type Review struct {
	Reviewer       domain.Person   `json:"reviewer"`
	AssignedAt     time.Time       `json:"assigned_at,omitzero"`
	OpenedAt       time.Time       `json:"opened_at,omitzero"`
	RecordedAt     time.Time       `json:"recorded_at,omitzero"`
	Recommendation string          `json:"recommendation,omitempty"`
	Scores         []review.Score  `json:"scores,omitempty"`
	Conflict       string          `json:"conflict,omitempty"`
	Note           *domain.Private `json:"note,omitempty"` // on the conflict
	RecusedAt      time.Time       `json:"recused_at,omitzero"`
	Refused        []AccessRefusal `json:"refused,omitempty"`
}

// Counts tells whether a decision may rest on the review.
func (r Review) Counts() bool { return !r.RecordedAt.IsZero() && r.RecusedAt.IsZero() }

// An AccessRefusal is what a recused reviewer asked for and was refused.
type AccessRefusal struct {
	Command string    `json:"command"`
	Code    string    `json:"code"`
	At      time.Time `json:"at"`
}

// A Decision is a verdict and what it rests on.
type Decision struct {
	Verdict     application.Phase `json:"verdict"` // shortlisted, not shortlisted, selected, in reserve, declined
	Rank        int               `json:"rank,omitempty"`
	At          time.Time         `json:"at"`
	By          string            `json:"by"`
	AnswersHash domain.Digest     `json:"answers_hash,omitempty"`
	Reviews     []domain.Person   `json:"reviews,omitempty"` // whose reviews were read
	Rationale   domain.Private    `json:"rationale"`
}

// An Offer is a place offered, and what was answered.
type Offer struct {
	MadeAt     time.Time         `json:"made_at"`
	ReplyBy    time.Time         `json:"reply_by"`
	Told       when.Told         `json:"told,omitzero"`
	Zone       string            `json:"zone"`
	Answer     application.Phase `json:"answer,omitempty"` // accepted, offer declined, offer lapsed
	AnsweredAt time.Time         `json:"answered_at,omitzero"`
	Note       *domain.Private   `json:"note,omitempty"`
}

// columns say no phase of what is in no list: of one that was not begun, or was
// retracted.
func (a *Application) columns() (string, string, time.Time, bool) {
	phase := string(a.Phase)
	if a.Phase == application.TakenBack {
		phase = ""
	}
	return a.Cycle, phase, time.Time{}, true
}

func (a *Application) review(reviewer domain.Person) *Review {
	i := slices.IndexFunc(a.Reviews, func(r Review) bool { return r.Reviewer == reviewer })
	if i < 0 {
		i = len(a.Reviews)
		a.Reviews = append(a.Reviews, Review{Reviewer: reviewer})
	}
	return &a.Reviews[i]
}

// decided tells whether the application ever got this verdict.
func (a *Application) decided(verdict application.Phase) bool {
	return slices.ContainsFunc(a.Decisions, func(d Decision) bool { return d.Verdict == verdict })
}

const applicationsIndexes = `
CREATE INDEX IF NOT EXISTS applications_cycle ON applications (cycle, phase);
`

//go:embed applications.sql
var applicationsSQL string

var applications = Projection{
	Name: "applications", Schema: applicationsSQL, Documents: []row{&Application{}}, Indexes: applicationsIndexes, Apply: applyApplications,
	Names: []string{
		"draft.started", "draft.expired", "application.received", "submission.refused", "application.withdrawn", "application.retracted",
		"nomination.received", "nomination.lapsed", "eligibility.confirmed", "eligibility.failed", "application.shortlisted",
		"application.passed_over", "application.selected", "application.reserved", "application.declined",
		"offer.made", "offer.accepted", "offer.declined", "offer.lapsed",
		"review.assigned", "review.opened", "conflict.declared", "reviewer.recused", "access.refused", "review.recorded",
		"permit.granted", "reserve.released",
	},
}

// fileOf is the application that an event is about: by its stream, or by the
// person that it names.
func fileOf(e *Event) (key string, id application.ID) {
	switch b := e.Body.(type) {
	case call.PermitGranted:
		_, name, _ := strings.Cut(e.Stream, ".")
		id = application.ID{Cycle: e.Cycle, Call: name, Person: b.Person}
	case allocation.ReserveReleased:
		id = application.ID{Cycle: b.Cycle, Call: b.Call, Person: b.Person}
	default:
		_, key, _ = strings.Cut(e.Stream, "-")
		return key, id
	}
	return id.Key(), id
}

func applyApplications(tx *Tx, e *Event) error {
	key, id := fileOf(e)
	a, err := change[Application](tx, "applications", key)
	if err != nil {
		return err
	}
	a.Key = key
	if id.Cycle != "" {
		a.Cycle, a.Call, a.Person = id.Cycle, id.Call, id.Person
	}
	at, by := e.Envelope.OccurredAt, e.Envelope.Actor
	decide := func(verdict application.Phase, rank int, d application.Decision) {
		a.Phase = verdict
		a.Decisions = append(a.Decisions, Decision{verdict, rank, at, by, d.AnswersHash, d.Reviews, d.Rationale})
	}
	answer := func(phase application.Phase) {
		a.Phase, a.Offer.Answer, a.Offer.AnsweredAt = phase, phase, at
	}
	switch b := e.Body.(type) {
	case application.DraftStarted:
		if a.Phase == application.TakenBack { // then it begins anew, but for what was no part of it
			*a = Application{Key: key, Permit: a.Permit, Refusals: a.Refusals, Reviews: a.Reviews}
		}
		a.Cycle, a.Call, a.Person = b.Cycle, b.Call, b.Person
		a.Phase, a.StartedAt = application.Draft, at
	case application.DraftExpired:
		a.Phase, a.ExpiredAt = application.Expired, at
	case application.Received:
		a.Phase, a.Form, a.AnswersHash = application.Submitted, b.Form, b.AnswersHash
		a.Answers = make([]Answer, len(b.Answers))
		for i, x := range b.Answers {
			a.Answers[i] = Answer(x)
		}
		a.ReceivedAt, a.Deadline, a.Late = b.ReceivedAt, b.Deadline, b.Late
		if b.Late {
			a.Permit = b.Permit
		}
		a.Nomination = Nomination{Route: b.Route, Organisation: b.Organisation, Due: b.ProofDue, Told: b.Told}
	case application.SubmissionRefused:
		a.Refusals = append(a.Refusals, Refusal{b.Code, b.ReceivedAt, b.Deadline, b.Missing, at})
	case application.Withdrawn:
		a.Phase, a.WithdrawnAt = application.Withdrew, at
	case application.Retracted:
		a.Phase, a.RetractedAt = application.TakenBack, e.Envelope.RecordedAt
	case application.NominationReceived:
		a.Nomination.Proof, a.Nomination.ReceivedAt, a.Nomination.LapsedAt = b.Proof, at, time.Time{}
	case application.NominationLapsed:
		a.Nomination.LapsedAt = at
	case application.EligibilityConfirmed:
		a.Phase, a.Eligibility = application.Eligible, Eligibility{At: at, By: by, Eligible: true, Criteria: b.Criteria}
	case application.EligibilityFailed:
		a.Phase, a.Eligibility = application.Ineligible, Eligibility{At: at, By: by, Failed: b.Failed}
	case application.Shortlisted:
		decide(application.OnShortlist, 0, application.Decision{Rationale: b.Rationale})
	case application.PassedOver:
		decide(application.NotListed, 0, application.Decision{Rationale: b.Rationale})
	case application.Selected:
		decide(application.Chosen, 0, b.Decision)
	case application.Reserved:
		decide(application.InReserve, b.Rank, b.Decision)
	case application.Declined:
		decide(application.Rejected, 0, b.Decision)
	case application.OfferMade:
		a.Phase, a.Offer = application.Offered, Offer{MadeAt: at, ReplyBy: b.ReplyBy, Told: b.Told, Zone: b.Zone}
	case application.OfferAccepted:
		answer(application.Accepted)
	case application.OfferDeclined:
		answer(application.TurnedDown)
		a.Offer.Note = &b.Note
	case application.OfferLapsed:
		answer(application.Lapsed)
	case review.Assigned:
		a.review(b.Reviewer).AssignedAt = at
	case review.Opened:
		a.review(b.Reviewer).OpenedAt = at
	case review.ConflictDeclared:
		r := a.review(b.Reviewer)
		r.Conflict, r.Note = b.Conflict, &b.Note
	case review.Recused:
		a.review(b.Reviewer).RecusedAt = at
	case review.AccessRefused:
		r := a.review(b.Reviewer)
		r.Refused = append(r.Refused, AccessRefusal{b.Command, b.Code, at})
	case review.Recorded:
		r := a.review(b.Reviewer)
		r.RecordedAt, r.Scores, r.Recommendation = at, b.Scores, b.Recommendation
	case call.PermitGranted:
		a.Permit = b.Until
	case allocation.ReserveReleased:
		a.Released = at
	}
	return nil
}

// Application finds a file by the application's key, with what falls due; also
// one that was retracted.
func (v *Views) Application(ctx context.Context, key string) (a Application, err error) {
	err = v.ask(ctx, func(conn *sqlite.Conn) error {
		list, err := bodies[Application](conn, "SELECT body FROM applications WHERE key = ?", key)
		if err == nil && (len(list) == 0 || list[0].Phase == application.None) {
			err = application.ErrUnknown.Because(key)
		}
		if err != nil {
			return err
		}
		a = list[0]
		a.Next, err = bodies[Item](conn, "SELECT body FROM queue WHERE key = ?", "application-"+key)
		return err
	})
	return a, err
}

// Applications lists a cycle's files, in the order in which they were begun.
func (v *Views) Applications(ctx context.Context, cycle string) (list []Application, err error) {
	err = v.ask(ctx, func(conn *sqlite.Conn) error {
		list, err = applicationsOf(conn, cycle)
		return err
	})
	return list, err
}

func applicationsOf(conn *sqlite.Conn, cycle string) ([]Application, error) {
	list, err := bodies[Application](conn, "SELECT body FROM applications WHERE cycle = ? AND phase <> '' ORDER BY key", cycle)
	slices.SortStableFunc(list, func(a, b Application) int { return a.StartedAt.Compare(b.StartedAt) })
	return list, err
}
