// Package vault keeps personal text where it can be deleted, apart from the
// log, which never forgets. A text is found by the digest that an event
// commits to, and sealed under keys of the one or two people it is about:
// without the key of either it can never be read again, in this file or in
// any copy of it.
//
// There are three files. vault.db holds the sealed texts, keys.db each
// person's key wrapped by the master key, and master.key the master key. A
// backup of one must never hold another: keys.db is small and is kept for a
// few weeks only, the master key is kept by hand. What is in vault.db in the
// clear is ids and classes, never words.
//
// In PostgreSQL the schemas daybook_vault and daybook_keys stand for the two
// databases; the master key and the register stay files. What is deleted there
// leaves the tables, but not the server's write-ahead log, replicas and backups:
// in those it is sealed under keys that are gone, or wrapped under a master key
// that is gone. This is what the master key is rotated for.
package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"

	"github.com/daybook-engine/daybook/eventstore/durable"
)

var (
	ErrNotFound = errors.New("not in the vault")
	// ErrErased is for what was deleted on purpose. A key that is merely not
	// there is ErrDamaged: only a record of the erasure tells the two apart.
	ErrErased    = errors.New("erased")
	ErrDamaged   = errors.New("damaged: it does not open with its keys")
	ErrTaken     = errors.New("this handle is somebody else's")
	ErrForeign   = errors.New("not of this vault")
	ErrMismatch  = errors.New("these do not belong together")
	ErrMasterKey = errors.New("master key")
	ErrClosed    = errors.New("the vault is closed")
	// ErrErasing is the answer to who only reads, while another process makes
	// an erasure: keys and texts are between two master keys.
	ErrErasing  = errors.New("an erasure is under way; ask again when it is over")
	ErrReadOnly = errors.New("the vault is opened to be read only")
)

// A Secret is a text with all that its commitment rests on. Text and Salt are
// sealed; the rest is kept in the clear, and bound to them.
type Secret struct {
	Digest   string
	Subjects []string // one or two person ids: the text can be read while the keys of all are there
	Kind     string
	Readers  string
	Salt     []byte
	Text     string
}

// Options say where a vault is.
type Options struct {
	Dir     string // of vault.db and keys.db; made if need be
	KeyFile string // Dir/master.key unless said
	// Database is a connection string, postgres://USER@HOST:5432/DATABASE, of
	// where the texts and keys are instead, PostgreSQL 15 or newer; not through
	// a pooler, which would share the session that the lock is held by.
	Database string
	// Register is where erasures are written down, Dir/erasures.jsonl unless
	// said. A vault that has not carried out all of them opens with ErrRegister,
	// or, with Replay, carries them out; and also those of Copy, a register that
	// was kept elsewhere, which then are in Register too.
	Register string
	Replay   bool
	Copy     string
	// ReadOnly opens a vault that another process may have open: it makes,
	// finishes and changes nothing, and is ErrErasing where the other erases
	// somebody.
	ReadOnly bool
}

// A Vault is safe for use by several goroutines. One process at a time has it
// open; others may have it open ReadOnly.
type Vault struct {
	readOnly bool
	lock     io.Closer // nil when it only reads
	texts    database
	keys     *keyring
	keyFile  string
	register register
	gate     sync.RWMutex // held while reading; by Erase alone

	turn    chan struct{} // holds one token: whoever has it writes
	closed  chan struct{}
	mu      sync.Mutex
	waiting []*put
}

// Open opens a vault, or makes one where there is none. It makes a master key
// only together with new keys: where keys are and their master key is not, it
// says so, because another one would make every text unreadable unnoticed.
// Where the vault is open already, and not ReadOnly, its error is
// durable.ErrLocked.
func Open(o Options) (_ *Vault, err error) {
	if o.KeyFile == "" {
		o.KeyFile = filepath.Join(o.Dir, "master.key")
	}
	if o.Register == "" {
		o.Register = filepath.Join(o.Dir, "erasures.jsonl")
	}
	v := &Vault{
		readOnly: o.ReadOnly, keys: &keyring{cache: map[keyID]dataKey{}}, keyFile: o.KeyFile, register: register{o.Register},
		turn: make(chan struct{}, 1), closed: make(chan struct{}),
	}
	v.turn <- struct{}{}
	defer func() {
		if err != nil {
			_ = v.Close()
			err = v.unlessErasing(err)
		}
	}()
	if !o.ReadOnly {
		if err := makeDir(o.Dir); err != nil {
			return nil, err
		}
		if v.lock, err = durable.Lock(filepath.Join(o.Dir, textsFile().base)); err != nil {
			return nil, err
		}
	} else if next(o.KeyFile) {
		return nil, ErrErasing
	}
	open, where := openFiles, o.Dir
	if o.Database != "" {
		open, where = openPostgres, place(o.Database)
	}
	if v.texts, v.keys.db, err = open(o); err != nil {
		return nil, err
	}
	if err := pair(v.texts, v.keys, o); err != nil {
		return nil, fmt.Errorf("open the vault in %s: %w", where, err)
	}
	if err := v.carryOut(o); err != nil {
		return nil, fmt.Errorf("open the vault in %s: %w", where, err)
	}
	return v, nil
}

// Close waits for the write under way; writes that wait their turn, and all
// later ones, answer ErrClosed.
func (v *Vault) Close() error {
	select {
	case <-v.closed:
		return nil
	case <-v.turn:
	}
	close(v.closed)
	var errs []error
	if v.texts != nil {
		errs = append(errs, v.texts.close())
	}
	errs = append(errs, v.keys.close())
	if v.lock != nil {
		errs = append(errs, v.lock.Close())
	}
	return errors.Join(errs...)
}

// take waits for the turn to write, which whoever took it gives back.
func (v *Vault) take(ctx context.Context) error {
	if v.readOnly {
		return ErrReadOnly
	}
	select {
	case <-v.turn:
		return nil
	case <-v.closed:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// read asks the texts.
func (v *Vault) read(ctx context.Context, do func(tx) error) error {
	select {
	case <-v.closed:
		return ErrClosed
	default:
		return v.texts.read(ctx, do)
	}
}

// Held tells whether this vault still keeps others from writing: an error that
// is ErrStopped when it doesn't. It waits for the write under way.
func (v *Vault) Held(ctx context.Context) error {
	if err := v.take(ctx); err != nil {
		return err
	}
	defer func() { v.turn <- struct{}{} }()
	v.keys.mu.Lock()
	defer v.keys.mu.Unlock()
	return errors.Join(v.texts.held(), v.keys.db.held())
}

// unlessErasing is err, or ErrErasing where that may be why: what looks damaged
// or missing to a reader is so because another process changes the master key,
// or has changed it.
func (v *Vault) unlessErasing(err error) error {
	if err == nil || !v.readOnly || errors.Is(err, ErrErasing) || errors.Is(err, ErrErased) {
		return err
	}
	if next(v.keyFile) { // asked first: when it goes, it has become the master key
		return ErrErasing
	}
	master, unreadable := masterKey(v.keyFile, false)
	if unreadable != nil {
		return err
	}
	if v.keys.wrapping == nil && !errors.Is(err, ErrMasterKey) || bytes.Equal(derive(master, "wrapping"), v.keys.wrapping) {
		return err
	}
	return ErrErasing
}

// Reveal opens the text of a digest. That the digest is that of its salt and
// text is for the caller, or Check, to compute.
func (v *Vault) Reveal(ctx context.Context, digest string) (Secret, error) {
	v.gate.RLock()
	defer v.gate.RUnlock()
	r, err := v.row(ctx, digest)
	var s Secret
	if err == nil {
		s, err = v.unseal(r)
	}
	if err != nil {
		return Secret{}, fmt.Errorf("reveal %s: %w", digest, v.unlessErasing(err))
	}
	return s, nil
}
