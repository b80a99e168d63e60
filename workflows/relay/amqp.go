package relay

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
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
	back    <-chan amqp.Return // what could be put into no queue, where that is a fault
}

func newAMQP(t Target) *dialled {
	return &dialled{dial: func() (message.Publisher, error) {
		conn, channel, err := dialAMQP(t)
		if err != nil {
			return nil, err
		}
		err = channel.ExchangeDeclare(t.Subject, amqp.ExchangeTopic, true, false, false, false, nil)
		if err == nil {
			err = channel.Confirm(false)
		}
		if err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		return exchange{conn, channel, t.Subject, nil}, nil
	}}
}

// newAMQPQueue publishes into a queue that is there: by the exchange that every
// broker has, and to which the topic is a queue's name.
func newAMQPQueue(t Target, queue string) *dialled {
	return &dialled{dial: func() (message.Publisher, error) {
		conn, channel, err := dialAMQP(t)
		if err != nil {
			return nil, err
		}
		_, err = channel.QueueDeclarePassive(queue, true, false, false, false, nil)
		if err == nil {
			err = channel.Confirm(false)
		}
		if err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		return exchange{conn, channel, "", channel.NotifyReturn(make(chan amqp.Return, 1))}, nil
	}}
}

func dialAMQP(t Target) (*amqp.Connection, *amqp.Channel, error) {
	at, err := url.Parse(t.URL)
	if err != nil {
		return nil, nil, err
	}
	if t.user != "" {
		at.User = url.UserPassword(t.user, t.password)
	}
	conn, err := amqp.DialConfig(at.String(), amqp.Config{Dial: amqp.DefaultDial(ackWait), Properties: amqp.Table{"connection_name": "daybook"}})
	if err != nil {
		return nil, nil, err
	}
	channel, err := conn.Channel()
	if err != nil {
		return nil, nil, errors.Join(err, conn.Close())
	}
	return conn, channel, nil
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
	sent, err := e.channel.PublishWithDeferredConfirmWithContext(ctx, e.name, key, e.back != nil, false, amqp.Publishing{
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
	select {
	case <-e.back: // which comes before the confirmation
		return errors.Join(err, fmt.Errorf("there is no queue %s any more", key))
	default:
		return err
	}
}

// Close ends the connection.
func (e exchange) Close() error { return e.conn.Close() }

// followQueue hands the messages of a queue over until something goes wrong, and
// tells whether any was taken. Nobody else takes any meanwhile, and what was not
// acknowledged the broker puts back where it was.
func (c consumer) followQueue(ctx context.Context, queue string, out chan<- *message.Message) (taken bool, err error) {
	conn, channel, err := dialAMQP(c.at())
	if err != nil {
		return false, err
	}
	defer conn.Close()
	if err := channel.Qos(1, 0, false); err != nil {
		return false, err
	}
	deliveries, err := channel.Consume(queue, "daybook-"+c.Name, false, true, false, false, nil)
	if err != nil {
		return false, err
	}
	closed := channel.NotifyClose(make(chan *amqp.Error, 1))
	for {
		select {
		case <-ctx.Done():
			return taken, ctx.Err()
		case d, open := <-deliveries:
			if !open && !channel.IsClosed() {
				return taken, fmt.Errorf("there is no queue %s any more", queue)
			} else if !open {
				return taken, lost(closed)
			}
			underWay := func() error {
				if channel.IsClosed() {
					return lost(closed)
				}
				return nil
			}
			// The same text is the same message: AMQP numbers none.
			if err := c.hold(ctx, out, fmt.Sprintf("%s %x", queue, sha256.Sum256(d.Body)), d.Body, underWay); err != nil {
				return taken, err
			}
			if err := d.Ack(false); err != nil {
				return taken, err
			}
			taken = true
		}
	}
}

// lost says why a channel ended.
func lost(closed <-chan *amqp.Error) error {
	if why := <-closed; why != nil {
		return why
	}
	return amqp.ErrClosed
}
