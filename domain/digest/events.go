package digest

import "time"

// The struct below is stored for ever. Add optional fields freely; for any
// other change, see package schema.

// Queued is digest.queued: one message is to go out. What it says is what the
// person has to do when it goes: the first reminder of a day speaks for those
// that follow on it, but of what came to them since.
type Queued struct {
	Cycle string `json:"cycle"`
	For   To     `json:"for"`
	Day   string `json:"day"`

	At time.Time `json:"at,omitzero"` // when it was queued; events of the first Daybooks do not say that
}
