package web_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/cmd/daybook/web"
	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/allocation"
	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/domain/call"
	"github.com/daybook-engine/daybook/domain/cycle"
	"github.com/daybook-engine/daybook/domain/imports"
	"github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/domain/matching"
	"github.com/daybook-engine/daybook/domain/person"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/review"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/domain/when"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/memory"
	"github.com/daybook-engine/daybook/projections"
)

// hostile is what somebody may type where a text is asked for.
const hostile = `<script>alert("x")</script>`

const brought = "0b9a2a52-7d0c-4a25-8f0f-3f1d8b6a5c11" // an import

// A season is a small cycle in memory, and what was asked of the vault.
type season struct {
	t     *testing.T
	store *memory.Store
	views *projections.Views
	texts map[string]domain.Private // by digest
	n     int

	mu    sync.Mutex
	asked map[string]bool
	fail  error // of the vault
}

func (s *season) names(_ context.Context, digest string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked[digest] = true
	return s.texts[digest].Text, s.fail
}

// pages are those of the season, in the middle of December.
func (s *season) pages(change func(*web.Options)) http.Handler {
	o := web.Options{Store: s.store, Views: s.views, Names: s.names, Now: func() time.Time { return day("2023-12-15T09:00") }}
	if change != nil {
		change(&o)
	}
	h, err := web.New(o)
	require.NoError(s.t, err)
	return h
}

func day(text string) time.Time {
	t, err := when.Local(text, "Europe/Berlin")
	if err != nil {
		panic(err)
	}
	return t
}

// private seals a text.
func (s *season) private(text string, readers domain.Readers, about ...domain.Person) domain.Private {
	s.n++
	p := domain.Private{Text: text}.About(domain.Personal, readers, about...).Commit([]byte(fmt.Sprintf("salt-%011d", s.n)))
	s.texts[string(p.Digest)] = p
	return p
}

// add records an event at a local time; change may alter its envelope.
func (s *season) add(stream, book, at string, event any, change func(*schema.Envelope)) {
	s.n++
	name, body, err := schema.Encode(event)
	require.NoError(s.t, err)
	id := uuid.NewSHA1(uuid.Nil, []byte(fmt.Sprint(s.n)))
	env := schema.Envelope{
		ID: id.String(), Name: name, RecordedAt: day(at), OccurredAt: day(at), Actor: string(coordinator), Role: "coordinator", Channel: "web",
		Book: book, CommandID: id.String(), Correlation: id.String(), Subjects: schema.People(event), Salt: "c2FsdHNhbHRzYWx0c2FsdA",
	}
	if change != nil {
		change(&env)
	}
	metadata, err := env.Encode()
	require.NoError(s.t, err)
	_, err = s.store.Append(s.t.Context(), stream, eventstore.Any, eventstore.Event{ID: id, Name: name, Data: body, Metadata: metadata})
	require.NoError(s.t, err)
}

const (
	coordinator = domain.Person("00000000-0000-4000-8000-00000000000c")
	ana         = domain.Person("00000000-0000-4000-8000-0000000000a1")
	ben         = domain.Person("00000000-0000-4000-8000-0000000000b1")
	mia         = domain.Person("00000000-0000-4000-8000-0000000000d1")
)

func empty(t *testing.T) *season {
	s := &season{t: t, store: memory.New(), texts: map[string]domain.Private{}, asked: map[string]bool{}}
	views, err := projections.Open("", s.store)
	require.NoError(t, err)
	s.views = views
	t.Cleanup(func() { require.NoError(t, views.Close()) })
	return s
}

// filled plays a cycle whose every text is hostile, where somebody typed it.
func filled(t *testing.T) *season {
	s := empty(t)
	const inCycle, inProgramme = "cycle/autumn", "programme/nemo"
	for _, p := range []domain.Person{coordinator, ana, ben, mia} {
		name := map[domain.Person]string{coordinator: "Cora", ana: "Ana " + hostile, ben: "Ben", mia: "Mia"}[p]
		s.add(person.ID{Person: p}.Stream(), "installation", "2023-06-01T09:00", person.Registered{
			Person: p, Register: "nemo", Handle: s.private("h", domain.Programme, p), Name: s.private(name, domain.Programme, p),
		}, nil)
		address := map[domain.Person]string{ana: "ana@example.org"}[p]
		s.add(person.ID{Person: p}.Stream(), "installation", "2023-06-01T09:30", person.EmailSet{Email: s.private(address, domain.Programme, p)}, nil)
	}
	d := programme.Definition{Programme: "nemo", Title: "One to One", Zone: "Europe/Berlin", Review: programme.Review{PerApplication: 1},
		Calls: []programme.Call{{Call: "mentees", Form: programme.Form{Version: "1", Fields: []programme.Field{{Field: "motives", Label: "Your motives"}}}}}}
	s.add("programme-nemo", inProgramme, "2023-06-02T09:00", programme.DefinitionPublished{Hash: d.Hash(), Definition: d}, nil)
	s.add("allocation-nemo", inProgramme, "2023-06-02T09:10", allocation.QuotaSet{Quota: "year", Per: "year", Limit: 1}, nil)
	s.add("cycle-autumn", inCycle, "2023-06-03T09:00", cycle.Planned{Programme: "nemo", Definition: d.Hash(), Title: "Autumn " + hostile, From: "2023-09", To: "2023-11", Zone: "Europe/Berlin", Year: 2023}, nil)
	s.add("cycle-autumn", inCycle, "2023-06-03T09:01", cycle.StageScheduled{Stage: "matching", From: "2023-09-01", Published: hostile}, nil)
	deadline := when.Deadline{Local: "2023-07-31T00:00", Zone: "Europe/Berlin", Rule: when.Before, Published: hostile, Instant: day("2023-07-31T00:00")}
	s.add("call-autumn.mentees", inCycle, "2023-06-19T09:00", call.Opened{Role: "mentee", Form: "1", Deadline: deadline}, nil)
	s.add("call-autumn.mentees", inCycle, "2023-06-19T09:01", call.NoticePublished{Where: "the list", Text: hostile}, nil)
	s.apply(ana, deadline)
	s.apply(ben, deadline)
	s.add("call-autumn.mentees", inCycle, "2023-07-31T00:00", call.Closed{Timer: domain.Timer{Rule: "call.close", Due: day("2023-07-31T00:00"), Fired: day("2023-07-31T00:00")}}, byClock)
	s.judge()
	s.meet()
	s.write("match-mentee", ana)
	require.NoError(t, s.views.CatchUp(t.Context()))
	return s
}

func byClock(e *schema.Envelope) { e.Actor, e.Role, e.Channel = "clock", "clock", "system" }

func idOf(p domain.Person) application.ID {
	return application.ID{Cycle: "autumn", Call: "mentees", Person: p}
}

func about(p domain.Person) func(*schema.Envelope) {
	return func(e *schema.Envelope) { e.Subjects = append([]domain.Person{p}, e.Subjects...) }
}

func (s *season) apply(p domain.Person, deadline when.Deadline) {
	stream := idOf(p).Stream()
	s.add(stream, "cycle/autumn", "2023-07-01T10:00", application.DraftStarted{Cycle: "autumn", Call: "mentees", Person: p}, nil)
	s.add(stream, "cycle/autumn", "2023-07-02T10:00", application.SubmissionRefused{Code: "answers_missing", ReceivedAt: day("2023-07-02T10:00"), Missing: []string{"motives"}}, about(p))
	s.add(stream, "cycle/autumn", "2023-07-03T10:00", application.Received{
		Form: "1", Answers: []application.Answer{{Field: "motives", Text: s.private("WRITTEN answer", domain.Programme, p)}}, AnswersHash: "hash",
		ReceivedAt: day("2023-07-03T10:00"), Deadline: deadline,
	}, about(p))
}

func (s *season) judge() {
	for i, p := range []domain.Person{ana, ben} {
		stream, at := idOf(p).Stream(), fmt.Sprintf("2023-08-0%dT", i+1)
		s.add(stream, "cycle/autumn", at+"09:00", application.EligibilityConfirmed{Criteria: []string{"member"}}, about(p))
		s.add("review-"+idOf(p).Key(), "cycle/autumn", at+"10:00", review.Assigned{Applicant: p, Reviewer: mia}, nil)
		s.add("review-"+idOf(p).Key(), "cycle/autumn", at+"11:00", review.Recorded{
			Reviewer: mia, Recommendation: "select", Scores: []review.Score{{Criterion: "motives", Value: 3, Justification: s.private("WRITTEN score", domain.Programme, p)}},
		}, about(p))
		s.add(stream, "cycle/autumn", at+"12:00", application.Shortlisted{Rationale: s.private("WRITTEN list", domain.Programme, p)}, about(p))
	}
	stream, holder := idOf(ana).Stream(), allocation.Holder{Cycle: "autumn", Call: "mentees", Person: ana, Year: 2023}
	s.add(stream, "cycle/autumn", "2023-08-21T10:00", application.Selected{Decision: application.Decision{AnswersHash: "hash", Reviews: []domain.Person{mia}, Rationale: s.private("WRITTEN why", domain.Programme, ana)}}, about(ana))
	s.add("allocation-nemo", "programme/nemo", "2023-08-22T10:00", allocation.PlaceReserved{Holder: holder}, nil)
	s.add(stream, "cycle/autumn", "2023-08-22T10:01", application.OfferMade{ReplyBy: day("2023-08-29T17:00"), Zone: "Europe/Berlin"}, about(ana))
	s.add(stream, "cycle/autumn", "2023-08-24T10:00", application.OfferAccepted{}, about(ana))
	s.add("allocation-nemo", "programme/nemo", "2023-08-24T10:01", allocation.PlaceFilled{Holder: holder}, nil)
	holder.Person = ben
	s.add("allocation-nemo", "programme/nemo", "2023-08-25T10:00", allocation.PlaceRefused{Holder: holder, Full: []allocation.FullQuota{{Quota: "year", Limit: 1, Used: 1}}}, nil)
}

func (s *season) meet() {
	const stream, book = "match-autumn.m1", "cycle/autumn"
	pair := match.Pair{Mentee: ana, Mentor: mia}
	both := func(e *schema.Envelope) { e.Subjects = []domain.Person{ana, mia} }
	for i, run := range []string{"draft", "first"} {
		s.add("matching-autumn", book, fmt.Sprintf("2023-08-30T1%d:00", i), matching.Proposed{
			Run: run, Input: matching.Input{Plan: matching.Plan{Policy: matching.Assignment}, Mentees: []matching.Mentee{{Mentee: ana}, {Mentee: ben}}, Mentors: []matching.Mentor{{Mentor: mia, Capacity: 1}}},
			Result: matching.Result{
				Algorithm: matching.Assignment, Version: 1, Score: 300,
				Pairs:        []matching.Pair{{Mentee: ana, Mentor: mia, Score: 300, Parts: []matching.Contribution{{Factor: "field", Value: 60, Weight: 5, Points: 300}}}},
				Alternatives: []matching.Alternative{{Mentee: ana, Less: 200}},
				Unmatched:    []matching.Unmatched{{Person: ben, Side: "mentee", Reason: matching.Exhausted, Admissible: 1}},
			},
		}, nil)
	}
	s.add(imports.ID{Import: brought}.Stream(), book, "2023-08-31T10:00", imports.Started{Cycle: "autumn", Kind: "people", File: s.private("WRITTEN digest", domain.Programme, mia), Rows: 1}, nil)
	s.add(stream, book, "2023-09-01T10:00", match.Proposed{Pair: pair, Rationale: s.private("WRITTEN pairing", domain.Programme, ana), Terms: match.Terms{
		Sessions: programme.Sessions{Min: 2, Max: 3, MinMinutes: 60, MaxMinutes: 90, Modes: []string{"online"}}, Agreement: "1", Zone: "Europe/Berlin",
	}}, nil)
	for _, side := range []string{match.Mentee, match.Mentor} {
		s.add(stream, book, "2023-09-02T10:00", match.Accepted{Side: side}, both)
		s.add(stream, book, "2023-09-03T10:00", match.AgreementSigned{Side: side, Version: "1"}, both)
	}
	s.add(stream, book, "2023-09-04T10:00", match.Made{Pair: pair, Made: day("2023-09-04T10:00"), ContactDue: day("2023-09-18T10:00")}, nil)
	slot := match.Slot{Local: "2023-10-05T16:00", Zone: "Europe/London", Start: day("2023-10-05T17:00"), Mode: "online"}
	s.add(stream, book, "2023-09-20T10:00", match.SessionScheduled{Session: 1, Slot: slot}, both)
	var held string
	s.add(stream, book, "2023-11-13T10:00", match.SessionHeld{Session: 1, Slot: slot, Minutes: 54, ReflectionsDue: []string{"mentee"}}, func(e *schema.Envelope) {
		both(e)
		held, e.OccurredAt, e.OnBehalfOf, e.Channel = e.ID, day("2023-10-05T17:00"), mia, "paper"
	})
	s.add(stream, book, "2023-11-14T10:00", match.SessionCorrected{Session: 1, Slot: slot, Minutes: 45, Nonconformities: []string{"under_min_duration"}}, func(e *schema.Envelope) {
		both(e)
		e.Corrects, e.Reason, e.OccurredAt, e.Nonconformities = held, "typing_error", day("2023-10-05T17:00"), []string{"under_min_duration"}
	})
	s.add(stream, book, "2023-11-20T10:00", match.ReflectionFiled{Side: "mentee", Kind: "session", Session: 1, Words: 2, Text: s.private("SECRET reflection", domain.Pair, ana, mia)}, both)
}

func noticeNumber(i int) call.NoticePublished {
	return call.NoticePublished{Where: "the list", Text: fmt.Sprintf("notice %d.", i)}
}
