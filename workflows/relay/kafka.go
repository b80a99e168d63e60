package relay

import (
	"errors"
	"net/url"
	"time"

	"github.com/IBM/sarama"
	"github.com/ThreeDotsLabs/watermill-kafka/v3/pkg/kafka"
	"github.com/ThreeDotsLabs/watermill/message"
)

// kafkaPublisher publishes to a topic of Kafka's. A message is keyed by its
// stream, so that what must stay in order stays in one partition.
type kafkaPublisher struct{ *kafka.Publisher }

func newKafka(t Target) *dialled {
	return &dialled{dial: func() (message.Publisher, error) {
		at, err := url.Parse(t.URL)
		if err != nil {
			return nil, err
		}
		c := sarama.NewConfig()
		c.ClientID = "daybook"
		c.Net.DialTimeout, c.Net.ReadTimeout, c.Net.WriteTimeout = ackWait, 2*ackWait, ackWait
		c.Net.MaxOpenRequests = 1
		c.Metadata.Retry.Max = 1
		c.Producer.RequiredAcks = sarama.WaitForAll // kept by every replica in sync
		c.Producer.Timeout = ackWait
		c.Producer.Idempotent = true // what it sends again by itself, it sends once
		c.Producer.Retry.Max, c.Producer.Retry.Backoff = 1, 100*time.Millisecond
		c.Producer.Return.Successes = true
		c.Producer.MaxMessageBytes = int(sarama.MaxRequestSize) // how large one may be is for the broker to say
		c.Net.TLS.Enable = at.Scheme == "kafkas"
		if t.user != "" {
			c.Net.SASL.Enable, c.Net.SASL.User, c.Net.SASL.Password = true, t.user, t.password
		}
		p, err := kafka.NewPublisher(kafka.PublisherConfig{Brokers: []string{at.Host}, Marshaler: keyed{}, OverwriteSaramaConfig: c}, nil)
		if err != nil {
			return nil, err
		}
		return kafkaPublisher{p}, nil
	}}
}

// Publish says of a message that is too large that no repetition will help.
func (p kafkaPublisher) Publish(topic string, messages ...*message.Message) error {
	err := p.Publisher.Publish(topic, messages...)
	if errors.Is(err, sarama.ErrMessageSizeTooLarge) || errors.Is(err, sarama.ErrInvalidMessage) {
		return refused{error: err}
	}
	return err
}

// keyed makes a message of Kafka's: CloudEvents Kafka Protocol Binding 1.0.2
// §3.3 (structured), keyed as §3.1 has it.
type keyed struct{}

func (keyed) Marshal(topic string, m *message.Message) (*sarama.ProducerMessage, error) {
	return &sarama.ProducerMessage{
		Topic: topic, Key: sarama.StringEncoder(m.Metadata.Get(partition)), Value: sarama.ByteEncoder(m.Payload),
		Headers: []sarama.RecordHeader{{Key: []byte("content-type"), Value: []byte(mediaType)}},
	}, nil
}
