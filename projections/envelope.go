package projections

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/measure"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/eventstore"
)

// envelopes decodes metadata. What Envelope.Encode wrote, in its order and
// without escapes, it reads by itself, several times faster than
// encoding/json; everything else it leaves to schema.DecodeEnvelope. Texts
// that repeat are the same string, so that a row that keeps one doesn't keep
// the rest of the metadata.
type envelopes struct{ seen map[string]string }

// event makes an Event without a body of what the store gave.
func (d *envelopes) event(r eventstore.Recorded, n int64) (Event, error) {
	e := Event{N: n, Position: r.Position, Stream: r.Stream, Revision: r.Revision, Data: r.Data}
	var ok bool
	if e.Envelope, ok = d.decode(r.Metadata); !ok {
		var err error
		if e.Envelope, err = schema.DecodeEnvelope(r.Metadata); err != nil {
			return Event{}, fmt.Errorf("event at %s: %w", r.Position, err)
		}
	}
	e.Cycle = measure.BookOf(e.Envelope.Book, "cycle")
	if e.Cycle == "" {
		var body struct {
			Cycle string `json:"cycle"`
		}
		_ = json.Unmarshal(r.Data, &body) // a body without it, or with another kind of it, names no cycle
		e.Cycle = body.Cycle
	}
	return e, nil
}

func (d *envelopes) decode(metadata []byte) (e schema.Envelope, ok bool) {
	s := scanner{rest: string(metadata)}
	e.ID = s.text(`{"id":`)
	e.Name = d.same(s.text(`,"name":`))
	e.RecordedAt = s.time(`,"recorded_at":`)
	e.OccurredAt = s.time(`,"occurred_at":`)
	e.Actor = d.same(s.text(`,"actor":`))
	e.Role = d.same(s.text(`,"role":`))
	e.OnBehalfOf = domain.Person(d.same(s.maybe(`,"on_behalf_of":`)))
	e.Channel = d.same(s.text(`,"channel":`))
	e.Book = d.same(s.text(`,"book":`))
	e.CommandID = s.text(`,"command_id":`)
	e.Correlation = s.text(`,"correlation":`)
	e.Causation = s.maybe(`,"causation":`)
	e.Reason = d.same(s.maybe(`,"reason":`))
	e.Authority = d.same(s.maybe(`,"authority":`))
	for _, p := range s.list(`,"subjects":[`) {
		e.Subjects = append(e.Subjects, domain.Person(d.same(p)))
	}
	for _, code := range s.list(`,"nonconformities":[`) {
		e.Nonconformities = append(e.Nonconformities, d.same(code))
	}
	e.Corrects = s.maybe(`,"corrects":`)
	e.Salt = s.text(`,"salt":`)
	return e, !s.bad && s.rest == "}"
}

// same gives the string that was seen before.
func (d *envelopes) same(s string) string {
	if s == "" {
		return ""
	}
	if old, ok := d.seen[s]; ok {
		return old
	}
	if d.seen == nil || len(d.seen) >= 8<<10 {
		d.seen = map[string]string{}
	}
	s = strings.Clone(s)
	d.seen[s] = s
	return s
}

// A scanner reads canonical JSON off the front of rest; bad once it was not.
type scanner struct {
	rest string
	bad  bool
}

// text reads a field that is there, and maybe one that may be.
func (s *scanner) text(field string) string {
	if !strings.HasPrefix(s.rest, field) {
		s.bad = true
		return ""
	}
	s.rest = s.rest[len(field):]
	return s.quoted()
}

func (s *scanner) maybe(field string) string {
	if !strings.HasPrefix(s.rest, field) {
		return ""
	}
	return s.text(field)
}

func (s *scanner) quoted() string {
	if s.rest == "" || s.rest[0] != '"' {
		s.bad = true
		return ""
	}
	for i := 1; i < len(s.rest); i++ {
		switch c := s.rest[i]; {
		case c == '"':
			text := s.rest[1:i]
			s.rest = s.rest[i+1:]
			return text
		case c == '\\' || c < 0x20 || c > 0x7e:
			s.bad = true
			return ""
		}
	}
	s.bad = true
	return ""
}

func (s *scanner) time(field string) time.Time {
	text := s.text(field)
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || !strings.HasSuffix(text, "Z") || strings.Contains(text, ",") {
		s.bad = true
	}
	return t
}

func (s *scanner) list(field string) (list []string) {
	rest, ok := strings.CutPrefix(s.rest, field)
	if !ok {
		return nil
	}
	s.rest = rest
	for !s.bad {
		list = append(list, s.quoted())
		if rest, ok = strings.CutPrefix(s.rest, "]"); ok {
			s.rest = rest
			return list
		}
		if s.rest, ok = strings.CutPrefix(s.rest, ","); !ok {
			s.bad = true
		}
	}
	return list
}
