package when

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Calendar names the days on which an organisation does not work, besides
// Saturdays and Sundays. Its version is recorded with what was computed by it.
type Calendar struct {
	Name     string   `json:"name"`
	Version  string   `json:"version"`
	Holidays []string `json:"holidays"` // 2023-12-25
}

// Check refuses a holiday that is not a day.
func (c Calendar) Check() error {
	for _, day := range c.Holidays {
		if _, err := time.Parse(time.DateOnly, day); err != nil {
			return ErrDateMalformed.Because("the holiday " + quoted(day) + " is not a day")
		}
	}
	return nil
}

// Covers tells whether the calendar was made for a year: it names a holiday of
// it, for there is no place without any. New Year's Day alone is no sign of it: a
// list for the year before may end with it.
func (c Calendar) Covers(year int) bool {
	of := strconv.Itoa(year) + "-"
	return slices.ContainsFunc(c.Holidays, func(day string) bool { return strings.HasPrefix(day, of) && day != of+"01-01" })
}

// Uncovered lists the years from one to another that the calendar was not made
// for.
func (c Calendar) Uncovered(from, to int) (years []int) {
	for year := from; year <= to; year++ {
		if !c.Covers(year) {
			years = append(years, year)
		}
	}
	return years
}

// IsWorking tells whether the date that day shows, in its own location, is a
// working day.
func (c Calendar) IsWorking(day time.Time) bool {
	w := day.Weekday()
	return w != time.Saturday && w != time.Sunday && !slices.Contains(c.Holidays, day.Format(time.DateOnly))
}

// An Offset is how much later than an anchor something falls due; a negative
// number is earlier. Days keep the time on the clock, whatever its changes;
// hours are sixty minutes each. Days are counted first, then working days.
type Offset struct {
	Days        int    `json:"days,omitempty"`
	WorkingDays int    `json:"working_days,omitempty"`
	Hours       int    `json:"hours,omitempty"`
	At          string `json:"at,omitempty"` // 17:00, instead of the anchor's time of day
}

// Example is how an Offset is written.
func (Offset) Example() string { return "{working_days: 5, at: \"17:00\"}" }

// Check refuses an offset of more than a century, and one with hours as well
// as a time of day.
func (o Offset) Check() error {
	const century = 36525
	_, err := time.Parse("15:04", o.At)
	switch {
	case o.At != "" && (err != nil || len(o.At) != len("15:04")):
		return ErrOffsetMalformed.Because("the time of day is written like 17:00, not " + quoted(o.At))
	case o.At != "" && o.Hours != 0:
		return ErrOffsetMalformed.Because("it has hours and a time of day")
	case max(o.Days, -o.Days) > century, max(o.WorkingDays, -o.WorkingDays) > century, max(o.Hours, -o.Hours) > 24*century:
		return ErrOffsetMalformed.Because("it is more than a century")
	}
	return nil
}

// From is the instant o away from anchor, counted on the wall in zone. The
// working days are those after (or before) the anchor's local date. A local
// time that the clocks skip becomes the first instant after the jump, one that
// they show twice the first of the two: a computed time, unlike a typed one,
// never fails at a clock change.
func (o Offset) From(anchor time.Time, zone string, c Calendar) (time.Time, error) {
	if err := o.Check(); err != nil {
		return time.Time{}, err
	}
	if err := c.Check(); err != nil {
		return time.Time{}, err
	}
	loc, err := Zone(zone)
	if err != nil {
		return time.Time{}, err
	}
	if o.Days == 0 && o.WorkingDays == 0 && o.At == "" {
		// Not by way of the wall: an anchor may be the second of two.
		return anchor.UTC().Add(time.Duration(o.Hours) * time.Hour), nil
	}
	_, offset := anchor.In(loc).Zone()
	wall := onWall(anchor, offset).AddDate(0, 0, o.Days)
	step := 1
	if o.WorkingDays < 0 {
		step = -1
	}
	for left := o.WorkingDays; left != 0; {
		wall = wall.AddDate(0, 0, step)
		if c.IsWorking(wall) {
			left -= step
		}
	}
	if o.At != "" {
		at, _ := time.Parse("15:04", o.At) // checked above
		year, month, day := wall.Date()
		wall = time.Date(year, month, day, at.Hour(), at.Minute(), 0, 0, time.UTC)
	}
	return existing(wall, loc).Add(time.Duration(o.Hours) * time.Hour), nil
}

// Unsure lists the years that o counts working days through, from anchor to due,
// and that the calendar was not made for: every weekday counts there, whatever
// holidays there will be.
func (o Offset) Unsure(anchor, due time.Time, zone string, c Calendar) []int {
	loc, err := Zone(zone)
	if o.WorkingDays == 0 || err != nil {
		return nil
	}
	from, to := anchor.In(loc).Year(), due.In(loc).Year()
	return c.Uncovered(min(from, to), max(from, to))
}

// Words are o as people say it: "5 working days later, at 17:00".
func (o Offset) Words() string {
	var parts []string
	say := func(n int, unit string) {
		way := " later"
		if n < 0 {
			n, way = -n, " earlier"
		}
		switch n {
		case 0:
			return
		case 1:
			parts = append(parts, "1 "+unit+way)
		default:
			parts = append(parts, strconv.Itoa(n)+" "+unit+"s"+way)
		}
	}
	say(o.Days, "day")
	say(o.WorkingDays, "working day")
	say(o.Hours, "hour")
	switch {
	case o.At == "" && parts == nil:
		return "at once"
	case o.At == "":
		return strings.Join(parts, ", then ")
	case parts == nil:
		return "the same day, at " + o.At
	}
	return strings.Join(parts, ", then ") + ", at " + o.At
}
