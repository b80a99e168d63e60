package web

import (
	"slices"
	"strings"
	"time"

	"github.com/daybook-engine/daybook/projections"
)

// A season is a cycle on one line of time: a picture and, beside it, a table
// of the same dates.
type season struct {
	Height int
	Says   string
	Ticks  []tick // the first of each month
	Lanes  []lane
	Shown  []tick // the moment shown, where it lies in the picture: one or none
}

type tick struct {
	X     int
	Label string
}

// A lane is one kind of happening. Marks are drawn one for each, a span from
// the first to the last, columns one for each week.
type lane struct {
	Label   string
	When    string   // in words, for the table
	Count   link     // of those events, and to them
	leads   []string // which page of the cycle that is
	LabelY  int
	BarY    int
	DotY    int
	BaseY   int
	X, W    int // of the span
	Span    bool
	Dots    []int
	Columns []column
}

type column struct{ X, Y, W, H int }

// A happening is what the picture is made of.
type happening struct {
	name string
	at   time.Time
	when string // in words, where its day would not do
}

const (
	seasonWidth = 480
	laneHeight  = 50
	seasonTop   = 24
)

// A laneRule says which events make a lane, and how it is drawn.
type laneRule struct {
	label string
	drawn string // span, dots, weeks
	names []string
	count []string // which of them the table counts; none: no count
	unit  [2]string
	leads []string  // the page of the cycle that lists what was counted, and its query
	words [2]string // before the first day and before the last
}

func laneRules() []laneRule {
	to := [2]string{"", " to "}
	return []laneRule{
		{"Call", "span", []string{"call.opened", "call.closed"}, nil, [2]string{}, nil, [2]string{"opened ", ", closed "}},
		{"Deadline", "dots", []string{"deadline"}, nil, [2]string{}, nil, to},
		{"Screening to selection", "span", []string{"review.assigned", "review.recorded", "eligibility.confirmed", "eligibility.failed", "application.shortlisted", "application.passed_over", "application.selected", "application.reserved", "application.declined"}, []string{"application.selected"}, [2]string{"selected", "selected"}, []string{"/history", "name", "application.selected"}, to},
		{"Offers made", "dots", []string{"offer.made"}, []string{"offer.made"}, [2]string{"offer", "offers"}, []string{"/figures/offers_made"}, to},
		{"Matches made", "dots", []string{"match.made"}, []string{"match.made"}, [2]string{"match", "matches"}, []string{"/figures/matches_made"}, to},
		{"Sessions held, by week", "weeks", []string{"session.held"}, []string{"session.held"}, [2]string{"session", "sessions"}, []string{"/figures/sessions_held"}, to},
		{"Cycle closed", "dots", []string{"cycle.closed"}, nil, [2]string{}, nil, to},
	}
}

// happenings are what a season's picture is made of: the events by their
// days, the sessions as they stand, corrected where they were, and the
// deadlines, though they may lie ahead.
func happenings(s projections.Season, zone *time.Location) []happening {
	var list []happening
	for _, d := range s.Days {
		day, err := time.ParseInLocation(time.DateOnly, d.Day, zone)
		if err != nil || d.Name == "session.held" {
			continue
		}
		for range d.Count {
			list = append(list, happening{name: d.Name, at: day.Add(12 * time.Hour)})
		}
	}
	for _, x := range s.Sessions {
		if x.Status == "held" {
			list = append(list, happening{name: "session.held", at: x.Start})
		}
	}
	for _, c := range s.Cycle.Calls {
		list = append(list, happening{"deadline", c.Deadline.Instant, deadline(c.Deadline)})
	}
	return list
}

// seasonOf draws happenings. Those that make no lane do not stretch it.
func seasonOf(happened []happening, shown time.Time, zone *time.Location) season {
	var s season
	happened = slices.DeleteFunc(slices.Clone(happened), func(h happening) bool {
		return h.at.IsZero() || !slices.ContainsFunc(laneRules(), func(l laneRule) bool { return slices.Contains(l.names, h.name) })
	})
	if len(happened) == 0 {
		return s
	}
	byTime := func(a, b happening) int { return a.at.Compare(b.at) }
	first, last := slices.MinFunc(happened, byTime).at, slices.MaxFunc(happened, byTime).at
	if !shown.IsZero() && shown.After(last) && shown.Sub(last) < 60*24*time.Hour {
		last = shown
	}
	first, last = first.In(zone).Add(-7*24*time.Hour), last.In(zone).Add(7*24*time.Hour)
	// By the second: a year's nanoseconds, times the width, are more than there are.
	x := func(t time.Time) int {
		return int(seasonWidth * (t.Sub(first) / time.Second) / (last.Sub(first) / time.Second))
	}
	for _, rule := range laneRules() {
		var of []happening
		for _, h := range happened {
			if slices.Contains(rule.names, h.name) {
				of = append(of, h)
			}
		}
		if len(of) == 0 {
			continue
		}
		slices.SortStableFunc(of, byTime)
		y := seasonTop + len(s.Lanes)*laneHeight
		s.Lanes = append(s.Lanes, drawn(rule, of, y, x, zone))
	}
	s.Height = seasonTop + len(s.Lanes)*laneHeight
	s.Says = saysOf(s.Lanes)
	s.Ticks = months(first, last, x)
	if !shown.IsZero() && shown.After(first) && shown.Before(last) {
		s.Shown = []tick{{x(shown), shown.In(zone).Format("2 Jan 2006")}}
	}
	return s
}

func drawn(rule laneRule, of []happening, y int, x func(time.Time) int, zone *time.Location) lane {
	first, last := of[0].at, of[len(of)-1].at
	l := lane{Label: rule.label, When: rule.when(of, zone), LabelY: y + 16, BarY: y + 24, DotY: y + 31, BaseY: y + 42}
	count := 0
	weeks := map[int64]int{} // Mondays, as days since 1970
	for _, h := range of {
		if slices.Contains(rule.count, h.name) {
			count++
		}
		switch rule.drawn {
		case "dots":
			l.Dots = append(l.Dots, x(h.at))
		case "weeks":
			weeks[monday(h.at.In(zone)).Unix()]++
		}
	}
	if len(rule.count) > 0 {
		l.Count.Text, l.leads = plural(count, rule.unit[0], rule.unit[1]), rule.leads
	}
	if rule.drawn == "span" {
		l.Span, l.X, l.W = true, x(first), max(x(last)-x(first), 3)
	}
	most := 0
	for _, n := range weeks {
		most = max(most, n)
	}
	for start, n := range weeks {
		from := time.Unix(start, 0)
		h := max(22*n/most, 3)
		l.Columns = append(l.Columns, column{x(from), y + 42 - h, max(x(from.AddDate(0, 0, 7))-x(from)-1, 2), h})
	}
	slices.SortFunc(l.Columns, func(a, b column) int { return a.X - b.X })
	return l
}

func monday(t time.Time) time.Time {
	return midnight(t).AddDate(0, 0, -(int(t.Weekday())+6)%7)
}

// when says from which day to which a lane's happenings are, or what they say
// of themselves.
func (rule laneRule) when(of []happening, zone *time.Location) string {
	var says []string
	for _, h := range of {
		if h.when != "" {
			says = append(says, h.when)
		}
	}
	if len(says) > 0 {
		return strings.Join(says, "; ")
	}
	const day = "2\u00a0Jan\u00a02006"
	first, last := of[0].at.In(zone).Format(day), of[len(of)-1].at.In(zone).Format(day)
	if first == last {
		return rule.words[0] + first
	}
	return rule.words[0] + first + rule.words[1] + last
}

func saysOf(lanes []lane) string {
	words := make([]string, len(lanes))
	for i, l := range lanes {
		words[i] = l.Label + " " + l.When
	}
	return strings.Join(words, "; ")
}

func months(first, last time.Time, x func(time.Time) int) []tick {
	var ticks []tick
	every := 1 + int(last.Sub(first).Hours()/24)/400 // a long season names fewer months
	month := time.Date(first.Year(), first.Month()+1, 1, 0, 0, 0, 0, first.Location())
	for year := first.Year(); month.Before(last); month = month.AddDate(0, every, 0) {
		label := month.Format("Jan")
		if month.Year() != year {
			year = month.Year()
			label = month.Format("Jan 2006")
		}
		ticks = append(ticks, tick{x(month), label})
	}
	return ticks
}
