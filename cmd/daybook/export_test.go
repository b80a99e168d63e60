package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"

	"github.com/daybook-engine/daybook/cmd/daybook/web"
	"github.com/daybook-engine/daybook/eventstore/sqlite"
	"github.com/daybook-engine/daybook/workflows"
)

// Main is what the test binary is when it is re-entered as daybook.
var Main = main

// Persist is tested by itself, on a clock that doesn't wait.
var (
	Persist    = persist
	Daily      = daily
	ErrStopped = sqlite.ErrStopped
	ErrErasing = errErasing
)

// CalledBeside names somebody, as who only reads does, when during has been done
// beside, and gives why there is no name.
func CalledBeside(ctx context.Context, dir, whom string, during func()) (string, error) {
	b := &book{dir: dir, shared: true}
	defer b.Close()
	if err := b.opened(sqlite.Open(b.path(), sqlite.Options{ReadOnly: true})); err != nil {
		return "", err
	}
	if err := b.openVault(ctx); err != nil {
		return "", err
	}
	during()
	return b.called(ctx, whom), b.erasing
}

// HelpExample is what the help of a command has for an example.
func HelpExample(command string) (flags, with string, ok bool) {
	e, ok := examples[command]
	return e.flags, e.with, ok
}

// An Acted daybook is one on which people act by its pages, on a clock that
// moves when it is told to.
type Acted struct{ b *book }

// Act begins one in dir.
func Act(ctx context.Context, dir string) (Acted, error) {
	b := &book{dir: dir}
	made, err := b.completed(ctx, true, b.openStore(ctx))
	return Acted{made}, err
}

func (a Acted) Close() error { return a.b.Close() }

// At moves the clock, and lets it do what falls due.
func (a Acted) At(ctx context.Context, t time.Time) error {
	a.b.clock.Set(t)
	if _, err := a.b.engine.Tick(ctx, agenda{a.b.views}); err != nil {
		return err
	}
	return a.b.settle(ctx)
}

// Do issues a command as daybook do does.
func (a Acted) Do(ctx context.Context, by, name, with string) error {
	_, err := a.b.engine.DoAs(ctx, by, name, json.RawMessage(with), nil, workflows.Cause{Channel: "cli"})
	if err != nil {
		return err
	}
	return a.b.settle(ctx)
}

// Pages are those on which somebody acts.
func (a Acted) Pages(ctx context.Context, by string) (http.Handler, error) {
	log := slog.New(slog.DiscardHandler)
	acting, err := a.b.acting(ctx, by, log)
	if err != nil {
		return nil, err
	}
	return web.New(web.Options{Store: a.b.store, Views: a.b.views, Names: a.b.reveal, Letters: a.b.letter, Now: a.b.engine.Now, Acting: acting, Log: log})
}

// OnLoopback is asked by itself.
var OnLoopback = onLoopback
