package workflows

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/access"
	"github.com/daybook-engine/daybook/domain/measure"
	instance "github.com/daybook-engine/daybook/domain/policy"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/domain/when"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/workflows/definition"
	"github.com/daybook-engine/daybook/workflows/document"
)

// A Rehearsal is a season in dated steps, played on a virtual clock through
// the same engine that runs the real one. It is how a programme is tried
// before it is opened, the demonstration, and the acceptance test.
type Rehearsal struct {
	Name       string
	Definition programme.Definition
	After      []*Rehearsal // played first, into the same store

	steps []step
}

// A step is either something that somebody does, or a check of a figure.
type step struct {
	id         uuid.UUID // the command's
	at         time.Time
	key        string
	by         string
	command    string
	with       json.RawMessage
	onBehalfOf string
	reason     string
	authority  string
	channel    string
	refused    string   // expected refusal
	events     []string // expected events, where expectEvents
	expects    bool
	check      *check
	where      document.Error // in the file: an error with no text yet
}

// A check compares a figure, or counts a cycle's events of one name.
type check struct {
	Measure string `json:"measure"`
	Event   string `json:"event"`
	Cycle   string `json:"cycle"`
	Value   int64  `json:"value"`
	At      string `json:"at"`
	Clock   string `json:"clock"`

	at time.Time
}

type rehearsalFile struct {
	Rehearsal  string          `yaml:"rehearsal"`
	Definition string          `yaml:"definition"`
	After      []string        `yaml:"after"`
	Steps      []document.Node `yaml:"steps"`
}

type stepFile struct {
	Key        string          `json:"key"`
	At         string          `json:"at"`
	By         string          `json:"by"`
	Do         string          `json:"do"`
	With       json.RawMessage `json:"with"`
	OnBehalfOf string          `json:"on_behalf_of"`
	Reason     string          `json:"reason"`
	Authority  string          `json:"authority"`
	Channel    string          `json:"channel"`
	Expect     *struct {
		Refused string    `json:"refused"`
		Events  *[]string `json:"events"`
	} `json:"expect"`
	Check *check `json:"check"`
}

// LoadRehearsal reads a rehearsal, its definition and what goes before it,
// and checks all of it, so that nothing is played of a file that is wrong
// somewhere. Files are named relative to the one that names them.
func LoadRehearsal(read func(name string) ([]byte, error), name string) (*Rehearsal, error) {
	return loadRehearsal(read, name, nil)
}

func loadRehearsal(read func(string) ([]byte, error), name string, within []string) (*Rehearsal, error) {
	if slices.Contains(within, name) {
		return nil, &document.Error{File: name, Text: "expected a rehearsal that does not come after itself"}
	}
	source, err := read(name)
	if err != nil {
		return nil, err
	}
	doc, err := document.Parse(name, source)
	if err != nil {
		return nil, err
	}
	if doc.Has("programme") && !doc.Has("rehearsal") {
		return nil, doc.AtPath("programme", "expected a rehearsal, found a programme's definition: check it with daybook definition check, and name it in a rehearsal as definition: %s", path.Base(name))
	}
	var file rehearsalFile
	if err := doc.Decode(&file); err != nil {
		return nil, err
	}
	r := &Rehearsal{Name: file.Rehearsal}
	if err := domain.CheckSlug("rehearsal", file.Rehearsal); err != nil {
		return nil, doc.AtPath("rehearsal", "%v", err)
	}
	beside := func(other string) string { return path.Join(path.Dir(name), other) }
	if source, err = read(beside(file.Definition)); err != nil {
		return nil, doc.AtPath("definition", "expected the file of a definition: %v", err)
	}
	if r.Definition, err = definition.Parse(beside(file.Definition), source); err != nil {
		return nil, err
	}
	for _, after := range file.After {
		earlier, err := loadRehearsal(read, beside(after), append(within, name))
		if err != nil {
			return nil, err
		}
		r.After = append(r.After, earlier)
	}
	var faults []error
	var last time.Time
	keys := map[string]bool{}
	for i, node := range file.Steps {
		if node.Node == nil {
			faults = append(faults, doc.AtPath(fmt.Sprintf("steps[%d]", i), "expected a step, found nothing"))
			continue
		}
		s, err := r.readStep(doc, node, last)
		if err == nil && s.key != "" && keys[s.key] {
			err = s.wrong("expected a key of its own, found %s again", s.key)
		}
		if err != nil {
			faults = append(faults, err)
			continue
		}
		keys[s.key], last = true, s.at
		r.steps = append(r.steps, s)
	}
	list := r.scenes(map[string]bool{})
	for i := 1; i < len(list); i++ {
		if before, s := list[i-1], list[i]; before.Rehearsal != s.Rehearsal && s.at.Before(before.at) {
			faults = append(faults, s.wrong("expected steps in the order of time, found %s, and %s, which goes before, ends at %s",
				s.at.UTC().Format(time.RFC3339), before.Name, before.at.UTC().Format(time.RFC3339)))
		}
	}
	return r, errors.Join(faults...)
}

// wrong is an error at the step's place.
func (s step) wrong(format string, args ...any) error {
	s.where.Text = fmt.Sprintf(format, args...)
	return &s.where
}

func (r *Rehearsal) readStep(doc *document.Document, node document.Node, last time.Time) (step, error) {
	var f stepFile
	if err := doc.DecodeNode(node, &f); err != nil {
		return step{}, err
	}
	s := step{
		at: last, key: f.Key, by: f.By, command: f.Do, onBehalfOf: f.OnBehalfOf,
		reason: f.Reason, authority: f.Authority, channel: f.Channel, check: f.Check, with: f.With, where: *doc.At(node, ""),
	}
	wrong := func(format string, args ...any) (step, error) { return s, s.wrong(format, args...) }
	if f.At != "" {
		var err error
		if s.at, err = when.Parse(f.At); err != nil {
			return wrong("at: %v", err)
		}
	}
	switch {
	case s.at.IsZero():
		return wrong("expected the first step to say at: when it happens")
	case s.at.Before(last):
		return wrong("expected steps in the order of time, found %s after %s", s.at.UTC().Format(time.RFC3339), last.UTC().Format(time.RFC3339))
	case s.check != nil && s.command != "":
		return wrong("expected a step that does something, or a check, found both")
	case s.check != nil:
		return s, r.readCheck(s)
	case s.command == "":
		return wrong("expected do: a command, or check: a figure")
	case s.key == "":
		return wrong("expected a key, which names the step for ever")
	case s.by == "":
		return wrong("expected by: ROLE/HANDLE")
	case Exists(s.command) != nil:
		return wrong("expected a command, found %s", document.Suggest(s.command, Commands()))
	}
	if err := decode(s.with, reflect.New(formOf(s.command)).Interface()); err != nil {
		return wrong("with: %v", err)
	}
	if s.command == "definition.publish" {
		var err error
		if s.with, err = json.Marshal(map[string]any{"definition": r.Definition}); err != nil {
			return s, err
		}
	}
	if f.Expect != nil {
		s.refused = f.Expect.Refused
		if f.Expect.Events != nil {
			s.events, s.expects = *f.Expect.Events, true
		}
	}
	s.id = uuid.NewSHA1(uuid.NewSHA1(uuid.Nil, []byte("rehearsal "+r.Name)), []byte(s.key))
	return s, nil
}

func (r *Rehearsal) readCheck(s step) (err error) {
	c := s.check
	if c.Cycle == "" {
		c.Cycle = r.Name
	}
	if c.At != "" {
		if c.at, err = when.Parse(c.At); err != nil {
			return s.wrong("check: at: %v", err)
		}
	}
	if c.Clock != "" && c.Clock != "recorded" && c.Clock != "occurred" {
		return s.wrong("check: expected clock: recorded or occurred, found %s", c.Clock)
	}
	if c.Event != "" {
		if c.Measure != "" || c.At != "" || c.Clock != "" {
			return s.wrong("check: expected a measure, or an event and nothing but its value")
		}
		if !slices.Contains(schema.Names(), c.Event) {
			return s.wrong("check: expected the name of an event, found %s", document.Suggest(c.Event, schema.Names()))
		}
		return nil
	}
	if _, ok := measure.Find(c.Measure); !ok {
		names := make([]string, len(measure.All))
		for i, m := range measure.All {
			names[i] = m.Measure
		}
		return s.wrong("check: expected a measure, found %s", document.Suggest(c.Measure, names))
	}
	return nil
}

func formOf(command string) reflect.Type {
	i := slices.IndexFunc(registry, func(r registration) bool { return r.name == command })
	return registry[i].form
}

// Steps counts what is to be played, with what goes before.
func (r *Rehearsal) Steps() int { return len(r.scenes(map[string]bool{})) }

// A scene is a step with the rehearsal that it belongs to.
type scene struct {
	*Rehearsal
	step
}

// scenes lists what is to be played, in order: each rehearsal once, however
// many others come after it.
func (r *Rehearsal) scenes(listed map[string]bool) (list []scene) {
	if listed[r.Name] {
		return nil
	}
	listed[r.Name] = true
	for _, earlier := range r.After {
		list = append(list, earlier.scenes(listed)...)
	}
	for _, s := range r.steps {
		list = append(list, scene{r, s})
	}
	return list
}

// A VirtualClock tells the time that a rehearsal has reached.
type VirtualClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *VirtualClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Set moves the clock on; it never goes back.
func (c *VirtualClock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.After(c.now) {
		c.now = t
	}
}

// A Stage is what a rehearsal is played on.
type Stage struct {
	Engine   *Engine // made with Clock.Now and Rehearsal
	Clock    *VirtualClock
	Agenda   Agenda
	Policies Checkpoint
	// Figure evaluates a measure for a cycle. A zero time means all of the
	// store, which is then the engine's; else it may be an earlier state of it.
	Figure func(ctx context.Context, store eventstore.Store, cycle, measure string, at time.Time, clock string) (int64, error)
	// Tell is given every event as it is recorded, and every refusal.
	Tell func(Told)
	// Pace, where it is set, is asked before each step, so that a
	// demonstration can be followed.
	Pace func(ctx context.Context, next time.Time) error

	told eventstore.Position
}

// Told is one thing that happened in a rehearsal.
type Told struct {
	At      time.Time
	Key     string // of the step; empty for the engine's own doing
	By      string
	Command string
	Event   string        // name, or "" for a refusal
	Refused *domain.Error // with Event ""
	Unmet   string        // an expectation or check that does not hold
}

// ErrUnmet says that a rehearsal did not go as its file expects.
var ErrUnmet = errors.New("the rehearsal did not go as expected")

// ErrOther says that a store is not this rehearsal's to play on.
var ErrOther = errors.New("this directory holds something else")

// ErrChanged says that a store holds what an earlier form of a rehearsal
// brought about.
var ErrChanged = errors.New("the file has changed since this was rehearsed")

// Played counts the steps of a rehearsal: all that were judged, those of them
// that were not as expected, and those that had been played before.
type Played struct{ Judged, Unmet, Before int }

// Play plays a rehearsal to its end. On a store that holds a part of the same
// rehearsal it continues, and judges again what was played.
func (st *Stage) Play(ctx context.Context, r *Rehearsal) (p Played, err error) {
	steps := r.scenes(map[string]bool{})
	log, err := st.resume(ctx, r, steps)
	if err != nil {
		return p, err
	}
	then := rewind(st.Engine.Store, st.Engine.Config)
	for i, s := range steps {
		var fault string
		if n := before(log, steps, i); n < len(log) {
			p.Before++
			then.forward(log[:n])
			fault, log, err = st.again(ctx, s, log[n:], then)
		} else {
			log = nil
			fault, err = st.step(ctx, s)
		}
		if err != nil {
			return p, fmt.Errorf("%s, step %s: %w", s.Name, s.key, err)
		}
		p.Judged++
		if fault != "" {
			p.Unmet++
			st.Tell(Told{At: s.at, Key: s.key, By: s.by, Command: s.command, Unmet: s.wrong("%s", fault).Error()})
		}
	}
	if p.Unmet > 0 {
		return p, fmt.Errorf("%w: %d unmet", ErrUnmet, p.Unmet)
	}
	return p, nil
}

// played is an event that is there already, and the step it goes back to.
type played struct {
	eventstore.Recorded
	envelope schema.Envelope
	step     int // -1: the clock's
}

// resume finds what was played before. The log must be empty, or begin with
// this rehearsal's first step and hold nothing that people did beside it.
func (st *Stage) resume(ctx context.Context, r *Rehearsal, steps []scene) (log []played, err error) {
	own := map[string]int{}
	for i, s := range steps {
		own[s.id.String()] = i
	}
	for rec, err := range st.Engine.Store.ReadAll(ctx, eventstore.ReadAll{}) {
		if err != nil {
			return nil, fmt.Errorf("look for an earlier part of the rehearsal: %w", err)
		}
		env, err := schema.DecodeEnvelope(rec.Metadata)
		if err != nil {
			return nil, fmt.Errorf("position %s: %w", rec.Position, err)
		}
		engine := env.Role == string(access.Clock) || env.Role == string(access.Policy)
		step, ok := own[env.Correlation]
		switch {
		case !strings.HasPrefix(env.Book, "rehearsal/"):
			return nil, fmt.Errorf("%w: a live log; a rehearsal needs a directory of its own", ErrOther)
		case !engine && !ok:
			return nil, fmt.Errorf("%w: %s at position %s is no step of %s", ErrOther, rec.Name, rec.Position, r.Name)
		case !ok:
			step = -1
		}
		st.told = rec.Position
		st.Clock.Set(env.RecordedAt)
		if rec.Stream != instance.Starts { // which nothing that is played leads to
			log = append(log, played{rec, env, step})
		}
	}
	return log, nil
}

// before counts the events that a step found when it was played: what earlier
// steps led to, and what fell due before it. Where nothing follows them, it
// was not played, or left nothing and can be played again.
func before(log []played, steps []scene, i int) int {
	after := func(e played) bool { return e.step >= i || e.step < 0 && !e.envelope.RecordedAt.Before(steps[i].at) }
	if n := slices.IndexFunc(log, after); n >= 0 {
		return n
	}
	return len(log)
}

// again decides once more, on the log as it was, a step that was played
// before: log begins with what followed, and is given back without what the
// step left. Nothing is kept.
func (st *Stage) again(ctx context.Context, s scene, log []played, then *past) (unmet string, rest []played, err error) {
	then.appended = nil
	if s.check != nil {
		unmet, err = st.look(ctx, s.step, then)
		return unmet, log, err
	}
	then.now = s.at
	result, refused, err := s.do(ctx, then.engine)
	if err != nil {
		return "", nil, err
	}
	n := 0
	for n < len(log) && log[n].envelope.CommandID == s.id.String() {
		n++
	}
	same := func(e eventstore.Recorded, p played) bool {
		return e.ID == p.ID && e.Name == p.Name && bytes.Equal(e.Data, p.Data) && bytes.Equal(e.Metadata, p.Metadata)
	}
	if !slices.EqualFunc(then.appended, log[:n], same) {
		return "", nil, fmt.Errorf("%w: %w", ErrChanged, s.wrong("expected what is recorded at position %s", log[0].Position))
	}
	then.forward(log[:n])
	return s.judge(result, refused), log[n:], nil
}

// step plays a step at its time.
func (st *Stage) step(ctx context.Context, s scene) (unmet string, err error) {
	if st.Pace != nil {
		if err := st.Pace(ctx, s.at); err != nil {
			return "", err
		}
	}
	if err := st.advance(ctx, s.at); err != nil {
		return "", err
	}
	if s.check != nil {
		return st.look(ctx, s.step, nil)
	}
	result, refused, err := s.do(ctx, st.Engine)
	if err != nil {
		return "", err
	}
	by := Told{At: s.at, Key: s.key, By: s.by, Command: s.command}
	if err := st.settle(ctx, by); err != nil {
		return "", err
	}
	if refused != nil {
		by.Refused = refused
		st.Tell(by)
	}
	return s.judge(result, refused), nil
}

// advance lets everything happen that falls due before t, each at its time,
// and one after the other: the policies answer before the next, so that it
// makes no difference where a rehearsal is interrupted. What falls due at t
// itself comes after the people's steps at t.
func (st *Stage) advance(ctx context.Context, t time.Time) error {
	for {
		if err := st.settle(ctx, Told{}); err != nil {
			return err
		}
		next, ok, err := st.Agenda.Next(ctx)
		if err != nil {
			return err
		}
		if !ok || !next.Before(t) {
			st.Clock.Set(t)
			return nil
		}
		st.Clock.Set(next)
		issued, err := st.Engine.tick(ctx, st.Agenda, 1)
		if err != nil {
			return err
		}
		if issued == 0 {
			return fmt.Errorf("something due %s does not go away", next.Format(time.RFC3339))
		}
	}
}

// settle lets the policies answer, and tells what was recorded.
func (st *Stage) settle(ctx context.Context, by Told) error {
	if err := st.Engine.CatchUp(ctx, st.Policies); err != nil {
		return err
	}
	for r, err := range st.Engine.Store.ReadAll(ctx, eventstore.ReadAll{After: st.told}) {
		if err != nil {
			return err
		}
		env, err := schema.DecodeEnvelope(r.Metadata)
		if err != nil {
			return err
		}
		told := Told{At: env.RecordedAt, By: env.Actor, Event: r.Name}
		if by.Key != "" && env.Causation == "" && !slices.Contains(access.Engine, access.Role(env.Role)) {
			told = by
			told.At, told.Event = env.RecordedAt, r.Name
		}
		st.Tell(told)
		st.told = r.Position
	}
	return nil
}

// do issues the step's command.
func (s scene) do(ctx context.Context, g *Engine) (Result, *domain.Error, error) {
	cause := Cause{
		CommandID: s.id, OnBehalfOf: domain.Person(s.onBehalfOf), Channel: cmp.Or(s.channel, "rehearsal"),
		Reason: s.reason, Authority: s.authority,
	}
	defaults := map[string]string{"cycle": s.Name, "programme": s.Definition.Programme}
	result, err := g.DoAs(ctx, s.by, s.command, s.with, defaults, cause)
	if refused := new(domain.Error); errors.As(err, &refused) {
		return result, refused, nil
	}
	return result, nil, err
}

// judge compares what came of a step with what is expected.
func (s step) judge(result Result, refused *domain.Error) (unmet string) {
	code := ""
	if refused != nil {
		code = refused.Code
	}
	switch {
	case code != s.refused && code == "":
		return fmt.Sprintf("expected a refusal, %s, and it was done", s.refused)
	case code != s.refused && s.refused == "":
		return fmt.Sprintf("refused: %s: %v", code, refused)
	case code != s.refused:
		return fmt.Sprintf("expected the refusal %s, found %s: %v", s.refused, code, refused)
	case s.expects && !slices.Equal(s.events, result.Names):
		return fmt.Sprintf("expected the events %v, found %v", s.events, result.Names)
	}
	return ""
}

// look checks a figure, or counts events: now, or where then is given, as it
// was then.
func (st *Stage) look(ctx context.Context, s step, then *past) (unmet string, err error) {
	c, at, clock := s.check, s.check.at, s.check.Clock
	store := st.Engine.Store
	if then != nil {
		store = then
		if at.IsZero() {
			at, clock = s.at, "recorded"
		}
	}
	var value int64
	if c.Event == "" {
		value, err = st.Figure(ctx, store, c.Cycle, c.Measure, at, clock)
	} else {
		value, err = count(ctx, store, c.Cycle, c.Event)
	}
	if err != nil {
		return "", err
	}
	if value != c.Value {
		return fmt.Sprintf("%s of %s: expected %d, found %d", c.Measure+c.Event, c.Cycle, c.Value, value), nil
	}
	return "", nil
}

// count counts the events of a name in a cycle's book, and those of its
// programme that name the cycle, as a measure would.
func count(ctx context.Context, store eventstore.Store, cycle, event string) (int64, error) {
	m := measure.Measure{Measure: event, Fold: "count", Over: []measure.Source{{Name: event}}, Scope: "cycle"}
	tally := measure.NewTally([]measure.Measure{m})
	for r, err := range store.ReadAll(ctx, eventstore.ReadAll{}) {
		if err != nil {
			return 0, err
		}
		if r.Name != event {
			continue
		}
		fact, err := factOf(r)
		if err != nil {
			return 0, err
		}
		if err := tally.Add(fact); err != nil {
			return 0, err
		}
	}
	return tally.Value(m, cycle), nil
}
