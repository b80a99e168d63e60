// Package application is one person's request to take part, from draft to
// decision and offer. Its stream's id is made of the call and the person, so
// that there is one live application for each person and call.
package application

import (
	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/call"
)

// ID names an application by its call and its applicant. Applicants need not
// name themselves: the person is then whose act it is.
type ID struct {
	Cycle  string        `json:"cycle"`
	Call   string        `json:"call"`
	Person domain.Person `json:"person" from:"self"`
}

// Key is the application's id: a UUID that tells nothing.
func (id ID) Key() string {
	return domain.UUID5("application", call.ID{Cycle: id.Cycle, Call: id.Call}.Stream(), string(id.Person))
}

// Owner is who may act on the application as a participant.
func (id ID) Owner() domain.Person { return id.Person }

func (id ID) Stream() string { return "application-" + id.Key() }
func (id ID) Book() string   { return "cycle/" + id.Cycle }

func (id ID) Check() error {
	if !domain.IsUUID(string(id.Person)) {
		return domain.Wrong("person_unknown", "no person has this handle or id").Because(string(id.Person))
	}
	return call.ID{Cycle: id.Cycle, Call: id.Call}.Check()
}
