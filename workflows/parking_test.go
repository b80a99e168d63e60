package workflows_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/access"
	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/domain/message"
	"github.com/daybook-engine/daybook/domain/policy"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/memory"
	"github.com/daybook-engine/daybook/eventstore/sqlite"
	"github.com/daybook-engine/daybook/eventstore/storetest"
	"github.com/daybook-engine/daybook/projections"
	"github.com/daybook-engine/daybook/workflows"
)

// A house is where an office finds its log again when it is started anew.
type house struct {
	reopen func(eventstore.Store) eventstore.Store
}

var houses = map[string]func(t *testing.T) house{
	"in memory": func(*testing.T) house {
		return house{func(s eventstore.Store) eventstore.Store {
			if s == nil {
				s = memory.New()
			}
			return s
		}}
	},
	"in a file": func(t *testing.T) house {
		path := filepath.Join(t.TempDir(), "log.db")
		return house{func(s eventstore.Store) eventstore.Store {
			if s != nil {
				require.NoError(t, s.Close())
			}
			s, err := sqlite.Open(path, sqlite.Options{})
			require.NoError(t, err)
			t.Cleanup(func() { s.Close() })
			return s
		}}
	},
}

// restarted is the office in a new process, with the policies' checkpoint or
// without it.
func (o *office) restarted(h house, lost bool) *office {
	o.t.Helper()
	n := newOffice(o.t, h.reopen(o.store), o.vault)
	n.clock.Set(o.clock.Now())
	if !lost {
		*n.mark = *o.mark
	}
	return n
}

var errTrouble = errors.New("what was looked for is not there")

const offering = "offer-a-reserved-place"

// inTrouble is an office where the places of a1 and a2 are reserved and cannot
// be offered, while a3 was offered one before.
func inTrouble(t *testing.T, h house) *office {
	o := newOffice(t, h.reopen(nil), newVault())
	o.prepare(4)
	o.chosen("a1", "a2", "a3")
	o.must("coordinator/c1", "place.reserve", with(call, "person", "a3"))
	o.settle()
	o.Sabotage(offering, func(string) error { return errTrouble })
	o.must("coordinator/c1", "place.reserve", with(call, "person", "a1"))
	o.must("coordinator/c1", "place.reserve", with(call, "person", "a2"))
	return o
}

func (o *office) application(a string) string {
	return application.ID{Cycle: "spring", Call: "mentees", Person: o.person(a)}.Stream()
}

// standing are the instances that are parked now, and where.
func (o *office) standing() (list []policy.Parked) {
	o.t.Helper()
	for _, r := range log(o.t, o.store) {
		body, err := schema.Decode(r.Name, r.Data)
		if err != nil {
			continue
		}
		gone := func(at policy.At) {
			list = slices.DeleteFunc(list, func(p policy.Parked) bool { return p.Policy == at.Policy && p.Stream == at.Stream })
		}
		switch e := body.(type) {
		case policy.Parked:
			list = append(list, e)
		case policy.Retried:
			gone(e.At)
		case policy.Skipped:
			gone(e.At)
		case policy.Repaired:
			gone(e.At)
		}
	}
	return list
}

func decideOf(p policy.Parked, more ...any) fields {
	return with(fields{"policy": p.Policy, "stream": p.Stream, "event": p.Event}, more...)
}

func (o *office) requireReplay() {
	o.t.Helper()
	done := o.replay()
	require.Nil(o.t, done.Divergence, "%v", done.Divergence)
}

func TestOnePolicysTroubleIsItsOwn(t *testing.T) {
	t.Parallel()
	for name, open := range houses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := inTrouble(t, open(t))
			var pauses []time.Duration
			o.Sleep = func(_ context.Context, d time.Duration) { pauses = append(pauses, d) }
			var told []string
			o.Parked = func(policy string, at eventstore.Recorded, why error) {
				told = append(told, policy, at.Name)
				require.ErrorIs(t, why, errTrouble)
			}
			o.settle()
			parked := o.standing()
			require.Len(t, parked, 1)
			require.Equal(t, policy.Parked{At: policy.At{Policy: offering, Stream: "allocation-nemo-121", Event: parked[0].Event, Cycle: "spring"}, Attempts: 5, Fault: "lookup"}, parked[0])
			require.Equal(t, []time.Duration{10 * time.Millisecond, 20 * time.Millisecond, 40 * time.Millisecond, 80 * time.Millisecond}, pauses)
			require.Equal(t, []string{offering, "place.reserved"}, told)
			views := o.views()
			require.NoError(t, views.CatchUp(t.Context()))
			shown, err := views.Parked(t.Context())
			require.NoError(t, err)
			require.Len(t, shown, 1)
			require.Equal(t, "the policy that offers a reserved place stands still before “A place was reserved for {person:"+string(o.person("a1"))+
				"}”: what it must know cannot be found; 1 later event of the same stream may wait behind it", shown[0].Words)
			queue, err := views.Queue(t.Context(), "spring", o.Now())
			require.NoError(t, err)
			require.Contains(t, queue, shown[0])
			r, env := last(t, o.store)
			require.Equal(t, "policy-offer-a-reserved-place.allocation-nemo-121", r.Stream)
			require.Equal(t, []string{offering, "policy", parked[0].Event, "programme/nemo-121"}, []string{env.Actor, env.Role, env.Causation, env.Book})

			// Everybody else goes on, also about the same people.
			then := o.clock.Now()
			o.clock.Set(then.Add(time.Minute))
			o.must("applicant/a3", "offer.accept", call)
			o.must("applicant/a1", "application.withdraw", call)
			o.settle()
			require.Contains(t, o.recorded("allocation-nemo-121"), "place.filled")
			require.Contains(t, o.recorded("allocation-nemo-121"), "place.released")
			past, err := projections.At(t.Context(), o.store, projections.When{Time: then})
			require.NoError(t, err)
			defer past.Close()
			before, err := past.Parked(t.Context())
			require.NoError(t, err)
			require.Equal(t, shown, before, "what came since does not wait there yet")
			require.NotContains(t, o.recorded(o.application("a2")), "offer.made", "it waits behind the other")
			require.Len(t, o.standing(), 1)
			o.requireReplay()
			storetest.CheckLog(t, o.store)
		})
	}
}

// What a person decides of a parked instance holds, whenever the process ends
// and whatever is forgotten of how far the policies had come.
func TestAPersonDecidesOfAParkedPolicy(t *testing.T) {
	t.Parallel()
	release := func(person any) []any {
		return []any{"command", "place.release", "with", with(call, "person", person)}
	}
	ways := map[string]struct {
		command string
		more    []any
		a1      string // what comes of a1's place
	}{
		"retried":  {"policy.retry", nil, "offer.made"},
		"skipped":  {"policy.skip", []any{"note", "a1 has moved abroad"}, ""},
		"repaired": {"policy.repair", release("a1"), "place.released"},
	}
	for name, open := range houses {
		for how, way := range ways {
			for _, lost := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s %s, checkpoint lost: %v", how, name, lost), func(t *testing.T) {
					t.Parallel()
					h := open(t)
					o := inTrouble(t, h)
					o.settle()
					parked := o.standing()
					o.requireReplay()

					o = o.restarted(h, lost) // the fault is mended
					o.settle()
					require.Equal(t, parked, o.standing(), "and nothing happens by itself")
					_, err := o.try("coordinator/c1", way.command, decideOf(parked[0], way.more...), workflows.Cause{Channel: "web"})
					require.ErrorIs(t, err, access.ErrReason)
					o.must("coordinator/c1", way.command, decideOf(parked[0], way.more...))
					_, env := last(t, o.store)
					require.Equal(t, string(o.person("c1")), env.Actor)
					require.Equal(t, "tested", env.Reason)
					require.Contains(t, env.Subjects, o.person("a1"))
					require.Empty(t, o.must("coordinator/c1", way.command, decideOf(parked[0], way.more...)).Names, "already so")
					kinds, sentence := o.exception()
					require.Equal(t, map[string]string{"policy.retry": "", "policy.skip": "skipped", "policy.repair": "repaired"}[way.command], kinds)
					if how == "repaired" {
						require.Equal(t, "Somebody does in the stead of the policy that offers a reserved place: “place release”, for {person:"+string(o.person("a1"))+"}", sentence)
					}
					o.requireReplay()

					o = o.restarted(h, lost) // before the policies heard of it
					o.settle()
					require.Empty(t, o.standing())
					var since []string
					for _, r := range log(t, o.store) {
						env := envelope(t, r)
						if env.Actor == offering && r.Name != "policy.parked" {
							since = append(since, r.Name+" "+r.Stream)
						}
						if env.Causation == parked[0].Event && r.Name == way.a1 {
							id := offering + "0"
							if how == "repaired" { // not as what the policy may have done before it failed
								id = "repair " + offering + "1"
							}
							require.Equal(t, uuid.NewSHA1(uuid.MustParse(parked[0].Event), []byte(id)).String(), env.CommandID)
							require.Equal(t, how == "repaired", env.Authority == "policy_repair")
						}
					}
					want := []string{"offer.made " + o.application("a3")}
					switch way.a1 {
					case "offer.made":
						want = append(want, "offer.made "+o.application("a1"))
					case "place.released":
						want = append(want, "place.released allocation-nemo-121")
					}
					require.Equal(t, append(want, "offer.made "+o.application("a2")), since, "in order")
					o.requireReplay()
					before := lines(t, o.store)

					o = o.restarted(h, true)
					o.settle()
					for _, r := range slices.Backward(log(t, o.store)) {
						require.NoError(t, o.React(t.Context(), r))
					}
					require.Equal(t, before, lines(t, o.store), "told again, in whatever order")
					_, err = o.try("coordinator/c1", "policy.skip", decideOf(parked[0], "note", "again"))
					if how != "skipped" {
						require.ErrorIs(t, err, policy.ErrNotParked)
					}
					storetest.CheckLog(t, o.store)
				})
			}
		}
	}
}

// Whoever tries again before the fault is mended is told, and may choose
// another way. What waits is asked in order, and may be parked in its turn.
func TestWhatIsTriedInVainIsParkedAgain(t *testing.T) {
	t.Parallel()
	h := houses["in memory"](t)
	o := inTrouble(t, h)
	o.settle()
	first := o.standing()[0]
	o.must("coordinator/c1", "policy.retry", decideOf(first))
	o.settle()
	require.Equal(t, first, o.standing()[0])
	o.must("coordinator/c1", "policy.retry", decideOf(first))
	o.settle()
	require.Equal(t, []string{"policy.parked", "policy.retried", "policy.parked", "policy.retried", "policy.parked"}, o.recorded("policy-"+offering+".allocation-nemo-121"))

	// What the rules refuse to be done in its stead was not done.
	o.must("coordinator/c1", "policy.repair", decideOf(first, "command", "place.fill", "with", with(call, "person", "a9")))
	o.settle()
	refused := o.standing()[0]
	require.Equal(t, policy.Parked{At: first.At, Attempts: 1, Fault: "repair_refused"}, refused)
	o.requireReplay()

	o.must("coordinator/c1", "policy.skip", decideOf(first))
	o.settle()
	second := o.standing()[0]
	require.NotEqual(t, first.Event, second.Event)
	_, err := o.try("coordinator/c1", "policy.retry", decideOf(first))
	require.ErrorIs(t, err, policy.ErrNotParked, "of the next, nobody has decided")
	o = o.restarted(h, false)
	o.must("operator/c1", "policy.retry", decideOf(second))
	o.settle()
	require.Contains(t, o.recorded(o.application("a2")), "offer.made")
	require.NotContains(t, o.recorded(o.application("a1")), "offer.made")
	require.Empty(t, o.standing())
	o.requireReplay()
}

func TestAPolicyThatPanicsIsParked(t *testing.T) {
	t.Parallel()
	o := inTrouble(t, houses["in memory"](t))
	o.Sabotage(offering, func(string) error { panic("out of range") })
	o.settle()
	require.Equal(t, "panic", o.standing()[0].Fault)
	o.must("coordinator/c1", "quota.set", fields{"programme": "nemo-121", "quota": "cycle", "per": "cycle", "limit": 9}) // no lock is held
}

// A garbling store gives back another body of one event than it was given.
type garbling struct {
	eventstore.Store
	id uuid.UUID
}

func (g *garbling) garble(events iter.Seq2[eventstore.Recorded, error]) iter.Seq2[eventstore.Recorded, error] {
	return func(yield func(eventstore.Recorded, error) bool) {
		for r, err := range events {
			if r.ID == g.id {
				r.Data = []byte(`{"sight":`)
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

func (g *garbling) ReadAll(ctx context.Context, r eventstore.ReadAll) iter.Seq2[eventstore.Recorded, error] {
	return g.garble(g.Store.ReadAll(ctx, r))
}

func (g *garbling) ReadStream(ctx context.Context, stream string, r eventstore.ReadStream) iter.Seq2[eventstore.Recorded, error] {
	return g.garble(g.Store.ReadStream(ctx, stream, r))
}

// Those who would answer an event that cannot be read are parked, and nobody
// else; what they would have done may be done in their stead.
func TestAnEventThatCannotBeReadStopsWhoAnswersIt(t *testing.T) {
	t.Parallel()
	store := &garbling{Store: memory.New()}
	o := newOffice(t, store, newVault())
	o.prepare(4)
	o.chosen("a1", "a2")
	for _, a := range []string{"a1", "a2"} {
		o.must("coordinator/c1", "place.reserve", with(call, "person", a))
	}
	o.settle()
	o.must("applicant/a1", "offer.accept", call)
	r, _ := last(t, store)
	store.id = r.ID
	o.must("applicant/a2", "offer.accept", call)
	o = o.restarted(house{func(s eventstore.Store) eventstore.Store { return s }}, false)
	o.settle()
	parked := o.standing()
	var want []policy.Parked
	for _, name := range []string{"fill-the-place-accepted", "tell-by-message", "withdraw-the-message-undone", "open-the-task", "complete-the-task"} {
		want = append(want, policy.Parked{At: policy.At{Policy: name, Stream: r.Stream, Event: r.ID.String()}, Attempts: 5, Fault: "unreadable"})
	}
	require.Equal(t, want, parked)
	for _, r := range log(t, store) {
		require.True(t, r.Name != "policy.parked" || envelope(t, r).Book == "cycle/spring", "the stream's")
	}
	require.Equal(t, 1, count(o.recorded("allocation-nemo-121"), "place.filled"))

	o.must("coordinator/c1", "policy.repair", decideOf(parked[0], "command", "place.fill", "with", with(call, "person", "a1")))
	for _, p := range parked[1:] {
		o.must("coordinator/c1", "policy.skip", decideOf(p))
	}
	o.settle()
	require.Equal(t, 2, count(o.recorded("allocation-nemo-121"), "place.filled"))
	require.Empty(t, o.standing())
	o.requireReplay()
}

func count(list []string, name string) (n int) {
	for _, x := range list {
		if x == name {
			n++
		}
	}
	return n
}

// An unwell store appends nothing while it is so.
type unwell struct {
	eventstore.Store
	err error
}

func (u *unwell) Append(ctx context.Context, stream string, expected eventstore.Expected, events ...eventstore.Event) (eventstore.Result, error) {
	if u.err != nil {
		return eventstore.Result{}, u.err
	}
	return u.Store.Append(ctx, stream, expected, events...)
}

// What the store or the vault cannot do is no one policy's fault.
func TestAFaultOfTheWholeParksNobody(t *testing.T) {
	t.Parallel()
	store := &unwell{Store: memory.New()}
	h := house{func(eventstore.Store) eventstore.Store { return store }}
	o := inTrouble(t, h)
	before := lines(t, o.store)
	ctx, cancel := context.WithCancel(t.Context())
	tries, gone := 0, errors.New("the disk is gone")
	var fault func() error
	o.Sabotage(offering, func(string) error { tries++; return fault() })
	for n, f := range []func() error{
		func() error {
			o.vault.fail = func() error { return gone }
			return o.Engine.Vault.Put(ctx, nil)
		},
		func() error {
			store.err = eventstore.ErrUnavailable
			_, err := o.Engine.Store.Append(ctx, "x-y", eventstore.Any)
			return fmt.Errorf("look: %w", err)
		},
		func() error { return fmt.Errorf("look: %w", workflows.ErrClock) },
		func() error { cancel(); return errTrouble },
	} {
		fault = f
		require.ErrorContains(t, o.CatchUp(ctx, o.mark), "policy "+offering)
		require.Equal(t, n+1, tries, "none is tried again at once")
	}
	require.Equal(t, before, lines(t, o.store))

	// Where it cannot be recorded that an instance stands still, it does not.
	fault = func() error { store.err = gone; return errTrouble }
	err := o.CatchUp(t.Context(), o.mark)
	require.ErrorIs(t, err, gone)
	require.ErrorIs(t, err, errTrouble)
	require.Empty(t, o.standing())
	store.err = nil
	o = o.restarted(h, false)
	o.settle()
	require.Contains(t, o.recorded(o.application("a1")), "offer.made")
}

func TestOnlyWhatPoliciesMayDoIsDoneInTheirStead(t *testing.T) {
	t.Parallel()
	o := inTrouble(t, houses["in memory"](t))
	o.settle()
	parked := o.standing()[0]
	for command, refused := range map[string]error{
		"cycle.close":  access.ErrRole,
		"policy.park":  workflows.ErrRepair,
		"place.relase": workflows.ErrCommand,
		"place.fill":   workflows.ErrFields,
	} {
		_, err := o.try("coordinator/c1", "policy.repair", decideOf(parked, "command", command, "with", fields{}))
		require.ErrorIs(t, err, refused, command)
	}
	_, err := o.try("coordinator/c1", "policy.repair", decideOf(parked, "command", "place.fill", "with", with(call, "person", "nobody")))
	require.ErrorIs(t, err, domain.NotFound)
	_, err = o.try("reviewer/r1", "policy.skip", decideOf(parked))
	require.ErrorIs(t, err, access.ErrRole)
	_, err = o.try("coordinator/c1", "policy.skip", with(decideOf(parked), "stream", "nothing-there"))
	require.ErrorIs(t, err, policy.ErrNotParked)
	require.Len(t, o.standing(), 1)
}

// A decision counts when the policies come to it, and not before: what was recorded
// meanwhile waits its turn.
func TestWhatWaitsIsAnsweredInOrder(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string]bool{"going on": false, "from the beginning": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := houses["in memory"](t)
			o := inTrouble(t, h)
			o.settle()
			parked := o.standing()
			require.Len(t, parked, 1)
			o = o.restarted(h, lost)
			o.chosen("a4")
			o.must("coordinator/c1", "place.reserve", with(call, "person", "a4"))
			o.must("coordinator/c1", "policy.retry", decideOf(parked[0]))
			o.settle()
			var order []string
			for _, r := range log(t, o.store) {
				if r.Name == "offer.made" {
					order = append(order, r.Stream)
				}
			}
			require.Equal(t, []string{o.application("a3"), o.application("a1"), o.application("a2"), o.application("a4")}, order)
			o.requireReplay()
		})
	}
}

// A halting store takes one event of a name, and then no more until it is well.
type halting struct {
	eventstore.Store
	name string
	took int
	well bool
	left eventstore.Event // that it did not take
	on   string
}

func (h *halting) Append(ctx context.Context, stream string, expected eventstore.Expected, events ...eventstore.Event) (eventstore.Result, error) {
	if events[0].Name == h.name && !h.well {
		if h.took++; h.took > 1 {
			h.left, h.on = events[0], stream
			return eventstore.Result{}, eventstore.ErrTooLarge
		}
	}
	return h.Store.Append(ctx, stream, expected, events...)
}

// Where a policy could do a part, that is what it did: a replay finds it so, and
// the rest is done when it tries again, or by who repairs it.
func TestAPartOfAnAnswerIsNoDivergence(t *testing.T) {
	t.Parallel()
	for name, decide := range map[string]func(o *office, parked policy.Parked, left eventstore.Event, on string){
		"tried again": func(o *office, parked policy.Parked, _ eventstore.Event, _ string) {
			o.must("coordinator/c1", "policy.retry", decideOf(parked))
		},
		"skipped": func(o *office, parked policy.Parked, _ eventstore.Event, _ string) {
			o.must("coordinator/c1", "policy.skip", decideOf(parked))
		},
		"repaired": func(o *office, parked policy.Parked, left eventstore.Event, on string) {
			body, err := schema.Decode(left.Name, left.Data)
			require.NoError(o.t, err)
			in := message.Queue{ID: message.ParseStream(on), About: body.(message.Queued).About}
			o.must("coordinator/c1", "policy.repair", decideOf(parked, "command", "message.queue", "with", in))
		},
		"repaired with what it did itself": func(o *office, parked policy.Parked, _ eventstore.Event, _ string) {
			did := o.messages()[0]
			o.must("coordinator/c1", "policy.repair", decideOf(parked, "command", "message.withdraw", "with", fields{"message": did.Message, "why": "told_by_phone"}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &halting{Store: memory.New(), name: "message.queued", well: true}
			o := newOffice(t, s, newVault())
			o.prepare(2)
			o.offered()
			o.must("applicant/a1", "offer.accept", call)
			o.settle()
			in := fields{"cycle": "spring", "match": "first"}
			o.must("coordinator/c1", "match.propose", with(in, "mentee", "a1", "mentor", "m1"))
			o.must("coordinator/c1", "match.accept", with(in, "side", "mentee"))
			o.must("coordinator/c1", "match.accept", with(in, "side", "mentor"))
			s.well = false
			o.settle()
			parked := o.standing()
			require.Len(t, parked, 1)
			o.requireReplay()
			s.well = true
			decide(o, parked[0], s.left, s.on)
			o.requireReplay()
			o.settle()
			require.Empty(t, o.standing())
			o.requireReplay()
			before := lines(t, o.store)
			*o.mark = mark{}
			o.settle()
			require.Equal(t, before, lines(t, o.store))
			storetest.CheckLog(t, o.store)
		})
	}
}

// exception is the newest of the register that is about policies, after the one
// by which one was parked.
func (o *office) exception() (kinds, sentence string) {
	o.t.Helper()
	v := o.views()
	require.NoError(o.t, v.CatchUp(o.t.Context()))
	list, err := v.Exceptions(o.t.Context(), "spring")
	require.NoError(o.t, err)
	parked := false
	for _, x := range list {
		if x.Envelope.Name == "policy.parked" {
			require.Equal(o.t, []string{"parked"}, x.Kinds)
			parked, kinds, sentence = true, "", ""
		} else if strings.HasPrefix(x.Envelope.Name, "policy.") {
			kinds, sentence = strings.Join(slices.DeleteFunc(x.Kinds, func(kind string) bool { return kind == "authority" }), " "), x.Sentence
		}
	}
	require.True(o.t, parked)
	return kinds, sentence
}
