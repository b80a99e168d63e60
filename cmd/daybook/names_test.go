package main_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	main "github.com/daybook-engine/daybook/cmd/daybook"
)

// Nobody is called by a part of their id because an erasure is under way: that
// is an error, and a stranger is none.
func TestNamesThatCannotBeHadBesideAnErasureAreAnError(t *testing.T) {
	t.Parallel()
	dir := seasonCopy(t)
	all, _ := logOf(t, dir)
	first := slices.IndexFunc(all, func(l line) bool { return l.Name == "person.registered" })
	who := strings.TrimPrefix(all[first].Stream, "person-")
	name, err := main.CalledBeside(t.Context(), dir, who, func() {})
	require.NoError(t, err)
	require.NotContains(t, name, who[:8])
	_, err = main.CalledBeside(t.Context(), dir, who, func() {
		daybook(t, dir, "erase", "p14", "--by", "coordinator/c1", "--approve", "r1")
	})
	require.ErrorIs(t, err, main.ErrErasing)
	stranger := uuid.NewString()
	name, err = main.CalledBeside(t.Context(), dir, stranger, func() {})
	require.NoError(t, err)
	require.Equal(t, "person "+stranger[:8], name)
}
