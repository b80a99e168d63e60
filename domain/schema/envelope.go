package schema

import (
	"errors"
	"fmt"
	"time"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/measure"
)

// An Envelope is what is known about any event, whatever it says: an event's
// metadata, kept as these exact bytes. Its place in the log is the store's.
type Envelope struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	RecordedAt time.Time `json:"recorded_at"` // the engine's now, UTC
	OccurredAt time.Time `json:"occurred_at"` // when it happened, UTC

	Actor      string        `json:"actor"`                  // a person's id; "clock" or a policy's name for the engine's own doing
	Role       string        `json:"role"`                   // in which the actor acted
	OnBehalfOf domain.Person `json:"on_behalf_of,omitempty"` // whose act it is, where somebody keyed it in
	Channel    string        `json:"channel"`                // web, cli, email, phone, paper, import, rehearsal, system

	Book        string `json:"book"`
	CommandID   string `json:"command_id"`
	Correlation string `json:"correlation"`         // the command that began it all
	Causation   string `json:"causation,omitempty"` // the event that a policy answered

	Reason          string          `json:"reason,omitempty"`    // a code, never free text
	Authority       string          `json:"authority,omitempty"` // the rule or role that allowed an exception
	Subjects        []domain.Person `json:"subjects,omitempty"`
	Nonconformities []string        `json:"nonconformities,omitempty"`
	Corrects        string          `json:"corrects,omitempty"` // the id of the event put right
	Salt            string          `json:"salt"`               // 16 random bytes, base64url: keeps the digest of a short body from being guessed
}

// Encode gives the bytes that are stored: those of Marshal, in half of the time.
func (e Envelope) Encode() ([]byte, error) {
	b, errs := append(make([]byte, 0, 768), '{'), [2]error{}
	text := func(name, value string) {
		b = Quote(append(append(append(b, '"'), name...), `":`...), value)
		b = append(b, ',')
	}
	at := func(name string, t time.Time) (err error) {
		b = append(append(append(b, '"'), name...), `":"`...)
		b, err = t.AppendText(b)
		b = append(b, `",`...)
		return err
	}
	text("id", e.ID)
	text("name", e.Name)
	errs[0] = at("recorded_at", e.RecordedAt)
	errs[1] = at("occurred_at", e.OccurredAt)
	text("actor", e.Actor)
	text("role", e.Role)
	if e.OnBehalfOf != "" {
		text("on_behalf_of", string(e.OnBehalfOf))
	}
	text("channel", e.Channel)
	text("book", e.Book)
	text("command_id", e.CommandID)
	text("correlation", e.Correlation)
	if e.Causation != "" {
		text("causation", e.Causation)
	}
	if e.Reason != "" {
		text("reason", e.Reason)
	}
	if e.Authority != "" {
		text("authority", e.Authority)
	}
	if len(e.Subjects) > 0 {
		b = quoteList(append(b, `"subjects":`...), e.Subjects)
	}
	if len(e.Nonconformities) > 0 {
		b = quoteList(append(b, `"nonconformities":`...), e.Nonconformities)
	}
	if e.Corrects != "" {
		text("corrects", e.Corrects)
	}
	text("salt", e.Salt)
	b[len(b)-1] = '}'
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("encode envelope of %s: %w", e.Name, err)
	}
	return b, nil
}

func quoteList[T ~string](b []byte, list []T) []byte {
	for i, s := range list {
		b = Quote(append(b, "[,"[min(i, 1)]), string(s))
	}
	return append(b, "],"...)
}

// DecodeEnvelope reads an event's metadata.
func DecodeEnvelope(metadata []byte) (e Envelope, err error) { return e, e.Decode(metadata) }

// Decode makes e what an event's metadata says, whatever it was.
func (e *Envelope) Decode(metadata []byte) error {
	*e = Envelope{}
	if e.scan(metadata) {
		return nil
	}
	*e = Envelope{}
	if err := Unmarshal(metadata, e); err != nil {
		return fmt.Errorf("decode envelope: %w", err)
	}
	return nil
}

// Cycle is the cycle that an event is about: its book's, or the one that its body
// names; "" where there is none.
func (e Envelope) Cycle(body []byte) string {
	if own := measure.BookOf(e.Book, "cycle"); own != "" {
		return own
	}
	var names struct {
		Cycle string `json:"cycle"`
	}
	_ = Unmarshal(body, &names) // one without it, or with another kind of it, names no cycle
	return names.Cycle
}
