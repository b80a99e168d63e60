package relay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/workflows"
)

// Do issues a command under an id, on behalf of a source.
type Do func(ctx context.Context, by, command string, fields json.RawMessage, id uuid.UUID) (workflows.Result, error)

// ErrMessage is the answer to a message that is no command of the source's.
var ErrMessage = domain.Wrong("message_unreadable", "a message is a CloudEvent in JSON: an id, a source, the command as its type, and the command's fields as its data")

// intake is the way in from one source. One message at a time is on it.
type intake struct {
	Source
	log     uuid.UUID
	do      Do
	now     func() time.Time
	answers message.Publisher
	talk    *slog.Logger
}

// take does what a message asks for, and tells what came of it. Its error is
// a Nack: nobody knows yet, or nobody was told.
//
// The command's id follows from the message's, so that one that comes again is
// done once. A refusal is an answer, and the message is not asked for again.
func (s *intake) take(m *message.Message) error {
	var asked cloudEvent
	err := json.Unmarshal(m.Payload, &asked)
	id := uuid.NewSHA1(s.log, fmt.Appendf(nil, "%s %q %q", s.Name, asked.Source, asked.ID))
	var result workflows.Result
	switch {
	case err != nil || asked.ID == "" || asked.Source == "" || asked.Type == "":
		id = uuid.NewSHA1(s.log, fmt.Appendf(nil, "%s %s", s.Name, m.UUID))
		err = ErrMessage
	case !s.takes(asked.Type):
		err = ErrMessage.Because(fmt.Sprintf("%s is not among the source's commands", asked.Type))
	default:
		result, err = s.do(m.Context(), s.By, asked.Type, asked.Data, id)
	}
	refused := new(domain.Error)
	if err != nil && !errors.As(err, &refused) {
		return fmt.Errorf("%s: command %s: %w", s.Name, id, err)
	}
	if err != nil {
		s.talk.Warn("a message's command was refused", "source", s.Name, "message", asked.ID, "code", refused.Code)
	}
	if s.Answers == "" {
		return nil
	}
	answer, err := s.answer(id, asked.ID, result, err)
	if err != nil {
		return err
	}
	answer.SetContext(m.Context())
	return s.answers.Publish(s.Answers, answer)
}

// An answer is what the data of one says.
type answer struct {
	Command  uuid.UUID           `json:"command"`            // its id
	Events   []string            `json:"events"`             // none when it was refused, or already so
	Position eventstore.Position `json:"position,omitzero"`  // of the last event
	Code     string              `json:"code,omitempty"`     // of a refusal
	Sentence string              `json:"sentence,omitempty"` // the refusal in words
}

// answer makes the CloudEvent command.done or command.refused, about the
// message that asked, by its id.
func (s *intake) answer(id uuid.UUID, asked string, result workflows.Result, err error) (*message.Message, error) {
	says, kind := answer{Command: id, Events: append([]string{}, result.Names...), Position: result.Position}, "command.done"
	if refused := new(domain.Error); errors.As(err, &refused) {
		says.Code, says.Sentence, kind = refused.Code, err.Error(), "command.refused"
	}
	data, err := json.Marshal(says)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(cloudEvent{
		SpecVersion: "1.0", ID: id.String(), Source: s.log.URN(), Type: kind, Subject: asked, Time: s.now().UTC(),
		DataContentType: "application/json", Data: data,
	})
	return message.NewMessage(id.String(), body), err
}

const (
	// takeWait is after how long without a sign of life JetStream gives a
	// message to somebody else, and longestHold how long one is held that
	// cannot be done.
	takeWait    = time.Minute
	longestHold = 30 * time.Second
)

// A consumer is a Watermill message.Subscriber to a subject of NATS JetStream or
// to a queue of an AMQP broker: durable, in order, one in flight. A message that
// is not acknowledged is held, and handed over again after a wait of up to half a
// minute, so that nothing overtakes it.
type consumer struct {
	Source
	sleep func(ctx context.Context, d time.Duration) error
	talk  *slog.Logger
}

// Subscribe follows the topic, a subject, until ctx ends; the broker may come
// and go.
func (c consumer) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	out, follow := make(chan *message.Message), c.followSubject
	if c.Kind == "amqp" {
		follow = c.followQueue
	}
	go func() {
		defer close(out)
		for attempt := 0; ; attempt++ {
			taken, err := follow(ctx, topic, out)
			if ctx.Err() != nil {
				return
			}
			if taken {
				attempt = 0
			}
			c.talk.Error("the source cannot be followed; trying again", "source", c.Name, "err", err)
			if c.sleep(ctx, wait(attempt)) != nil {
				return
			}
		}
	}()
	return out, nil
}

// followSubject hands messages over until something goes wrong, and tells whether any
// was taken.
func (c consumer) followSubject(ctx context.Context, subject string, out chan<- *message.Message) (taken bool, err error) {
	conn, err := nats.Connect(c.URL, nats.Name("daybook"), nats.Token(c.token), nats.NoReconnect())
	if err != nil {
		return false, err
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		return false, err
	}
	stream, err := js.StreamNameBySubject(ctx, subject)
	if err != nil {
		return false, err
	}
	durable, err := js.CreateOrUpdateConsumer(ctx, stream, jetstream.ConsumerConfig{
		Durable: "daybook-" + c.Name, FilterSubject: subject, AckPolicy: jetstream.AckExplicitPolicy, AckWait: takeWait, MaxAckPending: 1,
	})
	if err != nil {
		return false, err
	}
	messages, err := durable.Messages(jetstream.PullMaxMessages(1))
	if err != nil {
		return false, err
	}
	defer context.AfterFunc(ctx, messages.Stop)()
	defer messages.Stop()
	for {
		m, err := messages.Next()
		if err != nil {
			return taken, err
		}
		if err := c.hand(ctx, m, out); err != nil {
			_ = m.Nak() // so that it comes again at once
			return taken, err
		}
		taken = true
	}
}

// hand hands one message over until it is acknowledged.
func (c consumer) hand(ctx context.Context, m jetstream.Msg, out chan<- *message.Message) error {
	at, err := m.Metadata()
	if err != nil {
		return err
	}
	if err := c.hold(ctx, out, fmt.Sprintf("%s %d", at.Stream, at.Sequence.Stream), m.Data(), m.InProgress); err != nil {
		return err
	}
	return m.DoubleAck(context.WithoutCancel(ctx))
}

// hold offers one message until it is acknowledged, and says meanwhile that it
// is under way.
func (c consumer) hold(ctx context.Context, out chan<- *message.Message, id string, body []byte, underWay func() error) error {
	for attempt := 0; !offer(ctx, out, message.NewMessage(id, body), grace); attempt++ {
		if err := c.sleep(ctx, min(wait(attempt), longestHold)); err != nil {
			return err
		}
		if err := underWay(); err != nil {
			return err
		}
	}
	return nil
}

// Close does nothing: the Router that ends a subscription's context calls it.
func (consumer) Close() error { return nil }
