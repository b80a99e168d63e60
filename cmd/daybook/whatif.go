package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/when"
	"github.com/daybook-engine/daybook/workflows"
)

func newWhatIf() *cobra.Command {
	var cycle, file string
	var asJSON bool
	c := &cobra.Command{
		Use:   "whatif --definition FILE --cycle CYCLE",
		Short: "Tell what would have gone otherwise, had a cycle gone by another definition",
		Long: `Tell what would have gone otherwise, had a cycle gone by another definition from its
beginning: a sentence for each difference, with the event that it is about. What
people did is taken as it is recorded; what rests on the definition is decided
again by the same rules: who was in time with a whole form, until when people had to
reply, what lapsed, by which criteria and on how many reviews was decided, whom the
matching proposes, which sessions conform, what is complete. Deadlines stay as they
were told, unless the definition says another than the one that the call was opened
under. Tasks and messages are not compared; where the definition has others, that is
said.

Nothing is written, and a running daybook serve may have the directory.`,
		Example: "  daybook whatif --definition my-programme.yaml --cycle nemo-2023-autumn",
		Args:    args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			d, err := readDefinition(file)
			if err != nil {
				return err
			}
			b, err := moment{clock: "recorded"}.look(c, cycle)
			if err != nil {
				return err
			}
			defer b.done()
			zone, err := when.Zone(b.local)
			if err != nil {
				return err
			}
			ctx, out := c.Context(), c.OutOrStdout()
			found, err := workflows.WhatIf(ctx, b.store, cycle, d)
			if err != nil {
				return err
			}
			lines := json.NewEncoder(out)
			lines.SetEscapeHTML(false)
			for _, x := range found {
				x.Words = b.spell(ctx, x.Words)
				if b.erasing != nil {
					return b.erasing
				}
				if asJSON {
					err = lines.Encode(x)
				} else {
					_, err = fmt.Fprintf(out, "%s  %s  %-22s %s\n", x.Position, x.Recorded.In(zone).Format(minute), x.Event, x.Words)
				}
				if err != nil {
					return err
				}
			}
			unlike, err := b.unlike(ctx, cycle, d)
			switch {
			case err != nil:
				return err
			case len(found) == 0 && unlike == nil:
				fmt.Fprintln(c.ErrOrStderr(), "nothing would have gone otherwise")
			case len(found) == 0:
				fmt.Fprintln(c.ErrOrStderr(), "nothing that is compared would have gone otherwise")
			}
			if unlike != nil {
				fmt.Fprintf(c.ErrOrStderr(), "this definition has other %s, and what would have come of them is not compared\n", strings.Join(unlike, " and "))
			}
			return nil
		},
	}
	cycleFlag(c, &cycle)
	c.Flags().StringVar(&file, "definition", "", "the other definition's file")
	if err := c.MarkFlagRequired("definition"); err != nil {
		panic(err) // the flag is there
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	return c
}

// unlike are the sections that are not compared, and that d has otherwise than a
// version that the cycle went by.
func (b *look) unlike(ctx context.Context, cycle string, d programme.Definition) (sections []string, err error) {
	run, err := b.then.Cycle(ctx, cycle)
	if err != nil {
		return nil, err
	}
	for _, v := range run.Versions {
		old, err := b.then.Definition(ctx, v.Definition)
		if err != nil {
			return nil, err
		}
		sections = append(sections, workflows.Unlike(old, d)...)
	}
	slices.Sort(sections)
	return slices.Compact(sections), nil
}
