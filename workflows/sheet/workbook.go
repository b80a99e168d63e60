package sheet

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"
)

// workbook reads a sheet of an Excel workbook, the first that has rows unless
// the map names one.
func (s *Sheet) workbook(source []byte, m Map) (err error) {
	broken := &Error{File: s.File, Text: "expected a workbook (.xlsx), found one that cannot be read: open it and save it again"}
	defer func() { // the library panics over some files that no program writes
		if recover() != nil {
			err = broken
		}
	}()
	formulas, err := s.inspect(source)
	if err != nil {
		return err
	}
	// Nothing is unpacked into files: those would hold people's words.
	f, err := excelize.OpenReader(bytes.NewReader(source), excelize.Options{UnzipSizeLimit: maxWhole, UnzipXMLSizeLimit: maxWhole, RawCellValue: true})
	if err != nil {
		return broken
	}
	defer f.Close()
	names := f.GetSheetList()
	s.Of = names
	if m.Sheet != "" {
		if !slices.Contains(names, m.Sheet) {
			return m.Wrong("sheet", "expected one of the sheets of %s (%s), found %q", s.File, strings.Join(names, ", "), m.Sheet)
		}
		names = []string{m.Sheet}
	}
	since1904 := 0.0
	if properties, err := f.GetWorkbookProps(); err == nil && properties.Date1904 != nil && *properties.Date1904 {
		since1904 = 1462
	}
	for _, name := range names {
		s.Form = fmt.Sprintf("workbook, sheet %q", name)
		if err := s.cells(f, name, since1904, formulas); err != nil || len(s.Rows) > 0 {
			return err
		}
	}
	return nil
}

// cells reads the rows of one sheet as they are kept. How a number is shown
// tells a date from others.
func (s *Sheet) cells(f *excelize.File, name string, since1904 float64, formulas map[string]bool) error {
	kept, err := f.Rows(name)
	if err != nil {
		return &Error{File: s.File, Text: err.Error()}
	}
	defer kept.Close()
	looks := map[int]look{}
	for row := 1; kept.Next(); row++ {
		values, err := kept.Columns()
		if err != nil {
			return &Error{s.File, row, err.Error()}
		}
		cells := make([]Cell, len(values))
		for i, value := range values {
			cells[i] = Cell{Text: tidy(value)}
			days, err := strconv.ParseFloat(value, 64)
			switch at := Column(i) + strconv.Itoa(row); {
			case slices.Contains(mistakes, value):
				cells[i].Doubt = "a mistake of the spreadsheet's, " + value
			case value == "" && formulas[at]:
				if formula, err := f.GetCellFormula(name, at); err == nil && formula != "" {
					cells[i].Doubt = "a formula without its value"
				}
			case err == nil && days >= 0:
				style, err := f.GetCellStyle(name, at)
				if err != nil {
					return &Error{s.File, row, err.Error()}
				}
				if _, known := looks[style]; !known {
					looks[style] = lookOf(f, style)
				}
				kind, err := f.GetCellType(name, at)
				if err != nil {
					return &Error{s.File, row, err.Error()}
				}
				if looks[style].of(days) && (kind == excelize.CellTypeUnset || kind == excelize.CellTypeNumber) { // and no text of digits
					cells[i].Days, cells[i].Dated = days, true
					if days >= 1 {
						cells[i].Days += since1904
					}
				}
			}
		}
		if err := s.add(row, cells); err != nil {
			return err
		}
	}
	return nil
}

// mistakes are what Excel shows where a formula failed.
var mistakes = []string{"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "#SPILL!", "#CALC!", "#GETTING_DATA"}

// A look is what cells of a style show of a number.
type look int

const (
	plainNumber look = iota
	dayShown
	clockShown
)

// of tells whether a number is a date or a time of day: 45123 is 16 July 2023.
// Before March 1900 Excel's count of days is wrong.
func (l look) of(days float64) bool { return l == clockShown || l == dayShown && days >= 61 }

// lookAside is what the code of a look has that is no part of a date: quoted words,
// single signs, and in brackets all but a length of time, as [h].
var lookAside = regexp.MustCompile(`"[^"]*"?|[\\_*].|\[[^\]]*\]`)

// lookOf reads the look of a style: its code, or one that every program knows by
// its number.
func lookOf(f *excelize.File, style int) look {
	_, _ = f.GetStyle(-1) // there is none; but now they are read
	if f.Styles == nil || f.Styles.CellXfs == nil || style >= len(f.Styles.CellXfs.Xf) || f.Styles.CellXfs.Xf[style].NumFmtID == nil {
		return plainNumber
	}
	id := *f.Styles.CellXfs.Xf[style].NumFmtID
	if f.Styles.NumFmts != nil {
		for _, own := range f.Styles.NumFmts.NumFmt {
			if own.NumFmtID == id {
				return lookOfCode(own.FormatCode)
			}
		}
	}
	switch {
	case id >= 18 && id <= 22, id >= 32 && id <= 35, id >= 45 && id <= 47, id == 55 || id == 56:
		return clockShown
	case id >= 14 && id <= 17, id >= 27 && id <= 36, id >= 50 && id <= 58:
		return dayShown
	}
	return plainNumber
}

func lookOfCode(code string) look {
	code = lookAside.ReplaceAllStringFunc(strings.ToLower(code), func(aside string) string {
		if length := strings.Trim(aside, "[]"); length != aside && strings.Trim(length, "hms") == "" {
			return length
		}
		return ""
	})
	switch {
	case code == "general":
		return plainNumber
	case strings.ContainsAny(code, "hs"):
		return clockShown
	case strings.ContainsAny(code, "dmy"):
		return dayShown
	}
	return plainNumber
}

// inspect looks through a workbook before anything is made of it: how large it
// is when unpacked, of how many parts, and which cells have a formula and no
// value. Memory is taken for one element at a time.
func (s *Sheet) inspect(source []byte) (map[string]bool, error) {
	wrong := func(format string, args ...any) error {
		return &Error{File: s.File, Text: fmt.Sprintf(format, args...)}
	}
	z, err := zip.NewReader(bytes.NewReader(source), int64(len(source)))
	if err != nil {
		return nil, wrong("expected a workbook (.xlsx), found a file that is cut off or damaged")
	}
	var whole uint64
	for _, part := range z.File {
		if whole += part.UncompressedSize64; part.UncompressedSize64 > maxWhole || whole > maxWhole {
			return nil, wrong("expected at most %d MB when it is unpacked: this is no spreadsheet of a programme", maxWhole>>20)
		}
	}
	formulas := map[string]bool{}
	elements := 0
	for _, part := range z.File {
		if err := s.part(part, &elements, formulas); err != nil {
			return nil, err
		}
	}
	return formulas, nil
}

// part looks through one part of a workbook, if it is XML: of a sheet that is
// malformed somewhere, the library would leave out the rest in silence.
func (s *Sheet) part(part *zip.File, elements *int, formulas map[string]bool) error {
	damaged := &Error{File: s.File, Text: "expected a workbook (.xlsx), found one that is cut off or damaged: open it and save it again"}
	r, err := part.Open()
	if err != nil {
		return damaged
	}
	defer r.Close()
	in := bufio.NewReader(r)
	switch start, err := in.Peek(1); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return damaged
	case start[0] != '<' && start[0] != 0xef: // a picture
		return nil
	}
	d := xml.NewDecoder(in)
	var cell string
	var inRow, text int
	var formula, value bool // of the cell
	var within string       // the element whose text is a cell's
	for depth := 0; ; {
		token, err := d.Token()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && strings.HasSuffix(part.Name, ".vml"): // drawings, not always well-formed
			return nil
		case err != nil:
			return damaged
		}
		switch t := token.(type) {
		case xml.StartElement:
			depth++
			switch name := t.Name.Local; name {
			case "row":
				inRow = 0
			case "c":
				inRow++
				cell, formula, value = attribute(t, "r"), false, false
			case "f", "v", "is", "si":
				within, text = name, 0
				formula = formula || name == "f"
			}
			if *elements++; *elements > 4*maxCells || depth > 256 || inRow > 4*maxColumns {
				return &Error{File: s.File, Text: fmt.Sprintf("expected at most %d cells, %d in a row: this is no spreadsheet of a programme", maxCells, maxColumns)}
			}
		case xml.EndElement:
			depth--
			switch name := t.Name.Local; {
			case name == within:
				within = ""
			case name == "c" && formula && !value && len(formulas) < maxRows:
				formulas[cell] = true
			}
		case xml.CharData:
			value = value || within == "v" || within == "is"
			if text += len(t); within != "" && text > maxText {
				return &Error{File: s.File, Text: fmt.Sprintf("expected at most %d bytes in a cell", maxText)}
			}
		}
	}
}

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}
