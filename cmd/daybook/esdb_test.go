package main_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	main "github.com/daybook-engine/daybook/cmd/daybook"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/esdb"
	"github.com/daybook-engine/daybook/eventstore/esdbserver"
	"github.com/daybook-engine/daybook/eventstore/memory"
	"github.com/daybook-engine/daybook/eventstore/sqlite"
	"github.com/daybook-engine/daybook/eventstore/storetest"
	"github.com/daybook-engine/daybook/eventstore/vault"
	"github.com/daybook-engine/daybook/projections"
	"github.com/daybook-engine/daybook/workflows"
)

// The season over EventStoreDB's protocol is the season in a file: the same
// events in the same order, the same figures and the same history. Only
// positions are each log's own.
func TestTheSeasonIsTheSameOnACluster(t *testing.T) {
	t.Parallel()
	store := onCluster(t, nil)
	play(t, store)
	requireSeasonOf(t, store)
}

// And so it is when every fourth append is lost on its way, or its answer is,
// or it comes twice: whoever plays the season asks again, and begins again
// where an error ends it.
func TestTheSeasonIsTheSameOnACrumblingCluster(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	random, faults := rand.New(rand.NewPCG(2023, 9)), 0
	store := onCluster(t, func(_ context.Context, at esdbserver.Moment) esdbserver.Fault {
		mu.Lock()
		defer mu.Unlock()
		n := random.IntN(24)
		if at.Method != "Append" || n > 5 {
			return esdbserver.NoFault
		}
		faults++
		return []esdbserver.Fault{
			esdbserver.Drop, esdbserver.DropAfter, esdbserver.DropAfter, esdbserver.Twice, esdbserver.NotLeader, esdbserver.Busy,
		}[n]
	})
	play(t, store)
	require.Greater(t, faults, 50)
	requireSeasonOf(t, store)
}

// onCluster is a log on a server of ours, over memory.
func onCluster(t *testing.T, fault func(context.Context, esdbserver.Moment) esdbserver.Fault) eventstore.Store {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() {
		served <- esdbserver.New(memory.New(), esdbserver.Options{
			Now: time.Now, Recorded: recorded, Fault: fault, Leader: l.Addr().String(),
		}).Serve(ctx, l)
	}()
	t.Cleanup(func() { cancel(); require.NoError(t, <-served) })
	var store *esdb.Store
	for store == nil { // its first append may be lost too
		store, _ = esdb.Open(t.Context(), esdb.Options{Connection: "esdb://" + l.Addr().String() + "?tls=false"})
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// recorded is when an event was recorded, by its envelope.
func recorded(r eventstore.Recorded) time.Time {
	env, err := schema.DecodeEnvelope(r.Metadata)
	if err != nil {
		return time.Unix(0, 0)
	}
	return env.RecordedAt
}

// play rehearses the autumn season, as daybook rehearse does, until it ends
// without an error.
func play(t *testing.T, store eventstore.Store) {
	r, err := workflows.LoadRehearsal(os.ReadFile, "rehearsals/"+autumn+".yaml")
	require.NoError(t, err)
	sealed, err := vault.Open(vault.Options{Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(func() { sealed.Close() })
	for {
		err := playOnce(t, store, sealed, r)
		if errors.Is(err, workflows.ErrUnmet) || t.Context().Err() != nil {
			require.NoError(t, err)
		}
		if err == nil {
			return
		}
		t.Log(err)
	}
}

func playOnce(t *testing.T, store eventstore.Store, sealed *vault.Vault, r *workflows.Rehearsal) error {
	views, err := projections.Open("", store)
	if err != nil {
		return err
	}
	defer views.Close()
	clock := &workflows.VirtualClock{}
	engine, err := workflows.New(t.Context(), workflows.Config{
		Store: store, Vault: main.Sealed(sealed), Now: clock.Now, Rehearsal: true, Tzdata: main.Tzdata(),
	})
	if err != nil {
		return err
	}
	clock.Set(engine.Latest())
	stage := workflows.Stage{
		Engine: engine, Clock: clock, Agenda: main.Agenda(views), Policies: &place{}, Tell: func(workflows.Told) {},
		Figure: func(ctx context.Context, store eventstore.Store, cycle, measure string, at time.Time, clock string) (int64, error) {
			views := views
			if !at.IsZero() {
				past, err := projections.At(ctx, store, projections.When{Time: at, Clock: projections.Clock(clock)})
				if err != nil {
					return 0, err
				}
				defer past.Close()
				views = past
			}
			if err := views.CatchUp(ctx); err != nil {
				return 0, err
			}
			x, err := views.Explain(ctx, cycle, measure)
			return x.Value, err
		},
	}
	_, err = stage.Play(t.Context(), r)
	return err
}

// A place is a policies' checkpoint in memory.
type place struct{ at eventstore.Position }

func (p *place) Load(context.Context) (eventstore.Position, error) { return p.at, nil }

func (p *place) Save(_ context.Context, at eventstore.Position) error {
	p.at = at
	return nil
}

// requireSeasonOf holds a log against the season that daybook rehearse makes.
func requireSeasonOf(t *testing.T, store eventstore.Store) {
	storetest.CheckLog(t, store)
	file, err := sqlite.Open(filepath.Join(seasonCopy(t), "log.db"), sqlite.Options{})
	require.NoError(t, err)
	defer file.Close()
	want, got := everything(t, file), everything(t, store)
	require.Greater(t, strings.Count(want, "\n"), 900)
	requireSameLines(t, want, got)
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
		fmt.Fprintf(&b, "%+v\n", f)
	}
	history, err := views.History(t.Context(), projections.HistoryFilter{Cycle: autumn})
	require.NoError(t, err)
	require.NotEmpty(t, history)
	for _, h := range history {
		fmt.Fprintf(&b, "%s %s@%d %s | %s | %s | %s | %t\n", h.Position, h.Stream, h.Revision, h.Envelope.ID, h.Sentence, h.Before, h.After, h.Late)
	}
	return positionText.ReplaceAllStringFunc(b.String(), func(text string) string { return cmp.Or(count[text], text) })
}
