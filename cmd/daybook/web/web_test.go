package web_test

import (
	"bytes"
	"context"
	"errors"
	"html"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/cmd/daybook/web"
	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/allocation"
	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/domain/call"
	"github.com/daybook-engine/daybook/domain/cycle"
	"github.com/daybook-engine/daybook/domain/gathering"
	"github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/domain/message"
	"github.com/daybook-engine/daybook/domain/organisation"
	"github.com/daybook-engine/daybook/domain/person"
	"github.com/daybook-engine/daybook/domain/policy"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/domain/when"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/projections"
)

func ask(h http.Handler, method, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	r.Host = "127.0.0.1:8080"
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// routes is an address for each route.
func routes() []string {
	fill := strings.NewReplacer("{cycle}", "autumn", "{measure}", "sessions_held", "{match}", "m1", "{run}", "first", "{import}", brought, "{message}", message.Of("cause", "match-mentee", ana, "autumn").Message, "{key}", idOf(ana).Key(), "{position}", "0000000000000001", "{file}", "daybook.css", "{person}", string(mia), "{$}", "")
	var paths []string
	for _, pattern := range web.Patterns(nil) {
		if path, ok := strings.CutPrefix(pattern, "GET "); ok {
			paths = append(paths, fill.Replace(path))
		}
	}
	return paths
}

func get(t *testing.T, h http.Handler, path string) string {
	t.Helper()
	w := ask(h, http.MethodGet, path)
	require.Equal(t, http.StatusOK, w.Code, "%s: %s", path, w.Body)
	return w.Body.String()
}

// crawl asks for every page that others lead to, from some on. Of the pages
// at other moments, each of which replays the log, it asks for so many.
func crawl(t *testing.T, h http.Handler, moments int, from ...string) map[string]string {
	pages := map[string]string{}
	for len(from) > 0 {
		path := from[0]
		from = from[1:]
		if _, seen := pages[path]; seen {
			continue
		}
		if strings.Contains(path, "at=") {
			if moments--; moments < 0 {
				continue
			}
		}
		pages[path] = get(t, h, path)
		if strings.HasPrefix(path, "/static/") || strings.Contains(path, "/calendar.ics") || strings.Contains(path, "as=") {
			continue
		}
		for _, e := range wellMade(t, path, pages[path]) {
			for _, name := range []string{"href", "action"} {
				link, ok := e.attrs[name]
				if !ok || strings.HasPrefix(link, "#") {
					continue
				}
				require.True(t, strings.HasPrefix(link, "/"), "%s leads to %q", path, link)
				from = append(from, link)
			}
		}
	}
	return pages
}

// Reading changes nothing, and only what those who run the programme may read
// is ever asked of the vault: what is sealed cannot be let out by a page that
// never had it. What they may read stands on its file alone.
func TestEveryLinkLeadsToAWellMadePage(t *testing.T) {
	t.Parallel()
	s := filled(t)
	var before, after bytes.Buffer
	require.NoError(t, s.views.Dump(t.Context(), &before))
	head, err := s.store.Head(t.Context())
	require.NoError(t, err)

	pages := crawl(t, s.pages(nil), 30, "/", "/cycles/autumn?at=2023-10-31&clock=occurred", "/cycles/autumn/history?name=session")
	require.Greater(t, len(pages), 100)
	for path, page := range pages {
		require.NotContains(t, page, "SECRET", path)
		if !strings.HasPrefix(path, "/applications/") && !strings.HasPrefix(path, "/cycles/autumn/matches/") {
			require.NotContains(t, page, "WRITTEN", path)
		}
		if !strings.Contains(path, "/calendar.ics") && !strings.Contains(path, "as=") { // there it is text
			require.NotContains(t, page, "<script", path)
		}
	}
	require.Contains(t, pages["/cycles/autumn"], html.EscapeString(hostile))

	require.NotEmpty(t, s.asked)
	for digest := range s.asked {
		require.NotContains(t, s.texts[digest].Text, "SECRET")
	}
	require.NoError(t, s.views.Dump(t.Context(), &after))
	require.Equal(t, before.String(), after.String())
	now, err := s.store.Head(t.Context())
	require.NoError(t, err)
	require.Equal(t, head, now)
	for _, pattern := range web.Patterns(nil) {
		require.True(t, pattern == "/" || strings.HasPrefix(pattern, "GET /"), pattern)
	}
}

func TestANameThatMayNotBeShownSaysWhy(t *testing.T) {
	t.Parallel()
	s := filled(t)
	for _, answer := range []string{web.Withheld, web.Erased} {
		h := s.pages(func(o *web.Options) {
			o.Names = func(context.Context, string) (string, error) { return answer, nil }
		})
		require.Contains(t, get(t, h, "/cycles/autumn/applications"), answer+" 00000000")
	}
	s.fail = errors.New("the vault is away")
	require.Contains(t, get(t, s.pages(nil), "/cycles/autumn/applications"), "[unreadable] 00000000")
}

func TestEveryAnswerHasTheHeaders(t *testing.T) {
	t.Parallel()
	s := filled(t)
	h := s.pages(nil)
	answers := map[string]*httptest.ResponseRecorder{
		"post":       ask(h, http.MethodPost, "/cycles/autumn"),
		"cross site": ask(h, http.MethodPost, "/", "Sec-Fetch-Site", "cross-site"),
		"not found":  ask(h, http.MethodGet, "/nothing/here"),
		"bad":        ask(h, http.MethodGet, "/cycles/autumn?at=yesterday"),
	}
	for _, path := range routes() {
		answers[path] = ask(h, http.MethodGet, path)
		require.Equal(t, http.StatusOK, answers[path].Code, path)
	}
	for what, code := range map[string]int{"post": 405, "cross site": 403, "not found": 404, "bad": 400} {
		require.Equal(t, code, answers[what].Code, what)
	}
	for what, w := range answers {
		for name, value := range map[string]string{
			"Content-Security-Policy":      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
			"Strict-Transport-Security":    "max-age=31536000; includeSubDomains",
			"X-Content-Type-Options":       "nosniff",
			"Referrer-Policy":              "no-referrer",
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Cache-Control":                "no-store",
		} {
			require.Equal(t, value, w.Header().Get(name), "%s: %s", what, name)
		}
		require.NotEmpty(t, w.Header().Get("Content-Type"), what)
		require.Empty(t, w.Header().Get("Set-Cookie"), what)
	}
}

// A calendar file is downloaded, tells what the page beside it tells, and stays
// at the page's moment.
func TestSessionsAreACalendarFile(t *testing.T) {
	t.Parallel()
	s := filled(t)
	h := s.pages(nil)
	page := get(t, h, "/cycles/autumn/matches/m1?at=2023-09-20T12:00")
	for path, file := range map[string]string{
		"/cycles/autumn/calendar.ics":                                             "autumn.ics",
		"/cycles/autumn/calendar.ics?at=2023-09-20T12%3A00&match=m1":              "autumn-m1.ics",
		"/cycles/autumn/calendar.ics?at=2023-09-20T12%3A00&person=" + string(mia): "autumn.ics",
	} {
		if strings.Contains(path, "?") {
			require.Contains(t, page, `href="`+html.EscapeString(path)+`"`)
		}
		w := ask(h, http.MethodGet, path)
		require.Equal(t, http.StatusOK, w.Code, path)
		require.Equal(t, "text/calendar; charset=utf-8; method=PUBLISH", w.Header().Get("Content-Type"))
		require.Equal(t, `attachment; filename="`+file+`"`, w.Header().Get("Content-Disposition"))
		require.Contains(t, w.Body.String(), "SUMMARY:Session 1: Ana "+hostile+" and Mia\r\n")
		require.Contains(t, w.Body.String(), "DTSTART;TZID=Europe/London:20231005T160000\r\nDTEND;TZID=Europe/London:20231005T173000\r\n")
		require.Equal(t, w.Body.String(), get(t, h, path), "the same bytes")
	}
	require.Contains(t, get(t, h, "/cycles/autumn"), `href="/cycles/autumn/calendar.ics"`)
	require.NotContains(t, get(t, h, "/cycles/autumn/calendar.ics?person="+string(ben)), "VEVENT")
	require.NotContains(t, get(t, h, "/cycles/autumn/calendar.ics?at=2023-09-19"), "VEVENT")
	require.Contains(t, get(t, h, "/cycles/autumn/calendar.ics?at=2023-08-01&match=m1"), "Not yet: the match was proposed on <time")
	for path, code := range map[string]int{"autumn/calendar.ics?match=m9": 404, "winter/calendar.ics": 404, "autumn/calendar.ics?at=yesterday": 400} {
		require.Equal(t, code, ask(h, http.MethodGet, "/cycles/"+path).Code, path)
	}

	// A person's own feed is of all cycles, and always of now.
	feed := "/people/" + string(mia) + "/calendar.ics"
	require.Contains(t, page, `href="`+feed+`"`)
	w := ask(h, http.MethodGet, feed)
	require.Equal(t, "text/calendar; charset=utf-8; method=PUBLISH", w.Header().Get("Content-Type"))
	require.Equal(t, events(get(t, h, "/cycles/autumn/calendar.ics?person="+string(mia))), events(w.Body.String()), "the same entries")
	require.Contains(t, w.Body.String(), "\r\nNAME:Mia\r\n")
	require.NotContains(t, get(t, h, "/people/"+string(ben)+"/calendar.ics"), "VEVENT")
	for _, nobody := range []string{"nobody", "00000000-0000-4000-8000-00000000ffff"} {
		require.Equal(t, http.StatusNotFound, ask(h, http.MethodGet, "/people/"+nobody+"/calendar.ics").Code)
	}
	for _, answer := range []string{web.Withheld, web.Erased} {
		h := s.pages(func(o *web.Options) {
			o.Names = func(context.Context, string) (string, error) { return answer, nil }
		})
		require.Contains(t, get(t, h, feed), "SUMMARY:Session 1: "+answer+" 00000000 and "+answer+" 00000000\r\n")
		require.Contains(t, get(t, h, "/cycles/autumn/calendar.ics"), "SUMMARY:Session 1: "+answer+" 00000000 and "+answer+" 00000000\r\n")
	}
}

func TestASlashTooManyLeadsToThePage(t *testing.T) {
	t.Parallel()
	h := filled(t).pages(nil)
	for path, to := range map[string]string{
		"/cycles/autumn/": "/cycles/autumn", "/cycles/autumn/matches/m1/?at=2023-09-20": "/cycles/autumn/matches/m1?at=2023-09-20", "/cycles/nowhere/": "/cycles/nowhere",
	} {
		w := ask(h, http.MethodGet, path)
		require.Equal(t, http.StatusMovedPermanently, w.Code, path)
		require.Equal(t, to, w.Header().Get("Location"))
	}
	for _, path := range []string{"/nothing/", "/cycles/", "//cycles.example/"} {
		w := ask(h, http.MethodGet, path)
		require.False(t, strings.HasPrefix(w.Header().Get("Location"), "//"), path)
		require.NotEqual(t, http.StatusOK, w.Code, path)
	}
}

// events are what a calendar has, from the first to the last.
func events(document string) string {
	_, of, _ := strings.Cut(document, "BEGIN:VEVENT")
	return of
}

func TestAnotherNameIsRefused(t *testing.T) {
	t.Parallel()
	s := empty(t)
	h := s.pages(nil)
	for host, code := range map[string]int{
		"127.0.0.1": 200, "[::1]:8080": 200, "[::1]": 200, "localhost:8080": 200, "evil.example": 403, "127.0.0.1.evil.example:8080": 403,
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = host
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		require.Equal(t, code, w.Code, host)
	}
}

func TestARehearsalSaysSoOnEveryPage(t *testing.T) {
	t.Parallel()
	s := filled(t)
	h := s.pages(func(o *web.Options) { o.Rehearsal = "autumn" })
	for _, path := range routes() {
		if page := ask(h, http.MethodGet, path); strings.HasPrefix(page.Header().Get("Content-Type"), "text/html") {
			require.Contains(t, page.Body.String(), "Rehearsal: nothing here happened.", path)
		}
	}
	require.Contains(t, ask(h, http.MethodGet, "/nothing").Body.String(), "Rehearsal: nothing here happened.")
	require.NotContains(t, get(t, s.pages(nil), "/"), "nothing here happened")
}

func TestAnEmptyDaybookTellsTheNextStep(t *testing.T) {
	t.Parallel()
	page := get(t, empty(t).pages(nil), "/")
	wellMade(t, "/", page)
	require.Contains(t, page, "daybook do cycle.plan")
}

// A session that was written down weeks later says so, and whose reflection is
// there or still to come.
func TestSessionsTellWhatIsLateAndDue(t *testing.T) {
	t.Parallel()
	h := filled(t).pages(nil)
	for _, path := range []string{"/cycles/autumn/sessions", "/cycles/autumn/matches/m1"} {
		page := get(t, h, path)
		require.Contains(t, page, `<span class="db-mark">recorded late, 13 November 2023</span>`, path)
		require.Contains(t, page, `data-head="Reflections:">mentee filed</td>`, path)
		require.Contains(t, get(t, h, path+"?at=2023-11-13"), `data-head="Reflections:">mentee due</td>`, path)
		ahead := get(t, h, path+"?at=2023-10-01")
		require.NotContains(t, ahead, "recorded late", path)
		require.Contains(t, ahead, `data-head="Reflections:"></td>`, path)
	}
}

func TestBothClocksAreShown(t *testing.T) {
	t.Parallel()
	s := filled(t)
	s.add("cycle-winter", "cycle/winter", "2023-12-03T09:00", cycle.Planned{Programme: "nemo", Title: "Winter", From: "2024-01", To: "2024-03", Zone: "Europe/Berlin", Year: 2024}, nil)
	s.add("call-winter.mentees", "cycle/winter", "2023-12-03T10:00", call.Opened{Role: "mentee", Form: "1"}, func(e *schema.Envelope) { e.OccurredAt = day("2023-11-20T12:00") })
	require.NoError(t, s.views.CatchUp(t.Context()))
	h := s.pages(nil)
	value := func(query string) string {
		page := get(t, h, "/cycles/autumn/figures/session_minutes"+query)
		_, after, _ := strings.Cut(page, `govuk-heading-xl db-number">`)
		v, _, _ := strings.Cut(after, " ")
		return v
	}
	require.Equal(t, "45", value(""))
	require.Equal(t, "0", value("?at=2023-10-31"), "as then known: it was recorded in November")
	require.Equal(t, "45", value("?at=2023-10-31&clock=occurred"), "as we now know it was")
	require.Equal(t, "54", value("?at=2023-11-13T12:00"), "before it was corrected")
	require.Equal(t, "54", value("?at=2023-11-13T11:00:00Z"), "as machines write it")
	require.Equal(t, "0", value("?day=10"), "ten days after the plan")

	early := "/cycles/autumn/matches/m1?at=2023-08-01"
	require.Contains(t, get(t, h, early), "Not yet: the match was proposed on <time")
	require.Equal(t, http.StatusNotFound, ask(h, http.MethodGet, strings.Replace(early, "m1", "m9", 1)).Code)
	require.Contains(t, get(t, h, "/cycles/autumn/figures/session_minutes?at=2023-01-01"), `Not yet: the cycle was planned on <time datetime="2023-06-03T07:00:00Z"`)
	for _, of := range []string{"", "/figures/sessions_held"} {
		require.Contains(t, get(t, h, "/cycles/winter"+of+"?at=2023-11-21&clock=occurred"), `Not yet: the cycle was planned on <time datetime="2023-12-03T08:00:00Z"`, "though its call had opened")
	}
	page := get(t, h, "/cycles/autumn?at=2023-10-31&clock=occurred")
	require.Contains(t, page, "This page shows 31 October 2023, 23:59 CET")
	require.Contains(t, page, `href="/cycles/autumn">Back to now`)
	require.Contains(t, page, `/cycles/autumn/history?at=2023-10-31&amp;clock=occurred`)
	for _, query := range []string{"at=2030-01-01", "at=2023-12-15&clock=occurred"} { // the day is not over
		page := get(t, h, "/cycles/autumn?"+query)
		require.Contains(t, page, " is still to come.</strong> This page shows how things stand now")
		require.NotContains(t, page, "This page shows 1")
		require.NotContains(t, page, "/cycles/autumn/history?at=")
	}
	for query, code := range map[string]int{"at=2023-10-29T02:30": 400, "clock=wall&at=2023-10-31": 400, "day=x": 400, "at=2023-01-01": 200} {
		require.Equal(t, code, ask(h, http.MethodGet, "/cycles/autumn?"+query).Code, query)
	}
}

func TestTheHistoryIsChosenAndTurned(t *testing.T) {
	t.Parallel()
	s := filled(t)
	for i := range 60 {
		at := time.Date(2023, 11, 21, 8, i, 0, 0, time.UTC).In(day("2023-11-21T08:00").Location()).Format("2006-01-02T15:04")
		s.add("call-autumn.mentees", "cycle/autumn", at, noticeNumber(i), nil)
	}
	require.NoError(t, s.views.CatchUp(t.Context()))
	h := s.pages(nil)
	newest := get(t, h, "/cycles/autumn/history?name=notice.published")
	require.Equal(t, 50, strings.Count(newest, "<code>notice.published</code>"))
	require.Contains(t, newest, "notice 59.")
	older := linkOf(t, newest, "next")
	oldest := get(t, h, older)
	require.Equal(t, 11, strings.Count(oldest, "<code>notice.published</code>"))
	again := get(t, h, linkOf(t, oldest, "prev"))
	require.Contains(t, again, "notice 59.")
	require.Contains(t, again, "notice 10.")

	about := get(t, h, "/cycles/autumn/history?person="+string(ben))
	require.NotContains(t, about, "<code>session.held</code>")
	require.Contains(t, about, "<code>place.refused</code>")
	late := get(t, h, "/cycles/autumn/history?stream=match-autumn.m1&from=2023-10-05&to=2023-10-05")
	require.Contains(t, late, "recorded 39 days later")
	require.Contains(t, late, `<option value="match-autumn.m1" selected>m1: Ana `)
	require.Contains(t, get(t, h, "/cycles/autumn/history?stream=cycle-autumn"), `<option value="cycle-autumn" selected>cycle-autumn</option>`)
	require.NotContains(t, late, "under_min_duration")
	require.Equal(t, 1, strings.Count(late, "does not conform"), "it is told once: in the sentence")
	require.Contains(t, late, "does not conform: shorter than planned")
	require.Equal(t, 1, strings.Count(late, ">cycle: everything<"))
	require.Contains(t, late, "on behalf of Mia")
	require.Contains(t, late, "reason: typing error")
}

// What set a rule aside says who, when, why, and from what to what.
func TestTheExceptionsSayWhatWasMoved(t *testing.T) {
	t.Parallel()
	s := filled(t)
	was := when.Deadline{Local: "2023-07-31T00:00", Zone: "Europe/Berlin", Rule: when.Before}
	now := was
	now.Local = "2023-08-07T00:00"
	s.add("call-autumn.mentees", "cycle/autumn", "2023-07-20T10:00", call.DeadlineExtended{Was: was, Now: now}, func(e *schema.Envelope) {
		e.Reason, e.Authority = "power_cut", "programme-owner"
	})
	require.NoError(t, s.views.CatchUp(t.Context()))
	_, late, found := strings.Cut(get(t, s.pages(nil), "/cycles/autumn/exceptions"), `</a> <span class="db-mark">recorded late</span></p>`)
	require.True(t, found)
	require.Equal(t, strings.Count(late, "<li><p"), strings.Count(late, `</a> <span class="db-mark">recorded late</span></p>`), "what was only recorded late comes last")
	page := get(t, s.pages(nil), "/cycles/autumn/exceptions?kind=extension")
	for _, says := range []string{
		"deadline extended", "before Mon 31 Jul 2023 00:00 Europe/Berlin <span", "<strong>before Mon 7 Aug 2023 00:00 Europe/Berlin</strong>",
		"Thu 20 Jul 2023, 10:00 CEST", "Cora, coordinator", "reason: power cut", "by authority of programme owner",
	} {
		require.Contains(t, page, says)
	}
}

// A deadline that was only worded otherwise was not extended.
func TestACorrectedWordingIsNoExtension(t *testing.T) {
	t.Parallel()
	s := filled(t)
	was := when.Deadline{Local: "2023-07-31T00:00", Zone: "Europe/Berlin", Rule: when.Before, Published: "Apply before July"}
	now := was
	now.Published = "Apply before 31 July"
	s.add("call-autumn.mentees", "cycle/autumn", "2023-07-20T10:00", call.DeadlineExtended{Was: was, Now: now}, nil)
	later := now
	later.Local = "2023-08-07T00:00"
	s.add("call-autumn.mentees", "cycle/autumn", "2023-07-21T10:00", call.DeadlineExtended{Was: now, Now: later}, nil)
	require.NoError(t, s.views.CatchUp(t.Context()))
	h := s.pages(nil)
	require.Equal(t, 1, strings.Count(get(t, h, "/cycles/autumn"), "before it was extended"))
	require.Contains(t, get(t, h, "/cycles/autumn/history?name=deadline.extended"), "The wording of the deadline was corrected from “Apply before July” to “Apply before 31 July”")
}

// An erasure is the person's event, and told in every cycle that they were in,
// and only there.
func TestAnErasureIsInTheAuditTrail(t *testing.T) {
	t.Parallel()
	s := filled(t)
	stream := person.ID{Person: ana}.Stream()
	s.add(stream, "installation", "2023-12-10T10:00", person.ErasureStarted{Approver: mia}, func(e *schema.Envelope) {
		e.Subjects, e.Reason = []domain.Person{ana}, "requested"
	})
	s.add(stream, "installation", "2023-12-10T10:01", person.ErasureCompleted{Texts: 7}, func(e *schema.Envelope) {
		e.Actor, e.Role, e.Channel, e.Subjects = "eraser", "eraser", "system", []domain.Person{ana}
	})
	s.add(person.ID{Person: coordinator}.Stream(), "installation", "2023-12-10T10:02", person.ErasureCompleted{}, func(e *schema.Envelope) {
		e.Subjects = []domain.Person{coordinator} // who took part in nothing
	})
	require.NoError(t, s.views.CatchUp(t.Context()))
	h := s.pages(nil)
	for _, page := range []string{get(t, h, "/cycles/autumn/history"), get(t, h, "/cycles/autumn/history?name=erasure&person="+string(ana))} {
		require.Contains(t, page, "The erasure of Ana "+html.EscapeString(hostile)+" was approved by Mia")
		require.Equal(t, 1, strings.Count(page, "<code>erasure.completed</code>"))
		require.Contains(t, page, "reason: requested")
	}
	require.NotContains(t, get(t, h, "/cycles/autumn/history?stream=match-autumn.m1"), "<code>erasure")
	for _, file := range []string{"/applications/" + idOf(ana).Key(), "/cycles/autumn/matches/m1"} {
		page := get(t, h, file)
		wellMade(t, file, page)
		require.Equal(t, 2, strings.Count(page, `key">Erasure</dt>`), file)
		require.Contains(t, page, "Sun 10 Dec 2023, 10:00 CET, done by Cora", file)
	}
	require.NotContains(t, get(t, h, "/cycles/autumn/history?at=2023-12-01"), "erasure.started</code>")
}

// A name that is corrected is the new one on every page, and the history of every
// cycle that the person is in tells what it was, where that may be read.
func TestACorrectedNameIsShownAndTheEarlierOneTold(t *testing.T) {
	t.Parallel()
	s := filled(t)
	digest := func(text string) domain.Digest {
		for d, p := range s.texts {
			if p.Text == text {
				return domain.Digest(d)
			}
		}
		return ""
	}
	was := digest("Mia")
	s.add(person.ID{Person: mia}.Stream(), "installation", "2023-12-10T10:00", person.NameSet{Name: s.private("Mía Ünal "+hostile, domain.Programme, mia), Was: was}, nil)
	s.add(person.ID{Person: coordinator}.Stream(), "installation", "2023-12-10T10:01", person.NameSet{Name: s.private("Cora C", domain.Programme, coordinator), Was: digest("Cora")}, nil) // who took part in nothing
	require.NoError(t, s.views.CatchUp(t.Context()))
	is := html.EscapeString("Mía Ünal " + hostile)
	change := func(before string) string {
		return before + ` <span aria-hidden="true">→</span><span class="govuk-visually-hidden">became</span> <strong>` + is + "</strong>"
	}
	h := s.pages(func(o *web.Options) { o.Begin = &web.Begin{Playing: func() string { return "" }} })
	page := get(t, h, "/cycles/autumn/history?name=name.set")
	wellMade(t, "history", page)
	require.Contains(t, page, "The name of "+is+" was corrected")
	require.Contains(t, page, change("Mia"))
	require.Equal(t, 1, strings.Count(page, "<code>name.set</code>"))
	require.NotContains(t, page, string(was), "a token")
	link := regexp.MustCompile(`href="(/events/[^"]+)">The name of`).FindStringSubmatch(page)
	require.Contains(t, get(t, h, link[1]), change("Mia"))
	require.Contains(t, get(t, h, "/"), `<option value="`+string(mia)+`">`+is+` (h)</option>`)
	require.Contains(t, get(t, h, "/cycles/autumn/matches/m1"), is)
	require.NotContains(t, get(t, h, "/cycles/autumn/history?at=2023-12-01"), "name.set</code>")

	for _, why := range []string{web.Erased, web.Withheld} {
		h := s.pages(func(o *web.Options) {
			o.Names = func(ctx context.Context, d string) (string, error) {
				if d == string(was) {
					return why, nil
				}
				return s.names(ctx, d)
			}
		})
		require.Contains(t, get(t, h, "/cycles/autumn/history"), change(why))
	}
}

// What happened to an applicant is in several streams.
func TestAnApplicationShowsAllThatIsAboutThePerson(t *testing.T) {
	t.Parallel()
	s := filled(t)
	holder := allocation.Holder{Cycle: "autumn", Call: "mentees", Person: ben, Year: 2023}
	s.add(idOf(ben).Stream(), "cycle/autumn", "2023-08-26T10:00", application.Reserved{Rank: 1, Decision: application.Decision{Rationale: s.private("WRITTEN why", domain.Programme, ben)}}, about(ben))
	s.add("allocation-nemo", "programme/nemo", "2023-08-26T10:01", allocation.ReserveRanked{Holder: holder, Rank: 1}, nil)
	s.add("call-autumn.mentees", "cycle/autumn", "2023-08-26T10:02", call.PermitGranted{Person: ben, Note: s.private("SECRET note", domain.Programme, ben)}, nil)
	require.NoError(t, s.views.CatchUp(t.Context()))
	h := s.pages(nil)
	path := "/applications/" + idOf(ben).Key()
	require.Contains(t, get(t, h, path), `<p class="govuk-body-l">In reserve</p>`)
	s.add("allocation-nemo", "programme/nemo", "2023-09-01T10:00", allocation.ReserveReleased{Holder: holder, Rank: 1}, nil)
	require.NoError(t, s.views.CatchUp(t.Context()))
	page := get(t, h, path)
	require.Contains(t, page, `<p class="govuk-body-l">Reserve released</p>`)
	require.Contains(t, get(t, h, "/cycles/autumn/applications"), "Reserve released")
	for _, name := range []string{"draft.started", "review.recorded", "permit.granted", "place.refused", "reserve.ranked", "reserve.released"} {
		require.Contains(t, page, "<code>"+name+"</code>")
	}
	require.NotContains(t, page, ">Application of Ben</a>", "it does not lead to itself")
	file := get(t, h, "/applications/"+idOf(ana).Key())
	require.Contains(t, file, "<code>place.filled</code>")
	require.Contains(t, file, "<title>Application · autumn – Daybook</title>", "browsers keep titles")
	require.Contains(t, get(t, h, "/cycles/autumn/figures/places_filled"), `<a class="govuk-link" href="/applications/`+idOf(ana).Key()+`">Application of Ana`, "a place is in nobody's own stream")
}

// Where the register has a name, a page has no slug.
func TestOrganisationsHaveNames(t *testing.T) {
	t.Parallel()
	s := filled(t)
	s.add("organisation-tile-workshop", "installation", "2023-06-01T09:00", organisation.Registered{Name: "Tile Workshop Museum", Kind: "museum"}, nil)
	for _, slug := range []string{"tile-workshop", "old-mill"} {
		s.add(idOf(ben).Stream(), "cycle/autumn", "2023-07-04T10:00", application.Received{Form: "1", AnswersHash: "hash", Route: "staff", Organisation: slug, ProofDue: day("2023-07-10T10:00")}, about(ben))
		require.NoError(t, s.views.CatchUp(t.Context()))
		name := map[string]string{"tile-workshop": "Tile Workshop Museum", "old-mill": "old mill"}[slug]
		require.Contains(t, get(t, s.pages(nil), "/applications/"+idOf(ben).Key()), ">by "+name+", as staff<")
		require.Contains(t, get(t, s.pages(nil), "/cycles/autumn/queue"), "to be confirmed by "+name+"<")
	}
}

// A policy that stands still is somebody's to do, in the cycle that its event
// names, or in every cycle, until somebody has decided.
func TestAParkedPolicyIsInTheQueue(t *testing.T) {
	t.Parallel()
	s := filled(t)
	at := policy.At{Policy: "free-the-mentor-ended", Stream: "match-autumn.m1", Event: "0b9a2a52-7d0c-4a25-8f0f-3f1d8b6a5c11"}
	stream := "policy-" + at.Policy + "." + at.Stream
	engine := func(e *schema.Envelope) { e.Actor, e.Role, e.Channel = at.Policy, "policy", "system" }
	s.add(stream, "cycle/autumn", "2023-12-10T10:00", policy.Parked{At: at, Attempts: 5, Fault: "panic"}, engine)
	elsewhere := policy.At{Policy: "make-the-match", Stream: "mentor-" + string(mia), Event: at.Event}
	s.add("policy-make-the-match."+elsewhere.Stream, "installation", "2023-12-10T10:00", policy.Parked{At: elsewhere, Attempts: 5, Fault: "lookup"}, engine)
	require.NoError(t, s.views.CatchUp(t.Context()))
	page := get(t, s.pages(nil), "/cycles/autumn/queue")
	wellMade(t, "queue", page)
	require.Contains(t, page, `/cycles/autumn/matches/m1">The policy that frees a mentor&#39;s room stands still: a mistake in the program</a> <code class="db-quiet">policy.retry</code>`)
	require.Contains(t, page, "The policy that makes the match when both have accepted stands still: what it must know cannot be found")
	require.Regexp(t, `>parked [0-9]+ days ago<`, page)

	s.add(stream, "cycle/autumn", "2023-12-10T10:05", policy.Skipped{At: at, Note: s.private("SECRET why", domain.Programme, mia)}, nil)
	require.NoError(t, s.views.CatchUp(t.Context()))
	page = get(t, s.pages(nil), "/cycles/autumn/queue")
	require.NotContains(t, page, "frees a mentor")
	require.Contains(t, page, "that makes the match")
	page = get(t, s.pages(nil), "/cycles/autumn/history?name=policy")
	require.Contains(t, page, "The policy that frees a mentor&#39;s room is to pass by one event of match-autumn.m1")
	require.Regexp(t, `/cycles/autumn/matches/m1">Match m1: Ana [^<]* and Mia</a> · `, page, "the file that it is about")
}

// A name that cannot be read is told to whoever looks after the machine.
func TestAnOrganisationThatCannotBeReadIsLogged(t *testing.T) {
	t.Parallel()
	s := filled(t)
	s.add(idOf(ben).Stream(), "cycle/autumn", "2023-07-04T10:00", application.Received{Form: "1", AnswersHash: "hash", Route: "staff", Organisation: "old-mill", ProofDue: day("2023-07-10T10:00")}, about(ben))
	require.NoError(t, s.views.CatchUp(t.Context()))
	var log bytes.Buffer
	page := get(t, s.pages(func(o *web.Options) {
		o.Store, o.Log = away{s.store, "organisation-"}, slog.New(slog.NewTextHandler(&log, nil))
	}), "/applications/"+idOf(ben).Key())
	require.Contains(t, page, ">by old mill, as staff<")
	require.Contains(t, log.String(), "organisation=old-mill")
	require.Contains(t, log.String(), eventstore.ErrUnavailable.Error())
}

// A store that is away for some of its streams.
type away struct {
	eventstore.Store
	prefix string
}

func (a away) ReadStream(ctx context.Context, stream string, r eventstore.ReadStream) iter.Seq2[eventstore.Recorded, error] {
	if !strings.HasPrefix(stream, a.prefix) {
		return a.Store.ReadStream(ctx, stream, r)
	}
	return func(yield func(eventstore.Recorded, error) bool) {
		yield(eventstore.Recorded{}, eventstore.ErrUnavailable)
	}
}

// Who judges an application reads it.
func TestAFileShowsWhatWasWrittenToWhoRunsTheProgramme(t *testing.T) {
	t.Parallel()
	s := filled(t)
	path := "/applications/" + idOf(ana).Key()
	page := get(t, s.pages(nil), path)
	require.Contains(t, page, `key">Your motives</dt><dd class="govuk-summary-list__value db-text">WRITTEN answer</dd>`)
	require.Contains(t, page, `key">Motives: 3</dt><dd class="govuk-summary-list__value">WRITTEN score</dd>`)
	require.Contains(t, page, `>WRITTEN why</span>`)
	require.Contains(t, get(t, s.pages(nil), "/cycles/autumn/matches/m1"), "WRITTEN pairing")
	for _, answer := range []string{web.Withheld, web.Erased} {
		page := get(t, s.pages(func(o *web.Options) {
			o.Names = func(context.Context, string) (string, error) { return answer, nil }
		}), path)
		require.Contains(t, page, `db-text">`+answer+`</dd>`)
		require.NotContains(t, page, "WRITTEN")
	}
}

func TestTheBoardShowsWhatTheNewestRunProposes(t *testing.T) {
	t.Parallel()
	pages := filled(t).pages(nil)
	board := get(t, pages, "/cycles/autumn/matches")
	for _, part := range []string{
		">Proposed by run first: 1 pair of 2 mentees and 1 mentor</caption>",
		`>Ana &lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt;</th><td class="govuk-table__cell">Mia</td>`,
		">300</td>", ">Field 300 (60 of 100, weight 5)</td>", ">Nobody <span class=\"db-quiet\">all pairs together would score 200 less</span>",
		`<a class="govuk-link" href="/cycles/autumn/matches/m1">m1</a> <span class="db-quiet">made</span>`,
		">Ben</th><td class=\"govuk-table__cell\">Mentee</td><td class=\"govuk-table__cell\">Every mentor whom the rules allow has no room left</td>",
		`Earlier runs: <a class="govuk-link" href="/cycles/autumn/runs/draft">draft</a>`,
	} {
		require.Contains(t, board, part)
	}
	_, event, _ := strings.Cut(board, `href="/events/`)
	event, _, _ = strings.Cut(event, `"`)
	require.Contains(t, get(t, pages, "/events/"+event), "matching.proposed")
	require.NotContains(t, get(t, pages, "/cycles/autumn/runs/draft"), "Earlier runs")
	before := get(t, pages, "/cycles/autumn/matches?at=2023-08-30T10:30")
	require.Contains(t, before, "Proposed by run draft")
	require.NotContains(t, before, "/matches/m1", "it was proposed later")
	require.Equal(t, http.StatusNotFound, ask(pages, http.MethodGet, "/cycles/autumn/runs/second").Code)
	early := ask(pages, http.MethodGet, "/cycles/autumn/runs/first?at=2023-08-30T10:30")
	require.Contains(t, early.Body.String(), "the run was made")
}

func TestAnExplainedFigureTellsBothDates(t *testing.T) {
	t.Parallel()
	page := get(t, filled(t).pages(nil), "/cycles/autumn/figures/sessions_held")
	require.Contains(t, page, "1 <span class=\"govuk-caption-m\">session</span>")
	require.Contains(t, page, "Thu 5 Oct 2023, 17:00 CEST")
	require.Contains(t, page, "Tue 14 Nov 2023, 10:00 CET")
	require.Contains(t, page, "recorded late")
}

// Every number of the dashboard that no measure explains leads to a list of as
// many.
func TestTheNumbersOfTheDashboardLeadToWhatTheyCount(t *testing.T) {
	t.Parallel()
	h := filled(t).pages(nil)
	dashboard := get(t, h, "/cycles/autumn?at=2023-12-01&clock=occurred")
	for link, n := range map[string]int{
		">2<span class=\"govuk-visually-hidden\"> Eligible": 2, ">1 shortlisted<": 1, ">placed 1<": 1, ">open 1<": 1, ">1 selected<": 1,
	} {
		before, _, found := strings.Cut(dashboard, link)
		require.True(t, found, link)
		href := html.UnescapeString(strings.TrimSuffix(before[strings.LastIndex(before, `href="`)+6:], `"`))
		page := get(t, h, href)
		wellMade(t, href, page)
		require.Equal(t, n, strings.Count(page, `<th scope="row"`)+strings.Count(page, "<li><p"), href)
	}
	chosen := get(t, h, "/cycles/autumn/applications?stage=selected&at=2023-11-01")
	require.Contains(t, chosen, "1 application that came as far as “Selected or in reserve”, or further.")
	require.Contains(t, chosen, `href="/cycles/autumn/applications?at=2023-11-01">All 2 applications`)
	require.NotContains(t, chosen, ">Ben<")
	none := get(t, h, "/cycles/autumn/applications?stage=nonsense")
	require.Contains(t, none, "0 applications")
	require.NotContains(t, none, "No application has been begun")
}

// Five of six needs the sixth, and what became of it.
func TestAnExplainedFigureTellsWhatCountsNoMore(t *testing.T) {
	t.Parallel()
	h := filled(t).pages(nil)
	page := get(t, h, "/cycles/autumn/figures/sessions_held")
	_, removed, found := strings.Cut(page, ">Counted no more</caption>")
	require.True(t, found)
	require.Contains(t, removed, "Session 1 was held: 54 minutes")
	require.Contains(t, removed, "The record of session 1 was corrected")
	require.Contains(t, page, `data-head="By">Cora, coordinator · web</td>`)
	require.NotContains(t, page, "Nothing else goes into it")
	require.Contains(t, get(t, h, "/cycles/autumn/figures/matches_active"), "Nothing else goes into it")
}

// Of a match that is over only its sessions are left: to be recorded where they
// were before that, else to be called off.
func TestAMatchThatIsOverAsksForItsSessions(t *testing.T) {
	t.Parallel()
	s := filled(t)
	for n, local := range map[int]string{2: "2023-11-21T16:00", 3: "2023-12-12T16:00", 4: "2024-02-01T16:00"} {
		slot := match.Slot{Local: local, Zone: "Europe/Berlin", Start: day(local), Mode: "online"}
		s.add("match-autumn.m1", "cycle/autumn", "2023-11-20T12:00", match.SessionScheduled{Session: n, Slot: slot}, nil)
	}
	s.add("match-autumn.m1", "cycle/autumn", "2023-12-01T12:00", match.Ended{Note: s.private("WRITTEN why", domain.Programme, ana), At: day("2023-12-01T12:00")}, nil)
	require.NoError(t, s.views.CatchUp(t.Context()))
	queue := get(t, s.pages(nil), "/cycles/autumn/queue")
	for _, asked := range []string{"record session 2", "it is over: cancel session 3", "it is over: cancel session 4"} {
		require.Contains(t, queue, "atch m1: "+asked)
	}
	require.NotContains(t, queue, "atch m1: reflect")
	require.NotContains(t, get(t, s.pages(nil), "/cycles/autumn/matches/m1"), "mentee due")
}

// However much a figure counts and counts no more, its page is one of those that
// are read, by people who are called as they like.
func TestAFullFigureFitsItsPage(t *testing.T) {
	t.Parallel()
	s := filled(t)
	on := func(e *schema.Envelope) {
		e.Actor, e.OnBehalfOf, e.Channel, e.OccurredAt = string(ana), ben, "paper", day("2023-10-05T17:00")
	}
	for n := range 240 {
		slot := match.Slot{Local: "2023-10-05T16:00", Zone: "Europe/London", Start: day("2023-10-05T17:00"), Mode: "in_person"}
		s.add("match-autumn.m1", "cycle/autumn", "2023-11-21T10:00", match.SessionHeld{Session: n + 2, Slot: slot, Minutes: 600, Nonconformities: []string{"outside_plan_mode", "over_max_duration", "over_max_sessions"}}, on)
		if n >= 120 {
			s.add("match-autumn.m1", "cycle/autumn", "2023-11-22T10:00", match.SessionRetracted{Session: n + 2, Slot: slot}, on)
		}
	}
	require.NoError(t, s.views.CatchUp(t.Context()))
	for _, measure := range []string{"sessions_held", "session_minutes"} {
		page := get(t, s.pages(nil), "/cycles/autumn/figures/"+measure)
		wellMade(t, measure, page)
		require.Contains(t, page, "1 to 50 of 121")
		require.Contains(t, page, "(the first 25 events of 121; the spreadsheet has all)")
	}
}

func TestASealedFigureSaysAsOfWhen(t *testing.T) {
	t.Parallel()
	s := filled(t)
	var closing string
	s.add("cycle-autumn", "cycle/autumn", "2023-12-08T16:00", cycle.Closed{}, func(e *schema.Envelope) { closing = e.ID })
	sealed := cycle.FiguresSealed{After: closing, Figures: []cycle.Figure{{Measure: "sessions_held", Version: 1, Value: 1}}}
	s.add("cycle-autumn", "cycle/autumn", "2023-12-08T16:00", sealed, func(e *schema.Envelope) { e.Causation = closing })
	require.NoError(t, s.views.CatchUp(t.Context()))
	h := s.pages(nil)
	page := get(t, h, "/cycles/autumn/figures/sessions_held")
	require.NotContains(t, page, closing)
	_, after, found := strings.Cut(page, "as it stood when <a class=\"govuk-link\" href=\"")
	require.True(t, found)
	require.Contains(t, after, ">Fri 8 Dec 2023, 16:00 CET</time>.")
	href, _, _ := strings.Cut(after, `"`)
	require.Contains(t, get(t, h, href), "The cycle was closed")
	require.Contains(t, get(t, h, "/cycles/autumn/history?name=figures.sealed"), "The figures were sealed, 1 of them, as they stood when the cycle closed")
}

func TestAFigureThatChangedSinceTheClosingSaysSo(t *testing.T) {
	t.Parallel()
	s := filled(t)
	var closing string
	s.add("cycle-autumn", "cycle/autumn", "2023-12-08T16:00", cycle.Closed{}, func(e *schema.Envelope) { closing = e.ID })
	sealed := cycle.FiguresSealed{After: closing, Figures: []cycle.Figure{{Measure: "sessions_held", Version: 1, Value: 3}, {Measure: "offers_made", Version: 1, Value: 1}}}
	s.add("cycle-autumn", "cycle/autumn", "2023-12-08T16:00", sealed, nil)
	require.NoError(t, s.views.CatchUp(t.Context()))
	h := s.pages(nil)
	changed := `Sessions held</a> <span class="db-mark">changed since the cycle closed: sealed as 3</span>`
	require.Contains(t, get(t, h, "/cycles/autumn"), changed)
	require.Contains(t, get(t, h, "/cycles/autumn/figures/sessions_held"), "it has changed since")
	require.NotContains(t, get(t, h, "/cycles/autumn/figures/offers_made"), "it has changed since")
	require.NotContains(t, get(t, h, "/cycles/autumn?at=2023-12-07"), "changed since")
}

func TestACorrectionLeadsToWhatItCorrects(t *testing.T) {
	t.Parallel()
	h := filled(t).pages(nil)
	page := get(t, h, "/cycles/autumn/history?name=session.corrected")
	_, after, _ := strings.Cut(page, `href="/events/`)
	position, _, _ := strings.Cut(after, `"`)
	correction := get(t, h, "/events/"+position)
	require.Contains(t, correction, "Corrects")
	require.Contains(t, correction, "54 minutes")
}

func TestAFaultIsLoggedOnceAndNotShown(t *testing.T) {
	t.Parallel()
	s := empty(t)
	for what, page := range map[string]func(http.ResponseWriter, *http.Request) error{
		"error": func(http.ResponseWriter, *http.Request) error { return errors.New("boom") },
		"panic": func(http.ResponseWriter, *http.Request) error { panic("boom") },
	} {
		var log bytes.Buffer
		h, err := web.Guarded(web.Options{Store: s.store, Now: time.Now, Log: slog.New(slog.NewTextHandler(&log, nil))}, page)
		require.NoError(t, err)
		w := ask(h, http.MethodGet, "/")
		require.Equal(t, http.StatusInternalServerError, w.Code, what)
		require.NotContains(t, w.Body.String(), "boom", what)
		_, after, _ := strings.Cut(w.Body.String(), "reference <strong>")
		reference, _, _ := strings.Cut(after, "<")
		require.Len(t, reference, 10, what)
		require.Equal(t, 1, strings.Count(log.String(), "level=ERROR"), what)
		require.Contains(t, log.String(), reference, what)
		wellMade(t, what, w.Body.String())

		// Only where somebody merely looked is it sure that nothing came of it.
		require.Contains(t, w.Body.String(), "nothing was changed", what)
		sent := ask(h, http.MethodPost, "/").Body.String()
		require.NotContains(t, sent, "nothing was changed", what)
		require.Contains(t, sent, "Some of what you sent may be recorded all the same", what)
		wellMade(t, what, sent)
	}
}

func TestARefusalIsPutToPeople(t *testing.T) {
	t.Parallel()
	s := empty(t)
	for code, err := range map[int]error{
		http.StatusBadRequest: domain.Wrong("x", "this is wrong"), http.StatusForbidden: domain.Deny("x", "you may not"),
		http.StatusConflict: domain.Refuse("x", "this is full"), http.StatusNotFound: domain.Missing("x", "it is gone"),
	} {
		h, made := web.Guarded(web.Options{Store: s.store, Now: time.Now}, func(http.ResponseWriter, *http.Request) error { return err })
		require.NoError(t, made)
		w := ask(h, http.MethodGet, "/")
		require.Equal(t, code, w.Code)
		require.Contains(t, w.Body.String(), err.Error()[1:])
		wellMade(t, err.Error(), w.Body.String())
	}
}

func TestHealthFollowsTheLog(t *testing.T) {
	t.Parallel()
	s := empty(t)
	require.Equal(t, "ok\n", get(t, s.pages(nil), "/healthz"))
	require.NoError(t, s.store.Close())
	h := s.pages(func(o *web.Options) { o.Store = closed{s.store} })
	require.Equal(t, http.StatusInternalServerError, ask(h, http.MethodGet, "/healthz").Code)
}

type closed struct{ eventstore.Store }

func (closed) Head(context.Context) (eventstore.Position, error) {
	return eventstore.Position{}, eventstore.ErrClosed
}

// Every template is executed with its page's zero struct and with one whose
// every field is set, so that no branch names a field that isn't there.
func TestTemplatesFitTheirPages(t *testing.T) {
	t.Parallel()
	structs, render, err := web.Templates()
	require.NoError(t, err)
	for name, page := range structs {
		require.NotNil(t, page, "%s has no page struct", name)
		_, err := render(name, page)
		require.NoError(t, err, name)
		full := reflect.New(reflect.TypeOf(page)).Elem()
		set(full)
		out, err := render(name, full.Interface())
		require.NoError(t, err, name)
		require.NotContains(t, out, "ZgotmplZ", name)
	}
}

// set gives every exported field a value.
func set(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() || f.Anonymous {
				if v.Field(i).CanSet() {
					set(v.Field(i))
				} else { // an embedded struct of an unexported type: its own fields can be set
					for j := range v.Field(i).NumField() {
						set(v.Field(i).Field(j))
					}
				}
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		set(v.Index(0))
		set(v.Index(1))
	case reflect.String:
		v.SetString("/x<")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int:
		v.SetInt(7)
	}
}

func TestTheStylesheetsAskForNothingElse(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("static/*.css")
	require.NoError(t, err)
	require.Len(t, files, 2)
	for _, file := range files {
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		css := strings.ReplaceAll(string(b), "url(data:", "")
		for _, no := range []string{"url(", "@import", "@font-face", "GDS", "crown", "crest"} {
			if strings.HasPrefix(css, "/*!") {
				_, css, _ = strings.Cut(css, "*/")
			}
			require.NotContains(t, css, no, file)
		}
	}
}

// linkOf finds the link of a page with that rel.
func linkOf(t *testing.T, page, rel string) string {
	t.Helper()
	for _, e := range elements(t, page) {
		if e.name == "a" && e.attrs["rel"] == rel {
			u, err := url.Parse(e.attrs["href"])
			require.NoError(t, err)
			return u.String()
		}
	}
	t.Fatalf("no link %s", rel)
	return ""
}

// A cycle that moved tells by which version it goes since when, and each answer
// stands under the question that was asked.
func TestPagesTellWhichVersionOfTheDefinitionApplied(t *testing.T) {
	t.Parallel()
	s := filled(t)
	require.NotContains(t, get(t, s.pages(nil), "/cycles/autumn"), "The definition that it goes by")
	d := programme.Definition{Programme: "nemo", Title: "One to One", Zone: "Europe/Berlin", Review: programme.Review{PerApplication: 1},
		Calls: []programme.Call{{Call: "mentees", Form: programme.Form{Version: "2", Fields: []programme.Field{{Field: "motives", Label: "What moves you"}}}}}}
	s.add("programme-nemo", "programme/nemo", "2023-07-04T09:00", programme.DefinitionPublished{Hash: d.Hash(), Definition: d}, nil)
	s.add("cycle-autumn", "cycle/autumn", "2023-07-04T09:30", cycle.DefinitionMoved{To: d.Hash()}, func(e *schema.Envelope) { e.Reason = "clearer_question" })
	// Keyed in after the move, a letter that came before it.
	s.add(idOf(ben).Stream(), "cycle/autumn", "2023-07-05T10:00", application.Received{
		Form: "2", Answers: []application.Answer{{Field: "motives", Text: s.private("WRITTEN answer", domain.Programme, ben)}}, ReceivedAt: day("2023-07-03T18:00"),
	}, about(ben))
	require.NoError(t, s.views.CatchUp(t.Context()))
	h := s.pages(nil)
	page := get(t, h, "/cycles/autumn")
	require.Contains(t, page, "<code>"+string(d.Hash())[:8]+"</code> since ")
	require.Contains(t, page, "Tue 4 Jul 2023, 09:30")
	require.Contains(t, page, "(clearer question)")
	require.NotContains(t, get(t, h, "/cycles/autumn?at=2023-07-03"), "The definition that it goes by")
	require.Contains(t, get(t, h, "/applications/"+idOf(ana).Key()), "Your motives")
	require.Contains(t, get(t, h, "/applications/"+idOf(ben).Key()), "What moves you")
	require.Contains(t, get(t, h, "/cycles/autumn/exceptions"), "Moved to another definition")
}

// Training, supervision and events stand on the dashboard, with how many came.
func TestTheDashboardShowsWhoCame(t *testing.T) {
	t.Parallel()
	s := filled(t)
	require.NotContains(t, get(t, s.pages(nil), "/cycles/autumn"), "gatherings")
	at := func(local string, start time.Time) gathering.Slot {
		return gathering.Slot{Local: local, Zone: "Europe/London", Start: start, Mode: "in_person", Minutes: 90}
	}
	announce := func(name, title string, slot gathering.Slot) {
		s.add("gathering-autumn."+name, "cycle/autumn", "2023-09-01T10:00", gathering.Announced{Stage: "peer_supervision", Kind: "supervision", Title: title, Slot: slot}, nil)
	}
	announce("first", "First <group>", at("2023-10-04T10:00", time.Date(2023, 10, 4, 9, 0, 0, 0, time.UTC)))
	announce("second", "Second group", at("2023-10-05T10:00", time.Date(2023, 10, 5, 9, 0, 0, 0, time.UTC)))
	announce("third", "Third group", at("2023-10-06T10:00", time.Date(2023, 10, 6, 9, 0, 0, 0, time.UTC)))
	here := gathering.AttendanceRecorded{Person: mia, Present: true, Minutes: 90, Stage: "peer_supervision", Kind: "supervision"}
	not := gathering.AttendanceCorrected{Person: ana, Stage: "peer_supervision", Kind: "supervision"}
	s.add("gathering-autumn.first", "cycle/autumn", "2023-10-04T10:00", here, nil)
	s.add("gathering-autumn.first", "cycle/autumn", "2023-10-04T10:05", not, nil)
	s.add("gathering-autumn.second", "cycle/autumn", "2023-10-04T10:10", gathering.Cancelled{}, nil)
	require.NoError(t, s.views.CatchUp(t.Context()))
	page := get(t, s.pages(nil), "/cycles/autumn")
	wellMade(t, "cycle", page)
	for title, there := range map[string]string{"First &lt;group&gt;": "1", "Second group": "called off", "Third group": "not recorded yet"} {
		_, row, _ := strings.Cut(page, ">"+title+"</th>")
		row, _, _ = strings.Cut(row, "</tr>")
		require.Contains(t, row, ">Peer supervision</td>", title)
		require.Contains(t, row, ">in person, 90 minutes</td>", title)
		require.Contains(t, row, `numeric">`+there+"</td>", title)
	}
	history := get(t, s.pages(nil), "/cycles/autumn/history?name=attendance")
	require.Contains(t, history, "Mia was there, at peer supervision, for 90 minutes")
	require.Contains(t, history, `/cycles/autumn#gatherings">Gathering first</a>`)
}

// A run's page tells what was proposed otherwise, why, and what that costs.
func TestARunTellsWhatPeopleProposedOtherwise(t *testing.T) {
	t.Parallel()
	s := filled(t)
	propose := func(name, run string) {
		s.add("match-autumn."+name, "cycle/autumn", "2023-09-02T10:00", match.Proposed{
			Pair: match.Pair{Mentee: ben, Mentor: mia}, Rationale: s.private("r", domain.Programme, ben), Run: run, Override: true,
		}, func(e *schema.Envelope) { e.Reason = "both_asked" })
	}
	propose("other", "first")
	propose("earlier", "draft")
	require.NoError(t, s.views.CatchUp(t.Context()))
	pages := s.pages(func(o *web.Options) {
		o.Forced = func(_ context.Context, run projections.Run, pair match.Pair) (string, error) {
			return "costs " + run.Run + " <nothing>", nil
		}
	})
	page := get(t, pages, "/cycles/autumn/runs/first")
	wellMade(t, "run", page)
	_, row, _ := strings.Cut(page, "Proposed otherwise by people")
	require.Contains(t, row, `>Ben</th><td class="govuk-table__cell">Mia</td><td class="govuk-table__cell">Both asked</td><td class="govuk-table__cell">Costs first &lt;nothing&gt;</td>`)
	require.Contains(t, row, "/cycles/autumn/matches/other")
	require.NotContains(t, row, "/cycles/autumn/matches/earlier")
	require.NotContains(t, get(t, s.pages(nil), "/cycles/autumn/runs/first"), "Proposed otherwise")
}

// Of a season of more than a year nothing is drawn where it was not, and what
// is written over the pictures does not run together.
func TestALongSeasonIsDrawnWhereItWas(t *testing.T) {
	t.Parallel()
	s := filled(t)
	for n, on := range []string{"2024-02-12", "2025-01-15"} {
		slot := match.Slot{Local: on + "T10:00", Zone: "Europe/Berlin", Start: day(on + "T10:00"), Mode: "online"}
		s.add("match-autumn.m1", "cycle/autumn", on+"T12:00", match.SessionHeld{Session: 5 + n, Slot: slot, Minutes: 60}, nil)
	}
	require.NoError(t, s.views.CatchUp(t.Context()))
	h := s.pages(nil)
	page := get(t, h, "/cycles/autumn")
	last, labels := -1, ""
	for _, m := range regexp.MustCompile(`<text class="db-axis" x="(-?\d+)" y="13" dx="2">([^<]+)</text>`).FindAllStringSubmatch(page, -1) {
		x, err := strconv.Atoi(m[1])
		require.NoError(t, err)
		require.Greater(t, x, last)
		require.Less(t, x, 480)
		last, labels = x, labels+" "+m[2]
	}
	require.Equal(t, " Jul Sep Nov Jan 2024 Mar May Jul Sep Nov Jan 2025", labels)
	weeks := get(t, h, "/cycles/autumn/matches")
	require.Contains(t, weeks, `viewBox="0 0 480 `)
	require.NotContains(t, weeks, `text-anchor="middle"`, "the table has the numbers")
}
