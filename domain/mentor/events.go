package mentor

import "github.com/daybook-engine/daybook/domain"

// The structs below are stored for ever. Add optional fields freely; for any
// other change, see package schema.

// Joined is mentor.joined.
type Joined struct {
	Mentor    domain.Person `json:"mentor"`
	Pool      string        `json:"pool"` // the organisation that runs it
	Capacity  int           `json:"capacity"`
	Expertise []string      `json:"expertise,omitempty"`
}

// Engaged is mentor.engaged: one unit of capacity is taken by a match.
type Engaged struct {
	Cycle string `json:"cycle"`
	Match string `json:"match"`
}

// Freed is mentor.freed: that match is over.
type Freed struct {
	Cycle string `json:"cycle"`
	Match string `json:"match"`
}
