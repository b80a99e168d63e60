package esdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"slices"
	"strings"
	"time"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/daybook-engine/daybook/eventstore"
)

const (
	ahead                     = 64 // events that are read before they are asked for
	smallPage, bigPage        = 32, 4096
	everything         uint64 = math.MaxUint64
)

func (s *Store) ReadStream(ctx context.Context, stream string, r eventstore.ReadStream) iter.Seq2[eventstore.Recorded, error] {
	if stream == idStream {
		return func(yield func(eventstore.Recorded, error) bool) {
			yield(eventstore.Recorded{}, eventstore.ErrStreamNotFound)
		}
	}
	return s.readStream(ctx, stream, r)
}

// readStream is ReadStream, of the store's own stream too.
func (s *Store) readStream(ctx context.Context, stream string, r eventstore.ReadStream) iter.Seq2[eventstore.Recorded, error] {
	// The largest revision is the protocol's word for the end.
	o := client.ReadStreamOptions{From: client.Revision(min(r.From, math.MaxInt64))}
	if r.Backwards {
		o.Direction, o.From = client.Backwards, client.End{}
	}
	count := everything
	if r.Limit > 0 {
		count = uint64(r.Limit)
	}
	return func(yield func(eventstore.Recorded, error) bool) {
		s.receive(ctx, func(ctx context.Context, c *client.Client) (*client.ReadStream, error) {
			return c.ReadStream(ctx, s.prefix+stream, o, count)
		}, func(e *client.RecordedEvent, err error) bool {
			// The client has the same code for a follower that doesn't say who leads.
			if code := new(client.Error); errors.As(err, &code) && code.Code() == client.ErrorCodeResourceNotFound && !errors.Is(err, eventstore.ErrUnavailable) {
				err = eventstore.ErrStreamNotFound
			}
			if err != nil {
				yield(eventstore.Recorded{}, err)
				return false
			}
			return yield(s.recorded(e), nil)
		})
	}
}

// ReadAll leaves out by itself what is not of this log, and what the prefixes
// don't choose: the client has no filter for reads.
func (s *Store) ReadAll(ctx context.Context, r eventstore.ReadAll) iter.Seq2[eventstore.Recorded, error] {
	return func(yield func(eventstore.Recorded, error) bool) {
		o := client.ReadAllOptions{From: client.Start{}}
		if r.Backwards {
			o.Direction, o.From = client.Backwards, client.End{}
		}
		last := r.After
		page := everything
		if r.Limit > 0 {
			page = min(max(uint64(r.Limit)+1, smallPage), bigPage)
		}
		for given := 0; ; page = min(2*page, bigPage) {
			if !last.IsZero() {
				o.From = client.Position{Commit: last.Commit(), Prepare: last.Prepare()}
			}
			seen, ended := uint64(0), false
			s.receive(ctx, func(ctx context.Context, c *client.Client) (*client.ReadStream, error) {
				return c.ReadAll(ctx, o, page)
			}, func(e *client.RecordedEvent, err error) bool {
				if err != nil {
					yield(eventstore.Recorded{}, err)
					ended = true
					return false
				}
				seen++
				at := eventstore.NewPosition(e.Position.Commit, e.Position.Prepare)
				if at == last && !r.Backwards { // forwards, the protocol begins with it
					return true
				}
				last = at
				if !s.own(e) || !s.chosen(e, r.Prefixes) {
					return true
				}
				given++
				ended = !yield(s.recorded(e), nil) || given == r.Limit
				return !ended
			})
			if ended || seen < page {
				return
			}
		}
	}
}

// receive reads in a goroutine of its own, a little ahead of give, until
// give says no, everything was given, or an error was. What the context or
// the store's end cuts short it gives as their error.
func (s *Store) receive(ctx context.Context, open func(context.Context, *client.Client) (*client.ReadStream, error), give func(*client.RecordedEvent, error) bool) {
	switch {
	case s.ctx.Err() != nil:
		give(nil, eventstore.ErrClosed)
		return
	case ctx.Err() != nil:
		give(nil, ctx.Err())
		return
	}
	reading, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()

	type item struct {
		event *client.RecordedEvent
		err   error
	}
	items := make(chan item, ahead)
	go func() {
		defer close(items)
		l, err := s.acquire(reading)
		if err != nil {
			items <- item{err: err}
			return
		}
		defer s.release(l)
		err = guarded(func() error {
			in, err := open(reading, l.client)
			if err != nil {
				return err
			}
			defer in.Close()
			for {
				e, err := in.Recv()
				if err != nil {
					return err
				}
				if e == nil || e.OriginalEvent() == nil { // a link to nowhere
					continue
				}
				select {
				case items <- item{event: e.OriginalEvent()}:
				case <-reading.Done():
					return reading.Err()
				}
			}
		})
		if !errors.Is(err, io.EOF) {
			s.learn(l, err)
			select {
			case items <- item{err: err}:
			case <-reading.Done():
			}
		}
	}()

	timer := time.NewTimer(s.patience)
	defer timer.Stop()
	for {
		var i item
		var more bool
		select {
		case i, more = <-items:
		default:
			timer.Reset(s.patience)
			select {
			case i, more = <-items:
			case <-timer.C:
				give(nil, fmt.Errorf("%w: no answer in %s", eventstore.ErrUnavailable, s.patience))
				return
			case <-reading.Done():
			}
		}
		switch {
		case s.ctx.Err() != nil:
			give(nil, eventstore.ErrClosed)
			return
		case ctx.Err() != nil:
			give(nil, ctx.Err())
			return
		case !more:
			return
		case i.err != nil:
			give(nil, readFailure(i.err))
			return
		case !give(i.event, nil):
			return
		}
	}
}

// own tells whether an event belongs to this log: not to the cluster's
// system, to another space, or to the store itself.
func (s *Store) own(e *client.RecordedEvent) bool {
	name, ok := strings.CutPrefix(e.StreamID, s.prefix)
	return ok && name != idStream && !strings.HasPrefix(name, "$") && !strings.HasPrefix(e.EventType, "$")
}

func (s *Store) chosen(e *client.RecordedEvent, prefixes []string) bool {
	name := e.StreamID[len(s.prefix):]
	return len(prefixes) == 0 || slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}

func (s *Store) recorded(e *client.RecordedEvent) eventstore.Recorded {
	return eventstore.Recorded{
		Event:    eventstore.Event{ID: e.EventID, Name: e.EventType, Data: slices.Clip(e.Data), Metadata: slices.Clip(e.UserMetadata)},
		Stream:   e.StreamID[len(s.prefix):],
		Revision: e.EventNumber,
		Position: eventstore.NewPosition(e.Position.Commit, e.Position.Prepare),
	}
}
