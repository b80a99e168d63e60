// Package esdb keeps the log in EventStoreDB or KurrentDB, through the
// official Go client.
//
// The client is a good speaker of the protocol and a poor keeper of
// connections: once it has failed to find a server it never tries again; its
// calls may then block for ever, whatever their context says; its
// subscriptions don't come back; and it panics where an answer surprises it.
// So every call here runs in a goroutine of its own and is left there when it
// takes too long, a client that failed is replaced by a new one, and what an
// error says about the outcome is decided here. One defect can't be survived:
// the client ends the process when an event has no time of creation
// (protobuf_utils.go:408).
//
// On a secured cluster the log as a whole is for administrators, so the user
// of the connection string must be one of $admins or be given the right to
// read $all.
package esdb

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"github.com/daybook-engine/daybook/eventstore"
)

// patience is the client's own deadline for an append.
const patience = 10 * time.Second

// Options are for Open.
type Options struct {
	// Connection is a connection string of the official clients:
	// "esdb://user:password@host:2113?tls=true", or "esdb+discover://…" for a
	// cluster.
	Connection string

	// Space keeps several logs, or a log and other applications, apart on one
	// cluster: it is put, with a slash, before every stream's name, and streams
	// of other names are not seen. Without it the whole cluster is one log.
	Space string

	// Patience is how long a call, or a read's next event, is waited for; 0
	// means ten seconds. Past it the outcome of an append is unknown.
	Patience time.Duration
}

// A Store is an eventstore.Store in a cluster.
type Store struct {
	id       uuid.UUID
	config   *client.Configuration
	prefix   string // of every stream's name in the cluster
	patience time.Duration

	ctx context.Context
	end context.CancelFunc // of what reads or waits

	gate   sync.RWMutex // held for reading by appends, for writing by Close
	closed bool

	mu   sync.Mutex // guards link and, of every link, users and retired
	link *link      // nil when a new one is wanted
}

// The log's identity is the id of the first event of a stream that nobody
// else sees.
const (
	idStream = "daybook-store"
	idEvent  = "store.begun"
)

// Open connects to a cluster and gives the log there its identity, where it
// has none. It returns ErrUnavailable when no server answers.
func Open(ctx context.Context, o Options) (*Store, error) {
	config, err := client.ParseConnectionString(o.Connection)
	if err != nil {
		return nil, fmt.Errorf("connection string: %w", err)
	}
	config.Logger = client.NoopLogging() // what matters is in the errors
	s := &Store{config: config, patience: o.Patience}
	if s.patience == 0 {
		s.patience = patience
	}
	if o.Space != "" {
		s.prefix = o.Space + "/"
		if err := eventstore.Check(s.prefix); err != nil || strings.Contains(o.Space, "/") {
			return nil, fmt.Errorf("space %q: expected a name without a slash, not beginning with $", o.Space)
		}
	}
	s.ctx, s.end = context.WithCancel(context.Background())
	if s.id, err = s.identity(ctx); err != nil {
		s.Close()
		return nil, fmt.Errorf("open the log at %s: %w", config.Address, err)
	}
	return s, nil
}

func (s *Store) ID() uuid.UUID { return s.id }

// identity finds the log's id, or makes it; of several that make it at once
// one does.
func (s *Store) identity(ctx context.Context) (uuid.UUID, error) {
	begun := eventstore.Event{ID: uuid.New(), Name: idEvent, Data: []byte("{}"), Metadata: []byte("{}")}
	var failed error
	for range 3 {
		for e, err := range s.readStream(ctx, idStream, eventstore.ReadStream{Limit: 1}) {
			if err == nil {
				return e.ID, nil
			} else if !errors.Is(err, eventstore.ErrStreamNotFound) {
				return uuid.Nil, err
			}
		}
		// Whatever comes of it, what is there then is the answer.
		if _, failed = s.write(ctx, idStream, eventstore.NoStream, []eventstore.Event{begun}); failed == nil {
			return begun.ID, nil
		}
	}
	return uuid.Nil, failed
}

// Head is the position of the newest event of this log, which is not always
// the cluster's newest.
func (s *Store) Head(ctx context.Context) (eventstore.Position, error) {
	for e, err := range s.ReadAll(ctx, eventstore.ReadAll{Backwards: true, Limit: 1}) {
		return e.Position, err
	}
	return eventstore.Position{}, nil
}

// Close waits for appends under way, a time that Patience bounds, and ends
// everything else.
func (s *Store) Close() error {
	s.gate.Lock()
	defer s.gate.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.end()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link != nil {
		s.retire(s.link)
	}
	return nil
}
