package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/daybook-engine/daybook/eventstore/durable"
)

// Snapshot copies a database as it stands at one moment, also while it is
// written to, into a new file: on the disk to stay when it returns nil. What was
// deleted from it is not in the copy.
func Snapshot(ctx context.Context, from, to string) error {
	err := snapshot(ctx, from, to)
	if err != nil {
		return fmt.Errorf("copy %s: %w", from, err)
	}
	return nil
}

func snapshot(ctx context.Context, from, to string) error {
	conn, err := sqlite.OpenConn(from, sqlite.OpenReadOnly)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetBusyTimeout(busyTimeout)
	conn.SetInterrupt(ctx.Done())
	mode, err := text(conn, "PRAGMA journal_mode")
	if err != nil {
		return err
	}
	// SQLite takes an empty file for a new one, and would make it readable by
	// others.
	made, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = made.Close() }()
	if err := sqlitex.ExecuteTransient(conn, "VACUUM INTO ?", &sqlitex.ExecOptions{Args: []any{to}}); err != nil {
		return err
	}
	if err := made.Sync(); err != nil { // SQLite does not
		return err
	}
	return errors.Join(journaled(to, mode), durable.SyncDir(filepath.Dir(to)))
}

// journaled gives a copy the journal mode of its original, which a copy has not.
func journaled(path, mode string) (err error) {
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	return pragma(conn, "synchronous = full", "journal_mode = "+mode)
}
