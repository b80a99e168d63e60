package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	zombiezen "zombiezen.com/go/sqlite"

	"github.com/daybook-engine/daybook/cmd/daybook/web"
	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/sqlite"
	"github.com/daybook-engine/daybook/eventstore/vault"
	"github.com/daybook-engine/daybook/projections"
	"github.com/daybook-engine/daybook/workflows"
)

// A book is a data directory, open: the only place that names adapters.
type book struct {
	dir    string
	store  *sqlite.Store
	vault  *vault.Vault
	views  *projections.Views
	engine *workflows.Engine
	clock  *workflows.VirtualClock // of a rehearsed log; nil for a live one
	shared bool                    // another process has the directory
}

// openBook opens the directory of --data, which must be there.
func openBook(c *cobra.Command) (*book, error) {
	dir, err := c.Flags().GetString("data")
	if err != nil {
		return nil, err
	}
	if err := found(dir); err != nil {
		return nil, err
	}
	return makeBook(c.Context(), dir, false)
}

// openLog opens the log alone, for what needs nothing else to be sound.
func openLog(c *cobra.Command) (*book, error) {
	dir, err := c.Flags().GetString("data")
	if err != nil {
		return nil, err
	}
	if err := found(dir); err != nil {
		return nil, err
	}
	b := &book{dir: dir}
	b.store, err = openStore(dir)
	return b, err
}

// readLog is openLog, also where another process has the directory.
func readLog(c *cobra.Command) (*book, error) {
	b, err := openLog(c)
	if errors.Is(err, sqlite.ErrLocked) {
		b.shared = true
		b.store, err = sqlite.Open(filepath.Join(b.dir, "log.db"), sqlite.Options{ReadOnly: true})
	}
	return b, err
}

// openVault opens the vault beside the log.
func (b *book) openVault() (err error) {
	b.vault, err = vault.Open(b.vaultOptions())
	if errors.Is(err, vault.ErrRegister) {
		err = fmt.Errorf("%w; carry them out with daybook erase --replay --data %s", err, b.dir)
	}
	return err
}

// replayVault opens the vault and carries out the erasures of a register: the
// directory's own, or a copy of it.
func (b *book) replayVault(register string) (err error) {
	o := b.vaultOptions()
	o.Register, o.Replay = register, true
	b.vault, err = vault.Open(o)
	return err
}

func (b *book) vaultOptions() vault.Options {
	return vault.Options{Dir: b.dir, KeyFile: os.Getenv("DAYBOOK_KEY_FILE")}
}

// openViews opens the read models of the log.
func (b *book) openViews() (err error) {
	b.views, err = projections.Open(filepath.Join(b.dir, "views.db"), b.store)
	if isDamage(err) || errors.Is(err, projections.ErrOtherStore) {
		err = fmt.Errorf("%w; make the read models anew with daybook rebuild --data %s", err, b.dir)
	}
	return err
}

// openStore opens a directory's log, for this user alone.
func openStore(dir string) (*sqlite.Store, error) {
	path := filepath.Join(dir, "log.db")
	store, err := sqlite.Open(path, sqlite.Options{})
	if errors.Is(err, sqlite.ErrLocked) {
		return nil, fmt.Errorf("%w; stop that one first, or give another --data", err)
	} else if err != nil {
		return nil, err
	}
	return store, os.Chmod(path, 0o600)
}

// isDamage tells of what was kept and is not as it was written.
func isDamage(err error) bool {
	code := zombiezen.ErrCode(err).ToPrimary()
	return errors.Is(err, sqlite.ErrDamaged) || errors.Is(err, sqlite.ErrNotLog) || errors.Is(err, vault.ErrDamaged) ||
		code == zombiezen.ResultCorrupt || code == zombiezen.ResultNotADB
}

// found tells whether a directory holds a log.
func found(dir string) error {
	if err := spoilt(dir); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, "log.db")); errors.Is(err, fs.ErrNotExist) {
		return usage{fmt.Errorf("%s: no daybook is kept here; begin one with daybook demo, daybook rehearse FILE, or daybook do", dir)}
	}
	return nil
}

// spoilt tells of a path that is no directory, and of a directory whose log
// has gone. The log is made first, so that a vault without one is no
// beginning: a new log would hide the loss.
func spoilt(dir string) error {
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return usage{fmt.Errorf("%s: not a directory", dir)}
	}
	_, log := os.Stat(filepath.Join(dir, "log.db"))
	_, vault := os.Stat(filepath.Join(dir, "vault.db"))
	if errors.Is(log, fs.ErrNotExist) && vault == nil {
		return fmt.Errorf("%s: log.db is missing, and vault.db is there: put it back, a new one would not do", dir)
	}
	return nil
}

// makeBook opens a directory, making what is missing. A log that begins with
// a rehearsal stays one.
func makeBook(ctx context.Context, dir string, rehearse bool) (b *book, err error) {
	if err := spoilt(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	b = &book{dir: dir}
	defer func() {
		if err != nil {
			b.Close()
			b = nil
		}
	}()
	if b.store, err = openStore(dir); err != nil {
		return b, err
	}
	if err := b.openVault(); err != nil {
		return b, err
	}
	if err := b.openViews(); err != nil {
		return b, err
	}
	rehearsed, empty, err := rehearsed(ctx, b.store)
	if err != nil {
		return b, err
	}
	config := workflows.Config{Store: b.store, Vault: sealed{b.vault}, Now: time.Now, Tzdata: tzdata()}
	if rehearsed || empty && rehearse {
		b.clock = &workflows.VirtualClock{}
		config.Rehearsal, config.Now = true, b.clock.Now
	}
	if b.engine, err = workflows.New(ctx, config); err != nil {
		return b, err
	}
	if b.clock != nil {
		b.clock.Set(b.engine.Latest())
	}
	return b, nil
}

// rehearsed tells by its first event whether a log is a rehearsal's.
func rehearsed(ctx context.Context, store eventstore.Store) (yes, empty bool, err error) {
	for r, err := range store.ReadAll(ctx, eventstore.ReadAll{Limit: 1}) {
		if err != nil {
			return false, false, err
		}
		env, err := schema.DecodeEnvelope(r.Metadata)
		return strings.HasPrefix(env.Book, "rehearsal/"), false, err
	}
	return false, true, nil
}

// Close gives everything back, what was opened last first.
func (b *book) Close() error {
	var errs []error
	if b.views != nil {
		errs = append(errs, b.views.Close())
	}
	if b.vault != nil {
		errs = append(errs, b.vault.Close())
	}
	if b.store != nil {
		errs = append(errs, b.store.Close())
	}
	return errors.Join(errs...)
}

// settle lets policies answer what was done, and the views tell it.
func (b *book) settle(ctx context.Context) error {
	if err := b.engine.CatchUp(ctx, b.checkpoint()); err != nil {
		return err
	}
	return b.views.CatchUp(ctx)
}

// tzdata says which time zone data this process goes by: the system's where
// it has any, else what was built in.
func tzdata() string {
	b, err := os.ReadFile("/usr/share/zoneinfo/tzdata.zi")
	if version, ok := strings.CutPrefix(string(b[:min(len(b), 32)]), "# version "); err == nil && ok {
		version, _, _ = strings.Cut(version, "\n")
		return version
	}
	return "built in"
}

// sealed is the vault as the engine knows it.
type sealed struct{ *vault.Vault }

func (s sealed) Put(ctx context.Context, secrets []workflows.Secret) error {
	rows := make([]vault.Secret, len(secrets))
	for i, x := range secrets {
		subjects := make([]string, len(x.Subjects))
		for j, p := range x.Subjects {
			subjects[j] = string(p)
		}
		rows[i] = vault.Secret{
			Digest: string(x.Digest), Subjects: subjects, Kind: string(x.Kind), Readers: string(x.Readers),
			Salt: x.Salt, Text: x.Text,
		}
	}
	return refuseErased(s.Vault.Put(ctx, rows...))
}

// ErrPersonErased is the answer to who writes about somebody who was erased.
var ErrPersonErased = domain.Refuse("person_erased", "this is about somebody who was erased: nothing personal is kept about them")

func refuseErased(err error) error {
	if errors.Is(err, vault.ErrErased) {
		return ErrPersonErased
	}
	return err
}

// reveal gives a text to whoever runs the programme: not what is between a
// pair, or its author's alone.
func (b *book) reveal(ctx context.Context, digest string) (string, error) {
	secret, err := b.vault.Reveal(ctx, digest)
	switch {
	case errors.Is(err, errErased):
		return web.Erased, nil
	case err == nil && secret.Readers != string(domain.Programme) && secret.Readers != string(domain.Public):
		return web.Withheld, nil
	}
	return secret.Text, err
}

// errStopped says that a write to the log went wrong, and that only opening it
// again tells what was kept.
var errStopped = sqlite.ErrStopped

// errErased says that a text was deleted on purpose.
var errErased = vault.ErrErased

// ErrHandle is the answer about a handle that nobody has.
var ErrHandle = domain.Missing("person_unknown", "nobody is registered under this handle; see daybook do person.register")

func (s sealed) SetHandle(ctx context.Context, handle string, person domain.Person) error {
	err := s.Vault.SetHandle(ctx, handle, string(person))
	if errors.Is(err, vault.ErrTaken) {
		return domain.Refuse("handle_taken", "somebody else has this handle").Because(handle)
	}
	return refuseErased(err)
}

func (s sealed) Person(ctx context.Context, handle string) (domain.Person, error) {
	person, err := s.Vault.Person(ctx, handle)
	if errors.Is(err, vault.ErrNotFound) {
		return "", ErrHandle.Because(handle)
	}
	return domain.Person(person), err
}

// agenda is the work queue as the clock asks it. It looks at views that know
// everything recorded.
type agenda struct{ *projections.Views }

func (a agenda) Due(ctx context.Context, now time.Time, limit int) ([]workflows.Due, error) {
	if err := a.CatchUp(ctx); err != nil {
		return nil, err
	}
	items, err := a.Views.Due(ctx, now, limit)
	if err != nil {
		return nil, err
	}
	due := make([]workflows.Due, len(items))
	for i, item := range items {
		due[i] = workflows.Due{Command: item.Command, Fields: json.RawMessage(item.Args), At: item.Due}
	}
	return due, nil
}

func (a agenda) Next(ctx context.Context) (time.Time, bool, error) {
	if err := a.CatchUp(ctx); err != nil {
		return time.Time{}, false, err
	}
	return a.Views.Next(ctx)
}
