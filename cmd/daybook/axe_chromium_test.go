//go:build chromium

package main_test

import (
	"cmp"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// midseason is NEMO's daybook in the midst of the season, when most can be done.
func midseason(t *testing.T) *stage {
	s := afterSpring(t, filepath.Join(t.TempDir(), "data"))
	for _, x := range actsOf(t, "rehearsals/nemo-2023-autumn.yaml") {
		s.turn(x)
		s.play(x)
		if x.Key == "unwind-m4" {
			return s
		}
	}
	require.Fail(t, "nobody fell ill")
	return nil
}

// Every page that links lead to, one of each kind, keeps the rules that axe-core
// knows, in the light and in the dark, also for who only looks, and on a phone
// nothing of it has to be pushed sideways.
func TestAxeFindsNothing(t *testing.T) {
	t.Parallel()
	rules, err := os.ReadFile(os.Getenv("DAYBOOK_TEST_AXE"))
	require.NoError(t, err, "DAYBOOK_TEST_AXE must be the path of axe.min.js")
	pictures := os.Getenv("DAYBOOK_TEST_PICTURES") // a directory, for whoever wants to look
	s := midseason(t)
	c := newChromium(t, 1280, 900, 1)
	for who, least := range map[string]int{"coordinator/c1": 50, "": 20} {
		c.sit(s, who)
		pages := c.walk(func() {
			at := look[string](c, "location.pathname + location.search")
			look[bool](c, string(rules)+"; true")
			for _, scheme := range []string{"light", "dark"} {
				c.paint(scheme)
				found := c.axe()
				assert.Empty(t, found, "%s, in the %s: %s", at, scheme, strings.Join(found, "\n"))
				for _, width := range []int64{390, 1280} {
					c.do(chromedp.EmulateViewport(width, 900))
					assert.Empty(t, look[[]string](c, "watch.faults()"), "%s, %d wide", at, width)
					if pictures != "" {
						c.picture(filepath.Join(pictures, fmt.Sprintf("%s, %s, %s, %d wide.png", strings.ReplaceAll(at, "/", "_"), strings.Split(cmp.Or(who, "visitor"), "/")[0], scheme, width)))
					}
				}
			}
		})
		require.Greater(t, len(pages), least)
	}
}

// paint chooses between light and dark.
func (c *chromium) paint(scheme string) {
	c.t.Helper()
	_, err := chromedp.Call(c.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	require.NoError(c.t, err)
}

// picture takes one of the whole page.
func (c *chromium) picture(file string) {
	c.t.Helper()
	png, err := chromedp.Run(c.ctx, chromedp.FullScreenshot(100))
	require.NoError(c.t, err)
	require.NoError(c.t, os.WriteFile(file, png, 0o600))
}

// axe lists what the rules find on the page.
func (c *chromium) axe() []string {
	c.t.Helper()
	answer, err := chromedp.Run(c.ctx, chromedp.Evaluate[[]string](
		`axe.run().then((r) => r.violations.flatMap((v) => v.nodes.slice(0, 3).map((n) => v.id + ': ' + n.failureSummary + ' ' + n.html.slice(0, 300))))`,
		chromedp.EvalAwaitPromise))
	require.NoError(c.t, err)
	return answer
}

// walk follows every link from the first page, to one page of each kind, and
// lets each be looked at.
func (c *chromium) walk(look func()) (visited []string) {
	c.t.Helper()
	waiting, seen := []string{"/"}, map[string]bool{}
	for len(waiting) > 0 {
		at := waiting[0]
		waiting = waiting[1:]
		if slices.Contains(visited, at) {
			continue
		}
		if kind := sortOf(at); !seen[kind] {
			seen[kind] = true
			require.EqualValues(c.t, http.StatusOK, c.led(chromedp.Navigate(c.url+at)), at)
			visited = append(visited, at)
			look()
			waiting = append(waiting, c.links()...)
		}
	}
	return visited
}

// links are the pages that this one leads to.
func (c *chromium) links() []string {
	return look[[]string](c, `[...document.querySelectorAll('a[href^="/"]')].map((a) => a.getAttribute('href').split('#')[0]).filter((at) => !/[.]ics($|[?])|[?&]as=/.test(at))`)
}
