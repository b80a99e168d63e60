package definition

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"

	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/when"
)

// Diff tells what a newer definition changes, in the order of its fields, each
// by its path. Entries that have an id are told by it, so that one more does
// not seem to change those after it.
func Diff(older, newer programme.Definition) []string {
	var d diff
	d.values("", reflect.ValueOf(older), reflect.ValueOf(newer))
	return d
}

type diff []string

func (d *diff) say(path, format string, args ...any) {
	*d = append(*d, path+": "+fmt.Sprintf(format, args...))
}

func (d *diff) values(path string, older, newer reflect.Value) {
	if reflect.DeepEqual(older.Interface(), newer.Interface()) {
		return
	}
	was, isLeaf := spoken(older)
	is, _ := spoken(newer)
	switch {
	case isLeaf && was == "":
		d.say(path, "now %s", is)
	case isLeaf && is == "":
		d.say(path, "no longer %s", was)
	case isLeaf:
		d.say(path, "%s, was %s", is, was)
	case older.Kind() == reflect.Slice:
		d.lists(path, older, newer)
	default:
		for i := range older.NumField() {
			field := older.Type().Field(i)
			at := programme.NameOf(field)
			if path != "" {
				at = path + "." + at
			}
			was, is := older.Field(i), newer.Field(i)
			if programme.RuleOf(field).Is == "before" {
				was, is = before(was), before(is)
			}
			d.values(at, was, is)
		}
	}
}

// before turns offsets that count backwards around, so that they are told as
// what they are.
func before(list reflect.Value) reflect.Value {
	var turned []when.Offset
	for _, o := range list.Interface().([]when.Offset) {
		turned = append(turned, earlier(o))
	}
	return reflect.ValueOf(turned)
}

// spoken is a value that is told as a whole, "" where nothing is said.
func spoken(v reflect.Value) (words string, ok bool) {
	switch x := v.Interface().(type) {
	case when.Offset:
		words = x.Words()
	case *when.Offset:
		if x != nil {
			words = x.Words()
		}
		return words, true
	case programme.Condition:
		words = x.Words()
	case bool:
		words = "so"
	case int:
		words = strconv.Itoa(x)
	default:
		if v.Kind() != reflect.String {
			return "", false
		}
		words = strconv.Quote(v.String())
	}
	if v.IsZero() {
		words = ""
	}
	return words, true
}

func (d *diff) lists(path string, older, newer reflect.Value) {
	before, after := entries(older), entries(newer)
	for i, key := range before {
		j := slices.Index(after, key)
		if j < 0 {
			d.say(path, "without %s", entry(key, older.Index(i)))
			continue
		}
		if older.Index(i).Kind() == reflect.Struct {
			d.values(path+"["+key+"]", older.Index(i), newer.Index(j))
		}
	}
	for j, key := range after {
		if !slices.Contains(before, key) {
			d.say(path, "with %s", entry(key, newer.Index(j)))
		}
	}
	stays := func(list, other []string) []string {
		return slices.DeleteFunc(slices.Clone(list), func(key string) bool { return !slices.Contains(other, key) })
	}
	if !slices.Equal(stays(before, after), stays(after, before)) {
		d.say(path, "in another order: %v", after)
	}
}

// entries are what the entries of a list are known by.
func entries(list reflect.Value) []string {
	keys := make([]string, list.Len())
	for i := range keys {
		if item := list.Index(i); item.Kind() == reflect.String {
			keys[i] = strconv.Quote(item.String())
		} else {
			keys[i] = cmp.Or(key(item), strconv.Itoa(i+1))
		}
	}
	return keys
}

// entry names one: by its key and what it says of itself, or else as a whole.
func entry(key string, item reflect.Value) string {
	if words, ok := spoken(item); ok && item.Kind() == reflect.Struct {
		return words
	}
	return key + about(item)
}

// about is what an entry says of itself.
func about(item reflect.Value) string {
	if item.Kind() != reflect.Struct {
		return ""
	}
	for _, name := range []string{"Text", "Label"} {
		if f := item.FieldByName(name); f.IsValid() && f.String() != "" {
			return " (" + f.String() + ")"
		}
	}
	return ""
}
