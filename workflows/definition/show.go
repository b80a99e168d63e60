package definition

import (
	_ "embed"
	"io"
	"slices"
	"strings"
	"text/template"

	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/when"
)

//go:embed show.txt
var showText string

var page = template.Must(template.New("show.txt").Funcs(template.FuncMap{
	"join": func(words []string) string { return plain(strings.Join(words, ", ")) },
	"indent": func(text string) string {
		return strings.ReplaceAll(strings.ReplaceAll("\n"+strings.TrimRight(text, "\n"), "\n", "\n      "), "\n      \n", "\n\n")
	},
	"plain":   plain,
	"earlier": func(o when.Offset) string { return earlier(o).Words() },
	"idle":    idle,
	"unsaid":  func(d programme.Definition) string { return strings.Join(unsaid(d), ", ") },
}).Parse(showText))

// Show writes the whole of a definition as people read it.
func Show(w io.Writer, d programme.Definition) error { return page.Execute(w, d) }

// plain is a word of the vocabulary without its signs.
func plain(word string) string { return strings.ReplaceAll(word, "_", " ") }

// earlier is an offset that counts backwards, as much the other way.
func earlier(o when.Offset) when.Offset {
	o.Days, o.WorkingDays, o.Hours = -o.Days, -o.WorkingDays, -o.Hours
	return o
}

// idle marks what is only kept and shown.
func idle(path string) string {
	if slices.Contains(programme.Idle, path) {
		return " *"
	}
	return ""
}

// unsaid are the sections that some command needs, and that are absent.
func unsaid(d programme.Definition) (sections []string) {
	for _, s := range []struct {
		name string
		said bool
	}{
		{"calls", len(d.Calls) > 0},
		{"review", d.Review.MaxScore > 0},
		{"offer", d.Offer != programme.Offer{}},
		{"matching.policy", d.Matching.Policy != ""},
		{"match", d.Match != programme.Match{}},
		{"agreement", d.Agreement.Version != ""},
		{"sessions", d.Sessions.Max > 0},
		{"completion", d.Completion.Version != ""},
	} {
		if !s.said {
			sections = append(sections, s.name)
		}
	}
	return sections
}
