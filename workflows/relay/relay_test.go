package relay_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/memory"
	"github.com/daybook-engine/daybook/workflows/relay"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// The whole path, to a broker and an endpoint: every event chosen arrives at
// both, once, in order, as a CloudEvent, though the broker is away for an
// hour and the endpoint is moody. What was not chosen or was rehearsed does
// not, and a relay that has lost its place changes nothing.
func TestEverythingChosenArrivesOnce(t *testing.T) {
	t.Parallel()
	store := memory.New()
	dir := t.TempDir()
	bus := startBroker(t, dir, -1)
	address := bus.Addr().(*net.TCPAddr)
	shop := listen(t, append(slices.Repeat([]int{503, 429, 408, 425}, 12), 200, 500)...)
	targets := load(t, fmt.Sprintf(`
targets:
  - {target: bus, kind: nats, url: "nats://%s", subject: daybook, events: [organisation.registered, membership.recorded]}
  - {target: shop, kind: webhook, url: "%s/hook", secret: {file: secret}, events: [membership.recorded]}
`, address, shop.URL))
	makeStream(t, bus)

	at := &clock{now: noon}
	kept := &checkpoints{}
	stop := start(t, relay.Options{Store: store, Config: targets, Checkpoint: kept.of, Now: at.Now, Sleep: at.Sleep})
	record(t, store, "installation", "organisation.registered", "organisation-a", `{"name":"A & <B>"}`)
	record(t, store, "rehearsal/installation", "organisation.registered", "organisation-b", `{}`)
	record(t, store, "installation", "person.registered", "person-a", `{}`)
	head := record(t, store, "installation", "membership.recorded", "organisation-a", `{"network":"n"}`)
	kept.await(t, "bus", head)
	kept.await(t, "shop", head)

	bus.Shutdown()
	bus.WaitForShutdown()
	hour, back := at.hour()
	for range 3 {
		head = record(t, store, "installation", "membership.recorded", "organisation-a", `{"network":"n"}`)
	}
	await(t, hour)
	bus = startBroker(t, dir, address.Port)
	back()
	kept.await(t, "bus", head)
	kept.await(t, "shop", head)
	stop()

	lost := &checkpoints{}
	stop = start(t, relay.Options{Store: store, Config: targets, Checkpoint: lost.of, Now: at.Now, Sleep: at.Sleep})
	lost.await(t, "bus", head)
	lost.await(t, "shop", head)
	stop()

	got := drain(t, connect(t, bus))
	require.Equal(t, []string{
		"daybook.organisation.registered 0000000000000001", "daybook.membership.recorded 0000000000000004",
		"daybook.membership.recorded 0000000000000005", "daybook.membership.recorded 0000000000000006", "daybook.membership.recorded 0000000000000007",
	}, got.places)
	require.Equal(t, []string{"0000000000000004", "0000000000000005", "0000000000000006", "0000000000000007"}, shop.once())
	require.JSONEq(t, fmt.Sprintf(`{
		"specversion": "1.0", "id": %q, "source": "urn:uuid:%s", "type": "organisation.registered", "subject": "organisation-a",
		"time": "2026-03-02T12:00:00Z", "datacontenttype": "application/json", "partitionkey": "organisation-a",
		"sequence": "0000000000000001", "data": {"name": "A & <B>"}
	}`, got.ids[0], store.ID()), got.bodies[0])
}

// Who says no for ever is parked with a note, while others go on; when a
// person takes the note away, it goes on with the same event.
func TestWhoSaysNoIsParked(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status, times int
		waited        time.Duration
	}{{404, 12, 1411 * time.Second}, {302, 12, 1411 * time.Second}, {410, 1, time.Second}} {
		t.Run(fmt.Sprint(c.status), func(t *testing.T) {
			t.Parallel()
			store := memory.New()
			no, yes := listen(t), listen(t)
			no.refuse(c.status)
			targets := load(t, fmt.Sprintf(`
targets:
  - {target: "no", kind: webhook, url: "%s", secret: {file: secret}, events: [organisation.registered]}
  - {target: "yes", kind: webhook, url: "%s", secret: {file: secret}, events: [organisation.registered]}
`, no.URL, yes.URL))
			first := record(t, store, "installation", "organisation.registered", "organisation-a", `{}`)
			head := record(t, store, "installation", "organisation.registered", "organisation-a", `{}`)

			pinned := &notes{}
			at, kept := &clock{now: noon}, &checkpoints{}
			parked, unparked := make(chan struct{}, 100), make(chan struct{})
			at.meanwhile(func(time.Time) {
				if pinned.read() != "" {
					parked <- struct{}{}
					<-unparked
				}
			})
			o := relay.Options{Store: store, Config: targets, Checkpoint: kept.of, Now: at.Now, Sleep: at.Sleep}
			o.Parking = func(target string) relay.Parking {
				if target == "no" {
					return pinned
				}
				return &notes{}
			}
			start(t, o)
			kept.await(t, "yes", head)
			await(t, parked)
			require.Regexp(t, fmt.Sprintf(`^no will not take event .{36} \(organisation.registered\): it answered %d .*; nothing is relayed to it until you take this away$`, c.status), pinned.read())
			require.Equal(t, c.times, no.asked())
			require.Equal(t, c.waited, at.Now().Sub(noon), "1, 2, 4 … 256 seconds, then five minutes")

			// It is told nothing while the note is there, and all of it after.
			unparked <- struct{}{}
			await(t, parked)
			require.Equal(t, c.times, no.asked())
			no.refuse(200)
			require.NoError(t, pinned.Park(""))
			close(unparked)
			kept.await(t, "no", head)
			require.Equal(t, []string{first.String(), head.String()}, no.once())
		})
	}
}

// What a stream will never take parks the broker too; a stream that is not
// there yet doesn't.
func TestWhatAStreamWontTakeIsParked(t *testing.T) {
	t.Parallel()
	store := memory.New()
	bus := startBroker(t, t.TempDir(), -1)
	targets := load(t, fmt.Sprintf(`
targets:
  - {target: bus, kind: nats, url: "nats://%s", subject: daybook, events: [organisation.registered]}
`, bus.Addr()))
	head := record(t, store, "installation", "organisation.registered", "organisation-a", `{"name":"`+strings.Repeat("long ", 200)+`"}`)

	pinned, at, kept := &notes{}, &clock{now: noon}, &checkpoints{}
	made, parked, unparked := make(chan struct{}), make(chan struct{}, 1), make(chan struct{})
	at.meanwhile(func(time.Time) {
		<-made
		if pinned.read() != "" {
			parked <- struct{}{}
			<-unparked
		}
	})
	start(t, relay.Options{
		Store: store, Config: targets, Checkpoint: kept.of, Now: at.Now, Sleep: at.Sleep,
		Parking: func(string) relay.Parking { return pinned },
	})
	js := connect(t, bus)
	config := jetstream.StreamConfig{Name: "DAYBOOK", Subjects: []string{"daybook.>"}, MaxMsgSize: 1000}
	_, err := js.CreateStream(t.Context(), config)
	require.NoError(t, err)
	close(made)
	await(t, parked)
	require.Contains(t, pinned.read(), "message size exceeds maximum allowed")

	config.MaxMsgSize = -1
	_, err = js.UpdateStream(t.Context(), config)
	require.NoError(t, err)
	require.NoError(t, pinned.Park(""))
	close(unparked)
	kept.await(t, "bus", head)
	require.Len(t, drain(t, js).ids, 1)
}

// The known answer that Standard Webhooks' own libraries test with.
func TestSignatureIsStandardWebhooks(t *testing.T) {
	t.Parallel()
	key, err := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	require.NoError(t, err)
	require.Equal(t, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
		relay.Sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, []byte(`{"test": 2432232314}`)))
}

// load reads a configuration beside which there are a webhook's secret and a
// broker's login.
func load(t *testing.T, config string) relay.Config {
	dir := t.TempDir()
	for name, text := range map[string]string{"secret": "whsec_" + base64.StdEncoding.EncodeToString(key), "login": "daybook:hunter2"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text+"\n"), 0o600))
	}
	path := filepath.Join(dir, "relay.yaml")
	require.NoError(t, os.WriteFile(path, []byte(config), 0o600))
	c, err := relay.Load(path)
	require.NoError(t, err)
	return c
}

var key = []byte("a key of at least twenty-four bytes")

// start runs a relay until the test ends, or stop is called.
func start(t *testing.T, o relay.Options) (stop func()) {
	o.Log = slog.New(slog.DiscardHandler)
	parked := &notes{}
	if o.Parking == nil {
		o.Parking = func(string) relay.Parking { return parked }
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	var err error
	go func() {
		defer close(ended)
		err = relay.Run(ctx, o)
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		await(t, ended)
		require.NoError(t, err)
		require.Empty(t, parked.read())
	})
	t.Cleanup(stop)
	return stop
}

// record appends one event, recorded at noon.
func record(t *testing.T, store eventstore.Store, book, name, stream, body string) eventstore.Position {
	id := uuid.New()
	metadata, err := schema.Envelope{ID: id.String(), Name: name, RecordedAt: noon, OccurredAt: noon, Actor: "anna", Book: book}.Encode()
	require.NoError(t, err)
	at, err := store.Append(t.Context(), stream, eventstore.Any, eventstore.Event{ID: id, Name: name, Data: []byte(body), Metadata: metadata})
	require.NoError(t, err)
	return at.Position
}

// clock is a clock by which waiting takes no time.
type clock struct {
	mu      sync.Mutex
	now     time.Time
	passing func(now time.Time)
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// meanwhile says what happens whenever time has passed.
func (c *clock) meanwhile(passing func(now time.Time)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.passing = passing
}

// hour tells when an hour has passed from now on, and lets time stand still
// then until back is called.
func (c *clock) hour() (passed <-chan struct{}, back func()) {
	began, over, again := c.Now(), make(chan struct{}), make(chan struct{})
	pass := sync.OnceFunc(func() { close(over) })
	c.meanwhile(func(now time.Time) {
		if now.Sub(began) >= time.Hour {
			pass()
			<-again
		}
	})
	return over, func() { close(again) }
}

func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	c.now = c.now.Add(d)
	now, passing := c.now, c.passing
	c.mu.Unlock()
	if passing != nil {
		passing(now)
	}
	return ctx.Err()
}

// notes is the parking of one target.
type notes struct {
	mu   sync.Mutex
	note string
}

func (n *notes) Parked() (bool, error) { return n.read() != "", nil }

func (n *notes) read() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.note
}

func (n *notes) Park(note string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.note = note
	return nil
}

func (*notes) How() string { return "take this away" }

func startBroker(t *testing.T, dir string, port int) *server.Server {
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: port, JetStream: true, StoreDir: dir, NoLog: true, NoSigs: true})
	require.NoError(t, err)
	s.Start()
	require.True(t, s.ReadyForConnections(patience))
	t.Cleanup(s.Shutdown)
	return s
}

func connect(t *testing.T, s *server.Server) jetstream.JetStream {
	conn, err := nats.Connect(s.ClientURL())
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	require.NoError(t, err)
	return js
}

func makeStream(t *testing.T, s *server.Server) {
	_, err := connect(t, s).CreateStream(t.Context(), jetstream.StreamConfig{Name: "DAYBOOK", Subjects: []string{"daybook.>"}, Duplicates: 2 * time.Hour})
	require.NoError(t, err)
}

// told is what a stream has kept.
type told struct{ places, ids, bodies []string }

func drain(t *testing.T, js jetstream.JetStream) (got told) {
	stream, err := js.Stream(t.Context(), "DAYBOOK")
	require.NoError(t, err)
	info, err := stream.Info(t.Context())
	require.NoError(t, err)
	for n := range info.State.Msgs {
		m, err := stream.GetMsg(t.Context(), n+1)
		require.NoError(t, err)
		var e struct{ ID, Type, Sequence string }
		require.NoError(t, json.Unmarshal(m.Data, &e))
		require.Equal(t, e.ID, m.Header.Get("Nats-Msg-Id"))
		require.Equal(t, "daybook."+e.Type, m.Subject)
		got.places = append(got.places, m.Subject+" "+e.Sequence)
		got.ids = append(got.ids, e.ID)
		got.bodies = append(got.bodies, string(m.Data))
	}
	return got
}

// endpoint keeps what it is sent, if it is signed, and answers with the
// statuses given, then with its own.
type endpoint struct {
	*httptest.Server
	mu       sync.Mutex
	statuses []int
	status   int
	count    int
	seen     map[string]bool
	places   []string // of what it took, each id once
	faults   []string
}

func listen(t *testing.T, statuses ...int) *endpoint {
	e := &endpoint{statuses: statuses, status: http.StatusOK, seen: map[string]bool{}}
	e.Server = httptest.NewServer(e)
	t.Cleanup(func() {
		e.Close()
		require.Empty(t, e.faults)
	})
	return e
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.count++
	id, at := r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp")
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(strings.Join([]string{id, at, string(body)}, ".")))
	var event struct{ ID, Sequence string }
	switch {
	case err != nil:
		e.faults = append(e.faults, err.Error())
	case r.Header.Get("webhook-signature") != "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)):
		e.faults = append(e.faults, "badly signed")
	case json.Unmarshal(body, &event) != nil || event.ID != id:
		e.faults = append(e.faults, "badly made: "+string(body))
	case r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/cloudevents+json; charset=UTF-8":
		e.faults = append(e.faults, "badly sent")
	}
	status := e.status
	if len(e.statuses) > 0 {
		status, e.statuses = e.statuses[0], e.statuses[1:]
	}
	if status == http.StatusOK && !e.seen[id] {
		e.seen[id] = true
		e.places = append(e.places, event.Sequence)
	}
	w.Header().Set("Location", "/elsewhere") // which nobody follows
	w.WriteHeader(status)
}

func (e *endpoint) refuse(status int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.status = status
}

func (e *endpoint) asked() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.count
}

func (e *endpoint) once() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.places
}
