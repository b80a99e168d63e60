package esdbserver

import (
	"context"
	"errors"
	"math"
	"strconv"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/daybook-engine/daybook/eventstore"
)

// A reading is one Read under way.
type reading struct {
	s       *Server
	ctx     context.Context
	out     streams.Streams_ReadServer
	text    bool // ids as text
	follows bool
	sent    int
}

// Read answers a read or a subscription, of one stream or of the log
// (G/Streams.Read.cs:27-241).
func (s *Server) Read(req *streams.ReadReq, out streams.Streams_ReadServer) error {
	o := req.GetOptions()
	if o.GetUuidOption().GetContent() == nil {
		return invalid("`uuid_option` is a required argument") // G/Streams.Read.cs:45
	}
	ctx, cancel := s.until(out.Context())
	defer cancel()
	_, text := o.UuidOption.Content.(*streams.ReadReq_Options_UUIDOption_String_)
	count, bounded := o.GetCountOption().(*streams.ReadReq_Options_Count)
	_, subscribes := o.GetCountOption().(*streams.ReadReq_Options_Subscription)
	r := &reading{s: s, ctx: ctx, out: out, text: text, follows: subscribes}
	_, unfiltered := o.GetFilterOption().(*streams.ReadReq_Options_NoFilter)
	filtered, _ := o.GetFilterOption().(*streams.ReadReq_Options_Filter)
	backwards := o.GetReadDirection() == streams.ReadReq_Options_Backwards

	// The combinations of G/Streams.Read.cs:106-241, and no others.
	ofStream := unfiltered && (bounded || subscribes && !backwards)
	ofAll := (unfiltered || filtered != nil) && (bounded || subscribes && !backwards)
	f, err := newFilter(filtered)
	if err != nil {
		return err
	}
	if err := r.fault(); err != nil {
		return err
	}
	switch o := o.GetStreamOption().(type) {
	case *streams.ReadReq_Options_Stream:
		name := string(o.Stream.GetStreamIdentifier().GetStreamName())
		switch {
		case !ofStream:
			return invalid("the combination of stream, count, direction and filter is invalid")
		case bounded:
			err = r.stream(name, o.Stream, backwards, count.Count)
		default:
			err = r.followStream(name, o.Stream)
		}
		if err != nil {
			return s.ended(failure(ctx, name, err))
		}
	case *streams.ReadReq_Options_All:
		switch {
		case !ofAll:
			return invalid("the combination of $all, count, direction and filter is invalid")
		case bounded:
			err = r.all(o.All, backwards, count.Count, f)
		default:
			err = r.followAll(o.All, f)
		}
		if err != nil {
			return s.ended(failure(ctx, "$all", err))
		}
	default:
		return invalid("a read is of a stream or of $all")
	}
	return nil
}

// stream reads a stream, from a revision inclusive in both directions. One
// that is not there is told by a message, not by an error
// (E/Enumerator.ReadStreamForwards.cs:100).
func (r *reading) stream(name string, o *streams.ReadReq_Options_StreamOptions, backwards bool, count uint64) error {
	read := eventstore.ReadStream{Backwards: backwards, Limit: limit(count)}
	highest := uint64(math.MaxUint64)
	switch from := o.GetRevisionOption().(type) {
	case *streams.ReadReq_Options_StreamOptions_Revision:
		read.From, highest = from.Revision, from.Revision
	case *streams.ReadReq_Options_StreamOptions_Start:
		highest = 0
	case *streams.ReadReq_Options_StreamOptions_End:
		read.From = math.MaxUint64
	default:
		return invalid("a read begins at a revision, at the start or at the end")
	}
	if backwards {
		read.Limit = 0 // counted here: the newest may lie above where the read begins
	}
	for e, err := range r.s.store.ReadStream(r.ctx, name, read) {
		switch {
		case errors.Is(err, eventstore.ErrStreamNotFound):
			return r.send(&streams.ReadResp{Content: &streams.ReadResp_StreamNotFound_{StreamNotFound: &streams.ReadResp_StreamNotFound{
				StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(name)},
			}}})
		case err != nil:
			return err
		case backwards && e.Revision > highest:
			continue
		case count == 0:
			return nil
		}
		if err := r.event(e); err != nil {
			return err
		}
		count--
	}
	return nil
}

// all reads the log: forwards from a position inclusive, backwards exclusive
// (C/Services/Storage/ReaderIndex/AllReader.cs:114, 244).
func (r *reading) all(o *streams.ReadReq_Options_AllOptions, backwards bool, count uint64, f *filter) error {
	read := eventstore.ReadAll{Backwards: backwards, Prefixes: f.prefixes(), Limit: limit(count)}
	var from eventstore.Position
	switch at := o.GetAllOption().(type) {
	case *streams.ReadReq_Options_AllOptions_Position:
		from = eventstore.NewPosition(at.Position.GetCommitPosition(), at.Position.GetPreparePosition())
	case *streams.ReadReq_Options_AllOptions_Start:
	case *streams.ReadReq_Options_AllOptions_End:
		from = end
	default:
		return invalid("a read begins at a position, at the start or at the end")
	}
	switch {
	case count == 0, backwards && from.IsZero(), !backwards && from == end:
		return nil
	case backwards && from != end:
		read.After = from
	case !backwards && from.Commit() > 0:
		// A store reads after a position. What lies before from and after its
		// predecessor is passed over below.
		read.After = eventstore.NewPosition(from.Commit()-1, from.Commit()-1)
		read.Limit = 0
	}
	if !f.byPrefix() {
		read.Limit = 0
	}
	for e, err := range r.s.store.ReadAll(r.ctx, read) {
		if err != nil {
			return err
		}
		if !backwards && e.Position.Compare(from) < 0 || !f.matches(e) {
			continue
		}
		if err := r.event(e); err != nil {
			return err
		}
		if count--; count == 0 {
			break
		}
	}
	return nil
}

// end is the position after everything (C/Services/Transport/Common/Position.cs).
var end = eventstore.NewPosition(math.MaxUint64, math.MaxUint64)

// limit is a count as a store takes it; many is all.
func limit(count uint64) int {
	if count > math.MaxInt32 {
		return 0
	}
	return int(count)
}

// followStream subscribes to one stream after a revision, exclusive
// (E/Enumerator.StreamSubscription.cs:133). A stream that is not there is
// waited for.
func (r *reading) followStream(name string, o *streams.ReadReq_Options_StreamOptions) error {
	subscribe := eventstore.Subscribe{Prefixes: []string{name}}
	var first uint64 // lowest revision that is told
	live := false
	switch from := o.GetRevisionOption().(type) {
	case *streams.ReadReq_Options_StreamOptions_Revision:
		first = from.Revision + 1
		live = from.Revision == math.MaxUint64 // the end, in numbers
	case *streams.ReadReq_Options_StreamOptions_Start:
	case *streams.ReadReq_Options_StreamOptions_End:
		live = true
	default:
		return invalid("a subscription begins at a revision, at the start or at the end")
	}
	if err := r.confirm(); err != nil {
		return err
	}
	if live {
		head, err := r.s.store.Head(r.ctx)
		if err != nil {
			return err
		}
		subscribe.After = head
	}
	for _, err := range r.s.store.ReadStream(r.ctx, name, eventstore.ReadStream{Limit: 1}) { // to find it deleted
		if err != nil && !errors.Is(err, eventstore.ErrStreamNotFound) {
			return err
		}
	}
	return r.follow(subscribe, &filter{choose: func(e eventstore.Recorded) bool { return e.Stream == name && e.Revision >= first }})
}

// followAll subscribes to the log after a position, exclusive
// (G/ReadReq.cs:36, E/Enumerator.AllSubscription.cs:117).
func (r *reading) followAll(o *streams.ReadReq_Options_AllOptions, f *filter) error {
	if f != nil && f.interval == 0 {
		return invalid("the checkpoint interval is zero") // E/Enumerator.AllSubscriptionFiltered.cs:57
	}
	var subscribe eventstore.Subscribe
	switch at := o.GetAllOption().(type) {
	case *streams.ReadReq_Options_AllOptions_Position:
		subscribe.After = eventstore.NewPosition(at.Position.GetCommitPosition(), at.Position.GetPreparePosition())
	case *streams.ReadReq_Options_AllOptions_Start:
	case *streams.ReadReq_Options_AllOptions_End:
		subscribe.After = end
	default:
		return invalid("a subscription begins at a position, at the start or at the end")
	}
	if err := r.confirm(); err != nil {
		return err
	}
	if subscribe.After == end {
		head, err := r.s.store.Head(r.ctx)
		if err != nil {
			return err
		}
		subscribe.After = head
	}
	return r.follow(subscribe, f)
}

// confirm says that a subscription stands: its first message, always
// (GO/client.go:407).
func (r *reading) confirm() error {
	return r.send(&streams.ReadResp{Content: &streams.ReadResp_Confirmation{
		Confirmation: &streams.ReadResp_SubscriptionConfirmation{SubscriptionId: uuid.NewString()},
	}})
}

// backlog is how many events a live subscriber may be behind before it is
// told again that it has caught up: the real server's buffer
// (E/Enumerator.cs, LiveChannelOptions).
const backlog = 32

// follow sends what a subscription gives: events, that they caught up and, by
// a filter, checkpoints: one for every interval of events looked at, whether
// they match or not, and one when history ends, never the same twice
// (E/Enumerator.AllSubscriptionFiltered.cs:67, 299-327). It never says that
// the subscriber fell behind (G/Streams.Read.cs:281).
func (r *reading) follow(subscribe eventstore.Subscribe, f *filter) error {
	sub, err := r.s.store.Subscribe(r.ctx, subscribe)
	if err != nil {
		return err
	}
	defer sub.Close()
	at, told := subscribe.After, subscribe.After
	checkpoint := func() error {
		if !f.checkpoints() || at.Compare(told) <= 0 {
			return nil
		}
		told = at
		return r.send(&streams.ReadResp{Content: &streams.ReadResp_Checkpoint_{
			Checkpoint: &streams.ReadResp_Checkpoint{CommitPosition: at.Commit(), PreparePosition: at.Prepare()},
		}})
	}
	seen, history := uint64(0), true
	for behind := 0; ; {
		m, err := sub.Recv(r.ctx)
		switch {
		case err != nil:
			return err
		case m.Event != nil:
			at = m.Event.Position
			behind++
			if f.matches(*m.Event) {
				if err := r.event(*m.Event); err != nil {
					return err
				}
			}
			if seen++; f.checkpoints() && seen%f.interval == 0 {
				if err := checkpoint(); err != nil {
					return err
				}
			}
		case m.CaughtUp && (history || behind > backlog):
			if err := checkpoint(); err != nil {
				return err
			}
			history, behind = false, 0
			if err := r.send(&streams.ReadResp{Content: &streams.ReadResp_CaughtUp_{CaughtUp: r.s.caughtUp()}}); err != nil {
				return err
			}
		case m.CaughtUp:
			behind = 0
		}
	}
}

// caughtUp says so with the time in field 1, which is younger than the
// messages here: without it KurrentDB's client tells of nothing at all
// (K/subscriptions.go:98). Older clients pass it over.
func (s *Server) caughtUp() *streams.ReadResp_CaughtUp {
	c := &streams.ReadResp_CaughtUp{}
	if b, err := proto.Marshal(timestamppb.New(s.now())); err == nil {
		c.ProtoReflect().SetUnknown(protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), b))
	}
	return c
}

// event sends an event. Its metadata has three keys, always: a client that
// misses the time it was created ends its process (GO/protobuf_utils.go:408).
func (r *reading) event(e eventstore.Recorded) error {
	created := int64(0)
	if r.s.options.Recorded != nil {
		created = ticks(r.s.options.Recorded(e))
	}
	id := structured(e.ID)
	if r.text {
		id = &shared.UUID{Value: &shared.UUID_String_{String_: e.ID.String()}}
	}
	return r.send(&streams.ReadResp{Content: &streams.ReadResp_Event{Event: &streams.ReadResp_ReadEvent{
		Event: &streams.ReadResp_ReadEvent_RecordedEvent{
			Id:               id,
			StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(e.Stream)},
			StreamRevision:   e.Revision,
			CommitPosition:   e.Position.Commit(),
			PreparePosition:  e.Position.Prepare(),
			Metadata: map[string]string{
				"type":         e.Name,
				"content-type": contentJSON,
				"created":      strconv.FormatInt(created, 10),
			},
			CustomMetadata: e.Metadata,
			Data:           e.Data,
		},
		Position: &streams.ReadResp_ReadEvent_CommitPosition{CommitPosition: e.Position.Commit()},
	}}})
}

func (r *reading) send(m *streams.ReadResp) error {
	if r.sent > 0 {
		if err := r.fault(); err != nil {
			return err
		}
	}
	r.sent++
	return r.out.Send(m)
}

func (r *reading) fault() error {
	if r.s.options.Fault == nil {
		return nil
	}
	return r.s.misbehave(r.ctx, r.s.options.Fault(r.ctx, Moment{"Read", r.follows, r.sent}))
}
