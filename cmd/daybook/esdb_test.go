package main_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/esdb"
	"github.com/daybook-engine/daybook/eventstore/esdbserver"
	"github.com/daybook-engine/daybook/eventstore/memory"
	"github.com/daybook-engine/daybook/eventstore/sqlite"
	"github.com/daybook-engine/daybook/eventstore/storetest"
	"github.com/daybook-engine/daybook/projections"
)

// The season over EventStoreDB's protocol is the season in a file: the same
// events in the same order, the same figures and the same history. Only
// positions are each log's own.
func TestTheSeasonIsTheSameOnACluster(t *testing.T) {
	t.Parallel()
	cluster := serveLog(t, nil)

	dir := filepath.Join(t.TempDir(), "data")
	daybook(t, dir, "rehearse", "rehearsals/"+autumn+".yaml", "--log", cluster)
	require.Contains(t, daybook(t, dir, "integrity", "--log", cluster), "read models as the log gives them")
	_, talk, code := tried(t, dir, nil, "figures", "--cycle", autumn)
	require.Equal(t, 1, code)
	require.Contains(t, talk, "if the log is on a cluster, name it by --log")
	_, talk, code = tried(t, seasonCopy(t), []string{"DAYBOOK_LOG=" + cluster}, "figures", "--cycle", autumn)
	require.Equal(t, 2, code)
	require.Contains(t, talk, "leave out --log")
	typo := filepath.Join(t.TempDir(), "typo")
	_, talk, code = tried(t, typo, nil, "rehearse", "rehearsals/"+autumn+".yaml", "--log", cluster)
	require.Equal(t, 1, code)
	require.Contains(t, talk, "give the --data that has it")
	require.NoDirExists(t, typo)
	views := filepath.Join(dir, "views.db")
	require.NoError(t, os.WriteFile(views, []byte("Dear diary, this is no database."), 0o600))
	_, talk, code = tried(t, dir, nil, "figures", "--cycle", autumn, "--log", cluster)
	require.Equal(t, 1, code)
	require.Contains(t, talk, fmt.Sprintf("daybook rebuild --data %s --log '%s'", dir, cluster))
	daybook(t, dir, "rebuild", "--log", cluster)

	store, err := esdb.Open(t.Context(), esdb.Options{Connection: cluster})
	require.NoError(t, err)
	defer store.Close()
	storetest.CheckLog(t, store)
	file, err := sqlite.Open(filepath.Join(seasonCopy(t), "log.db"), sqlite.Options{})
	require.NoError(t, err)
	defer file.Close()
	want := everything(t, file)
	require.Greater(t, strings.Count(want, "\n"), 900)
	requireSameLines(t, want, everything(t, store))
}

// serveLog is a log on a server of ours, and how to reach it.
func serveLog(t *testing.T, fault func(context.Context, esdbserver.Moment) esdbserver.Fault) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() {
		served <- esdbserver.New(memory.New(), esdbserver.Options{Now: time.Now, Recorded: recorded, Leader: l.Addr().String(), Fault: fault}).Serve(ctx, l)
	}()
	t.Cleanup(func() { cancel(); require.NoError(t, <-served) })
	return "esdb://" + l.Addr().String() + "?tls=false"
}

// Who was not told whether something was recorded is told how to ask again.
func TestWhatMayHaveBeenRecordedIsAskedAgainUnderItsID(t *testing.T) {
	t.Parallel()
	var appends atomic.Int64 // since the answers began to be lost
	appends.Store(-1 << 32)
	cluster := serveLog(t, func(_ context.Context, at esdbserver.Moment) esdbserver.Fault {
		if at.Method != "Append" {
			return esdbserver.NoFault
		}
		switch n := appends.Add(1); {
		case n < 1:
			return esdbserver.NoFault
		case n == 1:
			return esdbserver.DropAfter
		}
		return esdbserver.Busy
	})
	dir := filepath.Join(t.TempDir(), "data")
	do := func(args ...string) []string {
		return append([]string{"do", "--by", "coordinator/anna", "--log", cluster}, args...)
	}
	daybook(t, dir, do("person.register", "--with", `{"handle":"anna","register":"staff","name":"Anna Berg"}`)...)
	museum := do("organisation.register", "--with", `{"organisation":"museum","name":"x","kind":"museum"}`)

	appends.Store(0)
	out, talk, code := tried(t, dir, nil, museum...)
	require.Equal(t, 1, code, talk)
	require.Empty(t, out)
	require.Contains(t, talk, "it is not known whether this was recorded")
	id := regexp.MustCompile(`give the same command again with --command-id (\S+),`).FindStringSubmatch(talk)
	require.NotNil(t, id, talk)

	appends.Store(-1 << 32)
	require.Contains(t, daybook(t, dir, append(museum, "--command-id", id[1])...), "organisation.registered")
	require.Equal(t, 1, strings.Count(daybook(t, dir, "events", "--log", cluster), "organisation.registered"))
}

// recorded is when an event was recorded, by its envelope.
func recorded(r eventstore.Recorded) time.Time {
	env, err := schema.DecodeEnvelope(r.Metadata)
	if err != nil {
		return time.Unix(0, 0)
	}
	return env.RecordedAt
}

var positionText = regexp.MustCompile(`\b[0-9a-f]{16}\b`)

// everything is what a log tells: its events, then its books, the cycle's
// figures and history. Positions are counted from the log's beginning instead.
func everything(t *testing.T, store eventstore.Store) string {
	var b strings.Builder
	count := map[string]string{}
	for r, err := range store.ReadAll(t.Context(), eventstore.ReadAll{}) {
		require.NoError(t, err)
		count[r.Position.String()] = fmt.Sprintf("#%d", len(count))
		fmt.Fprintf(&b, "%s %s@%d %s %s %s %s\n", r.Position, r.Stream, r.Revision, r.ID, r.Name, r.Data, r.Metadata)
	}
	views, err := projections.Open("", store)
	require.NoError(t, err)
	defer views.Close()
	require.NoError(t, views.CatchUp(t.Context()))
	books, err := views.Books(t.Context())
	require.NoError(t, err)
	require.Len(t, books, 4)
	for _, book := range books {
		fmt.Fprintf(&b, "%+v\n", book)
	}
	figures, err := views.Figures(t.Context(), autumn)
	require.NoError(t, err)
	require.NotEmpty(t, figures)
	for _, f := range figures {
		line, err := json.Marshal(f)
		require.NoError(t, err)
		fmt.Fprintf(&b, "%s\n", line)
	}
	history, err := views.History(t.Context(), projections.HistoryFilter{Cycle: autumn})
	require.NoError(t, err)
	require.NotEmpty(t, history)
	for _, h := range history {
		fmt.Fprintf(&b, "%s %s@%d %s | %s | %s | %s | %t\n", h.Position, h.Stream, h.Revision, h.Envelope.ID, h.Sentence, h.Before, h.After, h.Late)
	}
	return positionText.ReplaceAllStringFunc(b.String(), func(text string) string { return cmp.Or(count[text], text) })
}
