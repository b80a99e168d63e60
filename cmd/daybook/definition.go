package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/daybook-engine/daybook/workflows/definition"
)

func newDefinition() *cobra.Command {
	c := &cobra.Command{
		Use:   "definition",
		Short: "Programmes as documents",
		Args:  args(cobra.NoArgs),
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newDefinitionCheck())
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
