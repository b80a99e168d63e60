package esdbserver

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/daybook-engine/daybook/eventstore"
)

// maxPending bounds what one client makes us remember, at up to
// eventstore.MaxAppend each.
const maxPending = 256

// A batch is an append that comes in pieces, told apart by correlation id.
type batch struct {
	target
	id     *shared.UUID
	size   int
	events []eventstore.Event
	ctx    context.Context // ends at the client's deadline
	cancel context.CancelFunc
}

// BatchAppend carries many appends on one stream, and answers each once: a
// second answer to the same correlation id breaks the client that gets it
// (N/streams/appendToStream/batchAppend.ts:60). Pieces of an append that has
// been answered, or that never began, are passed over
// (G/Streams.BatchAppend.cs:178).
func (s *Server) BatchAppend(in streams.Streams_BatchAppendServer) error {
	ctx, cancel := s.until(in.Context())
	defer cancel()
	pieces := make(chan *streams.BatchAppendReq)
	broken := make(chan error, 1)
	go func() {
		for {
			m, err := in.Recv()
			if err != nil {
				broken <- err
				return
			}
			select {
			case pieces <- m:
			case <-ctx.Done():
				return
			}
		}
	}()

	pending := map[string]*batch{} // by correlation id
	overdue := make(chan *batch)
	defer func() {
		for _, b := range pending {
			b.cancel()
		}
	}()
	answer := func(b *batch, a *streams.BatchAppendResp) error {
		a.CorrelationId = b.id
		a.StreamIdentifier = &shared.StreamIdentifier{StreamName: []byte(b.stream)}
		return in.Send(a)
	}
	for {
		select {
		case <-ctx.Done():
			return s.ended(status.FromContextError(ctx.Err()).Err())
		case err := <-broken:
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		case b := <-overdue:
			if key := b.id.String(); pending[key] == b { // and not answered meanwhile, its id used again
				delete(pending, key)
				if err := answer(b, batchTimeout()); err != nil {
					return err
				}
			}
		case piece := <-pieces:
			key := piece.GetCorrelationId().String()
			b, ok := pending[key]
			if !ok {
				if piece.GetOptions() == nil {
					continue
				}
				b = s.begin(ctx, piece)
				if len(pending) == maxPending {
					b.cancel()
					if err := answer(b, batchError(codes.ResourceExhausted, "too many appends are unfinished", &shared.Unknown{})); err != nil {
						return err
					}
					continue
				}
				pending[key] = b
				stop, cancel := context.AfterFunc(b.ctx, func() {
					select {
					case overdue <- b:
					case <-ctx.Done():
					}
				}), b.cancel
				b.cancel = func() { stop(); cancel() } // what was answered is not overdue
			}
			refusal := b.add(piece)
			if refusal == nil && !piece.GetIsFinal() {
				continue
			}
			delete(pending, key)
			if refusal == nil {
				err := s.carryOut(ctx, "BatchAppend", func() error {
					refusal = s.commit(b)
					return nil
				})
				if err != nil {
					b.cancel()
					return s.ended(err) // the whole stream ends, as G/Streams.BatchAppend.cs:230 has it
				}
			}
			b.cancel()
			if err := answer(b, refusal); err != nil {
				return err
			}
		}
	}
}

// begin reads an append's options. The client's deadline is a length of time
// or, from older ones, a moment; both bound the pieces' coming too
// (G/Streams.BatchAppend.cs:143-173, 299, 322).
func (s *Server) begin(ctx context.Context, piece *streams.BatchAppendReq) *batch {
	o := piece.GetOptions()
	b := &batch{id: piece.GetCorrelationId()}
	b.stream = string(o.GetStreamIdentifier().GetStreamName())
	switch e := o.GetExpectedStreamPosition().(type) {
	case *streams.BatchAppendReq_Options_StreamPosition:
		b.expected = eventstore.Exact(e.StreamPosition)
	case *streams.BatchAppendReq_Options_NoStream:
		b.expected = eventstore.NoStream
	case *streams.BatchAppendReq_Options_StreamExists:
		b.expected = eventstore.StreamExists
	default:
		b.expected = eventstore.Any
	}
	switch d := o.GetDeadlineOption().(type) {
	case *streams.BatchAppendReq_Options_Deadline:
		b.ctx, b.cancel = context.WithTimeout(ctx, d.Deadline.AsDuration())
	case *streams.BatchAppendReq_Options_Deadline_21_10_0:
		b.ctx, b.cancel = context.WithDeadline(ctx, d.Deadline_21_10_0.AsTime())
	default:
		b.ctx, b.cancel = context.WithCancel(ctx)
	}
	return b
}

// add takes a piece, or gives the refusal of all of them.
func (b *batch) add(piece *streams.BatchAppendReq) *streams.BatchAppendResp {
	switch {
	case b.ctx.Err() != nil:
		return batchTimeout()
	case b.stream == "" || b.stream[0] == '$':
		return batchError(codes.PermissionDenied, "access denied", &shared.AccessDenied{})
	}
	for _, p := range piece.GetProposedMessages() {
		e, err := proposed(b.ctx, p)
		if err != nil {
			text := status.Convert(err).Message()
			return batchError(codes.InvalidArgument, text, &shared.BadRequest{Message: text})
		}
		b.events = append(b.events, e)
		b.size += e.Size()
	}
	if b.size > eventstore.MaxAppend {
		return batchError(codes.InvalidArgument, eventstore.ErrTooLarge.Error(), &shared.MaximumAppendSizeExceeded{MaxAppendSize: eventstore.MaxAppend})
	}
	return nil
}

// commit appends what has come. Errors are those of G/Status.cs:13-82.
func (s *Server) commit(b *batch) *streams.BatchAppendResp {
	o, err := s.append(b.ctx, b.stream, b.expected, b.events)
	conflict := new(eventstore.WrongExpectedError)
	switch {
	case errors.As(err, &conflict):
		return batchError(codes.AlreadyExists, err.Error(), batchConflict(conflict))
	case errors.Is(err, eventstore.ErrStreamDeleted):
		return batchError(codes.NotFound, err.Error(), &shared.StreamDeleted{StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(b.stream)}})
	case errors.Is(err, context.DeadlineExceeded):
		return batchTimeout()
	case errors.Is(err, eventstore.ErrInvalid):
		return batchError(codes.InvalidArgument, err.Error(), &shared.BadRequest{Message: err.Error()})
	case err != nil:
		return batchError(codes.Unknown, err.Error(), &shared.Unknown{})
	}
	success := &streams.BatchAppendResp_Success{
		CurrentRevisionOption: &streams.BatchAppendResp_Success_CurrentRevision{CurrentRevision: o.Revision},
		PositionOption: &streams.BatchAppendResp_Success_Position{Position: &shared.AllStreamPosition{
			CommitPosition: o.Position.Commit(), PreparePosition: o.Position.Prepare(),
		}},
	}
	if !o.exists {
		success.CurrentRevisionOption = &streams.BatchAppendResp_Success_NoStream{NoStream: &emptypb.Empty{}}
	}
	if !o.wrote {
		success.PositionOption = &streams.BatchAppendResp_Success_NoPosition{NoPosition: &emptypb.Empty{}}
	}
	return &streams.BatchAppendResp{Result: &streams.BatchAppendResp_Success_{Success: success}}
}

func batchTimeout() *streams.BatchAppendResp {
	return batchError(codes.DeadlineExceeded, "timeout", &shared.Timeout{})
}

// batchError says what went wrong with a message of its own, always: a client
// unpacks it unasked (N/utils/unpackError.ts:29).
func batchError(code codes.Code, text string, detail protoadapt.MessageV1) *streams.BatchAppendResp {
	st, err := status.New(code, text).WithDetails(detail)
	if err != nil { // a message of ours that can't be encoded
		panic(fmt.Sprintf("%T: %v", detail, err))
	}
	return &streams.BatchAppendResp{Result: &streams.BatchAppendResp_Error{Error: st.Proto()}}
}

func batchConflict(c *eventstore.WrongExpectedError) *shared.WrongExpectedVersion {
	w := &shared.WrongExpectedVersion{
		CurrentStreamRevisionOption: &shared.WrongExpectedVersion_CurrentNoStream{CurrentNoStream: &emptypb.Empty{}},
	}
	if c.ActualKnown {
		w.CurrentStreamRevisionOption = &shared.WrongExpectedVersion_CurrentStreamRevision{CurrentStreamRevision: c.Actual}
	}
	switch revision, exact := c.Expected.Revision(); {
	case exact:
		w.ExpectedStreamPositionOption = &shared.WrongExpectedVersion_ExpectedStreamPosition{ExpectedStreamPosition: revision}
	case c.Expected == eventstore.NoStream:
		w.ExpectedStreamPositionOption = &shared.WrongExpectedVersion_ExpectedNoStream{ExpectedNoStream: &emptypb.Empty{}}
	case c.Expected == eventstore.StreamExists:
		w.ExpectedStreamPositionOption = &shared.WrongExpectedVersion_ExpectedStreamExists{ExpectedStreamExists: &emptypb.Empty{}}
	default:
		w.ExpectedStreamPositionOption = &shared.WrongExpectedVersion_ExpectedAny{ExpectedAny: &emptypb.Empty{}}
	}
	return w
}
