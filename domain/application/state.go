package application

import (
	"time"

	"github.com/daybook-engine/daybook/domain"
)

// An Event is a fact about one application.
type Event interface{ evolve(State) State }

// A Phase is how far an application has come.
type Phase string

const (
	None        Phase = ""
	Draft       Phase = "draft"
	Expired     Phase = "expired"
	Submitted   Phase = "submitted"
	Withdrew    Phase = "withdrawn"
	TakenBack   Phase = "retracted"
	Eligible    Phase = "eligible"
	Ineligible  Phase = "ineligible"
	OnShortlist Phase = "shortlisted"
	NotListed   Phase = "not shortlisted"
	Chosen      Phase = "selected"
	InReserve   Phase = "in reserve"
	Rejected    Phase = "declined"
	Offered     Phase = "offered"
	Accepted    Phase = "accepted"
	TurnedDown  Phase = "offer declined"
	Lapsed      Phase = "offer lapsed"
)

// Over tells a phase from which nothing more is expected.
func (p Phase) Over() bool {
	switch p {
	case Expired, Withdrew, TakenBack, Ineligible, NotListed, Rejected, TurnedDown, Lapsed:
		return true
	}
	return false
}

// Applied tells that somebody has applied, whatever became of it. Nobody applies
// twice under a call.
func (p Phase) Applied() bool { return p.begun() && p != Draft && p != Expired }

// begun tells that there is an application, or a draft of one: what was retracted
// never was.
func (p Phase) begun() bool { return p != None && p != TakenBack }

// State is what the rules remember.
type State struct {
	id          ID
	phase       Phase
	decided     bool // whether to shortlist it, and whatever follows from that
	answersHash domain.Digest
	rank        int // in reserve, as decided
	proof       proof
	replyBy     time.Time
	calendar    string
}

// proof is where a nomination stands.
type proof struct {
	due      time.Time // zero: none is awaited
	lapsed   bool
	received domain.Digest
	calendar string
}

// Apply returns s after e. It never fails and never judges.
func (s State) Apply(e Event) State { return e.evolve(s) }

// Phase tells how far the application has come.
func (s State) Phase() Phase { return s.phase }

// ID tells whose application it is, under which call.
func (s State) ID() ID { return s.id }

// ReplyBy is until when the offer stands that waits for an answer; zero when
// none does.
func (s State) ReplyBy() time.Time {
	if s.phase != Offered {
		return time.Time{}
	}
	return s.replyBy
}

// ProofDue is by when a nomination is to be confirmed that waits for it; zero
// when none does.
func (s State) ProofDue() time.Time {
	if s.phase != Submitted || s.proof.received != "" || s.proof.lapsed {
		return time.Time{}
	}
	return s.proof.due
}

// Subjects are the people every event of the stream is about.
func (s State) Subjects() []domain.Person {
	if s.id.Person == "" {
		return nil
	}
	return []domain.Person{s.id.Person}
}

func (e DraftStarted) evolve(s State) State {
	s.id, s.phase = ID(e), Draft
	return s
}

func (e Received) evolve(s State) State {
	s.phase, s.answersHash = Submitted, e.AnswersHash
	s.proof = proof{due: e.ProofDue, calendar: e.Calendar}
	return s
}

func (e SubmissionRefused) evolve(s State) State {
	if s.phase == None {
		s.id = ID{e.Cycle, e.Call, e.Person}
	}
	return s
}

func (DraftExpired) evolve(s State) State { s.phase = Expired; return s }
func (Withdrawn) evolve(s State) State    { s.phase = Withdrew; return s }
func (Retracted) evolve(s State) State    { return State{id: s.id, phase: TakenBack} }

func (e NominationReceived) evolve(s State) State {
	s.proof.received, s.proof.lapsed = e.Proof, false
	return s
}

func (NominationLapsed) evolve(s State) State     { s.proof.lapsed = true; return s }
func (EligibilityConfirmed) evolve(s State) State { s.phase = Eligible; return s }
func (EligibilityFailed) evolve(s State) State    { s.phase = Ineligible; return s }
func (Shortlisted) evolve(s State) State          { s.phase, s.decided = OnShortlist, true; return s }
func (PassedOver) evolve(s State) State           { s.phase, s.decided = NotListed, true; return s }
func (Selected) evolve(s State) State             { s.phase = Chosen; return s }
func (Declined) evolve(s State) State             { s.phase = Rejected; return s }

func (e Reserved) evolve(s State) State {
	s.phase, s.rank = InReserve, e.Rank
	return s
}

func (e OfferMade) evolve(s State) State {
	s.phase, s.replyBy, s.calendar = Offered, e.ReplyBy, e.Calendar
	return s
}

func (OfferAccepted) evolve(s State) State { s.phase = Accepted; return s }
func (OfferDeclined) evolve(s State) State { s.phase = TurnedDown; return s }
func (OfferLapsed) evolve(s State) State   { s.phase = Lapsed; return s }
