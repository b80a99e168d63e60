package esdbserver

import (
	"context"
	"net"
	"strconv"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
)

// version is what clients are told that they talk to: the release whose
// protocol this is. Three numbers and nothing more: the Go client fails to
// connect when one is none (GO/impl.go:374).
const version = "24.10.0"

const streamsService = "event_store.client.streams.streams" // lower case, as every name here (G/ServerFeatures.cs:33)

type features struct {
	s *Server
	serverfeatures.UnimplementedServerFeaturesServer
}

// GetSupportedMethods names what is served and nothing else: a client that is
// told of half a service tries the rest by another protocol on the same port
// (GO/persistent_subscription_http_client.go:13).
func (f features) GetSupportedMethods(context.Context, *shared.Empty) (*serverfeatures.SupportedMethods, error) {
	method := func(name string, features ...string) *serverfeatures.SupportedMethod {
		return &serverfeatures.SupportedMethod{ServiceName: streamsService, MethodName: name, Features: features}
	}
	methods := []*serverfeatures.SupportedMethod{
		method("read", "position", "events"),
		method("append"),
		method("batchappend", "deadline_duration"),
	}
	if _, ok := f.s.store.(deleter); ok {
		methods = append(methods, method("delete"), method("tombstone"))
	}
	methods = append(methods,
		&serverfeatures.SupportedMethod{ServiceName: "event_store.client.server_features.serverfeatures", MethodName: "getsupportedmethods"},
		&serverfeatures.SupportedMethod{ServiceName: "event_store.client.gossip.gossip", MethodName: "read"},
	)
	return &serverfeatures.SupportedMethods{Methods: methods, EventStoreServerVersion: version}, nil
}

type node struct {
	s *Server
	gossip.UnimplementedGossipServer
}

// Read tells of one node, the leader. Clients that discover a cluster connect
// anew to the address it gives (GO/impl.go:508).
func (n node) Read(context.Context, *shared.Empty) (*gossip.ClusterInfo, error) {
	host, port, err := net.SplitHostPort(n.s.address)
	if err != nil {
		return nil, err
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, err
	}
	return &gossip.ClusterInfo{Members: []*gossip.MemberInfo{{
		InstanceId:   structured(n.s.id),
		TimeStamp:    ticks(n.s.now()),
		State:        gossip.MemberInfo_Leader,
		IsAlive:      true,
		HttpEndPoint: &gossip.EndPoint{Address: host, Port: uint32(number)},
	}}}, nil
}

func (s *Server) now() time.Time {
	if s.options.Now == nil {
		return time.Unix(0, 0)
	}
	return s.options.Now()
}

// ticks is a time as .NET counts it: units of 100 ns, here since 1970.
func ticks(t time.Time) int64 { return t.Unix()*1e7 + int64(t.Nanosecond()/100) }
