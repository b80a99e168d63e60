package workflows_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/review"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/memory"
	"github.com/daybook-engine/daybook/eventstore/storetest"
	"github.com/daybook-engine/daybook/workflows"
)

func under(id uuid.UUID) workflows.Cause {
	return workflows.Cause{CommandID: id, Channel: "web", Reason: "tested", Authority: "test"}
}

func TestACommandIDIsGoodForOneCommandOnOneStream(t *testing.T) {
	t.Parallel()
	o := open(t)
	id := uuid.New()
	notice := with(call, "where", "website", "text", "apply")
	first := o.must("coordinator/c1", "notice.publish", notice, under(id))
	_, env := last(t, o.store)
	kept := len(log(t, o.store))
	for _, g := range []*office{o, newOffice(t, o.store, o.vault)} {
		_, err := g.try("coordinator/c1", "notice.publish", with(notice, "where", "radio"), under(id))
		require.ErrorIs(t, err, workflows.ErrUsed, "other fields")
		_, err = g.try("coordinator/c1", "deadline.extend", with(call, "deadline", deadline("2024-02-02T12:00")), under(id))
		require.ErrorIs(t, err, workflows.ErrUsed, "another command")
		require.Equal(t, first, g.must("coordinator/c1", "notice.publish", notice, under(id)), "itself")
	}
	require.Len(t, log(t, o.store), kept)

	o.must("coordinator/c1", "organisation.register", fields{"organisation": "nemo", "name": "N", "kind": "network"}, under(id))
	_, other := last(t, o.store)
	require.Equal(t, "organisation.registered", other.Name, "on another stream it is another command's")
	require.Equal(t, env.CommandID, other.CommandID)
	require.NotEqual(t, env.ID, other.ID)

	o.must("coordinator/c1", "person.register", fields{"handle": "dora", "register": "r", "name": "D"}, under(id))
	_, err := o.try("coordinator/c1", "person.register", fields{"handle": "emil", "register": "r", "name": "E"}, under(id))
	require.ErrorIs(t, err, workflows.ErrUsed, "the same person under two handles")
	storetest.CheckLog(t, o.store)
}

// A handle belongs to whoever is registered under it: not to a refusal, and
// not to an attempt that died.
func TestAHandleIsClaimedForWhomItWasDecided(t *testing.T) {
	t.Parallel()
	o := setup(t)
	anna := fields{"handle": "anna", "register": "staff", "name": "Anna"}
	lost := newOffice(t, full{o.store}, o.vault)
	_, err := lost.try("coordinator/anna", "person.register", anna)
	require.ErrorIs(t, err, errFull)
	_, err = o.try("coordinator/anna", "organisation.register", fields{"organisation": "nemo", "name": "N", "kind": "network"})
	require.ErrorIs(t, err, domain.NotFound, "nobody acts who is not registered")
	require.Empty(t, log(t, o.store))
	o.must("coordinator/anna", "person.register", anna)
	_, env := last(t, o.store)
	require.Equal(t, string(o.person("anna")), env.Actor)

	_, err = o.try("coordinator/anna", "person.register", fields{"handle": "bert", "register": "No Slug", "name": "B"})
	require.ErrorIs(t, err, domain.ErrSlug)
	_, err = o.vault.Person(t.Context(), "bert")
	require.ErrorIs(t, err, domain.NotFound, "a refusal claims nothing")

	_, err = lost.try("coordinator/anna", "person.register", fields{"handle": "carl", "register": "staff", "name": "C"})
	require.ErrorIs(t, err, errFull)
	carl := o.person("carl")
	_, err = o.try("coordinator/anna", "mentor.join", fields{"mentor": "carl", "pool": "p", "capacity": 1})
	require.ErrorIs(t, err, workflows.ErrPerson, "claimed, and not registered yet")
	o.must("coordinator/anna", "person.register", fields{"handle": "carl", "register": "staff", "name": "C"})
	require.Equal(t, carl, o.person("carl"))
	o.must("coordinator/anna", "mentor.join", fields{"mentor": "carl", "pool": "p", "capacity": 1})
	storetest.CheckLog(t, o.store)
}

func TestOnlyTheFirstPersonRegistersHerself(t *testing.T) {
	t.Parallel()
	o := setup(t)
	for _, handle := range []string{"Anna B", "", uuid.NewString()} {
		_, err := o.try("coordinator/anna", "person.register", fields{"handle": handle, "register": "staff", "name": "Anna"})
		require.ErrorIs(t, err, domain.ErrSlug)
	}
	_, err := o.try("coordinator/anna", "person.register", fields{"handle": "anna", "register": "staff", "name": "Anna", "person": "anna"})
	require.ErrorIs(t, err, workflows.ErrFields)
	_, err = o.try("coordinator/"+uuid.NewString(), "person.register", fields{"handle": "anna", "register": "staff", "name": "Anna"})
	require.ErrorIs(t, err, domain.NotFound)
	require.Empty(t, log(t, o.store))
	o.must("coordinator/anna", "person.register", fields{"handle": "anna", "register": "staff", "name": "Anna"})
	for _, by := range []string{"operator/mallory", "coordinator/" + uuid.NewString()} {
		_, err = o.try(by, "person.register", fields{"handle": "mallory", "register": "staff", "name": "M"})
		require.ErrorIs(t, err, domain.NotFound, by)
	}
	_, err = o.try("coordinator/anna", "organisation.register", fields{"organisation": "nemo", "name": "N", "kind": "network"}, workflows.Cause{OnBehalfOf: "mallory"})
	require.ErrorIs(t, err, domain.NotFound)
	require.Len(t, log(t, o.store), 1)
}

func TestPrivateTextsAreGivenAsText(t *testing.T) {
	t.Parallel()
	o := open(t)
	before := len(log(t, o.store))
	for _, text := range []any{
		fields{"sd": "x", "subjects": []string{"a"}, "kind": "personal", "readers": "author"}, fields{}, fields{"text": "x"}, 5, []string{"x"}, true,
	} {
		for command, with := range map[string]fields{
			"organisation.register": nil,
			"application.submit":    with(call, "route", "staff", "answers", with(form, "motives", text)),
			"conflict.declare":      with(call, "person", "a1", "conflict", "family", "note", text),
			"person.register":       {"handle": text, "register": "r", "name": "n"},
		} {
			if with == nil || command == "application.submit" && fmt.Sprint(text) == "[x]" {
				continue // a list of one is how a ranked field is answered
			}
			_, err := o.try("coordinator/c1", command, with)
			require.ErrorIs(t, err, workflows.ErrFields, "%s %v", command, text)
			require.ErrorContains(t, err, "expected text", "%s %v", command, text)
		}
	}
	require.Len(t, log(t, o.store), before)
}

func TestWhoeverIsNamedIsRegistered(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.must("applicant/a1", "application.submit", with(call, "route", "staff", "answers", form))
	o.must("coordinator/c1", "eligibility.confirm", with(call, "person", "a1"))
	before := len(log(t, o.store))
	nobody := uuid.NewString()
	permit := with(call, "local", "2024-02-03T12:00", "zone", "Europe/Berlin")
	for _, c := range []struct {
		by, command string
		with        fields
		want        error
	}{
		{"coordinator/c1", "review.assign", with(call, "person", "a1"), workflows.ErrFields},
		{"coordinator/c1", "review.assign", with(call, "reviewer", "r1"), workflows.ErrFields},
		{"coordinator/c1", "permit.grant", permit, workflows.ErrFields},
		{"coordinator/c1", "place.reserve", call, workflows.ErrFields},
		{"coordinator/c1", "match.propose", fields{"cycle": "spring", "match": "x", "mentee": "a1"}, workflows.ErrFields},
		{"coordinator/c1", "review.assign", with(call, "person", "a1", "reviewer", nobody), workflows.ErrPerson},
		{"coordinator/c1", "permit.grant", with(permit, "person", nobody), workflows.ErrPerson},
		{"coordinator/c1", "application.submit", with(call, "person", nobody, "answers", fields{"motives": "x"}), workflows.ErrPerson},
		{"applicant/" + nobody, "application.submit", with(call, "answers", fields{"motives": "x"}), workflows.ErrPerson},
		{"coordinator/c1", "conflict.declare", with(call, "person", "c1", "conflict", "other"), review.ErrSelf},
	} {
		_, err := o.try(c.by, c.command, c.with)
		require.ErrorIs(t, err, c.want, "%s %v", c.command, c.with)
	}
	require.Len(t, log(t, o.store), before, "not even a refusal is kept")
}

func TestAQuestionDoesNotMoveTime(t *testing.T) {
	t.Parallel()
	o := open(t)
	require.Equal(t, monday, o.Latest())
	o.clock.Set(monday.Add(time.Hour))
	_, err := o.try("applicant/a1", "offer.accept", call)
	require.Error(t, err)
	require.Empty(t, o.must("coordinator/c1", "quota.set", fields{"programme": "nemo-121", "quota": "cycle", "per": "cycle", "limit": 2}).Names)
	_, err = o.Tick(t.Context(), agenda{o.views()})
	require.NoError(t, err)
	_, err = newOffice(t, full{o.store}, o.vault).try("applicant/a1", "draft.start", call)
	require.ErrorIs(t, err, errFull)
	require.Equal(t, monday, o.Latest())
	o.must("applicant/a1", "draft.start", call)
	require.Equal(t, monday.Add(time.Hour), o.Latest())
}

// A watched store lets a test come in between.
type watched struct {
	eventstore.Store
	append func(ctx context.Context, call func() (eventstore.Result, error), events []eventstore.Event) (eventstore.Result, error)
}

func (w watched) Append(ctx context.Context, stream string, expected eventstore.Expected, events ...eventstore.Event) (eventstore.Result, error) {
	return w.append(ctx, func() (eventstore.Result, error) { return w.Store.Append(ctx, stream, expected, events...) }, events)
}

func TestWhoGoesAwayLeavesNothingUnknown(t *testing.T) {
	t.Parallel()
	o := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	tries := 0
	g := newOffice(t, watched{o.store, func(ctx context.Context, call func() (eventstore.Result, error), _ []eventstore.Event) (eventstore.Result, error) {
		cancel()
		require.NoError(t, ctx.Err())
		if tries++; tries == 1 {
			_, err := call()
			require.NoError(t, err)
			return eventstore.Result{}, storetest.ErrInjected
		}
		return call()
	}}, o.vault)
	notice := func(ctx context.Context, where string) (workflows.Result, error) {
		return g.DoAs(ctx, "coordinator/c1", "notice.publish", encode(t, with(call, "where", where, "text", "x")), nil, workflows.Cause{})
	}
	before := len(log(t, o.store))
	r, err := notice(ctx, "website")
	require.NoError(t, err)
	require.Equal(t, []string{"notice.published"}, r.Names)
	_, err = notice(ctx, "radio")
	require.ErrorIs(t, err, context.Canceled, "who has gone before is not served")
	require.Len(t, log(t, o.store), before+1)
	r, err = notice(t.Context(), "website")
	require.NoError(t, err)
	require.Empty(t, r.Names, "what is remembered is what is kept")
}

func TestAnAppendWhoseOutcomeIsUnknownIsMadeAgainToTheByte(t *testing.T) {
	t.Parallel()
	o := open(t)
	var attempts [][]eventstore.Event
	g := newOffice(t, watched{o.store, func(_ context.Context, apply func() (eventstore.Result, error), events []eventstore.Event) (eventstore.Result, error) {
		attempts = append(attempts, events)
		o.clock.Set(o.clock.Now().Add(time.Minute))
		switch len(attempts) {
		case 1:
			return eventstore.Result{}, storetest.ErrInjected
		case 2:
			_, err := apply()
			require.NoError(t, err)
			o.must("coordinator/c1", "notice.publish", with(call, "where", "radio", "text", "x"))
			return eventstore.Result{}, storetest.ErrInjected
		}
		return apply()
	}}, o.vault)
	g.Now = o.clock.Now
	r := g.must("coordinator/c1", "notice.publish", with(call, "where", "website", "text", "x"))
	require.Equal(t, []string{"notice.published"}, r.Names)
	require.Len(t, attempts, 3)
	require.Equal(t, attempts[0], attempts[1])
	require.Equal(t, attempts[0], attempts[2])
	all := log(t, o.store)
	require.Equal(t, attempts[0][0], all[len(all)-2].Event)
	require.Equal(t, r.Position, all[len(all)-2].Position, "also when somebody came after")
	storetest.CheckLog(t, o.store)
}

// What one attempt left unknown, no later failure makes known.
// Who asked may have gone away: the outcome is looked for with the same
// patience.
func TestAnOutcomeIsFoundForWhoHasGone(t *testing.T) {
	t.Parallel()
	o := open(t)
	ctx, gone := context.WithCancel(t.Context())
	g := newOffice(t, watched{o.store, func(_ context.Context, apply func() (eventstore.Result, error), _ []eventstore.Event) (eventstore.Result, error) {
		gone()
		_, _ = apply()
		return eventstore.Result{}, storetest.ErrInjected
	}}, o.vault)
	pauses := 0
	g.Sleep = func(ctx context.Context, _ time.Duration) {
		require.NoError(t, ctx.Err())
		pauses++
	}
	_, err := g.DoAs(ctx, "coordinator/c1", "notice.publish", []byte(`{"cycle":"spring","call":"mentees","where":"website","text":"x"}`), nil, workflows.Cause{Channel: "web"})
	require.ErrorIs(t, err, workflows.ErrUnknown)
	require.Equal(t, 7, pauses)
}

func TestAnOutcomeThatIsUnknownIsSaidToBe(t *testing.T) {
	t.Parallel()
	lost, away := storetest.ErrInjected, eventstore.ErrUnavailable
	for name, c := range map[string]struct {
		answers []error // the last of them for ever
		tries   int
		unknown bool
	}{
		"its answer was lost, and the store went away": {[]error{lost, away}, 8, true},
		"its answer was lost, and the store is closed": {[]error{lost, eventstore.ErrClosed}, 2, true},
		"every answer is lost":                         {[]error{lost}, 8, true},
		"the store was never there":                    {[]error{away}, 8, false},
		"the store is closed":                          {[]error{eventstore.ErrClosed}, 1, false},
		"the stream is deleted":                        {[]error{eventstore.ErrStreamDeleted}, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := open(t)
			tries, pauses := 0, []time.Duration{}
			g := newOffice(t, watched{o.store, func(_ context.Context, apply func() (eventstore.Result, error), _ []eventstore.Event) (eventstore.Result, error) {
				err := c.answers[min(tries, len(c.answers)-1)]
				if tries++; err == lost {
					_, _ = apply()
				}
				return eventstore.Result{}, err
			}}, o.vault)
			g.Sleep = func(_ context.Context, d time.Duration) { pauses = append(pauses, d) }
			before := len(log(t, o.store))
			notice := with(call, "where", "website", "text", "x")
			_, err := g.try("coordinator/c1", "notice.publish", notice)
			require.ErrorIs(t, err, c.answers[len(c.answers)-1])
			require.Equal(t, c.tries, tries)
			require.Len(t, pauses, tries-1)
			require.True(t, slices.IsSorted(pauses), "%v", pauses)

			again := new(workflows.UnknownError)
			require.Equal(t, c.unknown, errors.Is(err, workflows.ErrUnknown), "%v", err)
			require.Equal(t, c.unknown, errors.As(err, &again))
			if !c.unknown {
				require.Len(t, log(t, o.store), before)
				return
			}
			require.ErrorContains(t, err, again.CommandID.String())
			r := o.must("coordinator/c1", "notice.publish", notice, workflows.Cause{CommandID: again.CommandID, Channel: "web", Reason: "tested", Authority: "test"})
			require.Equal(t, []string{"notice.published"}, r.Names)
			require.Len(t, log(t, o.store), before+1)
		})
	}
}

// A list is an agenda of what does not go away.
type list []workflows.Due

func (l list) Due(_ context.Context, _ time.Time, limit int) ([]workflows.Due, error) {
	return l[:min(limit, len(l))], nil
}

func (l list) Next(context.Context) (time.Time, bool, error) { return monday, true, nil }

func TestWhatIsRefusedDoesNotKeepTheClockFromTheRest(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.must("coordinator/c1", "cycle.plan", fields{"cycle": "autumn", "programme": "nemo-121", "title": "Autumn", "from": "2024-09", "to": "2024-12"})
	var due list
	for i := range 600 {
		due = append(due, workflows.Due{Command: "call.close", Fields: json.RawMessage(fmt.Sprintf(`{"cycle":"autumn","call":"call-%d"}`, i)), At: monday})
	}
	issued, err := o.Tick(t.Context(), due)
	require.NoError(t, err)
	require.Zero(t, issued)
	due = append(due, workflows.Due{Command: "call.close", Fields: encode(t, call), At: monday})
	o.clock.Set(monday.Add(60 * 24 * time.Hour))
	issued, err = o.Tick(t.Context(), due)
	require.NoError(t, err)
	require.Equal(t, 1, issued)
	_, env := last(t, o.store)
	require.Equal(t, "call.closed", env.Name)

	// Nor does an agenda that asks again for what was done: who waits for nothing
	// more to be due, comes to rest.
	issued, err = o.Tick(t.Context(), due)
	require.NoError(t, err)
	require.Zero(t, issued)
}

func TestAFaultOfTheClocksIsToldAndDoneAgain(t *testing.T) {
	t.Parallel()
	store := &unwell{Store: memory.New()}
	o := newOffice(t, store, newVault())
	o.prepare(2)
	due := list{{Command: "call.close", Fields: encode(t, call), At: monday}}
	for i := range 40 {
		due = append(due, workflows.Due{Command: "call.close", Fields: json.RawMessage(fmt.Sprintf(`{"cycle":"spring","call":"call-%d"}`, i)), At: monday})
	}
	o.clock.Set(monday.Add(60 * 24 * time.Hour))
	store.err = errors.New("the disk is gone")
	issued, err := o.Tick(t.Context(), due)
	require.ErrorIs(t, err, store.err)
	require.ErrorContains(t, err, "call.close, due 2024-01-08T08:00:00Z: ")
	require.Zero(t, issued)
	store.err = nil
	issued, err = o.Tick(t.Context(), due)
	require.NoError(t, err)
	require.Equal(t, 1, issued)
	_, env := last(t, store)
	require.Equal(t, "call.closed", env.Name)
}

var errVault = errors.New("the vault is broken")

func TestABrokenVaultIsAskedOnce(t *testing.T) {
	t.Parallel()
	v := newVault()
	o := newOffice(t, memory.New(), v)
	tries := 0
	v.fail = func() error { tries++; return errVault }
	_, err := o.try("coordinator/anna", "person.register", fields{"handle": "anna", "register": "staff", "name": "Anna"})
	require.ErrorIs(t, err, errVault)
	require.Equal(t, 1, tries, "nothing of it is unknown")
	require.Empty(t, v.Handles())
}

// In the author's custody the words of a reflection are nowhere: not in the
// vault, from which an erasure would have to take them, and not in the log.
func TestWhatAnAuthorKeepsComesNowhere(t *testing.T) {
	t.Parallel()
	o := setup(t)
	o.change = func(d *programme.Definition) { d.Reflection.Custody = programme.ByAuthor }
	o.prepare(2)
	o.accepted("a1", "m1", "x")
	final := fields{"cycle": "spring", "match": "x", "kind": "final"}
	const words = "I dared to ask"
	_, err := o.try("mentee/a1", "reflection.file", with(final, "text", words))
	require.ErrorIs(t, err, match.ErrCustody)
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte(words)))
	before := len(o.vault.Secrets())
	o.must("mentee/a1", "reflection.file", with(final, "sha256", sum, "words", 4))
	require.Len(t, o.vault.Secrets(), before)
	for _, s := range o.vault.Secrets() {
		require.NotContains(t, s.Text, words)
	}
	filed, _ := last(t, o.store)
	require.Equal(t, `{"side":"mentee","kind":"final","words":4,"sha256":"`+sum+`"}`, string(filed.Data))
	v := o.views()
	require.NoError(t, v.CatchUp(t.Context()))
	m, err := v.Match(t.Context(), "spring", "x")
	require.NoError(t, err)
	require.True(t, m.FinalFiled("mentee"))
	require.Equal(t, sum, m.Reflections[0].SHA256)
	storetest.CheckLog(t, o.store)
}
