package web

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/domain/when"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/projections"
)

// historyPage is the audit trail of a cycle: who did what, when, why.
type historyPage struct {
	frame
	Lines    []eventLine
	Newer    string
	Older    string
	All      string // the way back to all of them
	Action   string
	Kept     []pair // the moment, which the filter's form must not lose
	Together bool   // only what one import, or one act on many things, recorded
	Since    bool   // only what was recorded between two dates

	Names   []option
	Persons []option
	Actors  []option
	Matches []option // by stream, with the stream chosen if that is another
	From    string
	To      string
}

// An option is a choice of a select.
type option struct {
	Value, Text string
	Chosen      bool
}

// eventsPage is a list of events as a table, of which a spreadsheet is made.
type eventsPage struct {
	frame
	Lines []eventLine
}

// An eventLine is one event in a list.
type eventLine struct {
	Position string
	Sentence string
	Before   string
	After    string
	Href     string
	File     link // of the application or match it belongs to
	Name     string
	Occurred instant
	Recorded instant // only where it was recorded much later
	Lag      string
	Actor    string
	Role     string
	For      string // on whose behalf
	Channel  string
	Reason   string
	Leave    string // by whose authority
	Marks    []string
}

// eventsPerPage keeps a page within 100 kB.
const eventsPerPage = 50

func (s *Server) showHistory(w http.ResponseWriter, r *http.Request) error {
	v, err := s.visit(r, r.PathValue("cycle"), "name", "actor", "person", "stream", "correlation", "since", "from", "to", "before", "after")
	if err != nil {
		return err
	}
	defer v.close()
	f, err := v.historyFilter()
	if err != nil {
		return err
	}
	f.Limit = eventsPerPage + 1 // one more tells whether there is another page
	if v.whole {
		f.Limit = mostRows + 1
	}
	rows, err := v.views.History(v.ctx, f)
	if err != nil {
		return err
	}
	if v.whole {
		return s.render(w, http.StatusOK, "events", eventsPage{v.frame("History", "History"), v.eventLines(rows)})
	}
	more := len(rows) > eventsPerPage
	rows = rows[:min(len(rows), eventsPerPage)]
	if !f.Newest { // asked for what comes after a place: turned round, so that the newest is always first
		slices.Reverse(rows)
	}
	p := historyPage{frame: v.frame("History", "History"), Action: v.path, Kept: pairs(v.at.keep())}
	p.Lines = v.eventLines(rows)
	if f.Correlation != "" {
		p.Together, p.Kept = true, append(p.Kept, pair{"correlation", f.Correlation})
	}
	if since := v.own.Get("since"); since != "" {
		p.Since, p.Kept = true, append(p.Kept, pair{"since", since})
	}
	v.turnPages(&p, f, rows, more)
	if err := v.fillForm(&p, rows); err != nil {
		return err
	}
	return s.render(w, http.StatusOK, "history", p)
}

// historyFilter reads the form.
func (v *visit) historyFilter() (projections.HistoryFilter, error) {
	f := projections.HistoryFilter{
		Cycle: v.cycle.Cycle, Stream: v.own.Get("stream"), Name: v.own.Get("name"), Actor: v.own.Get("actor"),
		Subject: domain.Person(v.own.Get("person")), Correlation: v.own.Get("correlation"), Newest: true,
	}
	var err error
	if from := v.own.Get("from"); from != "" {
		if f.From, err = when.Partial(from).Start(v.zone.String()); err != nil {
			return f, err
		}
	}
	if to := v.own.Get("to"); to != "" {
		if f.To, err = when.Partial(to).End(v.zone.String()); err != nil {
			return f, err
		}
	}
	if since := v.own.Get("since"); since != "" {
		if f.After, err = place(since); err != nil {
			return f, err
		}
	}
	if before := v.own.Get("before"); before != "" {
		f.Before, err = place(before)
	} else if after := v.own.Get("after"); after != "" {
		f.After, err = place(after)
		f.Newest = false
	}
	return f, err
}

func place(text string) (eventstore.Position, error) {
	p, err := eventstore.ParsePosition(text)
	if err != nil {
		return p, errNoEvent
	}
	return p, nil
}

// turnPages links to the pages before and after this one, by the positions
// at its ends: they stay the same while new events come.
func (v *visit) turnPages(p *historyPage, f projections.HistoryFilter, rows []projections.HistoryRow, more bool) {
	chosen := v.chosen()
	p.All = v.href(v.path)
	if len(chosen) == 0 {
		p.All = ""
	}
	if len(rows) == 0 {
		return
	}
	newest, oldest := rows[0].Position.String(), rows[len(rows)-1].Position.String()
	query := v.at.keep()
	for key, values := range chosen {
		query[key] = values
	}
	if more && !f.Newest || f.Newest && !f.Before.IsZero() {
		p.Newer = href(v.path, query, "after", newest)
	}
	if more && f.Newest || !f.Newest {
		p.Older = href(v.path, query, "before", oldest)
	}
}

// chosen is the filter without the place in the list.
func (v *visit) chosen() url.Values {
	q := url.Values{}
	for key, values := range v.own {
		if key != "before" && key != "after" {
			q[key] = values
		}
	}
	return q
}

// fillForm offers what the cycle has: its people, and every kind of event.
func (v *visit) fillForm(p *historyPage, rows []projections.HistoryRow) error {
	p.From, p.To = v.own.Get("from"), v.own.Get("to")
	add := func(name, words string) {
		p.Names = append(p.Names, option{name, words, v.own.Get("name") == name})
	}
	kinds := map[string][]string{}
	for _, name := range schema.Names() {
		noun, _, _ := strings.Cut(name, ".")
		kinds[noun] = append(kinds[noun], name)
	}
	for _, noun := range slices.Sorted(maps.Keys(kinds)) {
		if len(kinds[noun]) > 1 {
			add(noun, noun+": everything")
		}
		for _, name := range kinds[noun] {
			add(name, inWords(strings.Replace(name, ".", " ", 1)))
		}
	}
	people, actors, err := v.everybody(rows)
	if err != nil {
		return err
	}
	if p.Matches, err = v.streams(v.own.Get("stream")); err != nil {
		return err
	}
	p.Persons = choices(people, v.own.Get("person"), v.personName)
	p.Actors = choices(actors, v.own.Get("actor"), v.actor)
	return nil
}

// eventLines are events for a list.
func (v *visit) eventLines(rows []projections.HistoryRow) []eventLine {
	lines := make([]eventLine, len(rows))
	for i, r := range rows {
		lines[i] = v.eventLine(r)
	}
	return lines
}

func (v *visit) eventLine(r projections.HistoryRow) eventLine {
	e := r.Envelope
	l := eventLine{
		Position: r.Position.String(),
		Sentence: v.spell(r.Sentence), Before: v.value(e.Name, r.Before), After: v.value(e.Name, r.After),
		Href: v.event(r.Position.String()), File: v.fileOf(r.File()), Name: e.Name, Occurred: v.instant(e.OccurredAt),
		Actor: v.actor(e.Actor), Role: roleOf(e), Channel: channelWords(e.Channel), Reason: inWords(e.Reason), Leave: inWords(e.Authority),
		Lag: lag(e.OccurredAt, e.RecordedAt),
	}
	if path, _, _ := strings.Cut(l.File.Href, "?"); path == v.path {
		l.File = link{} // the page is that file
	}
	if l.Lag != "" || v.whole {
		l.Recorded = v.instant(e.RecordedAt)
	}
	if e.OnBehalfOf != "" && string(e.OnBehalfOf) != e.Actor {
		l.For = v.name(e.OnBehalfOf)
	}
	if e.Corrects != "" {
		l.Marks = append(l.Marks, "correction")
	}
	return l
}
