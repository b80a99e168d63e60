// Package document reads the YAML that people write, definitions and
// rehearsals, strictly: no unknown fields, no duplicate keys, no aliases, one
// document. Whatever is wrong is told with file, line, column and a caret.
package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/daybook-engine/daybook/domain/schema"
)

// maxSize is far above any programme, and below what would keep a reader
// busy.
const maxSize = 1 << 20

// An Error is a place in a document and what is wrong there.
type Error struct {
	File         string
	Line, Column int // from 1; 0 when the whole document is meant
	Text         string
	Source       string // the line
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Text
	}
	// The line is shown as it stands, cut where it is too long to help.
	source, caret := e.Source, e.Column-1
	if caret > 60 {
		source, caret = "…"+source[min(caret-40, len(source)):], 41
	}
	if r := []rune(source); len(r) > 100 {
		source = string(r[:100]) + "…"
	}
	return fmt.Sprintf("%s:%d:%d: %s\n    %s\n    %s^", e.File, e.Line, e.Column, e.Text, source, strings.Repeat(" ", max(caret, 0)))
}

// A Document is a parsed file.
type Document struct {
	name  string
	lines []string
	file  *ast.File
}

// Parse reads a file's syntax.
func Parse(name string, source []byte) (_ *Document, err error) {
	defer guard(name, &err)
	if len(source) > maxSize {
		return nil, &Error{File: name, Text: fmt.Sprintf("expected at most %d bytes, found %d", maxSize, len(source))}
	}
	source = bytes.TrimPrefix(source, []byte("\ufeff")) // which some editors put first
	d := &Document{name: name, lines: strings.Split(string(source), "\n")}
	if err := d.encoding(); err != nil {
		return nil, err
	}
	tokens := lexer.Tokenize(string(source))
	if err := d.check(tokens); err != nil {
		return nil, err
	}
	file, err := parser.Parse(tokens, 0)
	if err != nil {
		return nil, d.Explain(err)
	}
	d.file = file
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		return nil, &Error{File: name, Text: "expected one YAML document"}
	}
	var found *Error
	ast.Walk(visitor(func(n ast.Node) {
		switch n.(type) {
		case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode:
			if found == nil {
				found = d.At(n, "expected plain values: anchors and aliases are not taken")
			}
		}
	}), file.Docs[0].Body)
	if found != nil {
		return nil, found
	}
	return d, nil
}

// encoding tells of the first byte that is not UTF-8: it would be kept as
// another letter than was written, for ever.
func (d *Document) encoding() error {
	for i, line := range d.lines {
		if utf8.ValidString(line) {
			continue
		}
		at := 0
		for {
			r, size := utf8.DecodeRuneInString(line[at:])
			if r == utf8.RuneError && size == 1 {
				break
			}
			at += size
		}
		found := fmt.Sprintf("the byte 0x%X", line[at])
		switch rest := line[at:]; {
		case i == 0 && at == 0 && (strings.HasPrefix(rest, "\xff\xfe") || strings.HasPrefix(rest, "\xfe\xff")):
			found += ": this is UTF-16"
		case line[at] >= 0xa0:
			found += fmt.Sprintf(", which is %c in Latin-1", rune(line[at]))
		}
		return &Error{
			File: d.name, Line: i + 1, Column: utf8.RuneCountInString(line[:at]) + 1, Source: strings.ToValidUTF8(line, "\ufffd"),
			Text: "expected text in UTF-8, found " + found + "; save the file again with the encoding UTF-8",
		}
	}
	return nil
}

// Has tells whether the document itself has a field.
func (d *Document) Has(field string) bool {
	fields, _ := fieldsOf(d.file.Docs[0].Body)
	return slices.ContainsFunc(fields, func(f *ast.MappingValueNode) bool { return name(f) == field })
}

// What nobody writes by hand, and what would keep the parser busy: its time
// grows with the square of both.
const (
	maxDepth = 32   // lists and fields in brackets within each other, or opened in one line
	maxLine  = 4096 // words and signs in one line
)

// check refuses what is no part of the form before it is parsed.
func (d *Document) check(tokens token.Tokens) error {
	line, inLine, opened, depth := 0, 0, 0, 0
	for _, t := range tokens {
		if t.Position.Line != line {
			line, inLine, opened = t.Position.Line, 0, 0
		}
		inLine++
		switch t.Type {
		case token.AnchorType, token.AliasType:
			return d.at(t, "expected plain values: anchors and aliases are not taken")
		case token.TagType:
			return d.at(t, "expected plain values: tags are not taken; put text that begins with ! in quotes")
		case token.FloatType, token.InfinityType, token.NanType, token.BinaryIntegerType, token.OctetIntegerType, token.HexIntegerType:
			return d.at(t, "expected a whole number, or text in quotes, found "+t.Value)
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		case token.SequenceEntryType, token.MappingKeyType:
			opened++
		}
		if inLine > maxLine || opened > maxDepth || depth > maxDepth {
			return d.at(t, "expected something simpler: this is too much in one line, or too deep")
		}
	}
	return nil
}

type visitor func(ast.Node)

func (v visitor) Visit(n ast.Node) ast.Visitor { v(n); return v }

// Decode puts the document into v, whose fields it must match. Its error joins
// everything that does not.
func (d *Document) Decode(v any) (err error) {
	defer guard(d.name, &err)
	return d.decode(d.file.Docs[0].Body, v)
}

// DecodeNode is Decode for a part of the document, by way of JSON: there may be
// thousands of parts, and that takes a third of the time.
func (d *Document) DecodeNode(n Node, v any) (err error) {
	defer guard(d.name, &err)
	if n.Node == nil {
		return &Error{File: d.name, Text: "expected fields where nothing is"}
	}
	if err := d.misfits(n.Node, reflect.TypeOf(v)); err != nil {
		return err
	}
	text, err := n.JSON()
	if err == nil {
		err = schema.Unmarshal(text, v)
	}
	if err != nil {
		return d.At(n, "%v", err)
	}
	return nil
}

func (d *Document) decode(n ast.Node, v any) error {
	if err := d.misfits(n, reflect.TypeOf(v)); err != nil {
		return err
	}
	if err := yaml.NodeToValue(n, v, yaml.Strict()); err != nil {
		return d.Explain(err)
	}
	return nil
}

// DecodeRest is Decode for a document that does not match: it puts into v what
// does, and lists the fields of which something could not be read. The document is
// changed by that, and good for nothing but telling where something is. False
// means that nothing more can be told.
func (d *Document) DecodeRest(v any) (lost []string, ok bool) {
	body := d.file.Docs[0].Body
	err := errors.New("no fields")
	func() {
		defer guard(d.name, &err)
		if mend(body, reflect.TypeOf(v), "", &lost) {
			err = yaml.NodeToValue(body, v, yaml.Strict())
		}
	}()
	return lost, err == nil
}

// guard makes an error of a panic: the YAML package has them for some
// documents that are not YAML.
func guard(name string, err *error) {
	if p := recover(); p != nil {
		*err = &Error{File: name, Text: fmt.Sprintf("expected YAML, found what cannot be read (%v)", p)}
	}
}

// At is an error at a node.
func (d *Document) At(n ast.Node, format string, args ...any) *Error {
	return d.at(first(n), fmt.Sprintf(format, args...))
}

// AtPath is an error at a field, named as in calls[0].form.version, or at the
// nearest thing around it that is there.
func (d *Document) AtPath(path, format string, args ...any) *Error {
	text := fmt.Sprintf(format, args...)
	for p := path; p != ""; p = p[:max(strings.LastIndexAny(p, ".["), 0)] {
		found, err := yaml.PathString("$." + p)
		if err != nil {
			continue
		}
		if n, err := found.FilterFile(d.file); err == nil && n != nil {
			return d.at(first(n), text)
		}
	}
	return d.at(first(d.file.Docs[0].Body), text)
}

var index = regexp.MustCompile(`\[\d+\]`)

// FromOne is a path as people are told it: what AtPath counts from 0 is counted
// from 1.
func FromOne(path string) string {
	return index.ReplaceAllStringFunc(path, func(at string) string {
		n, err := strconv.Atoi(at[1 : len(at)-1])
		if err != nil {
			return at // more than there can be
		}
		return "[" + strconv.Itoa(n+1) + "]"
	})
}

// AtWord is AtPath, at a word in the text of that field: text may be several
// lines long. Where the word does not stand there as it was read, because it is
// broken or written in signs for others, it is at the field.
func (d *Document) AtWord(path, word, format string, args ...any) *Error {
	e := d.AtPath(path, format, args...)
	from := max(e.Column-1, 0)
	for line := e.Line; word != "" && line > 0 && line <= len(d.lines); line++ {
		source := []rune(d.lines[line-1])
		if before, _, ok := strings.Cut(string(source[min(from, len(source)):]), word); ok {
			e.Line, e.Column, e.Source = line, from+utf8.RuneCountInString(before)+1, d.lines[line-1]
			break
		}
		from = 0
	}
	return e
}

func (d *Document) at(t *token.Token, text string) *Error {
	e := &Error{File: d.name, Text: text}
	if t != nil && t.Position != nil {
		e.Line, e.Column = t.Position.Line, t.Position.Column
		if e.Line >= 1 && e.Line <= len(d.lines) {
			e.Source = d.lines[e.Line-1]
		}
	}
	return e
}

// Explain puts an error of decoding at its place.
func (d *Document) Explain(err error) error {
	var at yaml.Error
	if errors.As(err, &at) {
		return d.at(at.GetToken(), at.GetMessage())
	}
	return &Error{File: d.name, Text: err.Error()}
}

// A Node is a part of a document that is read later, by whoever knows its
// form.
type Node struct{ ast.Node }

// UnmarshalYAML keeps the node.
func (n *Node) UnmarshalYAML(node ast.Node) error {
	n.Node = node
	return nil
}

// JSON gives the node's value as JSON; an absent node is an empty object.
func (n Node) JSON() (json.RawMessage, error) {
	if n.Node == nil {
		return json.RawMessage("{}"), nil
	}
	return appendJSON(nil, n.Node)
}

func appendJSON(b []byte, n ast.Node) ([]byte, error) {
	var err error
	if fields, ok := fieldsOf(n); ok {
		b = append(b, '{')
		for i, f := range fields {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(schema.Quote(b, name(f)), ':')
			if b, err = appendJSON(b, f.Value); err != nil {
				return nil, err
			}
		}
		return append(b, '}'), nil
	}
	switch n := n.(type) {
	case *ast.SequenceNode:
		b = append(b, '[')
		for i, item := range n.Values {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = appendJSON(b, item); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	case *ast.StringNode:
		return schema.Quote(b, n.Value), nil
	case *ast.LiteralNode:
		return schema.Quote(b, n.Value.Value), nil
	case *ast.IntegerNode:
		return fmt.Append(b, n.Value), nil
	case *ast.BoolNode:
		return strconv.AppendBool(b, n.Value), nil
	case *ast.NullNode:
		return append(b, "null"...), nil
	}
	return nil, fmt.Errorf("expected plain values, found %s", found(n))
}
