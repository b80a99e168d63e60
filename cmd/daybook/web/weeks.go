package web

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/daybook-engine/daybook/projections"
)

// Weeks are sessions over time: a picture with a column for each week, and
// beside it a table of the same numbers.
type weeks struct {
	Width, Height int
	Says          string
	Columns       []weekColumn // of the picture
	Lines         []weekLine   // of the table, without the weeks that have none
}

type weekColumn struct {
	X      int
	Count  string
	CountY int
	Month  string // where it is the first of one
	Parts  []part
}

// A part of a column, in the picture's own units.
type part struct {
	Class      string
	X, Y, W, H int
}

// A weekLine tells of a week from Monday to Sunday.
type weekLine struct {
	Week    string
	Held    link
	Minutes string
	Ahead   string // planned, and not held yet
	Off     string // cancelled, missed or retracted
}

const (
	weeksWidth  = 480
	weekWidth   = 32 // of a column that is written over; narrower ones are not
	weekMargin  = 4
	weekHeight  = 110 // of the highest column
	weekTop     = 20
	mostColumns = 60 // of a longer time the picture shows the last weeks, the table all
)

type weekCounts struct{ held, minutes, ahead, off int }

func (n weekCounts) all() int { return n.held + n.ahead + n.off }

// weeksOf counts the sessions of matches by the weeks in which they are planned
// or were held.
func (v *visit) weeksOf(list []projections.Match) (w weeks) {
	by := map[time.Time]weekCounts{}
	for _, m := range list {
		for _, x := range m.Sessions {
			start := monday(x.Slot.Start.In(v.zone))
			n := by[start]
			switch x.Status {
			case "held":
				n.held++
				n.minutes += x.Minutes
			case "scheduled":
				n.ahead++
			default:
				n.off++
			}
			by[start] = n
		}
	}
	mondays := slices.SortedFunc(maps.Keys(by), time.Time.Compare)
	most, busiest := 0, time.Time{}
	for _, at := range mondays {
		n := by[at]
		if n.all() > most {
			most, busiest = n.all(), at
		}
		l := weekLine{Week: at.Format("2\u00a0Jan\u00a02006"), Minutes: some(n.minutes), Ahead: some(n.ahead), Off: some(n.off)}
		if n.held > 0 {
			day := func(t time.Time) string { return t.Format(time.DateOnly) }
			l.Held = link{some(n.held), v.to("/history", "name", "session.held", "from", day(at), "to", day(at.AddDate(0, 0, 6)))}
		}
		w.Lines = append(w.Lines, l)
	}
	if most == 0 {
		return w
	}
	first, last := mondays[0], mondays[len(mondays)-1]
	w.Says = "Sessions from the week of " + first.Format("2 January 2006") + " to that of " + last.Format("2 January 2006") +
		", most of them, " + strconv.Itoa(most) + ", in that of " + busiest.Format("2 January 2006")
	if earliest := last.AddDate(0, 0, -7*(mostColumns-1)); first.Before(earliest) {
		first = earliest
	}
	width := min(weekWidth, weeksWidth/(int(last.Sub(first).Hours()/24+1)/7+1))
	for at := first; !at.After(last); at = at.AddDate(0, 0, 7) {
		w.Columns = append(w.Columns, columnOf(by[at], most, len(w.Columns)*width, width))
		if month := at.AddDate(0, 0, 6); month.Day() <= 7 || at == first {
			w.Columns[len(w.Columns)-1].Month = month.Format("Jan")
		}
	}
	w.Width, w.Height = weeksWidth, weekTop+weekHeight+20
	return w
}

func columnOf(n weekCounts, most, x, width int) weekColumn {
	c := weekColumn{X: x}
	if width == weekWidth {
		c.Count = some(n.all())
	}
	y := weekTop + weekHeight
	for _, p := range []struct {
		class string
		count int
	}{{"db-bar", n.held}, {"db-bar-soft", n.ahead}, {"db-bar-off", n.off}} {
		if p.count > 0 {
			h := max(weekHeight*p.count/most, 3)
			y -= h
			c.Parts = append(c.Parts, part{p.class, x, y, width - min(weekMargin, width/3), h})
		}
	}
	c.CountY = y - 5
	return c
}

// some prints a number; none is left out.
func some(n int) string {
	if n == 0 {
		return ""
	}
	return grouping(int64(n))
}
