package mentor

import (
	"fmt"

	"github.com/daybook-engine/daybook/domain"
)

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

// EngagementRefused is engagement.refused: the mentor has no room, and the
// match waits for some.
type EngagementRefused struct {
	Cycle    string `json:"cycle"`
	Match    string `json:"match"`
	Capacity int    `json:"capacity"`
}

// Refused is the answer that was given.
func (e EngagementRefused) Refused() *domain.Error {
	return ErrFull.Because(fmt.Sprintf("%d of %d", e.Capacity, e.Capacity))
}

// Freed is mentor.freed: that match is over, and takes or awaits no room.
type Freed struct {
	Cycle string `json:"cycle"`
	Match string `json:"match"`
}
