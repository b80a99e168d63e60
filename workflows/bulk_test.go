package workflows_test

import (
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
