package main_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	main "github.com/daybook-engine/daybook/cmd/daybook"
	"github.com/daybook-engine/daybook/domain/when"
)

const pairsDefinition = `programme: pairs
title: Pairs
owner: nemo
network: nemo
zone: Europe/Berlin
calendar: {name: de-berlin, version: "2031", holidays: [2031-05-01]}
roles: [{role: coordinator, organisation: nemo}]
calls:
  - call: mentees
    role: mentee
    form:
      version: "1"
      fields:
        - {field: motives, label: Your motives}
        - {field: priorities, label: Your top 2 priorities, ranks: 2}
    criteria:
      - {criterion: member, text: Works in a member organisation}
      - {criterion: educator, text: Works in education}
    routes:
      - {route: staff, text: Staff of members may apply}
    drafts_last: {working_days: 1, at: "12:00"}
tasks:
  - {task: screen, role: coordinator, text: Look at what came in, on: application.received}
review: {per_application: 1, criteria: [motives], max_score: 5}
offer:
  reply_within: {days: 7, at: "17:00"}
match:
  first_contact_within: {days: 14}
agreement: {version: "2", clauses: [Be open and honest.]}
sessions: {min: 1, max: 2, min_minutes: 30, max_minutes: 90, modes: [online, telephone]}
reflections: {session: [mentee], final: [mentee]}
completion: {version: "1", conforming_sessions: 1, final_reflections: [mentee]}
`

// acted is a daybook on which a test acts by its pages.
type acted struct {
	main.Acted
	t *testing.T
}

func begin(t *testing.T) acted { return actIn(t, t.TempDir()) }

// staffed is one in February 2031, at which anna is registered.
func staffed(t *testing.T) acted {
	a := begin(t)
	a.at("2031-02-03T09:00")
	a.do("coordinator/anna", "person.register", `{"handle":"anna","register":"staff","name":"Anna Berg"}`)
	return a
}

func actIn(t *testing.T, dir string) acted {
	a, err := main.Act(t.Context(), dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	return acted{a, t}
}

func (a acted) at(local string) {
	a.t.Helper()
	at, err := when.Local(local, "Europe/Berlin")
	require.NoError(a.t, err)
	require.NoError(a.t, a.At(a.t.Context(), at))
}

func (a acted) do(by, name, with string) {
	a.t.Helper()
	require.NoError(a.t, a.Do(a.t.Context(), by, name, with))
}

func (a acted) as(by string) browser {
	a.t.Helper()
	pages, err := a.Pages(a.t.Context(), by)
	require.NoError(a.t, err)
	return browser{a.t, pages}
}

// A season by the pages alone, from the plan to the completed match: every step
// is found where it can be done, and its form is filled in by its labels.
func TestASeasonIsRunByItsPages(t *testing.T) {
	t.Parallel()
	a := staffed(t)
	anna := a.as("coordinator/anna")

	home := anna.open("/")
	for _, x := range [][2]string{{"ben", "Ben 🦕 Ohm"}, {"mia", "מיה <b>Adler</b>"}, {"rita", "Rita Reh"}} {
		home = home.follow("Register a person").press("Register a person", "Short name", x[0], "Counted among", "people", "Name", x[1]).recorded("registered")
	}
	require.NotContains(t, home.html, "Done</strong>")
	home = home.follow("Register an organisation").press("Register an organisation", "Organisation", "nemo", "Name", "Network of Museums", "Network", "").recorded("Network of Museums")
	home = home.follow("Register an organisation").press("Register an organisation", "Organisation", "salt-road", "Name", "Museum of the Salt Road", "Museum", "").recorded("Museum of the Salt Road")
	home = home.follow("Record a membership").press("Record a membership", "Museum of the Salt Road", "", "Network", "nemo").recorded("")
	require.Regexp(t, `that runs the programme\. <strong class="govuk-tag"><span aria-hidden="true">✓ </span>Done</strong></li>`, home.html)
	home = home.follow("Publish a definition").press("Publish a definition", "Definition", pairsDefinition).recorded("")
	require.Equal(t, 2, strings.Count(home.html, "Done</strong>"), "the next is the limit of places")
	home = home.follow("Say how many places there are").press("Say how many places there are", "Name of this limit", "cycle", "In each cycle", "", "Limit", "1").recorded("")
	home = home.follow("Take a mentor into a pool").press("Take a mentor into a pool", "Mentor", "מיה <b>Adler</b> (mia)", "Pool", "gem", "Mentees at a time", "1", "Expertise", "drawing\nschool").recorded("")
	home = home.follow("Plan a cycle").press("Plan a cycle", "Short name of the cycle", "spring", "Pairs", "", "Title", "Spring", "From", "2031-04", "To", "2031-06").recorded("Spring")

	// The call, and what is wrong with a deadline is said beside it.
	cycle := home.follow("Spring")
	wrong := cycle.follow("Open the call: mentees").press("Open the call", "Deadline", "2031-03-30T02:30", "By then: that moment is in time", "", "As published", "by 30 March, at half past two")
	require.Equal(t, http.StatusBadRequest, wrong.code)
	require.Contains(t, wrong.html, `<a href="#f-deadline.local">This local time does not exist`)
	require.Contains(t, wrong.html, `value="by 30 March, at half past two"`)
	cycle = wrong.press("Open the call", "Deadline", "2031-02-28T17:00", "As published", "by 28 February").recorded("The call for mentees opened")
	cycle.follow("Extend the deadline: mentees").press("Extend the deadline", "New deadline", "2031-03-01T17:00", "By then: that moment is in time", "", "As published", "by 1 March", "Reason", "power_cut").recorded("deadline")

	// Ben applies himself; a letter that is late is refused, and stays written.
	ben := a.as("applicant/ben")
	apply := ben.open("/cycles/spring").follow("Submit an application: mentees")
	short := apply.press("Submit an application", "Your motives", "I teach alone <3", "Your top 2 priorities, number 1", "one", "Staff of members may apply", "", "Organisation", "salt-road")
	require.Equal(t, http.StatusConflict, short.code)
	require.Contains(t, short.html, `<a href="#f-answers.priorities-1">The form is not complete (missing: priorities (exactly 2))</a>`)
	require.Contains(t, short.html, ">I teach alone &lt;3</textarea>")
	require.Contains(t, short.html, "This was refused, and that is recorded")
	short.press("Submit an application", "Your top 2 priorities, number 2", "two").recorded("Ben 🦕 Ohm")
	late := ben.open("/cycles/spring")
	require.NotContains(t, late.links, "Submit an application: mentees", "who has applied is not asked again")

	// A coordinator's queue has what is to be done, with a button.
	queue := anna.open("/cycles/spring/queue")
	require.Contains(t, queue.html, ">Claim the task</button>")
	queue = queue.press("Complete the task").recorded("")
	a.at("2031-03-03T09:00")
	file := queue.open("/cycles/spring/applications").follow("Ben 🦕 Ohm")
	require.Contains(t, file.links, "Record as not eligible")
	require.NotContains(t, file.links, "Select the application")
	confirm := file.follow("Confirm eligibility") // what that says stands before it is said
	require.Contains(t, confirm.html, "You confirm that all of this is so: Works in a member organisation; Works in education")
	file = confirm.press("Confirm eligibility").recorded("eligible")
	require.NotContains(t, file.links, "Record as not eligible")
	assign := file.follow("Assign a reviewer")
	require.Equal(t, []string{"", "Anna Berg (anna)", "Rita Reh (rita)", "מיה <b>Adler</b> (mia)"}, assign.choices("Reviewer"), "and not who applied")
	file = assign.press("Assign a reviewer", "Reviewer", "Rita Reh (rita)").recorded("Rita Reh")
	require.NotContains(t, file.follow("Assign a reviewer").choices("Reviewer"), "Rita Reh (rita)")
	a.as("reviewer/rita").open(strings.Split(file.at, "?")[0]).follow("Record a review").
		press("Record a review", "Motives: score", "4", "Motives: justification", "Knows what to ask for.", "Select", "").recorded("Rita Reh")
	file = anna.open(strings.Split(file.at, "?")[0]).follow("Shortlist the application").press("Shortlist the application").recorded("shortlisted")
	file = file.follow("Select the application").press("Select the application", "Rationale", "Teaches alone.").recorded("selected")
	file.follow("Reserve a place").press("Reserve a place").recorded("")
	ben.open(strings.Split(file.at, "?")[0]).press("Accept the offer").recorded("accepted")

	// The match, both sides, and a session.
	propose := anna.open("/cycles/spring").follow("Propose a match")
	require.Equal(t, []string{"", "Ben 🦕 Ohm (ben)"}, propose.choices("Mentee"), "who has a place")
	require.Equal(t, []string{"", "מיה <b>Adler</b> (mia)"}, propose.choices("Mentor"), "who is in a pool")
	require.NotContains(t, anna.open("/").follow("Take a mentor into a pool").choices("Mentor"), "מיה <b>Adler</b> (mia)")
	cycle = propose.press("Propose a match", "Match", "m1", "Mentee", "Ben 🦕 Ohm (ben)", "Mentor", "מיה <b>Adler</b> (mia)").recorded("")
	match := cycle.open("/cycles/spring/matches/m1")
	require.NotContains(t, match.html, "Accept the match, for the mentee</button>", "it is Ben's act")
	a.as("mentee/ben").open("/cycles/spring/matches/m1").press("Accept the match").recorded("accepted")
	behalf := match.open("/cycles/spring/matches/m1").follow("Accept the match, for the mentor")
	require.Regexp(t, `<details class="govuk-details" open>(?s:.*)<option value="[^"]*" selected>מיה &lt;b&gt;Adler&lt;/b&gt;, mentor<`, behalf.html)
	match = behalf.press("Accept the match", "How it reached us", "By telephone").recorded("accepted")
	require.Contains(t, anna.open("/cycles/spring/history?name=match.accepted").html, "coordinator, on behalf of מיה &lt;b&gt;Adler&lt;/b&gt; · by telephone")
	a.at("2031-03-10T09:00")
	for _, side := range []string{"mentee", "mentor"} {
		match = match.open("/cycles/spring/matches/m1").follow("Record a signed agreement, for the " + side).press("Record a signed agreement").recorded("agreement")
	}
	match = match.follow("Schedule session 1").press("Schedule session 1", "Date and time", "2031-03-20T16:00", "Online", "").recorded("Session 1")
	a.at("2031-03-20T19:00")
	held := match.open("/cycles/spring/matches").follow("Record session 1 as held")
	require.Equal(t, []string{"", "Ben 🦕 Ohm, mentee", "מיה <b>Adler</b>, mentor"}, held.choices("On behalf of"))
	require.Contains(t, a.as("mentor/mia").open("/cycles/spring").links, "Record a session as held")
	require.NotContains(t, a.as("mentor/ben").open("/cycles/spring").links, "Record a session as held", "he mentors nobody")
	require.NotContains(t, a.as("mentor/ben").open("/do/session.hold?cycle=spring").html, " and מיה", "whose it is, is no business of his")
	require.Contains(t, held.links, "m1: Ben 🦕 Ohm and מיה <b>Adler</b>")
	held.press("Record session 1 as held", "Length", "60").recorded("60 minutes, online (m1: Ben 🦕 Ohm and ") // when and how as planned

	// One that nobody planned is recorded from the dashboard, and has the next number.
	a.do("coordinator/anna", "session.schedule", `{"cycle":"spring","match":"m1","session":2,"local":"2031-03-24T16:00","zone":"Europe/Berlin","mode":"online"}`)
	unplanned := anna.open("/cycles/spring").follow("Record a session as held")
	require.Contains(t, unplanned.html, `Change what is preset (time zone: Europe/Berlin)</span>`)
	require.NotContains(t, unplanned.html, `<details class="govuk-details" open>`)
	what := []string{"Ben 🦕 Ohm and מיה <b>Adler</b>, m1, last met 20 Mar", "", "Date and time", "2031-03-20T09:00", "Length", "75", "Online", ""}
	unplanned.press("Record a session as held", what...).recorded("Session 3 was held: 75 minutes, online (m1: Ben 🦕 Ohm and מיה &lt;b&gt;Adler&lt;/b&gt;; Thu 20 Mar 2031, 09:00 Europe/Berlin)")
	a.at("2031-03-25T12:00")
	unplanned = anna.open("/cycles/spring").follow("Record a session as held").press("Record a session as held", append(what, "Date and time", "2031-03-25T09:00")...)
	require.Equal(t, http.StatusConflict, unplanned.code)
	require.Contains(t, unplanned.html, `<a href="#f-session">This may be a session of this match that was planned: say the number of the one that was held (2 if it was the one planned for 2031-03-24T16:00 Europe/Berlin, 4 if it was another)</a>`)
	require.Contains(t, unplanned.html, `<details class="govuk-details" open><summary class="govuk-details__summary"><span class="govuk-details__summary-text">Change what is preset`)
	unplanned.press("Record a session as held", "Session", "2").recorded("Session 2")

	match = match.open("/cycles/spring/matches/m1")
	require.NotContains(t, match.html, "Complete the match</button>", "the rule is not met")
	require.Contains(t, match.links, "Waive the completion rule")
	a.as("mentee/ben").open("/cycles/spring/matches/m1").follow("File a reflection, on the whole match").press("File a reflection", "Reflection", "I have a plan.").recorded("reflection")
	match = match.open("/cycles/spring/matches/m1").press("Complete the match").recorded("complete")
	require.NotContains(t, match.links, "End the match early", "it is over")

	// Records are mended, or taken back, also from where they are read.
	require.Contains(t, match.follow("Correct the record of session 3").html, `name="minutes" type="text" inputmode="numeric" value="75"`)
	retract := anna.open("/cycles/spring/history?name=session.held").follow("Session 3 was held: 75 minutes, online").follow("Retract the record of session 3")
	require.Contains(t, retract.html, "It is then as if this session had never been recorded")
	require.NotContains(t, retract.html, "f-local", "nothing else is said of it")
	require.Contains(t, retract.html, "Thu 20 Mar 2031, 09:00 Europe/Berlin, held, 75 minutes", "which it is")
	gone := retract.press("Retract the record of session 3", "Reason", "Wrong pair", "On behalf of", "Ben 🦕 Ohm (ben)", "How it reached us", "By telephone").
		recorded("a mistake, and is retracted (m1: Ben 🦕 Ohm and מיה &lt;b&gt;Adler&lt;/b&gt;; Thu 20 Mar 2031, 09:00 Europe/Berlin; on behalf of Ben 🦕 Ohm; by telephone)")
	require.Contains(t, gone.at, "/cycles/spring/matches/m1", "as it then stands")
	require.Contains(t, anna.open("/cycles/spring/figures/sessions_held").html, `is retracted</a> <time datetime="2031-03-25T11:00:00Z"`, "when it was taken out")

	again := anna.open("/cycles/spring").follow("Propose a match")
	require.Equal(t, []string{"", "m1: Ben 🦕 Ohm and מיה <b>Adler</b>, completed"}, again.choices("In place of match"))

	// Where the past is shown nothing is offered.
	past := anna.open("/cycles/spring/matches/m1?at=2031-03-15")
	require.NotContains(t, past.html, "What can be done</h2>")
	require.NotContains(t, past.html, "/do/")
}

// The limits of the definition are set where its cycle is shown, and others
// beside them: the programme is known there. Elsewhere it must be said.
func TestACycleOffersItsLimits(t *testing.T) {
	t.Parallel()
	a := staffed(t)
	a.do("coordinator/anna", "organisation.register", `{"organisation":"nemo","name":"Network","kind":"network"}`)
	anna := a.as("coordinator/anna")
	limited := strings.Replace(pairsDefinition, "roles:", "quotas: [{quota: year, per: year, limit: 10}, {quota: scotland, per: cycle, nation: Scotland, limit: 3}]\nroles:", 1)
	home := anna.open("/").follow("Publish a definition").press("Publish a definition", "Definition", limited).recorded("")
	home = home.follow("Publish a definition").press("Publish a definition", "Definition", strings.Replace(pairsDefinition, "pairs\ntitle: Pairs", "others\ntitle: Others", 1)).recorded("")
	a.do("coordinator/anna", "cycle.plan", `{"programme":"pairs","cycle":"spring","title":"Spring","from":"2031-04","to":"2031-06"}`)

	unsaid := home.follow("Say how many places there are")
	require.Contains(t, unsaid.html, `>Programme</legend>`)
	unsaid = unsaid.press("Say how many places there are", "Name of this limit", "cycle", "In each cycle", "", "Limit", "1")
	require.Equal(t, http.StatusBadRequest, unsaid.code)
	require.Contains(t, unsaid.html, `href="#f-programme-1"`)

	cycle := anna.open("/cycles/spring").press("Say how many places there are: 10 in each year").recorded("10")
	require.NotContains(t, cycle.html, "Say how many places there are: ", "one for a nation is no limit of all places")
	form := cycle.follow("Say how many places there are")
	require.NotContains(t, form.html, `>Programme</legend>`)
	form.press("Say how many places there are", "Name of this limit", "cycle", "In each cycle", "", "Limit", "4").recorded("4")
	require.Contains(t, anna.open("/cycles/spring/places").html, "In the year 2031")
}

// What is sent twice is done once, and answered as the first time. Who was
// second is told what has changed. A form sees the deadline pass.
func TestAFormIsSentOnce(t *testing.T) {
	t.Parallel()
	a := staffed(t)
	a.do("coordinator/anna", "person.register", `{"handle":"ben","register":"people","name":"Ben Ohm"}`)
	a.do("coordinator/anna", "organisation.register", `{"organisation":"nemo","name":"Network","kind":"network"}`)
	anna := a.as("coordinator/anna")
	anna.open("/").follow("Publish a definition").press("Publish a definition", "Definition", pairsDefinition).recorded("")
	a.do("coordinator/anna", "cycle.plan", `{"programme":"pairs","cycle":"spring","title":"Spring","from":"2031-04","to":"2031-06"}`)
	a.do("coordinator/anna", "call.open", `{"cycle":"spring","call":"mentees","deadline":{"local":"2031-03-01T17:00","zone":"Europe/Berlin","rule":"by","published":"by 5pm on 1 March"}}`)
	ben := a.as("applicant/ben")
	open := ben.open("/cycles/spring").follow("Submit an application: mentees")
	written := []string{"Your motives", "I teach alone.", "Your top 2 priorities, number 1", "one", "Your top 2 priorities, number 2", "two", "Staff of members may apply", ""}
	a.do("applicant/ben", "application.submit", `{"cycle":"spring","call":"mentees","route":"staff","answers":{"motives":"x","priorities":["a","b"]}}`)

	file := anna.open("/cycles/spring/applications").follow("Ben Ohm")
	first, second := file.follow("Confirm eligibility").form("Confirm eligibility"), file.follow("Record as not eligible")
	done := anna.send(http.MethodPost, first.action, first.kept.Encode()).recorded("eligible")
	again := anna.send(http.MethodPost, first.action, first.kept.Encode()).recorded("eligible")
	require.Equal(t, done.at, again.at)
	require.Equal(t, 1, strings.Count(anna.open("/cycles/spring/history?name=eligibility").html, "<code>eligibility.confirmed</code>"))

	lost := second.press("Record as not eligible", "Works in education", "")
	require.Equal(t, http.StatusConflict, lost.code)
	require.Contains(t, lost.html, "Nothing was recorded")
	require.Contains(t, lost.html, "This does not apply to the application as it stands (it is eligible)")
	_, changed, found := strings.Cut(lost.html, "What was recorded about it since you opened this form")
	require.True(t, found)
	require.Contains(t, changed, "<code>eligibility.confirmed</code>")
	require.Regexp(t, `value="educator" checked`, lost.html)

	// The same form with something else in it is not what was sent first.
	later := anna.open("/cycles/spring").follow("Record a published notice: mentees")
	sent := *later.form("Record a published notice")
	later.press("Record a published notice", "Where it was published", "website", "Text", "come").recorded("website")
	other := sent
	other.kept.Set("where", "newsletter")
	used := anna.send(http.MethodPost, other.action, other.kept.Encode())
	require.Equal(t, http.StatusConflict, used.code)
	require.Contains(t, used.html, "This form was sent before, with something else in it, and that stands")
	used.press("Record a published notice").recorded("newsletter")

	// Already so, and the deadline.
	cycle := anna.open("/cycles/spring").follow("Put a stage into the timetable").press("Put a stage into the timetable", "Stage", "talks", "From", "2031-04").recorded("talks")
	cycle.follow("Put a stage into the timetable").press("Put a stage into the timetable", "Stage", "talks", "From", "2031-04").recorded("nothing was recorded")
	a.do("applicant/ben", "application.withdraw", `{"cycle":"spring","call":"mentees"}`)
	a.at("2031-03-01T17:00")
	a.at("2031-03-01T17:01")
	passed := open.press("Submit an application", written...)
	require.Equal(t, http.StatusConflict, passed.code)
	require.Contains(t, passed.html, ">I teach alone.</textarea>")
}

// Who reaches the address acts: so nobody else may.
func TestOnlyThisMachineActs(t *testing.T) {
	t.Parallel()
	for addr, ok := range map[string]bool{
		"127.0.0.1:8080": true, "localhost:0": true, "[::1]:8080": true, "127.3.2.1:1": true,
		"0.0.0.0:8080": false, ":8080": false, "192.168.1.2:80": false, "[::]:80": false, "localhost.evil.example:80": false, "8080": false,
	} {
		err := main.OnLoopback(addr, "coordinator/anna")
		require.Equal(t, ok, err == nil, addr)
		if !ok {
			require.ErrorContains(t, err, "--a", addr)
		}
	}
	a := staffed(t)
	for by, why := range map[string]string{
		"anna": "an actor is ROLE/HANDLE", "cordinator/anna": "there is no role cordinator; there are applicant, coordinator", "coordinator/ben": "nobody is registered", "clock/anna": "only the engine itself",
	} {
		_, err := a.Pages(t.Context(), by)
		require.ErrorContains(t, err, why, by)
	}
}

// Another season is planned from one that there was: its dates are moved by whole
// weeks, with the words that told them; what is wrong is said before anything is
// recorded, and then all of it is recorded as one.
func TestAnotherSeasonIsPlannedFromTheLast(t *testing.T) {
	t.Parallel()
	a := staffed(t)
	a.do("coordinator/anna", "organisation.register", `{"organisation":"nemo","name":"Network","kind":"network"}`)
	anna := a.as("coordinator/anna")
	anna.open("/").follow("Publish a definition").press("Publish a definition", "Definition", pairsDefinition).recorded("")
	a.do("coordinator/anna", "cycle.plan", `{"programme":"pairs","cycle":"spring-2031","title":"Spring 2031","from":"2031-04","to":"2031-06"}`)
	a.do("coordinator/anna", "stage.schedule", `{"cycle":"spring-2031","stage":"offers","from":"2031-03-10","to":"2031-03-14","published":"Offers from Monday 10 to Friday 14 March 2031"}`)
	a.do("coordinator/anna", "stage.schedule", `{"cycle":"spring-2031","stage":"sessions","from":"2031-04","to":"2031-06","published":"Sessions, April to June 2031"}`)
	a.do("coordinator/anna", "call.open", `{"cycle":"spring-2031","call":"mentees","deadline":{"local":"2031-02-28T17:00","zone":"Europe/Berlin","rule":"by","published":"by 5pm on Friday 28 February"}}`)

	form := anna.open("/cycles/spring-2031").follow("Plan another season like this one")
	for _, proposed := range []string{
		`value="Spring 2032"`, `value="spring-2032"`, `value="2032-04"`, `value="2032-03-08"`, `value="2032-03-12"`,
		`value="Offers from Monday 8 to Friday 12 March 2032"`, `value="Sessions, April to June 2032"`, `value="2032-02-27T17:00"`, `value="by 5pm on Friday 27 February"`,
		"The calendar de-berlin knows no holidays of 2032", "In UTC: 2032-02-27 16:00.",
		"An offer that is made on Monday 8 March 2032 is to be answered by Monday 15 March 2032, 17:00.",
	} {
		require.Contains(t, form.html, proposed)
	}
	require.NotContains(t, form.html, `id="faults"`)
	before := anna.open("/cycles/spring-2031/history").html

	// A weekday that is another, an hour that the clocks skip, an end before its
	// beginning, an id that is taken: all at once, with nothing lost.
	write := func(field, value string) { form.form("Plan this season").kept.Set(field, value) }
	write("cycle", "spring-2031")
	write("stage.0.from", "2032-03-09")
	write("stage.0.published", "Offers on Monday 9 March 2032")
	write("stage.1.to", "2032-03")
	write("call.0.local", "2032-03-28T02:30")
	write("call.0.published", "by half past two on Sunday 28 March")
	write("call.0.open", "true")
	wrong := form.press("Plan this season")
	require.Equal(t, http.StatusBadRequest, wrong.code)
	for field, says := range map[string]string{
		"cycle": "This is the season that it is copied from", "stage.0.published": `[^<]*9 March 2032 is a Tuesday`, "stage.1.to": "The stage ends before it begins",
		"call.0.local": "This local time does not exist",
	} {
		require.Regexp(t, `<a href="#f-`+field+`">`+says, wrong.html)
	}
	require.Contains(t, wrong.html, `value="by half past two on Sunday 28 March"`)
	require.Contains(t, wrong.html, "Nothing was recorded")
	require.Equal(t, before, anna.open("/cycles/spring-2031/history").html)
	require.Contains(t, wrong.html, "Call for mentees: “by half past two")
	unopened := wrong.form("Plan this season")
	unopened.kept.Del("call.0.open")
	wrong = anna.send(http.MethodPost, unopened.action, unopened.kept.Encode())
	require.NotContains(t, wrong.html, `href="#f-call.0.local"`, "nothing of it would be recorded")
	require.Contains(t, wrong.html, "<li>This local time does not exist")
	require.NotContains(t, wrong.html, "Call for mentees: “by half past two")
	checked := form.form("Plan this season")
	checked.kept.Set(".check", "true")
	require.Contains(t, anna.send(http.MethodPost, checked.action, checked.kept.Encode()).html, "Nothing was recorded")

	// Mended and planned, the call too; once, and as one.
	form = anna.open("/cycles/spring-2031/again")
	last := form.form("Plan this season")
	last.kept.Set("call.0.open", "true")
	planned := anna.send(http.MethodPost, last.action, last.kept.Encode()).recorded("The call for mentees opened")
	require.Contains(t, planned.html, "Spring 2032")
	require.Contains(t, planned.html, "Offers from Monday 8 to Friday 12 March 2032")
	require.Contains(t, planned.html, "by Fri 27 Feb 2032, 17:00 Europe/Berlin")
	require.Equal(t, http.StatusOK, anna.send(http.MethodPost, last.action, last.kept.Encode()).code)
	events, correlations := 0, map[string]bool{}
	require.NoError(t, a.Each(t.Context(), func(stream, correlation string) {
		if strings.Contains(stream, "spring-2032") {
			events++
			correlations[correlation] = true
		}
	}))
	require.Equal(t, 4, events)
	require.Len(t, correlations, 1)
}
