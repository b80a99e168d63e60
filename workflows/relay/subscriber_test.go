package relay_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/tests"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/memory"
	"github.com/daybook-engine/daybook/eventstore/sqlite"
	"github.com/daybook-engine/daybook/workflows"
	"github.com/daybook-engine/daybook/workflows/relay"
)

// patience is how long a test waits for what happens at once.
const patience = 30 * time.Second

// Watermill's own suite. A consumer group is a set of checkpoints; without
// one, each subscriber has a set of its own and reads from the beginning.
func TestSubscriberPassesWatermillsSuite(t *testing.T) {
	t.Parallel()
	store := memory.New()
	features := tests.Features{
		ConsumerGroups: true, GuaranteedOrder: true, Persistent: true, NewSubscriberReceivesOldMessages: true,
	}
	own := func(*testing.T) (message.Publisher, message.Subscriber) {
		return publisher{store}, subscriber(store, &checkpoints{})
	}
	tests.TestPubSub(t, features, own, groups(store))
}

// The same where every subscriber goes on where the others were, and where
// the log is on disk.
func TestSubscribersOfOneGroupPassWatermillsSuite(t *testing.T) {
	t.Parallel()
	store, err := sqlite.Open(t.TempDir()+"/log.db", sqlite.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	features := tests.Features{ConsumerGroups: true, GuaranteedOrder: true, Persistent: true, ForceShort: true}
	group := &checkpoints{}
	one := func(*testing.T) (message.Publisher, message.Subscriber) {
		return publisher{store}, subscriber(store, group)
	}
	tests.TestPubSub(t, features, one, groups(store))
}

// A message under way when the subscription is told to end may finish: its
// context lives, and its Ack counts.
func TestAMessageUnderWayMayFinish(t *testing.T) {
	t.Parallel()
	store, kept := memory.New(), &checkpoints{}
	publish(t, store, "a", "b")
	sub := subscriber(store, kept)
	sub.Grace = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	messages, err := sub.Subscribe(ctx, "topic")
	require.NoError(t, err)
	m := <-messages
	cancel()
	require.NoError(t, m.Context().Err())
	require.True(t, m.Ack())
	await(t, m.Context().Done())
	_, open := <-messages
	require.False(t, open)
	require.NoError(t, sub.Close())

	again := subscriber(store, kept)
	messages, err = again.Subscribe(t.Context(), "topic")
	require.NoError(t, err)
	require.Equal(t, "b", string((<-messages).Payload))
	require.NoError(t, again.Close())
	_, err = again.Subscribe(t.Context(), "topic")
	require.ErrorIs(t, err, relay.ErrClosed)
}

// A store that ends subscriptions, or refuses them, is asked again where the
// topic was.
func TestSubscriberOutlivesItsStoresTroubles(t *testing.T) {
	t.Parallel()
	store := &moody{Store: memory.New()}
	publish(t, store, "a", "b", "c", "d", "e")
	head, err := store.Head(t.Context())
	require.NoError(t, err)
	kept := &checkpoints{}
	sub := subscriber(store, kept)
	messages, err := sub.Subscribe(t.Context(), "topic")
	require.NoError(t, err)
	for _, want := range []string{"a", "b", "c", "d", "e"} {
		m := <-messages
		require.Equal(t, want, string(m.Payload))
		require.True(t, m.Ack())
	}
	kept.await(t, "topic", head)
	require.NoError(t, store.Close())
	_, open := <-messages
	require.False(t, open, "a closed store ends the subscription")
	require.NoError(t, sub.Close())
}

// moody is a store whose every second subscription is refused, and whose
// others end after an event.
type moody struct {
	eventstore.Store
	asked int
}

func (s *moody) Subscribe(ctx context.Context, f eventstore.Subscribe) (eventstore.Subscription, error) {
	if s.asked++; s.asked%2 == 1 {
		return nil, eventstore.ErrUnavailable
	}
	u, err := s.Store.Subscribe(ctx, f)
	return &brief{Subscription: u}, err
}

type brief struct {
	eventstore.Subscription
	over bool
}

func (u *brief) Recv(ctx context.Context) (eventstore.Message, error) {
	if u.over {
		return eventstore.Message{}, eventstore.ErrUnavailable
	}
	u.over = true
	return u.Subscription.Recv(ctx)
}

func publish(t *testing.T, store eventstore.Store, texts ...string) {
	for _, text := range texts {
		m := message.NewMessage(uuid.NewString(), []byte(text))
		require.NoError(t, publisher{store}.Publish("topic", m))
	}
}

// A topic that was told of events that the log has not is told no more, until
// a person takes its checkpoint away: what would be skipped is not known. It
// says so, and others go on.
func TestATopicAheadOfTheLogIsHeldUp(t *testing.T) {
	t.Parallel()
	newest, older, kept := memory.New(), memory.New(), &checkpoints{}
	publish(t, newest, "a", "b", "c")
	sub := subscriber(newest, kept)
	messages, err := sub.Subscribe(t.Context(), "topic")
	require.NoError(t, err)
	for range 3 {
		require.True(t, (<-messages).Ack())
	}
	require.NoError(t, sub.Close())

	publish(t, older, "x", "y", "z", "u", "v")
	sub = subscriber(older, kept)
	var told strings.Builder
	sub.Log = slog.New(slog.NewTextHandler(&told, nil))
	slept, goOn := make(chan struct{}), make(chan struct{})
	sub.Sleep = func(ctx context.Context, _ time.Duration) error {
		slept <- struct{}{}
		<-goOn
		return ctx.Err()
	}
	messages, err = sub.Subscribe(t.Context(), "topic")
	require.NoError(t, err)
	_, err = publisher{older}.Append(t.Context(), "other", eventstore.Any, eventstore.Event{ID: uuid.New(), Name: "message.published", Metadata: []byte("{}")})
	require.NoError(t, err)
	others, err := sub.Subscribe(t.Context(), "other")
	require.NoError(t, err)
	for range 3 {
		await(t, slept)
		select {
		case m := <-messages:
			t.Fatal("told of ", string(m.Payload))
		default:
		}
		require.Contains(t, told.String(), eventstore.ErrLost.Error())
		goOn <- struct{}{}
	}
	require.True(t, (<-others).Ack())
	await(t, slept)
	require.NoError(t, checkpoint{kept, "topic"}.Save(t.Context(), eventstore.Place{}))
	goOn <- struct{}{}
	for _, want := range []string{"x", "y", "z", "u", "v"} {
		m := <-messages
		require.Equal(t, want, string(m.Payload))
		require.True(t, m.Ack())
	}
	require.NoError(t, sub.Close())
}

// subscriber follows the stream of the topic's name, and never waits.
func subscriber(store eventstore.Store, kept *checkpoints) *relay.Subscriber {
	return relay.NewSubscriber(relay.Following{
		Store: store,
		Message: func(topic string, r eventstore.Recorded) (*message.Message, error) {
			if r.Stream != topic {
				return nil, nil
			}
			m := message.NewMessage(r.ID.String(), r.Data)
			return m, json.Unmarshal(r.Metadata, &m.Metadata)
		},
		Checkpoint: kept.of,
		Sleep:      func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
		Log:        slog.New(slog.DiscardHandler),
	})
}

func groups(store eventstore.Store) tests.ConsumerGroupPubSubConstructor {
	var mu sync.Mutex
	kept := map[string]*checkpoints{}
	return func(_ *testing.T, group string) (message.Publisher, message.Subscriber) {
		mu.Lock()
		defer mu.Unlock()
		if kept[group] == nil {
			kept[group] = &checkpoints{}
		}
		return publisher{store}, subscriber(store, kept[group])
	}
}

// publisher appends to the stream of the topic's name.
type publisher struct{ eventstore.Store }

func (p publisher) Publish(topic string, messages ...*message.Message) error {
	for _, m := range messages {
		metadata, err := json.Marshal(m.Metadata)
		if err != nil {
			return err
		}
		e := eventstore.Event{ID: uuid.MustParse(m.UUID), Name: "message.published", Data: m.Payload, Metadata: metadata}
		if _, err := p.Append(m.Context(), topic, eventstore.Any, e); err != nil {
			return err
		}
	}
	return nil
}

func (publisher) Close() error { return nil }

// checkpoints keeps places in memory, by topic.
type checkpoints struct {
	mu    sync.Mutex
	at    map[string]eventstore.Place
	saved chan struct{} // closed and replaced at each Save
}

// await waits until a topic has come as far as to.
func (c *checkpoints) await(t *testing.T, topic string, to eventstore.Position) {
	for {
		c.mu.Lock()
		if c.saved == nil {
			c.saved = make(chan struct{})
		}
		at, saved := c.at[topic], c.saved
		c.mu.Unlock()
		if at.Position.Compare(to) >= 0 {
			return
		}
		await(t, saved)
	}
}

func (c *checkpoints) of(topic string) workflows.Checkpoint { return checkpoint{c, topic} }

type checkpoint struct {
	*checkpoints
	topic string
}

func (c checkpoint) Load(context.Context) (eventstore.Place, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at[c.topic], nil
}

func (c checkpoint) Save(_ context.Context, at eventstore.Place) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at == nil {
		c.at = map[string]eventstore.Place{}
	}
	c.at[c.topic] = at
	if c.saved != nil {
		close(c.saved)
		c.saved = nil
	}
	return nil
}

func await(t *testing.T, c <-chan struct{}) {
	select {
	case <-c:
	case <-time.After(patience):
		require.Fail(t, "it has not happened")
	}
}
