package application_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/daybook-engine/daybook/domain"
	. "github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/domain/cycle"
	"github.com/daybook-engine/daybook/domain/domaintest"
	"github.com/daybook-engine/daybook/domain/when"
)

type events = []Event

var (
	nemo     = domaintest.Nemo()
	id       = ID{Cycle: "autumn", Call: "mentees", Person: "ana"}
	draft    = events{DraftStarted{Cycle: "autumn", Call: "mentees", Person: "ana"}}
	deadline = when.Deadline{
		Local: "2023-07-31T00:00", Zone: "Europe/Berlin", Rule: when.Before, Published: "Apply before 31 July",
		Instant: domaintest.At("2023-07-31T00:00 Europe/Berlin"),
	}
	permit = domaintest.At("2023-08-01T12:00 Europe/Berlin")
)

const proof domain.Digest = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU" // of nothing

func texts(words ...string) Texts {
	var list Texts
	for _, w := range words {
		list = append(list, domain.Private{Text: w})
	}
	return list
}

func personal(words string) domain.Private {
	return domain.Private{Text: words}.About(domain.Personal, domain.Programme, "ana")
}

// submit is Ana's application, changed.
func submit(change func(*Submit)) Submit {
	c := Submit{
		ID: id, Route: "own", Actor: "ana", Opened: domaintest.At("2023-06-19T09:00 Europe/Berlin"), Deadline: deadline, Plan: &nemo.Calls[0], Zone: nemo.Zone, Calendar: nemo.Calendar,
		Answers: map[string]Texts{"motives": texts("to learn"), "priorities": texts("learning", "access", "climate")},
	}
	if change != nil {
		change(&c)
	}
	return c
}

func answered(field string, words ...string) func(*Submit) {
	return func(c *Submit) { c.Answers[field] = texts(words...) }
}

// received is what it is stored as, changed.
func received(at string, change func(*Received)) Received {
	e := Received{
		Form: "1", Route: "own", ReceivedAt: domaintest.At(at), Deadline: deadline,
		Answers: []Answer{
			{Field: "motives", Text: personal("to learn")},
			{Field: "priorities", Rank: 1, Text: personal("learning")},
			{Field: "priorities", Rank: 2, Text: personal("access")},
			{Field: "priorities", Rank: 3, Text: personal("climate")},
		},
	}
	if change != nil {
		change(&e)
	}
	e.AnswersHash = hash(e.Answers)
	return e
}

// hash is the form, then field, rank and commitment of each answer, a line
// each. Who keeps the words can compute it without Daybook.
func hash(answers []Answer) domain.Digest {
	text := "1\n"
	for _, a := range answers {
		text += fmt.Sprintf("%s %d %s\n", a.Field, a.Rank, domain.CommitmentDigest([]byte("salt"), a.Text.Text))
	}
	sum := sha256.Sum256([]byte(text))
	return domain.Digest(base64.RawURLEncoding.EncodeToString(sum[:]))
}

func after(given events, more ...Event) events { return append(given[:len(given):len(given)], more...) }

const (
	inTime = "2023-07-31T00:30 Asia/Tbilisi" // 20:30Z, although the 31st has come there
	late   = "2023-07-30T23:30 Europe/Lisbon"
	atNoon = "2023-08-21T12:00 Europe/Berlin"
)

func TestApplication(t *testing.T) {
	t.Parallel()
	type row = domaintest.Row[State, Event]
	refused := func(at string) SubmissionRefused {
		return SubmissionRefused{Cycle: id.Cycle, Call: id.Call, Person: id.Person, Code: "deadline_passed", ReceivedAt: domaintest.At(at), Deadline: deadline}
	}
	incomplete := func(missing ...string) events {
		return events{SubmissionRefused{Cycle: id.Cycle, Call: id.Call, Person: id.Person, Code: "incomplete", ReceivedAt: domaintest.At(inTime), Missing: missing}}
	}
	permitted := func(c *Submit) { c.Permit = permit }
	isLate := func(e *Received) { e.Late, e.Permit = true, permit }
	keyedIn := func(at string, actor domain.Person) func(*Submit) {
		return func(c *Submit) { c.ReceivedAt, c.Actor = domaintest.At(at), actor }
	}
	by := deadline
	by.Rule = when.By
	routeless := nemo.Calls[0]
	routeless.Routes = nil
	expired := after(draft, DraftExpired{})
	mistaken := after(draft, received(inTime, nil), EligibilityConfirmed{}, Retracted{})

	domaintest.Run(t, append(decisions(), []row{
		{Name: "a draft is started", Now: inTime, When: StartDraft{ID: id, Deadline: deadline}, Then: draft},
		{Name: "not after its deadline, closed or not", Now: late, When: StartDraft{ID: id, Deadline: deadline}, Err: ErrNotOpen},
		{Name: "under an open call", When: StartDraft{ID: id}, Err: ErrNotOpen},
		{Name: "4: S1: 00:30 in Tbilisi is in time, and a second asking is a duplicate", Given: draft, Now: inTime, When: submit(nil), Then: events{received(inTime, nil)}, Again: ErrDuplicate},
		{Name: "4: also without a draft", Now: inTime, When: submit(nil), Then: after(draft, received(inTime, nil)), Again: ErrDuplicate},
		{Name: "4: once what was recorded by mistake is retracted, nobody has applied", Given: mistaken, Now: inTime, When: submit(nil), Then: after(draft, received(inTime, nil)), Again: ErrDuplicate},
		{Name: "and a draft is begun anew", Given: mistaken, Now: inTime, When: StartDraft{ID: id, Deadline: deadline}, Then: draft},
		{Name: "4: also after withdrawing", Given: after(draft, received(inTime, nil), Withdrawn{}), Now: inTime, When: submit(nil), Err: ErrDuplicate},
		{Name: "3: S1: 23:30 in Lisbon is not, and that is kept", Given: draft, Now: late, When: submit(nil), Then: events{refused(late)}, Err: ErrPassed},
		{Name: "3: nor without a draft, and that is kept too", Now: late, When: submit(nil), Then: events{refused(late)}, Err: ErrPassed},
		{Name: "3: \"before\" excludes the instant", Given: draft, Now: "2023-07-31T00:00 Europe/Berlin", When: submit(nil), Then: events{refused("2023-07-31T00:00 Europe/Berlin")}, Err: ErrPassed},
		{
			Name: "3: \"by\" includes it", Given: draft, Now: "2023-07-31T00:00 Europe/Berlin", When: submit(func(c *Submit) { c.Deadline = by }),
			Then: events{received("2023-07-31T00:00 Europe/Berlin", func(e *Received) { e.Deadline = by })}, Again: ErrDuplicate,
		},
		{Name: "3: S1: by permit it is late, and says so", Given: draft, Now: "2023-07-31T17:40 Europe/Berlin", When: submit(permitted), Then: events{received("2023-07-31T17:40 Europe/Berlin", isLate)}, Again: ErrDuplicate},
		{Name: "3: to the permit's last instant, from an expired draft", Given: expired, Now: "2023-08-01T12:00 Europe/Berlin", When: submit(permitted), Then: events{received("2023-08-01T12:00 Europe/Berlin", isLate)}, Again: ErrDuplicate},
		{Name: "3: no longer", Given: expired, Now: "2023-08-01T12:00:01 Europe/Berlin", When: submit(permitted), Then: events{refused("2023-08-01T12:00:01 Europe/Berlin")}, Err: ErrPassed},
		{Name: "3: a permit that is not needed makes nobody late", Given: draft, Now: inTime, When: submit(permitted), Then: events{received(inTime, nil)}, Again: ErrDuplicate},
		{Name: "3: what is keyed in later is judged by when it came", Given: draft, Now: atNoon, When: submit(keyedIn(inTime, "carla")), Then: events{received(inTime, nil)}, Again: ErrDuplicate},
		{
			Name: "also when the cycle is closed: it had reached us", Given: draft, Now: atNoon, When: submit(func(c *Submit) { keyedIn(inTime, "carla")(c); c.Over = true }),
			Then: events{received(inTime, nil)}, Again: ErrDuplicate,
		},
		{
			Name: "but what comes when it is closed is not received, and that is kept", Given: draft, Now: inTime, When: submit(func(c *Submit) { c.Over = true }),
			Then: events{SubmissionRefused{Cycle: id.Cycle, Call: id.Call, Person: id.Person, Code: "cycle_closed", ReceivedAt: domaintest.At(inTime)}}, Err: cycle.ErrClosed,
		},
		{Name: "3: nobody backdates their own", Given: draft, Now: atNoon, When: submit(keyedIn(inTime, "ana")), Err: ErrBackdate},
		{Name: "3: nothing came tomorrow", Given: draft, Now: inTime, When: submit(keyedIn(late, "carla")), Err: ErrFuture},
		{Name: "3: nor before there was a call", Given: draft, Now: inTime, When: submit(keyedIn("2022-07-30T10:00 Europe/Berlin", "carla")), Err: ErrEarly},
		{Name: "an organisation is named by its slug", Given: draft, Now: inTime, When: submit(func(c *Submit) { c.Organisation = "Sofia City Museum" }), Err: domain.ErrSlug},
		{Name: "a call that never opened takes none", Given: draft, Now: inTime, When: submit(func(c *Submit) { c.Opened = time.Time{} }), Err: ErrNotOpen},
		{Name: "nor one that is in no definition", Given: draft, Now: inTime, When: submit(func(c *Submit) { c.Plan = nil }), Err: ErrNotOpen},

		{Name: "every question is answered", Given: draft, Now: inTime, When: submit(answered("motives", " ")), Then: incomplete("motives"), Err: ErrIncomplete},
		{Name: "with exactly three priorities", Given: draft, Now: inTime, When: submit(answered("priorities", "one", "two")), Then: incomplete("priorities (exactly 3)"), Err: ErrIncomplete},
		{Name: "not four", Given: draft, Now: inTime, When: submit(answered("priorities", "1", "2", "3", "4")), Then: incomplete("priorities (exactly 3)"), Err: ErrIncomplete},
		{Name: "without a draft the gaps are kept too", Now: inTime, When: submit(answered("motives")), Then: incomplete("motives"), Err: ErrIncomplete},
		{Name: "an optional one may be left blank", Given: draft, Now: inTime, When: submit(answered("website", "")), Then: events{received(inTime, nil)}, Again: ErrDuplicate},
		{
			Name: "or answered", Given: draft, Now: inTime, When: submit(answered("website", "ana.example")),
			Then: events{received(inTime, func(e *Received) {
				e.Answers = append(e.Answers, Answer{Field: "website", Text: personal("ana.example")})
			})},
			Again: ErrDuplicate,
		},
		{Name: "but not twice", Given: draft, Now: inTime, When: submit(answered("website", "a.example", "b.example")), Then: incomplete("website"), Err: ErrIncomplete},
		{Name: "what was not asked is not answered", Given: draft, Now: inTime, When: submit(answered("age", "40")), Err: ErrField},
		{Name: "a route is one of the call's", Given: draft, Now: inTime, When: submit(func(c *Submit) { c.Route = "friend" }), Err: ErrRoute},
		{Name: "and is named where there are some", Given: draft, Now: inTime, When: submit(func(c *Submit) { c.Route = "" }), Err: ErrRoute},
		{
			Name: "and is none where there are none", Given: draft, Now: inTime, When: submit(func(c *Submit) { c.Route, c.Plan = "", &routeless }),
			Then: events{received(inTime, func(e *Received) { e.Route = "" })}, Again: ErrDuplicate,
		},
		{
			Name: "a nominated person's proof falls due after 5 working days", Given: draft, Now: inTime,
			When: submit(func(c *Submit) { c.Route, c.Organisation = "nominated", "sofia" }),
			Then: events{received(inTime, func(e *Received) {
				e.Route, e.Organisation, e.ProofDue, e.Calendar = "nominated", "sofia", domaintest.At("2023-08-04T17:00 Europe/Berlin"), "berlin@2023"
				e.Told = when.Told{Local: "2023-08-04T17:00:00+02:00", Zone: "Europe/Berlin"}
			})},
			Again: ErrDuplicate,
		},
		{Name: "by a zone that is one", Given: draft, Now: inTime, When: submit(func(c *Submit) { c.Route, c.Zone = "nominated", "CET" }), Err: when.ErrZoneAbbreviation},

		{Name: "over the end of the calendar, too", Given: draft, Now: "2024-01-02T00:00 Europe/Berlin", When: ExpireDraft{ID: id, Due: deadline.Instant, Unsure: []int{2024}}, Then: events{
			DraftExpired{domain.Timer{Rule: "draft.expire", Due: deadline.Instant, Fired: domaintest.At("2024-01-02T00:00 Europe/Berlin")}, []int{2024}},
		}},
		{Name: "S1: an unsent draft expires", Given: draft, Now: "2023-08-02T00:00 Europe/Berlin", When: ExpireDraft{ID: id, Due: deadline.Instant, Calendar: "berlin@2023", Tzdata: "2023c"}, Then: events{DraftExpired{Timer: domain.Timer{
			Rule: "draft.expire", Due: deadline.Instant, Fired: domaintest.At("2023-08-02T00:00 Europe/Berlin"), Calendar: "berlin@2023", Tzdata: "2023c",
		}}}},
		{Name: "not while the call is open", Given: draft, Now: inTime, When: ExpireDraft{ID: id}, Err: domain.ErrNotDue},
		{Name: "nor once it is sent", Given: after(draft, received(inTime, nil)), Now: atNoon, When: ExpireDraft{ID: id, Due: deadline.Instant}},
	}...))
}

// decisions are the rows after submission.
func decisions() []domaintest.Row[State, Event] {
	type row = domaintest.Row[State, Event]
	due := domaintest.At("2023-08-04T17:00 Europe/Berlin")
	nominated := after(draft, received(inTime, func(e *Received) { e.ProofDue, e.Calendar = due, "berlin@2023" }))
	sent := after(draft, received(inTime, nil))
	eligible := after(sent, EligibilityConfirmed{})
	listed := after(eligible, Shortlisted{})
	chosen := after(listed, Selected{})
	reserved := after(listed, Reserved{Rank: 1})
	replyBy, told := domaintest.At("2023-08-29T17:00 Europe/Berlin"), when.Told{Local: "2023-08-29T17:00:00+02:00", Zone: "Europe/Berlin"}
	offered := after(chosen, OfferMade{ReplyBy: replyBy, Zone: "Europe/Berlin", Calendar: "berlin@2023"})
	accepted := after(offered, OfferAccepted{})
	declined := after(offered, OfferDeclined{})
	timer := func(rule string, due time.Time, fired string) domain.Timer {
		return domain.Timer{Rule: rule, Due: due, Fired: domaintest.At(fired), Calendar: "berlin@2023", Tzdata: "2023c"}
	}
	lapsed := after(nominated, NominationLapsed{timer("nomination.lapse", due, "2023-08-04T17:00 Europe/Berlin")})
	criteria := []string{"member", "active"}
	carla := Unbiased{Recused: []domain.Person{"rosa"}, Actor: "carla"}
	confirm := ConfirmEligibility{id, carla, criteria}
	two := Assessed{carla, []domain.Person{"rita", "raul"}, 2}
	one, rosa, ana := two, two, two
	one.Reviews = two.Reviews[:1]
	over := two
	over.Over = true
	rosa.Actor, ana.Actor = "rosa", "ana"
	why := domain.Private{Text: "a clear plan"}
	rests := Decision{AnswersHash: sent[1].(Received).AnswersHash, Reviews: two.Reviews, Rationale: personal("a clear plan")}
	offer := MakeOffer{ID: id, Place: true, Reply: nemo.Offer.ReplyWithin, Zone: nemo.Zone, Calendar: nemo.Calendar}
	unzoned := offer
	unzoned.Zone = "CET"
	tuesday := "2023-08-22T10:00 Europe/Berlin"
	late := offer
	late.Over = true
	rows := []row{
		{Name: "S1: an application is withdrawn", Given: sent, When: Withdraw{id}, Then: events{Withdrawn{}}},
		{Name: "also an offered one", Given: offered, When: Withdraw{id}, Then: events{Withdrawn{}}},
		{Name: "what is not there is not withdrawn", When: Withdraw{id}, Err: ErrUnknown},
		{Name: "nor what is over", Given: accepted, When: Withdraw{id}, Err: ErrPhase},
		{Name: "nor a draft, which nobody was sent", Given: draft, When: Withdraw{id}, Err: ErrPhase},
		{Name: "also when it expired", Given: after(draft, DraftExpired{}), When: Withdraw{id}, Err: ErrPhase},

		{Name: "what was recorded by mistake is retracted", Given: sent, When: Retract{ID: id}, Then: events{Retracted{}}},
		{Name: "also where the proof has come", Given: after(nominated, NominationReceived{proof}), When: Retract{ID: id}, Then: events{Retracted{}}},
		{Name: "and whoever was found eligible", Given: eligible, When: Retract{ID: id}, Then: events{Retracted{}}},
		{Name: "or was not", Given: after(sent, EligibilityFailed{}), When: Retract{ID: id}, Then: events{Retracted{}}},
		{Name: "or withdrew before more came of it", Given: after(eligible, Withdrawn{}), When: Retract{ID: id}, Then: events{Retracted{}}},
		{Name: "after the cycle was closed it is marked", Given: sent, When: Retract{ID: id, Unbiased: Unbiased{Over: true}}, Then: events{Retracted{[]string{"after_cycle_close"}}}},
		{Name: "not by whom it is", Given: sent, When: Retract{ID: id, Unbiased: Unbiased{Actor: id.Person}}, Err: ErrRecused},
		{Name: "nor by who has a conflict", Given: sent, When: Retract{ID: id, Unbiased: Unbiased{Actor: "rita", Recused: []domain.Person{"rita"}}}, Err: ErrRecused},
		{Name: "not once reviewers were asked to read it", Given: eligible, When: Retract{ID: id, Given: true}, Err: ErrReviewed},
		{Name: "nor once it was decided on", Given: listed, When: Retract{ID: id}, Err: ErrDecided},
		{Name: "for whatever became of it then", Given: after(offered, Withdrawn{}), When: Retract{ID: id}, Err: ErrDecided},
		{Name: "or against it", Given: after(eligible, PassedOver{}), When: Retract{ID: id}, Err: ErrDecided},
		{Name: "what never came is not retracted", When: Retract{ID: id}, Err: ErrUnknown},
		{Name: "nor a draft", Given: draft, When: Retract{ID: id}, Err: ErrPhase},
		{Name: "it is retracted once", Given: after(sent, Retracted{}), When: Retract{ID: id, Given: true}},
		{Name: "and what came after that is itself retracted", Given: after(sent, Retracted{}, draft[0], sent[1]), When: Retract{ID: id}, Then: events{Retracted{}}},
		{Name: "what was retracted is not withdrawn", Given: after(sent, Retracted{}), When: Withdraw{id}, Err: ErrPhase},
		{Name: "nor judged", Given: after(sent, Retracted{}), When: confirm, Err: ErrPhase},
		{Name: "and awaits no proof", Given: after(nominated, Retracted{}), Now: atNoon, When: LapseNomination{ID: id}},

		{Name: "a proof arrives", Given: nominated, When: ReceiveNomination{id, proof}, Then: events{NominationReceived{proof}}},
		{Name: "a proof late", Given: lapsed, When: ReceiveNomination{id, proof}, Then: events{NominationReceived{proof}}},
		{Name: "a proof is shown", Given: nominated, When: ReceiveNomination{ID: id}, Err: ErrProof},
		{Name: "by its digest", Given: nominated, When: ReceiveNomination{id, "the letter"}, Err: domain.ErrDigest},
		{Name: "where none is awaited none arrives", Given: sent, When: ReceiveNomination{id, proof}, Err: ErrNoProof},
		{Name: "nor when all is decided", Given: after(nominated, EligibilityFailed{}), When: ReceiveNomination{id, proof}, Err: ErrPhase},
		{Name: "S1: a nomination lapses after 5 working days", Given: nominated, Now: "2023-08-04T17:00 Europe/Berlin", When: LapseNomination{id, "2023c"}, Then: lapsed[2:]},
		{Name: "a nomination does not lapse sooner", Given: nominated, Now: "2023-08-04T16:59 Europe/Berlin", When: LapseNomination{ID: id}, Err: domain.ErrNotDue},
		{Name: "nor where the proof has come", Given: after(nominated, NominationReceived{proof}), Now: atNoon, When: LapseNomination{ID: id}},

		{Name: "nor where none is awaited", Given: sent, Now: atNoon, When: LapseNomination{ID: id}},
		{Name: "nor when all is decided anyway", Given: after(nominated, EligibilityFailed{}), Now: atNoon, When: LapseNomination{ID: id}},
		{Name: "S1: an application is eligible", Given: sent, When: confirm, Then: events{EligibilityConfirmed{criteria}}},
		{Name: "by proof where it is nominated", Given: after(nominated, NominationReceived{proof}), When: confirm, Then: events{EligibilityConfirmed{criteria}}},
		{Name: "by late proof, too", Given: after(lapsed, NominationReceived{proof}), When: confirm, Then: events{EligibilityConfirmed{criteria}}},
		{Name: "not while the proof is awaited", Given: nominated, When: confirm, Err: ErrProof},
		{Name: "not when the nomination lapsed", Given: lapsed, When: confirm, Err: ErrLapsed},
		{Name: "not a draft", Given: draft, When: confirm, Err: ErrPhase},
		{Name: "S1: an application is ineligible", Given: lapsed, When: FailEligibility{id, carla, []string{"member"}, criteria}, Then: events{EligibilityFailed{[]string{"member"}}}},
		{Name: "by a criterion that is named", Given: sent, When: FailEligibility{ID: id, Unbiased: carla, Criteria: criteria}, Err: ErrCriterion},
		{Name: "by one of the call's", Given: sent, When: FailEligibility{id, carla, []string{"age"}, criteria}, Err: ErrCriterion},
		{Name: "not once it was found eligible", Given: eligible, When: FailEligibility{id, carla, []string{"member"}, criteria}, Err: ErrPhase},

		{Name: "6: who is recused finds nobody eligible", Given: sent, When: ConfirmEligibility{id, rosa.Unbiased, criteria}, Err: ErrRecused},
		{Name: "6: nor anybody else ineligible", Given: sent, When: FailEligibility{id, rosa.Unbiased, criteria, criteria}, Err: ErrRecused},
		{Name: "6: nor does the applicant", Given: sent, When: ConfirmEligibility{id, ana.Unbiased, criteria}, Err: ErrRecused},
		{Name: "S1: an application is shortlisted", Given: eligible, When: Shortlist{id, two, why}, Then: events{Shortlisted{personal("a clear plan")}}},
		{Name: "S1: an application is passed over", Given: eligible, When: PassOver{id, two, why}, Then: events{PassedOver{personal("a clear plan")}}},
		{Name: "7: S1: selecting names the answers and the reviews", Given: listed, When: Select{id, two, why}, Then: events{Selected{rests}}},
		{Name: "7: S1: so does reserving", Given: listed, When: Reserve{ID: id, Assessed: two, Rank: 1, Rationale: why}, Then: events{Reserved{rests, 1}}},
		{Name: "9: a rank that somebody has is not given twice", Given: listed, When: Reserve{id, two, 1, why, true}, Err: ErrRankTaken},
		{Name: "9: nor is one changed by asking again", Given: after(listed, Reserved{rests, 2}), When: Reserve{ID: id, Assessed: two, Rank: 1}, Err: ErrRanked},
		{Name: "7: S1: and declining", Given: listed, When: Decline{id, two, why}, Then: events{Declined{rests}}},
		{Name: "7: a decision rests on enough reviews", Given: listed, When: Select{id, one, why}, Err: ErrReviews},
		{Name: "6: who is recused does not decide", Given: listed, When: Decline{id, rosa, why}, Err: ErrRecused},
		{Name: "6: nor does the applicant", Given: eligible, When: Shortlist{id, ana, why}, Err: ErrRecused},
		{Name: "what is not shortlisted is not selected", Given: eligible, When: Select{id, two, why}, Err: ErrPhase},
		{Name: "what is shortlisted is not passed over", Given: listed, When: PassOver{id, two, why}, Err: ErrPhase},
		{Name: "a reserve has a rank", Given: listed, When: Reserve{ID: id, Assessed: two}, Err: ErrRank},

		{Name: "10: S1: an offer says by when to reply", Given: chosen, Now: tuesday, When: offer, Then: events{OfferMade{ReplyBy: replyBy, Zone: "Europe/Berlin", Told: told, Calendar: "berlin@2023"}}},
		{Name: "10: S1: also from the reserve", Given: reserved, Now: tuesday, When: offer, Then: events{OfferMade{ReplyBy: replyBy, Zone: "Europe/Berlin", Told: told, Calendar: "berlin@2023"}}},
		{Name: "an offer over the end of the calendar says so", Given: chosen, Now: "2023-12-28T10:00 Europe/Berlin", When: offer, Then: events{
			OfferMade{domaintest.At("2024-01-04T17:00 Europe/Berlin"), "Europe/Berlin", when.Told{Local: "2024-01-04T17:00:00+01:00", Zone: "Europe/Berlin"}, "berlin@2023", []int{2024}},
		}},
		{Name: "10: in a zone that is one", Given: chosen, Now: tuesday, When: unzoned, Err: when.ErrZoneAbbreviation},
		{Name: "8: an offer has a place", Given: chosen, Now: tuesday, When: MakeOffer{ID: id}, Err: ErrNoPlace},
		{Name: "nobody else is offered anything", Given: listed, Now: tuesday, When: offer, Err: ErrPhase},
		{Name: "nor anybody twice", Given: declined, Now: tuesday, When: offer, Err: ErrPhase},
		{Name: "S1: an offer is accepted to the last instant", Given: offered, Now: "2023-08-29T17:00 Europe/Berlin", When: AcceptOffer{ID: id}, Then: events{OfferAccepted{}}},
		{Name: "no longer", Given: offered, Now: "2023-08-29T17:00:01 Europe/Berlin", When: AcceptOffer{ID: id}, Err: ErrReplyPassed},
		{Name: "what is not offered is not accepted", Given: chosen, Now: tuesday, When: AcceptOffer{ID: id}, Err: ErrPhase},
		{Name: "S1: an offer is declined", Given: offered, When: DeclineOffer{id, domain.Private{Text: "a new post"}}, Then: events{OfferDeclined{personal("a new post")}}},
		{Name: "not what was accepted", Given: accepted, When: DeclineOffer{ID: id}, Err: ErrPhase},
		{Name: "10: silence lapses an offer", Given: offered, Now: "2023-08-30T09:00 Europe/Berlin", When: LapseOffer{id, "2023c"}, Then: events{OfferLapsed{timer("offer.lapse", replyBy, "2023-08-30T09:00 Europe/Berlin")}}},
		{Name: "10: not before it was due", Given: offered, Now: "2023-08-29T16:59 Europe/Berlin", When: LapseOffer{ID: id}, Err: domain.ErrNotDue},
		{Name: "10: nor when somebody answered", Given: accepted, Now: "2023-08-30T09:00 Europe/Berlin", When: LapseOffer{ID: id}},

		{Name: "a closed cycle finds nobody eligible", Given: sent, When: ConfirmEligibility{id, over.Unbiased, criteria}, Err: cycle.ErrClosed},
		{Name: "nor anybody ineligible", Given: sent, When: FailEligibility{id, over.Unbiased, criteria, criteria}, Err: cycle.ErrClosed},
		{Name: "nobody is selected in it", Given: listed, When: Select{id, over, why}, Err: cycle.ErrClosed},
		{Name: "but who was selected was", Given: chosen, When: Select{id, over, why}},
		{Name: "no offer is made in it", Given: chosen, Now: tuesday, When: late, Err: cycle.ErrClosed},
		{Name: "and none is accepted", Given: offered, Now: tuesday, When: AcceptOffer{id, true}, Err: cycle.ErrClosed},
		{Name: "no draft is begun in it", Now: tuesday, When: StartDraft{ID: id, Over: true}, Err: cycle.ErrClosed},
	}
	// Without an application every command but the clock's says so.
	for name, c := range map[string]interface {
		Decide(State, time.Time) ([]Event, error)
	}{
		"confirmed": confirm, "failed": FailEligibility{id, carla, criteria, criteria}, "shortlisted": Shortlist{id, two, why}, "reserved": Reserve{ID: id, Assessed: two, Rank: 1, Rationale: why},
		"offered": offer, "accepted": AcceptOffer{ID: id}, "declined": DeclineOffer{ID: id},
	} {
		rows = append(rows, row{Name: "what is not there is not " + name, Now: tuesday, When: c, Err: ErrUnknown})
	}
	return rows
}

func TestPhasesAreTold(t *testing.T) {
	t.Parallel()
	s := State{}
	require.Empty(t, s.Subjects())
	for _, step := range []struct {
		event Event
		phase Phase
	}{
		{draft[0], Draft}, {DraftExpired{}, Expired}, {Received{}, Submitted}, {SubmissionRefused{}, Submitted}, {Withdrawn{}, Withdrew},
		{EligibilityFailed{}, Ineligible}, {EligibilityConfirmed{}, Eligible}, {PassedOver{}, NotListed}, {Shortlisted{}, OnShortlist},
		{Declined{}, Rejected}, {Reserved{}, InReserve}, {Selected{}, Chosen}, {OfferMade{}, Offered}, {OfferDeclined{}, TurnedDown},
		{OfferLapsed{}, Lapsed}, {OfferAccepted{}, Accepted}, {Retracted{}, TakenBack},
	} {
		s = s.Apply(step.event)
		require.Equal(t, step.phase, s.Phase())
	}
	require.Equal(t, []domain.Person{"ana"}, s.Subjects())
	require.Equal(t, id, s.ID())
}

func TestTwoUnknownFieldsAreAlwaysToldInTheSameOrder(t *testing.T) {
	t.Parallel()
	for range 50 {
		_, err := submit(func(c *Submit) { c.Answers["zeal"], c.Answers["age"] = nil, nil }).Decide(State{}, domaintest.At(inTime))
		require.ErrorContains(t, err, "(age)")
	}
}

func TestAnAnswerIsATextOrAList(t *testing.T) {
	t.Parallel()
	var c Submit
	require.NoError(t, json.Unmarshal([]byte(`{"cycle": "autumn", "answers": {"motives": "to learn", "priorities": ["a", "b"]}, "received_at": "2023-07-30T20:30:00Z"}`), &c))
	require.Equal(t, map[string]Texts{"motives": texts("to learn"), "priorities": texts("a", "b")}, c.Answers)
	require.Equal(t, domaintest.At(inTime), c.OccurredAt())
	require.Error(t, json.Unmarshal([]byte(`{"answers": {"motives": 7}}`), &c))
}

func TestAnApplicationIsNamedByItsCallAndPerson(t *testing.T) {
	t.Parallel()
	id := ID{Cycle: "autumn", Call: "mentees", Person: "0b9a2a52-7d0c-4a25-8f0f-3f1d8b6a5c11"}
	require.NoError(t, id.Check())
	require.True(t, domain.IsUUID(id.Key()))
	require.Equal(t, "application-"+id.Key(), id.Stream())
	require.Equal(t, "cycle/autumn", id.Book())
	for _, other := range []ID{{"spring", id.Call, id.Person}, {id.Cycle, "mentors", id.Person}, {id.Cycle, id.Call, "1b9a2a52-7d0c-4a25-8f0f-3f1d8b6a5c11"}} {
		require.NotEqual(t, id.Key(), other.Key())
	}
	require.ErrorIs(t, ID{Cycle: "autumn", Call: "mentees", Person: "ana"}.Check(), domain.Invalid)
	require.ErrorIs(t, ID{Cycle: "autumn", Person: id.Person}.Check(), domain.ErrSlug)
}

// 3: the verdict is that of the deadline's rule and the person's permit, to
// the nanosecond, and of nothing else.
func TestInvariant3TheVerdictIsThatOfTheDeadlineAndThePermit(t *testing.T) {
	t.Parallel()
	near := rapid.SampledFrom([]time.Duration{-time.Hour, -1, 0, 1, time.Minute, time.Hour - 1, time.Hour, time.Hour + 1})
	rapid.Check(t, func(t *rapid.T) {
		at := deadline.Instant.Add(near.Draw(t, "received"))
		c := submit(func(c *Submit) {
			c.Deadline.Rule = rapid.SampledFrom([]when.Rule{when.By, when.Before}).Draw(t, "rule")
		})
		if rapid.Bool().Draw(t, "permitted") {
			c.Permit = deadline.Instant.Add(near.Draw(t, "until"))
		}
		now := at
		if rapid.Bool().Draw(t, "keyed in") {
			c.ReceivedAt, c.Actor, now = at, "carla", at.Add(72*time.Hour)
		}
		met := at.Before(deadline.Instant) || c.Deadline.Rule == when.By && at.Equal(deadline.Instant)
		permitted := !c.Permit.IsZero() && !at.After(c.Permit)

		got, err := c.Decide(State{}.Apply(draft[0]), now)
		require.Len(t, got, 1)
		if !met && !permitted {
			require.ErrorIs(t, err, ErrPassed)
			require.Equal(t, SubmissionRefused{Cycle: c.Cycle, Call: c.Call, Person: c.Person, Code: "deadline_passed", ReceivedAt: at, Deadline: c.Deadline}, got[0])
			return
		}
		require.NoError(t, err)
		e := got[0].(Received)
		require.Equal(t, at, e.ReceivedAt)
		require.Equal(t, c.Deadline, e.Deadline)
		require.Equal(t, !met, e.Late)
		require.Equal(t, e.Late, !e.Permit.IsZero(), "a permit is named where it was needed")
	})
}
