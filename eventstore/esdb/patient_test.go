package esdb_test

import (
	"context"
	"iter"

	"github.com/daybook-engine/daybook/eventstore"
)

func (p patient) ReadStream(ctx context.Context, stream string, r eventstore.ReadStream) iter.Seq2[eventstore.Recorded, error] {
	return func(yield func(eventstore.Recorded, error) bool) {
		var last *eventstore.Recorded
		limit, given := r.Limit, 0
		for {
			var failed error
			for e, err := range p.Store.ReadStream(ctx, stream, r) {
				switch {
				case err != nil && !final(ctx, err):
					failed = err
				case err != nil:
					yield(e, err)
					return
				case r.Backwards && last != nil && e.Revision >= last.Revision: // had before
				default:
					given++
					last = &e
					if !yield(e, nil) || given == limit {
						return
					}
				}
			}
			if failed == nil {
				return
			}
			r.Limit = 0
			if !r.Backwards && last != nil {
				r.From = last.Revision + 1
			}
		}
	}
}

func (p patient) ReadAll(ctx context.Context, r eventstore.ReadAll) iter.Seq2[eventstore.Recorded, error] {
	return func(yield func(eventstore.Recorded, error) bool) {
		for limit, given := r.Limit, 0; ; {
			var failed error
			for e, err := range p.Store.ReadAll(ctx, r) {
				switch {
				case err != nil && !final(ctx, err):
					failed = err
				case err != nil:
					yield(e, err)
					return
				default:
					given++
					r.After = e.Position
					if !yield(e, nil) || given == limit {
						return
					}
				}
			}
			if failed == nil {
				return
			}
			r.Limit = max(0, limit-given)
		}
	}
}

func (p patient) Subscribe(ctx context.Context, f eventstore.Subscribe) (eventstore.Subscription, error) {
	for {
		sub, err := p.Store.Subscribe(ctx, f)
		if err == nil {
			return &resubscription{Subscription: sub, store: p, ctx: ctx, from: f}, nil
		} else if final(ctx, err) {
			return nil, err
		}
	}
}

// A resubscription goes on where a broken one was.
type resubscription struct {
	eventstore.Subscription
	store patient
	ctx   context.Context
	from  eventstore.Subscribe
}

func (u *resubscription) Recv(ctx context.Context) (eventstore.Message, error) {
	for {
		m, err := u.Subscription.Recv(ctx)
		switch {
		case err == nil && m.Event != nil:
			u.from.After = m.Event.Position
			return m, nil
		case err == nil && m.Checkpoint != nil:
			u.from.After = *m.Checkpoint
			return m, nil
		case final(ctx, err) || final(u.ctx, err):
			return m, err
		}
		again, err := u.store.Subscribe(u.ctx, u.from)
		if err != nil {
			return eventstore.Message{}, err
		}
		u.Subscription = again.(*resubscription).Subscription
	}
}
