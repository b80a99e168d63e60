package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/daybook-engine/daybook/domain/when"
)

// timerLine is one line of daybook timers --json.
type timerLine struct {
	Due     time.Time       `json:"due,omitzero"` // none when it isn't known yet: a draft expires after the call has closed
	Zone    string          `json:"zone"`         // the rule's, or else the cycle's
	Words   string          `json:"words"`
	Rule    string          `json:"rule,omitempty"` // how due was reckoned
	Command string          `json:"command"`        // that the clock will issue
	With    json.RawMessage `json:"with"`
	Stream  string          `json:"stream"`
}

func newTimers() *cobra.Command {
	var cycle string
	var asJSON bool
	var m moment
	c := &cobra.Command{
		Use:   "timers --cycle CYCLE",
		Short: "Tell what will fall due, when, and by which rule",
		Long: `Tell what the clock has still to do in a cycle: when, in whose zone, by which rule of
the definition that the cycle goes by, by which calendar, and with which command. A
date that people were told stays, whatever the rule says since. What falls due is
judged by that command on its own stream, so that a deadline that was moved needs no
timer to be cancelled. With --at, what was to come then.

What makes a date doubtful is told beside it: a calendar that the cycle outlasts, and
time zone data by which a local time that was told is another moment now.`,
		Example: "  daybook timers --cycle nemo-2023-autumn --at 2023-07-20",
		Args:    args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			b, err := m.look(c, cycle)
			if err != nil {
				return err
			}
			defer b.done()
			ctx := c.Context()
			tasks, err := b.then.Queue(ctx, cycle, b.engine.Now())
			if err := b.unlessNotYet(c, cycle, err); err != nil {
				return err
			}
			out, found := c.OutOrStdout(), false
			lines := json.NewEncoder(out)
			for _, t := range tasks {
				if t.Kind == "calendar" || t.Kind == "zone" { // what makes a date of these doubtful
					fmt.Fprintln(c.ErrOrStderr(), b.spell(ctx, t.Words))
				}
				if t.Role != "clock" {
					continue
				}
				found = true
				words := t.Words
				if t.About != "" {
					words += ": " + b.called(ctx, string(t.About))
				}
				line := timerLine{t.Due, cmp.Or(t.Zone, b.local), words, t.Rule, t.Command, t.Args, t.Stream}
				if b.erasing != nil {
					return b.erasing
				}
				if asJSON {
					err = lines.Encode(line)
				} else {
					err = line.print(out)
				}
				if err != nil {
					return err
				}
			}
			if !found {
				fmt.Fprintln(c.ErrOrStderr(), "the clock has nothing to do")
			}
			return nil
		},
	}
	cycleFlag(c, &cycle)
	m.flags(c)
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	return c
}

func (l timerLine) print(w io.Writer) error {
	due := "not yet known"
	if !l.Due.IsZero() {
		location, err := when.Zone(l.Zone)
		if err != nil {
			return err
		}
		due = l.Due.In(location).Format("Mon " + minute)
	}
	if l.Rule != "" {
		l.Words += " (" + l.Rule + ")"
	}
	_, err := fmt.Fprintf(w, "%-25s %-22s %s\n", due, l.Command, l.Words)
	return err
}
