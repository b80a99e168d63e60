// Package definition reads a programme's definition from the YAML document
// that a coordinator writes: form and meaning are checked before anything is
// published.
package definition

import (
	"cmp"
	_ "embed"
	"errors"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/workflows/document"
)

// Schema is the form of a definition as JSON Schema 2020-12, for editors. It is
// made of the types in domain/programme, by a test. Parse does not need it: it
// checks the same form at its lines and columns, and what it means besides.
//
//go:embed schema.json
var Schema []byte

// Parse reads a definition. Its error joins everything that is wrong, each
// with file, line, column and what was expected: what cannot be read, and then
// what is wrong with the rest.
func Parse(name string, source []byte) (programme.Definition, error) {
	var d programme.Definition
	doc, err := document.Parse(name, source)
	if err != nil {
		return d, err
	}
	if doc.Has("rehearsal") && doc.Has("steps") {
		return d, doc.AtPath("rehearsal", "expected a programme's definition, found a rehearsal of one: play it with daybook rehearse")
	}
	var lost []string
	unread := doc.Decode(&d)
	if unread != nil {
		var ok bool
		if lost, ok = doc.DecodeRest(&d); !ok {
			return d, unread
		}
	}
	var faults []*document.Error
	for _, f := range d.Faults(lost...) {
		text := known(d, f.Path) + ": expected " + indexed.ReplaceAllStringFunc(f.Expected, func(path string) string { return known(d, path) })
		if f.Found != "" {
			text += ", found " + document.Suggest(f.Found, f.Known)
		}
		faults = append(faults, doc.AtWord(f.Path, f.Found, "%s", text))
	}
	slices.SortStableFunc(faults, func(a, b *document.Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	errs := []error{unread}
	for _, f := range faults {
		errs = append(errs, f)
	}
	return d, errors.Join(errs...)
}

// indexed is a path that goes into a list.
var indexed = regexp.MustCompile(`[a-z_]+\[\d+\][a-z_.\[\]\d]*[a-z\]]`)

// known is a path as Diff tells it: entries by what they are known by, or
// counted from 1.
func known(d programme.Definition, path string) string {
	v := reflect.ValueOf(d)
	parts := strings.Split(path, ".")
	for i, part := range parts {
		name, index, inList := strings.Cut(part, "[")
		if v = fieldOf(v, name); !v.IsValid() {
			return path
		}
		if !inList {
			continue
		}
		n, err := strconv.Atoi(strings.TrimSuffix(index, "]"))
		if err != nil || v.Kind() != reflect.Slice || n >= v.Len() {
			return path
		}
		parts[i] = name + "[" + cmp.Or(key(v.Index(n)), strconv.Itoa(n+1)) + "]"
		v = v.Index(n)
	}
	return strings.Join(parts, ".")
}

// fieldOf is a field as it is written, none where there is none.
func fieldOf(v reflect.Value, name string) reflect.Value {
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() == reflect.Struct {
		for i := range v.NumField() {
			if programme.NameOf(v.Type().Field(i)) == name {
				return v.Field(i)
			}
		}
	}
	return reflect.Value{}
}

// key is what an entry of a list is known by, "" where it has no such word.
func key(entry reflect.Value) string {
	if entry.Kind() != reflect.Struct || !programme.RuleOf(entry.Type().Field(0)).Key {
		return ""
	}
	word := entry.Field(0).String()
	if domain.CheckCode("", word) != nil {
		return ""
	}
	return word
}
