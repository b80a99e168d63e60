package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain/policy"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/memory"
	"github.com/daybook-engine/daybook/eventstore/storetest"
	"github.com/daybook-engine/daybook/workflows"
)

// A sick stream is one that something befalls at each append.
type sick struct {
	eventstore.Store
	stream  string
	fault   error
	applied bool
}

func (s *sick) Append(ctx context.Context, stream string, expected eventstore.Expected, events ...eventstore.Event) (eventstore.Result, error) {
	if stream != s.stream {
		return s.Store.Append(ctx, stream, expected, events...)
	}
	if s.fault == nil {
		panic("out of range")
	}
	if s.applied {
		if _, err := s.Store.Append(ctx, stream, expected, events...); err != nil {
			return eventstore.Result{}, err
		}
	}
	return eventstore.Result{}, s.fault
}

// expiring is an office where the drafts of a1 and a2 are about to expire, and
// the first one's stream is sick.
func expiring(t *testing.T, fault error, applied bool) (*office, *sick, agenda) {
	store := &sick{Store: memory.New()}
	o := newOffice(t, store, newVault())
	o.prepare(2)
	o.must("applicant/a1", "draft.start", call)
	o.must("applicant/a2", "draft.start", call)
	o.clock.Set(time.Date(2024, 6, 1, 12, 0, 0, 0, time.UTC))
	due := agenda{o.views()}
	o.tick(due)
	require.Contains(t, names(t, store), "call.closed")
	store.stream, store.fault, store.applied = o.application("a1"), fault, applied
	return o, store, due
}

func (o *office) tick(due workflows.Agenda) {
	o.t.Helper()
	_, err := o.Tick(o.t.Context(), due)
	require.NoError(o.t, err)
}

func (o *office) expired(a string) bool {
	return o.recorded(o.application(a))[len(o.recorded(o.application(a)))-1] == "draft.expired"
}

func TestOneThingsTroubleKeepsTheClockFromNothingElse(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]error{"command": eventstore.ErrTooLarge, "panic": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, store, due := expiring(t, fault, false)
			var told []string
			o.Parked = func(policy string, at eventstore.Recorded, why error) {
				told = append(told, policy, at.Name, at.Stream)
			}
			o.tick(due)
			require.True(t, o.expired("a2"))
			require.False(t, o.expired("a1"))

			// It is tried again at later ticks, after ever longer pauses, and then shown.
			for _, pause := range []time.Duration{5, 10, 20, 40} {
				o.clock.Set(o.clock.Now().Add(pause*time.Second - time.Millisecond))
				o.tick(due)
				require.Empty(t, o.standing())
				o.clock.Set(o.clock.Now().Add(time.Millisecond))
				o.tick(due)
			}
			parked := o.standing()
			require.Len(t, parked, 1)
			require.Equal(t, policy.Parked{At: policy.At{Policy: "clock", Stream: store.stream, Event: parked[0].Event}, Attempts: 5, Fault: name, Command: "draft.expire"}, parked[0])
			require.Equal(t, []string{"clock", "draft.expire", store.stream}, told)
			require.NoError(t, due.CatchUp(t.Context()))
			shown, err := due.Parked(t.Context())
			require.NoError(t, err)
			require.Len(t, shown, 1)
			require.Equal(t, "spring", shown[0].Cycle)
			require.Contains(t, shown[0].Words, "the clock stands still before “the unsent draft expires”: ")
			o.requireReplay()

			// There it stays until somebody decides, in another process as well.
			later := newOffice(t, store, o.vault)
			later.clock.Set(o.clock.Now().Add(time.Hour))
			before := lines(t, store)
			later.tick(due)
			require.Equal(t, before, lines(t, store))
			_, err = later.try("coordinator/c1", "policy.repair", decideOf(parked[0], "command", "place.release", "with", with(call, "person", "a1")))
			require.ErrorIs(t, err, workflows.ErrRepair)

			// Who tries again before it is mended hears of that at once.
			later.must("coordinator/c1", "policy.retry", decideOf(parked[0]))
			later.tick(due)
			require.Len(t, later.standing(), 1)
			store.stream = ""
			later.must("coordinator/c1", "policy.retry", decideOf(parked[0]))
			later.tick(due)
			require.True(t, later.expired("a1"))
			require.Empty(t, later.standing())
			later.requireReplay()
			storetest.CheckLog(t, store)
		})
	}
}

// What was retracted falls due no more, and what is then received at the same time
// does so anew.
func TestWhatIsReceivedAgainFallsDueAgain(t *testing.T) {
	t.Parallel()
	o := open(t)
	due := agenda{o.views()}
	o.clock.Set(monday.AddDate(0, 0, 14))
	submit := with(call, "person", "a1", "route", "network", "answers", form, "received_at", monday)
	for range 3 {
		o.must("coordinator/c1", "application.submit", submit)
		o.tick(due)
		require.Equal(t, "nomination.lapsed", o.recorded(o.application("a1"))[2])
		o.must("coordinator/c1", "application.retract", with(call, "person", "a1"))
		o.tick(due)
	}
	require.Equal(t, 3, count(o.recorded(o.application("a1")), "nomination.lapsed"))
	o.clock.Set(monday.AddDate(0, 0, 15))
	o.must("coordinator/c1", "application.submit", with(submit, "received_at", monday.AddDate(0, 0, 14)))
	o.must("coordinator/c1", "application.retract", with(call, "person", "a1"))
	o.clock.Set(monday.AddDate(0, 0, 23))
	asked, err := due.Due(t.Context(), o.clock.Now(), 9)
	require.NoError(t, err)
	require.Empty(t, asked)
}

func TestWhatIsSkippedTheClockDoesNot(t *testing.T) {
	t.Parallel()
	o, store, due := expiring(t, eventstore.ErrInvalid, false)
	for range 5 {
		o.tick(due)
		o.clock.Set(o.clock.Now().Add(time.Minute))
	}
	o.must("coordinator/c1", "policy.skip", decideOf(o.standing()[0]))
	store.stream = ""
	before := lines(t, store)
	for _, g := range []*office{o, newOffice(t, store, o.vault)} {
		g.clock.Set(o.clock.Now())
		g.tick(due)
		require.Equal(t, before, lines(t, store))
	}
	require.False(t, o.expired("a1"))
}

// What failed and was kept all the same is done: nobody is asked, and it is not
// done twice.
func TestWhatFailedAndWasKeptTheClockDoesOnce(t *testing.T) {
	t.Parallel()
	o, store, due := expiring(t, eventstore.ErrTooLarge, true)
	asked, err := due.Due(t.Context(), o.clock.Now(), 9)
	require.NoError(t, err)
	require.Len(t, asked, 2)
	for range 8 {
		o.tick(list(asked)) // an agenda that has not heard of it
		o.clock.Set(o.clock.Now().Add(time.Minute))
	}
	require.Equal(t, []string{"draft.started", "draft.expired"}, o.recorded(o.application("a1")))
	require.True(t, o.expired("a2"))
	require.Empty(t, o.standing())
	store.stream = ""
	storetest.CheckLog(t, store)
}
