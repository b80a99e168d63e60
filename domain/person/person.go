// Package person is the register of people: random ids in the log, names and
// handles sealed in the vault. A register is a programme's participants or a
// pool's mentors; whoever counts distinct people names the register.
package person

import (
	"strings"

	"github.com/daybook-engine/daybook/domain"
)

// ID names a person.
type ID struct {
	Person domain.Person `json:"person"`
}

func (id ID) Stream() string { return "person-" + string(id.Person) }

// Of is whose stream it is.
func Of(stream string) domain.Person {
	return domain.Person(strings.TrimPrefix(stream, ID{}.Stream()))
}

func (id ID) Book() string { return "installation" }

func (id ID) Check() error {
	if !domain.IsUUID(string(id.Person)) {
		return ErrUnknown.Because(string(id.Person))
	}
	return nil
}
