package definition_test

import (
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
		{"a quota of nothing", "limit: 10", "limit: 0", "0}", "quotas[0].limit: expected a whole number above 0"},
		{"a quota per week", "per: year", "per: week", "week", "quotas[0].per: expected year or cycle"},
		{"two calls of one name", "calls:\n", "calls:\n  - {call: mentees, role: mentee}\n", "", "calls[1].call: expected an id that no other of the calls has, not mentees again"},
		{"two fields of one name", "{field: strengths", "{field: motives", "motives, label: Your strengths", "not motives again"},
		{"a missing title", "title: NEMO One to One Mentoring\n", "", "", "title: expected some words"},
		{"a mode that isn't", "modes: [online]", "modes: [onlin]", "onlin]", "sessions.modes[0]: expected online, in_person or telephone"},
		{"more sessions to complete than there are", "conforming_sessions: 2", "conforming_sessions: 9", "9\n", "completion.conforming_sessions: expected 1 to sessions.max (3)"},
		{"fewer at most than at least", "max: 3", "max: 1", "1\n  min_minutes", "sessions.max: expected at least sessions.min (2)"},
		{"a side that isn't", "final_reflections: [mentee]", "final_reflections: [menti]", "menti]", "completion.final_reflections[0]: expected mentee or mentor"},
		{"a holiday that is no day", "2023-01-01 #", "2023-13-01 #", "", "2023-13-01"},
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

func TestEverythingWrongIsToldAtOnce(t *testing.T) {
	t.Parallel()
	source := strings.NewReplacer("limit: 10", "limit: 0", "zone: Europe/Berlin", "zone: Mars/Base", "max: 3", "max: 1").Replace(nemo(t))
	_, err := definition.Parse("nemo.yaml", []byte(source))
	require.Equal(t, 4, strings.Count(err.Error(), "nemo.yaml:"), err.Error()) // sessions.max is what completion rests on
}

func TestADefinitionMaySayHowToMatch(t *testing.T) {
	t.Parallel()
	source := nemo(t) + `
matching:
  policy: assignment
  rules:
    - {rule: same_employer, fact: employer, must: differ}
  factors:
    - {factor: priorities, measure: ranked, fact: expertise, weight: 5}
`
	d, err := definition.Parse("nemo.yaml", []byte(source))
	require.NoError(t, err)
	require.Equal(t, matching.Plan{
		Policy:  matching.Assignment,
		Rules:   []matching.Rule{{Rule: "same_employer", Fact: "employer", Must: matching.Differ}},
		Factors: []matching.Factor{{Factor: "priorities", Measure: matching.Ranked, Fact: "expertise", Weight: 5}},
	}, d.Matching.Plan())
	_, err = definition.Parse("nemo.yaml", []byte(strings.Replace(source, "weight: 5", "weight: -5", 1)))
	require.ErrorContains(t, err, "matching.factors[0].weight: expected 1 to 1000, found -5")
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
