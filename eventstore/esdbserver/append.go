package esdbserver

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"

	"github.com/daybook-engine/daybook/eventstore"
)

const contentJSON = "application/json"

// Append takes a header and events, and answers once, when the client has
// said everything: a client that is answered while it still sends tells its
// caller that the stream ended, not why (GO/client.go:71-86). So a refusal
// waits until the rest has been read.
func (s *Server) Append(in streams.Streams_AppendServer) error {
	ctx, cancel := s.until(in.Context())
	defer cancel()
	to, events, err := receive(ctx, in)
	if err != nil {
		for {
			if _, end := in.Recv(); end != nil {
				return s.ended(err)
			}
		}
	}
	var answer *streams.AppendResp
	err = s.carryOut(ctx, "Append", func() error {
		answer = nil
		result, err := s.append(ctx, to.stream, to.expected, events)
		if conflict := new(eventstore.WrongExpectedError); errors.As(err, &conflict) {
			answer = &streams.AppendResp{Result: &streams.AppendResp_WrongExpectedVersion_{WrongExpectedVersion: wrongExpected(conflict)}}
			return nil
		}
		if err != nil {
			return failure(ctx, to.stream, err)
		}
		answer = &streams.AppendResp{Result: &streams.AppendResp_Success_{Success: result.success()}}
		return nil
	})
	if err != nil {
		return s.ended(err)
	}
	return in.SendAndClose(answer)
}

// A target is where an append goes.
type target struct {
	stream   string
	expected eventstore.Expected
}

// receive reads a whole append (G/Streams.Append.cs:23-94).
func receive(ctx context.Context, in streams.Streams_AppendServer) (to target, events []eventstore.Event, err error) {
	for size := 0; ; {
		m, err := in.Recv()
		switch {
		case errors.Is(err, io.EOF) && to.stream != "":
			return to, events, nil
		case errors.Is(err, io.EOF):
			return to, nil, invalid("an append begins with its options")
		case err != nil:
			return to, nil, err
		}
		if o := m.GetOptions(); o != nil && to.stream == "" {
			to.stream = string(o.GetStreamIdentifier().GetStreamName())
			var ok bool
			if to.expected, ok = expectedOf(o); !ok {
				return to, nil, invalid("an append expects something of its stream")
			}
			if to.stream == "" || to.stream[0] == '$' {
				return to, nil, accessDenied(ctx) // C/Data/SystemSettings.cs:13: system streams are the administrators'
			}
			continue
		}
		p := m.GetProposedMessage()
		if p == nil || to.stream == "" {
			return to, nil, invalid("an append is options, then proposed messages")
		}
		e, err := proposed(ctx, p)
		if err != nil {
			return to, nil, err
		}
		if size += e.Size(); size > eventstore.MaxAppend { // G/Streams.Append.cs:74-82
			return to, nil, failure(ctx, to.stream, eventstore.ErrTooLarge)
		}
		events = append(events, e)
	}
}

// A proposal is an event on the wire, in Append and in BatchAppend.
type proposal interface {
	GetId() *shared.UUID
	GetMetadata() map[string]string
	GetCustomMetadata() []byte
	GetData() []byte
}

func proposed(ctx context.Context, p proposal) (eventstore.Event, error) {
	name, named := p.GetMetadata()["type"]
	content, typed := p.GetMetadata()["content-type"]
	if !named || !typed { // G/Streams.Append.cs:66
		return eventstore.Event{}, refused(ctx, codes.InvalidArgument, "missing-required-metadata-property",
			"an event has a type and a content-type", "required-metadata-properties", "type,content-type")
	}
	if content != contentJSON {
		return eventstore.Event{}, invalid("this log keeps %s, not %s", contentJSON, content)
	}
	id, err := parseUUID(p.GetId())
	if err != nil {
		return eventstore.Event{}, invalid("event id: %v", err)
	}
	return eventstore.Event{ID: id, Name: name, Data: p.GetData(), Metadata: p.GetCustomMetadata()}, nil
}

// An outcome is where an append ended. Nothing appended to no stream ends
// nowhere.
type outcome struct {
	eventstore.Result
	exists bool // the stream has events
	wrote  bool // the append had some
}

// append appends. No events is no error for a store; here it asks whether the
// stream is where it was expected, and is answered with its revision.
func (s *Server) append(ctx context.Context, stream string, expected eventstore.Expected, events []eventstore.Event) (outcome, error) {
	if len(events) > 0 {
		result, err := s.store.Append(ctx, stream, expected, events...)
		return outcome{result, true, true}, err
	}
	var o outcome
	for e, err := range s.store.ReadStream(ctx, stream, eventstore.ReadStream{Backwards: true, Limit: 1}) {
		if errors.Is(err, eventstore.ErrStreamNotFound) {
			break
		} else if err != nil {
			return o, err
		}
		o.Revision, o.exists = e.Revision, true
	}
	revision, exact := expected.Revision()
	if exact && (!o.exists || revision != o.Revision) || expected == eventstore.NoStream && o.exists || expected == eventstore.StreamExists && !o.exists {
		return o, &eventstore.WrongExpectedError{Stream: stream, Expected: expected, Actual: o.Revision, ActualKnown: o.exists}
	}
	return o, nil
}

// success is how Append says so (G/Streams.Append.cs:124-143).
func (o outcome) success() *streams.AppendResp_Success {
	answer := &streams.AppendResp_Success{
		CurrentRevisionOption: &streams.AppendResp_Success_CurrentRevision{CurrentRevision: o.Revision},
		PositionOption: &streams.AppendResp_Success_Position{Position: &streams.AppendResp_Position{
			CommitPosition: o.Position.Commit(), PreparePosition: o.Position.Prepare(),
		}},
	}
	if !o.exists {
		answer.CurrentRevisionOption = &streams.AppendResp_Success_NoStream{NoStream: &shared.Empty{}}
	}
	if !o.wrote {
		answer.PositionOption = &streams.AppendResp_Success_NoPosition{NoPosition: &shared.Empty{}}
	}
	return answer
}

// wrongExpected says where the stream was found, in today's fields and in
// those that clients of release 20.6 read (G/Streams.Append.cs:149-184).
func wrongExpected(c *eventstore.WrongExpectedError) *streams.AppendResp_WrongExpectedVersion {
	w := &streams.AppendResp_WrongExpectedVersion{}
	if c.ActualKnown {
		w.CurrentRevisionOption = &streams.AppendResp_WrongExpectedVersion_CurrentRevision{CurrentRevision: c.Actual}
		w.CurrentRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_CurrentRevision_20_6_0{CurrentRevision_20_6_0: c.Actual}
	} else {
		w.CurrentRevisionOption = &streams.AppendResp_WrongExpectedVersion_CurrentNoStream{CurrentNoStream: &shared.Empty{}}
		w.CurrentRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_NoStream_20_6_0{NoStream_20_6_0: &shared.Empty{}}
	}
	switch revision, exact := c.Expected.Revision(); {
	case exact:
		w.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedRevision{ExpectedRevision: revision}
		w.ExpectedRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_ExpectedRevision_20_6_0{ExpectedRevision_20_6_0: revision}
	case c.Expected == eventstore.NoStream:
		w.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedNoStream{ExpectedNoStream: &shared.Empty{}}
		w.ExpectedRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_ExpectedRevision_20_6_0{ExpectedRevision_20_6_0: math.MaxUint64}
	case c.Expected == eventstore.StreamExists:
		w.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedStreamExists{ExpectedStreamExists: &shared.Empty{}}
		w.ExpectedRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_StreamExists_20_6_0{StreamExists_20_6_0: &shared.Empty{}}
	default:
		w.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedAny{ExpectedAny: &shared.Empty{}}
		w.ExpectedRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_Any_20_6_0{Any_20_6_0: &shared.Empty{}}
	}
	return w
}

func expectedOf(o *streams.AppendReq_Options) (eventstore.Expected, bool) {
	switch e := o.GetExpectedStreamRevision().(type) {
	case *streams.AppendReq_Options_Revision:
		return eventstore.Exact(e.Revision), true
	case *streams.AppendReq_Options_NoStream:
		return eventstore.NoStream, true
	case *streams.AppendReq_Options_Any:
		return eventstore.Any, true
	case *streams.AppendReq_Options_StreamExists:
		return eventstore.StreamExists, true
	default:
		return eventstore.Any, false
	}
}

// structured is an id as two numbers, its halves in big-endian order
// (GO/protobuf_utils.go:376, G/Uuid.cs:29).
func structured(id uuid.UUID) *shared.UUID {
	return &shared.UUID{Value: &shared.UUID_Structured_{Structured: &shared.UUID_Structured{
		MostSignificantBits:  int64(binary.BigEndian.Uint64(id[:8])),
		LeastSignificantBits: int64(binary.BigEndian.Uint64(id[8:])),
	}}}
}

func parseUUID(u *shared.UUID) (id uuid.UUID, err error) {
	if s := u.GetStructured(); s != nil {
		binary.BigEndian.PutUint64(id[:8], uint64(s.MostSignificantBits))
		binary.BigEndian.PutUint64(id[8:], uint64(s.LeastSignificantBits))
		return id, nil
	}
	return uuid.Parse(u.GetString_())
}
