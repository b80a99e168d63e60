package person

import "github.com/daybook-engine/daybook/domain"

// The structs below are stored for ever. Add optional fields freely; for any
// other change, see package schema.

// Registered is person.registered.
type Registered struct {
	Person   domain.Person  `json:"person"`
	Register string         `json:"register"` // whose participants: "nemo-121", "gem-mentors"
	Handle   domain.Private `json:"handle"`   // the short name that staff type
	Name     domain.Private `json:"name"`
}
