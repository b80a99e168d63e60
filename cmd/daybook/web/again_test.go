package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/cmd/daybook/web"
	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/cycle"
)

// The words that told a date are moved with it, whatever stands around it.
func TestAWordingMovesWithItsDates(t *testing.T) {
	t.Parallel()
	for was, is := range map[string]string{
		"Apply before 31 July":                             "Apply before 29 July",
		"10am on Monday 24 April 2023":                     "10am on Monday 22 April 2024",
		"Reviews, Monday 7 to Wednesday 16 August 2023":    "Reviews, Monday 5 to Wednesday 14 August 2024",
		"From Monday 31 July to Friday 4 August 2023":      "From Monday 29 July to Friday 2 August 2024",
		"Interviews Wed 1 and Thu 2 March 2023":            "Interviews Wed 28 and Thu 29 February 2024",
		"1-5 March 2023":                                   "28 February-3 March 2024",
		"2-3 online sessions, September to November 2023":  "2-3 online sessions, September to November 2024",
		"Early in the year; write to us":                   "Early in the year; write to us",
		"Apply by 31 February 2023, in room 12, for 2 May": "Apply by 31 February 2024, in room 12, for 30 April",
	} {
		require.Equal(t, is, web.Moved(was, "2023-07-31", 1, 364))
	}
}

// The page is well made, and asks nobody but who acts. One cycle is not another.
func TestThePageOfAnotherSeason(t *testing.T) {
	t.Parallel()
	s := filled(t)
	_, h := s.acting(func(web.Order) (web.Done, []web.Fault, error) { return web.Done{}, nil, nil })
	page := get(t, h, "/cycles/autumn/again")
	wellMade(t, "again", page)
	require.Contains(t, page, "Another season like Autumn &lt;script&gt;")
	wrong := post(h, "/do/again?cycle=autumn", url.Values{".id": {"5c2ff96c-1a4d-4f5e-9f3d-0d2f8b6a5c11"}, "title": {hostile}, "cycle": {"a b"}})
	require.Equal(t, http.StatusBadRequest, wrong.Code)
	wellMade(t, "again", wrong.Body.String())
	require.NotContains(t, wrong.Body.String(), hostile)
	require.Equal(t, http.StatusBadRequest, post(h, "/do/again?cycle=autumn", url.Values{}).Code)
	require.Equal(t, http.StatusNotFound, post(h, "/do/again?cycle=others", url.Values{}).Code)
	require.Equal(t, http.StatusForbidden, post(h, "/do/again?cycle=autumn", url.Values{}, "Sec-Fetch-Site", "cross-site").Code)
	require.Equal(t, http.StatusNotFound, ask(h, http.MethodGet, "/cycles/others/again").Code)
	require.Equal(t, http.StatusNotFound, ask(s.pages(nil), http.MethodGet, "/cycles/autumn/again").Code)
}

// What was broken off goes on with what is left of the form: a command is the same
// whatever stands before it, and one that says something else now is told of.
func TestASeasonBrokenOffGoesOn(t *testing.T) {
	t.Parallel()
	s := filled(t)
	s.add("cycle-autumn", "cycle/autumn", "2023-06-03T09:02", cycle.StageScheduled{Stage: "sessions", From: "2023-09", To: "2023-11"}, nil)
	require.NoError(t, s.views.CatchUp(t.Context()))
	kept, broken := map[uuid.UUID]string{}, true
	a, h := s.acting(func(o web.Order) (web.Done, []web.Fault, error) {
		switch said := o.Command + " " + o.Given.Encode(); {
		case broken && o.Given.Get("stage") == "sessions":
			err := domain.Refuse("busy", "somebody else is at it")
			return web.Done{}, []web.Fault{{Question: "to", Text: err.Text}, {Question: "stage", Text: "nobody asks that"}}, err
		case kept[o.ID] != "" && kept[o.ID] != said:
			return web.Done{}, []web.Fault{{Text: "used"}}, domain.Refuse("command_id_used", "used")
		default:
			kept[o.ID] = said
			return web.Done{Names: []string{o.Command}}, nil, nil
		}
	})
	form := url.Values{".id": {"5c2ff96c-1a4d-4f5e-9f3d-0d2f8b6a5c11"}, "cycle": {"next"}, "title": {"Next"}, "from": {"2024-09"}, "to": {"2024-11"}, "stage.0.from": {"2024-09-02"}, "stage.1.from": {"2024-09"}, "call.0.local": {"2024-07-31T00:00"}, "call.0.published": {"soon"}}
	send := func() *httptest.ResponseRecorder { return post(h, "/do/again?cycle=autumn", form) }
	far := send()
	require.Equal(t, http.StatusConflict, far.Code)
	require.Contains(t, far.Body.String(), "The season is planned as far as here, and not further")
	require.Contains(t, far.Body.String(), `<a href="#f-stage.1.to">Somebody else is at it</a>`)
	require.Contains(t, far.Body.String(), "<li>Nobody asks that</li>", "no link leads nowhere")

	broken = false
	form.Set("stage.0.from", "")
	require.Equal(t, http.StatusSeeOther, send().Code)
	require.Len(t, kept, 3)

	form.Set("stage.0.from", "2024-09-03")
	form.Set("stage.0.published", "another day")
	used := send()
	wellMade(t, "again", used.Body.String())
	require.Contains(t, used.Body.String(), "The season is planned in part, as this form said before")
	require.Contains(t, used.Body.String(), "<li>This form was sent before, with something else in it, and that stands")
	form.Set(".id", regexp.MustCompile(`name=".id" value="([^"]*)"`).FindStringSubmatch(used.Body.String())[1])
	require.Equal(t, http.StatusSeeOther, send().Code)
	require.Equal(t, "another day", a.orders[len(a.orders)-2].Given.Get("published"))
}
