package imports

import "github.com/daybook-engine/daybook/domain"

// The structs below are stored for ever. Add optional fields freely; for any
// other change, see package schema.

// Started is import.started: the rows that are new follow.
type Started struct {
	Cycle string         `json:"cycle"`
	Kind  string         `json:"kind"` // people, mentors, applications, matches, sessions, attendance
	File  domain.Private `json:"file"` // the digest of its rows, so that a file can be held against it; about whoever brought it
	Rows  int            `json:"rows"`
}

// Finished is import.finished: what came of the rows.
type Finished struct {
	Recorded int `json:"recorded"`
	Already  int `json:"already"`
	Refused  int `json:"refused"`
	Asked    int `json:"asked"` // put to a person
}

// Reverted is import.reverted: what could be taken back was, by commands of
// its own; the rest stands.
type Reverted struct {
	Undone int `json:"undone"`
	Left   int `json:"left"`
}
