package workflows_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain/measure"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/esdb"
	"github.com/daybook-engine/daybook/eventstore/esdbserver"
	"github.com/daybook-engine/daybook/eventstore/memory"
	"github.com/daybook-engine/daybook/eventstore/sqlite"
	"github.com/daybook-engine/daybook/eventstore/storetest"
	"github.com/daybook-engine/daybook/projections"
	"github.com/daybook-engine/daybook/workflows"
)

const s1 = "nemo-2023-autumn.yaml" // with the spring before it

// A season is a rehearsal played as it should be: what the others are held
// against.
type season struct {
	rehearsal *workflows.Rehearsal
	store     *memory.Store
	vault     *vault
	log       []string
	figures   string
	past      *sync.Map // figures at past moments, which cost a replay each
}

func playedSeason(t *testing.T) *season {
	s := &season{rehearsal: loadRehearsal(t, s1), store: memory.New(), vault: newVault(), past: &sync.Map{}}
	var unmet []string
	st, views := stage(t, s.store, s.vault, told(&unmet))
	_, err := st.Play(t.Context(), s.rehearsal)
	require.NoError(t, err, "%v", unmet)
	s.log, s.figures = lines(t, s.store), figures(t, views)
	return s
}

// play plays the season again, or on, in a new process. The figures of past
// moments are computed once: they are compared at the end.
func (s *season) play(t *testing.T, store eventstore.Store, v workflows.Vault, pace func(context.Context, time.Time) error) (string, error) {
	var unmet []string
	st, views := stage(t, store, v, told(&unmet))
	st.Pace = pace
	look := st.Figure
	st.Figure = func(ctx context.Context, store eventstore.Store, cycle, measure string, at time.Time, clock string) (int64, error) {
		key := fmt.Sprint(cycle, measure, at, clock)
		if v, ok := s.past.Load(key); ok && !at.IsZero() {
			return v.(int64), nil
		}
		v, err := look(ctx, store, cycle, measure, at, clock)
		if err == nil {
			s.past.Store(key, v)
		}
		return v, err
	}
	if _, err := st.Play(t.Context(), s.rehearsal); err != nil {
		return "", fmt.Errorf("%w %s", err, strings.Join(unmet, "; "))
	}
	return figures(t, views), nil
}

// figures lists every measure of both cycles.
func figures(t testing.TB, views *projections.Views) string {
	t.Helper()
	require.NoError(t, views.CatchUp(t.Context()))
	var b strings.Builder
	for _, cycle := range []string{"nemo-2023-spring", "nemo-2023-autumn"} {
		for _, m := range measure.All {
			x, err := views.Explain(t.Context(), cycle, m.Measure)
			require.NoError(t, err)
			fmt.Fprintln(&b, cycle, m.Measure, x.Value)
		}
	}
	return b.String()
}

// lines is a log as text, an event each, with the exact bytes.
func lines(t testing.TB, s eventstore.Store) []string {
	t.Helper()
	recorded := log(t, s)
	out := make([]string, len(recorded))
	for i, r := range recorded {
		out[i] = strings.Join([]string{r.ID.String(), r.Stream, r.Name, string(r.Data), string(r.Metadata)}, " ")
	}
	return out
}

// requireOnce tells that no event was recorded twice, under whatever id.
func requireOnce(t *testing.T, log []string) {
	t.Helper()
	seen := map[string]bool{}
	for _, line := range log {
		require.False(t, seen[line], line)
		seen[line] = true
	}
}

// seeds says how many seeds a test of faults takes.
func seeds(t *testing.T, unless uint64) uint64 {
	n, err := strconv.ParseUint(cmp.Or(os.Getenv("DAYBOOK_SEEDS"), fmt.Sprint(unless)), 10, 64)
	require.NoError(t, err)
	return n
}

// unknown tells of an error that leaves open whether something was kept.
func unknown(err error) bool {
	return errors.Is(err, storetest.ErrInjected) || errors.Is(err, eventstore.ErrUnavailable)
}

// crumblingCluster is a log on a server of ours where every fourth append is
// lost on its way, or its answer is, or it comes twice, or finds a follower.
func crumblingCluster(t *testing.T, seed uint64) eventstore.Store {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, 0))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := esdbserver.New(memory.New(), esdbserver.Options{Leader: l.Addr().String(), Fault: func(_ context.Context, at esdbserver.Moment) esdbserver.Fault {
		mu.Lock()
		defer mu.Unlock()
		faults := []esdbserver.Fault{
			esdbserver.Drop, esdbserver.DropAfter, esdbserver.DropAfter, esdbserver.Twice, esdbserver.NotLeader, esdbserver.Busy,
		}
		if n := random.IntN(4 * len(faults)); n < len(faults) && at.Method == "Append" {
			return faults[n]
		}
		return esdbserver.NoFault
	}})
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx, l) }()
	t.Cleanup(func() { cancel(); require.NoError(t, <-served) })
	var client *esdb.Store
	for client == nil { // its first append may be lost too
		client, _ = esdb.Open(t.Context(), esdb.Options{Connection: "esdb://" + l.Addr().String() + "?tls=false"})
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// errDead is what a process gets that is no more.
var errDead = errors.New("the process has died")

func TestASeasonEndsTheSameWhateverFails(t *testing.T) {
	t.Parallel()
	want := playedSeason(t)
	storetest.CheckLog(t, want.store)
	requireOnce(t, want.log)

	for name, on := range map[string]struct {
		seeds uint64
		open  func(t *testing.T, seed uint64) eventstore.Store
	}{
		"in memory": {10, func(_ *testing.T, seed uint64) eventstore.Store {
			return storetest.Flaky(memory.New(), storetest.Seeded(seed))
		}},
		"in a file": {2, func(t *testing.T, seed uint64) eventstore.Store {
			store, err := sqlite.Open(filepath.Join(t.TempDir(), "log.db"), sqlite.Options{})
			require.NoError(t, err)
			t.Cleanup(func() { store.Close() })
			return storetest.Flaky(store, storetest.Seeded(seed))
		}},
		"on a cluster": {2, crumblingCluster},
	} {
		t.Run("when appends fail having applied or not, "+name, func(t *testing.T) {
			t.Parallel()
			for seed := range seeds(t, on.seeds) {
				t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
					store, v := on.open(t, seed), newVault()
					figures, err := want.play(t, store, v, nil)
					for again := 0; unknown(err) && again < 50; again++ { // eight in a row: the process gave up, and is started again
						figures, err = want.play(t, store, v, nil)
					}
					require.NoError(t, err)
					require.Equal(t, want.figures, figures)
					requireLines(t, want.log, lines(t, store))
					require.Equal(t, want.vault.size(), v.size())
					storetest.CheckLog(t, store)
				})
			}
		})
	}

	// What is left of a process that died is the log and the vault.
	goOn := func(t *testing.T, store *memory.Store, where string) []string {
		t.Helper()
		figures, err := want.play(t, store, want.vault, nil)
		require.NoError(t, err, where)
		require.Equal(t, want.figures, figures, where)
		storetest.CheckLog(t, store)
		return lines(t, store)
	}

	t.Run("when the process dies after some step and everything in memory is lost", func(t *testing.T) {
		t.Parallel()
		store, step, stride := memory.New(), 0, max(want.rehearsal.Steps()/every(30), 1)
		_, err := want.play(t, store, newVault(), func(context.Context, time.Time) error {
			if step++; step%stride == 0 {
				requireLines(t, want.log, goOn(t, prefix(t, log(t, store)), fmt.Sprint("before step ", step)), step)
			}
			return nil
		})
		require.NoError(t, err)
	})

	t.Run("when the process dies in the middle of something", func(t *testing.T) {
		t.Parallel()
		recorded := log(t, want.store)
		for k := 1; k < len(recorded); k += max(len(recorded)/every(20), 1) {
			for k < len(recorded) && envelope(t, recorded[k]).CommandID == envelope(t, recorded[k-1]).CommandID {
				k++ // one append
			}
			requireLines(t, want.log, goOn(t, prefix(t, recorded[:k]), fmt.Sprint("after event ", k)), "after event", k)
		}
	})

	t.Run("when the process is killed and truly gone", func(t *testing.T) {
		t.Parallel()
		store, v, steps := memory.New(), newVault(), 0
		_, err := want.play(t, store, v, func(context.Context, time.Time) error {
			if steps++; steps > 300 {
				return errDead
			}
			return nil
		})
		require.ErrorIs(t, err, errDead)
		figures, err := want.play(t, store, v, nil)
		require.NoError(t, err)
		require.Equal(t, want.figures, figures)
		requireLines(t, want.log, lines(t, store))
		require.Equal(t, want.vault.size(), v.size())
	})

	t.Run("when every policy is told everything again, or the season is played again", func(t *testing.T) {
		t.Parallel()
		store, v := memory.New(), newVault()
		var unmet []string
		st, _ := stage(t, store, v, told(&unmet))
		_, err := st.Play(t.Context(), want.rehearsal)
		require.NoError(t, err, "%v", unmet)
		for _, r := range log(t, store) {
			require.NoError(t, st.Engine.React(t.Context(), r))
		}
		requireLines(t, want.log, lines(t, store), "every event told twice")
		require.NoError(t, st.Engine.CatchUp(t.Context(), &mark{}))
		requireLines(t, want.log, lines(t, store), "from a lost checkpoint")
		_, err = st.Play(t.Context(), want.rehearsal)
		require.NoError(t, err, "%v", unmet)
		figures, err := want.play(t, store, v, nil)
		require.NoError(t, err)
		require.Equal(t, want.figures, figures)
		requireLines(t, want.log, lines(t, store), "played again")

		// A process that forgot everything reacts to everything.
		st, _ = stage(t, store, v, nil)
		for _, r := range slices.Backward(log(t, store)) {
			require.NoError(t, st.Engine.React(t.Context(), r))
		}
		requireLines(t, want.log, lines(t, store), "told backwards")
		require.Equal(t, want.vault.size(), v.size())
		storetest.CheckLog(t, store)
	})
}

// every is how many cases a test takes; fewer under -short.
func every(n int) int {
	if testing.Short() {
		return n / 5
	}
	return n
}

// prefix is a store with the beginning of a log.
func prefix(t *testing.T, log []eventstore.Recorded) *memory.Store {
	t.Helper()
	store := memory.New()
	for _, r := range log {
		expected := eventstore.NoStream
		if r.Revision > 0 {
			expected = eventstore.Exact(r.Revision - 1)
		}
		_, err := store.Append(t.Context(), r.Stream, expected, r.Event)
		require.NoError(t, err)
	}
	return store
}

// requireLines is require.Equal without printing whole logs.
func requireLines(t *testing.T, want, got []string, where ...any) {
	t.Helper()
	for i := range min(len(want), len(got)) {
		if want[i] != got[i] {
			require.Equal(t, want[i], got[i], "%v: event %d", where, i)
		}
	}
	require.Len(t, got, len(want), where)
}
