package imports_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/domaintest"
	. "github.com/daybook-engine/daybook/domain/imports"
)

func TestImport(t *testing.T) {
	t.Parallel()
	type events = []Event
	id := ID{Cycle: "autumn", Import: "0b9a2a52-7d0c-4a25-8f0f-3f1d8b6a5c11"}
	file := domain.Private{Text: "a digest"}
	start := Start{ID: id, Kind: "sessions", File: file, Rows: 4, Actor: "carla"}
	started := events{Started{"autumn", "sessions", file.About(domain.Personal, domain.Programme, "carla"), 4}}
	counts := Finished{1, 1, 1, 1}
	finished := append(slices.Clip(started), counts)
	wrong := func(f Finished) Finish { return Finish{id, f} }
	domaintest.Run(t, []domaintest.Row[State, Event]{
		{Name: "rows of a kind are brought in", When: start, Then: started, Again: ErrStarted},
		{Name: "of one that there is", When: Start{ID: id, Kind: "cats", File: file, Rows: 4}, Err: ErrKind},
		{Name: "and some", When: Start{ID: id, Kind: "people", File: file}, Err: ErrCounts},
		{Name: "what came of them is kept", Given: started, When: Finish{id, counts}, Then: events{counts}},
		{Name: "of every row", Given: started, When: wrong(Finished{Recorded: 3}), Err: ErrCounts},
		{Name: "and of no other", Given: started, When: wrong(Finished{Recorded: 5, Asked: -1}), Err: ErrCounts},
		{Name: "of an import that there is", When: Finish{id, counts}, Err: ErrUnknown},
		{Name: "it is taken back", Given: finished, When: Revert{ID: id, Undone: 1, Left: 2}, Then: events{Reverted{1, 2}}},
		{Name: "also where it was broken off", Given: started, When: Revert{ID: id}, Then: events{Reverted{}}},
		{Name: "not before what it recorded is", Given: finished, When: Revert{ID: id, Standing: 1}, Err: ErrStanding},
		{Name: "nor one that never was", When: Revert{ID: id}, Err: ErrUnknown},
	})
}

func TestAnImportIsNamedByARandomID(t *testing.T) {
	t.Parallel()
	id := ID{Cycle: "autumn", Import: "0b9a2a52-7d0c-4a25-8f0f-3f1d8b6a5c11"}
	require.NoError(t, id.Check())
	require.Equal(t, "import-"+id.Import, id.Stream())
	require.Equal(t, "cycle/autumn", id.Book())
	require.ErrorIs(t, ID{Cycle: "autumn", Import: "the-first"}.Check(), ErrUnknown)
	require.ErrorIs(t, ID{Import: id.Import}.Check(), domain.ErrSlug)
	require.Empty(t, State{}.Cycle())
	require.Equal(t, "autumn", State{}.Apply(Started{Cycle: "autumn"}).Cycle())
}
