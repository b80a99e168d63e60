package gathering

import (
	"time"

	"github.com/daybook-engine/daybook/domain"
)

// The structs below are stored for ever. Add optional fields freely; for any
// other change, see package schema.

// A Slot is when people come together, and how.
type Slot struct {
	Local   string    `json:"local"`
	Zone    string    `json:"zone"`
	Start   time.Time `json:"start"`
	Mode    string    `json:"mode"`
	Minutes int       `json:"minutes"`
}

// Announced is gathering.announced.
type Announced struct {
	Stage string   `json:"stage"` // of the definition
	Kind  string   `json:"kind"`  // the stage's: training, supervision, event
	For   []string `json:"for,omitempty"`
	Title string   `json:"title"`
	Slot  Slot     `json:"slot"`
}

// Rescheduled is gathering.rescheduled.
type Rescheduled struct {
	Was      Slot `json:"was"`
	Now      Slot `json:"now"`
	Sequence int  `json:"sequence"` // counts them
}

// Cancelled is gathering.cancelled.
type Cancelled struct{}

// AttendanceRecorded is attendance.recorded: somebody was there.
type AttendanceRecorded struct {
	Person          domain.Person `json:"person"`
	Present         bool          `json:"present"`
	Minutes         int           `json:"minutes"`
	Stage           string        `json:"stage"`
	Kind            string        `json:"kind"`
	Nonconformities []string      `json:"nonconformities"`
}

// AttendanceCorrected is attendance.corrected: the record as it should have
// been, which may be that they were not there.
type AttendanceCorrected AttendanceRecorded

// Marks are what does not conform.
func (e AttendanceRecorded) Marks() []string  { return e.Nonconformities }
func (e AttendanceCorrected) Marks() []string { return e.Nonconformities }
