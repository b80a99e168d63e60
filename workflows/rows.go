package workflows

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"
	"github.com/mozillazg/go-unidecode"
	"golang.org/x/text/unicode/norm"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/access"
	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/domain/call"
	"github.com/daybook-engine/daybook/domain/gathering"
	"github.com/daybook-engine/daybook/domain/imports"
	"github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/domain/person"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/domain/when"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/workflows/document"
	"github.com/daybook-engine/daybook/workflows/sheet"
)

// What rows of a kind can say, and by which headings, in English and German.
var (
	whom = []sheet.Field{
		{Field: "name", Words: []string{"full name", "participant", "person", "name vorname", "vorname nachname", "nachname vorname", "vor nachname", "vor und nachname", "vollständiger name", "teilnehmer", "teilnehmerin", "teilnehmerinnen", "teilnehmende", "bewerber", "bewerberin", "bewerberinnen", "your name", "ihr name", "dein name"}},
		{Field: "first_name", Words: []string{"first name", "given name", "forename", "vorname"}},
		{Field: "last_name", Words: []string{"last name", "family name", "surname", "nachname", "familienname"}},
		{Field: "email", Label: "E-mail address", Like: anAddress, Words: []string{"mail", "e mail address", "e mail adresse", "mailadresse", "your e mail", "ihre e mail", "deine e mail"}},
		{Field: "handle", Label: "short name", Words: []string{"short name", "username", "kürzel", "kurzname", "kennung", "benutzername"}},
		{Field: "register", Label: "Counted among: a list of people", Same: true, Words: []string{"verzeichnis"}},
		{Field: "language", Same: true, Words: []string{"sprache"}},
	}
	pool = []sheet.Field{
		{Field: "pool", Same: true, Words: []string{"mentor pool", "mentorenpool"}},
		{Field: "capacity", Label: "Mentees at a time", Same: true, Words: []string{"places", "mentees", "number of mentees", "kapazität", "plätze", "anzahl plätze", "anzahl mentees"}},
		{Field: "expertise", Same: true, Words: []string{"skills", "areas of expertise", "fields", "fachgebiet", "fachgebiete", "schwerpunkt", "schwerpunkte", "kompetenzen"}},
	}
	applying = []sheet.Field{
		{Field: "call", Same: true, Words: []string{"ausschreibung", "aufruf"}},
		{Field: "received", Label: "Received: date, or date and time", Same: true, Like: aDate, Words: []string{"received at", "received on", "date received", "date", "timestamp", "submitted", "submitted at", "submission date", "datum", "eingang", "eingang am", "eingegangen", "eingegangen am", "eingangsdatum", "eingereicht", "eingereicht am", "bewerbungsdatum", "zeitstempel", "gesendet", "gesendet am"}},
		{Field: "received_time", Label: "Received: time of day", Same: true, Words: []string{"time", "time received", "uhrzeit", "eingangszeit"}},
		{Field: "route", Same: true, Words: []string{"weg"}},
		{Field: "organisation", Same: true, Words: []string{"organization", "institution", "museum", "employer", "organisation slug", "einrichtung", "haus", "arbeitgeber", "arbeitgeberin"}},
	}
	pairing = []sheet.Field{
		{Field: "match", Words: []string{"match id", "pair", "tandem", "paar"}},
		{Field: "mentee", Label: "Mentee: e-mail address or short name", Words: []string{"mentees", "mentee e mail", "e mail mentee", "e mail der mentee", "e mail des mentees", "mentee e mail adresse", "mentee kürzel", "mentee kennung"}},
		{Field: "mentor", Label: "Mentor: e-mail address or short name", Words: []string{"mentorin", "mentoren", "mentorinnen", "mentor mentorin", "mentorin mentor", "mentor e mail", "mentorin e mail", "e mail mentor", "e mail mentorin", "e mail des mentors", "e mail der mentorin", "mentor e mail adresse", "mentorin e mail adresse", "mentor kürzel", "mentorin kürzel", "mentor kennung", "mentorin kennung"}},
	}
	proposing = []sheet.Field{
		{Field: "previous", Label: "In place of which match", Words: []string{"previous match", "replaces", "ersetzt"}},
		{Field: "rationale", Label: "Why these two", Same: true, Words: []string{"reason", "why", "begründung"}},
		{Field: "accepted", Label: "Accepted by both: yes or no", Same: true, Words: []string{"confirmed", "angenommen", "bestätigt", "zugesagt"}},
	}
	holding = []sheet.Field{
		{Field: "session", Label: "Number of the session", Words: []string{"session no", "session number", "no", "number", "nr", "nummer", "sitzung", "sitzung nr", "sitzungsnummer", "treffen", "treffen nr", "gespräch", "gespräch nr"}},
		{Field: "date", Label: "Date, or date and time", Same: true, Like: aDate, Words: []string{"date held", "held on", "when", "when date", "datum", "tag", "termin", "start", "datum des treffens", "datum der sitzung"}},
		{Field: "time", Label: "Time of day", Same: true, Words: []string{"start time", "when time", "uhrzeit", "beginn", "zeit", "startzeit", "anfang"}},
		{Field: "minutes", Label: "Length in minutes", Same: true, Words: []string{"min", "mins", "duration", "duration min", "duration minutes", "duration in minutes", "length", "length min", "dauer", "dauer min", "dauer minuten", "dauer in min", "dauer in minuten", "länge", "länge min", "minuten"}},
		{Field: "hours", Label: "Length in hours", Same: true, Words: []string{"h", "hrs", "duration h", "duration hours", "duration in hours", "length hours", "stunden", "std", "dauer h", "dauer std", "dauer stunden", "dauer in h", "dauer in std", "dauer in stunden", "länge h", "länge std"}},
		{Field: "zone", Label: "Time zone", Same: true, Words: []string{"time zone", "when zone", "zeitzone"}},
		{Field: "mode", Label: "How it was held", Same: true, Words: []string{"how", "format", "form", "art", "art des treffens", "modus"}},
	}
)

func anAddress(c sheet.Cell) bool { return strings.Contains(c.Text, "@") }

func aDate(c sheet.Cell) bool {
	_, _, day := c.When(sheet.DayMonth)
	_, _, month := c.When(sheet.MonthDay)
	return day == nil || month == nil
}

// attending says who was at a training, at supervision or at an event.
var attending = slices.Concat([]sheet.Field{
	{Field: "person", Label: "Who was there: e-mail address or short name", Words: []string{"e mail", "mail", "e mail adresse", "mailadresse", "handle", "kürzel", "kennung", "participant", "attendee", "teilnehmer", "teilnehmerin", "teilnehmerinnen", "teilnehmende"}},
	{Field: "gathering", Label: "Training, supervision or event: its id", Words: []string{"training", "supervision", "event", "workshop", "veranstaltung", "schulung", "fortbildung"}},
	{Field: "present", Label: "They were there: yes or no", Same: true, Words: []string{"attended", "was there", "anwesend", "anwesenheit", "teilgenommen"}},
}, slices.DeleteFunc(slices.Clone(holding), func(f sheet.Field) bool { return f.Field != "minutes" && f.Field != "hours" }))

// A rowKind is what rows of a kind can say and must, and what they come to.
type rowKind struct {
	fields func(*importer) []sheet.Field
	needs  [][]string // of each, one
	row    func(*importer, *reader, *rowPlan)
	issues string // the command that whoever imports must be allowed
}

func saying(lists ...[]sheet.Field) func(*importer) []sheet.Field {
	return func(*importer) []sheet.Field { return slices.Concat(lists...) }
}

// fields are what rows of a kind can say, with the values that the definition
// knows.
func (x *importer) fields(kind rowKind) []sheet.Field {
	list := kind.fields(x)
	for i, f := range list {
		switch f.Field {
		case "mode":
			list[i].Choices = x.definition.Sessions.Modes
		case "call", "route":
			for _, c := range x.definition.Calls {
				if f.Field == "call" {
					list[i].Choices = append(list[i].Choices, c.Call)
				} else if x.Call == "" || c.Call == x.Call {
					for _, r := range c.Routes {
						list[i].Choices = append(list[i].Choices, r.Route)
					}
				}
			}
		}
	}
	return list
}

var rowKinds = map[string]rowKind{
	"people":       {saying(whom), [][]string{{"name", "last_name"}, {"email", "handle"}}, (*importer).aPerson, "person.register"},
	"mentors":      {saying(whom, pool), [][]string{{"email", "handle"}, {"pool"}, {"capacity"}}, (*importer).aMentor, "mentor.join"},
	"applications": {(*importer).formFields, [][]string{{"email", "handle"}}, (*importer).anApplication, "application.submit"},
	"matches":      {saying(pairing, proposing), [][]string{{"mentee"}, {"mentor"}}, (*importer).aMatch, "match.propose"},
	"sessions":     {saying(pairing, holding), [][]string{{"match", "mentee"}, {"match", "mentor"}, {"date"}, {"minutes", "hours"}, {"mode"}}, (*importer).aSession, "session.hold"},
	"attendance":   {saying(attending), [][]string{{"person"}, {"gathering"}, {"minutes", "hours"}}, (*importer).anAttendance, "attendance.record"},
}

// Importable lists the kinds of rows that somebody in a role may bring in.
func Importable(role access.Role) (kinds []string) {
	for _, kind := range imports.Kinds {
		if cmp.Or(access.Allow(role, "import.start"), access.Allow(role, rowKinds[kind].issues)) == nil {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// Columns are what the rows of a sheet can say and must, and which column is
// taken for what so far.
type Columns struct {
	Reading *sheet.Reading
	Fields  []sheet.Field
	Needs   [][]string // of each, one
}

// Columns looks at a sheet before anybody has said what its columns are.
func (g *Engine) Columns(ctx context.Context, in Import) (*Columns, error) {
	x, kind, err := g.importing(ctx, in)
	if err != nil {
		return nil, err
	}
	fields := x.fields(kind)
	reading := sheet.Guess(in.Sheet, fields, in.Map)
	x.done = &Imported{Reading: reading}
	if in.Map.Columns == nil && x.unit("minutes") == "" && slices.ContainsFunc(reading.Rows, func(row sheet.Row) bool {
		c := reading.Cell(row, "minutes")
		_, err := c.Minutes("")
		return err != nil && c.Text != ""
	}) { // minutes or hours: that is for a person to say
		reading.Columns = slices.DeleteFunc(reading.Columns, func(f sheet.Found) bool { return f.Field == "minutes" })
	}
	return &Columns{reading, fields, kind.needs}, nil
}

// importing finds what rows of a kind are judged by, if they may be brought in.
func (g *Engine) importing(ctx context.Context, in Import) (*importer, rowKind, error) {
	kind, ok := rowKinds[in.Kind]
	if !ok {
		return nil, kind, imports.ErrKind.Because(document.Suggest(in.Kind, imports.Kinds))
	}
	role, handle, err := ParseActor(in.By)
	if err != nil {
		return nil, kind, err
	}
	if err := cmp.Or(access.Allow(role, "import.start"), access.Allow(role, kind.issues)); err != nil {
		return nil, kind, err
	}
	actor, err := g.Registered(ctx, handle)
	if err != nil {
		return nil, kind, err
	}
	in.By = string(role) + "/" + string(actor) // found once, and not by each command
	x := &importer{Import: in, g: g, newcomers: map[string]*newcomer{}, handles: map[string]bool{}, calls: map[string]aCall{}}
	if x.then, err = g.ahead(ctx); err != nil {
		return nil, kind, err
	}
	x.l = lookup{ctx, x.then.engine, true}
	if x.definition, x.planned, err = x.l.definition(in.Cycle); err != nil {
		return nil, kind, err
	}
	if in.Kind == "applications" {
		err = x.chooseCall()
	}
	return x, kind, err
}

// plan reads a sheet's rows, and makes commands of them.
func (g *Engine) plan(ctx context.Context, in Import) (*importer, error) {
	if in.Map.Import != "" && in.Map.Import != in.Kind {
		return nil, in.Map.Wrong("import", "expected a map for %s, found one for %s", in.Kind, in.Map.Import)
	}
	x, kind, err := g.importing(ctx, in)
	if err != nil {
		return nil, err
	}
	reading, err := sheet.Understand(in.Sheet, x.fields(kind), in.Map)
	if err != nil {
		return nil, err
	}
	x.done = &Imported{Reading: reading, Rows: make([]ImportedRow, len(reading.Rows))}
	if err := x.needs(kind.needs); err != nil {
		return nil, err
	}
	if len(reading.Rows) == 0 {
		return nil, &sheet.Error{File: in.Sheet.File, Line: reading.Header.Line, Text: "expected rows below the headings, found none"}
	}
	x.rows = make([]rowPlan, len(reading.Rows))
	x.namesakes()
	readers := make([]reader, len(reading.Rows))
	for i, r := range reading.Rows {
		readers[i] = reader{x: x, row: r, unsure: x.Sheet.Claimed && !x.sure()}
		kind.row(x, &readers[i], &x.rows[i])
		if err := readers[i].fault; err != nil {
			return nil, err
		}
	}
	if err := x.number(); err != nil {
		return nil, err
	}
	said := map[uuid.UUID]int{} // the row that says it first
	for i, p := range x.rows {
		r := &x.done.Rows[i]
		*r = already(reading.Rows[i].Line)
		slices.Sort(readers[i].said)
		x.rows[i].says = strings.Join(readers[i].said, "\x00")
		switch doubt := readers[i].doubt; {
		case doubt != nil:
			r.Outcome, r.Why, r.Nobody = RowAsked, doubt.Error(), readers[i].nobody
		case p.refused != nil:
			r.Outcome, r.Code, r.Why = RowRefused, p.refused.Code, p.refused.Text
		}
		if r.Outcome != RowAlready {
			x.rows[i].orders, x.rows[i].register = nil, nil
			continue
		}
		if len(p.orders) == 0 {
			if p.newcomer != nil && p.register == nil {
				r.Why = fmt.Sprintf("the same person as line %d", p.newcomer.line)
			}
			continue
		}
		// Texts are no part of a command's id: two rows may differ in them alone.
		first, twice := said[p.orders[0].cause.CommandID]
		switch {
		case !twice:
			said[p.orders[0].cause.CommandID] = i
			continue
		case x.rows[first].says != x.rows[i].says:
			r.Outcome, r.Why = RowAsked, fmt.Sprintf("line %d says the same in other words: leave one of the two out", x.done.Rows[first].Line)
		default:
			r.Why = fmt.Sprintf("the same as line %d", x.done.Rows[first].Line)
		}
		x.rows[i].orders, x.rows[i].newcomer = nil, nil
	}
	return x, nil
}

// needs tells of what a kind needs and no column says.
func (x *importer) needs(all [][]string) error {
	var missing []string
	for _, either := range all {
		if !slices.ContainsFunc(either, x.said) {
			missing = append(missing, strings.Join(either, " or "))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	found := "none of its other columns was recognised"
	if len(x.done.Reading.Unused) > 0 {
		found = "not recognised: " + strings.Join(x.done.Reading.Unused, ", ")
	}
	return &sheet.Error{File: x.Sheet.File, Line: x.done.Reading.Header.Line, Text: fmt.Sprintf("expected a column for %s (%s); name it in a map, or set it for all rows there", strings.Join(missing, ", and for "), found)}
}

// said tells whether a column, or the map, says a field.
func (x *importer) said(field string) bool {
	_, set := x.Map.Set[field]
	return set || x.done.Reading.Has(field)
}

// A reader reads one row. The first thing that it cannot read is its doubt.
type reader struct {
	x      *importer
	row    sheet.Row
	said   []string
	unsure bool      // whom the mail is from, in which it is
	doubt  error     // for a person
	nobody *Stranger // whom it is about
	fault  error     // of ours
}

func (r *reader) ask(format string, args ...any) {
	if r.doubt == nil {
		r.doubt = sheet.Doubted(format, args...)
	}
}

func (r *reader) wrong(field string, err error) {
	if err != nil {
		r.ask("%s: %v", field, err)
	}
}

// failed sorts an error: an answer of the rules is a doubt, and anything else
// a fault.
func (r *reader) failed(field string, err error) {
	switch refused := new(domain.Error); {
	case err == nil:
	case errors.As(err, &refused):
		r.wrong(field, err)
	case r.fault == nil:
		r.fault = err
	}
}

func (r *reader) note(field, value string) {
	if value != "" {
		r.said = append(r.said, field+"="+value)
	}
}

func (r *reader) text(field string) string {
	text, err := r.x.done.Reading.Text(r.row, field)
	if err != nil {
		r.ask("%v", err)
	}
	r.note(field, text)
	return text
}

func (r *reader) slug(field string) string { return strings.ToLower(r.text(field)) }

func (r *reader) whole(field string) int {
	c := r.x.done.Reading.Cell(r.row, field)
	if c.Text == "" && c.Doubt == "" {
		return 0
	}
	n, err := c.Whole()
	r.wrong(field, err)
	r.note(field, strconv.Itoa(n))
	return n
}

// local is a local date and time, of a column or of two; "" where nothing
// stands there.
func (r *reader) local(date, at string) string {
	c := r.x.done.Reading.Cell(r.row, date)
	if c.Text == "" && c.Doubt == "" {
		r.ask("%s: it is missing", date)
		return ""
	}
	day, clock, err := c.When(r.x.done.Reading.Order(date))
	r.wrong(date, err)
	if t := r.x.done.Reading.Cell(r.row, at); err == nil && (t.Text != "" || t.Doubt != "") {
		_, set := r.x.Map.Set[at]
		if said, err := t.Clock(); err != nil {
			r.wrong(at, err)
		} else if clock == "" || !set && said != clock {
			if clock != "" {
				r.ask("%s: it says %s, and %s says %s", at, said, date, clock)
			}
			clock = said
		}
	}
	switch {
	case r.doubt != nil:
		return ""
	case clock == "":
		r.ask("%s: it has no time; give one column for it, or one time for all rows with set: {%s: \"12:00\"}", date, at)
		return ""
	}
	r.note(date, day+"T"+clock)
	return day + "T" + clock
}

// aCall is a call as an import needs it.
type aCall struct {
	plan   programme.Call
	state  call.State
	opened bool
	passed bool // its deadline, by now
}

// chooseCall finds the call that applications are under, where there is but
// one.
func (x *importer) chooseCall() error {
	column := x.Map.Columns["call"] != ""
	if x.Call == "" {
		x.Call = x.Map.Set["call"]
	}
	if x.Call == "" && len(x.definition.Calls) == 1 && !column {
		x.Call = x.definition.Calls[0].Call
	}
	var known []string
	for _, c := range x.definition.Calls {
		known = append(known, c.Call)
		s, err := fold[call.State](x.l, call.ID{Cycle: x.Cycle, Call: c.Call}.Stream())
		if err != nil {
			return err
		}
		now, err := x.g.now()
		if err != nil {
			return err
		}
		x.calls[c.Call] = aCall{c, s, !s.Opened().IsZero(), !s.Opened().IsZero() && !s.Deadline().Met(now)}
	}
	if _, ok := x.calls[x.Call]; !ok && x.Call != "" {
		return ErrImport.Because("there is no call " + document.Suggest(x.Call, known))
	}
	return nil
}

// formFields are what an application can say, the questions of the form among
// them: of a ranked one, each rank, or all in one cell.
func (x *importer) formFields() []sheet.Field {
	fields := slices.Concat(whom, applying)
	for _, c := range x.definition.Calls {
		if x.Call != "" && c.Call != x.Call {
			continue
		}
		for _, f := range c.Form.Fields {
			for rank := range f.Ranks {
				n := " " + strconv.Itoa(rank+1)
				fields = append(fields, sheet.Field{Field: answerField(f.Field) + "-" + n[1:], Words: []string{f.Field + n, f.Label + n}, Label: cmp.Or(f.Label, f.Field) + ", number" + n})
			}
			fields = append(fields, sheet.Field{Field: answerField(f.Field), Words: []string{f.Field, f.Label}, Label: cmp.Or(f.Label, f.Field)})
		}
	}
	return fields
}

// answerField is how a question is named in a map: by its key, unless that
// means something else already.
func answerField(key string) string {
	if slices.ContainsFunc(slices.Concat(whom, applying), func(f sheet.Field) bool { return f.Field == key }) {
		return "answer-" + key
	}
	return key
}

// A newcomer is somebody whom rows name and nobody knows yet.
type newcomer struct {
	person domain.Person
	line   int // the first that names them
}

// foldedName is a name as it is compared: its words in any order, so that Berg,
// Anna is Anna Berg.
func foldedName(name string) string {
	words := strings.FieldsFunc(strings.ToLower(norm.NFC.String(name)), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	slices.Sort(words)
	return strings.Join(words, " ")
}

// identity is who a row is about, as it says.
func (r *reader) identity() (name, email, handle string) {
	name = r.text("name")
	whole := strings.Fields(foldedName(name))
	first, last := r.text("first_name"), r.text("last_name")
	switch {
	case name == "":
		name = first + " " + last
	case first == "" || last != "" || slices.ContainsFunc(strings.Fields(foldedName(first)), func(word string) bool { return slices.Contains(whole, word) }):
	case len(strings.Fields(name)) > 1:
		r.ask("name: it may be the whole name, without %q, or the family name alone: say which with a map, as name or as last_name", first)
	default: // a Name beside a Vorname
		name = first + " " + name
	}
	name = strings.Join(strings.Fields(name), " ")
	email, handle = strings.ToLower(r.text("email")), strings.ToLower(r.text("handle"))
	if from := strings.ToLower(r.x.From); r.x.sure() {
		if email != "" && email != from && !r.x.done.Reading.Aside(r.row, "email") {
			r.ask("email: the form says another address than whom the mail is said to be from")
		}
		email = from
	}
	switch {
	case email == "" && handle == "":
		r.ask("it has neither an e-mail address nor a short name, and a name alone may be two people's")
	case email != "" && !strings.Contains(email, "@"):
		r.ask("email: expected an e-mail address")
	}
	return name, email, handle
}

// sure tells whether somebody has made sure of whom a mail is from.
func (x *importer) sure() bool { return x.Sheet.Claimed && x.From != "" }

// namesakes finds the addresses that a sheet gives to people of several names.
func (x *importer) namesakes() {
	x.shared = map[string]bool{}
	named := map[string]string{}
	for _, row := range x.done.Reading.Rows {
		r := reader{x: x, row: row}
		name, email, handle := r.identity()
		for _, key := range []string{email, handle} {
			if key == "" || name == "" {
				continue
			}
			if before, ok := named[key]; ok && before != foldedName(name) {
				x.shared[key] = true
			}
			named[key] = foldedName(name)
		}
	}
}

// who is the person a row is about, registered by it if nobody knows them.
func (r *reader) who(p *rowPlan, register string) domain.Person {
	x := r.x
	name, email, handle := r.identity()
	language := r.text("language")
	if said := r.slug("register"); said != "" {
		register = said
	}
	if r.doubt != nil {
		return ""
	}
	key := email
	if key == "" {
		key = handle
	}
	if x.shared[key] {
		r.ask("other rows have the same address or short name and another name")
		return ""
	}
	if n, ok := x.newcomers[key]; ok {
		p.newcomer = n
		return n.person
	}
	known, err := x.known(r, name, email, handle)
	if err != nil || known != "" || r.doubt != nil {
		r.failed("email", err)
		return known
	}
	if name == "" {
		r.nobody = &Stranger{email, handle}
		r.ask("nobody is registered under this address or short name, and the row has no name")
		return ""
	}
	if handle == "" {
		if handle, err = x.freeHandle(name); err != nil {
			r.failed("handle", err)
			return ""
		}
	}
	x.handles[handle] = true
	id := uuid.New() // a person's id follows from it, and tells nothing
	n := &newcomer{line: r.row.Line}
	if n.person, err = x.l.newcomer(x.l.ctx, handle, id); err != nil {
		r.failed("handle", err)
		return ""
	}
	o, err := x.order("person.register", map[string]any{"register": register, "handle": handle, "name": name, "language": language, "email": email}, "")
	if err != nil {
		r.failed("name", err)
		return ""
	}
	o.cause.CommandID = id
	x.newcomers[key], p.newcomer, p.register = n, n, &o
	r.unsure = false // there is nobody yet in whose name it could be
	return n.person
}

// known is who is registered under an address or a handle, if it is whom the
// row means.
func (x *importer) known(r *reader, name, email, handle string) (domain.Person, error) {
	for _, key := range []string{email, handle} {
		if key == "" {
			continue
		}
		p, err := x.l.Registered(x.l.ctx, key)
		if errors.Is(err, domain.NotFound) {
			continue
		} else if err != nil {
			return "", err
		}
		s, err := remembered[person.State](x.l, person.ID{Person: p}.Stream())
		if err != nil {
			return "", err
		}
		called, at := s.Written()
		was, err := x.reveal(called)
		if err != nil {
			return "", err
		}
		address, err := x.reveal(at)
		if err != nil {
			return "", err
		}
		switch {
		case name != "" && foldedName(was) != foldedName(name) && !x.done.Reading.Aside(r.row, "name"): // how a mail program calls its user says little
			r.ask("this address or short name is somebody's with another name")
		case email != "" && !strings.EqualFold(address, email):
			r.ask("this person is registered with another e-mail address, or none; set it with email.set")
		}
		return p, nil
	}
	return "", nil
}

func (x *importer) reveal(d domain.Digest) (string, error) {
	if d == "" {
		return "", nil
	}
	return x.Open(x.l.ctx, d)
}

// freeHandle makes a handle of a name that nobody has.
func (x *importer) freeHandle(name string) (string, error) {
	base := slugged(name)
	if base == "" {
		base = "person"
	}
	for n := 1; ; n++ {
		handle := base
		if n > 1 {
			handle += "-" + strconv.Itoa(n)
		}
		if x.handles[handle] {
			continue
		}
		if _, err := x.l.Registered(x.l.ctx, handle); errors.Is(err, domain.NotFound) {
			return handle, nil
		} else if err != nil {
			return "", err
		}
	}
}

var umlauts = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue")

// slugged makes a slug of a name in any script.
func slugged(name string) string {
	name = unidecode.Unidecode(umlauts.Replace(strings.ToLower(norm.NFC.String(name))))
	words := strings.FieldsFunc(strings.ToLower(strings.ReplaceAll(name, "'", "")), func(r rune) bool {
		return (r < 'a' || 'z' < r) && (r < '0' || '9' < r)
	})
	slug := strings.Join(words, "-")
	return strings.TrimRight(slug[:min(len(slug), 56)], "-")
}

// send adds a command to what a row comes to.
func (r *reader) send(p *rowPlan, command string, fields map[string]any, behalf domain.Person) {
	o, err := r.x.order(command, fields, behalf)
	if err != nil {
		r.failed(command, err)
		return
	}
	if r.x.sure() {
		o.cause.Reason = "sender_confirmed"
	}
	if r.vouched(p, behalf); r.doubt == nil {
		p.orders = append(p.orders, o)
	}
}

// vouched asks a person where a mail is not surely from who could say this: anybody
// can write what they like into one.
func (r *reader) vouched(p *rowPlan, behalf domain.Person) {
	switch {
	case r.unsure:
		r.ask("an e-mail's sender is its own word: make sure whom it is from, and then say so, under “Who the mail is from” or by --from; a list that you answer for yourself comes in as a file of its own")
	case r.x.sure() && p.newcomer == nil:
		from, err := r.x.l.Registered(r.x.l.ctx, strings.ToLower(r.x.From))
		if r.failed("from", err); err == nil && behalf != "" && behalf != from {
			r.ask("a mail is the word of one person, and this row needs another's, too")
		}
	}
}

func (x *importer) aPerson(r *reader, p *rowPlan) { r.who(p, x.planned.Programme) }

func (x *importer) aMentor(r *reader, p *rowPlan) {
	pool, capacity := r.slug("pool"), r.whole("capacity")
	var expertise []string
	for _, e := range strings.FieldsFunc(r.text("expertise"), func(r rune) bool { return strings.ContainsRune(",;\n", r) }) {
		if code := strings.ReplaceAll(slugged(e), "-", "_"); code != "" {
			expertise = append(expertise, code)
		}
	}
	if who := r.who(p, pool); r.doubt == nil {
		r.send(p, "mentor.join", map[string]any{"mentor": who, "pool": pool, "capacity": capacity, "expertise": expertise}, "")
	}
}

func (x *importer) anApplication(r *reader, p *rowPlan) {
	under := x.Call
	if said := r.slug("call"); said != "" {
		under = said
	}
	c, ok := x.calls[under]
	switch {
	case under == "":
		r.ask("call: it is missing; name it with --call, or in a column")
		return
	case !ok:
		r.ask("call: there is no call %q", under)
		return
	}
	var received time.Time
	if came := x.done.Reading.Cell(r.row, "received"); !came.At.IsZero() {
		received = came.At.UTC()
		r.note("received", received.Format(time.RFC3339))
	} else if x.said("received") {
		if local := r.local("received", "received_time"); local != "" {
			var err error
			received, err = when.Local(local, x.definition.Zone)
			r.wrong("received", err)
		}
	} else if c.passed {
		r.ask("received: the deadline has passed, so the row has to say when it was received")
	}
	answers := map[string]any{}
	for _, f := range c.plan.Form.Fields {
		if texts := r.answers(f); len(texts) == 1 && f.Ranks == 0 {
			answers[f.Field] = texts[0]
		} else if len(texts) > 0 {
			answers[f.Field] = texts
		}
	}
	route, organisation := r.slug("route"), slugged(r.text("organisation"))
	who := r.who(p, x.planned.Programme)
	if r.doubt != nil {
		return
	}
	fields := map[string]any{"cycle": x.Cycle, "call": under, "person": who, "answers": answers, "route": route, "organisation": organisation}
	if !received.IsZero() {
		fields["received_at"] = received
	}
	same, late, other, err := x.applied(application.ID{Cycle: x.Cycle, Call: under, Person: who}, answers, received)
	r.failed("answers", err)
	switch {
	case other != "":
		p.refused = application.ErrDuplicate.Because(other)
	case !same:
		r.send(p, "application.submit", fields, who)
		// What was refused as late is asked anew when it no longer is: under its
		// first id it has its answer.
		until := c.state.Permit(who)
		if n := len(p.orders); n > 0 && late && (c.state.Deadline().Met(received) || !received.After(until)) {
			cause := &p.orders[n-1].cause
			cause.CommandID = uuid.NewSHA1(cause.CommandID, fmt.Append(nil, until.UTC(), c.state.Deadline().Instant.UTC()))
		}
	}
}

// answers are what a row says to a question: of a ranked one, by rank.
func (r *reader) answers(f programme.Field) []string {
	field := answerField(f.Field)
	var texts []string
	for rank := range f.Ranks {
		texts = append(texts, r.text(field+"-"+strconv.Itoa(rank+1)))
	}
	if whole := r.text(field); whole != "" {
		texts = []string{whole}
		if f.Ranks > 0 {
			texts = listed(whole)
		}
	}
	return slices.DeleteFunc(texts, func(s string) bool { return s == "" })
}

// listed are the items of a list in one cell, each in a line or after a
// semicolon, without the numbers before them.
func listed(text string) []string {
	sign := "\n"
	if !strings.Contains(text, "\n") {
		sign = ";"
	}
	items := strings.Split(text, sign)
	for i, item := range items {
		item = strings.TrimSpace(item)
		if n := strings.TrimLeft(item, "0123456789"); n != item && (strings.HasPrefix(n, ".") || strings.HasPrefix(n, ")")) {
			item = n[1:]
		}
		items[i] = strings.TrimSpace(strings.TrimLeft(item, "-–•*"))
	}
	return items
}

// applied tells whether somebody's application has been received as a row says
// it, or was refused as late, or was received otherwise, and how.
func (x *importer) applied(id application.ID, answers map[string]any, received time.Time) (same, late bool, other string, err error) {
	var was *application.Received
	for r, err := range x.l.Store.ReadStream(x.l.ctx, id.Stream(), eventstore.ReadStream{}) {
		if errors.Is(err, eventstore.ErrStreamNotFound) {
			break
		} else if err != nil {
			return false, false, "", err
		}
		body, err := schema.Decode(r.Name, r.Data)
		if err != nil {
			return false, false, "", err
		}
		switch e := body.(type) {
		case application.Received:
			was = &e
		case application.SubmissionRefused:
			late = e.Code == application.ErrPassed.Code && e.ReceivedAt.Equal(received)
		case application.Withdrawn:
			return false, false, "it was withdrawn since", nil
		}
	}
	switch {
	case was == nil:
		return false, late, "", nil
	case !received.IsZero() && !was.ReceivedAt.Equal(received):
		return false, false, "received at another time", nil
	}
	texts := map[string][]string{}
	for _, a := range was.Answers {
		text, err := x.reveal(a.Text.Digest)
		if err != nil {
			return false, false, "", err
		}
		texts[a.Field] = append(texts[a.Field], text)
	}
	said := map[string][]string{}
	for field, v := range answers {
		switch v := v.(type) {
		case string:
			said[field] = []string{v}
		case []string:
			said[field] = v
		}
	}
	for _, field := range x.calls[id.Call].plan.Form.Fields {
		if !slices.EqualFunc(texts[field.Field], said[field.Field], func(a, b string) bool { return strings.TrimSpace(a) == b }) {
			return false, false, "with other answers", nil
		}
	}
	return true, false, "", nil
}

// somebody is who a cell names by address or short name.
func (r *reader) somebody(field string) domain.Person {
	text := strings.ToLower(r.text(field))
	if text == "" {
		r.ask("%s: it is missing", field)
		return ""
	}
	p, err := r.x.l.Registered(r.x.l.ctx, text)
	if errors.Is(err, domain.NotFound) {
		switch {
		case r.doubt != nil:
		case strings.Contains(text, "@"):
			r.nobody = &Stranger{Email: text}
		case domain.CheckSlug("handle", text) == nil: // else it is a name, by which nobody is found
			r.nobody = &Stranger{Handle: text}
		}
		r.ask("%s: nobody is registered under this address or short name", field)
	} else {
		r.failed(field, err)
	}
	return p
}

func (x *importer) aMatch(r *reader, p *rowPlan) {
	mentee, mentor := r.somebody("mentee"), r.somebody("mentor")
	id := r.slug("match")
	if id == "" {
		id = "m-" + domain.UUID5("match", x.Cycle, string(mentee), string(mentor))[:8]
	}
	previous, rationale := r.slug("previous"), r.text("rationale")
	accepted, _ := r.yes("accepted")
	if r.doubt != nil {
		return
	}
	r.send(p, "match.propose", map[string]any{"cycle": x.Cycle, "match": id, "mentee": mentee, "mentor": mentor, "previous": previous, "rationale": rationale}, "")
	if accepted {
		r.send(p, "match.accept", map[string]any{"cycle": x.Cycle, "match": id, "side": match.Mentee}, mentee)
		r.send(p, "match.accept", map[string]any{"cycle": x.Cycle, "match": id, "side": match.Mentor}, mentor)
	}
}

// yes tells whether a row says of a field that it is so, or that it is not.
func (r *reader) yes(field string) (yes, no bool) {
	switch said := r.slug(field); said {
	case "yes", "y", "ja", "x", "true", "1":
		return true, false
	case "no", "n", "nein", "false", "0":
		return false, true
	case "":
	default:
		r.ask("%s: expected yes or no, ja or nein, found %q", field, said)
	}
	return false, false
}

// aHeld is a session that a row says was held.
type aHeld struct {
	match   string
	n       int
	start   time.Time
	local   string
	zone    string
	minutes int
	mode    string
	reader  *reader
	plan    *rowPlan
}

func (x *importer) aSession(r *reader, p *rowPlan) {
	h := aHeld{match: r.slug("match"), n: r.whole("session"), local: r.local("date", "time"), reader: r, plan: p}
	if h.match == "" {
		h.match = r.between(r.somebody("mentee"), r.somebody("mentor"))
	}
	h.zone = cmp.Or(r.text("zone"), x.definition.Zone)
	if r.doubt != nil {
		return
	}
	var err error
	h.start, err = when.Local(h.local, h.zone)
	r.wrong("date", err)
	if r.doubt != nil || r.planned(h) {
		return
	}
	h.minutes = r.minutes()
	h.mode = r.mode()
	if r.doubt == nil {
		x.held = append(x.held, h)
	}
}

// planned tells whether a row says no more than is known: a session at its time,
// without a length. So it stands in a sheet that was downloaded.
func (r *reader) planned(h aHeld) bool {
	for _, field := range []string{"minutes", "hours"} {
		if c := r.x.done.Reading.Cell(r.row, field); c.Text != "" || c.Doubt != "" {
			return false
		}
	}
	s, err := remembered[match.State](r.x.l, match.ID{Cycle: r.x.Cycle, Match: h.match}.Stream())
	r.failed("match", err)
	slot, known := s.Slot(h.n)
	return known && slot.Start.Equal(h.start)
}

func (x *importer) anAttendance(r *reader, p *rowPlan) {
	who, at := r.somebody("person"), r.slug("gathering")
	there, absent := r.yes("present")
	if x.said("present") && !there && !absent {
		r.ask("present: it is missing")
	}
	minutes := 0
	if !absent {
		minutes = r.minutes()
	}
	if r.doubt != nil {
		return
	}
	s, err := remembered[gathering.State](x.l, gathering.ID{Cycle: x.Cycle, Gathering: at}.Stream())
	r.failed("gathering", err)
	e, said := s.Attendance(who)
	switch {
	case absent && said && e.Present:
		r.ask("present: it is recorded that they were there, which is taken back with attendance.correct")
	case absent: // there is nothing to record
	case said && !e.Present:
		p.refused = domain.Refuse("attendance_corrected", "that somebody was there was taken back, and is said again with attendance.correct")
	default:
		r.send(p, "attendance.record", map[string]any{"cycle": x.Cycle, "gathering": at, "person": who, "minutes": minutes}, "")
	}
}

// minutes is a session's length.
func (r *reader) minutes() int {
	x := r.x.done.Reading
	field := "minutes"
	if c := x.Cell(r.row, field); c.Text == "" && c.Doubt == "" && r.x.said("hours") {
		field = "hours"
	}
	c := x.Cell(r.row, field)
	if c.Text == "" && c.Doubt == "" {
		r.ask("%s: it is missing", field)
		return 0
	}
	n, err := c.Minutes(r.x.unit(field))
	r.wrong(field, err)
	r.note("minutes", strconv.Itoa(n))
	return n
}

// unit is what a field's column counts in; "" where neither the map nor the
// heading says it.
func (x *importer) unit(field string) string {
	if x.Map.Columns[field] == "" && field == "minutes" && !strings.Contains(strings.ToLower(x.done.Reading.Heading(field)), "min") {
		return ""
	}
	return field
}

// mode is how a session was held: as planned, or as the map says.
func (r *reader) mode() string {
	text := r.text("mode")
	mode := strings.ToLower(text)
	planned := r.x.definition.Sessions.Modes
	for _, p := range planned { // as a page writes it
		if strings.ReplaceAll(p, "_", " ") == mode {
			mode = p
		}
	}
	_, set := r.x.Map.Set["mode"]
	said := set
	for _, means := range r.x.Map.Values["mode"] {
		said = said || means == text
	}
	switch {
	case mode == "":
		r.ask("mode: it is missing")
	case slices.Contains(planned, mode):
	case !said:
		r.ask("mode: %q is none of those planned (%s); say what it means with values: {mode: {…: …}}", text, strings.Join(planned, ", "))
	}
	return mode
}

// between is the match of two people, by its name.
func (r *reader) between(mentee, mentor domain.Person) string {
	if r.doubt != nil || r.fault != nil {
		return ""
	}
	x := r.x
	if x.pairs == nil {
		x.pairs = map[match.Pair][]string{}
		if err := x.l.matches(x.Cycle, func(id match.ID, m match.State) {
			if id.Cycle == x.Cycle && m.Phase() != match.Off {
				x.pairs[m.Pair()] = append(x.pairs[m.Pair()], id.Match)
			}
		}); err != nil {
			r.fault = err
			return ""
		}
	}
	switch found := x.pairs[match.Pair{Mentee: mentee, Mentor: mentor}]; len(found) {
	case 0:
		r.ask("these two have no match in %s", x.Cycle)
		return ""
	case 1:
		return found[0]
	default:
		r.ask("these two have several matches in %s, %s: name one in a column match", x.Cycle, strings.Join(found, " and "))
		return ""
	}
}

// number gives sessions without one their number: that of the session which is
// planned or was held at the same time, else the next in order of time,
// whatever the order of the rows.
func (x *importer) number() error {
	slices.SortStableFunc(x.held, func(a, b aHeld) int { return a.start.Compare(b.start) })
	next := map[string]int{}
	given := map[string]map[time.Time]int{}
	for _, h := range x.held {
		next[h.match] = max(next[h.match], h.n+1)
	}
	for _, h := range x.held {
		s, err := remembered[match.State](x.l, match.ID{Cycle: x.Cycle, Match: h.match}.Stream())
		if err != nil {
			return err
		}
		n, slot := s.At(h.start)
		if n > 0 { // in another zone, it is the same time
			h.local, h.zone = slot.Local, slot.Zone
		}
		if h.n == 0 {
			if given[h.match] == nil {
				given[h.match] = map[time.Time]int{}
			}
			again := given[h.match][h.start]
			if h.n = cmp.Or(again, n); h.n == 0 {
				h.n = max(next[h.match], s.Next())
				next[h.match] = h.n + 1
			}
			given[h.match][h.start] = h.n
		}
		if s.Phase().Unmade() {
			h.plan.marked = unmade
		}
		h.reader.send(h.plan, "session.hold", map[string]any{"cycle": x.Cycle, "match": h.match, "session": h.n, "local": h.local, "zone": h.zone, "mode": h.mode, "minutes": h.minutes}, "")
		if h.reader.fault != nil {
			return h.reader.fault
		}
	}
	return nil
}
