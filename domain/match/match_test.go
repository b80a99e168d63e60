package match_test

import (
	"slices"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/domaintest"
	. "github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/domain/when"
)

type (
	events  = []Event
	command interface {
		Decide(State, time.Time) ([]Event, error)
	}
)

var (
	pair  = Pair{Mentee: "ana", Mentor: "mia"}
	terms = func() Terms {
		d := domaintest.Nemo()
		return Terms{
			Sessions: d.Sessions, Reflections: d.Reflection, Completion: d.Completion, Agreement: d.Agreement.Version, Clauses: d.Agreement.Hash(),
			FirstContact: d.Match.FirstContactWithin, Zone: d.Zone, Calendar: d.Calendar,
		}
	}()
	contact   = domaintest.At("2023-09-20T12:00 Europe/Berlin")
	proposed  = events{Proposed{Pair: pair, Terms: terms}}
	agreeable = after(proposed, Accepted{Side: Mentee}, Accepted{Side: Mentor, Both: true})
	active    = after(agreeable, Made{Pair: pair, ContactDue: contact, Calendar: "berlin@2023"})
	signed    = after(active, AgreementSigned{Mentee, "1", terms.Clauses})
	inForce   = after(signed, AgreementSigned{Mentor, "1", terms.Clauses}, AgreementInForce{"1"})
)

func after(given events, more ...Event) events { return append(given[:len(given):len(given)], more...) }

func at(local string) At { return At{Local: local, Zone: "Europe/London", Mode: "online"} }

func slot(local string) Slot {
	return Slot{Local: local, Zone: "Europe/London", Start: domaintest.At(local + " Europe/London"), Mode: "online"}
}

func scheduled(n int, local string) Event { return SessionScheduled{n, slot(local)} }

func held(n int, local string, minutes int, marks ...string) SessionHeld {
	return SessionHeld{Session: n, Slot: slot(local), Minutes: minutes, Nonconformities: marks, ReflectionsDue: []string{Mentee, Mentor}}
}

func hold(n int, local string, minutes int) HoldSession {
	return HoldSession{Session: n, At: at(local), Minutes: minutes}
}

func private(words string, kind domain.PrivateKind, readers domain.Readers, who ...domain.Person) domain.Private {
	return domain.Private{Text: words}.About(kind, readers, who...)
}

// Days of autumn 2023, a week apart; the clocks of London go back on 29 October.
const (
	day0 = "2023-10-17T16:00"
	day1 = "2023-10-24T16:00" // 15:00Z
	day2 = "2023-10-31T16:00" // 16:00Z
	day3 = "2023-11-07T16:00"
	day4 = "2023-11-14T16:00"
	nov  = "2023-11-30T12:00 Europe/Berlin"
)

func TestMatch(t *testing.T) {
	t.Parallel()
	type row = domaintest.Row[State, Event]
	note := domain.Private{Text: "she fell ill"}
	about := private("she fell ill", domain.Special, domain.Programme, "ana", "mia")
	propose := func(change func(*Propose)) Propose {
		c := Propose{Pair: pair, Previous: "m0", Rationale: domain.Private{Text: "both keep costumes"}, Placed: true, Joined: true, Terms: terms}
		if change != nil {
			change(&c)
		}
		return c
	}
	rationale := private("both keep costumes", domain.Personal, domain.Programme, "ana", "mia")
	rematch := events{Proposed{Pair: pair, Previous: "m0", Rationale: rationale, Terms: terms}}
	off := after(proposed, Declined{Side: Mentor})
	unwound := after(inForce, Unwound{NoFault: true})
	badZone := terms
	badZone.Zone = "CET"
	overdue := ContactOverdue{domain.Timer{Rule: "contact.mark_overdue", Due: contact, Fired: contact, Calendar: "berlin@2023", Tzdata: "2023c"}}
	plan3 := after(inForce, scheduled(1, day1), scheduled(2, day2), scheduled(3, day3))
	inPerson := at(day1)
	inPerson.Mode = "in_person"
	onSite := held(1, day1, 60, "outside_plan_mode")
	onSite.Mode = "in_person"
	gap := At{Local: "2023-03-26T01:30", Zone: "Europe/London", Mode: "online"}
	three := after(inForce, held(1, day1, 60), held(2, day2, 60), held(3, day3, 60))
	four := after(three, held(4, day4, 60, "over_max_sessions"))
	closing := hold(4, day4, 100)
	closing.Over = true
	afterClose := hold(1, day1, 75)
	afterClose.Over = true
	reflect := func(side, kind string, n int) FileReflection {
		return FileReflection{Side: side, Kind: kind, Session: n, Text: domain.Private{Text: "I dared to ask"}}
	}
	reflected := func(side, kind string, n int, who domain.Person) ReflectionFiled {
		return ReflectionFiled{side, kind, n, 4, private("I dared to ask", domain.Personal, domain.Pair, who)}
	}
	met := after(inForce, held(1, day1, 60), held(2, day2, 45, "under_min_duration"), held(3, day3, 90), ReflectionFiled{Side: Mentee, Kind: "final"})
	short := after(inForce, held(1, day1, 60), held(2, day2, 45, "under_min_duration"))
	completed := after(met, Completed{Basis: "rule", Rule: "1", Sessions: []int{1, 3}, Finals: []string{Mentee}})

	domaintest.Run(t, []row{
		{Name: "S1: a rematch is proposed", When: propose(nil), Then: rematch},
		{Name: "under a name of its own", Given: proposed, When: propose(func(c *Propose) { c.Mentor = "max" }), Err: ErrExists},
		{Name: "also after it was declined", Given: off, When: propose(nil), Err: ErrExists},
		{Name: "of two people", When: propose(func(c *Propose) { c.Mentor = "ana" }), Err: ErrSelf},
		{Name: "in a cycle that runs", When: propose(func(c *Propose) { c.Over = true }), Err: ErrCycleOver},
		{Name: "for somebody with a place", When: propose(func(c *Propose) { c.Placed = false }), Err: ErrNoPlace},
		{Name: "with somebody in a pool", When: propose(func(c *Propose) { c.Joined = false }), Err: ErrMentor},

		{Name: "11: one side accepts", Given: proposed, When: Accept{Side: Mentor}, Then: events{Accepted{Side: Mentor}}},
		{Name: "11: then the other", Given: agreeable[:2], When: Accept{Side: Mentor}, Then: agreeable[2:]},
		{Name: "11: a third does not", Given: proposed, When: Accept{Side: "museum"}, Err: ErrSide},
		{Name: "11: nobody accepts what is not proposed", When: Accept{Side: Mentor}, Err: ErrUnknown},
		{Name: "11: nor what was declined", Given: off, When: Accept{Side: Mentee}, Err: ErrPhase},
		{Name: "11: one side declines", Given: agreeable[:2], When: Decline{Side: Mentor, Note: domain.Private{Text: "no time"}}, Then: events{Declined{Mentor, private("no time", domain.Personal, domain.Programme, "mia")}}},
		{Name: "11: a third does not decline", Given: proposed, When: Decline{}, Err: ErrSide},
		{Name: "11: nor anybody what is made", Given: active, When: Decline{Side: Mentee}, Err: ErrPhase},
		{Name: "11: a match needs both sides", Given: agreeable[:2], When: Make{}, Err: ErrNotBoth},
		{Name: "11: S1: then it is made, with two weeks for the first contact", Given: agreeable, Now: "2023-09-06T12:00 Europe/Berlin", When: Make{}, Then: active[3:]},
		{Name: "what is declined is not made", Given: off, When: Make{}, Err: ErrPhase},
		{Name: "in a zone that is one", Given: after(events{Proposed{Pair: pair, Terms: badZone}}, agreeable[1:]...), When: Make{}, Err: when.ErrZoneAbbreviation},

		{Name: "S1: a match is unwound, by nobody's fault", Given: active, When: Unwind{NoFault: true, Note: note}, Then: events{Unwound{NoFault: true, Note: about}}},
		{Name: "what is not made is not unwound", Given: agreeable, When: Unwind{}, Err: ErrPhase},
		{Name: "a match ends early", Given: active, When: End{Note: note}, Then: events{Ended{about}}},
		{Name: "not when it is unwound", Given: unwound, When: End{}, Err: ErrPhase},

		{Name: "12: one side signs", Given: active, When: SignAgreement{Side: Mentee, Version: "1"}, Then: signed[4:]},
		{Name: "12: when the other does, it is in force", Given: signed, When: SignAgreement{Side: Mentor, Version: "1"}, Then: inForce[5:]},
		{Name: "12: not by another version", Given: signed, When: SignAgreement{Side: Mentor, Version: "2"}, Err: ErrVersion},
		{Name: "12: nor by a third side", Given: signed, When: SignAgreement{Side: "museum", Version: "1"}, Err: ErrSide},
		{Name: "12: not before the match is made", Given: agreeable, When: SignAgreement{Side: Mentor, Version: "1"}, Err: ErrPhase},
		{Name: "12: nor without one", When: SignAgreement{Side: Mentor, Version: "1"}, Err: ErrUnknown},

		{Name: "the mentee writes to the mentor", Given: active, When: MakeContact{Side: Mentee}, Then: events{ContactMade{Mentee}}},
		{Name: "S1: also when that is overdue", Given: after(active, overdue), When: MakeContact{Side: Mentee}, Then: events{ContactMade{Mentee}}},
		{Name: "not before they are matched", Given: agreeable, When: MakeContact{Side: Mentee}, Err: ErrPhase},
		{Name: "no museum writes", Given: active, When: MakeContact{}, Err: ErrSide},
		{Name: "S1: after two weeks the contact is overdue", Given: active, Now: "2023-09-20T12:00 Europe/Berlin", When: MarkContactOverdue{Tzdata: "2023c"}, Then: events{overdue}},
		{Name: "not a minute before", Given: active, Now: "2023-09-20T11:59 Europe/Berlin", When: MarkContactOverdue{}, Err: domain.ErrNotDue},
		{Name: "nor when it was made", Given: after(active, ContactMade{Mentee}), Now: nov, When: MarkContactOverdue{}},
		{Name: "nor when all is over", Given: unwound, Now: nov, When: MarkContactOverdue{}},

		{Name: "13: S1: a session is scheduled", Given: inForce, When: ScheduleSession{Session: 1, At: at(day1)}, Then: events{scheduled(1, day1)}},
		{Name: "13: not before the agreement is in force", Given: signed, When: ScheduleSession{Session: 1, At: at(day1)}, Err: ErrAgreement},
		{Name: "13: S1: a fourth is beyond the plan", Given: plan3, When: ScheduleSession{Session: 4, At: at(day4)}, Err: ErrPlanFull},
		{Name: "13: unless one was cancelled", Given: after(plan3, SessionCancelled{2}), When: ScheduleSession{Session: 4, At: at(day4)}, Then: events{scheduled(4, day4)}},
		{Name: "13: or missed", Given: after(plan3, SessionMissed{Session: 2, Side: Mentee}), When: ScheduleSession{Session: 4, At: at(day4)}, Then: events{scheduled(4, day4)}},
		{Name: "a session has a number", Given: inForce, When: ScheduleSession{At: at(day1)}, Err: ErrSession},
		{Name: "of its own", Given: plan3, When: ScheduleSession{Session: 1, At: at(day4)}, Err: ErrScheduled},
		{Name: "in a mode of the plan", Given: inForce, When: ScheduleSession{Session: 1, At: inPerson}, Err: ErrMode},
		{Name: "at a time that is one", Given: inForce, When: ScheduleSession{Session: 1, At: gap}, Err: when.ErrTimeInGap},
		{Name: "no session without a match", When: ScheduleSession{Session: 1, At: at(day1)}, Err: ErrUnknown},

		{Name: "S1: a session is moved", Given: plan3, When: RescheduleSession{Session: 1, At: at(day0)}, Then: events{SessionRescheduled{1, slot(day1), slot(day0), 1}}},
		{Name: "and again", Given: after(plan3, SessionRescheduled{1, slot(day1), slot(day0), 1}), When: RescheduleSession{Session: 1, At: at(day1)}, Then: events{SessionRescheduled{1, slot(day0), slot(day1), 2}}},
		{Name: "not one that is not scheduled", Given: plan3, When: RescheduleSession{Session: 4, At: at(day4)}, Err: ErrNoSession},
		{Name: "nor one that is over", Given: after(plan3, held(1, day1, 60)), When: RescheduleSession{Session: 1, At: at(day4)}, Err: ErrSettled},
		{Name: "nor out of the plan's modes", Given: plan3, When: RescheduleSession{Session: 1, At: inPerson}, Err: ErrMode},
		{Name: "nor to a time that is none", Given: plan3, When: RescheduleSession{Session: 1, At: gap}, Err: when.ErrTimeInGap},
		{Name: "S1: a session is cancelled", Given: plan3, When: CancelSession{Session: 3}, Then: events{SessionCancelled{3}}},
		{Name: "not one that is not known", Given: plan3, When: CancelSession{Session: 4}, Err: ErrNoSession},
		{Name: "nor one that was held", Given: three, When: CancelSession{Session: 3}, Err: ErrSettled},
		{Name: "S1: a session is missed, with notice, before its time", Given: plan3, Now: "2023-10-24T12:00 Europe/London", When: MissSession{Session: 1, Side: Mentee, Notice: true}, Then: events{SessionMissed{1, Mentee, true}}},
		{Name: "without notice not before", Given: plan3, Now: "2023-10-24T15:59 Europe/London", When: MissSession{Session: 1, Side: Mentee}, Err: ErrFuture},
		{Name: "but then", Given: plan3, Now: "2023-10-24T16:00 Europe/London", When: MissSession{Session: 1, Side: Mentor}, Then: events{SessionMissed{Session: 1, Side: Mentor}}},
		{Name: "not one that is not there", Given: plan3, Now: nov, When: MissSession{Session: 4, Side: Mentee}, Err: ErrNoSession},
		{Name: "nor one that was", Given: three, Now: nov, When: MissSession{Session: 3, Side: Mentee}, Err: ErrSettled},
		{Name: "by one of the two", Given: plan3, Now: nov, When: MissSession{Session: 1}, Err: ErrSide},

		{Name: "13: S1: a session is recorded", Given: plan3, Now: nov, When: hold(1, day1, 90), Then: events{held(1, day1, 90)}},
		{Name: "13: at the same wall time after the clocks went back", Given: plan3, Now: nov, When: hold(2, day2, 60), Then: events{held(2, day2, 60)}},
		{Name: "13: S1: a short one is marked", Given: plan3, Now: nov, When: hold(1, day1, 59), Then: events{held(1, day1, 59, "under_min_duration")}},
		{Name: "13: a long one, too", Given: plan3, Now: nov, When: hold(1, day1, 91), Then: events{held(1, day1, 91, "over_max_duration")}},
		{Name: "13: one before the agreement is recorded and marked", Given: signed, Now: nov, When: hold(1, day1, 60), Then: events{held(1, day1, 60, "before_agreement")}},
		{Name: "13: so is one before they were matched", Given: proposed, Now: nov, When: hold(1, day1, 60), Then: events{held(1, day1, 60, "before_agreement", "not_active")}},
		{Name: "13: so is one out of the plan's modes", Given: inForce, Now: nov, When: HoldSession{Session: 1, At: inPerson, Minutes: 60}, Then: events{onSite}},
		{Name: "13: so is a fourth, and what else is wrong with it", Given: three, Now: nov, When: closing, Then: events{held(4, day4, 100, "over_max_duration", "over_max_sessions", "after_cycle_close")}},
		{Name: "13: also where it was scheduled before the others were held", Given: after(inForce, append(events{scheduled(4, day4)}, three[len(inForce):]...)...), Now: nov, When: hold(4, day4, 60), Then: events{held(4, day4, 60, "over_max_sessions")}},
		{Name: "13: but not where the others are only scheduled", Given: plan3, Now: nov, When: hold(4, day4, 60), Then: events{held(4, day4, 60)}},
		{Name: "a session is recorded once", Given: three, Now: nov, When: hold(1, day1, 61), Err: ErrHeld},
		{Name: "14: it lasts a minute", Given: inForce, Now: nov, When: hold(1, day1, 0), Err: ErrMinutes},
		{Name: "14: to a day", Given: inForce, Now: nov, When: hold(1, day1, 24*60+1), Err: ErrMinutes},
		{Name: "14: a minute is one", Given: inForce, Now: nov, When: hold(1, day1, 1), Then: events{held(1, day1, 1, "under_min_duration")}},
		{Name: "14: and a day", Given: inForce, Now: nov, When: hold(1, day1, 24*60), Then: events{held(1, day1, 24*60, "over_max_duration")}},
		{Name: "14: and is not ahead", Given: plan3, Now: "2023-10-24T15:59 Europe/London", When: hold(1, day1, 60), Err: ErrFuture},
		{Name: "a session that was held has a number, too", Given: inForce, Now: nov, When: hold(0, day1, 60), Err: ErrSession},
		{Name: "and a time", Given: inForce, Now: nov, When: HoldSession{Session: 1, At: gap, Minutes: 60}, Err: when.ErrTimeInGap},
		{Name: "and people", Now: nov, When: hold(1, day1, 60), Err: ErrUnknown},

		{Name: "a record is corrected", Given: met, Now: nov, When: CorrectSession{hold(2, day2, 65)}, Then: events{SessionCorrected(held(2, day2, 65))}},
		{Name: "and marked by what it says", Given: met, Now: nov, When: CorrectSession{hold(1, day1, 55)}, Then: events{SessionCorrected(held(1, day1, 55, "under_min_duration"))}},
		{Name: "13: a correction of the first is not beyond the plan", Given: four, Now: nov, When: CorrectSession{hold(1, day1, 75)}, Then: events{SessionCorrected(held(1, day1, 75))}},
		{Name: "13: that of the fourth still is", Given: four, Now: nov, When: CorrectSession{hold(4, day4, 75)}, Then: events{SessionCorrected(held(4, day4, 75, "over_max_sessions"))}},
		{
			Name: "13: what was before the agreement stays so", Given: after(after(active, held(1, day1, 60, "before_agreement")), inForce[4:]...), Now: nov,
			When: CorrectSession{hold(1, day1, 75)}, Then: events{SessionCorrected(held(1, day1, 75, "before_agreement"))},
		},
		{Name: "13: a slip put right after closing is not held after closing", Given: three, Now: nov, When: CorrectSession{afterClose}, Then: events{SessionCorrected(held(1, day1, 75))}},
		{Name: "what was never held is not corrected", Given: plan3, Now: nov, When: CorrectSession{hold(1, day1, 75)}, Err: ErrNoSession},
		{Name: "14: nor into the future", Given: three, Now: "2023-11-08T12:00 Europe/London", When: CorrectSession{hold(1, day4, 60)}, Err: ErrFuture},

		{Name: "16: S1: the mentee reflects on a session, between the two", Given: three, When: reflect(Mentee, "session", 2), Then: events{reflected(Mentee, "session", 2, "ana")}, Again: ErrFiled},
		{Name: "16: so does the mentor", Given: three, When: reflect(Mentor, "session", 2), Then: events{reflected(Mentor, "session", 2, "mia")}, Again: ErrFiled},
		{Name: "16: and at the end", Given: three, When: reflect(Mentee, "final", 0), Then: events{reflected(Mentee, "final", 0, "ana")}, Again: ErrFiled},
		{Name: "the end has no number", Given: three, When: reflect(Mentee, "final", 1), Err: ErrReflection},
		{Name: "nobody reflects midway", Given: three, When: reflect(Mentee, "mid", 1), Err: ErrReflection},
		{Name: "nor on what was not held", Given: plan3, When: reflect(Mentee, "session", 1), Err: ErrNoSession},
		{Name: "nor from outside", Given: three, When: reflect("funder", "final", 0), Err: ErrSide},
		{Name: "nor on nothing", When: reflect(Mentee, "final", 0), Err: ErrUnknown},

		{Name: "15: S1: a match is complete by the rule, and says by what", Given: met, When: CompleteMatch{}, Then: completed[len(met):]},
		{Name: "15: not by a session that does not conform", Given: after(short, ReflectionFiled{Side: Mentee, Kind: "final"}), When: CompleteMatch{}, Err: ErrIncomplete},
		{Name: "15: a correction counts", Given: after(short, ReflectionFiled{Side: Mentee, Kind: "final"}, SessionCorrected(held(2, day2, 60))), When: CompleteMatch{}, Then: events{Completed{"rule", "1", []int{1, 2}, []string{Mentee}}}},
		{Name: "15: nor without the final reflection", Given: three, When: CompleteMatch{}, Err: ErrIncomplete},
		{Name: "15: nor by the mentor's", Given: after(three, ReflectionFiled{Side: Mentor, Kind: "final"}), When: CompleteMatch{}, Err: ErrIncomplete},
		{Name: "15: nor when it is unwound", Given: unwound, When: CompleteMatch{}, Err: ErrPhase},
		{
			Name: "25: S1: the rule is waived, and what was unmet is kept", Given: short, When: WaiveCompletion{Note: note},
			Then: events{
				CompletionWaived{"1", "1 of 2 conforming sessions, no final reflection by the mentee", private("she fell ill", domain.Personal, domain.Programme, "ana", "mia")},
				Completed{Basis: "waiver", Rule: "1", Sessions: []int{1}},
			},
		},
		{Name: "25: where there is something to waive", Given: met, When: WaiveCompletion{}, Err: ErrMet},
		{Name: "25: and somebody to waive it for", Given: proposed, When: WaiveCompletion{}, Err: ErrPhase},
	})
}

func TestAMatchTellsItsPhaseAndItsPeople(t *testing.T) {
	t.Parallel()
	s := State{}
	require.Empty(t, s.Subjects())
	for _, step := range []struct {
		event Event
		phase Phase
		over  bool
	}{
		{proposed[0], Proposal, false}, {Declined{}, Off, true}, {Made{}, Active, false}, {Unwound{}, Unwinding, true},
		{CompletionWaived{}, Unwinding, true}, {Completed{}, Complete, true}, {Ended{}, EndedEarly, true},
	} {
		s = s.Apply(step.event)
		require.Equal(t, step.phase, s.Phase())
		require.Equal(t, step.over, s.Phase().Over())
	}
	require.Equal(t, pair, s.Pair())
	require.Equal(t, []domain.Person{"ana", "mia"}, s.Subjects())
	require.Equal(t, []string{"over_max_sessions"}, held(4, day4, 60, "over_max_sessions").Marks())
	require.Equal(t, []string{"over_max_sessions"}, SessionCorrected(held(4, day4, 60, "over_max_sessions")).Marks())
	require.Equal(t, slot(day1).Start, hold(1, day1, 60).OccurredAt())
	require.Zero(t, hold(1, "soon", 60).OccurredAt())
}

func TestAMatchIsNamedWithinItsCycle(t *testing.T) {
	t.Parallel()
	id := ID{Cycle: "autumn", Match: "m1"}
	require.NoError(t, id.Check())
	require.Equal(t, "match-autumn.m1", id.Stream())
	require.Equal(t, "cycle/autumn", id.Book())
	require.Equal(t, id, ParseStream(id.Stream()))
	require.ErrorIs(t, ID{Match: "m1"}.Check(), domain.ErrSlug)
	require.ErrorIs(t, ID{Cycle: "autumn"}.Check(), domain.ErrSlug)
}

// 11 to 13, and 15, whatever two people and a coordinator ask for, in
// whatever order.
func TestInvariants11To15HoldForAnyCourseOfAMatch(t *testing.T) {
	t.Parallel()
	local := []string{day0, day1, day2, day3, day4}
	now := domaintest.At(nov)
	sides := rapid.SampledFrom([]string{Mentee, Mentor})
	rapid.Check(t, func(t *rapid.T) {
		var s State
		accepted, versions := map[string]bool{}, map[string]string{}
		plan, inForce, conforming := 0, false, map[int]bool{}
		for range 60 {
			side := sides.Draw(t, "side")
			n := rapid.IntRange(1, 7).Draw(t, "session")
			on := at(rapid.SampledFrom(local).Draw(t, "day"))
			record := HoldSession{Session: n, At: on, Minutes: rapid.SampledFrom([]int{45, 60, 90, 120}).Draw(t, "minutes")}
			cmd := rapid.SampledFrom([]command{
				Propose{Pair: pair, Placed: true, Joined: true, Terms: terms}, Accept{Side: side}, Accept{Side: side}, Make{}, Make{}, Decline{Side: side},
				SignAgreement{Side: side, Version: "1"}, SignAgreement{Side: side, Version: rapid.SampledFrom([]string{"1", "2"}).Draw(t, "version")},
				ScheduleSession{Session: n, At: on}, ScheduleSession{Session: n, At: on}, RescheduleSession{Session: n, At: on}, CancelSession{Session: n},
				MissSession{Session: n, Side: side}, record, record, CorrectSession{record}, FileReflection{Side: side, Kind: "final"}, CompleteMatch{}, Unwind{},
			}).Draw(t, "command")
			switch cmd.(type) {
			case Decline, Unwind: // rarely, or nothing gets far
				if rapid.IntRange(0, 9).Draw(t, "really") > 0 {
					continue
				}
			}
			before := s
			got, err := cmd.Decide(s, now)
			if _, ok := cmd.(HoldSession); ok && before.Phase() != None {
				require.True(t, err == nil || err == error(ErrHeld), "13: a record is never refused: %v", err)
			}
			for _, e := range got {
				s = s.Apply(e)
				switch e := e.(type) {
				case Accepted:
					accepted[e.Side] = true
					require.Equal(t, len(accepted) == 2, e.Both)
				case Made:
					require.Len(t, accepted, 2, "11: a match needs both sides")
				case AgreementSigned:
					versions[e.Side] = e.Version
				case AgreementInForce:
					inForce = true
				case SessionScheduled:
					require.True(t, inForce, "13: not before the agreement")
					plan++
				case SessionCancelled, SessionMissed:
					plan--
				case SessionHeld:
					require.Equal(t, !inForce, slices.Contains(e.Nonconformities, "before_agreement"))
					conforming[e.Session] = len(e.Nonconformities) == 0
				case SessionCorrected:
					conforming[e.Session] = len(e.Nonconformities) == 0
				case Completed:
					count := 0
					for _, ok := range conforming {
						if ok {
							count++
						}
					}
					require.Len(t, e.Sessions, count, "15: every conforming session, and no other")
					require.GreaterOrEqual(t, count, terms.Completion.ConformingSessions)
				}
				require.LessOrEqual(t, plan, terms.Sessions.Max, "13: never scheduled beyond the plan")
			}
			require.Equal(t, versions[Mentee] != "" && versions[Mentee] == versions[Mentor], inForce, "12: in force when both signed the same version, and only then")
		}
	})
}
