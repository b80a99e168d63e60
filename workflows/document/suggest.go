package document

import "reflect"

// Suggest names what was not found, and the nearest thing there is.
func Suggest(name string, known []string) string {
	if best := nearest(name, known); best != "" {
		return name + "; did you mean " + best + "?"
	}
	return name
}

// nearest is the known name that may have been meant; "" where none is near.
func nearest(name string, known []string) string {
	if len(name) > 64 {
		return ""
	}
	best, at := "", len(name)/2+2
	for _, k := range known {
		if d := distance(name, k); d < at {
			best, at = k, d
		}
	}
	return best
}

// distance is Levenshtein's: how many letters to change, add or leave out.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// Fields lists the fields of a form as they are written, those inside
// included.
func Fields(t reflect.Type) (list []string) {
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == reflect.TypeFor[Node]() {
		return nil
	}
	for i := range t.NumField() {
		f := t.Field(i)
		name := written(f)
		if name == "-" || !f.IsExported() {
			continue
		}
		if name != "" {
			list = append(list, name)
		}
		list = append(list, Fields(f.Type)...)
	}
	return list
}

// Words says what a value is, or ought to be.
func Words(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return "a whole number"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "a list"
	case reflect.Map, reflect.Struct:
		return "fields"
	}
	return "something else"
}
