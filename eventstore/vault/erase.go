package vault

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/daybook-engine/daybook/eventstore/durable"
)

// Erase makes every text about a person unreadable for ever, in these files
// and in every copy of keys.db, and tells how many there were: the register
// has it first, then the fence, then the person's keys go, the texts and the
// handle, and last the master key, under which older copies of keys.db are
// wrapped. Nothing is put about the person again: that is ErrErased.
//
// After an error, or when the process is killed, the vault stays shut or the
// same call goes on from there; it is done when Erase returns nil. Who has the
// vault open ReadOnly meanwhile is answered ErrErasing, and may hold it up.
func (v *Vault) Erase(ctx context.Context, subject string) (texts int, err error) {
	if subject == "" {
		return 0, fmt.Errorf("erase: it takes a person")
	}
	if err := v.take(ctx); err != nil {
		return 0, err
	}
	defer func() { v.turn <- struct{}{} }()
	v.gate.Lock()
	defer v.gate.Unlock()
	if _, err := nextMasterKey(v.keyFile); err != nil { // or nothing is begun
		return 0, fmt.Errorf("erase: %w", err)
	}
	f, ok := v.keys.fenced(subject)
	if !ok {
		f = newFence(subject)
		if err := v.register.add(f); err != nil {
			return 0, fmt.Errorf("erase: %w", err)
		}
	}
	if err := v.destroy(f, subject); err != nil {
		return 0, fmt.Errorf("erase: %w", err)
	}
	n, err := number(v.writer, fmt.Sprintf("SELECT count(*) FROM erased WHERE tag = x'%x'", f.tag))
	return int(n), err
}

// destroy does what a fence says. Done before, it only makes a new master key.
func (v *Vault) destroy(f fence, subject string) error {
	next, err := nextMasterKey(v.keyFile)
	if err != nil {
		return err
	}
	if err := v.keys.destroy(f, subject); err != nil {
		return err
	}
	if err := v.deleteTexts(f, subject); err != nil {
		return err
	}
	return v.rotate(next)
}

func (k *keyring) destroy(f fence, subject string) (err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.conn == nil {
		return ErrClosed
	}
	end, err := sqlitex.ImmediateTransaction(k.conn)
	if err != nil {
		return err
	}
	defer end(&err)
	err = sqlitex.Execute(k.conn, "INSERT INTO fence (tag, salt) VALUES (?, ?) ON CONFLICT DO NOTHING", &sqlitex.ExecOptions{Args: []any{f.tag, f.salt}})
	if err != nil {
		return err
	}
	if err := sqlitex.Execute(k.conn, "DELETE FROM dek WHERE subject = ?", &sqlitex.ExecOptions{Args: []any{subject}}); err != nil {
		return err
	}
	k.fences = append(k.fences, f)
	clear(k.cache)
	return nil
}

func (v *Vault) deleteTexts(f fence, subject string) (err error) {
	end, err := sqlitex.ImmediateTransaction(v.writer)
	if err != nil {
		return err
	}
	defer end(&err)
	run := func(sql string, args ...any) {
		if err == nil {
			err = sqlitex.Execute(v.writer, sql, &sqlitex.ExecOptions{Args: args})
		}
	}
	run("INSERT INTO erased (digest, tag) SELECT digest, ? FROM secret WHERE subject = ? OR second = ?", f.tag, subject, subject)
	run("DELETE FROM secret WHERE subject = ? OR second = ?", subject, subject)
	run("DELETE FROM handle WHERE person = ?", v.tag("person", subject))
	return err
}

// rotate puts everything under the next master key and then that key in its
// place. Killed at any point, Open goes on: handles first, which open under
// either key, then people's keys, all at once with the proof, then the file.
func (v *Vault) rotate(next []byte) error {
	old := &Vault{writer: v.writer, keys: &keyring{conn: v.keys.conn, wrapping: v.keys.wrapping, tagging: v.keys.tagging, handles: v.keys.handles}}
	v.keys.use(next)
	if err := v.retag(old); err != nil {
		return fmt.Errorf("put handles under the new master key: %w", err)
	}
	if err := v.keys.rewrap(old.keys.wrapping); err != nil {
		return fmt.Errorf("put keys under the new master key: %w", err)
	}
	return v.replaceMasterKey()
}

func (v *Vault) retag(old *Vault) (err error) {
	type handle struct {
		n           int64
		tag, sealed []byte
	}
	var list []handle
	end, err := sqlitex.ImmediateTransaction(v.writer)
	if err != nil {
		return err
	}
	defer end(&err)
	err = sqlitex.Execute(v.writer, "SELECT rowid, tag, sealed FROM handle ORDER BY rowid", &sqlitex.ExecOptions{
		ResultFunc: func(s *sqlite.Stmt) error {
			list = append(list, handle{s.ColumnInt64(0), blob(s, 1), blob(s, 2)})
			return nil
		},
	})
	if err != nil {
		return err
	}
	for _, h := range list {
		if _, _, err := v.unsealHandle(h.tag, h.sealed); err == nil {
			continue // before the process was killed
		}
		name, person, err := old.unsealHandle(h.tag, h.sealed)
		if err != nil {
			return fmt.Errorf("handle %d: %w", h.n, err)
		}
		if err := sqlitex.Execute(v.writer, "DELETE FROM handle WHERE rowid = ?", &sqlitex.ExecOptions{Args: []any{h.n}}); err != nil {
			return err
		}
		if err := v.insertHandle(name, person); err != nil {
			return err
		}
	}
	return nil
}

// rewrap puts people's keys, and the proof, from the old wrapping key under
// the present one.
func (k *keyring) rewrap(old []byte) (err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.conn == nil {
		return ErrClosed
	}
	type dek struct {
		subject string
		rev     int64
		sealed  []byte
	}
	var list []dek
	end, err := sqlitex.ImmediateTransaction(k.conn)
	if err != nil {
		return err
	}
	defer end(&err)
	err = sqlitex.Execute(k.conn, "SELECT subject, rev, wrapped FROM dek ORDER BY subject, rev", &sqlitex.ExecOptions{
		ResultFunc: func(s *sqlite.Stmt) error {
			list = append(list, dek{s.ColumnText(0), s.ColumnInt64(1), blob(s, 2)})
			return nil
		},
	})
	if err != nil {
		return err
	}
	for _, d := range list {
		bound := wrapped(d.subject, d.rev)
		key, err := unseal(old, d.sealed, bound)
		if err != nil {
			return fmt.Errorf("the key of %s: %w", d.subject, err)
		}
		err = sqlitex.Execute(k.conn, "UPDATE dek SET wrapped = ? WHERE subject = ? AND rev = ?", &sqlitex.ExecOptions{
			Args: []any{seal(k.wrapping, key, bound), d.subject, d.rev},
		})
		if err != nil {
			return err
		}
	}
	store, err := metaOf(k.conn, "store")
	if err != nil {
		return err
	}
	return sqlitex.Execute(k.conn, "UPDATE meta SET value = ? WHERE key = 'proof'", &sqlitex.ExecOptions{
		Args: []any{seal(k.wrapping, store, framed("proof"))},
	})
}

// finish goes on where a process was killed that erased somebody: the next
// master key is still beside the present one.
func (v *Vault) finish() error {
	next, err := masterKey(v.keyFile+nextSuffix, false)
	if err != nil {
		return err
	}
	people, err := v.people()
	if err != nil {
		return err
	}
	for _, s := range people {
		if f, erased := v.keys.fenced(s); erased {
			if err := v.deleteTexts(f, s); err != nil {
				return err
			}
		}
	}
	if err := proven(v.keys.conn, next); errors.Is(err, ErrDamaged) {
		return v.rotate(next)
	} else if err != nil {
		return err
	}
	v.keys.use(next)
	return v.replaceMasterKey()
}

// people are all whom either file knows: one may be an older copy than the
// other.
func (v *Vault) people() ([]string, error) {
	keyed, err := list(v.keys.conn, "SELECT DISTINCT subject FROM dek")
	if err != nil {
		return nil, err
	}
	people, err := list(v.writer, "SELECT subject FROM secret UNION SELECT second FROM secret WHERE second IS NOT NULL")
	if err != nil {
		return nil, err
	}
	people = append(people, keyed...)
	err = sqlitex.Execute(v.writer, "SELECT tag, sealed FROM handle", &sqlitex.ExecOptions{
		ResultFunc: func(s *sqlite.Stmt) error {
			// One that does not open is under the next master key already, or is
			// damaged, of which retag tells.
			if _, person, err := v.unsealHandle(blob(s, 0), blob(s, 1)); err == nil {
				people = append(people, person)
			}
			return nil
		},
	})
	slices.Sort(people)
	return slices.Compact(people), err
}

// list reads a column of texts.
func list(c *sqlite.Conn, query string) (texts []string, err error) {
	err = sqlitex.Execute(c, query, &sqlitex.ExecOptions{
		ResultFunc: func(s *sqlite.Stmt) error { texts = append(texts, s.ColumnText(0)); return nil },
	})
	return texts, err
}

// A fence tells that somebody was erased: whom, only who knows the id can
// tell.
type fence struct{ salt, tag []byte }

func newFence(subject string) fence {
	salt := make([]byte, 16)
	rand.Read(salt)
	return fence{salt, tagOf(salt, subject)}
}

func tagOf(salt []byte, subject string) []byte {
	sum := sha256.Sum256(framed("erased", string(salt), subject))
	return sum[:]
}

func (f fence) in(list []fence) bool {
	return slices.ContainsFunc(list, func(g fence) bool { return bytes.Equal(f.tag, g.tag) })
}

// Erased tells whether somebody was erased from this vault. That an erasure
// was asked for elsewhere, or recorded, it does not know.
func (v *Vault) Erased(subject string) (bool, error) {
	if _, ok := v.keys.fenced(subject); ok {
		return true, nil
	}
	if err := v.unlessErasing(ErrNotFound); errors.Is(err, ErrErasing) {
		return false, err
	}
	return false, nil
}

// fenced tells whether somebody was erased.
func (k *keyring) fenced(subject string) (fence, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.fence(subject)
}

func (k *keyring) fence(subject string) (fence, bool) {
	for _, f := range k.fences {
		if bytes.Equal(f.tag, tagOf(f.salt, subject)) {
			return f, true
		}
	}
	return fence{}, false
}

func (k *keyring) loadFences() error {
	return sqlitex.Execute(k.conn, "SELECT salt, tag FROM fence ORDER BY tag", &sqlitex.ExecOptions{
		ResultFunc: func(s *sqlite.Stmt) error {
			k.fences = append(k.fences, fence{blob(s, 0), blob(s, 1)})
			return nil
		},
	})
}

// carryOut ends what was cut short, and compares the fences with the register.
func (v *Vault) carryOut(o Options) error {
	if err := v.keys.loadFences(); err != nil {
		return err
	}
	if next(o.KeyFile) && !o.ReadOnly {
		if err := v.finish(); err != nil {
			return fmt.Errorf("finish an erasure: %w", err)
		}
	}
	written, err := v.register.read()
	if err != nil {
		return err
	}
	if !o.ReadOnly {
		if written, err = v.complete(written, o); err != nil {
			return err
		}
	}
	missing := slices.DeleteFunc(written, func(f fence) bool { return f.in(v.keys.fences) })
	switch {
	case len(missing) == 0:
		return nil
	case !o.Replay || o.ReadOnly:
		return fmt.Errorf("%w: %d of %s", ErrRegister, len(missing), o.Register)
	}
	return v.replay(missing)
}

// complete writes down what the register lacks: erasures of its copy, before
// they are carried out, and those that the vault knows of, where the register
// was lost or is to be kept elsewhere.
func (v *Vault) complete(written []fence, o Options) ([]fence, error) {
	known := v.keys.fences
	if o.Replay && o.Copy != "" {
		copied, err := register{o.Copy}.read()
		if err != nil {
			return nil, err
		}
		known = slices.Concat(known, copied)
	}
	for _, f := range known {
		if f.in(written) {
			continue
		}
		if err := v.register.add(f); err != nil {
			return nil, err
		}
		written = append(written, f)
	}
	return written, nil
}

// replay does the erasures of the register that these files know nothing of:
// they are older, restored from a copy.
func (v *Vault) replay(missing []fence) error {
	people, err := v.people()
	if err != nil {
		return err
	}
	for _, f := range missing {
		whom := "" // somebody who came after the copy was made
		for _, s := range people {
			if bytes.Equal(f.tag, tagOf(f.salt, s)) {
				whom = s
			}
		}
		if err := v.destroy(f, whom); err != nil {
			return err
		}
	}
	return nil
}

const nextSuffix = ".next"

// nextMasterKey makes a master key beside the present one, or reads the one
// that was made before the process was killed.
func nextMasterKey(path string) ([]byte, error) {
	return masterKey(path+nextSuffix, true)
}

// replaceMasterKey puts the next key in the place of the old one, which is
// overwritten first: older copies of keys.db are wrapped under it. It does so
// only when the next key is on the disk and the one that opens keys.db, and
// overwrites nothing but what it has read and is another key.
func (v *Vault) replaceMasterKey() error {
	// What was deleted is in the write-ahead log until that is emptied.
	if busy, err := number(v.writer, "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		return err
	} else if busy != 0 {
		return errors.New("another process reads the vault, and what was deleted is in vault.db-wal until it is through: ask for the erasure again")
	}
	path := v.keyFile
	next, err := masterKey(path+nextSuffix, false)
	if err != nil {
		return err
	}
	if err := proven(v.keys.conn, next); err != nil {
		return fmt.Errorf("%w: %s does not open keys.db, so that %s stays: %w", ErrMasterKey, path+nextSuffix, path, err)
	}
	if err := durable.SyncDir(filepath.Dir(path)); err != nil {
		return fmt.Errorf("%w: %w", ErrMasterKey, err)
	}
	if err := overwrite(path, next); err != nil {
		return fmt.Errorf("%w: overwrite the old one: %w", ErrMasterKey, err)
	}
	if err := os.Rename(path+nextSuffix, path); err != nil {
		return fmt.Errorf("%w: %w", ErrMasterKey, err)
	}
	return durable.SyncDir(filepath.Dir(path))
}

// overwrite fills a master key's file with zeros, unless it holds that key.
// Who puts another file in its place meanwhile loses nothing: this one is open.
func overwrite(path string, but []byte) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(f)
	if err == nil && string(bytes.TrimSpace(text)) != hex.EncodeToString(but) {
		_, err = f.WriteAt(make([]byte, len(text)), 0)
	}
	return errors.Join(err, f.Sync(), f.Close())
}
