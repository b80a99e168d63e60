//go:build unix

package main_test

import (
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	main "github.com/daybook-engine/daybook/cmd/daybook"
)

// doubleClick starts daybook as a double click does, on a machine whose browser
// writes down what it was opened on.
func doubleClick(t *testing.T, dir, opened string, env ...string) server {
	bin := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(bin, "xdg-open"), []byte("#!/bin/sh\necho \"$1\" >>\"$OPENED\"\n"), 0o755))
	env = append([]string{"DAYBOOK_DATA=" + dir, "PATH=" + bin + ":" + os.Getenv("PATH"), "DISPLAY=:0", "OPENED=" + opened}, env...)
	return launch(t, env)
}

// browserOf is a browser on a process, opened on its whole address; it keeps the
// cookie that it is given.
func browserOf(t *testing.T, s server) browser {
	home, err := url.Parse(s.home)
	require.NoError(t, err)
	proxy, cookie := httputil.NewSingleHostReverseProxy(home), ""
	proxy.ModifyResponse = func(answer *http.Response) error {
		for _, c := range answer.Cookies() {
			cookie = c.Name + "=" + c.Value
		}
		return nil
	}
	b := browser{t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("Cookie", cookie)
		proxy.ServeHTTP(w, r)
	})}
	require.Equal(t, "/", b.open("/"+s.query).at, "the key is in no address")
	return b
}

// A double click on a fresh directory leads to a page that says what to do.
// Who registers there acts, also when it is started again; a second click
// leads to the first; and the demonstration touches nothing.
func TestADoubleClickOpensTheDaybook(t *testing.T) {
	t.Parallel()
	dir, opened := filepath.Join(t.TempDir(), "daybook-data"), filepath.Join(t.TempDir(), "opened")
	openedOn := func(home string) {
		require.Eventually(t, func() bool {
			said, _ := os.ReadFile(opened)
			return strings.HasSuffix(string(said), home+"\n")
		}, patience, 10*time.Millisecond)
	}
	// The key is in no argument of a process, which others may read: it is in a
	// page that they may not.
	leads := filepath.Join(dir, "open.html")
	first := doubleClick(t, dir, opened)
	openedOn("file://" + leads)
	page, err := os.ReadFile(leads)
	require.NoError(t, err)
	require.Contains(t, string(page), `content="0; url=`+first.home+"/"+first.query+`"`)
	for _, file := range []string{leads, filepath.Join(dir, "address")} {
		info, err := os.Stat(file)
		require.NoError(t, err)
		require.EqualValues(t, 0o600, info.Mode())
	}
	locked, code := get(t, first.home, "/")
	require.Equal(t, http.StatusForbidden, code)
	require.Contains(t, locked, "Start Daybook once more, as you did before.")
	b := browserOf(t, first)
	begin := b.open("/")
	require.Contains(t, begin.html, dir)
	require.NotContains(t, begin.html, "You act as")
	refused := begin.follow("Register yourself").press("Register a person", "Short name", "", "Name", "Anna Berg")
	require.Contains(t, refused.html, `value="Anna Berg"`)
	require.Contains(t, refused.html, `href="#f-handle"`)
	home := refused.press("Register a person", "Short name", "anna").recorded("Anna Berg")
	require.Contains(t, home.html, "You act as <strong>Anna Berg, coordinator</strong>")
	home.follow("Register an organisation").press("Register an organisation", "Organisation", "nemo", "Name", "Network of Museums", "Network", "").recorded("Network of Museums")
	b.open("/").follow("Mentoring in pairs").press("Publish a definition").recorded("Mentoring in pairs")
	example := b.open("/").follow("Mentoring for All")
	require.Contains(t, example.html, "programme: mentoring-for-all")
	example.press("Publish a definition").recorded("Mentoring for All")

	// The same again is the same.
	second := doubleClick(t, dir, opened)
	require.Equal(t, first.home+first.query, second.home+second.query)
	require.Zero(t, second.wait())
	said, err := os.ReadFile(opened)
	require.NoError(t, err)
	require.NotContains(t, string(said), "key")

	// The demonstration has a directory of its own, and is no part of this one.
	require.Equal(t, 200, home.press("Play the season").code)
	found := regexp.MustCompile(`The season is shown at <a class="govuk-link" href="(http://127\.0\.0\.1:\d+)/">`).FindStringSubmatch(b.open("/").html)
	require.NotNil(t, found)
	require.NotEqual(t, first.home, found[1])
	openedOn(found[1] + "/")
	demo, err := url.Parse(found[1])
	require.NoError(t, err)
	require.Contains(t, browser{t, httputil.NewSingleHostReverseProxy(demo)}.open("/").html, "Rehearsal: nothing here happened.")
	require.DirExists(t, dir+"-demo")
	require.Zero(t, first.stop())
	require.NoFileExists(t, leads)
	require.NotContains(t, daybook(t, dir, "events"), "rehearsal")
	require.Contains(t, daybook(t, dir, "integrity"), "sound: ")
	require.Contains(t, daybook(t, dir+"-demo", "integrity"), "sound: ")

	// Whoever was here is here still; somebody else says so.
	daybook(t, dir, "do", "person.register", "--by", "coordinator/anna", "--with", `{"handle":"ben","register":"staff","name":"Ben Ohm"}`)
	again := doubleClick(t, dir, opened)
	require.NotEqual(t, first.query, again.query)
	home = browserOf(t, again).open("/")
	require.Contains(t, home.html, "You act as <strong>Anna Berg, coordinator</strong>")
	home = home.press("Act as this person", "Who you are", "Ben Ohm (ben)")
	require.Contains(t, home.html, "You act as <strong>Ben Ohm, coordinator</strong>")
	require.Zero(t, again.stop())

	// Who was forgotten is asked again, and until then nothing can be done.
	require.NoError(t, os.Remove(filepath.Join(dir, "desk")))
	asked := doubleClick(t, dir, opened)
	home = browserOf(t, asked).open("/")
	require.Contains(t, home.html, "Who are you?")
	require.NotContains(t, home.html, "/do/person.register")
	require.Zero(t, asked.stop())
}

// Who sits there chooses the role, too: what is a reviewer's to do is offered to
// a reviewer, and the directory remembers which it was.
func TestWhoSitsThereChoosesTheRole(t *testing.T) {
	t.Parallel()
	dir, opened := t.TempDir(), filepath.Join(t.TempDir(), "opened")
	s := doubleClick(t, dir, opened)
	b := browserOf(t, s)
	act := func(who, role string) page {
		t.Helper()
		home := b.open("/").press("Act as this person", "Who you are", who, "In which role", role)
		name, _, _ := strings.Cut(who, " (")
		as, _, _ := strings.Cut(role, ", ")
		require.Contains(t, home.html, "You act as <strong>"+name+", "+strings.ToLower(as)+"</strong>")
		return home
	}
	const anna, rita, coordinator, reviewer = "Anna Berg (anna)", "Rita Reh (rita)", "Coordinator, who runs the programme", "Reviewer, who reviews applications"
	home := b.open("/").follow("Register yourself").press("Register a person", "Short name", "anna", "Name", "Anna Berg").recorded("Anna Berg")
	for _, x := range [][2]string{{"ben", "Ben Ohm"}, {"rita", "Rita Reh"}} {
		home = home.follow("Register a person").press("Register a person", "Short name", x[0], "Counted among", "people", "Name", x[1]).recorded("registered")
	}
	home = home.follow("Register an organisation").press("Register an organisation", "Organisation", "nemo", "Name", "Network", "Network", "").recorded("Network")
	home = home.follow("Publish a definition").press("Publish a definition", "Definition", pairsDefinition).recorded("")
	home = home.follow("Plan a cycle").press("Plan a cycle", "Short name of the cycle", "spring", "Pairs", "", "Title", "Spring", "From", "2099-04", "To", "2099-06").recorded("Spring")
	home.follow("Spring").follow("Open the call: mentees").press("Open the call", "Deadline", "2099-03-01T17:00", "By then: that moment is in time", "", "As published", "by 1 March").recorded("opened")

	// Somebody else sits down, in another window, while Ben writes: what he sends is
	// not theirs, and is his still when he is back.
	const ben, applicant = "Ben Ohm (ben)", "Applicant, who applies"
	form := act(ben, applicant).follow("Spring").follow("Submit an application: mentees")
	act(anna, coordinator)
	form = form.press("Submit an application", "Your motives", "I teach alone.", "Your top 2 priorities, number 1", "one", "Your top 2 priorities, number 2", "two", "Staff of members may apply", "")
	require.Equal(t, http.StatusConflict, form.code)
	require.Contains(t, form.html, "This form was opened as Ben Ohm, applicant, and you now act as Anna Berg, coordinator: nothing was recorded.")
	require.Contains(t, form.html, ">I teach alone.</textarea>")
	require.Equal(t, http.StatusConflict, form.press("Submit an application").code, "it stays his")
	act(ben, applicant)
	form.press("Submit an application").recorded("Ben Ohm")
	act(anna, coordinator)
	file := b.open("/cycles/spring/applications").follow("Ben Ohm").follow("Confirm eligibility").press("Confirm eligibility").recorded("eligible")
	file = file.follow("Assign a reviewer").press("Assign a reviewer", "Reviewer", rita).recorded("Rita Reh")
	require.NotContains(t, file.links, "Record a review")
	// What she has begun waits for her, and is nobody else's.
	columns := b.bring("People", "people.csv", "Name;E-Mail\nZoe;zoe@example.org\n")
	act(ben, coordinator)
	require.Equal(t, http.StatusForbidden, b.send(http.MethodGet, columns.at, "").code)
	act(anna, coordinator)
	require.Contains(t, b.open(columns.at).html, "people.csv")
	require.NotContains(t, act(rita, reviewer).links, "Plan a cycle")
	require.Zero(t, s.stop())

	s = doubleClick(t, dir, opened)
	b = browserOf(t, s)
	require.Contains(t, b.open("/").html, "You act as <strong>Rita Reh, reviewer</strong>")
	b.open(strings.Split(file.at, "?")[0]).follow("Record a review").
		press("Record a review", "Motives: score", "4", "Motives: justification", "Knows what to ask for.", "Select", "").recorded("Rita Reh")
	act(anna, coordinator)
	b.open(strings.Split(file.at, "?")[0]).follow("Shortlist the application").press("Shortlist the application").recorded("shortlisted")
	require.Zero(t, s.stop())
}

// Without a screen there is no browser, and no waiting for one. A directory that
// another command has is left to it.
func TestADoubleClickWithoutAScreen(t *testing.T) {
	t.Parallel()
	s := launch(t, []string{"DAYBOOK_DATA=" + seasonCopy(t), "DISPLAY=", "WAYLAND_DISPLAY=", "WSL_DISTRO_NAME="})
	said := func() bool {
		return strings.Contains(s.talk.String(), "no screen to open a browser on: open "+s.home+"/ in one")
	}
	require.Eventually(t, said, patience, 10*time.Millisecond)
	page := browserOf(t, s).open("/")
	require.NotContains(t, page.html, "Who are you?", "a rehearsal is for looking at")
	require.Contains(t, page.links, "NEMO One to One Mentoring, autumn 2023")
	require.Zero(t, s.stop())
}

// What the Explorer unpacks to start it is gone the next day.
func TestNoBookIsKeptInAnArchive(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, main.Unpacked(filepath.Join(os.TempDir(), "Temp1_daybook.zip", "daybook-data")), "unpack the archive first")
	require.NoError(t, main.Unpacked("daybook-data"))
}

// What a service is to be is served as it says.
func TestAServiceServesAsItsFileSays(t *testing.T) {
	t.Parallel()
	dir := seasonCopy(t)
	file := filepath.Join(dir, "service.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"args":["serve","--data","`+dir+`","--addr","127.0.0.1:0","--as","coordinator/c1"]}`), 0o600))
	s := launch(t, []string{"DAYBOOK_DATA=elsewhere"}, "service", "run", file)
	require.Contains(t, browserOf(t, s).open("/").html, "You act as <strong>")
	require.Zero(t, s.stop())

	require.NoError(t, main.Manageable("linux-systemd"))
	require.ErrorContains(t, main.Manageable("unix-systemv"), "let what starts programs here run daybook serve")
	require.ErrorContains(t, main.Manageable(""), "neither systemd")
}

// When the demonstration's season is over, the tour tells what its own book
// says, and what came of trials on copies, of which nothing is left.
func TestTheTourOfTheDemonstration(t *testing.T) {
	t.Parallel()
	dir, passing := seasonCopy(t), t.TempDir()
	events := daybook(t, dir, "events", "--json")
	s := launch(t, []string{"TMPDIR=" + passing}, "demo", "--lasts", "1ms", "--addr", "127.0.0.1:0", "--data", dir)
	b := browserOf(t, s)
	board := b.open("/cycles/" + autumn)
	var tour page
	require.Eventually(t, func() bool {
		tour = board.follow("Take the tour of this season")
		return !strings.Contains(tour.html, "are being tried on copies")
	}, patience, 50*time.Millisecond)

	require.Contains(t, tour.follow("13 sessions held").html, "13 events")
	held := tour.follow("Session 3 was held: 45 minutes, online; does not conform: shorter than planned")
	require.Contains(t, held.html, "session.held")
	require.Contains(t, tour.html, "at the end of 31 October 2023")
	require.Contains(t, tour.follow("8 sessions").html, "as then known")
	require.Contains(t, tour.follow("10 sessions").html, "as we now know it was")
	require.Contains(t, tour.html, "every place is taken (year: 10 of 10, cycle: 5 of 5)")
	position := strings.TrimPrefix(held.at, "/events/")
	require.Contains(t, tour.html, "<code>not sound: read log.db: the log is damaged: the checksum of session.held at position "+position+" ")
	require.Regexp(t, `\d+ bytes that prove \d\d figures`, tour.html)
	require.Regexp(t, `In that copy Matteo Zanutel was erased: .* and \d\d texts with it`, tour.html)
	tour.follow("the page for spreadsheets")

	left, err := os.ReadDir(passing)
	require.NoError(t, err)
	require.Empty(t, left)
	require.Zero(t, s.stop())
	require.Equal(t, events, daybook(t, dir, "events", "--json"))
	require.Contains(t, daybook(t, dir, "integrity"), "sound: ")
}
