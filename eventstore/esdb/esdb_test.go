package esdb_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/esdb"
	"github.com/daybook-engine/daybook/eventstore/esdbserver"
	"github.com/daybook-engine/daybook/eventstore/memory"
	"github.com/daybook-engine/daybook/eventstore/storetest"
)

// What holds of every store holds of this one, over our own server. What that
// can't show is how a server of the vendor's behaves: see TestARealServer.
func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) eventstore.Store {
		return open(t, esdb.Options{Connection: cluster(t, memory.New(), esdbserver.Options{})})
	})
}

func TestStoreInASpaceOfItsOwn(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) eventstore.Store {
		at := cluster(t, memory.New(), esdbserver.Options{})
		for _, space := range []string{"", "nemo", "nemo2"} {
			_, err := open(t, esdb.Options{Connection: at, Space: space}).Append(t.Context(), "call-1", eventstore.Any, newEvent())
			require.NoError(t, err)
		}
		return open(t, esdb.Options{Connection: at, Space: "nem"})
	})
}

// A caller that does what the contract says, asking again with the same ids
// and going on reading where it was, gets what the contract promises from a
// server that drops connections before and after appending, appends twice,
// is busy, and sends clients to its leader.
func TestACallerThatAsksAgainLivesWithAFaultyServer(t *testing.T) {
	t.Parallel()
	n, err := strconv.ParseUint(cmp.Or(os.Getenv("DAYBOOK_SEEDS"), "10"), 10, 64)
	require.NoError(t, err)
	for seed := range max(1, n/10) { // each is a suite, and a second
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, func(t *testing.T) eventstore.Store {
				faults := seeded(seed)
				at := cluster(t, memory.New(), esdbserver.Options{Fault: faults.next})
				s := open(t, esdb.Options{Connection: at})
				faults.on()
				return patient{s}
			})
		})
	}
}

// The same suite against a server of the vendor's: compose.yaml starts one.
func TestARealServer(t *testing.T) {
	t.Parallel()
	at := os.Getenv("DAYBOOK_TEST_ESDB")
	if at == "" {
		t.Skip("DAYBOOK_TEST_ESDB names no server")
	}
	storetest.Run(t, func(t *testing.T) eventstore.Store {
		return open(t, esdb.Options{Connection: at, Space: "test-" + uuid.NewString()})
	})
}

func TestAReopenedStoreIsTheSame(t *testing.T) {
	t.Parallel()
	kept := memory.New()
	at := cluster(t, kept, esdbserver.Options{})
	first := open(t, esdb.Options{Connection: at})
	_, err := first.Append(t.Context(), "call-1", eventstore.NoStream, newEvent())
	require.NoError(t, err)
	require.NoError(t, first.Close())
	ids := make([]uuid.UUID, 8)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() { ids[i] = open(t, esdb.Options{Connection: at}).ID() })
	}
	wg.Wait()
	for _, id := range ids {
		require.Equal(t, first.ID(), id)
	}
	require.NotEqual(t, first.ID(), open(t, esdb.Options{Connection: at, Space: "other"}).ID())
	require.NotEqual(t, first.ID(), open(t, esdb.Options{Connection: cluster(t, memory.New(), esdbserver.Options{})}).ID())
	storetest.CheckLog(t, open(t, esdb.Options{Connection: at}))
}

func TestManyWhoBeginALogBeginOne(t *testing.T) {
	t.Parallel()
	at := cluster(t, memory.New(), esdbserver.Options{})
	ids := make([]uuid.UUID, 16)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() { ids[i] = open(t, esdb.Options{Connection: at}).ID() })
	}
	wg.Wait()
	for _, id := range ids {
		require.Equal(t, ids[0], id)
	}
}

func TestSpacesDoNotMeet(t *testing.T) {
	t.Parallel()
	at := cluster(t, memory.New(), esdbserver.Options{})
	nemo, other := open(t, esdb.Options{Connection: at, Space: "nemo"}), open(t, esdb.Options{Connection: at, Space: "other"})
	sub, err := nemo.Subscribe(t.Context(), eventstore.Subscribe{})
	require.NoError(t, err)
	for range 40 {
		_, err = other.Append(t.Context(), "call-1", eventstore.Any, newEvent())
		require.NoError(t, err)
	}
	r, err := nemo.Append(t.Context(), "call-1", eventstore.NoStream, newEvent())
	require.NoError(t, err)
	for range 80 {
		_, err = other.Append(t.Context(), "call-1", eventstore.Any, newEvent())
		require.NoError(t, err)
	}
	head, err := nemo.Head(t.Context())
	require.NoError(t, err)
	require.Equal(t, r.Position, head)
	for {
		m, err := sub.Recv(t.Context())
		require.NoError(t, err)
		require.Nil(t, m.Checkpoint)
		if m.Event != nil {
			require.Equal(t, r.Position, m.Event.Position)
			require.Equal(t, "call-1", m.Event.Stream)
			break
		}
	}
	storetest.CheckLog(t, nemo)
	storetest.CheckLog(t, other)

	for _, space := range []string{"$x", "a/b"} {
		_, err = esdb.Open(t.Context(), esdb.Options{Connection: at, Space: space})
		require.ErrorContains(t, err, "expected a name")
	}
}

func TestTheStoresOwnStreamIsNobodyElses(t *testing.T) {
	t.Parallel()
	s := open(t, esdb.Options{Connection: cluster(t, memory.New(), esdbserver.Options{})})
	_, err := s.Append(t.Context(), "daybook-store", eventstore.Any, newEvent())
	require.ErrorIs(t, err, eventstore.ErrInvalid)
	for _, err := range s.ReadStream(t.Context(), "daybook-store", eventstore.ReadStream{}) {
		require.ErrorIs(t, err, eventstore.ErrStreamNotFound)
	}
}

func TestATombstoneIsToldAsSuch(t *testing.T) {
	t.Parallel()
	kept := memory.New()
	s := open(t, esdb.Options{Connection: cluster(t, kept, esdbserver.Options{})})
	_, err := s.Append(t.Context(), "call-1", eventstore.NoStream, newEvent())
	require.NoError(t, err)
	_, err = kept.Tombstone(t.Context(), "call-1", eventstore.Any)
	require.NoError(t, err)
	_, err = s.Append(t.Context(), "call-1", eventstore.Exact(0), newEvent())
	require.ErrorIs(t, err, eventstore.ErrStreamDeleted)
	for _, err := range s.ReadStream(t.Context(), "call-1", eventstore.ReadStream{}) {
		require.ErrorIs(t, err, eventstore.ErrStreamDeleted)
	}
}

func TestAClusterIsDiscovered(t *testing.T) {
	t.Parallel()
	at := cluster(t, memory.New(), esdbserver.Options{})
	s := open(t, esdb.Options{Connection: "esdb+discover" + at[len("esdb"):]})
	_, err := s.Append(t.Context(), "call-1", eventstore.NoStream, newEvent())
	require.NoError(t, err)
	storetest.CheckLog(t, s)
}

// cluster serves a store and gives its connection string.
func cluster(t testing.TB, store eventstore.Store, o esdbserver.Options) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	start(t, l, store, o)
	return connection(l.Addr().String())
}

// connection gives up on a server that isn't there after 50 ms.
func connection(address string) string {
	return "esdb://" + address + "?tls=false&discoveryInterval=10&maxDiscoverAttempts=5"
}

// start serves a store on l until the test ends or stop is called.
func start(t testing.TB, l net.Listener, store eventstore.Store, o esdbserver.Options) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	if o.Leader == "" {
		o.Leader = l.Addr().String()
	}
	go func() { served <- esdbserver.New(store, o).Serve(ctx, l) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-served)
	})
	t.Cleanup(stop)
	return stop
}

func open(t testing.TB, o esdb.Options) *esdb.Store {
	s, err := esdb.Open(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

func newEvent() eventstore.Event {
	return eventstore.Event{ID: uuid.New(), Name: "session.held", Data: []byte(`{}`), Metadata: []byte(`{}`)}
}

// faults are those of a seed, once they are on: about every fourth append
// fails, and a read every few hundred messages.
type faults struct {
	mu     sync.Mutex
	random *rand.Rand
	active bool
}

func seeded(seed uint64) *faults { return &faults{random: rand.New(rand.NewPCG(seed, 1))} }

func (f *faults) on() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.active = true
}

func (f *faults) next(_ context.Context, at esdbserver.Moment) esdbserver.Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	of := 24
	if at.Method == "Read" {
		of = 3000
	}
	n := f.random.IntN(of)
	if !f.active || n > 5 {
		return esdbserver.NoFault
	}
	return []esdbserver.Fault{
		esdbserver.Drop, esdbserver.DropAfter, esdbserver.DropAfter, esdbserver.Twice, esdbserver.NotLeader, esdbserver.Busy,
	}[n]
}

// A patient caller asks again until it is answered, as the contract says that
// one may.
type patient struct{ *esdb.Store }

// final tells an answer from a fault.
func final(ctx context.Context, err error) bool {
	for _, answer := range []error{
		nil, context.Canceled, eventstore.ErrConflict, eventstore.ErrInvalid, eventstore.ErrTooLarge, eventstore.ErrClosed,
		eventstore.ErrStreamNotFound, eventstore.ErrStreamDeleted,
	} {
		if errors.Is(err, answer) {
			return true
		}
	}
	return ctx.Err() != nil
}

func (p patient) Append(ctx context.Context, stream string, expected eventstore.Expected, events ...eventstore.Event) (r eventstore.Result, err error) {
	for {
		if r, err = p.Store.Append(ctx, stream, expected, events...); final(ctx, err) {
			return r, err
		}
	}
}

func (p patient) Head(ctx context.Context) (at eventstore.Position, err error) {
	for {
		if at, err = p.Store.Head(ctx); final(ctx, err) {
			return at, err
		}
	}
}
