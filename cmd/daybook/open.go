package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	zombiezen "zombiezen.com/go/sqlite"

	"github.com/daybook-engine/daybook/cmd/daybook/web"
	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/person"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/durable"
	"github.com/daybook-engine/daybook/eventstore/esdb"
	"github.com/daybook-engine/daybook/eventstore/memory"
	"github.com/daybook-engine/daybook/eventstore/sqlite"
	"github.com/daybook-engine/daybook/eventstore/vault"
	"github.com/daybook-engine/daybook/projections"
	"github.com/daybook-engine/daybook/workflows"
)

// A book is a data directory, open: the only place that names adapters.
type book struct {
	dir    string
	apart  string // directory that has what is kept apart from a copy; "": the same
	log    string // connection string of the cluster that has the log; "" when the directory has it
	seals  string // connection string of the database that has the vault; "" when the directory has it
	store  eventstore.Store
	lock   io.Closer // of a directory that hasn't the log
	vault  *vault.Vault
	dry    *workflows.Scratch // instead of the vault, where nothing is to be left
	views  *projections.Views
	timers *projections.Views // of a stage
	engine *workflows.Engine
	clock  *workflows.VirtualClock // of a rehearsed log; nil for a live one
	begun  bool                    // the directory had no daybook before
	shared bool                    // another process has the directory
	whole  bool                    // the directory has what is kept apart elsewhere, whatever variables say
	erases bool                    // opened to erase: the vault may still have whom the log has not
	replay bool                    // opened to carry out the register of erasures,
	copied string                  // and this copy of it, if any

	key   string            // of its pages, while they are shown
	asked func(home string) // told where it is shown, where that is asked for

	answering sync.Mutex // held while policies answer

	erasing error // why people could not be named, where an erasure is why
}

// shut is the book of --data, --log and --vault, before anything of it is open.
func shut(c *cobra.Command) (*book, error) {
	dir, err := c.Flags().GetString("data")
	log, errLog := c.Flags().GetString("log")
	seals, errSeals := c.Flags().GetString("vault")
	return &book{dir: dir, log: log, seals: seals}, errors.Join(err, errLog, errSeals)
}

// openBook opens a book that must be there.
func openBook(c *cobra.Command) (*book, error) {
	b, err := openLog(c)
	return b.completed(c.Context(), false, err)
}

// openErasing is openBook for who erases: where the vault has whom it should
// not, it is opened nevertheless.
func openErasing(c *cobra.Command, replay bool, copied string) (*book, error) {
	b, err := openLog(c)
	b.erases, b.replay, b.copied = true, replay, copied
	return b.completed(c.Context(), false, err)
}

// openLog opens the log alone, for what needs nothing else to be sound.
func openLog(c *cobra.Command) (*book, error) {
	b, err := shut(c)
	if err == nil {
		err = b.found()
	}
	if err == nil {
		err = b.openStore(c.Context())
	}
	return b, err
}

// readLog is openLog, also where another process has the directory.
func readLog(c *cobra.Command) (*book, error) {
	b, err := openLog(c)
	if !errors.Is(err, durable.ErrLocked) {
		return b, err
	}
	b.shared = true
	if b.log != "" {
		return b, b.opened(esdb.Open(c.Context(), esdb.Options{Connection: b.log}))
	}
	return b, b.opened(sqlite.Open(b.path(), sqlite.Options{ReadOnly: true}))
}

// snapshot copies one of the directory's databases, also while it is written to.
func (b *book) snapshot(ctx context.Context, base, dir string) error {
	return sqlite.Snapshot(ctx, filepath.Join(b.dir, base), filepath.Join(dir, base))
}

// openCopy opens the log of a copy of the directory, to be checked with the keys
// of this one.
func (b *book) openCopy(dir string) (*book, error) {
	k := &book{dir: dir, apart: b.dir, shared: true}
	return k, k.opened(sqlite.Open(k.path(), sqlite.Options{ReadOnly: true}))
}

// readBook is openBook for what only reads, also where another process has the
// directory: then it makes the read models for itself.
func readBook(c *cobra.Command) (*book, error) {
	b, err := readLog(c)
	return b.completed(c.Context(), false, err)
}

// path is where the directory has the log, or would have it.
func (b *book) path() string { return filepath.Join(b.dir, "log.db") }

// openVault opens the log's vault, or makes one for an empty log.
func (b *book) openVault(ctx context.Context) (err error) {
	if err := b.vaultMissing(ctx); err != nil {
		return err
	}
	b.vault, err = vault.Open(b.vaultOptions())
	if errors.Is(err, vault.ErrRegister) {
		err = fmt.Errorf("%w; carry them out with daybook erase --replay %s", err, b.flags())
	}
	if errors.Is(err, durable.ErrLocked) {
		err = fmt.Errorf("%w; stop that one first", err)
	}
	return err
}

// vaultMissing tells of a log with events that has no vault: a new one would
// hide the loss or, where another directory has the vault of this cluster, begin
// a second clock and second policies on it.
func (b *book) vaultMissing(ctx context.Context) error {
	if made, err := b.hasVault(); err != nil || made {
		return err
	}
	switch _, empty, err := rehearsed(ctx, b.store); {
	case err != nil || empty:
		return err
	case b.seals != "":
		return fmt.Errorf("%s: the database of --vault holds no vault, and the log has events: name the one that has it, a new one would not do", b.dir)
	case b.log != "":
		return fmt.Errorf("%s: vault.db is missing, and the log on the cluster has events: give the --data that has it, or put it back, a new one would not do; if it is in PostgreSQL, name it by --vault", b.dir)
	}
	return fmt.Errorf("%s: vault.db is missing, and log.db has events: put it back, a new one would not do; if it is in PostgreSQL, name it by --vault", b.dir)
}

// hasVault tells whether there is a vault where this book's is to be.
func (b *book) hasVault() (bool, error) {
	made, err := vault.Made(b.vaultOptions())
	if errors.Is(err, vault.ErrDatabase) {
		err = usage{fmt.Errorf("--vault: %w", err)}
	}
	return made, err
}

func (b *book) vaultOptions() vault.Options {
	return vault.Options{
		Dir: b.dir, Database: b.seals, KeyFile: b.keptApart("DAYBOOK_KEY_FILE", "master.key"), Register: b.register(),
		ReadOnly: b.shared, Replay: b.replay, Copy: b.copied,
	}
}

// register is the file that erasures are written down in.
func (b *book) register() string { return b.keptApart("DAYBOOK_REGISTER_FILE", "erasures.jsonl") }

// keptApart is the path of a file that is kept apart from copies of the directory:
// where a variable says, or else in it.
func (b *book) keptApart(variable, base string) string {
	if b.whole {
		variable = ""
	}
	return cmp.Or(os.Getenv(variable), filepath.Join(cmp.Or(b.apart, b.dir), base))
}

// checkErasures refuses a vault that has whom the log says was erased: an older
// copy was put back, or an erasure was broken off before the register had it.
func (b *book) checkErasures(completed map[domain.Person]bool) error {
	for _, whom := range slices.Sorted(maps.Keys(completed)) {
		erased, err := b.vault.Erased(string(whom))
		switch {
		case err != nil:
			return err
		case erased:
		case completed[whom]:
			return fmt.Errorf("%s: an older copy of the vault was put back: the log says that person %s was erased, and the vault still has them; carry it out with daybook erase --replay %s", b.dir, whom, b.flags())
		case b.shared:
			return errErasing
		default:
			return fmt.Errorf("%s: the erasure of person %s was broken off; ask for it again with daybook erase %s --by ROLE/HANDLE --approve HANDLE %s", b.dir, whom, whom, b.flags())
		}
	}
	return nil
}

// flags name this book to another command that is given as advice; passwords
// are left out.
func (b *book) flags() string {
	flags := "--data " + b.dir
	if b.log != "" {
		flags += fmt.Sprintf(" --log '%s'", redacted(b.log, "CLUSTER"))
	}
	if b.seals != "" {
		flags += fmt.Sprintf(" --vault '%s'", redacted(b.seals, "DATABASE"))
	}
	return flags
}

// redacted is a connection string without its password; what is none is called
// something.
func redacted(connection, something string) string {
	u, err := url.Parse(connection)
	if err != nil || u.Query().Has("password") || u.Query().Has("sslpassword") {
		return something
	}
	return u.Redacted()
}

// openViews opens the read models of the log.
func (b *book) openViews() (err error) {
	path := ""
	if !b.shared {
		path = filepath.Join(b.dir, "views.db")
	}
	b.views, err = projections.Open(path, b.store)
	if errors.Is(err, eventstore.ErrLost) {
		return fmt.Errorf("the read models know of events that the log has not: %w; put back the newest copy of the log or, if this one is right, make the read models anew with daybook rebuild %s", err, b.flags())
	}
	if isDamage(err) || errors.Is(err, projections.ErrOtherStore) {
		err = fmt.Errorf("%w; make the read models anew with daybook rebuild %s", err, b.flags())
	}
	return err
}

// openStore opens the log, and keeps other processes from the directory, which
// is made if need be: for a log on a cluster only once that is known to be
// right. After an error nothing is open.
func (b *book) openStore(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			_ = b.Close()
			b.store, b.lock = nil, nil
		}
	}()
	if b.log != "" {
		if err = b.opened(esdb.Open(ctx, esdb.Options{Connection: b.log})); err != nil {
			return err
		}
		if err = b.vaultMissing(ctx); err != nil {
			return err
		}
	}
	kept := b.path()
	if b.log != "" {
		kept = b.dir
	}
	_, err = os.Stat(kept)
	b.begun = errors.Is(err, fs.ErrNotExist)
	if err = os.MkdirAll(b.dir, 0o700); err != nil {
		return err
	}
	if b.log != "" {
		b.lock, err = durable.Lock(b.path())
	} else if err = b.opened(sqlite.Open(b.path(), sqlite.Options{})); err == nil {
		err = os.Chmod(b.path(), 0o600)
	}
	if errors.Is(err, durable.ErrLocked) {
		err = fmt.Errorf("%w; stop that one first, or give another --data", err)
	}
	return err
}

// opened takes the store that was opened, if it was.
func (b *book) opened(store eventstore.Store, err error) error {
	if err == nil {
		b.store = store
	}
	return err
}

// verify checks the bytes of a log that the directory has: those of a cluster
// are its servers' to check.
func (b *book) verify(ctx context.Context, progress func(done, total int)) error {
	if file, ok := b.store.(*sqlite.Store); ok {
		return file.Verify(ctx, progress)
	}
	return nil
}

// isDamage tells of what was kept and is not as it was written.
func isDamage(err error) bool {
	code := zombiezen.ErrCode(err).ToPrimary()
	return errors.Is(err, sqlite.ErrDamaged) || errors.Is(err, sqlite.ErrNotLog) || errors.Is(err, vault.ErrDamaged) ||
		code == zombiezen.ResultCorrupt || code == zombiezen.ResultNotADB
}

// found tells whether the directory holds a book.
func (b *book) found() error {
	if err := b.spoilt(); err != nil {
		return err
	}
	if _, err := os.Stat(b.path()); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	made, err := b.hasVault()
	if err == nil && !made {
		err = usage{fmt.Errorf("%s: no daybook is kept here; begin one with daybook demo, daybook rehearse FILE, or daybook do", b.dir)}
	}
	return err
}

// spoilt tells of a path that is no directory, and of a directory whose log
// has gone, or whose log or vault isn't the one that is asked for. The log is
// made first, so that a vault without one is no beginning: a new log would hide
// the loss.
func (b *book) spoilt() error {
	if info, err := os.Stat(b.dir); err == nil && !info.IsDir() {
		return usage{fmt.Errorf("%s: not a directory", b.dir)}
	}
	_, log := os.Stat(b.path())
	_, seals := os.Stat(filepath.Join(b.dir, "vault.db"))
	switch {
	case b.log != "" && log == nil:
		return usage{fmt.Errorf("%s: the log is kept here, in log.db, and not on a cluster: leave out --log, or give another --data", b.dir)}
	case b.seals != "" && seals == nil:
		return usage{fmt.Errorf("%s: the vault is kept here, in vault.db, and not in PostgreSQL: leave out --vault, or give another --data", b.dir)}
	case b.log != "" || !errors.Is(log, fs.ErrNotExist):
		return nil
	}
	made, err := b.hasVault()
	if err == nil && made {
		what := "vault.db"
		if b.seals != "" {
			what = "the vault of --vault"
		}
		err = fmt.Errorf("%s: log.db is missing, and %s is there: put it back, a new one would not do; if the log is on a cluster, name it by --log", b.dir, what)
	}
	return err
}

// makeBook opens a book, making what is missing. A log that begins with a
// rehearsal stays one.
func makeBook(c *cobra.Command, rehearse bool) (*book, error) {
	b, err := shut(c)
	if err != nil {
		return nil, err
	}
	return b.made(c.Context(), rehearse)
}

// made is makeBook, of a book that is known.
func (b *book) made(ctx context.Context, rehearse bool) (*book, error) {
	err := b.spoilt()
	if err == nil {
		err = b.openStore(ctx)
	}
	return b.completed(ctx, rehearse, err)
}

// dryBook is a book of a rehearsal, in memory.
func dryBook(ctx context.Context) (*book, error) {
	b := &book{store: memory.New(), dry: workflows.NewScratch(), shared: true}
	if err := b.openViews(); err != nil {
		return nil, err
	}
	return b, b.begin(ctx, b.dry, true)
}

// completed opens the rest of a book whose log is open, and closes all of it
// where that is not so, or fails.
func (b *book) completed(ctx context.Context, rehearse bool, err error) (*book, error) {
	if err == nil {
		err = b.complete(ctx, rehearse)
	}
	if err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

func (b *book) complete(ctx context.Context, rehearse bool) error {
	if err := b.openVault(ctx); err != nil {
		return err
	}
	if err := b.openViews(); err != nil {
		return err
	}
	if err := b.views.CatchUp(ctx); err != nil {
		return err
	}
	if !b.erases {
		completed, err := b.views.Erasures(ctx)
		if err == nil {
			err = b.checkErasures(completed)
		}
		if err != nil {
			return err
		}
	}
	return b.begin(ctx, sealed{b.vault}, rehearse)
}

// begin makes the engine, of a rehearsal where the log is one, or becomes one.
func (b *book) begin(ctx context.Context, seals workflows.Vault, rehearse bool) error {
	rehearsed, empty, err := rehearsed(ctx, b.store)
	if err != nil {
		return err
	}
	config := workflows.Config{Store: b.store, Vault: seals, Now: time.Now, Tzdata: tzdata()}
	if rehearsed || empty && rehearse {
		b.clock = &workflows.VirtualClock{}
		config.Rehearsal, config.Now = true, b.clock.Now
	}
	if b.engine, err = workflows.New(ctx, config); err != nil {
		return err
	}
	if b.clock != nil {
		b.clock.Set(b.engine.Latest())
	}
	return nil
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
	if b.timers != nil {
		errs = append(errs, b.timers.Close())
	}
	if b.views != nil {
		errs = append(errs, b.views.Close())
	}
	if b.vault != nil {
		errs = append(errs, b.vault.Close())
	}
	if b.store != nil {
		errs = append(errs, b.store.Close())
	}
	if b.lock != nil {
		errs = append(errs, b.lock.Close())
	}
	return errors.Join(errs...)
}

// settle lets policies answer what was done, and the views tell it.
func (b *book) settle(ctx context.Context) error {
	if err := b.answer(ctx); err != nil {
		return err
	}
	return b.views.CatchUp(ctx)
}

// answer lets policies answer what was done: one after the other, whoever asks.
func (b *book) answer(ctx context.Context) error {
	b.answering.Lock()
	defer b.answering.Unlock()
	return b.engine.CatchUp(ctx, b.checkpoint())
}

// tzdata says which time zone data this process goes by: the system's where
// it has any, else what was built in.
func tzdata() string {
	b, err := os.ReadFile("/usr/share/zoneinfo/tzdata.zi")
	if version, ok := strings.CutPrefix(string(b[:min(len(b), 32)]), "# version "); err == nil && ok {
		version, _, _ = strings.Cut(version, "\n")
		return version
	}
	if _, err := os.Stat("/usr/share/zoneinfo/Europe/Berlin"); err == nil {
		return "the system's, unknown"
	}
	return "built in " + runtime.Version() // which comes with one version of it
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

func refuseErased(err error) error {
	if errors.Is(err, vault.ErrErased) {
		return person.ErrErased
	}
	return err
}

// reveal gives a text to whoever runs the programme: not what is between a
// pair, or its author's alone.
func (b *book) reveal(ctx context.Context, digest string) (string, error) {
	if b.dry != nil {
		text, _ := b.dry.Text(domain.Digest(digest))
		return text, nil
	}
	secret, err := b.vault.Reveal(ctx, digest)
	switch {
	case errors.Is(err, errErased):
		return web.Erased, nil
	case err == nil && secret.Readers != string(domain.Programme) && secret.Readers != string(domain.Public):
		return web.Withheld, nil
	}
	return secret.Text, err
}

// open gives a text to the engine itself, for what it writes: not once it was
// erased, also where the log does not say so yet.
func (b *book) open(ctx context.Context, digest string) (string, error) {
	secret, err := b.vault.Reveal(ctx, digest)
	if errors.Is(err, errErased) {
		err = person.ErrErased
	}
	return secret.Text, err
}

// stopped tells that a write to the log went wrong, or that the vault has lost
// its lock: only opening them again tells what was kept.
func stopped(err error) bool {
	return errors.Is(err, sqlite.ErrStopped) || errors.Is(err, vault.ErrStopped)
}

// unreadable tells of a text that the vault has not, or not as it was sealed.
func unreadable(err error) bool {
	return errors.Is(err, vault.ErrDamaged) || errors.Is(err, vault.ErrNotFound)
}

// errErased says that a text was deleted on purpose.
var errErased = vault.ErrErased

// errErasing is the answer to who reads beside an erasure.
var errErasing = vault.ErrErasing

func (s sealed) SetHandle(ctx context.Context, handle string, person domain.Person) error {
	err := s.Vault.SetHandle(ctx, handle, string(person))
	if errors.Is(err, vault.ErrTaken) {
		return workflows.ErrHandleTaken.Because(handle)
	}
	return refuseErased(err)
}

func (s sealed) Person(ctx context.Context, handle string) (domain.Person, error) {
	person, err := s.Vault.Person(ctx, handle)
	if errors.Is(err, vault.ErrNotFound) {
		return "", workflows.ErrHandle.Because(handle)
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
		due[i] = workflows.Due{Command: item.Command, Fields: json.RawMessage(item.Args), At: item.Due, Round: item.Round}
	}
	return due, nil
}

func (a agenda) Next(ctx context.Context) (time.Time, bool, error) {
	if err := a.CatchUp(ctx); err != nil {
		return time.Time{}, false, err
	}
	return a.Views.Next(ctx)
}
