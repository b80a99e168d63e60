package vault

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/eventstore/durable"
)

func TestADatabaseThatIsNoneIsTold(t *testing.T) {
	t.Parallel()
	for _, database := range []string{"file:x", "host=localhost password=hunter2", "postgres://u:hunter2@h:port/d", "postgres://u:hunter2@h/d?sslmode=hunter2", "postgres://%zz:hunter2@h", "postgres://u:hunter2@h,i/d", "postgres://u:hun@hunter2/ter@h/d"} {
		o := Options{Dir: filepath.Join(t.TempDir(), "data"), Database: database}
		_, err := Open(o)
		require.ErrorIs(t, err, ErrDatabase)
		require.NotContains(t, err.Error(), "hunter2", "it may be a password")
		_, err = Made(o)
		require.ErrorIs(t, err, ErrDatabase)
	}
}

// Whether a server refuses or says nothing at all, that is told in a while, and
// no master key is made.
func TestAServerThatIsAwayIsTold(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	for range 2 { // there and silent, then not there
		began, dir := time.Now(), t.TempDir()
		_, err = Open(Options{Dir: dir, Database: "postgres://u:hunter2@" + l.Addr().String() + "/d?connect_timeout=1"})
		require.ErrorContains(t, err, "open the vault in postgres://"+l.Addr().String()+"/d: ")
		require.NotContains(t, err.Error(), "hunter2")
		require.NotContains(t, err.Error(), "\n")
		require.Less(t, time.Since(began), connecting)
		require.NoFileExists(t, filepath.Join(dir, "master.key"))
		_ = l.Close()
	}
}

func TestWhoMayNotComeInIsTold(t *testing.T) {
	t.Parallel()
	h := Postgres(t)
	u, err := url.Parse(h.Database)
	require.NoError(t, err)
	u.User = url.UserPassword("nobody-known", "hunter2")
	_, err = Open(Options{Dir: h.Dir, Database: u.String()})
	require.ErrorContains(t, err, "nobody-known")
	require.NotContains(t, err.Error(), "hunter2")
}

// Whoever else would write is kept off by the database, whatever directory and
// whatever machine it comes from; whoever reads is not.
func TestOneProcessHasADatabase(t *testing.T) {
	t.Parallel()
	h := Postgres(t)
	v, _ := filled(t, h)
	elsewhere := Options{Dir: t.TempDir(), Database: h.Database, KeyFile: v.keyFile}
	_, err := Open(elsewhere)
	require.ErrorIs(t, err, durable.ErrLocked)
	require.ErrorContains(t, err, place(h.Database)+": another daybook process has it open")
	elsewhere.ReadOnly = true
	beside := opened(t, elsewhere)
	got, err := beside.Reveal(t.Context(), bob.Digest)
	require.NoError(t, err)
	require.Equal(t, bob, got)
	require.NoError(t, beside.Close())
	require.NoError(t, v.Close())
	elsewhere.ReadOnly = false
	require.NoError(t, opened(t, elsewhere).Close())
	for range 2 {
		other, _ := filled(t, h.New(t)) // on the same server
		defer other.Close()
	}
}

func TestWhatASessionIsToldCannotBeOverruled(t *testing.T) {
	t.Parallel()
	h := Postgres(t)
	u, err := url.Parse(h.Database)
	require.NoError(t, err)
	q := u.Query()
	q.Set("synchronous_commit", "off")
	q.Set("search_path", "public")
	u.RawQuery = q.Encode()
	v := opened(t, Options{Dir: h.Dir, Database: u.String()})
	defer v.Close()
	for _, db := range []database{v.texts, v.keys.db} {
		for name, want := range map[string]string{"synchronous_commit": "on", "search_path": db.name()} {
			var got string
			require.NoError(t, db.write(func(c tx) error { return c.query("SHOW "+name, nil, []any{&got}, nil) }))
			require.Equal(t, want, got)
		}
	}
	require.Error(t, v.read(t.Context(), func(c tx) error {
		_, err := c.exec("DELETE FROM secret")
		return err
	}), "a session that reads")
}

func TestASchemaOfSomebodyElsesIsLeftAlone(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"another's tables":  "CREATE SCHEMA daybook_keys; CREATE TABLE daybook_keys.theirs (a int)",
		"another's version": "CREATE SCHEMA daybook_vault; CREATE TABLE daybook_vault.daybook (a int)",
		"no version":        "CREATE SCHEMA daybook_vault; CREATE TABLE daybook_vault.daybook (id bigint, version bigint)",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := Postgres(t)
			execute(t, h.Database, sql)
			require.ErrorIs(t, h.Refused(t), ErrForeign)
			require.NoFileExists(t, filepath.Join(h.Dir, "master.key"))
		})
	}
}

func TestSchemasOfTwoVaultsDoNotBelongTogether(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sql string
		err error
	}{
		"swapped":  {"ALTER SCHEMA daybook_vault RENAME TO x; ALTER SCHEMA daybook_keys RENAME TO daybook_vault; ALTER SCHEMA x RENAME TO daybook_keys", ErrForeign},
		"no keys":  {"DROP SCHEMA daybook_keys CASCADE", ErrMismatch},
		"no texts": {"DROP SCHEMA daybook_vault CASCADE", ErrMismatch},
		"another":  {"UPDATE daybook_keys.meta SET value = 'other' WHERE key = 'store'", ErrMismatch},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := Postgres(t)
			v, _ := filled(t, h)
			require.NoError(t, v.Close())
			execute(t, h.Database, c.sql)
			for range 2 {
				require.ErrorIs(t, h.Refused(t), c.err)
			}
		})
	}
}

// A schema that somebody made for the vault, empty, is the vault's.
func TestAnEmptySchemaIsFilled(t *testing.T) {
	t.Parallel()
	h := Postgres(t)
	execute(t, h.Database, "CREATE SCHEMA daybook_vault; CREATE SCHEMA daybook_keys")
	made, err := Made(h.Options())
	require.NoError(t, err)
	require.False(t, made)
	v, _ := filled(t, h)
	require.NoError(t, v.Close())
	made, err = Made(h.Options())
	require.NoError(t, err)
	require.True(t, made)
}

// A wire is a way to the server that can be cut: at the n-th statement that
// begins with a word from when it is set, before it comes there, or when it has
// been done and before that is answered.
type wire struct {
	net.Listener
	network, server string
	cut             atomic.Pointer[cut]

	mu    sync.Mutex
	conns []net.Conn
}

type cut struct {
	word string
	left atomic.Int64
	done bool // cut when the statement is done
}

// through is a home reached through a wire.
func through(t *testing.T, h Home) (*wire, Home) {
	c, err := pgx.ParseConfig(h.Database)
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w := &wire{Listener: l}
	w.network, w.server = pgconn.NetworkAddress(c.Host, c.Port)
	u, err := url.Parse(h.Database)
	require.NoError(t, err)
	u.Host = l.Addr().String()
	u.RawQuery = "sslmode=disable"
	var served sync.WaitGroup
	served.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			served.Go(func() { w.serve(client) })
		}
	})
	t.Cleanup(func() {
		require.NoError(t, l.Close())
		w.hangUp()
		served.Wait()
	})
	return w, Home{h.Dir, u.String()}
}

// hangUp ends every connection.
func (w *wire) hangUp() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		c.Close()
	}
	w.conns = nil
}

// aim makes another server the one that is reached.
func (w *wire) aim(network, server string) (oldNetwork, oldServer string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	oldNetwork, oldServer = w.network, w.server
	w.network, w.server = network, server
	return oldNetwork, oldServer
}

func (w *wire) cutAt(word string, n int, done bool) {
	c := &cut{word: word, done: done}
	c.left.Store(int64(n))
	w.cut.Store(c)
}

func (w *wire) serve(client net.Conn) {
	w.mu.Lock()
	network, address := w.network, w.server
	w.mu.Unlock()
	server, err := net.Dial(network, address)
	if err != nil {
		client.Close()
		return
	}
	w.mu.Lock()
	w.conns = append(w.conns, client, server)
	w.mu.Unlock()
	ready := make(chan struct{})
	var silent atomic.Bool
	go func() { // from the server, message by message
		defer client.Close()
		for {
			m, err := message(server, false)
			if err != nil {
				return
			}
			if silent.Load() {
				if m[0] == 'Z' { // the statement is done
					close(ready)
					return
				}
				continue
			}
			if _, err := client.Write(m); err != nil {
				return
			}
		}
	}()
	defer server.Close()
	defer client.Close()
	for first := true; ; first = false {
		m, err := message(client, first)
		if err != nil {
			return
		}
		c := w.cut.Load()
		hit := !first && c != nil && m[0] == 'Q' && bytes.HasPrefix(m[5:], []byte(c.word)) && c.left.Add(-1) == 0
		if hit && !c.done {
			return
		}
		silent.Store(hit)
		if _, err := server.Write(m); err != nil {
			return
		}
		if hit {
			<-ready
			return
		}
	}
}

// message reads one of the protocol's; the first has no type.
func message(r io.Reader, first bool) ([]byte, error) {
	head := make([]byte, 5)
	if first {
		head = head[:4]
	}
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	body := make([]byte, binary.BigEndian.Uint32(head[len(head)-4:])-4)
	_, err := io.ReadFull(r, body)
	return append(head, body...), err
}

// stopped tells that a vault whose session was lost takes nothing more.
func stopped(t *testing.T, v *Vault) {
	t.Helper()
	require.ErrorIs(t, v.Put(t.Context(), text("after", "eve")), ErrStopped)
	require.ErrorIs(t, v.Put(t.Context(), text("and after", "bob")), ErrStopped)
	require.NoError(t, v.Close())
}

// A commit whose answer is lost is never taken for done: the vault stops, and
// whoever opens it again may ask for the same again, whether it was done or not.
func TestACommitThatIsNotAnsweredIsAnError(t *testing.T) {
	t.Parallel()
	carol := text("about carol", "carol")
	for name, c := range map[string]struct {
		commits int
		do      func(context.Context, *Vault) error
		applied func(context.Context, *Vault) bool
	}{
		"put, its key": {1, func(ctx context.Context, v *Vault) error { return v.Put(ctx, carol) }, func(ctx context.Context, v *Vault) bool {
			_, err := v.keys.get(keyID{"carol", newest})
			return err == nil
		}},
		"put": {2, func(ctx context.Context, v *Vault) error { return v.Put(ctx, carol) }, func(ctx context.Context, v *Vault) bool {
			_, err := v.Reveal(ctx, carol.Digest)
			return err == nil
		}},
		"set a handle": {1, func(ctx context.Context, v *Vault) error { return v.SetHandle(ctx, "carol", "carol") }, func(ctx context.Context, v *Vault) bool {
			_, err := v.Person(ctx, "carol")
			return err == nil
		}},
	} {
		for when, done := range map[string]bool{"before": false, "after": true} {
			t.Run(name+" "+when, func(t *testing.T) {
				t.Parallel()
				h := Postgres(t)
				v, _ := filled(t, h)
				require.NoError(t, v.Close())
				w, far := through(t, h)
				v = opened(t, far.Options())
				w.cutAt("COMMIT", c.commits, done)
				require.ErrorIs(t, c.do(t.Context(), v), ErrStopped)
				require.NoError(t, v.Close())
				v = opened(t, h.Options())
				defer v.Close()
				require.Equal(t, done, c.applied(t.Context(), v))
				for range 2 {
					require.NoError(t, c.do(t.Context(), v))
					require.True(t, c.applied(t.Context(), v))
				}
			})
		}
	}
}

// An erasure whose connection is cut at any commit or vacuum stops the vault,
// and is finished by whoever opens it again.
func TestAnErasureThatIsNotAnsweredIsFinished(t *testing.T) {
	t.Parallel()
	for word, times := range map[string]int{"COMMIT": 4, "VACUUM s": 1, "VACUUM d": 1, "VACUUM (": 2} {
		for n := 1; n <= times; n++ {
			for when, done := range map[string]bool{" before ": false, " after ": true} {
				t.Run(strings.Trim(word, " (")+when+string(rune('0'+n)), func(t *testing.T) {
					t.Parallel()
					h := Postgres(t)
					v, secret := filled(t, h)
					require.NoError(t, v.Close())
					w, far := through(t, h)
					v = opened(t, far.Options())
					w.cutAt(word, n, done)
					_, err := v.Erase(t.Context(), "ada")
					require.ErrorIs(t, err, ErrStopped)
					require.NoError(t, v.Close())
					o := h.Options()
					if word == "COMMIT" && n == 1 && !done { // promised, and not begun
						require.ErrorIs(t, h.Refused(t), ErrRegister)
						o.Replay = true
					}
					v = opened(t, o)
					defer v.Close()
					require.NoFileExists(t, v.keyFile+nextSuffix)
					gone(t, v, h, secret)
					texts, err := v.Erase(t.Context(), "ada")
					require.NoError(t, err)
					require.Equal(t, 2, texts)
				})
			}
		}
	}
}

// A server that goes away while it is asked takes nothing along that was
// acknowledged, and the vault goes on without its lock neither then nor when
// the server is back.
func TestAServerThatGoesAwayStopsTheVault(t *testing.T) {
	t.Parallel()
	h := Postgres(t)
	w, far := through(t, h)
	v, _ := filled(t, far)
	network, server := w.aim("tcp", "127.0.0.1:1") // where nobody is
	w.hangUp()
	_, err := v.Reveal(t.Context(), bob.Digest)
	require.ErrorIs(t, err, ErrUnavailable)
	require.NotErrorIs(t, err, ErrNotFound)
	_, err = v.Person(t.Context(), "bob-b")
	require.ErrorIs(t, err, ErrUnavailable)
	w.aim(network, server)
	stopped(t, v)
	v = opened(t, far.Options())
	defer v.Close()
	for _, s := range []Secret{ada, both, bob} {
		got, err := v.Reveal(t.Context(), s.Digest)
		require.NoError(t, err)
		require.Equal(t, s, got)
	}
}

// Whose session was ended by the server takes nothing, though another has
// nothing to do with it: that one may have the lock.
func TestWithoutItsLockAVaultTakesNothing(t *testing.T) {
	t.Parallel()
	h := Postgres(t)
	v, _ := filled(t, h)
	execute(t, h.Database, "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())")
	other, err := Open(Options{Dir: t.TempDir(), Database: h.Database, KeyFile: v.keyFile})
	require.NoError(t, err)
	require.NoError(t, other.Put(t.Context(), text("by the other", "bob")))
	stopped(t, v)
	require.NoError(t, other.Close())
}

// A server that counts no rows cannot tell who still sees what was deleted.
func TestAServerThatDoesNotCountIsRefused(t *testing.T) {
	t.Parallel()
	h := Postgres(t)
	h.Database += "?track_counts=off"
	_, err := Open(h.Options())
	require.ErrorContains(t, err, "track_counts off")
}
