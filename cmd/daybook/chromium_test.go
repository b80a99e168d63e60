//go:build chromium

package main_test

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	protocol "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// A chromium shows the pages of who sits before it, and does with them what a
// person does with a mouse, or with a keyboard and nothing else.
type chromium struct {
	t    *testing.T
	ctx  context.Context
	url  string
	seat *atomic.Pointer[http.Handler]
	made map[string]*http.Handler // the pages of each who ever sat there
	keys bool
}

// watch is how Go sees a page: it finds things on it, says where they are, and
// what is wrong with it. It changes nothing.
//
//go:embed testdata/watch.js
var watch string

// newChromium starts a browser of its own, without the windows that nobody sees
// where there is one such: it takes half of the time.
func newChromium(t *testing.T, width, height int64, zoom float64, also ...chromedp.ExecAllocatorOption) *chromium {
	c := &chromium{t: t, seat: new(atomic.Pointer[http.Handler]), made: map[string]*http.Handler{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*c.seat.Load()).ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	c.url = server.URL
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("lang", "en-US"), chromedp.Env("LANGUAGE=en_US"))
	if shell, err := exec.LookPath("chromium-headless-shell"); err == nil {
		options = append(options, chromedp.ExecPath(shell))
	}
	options = append(options, also...)
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...) // ended below, in order
	t.Cleanup(cancel)
	c.ctx, cancel = chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	c.opened(width, height, zoom)
	return c
}

// opened makes a tab ready.
func (c *chromium) opened(width, height int64, zoom float64) {
	c.t.Helper()
	require.NoError(c.t, chromedp.Do(c.ctx)) // starts it, and its context would end it
	c.do(chromedp.EmulateViewport(int64(float64(width)/zoom), int64(float64(height)/zoom), chromedp.EmulateScale(zoom)))
	_, err := chromedp.Call(c.ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	require.NoError(c.t, err)
	_, err = chromedp.Call(c.ctx, protocol.AddScriptToEvaluateOnNewDocument, protocol.AddScriptToEvaluateOnNewDocumentParams{Source: watch})
	require.NoError(c.t, err)
}

// beside opens another tab.
func (c *chromium) beside() *chromium {
	c.t.Helper()
	tab, cancel := *c, context.CancelFunc(nil)
	tab.ctx, cancel = chromedp.NewContext(c.ctx)
	c.t.Cleanup(cancel)
	tab.opened(1280, 900, 1)
	return &tab
}

// sit puts somebody before the browser.
func (c *chromium) sit(s *stage, by string) {
	c.t.Helper()
	if c.made[by] == nil {
		pages, err := s.Pages(c.t.Context(), by)
		require.NoError(c.t, err)
		c.made[by] = &pages
	}
	c.seat.Store(c.made[by])
}

// within bounds what the browser may take for one thing.
const within = 30 * time.Second

func (c *chromium) do(steps ...chromedp.Action[chromedp.Void]) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.ctx, within)
	defer cancel()
	require.NoError(c.t, chromedp.Do(ctx, steps...))
}

// led does what leads to another page, and gives the answer's status.
func (c *chromium) led(steps ...chromedp.Action[chromedp.Void]) int64 {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.ctx, within)
	defer cancel()
	answer, err := chromedp.RunResponse(ctx, steps...)
	require.NoError(c.t, err)
	require.Empty(c.t, look[[]string](c, "watch.faults()"), answer.URL)
	return answer.Status
}

func look[T any](c *chromium, js string, args ...any) T {
	c.t.Helper()
	for i, a := range args {
		text, err := json.Marshal(a)
		require.NoError(c.t, err)
		js = strings.ReplaceAll(js, fmt.Sprintf("$%d", i+1), string(text))
	}
	ctx, cancel := context.WithTimeout(c.ctx, within)
	defer cancel()
	answer, err := chromedp.Run(ctx, chromedp.Evaluate[T](js))
	require.NoError(c.t, err, js)
	return answer
}

// has tells whether the page has a thing, and turns to it.
func (c *chromium) has(thing string, args ...any) bool {
	c.t.Helper()
	return look[bool](c, "!!(watch.it = "+thing+")", args...)
}

// spot is where a thing is to be clicked.
type spot struct {
	X, Y    float64
	Covered string
}

// point brings the pointer, or the focus, to the thing that was turned to.
func (c *chromium) point() (at spot) {
	c.t.Helper()
	if !c.keys {
		at = look[spot](c, "watch.spot()")
		require.Empty(c.t, at.Covered, "something lies over it: %s", look[string](c, "watch.it.outerHTML"))
		return at
	}
	for range 1000 {
		far := look[int](c, "watch.far()")
		if far == 0 {
			require.Empty(c.t, look[string](c, "watch.unseen()"))
			return at
		}
		c.tab(far)
	}
	require.Fail(c.t, "the keyboard does not reach it", look[string](c, "watch.it.outerHTML"))
	return at
}

// send presses the button of the form.
func (c *chromium) send() int64 {
	c.t.Helper()
	require.True(c.t, c.has("watch.button()"))
	return c.led(c.pressed(kb.Enter))
}

// tab holds the key down until the focus is so many stops further, or back.
func (c *chromium) tab(far int) {
	c.t.Helper()
	key := input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeRawKeyDown, Key: "Tab", Code: "Tab", WindowsVirtualKeyCode: 9}
	if far < 0 {
		far, key.Modifiers = -far, int64(kb.ModifierShift)
	}
	var held errgroup.Group
	for range far {
		held.Go(func() error {
			_, err := chromedp.Call(c.ctx, input.DispatchKeyEvent, key)
			return err
		})
	}
	require.NoError(c.t, held.Wait())
	key.Type = input.DispatchKeyEventTypeKeyUp
	_, err := chromedp.Call(c.ctx, input.DispatchKeyEvent, key)
	require.NoError(c.t, err)
}

// pressed is a click on the thing that was turned to, or the key that does the
// same.
func (c *chromium) pressed(key string) chromedp.Action[chromedp.Void] {
	c.t.Helper()
	at := c.point()
	if c.keys {
		return chromedp.KeyEvent(key)
	}
	return chromedp.MouseClickXY(at.X, at.Y)
}

// follow opens a link.
func (c *chromium) follow(link string, args ...any) {
	c.t.Helper()
	require.True(c.t, c.has(link, args...), "%s has no %s %v: %s", look[string](c, "location.href"), link, args, look[string](c, "document.body.innerText"))
	require.EqualValues(c.t, http.StatusOK, c.led(c.pressed(kb.Enter)))
}

// fill writes what is to be written into the form of the page, and leaves what
// stands there already. It is false where the form does not offer a choice.
func (c *chromium) fill(values url.Values) bool {
	c.t.Helper()
	type control struct {
		Name, Kind      string
		Nth             int // of its name
		Value           string
		Checked, Closed bool
		Options         []string // by value
		Words           []string
	}
	for i, f := range look[[]control](c, "watch.controls()") {
		wanted := values[f.Name]
		if f.Nth >= len(wanted) && f.Kind != "radio" && f.Kind != "checkbox" || len(wanted) == 0 {
			continue
		}
		if f.Closed && c.has("watch.closed($1)", i) {
			c.do(c.pressed(kb.Enter))
		}
		require.True(c.t, c.has("watch.control($1)", i))
		switch f.Kind {
		case "radio", "checkbox":
			if !slices.Contains(wanted, f.Value) || f.Checked {
				continue
			}
			if f.Kind == "radio" && c.keys { // a group is one stop
				c.point()
				c.choose(look[int](c, "watch.enter()"))
				if !look[bool](c, "document.activeElement.checked") {
					c.do(chromedp.KeyEvent(" "))
				}
				break
			}
			c.do(c.pressed(" "))
		case "select-one":
			n := slices.Index(f.Options, wanted[0])
			if n < 0 {
				n = slices.IndexFunc(f.Words, func(w string) bool { return strings.HasSuffix(w, "("+wanted[0]+")") })
			}
			if n < 0 {
				return false
			}
			c.focus()
			c.choose(n - slices.Index(f.Options, f.Value))
			if !c.keys { // its list is the machine's, and lies open
				c.do(chromedp.KeyEvent(kb.Enter))
			}
			require.Equal(c.t, f.Options[n], look[string](c, "watch.control($1).value", i))
			continue
		case "datetime-local":
			if f.Value == wanted[0] {
				continue
			}
			at, err := time.Parse("2006-01-02T15:04", wanted[0])
			require.NoError(c.t, err)
			c.focus()
			c.do(chromedp.KeyEvent(at.Format("010220060304PM"))) // a year of four digits is at its end
			require.Equal(c.t, wanted[0], look[string](c, "watch.control($1).value", i))
			continue
		default:
			if f.Value == wanted[f.Nth] {
				continue
			}
			c.focus()
			c.do(chromedp.KeyEvent("a", chromedp.KeyModifiers(kb.ModifierCtrl)))
			_, err := chromedp.Call(c.ctx, input.InsertText, input.InsertTextParams{Text: wanted[f.Nth]})
			require.NoError(c.t, err)
			require.Equal(c.t, wanted[f.Nth], look[string](c, "watch.control($1).value", i))
			continue
		}
		require.True(c.t, look[bool](c, "watch.control($1).checked", i), "%s: %s", f.Name, f.Value)
	}
	return true
}

// focus puts the caret into the field that was turned to.
func (c *chromium) focus() {
	c.t.Helper()
	if at := c.point(); !c.keys {
		c.do(chromedp.MouseClickXY(at.X, at.Y))
	}
}

// choose goes up or down in a list.
func (c *chromium) choose(n int) {
	c.t.Helper()
	key := kb.ArrowDown
	if n < 0 {
		key, n = kb.ArrowUp, -n
	}
	for range n {
		c.do(chromedp.KeyEvent(key))
	}
}
