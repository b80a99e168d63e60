package projections_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/domain/call"
	"github.com/daybook-engine/daybook/domain/cycle"
	"github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/task"
	"github.com/daybook-engine/daybook/domain/when"
	"github.com/daybook-engine/daybook/eventstore/memory"
	"github.com/daybook-engine/daybook/projections"
)

// What somebody should look at is in the queue in time: a calendar that ends
// before the cycle does, and whatever was told as a moment that is another by
// today's time zone data. What was told stays what falls due.
func TestDoubtsAreInTheQueue(t *testing.T) {
	t.Parallel()
	w := &writer{t: t, cycle: "winter", now: start}
	d := definition
	d.Calls = []programme.Call{{Call: "mentees", Role: "mentee", DraftsLast: when.Offset{WorkingDays: 2}}}
	w.add("programme-nemo-121", "programme/nemo-121", programme.DefinitionPublished{Hash: d.Hash(), Definition: d})
	w.in("cycle-winter", cycle.Planned{Programme: "nemo-121", Definition: d.Hash(), Title: "Winter", From: "2023-11", To: "2024-02", Zone: "Europe/Berlin", Year: 2023})
	told := deadline("2023-07-24T00:00")
	told.Instant = told.Instant.Add(time.Hour) // by older time zone data
	w.in("call-winter.mentees", call.Opened{Role: "mentee", Deadline: told, Opened: w.now})
	until := time.Date(2023, 8, 1, 10, 0, 0, 0, time.UTC)
	w.in("call-winter.mentees",
		call.PermitGranted{Person: w.person(1), Until: until.Add(time.Hour), Local: "2023-08-01T12:00", Zone: "Europe/Berlin", Note: w.text("n", w.person(1))},
		call.PermitGranted{Person: w.person(2), Until: until, Local: "2023-08-01T12:00", Zone: "Europe/Berlin", Note: w.text("n", w.person(2))})
	pair := match.Pair{Mentee: w.person(1), Mentor: w.person(3)}
	slot := match.Slot{Local: "2023-10-05T16:00", Zone: "Europe/London", Start: time.Date(2023, 10, 5, 14, 0, 0, 0, time.UTC), Mode: "online"}
	w.in("match-winter.m1", match.Proposed{Pair: pair, Rationale: w.text("r", w.person(1)), Terms: terms}, match.Made{Pair: pair, Made: w.now, ContactDue: slot.Start, Told: when.Told{Local: "2023-10-05T16:00:00+02:00", Zone: "Europe/London"}}, match.SessionScheduled{Session: 1, Slot: slot})
	later := time.Date(2023, 8, 4, 15, 0, 0, 0, time.UTC)
	reckoned := func(local string) when.Told { return when.Told{Local: local, Zone: "Europe/Berlin"} }
	w.in("application-o", application.DraftStarted{Cycle: "winter", Call: "mentees", Person: w.person(5)},
		application.OfferMade{ReplyBy: later, Zone: "Europe/Berlin", Told: reckoned("2023-08-04T16:00:00+01:00")})
	w.in("application-n", application.DraftStarted{Cycle: "winter", Call: "mentees", Person: w.person(6)},
		application.Received{ReceivedAt: w.now, ProofDue: later.Add(30 * time.Second), Told: reckoned("2023-08-04T16:00:30+01:00")})
	w.in("application-r", application.DraftStarted{Cycle: "winter", Call: "mentees", Person: w.person(7)},
		application.OfferMade{ReplyBy: later, Zone: "Europe/Berlin", Told: reckoned("2023-08-04T17:00:00+02:00")})
	right := slot
	right.Start = slot.Start.Add(time.Hour)
	w.in("match-winter.m1", match.SessionScheduled{Session: 2, Slot: right})

	store := memory.New()
	v := views(t, store)
	write(t, store, w.facts)
	require.NoError(t, v.CatchUp(t.Context()))
	doubts := func(at time.Time) (said []string) {
		tasks, err := v.Queue(t.Context(), "winter", at)
		require.NoError(t, err)
		for _, k := range tasks {
			if k.Kind == "calendar" || k.Kind == "zone" {
				said = append(said, k.Command+": "+k.Words)
			}
		}
		return said
	}
	name := "{person:" + string(w.person(1)) + "}"
	require.Equal(t, []string{
		"deadline.extend: the deadline of mentees: Mon 24 Jul 2023 00:00 Europe/Berlin was recorded as 2023-07-23T23:00:00Z, which stands; by the time zone data of this machine it would be 2023-07-23T22:00:00Z; tell people which holds, or extend it",
		"permit.grant: the permit of " + name + ": Tue 1 Aug 2023 12:00 Europe/Berlin was recorded as 2023-08-01T11:00:00Z, which stands; by the time zone data of this machine it would be 2023-08-01T10:00:00Z; tell them which holds, or grant a later one",
		"offer.accept: the offer to {person:" + string(w.person(5)) + "}: Fri 4 Aug 2023 16:00 Europe/Berlin was recorded as 2023-08-04T15:00:00Z, which stands; by the time zone data of this machine it would be 2023-08-04T14:00:00Z; tell them which holds",
		"nomination.receive: the nomination of {person:" + string(w.person(6)) + "}: Fri 4 Aug 2023 16:00 Europe/Berlin was recorded as 2023-08-04T15:00:30Z, which stands; by the time zone data of this machine it would be 2023-08-04T14:00:00Z; tell them which holds",
		"contact.make: match m1: first contact: Thu 5 Oct 2023 16:00 Europe/London was recorded as 2023-10-05T14:00:00Z, which stands; by the time zone data of this machine it would be 2023-10-05T15:00:00Z; tell the pair which holds",
		"session.reschedule: match m1: session 1: Thu 5 Oct 2023 16:00 Europe/London was recorded as 2023-10-05T14:00:00Z, which stands; by the time zone data of this machine it would be 2023-10-05T15:00:00Z; ask the pair when they meet",
		"definition.move: the calendar berlin@2023 has no holidays of 2024, and every weekday counts as a working day there: publish a definition that has them, and move the cycle to it",
	}, doubts(start))
	next, ok, err := v.Next(t.Context())
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, told.Instant, next, "what was told")

	// A definition that has the holidays settles the one, time the others.
	d.Calendar.Version, d.Calendar.Holidays = "2024", []string{"2023-10-03", "2024-10-03"}
	n := len(w.facts)
	w.at(time.Date(2023, 11, 1, 0, 0, 0, 0, time.UTC))
	w.add("programme-nemo-121", "programme/nemo-121", programme.DefinitionPublished{Hash: d.Hash(), Definition: d})
	w.in("cycle-winter", cycle.DefinitionMoved{To: d.Hash()})
	w.in("call-winter.mentees", call.Closed{Timer: domain.Timer{Rule: "call.close", Due: told.Instant, Fired: w.now}})
	w.in("application-x", application.DraftStarted{Cycle: "winter", Call: "mentees", Person: w.person(2)}, application.OfferMade{ReplyBy: until, Zone: "Europe/Berlin", Calendar: "berlin@2023", Unsure: []int{2024}})
	w.in("application-y", application.DraftStarted{Cycle: "winter", Call: "mentees", Person: w.person(2)})
	w.in("application-z", application.DraftStarted{Cycle: "winter", Call: "mentees", Person: w.person(4)})
	for _, a := range []string{"o", "r"} {
		w.in("application-"+a, application.OfferLapsed{})
	}
	w.in("application-n", application.NominationLapsed{})
	write(t, store, w.facts[n:])
	require.NoError(t, v.CatchUp(t.Context()))
	require.Empty(t, doubts(time.Date(2023, 11, 2, 0, 0, 0, 0, time.UTC)))
	due, err := v.Due(t.Context(), w.now.AddDate(1, 0, 0), 0)
	require.NoError(t, err)
	again, err := views(t, store).Due(t.Context(), w.now.AddDate(1, 0, 0), 0)
	require.NoError(t, err)
	require.Equal(t, again, due, "read in one go")

	// Each timer says by which rule, also what was reckoned by an earlier version.
	tasks, err := v.Queue(t.Context(), "winter", w.now)
	require.NoError(t, err)
	rules := map[string]string{}
	for _, k := range tasks {
		if k.Role == "clock" {
			rules[k.Stream] = k.Rule
			require.Equal(t, "Europe/Berlin", k.Zone)
		}
	}
	require.Equal(t, map[string]string{
		"application-x":   "as it was told, by the calendar berlin@2023",
		"application-y":   "when the permit to submit later ends",
		"application-z":   "from the deadline: 2 working days later, by the calendar berlin@2024",
		"match-winter.m1": "as it was told",
	}, rules)

	// What was counted past a calendar stays an exception, and says so.
	list, err := v.Exceptions(t.Context(), "winter")
	require.NoError(t, err)
	var found []projections.Exception
	for _, x := range list {
		if x.Envelope.Name == "offer.made" {
			found = append(found, x)
		}
	}
	require.Len(t, found, 1)
	require.Equal(t, []string{"calendar"}, found[0].Kinds)
	require.Contains(t, found[0].Sentence, "; a date that follows from it should be looked at: the calendar berlin@2023 has no holidays of 2024")
}

// A task is due as people were told, and somebody is asked where it would be due
// at another moment by today's time zone data.
func TestAShiftedDueDateIsInTheQueue(t *testing.T) {
	t.Parallel()
	w := &writer{t: t, cycle: "winter", now: start}
	w.add("programme-nemo-121", "programme/nemo-121", programme.DefinitionPublished{Hash: definition.Hash(), Definition: definition})
	w.in("cycle-winter", cycle.Planned{Programme: "nemo-121", Definition: definition.Hash(), Title: "Winter", From: "2023-11", To: "2024-02", Zone: "Europe/Berlin", Year: 2023})
	d := deadline("2023-07-24T00:00")
	w.in("call-winter.mentees", call.Opened{Role: "mentee", Deadline: d, Opened: w.now})
	due := func(days int) time.Time {
		at, err := when.Offset{Days: days, At: "17:00"}.From(w.now, "Europe/Berlin", when.Calendar{})
		require.NoError(t, err)
		return at
	}
	open := func(key string, plan programme.Task, at time.Time) task.Matter {
		m := task.Matter{Key: key, About: task.About{Call: "mentees"}}
		plan.Task, plan.Role, plan.Text = key, "coordinator", "Look at "+key
		w.in(task.ID{Task: task.New("cause", key)}.Stream(), task.Opened{Matter: m, Cycle: "winter", Cause: "cause", Plan: plan, Zone: "Europe/Berlin", Role: "coordinator", At: w.now, Due: at})
		return m
	}
	three := programme.Task{On: "call.opened", Due: when.Offset{Days: 3, At: "17:00"}}
	open("right", three, due(3))
	open("shifted", three, due(3).Add(time.Hour))
	follows := programme.Task{On: "call.opened", DueFrom: "deadline"}
	open("untold", follows, time.Time{})
	m := open("told", follows, time.Time{})
	w.in(task.ID{Task: task.New("cause", "told")}.Stream(), task.Reminded{Matter: m, Role: "coordinator", Due: d.Instant.Add(time.Hour), Deadline: d.Instant})

	store := memory.New()
	v := views(t, store)
	write(t, store, w.facts)
	require.NoError(t, v.CatchUp(t.Context()))
	asked := func(now time.Time) (said []string) {
		list, err := v.Queue(t.Context(), "winter", now)
		require.NoError(t, err)
		for _, k := range list {
			if k.Kind == "zone" {
				said = append(said, k.Command+": "+k.Words)
			}
		}
		return said
	}
	local := due(3).In(time.FixedZone("", 2*60*60)).Format("Mon 2 Jan 2006 15:04")
	require.Equal(t, []string{
		"task.complete: call mentees: Look at shifted: due " + local + " Europe/Berlin was recorded as " + due(3).Add(time.Hour).UTC().Format(time.RFC3339) +
			", which stands; by the time zone data of this machine it would be " + due(3).UTC().Format(time.RFC3339) + "; tell whoever does it which holds",
		"task.complete: call mentees: Look at told: due Mon 24 Jul 2023 00:00 Europe/Berlin was recorded as 2023-07-23T23:00:00Z" +
			", which stands; by the time zone data of this machine it would be 2023-07-23T22:00:00Z; tell whoever does it which holds",
	}, asked(start))
	require.Empty(t, asked(d.Instant.Add(2*time.Hour)), "it is over")
}
