package projections_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/allocation"
	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/domain/call"
	"github.com/daybook-engine/daybook/domain/cycle"
	"github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/review"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/domain/when"
	"github.com/daybook-engine/daybook/eventstore"
)

// A fact is an event on its way into a log.
type fact struct {
	stream string
	event  eventstore.Event
}

// A writer makes a season's events. Nothing is decided here: it writes what
// the rules would have written.
type writer struct {
	t     testing.TB
	cycle string
	year  int
	now   time.Time
	subj  []domain.Person
	edit  func(*schema.Envelope)
	facts []fact
}

var start = time.Date(2023, 6, 1, 9, 0, 0, 0, time.UTC)

func (w *writer) id(what string, n int) string {
	return uuid.NewSHA1(uuid.NameSpaceOID, fmt.Append(nil, w.cycle, what, n)).String()
}

func (w *writer) person(n int) domain.Person { return domain.Person(w.id("person", n)) }

func (w *writer) text(words string, about ...domain.Person) domain.Private {
	return domain.Private{Text: words}.About(domain.Personal, domain.Programme, about...).Commit([]byte(words))
}

// add writes an event a minute after the one before.
func (w *writer) add(stream, book string, event any) {
	w.now = w.now.Add(time.Minute)
	name, body, err := schema.Encode(event)
	require.NoError(w.t, err)
	n := len(w.facts)
	env := schema.Envelope{
		ID: w.id("event", n), Name: name, RecordedAt: w.now, OccurredAt: w.now, Actor: w.id("staff", 1), Role: "coordinator",
		Channel: "web", Book: book, CommandID: w.id("command", n), Correlation: w.id("command", n), Subjects: w.subj, Salt: "AAAAAAAAAAAAAAAAAAAAAA",
	}
	if e, ok := event.(interface{ Marks() []string }); ok {
		env.Nonconformities = e.Marks()
	}
	if w.edit != nil {
		w.edit(&env)
		w.edit = nil
	}
	metadata, err := env.Encode()
	require.NoError(w.t, err)
	w.facts = append(w.facts, fact{stream, eventstore.Event{ID: uuid.MustParse(env.ID), Name: name, Data: body, Metadata: metadata}})
}

func (w *writer) in(stream string, events ...any) {
	for _, e := range events {
		w.add(stream, "cycle/"+w.cycle, e)
	}
}

func (w *writer) occurred(t time.Time) { w.edit = func(e *schema.Envelope) { e.OccurredAt = t } }

func (w *writer) at(t time.Time) {
	if t.After(w.now) {
		w.now = t
	}
}

func deadline(local string) when.Deadline {
	d, err := when.Deadline{Local: local, Zone: "Europe/Berlin", Rule: when.Before, Published: "Apply before " + local}.Resolve()
	if err != nil {
		panic(err)
	}
	return d
}

var calendar = when.Calendar{Name: "berlin", Version: "2023", Holidays: []string{"2023-10-03"}}

var definition = programme.Definition{
	Programme: "nemo-121", Title: "One to One Mentoring", Owner: "nemo", Network: "nemo", Zone: "Europe/Berlin", Calendar: calendar,
	Calls:  []programme.Call{{Call: "mentees", Role: "mentee", DraftsLast: when.Offset{Days: 14}}},
	Review: programme.Review{PerApplication: 2, Criteria: []string{"motive"}, MaxScore: 5},
}

var terms = match.Terms{
	Sessions:    programme.Sessions{Min: 2, Max: 3, MinMinutes: 60, MaxMinutes: 90, Modes: []string{"online"}},
	Reflections: programme.Reflection{Session: []string{"mentee", "mentor"}, Final: []string{"mentee"}},
	Completion:  programme.Completion{Version: "1", ConformingSessions: 2, FinalReflections: []string{"mentee"}},
	Agreement:   "1", Zone: "Europe/Berlin", Calendar: calendar,
}

func (w *writer) application(n int) string {
	return application.ID{Cycle: w.cycle, Call: "mentees", Person: w.person(n)}.Stream()
}

func (w *writer) review(n int) string {
	return review.ID{Cycle: w.cycle, Call: "mentees", Person: w.person(n)}.Stream()
}

func (w *writer) match(name string) string { return match.ID{Cycle: w.cycle, Match: name}.Stream() }

func (w *writer) place(events ...any) {
	for _, e := range events {
		w.add("allocation-nemo-121", "programme/nemo-121", e)
	}
}

func (w *writer) holder(n int) allocation.Holder {
	return allocation.Holder{Cycle: w.cycle, Call: "mentees", Person: w.person(n), Year: w.year}
}

// setUp is what comes before a programme's first season.
func (w *writer) setUp() {
	w.add("programme-nemo-121", "programme/nemo-121", programme.DefinitionPublished{Hash: definition.Hash(), Definition: definition})
	w.place(allocation.QuotaSet{Quota: "cycle", Per: "cycle", Limit: 5}, allocation.QuotaSet{Quota: "year", Per: "year", Limit: 10})
}

var (
	opens  = time.Date(2023, 6, 19, 7, 0, 0, 0, time.UTC)
	closes = time.Date(2023, 7, 30, 22, 0, 0, 0, time.UTC) // the deadline's instant
)

// season writes scenario S1: NEMO One to One Mentoring, autumn 2023.
func (w *writer) season() {
	w.subj = nil
	w.in("cycle-"+w.cycle,
		cycle.Planned{Programme: "nemo-121", Definition: definition.Hash(), Title: "Autumn 2023", From: "2023-09", To: "2023-12", Zone: "Europe/Berlin", Year: w.year},
		cycle.StageScheduled{Stage: "selection", From: "2023-08-07", To: "2023-08-21"})
	calls := call.ID{Cycle: w.cycle, Call: "mentees"}.Stream()
	w.at(opens)
	w.in(calls, call.Opened{Role: "mentee", Form: "1", Criteria: []string{"member"}, Deadline: deadline("2023-07-24T00:00"), Opened: w.now},
		call.NoticePublished{Where: "website", Text: "Apply before 24 July"},
		call.DeadlineExtended{Was: deadline("2023-07-24T00:00"), Now: deadline("2023-07-31T00:00"), Told: "members"})

	about := func(n int) { w.subj = []domain.Person{w.person(n)} }
	receive := func(n int, late bool) {
		about(n)
		r := application.Received{
			Form: "1", ReceivedAt: w.now.Add(time.Minute), Deadline: deadline("2023-07-31T00:00"), Late: late, AnswersHash: "hash", Route: "own",
			Answers: []application.Answer{{Field: "motive", Text: w.text("motive", w.person(n))}, {Field: "goals", Rank: 1, Text: w.text("goal", w.person(n))}},
		}
		if n == 20 {
			r.Route, r.Organisation, r.ProofDue = "nominated", "museum", time.Date(2023, 8, 4, 15, 0, 0, 0, time.UTC)
		}
		if late {
			r.Permit = time.Date(2023, 8, 1, 10, 0, 0, 0, time.UTC)
		}
		w.in(w.application(n), r)
	}
	for n := 1; n <= 24; n++ {
		about(n)
		w.in(w.application(n), application.DraftStarted{Cycle: w.cycle, Call: "mentees", Person: w.person(n)})
		if n <= 21 {
			receive(n, false)
		}
	}
	w.subj = nil
	w.at(closes)
	w.in(calls, call.Closed{Timer: domain.Timer{Rule: "call.close", Due: closes, Fired: w.now}})
	about(22)
	w.in(w.application(22), application.SubmissionRefused{Code: "deadline_passed", ReceivedAt: w.now, Deadline: deadline("2023-07-31T00:00")})
	w.in(calls, call.PermitGranted{Person: w.person(22), Until: time.Date(2023, 8, 1, 10, 0, 0, 0, time.UTC), Local: "2023-08-01T12:00", Zone: "Europe/Berlin", Note: w.text("power cut", w.person(22))})
	receive(22, true)
	about(21)
	w.in(w.application(21), application.Withdrawn{})
	for n := 1; n <= 22; n++ {
		about(n)
		switch n {
		case 21:
		case 18, 19:
			w.in(w.application(n), application.EligibilityFailed{Failed: []string{"member"}})
		case 20:
			w.at(time.Date(2023, 8, 4, 15, 0, 0, 0, time.UTC))
			w.in(w.application(n), application.NominationLapsed{Timer: domain.Timer{Rule: "nomination.lapse", Due: w.now, Fired: w.now}},
				application.EligibilityFailed{Failed: []string{"member"}})
		default:
			w.in(w.application(n), application.EligibilityConfirmed{Criteria: []string{"member"}})
		}
	}
	eligible := []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 22}
	w.at(time.Date(2023, 8, 7, 8, 0, 0, 0, time.UTC))
	for _, n := range eligible {
		about(n)
		for r := 101; r <= 102; r++ {
			by := w.person(r)
			w.in(w.review(n), review.Assigned{Applicant: w.person(n), Reviewer: by}, review.Opened{Reviewer: by})
			if n == 1 && r == 102 {
				w.in(w.review(n), review.ConflictDeclared{Reviewer: by, Conflict: "employer", Note: w.text("", by)}, review.Recused{Reviewer: by},
					review.AccessRefused{Reviewer: by, Command: "review.open", Code: "recused"}, review.Assigned{Applicant: w.person(n), Reviewer: w.person(103)})
				by = w.person(103)
			}
			w.in(w.review(n), review.Recorded{Reviewer: by, Recommendation: "select", Scores: []review.Score{{Criterion: "motive", Value: 4, Justification: w.text("why", w.person(n))}}})
		}
	}
	w.at(time.Date(2023, 8, 17, 8, 0, 0, 0, time.UTC))
	for i, n := range eligible {
		about(n)
		if i < 8 {
			w.in(w.application(n), application.Shortlisted{Rationale: w.text("", w.person(n))})
		} else {
			w.in(w.application(n), application.PassedOver{Rationale: w.text("", w.person(n))})
		}
	}
	for n := 1; n <= 8; n++ {
		about(n)
		d := application.Decision{AnswersHash: "hash", Reviews: []domain.Person{w.person(101), w.person(102)}, Rationale: w.text("", w.person(n))}
		switch n {
		case 6, 7:
			w.in(w.application(n), application.Reserved{Decision: d, Rank: n - 5})
			w.place(allocation.ReserveRanked{Holder: w.holder(n), Rank: n - 5})
		case 8:
			w.in(w.application(n), application.Declined{Decision: d})
		default:
			w.in(w.application(n), application.Selected{Decision: d})
		}
	}
	w.at(time.Date(2023, 8, 22, 8, 0, 0, 0, time.UTC))
	offer := func(n int) {
		about(n)
		w.place(allocation.PlaceReserved{Holder: w.holder(n)})
		w.in(w.application(n), application.OfferMade{ReplyBy: w.now.Add(7 * 24 * time.Hour), Zone: "Europe/Berlin", Calendar: calendar.Words()})
	}
	accept := func(n int) {
		about(n)
		w.in(w.application(n), application.OfferAccepted{})
		w.place(allocation.PlaceFilled{Holder: w.holder(n)})
	}
	for n := 1; n <= 5; n++ {
		offer(n)
	}
	for n := 1; n <= 4; n++ {
		accept(n)
	}
	about(5)
	w.in(w.application(5), application.OfferDeclined{Note: w.text("", w.person(5))})
	w.place(allocation.PlaceReleased{Holder: w.holder(5)})
	about(6)
	w.place(allocation.ReservePromoted{Holder: w.holder(6), Rank: 1})
	offer(6)
	accept(6)
	about(7)
	w.place(allocation.ReserveReleased{Holder: w.holder(7), Rank: 2}, allocation.PlaceRefused{Holder: w.holder(8), Full: []allocation.FullQuota{{Quota: "cycle", Limit: 5, Used: 5}}})
	about(23)
	w.at(time.Date(2023, 8, 13, 22, 0, 0, 0, time.UTC))
	w.in(w.application(23), application.DraftExpired{Timer: domain.Timer{Rule: "draft.expire", Due: w.now, Fired: w.now}})

	w.matches()
	w.subj = nil
	w.at(time.Date(2023, 12, 8, 9, 0, 0, 0, time.UTC))
	w.in("cycle-"+w.cycle, cycle.Closed{}, cycle.FiguresSealed{After: "0b9a2a52-7d0c-4a25-8f0f-3f1d8b6a5c11", Figures: []cycle.Figure{{Measure: "sessions_held", Version: 1, Value: 13}}})
}

func (w *writer) matches() {
	w.at(time.Date(2023, 9, 6, 8, 0, 0, 0, time.UTC))
	pair := func(name string, mentee, mentor int, previous string) {
		p := match.Pair{Mentee: w.person(mentee), Mentor: w.person(mentor)}
		w.subj = []domain.Person{p.Mentee, p.Mentor}
		w.in(w.match(name), match.Proposed{Pair: p, Previous: previous, Rationale: w.text("", p.Mentee, p.Mentor), Terms: terms},
			match.Accepted{Side: "mentee"}, match.Accepted{Side: "mentor", Both: true},
			match.Made{Pair: p, Previous: previous, Made: w.now, ContactDue: w.now.Add(14 * 24 * time.Hour)},
			match.AgreementSigned{Side: "mentee", Version: "1"}, match.AgreementSigned{Side: "mentor", Version: "1"}, match.AgreementInForce{Version: "1"})
		if name == "m3" {
			w.in(w.match(name), match.ContactOverdue{Timer: domain.Timer{Rule: "contact.mark_overdue", Due: w.now, Fired: w.now}})
		}
		w.in(w.match(name), match.ContactMade{Side: "mentee"})
	}
	slot := func(n int) match.Slot {
		at := time.Date(2023, 9, 20+7*n, 15, 0, 0, 0, time.UTC)
		return match.Slot{Local: at.Format("2006-01-02T15:04"), Zone: "UTC", Start: at, Mode: "online"}
	}
	filed := map[string]int{}
	held := func(name string, n, minutes int) {
		w.at(slot(n).Start.Add(2 * time.Hour))
		e := match.SessionHeld{Session: n, Slot: slot(n), Minutes: minutes, ReflectionsDue: []string{"mentee", "mentor"}}
		if minutes < 60 {
			e.Nonconformities = []string{"under_min_duration"}
		}
		if name == "m2" && n == 3 { // recorded wrongly and late, then corrected
			wrong := e
			wrong.Minutes = 45
			wrong.Nonconformities = []string{"under_min_duration"}
			w.at(slot(n).Start.Add(72 * time.Hour))
			w.occurred(e.Start)
			w.in(w.match(name), wrong)
			w.occurred(e.Start)
			w.in(w.match(name), match.SessionCorrected(e))
		} else {
			w.occurred(e.Start)
			w.in(w.match(name), e)
		}
		for side, most := range map[string]int{"mentee": 11, "mentor": 9} {
			if filed[side] < most && side == "mentee" {
				filed[side]++
				w.in(w.match(name), match.ReflectionFiled{Side: side, Kind: "session", Session: n, Words: 120, Text: w.text("reflection", w.subj[0])})
			}
		}
		if filed["mentor"] < 9 {
			filed["mentor"]++
			w.in(w.match(name), match.ReflectionFiled{Side: "mentor", Kind: "session", Session: n, Words: 80, Text: w.text("reflection", w.subj[1])})
		}
	}
	schedule := func(name string, n int) { w.in(w.match(name), match.SessionScheduled{Session: n, Slot: slot(n)}) }
	end := func(name string, waive bool) {
		w.in(w.match(name), match.ReflectionFiled{Side: "mentee", Kind: "final", Words: 300, Text: w.text("final", w.subj[0])})
		if waive {
			w.in(w.match(name), match.CompletionWaived{Rule: "1", Unmet: "1 of 2 conforming sessions", Note: w.text("", w.subj...)}, match.Completed{Basis: "waiver", Rule: "1"})
			return
		}
		w.in(w.match(name), match.Completed{Basis: "rule", Rule: "1", Sessions: []int{1, 2}, Finals: []string{"mentee"}})
	}
	run := func(name string, minutes ...int) {
		for i, m := range minutes {
			schedule(name, i+1)
			held(name, i+1, m)
		}
	}
	pair("m1", 1, 201, "")
	run("m1", 90, 90, 75)
	end("m1", false)
	pair("m2", 2, 202, "")
	run("m2", 60, 60, 60)
	end("m2", false)
	pair("m3", 3, 203, "")
	run("m3", 90, 90)
	schedule("m3", 3)
	w.in(w.match("m3"), match.SessionRescheduled{Session: 3, Was: slot(3), Now: slot(4), Sequence: 1}, match.SessionCancelled{Session: 3})
	end("m3", false)
	pair("m4", 4, 204, "")
	run("m4", 75)
	w.in(w.match("m4"), match.Unwound{NoFault: true, Note: w.text("", w.subj...)})
	pair("m4b", 4, 206, "m4")
	run("m4b", 90, 60)
	end("m4b", false)
	pair("m5", 6, 205, "")
	run("m5", 60, 45)
	schedule("m5", 3)
	w.in(w.match("m5"), match.SessionMissed{Session: 3, Side: "mentee", Notice: true})
	end("m5", true)
}

// season gives S1's events.
func season(t testing.TB) []fact {
	w := &writer{t: t, cycle: "nemo-2023-autumn", year: 2023, now: start}
	w.setUp()
	w.season()
	return w.facts
}

func write(t testing.TB, store eventstore.Store, facts []fact) (p eventstore.Position) {
	t.Helper()
	for _, f := range facts {
		r, err := store.Append(context.Background(), f.stream, eventstore.Any, f.event)
		require.NoError(t, err)
		p = r.Position
	}
	return p
}
