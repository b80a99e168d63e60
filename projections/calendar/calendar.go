// Package calendar tells the sessions of a cycle, or of a person in every cycle,
// with the training, supervision and events that they are asked to, to people's own calendars, as iCalendar (RFC 5545): a file to be opened once,
// or a feed to be read again.
//
// A session is one event for ever: the same UID, a higher SEQUENCE each time it
// is moved or called off. It stays where it was last planned, also when the
// record of what was held says otherwise, because nothing moves in somebody's
// calendar that nobody moved. The same log gives the same bytes.
package calendar

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	ics "github.com/arran4/golang-ical"
	"github.com/google/uuid"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/when"
	"github.com/daybook-engine/daybook/projections"
)

// Type is the media type of a calendar. Its method is that of the document
// (RFC 5545 §3.7.2).
const Type = "text/calendar; charset=utf-8; method=PUBLISH"

// A Calendar is what a document is made with.
type Calendar struct {
	Store uuid.UUID // the log's
	Cycle projections.Cycle
	For   domain.Person              // whose sessions; nobody: everybody's
	Name  func(domain.Person) string // for the reader whom the document is made for
}

const (
	utcForm   = "20060102T150405Z"
	localForm = "20060102T150405"
)

// Document is the iCalendar document of the sessions that were ever scheduled
// in matches of the cycle, and how many there are.
func (c Calendar) Document(matches []projections.Match, gatherings []projections.Gathering) (document []byte, sessions int, err error) {
	s := sheet{zones: map[string][]time.Time{}}
	if err := c.enter(&s, Season{c.Cycle, matches, gatherings}); err != nil {
		return nil, 0, err
	}
	return s.document(c.title(), c.Cycle)
}

// A Season is a cycle with its matches, its training, supervision and events.
type Season struct {
	Cycle      projections.Cycle
	Matches    []projections.Match
	Gatherings []projections.Gathering
}

// Personal is the document of the sessions of the person whom the calendar is
// for, in all cycles: each is the same entry as in the document of its cycle.
func (c Calendar) Personal(seasons []Season) (document []byte, sessions int, err error) {
	s := sheet{zones: map[string][]time.Time{}}
	title := c.Name(c.For)
	for _, season := range seasons {
		c.Cycle = season.Cycle
		if c.Cycle.Rehearsal {
			title = rehearsal + c.Name(c.For)
		}
		if err := c.enter(&s, season); err != nil {
			return nil, 0, err
		}
	}
	return s.document(title, projections.Cycle{Zone: "UTC"})
}

// A sheet is what stands in a document.
type sheet struct {
	events []ics.Component
	zones  map[string][]time.Time // what is told in each
}

// enter writes the gatherings of a cycle and the sessions of its matches on a
// sheet.
func (c Calendar) enter(s *sheet, season Season) error {
	for _, g := range season.Gatherings {
		if c.For != "" && !g.Invites(c.For, season.Matches) {
			continue
		}
		location, err := when.Zone(g.Slot.Zone)
		if err != nil {
			return fmt.Errorf("%s: %w", g.Stream, err)
		}
		start := g.Slot.Start.In(location)
		s.add(c.gathering(g), start, start.Add(time.Duration(g.Slot.Minutes)*time.Minute))
	}
	for _, m := range season.Matches {
		if c.For != "" && c.For != m.Mentee && c.For != m.Mentor {
			continue
		}
		for _, x := range m.Sessions {
			if x.Planned.Start.IsZero() {
				continue // it was held unplanned
			}
			location, err := when.Zone(x.Planned.Zone)
			if err != nil {
				return fmt.Errorf("%s: session %d: %w", m.Stream, x.Session, err)
			}
			// How long it will take is known to the plan only: time is kept for the most.
			start := x.Planned.Start.In(location)
			end := start.Add(time.Duration(m.Plan.MaxMinutes) * time.Minute)
			s.add(c.event(m, x), start, end)
		}
	}
	return nil
}

// add writes an entry on the sheet, with its times in their zone.
func (s *sheet) add(e *ics.VEvent, start, end time.Time) {
	setTime(e, ics.ComponentPropertyDtStart, start)
	setTime(e, ics.ComponentPropertyDtEnd, end)
	s.events = append(s.events, e)
	zone := start.Location().String()
	s.zones[zone] = append(s.zones[zone], start, end)
}

// document is the sheet as a file, with the zone of a cycle where nothing stands
// on it. It names no ORGANIZER, which RFC 5546 §3.2.1 wants of what is published:
// that would be somebody's mail address, and none is known.
func (s *sheet) document(title string, of projections.Cycle) ([]byte, int, error) {
	cal := ics.NewCalendar()
	cal.SetProductId("-//Daybook//Daybook//EN")
	cal.SetMethod(ics.MethodPublish)
	cal.SetName(plain(title))
	if len(s.events) == 0 {
		s.zones[of.Zone] = []time.Time{of.PlannedAt} // a calendar has one component or more (RFC 5545 §3.6)
	}
	for _, name := range slices.Sorted(maps.Keys(s.zones)) {
		location, err := when.Zone(name)
		if err != nil {
			return nil, 0, err
		}
		cal.AddVTimezone(timezone(location, slices.MinFunc(s.zones[name], time.Time.Compare), slices.MaxFunc(s.zones[name], time.Time.Compare)))
	}
	cal.Components = append(cal.Components, s.events...)
	var b bytes.Buffer
	err := cal.SerializeTo(&b, ics.WithNewLineWindows) // RFC 5545 §3.1; the library's default is the system's line end
	return b.Bytes(), len(s.events), err
}

// title says of a rehearsal that it is one: the document leaves the page that
// says so.
func (c Calendar) title() string {
	title := c.Cycle.Title
	if title == "" {
		title = c.Cycle.Cycle
	}
	if c.Cycle.Rehearsal {
		title = rehearsal + title
	}
	return title
}

const rehearsal = "Rehearsal: "

// entry is a calendar's event for ever, as it was planned last.
func (c Calendar) entry(name string, sequence int, calledOff bool, recorded time.Time) *ics.VEvent {
	e := ics.NewEvent(uuid.NewSHA1(c.Store, []byte(name)).String())
	status := ics.ObjectStatusConfirmed
	if calledOff {
		status = ics.ObjectStatusCancelled
		sequence++ // it is a revision like any other (RFC 5546 §2.1.4)
	}
	e.SetSequence(sequence)
	e.SetStatus(status)
	e.SetDtStampTime(recorded)
	e.SetModifiedAt(recorded)
	return e
}

// gathering is a training day, a supervision group or an event, without its times.
func (c Calendar) gathering(g projections.Gathering) *ics.VEvent {
	e := c.entry(g.Stream, g.Sequence, g.Cancelled, g.RecordedAt)
	e.SetSummary(plain(g.Title))
	e.SetDescription(plain(c.title() + ", " + spaced.Replace(g.Stage)))
	e.SetLocation(spaced.Replace(g.Slot.Mode))
	return e
}

var spaced = strings.NewReplacer("_", " ", "-", " ")

// event is a session without its times.
func (c Calendar) event(m projections.Match, x projections.Session) *ics.VEvent {
	e := c.entry(fmt.Sprintf("%s/session/%d", m.Stream, x.Session), x.Sequence, x.CalledOff, x.RecordedAt)
	e.SetClass(ics.ClassificationPrivate) // who is mentored, and by whom, is nobody's who sees that they are busy
	e.SetSummary(plain(fmt.Sprintf("Session %d: %s and %s", x.Session, c.Name(m.Mentee), c.Name(m.Mentor))))
	e.SetDescription(plain(fmt.Sprintf("%s, match %s. The plan is %d to %d minutes.", c.title(), m.Match, m.Plan.MinMinutes, m.Plan.MaxMinutes)))
	e.SetLocation(spaced.Replace(x.Planned.Mode))
	return e
}

// plain leaves out what may stand in no text (RFC 5545 §3.3.11), and what the
// library writes as it is: some readers begin a new line at a CR.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, text)
}

// setTime writes t as the clocks of its zone show it, which the library's own
// setters cannot. A time that they show twice is written in UTC: RFC 5545 §3.3.5
// reads it as the first of the two, and a session that ends in the repeated hour
// would lose it.
func setTime(e *ics.VEvent, property ics.ComponentProperty, t time.Time) {
	zone := t.Location().String()
	if _, err := when.Local(t.Format("2006-01-02T15:04:05"), zone); err != nil {
		e.SetProperty(property, t.UTC().Format(utcForm))
	} else {
		e.SetProperty(property, t.Format(localForm), ics.WithTZID(zone))
	}
}

// timezone defines what the clocks of a zone show from one time to another, for
// readers that do not know it by its name: one observance for each change, as
// Go's zone data has it, and no rule that could be wrong later (RFC 5545
// §3.6.5).
func timezone(location *time.Location, from, to time.Time) *ics.VTimezone {
	zone := ics.NewTimezone(location.String())
	for t := to.In(location); ; {
		at := onset(t)
		before := t // where the clocks never changed, they did not change then
		begins := "16010101T000000"
		if !at.IsZero() {
			before = at.Add(-1)
			_, offset := before.Zone()
			begins = at.In(time.FixedZone("", offset)).Format(localForm)
		}
		var c ics.ComponentBase
		c.SetProperty(ics.ComponentPropertyDtStart, begins)
		c.SetProperty(ics.ComponentProperty(ics.PropertyTzoffsetfrom), offset(before))
		c.SetProperty(ics.ComponentProperty(ics.PropertyTzoffsetto), offset(t))
		abbreviation, _ := t.Zone()
		c.SetProperty(ics.ComponentProperty(ics.PropertyTzname), abbreviation)
		if t.IsDST() {
			zone.Components = append(zone.Components, &ics.Daylight{ComponentBase: c})
		} else {
			zone.Components = append(zone.Components, &ics.Standard{ComponentBase: c})
		}
		if !at.After(from) {
			slices.Reverse(zone.Components)
			return zone
		}
		t = before
	}
}

// onset is when the clocks came to show what they show at t, zero where they
// always did. Past a zone's table ZoneBounds ends every year, also where nothing
// changes.
func onset(t time.Time) time.Time {
	for {
		start, _ := t.ZoneBounds()
		if start.IsZero() {
			return start
		}
		before := start.Add(-1)
		name, offset := start.Zone()
		if was, from := before.Zone(); was != name || from != offset || before.IsDST() != start.IsDST() {
			return start
		}
		t = before
	}
}

// offset is how far the clocks are from UTC at t, with the seconds that local
// mean times have.
func offset(t time.Time) string { return strings.TrimSuffix(t.Format("-070000"), "00") }
