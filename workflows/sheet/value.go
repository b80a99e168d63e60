package sheet

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// A Doubt is why a cell is put to a person: what stands there may mean two
// things, or nothing that is known.
type Doubt struct{ Text string }

func (d *Doubt) Error() string { return d.Text }

// Doubted makes a Doubt.
func Doubted(format string, args ...any) error { return &Doubt{fmt.Sprintf(format, args...)} }

// An Order is which comes first in 05/06/2017.
type Order string

const (
	Unknown  Order = ""
	DayMonth Order = "day-month"
	MonthDay Order = "month-day"
)

var (
	numeric = regexp.MustCompile(`^(\d{1,4})([-/.]) ?(\d{1,2})[-/.] ?(\d{1,4})\b`)
	iso     = regexp.MustCompile(`^(\d{4})-(\d{2})-(\d{2})(?:$|[T ])`)
	spelt   = regexp.MustCompile(`^(?:\pL+\.?,? )?(\d{1,2})(?:\.|st|nd|rd|th)? (\pL+)\.?,? (\d{4})\b`)
	spelled = regexp.MustCompile(`^(?:\pL+\.?, )?(\pL+)\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})\b`)
	clock   = regexp.MustCompile(`^(\d{1,2})(?:[:.](\d{2}))?(?::(\d{2}))?(?: ?(am|pm|uhr|h))?$`)
	amount  = regexp.MustCompile(`^(\d+)(?:([.,])(\d+))?$`)
)

var months = [][]string{
	{"january", "januar", "jan", "jänner"}, {"february", "februar", "feb"}, {"march", "märz", "mar", "mär", "mrz"}, {"april", "apr"},
	{"may", "mai"}, {"june", "juni", "jun"}, {"july", "juli", "jul"}, {"august", "aug"}, {"september", "sep", "sept"},
	{"october", "oktober", "oct", "okt"}, {"november", "nov"}, {"december", "dezember", "dec", "dez"},
}

// month is the month of a name in English or German; 0 for none.
func month(name string) int {
	for i, names := range months {
		for _, n := range names {
			if strings.EqualFold(n, name) {
				return i + 1
			}
		}
	}
	return 0
}

// OrderOf is the order that the dates of a column can only have, where some of
// them tell it and none contradicts.
func OrderOf(cells []Cell) Order {
	day, mon := false, false
	for _, c := range cells {
		if m := numeric.FindStringSubmatch(c.Text); m != nil && !c.Dated && m[2] != "." && len(m[1]) <= 2 {
			first, _ := strconv.Atoi(m[1])
			second, _ := strconv.Atoi(m[3])
			day, mon = day || first > 12, mon || second > 12
		}
	}
	switch {
	case day && !mon:
		return DayMonth
	case mon && !day:
		return MonthDay
	}
	return Unknown
}

// When reads a date, and the time of day that stands with it, "" for none:
// 2017-06-05 and 18:00, as a clock on the wall shows it.
func (c Cell) When(order Order) (date, at string, err error) {
	switch {
	case c.Doubt != "":
		return "", "", Doubted("%s", c.Doubt)
	case c.Dated && c.Days < 61:
		return "", "", Doubted("expected a date, found a time")
	case c.Dated:
		t := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC).Add(time.Duration(math.Round(c.Days*24*60*60)) * time.Second)
		if t.Year() > 9999 {
			return "", "", Doubted("expected a date, found one after the year 9999")
		}
		if t.Hour() != 0 || t.Minute() != 0 || t.Second() != 0 {
			at = wall(t.Hour(), t.Minute(), t.Second())
		}
		return t.Format(time.DateOnly), at, nil
	}
	if t, err := time.Parse(time.RFC3339, c.Text); err == nil {
		return "", "", Doubted("expected a local date and time, found one with a zone, %s", t.Format("-07:00"))
	}
	y, m, d, rest, err := c.date(order)
	if err != nil {
		return "", "", err
	}
	t := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	if t.Day() != d || int(t.Month()) != m {
		return "", "", Doubted("there is no such date as %q", clip(c.Text))
	}
	if rest = strings.TrimLeft(rest, " ,T–-\n"); rest != "" {
		for _, before := range []string{"um ", "at "} {
			rest = strings.TrimPrefix(rest, before)
		}
		if at, err = (Cell{Text: rest}).Clock(); err != nil {
			return "", "", Doubted("expected a date and a time after it, found %q", clip(c.Text))
		}
	}
	return t.Format(time.DateOnly), at, nil
}

// date reads a date at the beginning of a text.
func (c Cell) date(order Order) (y, m, d int, rest string, err error) {
	atoi := func(s string) int { n, _ := strconv.Atoi(s); return n }
	if x := iso.FindStringSubmatch(c.Text); x != nil {
		return atoi(x[1]), atoi(x[2]), atoi(x[3]), c.Text[10:], nil
	}
	if x := spelt.FindStringSubmatch(c.Text); x != nil && month(x[2]) > 0 {
		return atoi(x[3]), month(x[2]), atoi(x[1]), c.Text[len(x[0]):], nil
	}
	if x := spelled.FindStringSubmatch(c.Text); x != nil && month(x[1]) > 0 {
		return atoi(x[3]), month(x[1]), atoi(x[2]), c.Text[len(x[0]):], nil
	}
	x := numeric.FindStringSubmatch(c.Text)
	switch _, err := strconv.ParseFloat(c.Text, 64); {
	case err == nil:
		return 0, 0, 0, "", Doubted("expected a date, found the number %s: give its cells the format of a date", clip(c.Text))
	case x == nil || len(x[1]) > 2 && len(x[1]) != 4:
		return 0, 0, 0, "", Doubted("expected a date such as 2017-06-05 or 5 June 2017, found %q", clip(c.Text))
	}
	rest = c.Text[len(x[0]):]
	one, two, three := atoi(x[1]), atoi(x[3]), atoi(x[4])
	switch {
	case len(x[1]) == 4 && x[2] != ".":
		return one, two, three, rest, nil
	case len(x[4]) != 4:
		return 0, 0, 0, "", Doubted("expected a date with the whole year, found %q", clip(c.Text))
	case x[2] == ".", order == DayMonth, one > 12: // with dots, nobody puts the month first
		return three, two, one, rest, nil
	case order == MonthDay, two > 12:
		return three, one, two, rest, nil
	case one == two:
		return three, two, one, rest, nil
	}
	return 0, 0, 0, "", Doubted("%q may be %s or %s: say what 05/06/2017 means (in a map, dates: day-month or month-day)", clip(c.Text), spoken(three, two, one), spoken(three, one, two))
}

func spoken(y, m, d int) string {
	return time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC).Format("2 January 2006")
}

func wall(h, m, s int) string {
	if s == 0 {
		return fmt.Sprintf("%02d:%02d", h, m)
	}
	return fmt.Sprintf("%02d:%02d:%02d", h, m, s)
}

// Clock reads a time of day: 18:00.
func (c Cell) Clock() (string, error) {
	if c.Doubt != "" {
		return "", Doubted("%s", c.Doubt)
	}
	if c.Dated {
		seconds := int(math.Round((c.Days-math.Floor(c.Days))*24*60*60)) % (24 * 60 * 60)
		return wall(seconds/3600, seconds/60%60, seconds%60), nil
	}
	x := clock.FindStringSubmatch(strings.ToLower(c.Text))
	if x == nil || x[2] == "" && x[4] == "" {
		return "", Doubted("expected a time such as 18:00, found %q", clip(c.Text))
	}
	h, _ := strconv.Atoi(x[1])
	m, _ := strconv.Atoi("0" + x[2])
	s, _ := strconv.Atoi("0" + x[3])
	twelve := x[4] == "am" || x[4] == "pm"
	switch {
	case twelve && (h < 1 || h > 12), h > 23, m > 59, s > 59:
		return "", Doubted("there is no such time as %q", clip(c.Text))
	case x[4] == "pm" && h < 12:
		h += 12
	case x[4] == "am" && h == 12:
		h = 0
	}
	return wall(h, m, s), nil
}

// Minutes reads a length: 90, 90 min, 1:30, 1,5 h. A bare number is so many of
// unit, minutes or hours; with no unit, only what cannot be hours is taken.
func (c Cell) Minutes(unit string) (int, error) {
	if c.Doubt != "" {
		return 0, Doubted("%s", c.Doubt)
	}
	if c.Dated {
		return whole(c.Days*24*60, c.Text)
	}
	text := strings.ToLower(c.Text)
	if h, m, ok := strings.Cut(text, ":"); ok {
		hours, err := strconv.Atoi(h)
		minutes, wrong := strconv.Atoi(strings.TrimSuffix(strings.TrimSuffix(m, "h"), " "))
		if err != nil || wrong != nil || len(m) < 2 || minutes > 59 || minutes < 0 || hours < 0 || hours > 24 {
			return 0, Doubted("expected a length such as 90 or 1:30, found %q", clip(c.Text))
		}
		return hours*60 + minutes, nil
	}
	if i := strings.IndexFunc(text, unicode.IsLetter); i > 0 {
		switch strings.TrimSuffix(text[i:], ".") {
		case "min", "mins", "minute", "minutes", "minuten", "m":
			unit = "minutes"
		case "h", "hr", "hrs", "hour", "hours", "std", "stunde", "stunden":
			unit = "hours"
		default:
			return 0, Doubted("expected a length such as 90 or 1:30, found %q", clip(c.Text))
		}
		text = strings.TrimSpace(text[:i])
	}
	n, err := number(text)
	switch {
	case err != nil:
		return 0, err
	case unit == "hours":
		return whole(n*60, c.Text)
	case unit == "" && n < 15:
		return 0, Doubted("%s may be minutes or hours: say which by naming the column under minutes or hours", clip(c.Text))
	}
	return whole(n, c.Text)
}

// number reads a number with a point or a comma in it. With three digits after
// it, nobody knows which it is.
func number(text string) (float64, error) {
	x := amount.FindStringSubmatch(text)
	switch {
	case x == nil:
		return 0, Doubted("expected a number, found %q", clip(text))
	case len(x[3]) == 3 && len(x[1]) <= 3 && x[1] != "0":
		return 0, Doubted("%s may be %s%s or a fraction", clip(text), x[1], x[3])
	}
	return strconv.ParseFloat(x[1]+"."+x[3]+"0", 64)
}

func whole(n float64, text string) (int, error) {
	if r := math.Round(n); math.Abs(n-r) < 1e-3 && r < 1e6 {
		return int(r), nil
	}
	return 0, Doubted("expected whole minutes, found %q", clip(text))
}

// Whole reads a whole number.
func (c Cell) Whole() (int, error) {
	if c.Doubt != "" {
		return 0, Doubted("%s", c.Doubt)
	}
	n, err := number(c.Text)
	if err != nil || c.Dated || n != math.Trunc(n) || n > 1e6 {
		return 0, Doubted("expected a whole number, found %q", clip(c.Text))
	}
	return int(n), nil
}

// clip keeps what was found recognisable and short.
func clip(text string) string {
	if r := []rune(text); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return text
}
