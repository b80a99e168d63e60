package sheet

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
)

// mostParts and deepest bound what is looked at of one mail.
const (
	mostParts = 100
	deepest   = 8
)

// mail reads an e-mailed form, as mail programs save a mail (.eml): a spreadsheet
// that it brings, or else the lines of its text that say "Label: value", as one
// row. Beside stand its sender, and when it was received.
//
// That is what the last Received line says, the topmost: the server put it there
// that took the mail for whoever saved it. The ones below it and the Date are
// the sender's side's own words, and nobody's proof; a mail without a Received
// line was never received, and its row is put to a person.
func (s *Sheet) mail(source []byte, m Map) error {
	wrong := func(format string, args ...any) error {
		return &Error{File: s.File, Text: fmt.Sprintf(format, args...)}
	}
	letter, err := mail.ReadMessage(bytes.NewReader(source))
	if err != nil {
		return wrong("expected a mail as mail programs save it (.eml): save it again, as a file of its own")
	}
	l := &posted{decoder: mime.WordDecoder{CharsetReader: charsetReader}}
	header := letter.Header
	if err := l.part(header.Get, letter.Body, 0); err != nil {
		return wrong("%v", err)
	}
	switch {
	case len(l.sheets) > 1:
		return wrong("expected one spreadsheet in a mail, found %s: save them as files, and bring in each", strings.Join(names(l.sheets), " and "))
	case len(l.sheets) == 1:
		name := s.File
		if err := s.read(l.sheets[0].name, l.sheets[0].content, m); err != nil {
			return err
		}
		s.Form, s.File = "e-mail with "+filepath.Base(l.sheets[0].name)+", "+s.Form, name
	case strings.TrimSpace(l.text) == "":
		return wrong("expected a mail with a form in plain text, or with a spreadsheet; found neither")
	default:
		s.Form = "e-mail"
		if err := s.form(l.text); err != nil {
			return err
		}
	}
	s.Beside = map[string]Cell{"received": {Doubt: "the mail has no Received line, so nobody but its sender says when that was; say it for all rows"}}
	if received, err := receivedAt(header); err == nil {
		s.Beside["received"] = Cell{Text: received.Format(time.RFC3339), At: received}
		s.Form += ", received " + received.Format("2 January 2006 15:04 -0700")
	}
	s.Claimed = true
	parser := mail.AddressParser{WordDecoder: &l.decoder}
	if from, err := parser.Parse(header.Get("From")); err == nil && len(s.Rows) <= 2 { // of more, the sender is not all
		s.Beside["email"] = Cell{Text: from.Address}
		s.Beside["name"] = Cell{Text: tidy(from.Name)}
	}
	return nil
}

// receivedAt is when the last server took a mail.
func receivedAt(h mail.Header) (time.Time, error) {
	lines := h["Received"]
	if len(lines) == 0 {
		return time.Time{}, mail.ErrHeaderNotPresent
	}
	at := strings.LastIndex(lines[0], ";")
	return mail.ParseDate(strings.TrimSpace(lines[0][at+1:]))
}

// A posted is a mail as far as it is read.
type posted struct {
	decoder mime.WordDecoder
	parts   int
	text    string
	sheets  []enclosed
}

type enclosed struct {
	name    string
	content []byte
}

func names(list []enclosed) (names []string) {
	for _, e := range list {
		names = append(names, fmt.Sprintf("%q", e.name))
	}
	return names
}

// part reads a part of a mail, and those within it. Only the first text counts:
// others are the same in another form, or a signature.
func (l *posted) part(header func(string) string, body io.Reader, depth int) error {
	if l.parts++; l.parts > mostParts || depth > deepest {
		return fmt.Errorf("expected a mail of at most %d parts, %d deep", mostParts, deepest)
	}
	kind, params, err := mime.ParseMediaType(header("Content-Type"))
	if err != nil {
		kind, params = "text/plain", nil // as mails are that do not say
	}
	if strings.HasPrefix(kind, "multipart/") {
		for parts := multipart.NewReader(body, params["boundary"]); ; {
			p, err := parts.NextRawPart()
			if err == io.EOF {
				return nil
			} else if err != nil {
				return fmt.Errorf("expected a whole mail, found one that is cut off or damaged")
			}
			if err := l.part(p.Header.Get, p, depth+1); err != nil {
				return err
			}
		}
	}
	disposition, said, _ := mime.ParseMediaType(header("Content-Disposition"))
	name := said["filename"]
	if name == "" {
		name = params["name"]
	}
	if decoded, err := l.decoder.DecodeHeader(name); err == nil {
		name = decoded
	}
	attached := disposition == "attachment" || name != ""
	enclosing := attached && slices.Contains([]string{".xlsx", ".csv", ".tsv", ".txt"}, strings.ToLower(filepath.Ext(name)))
	if !enclosing && (attached || kind != "text/plain" || l.text != "") {
		return nil
	}
	switch strings.ToLower(strings.TrimSpace(header("Content-Transfer-Encoding"))) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	content, err := io.ReadAll(body)
	switch {
	case err != nil:
		return fmt.Errorf("expected a whole mail, found one that is cut off or damaged")
	case enclosing:
		l.sheets = append(l.sheets, enclosed{name, content})
		return nil
	}
	if charset := params["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
		r, err := charsetReader(charset, bytes.NewReader(content))
		if err != nil {
			return err
		}
		if content, err = io.ReadAll(r); err != nil {
			return err
		}
	}
	if !utf8.Valid(content) {
		return fmt.Errorf("expected text in %q, and it is not", params["charset"])
	}
	l.text = string(content)
	return nil
}

// charsetReader reads text in one of the alphabets of Europe and its neighbours;
// everything else has long come in UTF-8.
func charsetReader(charset string, r io.Reader) (io.Reader, error) {
	for _, latin := range []string{"us-ascii", "iso-8859-1"} { // which say less than is meant
		if plain(charset) == plain(latin) {
			charset = "Windows 1252"
		}
	}
	for _, known := range charmap.All {
		if c, ok := known.(*charmap.Charmap); ok && plain(c.String()) == plain(charset) {
			return encoding.Encoding(c).NewDecoder().Reader(r), nil
		}
	}
	return nil, fmt.Errorf("expected text in UTF-8 or another usual encoding, found %q", charset)
}

// labelled is a line that says what it is, and then that.
var labelled = regexp.MustCompile(`^[\pL][^:.!?;,]{0,60}:(?: |\t|$)`)

// signature is the line above one; quoting may have taken its blank.
var signature = regexp.MustCompile(`(?m)^-- ?$`)

// form makes a row of the lines of a text that say what they are. What follows
// without saying so belongs to the one before.
func (s *Sheet) form(text string) error {
	text = signature.Split(strings.ReplaceAll(text, "\r\n", "\n"), 2)[0]
	var labels, values []Cell
	var said []string // the lines of the last label
	end := func() error {
		if len(labels) == 0 {
			return nil
		}
		if len(labels) > maxColumns {
			return &Error{s.File, 1, fmt.Sprintf("expected at most %d labels", maxColumns)}
		}
		value := tidy(strings.Join(said, "\n"))
		if len(value) > maxText {
			return &Error{s.File, 1, fmt.Sprintf("%s: expected at most %d bytes", labels[len(labels)-1].Text, maxText)}
		}
		values = append(values, Cell{Text: value})
		return nil
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \t\n\u00a0")
		if !labelled.MatchString(line) {
			said = append(said, line)
			continue
		}
		if err := end(); err != nil {
			return err
		}
		label, value, _ := strings.Cut(line, ":")
		labels, said = append(labels, Cell{Text: tidy(label)}), []string{value}
	}
	if err := end(); err != nil {
		return err
	}
	s.Rows = []Row{{1, labels}, {2, values}}
	return nil
}
