package web_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/cmd/daybook/web"
	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/access"
	"github.com/daybook-engine/daybook/domain/call"
	"github.com/daybook-engine/daybook/domain/gathering"
	"github.com/daybook-engine/daybook/domain/mentor"
)

// An actor stands where the engine is: it asks one question of each kind, and
// answers an order as it is told to.
type actor struct {
	s      *season
	orders []web.Order
	answer func(o web.Order) (web.Done, []web.Fault, error)
	offers [][]web.Offer
}

func (s *season) acting(answer func(o web.Order) (web.Done, []web.Fault, error), change ...func(*web.Options)) (*actor, http.Handler) {
	a := &actor{s: s, answer: answer}
	return a, s.pages(func(o *web.Options) {
		o.Acting = &web.Acting{
			Person: coordinator, Role: "coordinator",
			Words: func(command string, _ url.Values) string {
				return map[string]string{"tea.serve": "Serve the tea"}[command]
			},
			Offers: func(_ context.Context, offers []web.Offer) ([][]web.Step, error) {
				a.offers = append(a.offers, offers)
				steps := make([][]web.Step, len(offers))
				for i, o := range offers {
					known := o.Known
					if known == nil {
						known = url.Values{"task": {o.Task}, "step": {o.Step}}
					}
					steps[i] = []web.Step{{Command: "tea.serve", Known: known}, {Command: "tea.serve", Known: known, Ready: true}}
				}
				return steps, nil
			},
			Ask: func(_ context.Context, command string, known url.Values) ([]web.Question, error) {
				if command == "gold.weigh" {
					return nil, access.ErrRole
				}
				if command != "tea.serve" {
					return nil, domain.Wrong("command_unknown", "there is no such command")
				}
				return kinds(), nil
			},
			Do: func(_ context.Context, o web.Order) (web.Done, []web.Fault, error) {
				a.orders = append(a.orders, o)
				return a.answer(o)
			},
		}
		for _, change := range change {
			change(o)
		}
	})
}

// kinds are a question of each kind.
func kinds() []web.Question {
	two := []web.Choice{{Value: "one", Text: "One " + hostile}, {Value: "two", Text: "Two"}}
	list := []web.Question{{Name: "cycle", Label: "Cycle", Type: "line", Needed: true}}
	for _, kind := range []string{"line", "lines", "list", "number", "date", "local", "moment", "yes", "document", "person"} {
		list = append(list, web.Question{Name: "a." + kind, Label: "Some " + kind + " " + hostile, Hint: "Like " + hostile, Type: kind, Unit: "spoons", Needed: true})
	}
	return append(list,
		web.Question{Name: "radios", Label: "Either", Type: "line", Needed: true, Choices: two},
		web.Question{Name: "select", Label: "Perhaps", Type: "line", Choices: two},
		web.Question{Name: "checkboxes", Label: "Any", Type: "line", Several: true, Choices: two},
		web.Question{Name: "ranked", Label: "Best", Type: "lines", Times: 2},
		web.Question{Name: "cause.reason", Label: "Reason", Type: "line", Cause: true},
	)
}

// post sends a form as a browser does, opened as the coordinator unless it says
// as whom.
func post(h http.Handler, path string, form url.Values, header ...string) *httptest.ResponseRecorder {
	if !form.Has(".by") {
		form = maps.Clone(form)
		if form == nil {
			form = url.Values{}
		}
		form.Set(".by", "coordinator/"+string(coordinator))
	}
	return postBody(h, path, form.Encode(), header...)
}

func postBody(h http.Handler, path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Host = "127.0.0.1:8080"
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	if r.Header.Get("Host") != "" {
		r.Host = r.Header.Get("Host")
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

const teaForm = "/do/tea.serve?cycle=autumn&.back=%2Fcycles%2Fautumn%2Fqueue%3Fpage%3D2"

// Whatever is typed comes back as it was typed, whatever was wrong with it, and
// never as anything but text.
func TestWhatWasTypedStaysTyped(t *testing.T) {
	t.Parallel()
	s := filled(t)
	a, h := s.acting(nil)
	asked := get(t, h, teaForm)
	wellMade(t, "form", asked)
	require.NotContains(t, asked, hostile)
	require.Contains(t, asked, `action="/do/tea.serve?.back=%2Fcycles%2Fautumn%2Fqueue%3Fpage%3D2&amp;cycle=autumn"`)
	require.Contains(t, asked, `href="/cycles/autumn/queue?page=2">Back, without recording anything`)
	require.NotContains(t, asked, `name="cycle"`, "what is known is not asked")
	require.Contains(t, asked, `>Ana `+html.EscapeString(hostile)+` (h)</option>`, "people are chosen by name and handle")
	require.Contains(t, asked, `type="datetime-local"`)
	require.Contains(t, asked, `govuk-input__suffix" aria-hidden="true">spoons`)
	for _, closed := range []string{`<details class="govuk-details"><summary class="govuk-details__summary"><span class="govuk-details__summary-text">If somebody told you`} {
		require.Contains(t, asked, closed)
	}

	form := url.Values{".id": {uuid.NewString()}, ".since": {"0000000000000001"}}
	for _, q := range kinds()[1:] {
		form.Set(q.Name, "🦕 שלום "+hostile+"\"'&\r\nnext")
	}
	form["radios"], form["select"], form["checkboxes"], form["ranked"] = []string{"two"}, []string{"one"}, []string{"one", "two"}, []string{"first " + hostile, "second"}
	form.Set("a.person", string(ben))
	form.Set("a.moment.zone", "Europe/"+hostile)
	form.Set("a.yes", "true")
	refusal := domain.Refuse("no_tea", "there is no tea "+hostile+" for "+string(ben))
	for name, x := range map[string]struct {
		code   int
		faults []web.Fault
		err    error
		says   string
	}{
		"of a field":   {http.StatusBadRequest, []web.Fault{{Question: "a.number", Text: "expected a number " + hostile}}, nil, `<a href="#f-a.number">Expected a number `},
		"of a choice":  {http.StatusBadRequest, []web.Fault{{Question: "radios", Text: "choose"}}, nil, `<a href="#f-radios-1">Choose</a>`},
		"of a rank":    {http.StatusBadRequest, []web.Fault{{Question: "ranked", Text: "two"}}, nil, `<a href="#f-ranked-1">Two</a>`},
		"of a reason":  {http.StatusBadRequest, []web.Fault{{Question: "cause.reason", Text: "say why"}}, nil, `<details class="govuk-details" open>`},
		"by the rules": {http.StatusConflict, []web.Fault{{Text: refusal.Text}}, refusal, `<li>There is no tea ` + html.EscapeString(hostile) + ` for Ben</li>`},
		"by a fault":   {http.StatusInternalServerError, nil, errors.New("boom"), "Send it again in a while, as it is: it is recorded once"},
	} {
		a.answer = func(web.Order) (web.Done, []web.Fault, error) { return web.Done{}, x.faults, x.err }
		w := post(h, teaForm, form)
		page := w.Body.String()
		require.Equal(t, x.code, w.Code, name)
		wellMade(t, name, page)
		require.Contains(t, page, x.says, name)
		require.NotContains(t, page, hostile, name)
		require.NotContains(t, page, "boom", name)
		typed := html.EscapeString("🦕 שלום " + hostile + "\"'&\r\nnext")
		for _, kind := range []string{"line", "number", "date", "local", "moment"} {
			require.Regexp(t, `name="a.`+kind+`"[^>]* value="`+quoted(typed)+`"`, page, name)
		}
		for _, kind := range []string{"lines", "list", "document"} {
			require.Regexp(t, `name="a.`+kind+`"[^>]*>`+quoted(typed)+`</textarea>`, page, name)
		}
		require.Contains(t, page, `value="Europe/`+html.EscapeString(hostile)+`"`)
		require.Contains(t, page, `<option value="`+string(ben)+`" selected>`)
		require.Contains(t, page, `value="two" checked><label class="govuk-label govuk-radios__label"`)
		require.Equal(t, 3, strings.Count(page, " checked>"), name) // a radio, both boxes
		require.Regexp(t, `name="a.yes" type="checkbox" value="true" checked`, page, name)
		require.Contains(t, page, `>first `+html.EscapeString(hostile)+`</textarea>`)
		require.Contains(t, page, `name=".id" value="`+form.Get(".id")+`"`, "it is the same order still")
	}
	require.Equal(t, "autumn", a.orders[0].Given.Get("cycle"))
	require.Equal(t, form.Get("a.line"), a.orders[0].Given.Get("a.line"))
	require.False(t, a.orders[0].Given.Has(".since"))
}

// Of everybody a form offers who could be meant, as far as that is known, and who
// was chosen before.
func TestAFormOffersWhoCouldBeMeant(t *testing.T) {
	t.Parallel()
	s := filled(t)
	s.add("mentor-"+string(mia), "installation", "2023-06-02T10:00", mentor.Joined{Mentor: mia, Pool: "gem", Capacity: 1}, nil)
	s.add("gathering-autumn.first", "cycle/autumn", "2023-09-01T10:00", gathering.Announced{Stage: "supervision", Kind: "supervision", Title: "First"}, nil)
	s.add("gathering-autumn.first", "cycle/autumn", "2023-10-04T10:00", gathering.AttendanceRecorded{Person: mia, Present: true, Minutes: 90}, nil)
	require.NoError(t, s.views.CatchUp(t.Context()))
	h := s.pages(func(o *web.Options) {
		o.Acting = &web.Acting{
			Person: coordinator, Role: "coordinator", Words: func(command string, _ url.Values) string { return command },
			Ask: func(_ context.Context, command string, known url.Values) ([]web.Question, error) {
				return []web.Question{{Name: known.Get("asked"), Label: "Who", Type: cmp.Or(known.Get("type"), "person"), Needed: true}}, nil
			},
			Do: func(context.Context, web.Order) (web.Done, []web.Fault, error) {
				return web.Done{}, []web.Fault{{Text: "no"}}, nil
			},
		}
	})
	get(t, h, "/do/tea.serve?asked=pot&type=line")
	require.Len(t, s.asked, 1, "names are unsealed where somebody is asked for: else that of who acts alone")
	cycle, of := "?cycle=autumn&asked=", "?cycle=autumn&call=mentees&person="+string(ana)+"&asked="
	for path, want := range map[string][]domain.Person{
		"match.propose" + cycle + "mentor":                       {mia},
		"match.propose" + cycle + "mentee":                       {ana},
		"match.propose?asked=mentee":                             {ana, ben, coordinator, mia},
		"mentor.join?asked=mentor":                               {ana, ben, coordinator},
		"application.submit" + cycle + "person&call=mentees":     {coordinator, mia},
		"application.submit" + cycle + "person&call=mentors":     {ana, ben, coordinator, mia},
		"review.assign" + of + "reviewer":                        {coordinator},
		"conflict.declare" + of + "reviewer":                     {ben, coordinator, mia},
		"permit.grant" + cycle + "person&call=mentees":           {ana, ben, coordinator, mia},
		"attendance.record" + cycle + "person&gathering=first":   {ana, ben, coordinator},
		"attendance.record" + cycle + "person&gathering=second":  {ana, ben, coordinator, mia},
		"attendance.correct" + cycle + "person&gathering=first":  {mia},
		"attendance.correct" + cycle + "person&gathering=second": nil,
	} {
		page := get(t, h, "/do/"+path)
		var offered []domain.Person
		for _, who := range []domain.Person{ana, ben, coordinator, mia} {
			if strings.Contains(page, `<option value="`+string(who)+`">`) {
				offered = append(offered, who)
			}
		}
		require.Equal(t, want, offered, path)
		require.Equal(t, want == nil, strings.Contains(page, "The person&#39;s handle"), path)
	}
	sent := post(h, "/do/match.propose"+cycle+"mentor", url.Values{".id": {uuid.NewString()}, "mentor": {string(ben)}})
	require.Contains(t, sent.Body.String(), `<option value="`+string(ben)+`" selected>`)
}

func TestNamesAreInTheOrderOfPeople(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"anna", "Émile", "Oskar", "Özge", "Zoe", "Жанна", "מיה"}, web.Offered("Zoe", "Özge", "Жанна", "Émile", "מיה", "Oskar", "anna"))
}

// quoted makes of a text a pattern of itself, however a template writes it.
func quoted(escaped string) string {
	r := strings.NewReplacer(`(`, `\(`, `)`, `\)`, `&#34;`, `&#34;`, "+", `\+`)
	return r.Replace(escaped)
}

// What was sent is told on the page that it was sent from.
func TestAnOrderLeadsBackAndIsTold(t *testing.T) {
	t.Parallel()
	s := filled(t)
	a, h := s.acting(func(web.Order) (web.Done, []web.Fault, error) {
		s.add("call-autumn.mentees", "cycle/autumn", "2023-12-15T09:00", call.NoticePublished{Where: "the list", Text: hostile}, nil)
		require.NoError(t, s.views.CatchUp(t.Context()))
		return web.Done{Position: s.views.Position(), Names: []string{"notice.published"}}, nil, nil
	})
	w := post(h, teaForm, url.Values{".id": {uuid.NewString()}})
	require.Equal(t, http.StatusSeeOther, w.Code)
	to := w.Header().Get("Location")
	require.Regexp(t, `^/cycles/autumn/queue\?page=2&recorded=[0-9a-f]{16}$`, to)
	page := get(t, h, to)
	wellMade(t, to, page)
	_, banner, found := strings.Cut(page, `notification-banner--success`)
	require.True(t, found)
	require.Contains(t, banner, html.EscapeString("The call was made known at the list: "+strconv.Quote(hostile)))
	require.Equal(t, 1, strings.Count(page, "recorded="+strings.Split(to, "recorded=")[1]+"\"")+1, "no link takes the notice along")

	a.answer = func(web.Order) (web.Done, []web.Fault, error) { return web.Done{}, nil, nil }
	w = post(h, teaForm, url.Values{".id": {uuid.NewString()}})
	require.Contains(t, get(t, h, w.Header().Get("Location")), "It was so already: nothing was recorded.")
	for _, nonsense := range []string{"yesterday", "ffffffffffffffff"} {
		require.NotContains(t, get(t, h, "/cycles/autumn?recorded="+nonsense), "notification-banner")
	}
	for back, want := range map[string]string{
		"/cycles/autumn?recorded=1": "/cycles/autumn?recorded=nothing", "https://evil.example/": "/?recorded=nothing", "//evil.example": "/?recorded=nothing",
		`/\evil.example`: "/?recorded=nothing", "": "/?recorded=nothing", "javascript:alert(1)": "/?recorded=nothing", "cycles": "/?recorded=nothing",
	} {
		w := post(h, "/do/tea.serve?.back="+url.QueryEscape(back), url.Values{".id": {uuid.NewString()}})
		require.Equal(t, want, w.Header().Get("Location"), back)
	}
}

// Nothing is done for another site, under another name, at another address,
// with what cannot be read, or by nobody.
func TestNothingIsDoneForOthers(t *testing.T) {
	t.Parallel()
	s := filled(t)
	a, h := s.acting(func(web.Order) (web.Done, []web.Fault, error) { return web.Done{}, nil, nil })
	form := url.Values{".id": {uuid.NewString()}}
	for what, w := range map[string]*httptest.ResponseRecorder{
		"403 another site":    post(h, teaForm, form, "Sec-Fetch-Site", "cross-site"),
		"403 a site beside":   post(h, teaForm, form, "Sec-Fetch-Site", "same-site"),
		"403 an old browser":  post(h, teaForm, form, "Sec-Fetch-Site", "", "Origin", "https://evil.example"),
		"403 another name":    post(h, teaForm, form, "Host", "daybook.evil.example"),
		"400 no id":           post(h, teaForm, url.Values{}),
		"400 no form":         postBody(h, teaForm, "%zz"),
		"400 other letters":   postBody(h, teaForm, form.Encode()+"&a.line=M%FCller"),
		"405 another address": post(h, "/cycles/autumn", form),
		"413 too much":        postBody(h, teaForm, form.Encode()+"&a.lines="+strings.Repeat("x", 10<<20)),
	} {
		require.Equal(t, what[:3], fmt.Sprint(w.Code), what)
		require.Equal(t, "default-src", w.Header().Get("Content-Security-Policy")[:11], what)
	}
	require.Empty(t, a.orders)
	large := postBody(h, teaForm, "a.lines="+strings.Repeat("x", 2<<20))
	wellMade(t, "large", large.Body.String())
	require.Contains(t, large.Body.String(), "nothing was recorded. What you wrote is still there: go back in your browser")
	require.Equal(t, http.StatusBadRequest, ask(h, http.MethodGet, "/do/coffee.serve").Code)
	require.Equal(t, http.StatusSeeOther, post(h, teaForm, form).Code)
	require.Len(t, a.orders, 1)

	shown := s.pages(nil)
	require.Equal(t, http.StatusNotFound, ask(shown, http.MethodGet, teaForm).Code)
	refused := post(shown, teaForm, form)
	require.Equal(t, http.StatusMethodNotAllowed, refused.Code)
	require.Contains(t, refused.Body.String(), "start daybook serve with --as ROLE/HANDLE")
	for _, path := range routes() {
		require.NotContains(t, ask(shown, http.MethodGet, path).Body.String(), "/do/", path)
	}
}

// A form that was opened as somebody else does nothing, wherever it is sent: it
// says so, with what was written, and stays a form of theirs.
func TestAFormIsOfWhoOpenedIt(t *testing.T) {
	t.Parallel()
	s := filled(t)
	var everything *web.Acting
	a, h := s.acting(func(web.Order) (web.Done, []web.Fault, error) { return web.Done{}, nil, nil }, func(o *web.Options) {
		o.Acting.Import, o.Acting.Bulk, everything = &web.Importing{}, &web.Bulking{}, o.Acting
		o.Deeds = func(context.Context, string) ([]web.Deed, error) {
			return []web.Deed{{Stream: idOf(ana).Stream(), Event: "draft.started"}}, nil
		}
	})
	form := url.Values{".id": {uuid.NewString()}, ".by": {"applicant/" + string(ben)}, "a.lines": {"typed " + hostile}, "title": {"typed " + hostile}, "reason": {"typed " + hostile}, "command": {"tea.serve"}, ".all": {"yes"}}
	sent := 0
	for _, pattern := range web.Patterns(everything) {
		path, ok := strings.CutPrefix(pattern, "POST ")
		if !ok {
			continue
		}
		sent++
		path = strings.NewReplacer("{command}", "tea.serve", "{cycle}", "autumn", "{work}", "none", "{import}", brought).Replace(path) + "?cycle=autumn"
		w := post(h, path, form)
		page := w.Body.String()
		require.Equal(t, http.StatusConflict, w.Code, path)
		require.Contains(t, page, "This form was opened as Ben, applicant, and you now act as Cora, coordinator: nothing was recorded.", path)
		if wellMade(t, path, page); strings.Contains(page, `<form`) {
			require.Contains(t, page, "typed "+html.EscapeString(hostile), path)
			require.Contains(t, page, `name=".by" value="applicant/`+string(ben)+`"`, path)
			require.NotContains(t, page, "Recorded as", path)
		}
		require.Equal(t, strings.HasPrefix(path, "/do/") || strings.Contains(path, "/revert"), strings.Contains(page, `<form`), path)
		for _, by := range []string{"", "Ben", "applicant/../x"} {
			require.Equal(t, http.StatusBadRequest, post(h, path, url.Values{".by": {by}}).Code, path)
		}
	}
	require.Equal(t, 9, sent)
	other := post(h, "/do/gold.weigh", form) // which a coordinator may not
	require.Equal(t, http.StatusConflict, other.Code)
	require.Contains(t, other.Body.String(), "This form was opened as Ben, applicant, and you now act as Cora, coordinator: nothing was recorded.")
	require.Empty(t, a.orders)
	form.Set(".by", "coordinator/") // opened before anybody was registered
	require.Equal(t, http.StatusSeeOther, post(h, teaForm, form).Code)
	require.Len(t, a.orders, 1)
}

// Every page offers what is about what it shows: as it is now, and not as it
// was.
func TestPagesOfferWhatCanBeDone(t *testing.T) {
	t.Parallel()
	s := filled(t)
	a, h := s.acting(nil)
	for path, about := range map[string]url.Values{
		"/":                                {},
		"/cycles/autumn":                   {"cycle": {"autumn"}, "call": {"mentees"}},
		"/applications/" + idOf(ana).Key(): {"cycle": {"autumn"}, "call": {"mentees"}, "person": {string(ana)}},
		"/cycles/autumn/matches/m1":        {"cycle": {"autumn"}, "match": {"m1"}},
		routes()[10]:                       {"message": {routes()[10][len("/cycles/autumn/messages/"):]}},
	} {
		a.offers = nil
		page := get(t, h, path)
		wellMade(t, path, page)
		require.NotEmpty(t, a.offers, path)
		known := make([]url.Values, len(a.offers[0]))
		for i, o := range a.offers[0] {
			known[i] = o.Known
		}
		require.Contains(t, known, about, path)
		require.Contains(t, page, `You act as <strong>Cora, coordinator</strong>`)
		require.Contains(t, page, `<h2 class="govuk-heading-s" id="can">What can be done</h2>`, path)
		require.Contains(t, page, `<button class="govuk-button govuk-button--secondary">Serve the tea`, path)
		require.Contains(t, page, html.EscapeString(".back="+url.QueryEscape(path)), path)
		if path == "/" {
			continue
		}
		a.offers = nil
		at := "?at=2023-11-30"
		if strings.Contains(path, "message") {
			at = "?at=2023-12-14T12:00"
		}
		require.NotContains(t, ask(h, http.MethodGet, path+at).Body.String(), "/do/", path)
		require.Empty(t, a.offers, path)
	}
	const address = "ana@example.org"
	match := get(t, h, "/cycles/autumn/matches/m1")
	for _, path := range []string{"/cycles/autumn/matches/m1", "/applications/" + idOf(ana).Key()} {
		require.Contains(t, get(t, h, path), address)
		require.NotContains(t, get(t, h, path+"?at=2023-11-30"), address)
		require.NotContains(t, get(t, s.pages(nil), path), address, "nobody acts")
	}
	require.Equal(t, 1, strings.Count(match, "E-mail of "), "the other has none")
	require.Contains(t, match, `session=1">Serve the tea</a>`)
	board := get(t, h, "/cycles/autumn/matches")
	wellMade(t, "board", board)
	require.Contains(t, board, "match=m1&amp;session=2", "the session that is held next")
	a.offers = nil
	queue := get(t, h, "/cycles/autumn/queue")
	wellMade(t, "queue", queue)
	people, _, _ := strings.Cut(queue, "For the clock")
	require.Equal(t, strings.Count(people, "<tr")-1, strings.Count(people, "Serve the tea</button>"), "each line has its button")
}
