package message

import (
	"time"

	"github.com/daybook-engine/daybook/domain"
)

// The structs below are stored for ever. Add optional fields freely; for any
// other change, see package schema.

// About is what a message is: everything but its words, which follow from it
// when it is written.
type About struct {
	Cycle      string        `json:"cycle"`
	Key        string        `json:"key"`        // of the message in the definition
	Definition domain.Digest `json:"definition"` // the version that has it
	Language   string        `json:"language"`   // of its template
	To         string        `json:"to"`         // applicant, reviewer, mentee, mentor, holder
	Recipient  domain.Person `json:"recipient"`
	Other      domain.Person `json:"other,omitempty"` // whom it names besides
	Event      string        `json:"event"`           // the name of what it tells
	Cause      string        `json:"cause"`           // that event's id
	Stream     string        `json:"stream"`          // that event's
}

// Queued is message.queued: to be sent, for the first time or, where a person
// asked for it, as another attempt.
type Queued struct {
	About
	Attempt int       `json:"attempt"`
	At      time.Time `json:"at"`
}

// Claimed is message.claimed: somebody is about to send it. From here on it
// may have left the house, until it is said what came of it.
type Claimed struct {
	Claim    int            `json:"claim"`    // counts them
	Rendered domain.Private `json:"rendered"` // whole: to which address, subject and text
}

// Delayed is message.delayed: there was nobody to give it to. It waits for as
// long as that lasts, and that is no try.
type Delayed struct {
	Why string `json:"why"` // a code
}

// Sent is message.sent: the mail server took it, or somebody says that it
// arrived.
type Sent struct {
	Claim   int  `json:"claim"`
	Settled bool `json:"settled,omitempty"` // by a person, of what was unknown
	File    bool `json:"file,omitempty"`    // it was written to a file, and somebody else has it
}

// Failed is message.failed: it was surely not sent.
type Failed struct {
	Claim int       `json:"claim"`
	Why   string    `json:"why"`            // a code
	Again time.Time `json:"again,omitzero"` // when it is tried again; zero: it waits for a person
}

// Unknown is message.unknown: it may have been sent, and may not.
type Unknown struct {
	Claim int `json:"claim"`
}

// Withdrawn is message.withdrawn: not to be sent any more.
type Withdrawn struct {
	Why string `json:"why,omitempty"` // a code: the person's, the event that undid what it tells, or erased; none: the envelope's reason
}
