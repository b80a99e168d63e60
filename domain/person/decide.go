package person

import (
	"strings"
	"time"

	"github.com/daybook-engine/daybook/domain"
)

var (
	ErrUnknown    = domain.Wrong("person_unknown", "no person has this handle or id")
	ErrRegistered = domain.Refuse("person_registered", "this person is already registered")
	ErrName       = domain.Wrong("name_missing", "a person has a name")
	ErrEmail      = domain.Wrong("email_malformed", "an e-mail address is like anna@example.org")
	ErrErased     = domain.Refuse("person_erased", "this is about somebody who was erased: nothing personal is kept about them")
	ErrApproval   = domain.Refuse("approval_missing", "an erasure is approved by somebody other than who asks for it and whom it is about")
	ErrNotStarted = domain.Refuse("erasure_not_started", "nobody has asked for this erasure")
)

// Register is person.register.
type Register struct {
	ID
	Register string         `json:"register"`
	Handle   domain.Private `json:"handle"`
	Name     domain.Private `json:"name"`
	Language string         `json:"language,omitzero"`
	Email    domain.Private `json:"email,omitzero"`
}

func (c Register) Decide(s State, _ time.Time) ([]Event, error) {
	switch {
	case domain.CheckSlug("register", c.Register) != nil:
		return nil, domain.CheckSlug("register", c.Register)
	case domain.CheckSlug("handle", c.Handle.Text) != nil:
		return nil, domain.CheckSlug("handle", c.Handle.Text)
	case domain.CheckLanguage(c.Language) != nil:
		return nil, domain.CheckLanguage(c.Language)
	case !isEmail(c.Email.Text):
		return nil, ErrEmail
	case s.Registered():
		return nil, ErrRegistered // whether by the same name cannot be told: names are sealed
	}
	return []Event{Registered{
		Person:   c.Person,
		Register: c.Register,
		Handle:   c.Handle.About(domain.Personal, domain.Programme, c.Person),
		Name:     c.Name.About(domain.Personal, domain.Programme, c.Person),
		Language: c.Language,
		Email:    c.Email.About(domain.Personal, domain.Programme, c.Person),
	}}, nil
}

// isEmail tells whether an address may be empty or looks like one. Whether it
// is anybody's, only a letter tells. It is not repeated in the answer: it is
// personal.
func isEmail(address string) bool {
	local, host, ok := strings.Cut(address, "@")
	strange := strings.IndexFunc(address, func(r rune) bool {
		return r <= ' ' || r == 0x7f || strings.ContainsRune(`<>()[]\,;:"`, r)
	})
	return address == "" || ok && local != "" && strings.Trim(host, ".") == host && host != "" && !strings.Contains(host, "@") && strange < 0 && len(address) <= 254
}

// SetName is name.set.
type SetName struct {
	ID
	Name domain.Private `json:"name"`
}

func (c SetName) Decide(s State, _ time.Time) ([]Event, error) {
	switch {
	case !s.Registered():
		return nil, ErrUnknown
	case strings.TrimSpace(c.Name.Text) == "":
		return nil, ErrName
	case s.Erased():
		return nil, ErrErased
	case s.name == c.Name.Digest:
		return nil, nil
	}
	return []Event{NameSet{c.Name.About(domain.Personal, domain.Programme, c.Person), s.name}}, nil
}

// SetEmail is email.set.
type SetEmail struct {
	ID
	Email domain.Private `json:"email"`
}

func (c SetEmail) Decide(s State, _ time.Time) ([]Event, error) {
	switch {
	case !s.Registered():
		return nil, ErrUnknown
	case !isEmail(c.Email.Text):
		return nil, ErrEmail
	case s.Erased():
		return nil, ErrErased
	case s.email == c.Email.Digest:
		return nil, nil
	}
	return []Event{EmailSet{c.Email.About(domain.Personal, domain.Programme, c.Person)}}, nil
}

// SetLanguage is language.set.
type SetLanguage struct {
	ID
	Language string `json:"language"`
}

func (c SetLanguage) Decide(s State, _ time.Time) ([]Event, error) {
	switch {
	case !s.Registered():
		return nil, ErrUnknown
	case domain.CheckLanguage(c.Language) != nil:
		return nil, domain.CheckLanguage(c.Language)
	case s.Erased():
		return nil, ErrErased
	case s.language == c.Language:
		return nil, nil
	}
	return []Event{LanguageSet{c.Language}}, nil
}

// StartErasure is erasure.start: from here on there is no way back, and until
// the erasure is completed it is to be asked for again.
type StartErasure struct {
	ID
	Approver domain.Person `json:"approver"`

	Actor domain.Person `json:"-" from:"actor"`
}

func (c StartErasure) Decide(s State, _ time.Time) ([]Event, error) {
	switch {
	case !s.Registered():
		return nil, ErrUnknown
	case s.erasure != "":
		return nil, nil
	case c.Approver == "", c.Approver == c.Actor, c.Approver == c.Person:
		return nil, ErrApproval
	}
	return []Event{ErasureStarted{c.Approver}}, nil
}

// CompleteErasure is erasure.complete: the vault has carried it out.
type CompleteErasure struct {
	ID
	Texts int `json:"texts"`
}

func (c CompleteErasure) Decide(s State, _ time.Time) ([]Event, error) {
	switch s.erasure {
	case "":
		return nil, ErrNotStarted
	case "completed":
		return nil, nil
	}
	return []Event{ErasureCompleted{c.Texts}}, nil
}
