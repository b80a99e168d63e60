package workflows_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/access"
	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/domain/imports"
	"github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/schema"
	tasks "github.com/daybook-engine/daybook/domain/task"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/storetest"
	"github.com/daybook-engine/daybook/projections"
	"github.com/daybook-engine/daybook/workflows"
	"github.com/daybook-engine/daybook/workflows/sheet"
)

// importing is rows of a kind on their way in, as c1 brings them.
func (o *office) importing(kind, rows string, m sheet.Map) workflows.Import {
	s, err := sheet.Read("list.csv", []byte(rows), m)
	require.NoError(o.t, err)
	return workflows.Import{
		Kind: kind, Cycle: "spring", By: "coordinator/c1", Channel: "import", Sheet: s, Map: m,
		Open: func(_ context.Context, d domain.Digest) (string, error) {
			text, ok := o.vault.Text(d)
			if !ok {
				return "", errors.New("no such text")
			}
			return text, nil
		},
	}
}

// bring imports rows, as a preview said before, and gives each's outcome.
func (o *office) bring(kind, rows string, m sheet.Map) (outcomes []string, id string) {
	o.t.Helper()
	in := o.importing(kind, rows, m)
	before := o.events()
	would, err := o.Preview(o.t.Context(), in)
	require.NoError(o.t, err)
	require.Equal(o.t, before, o.events(), "a preview does nothing")
	done, err := o.Import(o.t.Context(), in)
	require.NoError(o.t, err)
	require.Equal(o.t, would.Rows, done.Rows, "a preview tells what comes of it")
	for _, r := range done.Rows {
		says := string(r.Outcome)
		if r.Code != "" {
			says += ": " + r.Code
		} else if r.Why != "" {
			says += ": " + r.Why
		}
		if len(r.Marks) > 0 {
			says += ": " + strings.Join(r.Marks, ", ")
		}
		outcomes = append(outcomes, says)
	}
	return outcomes, done.ID
}

func (o *office) events() (n int) {
	for _, err := range o.store.ReadAll(o.t.Context(), eventstore.ReadAll{}) {
		require.NoError(o.t, err)
		n++
	}
	return n
}

func TestPeopleAreFoundByAddressAndByHandle(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.must("coordinator/c1", "person.register", fields{"handle": "anna", "register": "staff", "name": "Anna Berg", "email": "Anna@example.org"})
	o.must("coordinator/c1", "person.register", fields{"handle": "twin", "register": "staff", "name": "Anna's Twin", "email": "anna@example.org"})
	o.must("coordinator/c1", "email.set", fields{"person": "a1", "email": "one@example.org"})
	require.Equal(t, o.person("anna"), o.person("anna@example.org"), "whose it was first")

	rows := "Name;E-Mail;Handle\n" +
		"Berg, Anna;ANNA@example.org;\n" + // the same words
		"Anna Burg;anna@example.org;\n" +
		"Name of a1;one@example.org;\n" +
		"Name of a2;;a2\n" +
		"Name of a2;other@example.org;a2\n" +
		"Änne Groß;anne@example.org;\n" +
		"Anne Gross;gross@example.org;\n" +
		"Änne Groß;anne2@example.org;\n" +
		"Ömer Yılmaz;oe@example.org;\n" +
		"מיה ד'אדלר;mia@example.org;\n" +
		"No Address;unknown;\n" +
		";nameless@example.org;\n" +
		"Änne Groß;anne@example.org;\n"
	outcomes, _ := o.bring("people", rows, sheet.Map{})
	require.Equal(t, []string{
		"needs a person: other rows have the same address or short name and another name",
		"needs a person: other rows have the same address or short name and another name",
		"already so: recorded before", "already so: recorded before",
		"needs a person: this person is registered with another e-mail address, or none; set it with email.set",
		"recorded", "recorded", "recorded", "recorded", "recorded",
		"needs a person: email: expected an e-mail address",
		"needs a person: nobody is registered under this address or short name, and the row has no name",
		"already so: the same person as row 7",
	}, outcomes)
	require.Equal(t, o.person("aenne-gross"), o.person("anne@example.org"))
	require.Equal(t, o.person("anne-gross"), o.person("gross@example.org"))
	require.Equal(t, o.person("aenne-gross-2"), o.person("anne2@example.org"))
	require.Equal(t, o.person("oemer-yilmaz"), o.person("oe@example.org"))
	require.Equal(t, o.person("myh-dadlr"), o.person("mia@example.org"))

	outcomes, _ = o.bring("people", "Name;E-Mail\nBerg, Anna;ANNA@example.org\n", sheet.Map{})
	require.Equal(t, []string{"already so: recorded before"}, outcomes)
	outcomes, _ = o.bring("people", "Name;E-Mail\nAnna Burg;anna@example.org\n", sheet.Map{})
	require.Equal(t, []string{"needs a person: this address or short name is somebody's with another name; if they are the same person, correct it with name.set"}, outcomes)

	// A name beside a first name may be the family name alone.
	outcomes, _ = o.bring("people", "Vorname;Name;E-Mail\nAnna;Berg;anna@example.org\nCara;Cara Dohl;cara@example.org\nDan;von Dohl;dan@example.org\n", sheet.Map{})
	require.Equal(t, []string{"already so: recorded before", "recorded", `needs a person: name: it may be the whole name, without "Dan", or the family name alone: say which that column is (in a map, name or last_name)`}, outcomes)
	outcomes, _ = o.bring("people", "Name;E-Mail\nCara Dohl;cara@example.org\n", sheet.Map{})
	require.Equal(t, []string{"already so: recorded before"}, outcomes)

	// An address is found as long as it is theirs.
	o.must("coordinator/c1", "email.set", fields{"person": "a1", "email": "new@example.org"})
	outcomes, _ = o.bring("people", "Name;E-Mail\nName of a1;one@example.org\nName of a1;new@example.org\n", sheet.Map{})
	require.Equal(t, []string{"needs a person: this person is registered with another e-mail address, or none; set it with email.set", "already so: recorded before"}, outcomes)
}

// A name that a lossy export spoiled is corrected: from then on the right one is
// that of the person, and the wrong one is another's.
func TestPeopleAreFoundByTheirCorrectedName(t *testing.T) {
	t.Parallel()
	o := open(t)
	const right, wrong = "Name;E-Mail\nAyşe Yıldırım;ayse@example.org\n", "Name;E-Mail\nAy?e Y?ld?r?m;ayse@example.org\n"
	const another = "needs a person: this address or short name is somebody's with another name; if they are the same person, correct it with name.set"
	outcomes, _ := o.bring("people", wrong, sheet.Map{})
	require.Equal(t, []string{"recorded"}, outcomes)
	outcomes, _ = o.bring("people", right, sheet.Map{})
	require.Equal(t, []string{another}, outcomes)
	_, err := o.try("mentee/a1", "name.set", fields{"person": "ayse@example.org", "name": "Ayşe Yıldırım"})
	require.ErrorIs(t, err, domain.Denied)
	o.must("coordinator/c1", "name.set", fields{"person": "ayse@example.org", "name": "Ayşe Yıldırım"})
	outcomes, _ = o.bring("people", right, sheet.Map{})
	require.Equal(t, []string{"already so: recorded before"}, outcomes)
	outcomes, _ = o.bring("people", wrong, sheet.Map{})
	require.Equal(t, []string{another}, outcomes)
}

const applied = "E-Mail;Name;Route;motives;strengths;priorities;Received\n" +
	"x1@example.org;Xaver One;staff;to learn;patience;\"1. one\n2. two\n3. three\";2024-01-08 12:30\n" +
	"x2@example.org;Xenia Two;staff;to learn;patience;one; two;three;2024-01-08 12:30\n"

func TestAnImportIsOneActAndIsTakenBack(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.clock.Set(monday.AddDate(0, 0, 1))
	rows := strings.Replace(applied, "one; two;three", "\"one; two;three\"", 1)
	outcomes, id := o.bring("applications", rows, sheet.Map{})
	require.Equal(t, []string{"recorded", "recorded"}, outcomes)
	o.settle()
	correlated, policies := []string{}, 0
	for r, err := range o.store.ReadAll(t.Context(), eventstore.ReadAll{}) {
		require.NoError(t, err)
		env, err := schema.DecodeEnvelope(r.Metadata)
		require.NoError(t, err)
		if env.Correlation != id {
			continue
		}
		if env.Role == "policy" {
			policies++
			continue
		}
		correlated = append(correlated, r.Name)
		require.Equal(t, string(o.person("c1")), env.Actor)
		if r.Name == "application.received" {
			require.Equal(t, "2024-01-08T11:30:00Z", env.OccurredAt.UTC().Format("2006-01-02T15:04:05Z"), "when it was received")
			require.Contains(t, []domain.Person{o.person("x1@example.org"), o.person("x2@example.org")}, env.OnBehalfOf)
			require.Equal(t, env.Subjects, []domain.Person{env.OnBehalfOf})
		}
	}
	slices.Sort(correlated)
	require.Equal(t, []string{
		"application.received", "application.received", "draft.started", "draft.started", "import.finished", "import.started", "person.registered", "person.registered",
	}, correlated)

	// The same rows add nothing, in whatever order: not an import either.
	n := o.events()
	lines := strings.SplitAfter(rows, "2024-01-08 12:30\n")
	head, first, _ := strings.Cut(lines[0], "\n")
	outcomes, again := o.bring("applications", head+"\n"+lines[1]+first, sheet.Map{})
	require.Equal(t, []string{"already so: recorded before", "already so: recorded before"}, outcomes)
	require.Empty(t, again)
	require.Equal(t, n, o.events())

	// One was put before a reviewer since: only the other can be taken back.
	o.must("coordinator/c1", "eligibility.confirm", with(call, "person", o.person("x1@example.org")))
	o.must("coordinator/c1", "review.assign", with(call, "person", o.person("x1@example.org"), "reviewer", "r1"))
	deeds, err := o.Revert(t.Context(), "coordinator/c1", id, "wrong_file", "cli", nil)
	require.NoError(t, err)
	require.ElementsMatch(t, []string{
		"application.received undone=true ", "application.received undone=false " + application.ErrReviewed.Text, "person.registered undone=false nothing takes it back", "person.registered undone=false nothing takes it back",
	}, became(deeds))
	n = o.events()
	_, err = o.Revert(t.Context(), "coordinator/c1", id, "wrong_file", "cli", nil)
	require.NoError(t, err)
	require.Equal(t, n, o.events(), "once")
	_, err = o.Revert(t.Context(), "coordinator/c1", id, "", "cli", nil)
	require.Error(t, err)
	_, err = o.Revert(t.Context(), "mentee/a1", id, "wrong_file", "cli", nil)
	require.ErrorIs(t, err, domain.Denied)
	_, err = o.Revert(t.Context(), "coordinator/c1", "the-first", "wrong_file", "cli", nil)
	require.ErrorIs(t, err, imports.ErrUnknown)
}

// What was brought in with a wrong column is taken back, and brought in again, as
// often as it takes; what a person did about it stays theirs.
func TestWhatWasTakenBackIsBroughtInAgain(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.clock.Set(monday.AddDate(0, 0, 1))
	right := strings.Replace(applied, "one; two;three", "\"one; two;three\"", 1)
	wrong := strings.ReplaceAll(right, "to learn;patience", "patience;to learn")
	twice := func(s string) []string { return []string{s, s} }
	reverted := func(id string) (list []string) {
		t.Helper()
		deeds, err := o.Revert(t.Context(), "coordinator/c1", id, "wrong_file", "cli", nil)
		require.NoError(t, err)
		o.settle()
		return slices.DeleteFunc(became(deeds), func(s string) bool { return strings.HasPrefix(s, "person.") })
	}
	counted := func() map[string]int64 {
		v := o.views()
		require.NoError(t, v.CatchUp(t.Context()))
		figures, err := v.Figures(t.Context(), "spring")
		require.NoError(t, err)
		n := map[string]int64{}
		for _, f := range figures {
			n[f.Measure] = f.Value
		}
		return n
	}
	var ids []string
	for n, rows := range []string{wrong, right, wrong, wrong} {
		outcomes, id := o.bring("applications", rows, sheet.Map{})
		require.Equal(t, twice("recorded"), outcomes, n)
		ids = append(ids, id)
		o.settle()
		require.Equal(t, int64(2), counted()["applications_submitted"])
		outcomes, _ = o.bring("applications", rows, sheet.Map{})
		require.Equal(t, twice("already so: recorded before"), outcomes, n)
		require.Equal(t, twice("application.received undone=true "), reverted(id), n)
		require.Zero(t, counted()["applications_submitted"])
		require.Zero(t, counted()["drafts_started"])
	}
	outcomes, id := o.bring("applications", right, sheet.Map{})
	require.Equal(t, twice("recorded"), outcomes)
	before := o.events()
	for _, id := range ids {
		require.Equal(t, twice("application.received undone=true "), reverted(id))
	}
	require.Equal(t, before, o.events(), "what came since is not taken back with them")

	// What somebody did while it was taken back is looked at, too.
	left := map[bool]int{}
	deeds, err := o.Revert(t.Context(), "coordinator/c1", id, "wrong_file", "cli", func(done, of int) {
		if done == 1 {
			for _, a := range []string{"x1", "x2"} {
				_, _ = o.try("coordinator/c1", "application.withdraw", with(call, "person", o.person(a+"@example.org")))
			}
		}
	})
	require.NoError(t, err)
	for _, d := range deeds {
		if d.Event == "application.received" {
			left[d.Left == "it was withdrawn since"]++
		}
	}
	require.Equal(t, map[bool]int{true: 1, false: 1}, left)
	for _, a := range []string{"x1", "x2"} { // for what follows
		o.must("coordinator/c1", "application.retract", with(call, "person", o.person(a+"@example.org")), workflows.Cause{Channel: "cli", Reason: "mistake"})
	}
	_, id = o.bring("applications", right, sheet.Map{})

	// Who withdrew did that themselves; unless it was how an import was taken back.
	x1, x2 := with(call, "person", o.person("x1@example.org")), with(call, "person", o.person("x2@example.org"))
	o.must("coordinator/c1", "application.withdraw", x1)
	earlier := workflows.Cause{Channel: "cli", Correlation: domain.UUID5("import.revert", id)}
	o.must("coordinator/c1", "application.withdraw", x2, earlier)
	outcomes, _ = o.bring("applications", right, sheet.Map{})
	require.Equal(t, twice("refused: duplicate"), outcomes)
	require.Equal(t, []string{"application.received undone=false it was withdrawn since", "application.received undone=true "}, reverted(id))
	outcomes, _ = o.bring("applications", right, sheet.Map{})
	require.Equal(t, []string{"refused: duplicate", "recorded"}, outcomes)
	_, err = o.try("coordinator/c1", "application.retract", x1, workflows.Cause{Channel: "web"})
	require.ErrorIs(t, err, access.ErrReason)
	_, err = o.try("applicant/a1", "application.retract", call)
	require.ErrorIs(t, err, access.ErrRole)
	o.must("coordinator/c1", "application.retract", x1)
	require.Empty(t, o.must("coordinator/c1", "application.retract", x1).Names)
	r, env := last(t, o.store)
	require.Equal(t, "application.retracted", r.Name)
	require.Equal(t, "2024-01-08T11:30:00Z", env.OccurredAt.UTC().Format(time.RFC3339), "it never had come")
	require.NotEmpty(t, env.Corrects)
	outcomes, _ = o.bring("applications", right, sheet.Map{})
	require.Equal(t, []string{"recorded", "already so: recorded before"}, outcomes)
	o.settle()
	o.requireReplay()
	require.Empty(t, whatIf(t, o.store, "spring", o.definition()))
	storetest.CheckLog(t, o.store)
}

// While its rows are being recorded, nothing of an import is taken back, nor is it
// recorded that it was.
func TestAnImportUnderWayIsNotTakenBack(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.clock.Set(monday.AddDate(0, 0, 1))
	in := o.importing("applications", applied, sheet.Map{})
	var id string
	var during []workflows.Deed
	var refused, unrecorded error
	in.Progress = func(done, of int) {
		if done < of {
			return
		}
		for r, err := range o.store.ReadAll(t.Context(), eventstore.ReadAll{Prefixes: []string{"import-"}}) {
			if err == nil {
				id = strings.TrimPrefix(r.Stream, "import-")
			}
		}
		during, _ = o.Deeds(t.Context(), id)
		_, refused = o.Revert(t.Context(), "coordinator/c1", id, "wrong_file", "cli", nil)
		_, unrecorded = o.try("coordinator/c1", "import.revert", fields{"cycle": "spring", "import": id})
	}
	_, err := o.Import(t.Context(), in)
	require.NoError(t, err)
	require.NotEmpty(t, during)
	for _, d := range during {
		require.NotEmpty(t, d.Left, d.Event)
	}
	require.ErrorIs(t, refused, imports.ErrUnderWay)
	require.ErrorIs(t, unrecorded, imports.ErrUnderWay)
	deeds, err := o.Revert(t.Context(), "coordinator/c1", id, "wrong_file", "cli", nil)
	require.NoError(t, err)
	require.True(t, slices.ContainsFunc(deeds, func(d workflows.Deed) bool { return d.Undone }))
}

// Broken off by a fault, an import tells what it did; the same again does the
// rest, and nothing twice.
func TestAnImportThatIsBrokenOffIsGoneOnWith(t *testing.T) {
	t.Parallel()
	o := open(t)
	var rows strings.Builder
	rows.WriteString("Name,E-Mail\n")
	for n := range 60 {
		fmt.Fprintf(&rows, "Person No%d,p%d@example.org\n", n, n)
	}
	in := o.importing("people", rows.String(), sheet.Map{})
	puts := 0
	o.vault.fail = func() error {
		if puts++; puts > 20 {
			return errors.New("the disk is full")
		}
		return nil
	}
	_, err := o.Import(t.Context(), in)
	require.ErrorContains(t, err, "the import was broken off; the same again does the rest")
	o.vault.fail = nil
	outcomes, _ := o.bring("people", rows.String(), sheet.Map{})
	require.Contains(t, outcomes, "already so: recorded before")
	require.Contains(t, outcomes, "recorded")
	registered := 0
	for r, err := range o.store.ReadAll(t.Context(), eventstore.ReadAll{Prefixes: []string{"person-"}}) {
		require.NoError(t, err)
		if r.Name == "person.registered" {
			registered++
		}
	}
	require.Equal(t, 14+60, registered)
}

func TestMatchesAndTheirSessionsAreBroughtIn(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.chosen("a1", "a2")
	for _, a := range []string{"a1", "a2"} {
		o.must("coordinator/c1", "place.reserve", with(call, "person", a))
		o.settle()
		o.must("applicant/"+a, "offer.accept", call)
		o.settle()
	}
	outcomes, id := o.bring("matches", "mentee,mentor,match,accepted,rationale\na1,m1,m1,yes,Both teach\na2,m2,,no,\na2,m2,,maybe,\na3,m1,x3,,\nnobody,m1,,,\n", sheet.Map{})
	require.Equal(t, []string{
		"recorded", "recorded", `needs a person: accepted: expected yes or no, ja or nein, found "maybe"`, "refused: no_place",
		"needs a person: mentee: nobody is registered under this address or short name",
	}, outcomes)
	o.settle()
	outcomes, _ = o.bring("matches", "mentee,mentor,match,accepted\na1,m1,m1,yes\na2,m2,,\n", sheet.Map{})
	require.Equal(t, []string{"already so: recorded before", "already so: recorded before"}, outcomes)

	// Two sessions in the opposite order get their numbers in the order of time.
	outcomes, held := o.bring("sessions", "mentee,mentor,date,hours,mode\na1,m1,2024-01-07 15:00,1,online\na1,m1,2024-01-06 15:00,\"1,5\",online\n", sheet.Map{})
	require.Equal(t, []string{"recorded: before_agreement", "recorded: before_agreement"}, outcomes)
	result := o.must("coordinator/c1", "session.hold", fields{"cycle": "spring", "match": "m1", "session": 1, "local": "2024-01-06T15:00", "zone": "Europe/Berlin", "mode": "online", "minutes": 90})
	require.Empty(t, result.Names, "it is so already")
	outcomes, _ = o.bring("sessions", "match,date,zone,minutes,mode,session\nm1,2024-01-06 14:00,Europe/London,90,online,\nm1,2024-01-07 15:00,,60,online,2\nm1,2024-01-08 02:00,,45,online,\nm9,2024-01-06 14:00,,60,online,\n", sheet.Map{})
	require.Equal(t, []string{"already so: recorded before", "already so: recorded before", "recorded: before_agreement, under_min_duration", "refused: match_unknown"}, outcomes)

	// What was retracted with its import is brought in again, as mended, under
	// another number; what somebody retracted is not, nor is what somebody reflected
	// on retracted.
	o.must("mentee/a1", "reflection.file", fields{"cycle": "spring", "match": "m1", "side": "mentee", "kind": "session", "session": 2, "text": "I dared"})
	deeds, err := o.Revert(t.Context(), "coordinator/c1", held, "wrong_file", "cli", nil)
	require.NoError(t, err)
	require.Equal(t, []string{"session.held undone=false " + match.ErrReflected.Text, "session.held undone=true "}, became(deeds))
	o.must("coordinator/c1", "session.correct", fields{"cycle": "spring", "match": "m1", "session": 3, "minutes": 0})
	const mended = "match,session,date,minutes,mode\nm1,1,2024-01-06 15:00,80,online\nm1,,2024-01-07 15:00,60,online\nm1,,2024-01-08 02:00,45,online\nm1,3,2024-01-08 03:00,45,online\n"
	for _, want := range []string{"recorded: before_agreement", "already so: recorded before"} {
		outcomes, _ = o.bring("sessions", mended, sheet.Map{})
		require.Equal(t, []string{want, "already so: recorded before", "refused: session_retracted", "refused: session_retracted"}, outcomes)
	}
	deeds, err = o.Revert(t.Context(), "coordinator/c1", held, "wrong_file", "cli", nil)
	require.NoError(t, err)
	require.Equal(t, []string{"session.held undone=false " + match.ErrReflected.Text, "session.held undone=true "}, became(deeds), "again")

	deeds, err = o.Revert(t.Context(), "coordinator/c1", id, "wrong_file", "cli", nil)
	require.NoError(t, err)
	require.Equal(t, []string{"match.proposed undone=false only one of the two can decline a proposal", "match.proposed undone=true "}, became(deeds))
}

// A match that was made, and an agreement signed, before anybody recorded it are
// dated by what the rows say: sessions between then and now conform.
func TestLastYearsMatchesAreBroughtIn(t *testing.T) {
	t.Parallel()
	o := asking(t, programme.Task{Task: "sign", Role: "mentee", On: "match.made", Done: []string{"agreement.signed"}})
	o.chosen("a1", "a2")
	for _, a := range []string{"a1", "a2"} {
		o.must("coordinator/c1", "place.reserve", with(call, "person", a))
		o.settle()
		o.must("applicant/"+a, "offer.accept", call)
		o.settle()
	}
	outcomes, _ := o.bring("matches", "mentee;mentor;match;Accepted by both;Agreement\na1;m1;x;04.01.2024;05.01.2024\na2;m2;y;;05.01.2024\na2;m2;y;yes;05.01.2024\na2;m2;y;1 January;\na2;m2;y;04.01.2025;\n", sheet.Map{Columns: map[string]string{"accepted": "Accepted by both"}})
	require.Equal(t, []string{
		"recorded", "needs a person: signed: it does not say that both accepted; choose a column for that, too",
		"needs a person: signed: nobody signs before they have accepted; say on which day that was", `needs a person: accepted: expected yes or no, ja or nein, found "1 january"`,
		"needs a person: accepted: 2025-01-04 is still to come",
	}, outcomes)
	o.settle()
	outcomes, _ = o.bring("sessions", "match,date,minutes,mode\nx,2024-01-04 15:00,60,online\nx,2024-01-05 15:00,60,online\n", sheet.Map{})
	require.Equal(t, []string{"recorded: before_agreement", "recorded"}, outcomes)
	v := o.views()
	require.NoError(t, v.CatchUp(t.Context()))
	m, err := v.Match(t.Context(), "spring", "x")
	require.NoError(t, err)
	day := func(at time.Time) string { return at.Format("2006-01-02T15:04") }
	require.Equal(t, "2024-01-03T23:00 2024-01-03T23:00 2024-01-04T23:00", day(m.ProposedAt)+" "+day(m.MadeAt)+" "+day(m.InForceAt))
	require.True(t, m.ContactDue.After(monday), "from when it was known")
	require.Equal(t, []tasks.Phase{tasks.Done}, o.phases("sign"), "before it was asked for")
}

// became tells what became of each deed, in any order: rows are recorded side by
// side.
func became(deeds []workflows.Deed) (list []string) {
	for _, d := range deeds {
		list = append(list, fmt.Sprintf("%s undone=%v %s", d.Event, d.Undone, d.Left))
	}
	slices.Sort(list)
	return list
}

// Who records a session of a match that is not accepted is told before what
// becomes of it, on its form and where its row is looked at. What the plan says,
// the form says too.
func TestASessionTooEarlyIsRecordedAndMarked(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.accepted("a1", "m1", "x")
	o.must("coordinator/c1", "match.propose", fields{"cycle": "spring", "match": "y", "mentee": "a1", "mentor": "m2"})
	for name, note := range map[string]string{"x": "no agreement is in force", "y": "the match is not active"} {
		inputs, err := o.Ask(t.Context(), access.Coordinator, "session.hold", url.Values{"cycle": {"spring"}, "match": {name}})
		require.NoError(t, err)
		require.True(t, slices.ContainsFunc(inputs, func(in workflows.Input) bool { return in.Name == "mode" && in.Value == "online" }), name)
		require.True(t, slices.ContainsFunc(inputs, func(in workflows.Input) bool {
			return in.Name == "minutes" && in.Hint == "The programme plans 60 to 90"
		}), name)
		inputs = slices.DeleteFunc(inputs, func(in workflows.Input) bool { return in.Type != workflows.Note })
		require.Len(t, inputs, 1, name)
		require.Contains(t, inputs[0].Label, note, name)
	}
	outcomes, _ := o.bring("sessions", "match,date,minutes,mode\nx,2024-01-06 15:00,60,online\ny,2024-01-07 15:00,60,online\n", sheet.Map{})
	require.Equal(t, []string{"recorded: before_agreement", "recorded: before_agreement, not_active"}, outcomes)
	v := o.views()
	require.NoError(t, v.CatchUp(t.Context()))
	list, err := v.Exceptions(t.Context(), "spring")
	require.NoError(t, err)
	require.True(t, slices.ContainsFunc(list, func(x projections.Exception) bool {
		return slices.Contains(x.Envelope.Nonconformities, "not_active")
	}))

	// Nobody is asked for first contact, now or by the clock, who has met.
	queue, err := v.Queue(t.Context(), "spring", o.clock.Now())
	require.NoError(t, err)
	require.NotEmpty(t, queue)
	for _, item := range queue {
		require.NotContains(t, item.Command, "contact.")
	}
}

// What may be minutes or hours is left for a person to say; so is nothing else.
func TestColumnsAreSuggested(t *testing.T) {
	t.Parallel()
	o := open(t)
	for rows, want := range map[string][]string{
		"mentee,mentor,date,Dauer,Art\na1,m1,2024-01-06 15:00,90,online\na1,m1,2024-01-07 15:00,,Zoom\n": {"mentee", "mentor", "date", "minutes", "mode"},
		"mentee,mentor,date,Dauer\na1,m1,2024-01-06 15:00,2\n":                                           {"mentee", "mentor", "date", ""},
		"mentee,mentor,date,Dauer (Min.)\na1,m1,2024-01-06 15:00,2\n":                                    {"mentee", "mentor", "date", "minutes"},
		"wer,was\na1,m1\n": {"", ""},
	} {
		c, err := o.Columns(t.Context(), o.importing("sessions", rows, sheet.Map{}))
		require.NoError(t, err)
		var got []string
		for _, x := range c.Reading.Shown() {
			got = append(got, x.Field)
		}
		require.Equal(t, want, got, rows)
		for _, f := range c.Fields {
			require.Equal(t, f.Field == "mode", len(f.Choices) > 0, f.Field)
		}
	}
	require.Equal(t, []string{"people"}, workflows.Importable("operator"))
	require.Equal(t, imports.Kinds, workflows.Importable("coordinator"))
	require.Empty(t, workflows.Importable("mentee"))
}

// The headings of lists as they are kept in German, and those that no kind has a
// field for: they stay a person's to say.
func TestGermanHeadingsAreKnown(t *testing.T) {
	t.Parallel()
	o := open(t)
	people := map[string]string{
		"Name": "name", "Vorname": "first_name", "Nachname": "last_name", "Name, Vorname": "name", "Vor- und Nachname": "name", "Teilnehmer:in": "name", "Bewerber*innen": "name",
		"E-Mail": "email", "E-Mail-Adresse": "email", "Mailadresse": "email", "Kürzel": "handle", "Kennung": "handle", "Sprache": "language",
		"Mentor:in": "", "Status": "", "Bemerkung": "", "Bemerkungen": "", "Notiz": "", "Thema": "", "Ort": "", "Anrede": "",
	}
	pairs := map[string]string{
		"Mentee": "mentee", "Mentees": "mentee", "E-Mail Mentee": "mentee", "Mentor": "mentor", "Mentorin": "mentor", "Mentor/in": "mentor", "Mentor:in": "mentor", "Mentor*innen": "mentor", "Mentor/Mentorin": "mentor",
		"Mentor:in (E-Mail-Adresse)": "mentor", "Mentee (Kürzel)": "mentee", "Tandem": "match", "Kennung": "", "Name": "", "Status": "", "Bemerkung": "", "Notiz": "", "Thema": "",
	}
	with := func(a, b map[string]string) map[string]string { a = maps.Clone(a); maps.Copy(a, b); return a }
	for kind, headings := range map[string]map[string]string{
		"people":  people,
		"mentors": with(people, map[string]string{"Anzahl Plätze": "capacity", "Kapazität": "capacity", "Fachgebiet(e)": "expertise", "Schwerpunkte": "expertise", "Mentorenpool": "pool"}),
		"applications": with(people, map[string]string{
			"Organisation": "organisation", "Einrichtung": "organisation", "Museum": "organisation", "Haus": "organisation", "Institution": "organisation", "Arbeitgeber:in": "organisation",
			"Eingang": "received", "Eingegangen am": "received", "Eingangsdatum": "received", "Datum": "received", "Uhrzeit": "received_time", "Beginn": "",
		}),
		"matches": with(pairs, map[string]string{"Begründung": "rationale", "Zugesagt": "accepted", "Datum": ""}),
		"sessions": with(pairs, map[string]string{
			"Datum": "date", "Uhrzeit": "time", "Beginn": "time", "Dauer": "minutes", "Dauer (Min.)": "minutes", "Dauer in Min.": "minutes", "Minuten": "minutes", "Dauer (Std.)": "hours", "Stunden": "hours",
			"Art": "mode", "Treffen Nr.": "session", "Ort": "", "Unterschrift": "", "Ende": "",
		}),
		"attendance": {
			"Teilnehmer:in": "person", "Teilnehmende": "person", "E-Mail-Adresse": "person", "Kürzel": "person", "Kennung": "person", "Veranstaltung": "gathering", "Dauer (Min.)": "minutes", "Minuten": "minutes",
			"Anwesend": "present", "Teilgenommen": "present", "Unterschrift": "", "Name": "", "Datum": "", "Ort": "", "Bemerkungen": "",
		},
	} {
		for heading, want := range headings {
			c, err := o.Columns(t.Context(), o.importing(kind, `"`+heading+"\";x\n90;90\n", sheet.Map{}))
			require.NoError(t, err)
			require.Equal(t, want, c.Reading.Shown()[0].Field, "%s: %s", kind, heading)
		}
		c, err := o.Columns(t.Context(), o.importing(kind, "x\n90\n", sheet.Map{}))
		require.NoError(t, err)
		means := map[string]string{}
		for _, f := range c.Fields {
			for _, word := range append(slices.Clone(f.Words), f.Field, cmp.Or(f.Label, f.Field)) {
				word = strings.ToLower(strings.ReplaceAll(word, " ", ""))
				require.Contains(t, []string{"", f.Field}, means[word], "%s: %s", kind, word)
				means[word] = f.Field
			}
		}
	}
}

// What our own pages call a field is known as a heading, and so is what they call
// its column.
func TestWhatThePagesSayIsKnown(t *testing.T) {
	t.Parallel()
	o := open(t)
	for kind, headings := range map[string]map[string]string{
		"people":       {"Counted among": "register", "E-mail address": "email", "Short name": "handle", "First name": "first_name"},
		"mentors":      {"Mentees at a time": "capacity", "Pool": "pool"},
		"applications": {"Applicant": "name", "Received (date)": "received", "Received (time)": "received_time", "Your top 3 priorities for development, number 2": "priorities-2"},
		"matches":      {"Accepted by both": "accepted", "Why these two": "rationale", "In place of which match": "previous", "State": ""},
		"sessions":     {"When (date)": "date", "When (time)": "time", "When (zone)": "zone", "How": "mode", "Number of the session": "session", "Length in hours": "hours"},
		"attendance":   {"Who was there": "person", "They were there": "present", "Training, supervision or event": "gathering"},
	} {
		for heading, want := range headings {
			c, err := o.Columns(t.Context(), o.importing(kind, `"`+heading+"\";x\n90;90\n", sheet.Map{}))
			require.NoError(t, err)
			require.Equal(t, want, c.Reading.Shown()[0].Field, "%s: %s", kind, heading)
		}
		c, err := o.Columns(t.Context(), o.importing(kind, "x\n90\n", sheet.Map{}))
		require.NoError(t, err)
		for _, f := range c.Fields {
			if f.Label != "" {
				c, err := o.Columns(t.Context(), o.importing(kind, `"`+f.Label+"\";x\n90;90\n", sheet.Map{}))
				require.NoError(t, err)
				require.Equal(t, f.Field, c.Reading.Shown()[0].Field, "%s: %s", kind, f.Label)
			}
		}
	}
}

// A heading that a form's question goes by is that question's, whatever else it
// may be called.
func TestAQuestionsOwnHeadingIsNoOtherField(t *testing.T) {
	t.Parallel()
	o := setup(t)
	o.change = func(d *programme.Definition) {
		d.Calls[0].Form.Fields = append(d.Calls[0].Form.Fields, programme.Field{Field: "employer-name", Label: "Institution"}, programme.Field{Field: "museum"}, programme.Field{Field: "organisation", Label: "Sprache"})
	}
	o.prepare(2)
	for headings, want := range map[string][]string{
		"Institution;Haus;Name": {"employer-name", "organisation", "name"},
		"Museum;Institution":    {"museum", "employer-name"},
		"Sprache;Language":      {"answer-organisation", "language"},
		"Organisation;Haus":     {"answer-organisation", "organisation"},
	} {
		c, err := o.Columns(t.Context(), o.importing("applications", headings+"\nx;x;x\n", sheet.Map{}))
		require.NoError(t, err)
		var got []string
		for _, x := range c.Reading.Shown()[:len(want)] {
			got = append(got, x.Field)
		}
		require.Equal(t, want, got, headings)
	}
}

func TestAnImportBeginsOnlyWhereItCan(t *testing.T) {
	t.Parallel()
	o := open(t)
	n := o.events()
	for name, c := range map[string]struct {
		change func(*workflows.Import)
		rows   string
		want   string
	}{
		"no such kind":    {func(in *workflows.Import) { in.Kind = "peple" }, "", "an import is of people, mentors, applications, matches, sessions or attendance (peple; did you mean people?)"},
		"no such cycle":   {func(in *workflows.Import) { in.Cycle = "winter" }, "", "winter"},
		"a stranger":      {func(in *workflows.Import) { in.By = "coordinator/zoe" }, "", "nobody is registered under this handle"},
		"not of a role":   {func(in *workflows.Import) { in.By = "mentee/a1" }, "", "this role may not do this"},
		"the engine":      {func(in *workflows.Import) { in.By = "policy/a1" }, "", "only the engine itself acts as policy"},
		"another's map":   {func(in *workflows.Import) { in.Map.Import = "sessions" }, "", "expected a map for people, found one for sessions"},
		"no such call":    {func(in *workflows.Import) { in.Kind, in.Call = "applications", "mentors" }, "", "there is no call mentors"},
		"nothing to find": {func(*workflows.Import) {}, "Name;Ort\nx;y", "list.csv, row 1: expected a column for email or handle (not recognised: B Ort); name it in a map, or set it for all rows there"},
		"nothing below":   {func(*workflows.Import) {}, "Name;E-Mail\n", "list.csv, row 1: expected rows below the headings, found none"},
	} {
		if c.rows == "" {
			c.rows = "Name;E-Mail\nZoe;zoe@example.org\n"
		}
		in := o.importing("people", c.rows, sheet.Map{})
		c.change(&in)
		_, err := o.Import(t.Context(), in)
		require.ErrorContains(t, err, c.want, name)
	}
	require.Equal(t, n, o.events())
}

// Who was at a training comes in from a list of who signed, and an import of the
// wrong list is taken back by corrections.
func TestAttendanceIsBroughtIn(t *testing.T) {
	t.Parallel()
	o := setup(t)
	o.change = func(d *programme.Definition) {
		d.Stages = append(d.Stages, programme.Stage{Stage: "training", Kind: "training", Text: "Training"})
	}
	o.prepare(2)
	o.must("coordinator/c1", "gathering.announce", fields{"cycle": "spring", "gathering": "roles", "stage": "training", "local": "2024-01-05T10:00", "zone": "Europe/Berlin", "mode": "online", "minutes": 120})
	const list = "Teilnehmer;Training;Minuten\nm1;roles;120\na1;roles;45\nm1;roles;60\nnobody;roles;10\nm2;other;10\nm2;roles;\n"
	outcomes, wrong := o.bring("attendance", list, sheet.Map{})
	require.Equal(t, []string{
		"recorded", "recorded", "refused: attendance_recorded", "needs a person: person: nobody is registered under this address or short name",
		"refused: gathering_unknown", "needs a person: minutes: it is missing",
	}, outcomes)
	outcomes, _ = o.bring("attendance", list, sheet.Map{})
	require.Equal(t, []string{"already so: recorded before", "already so: recorded before"}, outcomes[:2])
	// Who was not there is not recorded, and who is not said to have been, neither.
	outcomes, _ = o.bring("attendance", "Teilnehmer;Training;Minuten;Anwesend\nm1;roles;120;x\nm2;roles;;nein\nm2;roles;30;\nm2;roles;30;online\na1;roles;;Nein\n", sheet.Map{})
	require.Equal(t, []string{
		"already so: recorded before", "already so: recorded before", "needs a person: present: it is missing", `needs a person: present: expected yes or no, ja or nein, found "online"`,
		"needs a person: present: it is recorded that they were there, which is taken back with attendance.correct",
	}, outcomes)
	require.Equal(t, []int64{2, 2, 0}, o.attendance())

	for range 2 {
		deeds, err := o.Revert(t.Context(), "coordinator/c1", wrong, "wrong_file", "cli", nil)
		require.NoError(t, err)
		require.Len(t, deeds, 2)
		for _, d := range deeds {
			require.True(t, d.Undone, d.Left)
		}
	}
	require.Equal(t, []int64{0, 0, 0}, o.attendance())
	require.Equal(t, []string{"gathering.announced", "attendance.recorded", "attendance.recorded", "attendance.corrected", "attendance.corrected"}, o.recorded("gathering-spring.roles"))
	outcomes, _ = o.bring("attendance", list, sheet.Map{})
	require.Equal(t, []string{"refused: attendance_corrected", "refused: attendance_corrected"}, outcomes[:2])

	// What somebody has put right since stays.
	_, id := o.bring("attendance", "Teilnehmer;Training;Minuten\nm2;roles;30\n", sheet.Map{})
	o.must("coordinator/c1", "attendance.correct", fields{"cycle": "spring", "gathering": "roles", "person": "m2", "minutes": 90}, because("wrong_length"))
	deeds, err := o.Revert(t.Context(), "coordinator/c1", id, "wrong_file", "cli", nil)
	require.NoError(t, err)
	require.Equal(t, "it was corrected since", deeds[0].Left)
	require.Equal(t, []int64{1, 1, 0}, o.attendance())
	o.must("coordinator/c1", "attendance.correct", fields{"cycle": "spring", "gathering": "roles", "person": "m1", "minutes": 120}, because("they_were_there"))
	deeds, err = o.Revert(t.Context(), "coordinator/c1", wrong, "wrong_file", "cli", nil)
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"", "it was taken back before, and recorded anew since"}, []string{deeds[0].Left, deeds[1].Left})
}

// Rows that say the same are one. Where they differ in words alone, which of them
// is meant is for a person to say: neither's words are lost in silence.
func TestARowIsBroughtInOnce(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.clock.Set(monday.AddDate(0, 0, 1))
	const headings, row = "E-Mail;Name;Route;motives;strengths;priorities;Received\n", "x1@example.org;Xaver One;staff;to learn;patience;\"one\ntwo\nthree\";2024-01-08 12:30\n"
	other := strings.Replace(row, "to learn", "to teach", 1)
	outcomes, _ := o.bring("applications", headings+row+row+other+other+strings.Replace(row, "12:30", "12:45", 1), sheet.Map{})
	require.Equal(t, []string{
		"recorded", "already so: the same as row 2", "needs a person: row 2 says the same in other words: leave one of the two out",
		"needs a person: row 2 says the same in other words: leave one of the two out", "refused: duplicate",
	}, outcomes)
}

// A row that was refused as late has its answer, until a permit or another deadline
// makes it another question.
func TestARowThatWasLateIsAskedAnewOncePermitted(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.clock.Set(monday.AddDate(0, 0, 30))
	const rows = "E-Mail;Name;Route;motives;strengths;priorities;Received\nx1@example.org;Xaver One;staff;to learn;patience;\"one\ntwo\nthree\";2024-02-05 12:30\n"
	for range 2 {
		outcomes, _ := o.bring("applications", rows, sheet.Map{})
		require.Equal(t, []string{"refused: deadline_passed"}, outcomes)
	}
	o.must("coordinator/c1", "permit.grant", with(call, "person", o.person("x1@example.org"), "local", "2024-02-20T13:00", "zone", "Europe/Berlin"))
	outcomes, _ := o.bring("applications", rows, sheet.Map{})
	require.Equal(t, []string{"recorded"}, outcomes)
	outcomes, _ = o.bring("applications", rows, sheet.Map{})
	require.Equal(t, []string{"already so: recorded before"}, outcomes)
}
