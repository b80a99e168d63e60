package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/require"
	zombiezen "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// olderDir makes a directory as an older daybook left it, from the SQL that its
// files were written out as.
func olderDir(t *testing.T, archive string, change *strings.Replacer) (dir, figures string) {
	a, err := txtar.ParseFile(archive)
	require.NoError(t, err)
	dir = filepath.Join(t.TempDir(), "data")
	require.NoError(t, os.Mkdir(dir, 0o700))
	for _, f := range a.Files {
		base, isDatabase := strings.CutSuffix(f.Name, ".sql")
		switch {
		case isDatabase:
			runSQL(t, filepath.Join(dir, base+".db"), change.Replace(string(f.Data)))
		case f.Name == "figures.json":
			figures = string(f.Data)
		default:
			require.NoError(t, os.WriteFile(filepath.Join(dir, f.Name), f.Data, 0o600))
		}
	}
	return dir, figures
}

func runSQL(t *testing.T, path, script string) {
	conn, err := zombiezen.OpenConn(path, zombiezen.OpenReadWrite, zombiezen.OpenCreate)
	require.NoError(t, err)
	require.NoError(t, sqlitex.ExecuteTransient(conn, "PRAGMA journal_mode = wal", nil))
	require.NoError(t, sqlitex.ExecuteScript(conn, script, nil))
	require.NoError(t, conn.Close())
	require.NoError(t, os.Chmod(path, 0o600))
}

// rowsOf are the events of a log, every byte, as the file has them.
func rowsOf(t *testing.T, dir string) (rows []string) {
	conn, err := zombiezen.OpenConn(filepath.Join(dir, "log.db"), zombiezen.OpenReadOnly)
	require.NoError(t, err)
	defer conn.Close()
	const query = "SELECT position || ' ' || stream || ' ' || revision || ' ' || hex(id) || ' ' || name || ' ' || hex(data) || ' ' || hex(metadata) FROM events ORDER BY position"
	require.NoError(t, sqlitex.ExecuteTransient(conn, query, &sqlitex.ExecOptions{ResultFunc: func(s *zombiezen.Stmt) error {
		rows = append(rows, s.ColumnText(0))
		return nil
	}}))
	return rows
}

// valuesOf are figures by name.
func valuesOf(t *testing.T, figures string) map[string]int64 {
	var told []struct {
		Measure string
		Value   int64
	}
	require.NoError(t, json.Unmarshal([]byte(figures), &told))
	values := map[string]int64{}
	for _, f := range told {
		values[f.Measure] = f.Value
	}
	return values
}

// Every directory that an older daybook made opens, with every event as it was,
// the figures that it told itself, every byte sound, and goes on from there.
func TestEveryOlderDirectoryOpens(t *testing.T) {
	t.Parallel()
	archives, err := filepath.Glob("testdata/older/*.txtar")
	require.NoError(t, err)
	require.Len(t, archives, 3)
	for _, archive := range archives {
		t.Run(filepath.Base(archive), func(t *testing.T) {
			t.Parallel()
			dir, figures := olderDir(t, archive, strings.NewReplacer())
			before := rowsOf(t, dir)
			require.Len(t, before, 44)
			require.Subset(t, valuesOf(t, daybook(t, dir, "figures", "--cycle", "tiny", "--json")), valuesOf(t, figures), "there are more by now")
			require.Equal(t, int64(135), valuesOf(t, figures)["session_minutes"])
			require.Contains(t, daybook(t, dir, "integrity"), "sound: 44 events")
			require.Regexp(t, `^as recorded: \d+ policies over \d+ events, [1-9]`, daybook(t, dir, "policies", "replay"))
			require.Equal(t, before, rowsOf(t, dir))

			daybook(t, dir, "do", "person.register", "--by", "coordinator/c1", "--with", `{"handle":"anna","register":"staff","name":"Anna Berg"}`)
			require.Equal(t, before, rowsOf(t, dir)[:44])
			daybook(t, dir, "erase", "s01", "--by", "coordinator/c1", "--approve", "r1")
			require.Subset(t, valuesOf(t, daybook(t, dir, "figures", "--cycle", "tiny", "--json")), valuesOf(t, figures))
			require.Contains(t, daybook(t, dir, "integrity"), "sound: ")
		})
	}
}

// An event that is not what its digest says is not taken for sound by the way:
// the log is refused, and stays as it was.
func TestAnAlteredOlderLogIsRefused(t *testing.T) {
	t.Parallel()
	dir, _ := olderDir(t, "testdata/older/digests.txtar", strings.NewReplacer(`"minutes":75`, `"minutes":95`))
	before := rowsOf(t, dir)
	for _, args := range [][]string{{"integrity"}, {"figures", "--cycle", "tiny"}, {"events"}} {
		_, talk, code := tried(t, dir, nil, args...)
		require.Equal(t, 1, code)
		require.Contains(t, talk, "the digest of session.held at position 38 is not that of what is there")
	}
	require.Equal(t, before, rowsOf(t, dir))
}

// What a newer daybook made is refused, file by file, and left as it is.
func TestADirectoryOfANewerDaybookIsRefused(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"log.db", "vault.db", "keys.db"} {
		dir, _ := olderDir(t, "testdata/older/erasures.txtar", strings.NewReplacer())
		runSQL(t, filepath.Join(dir, base), "PRAGMA user_version = 99")
		for _, args := range [][]string{{"integrity"}, {"figures", "--cycle", "tiny"}, {"do", "cycle.close", "--by", "coordinator/c1"}} {
			_, talk, code := tried(t, dir, nil, args...)
			require.Equal(t, 1, code, base)
			require.Contains(t, talk, base)
			require.Contains(t, talk, "made by a newer", base)
		}
	}
}
