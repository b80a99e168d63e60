package workflows_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/workflows"
)

// shelf is books of lines.
type shelf map[string][]string

func (s shelf) Books(ctx context.Context) (list []workflows.Statement, err error) {
	for _, book := range slices.Sorted(maps.Keys(s)) {
		size := int64(len(s[book]))
		root, err := s.Root(ctx, book, size)
		if err != nil {
			return nil, err
		}
		list = append(list, workflows.Statement{Book: book, Size: size, Root: &root})
	}
	return list, nil
}

func (s shelf) Root(_ context.Context, book string, size int64) (tlog.Hash, error) {
	if size > int64(len(s[book])) {
		return tlog.Hash{}, domain.Missing("book_unknown", "it is not so long")
	}
	var hashes []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) (list []tlog.Hash, err error) {
		for _, i := range indexes {
			list = append(list, hashes[i])
		}
		return list, nil
	})
	for n, line := range s[book][:size] {
		added, err := tlog.StoredHashes(int64(n), []byte(line), reader)
		if err != nil {
			return tlog.Hash{}, err
		}
		hashes = append(hashes, added...)
	}
	return tlog.TreeHash(size, reader)
}

const origin = "rehearsal/daybook/1"

func ledger(t *testing.T, dir string, books workflows.Books) *workflows.Ledger {
	l, err := workflows.OpenLedger(dir, filepath.Join(dir, "ledger.key"), origin, books)
	require.NoError(t, err)
	return l
}

func TestTheLedgerStatesWhatGrewAndSignsIt(t *testing.T) {
	t.Parallel()
	dir, books := t.TempDir(), shelf{"a": {"1", "2"}, "b": {"1"}}
	l := ledger(t, dir, books)
	state := func(claims string) workflows.Stated {
		s, err := l.State(t.Context(), claims)
		require.NoError(t, err)
		file, err := os.ReadFile(filepath.Join(dir, "ledger.jsonl"))
		require.NoError(t, err)
		require.Equal(t, string(file), string(s.Leaves))
		verifier, err := note.NewVerifier(l.VKey)
		require.NoError(t, err)
		n, err := note.Open(s.Checkpoint, note.VerifierList(verifier))
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(n.Text, fmt.Sprintf("%s\n%d\n", origin, strings.Count(string(file), "\n"))), n.Text)
		return s
	}
	books["a"] = books["a"][:1]
	first := state("")
	a, err := books.Root(t.Context(), "a", 1)
	require.NoError(t, err)
	require.Equal(t, fmt.Sprintf("{\"book\":\"a\",\"root\":\"%s\",\"size\":1}\n{\"book\":\"b\",\"root\":\"%s\",\"size\":1}\n", a, a), string(first.Leaves))
	require.Equal(t, first, state(""), "nothing new")

	books["a"] = append(books["a"], "3")
	second := state("")
	require.True(t, strings.HasPrefix(string(second.Leaves), string(first.Leaves)))
	require.Equal(t, 3, strings.Count(string(second.Leaves), "\n"), "one book grew")

	claimed := state("digest")
	require.Equal(t, string(second.Leaves)+"{\"claims\":\"digest\"}\n", string(claimed.Leaves))
	require.Equal(t, claimed, state("digest"), "claimed once")
	l = ledger(t, dir, books)
	require.Equal(t, claimed, state("digest"), "and known after a restart")
	books["b"] = append(books["b"], "4")
	require.Equal(t, 6, strings.Count(string(state("digest").Leaves), "\n"), "claimed again of other books")
	info, err := os.Stat(filepath.Join(dir, "ledger.key"))
	require.NoError(t, err)
	if runtime.GOOS != "windows" {
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
}

func TestTheLedgerSignsNoOtherPast(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		change func(t *testing.T, dir string, books shelf)
		says   []string
	}{
		"a book is shorter":      {func(_ *testing.T, _ string, b shelf) { b["b"] = b["b"][:1] }, []string{"b had 2 events", "newest copy of log.db"}},
		"and grew again":         {func(_ *testing.T, _ string, b shelf) { b["b"] = []string{"1", "9", "9"} }, []string{"b had 2 events"}},
		"a book is gone":         {func(_ *testing.T, _ string, b shelf) { delete(b, "a") }, []string{"a had 2 events"}},
		"its first is another":   {func(_ *testing.T, _ string, b shelf) { b["a"] = []string{"0", "2", "3"} }, []string{"a had 2 events"}},
		"the ledger is shorter":  {edit(func(b string) string { return b[:strings.Index(b, "\n")+1] }), []string{"2 statements", "newest copy of ledger.jsonl"}},
		"the ledger is gone":     {edit(func(string) string { return "" }), []string{"2 statements"}},
		"a statement is another": {edit(func(b string) string { return strings.Replace(b, `"size":2`, `"size":1`, 1) }), []string{"2 statements"}},
		"and grew":               {edit(func(b string) string { return strings.Replace(b, `"size":2`, `"size":1`, 1) + b }), []string{"2 statements"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, books := t.TempDir(), shelf{"a": {"1", "2"}, "b": {"1", "2"}}
			l := ledger(t, dir, books)
			was, err := l.State(t.Context(), "")
			require.NoError(t, err)
			row.change(t, dir, books)
			books["c"] = []string{"1"}
			before, err := os.ReadFile(filepath.Join(dir, "ledger.jsonl"))
			require.NoError(t, err)
			_, err = l.State(t.Context(), "digest")
			require.ErrorIs(t, err, workflows.ErrRolledBack)
			for _, words := range row.says {
				require.ErrorContains(t, err, words)
			}
			signed, err := os.ReadFile(filepath.Join(dir, "ledger.checkpoint"))
			require.NoError(t, err)
			require.Equal(t, string(was.Checkpoint), string(signed), "nothing is signed")
			after, err := os.ReadFile(filepath.Join(dir, "ledger.jsonl"))
			require.NoError(t, err)
			require.Equal(t, string(before), string(after), "and nothing stated")
		})
	}
}

func edit(change func(string) string) func(*testing.T, string, shelf) {
	return func(t *testing.T, dir string, _ shelf) {
		path := filepath.Join(dir, "ledger.jsonl")
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, []byte(change(string(b))), 0o600))
	}
}

// A crash may tear the last line, and may come between stating and signing.
func TestALedgerCutShortGoesOn(t *testing.T) {
	t.Parallel()
	dir, books := t.TempDir(), shelf{"a": {"1"}}
	l := ledger(t, dir, books)
	was, err := l.State(t.Context(), "")
	require.NoError(t, err)
	books["a"] = append(books["a"], "2")
	grown, err := l.State(t.Context(), "")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "ledger.checkpoint"), was.Checkpoint, 0o600))
	again, err := l.State(t.Context(), "")
	require.NoError(t, err)
	require.Equal(t, grown, again, "signed late, the same")

	edit(func(b string) string { return b + `{"book":"a","ro` })(t, dir, nil)
	books["a"] = append(books["a"], "3")
	whole, err := l.State(t.Context(), "")
	require.NoError(t, err)
	require.Equal(t, 3, strings.Count(string(whole.Leaves), "\n"))
}

func TestAStatementIsOfABookOrOfClaims(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := ledger(t, dir, shelf{"a": {"1"}})
	_, err := l.State(t.Context(), "")
	require.NoError(t, err)
	for _, line := range []string{`{"book":"a","claims":"x"}`, `{"book":"a","size":1}`, `{"claims":""}`, `{}`} {
		edit(func(b string) string { return b[:strings.Index(b, "\n")+1] + line + "\n" })(t, dir, nil)
		_, err = workflows.ReadLedger(dir, filepath.Join(dir, "ledger.key"), origin)
		require.ErrorIs(t, err, workflows.ErrLedger, line)
		require.ErrorContains(t, err, "statement 1: it states neither a book nor claims, or both", line)
	}
}

func TestALedgersKeyIsItsOwn(t *testing.T) {
	t.Parallel()
	dir, books := t.TempDir(), shelf{"a": {"1"}}
	key := filepath.Join(dir, "ledger.key")
	_, err := ledger(t, dir, books).State(t.Context(), "")
	require.NoError(t, err)
	secret, err := os.ReadFile(key)
	require.NoError(t, err)
	refused := func(words, origin string) {
		t.Helper()
		_, err := workflows.OpenLedger(dir, key, origin, books)
		require.ErrorIs(t, err, workflows.ErrLedger)
		require.ErrorContains(t, err, words)
		require.NotContains(t, err.Error(), string(secret[20:40]), "a key is not told")
	}
	refused("is the key of "+origin, "daybook/2")
	if runtime.GOOS != "windows" {
		require.NoError(t, os.Chmod(key, 0o644))
		refused("chmod 600", origin)
	}
	require.NoError(t, os.Chmod(key, 0o600))
	require.NoError(t, os.WriteFile(key, secret[:len(secret)-9], 0o600))
	refused("holds no key", origin)
	require.NoError(t, os.Remove(key))
	refused("put it back", origin)
	require.NoFileExists(t, key)
}

// shared is a shelf that is changed while it is read.
type shared struct {
	mu    sync.Mutex
	shelf shelf
}

func (s *shared) put(book string, lines ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shelf[book] = lines
}

func (s *shared) Books(ctx context.Context) ([]workflows.Statement, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shelf.Books(ctx)
}

func (s *shared) Root(ctx context.Context, book string, size int64) (tlog.Hash, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shelf.Root(ctx, book, size)
}

func TestTheLedgerStatesFromTimeToTimeAndAtTheEnd(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		books := &shared{shelf: shelf{"a": {"1"}}}
		l, err := workflows.OpenLedger(dir, filepath.Join(dir, "ledger.key"), origin, books)
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		var told []error
		ended := make(chan error)
		go func() { ended <- l.Run(ctx, time.Minute, func(err error) { told = append(told, err) }) }()
		stated := func() int {
			synctest.Wait()
			b, err := os.ReadFile(filepath.Join(dir, "ledger.jsonl"))
			require.True(t, err == nil || errors.Is(err, os.ErrNotExist))
			return strings.Count(string(b), "\n")
		}
		require.Zero(t, stated())
		time.Sleep(time.Minute)
		require.Equal(t, 1, stated())
		time.Sleep(time.Hour)
		require.Equal(t, 1, stated())
		books.put("a")
		time.Sleep(time.Minute)
		require.Equal(t, 1, stated())
		require.Len(t, told, 1)
		books.put("a", "1", "2")
		stop()
		require.ErrorIs(t, <-ended, context.Canceled)
		require.Equal(t, 2, stated())
		require.Len(t, told, 1)

		books.put("a")
		require.ErrorIs(t, l.Run(ctx, time.Minute, func(err error) { told = append(told, err) }), context.Canceled)
		require.Len(t, told, 2, "also at the end a refusal is told")
		require.ErrorIs(t, told[1], workflows.ErrRolledBack)
	})
}
