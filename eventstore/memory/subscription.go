package memory

import (
	"context"
	"sync"

	"github.com/daybook-engine/daybook/eventstore"
)

type subscription struct {
	store    *Store
	ctx      context.Context // of Subscribe: its end is the subscription's
	prefixes []string
	close    func()
	closed   chan struct{}

	// Owned by Recv.
	seen     uint64 // so many events of the log are behind us
	told     uint64 // seen, when last told by an event or a checkpoint
	caughtUp bool
	err      error
}

func (s *Store) Subscribe(ctx context.Context, f eventstore.Subscribe) (eventstore.Subscription, error) {
	if _, _, _, err := s.snapshot(""); err != nil {
		return nil, err
	}
	closed := make(chan struct{})
	return &subscription{
		store: s, ctx: ctx, prefixes: f.Prefixes,
		close:  sync.OnceFunc(func() { close(closed) }),
		closed: closed,
		seen:   f.After.Commit(), told: f.After.Commit(),
	}, nil
}

func (u *subscription) Close() error {
	u.close()
	return nil
}

func (u *subscription) Recv(ctx context.Context) (eventstore.Message, error) {
	for {
		if u.err = u.ended(ctx); u.err != nil {
			return eventstore.Message{}, u.err
		}
		u.store.mu.Lock()
		log, grown := u.store.log, u.store.grown
		u.store.mu.Unlock()

		for u.seen < uint64(len(log)) {
			e := log[u.seen]
			u.seen++
			if matches(e.Stream, u.prefixes) {
				u.told, u.caughtUp = u.seen, false
				return eventstore.Message{Event: &e}, nil
			}
		}
		if u.told < u.seen {
			u.told = u.seen
			p := eventstore.NewPosition(u.seen, u.seen)
			return eventstore.Message{Checkpoint: &p}, nil
		}
		if !u.caughtUp {
			u.caughtUp = true
			return eventstore.Message{CaughtUp: true}, nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
		case <-u.ctx.Done():
		case <-u.closed:
		case <-u.store.closed:
		}
	}
}

// ended tells why there will be no more messages, if so: what ended the
// subscription first ends every later Recv too.
func (u *subscription) ended(ctx context.Context) error {
	if u.err != nil {
		return u.err
	}
	select {
	case <-u.closed:
		return eventstore.ErrClosed
	case <-u.store.closed:
		return eventstore.ErrClosed
	default:
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return u.ctx.Err()
}
