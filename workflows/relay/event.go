package relay

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"

	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/eventstore"
)

// mediaType says what a message holds: CloudEvents 1.0.2, JSON Event Format
// §3.
const mediaType = "application/cloudevents+json; charset=UTF-8"

// cloudEvent is an event as others see it: CloudEvents 1.0.2 §3, with the
// documented extensions "partitioning" and "sequence".
type cloudEvent struct {
	SpecVersion     string          `json:"specversion"` // "1.0"
	ID              string          `json:"id"`
	Source          string          `json:"source"`  // urn:uuid: and the log's id
	Type            string          `json:"type"`    // the event's name
	Subject         string          `json:"subject"` // its stream
	Time            time.Time       `json:"time"`    // recorded_at, UTC
	DataContentType string          `json:"datacontenttype"`
	PartitionKey    string          `json:"partitionkey,omitempty"` // its stream: what must stay in order
	Sequence        string          `json:"sequence,omitempty"`     // its position: sorts as text, with gaps
	Data            json.RawMessage `json:"data"`
}

// A message's metadata has the event's name, and the key of what must stay in
// order with it.
const (
	named     = "type"
	partition = "partitionkey"
)

// messageOf makes the message that tells of an event, its id the event's; nil
// where the event was rehearsed, and so is nobody's business outside.
func messageOf(log uuid.UUID, r eventstore.Recorded) (*message.Message, error) {
	env, err := schema.DecodeEnvelope(r.Metadata)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(env.Book, "rehearsal/") {
		return nil, nil
	}
	body, err := json.Marshal(cloudEvent{
		SpecVersion: "1.0", ID: r.ID.String(), Source: log.URN(), Type: r.Name, Subject: r.Stream, Time: env.RecordedAt.UTC(),
		DataContentType: "application/json", PartitionKey: r.Stream, Sequence: r.Position.String(), Data: r.Data,
	})
	if err != nil {
		return nil, fmt.Errorf("tell of %s: %w", r.Name, err)
	}
	m := message.NewMessage(r.ID.String(), body)
	m.Metadata.Set(named, r.Name)
	m.Metadata.Set(partition, r.Stream)
	return m, nil
}
