package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/projections"
)

func newRebuild() *cobra.Command {
	return &cobra.Command{
		Use:   "rebuild",
		Short: "Make the read models anew from the log",
		Long: `Make the read models anew from the log, beside the old ones, and put them in
their place when they are complete. Nothing in them is lost by it: they hold
nothing that the log doesn't.`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			b, err := openLog(c)
			if err != nil {
				return err
			}
			defer b.Close()
			head, err := b.store.Head(c.Context())
			if err != nil {
				return err
			}
			bar := progress(c, int64(head.Commit()), "events")
			began, events := time.Now(), int64(0)
			err = projections.Rebuild(c.Context(), filepath.Join(b.dir, "views.db"), b.store, func(n int64, done, _ eventstore.Position) {
				events = n
				_ = bar.Set64(int64(done.Commit())) // a bar that cannot be drawn is no reason to stop
			})
			if err != nil {
				return err
			}
			_ = bar.Finish()
			took := time.Since(began)
			fmt.Fprintf(c.ErrOrStderr(), "rebuilt from %d events in %s, %.0f events/s\n", events, took.Round(time.Millisecond), float64(events)/took.Seconds())
			return nil
		},
	}
}

// progress draws a bar on stderr, where that is a terminal.
func progress(c *cobra.Command, total int64, what string) *progressbar.ProgressBar {
	file, ok := c.ErrOrStderr().(*os.File)
	bar := progressbar.NewOptions64(total,
		progressbar.OptionSetVisibility(ok && term.IsTerminal(int(file.Fd()))),
		progressbar.OptionSetWriter(c.ErrOrStderr()),
		progressbar.OptionSetDescription(what),
		progressbar.OptionShowCount(),
		progressbar.OptionShowIts(),
		progressbar.OptionSetItsString(what),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionSetWidth(30),
		progressbar.OptionOnCompletion(func() { fmt.Fprintln(c.ErrOrStderr()) }),
	)
	bar.StartWithoutRender() // else its clock starts with the first step, and a short log seems to take no time
	return bar
}
