package web

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/daybook-engine/daybook/domain"
)

// The tables of a page are its spreadsheets: ?as=xlsx and ?as=csv give what the
// page shows, at the same moment and by the same filters, but whole where the
// page turns leaves. They are read off the page itself, so no table is
// forgotten, and none can say something else.

var (
	errAs      = domain.Wrong("sheet_unknown", "a page's tables are given as=xlsx or as=csv")
	errNoTable = domain.Missing("table_missing", "there is no table on this page at the moment that it shows")
	errLong    = domain.Refuse("sheet_long", "a spreadsheet has at most "+strconv.Itoa(mostRows)+" lines here: choose fewer, or ask daybook events --json for all")
)

// mostRows bounds what is made in memory for one spreadsheet.
const mostRows = 50_000

// A sheet is a table of a page.
type sheet struct {
	name string
	head []string
	rows [][]cell
}

// A cell has an instant, or a number, or neither; and text beside.
type cell struct {
	text   string
	number *int64
	at     time.Time
	place  string // the zone that at is told in
}

func sheets(page string, query url.Values) []link {
	return []link{{"Excel", href(page, query, "as", "xlsx")}, {"CSV", href(page, query, "as", "csv")}}
}

// asSheets answers with the tables of a page instead of the page.
func (s *Server) asSheets(page func(http.ResponseWriter, *http.Request) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		as := r.URL.Query().Get("as")
		if as == "" || strings.HasPrefix(r.URL.Path, "/do/") { // where it is a field
			return page(w, r)
		}
		write := map[string]func(io.Writer, []sheet) error{"xlsx": writeXLSX, "csv": writeCSV}[as]
		if write == nil {
			return errAs
		}
		rendered := &rendering{header: http.Header{}}
		if err := page(rendered, r); err != nil {
			return err
		}
		sheets, err := sheetsOf(&rendered.body)
		if err != nil {
			return err
		}
		if len(sheets) == 0 {
			return errNoTable
		}
		kind := "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
		if as == "csv" {
			kind = "text/csv; charset=utf-8"
		}
		if as == "csv" && len(sheets) > 1 {
			write, as, kind = writeZip, "zip", "application/zip"
		}
		var b bytes.Buffer
		if err := write(&b, sheets); err != nil {
			return fmt.Errorf("spreadsheet: %w", err)
		}
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": fileName(r) + "." + as}))
		_, _ = b.WriteTo(w) // fails when the reader has gone
		return nil
	}
}

// A rendering keeps a page instead of sending it.
type rendering struct {
	header http.Header
	body   bytes.Buffer
}

func (r *rendering) Header() http.Header         { return r.header }
func (r *rendering) WriteHeader(int)             {}
func (r *rendering) Write(b []byte) (int, error) { return r.body.Write(b) }

var notInNames = regexp.MustCompile(`[^\pL\pN]+`)

// fileName is what a file is called after its page and moment.
func fileName(r *http.Request) string {
	words := strings.TrimPrefix(r.URL.Path, "/cycles/")
	for _, moment := range []string{"at", "day"} {
		words += " " + r.URL.Query().Get(moment)
	}
	return strings.Trim(notInNames.ReplaceAllString(words, "-"), "-")
}

// sheetsOf reads the tables of a page.
func sheetsOf(page io.Reader) (list []sheet, err error) {
	root, err := html.Parse(page)
	if err != nil {
		return nil, err
	}
	for n := range root.Descendants() {
		if n.DataAtom != atom.Table {
			continue
		}
		t, err := sheetOf(n)
		if err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	return list, nil
}

func sheetOf(table *html.Node) (t sheet, err error) {
	for n := range table.Descendants() {
		switch n.DataAtom {
		case atom.Caption:
			t.name = textOf(n)
		case atom.Tr:
			var row []cell
			for c := range n.ChildNodes() {
				if c.DataAtom != atom.Th && c.DataAtom != atom.Td {
					continue
				}
				x, err := cellOf(c)
				if err != nil {
					return t, err
				}
				row = append(row, x)
			}
			if n.Parent.DataAtom != atom.Thead {
				t.rows = append(t.rows, row)
				continue
			}
			for _, c := range row {
				t.head = append(t.head, c.text)
			}
		}
	}
	if len(t.rows) > mostRows {
		return t, errLong
	}
	return t, nil
}

func cellOf(n *html.Node) (c cell, err error) {
	for t := range n.Descendants() {
		if t.DataAtom != atom.Time || !c.at.IsZero() {
			continue
		}
		c.place = attribute(t, "data-zone")
		if c.at, err = time.Parse(time.RFC3339, attribute(t, "datetime")); err != nil {
			return c, err
		}
		t.FirstChild, t.LastChild = nil, nil // said by the columns of its own
	}
	c.text = textOf(n)
	if strings.Contains(attribute(n, "class"), "--numeric") {
		if i, err := strconv.ParseInt(strings.ReplaceAll(c.text, groupSeparator, ""), 10, 64); err == nil {
			c.number = &i
		}
	}
	return c, nil
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for t := range n.Descendants() {
		if t.Type == html.TextNode {
			b.WriteString(t.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// table spreads a sheet's instants over columns of their own: date and time by
// the clocks of the place, its zone, and the instant. Values are string, int64,
// date, clock or nil.
func (t sheet) table() (head []string, rows [][]any) {
	timed, worded := make([]bool, len(t.head)), make([]bool, len(t.head))
	for _, row := range t.rows {
		for i, c := range row[:min(len(row), len(t.head))] {
			timed[i] = timed[i] || !c.at.IsZero()
			worded[i] = worded[i] || c.text != ""
		}
	}
	for i, h := range t.head {
		if timed[i] {
			head = append(head, h+" (date)", h+" (time)", h+" (zone)", h+" (instant)")
			h += " (note)"
		}
		if worded[i] || !timed[i] {
			head = append(head, h)
		}
	}
	for _, row := range t.rows {
		var values []any
		for i, c := range row[:min(len(row), len(t.head))] {
			switch {
			case timed[i] && c.at.IsZero():
				values = append(values, nil, nil, nil, nil)
			case timed[i]:
				local := c.at.In(location(c.place))
				values = append(values, date(local), clock(local), c.place, c.at.UTC().Format(time.RFC3339))
			}
			switch {
			case timed[i] && !worded[i]:
			case c.number != nil:
				values = append(values, *c.number)
			default:
				values = append(values, c.text)
			}
		}
		rows = append(rows, values)
	}
	return head, rows
}

type (
	date  time.Time
	clock time.Time
)

func (d date) String() string  { return time.Time(d).Format(time.DateOnly) }
func (c clock) String() string { return time.Time(c).Format("15:04") }

// writeCSV writes the first of the sheets as Excel reads CSV: UTF-8 that says
// so, and no cell that it takes for a formula.
func writeCSV(w io.Writer, sheets []sheet) error {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return err
	}
	c := csv.NewWriter(w)
	c.UseCRLF = true
	head, rows := sheets[0].table()
	if err := c.Write(head); err != nil {
		return err
	}
	for _, row := range rows {
		record := make([]string, len(row))
		for i, v := range row {
			switch v := v.(type) {
			case nil:
			case string:
				record[i] = unexecuted(v)
			default:
				record[i] = fmt.Sprint(v)
			}
		}
		if err := c.Write(record); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

// unexecuted is a text that a spreadsheet does not take for a formula
// (https://owasp.org/www-community/attacks/CSV_Injection).
func unexecuted(text string) string {
	if strings.HasPrefix(text, "'") || text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}

// writeZip writes a file for each sheet.
func writeZip(w io.Writer, sheets []sheet) error {
	z := zip.NewWriter(w)
	for i, name := range names(sheets) {
		f, err := z.Create(name + ".csv")
		if err == nil {
			err = writeCSV(f, sheets[i:])
		}
		if err != nil {
			return err
		}
	}
	return z.Close()
}

func writeXLSX(w io.Writer, sheets []sheet) (err error) {
	f := excelize.NewFile()
	defer func() { err = errors.Join(err, f.Close()) }()
	dates, errDates := f.NewStyle(&excelize.Style{NumFmt: 14})   // the reader's own short date
	clocks, errClocks := f.NewStyle(&excelize.Style{NumFmt: 20}) // h:mm
	if err := errors.Join(errDates, errClocks); err != nil {
		return err
	}
	for i, name := range names(sheets) {
		if i == 0 {
			err = f.SetSheetName(f.GetSheetName(0), name)
		} else {
			_, err = f.NewSheet(name)
		}
		if err != nil {
			return err
		}
		out, err := f.NewStreamWriter(name)
		if err != nil {
			return err
		}
		head, rows := sheets[i].table()
		first := make([]any, len(head))
		for i, h := range head {
			first[i] = h
		}
		for n, row := range slices.Concat([][]any{first}, rows) {
			for i, v := range row {
				switch v := v.(type) {
				case date:
					y, m, d := time.Time(v).Date()
					row[i] = excelize.Cell{StyleID: dates, Value: time.Date(y, m, d, 0, 0, 0, 0, time.UTC)}
				case clock:
					t := time.Time(v)
					row[i] = excelize.Cell{StyleID: clocks, Value: float64(t.Hour()*60+t.Minute()) / (24 * 60)}
				}
			}
			if err := out.SetRow("A"+strconv.Itoa(n+1), row); err != nil {
				return err
			}
		}
		if err := out.Flush(); err != nil {
			return err
		}
	}
	return f.Write(w)
}

// names are names of sheets as Excel allows them: of 31 characters at most, not
// all of them, and each once.
func names(sheets []sheet) (list []string) {
	for i, t := range sheets {
		words := []rune(strings.Trim(notInNames.ReplaceAllString(t.name, " "), " "))
		name := strings.TrimSpace(string(words[:min(len(words), 28)]))
		if name == "" || slices.ContainsFunc(list, func(n string) bool { return strings.EqualFold(n, name) }) {
			name = strings.TrimSpace(name + " " + strconv.Itoa(i+1))
		}
		list = append(list, name)
	}
	return list
}
