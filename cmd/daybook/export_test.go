package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/daybook-engine/daybook/cmd/daybook/web"
	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/sqlite"
	"github.com/daybook-engine/daybook/workflows"
)

// Main is what the test binary is when it is re-entered as daybook.
var Main = main

// Run is the program within the test's own process.
var Run = run

// Persist is tested by itself, on a clock that doesn't wait.
var (
	Persist    = persist
	Daily      = daily
	ErrStopped = sqlite.ErrStopped
	ErrErasing = errErasing
	Unpacked   = unpacked
	Manageable = manageable
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

// Envelopes are those of the events of a name.
func (a Acted) Envelopes(ctx context.Context, name string) (envelopes [][]byte, err error) {
	for r, err := range a.b.store.ReadAll(ctx, eventstore.ReadAll{}) {
		if err != nil {
			return nil, err
		}
		if r.Name == name {
			envelopes = append(envelopes, r.Metadata)
		}
	}
	return envelopes, nil
}

// Do issues a command as daybook do does.
func (a Acted) Do(ctx context.Context, by, name, with string) error {
	return a.DoBecause(ctx, by, name, with, nil, workflows.Cause{Channel: "cli"})
}

// DoBecause issues a command whose fields have defaults, and says why.
func (a Acted) DoBecause(ctx context.Context, by, name, with string, defaults map[string]string, cause workflows.Cause) error {
	if _, err := a.b.engine.DoAs(ctx, by, name, json.RawMessage(with), defaults, cause); err != nil {
		return errors.Join(err, a.b.settle(ctx)) // a refusal may have been recorded
	}
	return a.b.settle(ctx)
}

// Registered is who has a handle.
func (a Acted) Registered(ctx context.Context, handle string) (domain.Person, error) {
	return a.b.engine.Registered(ctx, handle)
}

// Pages are those on which somebody acts, or nobody.
func (a Acted) Pages(ctx context.Context, by string) (http.Handler, error) {
	log := slog.New(slog.DiscardHandler)
	var acting *web.Acting
	if by != "" {
		var err error
		if acting, err = a.b.acting(ctx, by, log); err != nil {
			return nil, err
		}
	}
	return web.New(web.Options{Store: a.b.store, Views: a.b.views, Names: a.b.reveal, Letters: a.b.letter, Deeds: a.b.deeds, Now: a.b.engine.Now, Acting: acting, Log: log})
}

// OnLoopback is asked by itself.
var OnLoopback = onLoopback

// Each gives the stream and the correlation of every event.
func (a Acted) Each(ctx context.Context, each func(stream, correlation string)) error {
	for r, err := range a.b.store.ReadAll(ctx, eventstore.ReadAll{}) {
		if err != nil {
			return err
		}
		env, err := schema.DecodeEnvelope(r.Metadata)
		if err != nil {
			return err
		}
		each(r.Stream, env.Correlation)
	}
	return nil
}
