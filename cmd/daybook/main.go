// Command daybook keeps the book of a programme: it rehearses, runs and shows
// cycles of mentoring, grants, peer review and skills sharing, from one file
// of events that are never changed.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // every machine knows every zone

	"github.com/inconshreveable/mousetrap"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if code != 0 && mousetrap.StartedByExplorer() { // the window would close on the words
		fmt.Fprint(os.Stderr, "press Enter to close this window")
		_, _ = fmt.Scanln()
	}
	os.Exit(code)
}

// run is the whole program: its exit code is 0 when it did what was asked, 1
// when it was refused or something did not hold, 2 when it was used wrongly,
// could not read what it was given, or was asked for what is not there.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return report(stderr, root.ExecuteContext(ctx))
}
