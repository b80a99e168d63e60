package projections

import (
	"context"
	"slices"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/matching"
)

// A Run is a run of the matching: the event, and what it proposed.
type Run struct {
	HistoryRow
	matching.Proposed
}

// Instead is the runner-up of a pair, if it has one: who is locked has none.
func (r Run) Instead(mentee domain.Person) (matching.Alternative, bool) {
	i := slices.IndexFunc(r.Result.Alternatives, func(a matching.Alternative) bool { return a.Mentee == mentee })
	if i < 0 {
		return matching.Alternative{}, false
	}
	return r.Result.Alternatives[i], true
}

// Runs lists a cycle's runs of the matching, the newest first. They are read
// from the log, whole: each is one event, and there are few.
func (v *Views) Runs(ctx context.Context, cycle string) ([]Run, error) {
	rows, err := v.History(ctx, HistoryFilter{Stream: matching.ID{Cycle: cycle}.Stream(), Newest: true})
	var runs []Run
	for _, row := range rows {
		if proposed, ok := row.Body.(matching.Proposed); ok {
			runs = append(runs, Run{row, proposed})
		}
	}
	return runs, err
}
