//go:build chromium

package main_test

import (
	"cmp"
	"maps"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"
)

// NEMO's autumn of 2023 is run in a real browser, from the plan to the closing,
// by whoever's turn it is: every step of it on the pages, and what is refused,
// too. It comes to the figures that the rehearsal comes to.
func TestASeasonIsRunInABrowser(t *testing.T) {
	t.Parallel()
	t.Run("with the mouse", func(t *testing.T) {
		t.Parallel()
		inABrowser(t, newChromium(t, 1280, 900, 1, onwards))
	})
	t.Run("by keyboard alone, at 200 %", func(t *testing.T) {
		t.Parallel()
		c := newChromium(t, 1280, 1024, 2, onwards)
		c.keys = true
		inABrowser(t, c)
	})
}

// onwards keeps no pages for who goes back, which nobody does here, and draws
// where it lays out: that takes a third less time.
func onwards(a *chromedp.ExecAllocator) {
	chromedp.Flag("disable-features", "Translate,BackForwardCache")(a)
	chromedp.Flag("disable-threaded-compositing", true)(a)
}

func inABrowser(t *testing.T, c *chromium) {
	dir := filepath.Join(t.TempDir(), "data")
	s := afterSpring(t, dir)
	d := &desk{chromium: c, s: s, left: map[string]string{}}
	var refused, withheld []string
	for _, x := range actsOf(t, "rehearsals/nemo-2023-autumn.yaml") {
		s.turn(x)
		switch offered := x.role() != "clock" && d.offered(x); { // the clock has no pages
		case x.Expect.Refused == "":
			require.True(t, offered, "%s: %s does not offer %s to %s", x.Key, look[string](c, "location.href"), x.Do, x.By)
			d.act(x)
		case offered && d.refused(x):
			refused = append(refused, x.Key)
		default:
			withheld = append(withheld, x.Key)
			s.play(x)
		}
	}
	// Only what is refused for what was written can be tried on a page; of the
	// rest it is enough that no page offers it, or no form the choice.
	require.Equal(t, []string{"stage-offers-monday", "shorten"}, refused)
	require.Equal(t, []string{
		"too-late", "stale-notice", "eligible-p21-early", "eligible-p21", "recused-read", "recused-review", "assign-p06-r4-again",
		"shortlist-p06-early", "sixth-place", "schedule-unsigned", "fourth-session", "complete-by-clock", "complete-m5", "close-early",
	}, withheld)
	require.NoError(t, s.Close())
	require.Equal(t, daybook(t, seasonCopy(t), "figures", "--cycle", s.cycle), daybook(t, dir, "figures", "--cycle", s.cycle))
}

// A desk is where people take turns before one browser. Each finds there the
// page that they left.
type desk struct {
	*chromium
	s    *stage
	by   string            // who sits there
	left map[string]string // the addresses that others left
	sent [][2]string       // what was written into the last form
}

// offered opens the page that offers an act to who does it: the one that they
// left, or one that links lead to from there.
func (d *desk) offered(x act) bool {
	d.t.Helper()
	if d.by != x.By {
		d.left[d.by], d.by = look[string](d.chromium, "location.href"), x.By
		d.sit(d.s, x.By)
		d.led(chromedp.Navigate(cmp.Or(d.left[x.By], d.url)))
	}
	values := d.s.written(x)
	known := maps.Clone(values)
	for _, whom := range []string{"person", "mentee", "mentor", "reviewer"} {
		if id, err := d.s.Registered(d.t.Context(), known.Get(whom)); err == nil {
			known.Set(whom, string(id))
		}
	}
	here := func() bool { return d.has("watch.step($1, $2)", x.Do, known) }
	if here() {
		return true
	}
	person := values.Get("person")
	if x.role() == "applicant" && person == "" {
		person = strings.Split(x.By, "/")[1]
	}
	cycle := "/cycles/" + d.s.cycle
	if d.has("watch.to($1)", "/") && !d.has("watch.link('Matches')") && d.has("watch.to($1)", cycle) {
		d.follow("watch.to($1)", cycle)
		if here() {
			return true
		}
	}
	switch {
	case values.Has("match") && x.Do != "match.propose":
		d.follow("watch.link('Matches')")
		d.follow("watch.to($1)", cycle+"/matches/"+values.Get("match"))
		return here()
	case person != "" && x.Do != "application.submit":
		d.follow("watch.link('Applications')")
		d.follow("watch.link($1)", d.s.names[person])
		return here()
	}
	for _, at := range []string{cycle, "/"} {
		if d.has("watch.to($1)", at) {
			d.follow("watch.to($1)", at)
			if here() {
				return true
			}
		}
	}
	return false
}

// act does what the page offers.
func (d *desk) act(x act) {
	status := d.tried(x)
	if status != http.StatusOK {
		require.Fail(d.t, "refused", "%s: %d %s", x.Key, status, look[string](d.chromium, "document.body.innerText"))
	}
	told := "Recorded"
	if x.Expect.Events != nil && len(*x.Expect.Events) == 0 {
		told = "Already so"
	}
	require.Equal(d.t, told, look[string](d.chromium, "document.querySelector('#notice-title')?.innerText ?? document.body.innerText"), x.Key)
}

// refused tries what the page offers, and will refuse: it says so in the words
// of the command, beside what was written. Unless its form does not offer it.
func (d *desk) refused(x act) bool {
	const back = "watch.link('Back, without recording anything')"
	status := d.tried(x)
	if status == 0 {
		d.follow(back)
		return false
	}
	require.Contains(d.t, []int64{http.StatusForbidden, http.StatusConflict}, status, x.Key)
	require.Contains(d.t, strings.ToLower(look[string](d.chromium, "document.querySelector('.govuk-error-summary').innerText")), strings.ToLower(d.s.play(x)))
	require.Equal(d.t, d.sent, look[[][2]string](d.chromium, "watch.written()"), "%s: what was written stands", x.Key)
	d.follow(back)
	return true
}

// tried presses the button, or follows the link that was turned to, fills the form
// in, and sends it; 0 where the form has no such choice.
func (d *desk) tried(x act) int64 {
	d.t.Helper()
	button := look[bool](d.chromium, "!!watch.it.form")
	status := d.led(d.pressed(kb.Enter))
	if button {
		return status
	}
	require.EqualValues(d.t, http.StatusOK, status)
	values := d.s.written(x)
	for look[string](d.chromium, "watch.form().method") == "get" { // what the rest depends on
		d.fill(values)
		d.send()
	}
	if !d.fill(values) {
		return 0
	}
	d.sent = look[[][2]string](d.chromium, "watch.written()")
	return d.send()
}
