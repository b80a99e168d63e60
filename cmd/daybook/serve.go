package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/daybook-engine/daybook/cmd/daybook/web"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/workflows"
)

const (
	// drain is how long pages under way may take when the server stops.
	drain = 10 * time.Second
	// What a fault has ended is tried again after the shorter pause, then
	// after ever longer ones.
	shortPause, longPause = time.Second, time.Minute
)

func newServe() *cobra.Command {
	var addr, file, mailURL, backups, as string
	c := &cobra.Command{
		Use:   "serve",
		Short: "Show the daybook in a browser, and let the clock run",
		Long: `Show the daybook in a browser, and let the clock run: calls close, drafts expire,
nominations and offers lapse, and first contacts become overdue when they fall
due; policies answer what was recorded. What goes wrong there is told on stderr
and tried again, and the pages stay; only a log or a vault that cannot be
written any more ends the process, with exit code 1. A rehearsed daybook is shown at the time the
rehearsal reached, and nothing happens in it by itself any more.

With --as ROLE/HANDLE pages also let that person act: each offers the commands that
would be accepted now, with a form for each, and what is sent goes the way of
daybook do. Whoever reaches the address acts as that person, so it must be this
machine's own. What is recorded in a rehearsed daybook stays marked as rehearsed.` + relayHelp + mailHelp,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			config, err := relayConfig(file)
			if err != nil {
				return err
			}
			data, err := c.Flags().GetString("data")
			if err != nil {
				return err
			}
			transport, err := mailTransport(mailURL, data)
			if err != nil {
				return err
			}
			if as != "" {
				if err := onLoopback(addr, as); err != nil {
					return err
				}
			}
			b, err := openBook(c)
			if err != nil {
				return err
			}
			defer b.Close()
			if b.clock != nil && transport != nil {
				return usage{fmt.Errorf("%s: this daybook was rehearsed, and nobody in it is ever written to: leave out --mail", b.dir)}
			}
			if backups != "" {
				if err := b.backsUp(backups); err != nil {
					return fmt.Errorf("--backup: %w", err)
				}
			}
			log := logger(c.ErrOrStderr())
			b.engine.Parked = func(policy string, at eventstore.Recorded, why error) {
				log.Error("a policy stands still before an event; see daybook policies", "policy", policy, "stream", at.Stream, "event", at.ID, "err", why)
			}
			var ledger *workflows.Ledger
			if b.clock == nil {
				if ledger, err = b.ledger(); err != nil {
					return err
				}
			}
			var acting *web.Acting
			if as != "" {
				if acting, err = b.acting(c.Context(), as, log); err != nil {
					return err
				}
			}
			group, ctx := errgroup.WithContext(c.Context())
			if err := b.listen(ctx, group, addr, c.OutOrStdout(), log, "", acting, nil); err != nil {
				return err
			}
			if b.clock == nil {
				upToDate, once := make(chan struct{}), sync.Once{}
				run := func(ctx context.Context) error { return b.run(ctx, func() { once.Do(func() { close(upToDate) }) }) }
				group.Go(func() error { return persist(ctx, log, "policies and clock", run) })
				group.Go(func() error {
					return persist(ctx, log, "mail", func(ctx context.Context) error { return b.mail(ctx, upToDate, transport, log) })
				})
				group.Go(func() error {
					return ledger.Run(ctx, time.Minute, func(err error) { log.Error("nothing was signed", "err", err) })
				})
			}
			if backups != "" {
				group.Go(func() error { return b.backUpDaily(ctx, backups, log) })
			}
			group.Go(func() error {
				return persist(ctx, log, "relay", func(ctx context.Context) error { return b.relay(ctx, config, log) })
			})
			return finished(group.Wait())
		},
	}
	addrFlag(c, &addr)
	c.Flags().StringVar(&as, "as", os.Getenv("DAYBOOK_AS"), "who acts on the pages: ROLE/HANDLE (DAYBOOK_AS); without it they only show")
	c.Flags().StringVar(&file, "relay", "", "whom to tell of events outside, and from whom to take commands: a YAML file")
	c.Flags().StringVar(&backups, "backup", os.Getenv("DAYBOOK_BACKUP"), "make a checked backup a day within this directory (DAYBOOK_BACKUP)")
	c.Flags().StringVar(&mailURL, "mail", os.Getenv("DAYBOOK_MAIL"), "send the messages, smtp://USER:PASSWORD@HOST:PORT?from=ADDRESS or file:DIR (DAYBOOK_MAIL)")
	c.Flags().Lookup("mail").DefValue = "" // --help would tell a password
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

// listen serves the pages until ctx ends. playing names the rehearsal under
// way, if there is one; wrap, where it is given, goes around the pages.
func (b *book) listen(ctx context.Context, group *errgroup.Group, addr string, out io.Writer, log *slog.Logger, playing string, acting *web.Acting, wrap func(http.Handler) http.Handler) error {
	if err := b.views.CatchUp(ctx); err != nil {
		return err
	}
	rehearsal := ""
	if b.clock != nil {
		rehearsal = b.rehearsalName(ctx, playing)
	}
	pages, err := web.New(web.Options{
		Store: b.store, Views: b.views, Names: b.reveal, Letters: b.letter, Now: b.engine.Now, Rehearsal: rehearsal, Acting: acting, Log: log,
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
	group.Go(func() error { return persist(ctx, log, "read models", b.views.Run) })
	group.Go(func() error { return persist(ctx, log, "vault", b.held) })
	group.Go(func() error { return server.Serve(listener) })
	group.Go(func() error {
		<-ctx.Done()
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
		defer cancel()
		return server.Shutdown(ending)
	})
	fmt.Fprintf(out, "http://%s/\n", listener.Addr())
	if a, ok := listener.Addr().(*net.TCPAddr); ok && !a.IP.IsLoopback() {
		log.Warn("whoever reaches this address sees every name: until people can sign in, keep --addr on loopback")
	}
	return nil
}

// rehearsalName is the name on the banner: every cycle rehearsed so far, or
// the file that is about to be.
func (b *book) rehearsalName(ctx context.Context, playing string) string {
	cycles, err := b.views.Cycles(ctx)
	if err != nil || len(cycles) == 0 {
		return playing
	}
	names := make([]string, len(cycles))
	for i, c := range cycles {
		names[i] = c.Cycle
	}
	return strings.Join(names, ", ")
}

// persist does work again when a fault has ended it, so that the pages outlive
// it. A fault is told once, and again when it is another one or comes back
// after a while.
func persist(ctx context.Context, log *slog.Logger, name string, work func(context.Context) error) error {
	told, pause := "", shortPause
	for {
		began := time.Now()
		err := work(ctx)
		if err == nil || final(err) {
			return err
		}
		if ctx.Err() != nil { // what is broken off fails in its own words
			return ctx.Err()
		}
		if time.Since(began) > longPause {
			told, pause = "", shortPause
		}
		if err.Error() != told {
			told = err.Error()
			log.Error("something went wrong and is tried again; the pages stay", "in", name, "err", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
			pause = min(2*pause, longPause)
		}
	}
}

// final tells of what this process cannot mend by trying again: a log or vault
// that takes no more, and a rehearsal that is another, or goes another way.
func final(err error) bool {
	return stopped(err) || errors.Is(err, workflows.ErrOther) || errors.Is(err, workflows.ErrUnmet)
}

// held fails when the vault has lost its lock, in a rehearsed daybook too:
// others may write to it then.
func (b *book) held(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		if err := b.vault.Held(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// run lets policies answer what is recorded, and the clock do what falls due; it
// says when they have done so once.
func (b *book) run(ctx context.Context, upToDate func()) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		// One event that a policy cannot answer keeps no call open.
		answered := b.answer(ctx)
		issued, ticked := b.engine.Tick(ctx, agenda{b.views})
		if err := errors.Join(answered, ticked); err != nil {
			return err
		}
		if issued > 0 { // more may be due, and policies are yet to answer that
			continue
		}
		upToDate()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
