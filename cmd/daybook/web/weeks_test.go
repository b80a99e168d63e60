package web_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain/match"
)

// Sessions are counted in their weeks by what became of them, and those held
// lead to their events.
func TestSessionsOverTime(t *testing.T) {
	t.Parallel()
	s := filled(t) // one held on Thursday 5 October 2023, corrected to 45 minutes
	for i, local := range []string{"2023-10-08T23:30", "2023-10-24T16:00", "2023-10-25T16:00"} {
		slot := match.Slot{Local: local, Zone: "Europe/Berlin", Start: day(local), Mode: "online"}
		s.add("match-autumn.m1", "cycle/autumn", "2023-12-01T10:00", match.SessionScheduled{Session: i + 2, Slot: slot}, nil)
	}
	s.add("match-autumn.m1", "cycle/autumn", "2023-12-02T10:00", match.SessionCancelled{Session: 3}, nil)
	require.NoError(t, s.views.CatchUp(t.Context()))
	page := get(t, s.pages(nil), "/cycles/autumn/matches")
	wellMade(t, "matches", page)
	require.Contains(t, page, "Sessions from the week of 2 October 2023 to that of 23 October 2023, most of them, 2, in that of 2 October 2023.")
	require.Regexp(t, `2 Oct 2023</th><td[^>]*><a class="govuk-link" href="/cycles/autumn/history\?from=2023-10-02&amp;name=session.held&amp;to=2023-10-08">1</a></td><td[^>]*>45</td><td[^>]*>1</td><td[^>]*></td>`, page)
	require.Regexp(t, `23 Oct 2023</th><td[^>]*></td><td[^>]*></td><td[^>]*>1</td><td[^>]*>1</td>`, page)
	require.NotRegexp(t, `(9|16) Oct 2023</th>`, page)
	require.Regexp(t, `(?s)<rect class="db-bar" [^>]*height="55"/><rect class="db-bar-soft" [^>]*height="55"/>.*<rect class="db-bar-soft" [^>]*height="55"/><rect class="db-bar-off" [^>]*height="55"/>`, page)
	require.Contains(t, get(t, s.pages(nil), "/cycles/autumn/history?from=2023-10-02&name=session.held&to=2023-10-08"), "<code>session.held</code>")
}
