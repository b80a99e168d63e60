package relay

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ackWait is how long JetStream may take to say that it kept a message.
const ackWait = 5 * time.Second

// broker is a Watermill message.Publisher to NATS JetStream: the topic is the
// subject, and whether a stream keeps it is the broker's configuration.
//
// It connects when it has something to say and never by itself, so that the
// relay's wait is the only one.
type broker struct {
	url, token string

	mu   sync.Mutex
	conn *nats.Conn
}

// Publish returns when JetStream has kept every message. The message's id is
// its Nats-Msg-Id: one sent again within the stream's window for duplicates
// is kept once.
func (b *broker) Publish(topic string, messages ...*message.Message) error {
	js, err := b.connected()
	if err != nil {
		return err
	}
	for _, m := range messages {
		msg := nats.NewMsg(topic)
		msg.Data = m.Payload
		msg.Header.Set(nats.MsgIdHdr, m.UUID)
		msg.Header.Set("Content-Type", mediaType)
		ctx, cancel := context.WithTimeout(m.Context(), ackWait)
		_, err := js.PublishMsg(ctx, msg)
		cancel()
		if answer := new(jetstream.APIError); errors.Is(err, nats.ErrMaxPayload) || errors.As(err, &answer) && answer.Code == 400 {
			return refused{error: err}
		} else if err != nil {
			return err
		}
	}
	return nil
}

func (b *broker) connected() (jetstream.JetStream, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.conn == nil || b.conn.IsClosed() {
		conn, err := nats.Connect(b.url, nats.Name("daybook"), nats.Token(b.token), nats.NoReconnect())
		if err != nil {
			return nil, err
		}
		b.conn = conn
	}
	return jetstream.New(b.conn)
}

// Close ends the connection.
func (b *broker) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.conn != nil {
		b.conn.Close()
	}
	return nil
}
