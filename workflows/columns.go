package workflows

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/daybook-engine/daybook/domain/access"
	"github.com/daybook-engine/daybook/domain/call"
	"github.com/daybook-engine/daybook/domain/imports"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/workflows/document"
	"github.com/daybook-engine/daybook/workflows/sheet"
)

// What rows of a kind can say, and by which headings, in English and German.
var (
	identity = []sheet.Field{
		{Field: "name", Words: []string{"full name", "participant", "person", "name vorname", "vorname nachname", "nachname vorname", "vor nachname", "vor und nachname", "vollständiger name", "teilnehmer", "teilnehmerin", "teilnehmerinnen", "teilnehmende", "applicant", "bewerber", "bewerberin", "bewerberinnen", "your name", "ihr name", "dein name"}},
		{Field: "first_name", Words: []string{"first name", "given name", "forename", "vorname"}},
		{Field: "last_name", Words: []string{"last name", "family name", "surname", "nachname", "familienname"}},
		{Field: "email", Label: "E-mail address", Like: anAddress, Words: []string{"mail", "e mail address", "e mail adresse", "mailadresse", "your e mail", "ihre e mail", "deine e mail"}},
		{Field: "handle", Label: "short name", Words: []string{"short name", "username", "kürzel", "kurzname", "kennung", "benutzername"}},
	}
	listing = []sheet.Field{
		{Field: "register", Label: "Counted among: a list of people", Same: true, Words: []string{"counted among", "verzeichnis"}},
		{Field: "language", Same: true, Words: []string{"sprache"}},
	}
	whom = slices.Concat(identity, listing)
	pool = []sheet.Field{
		{Field: "pool", Hint: labels["pool"].hint, Same: true, Words: []string{"mentor pool", "mentorenpool"}},
		{Field: "capacity", Label: "Mentees at a time", Same: true, Words: []string{"places", "mentees", "number of mentees", "kapazität", "plätze", "anzahl plätze", "anzahl mentees"}},
		{Field: "expertise", Same: true, Words: []string{"skills", "areas of expertise", "fields", "fachgebiet", "fachgebiete", "schwerpunkt", "schwerpunkte", "kompetenzen"}},
	}
	applying = []sheet.Field{
		{Field: "call", Same: true, Words: []string{"ausschreibung", "aufruf"}},
		{Field: "received", Label: "Received: date, or date and time", Same: true, Like: aDate, Words: []string{"received at", "received on", "date received", "received date", "date", "timestamp", "submitted", "submitted at", "submission date", "datum", "eingang", "eingang am", "eingegangen", "eingegangen am", "eingangsdatum", "eingereicht", "eingereicht am", "bewerbungsdatum", "zeitstempel", "gesendet", "gesendet am"}},
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
		{Field: "accepted", Label: "Accepted by both: yes or no, or on which day", Same: true, Words: []string{"accepted by both", "confirmed", "angenommen", "bestätigt", "zugesagt"}},
		{Field: "signed", Label: "Agreement signed by both: yes or no, or on which day", Same: true, Words: []string{"agreement signed by both", "agreement", "agreement signed", "vereinbarung", "unterschrieben", "unterzeichnet"}},
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
	{Field: "person", Label: "Who was there: e-mail address or short name", Words: []string{"who was there", "e mail", "mail", "e mail adresse", "mailadresse", "handle", "kürzel", "kennung", "participant", "attendee", "teilnehmer", "teilnehmerin", "teilnehmerinnen", "teilnehmende"}},
	{Field: "gathering", Label: "Training, supervision or event: its id", Words: []string{"training supervision or event", "training", "supervision", "event", "workshop", "veranstaltung", "schulung", "fortbildung"}},
	{Field: "present", Label: "They were there: yes or no", Same: true, Words: []string{"they were there", "attended", "was there", "anwesend", "anwesenheit", "teilgenommen"}},
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

// formFields are what an application can say. The questions of the form, of a
// ranked one each rank, or all in one cell, come before all but who applies: a
// heading that is a question's own is no other field's.
func (x *importer) formFields() []sheet.Field {
	fields := slices.Clone(identity)
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
	return slices.Concat(fields, listing, applying)
}

// answerField is how a question is named in a map: by its key, unless that
// means something else already.
func answerField(key string) string {
	if slices.ContainsFunc(slices.Concat(whom, applying), func(f sheet.Field) bool { return f.Field == key }) {
		return "answer-" + key
	}
	return key
}
