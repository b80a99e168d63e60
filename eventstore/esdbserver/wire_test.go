package esdbserver_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/esdbserver"
	"github.com/daybook-engine/daybook/eventstore/memory"
	"github.com/daybook-engine/daybook/eventstore/sqlite"
)

// These tests speak the protocol byte for byte, by the official clients' own
// messages. Each rule names where it was read; see the package comment for
// the abbreviations.

var recordedAt = time.Date(2023, 11, 2, 9, 30, 0, 1234567, time.UTC)

// A wire is a server and a connection to it.
type wire struct {
	t       *testing.T
	store   eventstore.Store
	address string
	conn    *grpc.ClientConn
	streams.StreamsClient
}

func serve(t *testing.T, store eventstore.Store, o esdbserver.Options) *wire {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- esdbserver.New(store, o).Serve(ctx, l) }()
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: 10 * time.Second, PermitWithoutStream: true}))
	require.NoError(t, err)
	t.Cleanup(func() {
		conn.Close()
		cancel()
		require.NoError(t, <-served)
		store.Close()
	})
	return &wire{t, store, l.Addr().String(), conn, streams.NewStreamsClient(conn)}
}

func inMemory(t *testing.T) *wire {
	return serve(t, memory.New(), esdbserver.Options{
		Recorded: func(eventstore.Recorded) time.Time { return recordedAt },
		Now:      func() time.Time { return recordedAt },
	})
}

// write appends n events to the store itself.
func (w *wire) write(stream string, n int, name string) (out []eventstore.Event) {
	w.t.Helper()
	for range n {
		out = append(out, eventstore.Event{ID: uuid.New(), Name: name, Data: []byte(`{"a": 1}`), Metadata: []byte(`{"m":  2}`)})
	}
	_, err := w.store.Append(w.t.Context(), stream, eventstore.Any, out...)
	require.NoError(w.t, err)
	return out
}

func streamID(name string) *shared.StreamIdentifier {
	return &shared.StreamIdentifier{StreamName: []byte(name)}
}

var (
	structuredIDs = &streams.ReadReq_Options_UUIDOption{Content: &streams.ReadReq_Options_UUIDOption_Structured{}}
	textIDs       = &streams.ReadReq_Options_UUIDOption{Content: &streams.ReadReq_Options_UUIDOption_String_{}}
	atStart       = &streams.ReadReq_Options_AllOptions{AllOption: &streams.ReadReq_Options_AllOptions_Start{}}
	atEnd         = &streams.ReadReq_Options_AllOptions{AllOption: &streams.ReadReq_Options_AllOptions_End{}}
)

func at(p eventstore.Position) *streams.ReadReq_Options_AllOptions {
	return &streams.ReadReq_Options_AllOptions{AllOption: &streams.ReadReq_Options_AllOptions_Position{
		Position: &streams.ReadReq_Options_Position{CommitPosition: p.Commit(), PreparePosition: p.Prepare()},
	}}
}

// request makes a read of everything forwards, for edit to change.
func request(edit func(*streams.ReadReq_Options)) *streams.ReadReq {
	o := &streams.ReadReq_Options{
		StreamOption: &streams.ReadReq_Options_All{All: atStart},
		CountOption:  &streams.ReadReq_Options_Count{Count: math.MaxUint64},
		FilterOption: &streams.ReadReq_Options_NoFilter{},
		UuidOption:   structuredIDs,
	}
	edit(o)
	return &streams.ReadReq{Options: o}
}

func ofStream(name string, edit func(*streams.ReadReq_Options, *streams.ReadReq_Options_StreamOptions)) *streams.ReadReq {
	return request(func(o *streams.ReadReq_Options) {
		s := &streams.ReadReq_Options_StreamOptions{StreamIdentifier: streamID(name), RevisionOption: &streams.ReadReq_Options_StreamOptions_Start{}}
		o.StreamOption = &streams.ReadReq_Options_Stream{Stream: s}
		edit(o, s)
	})
}

func whole(*streams.ReadReq_Options, *streams.ReadReq_Options_StreamOptions) {}

// read gives all messages and how they ended.
func (w *wire) read(req *streams.ReadReq) (out []*streams.ReadResp, trailer metadata.MD, err error) {
	w.t.Helper()
	in, err := w.Read(w.t.Context(), req)
	require.NoError(w.t, err)
	for {
		m, err := in.Recv()
		if errors.Is(err, io.EOF) {
			return out, in.Trailer(), nil
		} else if err != nil {
			return out, in.Trailer(), err
		}
		out = append(out, m)
	}
}

// places are the events of a read, each as "stream@revision".
func (w *wire) places(req *streams.ReadReq) (out []string) {
	w.t.Helper()
	all, _, err := w.read(req)
	require.NoError(w.t, err)
	for _, m := range all {
		out = append(out, place(m))
	}
	return out
}

func place(m *streams.ReadResp) string {
	switch c := m.GetContent().(type) {
	case *streams.ReadResp_Event:
		return fmt.Sprintf("%s@%d", c.Event.Event.StreamIdentifier.StreamName, c.Event.Event.StreamRevision)
	case *streams.ReadResp_Checkpoint_:
		return fmt.Sprintf("checkpoint %d", c.Checkpoint.CommitPosition)
	case *streams.ReadResp_CaughtUp_:
		return "caught up"
	case *streams.ReadResp_Confirmation:
		return "confirmed"
	case *streams.ReadResp_StreamNotFound_:
		return "not found " + string(c.StreamNotFound.StreamIdentifier.StreamName)
	default:
		return fmt.Sprintf("%T", c)
	}
}

func revisions(stream string, of ...int) (out []string) {
	for _, r := range of {
		out = append(out, fmt.Sprintf("%s@%d", stream, r))
	}
	return out
}

// GO/protobuf_utils.go:408 ends the process of a client that finds no time;
// G/Streams.Read.cs:321-346.
func TestAnEventHasAllThatAClientReads(t *testing.T) {
	t.Parallel()
	w := inMemory(t)
	e := w.write("match-é 1/2", 1, "session.held")[0]
	for _, ids := range []*streams.ReadReq_Options_UUIDOption{structuredIDs, textIDs} {
		all, _, err := w.read(request(func(o *streams.ReadReq_Options) { o.UuidOption = ids }))
		require.NoError(t, err)
		require.Len(t, all, 1)
		got := all[0].GetEvent()
		require.Nil(t, got.Link)
		require.Equal(t, uint64(1), got.GetCommitPosition())
		r := got.Event
		require.Equal(t, map[string]string{"type": "session.held", "content-type": "application/json", "created": "16989174000012345"}, r.Metadata)
		require.Equal(t, "match-é 1/2", string(r.StreamIdentifier.StreamName))
		require.Equal(t, string(e.Data), string(r.Data))
		require.Equal(t, string(e.Metadata), string(r.CustomMetadata))
		require.Equal(t, [3]uint64{0, 1, 1}, [3]uint64{r.StreamRevision, r.CommitPosition, r.PreparePosition})
		if ids == textIDs {
			require.Equal(t, e.ID.String(), r.Id.GetString_())
			continue
		}
		require.Equal(t, e.ID, fromStructured(r.Id))
	}
}

// A store that tells no times is told of as of 1970.
func TestWithoutATimeAnEventIsOf1970(t *testing.T) {
	t.Parallel()
	w := serve(t, memory.New(), esdbserver.Options{})
	w.write("call-1", 1, "a.b")
	all, _, err := w.read(request(func(*streams.ReadReq_Options) {}))
	require.NoError(t, err)
	require.Equal(t, "0", all[0].GetEvent().Event.Metadata["created"])
}

// G/Streams.Read.cs:106-241: these combinations, and no others; :45 the form
// of ids must be said; :168 a filter has a window;
// E/Enumerator.AllSubscriptionFiltered.cs:57 and an interval.
func TestWhatMayBeAskedFor(t *testing.T) {
	t.Parallel()
	w := inMemory(t)
	w.write("call-1", 1, "a.b")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	window := &streams.ReadReq_Options_FilterOptions_Max{Max: 32}
	byStream := &streams.ReadReq_Options_FilterOptions_StreamIdentifier{StreamIdentifier: &streams.ReadReq_Options_FilterOptions_Expression{Prefix: []string{"c"}}}
	for _, stream := range []bool{true, false} {
		for _, subscribes := range []bool{true, false} {
			for _, direction := range []streams.ReadReq_Options_ReadDirection{streams.ReadReq_Options_Forwards, streams.ReadReq_Options_Backwards} {
				for _, filtered := range []bool{true, false} {
					req := request(func(o *streams.ReadReq_Options) {
						o.ReadDirection = direction
						o.StreamOption = &streams.ReadReq_Options_All{All: atEnd}
						if stream {
							o.StreamOption = &streams.ReadReq_Options_Stream{Stream: &streams.ReadReq_Options_StreamOptions{
								StreamIdentifier: streamID("call-1"), RevisionOption: &streams.ReadReq_Options_StreamOptions_End{},
							}}
						}
						if subscribes {
							o.CountOption = &streams.ReadReq_Options_Subscription{}
						}
						if filtered {
							o.FilterOption = &streams.ReadReq_Options_Filter{Filter: &streams.ReadReq_Options_FilterOptions{Filter: byStream, Window: window, CheckpointIntervalMultiplier: 1}}
						}
					})
					in, err := w.Read(ctx, req)
					require.NoError(t, err)
					_, err = in.Recv()
					legal := (!stream || !filtered) && (!subscribes || direction == streams.ReadReq_Options_Forwards)
					if legal {
						require.True(t, err == nil || errors.Is(err, io.EOF), "%v: %v", req, err)
					} else {
						require.Equal(t, codes.InvalidArgument, status.Code(err), "%v", req)
					}
				}
			}
		}
	}
	for name, edit := range map[string]func(*streams.ReadReq_Options){
		"no form of ids":       func(o *streams.ReadReq_Options) { o.UuidOption = nil },
		"an empty form of ids": func(o *streams.ReadReq_Options) { o.UuidOption = &streams.ReadReq_Options_UUIDOption{} },
		"no stream":            func(o *streams.ReadReq_Options) { o.StreamOption = nil },
		"no count":             func(o *streams.ReadReq_Options) { o.CountOption = nil },
		"no filter said":       func(o *streams.ReadReq_Options) { o.FilterOption = nil },
		"no position": func(o *streams.ReadReq_Options) {
			o.StreamOption = &streams.ReadReq_Options_All{All: &streams.ReadReq_Options_AllOptions{}}
		},
		"no window": func(o *streams.ReadReq_Options) {
			o.FilterOption = &streams.ReadReq_Options_Filter{Filter: &streams.ReadReq_Options_FilterOptions{Filter: byStream}}
		},
		"a filter of nothing": func(o *streams.ReadReq_Options) {
			o.FilterOption = &streams.ReadReq_Options_Filter{Filter: &streams.ReadReq_Options_FilterOptions{Window: window}}
		},
		"an expression that is none": func(o *streams.ReadReq_Options) { o.FilterOption = byType("(", 1) },
		"no interval": func(o *streams.ReadReq_Options) {
			o.CountOption = &streams.ReadReq_Options_Subscription{}
			o.FilterOption = byType("^[^$]", 0)
		},
	} {
		_, _, err := w.read(request(edit))
		require.Equal(t, codes.InvalidArgument, status.Code(err), name)
	}
}

func byType(regex string, interval uint32) *streams.ReadReq_Options_Filter {
	return &streams.ReadReq_Options_Filter{Filter: &streams.ReadReq_Options_FilterOptions{
		Filter:                       &streams.ReadReq_Options_FilterOptions_EventType{EventType: &streams.ReadReq_Options_FilterOptions_Expression{Regex: regex}},
		Window:                       &streams.ReadReq_Options_FilterOptions_Max{Max: 4},
		CheckpointIntervalMultiplier: interval,
	}}
}

func byStreams(interval uint32, prefixes ...string) *streams.ReadReq_Options_Filter {
	return &streams.ReadReq_Options_Filter{Filter: &streams.ReadReq_Options_FilterOptions{
		Filter:                       &streams.ReadReq_Options_FilterOptions_StreamIdentifier{StreamIdentifier: &streams.ReadReq_Options_FilterOptions_Expression{Prefix: prefixes}},
		Window:                       &streams.ReadReq_Options_FilterOptions_Count{},
		CheckpointIntervalMultiplier: interval,
	}}
}

// C/Services/Storage/ReaderIndex/IndexReader.cs: streams are read inclusive
// both ways; G/ReadReq.cs:16. Forwards from the end there is nothing.
func TestAStreamIsReadInclusiveBothWays(t *testing.T) {
	t.Parallel()
	w := inMemory(t)
	w.write("call-1", 5, "a.b")
	w.write("call-2", 1, "a.b")
	revision := func(n uint64) func(*streams.ReadReq_Options_StreamOptions) {
		return func(s *streams.ReadReq_Options_StreamOptions) {
			s.RevisionOption = &streams.ReadReq_Options_StreamOptions_Revision{Revision: n}
		}
	}
	end := func(s *streams.ReadReq_Options_StreamOptions) {
		s.RevisionOption = &streams.ReadReq_Options_StreamOptions_End{}
	}
	start := func(*streams.ReadReq_Options_StreamOptions) {}
	for _, c := range []struct {
		from      func(*streams.ReadReq_Options_StreamOptions)
		backwards bool
		count     uint64
		want      []int
	}{
		{start, false, math.MaxUint64, []int{0, 1, 2, 3, 4}},
		{start, false, 2, []int{0, 1}},
		{start, false, 0, nil},
		{revision(2), false, 2, []int{2, 3}},
		{revision(9), false, 2, nil},
		{end, false, 2, nil},
		{end, true, 2, []int{4, 3}},
		{revision(2), true, 2, []int{2, 1}},
		{revision(2), true, math.MaxUint64, []int{2, 1, 0}},
		{revision(9), true, 1, []int{4}},
		{start, true, 3, []int{0}},
	} {
		got := w.places(ofStream("call-1", func(o *streams.ReadReq_Options, s *streams.ReadReq_Options_StreamOptions) {
			c.from(s)
			o.CountOption = &streams.ReadReq_Options_Count{Count: c.count}
			if c.backwards {
				o.ReadDirection = streams.ReadReq_Options_Backwards
			}
		}))
		require.Equal(t, revisions("call-1", c.want...), got, "%+v", c)
	}
}

// E/Enumerator.ReadStreamForwards.cs:100-128: what is not there is told by a
// message, and the call succeeds; GO/reads.go:57-67 panics at any third kind.
func TestAStreamThatIsNotThereIsToldByAMessage(t *testing.T) {
	t.Parallel()
	w := inMemory(t)
	w.write("call-1", 1, "a.b")
	for _, name := range []string{"call-2", "$$call-1", "$streams", ""} {
		require.Equal(t, []string{"not found " + name}, w.places(ofStream(name, whole)))
	}
	require.Equal(t, revisions("call-1", 0), w.places(ofStream("call-1", func(o *streams.ReadReq_Options, _ *streams.ReadReq_Options_StreamOptions) {
		o.ControlOption = &streams.ReadReq_Options_ControlOption{Compatibility: 1}
	})), "nothing is told that not every client understands")
}

// C/Services/Storage/ReaderIndex/AllReader.cs:114, 244: the log is read
// inclusive forwards and exclusive backwards, from any position.
func TestTheLogIsReadInclusiveForwardsAndExclusiveBackwards(t *testing.T) {
	t.Parallel()
	for name, open := range stores(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := serve(t, open(t), esdbserver.Options{})
			w.write("call-1", 2, "a.b")
			w.write("match-1", 2, "a.b")
			var p []eventstore.Position
			for e, err := range w.store.ReadAll(t.Context(), eventstore.ReadAll{}) {
				require.NoError(t, err)
				p = append(p, e.Position)
			}
			far := eventstore.NewPosition(p[3].Commit()+100, p[3].Prepare()+100)
			end := eventstore.NewPosition(math.MaxUint64, math.MaxUint64)
			for _, c := range []struct {
				from      *streams.ReadReq_Options_AllOptions
				backwards bool
				count     uint64
				want      []string
			}{
				{atStart, false, 99, []string{"call-1@0", "call-1@1", "match-1@0", "match-1@1"}},
				{atStart, false, 3, []string{"call-1@0", "call-1@1", "match-1@0"}},
				{atStart, false, 0, nil},
				{at(p[1]), false, 2, []string{"call-1@1", "match-1@0"}},
				{at(far), false, 99, nil},
				{atEnd, false, 99, nil},
				{at(end), false, 99, nil},
				{atEnd, true, 99, []string{"match-1@1", "match-1@0", "call-1@1", "call-1@0"}},
				{at(end), true, 1, []string{"match-1@1"}},
				{at(far), true, 1, []string{"match-1@1"}},
				{at(p[2]), true, 99, []string{"call-1@1", "call-1@0"}},
				{at(p[0]), true, 99, nil},
				{atStart, true, 99, nil},
			} {
				got := w.places(request(func(o *streams.ReadReq_Options) {
					o.StreamOption = &streams.ReadReq_Options_All{All: c.from}
					o.CountOption = &streams.ReadReq_Options_Count{Count: c.count}
					if c.backwards {
						o.ReadDirection = streams.ReadReq_Options_Backwards
					}
				}))
				require.Equal(t, c.want, got, "%+v", c)
			}
		})
	}
}

func stores(t *testing.T) map[string]func(t *testing.T) eventstore.Store {
	return map[string]func(t *testing.T) eventstore.Store{
		"memory": func(*testing.T) eventstore.Store { return memory.New() },
		"sqlite": func(t *testing.T) eventstore.Store {
			s, err := sqlite.Open(filepath.Join(t.TempDir(), "log.db"), sqlite.Options{})
			require.NoError(t, err)
			return s
		},
	}
}

// G/Streams.Read.cs:244: by stream or by type, by prefixes or, where there is
// one, by a regular expression; counts count what was chosen.
func TestFiltersChoose(t *testing.T) {
	t.Parallel()
	w := inMemory(t)
	for range 40 {
		w.write("call-1", 1, "call.opened")
		w.write("match-1", 1, "session.held")
		w.write("pool-1", 1, "call.closed")
	}
	for name, c := range map[string]struct {
		filter *streams.ReadReq_Options_Filter
		want   int
		first  string
	}{
		"streams by prefixes":    {byStreams(1, "match-", "pool"), 80, "match-1@0"},
		"no such stream":         {byStreams(1, "Match"), 0, ""},
		"types by expression":    {byType(`^call\.`, 1), 80, "call-1@0"},
		"types not the system's": {byType(`^[^$]`, 1), 120, "call-1@0"},
		"types by prefixes": {&streams.ReadReq_Options_Filter{Filter: &streams.ReadReq_Options_FilterOptions{
			Filter: &streams.ReadReq_Options_FilterOptions_EventType{EventType: &streams.ReadReq_Options_FilterOptions_Expression{Prefix: []string{"session."}}},
			Window: &streams.ReadReq_Options_FilterOptions_Count{},
		}}, 40, "match-1@0"},
		"streams by expression": {&streams.ReadReq_Options_Filter{Filter: &streams.ReadReq_Options_FilterOptions{
			Filter: &streams.ReadReq_Options_FilterOptions_StreamIdentifier{StreamIdentifier: &streams.ReadReq_Options_FilterOptions_Expression{Regex: "l-1$"}},
			Window: &streams.ReadReq_Options_FilterOptions_Count{},
		}}, 80, "call-1@0"},
	} {
		got := w.places(request(func(o *streams.ReadReq_Options) { o.FilterOption = c.filter }))
		require.Len(t, got, c.want, name)
		if c.want == 0 {
			continue
		}
		require.Equal(t, c.first, got[0], name)
		few := w.places(request(func(o *streams.ReadReq_Options) {
			o.FilterOption, o.CountOption = c.filter, &streams.ReadReq_Options_Count{Count: 30}
			o.ReadDirection, o.StreamOption = streams.ReadReq_Options_Backwards, &streams.ReadReq_Options_All{All: atEnd}
		}))
		require.Len(t, few, 30, name)
		require.Equal(t, got[len(got)-1], few[0], name)
	}
}

// A follower reads a subscription.
type follower struct {
	t  *testing.T
	in streams.Streams_ReadClient
}

func (w *wire) follow(req *streams.ReadReq) *follower {
	w.t.Helper()
	req.Options.CountOption = &streams.ReadReq_Options_Subscription{}
	in, err := w.Read(w.t.Context(), req)
	require.NoError(w.t, err)
	return &follower{w.t, in}
}

func (f *follower) next(n int) (out []string) {
	f.t.Helper()
	for range n {
		m, err := f.in.Recv()
		require.NoError(f.t, err)
		out = append(out, place(m))
	}
	return out
}

// E/Enumerator.AllSubscription.cs:117-146, E/Enumerator.StreamSubscription.cs:
// 133-161: first a confirmation (GO/client.go:407), then history after the
// position, that it is caught up, then what comes.
func TestASubscriptionTellsItsStoryInOrder(t *testing.T) {
	t.Parallel()
	w := inMemory(t)
	w.write("call-1", 3, "a.b")
	w.write("call-10", 1, "a.b")
	all := func(from *streams.ReadReq_Options_AllOptions) *follower {
		return w.follow(request(func(o *streams.ReadReq_Options) { o.StreamOption = &streams.ReadReq_Options_All{All: from} }))
	}
	stream := func(name string, edit func(s *streams.ReadReq_Options_StreamOptions)) *follower {
		return w.follow(ofStream(name, func(_ *streams.ReadReq_Options, s *streams.ReadReq_Options_StreamOptions) { edit(s) }))
	}
	followers := map[string]struct {
		f       *follower
		history []string
		live    []string
	}{
		"the log from the start":  {all(atStart), []string{"call-1@0", "call-1@1", "call-1@2", "call-10@0"}, []string{"call-1@3", "call-2@0"}},
		"the log after an event":  {all(at(eventstore.NewPosition(2, 2))), []string{"call-1@2", "call-10@0"}, []string{"call-1@3", "call-2@0"}},
		"the log from the end":    {all(atEnd), nil, []string{"call-1@3", "call-2@0"}},
		"a stream from the start": {stream("call-1", func(*streams.ReadReq_Options_StreamOptions) {}), []string{"call-1@0", "call-1@1", "call-1@2"}, []string{"call-1@3"}},
		"a stream after a revision": {stream("call-1", func(s *streams.ReadReq_Options_StreamOptions) {
			s.RevisionOption = &streams.ReadReq_Options_StreamOptions_Revision{Revision: 0}
		}), []string{"call-1@1", "call-1@2"}, []string{"call-1@3"}},
		"a stream after its end": {stream("call-1", func(s *streams.ReadReq_Options_StreamOptions) {
			s.RevisionOption = &streams.ReadReq_Options_StreamOptions_Revision{Revision: 2}
		}), nil, []string{"call-1@3"}},
		"a stream from the end": {stream("call-1", func(s *streams.ReadReq_Options_StreamOptions) {
			s.RevisionOption = &streams.ReadReq_Options_StreamOptions_End{}
		}), nil, []string{"call-1@3"}},
		"a stream from the end, in numbers": {stream("call-1", func(s *streams.ReadReq_Options_StreamOptions) {
			s.RevisionOption = &streams.ReadReq_Options_StreamOptions_Revision{Revision: math.MaxUint64}
		}), nil, []string{"call-1@3"}},
		"a stream that is still to come": {stream("call-2", func(*streams.ReadReq_Options_StreamOptions) {}), nil, []string{"call-2@0"}},
	}
	for name, c := range followers {
		want := append(append([]string{"confirmed"}, c.history...), "caught up")
		require.Equal(t, want, c.f.next(len(want)), name)
	}
	w.write("call-1", 1, "a.b")
	w.write("call-2", 1, "a.b")
	for name, c := range followers {
		require.Equal(t, c.live, c.f.next(len(c.live)), name)
	}
}

// E/Enumerator.AllSubscriptionFiltered.cs:67 and 299-327: a checkpoint for
// each window times multiplier of events looked at, and one when history
// ends; never the same twice (:110). Without a filter there are none.
func TestAFilteredSubscriptionTellsHowFarItLooked(t *testing.T) {
	t.Parallel()
	w := inMemory(t)
	w.write("call-1", 9, "a.b")
	w.write("match-1", 1, "session.held")
	w.write("call-1", 1, "a.b")
	f := w.follow(request(func(o *streams.ReadReq_Options) { o.FilterOption = byType(`^session\.`, 2) }))
	require.Equal(t, []string{"confirmed", "checkpoint 8", "match-1@0", "checkpoint 11", "caught up"}, f.next(5))
	w.write("call-1", 5, "a.b")
	require.Equal(t, []string{"checkpoint 16"}, f.next(1))
	w.write("match-1", 1, "session.held")
	require.Equal(t, []string{"match-1@1"}, f.next(1))

	from := w.follow(request(func(o *streams.ReadReq_Options) {
		o.FilterOption = byStreams(1, "match-")
		o.StreamOption = &streams.ReadReq_Options_All{All: at(eventstore.NewPosition(17, 17))}
	}))
	require.Equal(t, []string{"confirmed", "caught up"}, from.next(2), "nothing was looked at")
	w.write("call-2", 32, "a.b")
	require.Equal(t, []string{"checkpoint 49"}, from.next(1), "a window without a size is 32")
}

// KurrentDB's client tells of nothing when the time is missing
// (K/subscriptions.go:98): field 1 of CaughtUp, a Timestamp.
func TestCaughtUpHasATimeForYoungerClients(t *testing.T) {
	t.Parallel()
	w := inMemory(t)
	f := w.follow(request(func(*streams.ReadReq_Options) {}))
	f.next(1)
	m, err := f.in.Recv()
	require.NoError(t, err)
	unknown := m.GetCaughtUp().ProtoReflect().GetUnknown()
	number, kind, n := protowire.ConsumeTag(unknown)
	require.Equal(t, protowire.Number(1), number)
	require.Equal(t, protowire.BytesType, kind)
	b, _ := protowire.ConsumeBytes(unknown[n:])
	stamp := &timestamppb.Timestamp{}
	require.NoError(t, proto.Unmarshal(b, stamp))
	require.True(t, recordedAt.Equal(stamp.AsTime()))
}

// A proposal is an event on its way.
func proposed(id uuid.UUID, name, content string, data []byte) *streams.AppendReq {
	return &streams.AppendReq{Content: &streams.AppendReq_ProposedMessage_{ProposedMessage: &streams.AppendReq_ProposedMessage{
		Id: &shared.UUID{Value: &shared.UUID_String_{String_: id.String()}}, Metadata: map[string]string{"type": name, "content-type": content}, Data: data, CustomMetadata: []byte(`{}`),
	}}}
}

func options(stream string, expected eventstore.Expected) *streams.AppendReq {
	o := &streams.AppendReq_Options{StreamIdentifier: streamID(stream), ExpectedStreamRevision: &streams.AppendReq_Options_Any{}}
	switch revision, exact := expected.Revision(); {
	case exact:
		o.ExpectedStreamRevision = &streams.AppendReq_Options_Revision{Revision: revision}
	case expected == eventstore.NoStream:
		o.ExpectedStreamRevision = &streams.AppendReq_Options_NoStream{}
	case expected == eventstore.StreamExists:
		o.ExpectedStreamRevision = &streams.AppendReq_Options_StreamExists{}
	}
	return &streams.AppendReq{Content: &streams.AppendReq_Options_{Options: o}}
}

func (w *wire) append(ms ...*streams.AppendReq) (*streams.AppendResp, metadata.MD, error) {
	w.t.Helper()
	out, err := w.Append(w.t.Context())
	require.NoError(w.t, err)
	for _, m := range ms {
		require.NoError(w.t, out.Send(m), "the server reads to the end")
	}
	answer, err := out.CloseAndRecv()
	return answer, out.Trailer(), err
}

const jsonType = "application/json"

// G/Streams.Append.cs:124-143.
func TestAnAppendIsAnsweredWithItsPlace(t *testing.T) {
	t.Parallel()
	w := inMemory(t)
	id := uuid.New()
	for range 2 { // the second is a retry
		answer, _, err := w.append(options("call-1", eventstore.NoStream), proposed(id, "a.b", jsonType, []byte(`{"x": 1}`)), proposed(id, "a.c", jsonType, []byte(`{}`)))
		require.NoError(t, err)
		require.Equal(t, uint64(1), answer.GetSuccess().GetCurrentRevision())
		require.Equal(t, uint64(2), answer.GetSuccess().GetPosition().GetCommitPosition())
		require.Equal(t, uint64(2), answer.GetSuccess().GetPosition().GetPreparePosition())
	}
	all, _, err := w.read(ofStream("call-1", whole))
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.Equal(t, id, fromStructured(all[0].GetEvent().Event.Id))
	require.JSONEq(t, `{"x": 1}`, string(all[0].GetEvent().Event.Data))

	answer, _, err := w.append(options("call-1", eventstore.Exact(1)))
	require.NoError(t, err, "no events are an append")
	require.Equal(t, uint64(1), answer.GetSuccess().GetCurrentRevision())
	require.NotNil(t, answer.GetSuccess().GetNoPosition())
	answer, _, err = w.append(options("call-2", eventstore.NoStream))
	require.NoError(t, err)
	require.NotNil(t, answer.GetSuccess().GetNoStream())
	answer, _, err = w.append(options("call-2", eventstore.StreamExists))
	require.NoError(t, err)
	require.NotNil(t, answer.GetWrongExpectedVersion())
}

// G/Streams.Append.cs:149-184: a conflict is an answer, with the fields of
// release 20.6 beside today's.
func TestAConflictIsAnAnswer(t *testing.T) {
	t.Parallel()
	w := inMemory(t)
	w.write("call-1", 3, "a.b")
	conflict := func(stream string, expected eventstore.Expected) *streams.AppendResp_WrongExpectedVersion {
		answer, _, err := w.append(options(stream, expected), proposed(uuid.New(), "a.b", jsonType, []byte(`{}`)))
		require.NoError(t, err)
		require.NotNil(t, answer.GetWrongExpectedVersion())
		return answer.GetWrongExpectedVersion()
	}
	c := conflict("call-1", eventstore.Exact(1))
	require.Equal(t, [4]uint64{2, 2, 1, 1}, [4]uint64{c.GetCurrentRevision(), c.GetCurrentRevision_20_6_0(), c.GetExpectedRevision(), c.GetExpectedRevision_20_6_0()})
	c = conflict("call-1", eventstore.NoStream)
	require.NotNil(t, c.GetExpectedNoStream())
	require.Equal(t, uint64(math.MaxUint64), c.GetExpectedRevision_20_6_0())
	c = conflict("call-2", eventstore.StreamExists)
	require.NotNil(t, c.GetExpectedStreamExists())
	require.NotNil(t, c.GetStreamExists_20_6_0())
	require.NotNil(t, c.GetCurrentNoStream())
	require.NotNil(t, c.GetNoStream_20_6_0())
	known := w.write("call-1", 1, "a.b")[0]
	answer, _, err := w.append(options("call-1", eventstore.Any), proposed(known.ID, "a.b", jsonType, []byte(`{}`)), proposed(uuid.New(), "a.b", jsonType, []byte(`{}`)))
	require.NoError(t, err)
	require.NotNil(t, answer.GetWrongExpectedVersion().GetExpectedAny(), "only some are known")
	require.NotNil(t, answer.GetWrongExpectedVersion().GetAny_20_6_0())
}

// G/RpcExceptions.cs:58-154, and the trailers that clients look for. Whatever
// is wrong, the server reads to the end first: GO/client.go:71-86 reports a
// failed send as such and hides why.
func TestWhatMayNotBeAppended(t *testing.T) {
	t.Parallel()
	w := inMemory(t)
	fine := proposed(uuid.New(), "a.b", jsonType, []byte(`{}`))
	bare := &streams.AppendReq{Content: &streams.AppendReq_ProposedMessage_{ProposedMessage: &streams.AppendReq_ProposedMessage{Id: &shared.UUID{}, Metadata: map[string]string{"type": "a.b"}}}}
	large := proposed(uuid.New(), "a.b", jsonType, []byte(`"`+strings.Repeat("x", eventstore.MaxAppend)+`"`))
	nobody := proposed(uuid.Nil, "a.b", jsonType, []byte(`{}`))
	for name, c := range map[string]struct {
		send      []*streams.AppendReq
		code      codes.Code
		exception string
		trailer   [2]string
	}{
		"nothing at all":       {nil, codes.InvalidArgument, "", [2]string{}},
		"no options":           {[]*streams.AppendReq{fine}, codes.InvalidArgument, "", [2]string{}},
		"options twice":        {[]*streams.AppendReq{options("call-1", eventstore.Any), options("call-1", eventstore.Any)}, codes.InvalidArgument, "", [2]string{}},
		"no expectation":       {[]*streams.AppendReq{{Content: &streams.AppendReq_Options_{Options: &streams.AppendReq_Options{StreamIdentifier: streamID("call-1")}}}, fine}, codes.InvalidArgument, "", [2]string{}},
		"a system stream":      {[]*streams.AppendReq{options("$$call-1", eventstore.Any), fine}, codes.PermissionDenied, "access-denied", [2]string{}},
		"no content type":      {[]*streams.AppendReq{options("call-1", eventstore.Any), bare, fine}, codes.InvalidArgument, "missing-required-metadata-property", [2]string{"required-metadata-properties", "type,content-type"}},
		"bytes":                {[]*streams.AppendReq{options("call-1", eventstore.Any), proposed(uuid.New(), "a.b", "application/octet-stream", nil), fine}, codes.InvalidArgument, "", [2]string{}},
		"a system event":       {[]*streams.AppendReq{options("call-1", eventstore.Any), proposed(uuid.New(), "$metadata", jsonType, []byte(`{}`))}, codes.InvalidArgument, "", [2]string{}},
		"an event of no id":    {[]*streams.AppendReq{options("call-1", eventstore.Any), nobody}, codes.InvalidArgument, "", [2]string{}},
		"more than a mebibyte": {append([]*streams.AppendReq{options("call-1", eventstore.Any), large}, make100(fine)...), codes.InvalidArgument, "maximum-append-size-exceeded", [2]string{"maximum-append-size", "1048576"}},
	} {
		_, trailer, err := w.append(c.send...)
		require.Equal(t, c.code, status.Code(err), "%s: %v", name, err)
		require.Equal(t, c.exception, strings.Join(trailer.Get("exception"), ""), name)
		if c.trailer[0] != "" {
			require.Equal(t, c.trailer[1:], trailer.Get(c.trailer[0]), name)
		}
	}
	require.Empty(t, w.places(request(func(*streams.ReadReq_Options) {})))
}

func make100(m *streams.AppendReq) (out []*streams.AppendReq) {
	for range 100 {
		out = append(out, m)
	}
	return out
}

// A2 of GO/impl.go:286: a client sends and takes 17 MiB; what is too large
// for the log is refused by name and not by gRPC's own limit of 4 MiB.
func TestAMessageMayBeLargerThanGRPCAllowsByItself(t *testing.T) {
	t.Parallel()
	w := inMemory(t)
	_, trailer, err := w.append(options("call-1", eventstore.Any), proposed(uuid.New(), "a.b", jsonType, make([]byte, 16<<20)))
	require.Equal(t, codes.InvalidArgument, status.Code(err))
	require.Equal(t, []string{"maximum-append-size-exceeded"}, trailer.Get("exception"))
}

func correlation(n byte) *shared.UUID {
	return &shared.UUID{Value: &shared.UUID_String_{String_: uuid.UUID{15: n}.String()}}
}

func piece(n byte, final bool, o *streams.BatchAppendReq_Options, events ...uuid.UUID) *streams.BatchAppendReq {
	p := &streams.BatchAppendReq{CorrelationId: correlation(n), Options: o, IsFinal: final}
	for _, id := range events {
		p.ProposedMessages = append(p.ProposedMessages, &streams.BatchAppendReq_ProposedMessage{
			Id: &shared.UUID{Value: &shared.UUID_String_{String_: id.String()}}, Metadata: map[string]string{"type": "a.b", "content-type": jsonType}, Data: []byte(`{}`),
		})
	}
	return p
}

func to(stream string) *streams.BatchAppendReq_Options {
	return &streams.BatchAppendReq_Options{StreamIdentifier: streamID(stream), ExpectedStreamPosition: &streams.BatchAppendReq_Options_NoStream{NoStream: &emptypb.Empty{}}}
}

// G/Streams.BatchAppend.cs:60-379: appends in pieces, told apart by their
// correlation id, each answered once (N/streams/appendToStream/batchAppend.ts:
// 60 breaks at a second answer), errors always with a detail (N/utils/
// unpackError.ts:29).
func TestBatchesAreAnsweredOnceEach(t *testing.T) {
	t.Parallel()
	w := inMemory(t)
	w.write("call-2", 2, "a.b")
	_, err := w.store.(*memory.Store).Tombstone(t.Context(), "call-9", eventstore.Any)
	require.NoError(t, err)
	b, err := w.BatchAppend(t.Context())
	require.NoError(t, err)
	a, late := uuid.New(), to("call-6")
	late.DeadlineOption = &streams.BatchAppendReq_Options_Deadline_21_10_0{Deadline_21_10_0: timestamppb.New(time.Unix(1e9, 0))}
	past := to("call-7")
	past.DeadlineOption = &streams.BatchAppendReq_Options_Deadline{Deadline: durationpb.New(-1)}
	unfinished := to("call-8")
	unfinished.DeadlineOption = &streams.BatchAppendReq_Options_Deadline{Deadline: durationpb.New(time.Millisecond)}
	system := to("$call")
	soon := to("call-5")
	soon.DeadlineOption = &streams.BatchAppendReq_Options_Deadline{Deadline: durationpb.New(time.Hour)}
	bytes := piece(10, true, to("call-10"), uuid.New())
	bytes.ProposedMessages[0].Metadata["content-type"] = "application/octet-stream"
	large := piece(11, false, to("call-11"), uuid.New())
	large.ProposedMessages[0].Data = make([]byte, eventstore.MaxAppend)
	for _, p := range []*streams.BatchAppendReq{
		piece(1, false, to("call-1"), a),
		piece(2, true, to("call-2"), uuid.New()), // in conflict
		piece(1, false, nil, uuid.New()),
		piece(3, true, nil, uuid.New()), // never began
		piece(1, true, nil),
		piece(1, true, nil), // has been answered
		piece(4, true, to("call-4")),
		piece(5, true, soon, uuid.New()),
		piece(6, true, late, uuid.New()),
		piece(7, true, past, uuid.New()),
		piece(8, false, unfinished, uuid.New()),
		piece(9, true, to("call-9"), uuid.New()),
		bytes,
		large,
		piece(11, true, nil),
		piece(12, true, system, uuid.New()),
	} {
		require.NoError(t, b.Send(p))
	}
	got := map[string]*streams.BatchAppendResp{}
	for range 11 {
		m, err := b.Recv()
		require.NoError(t, err)
		require.NotContains(t, got, m.CorrelationId.GetString_())
		got[m.CorrelationId.GetString_()] = m
	}
	require.NoError(t, b.CloseSend())
	_, err = b.Recv()
	require.ErrorIs(t, err, io.EOF, "and no more answers")

	of := func(n byte) *streams.BatchAppendResp { return got[uuid.UUID{15: n}.String()] }
	require.Equal(t, uint64(1), of(1).GetSuccess().GetCurrentRevision())
	require.Equal(t, "call-1", string(of(1).StreamIdentifier.StreamName))
	require.NotZero(t, of(1).GetSuccess().GetPosition().GetCommitPosition())
	require.NotNil(t, of(4).GetSuccess().GetNoStream())
	require.NotNil(t, of(4).GetSuccess().GetNoPosition())
	require.NotNil(t, of(5).GetSuccess())
	require.Equal(t, uint64(0), of(5).GetSuccess().GetCurrentRevision())
	for n, want := range map[byte]struct {
		code codes.Code
		kind string
	}{
		2: {codes.AlreadyExists, "WrongExpectedVersion"}, 6: {codes.DeadlineExceeded, "Timeout"}, 7: {codes.DeadlineExceeded, "Timeout"},
		8: {codes.DeadlineExceeded, "Timeout"}, 9: {codes.NotFound, "StreamDeleted"}, 10: {codes.InvalidArgument, "BadRequest"},
		11: {codes.InvalidArgument, "MaximumAppendSizeExceeded"}, 12: {codes.PermissionDenied, "AccessDenied"},
	} {
		e := of(n).GetError()
		require.EqualValues(t, want.code, e.GetCode(), n)
		require.Len(t, e.GetDetails(), 1, n)
		require.True(t, strings.HasSuffix(e.GetDetails()[0].GetTypeUrl(), "event_store.client."+want.kind), e.GetDetails()[0].GetTypeUrl())
	}
	conflict := &shared.WrongExpectedVersion{}
	require.NoError(t, of(2).GetError().GetDetails()[0].UnmarshalTo(conflict))
	require.Equal(t, uint64(1), conflict.GetCurrentStreamRevision())
	require.NotNil(t, conflict.GetExpectedNoStream())
}

// An id may be used again once it was answered: what ended then says nothing
// of what begins.
func TestABatchIsNotTimedOutForAnEarlierOneOfItsID(t *testing.T) {
	t.Parallel()
	w := inMemory(t)
	b, err := w.BatchAppend(t.Context())
	require.NoError(t, err)
	for n := range 200 {
		stream := fmt.Sprintf("call-%d", n)
		for _, p := range []*streams.BatchAppendReq{
			piece(1, true, to(stream+"a"), uuid.New()), piece(1, false, to(stream+"b"), uuid.New()),
			piece(2, true, to(stream+"c"), uuid.New()), piece(1, true, nil, uuid.New()),
		} {
			require.NoError(t, b.Send(p))
		}
		for range 3 {
			m, err := b.Recv()
			require.NoError(t, err)
			require.NotNil(t, m.GetSuccess(), "%d: %s", n, m)
		}
	}
}

func TestUnfinishedBatchesAreBounded(t *testing.T) {
	t.Parallel()
	b, err := inMemory(t).BatchAppend(t.Context())
	require.NoError(t, err)
	for n := range 256 {
		p := piece(0, false, to("call-1"))
		p.CorrelationId = &shared.UUID{Value: &shared.UUID_String_{String_: fmt.Sprint("unfinished ", n)}}
		require.NoError(t, b.Send(p))
	}
	require.NoError(t, b.Send(piece(1, true, to("call-2"), uuid.New())))
	m, err := b.Recv()
	require.NoError(t, err)
	require.Equal(t, correlation(1).GetString_(), m.CorrelationId.GetString_())
	require.EqualValues(t, codes.ResourceExhausted, m.GetError().GetCode())
}

func deleteReq(stream string) *streams.DeleteReq {
	return &streams.DeleteReq{Options: &streams.DeleteReq_Options{StreamIdentifier: streamID(stream), ExpectedStreamRevision: &streams.DeleteReq_Options_Any{}}}
}

func tombstoneReq(stream string) *streams.TombstoneReq {
	return &streams.TombstoneReq{Options: &streams.TombstoneReq_Options{StreamIdentifier: streamID(stream), ExpectedStreamRevision: &streams.TombstoneReq_Options_Any{}}}
}

// G/Streams.Delete.cs:18-170. The answer has a position, which GO/
// protobuf_utils.go:421 reads unasked; the error names the stream, which
// GO/impl.go:66 does; the numbers of a conflict are numbers, as
// N/utils/CommandError.ts wants.
func TestDeleting(t *testing.T) {
	t.Parallel()
	w := inMemory(t)
	w.write("call-1", 3, "a.b")
	gone, err := w.Delete(t.Context(), deleteReq("call-1"))
	require.NoError(t, err)
	require.Equal(t, uint64(3), gone.GetPosition().GetCommitPosition())
	require.Equal(t, []string{"not found call-1"}, w.places(ofStream("call-1", whole)))
	answer, _, err := w.append(options("call-1", eventstore.NoStream), proposed(uuid.New(), "a.b", jsonType, []byte(`{}`)))
	require.NoError(t, err)
	require.Equal(t, uint64(3), answer.GetSuccess().GetCurrentRevision(), "its revisions go on")
	require.Len(t, w.places(request(func(*streams.ReadReq_Options) {})), 4, "the log forgets nothing")

	trailer := metadata.MD{}
	_, err = w.Delete(t.Context(), deleteReq("call-2"), grpc.Trailer(&trailer))
	require.Equal(t, codes.FailedPrecondition, status.Code(err))
	require.Equal(t, []string{"wrong-expected-version", "call-2", "-2", "-1"}, []string{
		trailer.Get("exception")[0], trailer.Get("stream-name")[0], trailer.Get("expected-version")[0], trailer.Get("actual-version")[0],
	})
	undecided := deleteReq("call-1")
	undecided.Options.ExpectedStreamRevision = nil
	_, err = w.Delete(t.Context(), undecided)
	require.Equal(t, codes.InvalidArgument, status.Code(err))

	ended, err := w.Tombstone(t.Context(), tombstoneReq("call-1"))
	require.NoError(t, err)
	require.NotNil(t, ended.GetPosition())
	_, readTrailer, err := w.read(ofStream("call-1", whole))
	require.Equal(t, codes.FailedPrecondition, status.Code(err))
	require.Equal(t, []string{"call-1"}, readTrailer.Get("stream-name"))
	_, appendTrailer, err := w.append(options("call-1", eventstore.Any), proposed(uuid.New(), "a.b", jsonType, []byte(`{}`)))
	require.Equal(t, codes.FailedPrecondition, status.Code(err))
	require.Equal(t, []string{"stream-deleted"}, appendTrailer.Get("exception"))
	require.Equal(t, []string{"call-1"}, appendTrailer.Get("stream-name"))
	f := w.follow(ofStream("call-1", whole))
	require.Equal(t, []string{"confirmed"}, f.next(1))
	_, err = f.in.Recv()
	require.Equal(t, codes.FailedPrecondition, status.Code(err))
	_, err = w.Tombstone(t.Context(), tombstoneReq("call-1"), grpc.Trailer(&trailer))
	require.Equal(t, codes.FailedPrecondition, status.Code(err))
	require.Equal(t, []string{"stream-deleted"}, trailer.Get("exception"))
}

// G/ServerFeatures.cs:26-55: names in lower case; GO/impl.go:374 wants a
// version of three numbers. What a store can't do is not offered.
func TestTheServerOffersWhatItServes(t *testing.T) {
	t.Parallel()
	for name, open := range stores(t) {
		w := serve(t, open(t), esdbserver.Options{})
		got, err := serverfeatures.NewServerFeaturesClient(w.conn).GetSupportedMethods(t.Context(), &shared.Empty{})
		require.NoError(t, err)
		require.Regexp(t, `^\d+\.\d+\.\d+$`, got.EventStoreServerVersion)
		methods := map[string][]string{}
		for _, m := range got.Methods {
			require.Equal(t, strings.ToLower(m.ServiceName+"/"+m.MethodName), m.ServiceName+"/"+m.MethodName)
			methods[m.ServiceName+"/"+m.MethodName] = m.Features
		}
		require.Equal(t, []string{"position", "events"}, methods["event_store.client.streams.streams/read"])
		require.Equal(t, []string{"deadline_duration"}, methods["event_store.client.streams.streams/batchappend"])
		require.Contains(t, methods, "event_store.client.streams.streams/append")
		_, deletes := methods["event_store.client.streams.streams/delete"]
		require.Equal(t, name == "memory", deletes)
		_, err = w.Delete(t.Context(), deleteReq("call-1"))
		require.Equal(t, !deletes, status.Code(err) == codes.Unimplemented)
	}
}

// G/Gossip.Read.cs:39-53; GO/impl.go:444-534 connects to the address that an
// alive leader gives.
func TestGossipNamesOneLeader(t *testing.T) {
	t.Parallel()
	w := inMemory(t)
	info, err := gossip.NewGossipClient(w.conn).Read(t.Context(), &shared.Empty{})
	require.NoError(t, err)
	require.Len(t, info.Members, 1)
	m := info.Members[0]
	require.Equal(t, gossip.MemberInfo_Leader, m.State)
	require.True(t, m.IsAlive)
	require.Equal(t, w.address, fmt.Sprintf("%s:%d", m.HttpEndPoint.Address, m.HttpEndPoint.Port))
	require.Equal(t, recordedAt.UnixNano()/100, m.TimeStamp)
	require.NotEqual(t, uuid.Nil, fromStructured(m.InstanceId))

	named := serve(t, memory.New(), esdbserver.Options{Address: "log.example.org:2113"})
	info, err = gossip.NewGossipClient(named.conn).Read(t.Context(), &shared.Empty{})
	require.NoError(t, err)
	require.Equal(t, "log.example.org", info.Members[0].HttpEndPoint.Address)
	require.EqualValues(t, 2113, info.Members[0].HttpEndPoint.Port)
}

// The end of a server ends what would not end by itself.
func TestTheEndOfAServerEndsSubscriptionsAndBatches(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	store := memory.New()
	go func() { served <- esdbserver.New(store, esdbserver.Options{}).Serve(ctx, l) }()
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	defer conn.Close()
	w := &wire{t, store, "", conn, streams.NewStreamsClient(conn)}
	f := w.follow(request(func(*streams.ReadReq_Options) {}))
	f.next(2)
	b, err := w.BatchAppend(t.Context())
	require.NoError(t, err)
	require.NoError(t, b.Send(piece(1, true, to("call-1"), uuid.New())))
	_, err = b.Recv()
	require.NoError(t, err)
	require.Equal(t, []string{"call-1@0"}, f.next(1))
	cancel()
	_, err = f.in.Recv()
	require.Equal(t, codes.Unavailable, status.Code(err))
	_, err = b.Recv()
	require.Equal(t, codes.Unavailable, status.Code(err))
	require.NoError(t, <-served)
}

// A closed store is a server that can't be reached now.
func TestAClosedStoreIsUnavailable(t *testing.T) {
	t.Parallel()
	w := inMemory(t)
	require.NoError(t, w.store.Close())
	_, _, err := w.append(options("call-1", eventstore.Any), proposed(uuid.New(), "a.b", jsonType, []byte(`{}`)))
	require.Equal(t, codes.Unavailable, status.Code(err))
	_, _, err = w.read(request(func(*streams.ReadReq_Options) {}))
	require.Equal(t, codes.Unavailable, status.Code(err))
}

// Faults do what they say, to the log and to who asked.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault esdbserver.Fault
		kept  int
		code  codes.Code
	}{
		{esdbserver.NoFault, 1, codes.OK},
		{esdbserver.Drop, 0, codes.Unavailable},
		{esdbserver.DropAfter, 1, codes.Unavailable},
		{esdbserver.Twice, 1, codes.OK},
		{esdbserver.NotLeader, 0, codes.NotFound},
		{esdbserver.Busy, 0, codes.Unavailable},
	} {
		fault := c.fault
		w := serve(t, memory.New(), esdbserver.Options{Leader: "127.0.0.1:9", Fault: func(_ context.Context, at esdbserver.Moment) esdbserver.Fault {
			if at.Method == "Append" || at.Sent == 2 {
				return fault
			}
			return esdbserver.NoFault
		}})
		_, trailer, err := w.append(options("call-1", eventstore.NoStream), proposed(uuid.New(), "a.b", jsonType, []byte(`{}`)))
		require.Equal(t, c.code, status.Code(err), "%d: %v", c.fault, err)
		if c.fault == esdbserver.NotLeader { // G/RpcExceptions.cs:26
			require.Equal(t, []string{"not-leader", "127.0.0.1", "9"}, []string{trailer.Get("exception")[0], trailer.Get("leader-endpoint-host")[0], trailer.Get("leader-endpoint-port")[0]})
		}
		head, err := w.store.Head(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, c.kept, head.Commit(), c.fault)

		w.write("call-2", 3, "a.b")
		all, _, err := w.read(ofStream("call-2", whole))
		require.Equal(t, c.code, status.Code(err), "%d: %v", c.fault, err)
		if err != nil {
			require.LessOrEqual(t, len(all), 2)
		}
	}
}

func TestAFaultMayTakeItsTime(t *testing.T) {
	t.Parallel()
	asked, proceed := make(chan struct{}), make(chan struct{})
	w := serve(t, memory.New(), esdbserver.Options{Fault: func(ctx context.Context, at esdbserver.Moment) esdbserver.Fault {
		if at.Method == "Read" && at.Sent == 1 {
			close(asked)
			select {
			case <-proceed:
			case <-ctx.Done():
			}
		}
		return esdbserver.NoFault
	}})
	w.write("call-1", 2, "a.b")
	in, err := w.Read(t.Context(), ofStream("call-1", whole))
	require.NoError(t, err)
	<-asked
	m, err := in.Recv()
	require.NoError(t, err)
	require.Equal(t, "call-1@0", place(m))
	close(proceed)
	m, err = in.Recv()
	require.NoError(t, err)
	require.Equal(t, "call-1@1", place(m))
}

func fromStructured(u *shared.UUID) (id uuid.UUID) {
	binary.BigEndian.PutUint64(id[:8], uint64(u.GetStructured().GetMostSignificantBits()))
	binary.BigEndian.PutUint64(id[8:], uint64(u.GetStructured().GetLeastSignificantBits()))
	return id
}
