package main_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-ical" // reads what another library wrote
	"github.com/stretchr/testify/require"
)

// appointments are a document's, by the match and the number of the session.
func appointments(t *testing.T, document string) map[string]ical.Event {
	t.Helper()
	cal, err := ical.NewDecoder(strings.NewReader(document)).Decode()
	require.NoError(t, err)
	byName := map[string]ical.Event{}
	for _, e := range cal.Events() {
		match := regexp.MustCompile(`, match (\w+)\.`).FindStringSubmatch(textOf(t, e, ical.PropDescription))
		session := regexp.MustCompile(`^Session (\d+): `).FindStringSubmatch(textOf(t, e, ical.PropSummary))
		byName[match[1]+" "+session[1]] = e
	}
	require.Len(t, byName, len(cal.Events()))
	return byName
}

func textOf(t *testing.T, e ical.Event, property string) string {
	t.Helper()
	text, err := e.Props.Text(property)
	require.NoError(t, err)
	return text
}

func beginsAt(t *testing.T, e ical.Event) string {
	t.Helper()
	start, err := e.DateTimeStart(nil)
	require.NoError(t, err)
	return start.UTC().Format(time.RFC3339)
}

func sequenceOf(t *testing.T, e ical.Event) int {
	t.Helper()
	n, err := strconv.Atoi(e.Props.Get(ical.PropSequence).Value)
	require.NoError(t, err)
	return n
}

// The season in people's calendars: the same hour on the wall on either side of
// the clock change of 29 October 2023, another one in UTC; a session that was
// moved is the same one, later.
func TestTheSeasonInCalendars(t *testing.T) {
	t.Parallel()
	dir := seasonCopy(t)
	of := func(flags ...string) string {
		return daybook(t, dir, append([]string{"calendar", "--cycle", autumn}, flags...)...)
	}
	whole := of()
	require.Equal(t, whole, of(), "the same log, the same bytes")
	now := appointments(t, whole)
	require.Len(t, now, 15)

	for session, start := range map[string]string{"m2 2": "2023-10-24T15:00:00Z", "m2 3": "2023-10-31T16:00:00Z"} {
		require.Equal(t, start, beginsAt(t, now[session]), session)
		require.Equal(t, "Europe/London", now[session].Props.Get(ical.PropDateTimeStart).Params.Get(ical.PropTimezoneID))
		require.Equal(t, "160000", now[session].Props.Get(ical.PropDateTimeStart).Value[9:])
	}
	require.Contains(t, whole, strings.ReplaceAll(`BEGIN:VTIMEZONE
TZID:Europe/London
BEGIN:DAYLIGHT
DTSTART:20230326T010000
TZOFFSETFROM:+0000
TZOFFSETTO:+0100
TZNAME:BST
END:DAYLIGHT
BEGIN:STANDARD
DTSTART:20231029T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0000
TZNAME:GMT
END:STANDARD
END:VTIMEZONE
`, "\n", "\r\n"))

	before := appointments(t, of("--at", "2023-10-03"))
	was, is := before["m1 2"], now["m1 2"]
	require.Equal(t, textOf(t, was, ical.PropUID), textOf(t, is, ical.PropUID))
	require.Equal(t, 0, sequenceOf(t, was))
	require.Equal(t, 1, sequenceOf(t, is))
	require.Equal(t, "2023-10-05T14:00:00Z", beginsAt(t, was))
	require.Equal(t, "2023-10-12T14:00:00Z", beginsAt(t, is))
	require.Equal(t, "20230925T080000Z", was.Props.Get(ical.PropDateTimeStamp).Value, "when it was recorded, not when it was asked for")

	uids := map[string]bool{}
	for session, e := range now {
		uids[textOf(t, e, ical.PropUID)] = true
		status := "CONFIRMED"
		if session == "m3 3" || session == "m5 2" { // cancelled; missed, with notice
			status = "CANCELLED"
			require.Equal(t, 1, sequenceOf(t, e), session)
		}
		require.Equal(t, status, textOf(t, e, ical.PropStatus), session)
	}
	require.Len(t, uids, 15)
	require.Equal(t, "CONFIRMED", textOf(t, before["m3 3"], ical.PropStatus))

	require.Len(t, appointments(t, of("--match", "m3")), 3)
	require.Len(t, appointments(t, of("--for", "p14")), 3, "with the first mentor, and with the other")
	require.Len(t, appointments(t, of("--for", "m6", "--match", "m4b")), 2)
}

// A calendar has the names of the two, and nothing else of what is sealed.
func TestACalendarHasNoPrivateTextButNames(t *testing.T) {
	t.Parallel()
	dir := seasonCopy(t)
	whole := daybook(t, dir, "calendar", "--cycle", autumn)
	unfolded := strings.ReplaceAll(whole, "\r\n ", "")
	summary := regexp.MustCompile(`SUMMARY:Session [1-3]: [\pL -]+ and [\pL -]+\r\n`)
	require.Len(t, summary.FindAllString(unfolded, -1), 15)
	rest := summary.ReplaceAllString(unfolded, "")
	require.Empty(t, findCanary([]byte(rest), privateTexts(t, "rehearsals/nemo-2023-autumn.yaml", "rehearsals/nemo-2023-spring.yaml")))
	require.NotContains(t, rest, "SUMMARY")
}
