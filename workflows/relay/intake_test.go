package relay_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/eventstore/memory"
	"github.com/daybook-engine/daybook/workflows"
	"github.com/daybook-engine/daybook/workflows/relay"
)

// A source's commands are done in order, under ids that follow from their
// messages'; what is refused or cannot be read is answered; a fault holds up
// what stands behind it, and so does a broker that is away for an hour.
func TestASourcesCommandsAreDoneInOrder(t *testing.T) {
	t.Parallel()
	dir, store := t.TempDir(), memory.New()
	bus := startBroker(t, dir, -1)
	address := bus.Addr().(*net.TCPAddr)
	js := connect(t, bus)
	for name, subject := range map[string]string{"DESK": "desk.commands", "ANSWERS": "desk.answers"} {
		_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: name, Subjects: []string{subject}})
		require.NoError(t, err)
	}
	ask := func(js jetstream.JetStream, text string) {
		_, err := js.Publish(t.Context(), "desk.commands", []byte(text))
		require.NoError(t, err)
	}
	ask(js, `{"specversion":"1.0","source":"desk","id":"1","type":"session.hold","data":{"number":1}}`)
	ask(js, `{"specversion":"1.0","source":"desk","id":"1","type":"session.hold","data":{"number":1}}`)
	ask(js, `{"specversion":"1.0","source":"desk","id":"2","type":"cycle.close","data":{}}`)
	ask(js, `not a message`)
	ask(js, `{"specversion":"1.0","source":"desk","id":"3","type":"session.hold","data":{"number":"fault"}}`)
	ask(js, `{"specversion":"1.0","source":"desk","id":"4","type":"session.hold","data":{"number":"refuse"}}`)

	var mu sync.Mutex
	var done []string
	ids, faults := map[string]uuid.UUID{}, 3
	now := &clock{now: noon}
	stop := start(t, relay.Options{
		Store: store, Now: now.Now, Sleep: now.Sleep, Checkpoint: (&checkpoints{}).of,
		Config: load(t, fmt.Sprintf(`
sources:
  - {source: desk, url: "nats://%s", subject: desk.commands, answers: desk.answers, by: coordinator/anna, commands: [session.hold]}
`, address)),
		Do: func(_ context.Context, by, command string, fields json.RawMessage, id uuid.UUID) (workflows.Result, error) {
			mu.Lock()
			defer mu.Unlock()
			if string(fields) == `{"number":"fault"}` && faults > 0 {
				faults--
				return workflows.Result{}, errors.New("the log is away")
			}
			done = append(done, fmt.Sprint(by, " ", command, " ", string(fields)))
			if known, again := ids[string(fields)]; again && known != id {
				return workflows.Result{}, fmt.Errorf("another id for %s", fields)
			}
			ids[string(fields)] = id
			if string(fields) == `{"number":"refuse"}` {
				return workflows.Result{}, domain.Refuse("no_such_thing", "there is none")
			}
			return workflows.Result{Names: []string{"session.held"}}, nil
		},
	})
	answers := func(n int) (said []string) {
		consumer, err := connect(t, bus).OrderedConsumer(t.Context(), "ANSWERS", jetstream.OrderedConsumerConfig{})
		require.NoError(t, err)
		messages, err := consumer.Messages()
		require.NoError(t, err)
		defer messages.Stop()
		for range n {
			m, err := messages.Next(jetstream.NextMaxWait(patience))
			require.NoError(t, err)
			var e struct {
				Type, Subject, Source string
				Data                  struct {
					Events []string
					Code   string
				}
			}
			require.NoError(t, json.Unmarshal(m.Data(), &e))
			require.Equal(t, store.ID().URN(), e.Source)
			said = append(said, fmt.Sprint(e.Subject, " ", e.Type, " ", e.Data.Events, e.Data.Code))
		}
		return said
	}
	want := []string{
		"1 command.done [session.held]", // and the second one is kept once
		"2 command.refused []message_unreadable", " command.refused []message_unreadable",
		"3 command.done [session.held]", "4 command.refused []no_such_thing",
	}
	require.Equal(t, want, answers(5))
	require.Zero(t, faults)

	// What was answered, but not acknowledged, when the broker goes away is given
	// out again after a minute only.
	durable, err := js.Consumer(t.Context(), "DESK", "daybook-desk")
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		info, err := durable.Info(t.Context())
		return err == nil && info.NumAckPending == 0 && info.NumPending == 0
	}, patience, 10*time.Millisecond)
	bus.Shutdown()
	bus.WaitForShutdown()
	hour, back := now.hour()
	await(t, hour)
	bus = startBroker(t, dir, address.Port)
	back()
	ask(connect(t, bus), `{"specversion":"1.0","source":"desk","id":"5","type":"session.hold","data":{"number":5}}`)
	require.Equal(t, append(want, "5 command.done [session.held]"), answers(6))
	stop()
	require.Equal(t, []string{
		`coordinator/anna session.hold {"number":1}`,
		`coordinator/anna session.hold {"number":"fault"}`, `coordinator/anna session.hold {"number":"refuse"}`, `coordinator/anna session.hold {"number":5}`,
	}, slices.Compact(done), "what came again came next")
}
