package esdb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/daybook-engine/daybook/eventstore"
)

func (s *Store) Append(ctx context.Context, stream string, expected eventstore.Expected, events ...eventstore.Event) (eventstore.Result, error) {
	if err := ctx.Err(); err != nil {
		return eventstore.Result{}, err
	}
	if err := eventstore.Check(stream, events...); err != nil {
		return eventstore.Result{}, err
	}
	if stream == idStream {
		return eventstore.Result{}, fmt.Errorf("%w: %s is the store's own stream", eventstore.ErrInvalid, stream)
	}
	s.gate.RLock()
	defer s.gate.RUnlock()
	if s.closed {
		return eventstore.Result{}, eventstore.ErrClosed
	}
	if len(events) == 0 {
		return eventstore.Result{}, nil
	}
	return s.write(ctx, stream, expected, events)
}

// write appends, once: an append whose outcome is unknown is the caller's to
// ask again, who knows whether that is worth it. An error that is none of the
// package's says so. An answer may also be lost because the client reports
// that it could not send on and not what the server said (client.go:71).
func (s *Store) write(ctx context.Context, stream string, expected eventstore.Expected, events []eventstore.Event) (eventstore.Result, error) {
	if revision, exact := expected.Revision(); exact && revision > math.MaxInt64 {
		// The protocol takes the largest for "no stream" (G/Streams.Append.cs:34
		// of EventStore/EventStore at 3f1acb7e4). No stream is so long.
		return eventstore.Result{}, s.conflict(ctx, stream, expected)
	}
	limited, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	l, err := s.acquire(limited)
	if err != nil {
		if ctx.Err() == nil && limited.Err() != nil {
			err = fmt.Errorf("%w: no server was found in %s", eventstore.ErrUnavailable, s.patience)
		}
		return eventstore.Result{}, err
	}

	type answer struct {
		result *client.WriteResult
		err    error
	}
	answered := make(chan answer, 1)
	data := s.wire(events)
	go func() {
		defer s.release(l)
		var a answer
		a.err = guarded(func() (err error) {
			a.result, err = l.client.AppendToStream(limited, s.prefix+stream, client.AppendToStreamOptions{
				ExpectedRevision: revisionOf(expected), Deadline: &s.patience,
			}, data...)
			return err
		})
		if a.err != nil {
			s.learn(l, a.err)
		}
		answered <- a
	}()
	select {
	case a := <-answered:
		if a.err == nil {
			return s.result(ctx, stream, a.result)
		}
		err = a.err
	case <-limited.Done():
		err = limited.Err()
	}

	e := new(client.Error)
	errors.As(err, &e)
	switch {
	case e.Code() == client.ErrorCodeWrongExpectedVersion:
		return eventstore.Result{}, s.conflict(ctx, stream, expected)
	case e.Code() == client.ErrorCodeStreamDeleted:
		return eventstore.Result{}, eventstore.ErrStreamDeleted
	case refused(err), e.Code() == client.ErrorCodeAccessDenied, e.Code() == client.ErrorCodeUnauthenticated:
		return eventstore.Result{}, fmt.Errorf("%w: %w", eventstore.ErrUnavailable, err)
	case ctx.Err() != nil:
		return eventstore.Result{}, ctx.Err()
	default:
		return eventstore.Result{}, fmt.Errorf("append to %s: the outcome is unknown: %w", stream, err)
	}
}

// result is where an append ended. A server that recognises a retry may not
// say at which position: the event does.
func (s *Store) result(ctx context.Context, stream string, r *client.WriteResult) (eventstore.Result, error) {
	result := eventstore.Result{
		Revision: r.NextExpectedVersion, // of the last event, whatever its name says (client.go:99)
		Position: eventstore.NewPosition(r.CommitPosition, r.PreparePosition),
	}
	if !result.Position.IsZero() {
		return result, nil
	}
	for e, err := range s.readStream(ctx, stream, eventstore.ReadStream{From: result.Revision, Limit: 1}) {
		if err != nil {
			return eventstore.Result{}, fmt.Errorf("append to %s: it is done; find its position: %w", stream, outcome{err})
		}
		result.Position = e.Position
	}
	return result, nil
}

// An outcome hides from errors.Is that an error is one of the package's: of a
// read, it says nothing about the append.
type outcome struct{ error }

// conflict tells where the stream is. The client has the server's word for it
// as text only; so the stream is asked, which may have gone on meanwhile.
func (s *Store) conflict(ctx context.Context, stream string, expected eventstore.Expected) error {
	c := &eventstore.WrongExpectedError{Stream: stream, Expected: expected}
	for e, err := range s.readStream(ctx, stream, eventstore.ReadStream{Backwards: true, Limit: 1}) {
		if err == nil {
			c.Actual, c.ActualKnown = e.Revision, true
		}
	}
	return c
}

// wire copies the events, because a caller whose context ends has its bytes
// back while the client may still be at them.
func (s *Store) wire(events []eventstore.Event) []client.EventData {
	data := make([]client.EventData, len(events))
	for i, e := range events {
		data[i] = client.EventData{
			EventID: e.ID, EventType: e.Name, ContentType: client.ContentTypeJson,
			Data: bytes.Clone(e.Data), Metadata: bytes.Clone(e.Metadata),
		}
	}
	return data
}

func revisionOf(expected eventstore.Expected) client.ExpectedRevision {
	switch revision, exact := expected.Revision(); {
	case exact:
		return client.Revision(revision)
	case expected == eventstore.NoStream:
		return client.NoStream{}
	case expected == eventstore.StreamExists:
		return client.StreamExists{}
	default:
		return client.Any{}
	}
}
