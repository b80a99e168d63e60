package calendar_test

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/emersion/go-ical" // reads what another library wrote
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/gathering"
	"github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/when"
	"github.com/daybook-engine/daybook/projections"
	"github.com/daybook-engine/daybook/projections/calendar"
)

var store = uuid.MustParse("5e1c0000-0000-4000-8000-000000000001")

// calendarOf names people as they are identified.
func calendarOf() calendar.Calendar {
	return calendar.Calendar{
		Store: store, Name: func(p domain.Person) string { return string(p) },
		Cycle: projections.Cycle{Cycle: "autumn", Title: "Autumn", Zone: "Europe/Berlin", PlannedAt: time.Date(2023, 6, 3, 7, 0, 0, 0, time.UTC)},
	}
}

// matchOf has sessions at these instants, of up to 90 minutes, numbered from 1.
func matchOf(zone string, starts ...time.Time) projections.Match {
	m := projections.Match{Match: "m1", Stream: "match-autumn.m1", Mentee: "Ana", Mentor: "Mia", Plan: programme.Sessions{MinMinutes: 60, MaxMinutes: 90}}
	for i, start := range starts {
		slot := match.Slot{Zone: zone, Start: start, Mode: "in_person"}
		m.Sessions = append(m.Sessions, projections.Session{Session: i + 1, Slot: slot, Planned: slot, Status: "scheduled", RecordedAt: start.AddDate(0, 0, -7)})
	}
	return m
}

func document(t *testing.T, c calendar.Calendar, matches ...projections.Match) string {
	t.Helper()
	b, _, err := c.Document(matches, nil)
	require.NoError(t, err)
	return string(b)
}

func read(t *testing.T, document string) *ical.Calendar {
	t.Helper()
	cal, err := ical.NewDecoder(strings.NewReader(document)).Decode()
	require.NoError(t, err)
	// It is strict about what a document must have, but only when it writes.
	require.NoError(t, ical.NewEncoder(&bytes.Buffer{}).Encode(cal))
	return cal
}

func text(t *testing.T, e ical.Event, property string) string {
	t.Helper()
	text, err := e.Props.Text(property)
	require.NoError(t, err)
	return text
}

// instantBy reads a time by the document's own VTIMEZONE, as a reader does that
// knows no zone by name: the observance in force is the last that began.
func instantBy(t *testing.T, cal *ical.Calendar, p *ical.Prop) time.Time {
	t.Helper()
	parse := func(layout, text string) time.Time {
		parsed, err := time.Parse(layout, text)
		require.NoError(t, err)
		return parsed
	}
	id := p.Params.Get(ical.PropTimezoneID)
	if id == "" {
		return parse("20060102T150405Z", p.Value)
	}
	wall, began, offset := parse("20060102T150405", p.Value), time.Time{}, ""
	for _, zone := range cal.Children {
		if zone.Name != ical.CompTimezone || zone.Props.Get(ical.PropTimezoneID).Value != id {
			continue
		}
		for _, o := range zone.Children {
			at := parse("20060102T150405", o.Props.Get(ical.PropDateTimeStart).Value)
			if !at.After(wall) && !at.Before(began) {
				began, offset = at, o.Props.Get(ical.PropTimezoneOffsetTo).Value
			}
		}
	}
	layout := "-0700"
	if len(offset) > len(layout) {
		layout = "-070000"
	}
	_, seconds := parse(layout, offset).Zone()
	return wall.Add(-time.Duration(seconds) * time.Second)
}

// Every two hours and a half around the clock changes of all kinds of places,
// and around the last day of a leap year: to a reader that knows the zones, and
// to one that goes by the document, each session begins and ends when it does.
func TestTimesAreRightToEveryReader(t *testing.T) {
	t.Parallel()
	for _, zone := range []string{
		"Europe/London", "Europe/Berlin", "Europe/Sofia", "Asia/Tbilisi", "America/New_York", "Australia/Lord_Howe", // half an hour
		"Europe/Dublin", "Africa/Casablanca", // "daylight saving" in winter
		"Asia/Kolkata", "Pacific/Apia", "America/Sao_Paulo", "Africa/Monrovia", "UTC", "Etc/UTC",
	} {
		for _, day := range []string{"2023-03-26", "2023-10-29", "2023-11-05", "2024-04-07", "2024-12-31", "1972-01-06", "2011-12-30", "2051-10-29"} {
			from, err := time.Parse(time.DateOnly, day)
			require.NoError(t, err)
			var starts []time.Time
			for at := from.Add(-36 * time.Hour); at.Before(from.Add(60 * time.Hour)); at = at.Add(150 * time.Minute) {
				starts = append(starts, at)
			}
			cal := read(t, document(t, calendarOf(), matchOf(zone, starts...)))
			events := cal.Events()
			require.Len(t, events, len(starts))
			for i, e := range events {
				end := starts[i].Add(90 * time.Minute)
				got, err := e.DateTimeStart(nil)
				require.NoError(t, err)
				require.Equal(t, starts[i], got.UTC(), "%s by name", zone)
				got, err = e.DateTimeEnd(nil)
				require.NoError(t, err)
				require.Equal(t, end, got.UTC(), "%s by name", zone)
				require.Equal(t, starts[i], instantBy(t, cal, e.Props.Get(ical.PropDateTimeStart)), "%s by definition", zone)
				require.Equal(t, end, instantBy(t, cal, e.Props.Get(ical.PropDateTimeEnd)), "%s by definition", zone)
			}
		}
	}
}

// Nobody can schedule a session in the hour that occurs twice; but one may end
// in it. The end in local time would be an hour early.
func TestASessionMayEndInTheHourThatOccursTwice(t *testing.T) {
	t.Parallel()
	start, err := when.Local("2023-10-29T00:45", "Europe/London")
	require.NoError(t, err)
	got := document(t, calendarOf(), matchOf("Europe/London", start))
	require.Contains(t, got, "DTSTART;TZID=Europe/London:20231029T004500\r\n")
	require.Contains(t, got, "DTEND:20231029T011500Z\r\n")

	// One that ends after the clocks skipped an hour ends when they say so.
	start, err = when.Local("2023-03-26T00:30", "Europe/London")
	require.NoError(t, err)
	require.Contains(t, document(t, calendarOf(), matchOf("Europe/London", start)), "DTEND;TZID=Europe/London:20230326T030000\r\n")
}

// A session that was called off stays so and keeps its revision, also when it
// was held after all: a reader forgets nothing for a lower SEQUENCE.
func TestASessionCalledOffIsCancelled(t *testing.T) {
	t.Parallel()
	m := matchOf("Europe/London", time.Date(2023, 10, 24, 15, 0, 0, 0, time.UTC))
	was := read(t, document(t, calendarOf(), m)).Events()[0]
	x := &m.Sessions[0]
	x.Sequence, x.CalledOff, x.Status = 2, true, "cancelled"
	for _, status := range []string{"cancelled", "missed", "held"} {
		x.Status = status
		now := read(t, document(t, calendarOf(), m)).Events()[0]
		require.Equal(t, text(t, was, ical.PropUID), text(t, now, ical.PropUID))
		require.Equal(t, "CANCELLED", text(t, now, ical.PropStatus))
		require.Equal(t, "3", now.Props.Get(ical.PropSequence).Value)
	}
	require.Equal(t, "CONFIRMED", text(t, was, ical.PropStatus))
	require.Equal(t, "0", was.Props.Get(ical.PropSequence).Value)

	// Another log may have a match of the same name; it is another session.
	other := calendarOf()
	other.Store = uuid.MustParse("5e1c0000-0000-4000-8000-000000000002")
	require.NotEqual(t, text(t, was, ical.PropUID), text(t, read(t, document(t, other, m)).Events()[0], ical.PropUID))
}

// Lines of more than 75 octets are folded, between characters, and whatever a
// name has in it adds no line.
func TestLinesAreFoldedAndNamesAddNone(t *testing.T) {
	t.Parallel()
	names := map[domain.Person]string{
		"Ana": strings.Repeat("ანა-Nežaščđ🙂", 20), // no space to break at
		"Mia": "Mia\r\nATTENDEE:x\rDESCRIPTION:y; \\n, \"Ackerby\"\x00\u0085",
	}
	c := calendarOf()
	c.Name = func(p domain.Person) string { return names[p] }
	got := document(t, c, matchOf("Europe/London", time.Date(2023, 10, 24, 15, 0, 0, 0, time.UTC)))
	require.True(t, strings.HasSuffix(got, "END:VCALENDAR\r\n"))
	for _, line := range strings.Split(got, "\r\n") {
		require.LessOrEqual(t, len(line), 75)
		require.True(t, utf8.ValidString(line), "%q", line)
		require.NotContains(t, line, "\r")
		require.NotContains(t, line, "\n")
		require.False(t, strings.HasPrefix(line, "ATTENDEE"))
	}
	require.Equal(t, "Session 1: "+names["Ana"]+" and Mia\nATTENDEE:xDESCRIPTION:y; \\n, \"Ackerby\"", text(t, read(t, got).Events()[0], ical.PropSummary))
}

// What nobody planned is nobody's appointment, and a document without any is
// still one.
func TestOnlyWhatWasScheduledIsInIt(t *testing.T) {
	t.Parallel()
	unplanned := matchOf("Europe/London", time.Date(2023, 10, 24, 15, 0, 0, 0, time.UTC))
	unplanned.Sessions[0].Planned = match.Slot{}
	b, sessions, err := calendarOf().Document([]projections.Match{unplanned}, nil)
	require.NoError(t, err)
	require.Zero(t, sessions)
	require.Empty(t, read(t, string(b)).Events())
	require.Contains(t, string(b), "TZID:Europe/Berlin\r\n")

	planned := matchOf("Europe/London", time.Date(2023, 10, 24, 15, 0, 0, 0, time.UTC))
	for whom, sessions := range map[domain.Person]int{"": 1, "Ana": 1, "Mia": 1, "Ben": 0} {
		c := calendarOf()
		c.For = whom
		_, n, err := c.Document([]projections.Match{planned}, nil)
		require.NoError(t, err)
		require.Equal(t, sessions, n, whom)
	}
	planned.Sessions[0].Planned.Zone = "CET"
	_, _, err = calendarOf().Document([]projections.Match{planned}, nil)
	require.ErrorIs(t, err, when.ErrZoneAbbreviation)
}

// A person's own calendar is of all cycles: each session is the entry that it is
// in the calendar of its cycle, also when it was called off.
func TestAPersonHasOneCalendar(t *testing.T) {
	t.Parallel()
	autumn := matchOf("Europe/Berlin", time.Date(2023, 10, 5, 15, 0, 0, 0, time.UTC), time.Date(2023, 10, 12, 15, 0, 0, 0, time.UTC))
	autumn.Sessions[1].CalledOff, autumn.Sessions[1].Sequence = true, 2
	spring := matchOf("Europe/London", time.Date(2024, 4, 4, 15, 0, 0, 0, time.UTC))
	spring.Stream, spring.Mentee = "match-spring.m1", "Ben"
	other := matchOf("Europe/Berlin", time.Date(2024, 4, 5, 15, 0, 0, 0, time.UTC))
	other.Stream, other.Mentor = "match-spring.m2", "Nia"
	c := calendarOf()
	later := projections.Cycle{Cycle: "spring", Title: "Spring", Zone: "Europe/London"}
	seasons := []calendar.Season{{Cycle: later, Matches: []projections.Match{spring, other}}, {Cycle: c.Cycle, Matches: []projections.Match{autumn}}}
	c.For = "Mia"
	b, sessions, err := c.Personal(seasons)
	require.NoError(t, err)
	require.Equal(t, 3, sessions)
	mine := read(t, string(b))
	require.Equal(t, "Mia", mine.Props.Get("NAME").Value)
	byUID := map[string]ical.Event{}
	for _, e := range mine.Events() {
		byUID[text(t, e, ical.PropUID)] = e
	}
	require.Len(t, byUID, 3)
	spr := c
	spr.Cycle = later
	for _, cycle := range []*ical.Calendar{read(t, document(t, c, autumn)), read(t, document(t, spr, spring))} {
		for _, e := range cycle.Events() {
			require.Equal(t, e, byUID[text(t, e, ical.PropUID)])
		}
	}
	require.Contains(t, string(b), "STATUS:CANCELLED")
	require.Contains(t, string(b), "DTSTART;TZID=Europe/London:20240404T160000")

	seasons[1].Cycle.Rehearsal = true
	b, _, err = c.Personal(seasons)
	require.NoError(t, err)
	require.Contains(t, string(b), "NAME:Rehearsal: Mia\r\n")
	b, sessions, err = c.Personal(nil)
	require.NoError(t, err)
	require.Zero(t, sessions)
	read(t, string(b))
}

// Supervision, training and events stand in the calendars of those whom they are
// for, and of who came, and move there as sessions do.
func TestAGatheringIsAnEntryOfThoseWhomItIsFor(t *testing.T) {
	t.Parallel()
	start := time.Date(2023, 9, 13, 9, 0, 0, 0, time.UTC)
	group := projections.Gathering{
		Gathering: "september", Stream: "gathering-autumn.september", Stage: "peer_supervision", For: []string{match.Mentor}, Title: "Supervision, first group",
		Slot: gathering.Slot{Zone: "Europe/London", Start: start, Mode: "in_person", Minutes: 120}, RecordedAt: start.AddDate(0, -1, 0),
		Attendance: []projections.Attendance{{Person: "Zoe", Minutes: 60}, {Person: "Ida"}},
	}
	pair := matchOf("Europe/London")
	pair.Phase = match.Active
	entries := func(c calendar.Calendar, g projections.Gathering) []ical.Event {
		b, _, err := c.Document([]projections.Match{pair}, []projections.Gathering{g})
		require.NoError(t, err)
		return read(t, string(b)).Events()
	}
	all := entries(calendarOf(), group)
	require.Len(t, all, 1)
	require.Equal(t, "Supervision, first group", text(t, all[0], ical.PropSummary))
	require.Equal(t, "Autumn, peer supervision", text(t, all[0], ical.PropDescription))
	require.Equal(t, "20230913T100000", all[0].Props.Get(ical.PropDateTimeStart).Value)
	require.Equal(t, "20230913T120000", all[0].Props.Get(ical.PropDateTimeEnd).Value)

	for who, n := range map[domain.Person]int{"Mia": 1, "Ana": 0, "Zoe": 1, "Ida": 0} {
		c := calendarOf()
		c.For = who
		require.Len(t, entries(c, group), n, who)
		b, _, err := c.Personal([]calendar.Season{{Cycle: c.Cycle, Matches: []projections.Match{pair}, Gatherings: []projections.Gathering{group}}})
		require.NoError(t, err)
		require.Len(t, read(t, string(b)).Events(), n, who)
	}
	everybody := group
	everybody.For = nil
	c := calendarOf()
	c.For = "Ana"
	require.Len(t, entries(c, everybody), 1)

	for phase, n := range map[match.Phase]int{match.Proposal: 0, match.Off: 0, match.Unwinding: 0, match.EndedEarly: 0, match.Complete: 1} {
		pair.Phase = phase
		require.Len(t, entries(c, everybody), n, phase)
	}

	moved := group
	moved.Sequence, moved.Cancelled = 1, true
	off := entries(calendarOf(), moved)
	require.Equal(t, text(t, all[0], ical.PropUID), text(t, off[0], ical.PropUID))
	require.Equal(t, "2", off[0].Props.Get(ical.PropSequence).Value)
	require.Equal(t, "CANCELLED", off[0].Props.Get(ical.PropStatus).Value)
}
