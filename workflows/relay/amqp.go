package relay

import (
	"context"
	"errors"
	"net/url"

	"github.com/ThreeDotsLabs/watermill/message"
	amqp "github.com/rabbitmq/amqp091-go"
)

// An exchange is a durable topic exchange of an AMQP 0-9-1 broker, such as
// RabbitMQ, as a Watermill message.Publisher: the topic is the routing key.
// What no queue is bound to, the broker keeps for nobody.
//
// It stands on the broker's official client: Watermill's publisher connects
// anew by itself, in a race with whoever publishes.
type exchange struct {
	conn    *amqp.Connection
	channel *amqp.Channel
	name    string
}

func newAMQP(t Target) *dialled {
	return &dialled{dial: func() (_ message.Publisher, err error) {
		at, err := url.Parse(t.URL)
		if err != nil {
			return nil, err
		}
		if t.user != "" {
			at.User = url.UserPassword(t.user, t.password)
		}
		conn, err := amqp.DialConfig(at.String(), amqp.Config{Dial: amqp.DefaultDial(ackWait), Properties: amqp.Table{"connection_name": "daybook"}})
		if err != nil {
			return nil, err
		}
		defer func() {
			if err != nil {
				_ = conn.Close()
			}
		}()
		channel, err := conn.Channel()
		if err == nil {
			err = channel.ExchangeDeclare(t.Subject, amqp.ExchangeTopic, true, false, false, false, nil)
		}
		if err == nil {
			err = channel.Confirm(false)
		}
		return exchange{conn, channel, t.Subject}, err
	}}
}

// Publish returns when the broker has confirmed every message.
func (e exchange) Publish(topic string, messages ...*message.Message) error {
	for _, m := range messages {
		if err := e.publish(topic, m); err != nil {
			return err
		}
	}
	return nil
}

func (e exchange) publish(key string, m *message.Message) error {
	ctx, cancel := context.WithTimeout(m.Context(), ackWait)
	defer cancel()
	sent, err := e.channel.PublishWithDeferredConfirmWithContext(ctx, e.name, key, false, false, amqp.Publishing{
		ContentType: mediaType, MessageId: m.UUID, Type: m.Metadata.Get(named), AppId: "daybook",
		DeliveryMode: amqp.Persistent, Body: m.Payload,
	})
	if err != nil {
		return err
	}
	kept, err := sent.WaitContext(ctx)
	if err == nil && !kept {
		err = errors.New("the broker did not keep it")
	}
	return err
}

// Close ends the connection.
func (e exchange) Close() error { return e.conn.Close() }
