package workflows_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/allocation"
	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/domain/mentor"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/memory"
	"github.com/daybook-engine/daybook/eventstore/storetest"
	"github.com/daybook-engine/daybook/workflows"
)

// TestPeopleDoWhatTheyLike lets random people issue random commands, sensible
// and silly, on a flaky store, to two engines that don't know of each other,
// with policies and clock at work. What must always hold, holds.
// DAYBOOK_SEED repeats a run.
func TestPeopleDoWhatTheyLike(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("DAYBOOK_SEED"); s != "" {
		var err error
		seed, err = strconv.ParseUint(s, 10, 64)
		require.NoError(t, err)
	}
	t.Logf("DAYBOOK_SEED=%d", seed)
	commands := every(5000)

	log := memory.New()
	store := storetest.Flaky(log, storetest.Seeded(seed))
	store.Off() // until everybody is there
	o := newOffice(t, store, newVault())
	o.prepare(2)
	store = storetest.Flaky(log, storetest.Seeded(seed)).Cut(storetest.Sometimes(seed, commands, 200), storetest.Sometimes(seed, 0, 1))
	offices := []*office{newOffice(t, store, o.vault), newOffice(t, store, o.vault)}
	offices[1].clock = offices[0].clock
	offices[1].Now = offices[0].Now
	due := agenda{o.views()}

	p := &people{r: rand.New(rand.NewPCG(seed, 1))}
	done, refused := 0, 0
	for n := range commands {
		g := offices[p.r.IntN(2)]
		by, command, with, cause := p.command()
		for final[command] && p.r.IntN(40) > 0 { // or everything would soon be over
			by, command, with, cause = p.command()
		}
		result, err := g.try(by, command, with, cause)
		switch answer := new(domain.Error); {
		case err == nil && len(result.Names) > 0:
			done++
			p.asked = append(p.asked, asked{by, command, with, cause, result})
		case errors.As(err, &answer):
			refused++
		case err != nil:
			require.ErrorIs(t, err, storetest.ErrInjected, "%s %s %v", by, command, with)
		}
		if n%7 == 0 { // somebody is impatient
			p.again(t, g)
		}
		if p.r.IntN(4) == 0 {
			g.tolerate(g.CatchUp(t.Context(), g.mark))
		}
		if p.r.IntN(50) == 0 {
			g.clock.Set(g.clock.Now().Add(time.Duration(p.r.IntN(36)) * time.Hour))
			_, err := g.Tick(t.Context(), due)
			g.tolerate(err)
		}
		if p.r.IntN(200) == 0 { // a process is started anew
			i := p.r.IntN(2)
			clock := offices[i].clock
			offices[i] = newOffice(t, store, o.vault)
			offices[i].clock, offices[i].Now = clock, clock.Now
		}
	}
	store.Off()
	for _, g := range offices {
		g.settle()
	}
	require.NotZero(t, done)
	require.NotZero(t, refused)
	require.NotZero(t, store.Struck().Appends)
	require.NotZero(t, store.Struck().Reads)
	storetest.CheckLog(t, log)
	again, err := workflows.Replay(t.Context(), log, offices[0].mark.at)
	require.NoError(t, err)
	require.Nil(t, again.Divergence)
	require.True(t, testing.Short() || again.Commands > 0, "in a short run nobody may have come so far")
	seen := invariants(t, log, o.vault)
	t.Logf("%d done, %d refused, %d events: %v; struck: %+v; replayed: %+v", done, refused, len(lines(t, log)), seen, store.Struck(), again)
}

// tolerate takes what a flaky store does to whoever works in the background:
// it is done the next time.
func (o *office) tolerate(err error) {
	o.t.Helper()
	if err != nil {
		require.ErrorIs(o.t, err, storetest.ErrInjected)
	}
}

type asked struct {
	by, command string
	with        fields
	cause       workflows.Cause
	result      workflows.Result
}

// people make up commands.
type people struct {
	r     *rand.Rand
	asked []asked
}

// final lists what ends something.
var final = map[string]bool{
	"application.withdraw": true, "application.retract": true, "eligibility.fail": true, "application.pass_over": true, "application.decline": true, "application.reserve": true,
	"conflict.declare": true, "offer.decline": true, "place.release": true, "reserve.release": true,
	"match.decline": true, "match.unwind": true, "match.end": true, "completion.waive": true, "session.cancel": true, "session.miss": true,
}

func one[T any](p *people, list ...T) T { return list[p.r.IntN(len(list))] }

func (p *people) command() (by, command string, f fields, cause workflows.Cause) {
	var id [16]byte
	for i := range id {
		id[i] = byte(p.r.Uint32())
	}
	cause = workflows.Cause{CommandID: id, Channel: "web", Reason: "tested", Authority: "test"}
	a := one(p, "a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9")
	m, rev := one(p, "m1", "m2"), one(p, "r1", "r2")
	mine := with(call, "person", a)
	in := fields{"cycle": "spring", "match": one(p, "x1", "x2", "x3", "x4", "x5")}
	side := one(p, "mentee", "mentor")
	session := 1 + p.r.IntN(4)
	slot := with(in, "session", session, "local", fmt.Sprintf("2024-%02d-%02dT10:00", 1+p.r.IntN(4), 1+p.r.IntN(28)), "zone", "Europe/Berlin", "mode", one(p, "online", "online", "in_person"))
	c1 := "coordinator/c1"
	scores := []fields{{"criterion": "motives", "value": p.r.IntN(6), "justification": "x"}, {"criterion": "strengths", "value": 3, "justification": "y"}, {"criterion": "priorities", "value": 5, "justification": "z"}}
	type act struct {
		by, command string
		with        fields
	}
	x := one(p,
		act{"applicant/" + a, "draft.start", call},
		act{"applicant/" + a, "application.submit", with(call, "route", one(p, "staff", "staff", "network"), "answers", form)},
		act{"applicant/" + a, "application.submit", with(call, "route", "staff", "answers", with(form, "priorities", []string{"one"}))},
		act{c1, "deadline.extend", with(call, "deadline", deadline(fmt.Sprintf("2024-02-%02dT12:00", 1+p.r.IntN(25))))},
		act{c1, "permit.grant", with(mine, "until", time.Date(2024, 2, 1+p.r.IntN(28), 12, 0, 0, 0, time.UTC))},
		act{"applicant/" + a, "application.withdraw", call}, act{c1, "application.retract", mine},
		act{c1, "nomination.receive", with(mine, "proof", "x")},
		act{c1, "eligibility.confirm", mine}, act{c1, "eligibility.confirm", mine},
		act{c1, "eligibility.fail", with(mine, "failed", []string{one(p, "nominated", "nonsense")})},
		act{c1, "review.assign", with(mine, "reviewer", rev)}, act{c1, "review.assign", with(mine, "reviewer", rev)},
		act{"reviewer/" + rev, "review.open", mine},
		act{"reviewer/" + rev, "review.record", with(mine, "recommendation", "select", "scores", scores)},
		act{"reviewer/" + rev, "review.record", with(mine, "recommendation", "select", "scores", scores)},
		act{"reviewer/" + rev, "conflict.declare", with(mine, "conflict", one(p, "family", "feud"), "note", "n")},
		act{c1, "application.shortlist", mine}, act{c1, "application.shortlist", mine},
		act{c1, "application.pass_over", mine},
		act{c1, "application.select", with(mine, "rationale", "w")}, act{c1, "application.select", with(mine, "rationale", "w")},
		act{c1, "application.reserve", with(mine, "rank", p.r.IntN(4))},
		act{c1, "application.decline", mine},
		act{c1, "place.reserve", mine}, act{c1, "place.reserve", mine}, act{c1, "place.reserve", mine},
		act{c1, "place.release", mine}, act{c1, "reserve.release", mine},
		act{"applicant/" + a, "offer.accept", call}, act{"applicant/" + a, "offer.accept", call}, act{"applicant/" + a, "offer.decline", call},
		act{c1, "quota.set", fields{"programme": "nemo-121", "quota": "cycle", "per": "cycle", "limit": 1 + p.r.IntN(6)}},
		act{c1, "match.propose", with(in, "mentee", a, "mentor", m)}, act{c1, "match.propose", with(in, "mentee", a, "mentor", m)},
		act{c1, "match.accept", with(in, "side", side)}, act{c1, "match.accept", with(in, "side", side)},
		act{c1, "match.decline", with(in, "side", side)},
		act{c1, "match.unwind", in}, act{c1, "match.end", in},
		act{c1, "agreement.sign", with(in, "side", side, "version", one(p, "1", "1", "2"))},
		act{c1, "contact.make", with(in, "side", side)},
		act{c1, "session.schedule", slot}, act{c1, "session.schedule", slot}, act{c1, "session.reschedule", slot},
		act{c1, "session.cancel", with(in, "session", session)}, act{c1, "session.miss", with(in, "session", session, "side", side, "notice", true)},
		act{c1, "session.hold", with(slot, "minutes", p.r.IntN(120))}, act{c1, "session.hold", with(slot, "minutes", 75)},
		act{c1, "session.correct", with(slot, "minutes", 60+p.r.IntN(60))},
		act{c1, "reflection.file", with(in, "side", side, "kind", one(p, "session", "final"), "session", p.r.IntN(3), "text", "what I learnt")},
		act{c1, "match.complete", in}, act{c1, "completion.waive", in},
		act{one(p, "mentee/", "applicant/", "mentor/") + a, one(p, "cycle.close", "quota.set", "offer.lapse", "figures.seal", "nonsense"), in},
	)
	return x.by, x.command, x.with, cause
}

// again issues a command that was done, under its old id.
func (p *people) again(t *testing.T, g *office) {
	if len(p.asked) == 0 {
		return
	}
	a := p.asked[p.r.IntN(len(p.asked))]
	result, err := g.try(a.by, a.command, a.with, a.cause)
	if errors.Is(err, storetest.ErrInjected) {
		return
	}
	require.Equal(t, a.result, result, "%s %v", a.command, err)
}

// invariants reads the log by itself, without the rules' own states.
func invariants(t *testing.T, log eventstore.Store, v *vault) map[string]int {
	t.Helper()
	type place struct{ cycle, person string }
	limit, taken, offers := 0, map[place]bool{}, map[string]int{}
	capacity, engaged := map[string]int{}, map[string]map[string]bool{}
	scheduled, held := map[string]map[int]bool{}, map[string]map[int]bool{}
	received, seen := map[string]int{}, map[string]int{}
	ids, commands := map[string]bool{}, map[string]string{}
	var last time.Time
	for r, err := range log.ReadAll(t.Context(), eventstore.ReadAll{}) {
		require.NoError(t, err)
		env := envelope(t, r)
		body, err := schema.Decode(r.Name, r.Data)
		require.NoError(t, err)
		require.False(t, env.RecordedAt.Before(last), "%s at %s", r.Name, r.Position)
		last = env.RecordedAt
		require.False(t, ids[env.ID])
		ids[env.ID] = true
		if env.Causation != "" {
			require.True(t, ids[env.Causation], "%s has no cause", r.Name)
		}
		stream, known := commands[env.CommandID]
		require.True(t, !known || stream == r.Stream, "one command writes one stream")
		commands[env.CommandID] = r.Stream
		for _, p := range schema.Private(body) {
			_, kept := v.Text(p.Digest)
			require.True(t, kept, "%s commits to what nobody has", r.Name)
		}
		seen[r.Name]++
		of := func(m map[string]map[int]bool) map[int]bool {
			if m[r.Stream] == nil {
				m[r.Stream] = map[int]bool{}
			}
			return m[r.Stream]
		}
		switch e := body.(type) {
		case allocation.QuotaSet:
			limit = e.Limit
		case allocation.PlaceReserved:
			taken[place{e.Cycle, string(e.Person)}] = true
			require.LessOrEqual(t, len(taken), limit, "more places than there are, at %s", r.Position)
		case allocation.PlaceReleased:
			delete(taken, place{e.Cycle, string(e.Person)})
		case application.Received:
			received[r.Stream]++
			require.Equal(t, 1, received[r.Stream], "received twice: %s", r.Stream)
		case application.Retracted:
			delete(received, r.Stream)
			require.Zero(t, offers[r.Stream])
		case application.OfferMade:
			offers[r.Stream]++
			require.Equal(t, 1, offers[r.Stream])
		case mentor.Joined:
			capacity[r.Stream], engaged[r.Stream] = e.Capacity, map[string]bool{}
		case mentor.Engaged:
			engaged[r.Stream][e.Match] = true
			require.LessOrEqual(t, len(engaged[r.Stream]), capacity[r.Stream])
		case mentor.Freed:
			delete(engaged[r.Stream], e.Match)
		case match.SessionScheduled:
			of(scheduled)[e.Session] = true
			require.LessOrEqual(t, len(of(scheduled)), 3, "the plan has three sessions")
		case match.SessionCancelled:
			delete(of(scheduled), e.Session)
		case match.SessionMissed:
			delete(of(scheduled), e.Session)
		case match.SessionHeld:
			require.False(t, of(held)[e.Session], "held twice")
			of(held)[e.Session] = true
		case match.Completed:
			require.NotContains(t, offers, r.Stream)
			offers[r.Stream]++
			if e.Basis == "rule" {
				require.GreaterOrEqual(t, len(of(held)), 2)
			}
		}
		require.True(t, json.Valid(r.Data))
	}
	return seen
}
