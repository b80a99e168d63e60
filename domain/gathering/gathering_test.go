package gathering_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/cycle"
	"github.com/daybook-engine/daybook/domain/domaintest"
	. "github.com/daybook-engine/daybook/domain/gathering"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/when"
)

type events = []Event

const mia, ana domain.Person = "0b9a2a52-7d0c-4a25-8f0f-3f1d8b6a5c11", "7c1d2f3e-4b5a-4968-9786-a5b4c3d2e1f0"

func TestGathering(t *testing.T) {
	t.Parallel()
	type row = domaintest.Row[State, Event]
	const day, eve = "2017-09-13T18:00 Europe/London", "2017-09-12T18:00 Europe/London"
	id := ID{Cycle: "pilot", Gathering: "september"}
	plan := programme.Stage{Stage: "supervision", Kind: "supervision", Text: "Supervision event", For: []string{"mentor"}}
	at := At{Local: "2017-09-13T10:00", Zone: "Europe/London", Mode: "in_person", Minutes: 120}
	slot := Slot{Local: at.Local, Zone: at.Zone, Start: domaintest.At("2017-09-13T10:00 Europe/London"), Mode: at.Mode, Minutes: 120}
	later, moved := at, slot
	later.Local, moved.Local, moved.Start = "2017-09-13T11:00", "2017-09-13T11:00", domaintest.At("2017-09-13T11:00 Europe/London")
	announce := Announce{ID: id, Stage: "supervision", At: at, Plan: plan}
	with := func(change func(*Announce)) Announce {
		c := announce
		change(&c)
		return c
	}
	announced := events{Announced{Stage: "supervision", Kind: "supervision", For: []string{"mentor"}, Title: "Supervision event", Slot: slot}}
	there := func(p domain.Person, minutes int, marks ...string) AttendanceRecorded {
		return AttendanceRecorded{Person: p, Present: minutes > 0, Minutes: minutes, Stage: "supervision", Kind: "supervision", Nonconformities: marks}
	}
	record := func(p domain.Person, minutes int) RecordAttendance {
		return RecordAttendance{ID: id, Person: p, Minutes: minutes}
	}
	correct := func(minutes int) CorrectAttendance { return CorrectAttendance{record(mia, minutes)} }
	was := slices.Concat(announced, events{there(mia, 120)})
	off := slices.Concat(announced, events{Cancelled{}})
	over := record(ana, 60)
	over.Over = true

	domaintest.Run(t, []row{
		{Name: "people are asked to come", Now: eve, When: announce, Then: announced},
		{Name: "under a name of its own", Now: eve, When: with(func(c *Announce) { c.Title = "Second group" }), Then: events{
			Announced{Stage: "supervision", Kind: "supervision", For: []string{"mentor"}, Title: "Second group", Slot: slot},
		}},
		{Name: "once", Given: announced, Now: eve, When: with(func(c *Announce) { c.Minutes = 60 }), Err: ErrAnnounced},
		{Name: "not when it was called off", Given: off, Now: eve, When: announce, Err: ErrCancelled},
		{Name: "at a stage where people gather", Now: eve, When: with(func(c *Announce) { c.Plan.Kind = "review" }), Err: ErrStage},
		{Name: "that there is", Now: eve, When: with(func(c *Announce) { c.Plan = programme.Stage{} }), Err: ErrStage},
		{Name: "not in a cycle that is closed", Now: eve, When: with(func(c *Announce) { c.Over = true }), Err: cycle.ErrClosed},
		{Name: "at a time that the clocks show", Now: eve, When: with(func(c *Announce) { c.Local = "2017-03-26T01:30" }), Err: when.ErrTimeInGap},
		{Name: "for some time", Now: eve, When: with(func(c *Announce) { c.Minutes = 0 }), Err: ErrMinutes},

		{Name: "it is moved", Given: announced, Now: eve, When: Reschedule{id, later}, Then: events{Rescheduled{Was: slot, Now: moved, Sequence: 1}}},
		{Name: "and again", Given: slices.Concat(announced, events{Rescheduled{Was: slot, Now: moved, Sequence: 1}}), Now: eve, When: Reschedule{id, at}, Then: events{Rescheduled{Was: moved, Now: slot, Sequence: 2}}},
		{Name: "not what was called off", Given: off, Now: eve, When: Reschedule{id, later}, Err: ErrCancelled},
		{Name: "nor what is not there", Now: eve, When: Reschedule{id, later}, Err: ErrUnknown},
		{Name: "it is called off", Given: announced, Now: eve, When: Cancel{id}, Then: events{Cancelled{}}},
		{Name: "if it is there", Now: eve, When: Cancel{id}, Err: ErrUnknown},

		{Name: "who was there is recorded afterwards", Given: announced, Now: day, When: record(mia, 120), Then: events{there(mia, 120)}},
		{Name: "and not before", Given: announced, Now: eve, When: record(mia, 120), Err: ErrFuture},
		{Name: "each for as long as it was", Given: was, Now: day, When: record(ana, 45), Then: events{there(ana, 45)}},
		{Name: "whole minutes of one day", Given: announced, Now: day, When: record(mia, 1441), Err: ErrMinutes},
		{Name: "not twice otherwise", Given: was, Now: day, When: record(mia, 60), Err: ErrRecorded},
		{Name: "nor where nobody was asked to come", Now: day, When: record(mia, 60), Err: ErrUnknown},
		{Name: "whoever came although it was called off was there", Given: off, Now: day, When: record(mia, 60), Then: events{there(mia, 60, "gathering_cancelled")}},
		{Name: "also when the cycle is closed", Given: announced, Now: day, When: over, Then: events{there(ana, 60, "after_cycle_close")}},

		{Name: "a record is corrected", Given: was, Now: day, When: correct(90), Then: events{AttendanceCorrected(there(mia, 90))}},
		{Name: "to that they were not there", Given: was, Now: day, When: correct(0), Then: events{AttendanceCorrected(there(mia, 0))}},
		{Name: "and back", Given: slices.Concat(was, events{AttendanceCorrected(there(mia, 0))}), Now: day, When: correct(120), Then: events{AttendanceCorrected(there(mia, 120))}},
		{Name: "not to what cannot be", Given: was, Now: day, When: correct(-1), Err: ErrMinutes},
		{Name: "where there is one", Given: announced, Now: day, When: correct(90), Err: ErrNoRecord},
		{Name: "of a gathering that there is", Now: day, When: correct(90), Err: ErrUnknown},
	})

	var s State
	for _, e := range was {
		s = s.Apply(e)
	}
	require.True(t, s.Attended(mia))
	require.False(t, s.Attended(ana))
	require.False(t, s.Apply(AttendanceCorrected(there(mia, 0))).Attended(mia))
	require.Equal(t, "supervision", s.Stage())
	require.True(t, correct(90).Corrects(there(mia, 120)))
	require.True(t, correct(90).Corrects(AttendanceCorrected(there(mia, 60))))
	require.False(t, correct(90).Corrects(there(ana, 120)))
	require.False(t, correct(90).Corrects(Cancelled{}))
	require.Equal(t, []string{"x"}, there(mia, 1, "x").Marks())
	require.Equal(t, []string{"x"}, AttendanceCorrected(there(mia, 1, "x")).Marks())
}

func TestAGatheringIsNamedWithinItsCycle(t *testing.T) {
	t.Parallel()
	id := ID{Cycle: "pilot", Gathering: "september"}
	require.NoError(t, id.Check())
	require.Equal(t, "gathering-pilot.september", id.Stream())
	require.Equal(t, "cycle/pilot", id.Book())
	require.Equal(t, id, ParseStream(id.Stream()))
	require.ErrorIs(t, ID{Cycle: "pilot", Gathering: "13 September"}.Check(), domain.ErrSlug)
	require.ErrorIs(t, ID{Gathering: "september"}.Check(), domain.ErrSlug)
}
