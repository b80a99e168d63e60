package application

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/cycle"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/when"
)

var (
	ErrUnknown     = domain.Missing("application_unknown", "this person has no application under this call")
	ErrNotOpen     = domain.Refuse("not_open", "this call is not open")
	ErrPassed      = domain.Refuse("deadline_passed", "the deadline has passed")
	ErrIncomplete  = domain.Refuse("incomplete", "the form is not complete")
	ErrField       = domain.Wrong("field_unknown", "the form has no such field")
	ErrDuplicate   = domain.Refuse("duplicate", "this person has already applied under this call")
	ErrEarly       = domain.Refuse("before_opening", "a submission cannot have been received before the call was opened")
	ErrFuture      = domain.Refuse("in_future", "what has not happened yet cannot be recorded")
	ErrBackdate    = domain.Deny("own_received_at", "when an application was received is stated by whoever keys it in for somebody else")
	ErrRoute       = domain.Wrong("route_unknown", "the call has no such way to be put forward")
	ErrProof       = domain.Refuse("proof_awaited", "the nominating organisation has not confirmed")
	ErrLapsed      = domain.Refuse("nomination_lapsed", "the nomination lapsed")
	ErrNoProof     = domain.Refuse("no_proof_awaited", "no confirmation is awaited for this application")
	ErrCriterion   = domain.Wrong("criterion_unknown", "the call has no such criterion")
	ErrPhase       = domain.Refuse("wrong_phase", "this does not apply to the application as it stands")
	ErrReviews     = domain.Refuse("reviews_missing", "a decision rests on more reviews than have been recorded")
	ErrRecused     = domain.Deny("recused", "who has a conflict of interest neither reads nor decides on this application")
	ErrNoPlace     = domain.Refuse("no_place", "an offer needs a place reserved for it")
	ErrReplyPassed = domain.Refuse("reply_passed", "the time to answer this offer has passed")
	ErrRankTaken   = domain.Refuse("rank_taken", "this rank is taken")
	ErrRanked      = domain.Refuse("ranked_otherwise", "this application is in reserve already, with another rank")
	ErrRank        = domain.Wrong("rank_missing", "a reserve has a rank, 1 or more")
	ErrDecided     = domain.Refuse("application_decided", "something was decided on this application, so it is not retracted")
	ErrReviewed    = domain.Refuse("application_in_review", "reviewers were asked to read this application, so it is not retracted")
)

func wrongPhase(s State) error {
	if s.phase == None {
		return ErrUnknown
	}
	return ErrPhase.Because("it is " + string(s.phase))
}

// StartDraft is draft.start.
type StartDraft struct {
	ID

	// Looked up: the deadline in force, where the call is open, and whether the
	// cycle is closed. What closes meanwhile only leaves a draft that expires.
	Deadline when.Deadline `json:"-"`
	Over     bool          `json:"-"`
}

func (c StartDraft) Decide(s State, now time.Time) ([]Event, error) {
	switch {
	case s.phase.begun():
		return nil, nil
	case c.Over:
		return nil, cycle.ErrClosed
	case c.Deadline.Instant.IsZero() || !c.Deadline.Met(now):
		return nil, ErrNotOpen
	}
	return []Event{DraftStarted{c.Cycle, c.Call, c.Person}}, nil
}

// Texts are the answers to one field: a string, or a list where the field is
// ranked.
type Texts []domain.Private

func (t *Texts) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' {
		return json.Unmarshal(b, (*[]domain.Private)(t))
	}
	*t = make(Texts, 1)
	return json.Unmarshal(b, &(*t)[0])
}

// Submit is application.submit.
type Submit struct {
	ID
	Answers      map[string]Texts `json:"answers"`
	Route        string           `json:"route,omitzero"`
	Organisation string           `json:"organisation,omitzero"`
	// When it reached us, where somebody keys it in later: the time of the
	// e-mail, the postmark. Empty: now.
	ReceivedAt time.Time `json:"received_at,omitzero"`

	Actor domain.Person `json:"-" from:"actor"`

	// Looked up. The deadline is kept with the submission, as it stood then.
	Opened   time.Time       `json:"-"` // zero: it was not
	Deadline when.Deadline   `json:"-"`
	Permit   time.Time       `json:"-"`
	Plan     *programme.Call `json:"-"`
	Zone     string          `json:"-"`
	Calendar when.Calendar   `json:"-"`
	Over     bool            `json:"-"` // the cycle is closed
}

// OccurredAt is when the submission reached us, where that is said.
func (c Submit) OccurredAt() time.Time { return c.ReceivedAt }

func (c Submit) Decide(s State, now time.Time) ([]Event, error) {
	received := c.ReceivedAt
	if received.IsZero() {
		received = now
	}
	switch {
	case c.Opened.IsZero() || c.Plan == nil:
		return nil, ErrNotOpen
	case s.phase.Applied():
		return nil, ErrDuplicate
	case received.After(now):
		return nil, ErrFuture
	case received.Before(c.Opened):
		return nil, ErrEarly
	case c.Organisation != "" && domain.CheckSlug("organisation", c.Organisation) != nil:
		return nil, domain.CheckSlug("organisation", c.Organisation)
	case !c.ReceivedAt.IsZero() && c.Actor == c.Person:
		return nil, ErrBackdate
	}
	answers, missing, err := c.answers()
	if err != nil {
		return nil, err
	}
	e := Received{
		Form: c.Plan.Form.Version, Answers: answers, AnswersHash: answersHash(c.Plan.Form.Version, answers),
		ReceivedAt: received, Deadline: c.Deadline, Route: c.Route, Organisation: c.Organisation,
	}
	switch {
	case c.Deadline.Met(received):
	case !c.Permit.IsZero() && !received.After(c.Permit):
		e.Late, e.Permit = true, c.Permit
	default:
		return c.refuse(SubmissionRefused{Code: ErrPassed.Code, ReceivedAt: received, Deadline: c.Deadline})
	}
	if c.Over && c.ReceivedAt.IsZero() { // what had reached us before is a record
		return c.refuse(SubmissionRefused{Code: cycle.ErrClosed.Code, ReceivedAt: received})
	}
	if len(missing) > 0 {
		return c.refuse(SubmissionRefused{Code: ErrIncomplete.Code, ReceivedAt: received, Missing: missing})
	}
	route, ok := c.Plan.Route(c.Route)
	if !ok && (c.Route != "" || len(c.Plan.Routes) > 0) {
		return nil, ErrRoute.Because(fmt.Sprintf("%q", c.Route))
	}
	if route.Proof != nil {
		if e.ProofDue, err = route.Proof.From(received, c.Zone, c.Calendar); err != nil {
			return nil, err
		}
		e.Told = when.Tell(e.ProofDue, c.Zone)
		e.Calendar, e.Unsure = c.Calendar.Words(), route.Proof.Unsure(received, e.ProofDue, c.Zone, c.Calendar)
	}
	if !s.phase.begun() {
		return []Event{DraftStarted{c.Cycle, c.Call, c.Person}, e}, nil
	}
	return []Event{e}, nil
}

// refuse keeps a refusal: whoever it concerns is registered, and may complain.
func (c Submit) refuse(e SubmissionRefused) ([]Event, error) {
	e.Cycle, e.Call, e.Person = c.Cycle, c.Call, c.Person
	return []Event{e}, e.Refused()
}

// answers puts what was given in the form's order, and names what is missing.
func (c Submit) answers() (answers []Answer, missing []string, err error) {
	for _, field := range slices.Sorted(maps.Keys(c.Answers)) {
		if !slices.ContainsFunc(c.Plan.Form.Fields, func(f programme.Field) bool { return f.Field == field }) {
			return nil, nil, ErrField.Because(field)
		}
	}
	for _, f := range c.Plan.Form.Fields {
		given := c.Answers[f.Field]
		blank := func(p domain.Private) bool { return strings.TrimSpace(p.Text) == "" }
		said := func(p domain.Private) bool { return !blank(p) }
		if f.Optional && !slices.ContainsFunc(given, said) {
			continue
		}
		if want := max(f.Ranks, 1); len(given) != want || slices.ContainsFunc(given, blank) {
			name := f.Field
			if f.Ranks > 0 {
				name = fmt.Sprintf("%s (exactly %d)", name, want)
			}
			missing = append(missing, name)
			continue
		}
		for i, text := range given {
			a := Answer{Field: f.Field, Text: text.About(domain.Personal, domain.Programme, c.Person)}
			if f.Ranks > 0 {
				a.Rank = i + 1
			}
			answers = append(answers, a)
		}
	}
	return answers, missing, nil
}

// answersHash is taken over commitments, so that it stands when the words are
// erased.
func answersHash(form string, answers []Answer) domain.Digest {
	h := sha256.New()
	fmt.Fprintln(h, form)
	for _, a := range answers {
		fmt.Fprintln(h, a.Field, a.Rank, a.Text.Digest)
	}
	return domain.Digest(base64.RawURLEncoding.EncodeToString(h.Sum(nil)))
}

// ExpireDraft is draft.expire: the clock's command some time after closing.
type ExpireDraft struct {
	ID
	Tzdata string `json:"-" from:"tzdata"`

	// Looked up: when the call's unsent drafts expire, zero while it is open.
	Due      time.Time `json:"-"`
	Calendar string    `json:"-"`
	Unsure   []int     `json:"-"`
}

func (c ExpireDraft) Decide(s State, now time.Time) ([]Event, error) {
	if s.phase != Draft {
		return nil, nil
	}
	timer, err := domain.Fire("draft.expire", c.Due, now, c.Calendar, c.Tzdata)
	if err != nil {
		return nil, err
	}
	return []Event{DraftExpired{timer, c.Unsure}}, nil
}

// Withdraw is application.withdraw.
type Withdraw struct{ ID }

func (c Withdraw) Decide(s State, _ time.Time) ([]Event, error) {
	switch s.phase {
	case None:
		return nil, ErrUnknown
	case Withdrew:
		return nil, nil
	case Draft, Expired, TakenBack, Accepted, TurnedDown, Lapsed, Rejected, Ineligible, NotListed:
		return nil, wrongPhase(s)
	}
	return []Event{Withdrawn{}}, nil
}

// Retract is application.retract: it was recorded by mistake and never reached
// us, so that the person may apply. Once it was put before others it did.
type Retract struct {
	ID
	Unbiased // but also after the cycle was closed, like any record

	// Looked up: the earliest date of what is retracted, and whether reviewers
	// were asked to read it.
	Begun time.Time `json:"-"`
	Given bool      `json:"-"`
}

// OccurredAt is that of what never was, so that it never had been.
func (c Retract) OccurredAt() time.Time { return c.Begun }

// Corrects tells whether an event is what should not have been recorded.
func (c Retract) Corrects(event any) bool { _, is := event.(Received); return is }

func (c Retract) Decide(s State, _ time.Time) ([]Event, error) {
	switch {
	case s.phase == TakenBack:
		return nil, nil
	case !s.phase.Applied():
		return nil, wrongPhase(s)
	case slices.Contains(c.Recused, c.Actor) || c.Actor == s.id.Person:
		return nil, ErrRecused
	case s.decided:
		return nil, ErrDecided
	case c.Given:
		return nil, ErrReviewed
	case c.Over:
		return []Event{Retracted{[]string{"after_cycle_close"}}}, nil
	}
	return []Event{Retracted{}}, nil
}

// ReceiveNomination is nomination.receive.
type ReceiveNomination struct {
	ID
	Proof domain.Digest `json:"proof"`
}

func (c ReceiveNomination) Decide(s State, _ time.Time) ([]Event, error) {
	switch {
	case s.proof.due.IsZero():
		return nil, ErrNoProof
	case s.proof.received == c.Proof && c.Proof != "":
		return nil, nil
	case s.phase != Submitted:
		return nil, wrongPhase(s)
	case c.Proof == "":
		return nil, ErrProof
	case domain.CheckDigest("proof", c.Proof) != nil:
		return nil, domain.CheckDigest("proof", c.Proof)
	}
	return []Event{NominationReceived{c.Proof}}, nil
}

// LapseNomination is nomination.lapse: the clock's command.
type LapseNomination struct {
	ID
	Tzdata string `json:"-" from:"tzdata"`
}

func (c LapseNomination) Decide(s State, now time.Time) ([]Event, error) {
	if s.phase != Submitted || s.proof.due.IsZero() || s.proof.lapsed || s.proof.received != "" {
		return nil, nil
	}
	timer, err := domain.Fire("nomination.lapse", s.proof.due, now, s.proof.calendar, c.Tzdata)
	if err != nil {
		return nil, err
	}
	return []Event{NominationLapsed{timer}}, nil
}

// ConfirmEligibility is eligibility.confirm: every criterion is met.
type ConfirmEligibility struct {
	ID
	Unbiased

	// Looked up: the call's criteria.
	Criteria []string `json:"-"`
}

func (c ConfirmEligibility) Decide(s State, _ time.Time) ([]Event, error) {
	switch {
	case s.phase == Eligible:
		return nil, nil
	case s.phase != Submitted:
		return nil, wrongPhase(s)
	case c.may(s) != nil:
		return nil, c.may(s)
	case s.proof.lapsed:
		return nil, ErrLapsed
	case !s.proof.due.IsZero() && s.proof.received == "":
		return nil, ErrProof
	}
	return []Event{EligibilityConfirmed{c.Criteria}}, nil
}

// FailEligibility is eligibility.fail.
type FailEligibility struct {
	ID
	Unbiased
	Failed []string `json:"failed"`

	// Looked up: the call's criteria.
	Criteria []string `json:"-"`
}

func (c FailEligibility) Decide(s State, _ time.Time) ([]Event, error) {
	if len(c.Failed) == 0 {
		return nil, ErrCriterion.Because("name at least one")
	}
	for _, failed := range c.Failed {
		if !slices.Contains(c.Criteria, failed) {
			return nil, ErrCriterion.Because(failed)
		}
	}
	switch {
	case s.phase == Ineligible:
		return nil, nil
	case s.phase != Submitted:
		return nil, wrongPhase(s)
	case c.may(s) != nil:
		return nil, c.may(s)
	}
	return []Event{EligibilityFailed{c.Failed}}, nil
}

// Unbiased is embedded by what only somebody without a conflict of interest
// may say of an application, while its cycle lasts.
type Unbiased struct {
	Actor domain.Person `json:"-" from:"actor"`

	// Looked up: who has a conflict, and whether the cycle is closed.
	Recused []domain.Person `json:"-"`
	Over    bool            `json:"-"`
}

func (u Unbiased) may(s State) error {
	switch {
	case u.Over:
		return cycle.ErrClosed
	case slices.Contains(u.Recused, u.Actor) || u.Actor == s.id.Person:
		return ErrRecused
	}
	return nil
}

// Assessed is embedded by every decision.
type Assessed struct {
	Unbiased

	// Looked up: the reviews that count. One of somebody who was recused since
	// does no more.
	Reviews []domain.Person `json:"-"`
	Needed  int             `json:"-"`
}

func (a Assessed) check(s State) error {
	if err := a.may(s); err != nil {
		return err
	}
	if len(a.Reviews) < a.Needed {
		return ErrReviews.Because(fmt.Sprintf("%d of %d", len(a.Reviews), a.Needed))
	}
	return nil
}

// step is the shape of every decision that moves an application from one
// phase to the next: nothing when it is there already, a refusal from
// anywhere else.
func (a Assessed) step(s State, from, to Phase, e Event) ([]Event, error) {
	switch s.phase {
	case None:
		return nil, ErrUnknown
	case to:
		return nil, nil
	}
	if err := a.check(s); err != nil {
		return nil, err
	}
	if s.phase != from {
		return nil, wrongPhase(s)
	}
	return []Event{e}, nil
}

func (a Assessed) decision(s State, rationale domain.Private) Decision {
	return Decision{s.answersHash, a.Reviews, rationale.About(domain.Personal, domain.Programme, s.Subjects()...)}
}

// Shortlist is application.shortlist.
type Shortlist struct {
	ID
	Assessed
	Rationale domain.Private `json:"rationale,omitzero"`
}

func (c Shortlist) Decide(s State, _ time.Time) ([]Event, error) {
	return c.step(s, Eligible, OnShortlist, Shortlisted{c.Rationale.About(domain.Personal, domain.Programme, c.Person)})
}

// PassOver is application.pass_over.
type PassOver struct {
	ID
	Assessed
	Rationale domain.Private `json:"rationale,omitzero"`
}

func (c PassOver) Decide(s State, _ time.Time) ([]Event, error) {
	return c.step(s, Eligible, NotListed, PassedOver{c.Rationale.About(domain.Personal, domain.Programme, c.Person)})
}

// Select is application.select.
type Select struct {
	ID
	Assessed
	Rationale domain.Private `json:"rationale,omitzero"`
}

func (c Select) Decide(s State, _ time.Time) ([]Event, error) {
	return c.step(s, OnShortlist, Chosen, Selected{c.decision(s, c.Rationale)})
}

// Reserve is application.reserve.
type Reserve struct {
	ID
	Assessed
	Rank      int            `json:"rank"`
	Rationale domain.Private `json:"rationale,omitzero"`

	// Looked up: somebody else waits with this rank.
	Taken bool `json:"-"`
}

func (c Reserve) Decide(s State, _ time.Time) ([]Event, error) {
	switch {
	case c.Rank < 1:
		return nil, ErrRank
	case s.phase == InReserve && s.rank != c.Rank:
		return nil, ErrRanked
	case s.phase == OnShortlist && c.Taken:
		return nil, ErrRankTaken
	}
	return c.step(s, OnShortlist, InReserve, Reserved{c.decision(s, c.Rationale), c.Rank})
}

// Decline is application.decline.
type Decline struct {
	ID
	Assessed
	Rationale domain.Private `json:"rationale,omitzero"`
}

func (c Decline) Decide(s State, _ time.Time) ([]Event, error) {
	return c.step(s, OnShortlist, Rejected, Declined{c.decision(s, c.Rationale)})
}

// MakeOffer is offer.make: a policy's command when a place was reserved.
type MakeOffer struct {
	ID

	// Looked up: whether the cycle is closed, whether a place is reserved, and
	// how long offers stand.
	Over     bool          `json:"-"`
	Place    bool          `json:"-"`
	Reply    when.Offset   `json:"-"`
	Zone     string        `json:"-"`
	Calendar when.Calendar `json:"-"`
}

func (c MakeOffer) Decide(s State, now time.Time) ([]Event, error) {
	switch {
	case s.phase == Offered || s.phase == Accepted:
		return nil, nil
	case s.phase != Chosen && s.phase != InReserve:
		return nil, wrongPhase(s)
	case c.Over:
		return nil, cycle.ErrClosed
	case !c.Place:
		return nil, ErrNoPlace
	}
	replyBy, err := c.Reply.From(now, c.Zone, c.Calendar)
	if err != nil {
		return nil, err
	}
	return []Event{OfferMade{replyBy.UTC(), c.Zone, when.Tell(replyBy, c.Zone), c.Calendar.Words(), c.Reply.Unsure(now, replyBy, c.Zone, c.Calendar)}}, nil
}

// AcceptOffer is offer.accept.
type AcceptOffer struct {
	ID

	Over bool `json:"-"` // looked up: the cycle is closed
}

func (c AcceptOffer) Decide(s State, now time.Time) ([]Event, error) {
	switch {
	case s.phase == Accepted:
		return nil, nil
	case s.phase != Offered:
		return nil, wrongPhase(s)
	case c.Over:
		return nil, cycle.ErrClosed
	case now.After(s.replyBy):
		return nil, ErrReplyPassed
	}
	return []Event{OfferAccepted{}}, nil
}

// DeclineOffer is offer.decline.
type DeclineOffer struct {
	ID
	Note domain.Private `json:"note,omitzero"`
}

func (c DeclineOffer) Decide(s State, _ time.Time) ([]Event, error) {
	switch s.phase {
	case TurnedDown:
		return nil, nil
	case Offered:
		return []Event{OfferDeclined{c.Note.About(domain.Personal, domain.Programme, c.Person)}}, nil
	}
	return nil, wrongPhase(s)
}

// LapseOffer is offer.lapse: the clock's command; silence lapses an offer by
// rule, never by somebody's inference.
type LapseOffer struct {
	ID
	Tzdata string `json:"-" from:"tzdata"`
}

func (c LapseOffer) Decide(s State, now time.Time) ([]Event, error) {
	if s.phase != Offered {
		return nil, nil
	}
	timer, err := domain.Fire("offer.lapse", s.replyBy, now, s.calendar, c.Tzdata)
	if err != nil {
		return nil, err
	}
	return []Event{OfferLapsed{timer}}, nil
}
