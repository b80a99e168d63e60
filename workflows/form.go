package workflows

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/when"
	"github.com/daybook-engine/daybook/workflows/document"
)

// A Field is a field of a command's form, as it is written.
type Field struct {
	Name   string
	Kind   string   // what it is: a whole number, text, a list of people
	Type   Type     // the same for a form
	Needed bool     // it may not be left out, except for what the engine knows
	Own    bool     // who does it for themselves leaves it out
	OneOf  []string // the only words that it takes
	List   bool     // of what is within
	Within []Field  // of a field that has fields itself
}

// A closed form, of a command or of fields within one, lists the words of those
// of its fields that take no others: its Decide and all who ask take them there.
type closed interface{ OneOf() map[string][]string }

// Form lists the fields of a command, none where there is no such command.
func Form(name string) []Field {
	for _, r := range registry {
		if r.name == name {
			fields := form(r.form)
			if also, ok := needed[name]; ok {
				fields = slices.Clone(fields)
				for i := range fields {
					fields[i].Needed = fields[i].Needed || fields[i].Name == also
				}
			}
			return fields
		}
	}
	return nil
}

// needed are, by command, the field that only others may leave out.
var needed = map[string]string{
	"quota.set":       "programme", // it has no cycle to look it up from
	"session.correct": "session",   // only what is new has the next number
}

// forms are those of the registered commands, and of what is within them: each is
// made once, since a page asks for all of them.
var forms sync.Map // of []Field by reflect.Type

func form(t reflect.Type) []Field {
	known, ok := forms.Load(t)
	if !ok {
		known, _ = forms.LoadOrStore(t, makeForm(t))
	}
	return known.([]Field)
}

func makeForm(t reflect.Type) (list []Field) {
	var words map[string][]string
	if c, ok := reflect.Zero(t).Interface().(closed); ok {
		words = c.OneOf()
	}
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
			_, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			field.Type, field.Needed, field.Own = typeOf(name, inner), !strings.HasPrefix(options, "omit"), f.Tag.Get("from") != ""
			switch {
			case field.List && field.Within != nil:
				field.Kind = "a list, each with"
			case field.List:
				field.Kind = "a list of " + strings.Replace(strings.TrimPrefix(field.Kind, "a "), "person", "people", 1)
			case field.Within != nil:
				field.Kind = "with"
			}
			if field.OneOf = words[name]; field.OneOf != nil {
				field.Kind = domain.Either(field.OneOf)
			}
			list = append(list, field)
		}
	}
	return list
}

// A Type says how a value is best asked for.
type Type string

const (
	Line     Type = "line"   // a few words, a code, an id
	Lines    Type = "lines"  // text of any length
	List     Type = "list"   // values, one a line
	Number   Type = "number" // whole
	Yes      Type = "yes"    // or no
	Date     Type = "date"   // which may be only a month, a year or a season
	Local    Type = "local"  // date and time on the wall, whose zone is a field beside
	Moment   Type = "moment" // date and time on the wall, and its zone
	Somebody Type = "person"
	Answers  Type = "answers"  // one for each question of a call's form
	Document Type = "document" // YAML or JSON
	Note     Type = "note"     // nothing to fill in: what is to be known before
)

func typeOf(name string, t reflect.Type) Type {
	switch t {
	case reflect.TypeFor[domain.Person]():
		return Somebody
	case reflect.TypeFor[domain.Private]():
		if name == "handle" || name == "name" || name == "email" {
			return Line
		}
		return Lines
	case reflect.TypeFor[time.Time]():
		return Moment
	case reflect.TypeFor[when.Partial]():
		return Date
	case reflect.TypeFor[json.RawMessage]():
		return Document
	}
	switch t.Kind() {
	case reflect.Bool:
		return Yes
	case reflect.Int, reflect.Int64:
		return Number
	case reflect.Map:
		return Answers
	case reflect.Struct:
		return Document
	}
	switch name {
	case "local":
		return Local
	case "text":
		return Lines
	}
	return Line
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
