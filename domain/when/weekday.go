package when

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// CheckWeekday refuses a published wording whose weekday, in English or German, is not
// that of its date: "Monday 16 May 2017" was a Tuesday. A weekday is checked
// against the date it stands beside, else against the dates in the wording,
// else against date. A date without a year is the nearest one to date. With
// several weekdays that stand alone ("Monday to Friday"), one must fit.
func CheckWeekday(published string, date time.Time) error {
	words := wordsOf(published)
	dates := datesIn(words, date)

	var alone []time.Weekday
	beside := false
	for i, word := range words {
		weekday, ok := weekdayOf(word)
		if !ok {
			continue
		}
		next := i + 1
		if next < len(words) && strings.EqualFold(words[next], "the") {
			next++
		}
		of := slices.IndexFunc(dates, func(d written) bool { return d.from == next })
		if of < 0 {
			of = slices.IndexFunc(dates, func(d written) bool { return d.to == i })
		}
		if of < 0 {
			alone = append(alone, weekday)
			continue
		}
		beside = true
		if d := dates[of].date; d.Weekday() != weekday {
			return mismatch(d, weekday)
		}
	}
	if beside || len(alone) == 0 {
		return nil
	}
	if len(dates) == 0 {
		dates = []written{{date: date}}
	}
	for _, d := range dates {
		if slices.Contains(alone, d.date.Weekday()) {
			return nil
		}
	}
	return mismatch(dates[0].date, alone[0])
}

func wordsOf(published string) []string {
	return strings.FieldsFunc(published, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}

// A written date is one that stands in a wording.
type written struct {
	from, to int // words
	date     time.Time
}

func datesIn(words []string, near time.Time) (dates []written) {
	for i := 0; i < len(words); i++ {
		if d, n := dateAt(words[i:], near); n > 0 {
			dates = append(dates, written{i, i + n, d})
			i += n - 1
		}
	}
	return dates
}

func mismatch(date time.Time, named time.Weekday) error {
	return ErrWeekdayMismatch.Because(date.Format("2 January 2006") + " is a " + date.Weekday().String() + ", not a " + named.String())
}

// dateAt reads a date off the front of words and says how many it took, none
// if there isn't one: 16 May 2017, the 16th of May, May 16, 2017-05-16.
func dateAt(words []string, near time.Time) (date time.Time, n int) {
	word := func(i int) string {
		if i < len(words) {
			return words[i]
		}
		return ""
	}
	var month time.Month
	var day int
	switch {
	case dayOf(word(0)) > 0 && monthOf(word(1)) > 0:
		day, month, n = dayOf(word(0)), monthOf(word(1)), 2
	case dayOf(word(0)) > 0 && strings.EqualFold(word(1), "of") && monthOf(word(2)) > 0:
		day, month, n = dayOf(word(0)), monthOf(word(2)), 3
	case monthOf(word(0)) > 0 && dayOf(word(1)) > 0:
		day, month, n = dayOf(word(1)), monthOf(word(0)), 2
	case yearOf(word(0)) > 0 && len(word(1)) == 2 && len(word(2)) == 2:
		iso := strings.Join(words[:3], "-")
		if d, err := time.Parse(time.DateOnly, iso); err == nil {
			return d, 3
		}
		return time.Time{}, 0
	default:
		return time.Time{}, 0
	}
	if year := yearOf(word(n)); year > 0 {
		date, n = midnight(year, month, day), n+1
	} else {
		for _, y := range []int{near.Year() - 1, near.Year(), near.Year() + 1} {
			if d := midnight(y, month, day); date.IsZero() || near.Sub(d).Abs() < near.Sub(date).Abs() {
				date = d
			}
		}
	}
	if date.Day() != day { // 31 June
		return time.Time{}, 0
	}
	return date, n
}

func midnight(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// weekdayOf reads a weekday in full, or abbreviated with a capital: the sun
// and who sat in it are not weekdays.
func weekdayOf(word string) (time.Weekday, bool) {
	for d := time.Sunday; d <= time.Saturday; d++ {
		name := d.String()
		if strings.EqualFold(word, name) || strings.EqualFold(word, tage[d]) {
			return d, true
		}
		if len(word) >= 3 && len(word) <= 5 && word[0] == name[0] && strings.EqualFold(word, name[:min(len(word), len(name))]) {
			return d, true
		}
	}
	if strings.EqualFold(word, "Sonnabend") {
		return time.Saturday, true
	}
	return time.Wednesday, word == "Weds"
}

// The days and months as they are called in German.
var (
	tage   = [...]string{"Sonntag", "Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag"}
	monate = [...]string{"Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"}
)

func monthOf(word string) time.Month {
	for m := time.January; m <= time.December; m++ {
		name := m.String()
		if strings.EqualFold(word, name) || strings.EqualFold(word, name[:3]) || strings.EqualFold(word, monate[m-1]) {
			return m
		}
	}
	if strings.EqualFold(word, "sept") {
		return time.September
	}
	return 0
}

func dayOf(word string) int {
	for _, suffix := range []string{"st", "nd", "rd", "th"} {
		word = strings.TrimSuffix(strings.ToLower(word), suffix)
	}
	if n, err := strconv.Atoi(word); err == nil && len(word) <= 2 && n >= 1 && n <= 31 {
		return n
	}
	return 0
}

func yearOf(word string) int {
	if n, err := strconv.Atoi(word); err == nil && len(word) == 4 && n >= 1900 && n < 2200 {
		return n
	}
	return 0
}
