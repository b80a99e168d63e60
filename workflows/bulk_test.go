package workflows_test

import (
	"context"
	"net/url"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/workflows"
)

// Ids are kept for ever: nobody shall find out by them whether a text was the one
// that she guesses.
func TestTheIdsOfABulkSayNothingOfItsTexts(t *testing.T) {
	t.Parallel()
	ids := func(name string) (ids []string) {
		o := open(t)
		before := o.events()
		row := workflows.BulkRow{Command: "person.register", Given: url.Values{"handle": {"guessed"}, "register": {"staff"}, "name": {name}}}
		done, err := o.DoBulk(t.Context(), workflows.Bulk{ID: uuid.Max, By: "coordinator/c1", Rows: []workflows.BulkRow{row}})
		require.NoError(t, err)
		require.Equal(t, workflows.RowRecorded, done.Rows[0].Outcome, done.Rows[0].Why)
		n := 0
		for r, err := range o.store.ReadAll(t.Context(), eventstore.ReadAll{}) {
			require.NoError(t, err)
			if n++; n > before {
				env, err := schema.DecodeEnvelope(r.Metadata)
				require.NoError(t, err)
				ids = append(ids, r.ID.String(), env.CommandID)
			}
		}
		return ids
	}
	require.Equal(t, ids("Ada"), ids("Eve"))
}

// A preview goes on from what it supposed, also where a stream has a past.
func TestARowIsLookedAtAfterThoseBeforeIt(t *testing.T) {
	t.Parallel()
	o := open(t)
	set := func(limit string) workflows.BulkRow {
		return workflows.BulkRow{Command: "quota.set", Given: url.Values{"programme": {"nemo-121"}, "quota": {"cycle"}, "per": {"cycle"}, "limit": {limit}}}
	}
	outcomes := func(do func(context.Context, workflows.Bulk) (*workflows.Imported, error), rows ...workflows.BulkRow) (list []workflows.RowOutcome) {
		done, err := do(t.Context(), workflows.Bulk{ID: uuid.New(), By: "coordinator/c1", Rows: rows})
		require.NoError(t, err)
		for _, r := range done.Rows {
			list = append(list, r.Outcome)
		}
		return list
	}
	for _, limit := range []string{"4", "5"} {
		outcomes(o.DoBulk, set(limit))
	}
	require.Equal(t, []workflows.RowOutcome{workflows.RowRecorded, workflows.RowAlready}, outcomes(o.PreviewBulk, set("6"), set("6")))
}
