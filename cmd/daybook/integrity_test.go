package main_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	zombiezen "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/sqlite"
)

// Whichever byte of the log's file is another, integrity names the event that
// it belongs to, or, where it lies outside of all events, finds the file unsound
// or finds every event as it was. So it is beside a process that has the log
// open and has read all of it. DAYBOOK_FLIPS says how many bytes are tried.
func TestEveryChangedByteIsNamedOrSaysNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(seasonCopy(t), "log.db")
	log, err := told(t, path, sqlite.Options{})
	require.NoError(t, err) // and the write-ahead log is in the file
	rows, err := unchecked(path)
	require.NoError(t, err)
	sound, err := os.ReadFile(path)
	require.NoError(t, err)
	flips := 50
	if n, err := strconv.Atoi(os.Getenv("DAYBOOK_FLIPS")); err == nil {
		flips = n
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	named := 0
	flip := func(o sqlite.Options) {
		at, bit := random.IntN(len(sound)), random.IntN(8)
		where := fmt.Sprintf("byte %d, bit %d", at, bit)
		changed := slices.Clone(sound)
		changed[at] ^= 1 << bit
		require.NoError(t, os.WriteFile(path, changed, 0o600))
		is, unreadable := unchecked(path)
		got, err := told(t, path, o)
		first := 0 // that is another
		for first < min(len(is), len(rows)) && bytes.Equal(is[first], rows[first]) {
			first++
		}
		switch {
		case first == len(rows) && len(is) == len(rows):
			if err == nil {
				require.Equal(t, log, got, where)
			}
		case unreadable != nil && first == len(is):
			require.ErrorContains(t, err, "log.db", where) // no row can be told from the next
		default:
			require.ErrorIs(t, err, sqlite.ErrDamaged, where)
			says := err.Error()
			require.True(t, strings.Contains(says, fmt.Sprintf("position %016x", first+1)) || strings.Contains(says, fmt.Sprintf("no event after position %016x ", first)),
				"%s: event %d is another, and integrity says %s", where, first+1, says)
			named++
		}
	}
	for range flips - flips/4 {
		flip(sqlite.Options{})
	}
	require.NoError(t, os.WriteFile(path, sound, 0o600))
	live, err := sqlite.Open(path, sqlite.Options{})
	require.NoError(t, err)
	defer live.Close()
	for _, err := range live.ReadAll(t.Context(), eventstore.ReadAll{}) {
		require.NoError(t, err)
	}
	for range flips / 4 {
		flip(sqlite.Options{ReadOnly: true})
	}
	require.NoError(t, os.WriteFile(path, sound, 0o600))
	require.Greater(t, named, flips/4)
	t.Logf("%d of %d changed bytes were an event's, and named; the others lie outside of events", named, flips)
}

// told is all events of a log, after it was verified. Its id is no event's:
// read models and ledger, which are of one log, tell of another.
func told(t *testing.T, path string, o sqlite.Options) (string, error) {
	s, err := sqlite.Open(path, o)
	if err != nil {
		return "", err
	}
	defer s.Close()
	if err := s.Verify(t.Context(), nil); err != nil {
		return "", err
	}
	var b strings.Builder
	for r, err := range s.ReadAll(t.Context(), eventstore.ReadAll{}) {
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "%+v\n", r)
	}
	return b.String(), nil
}

// unchecked is every byte of every event in the file, as SQLite finds them, up
// to the first that it cannot read.
func unchecked(path string) (rows [][]byte, err error) {
	conn, err := zombiezen.OpenConn(path, zombiezen.OpenReadOnly)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	err = sqlitex.ExecuteTransient(conn, "SELECT position, stream, revision, id, name, data, metadata, checksum FROM events ORDER BY position", &sqlitex.ExecOptions{
		ResultFunc: func(stmt *zombiezen.Stmt) error {
			var row []byte
			for i := range stmt.ColumnCount() {
				b := make([]byte, stmt.ColumnLen(i))
				row = fmt.Appendf(row, "%v %q\n", stmt.ColumnType(i), b[:stmt.ColumnBytes(i, b)])
			}
			rows = append(rows, row)
			return nil
		},
	})
	return rows, err
}
