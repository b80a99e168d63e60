package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/when"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/projections"
)

// figureLine is one figure of daybook figures --json.
type figureLine struct {
	Measure  string              `json:"measure"`
	Version  int                 `json:"version"`
	Words    string              `json:"words"`
	Unit     string              `json:"unit"`
	Value    int64               `json:"value"`
	Sealed   *int64              `json:"sealed,omitempty"` // when the cycle closed, where it is another now
	Events   int                 `json:"events"`
	Position eventstore.Position `json:"position"` // the log up to which it holds
	At       time.Time           `json:"at"`
}

func newFigures() *cobra.Command {
	var cycle string
	var asJSON bool
	var m moment
	c := &cobra.Command{
		Use:     "figures --cycle CYCLE",
		Short:   "Tell a cycle's figures, now or at any past date",
		Example: "  daybook figures --cycle nemo-2023-autumn --at 2023-10-31 --clock occurred",
		Args:    args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			b, err := m.look(c, cycle)
			if err != nil {
				return err
			}
			defer b.done()
			figures, err := b.then.Figures(c.Context(), cycle)
			if err := b.unlessNotYet(c, cycle, err); err != nil {
				return err
			}
			at := b.engine.Now().UTC()
			if w, past, err := m.parse(b.local); err != nil {
				return err
			} else if past {
				at = w.Time.UTC()
			}
			lines := make([]figureLine, len(figures))
			for i, f := range figures {
				lines[i] = figureLine{f.Measure, f.Version, f.Words, f.Unit, f.Value, nil, f.Events, f.Position, at}
				if f.Changed() {
					lines[i].Sealed = f.Sealed
				}
			}
			if asJSON {
				return json.NewEncoder(c.OutOrStdout()).Encode(lines)
			}
			t := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, f := range lines {
				words := f.Words
				if f.Sealed != nil {
					words += fmt.Sprintf(" (sealed as %d when the cycle closed, and changed since)", *f.Sealed)
				}
				fmt.Fprintf(t, "%s\t%d\t%s\t%s\n", f.Measure, f.Value, projections.Units(f.Value, f.Unit), words)
			}
			return t.Flush()
		},
	}
	cycleFlag(c, &cycle)
	m.flags(c)
	c.Flags().BoolVar(&asJSON, "json", false, "a JSON array")
	return c
}

// unlessNotYet gives err, unless it is that a cycle, which is there now, was not
// at the moment asked for: that is told.
func (b *book) unlessNotYet(c *cobra.Command, cycle string, err error) error {
	if !errors.Is(err, domain.NotFound) {
		return err
	}
	found, err := b.views.Cycle(c.Context(), cycle)
	if err != nil {
		return err
	}
	location, err := when.Zone(found.Zone)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.ErrOrStderr(), "daybook: not yet: the cycle was planned on %s\n", found.PlannedAt.In(location).Format(stamp))
	return err
}

func cycleFlag(c *cobra.Command, cycle *string) {
	c.Flags().StringVar(cycle, "cycle", "", "the cycle's id, as in nemo-2023-autumn")
	if err := c.MarkFlagRequired("cycle"); err != nil {
		panic(err) // the flag was made on the line above
	}
}
