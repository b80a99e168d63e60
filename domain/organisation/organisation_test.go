package organisation_test

import (
	"testing"
	_ "time/tzdata"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/domaintest"
	. "github.com/daybook-engine/daybook/domain/organisation"
	"github.com/daybook-engine/daybook/domain/when"
)

func TestOrganisation(t *testing.T) {
	t.Parallel()
	type row = domaintest.Row[State, Event]
	type events = []Event
	museum := events{Registered{Name: "Sofia City Museum", Kind: "museum"}}
	domaintest.Run(t, []row{
		{
			Name: "a network is registered",
			When: Register{Name: "NEMO", Kind: "network", Country: "DE", Zone: "Europe/Berlin"},
			Then: events{Registered{Name: "NEMO", Kind: "network", Country: "DE", Zone: "Europe/Berlin"}},
		},
		{Name: "it has a name", When: Register{Kind: "network"}, Err: ErrName},
		{Name: "it is of a known kind", When: Register{Name: "NEMO", Kind: "club"}, Err: ErrKind},
		{Name: "in a country", When: Register{Name: "NEMO", Kind: "network", Country: "Germany"}, Err: ErrCountry},
		{Name: "and a zone that is one", When: Register{Name: "NEMO", Kind: "network", Zone: "CET"}, Err: when.ErrZoneAbbreviation},
		{
			Name: "it belongs to a network", Given: museum,
			When: RecordMembership{Network: "nemo"}, Then: events{MembershipRecorded{Network: "nemo"}},
		},
		{
			Name: "and to a second", Given: append(museum[:1:1], MembershipRecorded{Network: "nemo"}),
			When: RecordMembership{Network: "gem"}, Then: events{MembershipRecorded{Network: "gem"}},
		},
		{Name: "a network is named by its slug", Given: museum, When: RecordMembership{Network: "NEMO!"}, Err: domain.ErrSlug},
		{Name: "strangers belong to no network", When: RecordMembership{Network: "nemo"}, Err: ErrUnknown},
	})
}

func TestMembersAreToldFromOthers(t *testing.T) {
	t.Parallel()
	s := State{}.Apply(Registered{}).Apply(MembershipRecorded{Network: "nemo"})
	require.True(t, s.MemberOf("nemo"))
	require.False(t, s.MemberOf("gem"))
}

func TestAnOrganisationIsNamedBySlug(t *testing.T) {
	t.Parallel()
	id := ID{Organisation: "nemo"}
	require.NoError(t, id.Check())
	require.Equal(t, "organisation-nemo", id.Stream())
	require.Equal(t, "installation", id.Book())
	require.ErrorIs(t, ID{Organisation: "N E"}.Check(), domain.ErrSlug)
}
