package document

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// misfits tells everything in a node that does not fit into a type: unknown
// fields, and values of another kind. Decoding would tell the first only.
func (d *Document) misfits(n ast.Node, t reflect.Type) error {
	var wrong []error
	d.fit(n, t, func(at *token.Token, text string) { wrong = append(wrong, d.at(at, text)) })
	return errors.Join(wrong...)
}

// An exemplary form shows how it is written, where something else was.
type exemplary interface{ Example() string }

func (d *Document) fit(n ast.Node, t reflect.Type, tell func(*token.Token, string)) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == reflect.TypeFor[Node]() || t == reflect.TypeFor[json.RawMessage]() {
		return // read later, by whoever knows its form
	}
	other := func() {
		words := Words(t)
		if e, ok := reflect.Zero(t).Interface().(exemplary); ok {
			words += " such as " + e.Example()
		}
		tell(first(n), "expected "+words+", found "+found(n))
	}
	switch t.Kind() {
	case reflect.Struct, reflect.Map:
		fields, ok := fieldsOf(n)
		if !ok {
			other()
		}
		for _, f := range fields {
			if t.Kind() == reflect.Map {
				d.fit(f.Value, t.Elem(), tell)
			} else if inner, ok := field(t, name(f)); ok {
				d.fit(f.Value, inner, tell)
			} else {
				tell(f.Key.GetToken(), "unknown field "+Suggest(name(f), names(t)))
			}
		}
	case reflect.Slice:
		list, ok := n.(*ast.SequenceNode)
		if !ok {
			other()
			return
		}
		for _, item := range list.Values {
			d.fit(item, t.Elem(), tell)
		}
	case reflect.Interface:
	default:
		number, isNumber := n.(*ast.IntegerNode)
		switch {
		case isNumber && t.Kind() == reflect.String:
			tell(first(n), "expected text, found a whole number: put it in quotes, \""+number.GetToken().Value+"\"")
		case found(n) != Words(t):
			other()
		case isNumber && !fits(number.Value):
			tell(first(n), "expected a smaller number, found "+number.GetToken().Value)
		}
	}
}

// fits tells whether a number is one of Go's.
func fits(number any) bool {
	n, unsigned := number.(uint64)
	return !unsigned || n <= math.MaxInt64
}

// mend makes a node fit into a type, for what else is wrong to be told: an unknown
// field is the one that was probably meant, or nothing; what is of another kind is
// taken out, and where that was is lost. It tells whether the node itself can
// stay.
func mend(n ast.Node, t reflect.Type, path string, lost *[]string) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Struct:
		m, ok := n.(*ast.MappingNode)
		if !ok {
			return false
		}
		said := map[string]bool{}
		for _, f := range m.Values {
			said[name(f)] = true
		}
		m.Values = slices.DeleteFunc(m.Values, func(f *ast.MappingValueNode) bool {
			inner, ok := field(t, name(f))
			if !ok {
				meant := nearest(name(f), names(t))
				key, ok := f.Key.(*ast.StringNode)
				if meant == "" || said[meant] || !ok {
					return true
				}
				said[meant] = true
				key.Value, key.Token.Value = meant, meant
				inner, _ = field(t, meant)
			}
			at := strings.TrimPrefix(path+"."+name(f), ".")
			if mend(f.Value, inner, at, lost) {
				return false
			}
			*lost = append(*lost, at)
			return true
		})
		return true
	case reflect.Slice:
		list, ok := n.(*ast.SequenceNode)
		for i := 0; ok && i < len(list.Values); i++ {
			ok = mend(list.Values[i], t.Elem(), fmt.Sprintf("%s[%d]", path, i), lost)
		}
		return ok
	}
	if number, ok := n.(*ast.IntegerNode); ok && (t.Kind() == reflect.String || !fits(number.Value)) {
		return t.Kind() == reflect.String
	}
	return found(n) == Words(t)
}

// fieldsOf are the fields of a node that has any.
func fieldsOf(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch m := n.(type) {
	case *ast.MappingNode:
		return m.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{m}, true
	}
	return nil, false
}

func name(f *ast.MappingValueNode) string { return f.Key.GetToken().Value }

// field finds a field of a struct as it is written.
func field(t reflect.Type, name string) (reflect.Type, bool) {
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() && written(f) == name && name != "" && name != "-" {
			return f.Type, true
		}
	}
	return nil, false
}

// names lists the fields of a struct itself, as they are written.
func names(t reflect.Type) (list []string) {
	for i := range t.NumField() {
		if name := written(t.Field(i)); t.Field(i).IsExported() && name != "" && name != "-" {
			list = append(list, name)
		}
	}
	return list
}

func written(f reflect.StructField) string {
	tag := f.Tag.Get("yaml")
	if tag == "" {
		tag = f.Tag.Get("json")
	}
	name, _, _ := strings.Cut(tag, ",")
	return name
}

// first is where a node begins: a block of fields at its first key.
func first(n ast.Node) *token.Token {
	if fields, ok := fieldsOf(n); ok && len(fields) > 0 {
		if m, flow := n.(*ast.MappingNode); !flow || !m.IsFlowStyle {
			return fields[0].Key.GetToken()
		}
	}
	return n.GetToken()
}

// found says what a node is, in the words of Words.
func found(n ast.Node) string {
	switch n.(type) {
	case *ast.StringNode, *ast.LiteralNode:
		return "text"
	case *ast.IntegerNode:
		return "a whole number"
	case *ast.BoolNode:
		return "true or false"
	case *ast.SequenceNode:
		return "a list"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "fields"
	case *ast.NullNode:
		return "nothing"
	}
	return "something else"
}
