package workflows_test

import (
	"context"
	"fmt"
	"runtime"
	"sort"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/domain/matching"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/storetest"
	"github.com/daybook-engine/daybook/workflows"
	runs "github.com/daybook-engine/daybook/workflows/matching"
)

var plan = matching.Plan{
	Policy:  matching.Assignment,
	Rules:   []matching.Rule{{Rule: "same_employer", Fact: "employer", Must: matching.Differ}},
	Factors: []matching.Factor{{Factor: "field", Measure: matching.Ranked, Fact: "field", Weight: 5}},
}

func known(who, person, employer string, field ...string) fields {
	return fields{who: person, "facts": []fields{{"fact": "employer", "codes": []string{employer}}, {"fact": "field", "codes": field}}}
}

// takers are a1 to a3 with places, and m1 with room for one and m2 for two.
func takers(t *testing.T, plan matching.Plan) (o *office, run fields) {
	o = setup(t)
	o.plan = plan
	o.prepare(4)
	o.chosen("a1", "a2", "a3")
	for _, a := range []string{"a1", "a2", "a3"} {
		o.must("coordinator/c1", "place.reserve", with(call, "person", a))
		o.settle()
		o.must("applicant/"+a, "offer.accept", call)
		o.settle()
	}
	return o, fields{
		"cycle": "spring", "run": "first", "seed": 7,
		"mentees": []fields{known("mentee", "a1", "louvre", "school", "digital"), known("mentee", "a2", "prado", "school"), known("mentee", "a3", "uffizi", "digital")},
		"mentors": []fields{known("mentor", "m1", "louvre", "school", "digital"), known("mentor", "m2", "tate", "digital")},
	}
}

// newest is the newest run. Run again from what is recorded, it is the same to
// the byte.
func (o *office) newest() (run matching.Proposed) {
	o.t.Helper()
	for _, r := range log(o.t, o.store) {
		if r.Name != "matching.proposed" {
			continue
		}
		event, err := schema.Decode(r.Name, r.Data)
		require.NoError(o.t, err)
		run = event.(matching.Proposed)
		again, err := runs.Propose(o.t.Context(), run.Input)
		require.NoError(o.t, err)
		body, err := schema.Marshal(matching.Proposed{Run: run.Run, Input: run.Input.Canonical(), Result: again})
		require.NoError(o.t, err)
		require.Equal(o.t, string(r.Data), string(body))
	}
	return run
}

// pairs are who a run proposes, by handle.
func (o *office) pairs(run matching.Proposed) map[string]string {
	handles := map[domain.Person]string{}
	for handle, p := range o.vault.Handles() {
		handles[p] = handle
	}
	pairs := map[string]string{}
	for _, p := range run.Result.Pairs {
		pairs[handles[p.Mentee]] = handles[p.Mentor]
	}
	return pairs
}

func TestARunProposesAndPeopleDecide(t *testing.T) {
	t.Parallel()
	o, first := takers(t, plan)
	o.must("coordinator/c1", "matching.propose", first)
	run := o.newest()
	require.Equal(t, map[string]string{"a1": "m2", "a2": "m1", "a3": "m2"}, o.pairs(run), "a1 and m1 have one employer")
	require.EqualValues(t, 5*(33+100+100), run.Result.Score)
	require.Empty(t, o.must("coordinator/c1", "matching.propose", first).Names, "it is already so")
	_, err := o.try("coordinator/c1", "matching.propose", with(first, "seed", 8))
	require.ErrorIs(t, err, matching.ErrRun)

	// As proposed, without a reason; both accept.
	silent := workflows.Cause{Channel: "web"}
	one := fields{"cycle": "spring", "match": "one"}
	o.must("coordinator/c1", "match.propose", with(one, "mentee", "a2", "mentor", "m1"), silent)
	o.must("mentee/a2", "match.accept", one)
	o.must("mentor/m1", "match.accept", one)
	o.settle()
	// Otherwise, with one.
	other := fields{"cycle": "spring", "match": "two", "mentee": "a3", "mentor": "m1"}
	_, err = o.try("coordinator/c1", "match.propose", other, silent)
	require.ErrorIs(t, err, match.ErrOverride)
	o.must("coordinator/c1", "match.propose", other, workflows.Cause{Channel: "web", Reason: "mentee_asked"})
	event, env := last(t, o.store)
	require.Equal(t, "mentee_asked", env.Reason)
	body, err := schema.Decode(event.Name, event.Data)
	require.NoError(t, err)
	require.True(t, body.(match.Proposed).Override)
	require.Equal(t, "first", body.(match.Proposed).Run)

	// Who has a match is in no further run.
	_, err = o.try("coordinator/c1", "matching.propose", with(first, "run", "second"))
	require.ErrorIs(t, err, matching.ErrMatched)

	// Whoever was together once is not proposed again, and room that is
	// taken is not given twice.
	o.must("coordinator/c1", "match.unwind", one)
	o.settle()
	o.must("coordinator/c1", "matching.propose", with(first, "run", "second", "mentees", []fields{known("mentee", "a1", "louvre", "digital"), known("mentee", "a2", "prado", "school")}))
	run = o.newest()
	require.Equal(t, map[string]string{"a1": "m2", "a2": "m2"}, o.pairs(run))
	require.Equal(t, []matching.Bar{{Mentee: o.person("a2"), Mentor: o.person("m1"), Rule: matching.PreviousPair}}, run.Input.Bars)
	for _, m := range run.Input.Mentors {
		require.Equal(t, map[domain.Person]int{o.person("m1"): 0, o.person("m2"): 2}[m.Mentor], m.Capacity, "m1's is for a3, who has not accepted yet")
	}
	storetest.CheckLog(t, o.store)
}

func TestARunIsRefusedWhereItWouldProposeWhatCannotBe(t *testing.T) {
	t.Parallel()
	o, run := takers(t, plan)
	before := len(log(t, o.store))
	for name, c := range map[string]struct {
		with fields
		want error
	}{
		"a mentee without a place": {with(run, "mentees", []fields{{"mentee": "a4"}}), matching.ErrNoPlace},
		"a mentor in no pool":      {with(run, "mentors", []fields{{"mentor": "a4"}}), matching.ErrMentor},
		"somebody unregistered":    {with(run, "mentors", []fields{{"mentor": "zoe"}}), domain.NotFound},
		"words about somebody":     {with(run, "mentees", []fields{known("mentee", "a1", "Her Firm")}), runs.ErrInput},
		"a lock against a rule":    {with(run, "locks", []fields{{"mentee": "a1", "mentor": "m1"}}), runs.ErrInput},
		"more room than there is":  {with(run, "mentors", []fields{{"mentor": "m1"}, {"mentor": "m2", "capacity": 3}}), matching.ErrRoom},
		"less than no room":        {with(run, "mentors", []fields{{"mentor": "m1", "capacity": -1}}), runs.ErrInput},
		"a run without a name":     {with(run, "run", ""), domain.ErrSlug},
	} {
		_, err := o.try("coordinator/c1", "matching.propose", c.with)
		require.ErrorIs(t, err, c.want, name)
	}
	_, err := o.try("mentor/m1", "matching.propose", run)
	require.ErrorIs(t, err, domain.Denied)
	require.Len(t, log(t, o.store), before)

	o, run = takers(t, matching.Plan{})
	_, err = o.try("coordinator/c1", "matching.propose", run)
	require.ErrorIs(t, err, matching.ErrUnplanned)
}

// What has happened since says nothing of what a command was answered.
func TestARunIsAnsweredAgainAsItWas(t *testing.T) {
	t.Parallel()
	o, run := takers(t, plan)
	run = with(run, "mentees", []fields{known("mentee", "a1", "louvre", "school"), known("mentee", "a2", "prado", "school")}, "locks", []fields{{"mentee": "a2", "mentor": "m1"}})
	under := workflows.Cause{CommandID: uuid.New(), Channel: "web"}
	first := o.must("coordinator/c1", "matching.propose", run, under)
	require.Equal(t, []string{"matching.proposed"}, first.Names)

	o.must("coordinator/c1", "match.propose", fields{"cycle": "spring", "match": "one", "mentee": "a3", "mentor": "m1"})
	_, err := o.try("coordinator/c1", "matching.propose", with(run, "run", "second"))
	require.ErrorIs(t, err, runs.ErrInput, "m1 has no room left for the lock")
	require.Equal(t, first, o.must("coordinator/c1", "matching.propose", run, under))
	restarted := newOffice(t, o.store, o.vault)
	require.Equal(t, first, restarted.must("coordinator/c1", "matching.propose", run, under))
	storetest.CheckLog(t, o.store)
}

// A command that is decided again, on what is stored, is not matched again.
func TestACommandIsMatchedOnce(t *testing.T) {
	t.Parallel()
	o, run := takers(t, plan)
	asks := func() int {
		ctx := &looks{Context: t.Context()}
		_, err := o.DoAs(ctx, "coordinator/c1", "matching.propose", encode(t, run), nil, workflows.Cause{Channel: "web"})
		require.NoError(t, err)
		return ctx.times
	}
	once := asks()
	require.Positive(t, once)
	require.Equal(t, once, asks(), "it is already so, and that is never said from memory alone")
}

// looks counts how often whoever matches people looks at a context.
type looks struct {
	context.Context
	times int
}

func (l *looks) Err() error {
	if _, file, _, _ := runtime.Caller(1); strings.Contains(file, "workflows/matching/") {
		l.times++
	}
	return l.Context.Err()
}

// A run is one event, and what a store takes at once bounds it: the most people
// that are let in fit, whatever comes of them.
func TestARunIsOneAppend(t *testing.T) {
	t.Parallel()
	require.Equal(t, eventstore.MaxAppend, matching.MaxEvent)
	long := strings.Repeat("x", 60)
	much := matching.Plan{Policy: matching.Assignment}
	for k := range matching.MaxFactors {
		much.Factors = append(much.Factors, matching.Factor{Factor: fmt.Sprint(long, k), Measure: matching.Same, Fact: "field", Weight: matching.MaxWeight})
	}
	never := matching.Plan{Policy: matching.DeferredAcceptance}
	for k := range matching.MaxRules {
		never.Rules = append(never.Rules, matching.Rule{Rule: fmt.Sprint(long, k), Fact: fmt.Sprint("fact", k), Must: matching.Share})
	}
	for name, c := range map[string]struct {
		plan           matching.Plan
		mentors, least int // for so many mentees one mentor
	}{
		"some rules and factors":   {plan, 1, 600},
		"all that factors add":     {much, 1, 200},
		"all that rules forbid":    {never, 1, 100},
		"few mentors for many":     {plan, 20, 900},
		"nothing but who is there": {matching.Plan{Policy: matching.Assignment}, 1, 1300},
	} {
		input := func(n int) matching.Input {
			in := matching.Input{Plan: c.plan}
			for k := range n {
				var facts []matching.Fact
				if len(c.plan.Factors) > 0 {
					facts = []matching.Fact{{Fact: "employer", Codes: []string{fmt.Sprint("employer-", k)}}, {Fact: "field", Codes: []string{"school", "digital", fmt.Sprint("field-", k%40)}}}
				}
				in.Mentees = append(in.Mentees, matching.Mentee{Mentee: domain.Person(domain.UUID5("mentee", fmt.Sprint(k))), Facts: facts})
				if k%c.mentors == 0 {
					in.Mentors = append(in.Mentors, matching.Mentor{Mentor: domain.Person(domain.UUID5("mentor", fmt.Sprint(k))), Capacity: c.mentors, Facts: facts[:len(facts)/2]})
				}
			}
			if c.plan.Policy == matching.DeferredAcceptance {
				in.Mentees[0].Ranking, in.Mentors[0].Ranking = []domain.Person{in.Mentors[0].Mentor}, []domain.Person{in.Mentees[0].Mentee}
			}
			return in
		}
		n := sort.Search(matching.MaxPeople, func(n int) bool { return n > 0 && len(input(n).Faults()) > 0 }) - 1
		require.GreaterOrEqual(t, n, c.least, name)
		in := input(n)
		r, err := runs.Propose(t.Context(), in)
		require.NoError(t, err, name)
		event := matching.Proposed{Run: "first", Input: in.Canonical(), Result: r}
		_, body, err := schema.Encode(event)
		require.NoError(t, err)
		t.Logf("%s: %d bytes for %d mentees and %d pairs", name, len(body), n, len(r.Pairs))
		require.Less(t, len(body)+40*len(schema.People(event))+4096, eventstore.MaxAppend, name)
	}
}
