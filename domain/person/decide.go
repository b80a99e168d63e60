package person

import (
	"time"

	"github.com/daybook-engine/daybook/domain"
)

// ErrRegistered is the answer to a second registration.
var ErrRegistered = domain.Refuse("person_registered", "this person is already registered")

// Register is person.register.
type Register struct {
	ID
	Register string         `json:"register"`
	Handle   domain.Private `json:"handle"`
	Name     domain.Private `json:"name"`
}

func (c Register) Decide(s State, _ time.Time) ([]Event, error) {
	switch {
	case domain.CheckSlug("register", c.Register) != nil:
		return nil, domain.CheckSlug("register", c.Register)
	case domain.CheckSlug("handle", c.Handle.Text) != nil:
		return nil, domain.CheckSlug("handle", c.Handle.Text)
	case s.registered:
		return nil, ErrRegistered // whether by the same name cannot be told: names are sealed
	}
	return []Event{Registered{
		Person:   c.Person,
		Register: c.Register,
		Handle:   c.Handle.About(domain.Personal, domain.Programme, c.Person),
		Name:     c.Name.About(domain.Personal, domain.Programme, c.Person),
	}}, nil
}
