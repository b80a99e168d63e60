package storetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/eventstore"
)

var subscribeTests = map[string]func(*testing.T, eventstore.Store){
	"a subscription tells history, that it caught up, then what comes": func(t *testing.T, s eventstore.Store) {
		appendTo(t, s, "call-1", eventstore.NoStream, 600)
		sub := subscribe(t, s, eventstore.Subscribe{})
		for i := range uint64(600) {
			m := receive(t, sub)
			require.NotNil(t, m.Event)
			require.Equal(t, i, m.Event.Revision)
		}
		require.True(t, receive(t, sub).CaughtUp)

		var wg sync.WaitGroup
		wg.Go(func() { s.Append(t.Context(), "call-2", eventstore.NoStream, eventsN(2)...) })
		for i := range uint64(2) {
			m := nextEvent(t, sub)
			require.Equal(t, "call-2", m.Stream)
			require.Equal(t, i, m.Revision)
		}
		wg.Wait()
	},

	"a subscription to an empty log has caught up": func(t *testing.T, s eventstore.Store) {
		require.True(t, receive(t, subscribe(t, s, eventstore.Subscribe{})).CaughtUp)
	},

	"a subscription starts after its position": func(t *testing.T, s eventstore.Store) {
		appendTo(t, s, "call-1", eventstore.NoStream, 10)
		whole := all(t, s, eventstore.ReadAll{})
		sub := subscribe(t, s, eventstore.Subscribe{After: whole[6].Position})
		require.Equal(t, whole[7:], drain(t, t.Context(), sub, whole[9].Position))
		sub = subscribe(t, s, eventstore.Subscribe{After: whole[9].Position})
		require.True(t, receive(t, sub).CaughtUp)
		r := appendTo(t, s, "call-1", eventstore.Exact(9), 1)
		require.Equal(t, r.Position, nextEvent(t, sub).Position)
	},

	"a subscription by prefix tells how far it has looked": func(t *testing.T, s eventstore.Store) {
		appendTo(t, s, "match-1", eventstore.NoStream, 2)
		quiet := appendTo(t, s, "call-1", eventstore.NoStream, 1200)
		sub := subscribe(t, s, eventstore.Subscribe{Prefixes: []string{"match-", "pool-"}})
		require.Len(t, drain(t, t.Context(), sub, quiet.Position), 2)

		quiet = appendTo(t, s, "call-2", eventstore.NoStream, 3)
		require.Empty(t, drain(t, t.Context(), sub, quiet.Position), "live too")
		r := appendTo(t, s, "pool-1", eventstore.NoStream, 1)
		require.Equal(t, r.Position, nextEvent(t, sub).Position)
	},

	"no event is skipped or repeated under concurrent writers": func(t *testing.T, s eventstore.Store) {
		const writers, rounds = 8, 60
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		prefixes := [][]string{nil, nil, {"call-1", "call-3"}}
		seen := make([][]eventstore.Recorded, len(prefixes))
		var readers, wg sync.WaitGroup
		for i := range prefixes {
			sub := subscribe(t, s, eventstore.Subscribe{Prefixes: prefixes[i]})
			readers.Go(func() {
				for {
					m, err := sub.Recv(ctx)
					switch {
					case err != nil:
						return
					case m.Event != nil && m.Event.Stream == "last-1" || m.Checkpoint != nil && prefixes[i] != nil && lastIs(ctx, s, *m.Checkpoint):
						return
					case m.Event != nil:
						seen[i] = append(seen[i], *m.Event)
					}
				}
			})
		}
		for w := range writers {
			wg.Go(func() {
				for r := range rounds {
					s.Append(ctx, fmt.Sprintf("call-%d", w), eventstore.Any, eventsN(1+r%3)...)
				}
			})
		}
		wg.Wait()
		whole := all(t, s, eventstore.ReadAll{})
		require.Len(t, whole, writers*rounds*2)
		appendTo(t, s, "last-1", eventstore.NoStream, 1)
		readers.Wait()
		require.Equal(t, whole, seen[0])
		require.Equal(t, whole, seen[1])
		require.Equal(t, slices.DeleteFunc(whole, func(e eventstore.Recorded) bool {
			return !strings.HasPrefix(e.Stream, "call-1") && !strings.HasPrefix(e.Stream, "call-3")
		}), seen[2])
		CheckLog(t, s)
	},

	"a subscription ends with its context, and for good": func(t *testing.T, s eventstore.Store) {
		appendTo(t, s, "call-1", eventstore.NoStream, 1)
		sub := subscribe(t, s, eventstore.Subscribe{})
		require.NotNil(t, receive(t, sub).Event)
		require.True(t, receive(t, sub).CaughtUp)
		ctx, cancel := context.WithCancel(t.Context())
		errs := make(chan error, 1)
		go func() {
			_, err := sub.Recv(ctx)
			errs <- err
		}()
		cancel()
		require.ErrorIs(t, <-errs, context.Canceled)
		_, err := sub.Recv(t.Context())
		require.ErrorIs(t, err, context.Canceled)
	},

	"a subscription ends with the context it was made with": func(t *testing.T, s eventstore.Store) {
		ctx, cancel := context.WithCancel(t.Context())
		sub, err := s.Subscribe(ctx, eventstore.Subscribe{})
		require.NoError(t, err)
		defer sub.Close()
		require.True(t, receive(t, sub).CaughtUp)
		cancel()
		_, err = sub.Recv(t.Context())
		require.ErrorIs(t, err, context.Canceled)
	},

	"a subscription ends when it is closed": func(t *testing.T, s eventstore.Store) {
		sub := subscribe(t, s, eventstore.Subscribe{})
		require.True(t, receive(t, sub).CaughtUp)
		errs := make(chan error, 1)
		go func() {
			_, err := sub.Recv(t.Context())
			errs <- err
		}()
		require.NoError(t, sub.Close())
		require.ErrorIs(t, <-errs, eventstore.ErrClosed)
		require.NoError(t, sub.Close())
	},
}

var closeTests = map[string]func(*testing.T, eventstore.Store){
	"a closed store takes and gives nothing": func(t *testing.T, s eventstore.Store) {
		appendTo(t, s, "call-1", eventstore.NoStream, 1)
		require.NoError(t, s.Close())
		require.NoError(t, s.Close())
		_, err := s.Append(t.Context(), "call-1", eventstore.Any, event("a.b"))
		require.ErrorIs(t, err, eventstore.ErrClosed)
		_, err = s.Head(t.Context())
		require.ErrorIs(t, err, eventstore.ErrClosed)
		_, err = s.Subscribe(t.Context(), eventstore.Subscribe{})
		require.ErrorIs(t, err, eventstore.ErrClosed)
		require.ErrorIs(t, readError(s.ReadAll(t.Context(), eventstore.ReadAll{})), eventstore.ErrClosed)
		require.ErrorIs(t, readError(s.ReadStream(t.Context(), "call-1", eventstore.ReadStream{})), eventstore.ErrClosed)
	},

	"closing ends subscriptions and answers every append": func(t *testing.T, s eventstore.Store) {
		sub := subscribe(t, s, eventstore.Subscribe{})
		ended := make(chan error, 1)
		go func() {
			for {
				if _, err := sub.Recv(t.Context()); err != nil {
					ended <- err
					return
				}
			}
		}()
		answers := make(chan error, 8)
		started := make(chan struct{}, cap(answers))
		for w := range cap(answers) {
			go func() {
				var err error
				for first := true; err == nil; first = false {
					_, err = s.Append(t.Context(), fmt.Sprintf("call-%d", w), eventstore.Any, event("a.b"))
					if first {
						started <- struct{}{}
					}
				}
				answers <- err
			}()
		}
		for range cap(started) {
			<-started
		}
		require.NoError(t, s.Close())
		require.ErrorIs(t, <-ended, eventstore.ErrClosed)
		for range cap(answers) {
			require.ErrorIs(t, <-answers, eventstore.ErrClosed)
		}
	},
}

func subscribe(t testing.TB, s eventstore.Store, f eventstore.Subscribe) eventstore.Subscription {
	t.Helper()
	sub, err := s.Subscribe(t.Context(), f)
	require.NoError(t, err)
	t.Cleanup(func() { sub.Close() })
	return sub
}

func receive(t testing.TB, sub eventstore.Subscription) eventstore.Message {
	t.Helper()
	m, err := sub.Recv(t.Context())
	require.NoError(t, err)
	return m
}

func nextEvent(t testing.TB, sub eventstore.Subscription) eventstore.Recorded {
	t.Helper()
	for {
		if m := receive(t, sub); m.Event != nil {
			return *m.Event
		}
	}
}

func lastIs(ctx context.Context, s eventstore.Store, p eventstore.Position) bool {
	for e, err := range s.ReadAll(ctx, eventstore.ReadAll{Backwards: true, Limit: 1}) {
		return err == nil && e.Stream == "last-1" && p.Compare(e.Position) >= 0
	}
	return false
}
