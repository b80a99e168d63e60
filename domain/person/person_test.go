package person_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/domaintest"
	. "github.com/daybook-engine/daybook/domain/person"
)

const ana, ben domain.Person = "0b9a2a52-7d0c-4a25-8f0f-3f1d8b6a5c11", "7c1d2f3e-4b5a-4968-9786-a5b4c3d2e1f0"

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
	known, started, completed := []Event{registered}, []Event{ErasureStarted{ben}}, []Event{ErasureCompleted{7}}
	domaintest.Run(t, []row{
		{Name: "somebody is registered", When: register, Then: []Event{registered}, Again: ErrRegistered},
		{Name: "with an empty name, committed too", When: nameless, Then: []Event{unnamed}, Again: ErrRegistered},
		{Name: "a handle is a slug", When: Register{Register: "nemo-121", Handle: domain.Private{Text: "Ana M"}}, Err: domain.ErrSlug},
		{Name: "an erasure is approved by a second", Given: known, When: StartErasure{ID{ana}, ben, "carla"}, Then: started},
		{Name: "not by who asks", Given: known, When: StartErasure{ID{ana}, "carla", "carla"}, Err: ErrApproval},
		{Name: "nor by whom it is about", Given: known, When: StartErasure{ID{ana}, ana, "carla"}, Err: ErrApproval},
		{Name: "nor by nobody", Given: known, When: StartErasure{ID{ana}, "", "carla"}, Err: ErrApproval},
		{Name: "nobody erases a stranger", When: StartErasure{ID{ana}, ben, "carla"}, Err: ErrUnknown},
		{Name: "an erasure is done when the vault has done it", Given: slices.Concat(known, started), When: CompleteErasure{ID{ana}, 7}, Then: completed},
		{Name: "not unasked", Given: known, When: CompleteErasure{ID{ana}, 7}, Err: ErrNotStarted},
		{Name: "and once", Given: slices.Concat(known, started, completed), When: StartErasure{ID{ana}, ben, "carla"}},
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
	require.Equal(t, ana, Of(id.Stream()))
	require.Equal(t, "installation", id.Book())
	require.EqualError(t, ID{Person: "ana-m"}.Check(), "no person has this handle or id (ana-m)")
}
