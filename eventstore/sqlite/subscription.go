package sqlite

import (
	"context"
	"sync"

	"github.com/daybook-engine/daybook/eventstore"
)

// A subscription reads the log in pages and, at its end, waits for the writer
// to move the head. It keeps one page and drops nothing, however slow its
// consumer.
type subscription struct {
	ctx    context.Context // of Subscribe: its end is the subscription's
	closed <-chan struct{}
	close  func()

	// Owned by Recv.
	cursor   cursor
	rows     []eventstore.Recorded // of the cursor's page, those not delivered
	told     int64                 // position last told, by an event or a checkpoint
	caughtUp bool
	err      error
}

func (s *Store) Subscribe(ctx context.Context, f eventstore.Subscribe) (eventstore.Subscription, error) {
	if s.ctx.Err() != nil {
		return nil, eventstore.ErrClosed
	}
	closed := make(chan struct{})
	return &subscription{
		ctx:    ctx,
		closed: closed,
		close:  sync.OnceFunc(func() { close(closed) }),
		cursor: cursor{store: s, prefixes: f.Prefixes, last: number(f.After)},
		told:   number(f.After),
	}, nil
}

func (u *subscription) Close() error {
	u.close()
	return nil
}

func (u *subscription) Recv(ctx context.Context) (eventstore.Message, error) {
	if u.err == nil {
		var m eventstore.Message
		if m, u.err = u.next(ctx); u.err == nil {
			return m, nil
		}
	}
	return eventstore.Message{}, u.err
}

func (u *subscription) next(ctx context.Context) (eventstore.Message, error) {
	for {
		if err := u.ended(ctx); err != nil {
			return eventstore.Message{}, err
		}
		if len(u.rows) > 0 {
			e := u.rows[0]
			u.rows = u.rows[1:]
			u.told, u.caughtUp = int64(e.Position.Commit()), false
			return eventstore.Message{Event: &e}, nil
		}
		if u.told < u.cursor.last {
			u.told = u.cursor.last
			p := position(u.told)
			return eventstore.Message{Checkpoint: &p}, nil
		}
		head, grown := u.cursor.store.watch()
		switch {
		case u.cursor.last < head:
			if err := u.cursor.forwards(ctx, pageLength); err != nil {
				return eventstore.Message{}, err
			}
			u.rows = u.cursor.rows
			continue
		case !u.caughtUp:
			u.caughtUp = true
			return eventstore.Message{CaughtUp: true}, nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
		case <-u.ctx.Done():
		case <-u.closed:
		case <-u.cursor.store.ctx.Done():
		}
	}
}

func (u *subscription) ended(ctx context.Context) error {
	select {
	case <-u.closed:
		return eventstore.ErrClosed
	case <-u.cursor.store.ctx.Done():
		return eventstore.ErrClosed
	case <-u.ctx.Done():
		return u.ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	default:
		return nil
	}
}
