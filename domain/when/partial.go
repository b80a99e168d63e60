package when

import (
	"fmt"
	"slices"
	"time"
)

// A Partial is a date known to the day, the month, the season or the year, in
// the forms of EDTF (ISO 8601-2): 2023-09-13, 2023-09, 2023-21, 2023. Seasons
// are the northern ones by whole months: spring (21) is March to May, winter
// (24) December to the end of the next year's February.
type Partial string

// Check refuses what is not such a date.
func (p Partial) Check() error {
	if _, _, ok := p.span(); !ok {
		return ErrDateMalformed.Because("it is " + quoted(string(p)))
	}
	return nil
}

// Start is the first instant of p in zone.
func (p Partial) Start(zone string) (time.Time, error) {
	from, _, err := p.instants(zone)
	return from, err
}

// End is the last instant of p in zone: one nanosecond before what follows p
// begins.
func (p Partial) End(zone string) (time.Time, error) {
	_, next, err := p.instants(zone)
	if err != nil {
		return time.Time{}, err
	}
	return next.Add(-1), nil
}

func (p Partial) instants(zone string) (from, next time.Time, err error) {
	if err := p.Check(); err != nil {
		return time.Time{}, time.Time{}, err
	}
	loc, err := Zone(zone)
	if err != nil {
		return time.Time{}, time.Time{}, err
	}
	first, after, _ := p.span()
	return existing(first, loc), existing(after, loc), nil
}

// Words are p as people say it: 13 September 2023, September 2023, spring
// 2020, winter 2020–21. What is not a date is left as it is.
func (p Partial) Words() string {
	first, _, ok := p.span()
	if !ok {
		return string(p)
	}
	switch len(p) {
	case len("2023"):
		return string(p)
	case len("2023-09-13"):
		return first.Format("2 January 2006")
	}
	switch p[len("2023-"):] {
	case "21":
		return first.Format("spring 2006")
	case "22":
		return first.Format("summer 2006")
	case "23":
		return first.Format("autumn 2006")
	case "24":
		return fmt.Sprintf("winter %04d–%02d", first.Year(), (first.Year()+1)%100)
	}
	return first.Format("January 2006")
}

// span is the first day of p and the first day after it.
func (p Partial) span() (first, after time.Time, ok bool) {
	var err error
	switch len(p) {
	case len("2023"):
		first, err = time.Parse("2006", string(p))
		after = first.AddDate(1, 0, 0)
	case len("2023-09"):
		year, part := p[:5], p[5:]
		if season := slices.Index([]Partial{"21", "22", "23", "24"}, part); season >= 0 {
			first, err = time.Parse("2006-", string(year))
			first = first.AddDate(0, 2+3*season, 0)
			after = first.AddDate(0, 3, 0)
			break
		}
		first, err = time.Parse("2006-01", string(p))
		after = first.AddDate(0, 1, 0)
	case len("2023-09-13"):
		first, err = time.Parse(time.DateOnly, string(p))
		after = first.AddDate(0, 0, 1)
	default:
		return time.Time{}, time.Time{}, false
	}
	return first, after, err == nil
}
