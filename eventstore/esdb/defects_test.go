package esdb_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/esdb"
	"github.com/daybook-engine/daybook/eventstore/esdbserver"
	"github.com/daybook-engine/daybook/eventstore/memory"
	"github.com/daybook-engine/daybook/eventstore/storetest"
)

// What the client does wrong, by file and line of its v4.2.0, and that a
// caller of ours doesn't suffer from it.

// A door is a listener that can be shut: those who are in are thrown out, and
// who comes is turned away.
type door struct {
	net.Listener
	mu   sync.Mutex
	shut bool
	in   []net.Conn
}

func newDoor(t *testing.T) *door {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return &door{Listener: l}
}

func (d *door) Accept() (net.Conn, error) {
	for {
		conn, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		d.mu.Lock()
		if d.shut {
			conn.Close()
		} else {
			d.in = append(d.in, conn)
		}
		shut := d.shut
		d.mu.Unlock()
		if !shut {
			return conn, nil
		}
	}
}

func (d *door) set(shut bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shut = shut
	for _, conn := range d.in {
		conn.Close()
	}
	d.in = nil
}

// impl.go:218-226: a client whose discovery failed once is closed for ever;
// impl.go:92-95: who waits for it then does so for ever.
func TestAnOutageIsSurvivedByEveryCaller(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	start(t, d, memory.New(), esdbserver.Options{})
	s := open(t, esdb.Options{Connection: connection(d.Addr().String())})
	for round := range 3 {
		d.set(true)
		es := make([]eventstore.Event, 8)
		var wg sync.WaitGroup
		for i := range es {
			es[i] = newEvent()
			wg.Go(func() {
				for range 3 {
					_, err := s.Append(t.Context(), fmt.Sprintf("call-%d-%d", round, i), eventstore.NoStream, es[i])
					require.Error(t, err)
					_, err = s.Head(t.Context())
					require.ErrorIs(t, err, eventstore.ErrUnavailable)
					_, err = s.Subscribe(t.Context(), eventstore.Subscribe{})
					require.ErrorIs(t, err, eventstore.ErrUnavailable)
				}
			})
		}
		wg.Wait()
		_, err := esdb.Open(t.Context(), esdb.Options{Connection: connection(d.Addr().String())})
		require.ErrorIs(t, err, eventstore.ErrUnavailable)

		d.set(false)
		again := patient{s}
		for i := range es {
			r, err := again.Append(t.Context(), fmt.Sprintf("call-%d-%d", round, i), eventstore.NoStream, es[i])
			require.NoError(t, err)
			require.Equal(t, uint64(0), r.Revision)
		}
	}
	storetest.CheckLog(t, s)
}

// subscriptions.go:64-76: a subscription that is dropped doesn't come back,
// and says why in an error that is not the client's own.
func TestASubscriptionEndsWithItsConnectionAndMayBeHadAgain(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	start(t, d, memory.New(), esdbserver.Options{})
	s := open(t, esdb.Options{Connection: connection(d.Addr().String())})
	_, err := s.Append(t.Context(), "call-1", eventstore.NoStream, newEvent(), newEvent())
	require.NoError(t, err)
	sub, err := s.Subscribe(t.Context(), eventstore.Subscribe{})
	require.NoError(t, err)
	first, err := sub.Recv(t.Context())
	require.NoError(t, err)
	d.set(false) // throws out, lets in
	for err == nil {
		_, err = sub.Recv(t.Context())
	}
	require.ErrorIs(t, err, eventstore.ErrUnavailable)
	_, err = sub.Recv(t.Context())
	require.ErrorIs(t, err, eventstore.ErrUnavailable, "for good")

	sub, err = patient{s}.Subscribe(t.Context(), eventstore.Subscribe{After: first.Event.Position})
	require.NoError(t, err)
	defer sub.Close()
	second, err := sub.Recv(t.Context())
	require.NoError(t, err)
	require.Equal(t, uint64(1), second.Event.Revision)
}

// options.go:30-41: reads and subscriptions have no deadline, and none that
// can be set for all.
func TestAServerThatDoesNotAnswerIsNotWaitedForForEver(t *testing.T) {
	t.Parallel()
	silent := make(chan struct{})
	at := cluster(t, memory.New(), esdbserver.Options{Fault: func(ctx context.Context, at esdbserver.Moment) esdbserver.Fault {
		select {
		case <-silent:
			<-ctx.Done()
		default:
		}
		return esdbserver.NoFault
	}})
	var s *esdb.Store
	for s == nil { // on a slow machine an answer takes longer than that
		s, _ = esdb.Open(t.Context(), esdb.Options{Connection: at, Patience: 50 * time.Millisecond})
	}
	defer s.Close()
	close(silent)
	e := newEvent()
	_, err := s.Append(t.Context(), "call-1", eventstore.NoStream, e)
	require.ErrorContains(t, err, "the outcome is unknown")
	require.NotErrorIs(t, err, eventstore.ErrUnavailable)
	_, err = s.Head(t.Context())
	require.ErrorIs(t, err, eventstore.ErrUnavailable)
	for _, err := range s.ReadStream(t.Context(), "call-1", eventstore.ReadStream{}) {
		require.ErrorIs(t, err, eventstore.ErrUnavailable)
	}
	sub, err := s.Subscribe(t.Context(), eventstore.Subscribe{})
	if err == nil { // confirmed, and then silent: nobody promised more
		sub.Close()
	} else {
		require.ErrorIs(t, err, eventstore.ErrUnavailable)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.Head(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

// impl.go:39-63: a client that is sent to the leader goes there, and fails the
// call that it was sent away with. Nothing was written.
func TestTheLeaderIsFound(t *testing.T) {
	t.Parallel()
	kept := memory.New()
	l := newDoor(t)
	leader := l.Addr().String()
	start(t, l, kept, esdbserver.Options{})
	follower := cluster(t, kept, esdbserver.Options{Leader: leader, Fault: func(_ context.Context, at esdbserver.Moment) esdbserver.Fault {
		if at.Method == "Append" {
			return esdbserver.NotLeader
		}
		return esdbserver.NoFault
	}})
	open(t, esdb.Options{Connection: connection(leader)}) // makes the id
	s := open(t, esdb.Options{Connection: follower})
	_, err := s.Append(t.Context(), "call-1", eventstore.NoStream, newEvent())
	require.ErrorIs(t, err, eventstore.ErrUnavailable)
	_, err = s.Append(t.Context(), "call-1", eventstore.NoStream, newEvent())
	require.NoError(t, err)
	storetest.CheckLog(t, s)
}

// subscriptions.go:78-90: a subscription that a node ends because it leads no
// more fails with the bare status, and the client stays there.
func TestASubscriptionThatLosesItsLeaderMayBeHadAgain(t *testing.T) {
	t.Parallel()
	kept := memory.New()
	l := newDoor(t)
	leader := l.Addr().String()
	start(t, l, kept, esdbserver.Options{})
	var deposed atomic.Bool
	at := cluster(t, kept, esdbserver.Options{Leader: leader, Fault: func(_ context.Context, at esdbserver.Moment) esdbserver.Fault {
		if at.Follows && (at.Sent > 1 || deposed.Load()) {
			deposed.Store(true)
			return esdbserver.NotLeader
		}
		return esdbserver.NoFault
	}})
	s := open(t, esdb.Options{Connection: at})
	_, err := s.Append(t.Context(), "call-1", eventstore.NoStream, newEvent(), newEvent())
	require.NoError(t, err)
	sub, err := s.Subscribe(t.Context(), eventstore.Subscribe{})
	for err == nil {
		_, err = sub.Recv(t.Context())
	}
	require.True(t, deposed.Load())
	require.ErrorIs(t, err, eventstore.ErrUnavailable)
	sub, err = patient{s}.Subscribe(t.Context(), eventstore.Subscribe{})
	require.NoError(t, err)
	defer sub.Close()
	for range 2 {
		m, err := sub.Recv(t.Context())
		require.NoError(t, err)
		require.NotNil(t, m.Event)
	}
}

// A strange server answers as no server should, or as a younger one might.
type strange struct {
	streams.UnimplementedStreamsServer
}

func strangeServer(t *testing.T) *esdb.Store {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	g := grpc.NewServer() // without features: an old one (impl.go:361)
	streams.RegisterStreamsServer(g, strange{})
	go g.Serve(l)
	t.Cleanup(g.Stop)
	return open(t, esdb.Options{Connection: connection(l.Addr().String())})
}

func theEvent(stream string) *streams.ReadResp {
	return &streams.ReadResp{Content: &streams.ReadResp_Event{Event: &streams.ReadResp_ReadEvent{
		Event: &streams.ReadResp_ReadEvent_RecordedEvent{
			Id:               &shared.UUID{Value: &shared.UUID_String_{String_: uuid.UUID{1}.String()}},
			StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(stream)},
			CommitPosition:   7, PreparePosition: 5,
			Metadata: map[string]string{"type": "session.held", "content-type": "application/json", "created": "0"},
			Data:     []byte(`{}`),
		},
	}}}
}

var nothing = &streams.ReadResp{Content: &streams.ReadResp_Event{Event: &streams.ReadResp_ReadEvent{}}}

func (strange) Read(req *streams.ReadReq, out streams.Streams_ReadServer) error {
	send := func(ms ...*streams.ReadResp) (err error) {
		for _, m := range ms {
			if err == nil {
				err = out.Send(m)
			}
		}
		return err
	}
	if req.Options.GetSubscription() != nil {
		return send(
			&streams.ReadResp{Content: &streams.ReadResp_Confirmation{Confirmation: &streams.ReadResp_SubscriptionConfirmation{}}},
			nothing,
			&streams.ReadResp{Content: &streams.ReadResp_FellBehind_{FellBehind: &streams.ReadResp_FellBehind{}}},
			&streams.ReadResp{Content: &streams.ReadResp_LastStreamPosition{LastStreamPosition: 3}},
			&streams.ReadResp{},
			theEvent("call-1"),
			theEvent("call-1"),
			&streams.ReadResp{Content: &streams.ReadResp_CaughtUp_{CaughtUp: &streams.ReadResp_CaughtUp{}}},
		)
	}
	switch name := string(req.Options.GetStream().GetStreamIdentifier().GetStreamName()); name {
	case "call-of-nothing":
		return send(nothing, theEvent(name), nothing)
	case "call-of-another-kind":
		return send(&streams.ReadResp{Content: &streams.ReadResp_FirstStreamPosition{FirstStreamPosition: 3}})
	case "call-deleted-without-a-name":
		grpc.SetTrailer(out.Context(), metadata.Pairs("exception", "stream-deleted"))
		return status.Error(codes.FailedPrecondition, "deleted")
	case "call-forbidden":
		return status.Error(codes.PermissionDenied, "denied")
	case "call-of-a-follower": // impl.go:39-66: not known as one without the leader's address
		return status.Error(codes.NotFound, "not the leader")
	default:
		return send(theEvent(name))
	}
}

func (strange) Append(in streams.Streams_AppendServer) error {
	m, err := in.Recv()
	if err != nil {
		return err
	}
	name := string(m.GetOptions().GetStreamIdentifier().GetStreamName())
	for err == nil {
		_, err = in.Recv()
	}
	switch name {
	case "call-forbidden":
		return status.Error(codes.PermissionDenied, "denied")
	case "call-broken":
		return status.Error(codes.Internal, "broken")
	case "call-overdue":
		return status.Error(codes.Aborted, "write timeout")
	default:
		return in.SendAndClose(&streams.AppendResp{Result: &streams.AppendResp_Success_{Success: &streams.AppendResp_Success{
			CurrentRevisionOption: &streams.AppendResp_Success_CurrentRevision{},
			PositionOption:        &streams.AppendResp_Success_NoPosition{NoPosition: &shared.Empty{}},
		}}})
	}
}

// reads.go:67 and impl.go:66 panic; protobuf_utils.go leaves events nil.
func TestAReaderSurvivesStrangeAnswers(t *testing.T) {
	t.Parallel()
	s := strangeServer(t)
	read := func(stream string) (events []eventstore.Recorded, err error) {
		for e, err := range s.ReadStream(t.Context(), stream, eventstore.ReadStream{}) {
			if err != nil {
				return events, err
			}
			events = append(events, e)
		}
		return events, nil
	}
	for range 2 { // and goes on
		events, err := read("call-of-nothing")
		require.NoError(t, err)
		require.Len(t, events, 1)
		require.Equal(t, eventstore.NewPosition(7, 5), events[0].Position)
		_, err = read("call-of-another-kind")
		require.ErrorContains(t, err, "panicked")
		_, err = read("call-deleted-without-a-name")
		require.ErrorContains(t, err, "panicked")
		_, err = read("call-forbidden")
		require.ErrorContains(t, err, "denied")
		require.NotErrorIs(t, err, eventstore.ErrUnavailable)
		_, err = read("call-of-a-follower")
		require.ErrorIs(t, err, eventstore.ErrUnavailable)
		require.NotErrorIs(t, err, eventstore.ErrStreamNotFound)
	}
}

func TestASubscriberSurvivesStrangeMessages(t *testing.T) {
	t.Parallel()
	sub, err := strangeServer(t).Subscribe(t.Context(), eventstore.Subscribe{})
	require.NoError(t, err)
	m, err := sub.Recv(t.Context())
	require.NoError(t, err)
	require.Equal(t, "call-1", m.Event.Stream)
	m, err = sub.Recv(t.Context())
	require.NoError(t, err)
	require.True(t, m.CaughtUp, "an event that was told is not told again")
	_, err = sub.Recv(t.Context())
	require.ErrorIs(t, err, eventstore.ErrUnavailable, "the server ended it")
	require.NotErrorIs(t, err, io.EOF)
}

// impl.go:565-589: most errors are code 0. What is not known to have failed
// is unknown; a position that isn't told is looked up.
func TestAnAppendIsNotSaidToHaveFailedWhenThatIsUnknown(t *testing.T) {
	t.Parallel()
	s := strangeServer(t)
	r, err := s.Append(t.Context(), "call-1", eventstore.NoStream, newEvent())
	require.NoError(t, err)
	require.Equal(t, eventstore.Result{Revision: 0, Position: eventstore.NewPosition(7, 5)}, r)
	for _, name := range []string{"call-broken", "call-overdue"} {
		_, err = s.Append(t.Context(), name, eventstore.NoStream, newEvent())
		require.ErrorContains(t, err, "unknown", name)
		require.NotErrorIs(t, err, eventstore.ErrUnavailable)
	}
	_, err = s.Append(t.Context(), "call-forbidden", eventstore.NoStream, newEvent())
	require.ErrorContains(t, err, "denied")
	require.NotContains(t, err.Error(), "unknown")
}
