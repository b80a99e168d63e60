// Package esdbserver serves the EventStoreDB gRPC protocol over any
// eventstore.Store: what the official clients of EventStoreDB and KurrentDB
// need to read, subscribe and append. In tests it stands for the cluster.
//
// It keeps to what a store promises and says so where EventStoreDB has more:
// there are no system streams (names that begin with "$" are not found and
// not appended to), no links, no stream metadata, and bodies are JSON.
// Deleting is served where the store can.
//
// Rules of the protocol name where they were read: C/, E/ and G/ are
// src/EventStore.Core/, its Services/Transport/Enumerators/ and its
// Services/Transport/Grpc/ of EventStore/EventStore at 3f1acb7e4, GO/ is
// esdb/ of EventStore-Client-Go v4.2.0, K/ is kurrentdb/ of
// KurrentDB-Client-Go v1.1.2, N/ is packages/db-client/src/ of
// EventStore-Client-NodeJS v6.2.1.
package esdbserver

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"

	"github.com/daybook-engine/daybook/eventstore"
)

const (
	// maxMessage is more than MaxAppend, for an append that is too large is to
	// be refused by name. It is the clients' own limit (GO/impl.go:286).
	maxMessage = 17 << 20

	// minPing is below the 10 s at which every client pings, with some room:
	// gRPC's own default ends a connection that is pinged more often than every
	// five minutes (GO/configuration.go:107; N/Client/index.ts:581).
	minPing = 5 * time.Second

	// grace is how long requests may take to end when the server does.
	grace = 5 * time.Second
)

// Options are for New; the zero value is what a test wants.
type Options struct {
	// Recorded tells when an event was recorded: the contract of a store knows
	// no times, its writers do. Without it the wire says 1970.
	Recorded func(eventstore.Recorded) time.Time

	// Now is the time in gossip and in what a subscription says about itself.
	// Without it the wire says 1970.
	Now func() time.Time

	// Address, "host:port", is where gossip sends clients. Without it they are
	// sent to the listener's address.
	Address string

	// Fault makes the server misbehave, for tests; see Fault.
	Fault func(ctx context.Context, at Moment) Fault
	// Leader, "host:port", is where a NotLeader fault sends clients.
	Leader string
}

// A Server serves a store. It doesn't close it.
type Server struct {
	store   eventstore.Store
	options Options
	id      uuid.UUID // of the node, new at every start

	stopping context.Context // ended when requests are to end
	stop     context.CancelFunc
	conns    connections
	address  string

	streams.UnimplementedStreamsServer
}

// New makes a server of store; Serve starts it.
func New(store eventstore.Store, o Options) *Server {
	s := &Server{store: store, options: o, id: uuid.New()}
	s.stopping, s.stop = context.WithCancel(context.Background())
	return s
}

// Serve serves HTTP/2 without TLS on l, which it closes, until ctx ends:
// subscriptions end at once then, and other requests have five seconds. It
// returns nil when it ends so, and is called once. Whoever reaches the
// listener may read and append everything.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	s.address = s.options.Address
	if s.address == "" {
		s.address = l.Addr().String()
	}
	g := grpc.NewServer(
		grpc.MaxRecvMsgSize(maxMessage),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: minPing, PermitWithoutStream: true}),
	)
	streams.RegisterStreamsServer(g, s)
	serverfeatures.RegisterServerFeaturesServer(g, features{s: s})
	gossip.RegisterGossipServer(g, node{s: s})

	served := make(chan error, 1)
	go func() { served <- g.Serve(s.conns.listen(l)) }()
	select {
	case err := <-served:
		s.stop()
		return fmt.Errorf("serve the EventStoreDB protocol: %w", err)
	case <-ctx.Done():
	}
	s.stop()
	overdue := time.AfterFunc(grace, g.Stop)
	defer overdue.Stop()
	g.GracefulStop()
	<-served
	return nil
}

// until gives a request's context, which ends with the server too.
func (s *Server) until(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(s.stopping, cancel)
	return ctx, func() { stop(); cancel() }
}
