package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/projections"
	"github.com/daybook-engine/daybook/workflows"
)

func newRehearse() *cobra.Command {
	return &cobra.Command{
		Use:   "rehearse FILE",
		Short: "Play a season from a file of dated steps, on a virtual clock",
		Long: `Play a season from a file of dated steps, on a virtual clock, through the same
engine that runs the real one. Prints what happened. A step or a check that does
not go as the file expects makes the exit code 1. On a directory that holds a part
of the same rehearsal, it judges that part again, and continues.`,
		Example: "  daybook rehearse nemo-2023-autumn.yaml --data ./rehearsed && daybook serve --data ./rehearsed",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, given []string) error {
			r, err := workflows.LoadRehearsal(readFile, filepath.ToSlash(given[0]))
			if err != nil {
				return err
			}
			b, err := makeBook(c, true)
			if err != nil {
				return err
			}
			defer b.Close()
			stage, err := b.stage(teller(c.OutOrStdout(), func(text string) string { return b.handles(c.Context(), text) }))
			if err != nil {
				return err
			}
			played, err := stage.Play(c.Context(), r)
			if err != nil {
				return err
			}
			talk := c.ErrOrStderr()
			fmt.Fprintf(talk, "%s: %d steps as expected", r.Name, played.Judged)
			if played.Before > 0 {
				fmt.Fprintf(talk, ", %d were played before", played.Before)
			}
			fmt.Fprintf(talk, "; look at it with daybook serve %s\n", b.flags())
			return nil
		},
	}
}

// stage makes a rehearsed book the stage of its rehearsal.
func (b *book) stage(tell func(workflows.Told)) (*workflows.Stage, error) {
	if b.clock == nil {
		return nil, fmt.Errorf("%s: %w: a live log; a rehearsal needs a directory of its own", b.dir, workflows.ErrOther)
	}
	return &workflows.Stage{
		Engine: b.engine, Clock: b.clock, Agenda: agenda{b.views}, Policies: b.checkpoint(), Figure: b.figure, Tell: tell,
	}, nil
}

// figure is a measure's value, now or at a moment of a store's past.
func (b *book) figure(ctx context.Context, store eventstore.Store, cycle, measure string, at time.Time, clock string) (int64, error) {
	views := b.views
	if err := views.CatchUp(ctx); err != nil {
		return 0, err
	}
	if !at.IsZero() {
		w := projections.When{Time: at, Clock: projections.Recorded}
		if clock == "occurred" {
			w.Clock = projections.Occurred
		}
		past, err := projections.At(ctx, store, w)
		if err != nil {
			return 0, err
		}
		defer past.Close()
		views = past
	}
	e, err := views.Explain(ctx, cycle, measure)
	return e.Value, err
}

// teller prints what happens as it happens, with people spelt out.
func teller(out io.Writer, spell func(string) string) func(workflows.Told) {
	return func(t workflows.Told) {
		at := t.At.UTC().Format("2006-01-02 15:04Z")
		switch {
		case t.Unmet != "":
			fmt.Fprintf(out, "%s  UNMET  %s\n", at, spell(t.Unmet))
		case t.Refused != nil:
			fmt.Fprintf(out, "%s  %-24s %-22s refused, %s: %s\n", at, t.By, t.Command, t.Refused.Code, spell(t.Refused.Text))
		case t.Command != "":
			fmt.Fprintf(out, "%s  %-24s %-22s %s\n", at, t.By, t.Command, t.Event)
		default:
			fmt.Fprintf(out, "%s  %-24s %-22s %s\n", at, t.By, "", t.Event)
		}
	}
}
