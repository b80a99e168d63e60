//go:build unix

package main_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	zombiezen "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/daybook-engine/daybook/domain/call"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/domain/when"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/sqlite"
	"github.com/daybook-engine/daybook/eventstore/vault"
)

// A finished season in the browser: every page that another leads to is
// there, small, and under the same policy; and the server stops when told.
func TestServeShowsEveryPage(t *testing.T) {
	t.Parallel()
	home, stop := start(t, "serve", "--data", seasonCopy(t))
	pages := crawl(t, home)
	require.Contains(t, pages["/"], autumn)
	board := pages["/cycles/"+autumn]
	require.Contains(t, board, "945")
	require.Greater(t, len(pages), 50)
	t.Logf("%d pages", len(pages))
	for _, prefix := range []string{"/cycles/" + autumn + "/figures/", "/cycles/" + autumn + "/history", "/applications/", "/events/", "/static/"} {
		found := false
		for path := range pages {
			found = found || strings.HasPrefix(path, prefix)
		}
		require.True(t, found, "no page leads to %s", prefix)
	}
	_, status := get(t, home, "/no/such/page")
	require.Equal(t, http.StatusNotFound, status)
	require.Zero(t, stop())
}

// The demonstration shows its pages while the season plays, and plays on in
// them.
func TestDemoPlaysAndStops(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	home, stop := start(t, "demo", "--lasts", "1h", "--data", dir)
	_, status := get(t, home, "/")
	require.Equal(t, http.StatusOK, status)
	require.Zero(t, stop())
	require.Contains(t, daybook(t, dir, "integrity"), "sound: ")
}

// Who has lost the session that keeps others from the vault ends, and loses
// nothing by it.
func TestServeEndsWithItsLockOnTheVault(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string][]string{
		"live":      {"do", "person.register", "--by", "coordinator/anna", "--with", `{"handle":"anna","register":"staff","name":"Anna Berg"}`},
		"rehearsed": {"rehearse", "rehearsals/mentoring-for-all-2017.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			database := newDatabase(t)
			dir := filepath.Join(t.TempDir(), "data")
			daybook(t, dir, append(begin, "--vault", database)...)
			s := startServer(t, nil, "serve", "--data", dir, "--vault", database)
			require.Contains(t, daybook(t, dir, "integrity", "--vault", database), "sound: ", "beside it")
			ask(t, database, "SELECT pg_terminate_backend(pid)::text FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())")
			require.Equal(t, 1, s.wait())
			require.Contains(t, s.talk.String(), "the session in the vault's database is lost")
			require.Contains(t, daybook(t, dir, "integrity", "--vault", database), "sound: ")
		})
	}
}

// What cannot go on in the background is told once and tried again; the pages
// stay.
func TestServeOutlivesAFault(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	daybook(t, dir, "do", "person.register", "--by", "coordinator/anna", "--with", `{"handle":"anna","register":"staff","name":"Anna Berg"}`)
	checkpoint := filepath.Join(dir, "policies.checkpoint")
	require.NoError(t, os.Remove(checkpoint))
	require.NoError(t, os.Mkdir(checkpoint, 0o700))
	s := startServer(t, nil, "serve", "--data", dir)
	fault := func() bool { return strings.Contains(s.talk.String(), "policies.checkpoint: is a directory") }
	require.Eventually(t, fault, patience, 10*time.Millisecond)
	browserOf(t, s).open("/")

	require.NoError(t, os.Remove(checkpoint))
	require.Eventually(t, func() bool {
		info, err := os.Stat(checkpoint)
		return err == nil && info.Mode().IsRegular()
	}, patience, 10*time.Millisecond)
	require.Zero(t, s.stop())
	require.Equal(t, 1, strings.Count(s.talk.String(), "\n"), s.talk.String())
}

// What policies cannot go on from keeps the clock from nothing: a call whose
// deadline has passed is closed.
func TestTheClockGoesOnWhenPoliciesCannot(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store, err := sqlite.Open(filepath.Join(dir, "log.db"), sqlite.Options{})
	require.NoError(t, err)
	opened := time.Date(2024, 1, 8, 8, 0, 0, 0, time.UTC)
	deadline, err := when.Deadline{Local: "2024-02-01T12:00", Zone: "Europe/Berlin", Rule: when.By, Published: "by noon"}.Resolve()
	require.NoError(t, err)
	name, body, err := schema.Encode(call.Opened{Role: "mentee", Form: "1", Deadline: deadline, Opened: opened})
	require.NoError(t, err)
	id, command := uuid.New(), uuid.New()
	envelope, err := schema.Envelope{
		ID: id.String(), Name: name, RecordedAt: opened, OccurredAt: opened, Actor: "anna", Role: "coordinator", Channel: "cli",
		Book: "cycle/spring", CommandID: command.String(), Correlation: command.String(), Salt: "c2FsdHNhbHRzYWx0c2FsdA",
	}.Encode()
	require.NoError(t, err)
	_, err = store.Append(t.Context(), call.ID{Cycle: "spring", Call: "mentees"}.Stream(), eventstore.NoStream,
		eventstore.Event{ID: id, Name: name, Data: body, Metadata: envelope})
	require.NoError(t, err)
	require.NoError(t, store.Close())
	sealed, err := vault.Open(vault.Options{Dir: dir})
	require.NoError(t, err)
	require.NoError(t, sealed.Close())
	require.NoError(t, os.Mkdir(filepath.Join(dir, "policies.checkpoint"), 0o700))

	s := startServer(t, nil, "serve", "--data", dir)
	require.Eventually(t, func() bool { // told after the clock's turn
		return strings.Contains(s.talk.String(), "policies.checkpoint: is a directory")
	}, patience, 10*time.Millisecond)
	require.Zero(t, s.stop())
	require.Contains(t, daybook(t, dir, "events"), "call.closed")
}

// When the log can be written no more, the process says so and ends: what it
// would acknowledge from then on might not be kept.
func TestDemoEndsWhenTheLogIsStopped(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	s := startServer(t, nil, "demo", "--lasts", "20s", "--data", dir)
	behind, err := zombiezen.OpenConn(filepath.Join(dir, "log.db"), zombiezen.OpenReadWrite)
	require.NoError(t, err)
	defer behind.Close()
	behind.SetBlockOnBusy()
	require.NoError(t, sqlitex.ExecuteScript(behind, "CREATE TRIGGER broken BEFORE INSERT ON events BEGIN SELECT RAISE(FAIL, 'a broken disk'); END", nil))
	require.Equal(t, 1, s.wait(), s.talk.String())
	require.Regexp(t, `(?m)^daybook: .*log.db takes no more appends until it is opened again, because a write went wrong: .*a broken disk`, s.talk.String())
	require.NoError(t, sqlitex.ExecuteScript(behind, "DROP TRIGGER broken", nil))
	require.Contains(t, daybook(t, dir, "integrity"), "sound: ")
}

// start runs a server of daybook's and waits for its address. stop ends it as
// the operating system would, and gives its exit code.
func start(t *testing.T, command string, args ...string) (home string, stop func() int) {
	s := startServer(t, nil, command, args...)
	return s.home, s.stop
}

// A server is a process that shows pages.
type server struct {
	home  string
	query string // has the key, where one is needed
	talk  *safeBuffer
	wait  func() int // for its end, for the exit code
	stop  func() int // tells it to end, and waits
}

// A safeBuffer may be read while it is written.
type safeBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func startServer(t *testing.T, env []string, command string, args ...string) server {
	return launch(t, env, append([]string{command, "--addr", "127.0.0.1:0"}, args...)...)
}

func launch(t *testing.T, env []string, args ...string) server {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	c := exec.CommandContext(ctx, "daybook", args...)
	c.Env = append(os.Environ(), env...)
	talk := &safeBuffer{}
	c.Stderr = talk
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	ended := make(chan struct{})
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	read := bufio.NewReader(out)
	first, err := read.ReadString('\n')
	go func() {
		_, _ = io.Copy(io.Discard, read)
		_ = c.Wait()
		close(ended)
	}()
	require.NoError(t, err, "%s", talk)
	require.Regexp(t, `^http://127\.0\.0\.1:\d+/(\?key=[A-Z2-7]{52})?\n$`, first)
	home, query, _ := strings.Cut(strings.TrimSpace(first), "/?")
	if query != "" {
		query = "?" + query
	}
	wait := func() int {
		select {
		case <-ended:
		case <-time.After(patience / 4):
			require.Fail(t, "it should have ended and did not", "%s", talk)
		}
		return c.ProcessState.ExitCode()
	}
	stop := func() int {
		require.NoError(t, c.Process.Signal(syscall.SIGTERM))
		return wait()
	}
	return server{strings.TrimSuffix(home, "/"), query, talk, wait, stop}
}

var (
	link   = regexp.MustCompile(`(?:href|src|action)="([^"]*)"`)
	moment = []string{"at", "clock"}
)

// crawl follows every link from the first page on, and gives what it found by
// path. A page as it stood at another moment is looked at once for each kind
// of page: there are too many moments.
func crawl(t *testing.T, home string) map[string]string {
	root, err := url.Parse(home + "/")
	require.NoError(t, err)
	pages, queue := map[string]string{}, []string{"/"}
	asked := map[string]bool{"/": true}
	for len(queue) > 0 {
		path := queue[0]
		queue = queue[1:]
		body, status := get(t, home, path)
		require.Equal(t, http.StatusOK, status, path)
		pages[path] = body
		here, err := root.Parse(path)
		require.NoError(t, err)
		for _, m := range link.FindAllStringSubmatch(body, -1) {
			to, err := here.Parse(strings.ReplaceAll(m[1], "&amp;", "&"))
			require.NoError(t, err, "%s leads to %s", path, m[1])
			if to.Host != root.Host || to.Scheme != root.Scheme {
				continue
			}
			to.Fragment = ""
			key := kindOf(to)
			if !asked[key] {
				asked[key] = true
				queue = append(queue, to.RequestURI())
			}
		}
	}
	return pages
}

// kindOf is an address, or for one at another moment the kind of page it is.
func kindOf(u *url.URL) string {
	query := u.Query()
	for _, m := range moment {
		if query.Has(m) {
			kind := regexp.MustCompile(`[0-9a-f]{16}|/applications/[^/]+|/figures/[^/]+|/matches/[^/]+`).ReplaceAllString(u.Path, "*")
			return kind + "?" + m
		}
	}
	return u.RequestURI()
}

func get(t *testing.T, home, path string) (body string, status int) {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, home+path, nil)
	require.NoError(t, err)
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	if !strings.Contains(path, "as=") { // a spreadsheet is whole
		require.LessOrEqual(t, len(b), 100_000, path)
	}

	policy := answer.Header.Get("Content-Security-Policy")
	require.Contains(t, policy, "default-src 'none'", path)
	require.NotContains(t, policy, "unsafe-", path)
	require.NotContains(t, policy, "*", path)
	require.Equal(t, "nosniff", answer.Header.Get("X-Content-Type-Options"), path)
	require.Equal(t, "no-referrer", answer.Header.Get("Referrer-Policy"), path)
	return string(b), answer.StatusCode
}
