package web_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/cmd/daybook/web"
	"github.com/daybook-engine/daybook/domain/cycle"
	"github.com/daybook-engine/daybook/projections"
)

// The tour is there while the season is played, and says so; of what was tried
// it says what came of it, or why nothing was.
func TestTheTourSaysWhatWasTried(t *testing.T) {
	t.Parallel()
	s := filled(t)
	trials, tried := web.Trials{}, false
	h := s.pages(func(o *web.Options) {
		o.Tour = &web.Tour{Cycle: "autumn", Trials: func() (web.Trials, bool) { return trials, tried }}
	})
	require.Contains(t, get(t, h, "/cycles/autumn"), "Take the tour of this season")
	page := get(t, h, "/cycles/autumn/tour")
	wellMade(t, "tour", page)
	require.Contains(t, page, "The season is still being played.")
	require.Equal(t, http.StatusNotFound, ask(h, http.MethodGet, "/cycles/others/tour").Code)
	require.Equal(t, http.StatusNotFound, ask(s.pages(nil), http.MethodGet, "/cycles/autumn/tour").Code)
	require.NotContains(t, get(t, s.pages(nil), "/cycles/autumn"), "tour")

	s.add("cycle-autumn", "cycle/autumn", "2023-12-08T16:00", cycle.Closed{}, nil)
	require.NoError(t, s.views.CatchUp(t.Context()))
	page = get(t, h, "/cycles/autumn/tour")
	wellMade(t, "tour", page)
	require.Contains(t, page, "are being tried on copies of this book")
	require.NotContains(t, page, "Show this page at another date")
	for _, moment := range []string{"at=2023-10-31", "day=150&clock=occurred"} {
		require.Equal(t, page, get(t, h, "/cycles/autumn/tour?"+moment), "it is always of now")
	}
	tried, trials.Why = true, "there is no room."
	require.Contains(t, get(t, h, "/cycles/autumn/tour"), "were not tried: there is no room.")
	short := projections.Counted{HistoryRow: projections.HistoryRow{Sentence: "A short session"}, Value: 45}
	trials = web.Trials{Altered: short, Was: "4", Is: "5", Found: "not sound", Pack: 12, Figures: 3, Erased: ana, Texts: 7}
	page = get(t, h, "/cycles/autumn/tour")
	wellMade(t, "tour", page)
	require.Contains(t, page, "<code>not sound</code>")
	require.Regexp(t, `(?s)the shortest session was one of 45 minutes: <a [^>]*>A short session<.*one byte of <a [^>]*>A short session<`, page, "they are one")
	require.Contains(t, page, "12 bytes that prove 3 figures")
	require.Contains(t, page, "and 7 texts with it")
	require.NotContains(t, page, "<script>")
}
