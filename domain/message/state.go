package message

import (
	"time"

	"github.com/daybook-engine/daybook/domain"
)

// An Event is a fact about one message.
type Event interface{ evolve(State) State }

// A Phase is what became of a message.
type Phase string

const (
	None    Phase = ""
	Waiting Phase = "queued" // for the first time, or to be tried again
	Sending Phase = "being sent"
	Done    Phase = "sent"
	Undone  Phase = "failed" // for good, unless a person asks for another attempt
	Unclear Phase = "unknown"
	Off     Phase = "withdrawn"
)

// State is what the rules remember.
type State struct {
	about   About
	phase   Phase
	attempt int
	at      time.Time // of the attempt
	tries   int       // in the attempt
	claim   int
	again   time.Time
	delayed bool
	off     bool // withdrawn while it was being sent: not to be tried again
}

// Apply returns s after e. It never fails and never judges.
func (s State) Apply(e Event) State { return e.evolve(s) }

// About tells what the message is, and Phase what became of it.
func (s State) About() About { return s.about }
func (s State) Phase() Phase { return s.phase }

// Claim counts how often somebody was about to send it.
func (s State) Claim() int { return s.claim }

// Subjects are the people every event of the stream is about.
func (s State) Subjects() []domain.Person {
	switch {
	case s.phase == None:
		return nil
	case s.about.Other == "":
		return []domain.Person{s.about.Recipient}
	}
	return []domain.Person{s.about.Recipient, s.about.Other}
}

func (e Queued) evolve(s State) State {
	return State{about: e.About, phase: Waiting, attempt: e.Attempt, at: e.At, claim: s.claim}
}

func (e Claimed) evolve(s State) State {
	s.phase, s.claim, s.tries, s.delayed = Sending, e.Claim, s.tries+1, false
	return s
}

func (Delayed) evolve(s State) State { s.delayed = true; return s }

func (e Failed) evolve(s State) State {
	s.phase, s.again = Undone, e.Again
	switch {
	case s.off:
		s.phase = Off
	case !e.Again.IsZero():
		s.phase = Waiting
	}
	return s
}

// What is being sent may have left the house: that it was withdrawn counts when
// it turns out that it was not.
func (Withdrawn) evolve(s State) State {
	if s.phase == Sending {
		s.off = true
	} else {
		s.phase = Off
	}
	return s
}

func (Sent) evolve(s State) State    { s.phase = Done; return s }
func (Unknown) evolve(s State) State { s.phase = Unclear; return s }
