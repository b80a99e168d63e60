package main

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Tell which Daybook this is",
		Args:  args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			version, revision := "(devel)", ""
			info, ok := debug.ReadBuildInfo()
			if ok && info.Main.Version != "" {
				version = info.Main.Version
			}
			for _, s := range info.Settings {
				if s.Key == "vcs.revision" {
					revision = " " + s.Value
				}
			}
			_, err := fmt.Fprintf(c.OutOrStdout(), "daybook %s%s %s\n", version, revision, info.GoVersion)
			return err
		},
	}
}
