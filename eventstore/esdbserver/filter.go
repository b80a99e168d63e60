package esdbserver

import (
	"regexp"
	"slices"
	"strings"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"

	"github.com/daybook-engine/daybook/eventstore"
)

// searchWindow is how many events a page of a filtered read has where the
// client does not say (E/Enumerator.cs, ReadBatchSize).
const searchWindow = 32

// A filter chooses events. The nil filter chooses all.
type filter struct {
	choose   func(eventstore.Recorded) bool
	streams  []string // prefixes of streams, where it goes by these
	interval uint64   // events looked at from one checkpoint to the next; 0 means no checkpoints
}

// newFilter reads what is asked for: by stream or by event type, a regular
// expression or, where that is empty, prefixes (G/Streams.Read.cs:244). The
// expressions are Go's, which lack look-around and back-references.
func newFilter(o *streams.ReadReq_Options_Filter) (*filter, error) {
	if o == nil {
		return nil, nil
	}
	f := &filter{}
	var expression *streams.ReadReq_Options_FilterOptions_Expression
	var of func(eventstore.Recorded) string
	switch by := o.Filter.GetFilter().(type) {
	case *streams.ReadReq_Options_FilterOptions_StreamIdentifier:
		expression, of = by.StreamIdentifier, func(e eventstore.Recorded) string { return e.Stream }
		if expression.GetRegex() == "" {
			f.streams = expression.GetPrefix()
		}
	case *streams.ReadReq_Options_FilterOptions_EventType:
		expression, of = by.EventType, func(e eventstore.Recorded) string { return e.Name }
	default:
		return nil, invalid("a filter goes by stream or by event type")
	}
	window := uint64(searchWindow)
	switch w := o.Filter.GetWindow().(type) {
	case *streams.ReadReq_Options_FilterOptions_Max:
		window = uint64(w.Max)
	case *streams.ReadReq_Options_FilterOptions_Count:
	default:
		return nil, invalid("a filter has a window") // G/Streams.Read.cs:168
	}
	f.interval = window * uint64(o.Filter.GetCheckpointIntervalMultiplier())

	if text := expression.GetRegex(); text != "" {
		re, err := regexp.Compile(text)
		if err != nil {
			return nil, invalid("filter: %v", err)
		}
		f.choose = func(e eventstore.Recorded) bool { return re.MatchString(of(e)) }
		return f, nil
	}
	prefixes := expression.GetPrefix()
	if len(prefixes) == 0 {
		return nil, invalid("a filter has a regular expression or prefixes")
	}
	f.choose = func(e eventstore.Recorded) bool {
		name := of(e)
		return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) })
	}
	return f, nil
}

func (f *filter) matches(e eventstore.Recorded) bool { return f == nil || f.choose(e) }

// prefixes are what the store itself may choose by.
func (f *filter) prefixes() []string {
	if f == nil {
		return nil
	}
	return f.streams
}

// byPrefix tells whether prefixes choose just what the filter does.
func (f *filter) byPrefix() bool { return f == nil || len(f.streams) > 0 }

func (f *filter) checkpoints() bool { return f != nil && f.interval > 0 }
