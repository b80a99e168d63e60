package storetest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/eventstore"
)

var readTests = map[string]func(*testing.T, eventstore.Store){
	"a store that counts says whether a stream is as it was": func(t *testing.T, s eventstore.Store) {
		c, ok := s.(eventstore.Counter)
		if !ok {
			t.Skip("this one doesn't count")
		}
		count := func(stream string) uint64 {
			n, ok := c.Count(stream)
			require.True(t, ok)
			return n
		}
		before := count("call-1")
		appendTo(t, s, "call-1", eventstore.NoStream, 3)
		require.Equal(t, before+3, count("call-1"))
		stream(t, s, "call-1", eventstore.ReadStream{})
		all(t, s, eventstore.ReadAll{})
		_, err := s.Append(t.Context(), "call-1", eventstore.NoStream, event("call.opened"))
		requireConflict(t, err, "call-1", eventstore.NoStream, 2)
		require.Equal(t, before+3, count("call-1"), "nothing was written")
		appendTo(t, s, "call-1", eventstore.Exact(2), 1)
		require.Equal(t, before+4, count("call-1"))
	},

	"a stream that counts as it was is as it was, whoever writes": func(t *testing.T, s eventstore.Store) {
		c, ok := s.(eventstore.Counter)
		if !ok {
			t.Skip("this one doesn't count")
		}
		const events = 50
		var answered, read atomic.Int64
		writing, stop := context.WithCancel(t.Context())
		var writers, readers sync.WaitGroup
		for range 4 {
			writers.Go(func() {
				for range events {
					if _, err := s.Append(t.Context(), "call-1", eventstore.Any, event("call.opened")); err != nil {
						t.Error(err)
					}
					answered.Add(1)
				}
			})
		}
		for range 2 {
			readers.Go(func() {
				for writing.Err() == nil {
					before, told := c.Count("call-1")
					seen := int64(0)
					for _, err := range s.ReadStream(t.Context(), "call-1", eventstore.ReadStream{}) {
						if err == nil {
							seen++
						}
					}
					for others := read.Load(); others < seen && !read.CompareAndSwap(others, seen); others = read.Load() {
					}
					least := max(answered.Load(), read.Load())
					if now, still := c.Count("call-1"); told && still && now == before && seen < least {
						t.Errorf("counted %d before and after, and read %d of %d", before, seen, least)
					}
				}
			})
		}
		writers.Wait()
		stop()
		readers.Wait()
		require.Len(t, stream(t, s, "call-1", eventstore.ReadStream{}), 4*events)
	},

	"a new store is empty": func(t *testing.T, s eventstore.Store) {
		require.NotZero(t, s.ID())
		head, err := s.Head(t.Context())
		require.NoError(t, err)
		require.True(t, head.IsZero())
		require.Empty(t, all(t, s, eventstore.ReadAll{}))
		require.Empty(t, all(t, s, eventstore.ReadAll{Backwards: true}))
		for _, r := range []eventstore.ReadStream{{}, {From: 7}, {Backwards: true}} {
			require.ErrorIs(t, readError(s.ReadStream(t.Context(), "call-1", r)), eventstore.ErrStreamNotFound)
		}
		CheckLog(t, s)
	},

	"a stream is read from anywhere, both ways, and so far": func(t *testing.T, s eventstore.Store) {
		appendTo(t, s, "call-1", eventstore.NoStream, 700)
		appendTo(t, s, "call-2", eventstore.NoStream, 3)
		appendTo(t, s, "call-1", eventstore.Exact(699), 600)
		whole := stream(t, s, "call-1", eventstore.ReadStream{})
		require.Len(t, whole, 1300)
		for i, e := range whole {
			require.Equal(t, uint64(i), e.Revision)
			require.Equal(t, "call-1", e.Stream)
		}
		backwards := reversed(whole)
		for _, c := range []struct {
			r    eventstore.ReadStream
			want []eventstore.Recorded
		}{
			{eventstore.ReadStream{From: 1}, whole[1:]},
			{eventstore.ReadStream{From: 512, Limit: 1}, whole[512:513]},
			{eventstore.ReadStream{From: 100, Limit: 1000}, whole[100:1100]},
			{eventstore.ReadStream{Limit: 512}, whole[:512]},
			{eventstore.ReadStream{Limit: 5000}, whole},
			{eventstore.ReadStream{From: 1300}, nil},
			{eventstore.ReadStream{From: 1<<64 - 1}, nil},
			{eventstore.ReadStream{Backwards: true}, backwards},
			{eventstore.ReadStream{Backwards: true, From: 3}, backwards},
			{eventstore.ReadStream{Backwards: true, Limit: 1}, backwards[:1]},
			{eventstore.ReadStream{Backwards: true, Limit: 900}, backwards[:900]},
		} {
			require.Equal(t, c.want, stream(t, s, "call-1", c.r), "%+v", c.r)
		}
	},

	"the log is read after a position, both ways, and so far": func(t *testing.T, s eventstore.Store) {
		for i := range 13 {
			appendTo(t, s, fmt.Sprintf("call-%d", i%3), eventstore.Any, 100)
		}
		whole := all(t, s, eventstore.ReadAll{})
		require.Len(t, whole, 1300)
		head, err := s.Head(t.Context())
		require.NoError(t, err)
		require.Equal(t, whole[1299].Position, head)
		for _, c := range []struct {
			r    eventstore.ReadAll
			want []eventstore.Recorded
		}{
			{eventstore.ReadAll{After: whole[0].Position}, whole[1:]},
			{eventstore.ReadAll{After: whole[511].Position, Limit: 600}, whole[512:1112]},
			{eventstore.ReadAll{After: head}, nil},
			{eventstore.ReadAll{Limit: 1}, whole[:1]},
			{eventstore.ReadAll{Backwards: true}, reversed(whole)},
			{eventstore.ReadAll{Backwards: true, Limit: 1}, whole[1299:]},
			{eventstore.ReadAll{Backwards: true, After: whole[700].Position}, reversed(whole[:700])},
			{eventstore.ReadAll{Backwards: true, After: whole[0].Position}, nil},
		} {
			require.Equal(t, c.want, all(t, s, c.r), "%+v", c.r)
		}
	},

	"a place is held by a log that has its event": func(t *testing.T, s eventstore.Store) {
		require.NoError(t, eventstore.Place{}.Held(t.Context(), s))
		appendTo(t, s, "call-1", eventstore.NoStream, 3)
		appendTo(t, s, "call-2", eventstore.NoStream, 1)
		whole := all(t, s, eventstore.ReadAll{})
		for i, r := range whole {
			p := eventstore.PlaceOf(r)
			require.NoError(t, p.Held(t.Context(), s))
			for _, lost := range []eventstore.Place{
				{Position: p.Position, Stream: p.Stream, Revision: p.Revision, ID: uuid.New()},
				{Position: whole[(i+1)%len(whole)].Position, Stream: p.Stream, Revision: p.Revision, ID: p.ID},
				{Position: p.Position, Stream: p.Stream, Revision: p.Revision + 3, ID: p.ID},
				{Position: p.Position, Stream: "call-3", Revision: p.Revision, ID: p.ID},
			} {
				require.ErrorIs(t, lost.Held(t.Context(), s), eventstore.ErrLost, "%+v", lost)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, eventstore.PlaceOf(whole[0]).Held(ctx, s), context.Canceled)
	},

	"a position need not be an event's": func(t *testing.T, s eventstore.Store) {
		appendTo(t, s, "call-1", eventstore.NoStream, 3)
		whole := all(t, s, eventstore.ReadAll{})
		head := whole[2].Position
		beyond := eventstore.NewPosition(head.Commit()+1000, head.Prepare()+1000)
		require.Empty(t, all(t, s, eventstore.ReadAll{After: beyond}))
		require.Equal(t, reversed(whole), all(t, s, eventstore.ReadAll{After: beyond, Backwards: true}))
	},

	"prefixes choose streams, and limits count what was chosen": func(t *testing.T, s eventstore.Store) {
		for i := range 30 {
			for _, category := range []string{"call", "calligraphy", "match", "programme"} {
				appendTo(t, s, fmt.Sprintf("%s-%d", category, i), eventstore.NoStream, 10)
			}
		}
		whole := all(t, s, eventstore.ReadAll{})
		calls := slices.DeleteFunc(slices.Clone(whole), func(e eventstore.Recorded) bool { return e.Stream[:5] != "call-" })
		require.Len(t, calls, 300)
		require.Equal(t, calls, all(t, s, eventstore.ReadAll{Prefixes: []string{"call-"}}))
		require.Equal(t, calls[:290], all(t, s, eventstore.ReadAll{Prefixes: []string{"call-"}, Limit: 290}))
		require.Equal(t, reversed(calls)[:11], all(t, s, eventstore.ReadAll{Prefixes: []string{"call-"}, Limit: 11, Backwards: true}))
		require.Equal(t, calls[5:], all(t, s, eventstore.ReadAll{Prefixes: []string{"call-"}, After: calls[4].Position}))
		require.Len(t, all(t, s, eventstore.ReadAll{Prefixes: []string{"call"}}), 600)
		require.Len(t, all(t, s, eventstore.ReadAll{Prefixes: []string{"match-", "calligraphy-", "match-1"}}), 600)
		require.Empty(t, all(t, s, eventstore.ReadAll{Prefixes: []string{"CALL-", "cal%", "all"}}))
	},

	"a reader may stop early and read inside a read": func(t *testing.T, s eventstore.Store) {
		appendTo(t, s, "call-1", eventstore.NoStream, 30)
		seen := 0
		for e, err := range s.ReadAll(t.Context(), eventstore.ReadAll{}) {
			require.NoError(t, err)
			for f, err := range s.ReadStream(t.Context(), e.Stream, eventstore.ReadStream{From: e.Revision}) {
				require.NoError(t, err)
				require.Equal(t, e, f)
				appendTo(t, s, "call-2", eventstore.Any, 1)
				break
			}
			if seen++; seen == 20 {
				break
			}
		}
		require.Len(t, stream(t, s, "call-2", eventstore.ReadStream{}), 20)
	},

	"events read stay as they were": func(t *testing.T, s eventstore.Store) {
		es := eventsN(600)
		_, err := s.Append(t.Context(), "call-1", eventstore.NoStream, es...)
		require.NoError(t, err)
		kept := all(t, s, eventstore.ReadAll{})
		for _, e := range kept {
			_ = append(e.Data, "overrun"...)
			_ = append(e.Metadata, "overrun"...)
		}
		all(t, s, eventstore.ReadAll{})
		require.Equal(t, es, eventsOf(kept))
	},

	"a cancelled reader gets the context's error": func(t *testing.T, s eventstore.Store) {
		appendTo(t, s, "call-1", eventstore.NoStream, 3)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, readError(s.ReadAll(ctx, eventstore.ReadAll{})), context.Canceled)
		require.ErrorIs(t, readError(s.ReadStream(ctx, "call-1", eventstore.ReadStream{})), context.Canceled)
	},
}

func reversed(es []eventstore.Recorded) []eventstore.Recorded {
	es = slices.Clone(es)
	slices.Reverse(es)
	return es
}
