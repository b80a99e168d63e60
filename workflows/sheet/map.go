package sheet

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/daybook-engine/daybook/workflows/document"
)

// A Map says which column is what, where the headings do not.
type Map struct {
	Import    string                       `yaml:"import"` // the kind of rows it is for
	Sheet     string                       `yaml:"sheet"`
	Encoding  string                       `yaml:"encoding"`
	Separator string                       `yaml:"separator"`
	Header    int                          `yaml:"header"` // the line of the headings
	Dates     Order                        `yaml:"dates"`
	Columns   map[string]string            `yaml:"columns"` // field: heading
	Set       map[string]string            `yaml:"set"`     // field: what it is in every row
	Values    map[string]map[string]string `yaml:"values"`  // field: what stands there: what it means

	doc *document.Document
}

// ParseMap reads a map.
func ParseMap(name string, source []byte) (m Map, err error) {
	if m.doc, err = document.Parse(name, source); err != nil {
		return m, err
	}
	doc := m.doc
	if err = doc.Decode(&m); err != nil {
		return m, err
	}
	m.doc = doc
	var wrong []error
	if !slices.Contains([]Order{Unknown, DayMonth, MonthDay}, m.Dates) {
		wrong = append(wrong, m.Wrong("dates", "expected day-month or month-day, found %q", m.Dates))
	}
	if m.Separator != "" && m.separator() == "" {
		wrong = append(wrong, m.Wrong("separator", "expected one sign, such as %q, or tab, found %q", ";", m.Separator))
	}
	if m.Header < 0 {
		wrong = append(wrong, m.Wrong("header", "expected the line of the headings, 1 or more, found %d", m.Header))
	}
	return m, errors.Join(wrong...)
}

func (m Map) separator() string {
	switch {
	case m.Separator == "tab":
		return "\t"
	case len(m.Separator) == 1 && !strings.Contains("\"\r\n", m.Separator):
		return m.Separator
	}
	return ""
}

// Wrong is an error at a field of the map.
func (m Map) Wrong(path, format string, args ...any) error {
	if m.doc == nil {
		return &document.Error{File: path, Text: fmt.Sprintf(format, args...)}
	}
	return m.doc.AtPath(path, format, args...)
}

// A Field is something that rows of a kind can say.
type Field struct {
	Field string
	Words []string // headings by which it goes
}

// A Reading is how a sheet is understood: where its headings are, and which
// column is what.
type Reading struct {
	Sheet   *Sheet
	Map     Map
	Header  Row
	Rows    []Row // below it
	Columns []Found
	Unused  []string // headings
	orders  map[string]Order
}

// Found is a column that is a field's.
type Found struct {
	Field, Heading string
	Column         int // from 0
}

// Understand finds the headings of a sheet, and for each field its column: as
// the map says, else by its words.
func Understand(s *Sheet, fields []Field, m Map) (*Reading, error) {
	known := make([]string, len(fields))
	for i, f := range fields {
		known[i] = f.Field
	}
	var wrong []error
	for _, section := range []struct {
		name   string
		fields []string
	}{{"columns", slices.Sorted(maps.Keys(m.Columns))}, {"set", slices.Sorted(maps.Keys(m.Set))}, {"values", slices.Sorted(maps.Keys(m.Values))}} {
		for _, field := range section.fields {
			if !slices.Contains(known, field) {
				wrong = append(wrong, m.Wrong(section.name+"."+field, "unknown field %s", document.Suggest(field, known)))
			}
		}
	}
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	x := &Reading{Sheet: s, Map: m, orders: map[string]Order{}}
	at := x.header(fields)
	if at < 0 {
		if m.Header > 0 {
			return nil, m.Wrong("header", "expected the line of the headings, found line %d empty or not there", m.Header)
		}
		return nil, &Error{File: s.File, Line: s.Rows[0].Line, Text: fmt.Sprintf("expected a row of headings, such as %s; found %s", words(fields), headings(s.Rows[0]))}
	}
	x.Header, x.Rows = s.Rows[at], s.Rows[at+1:]
	if err := x.columns(fields); err != nil {
		return nil, err
	}
	for _, f := range x.Columns {
		var cells []Cell
		for _, r := range x.Rows {
			cells = append(cells, r.Cell(f.Column))
		}
		if x.orders[f.Field] = m.Dates; m.Dates == Unknown {
			x.orders[f.Field] = OrderOf(cells)
		}
	}
	return x, nil
}

// header is the row of the headings: the one that the map names, or that has
// most of them.
func (x *Reading) header(fields []Field) int {
	best, most := -1, 0
	for i, r := range x.Sheet.Rows[:min(len(x.Sheet.Rows), 20)] {
		found := 0
		for _, c := range r.Cells {
			if x.field(c.Text, fields) != "" {
				found++
			}
		}
		if x.Map.Header == r.Line || x.Map.Header == 0 && found > most {
			best, most = i, found
		}
	}
	return best
}

// field is what goes by a heading: the field whose column the map says it is,
// or one whose words it is.
func (x *Reading) field(heading string, fields []Field) string {
	if plain(heading) == "" {
		return ""
	}
	for field, named := range x.Map.Columns {
		if plain(named) == plain(heading) {
			return field
		}
	}
	for _, f := range fields {
		if _, said := x.Map.Columns[f.Field]; said {
			continue
		}
		if _, said := x.Map.Set[f.Field]; said {
			continue
		}
		for _, word := range append(f.Words, f.Field) {
			if plain(word) == plain(heading) {
				return f.Field
			}
		}
	}
	return ""
}

func (x *Reading) columns(fields []Field) error {
	for i, c := range x.Header.Cells {
		field := x.field(c.Text, fields)
		if field == "" {
			if c.Text != "" {
				x.Unused = append(x.Unused, Column(i)+" "+oneLine(c.Text))
			}
			continue
		}
		for _, f := range x.Columns {
			if f.Field == field {
				return &Error{x.Sheet.File, x.Header.Line, fmt.Sprintf("expected one column for %s, found two, %s %q and %s %q: say which with a map, and give the other another heading", field, Column(f.Column), f.Heading, Column(i), oneLine(c.Text))}
			}
		}
		x.Columns = append(x.Columns, Found{field, oneLine(c.Text), i})
	}
	var wrong []error
	for _, field := range slices.Sorted(maps.Keys(x.Map.Columns)) {
		if !x.Has(field) {
			wrong = append(wrong, x.Map.Wrong("columns."+field, "expected a heading of %s, %s; found %q", x.Sheet.File, headings(x.Header), x.Map.Columns[field]))
		}
	}
	return errors.Join(wrong...)
}

// Has tells whether a field has a column.
func (x *Reading) Has(field string) bool { return x.column(field) >= 0 }

func (x *Reading) column(field string) int {
	for _, f := range x.Columns {
		if f.Field == field {
			return f.Column
		}
	}
	return -1
}

// Heading is that of a field's column.
func (x *Reading) Heading(field string) string {
	return oneLine(x.Header.Cell(x.column(field)).Text)
}

// Order is that of the dates in a field's column.
func (x *Reading) Order(field string) Order {
	if o, ok := x.orders[field]; ok {
		return o
	}
	return x.Map.Dates
}

// Cell is what a row says for a field: what stands in its column, in the words
// that the map has for it, or else what the map sets for every row.
func (x *Reading) Cell(r Row, field string) Cell {
	c := r.Cell(x.column(field))
	for found, means := range x.Map.Values[field] {
		if strings.EqualFold(tidy(found), c.Text) && c.Doubt == "" {
			return Cell{Text: means}
		}
	}
	if set, ok := x.Map.Set[field]; ok && c.blank() {
		return Cell{Text: tidy(set)}
	}
	return c
}

// Text is the text of a cell, or a doubt.
func (x *Reading) Text(r Row, field string) (string, error) {
	c := x.Cell(r, field)
	if c.Doubt != "" {
		return "", Doubted("%s: %s", field, c.Doubt)
	}
	return c.Text, nil
}

func headings(r Row) string {
	var list []string
	for _, c := range r.Cells {
		if c.Text != "" {
			list = append(list, fmt.Sprintf("%q", clip(oneLine(c.Text))))
		}
	}
	return strings.Join(list, ", ")
}

func words(fields []Field) string {
	var list []string
	for _, f := range fields[:min(len(fields), 6)] {
		list = append(list, fmt.Sprintf("%q", f.Field))
	}
	return strings.Join(list, ", ")
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
