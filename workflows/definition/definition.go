// Package definition reads a programme's definition from the YAML document
// that a coordinator writes: form and meaning are checked before anything is
// published.
package definition

import (
	"cmp"
	_ "embed"
	"errors"
	"slices"

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
// with file, line, column and what was expected.
func Parse(name string, source []byte) (programme.Definition, error) {
	var d programme.Definition
	doc, err := document.Parse(name, source)
	if err != nil {
		return d, err
	}
	if doc.Has("rehearsal") && doc.Has("steps") {
		return d, doc.AtPath("rehearsal", "expected a programme's definition, found a rehearsal of one: play it with daybook rehearse")
	}
	if err := doc.Decode(&d); err != nil {
		return d, err
	}
	var faults []*document.Error
	for _, f := range d.Faults() {
		faults = append(faults, doc.AtPath(f.Path, "%s: expected %s", f.Path, f.Expected))
	}
	slices.SortStableFunc(faults, func(a, b *document.Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	errs := make([]error, len(faults))
	for i, f := range faults {
		errs[i] = f
	}
	return d, errors.Join(errs...)
}
