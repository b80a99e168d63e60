// Package sheet reads spreadsheets as people really have them: text in UTF-8,
// UTF-16 or Windows-1252 with whatever separator, Excel workbooks, and forms that
// came by e-mail. It finds
// the headings, says which column is what, and reads dates, times and lengths
// as they are written; what may mean two things is a doubt for a person and
// never guessed.
//
// Nothing in a file is executed: of a formula there is the value that was kept
// with it, or a doubt. What is too large to be a small organisation's
// spreadsheet is refused before it takes memory.
package sheet

import (
	"bytes"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"
)

// What is taken: far above any season's spreadsheet.
const (
	MaxFile    = 16 << 20 // bytes of a file
	maxWhole   = 64 << 20 // bytes of a workbook when it is unpacked
	maxRows    = 10_000
	maxColumns = 200
	maxCells   = 1_000_000
	maxText    = 128 << 10 // bytes of one cell: Excel itself takes 32,767 letters
)

// An Error is what is wrong with a file as a whole, or in a row of it.
type Error struct {
	File string
	Row  int // as Row.Number; 0 when the whole file is meant
	Text string
}

func (e *Error) Error() string {
	if e.Row == 0 {
		return e.File + ": " + e.Text
	}
	return fmt.Sprintf("%s, row %d: %s", e.File, e.Row, e.Text)
}

// A Sheet is a file's rows, blank ones left out.
type Sheet struct {
	File string
	Form string   // what kind of file it is, in words
	Of   []string // the sheets of a workbook
	Rows []Row

	// Beside is what is said of every row beside its cells, by field: a mail's
	// sender, and when it was received.
	Beside map[string]Cell
	// Claimed tells of a mail: whom it is from is its own word.
	Claimed bool
}

// A Row is a row of a sheet.
type Row struct {
	Number int // from 1, as spreadsheets show it
	Cells  []Cell
}

// Cell is the n-th cell, from 0; an empty one where the row has ended.
func (r Row) Cell(n int) Cell {
	if n < 0 || n >= len(r.Cells) {
		return Cell{}
	}
	return r.Cells[n]
}

// filled counts the cells that are not empty.
func (r Row) filled() (n int) {
	for _, c := range r.Cells {
		if !c.blank() {
			n++
		}
	}
	return n
}

// A Cell is what stands in a field of a sheet.
type Cell struct {
	Text  string    // without blanks around it
	Days  float64   // of a date or a time in a workbook: days since 30 December 1899
	Dated bool      // Days counts
	Doubt string    // why what stands there cannot be taken; "" where it can
	At    time.Time // the instant that it is; zero: it is written as a clock on a wall shows it
}

func (c Cell) blank() bool { return c.Text == "" && !c.Dated && c.Doubt == "" }

// Words are what a cell shows, clipped: of a date, its day and time.
func (c Cell) Words() string {
	if c.Dated {
		day, at, err := c.When(Unknown)
		if err != nil {
			at, _ = c.Clock()
		}
		return strings.TrimSpace(day + " " + at)
	}
	if c.Doubt != "" {
		return c.Doubt
	}
	return clip(oneLine(c.Text))
}

// Read reads a file. The map may name the sheet of a workbook, or the encoding
// and the separator of a text.
func Read(name string, source []byte, m Map) (*Sheet, error) {
	s := &Sheet{}
	if err := s.read(name, source, m); err != nil {
		return nil, err
	}
	if len(s.Rows) == 0 || s.Beside != nil && len(s.Rows[0].Cells) == 0 {
		return nil, &Error{File: s.File, Text: "expected a row of headings and rows below it, found an empty sheet"}
	}
	return s, nil
}

func (s *Sheet) read(name string, source []byte, m Map) error {
	s.File = filepath.Base(name)
	wrong := func(format string, args ...any) error {
		return &Error{File: s.File, Text: fmt.Sprintf(format, args...)}
	}
	switch {
	case len(source) > MaxFile:
		return wrong("expected at most %d MB, found %d: split it, or leave out what is not needed", MaxFile>>20, len(source)>>20)
	case bytes.HasPrefix(source, []byte("PK\x03\x04")):
		return s.workbook(source, m)
	case bytes.HasPrefix(source, []byte("\xd0\xcf\x11\xe0")):
		return wrong("expected a workbook (.xlsx) or text (.csv), found an old workbook (.xls) or one with a password: save it as .xlsx without a password; or it is a mail of Outlook's: save that as .eml")
	case strings.EqualFold(filepath.Ext(name), ".eml"):
		return s.mail(source, m)
	}
	return s.text(source, m)
}

// add takes a row, unless it is blank.
func (s *Sheet) add(row int, cells []Cell) error {
	for len(cells) > 0 && cells[len(cells)-1].blank() {
		cells = cells[:len(cells)-1]
	}
	switch {
	case !slices.ContainsFunc(cells, func(c Cell) bool { return !c.blank() }):
		return nil
	case len(cells) > maxColumns:
		return &Error{s.File, row, fmt.Sprintf("expected at most %d columns, found %d", maxColumns, len(cells))}
	case len(s.Rows) == maxRows:
		return &Error{s.File, row, fmt.Sprintf("expected at most %d rows: split the file", maxRows)}
	}
	s.Rows = append(s.Rows, Row{row, cells})
	return nil
}

// Column is the name of the n-th column, from 0, as spreadsheets show it: A, B, … Z, AA.
func Column(n int) string {
	name := ""
	for n++; n > 0; n = (n - 1) / 26 {
		name = string(rune('A'+(n-1)%26)) + name
	}
	return name
}

// plain is a heading, or a word for one, as it is compared: lower case, umlauts
// as two letters, and nothing but letters and digits. So E-Mail is Email, and
// Mentor:in, Mentor/-in and MentorIn are Mentorin.
func plain(s string) string {
	s = remark.ReplaceAllString(strings.ToLower(norm.NFC.String(s)), "")
	return strings.Map(func(r rune) rune {
		if !isWord(r) {
			return -1
		}
		return r
	}, twoLetters.Replace(s))
}

// remark is what a heading says in brackets of how its column is to be filled in,
// and not of what stands there: other brackets may make it another column.
var remark = regexp.MustCompile(`[(\[]\s*(pflicht|pflichtfeld|pflichtangabe|optional|freiwillig|required|uhr|(hh|ss):mm( uhr)?|(tt|dd)[./]mm[./](jj|yy){1,2}|(jjjj|yyyy)-mm-(tt|dd))\s*[)\]]`)

var twoLetters = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "ß", "ss")
