package sqlite

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/uuid"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/daybook-engine/daybook/eventstore/durable"
)

// migrations make the file, one after the other; user_version tells how many
// it has had. The log is never migrated down.
//
//go:embed migrations
var migrations embed.FS

// applicationID is what the first migration writes.
const applicationID = 0x44617962

// oldest is the SQLite whose write-ahead log can be trusted: before it, a
// checkpoint racing with a restart of the log could lose a commit.
const oldest = "3.51.3"

// openFile gives the connection that writes. A new file is made beside its
// name and then renamed, so that an empty or half-made file under the name
// itself is always damage, and never taken for a new log.
func openFile(path string) (*sqlite.Conn, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Stat(path + "-wal"); err == nil {
			return nil, fmt.Errorf("%w: the file is missing, but its write-ahead log %s-wal is there", ErrNotLog, path)
		}
		if err := makeFile(path); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, err
	case info.Size() == 0:
		return nil, fmt.Errorf("%w: the file is empty", ErrNotLog)
	}
	conn, err := connect(path, sqlite.OpenReadWrite)
	if err != nil {
		return nil, err
	}
	if err := checkLength(conn, path); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// checkLength makes sure that the file ends where its last page does: SQLite
// would read what is cut off a page as zeros. After a crash the missing part
// may be in the write-ahead log, so that is moved into the file first.
func checkLength(conn *sqlite.Conn, path string) error {
	busy, err := integer(conn, "PRAGMA wal_checkpoint(TRUNCATE)")
	if err != nil || busy != 0 {
		return err
	}
	pages, err := integer(conn, "PRAGMA page_count")
	if err != nil {
		return err
	}
	size, err := integer(conn, "PRAGMA page_size")
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err == nil && info.Size() != int64(pages*size) {
		err = fmt.Errorf("%w: the file has %d bytes instead of %d", ErrDamaged, info.Size(), pages*size)
	}
	return err
}

func makeFile(path string) error {
	temporary := path + ".new"
	for _, leftover := range []string{temporary, temporary + "-wal", temporary + "-shm"} {
		if err := os.Remove(leftover); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	conn, err := sqlite.OpenConn(temporary, sqlite.OpenReadWrite, sqlite.OpenCreate)
	if err != nil {
		return err
	}
	err = initialise(conn)
	if closing := conn.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return err
	}
	if err := os.Rename(temporary, path); err != nil {
		return err
	}
	return durable.SyncDir(filepath.Dir(path))
}

func initialise(conn *sqlite.Conn) error {
	if err := pragma(conn, "journal_mode = wal", "synchronous = full"); err != nil {
		return err
	}
	if err := migrate(conn); err != nil {
		return err
	}
	id := uuid.New()
	return sqlitex.ExecuteTransient(conn, "INSERT INTO store (one, id) VALUES (1, ?)", &sqlitex.ExecOptions{Args: []any{id[:]}})
}

// connect opens a file that is there, makes sure that it is a log, and brings
// it up to date.
func connect(path string, mode sqlite.OpenFlags) (_ *sqlite.Conn, err error) {
	conn, err := sqlite.OpenConn(path, mode)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			conn.Close()
		}
	}()
	conn.SetBusyTimeout(busyTimeout)
	if err := checkFile(conn); err != nil {
		if sqlite.ErrCode(err) == sqlite.ResultNotADB {
			err = fmt.Errorf("%w: %w", ErrNotLog, err)
		}
		return nil, err
	}
	if mode == sqlite.OpenReadOnly {
		if err := current(conn, true); err != nil {
			return nil, err
		}
		return conn, pragma(conn, "query_only = on", "cache_size = -1024")
	}
	// A commit that follows the balancing of a tree looks through the whole
	// cache, so that a large one costs more than it spares.
	if err := pragma(conn, "synchronous = full", "wal_autocheckpoint = 0", "cache_size = -2048"); err != nil {
		return nil, err
	}
	if err := current(conn, false); err != nil {
		return nil, err
	}
	return conn, migrate(conn)
}

func checkFile(conn *sqlite.Conn) error {
	version, err := text(conn, "SELECT sqlite_version()")
	if err != nil {
		return err
	}
	if older(version, oldest) {
		return fmt.Errorf("SQLite %s is older than %s, which the log needs", version, oldest)
	}
	id, err := integer(conn, "PRAGMA application_id")
	if err != nil {
		return err
	}
	if id != applicationID {
		return fmt.Errorf("%w: the SQLite file is another application's (application id %#x)", ErrNotLog, id)
	}
	mode, err := text(conn, "PRAGMA journal_mode")
	if err == nil && mode != "wal" {
		err = fmt.Errorf("journal mode is %s, and only a write-ahead log will do", mode)
	}
	return err
}

func migrate(conn *sqlite.Conn) error {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	version, err := integer(conn, "PRAGMA user_version")
	if err != nil {
		return err
	}
	if version > len(files) {
		return fmt.Errorf("the log is of version %d, made by a newer daybook; this one knows %d", version, len(files))
	}
	for n, file := range files[version:] {
		script, err := migrations.ReadFile(file)
		if err != nil {
			return err
		}
		script = fmt.Appendf(script, "\nPRAGMA user_version = %d;\n", version+n+1)
		if err := sqlitex.ExecuteScript(conn, string(script), nil); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

func older(version, than string) bool {
	numbers := func(s string) (n [3]int) {
		fmt.Sscanf(s, "%d.%d.%d", &n[0], &n[1], &n[2])
		return n
	}
	v, t := numbers(version), numbers(than)
	return slices.Compare(v[:], t[:]) < 0
}

const busyTimeout = 10 * time.Second

func pragma(conn *sqlite.Conn, settings ...string) error {
	for _, p := range settings {
		if err := sqlitex.ExecuteTransient(conn, "PRAGMA "+p, nil); err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
	}
	return nil
}

func integer(conn *sqlite.Conn, query string) (n int, err error) {
	err = sqlitex.ExecuteTransient(conn, query, &sqlitex.ExecOptions{ResultFunc: func(stmt *sqlite.Stmt) error {
		n = stmt.ColumnInt(0)
		return nil
	}})
	return n, err
}

func text(conn *sqlite.Conn, query string) (s string, err error) {
	err = sqlitex.ExecuteTransient(conn, query, &sqlitex.ExecOptions{ResultFunc: func(stmt *sqlite.Stmt) error {
		s = stmt.ColumnText(0)
		return nil
	}})
	return s, err
}
