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
	s.log = lines(t, s.store)
	s.figures, err = figures(t.Context(), views)
	require.NoError(t, err)
	return s
}

// play plays the season again, or on, in a new process.
func (s *season) play(t *testing.T, store eventstore.Store, v workflows.Vault, pace func(context.Context, time.Time) error) (string, error) {
	return s.playOn(t, store, v, &mark{}, pace)
}

// playOn is play with a checkpoint of the policies. The figures of past
// moments are computed once: they are compared at the end.
func (s *season) playOn(t *testing.T, store eventstore.Store, v workflows.Vault, policies workflows.Checkpoint, pace func(context.Context, time.Time) error) (string, error) {
	var unmet []string
	st, views, err := tryStage(t, store, v, told(&unmet))
	if err != nil {
		return "", err
	}
	st.Pace, st.Policies = pace, policies
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
	return figures(t.Context(), views)
}

// figures lists every measure of both cycles, and every book with its root.
func figures(ctx context.Context, views *projections.Views) (string, error) {
	if err := views.CatchUp(ctx); err != nil {
		return "", err
	}
	var b strings.Builder
	for _, cycle := range []string{"nemo-2023-spring", "nemo-2023-autumn"} {
		for _, m := range measure.All {
			x, err := views.Explain(ctx, cycle, m.Measure)
			if err != nil {
				return "", err
			}
			fmt.Fprintln(&b, cycle, m.Measure, x.Value)
		}
	}
	books, err := views.Books(ctx)
	for _, book := range books {
		fmt.Fprintln(&b, book.Book, book.Size, book.Root)
	}
	return b.String(), err
}

// follow makes read models that follow a store beside the season, as those of
// the pages do, and begin again where a fault ends it. What is given waits
// until they have come to the head, and gives their figures.
func follow(t *testing.T, store eventstore.Store) func() string {
	views, err := projections.Open("", store)
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() {
		err := views.Run(t.Context())
		for unknown(err) {
			err = views.Run(t.Context())
		}
		ended <- err
	}()
	t.Cleanup(func() {
		require.ErrorIs(t, <-ended, context.Canceled)
		views.Close()
	})
	at := func() (string, error) {
		head, err := store.Head(t.Context())
		if err == nil {
			err = views.WaitFor(t.Context(), head)
		}
		if err != nil {
			return "", err
		}
		return figures(t.Context(), views)
	}
	return func() string {
		figures, err := at()
		for unknown(err) { // it is about to begin again
			figures, err = at()
		}
		require.NoError(t, err)
		return figures
	}
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

// seeds says how many seeds, or places to die at, a test of faults takes: as many
// as DAYBOOK_SEEDS says, or few. A store that takes its time takes a fifth of
// them.
func seeds(t *testing.T, few uint64, slow bool) uint64 {
	n, err := strconv.ParseUint(cmp.Or(os.Getenv("DAYBOOK_SEEDS"), fmt.Sprint(few)), 10, 64)
	require.NoError(t, err)
	if slow {
		return (n + 4) / 5
	}
	return n
}

// unknown tells of an error that leaves open whether something was kept.
func unknown(err error) bool {
	return errors.Is(err, storetest.ErrInjected) || errors.Is(err, eventstore.ErrUnavailable)
}

// A frail store is one that faults befall, until off ends them and gives it to
// somebody who is not in a hurry.
type frail struct {
	eventstore.Store
	off    func() eventstore.Store
	struck func() storetest.Struck
}

// flaky makes a store of this process frail.
func flaky(s eventstore.Store, seed uint64) frail {
	f := storetest.Flaky(s, storetest.Seeded(seed)).Cut(storetest.Sometimes(seed, 5, 2000), storetest.Sometimes(seed, 5, 50))
	return frail{f, func() eventstore.Store { f.Off(); return s }, f.Struck}
}

// A crumbling cluster is a log on a server of ours where every fourth append
// is lost on its way, or its answer is, or it comes twice, or finds a
// follower; and where some reads and subscriptions break off, find a follower
// or a busy server, or wait in vain.
type crumblingCluster struct {
	seed                 uint64
	random               *rand.Rand
	reads, subscriptions func() bool

	mu     sync.Mutex
	struck storetest.Struck
	off    bool
}

func newCrumblingCluster(t *testing.T, seed uint64) frail {
	c := &crumblingCluster{
		seed: seed, random: rand.New(rand.NewPCG(seed, 0)),
		reads: storetest.Sometimes(seed, 5, 4000), subscriptions: storetest.Sometimes(seed, 5, 50),
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := esdbserver.New(memory.New(), esdbserver.Options{Leader: l.Addr().String(), Fault: c.fault})
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx, l) }()
	t.Cleanup(func() { cancel(); require.NoError(t, <-served) })
	connect := func(patience time.Duration) (client *esdb.Store) {
		for client == nil { // its first append may be lost too
			client, _ = esdb.Open(t.Context(), esdb.Options{Connection: "esdb://" + l.Addr().String() + "?tls=false", Patience: patience})
		}
		t.Cleanup(func() { client.Close() })
		return client
	}
	off := func() eventstore.Store {
		c.mu.Lock()
		c.off = true
		c.mu.Unlock()
		return connect(0)
	}
	return frail{connect(patience), off, func() storetest.Struck {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.struck
	}}
}

// slow is a fault of our own: an answer that comes after nobody waits for it
// any more, which is after patience.
const (
	slow     = esdbserver.Fault(-1)
	patience = 500 * time.Millisecond
)

func (c *crumblingCluster) fault(ctx context.Context, at esdbserver.Moment) esdbserver.Fault {
	fault := c.next(at)
	if fault == slow {
		<-ctx.Done()
		return esdbserver.NoFault
	}
	return fault
}

// next tells what happens. Each kind comes in its turn to reads; a
// subscription that hears nothing waits rightly.
func (c *crumblingCluster) next(at esdbserver.Moment) esdbserver.Fault {
	appends := []esdbserver.Fault{
		esdbserver.Drop, esdbserver.DropAfter, esdbserver.DropAfter, esdbserver.Twice, esdbserver.NotLeader, esdbserver.Busy,
	}
	reads := []esdbserver.Fault{esdbserver.Drop, esdbserver.NotLeader, esdbserver.Busy, slow}
	c.mu.Lock()
	defer c.mu.Unlock()
	turn := func(struck *int, kinds []esdbserver.Fault) esdbserver.Fault {
		*struck++
		return kinds[(int(c.seed)+*struck)%len(kinds)]
	}
	switch {
	case c.off:
	case at.Method == "Append":
		if n := c.random.IntN(4 * len(appends)); n < len(appends) {
			c.struck.Appends++
			return appends[n]
		}
	case at.Follows && c.subscriptions():
		return turn(&c.struck.Subscriptions, reads[:3])
	case !at.Follows && c.reads():
		return turn(&c.struck.Reads, reads)
	}
	return esdbserver.NoFault
}

// errDead is what a process gets that is no more.
var errDead = errors.New("the process has died")

func TestASeasonEndsTheSameWhateverFails(t *testing.T) {
	t.Parallel()
	want := playedSeason(t)
	storetest.CheckLog(t, want.store)
	requireOnce(t, want.log)

	for name, open := range map[string]func(t *testing.T, seed uint64) frail{
		"in memory": func(_ *testing.T, seed uint64) frail { return flaky(memory.New(), seed) },
		"in a file": func(t *testing.T, seed uint64) frail {
			store, err := sqlite.Open(filepath.Join(t.TempDir(), "log.db"), sqlite.Options{})
			require.NoError(t, err)
			t.Cleanup(func() { store.Close() })
			return flaky(store, seed)
		},
		"on a cluster": newCrumblingCluster,
	} {
		t.Run("when appends fail having applied or not, and reads and subscriptions break off, "+name, func(t *testing.T) {
			t.Parallel()
			for seed := range seeds(t, 2, name != "in memory") {
				t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
					store, v, policies := open(t, seed), newVault(), &mark{}
					followed := follow(t, store)
					figures, err := want.playOn(t, store, v, policies, nil)
					starts := 1
					for ; unknown(err) && starts < 50; starts++ { // the process gave up, and is started again
						figures, err = want.playOn(t, store, v, policies, nil)
					}
					require.NoError(t, err)
					whole := store.off()
					require.Equal(t, want.figures, figures)
					require.Equal(t, want.figures, followed())
					requireLines(t, want.log, lines(t, whole))
					require.Equal(t, want.vault.Size(), v.Size())
					storetest.CheckLog(t, whole)

					struck := store.struck()
					t.Logf("struck: %+v; %d starts", struck, starts)
					require.Greater(t, struck.Appends, 50)
					require.GreaterOrEqual(t, struck.Reads, 4)
					require.NotZero(t, struck.Subscriptions)
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
		store, step, stride := memory.New(), 0, max(want.rehearsal.Steps()/int(seeds(t, 6, false)), 1)
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
		for k := 1; k < len(recorded); k += max(len(recorded)/int(seeds(t, 4, false)), 1) {
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
		require.Equal(t, want.vault.Size(), v.Size())
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
		require.Equal(t, want.vault.Size(), v.Size())
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
