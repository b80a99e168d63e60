package main_test

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/charmap"
)

// bringing is a daybook with an open cycle, into which anna brings spreadsheets
// by its pages.
func bringing(t *testing.T) (acted, browser) {
	a := staffed(t)
	a.do("coordinator/anna", "organisation.register", `{"organisation":"nemo","name":"Network","kind":"network"}`)
	a.do("coordinator/anna", "organisation.register", `{"organisation":"salt-road","name":"Museum of the Salt Road","kind":"museum"}`)
	a.do("coordinator/anna", "membership.record", `{"organisation":"salt-road","network":"nemo"}`)
	anna := a.as("coordinator/anna")
	anna.open("/").follow("Publish a definition").press("Publish a definition", "Definition", pairsDefinition).recorded("")
	a.do("coordinator/anna", "cycle.plan", `{"programme":"pairs","cycle":"spring","title":"Spring","from":"2031-04","to":"2031-06"}`)
	a.do("coordinator/anna", "call.open", `{"cycle":"spring","call":"mentees","deadline":{"local":"2031-03-01T17:00","zone":"Europe/Berlin","rule":"by","published":"by 5pm on 1 March"}}`)
	a.at("2031-02-10T09:00")
	return a, anna
}

// bring uploads a file from the page that takes one.
func (b browser) bring(kind, name, content string) page {
	b.t.Helper()
	return b.open("/cycles/spring").follow("Bring a spreadsheet in").attach("Look at the columns", name, []byte(content), kind, "")
}

const applicants = "Wer;Kontakt;Datum;Weg;Your motives;Erste;Zweite;Haus\n" +
	"Ben 🦕 Ohm;ben@example.org;05.02.2031 12:30;Mitarbeiter;to learn;one;two;salt-road\n" +
	"מיה <b>Adler</b>;mia@example.org;06.02.2031 12:30;Mitarbeiter;<script>alert(1)</script>;one;two;salt-road\n" +
	"Cem Halb;cem@example.org;06.02.2031 12:30;Mitarbeiter;to learn;one;;salt-road\n" +
	";dora@example.org;06.02.2031 12:30;Mitarbeiter;to learn;one;two;salt-road\n"

// A spreadsheet with headings that nobody has seen before becomes applications,
// by the pages alone, and is taken back.
func TestASpreadsheetIsBroughtInByThePages(t *testing.T) {
	t.Parallel()
	a, anna := bringing(t)
	columns := anna.bring("Applications", "forms.csv", applicants)
	require.Equal(t, http.StatusOK, columns.code, columns.html)
	require.Contains(t, columns.html, "forms.csv: text in UTF-8, separated by semicolons, 4 rows of applications below the headings in row 1. Needed: E-mail address, or short name.")
	require.NotContains(t, columns.html, "<script")
	require.NotContains(t, columns.html, "<b>")
	require.Contains(t, columns.html, `<bdi class="db-sample">Ben 🦕 Ohm</bdi><bdi class="db-sample">מיה &lt;b&gt;Adler&lt;/b&gt;</bdi>`)
	require.Equal(t, "received", columns.forms[0].kept.Get("column.2"), "as suggested")

	// Nothing is guessed once something is said, and what is missing is told.
	lost := columns.press("Show what would be recorded", "A Wer", "not used", "B Kontakt", "not used")
	require.Equal(t, http.StatusBadRequest, lost.code)
	require.Contains(t, lost.html, "<li>No column is chosen for: E-mail address, or short name</li>")
	twice := lost.press("Show what would be recorded", "A Wer", "Name", "B Kontakt", "Name")
	require.Contains(t, twice.html, `<a href="#f-column.1">Columns A and B cannot both be: name</a>`)
	again := twice.press("Read the file again", "B Kontakt", "E-mail address", "F Erste", "Your top 2 priorities, number 1", "G Zweite", "Your top 2 priorities, number 2", "H Haus", "Organisation")
	require.Contains(t, again.html, "Words that the programme does not know")
	preview := again.press("Show what would be recorded", "Route: “Mitarbeiter” means", "staff")
	require.Equal(t, http.StatusOK, preview.code, preview.html)
	require.NotContains(t, preview.html, "<script")
	require.NotContains(t, preview.html, "<b>")
	require.Contains(t, preview.html, "<li>Recorded: <strong class=\"db-number\">2</strong></li>")
	require.Regexp(t, `row 4</th>.*Cem Halb.*Refused</td><td class="govuk-table__cell">Person registered, submission refused, the form is not complete \(missing: priorities`, preview.html)
	require.Regexp(t, `row 5</th>.*Needs a person</td><td class="govuk-table__cell">Nobody is registered under this address or short name, and the row has no name`, preview.html)
	history := func() int { return strings.Count(anna.open("/cycles/spring/history?as=csv").html, "\n") }
	before := history()

	report := preview.press("Import 2 rows, record 1 refusal")
	require.Contains(t, report.html, "What was recorded</h1>")
	require.Contains(t, report.at, "/report")
	after := history()
	require.Greater(t, after, before)
	require.Contains(t, anna.open("/cycles/spring/applications").links, "Ben 🦕 Ohm")

	// Sent twice, back and sent again, shown and imported again, or uploaded again
	// in another order: nothing is done twice.
	sent := preview.form("Import 2 rows, record 1 refusal")
	sent.kept.Set(".do", "do")
	for range 2 {
		require.Equal(t, report.html, anna.send(http.MethodPost, sent.action, sent.kept.Encode()).html)
	}
	changed := report.press("Change what the columns are")
	require.Contains(t, changed.html, `<option value="name" selected>`)
	same := changed.press("Show what would be recorded")
	require.Contains(t, same.html, "<li>Already so: <strong class=\"db-number\">2</strong></li>")
	require.Contains(t, same.html, "There is nothing to record.")
	require.Equal(t, after, history())

	// All that it recorded is one list, and nothing that others did meanwhile.
	anna.open("/do/person.register").press("Register a person", "Short name", "noor", "Counted among", "staff", "Name", "Noor Bakker").recorded("Noor Bakker")
	recorded := report.follow("All that it recorded, in the history")
	for name, n := range map[string]int{"import.started": 1, "person.registered": 3, "draft.started": 2, "application.received": 2, "import.finished": 1} {
		require.Equal(t, n, strings.Count(recorded.html, "<code>"+name+"</code>"), name)
	}
	require.Contains(t, recorded.html, "one import, or one act on many things")
	require.NotContains(t, recorded.html, "<code>message.queued</code>")
	one := recorded.press("Show these events", "What", "draft started")
	require.Equal(t, 2, strings.Count(one.html, "<code>"))

	// It is found again, and taken back with a reason.
	list := report.follow("All spreadsheets brought in")
	require.Contains(t, list.html, "Brought in, the newest first")
	list.follow("Applications").follow("All that it recorded")
	one = anna.open(report.links["What it recorded, and how to take it back"])
	require.Equal(t, 2, strings.Count(one.html, ">application received</a>"))
	require.Contains(t, one.html, "Its applications are retracted, as if they had never reached you: no list or figure has them, and they can be imported again.")
	unsaid := one.press("Take this import back")
	require.Equal(t, http.StatusBadRequest, unsaid.code)
	require.Contains(t, unsaid.html, `<a href="#f-reason">An exception needs a reason`)
	back := unsaid.press("Take this import back", "Why", "wrong_file")
	require.Equal(t, 2, strings.Count(back.html, "<td class=\"govuk-table__cell\">taken back</td>"))
	require.Contains(t, back.html, "Taken back: 2 events undone, 3 left")
	require.NotContains(t, back.html, "Take this import back")
	require.Contains(t, anna.open("/cycles/spring/figures/applications_submitted").html, "recorded by mistake")
	file := back.follow("Application of Ben 🦕 Ohm")
	require.Contains(t, file.html, `<p class="govuk-body-l">Retracted</p>`)
	require.NotContains(t, anna.open("/cycles/spring/applications").links, "Ben 🦕 Ohm")

	// And brought in again, when it is mended.
	report = changed.press("Show what would be recorded").press("Import 2 rows")
	require.Contains(t, report.html, "What was recorded</h1>")
	require.Contains(t, anna.open("/cycles/spring/applications").links, "Ben 🦕 Ohm")
	require.Contains(t, anna.open(file.at).html, `<p class="govuk-body-l">Submitted</p>`)

	// A file is forgotten when somebody says so, and after a while.
	gone := report.press("Forget this file")
	require.Contains(t, gone.at, "/imports")
	require.Equal(t, http.StatusNotFound, anna.send(http.MethodGet, report.at, "").code)
	kept := anna.bring("People", "people.csv", "Name;E-Mail\nZoe;zoe@example.org\n")
	a.at("2031-02-10T09:31")
	expired := kept.press("Show what would be recorded")
	require.Equal(t, http.StatusNotFound, expired.code)
	require.Contains(t, expired.html, "This is no longer kept")
}

// A mail with a form becomes an application by its sender, keyed in by who acts.
func TestAMailIsBroughtIn(t *testing.T) {
	t.Parallel()
	_, anna := bringing(t)
	mail := "Received: by mx.museum.example; Wed, 5 Feb 2031 12:30:10 +0100\r\nFrom: \"Ben <script>alert(1)</script> Ohm\" <ben@example.org>\r\n\r\nName: Ben 🦕 Ohm\r\nYour motives: to learn\r\nYour top 2 priorities: one; two\r\nMuseum: salt-road\r\n"
	columns := anna.bring("Applications", "form.eml", mail)
	require.Contains(t, columns.html, "form.eml: e-mail, received 5 February 2031 12:30 &#43;0100, 1 row of applications below the headings in row 1")
	require.Empty(t, columns.forms[0].kept.Get("column.4"), "when it was received is not asked")
	preview := columns.press("Show what would be recorded", "Route", "staff")
	require.NotContains(t, preview.html, "<script")
	report := preview.press("Import 1 row")
	require.Contains(t, report.html, "Person registered, draft started, application received")
	file := anna.open("/cycles/spring/applications").follow("Ben 🦕 Ohm")
	require.Contains(t, file.html, `datetime="2031-02-05T11:30:10Z"`)
	require.Contains(t, anna.open("/cycles/spring/history?name=application.received").html, "Anna Berg, coordinator, on behalf of Ben 🦕 Ohm · by e-mail")
	require.Contains(t, anna.bring("Applications", "again.eml", mail).press("Show what would be recorded", "Route", "staff").html, "There is nothing to record")

	// In the name of somebody who is registered it is recorded when somebody says so.
	anna.bring("People", "people.csv", "Name;E-Mail\nZoe Falk;zoe@example.org\n").press("Show what would be recorded").press("Import 1 row")
	columns = anna.bring("Applications", "zoe.eml", strings.NewReplacer("Ben 🦕 Ohm", "Zoe Falk", "ben@", "zoe@").Replace(mail))
	asked := columns.press("Show what would be recorded", "Route", "staff")
	require.Contains(t, asked.html, "is its own word")
	require.Contains(t, asked.html, "There is nothing to record")
	report = asked.press("Change what the columns are").press("Show what would be recorded", "Who the mail is from", "zoe@example.org").press("Import 1 row")
	require.Contains(t, report.html, "Draft started, application received")
	require.Contains(t, anna.open("/cycles/spring/history?name=application.received").html, "by e-mail · reason: sender confirmed")
}

// Where every row would be refused, no green button offers to bring them in.
func TestNothingButRefusalsIsNoImport(t *testing.T) {
	t.Parallel()
	_, anna := bringing(t)
	preview := anna.bring("Applications", "forms.csv", "Name;E-Mail;Eingang;motives;priorities;Museum\nCem Halb;cem@example.org;05.02.2031 12:30;to learn;one;salt-road\n").press("Show what would be recorded", "Route", "staff")
	require.Contains(t, preview.html, "There is nothing to bring in. What is in the way stands beside each row")
	require.Contains(t, preview.html, `<button class="govuk-button govuk-button--secondary" name=".do" value="do">Record 1 refusal all the same`)
	require.Contains(t, preview.press("Record 1 refusal all the same").html, "Person registered, submission refused")
}

// What helps a row that is refused or needs a person is told before anything is
// recorded, and after; so a paper that lay in the post is permitted, and let in.
func TestWhatHelpsIsToldBeforeAndAfter(t *testing.T) {
	t.Parallel()
	a, anna := bringing(t)
	a.at("2031-03-03T09:00")
	const late = "Cem Spät;cem@example.org;02.03.2031 12:30;to learn;one\ntwo;salt-road\n"
	file := strings.ReplaceAll("Name;E-Mail;Eingang;motives;priorities;Museum\nBen Ohm;ben@example.org;05.02.2031 12:30;to learn;one\ntwo;salt-road\n"+late, "one\ntwo", "\"one\ntwo\"")
	preview := anna.bring("Applications", "forms.csv", file).press("Show what would be recorded", "Route", "staff")
	const again, permit = `and <a class="govuk-link" href="/cycles/spring/imports?kind=applications">upload it again</a>`, "lets the same row in</td>"
	require.Contains(t, preview.html, "Nobody is reminded of rows that are refused or need a person. Mend them in the file "+again+", now or when the others are recorded: ")
	require.Regexp(t, `row 3</th>.*Cem Spät.*the deadline has passed \(.*: as long as the cycle is open, “Permit a late submission” .*`+permit, preview.html)
	report := preview.press("Import 1 row, record 1 refusal")
	require.Contains(t, report.html, "rows that were refused or need a person. Mend them in the file "+again+": ")
	require.Contains(t, report.html, permit)

	form := anna.open("/cycles/spring").follow("Permit a late submission: mentees")
	form.press("Permit a late submission", "Person", "Cem Spät (cem-spaet)", "Permitted until", "2031-03-03T12:00", "Reason", "lost_post", "By whose authority", "programme_owner").recorded("")
	whole := anna.bring("Applications", "forms.csv", file).press("Show what would be recorded", "Route", "staff")
	require.NotContains(t, whole.html, "Nobody is reminded")
	require.Contains(t, whole.press("Import 1 row").html, "Draft started, application received")
}

// Somebody whom a row names and nobody knows is registered from the list, which is
// then shown again as it has become.
func TestWhoIsMissingIsRegisteredFromTheList(t *testing.T) {
	t.Parallel()
	a, anna := bringing(t)
	columns := anna.bring("Matches", "pairs.csv", "Eine;Andere\nnoor@example.org;ohm\nNoor Bakker;ohm\n")
	preview := columns.press("Show what would be recorded", "A Eine", "Mentee: e-mail address or short name", "B Andere", "Mentor: e-mail address or short name")
	require.Regexp(t, `row 2</th>.*Mentee: nobody is registered under this address or short name <a [^>]*>Register noor@example.org</a>`, preview.html)
	require.Regexp(t, `row 3</th>.*Mentee: nobody is registered under this address or short name</td>`, preview.html)
	form := preview.follow("Register noor@example.org")
	require.Equal(t, "noor@example.org", form.form("Register a person").kept.Get("email"))
	for _, address := range slices.Concat(slices.Collect(maps.Values(preview.links)), slices.Collect(maps.Values(form.links)), []string{form.at, form.form("Register a person").action}) {
		require.NotContains(t, address, "noor", "browsers keep addresses")
	}
	again := form.press("Register a person", "Short name", "noor", "Counted among", "people", "Name", "Noor Bakker")
	again.recorded("Noor Bakker")
	require.Contains(t, again.html, "What would be recorded</h1>")
	require.Regexp(t, `row 2</th>.*Mentor: nobody is registered under this address or short name <a [^>]*>Register ohm</a>`, again.html)
	require.Equal(t, "ohm", again.follow("Register ohm").form("Register a person").kept.Get("handle"))
	require.Equal(t, preview.at, anna.open(strings.Replace(again.links["Register ohm"], "row%202", "row%203", 1)).at, "of that row nobody is missing")
	require.Len(t, a.events("person.registered"), 2)
}

// What is needed and no column says is asked for where it can be said for all
// rows, and missed once.
func TestWhatNoColumnSaysIsSaidForAllRows(t *testing.T) {
	t.Parallel()
	_, anna := bringing(t)
	columns := anna.bring("Mentors", "mentors.csv", "Name;E-Mail;Institution\nAstrid Moe;astrid@example.org;Oslo City Museum\n")
	const open = `<details class="govuk-details" open><summary class="govuk-details__summary"><span class="govuk-details__summary-text">What is the same in every row`
	require.Contains(t, columns.html, open)
	require.Contains(t, columns.html, `>Pool</label><div class="govuk-hint" id="f-same.pool-hint">The group of mentors that an organisation lends, by a short name such as gem</div>`)
	require.Contains(t, columns.html, ">Mentees at a time</label>")
	require.Contains(t, columns.html, ">Expertise (optional)</label>")
	lost := columns.press("Show what would be recorded", "Mentees at a time", "2")
	require.Equal(t, http.StatusBadRequest, lost.code)
	const missed = "No column is chosen for: pool; choose one, or write it under What is the same in every row"
	require.Equal(t, 1, strings.Count(lost.html, `<a href="#f-same.pool">`+missed+"</a>"))
	require.Equal(t, 2, strings.Count(lost.html, missed), "and beside its field")
	require.Contains(t, lost.html, open)
	require.NotContains(t, lost.html, "Mentees at a time (optional)")
	require.Contains(t, lost.press("Show what would be recorded", "Pool", "gem").press("Import 1 row").html, "Person registered, mentor joined")

	held := anna.bring("Sessions", "held.csv", "Match;Date\nm1;2031-02-03 10:00\n")
	require.Contains(t, held.html, ">Length in hours</label>")
	require.Contains(t, held.press("Read the file again", "Length in minutes", "60").html, ">Length in hours (optional)</label>")
	require.NotContains(t, anna.bring("People", "people.csv", "Name;E-Mail\nZoe;zoe@example.org\n").html, open)
}

// Two files in two tabs are two; the key of a file opens it for its cycle alone,
// and of many only the last few are kept.
func TestFilesAreKeptApart(t *testing.T) {
	t.Parallel()
	_, anna := bringing(t)
	var tabs []page
	for _, name := range []string{"Zoe", "Yan", "Xia", "Wim"} {
		tabs = append(tabs, anna.bring("People", name+".csv", "Name;E-Mail\n"+name+";"+name+"@example.org\n"))
	}
	require.Contains(t, tabs[1].press("Show what would be recorded").html, "<bdi>Yan · Yan@example.org</bdi>")
	require.Contains(t, tabs[0].press("Show what would be recorded").press("Import 1 row").html, "<bdi>Zoe · Zoe@example.org</bdi>")
	require.Contains(t, tabs[1].press("Show what would be recorded").press("Import 1 row").html, "<bdi>Yan · Yan@example.org</bdi>")
	anna.bring("People", "Vic.csv", "Name;E-Mail\nVic;vic@example.org\n")
	require.Equal(t, http.StatusNotFound, tabs[0].press("Show what would be recorded").code, "the oldest made room")
	require.Equal(t, http.StatusOK, tabs[3].press("Show what would be recorded").code)
	require.Equal(t, http.StatusNotFound, anna.send(http.MethodGet, strings.Replace(tabs[3].at, "spring", "autumn", 1), "").code)
	require.Regexp(t, `^/cycles/spring/work/[A-Z2-7]{26}$`, tabs[3].at)
}

// zeros is a body without end.
type zeros struct{ read int }

func (z *zeros) Read(b []byte) (int, error) { clear(b); z.read += len(b); return len(b), nil }

// Whatever is uploaded, what is wrong is told on the page and nothing is kept.
func TestBadFilesAreRefused(t *testing.T) {
	t.Parallel()
	_, anna := bringing(t)
	for name, c := range map[string]struct {
		kind, content string
		code          int
		says          string
	}{
		"no spreadsheet":         {"People", "\x00\x01\x02", http.StatusBadRequest, "found what no spreadsheet exports"},
		"an old workbook":        {"People", "\xd0\xcf\x11\xe0", http.StatusBadRequest, "save it as .xlsx without a password"},
		"a workbook cut off":     {"People", "PK\x03\x04", http.StatusBadRequest, "found a file that is cut off or damaged"},
		"nothing":                {"People", "", http.StatusBadRequest, "found an empty sheet"},
		"a zip bomb":             {"People", bomb(t), http.StatusBadRequest, "when it is unpacked"},
		"10 MB in one cell":      {"People", "Name;E-Mail\n" + strings.Repeat("x", 10<<20) + ";a@example.org\n", http.StatusBadRequest, "bytes in a cell"},
		"more than a file holds": {"People", "Name\n" + strings.Repeat("x\n", 17<<19), http.StatusRequestEntityTooLarge, "larger than any spreadsheet"},
	} {
		p := anna.bring(c.kind, "<b>list</b>.csv", c.content)
		require.Equal(t, c.code, p.code, name)
		require.Contains(t, p.html, c.says, name)
		require.NotContains(t, p.html, "<b>", name)
		require.Contains(t, p.at, "/imports", name)
	}
	none := anna.open("/cycles/spring/imports").press("Look at the columns")
	require.Equal(t, http.StatusBadRequest, none.code)
	endless := &zeros{}
	r := anna.request("multipart/form-data; boundary=x", http.MethodPost, "/cycles/spring/imports", endless)
	r.ContentLength = 500 << 20
	large := anna.answered(r)
	require.Equal(t, http.StatusRequestEntityTooLarge, large.code)
	require.Contains(t, large.html, "nothing of it was kept")
	require.LessOrEqual(t, endless.read, 501<<20)
	cross := anna.request("multipart/form-data; boundary=x", http.MethodPost, "/cycles/spring/imports", strings.NewReader(""))
	cross.Header.Set("Sec-Fetch-Site", "cross-site")
	require.Equal(t, http.StatusForbidden, anna.answered(cross).code)
}

// A formula is not executed: it counts as the value that was kept with it, or is
// put to a person, and leaves again as text.
func TestFormulasStayFormulas(t *testing.T) {
	t.Parallel()
	_, anna := bringing(t)
	preview := anna.bring("People", "list.csv", "Name;E-Mail\n=HYPERLINK(A1);a@example.org\n+Zoe;zoe@example.org\n").press("Show what would be recorded")
	require.Regexp(t, `row 2</th>.*Needs a person.*formula without its value`, preview.html)
	report := preview.press("Import 1 row")
	csv := anna.open(report.at + "?as=csv").html
	require.NotRegexp(t, regexp.MustCompile(`(?m)^[^"]*,[=+]`), csv)
	require.Contains(t, csv, "'+Zoe")
}

// Only who may bring rows in on the command line may do so here, and only on
// pages on which somebody acts.
func TestOnlyWhoMayBringsIn(t *testing.T) {
	t.Parallel()
	a, anna := bringing(t)
	a.do("coordinator/anna", "person.register", `{"handle":"ben","register":"people","name":"Ben Ohm"}`)
	require.Contains(t, anna.open("/cycles/spring/imports").html, `value="sessions"`)
	operator := a.as("operator/anna").open("/cycles/spring/imports")
	require.Contains(t, operator.html, `value="people"`)
	require.NotContains(t, operator.html, `value="applications"`)
	require.Equal(t, http.StatusBadRequest, operator.attach("Look at the columns", "list.csv", []byte("Name;E-Mail\nZoe;zoe@example.org\n")).code)
	ben := a.as("applicant/ben")
	require.NotContains(t, ben.open("/cycles/spring").links, "Bring a spreadsheet in")
	require.NotContains(t, ben.open("/cycles/spring/imports").html, `type="file"`)
	require.Equal(t, http.StatusMethodNotAllowed, ben.send(http.MethodPost, "/cycles/spring/imports", "").code)
}

// bomb is a workbook that is small as long as nobody unpacks it.
func bomb(t *testing.T) string {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	part, err := z.Create("xl/worksheets/sheet1.xml")
	require.NoError(t, err)
	_, err = io.CopyN(part, &zeros{}, 70<<20)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.String()
}

// paired is a daybook with a match of Jörg and Mia, and two sessions of theirs,
// one of them held.
func paired(t *testing.T) (acted, browser) {
	a, anna := bringing(t)
	in := func(more string) string { return `{"cycle":"spring","call":"mentees","person":"joerg"` + more + `}` }
	a.do("coordinator/anna", "person.register", `{"handle":"joerg","register":"people","name":"Jörg Öhm"}`)
	a.do("coordinator/anna", "person.register", `{"handle":"mia","register":"people","name":"=Mia"}`)
	a.do("coordinator/anna", "person.register", `{"handle":"rita","register":"people","name":"Rita Reh"}`)
	a.do("coordinator/anna", "quota.set", `{"programme":"pairs","quota":"cycle","per":"cycle","limit":1}`)
	a.do("coordinator/anna", "mentor.join", `{"mentor":"mia","pool":"gem","capacity":1}`)
	a.do("applicant/joerg", "application.submit", `{"cycle":"spring","call":"mentees","route":"staff","organisation":"salt-road","answers":{"motives":"x","priorities":["a","b"]}}`)
	a.do("coordinator/anna", "eligibility.confirm", in(""))
	a.do("coordinator/anna", "review.assign", in(`,"reviewer":"rita"`))
	a.at("2031-03-03T09:00")
	a.do("reviewer/rita", "review.record", in(`,"scores":[{"criterion":"motives","value":4,"justification":"yes"}],"recommendation":"select"`))
	a.do("coordinator/anna", "application.shortlist", in(""))
	a.do("coordinator/anna", "application.select", in(`,"rationale":"good"`))
	a.do("coordinator/anna", "place.reserve", in(""))
	a.do("applicant/joerg", "offer.accept", `{"cycle":"spring","call":"mentees"}`)
	of := func(more string) string { return `{"cycle":"spring","match":"m1"` + more + `}` }
	a.do("coordinator/anna", "match.propose", of(`,"mentee":"joerg","mentor":"mia"`))
	for _, by := range []string{"mentee/joerg", "mentor/mia"} {
		a.do(by, "match.accept", of(""))
	}
	for _, by := range []string{"mentee/joerg", "mentor/mia"} {
		a.do(by, "agreement.sign", of(`,"version":"2"`))
	}
	for _, s := range []string{`,"session":1,"local":"2031-03-10T16:00"`, `,"session":2,"local":"2031-03-12T18:30"`} {
		a.do("coordinator/anna", "session.schedule", of(s+`,"zone":"Europe/Berlin","mode":"online"`))
	}
	a.at("2031-03-20T09:00")
	a.do("coordinator/anna", "session.hold", of(`,"session":1,"local":"2031-03-10T16:00","zone":"Europe/Berlin","mode":"online","minutes":60`))
	return a, anna
}

// Sessions are downloaded, filled in offline, saved in whatever way, and brought
// in: what was held is recorded, and what was not touched is not.
func TestSessionsGoRound(t *testing.T) {
	t.Parallel()
	_, anna := paired(t)
	sessions := anna.open("/cycles/spring/matches").follow("All sessions, match by match")
	csvRows := table(t, []byte(anna.open(sessions.links["CSV"]).html))
	require.Equal(t, []string{"Match", "Mentee", "Mentor", "Session", "When (date)", "When (time)", "When (zone)", "When (instant)", "Minutes", "How", "Status", "Reflections"}, csvRows[0])
	require.Equal(t, [][]string{
		{"m1", "Jörg Öhm", "'=Mia", "1", "2031-03-10", "16:00", "Europe/Berlin", "2031-03-10T15:00:00Z", "60", "online", "Held recorded late, 20 March 2031", "mentee due"},
		{"m1", "Jörg Öhm", "'=Mia", "2", "2031-03-12", "18:30", "Europe/Berlin", "2031-03-12T17:30:00Z", "", "online", "Scheduled", ""},
	}, csvRows[1:])
	book, err := excelize.OpenReader(strings.NewReader(anna.open(sessions.links["Excel"]).html))
	require.NoError(t, err)
	defer book.Close()
	name := book.GetSheetName(0)

	brought := func(file string, content []byte, want ...string) page {
		t.Helper()
		columns := anna.open("/cycles/spring/sessions").follow("Bring the filled-in sheet in").attach("Look at the columns", file, content)
		require.Equal(t, http.StatusOK, columns.code, columns.html)
		preview := columns.press("Show what would be recorded")
		for _, words := range want {
			require.Contains(t, columns.html+preview.html, words, file)
		}
		return preview
	}
	const two, one = `Already so: <strong class="db-number">2</strong>`, `Already so: <strong class="db-number">1</strong>`
	written := func() []byte {
		b, err := book.WriteToBuffer()
		require.NoError(t, err)
		return b.Bytes()
	}
	brought("untouched.xlsx", written(), two, "There is nothing to record.</p>", `Already so</td><td class="govuk-table__cell">Recorded before</td>`)
	brought("untouched.csv", []byte(anna.open(sessions.links["CSV"]).html), two, "There is nothing to record.</p>")

	// Filled in: the second was held, and two were added that nobody had planned,
	// of which one cannot have been held yet.
	filled := slices.Clone(csvRows)
	filled[2] = slices.Clone(filled[2])
	filled[2][8] = "75"
	filled = append(filled, []string{"m1", "", "", "", "15.03.2031", "10:00", "", "", "1:30", "Telephone", ""}, []string{"m1", "", "", "", "15.04.2031", "10:00", "", "", "90", "online", ""})
	preview := brought("filled.csv", windows1252(t, filled), "text in Windows-1252, separated by semicolons", one, `Recorded: <strong class="db-number">2</strong>`, `Refused: <strong class="db-number">1</strong>`)
	const more = "Session held, does not conform: one more than planned"
	require.Equal(t, 1, strings.Count(preview.html, more), "the one of two that comes later in the file")
	report := preview.press("Import 2 rows")
	require.Contains(t, report.html, more)
	held := anna.open("/cycles/spring/sessions")
	require.Contains(t, held.html, `Held: <strong class="db-number">3</strong>`)
	require.Regexp(t, `15 Mar 2031, 10:00 CET</time></td><td [^>]*>90</td><td [^>]*>telephone</td>`, held.html)

	// The same again as a workbook adds nothing.
	require.NoError(t, book.SetCellValue(name, "I3", 75))
	brought("filled.xlsx", written(), two, "There is nothing to record")
	require.NoError(t, book.SetCellValue(name, "I2", 45))
	brought("other.xlsx", written(), "This session is already recorded otherwise; correct the record instead", `There is nothing to record. What is in the way stands beside each row: mend it in the file and <a class="govuk-link" href="/cycles/spring/imports?kind=sessions">upload it again</a>`)

	// What is taken back counts no more, and can be brought in again.
	fixed := report.follow("What it recorded, and how to take it back")
	require.Contains(t, fixed.html, "The records of its sessions are retracted, as if they had never been made. They can be imported again.")
	back := fixed.press("Take this import back", "Why", "wrong_file")
	require.Contains(t, back.html, "Taken back: 2 events undone")
	after := anna.open("/cycles/spring/sessions")
	require.Contains(t, after.html, `Held: <strong class="db-number">1</strong>`)
	require.Contains(t, after.html, `Retracted: <strong class="db-number">2</strong>`)
	brought("again.csv", windows1252(t, filled), `Recorded: <strong class="db-number">2</strong>`)
}

// table reads text with separators that a page gave.
func table(t *testing.T, text []byte) [][]string {
	rows, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff")))).ReadAll()
	require.NoError(t, err)
	return rows
}

// windows1252 writes rows as a spreadsheet in Germany does, in the opposite order.
func windows1252(t *testing.T, rows [][]string) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Comma = ';'
	rows = slices.Clone(rows)
	slices.Reverse(rows[1:])
	require.NoError(t, w.WriteAll(rows))
	text, err := charmap.Windows1252.NewEncoder().Bytes(b.Bytes())
	require.NoError(t, err)
	return text
}
