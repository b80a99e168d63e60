// Package task is something that somebody has to do: opened by an event of
// the programme, due by a rule, claimed, handed on, and completed by whoever
// did it or by what happened.
//
// Who may have it is judged again whenever it changes hands, so that nobody
// comes by way of somebody else to what they may not do themselves.
package task

import (
	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/domain/call"
	"github.com/daybook-engine/daybook/domain/cycle"
	"github.com/daybook-engine/daybook/domain/match"
)

// ID names a task: by its id, or else by the key that it has in the
// definition and what it is about.
type ID struct {
	Cycle string `json:"cycle,omitempty"`
	Task  string `json:"task"`
	About About  `json:"about,omitzero"`
}

// New is the id of the task of a key that an event opens: always the same.
func New(cause, key string) string { return domain.UUID5("task", cause, key) }

func (id ID) Stream() string { return "task-" + id.Task }
func (id ID) Book() string   { return "cycle/" + id.Cycle }

func (id ID) Check() error {
	if !domain.IsUUID(id.Task) {
		return ErrUnknown.Because(id.Task)
	}
	return domain.CheckSlug("cycle", id.Cycle)
}

// About is what a task is about within its cycle: an application, a match or
// one of its sessions, a call, or, where nothing is said, the cycle itself.
type About struct {
	Call     string        `json:"call,omitempty"`
	Person   domain.Person `json:"person,omitempty"` // who applies
	Reviewer domain.Person `json:"reviewer,omitempty"`
	Match    string        `json:"match,omitempty"`
	Session  int           `json:"session,omitempty"`
}

// File is the stream of what a task is about.
func (a About) File(in string) string {
	switch {
	case a.Match != "":
		return match.ID{Cycle: in, Match: a.Match}.Stream()
	case a.Person != "":
		return application.ID{Cycle: in, Call: a.Call, Person: a.Person}.Stream()
	case a.Call != "":
		return call.ID{Cycle: in, Call: a.Call}.Stream()
	}
	return cycle.ID{Cycle: in}.Stream()
}

// Concerns tells whether what happens to b concerns a task about a: the same
// application, match, call or cycle, and where both name a session or a
// reviewer, the same. What happens to a call concerns its cycle.
func (a About) Concerns(b About) bool {
	if a == (About{}) {
		return b.Person == "" && b.Match == ""
	}
	return a.Call == b.Call && a.Person == b.Person && a.Match == b.Match &&
		(a.Session == 0 || b.Session == 0 || a.Session == b.Session) && (a.Reviewer == "" || b.Reviewer == "" || a.Reviewer == b.Reviewer)
}
