package gathering

import (
	"slices"

	"github.com/daybook-engine/daybook/domain"
)

// An Event is a fact about one gathering.
type Event interface{ evolve(State) State }

// State is what the rules remember.
type State struct {
	announced Announced
	slot      Slot
	sequence  int
	cancelled bool
	attended  []AttendanceRecorded // as last said of each
}

// Apply returns s after e. It never fails and never judges.
func (s State) Apply(e Event) State { return e.evolve(s) }

// Stage is the stage at which people gather; "" when none was announced.
func (s State) Stage() string { return s.announced.Stage }

// Slot is when and how people gather, as last said.
func (s State) Slot() Slot { return s.slot }

// Attended tells whether somebody was there.
func (s State) Attended(p domain.Person) bool {
	e, _ := s.Attendance(p)
	return e.Present
}

// Attendance is what was last said of somebody; false where nothing was.
func (s State) Attendance(p domain.Person) (e AttendanceRecorded, said bool) {
	if i := s.of(p); i >= 0 {
		return s.attended[i], true
	}
	return e, false
}

func (s State) of(p domain.Person) int {
	return slices.IndexFunc(s.attended, func(e AttendanceRecorded) bool { return e.Person == p })
}

func (e Announced) evolve(s State) State {
	s.announced, s.slot = e, e.Slot
	return s
}

func (e Rescheduled) evolve(s State) State {
	s.slot, s.sequence = e.Now, e.Sequence
	return s
}

func (Cancelled) evolve(s State) State { s.cancelled = true; return s }

func (e AttendanceRecorded) evolve(s State) State {
	s.attended = slices.Clone(s.attended)
	if i := s.of(e.Person); i >= 0 {
		s.attended[i] = e
	} else {
		s.attended = append(s.attended, e)
	}
	return s
}

func (e AttendanceCorrected) evolve(s State) State { return AttendanceRecorded(e).evolve(s) }
