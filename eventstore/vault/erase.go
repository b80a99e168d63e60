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

	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/durable"
)

// Erase makes every text about a person unreadable for ever, in this vault
// and in every copy of its keys, and tells how many there were: the register
// has it first, then the fence, then the person's keys go, the texts and the
// handle, and last the master key, under which older copies of the keys are
// wrapped. Nothing is put about the person again: that is ErrErased.
//
// After an error, or when the process is killed, the vault stays shut or the
// same call goes on from there; it is done when Erase returns nil. Who has the
// vault open ReadOnly meanwhile is answered ErrErasing, and may hold it up.
func (v *Vault) Erase(ctx context.Context, subject string) (texts int, err error) {
	if subject == "" || !storable(subject) { // before anything is written down
		return 0, fmt.Errorf("erase: %w: it takes a person's id, UTF-8 without NUL", eventstore.ErrInvalid)
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
	n, err := number(v.texts, "SELECT count(*) FROM erased WHERE tag = $1", f.tag)
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

func (k *keyring) destroy(f fence, subject string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.db == nil {
		return ErrClosed
	}
	return k.db.write(func(c tx) error {
		if _, err := c.exec("INSERT INTO fence (tag, salt) VALUES ($1, $2) ON CONFLICT DO NOTHING", f.tag, f.salt); err != nil {
			return err
		}
		if _, err := c.exec("DELETE FROM dek WHERE subject = $1", subject); err != nil {
			return err
		}
		k.fences = append(k.fences, f)
		clear(k.cache)
		return nil
	})
}

func (v *Vault) deleteTexts(f fence, subject string) error {
	return v.texts.write(func(c tx) (err error) {
		run := func(sql string, args ...any) {
			if err == nil {
				_, err = c.exec(sql, args...)
			}
		}
		run("INSERT INTO erased (digest, tag) SELECT digest, $1 FROM secret WHERE subject = $2 OR second = $2", f.tag, subject)
		run("DELETE FROM secret WHERE subject = $1 OR second = $1", subject)
		run("DELETE FROM handle WHERE person = $1", v.tag("person", subject))
		return err
	})
}

// rotate puts everything under the next master key and then that key in its
// place. Killed at any point, Open goes on: handles first, which open under
// either key, then people's keys, all at once with the proof, then the file.
func (v *Vault) rotate(next []byte) error {
	old := &Vault{keys: &keyring{wrapping: v.keys.wrapping, handles: v.keys.handles}}
	v.keys.use(next)
	if err := v.retag(old); err != nil {
		return fmt.Errorf("put handles under the new master key: %w", err)
	}
	if err := v.keys.rewrap(old.keys.wrapping); err != nil {
		return fmt.Errorf("put keys under the new master key: %w", err)
	}
	return v.replaceMasterKey()
}

func (v *Vault) retag(old *Vault) error {
	return v.texts.write(func(c tx) error {
		list, err := handles(c)
		if err != nil {
			return err
		}
		for _, h := range list {
			if _, _, err := v.unsealHandle(h.tag, h.sealed); err == nil {
				continue // before the process was killed
			}
			name, person, err := old.unsealHandle(h.tag, h.sealed)
			if err != nil {
				return fmt.Errorf("handle %x: %w", h.tag, err)
			}
			if _, err := c.exec("DELETE FROM handle WHERE tag = $1", h.tag); err != nil {
				return err
			}
			if _, err := v.insertHandle(c, name, person); err != nil {
				return err
			}
		}
		return nil
	})
}

type handle struct{ tag, sealed []byte }

func handles(c tx) (list []handle, err error) {
	var h handle
	err = c.query("SELECT tag, sealed FROM handle ORDER BY tag", nil, []any{&h.tag, &h.sealed}, func() error {
		list = append(list, h)
		return nil
	})
	return list, err
}

// rewrap puts people's keys, and the proof, from the old wrapping key under
// the present one.
func (k *keyring) rewrap(old []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.db == nil {
		return ErrClosed
	}
	store, err := metaOf(k.db, "store")
	if err != nil {
		return err
	}
	type dek struct {
		subject string
		rev     int64
		sealed  []byte
	}
	return k.db.write(func(c tx) error {
		var list []dek
		var d dek
		err := c.query("SELECT subject, rev, wrapped FROM dek ORDER BY subject, rev", nil, []any{&d.subject, &d.rev, &d.sealed}, func() error {
			list = append(list, d)
			return nil
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
			_, err = c.exec("UPDATE dek SET wrapped = $1 WHERE subject = $2 AND rev = $3", seal(k.wrapping, key, bound), d.subject, d.rev)
			if err != nil {
				return err
			}
		}
		_, err = c.exec("UPDATE meta SET value = $1 WHERE key = 'proof'", seal(k.wrapping, store, framed("proof")))
		return err
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
	if err := proven(v.keys.db, next); errors.Is(err, ErrDamaged) {
		return v.rotate(next)
	} else if err != nil {
		return err
	}
	v.keys.use(next)
	return v.replaceMasterKey()
}

// people are all whom either database knows: one may be an older copy than the
// other.
func (v *Vault) people() (people []string, err error) {
	var person string
	all := func(sql string) func(tx) error {
		return func(c tx) error {
			return c.query(sql, nil, []any{&person}, func() error { people = append(people, person); return nil })
		}
	}
	ctx := context.Background()
	if err := v.keys.db.read(ctx, all("SELECT DISTINCT subject FROM dek")); err != nil {
		return nil, err
	}
	if err := v.texts.read(ctx, all("SELECT subject FROM secret UNION SELECT second FROM secret WHERE second IS NOT NULL")); err != nil {
		return nil, err
	}
	err = v.texts.read(ctx, func(c tx) error {
		list, err := handles(c)
		for _, h := range list {
			// One that does not open is under the next master key already, or is
			// damaged, of which retag tells.
			if _, person, err := v.unsealHandle(h.tag, h.sealed); err == nil {
				people = append(people, person)
			}
		}
		return err
	})
	slices.Sort(people)
	return slices.Compact(people), err
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
	var f fence
	return k.db.read(context.Background(), func(c tx) error {
		return c.query("SELECT salt, tag FROM fence ORDER BY tag", nil, []any{&f.salt, &f.tag}, func() error {
			k.fences = append(k.fences, f)
			return nil
		})
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
// overwritten first: older copies of the keys are wrapped under it. It does so
// only when the next key is on the disk and the one that opens them, and
// overwrites nothing but what it has read and is another key.
func (v *Vault) replaceMasterKey() error {
	for _, db := range []database{v.texts, v.keys.db} {
		if err := db.forget(); err != nil {
			return err
		}
	}
	path := v.keyFile
	next, err := masterKey(path+nextSuffix, false)
	if err != nil {
		return err
	}
	if err := proven(v.keys.db, next); err != nil {
		return fmt.Errorf("%w: %s does not open %s, so that %s stays: %w", ErrMasterKey, path+nextSuffix, v.keys.db.name(), path, err)
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
