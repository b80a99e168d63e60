package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cli/browser"
	"github.com/inconshreveable/mousetrap"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/daybook-engine/daybook/cmd/daybook/web"
	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/access"
	"github.com/daybook-engine/daybook/domain/person"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/durable"
	"github.com/daybook-engine/daybook/workflows"
	"github.com/daybook-engine/daybook/workflows/definition"
)

const (
	anyPort = "127.0.0.1:0"
	// Who has clicked twice too often starts two: the second waits so long for
	// the first to say where it is.
	secondClick = 5 * time.Second
	// A browser that is there has come up by then, or comes up by itself.
	browserWait = 5 * time.Second

	coordinator = string(access.Coordinator) + "/"
)

// A desk is what a double click opens: a daybook on which one person acts, in
// front of the machine that it is on. Who that is, the first page asks, and
// the directory remembers. It asks for no password, but for the key that came
// with the address it opened: whoever can read that, or start Daybook,
// has the directory, with its keys, and may act as anybody by daybook do.
type desk struct {
	*book
	serving *serving
	ctx     context.Context
	group   *errgroup.Group
	talk    io.Writer
	log     *slog.Logger
	work    func() // goes on in the background, from when there is somebody
	shown   atomic.Pointer[http.Handler]
	drawer  web.Drawer // whoever acts

	mu   sync.Mutex
	home string // of the demonstration, once it plays
}

// openDesk is daybook without arguments.
func openDesk(c *cobra.Command, _ []string) error {
	s := newServing()
	if err := s.check(c); err != nil {
		return err
	}
	dir, err := c.Flags().GetString("data")
	if err == nil && mousetrap.StartedByExplorer() {
		err = unpacked(dir)
	}
	if err != nil {
		return err
	}
	out, talk := c.OutOrStdout(), c.ErrOrStderr()
	b, home, err := makeOrFind(c)
	switch {
	case home != "":
		fmt.Fprintln(out, home)
		b.browse(home, talk)
		return nil
	case err != nil:
		return err
	}
	defer b.Close()
	stoppable, stop := context.WithCancel(c.Context())
	group, ctx := errgroup.WithContext(stoppable)
	defer func() { stop(); _ = group.Wait() }() // before the book is closed
	d := &desk{book: b, serving: s, ctx: ctx, group: group, talk: talk, log: logger(talk)}
	if err := d.sit(); err != nil {
		return err
	}
	b.asked = func(home string) { go b.browse(home, talk) }
	if err := b.listen(ctx, group, s.addr, out, d.log, d); err != nil {
		if err := b.listen(ctx, group, anyPort, out, d.log, d); err != nil {
			return err
		}
	}
	return finished(group.Wait())
}

// unpacked refuses to keep a book where the Explorer of Windows unpacks what is
// started from within an archive: it does not stay.
func unpacked(dir string) error {
	passing, err := within(dir, os.TempDir())
	if passing {
		err = usage{errors.New("this was started from within the archive, and nothing would stay: unpack the archive first, into a folder of your own, and start Daybook there")}
	}
	return err
}

// makeOrFind opens the book, making what is missing; where another daybook shows
// it already, home is its address, and the book is shut.
func makeOrFind(c *cobra.Command) (b *book, home string, err error) {
	for began := time.Now(); ; {
		if b, err = makeBook(c, false); !errors.Is(err, durable.ErrLocked) {
			return b, "", err
		}
		found, wrong := shut(c)
		if wrong != nil {
			return nil, "", wrong
		}
		if home := found.served(c.Context()); home != "" {
			return found, home, nil
		}
		if time.Since(began) > secondClick {
			return nil, "", err
		}
		select {
		case <-c.Context().Done():
			return nil, "", c.Context().Err()
		case <-time.After(secondClick / 50):
		}
	}
}

// sit shows the pages to who sits here: who was named, or was here last.
func (d *desk) sit() error {
	_, empty, err := rehearsed(d.ctx, d.store)
	if err != nil {
		return err
	}
	begin, err := d.background(d.serving, d.log)
	if err != nil {
		return err
	}
	d.work = sync.OnceFunc(func() { begin(d.ctx, d.group) })
	by := d.serving.as
	if by == "" && d.clock == nil {
		last, err := os.ReadFile(d.remembered())
		if by = strings.TrimSpace(string(last)); err == nil && d.turn(by) == nil {
			d.work()
			return nil
		}
		by = "" // nobody was, or they are nobody's any more
	}
	if err := d.turn(by); err != nil {
		return err
	}
	if !empty { // what begins a log is said by a person
		d.work()
	}
	return nil
}

// remembered is the file that tells who sat here last.
func (d *desk) remembered() string { return filepath.Join(d.dir, "desk") }

// turn lets somebody act on the pages, ROLE/HANDLE: "" is nobody.
func (d *desk) turn(by string) (err error) {
	o := web.Options{Unmailed: d.serving.transport == nil, Drawer: &d.drawer}
	if d.clock == nil {
		dir, err := filepath.Abs(d.dir)
		if err != nil {
			return err
		}
		o.Begin = &web.Begin{Dir: dir, Examples: definitions(), Demo: d.demonstrate, Playing: d.playing, Choose: d.enter}
		if o.Begin.Empty, err = d.unknown(); err != nil {
			return err
		}
	}
	switch {
	case by != "":
		o.Acting, err = d.acting(d.ctx, by, d.log)
	case o.Begin != nil && o.Begin.Empty:
		o.Acting = d.newcomer()
	}
	if err != nil {
		return err
	}
	pages, err := d.pages(d.ctx, d.group, o, "", d.log)
	if err == nil {
		d.shown.Store(&pages)
	}
	return err
}

func (d *desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	(*d.shown.Load()).ServeHTTP(w, r)
}

// enter lets somebody act in a role from now on, and when Daybook is started
// again. The directory keeps their id, which tells nothing of them.
func (d *desk) enter(ctx context.Context, role access.Role, who string) error {
	id, err := d.engine.Registered(ctx, who)
	if err != nil {
		return err
	}
	by := string(role) + "/" + string(id)
	if err := d.turn(by); err != nil {
		return err
	}
	d.work()
	return durable.WriteFile(d.remembered(), []byte(by+"\n"), 0o600)
}

// definitions are those of programmes that there are, to begin one's own from.
func definitions() (list []web.Example) {
	files, _ := fs.Glob(rehearsals, "*/*.yaml") // the pattern is well-formed
	// The plain one first.
	slices.SortStableFunc(files, func(a, b string) int { return -cmp.Compare(path.Dir(a), path.Dir(b)) })
	for _, file := range files {
		source, _ := rehearsals.ReadFile(file) // it is built in
		if d, err := definition.Parse(file, source); err == nil {
			list = append(list, web.Example{File: path.Base(file), Title: d.Title, Text: source})
		}
	}
	return list
}

// unknown tells that nobody is registered.
func (d *desk) unknown() (bool, error) {
	for _, err := range d.store.ReadAll(d.ctx, eventstore.ReadAll{Prefixes: []string{person.ID{}.Stream()}, Limit: 1}) {
		return false, err
	}
	return true, nil
}

// newcomer is the first coordinator before she is registered, which is all that
// she can do: she registers herself.
func (d *desk) newcomer() *web.Acting {
	return &web.Acting{
		Role: string(access.Coordinator), Words: workflows.Words,
		Offers: func(_ context.Context, offers []web.Offer) ([][]web.Step, error) {
			return make([][]web.Step, len(offers)), nil
		},
		Ask: func(ctx context.Context, command string, known url.Values) ([]web.Question, error) {
			inputs, err := d.engine.Ask(ctx, access.Coordinator, command, known)
			return questions(inputs, nil), err
		},
		Do: func(ctx context.Context, o web.Order) (web.Done, []web.Fault, error) {
			handle := o.Given.Get("handle")
			if wrong := domain.CheckSlug("handle", handle); wrong != nil {
				return web.Done{}, []web.Fault{{Question: "handle", Text: wrong.Error()}}, nil
			}
			done, faults, err := d.order(ctx, access.Coordinator, coordinator+handle, o, d.log)
			if err == nil && len(faults) == 0 {
				err = d.enter(ctx, access.Coordinator, handle)
			}
			return done, faults, err
		},
	}
}

// playing is where the demonstration plays, if it does.
func (d *desk) playing() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.home
}

// demonstrate plays the demonstration, in a directory of its own beside this
// one, and opens the browser on it. What befalls it is nothing to this one.
func (d *desk) demonstrate(context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.home != "" {
		return nil
	}
	// It has keys and a register of its own: an erasure there must not touch those
	// of the people here.
	b := &book{dir: filepath.Clean(d.dir) + "-demo", whole: true}
	b.asked = func(home string) {
		d.home = home
		go b.browse(home, d.talk)
	}
	if _, err := b.made(d.ctx, true); err != nil {
		if home := b.served(d.ctx); home != "" && errors.Is(err, durable.ErrLocked) {
			go b.browse(home, d.talk)
			return nil
		}
		return err
	}
	group, ctx := errgroup.WithContext(d.ctx)
	if err := b.demo(ctx, group, anyPort, demoLasts, d.talk, d.talk); err != nil {
		return errors.Join(err, b.Close())
	}
	d.group.Go(func() error {
		err := errors.Join(finished(group.Wait()), b.Close())
		if err != nil {
			d.log.Error("the demonstration has ended", "err", err)
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		d.home = ""
		return nil
	})
	return nil
}

// announce leaves in the directory where it is shown, and by which process; and
// a page that leads there.
func (b *book) announce(home string) error {
	page := fmt.Appendf(nil, `<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Daybook</title><meta http-equiv="refresh" content="0; url=%[1]s"><a href="%[1]s">Open Daybook</a></html>`+"\n", home)
	return errors.Join(
		durable.WriteFile(b.address(), fmt.Appendf(nil, "%d %s\n", os.Getpid(), home), 0o600),
		durable.WriteFile(b.opener(), page, 0o600),
	)
}

func (b *book) address() string { return filepath.Join(b.dir, "address") }
func (b *book) opener() string  { return filepath.Join(b.dir, "open.html") }

// served is where the process that has the directory shows it: "" where it does
// not. What a process has left behind that was killed is not believed.
func (b *book) served(ctx context.Context) string {
	said, err := os.ReadFile(b.address())
	if err != nil {
		return ""
	}
	pid, home, _ := strings.Cut(strings.TrimSpace(string(said)), " ")
	if pid != durable.Holder(b.path()) {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, secondClick)
	defer cancel()
	plain, _, _ := strings.Cut(home, "?")
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, plain+"healthz", nil)
	if err != nil {
		return ""
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return ""
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return ""
	}
	return home
}

// browse opens the browser on where the book is shown. Where there is none it
// says so: the address can be opened by hand.
func (b *book) browse(home string, talk io.Writer) {
	at := home
	// Elsewhere than on Windows everybody may read the arguments of a process. A
	// browser there sees no file that is here in Linux.
	if runtime.GOOS != "windows" && os.Getenv("WSL_DISTRO_NAME") == "" && strings.Contains(home, "?") {
		if file, err := filepath.Abs(b.opener()); err == nil {
			at = (&url.URL{Scheme: "file", Path: file}).String()
		}
	}
	unix := runtime.GOOS != "windows" && runtime.GOOS != "darwin"
	if unix && cmp.Or(os.Getenv("DISPLAY"), os.Getenv("WAYLAND_DISPLAY"), os.Getenv("WSL_DISTRO_NAME")) == "" {
		fmt.Fprintf(talk, "no screen to open a browser on: open %s in one\n", home)
		return
	}
	browser.Stdout, browser.Stderr = io.Discard, io.Discard
	done := make(chan error, 1)
	go func() { done <- browser.OpenURL(at) }()
	select {
	case err := <-done:
		if err != nil {
			fmt.Fprintf(talk, "no browser came up (%v): open %s in one\n", err, home)
		}
	case <-time.After(browserWait): // one that stays in the foreground has come up
	}
}
