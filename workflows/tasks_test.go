package workflows_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/schema"
	tasks "github.com/daybook-engine/daybook/domain/task"
	"github.com/daybook-engine/daybook/domain/when"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/memory"
	"github.com/daybook-engine/daybook/eventstore/storetest"
	"github.com/daybook-engine/daybook/projections"
	"github.com/daybook-engine/daybook/workflows"
)

// asking is an office whose programme has these tasks, and asks mentors to
// apply, too.
func asking(t *testing.T, list ...programme.Task) *office {
	o := setup(t)
	o.change = func(d *programme.Definition) {
		d.Tasks = nil
		for _, task := range list {
			task.Text = "What is to be done"
			d.Tasks = append(d.Tasks, task)
		}
		mentors := d.Calls[0]
		mentors.Call, mentors.Role = "mentors", "mentor"
		d.Calls = append(d.Calls, mentors)
	}
	o.prepare(4)
	o.settle()
	return o
}

// tasksOf are the tasks of a key, as they stand, in the order of their opening.
func (o *office) tasksOf(key string) (list []tasks.State) {
	o.t.Helper()
	states, order := map[string]tasks.State{}, []string{}
	for _, r := range log(o.t, o.store) {
		body, err := schema.Decode(r.Name, r.Data)
		require.NoError(o.t, err)
		e, ok := body.(tasks.Event)
		if !ok {
			continue
		}
		if _, known := states[r.Stream]; !known {
			order = append(order, r.Stream)
		}
		states[r.Stream] = states[r.Stream].Apply(e)
	}
	for _, stream := range order {
		if states[stream].Opened.Plan.Task == key {
			list = append(list, states[stream])
		}
	}
	return list
}

func (o *office) phases(key string) (list []tasks.Phase) {
	o.t.Helper()
	for _, s := range o.tasksOf(key) {
		list = append(list, s.Phase)
	}
	return list
}

// of names a task by its key and what it is about.
func of(key string, about ...any) fields {
	return fields{"cycle": "spring", "task": key, "about": with(nil, about...)}
}

func TestTasksFollowWhatHappens(t *testing.T) {
	t.Parallel()
	o := asking(t,
		programme.Task{Task: "announce", Role: "coordinator", On: "cycle.planned", Done: []string{"call.opened"}},
		programme.Task{Task: "spread", Role: "coordinator", On: "call.opened", Done: []string{"notice.published"}},
		programme.Task{Task: "screen", Role: "reviewer", On: "application.received", Done: []string{"eligibility.confirmed", "eligibility.failed"}},
		programme.Task{Task: "thank", Role: "mentor", On: "application.received"},
		programme.Task{Task: "read", Role: "reviewer", On: "review.assigned", Done: []string{"review.recorded"}},
		programme.Task{Task: "write", Role: "mentee", On: "offer.accepted"},
		programme.Task{Task: "contact", Role: "mentee", On: "match.made", Done: []string{"contact.made"}},
		programme.Task{Task: "sign", Role: "mentor", On: "match.made", Done: []string{"agreement.signed"}},
		programme.Task{Task: "prepare", Role: "mentee", On: "session.scheduled", Done: []string{"session.held"}},
		programme.Task{Task: "reflect", Role: "mentee", On: "session.held", Done: []string{"reflection.filed"}},
		programme.Task{Task: "text", Role: "mentee"},
	)
	require.Equal(t, []tasks.Phase{tasks.Done}, o.phases("announce"), "the call was opened")
	require.Equal(t, []tasks.Phase{tasks.Waiting}, o.phases("spread"))
	o.must("coordinator/c1", "notice.publish", with(call, "where", "website", "text", "x"))
	o.settle()
	require.Equal(t, []tasks.Phase{tasks.Done}, o.phases("spread"))

	o.must("applicant/a1", "application.submit", with(call, "route", "staff", "answers", form))
	o.settle()
	require.Equal(t, []tasks.Phase{tasks.Waiting}, o.phases("screen"))
	require.Empty(t, o.tasksOf("thank"), "who applies as a mentee")
	mentors := fields{"cycle": "spring", "call": "mentors"}
	o.must("coordinator/c1", "call.open", with(mentors, "deadline", deadline("2024-02-01T12:00")))
	o.must("applicant/m1", "application.submit", with(mentors, "route", "staff", "answers", form))
	o.settle()
	require.Equal(t, o.person("m1"), o.tasksOf("thank")[0].Owner)
	require.Equal(t, []tasks.Phase{tasks.Done, tasks.Waiting}, o.phases("spread"), "each call's own")
	require.Empty(t, o.tasksOf("screen")[0].Owner, "any reviewer's")
	require.Equal(t, []domain.Person{o.person("a1")}, o.tasksOf("screen")[0].Subjects())
	o.must("coordinator/c1", "eligibility.confirm", with(call, "person", "a1"))
	for _, r := range []string{"r1", "r2"} {
		o.must("coordinator/c1", "review.assign", with(call, "person", "a1", "reviewer", r))
	}
	o.settle()
	require.Equal(t, []tasks.Phase{tasks.Done, tasks.Waiting}, o.phases("screen"))
	require.Equal(t, o.person("r2"), o.tasksOf("read")[1].Owner)
	o.must("reviewer/r2", "review.record", with(call, "person", "a1", "recommendation", "select", "scores", []fields{
		{"criterion": "motives", "value": 4, "justification": "x"}, {"criterion": "strengths", "value": 3, "justification": "x"}, {"criterion": "priorities", "value": 5, "justification": "x"},
	}))
	o.settle()
	require.Equal(t, []tasks.Phase{tasks.Waiting, tasks.Done}, o.phases("read"), "each reviewer's own")

	o.matched("a2", "m2", "x")
	in := fields{"cycle": "spring", "match": "x"}
	o.settle()
	require.Equal(t, o.person("a2"), o.tasksOf("write")[0].Owner)
	require.Equal(t, "applicant", o.tasksOf("write")[0].Opened.Role)
	require.Equal(t, []tasks.Phase{tasks.Done}, o.phases("sign"), "by the mentor, not by the mentee")
	require.Equal(t, o.person("m2"), o.tasksOf("sign")[0].Owner)
	require.Equal(t, []domain.Person{o.person("a2"), o.person("m2")}, o.tasksOf("sign")[0].Subjects())
	o.must("mentor/m2", "contact.make", in)
	o.settle()
	require.Equal(t, []tasks.Phase{tasks.Done}, o.phases("contact"), "whoever made it")

	slot := func(n int) fields {
		return with(in, "session", n, "local", fmt.Sprintf("2024-01-20T1%d:00", 2*n), "zone", "Europe/Berlin", "mode", "online")
	}
	for n := 1; n <= 3; n++ {
		o.must("mentee/a2", "session.schedule", slot(n))
	}
	o.must("mentee/a2", "session.cancel", with(in, "session", 3))
	o.clock.Set(monday.AddDate(0, 0, 20))
	for n := 1; n <= 2; n++ {
		o.must("mentee/a2", "session.hold", with(slot(n), "minutes", 70))
	}
	o.settle()
	require.Equal(t, []tasks.Phase{tasks.Done, tasks.Done, tasks.Dropped}, o.phases("prepare"), "each session's own")
	o.must("mentee/a2", "session.hold", with(slot(4), "minutes", 70))
	o.settle()
	o.must("coordinator/c1", "session.correct", with(slot(4), "minutes", 0))
	o.settle()
	require.Equal(t, []tasks.Phase{tasks.Waiting, tasks.Waiting, tasks.Dropped}, o.phases("reflect"), "not on what was not held")
	o.must("mentee/a2", "reflection.file", with(in, "kind", "session", "session", 2, "text", "x"))
	o.must("mentee/a2", "reflection.file", with(in, "kind", "final", "text", "x"))
	o.must("mentor/m2", "reflection.file", with(in, "kind", "session", "session", 1, "text", "x"))
	o.settle()
	require.Equal(t, []tasks.Phase{tasks.Waiting, tasks.Done}, o.phases("reflect")[:2], "the mentee's, on that session")
	o.must("mentee/a2", "session.schedule", with(slot(5), "session", 5, "local", "2024-03-01T10:00"))
	o.must("coordinator/c1", "match.end", in)
	o.must("applicant/a1", "application.withdraw", call)
	o.settle()
	require.Equal(t, []tasks.Phase{tasks.Dropped, tasks.Done}, o.phases("reflect")[:2])
	require.Equal(t, []tasks.Phase{tasks.Dropped, tasks.Done}, o.phases("read")[:2])
	_, err := o.try("coordinator/c1", "task.reopen", of("reflect", "match", "x", "session", 2))
	require.ErrorIs(t, err, tasks.ErrEnded)
	views := o.views()
	require.NoError(t, views.CatchUp(t.Context()))
	queue, err := views.Queue(t.Context(), "spring", o.clock.Now())
	require.NoError(t, err)
	queue = slices.DeleteFunc(queue, func(i projections.Item) bool { return !strings.HasPrefix(i.Stream, "match-") })
	require.Len(t, queue, 1, "nothing else is asked about what is over")
	require.Equal(t, "session.cancel", queue[0].Command)
	require.JSONEq(t, `{"cycle":"spring","match":"x","session":5}`, string(queue[0].Args))

	// What was recorded by mistake has no tasks, also where they are opened late.
	apply := func() { o.must("applicant/a4", "application.submit", with(call, "route", "staff", "answers", form)) }
	trouble := errors.New("trouble")
	o.Sabotage("open-the-task", func(string) error { return trouble })
	apply()
	o.settle()
	o.must("coordinator/c1", "application.retract", with(call, "person", "a4"))
	apply()
	trouble = nil
	o.must("coordinator/c1", "policy.retry", decideOf(o.standing()[0]))
	o.settle()
	require.Equal(t, []tasks.Phase{tasks.Dropped, tasks.Waiting}, o.phases("screen")[3:])
	o.must("coordinator/c1", "application.retract", with(call, "person", "a4"))
	o.settle()
	require.Equal(t, []tasks.Phase{tasks.Dropped, tasks.Dropped}, o.phases("screen")[3:])
	apply()
	o.settle()
	require.Equal(t, []tasks.Phase{tasks.Dropped, tasks.Dropped, tasks.Waiting}, o.phases("screen")[3:])

	o.must("applicant/m1", "application.withdraw", mentors)
	o.woundUp()
	require.Equal(t, []tasks.Phase{tasks.Waiting}, o.phases("write"))
	o.must("coordinator/c1", "cycle.close", fields{"cycle": "spring"})
	o.settle()
	require.Equal(t, []tasks.Phase{tasks.Dropped}, o.phases("write"))

	// Policies that lost their place come to what they answered again, when
	// there are more tasks than then: nothing comes of it.
	before := lines(t, o.store)
	*o.mark = mark{}
	o.settle()
	require.Equal(t, before, lines(t, o.store))
	again, err := workflows.Replay(t.Context(), o.store, o.mark.at)
	require.NoError(t, err)
	require.Nil(t, again.Divergence)
	storetest.CheckLog(t, o.store)
}

// What was done before a task was opened does not complete it, whenever the
// policies come to it.
func TestWhatHappenedBeforeATaskDoesNotCompleteIt(t *testing.T) {
	t.Parallel()
	o := asking(t,
		programme.Task{Task: "meet", Role: "mentee", On: "agreement.in_force", Done: []string{"contact.made"}},
		programme.Task{Task: "prepare", Role: "mentee", On: "session.scheduled", Done: []string{"session.held"}},
	)
	o.accepted("a1", "m1", "x")
	in := fields{"cycle": "spring", "match": "x"}
	o.must("mentee/a1", "contact.make", in)
	for _, side := range []string{"mentee", "mentor"} {
		o.must("coordinator/c1", "agreement.sign", with(in, "side", side, "version", "1"))
	}
	slot := with(in, "session", 1, "local", "2024-01-20T10:00", "zone", "Europe/Berlin", "mode", "online")
	o.must("mentee/a1", "session.schedule", slot)
	o.clock.Set(monday.AddDate(0, 0, 14))
	o.must("mentee/a1", "session.miss", with(in, "session", 1, "side", "mentee"))
	for range 2 {
		o.settle()
		require.Equal(t, []tasks.Phase{tasks.Waiting}, o.phases("meet"))
		require.Equal(t, []tasks.Phase{tasks.Dropped}, o.phases("prepare"))
		*o.mark = mark{}
	}
	again, err := workflows.Replay(t.Context(), o.store, o.mark.at)
	require.NoError(t, err)
	require.Nil(t, again.Divergence)
}

// pneumatic's separation of duty was got around by handing a task on. Here
// whoever gets it is judged as if they had claimed it.
func TestATaskIsNobodysWhoMayNotHaveIt(t *testing.T) {
	t.Parallel()
	o := asking(t, programme.Task{Task: "check", Role: "coordinator", On: "eligibility.confirmed", FourEyes: []string{"eligibility.confirmed", "application.received"}})
	for _, handle := range []string{"c2", "c3", "c4"} {
		o.must("coordinator/c1", "person.register", fields{"handle": handle, "register": "register", "name": handle})
	}
	o.must("coordinator/c3", "application.submit", with(call, "person", "a1", "route", "staff", "answers", form), workflows.Cause{Channel: "paper", OnBehalfOf: "a1"})
	o.must("coordinator/c1", "eligibility.confirm", with(call, "person", "a1"))
	o.settle()
	check := of("check", "call", "mentees", "person", "a1")
	refused := func(want error, by, command string, f fields, cause ...workflows.Cause) {
		t.Helper()
		_, err := o.try(by, command, f, cause...)
		require.ErrorIs(t, err, want)
	}
	behalf := func(p domain.Person) workflows.Cause {
		return workflows.Cause{Channel: "web", Reason: "tested", OnBehalfOf: p}
	}
	refused(tasks.ErrFourEyes, "coordinator/c1", "task.claim", check)
	refused(tasks.ErrFourEyes, "coordinator/c3", "task.claim", check)
	refused(tasks.ErrFourEyes, "coordinator/c2", "task.claim", check, behalf("c1"))
	refused(tasks.ErrFourEyes, "coordinator/c1", "task.complete", check, behalf("c2"))
	refused(tasks.ErrRole, "reviewer/r1", "task.claim", check)
	refused(tasks.ErrUnclaimed, "coordinator/c2", "task.delegate", with(check, "to", "c4"))
	o.must("coordinator/c2", "task.claim", check)
	refused(tasks.ErrTaken, "coordinator/c4", "task.claim", check)
	refused(tasks.ErrFourEyes, "coordinator/c2", "task.delegate", with(check, "to", "c1"))
	refused(tasks.ErrFourEyes, "coordinator/c2", "task.delegate", with(check, "to", "a1"))
	o.must("coordinator/c1", "conflict.declare", with(call, "person", "a1", "reviewer", "c4", "conflict", "family", "note", "n"))
	refused(tasks.ErrConflict, "coordinator/c2", "task.delegate", with(check, "to", "c4"))
	_, err := o.try("coordinator/c2", "task.delegate", with(check, "to", "r1"), workflows.Cause{Channel: "web"})
	require.ErrorContains(t, err, "needs a reason")
	o.must("coordinator/c1", "conflict.declare", with(call, "person", "a1", "reviewer", "c2", "conflict", "employer", "note", "n"))
	refused(tasks.ErrConflict, "coordinator/c2", "task.complete", check)
	refused(tasks.ErrUnknown, "coordinator/c2", "task.claim", of("chekc", "call", "mentees", "person", "a1"))
	refused(tasks.ErrUnknown, "coordinator/c2", "task.claim", of("check", "call", "mentees", "person", "a2"))
	refused(tasks.ErrUnknown, "coordinator/c2", "task.claim", fields{"task": tasks.New("no", "task")})
	storetest.CheckLog(t, o.store)
}

// A season of one task, as a coordinator would try it before a programme opens.
const taskSeason = `
rehearsal: screening
definition: d.yaml
steps:
  - {key: c1, at: 2024-01-08T09:00 Europe/Berlin, by: coordinator/c1, do: person.register, with: {handle: c1, register: staff, name: C}}
  - {key: c2, by: coordinator/c1, do: person.register, with: {handle: c2, register: staff, name: D}}
  - {key: r1, by: coordinator/c1, do: person.register, with: {handle: r1, register: staff, name: R}}
  - {key: r2, by: coordinator/c1, do: person.register, with: {handle: r2, register: staff, name: S}}
  - {key: a1, by: coordinator/c1, do: person.register, with: {handle: a1, register: mentees, name: A}}
  - {key: publish, by: coordinator/c1, do: definition.publish}
  - {key: plan, by: coordinator/c1, do: cycle.plan, with: {title: Screening, from: 2024-01, to: 2024-06}}
  - {key: open, by: coordinator/c1, do: call.open, with: {call: mentees, deadline: {local: 2024-03-01T12:00, zone: Europe/Berlin, rule: by, published: by noon on 1 March}}}
  - {key: apply, by: applicant/a1, do: application.submit, with: {call: mentees, route: staff, answers: {motives: m, strengths: s, priorities: [one, two, three]}}}

  - {key: not-a1, by: reviewer/a1, do: task.claim, with: &screen {task: screen, about: {call: mentees, person: a1}}, expect: {refused: four_eyes}}
  - {key: not-c1, by: coordinator/c1, do: task.claim, with: *screen, expect: {refused: task_role}}
  - {key: claim, by: reviewer/r1, do: task.claim, with: *screen, expect: {events: [task.claimed]}}
  - {key: taken, by: reviewer/r2, do: task.claim, with: *screen, expect: {refused: task_taken}}
  - {key: away, by: reviewer/r1, do: task.delegate, reason: holiday, with: {task: screen, about: {call: mentees, person: a1}, to: r2, until: "2024-01-11T09:00:00+01:00"}, expect: {events: [task.delegated]}}
  - {key: not-now, at: 2024-01-09T09:00 Europe/Berlin, by: reviewer/r1, do: task.complete, with: *screen, expect: {refused: task_not_yours}}
  - {at: 2024-01-10T17:00 Europe/Berlin, check: {event: task.reminded, value: 0}}
  - {at: 2024-01-10T17:01 Europe/Berlin, check: {event: task.reminded, value: 1}}
  - {check: {event: digest.queued, value: 1}}

  # Due on Thursday the 11th at 17:00; on Friday at 17:00 the coordinators may.
  - {key: not-yet, at: 2024-01-12T16:59 Europe/Berlin, by: coordinator/c2, do: task.complete, with: *screen, expect: {refused: task_role}}
  - {at: 2024-01-15T09:00 Europe/Berlin, check: {event: task.escalated, value: 1}}
  - {key: by-phone, by: coordinator/c2, do: task.complete, on_behalf_of: r1, channel: phone, with: *screen, expect: {events: [task.completed]}}
  - {key: not-hers, by: reviewer/r1, do: task.reopen, reason: wrong_file, with: *screen, expect: {refused: role_not_allowed}}
  - {key: why, by: coordinator/c1, do: task.reopen, with: *screen, expect: {refused: reason_missing}}
  - {key: again, by: coordinator/c1, do: task.reopen, reason: wrong_file, with: *screen, expect: {events: [task.reopened]}}

  # Due again on Thursday the 18th at 17:00, and nobody's ten days later.
  - {at: 2024-01-28T16:59 Europe/Berlin, check: {event: task.expired, value: 0}}
  - {at: 2024-01-28T17:01 Europe/Berlin, check: {event: task.expired, value: 1}}
  - {check: {event: task.reminded, value: 2}}
  - {check: {event: task.escalated, value: 2}}
  - {check: {event: digest.queued, value: 2}}
  - {key: too-late, by: reviewer/r2, do: task.claim, with: *screen, expect: {refused: task_over}}
`

func TestASeasonOfATask(t *testing.T) {
	t.Parallel()
	nemo, err := files{}.read("d.yaml")
	require.NoError(t, err)
	const before = "\nreview:\n"
	require.Contains(t, string(nemo), before)
	definition := strings.Replace(string(nemo), before, `
  - task: screen
    role: reviewer
    text: Check whether the applicant is eligible
    on: application.received
    done: [eligibility.confirmed, eligibility.failed]
    due: {working_days: 3, at: "17:00"}
    remind: {before: [{working_days: 1}], at_most: 3}
    escalate: {after: {working_days: 1}, to: coordinator}
    expires: {days: 10}
    four_eyes: [application.received]
`+before, 1)
	// Rehearsals take no anchors; here they keep the lines short.
	season := strings.ReplaceAll(strings.Replace(taskSeason, "&screen ", "", 1), "*screen", "{task: screen, about: {call: mentees, person: a1}}")
	play := func(store eventstore.Store, v *vault) {
		var unmet []string
		st, _ := stage(t, store, v, told(&unmet))
		_, err := st.Play(t.Context(), loadFiles(t, files{"r.yaml": season, "d.yaml": definition}))
		require.NoError(t, err, "%v", unmet)
	}
	store, v := memory.New(), newVault()
	play(store, v)
	played := lines(t, store)
	play(store, v)
	require.Equal(t, played, lines(t, store), "played on, to the same")
	o := &office{t: t, store: store, vault: v}
	s := o.tasksOf("screen")[0]
	require.Equal(t, tasks.Lapsed, s.Phase)
	var behalf []domain.Person
	for _, r := range log(t, store) {
		switch env := envelope(t, r); r.Name {
		case "task.completed":
			behalf = append(behalf, domain.Person(env.Actor), env.OnBehalfOf)
		case "task.delegated":
			require.Equal(t, "holiday", env.Reason)
		}
	}
	require.Equal(t, []domain.Person{o.person("c2"), o.person("r1")}, behalf, "who did it, and for whom")
	again, err := workflows.Replay(t.Context(), store, eventstore.Place{})
	require.NoError(t, err)
	require.Nil(t, again.Divergence)
	storetest.CheckLog(t, store)
}

// What the clock owes about a task keeps a cycle from moving.
func TestATaskThatFellDueIsInTheWayOfAMove(t *testing.T) {
	t.Parallel()
	o := asking(t, programme.Task{Task: "look", Role: "coordinator", On: "match.made", Due: when.Offset{Days: 3}, Expires: when.Offset{Days: 1}})
	o.matched("a1", "m1", "x")
	d := o.publish(stricter)
	require.Empty(t, o.dryRun(d).InTheWay)
	o.clock.Set(o.clock.Now().AddDate(0, 0, 5))
	way := o.dryRun(d).InTheWay
	require.Len(t, way, 1)
	require.Regexp(t, `^task.expire has fallen due for task .{36}, and is not done yet$`, way[0])
}

// Tasks that are open stay as they were opened, and what is new opens only on
// what is to come: a dry run says so before a cycle moves.
func TestAMoveTellsWhatBecomesOfTasks(t *testing.T) {
	t.Parallel()
	text := func(list ...programme.Task) []programme.Task {
		for i := range list {
			list[i].Text = "What is to be done"
		}
		return list
	}
	screen := programme.Task{Task: "screen", Role: "reviewer", On: "application.received", Done: []string{"eligibility.confirmed"}, Due: when.Offset{Days: 3}}
	second := programme.Task{Task: "second-look", Role: "coordinator", On: "application.received", Done: []string{"eligibility.failed"}}
	idle := programme.Task{Task: "idle", Role: "mentee"}
	o := asking(t, screen, second, idle)
	plan := o.change
	for i, who := range []string{"a1", "a2"} {
		o.clock.Set(o.clock.Now().AddDate(0, 0, i))
		o.must("applicant/"+who, "application.submit", with(call, "route", "staff", "answers", form))
		o.settle()
	}
	same := o.publish(func(d *programme.Definition) { plan(d); d.Title = "Another" })
	require.Empty(t, tellsOf(o.dryRun(same), "task"), "open as the new version would open them")

	later := screen
	later.Due, later.Done = when.Offset{Days: 5}, []string{"eligibility.confirmed", "eligibility.failed"}
	thank := programme.Task{Task: "thank", Role: "coordinator", On: "eligibility.confirmed"}
	d := o.publish(func(d *programme.Definition) {
		plan(d)
		d.Tasks = text(later, thank, idle)
		thanks := d.Messages[0]
		thanks.Message = "thanks"
		d.Messages = append(d.Messages[1:len(d.Messages):len(d.Messages)], thanks)
	})
	m := o.dryRun(d)
	require.Empty(t, m.InTheWay)
	require.Equal(t, []string{
		"open tasks screen stay as they were opened, due Thu 2024-01-11 09:00 CET to Fri 2024-01-12 09:00 CET: 2",
		"tasks second-look are opened no more",
		"open tasks second-look stay as they were opened: 2",
		"tasks thank are opened only on eligibility.confirmed that is to come",
	}, tellsOf(m, "task"))
	require.Equal(t, []string{
		"message offer is queued no more; what waits is sent as it was queued",
		"message thanks is queued only on offer.made that is to come",
	}, tellsOf(m, "message"))

	// And so it goes.
	o.must("coordinator/c1", "definition.move", move(d))
	o.must("coordinator/c1", "eligibility.fail", with(call, "person", "a1", "failed", []string{"nominated"}))
	o.settle()
	require.Equal(t, []tasks.Phase{tasks.Dropped, tasks.Waiting}, o.phases("screen"), "withdrawn: in its version that event does not complete it")
	require.Equal(t, []tasks.Phase{tasks.Done, tasks.Waiting}, o.phases("second-look"), "and this one in its own")
	require.Empty(t, o.tasksOf("thank"))

	holiday := o.publish(func(d *programme.Definition) {
		plan(d)
		d.Tasks = text(later, idle)
		d.Calendar.Holidays = append(d.Calendar.Holidays, "2024-10-03")
	})
	require.Contains(t, tellsOf(o.dryRun(holiday), "task"), "open tasks screen stay as they were opened, due Fri 2024-01-12 09:00 CET: 1")
}

// tellsOf are the effects of a move that speak of something.
func tellsOf(m workflows.Move, word string) (list []string) {
	for _, line := range m.Effects {
		if strings.Contains(line, word) {
			list = append(list, line)
		}
	}
	return list
}

// A policy that was parked opens its task when it is told to go on, and what
// completes or ends it may lie behind by then.
func TestATaskThatIsOpenedLateIsDoneIfItWasDone(t *testing.T) {
	t.Parallel()
	o := asking(t,
		programme.Task{Task: "look", Role: "reviewer", On: "application.received", Done: []string{"eligibility.confirmed"}},
		programme.Task{Task: "meet", Role: "mentee", On: "match.made", Done: []string{"contact.made"}},
		programme.Task{Task: "prepare", Role: "mentee", On: "session.scheduled", Done: []string{"session.held"}},
	)
	const opening = "open-the-task"
	trouble := errTrouble
	o.Sabotage(opening, func(string) error { return trouble })
	o.accepted("a1", "m1", "x") // her application was received and found eligible
	o.settle()
	in := fields{"cycle": "spring", "match": "x"}
	o.must("mentee/a1", "contact.make", in)
	for _, side := range []string{"mentee", "mentor"} {
		o.must("coordinator/c1", "agreement.sign", with(in, "side", side, "version", "1"))
	}
	slot := with(in, "zone", "Europe/Berlin", "mode", "online")
	for n := 1; n <= 3; n++ {
		o.must("mentee/a1", "session.schedule", with(slot, "session", n, "local", fmt.Sprintf("2024-01-20T1%d:00", 2*n)))
	}
	o.must("mentee/a1", "session.cancel", with(in, "session", 2))
	o.clock.Set(monday.AddDate(0, 0, 14))
	o.must("mentee/a1", "session.hold", with(slot, "session", 1, "local", "2024-01-20T12:00", "minutes", 70))
	o.settle()
	require.Empty(t, o.tasksOf("meet"))
	trouble = nil
	for _, parked := range o.standing() {
		o.must("coordinator/c1", "policy.retry", decideOf(parked))
	}
	o.settle()
	require.Equal(t, []tasks.Phase{tasks.Done}, o.phases("look"))
	require.Equal(t, []tasks.Phase{tasks.Done}, o.phases("meet"))
	require.Equal(t, []tasks.Phase{tasks.Done, tasks.Dropped, tasks.Waiting}, o.phases("prepare"), "the first was held, the second called off, the third is to come")
	again, err := workflows.Replay(t.Context(), o.store, o.mark.at)
	require.NoError(t, err)
	require.Nil(t, again.Divergence)
	before := lines(t, o.store)
	*o.mark = mark{}
	o.settle()
	require.Equal(t, before, lines(t, o.store))
	storetest.CheckLog(t, o.store)
}

// What the clock did about a task it does anew when that is open again: under ids
// of its own, though everything falls due at the time that it did.
func TestTheClockComesAnewToAReopenedTask(t *testing.T) {
	t.Parallel()
	o := asking(t, programme.Task{
		Task: "check", Role: "coordinator", On: "call.opened", DueFrom: "deadline",
		Escalate: programme.Escalation{After: when.Offset{Days: 1}, To: "reviewer"}, Expires: when.Offset{Days: 9},
	})
	check, due := of("check", "call", "mentees"), agenda{o.views()}
	o.until(time.Date(2024, 2, 3, 0, 0, 0, 0, time.UTC))
	require.True(t, o.tasksOf("check")[0].Escalated)
	o.must("coordinator/c1", "task.complete", check)
	o.must("coordinator/c1", "task.reopen", check)
	require.False(t, o.tasksOf("check")[0].Escalated)
	for _, want := range []int{1, 0} {
		n, err := o.Tick(t.Context(), due)
		require.NoError(t, err)
		require.Equal(t, want, n)
		require.True(t, o.tasksOf("check")[0].Escalated)
	}
	o.until(time.Date(2024, 2, 12, 0, 0, 0, 0, time.UTC))
	require.Equal(t, []tasks.Phase{tasks.Lapsed}, o.phases("check"))

	// Whoever opens it after all wants it done: of that deadline it does not lapse
	// again, of a later one it does.
	o.must("coordinator/c1", "task.reopen", check)
	o.until(time.Date(2024, 2, 20, 0, 0, 0, 0, time.UTC))
	require.Equal(t, []tasks.Phase{tasks.Waiting}, o.phases("check"))
}

// A deadline that was moved while a task was closed is that of the task when it is
// open again.
func TestAReopenedTaskFollowsTheDeadlineInForce(t *testing.T) {
	t.Parallel()
	o := asking(t, programme.Task{Task: "check", Role: "coordinator", On: "call.opened", DueFrom: "deadline", Remind: programme.Remind{Before: []when.Offset{{Days: 2}}, AtMost: 2}})
	check, live := of("check", "call", "mentees"), o.views()
	o.must("coordinator/c1", "task.complete", check)
	require.NoError(t, live.CatchUp(t.Context()))
	o.must("coordinator/c1", "deadline.extend", with(call, "deadline", deadline("2024-03-15T12:00")))
	require.NoError(t, live.CatchUp(t.Context()))
	o.must("coordinator/c1", "task.reopen", check)
	require.NoError(t, live.CatchUp(t.Context()))
	task, err := live.Task(t.Context(), o.id("check", 0))
	require.NoError(t, err)
	require.Equal(t, "2024-03-15", task.Due().Format(time.DateOnly))
	due, err := live.Due(t.Context(), time.Date(2024, 3, 13, 0, 0, 0, 0, time.UTC), 0)
	require.NoError(t, err)
	require.Empty(t, due, "the reminder is due at noon")
}

// An event completes no task that was opened again since, also where the policies
// come back to it.
func TestAReopenedTaskIsNotCompletedByWhatWasBefore(t *testing.T) {
	t.Parallel()
	o := asking(t, programme.Task{Task: "screen", Role: "reviewer", On: "application.received", Done: []string{"eligibility.confirmed", "eligibility.failed"}})
	o.must("applicant/a1", "application.submit", with(call, "route", "staff", "answers", form))
	o.settle()
	screen := of("screen", "call", "mentees", "person", "a1")
	o.must("reviewer/r1", "task.complete", screen)
	o.must("coordinator/c1", "eligibility.confirm", with(call, "person", "a1"))
	o.settle()
	o.must("coordinator/c1", "task.reopen", screen)
	before := lines(t, o.store)
	*o.mark = mark{}
	o.settle()
	require.Equal(t, before, lines(t, o.store))
	require.Equal(t, []tasks.Phase{tasks.Waiting}, o.phases("screen"))
}

func TestWhoIsRecusedHasNothingLeftToRead(t *testing.T) {
	t.Parallel()
	o := asking(t,
		programme.Task{Task: "read", Role: "reviewer", On: "review.assigned", Done: []string{"review.recorded"}, Due: when.Offset{Days: 3}, Remind: programme.Remind{Before: []when.Offset{{Days: 1}}, AtMost: 1}},
		programme.Task{Task: "screen", Role: "reviewer", On: "application.received"},
	)
	o.must("applicant/a1", "application.submit", with(call, "route", "staff", "answers", form))
	o.must("coordinator/c1", "eligibility.confirm", with(call, "person", "a1"))
	for _, r := range []string{"r1", "r2"} {
		o.must("coordinator/c1", "review.assign", with(call, "person", "a1", "reviewer", r))
	}
	o.settle()
	screen := of("screen", "call", "mentees", "person", "a1")
	o.must("reviewer/r1", "task.claim", screen)
	o.must("reviewer/r1", "conflict.declare", with(call, "person", "a1", "conflict", "family", "note", "n"))
	o.settle()
	require.Empty(t, o.tasksOf("screen")[0].Owner, "what was anybody's, and theirs, is anybody's again")
	_, err := o.try("reviewer/r1", "task.claim", screen)
	require.ErrorIs(t, err, tasks.ErrConflict)
	o.must("reviewer/r2", "task.claim", screen)
	o.settle()
	require.Equal(t, o.person("r2"), o.tasksOf("screen")[0].Owner)
	require.Equal(t, []tasks.Phase{tasks.Dropped, tasks.Waiting}, o.phases("read"), "and the other reviewer's stays")
	require.Equal(t, []tasks.Phase{tasks.Waiting}, o.phases("screen"), "what is any reviewer's, too")
	o.until(monday.AddDate(0, 0, 5))
	require.Empty(t, o.tasksOf("read")[0].Reminded)
	require.NotEmpty(t, o.tasksOf("read")[1].Reminded)
	require.Nil(t, o.replay().Divergence)
}

// A policy that was parked opens it late.
func TestWhoWasRecusedMeanwhileIsNotAskedToRead(t *testing.T) {
	t.Parallel()
	o := asking(t, programme.Task{Task: "read", Role: "reviewer", On: "review.assigned", Done: []string{"review.recorded"}})
	o.must("applicant/a1", "application.submit", with(call, "route", "staff", "answers", form))
	o.must("coordinator/c1", "eligibility.confirm", with(call, "person", "a1"))
	for _, r := range []string{"r1", "r2"} {
		o.must("coordinator/c1", "review.assign", with(call, "person", "a1", "reviewer", r))
	}
	o.must("reviewer/r1", "conflict.declare", with(call, "person", "a1", "conflict", "family", "note", "n"))
	o.settle()
	require.Equal(t, []tasks.Phase{tasks.Dropped, tasks.Waiting}, o.phases("read"))
}
