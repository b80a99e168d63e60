package gathering

import (
	"cmp"
	"time"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/cycle"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/when"
)

var (
	ErrUnknown   = domain.Missing("gathering_unknown", "there is no such gathering")
	ErrStage     = domain.Wrong("stage_unfit", "people gather at a stage of the definition of kind training, supervision or event")
	ErrAnnounced = domain.Refuse("gathering_announced", "it was announced already, otherwise; move it with gathering.reschedule")
	ErrCancelled = domain.Refuse("gathering_cancelled", "it was called off; announce another under another id")
	ErrMinutes   = domain.Wrong("minutes_malformed", "expected whole minutes, 1 to 1440")
	ErrFuture    = domain.Refuse("gathering_ahead", "it has not begun yet: who was there is recorded afterwards")
	ErrRecorded  = domain.Refuse("attendance_recorded", "that was recorded already, otherwise; correct it with attendance.correct")
	ErrNoRecord  = domain.Missing("attendance_unknown", "nothing was recorded of this person there")
)

// At is the time of a gathering as people say it: local, with its zone.
type At struct {
	Local   string `json:"local"`
	Zone    string `json:"zone"`
	Mode    string `json:"mode"`
	Minutes int    `json:"minutes"`
}

func (At) OneOf() map[string][]string {
	return map[string][]string{"mode": programme.Vocabulary["mode"]}
}

func (a At) slot() (Slot, error) {
	start, err := when.Local(a.Local, a.Zone)
	return Slot{a.Local, a.Zone, start.UTC(), a.Mode, a.Minutes}, cmp.Or(err, domain.CheckCode("mode", a.Mode), checkMinutes(a.Minutes))
}

func checkMinutes(n int) error {
	if n < 1 || n > 24*60 {
		return ErrMinutes
	}
	return nil
}

// Announce is gathering.announce.
type Announce struct {
	ID
	Stage string `json:"stage"`
	Title string `json:"title,omitzero"` // without it, the stage's text
	At

	// Looked up: the stage, and that the cycle is closed.
	Plan programme.Stage `json:"-"`
	Over bool            `json:"-"`
}

func (c Announce) Decide(s State, _ time.Time) ([]Event, error) {
	slot, err := c.slot()
	e := Announced{c.Stage, c.Plan.Kind, c.Plan.For, cmp.Or(c.Title, c.Plan.Text), slot}
	switch {
	case err != nil:
		return nil, err
	case !c.Plan.Gathers():
		return nil, ErrStage.Because(c.Stage)
	case s.announced.Stage == e.Stage && s.announced.Title == e.Title && s.slot == slot && !s.cancelled:
		return nil, nil
	case s.cancelled:
		return nil, ErrCancelled
	case s.announced.Stage != "":
		return nil, ErrAnnounced
	case c.Over:
		return nil, cycle.ErrClosed
	}
	return []Event{e}, nil
}

// Reschedule is gathering.reschedule.
type Reschedule struct {
	ID
	At
}

func (c Reschedule) Decide(s State, _ time.Time) ([]Event, error) {
	slot, err := c.slot()
	switch {
	case err != nil:
		return nil, err
	case s.announced.Stage == "":
		return nil, ErrUnknown
	case s.slot == slot && !s.cancelled:
		return nil, nil
	case s.cancelled:
		return nil, ErrCancelled
	}
	return []Event{Rescheduled{s.slot, slot, s.sequence + 1}}, nil
}

// Cancel is gathering.cancel.
type Cancel struct{ ID }

func (c Cancel) Decide(s State, _ time.Time) ([]Event, error) {
	switch {
	case s.announced.Stage == "":
		return nil, ErrUnknown
	case s.cancelled:
		return nil, nil
	}
	return []Event{Cancelled{}}, nil
}

// RecordAttendance is attendance.record.
type RecordAttendance struct {
	ID
	Person  domain.Person `json:"person"`
	Minutes int           `json:"minutes"`

	// Looked up: when it began, and that the cycle is closed.
	Began time.Time `json:"-"`
	Over  bool      `json:"-"`
}

// OccurredAt is when the gathering began.
func (c RecordAttendance) OccurredAt() time.Time { return c.Began }

func (c RecordAttendance) record(s State) AttendanceRecorded {
	e := AttendanceRecorded{Person: c.Person, Present: c.Minutes > 0, Minutes: c.Minutes, Stage: s.announced.Stage, Kind: s.announced.Kind}
	if s.cancelled {
		e.Nonconformities = append(e.Nonconformities, "gathering_cancelled")
	}
	if c.Over {
		e.Nonconformities = append(e.Nonconformities, "after_cycle_close")
	}
	return e
}

func (c RecordAttendance) Decide(s State, now time.Time) ([]Event, error) {
	switch i := s.of(c.Person); {
	case s.announced.Stage == "":
		return nil, ErrUnknown
	case checkMinutes(c.Minutes) != nil:
		return nil, ErrMinutes
	case s.slot.Start.After(now):
		return nil, ErrFuture
	case i >= 0 && s.attended[i].Minutes == c.Minutes:
		return nil, nil
	case i >= 0:
		return nil, ErrRecorded
	}
	return []Event{c.record(s)}, nil
}

// CorrectAttendance is attendance.correct: how long it was; 0 is not at all. The
// envelope says why.
type CorrectAttendance struct{ RecordAttendance }

// Corrects tells whether an event is the record that is corrected, or an
// earlier correction of it.
func (c CorrectAttendance) Corrects(event any) bool {
	switch e := event.(type) {
	case AttendanceRecorded:
		return e.Person == c.Person
	case AttendanceCorrected:
		return e.Person == c.Person
	}
	return false
}

func (c CorrectAttendance) Decide(s State, _ time.Time) ([]Event, error) {
	i := s.of(c.Person)
	switch {
	case s.announced.Stage == "":
		return nil, ErrUnknown
	case i < 0:
		return nil, ErrNoRecord
	case c.Minutes != 0 && checkMinutes(c.Minutes) != nil:
		return nil, ErrMinutes
	case s.attended[i].Minutes == c.Minutes:
		return nil, nil
	}
	e := AttendanceCorrected(c.record(s))
	e.Nonconformities = s.attended[i].Nonconformities // what stood around it when it was recorded
	return []Event{e}, nil
}
