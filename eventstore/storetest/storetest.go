// Package storetest is what every event store must do: a conformance suite,
// a wrapper that makes appends and reads fail, and a checker of whole logs. An adapter
// that passes may be exchanged for any other.
package storetest

import (
	"context"
	"fmt"
	"iter"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/eventstore"
)

// Run tests a store against the contract. open gives a new, empty store for
// each test and sees to its cleaning up.
func Run(t *testing.T, open func(t *testing.T) eventstore.Store) {
	for _, group := range []map[string]func(*testing.T, eventstore.Store){
		appendTests, readTests, subscribeTests, closeTests,
	} {
		for name, test := range group {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, open(t))
			})
		}
	}
}

// RunDurable tests that a store outlives its process. open opens the store
// kept in dir, making it where there is none; the tests close it.
func RunDurable(t *testing.T, open func(dir string) (eventstore.Store, error)) {
	mustOpen := func(t *testing.T, dir string) eventstore.Store {
		s, err := open(dir)
		require.NoError(t, err)
		t.Cleanup(func() { s.Close() })
		return s
	}

	t.Run("a reopened store has its events and its id and goes on after them", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		s := mustOpen(t, dir)
		first := appendTo(t, s, "call-1", eventstore.NoStream, 3)
		appendTo(t, s, "call-2", eventstore.NoStream, 2)
		want, id := all(t, s, eventstore.ReadAll{}), s.ID()
		head, err := s.Head(t.Context())
		require.NoError(t, err)
		require.NoError(t, s.Close())

		s = mustOpen(t, dir)
		require.Equal(t, id, s.ID())
		require.Equal(t, want, all(t, s, eventstore.ReadAll{}))
		again, err := s.Head(t.Context())
		require.NoError(t, err)
		require.Equal(t, head, again)

		retried, err := s.Append(t.Context(), "call-1", eventstore.NoStream, eventsOf(want[:3])...)
		require.NoError(t, err)
		require.Equal(t, first, retried)
		next := appendTo(t, s, "call-1", eventstore.Exact(2), 1)
		require.Equal(t, uint64(3), next.Revision)
		require.Positive(t, next.Position.Compare(head))
		CheckLog(t, s)
	})

	t.Run("two stores have two ids", func(t *testing.T) {
		t.Parallel()
		require.NotEqual(t, mustOpen(t, t.TempDir()).ID(), mustOpen(t, t.TempDir()).ID())
	})

	t.Run("a second opening is refused until the first is closed", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		s := mustOpen(t, dir)
		_, err := open(dir)
		require.Error(t, err)
		appendTo(t, s, "call-1", eventstore.NoStream, 1)
		require.NoError(t, s.Close())
		require.Len(t, all(t, mustOpen(t, dir), eventstore.ReadAll{}), 1)
	})
}

// event makes an event that no other test has made. Its body's odd spacing
// is there to be kept.
func event(name string) eventstore.Event {
	id := uuid.New()
	return eventstore.Event{
		ID:       id,
		Name:     name,
		Data:     fmt.Appendf(nil, `{"of":  "%s", "text":"žluťoučký \u0000 <&>"}`, id),
		Metadata: fmt.Appendf(nil, `{"id":"%s" }`, id),
	}
}

func eventsN(n int) []eventstore.Event {
	es := make([]eventstore.Event, n)
	for i := range es {
		es[i] = event("session.held")
	}
	return es
}

func appendTo(t testing.TB, s eventstore.Store, stream string, expected eventstore.Expected, n int) eventstore.Result {
	t.Helper()
	r, err := s.Append(t.Context(), stream, expected, eventsN(n)...)
	require.NoError(t, err)
	return r
}

func all(t testing.TB, s eventstore.Store, r eventstore.ReadAll) []eventstore.Recorded {
	t.Helper()
	return collect(t, s.ReadAll(t.Context(), r))
}

func stream(t testing.TB, s eventstore.Store, name string, r eventstore.ReadStream) []eventstore.Recorded {
	t.Helper()
	return collect(t, s.ReadStream(t.Context(), name, r))
}

func collect(t testing.TB, seq iter.Seq2[eventstore.Recorded, error]) (out []eventstore.Recorded) {
	t.Helper()
	for e, err := range seq {
		require.NoError(t, err)
		out = append(out, e)
	}
	return out
}

func readError(seq iter.Seq2[eventstore.Recorded, error]) error {
	for _, err := range seq {
		if err != nil {
			return err
		}
	}
	return nil
}

func eventsOf(recorded []eventstore.Recorded) (out []eventstore.Event) {
	for _, r := range recorded {
		out = append(out, r.Event)
	}
	return out
}

func requireConflict(t testing.TB, err error, stream string, expected eventstore.Expected, actual int) {
	t.Helper()
	var conflict *eventstore.WrongExpectedError
	require.ErrorAs(t, err, &conflict)
	require.ErrorIs(t, err, eventstore.ErrConflict)
	require.Equal(t, stream, conflict.Stream)
	require.Equal(t, expected, conflict.Expected)
	if conflict.ActualKnown {
		require.EqualValues(t, actual, conflict.Actual)
	}
}

// drain receives until the subscription has caught up with position, and
// gives the events it saw.
func drain(t testing.TB, ctx context.Context, sub eventstore.Subscription, position eventstore.Position) (out []eventstore.Recorded) {
	t.Helper()
	for at := (eventstore.Position{}); at.Compare(position) < 0; {
		m, err := sub.Recv(ctx)
		require.NoError(t, err)
		switch {
		case m.Event != nil:
			out, at = append(out, *m.Event), m.Event.Position
		case m.Checkpoint != nil:
			at = *m.Checkpoint
		}
	}
	return out
}
