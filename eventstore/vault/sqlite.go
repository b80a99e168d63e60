package vault

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// A file is one of the vault's two SQLite databases. Its id is SQLite's
// application_id, by which a foreign file, or the two swapped, is told.
type file struct {
	id      int64
	base    string
	journal string
	tables  string
	lacked  string // by one that was made before people could be erased

	path    string
	there   bool
	conn    *sqlite.Conn
	readers *sqlitex.Pool // nil where conn reads
}

const (
	textsMark = 0x44427654
	keysMark  = 0x4442764b
)

// A deleted row is overwritten (secure_delete), and gone from the disk
// once the write-ahead log is checkpointed. A table with rowids: rows of
// about a kilobyte take a page more each without.
func textsFile() *file {
	return &file{id: textsMark, base: "vault.db", journal: "WAL", tables: `
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
		CREATE TRIGGER handle_stays BEFORE UPDATE ON handle BEGIN SELECT raise(ABORT, 'a handle is never changed'); END;`, lacked: `
		CREATE TABLE IF NOT EXISTS erased (
			digest TEXT PRIMARY KEY,
			tag    BLOB NOT NULL
		) STRICT;
		CREATE INDEX IF NOT EXISTS erased_tag ON erased (tag);`}
}

// A deleted key must be gone when its transaction ends. It is so with a
// rollback journal and secure_delete; a write-ahead log would keep it.
func keysFile() *file {
	return &file{id: keysMark, base: "keys.db", journal: "DELETE", tables: `
		CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
		CREATE TABLE dek (
			subject TEXT NOT NULL,
			rev     INTEGER NOT NULL,
			wrapped BLOB NOT NULL,
			PRIMARY KEY (subject, rev)
		) STRICT;`, lacked: `
		CREATE TABLE IF NOT EXISTS fence (tag BLOB PRIMARY KEY, salt BLOB NOT NULL) STRICT;`}
}

func fileMade(dir string) (bool, error) {
	_, err := os.Stat(filepath.Join(dir, textsFile().base))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func openFiles(o Options) (_, _ database, err error) {
	texts, keys := textsFile(), keysFile()
	if err := texts.open(o); err != nil {
		return nil, nil, err
	}
	if err := keys.open(o); err != nil {
		return nil, nil, errors.Join(err, texts.close())
	}
	mode := sqlite.OpenReadWrite
	if o.ReadOnly {
		mode = sqlite.OpenReadOnly
	}
	texts.readers, err = sqlitex.NewPool(texts.path, sqlitex.PoolOptions{
		Flags:    mode,
		PoolSize: readers(),
		PrepareConn: func(c *sqlite.Conn) error {
			return sqlitex.ExecuteTransient(c, "PRAGMA query_only = ON", nil)
		},
	})
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("open %s for reading: %w", texts.path, err), texts.close(), keys.close())
	}
	return texts, keys, nil
}

// readers is how many may read texts at once.
func readers() int { return max(2, runtime.GOMAXPROCS(0)) }

// open opens a file of this kind or an empty one; a foreign one is left as it
// was found.
func (f *file) open(o Options) (err error) {
	f.path = filepath.Join(o.Dir, f.base)
	mode := sqlite.OpenReadOnly
	if !o.ReadOnly {
		mode = sqlite.OpenReadWrite
		// SQLite would make it readable by others, and its journals as it is.
		made, err := os.OpenFile(f.path, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return fmt.Errorf("open the vault: %w", err)
		}
		if err := made.Close(); err != nil {
			return fmt.Errorf("open the vault: %w", err)
		}
	}
	c, err := sqlite.OpenConn(f.path, mode)
	if err != nil {
		return fmt.Errorf("open %s: %w", f.path, err)
	}
	defer func() {
		if err != nil {
			_ = c.Close()
			err = fmt.Errorf("open %s: %w", f.path, err)
		}
	}()
	f.conn = c
	c.SetBusyTimeout(10 * time.Second)
	id, err := f.pragma("application_id")
	if sqlite.ErrCode(err) == sqlite.ResultNotADB {
		return fmt.Errorf("%w: no database", ErrForeign)
	}
	if err != nil {
		return err
	}
	f.there = id != 0
	tables := int64(0)
	if err := (fileTx{c}).query("SELECT count(*) FROM sqlite_schema", nil, []any{&tables}, nil); err != nil {
		return err
	}
	if id != f.id && (id != 0 || tables > 0) {
		return fmt.Errorf("%w: its application id is %#x, not %#x", ErrForeign, id, f.id)
	}
	if v, err := f.pragma("user_version"); err != nil {
		return err
	} else if v > version {
		return newer(v)
	}
	if o.ReadOnly {
		return nil
	}
	// EXTRA: or a rollback journal, that is a key from before, could come back
	// after a loss of power.
	for _, pragma := range []string{"journal_mode = " + f.journal, "synchronous = EXTRA", "secure_delete = ON"} {
		if _, err := f.pragma(pragma); err != nil {
			return fmt.Errorf("%s: %w", pragma, err)
		}
	}
	if !f.there {
		return nil
	}
	return sqlitex.ExecuteScript(c, f.lacked, nil)
}

func newer(v int64) error {
	return fmt.Errorf("made by a newer version of this program (%d, this one knows %d)", v, version)
}

// pragma runs one whose answer, if any, begins with a number that matters.
func (f *file) pragma(pragma string) (n int64, err error) {
	err = sqlitex.ExecuteTransient(f.conn, "PRAGMA "+pragma, &sqlitex.ExecOptions{
		ResultFunc: func(s *sqlite.Stmt) error { n = s.ColumnInt64(0); return nil },
	})
	return n, err
}

func (f *file) name() string { return f.base }
func (f *file) made() bool   { return f.there }

// make leaves a file as it is that another process made meanwhile.
func (f *file) make(meta map[string][]byte) error {
	err := f.write(func(c tx) error {
		if id, err := f.pragma("application_id"); err != nil || id == f.id {
			return err
		}
		stamp := fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d;", f.id, version)
		if err := sqlitex.ExecuteScript(f.conn, f.tables+f.lacked+stamp, nil); err != nil {
			return err
		}
		return insertMeta(c, meta)
	})
	f.there = err == nil
	return err
}

func insertMeta(c tx, meta map[string][]byte) error {
	for key, value := range meta {
		if _, err := c.exec("INSERT INTO meta (key, value) VALUES ($1, $2)", key, value); err != nil {
			return err
		}
	}
	return nil
}

func (f *file) write(do func(tx) error) (err error) {
	end, err := sqlitex.ImmediateTransaction(f.conn)
	if err != nil {
		return err
	}
	defer end(&err)
	return do(fileTx{f.conn})
}

func (f *file) read(ctx context.Context, do func(tx) error) error {
	if f.readers == nil {
		return do(fileTx{f.conn})
	}
	c, err := f.readers.Take(ctx)
	if err != nil {
		return err
	}
	defer f.readers.Put(c)
	return do(fileTx{c})
}

// held is so by the operating system, for as long as this process lives.
func (f *file) held() error { return nil }

// forget empties the write-ahead log, where there is one.
func (f *file) forget() error {
	busy, err := f.pragma("wal_checkpoint(TRUNCATE)")
	if err == nil && busy != 0 {
		err = fmt.Errorf("another process reads the vault, and what was deleted is in %s-wal until it is through: ask for the erasure again", f.base)
	}
	return err
}

func (f *file) close() error {
	var errs []error
	if f.readers != nil {
		errs = append(errs, f.readers.Close())
	}
	return errors.Join(append(errs, f.conn.Close())...)
}

// A fileTx is a connection that is asked.
type fileTx struct{ conn *sqlite.Conn }

func (t fileTx) exec(sql string, args ...any) (int64, error) {
	err := sqlitex.Execute(t.conn, sql, &sqlitex.ExecOptions{Args: args})
	return int64(t.conn.Changes()), err
}

func (t fileTx) query(sql string, args, into []any, each func() error) error {
	return sqlitex.Execute(t.conn, sql, &sqlitex.ExecOptions{Args: args, ResultFunc: func(s *sqlite.Stmt) error {
		for i, p := range into {
			switch p := p.(type) {
			case *int64:
				*p = s.ColumnInt64(i)
			case *string:
				*p = s.ColumnText(i)
			case *[]byte:
				*p = make([]byte, s.ColumnLen(i))
				s.ColumnBytes(i, *p)
			default:
				return fmt.Errorf("a column is scanned into a %T", p)
			}
		}
		if each == nil {
			return nil
		}
		return each()
	}})
}
