package main_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	main "github.com/daybook-engine/daybook/cmd/daybook"
	"github.com/daybook-engine/daybook/domain/access"
	"github.com/daybook-engine/daybook/workflows"
)

// The test binary is also daybook: whoever finds it in $PATH under that name,
// a script or a test that wants a process to kill, runs the real program.
func TestMain(m *testing.M) {
	testscript.Main(tidy{m}, map[string]func(){"daybook": func() {
		limitFiles()
		main.Main()
	}})
}

// tidy runs the tests and takes the season away after them.
type tidy struct{ *testing.M }

func (m tidy) Run() int {
	// A disk in memory, where there is one: what a test waits for elsewhere is
	// fsync, which it doesn't test.
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() && os.Getenv("TMPDIR") == "" {
		os.Setenv("TMPDIR", "/dev/shm")
	}
	dir, err := os.MkdirTemp("", "daybook-season-")
	if err != nil {
		panic(err) // there is no test yet to fail
	}
	defer os.RemoveAll(dir)
	seasonDir = dir
	return m.M.Run()
}

const (
	autumn   = "nemo-2023-autumn"
	spring   = "nemo-2023-spring"
	patience = 2 * time.Minute // with anything that a slow machine may take long over
)

var seasonDir string

// season is the autumn season of 2023, rehearsed once for all tests: it takes
// seconds, and a copy of it takes none. Nobody opens it where it lies.
var season = sync.OnceValues(func() (string, error) {
	c := exec.Command("daybook", "rehearse", "rehearsals/nemo-2023-autumn.yaml", "--data", seasonDir)
	if out, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("rehearse the season: %w\n%s", err, out)
	}
	return seasonDir, nil
})

// copySeason puts the season into dir, which must not be there.
func copySeason(dir string) error {
	from, err := season()
	if err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	return fs.WalkDir(os.DirFS(from), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		b, err := os.ReadFile(filepath.Join(from, path))
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, path), b, 0o600) // a master key that others may read is refused
	})
}

// seasonCopy is a season of the test's own.
func seasonCopy(t *testing.T) string {
	dir := filepath.Join(t.TempDir(), "data")
	require.NoError(t, copySeason(dir))
	return dir
}

// daybook runs the program on a directory and gives what it prints.
func daybook(t *testing.T, dir string, args ...string) string {
	out, talk, code := tried(t, dir, nil, args...)
	require.Zero(t, code, "daybook %s: %s", strings.Join(args, " "), talk)
	return out
}

// tried runs the program as daybook does, with env added, however it ends.
func tried(t *testing.T, dir string, env []string, args ...string) (out, talk string, code int) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := exec.CommandContext(ctx, "daybook", args...)
	c.Env = append(append(os.Environ(), "DAYBOOK_DATA="+dir), env...)
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	err := c.Run()
	if exit := new(exec.ExitError); !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	require.NoError(t, ctx.Err(), "daybook %s", strings.Join(args, " "))
	return stdout.String(), stderr.String(), c.ProcessState.ExitCode()
}

// line is one line of daybook events --json.
type line struct {
	Position  string `json:"position"`
	Stream    string `json:"stream"`
	Revision  int    `json:"revision"`
	ID        string `json:"id"`
	Name      string `json:"name"`
	CommandID string `json:"command_id"`
	Recorded  string `json:"recorded_at"`
	Data      any    `json:"data"`
}

// logOf lists what a directory's log holds, and the bytes of the list.
func logOf(t *testing.T, dir string) (lines []line, source string) {
	source = daybook(t, dir, "events", "--json")
	scan := bufio.NewScanner(strings.NewReader(source))
	scan.Buffer(nil, 1<<20)
	for scan.Scan() {
		var l line
		require.NoError(t, json.Unmarshal(scan.Bytes(), &l))
		lines = append(lines, l)
	}
	require.NoError(t, scan.Err())
	return lines, source
}

// requireSameSeason holds a directory against one where the same was played in
// one go: the same events under the same ids at the same positions, the same
// figures, every byte in its place.
func requireSameSeason(t *testing.T, undisturbed, dir, cycle string) {
	lines, got := logOf(t, dir)
	_, want := logOf(t, undisturbed)
	ids, revisions := map[string]bool{}, map[string]int{}
	streams := map[string]string{} // by command
	for _, l := range lines {
		require.False(t, ids[l.ID], "%s at %s: its id is in the log twice", l.Name, l.Position)
		require.Equal(t, revisions[l.Stream], l.Revision, "%s at %s", l.Name, l.Position)
		if stream, done := streams[l.CommandID]; done {
			require.Equal(t, stream, l.Stream, "%s at %s: its command was done twice", l.Name, l.Position)
		}
		ids[l.ID], streams[l.CommandID] = true, l.Stream
		revisions[l.Stream]++
	}
	requireSameLines(t, want, got)
	figures := []string{"figures", "--cycle", cycle, "--json"}
	require.Equal(t, daybook(t, undisturbed, figures...), daybook(t, dir, figures...))
	require.Contains(t, daybook(t, dir, "integrity"), "sound: ")
}

// requireSameLines is require.Equal without printing whole logs.
func requireSameLines(t *testing.T, want, got string) {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(w), len(g)) {
		require.Equal(t, w[i], g[i], "line %d", i+1)
	}
	require.Len(t, g, len(w))
}

// Whoever has to write fields within fields is shown how.
func TestTheHelpHasAnExampleOfEveryNestedCommand(t *testing.T) {
	t.Parallel()
	for _, name := range workflows.Commands() {
		nested := slices.ContainsFunc(workflows.Form(name), func(f workflows.Field) bool { return f.Within != nil || f.Kind == "fields" })
		flags, with, ok := main.HelpExample(name)
		if !ok {
			require.True(t, !nested || name == "definition.publish" || len(access.Claimable(name)) == 0, name)
			continue
		}
		role, _, err := workflows.ParseActor(strings.Fields(flags)[1])
		require.NoError(t, err)
		require.NoError(t, workflows.Check(role, name, json.RawMessage(with)), name)
		again, faults := workflows.Compose(name, workflows.Known(json.RawMessage(with)))
		require.Empty(t, faults, name)
		require.JSONEq(t, with, string(again), "%s: a form says the same", name)
	}
}

func TestAFileOfFieldsIsUTF8(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	latin := filepath.Join(dir, "latin.json")
	require.NoError(t, os.WriteFile(latin, []byte("{\"handle\":\"mu\",\"register\":\"staff\",\"name\":\"M\xfcller\"}"), 0o600))
	_, talk, code := tried(t, filepath.Join(dir, "data"), nil, "do", "person.register", "--by", "coordinator/mu", "--with", "@"+latin)
	require.Equal(t, 2, code)
	require.Contains(t, talk, "latin.json: expected text in UTF-8; save the file again with that encoding")
	require.NoDirExists(t, filepath.Join(dir, "data"))
}
