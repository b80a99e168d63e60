package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// many is a daybook with n applications and a task for each.
func many(t *testing.T, n int) (acted, browser) {
	a, anna := bringing(t)
	rows := "Name;E-Mail;Eingang;motives;priorities;Museum\n"
	for i := range n {
		rows += fmt.Sprintf("Person <b>%d</b>;p%d@example.org;05.02.2031 12:30;to learn;\"one;two\";salt-road\n", i, i)
	}
	columns := anna.bring("Applications", "forms.csv", rows)
	report := columns.press("Show what would be recorded", "Route", "staff").press(fmt.Sprintf("Import %d rows", n))
	require.Contains(t, report.html, fmt.Sprintf(`Recorded: <strong class="db-number">%d</strong>`, n))
	a.at("2031-02-11T09:00")
	return a, anna
}

// chosen posts the form of a table with some of its rows.
func (p page) chosen(command string, rows ...string) page {
	p.t.Helper()
	f := p.form("Go on with these rows")
	f.kept["row"], f.kept["command"] = rows, []string{command}
	return p.send(http.MethodPost, f.action, f.kept.Encode())
}

// What is the same for many is said once, seen row by row before it is done, and
// done once, as one act.
func TestManyRowsAreOneAct(t *testing.T) {
	t.Parallel()
	a, anna := many(t, 3)
	list := anna.open("/cycles/spring/applications")
	keys := picks(list)
	require.Len(t, keys, 3)
	require.NotContains(t, anna.open("/cycles/spring/applications?at=2031-02-10T10:00").html, "Go on with these rows")
	require.NotContains(t, anna.open("/cycles/spring/applications?as=csv").html, "Choose")
	a.do("coordinator/anna", "eligibility.confirm", `{"cycle":"spring","call":"mentees","person":"p0@example.org"}`)

	preview := list.chosen("eligibility.confirm", keys...).press("Show what would be recorded")
	require.Equal(t, http.StatusOK, preview.code, preview.html)
	require.NotContains(t, preview.html, "<b>")
	require.Contains(t, preview.html, `Recorded: <strong class="db-number">2</strong>`)
	require.Contains(t, preview.html, `Already so: <strong class="db-number">1</strong>`)
	report := preview.press("Confirm eligibility: 2 rows")
	require.Contains(t, report.html, "What was recorded</h1>")
	sent := preview.form("Confirm eligibility: 2 rows")
	require.Equal(t, report.html, anna.send(http.MethodPost, sent.action, sent.kept.Encode()).html, "a double click")
	correlations := map[string]int{}
	for _, e := range a.events("eligibility.confirmed") {
		correlations[e]++
	}
	require.Len(t, correlations, 2)
	require.Equal(t, 2, correlations[sent.kept.Get(".id")])

	// Of a list that is chosen by something, all are those of it.
	a.do("coordinator/anna", "application.withdraw", `{"cycle":"spring","call":"mentees","person":"p1@example.org"}`)
	file := anna.open("/cycles/spring/applications").follow("Person <b>1</b>")
	require.NotContains(t, file.links, "Permit a late submission", "which would let nobody in")
	some := anna.open("/cycles/spring/applications?stage=submitted&exit=withdrawn")
	require.Empty(t, picks(some))
	some = anna.open("/cycles/spring/applications?exit=withdrawn&stage=eligible")
	require.Len(t, picks(some), 1)
	f := some.form("Go on with these rows")
	f.kept.Set(".all", "yes")
	f.kept.Set("command", "review.assign")
	one := anna.send(http.MethodPost, f.action, f.kept.Encode())
	require.Contains(t, one.html, "1 row</dt>")
	require.Equal(t, some.at, one.links["Back, without recording anything"])

	// What is missing, or does not apply, is told.
	failing := list.chosen("application.select", keys[0], keys[2])
	require.Contains(t, failing.html, "Rationale")
	refused := failing.press("Show what would be recorded")
	require.Contains(t, refused.html, `Refused: <strong class="db-number">2</strong>`)
	require.Contains(t, refused.html, "There is nothing to record.")
	unsaid := list.chosen("review.assign", keys...)
	require.NotContains(t, strings.Join(unsaid.choices("Reviewer"), " "), "Person", "all of them applied")
	unsaid = unsaid.press("Show what would be recorded")
	require.Equal(t, http.StatusOK, unsaid.code)
	require.Equal(t, 3, strings.Count(unsaid.html, "(reviewer is missing)"), "of each row")
	require.Contains(t, unsaid.html, "There is nothing to record.")
	require.Equal(t, some.at, anna.open(some.at).chosen("review.assign").links["Back to the list"])
	for _, nothing := range []page{list.chosen("", keys...), list.chosen("eligibility.confirm"), list.chosen("eligibility.confirm", "nonsense")} {
		require.Equal(t, http.StatusBadRequest, nothing.code)
		require.Contains(t, nothing.html, "Choose at least one row")
		require.NotContains(t, nothing.html, "address")
		require.Contains(t, nothing.html, `<h1 class="govuk-heading-l">Nothing was recorded</h1>`)
		require.Equal(t, list.at, nothing.links["Back to the list"])
	}
	left := report.press("Leave this")
	require.Equal(t, "/cycles/spring/applications", left.at)

	// Tasks are completed from the queue, and opened again by the way back.
	queue := anna.open("/cycles/spring/queue")
	var tasks []string
	for _, key := range picks(queue) {
		if !strings.Contains(key, " ") {
			tasks = append(tasks, key)
		}
	}
	require.Len(t, tasks, 2, "of whoever withdrew there is none")
	done := queue.chosen("task.complete", tasks...).press("Show what would be recorded").press("Complete the task: 2 rows")
	require.Contains(t, done.html, `Recorded: <strong class="db-number">2</strong>`)
	back := done.press("Take it back: reopen the task").press("Show what would be recorded", "Reason", "wrong_ones")
	require.Contains(t, back.press("Reopen the task: 2 rows").html, `Recorded: <strong class="db-number">2</strong>`)
	each := anna.open("/cycles/spring/queue").chosen("each", tasks...)
	require.Contains(t, each.press("Show what would be recorded").html, "Do what each line asks for: 2 rows")

	// What is somebody's own act is on their behalf.
	withdrawn := list.chosen("application.withdraw", keys...)
	require.Contains(t, withdrawn.html, "In each row whose act it is")
	withdrawn.press("Show what would be recorded").press("Withdraw the application: 2 rows")
	for _, n := range []string{"0", "2"} {
		require.Contains(t, anna.open("/cycles/spring/history?name=application.withdrawn").html, "on behalf of Person &lt;b&gt;"+n)
	}
	require.Contains(t, a.as("applicant/p0@example.org").open("/cycles/spring/applications").html, "application.withdraw")

	// What was recorded by mistake is on no list any more.
	mistaken := list.chosen("application.retract", keys...).press("Show what would be recorded", "Reason", "wrong_file")
	mistaken.press("Retract the application as recorded by mistake: 3 rows")
	require.Empty(t, picks(anna.open("/cycles/spring/applications")))
}

// Sessions that took place as planned are recorded at once.
func TestManySessionsWereHeld(t *testing.T) {
	t.Parallel()
	_, anna := paired(t)
	list := anna.open("/cycles/spring/sessions")
	preview := list.press("Go on with these rows", "With the rows that are chosen", "Record a session as held", "All 2 rows of this list", "").press("Show what would be recorded", "Length", "60")
	require.Contains(t, preview.html, `Already so: <strong class="db-number">1</strong>`)
	report := preview.press("Record a session as held: 1 row")
	require.Contains(t, report.html, "Session held")
	require.Contains(t, anna.open("/cycles/spring/sessions").html, `Held: <strong class="db-number">2</strong>`)
}

// A list of hundreds is chosen whole, and no request waits for all of it.
func TestHundredsAreChosenAtOnce(t *testing.T) {
	t.Parallel()
	_, anna := many(t, 120)
	list := anna.open("/cycles/spring/applications")
	f := list.form("Go on with these rows")
	f.kept.Set(".all", "yes")
	f.kept.Set("command", "eligibility.confirm")
	preview := anna.send(http.MethodPost, f.action, f.kept.Encode()).press("Show what would be recorded")
	require.Contains(t, preview.html, "and 20 rows more: the spreadsheet has all of them")
	report := preview.press("Confirm eligibility: 120 rows")
	require.Contains(t, report.html, `Recorded: <strong class="db-number">120</strong>`)
	require.Contains(t, report.follow("All that it recorded, in the history").links, "Older events")
	require.Equal(t, 121, strings.Count(strings.TrimSpace(anna.open(report.at+"?as=csv").html), "\n")+1)
}

// picks are the keys of the rows that can be chosen on a page.
func picks(p page) (keys []string) {
	for _, cut := range strings.Split(p.html, `form="bulk" name="row" value="`)[1:] {
		key, _, _ := strings.Cut(cut, `"`)
		keys = append(keys, strings.NewReplacer("&#34;", `"`, "&amp;", "&").Replace(key))
	}
	return keys
}

// events are the correlations of events of a name.
func (a acted) events(name string) (correlations []string) {
	a.t.Helper()
	envelopes, err := a.Envelopes(a.t.Context(), name)
	require.NoError(a.t, err)
	for _, metadata := range envelopes {
		var e struct {
			Correlation string `json:"correlation"`
		}
		require.NoError(a.t, json.Unmarshal(metadata, &e))
		correlations = append(correlations, e.Correlation)
	}
	return correlations
}
