package main_test

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// newDatabase is one in PostgreSQL for as long as the test runs, on the server
// that DAYBOOK_TEST_POSTGRES names.
func newDatabase(t *testing.T) string {
	server := os.Getenv("DAYBOOK_TEST_POSTGRES")
	if server == "" {
		t.Skip("DAYBOOK_TEST_POSTGRES names no server")
	}
	name := "daybook_test_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	ask(t, server, "CREATE DATABASE "+name+" TEMPLATE template0")
	t.Cleanup(func() { ask(t, server, "DROP DATABASE "+name+" WITH (FORCE)") })
	u, err := url.Parse(server)
	require.NoError(t, err)
	u.Path = "/" + name
	return u.String()
}

// ask runs a statement and gives what it answers, if anything.
func ask(t *testing.T, database, sql string) (answer string) {
	ctx := context.Background()
	c, err := pgx.Connect(ctx, database)
	require.NoError(t, err)
	defer c.Close(ctx)
	rows, err := c.Query(ctx, sql)
	require.NoError(t, err)
	defer rows.Close()
	if rows.Next() {
		require.NoError(t, rows.Scan(&answer))
	}
	rows.Close()
	require.NoError(t, rows.Err())
	return answer
}

// The season with its vault in PostgreSQL is the season with it in files, also
// when somebody was erased from both; and no word of it is in any file of the
// server's, its write-ahead log included.
func TestTheSeasonIsTheSameWithItsVaultInPostgreSQL(t *testing.T) {
	t.Parallel()
	database := newDatabase(t)
	dir, files := filepath.Join(t.TempDir(), "data"), seasonCopy(t)
	daybook(t, dir, "rehearse", "rehearsals/"+autumn+".yaml", "--vault", database)
	require.NoFileExists(t, filepath.Join(dir, "vault.db"))
	require.NoFileExists(t, filepath.Join(dir, "keys.db"))
	same := func() {
		t.Helper()
		require.Contains(t, daybook(t, dir, "integrity", "--vault", database), "sound: ")
		for _, asked := range [][]string{
			{"events", "--json"}, {"history", "--cycle", autumn}, {"figures", "--cycle", autumn, "--json"},
			{"figures", "--cycle", autumn, "--at", "2023-10-31", "--clock", "occurred"},
		} {
			requireSameLines(t, daybook(t, files, asked...), daybook(t, dir, append(asked, "--vault", database)...))
		}
	}
	same()
	history := daybook(t, dir, "history", "--cycle", autumn, "--vault", database)
	for _, at := range []struct {
		dir   string
		flags []string
	}{{files, nil}, {dir, []string{"--vault", database}}} {
		require.Contains(t, daybook(t, at.dir, append([]string{"erase", "p14", "--by", "coordinator/c1", "--approve", "r1"}, at.flags...)...), "erased: person ")
	}
	requireSameLines(t, daybook(t, files, "figures", "--cycle", autumn), daybook(t, dir, "figures", "--cycle", autumn, "--vault", database))
	require.NotEqual(t, history, daybook(t, dir, "history", "--cycle", autumn, "--vault", database))
	require.Contains(t, daybook(t, dir, "integrity", "--vault", database), "sound: ")

	ask(t, database, "CHECKPOINT")
	server := ask(t, database, "SHOW data_directory")
	if _, err := os.Stat(filepath.Join(server, "PG_VERSION")); err != nil {
		t.Skip("the server's files are elsewhere")
	}
	canaries := privateTexts(t, "rehearsals/nemo-2023-autumn.yaml", "rehearsals/nemo-2023-spring.yaml")
	require.Greater(t, len(canaries), 300)
	requireNoCanaryIn(t, dir, canaries)
	requireNoCanaryIn(t, filepath.Join(server, "pg_wal"), canaries)
	requireNoCanaryIn(t, filepath.Join(server, "base", ask(t, database, "SELECT oid::text FROM pg_database WHERE datname = current_database()")), canaries)
}

// Where the vault is not the log's, nothing new is made in its place.
func TestAVaultInPostgreSQLIsTheOneThatIsNamed(t *testing.T) {
	t.Parallel()
	database, empty := newDatabase(t), newDatabase(t)
	dir := filepath.Join(t.TempDir(), "data")
	register := []string{"do", "person.register", "--by", "coordinator/anna", "--with", `{"handle":"anna","register":"staff","name":"Anna Berg"}`}
	daybook(t, dir, append(register, "--vault", database)...)
	for _, c := range []struct {
		dir, vault, says string
		code             int
	}{
		{dir, "", "vault.db is missing, and log.db has events: put it back, a new one would not do; if it is in PostgreSQL, name it by --vault", 1},
		{dir, empty, "the database of --vault holds no vault, and the log has events: name the one that has it", 1},
		{seasonCopy(t), database, "the vault is kept here, in vault.db, and not in PostgreSQL: leave out --vault, or give another --data", 2},
		{filepath.Join(t.TempDir(), "new"), database, "log.db is missing, and the vault of --vault is there", 1},
		{filepath.Join(t.TempDir(), "new"), empty, "no daybook is kept here", 2},
		{dir, "postgres://anna:hunter2@h:port/d", "--vault: ", 2},
		{dir, "postgres://anna:hunter2@127.0.0.1:1/d", "open the vault in postgres://127.0.0.1:1/d: no server listens there: check HOST and PORT", 1},
		{dir, "postgres://anna:hunter2@nowhere.invalid/d", "open the vault in postgres://nowhere.invalid:5432/d: no host has the name nowhere.invalid: check HOST", 1},
		{dir, strings.Replace(database, "@", "hunter2@", 1), ": check USER and the password, in ~/.pgpass or PGPASSWORD", 1},
		{dir, database + "_none", " does not exist: check its name, or make it with createdb", 1},
		{dir, database + "?sslmode=verify-full&sslrootcert=nowhere.crt", "with files of certificates that can be read: ", 2},
	} {
		_, talk, code := tried(t, c.dir, []string{"DAYBOOK_VAULT=" + c.vault}, "integrity")
		require.Equal(t, c.code, code, talk)
		require.Contains(t, talk, c.says)
		require.NotContains(t, talk, "hunter2")
		require.Equal(t, 1, strings.Count(talk, "\n"), talk)
	}
	key := filepath.Join(dir, "master.key")
	require.NoError(t, os.Rename(key, key+".kept"))
	_, talk, code := tried(t, dir, nil, "figures", "--cycle", "c", "--vault", database)
	require.Equal(t, 1, code)
	require.Contains(t, talk, "master.key is missing")
	require.NoFileExists(t, key)
	require.NoError(t, os.Rename(key+".kept", key))
	require.Contains(t, daybook(t, dir, "integrity", "--vault", database), "sound: ")
	require.Empty(t, ask(t, empty, "SELECT nspname::text FROM pg_namespace WHERE nspname LIKE 'daybook%'"))
}
