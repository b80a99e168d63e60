package digest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain"
	. "github.com/daybook-engine/daybook/domain/digest"
	"github.com/daybook-engine/daybook/domain/domaintest"
)

func TestDigest(t *testing.T) {
	t.Parallel()
	ana := ID{Cycle: "autumn", For: To{Person: "ana"}, Day: "2023-10-04"}
	const nine, ten, three = "2023-10-04T09:00 Europe/Berlin", "2023-10-04T10:00 Europe/Berlin", "2023-10-04T15:00 Europe/Berlin"
	at := func(local string) []Event {
		return []Event{Queued{Cycle: "autumn", For: ana.For, Day: ana.Day, At: domaintest.At(local)}}
	}
	older := []Event{Queued{Cycle: "autumn", For: ana.For, Day: ana.Day}}
	domaintest.Run(t, []domaintest.Row[State, Event]{
		{Name: "the first reminder of a day queues a digest", Now: nine, When: Queue{ID: ana}, Then: at(nine)},
		{Name: "and no other does of what there was to do then", Given: at(nine), Now: three, When: Queue{ID: ana}},
		{Name: "what came since was not in it, and is in another", Given: at(nine), Now: three, When: Queue{ID: ana, Came: domaintest.At(ten)}, Then: at(three)},
		{Name: "not what came before", Given: at(ten), Now: three, When: Queue{ID: ana, Came: domaintest.At(nine)}},
		{Name: "of an older one it is not known when it was", Given: older, Now: three, When: Queue{ID: ana, Came: domaintest.At(ten)}},
		{Name: "not one for nobody", When: Queue{ID: ID{Cycle: "autumn", Day: ana.Day}}, Err: ErrMalformed},
		{Name: "nor one for two", When: Queue{ID: ID{Cycle: "autumn", For: To{Role: "coordinator", Person: "ana"}, Day: ana.Day}}, Err: ErrMalformed},
		{Name: "nor one on no day", When: Queue{ID: ID{Cycle: "autumn", For: ana.For, Day: "tomorrow"}}, Err: ErrMalformed},
	})
	require.Empty(t, State{}.Subjects())
	require.Equal(t, []domain.Person{"ana"}, State{}.Apply(older[0]).Subjects())

	require.NoError(t, ana.Check())
	require.Equal(t, "cycle/autumn", ana.Book())
	for name, other := range map[string]ID{
		"the next day":  {Cycle: "autumn", For: ana.For, Day: "2023-10-05"},
		"another cycle": {Cycle: "spring", For: ana.For, Day: ana.Day},
		"a role":        {Cycle: "autumn", For: To{Role: "coordinator"}, Day: ana.Day},
	} {
		require.NoError(t, other.Check(), name)
		require.NotEqual(t, ana.Stream(), other.Stream(), name)
	}
	require.ErrorIs(t, ID{For: ana.For, Day: ana.Day}.Check(), domain.ErrSlug)
}
