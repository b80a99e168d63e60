package schema

import (
	"encoding/binary"
	"strings"

	"github.com/daybook-engine/daybook/domain"
)

// scan reads what Encode wrote, which nearly all metadata is, and says no to
// what is the least bit different: then Unmarshal is asked. It takes a third of
// the time, and every event read back is read by it. What the fields say is part
// of one string: whoever keeps one of them for long clones it.
func (e *Envelope) scan(text []byte) bool {
	if !simple(text) {
		return false
	}
	s := scanner{string(text)}
	for open := byte('{'); ; open = ',' {
		if !s.next(open) {
			return open == ',' && s.next('}') && len(s.rest) == 0
		}
		key, ok := s.text()
		if !ok || !s.next(':') || !e.scanField(&s, key) {
			return false
		}
	}
}

func (e *Envelope) scanField(s *scanner, key string) bool {
	var to *string
	switch key {
	case "id":
		to = &e.ID
	case "name":
		to = &e.Name
	case "recorded_at", "occurred_at":
		at := &e.RecordedAt
		if key[0] == 'o' {
			at = &e.OccurredAt
		}
		value, ok := s.text()
		return ok && at.IsZero() && at.UnmarshalText([]byte(value)) == nil
	case "actor":
		to = &e.Actor
	case "role":
		to = &e.Role
	case "on_behalf_of":
		to = (*string)(&e.OnBehalfOf)
	case "channel":
		to = &e.Channel
	case "book":
		to = &e.Book
	case "command_id":
		to = &e.CommandID
	case "correlation":
		to = &e.Correlation
	case "causation":
		to = &e.Causation
	case "reason":
		to = &e.Reason
	case "authority":
		to = &e.Authority
	case "subjects":
		return e.Subjects == nil && scanList(s, &e.Subjects)
	case "nonconformities":
		return e.Nonconformities == nil && scanList(s, &e.Nonconformities)
	case "corrects":
		to = &e.Corrects
	case "salt":
		to = &e.Salt
	default:
		return false
	}
	value, ok := s.text()
	*to = value
	return ok
}

func scanList[T string | domain.Person](s *scanner, list *[]T) bool {
	for open := byte('['); ; open = ',' {
		if !s.next(open) {
			return open == ',' && s.next(']')
		}
		value, ok := s.text()
		if !ok {
			return false
		}
		*list = append(*list, T(value))
	}
}

// simple tells of text that has no escapes, and is ASCII without controls:
// eight bytes at a time, as in S. E. Anderson, Bit Twiddling Hacks, "Determine
// if a word has a byte less than n".
func simple(text []byte) bool {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for ; len(text) >= 8; text = text[8:] {
		w := binary.LittleEndian.Uint64(text)
		escape := w ^ ones*'\\'
		if (w|(w-ones*' ')|(escape-ones)&^escape)&highs != 0 {
			return false
		}
	}
	for _, b := range text {
		if b < ' ' || b >= 0x80 || b == '\\' {
			return false
		}
	}
	return true
}

// A scanner takes simple JSON without spaces from its beginning.
type scanner struct{ rest string }

func (s *scanner) next(b byte) bool {
	if len(s.rest) == 0 || s.rest[0] != b {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

func (s *scanner) text() (value string, ok bool) {
	if !s.next('"') {
		return "", false
	}
	end := strings.IndexByte(s.rest, '"')
	if end < 0 {
		return "", false
	}
	value, s.rest = s.rest[:end], s.rest[end+1:]
	return value, true
}
