package web

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/match"
	tasks "github.com/daybook-engine/daybook/domain/task"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/projections"
)

var (
	errForm = domain.Wrong("form_malformed", "this form cannot be read; open it again from the page that it belongs to")
	errText = domain.Wrong("text_malformed", "what was sent is no text in UTF-8, and would be kept as other letters than were written")
	errOurs = "something went wrong here, and not with what you wrote. Send it again in a while, as it is: it is recorded once. Reference"
	errUsed = "this form was sent before, with something else in it, and that stands; to have this recorded as well, send it once more"
)

const (
	// behind is how long an answer waits for the pages to know of it.
	behind = 5 * time.Second
	// mostPeople bounds a choice of people: of more, one is named by handle.
	mostPeople = 400
	mostChange = 8 // events that are told where an order is refused
)

// formPage is the form of one command.
type formPage struct {
	frame
	Command string
	Heading string
	Known   []row
	faulty
	Changed []eventLine // since the form was opened
	Inputs  []inputLine
	Preset  folded // what mostly stays as it stands there
	Cause   folded // what every command may say
	Action  string
	Kept    []pair
	Back    string
	Verb    string // what its button says, where that isn't what the command is called
	First   bool   // what the rest of the form depends on is asked first
}

// A faulty page was sent, and nothing came of it; unless there are no Faults.
type faulty struct {
	Verdict string // "" says that nothing was recorded
	Faults  []faultLine
	By      string // who opened it, where that is somebody else than acts now
}

// A faultLine is a fault, and where it is put right.
type faultLine struct{ Text, Href string }

// A folded part of a form is one that mostly stays as it is.
type folded struct {
	Words  string // what stands there at first
	Inputs []inputLine
	Open   bool
}

// An inputLine is a question, and what is written there so far.
type inputLine struct {
	ID, Name, Label, Hint, Error string
	Describes                    string // ids of hint and error
	Kind                         string // line, lines, document, number, local, moment, yes, radios, checkboxes, select
	Unit                         string
	Optional                     bool
	Value                        string
	Ranked                       []rankLine
	Options                      []optionLine
	Zone                         string
	Checked                      bool
	Width                        string
}

type rankLine struct {
	ID, Label, Value string
}

type optionLine struct {
	ID string
	option
}

// showForm renders the form of a command. What the address says of its fields
// stands; the rest is asked.
func (s *Server) showForm(w http.ResponseWriter, r *http.Request) error {
	f := filled{command: r.PathValue("command")}
	f.known, f.back = knownOf(r.URL.Query())
	if text, ok := s.example(r.URL.Query().Get(formExample)); ok {
		f.begun = said("definition", text)
	}
	return s.openForm(w, r, f)
}

// openForm renders a form that is to be filled in.
func (s *Server) openForm(w http.ResponseWriter, r *http.Request, f filled) error {
	head, err := s.store.Head(r.Context())
	if err != nil {
		return err
	}
	f.id, f.since = uuid.NewString(), head.String()
	return s.renderForm(w, r, http.StatusOK, f)
}

// filled is a form, as far as it is filled in.
type filled struct {
	command   string
	known     url.Values // from the address
	begun     url.Values // what its inputs hold at first
	given     url.Values // as it was sent; nil before
	back      string
	id, since string
	faults    []Fault
	verdict   string
	refused   bool // by the rules, on what may have changed since
}

// knownOf tells the fields of a command in an address from the form's own.
func knownOf(q url.Values) (known url.Values, back string) {
	back = backTo(q.Get(formBack))
	q.Del(formBack)
	for name, values := range q {
		if strings.Join(values, "") == "" || strings.HasPrefix(name, ".") {
			q.Del(name)
		}
	}
	return q, back
}

// sent is a form as it was sent.
func sent(r *http.Request) filled {
	f := filled{command: r.PathValue("command"), given: r.PostForm, id: r.PostForm.Get(formID), since: r.PostForm.Get(formSince)}
	f.known, f.back = knownOf(r.URL.Query())
	return f
}

func (s *Server) keepForm(w http.ResponseWriter, r *http.Request, wrong Fault) error {
	f := sent(r)
	f.faults = []Fault{wrong}
	return s.renderForm(w, r, http.StatusConflict, f)
}

// act issues the command of a form, and leads back to the page that it was
// opened from. What was typed is given back with whatever is wrong.
func (s *Server) act(w http.ResponseWriter, r *http.Request) error {
	f := sent(r)
	for _, values := range f.given {
		for _, text := range values {
			if !utf8.ValidString(text) {
				return errText
			}
		}
	}
	id, err := uuid.Parse(f.given.Get(formID))
	if err != nil {
		return errForm
	}
	f.id = id.String()
	order := Order{Command: f.command, ID: id, Given: url.Values{}}
	for name, values := range f.given {
		if !strings.HasPrefix(name, ".") {
			order.Given[name] = values
		}
	}
	for name, values := range f.known {
		order.Given[name] = values
	}
	done, faults, err := s.acting.Do(r.Context(), order)
	var refusal *domain.Error
	switch {
	case err == nil && len(faults) == 0:
		waiting, cancel := context.WithTimeout(r.Context(), behind)
		defer cancel()
		if err := s.views.WaitFor(waiting, done.Position); err != nil { // it is kept: the page will say that it is behind
			s.log.Error("pages are behind", "position", done.Position, "err", err)
		}
		returned(w, r, f.back, done)
		return nil
	case err == nil:
		f.faults = faults
		return s.renderForm(w, r, http.StatusBadRequest, f)
	case !errors.As(err, &refusal):
		reference := rand.Text()[:10]
		s.log.Error("order", "reference", reference, "command", f.command, "err", err)
		if len(faults) == 0 {
			faults = []Fault{{"", errOurs + " " + reference}}
		}
		f.faults, f.verdict = faults, "It is not known whether this was recorded"
		return s.renderForm(w, r, http.StatusInternalServerError, f)
	}
	switch {
	case refusal.Code == "command_id_used":
		f.id, faults = uuid.NewString(), []Fault{{"", errUsed}}
	case len(done.Names) > 0: // what is sent now is another attempt
		f.id, f.verdict = uuid.NewString(), "This was refused, and that is recorded"
	}
	f.faults, f.refused = faults, true
	return s.renderForm(w, r, statusOf(refusal), f)
}

// renderForm renders a form with what is known, asked, written and wrong.
func (s *Server) renderForm(w http.ResponseWriter, r *http.Request, status int, f filled) error {
	questions, err := s.acting.Ask(r.Context(), f.command, f.known)
	if err != nil {
		return err
	}
	v, err := s.beside(r, f.known.Get("cycle"))
	if err != nil {
		return err
	}
	p := formPage{
		frame: v.plainFrame(s.acting.Words(f.command, f.known), ""), Command: f.command, Heading: s.acting.Words(f.command, f.known), Back: f.back,
		Action: href("/do/"+url.PathEscape(f.command), f.known, formBack, f.back),
		Kept:   []pair{{formID, f.id}, {formSince, f.since}},
	}
	p.First = slices.ContainsFunc(questions, func(q Question) bool { return q.Type == "answers" })
	for _, q := range questions {
		switch {
		case p.First && q.Name != "cycle" && q.Name != "call":
			continue
		case q.Name == "cycle" && f.known.Has(q.Name) && v.cycle.Cycle == f.known.Get(q.Name): // it stands above
			continue
		case f.known.Has(q.Name):
			p.Known = append(p.Known, v.knownRow(q, f.known))
			continue
		}
		q.Value = cmp.Or(f.begun.Get(q.Name), q.Value)
		in, err := v.inputOf(q, f)
		if err != nil {
			return err
		}
		p.put(q, in, f)
	}
	if p.First {
		p.Action, p.Kept = "/do/"+url.PathEscape(f.command), append(pairs(f.known), pair{formBack, f.back})
	}
	if len(f.faults) > 0 {
		p.Title, p.Verdict, p.By = "Error: "+p.Title, f.verdict, s.others(f.given)
	}
	p.Faults = v.faultLines(f.faults, slices.Concat(p.Inputs, p.Preset.Inputs, p.Cause.Inputs))
	if f.refused {
		if p.Changed, err = v.changed(f); err != nil {
			return err
		}
	}
	return s.render(w, status, "form", p)
}

// put puts a question where it stands: what is preset, and what is about the cause,
// is folded away, unless something else was said there.
func (p *formPage) put(q Question, in inputLine, f filled) {
	otherwise := in.Error != "" || f.given.Has(q.Name) && f.given.Get(q.Name) != q.Value
	switch {
	case q.Cause && !q.Needed:
		p.Cause.Inputs = append(p.Cause.Inputs, in)
		p.Cause.Open = p.Cause.Open || otherwise || q.Type == "person" && q.Value != ""
	case q.Preset:
		p.Preset.Inputs = append(p.Preset.Inputs, in)
		p.Preset.Open = p.Preset.Open || otherwise
		if q.Value != "" {
			p.Preset.Words = strings.TrimPrefix(p.Preset.Words+", "+strings.ToLower(in.Label)+": "+in.words(q.Value), ", ")
		}
	default:
		p.Inputs = append(p.Inputs, in)
	}
}

// words are a value of an input's, as it is chosen by.
func (in inputLine) words(value string) string {
	for _, o := range in.Options {
		if o.Value == value {
			return o.Text
		}
	}
	return value
}

// faultLines tell what is wrong, and lead to where that is put right.
func (v *visit) faultLines(faults []Fault, inputs []inputLine) (lines []faultLine) {
	for _, fault := range faults {
		l := faultLine{Text: capital(v.saying(fault.Text))}
		for _, in := range inputs {
			if in.Name == fault.Question {
				l.Href = "#" + in.target()
			}
		}
		lines = append(lines, l)
	}
	return lines
}

// target is the id of what a fault leads to.
func (in inputLine) target() string {
	switch {
	case len(in.Ranked) > 0:
		return in.Ranked[0].ID
	case in.Kind == "radios" || in.Kind == "checkboxes":
		return in.Options[0].ID
	}
	return in.ID
}

// inputOf is a question as it is put on the page.
func inputOf(q Question, f filled, everybody []option) inputLine {
	in := inputLine{ID: "f-" + q.Name, Name: q.Name, Label: q.Label, Hint: q.Hint, Unit: q.Unit, Optional: !q.Needed, Kind: q.Type, Value: q.Value, Zone: q.Zone}
	values := []string{q.Value}
	if f.given != nil {
		values = f.given[q.Name]
		in.Value, in.Zone = f.given.Get(q.Name), f.given.Get(q.Name+".zone")
		in.Checked = in.Value == "true"
	}
	choices := q.Choices
	if q.Type == "person" && len(everybody) <= mostPeople {
		for _, o := range everybody {
			choices = append(choices, Choice{o.Value, o.Text})
		}
	}
	for i, c := range choices {
		in.Options = append(in.Options, optionLine{fmt.Sprintf("%s-%d", in.ID, i+1), option{c.Value, c.Text, slices.Contains(values, c.Value)}})
	}
	switch {
	case q.Several:
		in.Kind = "checkboxes"
	case len(choices) > 0 && len(choices) <= 6 && q.Needed && q.Type != "person":
		in.Kind = "radios"
	case len(choices) > 0:
		in.Kind = "select"
	case q.Type == "person":
		in.Kind, in.Hint = "line", cmp.Or(in.Hint, "The person's handle")
	}
	for i := range q.Times {
		l := rankLine{ID: fmt.Sprintf("%s-%d", in.ID, i+1), Label: fmt.Sprintf("%s, number %d", q.Label, i+1)}
		if f.given != nil && i < len(values) {
			l.Value = values[i]
		}
		in.Ranked = append(in.Ranked, l)
	}
	in.Width = map[string]string{"number": "govuk-input--width-5", "date": "govuk-input--width-10", "local": "govuk-input--width-20", "moment": "govuk-input--width-20"}[in.Kind]
	if q.Name == "zone" || strings.HasSuffix(q.Name, ".zone") {
		in.Width = "govuk-input--width-20"
	}
	for _, fault := range f.faults {
		if fault.Question == q.Name {
			in.Error = capital(fault.Text)
		}
	}
	var describes []string
	if in.Hint != "" {
		describes = append(describes, in.ID+"-hint")
	}
	if in.Error != "" {
		describes = append(describes, in.ID+"-error")
	}
	in.Describes = strings.Join(describes, " ")
	return in
}

// knownRow is what is known of a field, in words.
func (v *visit) knownRow(q Question, known url.Values) row {
	values := known[q.Name]
	words := make([]string, len(values))
	for i, value := range values {
		words[i] = value
		if domain.IsUUID(value) && q.Type == "person" {
			words[i] = v.name(domain.Person(value))
		}
		for _, c := range q.Choices {
			if c.Value == value {
				words[i] = c.Text
			}
		}
	}
	r := row{Key: q.Label, Value: text(strings.Join(words, ", "))}
	switch {
	case q.Name == "session" && v.cycle.Cycle != "":
		if m, err := v.views.Match(v.ctx, v.cycle.Cycle, known.Get("match")); err == nil {
			for _, x := range m.Sessions {
				if strconv.Itoa(x.Session) == values[0] {
					l := v.sessionLine(m, x)
					if r.Note = l.Told + ", " + strings.ToLower(l.Status); x.Minutes > 0 {
						r.Note += ", " + l.Minutes + " minutes"
					}
				}
			}
		}
	case q.Name == "match":
		if m, err := v.views.Match(v.ctx, v.cycle.Cycle, values[0]); err == nil {
			r.Value = link{v.pair(m), v.to("/matches/" + url.PathEscape(m.Match))}
		}
	case q.Name == "task":
		if t, err := v.views.Task(v.ctx, values[0]); err == nil {
			r.Value.Text = t.Opened.Plan.Text
			r.Note = v.fileOf(t.File()).Text
		}
	case q.Name == "message":
		if m, err := v.views.Message(v.ctx, values[0]); err == nil {
			r.Value = link{capital(inWords(m.Key)) + " to " + v.name(m.Recipient), v.messageHref(m)}
		}
	}
	return r
}

var ids = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// saying puts names for the ids in what the rules answer.
func (v *visit) saying(text string) string {
	return ids.ReplaceAllStringFunc(text, func(id string) string { return v.name(domain.Person(id)) })
}

// changed is what was recorded, since a form was opened, of what it is about.
func (v *visit) changed(f filled) ([]eventLine, error) {
	since, err := eventstore.ParsePosition(f.since)
	if err != nil {
		return nil, nil // somebody else's form
	}
	filter := projections.HistoryFilter{Cycle: f.known.Get("cycle"), After: since, Newest: true, Limit: mostChange}
	switch {
	case f.known.Has("match"):
		filter.Stream = match.ID{Cycle: f.known.Get("cycle"), Match: f.known.Get("match")}.Stream()
	case f.known.Has("person"):
		filter.Subject = domain.Person(f.known.Get("person"))
	case f.known.Has("task"):
		filter.Stream = tasks.ID{Task: f.known.Get("task")}.Stream()
	case filter.Cycle == "":
		return nil, nil
	}
	rows, err := v.views.History(v.ctx, filter)
	return v.eventLines(rows), err
}
