package message_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/domaintest"
	. "github.com/daybook-engine/daybook/domain/message"
)

const ana, mia domain.Person = "0b9a2a52-7d0c-4a25-8f0f-3f1d8b6a5c11", "7c1d2f3e-4b5a-4968-9786-a5b4c3d2e1f0"

func TestMessage(t *testing.T) {
	t.Parallel()
	type row = domaintest.Row[State, Event]
	const now, early = "2023-08-23T09:00 Europe/Berlin", "2023-08-23T09:04 Europe/Berlin"
	id := Of("cause", "match-mentee", ana, "autumn")
	about := About{
		Cycle: "autumn", Key: "match-mentee", Definition: "hash", Language: "en", To: "mentee", Recipient: ana, Other: mia,
		Event: "match.made", Cause: "cause", Stream: "match-autumn.m1",
	}
	tasks := about
	tasks.Event = "digest.queued"
	alone := about
	alone.Other = ""
	at := domaintest.At(now)
	text := domain.Private{Text: "To: Ana <ana@example.org>\nSubject: S\n\nDear Ana"}
	claimed := func(n int, people ...domain.Person) Claimed {
		return Claimed{n, text.About(domain.Personal, domain.Programme, people...)}
	}
	queued := []Event{Queued{about, 1, at}}
	sending := slices.Concat(queued, []Event{claimed(1, ana, mia)})
	sent := slices.Concat(sending, []Event{Sent{Claim: 1}})
	unclear := slices.Concat(sending, []Event{Unknown{1}})
	failed := slices.Concat(sending, []Event{Failed{1, "refused", time.Time{}}})
	later := slices.Concat(sending, []Event{Failed{1, "unreachable", at.Add(5 * time.Minute)}})
	off := slices.Concat(queued, []Event{Withdrawn{"match_unwound"}})
	tooLate := slices.Concat(sending, []Event{Withdrawn{"offer_declined"}})
	tries := queued
	for n := range 7 {
		tries = slices.Concat(tries, []Event{claimed(n+1, ana, mia), Failed{n + 1, "unreachable", at}})
	}
	tries = slices.Concat(tries, []Event{claimed(8, ana, mia)})
	claim := Claim{id, text}

	domaintest.Run(t, []row{
		{Name: "an event queues a message", Now: now, When: Queue{id, about}, Then: queued},
		{Name: "once, whatever became of it", Given: off, Now: now, When: Queue{id, about}},

		{Name: "it is claimed before it is sent", Given: queued, Now: now, When: claim, Then: []Event{claimed(1, ana, mia)}, Again: ErrPhase},
		{Name: "about one person, or two", Given: []Event{Queued{alone, 1, at}}, Now: now, When: claim, Then: []Event{claimed(1, ana)}, Again: ErrPhase},
		{Name: "by one of those who would send it", Given: sending, Now: now, When: claim, Err: ErrPhase},
		{Name: "not when it was sent", Given: sent, Now: now, When: claim, Err: ErrPhase},
		{Name: "nor when that is unknown", Given: unclear, Now: now, When: claim, Err: ErrPhase},
		{Name: "nor after it was withdrawn", Given: off, Now: now, When: claim, Err: ErrPhase},
		{Name: "not before its time", Given: later, Now: early, When: claim, Err: domain.ErrNotDue},
		{Name: "again when that has come", Given: later, Now: "2023-08-23T09:05 Europe/Berlin", When: claim, Then: []Event{claimed(2, ana, mia)}, Again: ErrPhase},
		{Name: "and not weeks later", Given: queued, Now: "2023-09-07T09:00 Europe/Berlin", When: claim, Err: ErrOld},
		{Name: "a digest not the day after the next", Given: []Event{Queued{tasks, 1, at}}, Now: "2023-08-24T21:01 Europe/Berlin", When: claim, Err: ErrOld},
		{Name: "but until then", Given: []Event{Queued{tasks, 1, at}}, Now: "2023-08-24T20:59 Europe/Berlin", When: claim, Then: []Event{claimed(1, ana, mia)}, Again: ErrPhase},
		{Name: "what is not there is not claimed", Now: now, When: claim, Err: ErrUnknown},

		{Name: "there is nobody to give it to", Given: queued, Now: now, When: Delay{id, "away"}, Then: []Event{Delayed{"away"}}},
		{Name: "which is said once", Given: slices.Concat(queued, []Event{Delayed{"away"}}), Now: now, When: Delay{id, "away"}},
		{Name: "and again where there was somebody meanwhile", Given: slices.Concat(queued, []Event{Delayed{"away"}}, later[1:]), Now: now, When: Delay{id, "away"}, Then: []Event{Delayed{"away"}}},
		{Name: "it is no try", Given: slices.Concat(queued, []Event{Delayed{"away"}, claimed(1, ana, mia)}), Now: now, When: Fail{id, 1, "unreachable", false}, Then: []Event{Failed{1, "unreachable", at.Add(time.Minute)}}},
		{Name: "of what is on its way nobody says so", Given: sending, Now: now, When: Delay{id, "away"}, Err: ErrPhase},
		{Name: "nor without a code", Given: queued, Now: now, When: Delay{id, "the server is away"}, Err: domain.ErrCode},

		{Name: "it was sent", Given: sending, Now: now, When: Send{ID: id, Claim: 1}, Then: []Event{Sent{Claim: 1}}},
		{Name: "into a file", Given: sending, Now: now, When: Send{ID: id, Claim: 1, File: true}, Then: []Event{Sent{Claim: 1, File: true}}},
		{Name: "also where that was thought unknown", Given: unclear, Now: now, When: Send{ID: id, Claim: 1}, Then: []Event{Sent{Claim: 1}}},
		{Name: "or somebody asked for another attempt", Given: slices.Concat(unclear, []Event{Queued{about, 2, at}}), Now: now, When: Send{ID: id, Claim: 1}, Then: []Event{Sent{Claim: 1}}},
		{Name: "or said that it did not arrive", Given: failed, Now: now, When: Send{ID: id, Claim: 1}, Then: []Event{Sent{Claim: 1}}},
		{Name: "not what was withdrawn", Given: slices.Concat(failed, []Event{Withdrawn{}}), Now: now, When: Send{ID: id, Claim: 1}, Err: ErrPhase},
		{Name: "nor what nobody claimed", Given: queued, Now: now, When: Send{ID: id}, Err: ErrPhase},
		{Name: "not by another claim", Given: sending, Now: now, When: Send{ID: id, Claim: 2}, Err: ErrPhase},

		{Name: "it failed, and is tried again", Given: sending, Now: now, When: Fail{id, 1, "unreachable", false}, Then: []Event{Failed{1, "unreachable", at.Add(time.Minute)}}},
		{Name: "it failed for good", Given: sending, Now: now, When: Fail{id, 1, "refused", true}, Then: []Event{Failed{1, "refused", time.Time{}}}},
		{Name: "before anybody claimed it", Given: queued, Now: now, When: Fail{id, 0, "no_address", true}, Then: []Event{Failed{0, "no_address", time.Time{}}}},
		{Name: "seven pauses, then a person is asked", Given: tries, Now: now, When: Fail{id, 8, "unreachable", false}, Then: []Event{Failed{8, "unreachable", time.Time{}}}},
		{Name: "the last of them is a day", Given: tries[:14], Now: now, When: Fail{id, 7, "unreachable", false}, Then: []Event{Failed{7, "unreachable", at.Add(24 * time.Hour)}}},
		{Name: "what was sent did not fail", Given: sent, Now: now, When: Fail{id, 1, "refused", true}, Err: ErrPhase},
		{Name: "why is a code", Given: sending, Now: now, When: Fail{id, 1, "no such mailbox", true}, Err: domain.ErrCode},

		{Name: "nobody knows", Given: sending, Now: now, When: MarkUnknown{id, 1}, Then: []Event{Unknown{1}}},
		{Name: "of what nobody claimed that is known", Given: queued, Now: now, When: MarkUnknown{id, 0}, Err: ErrPhase},

		{Name: "what it tells was undone", Given: queued, When: Withdraw{ID: id, Why: "match_unwound"}, Then: []Event{Withdrawn{"match_unwound"}}},
		{Name: "a person withdraws it", Given: later, When: Withdraw{ID: id, Reason: "told_by_phone"}, Then: []Event{Withdrawn{"told_by_phone"}}},
		{Name: "also one that failed", Given: failed, When: Withdraw{ID: id, Reason: "told_by_phone"}, Then: []Event{Withdrawn{"told_by_phone"}}},
		{Name: "and says why", Given: queued, When: Withdraw{ID: id}, Err: ErrWhy},
		{Name: "as a code", Given: queued, When: Withdraw{ID: id, Why: "Ana knows"}, Err: domain.ErrCode},
		{Name: "and while it is on its way, where it may yet fail", Given: sending, When: Withdraw{ID: id, Why: "offer_declined"}, Then: tooLate[2:]},
		{Name: "then it is not tried again", Given: tooLate, Now: now, When: Fail{id, 1, "unreachable", false}, Then: []Event{Failed{1, "unreachable", time.Time{}}}},
		{Name: "nor sent", Given: slices.Concat(tooLate, []Event{Failed{1, "unreachable", time.Time{}}}), Now: "2023-08-24T09:00 Europe/Berlin", When: claim, Err: ErrPhase},
		{Name: "unless it was", Given: tooLate, Now: now, When: Send{ID: id, Claim: 1}, Then: []Event{Sent{Claim: 1}}},
		{Name: "or nobody knows", Given: tooLate, Now: now, When: MarkUnknown{id, 1}, Then: []Event{Unknown{1}}},
		{Name: "and somebody asks for another attempt", Given: slices.Concat(tooLate, []Event{Unknown{1}}), Now: now, When: Settle{id, Again}, Then: []Event{Queued{about, 2, at}}},
		{Name: "what was sent is not withdrawn", Given: sent, When: Withdraw{ID: id, Why: "x"}, Err: ErrPhase},

		{Name: "it arrived", Given: unclear, When: Settle{id, Arrived}, Then: []Event{Sent{Claim: 1, Settled: true}}},
		{Name: "it did not", Given: unclear, When: Settle{id, NotArrived}, Then: []Event{Failed{1, NotArrived, time.Time{}}}},
		{Name: "another attempt", Given: unclear, Now: now, When: Settle{id, Again}, Then: []Event{Queued{about, 2, at}}},
		{Name: "at what failed, too", Given: tries[:13], Now: now, When: Settle{id, Again}},
		{Name: "from the beginning", Given: failed, Now: now, When: Settle{id, Again}, Then: []Event{Queued{about, 2, at}}},
		{Name: "what failed did not arrive", Given: failed, When: Settle{id, Arrived}, Err: ErrPhase},
		{Name: "what was sent is settled", Given: sent, When: Settle{id, Again}, Err: ErrPhase},
		{Name: "a claim is somebody's", Given: sending, When: Settle{id, Again}, Err: ErrPhase},
		{Name: "in one of three ways", Given: unclear, When: Settle{id, "perhaps"}, Err: ErrSettled},
	})
	s := State{}
	for _, e := range slices.Concat(tries, []Event{Failed{8, "unreachable", time.Time{}}, Queued{about, 2, at}}) {
		s = s.Apply(e)
	}
	require.Equal(t, 8, s.Claim(), "claims are counted over all attempts")
	require.Equal(t, Waiting, s.Phase())
	require.Equal(t, about, s.About())
}

func TestAMessageIsNamedByWhatItIs(t *testing.T) {
	t.Parallel()
	id := Of("cause", "offer", ana, "autumn")
	require.Equal(t, id, Of("cause", "offer", ana, "autumn"))
	require.NotEqual(t, id.Message, Of("cause", "offer", mia, "autumn").Message)
	require.NotEqual(t, id.Message, Of("other", "offer", ana, "autumn").Message)
	require.NoError(t, id.Check())
	require.Equal(t, "message-"+id.Message, id.Stream())
	require.Equal(t, id.Message, ParseStream(id.Stream()).Message)
	require.Equal(t, "cycle/autumn", Queue{ID{Message: id.Message}, About{Cycle: "autumn"}}.Book())
	require.EqualError(t, ID{Message: "offer"}.Check(), "there is no such message (offer)")
}
