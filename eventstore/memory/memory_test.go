package memory_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/memory"
	"github.com/daybook-engine/daybook/eventstore/storetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) eventstore.Store {
		s := memory.New()
		t.Cleanup(func() { s.Close() })
		return s
	})
}

func TestADeletedStreamBeginsAnewAfterItsLastRevision(t *testing.T) {
	t.Parallel()
	s := memory.New()
	first := newEvent()
	_, err := s.Append(t.Context(), "call-1", eventstore.NoStream, first, newEvent())
	require.NoError(t, err)

	for _, expected := range []eventstore.Expected{eventstore.NoStream, eventstore.Exact(0), eventstore.Exact(2)} {
		_, err = s.Delete(t.Context(), "call-1", expected)
		require.ErrorIs(t, err, eventstore.ErrConflict, expected)
	}
	_, err = s.Delete(t.Context(), "call-2", eventstore.Any)
	require.ErrorIs(t, err, eventstore.ErrConflict, "it never was")
	at, err := s.Delete(t.Context(), "call-1", eventstore.Exact(1))
	require.NoError(t, err)
	require.Equal(t, eventstore.NewPosition(2, 2), at)
	require.ErrorIs(t, readError(t, s, "call-1"), eventstore.ErrStreamNotFound)

	_, err = s.Append(t.Context(), "call-1", eventstore.StreamExists, newEvent())
	require.ErrorIs(t, err, eventstore.ErrStreamDeleted)
	again, err := s.Append(t.Context(), "call-1", eventstore.NoStream, first)
	require.NoError(t, err, "a retry of what was appended before")
	require.Equal(t, uint64(0), again.Revision)
	anew, err := s.Append(t.Context(), "call-1", eventstore.NoStream, newEvent())
	require.NoError(t, err)
	require.Equal(t, uint64(2), anew.Revision)

	var revisions []uint64
	for e, err := range s.ReadStream(t.Context(), "call-1", eventstore.ReadStream{}) {
		require.NoError(t, err)
		revisions = append(revisions, e.Revision)
	}
	require.Equal(t, []uint64{2}, revisions)
}

func TestATombstoneIsForEver(t *testing.T) {
	t.Parallel()
	s := memory.New()
	_, err := s.Tombstone(t.Context(), "call-2", eventstore.StreamExists)
	require.ErrorIs(t, err, eventstore.ErrConflict)
	_, err = s.Tombstone(t.Context(), "call-2", eventstore.Any)
	require.NoError(t, err, "of a stream that never was")
	_, err = s.Append(t.Context(), "call-1", eventstore.NoStream, newEvent())
	require.NoError(t, err)
	_, err = s.Tombstone(t.Context(), "call-1", eventstore.Exact(0))
	require.NoError(t, err)
	for _, stream := range []string{"call-1", "call-2"} {
		for _, expected := range []eventstore.Expected{eventstore.Any, eventstore.NoStream, eventstore.StreamExists, eventstore.Exact(0)} {
			_, err = s.Append(t.Context(), stream, expected, newEvent())
			require.ErrorIs(t, err, eventstore.ErrStreamDeleted)
			_, err = s.Delete(t.Context(), stream, expected)
			require.ErrorIs(t, err, eventstore.ErrStreamDeleted)
		}
		require.ErrorIs(t, readError(t, s, stream), eventstore.ErrStreamDeleted)
	}
}

func newEvent() eventstore.Event {
	return eventstore.Event{ID: uuid.New(), Name: "session.held", Data: []byte(`{}`), Metadata: []byte(`{}`)}
}

func readError(t *testing.T, s eventstore.Store, stream string) error {
	for _, err := range s.ReadStream(t.Context(), stream, eventstore.ReadStream{}) {
		if err != nil {
			return err
		}
	}
	return nil
}
