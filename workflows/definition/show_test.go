package definition_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/when"
	"github.com/daybook-engine/daybook/workflows/definition"
)

// What is in a definition and not shown would be a rule that nobody sees.
func TestEverythingIsShown(t *testing.T) {
	t.Parallel()
	var d programme.Definition
	said := map[string]string{} // path by word
	n := 1000
	var fill func(v reflect.Value, path string)
	fill = func(v reflect.Value, path string) {
		n++
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				fill(v.Field(i), path+"."+programme.NameOf(v.Type().Field(i)))
			}
		case reflect.Pointer:
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem(), path)
		case reflect.Slice:
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			fill(v.Index(0), path)
		case reflect.Bool:
			v.SetBool(true)
		case reflect.Int:
			v.SetInt(int64(n))
			said[fmt.Sprint(n)] = path
		default:
			if v.Type() == reflect.TypeFor[when.Partial]() {
				v.SetString(fmt.Sprintf("2017-05-%02d", n%28+1))
				said[when.Partial(v.String()).Words()] = path
				return
			}
			v.SetString(fmt.Sprintf("w%dx", n))
			said[v.String()] = path
		}
	}
	fill(reflect.ValueOf(&d).Elem(), "")
	for _, list := range [][]programme.Comparison{d.Calls[0].Criteria[0].When.All, d.Calls[0].Criteria[0].When.Any, d.Calls[0].Criteria[0].When.Not, d.Stages[0].Next[0].When.All, d.Stages[0].Next[0].When.Any, d.Stages[0].Next[0].When.Not} {
		delete(said, list[0].Is) // of a number
	}
	shown := show(t, d)
	for word, path := range said {
		require.Contains(t, shown, word, path)
	}
	for _, yes := range []string{"A pilot", "Always open", "may be left out", "optional", "breaks off in the source"} {
		require.Contains(t, shown, yes)
	}
	require.NotContains(t, shown, "Not said")
}

func show(t *testing.T, d programme.Definition) string {
	var b strings.Builder
	require.NoError(t, definition.Show(&b, d))
	return b.String()
}

func TestWhatIsIdleOrNotSaidIsTold(t *testing.T) {
	t.Parallel()
	for _, name := range five {
		d, err := definition.Parse(name, []byte(read(t, name)))
		require.NoError(t, err)
		shown := show(t, d)
		require.NotContains(t, shown, "<", name)
		require.NotContains(t, shown, "\n\n\n", name)
		require.Contains(t, shown, "\nRoles *\n", name)
		require.Contains(t, shown, "\n* This is kept and shown; nothing acts on it yet.\n", name)
	}
	require.Contains(t, show(t, whole(t, "value-of-mentoring.yaml")), "Not said: calls, review, offer, matching.policy, match, agreement, sessions, completion. A command that needs one of them is refused.")
	require.NotContains(t, show(t, whole(t, "nemo-one-to-one.yaml")), "Not said")
}

// One of something is one, and due at the deadline is not due at once.
func TestATaskAndItsNumbersAreToldAsPeopleSayThem(t *testing.T) {
	t.Parallel()
	d := whole(t, "nemo-one-to-one.yaml")
	d.Review.PerApplication, d.Completion.ConformingSessions = 1, 1
	d.Tasks[0].On, d.Tasks[0].DueFrom, d.Tasks[0].Expires = "draft.started", "deadline", when.Offset{Days: 10}
	d.Tasks[1].Due = when.Offset{At: "23:30"}
	shown := show(t, d)
	for _, line := range []string{
		"    due at the deadline\n    overdue, it expires 10 days later: nobody has to do it any more\n",
		"    due the same day, at 23:30\n",
		"  A decision rests on 1 review or more, ",
		"  1 session by the plan",
	} {
		require.Contains(t, shown, line)
	}
}

func whole(t *testing.T, name string) programme.Definition {
	d, err := definition.Parse(name, []byte(read(t, name)))
	require.NoError(t, err)
	return d
}

func TestADifferenceIsToldByPathAndID(t *testing.T) {
	t.Parallel()
	older, newer := whole(t, "mentoring-for-all.yaml"), whole(t, "mentoring-for-all.yaml")
	require.Empty(t, definition.Diff(older, newer))
	newer.Title = "Mentoring for Everybody"
	newer.Pilot = false
	newer.Network = "museums"
	newer.Aims = newer.Aims[:1]
	newer.Quotas = append([]programme.Quota{{Quota: "all", Per: "cycle", Limit: 19}}, newer.Quotas...)
	newer.Quotas[2].Limit = 2
	newer.Calls[0].Deadline.Local = "2017-04-24T12:00"
	newer.Calls[1].DraftsLast = when.Offset{WorkingDays: 2, At: "12:00"}
	newer.Calls[1].Criteria[1].When.Any = newer.Calls[1].Criteria[1].When.Any[:1]
	newer.Stages[1], newer.Stages[2] = newer.Stages[2], newer.Stages[1]
	newer.Stages[7].From = "2017-09-13"
	newer.Outcomes.Items = newer.Outcomes.Items[1:]
	require.Equal(t, []string{
		`title: "Mentoring for Everybody", was "Mentoring for All"`,
		`network: now "museums"`,
		`pilot: no longer so`,
		`aims: without "Mentoring is not solely aligned to a formal training and development programme, but is available to all, beyond particular groups or grades."`,
		`quotas[scotland-mentor].limit: 2, was 1`,
		`quotas: with all`,
		`calls[mentees].deadline.local: "2017-04-24T12:00", was "2017-04-24T10:00"`,
		`calls[mentors].criteria[nation].when: nation is England, was nation is England or nation is Scotland`,
		`calls[mentors].drafts_last: now 2 working days later, at 12:00`,
		`stages[supervision].from: "2017-09-13", was "2017-09"`,
		`stages: in another order: [applications interviews shortlist selection matching training meetings supervision]`,
		`outcomes.items: without time (Protected time to reflect on your personal and professional development)`,
	}, definition.Diff(older, newer))
}

// A reminder comes before its task is due, and one that is added is told as it
// is: it has no id.
func TestRemindersAreToldTheRightWayRound(t *testing.T) {
	t.Parallel()
	older, newer := whole(t, "nemo-one-to-one.yaml"), whole(t, "nemo-one-to-one.yaml")
	older.Tasks[0].Remind = programme.Remind{Before: []when.Offset{{Days: 1}, {Hours: 1}}, AtMost: 2}
	newer.Tasks[0].Remind = programme.Remind{Before: []when.Offset{{Days: 1}, {Hours: 2}, {WorkingDays: 1}}, AtMost: 2}
	at := "tasks[" + older.Tasks[0].Task + "].remind.before"
	require.Equal(t, []string{at + "[2]: 2 hours earlier, was 1 hour earlier", at + ": with 1 working day earlier"}, definition.Diff(older, newer))
	require.Equal(t, []string{at + "[2]: 1 hour earlier, was 2 hours earlier", at + ": without 1 working day earlier"}, definition.Diff(newer, older))
}
