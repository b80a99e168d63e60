package definition_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/when"
	"github.com/daybook-engine/daybook/workflows/definition"
	"github.com/daybook-engine/daybook/workflows/document"
)

var update = flag.Bool("update", false, "write the schema anew")

// The schema is made of the types, their rules and their comments: there is
// nothing else to keep in step.
func TestTheSchemaIsThatOfTheTypes(t *testing.T) {
	t.Parallel()
	w := writer{comments(t), map[string]any{}}
	schema := w.object(reflect.TypeFor[programme.Definition]())
	schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	schema["title"] = "A programme's definition"
	schema["$defs"] = w.defs
	written, err := json.MarshalIndent(schema, "", "  ")
	require.NoError(t, err)
	written = append(written, '\n')
	if *update {
		require.NoError(t, os.WriteFile("schema.json", written, 0o644))
	}
	require.Equal(t, string(written), string(definition.Schema), "go test ./workflows/definition -update writes it")
}

type writer struct {
	comments map[string]string // of a type, or of Type.Field
	defs     map[string]any
}

func (w writer) object(t reflect.Type) map[string]any {
	properties, required := map[string]any{}, []string{}
	for f := range fieldsOf(t) {
		rule := programme.RuleOf(f)
		p := w.value(f.Type, rule)
		if words := w.comments[t.Name()+"."+f.Name]; words != "" {
			p["description"] = words
		}
		properties[programme.NameOf(f)] = p
		if rule.Required && f.Type.Kind() != reflect.Pointer {
			required = append(required, programme.NameOf(f))
		}
	}
	o := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		o["required"] = required
	}
	if words := w.comments[t.Name()]; words != "" {
		o["description"] = words
	}
	return o
}

func (w writer) value(t reflect.Type, rule programme.Rule) map[string]any {
	switch t {
	case reflect.TypeFor[when.Partial]():
		return map[string]any{"type": "string", "pattern": `^\d{4}(-\d{2}){0,2}$`}
	case reflect.TypeFor[when.Calendar]():
		holidays := map[string]any{"type": "array", "items": map[string]any{"type": "string", "format": "date"}}
		return form(map[string]any{"name": map[string]any{"type": "string"}, "version": map[string]any{"type": "string"}, "holidays": holidays})
	case reflect.TypeFor[when.Offset]():
		later := map[string]any{"type": "integer", "minimum": 0}
		at := map[string]any{"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}
		return form(map[string]any{"days": later, "working_days": later, "hours": later, "at": at})
	}
	switch t.Kind() {
	case reflect.Pointer:
		return w.value(t.Elem(), rule)
	case reflect.Struct:
		if w.defs[t.Name()] == nil {
			w.defs[t.Name()] = w.object(t)
		}
		return map[string]any{"$ref": "#/$defs/" + t.Name()}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int:
		p := map[string]any{"type": "integer", "minimum": rule.Least()}
		if rule.Max > 0 {
			p["maximum"] = rule.Max
		}
		return p
	case reflect.Slice:
		p := map[string]any{"type": "array", "maxItems": programme.MaxEntries, "items": w.value(t.Elem(), programme.Rule{Required: true, One: rule.One})}
		if rule.Required {
			p["minItems"] = 1
		}
		if rule.Once {
			p["uniqueItems"] = true
		}
		return p
	}
	p := map[string]any{"type": "string"}
	switch {
	case rule.One != nil:
		p["enum"] = rule.One
	case rule.Is == "slug":
		p["pattern"], p["maxLength"] = "^[a-z0-9]+(-[a-z0-9]+)*$", 64
	case rule.Is == "code":
		p["pattern"], p["maxLength"] = "^[a-z0-9_-]*$", 64
		if rule.Required {
			p["pattern"] = "^[a-z0-9_-]+$"
		}
	case rule.Is == "language":
		p["pattern"] = "^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$"
	case rule.Is == "local":
		p["pattern"] = `^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?$`
	case rule.Required:
		p["pattern"] = `\S`
	}
	return p
}

func form(properties map[string]any) map[string]any {
	return map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
}

func fieldsOf(t reflect.Type) func(func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range t.NumField() {
			if !yield(t.Field(i)) {
				return
			}
		}
	}
}

// comments are what the source says of its types and fields.
func comments(t *testing.T) map[string]string {
	words := map[string]string{}
	plain := func(c *ast.CommentGroup) string { return strings.Join(strings.Fields(c.Text()), " ") }
	var declared []ast.Decl
	for _, name := range []string{"programme/definition.go", "matching/plan.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), "../../domain/"+name, nil, parser.ParseComments)
		require.NoError(t, err)
		declared = append(declared, file.Decls...)
	}
	for _, d := range declared {
		decl, ok := d.(*ast.GenDecl)
		if !ok || decl.Tok != token.TYPE {
			continue
		}
		for _, spec := range decl.Specs {
			typ := spec.(*ast.TypeSpec)
			if typ.Name.Name != "Definition" { // whose comment is for programmers
				words[typ.Name.Name] = plain(decl.Doc)
			}
			for _, f := range typ.Type.(*ast.StructType).Fields.List {
				if f.Comment != nil {
					words[typ.Name.Name+"."+f.Names[0].Name] = plain(f.Comment)
				}
			}
		}
	}
	return words
}

func compile(t *testing.T) *jsonschema.Schema {
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	schema, err := jsonschema.UnmarshalJSON(strings.NewReader(string(definition.Schema)))
	require.NoError(t, err)
	require.NoError(t, c.AddResource("schema.json", schema))
	compiled, err := c.Compile("schema.json")
	require.NoError(t, err)
	return compiled
}

// An editor that goes by the schema and the check agree: what the one
// underlines the other refuses, in each of the five programmes, with anything
// in them put wrong.
func TestWhatTheSchemaRefusesIsRefused(t *testing.T) {
	t.Parallel()
	schema := compile(t)
	refused := 0
	for _, name := range five {
		source := read(t, name)
		doc, err := document.Parse(name, []byte(source))
		require.NoError(t, err)
		var whole map[string]any
		require.NoError(t, doc.Decode(&whole))
		whole = plain(t, whole)
		require.NoError(t, schema.Validate(whole), name)
		mutate(whole, func(what string) {
			verdict := schema.Validate(plain(t, whole))
			if verdict == nil {
				require.NotContains(t, []string{"another kind", "an unknown field"}, strings.Split(what, ":")[0], "%s: %s", name, what)
				return
			}
			refused++
			text, err := json.MarshalIndent(whole, "", " ")
			require.NoError(t, err)
			_, err = definition.Parse(name, text)
			require.Error(t, err, "%s: %s: %v", name, what, verdict)
		})
	}
	require.Greater(t, refused, 300)
}

// plain is v as a JSON decoder gives it.
func plain(t *testing.T, v map[string]any) map[string]any {
	text, err := json.Marshal(v)
	require.NoError(t, err)
	again, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	require.NoError(t, err)
	return again.(map[string]any)
}

// mutate puts everything in v wrong, one thing after the other.
func mutate(v any, try func(what string)) {
	change := func(at string, old any, set func(any)) {
		other := []any{"zzz!", -1, map[string]any{}, []any{"x", "x"}}
		for _, x := range other {
			set(x)
			what := "another kind"
			if fmt.Sprintf("%T", x) == fmt.Sprintf("%T", old) || isNumber(x, old) {
				what = "another value"
				if fmt.Sprint(x) == "map[]" {
					continue // is nothing said
				}
			}
			try(fmt.Sprintf("%s: %s: %v", what, at, x))
		}
		set(old)
	}
	switch v := v.(type) {
	case map[string]any:
		v["unheard-of"] = "x"
		try("an unknown field: ")
		delete(v, "unheard-of")
		for key, old := range v {
			change(key, old, func(x any) { v[key] = x })
			if len(v) > 1 { // else nothing is said
				delete(v, key)
				try("left out: " + key)
				v[key] = old
			}
			mutate(old, try)
		}
	case []any:
		for i, old := range v[:1] {
			change(fmt.Sprint(i), old, func(x any) { v[i] = x })
			mutate(old, try)
		}
	}
}

func isNumber(x, old any) bool {
	_, is := old.(json.Number)
	_, whole := x.(int)
	return is && whole
}

// The vocabulary is the five programmes': a word that none of them says is
// not in it, but those that a later season needs.
func TestEveryWordIsSaidByOneOfTheFive(t *testing.T) {
	t.Parallel()
	said := map[string]bool{
		"Deadline.override": true, // London's later notice of Monday 23 September 2018, a Sunday
		"Field.optional":    true,
		// The five say who has to do what, not by when; what people ask of every such system.
		"Task.due": true, "Task.due_from": true, "Task.remind": true, "Task.escalate": true, "Task.expires": true, "Task.four_eyes": true,
		"Remind.before": true, "Remind.at_most": true, "Escalation.after": true, "Escalation.to": true,
		"Reflection.custody": true, // who keeps what a pair wrote; the five say that it is confidential, and not where it is
		// That supervision is critical one of the five says, and not how often somebody is to be there; and
		// none says how long it keeps what. Where Mentoring for All's file says so, that is ours.
		"Completion.attendance": true, "Attendance.stage": true, "Attendance.for": true, "Attendance.at_least": true,
		"Definition.retention": true, "Retention.of": true, "Retention.months": true, "Retention.after": true, "Retention.why": true,
		"Matching.rules": true, // same employer, line manager, language: each is asked for by somebody, by none of the five
	}
	paths := map[string]bool{}
	for _, name := range five {
		d, err := definition.Parse(name, []byte(read(t, name)))
		require.NoError(t, err)
		each(reflect.ValueOf(d), "", func(path, field string, v reflect.Value) {
			said[field] = said[field] || !v.IsZero()
			paths[path] = paths[path] || !v.IsZero()
		})
	}
	for field, is := range said {
		require.True(t, is, field)
	}
	for _, path := range programme.Idle {
		require.True(t, paths[path], "%s is kept and shown", path)
	}
}

// each visits every field, by its path without numbers.
func each(v reflect.Value, path string, visit func(path, field string, v reflect.Value)) {
	if v.Kind() == reflect.Pointer {
		v = reflect.Zero(v.Type().Elem())
	}
	switch v.Kind() {
	case reflect.Struct:
		if v.Type().PkgPath() != reflect.TypeFor[programme.Definition]().PkgPath() {
			return
		}
		for i := range v.NumField() {
			at := strings.TrimPrefix(path+"."+programme.NameOf(v.Type().Field(i)), ".")
			visit(at, v.Type().Name()+"."+programme.NameOf(v.Type().Field(i)), v.Field(i))
			each(v.Field(i), at, visit)
		}
	case reflect.Slice:
		if v.Len() == 0 {
			each(reflect.Zero(v.Type().Elem()), path, visit)
		}
		for i := range v.Len() {
			each(v.Index(i), path, visit)
		}
	}
}
