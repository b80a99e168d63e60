package main_test

import (
	"bufio"
	"context"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A season is rehearsed by processes that are killed, each at a random moment
// and as the operating system does it, until it has been played to its end.
// Whatever was printed is in the log; nothing is in it twice; and the log is,
// to the byte, the one that nobody disturbed. DAYBOOK_KILLS is how many
// processes are killed before one may finish.
func TestNothingAcknowledgedIsLostWhenKilled(t *testing.T) {
	t.Parallel()
	kills := 15
	if s := os.Getenv("DAYBOOK_KILLS"); s != "" {
		var err error
		kills, err = strconv.Atoi(s)
		require.NoError(t, err)
	}
	undisturbed := seasonCopy(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	die := rand.New(rand.NewPCG(seed, 0))

	dir, told := filepath.Join(t.TempDir(), "0"), []string(nil)
	for killed := 0; killed < kills; {
		ended, lines := rehearseAndKill(t, dir, die.IntN(60), time.Duration(die.IntN(40))*time.Millisecond)
		told = append(told, lines...)
		if !ended {
			killed++
			continue
		}
		requireTold(t, dir, told)
		requireSameSeason(t, undisturbed, dir, autumn)
		dir, told = filepath.Join(t.TempDir(), strconv.Itoa(killed)), nil
	}
	ended, lines := rehearseAndKill(t, dir, -1, 0)
	require.True(t, ended)
	requireTold(t, dir, append(told, lines...))
	requireSameSeason(t, undisturbed, dir, autumn)
}

// rehearseAndKill plays what is left of the season, and kills the process a
// while after it has printed so many lines; a negative number lets it end. It
// gives every whole line that was printed.
func rehearseAndKill(t *testing.T, dir string, after int, delay time.Duration) (ended bool, told []string) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := exec.CommandContext(ctx, "daybook", "rehearse", "rehearsals/nemo-2023-autumn.yaml", "--data", dir)
	var talk strings.Builder
	c.Stderr = &talk
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	kill := func() { time.AfterFunc(delay, func() { _ = c.Process.Kill() }) } // it may have ended
	if after == 0 {
		kill()
	}
	read := bufio.NewReader(out)
	for {
		l, err := read.ReadString('\n')
		if err == io.EOF {
			break // what is not a whole line tells nothing
		}
		require.NoError(t, err)
		told = append(told, strings.TrimSuffix(l, "\n"))
		if len(told) == after {
			kill()
		}
	}
	err = c.Wait()
	require.NoError(t, ctx.Err())
	if err == nil {
		return true, told
	}
	code := c.ProcessState.ExitCode()
	require.Equal(t, -1, code, "it was not killed, and ended with %d: %s%s", code, strings.Join(told, "\n"), talk.String())
	return false, told
}

// requireTold looks for every event that was told in a directory's log, in
// the order of telling. A process that dies between keeping an event and
// telling it leaves it untold, and nobody tells it later.
func requireTold(t *testing.T, dir string, told []string) {
	lines, _ := logOf(t, dir)
	at := 0
	for _, l := range told {
		if strings.Contains(l, " refused, ") {
			continue
		}
		fields := strings.Fields(l)
		name, when := fields[len(fields)-1], fields[0]+"T"+strings.TrimSuffix(fields[1], "Z")
		for at < len(lines) && (lines[at].Name != name || !strings.HasPrefix(lines[at].Recorded, when)) {
			at++
		}
		require.Less(t, at, len(lines), "it was told and is not in the log: %s", l)
		at++
	}
}
