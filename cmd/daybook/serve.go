package main

import (
	"context"
	"crypto/rand"
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
	"github.com/daybook-engine/daybook/workflows/mail"
	"github.com/daybook-engine/daybook/workflows/relay"
)

const (
	ownAddr = "127.0.0.1:8080"
	// drain is how long pages under way may take when the server stops.
	drain = 10 * time.Second
	// What a fault has ended is tried again after the shorter pause, then
	// after ever longer ones.
	shortPause, longPause = time.Second, time.Minute
)

func newServe() *cobra.Command {
	s := newServing()
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
daybook do. The address must be this machine's own.

The address that is told has a key, made anew at each start; the browser keeps it, and
whoever reaches the address without it is shown nothing. A rehearsed daybook needs none,
unless somebody acts on its pages. What is recorded in a rehearsed daybook stays marked as rehearsed.` + relayHelp + mailHelp,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := s.check(c); err != nil {
				return err
			}
			b, err := openBook(c)
			if err != nil {
				return err
			}
			defer b.Close()
			log := logger(c.ErrOrStderr())
			work, err := b.background(s, log)
			if err != nil {
				return err
			}
			var acting *web.Acting
			if s.as != "" {
				if acting, err = b.acting(c.Context(), s.as, log); err != nil {
					return err
				}
			}
			group, ctx := errgroup.WithContext(c.Context())
			pages, err := b.pages(ctx, group, web.Options{Acting: acting, Unmailed: s.transport == nil}, "", log)
			if err != nil {
				return err
			}
			if err := b.listen(ctx, group, s.addr, c.OutOrStdout(), log, pages); err != nil {
				return err
			}
			work(ctx, group)
			return finished(group.Wait())
		},
	}
	s.flags(c)
	return c
}

// serving is how a daybook is to be served.
type serving struct {
	addr, as, file, backups, mailURL string

	config    relay.Config   // of file,
	transport mail.Transport // and of mailURL, once they are checked
}

// newServing is that as the environment asks for it.
func newServing() *serving {
	return &serving{addr: ownAddr, as: os.Getenv("DAYBOOK_AS"), backups: os.Getenv("DAYBOOK_BACKUP"), mailURL: os.Getenv("DAYBOOK_MAIL")}
}

func (s *serving) flags(c *cobra.Command) {
	addrFlag(c, &s.addr)
	c.Flags().StringVar(&s.as, "as", s.as, "who acts on the pages: ROLE/HANDLE (DAYBOOK_AS); without it they only show")
	c.Flags().StringVar(&s.file, "relay", "", "whom to tell of events outside, and from whom to take commands: a YAML file")
	c.Flags().StringVar(&s.backups, "backup", s.backups, "make a checked backup a day within this directory (DAYBOOK_BACKUP)")
	c.Flags().StringVar(&s.mailURL, "mail", s.mailURL, "send the messages, smtp://USER:PASSWORD@HOST:PORT?from=ADDRESS or file:DIR (DAYBOOK_MAIL)")
	c.Flags().Lookup("mail").DefValue = "" // --help would tell a password
}

// check says what is wrong with it before a directory is touched.
func (s *serving) check(c *cobra.Command) (err error) {
	if s.config, err = relayConfig(s.file); err != nil {
		return err
	}
	data, err := c.Flags().GetString("data")
	if err != nil {
		return err
	}
	if s.transport, err = mailTransport(s.mailURL, data); err != nil || s.as == "" {
		return err
	}
	return onLoopback(s.addr, s.as)
}

// background is what goes on while a daybook is shown, once it is let.
func (b *book) background(s *serving, log *slog.Logger) (begin func(context.Context, *errgroup.Group), err error) {
	if b.clock != nil && s.transport != nil {
		return nil, usage{fmt.Errorf("%s: this daybook was rehearsed, and nobody in it is ever written to: leave out --mail", b.dir)}
	}
	if s.backups != "" {
		if err := b.backsUp(s.backups); err != nil {
			return nil, fmt.Errorf("--backup: %w", err)
		}
	}
	b.engine.Parked = func(policy string, at eventstore.Recorded, why error) {
		log.Error("a policy stands still before an event; see daybook policies", "policy", policy, "stream", at.Stream, "event", at.ID, "err", why)
	}
	var ledger *workflows.Ledger
	if b.clock == nil {
		if ledger, err = b.ledger(); err != nil {
			return nil, err
		}
	}
	return func(ctx context.Context, group *errgroup.Group) {
		if b.clock == nil {
			upToDate, once := make(chan struct{}), sync.Once{}
			run := func(ctx context.Context) error { return b.run(ctx, func() { once.Do(func() { close(upToDate) }) }) }
			group.Go(func() error { return persist(ctx, log, "policies and clock", run) })
			group.Go(func() error {
				return persist(ctx, log, "mail", func(ctx context.Context) error { return b.mail(ctx, upToDate, s.transport, log) })
			})
			group.Go(func() error {
				return ledger.Run(ctx, time.Minute, func(err error) { log.Error("nothing was signed", "err", err) })
			})
		}
		if s.backups != "" {
			group.Go(func() error { return b.backUpDaily(ctx, s.backups, log) })
		}
		group.Go(func() error {
			return persist(ctx, log, "relay", func(ctx context.Context) error { return b.relay(ctx, s.config, log) })
		})
	}, nil
}

func addrFlag(c *cobra.Command, addr *string) {
	c.Flags().StringVar(addr, "addr", ownAddr, "where to listen; without sign-in, keep it on loopback")
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

// pages are the daybook's as options ask for them. playing names the rehearsal
// under way, if there is one.
func (b *book) pages(ctx context.Context, group *errgroup.Group, o web.Options, playing string, log *slog.Logger) (http.Handler, error) {
	if err := b.views.CatchUp(ctx); err != nil {
		return nil, err
	}
	if b.clock != nil {
		o.Rehearsal = b.rehearsalName(ctx, playing)
	}
	o.Store, o.Views, o.Names, o.Letters, o.Deeds, o.Now, o.Log = b.store, b.views, b.reveal, b.letter, b.deeds, b.engine.Now, log
	o.Go = func(work func(context.Context)) { group.Go(func() error { work(ctx); return nil }) }
	o.Forced = forcing
	if b.key == "" && (b.clock == nil || o.Acting != nil) { // nothing of a rehearsal is anybody's
		b.key = rand.Text() + rand.Text()
	}
	o.Key = b.key
	return web.New(o)
}

// listen serves pages until ctx ends, and tells where.
func (b *book) listen(ctx context.Context, group *errgroup.Group, addr string, out io.Writer, log *slog.Logger, pages http.Handler) error {
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
	home := fmt.Sprintf("http://%s/", listener.Addr())
	if b.key != "" {
		home += "?key=" + b.key
	}
	if err := b.announce(home); err != nil {
		return errors.Join(err, listener.Close())
	}
	group.Go(func() error { return persist(ctx, log, "read models", b.views.Run) })
	group.Go(func() error { return persist(ctx, log, "vault", b.held) })
	group.Go(func() error { return server.Serve(listener) })
	group.Go(func() error {
		<-ctx.Done()
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
		defer cancel()
		_, _ = os.Remove(b.address()), os.Remove(b.opener()) // what is left of them is not believed
		return server.Shutdown(ending)
	})
	fmt.Fprintln(out, home)
	if b.asked != nil {
		b.asked(home)
	}
	if a, ok := listener.Addr().(*net.TCPAddr); ok && !a.IP.IsLoopback() {
		log.Warn("what is shown at this address can be read on its way, names and the key too: until people can sign in, keep --addr on loopback")
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
