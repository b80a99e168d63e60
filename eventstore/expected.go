package eventstore

import "fmt"

// Expected is what a writer believes about a stream when it appends. The
// zero value is Any.
type Expected struct {
	kind     expectedKind
	revision uint64
}

type expectedKind uint8

const (
	anyRevision expectedKind = iota
	noStream
	streamExists
	exact
)

var (
	Any          = Expected{kind: anyRevision}  // whatever is there
	NoStream     = Expected{kind: noStream}     // no events yet
	StreamExists = Expected{kind: streamExists} // at least one event
)

// Exact expects the stream's newest event at revision.
func Exact(revision uint64) Expected { return Expected{exact, revision} }

// Revision gives the revision of an Exact expectation.
func (e Expected) Revision() (uint64, bool) { return e.revision, e.kind == exact }

func (e Expected) String() string {
	switch e.kind {
	case noStream:
		return "no stream"
	case streamExists:
		return "a stream"
	case exact:
		return fmt.Sprintf("revision %d", e.revision)
	default:
		return "anything"
	}
}
