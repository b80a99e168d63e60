package sqlite

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// errOlder is the answer to who only reads a log that is to be changed first.
var errOlder = errors.New("the log was made by an older daybook, and is brought up to date by a command that has the directory for itself")

// current brings a log up to date that was made when the first migration said
// other things than it does now: a SHA-256 of each event in the place of its
// checksum, and a trigger more. An event that is not what its digest says is
// damage, and is not summed up anew.
func current(conn *sqlite.Conn, readOnly bool) (err error) {
	digests, err := integer(conn, "SELECT count(*) FROM pragma_table_info('events') WHERE name = 'digest'")
	if err != nil || digests == 0 {
		return err
	}
	if readOnly {
		return errOlder
	}
	end, err := sqlitex.ImmediateTransaction(conn)
	if err != nil {
		return err
	}
	defer end(&err)
	script, err := migrations.ReadFile("migrations/0001_events.sql")
	if err != nil {
		return err
	}
	_, table, _ := strings.Cut(string(script), "CREATE TABLE events")
	table, _, _ = strings.Cut(table, "CREATE TRIGGER the_store")
	if err := sqlitex.ExecuteScript(conn, "ALTER TABLE events RENAME TO older", nil); err != nil {
		return err
	}
	// What is dropped takes its triggers along.
	before, triggers, _ := strings.Cut("CREATE TABLE events"+table, "CREATE TRIGGER")
	if err := sqlitex.ExecuteScript(conn, before, nil); err != nil {
		return err
	}
	if err := summed(conn); err != nil {
		return err
	}
	return sqlitex.ExecuteScript(conn, "DROP TABLE older;\nCREATE TRIGGER"+triggers, nil)
}

// summed moves every event to the new table, under its checksum.
func summed(conn *sqlite.Conn) error {
	insert, err := conn.Prepare("INSERT INTO events (position, stream, revision, id, name, data, metadata, checksum) VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
	if err != nil {
		return err
	}
	defer insert.Finalize()
	var sums checksummer
	return sqlitex.ExecuteTransient(conn, "SELECT position, stream, revision, id, name, data, metadata, digest FROM older ORDER BY position", &sqlitex.ExecOptions{
		ResultFunc: func(row *sqlite.Stmt) error {
			var id uuid.UUID
			row.ColumnBytes(3, id[:])
			position, stream, revision, name := row.ColumnInt64(0), row.ColumnText(1), row.ColumnInt64(2), row.ColumnText(4)
			data, metadata, digest := bytesOf(row, 5), bytesOf(row, 6), bytesOf(row, 7)
			if sum := digestOf(stream, uint64(revision), id, name, metadata, data); string(sum[:]) != string(digest) {
				return fmt.Errorf("%w: the digest of %s at position %d is not that of what is there", ErrDamaged, name, position)
			}
			insert.BindInt64(1, position)
			insert.BindText(2, stream)
			insert.BindInt64(3, revision)
			insert.BindBytes(4, id[:])
			insert.BindText(5, name)
			insert.BindBytes(6, data)
			insert.BindBytes(7, metadata)
			insert.BindInt64(8, sums.sum(stream, uint64(revision), id, name, metadata, data))
			if _, err := insert.Step(); err != nil {
				return err
			}
			return insert.Reset()
		},
	})
}

func bytesOf(row *sqlite.Stmt, column int) []byte {
	b := make([]byte, row.ColumnLen(column))
	row.ColumnBytes(column, b)
	return b
}

// digestOf is what stood in the place of a checksum.
func digestOf(stream string, revision uint64, id uuid.UUID, name string, metadata, data []byte) [sha256.Size]byte {
	var b []byte
	field := func(x string) {
		b = binary.BigEndian.AppendUint64(b, uint64(len(x)))
		b = append(b, x...)
	}
	field(stream)
	b = binary.BigEndian.AppendUint64(b, revision)
	b = append(b, id[:]...)
	field(name)
	field(string(metadata))
	field(string(data))
	return sha256.Sum256(b)
}
