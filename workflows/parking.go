package workflows

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/access"
	"github.com/daybook-engine/daybook/domain/measure"
	instance "github.com/daybook-engine/daybook/domain/policy"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/eventstore"
)

// tries bounds how often a policy tries to answer an event before its instance
// is parked there. With keep's pauses between them that is a seventh of a
// second, for which the others wait.
const tries = 5

// The kinds of faults by which an instance is parked: codes, because what a
// fault says in words may be somebody's.
const (
	faultUnreadable = "unreadable"     // the event
	faultLookup     = "lookup"         // of what the policy must know to answer
	faultCommand    = "command"        // which could neither be carried out nor refused
	faultPanic      = "panic"          // in the policy or its command
	faultRepair     = "repair_refused" // what a person gave to be done was refused
)

// answer lets a policy answer an event, unless it began later, when the policies
// have come as far as a position. Where the instance is parked the event waits,
// and is found again when it goes on.
func (g *Engine) answer(ctx context.Context, p policy, r eventstore.Recorded, at eventstore.Position) error {
	s, asked, err := g.stands(ctx, p, r, at)
	if err != nil || !asked {
		return err
	}
	for n := 1; ; n++ {
		fault, err := g.try(ctx, p, r, s)
		switch {
		case err == nil:
			return nil
		case isWhole(ctx, err):
			return err
		case n == tries || fault == faultRepair:
			return g.park(ctx, p, r, s, n, fault, err)
		}
		g.Sleep(ctx, firstPause<<(n-1))
	}
}

// stands tells how it stands with a policy's instance when the policies have come
// as far as a position, and whether an event is to be answered by it.
func (g *Engine) stands(ctx context.Context, p policy, r eventstore.Recorded, at eventstore.Position) (s instance.State, asked bool, err error) {
	if g.starts[p.name].Compare(r.Position) >= 0 {
		return s, false, nil
	}
	name := instance.ID{Policy: p.name, Of: r.Stream}.Stream()
	in, err := load[instance.State, instance.Event](ctx, g, name, false)
	if err == nil && in.state.Parked() != "" { // as far as is remembered
		in, err = load[instance.State, instance.Event](ctx, g, name, true)
	}
	s = in.state
	if n := len(in.done); err == nil && n > 0 && in.done[n-1].result.Position.Compare(at) > 0 {
		s, err = g.stood(ctx, name, at)
	}
	return s, s.Parked() == "" && !s.Skipped(r.ID.String()), err
}

// stood is how an instance stands that policies have come to as far as a position.
// It knows of itself where it was parked; what a person decided of that counts when
// they come to it: then what has waited is answered first, in order.
func (g *Engine) stood(ctx context.Context, name string, at eventstore.Position) (s instance.State, err error) {
	for r, err := range g.Store.ReadStream(ctx, name, eventstore.ReadStream{}) {
		if errors.Is(err, eventstore.ErrStreamNotFound) {
			return s, nil
		} else if err != nil {
			return s, fmt.Errorf("how %s stood: %w", name, err)
		}
		body, err := schema.Decode(r.Name, r.Data)
		if err != nil {
			return s, fmt.Errorf("%s, revision %d: %w", name, r.Revision, err)
		}
		e, ok := body.(instance.Event)
		if _, parks := e.(instance.Parked); ok && (parks || r.Position.Compare(at) <= 0) {
			s = s.Apply(e)
		}
	}
	return s, nil
}

// try answers an event, and tells of which kind a fault is.
func (g *Engine) try(ctx context.Context, p policy, r eventstore.Recorded, s instance.State) (fault string, err error) {
	defer recovered(&fault, &err)
	orders, fault, err := g.ordered(ctx, p, r, s)
	if err != nil {
		return fault, err
	}
	env, _ := schema.DecodeEnvelope(r.Metadata) // a repair is for what cannot be read, too
	g.see(env.RecordedAt)                       // an answer is not recorded before what it answers, whoever recorded that
	_, _, repaired := s.Repaired(r.ID.String())
	for _, o := range orders {
		refused, err := g.order(ctx, o.order, o.cause)
		switch {
		case err != nil:
			return faultCommand, err
		case refused != nil && repaired: // somebody waits for it
			return faultRepair, refused
		case refused != nil && refused.Kind == domain.Invalid: // of the engine's own making: no rule said so
			return faultCommand, refused
		}
	}
	return "", nil
}

// ordered is an order about an event, and what it is issued as.
type ordered struct {
	order
	cause Cause
}

// ordered are the orders of an instance about an event: its policy's or, where a
// person repaired that, what they said; else of which kind the fault is.
func (g *Engine) ordered(ctx context.Context, p policy, r eventstore.Recorded, s instance.State) (list []ordered, fault string, err error) {
	env, unread := schema.DecodeEnvelope(r.Metadata)
	if command, with, ok := s.Repaired(r.ID.String()); ok {
		cause := p.cause(r.ID, env, 0)
		cause.CommandID, cause.Authority = p.repair(r.ID, s), "policy_repair"
		return []ordered{{order{command, json.RawMessage(with)}, cause}}, "", nil
	}
	body, err := schema.Decode(r.Name, r.Data)
	if err = errors.Join(err, unread); err != nil {
		return nil, faultUnreadable, err
	}
	orders, err := p.react(ctx, g, r, body)
	if err != nil {
		return nil, faultLookup, err
	}
	for i, o := range orders {
		list = append(list, ordered{o, p.cause(r.ID, env, i)})
	}
	return list, "", nil
}

// repair is the id of the command that takes the place of a policy's about an
// event. It is none of those that the policy may have issued before it failed,
// nor that of an earlier repair.
func (p policy) repair(event uuid.UUID, s instance.State) uuid.UUID {
	return uuid.NewSHA1(event, fmt.Append(nil, "repair ", p.name, s.Parking(event.String())))
}

// recovered turns a panic into a fault; it is deferred.
func recovered(fault *string, err *error) {
	if v := recover(); v != nil {
		*fault, *err = faultPanic, fmt.Errorf("panic: %v\n%s", v, debug.Stack())
	}
}

// park records that an instance stands still at an event, and why. Where that
// cannot be recorded it is not so, and the event will be reacted to again.
func (g *Engine) park(ctx context.Context, p policy, r eventstore.Recorded, s instance.State, n int, fault string, why error) error {
	env, _ := schema.DecodeEnvelope(r.Metadata) // as far as it can be read
	g.see(env.RecordedAt)
	cause := p.cause(r.ID, env, 0)
	cause.CommandID = uuid.NewSHA1(r.ID, fmt.Append(nil, "park ", p.name, s.Times()))
	park := instance.Park{ID: instance.ID{Policy: p.name, Of: r.Stream, Event: r.ID.String()}, Attempts: n, Fault: fault}
	return g.stop(ctx, park, cause, r, why)
}

// stop records that an instance is parked before r, and tells of it.
func (g *Engine) stop(ctx context.Context, park instance.Park, cause Cause, r eventstore.Recorded, why error) error {
	refused, err := g.order(ctx, order{"policy.park", park}, cause)
	if refused != nil {
		err = refused
	}
	if err != nil {
		return fmt.Errorf("%w; and it could not be parked: %w", why, err)
	}
	if g.Parked != nil {
		g.Parked(park.Policy, r, why)
	}
	return nil
}

// proceed goes on where what a policy is to do was decided by r: an instance
// that was parked answers all that has waited behind it, up to r, and a policy
// that begins at the origin answers all there was. What lies after r comes by
// itself.
func (g *Engine) proceed(ctx context.Context, r eventstore.Recorded) error {
	if !strings.HasPrefix(r.Name, "policy.") {
		return nil
	}
	body, err := schema.Decode(r.Name, r.Data)
	if err != nil {
		return fmt.Errorf("position %s: %w", r.Position, err)
	}
	var at instance.At
	switch e := body.(type) {
	case instance.Retried:
		at = e.At
	case instance.Skipped:
		at = e.At
	case instance.Repaired:
		at = e.At
	case instance.Started:
		if e.After == "" {
			return g.reactFrom(ctx, g.Store.ReadAll(ctx, eventstore.ReadAll{}), "", r, e.Policies)
		}
		return nil
	default:
		return nil
	}
	return g.reactFrom(ctx, g.Store.ReadStream(ctx, at.Stream, eventstore.ReadStream{}), at.Event, r, []string{at.Policy})
}

// reactFrom lets some policies answer the events from the one of that id, or all
// where it is empty, up to r.
func (g *Engine) reactFrom(ctx context.Context, events iter.Seq2[eventstore.Recorded, error], from string, r eventstore.Recorded, names []string) error {
	for e, err := range events {
		if errors.Is(err, eventstore.ErrStreamDeleted) {
			return nil // by somebody with another tool, and nothing waits any more
		} else if err != nil {
			return fmt.Errorf("policies, what lies before position %s: %w", r.Position, err)
		}
		if e.Position.Compare(r.Position) >= 0 {
			break
		}
		if from != "" && e.ID.String() != from {
			continue
		}
		from = ""
		for _, p := range g.policies {
			if !p.answers(e.Name) || !slices.Contains(names, p.name) {
				continue
			}
			if err := g.answer(ctx, p, e, r.Position); err != nil {
				return fmt.Errorf("policy %s at position %s: %w", p.name, e.Position, err)
			}
		}
	}
	return nil
}

// begin records where the policies start that are newer than the first Daybook,
// once in each log: in an empty one, before its first event, at the origin, and
// else at the head, unless they ask for the origin. Others go without a record.
func (g *Engine) begin(ctx context.Context) error {
	g.starting.Lock()
	defer g.starting.Unlock()
	if len(g.later) == 0 || g.starts != nil {
		return nil
	}
	head := ""
	for r, err := range g.Store.ReadAll(ctx, eventstore.ReadAll{Backwards: true, Limit: 1}) {
		if err != nil {
			return fmt.Errorf("where policies begin: %w", err)
		}
		head = r.ID.String()
	}
	start := map[string][]string{}
	for _, p := range g.later {
		after := head
		if p.origin {
			after = ""
		}
		start[after] = append(start[after], p.name)
	}
	for _, after := range []string{head, ""} {
		if start[after] == nil {
			continue
		}
		c := instance.Start{Policies: start[after], After: after}
		delete(start, after)
		id := uuid.NewSHA1(uuid.Nil, fmt.Appendf(nil, "policy.start %s %s", strings.Join(c.Policies, " "), after))
		refused, err := g.order(ctx, order{"policy.start", c}, Cause{CommandID: id, Actor: "policies", Role: access.Policy, Channel: "system"})
		if refused != nil {
			err = refused
		}
		if err != nil {
			return fmt.Errorf("where policies begin: %w", err)
		}
	}
	starts, err := startsOf(ctx, g.Store)
	if err == nil {
		g.starts = starts
	}
	return err
}

// startsOf finds the places after which policies react, by their names: the zero
// place is the origin. Those that began in no event are not among them.
func startsOf(ctx context.Context, log Log) (map[string]eventstore.Position, error) {
	starts := map[string]eventstore.Position{}
	for r, err := range log.ReadStream(ctx, instance.Starts, eventstore.ReadStream{}) {
		if errors.Is(err, eventstore.ErrStreamNotFound) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("where policies begin: %w", err)
		}
		body, err := schema.Decode(r.Name, r.Data)
		if err != nil {
			return nil, fmt.Errorf("where policies begin: %w", err)
		}
		e, ok := body.(instance.Started)
		if !ok {
			continue
		}
		var after eventstore.Position
		if e.After != "" {
			if after, err = positionOf(ctx, log, e.After, r.Position); err != nil {
				return nil, err
			}
		}
		for _, name := range e.Policies {
			if _, ok := starts[name]; !ok {
				starts[name] = after
			}
		}
	}
	return starts, nil
}

// positionOf looks for an event backwards from a position: it was the head not
// long before.
func positionOf(ctx context.Context, log Log, id string, before eventstore.Position) (eventstore.Position, error) {
	for r, err := range log.ReadAll(ctx, eventstore.ReadAll{After: before, Backwards: true}) {
		if err != nil {
			return eventstore.Position{}, fmt.Errorf("where policies begin: %w", err)
		}
		if r.ID.String() == id {
			return r.Position, nil
		}
	}
	return eventstore.Position{}, fmt.Errorf("policies begin after event %s, which is not in the log", id)
}

// instance completes what is said of an instance.
func (l lookup) instance(id *instance.ID) error {
	id.In, id.Cycle, id.About = "installation", "", nil
	if id.Of == "" {
		return nil
	}
	for r, err := range l.Store.ReadStream(l.ctx, id.Of, eventstore.ReadStream{}) {
		if errors.Is(err, eventstore.ErrStreamNotFound) || errors.Is(err, eventstore.ErrStreamDeleted) {
			return nil
		} else if err != nil {
			return fmt.Errorf("what %s answers: %w", id.Policy, err)
		}
		env, err := schema.DecodeEnvelope(r.Metadata)
		if r.Revision == 0 && err == nil {
			id.In = strings.TrimPrefix(env.Book, "rehearsal/")
		}
		if r.ID.String() != id.Event {
			continue
		}
		id.About = env.Subjects
		if measure.BookOf(id.In, "cycle") == "" {
			id.Cycle = schema.Envelope{Book: id.In}.Cycle(r.Data)
		}
		return nil
	}
	return nil
}

// ErrRepair is the answer to what nobody can do in a policy's stead.
var ErrRepair = domain.Wrong("repair_unfit", "a policy's stead is taken by a command that policies may issue, and without private texts")

// complete checks what is to be done in a policy's stead as far as that can be
// told now, and names people by id. It is found out when it is done whether the
// rules allow it.
func (g *Engine) complete(ctx context.Context, c *instance.Repair) error {
	if c.Policy == theClock {
		return ErrRepair.Because("nobody takes the clock's: policy.retry or policy.skip")
	}
	_, cmd, err := read(access.Policy, c.Command, c.With)
	if err != nil {
		return err
	}
	if strings.HasPrefix(c.Command, "policy.") || len(schema.Private(reflect.ValueOf(cmd).Elem().Interface())) > 0 {
		return ErrRepair.Because(c.Command)
	}
	if err := schema.Resolve(cmd, func(who string) (domain.Person, error) { return g.Registered(ctx, who) }); err != nil {
		return err
	}
	if field := unsaid(reflect.ValueOf(cmd).Elem()); field != "" {
		return ErrFields.Because(field + " is missing")
	}
	c.People = schema.People(reflect.ValueOf(cmd).Elem().Interface())
	c.With, err = json.Marshal(cmd)
	return err
}

// whole marks what the store or the vault itself says has gone wrong: no
// instance is to blame, and everybody waits until it is well.
type whole struct{ error }

func (w whole) Unwrap() error { return w.error }

// isWhole tells of a fault that is not one instance's.
func isWhole(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.As(err, new(whole)) || errors.Is(err, ErrClock)
}

// ofStream are the answers of a store that are about one stream or one append.
var ofStream = []error{
	eventstore.ErrStreamNotFound, eventstore.ErrStreamDeleted, eventstore.ErrConflict, eventstore.ErrInvalid, eventstore.ErrTooLarge,
}

func blame(err error) error {
	if err == nil || slices.ContainsFunc(ofStream, func(e error) bool { return errors.Is(err, e) }) || errors.As(err, new(*domain.Error)) {
		return err
	}
	return whole{err}
}

// marking is a store whose own faults are told from a stream's.
type marking struct{ eventstore.Store }

func (m marking) Append(ctx context.Context, stream string, expected eventstore.Expected, events ...eventstore.Event) (eventstore.Result, error) {
	at, err := m.Store.Append(ctx, stream, expected, events...)
	return at, blame(err)
}

func (m marking) ReadStream(ctx context.Context, stream string, r eventstore.ReadStream) iter.Seq2[eventstore.Recorded, error] {
	return marked(m.Store.ReadStream(ctx, stream, r))
}

func (m marking) ReadAll(ctx context.Context, r eventstore.ReadAll) iter.Seq2[eventstore.Recorded, error] {
	return marked(m.Store.ReadAll(ctx, r))
}

func (m marking) Count(stream string) (n uint64, ok bool) { return eventstore.Count(m.Store, stream) }

func (m marking) Head(ctx context.Context) (eventstore.Position, error) {
	at, err := m.Store.Head(ctx)
	return at, blame(err)
}

func marked(events iter.Seq2[eventstore.Recorded, error]) iter.Seq2[eventstore.Recorded, error] {
	return func(yield func(eventstore.Recorded, error) bool) {
		for r, err := range events {
			if !yield(r, blame(err)) {
				return
			}
		}
	}
}

// markingVault is marking for a vault.
type markingVault struct{ Vault }

func (m markingVault) Put(ctx context.Context, secrets []Secret) error {
	return blame(m.Vault.Put(ctx, secrets))
}

func (m markingVault) SetHandle(ctx context.Context, handle string, person domain.Person) error {
	return blame(m.Vault.SetHandle(ctx, handle, person))
}

func (m markingVault) Person(ctx context.Context, handle string) (domain.Person, error) {
	p, err := m.Vault.Person(ctx, handle)
	return p, blame(err)
}
