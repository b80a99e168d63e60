package durable_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/eventstore/durable"
)

// alone tells that a file holds that and has no leftover beside it.
func alone(t *testing.T, path, holds string) {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, holds, string(b))
	files, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, files, 1)
}

func TestAFileIsWrittenInThePlaceOfAnother(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	for _, text := range []string{"first", "and second", ""} {
		require.NoError(t, durable.WriteFile(path, []byte(text), 0o640))
		alone(t, path, text)
	}
	if runtime.GOOS != "windows" {
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, fs.FileMode(0o640), info.Mode())
	}
}

func TestAFileIsCreatedOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, durable.Create(path, []byte("first"), 0o600))
	alone(t, path, "first")
	require.ErrorIs(t, durable.Create(path, []byte("second"), 0o600), fs.ErrExist)
	alone(t, path, "first")
}

func TestWhatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "taken")
	require.NoError(t, os.Mkdir(path, 0o700))
	require.Error(t, durable.WriteFile(path, []byte("text"), 0o600), "a directory has the name")
	require.Error(t, durable.Create(path, []byte("text"), 0o600))
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 1)
	require.ErrorIs(t, durable.WriteFile(filepath.Join(dir, "nowhere", "file"), nil, 0o600), fs.ErrNotExist)
	require.ErrorIs(t, durable.SyncDir(filepath.Join(dir, "nowhere")), fs.ErrNotExist)
}
