package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/workflows"
)

// Following is what a Subscriber is made of.
type Following struct {
	Store eventstore.Store

	// Message makes the message by which a topic learns of an event; nil when
	// the topic doesn't care. It is asked again at each attempt. An error holds
	// the topic up: it is logged and asked again after a while.
	Message func(topic string, r eventstore.Recorded) (*message.Message, error)

	// Checkpoint keeps how far a topic has come: everything up to it was
	// acknowledged. It is loaded whenever the log begins to be followed, and
	// saved after each Ack.
	Checkpoint func(topic string) workflows.Checkpoint

	// Sleep waits for d, or returns ctx.Err() when ctx ends first. Nil: by the
	// machine's clock.
	Sleep func(ctx context.Context, d time.Duration) error

	// Grace is how long a message under way may take after its subscription
	// has been told to end, before its context ends too.
	Grace time.Duration

	Log *slog.Logger
}

// A Subscriber is a Watermill message.Subscriber over the log. A topic is the
// name of a subscription: what it wants and how far it has come are the
// Following's to say.
//
// A topic's events come in log order, one in flight: the next one follows the
// Ack. A Nack brings the same event again after a wait that doubles from one
// second to five minutes, for as long as it takes. An event may come again
// after a crash, never out of order and never not at all. So a topic that has
// read what the log has not is held up: another event may stand where it has
// come to, and which of the two is right is for a person to say.
//
// The channel of a subscription closes when its context ends, at Close, and
// when the store is closed. A store that is merely unavailable is asked again.
type Subscriber struct {
	Following
	open  context.Context
	close context.CancelFunc

	mu      sync.Mutex // between Subscribe's Add and Close's Wait
	running sync.WaitGroup
}

// NewSubscriber makes a Subscriber. The caller closes it.
func NewSubscriber(f Following) *Subscriber {
	if f.Sleep == nil {
		f.Sleep = sleep
	}
	s := &Subscriber{Following: f}
	s.open, s.close = context.WithCancel(context.Background())
	return s
}

// ErrClosed is Subscribe's answer after Close.
var ErrClosed = errors.New("subscriber is closed")

// Subscribe follows the log from the topic's checkpoint. Each message carries
// the values of ctx; its context ends at its Ack or Nack, and Grace after ctx
// or the Subscriber ended. The error is ErrClosed.
func (s *Subscriber) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open.Err() != nil {
		return nil, ErrClosed
	}
	t := subscription{Subscriber: s, topic: topic, checkpoint: s.Checkpoint(topic), out: make(chan *message.Message)}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(s.open, cancel)
	s.running.Go(func() {
		defer close(t.out)
		defer cancel()
		defer stop()
		t.run(ctx)
	})
	return t.out, nil
}

// Close ends every subscription and waits for them: for Grace at most where
// messages are under way. It may be called again.
func (s *Subscriber) Close() error {
	s.mu.Lock()
	s.close()
	s.mu.Unlock()
	s.running.Wait()
	return nil
}

// subscription is owned by one goroutine.
type subscription struct {
	*Subscriber
	topic      string
	checkpoint workflows.Checkpoint
	out        chan *message.Message
	at         eventstore.Place // everything up to here is done or not wanted
}

// run follows the log until ctx ends or the store is closed.
func (t *subscription) run(ctx context.Context) {
	for attempt := 0; ; attempt++ {
		before := t.at
		err := t.follow(ctx)
		if ctx.Err() != nil || errors.Is(err, eventstore.ErrClosed) {
			return
		}
		if t.at != before {
			attempt = 0
		}
		t.Log.Error("the log cannot be followed; trying again", "topic", t.topic, "position", t.at.Position, "err", err)
		if t.Sleep(ctx, wait(attempt)) != nil {
			return
		}
	}
}

// follow delivers what the topic wants, and returns an error always.
func (t *subscription) follow(ctx context.Context) (err error) {
	if t.at, err = t.checkpoint.Load(ctx); err == nil {
		err = t.at.Held(ctx, t.Store)
	}
	if errors.Is(err, eventstore.ErrLost) {
		return fmt.Errorf("%s does not go on: %w; put back the newest copy of the log, or take the checkpoint away and %[1]s is told everything again", t.topic, err)
	} else if err != nil {
		return fmt.Errorf("checkpoint of %s: %w", t.topic, err)
	}
	u, err := t.Store.Subscribe(ctx, eventstore.Subscribe{After: t.at.Position})
	if err != nil {
		return err
	}
	defer u.Close()
	for {
		m, err := u.Recv(ctx)
		if err != nil {
			return err
		}
		if m.Event == nil {
			continue
		}
		acked, err := t.deliver(ctx, *m.Event)
		if acked {
			// What was done stays done, though the subscription may be ending.
			err = errors.Join(err, t.checkpoint.Save(context.WithoutCancel(ctx), eventstore.PlaceOf(*m.Event)))
		}
		if err != nil {
			return err
		}
		t.at = eventstore.PlaceOf(*m.Event)
	}
}

// deliver hands one event over until it is acknowledged. An event that the
// topic doesn't want is not, and there is no error.
func (t *subscription) deliver(ctx context.Context, r eventstore.Recorded) (acked bool, err error) {
	for attempt := 0; ; attempt++ {
		m, err := t.Message(t.topic, r)
		if err != nil {
			return false, fmt.Errorf("position %s: %w", r.Position, err)
		}
		if m == nil {
			return false, nil
		}
		if offer(ctx, t.out, m, t.Grace) {
			return true, nil
		}
		if err := t.Sleep(ctx, wait(attempt)); err != nil {
			return false, err
		}
	}
}

// offer tells whether a message was taken and acknowledged. One that is under
// way when ctx ends has as long as grace.
func offer(ctx context.Context, out chan<- *message.Message, m *message.Message, grace time.Duration) (acked bool) {
	held, release := context.WithCancel(context.WithoutCancel(ctx))
	defer release()
	m.SetContext(held)
	select {
	case out <- m:
	case <-ctx.Done():
		return false
	}
	select {
	case <-m.Acked():
		return true
	case <-m.Nacked():
		return false
	case <-ctx.Done():
	}
	late, over := context.WithTimeout(held, grace)
	defer over()
	select {
	case <-m.Acked():
		return true
	case <-m.Nacked():
	case <-late.Done():
	}
	return false
}

// wait is how long to wait after so many failures: from one second, doubled
// to five minutes.
func wait(attempt int) time.Duration {
	return min(time.Second<<min(attempt, 9), 5*time.Minute)
}

// sleep waits by the machine's clock.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
