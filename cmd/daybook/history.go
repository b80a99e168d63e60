package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/daybook-engine/daybook/domain/access"
	"github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/domain/when"
	"github.com/daybook-engine/daybook/projections"
	"github.com/daybook-engine/daybook/workflows/document"
)

// historyLine is one line of daybook history --json.
type historyLine struct {
	Position   string   `json:"position"`
	Stream     string   `json:"stream"`
	Name       string   `json:"name"`
	Sentence   string   `json:"sentence"`
	Before     string   `json:"before,omitempty"`
	After      string   `json:"after,omitempty"`
	OccurredAt string   `json:"occurred_at"`
	RecordedAt string   `json:"recorded_at"`
	Actor      string   `json:"actor"`
	Role       string   `json:"role"`
	OnBehalfOf string   `json:"on_behalf_of,omitempty"`
	Channel    string   `json:"channel"`
	Reason     string   `json:"reason,omitempty"`
	Authority  string   `json:"authority,omitempty"`
	Marks      []string `json:"nonconformities,omitempty"`
}

// stamp is a time in the cycle's zone, and minute the same for reading.
const (
	stamp  = "2006-01-02T15:04:05Z07:00"
	minute = "2006-01-02 15:04 MST"
)

func newHistory() *cobra.Command {
	var f projections.HistoryFilter
	var by, of string
	var asJSON bool
	var m moment
	c := &cobra.Command{
		Use:   "history --cycle CYCLE",
		Short: "Tell a cycle's audit trail in plain sentences",
		Long: `Tell a cycle's audit trail in plain sentences: what happened, when, who did it,
in what role, why, and what it was before. It is in the order in which things were
recorded; the time is that when they happened. Names are read from the vault as it
is asked, and stand nowhere else.`,
		Example: "  daybook history --cycle nemo-2023-autumn --name session\n  daybook history --cycle nemo-2023-autumn --of p23",
		Args:    args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := checkName(f.Name); err != nil {
				return err
			}
			b, err := m.look(c, f.Cycle)
			if err != nil {
				return err
			}
			defer b.done()
			ctx := c.Context()
			location, err := when.Zone(b.local)
			if err != nil {
				return err
			}
			if of != "" {
				if f.Subject, err = b.engine.Vault.Person(ctx, of); err != nil {
					return err
				}
			}
			if by != "" {
				actor, err := b.engine.Vault.Person(ctx, by)
				if err != nil {
					return err
				}
				f.Actor = string(actor)
			}
			rows, err := b.then.History(ctx, f)
			if err == nil && len(rows) == 0 {
				_, err = b.then.Cycle(ctx, f.Cycle)
				if err = b.unlessNotYet(c, f.Cycle, err); err == nil {
					fmt.Fprintln(c.ErrOrStderr(), "no event fits")
				}
			}
			if err != nil {
				return err
			}
			out := c.OutOrStdout()
			lines := json.NewEncoder(out)
			lines.SetEscapeHTML(false)
			for _, r := range rows {
				e := r.Envelope
				line := historyLine{
					r.Position.String(), r.Stream, e.Name, b.spell(ctx, r.Sentence), b.value(ctx, e.Name, r.Before), b.value(ctx, e.Name, r.After),
					e.OccurredAt.In(location).Format(stamp), e.RecordedAt.In(location).Format(stamp),
					b.called(ctx, e.Actor), e.Role, b.called(ctx, string(e.OnBehalfOf)), e.Channel, e.Reason, e.Authority, e.Nonconformities,
				}
				if b.erasing != nil {
					return b.erasing
				}
				if asJSON {
					err = lines.Encode(line)
				} else {
					_, err = fmt.Fprintln(out, line.text(e.OccurredAt.In(location), e.RecordedAt.In(location)))
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
	cycleFlag(c, &f.Cycle)
	m.flags(c)
	flags := c.Flags()
	flags.StringVar(&f.Stream, "stream", "", "only this stream")
	flags.StringVar(&f.Name, "name", "", "only events of this name, or of its first word: session.held, session")
	flags.StringVar(&by, "by", "", "only what the person of this handle did")
	flags.StringVar(&of, "of", "", "only what concerns the person of this handle")
	flags.BoolVar(&asJSON, "json", false, "one JSON object a line")
	return c
}

func (l historyLine) text(occurred, recorded time.Time) string {
	by := l.Actor + ", " + l.Role
	if slices.Contains(access.Engine, access.Role(l.Role)) {
		by = projections.Doer(l.Actor)
	}
	s := fmt.Sprintf("%s  %s  %s (%s", l.Position, occurred.Format(minute), l.Sentence, by)
	if match := match.ParseStream(l.Stream); strings.HasPrefix(l.Stream, "match-") {
		s += ", match " + match.Match
	}
	if l.OnBehalfOf != "" {
		s += ", for " + l.OnBehalfOf
	}
	if l.Reason != "" {
		s += "; reason: " + strings.ReplaceAll(l.Reason, "_", " ")
	}
	if l.Authority != "" {
		s += "; authority: " + l.Authority
	}
	if occurred.Format(minute) != recorded.Format(minute) {
		s += "; recorded " + recorded.Format(minute)
	}
	s += ")"
	if l.Before != "" {
		s += fmt.Sprintf("\n%20s%s → %s", "", l.Before, l.After)
	}
	return s
}

// checkName tells of a filter that nothing can fit: neither an event's name
// nor the first word of one.
func checkName(name string) error {
	if name == "" {
		return nil
	}
	known := schema.Names()
	for _, n := range schema.Names() {
		noun, _, _ := strings.Cut(n, ".")
		known = append(known, noun)
	}
	if slices.Contains(known, strings.TrimSuffix(name, ".")) {
		return nil
	}
	return usage{fmt.Errorf("--name: there are no such events: %s", document.Suggest(name, known))}
}
