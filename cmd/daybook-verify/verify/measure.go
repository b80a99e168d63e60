package verify

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
)

// known are the lists of measures that Daybook ever had, by the SHA-256 of
// their compact JSON. So a pack cannot call a thing by another's name.
var known = []string{
	"15741595c1fb4d9f27f916f465709b0a417e6b5a195ffbe3206ef729b464157c",
	"ce6e911fe7573a0339c92974a25e84f2388e1070b9a53214fac01964a937e6a1",
	"bae20fb510f1cf95e90a02e66912ad43bdffab6c0753c076c913f361ce5898aa",
	"0ed47af3f72317eaf4318cb8bf61f6773a4343c8aabbef7a10971a1c415ed0fc",
}

// planned is the event that says to which programme and year a cycle belongs.
const planned = "cycle.planned"

// A Measure is the definition of a figure: which events count, what takes one
// out again, and how they are put together.
type Measure struct {
	Measure string `json:"measure"`
	Version int    `json:"version"`
	Words   string `json:"words"`
	Unit    string `json:"unit"`
	Fold    string `json:"fold"` // count, sum, distinct
	Of      string `json:"of"`   // the field that is summed, or told apart
	Over    []struct {
		Name  string      `json:"name"`
		Where []condition `json:"where"`
	} `json:"over"`
	Scope  string   `json:"scope"`  // cycle, year
	Unless []string `json:"unless"` // names that take out what counted in the same stream
	Key    []string `json:"key"`    // with the same values in these fields
}

// A condition holds of a field that Is a value, of a list that Has one, or of
// what is Empty.
type condition struct {
	Field string `json:"field"`
	Is    any    `json:"is"`
	Has   string `json:"has"`
	Empty bool   `json:"empty"`
}

func (m *Measure) names() []string {
	names := slices.Clone(m.Unless)
	for _, s := range m.Over {
		names = append(names, s.Name)
	}
	return names
}

// A tally is what counts towards a measure, in the order of the log.
type tally []entry

type entry struct {
	scope, key, of string
	value          int64
	fact           fact
}

func (t *tally) add(m *Measure, f fact) (err error) {
	key := f.id
	if len(m.Unless) > 0 {
		key = f.stream
		for _, k := range m.Key {
			key += "\x00" + text(f.body[k])
		}
	}
	if slices.Contains(m.Unless, f.name) {
		*t = slices.DeleteFunc(*t, func(e entry) bool { return e.key == key })
	}
	for _, s := range m.Over {
		if s.Name != f.name {
			continue
		}
		if slices.ContainsFunc(s.Where, func(c condition) bool { return !c.holds(f.body[c.Field]) }) {
			return nil
		}
		e := entry{key: key, scope: bookOf(f.book, "cycle/"), value: 1, fact: f}
		switch {
		case m.Scope == "year":
			e.scope = bookOf(f.book, "programme/") + "/" + text(f.body["year"])
		case e.scope == "": // kept with the programme
			e.scope = text(f.body["cycle"])
		}
		switch m.Fold {
		case "count":
		case "sum":
			if e.value, err = strconv.ParseInt(string(f.body[m.Of]), 10, 64); err != nil {
				return fmt.Errorf("%s of %s: %w", m.Of, f.name, err)
			}
		case "distinct":
			e.of = text(f.body[m.Of])
		default:
			return fmt.Errorf("%s: fold %q", m.Measure, m.Fold)
		}
		*t = append(*t, e)
		return nil
	}
	return nil
}

// in is what counts in a scope: of what is told apart, the first of each.
func (t tally) in(m *Measure, scope string) (list tally) {
	seen := map[string]bool{}
	for _, e := range t {
		if e.scope != scope || m.Fold == "distinct" && seen[e.of] {
			continue
		}
		seen[e.of] = true
		list = append(list, e)
	}
	return list
}

func (t tally) value() (n int64) {
	for _, e := range t {
		n += e.value
	}
	return n
}

func (c condition) holds(v json.RawMessage) bool {
	switch {
	case c.Empty:
		return v == nil || string(v) == "null" || string(v) == "[]"
	case c.Has != "":
		var list []any
		_ = json.Unmarshal(v, &list) // what is no list has nothing
		return slices.Contains(list, any(c.Has))
	case c.Is == nil || c.Is == false:
		return text(v) == ""
	}
	return text(v) == fmt.Sprint(c.Is)
}

// text makes values comparable: what is absent, null or false is "".
func text(v json.RawMessage) string {
	var s string
	switch {
	case len(v) > 0 && v[0] == '"':
		_ = json.Unmarshal(v, &s) // it is part of what was decoded
		return s
	case string(v) == "null", string(v) == "false":
		return ""
	}
	return string(v)
}
