package main

import (
	"context"
	"embed"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/daybook-engine/daybook/cmd/daybook/web"
	"github.com/daybook-engine/daybook/workflows"
)

// A plain programme to begin one's own from stands beside what is rehearsed.
//
//go:embed rehearsals/*.yaml starters/*.yaml
var rehearsals embed.FS

const demoLasts = 30 * time.Second

func newDemo() *cobra.Command {
	var addr string
	var lasts time.Duration
	c := &cobra.Command{
		Use:   "demo",
		Short: "See a season play in the browser",
		Long: `See a season play in the browser: NEMO's one to one mentoring, autumn 2023, from
call opened to cycle closed, on a virtual clock; the spring's, which comes before
it, is played first. Stopped in the middle, it continues when started again. The
daybook stays in the data directory, to be looked at with every other command.`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			b, err := makeBook(c, true)
			if err != nil {
				return err
			}
			defer b.Close()
			group, ctx := errgroup.WithContext(c.Context())
			if err := b.demo(ctx, group, addr, lasts, c.OutOrStdout(), c.ErrOrStderr()); err != nil {
				return err
			}
			return finished(group.Wait())
		},
	}
	addrFlag(c, &addr)
	c.Flags().DurationVar(&lasts, "lasts", demoLasts, "how long both seasons take to play, from the beginning")
	return c
}

// demo plays the season under an address, and shows it from then on.
func (b *book) demo(ctx context.Context, group *errgroup.Group, addr string, lasts time.Duration, out, talk io.Writer) error {
	r, err := workflows.LoadRehearsal(rehearsals.ReadFile, "rehearsals/nemo-2023-autumn.yaml")
	if err != nil {
		return err
	}
	stage, err := b.stage(func(workflows.Told) {})
	if err != nil {
		return err
	}
	stage.Pace = pace(lasts / time.Duration(r.Steps()))
	playing := &atomic.Bool{}
	playing.Store(true)
	log := logger(talk)
	tried := &atomic.Pointer[web.Trials]{}
	tour := &web.Tour{Cycle: r.Name, Trials: func() (web.Trials, bool) {
		t := tried.Load()
		if t == nil {
			return web.Trials{}, false
		}
		return *t, true
	}}
	pages, err := b.pages(ctx, group, web.Options{Tour: tour}, r.Name, log)
	if err != nil {
		return err
	}
	if err := b.listen(ctx, group, addr, out, log, refreshWhile(playing, pages)); err != nil {
		return err
	}
	group.Go(func() error {
		err := persist(ctx, log, "season", func(ctx context.Context) error { return b.perform(ctx, stage, r, playing, talk) })
		if err == nil {
			tried.Store(b.tried(ctx, r.Name, log))
		}
		return err
	})
	return nil
}

// perform plays the season, and says when it is over.
func (b *book) perform(ctx context.Context, stage *workflows.Stage, r *workflows.Rehearsal, playing *atomic.Bool, talk io.Writer) error {
	if _, err := b.play(ctx, stage, r); err != nil {
		return err
	}
	playing.Store(false)
	fmt.Fprintf(talk, `the season is over. Look around; after stopping this with Ctrl-C, try:
  daybook explain session_minutes --cycle %[1]s %[2]s
  daybook history --cycle %[1]s %[2]s
  daybook figures --cycle %[1]s --at 2023-10-31 --clock occurred %[2]s
`, r.Name, b.flags())
	return nil
}

// refreshWhile lets open pages follow the play, without a script.
func refreshWhile(playing *atomic.Bool, pages http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if playing.Load() {
			w.Header().Set("Refresh", "2")
		}
		pages.ServeHTTP(w, r)
	})
}
