// Package digest is what somebody is to be told on one day about their tasks:
// one message, however many reminders fall due on it.
package digest

import "github.com/daybook-engine/daybook/domain"

// ID names a digest: for one person, or for a role where nobody in particular
// has a task yet, on one day in the programme's zone.
type ID struct {
	Cycle string `json:"cycle"`
	For   To     `json:"for"`
	Day   string `json:"day"` // 2023-10-03
}

// To is whom a digest is for.
type To struct {
	Role   string        `json:"role,omitempty"` // where it is for no one person
	Person domain.Person `json:"person,omitempty"`
}

func (id ID) Stream() string {
	return "digest-" + domain.UUID5("digest", id.Cycle, id.For.Role, string(id.For.Person), id.Day)
}

func (id ID) Book() string { return "cycle/" + id.Cycle }

func (id ID) Check() error { return domain.CheckSlug("cycle", id.Cycle) }
