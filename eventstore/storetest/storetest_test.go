package storetest_test

import (
	"iter"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/memory"
	"github.com/daybook-engine/daybook/eventstore/storetest"
)

func TestAWriterThatRetriesLivesWithAFlakyStore(t *testing.T) {
	t.Parallel()
	s := storetest.Flaky(memory.New(), storetest.Seeded(1))
	expected := eventstore.NoStream
	faults := 0
	for range 200 {
		es := []eventstore.Event{newEvent(), newEvent()}
		r, err := s.Append(t.Context(), "call-1", expected, es...)
		for err != nil {
			require.ErrorIs(t, err, storetest.ErrInjected)
			faults++
			r, err = s.Append(t.Context(), "call-1", expected, es...)
		}
		expected = eventstore.Exact(r.Revision)
	}
	require.Equal(t, eventstore.Exact(399), expected)
	require.Greater(t, faults, 20)
	storetest.CheckLog(t, s)
}

func TestFaultsAreThoseOfTheSeedAndMayBeSwitchedOff(t *testing.T) {
	t.Parallel()
	run := func(seed uint64) (outcome []bool) {
		s := storetest.Flaky(memory.New(), storetest.Seeded(seed))
		for range 50 {
			_, err := s.Append(t.Context(), "call-1", eventstore.Any, newEvent())
			outcome = append(outcome, err == nil)
		}
		s.Off()
		for range 50 {
			_, err := s.Append(t.Context(), "call-1", eventstore.Any, newEvent())
			require.NoError(t, err)
		}
		return outcome
	}
	require.Equal(t, run(7), run(7))
	require.NotEqual(t, run(7), run(8))
}

// Whoever goes on where a read or a subscription was cut short gets all of it,
// and nobody gets a part without an error.
func TestWhatIsCutShortSaysSo(t *testing.T) {
	t.Parallel()
	const n, every = 40, 7
	s := storetest.Flaky(memory.New(), func() storetest.Fault { return storetest.NoFault }).
		Cut(storetest.Sometimes(1, n, every), storetest.Sometimes(1, n, every))
	for range 100 {
		_, err := s.Append(t.Context(), "call-1", eventstore.Any, newEvent())
		require.NoError(t, err)
	}
	first, middle := 0, 0
	count := func(given int, err error) {
		require.ErrorIs(t, err, storetest.ErrInjected)
		require.ErrorIs(t, err, eventstore.ErrUnavailable)
		if given == 0 {
			first++
		} else {
			middle++
		}
	}
	for s.Struck().Reads < n {
		for _, events := range []iter.Seq2[eventstore.Recorded, error]{
			s.ReadStream(t.Context(), "call-1", eventstore.ReadStream{}), s.ReadAll(t.Context(), eventstore.ReadAll{}),
		} {
			given, failed := 0, false
			for _, err := range events {
				if failed = err != nil; failed {
					count(given, err)
				} else {
					given++
				}
			}
			require.True(t, failed || given == 100)
		}
		if _, err := s.Head(t.Context()); err != nil {
			count(0, err)
		}
	}
	for s.Struck().Subscriptions < n {
		sub, err := s.Subscribe(t.Context(), eventstore.Subscribe{})
		given := 0
		for ; err == nil && given < 100; given++ {
			_, err = sub.Recv(t.Context())
		}
		if err != nil {
			count(given, err)
		}
	}
	require.Equal(t, 2*n, first+middle)
	require.NotZero(t, first)
	require.NotZero(t, middle)
	s.Off()
	storetest.CheckLog(t, s)
}

func newEvent() eventstore.Event {
	return eventstore.Event{ID: uuid.New(), Name: "session.held", Data: []byte(`{}`), Metadata: []byte(`{}`)}
}
