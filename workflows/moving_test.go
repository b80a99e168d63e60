package workflows_test

import (
	"context"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/access"
	"github.com/daybook-engine/daybook/domain/cycle"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/schema"
	tasks "github.com/daybook-engine/daybook/domain/task"
	"github.com/daybook-engine/daybook/domain/when"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/workflows"
)

// definition is the one that prepare publishes.
func (o *office) definition() programme.Definition {
	d := definitionOf(o.t, "nemo-2023-spring.yaml")
	d.Matching.Policy, d.Matching.Rules, d.Matching.Factors = o.plan.Policy, o.plan.Rules, o.plan.Factors
	return d
}

// publish publishes another version of the programme that prepare publishes.
func (o *office) publish(change func(*programme.Definition)) programme.Definition {
	o.t.Helper()
	d := o.definition()
	change(&d)
	o.must("coordinator/c1", "definition.publish", fields{"programme": "nemo-121", "definition": d})
	return d
}

func (o *office) dryRun(d programme.Definition) workflows.Move {
	o.t.Helper()
	m, err := workflows.DryRun(o.t.Context(), o.store, "spring", d, o.clock.Now())
	require.NoError(o.t, err)
	return m
}

func move(d programme.Definition) fields {
	return fields{"cycle": "spring", "definition": d.Hash()}
}

// stricter asks three sessions of a pair, and leaves drafts for a week.
func stricter(d *programme.Definition) {
	d.Completion.Version, d.Completion.ConformingSessions = "2", 3
	d.Calls[0].DraftsLast = when.Offset{Days: 7}
}

func TestARunningCycleMovesToAnotherVersion(t *testing.T) {
	t.Parallel()
	o := setup(t)
	o.prepare(4)
	o.matched("a1", "m1", "first")
	o.chosen("a2")
	o.must("coordinator/c1", "place.reserve", with(call, "person", "a2"))
	o.settle()
	o.must("applicant/a2", "offer.accept", call)
	o.settle()
	o.must("applicant/a3", "draft.start", call)
	views := o.views()
	require.NoError(t, views.CatchUp(t.Context()))
	o.clock.Set(time.Date(2024, 2, 1, 11, 0, 0, 0, time.UTC)) // the deadline
	_, err := o.Tick(t.Context(), agenda{views})
	require.NoError(t, err)
	require.Subset(t, names(t, o.store), []string{"call.closed", "contact.overdue"})

	old := o.definition()
	d := o.publish(stricter)
	recorded := lines(t, o.store)
	m := o.dryRun(d)
	require.Equal(t, recorded, lines(t, o.store), "nothing is done")
	require.Equal(t, []string{
		"calls[mentees].drafts_last: 7 days later, was 1 working day later, at 12:00",
		`completion.version: "2", was "1"`,
		"completion.conforming_sessions: 3, was 2",
	}, m.Changes)
	require.Equal(t, []string{
		"unsent drafts for mentees expire on Thu 2024-02-08 12:00 CET, not on Fri 2024-02-02 12:00 CET: 1",
		"match first keeps the terms that it was agreed on, and its completion rule 1 (2 conforming sessions and the final reflection of the mentee): the new version has other completion",
	}, m.Effects)
	require.Empty(t, m.InTheWay)
	require.Equal(t, m, o.dryRun(d), "and again")

	_, err = o.try("coordinator/c1", "definition.move", move(d), workflows.Cause{Channel: "web"})
	require.ErrorContains(t, err, "an exception needs a reason")
	_, err = o.try("coordinator/c1", "definition.move", with(move(d), "listed", old.Hash()))
	require.ErrorIs(t, err, cycle.ErrListed)
	o.must("coordinator/c1", "definition.move", with(move(d), "listed", m.Listed))
	r, env := last(t, o.store)
	require.Equal(t, "definition.moved", r.Name)
	require.Equal(t, "cycle-spring", r.Stream)
	require.Equal(t, "tested", env.Reason)
	require.Equal(t, "test", env.Authority)
	body, err := schema.Decode(r.Name, r.Data)
	require.NoError(t, err)
	require.Equal(t, cycle.DefinitionMoved{From: old.Hash(), To: d.Hash(), Listing: cycle.Listing{Listed: m.Listed, Changes: 3, Effects: 2}}, body)

	// It is so, whatever else is on its way.
	require.Empty(t, o.must("coordinator/c1", "definition.move", move(d)).Names)
	require.Empty(t, o.dryRun(d).Changes)

	// From now on everything goes by it, and what was agreed stays.
	o.clock.Set(time.Date(2024, 2, 2, 12, 0, 0, 0, time.UTC))
	require.NoError(t, views.CatchUp(t.Context()))
	next, ok, err := views.Next(t.Context())
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "2024-02-08T11:00:00Z", next.Format(time.RFC3339))
	_, err = o.Tick(t.Context(), agenda{views})
	require.NoError(t, err)
	require.NotContains(t, names(t, o.store), "draft.expired")
	o.clock.Set(time.Date(2024, 2, 8, 11, 0, 0, 0, time.UTC))
	_, err = o.Tick(t.Context(), agenda{views})
	require.NoError(t, err)
	require.Contains(t, names(t, o.store), "draft.expired")

	o.must("coordinator/c1", "match.propose", fields{"cycle": "spring", "match": "second", "mentee": "a2", "mentor": "m2"})
	require.NoError(t, views.CatchUp(t.Context()))
	for name, rule := range map[string]string{"first": "1", "second": "2"} {
		match, err := views.Match(t.Context(), "spring", name)
		require.NoError(t, err)
		require.Equal(t, rule, match.Rule.Version)
	}
	c, err := views.Cycle(t.Context(), "spring")
	require.NoError(t, err)
	require.Equal(t, d.Hash(), c.Definition)
	require.Len(t, c.Versions, 2)
	require.Equal(t, old.Hash(), c.VersionAt(c.Versions[1].Since.Add(-1)))
	require.Equal(t, d.Hash(), c.VersionAt(c.Versions[1].Since))

	// Policies answer the past as they did then.
	o.settle()
	require.Nil(t, o.replay().Divergence)
}

func TestACycleMovesOnlyAtRest(t *testing.T) {
	t.Parallel()
	reply := func(d *programme.Definition) { d.Offer.ReplyWithin = when.Offset{Days: 3} }
	for name, x := range map[string]struct {
		given  func(*office)
		change func(*programme.Definition)
		way    string // "": none
	}{
		"what fell due is not done": {
			func(o *office) { o.clock.Set(time.Date(2024, 2, 1, 12, 0, 0, 0, time.UTC)) },
			stricter, "call.close has fallen due for the call for mentees, and is not done yet",
		},
		"a policy has yet to answer": {
			func(o *office) {
				o.chosen("a1")
				o.must("coordinator/c1", "place.reserve", with(call, "person", "a1"))
			},
			stricter, "a policy has not answered place.reserved yet, with offer.make",
		},
		"a message is yet to be queued": {
			func(o *office) {
				o.shortlisted("a1")
				o.settle()
				o.must("coordinator/c1", "application.decline", with(call, "person", "a1", "rationale", "why"))
			},
			stricter, "a policy has not answered application.declined yet, with message.queue",
		},
		"a policy stands still": {
			func(o *office) {
				o.chosen("a1")
				o.Sabotage(offering, func(string) error { return errTrouble })
				o.must("coordinator/c1", "place.reserve", with(call, "person", "a1"))
				o.settle()
			},
			stricter, "offer-a-reserved-place stands still at place.reserved; see daybook policies",
		},
		"a policy stands still about another cycle": {
			func(o *office) {
				o.Sabotage("seal-the-figures", func(string) error { return errTrouble })
				o.must("coordinator/c1", "cycle.plan", fields{"cycle": "autumn", "programme": "nemo-121", "title": "Autumn", "from": "2024-09", "to": "2024-12"})
				o.must("coordinator/c1", "cycle.close", fields{"cycle": "autumn"})
				o.settle()
				require.Len(o.t, o.standing(), 1)
			},
			stricter, "",
		},
		"an offer waits on other terms": {
			(*office).offered, reply,
			"an offer waits for the answer of {person:A1} until Mon 2024-01-15 17:00 CET, and the new version would have given another time",
		},
		"an offer waits, and its terms stay": {(*office).offered, stricter, ""},
		"a match waits on other terms": {
			(*office).proposed, stricter,
			"match first waits to be accepted on terms that the new version changes: completion",
		},
		"a match waits, and holidays of another year are added": {
			(*office).proposed,
			func(d *programme.Definition) {
				d.Calendar.Version, d.Calendar.Holidays = "2024", append(d.Calendar.Holidays, "2024-10-03")
			},
			"",
		},
		"a review goes by other criteria": {
			func(o *office) { o.shortlisted("a1") },
			func(d *programme.Definition) { d.Review.MaxScore = 10 },
			"{person:A1} is under review by criteria that the new version changes",
		},
		"a call is gone": {
			func(*office) {},
			func(d *programme.Definition) {
				d.Calls[0].Call, d.Stages[0].Call = "others", "others"
			},
			"the call for mentees was opened, and the new version has no such call",
		},
		"the zone is another": {
			func(*office) {},
			func(d *programme.Definition) { d.Zone = "Europe/Lisbon" },
			"the cycle's days are counted in Europe/Berlin, and the new version's in Europe/Lisbon",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := open(t)
			x.given(o)
			d := o.publish(x.change)
			m := o.dryRun(d)
			result, err := o.try("coordinator/c1", "definition.move", move(d))
			if x.way == "" {
				require.NoError(t, err)
				require.Empty(t, m.InTheWay)
				require.Equal(t, []string{"definition.moved"}, result.Names)
				return
			}
			require.Equal(t, []string{o.tokens(x.way)}, m.InTheWay)
			require.ErrorIs(t, err, cycle.ErrNotAtRest)
			require.NotContains(t, err.Error(), "{")
			require.NotContains(t, names(t, o.store), "definition.moved")
		})
	}
}

func (o *office) offered() {
	o.chosen("a1")
	o.must("coordinator/c1", "place.reserve", with(call, "person", "a1"))
	o.settle()
}

func (o *office) proposed() {
	o.offered()
	o.must("applicant/a1", "offer.accept", call)
	o.settle()
	o.must("coordinator/c1", "match.propose", fields{"cycle": "spring", "match": "first", "mentee": "a1", "mentor": "m1"})
}

// tokens puts a1 where a line has her token.
func (o *office) tokens(line string) string {
	return strings.Replace(line, "{person:A1}", "{person:"+string(o.person("a1"))+"}", 1)
}

func TestAClosedCycleDoesNotMove(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.woundUp()
	o.must("coordinator/c1", "cycle.close", fields{"cycle": "spring"})
	o.settle()
	d := o.publish(stricter)
	_, err := workflows.DryRun(t.Context(), o.store, "spring", d, o.clock.Now())
	require.ErrorIs(t, err, cycle.ErrClosed)
	_, err = o.try("coordinator/c1", "definition.move", move(d))
	require.ErrorIs(t, err, cycle.ErrClosed)
	require.Empty(t, o.must("coordinator/c1", "definition.move", move(o.definition())).Names, "it is so")
}

func TestACycleMovesToAPublishedVersionOfItsProgramme(t *testing.T) {
	t.Parallel()
	o := open(t)
	d := o.definition()
	stricter(&d)
	draft := o.dryRun(d)
	require.NotEmpty(t, draft.Changes, "a draft may be looked at")
	require.Equal(t, []string{"this version is not published yet: publish it first, with definition.publish"}, draft.InTheWay)
	_, err := o.try("coordinator/c1", "definition.move", move(d))
	require.ErrorIs(t, err, cycle.ErrDefinition)
	d.Programme = "walks"
	_, err = workflows.DryRun(t.Context(), o.store, "spring", d, o.clock.Now())
	require.ErrorIs(t, err, programme.ErrDefinition)
	_, err = workflows.DryRun(t.Context(), o.store, "autumn", d, o.clock.Now())
	require.ErrorIs(t, err, domain.NotFound)
}

// Another node moved the cycle: what this one remembers is not decided by.
func TestAMoveOnAnotherNodeIsSeenAtOnce(t *testing.T) {
	t.Parallel()
	here := open(t)
	there := newOffice(t, here.store, here.vault)
	there.mark.at = eventstore.Place{}
	there.clock.Set(here.Latest())
	here.proposed() // so that it remembers the cycle
	here.must("coordinator/c1", "match.decline", fields{"cycle": "spring", "match": "first", "side": "mentee"})
	here.settle()
	d := here.publish(stricter)
	there.must("coordinator/c1", "definition.move", move(d))
	here.must("coordinator/c1", "match.propose", fields{"cycle": "spring", "match": "second", "mentee": "a1", "mentor": "m1"})
	require.Empty(t, here.dryRun(d).Changes)
	views := here.views()
	require.NoError(t, views.CatchUp(t.Context()))
	m, err := views.Match(t.Context(), "spring", "second")
	require.NoError(t, err)
	require.Equal(t, "2", m.Rule.Version)
}

// How long those are kept who were not placed goes by the version that the cycle
// goes by, and so a move tells of it; a clock that has somebody to put to people
// is in the way until it has.
func TestAMoveTellsWhomItKeepsOtherwise(t *testing.T) {
	t.Parallel()
	o := setup(t)
	o.prepare(3)
	o.must("applicant/a1", "draft.start", call)
	for _, p := range []string{"a2", "a3"} {
		o.must("applicant/"+p, "application.submit", with(call, "route", "staff", "answers", form))
		o.must("applicant/"+p, "application.withdraw", call)
	}
	keeping := func(months int) programme.Definition {
		return o.publish(func(d *programme.Definition) {
			d.Retention = []programme.Retention{{Of: programme.NotPlaced, Months: months, After: programme.AfterDecision, Why: "to answer questions"}}
		})
	}
	one, two := keeping(1), keeping(2)
	begun := o.clock.Now()
	until := func(months int) string {
		at, err := when.Months(begun, months, one.Zone)
		require.NoError(t, err)
		zone, err := when.Zone(one.Zone)
		require.NoError(t, err)
		return at.In(zone).Format("Mon 2006-01-02 15:04 MST")
	}
	require.Contains(t, o.dryRun(one).Effects, "what is known about people is kept until "+until(1)+", not without end: 2")
	o.must("coordinator/c1", "definition.move", move(one))
	m := o.dryRun(two)
	require.Contains(t, m.Effects, "what is known about people is kept until "+until(2)+", not until "+until(1)+": 2")
	require.Empty(t, m.InTheWay)
	o.clock.Set(begun.AddDate(0, 1, 0))
	require.Contains(t, strings.Join(o.dryRun(two).InTheWay, "\n"), "retention.expire has fallen due for ")

	// Who is kept on as somebody said, or is being erased, is not kept otherwise; and
	// who people are asked about, and still would be, is not either.
	kept := func(d programme.Definition) (told []string) {
		for _, line := range o.dryRun(d).Effects {
			if strings.HasPrefix(line, "what is known about people") {
				told = append(told, line)
			}
		}
		return told
	}
	o.until(begun.AddDate(0, 1, 0))
	o.must("coordinator/c1", "retention.extend", with(call, "person", "a2", "local", "2024-12-01T00:00", "zone", one.Zone))
	o.must("coordinator/c1", "erasure.start", fields{"person": "a3", "approver": "r1"})
	o.settle()
	require.Equal(t, []string{"what is known about people is kept until Mon 2024-04-08 00:00 CEST, not until Fri 2024-03-08 00:00 CET: 1"}, kept(two), "of a1, whose draft expired")
	o.must("coordinator/c1", "definition.move", move(two))
	o.until(time.Date(2024, 4, 9, 0, 0, 0, 0, time.UTC))
	require.Empty(t, kept(one))
}

// Whatever the clock does is asked when a cycle is to move.
func TestEveryTimerIsAskedBeforeAMove(t *testing.T) {
	t.Parallel()
	var list []string
	for _, command := range workflows.Commands() {
		if access.Allow(access.Clock, command) == nil {
			list = append(list, command)
		}
	}
	require.ElementsMatch(t, list, workflows.Timers())
}

// What happened before a move is told, and asked for, by the version of then:
// policies that come back to it say nothing new of it.
func TestAMoveTellsNoOldNews(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.shortlisted("a1", "a2")
	o.settle()
	require.Empty(t, o.outbox())
	d := o.publish(func(d *programme.Definition) {
		d.Messages = append(d.Messages, programme.Message{Message: "thanks", On: "application.received", To: "applicant", Templates: []programme.Template{{Language: "en", Subject: "Thanks", Text: "Thanks"}}})
		d.Tasks = append(d.Tasks, programme.Task{Task: "greet", Role: "coordinator", Text: "Greet", On: "application.received"})
	})
	require.Empty(t, o.dryRun(d).InTheWay)
	o.must("coordinator/c1", "definition.move", move(d))
	o.settle()
	before := lines(t, o.store)
	*o.mark = mark{}
	o.settle()
	require.Equal(t, before, lines(t, o.store))
	require.Nil(t, o.replay().Divergence)

	o.must("applicant/a3", "application.submit", with(call, "route", "staff", "answers", form))
	o.settle()
	require.Equal(t, []string{"thanks a3 queued"}, o.outbox())
	require.Equal(t, []tasks.Phase{tasks.Waiting}, o.phases("greet"))
}

func TestAMessageOfTheOldVersionIsWithdrawnAfterAMove(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(d *programme.Definition){
		"renamed": func(d *programme.Definition) {
			i := slices.IndexFunc(d.Messages, func(m programme.Message) bool { return m.Message == "offer" })
			d.Messages[i].Message = "offer-2"
		},
		"dropped": func(d *programme.Definition) { d.Messages = nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := open(t)
			o.offered()
			require.Equal(t, []string{"offer a1 queued"}, o.outbox())
			d := o.publish(change)
			require.Empty(t, o.dryRun(d).InTheWay)
			o.must("coordinator/c1", "definition.move", move(d))
			o.must("applicant/a1", "offer.decline", call)
			require.Contains(t, o.dryRun(o.definition()).InTheWay, "a policy has not answered offer.declined yet, with message.withdraw")
			o.settle()
			require.Equal(t, []string{"offer a1 withdrawn offer_declined"}, o.outbox())
		})
	}
}

// A task is judged to its end by what the definition said when it was opened.
func TestATaskOfTheOldVersionIsNobodysOrphanAfterAMove(t *testing.T) {
	t.Parallel()
	screen := programme.Task{Task: "screen", Role: "reviewer", On: "application.received", Done: []string{"eligibility.confirmed", "eligibility.failed"}}
	for name, edit := range map[string]func(d *programme.Definition){
		"renamed":        func(d *programme.Definition) { d.Tasks[0].Task = "check" },
		"dropped":        func(d *programme.Definition) { d.Tasks = nil },
		"done otherwise": func(d *programme.Definition) { d.Tasks[0].Done = nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := asking(t, screen)
			for _, a := range []string{"a1", "a2", "a3"} {
				o.must("applicant/"+a, "application.submit", with(call, "route", "staff", "answers", form))
			}
			o.settle()
			change := o.change
			d := o.publish(func(d *programme.Definition) { change(d); edit(d) })
			require.Empty(t, o.dryRun(d).InTheWay)
			o.must("coordinator/c1", "definition.move", move(d))
			o.must("coordinator/c1", "eligibility.confirm", with(call, "person", "a1"))
			o.must("applicant/a2", "application.withdraw", call)
			o.settle()
			o.must("reviewer/r1", "task.complete", of("screen", "call", "mentees", "person", "a3"))
			require.Equal(t, []tasks.Phase{tasks.Done, tasks.Dropped, tasks.Done}, o.phases("screen"))
			before := lines(t, o.store)
			*o.mark = mark{}
			o.settle()
			require.Equal(t, before, lines(t, o.store))
			require.Nil(t, o.replay().Divergence)
		})
	}
}

// What a person repaired is answered, by what they gave: it keeps no cycle from
// moving.
func TestARepairedEventIsInNobodysWay(t *testing.T) {
	t.Parallel()
	o := asking(t, programme.Task{Task: "screen", Role: "reviewer", On: "application.received"}, programme.Task{Task: "other", Role: "reviewer"})
	trouble := errTrouble
	o.Sabotage("open-the-task", func(string) error { return trouble })
	o.must("applicant/a1", "application.submit", with(call, "route", "staff", "answers", form))
	o.settle()
	o.must("coordinator/c1", "policy.skip", decideOf(o.standing()[0])) // what began the draft
	o.settle()
	change := o.change
	d := o.publish(func(d *programme.Definition) { change(d); stricter(d) })
	require.Equal(t, []string{"open-the-task stands still at application.received; see daybook policies"}, o.dryRun(d).InTheWay)
	trouble = nil
	other := fields{"cycle": "spring", "task": "00000000-0000-0000-0000-000000000000", "key": "other", "about": fields{"call": "mentees", "person": o.person("a1")}}
	o.must("coordinator/c1", "policy.repair", decideOf(o.standing()[0], "command", "task.open", "with", other))
	o.settle()
	require.Empty(t, o.standing())
	require.Equal(t, []tasks.Phase{tasks.Waiting}, o.phases("other"))
	require.Empty(t, o.phases("screen"))
	require.Empty(t, o.dryRun(d).InTheWay)
	o.requireReplay()
}

// A holed store has a stream that cannot be read.
type holed struct {
	eventstore.Store
	stream string
}

func (h holed) ReadStream(ctx context.Context, stream string, r eventstore.ReadStream) iter.Seq2[eventstore.Recorded, error] {
	if stream == h.stream {
		return func(yield func(eventstore.Recorded, error) bool) {
			yield(eventstore.Recorded{}, eventstore.ErrStreamDeleted)
		}
	}
	return h.Store.ReadStream(ctx, stream, r)
}

// Where a policy cannot answer, the dry run says so, and does not fail with it.
func TestWhatAPolicyCannotAnswerIsInTheWay(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.shortlisted("a1")
	o.settle()
	o.must("coordinator/c1", "application.decline", with(call, "person", "a1", "rationale", "why"))
	d := o.publish(stricter)
	m, err := workflows.DryRun(t.Context(), holed{o.store, "person-" + string(o.person("a1"))}, "spring", d, o.clock.Now())
	require.NoError(t, err)
	require.Equal(t, []string{"tell-by-message has not answered application.declined yet, and as things are it cannot"}, m.InTheWay)
}
