package vault

import (
	"context"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"zombiezen.com/go/sqlite"
)

// A Home is where a test keeps a vault: a directory, and for PostgreSQL a
// database of the test's own besides.
type Home struct{ Dir, Database string }

// Each runs a test with a vault in files and, where DAYBOOK_TEST_POSTGRES names
// a superuser's database, with one in PostgreSQL.
func Each(t *testing.T, test func(t *testing.T, h Home)) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); test(t, Home{Dir: t.TempDir()}) })
	t.Run("postgres", func(t *testing.T) { t.Parallel(); test(t, Postgres(t)) })
}

// Postgres is a Home in PostgreSQL.
func Postgres(t testing.TB) Home { return Home{t.TempDir(), newDatabase(t, "template0")} }

// newDatabase makes a database like another, for as long as the test runs.
func newDatabase(t testing.TB, like string) string {
	server := os.Getenv("DAYBOOK_TEST_POSTGRES")
	if server == "" {
		t.Skip("DAYBOOK_TEST_POSTGRES names no server")
	}
	name := "daybook_test_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	execute(t, server, "CREATE DATABASE "+name+" TEMPLATE "+like)
	t.Cleanup(func() { execute(t, server, "DROP DATABASE "+name+" WITH (FORCE)") })
	u, err := url.Parse(server)
	require.NoError(t, err)
	u.Path = "/" + name
	return u.String()
}

func execute(t testing.TB, database, sql string) {
	c, err := pgx.Connect(context.Background(), database)
	require.NoError(t, err)
	defer c.Close(context.Background())
	_, err = c.Exec(context.Background(), sql)
	require.NoError(t, err)
}

func (h Home) Options() Options { return Options{Dir: h.Dir, Database: h.Database} }

// Open opens the vault until the test ends.
func (h Home) Open(t testing.TB) *Vault {
	t.Helper()
	v, err := Open(h.Options())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, v.Close()) })
	return v
}

// Refused is why the vault does not open.
func (h Home) Refused(t *testing.T) error {
	t.Helper()
	_, err := Open(h.Options())
	require.Error(t, err)
	return err
}

// New is another home of the same kind.
func (h Home) New(t *testing.T) Home {
	if h.Database == "" {
		return Home{Dir: t.TempDir()}
	}
	return Postgres(t)
}

// Copy is a copy of a vault that is closed.
func (h Home) Copy(t *testing.T) Home {
	to := Home{Dir: t.TempDir()}
	require.NoError(t, os.CopyFS(to.Dir, os.DirFS(h.Dir)))
	require.NoError(t, os.Chmod(filepath.Join(to.Dir, "master.key"), 0o600)) // CopyFS widens it
	if h.Database != "" {
		u, err := url.Parse(h.Database)
		require.NoError(t, err)
		to.Database = newDatabase(t, u.Path[1:])
	}
	return to
}

// conn asks the texts or keys behind the vault's back, until close is called.
func (h Home) conn(t testing.TB, name string) (c tx, close func()) {
	if h.Database == "" {
		c, err := sqlite.OpenConn(filepath.Join(h.Dir, name+".db"), sqlite.OpenReadWrite)
		require.NoError(t, err)
		return fileTx{c}, func() { require.NoError(t, c.Close()) }
	}
	session, err := pgx.Connect(context.Background(), h.Database)
	require.NoError(t, err)
	c = schemaTx{context.Background(), session}
	_, err = c.exec("SET search_path = daybook_" + name)
	require.NoError(t, err)
	return c, func() { require.NoError(t, session.Close(context.Background())) }
}

// Exec runs a statement on the texts ("vault") or "keys".
func (h Home) Exec(t testing.TB, name, sql string, args ...any) error {
	c, done := h.conn(t, name)
	defer done()
	_, err := c.exec(sql, args...)
	return err
}

// Bytes asks for one value.
func (h Home) Bytes(t testing.TB, name, sql string) (b []byte) {
	c, done := h.conn(t, name)
	defer done()
	require.NoError(t, c.query(sql, nil, []any{&b}, nil))
	return b
}

// Unlock lets secrets be altered.
func (h Home) Unlock(t testing.TB) {
	drop := "DROP TRIGGER secret_stays"
	if h.Database != "" {
		drop += " ON secret"
	}
	require.NoError(t, h.Exec(t, "vault", drop))
}

// Stored is all that is on the disk: every file of the directory, and of the
// database; the server's write-ahead log, which is everybody's, is not in it.
func (h Home) Stored(t testing.TB) map[string]string {
	all := map[string]string{}
	require.NoError(t, filepath.WalkDir(h.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		all[path] = string(content)
		return err
	}))
	if h.Database != "" {
		execute(t, h.Database, "ANALYZE")
		execute(t, h.Database, "CHECKPOINT")
		c, done := h.conn(t, "vault")
		defer done()
		var name string
		var content []byte
		require.NoError(t, c.query(`
			SELECT dir || name, pg_read_binary_file(dir || name, 0, 1 << 29, true)
			FROM (SELECT 'base/' || oid || '/' FROM pg_database WHERE datname = current_database()) AS d(dir), pg_ls_dir(dir) AS name`,
			nil, []any{&name, &content}, func() error { all[name] = string(content); return nil }))
		require.Greater(t, len(all), 100)
	}
	return all
}
