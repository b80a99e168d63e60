package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/daybook-engine/daybook/domain/programme"
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
	c.AddCommand(newDefinitionCheck(), newDefinitionShow(), newDefinitionDiff(), newDefinitionDraw(), newDefinitionPublish())
	return c
}

func newDefinitionCheck() *cobra.Command {
	return &cobra.Command{
		Use:   "check FILE...",
		Short: "Check programmes' definitions, without publishing anything",
		Long: `Check programmes' definitions, without publishing anything. All that is wrong is told
at once, each with file, line, column and what was expected. Of what is right the
programme and the hash are printed, by which a cycle pins it.`,
		Example: "  daybook definition check my-programme.yaml",
		Args:    args(cobra.MinimumNArgs(1)),
		RunE: func(c *cobra.Command, files []string) error {
			var wrong []error
			for _, name := range files {
				source, err := readFile(name)
				if err != nil {
					return err
				}
				d, err := definition.Parse(filepath.ToSlash(name), source)
				if err != nil {
					wrong = append(wrong, err)
					continue
				}
				fmt.Fprintf(c.OutOrStdout(), "%s: %s, %s\n", name, d.Programme, d.Hash())
			}
			return errors.Join(wrong...)
		},
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
	var asJSON bool
	c := &cobra.Command{
		Use:   "show FILE",
		Short: "Tell a programme's whole definition in plain words",
		Long: `Tell a programme's whole definition in plain words: also what is only kept, because
nothing acts on it yet, and what is not said and some command needs.`,
		Example: "  daybook definition show my-programme.yaml",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, given []string) error {
			d, err := readDefinition(given[0])
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
	c.Flags().BoolVar(&asJSON, "json", false, "as it is published, in JSON")
	return c
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
