package esdb

import (
	"context"
	"fmt"
	"sync"
	"time"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/daybook-engine/daybook/eventstore"
)

const (
	// searchWindow is how many events the server looks at, at most, before it
	// says how far it has come: progress through a log that is mostly the
	// cluster's own.
	searchWindow = 1024

	// looks is how many events the prefixes may pass over before the
	// subscriber is told how far that is, while there are more at hand.
	looks = 1000
)

// A subscription chooses by prefix itself: a server that does tells of what it
// passes over by the hundred only, and a subscriber is to know at once.
type subscription struct {
	store    *Store
	ctx      context.Context // of Subscribe: its end is the subscription's
	prefixes []string
	close    func()
	closed   chan struct{}
	events   chan *client.SubscriptionEvent

	// Owned by Recv.
	told     eventstore.Position // position last told, by an event or a checkpoint
	looked   eventstore.Position // position to which everything has been looked at
	passed   int                 // events passed over since told
	caughtUp bool                // is to be told next
	err      error
}

func (s *Store) Subscribe(ctx context.Context, f eventstore.Subscribe) (eventstore.Subscription, error) {
	switch {
	case s.ctx.Err() != nil:
		return nil, eventstore.ErrClosed
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	o := client.SubscribeToAllOptions{From: client.Start{}, MaxSearchWindow: searchWindow, CheckpointInterval: 1}
	if !f.After.IsZero() {
		o.From = client.Position{Commit: f.After.Commit(), Prepare: f.After.Prepare()}
	}
	o.Filter = &client.SubscriptionFilter{Type: client.EventFilterType, Regex: `^[^\$]`}
	if s.prefix != "" {
		o.Filter = &client.SubscriptionFilter{Type: client.StreamFilterType, Prefixes: []string{s.prefix}}
	}

	following, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(s.ctx, cancel)
	closed := make(chan struct{})
	u := &subscription{
		store: s, ctx: ctx, prefixes: f.Prefixes,
		close:  sync.OnceFunc(func() { close(closed); stop(); cancel() }),
		closed: closed,
		events: make(chan *client.SubscriptionEvent, ahead),
		told:   f.After, looked: f.After,
	}
	opened := make(chan error, 1)
	go u.follow(following, o, opened)
	timer := time.NewTimer(s.patience)
	defer timer.Stop()
	var err error
	select {
	case err = <-opened:
	case <-timer.C:
		err = fmt.Errorf("%w: no answer in %s", eventstore.ErrUnavailable, s.patience)
	case <-following.Done():
		err = following.Err()
	}
	if err == nil {
		return u, nil
	}
	u.close()
	switch {
	case s.ctx.Err() != nil:
		err = eventstore.ErrClosed
	case ctx.Err() != nil:
		err = ctx.Err()
	}
	return nil, err
}

// follow subscribes and hands on what comes, until ctx ends or the server
// ends it.
func (u *subscription) follow(ctx context.Context, o client.SubscribeToAllOptions, opened chan<- error) {
	l, err := u.store.acquire(ctx)
	if err != nil {
		opened <- err
		return
	}
	defer u.store.release(l)
	var sub *client.Subscription
	err = guarded(func() (err error) {
		sub, err = l.client.SubscribeToAll(ctx, o)
		return err
	})
	opened <- readFailure(err)
	if err != nil {
		u.store.learn(l, err)
		return
	}
	defer sub.Close()
	for {
		var m *client.SubscriptionEvent
		if err := guarded(func() error { m = sub.Recv(); return nil }); err != nil {
			u.store.learn(l, err)
			m = &client.SubscriptionEvent{SubscriptionDropped: &client.SubscriptionDropped{Error: err}}
		}
		select {
		case u.events <- m:
		case <-ctx.Done():
			return
		}
		if m.SubscriptionDropped != nil {
			return
		}
	}
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
		u.close()
	}
	return eventstore.Message{}, u.err
}

func (u *subscription) next(ctx context.Context) (eventstore.Message, error) {
	for {
		if err := u.ended(ctx); err != nil {
			return eventstore.Message{}, err
		}
		var m *client.SubscriptionEvent
		if !u.caughtUp && u.passed < looks {
			select {
			case m = <-u.events:
			default:
			}
		}
		switch {
		case m != nil:
		case u.looked.Compare(u.told) > 0:
			at := u.looked
			u.told, u.passed = at, 0
			return eventstore.Message{Checkpoint: &at}, nil
		case u.caughtUp:
			u.caughtUp = false
			return eventstore.Message{CaughtUp: true}, nil
		default:
			select {
			case m = <-u.events:
			case <-ctx.Done():
				continue
			case <-u.ctx.Done():
				continue
			case <-u.closed:
				continue
			case <-u.store.ctx.Done():
				continue
			}
		}
		switch {
		case m.SubscriptionDropped != nil:
			if err := u.ended(ctx); err != nil {
				return eventstore.Message{}, err
			}
			return eventstore.Message{}, fmt.Errorf("subscription: %w", readFailure(m.SubscriptionDropped.Error))
		case m.EventAppeared != nil && m.EventAppeared.OriginalEvent() != nil:
			e := m.EventAppeared.OriginalEvent()
			at := eventstore.NewPosition(e.Position.Commit, e.Position.Prepare)
			switch {
			case at.Compare(u.looked) <= 0: // has been
			case u.store.own(e) && u.store.chosen(e, u.prefixes):
				u.told, u.looked, u.passed = at, at, 0
				recorded := u.store.recorded(e)
				return eventstore.Message{Event: &recorded}, nil
			default:
				u.pass(at)
			}
		case m.CheckPointReached != nil:
			u.pass(eventstore.NewPosition(m.CheckPointReached.Commit, m.CheckPointReached.Prepare))
		case m.CaughtUp != nil:
			u.caughtUp = true
		}
		// What is left says nothing: a younger server's message, or that the
		// subscriber fell behind.
	}
}

// pass notes that nothing up to a position is undelivered. Who asks for
// everything is told by events alone.
func (u *subscription) pass(at eventstore.Position) {
	if len(u.prefixes) > 0 && at.Compare(u.looked) > 0 {
		u.looked = at
		u.passed++
	}
}

func (u *subscription) ended(ctx context.Context) error {
	select {
	case <-u.store.ctx.Done():
		return eventstore.ErrClosed
	case <-u.ctx.Done():
		return u.ctx.Err()
	case <-u.closed:
		return eventstore.ErrClosed
	default:
		return ctx.Err()
	}
}
