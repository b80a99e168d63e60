package web_test

import (
	"context"
	"errors"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/cmd/daybook/web"
	"github.com/daybook-engine/daybook/domain"
)

// postAndLeave sends a form, and is gone at once.
func postAndLeave(h http.Handler, path string, form url.Values) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Host = "127.0.0.1:8080"
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	h.ServeHTTP(httptest.NewRecorder(), r)
}

// Work that takes long is told by how far it is, goes on when nobody looks, and is
// told once it is done, or why it is not.
func TestWorkThatTakesLongIsTold(t *testing.T) {
	t.Parallel()
	s := filled(t)
	going, proceed := make(chan struct{}), make(chan error)
	var drawer web.Drawer
	as := func(who domain.Person) http.Handler {
		return s.pages(func(o *web.Options) {
			o.Drawer, o.Acting = &drawer, &web.Acting{
				Person: who, Role: "coordinator",
				Words: func(string, url.Values) string { return "Shortlist " + hostile },
				Offers: func(_ context.Context, offers []web.Offer) ([][]web.Step, error) {
					return make([][]web.Step, len(offers)), nil
				},
				Ask: func(context.Context, string, url.Values) ([]web.Question, error) { return kinds()[:2], nil },
				Bulk: &web.Bulking{
					Preview: func(_ context.Context, orders []web.Order) (web.Brought, []web.Fault, error) {
						return web.Brought{Rows: make([]web.Outcome, len(orders))}, nil, nil
					},
					Do: func(_ context.Context, _ uuid.UUID, orders []web.Order, progress func(done, of int)) (web.Brought, error) {
						progress(1, len(orders))
						close(going)
						if err := <-proceed; err != nil {
							return web.Brought{}, err
						}
						rows := make([]web.Outcome, len(orders))
						rows[0] = web.Outcome{Became: "recorded", Events: []string{"tea.served"}, Why: hostile}
						return web.Brought{Rows: rows}, nil
					},
					Inverse: func(string) string { return "" },
				},
			}
		})
	}
	h := as(coordinator)
	list := get(t, h, "/cycles/autumn/applications")
	wellMade(t, "applications", list)
	require.Equal(t, 2, strings.Count(list, `form="bulk" name="row"`))
	for _, fault := range []error{nil, errors.New("boom")} {
		going = make(chan struct{})
		begun := post(h, "/cycles/autumn/applications", url.Values{"command": {"application.shortlist"}, ".all": {"yes"}})
		require.Equal(t, http.StatusSeeOther, begun.Code)
		at := begun.Header().Get("Location")
		wellMade(t, at, get(t, h, at))
		before := ask(h, http.MethodGet, at+"/report")
		require.Equal(t, at, before.Header().Get("Location"), "there is none yet")

		form := url.Values{".id": {uuid.NewString()}, ".by": {"coordinator/" + string(coordinator)}, ".do": {"do"}}
		postAndLeave(h, at, form)
		<-going
		under := ask(h, http.MethodGet, at+"/report")
		wellMade(t, at, under.Body.String())
		require.Equal(t, "2", under.Header().Get("Refresh"))
		require.Contains(t, under.Body.String(), "1 of 2 done")

		// Somebody else sits down, who has nothing to do with it, and it goes on.
		for _, page := range []string{at, at + "/report"} {
			theirs := ask(as(mia), http.MethodGet, page)
			require.Equal(t, http.StatusForbidden, theirs.Code)
			require.Contains(t, theirs.Body.String(), "This was begun by somebody else")
			require.NotContains(t, theirs.Body.String(), "Shortlist")
		}
		h = as(coordinator)
		require.Contains(t, ask(h, http.MethodGet, at+"/report").Body.String(), "1 of 2 done")
		proceed <- fault
		done := post(h, at, form) // the same again waits for it
		require.Equal(t, at+"/report", done.Header().Get("Location"))
		report := ask(h, http.MethodGet, at+"/report")
		require.Empty(t, report.Header().Get("Refresh"))
		require.NotContains(t, report.Body.String(), hostile)
		if fault == nil {
			wellMade(t, at, report.Body.String())
			require.Contains(t, report.Body.String(), "Tea served, "+html.EscapeString(hostile))
			continue
		}
		require.Equal(t, http.StatusConflict, report.Code)
		require.NotContains(t, report.Body.String(), "boom")
		require.Contains(t, report.Body.String(), "the same again does the rest")
		going = make(chan struct{})
		go func() { proceed <- nil }()
		require.Equal(t, at+"/report", post(h, at, form).Header().Get("Location"))
		require.Contains(t, ask(h, http.MethodGet, at+"/report").Body.String(), "Tea served, "+html.EscapeString(hostile))
	}
}
