package workflows_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/memory"
	"github.com/daybook-engine/daybook/workflows"
)

// crowded is an office in which policies were refused, with a record and
// without one, came late, and took up again what was refused.
func crowded(t *testing.T) *office {
	o := setup(t)
	o.prepare(4)
	o.accepted("a1", "m1", "first")
	o.accepted("a2", "m1", "second")
	o.accepted("a3", "m1", "third")
	o.must("mentee/a2", "match.decline", fields{"cycle": "spring", "match": "second"})
	o.settle()
	o.must("coordinator/c1", "match.end", fields{"cycle": "spring", "match": "first"})
	o.settle()
	o.chosen("a4")
	o.must("coordinator/c1", "place.reserve", with(call, "person", "a4"))
	o.must("applicant/a4", "application.withdraw", call) // before the offer is made
	o.settle()
	return o
}

func (o *office) replay() workflows.Replayed {
	o.t.Helper()
	done, err := workflows.Replay(o.t.Context(), o.store, o.mark.at)
	require.NoError(o.t, err)
	return done
}

func TestHistoryIsDecidedAgainAsItWas(t *testing.T) {
	t.Parallel()
	o := crowded(t)
	before := lines(t, o.store)
	done := o.replay()
	require.Nil(t, done.Divergence)
	require.Equal(t, len(before), done.Events)
	require.Greater(t, done.Commands, 10)
	require.NotZero(t, done.Without, "whose place was released as it was reserved, has none to give back")
	require.Zero(t, done.Unanswered)
	require.Equal(t, before, lines(t, o.store), "nothing is done")

	require.Equal(t, done, o.replay(), "and again")
}

// What policies have not come to yet is no divergence, with or without their
// place in the log.
func TestWhatIsYetToBeAnsweredIsCountedApart(t *testing.T) {
	t.Parallel()
	o := crowded(t)
	all := o.replay()
	o.shortlisted("a5")
	o.must("coordinator/c1", "application.reserve", with(call, "person", "a5", "rank", 1, "rationale", "why"))
	done := o.replay()
	require.Nil(t, done.Divergence)
	require.Equal(t, all.Events, done.Events)
	require.Equal(t, len(log(t, o.store))-all.Events, done.Unanswered)

	*o.mark = mark{}
	done = o.replay()
	require.Nil(t, done.Divergence)
	require.NotZero(t, done.Unanswered)
}

func TestAChangedPolicyDivergesFromWhatIsRecorded(t *testing.T) {
	t.Parallel()
	o := crowded(t)
	changed := func(policy, command string) *workflows.Divergence {
		t.Helper()
		done, err := workflows.ReplayChanged(t.Context(), o.store, o.mark.at, policy, command)
		require.NoError(t, err)
		require.NotNil(t, done.Divergence)
		require.Equal(t, policy, done.Divergence.Policy)
		return done.Divergence
	}
	d := changed("make-the-match", "")
	require.Equal(t, "mentor.engaged", d.Event)
	require.Equal(t, []workflows.Decision{}, d.Now)
	require.Equal(t, "match.made", d.Then[0].Name)
	require.Contains(t, d.String(), "policy make-the-match decides now: nothing; recorded then: match.made {")

	d = changed("fill-the-place-accepted", "place.release")
	require.Equal(t, "offer.accepted", d.Event)
	require.Equal(t, "place.release", d.Now[0].Command)
	require.Equal(t, "place.released", d.Now[0].Events[0].Name)
	require.Equal(t, "place.filled", d.Then[0].Name)
	require.Contains(t, d.String(), "decides now: place.release {")

	// The same was decided, and came to nothing.
	d = changed("free-the-mentor-ended", "mentor.engage")
	require.Equal(t, "match.ended", d.Event)
	require.Equal(t, "mentor.freed", d.Then[0].Name)
}

// Who never decided is told from who was refused.
func TestAPolicyThatWasNotThereDiverges(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.chosen("a1")
	o.must("coordinator/c1", "place.reserve", with(call, "person", "a1"))
	all := log(t, o.store)
	o.mark.at = eventstore.PlaceOf(all[len(all)-1]) // as if they had answered it
	d := o.replay().Divergence
	require.NotNil(t, d)
	require.Equal(t, "place.reserved", d.Event)
	require.Equal(t, "offer-a-reserved-place", d.Policy)
	require.Equal(t, "offer.made", d.Now[0].Events[0].Name)
	require.Empty(t, d.Then)
	require.Contains(t, d.String(), "; recorded then: nothing")
}

// Of a policy that is no more, and of an answer that was altered, both are told.
func TestAnswersThatNoPolicyGivesDiverge(t *testing.T) {
	t.Parallel()
	o := crowded(t)
	altered := func(name string, change func(*eventstore.Recorded)) *workflows.Divergence {
		t.Helper()
		all := log(t, o.store)
		for i := range all {
			if all[i].Name == name {
				change(&all[i])
				break
			}
		}
		done, err := workflows.Replay(t.Context(), prefix(t, all), eventstore.Place{})
		require.NoError(t, err)
		require.NotNil(t, done.Divergence)
		return done.Divergence
	}
	d := altered("mentor.engaged", func(r *eventstore.Recorded) {
		r.Metadata = bytes.Replace(r.Metadata, []byte(`"engage-the-mentor-accepted"`), []byte(`"engage-whoever-comes-first"`), 1)
	})
	require.Equal(t, "match.accepted", d.Event)
	require.Equal(t, "engage-whoever-comes-first", d.Policy)
	require.Empty(t, d.Now)
	d = altered("offer.made", func(r *eventstore.Recorded) {
		r.Data = bytes.Replace(r.Data, []byte("Europe/Berlin"), []byte("Europe/Paris"), 1)
	})
	require.Equal(t, "place.reserved", d.Event)
	require.Equal(t, d.Now[0].Events[0].ID, d.Then[0].ID)
	require.NotEqual(t, d.Now[0].Events[0].Data, d.Then[0].Data)
}

// What an older Daybook did not keep of an answer is told, and is no divergence,
// if all that it kept is the same.
func TestAnAnswerOfAnOlderDaybookIsTheSame(t *testing.T) {
	t.Parallel()
	o := crowded(t)
	o.must("coordinator/c1", "match.end", fields{"cycle": "spring", "match": "third"})
	o.woundUp()
	o.must("coordinator/c1", "cycle.close", fields{"cycle": "spring"})
	o.settle()
	all := log(t, o.store)
	altered := func(name string, change func(map[string]any)) workflows.Replayed {
		t.Helper()
		i := slices.IndexFunc(all, func(r eventstore.Recorded) bool { return r.Name == name })
		var body map[string]any
		require.NoError(t, json.Unmarshal(all[i].Data, &body))
		change(body)
		data, err := json.Marshal(body)
		require.NoError(t, err)
		list := slices.Clone(all)
		list[i].Data = data
		done, err := workflows.Replay(t.Context(), prefix(t, list), eventstore.Place{})
		require.NoError(t, err)
		return done
	}
	figures := func(body map[string]any) []any { return body["figures"].([]any) }
	for _, c := range []struct {
		name    string
		change  func(map[string]any)
		lacking string
	}{
		{"offer.made", func(b map[string]any) { delete(b, "told") }, "offer.made told"},
		{"match.made", func(b map[string]any) { delete(b, "told") }, "match.made told"},
		{"figures.sealed", func(b map[string]any) { b["figures"] = figures(b)[1:] }, "figures.sealed figures"},
	} {
		done := altered(c.name, c.change)
		require.Nil(t, done.Divergence, c.name)
		require.Equal(t, []string{c.lacking}, done.Lacking)
	}
	for name, change := range map[string]func(map[string]any){
		"offer.made":     func(b map[string]any) { delete(b, "told"); b["reply_by"] = "2024-01-01T00:00:00Z" },
		"match.made":     func(b map[string]any) { b["told"] = map[string]any{"local": "2024-01-01T00:00:00+01:00"} },
		"figures.sealed": func(b map[string]any) { figures(b)[0].(map[string]any)["value"] = 99 },
		"task.opened":    func(b map[string]any) { delete(b, "person") },
	} {
		done := altered(name, change)
		require.NotNil(t, done.Divergence, name)
		require.Equal(t, name, done.Divergence.Then[0].Name)
	}
}

// An answer may have been decided before what somebody else kept just before it.
func TestWhatOthersKeptMeanwhileIsNoDivergence(t *testing.T) {
	t.Parallel()
	o := crowded(t)
	o.must("coordinator/c1", "match.end", fields{"cycle": "spring", "match": "third"})
	o.woundUp()
	o.must("coordinator/c1", "cycle.close", fields{"cycle": "spring"})
	o.settle()
	o.must("coordinator/c1", "organisation.register", fields{"organisation": "late", "name": "Late", "kind": "museum"})
	all := log(t, o.store)
	n := len(all)
	require.Equal(t, "figures.sealed", all[n-2].Name, "which says after which event it was decided")
	all[n-2], all[n-1] = all[n-1], all[n-2]
	done, err := workflows.Replay(t.Context(), prefix(t, all), eventstore.Place{})
	require.NoError(t, err)
	require.Nil(t, done.Divergence)
}

// A log that was put together out of order is nobody's history.
func TestAnAnswerBeforeItsCauseIsAFault(t *testing.T) {
	t.Parallel()
	o := crowded(t)
	store := memory.New()
	for _, r := range log(t, o.store) {
		env, err := schema.DecodeEnvelope(r.Metadata)
		require.NoError(t, err)
		if env.Role != "policy" {
			continue
		}
		_, err = store.Append(t.Context(), r.Stream, eventstore.NoStream, r.Event)
		require.NoError(t, err)
		break
	}
	_, err := workflows.Replay(t.Context(), store, eventstore.Place{})
	require.ErrorContains(t, err, "which does not lie before it")
}
