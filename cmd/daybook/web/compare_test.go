package web_test

import (
	"html"
	"net/http"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain/cycle"
)

// Two dates of a cycle stand side by side, the earlier first, whichever was
// asked for first; each number leads to what it counts.
func TestTwoDatesAreCompared(t *testing.T) {
	t.Parallel()
	h := filled(t).pages(nil)
	for _, query := range []string{"?then=2023-08-23&at=2023-09-30", "?at=2023-08-23&then=2023-09-30"} {
		page := get(t, h, "/cycles/autumn/compare"+query)
		wellMade(t, query, page)
		require.Regexp(t, `(?s)>End of 23 August 2023<.*>End of 30 September 2023<`, page)
		require.Regexp(t, `Places filled in the cycle</th><td[^>]*><a[^>]*/figures/places_filled\?at=2023-08-23">0<.*/figures/places_filled\?at=2023-09-30">1<.*<strong>&#43;1</strong>`, page)
		require.Regexp(t, `Accepted</th>.*at=2023-08-23[^>]*">0<.*at=2023-09-30[^>]*">1<.*<strong>&#43;1</strong>`, page)
	}
	since := get(t, h, "/cycles/autumn/compare?then=2023-08-23")
	require.Regexp(t, `places_filled\?at=2023-08-23">0<.*/figures/places_filled">1<`, since)
}

// Both sides are as was known then, and what is told of the time between is so
// too: what was recorded in it, though it happened earlier, and nothing else.
func TestBetweenTwoDatesIsWhatWasRecorded(t *testing.T) {
	t.Parallel()
	h := filled(t).pages(nil)
	between := regexp.MustCompile(`href="([^"]*)">What was recorded between the two`)
	for query, names := range map[string][]string{
		"?then=2023-11-12&at=2023-11-13": {"session.held"},
		"?then=2023-10-31":               {"message.queued", "reflection.filed", "session.corrected", "session.held"},
		"?then=2023-11-13&day=80":        {"message.queued", "reflection.filed", "session.corrected"},
		"?then=2023-08-23&at=2023-08-25": {"offer.accepted", "place.filled", "place.refused"},
	} {
		found := between.FindStringSubmatch(get(t, h, "/cycles/autumn/compare"+query))
		require.NotNil(t, found, query)
		list := get(t, h, html.UnescapeString(found[1]))
		wellMade(t, query, list)
		var told []string
		for _, x := range regexp.MustCompile(`<code>([a-z._]+)</code>`).FindAllStringSubmatch(list, -1) {
			told = append(told, x[1])
		}
		require.ElementsMatch(t, names, told, query)
		require.Contains(t, list, "recorded between the two dates")
	}
	require.Equal(t, http.StatusNotFound, ask(h, http.MethodGet, "/cycles/autumn/history?since=soon").Code)
}

// Two cycles are compared, the one of the page last. A cycle is not compared
// with itself, nor with one that is not there.
func TestTwoCyclesAreCompared(t *testing.T) {
	t.Parallel()
	s := filled(t)
	s.add("cycle-winter", "cycle/winter", "2023-12-03T09:00", cycle.Planned{Programme: "nemo", Title: "Winter", From: "2024-01", To: "2024-03", Zone: "Europe/Berlin", Year: 2024}, nil)
	require.NoError(t, s.views.CatchUp(t.Context()))
	h := s.pages(nil)
	require.Contains(t, get(t, h, "/cycles/winter"), `href="/cycles/winter/compare"`)
	alone := get(t, h, "/cycles/winter/compare")
	require.Contains(t, alone, `href="/cycles/winter/compare?with=autumn">With Autumn`)
	require.NotContains(t, alone, "<table")
	require.Contains(t, alone, `<option value="autumn" selected>`)
	itself := ask(h, http.MethodGet, "/cycles/winter/compare?with=winter").Body.String()
	wellMade(t, "compare", itself)
	require.Contains(t, itself, "There is nothing to compare")
	require.Contains(t, itself, `<option value="winter" selected>`)
	page := get(t, h, "/cycles/winter/compare?with=autumn")
	wellMade(t, "compare", page)
	require.Regexp(t, `Places filled in the cycle</th><td[^>]*><a[^>]*/cycles/autumn/figures/places_filled">1<.*/cycles/winter/figures/places_filled">0<.*<strong>−1</strong>`, page)
	require.NotContains(t, page, "What was recorded between")
	early := get(t, h, "/cycles/winter/compare?then=2023-01-01&clock=occurred")
	wellMade(t, "compare", early)
	require.Contains(t, early, `<a href="#c-then">Winter is not there on that day: the cycle was planned on Sun 3 Dec 2023, 09:00`)
	require.Contains(t, early, `name="then" value="2023-01-01"`)
	require.NotContains(t, early, "clock=")
	for path, code := range map[string]int{
		"/cycles/winter/compare?with=winter": http.StatusBadRequest, "/cycles/winter/compare?with=summer": http.StatusNotFound,
		"/cycles/winter/compare?then=soon": http.StatusBadRequest,
	} {
		require.Equal(t, code, ask(h, http.MethodGet, path).Code, path)
	}
}
