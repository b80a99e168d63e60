package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/access"
	"github.com/daybook-engine/daybook/domain/when"
	"github.com/daybook-engine/daybook/projections"
	"github.com/daybook-engine/daybook/workflows"
)

// taskLine is one line of daybook tasks --json.
type taskLine struct {
	Cycle   string           `json:"cycle"`
	Due     time.Time        `json:"due,omitzero"` // none: at no time
	Overdue bool             `json:"overdue,omitempty"`
	Zone    string           `json:"zone"`
	Role    string           `json:"role"`
	Also    string           `json:"also,omitempty"` // the role that it is open to as well, because it is overdue
	Person  domain.Person    `json:"person,omitempty"`
	Who     string           `json:"who,omitempty"` // the person's name
	Words   string           `json:"words"`
	Task    string           `json:"task,omitempty"` // the id of one of the definition's
	Stream  string           `json:"stream"`
	Can     []workflows.Step `json:"can,omitempty"` // what --for ACTOR would be allowed now
	apart   bool             // no command alone settles it
}

func newTasks() *cobra.Command {
	var cycle, actor string
	var asJSON bool
	var m moment
	c := &cobra.Command{
		Use:   "tasks [--cycle CYCLE] [--for ROLE/HANDLE]",
		Short: "Tell what people have to do, who, and by when",
		Long: `Tell what people have to do: who, by when, and what is overdue; in one cycle, or in
all that are not closed. With --for, what one person has to do or may take up in a
role, with the commands that would be accepted of them now: they are found by the
rules that the commands themselves go by, so that nothing is offered that would be
refused. With --at, what was to be done then, and no commands.`,
		Example: `  daybook tasks --cycle nemo-2023-autumn
  daybook tasks --for reviewer/rita`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			b, err := m.look(c, cycle)
			if err != nil {
				return err
			}
			defer b.done()
			if cycle != "" {
				if _, err := b.then.Cycle(c.Context(), cycle); err != nil {
					return b.unlessNotYet(c, cycle, err)
				}
			}
			lines, err := b.tasks(c.Context(), m, cycle, actor)
			if err != nil {
				return err
			}
			if len(lines) == 0 {
				fmt.Fprintln(c.ErrOrStderr(), "nobody has anything to do")
			}
			out := c.OutOrStdout()
			encoder := json.NewEncoder(out)
			encoder.SetEscapeHTML(false)
			for _, l := range lines {
				if asJSON {
					err = encoder.Encode(l)
				} else {
					err = l.print(out, actor)
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
	c.Flags().StringVar(&cycle, "cycle", "", "the cycle's id, as in nemo-2023-autumn")
	c.Flags().StringVar(&actor, "for", "", "who asks: ROLE/HANDLE")
	m.flags(c)
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	return c
}

// tasks lists what people have to do in a cycle, or in every one; where actor
// is given, what they have to do, or could take up. Of another moment than now it
// tells what was to be done, and not what would be accepted.
func (b *look) tasks(ctx context.Context, m moment, cycle, actor string) (lines []taskLine, err error) {
	var role access.Role
	var self domain.Person
	if actor != "" {
		var handle string
		if role, handle, err = workflows.ParseActor(actor); err != nil {
			return nil, err
		}
		if !slices.Contains(access.People(), role) {
			return nil, usage{fmt.Errorf("--for %s: expected a role among %s, found %s", actor, access.Words(access.People()), role)}
		}
		if self, err = b.engine.Registered(ctx, handle); err != nil {
			return nil, err
		}
	}
	cycles, err := b.then.Cycles(ctx)
	if err != nil {
		return nil, err
	}
	now, able := b.engine.Now(), [][]workflows.Step(nil)
	if w, past, err := m.parse(b.local); err != nil {
		return nil, err
	} else if past && w.Time.Before(now) {
		now = w.Time
	}
	if cycle != "" {
		one, err := b.then.Cycle(ctx, cycle)
		if err != nil {
			return nil, err
		}
		cycles = []projections.Cycle{one}
	}
	for i, c := range cycles {
		queue, err := b.then.Queue(ctx, c.Cycle, now)
		if err != nil {
			return nil, err
		}
		for _, t := range queue {
			if t.Cycle == "" && i > 0 {
				continue // a parked policy that is no one cycle's is in every queue
			}
			if t.Role == "clock" || actor != "" && !theirs(t, string(role), self) {
				continue
			}
			l := taskLine{
				Cycle: t.Cycle, Due: t.Due, Overdue: !t.Due.IsZero() && t.Due.Before(now), Zone: cmp.Or(t.Zone, c.Zone),
				Role: t.Role, Also: t.Also, Person: t.Person, Words: b.spell(ctx, projections.Organised(t.Words, strings.Clone)), Task: t.Task, Stream: t.Stream,
				apart: t.Kind == "calendar", // it asks for a definition that is not written yet
			}
			if t.Person != "" {
				l.Who = b.called(ctx, string(t.Person))
			}
			if b.erasing != nil {
				return nil, b.erasing
			}
			lines, able = append(lines, l), append(able, steps(t))
		}
	}
	if actor != "" && b.then == b.views {
		if able, err = b.engine.Available(ctx, actor, able...); err != nil {
			return nil, err
		}
		for i := range lines {
			lines[i].Can = able[i]
		}
		lines = slices.DeleteFunc(lines, func(l taskLine) bool { return len(l.Can) == 0 && !l.apart })
	}
	slices.SortStableFunc(lines, func(a, b taskLine) int {
		if a.Due.IsZero() != b.Due.IsZero() {
			return cmp.Compare(b.Due.Unix(), a.Due.Unix()) // no time comes last
		}
		return a.Due.Compare(b.Due)
	})
	return lines, nil
}

// theirs tells whether a task is a person's in a role, or anybody's in it.
func theirs(t projections.Item, role string, self domain.Person) bool {
	mine := t.Role == role || t.Role == "panel" && role == "coordinator" // who sits on it is not recorded
	return mine && (t.Person == "" || t.Person == self) || t.Also == role || t.Task != "" && t.Person == self
}

// steps are what somebody might do about a task.
func steps(t projections.Item) (list []workflows.Step) {
	if t.Task != "" {
		list = workflows.StepsOf(t.Task)
	}
	if t.Command != "task.complete" {
		list = append(list, workflows.Step{Command: t.Command, With: t.Args})
	}
	for _, o := range t.Others {
		list = append(list, workflows.Step{Command: o.Command, With: o.Args})
	}
	return list
}

// print tells a line to whoever asked, and how they type what they can do.
func (l taskLine) print(w io.Writer, actor string) error {
	due := "at no set time"
	if !l.Due.IsZero() {
		location, err := when.Zone(l.Zone)
		if err != nil {
			return err
		}
		due = l.Due.In(location).Format("Mon " + minute)
		if l.Overdue {
			due += " overdue"
		}
	}
	who := l.Role
	if l.Who != "" {
		who = l.Who + ", " + l.Role
	}
	if l.Also != "" {
		who += " or " + l.Also
	}
	text := fmt.Sprintf("%-33s %-28s %s", due, who, l.Words)
	for _, s := range l.Can {
		text += "\n    " + typed(actor, s)
	}
	_, err := fmt.Fprintln(w, text)
	return err
}
