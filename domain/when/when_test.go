package when_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/when"
)

func utc(t require.TestingT, text string) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	require.NoError(t, err)
	return at.UTC()
}

func TestADeadlineIsTheInstantThatItsWordsMean(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		deadline when.Deadline
		instant  string
		err      error
	}{
		"S1 and T3, before 31 July":      {when.Deadline{Local: "2023-07-31T00:00", Zone: "Europe/Berlin", Rule: when.Before, Published: "Apply before 31 July"}, "2023-07-30T22:00:00Z", nil},
		"T4, 10am British Summer Time":   {when.Deadline{Local: "2017-04-24T10:00", Zone: "Europe/London", Rule: when.By, Published: "10am on Monday 24 April 2017"}, "2017-04-24T09:00:00Z", nil},
		"with seconds, in UTC":           {when.Deadline{Local: "2023-07-31T23:59:59", Zone: "UTC", Rule: when.By}, "2023-07-31T23:59:59Z", nil},
		"T1, the wrong weekday":          {when.Deadline{Local: "2017-05-16T09:00", Zone: "Europe/London", Rule: when.By, Published: "Monday 16 May 2017"}, "", when.ErrWeekdayMismatch},
		"T1, overridden for a reason":    {when.Deadline{Local: "2017-05-16T09:00", Zone: "Europe/London", Rule: when.By, Published: "Monday 16 May 2017", Override: "as printed"}, "2017-05-16T08:00:00Z", nil},
		"an override needs a reason":     {when.Deadline{Local: "2017-05-16T09:00", Zone: "Europe/London", Rule: when.By, Published: "Monday 16 May 2017", Override: " "}, "", when.ErrWeekdayMismatch},
		"no rule":                        {when.Deadline{Local: "2017-05-16T09:00", Zone: "Europe/London"}, "", when.ErrRuleUnknown},
		"a day without an hour":          {when.Deadline{Local: "2017-05-16", Zone: "Europe/London", Rule: when.By}, "", when.ErrLocalMalformed},
		"no zone":                        {when.Deadline{Local: "2017-05-16T09:00", Rule: when.By}, "", when.ErrZoneUnknown},
		"a time the clocks skip":         {when.Deadline{Local: "2024-03-31T02:30", Zone: "Europe/Berlin", Rule: when.By}, "", when.ErrTimeInGap},
		"a time the clocks show twice":   {when.Deadline{Local: "2024-10-27T02:30", Zone: "Europe/Berlin", Rule: when.By}, "", when.ErrTimeAmbiguous},
		"an instant given is recomputed": {when.Deadline{Local: "2023-07-31T00:00", Zone: "UTC", Rule: when.By, Instant: time.Unix(0, 0)}, "2023-07-31T00:00:00Z", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := row.deadline.Resolve()
			if row.err != nil {
				require.ErrorIs(t, err, row.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, utc(t, row.instant), got.Instant)
			row.deadline.Instant = got.Instant
			require.Equal(t, row.deadline, got, "nothing else changes")
		})
	}
}

func TestApplyBefore31JulyIsOneInstantForTbilisiAndLisbon(t *testing.T) {
	t.Parallel()
	d, err := when.Deadline{Local: "2023-07-31T00:00", Zone: "Europe/Berlin", Rule: when.Before, Published: "Apply before 31 July"}.Resolve()
	require.NoError(t, err)

	tbilisi, err := when.Parse("2023-07-31T00:30 Asia/Tbilisi")
	require.NoError(t, err)
	require.Equal(t, utc(t, "2023-07-30T20:30:00Z"), tbilisi)
	require.True(t, d.Met(tbilisi))

	lisbon, err := when.Parse("2023-07-30T23:30 Europe/Lisbon")
	require.NoError(t, err)
	require.False(t, d.Met(lisbon))
	require.False(t, d.Met(d.Instant))
}

func TestFourOClockInLondonMovesWithTheClocks(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2023-10-24T16:00 Europe/London": "2023-10-24T15:00:00Z",
		"2023-10-31T16:00 Europe/London": "2023-10-31T16:00:00Z",
		"2023-06-19T09:00 Europe/Berlin": "2023-06-19T07:00:00Z",
		"2023-06-19T09:00:00+02:00":      "2023-06-19T07:00:00Z",
		"2011-12-31T00:00 Pacific/Apia":  "2011-12-30T10:00:00Z", // the day after the one it skipped
	} {
		got, err := when.Parse(text)
		require.NoError(t, err, text)
		require.Equal(t, utc(t, want), got, text)
	}
}

func TestWhatIsNotATimeIsRefusedWithBothForms(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "tomorrow", "2023-06-19", "2023-06-19T09:00", "2023-06-19 09:00 Europe/Berlin", "19/06/2023 09:00", "2023-06-19T09:00:00+02:00 Europe/Berlin"} {
		_, err := when.Parse(text)
		require.ErrorIs(t, err, when.ErrTimeMalformed, text)
		require.ErrorIs(t, err, domain.Invalid)
		require.ErrorContains(t, err, "2023-06-19T09:00 Europe/Berlin or 2023-06-19T09:00:00+02:00")
	}
	_, err := when.Parse("2023-06-19T09:00 CEST")
	require.ErrorIs(t, err, when.ErrZoneAbbreviation)
	for _, text := range []string{"2023-06-19T9:00", "2023-06-19T09:00:00.5", "2023-02-30T09:00", "2023-06-19T24:00", "2023-06-19T09:00Z"} {
		_, err := when.Local(text, "Europe/Berlin")
		require.ErrorIs(t, err, when.ErrLocalMalformed, text)
	}
}

func TestAZoneIsAnAreaAndAPlace(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]error{
		"Europe/Berlin": nil, "America/Argentina/Ushuaia": nil, "UTC": nil,
		"PST": when.ErrZoneAbbreviation, "CEST": when.ErrZoneAbbreviation, "EST": when.ErrZoneAbbreviation, "GMT": when.ErrZoneAbbreviation,
		"EST5EDT": when.ErrZoneAbbreviation, "+02:00": when.ErrZoneAbbreviation, "Etc/GMT-2": when.ErrZoneAbbreviation, "Z": when.ErrZoneAbbreviation,
		"": when.ErrZoneUnknown, "Local": when.ErrZoneUnknown, "Europe/Atlantis": when.ErrZoneUnknown, "Europe/": when.ErrZoneUnknown, "Berlin": when.ErrZoneUnknown,
		"posix/Europe/Berlin": when.ErrZoneUnknown, "right/Europe/Berlin": when.ErrZoneUnknown, "Europe/../Europe/Berlin": when.ErrZoneUnknown, "europe/berlin": when.ErrZoneUnknown,
	} {
		loc, err := when.Zone(name)
		if want == nil {
			require.NoError(t, err, name)
			require.Equal(t, name, loc.String())
			continue
		}
		require.ErrorIs(t, err, want, name)
		require.ErrorContains(t, err, "Europe/Berlin")
	}
	for name, near := range map[string]string{"London": "; did you mean Europe/London?", "New York": "; did you mean America/New_York?", "europe/london": "; did you mean Europe/London?", "Europe/new_york": "; did you mean America/New_York?"} {
		_, err := when.Zone(name)
		require.ErrorContains(t, err, near)
	}
	_, err := when.Zone("Lodon")
	require.NotContains(t, err.Error(), "did you mean")
}

func TestARefusedLocalTimeSaysWhatTheClocksDid(t *testing.T) {
	t.Parallel()
	_, err := when.Local("2024-03-31T02:30", "Europe/Berlin")
	require.ErrorContains(t, err, "in Europe/Berlin the clocks went from 2024-03-31T02:00 straight to 2024-03-31T03:00")
	_, err = when.Local("2011-12-30T12:00", "Pacific/Apia")
	require.ErrorContains(t, err, "from 2011-12-30T00:00 straight to 2011-12-31T00:00")
	_, err = when.Local("2024-10-27T02:30", "Europe/Berlin")
	require.ErrorContains(t, err, "it was 2024-10-27T02:30:00+02:00 and again 2024-10-27T02:30:00+01:00")
	for text, want := range map[string]string{"2024-03-31T01:59:59": "2024-03-31T00:59:59Z", "2024-03-31T03:00": "2024-03-31T01:00:00Z", "2024-10-27T03:00": "2024-10-27T02:00:00Z"} {
		got, err := when.Local(text, "Europe/Berlin")
		require.NoError(t, err, text)
		require.Equal(t, utc(t, want), got)
	}
}

func TestTheLastDayOfALeapYearEnds(t *testing.T) {
	t.Parallel()
	for _, zone := range []string{"Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns"} {
		for _, wall := range []string{"2040-12-30T23:30", "2040-12-31T12:00", "2040-12-31T23:30", "2041-01-01T00:30"} {
			got, err := when.Local(wall, zone)
			require.NoError(t, err)
			loc, err := when.Zone(zone)
			require.NoError(t, err)
			require.Equal(t, wall, got.In(loc).Format("2006-01-02T15:04"))
		}
	}
}

func TestAPublishedWordingNamesTheDeadline(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ local, published, because string }{
		{"2026-11-21T19:46", "by 19:46 on 21 November", ""},
		{"2026-11-21T19:46", "by 19:46 on 22 November", "it names 22 November 2026, and the deadline is on 21 November 2026"},
		{"2026-11-21T19:46", "by 20:00 on 21 November", "it names 20:00, and the deadline is at 19:46"},
		{"2026-11-21T19:46", "by 21 November 2025", "it names 21 November 2025, and"},
		{"2026-11-21T17:00", "by 5pm, that is 4 p.m. in London, on Saturday 21 November", ""},
		{"2026-11-21T17:00", "by 5.30 pm", "it names 17:30, and"},
		{"2026-11-21T17:00", "by 17.00 on 21.11.2026", ""}, // no hour and no date in English
		{"2026-11-21T12:00", "no later than noon, or 12pm", ""},
		{"2026-11-21T12:00", "by 12am", "it names 00:00, and the deadline is at 12:00"},
		{"2026-11-21T17:00", "open from 1 to 21 November, 2026-11-01 to 2026-11-21", ""},
		{"2026-11-21T17:00", "extended from 14 November to 28 November", "it names 14 November 2026, and"},
		{"2026-11-21T00:00", "before 21 November", ""},
		{"2026-11-21T00:00", "by the end of 20 November, at midnight", ""},
		{"2026-11-21T00:00", "by 24:00 on 20 November", ""},
		{"2026-11-21T00:00", "by 23:59 on 20 November", ""},
		{"2026-11-21T00:00", "by 19 November", "it names 19 November 2026, and"},
		{"2026-11-20T23:59", "by midnight on 20 November", ""},
		{"2026-11-20T23:59", "by 21 November", "it names 21 November 2026, and"},
		{"2026-11-20T17:00", "in good time, by 12 on any day, in ratio 1:1, 25:00, 13pm", ""},
	} {
		_, err := when.Deadline{Local: row.local, Zone: "Europe/Berlin", Rule: when.By, Published: row.published}.Resolve()
		if row.because == "" {
			require.NoError(t, err, row.published)
			continue
		}
		require.ErrorIs(t, err, when.ErrWordingMismatch, row.published)
		require.ErrorContains(t, err, row.because)
		_, err = when.Deadline{Local: row.local, Zone: "Europe/Berlin", Rule: when.By, Published: row.published, Override: "as_printed"}.Resolve()
		require.NoError(t, err)
	}
}

func TestAPublishedWeekdayIsThatOfItsDate(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		published, date string
		fits            bool
	}{
		{"Monday 16 May 2017", "2017-05-16", false}, // T1
		{"Tuesday 16 May 2017", "2017-05-16", true},
		{"Tuesday, May 16th, 2017", "2017-05-17", true}, // the written date counts
		{"Monday, 16 May 2017", "2017-05-15", false},
		{"10am on Monday 24 April 2017", "2017-04-24", true}, // T4
		{"supervision in September 2017", "2017-09-01", true},
		{"5pm Monday 23 September 2018", "2018-09-23", false},
		{"Tues May 29", "2024-05-29", false},
		{"Tues June 12", "2024-06-12", false},
		{"Weds June 12", "2024-06-12", true},
		{"Apply before 31 July", "2023-07-31", true},
		{"by the end of Sunday 30 July", "2023-07-31", true},
		{"by the end of Sunday, the 31st of December", "2024-01-01", true}, // 2023's, the nearest
		{"by the end of Friday", "2023-07-31", false},
		{"by Monday", "2023-07-31", true},
		{"MONDAY at noon", "2023-08-01", false},
		{"16 May 2017 (Monday)", "2017-05-16", false},
		{"Monday 15 May, Tuesday 16 May or Thursday 17 May", "2017-05-16", false},
		{"Monday to Wednesday 17 May", "2017-05-17", true},
		{"Monday to Friday, until 31 July", "2023-07-31", true},
		{"2017-05-16, a Monday", "2017-05-16", false},
		{"Samstag, 15. November 2026", "2026-11-15", false},
		{"bis Sonntag, 15. November 2026, 12 Uhr", "2026-11-15", true},
		{"am Mittwoch, dem 4. März", "2026-03-04", true},
		{"4. März 2026 (Montag)", "2026-03-04", false},
		{"Sonnabend, 7. März 2026", "2026-03-07", true},
		{"as the sun rose, we sat and wed", "2023-08-01", true},
		{"", "2023-08-01", true},
	} {
		date, err := time.Parse(time.DateOnly, row.date)
		require.NoError(t, err)
		err = when.CheckWeekday(row.published, date)
		if row.fits {
			require.NoError(t, err, row.published)
		} else {
			require.ErrorIs(t, err, when.ErrWeekdayMismatch, row.published)
		}
	}
	require.ErrorContains(t, when.CheckWeekday("Monday 16 May 2017", utc(t, "2017-05-16T00:00:00Z")), "16 May 2017 is a Tuesday, not a Monday")
}

func TestAPartialDateIsASpan(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ partial, words, start, end string }{
		{"2023", "2023", "2022-12-31T23:00:00Z", "2023-12-31T22:59:59.999999999Z"},
		{"2017-09", "September 2017", "2017-08-31T22:00:00Z", "2017-09-30T21:59:59.999999999Z"}, // T5
		{"2023-09-13", "13 September 2023", "2023-09-12T22:00:00Z", "2023-09-13T21:59:59.999999999Z"},
		{"2020-21", "spring 2020", "2020-02-29T23:00:00Z", "2020-05-31T21:59:59.999999999Z"},
		{"2020-22", "summer 2020", "2020-05-31T22:00:00Z", "2020-08-31T21:59:59.999999999Z"},
		{"2020-23", "autumn 2020", "2020-08-31T22:00:00Z", "2020-11-30T22:59:59.999999999Z"},
		{"2023-24", "winter 2023–24", "2023-11-30T23:00:00Z", "2024-02-29T22:59:59.999999999Z"},
	} {
		p := when.Partial(row.partial)
		require.NoError(t, p.Check())
		require.Equal(t, row.words, p.Words())
		start, err := p.Start("Europe/Berlin")
		require.NoError(t, err)
		require.Equal(t, utc(t, row.start), start, row.partial)
		end, err := p.End("Europe/Berlin")
		require.NoError(t, err)
		require.Equal(t, utc(t, row.end), end, row.partial)
	}
	for _, p := range []when.Partial{"", "23", "2023-13", "2023-00", "2023-20", "2023-25", "2023-02-29", "2023-9", "2023/09", "2023-09-1x", "202324", "2023x21", "autumn 2023", "2023-09-13T10:00"} {
		require.ErrorIs(t, p.Check(), when.ErrDateMalformed, string(p))
		require.Equal(t, string(p), p.Words())
		_, err := p.End("Europe/Berlin")
		require.ErrorIs(t, err, when.ErrDateMalformed)
	}
	_, err := when.Partial("2023").Start("CET")
	require.ErrorIs(t, err, when.ErrZoneAbbreviation)
}

func TestAnOffsetIsCountedOnTheWall(t *testing.T) {
	t.Parallel()
	christmas := when.Calendar{Name: "England", Version: "2023", Holidays: []string{"2023-12-25", "2023-12-26", "2024-01-01"}}
	for _, row := range []struct {
		offset             when.Offset
		words, anchor, due string
	}{
		{when.Offset{}, "at once", "2023-10-28T16:00 Europe/London", "2023-10-28T15:00:00Z"},
		{when.Offset{Days: 1}, "1 day later", "2023-10-28T16:00 Europe/London", "2023-10-29T16:00:00Z"}, // 25 hours
		{when.Offset{Hours: 24}, "24 hours later", "2023-10-28T16:00 Europe/London", "2023-10-29T15:00:00Z"},
		{when.Offset{Days: -7, At: "09:00"}, "7 days earlier, at 09:00", "2023-10-31T16:00 Europe/London", "2023-10-24T08:00:00Z"},
		{when.Offset{At: "17:00"}, "the same day, at 17:00", "2023-10-31T16:00 Europe/London", "2023-10-31T17:00:00Z"},
		{when.Offset{WorkingDays: 5, At: "17:00"}, "5 working days later, at 17:00", "2023-12-20T16:00 Europe/London", "2023-12-29T17:00:00Z"},
		{when.Offset{WorkingDays: 1}, "1 working day later", "2023-10-28T16:00 Europe/London", "2023-10-30T16:00:00Z"},
		{when.Offset{WorkingDays: -1}, "1 working day earlier", "2023-12-27T16:00 Europe/London", "2023-12-22T16:00:00Z"},
		{when.Offset{Days: 14, WorkingDays: -1}, "14 days later, then 1 working day earlier", "2023-10-02T10:00 Europe/London", "2023-10-13T09:00:00Z"},
		{when.Offset{Days: 1}, "1 day later", "2024-03-30T01:30 Europe/London", "2024-03-31T01:00:00Z"}, // skipped: the first after the jump
		{when.Offset{Days: 1}, "1 day later", "2024-10-26T01:30 Europe/London", "2024-10-27T00:30:00Z"}, // shown twice: the first
		{when.Offset{WorkingDays: 1}, "1 working day later", "2023-09-29T00:30 Asia/Tbilisi", "2023-10-01T20:30:00Z"},
	} {
		require.NoError(t, row.offset.Check())
		require.Equal(t, row.words, row.offset.Words())
		anchor, err := when.Parse(row.anchor)
		require.NoError(t, err)
		got, err := row.offset.From(anchor, row.anchor[len("2023-10-28T16:00 "):], christmas)
		require.NoError(t, err)
		require.Equal(t, utc(t, row.due), got, "%v from %s", row.offset, row.anchor)
	}

	second := utc(t, "2024-10-27T01:30:00Z") // 01:30 in London for the second time
	got, err := when.Offset{Hours: 1}.From(second, "Europe/London", when.Calendar{})
	require.NoError(t, err)
	require.Equal(t, second.Add(time.Hour), got)
}

func TestAnOffsetThatMakesNoSenseIsRefused(t *testing.T) {
	t.Parallel()
	for _, o := range []when.Offset{{At: "5pm"}, {At: "9:00"}, {At: "24:00"}, {At: "09:00:00"}, {Hours: 2, At: "09:00"}, {Days: 1e6}, {WorkingDays: -1e6}, {Hours: 1e9}} {
		require.ErrorIs(t, o.Check(), when.ErrOffsetMalformed, "%v", o)
		_, err := o.From(time.Unix(0, 0), "Europe/London", when.Calendar{})
		require.ErrorIs(t, err, when.ErrOffsetMalformed)
	}
	_, err := when.Offset{Days: 1}.From(time.Unix(0, 0), "BST", when.Calendar{})
	require.ErrorIs(t, err, when.ErrZoneAbbreviation)
	_, err = when.Offset{Days: 1}.From(time.Unix(0, 0), "Europe/London", when.Calendar{Holidays: []string{"25 December"}})
	require.ErrorIs(t, err, when.ErrDateMalformed)
}

func TestJSONLeavesOutWhatIsNotKnown(t *testing.T) {
	t.Parallel()
	d := when.Deadline{Local: "2023-07-31T00:00", Zone: "Europe/Berlin", Rule: when.Before, Published: "Apply before 31 July"}
	body, err := json.Marshal(d)
	require.NoError(t, err)
	require.JSONEq(t, `{"local":"2023-07-31T00:00","zone":"Europe/Berlin","rule":"before","published":"Apply before 31 July"}`, string(body))
	d, err = d.Resolve()
	require.NoError(t, err)
	body, err = json.Marshal(d)
	require.NoError(t, err)
	var again when.Deadline
	require.NoError(t, json.Unmarshal(body, &again))
	require.Equal(t, d, again)

	body, err = json.Marshal(when.Offset{WorkingDays: 5, At: "17:00"})
	require.NoError(t, err)
	require.JSONEq(t, `{"working_days":5,"at":"17:00"}`, string(body))
}

// zones have whole-hour, half-hour and thirty-minute changes, changes at
// midnight, a skipped day, and none.
func zones() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{"UTC", "Europe/Berlin", "Europe/London", "Asia/Tbilisi", "Australia/Lord_Howe", "America/Sao_Paulo", "America/St_Johns", "Pacific/Apia", "Africa/Casablanca", "Asia/Manila", "America/Havana"})
}

func times() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		return time.Unix(rapid.Int64Range(-5_000_000_000, 5_000_000_000).Draw(t, "unix"), 0).UTC()
	})
}

func TestALocalTimeIsWhatItsInstantShows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		zone, wall := zones().Draw(t, "zone"), times().Draw(t, "wall").Format("2006-01-02T15:04:05")
		d, err := when.Deadline{Local: wall, Zone: zone, Rule: when.By}.Resolve()
		if errors.Is(err, when.ErrTimeInGap) || errors.Is(err, when.ErrTimeAmbiguous) {
			return
		}
		require.NoError(t, err)
		loc, err := when.Zone(zone)
		require.NoError(t, err)
		require.Equal(t, wall, d.Instant.In(loc).Format("2006-01-02T15:04:05"))
	})
}

func TestEveryInstantIsFoundByWhatItsClockShowsOrIsTwofold(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		zone, at := zones().Draw(t, "zone"), times().Draw(t, "at")
		loc, err := when.Zone(zone)
		require.NoError(t, err)
		// Half the draws are close to a change of the clocks.
		if _, change := at.In(loc).ZoneBounds(); !change.IsZero() && rapid.Bool().Draw(t, "close") {
			at = change.Add(time.Duration(rapid.IntRange(-7200, 7200).Draw(t, "off")) * time.Second).UTC()
		}
		shown := at.In(loc).Format("2006-01-02T15:04:05")
		got, err := when.Local(shown, zone)
		if errors.Is(err, when.ErrTimeAmbiguous) {
			return
		}
		require.NoError(t, err, shown)
		require.Equal(t, at, got)
	})
}

func TestByAndBeforeDifferAtTheInstantAlone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		at := times().Draw(t, "at")
		received := at.Add(time.Duration(rapid.Int64Range(-3, 3).Draw(t, "off")))
		by := when.Deadline{Rule: when.By, Instant: at}.Met(received)
		before := when.Deadline{Rule: when.Before, Instant: at}.Met(received)
		require.Equal(t, received.Equal(at), by != before)
		require.False(t, when.Deadline{Instant: at}.Met(received))
	})
}

func TestWorkingDaysNeverLandOnADayOff(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		zone, anchor := zones().Draw(t, "zone"), times().Draw(t, "anchor")
		days := rapid.IntRange(1, 60).Draw(t, "days") * rapid.SampledFrom([]int{1, -1}).Draw(t, "way")
		loc, err := when.Zone(zone)
		require.NoError(t, err)
		var c when.Calendar
		for _, off := range rapid.SliceOfN(rapid.IntRange(-90, 90), 0, 20).Draw(t, "holidays") {
			c.Holidays = append(c.Holidays, anchor.AddDate(0, 0, off).Format(time.DateOnly))
		}
		got, err := when.Offset{WorkingDays: days, At: "12:00"}.From(anchor, zone, c)
		require.NoError(t, err)
		local := got.In(loc)
		if local.Hour() == 12 { // else Apia skipped the day
			require.True(t, c.IsWorking(local))
			require.NotContains(t, []time.Weekday{time.Saturday, time.Sunday}, local.Weekday())
			require.False(t, slices.Contains(c.Holidays, local.Format(time.DateOnly)))
		}
		require.Equal(t, days > 0, got.After(anchor))
	})
}

// A time in months ends as a day begins, and never slips into another month.
func TestMonthsEndInTheirOwnMonth(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ from, zone, until string }{
		{"2023-08-31T18:00", "Europe/Berlin", "2024-02-29T00:00"},
		{"2023-08-30T23:30", "Europe/Berlin", "2024-02-29T00:00"},
		{"2022-08-31T18:00", "Europe/Berlin", "2023-02-28T00:00"},
		{"2023-10-15T00:00", "America/Santiago", "2024-04-15T00:00"},
		{"2023-03-03T09:00", "America/Santiago", "2023-09-03T01:00"}, // that day's clocks begin at one
	} {
		zone, err := time.LoadLocation(c.zone)
		require.NoError(t, err)
		from, err := time.ParseInLocation("2006-01-02T15:04", c.from, zone)
		require.NoError(t, err)
		until, err := when.Months(from, 6, c.zone)
		require.NoError(t, err)
		require.Equal(t, c.until, until.In(zone).Format("2006-01-02T15:04"))
	}
	_, err := when.Months(time.Unix(0, 0), 1, "Europe/Atlantis")
	require.ErrorIs(t, err, when.ErrZoneUnknown)
}
