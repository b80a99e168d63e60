// Package workflows carries programmes on: it takes commands through one
// door, lets the domain decide, keeps what was decided, answers events with
// further commands (policies), and acts when something falls due (the clock).
package workflows

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/access"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/eventstore"
)

// A Secret is personal text on its way to the vault.
type Secret struct {
	Digest   domain.Digest
	Subjects []domain.Person
	Kind     domain.PrivateKind
	Readers  domain.Readers
	Salt     []byte
	Text     string
}

// Vault is where personal text goes before the events that commit to it.
type Vault interface {
	// Put keeps secrets by digest, durably when it returns. One that is there
	// already stays as it is.
	Put(ctx context.Context, secrets []Secret) error
	// SetHandle lets a person be found by a short name, durably; ErrHandleTaken
	// when somebody else has it.
	SetHandle(ctx context.Context, handle string, person domain.Person) error
	// Person finds who has a handle; ErrHandle when nobody has.
	Person(ctx context.Context, handle string) (domain.Person, error)
}

// What a Vault answers about handles.
var (
	ErrHandle      = domain.Missing("person_unknown", "nobody is registered under this handle; somebody who is can register them with person.register")
	ErrHandleTaken = domain.Refuse("handle_taken", "somebody else has this handle")
)

// Config is what an Engine is made of.
type Config struct {
	Store eventstore.Store
	Vault Vault
	Now   func() time.Time
	// Rehearsal marks everything recorded as rehearsed, for ever, and makes
	// it repeatable: ids and salts follow from the rehearsal's steps.
	Rehearsal bool
	Tzdata    string // which time zone data this process goes by
	// Sleep waits for d, or until ctx ends. Nil: by the machine's clock.
	Sleep func(ctx context.Context, d time.Duration)
	// Parked is told when a policy cannot answer an event, and why, in the
	// fault's own words, which are kept nowhere. Nil: nobody is.
	Parked func(policy string, at eventstore.Recorded, why error)
}

// An Engine takes commands. Its methods may be called from many goroutines.
type Engine struct {
	Config
	cache cache
	locks [256]sync.Mutex // one command at a time on a stream, so that this process doesn't race itself
	seed  maphash.Seed
	brief bool // a refusal need not tell all that stands in the way

	first sync.Mutex // held while the first person registers herself

	bringing sync.Map // the ids of imports whose rows are being recorded

	mu       sync.Mutex
	last     time.Time          // newest recorded_at this node has read or kept
	answered eventstore.Place   // how far the policies of this engine have come
	vain     map[uuid.UUID]vain // what fell due, by its command

	policies []policy // in the order in which they answer
	later    []policy // those of them that are newer than the first Daybook
	starting sync.Mutex
	starts   map[string]eventstore.Position // after which those react; nil: it isn't known yet
}

// ErrClock says that this machine's clock cannot be right.
var ErrClock = errors.New("the clock is more than a minute behind the newest event")

// maxSkew is how far a clock may be behind the head: what time servers
// correct without anybody noticing.
const maxSkew = time.Minute

// New makes an engine and looks at the head of the log, so that time does not
// run backwards.
func New(ctx context.Context, c Config) (*Engine, error) {
	if c.Sleep == nil {
		c.Sleep = sleep
	}
	c.Store, c.Vault = marking{c.Store}, markingVault{c.Vault}
	g := &Engine{Config: c, seed: maphash.MakeSeed(), vain: map[uuid.UUID]vain{}, policies: slices.Concat(policies, later), later: later}
	for r, err := range c.Store.ReadAll(ctx, eventstore.ReadAll{Backwards: true, Limit: 1}) {
		if err != nil {
			return nil, fmt.Errorf("read the head of the log: %w", err)
		}
		env, err := schema.DecodeEnvelope(r.Metadata)
		if err != nil {
			return nil, fmt.Errorf("head of the log, position %s: %w", r.Position, err)
		}
		g.last = env.RecordedAt
	}
	return g, nil
}

// Latest is the newest recorded_at this node has read or kept.
func (g *Engine) Latest() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.last
}

// see takes note of the time of somebody's event.
func (g *Engine) see(t time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if t.After(g.last) {
		g.last = t
	}
}

// now is the time of the next event: never before that of an event that this
// node has read or kept, so that recorded_at never goes backwards in a stream.
// Of two commands that are kept at the same time on streams of their own, the
// later by position may be the earlier by time, by as long as an append takes,
// its retries included. Whoever asks for a moment gets a prefix of the log, so
// never a log with holes.
func (g *Engine) now() (time.Time, error) {
	now, last := g.Now().UTC().Truncate(time.Millisecond), g.Latest()
	if now.Before(last.Add(-maxSkew)) {
		return time.Time{}, fmt.Errorf("%w: it says %s, the log %s", ErrClock, now.Format(time.RFC3339), last.Format(time.RFC3339))
	}
	if now.Before(last) {
		return last, nil
	}
	return now, nil
}

// A Command knows its stream and the book that stream belongs to.
type Command interface {
	Stream() string
	Book() string
	Check() error // whether the ids make sense
}

// A Cause is who issued a command, how and why.
type Cause struct {
	CommandID   uuid.UUID
	Actor       string // a person's id, "clock", or a policy's name
	Role        access.Role
	OnBehalfOf  domain.Person
	Channel     string
	Correlation string // empty: this command begins something
	Causation   string
	Reason      string
	Authority   string
}

// A Result is what a command brought about: nothing, when it was already so.
type Result struct {
	Position eventstore.Position // of the last event; zero when there is none
	Names    []string
	Marks    []string // in which ways what happened does not conform
}

// state is what an aggregate remembers; E seals its set of events.
type state[S, E any] interface{ Apply(E) S }

// stream is a folded stream as of a revision.
type stream[S any] struct {
	state    S
	exists   bool
	revision uint64
	done     []done
	at       counted // as of which this is all of the stream
}

// counted is what a store counts of a stream, if it can.
type counted struct {
	n     uint64
	known bool
}

func (g *Engine) count(stream string) (c counted) {
	c.n, c.known = eventstore.Count(g.Store, stream)
	return c
}

// length counts the stream's events.
func (s stream[S]) length() uint64 {
	if !s.exists {
		return 0
	}
	return s.revision + 1
}

// done is a command that left events in the stream.
type done struct {
	command uuid.UUID
	first   uuid.UUID // the id of its first event
	result  Result
	refused *domain.Error // what it was answered, where the events record a refusal
}

// ErrUsed is the answer to a command id that was used on the same stream for
// another command, or for the same one with other fields. Private texts are
// not compared: their words are in no event.
var ErrUsed = domain.Refuse("command_id_used", "this command id was used for another command")

// attempts bounds how often a command is decided again after losing a race,
// and how often an append whose outcome is unknown is made again.
const attempts = 8

// A task is a command on its way to its stream.
type task[S state[S, E], E any] struct {
	name    string
	cmd     Command
	asked   []byte                 // what its fields say, private texts aside
	prepare func(fresh bool) error // fills in what it carries from elsewhere
	decide  func(S, time.Time) ([]E, error)
	claim   func() error // sets aside what goes with the events, once they are decided
	salts   map[domain.Digest][]byte
	cause   Cause
}

// id is that of the n-th event: the same whenever the same command is issued
// again, and different where anything of it is: the stream, the name, a field.
func (t task[S, E]) id(n int) uuid.UUID {
	return uuid.NewSHA1(t.cause.CommandID, fmt.Appendf(nil, "%s %d %s %s", t.cmd.Stream(), n, t.name, t.asked))
}

// do loads a stream, lets the command decide, and appends what it decided.
// When another writer was first it starts over, so that Decide may run many
// times; what it answers from memory alone, a refusal or "already so", is
// decided again on what is stored.
func do[S state[S, E], E any](ctx context.Context, g *Engine, t task[S, E]) (Result, error) {
	var lost error
	var held *sync.Mutex
	fresh := false
	for range attempts {
		if err := t.prepare(fresh); err != nil {
			if !fresh && errors.Is(err, domain.NotFound) {
				fresh = true
				continue
			}
			return Result{}, err
		}
		if err := t.cmd.Check(); err != nil {
			return Result{}, err
		}
		stream := t.cmd.Stream()
		if held == nil { // not before: looking up may have completed the ids
			held = g.lock(stream)
			held.Lock()
			defer held.Unlock()
		}
		s, err := load[S, E](ctx, g, stream, fresh)
		if err != nil {
			return Result{}, err
		}
		for _, d := range s.done {
			if d.command == t.cause.CommandID {
				return d.answer(t.id(0))
			}
		}
		if err := own(t.cmd, s.state, t.cause); err != nil {
			if !fresh {
				fresh = true
				continue
			}
			return Result{}, err
		}
		now, err := g.now()
		if err != nil {
			return Result{}, err
		}
		events, refusal := t.decide(s.state, now)
		if !fresh && (refusal != nil || len(events) == 0) {
			fresh = true
			continue
		}
		if len(events) == 0 {
			return Result{}, refusal
		}
		next, err := record(ctx, g, t, s, events, now)
		if err == nil {
			g.see(now)
			next.at = g.count(stream)
			if own := (counted{s.at.n + uint64(len(events)), s.at.known}); next.at != own { // others', too, perhaps of this stream
				next.at = counted{}
			}
			g.cache.put(stream, next.length(), next)
			return next.done[len(next.done)-1].result, refusal
		}
		g.cache.drop(stream)
		if !errors.Is(err, eventstore.ErrConflict) {
			return Result{}, err
		}
		lost, fresh = err, true
	}
	return Result{}, fmt.Errorf("%s: undecided after %d attempts: %w", t.name, attempts, lost)
}

// own tells whether the actor may act on what the command is about.
func own(cmd Command, state any, cause Cause) error {
	if p, is := owner(cmd, state, cause.Role); is {
		return access.Own(cause.Role, domain.Person(cause.Actor), p)
	}
	return nil
}

// owner is whose what a command is about is: one's own application or review,
// one's own side of a match.
func owner(cmd, state any, role access.Role) (p domain.Person, is bool) {
	if c, ok := cmd.(interface{ Owner() domain.Person }); ok {
		return c.Owner(), true
	}
	s, ok := state.(interface {
		Party(side string) domain.Person
	})
	if !ok {
		return "", false
	}
	side := string(role)
	if c, ok := cmd.(interface{ ActsFor() string }); ok {
		side = c.ActsFor()
	}
	return s.Party(side), true
}

// answer is what the command was answered, if it is the one whose first event
// would have that id.
func (d done) answer(first uuid.UUID) (Result, error) {
	switch {
	case d.first != first:
		return Result{}, ErrUsed
	case d.refused != nil:
		return d.result, d.refused
	}
	return d.result, nil
}

// refusalOf is what a recorded refusal was answered with.
func refusalOf(event any) *domain.Error {
	if e, ok := event.(interface{ Refused() *domain.Error }); ok {
		return e.Refused()
	}
	return nil
}

// load folds a stream, from memory where it can. Fresh, it goes on from there
// with what the store has had since, unless that says that it has had nothing.
func load[S state[S, E], E any](ctx context.Context, g *Engine, name string, fresh bool) (s stream[S], err error) {
	v, remembered := g.cache.get(name)
	if remembered {
		if s = v.(stream[S]); !fresh {
			return s, nil
		}
		s.done = slices.Clip(s.done) // others have it too
	}
	at := g.count(name)
	if remembered && at.known && at == s.at {
		return s, nil
	}
	s.at = at
	for r, err := range g.Store.ReadStream(ctx, name, eventstore.ReadStream{From: s.length()}) {
		if errors.Is(err, eventstore.ErrStreamNotFound) {
			break
		} else if err != nil {
			return s, fmt.Errorf("load %s: %w", name, err)
		}
		body, err := schema.Decode(r.Name, r.Data)
		if err != nil {
			return s, fmt.Errorf("load %s, revision %d: %w", name, r.Revision, err)
		}
		event, ok := body.(E)
		if !ok {
			return s, fmt.Errorf("load %s, revision %d: %s does not belong in this stream", name, r.Revision, r.Name)
		}
		env, err := schema.DecodeEnvelope(r.Metadata)
		if err != nil {
			return s, fmt.Errorf("load %s, revision %d: %w", name, r.Revision, err)
		}
		command, err := uuid.Parse(env.CommandID)
		if err != nil {
			return s, fmt.Errorf("load %s, revision %d: command id: %w", name, r.Revision, err)
		}
		g.see(env.RecordedAt)
		s = s.with(command, body, r.Event, r.Position)
		s.state, s.exists, s.revision = s.state.Apply(event), true, r.Revision
	}
	g.cache.put(name, s.length(), s)
	return s, nil
}

// with notes an event of a command. Events of one command lie together.
func (s stream[S]) with(command uuid.UUID, body any, e eventstore.Event, at eventstore.Position) stream[S] {
	if n := len(s.done); n == 0 || s.done[n-1].command != command {
		s.done = append(s.done, done{command: command, first: e.ID})
	}
	d := &s.done[len(s.done)-1]
	d.result.Position, d.result.Names = at, append(d.result.Names, e.Name)
	if b, ok := body.(interface{ Marks() []string }); ok {
		d.result.Marks = append(d.result.Marks, b.Marks()...)
	}
	if refused := refusalOf(body); refused != nil {
		d.refused = refused
	}
	return s
}

// record seals what is personal and appends the events.
func record[S state[S, E], E any](ctx context.Context, g *Engine, t task[S, E], s stream[S], events []E, now time.Time) (stream[S], error) {
	occurred := now
	if c, ok := t.cmd.(interface{ OccurredAt() time.Time }); ok && !c.OccurredAt().IsZero() {
		occurred = c.OccurredAt().UTC()
	}
	corrects, err := g.corrected(ctx, t.cmd)
	if err != nil {
		return s, err
	}
	cause, book := t.cause, t.cmd.Book()
	if g.Rehearsal {
		book = "rehearsal/" + book
	}
	appended := make([]eventstore.Event, len(events))
	var secrets []Secret
	for i, event := range events {
		s.state = s.state.Apply(event)
		for _, p := range schema.Private(event) {
			if p.Digest == "" {
				continue // there is none: one without its digest would not be encoded
			}
			secrets = append(secrets, Secret{p.Digest, p.Subjects, p.Kind, p.Readers, t.salts[p.Digest], p.Text})
		}
		name, body, err := schema.Encode(event)
		if err != nil {
			return s, fmt.Errorf("%w: %w", eventstore.ErrInvalid, err)
		}
		id := t.id(i)
		env := schema.Envelope{
			ID: id.String(), Name: name, RecordedAt: now, OccurredAt: occurred,
			Actor: cause.Actor, Role: string(cause.Role), OnBehalfOf: cause.OnBehalfOf, Channel: cause.Channel,
			Book: book, CommandID: cause.CommandID.String(), Correlation: cause.Correlation, Causation: cause.Causation,
			Reason: cause.Reason, Authority: cause.Authority, Subjects: subjects(s.state, event), Corrects: corrects,
			Salt: base64.RawURLEncoding.EncodeToString(g.salt(cause.CommandID, -1-i)),
		}
		if env.Correlation == "" {
			env.Correlation = env.CommandID
		}
		if e, ok := any(event).(interface{ Marks() []string }); ok {
			env.Nonconformities = e.Marks()
		}
		if e, ok := any(event).(interface{ OccurredAt() time.Time }); ok {
			env.OccurredAt = e.OccurredAt()
		}
		metadata, err := env.Encode()
		if err != nil {
			return s, fmt.Errorf("%w: %w", eventstore.ErrInvalid, err)
		}
		appended[i] = eventstore.Event{ID: id, Name: name, Data: body, Metadata: metadata}
	}
	if len(secrets) > 0 {
		if err := g.Vault.Put(ctx, secrets); err != nil {
			return s, fmt.Errorf("seal personal text: %w", err)
		}
	}
	if err := t.claim(); err != nil {
		return s, err
	}
	expected := eventstore.NoStream
	if s.exists {
		expected = eventstore.Exact(s.revision)
	}
	at, err := g.keep(ctx, cause.CommandID, t.cmd.Stream(), expected, appended)
	if err != nil {
		return s, err
	}
	for i, event := range events {
		s = s.with(cause.CommandID, event, appended[i], at.Position)
	}
	s.exists, s.revision = true, at.Revision
	return s, nil
}

// corrected is the id of the event that a command corrects: the newest of its
// kind. Most correct none.
func (g *Engine) corrected(ctx context.Context, cmd Command) (id string, err error) {
	c, ok := cmd.(interface{ Corrects(event any) bool })
	if !ok {
		return "", nil
	}
	for r, err := range g.Store.ReadStream(ctx, cmd.Stream(), eventstore.ReadStream{}) {
		if err != nil {
			return "", fmt.Errorf("what is corrected in %s: %w", cmd.Stream(), err)
		}
		body, err := schema.Decode(r.Name, r.Data)
		if err != nil {
			return "", fmt.Errorf("what is corrected in %s, revision %d: %w", cmd.Stream(), r.Revision, err)
		}
		if c.Corrects(body) {
			id = r.ID.String()
		}
	}
	return id, nil
}

// ErrUnknown says that a command may have been kept, and may not. It comes as
// an *UnknownError, which tells how to find out.
var ErrUnknown = errors.New("it is not known whether this was recorded")

// An UnknownError is ErrUnknown, and what the last attempt was answered. The
// same command under the same id brings the outcome: it is recorded once,
// however often it is issued.
type UnknownError struct {
	CommandID uuid.UUID
	Cause     error
}

func (e *UnknownError) Error() string {
	return fmt.Sprintf("%v, under command id %s: %v", ErrUnknown, e.CommandID, e.Cause)
}

func (e *UnknownError) Unwrap() []error { return []error{ErrUnknown, e.Cause} }

// keep appends a command's events, and again the same bytes while that may
// help: the store recognises what it has kept. Whoever asked may go away
// meanwhile, and the outcome is found all the same. Once an attempt may have
// been kept, a later one that was not says nothing of it: the error is then an
// *UnknownError. Only a conflict settles it, because the store would have
// known its own events.
func (g *Engine) keep(ctx context.Context, command uuid.UUID, stream string, expected eventstore.Expected, events []eventstore.Event) (eventstore.Result, error) {
	if err := ctx.Err(); err != nil {
		return eventstore.Result{}, err
	}
	ctx = context.WithoutCancel(ctx)
	unknown := false
	for n := 1; ; n++ {
		at, err := g.Store.Append(ctx, stream, expected, events...)
		if err == nil {
			return at, nil
		}
		err = fmt.Errorf("append to %s: %w", stream, err)
		settled := slices.ContainsFunc(final, func(e error) bool { return errors.Is(err, e) })
		unknown = unknown || !settled && !errors.Is(err, eventstore.ErrUnavailable)
		switch {
		case !settled && n < attempts:
			g.Sleep(ctx, firstPause<<(n-1))
		case unknown && !errors.Is(err, eventstore.ErrConflict):
			return at, &UnknownError{command, err}
		default:
			return at, err
		}
	}
}

// firstPause is how long keep waits after its first attempt; each pause is
// twice the last, which makes them a second and a quarter.
const firstPause = 10 * time.Millisecond

// final are the errors of an append that leave nothing unknown and that asking
// again would not mend.
var final = []error{eventstore.ErrConflict, eventstore.ErrInvalid, eventstore.ErrTooLarge, eventstore.ErrClosed, eventstore.ErrStreamDeleted}

// sleep waits by the machine's clock.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// subjects are the people an event is about: those of its stream, and those
// it names.
func subjects(state, event any) []domain.Person {
	var people []domain.Person
	if s, ok := state.(interface{ Subjects() []domain.Person }); ok {
		people = slices.Clone(s.Subjects())
	}
	for _, p := range schema.People(event) {
		if !slices.Contains(people, p) {
			people = append(people, p)
		}
	}
	return people
}

// salt is 16 random bytes. In a rehearsal, where nobody is real and the same
// steps must give the same log, it follows from the command.
func (g *Engine) salt(command uuid.UUID, n int) []byte {
	if g.Rehearsal {
		id := uuid.NewSHA1(command, fmt.Append(nil, "salt", n))
		return id[:]
	}
	b := make([]byte, 16)
	rand.Read(b)
	return b
}

// lock serialises the commands of one stream in this process.
func (g *Engine) lock(stream string) *sync.Mutex {
	return &g.locks[maphash.String(g.seed, stream)%uint64(len(g.locks))]
}
