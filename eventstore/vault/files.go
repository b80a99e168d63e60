package vault

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/daybook-engine/daybook/eventstore/durable"
)

// A file is one of the vault's two databases. Its id is SQLite's
// application_id, by which a foreign file, or the two swapped, is told.
type file struct {
	id      int64
	journal string
	schema  string
}

const version = 1

var (
	// A deleted row is overwritten (secure_delete), and gone from the disk
	// once the write-ahead log is checkpointed. A table with rowids: rows of
	// about a kilobyte take a page more each without.
	vaultFile = file{0x44427654, "WAL", `
		CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
		CREATE TABLE secret (
			n          INTEGER PRIMARY KEY,
			digest     TEXT NOT NULL UNIQUE,
			subject    TEXT NOT NULL,
			rev        INTEGER NOT NULL,
			second     TEXT,
			second_rev INTEGER,
			kind       TEXT NOT NULL,
			readers    TEXT NOT NULL,
			sealed     BLOB NOT NULL
		) STRICT;
		CREATE INDEX secret_subject ON secret (subject);
		CREATE INDEX secret_second ON secret (second) WHERE second IS NOT NULL;
		CREATE TRIGGER secret_stays BEFORE UPDATE ON secret BEGIN SELECT raise(ABORT, 'a secret is never changed'); END;
		CREATE TABLE handle (
			tag    BLOB NOT NULL UNIQUE,
			person BLOB NOT NULL,
			sealed BLOB NOT NULL
		) STRICT;
		CREATE INDEX handle_person ON handle (person);
		CREATE TABLE erased (
			digest TEXT PRIMARY KEY,
			tag    BLOB NOT NULL
		) STRICT;
		CREATE INDEX erased_tag ON erased (tag);
		CREATE TRIGGER handle_stays BEFORE UPDATE ON handle BEGIN SELECT raise(ABORT, 'a handle is never changed'); END;`}
	// A deleted key must be gone when its transaction ends. It is so with a
	// rollback journal and secure_delete; a write-ahead log would keep it.
	keysFile = file{0x4442764b, "DELETE", `
		CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
		CREATE TABLE dek (
			subject TEXT NOT NULL,
			rev     INTEGER NOT NULL,
			wrapped BLOB NOT NULL,
			PRIMARY KEY (subject, rev)
		) STRICT;
		CREATE TABLE fence (tag BLOB PRIMARY KEY, salt BLOB NOT NULL) STRICT;`}
)

// open opens a file of this kind or an empty one; a foreign one is left as it
// was found.
func (f file) open(path string, readOnly bool) (_ *sqlite.Conn, err error) {
	mode := sqlite.OpenReadOnly
	if !readOnly {
		mode = sqlite.OpenReadWrite
		// SQLite would make it readable by others, and its journals as it is.
		made, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, fmt.Errorf("open the vault: %w", err)
		}
		if err := made.Close(); err != nil {
			return nil, fmt.Errorf("open the vault: %w", err)
		}
	}
	c, err := sqlite.OpenConn(path, mode)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			_ = c.Close()
			err = fmt.Errorf("open %s: %w", path, err)
		}
	}()
	c.SetBusyTimeout(10 * time.Second)
	id, err := number(c, "PRAGMA application_id")
	if sqlite.ErrCode(err) == sqlite.ResultNotADB {
		return nil, fmt.Errorf("%w: no database", ErrForeign)
	}
	if err != nil {
		return nil, err
	}
	tables, err := number(c, "SELECT count(*) FROM sqlite_schema")
	if err != nil {
		return nil, err
	}
	if id != f.id && (id != 0 || tables > 0) {
		return nil, fmt.Errorf("%w: its application id is %#x, not %#x", ErrForeign, id, f.id)
	}
	if v, err := number(c, "PRAGMA user_version"); err != nil {
		return nil, err
	} else if v > version {
		return nil, fmt.Errorf("made by a newer version of this program (%d, this one knows %d)", v, version)
	}
	if readOnly {
		return c, nil
	}
	// EXTRA: or a rollback journal, that is a key from before, could come back
	// after a loss of power.
	for _, pragma := range []string{"journal_mode = " + f.journal, "synchronous = EXTRA", "secure_delete = ON"} {
		if err := sqlitex.ExecuteTransient(c, "PRAGMA "+pragma, nil); err != nil {
			return nil, fmt.Errorf("%s: %w", pragma, err)
		}
	}
	return c, nil
}

// make gives an empty file its tables and meta rows, all at once; one that
// another process made meanwhile is left as it is.
func (f file) make(c *sqlite.Conn, meta map[string][]byte) (err error) {
	end, err := sqlitex.ImmediateTransaction(c)
	if err != nil {
		return err
	}
	defer end(&err)
	if id, err := number(c, "PRAGMA application_id"); err != nil || id == f.id {
		return err
	}
	stamp := fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d;", f.id, version)
	if err := sqlitex.ExecuteScript(c, f.schema+stamp, nil); err != nil {
		return err
	}
	for key, value := range meta {
		if err := sqlitex.Execute(c, "INSERT INTO meta (key, value) VALUES (?, ?)", &sqlitex.ExecOptions{Args: []any{key, value}}); err != nil {
			return err
		}
	}
	return nil
}

// next tells whether a master key waits to take the present one's place.
func next(keyFile string) bool {
	_, err := os.Stat(keyFile + nextSuffix)
	return err == nil
}

// pair makes sure that both files and the master key belong together, makes
// those that are still to be made, and hands the master key to keys. The
// order matters: killed at any point, the next Open goes on from there.
func pair(vault, keys *sqlite.Conn, o Options, ring *keyring) error {
	vaultID, err := metaOf(vault, "store")
	if err != nil {
		return err
	}
	keysID, err := metaOf(keys, "store")
	if err != nil {
		return err
	}
	if o.ReadOnly && (keysID == nil || vaultID == nil) {
		return fmt.Errorf("%w: vault.db or keys.db is empty", ErrMismatch)
	}
	if keysID != nil && vaultID == nil {
		return fmt.Errorf("%w: keys.db has keys, vault.db is missing or empty", ErrMismatch)
	}
	if keysID == nil && vaultID != nil {
		rows, err := number(vault, "SELECT (SELECT count(*) FROM secret) + (SELECT count(*) FROM handle)")
		if err != nil {
			return err
		}
		if rows > 0 {
			return fmt.Errorf("%w: vault.db has sealed texts, keys.db is missing or empty", ErrMismatch)
		}
	}
	master, err := masterKey(o.KeyFile, keysID == nil)
	if err != nil && next(o.KeyFile) { // killed while the old one was overwritten
		master, err = masterKey(o.KeyFile+nextSuffix, false)
	}
	if err != nil {
		return err
	}
	ring.use(master)

	if vaultID == nil {
		id := make([]byte, 16)
		rand.Read(id)
		if err := vaultFile.make(vault, map[string][]byte{"store": id}); err != nil {
			return fmt.Errorf("make vault.db: %w", err)
		}
		if vaultID, err = metaOf(vault, "store"); err != nil {
			return err
		}
	}
	if keysID == nil {
		proof := seal(ring.wrapping, vaultID, framed("proof"))
		if err := keysFile.make(keys, map[string][]byte{"store": vaultID, "proof": proof}); err != nil {
			return fmt.Errorf("make keys.db: %w", err)
		}
		if err := durable.SyncDir(o.Dir); err != nil {
			return err
		}
		if keysID, err = metaOf(keys, "store"); err != nil {
			return err
		}
	}

	if !bytes.Equal(vaultID, keysID) {
		return fmt.Errorf("%w: vault.db is of store %x, keys.db of store %x", ErrMismatch, vaultID, keysID)
	}
	if err := proven(keys, master); errors.Is(err, ErrDamaged) && !next(o.KeyFile) {
		return fmt.Errorf("%w: %s is not the one that keys.db was made with", ErrMasterKey, o.KeyFile)
	} else if !errors.Is(err, ErrDamaged) {
		return err
	}
	return nil
}

// proven tells whether a master key opens keys.db: ErrDamaged when it doesn't.
// All that is wrapped in keys.db is under the same key as the proof.
func proven(keys *sqlite.Conn, master []byte) error {
	proof, err := metaOf(keys, "proof")
	if err == nil {
		_, err = unseal(derive(master, "wrapping"), proof, framed("proof"))
	}
	return err
}

// metaOf is a value of the meta table, nil in a file that is still empty.
func metaOf(c *sqlite.Conn, key string) (value []byte, err error) {
	if id, err := number(c, "PRAGMA application_id"); err != nil || id == 0 {
		return nil, err
	}
	err = sqlitex.Execute(c, "SELECT value FROM meta WHERE key = ?", &sqlitex.ExecOptions{
		Args:       []any{key},
		ResultFunc: func(s *sqlite.Stmt) error { value = blob(s, 0); return nil },
	})
	if err == nil && value == nil {
		err = fmt.Errorf("no %s in the meta table", key)
	}
	return value, err
}

func number(c *sqlite.Conn, query string) (n int64, err error) {
	err = sqlitex.ExecuteTransient(c, query, &sqlitex.ExecOptions{
		ResultFunc: func(s *sqlite.Stmt) error { n = s.ColumnInt64(0); return nil },
	})
	return n, err
}

func blob(s *sqlite.Stmt, column int) []byte {
	b := make([]byte, s.ColumnLen(column))
	s.ColumnBytes(column, b)
	return b
}

func makeDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("open the vault: %w", err)
	}
	return nil
}
