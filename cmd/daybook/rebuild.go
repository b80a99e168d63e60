package main

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

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
			fmt.Fprintf(c.ErrOrStderr(), "\nrebuilt from %d events in %s, %.0f events/s\n", events, took.Round(time.Millisecond), float64(events)/took.Seconds())
			return nil
		},
	}
}

// progress draws a bar on stderr.
func progress(c *cobra.Command, total int64, what string) *progressbar.ProgressBar {
	return progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(c.ErrOrStderr()),
		progressbar.OptionSetDescription(what),
		progressbar.OptionShowCount(),
		progressbar.OptionShowIts(),
		progressbar.OptionSetItsString(what),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionSetWidth(30),
	)
}
