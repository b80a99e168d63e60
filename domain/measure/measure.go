// Package measure is the closed language in which every figure is said: which
// events are counted, what takes one out again, and in which words the result
// is read. A measure is data; the dashboard, the command line, exports and a
// funder's verifier evaluate the same text, and any figure can be asked which
// events it comes from.
//
// Measures read envelopes and the open fields of bodies only, never personal
// text, so that an erasure changes no figure.
package measure

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// A Measure is one figure's definition. A change of meaning is a new version.
type Measure struct {
	Measure string `json:"measure"`
	Version int    `json:"version"`
	Words   string `json:"words"`
	Unit    string `json:"unit"`

	Fold     string   `json:"fold"`               // count, sum, distinct
	Of       string   `json:"of,omitempty"`       // the body's field that is summed, or told apart
	Register string   `json:"register,omitempty"` // of a distinct count: whose people, so that nobody counts twice
	Over     []Source `json:"over"`
	Scope    string   `json:"scope"` // cycle, or year: the programme's year that the cycle lies in

	// What takes a counted event out again: a later event of one of these
	// names, in the same stream, with the same values in the Key fields. A
	// name that is in Over as well counts in the other's place.
	Unless []string `json:"unless,omitempty"`
	Key    []string `json:"key,omitempty"`
}

// A Source is a name of event that counts, where all conditions hold.
type Source struct {
	Name  string      `json:"name"`
	Where []Condition `json:"where,omitempty"`
}

// A Condition holds of a field of the body: it Is a value, a list that Has
// one, or Empty: absent, or a list without elements. One of the three is set.
type Condition struct {
	Field string `json:"field"`
	Is    any    `json:"is,omitempty"`
	Has   string `json:"has,omitempty"`
	Empty bool   `json:"empty,omitempty"`
}

// A Fact is an event as measures see it.
type Fact struct {
	ID     string
	Name   string
	Stream string
	Book   string
	Body   []byte // JSON object
}

// An Entry is one event that counts towards a measure.
type Entry struct {
	Measure string
	Scope   string // "nemo-2023-autumn", or "nemo-121/2023" for a year
	Key     string // what Unless finds it by
	Event   string // id
	Value   int64  // what it adds to a sum; 1 otherwise
	Of      string // what a distinct count tells apart
}

// Names lists the events that the measure has to see.
func (m Measure) Names() []string {
	names := slices.Clone(m.Unless)
	for _, s := range m.Over {
		if !slices.Contains(names, s.Name) {
			names = append(names, s.Name)
		}
	}
	return names
}

// Read tells what a fact does to the measure: it may take out the entries of
// a key, and may then add one. The body is decoded once for many measures by
// passing the same *Fields.
func (m Measure) Read(f Fact, fields *Fields) (add *Entry, remove string, err error) {
	undoes := slices.Contains(m.Unless, f.Name)
	i := slices.IndexFunc(m.Over, func(s Source) bool { return s.Name == f.Name })
	if !undoes && i < 0 {
		return nil, "", nil
	}
	body, err := fields.of(f)
	if err != nil {
		return nil, "", err
	}
	key := f.ID
	if len(m.Unless) > 0 {
		key = f.Stream
		for _, k := range m.Key {
			key += "\x00" + text(body.field(k))
		}
	}
	if undoes {
		remove = key
	}
	if i < 0 || !all(m.Over[i].Where, body) {
		return nil, remove, nil
	}
	e := Entry{Measure: m.Measure, Scope: m.scope(f, body), Key: key, Event: f.ID, Value: 1}
	switch m.Fold {
	case "sum":
		if e.Value, err = strconv.ParseInt(string(body.field(m.Of)), 10, 64); err != nil { // a figure is never a float
			return nil, "", fmt.Errorf("measure %s: %s of %s %s: %w", m.Measure, m.Of, f.Name, f.ID, err)
		}
	case "distinct":
		e.Of = text(body.field(m.Of))
	}
	return &e, remove, nil
}

// scope is whose figure the event belongs to. What is kept with the
// programme, such as places, names its cycle and year in the body.
func (m Measure) scope(f Fact, fields *body) string {
	if m.Scope == "year" {
		return YearScope(BookOf(f.Book, "programme"), text(fields.field("year")))
	}
	if cycle := BookOf(f.Book, "cycle"); cycle != "" {
		return cycle
	}
	return text(fields.field("cycle"))
}

// YearScope is the scope of a programme's year.
func YearScope(programme, year string) string { return programme + "/" + year }

// BookOf gives the id in a book's name of that kind, and "" for others:
// BookOf("rehearsal/cycle/x", "cycle") is "x".
func BookOf(book, kind string) string {
	id, ok := strings.CutPrefix(strings.TrimPrefix(book, "rehearsal/"), kind+"/")
	if !ok {
		return ""
	}
	return id
}

// Value is the figure that entries add up to.
func (m Measure) Value(entries []Entry) int64 {
	switch m.Fold {
	case "sum":
		var sum int64
		for _, e := range entries {
			sum += e.Value
		}
		return sum
	case "distinct":
		seen := make(map[string]bool, len(entries))
		for _, e := range entries {
			seen[e.Of] = true
		}
		return int64(len(seen))
	default:
		return int64(len(entries))
	}
}

func all(where []Condition, fields *body) bool {
	for _, c := range where {
		if !c.holds(fields.field(c.Field)) {
			return false
		}
	}
	return true
}

func (c Condition) holds(v jsontext.Value) bool {
	switch {
	case c.Empty:
		return v == nil || v.Kind() == 'n' || string(v) == "[]"
	case c.Has != "":
		var list []any
		_ = jsonv2.Unmarshal(v, &list) // what is no list has nothing
		return slices.Contains(list, any(c.Has))
	default:
		if c.Is == nil || c.Is == false {
			return text(v) == "" // as an absent field is
		}
		is, words := c.Is.(string)
		if !words {
			is = fmt.Sprint(c.Is)
		}
		return text(v) == is
	}
}

// text makes values comparable: an absent field, null and false are "".
func text(v jsontext.Value) string {
	switch v.Kind() {
	case '"':
		if bytes.IndexByte(v, '\\') < 0 {
			return string(v[1 : len(v)-1])
		}
		s, _ := jsontext.AppendUnquote(nil, v) // it was decoded from JSON
		return string(s)
	case 'n', 'f':
		return ""
	default:
		return string(v)
	}
}

// A body is the fields of a JSON object, which are parts of its text.
type body struct {
	text   []byte
	fields []field
}

type field struct {
	name  []byte
	value jsontext.Value
}

// field gives a field's value; nil where there is none.
func (b *body) field(name string) jsontext.Value {
	for _, f := range b.fields {
		if string(f.name) == name {
			return f.value
		}
	}
	return nil
}

// UnmarshalJSONFrom reads an object, or null for one without fields.
func (b *body) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	switch open, err := d.ReadToken(); {
	case err != nil || open.Kind() == 'n':
		return err
	case open.Kind() != '{':
		return fmt.Errorf("expected an object, found %s", open)
	}
	part := func() (jsontext.Value, error) {
		v, err := d.ReadValue() // good until the next is read, while the text stays
		end := int(d.InputOffset())
		return b.text[end-len(v) : end], err
	}
	for d.PeekKind() != '}' {
		name, err := part()
		if err != nil {
			return err
		}
		value, err := part()
		if err != nil {
			return err
		}
		unquoted := name[1 : len(name)-1]
		if bytes.IndexByte(unquoted, '\\') >= 0 {
			unquoted = []byte(text(name))
		}
		b.fields = append(b.fields, field{unquoted, value})
	}
	_, err := d.ReadToken()
	return err
}

// Fields decodes one fact's body at most once.
type Fields struct {
	id   string
	body body
}

func (f *Fields) of(fact Fact) (*body, error) {
	if f.id == fact.ID && f.body.text != nil {
		return &f.body, nil
	}
	f.id, f.body = fact.ID, body{text: fact.Body, fields: f.body.fields[:0]}
	if err := jsonv2.Unmarshal(fact.Body, &f.body); err != nil {
		f.body.text = nil
		return nil, fmt.Errorf("body of %s %s: %w", fact.Name, fact.ID, err)
	}
	return &f.body, nil
}
