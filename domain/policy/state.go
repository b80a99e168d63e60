package policy

import "slices"

// An Event is a fact about one instance, or about where policies began.
type Event interface{ evolve(State) State }

// State is what the rules remember.
type State struct {
	parked string // the event's id
	times  int
	passed []passed
	starts []Started
}

// passed is what a person decided of an event.
type passed struct {
	event, how    string
	command, with string // where how is repaired
	parking       int    // how often the instance had been parked
}

const (
	retried  = "retried"
	skipped  = "skipped"
	repaired = "repaired"
)

// Apply returns s after e. It never fails and never judges.
func (s State) Apply(e Event) State { return e.evolve(s) }

// Parked is the id of the event that the instance stands at; "" when it goes on.
func (s State) Parked() string { return s.parked }

// Times is how often it was parked.
func (s State) Times() int { return s.times }

// Skipped tells whether an event is not to be answered.
func (s State) Skipped(event string) bool { return s.last(event).how == skipped }

// Repaired is the command with which an event is to be answered, where a person
// gave one.
func (s State) Repaired(event string) (command, with string, ok bool) {
	p := s.last(event)
	return p.command, p.with, p.how == repaired
}

// Parking counts how often the instance had been parked when it was last decided
// of an event.
func (s State) Parking(event string) int { return s.last(event).parking }

// last is what was decided of an event last.
func (s State) last(event string) passed {
	for _, p := range slices.Backward(s.passed) {
		if p.event == event {
			return p
		}
	}
	return passed{}
}

// Start is the id of the event after which a policy began; "" is the origin.
func (s State) Start(policy string) (after string, ok bool) {
	for _, e := range s.starts {
		if slices.Contains(e.Policies, policy) {
			return e.After, true
		}
	}
	return "", false
}

func (e Started) evolve(s State) State {
	s.starts = append(slices.Clip(s.starts), e)
	return s
}

func (e Parked) evolve(s State) State {
	s.parked = e.Event
	s.times++
	return s
}

func (s State) pass(p passed) State {
	s.parked, p.parking = "", s.times
	s.passed = append(slices.Clip(s.passed), p)
	return s
}

func (e Retried) evolve(s State) State { return s.pass(passed{event: e.Event, how: retried}) }
func (e Skipped) evolve(s State) State { return s.pass(passed{event: e.Event, how: skipped}) }
func (e Repaired) evolve(s State) State {
	return s.pass(passed{event: e.Event, how: repaired, command: e.Command, with: e.With})
}
