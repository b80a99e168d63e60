package workflows_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain/access"
	"github.com/daybook-engine/daybook/domain/gathering"
	"github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/eventstore/storetest"
	"github.com/daybook-engine/daybook/workflows"
)

// Where the completion rule asks that a mentor was at supervision, a match is
// complete when she was; what was recorded by mistake does not count.
func TestCompletionAsksWhereTheTwoHaveBeen(t *testing.T) {
	t.Parallel()
	o := setup(t)
	var plan programme.Definition
	o.change = func(d *programme.Definition) {
		d.Stages = append(d.Stages, programme.Stage{Stage: "supervision", Kind: "supervision", Text: "Supervision", For: []string{"mentor"}})
		d.Completion.Attendance = []programme.Attendance{{Stage: "supervision", For: []string{"mentor"}, AtLeast: 1}}
		plan = *d
	}
	o.prepare(2)
	o.matched("a1", "m1", "x")
	in := fields{"cycle": "spring", "match": "x"}
	at := func(local string, more ...any) fields {
		return with(fields{"cycle": "spring", "local": local, "zone": "Europe/Berlin", "mode": "online"}, more...)
	}
	o.clock.Set(time.Date(2024, 3, 1, 12, 0, 0, 0, time.UTC))
	for n, local := range []string{"2024-02-12T10:00", "2024-02-13T10:00"} {
		o.must("coordinator/c1", "session.hold", at(local, "match", "x", "session", n+1, "minutes", 75))
	}
	o.must("mentee/a1", "reflection.file", with(in, "side", "mentee", "kind", "final", "text", "Asking is a skill"))
	_, err := o.try("coordinator/c1", "match.complete", in)
	require.ErrorIs(t, err, match.ErrIncomplete)
	require.ErrorContains(t, err, "the mentor was at 0 of 1 gatherings of supervision")
	require.Equal(t, "under way: the mentor was at 0 of 1 gatherings of supervision", o.health("x"))

	inputs, err := o.Ask(t.Context(), access.Coordinator, "gathering.announce", url.Values{"cycle": {"spring"}})
	require.NoError(t, err)
	require.Equal(t, []workflows.Choice{{Value: "supervision", Text: "Supervision"}}, inputs[2].Choices, "where people gather")
	group := fields{"cycle": "spring", "gathering": "february"}
	_, err = o.try("coordinator/c1", "gathering.announce", at("2024-02-20T10:00", "gathering", "february", "stage", "sessions", "minutes", 90))
	require.ErrorIs(t, err, gathering.ErrStage)
	o.must("coordinator/c1", "gathering.announce", at("2024-02-20T10:00", "gathering", "february", "stage", "supervision", "minutes", 90))
	require.Equal(t, []string{"attendance.record"}, o.todo("attendance"))
	o.must("coordinator/c1", "attendance.record", with(group, "person", "m1", "minutes", 90), workflows.Cause{Channel: "web", OnBehalfOf: o.person("m2")})
	r, env := last(t, o.store)
	require.Equal(t, "attendance.recorded", r.Name)
	require.Equal(t, o.person("m2"), env.OnBehalfOf)
	require.Equal(t, time.Date(2024, 2, 20, 9, 0, 0, 0, time.UTC), env.OccurredAt)
	require.Empty(t, o.todo("attendance"))
	require.Equal(t, "can be completed", o.health("x"))

	_, err = o.try("coordinator/c1", "attendance.correct", with(group, "person", "m1", "minutes", 0), because(""))
	require.Error(t, err, "for a reason")
	o.must("coordinator/c1", "attendance.correct", with(group, "person", "m1", "minutes", 0), because("mixed_up"))
	_, corrected := last(t, o.store)
	require.Equal(t, env.ID, corrected.Corrects)
	_, err = o.try("coordinator/c1", "match.complete", in)
	require.ErrorIs(t, err, match.ErrIncomplete)
	require.Equal(t, []int64{0, 0, 0}, o.attendance())
	o.must("coordinator/c1", "attendance.correct", with(group, "person", "m1", "minutes", 90), because("was_right"))
	o.must("coordinator/c1", "match.complete", in)
	r, _ = last(t, o.store)
	require.Contains(t, string(r.Data), `"attended":[{"side":"mentor","stage":"supervision","gathering":"february"}]`)
	require.Equal(t, []int64{1, 1, 1}, o.attendance())

	same, err := workflows.WhatIf(t.Context(), o.store, "spring", plan)
	require.NoError(t, err)
	require.Empty(t, same)
	plan.Completion.Attendance[0].AtLeast = 2
	other, err := workflows.WhatIf(t.Context(), o.store, "spring", plan)
	require.NoError(t, err)
	require.Len(t, other, 1)
	require.Contains(t, other[0].Words, "the mentor was at 1 of 2 gatherings of supervision")
	storetest.CheckLog(t, o.store)
}

// health is how a match stands on the match board.
func (o *office) health(name string) string {
	o.t.Helper()
	v := o.views()
	require.NoError(o.t, v.CatchUp(o.t.Context()))
	m, err := v.Match(o.t.Context(), "spring", name)
	require.NoError(o.t, err)
	board, err := v.Matches(o.t.Context(), "spring")
	require.NoError(o.t, err)
	require.Contains(o.t, board, m)
	return m.Health
}

// attendance are the figures about it.
func (o *office) attendance() (values []int64) {
	o.t.Helper()
	v := o.views()
	require.NoError(o.t, v.CatchUp(o.t.Context()))
	for _, m := range []string{"attendances", "people_attending", "people_supervised"} {
		x, err := v.Explain(o.t.Context(), "spring", m)
		require.NoError(o.t, err)
		values = append(values, x.Value)
	}
	return values
}
