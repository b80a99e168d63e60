package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/measure"
	"github.com/daybook-engine/daybook/domain/when"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/projections"
	"github.com/daybook-engine/daybook/workflows/document"
)

// explanation is daybook explain --json.
type explanation struct {
	Measure  string              `json:"measure"`
	Version  int                 `json:"version"`
	Value    int64               `json:"value"`
	Position eventstore.Position `json:"position"`
	Events   []explainedEvent    `json:"events"`
	Removed  []removedEvent      `json:"counted_no_more,omitempty"`
}

type explainedEvent struct {
	Position   eventstore.Position `json:"position"`
	ID         string              `json:"id"`
	Name       string              `json:"name"`
	RecordedAt time.Time           `json:"recorded_at"`
	OccurredAt time.Time           `json:"occurred_at"`
}

// removedEvent counted before, and counts no more because of another.
type removedEvent struct {
	explainedEvent
	By explainedEvent `json:"by"`
}

func newExplain() *cobra.Command {
	var cycle string
	var asJSON bool
	var m moment
	names := make([]string, len(measure.All))
	for i, m := range measure.All {
		names[i] = m.Measure
	}
	c := &cobra.Command{
		Use:               "explain MEASURE --cycle CYCLE",
		Short:             "Tell which events a figure comes from",
		Example:           "  daybook explain sessions_conforming --cycle nemo-2023-autumn",
		Args:              args(cobra.ExactArgs(1)),
		ValidArgsFunction: cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp),
		RunE: func(c *cobra.Command, given []string) error {
			if _, ok := measure.Find(given[0]); !ok {
				return usage{fmt.Errorf("there is no such measure: %s", document.Suggest(given[0], names))}
			}
			b, err := m.look(c, cycle)
			if err != nil {
				return err
			}
			defer b.done()
			found, err := b.then.Explain(c.Context(), cycle, given[0])
			if err != nil {
				return b.unlessNotYet(c, cycle, err)
			}
			e := explanation{Measure: found.Measure.Measure, Version: found.Measure.Version, Value: found.Value, Position: found.Position, Events: []explainedEvent{}}
			for _, x := range found.Events {
				e.Events = append(e.Events, explainedOf(x.HistoryRow))
			}
			for _, x := range found.Removed {
				e.Removed = append(e.Removed, removedEvent{explainedOf(x.HistoryRow), explainedOf(x.By)})
			}
			if asJSON {
				return json.NewEncoder(c.OutOrStdout()).Encode(e)
			}
			out := c.OutOrStdout()
			fmt.Fprintf(out, "%s: %d %s (version %d, log up to %s)\n%s\n", found.Measure.Measure, found.Value, projections.Units(found.Value, found.Measure.Unit), found.Measure.Version, found.Position, found.Measure.Words)
			location, err := when.Zone(b.local)
			if err != nil {
				return err
			}
			t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
			line := func(x projections.Counted, more string) {
				late := ""
				if x.Late {
					late = ", late"
				}
				e := x.Envelope
				fmt.Fprintf(t, "  %s\t%s\t%s%s\t%s\t%s%s\n", x.Position, e.OccurredAt.In(location).Format(stamp), e.RecordedAt.In(location).Format(stamp), late, e.Name, b.adds(c.Context(), found.Measure, x), more)
			}
			if len(found.Events) > 0 {
				fmt.Fprintln(t, "  position\thappened\trecorded\tevent\tadds")
			}
			for _, x := range found.Events {
				line(x, "")
			}
			if len(found.Removed) > 0 {
				fmt.Fprintln(t, "counted no more:\n  position\thappened\trecorded\tevent\tadded\ttaken out by")
			}
			for _, x := range found.Removed {
				line(x.Counted, fmt.Sprintf("\t%s at %s", x.By.Envelope.Name, x.By.Position))
			}
			if b.erasing != nil {
				return b.erasing
			}
			return t.Flush()
		},
	}
	cycleFlag(c, &cycle)
	m.flags(c)
	c.Flags().BoolVar(&asJSON, "json", false, "a JSON object")
	return c
}

func explainedOf(r projections.HistoryRow) explainedEvent {
	return explainedEvent{r.Position, r.Envelope.ID, r.Envelope.Name, r.Envelope.RecordedAt, r.Envelope.OccurredAt}
}

// adds says what an event contributes: to a sum its amount, to a count of
// different people which one.
func (b *book) adds(ctx context.Context, m measure.Measure, x projections.Counted) string {
	switch m.Fold {
	case "sum":
		return fmt.Sprintf("%d %s", x.Value, projections.Units(x.Value, m.Unit))
	case "distinct":
		return b.called(ctx, x.Of)
	}
	return x.Stream
}

// zone is where a cycle's dates are counted, or its absence an error.
func (b *book) zone(ctx context.Context, cycle string) (string, error) {
	if err := b.views.CatchUp(ctx); err != nil {
		return "", err
	}
	found, err := b.views.Cycle(ctx, cycle)
	if !errors.Is(err, domain.NotFound) {
		return found.Zone, err
	}
	cycles, listErr := b.views.Cycles(ctx)
	ids := make([]string, len(cycles))
	for i, c := range cycles {
		ids[i] = c.Cycle
	}
	return "", errors.Join(usage{fmt.Errorf("there is no such cycle: %s", document.Suggest(cycle, ids))}, listErr)
}
