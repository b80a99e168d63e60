//go:build unix

package durable_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/daybook-engine/daybook/eventstore/durable"
)

// A process that is being started has copies of all descriptors until it is
// another program; a lock that was let go of is free meanwhile.
func TestALockIsLetGoOfByWhoeverHasIt(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log.db")
	lock, err := durable.Lock(path)
	require.NoError(t, err)
	copied, err := unix.Dup(int(lock.(interface{ Fd() uintptr }).Fd()))
	require.NoError(t, err)
	defer unix.Close(copied)
	_, err = durable.Lock(path)
	require.ErrorIs(t, err, durable.ErrLocked)
	require.NoError(t, lock.Close())
	again, err := durable.Lock(path)
	require.NoError(t, err)
	require.NoError(t, again.Close())
}
