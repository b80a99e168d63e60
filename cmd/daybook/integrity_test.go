package main_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/sqlite"
)

// Whichever byte of the log's file is another, integrity names it, or what the
// log says is what it said: the byte lies outside of every event.
// DAYBOOK_FLIPS says how many bytes are tried.
func TestEveryChangedByteIsNamedOrSaysNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(seasonCopy(t), "log.db")
	want, err := told(t, path)
	require.NoError(t, err) // and the write-ahead log is in the file
	sound, err := os.ReadFile(path)
	require.NoError(t, err)
	flips := 50
	if n, err := strconv.Atoi(os.Getenv("DAYBOOK_FLIPS")); err == nil {
		flips = n
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	named := 0
	for range flips {
		at, bit := random.IntN(len(sound)), byte(1)<<random.IntN(8)
		changed := append([]byte(nil), sound...)
		changed[at] ^= bit
		require.NoError(t, os.WriteFile(path, changed, 0o600))
		got, err := told(t, path)
		if err != nil {
			require.NotEmpty(t, err.Error())
			named++
			continue
		}
		require.Equal(t, want, got, "byte %d, bit %d", at, bit)
	}
	require.Positive(t, named)
	t.Logf("%d of %d changed bytes were named, the others are outside of events", named, flips)
}

// told is all that a log says, after it was verified.
func told(t *testing.T, path string) (string, error) {
	s, err := sqlite.Open(path, sqlite.Options{})
	if err != nil {
		return "", err
	}
	defer s.Close()
	if err := s.Verify(t.Context(), nil); err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintln(&b, s.ID())
	for r, err := range s.ReadAll(t.Context(), eventstore.ReadAll{}) {
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "%+v\n", r)
	}
	return b.String(), nil
}
