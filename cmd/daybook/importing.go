package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/daybook-engine/daybook/cmd/daybook/web"
	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/access"
	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/projections"
	"github.com/daybook-engine/daybook/workflows"
	"github.com/daybook-engine/daybook/workflows/document"
	"github.com/daybook-engine/daybook/workflows/sheet"
)

// mostWords bounds the words of one column that are asked about: more than that
// is no column of these.
const mostWords = 12

// importing lets who acts on the pages bring spreadsheets in; nil where they may
// not.
func (b *book) importing(role access.Role, by string, log *slog.Logger) *web.Importing {
	kinds := workflows.Importable(role)
	if len(kinds) == 0 {
		return nil
	}
	return &web.Importing{
		Kinds: kinds, MaxFile: sheet.MaxFile,
		Understand: func(ctx context.Context, s web.Spreadsheet) (web.Understood, []web.Fault, error) {
			_, u, faults, err := b.understand(ctx, by, s)
			return u, faults, toPerson(err)
		},
		Preview: func(ctx context.Context, s web.Spreadsheet) (web.Brought, []web.Fault, error) {
			in, _, faults, err := b.understand(ctx, by, s)
			if err != nil || len(faults) > 0 {
				return web.Brought{}, faults, toPerson(err)
			}
			done, err := b.engine.Preview(ctx, in)
			return brought(done), nil, toPerson(err)
		},
		Import: func(ctx context.Context, s web.Spreadsheet, progress func(done, of int)) (web.Brought, error) {
			in, _, faults, err := b.understand(ctx, by, s)
			if err != nil || len(faults) > 0 { // it was previewed
				return web.Brought{}, cmp.Or(toPerson(err), error(workflows.ErrImport))
			}
			in.Progress = progress
			done, err := b.engine.Import(ctx, in)
			b.follow(ctx, log)
			return brought(done), toPerson(err)
		},
		Revert: func(ctx context.Context, id, reason string, progress func(done, of int)) error {
			_, err := b.engine.Revert(ctx, by, id, workflows.Coded(reason), "web", progress)
			b.follow(ctx, log)
			return err
		},
	}
}

// follow lets policies and read models follow what was recorded. Kept is kept,
// whatever becomes of those.
func (b *book) follow(ctx context.Context, log *slog.Logger) {
	settled, cancel := context.WithTimeout(context.WithoutCancel(ctx), settling)
	defer cancel()
	if err := b.settle(settled); err != nil {
		log.Error("policies or read models are behind", "err", err)
	}
}

// deeds are what an import recorded, for a page.
func (b *book) deeds(ctx context.Context, id string) ([]web.Deed, error) {
	deeds, err := b.engine.Deeds(ctx, id)
	list := make([]web.Deed, len(deeds))
	for i, d := range deeds {
		list[i] = web.Deed{Stream: d.Stream, Event: d.Event, At: d.At, Undone: d.Undone, Left: d.Left}
	}
	return list, err
}

// toPerson makes of what is wrong with a file an answer to who brought it.
func toPerson(err error) error {
	file, place := new(sheet.Error), new(document.Error)
	switch {
	case errors.As(err, &file):
		return domain.Wrong("file_malformed", file.Error())
	case errors.As(err, &place):
		return domain.Wrong("file_malformed", err.Error())
	}
	return err
}

// understand reads a file by what is said of it on a page: the same as a map
// says.
func (b *book) understand(ctx context.Context, by string, s web.Spreadsheet) (in workflows.Import, u web.Understood, faults []web.Fault, err error) {
	m := sheet.Map{Sheet: s.Said.Get("sheet"), Dates: sheet.Order(s.Said.Get("dates")), Set: map[string]string{}, Values: map[string]map[string]string{}}
	if line := s.Said.Get("header"); line != "" {
		if m.Header, err = strconv.Atoi(line); err != nil || m.Header < 1 {
			faults, m.Header = append(faults, web.Fault{Question: "header", Text: "the row of the headings is a number, 1 or more"}), 0
		}
	}
	in = workflows.Import{
		Kind: s.Kind, Cycle: s.Cycle, Call: s.Said.Get("same.call"), By: by, From: strings.TrimSpace(s.Said.Get("from")), Channel: channel(s.File), Map: m,
		Open: func(ctx context.Context, digest domain.Digest) (string, error) { return b.open(ctx, string(digest)) },
	}
	if in.Sheet, err = sheet.Read(s.File, s.Source, m); err != nil {
		return in, u, nil, err
	}
	columns, err := b.engine.Columns(ctx, in)
	if err != nil {
		return in, u, nil, err
	}
	faults = append(faults, said(&in.Map, s.Said, columns)...)
	columns.Reading = sheet.Guess(in.Sheet, columns.Fields, in.Map)
	in.Map.Header = columns.Reading.Header.Number
	if s.Said != nil {
		faults = append(faults, missing(in.Map, columns)...)
	}
	return in, shown(in, columns), faults, nil
}

// channel is how what is in a file reached us, unless somebody says otherwise.
func channel(file string) string {
	if strings.EqualFold(filepath.Ext(file), ".eml") {
		return "email"
	}
	return "import"
}

// said fills a map with what is said on a page. Once anything is said of the
// columns, nothing else is guessed of them.
func said(m *sheet.Map, said url.Values, c *workflows.Columns) (faults []web.Fault) {
	if said.Has("column.0") {
		m.Columns = map[string]string{}
		for _, f := range c.Fields {
			m.Columns[f.Field] = ""
		}
	}
	for i := range c.Reading.Shown() {
		question := "column." + strconv.Itoa(i)
		field := said.Get(question)
		if field == "" {
			continue
		}
		switch taken, known := m.Columns[field]; {
		case !known:
			faults = append(faults, web.Fault{Question: question, Text: "there is no such field"})
		case taken != "":
			faults = append(faults, web.Fault{Question: question, Text: fmt.Sprintf("columns %s and %s cannot both be: %s", taken[1:], sheet.Column(i), label(c.Fields, field))})
		default:
			m.Columns[field] = "#" + sheet.Column(i)
		}
	}
	for _, f := range c.Fields {
		if same := strings.TrimSpace(said.Get("same." + f.Field)); f.Same && same != "" {
			m.Set[f.Field] = same
		}
	}
	for name := range said {
		field, word, ok := strings.Cut(strings.TrimPrefix(name, "word."), ".")
		known := slices.ContainsFunc(c.Fields, func(f sheet.Field) bool { return f.Field == field && len(f.Choices) > 0 })
		if means := said.Get(name); ok && known && means != "" && strings.HasPrefix(name, "word.") {
			if m.Values[field] == nil {
				m.Values[field] = map[string]string{}
			}
			m.Values[field][word] = means
		}
	}
	return faults
}

// missing tells of what no column says, and where else it can be said.
func missing(m sheet.Map, c *workflows.Columns) (faults []web.Fault) {
	for _, either := range c.Needs {
		if slices.ContainsFunc(either, func(field string) bool { return c.Reading.Has(field) || m.Set[field] != "" }) {
			continue
		}
		fault := web.Fault{Text: "no column is chosen for: " + labels(c.Fields, either)}
		if slices.ContainsFunc(c.Fields, func(f sheet.Field) bool { return f.Same && f.Field == either[0] }) {
			fault.Question = "same." + either[0]
			fault.Text += "; choose one, or write it under What is the same in every row"
		}
		faults = append(faults, fault)
	}
	return faults
}

// wanted tells whether a field is needed, as long as nothing else says it.
func wanted(field string, m sheet.Map, c *workflows.Columns) bool {
	return slices.ContainsFunc(c.Needs, func(either []string) bool {
		return slices.Contains(either, field) && !slices.ContainsFunc(either, func(other string) bool { return c.Reading.Has(other) || other != field && m.Set[other] != "" })
	})
}

func label(fields []sheet.Field, field string) string {
	for _, f := range fields {
		if f.Field == field && f.Label != "" {
			return f.Label
		}
	}
	return strings.ReplaceAll(field, "_", " ")
}

func labels(fields []sheet.Field, either []string) string {
	words := make([]string, len(either))
	for i, field := range either {
		words[i] = label(fields, field)
	}
	return strings.Join(words, ", or ")
}

// shown is how a file is understood, as a page puts it.
func shown(in workflows.Import, c *workflows.Columns) web.Understood {
	r := c.Reading
	u := web.Understood{Form: in.Sheet.Form, Header: r.Header.Number, Rows: len(r.Rows)}
	for _, s := range r.Shown() {
		u.Columns = append(u.Columns, web.Column(s))
	}
	for _, either := range c.Needs {
		u.Needs = append(u.Needs, labels(c.Fields, either))
	}
	for _, f := range c.Fields {
		q := web.Question{Label: label(c.Fields, f.Field), Type: "line"}
		for _, choice := range f.Choices {
			q.Choices = append(q.Choices, web.Choice{Value: choice, Text: strings.ReplaceAll(choice, "_", " ")})
		}
		u.Fields = append(u.Fields, web.Choice{Value: f.Field, Text: q.Label})
		if f.Same && !slices.ContainsFunc(r.Columns, func(c sheet.Found) bool { return c.Field == f.Field }) {
			q.Name, q.Hint, q.Needed = "same."+f.Field, f.Hint, wanted(f.Field, in.Map, c)
			u.Same = append(u.Same, q)
		}
		if strange := r.Strange(f); len(f.Choices) > 0 && len(strange) <= mostWords {
			for _, word := range strange {
				of := q
				of.Name, of.Label = "word."+f.Field+"."+word, q.Label+": “"+word+"” means"
				u.Words = append(u.Words, of)
			}
		}
	}
	if in.Sheet.Claimed {
		u.From = []web.Question{{
			Name: "from", Label: "Who the mail is from", Type: "line",
			Hint: "Their e-mail address, if you have made sure. Anybody can write any sender into a mail, so one in the name of somebody registered is recorded only when you say whose it is",
		}}
	}
	u.Reading = []web.Question{
		{Name: "header", Label: "Row of the headings", Type: "number", Value: strconv.Itoa(r.Header.Number), Needed: true},
		{Name: "dates", Label: "05/06/2017 means", Type: "line", Choices: []web.Choice{{Value: string(sheet.DayMonth), Text: "5 June"}, {Value: string(sheet.MonthDay), Text: "6 May"}}},
	}
	if len(in.Sheet.Of) > 1 {
		q := web.Question{Name: "sheet", Label: "Sheet", Type: "line"}
		for _, name := range in.Sheet.Of {
			q.Choices = append(q.Choices, web.Choice{Value: name, Text: name})
		}
		u.Reading = append(u.Reading, q)
	}
	return u
}

// brought is what became of rows, as a page tells it.
func brought(done *workflows.Imported) (b web.Brought) {
	if done == nil {
		return b
	}
	b.ID = done.ID
	for i, r := range done.Rows {
		o := web.Outcome{Row: "row " + strconv.Itoa(r.Row), Became: string(r.Outcome), Code: r.Code, Why: whyOf(r), Events: r.Events}
		if r.Nobody != nil {
			o.Nobody = web.Stranger(*r.Nobody)
		}
		if done.Reading != nil {
			o.Words = strings.Join(firstWords(done.Reading, done.Reading.Rows[i]), " · ")
		}
		b.Rows = append(b.Rows, o)
	}
	return b
}

// whyOf is why a row becomes what it does, or what is the matter with that, and
// what helps where the rules have an exception.
func whyOf(r workflows.ImportedRow) string {
	switch {
	case len(r.Marks) > 0:
		return "does not conform: " + projections.Nonconforming(r.Marks)
	case r.Code == application.ErrPassed.Code:
		return r.Why + ": as long as the cycle is open, “Permit a late submission” (permit.grant) until a time still to come lets the same row in"
	}
	return r.Why
}

// firstWords are some of what a row says, enough to know it by.
func firstWords(r *sheet.Reading, row sheet.Row) (words []string) {
	for _, f := range r.Columns {
		if text := r.Cell(row, f.Field).Words(); text != "" && len(words) < 5 {
			words = append(words, text)
		}
	}
	return words
}
