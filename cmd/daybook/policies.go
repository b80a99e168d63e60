package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/workflows"
)

// errDiverged is what every divergence is.
var errDiverged = errors.New("the policies would now answer otherwise than they did")

func newPolicies() *cobra.Command {
	c := &cobra.Command{
		Use:   "policies",
		Short: "What answers events with commands, and whether it would still do so",
		Args:  args(cobra.NoArgs),
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newPoliciesReplay())
	return c
}

func newPoliciesReplay() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "replay",
		Short: "Run the policies over the recorded history again, and tell where they would now decide otherwise",
		Long: `Run the policies over the recorded history again, and compare what they decide with
what is recorded. Nothing is done: only the log is read, and it may be in use by a
running daybook serve. Each command is decided on the log as it was then, so that
one that was refused then, and left nothing, is refused again. The first event
that a policy would answer otherwise is told, with what it decides now and what is
recorded, and the exit code is 1. Events at the end that policies have not come to
yet are counted apart.

Run it with a new version of Daybook before putting that in an old one's place.`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			b, err := readLog(c)
			if err != nil {
				return err
			}
			defer b.Close()
			ctx := c.Context()
			answered, err := b.checkpoint().Load(ctx)
			if err != nil && !errors.Is(err, eventstore.ErrLost) {
				return err
			}
			done, err := workflows.Replay(ctx, b.store, answered)
			if err != nil {
				return err
			}
			out := c.OutOrStdout()
			if asJSON {
				lines := json.NewEncoder(out)
				lines.SetEscapeHTML(false)
				err = lines.Encode(done)
			} else if done.Divergence == nil {
				_, err = fmt.Fprintf(out, "as recorded: %d policies over %d events, %d commands, %d of them without events\n",
					done.Policies, done.Events, done.Commands, done.Without)
			}
			if err != nil {
				return err
			}
			if done.Unanswered > 0 {
				fmt.Fprintf(c.ErrOrStderr(), "the policies have not come to the last %d events yet\n", done.Unanswered)
			}
			if done.Divergence != nil {
				return fmt.Errorf("%w: %v", errDiverged, done.Divergence)
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object")
	return c
}
