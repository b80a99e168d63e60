package storetest

import (
	"encoding/json"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/eventstore"
)

// CheckLog reads a whole log and holds it against what must be true of every
// log at every time: positions grow; revisions are dense from 0; an id stands
// once in its stream; names are there and bodies are JSON; and every other
// way of reading tells the same. Nobody may append meanwhile.
func CheckLog(t testing.TB, s eventstore.Store) {
	t.Helper()
	log := all(t, s, eventstore.ReadAll{})
	streams := map[string][]eventstore.Recorded{}
	type place struct {
		stream string
		id     uuid.UUID
	}
	ids := map[place]bool{}
	var last eventstore.Position
	for _, e := range log {
		require.Positive(t, e.Position.Compare(last), "%s at %s does not come after %s", e.Name, e.Position, last)
		require.NoError(t, eventstore.Check(e.Stream, e.Event), "at %s", e.Position)
		require.EqualValues(t, len(streams[e.Stream]), e.Revision, "revision of %s at %s in %s", e.Name, e.Position, e.Stream)
		require.False(t, ids[place{e.Stream, e.ID}], "%s at %s: its id stands twice in %s", e.Name, e.Position, e.Stream)
		require.True(t, json.Valid(e.Data), "%s at %s: body %q is not JSON", e.Name, e.Position, e.Data)
		require.True(t, json.Valid(e.Metadata), "%s at %s: metadata %q is not JSON", e.Name, e.Position, e.Metadata)
		ids[place{e.Stream, e.ID}] = true
		streams[e.Stream] = append(streams[e.Stream], e)
		last = e.Position
	}

	head, err := s.Head(t.Context())
	require.NoError(t, err)
	require.Equal(t, last, head, "the head is the newest event")
	requireSame(t, reversed(log), all(t, s, eventstore.ReadAll{Backwards: true}), "the log backwards")
	for name, want := range streams {
		requireSame(t, want, stream(t, s, name, eventstore.ReadStream{}), name)
		requireSame(t, reversed(want), stream(t, s, name, eventstore.ReadStream{Backwards: true}), name+" backwards")
	}
	sub, err := s.Subscribe(t.Context(), eventstore.Subscribe{})
	require.NoError(t, err)
	defer sub.Close()
	requireSame(t, log, drain(t, t.Context(), sub, last), "a subscription")
}

// requireSame is require.Equal without its cost, and without printing whole
// logs.
func requireSame(t testing.TB, want, got []eventstore.Recorded, where string) {
	t.Helper()
	require.Len(t, got, len(want), where)
	for i := range want {
		w, g := want[i], got[i]
		if w.Position != g.Position || w.Stream != g.Stream || w.Revision != g.Revision || w.ID != g.ID || w.Name != g.Name ||
			string(w.Data) != string(g.Data) || string(w.Metadata) != string(g.Metadata) {
			require.Equal(t, w, g, where)
		}
	}
}
