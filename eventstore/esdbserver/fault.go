package esdbserver

import (
	"context"
	"net"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

// A Fault is what befalls a request, so that what talks to a server can be
// tested for living with it. A slow answer needs no Fault: Options.Fault may
// take its time.
type Fault int

const (
	NoFault   Fault = iota
	Drop            // the connection breaks and the request is not carried out
	DropAfter       // the request is carried out, and the connection breaks instead of an answer; Drop, for a read
	Twice           // the request is carried out twice, and answered as the second time; nothing, for a read
	NotLeader       // the request is refused, and the client sent to Options.Leader
	Busy            // the request is refused; the connection stands
)

// A Moment is when a fault may strike: at the beginning of a request and, in
// a read, before each message that it sends.
type Moment struct {
	Method  string // "Read", "Append", "BatchAppend", "Delete", "Tombstone"
	Follows bool   // of a Read: it is a subscription
	Sent    int    // messages sent so far
}

// carryOut does what a request asks for, or what a fault makes of it.
func (s *Server) carryOut(ctx context.Context, method string, do func() error) error {
	fault := NoFault
	if s.options.Fault != nil {
		fault = s.options.Fault(ctx, Moment{Method: method})
	}
	switch fault {
	case Twice:
		if err := do(); err != nil {
			return err
		}
	case DropAfter:
		if err := do(); err != nil {
			return err
		}
		return s.drop(ctx)
	case NoFault:
	default:
		return s.misbehave(ctx, fault)
	}
	return do()
}

func (s *Server) misbehave(ctx context.Context, fault Fault) error {
	switch fault {
	case Drop, DropAfter:
		return s.drop(ctx)
	case NotLeader:
		return notLeader(ctx, s.options.Leader)
	case Busy:
		return status.Error(codes.Unavailable, "the server is busy")
	default:
		return nil
	}
}

// drop breaks the connection that a request came by.
func (s *Server) drop(ctx context.Context) error {
	if from, ok := peer.FromContext(ctx); ok {
		s.conns.drop(from.Addr.String())
	}
	return status.Error(codes.Unavailable, "the connection was dropped") // nobody hears it
}

// connections are those that are open, by the other end's address.
type connections struct{ open sync.Map }

func (c *connections) drop(remote string) {
	if conn, ok := c.open.LoadAndDelete(remote); ok {
		conn.(net.Conn).Close()
	}
}

func (c *connections) listen(l net.Listener) net.Listener { return listener{l, c} }

type listener struct {
	net.Listener
	connections *connections
}

func (l listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.connections.open.Store(conn.RemoteAddr().String(), conn)
	return connection{conn, l.connections}, nil
}

type connection struct {
	net.Conn
	connections *connections
}

func (c connection) Close() error {
	c.connections.open.CompareAndDelete(c.RemoteAddr().String(), c.Conn)
	return c.Conn.Close()
}
