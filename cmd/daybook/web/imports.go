package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/imports"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/projections"
)

// Importing is how whoever acts on the pages brings spreadsheets in. How a file
// is read and what its rows come to is decided elsewhere.
type Importing struct {
	Kinds   []string // of rows, those that they may bring in
	MaxFile int      // bytes
	// Understand tells what the columns of a file are taken for, by what is said
	// of them so far.
	Understand func(ctx context.Context, s Spreadsheet) (Understood, []Fault, error)
	// Preview tells what would become of each row, and does nothing.
	Preview func(ctx context.Context, s Spreadsheet) (Brought, []Fault, error)
	// Import brings in what is new, and tells of progress each time a row is done.
	Import func(ctx context.Context, s Spreadsheet, progress func(done, of int)) (Brought, error)
	// Revert takes back what an import recorded, as far as anything does, and
	// tells of progress each time something was.
	Revert func(ctx context.Context, id, reason string, progress func(done, of int)) error
}

// A Spreadsheet is a file on its way in, and what is said of its columns: nil
// before anything is.
type Spreadsheet struct {
	Kind, Cycle string
	File        string
	Source      []byte
	Said        url.Values
}

// Understood is how a file is understood.
type Understood struct {
	Form    string // what kind of file it is
	Header  int    // the row of the headings
	Rows    int    // below them
	Columns []Column
	Fields  []Choice   // what a column can be
	Needs   []string   // what some column says, or every row alike
	Same    []Question // what may be the same in every row
	From    []Question // whom a mail is from
	Words   []Question // what words in the file mean
	Reading []Question // how the file is read
}

// A Column is a column of a file, and what it is taken for.
type Column struct {
	Name, Heading string
	Samples       []string
	Field         string // "" for nothing
}

// A Deed is an event that an import recorded, and whether it stands.
type Deed struct {
	Stream, Event string
	At            eventstore.Position
	Undone        bool
	Left          string // why it stands; "" where it can be taken back
}

// standing tells that it can be taken back and was not.
func (d Deed) standing() bool { return !d.Undone && d.Left == "" }

// importsPage lists what was brought into a cycle, and takes more.
type importsPage struct {
	frame
	faulty
	Kinds  inputLine
	Bad    string // what is wrong with the file
	Action string
	Most   int // MB
	Lines  []importLine
}

type importLine struct {
	Import link
	Rows   string
	What   string
	By     string
	At     instant
	State  string
}

const (
	mostImports = 100
	formDo      = ".do" // which of its buttons a form was sent by
)

func (s *Server) showImports(w http.ResponseWriter, r *http.Request) error {
	return s.renderImports(w, r, http.StatusOK, r.URL.Query().Get("kind"), "", nil)
}

// renderImports renders the list, with what is wrong with a file that was sent.
func (s *Server) renderImports(w http.ResponseWriter, r *http.Request, status int, kind, bad string, faults []Fault) error {
	v, err := s.visit(r, r.PathValue("cycle"))
	if err != nil {
		return err
	}
	defer v.close()
	p := importsPage{frame: v.frame("Spreadsheets brought in", ""), Bad: bad}
	rows, err := v.views.History(v.ctx, projections.HistoryFilter{Cycle: v.cycle.Cycle, Name: "import.started", Newest: true, Limit: mostImports})
	if err != nil {
		return err
	}
	for _, r := range rows {
		l, err := v.importLine(r)
		if err != nil {
			return err
		}
		p.Lines = append(p.Lines, l)
	}
	if a := s.importing(); a != nil && v.at.at.IsZero() && !v.whole {
		p.Action, p.Most = v.to("/imports"), a.MaxFile>>20
		q := Question{Name: "kind", Label: "What its rows are", Type: "line", Needed: true, Value: kind}
		for _, k := range a.Kinds {
			q.Choices = append(q.Choices, Choice{k, capital(inWords(k))})
		}
		p.Kinds = inputOf(q, filled{faults: faults}, nil)
		for _, f := range faults {
			l := faultLine{Text: f.Text, Href: "#file"}
			if f.Question == q.Name {
				l.Href = "#" + p.Kinds.target()
			}
			p.Faults = append(p.Faults, l)
		}
	}
	return s.render(w, status, "imports", p)
}

// importing is how files are brought in; nil where nobody may.
func (s *Server) importing() *Importing {
	if s.acting == nil {
		return nil
	}
	return s.acting.Import
}

func (v *visit) importLine(r projections.HistoryRow) (l importLine, err error) {
	e, _ := r.Body.(imports.Started)
	l = importLine{
		Import: link{capital(inWords(e.Kind)), v.to("/imports/" + url.PathEscape(strings.TrimPrefix(r.Stream, imports.ID{}.Stream())))},
		Rows:   grouping(int64(e.Rows)), By: v.actor(r.Envelope.Actor), At: v.instant(r.Envelope.RecordedAt), State: "Not finished",
	}
	rest, err := v.views.History(v.ctx, projections.HistoryFilter{Stream: r.Stream, After: r.Position})
	for _, r := range rest {
		switch e := r.Body.(type) {
		case imports.Finished:
			l.What, l.State = v.spell(r.Sentence), "Brought in"
		case imports.Reverted:
			l.State = "Taken back: " + plural(e.Undone, "event", "events") + " undone, " + strconv.Itoa(e.Left) + " left"
		}
	}
	if len(rest) == 0 {
		l.What = "If it was broken off, the same file again does the rest"
	}
	return l, err
}

// importPage is one import: what it recorded, and what of that stands.
type importPage struct {
	frame
	Rows   []row
	Deeds  []deedLine
	Pages  pager
	Action string   // where the form to take it back is sent; "" where there is none
	Back   []string // what that does
	Fixed  bool     // nothing of it was taken back, or can be
	ID     string   // of the form
	Reason inputLine
	faulty
}

type deedLine struct {
	Event link
	File  link
	State string
}

// showImport shows an import, how far it is being taken back, or why it was not.
func (s *Server) showImport(w http.ResponseWriter, r *http.Request) error {
	f := filled{}
	if u := s.drawer.undoing(r.PathValue("cycle"), r.PathValue("import")); u != nil {
		switch j := u.under(); {
		case j == nil: // about to begin
		case !j.isOver():
			return s.renderProgress(w, r, j, "What it recorded is being taken back")
		case j.err != nil:
			f = unreverted(j)
		}
	}
	return s.renderImport(w, r, http.StatusOK, f)
}

// unreverted is the form to take an import back as it was sent, and why that was
// not done: for want of a proper reason, or of something else.
func unreverted(j *job) filled {
	fault := Fault{"", j.err.Error()}
	if errors.Is(j.err, domain.Invalid) {
		fault.Question = "reason"
	}
	return filled{given: j.said, faults: []Fault{fault}}
}

func (s *Server) renderImport(w http.ResponseWriter, r *http.Request, status int, f filled) error {
	v, err := s.visit(r, r.PathValue("cycle"), "page")
	if err != nil {
		return err
	}
	defer v.close()
	id := r.PathValue("import")
	if !domain.IsUUID(id) {
		return imports.ErrUnknown.Because(id)
	}
	rows, err := v.views.History(v.ctx, projections.HistoryFilter{Cycle: v.cycle.Cycle, Stream: imports.ID{Import: id}.Stream(), Name: "import.started"})
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return imports.ErrUnknown.Because(id)
	}
	l, err := v.importLine(rows[0])
	if err != nil {
		return err
	}
	p := importPage{frame: v.frame("Spreadsheet of "+strings.ToLower(l.Import.Text), ""), Rows: []row{
		{Key: "Brought in", At: l.At, Note: "by " + l.By}, {Key: "Rows", Value: text(l.Rows)}, {Key: "What came of them", Value: text(l.What)}, {Key: "State", Value: text(l.State)},
		{Key: "In the history", Value: link{"All that it recorded", v.to("/history", "correlation", id)}},
	}}
	if !v.at.at.IsZero() || s.deeds == nil { // what stands is told as it is now
		return s.render(w, status, "import", p)
	}
	deeds, err := s.deeds(v.ctx, id)
	if err != nil {
		return err
	}
	open := slices.ContainsFunc(deeds, Deed.standing)
	p.Fixed = !open && !slices.ContainsFunc(deeds, func(d Deed) bool { return d.Undone })
	from, to, pages := v.paged(len(deeds))
	p.Pages = pages
	for _, d := range deeds[from:to] {
		l := deedLine{Event: link{inWords(strings.ReplaceAll(d.Event, ".", " ")), v.event(d.At.String())}, File: v.fileOf(d.Stream), State: "stands"}
		if l.File.Text == "" {
			if l.File, err = v.whoOf(d.At); err != nil {
				return err
			}
		}
		switch {
		case d.Undone:
			l.State = "taken back"
		case d.Left != "":
			l.State = "stands: " + d.Left
		}
		p.Deeds = append(p.Deeds, l)
	}
	var asked []inputLine
	if s.importing() != nil && open {
		p.Back = undoing(deeds)
		p.Action, p.ID = v.to("/imports/"+url.PathEscape(id))+"/revert", uuid.NewString()
		p.Reason = inputOf(Question{Name: "reason", Label: "Why", Hint: "In a few words, without names, since they are kept for ever; such as: wrong file", Type: "line", Needed: true}, f, nil)
		asked = append(asked, p.Reason)
	}
	p.Faults, p.By = v.faultLines(f.faults, asked), s.others(f.given)
	return s.render(w, status, "import", p)
}

// undoing says what becomes of what can be taken back.
func undoing(deeds []Deed) (says []string) {
	for _, x := range [][2]string{
		{"application.received", "Its applications are retracted, as if they had never reached you: no list or figure has them, and they can be imported again. The history keeps both."},
		{"session.held", "The records of its sessions are retracted, as if they had never been made. They can be imported again."},
		{"match.proposed", "Its matches are unwound, by nobody’s fault."},
		{"attendance.recorded", "Those who were there are recorded as absent."},
	} {
		if slices.ContainsFunc(deeds, func(d Deed) bool { return d.Event == x[0] && d.standing() }) {
			says = append(says, x[1])
		}
	}
	return says
}

// whoOf is whom an event is about.
func (v *visit) whoOf(at eventstore.Position) (link, error) {
	r, err := v.s.eventAt(v.ctx, at)
	if err != nil {
		return link{}, err
	}
	env, err := schema.DecodeEnvelope(r.Metadata)
	if err != nil || len(env.Subjects) == 0 {
		return link{}, err
	}
	return text(v.name(env.Subjects[0])), nil
}

// revert takes an import back, to the end also when nobody waits for it.
func (s *Server) revert(w http.ResponseWriter, r *http.Request) error {
	form, err := uuid.Parse(r.PostForm.Get(formID))
	if err != nil {
		return errForm
	}
	cycle, id, reason := r.PathValue("cycle"), r.PathValue("import"), r.PostForm.Get("reason")
	u := s.drawer.undoing(cycle, id)
	if u == nil { // two that come here at once do no more than one
		u = &work{by: s.acting.by(), cycle: cycle, undo: id}
		s.drawer.put(u, s.now())
	}
	j := s.start(u, form.String(), r.PostForm, func(ctx context.Context, progress func(done, of int)) (Brought, error) {
		return Brought{ID: id}, s.importing().Revert(ctx, id, reason, progress)
	})
	if refused := new(domain.Error); j.over(r.Context()) && errors.As(j.err, &refused) {
		s.drawer.forget(u.key)
		return s.renderImport(w, r, statusOf(refused), unreverted(j))
	}
	http.Redirect(w, r, strings.TrimSuffix(r.URL.EscapedPath(), "/revert"), http.StatusSeeOther)
	return nil
}

func (s *Server) keepImport(w http.ResponseWriter, r *http.Request, wrong Fault) error {
	return s.renderImport(w, r, http.StatusConflict, filled{given: r.PostForm, faults: []Fault{wrong}})
}

// fileRoom is what a form takes around its file.
const fileRoom = 64 << 10

// upload takes a file, unless it is no spreadsheet, and leads on to its columns.
func (s *Server) upload(w http.ResponseWriter, r *http.Request) error {
	a, cycle := s.importing(), r.PathValue("cycle")
	sheet := Spreadsheet{Kind: r.PostForm.Get("kind"), Cycle: cycle}
	file, about, err := r.FormFile("file")
	switch {
	case !slices.Contains(a.Kinds, sheet.Kind):
		return s.renderImports(w, r, http.StatusBadRequest, sheet.Kind, "", []Fault{{"kind", "Say what the rows of the file are"}})
	case err != nil:
		return s.renderImports(w, r, http.StatusBadRequest, sheet.Kind, "Choose a file", []Fault{{"file", "Choose a file"}})
	}
	sheet.File, sheet.Source = about.Filename, make([]byte, about.Size)
	if _, err := file.ReadAt(sheet.Source, 0); err != nil && about.Size > 0 {
		return err
	}
	_, _, err = a.Understand(r.Context(), sheet)
	if refused := new(domain.Error); errors.As(err, &refused) {
		return s.renderImports(w, r, statusOf(refused), sheet.Kind, refused.Text, []Fault{{"file", refused.Text}})
	} else if err != nil {
		return err
	}
	key := s.drawer.put(&work{by: s.acting.by(), cycle: cycle, sheet: sheet}, s.now())
	http.Redirect(w, r, "/cycles/"+url.PathEscape(cycle)+"/work/"+key, http.StatusSeeOther)
	return nil
}

// columnsPage is where somebody says what the columns of a file are.
type columnsPage struct {
	frame
	Kind   string
	File   string
	Form   string
	Header int
	Count  string
	Needs  []string
	faulty
	Columns []columnLine
	From    []inputLine
	Same    []inputLine
	Open    bool // something of that, or of how the file is read, is needed
	Words   []inputLine
	Reading []inputLine
	Action  string
}

type columnLine struct {
	Name, Heading string
	Samples       []string
	ID, Field     string
	Error         string
	Options       []option
}

func (s *Server) renderColumns(w http.ResponseWriter, r *http.Request, status int, sheet Spreadsheet, faults []Fault) error {
	v, err := s.visit(r, sheet.Cycle)
	if err != nil {
		return err
	}
	defer v.close()
	u, wrong, err := s.importing().Understand(r.Context(), sheet)
	if err != nil {
		return err
	}
	for _, fault := range wrong { // what a preview has told is told once
		if !slices.Contains(faults, fault) {
			faults = append(faults, fault)
		}
	}
	p := columnsPage{
		frame: v.plainFrame("What the columns are", ""), Kind: inWords(sheet.Kind), File: sheet.File, Form: u.Form, Header: u.Header, Count: plural(u.Rows, "row", "rows"),
		Needs: u.Needs, Action: v.path,
	}
	f := filled{given: sheet.Said, faults: faults}
	for i, c := range u.Columns {
		name := "column." + strconv.Itoa(i)
		l := columnLine{Name: c.Name, Heading: c.Heading, Samples: c.Samples, ID: "f-" + name, Field: name}
		for _, choice := range u.Fields {
			l.Options = append(l.Options, option{choice.Value, capital(choice.Text), choice.Value == c.Field})
		}
		for _, fault := range faults {
			if fault.Question == name {
				l.Error = capital(fault.Text)
			}
		}
		p.Columns = append(p.Columns, l)
	}
	lines := func(questions []Question) (lines []inputLine) {
		for _, q := range questions {
			q.Label = capital(q.Label)
			given := f
			if given.given != nil && !given.given.Has(q.Name) { // asked for the first time
				given.given = nil
			}
			lines = append(lines, inputOf(q, given, nil))
		}
		return lines
	}
	p.From, p.Same, p.Words, p.Reading = lines(u.From), lines(u.Same), lines(u.Words), lines(u.Reading)
	inputs := slices.Concat(p.From, p.Same, p.Words, p.Reading)
	for _, c := range p.Columns {
		inputs = append(inputs, inputLine{ID: c.ID, Name: c.Field})
	}
	p.Open = slices.ContainsFunc(p.Same, func(in inputLine) bool { return !in.Optional }) || slices.ContainsFunc(p.Reading, func(in inputLine) bool { return in.Error != "" })
	if p.Faults = v.faultLines(faults, inputs); len(p.Faults) > 0 {
		p.Title = "Error: " + p.Title
	}
	return s.render(w, status, "columns", p)
}
