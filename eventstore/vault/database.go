package vault

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"

	"github.com/daybook-engine/daybook/eventstore/durable"
)

// A database keeps one half of a vault, the texts or the keys: it is a file of
// SQLite or a schema in PostgreSQL.
type database interface {
	name() string
	// made tells whether it has its tables, or is still empty; make gives them
	// to it together with its meta rows, or does nothing.
	made() bool
	make(meta map[string][]byte) error
	// write asks in one transaction, for one caller at a time. When it returns
	// nil what was done is on the disk; after an error it may be there or not.
	write(do func(tx) error) error
	// read asks for what was written. Several may at once for texts, one at a
	// time for keys.
	read(ctx context.Context, do func(tx) error) error
	// held is an error when others may write meanwhile.
	held() error
	// forget takes what was deleted out of the database's own files.
	forget() error
	close() error
}

// A tx runs SQL that both databases know. Arguments are $1, $2 and so on, which
// SQLite takes for names: each must come up first in this order.
type tx interface {
	exec(sql string, args ...any) (rows int64, err error)
	// query scans each row into pointers to int64, string or []byte.
	query(sql string, args, into []any, each func() error) error
}

const version = 1

// Made tells whether there is a vault, which Open would otherwise make.
func Made(o Options) (bool, error) {
	if o.Database == "" {
		return fileMade(o.Dir)
	}
	o.ReadOnly = true
	texts := textsSchema()
	if err := texts.open(o); err != nil {
		return false, err
	}
	return texts.made(), texts.close()
}

// pair makes sure that both databases and the master key belong together, makes
// those that are still to be made, and hands the master key to keys. The
// order matters: killed at any point, the next Open goes on from there.
func pair(texts database, ring *keyring, o Options) error {
	keys := ring.db
	textsStore, err := metaOf(texts, "store")
	if err != nil {
		return err
	}
	keysStore, err := metaOf(keys, "store")
	if err != nil {
		return err
	}
	if o.ReadOnly && (keysStore == nil || textsStore == nil) {
		return fmt.Errorf("%w: %s or %s is empty", ErrMismatch, texts.name(), keys.name())
	}
	if keysStore != nil && textsStore == nil {
		return fmt.Errorf("%w: %s has keys, %s is missing or empty", ErrMismatch, keys.name(), texts.name())
	}
	if keysStore == nil && textsStore != nil {
		rows, err := number(texts, "SELECT (SELECT count(*) FROM secret) + (SELECT count(*) FROM handle)")
		if err != nil {
			return err
		}
		if rows > 0 {
			return fmt.Errorf("%w: %s has sealed texts, %s is missing or empty", ErrMismatch, texts.name(), keys.name())
		}
	}
	master, err := masterKey(o.KeyFile, keysStore == nil)
	if err != nil && next(o.KeyFile) { // killed while the old one was overwritten
		master, err = masterKey(o.KeyFile+nextSuffix, false)
	}
	if err != nil {
		return err
	}
	ring.use(master)

	if textsStore == nil {
		id := make([]byte, 16)
		rand.Read(id)
		if err := texts.make(map[string][]byte{"store": id}); err != nil {
			return fmt.Errorf("make %s: %w", texts.name(), err)
		}
		if textsStore, err = metaOf(texts, "store"); err != nil {
			return err
		}
	}
	if keysStore == nil {
		proof := seal(ring.wrapping, textsStore, framed("proof"))
		if err := keys.make(map[string][]byte{"store": textsStore, "proof": proof}); err != nil {
			return fmt.Errorf("make %s: %w", keys.name(), err)
		}
		if err := durable.SyncDir(o.Dir); err != nil {
			return err
		}
		if keysStore, err = metaOf(keys, "store"); err != nil {
			return err
		}
	}

	if !bytes.Equal(textsStore, keysStore) {
		return fmt.Errorf("%w: %s is of store %x, %s of store %x", ErrMismatch, texts.name(), textsStore, keys.name(), keysStore)
	}
	if err := proven(keys, master); errors.Is(err, ErrDamaged) && !next(o.KeyFile) {
		return fmt.Errorf("%w: %s is not the one that %s was made with", ErrMasterKey, o.KeyFile, keys.name())
	} else if !errors.Is(err, ErrDamaged) {
		return err
	}
	return nil
}

// next tells whether a master key waits to take the present one's place.
func next(keyFile string) bool {
	_, err := os.Stat(keyFile + nextSuffix)
	return err == nil
}

// proven tells whether a master key opens the keys: ErrDamaged when it doesn't.
// All that is wrapped there is under the same key as the proof.
func proven(keys database, master []byte) error {
	proof, err := metaOf(keys, "proof")
	if err == nil {
		_, err = unseal(derive(master, "wrapping"), proof, framed("proof"))
	}
	return err
}

// metaOf is a value of the meta table, nil in a database that is still empty.
func metaOf(db database, key string) (value []byte, err error) {
	if !db.made() {
		return nil, nil
	}
	err = db.read(context.Background(), func(c tx) error {
		return c.query("SELECT value FROM meta WHERE key = $1", []any{key}, []any{&value}, nil)
	})
	if err == nil && value == nil {
		err = fmt.Errorf("no %s in the meta table", key)
	}
	return value, err
}

func number(db database, sql string, args ...any) (n int64, err error) {
	err = db.read(context.Background(), func(c tx) error { return c.query(sql, args, []any{&n}, nil) })
	return n, err
}

func makeDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("open the vault: %w", err)
	}
	return nil
}
