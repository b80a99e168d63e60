//go:build unix

package main_test

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A disk that is full ends a rehearsal with an error that says so, whichever
// file it is that cannot grow. What was told is kept, and with room again the
// season is played to the same end.
func TestNothingAcknowledgedIsLostWhenTheDiskIsFull(t *testing.T) {
	t.Parallel()
	undisturbed, play := filepath.Join(t.TempDir(), "data"), []string{"rehearse", "rehearsals/nemo-2023-spring.yaml"}
	daybook(t, undisturbed, play...)
	told := 0
	for _, kilobytes := range []int{0, 12, 40, 250, 400} {
		dir := filepath.Join(t.TempDir(), strconv.Itoa(kilobytes))
		limit := "DAYBOOK_TEST_FILE_LIMIT=" + strconv.Itoa(kilobytes<<10)
		before, talk, code := tried(t, dir, []string{limit}, play...)
		t.Logf("%d KiB: %s", kilobytes, talk)
		require.Equal(t, 1, code, talk)
		require.Regexp(t, `^daybook: .*\n$`, talk)
		require.Regexp(t, `full|too large|I/O`, talk)
		told += strings.Count(before, "\n")

		after := daybook(t, dir, play...)
		requireTold(t, dir, strings.Split(strings.TrimSuffix(before+after, "\n"), "\n"))
		requireSameSeason(t, undisturbed, dir, spring)
	}
	require.Positive(t, told, "no limit was met in the middle of the season")
}
