package workflows

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/when"
	"github.com/daybook-engine/daybook/workflows/document"
)

// A Field is a field of a command's form, as it is written.
type Field struct {
	Name   string
	Kind   string  // what it is: a whole number, text, a list of people
	List   bool    // of what is within
	Within []Field // of a field that has fields itself
}

// Form lists the fields of a command, none where there is no such command.
func Form(name string) []Field {
	for _, r := range registry {
		if r.name == name {
			return form(r.form)
		}
	}
	return nil
}

func form(t reflect.Type) (list []Field) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			list = append(list, form(f.Type)...)
		case name != "-" && f.IsExported():
			field := Field{Name: name, List: f.Type.Kind() == reflect.Slice && f.Type != reflect.TypeFor[json.RawMessage]()}
			inner := f.Type
			if field.List {
				inner = inner.Elem()
			}
			if field.Kind = kind(inner); field.Kind == "fields" && inner.Kind() == reflect.Struct {
				field.Within = form(inner)
			}
			switch {
			case field.List && field.Within != nil:
				field.Kind = "a list, each with"
			case field.List:
				field.Kind = "a list of " + strings.Replace(strings.TrimPrefix(field.Kind, "a "), "person", "people", 1)
			case field.Within != nil:
				field.Kind = "with"
			}
			list = append(list, field)
		}
	}
	return list
}

// kind says what a value is, as somebody types it.
func kind(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[domain.Person]():
		return "a person"
	case reflect.TypeFor[domain.Private]():
		return "text, sealed"
	case reflect.TypeFor[time.Time]():
		return "a time such as 2023-07-31T10:15:00+02:00"
	case reflect.TypeFor[json.RawMessage]():
		return "the fields of that command"
	case reflect.TypeFor[when.Partial]():
		return "a date such as 2023-09-13, 2023-09 or 2023"
	}
	return document.Words(t)
}
