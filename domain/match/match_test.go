package match_test

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/domaintest"
	. "github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/when"
)

type (
	events  = []Event
	command interface {
		Decide(State, time.Time) ([]Event, error)
	}
)

var (
	mentee, mentor, museum = Acting{Mentee}, Acting{Mentor}, Acting{"museum"}

	pair  = Pair{Mentee: "ana", Mentor: "mia"}
	terms = func() Terms {
		d := domaintest.Nemo()
		return Terms{
			Sessions: d.Sessions, Reflections: d.Reflection, Completion: d.Completion, Agreement: d.Agreement.Version, Clauses: d.Agreement.Hash(),
			FirstContact: d.Match.FirstContactWithin, Zone: d.Zone, Calendar: d.Calendar,
		}
	}()
	made      = domaintest.At("2023-09-06T12:00 Europe/Berlin")
	contact   = domaintest.At("2023-09-20T12:00 Europe/Berlin")
	proposed  = events{Proposed{Pair: pair, Terms: terms}}
	agreeable = after(proposed, Accepted{Side: Mentee}, Accepted{Side: Mentor, Both: true})
	active    = after(agreeable, Made{Pair: pair, Made: made, ContactDue: contact, Told: when.Told{Local: "2023-09-20T12:00:00+02:00", Zone: "Europe/Berlin"}, Calendar: "berlin@2023"})
	thursday  = domaintest.At(sept7)
	friday    = domaintest.At(sept8)
	signed    = after(active, AgreementSigned{Mentee, "1", terms.Clauses, thursday})
	inForce   = after(signed, AgreementSigned{Mentor, "1", terms.Clauses, friday}, AgreementInForce{"1", friday})
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
	sept7 = "2023-09-07T10:00 Europe/Berlin"
	sept8 = "2023-09-08T10:00 Europe/Berlin"

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
	suggested := func(mentor domain.Person, reason string) Propose {
		return propose(func(c *Propose) { c.Run, c.Suggested, c.Reason = "r1", mentor, reason })
	}
	ran := func(override bool) events {
		return events{Proposed{Pair: pair, Previous: "m0", Rationale: rationale, Terms: terms, Run: "r1", Override: override}}
	}
	rematch := events{Proposed{Pair: pair, Previous: "m0", Rationale: rationale, Terms: terms}}
	off := after(proposed, Declined{Side: Mentor})
	unwound := after(inForce, Unwound{NoFault: true})
	working := terms
	working.FirstContact = when.Offset{WorkingDays: 5}
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
	byAuthor := terms
	byAuthor.Reflections.Custody = programme.ByAuthor
	keeping := after(events{Proposed{Pair: pair, Terms: byAuthor}}, three[1:]...)
	sum := strings.Repeat("0f", 32)
	four := after(three, held(4, day4, 60, "over_max_sessions"))
	closing := hold(4, day4, 100)
	closing.Over = true
	afterClose := hold(1, day1, 75)
	afterClose.Over = true
	reflect := func(side, kind string, n int) FileReflection {
		return FileReflection{Acting: Acting{side}, Kind: kind, Session: n, Text: domain.Private{Text: "I dared to ask"}}
	}
	reflected := func(side, kind string, n int, who domain.Person) ReflectionFiled {
		return ReflectionFiled{Side: side, Kind: kind, Session: n, Words: 4, Text: private("I dared to ask", domain.Personal, domain.Pair, who)}
	}
	// Both had signed on paper when they met; it is keyed in afterwards.
	at1, at2 := slot(day1).Start, slot(day2).Start
	paper := func(mentees, mentors time.Time) events {
		from := mentees
		if mentors.After(from) {
			from = mentors
		}
		return events{AgreementSigned{Mentee, "1", terms.Clauses, mentees}, AgreementSigned{Mentor, "1", terms.Clauses, mentors}, AgreementInForce{"1", from}}
	}
	unsigned := after(active, held(1, day1, 60, "before_agreement"))
	letter := func(side string, at time.Time) Accepted { return Accepted{Side: side, At: at} }
	both := func(e Accepted) Accepted { e.Both = true; return e }
	retract := func(n int, day string) SessionRetracted { return SessionRetracted{Session: n, Slot: slot(day)} }
	retracted := retract(2, day2)
	completedWith, closedWith := retracted, retracted
	closedWith.Nonconformities = []string{"after_cycle_close"}
	completedWith.Nonconformities = []string{"after_completion"}
	met := after(inForce, held(1, day1, 60), held(2, day2, 45, "under_min_duration"), held(3, day3, 90), ReflectionFiled{Side: Mentee, Kind: "final"})
	short := after(inForce, held(1, day1, 60), held(2, day2, 45, "under_min_duration"))
	completed := after(met, Completed{Basis: "rule", Rule: "1", Sessions: []int{1, 3}, Finals: []string{Mentee}, At: domaintest.At(nov)})

	domaintest.Run(t, []row{
		{Name: "S1: a rematch is proposed", When: propose(nil), Then: rematch},
		{Name: "under a name of its own", Given: proposed, When: propose(func(c *Propose) { c.Mentor = "max" }), Err: ErrExists},
		{Name: "also after it was declined", Given: off, When: propose(nil), Err: ErrExists},
		{Name: "of two people", When: propose(func(c *Propose) { c.Mentor = "ana" }), Err: ErrSelf},
		{Name: "in a cycle that runs", When: propose(func(c *Propose) { c.Over = true }), Err: ErrCycleOver},
		{Name: "a match is proposed as a run has it", When: suggested("mia", ""), Then: ran(false)},
		{Name: "or otherwise, with a reason", When: suggested("max", "mentee_asked"), Then: ran(true)},
		{Name: "also where the run has nobody", When: suggested("", "mentee_asked"), Then: ran(true)},
		{Name: "not without one", When: suggested("max", ""), Err: ErrOverride},
		{Name: "for somebody with a place", When: propose(func(c *Propose) { c.Placed = false }), Err: ErrNoPlace},
		{Name: "with somebody in a pool", When: propose(func(c *Propose) { c.Joined = false }), Err: ErrMentor},

		{Name: "11: one side accepts", Given: proposed, When: Accept{Acting: mentor}, Then: events{Accepted{Side: Mentor}}},
		{Name: "11: then the other", Given: agreeable[:2], When: Accept{Acting: mentor}, Then: agreeable[2:]},
		{Name: "11: a third does not", Given: proposed, When: Accept{Acting: museum}, Err: ErrSide},
		{Name: "11: nobody accepts what is not proposed", When: Accept{Acting: mentor}, Err: ErrUnknown},
		{Name: "11: nor what was declined", Given: off, When: Accept{Acting: mentee}, Err: ErrPhase},
		{Name: "11: by a letter that is keyed in later", Given: proposed, Now: nov, When: Accept{Acting: mentor, Accepted: thursday, Actor: "cora"}, Then: events{letter(Mentor, thursday)}},
		{Name: "11: which nobody says of themselves", Given: proposed, Now: nov, When: Accept{Acting: mentor, Accepted: thursday, Actor: "mia"}, Err: ErrBackdate},
		{Name: "11: nor before it is so", Given: proposed, Now: sept7, When: Accept{Acting: mentor, Accepted: friday, Actor: "cora"}, Err: ErrFuture},
		{Name: "it was proposed before now", Now: sept7, When: propose(func(c *Propose) { c.Proposed = friday }), Err: ErrFuture},
		{Name: "11: it is made when the later letter came, and contact is due from now on", Given: after(proposed, letter(Mentor, friday), both(letter(Mentee, thursday))), Now: "2023-09-13T12:00 Europe/Berlin", When: Make{}, Then: events{
			Made{Pair: pair, Made: friday, ContactDue: domaintest.At("2023-09-27T12:00 Europe/Berlin"), Told: when.Told{Local: "2023-09-27T12:00:00+02:00", Zone: "Europe/Berlin"}, Calendar: "berlin@2023"},
		}},
		{Name: "11: or now, where the mentor had no room before", Given: after(proposed, letter(Mentor, friday), both(letter(Mentee, thursday))), Now: "2023-09-13T12:00 Europe/Berlin", When: Make{Waited: true}, Then: events{
			Made{Pair: pair, Made: domaintest.At("2023-09-13T12:00 Europe/Berlin"), ContactDue: domaintest.At("2023-09-27T12:00 Europe/Berlin"), Told: when.Told{Local: "2023-09-27T12:00:00+02:00", Zone: "Europe/Berlin"}, Calendar: "berlin@2023"},
		}},
		{Name: "11: or now, where only one of the two said when", Given: after(proposed, letter(Mentor, friday), Accepted{Side: Mentee, Both: true}), Now: "2023-09-13T12:00 Europe/Berlin", When: Make{}, Then: events{
			Made{Pair: pair, Made: domaintest.At("2023-09-13T12:00 Europe/Berlin"), ContactDue: domaintest.At("2023-09-27T12:00 Europe/Berlin"), Told: when.Told{Local: "2023-09-27T12:00:00+02:00", Zone: "Europe/Berlin"}, Calendar: "berlin@2023"},
		}},
		{Name: "11: one side declines", Given: agreeable[:2], When: Decline{Acting: mentor, Note: domain.Private{Text: "no time"}}, Then: events{Declined{Mentor, private("no time", domain.Personal, domain.Programme, "mia")}}},
		{Name: "11: a third does not decline", Given: proposed, When: Decline{}, Err: ErrSide},
		{Name: "11: nor anybody what is made", Given: active, When: Decline{Acting: mentee}, Err: ErrPhase},
		{Name: "11: a match needs both sides", Given: agreeable[:2], When: Make{}, Err: ErrNotBoth},
		{Name: "11: S1: then it is made, with two weeks for the first contact", Given: agreeable, Now: "2023-09-06T12:00 Europe/Berlin", When: Make{}, Then: active[3:]},
		{Name: "a first contact that is counted over the end of the calendar is told", Given: after(events{Proposed{Pair: pair, Terms: working}}, agreeable[1:]...), Now: "2023-12-28T12:00 Europe/Berlin", When: Make{}, Then: events{
			Made{Pair: pair, Made: domaintest.At("2023-12-28T12:00 Europe/Berlin"), ContactDue: domaintest.At("2024-01-04T12:00 Europe/Berlin"), Told: when.Told{Local: "2024-01-04T12:00:00+01:00", Zone: "Europe/Berlin"}, Calendar: "berlin@2023", Unsure: []int{2024}},
		}},
		{Name: "what is declined is not made", Given: off, When: Make{}, Err: ErrPhase},
		{Name: "in a zone that is one", Given: after(events{Proposed{Pair: pair, Terms: badZone}}, agreeable[1:]...), When: Make{}, Err: when.ErrZoneAbbreviation},

		{Name: "S1: a match is unwound, by nobody's fault", Given: active, Now: nov, When: Unwind{NoFault: true, Note: note}, Then: events{Unwound{NoFault: true, Note: about, At: domaintest.At(nov)}}},
		{Name: "what is not made is not unwound", Given: agreeable, When: Unwind{}, Err: ErrPhase},
		{Name: "a match ends early", Given: active, Now: nov, When: End{Note: note}, Then: events{Ended{about, domaintest.At(nov)}}},
		{Name: "not when it is unwound", Given: unwound, When: End{}, Err: ErrPhase},

		{Name: "12: one side signs", Given: active, Now: sept7, When: SignAgreement{Acting: mentee, Version: "1"}, Then: signed[4:]},
		{Name: "12: when the other does, it is in force", Given: signed, Now: sept8, When: SignAgreement{Acting: mentor, Version: "1"}, Then: inForce[5:]},
		{Name: "12: not by another version", Given: signed, Now: sept8, When: SignAgreement{Acting: mentor, Version: "2"}, Err: ErrVersion},
		{Name: "12: nor by a third side", Given: signed, Now: sept8, When: SignAgreement{Acting: museum, Version: "1"}, Err: ErrSide},
		{Name: "12: not before both have accepted", Given: agreeable[:2], Now: sept8, When: SignAgreement{Acting: mentor, Version: "1"}, Err: ErrPhase},
		{Name: "12: but before it is recorded that they are matched", Given: agreeable, Now: sept8, When: SignAgreement{Acting: mentor, Version: "1"}, Then: events{AgreementSigned{Mentor, "1", terms.Clauses, friday}}},
		{Name: "12: which is not in force before", Given: after(agreeable, AgreementSigned{Mentee, "1", terms.Clauses, friday}), Now: sept8, When: SignAgreement{Acting: mentor, Version: "1"}, Then: events{AgreementSigned{Mentor, "1", terms.Clauses, friday}}},
		{Name: "12: but then", Given: after(agreeable, AgreementSigned{Mentee, "1", terms.Clauses, thursday}, AgreementSigned{Mentor, "1", terms.Clauses, thursday}), Now: "2023-09-13T12:00 Europe/Berlin", When: Make{}, Then: events{
			Made{Pair: pair, Made: domaintest.At("2023-09-13T12:00 Europe/Berlin"), ContactDue: domaintest.At("2023-09-27T12:00 Europe/Berlin"), Told: when.Told{Local: "2023-09-27T12:00:00+02:00", Zone: "Europe/Berlin"}, Calendar: "berlin@2023"},
			AgreementInForce{"1", thursday},
		}},
		{Name: "12: since which day they are", Given: after(proposed, letter(Mentor, friday), both(letter(Mentee, thursday))), Now: nov, When: SignAgreement{ID{}, mentor, "1", thursday, "carla"}, Err: ErrEarly},
		{Name: "12: nor without one", Now: sept8, When: SignAgreement{Acting: mentor, Version: "1"}, Err: ErrUnknown},
		{Name: "12: what was signed on paper has the paper's date", Given: active, Now: nov, When: SignAgreement{ID{}, mentee, "1", thursday.In(time.FixedZone("", 7200)), "carla"}, Then: signed[4:]},
		{Name: "12: and is in force from then", Given: signed, Now: nov, When: SignAgreement{ID{}, mentor, "1", friday, "carla"}, Then: inForce[5:]},
		{
			Name: "12: or from when the other signed, if later", Given: after(active, paper(friday, friday)[0]), Now: nov, When: SignAgreement{ID{}, mentor, "1", thursday, "carla"},
			Then: paper(friday, thursday)[1:],
		},
		{Name: "12: nobody has signed yet what they will sign", Given: signed, Now: sept8, When: SignAgreement{ID{}, mentor, "1", friday.Add(1), "carla"}, Err: ErrFuture},

		{Name: "12: nor says on which day they signed themselves", Given: active, Now: nov, When: SignAgreement{ID{}, mentor, "1", friday, "mia"}, Err: ErrBackdate},
		{Name: "12: nor signed before the match was made", Given: active, Now: nov, When: SignAgreement{ID{}, mentor, "1", made.Add(-1), "carla"}, Err: ErrEarly},

		{Name: "the mentee writes to the mentor", Given: active, When: MakeContact{Acting: mentee}, Then: events{ContactMade{Mentee}}},
		{Name: "S1: also when that is overdue", Given: after(active, overdue), When: MakeContact{Acting: mentee}, Then: events{ContactMade{Mentee}}},
		{Name: "not before they are matched", Given: agreeable, When: MakeContact{Acting: mentee}, Err: ErrPhase},
		{Name: "no museum writes", Given: active, When: MakeContact{}, Err: ErrSide},
		{Name: "S1: after two weeks the contact is overdue", Given: active, Now: "2023-09-20T12:00 Europe/Berlin", When: MarkContactOverdue{Tzdata: "2023c"}, Then: events{overdue}},
		{Name: "not a minute before", Given: active, Now: "2023-09-20T11:59 Europe/Berlin", When: MarkContactOverdue{}, Err: domain.ErrNotDue},
		{Name: "nor when it was made", Given: after(active, ContactMade{Mentee}), Now: nov, When: MarkContactOverdue{}},
		{Name: "but when they met before they were matched", Given: after(proposed, held(1, day1, 60, "before_agreement", "not_active"), agreeable[1], agreeable[2], active[3]), Now: "2023-09-20T12:00 Europe/Berlin", When: MarkContactOverdue{Tzdata: "2023c"}, Then: events{overdue}},
		{Name: "nor when they have met", Given: after(active, held(1, day1, 60, "before_agreement")), Now: nov, When: MarkContactOverdue{}},
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
		{Name: "13: one before the last signature is recorded and marked", Given: after(active, paper(at1, at2)...), Now: nov, When: hold(1, day1, 60), Then: events{held(1, day1, 60, "before_agreement")}},
		{Name: "13: at that instant it is not", Given: after(active, paper(at1, at2)...), Now: nov, When: hold(2, day2, 60), Then: events{held(2, day2, 60)}},
		{Name: "13: nor where the papers were signed before", Given: after(active, paper(at1, thursday)...), Now: nov, When: hold(1, day1, 60), Then: events{held(1, day1, 60)}},
		{Name: "13: one before the agreement is recorded and marked", Given: signed, Now: nov, When: hold(1, day1, 60), Then: events{held(1, day1, 60, "before_agreement")}},
		{Name: "13: so is one before they were matched", Given: proposed, Now: nov, When: hold(1, day1, 60), Then: events{held(1, day1, 60, "before_agreement", "not_active")}},
		{Name: "13: so is one that began after the match was unwound", Given: after(inForce, Unwound{At: at1}), Now: nov, When: hold(2, day2, 60), Then: events{held(2, day2, 60, "after_match_end")}},
		{Name: "13: or ended", Given: after(inForce, Ended{At: at1}), Now: nov, When: hold(2, day2, 60), Then: events{held(2, day2, 60, "after_match_end")}},
		{Name: "13: or completed", Given: after(met, Completed{At: slot(day3).Start}), Now: nov, When: hold(4, day4, 60), Then: events{held(4, day4, 60, "over_max_sessions", "after_match_end")}},
		{Name: "13: but not one from before that is recorded late", Given: after(inForce, Ended{At: at2}), Now: nov, When: hold(2, day2, 60), Then: events{held(2, day2, 60)}},
		{Name: "13: nor where nobody said when", Given: unwound, Now: nov, When: hold(2, day2, 60), Then: events{held(2, day2, 60)}},
		{Name: "13: so is one out of the plan's modes", Given: inForce, Now: nov, When: HoldSession{Session: 1, At: inPerson, Minutes: 60}, Then: events{onSite}},
		{Name: "13: so is a fourth, and what else is wrong with it", Given: three, Now: nov, When: closing, Then: events{held(4, day4, 100, "over_max_duration", "over_max_sessions", "after_cycle_close")}},
		{Name: "13: also where it was scheduled before the others were held", Given: after(inForce, append(events{scheduled(4, day4)}, three[len(inForce):]...)...), Now: nov, When: hold(4, day4, 60), Then: events{held(4, day4, 60, "over_max_sessions")}},
		{Name: "13: but not where the others are only scheduled", Given: plan3, Now: nov, When: hold(4, day4, 60), Then: events{held(4, day4, 60)}},
		{Name: "a session is recorded once", Given: three, Now: nov, When: hold(1, day1, 61), Err: ErrHeld},
		{Name: "and under one number", Given: three, Now: nov, When: hold(4, day1, 60), Err: ErrTwice},
		{Name: "also where it was moved there", Given: after(inForce, scheduled(1, day2), held(2, day1, 60), SessionRescheduled{1, slot(day2), slot(day1), 1}), Now: nov, When: hold(1, day1, 60), Err: ErrTwice},
		{Name: "or is said to have been then", Given: met, Now: nov, When: CorrectSession{hold(1, day2, 60)}, Err: ErrTwice},
		{Name: "and after one that was a mistake", Given: after(three, retract(1, day1)), Now: nov, When: hold(4, day1, 60), Then: events{held(4, day1, 60)}},
		{Name: "but one of two that were planned for one time, once", Given: after(inForce, scheduled(1, day1), scheduled(2, day1)), Now: nov, When: hold(2, day1, 60), Then: events{held(2, day1, 60)}},
		{Name: "and not the other", Given: after(inForce, scheduled(1, day1), scheduled(2, day1), held(2, day1, 60)), Now: nov, When: hold(1, day1, 60), Err: ErrTwice},
		{Name: "two are not planned for one time", Given: after(inForce, scheduled(1, day1)), When: ScheduleSession{Session: 2, At: at(day1)}, Err: ErrTwice},
		{Name: "nor moved there", Given: after(inForce, scheduled(1, day1), scheduled(2, day2)), When: RescheduleSession{Session: 2, At: at(day1)}, Err: ErrTwice},
		{Name: "which it has where it was planned", Given: plan3, Now: nov, When: hold(4, day1, 60), Err: ErrTwice},
		{Name: "14: it lasts a minute", Given: inForce, Now: nov, When: hold(1, day1, 0), Err: ErrMinutes},
		{Name: "14: to a day", Given: inForce, Now: nov, When: hold(1, day1, 24*60+1), Err: ErrMinutes},
		{Name: "14: a minute is one", Given: inForce, Now: nov, When: hold(1, day1, 1), Then: events{held(1, day1, 1, "under_min_duration")}},
		{Name: "14: and a day", Given: inForce, Now: nov, When: hold(1, day1, 24*60), Then: events{held(1, day1, 24*60, "over_max_duration")}},
		{Name: "14: and is not ahead", Given: plan3, Now: "2023-10-24T15:59 Europe/London", When: hold(1, day1, 60), Err: ErrFuture},
		{Name: "14: nor going on", Given: plan3, Now: "2023-10-24T16:59 Europe/London", When: hold(1, day1, 60), Err: ErrFuture},
		{Name: "14: but over", Given: plan3, Now: "2023-10-24T17:00 Europe/London", When: hold(1, day1, 60), Then: events{held(1, day1, 60)}},
		{Name: "a session that was held has a number, too", Given: inForce, Now: nov, When: hold(-1, day1, 60), Err: ErrSession},
		{Name: "the next one, where none is said", Given: after(inForce, held(1, day1, 60), held(2, day2, 60)), Now: nov, When: hold(0, day4, 60), Then: events{held(3, day4, 60)}},
		{Name: "or that of the one planned for this time", Given: plan3, Now: nov, When: hold(0, day2, 60), Then: events{held(2, day2, 60)}},
		{Name: "once", Given: met, Now: nov, When: hold(0, day2, 45)},
		{Name: "as it was", Given: met, Now: nov, When: hold(0, day2, 61), Err: ErrHeld},
		{Name: "but it is said where one planned for another time may have been held", Given: plan3, Now: nov, When: hold(0, day4, 60), Err: ErrWhich},
		{Name: "whose time has come", Given: after(inForce, scheduled(1, day2)), Now: "2023-10-24T17:00 Europe/London", When: hold(0, day1, 60), Then: events{held(2, day1, 60)}},
		{Name: "or where several may", Given: plan3, Now: "2023-11-01T09:00 Europe/London", When: hold(0, day0, 60), Err: ErrWhich.Because(
			"1 if it was the one planned for 2023-10-24T16:00 Europe/London, 2 if it was the one planned for 2023-10-31T16:00 Europe/London, 4 if it was another")},
		{Name: "one that was called off for this time was held after all", Given: after(plan3, SessionCancelled{1}), Now: "2023-10-25T09:00 Europe/London", When: hold(0, day1, 60), Then: events{held(1, day1, 60)}},
		{Name: "or missed", Given: after(plan3, SessionMissed{1, Mentee, false}), Now: "2023-10-25T09:00 Europe/London", When: hold(0, day1, 60), Then: events{held(1, day1, 60)}},
		{Name: "unless another has it", Given: after(inForce, scheduled(1, day1), SessionCancelled{1}, scheduled(2, day1)), Now: nov, When: hold(0, day1, 60), Then: events{held(2, day1, 60)}},
		{Name: "not where what is said cannot be", Given: plan3, Now: nov, When: hold(0, day4, 0), Err: ErrMinutes},
		{Name: "what was retracted is not recorded again", Given: after(met, retracted), Now: nov, When: hold(0, day2, 60), Err: ErrRetracted},
		{Name: "nor what it was planned as", Given: after(inForce, scheduled(1, day1), held(1, day2, 60), retract(1, day2)), Now: nov, When: hold(0, day1, 60), Err: ErrRetracted},
		{Name: "in another zone it is the same time", Given: met, Now: nov, When: HoldSession{At: At{"2023-10-24T17:00", "Europe/Berlin", "online"}, Minutes: 60}},
		{Name: "also under its number", Given: met, Now: nov, When: HoldSession{Session: 1, At: At{"2023-10-24T17:00", "Europe/Berlin", "online"}, Minutes: 60}},
		{Name: "a correction names it", Given: met, Now: nov, When: CorrectSession{hold(0, day2, 61)}, Err: ErrNoSession},
		{Name: "and a time", Given: inForce, Now: nov, When: HoldSession{Session: 1, At: gap, Minutes: 60}, Err: when.ErrTimeInGap},
		{Name: "and people", Now: nov, When: hold(1, day1, 60), Err: ErrUnknown},

		{Name: "a record is corrected", Given: met, Now: nov, When: CorrectSession{hold(2, day2, 65)}, Then: events{SessionCorrected(held(2, day2, 65))}},
		{Name: "and marked by what it says", Given: met, Now: nov, When: CorrectSession{hold(1, day1, 55)}, Then: events{SessionCorrected(held(1, day1, 55, "under_min_duration"))}},
		{Name: "13: a correction of the first is not beyond the plan", Given: four, Now: nov, When: CorrectSession{hold(1, day1, 75)}, Then: events{SessionCorrected(held(1, day1, 75))}},
		{Name: "13: that of the fourth still is", Given: four, Now: nov, When: CorrectSession{hold(4, day4, 75)}, Then: events{SessionCorrected(held(4, day4, 75, "over_max_sessions"))}},
		{
			Name: "13: what was before the agreement stays so", Given: after(unsigned, paper(thursday, at2)...), Now: nov,
			When: CorrectSession{hold(1, day1, 75)}, Then: events{SessionCorrected(held(1, day1, 75, "before_agreement"))},
		},
		{Name: "13: unless papers tell otherwise", Given: after(unsigned, paper(thursday, at1)...), Now: nov, When: CorrectSession{hold(1, day1, 75)}, Then: events{SessionCorrected(held(1, day1, 75))}},
		{Name: "13: also where nothing else is corrected", Given: after(unsigned, paper(thursday, at1)...), Now: nov, When: CorrectSession{hold(1, day1, 60)}, Then: events{SessionCorrected(held(1, day1, 60))}},
		{Name: "13: where they do not, nothing is", Given: after(unsigned, paper(thursday, at2)...), Now: nov, When: CorrectSession{hold(1, day1, 60)}},
		{Name: "13: or it was on a day before them", Given: after(active, append(paper(thursday, at1), held(1, day1, 60))...), Now: nov, When: CorrectSession{hold(1, day0, 60)}, Then: events{SessionCorrected(held(1, day0, 60, "before_agreement"))}},
		{Name: "13: a slip put right after closing is not held after closing", Given: three, Now: nov, When: CorrectSession{afterClose}, Then: events{SessionCorrected(held(1, day1, 75))}},
		{Name: "13: nor to a day after the match, without a mark", Given: after(three, Ended{At: slot(day3).Start}), Now: nov, When: CorrectSession{hold(3, day4, 60)}, Then: events{SessionCorrected(held(3, day4, 60, "after_match_end"))}},
		{Name: "one that was not held is retracted", Given: met, Now: nov, When: CorrectSession{hold(2, day2, 0)}, Then: events{retracted}},
		{Name: "once", Given: after(met, retracted), Now: nov, When: CorrectSession{hold(2, day2, 0)}},
		{Name: "whatever else it says", Given: met, Now: nov, When: CorrectSession{HoldSession{Session: 2}}, Then: events{retracted}},
		{Name: "with a mark where the match was completed with it", Given: after(met, Completed{At: slot(day3).Start}), Now: nov, When: CorrectSession{hold(2, day2, 0)}, Then: events{completedWith}},
		{Name: "or the cycle was closed", Given: met, Now: nov, When: CorrectSession{HoldSession{Session: 2, Over: true}}, Then: events{closedWith}},
		{Name: "then it was missed, where it was planned", Given: after(plan3, held(1, day1, 60), retract(1, day1)), Now: nov, When: MissSession{Session: 1, Side: Mentee}, Then: events{SessionMissed{1, Mentee, false}}},
		{Name: "or called off", Given: after(plan3, held(1, day1, 60), retract(1, day1)), Now: nov, When: CancelSession{Session: 1}, Then: events{SessionCancelled{1}}},
		{Name: "which what nobody planned was not", Given: after(met, retracted), Now: nov, When: MissSession{Session: 2, Side: Mentee}, Err: ErrSettled},
		{Name: "but not where somebody reflected on it", Given: after(three, ReflectionFiled{Side: Mentor, Kind: "session", Session: 2}), Now: nov, When: CorrectSession{hold(2, day2, 0)}, Err: ErrReflected},
		{Name: "one that was retracted is not held", Given: after(met, retracted), Now: nov, When: hold(2, day2, 60), Err: ErrRetracted},
		{Name: "but said by a correction to have been held", Given: after(met, retracted), Now: nov, When: CorrectSession{hold(2, day2, 45)}, Then: events{SessionCorrected(held(2, day2, 45, "under_min_duration"))}},
		{Name: "15: one that was retracted does not count", Given: after(met, held(4, day4, 60), retract(3, day3), retract(4, day4)), Now: nov, When: CompleteMatch{}, Err: ErrIncomplete},
		{Name: "16: nor is reflected on", Given: after(three, retract(2, day2)), Now: nov, When: FileReflection{Acting: mentee, Kind: "session", Session: 2, Text: domain.Private{Text: "I dared"}}, Err: ErrNoSession},
		{Name: "13: one that was retracted leaves room in the plan", Given: after(plan3, held(2, day2, 60), retract(2, day2)), Now: nov, When: ScheduleSession{Session: 4, At: at(day4)}, Then: events{scheduled(4, day4)}},
		{Name: "what was never held is not corrected", Given: plan3, Now: nov, When: CorrectSession{hold(1, day1, 75)}, Err: ErrNoSession},
		{Name: "14: nor into what is still going on", Given: three, Now: "2023-11-14T17:10 Europe/London", When: CorrectSession{hold(1, day4, 75)}, Err: ErrFuture},
		{Name: "14: nor into the future", Given: three, Now: "2023-11-08T12:00 Europe/London", When: CorrectSession{hold(1, day4, 60)}, Err: ErrFuture},

		{Name: "16: S1: the mentee reflects on a session, between the two", Given: three, When: reflect(Mentee, "session", 2), Then: events{reflected(Mentee, "session", 2, "ana")}, Again: ErrFiled},
		{Name: "16: so does the mentor", Given: three, When: reflect(Mentor, "session", 2), Then: events{reflected(Mentor, "session", 2, "mia")}, Again: ErrFiled},
		{Name: "16: and at the end", Given: three, When: reflect(Mentee, "final", 0), Then: events{reflected(Mentee, "final", 0, "ana")}, Again: ErrFiled},
		{Name: "the end has no number", Given: three, When: reflect(Mentee, "final", 1), Err: ErrReflection},
		{Name: "nobody reflects midway", Given: three, When: reflect(Mentee, "mid", 1), Err: ErrReflection},
		{Name: "nor on what was not held", Given: plan3, When: reflect(Mentee, "session", 1), Err: ErrNoSession},
		{Name: "nor from outside", Given: three, When: reflect("funder", "final", 0), Err: ErrSide},
		{Name: "nor without a word", Given: three, When: FileReflection{Acting: mentee, Kind: "final", Text: domain.Private{Text: " \n"}}, Err: ErrEmpty},
		{Name: "nor on nothing", When: reflect(Mentee, "final", 0), Err: ErrUnknown},

		{Name: "15: S1: a match is complete by the rule, and says by what", Given: met, Now: nov, When: CompleteMatch{}, Then: completed[len(met):]},
		{Name: "in the author's custody no text is taken", Given: keeping, When: FileReflection{Acting: mentee, Kind: "final", SHA256: sum, Words: 4, Text: domain.Private{Text: "I dared to ask"}}, Err: ErrCustody},
		{Name: "nor half of one", Given: keeping, When: FileReflection{Acting: mentee, Kind: "final", SHA256: sum[1:], Words: 4}, Err: ErrSHA256},
		{Name: "and how many words they are", Given: keeping, When: FileReflection{Acting: mentee, Kind: "final", SHA256: sum}, Err: ErrSHA256},
		{Name: "where the text is sealed, it is the text", Given: three, When: FileReflection{Acting: mentee, Kind: "final", SHA256: sum, Words: 4}, Err: ErrSealed},
		{Name: "15: not by a session that does not conform", Given: after(short, ReflectionFiled{Side: Mentee, Kind: "final"}), When: CompleteMatch{}, Err: ErrIncomplete},
		{Name: "15: a correction counts", Given: after(short, ReflectionFiled{Side: Mentee, Kind: "final"}, SessionCorrected(held(2, day2, 60))), When: CompleteMatch{}, Then: events{Completed{Basis: "rule", Rule: "1", Sessions: []int{1, 2}, Finals: []string{Mentee}}}},
		{Name: "15: nor without the final reflection", Given: three, When: CompleteMatch{}, Err: ErrIncomplete},
		{Name: "15: nor by the mentor's", Given: after(three, ReflectionFiled{Side: Mentor, Kind: "final"}), When: CompleteMatch{}, Err: ErrIncomplete},
		{Name: "15: nor when it is unwound", Given: unwound, When: CompleteMatch{}, Err: ErrPhase},
		{
			Name: "25: S1: the rule is waived, and what was unmet is kept", Given: short, Now: nov, When: WaiveCompletion{Note: note},
			Then: events{
				CompletionWaived{"1", "1 of 2 conforming sessions, no final reflection by the mentee", private("she fell ill", domain.Personal, domain.Programme, "ana", "mia")},
				Completed{Basis: "waiver", Rule: "1", Sessions: []int{1}, At: domaintest.At(nov)},
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
	for side, person := range map[string]domain.Person{Mentee: "ana", Mentor: "mia", "museum": "", "coordinator": "", "": ""} {
		require.Equal(t, person, s.Party(side), side)
	}
	require.Equal(t, []domain.Person{"ana", "mia"}, s.Subjects())
	require.Equal(t, []string{"over_max_sessions"}, held(4, day4, 60, "over_max_sessions").Marks())
	require.Equal(t, []string{"over_max_sessions"}, SessionCorrected(held(4, day4, 60, "over_max_sessions")).Marks())
	require.Equal(t, slot(day1).Start, hold(1, day1, 60).OccurredAt())
	require.Zero(t, hold(1, "soon", 60).OccurredAt())
	require.Equal(t, friday, SignAgreement{Signed: friday}.OccurredAt())
	require.Zero(t, SignAgreement{}.OccurredAt())
	require.Equal(t, friday, Accept{Accepted: friday}.OccurredAt())
	require.Equal(t, friday, Propose{Proposed: friday}.OccurredAt())
	require.Equal(t, friday, Made{Made: friday}.OccurredAt())
}

func TestWhatOneSideDoesSaysTheSide(t *testing.T) {
	t.Parallel()
	for _, c := range []interface{ ActsFor() string }{&Accept{}, &Decline{}, &SignAgreement{}, &MakeContact{}, &FileReflection{}} {
		require.NoError(t, json.Unmarshal([]byte(`{"cycle": "autumn", "match": "m1", "side": "mentor"}`), c))
		require.Equal(t, Mentor, c.ActsFor(), "%T", c)
		body, err := json.Marshal(c)
		require.NoError(t, err)
		require.Contains(t, string(body), `"side":"mentor"`)
	}
	_, acts := any(MissSession{}).(interface{ ActsFor() string })
	require.False(t, acts, "who missed a session is not always who says so")
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
	papers := []time.Time{{}, slot(day0).Start, slot(day2).Start, slot(day2).Start.Add(1), slot(day4).Start, now, now.Add(1)}
	words := []domain.Private{{}, {Text: " "}, {Text: "I dared"}, {Text: "I dared"}}
	rapid.Check(t, func(t *rapid.T) {
		var s State
		accepted, signed, matched := map[string]bool{}, map[string]time.Time{}, false
		plan, from, conforming := map[int]bool{}, time.Time{}, map[int]bool{}
		for range 60 {
			side := sides.Draw(t, "side")
			n := rapid.IntRange(1, 7).Draw(t, "session")
			on := at(rapid.SampledFrom(local).Draw(t, "day"))
			record := HoldSession{Session: n, At: on, Minutes: rapid.SampledFrom([]int{45, 60, 90, 120}).Draw(t, "minutes")}
			corrected, unnumbered := record, record
			unnumbered.Session = 0
			corrected.Minutes = rapid.SampledFrom([]int{0, 45, 60, 90}).Draw(t, "corrected")
			cmd := rapid.SampledFrom([]command{
				Propose{Pair: pair, Placed: true, Joined: true, Terms: terms}, Accept{Acting: Acting{side}}, Accept{Acting: Acting{side}}, Make{}, Make{}, Decline{Acting: Acting{side}},
				SignAgreement{Acting: Acting{side}, Version: "1"}, SignAgreement{Acting: Acting{side}, Version: rapid.SampledFrom([]string{"1", "2"}).Draw(t, "version"), Signed: rapid.SampledFrom(papers).Draw(t, "signed")},
				ScheduleSession{Session: n, At: on}, ScheduleSession{Session: n, At: on}, RescheduleSession{Session: n, At: on}, CancelSession{Session: n},
				MissSession{Session: n, Side: side}, record, unnumbered, CorrectSession{corrected}, FileReflection{Acting: Acting{side}, Kind: "final", Text: rapid.SampledFrom(words).Draw(t, "words")}, CompleteMatch{}, Unwind{},
			}).Draw(t, "command")
			switch cmd.(type) {
			case Decline, Unwind: // rarely, or nothing gets far
				if rapid.IntRange(0, 9).Draw(t, "really") > 0 {
					continue
				}
			}
			before := s
			got, err := cmd.Decide(s, now)
			if c, ok := cmd.(HoldSession); ok && before.Phase() != None {
				unrecorded := slices.ContainsFunc([]int{1, 2, 3, 4, 5, 6, 7}, func(n int) bool {
					_, known := before.Slot(n)
					record, _ := before.Held(n)
					return known && record.Session == 0
				})
				which := c.Session == 0 && unrecorded && errors.Is(err, ErrWhich)
				require.True(t, err == nil || err == error(ErrHeld) || errors.Is(err, ErrTwice) || err == error(ErrRetracted) || which, "13: a record is never refused, unless there is another of it: %v", err)
			}
			for _, e := range got {
				s = s.Apply(e)
				switch e := e.(type) {
				case Accepted:
					accepted[e.Side] = true
					require.Equal(t, len(accepted) == 2, e.Both)
				case Made:
					require.Len(t, accepted, 2, "11: a match needs both sides")
					matched = true
				case AgreementSigned:
					require.Equal(t, terms.Agreement, e.Version)
					require.False(t, e.Signed.IsZero() || e.Signed.After(now))
					signed[e.Side] = e.Signed
				case AgreementInForce:
					from = e.From
					require.Contains(t, signed, Mentee)
					require.Contains(t, signed, Mentor)
					require.Equal(t, slices.MaxFunc(slices.Collect(maps.Values(signed)), time.Time.Compare), from, "12: since the later of the two")
				case SessionScheduled:
					require.NotZero(t, from, "13: not before the agreement")
					plan[e.Session] = true
				case SessionCancelled:
					delete(plan, e.Session)
				case SessionMissed:
					delete(plan, e.Session)
				case SessionRetracted:
					delete(plan, e.Session)
					delete(conforming, e.Session)
				case SessionHeld:
					require.Equal(t, from.IsZero() || e.Start.Before(from), slices.Contains(e.Nonconformities, "before_agreement"))
					conforming[e.Session] = len(e.Nonconformities) == 0
				case SessionCorrected:
					require.Equal(t, from.IsZero() || e.Start.Before(from), slices.Contains(e.Nonconformities, "before_agreement"))
					conforming[e.Session] = len(e.Nonconformities) == 0
				case ReflectionFiled:
					require.NotZero(t, e.Words, "16: a reflection says something")
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
				starts := map[time.Time]bool{}
				for i := 1; i <= 7; i++ {
					if e, mistake := s.Held(i); e.Session > 0 && !mistake {
						require.False(t, starts[e.Start], "13: one session at a time")
						starts[e.Start] = true
					}
				}
				require.LessOrEqual(t, len(plan), terms.Sessions.Max, "13: never scheduled beyond the plan")
			}
			require.Equal(t, matched && len(signed) == 2, !from.IsZero(), "12: in force when both signed the same version, and only then")
		}
	})
}

// Not a row of the table: there every event has its texts, and this has none.
func TestInTheAuthorsCustodyTheSHA256IsKept(t *testing.T) {
	t.Parallel()
	byAuthor := terms
	byAuthor.Reflections.Custody = programme.ByAuthor
	s := State{}.Apply(Proposed{Pair: pair, Terms: byAuthor})
	c := FileReflection{Acting: mentee, Kind: "final", SHA256: strings.Repeat("0F", 32), Words: 4}
	filed, err := c.Decide(s, made)
	require.NoError(t, err)
	require.Equal(t, events{ReflectionFiled{Side: Mentee, Kind: "final", Words: 4, SHA256: strings.Repeat("0f", 32)}}, filed)
	_, err = c.Decide(s.Apply(filed[0]), made)
	require.ErrorIs(t, err, ErrFiled)
}
