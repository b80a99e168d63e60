package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/when"
	"github.com/daybook-engine/daybook/projections"
)

// againPage plans another season as one was, with other dates: every date that
// the earlier one published, moved by whole weeks, so that a Monday stays one.
type againPage struct {
	frame
	faulty
	Groups []againGroup
	Told   []string
	Action string
	Kept   []pair
	Back   string
}

// An againGroup is a thing that has dates, and what is to be looked at in them.
type againGroup struct {
	Title  string
	Was    string
	Fields []againField
	Notes  []string
}

type againField struct {
	ID, Name, Label, Hint, Error, Value, Kind string // line, date, local, yes
	Checked                                   bool
}

// An again is such a season, as far as it is filled in.
type again struct {
	of     projections.Cycle
	rules  programme.Definition
	now    time.Time
	given  url.Values
	faults []Fault
	notes  map[string][]string // by group
}

func (s *Server) showAgain(w http.ResponseWriter, r *http.Request) error {
	v, a, err := s.again(r, r.PathValue("cycle"))
	if err != nil {
		return err
	}
	a.given = a.proposal()
	a.given.Set(formID, uuid.NewString())
	return s.renderAgain(w, http.StatusOK, v, a, "")
}

// again is the season that another one is to be made from.
func (s *Server) again(r *http.Request, cycle string) (*visit, *again, error) {
	v, err := s.beside(r, cycle)
	if err != nil {
		return nil, nil, err
	}
	if v.cycle.Cycle == "" {
		_, err := s.views.Cycle(r.Context(), cycle)
		return nil, nil, cmp.Or[error](err, errForm)
	}
	a := &again{of: v.cycle, now: s.now(), notes: map[string][]string{}}
	a.rules, err = s.views.Definition(r.Context(), v.cycle.VersionAt(s.now()))
	if errors.Is(err, domain.NotFound) {
		err = nil
	}
	return v, a, err
}

// planAgain checks all of it, then issues one command after the other, under one
// correlation. What is wrong is said beside it, before anything is recorded; and
// a form that is sent again goes on from where it was broken off.
func (s *Server) planAgain(w http.ResponseWriter, r *http.Request) error {
	v, a, err := s.again(r, r.URL.Query().Get("cycle"))
	if err != nil {
		return err
	}
	a.given = r.PostForm
	id, err := uuid.Parse(a.given.Get(formID))
	if err != nil {
		return errForm
	}
	a.check()
	switch {
	case len(a.faults) > 0:
		return s.renderAgain(w, http.StatusBadRequest, v, a, "Nothing was recorded")
	case a.given.Get(".check") != "":
		return s.renderAgain(w, http.StatusOK, v, a, "")
	}
	var last Done
	for i, o := range a.orders() {
		of := o.Command + " " + o.Given.Get("stage") + o.Given.Get("call")
		o.ID, o.Correlation = uuid.NewSHA1(id, []byte(of)), id.String()
		done, faults, err := s.acting.Do(r.Context(), o.Order)
		if err == nil && len(faults) == 0 {
			if len(done.Names) > 0 {
				last = done
			}
			continue
		}
		for _, f := range faults {
			a.faults = append(a.faults, Fault{o.field(f.Question), f.Text})
		}
		verdict := "Nothing was recorded"
		if i > 0 {
			verdict = "The season is planned as far as here, and not further; send it again when this is mended"
		}
		refusal := new(domain.Error)
		switch {
		case err != nil && !errors.As(err, &refusal):
			s.log.Error("season", "command", o.Command, "err", err)
			verdict = "It is not known whether all of it was recorded; send it again, as it is: it is recorded once"
		case refusal.Code == "command_id_used":
			a.given.Set(formID, uuid.NewString())
			a.faults, verdict = []Fault{{"", errUsed}}, "The season is planned in part, as this form said before"
		}
		return s.renderAgain(w, http.StatusConflict, v, a, verdict)
	}
	waiting, cancel := context.WithTimeout(r.Context(), behind)
	defer cancel()
	if err := s.views.WaitFor(waiting, last.Position); err != nil {
		s.log.Error("pages are behind", "position", last.Position, "err", err)
	}
	returned(w, r, "/cycles/"+url.PathEscape(a.given.Get("cycle")), last)
	return nil
}

func (s *Server) keepAgain(w http.ResponseWriter, r *http.Request, wrong Fault) error {
	v, a, err := s.again(r, r.URL.Query().Get("cycle"))
	if err != nil {
		return err
	}
	a.given, a.faults = r.PostForm, []Fault{wrong}
	return s.renderAgain(w, http.StatusConflict, v, a, "Nothing was recorded")
}

var years = regexp.MustCompile(`\b(19|20)\d\d\b`)

// move is by how many years, and by how many days, the earlier season's dates
// are moved: until it begins in time to come, and by whole weeks.
func (a *again) move() (n, days int) {
	from, err := a.of.From.Start(a.of.Zone)
	for n = 1; err == nil && from.AddDate(n, 0, 0).Before(a.now); n++ {
	}
	return n, 7 * int(math.Round(float64(n)*365.25/7))
}

// proposal fills the form in as the earlier season was, a year later.
func (a *again) proposal() url.Values {
	n, days := a.move()
	named := func(text string) string {
		return years.ReplaceAllStringFunc(text, func(y string) string { k, _ := strconv.Atoi(y); return strconv.Itoa(k + n) })
	}
	date := func(p when.Partial) string {
		if day, err := time.Parse(time.DateOnly, string(p)); err == nil {
			return day.AddDate(0, 0, days).Format(time.DateOnly)
		}
		return named(string(p))
	}
	q := url.Values{"cycle": {named(a.of.Cycle)}, "title": {named(a.of.Title)}, "from": {date(a.of.From)}, "to": {date(a.of.To)}}
	if q.Get("cycle") == a.of.Cycle {
		q.Set("cycle", a.of.Cycle+"-"+strconv.Itoa(a.of.Year+n))
	}
	for i, x := range a.of.Stages {
		q.Set(stageField(i, "from"), date(x.From))
		q.Set(stageField(i, "to"), date(x.To))
		q.Set(stageField(i, "published"), moved(x.Published, string(x.From), n, days))
	}
	for i, c := range a.of.Calls {
		if at, err := time.Parse("2006-01-02T15:04", c.Deadline.Local[:min(16, len(c.Deadline.Local))]); err == nil {
			q.Set(callField(i, "local"), at.AddDate(0, 0, days).Format("2006-01-02T15:04"))
		}
		q.Set(callField(i, "published"), moved(c.Deadline.Published, c.Deadline.Local, n, days))
	}
	return q
}

func stageField(i int, name string) string { return "stage." + strconv.Itoa(i) + "." + name }
func callField(i int, name string) string  { return "call." + strconv.Itoa(i) + "." + name }

const monthNames = `January|February|March|April|May|June|July|August|September|October|November|December`

var (
	dated   = regexp.MustCompile(`(?:(\d{1,2})( to | and | – |–|-)((?:[A-Z][a-z]+ )?))?(\d{1,2}) (` + monthNames + `)\b( \d{4})?`)
	monthly = regexp.MustCompile(`(` + monthNames + `) (\d{4})`)
)

// moved is a wording with the dates in it moved. Where it is left with another
// date than is meant, the check of wordings says so.
func moved(published, around string, n, days int) string {
	year, _ := strconv.Atoi(around[:min(4, len(around))])
	said := map[string]bool{} // what was moved is not moved again
	text := dated.ReplaceAllStringFunc(published, func(found string) string {
		m := dated.FindStringSubmatch(found)
		of := year
		if m[6] != "" {
			of, _ = strconv.Atoi(strings.TrimSpace(m[6]))
		}
		move := func(day string) (time.Time, bool) {
			t, err := time.Parse("2 January 2006", fmt.Sprintf("%s %s %d", day, m[5], of))
			return t.AddDate(0, 0, days), err == nil
		}
		last, ok := move(m[4])
		if !ok {
			return found
		}
		text := last.Format("2 January")
		if m[6] != "" {
			text = last.Format("2 January 2006")
			said[last.Format("January 2006")] = true
		}
		if first, ok := move(m[1]); m[1] != "" && ok {
			layout := "2"
			if first.Month() != last.Month() {
				layout = "2 January"
			}
			text = first.Format(layout) + m[2] + m[3] + text
		}
		return text
	})
	return monthly.ReplaceAllStringFunc(text, func(found string) string {
		m := monthly.FindStringSubmatch(found)
		if y, err := strconv.Atoi(m[2]); err == nil && !said[found] {
			return m[1] + " " + strconv.Itoa(y+n)
		}
		return found
	})
}

// An againOrder is a command of the season, and which of the form's fields are
// its own.
type againOrder struct {
	Order
	prefix string
}

func (o againOrder) field(question string) string {
	if question == "" || o.prefix == "" {
		return question
	}
	return o.prefix + strings.TrimPrefix(question, "deadline.")
}

// orders are what the season takes: the plan, its timetable, and those calls that
// are to open at once.
func (a *again) orders() []againOrder {
	cycle := a.given.Get("cycle")
	list := []againOrder{{Order{Command: "cycle.plan", Given: said("cycle", cycle, "programme", a.of.Programme, "title", a.given.Get("title"), "from", a.given.Get("from"), "to", a.given.Get("to"))}, ""}}
	for i, x := range a.of.Stages {
		prefix := stageField(i, "")
		if a.given.Get(prefix+"from") == "" {
			continue
		}
		list = append(list, againOrder{Order{Command: "stage.schedule", Given: said("cycle", cycle, "stage", x.Stage, "from", a.given.Get(prefix+"from"), "to", a.given.Get(prefix+"to"), "published", a.given.Get(prefix+"published"))}, prefix})
	}
	for i, c := range a.of.Calls {
		if prefix := callField(i, ""); a.given.Get(prefix+"open") != "" {
			list = append(list, againOrder{Order{Command: "call.open", Given: said("cycle", cycle, "call", c.Call, "deadline.local", a.given.Get(prefix+"local"), "deadline.zone", c.Deadline.Zone, "deadline.rule", string(c.Deadline.Rule), "deadline.published", a.given.Get(prefix+"published"))}, prefix})
		}
	}
	return list
}

// check says what is wrong with the dates, which is the same that the commands
// would refuse, and what somebody should look at.
func (a *again) check() {
	fault := func(field string, err error) bool {
		if err != nil {
			a.faults = append(a.faults, Fault{field, err.Error()})
		}
		return err != nil
	}
	if fault("cycle", domain.CheckSlug("cycle", a.given.Get("cycle"))); a.given.Get("cycle") == a.of.Cycle {
		fault("cycle", errors.New("this is the season that it is copied from; give the new one another id"))
	}
	if strings.TrimSpace(a.given.Get("title")) == "" {
		fault("title", errors.New("say what people call it"))
	}
	a.span("", "the season", "")
	earlier := 0
	for i, x := range a.of.Stages {
		prefix := stageField(i, "")
		if a.given.Get(prefix+"from") == "" {
			a.note(prefix, "It is left out.")
			continue
		}
		from := a.span(prefix, "the stage", a.given.Get(prefix+"published"))
		before, wrong := when.Partial(a.given.Get(stageField(earlier, "from"))).Start(a.of.Zone)
		was, wrongWas := a.of.Stages[earlier].From.Start(a.of.Zone)
		now, wrongNow := x.From.Start(a.of.Zone)
		if errors.Join(wrong, wrongWas, wrongNow) == nil && !from.IsZero() && from.Before(before) && !now.Before(was) {
			a.note(prefix, "It begins before “"+inWords(a.of.Stages[earlier].Stage)+"”, other than last time.")
		}
		earlier = i
	}
	for i, c := range a.of.Calls {
		prefix := callField(i, "")
		fault := fault
		if a.given.Get(prefix+"open") == "" { // nothing of it is recorded
			fault = func(_ string, err error) bool {
				if err != nil {
					a.note(prefix, capital(err.Error())+".")
				}
				return err != nil
			}
		}
		d := when.Deadline{Local: a.given.Get(prefix + "local"), Zone: c.Deadline.Zone, Rule: c.Deadline.Rule, Published: a.given.Get(prefix + "published")}
		at, err := when.Local(d.Local, d.Zone)
		if fault(prefix+"local", err) {
			continue
		}
		if wall, err := time.Parse("2006-01-02T15:04", d.Local); err == nil {
			fault(prefix+"published", when.CheckWording(d.Published, wall))
			a.working(prefix, wall)
		}
		if d.Instant = at; !d.Met(a.now) {
			fault(prefix+"local", errors.New("this deadline has passed already"))
		}
		a.note(prefix, "In UTC: "+at.UTC().Format("2006-01-02 15:04")+".")
		if begins, err := when.Partial(a.given.Get("from")).Start(a.of.Zone); err == nil && at.After(begins) {
			a.note(prefix, "The season begins before it.")
		}
	}
}

func (a *again) note(group, text string) { a.notes[group] = append(a.notes[group], text) }

// span checks the dates from and to of a group, and gives when it begins.
func (a *again) span(prefix, what, published string) (from time.Time) {
	zone := location(a.of.Zone)
	for _, name := range []string{"from", "to"} {
		date := when.Partial(a.given.Get(prefix + name))
		if date == "" && name == "to" && prefix != "" {
			continue
		}
		at, err := date.Start(a.of.Zone)
		if name == "to" && err == nil {
			at, err = date.End(a.of.Zone)
		}
		switch {
		case err != nil:
			a.faults = append(a.faults, Fault{prefix + name, err.Error()})
			continue
		case name == "from":
			from = at
		case !from.IsZero() && at.Before(from):
			a.faults = append(a.faults, Fault{prefix + name, what + " ends before it begins"})
		}
		if len(date) == len(time.DateOnly) {
			a.working(prefix, at.In(zone))
			if name == "from" && published != "" {
				if err := when.CheckWeekday(published, at.In(zone)); err != nil {
					a.faults = append(a.faults, Fault{prefix + "published", err.Error()})
				}
			}
		}
	}
	return from
}

// working notes a day on which nobody works, and a calendar that does not know.
func (a *again) working(group string, day time.Time) {
	c := a.rules.Calendar
	switch words := day.Format("Monday 2 January 2006"); {
	case c.Name == "":
	case !c.IsWorking(day):
		a.note(group, words+" is no working day.")
	case !c.Covers(day.Year()):
		text := "The calendar " + c.Name + " knows no holidays of " + strconv.Itoa(day.Year()) + ": look at each day yourself, or publish a definition that has them."
		if !slices.Contains(a.notes[""], text) {
			a.note("", text)
		}
	}
}

// told are the sentences that people will be told of deadlines, and when they
// are written to.
func (a *again) told() (list []string) {
	for i, c := range a.of.Calls {
		prefix := callField(i, "")
		if a.given.Get(prefix+"open") == "" {
			continue
		}
		list = append(list, "Call for "+inWords(c.Call)+": “"+a.given.Get(prefix+"published")+"”, which is "+deadline(when.Deadline{Local: a.given.Get(prefix + "local"), Zone: c.Deadline.Zone, Rule: c.Deadline.Rule})+".")
	}
	for i, x := range a.of.Stages {
		if text := a.given.Get(stageField(i, "published")); text != "" && a.given.Get(stageField(i, "from")) != "" {
			list = append(list, capital(inWords(x.Stage))+": “"+text+"”.")
		}
		if offered, err := when.Partial(a.given.Get(stageField(i, "from"))).Start(a.of.Zone); x.Stage == "offers" && err == nil {
			noon := offered.Add(12 * time.Hour)
			if due, err := a.rules.Offer.ReplyWithin.From(noon, a.of.Zone, a.rules.Calendar); err == nil && due.After(noon) {
				list = append(list, "An offer that is made on "+offered.In(location(a.of.Zone)).Format("Monday 2 January 2006")+" is to be answered by "+due.In(location(a.of.Zone)).Format("Monday 2 January 2006, 15:04")+".")
			}
		}
	}
	for _, m := range a.rules.Messages {
		if len(m.Templates) > 0 {
			list = append(list, "When “"+inWords(strings.ReplaceAll(m.On, ".", " "))+"” is recorded, the "+inWords(m.To)+" is written to: “"+m.Templates[0].Subject+"”.")
		}
	}
	for _, t := range a.rules.Tasks {
		if len(t.Remind.Before) > 0 {
			list = append(list, "Of “"+t.Text+"” whoever has it is reminded before it is due.")
		}
	}
	return list
}

func (s *Server) renderAgain(w http.ResponseWriter, status int, v *visit, a *again, verdict string) error {
	if status == http.StatusOK {
		a.faults, a.notes = nil, map[string][]string{}
		a.check()
	}
	p := againPage{
		frame: v.plainFrame("Another season like "+v.title(), ""), Told: a.told(), Back: v.to(""),
		Action: "/do/again?" + said("cycle", a.of.Cycle).Encode(), Kept: []pair{{formID, a.given.Get(formID)}},
	}
	p.Sheets = nil
	errs := map[string]string{}
	for _, f := range a.faults {
		errs[f.Question] = capital(f.Text)
	}
	var inputs []inputLine
	field := func(name, label, kind, hint string) againField {
		inputs = append(inputs, inputLine{ID: "f-" + name, Name: name})
		return againField{ID: "f-" + name, Name: name, Label: label, Kind: kind, Hint: hint, Value: a.given.Get(name), Checked: a.given.Get(name) != "", Error: errs[name]}
	}
	p.Groups = append(p.Groups, againGroup{"The season", span(a.of.From, a.of.To), []againField{
		field("title", "Title", "line", ""), field("cycle", "Short name of the cycle", "line", "Small letters, digits and hyphens: it stands in addresses"),
		field("from", "From", "date", "A day, a month or a year: 2024-09-01, 2024-09"), field("to", "To", "date", ""),
	}, a.notes[""]})
	for i, x := range a.of.Stages {
		prefix := stageField(i, "")
		p.Groups = append(p.Groups, againGroup{"Timetable: " + inWords(x.Stage), span(x.From, x.To), []againField{
			field(prefix+"from", "From", "date", "Empty leaves it out"), field(prefix+"to", "To", "date", ""), field(prefix+"published", "As published", "line", ""),
		}, a.notes[prefix]})
	}
	for i, c := range a.of.Calls {
		prefix := callField(i, "")
		p.Groups = append(p.Groups, againGroup{"Call for " + inWords(c.Call), "deadline " + deadline(c.Deadline), []againField{
			field(prefix+"local", "Deadline", "local", "By the clocks of "+c.Deadline.Zone+"; "+map[when.Rule]string{when.By: "what is received at that moment is in time", when.Before: "what is received at that moment is too late"}[c.Deadline.Rule]),
			field(prefix+"published", "As published", "line", ""),
			field(prefix+"open", "Open this call at once", "yes", "Else it opens when you open it, and its deadline is told then"),
		}, a.notes[prefix]})
	}
	p.faulty = faulty{cmp.Or(verdict, "To be mended before it can be planned"), v.faultLines(a.faults, inputs), s.others(a.given)}
	return s.render(w, status, "again", p)
}
