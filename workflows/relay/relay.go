// Package relay tells the world outside of what is recorded: chosen events,
// as CloudEvents, to NATS JetStream, Kafka, AMQP and to webhooks. The log is the outbox.
// A Watermill Router carries each event from a Subscriber over the log to the
// Publisher of a target; every target has a place in the log of its own, and
// none waits for another.
//
// # What is promised
//
// A target gets its events in log order, one at a time, each at least once:
// the next follows when it has taken the last, and what it has taken is noted
// after. So after a crash, or without its checkpoint, it may get an event
// again, under the same id. That is the CloudEvent's id, the Nats-Msg-Id, by
// which a JetStream stream keeps it once within its window for duplicates,
// and the webhook-id, the message-id of AMQP: whoever keeps ids has everything
// once.
//
// A target that is away, busy or broken is asked again, after a second at
// first and every five minutes in the end, for as long as it takes. One that
// says no to an event, with an answer of 3xx or 4xx or as too large for a
// stream, is parked after twelve times, some twenty minutes; with 410 Gone at
// once. A parked target is told nothing until a person takes the note away
// that Parking keeps, and then goes on with the same event: nothing is
// skipped.
//
// # What comes in
//
// A Source is a subject of NATS JetStream whose messages are commands: the
// source's own, by the person that it acts for, and no others. A command's id
// follows from its message's, so that one that comes twice is done once. They
// are done one by one, in order; a fault holds the one under way up, and with
// it those behind it, until it is known what came of it. What was refused, or
// could not be read, is answered and not asked for again.
//
// # What leaves
//
// Of an event: its id, name, stream, position, when it was recorded, and its
// body; and the id of the log. A body, like the name of a stream, has ids of
// people in it. Personal text it has not: where there is any, the body has the
// digest that commits to it, and the text and its salt stay in the vault. Of
// the envelope nothing else leaves: not who acted, in which role or for what
// reason. What was rehearsed stays inside.
package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/workflows"
)

// Options is what a relay is made of.
type Options struct {
	Store  eventstore.Store
	Config    // of Load
	Do     Do // for sources
	// Checkpoint and Parking keep a target's state, by its name.
	Checkpoint func(target string) workflows.Checkpoint
	Parking    func(target string) Parking
	Now        func() time.Time                                 // for webhook-timestamp
	Sleep      func(ctx context.Context, d time.Duration) error // as a Following's
	Log        *slog.Logger
}

// Parking keeps the note that a target is parked, where a person can read it
// and take it away.
type Parking interface {
	// Parked tells whether there is a note.
	Parked() (bool, error)
	// Park writes the note, durably.
	Park(note string) error
	// How says how to take the note away: "remove the file …".
	How() string
}

const (
	refusals = 12               // so often may a target say no to an event
	grace    = 5 * time.Second  // for what is under way when the relay stops
	closing  = 10 * time.Second // for all of it
)

// Run relays until ctx ends, which is no error, or the store is closed.
func Run(ctx context.Context, o Options) error {
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: closing}, watermill.NewSlogLoggerWithLevelMapping(o.Log,
		map[slog.Level]slog.Level{slog.LevelInfo: slog.LevelDebug}))
	if err != nil {
		return err
	}
	wants := map[string][]string{}
	for _, t := range o.Targets {
		wants[t.Name] = t.Events
	}
	// No middleware: Retry and Throttle would wait beside the subscriber, which
	// alone knows how; PoisonQueue acks what it sets aside, and what follows
	// overtakes it; Deduplicator takes for done what has failed; DelayOnError
	// never waits longer; InstantAck loses what a crash interrupts.
	subscriber := NewSubscriber(Following{
		Store: o.Store, Checkpoint: o.Checkpoint, Sleep: o.Sleep, Grace: grace, Log: o.Log,
		Message: func(topic string, r eventstore.Recorded) (*message.Message, error) {
			if !slices.Contains(wants[topic], r.Name) {
				return nil, nil
			}
			return messageOf(o.Store.ID(), r)
		},
	})
	defer subscriber.Close()
	for _, t := range o.Targets {
		publisher, address := t.publisher(o.Now)
		defer publisher.Close()
		router.AddConsumerHandler(t.Name, t.Name, subscriber,
			(&way{target: t.Name, address: address, publisher: publisher, parking: o.Parking(t.Name), log: o.Log}).carry)
	}
	for _, f := range o.Sources {
		answers := newNATS(f.at())
		if f.Kind == "amqp" {
			answers = newAMQPQueue(f.at(), f.Answers)
		}
		defer answers.Close()
		router.AddConsumerHandler("from "+f.Name, f.Subject, consumer{f, subscriber.Sleep, o.Log},
			(&intake{f, o.Store.ID(), o.Do, o.Now, answers, o.Log}).take)
	}
	return router.Run(ctx)
}

// publisher makes a target's publisher, and what gives the topic for the name
// of an event.
func (t Target) publisher(now func() time.Time) (message.Publisher, func(name string) string) {
	switch t.Kind {
	case "nats":
		return newNATS(t), func(name string) string { return t.Subject + "." + name }
	case "kafka":
		return newKafka(t), func(string) string { return t.Subject }
	case "amqp":
		return newAMQP(t), func(name string) string { return name }
	}
	return newWebhook(t.key, now), func(string) string { return t.URL }
}

// way is how events get to one target. One message at a time is on it.
type way struct {
	target    string
	address   func(name string) string
	publisher message.Publisher
	parking   Parking
	log       *slog.Logger
	refused   int // so often in a row
}

// carry publishes a message; its error is a Nack. It does nothing while the
// target is parked.
func (w *way) carry(m *message.Message) error {
	switch parked, err := w.parking.Parked(); {
	case err != nil:
		return err
	case parked:
		return fmt.Errorf("%s is parked; to go on, %s", w.target, w.parking.How())
	}
	err := w.publisher.Publish(w.address(m.Metadata.Get(named)), m)
	no := refused{}
	switch {
	case err == nil:
		w.refused = 0
		return nil
	case !errors.As(err, &no):
		return err
	}
	if w.refused++; w.refused < refusals && !no.gone {
		return err
	}
	w.refused = 0
	note := fmt.Sprintf("%s will not take event %s (%s): %v; nothing is relayed to it until you %s",
		w.target, m.UUID, m.Metadata.Get(named), err, w.parking.How())
	w.log.Error("target parked", "target", w.target, "note", note)
	return errors.Join(err, w.parking.Park(note))
}
