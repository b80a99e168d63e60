package workflows_test

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/access"
	"github.com/daybook-engine/daybook/workflows"
)

// Every command that people issue has words for itself and for each of its
// questions, and what a form sends is what the command takes.
func TestEveryCommandCanBeAskedFor(t *testing.T) {
	t.Parallel()
	o := asking(t)
	o.must("applicant/a1", "application.submit", with(call, "route", "staff", "answers", form))
	known := url.Values{"cycle": {"spring"}, "call": {"mentees"}}
	for _, name := range workflows.Commands() {
		roles := access.Claimable(name)
		if len(roles) == 0 {
			require.Empty(t, workflows.Words(name, nil), "%s is the engine's", name)
			continue
		}
		require.NotEmpty(t, workflows.Words(name, nil), name)
		inputs, err := o.Ask(t.Context(), roles[0], name, known)
		require.NoError(t, err)
		require.NotEmpty(t, inputs, name)
		given := url.Values{}
		for _, in := range inputs {
			require.NotEmpty(t, in.Label, "%s %s", name, in.Name)
			value := map[workflows.Type]string{
				workflows.Number: " 7 ", workflows.Yes: "true", workflows.Date: "2023-09", workflows.Local: "2023-09-13T10:00", workflows.Moment: "2023-09-13T10:00",
				workflows.Somebody: string(o.person("a1")), workflows.List: "one\r\n\r\n two", workflows.Document: "fields: {a: 1}",
			}[in.Type]
			if value == "" {
				value = "word"
			}
			for range max(in.Times, 1) {
				given.Add(in.Name, value)
			}
			given.Set(in.Name+".zone", "Europe/Berlin")
		}
		if name == "definition.publish" || name == "matching.propose" {
			continue // whole documents: what they hold is tested where they are read
		}
		fields, faults := workflows.Compose(name, given)
		require.Empty(t, faults, name)
		require.NoError(t, workflows.Check(roles[0], name, fields), "%s %s", name, fields)
	}
	_, err := o.Ask(t.Context(), access.Coordinator, "tea.serve", known)
	require.ErrorIs(t, err, workflows.ErrCommand)
	_, err = o.Ask(t.Context(), access.Mentor, "call.open", known)
	require.ErrorIs(t, err, access.ErrRole)
}

// Where the definition has a list, a form has its values, and no others.
func TestAFormAsksWhatTheDefinitionSays(t *testing.T) {
	t.Parallel()
	o := asking(t)
	ask := func(command string, known ...string) map[string]workflows.Input {
		given := url.Values{"cycle": {"spring"}}
		for i := 0; i+1 < len(known); i += 2 {
			given.Set(known[i], known[i+1])
		}
		inputs, err := o.Ask(t.Context(), access.Coordinator, command, given)
		require.NoError(t, err)
		byName := map[string]workflows.Input{}
		for _, in := range inputs {
			byName[in.Name] = in
		}
		return byName
	}
	values := func(in workflows.Input) string {
		var list []string
		for _, c := range in.Choices {
			list = append(list, c.Value)
		}
		return strings.Join(list, " ")
	}
	submit := ask("application.submit", "call", "mentees")
	require.Equal(t, "Your top 3 priorities for development", submit["answers.priorities"].Label)
	require.Equal(t, 3, submit["answers.priorities"].Times)
	require.Equal(t, "network staff steering-committee", values(submit["route"]))
	require.Equal(t, "Europe/Berlin", submit["received_at"].Zone)
	require.True(t, ask("eligibility.fail", "call", "mentees")["failed"].Several)
	require.NotEmpty(t, ask("eligibility.fail", "call", "mentees")["failed"].Choices)
	require.Equal(t, "mentees mentors", values(ask("call.open")["call"]))
	require.Equal(t, "by before", values(ask("call.open")["deadline.rule"]))
	require.Contains(t, ask("call.open"), "deadline.zone")
	require.NotContains(t, ask("call.open"), "deadline.instant", "it follows from the rest")
	require.NotContains(t, ask("task.claim", "task", domain.UUID5("a task")), "about.call")
	require.Contains(t, ask("task.claim"), "about.call")
	held := ask("session.hold")
	require.Equal(t, "online Europe/Berlin", held["mode"].Value+" "+held["zone"].Value)
	require.True(t, held["mode"].Preset && held["zone"].Preset && held["session"].Preset && !held["session"].Needed)
	require.Equal(t, "On the clocks of Europe/Berlin", held["local"].Hint)
	require.False(t, held["local"].Preset || held["minutes"].Preset)
	require.Equal(t, "In person, outside the plan", held["mode"].Choices[slices.IndexFunc(held["mode"].Choices, func(c workflows.Choice) bool { return c.Value == "in_person" })].Text)
	require.Contains(t, ask("match.end")[".note"].Label, "Sessions still planned stay until they are cancelled")
	require.True(t, ask("reflection.file")["text"].Needed)
	require.Empty(t, ask("gathering.announce")["mode"].Value, "sessions are no training")
	inputs, err := o.Ask(t.Context(), access.Reviewer, "review.record", url.Values{"cycle": {"spring"}, "call": {"mentees"}})
	require.NoError(t, err)
	require.Equal(t, "scores.0.criterion", inputs[3].Name, "a reviewer is not asked who reviews")
	require.Equal(t, "motives", inputs[3].Value)
	require.Equal(t, "Motives: score", inputs[4].Label)
	require.Contains(t, ask("reflection.file", "kind", "session"), "session")
	require.NotContains(t, ask("reflection.file", "kind", "final"), "session")
}

// What cannot be read is told of its field, and of all of them at once.
func TestWhatIsWrittenWrongIsToldOfItsField(t *testing.T) {
	t.Parallel()
	_, faults := workflows.Compose("session.hold", url.Values{"session": {"two"}, "minutes": {"1.5"}, "local": {"tomorrow"}})
	require.Equal(t, []workflows.Fault{{Input: "session", Text: `expected a whole number, found "two"`}, {Input: "minutes", Text: `expected a whole number, found "1.5"`}}, faults)
	_, faults = workflows.Compose("task.delegate", url.Values{"until": {"2023-03-26T02:30"}, "until.zone": {"Europe/Berlin"}})
	require.Len(t, faults, 1)
	require.Contains(t, faults[0].Text, "the clocks skip it")
	_, faults = workflows.Compose("definition.publish", url.Values{"definition": {"programme: x\r\nzone: [\r\n"}})
	require.Len(t, faults, 1)
	require.Equal(t, "definition", faults[0].Input)
	fields, faults := workflows.Compose("reflection.file", url.Values{"text": {" one\r\ntwo "}, "cycle": {" spring "}})
	require.Empty(t, faults)
	require.JSONEq(t, `{"cycle":"spring","text":" one\ntwo "}`, string(fields), "what is somebody's text stays as it was written")
	fields, faults = workflows.Compose("tea.serve", url.Values{"cycle": {"spring"}})
	require.Empty(t, faults)
	require.JSONEq(t, `{}`, string(fields))

	for words, code := range map[string]string{
		"power_cut": "power_cut", "by-law": "by-law", "Falsche Datei, gelöscht": "falsche_datei_geloescht", "": "", "?": "?", strings.Repeat("word ", 12): strings.TrimSpace(strings.Repeat("word ", 12)),
	} {
		require.Equal(t, code, workflows.Cause{}.Explained(url.Values{"cause.reason": {words}}).Reason)
	}

	o := asking(t)
	inputs, err := o.Ask(t.Context(), access.Coordinator, "call.open", url.Values{"cycle": {"spring"}})
	require.NoError(t, err)
	dates, err := o.Ask(t.Context(), access.Coordinator, "stage.schedule", url.Values{"cycle": {"spring"}})
	require.NoError(t, err)
	for _, x := range []struct {
		by, where, command, fields string
		inputs                     []workflows.Input
	}{
		{"time_in_gap", "deadline.local", "call.open", `"call":"mentors","deadline":{"local":"2031-03-30T02:30","zone":"Europe/Berlin","rule":"by"}`, inputs},
		{"zone_unknown", "deadline.zone", "call.open", `"call":"mentors","deadline":{"local":"2031-03-30T02:30","zone":"Europe/Berlyn","rule":"by"}`, inputs},
		{"weekday_mismatch", "deadline.published", "call.open", `"call":"mentors","deadline":{"local":"2031-03-03T12:00","zone":"Europe/Berlin","rule":"by","published":"Sunday 3 March"}`, inputs},
		{"rule_unknown", "deadline.rule", "call.open", `"call":"mentors","deadline":{"local":"2031-03-03T12:00","zone":"Europe/Berlin"}`, inputs},
		{"date_malformed", "from", "stage.schedule", `"stage":"review","from":"3 March"`, dates},
		{"date_malformed", "to", "stage.schedule", `"stage":"review","from":"2031-03-03","to":"soon"`, dates},
		{"dates_reversed", "to", "stage.schedule", `"stage":"review","from":"2031-03-03","to":"2031-03-02"`, dates},
	} {
		refused := new(domain.Error)
		_, err := o.try("coordinator/c1", x.command, fieldsOf(t, `{"cycle":"spring",`+x.fields+`}`))
		require.ErrorAs(t, err, &refused)
		require.Equal(t, x.by, refused.Code)
		require.Equal(t, x.where, workflows.Where(refused, x.inputs), x.fields)
	}
	require.Equal(t, "call", workflows.Where(domain.ErrSlug.Because(`call "A B"`), inputs))
	require.Empty(t, workflows.Where(domain.ErrSlug.Because(`called "A B"`), inputs))
}

func fieldsOf(t *testing.T, text string) fields {
	f := fields{}
	require.NoError(t, json.Unmarshal([]byte(text), &f))
	return f
}
