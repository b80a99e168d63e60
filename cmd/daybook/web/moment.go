package web

import (
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/when"
)

var (
	errMoment = domain.Wrong("moment_malformed", "this is not a moment to show; write it like 2023-10-31 or 2023-10-31T17:00")
	errClock  = domain.Wrong("clock_unknown", `the clock is "recorded" (as then known) or "occurred" (as we now know it was)`)
)

// asked is the moment that a reader wants to see. The zero value is now.
type asked struct {
	at       time.Time // zero: now
	text     string    // as in the address, so that links on the page keep it
	occurred bool      // as we now know it was; else as then known
	future   time.Time // what was asked for in truth, where that is yet to come
}

// byNow is a, or now where that is still to come.
func (a asked) byNow(now time.Time) asked {
	if a.at.After(now) {
		return asked{future: a.at}
	}
	return a
}

// askedFor reads a moment from an address: "at" as a local time or as a day,
// which means its end, or "day" as the number of days since the first.
func askedFor(q url.Values, zone *time.Location, first time.Time) (asked, error) {
	var a asked
	switch q.Get("clock") {
	case "", "recorded":
	case "occurred":
		a.occurred = true
	default:
		return a, errClock
	}
	a.text = q.Get("at")
	if day := q.Get("day"); day != "" && a.text == "" {
		n, err := strconv.ParseUint(day, 10, 16)
		if err != nil || first.IsZero() {
			return a, errMoment
		}
		a.text = first.In(zone).AddDate(0, 0, int(n)).Format(time.DateOnly)
	}
	switch {
	case a.text == "":
		a.occurred = false // both clocks say the same of now
		return a, nil
	case len(a.text) == len(time.DateOnly):
		end, err := when.Partial(a.text).End(zone.String())
		a.at = end
		return a, err
	}
	at, err := when.Local(a.text, zone.String())
	if err != nil {
		// What a machine writes is understood as well.
		if t, machine := time.Parse(time.RFC3339, a.text); machine == nil {
			at, err = t.UTC(), nil
		}
	}
	a.at = at
	return a, err
}

// keep is what links add to stay at the moment.
func (a asked) keep() url.Values {
	q := url.Values{}
	if a.at.IsZero() {
		return q
	}
	q.Set("at", a.text)
	if a.occurred {
		q.Set("clock", "occurred")
	}
	return q
}

// A moment is the slider: which moment a page shows, and the ways to another.
// Without an Action there is none.
type moment struct {
	Action string
	Kept   []pair // fields of the page's own that a form must not lose
	Zone   string
	At     string // of the input
	Clock  string

	Shown        bool // another moment than now
	Occurred     bool
	Text, Words  string
	Future       string // what was asked for, and is yet to come: the page shows now
	NowHref      string
	RecordedHref string
	OccurredHref string

	Days, Day   int // of the range; no Days, no range
	First, Last string
	Months      []link
}

const toTheMinute = "2 January 2006, 15:04 "

// slider fills in a moment for the page at path with its own query, between
// two days.
func (a asked) slider(path string, own url.Values, zone *time.Location, first, last time.Time) moment {
	m := moment{Action: path, Kept: pairs(own), Zone: zone.String(), Clock: "recorded", NowHref: href(path, own)}
	shown := last.In(zone)
	if !a.future.IsZero() {
		m.Future = a.future.In(zone).Format(toTheMinute) + zoneName(a.future.In(zone))
	}
	if !a.at.IsZero() {
		shown = a.at.In(zone)
		m.Shown, m.Occurred = true, a.occurred
		m.Text = shown.Format(toTheMinute) + zoneName(shown)
		m.Words = "as then known: only what was recorded by then"
		if a.occurred {
			m.Clock, m.Words = "occurred", "as we now know it was: everything recorded since that had happened by then"
		}
	}
	m.At = shown.Format("2006-01-02T15:04")
	m.RecordedHref = href(path, own, "at", a.text)
	m.OccurredHref = href(path, own, "at", a.text, "clock", "occurred")
	m.addDays(path, own, shown, first.In(zone), last.In(zone))
	return m
}

func (m *moment) addDays(path string, own url.Values, shown, first, last time.Time) {
	first = midnight(first)
	last = midnight(last)
	if !last.After(first) || last.Sub(first) > 5*366*24*time.Hour {
		return
	}
	days := func(t time.Time) int { return int(midnight(t).Sub(first).Hours()+12) / 24 } // a day of 23 or 25 hours counts as one
	m.Days, m.Day = days(last), min(max(days(shown), 0), days(last))
	m.First, m.Last = first.Format("2 January 2006"), last.Format("2 January 2006")
	clock := []string{}
	if m.Occurred {
		clock = []string{"clock", "occurred"}
	}
	for month := first.AddDate(0, 0, 1-first.Day()); len(m.Months) < 24; month = month.AddDate(0, 1, 0) {
		end := month.AddDate(0, 1, -1)
		if !end.Before(last) {
			break
		}
		m.Months = append(m.Months, link{end.Format("Jan 2006"), href(path, own, append([]string{"at", end.Format(time.DateOnly)}, clock...)...)})
	}
}

func midnight(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
}

// A link is words that lead somewhere, or only words without an Href.
type link struct{ Text, Href string }

// A pair is a hidden field.
type pair struct{ Key, Value string }

func pairs(q url.Values) []pair {
	var ps []pair
	for _, key := range sortedKeys(q) {
		for _, v := range q[key] {
			ps = append(ps, pair{key, v})
		}
	}
	return ps
}

// href is path with own and then more, key by value; what is empty is left
// out.
func href(path string, own url.Values, more ...string) string {
	q := url.Values{}
	for key, values := range own {
		for _, v := range values {
			if v != "" {
				q.Add(key, v)
			}
		}
	}
	for i := 0; i+1 < len(more); i += 2 {
		if more[i+1] != "" {
			q.Set(more[i], more[i+1])
		}
	}
	if len(q) == 0 {
		return path
	}
	return fmt.Sprintf("%s?%s", path, q.Encode())
}
