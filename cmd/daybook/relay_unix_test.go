//go:build unix

package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
)

// The real program tells others of what was recorded, parks who is gone until
// its file is removed, and goes on where it was when it is started again. A
// rehearsed daybook tells nobody.
func TestServeRelays(t *testing.T) {
	t.Parallel()
	heard := make(chan string, 10)
	website := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var event struct{ Type, Sequence string }
		_ = json.NewDecoder(r.Body).Decode(&event)
		heard <- event.Type + " " + event.Sequence
	}))
	t.Cleanup(website.Close)
	asked := make(chan string, 10)
	gone := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked <- "asked"
		w.WriteHeader(http.StatusGone)
	}))
	t.Cleanup(gone.Close)

	dir := filepath.Join(t.TempDir(), "data")
	config := filepath.Join(t.TempDir(), "relay.yaml")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `
targets:
  - {target: website, kind: webhook, url: "%s", secret: {file: secret}, events: [person.registered, session.held]}
  - {target: gone, kind: webhook, url: "%s", secret: {file: secret}, events: [person.registered]}
`, website.URL, gone.URL), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(config), "secret"), []byte("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), 0o600))
	register := func(handle string) {
		daybook(t, dir, "do", "person.register", "--by", "coordinator/anna", "--with", fmt.Sprintf(`{"handle":%q,"register":"staff","name":"Anna Berg"}`, handle))
	}

	register("anna")
	_, stop := start(t, "serve", "--relay", config, "--data", dir)
	require.Equal(t, "person.registered 0000000000000001", hear(t, heard))
	require.Equal(t, "asked", hear(t, asked))
	require.Zero(t, stop())
	note, err := os.ReadFile(filepath.Join(dir, "relay-gone.parked"))
	require.NoError(t, err)
	require.Regexp(t, `^gone will not take event .{36} \(person.registered\): it answered 410 Gone; nothing is relayed to it until you remove `, string(note))

	register("ben")
	_, stop = start(t, "serve", "--relay", config, "--data", dir)
	require.Equal(t, "person.registered 0000000000000002", hear(t, heard))
	require.Zero(t, stop())
	require.Empty(t, asked)

	// What a crash left of a target's place is no reason to tell it everything.
	place := filepath.Join(dir, "relay-website.checkpoint")
	require.NoError(t, os.Truncate(place, 0))
	s := startServer(t, nil, "serve", "--relay", config, "--data", dir)
	require.Eventually(t, func() bool { return strings.Contains(s.talk.String(), place+" cannot be read") }, patience, 10*time.Millisecond)
	require.Zero(t, s.stop())
	require.Empty(t, heard)

	_, stop = start(t, "serve", "--relay", config, "--data", seasonCopy(t))
	require.Zero(t, stop())
	require.Empty(t, heard)
}

// A source's messages are commands: done once, though they come twice, and
// answered.
func TestServeTakesCommands(t *testing.T) {
	t.Parallel()
	bus, err := natsserver.NewServer(&natsserver.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true})
	require.NoError(t, err)
	bus.Start()
	require.True(t, bus.ReadyForConnections(patience))
	t.Cleanup(bus.Shutdown)
	conn, err := nats.Connect(bus.ClientURL())
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	require.NoError(t, err)
	_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "DESK", Subjects: []string{"desk.>"}})
	require.NoError(t, err)

	dir, config := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "relay.yaml")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `
sources:
  - {source: desk, url: "%s", subject: desk.commands, answers: desk.answers, by: coordinator/anna, commands: [person.register]}
`, bus.ClientURL()), 0o600))
	daybook(t, dir, "do", "person.register", "--by", "coordinator/anna", "--with", `{"handle":"anna","register":"staff","name":"Anna Berg"}`)
	heard := make(chan string, 10)
	_, err = conn.Subscribe("desk.answers", func(m *nats.Msg) {
		var e struct{ Type, Subject string }
		_ = json.Unmarshal(m.Data, &e)
		heard <- e.Subject + " " + e.Type
	})
	require.NoError(t, err)
	for _, id := range []string{"1", "1", "2"} {
		_, err = js.Publish(t.Context(), "desk.commands", fmt.Appendf(nil,
			`{"specversion":"1.0","source":"desk","id":%q,"type":"person.register","data":{"handle":"ben","register":"staff","name":"Ben Stone"}}`, id))
		require.NoError(t, err)
	}
	_, stop := start(t, "serve", "--relay", config, "--data", dir)
	require.Equal(t, "1 command.done", hear(t, heard))
	require.Equal(t, "1 command.done", hear(t, heard))
	require.Equal(t, "2 command.refused", hear(t, heard))
	require.Zero(t, stop())
	require.Equal(t, 2, strings.Count(daybook(t, dir, "events", "--name", "person.registered", "--json"), "\n"))
	require.Contains(t, daybook(t, dir, "events", "--json"), `"channel":"relay"`)
}

func hear(t *testing.T, heard <-chan string) string {
	select {
	case text := <-heard:
		return text
	case <-time.After(patience / 4):
		require.Fail(t, "nothing was relayed")
		return ""
	}
}
