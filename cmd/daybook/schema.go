package main

import (
	"github.com/spf13/cobra"

	"github.com/daybook-engine/daybook/workflows/definition"
)

func newSchema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema definition",
		Short: "Print the form of programmes' definitions, for editors",
		Long: `Print the form of programmes' definitions as JSON Schema 2020-12, by which editors
complete and underline what is written. What a definition means, only
daybook definition check knows.`,
		Example:   "  daybook schema definition > definition.schema.json\n  # then, as the first line of my-programme.yaml:\n  # yaml-language-server: $schema=definition.schema.json",
		Args:      args(cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs)),
		ValidArgs: []string{"definition"},
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := c.OutOrStdout().Write(definition.Schema)
			return err
		},
	}
}
