// Command daybook-verify checks an evidence pack: that the figures in it follow
// from records that nobody altered since they were signed. It needs nothing but
// the pack and the policy file: no network, no account, no Daybook. FORMAT.md
// beside it says what a pack is, so that others can write another.
package main

import (
	"os"

	"github.com/daybook-engine/daybook/cmd/daybook-verify/verify"
)

func main() { os.Exit(verify.Main("daybook-verify", os.Args[1:], os.Stdout, os.Stderr)) }
