package person_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/domaintest"
	. "github.com/daybook-engine/daybook/domain/person"
)

const ana domain.Person = "0b9a2a52-7d0c-4a25-8f0f-3f1d8b6a5c11"

func TestPerson(t *testing.T) {
	t.Parallel()
	type row = domaintest.Row[State, Event]
	handle, name := domain.Private{Text: "ana-m"}, domain.Private{Text: "Ana Marković"}
	register := Register{ID: ID{Person: ana}, Register: "nemo-121", Handle: handle, Name: name}
	registered := Registered{
		Person: ana, Register: "nemo-121",
		Handle: handle.About(domain.Personal, domain.Programme, ana),
		Name:   name.About(domain.Personal, domain.Programme, ana),
	}
	nameless, unnamed := register, registered
	nameless.Name.Text, unnamed.Name.Text = "", ""
	domaintest.Run(t, []row{
		{Name: "somebody is registered", When: register, Then: []Event{registered}, Again: ErrRegistered},
		{Name: "with an empty name, committed too", When: nameless, Then: []Event{unnamed}, Again: ErrRegistered},
		{Name: "a handle is a slug", When: Register{Register: "nemo-121", Handle: domain.Private{Text: "Ana M"}}, Err: domain.ErrSlug},
		{Name: "a register is a slug", When: Register{Handle: handle}, Err: domain.ErrSlug},
	})
	require.True(t, State{}.Apply(registered).Registered())
	require.False(t, State{}.Registered())
}

func TestAPersonIsNamedByARandomID(t *testing.T) {
	t.Parallel()
	id := ID{Person: ana}
	require.NoError(t, id.Check())
	require.Equal(t, "person-"+string(ana), id.Stream())
	require.Equal(t, "installation", id.Book())
	require.EqualError(t, ID{Person: "ana-m"}.Check(), "no person has this handle or id (ana-m)")
}
