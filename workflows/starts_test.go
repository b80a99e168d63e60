package workflows_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/memory"
	"github.com/daybook-engine/daybook/workflows"
)

// A witness is a policy that came later and does nothing but be told.
type witness struct {
	workflows.Newcomer
	streams *[]string
}

func newWitness(name string, origin bool) witness {
	w := witness{streams: &[]string{}}
	w.Newcomer = workflows.Newcomer{Name: name, Answers: "person.registered", Origin: origin, Order: func(stream string) (string, string) {
		*w.streams = append(*w.streams, stream)
		return "", ""
	}}
	return w
}

func (o *office) register(handles ...string) (streams []string) {
	for _, h := range handles {
		o.must("coordinator/c1", "person.register", fields{"handle": h, "register": "register", "name": h})
		streams = append(streams, "person-"+string(o.person(h)))
	}
	return streams
}

// started are the records of where policies began.
func (o *office) started() (list []string) {
	for _, r := range log(o.t, o.store) {
		if r.Name == "policy.started" {
			list = append(list, string(r.Data))
		}
	}
	return list
}

func TestANewLogIsReactedToFromItsBeginning(t *testing.T) {
	t.Parallel()
	for name, open := range houses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t)
			o, w, v := newOffice(t, h.reopen(nil), newVault()), newWitness("greet", false), newWitness("count", true)
			o.Join(w.Newcomer, v.Newcomer)
			o.settle()
			require.Empty(t, log(t, o.store), "nothing is recorded where nothing is")
			people := o.register("c1", "p1")
			require.Equal(t, "policy.started", log(t, o.store)[0].Name, "one event, and the first")
			require.Equal(t, []string{`{"policies":["greet","count"]}`}, o.started())
			o.settle()
			require.Equal(t, people, *w.streams)
			require.Equal(t, people, *v.streams)

			o = o.restarted(h, false)
			o.Join(w.Newcomer, v.Newcomer)
			more := o.register("p2")
			o.settle()
			require.Equal(t, slices.Concat(people, more), *w.streams)
			require.Len(t, o.started(), 1)
		})
	}
}

func TestAPolicyAddedLaterBeginsWhereItSays(t *testing.T) {
	t.Parallel()
	for name, open := range houses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t)
			o := newOffice(t, h.reopen(nil), newVault())
			old := o.register("c1", "p1", "p2")
			o.settle()
			require.Empty(t, o.started(), "who was always there reacts to everything, without a record")
			head, _ := last(t, o.store)

			w, v := newWitness("greet", false), newWitness("count", true)
			begin := func(mark mark, lost bool) {
				*w.streams, *v.streams, *o.mark = nil, nil, mark
				o = o.restarted(h, lost)
				o.Join(w.Newcomer, v.Newcomer)
				o.settle()
				require.Equal(t, []string{`{"policies":["greet"],"after":"` + head.ID.String() + `"}`, `{"policies":["count"]}`}, o.started())
				require.Empty(t, *w.streams, "it begins at the head of then")
			}
			before := *o.mark
			begin(before, false)
			require.Equal(t, old, *v.streams)
			begin(before, false) // it was recorded, and the process died before anybody reacted
			require.Equal(t, old, *v.streams)
			begin(*o.mark, false)
			require.Empty(t, *v.streams, "once is enough")
			begin(before, true)
			require.Equal(t, old, once(*v.streams))

			*w.streams, *v.streams = nil, nil
			since := o.register("p3")
			o.settle()
			require.Equal(t, since, *w.streams)
			require.Equal(t, since, *v.streams)
		})
	}
}

// once is a list without what it has said before.
func once(list []string) (out []string) {
	for _, x := range list {
		if !slices.Contains(out, x) {
			out = append(out, x)
		}
	}
	return out
}

// Whom a policy would have answered before it began is no divergence; whom it
// answers since is compared.
func TestHistoryIsDecidedAgainByThoseWhoHadBegun(t *testing.T) {
	t.Parallel()
	for _, origin := range []bool{false, true} {
		o := open(t)
		o.settle()
		newcomer := workflows.Newcomer{Name: "lend-the-mentor", Answers: "mentor.joined", Origin: origin, Order: func(stream string) (string, string) {
			return "mentor.engage", `{"mentor":"` + strings.TrimPrefix(stream, "mentor-") + `","cycle":"spring","match":"guest"}`
		}}
		replayed := func() workflows.Replayed {
			done, err := workflows.ReplayJoined(t.Context(), o.store, o.mark.at, newcomer)
			require.NoError(t, err)
			return done
		}
		done := replayed()
		require.Nil(t, done.Divergence, "it has yet to begin")
		require.Zero(t, done.Commands)

		o.Join(newcomer)
		o.settle()
		o.must("coordinator/c1", "mentor.join", fields{"mentor": "a9", "pool": "pool", "capacity": 1})
		o.settle()
		done = replayed()
		require.Nil(t, done.Divergence, "%v", done.Divergence)
		require.Equal(t, map[bool]int{false: 1, true: 3}[origin], count(names(t, o.store), "mentor.engaged"))
		require.Equal(t, map[bool]int{false: 2, true: 6}[origin], done.Commands, "and each is answered by a match that cannot be made")

		gone, err := workflows.Replay(t.Context(), o.store, o.mark.at)
		require.NoError(t, err)
		require.NotNil(t, gone.Divergence, "a policy that is no more")
	}
}

// A rehearsal in which policies begin is the same on every store, however
// often it is interrupted.
func TestARehearsalOfNewPoliciesIsRepeatable(t *testing.T) {
	t.Parallel()
	w := newWitness("greet", false)
	play := func(store eventstore.Store, v *vault) []string {
		var unmet []string
		st, _ := stage(t, store, v, told(&unmet))
		st.Engine.Join(w.Newcomer)
		_, err := st.Play(t.Context(), nemo(t))
		require.NoError(t, err, "%v", unmet)
		return lines(t, store)
	}
	store, v := memory.New(), newVault()
	want := play(store, v)
	require.Contains(t, want[0], "policy.started")
	require.Equal(t, want, play(store, v), "played again")
	for _, n := range []int{1, 2, len(want) / 2} {
		require.Equal(t, want, play(prefix(t, log(t, store)[:n]), v), "from event %d on", n)
	}
	require.Equal(t, want, play(houses["in a file"](t).reopen(nil), newVault()))
}

// What the rules refuse is an outcome. That a command makes no sense is not: a
// policy wrote it, and nothing of what it was to do is done.
func TestAPolicyThatMakesNoSenseIsParked(t *testing.T) {
	t.Parallel()
	for with, parked := range map[string]int{`{"mentor":"7c1d2f3e-4b5a-4968-9786-a5b4c3d2e1f0","cycle":"spring","match":"guest"}`: 0, `{"mentor":7}`: 1} {
		o := open(t)
		o.Join(workflows.Newcomer{Name: "lend-the-mentor", Answers: "person.registered", Order: func(string) (string, string) { return "mentor.engage", with }})
		o.settle()
		o.register("eve")
		o.settle()
		require.Len(t, o.standing(), parked, with)
		if parked > 0 {
			require.Equal(t, "command", o.standing()[0].Fault)
		}
	}
}
