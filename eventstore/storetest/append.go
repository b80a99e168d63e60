package storetest

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/eventstore"
)

var appendTests = map[string]func(*testing.T, eventstore.Store){
	"an append is answered with its last event's place": func(t *testing.T, s eventstore.Store) {
		first := appendTo(t, s, "call-1", eventstore.NoStream, 3)
		require.Equal(t, uint64(2), first.Revision)
		require.False(t, first.Position.IsZero())
		second := appendTo(t, s, "call-1", eventstore.Exact(2), 1)
		require.Equal(t, uint64(3), second.Revision)
		require.Positive(t, second.Position.Compare(first.Position))
		events := stream(t, s, "call-1", eventstore.ReadStream{})
		require.Equal(t, first.Position, events[2].Position)
		require.Equal(t, second.Position, events[3].Position)
		CheckLog(t, s)
	},

	"exact bytes are kept": func(t *testing.T, s eventstore.Store) {
		e := event("note.written")
		e.Data = []byte("{\n \"a\":1.0, \"a\":2, \"z\": \"\u2028<é>\\u00e9\" }\r\n")
		e.Metadata = []byte(`  {"salt":"AAAA" }`)
		data := bytes.Clone(e.Data)
		_, err := s.Append(t.Context(), "match-é 1/2", eventstore.Any, e)
		require.NoError(t, err)
		e.Data[0] = 'X' // the caller's bytes are the caller's again
		got := stream(t, s, "match-é 1/2", eventstore.ReadStream{})[0]
		require.Equal(t, string(data), string(got.Data))
		require.Equal(t, string(e.Metadata), string(got.Metadata))
		require.Equal(t, e.ID, got.ID)
		require.Equal(t, "note.written", got.Name)
		require.Equal(t, "match-é 1/2", got.Stream)
	},

	"what may be appended where": func(t *testing.T, s eventstore.Store) {
		// EventStoreDB's table, for a stream that ends at revision 2.
		appendTo(t, s, "call-1", eventstore.NoStream, 3)
		for _, c := range []struct {
			stream   string
			expected eventstore.Expected
			ok       bool
		}{
			{"call-new", eventstore.StreamExists, false},
			{"call-new", eventstore.Exact(0), false},
			{"call-1", eventstore.NoStream, false},
			{"call-1", eventstore.Exact(0), false},
			{"call-1", eventstore.Exact(1), false},
			{"call-1", eventstore.Exact(3), false},
			{"call-1", eventstore.Exact(1<<64 - 1), false},
			{"call-1", eventstore.Exact(2), true},
			{"call-1", eventstore.StreamExists, true},
			{"call-1", eventstore.Any, true},
			{"call-2", eventstore.Any, true},
			{"call-3", eventstore.NoStream, true},
		} {
			before := len(all(t, s, eventstore.ReadAll{}))
			_, err := s.Append(t.Context(), c.stream, c.expected, eventsN(2)...)
			if c.ok {
				require.NoError(t, err, "%s expecting %s", c.stream, c.expected)
				before += 2
			} else {
				requireConflict(t, err, c.stream, c.expected, 2)
			}
			require.Len(t, all(t, s, eventstore.ReadAll{}), before, "%s expecting %s", c.stream, c.expected)
		}
		CheckLog(t, s)
	},

	"a retry under NoStream or Exact is answered as the first time": func(t *testing.T, s eventstore.Store) {
		es := eventsN(3)
		first, err := s.Append(t.Context(), "call-1", eventstore.NoStream, es...)
		require.NoError(t, err)
		more := eventsN(2)
		second, err := s.Append(t.Context(), "call-1", eventstore.Exact(2), more...)
		require.NoError(t, err)
		for range 2 {
			again, err := s.Append(t.Context(), "call-1", eventstore.NoStream, es...)
			require.NoError(t, err)
			require.Equal(t, first, again)
			again, err = s.Append(t.Context(), "call-1", eventstore.Exact(2), more...)
			require.NoError(t, err)
			require.Equal(t, second, again)
		}
		require.Len(t, all(t, s, eventstore.ReadAll{}), 5)
		CheckLog(t, s)
	},

	"a retry under NoStream or Exact that is not the same is a conflict": func(t *testing.T, s eventstore.Store) {
		es := eventsN(3)
		_, err := s.Append(t.Context(), "call-1", eventstore.NoStream, es...)
		require.NoError(t, err)
		for what, retry := range map[string][]eventstore.Event{
			"first differs":      {event("a.b"), es[1]},
			"later differs":      {es[0], event("a.b")},
			"another order":      {es[1], es[0]},
			"more than is there": {es[0], es[1], es[2], event("a.b")},
		} {
			_, err = s.Append(t.Context(), "call-1", eventstore.NoStream, retry...)
			require.ErrorIs(t, err, eventstore.ErrConflict, what)
		}
		_, err = s.Append(t.Context(), "call-1", eventstore.Exact(0), es[1:]...)
		require.NoError(t, err, "the tail of an append is a retry too")
		_, err = s.Append(t.Context(), "call-1", eventstore.Exact(1), es[1])
		require.ErrorIs(t, err, eventstore.ErrConflict, "at another place")
		require.Len(t, all(t, s, eventstore.ReadAll{}), 3)
	},

	"a fresh retry under Any or StreamExists writes nothing": func(t *testing.T, s eventstore.Store) {
		appendTo(t, s, "call-1", eventstore.NoStream, 1)
		for _, expected := range []eventstore.Expected{eventstore.Any, eventstore.StreamExists} {
			es := eventsN(2)
			first, err := s.Append(t.Context(), "call-1", expected, es...)
			require.NoError(t, err)
			again, err := s.Append(t.Context(), "call-1", expected, es...)
			require.NoError(t, err)
			require.Equal(t, first, again)
			_, err = s.Append(t.Context(), "call-1", expected, es[0], event("a.b"))
			require.ErrorIs(t, err, eventstore.ErrConflict, "only some are known")
			_, err = s.Append(t.Context(), "call-2", eventstore.Any, es...)
			require.NoError(t, err, "the ids are known in another stream only")
		}
		require.Len(t, stream(t, s, "call-1", eventstore.ReadStream{}), 5)
	},

	"an old id at the right revision is written again": func(t *testing.T, s eventstore.Store) {
		e := event("a.b")
		_, err := s.Append(t.Context(), "call-1", eventstore.NoStream, e)
		require.NoError(t, err)
		again, err := s.Append(t.Context(), "call-1", eventstore.Exact(0), e)
		require.NoError(t, err)
		require.Equal(t, uint64(1), again.Revision)
	},

	"ids may repeat inside an append": func(t *testing.T, s eventstore.Store) {
		e := event("a.b")
		first, err := s.Append(t.Context(), "call-1", eventstore.NoStream, e, e)
		require.NoError(t, err)
		require.Equal(t, uint64(1), first.Revision)
		again, err := s.Append(t.Context(), "call-1", eventstore.NoStream, e, e)
		require.NoError(t, err)
		require.Equal(t, first, again)
	},

	"no events is not an error": func(t *testing.T, s eventstore.Store) {
		for _, expected := range []eventstore.Expected{eventstore.Any, eventstore.NoStream, eventstore.Exact(9)} {
			_, err := s.Append(t.Context(), "call-1", expected)
			require.NoError(t, err)
		}
		require.ErrorIs(t, readError(s.ReadStream(t.Context(), "call-1", eventstore.ReadStream{})), eventstore.ErrStreamNotFound)
	},

	"invalid appends are refused whole": func(t *testing.T, s eventstore.Store) {
		nameless, system, anonymous := event(""), event("$metadata"), event("a.b")
		anonymous.ID = uuid.Nil
		for _, e := range []eventstore.Event{nameless, system, anonymous} {
			_, err := s.Append(t.Context(), "call-1", eventstore.Any, event("a.b"), e)
			require.ErrorIs(t, err, eventstore.ErrInvalid)
		}
		for _, name := range []string{"", "$all", "$$call-1"} {
			_, err := s.Append(t.Context(), name, eventstore.Any, event("a.b"))
			require.ErrorIs(t, err, eventstore.ErrInvalid)
		}
		require.Empty(t, all(t, s, eventstore.ReadAll{}))
	},

	"an append may be as large as MaxAppend and no larger": func(t *testing.T, s eventstore.Store) {
		fit := event("a.b")
		fit.Data = []byte(`"` + strings.Repeat("x", eventstore.MaxAppend-fit.Size()+len(fit.Data)-2) + `"`)
		require.Equal(t, eventstore.MaxAppend, fit.Size())
		large := fit
		large.ID, large.Data = uuid.New(), append([]byte(" "), fit.Data...)

		_, err := s.Append(t.Context(), "call-1", eventstore.Any, large)
		require.ErrorIs(t, err, eventstore.ErrTooLarge)
		_, err = s.Append(t.Context(), "call-1", eventstore.Any, fit, event("a.b"))
		require.ErrorIs(t, err, eventstore.ErrTooLarge)
		require.Empty(t, all(t, s, eventstore.ReadAll{}))
		_, err = s.Append(t.Context(), "call-1", eventstore.Any, fit)
		require.NoError(t, err)
		require.Equal(t, [][]byte{fit.Data}, [][]byte{all(t, s, eventstore.ReadAll{})[0].Data})
	},

	"many events at once are kept in order": func(t *testing.T, s eventstore.Store) {
		es := eventsN(1500)
		r, err := s.Append(t.Context(), "call-1", eventstore.NoStream, es...)
		require.NoError(t, err)
		require.Equal(t, uint64(1499), r.Revision)
		require.Equal(t, es, eventsOf(stream(t, s, "call-1", eventstore.ReadStream{})))
		CheckLog(t, s)
	},

	"of 16 writers on one revision exactly one wins": func(t *testing.T, s eventstore.Store) {
		const writers, rounds = 16, 20
		for round := range rounds {
			expected := eventstore.NoStream
			if round > 0 {
				expected = eventstore.Exact(uint64(2*round - 1))
			}
			errs := make([]error, writers)
			var wg sync.WaitGroup
			for w := range writers {
				wg.Go(func() { _, errs[w] = s.Append(t.Context(), "call-1", expected, eventsN(2)...) })
			}
			wg.Wait()
			won := 0
			for _, err := range errs {
				if err == nil {
					won++
					continue
				}
				require.ErrorIs(t, err, eventstore.ErrConflict)
			}
			require.Equal(t, 1, won)
		}
		require.Len(t, all(t, s, eventstore.ReadAll{}), 2*rounds)
		CheckLog(t, s)
	},

	"writers of different streams don't disturb each other": func(t *testing.T, s eventstore.Store) {
		const writers, rounds = 16, 25
		errs := make([]error, writers)
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				name := "call-" + string(rune('a'+w))
				expected := eventstore.NoStream
				for range rounds {
					r, err := s.Append(t.Context(), name, expected, eventsN(2)...)
					if err != nil {
						errs[w] = err
						return
					}
					expected = eventstore.Exact(r.Revision)
				}
			})
		}
		wg.Wait()
		for _, err := range errs {
			require.NoError(t, err)
		}
		require.Len(t, all(t, s, eventstore.ReadAll{}), writers*rounds*2)
		CheckLog(t, s)
	},

	"a cancelled caller appends nothing": func(t *testing.T, s eventstore.Store) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := s.Append(ctx, "call-1", eventstore.Any, event("a.b"))
		require.ErrorIs(t, err, context.Canceled)
		require.Empty(t, all(t, s, eventstore.ReadAll{}))
	},

	"a caller cancelled under way learns the outcome by asking again": func(t *testing.T, s eventstore.Store) {
		for i := range 50 {
			ctx, cancel := context.WithCancel(t.Context())
			name, es := "call-"+string(rune('A'+i)), eventsN(2)
			var wg sync.WaitGroup
			wg.Go(cancel)
			_, err := s.Append(ctx, name, eventstore.NoStream, es...)
			wg.Wait()
			if err != nil {
				require.ErrorIs(t, err, context.Canceled)
			}
			r, err := s.Append(t.Context(), name, eventstore.NoStream, es...)
			require.NoError(t, err)
			require.Equal(t, uint64(1), r.Revision)
		}
		require.Len(t, all(t, s, eventstore.ReadAll{}), 100)
		CheckLog(t, s)
	},
}
