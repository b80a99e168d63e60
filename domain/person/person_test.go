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
	committed := func(text string) domain.Private { return domain.Private{Text: text}.Commit([]byte("salt")) }
	handle, name := domain.Private{Text: "ana-m"}, committed("Ana Marković")
	email := domain.Private{Text: "ana@example.org"}
	register := Register{ID: ID{Person: ana}, Register: "nemo-121", Handle: handle, Name: name, Language: "sr-Latn-RS", Email: email}
	registered := Registered{
		Person: ana, Register: "nemo-121", Language: "sr-Latn-RS",
		Handle: handle.About(domain.Personal, domain.Programme, ana),
		Name:   name.About(domain.Personal, domain.Programme, ana),
		Email:  email.About(domain.Personal, domain.Programme, ana),
	}
	address := func(text string) SetEmail { return SetEmail{ID{ana}, domain.Private{Text: text}} }
	set := func(text string) []Event {
		return []Event{EmailSet{domain.Private{Text: text}.About(domain.Personal, domain.Programme, ana)}}
	}
	rename := func(text string) SetName { return SetName{ID{ana}, domain.Private{Text: text}} }
	renamed := func(text, was string) []Event {
		return []Event{NameSet{committed(text).About(domain.Personal, domain.Programme, ana), committed(was).Digest}}
	}
	nameless, unnamed := register, registered
	nameless.Name.Text, unnamed.Name.Text = "", ""
	known, started, completed := []Event{registered}, []Event{ErasureStarted{ben}}, []Event{ErasureCompleted{7}}
	domaintest.Run(t, []row{
		{Name: "somebody is registered", When: register, Then: []Event{registered}, Again: ErrRegistered},
		{Name: "with an empty name, committed too", When: nameless, Then: []Event{unnamed}, Again: ErrRegistered},
		{Name: "a handle is a slug", When: Register{Register: "nemo-121", Handle: domain.Private{Text: "Ana M"}}, Err: domain.ErrSlug},
		{Name: "a language is a tag", When: Register{Register: "nemo-121", Handle: handle, Language: "German"}, Err: domain.ErrLanguage},
		{Name: "an address is one", When: Register{Register: "nemo-121", Handle: handle, Email: domain.Private{Text: "ana.example.org"}}, Err: ErrEmail},
		{Name: "a name is corrected", Given: known, When: rename("Ana Marić"), Then: renamed("Ana Marić", "Ana Marković")},
		{Name: "and again, from what it was last", Given: slices.Concat(known, renamed("Ana Marić", "Ana Marković")), When: rename("Ana Marin"), Then: renamed("Ana Marin", "Ana Marić")},
		{Name: "not to what it is", Given: known, When: rename("Ana Marković")},
		{Name: "nor to nothing", Given: known, When: rename(" "), Err: ErrName},
		{Name: "nor is a stranger's", When: rename("Ana Marić"), Err: ErrUnknown},
		{Name: "or that of somebody who is being erased", Given: slices.Concat(known, started), When: rename("Ana Marić"), Err: ErrErased},
		{Name: "an address is set later", Given: known, When: address("ana@other.example"), Then: set("ana@other.example")},
		{Name: "or taken away", Given: known, When: address(""), Then: set("")},
		{Name: "one, and not two", Given: known, When: address("ana@example.org,ben@example.org"), Err: ErrEmail},
		{Name: "in one line", Given: known, When: address("ana@example.org\nBcc: all@example.org"), Err: ErrEmail},
		{Name: "not a stranger's", When: address("ana@example.org"), Err: ErrUnknown},
		{Name: "nor that of somebody who is being erased", Given: slices.Concat(known, started), When: address("ana@example.org"), Err: ErrErased},
		{Name: "a language is set later", Given: known, When: SetLanguage{ID{ana}, "de"}, Then: []Event{LanguageSet{"de"}}},
		{Name: "or none any more", Given: known, When: SetLanguage{ID{ana}, ""}, Then: []Event{LanguageSet{}}},
		{Name: "once", Given: known, When: SetLanguage{ID{ana}, "sr-Latn-RS"}},
		{Name: "it is a tag then, too", Given: known, When: SetLanguage{ID{ana}, "German"}, Err: domain.ErrLanguage},
		{Name: "nor is a stranger's set", When: SetLanguage{ID{ana}, "de"}, Err: ErrUnknown},
		{Name: "or that of somebody who is being erased", Given: slices.Concat(known, started), When: SetLanguage{ID{ana}, "de"}, Err: ErrErased},
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
