package workflows_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain/digest"
	"github.com/daybook-engine/daybook/domain/message"
	"github.com/daybook-engine/daybook/domain/programme"
	tasks "github.com/daybook-engine/daybook/domain/task"
	"github.com/daybook-engine/daybook/domain/when"
	"github.com/daybook-engine/daybook/eventstore/storetest"
	"github.com/daybook-engine/daybook/projections"
)

// until lets time pass, and the clock do what falls due, each at its time.
func (o *office) until(to time.Time) {
	o.t.Helper()
	due := agenda{o.views()}
	for {
		o.settle()
		next, ok, err := due.Next(o.t.Context())
		require.NoError(o.t, err)
		if !ok || next.After(to) {
			break
		}
		o.clock.Set(next)
		n, err := o.Tick(o.t.Context(), due)
		require.NoError(o.t, err)
		require.NotZero(o.t, n, "something due does not go away")
	}
	o.clock.Set(to)
}

// A deadline extended after reminders were due: what was told of the old one
// stands, the extension stands, and of the new one everybody is told once.
func TestAReminderFollowsTheDeadlineInForce(t *testing.T) {
	t.Parallel()
	o := asking(t, programme.Task{
		Task: "send", Role: "mentee", On: "draft.started", Done: []string{"application.received"}, DueFrom: "deadline",
		Remind: programme.Remind{Before: []when.Offset{{Days: 7}, {Days: 2}}, AtMost: 4},
	})
	live := o.views()
	o.must("applicant/a1", "draft.start", call)
	o.must("applicant/a2", "draft.start", call)
	require.NoError(t, live.CatchUp(t.Context()))
	day := func(month time.Month, d int) time.Time { return time.Date(2024, month, d, 12, 0, 0, 0, time.UTC) } // past 12:00 in Berlin
	o.until(day(1, 24))
	require.Empty(t, o.tasksOf("send")[0].Reminded)
	o.until(day(1, 26)) // the deadline is 1 February
	require.Len(t, o.tasksOf("send")[0].Reminded, 1)
	o.must("coordinator/c1", "deadline.extend", with(call, "deadline", deadline("2024-02-15T12:00")))
	require.NoError(t, live.CatchUp(t.Context()))
	d, err := live.Task(t.Context(), o.id("send", 0))
	require.NoError(t, err)
	require.Equal(t, "2024-02-15", d.Due().Format(time.DateOnly), "the queue goes by the deadline in force")
	o.must("applicant/a2", "application.submit", with(call, "route", "staff", "answers", form))
	o.until(day(2, 7))
	require.Len(t, o.tasksOf("send")[0].Reminded, 1, "two days before the old deadline nobody is reminded of the new one")
	o.until(day(2, 20))
	s := o.tasksOf("send")
	require.Equal(t, []tasks.Phase{tasks.Dropped, tasks.Done}, []tasks.Phase{s[0].Phase, s[1].Phase}, "the draft expired")
	require.Len(t, s[1].Reminded, 1)
	var due, at []string
	for _, r := range s[0].Reminded {
		due, at = append(due, r.Due.Format(time.DateOnly)), append(at, r.At.Format(time.DateOnly))
	}
	require.Equal(t, []string{"2024-02-01", "2024-02-15", "2024-02-15"}, due)
	require.Equal(t, []string{"2024-01-25", "2024-02-08", "2024-02-13"}, at)
	of := o.recorded("task-" + o.id("send", 0))
	require.Equal(t, []string{"task.opened", "task.reminded", "task.reminded", "task.reminded", "task.withdrawn"}, of)
	require.Contains(t, names(t, o.store), "deadline.extended")
	storetest.CheckLog(t, o.store)
}

// id is that of the n-th task of a key.
func (o *office) id(key string, n int) string {
	s := o.tasksOf(key)[n]
	return tasks.New(s.Opened.Cause, key)
}

// Thirty reminders on one day are one digest.
func TestADayHasOneDigest(t *testing.T) {
	t.Parallel()
	remind := programme.Remind{Before: []when.Offset{{Days: 1}}, AtMost: 1}
	o := asking(t,
		programme.Task{Task: "welcome", Role: "mentee", On: "match.made", Due: when.Offset{Days: 3, At: "09:00"}, Remind: remind},
		programme.Task{Task: "goals", Role: "mentee", On: "match.made", Due: when.Offset{Days: 3, At: "17:00"}, Remind: remind},
		programme.Task{Task: "room", Role: "mentee", On: "match.made", Due: when.Offset{Days: 4}, Remind: remind},
		programme.Task{Task: "look", Role: "coordinator", On: "match.made", Due: when.Offset{Days: 3}, Remind: remind},
	)
	o.accepted("a1", "m1", "x")
	o.accepted("a2", "m2", "y")
	o.until(monday.AddDate(0, 0, 5))
	digests := map[string]int{}
	for _, r := range log(t, o.store) {
		if r.Name == "digest.queued" {
			var q digest.Queued
			require.NoError(t, json.Unmarshal(r.Data, &q))
			require.Equal(t, q.Day, q.At.In(monday.Location()).Format(time.DateOnly))
			q.At = time.Time{}
			which, err := json.Marshal(q)
			require.NoError(t, err)
			digests[string(which)]++
		}
	}
	for _, want := range []string{
		`{"cycle":"spring","for":{"person":"` + string(o.person("a1")) + `"},"day":"2024-01-10"}`,
		`{"cycle":"spring","for":{"person":"` + string(o.person("a1")) + `"},"day":"2024-01-11"}`,
		`{"cycle":"spring","for":{"person":"` + string(o.person("a2")) + `"},"day":"2024-01-10"}`,
		`{"cycle":"spring","for":{"role":"coordinator"},"day":"2024-01-10"}`,
	} {
		require.Equal(t, 1, digests[want], "%s of %v", want, digests)
	}
	require.Len(t, digests, 5)
	storetest.CheckLog(t, o.store)
}

// What somebody gets to do after the day's digest was not in it: of that they are
// told the same day, and of nothing else again.
func TestWhatComesAfterTheDaysDigestIsInAnother(t *testing.T) {
	t.Parallel()
	o := asking(t,
		programme.Task{Task: "welcome", Role: "mentee", On: "match.made", Due: when.Offset{Days: 2, At: "09:00"}, Remind: programme.Remind{Before: []when.Offset{{Days: 1}}, AtMost: 1}},
		programme.Task{Task: "goals", Role: "mentee", On: "match.made", Due: when.Offset{Days: 2, At: "18:00"}, Remind: programme.Remind{Before: []when.Offset{{Days: 1}}, AtMost: 1}},
		programme.Task{Task: "meet", Role: "mentee", On: "agreement.in_force", Due: when.Offset{Hours: 8}, Remind: programme.Remind{Before: []when.Offset{{Hours: 2}, {Hours: 1}}, AtMost: 2}},
	)
	p := newPostOffice(t)
	w := o.worker(p.url())
	o.accepted("a1", "m1", "x")
	o.must("coordinator/c1", "email.set", fields{"person": "a1", "email": "a1@example.org"})
	digests := func() (list []projections.Message) {
		for _, m := range o.messages() {
			if m.Key == "tasks" {
				list = append(list, m)
			}
		}
		slices.SortStableFunc(list, func(a, b projections.Message) int { return a.QueuedAt.Compare(b.QueuedAt) })
		return list
	}
	tuesday := monday.AddDate(0, 0, 1).Add(time.Hour) // ten o'clock in Berlin
	o.until(tuesday)
	o.pass(w)
	require.Len(t, digests(), 1)
	require.Equal(t, message.Done, digests()[0].Phase)

	in := fields{"cycle": "spring", "match": "x"}
	o.must("mentee/a1", "agreement.sign", with(in, "side", "mentee", "version", "1"))
	o.must("mentor/m1", "agreement.sign", with(in, "side", "mentor", "version", "1"))
	o.until(tuesday.Add(12 * time.Hour))
	days := []string{}
	for _, r := range log(t, o.store) {
		if r.Name == "digest.queued" {
			var q digest.Queued
			require.NoError(t, json.Unmarshal(r.Data, &q))
			days = append(days, q.Day)
		}
	}
	require.Equal(t, []string{"2024-01-09", "2024-01-09"}, days)
	require.Len(t, digests(), 2, "one more for what came at ten, and none for its second reminder nor for what was in the first")
	o.pass(w)
	require.Equal(t, message.Done, digests()[1].Phase)
	require.Len(t, o.tasksOf("goals")[0].Reminded, 1)
	require.Len(t, o.tasksOf("meet")[0].Reminded, 2)

	before := lines(t, o.store)
	*o.mark = mark{}
	o.settle()
	require.Equal(t, before, lines(t, o.store))
	require.Nil(t, o.replay().Divergence)
}

// The queue asks for a thing once, whoever says that it is to be done: the
// rule of first contact has the time, the task the words.
func TestTheQueueAsksOnce(t *testing.T) {
	t.Parallel()
	o := asking(t,
		programme.Task{Task: "contact", Role: "mentee", On: "match.made", Done: []string{"contact.made"}},
		programme.Task{Task: "look", Role: "coordinator", On: "match.made", Due: when.Offset{Days: 3}, Escalate: programme.Escalation{After: when.Offset{Days: 1}, To: "reviewer"}},
	)
	live := o.views()
	o.accepted("a1", "m1", "x")
	require.NoError(t, live.CatchUp(t.Context()))
	people := func() (list []projections.Item) {
		require.NoError(t, live.CatchUp(t.Context()))
		queue, err := live.Queue(t.Context(), "spring", o.clock.Now())
		require.NoError(t, err)
		for _, task := range queue {
			if task.Role != "clock" && task.Kind != "agreement" && task.Kind != "calendar" {
				list = append(list, task)
			}
		}
		return list
	}
	list := people()
	require.Len(t, list, 2)
	look, contact := list[0], list[1]
	require.Equal(t, "contact.make", contact.Command)
	require.Equal(t, "match x: What is to be done", contact.Words)
	require.Equal(t, o.person("a1"), contact.Person)
	require.Equal(t, monday.AddDate(0, 0, 14), contact.Due, "by the rule of first contact")
	require.Equal(t, o.id("contact", 0), contact.Task)
	require.Equal(t, "task.complete", look.Command)
	require.Equal(t, monday.AddDate(0, 0, 3), look.Due)
	require.Equal(t, "due 3 days later, counted from its opening", look.Rule)
	require.Empty(t, look.Person, "any coordinator's")

	o.until(monday.AddDate(0, 0, 5))
	require.Equal(t, "reviewer", people()[0].Also, "overdue")
	o.must("coordinator/c1", "task.claim", fields{"task": look.Task})
	o.must("mentee/a1", "contact.make", fields{"cycle": "spring", "match": "x"})
	o.settle()
	list = people()
	require.Len(t, list, 1)
	require.Equal(t, o.person("c1"), list[0].Person)

	both, err := live.Tasks(t.Context(), "spring", "match-spring.x")
	require.NoError(t, err)
	require.Len(t, both, 2)
	require.Equal(t, "look", both[0].Opened.Key, "what is open comes first")
	require.Equal(t, "contact.made", both[1].Closed)
	none, err := live.Tasks(t.Context(), "spring", "match-spring.y")
	require.NoError(t, err)
	require.Empty(t, none)
	d, err := live.Task(t.Context(), look.Task)
	require.NoError(t, err)
	require.Equal(t, both[0], d)
	_, err = live.Task(t.Context(), "x")
	require.ErrorIs(t, err, tasks.ErrUnknown)

	var followed, made bytes.Buffer
	require.NoError(t, live.Dump(t.Context(), &followed))
	anew := o.views()
	require.NoError(t, anew.CatchUp(t.Context()))
	require.NoError(t, anew.Dump(t.Context(), &made))
	require.Equal(t, made.String(), followed.String(), "made anew, the same")
}

// One mail a day, however many reminders fall due on it: it lists what there is
// to do when it leaves, and does not leave for nothing.
// Whose address is not known is asked for once, not each day that something is due.
func TestADigestWithoutAnAddressAsksNobody(t *testing.T) {
	t.Parallel()
	remind := programme.Remind{Before: []when.Offset{{Days: 1}}, AtMost: 1}
	o := asking(t, programme.Task{Task: "goals", Role: "mentee", On: "match.made", Due: when.Offset{Days: 3}, Remind: remind})
	o.accepted("a1", "m1", "x")
	o.settle()
	w := o.worker(newPostOffice(t).url())
	o.pass(w)
	asked := o.todo("message")
	require.NotEmpty(t, asked, "the news of the match has no address, either")
	o.until(monday.AddDate(0, 0, 2).Add(10 * time.Hour))
	o.pass(w)
	lines := o.outbox()
	require.Equal(t, "tasks a1 withdrawn no_address", lines[len(lines)-1])
	require.Equal(t, asked, o.todo("message"))
}

func TestADigestIsMailedOnceADay(t *testing.T) {
	t.Parallel()
	remind := programme.Remind{Before: []when.Offset{{Days: 1}}, AtMost: 1}
	o := asking(t,
		programme.Task{Task: "goals", Role: "mentee", On: "match.made", Due: when.Offset{Days: 3, At: "17:00"}, Remind: remind},
		programme.Task{Task: "welcome", Role: "mentee", On: "match.made", Due: when.Offset{Days: 3, At: "09:00"}, Remind: remind},
		programme.Task{Task: "contact", Role: "mentee", On: "match.made", Done: []string{"contact.made"}, Due: when.Offset{Days: 5, At: "09:00"}, Remind: remind},
		programme.Task{Task: "anytime", Role: "mentee", On: "match.made"},
		programme.Task{Task: "look", Role: "coordinator", On: "match.made", Due: when.Offset{Days: 3}, Remind: remind},
	)
	p := newPostOffice(t)
	w := o.worker(p.url())
	o.accepted("a1", "m1", "x")
	o.accepted("a2", "m2", "y")
	for _, a := range []string{"a1", "a2", "m1", "m2"} {
		o.must("coordinator/c1", "email.set", fields{"person": a, "email": a + "@example.org"})
	}
	o.settle()
	o.pass(w)
	digests := func() (list []projections.Message) {
		for _, m := range o.messages() {
			if m.Key == "tasks" {
				list = append(list, m)
			}
		}
		slices.SortStableFunc(list, func(a, b projections.Message) int { // those of one moment are in no order
			return cmp.Or(a.QueuedAt.Compare(b.QueuedAt), strings.Compare(o.handle(a.Recipient), o.handle(b.Recipient)))
		})
		return list
	}
	require.Empty(t, digests())
	told := len(p.taken(t))

	o.until(monday.AddDate(0, 0, 2).Add(10 * time.Hour)) // Wednesday, after the last reminder of the day
	require.Len(t, digests(), 2, "one for each mentee, none for the coordinators: nobody in particular is told")
	require.Equal(t, programme.Holder, digests()[0].To)
	o.must("mentee/a1", "task.complete", fields{"task": o.id("welcome", 0)})
	require.Equal(t, `To: Name of a1 <a1@example.org>
Subject: What there is to do in NEMO One to One Mentoring

Dear Name of a1,

This is what you have to do in Spring:

- What is to be done: 2024-01-11 17:00 (Europe/Berlin)
- What is to be done: 2024-01-13 09:00 (Europe/Berlin)
- What is to be done

With kind regards
NEMO One to One Mentoring
`, o.letter(digests()[0]))
	for _, task := range []string{"goals", "welcome", "anytime"} {
		o.must("mentee/a2", "task.complete", fields{"task": o.id(task, 1)})
	}
	o.must("mentee/a2", "contact.make", fields{"cycle": "spring", "match": "y"})
	o.settle()
	o.pass(w)
	require.Equal(t, message.Done, digests()[0].Phase)
	require.Equal(t, message.Off, digests()[1].Phase)
	require.Equal(t, "nothing_left", digests()[1].Why)
	require.Len(t, p.taken(t), told+1)

	// Friday's waits: on Sunday it is no news any more, and nobody is asked.
	o.until(monday.AddDate(0, 0, 6).Add(13 * time.Hour))
	o.pass(w)
	require.Len(t, digests(), 3)
	require.Equal(t, "too_old", digests()[2].Why)
	require.Equal(t, message.Off, digests()[2].Phase)
	require.Len(t, p.taken(t), told+1)
	require.Empty(t, o.todo("message"))
	before := lines(t, o.store)
	*o.mark = mark{}
	o.settle()
	require.Equal(t, before, lines(t, o.store))
	require.Nil(t, o.replay().Divergence)
	storetest.CheckLog(t, o.store)
}
