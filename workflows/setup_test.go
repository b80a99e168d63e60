package workflows_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/domain/matching"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/memory"
	"github.com/daybook-engine/daybook/projections"
	"github.com/daybook-engine/daybook/workflows"
)

// A vault keeps personal text in memory. Where fail is set it is asked before
// anything is put there.
type vault struct {
	*workflows.Scratch
	mu   sync.Mutex
	fail func() error
}

func newVault() *vault { return &vault{Scratch: workflows.NewScratch()} }

func (v *vault) Put(ctx context.Context, secrets []workflows.Secret) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.fail != nil {
		if err := v.fail(); err != nil {
			return err
		}
	}
	return v.Scratch.Put(ctx, secrets)
}

// agenda is the work queue as the clock asks it.
type agenda struct{ *projections.Views }

func (a agenda) Due(ctx context.Context, now time.Time, limit int) ([]workflows.Due, error) {
	if err := a.CatchUp(ctx); err != nil {
		return nil, err
	}
	items, err := a.Views.Due(ctx, now, limit)
	due := make([]workflows.Due, len(items))
	for i, item := range items {
		due[i] = workflows.Due{Command: item.Command, Fields: item.Args, At: item.Due, Round: item.Round}
	}
	return due, err
}

func (a agenda) Next(ctx context.Context) (time.Time, bool, error) {
	if err := a.CatchUp(ctx); err != nil {
		return time.Time{}, false, err
	}
	return a.Views.Next(ctx)
}

// mark is a checkpoint in memory.
type mark struct{ at eventstore.Place }

func (m *mark) Load(context.Context) (eventstore.Place, error) { return m.at, nil }

func (m *mark) Save(_ context.Context, at eventstore.Place) error {
	m.at = at
	return nil
}

// An office is an engine with all that it needs, at work.
type office struct {
	*workflows.Engine
	t     testing.TB
	store eventstore.Store
	vault *vault
	clock *workflows.VirtualClock
	mark  *mark
	plan  matching.Plan // of the programme that prepare publishes

	change func(*programme.Definition) // of the definition that is published; nil: NEMO's
}

var monday = time.Date(2024, 1, 8, 8, 0, 0, 0, time.UTC)

func newOffice(t testing.TB, store eventstore.Store, v *vault) *office {
	o := &office{t: t, store: store, vault: v, clock: &workflows.VirtualClock{}, mark: &mark{}}
	o.clock.Set(monday)
	config := workflows.Config{Store: store, Vault: v, Now: o.clock.Now, Tzdata: "2024a", Sleep: dontSleep}
	var err error
	for o.Engine, err = workflows.New(t.Context(), config); unknown(err); { // as a process is started again
		o.Engine, err = workflows.New(t.Context(), config)
	}
	require.NoError(t, err)
	o.clock.Set(o.Latest())
	return o
}

func dontSleep(context.Context, time.Duration) {}

func setup(t testing.TB) *office { return newOffice(t, memory.New(), newVault()) }

// open is an office with a cycle whose call is open: c1 runs it, r1 and r2
// review, m1 is a mentor of one match, a1 to a9 may apply for two places.
func open(t testing.TB) *office {
	o := setup(t)
	o.prepare(2)
	return o
}

func (o *office) prepare(places int) {
	for _, handle := range []string{"c1", "r1", "r2", "m1", "m2", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9"} {
		o.must("coordinator/c1", "person.register", fields{"handle": handle, "register": "register", "name": "Name of " + handle})
	}
	o.must("coordinator/c1", "mentor.join", fields{"mentor": "m1", "pool": "pool", "capacity": 1})
	o.must("coordinator/c1", "mentor.join", fields{"mentor": "m2", "pool": "pool", "capacity": 2})
	d := o.definition()
	if o.change != nil {
		o.change(&d)
	}
	o.must("coordinator/c1", "definition.publish", fields{"programme": "nemo-121", "definition": d})
	o.must("coordinator/c1", "quota.set", fields{"programme": "nemo-121", "quota": "cycle", "per": "cycle", "limit": places})
	o.must("coordinator/c1", "cycle.plan", fields{"cycle": "spring", "programme": "nemo-121", "title": "Spring", "from": "2024-03", "to": "2024-06"})
	o.must("coordinator/c1", "call.open", fields{"cycle": "spring", "call": "mentees", "deadline": deadline("2024-02-01T12:00")})
}

type fields = map[string]any

func deadline(local string) fields {
	return fields{"local": local, "zone": "Europe/Berlin", "rule": "by", "published": "by " + local}
}

var (
	form = fields{"motives": "to learn", "strengths": "patience", "priorities": []string{"one", "two", "three"}}
	call = fields{"cycle": "spring", "call": "mentees"}
)

// with is base with more fields.
func with(base fields, more ...any) fields {
	f := fields{}
	for k, v := range base {
		f[k] = v
	}
	for i := 0; i < len(more); i += 2 {
		f[more[i].(string)] = more[i+1]
	}
	return f
}

func encode(t testing.TB, v any) json.RawMessage {
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return b
}

func (o *office) try(by, command string, f fields, cause ...workflows.Cause) (workflows.Result, error) {
	o.t.Helper()
	c := workflows.Cause{Channel: "web", Reason: "tested", Authority: "test"}
	if len(cause) > 0 {
		c = cause[0]
	}
	return o.DoAs(o.t.Context(), by, command, encode(o.t, f), nil, c)
}

func (o *office) must(by, command string, f fields, cause ...workflows.Cause) workflows.Result {
	o.t.Helper()
	r, err := o.try(by, command, f, cause...)
	require.NoError(o.t, err, "%s %v", command, f)
	return r
}

// settle lets the policies answer.
func (o *office) settle() {
	o.t.Helper()
	require.NoError(o.t, o.CatchUp(o.t.Context(), o.mark))
}

func (o *office) person(handle string) domain.Person {
	p, err := o.vault.Person(o.t.Context(), handle)
	require.NoError(o.t, err)
	return p
}

// chosen takes applicants through to where a place may be reserved.
func (o *office) chosen(handles ...string) {
	o.t.Helper()
	o.shortlisted(handles...)
	for _, a := range handles {
		o.must("coordinator/c1", "application.select", with(call, "person", a, "rationale", "why"))
	}
}

func (o *office) shortlisted(handles ...string) {
	o.t.Helper()
	for _, a := range handles {
		o.must("applicant/"+a, "application.submit", with(call, "route", "staff", "answers", form))
		o.must("coordinator/c1", "eligibility.confirm", with(call, "person", a))
		for _, r := range []string{"r1", "r2"} {
			o.must("coordinator/c1", "review.assign", with(call, "person", a, "reviewer", r))
			o.must("reviewer/"+r, "review.record", with(call, "person", a, "recommendation", "select", "scores", []fields{
				{"criterion": "motives", "value": 4, "justification": "good"},
				{"criterion": "strengths", "value": 3, "justification": "fair"},
				{"criterion": "priorities", "value": 5, "justification": "clear"},
			}))
		}
		o.must("coordinator/c1", "application.shortlist", with(call, "person", a))
	}
}

// matched takes an applicant into an active match under an agreement.
func (o *office) matched(a, mentor, name string) {
	o.t.Helper()
	o.accepted(a, mentor, name)
	in := fields{"cycle": "spring", "match": name}
	o.must("mentee/"+a, "agreement.sign", with(in, "side", "mentee", "version", "1"))
	o.must("mentor/"+mentor, "agreement.sign", with(in, "side", "mentor", "version", "1"))
}

// woundUp takes the cycle to where it may close: the call is closed, and
// nobody waits for anything who has not got a place.
func (o *office) woundUp() {
	o.t.Helper()
	if end := time.Date(2024, 2, 1, 11, 0, 0, 0, time.UTC); o.clock.Now().Before(end) {
		o.clock.Set(end)
	}
	o.settle()
	_, err := o.Tick(o.t.Context(), agenda{o.views()})
	require.NoError(o.t, err)
	for n := 1; n <= 9; n++ {
		_, err := o.try(fmt.Sprintf("applicant/a%d", n), "application.withdraw", call)
		if !errors.Is(err, application.ErrUnknown) && !errors.Is(err, application.ErrPhase) {
			require.NoError(o.t, err)
		}
	}
	o.settle()
}

// log is everything recorded.
func log(t testing.TB, s eventstore.Store) (out []eventstore.Recorded) {
	t.Helper()
	for r, err := range s.ReadAll(t.Context(), eventstore.ReadAll{}) {
		require.NoError(t, err)
		out = append(out, r)
	}
	return out
}

func names(t testing.TB, s eventstore.Store) (out []string) {
	t.Helper()
	for _, r := range log(t, s) {
		out = append(out, r.Name)
	}
	return out
}

// last is the newest event and its envelope.
func last(t testing.TB, s eventstore.Store) (eventstore.Recorded, schema.Envelope) {
	t.Helper()
	all := log(t, s)
	require.NotEmpty(t, all)
	r := all[len(all)-1]
	env, err := schema.DecodeEnvelope(r.Metadata)
	require.NoError(t, err)
	return r, env
}

var rehearsals = os.DirFS("../cmd/daybook/rehearsals")

var loaded sync.Map // by name, what loads a rehearsal once

// loadRehearsal gives one that others read too.
func loadRehearsal(t testing.TB, name string) *workflows.Rehearsal {
	t.Helper()
	load, _ := loaded.LoadOrStore(name, sync.OnceValues(func() (*workflows.Rehearsal, error) {
		return workflows.LoadRehearsal(func(name string) ([]byte, error) { return fs.ReadFile(rehearsals, name) }, name)
	}))
	r, err := load.(func() (*workflows.Rehearsal, error))()
	require.NoError(t, err)
	return r
}

func nemo(t testing.TB) *workflows.Rehearsal { return loadRehearsal(t, "nemo-2023-spring.yaml") }

// definitionOf is that of a rehearsal, to be changed at will.
func definitionOf(t testing.TB, name string) (d programme.Definition) {
	t.Helper()
	data, err := schema.Marshal(loadRehearsal(t, name).Definition)
	require.NoError(t, err)
	require.NoError(t, schema.Unmarshal(data, &d))
	return d
}

// stage makes a new engine and new views for a rehearsal on store, as a
// process that starts does: what was in memory is lost, and so is the
// policies' checkpoint.
func stage(t testing.TB, store eventstore.Store, v workflows.Vault, tell func(workflows.Told)) (*workflows.Stage, *projections.Views) {
	t.Helper()
	st, views, err := tryStage(t, store, v, tell)
	require.NoError(t, err)
	return st, views
}

// tryStage is stage on a store that may not answer.
func tryStage(t testing.TB, store eventstore.Store, v workflows.Vault, tell func(workflows.Told)) (*workflows.Stage, *projections.Views, error) {
	t.Helper()
	clock := &workflows.VirtualClock{}
	engine, err := workflows.New(t.Context(), workflows.Config{
		Store: store, Vault: v, Now: clock.Now, Rehearsal: true, Tzdata: "2024a", Sleep: dontSleep,
	})
	if err != nil {
		return nil, nil, err
	}
	clock.Set(engine.Latest())
	views, err := projections.Open("", store)
	require.NoError(t, err)
	t.Cleanup(func() { views.Close() })
	if tell == nil {
		tell = func(workflows.Told) {}
	}
	return &workflows.Stage{
		Engine: engine, Clock: clock, Agenda: agenda{views}, Policies: &mark{}, Tell: tell,
		Figure: func(ctx context.Context, store eventstore.Store, cycle, measure string, at time.Time, clock string) (int64, error) {
			return figure(ctx, store, views, cycle, measure, at, clock)
		},
	}, views, nil
}

func figure(ctx context.Context, store eventstore.Store, views *projections.Views, cycle, measure string, at time.Time, clock string) (int64, error) {
	if !at.IsZero() {
		w := projections.When{Time: at, Clock: projections.Recorded}
		if clock == "occurred" {
			w.Clock = projections.Occurred
		}
		past, err := projections.At(ctx, store, w)
		if err != nil {
			return 0, err
		}
		defer past.Close()
		views = past
	}
	if err := views.CatchUp(ctx); err != nil {
		return 0, err
	}
	x, err := views.Explain(ctx, cycle, measure)
	return x.Value, err
}

// told turns what is unmet into text to fail with.
func told(list *[]string) func(workflows.Told) {
	return func(t workflows.Told) {
		if t.Unmet != "" {
			*list = append(*list, fmt.Sprintf("%s: %s", t.Key, t.Unmet))
		}
	}
}

// views are those of the office's log.
func (o *office) views() *projections.Views {
	o.t.Helper()
	v, err := projections.Open("", o.store)
	require.NoError(o.t, err)
	o.t.Cleanup(func() { v.Close() })
	return v
}

// files are a rehearsal's, by name; "d.yaml" is NEMO's definition unless it
// is another.
type files map[string]string

func (f files) read(name string) ([]byte, error) {
	if text, ok := f[name]; ok {
		return []byte(text), nil
	}
	if name == "d.yaml" {
		return fs.ReadFile(rehearsals, "nemo-one-to-one.yaml")
	}
	return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
}

func loadFiles(t testing.TB, f files) *workflows.Rehearsal {
	t.Helper()
	r, err := workflows.LoadRehearsal(f.read, "r.yaml")
	require.NoError(t, err)
	return r
}
