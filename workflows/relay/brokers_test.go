package relay_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	amqp091 "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/memory"
	"github.com/daybook-engine/daybook/workflows"
	"github.com/daybook-engine/daybook/workflows/relay"
)

// Kafka is away for an hour. What it has in the end is all that was chosen,
// in the order of each stream, because a stream stays in one partition.
func TestKafkaHasEveryStreamInOrder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	begin := func(more ...kfake.Opt) *kfake.Cluster {
		cluster, err := kfake.NewCluster(append(more, kfake.NumBrokers(1), kfake.DataDir(dir), kfake.SeedTopics(3, "daybook"),
			kfake.EnableSASL(), kfake.Superuser("PLAIN", "daybook", "hunter2"))...)
		require.NoError(t, err)
		t.Cleanup(cluster.Close)
		return cluster
	}
	cluster := begin()
	address := cluster.ListenAddrs()[0]
	store, now, kept := memory.New(), &clock{now: noon}, &checkpoints{}
	stop := start(t, relay.Options{
		Store: store, Checkpoint: kept.of, Now: now.Now, Sleep: now.Sleep,
		Config: load(t, fmt.Sprintf(`targets: [{target: bus, kind: kafka, url: "kafka://%s", subject: daybook, secret: {file: login}, events: [membership.recorded]}]`, address)),
	})
	want := map[string][]string{}
	join := func(stream string) (head eventstore.Position) {
		head = record(t, store, "installation", "membership.recorded", stream, `{"network":"n"}`)
		want[stream] = append(want[stream], head.String())
		return head
	}
	record(t, store, "installation", "organisation.registered", "organisation-a", `{"name":"A"}`)
	join("organisation-a")
	kept.await(t, "bus", join("organisation-b"))
	cluster.Close()
	hour, back := now.hour()
	join("organisation-b")
	join("organisation-a")
	head := join("organisation-b")
	await(t, hour)
	at, err := net.ResolveTCPAddr("tcp", address)
	require.NoError(t, err)
	begin(kfake.Ports(at.Port))
	back()
	kept.await(t, "bus", head)
	stop()

	reader, err := kgo.NewClient(kgo.SeedBrokers(address), kgo.ConsumeTopics("daybook"), kgo.SASL(plain.Auth{User: "daybook", Pass: "hunter2"}.AsMechanism()))
	require.NoError(t, err)
	t.Cleanup(reader.Close)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	got, seen, partitions := map[string][]string{}, map[string]bool{}, map[string]int32{}
	for len(seen) < 5 {
		polled := reader.PollFetches(ctx)
		require.NoError(t, polled.Err())
		polled.EachRecord(func(r *kgo.Record) {
			var e struct{ ID, Sequence, Subject string }
			require.NoError(t, json.Unmarshal(r.Value, &e))
			require.Equal(t, e.Subject, string(r.Key))
			require.Equal(t, []kgo.RecordHeader{{Key: "content-type", Value: []byte("application/cloudevents+json; charset=UTF-8")}}, r.Headers)
			if in, met := partitions[e.Subject]; met {
				require.Equal(t, in, r.Partition)
			}
			partitions[e.Subject] = r.Partition
			if !seen[e.ID] {
				got[e.Subject] = append(got[e.Subject], e.Sequence)
			}
			seen[e.ID] = true
		})
	}
	require.Equal(t, want, got)
}

// What Kafka finds too large parks the target, when it has said so twelve
// times.
func TestWhatKafkaWontTakeIsParked(t *testing.T) {
	t.Parallel()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "daybook"), kfake.BrokerConfigs(map[string]string{"message.max.bytes": "300"}))
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	store, now, kept, pinned := memory.New(), &clock{now: noon}, &checkpoints{}, &notes{}
	parked := make(chan struct{})
	tell := sync.OnceFunc(func() { close(parked) })
	now.meanwhile(func(time.Time) {
		if pinned.read() != "" {
			tell()
		}
	})
	start(t, relay.Options{
		Store: store, Checkpoint: kept.of, Now: now.Now, Sleep: now.Sleep, Parking: func(string) relay.Parking { return pinned },
		Config: load(t, fmt.Sprintf(`targets: [{target: bus, kind: kafka, url: "kafka://%s", subject: daybook, events: [membership.recorded]}]`, cluster.ListenAddrs()[0])),
	})
	record(t, store, "installation", "membership.recorded", "organisation-a", `{"network":"n"}`)
	await(t, parked)
	require.Contains(t, pinned.read(), "bus will not take event ")
	require.Contains(t, pinned.read(), "too large")
}

// rabbit is the broker of DAYBOOK_TEST_AMQP, and a way to it that is not cut.
func rabbit(t *testing.T) (*url.URL, *amqp091.Channel) {
	named := os.Getenv("DAYBOOK_TEST_AMQP")
	if named == "" {
		t.Skip("DAYBOOK_TEST_AMQP names no broker: amqp://daybook:hunter2@127.0.0.1:5672/")
	}
	at, err := url.Parse(named)
	require.NoError(t, err)
	conn, err := amqp091.Dial(named)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	channel, err := conn.Channel()
	require.NoError(t, err)
	return at, channel
}

// The way to an AMQP broker is cut, and mended after an hour. A queue bound
// to the exchange has everything that its routing key chooses, in order.
func TestAMQPHasEverythingInOrder(t *testing.T) {
	t.Parallel()
	at, channel := rabbit(t)
	exchange := "daybook-" + uuid.NewString()
	require.NoError(t, channel.ExchangeDeclare(exchange, "topic", true, false, false, false, nil))
	t.Cleanup(func() { _ = channel.ExchangeDelete(exchange, false, false) })
	queue, err := channel.QueueDeclare("", false, true, true, false, nil)
	require.NoError(t, err)
	require.NoError(t, channel.QueueBind(queue.Name, "membership.*", exchange, false, nil))
	heard, err := channel.Consume(queue.Name, "", true, true, false, false, nil)
	require.NoError(t, err)

	way := newWire(t, at.Host)
	store, now, kept := memory.New(), &clock{now: noon}, &checkpoints{}
	stop := start(t, relay.Options{
		Store: store, Checkpoint: kept.of, Now: now.Now, Sleep: now.Sleep,
		Config: load(t, fmt.Sprintf(`targets: [{target: bus, kind: amqp, url: "amqp://%s%s", subject: %s, secret: {file: login}, events: [membership.recorded, organisation.registered]}]`,
			way.address, cmp.Or(at.Path, "/"), exchange)),
	})
	var want []string
	join := func() (head eventstore.Position) {
		head = record(t, store, "installation", "membership.recorded", "organisation-a", `{"network":"n"}`)
		want = append(want, head.String())
		return head
	}
	record(t, store, "installation", "organisation.registered", "organisation-a", `{"name":"A"}`)
	kept.await(t, "bus", join())
	way.cut()
	hour, back := now.hour()
	join()
	head := join()
	await(t, hour)
	way.mend(t)
	back()
	kept.await(t, "bus", head)
	stop()

	var got []string
	seen := map[string]bool{}
	for len(got) < len(want) {
		m, open := <-heard
		require.True(t, open)
		var e struct{ ID, Sequence string }
		require.NoError(t, json.Unmarshal(m.Body, &e))
		require.Equal(t, e.ID, m.MessageId)
		require.Equal(t, "membership.recorded", m.RoutingKey)
		require.Equal(t, "membership.recorded", m.Type)
		require.EqualValues(t, amqp091.Persistent, m.DeliveryMode)
		if !seen[e.ID] {
			got = append(got, e.Sequence)
		}
		seen[e.ID] = true
	}
	require.Equal(t, want, got)
}

// A queue's commands are done in order, under ids that follow from their
// messages'; what is refused or cannot be read is answered; a fault holds up what
// stands behind it, and so does a broker that is away for an hour.
func TestTheCommandsOfAnAMQPQueueAreDoneInOrder(t *testing.T) {
	t.Parallel()
	at, channel := rabbit(t)
	commands, answers := "desk-"+uuid.NewString(), "answers-"+uuid.NewString()
	for _, queue := range []string{commands, answers} {
		_, err := channel.QueueDeclare(queue, true, false, false, false, nil)
		require.NoError(t, err)
		t.Cleanup(func() { _, _ = channel.QueueDelete(queue, false, false, false) })
	}
	heard, err := channel.Consume(answers, "", true, true, false, false, nil)
	require.NoError(t, err)
	ask := func(texts ...string) {
		for _, text := range texts {
			require.NoError(t, channel.PublishWithContext(t.Context(), "", commands, true, false, amqp091.Publishing{DeliveryMode: amqp091.Persistent, Body: []byte(text)}))
		}
	}
	one := `{"specversion":"1.0","source":"desk","id":"1","type":"session.hold","data":{"number":1}}`
	ask(one, one,
		`{"specversion":"1.0","source":"desk","id":"2","type":"cycle.close","data":{}}`, `not a message`,
		`{"specversion":"1.0","source":"desk","id":"3","type":"session.hold","data":{"number":"fault"}}`,
		`{"specversion":"1.0","source":"desk","id":"4","type":"session.hold","data":{"number":"refuse"}}`)

	var mu sync.Mutex
	var done []string
	ids, faults := map[string]uuid.UUID{}, 3
	way := newWire(t, at.Host)
	store, now := memory.New(), &clock{now: noon}
	stop := start(t, relay.Options{
		Store: store, Now: now.Now, Sleep: now.Sleep, Checkpoint: (&checkpoints{}).of,
		Config: load(t, fmt.Sprintf(`sources: [{source: desk, kind: amqp, url: "amqp://%s%s", subject: %s, answers: %s, secret: {file: login}, by: coordinator/anna, commands: [session.hold]}]`,
			way.address, cmp.Or(at.Path, "/"), commands, answers)),
		Do: func(_ context.Context, by, command string, fields json.RawMessage, id uuid.UUID) (workflows.Result, error) {
			mu.Lock()
			defer mu.Unlock()
			if string(fields) == `{"number":"fault"}` && faults > 0 {
				faults--
				return workflows.Result{}, errors.New("the log is away")
			}
			if known, again := ids[string(fields)]; again && known != id {
				return workflows.Result{}, fmt.Errorf("another id for %s", fields)
			}
			if _, again := ids[string(fields)]; !again {
				done = append(done, fmt.Sprint(by, " ", command, " ", string(fields)))
			}
			ids[string(fields)] = id
			if string(fields) == `{"number":"refuse"}` {
				return workflows.Result{}, domain.Refuse("no_such_thing", "there is none")
			}
			return workflows.Result{Names: []string{"session.held"}}, nil
		},
	})
	seen := map[string]bool{}
	said := func(n int) (said []string) { // each message's answer, which may come twice
		for len(said) < n {
			m, open := <-heard
			require.True(t, open)
			var e struct {
				ID, Type, Subject, Source string
				Data                      struct {
					Events []string
					Code   string
				}
			}
			require.NoError(t, json.Unmarshal(m.Body, &e))
			require.Equal(t, store.ID().URN(), e.Source)
			require.Equal(t, e.ID, m.MessageId)
			if !seen[e.ID] {
				said = append(said, fmt.Sprint(e.Subject, " ", e.Type, " ", e.Data.Events, e.Data.Code))
			}
			seen[e.ID] = true
		}
		return said
	}
	require.Equal(t, []string{
		"1 command.done [session.held]", "2 command.refused []message_unreadable", " command.refused []message_unreadable",
		"3 command.done [session.held]", "4 command.refused []no_such_thing",
	}, said(5))
	require.Zero(t, faults)

	way.cut()
	hour, back := now.hour()
	ask(`{"specversion":"1.0","source":"desk","id":"5","type":"session.hold","data":{"number":5}}`, one)
	await(t, hour)
	way.mend(t)
	back()
	require.Equal(t, []string{"5 command.done [session.held]"}, said(1))

	// A queue that is taken away is told of, and followed again when it is there.
	_, err = channel.QueueDelete(commands, false, false, false)
	require.NoError(t, err)
	hour, back = now.hour()
	await(t, hour)
	_, err = channel.QueueDeclare(commands, true, false, false, false, nil)
	require.NoError(t, err)
	ask(`{"specversion":"1.0","source":"desk","id":"6","type":"session.hold","data":{"number":6}}`)
	back()
	require.Equal(t, []string{"6 command.done [session.held]"}, said(1))
	stop()
	require.Equal(t, []string{
		`coordinator/anna session.hold {"number":1}`, `coordinator/anna session.hold {"number":"fault"}`,
		`coordinator/anna session.hold {"number":"refuse"}`, `coordinator/anna session.hold {"number":5}`, `coordinator/anna session.hold {"number":6}`,
	}, done)
}

// A wire goes to a server, and can be cut.
type wire struct {
	address, to string

	mu       sync.Mutex
	listener net.Listener
	ends     []net.Conn
}

func newWire(t *testing.T, to string) *wire {
	w := &wire{address: "127.0.0.1:0", to: to}
	w.mend(t)
	w.address = w.listener.Addr().String()
	t.Cleanup(w.cut)
	return w
}

func (w *wire) mend(t *testing.T) {
	listener, err := net.Listen("tcp", w.address)
	require.NoError(t, err)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.listener = listener
	go func() {
		for {
			here, err := listener.Accept()
			if err != nil {
				return
			}
			there, err := net.Dial("tcp", w.to)
			if err != nil {
				here.Close()
				continue
			}
			w.mu.Lock()
			w.ends = append(w.ends, here, there)
			w.mu.Unlock()
			go func() { _, _ = io.Copy(here, there); here.Close() }()
			go func() { _, _ = io.Copy(there, here); there.Close() }()
		}
	}()
}

func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.listener.Close()
	for _, c := range w.ends {
		c.Close()
	}
	w.ends = nil
}
