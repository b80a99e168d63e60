package sheet_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	. "github.com/daybook-engine/daybook/workflows/sheet"
)

// texts are what stands in a sheet's cells.
func texts(s *Sheet) (rows [][]string) {
	for _, r := range s.Rows {
		var row []string
		for _, c := range r.Cells {
			row = append(row, c.Text)
		}
		rows = append(rows, row)
	}
	return rows
}

func encoded(t testing.TB, e interface {
	Bytes([]byte) ([]byte, error)
}, text string) []byte {
	b, err := e.Bytes([]byte(text))
	require.NoError(t, err)
	return b
}

// workbook makes a workbook of a sheet's cells, in the order in which they are
// given.
func workbook(t testing.TB, fill func(f *excelize.File)) []byte {
	f := excelize.NewFile()
	defer f.Close()
	fill(f)
	b, err := f.WriteToBuffer()
	require.NoError(t, err)
	return b.Bytes()
}

func TestAFileIsReadAsItIs(t *testing.T) {
	t.Parallel()
	const rows = "Name;E-Mail;Ort\nÄnne Müller;anne@example.org;\"Köln,\nDeutz\"\n\n;;\nBen;ben@example.org;\"Zu \"\"Haus\"\"\"\n"
	want := [][]string{{"Name", "E-Mail", "Ort"}, {"Änne Müller", "anne@example.org", "Köln,\nDeutz"}, {"Ben", "ben@example.org", `Zu "Haus"`}}
	commas := strings.NewReplacer(";", ",").Replace(rows)
	for name, c := range map[string]struct {
		source []byte
		form   string
	}{
		"as Excel exports UTF-8":   {[]byte("\ufeff" + rows), "text in UTF-8, separated by semicolons"},
		"without a mark":           {[]byte(rows), "text in UTF-8, separated by semicolons"},
		"Windows":                  {encoded(t, charmap.Windows1252.NewEncoder(), strings.ReplaceAll(rows, "\n", "\r\n")), "text in Windows-1252, separated by semicolons"},
		"with commas":              {[]byte(commas), "text in UTF-8, separated by commas"},
		"with tabs, as Excel does": {encoded(t, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder(), strings.ReplaceAll(rows, ";", "\t")), "text in UTF-16, separated by tabs"},
		"an old Macintosh's":       {[]byte(strings.ReplaceAll(rows, "\n", "\r")), "text in UTF-8, separated by semicolons"},
		"saying its separator":     {[]byte("sep=;\r\n" + rows), "text in UTF-8, separated by semicolons"},
	} {
		s, err := Read("dir/list.csv", c.source, Map{})
		require.NoError(t, err, name)
		require.Equal(t, want, texts(s), name)
		require.Equal(t, c.form, s.Form, name)
		require.Equal(t, "list.csv", s.File)
		require.Equal(t, []int{1, 2, 5}, []int{s.Rows[0].Number, s.Rows[1].Number, s.Rows[2].Number}, "as a spreadsheet shows them: %s", name)
	}
	_, err := Read("list.csv", []byte(rows+"\n\"a\"b;c"), Map{})
	require.ErrorContains(t, err, "list.csv, row 7: expected quotation marks")
	s, err := Read("list.csv", []byte("a|b\n1|2"), Map{Separator: "|"})
	require.NoError(t, err)
	require.Equal(t, [][]string{{"a", "b"}, {"1", "2"}}, texts(s))
	require.Equal(t, "text in UTF-8, separated by |", s.Form)
	s, err = Read("list.csv", []byte("a;b\n=1+1;x"), Map{})
	require.NoError(t, err)
	require.Equal(t, "a formula without its value", s.Rows[1].Cells[0].Doubt)
}

func TestAWorkbookIsReadAsItIsShown(t *testing.T) {
	t.Parallel()
	source := workbook(t, func(f *excelize.File) {
		long, err := f.NewStyle(&excelize.Style{CustomNumFmt: new("[h]:mm")})
		require.NoError(t, err)
		money, err := f.NewStyle(&excelize.Style{NumFmt: 4})
		require.NoError(t, err)
		for cell, v := range map[string]any{
			"A1": "Mitglieder", "A3": "Datum", "B3": "Dauer", "C3": "Anzahl", "D3": "Summe",
			"A4": time.Date(2023, 9, 14, 15, 0, 0, 0, time.UTC), "B4": 0.0625, "C4": 45123, "D4": 45123.999,
			"A5": "x", "B5": 90, "C5": 1.5, "D5": "  two\r\nlines ",
		} {
			require.NoError(t, f.SetCellValue("Sheet1", cell, v))
		}
		require.NoError(t, f.SetCellStyle("Sheet1", "B4", "B4", long))
		require.NoError(t, f.SetCellStyle("Sheet1", "D4", "D4", money))
		require.NoError(t, f.SetCellFormula("Sheet1", "E5", "WEBSERVICE(\"https://example.org\")"))
		require.NoError(t, f.SetCellValue("Sheet1", "F5", "#REF!"))
		_, err = f.NewSheet("Leer")
		require.NoError(t, err)
	})
	s, err := Read("members.xlsx", source, Map{})
	require.NoError(t, err)
	require.Equal(t, `workbook, sheet "Sheet1"`, s.Form)
	require.Len(t, s.Rows, 4)
	require.Equal(t, []int{1, 3, 4, 5}, []int{s.Rows[0].Number, s.Rows[1].Number, s.Rows[2].Number, s.Rows[3].Number})
	date, at, err := s.Rows[2].Cell(0).When(Unknown)
	require.NoError(t, err)
	require.Equal(t, "2023-09-14 15:00", date+" "+at)
	minutes, err := s.Rows[2].Cell(1).Minutes("")
	require.NoError(t, err)
	require.Equal(t, 90, minutes)
	require.False(t, s.Rows[2].Cell(2).Dated, "a number is no date")
	require.False(t, s.Rows[2].Cell(3).Dated, "nor is a sum")
	require.False(t, s.Rows[3].Cell(2).Dated)
	require.Equal(t, "two\nlines", s.Rows[3].Cell(3).Text)
	require.Equal(t, "a formula without its value", s.Rows[3].Cell(4).Doubt)
	require.Equal(t, "a mistake of the spreadsheet's, #REF!", s.Rows[3].Cell(5).Doubt)
	require.Zero(t, s.Rows[3].Cell(6))

	_, err = Read("members.xlsx", source, Map{Sheet: "Leer"})
	require.EqualError(t, err, "members.xlsx: expected a row of headings and rows below it, found an empty sheet")
	_, err = Read("members.xlsx", source, Map{Sheet: "Weg"})
	require.ErrorContains(t, err, `expected one of the sheets of members.xlsx (Sheet1, Leer), found "Weg"`)

	source = workbook(t, func(f *excelize.File) { // of a formula there is the value that was kept
		require.NoError(t, f.SetCellFormula("Sheet1", "A1", "1+1"))
		require.NoError(t, f.SetCellValue("Sheet1", "A2", "below"))
		require.NoError(t, f.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: new(true)}))
		require.NoError(t, f.SetCellValue("Sheet1", "B2", time.Date(2023, 9, 14, 0, 0, 0, 0, time.UTC)))
	})
	source = replaced(t, source, "xl/worksheets/sheet1.xml", "<f>1+1</f>", "<f>1+1</f><v>2</v>")
	s, err = Read("kept.xlsx", source, Map{})
	require.NoError(t, err)
	require.Equal(t, Cell{Text: "2"}, s.Rows[0].Cell(0))
	date, at, err = s.Rows[1].Cell(1).When(Unknown)
	require.NoError(t, err)
	require.Equal(t, "2023-09-14", date+at, "of a Macintosh, where days count from 1904")
}

// A number is a date or a time by what it is shown as, in whatever language and
// with whatever words around; a sum in pounds or a number of miles is none.
func TestANumberIsADateByItsLook(t *testing.T) {
	t.Parallel()
	for code, is := range map[string][2]bool{ // half a day, and a day of 2023
		"General": {}, "0.00": {}, "#,##0 [$€-407];[Red]-#,##0 [$€-407]": {}, `"days: "0`: {}, `0\h`: {}, "_-* #,##0_-": {}, "0.0E+00": {}, "@": {},
		"dd.mm.yyyy": {false, true}, "[$-407]d. mmmm yyyy": {false, true}, `yyyy"-"mm`: {false, true}, "[Black]mmm-yy;@": {false, true},
		"h:mm": {true, true}, "[h]:mm": {true, true}, "[ss]": {true, true}, "dd/mm/yyyy hh:mm": {true, true}, "[$-F400]h:mm:ss AM/PM": {true, true},
	} {
		s, err := Read("look.xlsx", workbook(t, func(f *excelize.File) {
			style, err := f.NewStyle(&excelize.Style{CustomNumFmt: &code})
			require.NoError(t, err)
			require.NoError(t, f.SetSheetRow("Sheet1", "A1", &[]any{0.5, 45123}))
			require.NoError(t, f.SetCellStyle("Sheet1", "A1", "B1", style))
		}), Map{})
		require.NoError(t, err)
		require.Equal(t, is, [2]bool{s.Rows[0].Cell(0).Dated, s.Rows[0].Cell(1).Dated}, code)
	}
	source := workbook(t, func(f *excelize.File) {
		day, err := f.NewStyle(&excelize.Style{NumFmt: 14})
		require.NoError(t, err)
		for cell, v := range map[string]any{"A1": 45123, "B1": "45123", "C1": 12, "D1": -45123} {
			require.NoError(t, f.SetCellValue("Sheet1", cell, v))
			require.NoError(t, f.SetCellStyle("Sheet1", cell, cell, day))
		}
	})
	s, err := Read("days.xlsx", source, Map{})
	require.NoError(t, err)
	require.Equal(t, []Cell{{Text: "45123", Days: 45123, Dated: true}, {Text: "45123"}, {Text: "12"}, {Text: "-45123"}}, s.Rows[0].Cells)
}

// replaced puts new for old in one part of a workbook.
func replaced(t testing.TB, source []byte, part, old, new string) []byte {
	z, err := zip.NewReader(bytes.NewReader(source), int64(len(source)))
	require.NoError(t, err)
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range z.File {
		r, err := f.Open()
		require.NoError(t, err)
		var content bytes.Buffer
		_, err = content.ReadFrom(r)
		require.NoError(t, err)
		out, err := w.Create(f.Name)
		require.NoError(t, err)
		text := content.String()
		if f.Name == part {
			require.Contains(t, text, old)
			text = strings.Replace(text, old, new, 1)
		}
		_, err = out.Write([]byte(text))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

func TestWhatIsNoSpreadsheetIsRefused(t *testing.T) {
	t.Parallel()
	plain := workbook(t, func(f *excelize.File) { require.NoError(t, f.SetCellValue("Sheet1", "A1", "x")) })
	const data = "<sheetData>"
	within := func(xml string) []byte { return replaced(t, plain, "xl/worksheets/sheet1.xml", data, data+xml) }
	var bomb bytes.Buffer
	w := zip.NewWriter(&bomb)
	_, err := w.CreateRaw(&zip.FileHeader{Name: "xl/worksheets/sheet1.xml", Method: zip.Deflate, UncompressedSize64: 80 << 20})
	require.NoError(t, err)
	require.NoError(t, w.Close())
	for name, c := range map[string]struct {
		source []byte
		want   string
	}{
		"nothing":             {nil, "f: expected a row of headings and rows below it, found an empty sheet"},
		"blanks":              {[]byte(" ; \n\n;"), "f: expected a row of headings and rows below it, found an empty sheet"},
		"17 MB":               {make([]byte, MaxFile+1), "f: expected at most 16 MB, found 16: split it, or leave out what is not needed"},
		"an old workbook":     {[]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), "f: expected a workbook (.xlsx) or text (.csv), found an old workbook (.xls) or one with a password: save it as .xlsx without a password"},
		"a program":           {[]byte("\x7fELF\x01\x00\x00"), "f: expected text, found what no spreadsheet exports: is this a .csv or .xlsx file?"},
		"neither encoding":    {[]byte("a\nb\x81c\xff"), "f: expected text in UTF-8 or Windows-1252, found a byte that is neither in line 2 of the text: save the file again with the encoding UTF-8"},
		"a quotation mark":    {[]byte("a;b\nc;\"d"), "f, row 2: expected quotation marks only around a whole cell, and two for each within it"},
		"too many columns":    {[]byte(strings.Repeat("a;", 300) + "a"), "f, row 1: expected at most 200 columns, found 301"},
		"too many rows":       {[]byte(strings.Repeat("a;b\n", 10_001)), "f, row 10001: expected at most 10000 rows: split the file"},
		"too many cells":      {[]byte(strings.Repeat(";;;;;;;;;;\n", 110_000)), "f: expected at most 1000000 cells, found 1100000"},
		"a cell without end":  {[]byte("a;b\n\"" + strings.Repeat("x", 200_000) + "\";c"), "f, row 2: expected at most 131072 bytes in a cell, found 200000: is a quotation mark missing?"},
		"a bomb":              {bomb.Bytes(), "f: expected at most 64 MB when it is unpacked: this is no spreadsheet of a programme"},
		"a torn workbook":     {plain[:len(plain)/2], "f: expected a workbook (.xlsx), found a file that is cut off or damaged"},
		"another archive":     {replacedName(t), "f: expected a workbook (.xlsx), found one that cannot be read: open it and save it again"},
		"a row without end":   {within(`<row r="1">` + strings.Repeat(`<c r="A1"/>`, 1000) + `</row>`), "f: expected at most 1000000 cells, 200 in a row: this is no spreadsheet of a programme"},
		"a text without end":  {within(`<row r="1"><c r="A1" t="inlineStr"><is><t>` + strings.Repeat("x", 200_000) + `</t></is></c></row>`), "f: expected at most 131072 bytes in a cell"},
		"a malformed sheet":   {within(`<row r="1"><c r="A1"><v>1</c></row>`), "f: expected a workbook (.xlsx), found one that is cut off or damaged: open it and save it again"},
		"a string of no kind": {within(`<row r="1"><c r="A1" t="s"><v>-1</v></c></row>`), "f: expected a workbook (.xlsx), found one that cannot be read: open it and save it again"},
	} {
		_, err := Read("f", c.source, Map{})
		require.ErrorContains(t, err, c.want, name)
	}
}

func replacedName(t testing.TB) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	part, err := w.Create("holiday.txt")
	require.NoError(t, err)
	_, err = part.Write([]byte("photos"))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

func TestDatesAreReadOrAsked(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2017-06-05": "2017-06-05", "2017-06-05 18:00": "2017-06-05T18:00", "2017-06-05T18:00:30": "2017-06-05T18:00:30",
		"05.06.2017": "2017-06-05", "5.6.2017, 18.00 Uhr": "2017-06-05T18:00", "16/05/2017": "2017-05-16", "05/16/2017 6:30 PM": "2017-05-16T18:30",
		"16-05-2017": "2017-05-16", "05/05/2017": "2017-05-05", "2017/06/05": "2017-06-05", "5. Juni 2017": "2017-06-05", "Montag, 5. Juni 2017 um 9:30 Uhr": "2017-06-05T09:30",
		"5 June 2017": "2017-06-05", "Monday 5 June 2017": "2017-06-05", "June 5, 2017": "2017-06-05", "5th Jun 2017 at 12 am": "2017-06-05T00:00", "1. März 2017": "2017-03-01",
		"05/06/2017": "?may be 5 June 2017 or 6 May 2017", "5.6.17": "?whole year", "31.02.2017": "?no such date", "45123": "?found the number 45123",
		"soon": "?expected a date", "2017": "?found the number 2017", "05.06.2017 tea": "?a time after it", "": "?expected a date", "2017-06-05T18:00:00Z": "?one with a zone",
		"0005-1-1": "0005-01-01", "123/4/5678": "?expected a date", "2017-13-01": "?no such date", "2017-06-05 25:00": "?a time after it",
	} {
		date, at, err := Cell{Text: text}.When(Unknown)
		if want, ask := strings.CutPrefix(want, "?"); ask {
			require.ErrorContains(t, err, want, text)
			continue
		}
		require.NoError(t, err, text)
		if at != "" {
			date += "T" + at
		}
		require.Equal(t, want, date, text)
	}
	for order, want := range map[Order]string{DayMonth: "2017-06-05", MonthDay: "2017-05-06"} {
		date, _, err := Cell{Text: "05/06/2017"}.When(order)
		require.NoError(t, err)
		require.Equal(t, want, date)
	}
	column := func(texts ...string) (cells []Cell) {
		for _, text := range texts {
			cells = append(cells, Cell{Text: text})
		}
		return cells
	}
	require.Equal(t, DayMonth, OrderOf(column("05/06/2017", "16/06/2017", "x")))
	require.Equal(t, MonthDay, OrderOf(column("05/06/2017", "6/16/2017")))
	require.Equal(t, Unknown, OrderOf(column("16/06/2017", "6/16/2017")), "they contradict each other")
	require.Equal(t, Unknown, OrderOf(column("05/06/2017", "16.06.2017", "2017-06-16")))
}

func TestLengthsAndNumbersAreReadOrAsked(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, unit, want string }{
		{"90", "minutes", "90"}, {"90 min", "", "90"}, {"90 Minuten", "hours", "90"}, {"1:30", "", "90"}, {"1:30 h", "", "90"},
		{"1,5", "hours", "90"}, {"1.5 h", "minutes", "90"}, {"2 Std.", "", "120"}, {"1,0", "hours", "60"}, {"90,0", "minutes", "90"}, {"90", "", "90"},
		{"2", "minutes", "2"}, {"2", "", "?may be minutes or hours"}, {"1,500", "minutes", "?may be 1500 or a fraction"}, {"0,75", "hours", "45"}, {"0,125", "hours", "?whole minutes"},
		{"90.5", "minutes", "?whole minutes"}, {"about an hour", "", "?expected a number"}, {"1:75", "", "?expected a length"}, {"2 days", "", "?expected a length"}, {"-5", "minutes", "?expected a number"},
		{"", "minutes", "?expected a number"}, {"1:5", "", "?expected a length"},
	} {
		n, err := Cell{Text: c.text}.Minutes(c.unit)
		if want, ask := strings.CutPrefix(c.want, "?"); ask {
			require.ErrorContains(t, err, want, c.text)
			continue
		}
		require.NoError(t, err, c.text)
		require.Equal(t, c.want, fmt.Sprint(n), c.text)
	}
	for text, want := range map[string]string{"18:00": "18:00", "9.05": "09:05", "6 pm": "18:00", "12:15 AM": "00:15", "18 Uhr": "18:00", "18": "?", "25:00": "?", "13:00 pm": "?", "noon": "?"} {
		at, err := Cell{Text: text}.Clock()
		require.Equal(t, want == "?", err != nil, text)
		require.Equal(t, strings.TrimPrefix(want, "?"), at, text)
	}
	n, err := Cell{Text: "3,0"}.Whole()
	require.NoError(t, err)
	require.Equal(t, 3, n)
	for _, text := range []string{"", "x", "2.5", "1e9"} {
		_, err := Cell{Text: text}.Whole()
		require.Error(t, err, text)
	}
	doubtful := Cell{Text: "90", Doubt: "a formula without its value"}
	_, _, when := doubtful.When(DayMonth)
	_, minutes := doubtful.Minutes("minutes")
	_, clock := doubtful.Clock()
	_, whole := doubtful.Whole()
	for _, err := range []error{when, minutes, clock, whole} {
		require.EqualError(t, err, doubtful.Doubt)
	}
	require.Equal(t, []string{"A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"}, []string{Column(0), Column(25), Column(26), Column(51), Column(52), Column(701), Column(702)})
}

var fields = []Field{{Field: "name", Words: []string{"teilnehmer"}}, {Field: "email", Words: []string{"e mail"}}, {Field: "date", Words: []string{"datum"}}}

func TestColumnsAreFoundByTheirHeadings(t *testing.T) {
	t.Parallel()
	read := func(text string, m Map) (*Reading, error) {
		s, err := Read("l.csv", []byte(text), m)
		require.NoError(t, err)
		return Understand(s, fields, m)
	}
	parsed := func(source string) Map {
		m, err := ParseMap("m.yaml", []byte(source))
		require.NoError(t, err)
		return m
	}
	x, err := read("Unsere Liste;;;\nE-Mail:;TEILNEHMER;Telefon;Datum\na@x;Ann;1;05/06/2017\n;Ben;2;16/06/2017\n", Map{})
	require.NoError(t, err)
	require.Equal(t, 2, x.Header.Number)
	require.Equal(t, []Found{{"email", "E-Mail:", 0}, {"name", "TEILNEHMER", 1}, {"date", "Datum", 3}}, x.Columns)
	require.Equal(t, []string{"C Telefon"}, x.Unused)
	require.Equal(t, DayMonth, x.Order("date"))
	require.Equal(t, "Datum", x.Heading("date"))
	require.Equal(t, "Ann", x.Cell(x.Rows[0], "name").Text)
	require.Empty(t, x.Cell(x.Rows[1], "email").Text)

	m := parsed("columns: {name: Wer}\nset: {email: none}\nvalues: {name: {ann: Anna}}\ndates: month-day\n")
	x, err = read("Wer;Name;Datum\nAnn;x;05/06/2017\n", m)
	require.NoError(t, err)
	require.Equal(t, []string{"B Name"}, x.Unused)
	require.Equal(t, "Anna", x.Cell(x.Rows[0], "name").Text)
	require.Equal(t, "none", x.Cell(x.Rows[0], "email").Text)
	require.Equal(t, MonthDay, x.Order("date"))

	// Two columns of one heading, and one without, are told apart by their names;
	// what a map says is nobody's is not guessed.
	x, err = read("Datum;;Datum;E-Mail\n1;Ann;5.6.2017;a@x\n", parsed("columns: {date: '#C', name: '#b', email: ''}"))
	require.NoError(t, err)
	require.Equal(t, []Found{{"name", "", 1}, {"date", "Datum", 2}}, x.Columns)
	require.Equal(t, []string{"A Datum", "D E-Mail"}, x.Unused)

	for name, c := range map[string]struct{ text, source, want string }{
		"no headings":     {"1;2\n3;4", "{}", `l.csv, row 1: expected a row of headings, such as "name", "email", "date"; found "1", "2"`},
		"two columns":     {"Name;E-Mail;e-mail\n1;2;3", "{}", `l.csv, row 1: expected one column for email, found two, B "E-Mail" and C "e-mail": say which with a map`},
		"no such field":   {"Name\n1", "columns: {nmae: Name}", "m.yaml:1:17: unknown field nmae; did you mean name?"},
		"no such heading": {"Name;Ort\n1;2", "columns:\n  email: Mail", `m.yaml:2:10: expected a heading of l.csv, "Name", "Ort"; found "Mail"`},
		"no such line":    {"Name\n1", "header: 7", "m.yaml:1:9: expected the row of the headings, found row 7 empty or not there"},
		"set, unknown":    {"Name\n1", "set: {colour: red}", "unknown field colour"},
	} {
		_, err := read(c.text, parsed(c.source))
		require.ErrorContains(t, err, c.want, name)
	}
	for source, want := range map[string]string{
		"dates: american":          "m.yaml:1:8: expected day-month or month-day, found \"american\"",
		"separator: '\"'":          "m.yaml:1:12: expected one sign, such as \";\", or tab",
		"header: -1":               "m.yaml:1:9: expected the row of the headings",
		"colums: {name: Name}":     "m.yaml:1:1: unknown field colums; did you mean columns?",
		"set: {capacity: 2}":       "m.yaml:1:17: expected text, found a whole number: put it in quotes, \"2\"",
		"columns: [name]":          "expected fields, found a list",
		"columns:\n  name: {a: b}": "m.yaml:2:9: expected text, found fields",
	} {
		_, err := ParseMap("m.yaml", []byte(source))
		require.ErrorContains(t, err, want, source)
	}
	_, err = Read("l.csv", []byte("a;b"), parsed("encoding: EBCDIC"))
	require.ErrorContains(t, err, `m.yaml:1:11: expected UTF-8, UTF-16 or Windows-1252, found "EBCDIC"`)
}

// How a heading is written does not matter; what it says does.
func TestAHeadingIsKnownHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	list := []Field{
		{Field: "email", Words: []string{"e mail adresse"}}, {Field: "handle", Words: []string{"kürzel"}}, {Field: "mentor", Words: []string{"mentorin", "mentorinnen"}},
		{Field: "minutes", Words: []string{"dauer", "dauer min", "dauer in minuten"}}, {Field: "time", Words: []string{"uhrzeit"}}, {Field: "date", Words: []string{"datum"}},
	}
	for field, headings := range map[string][]string{
		"email":   {"Email", "eMail", "E-MAIL:", "E-Mail *", "E-Mail-Adresse", "E-Mailadresse", "Email Adresse", "E-Mail (Pflichtfeld)", " E‑Mail\u00a0Adresse "},
		"handle":  {"Kürzel", "KÜRZEL", "Ku\u0308rzel", "Kuerzel:"},
		"mentor":  {"Mentor", "MENTOR", "Mentorin", "Mentor*in", "Mentor:in", "Mentor/in", "Mentor/-in", "Mentor_in", "Mentor(in)", "MentorIn", "Mentor·in", "Mentor:innen", "Mentor*innen", "MentorInnen", "Mentor/-innen"},
		"minutes": {"Dauer", "Dauer (Min.)", "Dauer [min]", "Dauer/Min.", "Dauer (in Minuten)", "Dauer in Minuten*"},
		"time":    {"Uhrzeit (Uhr)", "Uhrzeit [hh:mm]", "Uhrzeit (HH:MM Uhr)"},
		"date":    {"Datum (TT.MM.JJJJ)", "Datum (TT.MM.JJ)", "Datum [JJJJ-MM-TT]", "Datum (dd/mm/yyyy)", "datum (optional)"},
		"":        {"Dauer (Tage)", "Dauer (Std.)", "E-Mail (privat)", "Mentor (Museum)", "Mentoring", "Uhr", "(optional)", "*", "Kurzel"},
	} {
		for _, heading := range headings {
			s, err := Read("l.csv", []byte("\""+heading+"\";Nr\n1;1\n"), Map{})
			require.NoError(t, err)
			require.Equal(t, field, Guess(s, list, Map{}).Shown()[0].Field, heading)
		}
	}
}

// Before anybody has said what the columns are, as much is told as can be.
func TestColumnsAreShownBeforeTheyAreUnderstood(t *testing.T) {
	t.Parallel()
	read := func(text string, m Map) *Reading {
		s, err := Read("l.csv", []byte(text), m)
		require.NoError(t, err)
		return Guess(s, fields, m)
	}
	x := read("Wer;;Quand\nAnn;a@x;5.6.2017\n;=1;\nBen;b@x\nCem\nDora\n", Map{})
	require.Equal(t, []Shown{
		{"A", "Wer", []string{"Ann", "Ben", "Cem"}, ""}, {"B", "", []string{"a@x", "a formula without its value", "b@x"}, ""}, {"C", "Quand", []string{"5.6.2017"}, ""},
	}, x.Shown())
	x = read("Liste;\nName;name;Datum\nAnn;;1\n", Map{Columns: map[string]string{"date": "#A"}, Header: 2})
	require.Equal(t, []string{"date", "name", ""}, []string{x.Shown()[0].Field, x.Shown()[1].Field, x.Shown()[2].Field})
	require.Equal(t, 2, x.Header.Number)
	x = read("Name;Datum\nOnline;1\nzoom;2\nZoom;3\n;4\n", Map{})
	require.Equal(t, []string{"zoom"}, x.Strange(Field{Field: "name", Choices: []string{"online"}}))
	require.Empty(t, x.Strange(Field{Field: "email", Choices: []string{"online"}}))
}

// Where no heading is known the first row that is as full as the others is that
// of the headings, and a column may be known by what stands in it: by all of it,
// and if no other could be meant.
func TestAColumnIsSuggestedByWhatStandsInIt(t *testing.T) {
	t.Parallel()
	like := func(c Cell) bool { return strings.Contains(c.Text, "@") }
	guess := func(text string, m Map) string {
		s, err := Read("l.csv", []byte(text), m)
		require.NoError(t, err)
		x := Guess(s, []Field{{Field: "email", Like: like}}, m)
		return fmt.Sprint(x.Header.Number, x.Columns)
	}
	require.Equal(t, "3 [{email Kontakt 1}]", guess("Bewerbungen;;\n\nWer;Kontakt;Haus\nAnn;a@x;M\nBen;;M\n", Map{}))
	require.Equal(t, "1 []", guess("Wer;Kontakt;Haus\nAnn;a@x;M\nBen;none;M\n", Map{}))
	require.Equal(t, "1 []", guess("Wer;Kontakt;Kontakt 2\nAnn;a@x;a@y\n", Map{}))
	require.Equal(t, "1 []", guess("Wer;Kontakt\nAnn;a@x\n", Map{Columns: map[string]string{"email": ""}}), "once something was said")
	require.Equal(t, "1 []", guess("Wer;Kontakt\nAnn;a@x\n", Map{Set: map[string]string{"email": "b@x"}}))
}

// Whatever bytes come, they are read or refused.
func FuzzRead(f *testing.F) {
	f.Add([]byte("Name;Datum\nÄnne;05/06/2017\n"))
	f.Add([]byte("From: a@b\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nName: =C4\r\n--x--"))
	f.Add([]byte("sep=,\n\"a\",=1\r\n"))
	f.Add([]byte("\xff\xfea\x00;\x00"))
	f.Add(workbook(f, func(x *excelize.File) {
		require.NoError(f, x.SetCellValue("Sheet1", "A1", "Name"))
		require.NoError(f, x.SetCellValue("Sheet1", "B2", 45123.5))
		require.NoError(f, x.SetCellFormula("Sheet1", "C2", "1+1"))
	}))
	f.Fuzz(func(t *testing.T, source []byte) {
		if _, err := Read("f.eml", source, Map{}); err != nil {
			require.ErrorContains(t, err, "f.eml")
		}
		s, err := Read("f", source, Map{})
		if err != nil {
			return
		}
		require.NotEmpty(t, s.Rows)
		for _, r := range s.Rows {
			for _, c := range r.Cells {
				_, _, _ = c.When(DayMonth)
				_, _ = c.Clock()
				_, _ = c.Minutes("")
				_, _ = c.Whole()
			}
		}
	})
}
