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
	Language string         `json:"language,omitempty"` // in which the person is written to
	Email    domain.Private `json:"email,omitzero"`     // absent in a log from before it was asked for
}

// NameSet is name.set: what the person is called from now on. The earlier name
// stays in the vault as long as they do.
type NameSet struct {
	Name domain.Private `json:"name"`
	Was  domain.Digest  `json:"was"` // where in the vault the earlier one is
}

// EmailSet is email.set: where the person is written to from now on; nowhere,
// where the text is empty.
type EmailSet struct {
	Email domain.Private `json:"email"`
}

// LanguageSet is language.set: in which the person is written to from now on; in
// the first that there is, where it is empty. What is queued already stays.
type LanguageSet struct {
	Language string `json:"language,omitempty"`
}

// ErasureStarted is erasure.started: two people agreed that everything
// personal about a third is to be destroyed.
type ErasureStarted struct {
	Approver domain.Person `json:"approver"`
}

// ErasureCompleted is erasure.completed: keys, texts and handle are gone. The
// events stand, and so do the figures and proofs over them.
type ErasureCompleted struct {
	Texts int `json:"texts"` // that were destroyed, those about two people included
}
