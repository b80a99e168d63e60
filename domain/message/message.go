// Package message is one mail to one person about one event: queued, claimed
// by whoever sends it, and then sent, failed, or nobody knows. It is sent once
// or not at all: what may have left the house is never sent again unless a
// person says so.
package message

import (
	"strings"

	"github.com/daybook-engine/daybook/domain"
)

// ID names a message: a UUID that tells nothing.
type ID struct {
	Message string `json:"message"`

	// Looked up, where the message is there already.
	Cycle string `json:"-"`
}

// Of is the message of a definition's key about an event to a person: the same
// however often the event is answered.
func Of(event, key string, to domain.Person, cycle string) ID {
	return ID{domain.UUID5("message", event, key, string(to)), cycle}
}

func (id ID) Stream() string { return "message-" + id.Message }
func (id ID) Book() string   { return "cycle/" + id.Cycle }

// ParseStream gives back the message that a stream is named by.
func ParseStream(stream string) ID {
	return ID{Message: strings.TrimPrefix(stream, ID{}.Stream())}
}

func (id ID) Check() error {
	if !domain.IsUUID(id.Message) {
		return ErrUnknown.Because(id.Message)
	}
	return nil
}
