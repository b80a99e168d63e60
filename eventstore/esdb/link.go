package esdb

import (
	"context"
	"errors"
	"fmt"
	"io"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/daybook-engine/daybook/eventstore"
)

// A link is one client from its making to its end. Only one goroutine lets it
// look for a server, because those that wait for a client that finds none
// wait for ever (impl.go:92, 218); and it is closed when nobody uses it any
// more, because closing it earlier makes those who do panic (issue 187 of the
// client). A client that is left by a call which never returns is never
// closed.
type link struct {
	client *client.Client
	ready  chan struct{} // closed when a server was found, or not
	err    error         // why not; good when ready is closed

	users   int // calls, reads and subscriptions under way
	retired bool
}

// acquire gives a client that is connected, and has to be released. An error
// is ErrUnavailable or the context's; nothing has been sent then.
func (s *Store) acquire(ctx context.Context) (*link, error) {
	s.mu.Lock()
	l := s.link
	if l == nil {
		if s.ctx.Err() != nil {
			s.mu.Unlock()
			return nil, eventstore.ErrClosed
		}
		c, err := client.NewClient(s.config)
		if err != nil {
			s.mu.Unlock()
			return nil, err
		}
		l = &link{client: c, ready: make(chan struct{}), users: 1}
		s.link = l
		go s.connect(l)
	}
	l.users++
	s.mu.Unlock()
	select {
	case <-l.ready:
		if l.err != nil {
			s.release(l)
			return nil, fmt.Errorf("%w: %w", eventstore.ErrUnavailable, l.err)
		}
		return l, nil
	case <-ctx.Done():
		s.release(l)
		return nil, ctx.Err()
	}
}

func (s *Store) connect(l *link) {
	defer s.release(l)
	l.err = guarded(func() error {
		_, err := l.client.GetServerVersion()
		return err
	})
	if l.err != nil {
		s.abandon(l)
	}
	close(l.ready)
}

// release gives a link back.
func (s *Store) release(l *link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.users--; l.users == 0 && l.retired {
		l.client.Close()
	}
}

// abandon makes the next call use a new client. The client would look for a
// server by itself, and leak the old connection (impl.go:247) or die.
func (s *Store) abandon(l *link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.retire(l)
}

// retire is abandon with the lock held.
func (s *Store) retire(l *link) {
	if s.link == l {
		s.link = nil
	}
	if !l.retired && l.users == 0 {
		l.client.Close()
	}
	l.retired = true
}

// guarded turns a panic of the client into an error.
func guarded(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errPanic, p)
		}
	}()
	return f()
}

var errPanic = errors.New("the EventStoreDB client panicked")

// learn retires a link whose client failed in a way that it doesn't recover
// from by itself, or not well. Another leader it follows by itself.
func (s *Store) learn(l *link, err error) {
	if e := new(client.Error); errors.Is(err, errPanic) ||
		errors.As(err, &e) && (e.Code() == client.ErrorCodeConnectionClosed || e.Code() == client.ErrorUnavailable) {
		s.abandon(l)
	}
}

// refused tells whether an error means that a request was not carried out
// and may be later: the client had no connection, or the server is a follower
// and names the leader, to whom the client has turned by then.
func refused(err error) bool {
	e := new(client.Error)
	return errors.As(err, &e) && (e.Code() == client.ErrorCodeConnectionClosed || e.Code() == client.ErrorCodeNotLeader)
}

// readFailure is what a read or a subscription ends with. Nothing is unknown
// about a read: whatever the connection or the server suffered, ask again.
func readFailure(err error) error {
	e := new(client.Error)
	errors.As(err, &e)
	switch {
	case errors.Is(err, eventstore.ErrUnavailable), errors.Is(err, eventstore.ErrClosed):
		return err
	case e.Code() == client.ErrorCodeStreamDeleted:
		return eventstore.ErrStreamDeleted
	case errors.Is(err, io.EOF): // of a subscription; it is nobody's to see
		return fmt.Errorf("%w: the server ended it", eventstore.ErrUnavailable)
	case refused(err):
		return fmt.Errorf("%w: %w", eventstore.ErrUnavailable, err)
	}
	switch status.Code(err) {
	case codes.Unavailable, codes.Canceled, codes.Aborted, codes.DeadlineExceeded,
		codes.NotFound: // a follower's: that a stream isn't there is said by a message
		return fmt.Errorf("%w: %w", eventstore.ErrUnavailable, err)
	}
	return err
}
