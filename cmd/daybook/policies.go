package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/workflows"
)

// errDiverged is what every divergence is.
var errDiverged = errors.New("the policies would now answer otherwise than they did")

// parkedLine is one line of daybook policies --json.
type parkedLine struct {
	Since time.Time       `json:"since"`
	Words string          `json:"words"`
	With  json.RawMessage `json:"with"` // the fields that a decision about it needs
	Cycle string          `json:"cycle,omitempty"`
}

func newPolicies() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "policies",
		Short: "Tell which policies stand still, and whether all would still decide as they did",
		Long: `Tell which policies stand still, the one first that has done so longest. A policy
answers events with commands: a place that was accepted is filled. When a fault
keeps it from answering an event, it is parked: that event and the later ones of
the same stream wait in order, and everything else goes on. A person then decides,
with a reason, by one of

  daybook do policy.retry   that it tries again, once the fault is mended
  daybook do policy.skip    that this event is not answered
  daybook do policy.repair  what is done in its stead: --with has command and with, too,
                            a command of a policy's, such as place.release or offer.make

each with --by, --reason, and the --with that is told here. A note in it is sealed.

The clock is parked in the same way where it cannot do what has fallen due: it may be
let try again, or told to leave that; in its stead nobody acts.`,
		Example: `  daybook do policy.retry --by coordinator/anna --reason definition_published --with '{"policy":"offer-a-reserved-place",
     "stream":"allocation-nemo-121","event":"8c2f3f50-52ef-5c52-9c36-6a5a4d0a1b10"}'`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			b, err := readBook(c)
			if err != nil {
				return err
			}
			defer b.Close()
			list, err := b.views.Parked(c.Context())
			if err != nil {
				return err
			}
			out := c.OutOrStdout()
			lines := json.NewEncoder(out)
			for _, t := range list {
				if t.Words = b.spell(c.Context(), t.Words); b.erasing != nil {
					return b.erasing
				}
				if asJSON {
					err = lines.Encode(parkedLine{t.Since, t.Words, t.Args, t.Cycle})
				} else {
					_, err = fmt.Fprintf(out, "%s  %s\n    --with '%s'\n", t.Since.UTC().Format(minute), t.Words, t.Args)
				}
				if err != nil {
					return err
				}
			}
			if len(list) == 0 {
				fmt.Fprintln(c.ErrOrStderr(), "no policy stands still")
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
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
yet are counted apart, and fields that an older Daybook did not keep are named:
answers without them are as recorded, if all that they have is.

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
			if len(done.Lacking) > 0 {
				fmt.Fprintf(c.ErrOrStderr(), "some answers were recorded without what they would have now, as by an older Daybook: %s\n", strings.Join(done.Lacking, ", "))
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
