package esdbserver

import (
	"context"
	"errors"
	"strconv"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/daybook-engine/daybook/eventstore"
)

// A deleter is a store that can delete: one in memory.
type deleter interface {
	Delete(ctx context.Context, stream string, expected eventstore.Expected) (eventstore.Position, error)
	Tombstone(ctx context.Context, stream string, expected eventstore.Expected) (eventstore.Position, error)
}

// Delete hides a stream until it is appended to again. The answer has a
// position, always: a client reads it unasked (GO/protobuf_utils.go:421).
func (s *Server) Delete(ctx context.Context, req *streams.DeleteReq) (*streams.DeleteResp, error) {
	o := req.GetOptions()
	expected, ok := eventstore.Any, true
	switch e := o.GetExpectedStreamRevision().(type) {
	case *streams.DeleteReq_Options_Revision:
		expected = eventstore.Exact(e.Revision)
	case *streams.DeleteReq_Options_NoStream:
		expected = eventstore.NoStream
	case *streams.DeleteReq_Options_StreamExists:
		expected = eventstore.StreamExists
	case *streams.DeleteReq_Options_Any:
	default:
		ok = false
	}
	at, err := s.delete(ctx, "Delete", string(o.GetStreamIdentifier().GetStreamName()), expected, ok)
	if err != nil {
		return nil, err
	}
	return &streams.DeleteResp{PositionOption: &streams.DeleteResp_Position_{
		Position: &streams.DeleteResp_Position{CommitPosition: at.Commit(), PreparePosition: at.Prepare()},
	}}, nil
}

// Tombstone ends a stream for good.
func (s *Server) Tombstone(ctx context.Context, req *streams.TombstoneReq) (*streams.TombstoneResp, error) {
	o := req.GetOptions()
	expected, ok := eventstore.Any, true
	switch e := o.GetExpectedStreamRevision().(type) {
	case *streams.TombstoneReq_Options_Revision:
		expected = eventstore.Exact(e.Revision)
	case *streams.TombstoneReq_Options_NoStream:
		expected = eventstore.NoStream
	case *streams.TombstoneReq_Options_StreamExists:
		expected = eventstore.StreamExists
	case *streams.TombstoneReq_Options_Any:
	default:
		ok = false
	}
	at, err := s.delete(ctx, "Tombstone", string(o.GetStreamIdentifier().GetStreamName()), expected, ok)
	if err != nil {
		return nil, err
	}
	return &streams.TombstoneResp{PositionOption: &streams.TombstoneResp_Position_{
		Position: &streams.TombstoneResp_Position{CommitPosition: at.Commit(), PreparePosition: at.Prepare()},
	}}, nil
}

func (s *Server) delete(ctx context.Context, method, stream string, expected eventstore.Expected, ok bool) (at eventstore.Position, err error) {
	store, can := s.store.(deleter)
	switch {
	case !can:
		return at, status.Error(codes.Unimplemented, "this log forgets nothing")
	case !ok:
		return at, invalid("a deletion expects something of its stream")
	}
	ctx, cancel := s.until(ctx)
	defer cancel()
	err = s.carryOut(ctx, method, func() error {
		if method == "Tombstone" {
			at, err = store.Tombstone(ctx, stream, expected)
		} else {
			at, err = store.Delete(ctx, stream, expected)
		}
		return err
	})
	if conflict := new(eventstore.WrongExpectedError); errors.As(err, &conflict) {
		return at, wrongExpectedTrailers(ctx, conflict)
	} else if err != nil {
		return at, s.ended(failure(ctx, stream, err))
	}
	return at, nil
}

// wrongExpectedTrailers says where a stream was found, in numbers: a client
// reads them as such (G/RpcExceptions.cs:114; N/utils/CommandError.ts).
func wrongExpectedTrailers(ctx context.Context, c *eventstore.WrongExpectedError) error {
	expected, actual := "-2", "-1" // any; no stream (C/Data/ExpectedVersion.cs)
	switch revision, exact := c.Expected.Revision(); {
	case exact:
		expected = strconv.FormatUint(revision, 10)
	case c.Expected == eventstore.NoStream:
		expected = "-1"
	case c.Expected == eventstore.StreamExists:
		expected = "-4"
	}
	if c.ActualKnown {
		actual = strconv.FormatUint(c.Actual, 10)
	}
	return refused(ctx, codes.FailedPrecondition, "wrong-expected-version", c.Error(),
		"stream-name", c.Stream, "expected-version", expected, "actual-version", actual)
}
