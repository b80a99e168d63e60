package projections

import (
	"fmt"
	"strings"

	"github.com/daybook-engine/daybook/eventstore"
)

// envelopes decodes metadata. Of the texts that rows keep, those that repeat
// are the same string, so that a row doesn't keep the rest of the metadata.
type envelopes struct{ seen map[string]string }

// event makes e an event without a body of what the store gave.
func (d *envelopes) event(r eventstore.Recorded, n int64, e *Event) error {
	*e = Event{N: n, Position: r.Position, Stream: r.Stream, Revision: r.Revision, Data: r.Data, readings: e.readings[:0]}
	if err := e.Envelope.Decode(r.Metadata); err != nil { // in place: it is large
		return fmt.Errorf("event at %s: %w", r.Position, err)
	}
	e.Envelope.Actor = d.same(e.Envelope.Actor)
	e.Envelope.Book = d.same(e.Envelope.Book)
	e.Envelope.Reason = d.same(e.Envelope.Reason)
	e.Cycle = d.same(e.Envelope.Cycle(r.Data))
	return nil
}

// same gives the string that was seen before.
func (d *envelopes) same(s string) string {
	if s == "" {
		return ""
	}
	if old, ok := d.seen[s]; ok {
		return old
	}
	if d.seen == nil || len(d.seen) >= 1<<10 {
		d.seen = map[string]string{}
	}
	s = strings.Clone(s)
	d.seen[s] = s
	return s
}
