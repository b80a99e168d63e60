package workflows

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/access"
	"github.com/daybook-engine/daybook/domain/allocation"
	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/domain/cycle"
	"github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/domain/mentor"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/eventstore"
)

// A policy answers an event with commands: whenever this, then that. It has
// no memory, and may run again for the same event: the commands' ids follow
// from the event's, so that a repetition changes nothing.
type policy struct {
	name string // the actor of what it issues; never renamed
	reaction
}

// A reaction is what a policy does about the events of some names.
type reaction struct {
	answers func(name string) bool
	react   func(ctx context.Context, g *Engine, r eventstore.Recorded, event any) ([]order, error)
	origin  bool // of a policy that is newer than a log: it reacts to all of it
}

// An order is a command that a policy or the clock issues.
type order struct {
	command string
	fields  any
}

// policies lists those that were there with the first Daybook, each named as
// the sentence it is. They react to everything, in every log.
var policies = slices.Concat([]policy{
	{"rank-the-reserve", of(func(id application.ID, e application.Reserved) []order {
		return []order{{"reserve.rank", allocation.RankReserve{For: place(id), Rank: e.Rank}}}
	})},
	{"offer-a-reserved-place", to(func(ctx context.Context, g *Engine, _ string, e allocation.PlaceReserved) ([]order, error) {
		id := application.ID{Cycle: e.Cycle, Call: e.Call, Person: e.Person}
		phase, err := lookup{ctx, g, true}.phase(id)
		if phase == application.Withdrew { // while the place was being reserved
			return release(id), err
		}
		return []order{{"offer.make", id}}, err
	})},
	{"fill-the-place-accepted", of(func(id application.ID, _ application.OfferAccepted) []order {
		return []order{{"place.fill", allocation.FillPlace{For: place(id)}}}
	})},
	{"release-the-place-declined", of(func(id application.ID, _ application.OfferDeclined) []order { return release(id) })},
	{"release-the-place-lapsed", of(func(id application.ID, _ application.OfferLapsed) []order { return release(id) })},
	{"release-the-place-withdrawn", of(func(id application.ID, _ application.Withdrawn) []order { return release(id) })},
	{"engage-the-mentor-accepted", between(func(id match.ID, pair match.Pair, e match.Accepted) []order {
		if !e.Both {
			return nil
		}
		return []order{{"mentor.engage", mentor.Engage{ID: mentor.ID{Mentor: pair.Mentor}, Cycle: id.Cycle, Match: id.Match}}}
	})},
	{"make-the-match", to(func(_ context.Context, _ *Engine, _ string, e mentor.Engaged) ([]order, error) {
		return []order{{"match.make", match.ID{Cycle: e.Cycle, Match: e.Match}}}, nil
	})},
	{"free-the-mentor-declined", between(func(id match.ID, pair match.Pair, _ match.Declined) []order { return free(id, pair) })},
	{"free-the-mentor-unwound", between(func(id match.ID, pair match.Pair, _ match.Unwound) []order { return free(id, pair) })},
	{"free-the-mentor-ended", between(func(id match.ID, pair match.Pair, _ match.Ended) []order { return free(id, pair) })},
	{"free-the-mentor-completed", between(func(id match.ID, pair match.Pair, _ match.Completed) []order { return free(id, pair) })},
	{"seal-the-figures", to(func(_ context.Context, _ *Engine, stream string, _ cycle.Closed) ([]order, error) {
		return []order{{"figures.seal", cycle.ParseStream(stream)}}, nil
	})},
	{"tell-by-message", reaction{answers: programme.Told, react: tell}},
	{"withdraw-the-message-undone", reaction{answers: undoes, react: untell}},
	{"withdraw-the-message-erased", to(forget)},
}, taskPolicies)

// later lists those that came since. In a log that is older than one of them, it
// reacts to what lies after the head of then, unless it asks for the origin;
// that is recorded, once.
var later []policy

// to makes a policy's reaction to one form of events.
func to[E any](react func(ctx context.Context, g *Engine, stream string, e E) ([]order, error)) reaction {
	var form E
	own, err := schema.Name(form)
	if err != nil {
		panic(err) // a policy about no event there is
	}
	return reaction{
		answers: func(name string) bool { return name == own },
		react: func(ctx context.Context, g *Engine, r eventstore.Recorded, event any) ([]order, error) {
			return react(ctx, g, r.Stream, event.(E))
		},
	}
}

// of makes a policy's reaction to one form of an application's events.
func of[E application.Event](react func(application.ID, E) []order) reaction {
	return to(func(ctx context.Context, g *Engine, stream string, e E) ([]order, error) {
		s, err := remembered[application.State](lookup{ctx, g, false}, stream)
		return react(s.ID(), e), err
	})
}

// between makes a policy's reaction to one form of a match's events.
func between[E match.Event](react func(match.ID, match.Pair, E) []order) reaction {
	return to(func(ctx context.Context, g *Engine, stream string, e E) ([]order, error) {
		s, err := remembered[match.State](lookup{ctx, g, false}, stream)
		return react(match.ParseStream(stream), s.Pair(), e), err
	})
}

func place(id application.ID) allocation.For {
	return allocation.For{Cycle: id.Cycle, Call: id.Call, Person: id.Person}
}

func release(id application.ID) []order {
	return []order{{"place.release", allocation.ReleasePlace{For: place(id)}}}
}

func free(id match.ID, pair match.Pair) []order {
	return []order{{"mentor.free", mentor.Free{ID: mentor.ID{Mentor: pair.Mentor}, Cycle: id.Cycle, Match: id.Match}}}
}

// React lets every policy answer one event. A refusal is an outcome: the
// domain said no to a policy as it would to a person. A fault of the store or
// the vault is an error, and the event is to be reacted to again; any other is
// that instance's, which is parked when trying again does not help.
//
// The policies answer one after the other, also about streams that have nothing
// to do with each other. 64 beside each other answer two to three times as many
// a second (BenchmarkReact: 3.3 ms an answer become 1.1 where the disk is busy),
// which is the store's group commit, and is not worth it: most answers go to one
// stream, a programme's places; the order of a rehearsed log would be luck; and
// Replay tells by the order what an answer was decided on that left no event.
func (g *Engine) React(ctx context.Context, r eventstore.Recorded) error {
	if !schema.Knows(r.Name) { // a newer Daybook's: nobody here can say who would answer it
		return fmt.Errorf("policies, position %s: %w %q", r.Position, schema.ErrUnknown, r.Name)
	}
	if err := g.proceed(ctx, r); err != nil {
		return err
	}
	for _, p := range g.policies {
		if !p.answers(r.Name) {
			continue
		}
		if err := g.answer(ctx, p, r, r.Position); err != nil {
			return fmt.Errorf("policy %s at position %s: %w", p.name, r.Position, err)
		}
	}
	return nil
}

// cause is that of a policy's n-th command about an event.
func (p policy) cause(event uuid.UUID, env schema.Envelope, n int) Cause {
	return Cause{
		CommandID: uuid.NewSHA1(event, fmt.Append(nil, p.name, n)),
		Actor:     p.name, Role: access.Policy, Channel: "system",
		Correlation: env.Correlation, Causation: env.ID,
	}
}

// order issues a policy's command, and tells whether it was refused.
func (g *Engine) order(ctx context.Context, o order, cause Cause) (*domain.Error, error) {
	fields, err := json.Marshal(o.fields)
	if err != nil {
		return nil, err
	}
	_, err = g.Do(ctx, o.command, fields, cause)
	if refused := new(domain.Error); errors.As(err, &refused) {
		return refused, nil
	}
	return nil, err
}

// A Checkpoint keeps how far somebody has come in the log.
type Checkpoint interface {
	// Load gives the zero Place when none was saved for this log, and
	// eventstore.ErrLost when what was saved cannot be read.
	Load(ctx context.Context) (eventstore.Place, error)
	Save(ctx context.Context, at eventstore.Place) error
}

// CatchUp lets the policies react to everything up to the head, and to what
// comes of it. Losing their place costs time, nothing else: so where the log
// is not the one that they have read, they begin again, and skip nothing. What
// they have reacted to before an error is not read again.
func (g *Engine) CatchUp(ctx context.Context, at Checkpoint) error {
	from, err := at.Load(ctx)
	if err == nil && !g.reached(from) {
		err = from.Held(ctx, g.Store)
	}
	if errors.Is(err, eventstore.ErrLost) {
		from, err = eventstore.Place{}, nil
	}
	if err != nil {
		return fmt.Errorf("policies' checkpoint: %w", err)
	}
	if head, err := g.Store.Head(ctx); err != nil {
		return fmt.Errorf("policies: %w", err)
	} else if head.IsZero() {
		return nil
	}
	if err := g.begin(ctx); err != nil {
		return err
	}
	for {
		last, err := g.reactAfter(ctx, from)
		if last != from {
			g.mu.Lock()
			g.answered = last
			g.mu.Unlock()
			if failed := at.Save(ctx, last); failed != nil {
				err = errors.Join(err, fmt.Errorf("policies' checkpoint: %w", failed))
			}
		}
		if err != nil || last == from {
			return err
		}
		from = last
	}
}

// reached tells that this engine has come to a place itself, in a log that
// nobody exchanges meanwhile: one that all appends go through.
func (g *Engine) reached(at eventstore.Place) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return at == g.answered && g.count(at.Stream).known
}

// reactAfter lets the policies react to what lies after a place, and tells how
// far they have come.
func (g *Engine) reactAfter(ctx context.Context, last eventstore.Place) (eventstore.Place, error) {
	for r, err := range g.Store.ReadAll(ctx, eventstore.ReadAll{After: last.Position}) {
		if err != nil {
			return last, fmt.Errorf("policies: %w", err)
		}
		if err := g.React(ctx, r); err != nil {
			return last, err
		}
		last = eventstore.PlaceOf(r)
	}
	return last, nil
}
