package workflows_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/eventstore/memory"
	"github.com/daybook-engine/daybook/eventstore/storetest"
	"github.com/daybook-engine/daybook/workflows"
)

const (
	head  = "rehearsal: r\ndefinition: d.yaml\nsteps:\n"
	first = "- {key: a, at: 2024-01-01T09:00 Europe/Berlin, by: coordinator/c, do: person.register, with: {handle: c, register: r, name: n}}\n"
)

func TestWhatIsWrongInARehearsalIsToldAndNothingIsPlayed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, source, want string }{
		{"an unknown command", first + "- {key: b, by: coordinator/c, do: person.registre}", "r.yaml:5:3: expected a command, found person.registre; did you mean person.register?"},
		{"an unknown field in with", first + "- {key: b, by: coordinator/c, do: person.register, with: {handel: x}}", "unknown field handel; did you mean handle?"},
		{"an unknown field of a step", first + "- {key: b, by: coordinator/c, do: cycle.close, chanel: x}", "r.yaml:5:48: unknown field chanel; did you mean channel?"},
		{"an unknown field of an expectation", first + "- {key: b, by: coordinator/c, do: cycle.close, expect: {evnts: []}}", "r.yaml:5:57: unknown field evnts; did you mean events?"},
		{"steps out of order", first + "- {key: b, at: 2023-12-31T09:00 Europe/Berlin, by: coordinator/c, do: cycle.close}", "r.yaml:5:3: expected steps in the order of time, found 2023-12-31T08:00:00Z after 2024-01-01T08:00:00Z"},
		{"no key", first + "- {by: coordinator/c, do: cycle.close}", "r.yaml:5:3: expected a key, which names the step for ever"},
		{"no by", first + "- {key: b, do: cycle.close}", "r.yaml:5:3: expected by: ROLE/HANDLE"},
		{"no at", "- {key: b, by: coordinator/c, do: cycle.close}", "r.yaml:4:3: expected the first step to say at: when it happens"},
		{"a key twice", first + "- {key: a, by: coordinator/c, do: cycle.close}", "r.yaml:5:3: expected a key of its own, found a again"},
		{"nothing to do", first + "- {key: b, by: coordinator/c}", "r.yaml:5:3: expected do: a command, or check: a figure"},
		{"a step of nothing", first + "-\n- {key: b, by: coordinator/c, do: cycle.close}", "r.yaml:5:2: expected a step, found nothing"},
		{"a step of text", first + "- later", "r.yaml:5:3: expected fields, found text"},
		{"a step that does and checks", first + "- {key: b, by: coordinator/c, do: cycle.close, check: {measure: sessions_held}}", "found both"},
		{"with of a list", first + "- {key: b, by: coordinator/c, do: cycle.close, with: [1]}", "expected a JSON object, found array"},
		{"with of another type", first + "- {key: b, by: coordinator/c, do: cycle.close, with: {cycle: 2023}}", "field cycle: expected text, found number"},
		{"an unknown measure", first + "- {check: {measure: sesions_held, value: 1}}", "r.yaml:5:3: check: expected a measure, found sesions_held; did you mean sessions_held?"},
		{"an unknown event", first + "- {check: {event: sesion.held, value: 1}}", "expected the name of an event, found sesion.held; did you mean session.held?"},
		{"a check of nothing", first + "- {check: {value: 1}}", "r.yaml:5:3: check: expected a measure"},
		{"a check by another clock", first + "- {check: {measure: sessions_held, clock: sundial}}", "expected clock: recorded or occurred, found sundial"},
		{"a value that is no number", first + "- {check: {measure: sessions_held, value: x}}", "r.yaml:5:43: expected a whole number, found text"},
		{"a time that the clocks skip", first + "- {key: b, at: 2024-03-31T02:30 Europe/Berlin, by: coordinator/c, do: cycle.close}", "r.yaml:5:3: at: this local time does not exist, the clocks skip it (in Europe/Berlin the clocks went from 2024-03-31T02:00 straight to 2024-03-31T03:00)"},
		{"a check at a time that the clocks skip", first + "- {check: {measure: sessions_held, at: 2024-03-31T02:30 Europe/Berlin}}", "check: at: this local time does not exist"},
		{"a time that the clocks show twice", first + "- {key: b, at: 2024-10-27T02:30 Europe/Berlin, by: coordinator/c, do: cycle.close}", "r.yaml:5:3: at: "},
		{"an unknown zone", first + "- {key: b, at: 2024-03-31T03:30 Europe/Berlim, by: coordinator/c, do: cycle.close}", `there is no such time zone; write an IANA name like Europe/Berlin (it is "Europe/Berlim")`},
		{"no time at all", first + "- {key: b, at: tomorrow, by: coordinator/c, do: cycle.close}", `this is not a time`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := workflows.LoadRehearsal(files{"r.yaml": head + c.source + "\n"}.read, "r.yaml")
			require.ErrorContains(t, err, c.want)
			require.True(t, strings.HasPrefix(err.Error(), "r.yaml:"), err.Error())
		})
	}

	t.Run("everything at once", func(t *testing.T) {
		t.Parallel()
		_, err := workflows.LoadRehearsal(files{"r.yaml": head + first + "- {key: b}\n- {check: {measure: x}}\n- {key: c, do: cycle.close}\n"}.read, "r.yaml")
		require.Equal(t, 3, strings.Count(err.Error(), "r.yaml:"), err.Error())
	})
}

func TestTheFilesOfARehearsal(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files files
		want  string
	}{
		"its definition is missing":  {files{"r.yaml": "rehearsal: r\ndefinition: no.yaml\n"}, "r.yaml:2:13: expected the file of a definition: no.yaml: file does not exist"},
		"it names no definition":     {files{"r.yaml": "rehearsal: r\n"}, "expected the file of a definition"},
		"its definition is wrong":    {files{"r.yaml": "rehearsal: r\ndefinition: x.yaml\n", "x.yaml": "zone: x"}, "x.yaml:1:"},
		"it comes after itself":      {files{"r.yaml": "rehearsal: r\ndefinition: d.yaml\nafter: [r.yaml]\n"}, "r.yaml: expected a rehearsal that does not come after itself"},
		"they come after each other": {files{"r.yaml": "rehearsal: r\ndefinition: d.yaml\nafter: [s.yaml]\n", "s.yaml": "rehearsal: s\ndefinition: d.yaml\nafter: [r.yaml]\n"}, "r.yaml: expected a rehearsal that does not come after itself"},
		"what it comes after is not": {files{"r.yaml": "rehearsal: r\ndefinition: d.yaml\nafter: [no.yaml]\n"}, "no.yaml: file does not exist"},
		"what it comes after is wrong": {
			files{"r.yaml": "rehearsal: r\ndefinition: d.yaml\nafter: [s.yaml]\n", "s.yaml": "rehearsal: s\ndefinition: d.yaml\nsteps: [{key: a}]\n"}, "s.yaml:3:9: expected the first step to say at",
		},
		"its name is no slug":        {files{"r.yaml": "rehearsal: R 1\ndefinition: d.yaml\n"}, "r.yaml:1:12: an id is lower-case letters"},
		"it has a field of its own":  {files{"r.yaml": "rehearsal: r\ndefinition: d.yaml\nstep: []\n"}, "r.yaml:3:1: unknown field step; did you mean steps?"},
		"its steps are text":         {files{"r.yaml": "rehearsal: r\ndefinition: d.yaml\nsteps: x\n"}, "r.yaml:3:8: "},
		"it is empty":                {files{"r.yaml": ""}, "r.yaml: expected one YAML document"},
		"it is not there":            {files{}, "r.yaml: file does not exist"},
		"it is a definition, rather": {files{"r.yaml": "programme: x\n"}, "r.yaml:1:12: expected a rehearsal, found a programme's definition"},
	} {
		_, err := workflows.LoadRehearsal(c.files.read, "r.yaml")
		require.ErrorContains(t, err, c.want, name)
	}
}

func TestARehearsalSaysWhatIsUnmet(t *testing.T) {
	t.Parallel()
	store := memory.New()
	r := loadFiles(t, files{"r.yaml": head + first + `
- {key: not-refused, by: coordinator/c, do: organisation.register, with: {organisation: o, name: O, kind: museum}, expect: {refused: full}}
- {key: refused, by: coordinator/c, do: organisation.register, with: {organisation: p, name: P, kind: x}}
- {key: otherwise, by: coordinator/c, do: organisation.register, with: {organisation: p, name: P, kind: x}, expect: {refused: name_missing}}
- {key: events, by: coordinator/c, do: organisation.register, with: {organisation: q, name: Q, kind: museum}, expect: {events: [organisation.founded]}}
- {key: denied, by: applicant/c, do: organisation.register, with: {organisation: s, name: S, kind: museum}, expect: {refused: role_not_allowed, events: []}}
- {key: nobody, by: coordinator/x, do: organisation.register, with: {organisation: s, name: S, kind: museum}, expect: {refused: person_unknown}}
- {key: behalf, by: coordinator/c, on_behalf_of: x, do: organisation.register, with: {organisation: s, name: S, kind: museum}}
- {key: bare, by: coordinator/c, do: call.open, with: , expect: {refused: cycle_unknown}}
- {check: {event: organisation.registered, value: 7}}
`})
	var unmet []string
	st, _ := stage(t, store, newVault(), told(&unmet))
	_, err := st.Play(t.Context(), r)
	require.ErrorIs(t, err, workflows.ErrUnmet)
	for i, want := range []string{
		"not-refused: r.yaml:6:3: expected a refusal, full, and it was done",
		"refused: r.yaml:7:3: refused: kind_unknown: ",
		"otherwise: r.yaml:8:3: expected the refusal name_missing, found kind_unknown",
		"events: r.yaml:9:3: expected the events [organisation.founded], found [organisation.registered]",
		"behalf: r.yaml:12:3: refused: person_unknown: nobody is registered under this handle; somebody who is can register them with person.register (x)",
		": r.yaml:14:3: organisation.registered of r: expected 7, found",
	} {
		require.Greater(t, len(unmet), i, want)
		require.Contains(t, unmet[i], want)
	}
	require.Len(t, unmet, 6)
	storetest.CheckLog(t, store)
}

// small is a season with much that falls due at one instant.
const small = head + first + `
- {key: ann, by: coordinator/c, do: person.register, with: {handle: a, register: r, name: A}}
- {key: b, by: coordinator/c, do: person.register, with: {handle: b, register: r, name: B}}
- {key: d, by: coordinator/c, do: person.register, with: {handle: d, register: r, name: D}}
- {key: publish, by: coordinator/c, do: definition.publish}
- {key: plan, by: coordinator/c, do: cycle.plan, with: {title: Small, from: 2024-03, to: 2024-06}}
- {key: early, at: 2024-01-02T09:00 Europe/Berlin, by: applicant/a, do: draft.start, with: {call: mentees}, expect: {refused: not_open}}
- {key: open, at: 2024-01-03T09:00 Europe/Berlin, by: coordinator/c, do: call.open, with: {call: mentees, deadline: {published: by 12 on 1 February, local: 2024-02-01T12:00, zone: Europe/Berlin, rule: by}}}
- {check: {event: draft.started, value: 0}}
- {check: {measure: applications_submitted, value: 0}}
- {key: draft-a, at: 2024-01-04T09:00 Europe/Berlin, by: applicant/a, do: draft.start, with: {call: mentees}}
- {key: draft-b, by: applicant/b, do: draft.start, with: {call: mentees}}
- {key: draft-d, by: applicant/d, do: draft.start, with: {call: mentees}}
- {check: {event: draft.started, value: 3}}
- {key: short, at: 2024-01-05T09:00 Europe/Berlin, by: applicant/a, do: application.submit, with: {call: mentees, route: staff, answers: {motives: M}}, expect: {refused: incomplete, events: [submission.refused]}}
- {key: whole, by: applicant/a, do: application.submit, with: {call: mentees, route: staff, answers: {motives: M, strengths: S, priorities: [x, y, z]}}}
- {check: {measure: applications_submitted, value: 1}}
- {key: late, at: 2024-02-01T12:01 Europe/Berlin, by: applicant/b, do: application.submit, with: {call: mentees, route: staff, answers: {motives: M}}, expect: {refused: deadline_passed}}
- {check: {event: draft.expired, value: 0}}
- {key: unknown, at: 2024-06-01T09:00 Europe/Berlin, by: applicant/x, do: draft.start, with: {call: mentees}, expect: {refused: person_unknown}}
- {check: {event: draft.expired, value: 2}}
- {key: gone, by: applicant/a, do: application.withdraw, with: {call: mentees}}
- {key: close, by: coordinator/c, do: cycle.close}
- {key: closed, by: coordinator/c, do: cycle.close, expect: {events: []}}
`

// Wherever a rehearsal is interrupted, it goes on to the same log, to the
// byte, and judges what was played as it did the first time.
func TestASmallSeasonEndsTheSameWhereverItIsCut(t *testing.T) {
	t.Parallel()
	r := loadFiles(t, files{"r.yaml": small})
	store, v := memory.New(), newVault()
	var unmet []string
	st, _ := stage(t, store, v, told(&unmet))
	played, err := st.Play(t.Context(), r)
	require.NoError(t, err, "%v", unmet)
	require.Equal(t, workflows.Played{Judged: r.Steps()}, played)
	want := lines(t, store)
	for events := range len(want) + 1 {
		if recorded := log(t, store); events > 0 && events < len(want) && envelope(t, recorded[events]).CommandID == envelope(t, recorded[events-1]).CommandID {
			continue // one append
		}
		begun := prefix(t, log(t, store)[:events])
		st, _ := stage(t, begun, v, told(&unmet))
		played, err := st.Play(t.Context(), r)
		require.NoError(t, err, "from event %d on: %v", events, unmet)
		require.Equal(t, r.Steps(), played.Judged)
		requireLines(t, want, lines(t, begun), "from event", events)
	}

	steps := 0
	var cuts []*memory.Store
	again := memory.New()
	st, _ = stage(t, again, newVault(), nil)
	st.Pace = func(context.Context, time.Time) error {
		steps++
		cuts = append(cuts, prefix(t, log(t, again)))
		return nil
	}
	_, err = st.Play(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, r.Steps(), steps)
	for i, begun := range cuts {
		st, _ := stage(t, begun, v, told(&unmet))
		_, err := st.Play(t.Context(), r)
		require.NoError(t, err, "before step %d: %v", i, unmet)
		requireLines(t, want, lines(t, begun), "before step", i)
	}
}

func TestWhatWasPlayedIsJudgedAgainAsTheFirstTime(t *testing.T) {
	t.Parallel()
	for was, is := range map[string]string{
		"value: 3}}":                "value: 4}}",
		"refused: incomplete, ":     "refused: deadline_passed, ",
		"expect: {refused: incomp":  "expect: {refused: un",
		"{refused: not_open}":       "{refused: call_closed}",
		"[submission.refused]":      "[]",
		"expired, value: 0}}":       "expired, value: 2}}",
		"submitted, value: 0}}":     "submitted, value: 1}}",
		"{refused: deadline_passed": "{events: [], refused: deadline_passed",
		"do: cycle.close}":          "do: cycle.close, expect: {refused: open_items}}",
	} {
		require.Contains(t, small, was)
		r := loadFiles(t, files{"r.yaml": strings.Replace(small, was, is, 1)})
		store, v := memory.New(), newVault()
		var first, second []string
		st, _ := stage(t, store, v, told(&first))
		_, err := st.Play(t.Context(), r)
		require.ErrorIs(t, err, workflows.ErrUnmet, is)
		require.Len(t, first, 1, is)
		played := lines(t, store)
		st, _ = stage(t, store, v, told(&second))
		_, err = st.Play(t.Context(), r)
		require.ErrorIs(t, err, workflows.ErrUnmet, is)
		require.Equal(t, first, second, is)
		require.Equal(t, played, lines(t, store))
	}
}

func TestAFileThatChangedIsNotMixedWithWhatItWas(t *testing.T) {
	t.Parallel()
	store, v := memory.New(), newVault()
	st, _ := stage(t, store, v, nil)
	_, err := st.Play(t.Context(), loadFiles(t, files{"r.yaml": small}))
	require.NoError(t, err)
	played := lines(t, store)
	for was, is := range map[string]string{
		"name: A}":            "name: Anna}",
		"title: Small":        "title: Large",
		"2024-01-05T09":       "2024-01-05T10",
		"by: applicant/d, do": "by: applicant/b, do",
		"{motives: M}}, expect: {refused: incomplete":       "{motives: N}, organisation: c}, expect: {refused: incomplete",
		"- {key: draft-d,":                                  "- {key: new, by: coordinator/c, do: organisation.register, with: {organisation: o, name: O, kind: museum}}\n- {key: draft-d,",
		"do: draft.start, with: {call: mentees}}\n- {check": "do: application.submit, with: {call: mentees, route: staff, answers: {motives: M, strengths: S, priorities: [x, y, z]}}}\n- {check",
	} {
		require.Contains(t, small, was)
		st, _ := stage(t, store, v, nil)
		_, err := st.Play(t.Context(), loadFiles(t, files{"r.yaml": strings.Replace(small, was, is, 1)}))
		require.ErrorIs(t, err, workflows.ErrChanged, is)
		require.ErrorContains(t, err, "r.yaml:", is)
		require.Equal(t, played, lines(t, store), is)
	}
	st, _ = stage(t, store, v, nil)
	_, err = st.Play(t.Context(), loadFiles(t, files{"r.yaml": strings.Replace(small, "key: draft-d", "key: draft-e", 1)}))
	require.ErrorIs(t, err, workflows.ErrOther)
	require.Equal(t, played, lines(t, store))
}

func TestWhatGoesBeforeIsOverBefore(t *testing.T) {
	t.Parallel()
	step := "- {key: a, at: %s, by: coordinator/c, do: organisation.register, with: {organisation: r, name: R, kind: museum}}\n"
	f := files{
		"r.yaml": "rehearsal: r\ndefinition: d.yaml\nafter: [s.yaml]\nsteps:\n" + fmt.Sprintf(step, "2024-01-01T09:00 Europe/Berlin"),
		"s.yaml": "rehearsal: s\ndefinition: d.yaml\nsteps:\n" + fmt.Sprintf(step, "2024-01-01T09:01 Europe/Berlin"),
	}
	_, err := workflows.LoadRehearsal(f.read, "r.yaml")
	require.ErrorContains(t, err, "r.yaml:5:3: expected steps in the order of time, found 2024-01-01T08:00:00Z, and s, which goes before, ends at 2024-01-01T08:01:00Z")
	f["s.yaml"] = strings.Replace(f["s.yaml"], "09:01", "09:00", 1)
	loadFiles(t, f)
}

func TestWhatComesBeforeTwoRehearsalsIsPlayedOnce(t *testing.T) {
	t.Parallel()
	f := files{
		"r.yaml": "rehearsal: r\ndefinition: d.yaml\nafter: [s.yaml, t.yaml]\nsteps:\n- {key: a, at: 2024-04-01T09:00 Europe/Berlin, by: coordinator/c, do: organisation.register, with: {organisation: r, name: R, kind: museum}}\n",
		"s.yaml": "rehearsal: s\ndefinition: d.yaml\nafter: [u.yaml]\nsteps:\n- {key: a, at: 2024-02-01T09:00 Europe/Berlin, by: coordinator/c, do: organisation.register, with: {organisation: s, name: S, kind: museum}}\n",
		"t.yaml": "rehearsal: t\ndefinition: d.yaml\nafter: [u.yaml]\nsteps:\n- {key: a, at: 2024-03-01T09:00 Europe/Berlin, by: coordinator/c, do: organisation.register, with: {organisation: t, name: T, kind: museum}}\n",
		"u.yaml": "rehearsal: u\ndefinition: d.yaml\nsteps:\n" + first + "- {check: {event: person.registered, value: 0}}\n- {key: u, by: coordinator/c, do: organisation.register, with: {organisation: u, name: U, kind: museum}, expect: {events: [organisation.registered]}}\n",
	}
	r := loadFiles(t, f)
	require.Equal(t, 6, r.Steps())
	store, v := memory.New(), newVault()
	st, _ := stage(t, store, v, func(told workflows.Told) { require.Empty(t, told.Unmet) })
	_, err := st.Play(t.Context(), r)
	require.NoError(t, err)
	played := lines(t, store)
	require.Len(t, played, 5)

	for events := range played {
		begun := prefix(t, log(t, store)[:events])
		st, _ := stage(t, begun, v, nil)
		if _, err := st.Play(t.Context(), r); err != nil {
			require.ErrorIs(t, err, workflows.ErrUnmet)
		}
		require.Equal(t, played, lines(t, begun), "from event %d on", events)
	}
}

// What lapsed and was opened again is due at the time that it was. A rehearsal goes
// on from there, and comes to its end.
func TestARehearsalEndsThoughATaskIsReopened(t *testing.T) {
	t.Parallel()
	nemo, err := files{}.read("d.yaml")
	require.NoError(t, err)
	definition := strings.Replace(string(nemo), "\nreview:\n", `
  - {task: check, role: coordinator, text: Check, on: call.opened, due_from: deadline, expires: {days: 1}, escalate: {after: {hours: 1}, to: reviewer}}

review:
`, 1)
	season := `
rehearsal: screening
definition: d.yaml
steps:
  - {key: c1, at: 2024-01-08T09:00 Europe/Berlin, by: coordinator/c1, do: person.register, with: {handle: c1, register: staff, name: C}}
  - {key: publish, by: coordinator/c1, do: definition.publish}
  - {key: plan, by: coordinator/c1, do: cycle.plan, with: {title: Screening, from: 2024-01, to: 2024-06}}
  - {key: open, by: coordinator/c1, do: call.open, with: {call: mentees, deadline: {local: 2024-03-01T12:00, zone: Europe/Berlin, rule: by, published: by noon on 1 March}}}
  - {key: again, at: 2024-03-10T09:00 Europe/Berlin, by: coordinator/c1, do: task.reopen, reason: x, with: {task: check, about: {call: mentees}}, expect: {events: [task.reopened]}}
  - {at: 2024-03-11T09:00 Europe/Berlin, check: {event: task.expired, value: 1}}
  - {check: {event: task.escalated, value: 2}}
`
	var unmet []string
	st, _ := stage(t, memory.New(), newVault(), told(&unmet))
	_, err = st.Play(t.Context(), loadFiles(t, files{"r.yaml": season, "d.yaml": definition}))
	require.NoError(t, err, "%v", unmet)
}
