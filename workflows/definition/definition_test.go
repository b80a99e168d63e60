package definition_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain/matching"
	"github.com/daybook-engine/daybook/workflows/definition"
	"github.com/daybook-engine/daybook/workflows/document"
)

// five are the programmes that the vocabulary is made of.
var five = []string{"nemo-one-to-one.yaml", "gem-nemo.yaml", "mentoring-for-all.yaml", "value-of-mentoring.yaml", "london-skills.yaml"}

func read(t testing.TB, name string) string {
	source, err := os.ReadFile("../../cmd/daybook/rehearsals/" + name)
	require.NoError(t, err)
	return string(source)
}

func nemo(t testing.TB) string { return read(t, five[0]) }

func TestADefinitionIsReadAsItIsWritten(t *testing.T) {
	t.Parallel()
	d, err := definition.Parse("nemo.yaml", []byte(nemo(t)))
	require.NoError(t, err)
	require.Equal(t, "nemo-121", d.Programme)
	require.Equal(t, 5, d.Quotas[1].Limit)
	require.Equal(t, 3, d.Calls[0].Form.Fields[2].Ranks)
	require.Equal(t, 5, d.Calls[0].Routes[0].Proof.WorkingDays)
	require.Equal(t, "17:00", d.Calls[0].Routes[0].Proof.At)
	require.Nil(t, d.Calls[0].Routes[1].Proof)
	require.Equal(t, []string{"online"}, d.Sessions.Modes)
	require.Empty(t, d.Faults())

	windows, err := definition.Parse("nemo.yaml", []byte("\ufeff"+strings.ReplaceAll(nemo(t), "\n", "\r\n")))
	require.NoError(t, err)
	require.Equal(t, d.Hash(), windows.Hash(), "whatever editor wrote it")
}

// at is where a text stands in a source, as an error says it.
func at(t *testing.T, source, text string) (line, column int) {
	t.Helper()
	before, _, ok := strings.Cut(source, text)
	require.True(t, ok, text)
	return 1 + strings.Count(before, "\n"), len(before) - strings.LastIndex(before, "\n")
}

func TestWhatIsWrongIsToldAtItsPlace(t *testing.T) {
	t.Parallel()
	proof := `{working_days: 5, at: "17:00"}`
	for _, c := range []struct{ name, old, new, at, want string }{
		{"a list that doesn't end", "zone: Europe/Berlin", "zone: [a", "calendar:", "',' or ']' must be specified"},
		{"a tab", "zone: Europe/Berlin", "\tzone: x", "\tzone", "cannot start any token"},
		{"an unknown field", "zone: Europe/Berlin", "zome: Europe/Berlin", "zome", "unknown field zome; did you mean zone?"},
		{"an unknown field inside", "limit: 10", "limmit: 10", "limmit", "unknown field limmit; did you mean limit?"},
		{"an unknown field deep inside", proof, `{workingdays: 5}`, "workingdays", "unknown field workingdays; did you mean working_days?"},
		{"an unknown field like no other", "owner: nemo", "xxxxxxxxxxxxxxxxxxx: nemo", "xxxxxxxxxxxxxxxxxxx", "unknown field xxxxxxxxxxxxxxxxxxx"},
		{"a list for a text", "zone: Europe/Berlin", "zone: [a, b]", "[a, b]", "expected text, found a list"},
		{"fields for a text", "zone: Europe/Berlin", "zone: {a: b}", "{a: b}", "expected text, found fields"},
		{"a number for a text", "version: \"1\"\n  clauses", "version: 1\n  clauses", "1\n  clauses", `expected text, found a whole number: put it in quotes, "1"`},
		{"text for a number", "limit: 10", "limit: ten", "ten}", "expected a whole number, found text"},
		{"a fraction for a number", "limit: 10", "limit: 9.5", "9.5", "expected a whole number, or text in quotes, found 9.5"},
		{"an octal number", "limit: 10", "limit: 0o10", "0o10", "expected a whole number, or text in quotes, found 0o10"},
		{"a number beyond any", "limit: 10", "limit: 9999999999999999999", "9999999", "expected a smaller number"},
		{"text for true or false", "priorities for development, ranks: 3", "x, optional: perhaps", "perhaps", "expected true or false, found text"},
		{"a field for a list", "modes: [online]", "modes: online", "online\n", "expected a list, found text"},
		{"a key twice", "zone: Europe/Berlin", "zone: Europe/Berlin\nzone: UTC", "zone: UTC", `mapping key "zone" already defined`},
		{"a key twice inside", "limit: 10", "limit: 10, limit: 11", "limit: 11", `mapping key "limit" already defined`},
		{"an anchor", "zone: Europe/Berlin", "zone: &z Europe/Berlin", "&z", "anchors and aliases are not taken"},
		{"an alias", "zone: Europe/Berlin", "zone: *z", "*z", "anchors and aliases are not taken"},
		{"a merge", "zone: Europe/Berlin", "<<: {zone: UTC}", "<<", "anchors and aliases are not taken"},
		{"a zone that isn't", "zone: Europe/Berlin", "zone: Europe/Berlim", "Europe/Berlim", "zone: expected an IANA time zone such as Europe/Berlin"},
		{"a zone that is an abbreviation", "zone: Europe/Berlin", "zone: CET", "CET", "zone: expected an IANA time zone"},
		{"an offset at no time of day", proof, `{working_days: 5, at: "25:00"}`, `{working_days: 5, at: "25:00"}`, `expected an offset such as {working_days: 5, at: "17:00"}`},
		{"an offset of a century", "reply_within: {days: 7", "reply_within: {days: 40000", "{days: 40000", "more than a century"},
		{"a quota of nothing", "limit: 10", "limit: 0", "0}", "quotas[year].limit: expected a whole number above 0"},
		{"a quota per week", "per: year", "per: week", "week", "quotas[year].per: expected year or cycle"},
		{"two calls of one name", "calls:\n", "calls:\n  - {call: mentees, role: mentee}\n", "", "calls[mentees].call: expected an id that no other of the calls has, not mentees again"},
		{"two fields of one name", "{field: strengths", "{field: motives", "motives, label: Your strengths", "not motives again"},
		{"a missing title", "title: NEMO One to One Mentoring\n", "", "", "title: expected some words"},
		{"a mode that isn't", "modes: [online]", "modes: [onlin]", "onlin]", "sessions.modes[1]: expected online, in_person or telephone"},
		{"more sessions to complete than there are", "conforming_sessions: 2", "conforming_sessions: 9", "9\n", "completion.conforming_sessions: expected 1 to sessions.max (3)"},
		{"fewer at most than at least", "max: 3", "max: 1", "1\n  min_minutes", "sessions.max: expected at least sessions.min (2)"},
		{"a side that isn't", "final_reflections: [mentee]", "final_reflections: [menti]", "menti]", "completion.final_reflections[1]: expected mentee or mentor"},
		{"a message about no event", "on: offer.made", "on: offer.mad", "offer.mad\n", "found offer.mad; did you mean offer.made?"},
		{"a message about what is told to nobody", "on: offer.made", "on: review.recorded", "review.recorded\n", "messages[offer].on: expected application.received, "},
		{"a message to nobody", "to: applicant", "to: aplicant", "aplicant\n", "messages[offer].to: expected applicant, reviewer, mentee, mentor or holder, found aplicant; did you mean applicant?"},
		{"a message to somebody else", "to: applicant", "to: mentor", "mentor\n    templates:\n      - language: en\n        subject: \"A place", "messages[offer].to: expected applicant: offer.made is about nobody else"},
		{"two messages of one name", "message: match-mentor", "message: match-mentee", "match-mentee\n    on: match.made\n    to: mentor", "not match-mentee again"},
		{"a language that is none", "language: en", "language: english", "english\n", "messages[offer].templates[english].language: expected a language tag such as en or pt-BR"},
		{"a language twice", "      - language: en\n        subject: \"Your mentee", "      - {language: en, subject: S, text: T}\n      - language: en\n        subject: \"Your mentee", "en\n        subject: \"Your mentee", "not en again"},
		{"a message without words", "        subject: \"A place in {programme}: please answer by {reply_by}\"\n", "", "", "messages[offer].templates[en].subject: expected some words"},
		{"an unknown placeholder in a subject", "place in {programme}: please", "place in {program}: please", "{program}", "messages[offer].templates[en].subject: expected a placeholder that offer.made has, name, programme, cycle or reply_by in braces, found {program}; did you mean {programme}?"},
		{"one in the middle of a text", "not selected this time. You", "not selected, {nmae}. You", "{nmae}", "messages[not-selected].templates[en].text: expected a placeholder that application.declined has, name, programme or cycle in braces, found {nmae}; did you mean {name}?"},
		{"what the recipient may not see", "sorry to tell you that you were\n", "sorry that {other} tells you\n", "{other} tells", "found {other}"},
		{"a brace that is not closed", "Thank you for applying", "Thank you {name for applying", "", "messages[not-selected].templates[en].text: expected } behind {, in the same line"},
		{"a brace that is not opened", "Thank you for applying", "Thank you name} for applying", "", "messages[not-selected].templates[en].text: expected { before }"},
		{"a subject of two lines", "\"Your application to {programme}\"", "\"Your application\\nBcc: everybody@example.org\"", "", "messages[not-selected].templates[en].subject: expected one line of at most 150 bytes"},
		{"a holiday that is no day", "2023-01-01 #", "2023-13-01 #", "2023-13-01 #", `expected a day such as 2023-10-03, found "2023-13-01"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, nemo(t), c.old)
			source := strings.Replace(nemo(t), c.old, c.new, 1)
			_, err := definition.Parse("nemo.yaml", []byte(source))
			require.ErrorContains(t, err, c.want)
			var told *document.Error
			require.ErrorAs(t, err, &told)
			require.Equal(t, "nemo.yaml", told.File)
			require.NotContains(t, err.Error(), "Go ", "the words are for people")
			if c.at != "" {
				line, column := at(t, source, c.at)
				require.Equal(t, [2]int{line, column}, [2]int{told.Line, told.Column}, err.Error())
				require.Equal(t, strings.Split(source, "\n")[line-1], told.Source)
			}
		})
	}
}

// What the five say of stages, dates, roles and places, put wrong.
func TestWhatMakesNoSenseIsToldAtItsPlace(t *testing.T) {
	t.Parallel()
	const mfa, nemo, london, gem, value = "mentoring-for-all.yaml", "nemo-one-to-one.yaml", "london-skills.yaml", "gem-nemo.yaml", "value-of-mentoring.yaml"
	for _, c := range []struct{ name, file, old, new, at, want string }{
		{"a way to nowhere", mfa, "{stage: interviews, when", "{stage: interveiws, when", "interveiws", "stages[shortlist].next[interveiws].stage: expected a stage of this programme or closed, not interveiws"},
		{"a stage that nothing leads to", mfa, "      - {stage: interviews, when: {all: [{fact: shortlisted, is: \"yes\"}]}} # \"Shortlisted applicants will be invited\"\n", "", "interviews\n    kind", "stages[interviews].stage: expected a stage that another goes on to, or start: true"},
		{"a way round without an end", mfa, "kind: supervision", "kind: supervision\n    next: [{stage: training}]", "training\n    kind", "stages[matching].stage: expected a way from here to closed"},
		{"a way that is never reached", mfa, "      - {stage: matching, when: {all: [{fact: selected, is: \"yes\"}, {fact: role, is: mentee}]}}", "      - {stage: matching}", "{stage: matching}", "stages[selection].next[matching]: expected a condition, or this as the last"},
		{"a role that nobody can hold", mfa, "  - {role: mentor}", "  - {role: mentor}\n  - {role: employer}", "employer}", "roles[employer].role: expected a role that somebody can hold: a call for employer, the organisation"},
		{"a role of an organisation without a part", nemo, "organisation: gem\n    text: Senior", "organisation: moma\n    text: Senior", "moma", "roles[mentor].organisation: expected the owner, the network or a partner, not moma"},
		{"a role that the programme has not", mfa, "for: [mentor] # under", "for: [museum] # under", "museum] # under", "stages[supervision].for[1]: expected a role of this programme, in roles or in a call, not museum"},
		{"a role that is no word", mfa, "- {role: mentor}", "- {role: sage}", "sage}", "roles[sage].role: expected coordinator, partner_coordinator, reviewer,"},
		{"a task at no stage", london, "stage: mentors, text", "stage: mentor, text", "mentor, text: Source", "tasks[source-mentors].stage: expected a stage of this programme, not mentor"},
		{"a stage of no call", london, "call: peers, start", "call: poors, start", "poors, start", "stages[peers].call: expected a call of this programme, not poors"},
		{"a weekday that is another's", mfa, "and Thursday 4", "and Friday 4", "telephone interviews", "stages[interviews].published: expected a weekday that fits its date, or override: why it stands: the published wording names another weekday than the date has"},
		{"the page's own, without its override", mfa, "    override: printed_so", "    #", "This training is", "stages[training].published: expected a weekday that fits its date"},
		{"a deadline on another weekday", mfa, "published: All applications should be submitted by 10am on Monday", "published: All applications should be submitted by 10am on Friday", "All applications", "calls[mentees].deadline.published: expected a weekday that fits its date"},
		{"a time that the clocks skip", mfa, "submitted by 10am on Monday 24 April 2017.\n      local: 2017-04-24T10:00", "in.\n      local: 2017-03-26T01:30", "2017-03-26", "calls[mentees].deadline.local: expected a local time such as 2017-04-24T10:00 that the clocks show once: this local time does not exist"},
		{"a time that the clocks show twice", mfa, "submitted by 10am on Monday 24 April 2017.\n      local: 2017-04-24T10:00", "in.\n      local: 2017-10-29T01:30", "2017-10-29", "this local time occurs twice"},
		{"a stage before the deadline that leads to it", mfa, "from: 2017-05-03\n    to: 2017-05-04\n    published: telephone interviews on Wednesday 3 and Thursday 4 May 2017", "from: 2017-04-20", "2017-04-20", "stages[interviews].from: expected a date that is not before the deadline of mentees (2017-04-24T10:00)"},
		{"stages in another order than their dates", mfa, "from: 2017-06, to: 2017-11", "from: 2017-04, to: 2017-11", "2017-04, to", "stages[meetings].from: expected a date that is not before training, which comes first (2017-05-16)"},
		{"an end before its beginning", mfa, "to: 2017-05-10", "to: 2017-05-08", "2017-05-08", "stages[matching].to: expected an end that is not before from"},
		{"a date that is none", mfa, "from: 2017-09\n", "from: September\n", "September\n", "stages[supervision].from: expected a date such as 2023-09-13"},
		{"more in a cycle than in its year", nemo, "per: cycle, limit: 5", "per: cycle, limit: 11", "11}", "quotas[cycle].limit: expected at most the 10 that quota year allows"},
		{"more places than the quota has", gem, "places: 10", "places: 12", "12\n", "calls[members].places: expected at most the 10 that quota members allows"},
		{"always open, until a deadline", mfa, "    channels: [email]", "    rolling: true", "true\n    criteria", "calls[mentees].rolling: expected a call that is always open, or one with a deadline"},
		{"working days without a calendar", nemo, "calendar:\n  name: de-berlin", "calendar:\n  name: \"\"", "{working_days: 1", "calls[mentees].drafts_last: expected a calendar in the definition"},
		{"a fact that nobody knows", value, "{fact: examples", "{fact: exampels", "exampels", "stages[examples].next[appraisal].when.all[1].fact: expected role, nation,"},
		{"a number compared with a word", value, "at_least: 1", "is: \"yes\"", "\"yes\"", "stages[examples].next[appraisal].when.all[1].is: expected at_least, for examples is a number"},
		{"a word compared with another's", mfa, "{fact: nation, is: England}", "{fact: nation, is: Wales}", "Wales", "calls[mentees].criteria[nation].when.any[1].is: expected England or Scotland"},
		{"who was placed, kept from the decision on", mfa, "months: 36, after: cycle_closed", "months: 36, after: decision", "decision, why: so that the funder", "retention[placed].after: expected cycle_closed, for who was placed"},
		{"the same people kept twice", mfa, "of: placed", "of: not_placed", "not_placed, months: 36", "expected an id that no other of the retention has, not not_placed again"},
		{"people kept for no time", mfa, "months: 36", "months: 0", "0, after", "retention[placed].months: expected 1 to 1200, found 0"},
		{"a bare yes", mfa, "{fact: shortlisted, is: \"yes\"}", "{fact: shortlisted, is: true}", "true}", "expected text, found true or false"},
		{"a script", mfa, "when: {all: [{fact: shortlisted, is: \"yes\"}]}", "when: shortlisted == true", "shortlisted ==", "expected fields, found text"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, read(t, c.file), c.old)
			source := strings.Replace(read(t, c.file), c.old, c.new, 1)
			_, err := definition.Parse(c.file, []byte(source))
			require.ErrorContains(t, err, c.want)
			line, column := at(t, source, c.at)
			require.Contains(t, err.Error(), fmt.Sprintf("%s:%d:%d: ", c.file, line, column))
		})
	}
}

func TestWhatNobodyWritesByHandIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	bomb := "a: &a [x,x]\n"
	for c := 'b'; c < 'j'; c++ {
		bomb += fmt.Sprintf("%c: &%c [*%c,*%c,*%c,*%c]\n", c, c, c-1, c-1, c-1, c-1)
	}
	_, err := definition.Parse("bomb.yaml", []byte(bomb))
	require.ErrorContains(t, err, "bomb.yaml:1:4: expected plain values: anchors and aliases are not taken")
	_, err = definition.Parse("large.yaml", []byte(strings.Repeat("# ten bytes", 1<<20)))
	require.ErrorContains(t, err, "large.yaml: expected at most 1048576 bytes")
	_, err = definition.Parse("long.yaml", []byte(strings.Replace(nemo(t), "aims:\n", "aims:\n"+strings.Repeat("  - x\n", 20_000), 1)))
	require.ErrorContains(t, err, "aims: expected at most 200, found 20003")
}

func TestEverythingWrongIsToldAtOnce(t *testing.T) {
	t.Parallel()
	source := strings.NewReplacer("limit: 10", "limit: 0", "zone: Europe/Berlin", "zone: Mars/Base", "max: 3", "max: 1").Replace(nemo(t))
	_, err := definition.Parse("nemo.yaml", []byte(source))
	require.Equal(t, 4, strings.Count(err.Error(), "nemo.yaml:"), err.Error()) // sessions.max is what completion rests on
}

// What cannot be read does not hide what is wrong with the rest, and has nothing
// told that is wrong for no other reason: a misspelt field is taken for the one
// that was meant, and what spoke of something lost is left in peace.
func TestWhatIsWrongBesideWhatCannotBeReadIsToldToo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		changes []string
		want    []string
	}{
		{"a misspelt field, whose value is wrong, and another", []string{"zone: Europe/Berlin", "zome: Europe/Berlim", "conforming_sessions: 2", "conforming_sessions: 9"}, []string{
			"unknown field zome; did you mean zone?", "zone: expected an IANA time zone", "completion.conforming_sessions: expected 1 to sessions.max (3)",
		}},
		{"a misspelt field, whose value is right", []string{"zone: Europe/Berlin", "zome: Europe/Berlin"}, []string{"unknown field zome"}},
		{"a field that nobody knows", []string{"zone: Europe/Berlin", "zone: Europe/Berlin\nxxxxxxxxxxxxxxxxxxx: 3", "max: 3", "max: 1"}, []string{
			"unknown field xxxxxxxxxxxxxxxxxxx", "sessions.max: expected at least sessions.min (2)", "completion.conforming_sessions: expected 1 to sessions.max (1)",
		}},
		{"a section that others speak of", []string{"modes: [online]", "modes: online", "limit: 10", "limit: 0", "conforming_sessions: 2", "conforming_sessions: 9"}, []string{
			"expected a list, found text", "quotas[year].limit: expected a whole number above 0",
		}},
		{"a section that nobody speaks of", []string{"per_application: 2", "per_application: two", "conforming_sessions: 2", "conforming_sessions: 9"}, []string{
			"expected a whole number, found text", "completion.conforming_sessions: expected 1 to sessions.max (3)",
		}},
		{"an entry of a list", []string{"final_reflections: [mentee]", "final_reflections: [{a: b}]", "max_score: 5", "max_score: 0"}, []string{
			"expected text, found fields", "review.max_score: expected a whole number above 0",
		}},
		{"a number for a text", []string{"version: \"1\"\n  clauses", "version: 1\n  clauses", "max: 3", "max: 1"}, []string{
			"put it in quotes", "sessions.max: expected at least sessions.min (2)", "completion.conforming_sessions: expected 1 to sessions.max (1)",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := definition.Parse("nemo.yaml", []byte(strings.NewReplacer(c.changes...).Replace(nemo(t))))
			require.Equal(t, len(c.want), strings.Count(err.Error(), "nemo.yaml:"), err.Error())
			for _, want := range c.want {
				require.ErrorContains(t, err, want)
			}
		})
	}
}

func TestADefinitionMaySayHowToMatch(t *testing.T) {
	t.Parallel()
	source := strings.Replace(nemo(t), "  policy: assignment\n", `  policy: assignment
  rules:
    - {rule: same_employer, fact: employer, must: differ}
`, 1)
	d, err := definition.Parse("nemo.yaml", []byte(source))
	require.NoError(t, err)
	require.Equal(t, matching.Plan{
		Policy:  matching.Assignment,
		Rules:   []matching.Rule{{Rule: "same_employer", Fact: "employer", Must: matching.Differ}},
		Factors: []matching.Factor{{Factor: "priorities", Measure: matching.Ranked, Fact: "expertise", Weight: 1}},
	}, d.Matching.Plan())
	_, err = definition.Parse("nemo.yaml", []byte(strings.Replace(source, "weight: 1", "weight: -5", 1)))
	require.ErrorContains(t, err, "matching.factors[priorities].weight: expected 1 to 1000, found -5")
}

// FuzzParse looks for what makes a parser panic or never end.
func FuzzParse(f *testing.F) {
	f.Add([]byte(nemo(f)))
	for _, source := range []string{
		"", "---", "--- a\n--- b", "null", "- - - - a", "? [a]: b", "a: &a *a", "<<: *x", "{{{{", "[[[[", "a: |+9\n x", "\xff\xfe", "'", "\"\\x", "%YAML 9\n---\n", "a: !!int x",
		"quotas: [{limit: 1e9}]", "quotas:\n -\n - \n", "calls: [null]", "calls: [[]]", "calls: {a: b}", "calendar: {holidays: {a: b}}", "calls: [{routes: [{proof: null}]}]",
		"zone: \"\\u0000\"", "title: >-\n\n\n  x", "a:\n\tb", "\ufeffprogramme: x", "programme: !<x> y", strings.Repeat("[", 40), strings.Repeat("- ", 40), strings.Repeat("a: ", 40),
	} {
		f.Add([]byte(source))
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		doc, err := document.Parse("f.yaml", source)
		if err == nil {
			var any map[string]any
			_ = doc.Decode(&any)
			doc.AtPath("calls[0].form.version", "x")
		}
		d, err := definition.Parse("f.yaml", source)
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		require.Empty(t, d.Faults())
	})
}

func BenchmarkParse(b *testing.B) {
	for _, name := range five {
		source := []byte(read(b, name))
		b.Run(strings.TrimSuffix(name, ".yaml"), func(b *testing.B) {
			for b.Loop() {
				_, err := definition.Parse(name, source)
				require.NoError(b, err)
			}
		})
	}
}
