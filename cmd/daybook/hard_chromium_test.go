//go:build chromium

package main_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	protocol "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// Both are shown as they are written, wherever that is.
const (
	hostile = `<script>alert(1)</script><img src="x" onerror="alert(2)"> 🦕 {{.}}`
	rtl     = `שלום "&amp;' مرحبا 👩🏽‍🏫`
)

// aCall is a daybook with a call that is open, until 17:00 on 1 March 2031.
func aCall(t *testing.T) *stage {
	a := begin(t)
	a.at("2031-02-03T09:00")
	for _, x := range [][2]string{{"anna", "Anna Berg"}, {"ben", "Ben <b onclick=alert(3)>Ohm</b>"}, {"mia", "מיה אדלר"}} {
		a.do("coordinator/anna", "person.register", `{"handle":"`+x[0]+`","register":"people","name":"`+x[1]+`"}`)
	}
	a.do("coordinator/anna", "organisation.register", `{"organisation":"nemo","name":"Network","kind":"network"}`)
	a.as("coordinator/anna").open("/").follow("Publish a definition").press("Publish a definition", "Definition", pairsDefinition).recorded("")
	a.do("coordinator/anna", "cycle.plan", `{"programme":"pairs","cycle":"spring","title":"Spring","from":"2031-04","to":"2031-06"}`)
	a.do("coordinator/anna", "call.open", `{"cycle":"spring","call":"mentees","deadline":{"local":"2031-03-01T17:00","zone":"Europe/Berlin","rule":"by","published":"by 5pm on 1 March"}}`)
	return &stage{acted: a, cycle: "spring"}
}

// A double click does what a click does. Who goes back finds what was typed, and
// to send it once more records nothing.
func TestABrowserInAHurry(t *testing.T) {
	t.Parallel()
	s := aCall(t)
	c := newChromium(t, 1280, 900, 1)
	c.sit(s, "coordinator/anna")
	form := c.url + "/do/stage.schedule?cycle=" + s.cycle + "&.back=/cycles/" + s.cycle
	written := map[string][]string{"stage": {"talks"}, "from": {"2031-04"}, "published": {"Talks in April, שלום 🦕"}}
	recorded := func() int {
		return strings.Count(s.as("coordinator/anna").open("/cycles/"+s.cycle+"/history?name=stage.scheduled").html, "alks")
	}

	c.led(chromedp.Navigate(form))
	c.fill(written)
	require.True(t, c.has("watch.button()"))
	at := c.point()
	c.do(chromedp.MouseClickXY(at.X, at.Y), chromedp.MouseClickXY(at.X, at.Y), chromedp.WaitVisible("#notice-title")) // the second may break off what the first began to load
	require.Equal(t, "Recorded", look[string](c, "document.querySelector('#notice-title').innerText"))
	once := recorded()
	require.Positive(t, once)

	c.do(chromedp.NavigateBack())
	require.Equal(t, "talks", look[string](c, "document.querySelector('[name=stage]').value"), "what was typed is there again")
	require.EqualValues(t, http.StatusOK, c.send())
	require.Equal(t, once, recorded())
}

// Nothing that was written is lost: of ten megabytes that were pasted, of what
// was sent by another tab before, of what came too late. And whatever it is, it
// is shown on every page and does nothing there.
func TestNothingWrittenIsLostInABrowser(t *testing.T) {
	t.Parallel()
	s := aCall(t)
	c := newChromium(t, 1280, 900, 1)
	var dialogs atomic.Int64
	require.NoError(t, chromedp.Listen(c.ctx, func(ev any) {
		if _, opened := ev.(*protocol.EventJavascriptDialogOpening); opened {
			dialogs.Add(1)
		}
	}))
	form := c.url + "/do/application.submit?cycle=spring&call=mentees&.back=/cycles/spring"
	written := map[string][]string{"answers.motives": {hostile}, "answers.priorities": {rtl, "two"}, "route": {"staff"}}
	refused := func(c *chromium, status int64, says string) {
		t.Helper()
		written := func() [][2]string {
			return look[[][2]string](c, "watch.written().map(([name, text]) => [name, text.length + ' ' + text.slice(0, 1000)])")
		}
		before := written()
		require.Equal(t, status, c.send())
		require.Contains(t, look[string](c, "document.querySelector('main').innerText"), says)
		if status == http.StatusRequestEntityTooLarge {
			c.do(chromedp.NavigateBack())
		}
		require.Equal(t, before, written())
	}

	c.sit(s, "applicant/ben")
	other := c.beside()
	for _, tab := range []*chromium{c, other} {
		tab.led(chromedp.Navigate(form))
		tab.fill(written)
	}
	// What a person pastes is laid out, which takes a browser a minute, where it is
	// not folded away.
	look[int](c, `document.querySelector('[name="cause.reason"]').value = 'x'.repeat(10 * 1024 * 1024), 0`)
	refused(c, http.StatusRequestEntityTooLarge, "more than 1 MB")
	look[string](c, `document.querySelector('[name="cause.reason"]').value = ''`)
	require.EqualValues(t, http.StatusOK, other.send())
	refused(c, http.StatusConflict, "This person has already applied under this call")

	c.sit(s, "applicant/mia")
	c.led(chromedp.Navigate(form))
	c.fill(written)
	s.at("2031-03-01T17:01")
	refused(c, http.StatusConflict, "The deadline has passed (by 2031-03-01T17:00 Europe/Berlin)")

	c.sit(s, "coordinator/anna")
	shown := 0
	c.walk(func() {
		text := look[string](c, "document.body.innerText")
		if strings.Contains(text, hostile) && strings.Contains(text, rtl) {
			shown++
		}
	})
	require.Positive(t, shown)
	require.Zero(t, dialogs.Load())
}
