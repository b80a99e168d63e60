package message

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/daybook-engine/daybook/domain"
)

var (
	ErrUnknown = domain.Missing("message_unknown", "there is no such message")
	ErrPhase   = domain.Refuse("wrong_phase", "this does not apply to the message as it stands")
	ErrOld     = domain.Refuse("message_old", "what has waited for two weeks, a digest for a day and a half, is not sent any more, unless a person asks for it")
	ErrWhy     = domain.Wrong("reason_missing", "whoever withdraws a message says why, with a reason as a code such as told_by_phone")
	ErrSettled = domain.Wrong("settled_how", "a message is settled as arrived, as not_arrived, or again: to be sent as another attempt")
)

func wrongPhase(s State) error {
	if s.phase == None {
		return ErrUnknown
	}
	return ErrPhase.Because("it is " + string(s.phase))
}

// Queue is message.queue: a policy's command about an event that the cycle's
// definition has a message on.
type Queue struct {
	ID
	About About `json:"about"`
}

func (c Queue) Book() string { return ID{Cycle: c.About.Cycle}.Book() }

func (c Queue) Decide(s State, now time.Time) ([]Event, error) {
	if s.phase != None {
		return nil, nil
	}
	return []Event{Queued{c.About, 1, now}}, nil
}

// How long after it was queued a message is sent at most: who turns mail on
// later does not send last year's news, nor a digest for each day since.
const (
	lasts       = 14 * 24 * time.Hour
	digestLasts = 36 * time.Hour
)

// IsDigest tells whether it lists what somebody has to do when it leaves,
// instead of telling what happened.
func (a About) IsDigest() bool { return a.Event == "digest.queued" }

func (a About) lasts() time.Duration {
	if a.IsDigest() {
		return digestLasts
	}
	return lasts
}

// Claim is message.claim: the command of who sends, before sending. Of several
// that ask for it one gets it.
type Claim struct {
	ID
	Rendered domain.Private `json:"rendered"`
}

func (c Claim) Decide(s State, now time.Time) ([]Event, error) {
	switch {
	case s.phase != Waiting:
		return nil, wrongPhase(s)
	case now.Before(s.again):
		return nil, domain.ErrNotDue
	case now.Sub(s.at) > s.about.lasts():
		return nil, ErrOld
	}
	return []Event{Claimed{s.claim + 1, c.Rendered.About(domain.Personal, domain.Programme, s.Subjects()...)}}, nil
}

// Delay is message.delay: the command of who would send, and finds nobody to
// give anything to.
type Delay struct {
	ID
	Why string `json:"why"`
}

func (c Delay) Decide(s State, _ time.Time) ([]Event, error) {
	switch {
	case domain.CheckCode("why", c.Why) != nil:
		return nil, domain.CheckCode("why", c.Why)
	case s.phase != Waiting:
		return nil, wrongPhase(s)
	case s.delayed:
		return nil, nil
	}
	return []Event{Delayed{c.Why}}, nil
}

// Send is message.send: it was sent. That is so whatever was thought of it
// meanwhile.
type Send struct {
	ID
	Claim int  `json:"claim"`
	File  bool `json:"file,omitzero"` // it was written to a file
}

func (c Send) Decide(s State, _ time.Time) ([]Event, error) {
	switch {
	case s.phase == Done:
		return nil, nil
	case s.phase == None, s.phase == Off, c.Claim == 0, s.claim != c.Claim:
		return nil, wrongPhase(s)
	}
	return []Event{Sent{Claim: c.Claim, File: c.File}}, nil
}

// pauses are those after each try that failed; then a person is asked.
var pauses = []time.Duration{
	time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 4 * time.Hour, 12 * time.Hour, 24 * time.Hour,
}

// Fail is message.fail: it was surely not sent. Final: it is not tried again,
// because that would not help.
type Fail struct {
	ID
	Claim int    `json:"claim"`
	Why   string `json:"why"`
	Final bool   `json:"final,omitzero"`
}

func (c Fail) Decide(s State, now time.Time) ([]Event, error) {
	switch {
	case domain.CheckCode("why", c.Why) != nil:
		return nil, domain.CheckCode("why", c.Why)
	case s.phase == Undone, s.phase == Off && s.off, s.phase == Waiting && s.claim == c.Claim && !c.Final:
		return nil, nil
	case s.phase != Sending && s.phase != Waiting || s.claim != c.Claim:
		return nil, wrongPhase(s)
	}
	e := Failed{Claim: c.Claim, Why: c.Why}
	if !c.Final && !s.off && s.tries <= len(pauses) {
		e.Again = now.Add(pauses[s.tries-1])
	}
	return []Event{e}, nil
}

// MarkUnknown is message.mark_unknown: it was claimed, and what came of it was
// not heard, or not kept.
type MarkUnknown struct {
	ID
	Claim int `json:"claim"`
}

func (c MarkUnknown) Decide(s State, _ time.Time) ([]Event, error) {
	switch {
	case s.phase == Unclear:
		return nil, nil
	case s.phase != Sending || s.claim != c.Claim:
		return nil, wrongPhase(s)
	}
	return []Event{Unknown{c.Claim}}, nil
}

// Withdraw is message.withdraw: by a person, for a reason; by the engine, where
// what the message tells is no longer so, or somebody in it was erased. What is
// being sent meanwhile is not called back, but if it fails it is not tried again.
type Withdraw struct {
	ID
	Why string `json:"why,omitzero"`

	Reason string `json:"-" from:"reason"`
}

func (c Withdraw) Decide(s State, _ time.Time) ([]Event, error) {
	switch {
	case domain.CheckCode("why", c.Why) != nil:
		return nil, domain.CheckCode("why", c.Why)
	case c.Why == "" && c.Reason == "":
		return nil, ErrWhy
	case s.phase == Off, s.phase == Sending && s.off:
		return nil, nil
	case s.phase != Waiting && s.phase != Sending && s.phase != Undone:
		return nil, wrongPhase(s)
	}
	return []Event{Withdrawn{cmp.Or(c.Why, c.Reason)}}, nil
}

// How a person settles what became of a message.
const (
	Arrived    = "arrived"
	NotArrived = "not_arrived"
	Again      = "again"
)

// Settle is message.settle: a person says what became of a message of which
// that is unknown, or asks for another attempt at it or at one that failed.
type Settle struct {
	ID
	As string `json:"as"`
}

var outcomes = []string{Arrived, NotArrived, Again}

func (Settle) OneOf() map[string][]string { return map[string][]string{"as": outcomes} }

func (c Settle) Decide(s State, now time.Time) ([]Event, error) {
	switch {
	case !slices.Contains(outcomes, c.As):
		return nil, ErrSettled.Because(fmt.Sprintf("%q", c.As))
	case c.As == Arrived && s.phase == Done, c.As == NotArrived && s.phase == Undone, c.As == Again && s.phase == Waiting:
		return nil, nil
	case s.phase != Unclear && (s.phase != Undone || c.As != Again):
		return nil, wrongPhase(s)
	}
	switch c.As {
	case Arrived:
		return []Event{Sent{Claim: s.claim, Settled: true}}, nil
	case NotArrived:
		return []Event{Failed{Claim: s.claim, Why: NotArrived}}, nil
	}
	return []Event{Queued{s.about, s.attempt + 1, now}}, nil
}
