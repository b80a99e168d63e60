package esdbserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/daybook-engine/daybook/eventstore"
)

// refused is an error as clients know it: a status, and trailers that say
// which error it is (G/RpcExceptions.cs:26-231, G/Constants.cs). Pairs are
// further trailers.
func refused(ctx context.Context, code codes.Code, exception, text string, pairs ...string) error {
	// Too late to set is too late to matter: the answer has gone.
	_ = grpc.SetTrailer(ctx, metadata.Pairs(append([]string{"exception", exception}, pairs...)...))
	return status.Error(code, text)
}

func notLeader(ctx context.Context, leader string) error {
	host, port, err := net.SplitHostPort(leader)
	if err != nil {
		return status.Error(codes.Unavailable, "there is no leader")
	}
	return refused(ctx, codes.NotFound, "not-leader", "Leader info available",
		"leader-endpoint-host", host, "leader-endpoint-port", port)
}

func accessDenied(ctx context.Context) error {
	return refused(ctx, codes.PermissionDenied, "access-denied", "Access Denied")
}

// failure is a store's error on the wire, except a conflict, which each
// method tells in its own way. The name of a deleted stream must be there: a
// client takes the first of none (GO/impl.go:66).
func failure(ctx context.Context, stream string, err error) error {
	switch {
	case errors.Is(err, eventstore.ErrStreamDeleted):
		return refused(ctx, codes.FailedPrecondition, "stream-deleted",
			fmt.Sprintf("Event stream '%s' is deleted.", stream), "stream-name", stream)
	case errors.Is(err, eventstore.ErrTooLarge):
		return refused(ctx, codes.InvalidArgument, "maximum-append-size-exceeded", err.Error(),
			"maximum-append-size", strconv.Itoa(eventstore.MaxAppend))
	case errors.Is(err, eventstore.ErrInvalid):
		return status.Error(codes.InvalidArgument, err.Error())
	case errors.Is(err, eventstore.ErrUnavailable), errors.Is(err, eventstore.ErrClosed):
		return status.Error(codes.Unavailable, err.Error())
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return status.FromContextError(err).Err()
	}
	if _, ok := status.FromError(err); ok {
		return err
	}
	return status.Error(codes.Unknown, err.Error())
}

// ended is what a request is answered with that the server's end cut short.
func (s *Server) ended(err error) error {
	if err != nil && s.stopping.Err() != nil {
		return status.Error(codes.Unavailable, "the server is shutting down")
	}
	return err
}

func invalid(format string, args ...any) error {
	return status.Errorf(codes.InvalidArgument, format, args...)
}
