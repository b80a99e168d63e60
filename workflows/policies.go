package workflows

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/access"
	"github.com/daybook-engine/daybook/domain/allocation"
	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/domain/cycle"
	"github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/domain/mentor"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/eventstore"
)

// A policy answers an event with commands: whenever this, then that. It has
// no memory, and may run again for the same event: the commands' ids follow
// from the event's, so that a repetition changes nothing.
type policy struct {
	name  string // the actor of what it issues; never renamed
	react func(ctx context.Context, g *Engine, stream string, event any) ([]order, error)
}

// An order is a command that a policy or the clock issues.
type order struct {
	command string
	fields  any
}

// policies lists every policy, each named as the sentence it is.
var policies = []policy{
	{"rank-the-reserve", of(func(id application.ID, e application.Reserved) []order {
		return []order{{"reserve.rank", allocation.RankReserve{For: place(id), Rank: e.Rank}}}
	})},
	{"offer-a-reserved-place", func(ctx context.Context, g *Engine, _ string, event any) ([]order, error) {
		e, ok := event.(allocation.PlaceReserved)
		if !ok {
			return nil, nil
		}
		id := application.ID{Cycle: e.Cycle, Call: e.Call, Person: e.Person}
		phase, err := lookup{ctx, g, true}.phase(id)
		if phase == application.Withdrew { // while the place was being reserved
			return release(id), err
		}
		return []order{{"offer.make", id}}, err
	}},
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
	{"make-the-match", func(_ context.Context, _ *Engine, _ string, event any) ([]order, error) {
		if e, ok := event.(mentor.Engaged); ok {
			return []order{{"match.make", match.ID{Cycle: e.Cycle, Match: e.Match}}}, nil
		}
		return nil, nil
	}},
	{"free-the-mentor-declined", between(func(id match.ID, pair match.Pair, _ match.Declined) []order { return free(id, pair) })},
	{"free-the-mentor-unwound", between(func(id match.ID, pair match.Pair, _ match.Unwound) []order { return free(id, pair) })},
	{"free-the-mentor-ended", between(func(id match.ID, pair match.Pair, _ match.Ended) []order { return free(id, pair) })},
	{"free-the-mentor-completed", between(func(id match.ID, pair match.Pair, _ match.Completed) []order { return free(id, pair) })},
	{"seal-the-figures", func(_ context.Context, _ *Engine, stream string, event any) ([]order, error) {
		if _, ok := event.(cycle.Closed); ok {
			return []order{{"figures.seal", cycle.ParseStream(stream)}}, nil
		}
		return nil, nil
	}},
}

// of makes a policy's reaction to one form of an application's events.
func of[E application.Event](react func(application.ID, E) []order) func(context.Context, *Engine, string, any) ([]order, error) {
	return func(ctx context.Context, g *Engine, stream string, event any) ([]order, error) {
		e, ok := event.(E)
		if !ok {
			return nil, nil
		}
		s, err := remembered[application.State](lookup{ctx, g, false}, stream)
		return react(s.ID(), e), err
	}
}

// between makes a policy's reaction to one form of a match's events.
func between[E match.Event](react func(match.ID, match.Pair, E) []order) func(context.Context, *Engine, string, any) ([]order, error) {
	return func(ctx context.Context, g *Engine, stream string, event any) ([]order, error) {
		e, ok := event.(E)
		if !ok {
			return nil, nil
		}
		s, err := remembered[match.State](lookup{ctx, g, false}, stream)
		return react(match.ParseStream(stream), s.Pair(), e), err
	}
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
// domain said no to a policy as it would to a person. Anything else is a
// fault, and the event is to be reacted to again.
func (g *Engine) React(ctx context.Context, r eventstore.Recorded) error {
	body, err := schema.Decode(r.Name, r.Data)
	if err != nil {
		return fmt.Errorf("position %s: %w", r.Position, err)
	}
	for _, p := range policies {
		orders, err := p.react(ctx, g, r.Stream, body)
		if err != nil {
			return fmt.Errorf("policy %s at position %s: %w", p.name, r.Position, err)
		}
		for i, o := range orders {
			env, err := schema.DecodeEnvelope(r.Metadata)
			if err != nil {
				return fmt.Errorf("position %s: %w", r.Position, err)
			}
			g.see(env.RecordedAt) // an answer is not recorded before what it answers, whoever recorded that
			if _, err := g.order(ctx, o, p.cause(r.ID, env, i)); err != nil {
				return fmt.Errorf("policy %s at position %s: %w", p.name, r.Position, err)
			}
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
	if err == nil {
		err = from.Held(ctx, g.Store)
	}
	if errors.Is(err, eventstore.ErrLost) {
		from, err = eventstore.Place{}, nil
	}
	if err != nil {
		return fmt.Errorf("policies' checkpoint: %w", err)
	}
	for {
		last, err := g.reactAfter(ctx, from)
		if last != from {
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
