package sheet

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	utf16 "golang.org/x/text/encoding/unicode"
)

// The encodings that a text may have, as a map names them.
var encodings = []struct {
	name string
	encoding.Encoding
}{
	{"UTF-8", nil},
	{"UTF-16", utf16.UTF16(utf16.LittleEndian, utf16.UseBOM)},
	{"Windows-1252", charmap.Windows1252},
}

var separators = []struct{ sign, words string }{{";", "semicolons"}, {",", "commas"}, {"\t", "tabs"}}

// text reads rows of text with separators, as spreadsheets export them.
func (s *Sheet) text(source []byte, m Map) error {
	text, name, err := s.decode(source, m)
	if err != nil {
		return err
	}
	if !strings.Contains(text, "\n") { // an old Macintosh's
		text = strings.ReplaceAll(text, "\r", "\n")
	}
	separator := m.separator()
	if rest, ok := strings.CutPrefix(text, "sep="); ok { // which Excel writes for itself
		sign, after, _ := strings.Cut(rest, "\n")
		if sign = strings.TrimRight(sign, "\r"); len(sign) == 1 && separator == "" {
			separator = sign
		}
		text = after
	}
	if separator == "" {
		separator = likeliest(text)
	}
	words := separator
	for _, known := range separators {
		if known.sign == separator {
			words = known.words
		}
	}
	s.Form = fmt.Sprintf("text in %s, separated by %s", name, words)
	if n := strings.Count(text, separator); n > maxCells {
		return &Error{File: s.File, Text: fmt.Sprintf("expected at most %d cells, found %d", maxCells, n)}
	}
	r := csv.NewReader(strings.NewReader(text))
	r.Comma, r.FieldsPerRecord, r.ReuseRecord = rune(separator[0]), -1, true
	// Rows are counted as spreadsheets show them: one may be several lines of the
	// text, and an empty line is one.
	for row, next := 0, 1; ; { // the last row, and the line of the text behind it
		from := r.InputOffset()
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if malformed := new(csv.ParseError); errors.As(err, &malformed) {
			return &Error{s.File, row + malformed.StartLine - next + 1, fmt.Sprintf("expected quotation marks only around a whole cell, and two for each within it (%v at character %d)", malformed.Err, malformed.Column)}
		} else if err != nil {
			return &Error{File: s.File, Text: err.Error()}
		}
		line, _ := r.FieldPos(0)
		row += line - next + 1
		next += strings.Count(text[from:r.InputOffset()], "\n")
		cells := make([]Cell, len(record))
		for i, field := range record {
			if len(field) > maxText {
				return &Error{s.File, row, fmt.Sprintf("expected at most %d bytes in a cell, found %d: is a quotation mark missing?", maxText, len(field))}
			}
			cells[i] = Cell{Text: tidy(field)}
			if strings.HasPrefix(cells[i].Text, "=") {
				cells[i].Doubt = "a formula without its value"
			}
		}
		if err := s.add(row, cells); err != nil {
			return err
		}
	}
}

// decode makes UTF-8 of a text, and tells what it was.
func (s *Sheet) decode(source []byte, m Map) (text, name string, err error) {
	utf8Marked := bytes.HasPrefix(source, []byte("\xef\xbb\xbf"))
	utf16Marked := bytes.HasPrefix(source, []byte("\xff\xfe")) || bytes.HasPrefix(source, []byte("\xfe\xff"))
	name = m.Encoding
	switch {
	case name != "":
	case utf16Marked:
		name = "UTF-16"
	case utf8Marked || utf8.Valid(source):
		name = "UTF-8"
	default:
		name = "Windows-1252"
	}
	if bytes.IndexByte(source, 0) >= 0 && !strings.EqualFold(name, "UTF-16") {
		return "", "", &Error{File: s.File, Text: "expected text, found what no spreadsheet exports: is this a .csv or .xlsx file?"}
	}
	for _, e := range encodings {
		switch {
		case !strings.EqualFold(e.name, name):
		case e.Encoding == nil && !utf8.Valid(source):
			return "", "", &Error{File: s.File, Text: "expected text in UTF-8, and it is not: save it again, or leave out the encoding"}
		case e.Encoding == nil:
			return string(bytes.TrimPrefix(source, []byte("\xef\xbb\xbf"))), e.name, nil
		default:
			b, err := e.NewDecoder().Bytes(source)
			if err != nil {
				return "", "", &Error{File: s.File, Text: fmt.Sprintf("expected text in %s: %v", e.name, err)}
			}
			if i := bytes.IndexRune(b, utf8.RuneError); i >= 0 {
				return "", "", &Error{File: s.File, Text: fmt.Sprintf("expected text in UTF-8 or Windows-1252, found a byte that is neither in line %d of the text: save the file again with the encoding UTF-8", 1+bytes.Count(b[:i], []byte("\n")))}
			}
			return string(b), e.name, nil
		}
	}
	return "", "", m.Wrong("encoding", "expected UTF-8, UTF-16 or Windows-1252, found %q", m.Encoding)
}

// likeliest is the separator that parts the first rows into most cells, as
// evenly as it can: a comma within an answer parts no other row.
func likeliest(text string) string {
	best, most := ",", 0
	for _, candidate := range separators {
		r := csv.NewReader(strings.NewReader(text[:min(len(text), 64<<10)]))
		r.Comma, r.FieldsPerRecord, r.LazyQuotes, r.ReuseRecord = rune(candidate.sign[0]), -1, true, true
		parted := map[int]int{}
		for range 20 {
			record, err := r.Read()
			if err != nil {
				break
			}
			parted[len(record)]++
		}
		for cells, rows := range parted {
			if score := (cells - 1) * rows; score > most {
				best, most = candidate.sign, score
			}
		}
	}
	return best
}

// tidy takes away what a cell has around it, and gives every line break in it
// one form.
func tidy(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	return strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' || r == '\u200b' })
}

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
