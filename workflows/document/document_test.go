package document_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/workflows/document"
)

func TestADocumentIsOneAndPlain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, source, want string }{
		{"empty", "", "d.yaml: expected one YAML document"},
		{"blank", " \n\n", "d.yaml: expected one YAML document"},
		{"a comment", "# later", "d.yaml: expected one YAML document"},
		{"two", "a: 1\n---\nb: 2", "d.yaml: expected one YAML document"},
		{"two mappings' key", "a: b: c", "d.yaml:1:4: mapping value is not allowed in this context\n    a: b: c\n       ^"},
		{"an anchor", "a: &x 1\nb: *x", "d.yaml:1:4: expected plain values: anchors and aliases are not taken\n    a: &x 1\n       ^"},
		{"a key twice", "a: 1\na: 2", "d.yaml:2:1: mapping key \"a\" already defined at [1:1]\n    a: 2\n    ^"},
		{"more than a mebibyte", "a: " + strings.Repeat("x", 1<<20), "d.yaml: expected at most 1048576 bytes, found 1048579"},
		{"Latin-1", "a: 1\nb: né M\xfcller\n", "d.yaml:2:8: expected text in UTF-8, found the byte 0xFC, which is ü in Latin-1; save the file again with the encoding UTF-8\n    b: né M\ufffdller\n           ^"},
		{"half a letter", "# \xc3", "d.yaml:1:3: expected text in UTF-8, found the byte 0xC3, which is Ã in Latin-1; save the file again with the encoding UTF-8\n    # \ufffd\n      ^"},
		{"Windows", "a: \x93x\x94", "d.yaml:1:4: expected text in UTF-8, found the byte 0x93; save the file again with the encoding UTF-8\n    a: \ufffdx\ufffd\n       ^"},
		{"UTF-16", "\xff\xfea\x00:\x00", "d.yaml:1:1: expected text in UTF-8, found the byte 0xFF: this is UTF-16; save the file again with the encoding UTF-8\n    \ufffda\x00:\x00\n    ^"},
		{"a tag", "a: !x 1", "d.yaml:1:4: expected plain values: tags are not taken; put text that begins with ! in quotes\n    a: !x 1\n       ^"},
		{"a fraction", "a: 0.5", "d.yaml:1:4: expected a whole number, or text in quotes, found 0.5\n    a: 0.5\n       ^"},
	} {
		_, err := document.Parse("d.yaml", []byte(c.source))
		require.EqualError(t, err, c.want, c.name)
	}
	for name, source := range map[string]string{
		"lists in lists":   strings.Repeat("[", 1<<19) + strings.Repeat("]", 1<<19),
		"lists in a line":  strings.Repeat("- ", 1<<19),
		"fields in fields": strings.Repeat("{a: ", 1<<18),
		"fields in a line": strings.Repeat("a: ", 1<<18),
		"keys":             strings.Repeat("? ", 1<<19),
		"lists and lists":  strings.Repeat("[]", 1<<19),
	} {
		_, err := document.Parse("d.yaml", []byte(source))
		require.ErrorContains(t, err, "this is too much in one line, or too deep", name)
		require.Less(t, len(err.Error()), 1000, name)
	}
}

func TestTheValuesOfAPartAreTakenAsJSON(t *testing.T) {
	t.Parallel()
	doc, err := document.Parse("d.yaml", []byte("with: {a: 1, b: [x, 'y'], c: {d: null}, e: 2024-01-01T09:00, f: true}\nnone:\n"))
	require.NoError(t, err)
	var v struct {
		With document.Node `yaml:"with"`
		None document.Node `yaml:"none"`
		More document.Node `yaml:"more"`
	}
	require.NoError(t, doc.Decode(&v))
	b, err := v.With.JSON()
	require.NoError(t, err)
	require.JSONEq(t, `{"a":1,"b":["x","y"],"c":{"d":null},"e":"2024-01-01T09:00","f":true}`, string(b))
	for source, want := range map[string]string{
		"- |\n  two\n  lines\n- >\n  one\n  line\n": `["two\nlines\n","one line\n"]`,
		`["\"quoted\" \u00e9", 'it''s', plain é]`:   `["\"quoted\" é","it's","plain é"]`,
		"{a: {}, b: [], c: , 1: -1, \"d e\": f}":    `{"a":{},"b":[],"c":null,"1":-1,"d e":"f"}`,
		"a:\n  - b: 1\n    c: 18446744073709551615": `{"a":[{"b":1,"c":18446744073709551615}]}`,
	} {
		doc, err := document.Parse("d.yaml", []byte(source))
		require.NoError(t, err)
		var all document.Node
		require.NoError(t, doc.Decode(&all))
		b, err := all.JSON()
		require.NoError(t, err)
		require.JSONEq(t, want, string(b))
	}
	b, err = v.More.JSON()
	require.NoError(t, err)
	require.JSONEq(t, `{}`, string(b))
	var part struct {
		A int             `json:"a"`
		B json.RawMessage `json:"b"`
		C json.RawMessage `json:"c"`
		E string          `json:"e"`
	}
	require.ErrorContains(t, doc.DecodeNode(v.With, &part), "d.yaml:1:62: unknown field f")
	require.Error(t, doc.DecodeNode(v.More, &part))
}

func TestAnErrorIsPutAtTheNearestThingThatIsThere(t *testing.T) {
	t.Parallel()
	doc, err := document.Parse("d.yaml", []byte("calls:\n  - form: {a: 1}\n"))
	require.NoError(t, err)
	for path, want := range map[string]string{
		"calls[0].form.a":       "d.yaml:2:15: x",
		"calls[0].form.version": "d.yaml:2:",
		"calls[0].role":         "d.yaml:2:",
		"calls[7].role":         "d.yaml:",
		"nothing[0].there":      "d.yaml:1:",
	} {
		require.ErrorContains(t, doc.AtPath(path, "x"), want, path)
	}
	long, err := document.Parse("d.yaml", []byte("a: {b: "+strings.Repeat("é", 200)+", c: 1}"))
	require.NoError(t, err)
	text := doc.AtPath("calls", "x").Error()
	require.Contains(t, text, "\n")
	lines := strings.Split(long.AtPath("a.c", "x").Error(), "\n")
	require.Less(t, len([]rune(lines[1])), 120)
	require.Equal(t, 45, strings.Index(lines[2], "^"), "the caret is under what is shown")
}
