package relay

import (
	"context"
	"errors"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ackWait is how long a broker may take to say that it kept a message.
const ackWait = 5 * time.Second

// A broker is a connection to NATS JetStream as a Watermill message.Publisher:
// the topic is the subject, and whether a stream keeps it is the broker's
// configuration.
type broker struct {
	conn *nats.Conn
	js   jetstream.JetStream
}

func newNATS(t Target) *dialled {
	return &dialled{dial: func() (message.Publisher, error) {
		conn, err := nats.Connect(t.URL, nats.Name("daybook"), nats.Token(t.token), nats.NoReconnect())
		if err != nil {
			return nil, err
		}
		js, err := jetstream.New(conn)
		return broker{conn, js}, err
	}}
}

// Publish returns when JetStream has kept every message. The message's id is
// its Nats-Msg-Id: one sent again within the stream's window for duplicates
// is kept once.
func (b broker) Publish(topic string, messages ...*message.Message) error {
	for _, m := range messages {
		msg := nats.NewMsg(topic)
		msg.Data = m.Payload
		msg.Header.Set(nats.MsgIdHdr, m.UUID)
		msg.Header.Set("Content-Type", mediaType)
		ctx, cancel := context.WithTimeout(m.Context(), ackWait)
		_, err := b.js.PublishMsg(ctx, msg)
		cancel()
		if answer := new(jetstream.APIError); errors.Is(err, nats.ErrMaxPayload) || errors.As(err, &answer) && answer.Code == 400 {
			return refused{error: err}
		} else if err != nil {
			return err
		}
	}
	return nil
}

// Close ends the connection.
func (b broker) Close() error {
	b.conn.Close()
	return nil
}
