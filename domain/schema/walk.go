package schema

import (
	"maps"
	"reflect"
	"slices"

	"github.com/daybook-engine/daybook/domain"
)

var (
	privateType = reflect.TypeFor[domain.Private]()
	personType  = reflect.TypeFor[domain.Person]()
)

// Commit gives every private text in a command its digest, also the empty
// ones. The n-th text, in the order of the fields, gets salt(n); the salts
// are returned by digest.
func Commit(command any, salt func(n int) []byte) map[domain.Digest][]byte {
	salts := map[domain.Digest][]byte{}
	walk(reflect.ValueOf(command).Elem(), privateType, func(v reflect.Value) {
		bytes := salt(len(salts))
		p := v.Interface().(domain.Private).Commit(bytes)
		salts[p.Digest] = bytes
		v.Set(reflect.ValueOf(p))
	})
	return salts
}

// Private lists the private texts of an event.
func Private(event any) []domain.Private {
	var texts []domain.Private
	walk(settable(event), privateType, func(v reflect.Value) {
		texts = append(texts, v.Interface().(domain.Private))
	})
	return texts
}

// People lists the people an event names, each once.
func People(event any) []domain.Person {
	var people []domain.Person
	walk(settable(event), personType, func(v reflect.Value) {
		if p := domain.Person(v.String()); p != "" && !slices.Contains(people, p) {
			people = append(people, p)
		}
	})
	return people
}

// Resolve replaces every person in a command by what id makes of it: handles
// become ids.
func Resolve(command any, id func(handle string) (domain.Person, error)) (err error) {
	walk(reflect.ValueOf(command).Elem(), personType, func(v reflect.Value) {
		if v.String() == "" || domain.IsUUID(v.String()) || err != nil {
			return
		}
		var p domain.Person
		if p, err = id(v.String()); err == nil {
			v.SetString(string(p))
		}
	})
	return err
}

// Fill sets the fields tagged `from:"source"` to what values has for the
// source, where they are empty or hidden from JSON, and so not a caller's to set.
func Fill(command any, values map[string]string) {
	fill(reflect.ValueOf(command).Elem(), values)
}

func fill(v reflect.Value, values map[string]string) {
	for i := range v.NumField() {
		field, f := v.Type().Field(i), v.Field(i)
		if field.Anonymous && f.Kind() == reflect.Struct {
			fill(f, values)
			continue
		}
		if value, ok := values[field.Tag.Get("from")]; ok && (f.String() == "" || field.Tag.Get("json") == "-") {
			f.SetString(value)
		}
	}
}

func settable(event any) reflect.Value {
	v := reflect.New(reflect.TypeOf(event)).Elem()
	v.Set(reflect.ValueOf(event))
	return v
}

// walk visits every value of type t inside v, in the order of fields,
// elements, and sorted keys. What is in a map is visited as a copy and put
// back.
func walk(v reflect.Value, t reflect.Type, visit func(reflect.Value)) {
	if v.Type() == t {
		visit(v)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); f.CanInterface() { // exported
				walk(f, t, visit)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			walk(v.Index(i), t, visit)
		}
	case reflect.Map:
		if v.Type().Key().Kind() != reflect.String {
			return
		}
		keys := make(map[string]reflect.Value, v.Len())
		for _, k := range v.MapKeys() {
			keys[k.String()] = k
		}
		for _, name := range slices.Sorted(maps.Keys(keys)) {
			item := reflect.New(v.Type().Elem()).Elem()
			item.Set(v.MapIndex(keys[name]))
			walk(item, t, visit)
			v.SetMapIndex(keys[name], item)
		}
	}
}
