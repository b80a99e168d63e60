package sheet_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	. "github.com/daybook-engine/daybook/workflows/sheet"
)

const received = "Received: from out.example.org by mx.museum.example (Postfix); Wed, 5 Feb 2031 12:30:10 +0100 (CET)\r\n" +
	"Received: from laptop by out.example.org; Fri, 7 Feb 2031 09:00:00 +0000\r\n" +
	"Date: Tue, 4 Feb 2031 08:00:00 +0000\r\n"

// posted is a mail with a header and a body.
func posted(header, body string) []byte {
	return []byte(received + "From: =?utf-8?q?=C3=84nne?= Berg <Anne@Example.org>\r\n" + header + "\r\n" + strings.ReplaceAll(body, "\n", "\r\n"))
}

func TestAMailIsARow(t *testing.T) {
	t.Parallel()
	body := "Dear all,\n\nhere it comes:\nName: Änne Groß\nYour motives: to learn,\nand to teach.\n\nDatum: 1.1.2031\nhttps://example.org: no label\nEmpty:\nTea?: no label\n-- \nMuseum: of the Salt Road\n"
	latin := strings.NewReplacer("Ä", "\xc4", "ß", "\xdf").Replace(body)
	quoted := strings.NewReplacer("Ä", "=C4", "ß", "=DF").Replace(body)
	for name, mail := range map[string][]byte{
		"plain":     posted("Content-Type: text/plain; charset=utf-8\r\n", body),
		"untyped":   posted("", body),
		"latin":     posted("Content-Type: text/plain; charset=ISO-8859-1\r\n", latin),
		"quoted":    posted("Content-Type: text/plain; charset=\"iso-8859-15\"\r\nContent-Transfer-Encoding: Quoted-Printable\r\n", quoted),
		"base64":    posted("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n", base64.StdEncoding.EncodeToString([]byte(body))),
		"two forms": posted("Content-Type: multipart/alternative; boundary=x\r\n", "--x\nContent-Type: text/plain; charset=utf-8\n\n"+body+"\n--x\nContent-Type: text/html\n\n<b>Name: Eve</b>\n--x--\n"),
		"within":    posted("Content-Type: multipart/mixed; boundary=x\r\n", "--x\nContent-Type: multipart/related; boundary=y\n\n--y\nContent-Type: text/plain; charset=utf-8\n\n"+body+"\n--y--\n--x\nContent-Type: image/png\nContent-Disposition: attachment; filename=a.png\n\nxx\n--x--\n"),
	} {
		s, err := Read("form.EML", mail, Map{})
		require.NoError(t, err, name)
		require.Equal(t, "e-mail, received 5 February 2031 12:30 +0100", s.Form, name)
		x, err := Understand(s, append(fields, Field{Field: "received", Words: []string{"datum"}}, Field{Field: "motives", Words: []string{"your motives"}}), Map{})
		require.NoError(t, err, name)
		require.Len(t, x.Rows, 1)
		at := func(field string) string { return x.Cell(x.Rows[0], field).Text }
		require.Equal(t, "Änne Groß", at("name"), name)
		require.Equal(t, "Anne@Example.org", at("email"), name)
		require.Equal(t, "to learn,\nand to teach.", at("motives"), name)
		require.Equal(t, time.Date(2031, 2, 5, 11, 30, 10, 0, time.UTC), x.Cell(x.Rows[0], "received").At.UTC(), "not the first hop's, nor the Date, nor what the form says")
		require.True(t, x.Aside(x.Rows[0], "email"))
		require.False(t, x.Aside(x.Rows[0], "name"))
		require.Equal(t, []string{"A here it comes", "E Empty"}, x.Unused, "nor the signature")
	}
}

// A spreadsheet in a mail is read as any other, with what the mail says beside.
func TestAMailBringsASpreadsheet(t *testing.T) {
	t.Parallel()
	file := workbook(t, func(f *excelize.File) {
		require.NoError(t, f.SetSheetRow("Sheet1", "A1", &[]any{"Teilnehmer", "Datum"}))
		require.NoError(t, f.SetSheetRow("Sheet1", "A2", &[]any{"Ann", "x"}))
	})
	enclosing := func(name string, content []byte) []byte {
		part := fmt.Sprintf("--x\nContent-Type: application/octet-stream; name=%q\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment\n\n%s\n", name, base64.StdEncoding.EncodeToString(content))
		return posted("Content-Type: multipart/mixed; boundary=x\r\n", "--x\nContent-Type: text/plain\n\nName: Eve\n"+part+"--x--\n")
	}
	s, err := Read("m.eml", enclosing("=?utf-8?q?Anh=C3=A4nge.xlsx?=", file), Map{})
	require.NoError(t, err)
	require.Equal(t, `e-mail with Anhänge.xlsx, workbook, sheet "Sheet1", received 5 February 2031 12:30 +0100`, s.Form)
	require.Equal(t, "m.eml", s.File)
	x, err := Understand(s, fields, Map{})
	require.NoError(t, err)
	require.Equal(t, "Ann", x.Cell(x.Rows[0], "name").Text)
	require.Equal(t, "Anne@Example.org", x.Cell(x.Rows[0], "email").Text)
	s, err = Read("m.eml", enclosing("list.csv", []byte("Teilnehmer;Datum\nAnn;x\nBen;y\n")), Map{})
	require.NoError(t, err)
	require.NotContains(t, s.Beside, "email", "the sender is not both")
	require.Contains(t, s.Beside, "received")

	for name, c := range map[string]struct {
		mail []byte
		want string
	}{
		"none":          {[]byte("no mail at all"), "m.eml: expected a mail as mail programs save it (.eml)"},
		"only pictures": {posted("Content-Type: text/html\r\n", "<b>Name: Eve</b>"), "found neither"},
		"many labels":   {posted("", strings.Repeat("a: b\n", 3000)), "expected at most"},
		"a long text":   {posted("", "a: b\n"+strings.Repeat("x\n", 4<<20)), "expected at most 131072 bytes"},
		"no labels":     {posted("", "Dear all,\nhere I am.\n"), "found an empty sheet"},
		"cut off":       {posted("Content-Type: multipart/mixed; boundary=x\r\n", "--x\nContent-Type: text/plain\n\nName: Eve"), "cut off or damaged"},
		"bad base64":    {posted("Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n", "%%%"), "cut off or damaged"},
		"unknown":       {posted("Content-Type: text/plain; charset=x-klingon\r\n", "Name: Eve"), `found "x-klingon"`},
		"other bytes":   {posted("Content-Type: text/plain; charset=utf-8\r\n", "Name: \xc4nne"), `expected text in "utf-8", and it is not`},
		"a bad sheet":   {enclosing("a.csv", []byte("a;\"b\nc")), "a.csv, row 1: "},
		"two":           {posted("Content-Type: multipart/mixed; boundary=x\r\n", strings.Repeat("--x\nContent-Disposition: attachment; filename=a.csv\n\na;b\n", 2)+"--x--\n"), `expected one spreadsheet in a mail, found "a.csv" and "a.csv"`},
		"many parts":    {posted("Content-Type: multipart/mixed; boundary=x\r\n", strings.Repeat("--x\n\na\n", 200)+"--x--\n"), "at most 100 parts"},
		"deep":          {posted("Content-Type: multipart/mixed; boundary=x0\r\n", deep(20)), "8 deep"},
	} {
		_, err := Read("m.eml", c.mail, Map{})
		require.ErrorContains(t, err, c.want, name)
	}
}

func deep(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "--x%d\nContent-Type: multipart/mixed; boundary=x%d\n\n", i, i+1)
	}
	return b.String()
}

// When nobody but its sender says when a mail was sent, a person does.
func TestAMailThatWasNotReceivedIsPutToAPerson(t *testing.T) {
	t.Parallel()
	for _, header := range []string{"Date: Tue, 4 Feb 2031 08:00:00 +0000\r\n", "Received: from a by b; yesterday\r\n", "Received: nonsense\r\n"} {
		s, err := Read("m.eml", []byte(header+"From: a@example.org\r\n\r\nName: Ann\r\n"), Map{})
		require.NoError(t, err)
		x, err := Understand(s, append(fields, Field{Field: "received"}), Map{Set: map[string]string{}})
		require.NoError(t, err)
		require.Contains(t, x.Cell(x.Rows[0], "received").Doubt, "no Received line")
		x, err = Understand(s, append(fields, Field{Field: "received"}), Map{Set: map[string]string{"received": "2031-02-05 10:00"}})
		require.NoError(t, err)
		require.Equal(t, "2031-02-05 10:00", x.Cell(x.Rows[0], "received").Text)
	}
}
