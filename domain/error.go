package domain

import "strings"

// Kind says what sort of answer an error is.
type Kind string

const (
	Invalid  Kind = "invalid"   // the command makes no sense: a field is missing or malformed
	Denied   Kind = "denied"    // this actor may not
	Refused  Kind = "refused"   // the rules say no
	NotFound Kind = "not found" // there is no such thing
)

func (k Kind) Error() string { return string(k) }

// An Error is an answer of the rules, told apart by its Code and put to
// people in a whole sentence. errors.Is matches it by code, and by kind.
type Error struct {
	Kind Kind
	Code string // "deadline_passed": for machines, rehearsals and the history; never changed
	Text string // for people: lower case, no full stop
}

func (e *Error) Error() string { return e.Text }
func (e *Error) Unwrap() error { return e.Kind }

func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// Because is the same answer with what it rests on: "… (5 of 5 are taken)".
func (e *Error) Because(detail string) *Error {
	return &Error{e.Kind, e.Code, e.Text + " (" + detail + ")"}
}

// Refuse makes a rule's refusal.
func Refuse(code, text string) *Error { return &Error{Refused, code, text} }

// Wrong makes the answer to a command that makes no sense.
func Wrong(code, text string) *Error { return &Error{Invalid, code, text} }

// Deny makes the answer to somebody who may not.
func Deny(code, text string) *Error { return &Error{Denied, code, text} }

// Missing makes the answer to a command about something that isn't there.
func Missing(code, text string) *Error { return &Error{NotFound, code, text} }

// Either lists words as people do: "a, b or c".
func Either(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
