package task_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/domain/domaintest"
	"github.com/daybook-engine/daybook/domain/programme"
	. "github.com/daybook-engine/daybook/domain/task"
	"github.com/daybook-engine/daybook/domain/when"
)

const opened = "2023-10-02T09:00 Europe/Berlin" // a Monday; Tuesday is a holiday

var (
	id     = ID{Cycle: "autumn", Task: "0b9a2a52-7d0c-4a25-8f0f-3f1d8b6a5c11"}
	nemo   = domaintest.Nemo()
	screen = Matter{Key: "screen", About: file}
	file   = About{Call: "mentees", Person: "ana"}
	// The plan: due on the 6th at 17:00, reminded on the 5th at 17:00 and the
	// 6th at 15:00, escalated on the 9th, expired on the 16th.
	plan = programme.Task{
		Task: "screen", Role: "reviewer", Text: "Screen the application", On: "application.received", Done: []string{"eligibility.confirmed"},
		Due:      when.Offset{WorkingDays: 3, At: "17:00"},
		Remind:   programme.Remind{Before: []when.Offset{{WorkingDays: 1}, {Hours: 2}}, AtMost: 3},
		Escalate: programme.Escalation{After: when.Offset{WorkingDays: 1}, To: "coordinator"},
		Expires:  when.Offset{Days: 10}, FourEyes: []string{"application.received"},
	}
)

func at(local string) time.Time { return domaintest.At(local + " Europe/Berlin").UTC() }

func as(role string, actor domain.Person) Acting {
	return Acting{Actor: actor, Self: actor, Role: role, Barred: []domain.Person{"bob"}, Recused: []domain.Person{"cleo"}}
}

func onBehalf(self domain.Person) Acting {
	a := as("coordinator", "cora")
	a.Self = self
	return a
}

func open(t programme.Task, role string, about About, concerns ...domain.Person) Open {
	return Open{ID: ID{Cycle: id.Cycle, Task: id.Task, About: about}, Key: t.Task, Cause: "cause", Plan: t, Zone: nemo.Zone, Calendar: nemo.Calendar, Role: role, Concerns: concerns}
}

// having is a task opened at nine on Monday.
func having(t programme.Task, role string, person domain.Person, more ...Event) []Event {
	o := open(t, role, file, "ana")
	o.Person = person
	events, err := o.Decide(State{}, at("2023-10-02T09:00"))
	if err != nil {
		panic(err) // a mistake in a table
	}
	return append(events, more...)
}

func timer(rule, due, fired string) domain.Timer {
	return domain.Timer{Rule: rule, Due: at(due), Fired: at(fired), Calendar: "berlin@2023", Tzdata: "2024a"}
}

func TestTask(t *testing.T) {
	t.Parallel()
	type row = domaintest.Row[State, Event]
	due := at("2023-10-06T17:00")
	free := having(plan, "reviewer", "")
	rita := append(free[:1:1], Claimed{Matter: screen, Person: "rita"})
	berlin := time.FixedZone("", 2*60*60)
	lent := func(until string) Delegated {
		d := Delegated{Matter: screen, Of: "rita", To: "raul", From: at("2023-10-02T09:00"), Zone: "Europe/Berlin"}
		if until != "" {
			d.Until = at(until)
		}
		return d
	}
	own := having(programme.Task{Task: "send", Role: "mentee"}, "applicant", "ana")
	late := Escalated{Matter: screen, To: "coordinator", Due: due, Timer: timer("task.escalate", "2023-10-09T17:00", "2023-10-09T17:00")}
	escalated := append(rita[:2:2], late)
	expired := append(free[:1:1], Expired{Matter: screen, Due: due, Timer: timer("task.expire", "2023-10-16T17:00", "2023-10-16T17:00")})
	done := append(rita[:2:2], Completed{Matter: screen, Person: "rita"})
	withdrawn := append(free[:1:1], Withdrawn{Matter: screen, Event: "application.withdrawn"})
	other := ID{Cycle: "spring", Task: id.Task}
	clock := Timed{Tzdata: "2024a"}
	first := Reminded{
		Matter: screen, Role: "reviewer", Person: "rita", Due: due, Timer: timer("task.remind", "2023-10-05T17:00", "2023-10-05T17:05"),
		Text: plan.Text, Zone: "Europe/Berlin", Before: when.Offset{WorkingDays: 1}, Number: 1, AtMost: 3,
	}
	second, lately := first, first
	second.Timer, second.Before = timer("task.remind", "2023-10-06T15:00", "2023-10-07T10:00"), when.Offset{Hours: 2}
	lately.Person = "raul"
	untimed := Opened{Matter: Matter{Key: "send", About: file}, Cycle: "autumn", Cause: "cause", Plan: programme.Task{Task: "send", Role: "mentee"}, Zone: "Europe/Berlin", Role: "applicant", Concerns: []domain.Person{"ana"}, At: at("2023-10-02T09:00")}

	domaintest.Run(t, []row{
		{Name: "a task is opened, and due by its rule", Now: opened, When: open(plan, "reviewer", file, "ana"), Then: []Event{Opened{
			Matter: screen, Cycle: "autumn", Cause: "cause", Plan: plan, Zone: "Europe/Berlin", Calendar: nemo.Calendar, Role: "reviewer", Concerns: []domain.Person{"ana"},
			At: at("2023-10-02T09:00"), Due: due,
		}}},
		{Name: "one without a time needs no calendar", Now: opened, When: open(programme.Task{Task: "send", Role: "mentee"}, "applicant", file, "ana"), Then: []Event{untimed}},
		{Name: "late, when it has been done already", Now: opened, When: func() Open {
			o := open(programme.Task{Task: "send", Role: "mentee"}, "applicant", file, "ana")
			o.Done = "application.received"
			return o
		}(), Then: []Event{untimed, Completed{Matter: untimed.Matter, Event: "application.received"}}},
		{Name: "or when its session was called off", Now: opened, When: func() Open {
			o := open(programme.Task{Task: "send", Role: "mentee"}, "applicant", file, "ana")
			o.Ended = "session.cancelled"
			return o
		}(), Then: []Event{untimed, Withdrawn{untimed.Matter, "session.cancelled"}}},
		{Name: "not about what is over", Now: opened, When: func() Open { o := open(plan, "reviewer", file); o.Over = true; return o }(), Err: ErrEnded},

		{Name: "whoever has the role claims it", Given: free, When: Claim{ID: id, Acting: as("reviewer", "rita")}, Then: rita[1:]},
		{Name: "nobody in another role", Given: free, When: Claim{ID: id, Acting: as("coordinator", "cora")}, Err: ErrRole},
		{Name: "nor one of another cycle", Given: free, When: Claim{ID: other, Acting: as("reviewer", "rita")}, Err: ErrUnknown},
		{Name: "nor one that was never opened", When: Claim{ID: id, Acting: as("reviewer", "rita")}, Err: ErrUnknown},
		{Name: "nor what somebody else has", Given: rita, When: Claim{ID: id, Acting: as("reviewer", "raul")}, Err: ErrTaken},
		{Name: "nor what is done", Given: done, When: Claim{ID: id, Acting: as("reviewer", "raul")}, Err: ErrOver},
		{Name: "nor what a participant has to do", Given: own, When: Claim{ID: id, Acting: as("applicant", "ben")}, Err: ErrTaken},
		{Name: "who runs the programme claims it for somebody", Given: free, When: Claim{ID: id, Acting: onBehalf("rita")}, Then: rita[1:]},
		{Name: "who does not, claims it for nobody else", Given: free, When: Claim{ID: id, Acting: Acting{Actor: "raul", Self: "rita", Role: "reviewer"}}, Err: ErrNotYours},
		{Name: "four eyes: not who did what it follows", Given: free, When: Claim{ID: id, Acting: as("reviewer", "bob")}, Err: ErrFourEyes},
		{Name: "four eyes: nor by way of who acts for them", Given: free, When: Claim{ID: id, Acting: onBehalf("bob")}, Err: ErrFourEyes},
		{Name: "nor who declared a conflict of interest", Given: free, When: Claim{ID: id, Acting: as("reviewer", "cleo")}, Err: ErrConflict},
		{Name: "nor whose application it is", Given: free, When: Claim{ID: id, Acting: as("reviewer", "ana")}, Err: ErrSelf},

		{Name: "whose it is hands it on for a time", Given: rita, Now: opened, When: Delegate{ID: id, Acting: as("reviewer", "rita"), To: "raul", Until: at("2023-10-04T09:00")}, Then: []Event{lent("2023-10-04T09:00")}},
		{Name: "or for good", Given: rita, Now: opened, When: Delegate{ID: id, Acting: as("reviewer", "rita"), To: "raul"}, Then: []Event{lent("")}},
		{Name: "or from a day on", Given: rita, Now: opened, When: Delegate{ID: id, Acting: as("reviewer", "rita"), To: "raul", From: at("2023-10-04T09:00")}, Then: []Event{Delegated{Matter: screen, Of: "rita", To: "raul", From: at("2023-10-04T09:00"), Zone: "Europe/Berlin"}}},
		{Name: "by whatever clock it is said", Given: rita, Now: opened, When: Delegate{ID: id, Acting: as("reviewer", "rita"), To: "raul", From: at("2023-10-02T09:00").In(berlin), Until: at("2023-10-04T09:00").In(berlin)}, Then: []Event{lent("2023-10-04T09:00")}},
		{Name: "who runs the programme hands it on for who is away", Given: rita, Now: opened, When: Delegate{ID: id, Acting: as("coordinator", "cora"), To: "raul"}, Then: []Event{lent("")}},
		{Name: "and back", Given: append(rita[:2:2], lent("")), Now: opened, When: Delegate{ID: id, Acting: as("reviewer", "rita"), To: "rita"}, Then: []Event{Delegated{Matter: screen, Of: "rita", To: "rita", From: at("2023-10-02T09:00"), Zone: "Europe/Berlin"}}},
		{Name: "who has it for a time hands it no further", Given: append(rita[:2:2], lent("")), Now: opened, When: Delegate{ID: id, Acting: as("reviewer", "raul"), To: "rosa"}, Err: ErrNotYours},
		{Name: "what nobody has is claimed first", Given: free, Now: opened, When: Delegate{ID: id, Acting: as("coordinator", "cora"), To: "raul"}, Err: ErrUnclaimed},
		{Name: "a participant's own is not handed on", Given: own, Now: opened, When: Delegate{ID: id, Acting: as("coordinator", "cora"), To: "raul"}, Err: ErrPersonal},
		{Name: "nor until a time that has passed", Given: rita, Now: opened, When: Delegate{ID: id, Acting: as("reviewer", "rita"), To: "raul", Until: at("2023-10-01T09:00")}, Err: ErrPeriod},
		{Name: "four eyes: nor to who did what it follows", Given: rita, Now: opened, When: Delegate{ID: id, Acting: as("reviewer", "rita"), To: "bob"}, Err: ErrFourEyes},
		{Name: "nor to who has a conflict of interest", Given: rita, Now: opened, When: Delegate{ID: id, Acting: as("coordinator", "cora"), To: "cleo"}, Err: ErrConflict},
		{Name: "nor to whom it is about", Given: rita, Now: opened, When: Delegate{ID: id, Acting: as("reviewer", "rita"), To: "ana"}, Err: ErrSelf},
		{Name: "nor what is done", Given: done, Now: opened, When: Delegate{ID: id, Acting: as("reviewer", "rita"), To: "raul"}, Err: ErrOver},

		{Name: "who has it completes it", Given: rita, Now: opened, When: Complete{ID: id, Acting: as("reviewer", "rita")}, Then: done[2:]},
		{Name: "or who had not claimed it", Given: free, Now: opened, When: Complete{ID: id, Acting: as("reviewer", "raul")}, Then: []Event{Completed{Matter: screen, Person: "raul"}}},
		{Name: "or whoever runs the programme, on their behalf", Given: rita, Now: opened, When: Complete{ID: id, Acting: onBehalf("rita")}, Then: done[2:]},
		{Name: "a participant their own", Given: own, Now: opened, When: Complete{ID: id, Acting: as("applicant", "ana")}, Then: []Event{Completed{Matter: untimed.Matter, Person: "ana"}}},
		{Name: "and not another's", Given: own, Now: opened, When: Complete{ID: id, Acting: as("applicant", "ben")}, Err: ErrNotYours},
		{Name: "nobody completes it as if it were theirs", Given: rita, Now: opened, When: Complete{ID: id, Acting: as("reviewer", "raul")}, Err: ErrNotYours},
		{Name: "who has it for a time completes it", Given: append(rita[:2:2], lent("2023-10-04T09:00")), Now: "2023-10-04T08:59 Europe/Berlin", When: Complete{ID: id, Acting: as("reviewer", "raul")}, Then: []Event{Completed{Matter: screen, Person: "raul"}}},
		{Name: "and then not whose it is", Given: append(rita[:2:2], lent("2023-10-04T09:00")), Now: "2023-10-04T08:59 Europe/Berlin", When: Complete{ID: id, Acting: as("reviewer", "rita")}, Err: ErrNotYours},
		{Name: "who has it again afterwards", Given: append(rita[:2:2], lent("2023-10-04T09:00")), Now: "2023-10-04T09:00 Europe/Berlin", When: Complete{ID: id, Acting: as("reviewer", "rita")}, Then: done[2:]},
		{Name: "who is recused has it no longer", Given: rita, Now: opened, When: Release{ID: id, Person: "rita"}, Then: []Event{Released{screen, "rita"}}},
		{Name: "nor what they were handed", Given: append(rita[:2:2], Delegated{Matter: screen, Of: "rita", To: "cleo"}), Now: opened, When: Release{ID: id, Person: "cleo"}, Then: []Event{Released{screen, "cleo"}}},
		{Name: "if they had it", Given: rita, Now: opened, When: Release{ID: id, Person: "cleo"}},
		{Name: "and it is to be done", Given: append(rita[:2:2], Completed{Matter: screen, Person: "rita"}), Now: opened, When: Release{ID: id, Person: "rita"}},
		{Name: "if there is such a task", Now: opened, When: Release{ID: id, Person: "rita"}, Err: ErrUnknown},
		{Name: "then it is anybody's", Given: append(rita[:2:2], Released{screen, "rita"}), Now: opened, When: Claim{ID: id, Acting: as("reviewer", "rosa")}, Then: []Event{Claimed{screen, "rosa"}}},
		{Name: "what was handed to who is recused goes back", Given: append(rita[:2:2], Delegated{Matter: screen, Of: "rita", To: "cleo"}, Released{screen, "cleo"}), Now: opened, When: Complete{ID: id, Acting: as("reviewer", "rita")}, Then: []Event{Completed{Matter: screen, Person: "rita"}}},
		{Name: "and what they had handed on is nobody's", Given: append(rita[:2:2], Delegated{Matter: screen, Of: "rita", To: "cleo"}, Released{screen, "rita"}), Now: opened, When: Claim{ID: id, Acting: as("reviewer", "rosa")}, Then: []Event{Claimed{screen, "rosa"}}},
		{Name: "a conflict declared since counts", Given: append(free[:1:1], Claimed{Matter: screen, Person: "cleo"}), Now: opened, When: Complete{ID: id, Acting: as("reviewer", "cleo")}, Err: ErrConflict},
		{Name: "four eyes: nor does who keys it in for somebody", Given: rita, Now: opened, When: Complete{ID: id, Acting: Acting{Actor: "cora", Self: "rita", Role: "coordinator", Barred: []domain.Person{"cora"}}}, Err: ErrFourEyes},
		{Name: "once it is escalated, the other role does it", Given: escalated, Now: opened, When: Complete{ID: id, Acting: as("coordinator", "cora")}, Then: []Event{Completed{Matter: screen, Person: "cora"}}},
		{Name: "or takes it", Given: escalated, Now: opened, When: Claim{ID: id, Acting: as("coordinator", "cora")}, Then: []Event{Claimed{Matter: screen, Person: "cora"}}},
		{Name: "what expired is not completed", Given: expired, Now: opened, When: Complete{ID: id, Acting: as("reviewer", "rita")}, Err: ErrOver},

		{Name: "an event completes it", Given: rita, When: Fulfil{ID: id, Following: Following{Event: "eligibility.confirmed"}}, Then: []Event{Completed{Matter: screen, Event: "eligibility.confirmed"}}},
		{Name: "not one from before it was opened", Given: rita, When: Fulfil{ID: id, Following: Following{Event: "eligibility.confirmed", Early: true}}, Err: ErrEarly},
		{Name: "what was never opened is not completed", When: Fulfil{ID: id, Following: Following{Event: "eligibility.confirmed"}}, Err: ErrUnknown},
		{Name: "what it was about ended", Given: free, When: Withdraw{ID: id, Following: Following{Event: "application.withdrawn"}}, Then: withdrawn[1:]},
		{Name: "what is done stays done", Given: done, When: Withdraw{ID: id, Following: Following{Event: "application.withdrawn"}}},

		{Name: "what was done is to be done again, by anybody, and due anew", Given: append(done[:3:3], first), Now: "2023-10-09T09:00 Europe/Berlin", When: Reopen{ID: id}, Then: []Event{Reopened{Matter: screen, At: at("2023-10-09T09:00"), Due: at("2023-10-12T17:00"), Zone: "Europe/Berlin"}}},
		{Name: "so is what expired", Given: expired, Now: "2023-10-17T09:00 Europe/Berlin", When: Reopen{ID: id}, Then: []Event{Reopened{Matter: screen, At: at("2023-10-17T09:00"), Due: at("2023-10-20T17:00"), Zone: "Europe/Berlin"}}},
		{Name: "not what is about something that is over", Given: done, Now: "2023-10-09T09:00 Europe/Berlin", When: Reopen{ID: id, Over: true}, Err: ErrEnded},
		{Name: "nor what was withdrawn", Given: withdrawn, When: Reopen{ID: id}, Err: ErrEnded},
		{Name: "what is open is open", Given: free, When: Reopen{ID: id}},
		{Name: "nor what is another cycle's", Given: done, When: Reopen{ID: other}, Err: ErrUnknown},

		{Name: "the first reminder", Given: rita, Now: "2023-10-05T17:05 Europe/Berlin", When: Remind{ID: id, Timed: clock}, Then: []Event{first}, Again: domain.ErrNotDue},
		{Name: "not before its time", Given: rita, Now: "2023-10-05T16:59 Europe/Berlin", When: Remind{ID: id, Timed: clock}, Err: domain.ErrNotDue},
		{Name: "of two that a clock comes to late, the last", Given: rita, Now: "2023-10-07T10:00 Europe/Berlin", When: Remind{ID: id, Timed: clock}, Then: []Event{second}, Again: domain.ErrNotDue},
		{Name: "nobody is reminded of what is done", Given: done, Now: "2023-10-05T17:05 Europe/Berlin", When: Remind{ID: id, Timed: clock}, Err: ErrOver},
		{Name: "who has it for a time is reminded", Given: append(rita[:2:2], lent("")), Now: "2023-10-05T17:05 Europe/Berlin", When: Remind{ID: id, Timed: clock}, Then: []Event{lately}, Again: domain.ErrNotDue},

		{Name: "a working day after it was due another role may take it up", Given: rita, Now: "2023-10-09T17:00 Europe/Berlin", When: Escalate{ID: id, Timed: clock}, Then: []Event{late}},
		{Name: "not earlier", Given: rita, Now: "2023-10-09T16:59 Europe/Berlin", When: Escalate{ID: id, Timed: clock}, Err: domain.ErrNotDue},
		{Name: "nor without a rule", Given: own, Now: "2023-10-09T17:00 Europe/Berlin", When: Escalate{ID: id, Timed: clock}, Err: domain.ErrNotDue},
		{Name: "nor what is done", Given: done, Now: "2023-10-09T17:00 Europe/Berlin", When: Escalate{ID: id, Timed: clock}, Err: ErrOver},
		{Name: "in the end nobody has to do it", Given: free, Now: "2023-10-16T17:00 Europe/Berlin", When: Expire{ID: id, Timed: clock}, Then: expired[1:]},
		{Name: "but not sooner", Given: free, Now: "2023-10-16T16:59 Europe/Berlin", When: Expire{ID: id, Timed: clock}, Err: domain.ErrNotDue},
		{Name: "nor without a rule that says so", Given: own, Now: "2023-10-16T17:00 Europe/Berlin", When: Expire{ID: id, Timed: clock}, Err: domain.ErrNotDue},
		{Name: "nor when it is done", Given: done, Now: "2023-10-16T17:00 Europe/Berlin", When: Expire{ID: id, Timed: clock}, Err: ErrOver},
	})
}

// A task whose due date hangs on a deadline has none of its own: it follows
// the one in force. A reminder that was given stands, and for the new date
// there is one more, once, as long as there may be so many.
func TestATaskFollowsItsDeadline(t *testing.T) {
	t.Parallel()
	send := programme.Task{Task: "send", Role: "mentee", On: "draft.started", DueFrom: "deadline", Remind: programme.Remind{Before: []when.Offset{{Days: 3}}, AtMost: 2}}
	s := State{}.Apply(having(send, "applicant", "ana")[0])
	require.Zero(t, s.Due)
	require.Zero(t, s.DueBy(time.Time{}))
	command, _ := s.Next(time.Time{})
	require.Empty(t, command, "no deadline, no reminder")

	remind := func(deadline, now time.Time) []Event {
		got, err := Remind{ID: id, Timed: Timed{Deadline: deadline}}.Decide(s, now)
		if err != nil {
			require.ErrorIs(t, err, domain.ErrNotDue)
		}
		for _, e := range got {
			s = s.Apply(e)
		}
		return got
	}
	for n, deadline := range []time.Time{at("2023-10-10T12:00"), at("2023-10-20T12:00"), at("2023-10-30T12:00")} {
		require.True(t, s.DueBy(deadline).Equal(deadline))
		threeDays := deadline.AddDate(0, 0, -3)
		require.Empty(t, remind(deadline, threeDays.Add(-time.Minute)))
		if n == 2 {
			command, _ := s.Next(deadline)
			require.Empty(t, command, "two at most")
			require.Empty(t, remind(deadline, threeDays))
			continue
		}
		command, next := s.Next(deadline)
		require.Equal(t, "task.remind", command)
		require.True(t, next.Equal(threeDays))
		want := Reminded{
			Matter: Matter{Key: "send", About: file}, Role: "applicant", Person: "ana", Due: deadline, Timer: domain.Timer{Rule: "task.remind", Due: threeDays, Fired: threeDays, Calendar: "berlin@2023"},
			Zone: "Europe/Berlin", Before: when.Offset{Days: 3}, Number: n + 1, AtMost: 2, Deadline: deadline,
		}
		if n == 1 {
			want.Was = at("2023-10-10T12:00")
		}
		require.Equal(t, []Event{want}, remind(deadline, threeDays))
		require.Empty(t, remind(deadline, threeDays.Add(time.Hour)), "once")
	}
}

// What people were told stands, whatever newer time zone data makes of it; where
// a deadline is moved they are told again.
func TestATaskIsDueAsItWasTold(t *testing.T) {
	t.Parallel()
	s := State{}.Apply(having(plan, "reviewer", "")[0])
	require.True(t, s.Reckoned(time.Time{}).Equal(s.Due))
	told := s.Opened
	told.Due = s.Due.Add(time.Hour) // by older data
	s = State{}.Apply(told)
	require.Equal(t, told.Due, s.DueBy(time.Time{}))
	require.True(t, s.Reckoned(time.Time{}).Equal(told.Due.Add(-time.Hour)))

	send := programme.Task{Task: "send", Role: "mentee", On: "draft.started", DueFrom: "deadline", Due: when.Offset{Days: 2, At: "12:00"}}
	deadline, later := at("2023-10-10T12:00"), at("2023-10-20T12:00")
	s = State{}.Apply(having(send, "applicant", "ana")[0])
	require.True(t, s.DueBy(deadline).Equal(at("2023-10-12T12:00")))
	reminded := Reminded{Matter: s.Opened.Matter, Due: at("2023-10-12T13:00"), Deadline: deadline}
	s = s.Apply(reminded)
	require.Equal(t, reminded.Due, s.DueBy(deadline))
	require.True(t, s.Reckoned(deadline).Equal(at("2023-10-12T12:00")))
	require.True(t, s.DueBy(later).Equal(at("2023-10-22T12:00")))
	require.Zero(t, s.DueBy(time.Time{}))
}

// Whatever the clock finds next is what the rules accept then, and nothing is
// accepted sooner: the work queue asks what the rules are asked.
func TestWhatFallsDueNextIsAcceptedThenAndNotSooner(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		offset := func(name string) when.Offset {
			return when.Offset{Days: rapid.IntRange(0, 5).Draw(t, name+" days"), WorkingDays: rapid.IntRange(0, 3).Draw(t, name+" working days"), Hours: rapid.IntRange(1, 30).Draw(t, name+" hours")}
		}
		p := programme.Task{Task: "screen", Role: "reviewer", Due: offset("due"), Expires: offset("expires"), Escalate: programme.Escalation{After: offset("escalate"), To: "coordinator"}}
		for range rapid.IntRange(0, 3).Draw(t, "reminders") {
			p.Remind.Before = append(p.Remind.Before, offset("remind"))
		}
		p.Remind.AtMost = rapid.IntRange(0, 3).Draw(t, "at most")
		s := State{}.Apply(having(p, "reviewer", "")[0])
		seen := 0
		for {
			command, due := s.Next(time.Time{})
			if command == "" {
				break
			}
			decide := func(now time.Time) ([]Event, error) {
				switch command {
				case "task.remind":
					return Remind{ID: id}.Decide(s, now)
				case "task.escalate":
					return Escalate{ID: id}.Decide(s, now)
				}
				return Expire{ID: id}.Decide(s, now)
			}
			_, err := decide(due.Add(-time.Millisecond))
			require.ErrorIs(t, err, domain.ErrNotDue)
			got, err := decide(due)
			require.NoError(t, err)
			require.Len(t, got, 1)
			s = s.Apply(got[0])
			if seen++; seen > 10 {
				require.Fail(t, "the clock has no end")
			}
		}
		require.LessOrEqual(t, len(s.Reminded), p.Remind.AtMost)
		require.Equal(t, Lapsed, s.Phase)
	})
}

func TestATaskIsAboutSomething(t *testing.T) {
	t.Parallel()
	require.Equal(t, New("a", "b"), New("a", "b"))
	require.NotEqual(t, New("a", "b"), New("a", "c"))
	require.NoError(t, ID{Cycle: "autumn", Task: New("a", "b")}.Check())
	require.ErrorIs(t, ID{Cycle: "autumn", Task: "screen"}.Check(), ErrUnknown)
	require.ErrorIs(t, ID{Task: New("a", "b")}.Check(), domain.ErrSlug)
	require.Equal(t, "cycle/autumn", id.Book())
	require.Equal(t, "task-"+id.Task, id.Stream())
	require.Equal(t, application.ID{Cycle: "autumn", Call: "mentees", Person: "ana"}.Stream(), file.File("autumn"))
	require.Equal(t, "match-autumn.m1", About{Match: "m1", Session: 2}.File("autumn"))
	require.Equal(t, "call-autumn.mentees", About{Call: "mentees"}.File("autumn"))
	require.Equal(t, "cycle-autumn", About{}.File("autumn"))

	m1, first := About{Match: "m1"}, About{Match: "m1", Session: 1}
	for _, c := range []struct {
		task, happened About
		concerns       bool
	}{
		{m1, m1, true}, {m1, first, true}, {first, m1, true}, {first, first, true}, {first, About{Match: "m1", Session: 2}, false}, {m1, About{Match: "m2"}, false},
		{file, file, true}, {file, About{Call: "mentees", Person: "ben"}, false}, {file, About{Call: "mentors", Person: "ana"}, false},
		{About{Call: "mentees", Person: "ana", Reviewer: "rita"}, file, true},
		{About{Call: "mentees", Person: "ana", Reviewer: "rita"}, About{Call: "mentees", Person: "ana", Reviewer: "raul"}, false},
		{About{}, About{Call: "mentees"}, true}, {About{}, file, false}, {About{}, m1, false},
	} {
		require.Equal(t, c.concerns, c.task.Concerns(c.happened), "%+v %+v", c.task, c.happened)
	}
	s := State{}
	require.Empty(t, s.Subjects())
	require.Equal(t, []domain.Person{"ana"}, s.Apply(having(plan, "reviewer", "")[0]).Subjects())
}
