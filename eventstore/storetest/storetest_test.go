package storetest_test

import (
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

func newEvent() eventstore.Event {
	return eventstore.Event{ID: uuid.New(), Name: "session.held", Data: []byte(`{}`), Metadata: []byte(`{}`)}
}
