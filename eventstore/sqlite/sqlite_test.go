package sqlite_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	driver "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/durable"
	"github.com/daybook-engine/daybook/eventstore/sqlite"
	"github.com/daybook-engine/daybook/eventstore/storetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	t.Run("that keeps what is new in memory", func(t *testing.T) {
		t.Parallel()
		storetest.Run(t, func(t *testing.T) eventstore.Store { return open(t, logIn(t)) })
	})
	t.Run("that reads everything", func(t *testing.T) {
		t.Parallel()
		storetest.Run(t, func(t *testing.T) eventstore.Store {
			s := open(t, logIn(t))
			s.KeepNone()
			return s
		})
	})
}

func TestWhatIsNewIsKeptInMemoryWithinBounds(t *testing.T) {
	t.Parallel()
	s := open(t, logIn(t))
	for i := range 50 {
		appendN(t, s, fmt.Sprintf("call-%d", i), 99)
	}
	read := func(after uint64) (n int) {
		for e, err := range s.ReadAll(t.Context(), eventstore.ReadAll{After: eventstore.NewPosition(after, after)}) {
			require.NoError(t, err)
			n++
			require.Equal(t, after+uint64(n), e.Position.Commit())
		}
		return n
	}
	for _, after := range []uint64{0, 1, 49, 2500, 3500, 4000, 4949, 4950, 4951} {
		require.Equal(t, max(0, 4950-int(after)), read(after), "after %d", after)
	}
	events, _ := s.Kept()
	require.Greater(t, events, 1000)
	require.LessOrEqual(t, events, 2048)
	large := eventstore.Event{ID: uuid.New(), Name: "call.opened", Data: make([]byte, 900<<10)}
	for range 10 {
		large.ID = uuid.New()
		_, err := s.Append(t.Context(), "call-large", eventstore.Any, large)
		require.NoError(t, err)
	}
	_, bytes := s.Kept()
	require.LessOrEqual(t, bytes, 4<<20)
	require.Equal(t, 20, read(4940))
}

func TestStoreIsDurable(t *testing.T) {
	t.Parallel()
	storetest.RunDurable(t, func(dir string) (eventstore.Store, error) {
		return sqlite.Open(filepath.Join(dir, "log.db"), sqlite.Options{})
	})
}

func TestALogIsOpenOnce(t *testing.T) {
	t.Parallel()
	path := logIn(t)
	s := open(t, path)
	_, err := sqlite.Open(path, sqlite.Options{})
	require.ErrorIs(t, err, durable.ErrLocked)
	require.ErrorContains(t, err, fmt.Sprintf("another daybook process (pid %d) has this directory open", os.Getpid()))
	require.NoError(t, s.Close())
	open(t, path)
}

// Many give up during one slow commit; that must hold up nobody who doesn't.
func TestAQueueOfTheDeadIsCleared(t *testing.T) {
	t.Parallel()
	s := open(t, logIn(t))
	s.Desert()
	appendN(t, s, "call-1", 1)
	s.Desert()
	require.NoError(t, s.Close())
}

func TestTheFileRefusesToForget(t *testing.T) {
	t.Parallel()
	path := logIn(t)
	s := open(t, path)
	appendN(t, s, "call-1", 2)
	require.NoError(t, s.Close())

	conn, err := driver.OpenConn(path, driver.OpenReadWrite)
	require.NoError(t, err)
	defer conn.Close()
	for _, statement := range []string{
		"UPDATE events SET name = 'x'",
		"UPDATE events SET position = position + 1",
		"DELETE FROM events",
		"DELETE FROM events WHERE position = 2",
		"UPDATE store SET id = zeroblob(16)",
		"DELETE FROM store",
		"REPLACE INTO store VALUES (1, zeroblob(16))",
		"INSERT INTO store VALUES (2, zeroblob(16))",
	} {
		err := sqlitex.ExecuteTransient(conn, statement, nil)
		require.Equal(t, driver.ResultConstraintTrigger, driver.ErrCode(err), "%s: %v", statement, err)
	}
	require.NoError(t, conn.Close())
	s = open(t, path)
	require.NoError(t, s.Verify(t.Context(), nil))
}

func TestOtherFilesAreRefused(t *testing.T) {
	t.Parallel()
	for name, build := range map[string]func(t *testing.T, path string){
		"an empty file": func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(path, nil, 0o600))
		},
		"a text": func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(path, bytes.Repeat([]byte("dear diary\n"), 500), 0o600))
		},
		"a few bytes": func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(path, []byte("SQLite format 3\x00"), 0o600))
		},
		"a write-ahead log alone": func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(path+"-wal", []byte("x"), 0o600))
		},
		"another application's database": func(t *testing.T, path string) {
			conn, err := driver.OpenConn(path)
			require.NoError(t, err)
			require.NoError(t, sqlitex.ExecuteTransient(conn, "CREATE TABLE events (position INTEGER PRIMARY KEY)", nil))
			require.NoError(t, conn.Close())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := logIn(t)
			build(t, path)
			before, _ := os.ReadFile(path)
			_, err := sqlite.Open(path, sqlite.Options{})
			require.ErrorIs(t, err, sqlite.ErrNotLog)
			require.ErrorContains(t, err, path)
			after, _ := os.ReadFile(path)
			require.Equal(t, before, after, "a file that is not ours is left alone")
		})
	}
}

func TestALogFromANewerDaybookIsRefused(t *testing.T) {
	t.Parallel()
	path := logIn(t)
	require.NoError(t, open(t, path).Close())
	conn, err := driver.OpenConn(path, driver.OpenReadWrite)
	require.NoError(t, err)
	require.NoError(t, sqlitex.ExecuteTransient(conn, "PRAGMA user_version = 99", nil))
	require.NoError(t, conn.Close())
	_, err = sqlite.Open(path, sqlite.Options{})
	require.ErrorContains(t, err, "version 99, made by a newer daybook")
}

func TestAHalfMadeFileIsMadeAnew(t *testing.T) {
	t.Parallel()
	path := logIn(t)
	require.NoError(t, os.WriteFile(path+".new", []byte("half"), 0o600))
	require.NoError(t, os.WriteFile(path+".new-wal", []byte("half"), 0o600))
	appendN(t, open(t, path), "call-1", 1)
}

// A truncated log must be noticed when it is opened, read or verified, and
// whatever is read before must be what was written.
func TestATruncatedLogNeverTellsWrong(t *testing.T) {
	t.Parallel()
	path := logIn(t)
	s := open(t, path)
	for i := range 40 {
		appendN(t, s, fmt.Sprintf("call-%d", i%7), 5)
	}
	want := read(t, s)
	require.NoError(t, s.Close())
	whole, err := os.ReadFile(path)
	require.NoError(t, err)

	lengths := []int{0, 1, 15, 16, 99, 100, 101, 511, 512, 4095}
	for n := 4096; n < len(whole); n += 4096 {
		lengths = append(lengths, n, n+1, n+2048)
	}
	for _, n := range lengths {
		cut := logIn(t)
		require.NoError(t, os.WriteFile(cut, whole[:n], 0o600))
		s, err := sqlite.Open(cut, sqlite.Options{})
		if err != nil {
			require.ErrorContains(t, err, cut)
			continue
		}
		i := 0
		for e, err := range s.ReadAll(t.Context(), eventstore.ReadAll{}) {
			if err != nil {
				require.ErrorContains(t, err, cut)
				break
			}
			require.Equal(t, want[i], e)
			i++
		}
		require.ErrorIs(t, s.Verify(t.Context(), nil), sqlite.ErrDamaged, "cut to %d bytes", n)
		require.NoError(t, s.Close())
	}
}

func TestVerifyFindsNothingInASoundLog(t *testing.T) {
	t.Parallel()
	s := open(t, logIn(t))
	require.NoError(t, s.Verify(t.Context(), nil))
	for i := range 60 {
		appendN(t, s, fmt.Sprintf("call-%d", i%7), 20)
	}
	var done, total int
	require.NoError(t, s.Verify(t.Context(), func(d, n int) { done, total = d, n }))
	require.Equal(t, 1200, done)
	require.Equal(t, 1200, total)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, s.Verify(ctx, nil), context.Canceled)
}

func TestALogInUseCanBeReadByOthers(t *testing.T) {
	t.Parallel()
	path := logIn(t)
	s := open(t, path)
	appendN(t, s, "call-1", 20)
	other, err := sqlite.Open(path, sqlite.Options{ReadOnly: true})
	require.NoError(t, err)
	defer other.Close()
	require.Equal(t, s.ID(), other.ID())
	appendN(t, s, "call-2", 20)
	require.NoError(t, other.Verify(t.Context(), nil))
	n := 0
	for _, err := range other.ReadAll(t.Context(), eventstore.ReadAll{}) {
		require.NoError(t, err)
		n++
	}
	require.Equal(t, 40, n)
	_, err = other.Append(t.Context(), "call-1", eventstore.Any, eventstore.Event{ID: uuid.New(), Name: "call.closed"})
	require.ErrorIs(t, err, sqlite.ErrReadOnly)
	require.NoError(t, other.Close())
	appendN(t, s, "call-3", 20)
	_, err = sqlite.Open(filepath.Join(t.TempDir(), "none.db"), sqlite.Options{ReadOnly: true})
	require.Error(t, err)
}

func TestVerifyNamesTheEventThatWasTamperedWith(t *testing.T) {
	t.Parallel()
	const dropTriggers = `DROP TRIGGER events_are_never_changed; DROP TRIGGER events_are_never_deleted;`
	for name, c := range map[string]struct {
		tamper func(t *testing.T, path string)
		says   string
	}{
		"a flipped bit in a body": {
			func(t *testing.T, path string) {
				file, err := os.ReadFile(path)
				require.NoError(t, err)
				at := bytes.Index(file, []byte("body 17 of call-1"))
				require.Positive(t, at)
				file[at+5] ^= 1
				require.NoError(t, os.WriteFile(path, file, 0o600))
			},
			"checksum of session.held at position 0000000000000012 (revision 17 of call-1)",
		},
		"a changed name": {
			script(dropTriggers + `UPDATE events SET name = 'session.hold' WHERE position = 3`),
			"checksum of session.hold at position 0000000000000003 (revision 2 of call-1)",
		},
		"a removed event": {
			script(dropTriggers + `DELETE FROM events WHERE position = 5`),
			"position 0000000000000005 is missing; the next event is session.held at position 0000000000000006 (revision 5 of call-1)",
		},
		"a stream closed over a removed event": {
			script(dropTriggers + `DELETE FROM events WHERE position = 5; UPDATE events SET revision = revision - 1 WHERE position > 5`),
			"position 0000000000000005 is missing",
		},
		"a log closed over a removed event": {
			script(dropTriggers + `DELETE FROM events WHERE position = 5; UPDATE events SET position = position - 1 WHERE position > 5`),
			"session.held at position 0000000000000005 (revision 5 of call-1) stands where revision 4 of its stream should",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := logIn(t)
			s := open(t, path)
			appendN(t, s, "call-1", 40)
			require.NoError(t, s.Close())
			c.tamper(t, path)
			s = open(t, path)
			err := s.Verify(t.Context(), nil)
			require.ErrorIs(t, err, sqlite.ErrDamaged)
			require.ErrorContains(t, err, c.says)
			require.ErrorContains(t, err, path)
		})
	}
}

func TestADiskThatFillsUpStopsTheStoreAndLosesNothing(t *testing.T) {
	t.Parallel()
	path := logIn(t)
	s := open(t, path)
	require.NoError(t, s.LimitPages(40))

	var mu sync.Mutex
	kept, unknown := map[uuid.UUID]bool{}, map[uuid.UUID]bool{}
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := 0; ; i++ {
				e := newEvent(fmt.Sprintf("call-%d", w), i)
				_, err := s.Append(t.Context(), fmt.Sprintf("call-%d", w), eventstore.Any, e)
				mu.Lock()
				if err == nil {
					kept[e.ID] = true
				} else {
					unknown[e.ID] = true
				}
				mu.Unlock()
				if err != nil {
					require.ErrorIs(t, err, sqlite.ErrStopped)
					require.Equal(t, driver.ResultFull, driver.ErrCode(err))
					return
				}
			}
		})
	}
	wg.Wait()
	require.NotEmpty(t, kept)

	_, err := s.Append(t.Context(), "call-new", eventstore.Any, newEvent("call-new", 0))
	require.ErrorIs(t, err, sqlite.ErrStopped, "for good")
	require.ErrorContains(t, err, path)
	storetest.CheckLog(t, s)
	require.Len(t, read(t, s), len(kept), "reads go on, and show what was acknowledged")
	require.NoError(t, s.Close())

	s = open(t, path)
	require.NoError(t, s.Verify(t.Context(), nil))
	for _, e := range read(t, s) {
		require.True(t, kept[e.ID] || unknown[e.ID])
		delete(kept, e.ID)
	}
	require.Empty(t, kept, "acknowledged and lost")
	appendN(t, s, "call-new", 1)
	storetest.CheckLog(t, s)
}

func TestABusyFileIsUnavailableAndNothingWorse(t *testing.T) {
	t.Parallel()
	path := logIn(t)
	s := open(t, path)
	require.NoError(t, s.DontWait())
	conn, err := driver.OpenConn(path, driver.OpenReadWrite)
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, sqlitex.ExecuteTransient(conn, "BEGIN IMMEDIATE", nil))
	_, err = s.Append(t.Context(), "call-1", eventstore.Any, newEvent("call-1", 0))
	require.ErrorIs(t, err, eventstore.ErrUnavailable)
	require.NoError(t, sqlitex.ExecuteTransient(conn, "ROLLBACK", nil))
	appendN(t, s, "call-1", 1)
}

func TestTheWriteAheadLogIsMovedIntoTheFile(t *testing.T) {
	t.Parallel()
	path := logIn(t)
	s := open(t, path)
	for i := range 40 {
		e := newEvent("call-1", i)
		e.Data = fmt.Appendf(nil, `"%s"`, bytes.Repeat([]byte("x"), eventstore.MaxAppend-1000))
		_, err := s.Append(t.Context(), "call-1", eventstore.Any, e)
		require.NoError(t, err)
	}
	wal, err := os.Stat(path + "-wal")
	require.NoError(t, err)
	require.Less(t, wal.Size(), int64(30*eventstore.MaxAppend))
	file, err := os.Stat(path)
	require.NoError(t, err)
	require.Greater(t, file.Size(), int64(10*eventstore.MaxAppend))
}

func TestStreamsAndIdsAreForgottenAndFoundAgain(t *testing.T) {
	t.Parallel()
	s := open(t, logIn(t))
	s.Remember(4)
	for round := range 3 {
		for i := range 20 {
			expected := eventstore.NoStream
			if round > 0 {
				expected = eventstore.Exact(uint64(round - 1))
			}
			stream := fmt.Sprintf("call-%d", i)
			_, err := s.Append(t.Context(), stream, expected, newEvent(stream, round))
			require.NoError(t, err)
		}
	}
	storetest.CheckLog(t, s)
}

// Streams are read by the connection that writes, if nobody does: the race
// detector tells when two have it.
func TestOneStreamIsWrittenAndReadByMany(t *testing.T) {
	t.Parallel()
	s := open(t, logIn(t))
	appendN(t, s, "call-1", 1)
	const each = 50
	var wg sync.WaitGroup
	for writer := range 4 {
		wg.Go(func() {
			for i := range each {
				if _, err := s.Append(t.Context(), "call-1", eventstore.Any, newEvent("call-1", 1+writer*each+i)); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for range each {
				revision := uint64(0)
				for r, err := range s.ReadStream(t.Context(), "call-1", eventstore.ReadStream{}) {
					if err != nil || r.Revision != revision {
						t.Errorf("revision %d, not %d: %v", r.Revision, revision, err)
					}
					revision++
				}
			}
		})
	}
	wg.Wait()
	storetest.CheckLog(t, s)
}

func script(sql string) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		conn, err := driver.OpenConn(path, driver.OpenReadWrite)
		require.NoError(t, err)
		defer conn.Close()
		require.NoError(t, sqlitex.ExecuteScript(conn, sql, nil))
	}
}

func logIn(t testing.TB) string { return filepath.Join(t.TempDir(), "log.db") }

func open(t testing.TB, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(path, sqlite.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

func newEvent(stream string, n int) eventstore.Event {
	return eventstore.Event{
		ID:       uuid.New(),
		Name:     "session.held",
		Data:     fmt.Appendf(nil, `{"text":"body %d of %s","minutes":%s}`, n, stream, bytes.Repeat([]byte("6"), 300)),
		Metadata: fmt.Appendf(nil, `{"n":%d}`, n),
	}
}

func appendN(t testing.TB, s eventstore.Store, stream string, n int) {
	t.Helper()
	var events []eventstore.Event
	for i := range n {
		events = append(events, newEvent(stream, i))
	}
	_, err := s.Append(t.Context(), stream, eventstore.Any, events...)
	require.NoError(t, err)
}

func read(t testing.TB, s eventstore.Store) (out []eventstore.Recorded) {
	t.Helper()
	for e, err := range s.ReadAll(t.Context(), eventstore.ReadAll{}) {
		require.NoError(t, err)
		out = append(out, e)
	}
	return out
}

// What prefixes choose is found by the index of streams while it is little, and
// by reading the log where it is not: the same either way.
func TestManyAndFewAreChosenAlike(t *testing.T) {
	t.Parallel()
	path := logIn(t)
	s := open(t, path)
	const each = 600
	for i := range 15 {
		for _, stream := range []string{fmt.Sprintf("many-%d", i), fmt.Sprintf("few-%d", i%2)} {
			var batch []eventstore.Event
			for range map[bool]int{true: each, false: 2}[strings.HasPrefix(stream, "many")] {
				batch = append(batch, eventstore.Event{ID: uuid.New(), Name: "a.b", Data: []byte("{}"), Metadata: []byte("{}")})
			}
			_, err := s.Append(t.Context(), stream, eventstore.Any, batch...)
			require.NoError(t, err)
		}
	}
	require.NoError(t, s.Close())
	s = open(t, path)
	for chosen, n := range map[string]int{"many-": 15 * each, "many-1": 6 * each, "few-": 30, "few-0": 16, "none-": 0, "~": 0, "": 15*each + 30} {
		var last eventstore.Position
		found := 0
		for r, err := range s.ReadAll(t.Context(), eventstore.ReadAll{Prefixes: []string{chosen}}) {
			require.NoError(t, err)
			require.True(t, strings.HasPrefix(r.Stream, chosen))
			require.Positive(t, r.Position.Compare(last))
			last = r.Position
			found++
		}
		require.Equal(t, n, found, chosen)
	}
}
