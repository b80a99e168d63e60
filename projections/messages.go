package projections

import (
	"cmp"
	"context"
	_ "embed"
	"slices"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/message"
)

// A Message is a mail to one person, and what became of it. Its words are
// written when they are asked for; those that were sent are in the vault.
type Message struct {
	Message   string          `json:"message"` // its id
	Key       string          `json:"key"`     // in the definition
	Cycle     string          `json:"cycle"`
	To        string          `json:"to"` // applicant, reviewer, mentee, mentor, holder
	Recipient domain.Person   `json:"recipient"`
	Event     string          `json:"event"` // the name of what it tells
	Cause     string          `json:"cause"` // that event's id
	Stream    string          `json:"stream"`
	Language  string          `json:"language"`
	Phase     message.Phase   `json:"phase"`
	Why       string          `json:"why,omitempty"`       // it failed or was withdrawn: a code
	File      bool            `json:"file,omitempty"`      // it was sent into a file
	Withdrawn bool            `json:"withdrawn,omitempty"` // while it was being sent: if it fails it stays so
	Attempt   int             `json:"attempt"`
	Claim     int             `json:"claim,omitempty"` // how often somebody was about to send it
	QueuedAt  time.Time       `json:"queued_at"`
	At        time.Time       `json:"at"`                 // of what became of it
	Again     time.Time       `json:"again,omitzero"`     // when it is tried again
	Rendered  *domain.Private `json:"rendered,omitempty"` // as it was sent, or was about to be
	N         int64           `json:"n"`                  // of the event that queued it
}

func (m *Message) columns() (string, string, time.Time, bool) {
	due := time.Time{}
	if m.Phase == message.Waiting {
		due = m.due()
	}
	return m.Cycle, string(m.Phase), due, true
}

// Written tells whether its words are those in the vault: what was sent, or
// was about to be. While it waits they would be written anew.
func (m Message) Written() bool { return m.Rendered != nil && m.Phase != message.Waiting }

// State is what became of it, in words.
func (m Message) State() string {
	if m.Phase == message.Done && m.File {
		return "written to a file"
	}
	return string(m.Phase)
}

// due is when it may be sent, while it waits.
func (m *Message) due() time.Time {
	if m.Again.IsZero() {
		return m.QueuedAt
	}
	return m.Again
}

const messagesIndexes = `
CREATE INDEX IF NOT EXISTS messages_cycle ON messages (cycle, phase);
CREATE INDEX IF NOT EXISTS messages_due ON messages (due) WHERE due IS NOT NULL;
`

//go:embed messages.sql
var messagesSQL string

var messages = Projection{
	Name: "messages", Schema: messagesSQL, Documents: []row{&Message{}}, Indexes: messagesIndexes, Apply: applyMessages,
	Names: []string{"message.queued", "message.claimed", "message.delayed", "message.sent", "message.failed", "message.unknown", "message.withdrawn"},
}

func applyMessages(tx *Tx, e *Event) error {
	id := message.ParseStream(e.Stream).Message
	m, err := change[Message](tx, "messages", id)
	if err != nil {
		return err
	}
	why := m.Why
	m.Message, m.At, m.Why, m.Again = id, e.Envelope.RecordedAt, "", time.Time{}
	switch b := e.Body.(type) {
	case message.Queued:
		m.Key, m.Cycle, m.To, m.Recipient, m.Language = b.Key, b.Cycle, b.To, b.Recipient, b.Language
		m.Event, m.Cause, m.Stream = b.Event, b.Cause, b.Stream
		m.Phase, m.Attempt, m.QueuedAt, m.N, m.Withdrawn = message.Waiting, b.Attempt, b.At, e.N, false
	case message.Claimed:
		m.Phase, m.Claim, m.Rendered = message.Sending, b.Claim, &b.Rendered
	case message.Delayed:
		m.Why = b.Why
	case message.Sent:
		m.Phase, m.File = message.Done, b.File
	case message.Failed:
		m.Phase, m.Why, m.Again = message.Undone, b.Why, b.Again
		switch {
		case m.Withdrawn:
			m.Phase, m.Why = message.Off, why
		case !b.Again.IsZero():
			m.Phase = message.Waiting
		}
	case message.Unknown:
		m.Phase = message.Unclear
	case message.Withdrawn:
		m.Why = cmp.Or(b.Why, e.Envelope.Reason)
		if m.Phase == message.Sending {
			m.Withdrawn = true
		} else {
			m.Phase = message.Off
		}
	}
	return nil
}

func messagesOf(conn *sqlite.Conn, cycle string) ([]Message, error) {
	list, err := bodies[Message](conn, "SELECT body FROM messages WHERE cycle = ? ORDER BY key", cycle)
	inOrder(list)
	return list, err
}

// inOrder puts messages in the order in which they were queued.
func inOrder(list []Message) {
	slices.SortFunc(list, func(a, b Message) int { return cmp.Compare(a.N, b.N) })
}

// Messages lists a cycle's messages in the order in which they were queued.
func (v *Views) Messages(ctx context.Context, cycle string) (list []Message, err error) {
	err = v.ask(ctx, func(conn *sqlite.Conn) error {
		list, err = messagesOf(conn, cycle)
		return err
	})
	return list, err
}

// Message finds a message by its id.
func (v *Views) Message(ctx context.Context, id string) (m Message, err error) {
	err = v.ask(ctx, func(conn *sqlite.Conn) error {
		list, err := bodies[Message](conn, "SELECT body FROM messages WHERE key = ?", id)
		if err == nil && len(list) == 0 {
			err = message.ErrUnknown.Because(id)
		}
		if err == nil {
			m = list[0]
		}
		return err
	})
	return m, err
}

// Waiting lists the messages of all cycles that may be sent now, in the order
// in which they were queued.
func (v *Views) Waiting(ctx context.Context, now time.Time) (list []Message, err error) {
	err = v.ask(ctx, func(conn *sqlite.Conn) error {
		list, err = bodies[Message](conn, "SELECT body FROM messages WHERE due <= ?", now.UnixMicro())
		return err
	})
	list = slices.DeleteFunc(list, func(m Message) bool { return m.due().After(now) }) // the column is cut to the microsecond
	inOrder(list)
	return list, err
}

// Claimed lists those that somebody began to send.
func (v *Views) Claimed(ctx context.Context) (list []Message, err error) {
	err = v.ask(ctx, func(conn *sqlite.Conn) error {
		list, err = bodies[Message](conn, "SELECT body FROM messages WHERE phase = ?", string(message.Sending))
		return err
	})
	inOrder(list)
	return list, err
}

// items are what people have to do about a message.
func (m Message) items() []Item {
	t := Item{
		Kind: "message", Command: "message.settle", Role: "coordinator", Cycle: m.Cycle, Stream: message.ID{Message: m.Message}.Stream(),
		About: m.Recipient, Args: args("message", m.Message),
	}
	which := "the message “" + words(m.Key) + "” to " + token(m.Recipient)
	switch {
	case m.Phase == message.Unclear:
		t.Words = "ask whether " + which + " arrived, and say so, or have it sent again"
	case m.Phase == message.Undone:
		t.Words = which + " was not sent, " + Unsent(m.Why) + ": have it sent again, or withdraw it"
	default:
		return nil
	}
	return []Item{t}
}

// waited is how long a message may wait for a server before somebody is asked to
// see to it: less than for what it may become too old to be sent.
const waited = 24 * time.Hour

// stuck is what people have to do about the messages that nobody takes from us,
// the oldest in the name of all.
func stuck(list []Message, now time.Time) []Item {
	list = slices.DeleteFunc(slices.Clone(list), func(m Message) bool {
		return m.Phase != message.Waiting || m.Why != "away" || now.Sub(m.At) < waited
	})
	if len(list) == 0 {
		return nil
	}
	m, others := list[0], ""
	if n := len(list) - 1; n > 0 {
		others = " and " + plural(n, "other message")
	}
	return []Item{{
		Kind: "message", Words: "the message “" + words(m.Key) + "” to " + token(m.Recipient) + others + ": " + Unsent(m.Why) + ", for more than a day; have that mended, or withdraw what is not to go out late",
		Command: "message.withdraw", Role: "coordinator", Cycle: m.Cycle, Stream: message.ID{Message: m.Message}.Stream(), About: m.Recipient, Args: args("message", m.Message), Since: m.At,
	}}
}
