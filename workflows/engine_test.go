package workflows_test

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/access"
	"github.com/daybook-engine/daybook/domain/allocation"
	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/domain/person"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/review"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/memory"
	"github.com/daybook-engine/daybook/eventstore/storetest"
	"github.com/daybook-engine/daybook/projections"
	"github.com/daybook-engine/daybook/workflows"
)

func TestACommandIsDecidedOnItsStreamAndKept(t *testing.T) {
	t.Parallel()
	o := open(t)
	before := len(log(t, o.store))

	r := o.must("coordinator/c1", "notice.publish", with(call, "where", "website", "text", "apply"))
	require.Equal(t, []string{"notice.published"}, r.Names)
	event, _ := last(t, o.store)
	require.Equal(t, event.Position, r.Position)
	require.Equal(t, "notice.published", event.Name)
	require.JSONEq(t, `{"where":"website","text":"apply"}`, string(event.Data))

	r = o.must("coordinator/c1", "notice.publish", with(call, "where", "website", "text", "apply"))
	require.Empty(t, r.Names, "it is already so")
	require.True(t, r.Position.IsZero())
	require.Len(t, log(t, o.store), before+1)
	storetest.CheckLog(t, o.store)
}

func TestTheSameCommandIDIsAnsweredAsTheFirstTime(t *testing.T) {
	t.Parallel()
	o := open(t)
	again := func(t *testing.T, id uuid.UUID, by, command string, f fields, want error, names ...string) {
		t.Helper()
		cause := workflows.Cause{CommandID: id, Channel: "web", Reason: "tested", Authority: "test"}
		first, err := o.try(by, command, f, cause)
		require.ErrorIs(t, err, want)
		require.Equal(t, names, first.Names)
		events := len(log(t, o.store))
		for _, engine := range []*office{o, newOffice(t, o.store, o.vault)} {
			second, again := engine.try(by, command, f, cause)
			require.Equal(t, err, again)
			require.Equal(t, first, second)
		}
		require.Len(t, log(t, o.store), events)
	}

	id := uuid.New()
	again(t, id, "coordinator/c1", "deadline.extend", with(call, "deadline", deadline("2024-02-02T12:00")), nil, "deadline.extended")
	o.must("coordinator/c1", "deadline.extend", with(call, "deadline", deadline("2024-02-03T12:00")))
	again(t, id, "coordinator/c1", "deadline.extend", with(call, "deadline", deadline("2024-02-02T12:00")), nil, "deadline.extended")

	// Refusals that are recorded.
	incomplete := with(call, "route", "staff", "answers", with(form, "priorities", []string{"one"}))
	o.must("applicant/a1", "draft.start", call)
	id = uuid.New()
	again(t, id, "applicant/a1", "application.submit", incomplete, application.ErrIncomplete, "submission.refused")
	o.must("applicant/a1", "application.submit", with(call, "route", "staff", "answers", form))
	again(t, id, "applicant/a1", "application.submit", incomplete, application.ErrIncomplete, "submission.refused")

	o.must("coordinator/c1", "eligibility.confirm", with(call, "person", "a1"))
	o.must("coordinator/c1", "review.assign", with(call, "person", "a1", "reviewer", "r1"))
	o.must("reviewer/r1", "conflict.declare", with(call, "person", "a1", "conflict", "family", "note", "cousins"))
	again(t, uuid.New(), "reviewer/r1", "review.open", with(call, "person", "a1"), review.ErrRecused, "access.refused")

	o.chosen("a2", "a3", "a4")
	again(t, uuid.New(), "coordinator/c1", "place.reserve", with(call, "person", "a2"), nil, "place.reserved")
	o.must("coordinator/c1", "place.reserve", with(call, "person", "a3"))
	id = uuid.New()
	again(t, id, "coordinator/c1", "place.reserve", with(call, "person", "a4"), allocation.ErrFull, "place.refused")
	o.must("applicant/a2", "application.withdraw", call)
	o.settle()
	again(t, id, "coordinator/c1", "place.reserve", with(call, "person", "a4"), allocation.ErrFull, "place.refused")
	o.must("coordinator/c1", "place.reserve", with(call, "person", "a4"))
	storetest.CheckLog(t, o.store)
}

func TestWhatAnswersFromMemoryIsReadAgainFirst(t *testing.T) {
	t.Parallel()
	o := open(t)
	other := newOffice(t, o.store, o.vault)
	submit := with(call, "route", "staff", "answers", form)
	stale := func() { // other remembers where everything stands now
		t.Helper()
		_, err := other.try("applicant/a9", "application.submit", with(call, "route", "nonsense", "answers", form))
		require.ErrorIs(t, err, application.ErrRoute)
	}

	t.Run("a refusal that rests on another stream", func(t *testing.T) {
		stale()
		o.must("coordinator/c1", "deadline.extend", with(call, "deadline", deadline("2024-02-20T12:00")))
		other.clock.Set(time.Date(2024, 2, 10, 9, 0, 0, 0, time.UTC))
		o.clock.Set(other.clock.Now())
		other.must("applicant/a1", "application.submit", submit)
	})
	t.Run("a refusal that rests on its own stream", func(t *testing.T) {
		_, err := o.try("applicant/a1", "offer.accept", call)
		require.ErrorIs(t, err, application.ErrPhase)
		other.must("coordinator/c1", "eligibility.confirm", with(call, "person", "a1"))
		o.must("coordinator/c1", "review.assign", with(call, "person", "a1", "reviewer", "r1"))
		for _, r := range []string{"r1", "r2"} {
			other.must("coordinator/c1", "review.assign", with(call, "person", "a1", "reviewer", r))
		}
		_, err = o.try("reviewer/r2", "review.open", with(call, "person", "a1"))
		require.NoError(t, err, "o knew of r1 only")
	})
	t.Run("a cycle that was planned elsewhere", func(t *testing.T) {
		autumn := fields{"cycle": "autumn", "call": "mentees", "deadline": deadline("2024-09-01T12:00")}
		_, err := o.try("coordinator/c1", "call.open", autumn)
		require.ErrorIs(t, err, domain.NotFound)
		other.must("coordinator/c1", "cycle.plan", fields{"cycle": "autumn", "programme": "nemo-121", "title": "Autumn", "from": "2024-09", "to": "2024-12"})
		o.must("coordinator/c1", "call.open", autumn)
	})
	t.Run("that it is already so", func(t *testing.T) {
		three := deadline("2024-03-03T12:00")
		o.must("coordinator/c1", "deadline.extend", with(call, "deadline", three))
		other.must("coordinator/c1", "deadline.extend", with(call, "deadline", deadline("2024-03-04T12:00")))
		_, err := o.try("coordinator/c1", "deadline.extend", with(call, "deadline", three))
		require.Error(t, err, "it would move the deadline back")
	})
	t.Run("that it is somebody else's", func(t *testing.T) {
		in := fields{"cycle": "spring", "match": "pair"}
		_, err := other.try("mentee/a1", "match.accept", with(in, "side", "mentee"))
		require.Error(t, err, "there is no such match")
		o.chosen("a2")
		o.must("coordinator/c1", "place.reserve", with(call, "person", "a2"))
		o.settle()
		o.must("applicant/a2", "offer.accept", call)
		o.settle()
		o.must("coordinator/c1", "match.propose", with(in, "mentee", "a2", "mentor", "m1"))
		_, err = other.try("mentee/a1", "match.accept", with(in, "side", "mentee"))
		require.ErrorIs(t, err, access.ErrNotYours)
		other.must("mentee/a2", "match.accept", with(in, "side", "mentee"))
	})
	t.Run("a conflict, which leads to another decision", func(t *testing.T) {
		first := o.must("coordinator/c1", "notice.publish", with(call, "where", "website", "text", "x"))
		_, err := other.try("coordinator/c1", "notice.publish", with(call, "where", "newsletter", "text", "x"))
		require.NoError(t, err)
		r := o.must("coordinator/c1", "notice.publish", with(call, "where", "radio", "text", "x"))
		require.Positive(t, r.Position.Compare(first.Position))
		require.Empty(t, other.must("coordinator/c1", "notice.publish", with(call, "where", "radio", "text", "x")).Names)
	})
	storetest.CheckLog(t, o.store)
}

// What would be accepted from memory is not, when another node has moved the
// fact that it rests on, in another stream.
func TestAFactMovedElsewhereIsSeen(t *testing.T) {
	t.Parallel()
	for name, store := range map[string]eventstore.Store{"in a store that counts": memory.New(), "in one that does not": uncounted{memory.New()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			aFactMovedElsewhereIsSeen(t, store)
		})
	}
}

func aFactMovedElsewhereIsSeen(t *testing.T, store eventstore.Store) {
	o := newOffice(t, store, newVault())
	o.prepare(2)
	o.matched("a1", "m2", "pair")
	o.chosen("a2")
	o.shortlisted("a3", "a4", "a5", "a6")
	o.settle()
	other := newOffice(t, o.store, o.vault)
	refused := func(t *testing.T, by, command string, f fields, want error) {
		t.Helper()
		before := len(log(t, o.store))
		_, err := o.try(by, command, f)
		require.ErrorIs(t, err, want)
		require.Len(t, log(t, o.store), before)
	}

	t.Run("who may not decide", func(t *testing.T) {
		a3 := with(call, "person", "a3")
		other.must("coordinator/c1", "conflict.declare", with(a3, "reviewer", "c1", "conflict", "family", "note", "n"))
		refused(t, "coordinator/c1", "application.select", a3, application.ErrRecused)
	})
	t.Run("which reviews count", func(t *testing.T) {
		a4 := with(call, "person", "a4")
		other.must("reviewer/r1", "conflict.declare", with(a4, "conflict", "family", "note", "n"))
		refused(t, "coordinator/c1", "application.select", a4, application.ErrReviews)
	})
	t.Run("which definition the cycle goes by", func(t *testing.T) {
		a5 := with(call, "person", "a5")
		o.must("coordinator/c1", "application.reserve", with(a5, "rank", 1, "rationale", "why")) // it remembers the definition
		o.settle()
		three := other.publish(func(d *programme.Definition) { d.Review.PerApplication = 3 })
		other.must("coordinator/c1", "definition.move", move(three))
		refused(t, "coordinator/c1", "application.select", with(call, "person", "a6"), application.ErrReviews)
	})
	t.Run("where an application stands", func(t *testing.T) {
		other.must("applicant/a2", "application.withdraw", call)
		refused(t, "coordinator/c1", "place.reserve", with(call, "person", "a2"), allocation.ErrNotChosen)
	})
	t.Run("whether a cycle is over", func(t *testing.T) {
		in := fields{"cycle": "spring", "match": "pair"}
		other.must("coordinator/c1", "match.end", in)
		other.woundUp()
		o.clock.Set(other.clock.Now())
		other.must("coordinator/c1", "cycle.close", fields{"cycle": "spring"})
		refused(t, "coordinator/c1", "match.propose", with(in, "match", "next", "mentee", "a1", "mentor", "m1"), match.ErrCycleOver)
		o.must("mentor/m2", "session.hold", with(in, "session", 1, "mode", "online", "minutes", 60, "local", "2024-01-07T09:00", "zone", "Europe/Berlin"))
		_, env := last(t, o.store)
		require.Contains(t, env.Nonconformities, "after_cycle_close")
	})
	storetest.CheckLog(t, o.store)
}

// An uncounted store cannot tell that a stream is as it was, as a cluster can't.
type uncounted struct{ eventstore.Store }

// A counting store can, and notes which streams are read.
type counting struct {
	*memory.Store
	read map[string]int
}

func (c counting) ReadStream(ctx context.Context, stream string, r eventstore.ReadStream) iter.Seq2[eventstore.Recorded, error] {
	c.read[stream]++
	return c.Store.ReadStream(ctx, stream, r)
}

func TestWhatIsAsItWasIsNotReadAgain(t *testing.T) {
	t.Parallel()
	store := counting{memory.New(), map[string]int{}}
	o := newOffice(t, store, newVault())
	o.prepare(2)
	submit := with(call, "route", "staff", "answers", form)
	o.must("applicant/a1", "application.submit", submit)
	clear(store.read)
	o.must("applicant/a2", "application.submit", submit)
	for _, stream := range []string{"cycle-spring", "call-spring.mentees", "programme-nemo-121"} {
		require.Zero(t, store.read[stream], stream)
	}

	other := newOffice(t, o.store, o.vault)
	other.must("coordinator/c1", "stage.schedule", fields{"cycle": "spring", "stage": "call", "from": "2024-01-08", "to": "2024-02-01", "published": "until Thursday 1 February 2024"})
	clear(store.read)
	o.must("applicant/a3", "application.submit", submit)
	o.must("applicant/a4", "application.submit", submit)
	require.Equal(t, 1, store.read["cycle-spring"])

	own := o.application("a4")
	clear(store.read)
	_, err := o.try("applicant/a4", "offer.accept", call)
	require.ErrorIs(t, err, application.ErrPhase)
	require.Zero(t, store.read[own], "a refusal is asked again, of what is there")
	other.must("applicant/a4", "application.withdraw", call)
	clear(store.read)
	require.Empty(t, o.must("applicant/a4", "application.withdraw", call).Names)
	require.Equal(t, 1, store.read[own])
}

func TestTheLastPlaceIsGivenOnce(t *testing.T) {
	t.Parallel()
	o := setup(t)
	o.prepare(3)
	applicants := []string{"a1", "a2", "a3", "a4", "a5", "a6"}
	o.chosen(applicants...)
	offices := []*office{o, newOffice(t, o.store, o.vault), newOffice(t, o.store, o.vault)}
	errs := make([]error, len(applicants))
	var wg sync.WaitGroup
	for i, a := range applicants {
		wg.Go(func() { _, errs[i] = offices[i%3].try("coordinator/c1", "place.reserve", with(call, "person", a)) })
	}
	wg.Wait()
	given := 0
	for _, err := range errs {
		if err == nil {
			given++
			continue
		}
		require.ErrorIs(t, err, allocation.ErrFull)
	}
	require.Equal(t, 3, given)
	storetest.CheckLog(t, o.store)
}

func TestWhatIsMisspelledIsToldWithTheNearest(t *testing.T) {
	t.Parallel()
	o := open(t)
	before := len(log(t, o.store))
	for _, c := range []struct{ command, with, want string }{
		{"deadline.extent", `{}`, "there is no such command (deadline.extent; did you mean deadline.extend?)"},
		{"zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", `{}`, "there is no such command (zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz)"},
		{"notice.publish", `{"wher":"x"}`, "the command's fields cannot be read (unknown field wher; did you mean where?)"},
		{"deadline.extend", `{"deadline":{"locale":"x"}}`, "the command's fields cannot be read (unknown field locale; did you mean local?)"},
		{"quota.set", `{"limmit":1}`, "unknown field limmit; did you mean limit?"},
		{"definition.publish", `{"definition":{"calls":[{"criteria":[{"criterionn":"x"}]}]}}`, "the command's fields cannot be read (unknown field criterionn; did you mean criterion?)"},
		{"quota.set", `{"limit":"ten"}`, "the command's fields cannot be read (field limit: expected a whole number, found string)"},
		{"mentor.join", `{"expertise":"x"}`, "the command's fields cannot be read (field expertise: expected a list, found string)"},
		{"match.unwind", `{"no_fault":1}`, "the command's fields cannot be read (field no_fault: expected true or false, found number)"},
		{"notice.publish", `[]`, "the command's fields cannot be read (expected a JSON object, found array)"},
		{"call.open", `{"year":2024}`, "the command's fields cannot be read (unknown field year"},
		{"place.reserve", `{"Phase":"chosen"}`, "the command's fields cannot be read (unknown field Phase"},
	} {
		_, err := o.DoAs(t.Context(), "coordinator/c1", c.command, json.RawMessage(c.with), nil, workflows.Cause{})
		require.ErrorContains(t, err, c.want)
		require.ErrorIs(t, err, domain.Invalid)
	}
	_, err := o.Do(t.Context(), "notice.publish", json.RawMessage(`{} {}`), workflows.Cause{Role: access.Coordinator})
	require.ErrorContains(t, err, "one JSON object and nothing after it")
	require.Len(t, log(t, o.store), before)
}

func TestNoFieldsAreAnEmptyObject(t *testing.T) {
	t.Parallel()
	o := open(t)
	for _, with := range []string{``, `null`, `{}`} {
		for _, command := range []string{"call.open", "person.register"} {
			_, err := o.DoAs(t.Context(), "coordinator/c1", command, json.RawMessage(with), map[string]string{"cycle": "spring"}, workflows.Cause{})
			require.ErrorIs(t, err, domain.Invalid, "%s %q", command, with)
		}
	}
}

func TestWhoMayNotIsDenied(t *testing.T) {
	t.Parallel()
	o := open(t)
	before := len(log(t, o.store))
	for by, want := range map[string]error{
		"applicant/a1": access.ErrRole,
		"clock/c1":     access.ErrRole,
		"policy/c1":    access.ErrRole,
		"king/c1":      access.ErrRole,
		"c1":           workflows.ErrActor,
		"coordinator/": workflows.ErrActor,
	} {
		_, err := o.try(by, "deadline.extend", with(call, "deadline", deadline("2024-02-02T12:00")))
		require.ErrorIs(t, err, want, by)
	}
	_, err := o.try("coordinator/c1", "call.close", call)
	require.ErrorIs(t, err, access.ErrRole, "only the clock closes a call")
	_, err = o.try("coordinator/nobody", "notice.publish", call)
	require.ErrorIs(t, err, domain.NotFound)
	require.Len(t, log(t, o.store), before)
}

func TestTheFirstPersonRegistersHerself(t *testing.T) {
	t.Parallel()
	o := setup(t)
	o.must("coordinator/anna", "person.register", fields{"handle": "anna", "register": "staff", "name": "Anna Berg"})
	event, env := last(t, o.store)
	require.Equal(t, string(o.person("anna")), env.Actor)
	require.Equal(t, "person-"+env.Actor, event.Stream)
	require.NotContains(t, string(event.Data), "anna")
	require.NotContains(t, string(event.Data), "Berg")

	_, err := o.try("coordinator/anna", "person.register", fields{"handle": "anna", "register": "staff", "name": "Anna Berg"})
	require.ErrorIs(t, err, person.ErrRegistered, "the rules do not know whether the name is the same")
	_, err = o.try("coordinator/bert", "person.register", fields{"handle": "carl", "register": "staff", "name": "Carl"})
	require.ErrorIs(t, err, domain.NotFound, "somebody unknown registers nobody else")
	o.must("coordinator/anna", "person.register", fields{"handle": "carl", "register": "staff", "name": "Carl"})
	require.NotEqual(t, o.person("anna"), o.person("carl"))
	_, err = o.try("coordinator/anna", "person.register", fields{"handle": "dora", "register": "staff", "name": "D", "person": uuid.NewString()})
	require.ErrorIs(t, err, workflows.ErrFields, "nobody chooses an id")
	_, err = o.try("coordinator/anna", "person.register", fields{"register": "staff", "name": "C"})
	require.ErrorIs(t, err, domain.Invalid)
	require.Equal(t, []string{"person.registered", "person.registered"}, names(t, o.store))
	storetest.CheckLog(t, o.store)
}

func TestHandlesBecomeIDs(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.chosen("a1")
	for _, r := range log(t, o.store) {
		for _, handle := range []string{`"a1"`, `"c1"`, `"r1"`} {
			require.NotContains(t, string(r.Data)+string(r.Metadata), handle, r.Name)
		}
	}
	o.must("coordinator/"+string(o.person("c1")), "place.reserve", with(call, "person", o.person("a1")))
	_, err := o.try("coordinator/c1", "eligibility.confirm", with(call, "person", "nobody"))
	require.ErrorIs(t, err, domain.NotFound)
	require.ErrorContains(t, err, "nobody")
}

func TestTimeDoesNotRunBackwards(t *testing.T) {
	t.Parallel()
	store, v := memory.New(), newVault()
	now := monday
	engine := func() *workflows.Engine {
		g, err := workflows.New(t.Context(), workflows.Config{Store: store, Vault: v, Now: func() time.Time { return now }})
		require.NoError(t, err)
		return g
	}
	anna := fields{"handle": "anna", "register": "staff", "name": "Anna"}
	register := func(g *workflows.Engine, organisation string) error {
		_, err := g.DoAs(t.Context(), "coordinator/anna", "organisation.register", encode(t, fields{"organisation": organisation, "name": "x", "kind": "museum"}), nil, workflows.Cause{})
		return err
	}
	g, second := engine(), engine()
	_, err := g.DoAs(t.Context(), "coordinator/anna", "person.register", encode(t, anna), nil, workflows.Cause{})
	require.NoError(t, err)
	require.NoError(t, register(g, "one"))

	now = monday.Add(-59 * time.Second) // a time server put it right
	require.NoError(t, register(g, "two"))
	_, env := last(t, store)
	require.Equal(t, monday, env.RecordedAt)
	require.NoError(t, register(engine(), "three"), "a new engine has looked at the head")
	_, env = last(t, store)
	require.Equal(t, monday, env.RecordedAt)

	now = monday.Add(-61 * time.Second)
	require.ErrorIs(t, register(g, "four"), workflows.ErrClock)
	require.ErrorIs(t, register(engine(), "four"), workflows.ErrClock)
	require.Equal(t, monday, g.Latest())

	// What an engine reads of others' is seen too.
	now = monday.Add(-30 * time.Second)
	_, err = second.DoAs(t.Context(), "coordinator/anna", "membership.record", encode(t, fields{"organisation": "one", "network": "nemo"}), nil, workflows.Cause{})
	require.NoError(t, err)
	_, env = last(t, store)
	require.Equal(t, monday, env.RecordedAt, "an organisation does not join before it is registered")

	now = monday.Add(1500 * time.Microsecond)
	require.NoError(t, register(g, "five"))
	_, env = last(t, store)
	require.Equal(t, monday.Add(time.Millisecond), env.RecordedAt)
	storetest.CheckLog(t, store)
}

// A store that is full of nothing but refusals to write.
type full struct{ eventstore.Store }

var errFull = errors.New("no space left on device")

func (full) Append(context.Context, string, eventstore.Expected, ...eventstore.Event) (eventstore.Result, error) {
	return eventstore.Result{}, errFull
}

func TestPersonalTextIsKeptBeforeTheEventThatCommitsToIt(t *testing.T) {
	t.Parallel()
	o := open(t)
	submit := with(call, "route", "staff", "answers", form)
	before, texts := len(log(t, o.store)), o.vault.Size()

	broken := errors.New("the vault is broken")
	o.vault.fail = func() error { return broken }
	_, err := o.try("applicant/a1", "application.submit", submit)
	require.ErrorIs(t, err, broken)
	require.Len(t, log(t, o.store), before, "no event without its text")
	require.Equal(t, texts, o.vault.Size())
	o.vault.fail = nil

	lost := newOffice(t, full{o.store}, o.vault)
	_, err = lost.try("applicant/a1", "application.submit", submit)
	require.ErrorIs(t, err, errFull)
	require.Len(t, log(t, o.store), before)
	require.Greater(t, o.vault.Size(), texts, "orphans, to be collected")

	// The vault comes first, always.
	ordered := newOffice(t, o.store, o.vault)
	o.vault.fail = func() error {
		require.Len(t, log(t, o.store), before, "the event was first")
		return nil
	}
	ordered.must("applicant/a1", "application.submit", submit)
	o.vault.fail = nil
	for _, r := range log(t, o.store) {
		body, err := schema.Decode(r.Name, r.Data)
		require.NoError(t, err)
		for _, p := range schema.Private(body) {
			s, ok := o.vault.Secrets()[p.Digest]
			require.True(t, ok, r.Name)
			require.Equal(t, p.Digest, domain.CommitmentDigest(s.Salt, s.Text))
			require.Equal(t, p.Subjects, s.Subjects)
			require.Equal(t, p.Kind, s.Kind)
			require.Equal(t, p.Readers, s.Readers)
		}
		require.NotContains(t, string(r.Data), "patience")
	}
	storetest.CheckLog(t, o.store)
}

func TestAnEnvelopeSaysWhatIsKnownOfAnyEvent(t *testing.T) {
	t.Parallel()
	o := open(t)
	id, c1 := uuid.New(), string(o.person("c1"))
	o.clock.Set(monday.Add(time.Hour))
	o.must("coordinator/c1", "application.submit", with(call, "person", "a1", "route", "staff", "answers", form, "received_at", "2024-01-08T08:30:00Z"),
		workflows.Cause{CommandID: id, Channel: "paper", Reason: "keyed_in", Authority: "rule-7", OnBehalfOf: o.person("a1")})
	r, env := last(t, o.store)
	salt := env.Salt
	env.Salt = ""
	require.Equal(t, schema.Envelope{
		ID: r.ID.String(), Name: "application.received", RecordedAt: monday.Add(time.Hour), OccurredAt: monday.Add(30 * time.Minute),
		Actor: c1, Role: "coordinator", OnBehalfOf: o.person("a1"), Channel: "paper", Book: "cycle/spring",
		CommandID: id.String(), Correlation: id.String(), Reason: "keyed_in", Authority: "rule-7", Subjects: []domain.Person{o.person("a1")},
	}, env)
	require.Len(t, salt, 22, "16 bytes, base64url")
	all := log(t, o.store)
	_, first := all[len(all)-2], envelope(t, all[len(all)-2])
	require.Equal(t, "draft.started", first.Name)
	require.NotEqual(t, salt, first.Salt)
	require.NotEqual(t, r.ID.String(), first.ID)
	require.Equal(t, id.String(), first.CommandID)

	o.matched("a2", "m1", "pair")
	o.clock.Set(monday.Add(2 * time.Hour))
	o.must("mentor/m1", "session.hold", fields{"cycle": "spring", "match": "pair", "session": 1, "local": "2024-01-08T10:00", "zone": "Europe/Berlin", "mode": "online", "minutes": 45})
	_, env = last(t, o.store)
	require.Equal(t, []string{"under_min_duration"}, env.Nonconformities)
	require.Equal(t, monday.Add(time.Hour), env.OccurredAt)
	require.ElementsMatch(t, []domain.Person{o.person("a2"), o.person("m1")}, env.Subjects)
	for _, minutes := range []int{60, 55} { // each corrects the one before
		corrected := env.ID
		o.must("coordinator/c1", "session.correct", fields{"cycle": "spring", "match": "pair", "session": 1, "local": "2024-01-08T10:00", "zone": "Europe/Berlin", "mode": "online", "minutes": minutes})
		_, env = last(t, o.store)
		require.Equal(t, corrected, env.Corrects)
		require.Equal(t, monday.Add(time.Hour), env.OccurredAt)
	}

	events := map[string]schema.Envelope{} // by id
	for _, r := range log(t, o.store) {
		env := envelope(t, r)
		require.Equal(t, r.ID.String(), env.ID)
		require.Equal(t, r.Name, env.Name)
		if env.Causation != "" {
			cause, ok := events[env.Causation]
			require.True(t, ok, "%s: its cause comes before it", r.Name)
			require.Equal(t, cause.Correlation, env.Correlation)
			require.Equal(t, "policy", env.Role)
			require.Equal(t, "system", env.Channel)
		}
		switch category, _, _ := strings.Cut(r.Stream, "-"); category {
		case "person", "mentor":
			require.Equal(t, "installation", env.Book)
		case "programme", "allocation":
			require.Equal(t, "programme/nemo-121", env.Book)
		case "organisation":
		default:
			require.Equal(t, "cycle/spring", env.Book, r.Stream)
		}
		events[env.ID] = env
	}
	require.Contains(t, slices.Collect(func(yield func(string) bool) {
		for e := range maps.Values(events) {
			if !yield(e.Actor + " " + e.Name) {
				return
			}
		}
	}), "offer-a-reserved-place offer.made")
	storetest.CheckLog(t, o.store)
}

func envelope(t testing.TB, r eventstore.Recorded) schema.Envelope {
	t.Helper()
	env, err := schema.DecodeEnvelope(r.Metadata)
	require.NoError(t, err)
	return env
}

func TestARehearsalSaysSoInEveryBook(t *testing.T) {
	t.Parallel()
	store := memory.New()
	st, _ := stage(t, store, newVault(), nil)
	_, err := st.Play(t.Context(), nemo(t))
	require.NoError(t, err)
	for _, r := range log(t, store) {
		require.True(t, strings.HasPrefix(envelope(t, r).Book, "rehearsal/"), r.Name)
	}

	t.Run("and a live log is not rehearsed on", func(t *testing.T) {
		t.Parallel()
		live := open(t)
		before := len(log(t, live.store))
		st, _ := stage(t, live.store, live.vault, nil)
		_, err := st.Play(t.Context(), nemo(t))
		require.ErrorIs(t, err, workflows.ErrOther)
		require.Len(t, log(t, live.store), before)
	})
	t.Run("nor is another rehearsal's", func(t *testing.T) {
		t.Parallel()
		other := memory.New()
		st, _ := stage(t, other, newVault(), nil)
		r := loadFiles(t, files{"r.yaml": "rehearsal: other\ndefinition: d.yaml\nsteps:\n- {key: a, at: 2023-01-01T00:00:00Z, by: coordinator/x, do: person.register, with: {handle: x, register: y, name: z}}\n"})
		_, err := st.Play(t.Context(), r)
		require.NoError(t, err)
		st, _ = stage(t, other, newVault(), nil)
		_, err = st.Play(t.Context(), nemo(t))
		require.ErrorIs(t, err, workflows.ErrOther)
	})
}

func TestTheClockDoesWhatFellDueOnce(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.must("applicant/a1", "draft.start", call)
	views := o.views()
	issued, err := o.Tick(t.Context(), agenda{views})
	require.NoError(t, err)
	require.Zero(t, issued)

	o.clock.Set(time.Date(2024, 2, 1, 12, 0, 0, 0, time.UTC))
	later := newOffice(t, o.store, o.vault)
	later.clock.Set(o.clock.Now())
	for range 2 {
		for _, g := range []*office{o, later} {
			_, err = g.Tick(t.Context(), agenda{views})
			require.NoError(t, err)
		}
	}
	r, env := last(t, o.store)
	require.Equal(t, "call.closed", r.Name)
	require.Equal(t, "clock", env.Actor)
	require.Contains(t, string(r.Data), `"tzdata":"2024a"`)
	require.Equal(t, 1, strings.Count(strings.Join(names(t, o.store), " "), "call.closed"))
	storetest.CheckLog(t, o.store)
}

// The clock's command about an offer knows whose it is, in a process that has not
// seen the application begin.
func TestAnOfferLapsesAfterAStart(t *testing.T) {
	t.Parallel()
	o, path := open(t), filepath.Join(t.TempDir(), "views.db")
	start := func() agenda {
		v, err := projections.Open(path, o.store)
		require.NoError(t, err)
		require.NoError(t, v.CatchUp(t.Context()))
		t.Cleanup(func() { v.Close() })
		return agenda{v}
	}
	o.chosen("a1")
	require.NoError(t, start().Close())
	o.must("coordinator/c1", "place.reserve", with(call, "person", "a1"))
	o.settle()
	due := start()
	o.clock.Set(monday.AddDate(0, 0, 12))
	issued, err := o.Tick(t.Context(), due)
	require.NoError(t, err)
	require.Equal(t, 1, issued)
	require.Contains(t, o.recorded(o.application("a1")), "offer.lapsed")
}
