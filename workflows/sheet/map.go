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
	Header    int                          `yaml:"header"` // the row of the headings
	Dates     Order                        `yaml:"dates"`
	Columns   map[string]string            `yaml:"columns"` // field: heading, or #C for a column by its name; "" for none
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
		wrong = append(wrong, m.Wrong("header", "expected the row of the headings, 1 or more, found %d", m.Header))
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
	Field   string
	Words   []string // headings by which it goes, beside its name and its label
	Label   string   // what people call it; "": as it is named
	Hint    string   // what it is, in a sentence
	Same    bool     // it may be the same in every row
	Choices []string // where its values are closed
	// Like tells what stands in its column, where no heading says which that is.
	Like func(Cell) bool
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
			return nil, m.Wrong("header", "expected the row of the headings, found row %d empty or not there", m.Header)
		}
		return nil, &Error{File: s.File, Row: s.Rows[0].Number, Text: fmt.Sprintf("expected a row of headings, such as %s; found %s", words(fields), headings(s.Rows[0]))}
	}
	return x, x.below(at, fields)
}

// Guess is Understand for somebody who is yet to say what the columns are: what
// it cannot tell is left open.
func Guess(s *Sheet, fields []Field, m Map) *Reading {
	x := &Reading{Sheet: s, Map: m, orders: map[string]Order{}}
	at := x.header(fields)
	if at < 0 { // a title above stands alone in its row
		most := 0
		for _, r := range s.Rows {
			most = max(most, r.filled())
		}
		at = slices.IndexFunc(s.Rows, func(r Row) bool { return 2*r.filled() > most })
	}
	_ = x.below(max(at, 0), fields)
	if m.Columns == nil {
		x.suggest(fields)
	}
	return x
}

// suggest takes for a field that no heading says the one column that has nothing
// but what it is like.
func (x *Reading) suggest(fields []Field) {
	for _, f := range fields {
		if f.Like == nil || x.Has(f.Field) || x.Map.Set[f.Field] != "" {
			continue
		}
		found := -1
		for i := range x.width() {
			taken := slices.ContainsFunc(x.Columns, func(f Found) bool { return f.Column == i })
			unlike := func(r Row) bool { return !r.Cell(i).blank() && !f.Like(r.Cell(i)) }
			some := slices.ContainsFunc(x.Rows, func(r Row) bool { return !r.Cell(i).blank() })
			if taken || !some || slices.ContainsFunc(x.Rows, unlike) {
				continue
			}
			if found >= 0 {
				found = -1
				break
			}
			found = i
		}
		if found >= 0 {
			x.Columns = append(x.Columns, Found{f.Field, oneLine(x.Header.Cell(found).Text), found})
		}
	}
}

// below takes a row for the headings, and those below it.
func (x *Reading) below(at int, fields []Field) error {
	x.Header, x.Rows = x.Sheet.Rows[at], x.Sheet.Rows[at+1:]
	err := x.columns(fields)
	for _, f := range x.Columns {
		var cells []Cell
		for _, r := range x.Rows {
			cells = append(cells, r.Cell(f.Column))
		}
		if x.orders[f.Field] = x.Map.Dates; x.Map.Dates == Unknown {
			x.orders[f.Field] = OrderOf(cells)
		}
	}
	return err
}

// header is the row of the headings: the one that the map names, or that has
// most of them.
func (x *Reading) header(fields []Field) int {
	best, most := -1, 0
	for i, r := range x.Sheet.Rows[:min(len(x.Sheet.Rows), 20)] {
		found := 0
		for i, c := range r.Cells {
			if x.field(i, c.Text, fields) != "" {
				found++
			}
		}
		if x.Map.Header == r.Number || x.Map.Header == 0 && found > most {
			best, most = i, found
		}
	}
	return best
}

// field is what goes by a column or its heading: the field whose column the map
// says it is, or the first one whose name, label or words it is.
func (x *Reading) field(column int, heading string, fields []Field) string {
	for field, named := range x.Map.Columns {
		if name, ok := strings.CutPrefix(named, "#"); ok && strings.EqualFold(name, Column(column)) || !ok && plain(named) != "" && plain(named) == plain(heading) {
			return field
		}
	}
	if plain(heading) == "" {
		return ""
	}
	for _, f := range fields {
		if _, said := x.Map.Columns[f.Field]; said {
			continue
		}
		if _, said := x.Map.Set[f.Field]; said || x.Sheet.Beside[f.Field].surer() {
			continue
		}
		if slices.ContainsFunc(append(f.Words, f.Field, f.Label), func(word string) bool { return plain(word) == plain(heading) }) {
			return f.Field
		}
	}
	return ""
}

func (x *Reading) columns(fields []Field) error {
	var wrong []error
	for i := range x.width() {
		c := x.Header.Cell(i)
		field := x.field(i, c.Text, fields)
		if field == "" {
			if c.Text != "" {
				x.Unused = append(x.Unused, Column(i)+" "+oneLine(c.Text))
			}
			continue
		}
		if before := x.column(field); before >= 0 {
			wrong = append(wrong, &Error{x.Sheet.File, x.Header.Number, fmt.Sprintf("expected one column for %s, found two, %s %q and %s %q: say which with a map, by its name as #%s", field, Column(before), x.Heading(field), Column(i), oneLine(c.Text), Column(before))})
			continue
		}
		x.Columns = append(x.Columns, Found{field, oneLine(c.Text), i})
	}
	for _, field := range slices.Sorted(maps.Keys(x.Map.Columns)) {
		if x.column(field) < 0 && x.Map.Columns[field] != "" {
			wrong = append(wrong, x.Map.Wrong("columns."+field, "expected a heading of %s, %s; found %q", x.Sheet.File, headings(x.Header), x.Map.Columns[field]))
		}
	}
	return errors.Join(wrong...)
}

// width is how many columns there are, with a heading or without.
func (x *Reading) width() int {
	n := len(x.Header.Cells)
	for _, r := range x.Rows {
		n = max(n, len(r.Cells))
	}
	return n
}

// A Shown is a column as it is put to a person.
type Shown struct {
	Name, Heading string
	Samples       []string
	Field         string // what it is taken for; "" for nothing
}

// Shown is what stands in each column, and what it is taken for.
func (x *Reading) Shown() []Shown {
	list := make([]Shown, x.width())
	for i := range list {
		list[i] = Shown{Name: Column(i), Heading: oneLine(x.Header.Cell(i).Text)}
		for _, r := range x.Rows {
			if c := r.Cell(i); !c.blank() && len(list[i].Samples) < 3 {
				list[i].Samples = append(list[i].Samples, c.Words())
			}
		}
	}
	for _, f := range x.Columns {
		list[f.Column].Field = f.Field
	}
	return list
}

// Strange lists what stands in a field's column and is none of its choices, each
// once, in the order in which it comes.
func (x *Reading) Strange(f Field) (list []string) {
	for _, r := range x.Rows {
		c := r.Cell(x.column(f.Field))
		is := func(word string) bool { return strings.EqualFold(word, c.Text) }
		if c.Text != "" && !slices.ContainsFunc(f.Choices, is) && !slices.ContainsFunc(list, is) {
			list = append(list, c.Text)
		}
	}
	return list
}

// Has tells whether a field has a column, or stands beside.
func (x *Reading) Has(field string) bool {
	_, beside := x.Sheet.Beside[field]
	return beside || x.column(field) >= 0
}

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
	if c.blank() {
		return x.Sheet.Beside[field]
	}
	return c
}

// Aside tells whether what a row says for a field stands beside it.
func (x *Reading) Aside(r Row, field string) bool {
	_, set := x.Map.Set[field]
	_, beside := x.Sheet.Beside[field]
	return beside && !set && r.Cell(x.column(field)).blank()
}

// surer tells whether what stands beside rows goes before what is guessed of a
// column.
func (c Cell) surer() bool { return !c.At.IsZero() || c.Doubt != "" }

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
