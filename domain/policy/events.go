package policy

import "github.com/daybook-engine/daybook/domain"

// The structs below are stored for ever. Add optional fields freely; for any
// other change, see package schema.

// Started is policy.started: these policies react to what lies after an event.
// Those that were there with the first Daybook are in none: they react to
// everything.
type Started struct {
	Policies []string `json:"policies"`
	After    string   `json:"after,omitempty"` // the event's id; none: everything
}

// At is the event that an instance stands at, or stood at.
type At struct {
	Policy string `json:"policy"`
	Stream string `json:"stream"` // that the instance answers
	Event  string `json:"event"`
	Cycle  string `json:"cycle,omitempty"` // that the event names, where its book is no cycle's
}

// Parked is policy.parked.
type Parked struct {
	At
	Attempts int    `json:"attempts"`
	Fault    string `json:"fault"`             // unreadable, lookup, command, panic, repair_refused
	Command  string `json:"command,omitempty"` // of the clock, which has no event: what fell due
}

// Retried is policy.retried: the instance answers the event again.
type Retried struct {
	At
	Note domain.Private `json:"note"`
}

// Skipped is policy.skipped: the event is not answered.
type Skipped struct {
	At
	Note domain.Private `json:"note"`
}

// Repaired is policy.repaired: the event is answered with this command.
type Repaired struct {
	At
	Command string          `json:"command"`
	With    string          `json:"with"`             // its fields, as JSON
	People  []domain.Person `json:"people,omitempty"` // whom those name
	Note    domain.Private  `json:"note"`
}
