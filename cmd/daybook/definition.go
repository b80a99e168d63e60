package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/cycle"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/when"
	"github.com/daybook-engine/daybook/workflows"
	"github.com/daybook-engine/daybook/workflows/definition"
)

func newDefinition() *cobra.Command {
	c := &cobra.Command{
		Use:   "definition",
		Short: "Programmes as documents",
		Args:  args(cobra.NoArgs),
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newDefinitionCheck(), newDefinitionShow(), newDefinitionDiff(), newDefinitionDraw(), newDefinitionPublish(), newDefinitionMove())
	return c
}

func newDefinitionCheck() *cobra.Command {
	return &cobra.Command{
		Use:   "check FILE...",
		Short: "Check programmes' definitions, without publishing anything",
		Long: `Check programmes' definitions, without publishing anything. All that is wrong is told
at once, each with file, line, column and what was expected. Of what is right the
programme and the hash are printed, by which a cycle pins it, and what somebody should
look at all the same: a calendar that ends before the dates that working days are
counted from.`,
		Example: "  daybook definition check my-programme.yaml",
		Args:    args(cobra.MinimumNArgs(1)),
		RunE: func(c *cobra.Command, files []string) error {
			var wrong []error
			for _, name := range files {
				source, err := readFile(name)
				if err != nil {
					wrong = append(wrong, err)
					continue
				}
				d, err := definition.Parse(filepath.ToSlash(name), source)
				if err != nil {
					wrong = append(wrong, err)
					continue
				}
				fmt.Fprintf(c.OutOrStdout(), "%s: %s, %s\n", name, d.Programme, d.Hash())
				doubt(c, name, d)
			}
			return errors.Join(wrong...)
		},
	}
}

// doubt tells what somebody should look at in a definition with nothing wrong.
func doubt(c *cobra.Command, name string, d programme.Definition) {
	for _, doubt := range d.Doubts() {
		fmt.Fprintf(c.ErrOrStderr(), "%s: look at %s\n", name, doubt)
	}
}

// readDefinition reads a definition's file.
func readDefinition(name string) (programme.Definition, error) {
	source, err := readFile(name)
	if err != nil {
		return programme.Definition{}, err
	}
	return definition.Parse(filepath.ToSlash(name), source)
}

func newDefinitionShow() *cobra.Command {
	var cycle string
	var asJSON bool
	var m moment
	c := &cobra.Command{
		Use:   "show FILE | show --cycle CYCLE",
		Short: "Tell a programme's whole definition in plain words",
		Long: `Tell a programme's whole definition in plain words: also what is only kept, because
nothing acts on it yet, and what is not said and some command needs. With --cycle,
the version that a cycle goes by, or went by at a moment, and which it went by since
when.`,
		Example: "  daybook definition show my-programme.yaml\n  daybook definition show --cycle nemo-2023-autumn --at 2023-08-01",
		Args:    args(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, given []string) error {
			if (len(given) == 1) == (cycle != "") {
				return usage{errors.New("expected a file, or --cycle CYCLE")}
			}
			var d programme.Definition
			var err error
			if cycle == "" {
				d, err = readDefinition(given[0])
			} else {
				var found bool
				if d, found, err = m.version(c, cycle); err == nil && !found {
					return nil
				}
			}
			if err != nil {
				return err
			}
			if !asJSON {
				return definition.Show(c.OutOrStdout(), d)
			}
			lines := json.NewEncoder(c.OutOrStdout())
			lines.SetEscapeHTML(false)
			lines.SetIndent("", "  ")
			return lines.Encode(d)
		},
	}
	c.Flags().StringVar(&cycle, "cycle", "", "the version that this cycle goes by")
	m.flags(c)
	c.Flags().BoolVar(&asJSON, "json", false, "as it is published, in JSON")
	return c
}

// version is the definition that a cycle went by at the moment asked for. Which
// versions it had gone by is told beside it.
func (m moment) version(c *cobra.Command, cycle string) (d programme.Definition, found bool, err error) {
	b, err := m.look(c, cycle)
	if err != nil {
		return d, false, err
	}
	defer b.done()
	run, err := b.then.Cycle(c.Context(), cycle)
	if err != nil {
		return d, false, b.unlessNotYet(c, cycle, err)
	}
	zone, err := when.Zone(run.Zone)
	if err != nil {
		return d, false, err
	}
	for _, v := range run.Versions {
		why := "as planned"
		if v.Reason != "" {
			why = "moved: " + strings.ReplaceAll(v.Reason, "_", " ")
		}
		fmt.Fprintf(c.ErrOrStderr(), "since %s  %s  %s\n", v.Since.In(zone).Format(minute), v.Definition, why)
	}
	d, err = b.then.Definition(c.Context(), run.Definition)
	return d, true, err
}

func newDefinitionDiff() *cobra.Command {
	return &cobra.Command{
		Use:     "diff OLD NEW",
		Short:   "Tell what a newer definition changes",
		Long:    "Tell what a newer definition changes, a line for each, by its path and the ids in it.",
		Example: "  daybook definition diff my-programme-2023.yaml my-programme.yaml",
		Args:    args(cobra.ExactArgs(2)),
		RunE: func(c *cobra.Command, given []string) error {
			older, err := readDefinition(given[0])
			if err != nil {
				return err
			}
			newer, err := readDefinition(given[1])
			if err != nil {
				return err
			}
			lines := definition.Diff(older, newer)
			for _, line := range lines {
				fmt.Fprintln(c.OutOrStdout(), line)
			}
			if len(lines) == 0 {
				fmt.Fprintln(c.ErrOrStderr(), "nothing changes")
			}
			return nil
		},
	}
}

func newDefinitionPublish() *cobra.Command {
	var by string
	c := &cobra.Command{
		Use:   "publish FILE --by ROLE/HANDLE",
		Short: "Publish a programme's definition, for cycles to pin",
		Long: `Publish a programme's definition: cycles that are planned from now on pin it, those
that are running keep theirs. It is the command definition.publish.`,
		Example: "  daybook definition publish my-programme.yaml --by coordinator/anna",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, given []string) error {
			d, err := readDefinition(given[0])
			if err != nil {
				return err
			}
			doubt(c, given[0], d)
			fields, err := json.Marshal(programme.PublishDefinition{ID: programme.ID{Programme: d.Programme}, Definition: d})
			if err != nil {
				return err
			}
			return issue(c, by, "definition.publish", fields, workflows.Cause{Channel: "cli"})
		},
	}
	c.Flags().StringVar(&by, "by", "", "who does it: ROLE/HANDLE")
	return c
}

func newDefinitionMove() *cobra.Command {
	var cycle, by, listed string
	var dryRun, asJSON bool
	cause := workflows.Cause{Channel: "cli"}
	c := &cobra.Command{
		Use:   "move FILE|HASH --cycle CYCLE (--dry-run | --by ROLE/HANDLE --reason CODE)",
		Short: "Move a running cycle to another version of its definition",
		Long: `Move a running cycle to another published version of its definition, given as a file
or by its hash. From then on the cycle's commands, policies and timers go by it. What
people were told stays as it is: deadlines, by when to reply, the terms of matches.
Nothing that was decided is decided again.

A cycle moves only at rest. With --dry-run, tell what would change: in the
definition, in this cycle, and what is in the way. Anything in the way is exit code
1, as for the move itself: a version that is not published yet, something that has
fallen due and is not done, an event that policies have not answered, an offer or a
match that waits for an answer on terms which the new version changes, an application
under review by criteria that it changes, an opened call that it has not, another
zone. A closed cycle never moves.

With --listed, the digest that the dry run ends with, the move is refused unless it
would still list the same. It is the command definition.move.`,
		Example: `  daybook definition move my-programme.yaml --cycle spring --dry-run
  daybook definition move my-programme.yaml --cycle spring --by coordinator/anna --reason calendar_2025`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, given []string) error {
			d, hash, err := namedVersion(given[0])
			if err != nil {
				return err
			}
			if dryRun {
				return dryMove(c, cycle, d, hash, asJSON)
			}
			fields, err := json.Marshal(map[string]any{"cycle": cycle, "definition": hash, "listed": listed})
			if err != nil {
				return err
			}
			return issue(c, by, "definition.move", fields, cause)
		},
	}
	cycleFlag(c, &cycle)
	f := c.Flags()
	f.BoolVar(&dryRun, "dry-run", false, "tell what would change, and change nothing")
	f.BoolVar(&asJSON, "json", false, "the dry run as one JSON object")
	f.StringVar(&by, "by", "", "who does it: ROLE/HANDLE")
	f.StringVar(&cause.Reason, "reason", "", "why: a code such as calendar_2025")
	f.StringVar(&cause.Authority, "authority", "", "the rule or role that allows it")
	f.StringVar(&listed, "listed", "", "only if it changes what the dry run of this digest listed")
	return c
}

// namedVersion is a version by its file, or by its hash alone: the definition is
// empty then.
func namedVersion(name string) (programme.Definition, domain.Digest, error) {
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) && domain.CheckDigest("", domain.Digest(name)) == nil {
		return programme.Definition{}, domain.Digest(name), nil
	}
	d, err := readDefinition(name)
	return d, d.Hash(), err
}

// dryMove tells what a move would change.
func dryMove(c *cobra.Command, id string, d programme.Definition, hash domain.Digest, asJSON bool) error {
	b, err := moment{clock: "recorded"}.look(c, id)
	if err != nil {
		return err
	}
	defer b.done()
	ctx := c.Context()
	if d.Programme == "" {
		if d, err = b.views.Definition(ctx, hash); err != nil {
			return err
		}
	}
	m, err := workflows.DryRun(ctx, b.store, id, d, b.engine.Now())
	if err != nil {
		return err
	}
	for _, lines := range [][]string{m.Effects, m.InTheWay} {
		for i := range lines {
			lines[i] = b.spell(ctx, lines[i])
		}
	}
	if b.erasing != nil {
		return b.erasing
	}
	out := c.OutOrStdout()
	if asJSON {
		lines := json.NewEncoder(out)
		lines.SetEscapeHTML(false)
		err = lines.Encode(m)
	} else if m.From == m.To {
		fmt.Fprintln(c.ErrOrStderr(), "already so: the cycle goes by this version")
	} else {
		err = printMove(out, m)
	}
	if err == nil && len(m.InTheWay) > 0 {
		err = cycle.ErrNotAtRest.Because(fmt.Sprintf("in the way: %d", len(m.InTheWay)))
	}
	return err
}

func printMove(w io.Writer, m workflows.Move) (err error) {
	say := func(format string, args ...any) {
		if err == nil {
			_, err = fmt.Fprintf(w, format+"\n", args...)
		}
	}
	say("%s from %s to %s", m.Cycle, m.From, m.To)
	for _, part := range []struct {
		title, none string
		lines       []string
	}{
		{"In the definition", "nothing", m.Changes},
		{"In this cycle", "nothing that is under way", m.Effects},
		{"In the way", "nothing, the cycle is at rest", m.InTheWay},
	} {
		say("%s", part.title)
		for _, line := range part.lines {
			say("  %s", line)
		}
		if len(part.lines) == 0 {
			say("  %s", part.none)
		}
	}
	say("Listed: %s", m.Listed)
	return err
}

func newDefinitionDraw() *cobra.Command {
	var format, picture, cycle string
	var m moment
	c := &cobra.Command{
		Use:   "draw FILE [--svg PICTURE] [--cycle CYCLE]",
		Short: "Draw a programme's stages, with a cycle's path laid over them",
		Long: `Draw a programme's stages as a Mermaid state diagram, or as an SVG picture. With
--cycle, every way bears the number of applications that went it, and of those who
left on it, now or at a moment of the past. Stages of which nothing is recorded
count whoever was seen at a later one.`,
		Example: `  daybook definition draw my-programme.yaml
  daybook definition draw nemo-one-to-one.yaml --cycle nemo-2023-autumn --svg autumn.svg`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, given []string) error {
			draw, ok := map[string]func(io.Writer, programme.Definition, *definition.Path) error{"mermaid": definition.Mermaid, "svg": definition.SVG}[format]
			if !ok {
				return usage{fmt.Errorf("--format %s: expected mermaid or svg", format)}
			}
			if picture != "" {
				draw = definition.SVG
			}
			if f := c.Flags(); cycle == "" && (f.Changed("at") || f.Changed("clock")) {
				return usage{errors.New("--at and --clock need --cycle: whose path is laid over the stages")}
			}
			d, err := readDefinition(given[0])
			if err != nil {
				return err
			}
			var path *definition.Path
			if cycle != "" {
				if path, err = m.path(c, cycle, d); err != nil {
					return err
				}
			}
			out := c.OutOrStdout()
			if picture == "" {
				return draw(out, d, path)
			}
			file, err := os.Create(picture)
			if err != nil {
				return usage{err}
			}
			return cmp.Or(draw(file, d, path), file.Close())
		},
	}
	f := c.Flags()
	f.StringVar(&format, "format", "mermaid", "mermaid or svg")
	f.StringVar(&picture, "svg", "", "write an SVG picture to this file")
	f.StringVar(&cycle, "cycle", "", "lay this cycle's path over it")
	m.flags(c)
	return c
}

// path is what a cycle has gone of a definition's ways.
func (m moment) path(c *cobra.Command, cycle string, d programme.Definition) (*definition.Path, error) {
	b, err := m.look(c, cycle)
	if err != nil {
		return nil, err
	}
	defer b.done()
	ctx := c.Context()
	planned, err := b.views.Cycle(ctx, cycle)
	if err != nil {
		return nil, err
	}
	if planned.Programme != d.Programme {
		return nil, usage{fmt.Errorf("%s is a cycle of %s, and this definition is %s's", cycle, planned.Programme, d.Programme)}
	}
	path := &definition.Path{Edges: map[definition.Edge]int{}, Left: map[string]int{}}
	run, err := b.then.Cycle(ctx, cycle)
	if err != nil {
		return path, b.unlessNotYet(c, cycle, err)
	}
	if run.Definition != d.Hash() {
		fmt.Fprintf(c.ErrOrStderr(), "%s pins another version: %s\n", cycle, run.Definition)
	}
	courses, err := b.then.Courses(ctx, cycle)
	if err != nil {
		return nil, err
	}
	matches, err := b.then.Matches(ctx, cycle)
	if err != nil {
		return nil, err
	}
	for _, course := range courses {
		walk(path, d, course, matches)
	}
	return path, nil
}
