package programme

import (
	"fmt"
	"strings"
	"time"

	"github.com/daybook-engine/daybook/domain/when"
)

// Doubts are what a definition may mean, and probably doesn't: nothing is wrong
// with it, and somebody should look. Each is a path and what was expected there.
//
// A calendar of which a year is asked that it was not made for takes every
// weekday for a working day.
func (d Definition) Doubts() []Fault {
	counted := d.CountsWorkingDays()
	zone, err := when.Zone(d.Zone)
	if counted == "" || err != nil || d.Calendar.Name == "" {
		return nil
	}
	var found []Fault
	told := map[int]bool{}
	reaches := func(path string, from, to time.Time) {
		for _, year := range d.Calendar.Uncovered(from.In(zone).Year(), to.In(zone).Year()) {
			if !told[year] {
				found = append(found, Fault{Path: "calendar.holidays", Expected: fmt.Sprintf("the holidays of %d, which %s reaches: %s would count every weekday of it as a working day", year, path, counted)})
			}
			told[year] = true
		}
	}
	for i, c := range d.Calls {
		deadline, err := c.Deadline.In(d.Zone).Resolve()
		if c.Deadline == (Deadline{}) || err != nil {
			continue
		}
		path := fmt.Sprintf("calls[%d].deadline", i)
		reaches(path, deadline.Instant, deadline.Instant)
		for _, last := range d.offsets() {
			if due, err := last.From(deadline.Instant, d.Zone, d.Calendar); err == nil && last.WorkingDays > 0 {
				reaches("what is counted from "+path, deadline.Instant, due)
			}
		}
	}
	for i, s := range d.Stages {
		from, err := s.From.Start(d.Zone)
		if err != nil {
			continue
		}
		to, err := s.To.End(d.Zone)
		if s.To == "" {
			to, err = s.From.End(d.Zone)
		}
		if err == nil && !to.Before(from) {
			reaches(fmt.Sprintf("stages[%d]", i), from, to)
		}
	}
	return found
}

// offsets are how much later than something else anything falls due.
func (d Definition) offsets() []when.Offset {
	list := []when.Offset{d.Offer.ReplyWithin, d.Match.FirstContactWithin}
	for _, c := range d.Calls {
		list = append(list, c.DraftsLast)
		for _, r := range c.Routes {
			if r.Proof != nil {
				list = append(list, *r.Proof)
			}
		}
	}
	return list
}

// Beyond says for people which years from a date to another are not in the
// calendar that working days are counted by; "" when all are, or none is
// counted.
func (d Definition) Beyond(from, to when.Partial) string {
	first, err := from.Start(d.Zone)
	last, errLast := to.End(d.Zone)
	zone, errZone := when.Zone(d.Zone)
	if d.CountsWorkingDays() == "" || err != nil || errLast != nil || errZone != nil {
		return ""
	}
	var years []string
	for _, year := range d.Calendar.Uncovered(first.In(zone).Year(), last.In(zone).Year()) {
		years = append(years, fmt.Sprint(year))
	}
	return strings.Join(years, " and ")
}
