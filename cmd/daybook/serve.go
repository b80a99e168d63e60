package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/daybook-engine/daybook/cmd/daybook/web"
)

// drain is how long pages under way may take when the server stops.
const drain = 10 * time.Second

func newServe() *cobra.Command {
	var addr string
	c := &cobra.Command{
		Use:   "serve",
		Short: "Show the daybook in a browser, and let the clock run",
		Long: `Show the daybook in a browser, and let the clock run: calls close, drafts expire
and offers lapse when they fall due. A rehearsed daybook is shown at the time the
rehearsal reached, and nothing more happens in it.`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			b, err := openBook(c)
			if err != nil {
				return err
			}
			defer b.Close()
			group, ctx := errgroup.WithContext(c.Context())
			if err := b.listen(ctx, group, addr, c.OutOrStdout(), logger(c.ErrOrStderr()), nil); err != nil {
				return err
			}
			if b.clock == nil {
				group.Go(func() error { return b.run(ctx) })
			}
			return finished(group.Wait())
		},
	}
	addrFlag(c, &addr)
	return c
}

func addrFlag(c *cobra.Command, addr *string) {
	c.Flags().StringVar(addr, "addr", "127.0.0.1:8080", "where to listen; without sign-in, keep it on loopback")
}

func logger(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

// finished turns the end of a context, by which everything stops, into
// success.
func finished(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// listen serves the pages until ctx ends. wrap, where it is given, goes
// around them.
func (b *book) listen(ctx context.Context, group *errgroup.Group, addr string, out io.Writer, log *slog.Logger, wrap func(http.Handler) http.Handler) error {
	if err := b.views.CatchUp(ctx); err != nil {
		return err
	}
	rehearsal := ""
	if b.clock != nil {
		rehearsal = b.rehearsalName(ctx)
	}
	pages, err := web.New(web.Options{
		Store: b.store, Views: b.views, Names: b.reveal, Now: b.engine.Now, Rehearsal: rehearsal, Log: log,
	})
	if err != nil {
		return err
	}
	if wrap != nil {
		pages = wrap(pages)
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           pages,
		ReadHeaderTimeout: web.ReadHeaderTimeout, ReadTimeout: web.ReadTimeout,
		WriteTimeout: web.WriteTimeout, IdleTimeout: web.IdleTimeout, MaxHeaderBytes: web.MaxHeaderBytes,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelError),
	}
	group.Go(func() error { return b.views.Run(ctx) })
	group.Go(func() error { return server.Serve(listener) })
	group.Go(func() error {
		<-ctx.Done()
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
		defer cancel()
		return server.Shutdown(ending)
	})
	fmt.Fprintf(out, "http://%s/\n", listener.Addr())
	return nil
}

// rehearsalName is the name on the banner: the last cycle rehearsed.
func (b *book) rehearsalName(ctx context.Context) string {
	cycles, err := b.views.Cycles(ctx)
	if err != nil || len(cycles) == 0 {
		return "that is beginning"
	}
	names := make([]string, len(cycles))
	for i, c := range cycles {
		names[i] = c.Cycle
	}
	return strings.Join(names, ", ")
}

// run lets policies answer what is recorded, and the clock do what falls due.
func (b *book) run(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		if err := b.engine.CatchUp(ctx, b.checkpoint()); err != nil {
			return err
		}
		if _, err := b.engine.Tick(ctx, agenda{b.views}); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
