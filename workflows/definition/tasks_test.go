package definition_test

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/workflows/definition"
)

// What a task says that cannot come about is told at its place.
func TestATaskThatCannotComeAboutIsTold(t *testing.T) {
	t.Parallel()
	const plain = "text: Contact the mentor to arrange the online meetings"
	nemo := strings.Replace(read(t, "nemo-one-to-one.yaml"), plain+", on: match.made, done: [contact.made]", plain, 1)
	require.Contains(t, nemo, plain+"}")
	noCalendar := strings.Replace(read(t, "value-of-mentoring.yaml"), "    text: Before an appraisal,", "    on: match.made\n    due: {days: 3}\n    text: Before an appraisal,", 1)
	for _, c := range []struct{ name, file, says, at, want string }{
		{"an unknown event opens it", nemo, "on: match.mode", "match.mode", ".on: expected agreement.in_force, application.received, "},
		{"an event opens it after which nobody can do it", nemo, "on: offer.made}\n  - {task: more, role: mentor, text: x, on: offer.made", "mentor, text: x", ".role: expected somebody who can be asked when offer.made: coordinator, reviewer or mentee, not mentor"},
		{"an unknown event completes it", nemo, "on: match.made, done: [contact.maid]", "contact.maid", ": expected agreement.in_force, agreement.signed, "},
		{"it is done before it is opened", nemo, "on: match.made, done: [match.accepted]", "match.accepted", ": expected an event that can follow match.made: contact.made, "},
		{"nothing completes it", nemo, "on: offer.accepted, done: [offer.declined]", "offer.declined", ": expected nothing that follows offer.accepted completes a task: somebody says that it is done"},
		{"it is due without being opened", nemo, "due: {days: 3}", "{days: 3}", ".due: expected on as well: the event that opens the task"},
		{"a reminder of no time", nemo, "on: match.made, remind: {before: [{days: 1}], at_most: 1}", "{days: 1}]", ": expected due as well: when the task is to be done"},
		{"a reminder after it is due", nemo, "on: match.made, due: {days: 3}, remind: {before: [{days: 1}, {days: -1}], at_most: 2}", "{days: -1}", ": expected how long before it is due, in numbers above 0"},
		{"a reminder before it is opened", nemo, "on: match.made, due: {days: 3}, remind: {before: [{working_days: 4}], at_most: 2}", "{working_days: 4}", ": expected less than due: a reminder comes after the task is opened"},
		{"it is due at no time to come", nemo, "on: match.made, due: {days: 0}, expires: {days: 3}", "{days: 3}", ".expires: expected due as well"},
		{"it expires at a time of the day when it is due", nemo, "on: match.made, due: {days: 0, at: \"23:30\"}, expires: {at: \"23:45\"}", "{at: \"23:45\"}", ".expires: expected an offset into the future"},
		{"more reminders than there may be", nemo, "on: match.made, due: {days: 3}, remind: {before: [{days: 1}, {days: 2}], at_most: 1}", "1}}", ".remind.at_most: expected at least 2"},
		{"an escalation to who does not run the programme", nemo, "on: match.made, due: {days: 3}, escalate: {after: {days: 1}, to: mentor}", "mentor}", ".escalate.to: expected coordinator or reviewer"},
		{"an escalation of what has expired", nemo, "on: match.made, due: {days: 3}, expires: {days: 5}, escalate: {after: {days: 8}, to: coordinator}", "{days: 8}", ".escalate.after: expected less than expires"},
		{"four eyes on what happens to something else", nemo, "on: match.made, four_eyes: [application.received]", "application.received", ": expected an event about the same match as match.made"},
		{"the deadline of a match", nemo, "on: match.made, due_from: deadline", "deadline}", ".due_from: expected a task about a call or an application"},
		{"an escalation to a role that nobody can hold", noCalendar, "    escalate: {after: {days: 1}, to: reviewer}\n", "reviewer}", ".escalate.to: expected a role of this programme, in roles or in a call, not reviewer"},
		{"working days without a calendar", noCalendar, "    expires: {working_days: 3}\n", "{working_days: 3}", ".expires: expected a calendar in the definition"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			source := strings.Replace(c.file, plain, plain+", "+c.says, 1)
			if c.file == noCalendar {
				source = strings.Replace(c.file, "    due: {days: 3}\n", "    due: {days: 3}\n"+c.says, 1)
			}
			_, err := definition.Parse("d.yaml", []byte(source))
			require.ErrorContains(t, err, c.want)
			line, column := at(t, source, c.at)
			require.Contains(t, err.Error(), fmt.Sprintf("d.yaml:%d:%d: tasks[", line, column))
			require.Contains(t, err.Error(), "^", "and shown")
		})
	}
}

// What is written in another form is answered with how it is written.
func TestTheFormOfATimedTaskIsShown(t *testing.T) {
	t.Parallel()
	const plain = "text: Contact the mentor to arrange the online meetings"
	for says, want := range map[string]string{
		"remind: [{working_day: 1}]": "expected fields such as {before: [{days: 1}], at_most: 1}, found a list",
		"escalate: [coordinator]":    "expected fields such as {after: {days: 1}, to: coordinator}, found a list",
		"due: tomorrow":              `expected fields such as {working_days: 5, at: "17:00"}, found text`,
	} {
		_, err := definition.Parse("d.yaml", []byte(strings.Replace(read(t, "nemo-one-to-one.yaml"), plain, plain+", "+says, 1)))
		require.ErrorContains(t, err, want)
	}
}

// The example of a task with everything holds as it stands, once it is no
// comment any more.
func TestTheExampleOfATimedTaskHolds(t *testing.T) {
	t.Parallel()
	source := regexp.MustCompile(`(?m)^  # ([- ] )`).ReplaceAllString(read(t, "nemo-one-to-one.yaml"), "  $1")
	d, err := definition.Parse("d.yaml", []byte(source))
	require.NoError(t, err)
	task := reflect.ValueOf(d.Tasks[len(d.Tasks)-1])
	for i := range task.NumField() {
		name := task.Type().Field(i).Name
		require.Equal(t, name == "DueFrom", task.Field(i).IsZero(), name)
	}
}
