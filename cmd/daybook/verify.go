package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/daybook-engine/daybook/cmd/daybook-verify/verify"
)

// exitCode is that of a program within the program, which has said why.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

func newVerify() *cobra.Command {
	return &cobra.Command{
		Use:   "verify PACK --policy FILE [--since OLDER-PACK] [--events]",
		Short: "Check an evidence pack, as daybook-verify does",
		// The same program: it reads its own flags.
		DisableFlagParsing: true,
		RunE: func(c *cobra.Command, given []string) error {
			if code := verify.Main("daybook verify", given, c.OutOrStdout(), c.ErrOrStderr()); code != 0 {
				return exitCode(code)
			}
			return nil
		},
	}
}
