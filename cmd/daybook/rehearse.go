package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/projections"
	"github.com/daybook-engine/daybook/workflows"
)

func newRehearse() *cobra.Command {
	var dry bool
	c := &cobra.Command{
		Use:   "rehearse FILE",
		Short: "Play a season from a file of dated steps, on a virtual clock",
		Long: `Play a season from a file of dated steps, on a virtual clock, through the same
engine that runs the real one. Prints what happened. A step or a check that does
not go as the file expects makes the exit code 1. On a directory that holds a part
of the same rehearsal, it judges that part again, and continues. With --dry-run the
season is played in memory and nothing is left.`,
		Example: `  daybook rehearse my-season.yaml --dry-run
  daybook rehearse nemo-2023-autumn.yaml --data ./rehearsed && daybook serve --data ./rehearsed`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, given []string) error {
			// It is soon over, and has little in memory: collecting that less
			// often is a fifth of its time.
			defer debug.SetGCPercent(debug.SetGCPercent(400))
			r, err := workflows.LoadRehearsal(readFile, filepath.ToSlash(given[0]))
			if err != nil {
				return err
			}
			b, err := rehearsalBook(c, dry)
			if err != nil {
				return err
			}
			defer b.Close()
			stage, err := b.stage(teller(c.OutOrStdout(), func(text string) string { return b.handles(c.Context(), text) }))
			if err != nil {
				return err
			}
			played, err := b.play(c.Context(), stage, r)
			if err != nil {
				return err
			}
			talk := c.ErrOrStderr()
			fmt.Fprintf(talk, "%s: %d steps as expected", r.Name, played.Judged)
			if played.Before > 0 {
				fmt.Fprintf(talk, ", %d were played before", played.Before)
			}
			if dry {
				fmt.Fprintln(talk, "; nothing is kept of it")
			} else {
				fmt.Fprintf(talk, "; look at it with daybook serve %s\n", b.flags())
			}
			return nil
		},
	}
	c.Flags().BoolVar(&dry, "dry-run", false, "play it in memory, and leave nothing")
	return c
}

// rehearsalBook opens what a season is played into.
func rehearsalBook(c *cobra.Command, dry bool) (*book, error) {
	if !dry {
		return makeBook(c, true)
	}
	for _, kept := range []string{"data", "log", "vault"} {
		if c.Flags().Changed(kept) {
			return nil, usage{fmt.Errorf("--dry-run leaves nothing: leave out --%s", kept)}
		}
	}
	return dryBook(c.Context())
}

// stage makes a rehearsed book the stage of its rehearsal.
func (b *book) stage(tell func(workflows.Told)) (_ *workflows.Stage, err error) {
	if b.clock == nil {
		return nil, fmt.Errorf("%s: %w: a live log; a rehearsal needs a directory of its own", b.dir, workflows.ErrOther)
	}
	answered := &seldom{at: &eventstore.Place{}}
	if b.dry == nil {
		answered = &seldom{Checkpoint: b.checkpoint()}
	}
	if b.timers, err = projections.Timers(b.store); err != nil {
		return nil, err
	}
	return &workflows.Stage{
		Engine: b.engine, Clock: b.clock, Agenda: &coming{agenda: agenda{b.timers}, store: b.store}, Policies: answered, Figure: b.figure, Tell: tell,
	}, nil
}

// coming is the agenda of a clock that asks after every step what comes next: it
// looks only where something happened that may change that.
type coming struct {
	agenda
	store eventstore.Store

	seen eventstore.Position
	next time.Time
	any  bool
}

func (c *coming) Next(ctx context.Context) (time.Time, bool, error) {
	seen, changed := c.seen, c.seen.IsZero()
	for r, err := range c.store.ReadAll(ctx, eventstore.ReadAll{After: seen}) {
		if err != nil {
			return time.Time{}, false, err
		}
		seen, changed = r.Position, changed || projections.Times(r.Name)
	}
	if changed {
		next, any, err := c.agenda.Next(ctx)
		if err != nil {
			return next, any, err
		}
		c.next, c.any = next, any
	}
	c.seen = seen
	return c.next, c.any, nil
}

// play plays a rehearsal, and at last writes down that the policies have answered
// all of it, and lets the views tell it.
func (b *book) play(ctx context.Context, stage *workflows.Stage, r *workflows.Rehearsal) (workflows.Played, error) {
	played, err := stage.Play(ctx, r)
	if err == nil && b.dry == nil {
		err = b.settle(ctx)
	}
	return played, err
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
