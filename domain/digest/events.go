package digest

// The struct below is stored for ever. Add optional fields freely; for any
// other change, see package schema.

// Queued is digest.queued: one message is to go out. What it says is what the
// person has to do when it goes: the first reminder of a day speaks for those
// that follow on it.
type Queued struct {
	Cycle string `json:"cycle"`
	For   To     `json:"for"`
	Day   string `json:"day"`
}
