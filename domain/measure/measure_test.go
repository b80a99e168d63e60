package measure_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	. "github.com/daybook-engine/daybook/domain/measure"
	"github.com/daybook-engine/daybook/domain/schema"
)

// The figures of every cycle, as the contract names them.
const contract = `drafts_started applications_submitted applications_late submissions_refused applications_withdrawn
	applications_ineligible applications_shortlisted applications_not_selected offers_made offers_declined
	reserves_released places_filled places_filled_year matches_made mentees_matched mentors_matched matches_active
	sessions_scheduled sessions_held sessions_cancelled sessions_missed session_minutes sessions_conforming
	matches_completed_by_rule matches_completed reflections_due_mentee reflections_filed_mentee
	reflections_due_mentor reflections_filed_mentor reflections_final`

func TestEveryCycleHasTheThirtyMeasuresOfTheContract(t *testing.T) {
	t.Parallel()
	var names []string
	for _, m := range All {
		names = append(names, m.Measure)
		require.NotZero(t, m.Version, m.Measure)
		require.NotEmpty(t, m.Words, m.Measure)
		require.NotContains(t, m.Words, " by the applicant", "others key in what people do")
		require.NotEmpty(t, m.Unit, m.Measure)
		require.Contains(t, []string{"count", "sum", "distinct"}, m.Fold, m.Measure)
		require.Equal(t, m.Fold == "count", m.Of == "", m.Measure)
		require.Equal(t, m.Fold == "distinct", m.Register != "", "%s: whoever counts people names their register", m.Measure)
		found, ok := Find(m.Measure)
		require.True(t, ok)
		require.Equal(t, m, found, "names are unique")
	}
	require.Len(t, strings.Fields(contract), 30)
	require.Equal(t, append(strings.Fields(contract), "attendances", "people_attending", "people_supervised"), names)
	_, ok := Find("tea_served")
	require.False(t, ok)
}

// A measure that reads a field which no event has would count nothing and
// say so confidently.
func TestEveryMeasureReadsWhatEventsSay(t *testing.T) {
	t.Parallel()
	for _, m := range All {
		for _, name := range m.Names() {
			event, err := schema.Decode(name, []byte("{}"))
			require.NoError(t, err, m.Measure)
			form := reflect.TypeOf(event)
			has := map[string]reflect.Type{}
			fields(form, has)
			for _, key := range m.Key {
				require.Contains(t, has, key, "%s: %s, key", m.Measure, name)
			}
			for _, source := range m.Over {
				if source.Name != name {
					continue
				}
				if m.Fold == "sum" {
					require.Equal(t, reflect.Int, has[m.Of].Kind(), m.Measure)
				}
				if m.Of != "" {
					require.Contains(t, has, m.Of, "%s: %s", m.Measure, name)
				}
				switch {
				case m.Scope == "year":
					require.Contains(t, has, "year", "%s: %s", m.Measure, name)
				case filepath.Base(form.PkgPath()) == "allocation": // in the programme's book
					require.Contains(t, has, "cycle", "%s: %s", m.Measure, name)
				}
				for _, c := range source.Where {
					require.Contains(t, has, c.Field, "%s: %s", m.Measure, name)
					kind := has[c.Field].Kind()
					require.Equal(t, c.Empty || c.Has != "", kind == reflect.Slice, "%s: %s", m.Measure, c.Field)
					require.True(t, c.Is == nil || kind == reflect.TypeOf(c.Is).Kind(), "%s: %s", m.Measure, c.Field)
				}
			}
		}
	}
}

// fields are a struct's as its JSON has them.
func fields(form reflect.Type, into map[string]reflect.Type) {
	for i := range form.NumField() {
		f := form.Field(i)
		key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && key == "" {
			fields(f.Type, into)
			continue
		}
		into[key] = f.Type
	}
}

// facts reads lines of name, stream, book and body.
func facts(lines string) []Fact {
	var list []Fact
	for line := range strings.Lines(strings.TrimSpace(lines)) {
		head, body, _ := strings.Cut(line, "{")
		f := strings.Fields(head)
		list = append(list, Fact{ID: fmt.Sprint(len(list)), Name: f[0], Stream: f[1], Book: f[2], Body: []byte("{" + body)})
	}
	return list
}

const autumn = `
	draft.started             a1 cycle/autumn {}
	application.received      a1 cycle/autumn {"late": true}
	application.received      a2 cycle/autumn {"late": false}
	application.received      a3 cycle/autumn {}
	application.received      a9 cycle/spring {"late": true}
	application.passed_over   a2 cycle/autumn {}
	application.declined      a3 cycle/autumn {}
	place.filled              pl programme/nemo {"cycle": "autumn", "call": "mentees", "person": "ana", "year": 2023}
	place.filled              pl programme/nemo {"cycle": "autumn", "call": "mentees", "person": "ben", "year": 2023}
	place.filled              pl programme/nemo {"cycle": "spring", "call": "mentees", "person": "cem", "year": 2023}
	place.filled              pl programme/nemo {"cycle": "winter", "call": "mentees", "person": "dia", "year": 2024}
	place.filled              px programme/gem  {"cycle": "gem-1", "call": "mentees", "person": "eva", "year": 2023}
	place.released            pl programme/nemo {"cycle": "autumn", "call": "mentees", "person": "ben", "year": 2023}
	place.released            pl programme/nemo {"cycle": "winter", "call": "mentees", "person": "ana", "year": 2024}
	match.made                m1 cycle/autumn {"mentee": "ana", "mentor": "mia"}
	match.made                m2 cycle/autumn {"mentee": "ben", "mentor": "mia"}
	match.unwound             m2 cycle/autumn {"no_fault": true}
	match.made                m3 cycle/autumn {"mentee": "ben", "mentor": "max"}
	match.completed           m1 cycle/autumn {"basis": "rule"}
	match.completed           m3 cycle/autumn {"basis": "waiver"}
	session.held              m1 cycle/autumn {"session": 1, "minutes": 90, "reflections_due": ["mentee", "mentor"]}
	session.held              m1 cycle/autumn {"session": 2, "minutes": 45, "reflections_due": ["mentee", "mentor"], "nonconformities": ["under_min_duration"]}
	session.held              m3 cycle/autumn {"session": 1, "minutes": 60, "reflections_due": ["mentor"], "nonconformities": []}
	session.held              m4 cycle/spring {"session": 1, "minutes": 30}
	reflection.filed          m1 cycle/autumn {"side": "mentee", "kind": "session", "session": 1}
	reflection.filed          m1 cycle/autumn {"side": "mentor", "kind": "session", "session": 1}
	reflection.filed          m1 cycle/autumn {"side": "mentee", "kind": "final"}`

func TestFiguresFollowFromTheFacts(t *testing.T) {
	t.Parallel()
	const all = "autumn"
	const off = `session.cancelled m1 cycle/autumn {"session": 3}
		session.missed m3 cycle/autumn {"session": 2, "side": "mentee"}
		`
	for _, row := range []struct {
		name, measure, scope, then string
		want                       int64
	}{
		{"a count", "applications_submitted", all, "", 3},
		{"less what was retracted", "applications_submitted", all, "application.retracted a2 cycle/autumn {}", 2},
		{"and had been begun", "drafts_started", all, "application.retracted a1 cycle/autumn {}", 0},
		{"until it is received again", "applications_submitted", all, "application.retracted a2 cycle/autumn {}\napplication.received a2 cycle/autumn {}", 3},
		{"of another cycle", "applications_submitted", "spring", "", 1},
		{"of a cycle that is none", "applications_submitted", "summer", "", 0},
		{"where something is so", "applications_late", all, "", 1},
		{"of two names", "applications_not_selected", all, "", 2},
		{"of what the programme keeps, by its cycle", "places_filled", all, "", 1},
		{"by the programme's year", "places_filled_year", "nemo/2023", "", 2},
		{"a field whose name is written in another way", "applications_late", all, `application.received a4 cycle/autumn {"id": {"late": false}, "l\u0061te" : true }`, 2},
		{"another year", "places_filled_year", "nemo/2024", "", 1},
		{"another programme's", "places_filled_year", "gem/2023", "", 1},
		{"a place released and filled again", "places_filled", all, `place.filled pl programme/nemo {"cycle": "autumn", "call": "mentees", "person": "ben", "year": 2023}`, 2},
		{"different people", "mentees_matched", all, "", 2},
		{"on the other side", "mentors_matched", all, "", 2},
		{"in matches", "matches_made", all, "", 3},
		{"less those undone", "matches_active", all, "", 2},
		{"or ended", "matches_active", all, "match.ended m3 cycle/autumn {}", 1},
		{"by a value", "matches_completed_by_rule", all, "", 1},
		{"by any", "matches_completed", all, "", 2},
		{"a sum", "session_minutes", all, "", 195},
		{"a correction stands in the record's place", "session_minutes", all, `session.corrected m1 cycle/autumn {"session": 2, "minutes": 65}`, 215},
		{"and is one session", "sessions_held", all, `session.corrected m1 cycle/autumn {"session": 2, "minutes": 65}`, 3},
		{"that may conform now", "sessions_conforming", all, `session.corrected m1 cycle/autumn {"session": 2, "minutes": 65}`, 3},
		{"or no more", "sessions_conforming", all, `session.corrected m1 cycle/autumn {"session": 1, "minutes": 45, "nonconformities": ["under_min_duration"]}`, 1},
		{"the last of two corrections counts", "session_minutes", all, "session.corrected m1 cycle/autumn {\"session\": 2, \"minutes\": 65}\nsession.corrected m1 cycle/autumn {\"session\": 2, \"minutes\": 66}", 216},
		{"of the same session only", "session_minutes", all, `session.corrected m3 cycle/autumn {"session": 2, "minutes": 65}`, 260},
		{"what was cancelled", "sessions_cancelled", all, off, 1},
		{"is not when it was held after all", "sessions_cancelled", all, off + `session.held m1 cycle/autumn {"session": 3, "minutes": 60}`, 0},
		{"but by that session only", "sessions_cancelled", all, off + `session.held m1 cycle/autumn {"session": 4, "minutes": 60}`, 1},
		{"of that match", "sessions_cancelled", all, off + `session.held m3 cycle/autumn {"session": 3, "minutes": 60}`, 1},
		{"what was missed", "sessions_missed", all, off, 1},
		{"is not when it was held after all, either", "sessions_missed", all, off + `session.held m3 cycle/autumn {"session": 2, "minutes": 60}`, 0},
		{"an empty list is none", "sessions_conforming", all, "", 2},
		{"a list that has one", "reflections_due_mentee", all, "", 2},
		{"or the other", "reflections_due_mentor", all, "", 3},
		{"two conditions", "reflections_filed_mentee", all, "", 1},
		{"of another kind", "reflections_final", all, "", 1},
		{"a rehearsal counts in its own cycle", "drafts_started", all, "draft.started a7 rehearsal/cycle/autumn {}", 2},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			m, ok := Find(row.measure)
			require.True(t, ok)
			tally := NewTally(All)
			for _, f := range facts(autumn + "\n" + row.then) {
				require.NoError(t, tally.Add(f))
			}
			require.Equal(t, row.want, tally.Value(m, row.scope))
			require.Equal(t, row.want, m.Value(tally.Entries(m, row.scope)), "the figure is its entries")
		})
	}
}

func TestAFigureNamesTheEventsItComesFrom(t *testing.T) {
	t.Parallel()
	tally := NewTally(All)
	list := facts(autumn)
	for _, f := range list {
		require.NoError(t, tally.Add(f))
	}
	m, _ := Find("matches_active")
	var events []string
	for _, e := range tally.Entries(m, "autumn") {
		require.Equal(t, "matches_active", e.Measure)
		events = append(events, list[atoi(t, e.Event)].Stream)
	}
	require.Equal(t, []string{"m1", "m3"}, events)
}

func atoi(t *testing.T, s string) (n int) {
	require.NoError(t, json.Unmarshal([]byte(s), &n))
	return n
}

func TestAFactThatCannotBeReadIsAnErrorNotAFigure(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"not an object": `[`, "no minutes": `{"session": 1}`, "minutes in words": `{"session": 1, "minutes": "90"}`, "half minutes": `{"session": 1, "minutes": 90.5}`,
	} {
		require.Error(t, NewTally(All).Add(Fact{ID: "1", Name: "session.held", Body: []byte(body)}), name)
	}
	require.NoError(t, NewTally(All).Add(Fact{ID: "1", Name: "call.opened", Body: []byte(`[`)}), "what nobody counts is not read")
}

func TestABookNamesItsCycleAlsoInARehearsal(t *testing.T) {
	t.Parallel()
	require.Equal(t, "x", BookOf("cycle/x", "cycle"))
	require.Equal(t, "x", BookOf("rehearsal/cycle/x", "cycle"))
	require.Empty(t, BookOf("programme/x", "cycle"))
	require.Empty(t, BookOf("installation", "cycle"))
	require.Equal(t, "nemo/2023", YearScope("nemo", "2023"))
}
