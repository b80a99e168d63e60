package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/when"
	"github.com/daybook-engine/daybook/projections"
	"github.com/daybook-engine/daybook/projections/calendar"
	"github.com/daybook-engine/daybook/workflows/document"
)

func newCalendar() *cobra.Command {
	var cycle, name, of string
	var m moment
	c := &cobra.Command{
		Use:   "calendar --cycle CYCLE",
		Short: "Write the sessions as a calendar file, iCalendar",
		Long: `Write the sessions, training, supervision and events of a cycle to stdout as iCalendar (RFC 5545), for any calendar
program: of everybody, of one match, or of one person. Each session stays the same
entry for ever: it is moved and called off where it stands when a newer file is
opened. Names are those that who runs the programme may read.`,
		Example: "  daybook calendar --cycle nemo-2023-autumn --match m1 > m1.ics\n  daybook calendar --cycle nemo-2023-autumn --for p05 --at 2023-10-03",
		Args:    args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			b, err := m.look(c, cycle)
			if err != nil {
				return err
			}
			defer b.done()
			ctx := c.Context()
			called := func(p domain.Person) string { return b.called(ctx, string(p)) }
			cal := calendar.Calendar{Store: b.store.ID(), Name: called}
			if of != "" {
				if cal.For, err = b.engine.Vault.Person(ctx, of); err != nil {
					return err
				}
			}
			if cal.Cycle, err = b.then.Cycle(ctx, cycle); err != nil {
				return b.unlessNotYet(c, cycle, err)
			}
			matches, err := b.then.Matches(ctx, cycle)
			if err != nil {
				return err
			}
			gatherings, err := b.then.Gatherings(ctx, cycle)
			if err != nil {
				return err
			}
			if name != "" {
				gatherings = nil
				others := func(m projections.Match) bool { return m.Match != name }
				if matches = slices.DeleteFunc(matches, others); len(matches) == 0 {
					return b.noMatch(c, cycle, name)
				}
			}
			file, sessions, err := cal.Document(matches, gatherings)
			if err == nil {
				err = b.erasing
			}
			if err != nil {
				return err
			}
			if sessions == 0 {
				fmt.Fprintln(c.ErrOrStderr(), "no session was scheduled")
			}
			_, err = c.OutOrStdout().Write(file)
			return err
		},
	}
	cycleFlag(c, &cycle)
	m.flags(c)
	c.Flags().StringVar(&name, "match", "", "only this match, as in m1")
	c.Flags().StringVar(&of, "for", "", "only the sessions of the person of this handle")
	return c
}

// noMatch tells why a match was not there at the moment asked for: it was
// proposed later, which is no error, or never.
func (l *look) noMatch(c *cobra.Command, cycle, name string) error {
	matches, err := l.views.Matches(c.Context(), cycle)
	if err != nil {
		return err
	}
	location, err := when.Zone(l.local)
	if err != nil {
		return err
	}
	var names []string
	for _, m := range matches {
		if m.Match == name {
			_, err := fmt.Fprintf(c.ErrOrStderr(), "daybook: not yet: the match was proposed on %s\n", m.ProposedAt.In(location).Format(stamp))
			return err
		}
		names = append(names, m.Match)
	}
	return usage{fmt.Errorf("there is no such match: %s", document.Suggest(name, names))}
}
