package when

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// CheckWording refuses a published wording that tells people of another day or
// hour than the deadline's local time: of the dates and of the hours that are in
// it, in English, one must be the deadline's. Midnight ends the day before, too,
// and 23:59 is as good as it. A wording without a date or an hour says nothing
// wrong.
func CheckWording(published string, local time.Time) error {
	if err := CheckWeekday(published, local); err != nil {
		return err
	}
	day := midnight(local.Year(), local.Month(), local.Day())
	now := local.Hour()*60 + local.Minute()
	days, hours := []time.Time{day}, []int{now}
	switch now {
	case 0:
		days, hours = append(days, day.AddDate(0, 0, -1)), append(hours, 24*60, 24*60-1)
	case 24*60 - 1:
		hours = append(hours, 0, 24*60)
	}
	dates := datesIn(wordsOf(published), local)
	if len(dates) > 0 && !slices.ContainsFunc(dates, func(d written) bool { return slices.Contains(days, d.date) }) {
		return ErrWordingMismatch.Because("it names " + dates[0].date.Format("2 January 2006") + ", and the deadline is on " + day.Format("2 January 2006"))
	}
	said := hoursIn(published)
	if len(said) > 0 && !slices.ContainsFunc(said, func(h int) bool { return slices.Contains(hours, h) }) {
		return ErrWordingMismatch.Because("it names " + hour(said[0]) + ", and the deadline is at " + hour(now))
	}
	return nil
}

func hour(minutes int) string {
	two := func(n int) string { return strconv.Itoa(n/10) + strconv.Itoa(n%10) }
	return two(minutes/60) + ":" + two(minutes%60)
}

// hoursIn lists the hours in a wording, in minutes: 17:00, 5pm, 5.30 p.m., noon,
// midnight.
func hoursIn(published string) (list []int) {
	words := strings.FieldsFunc(strings.ToLower(published), func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && r != ':' && r != '.'
	})
	for i, word := range words {
		word = strings.Trim(word, ".:")
		switch word {
		case "noon", "midday":
			list = append(list, 12*60)
			continue
		case "midnight":
			list = append(list, 0)
			continue
		}
		half := halfOf(word)
		if half != "" {
			word = word[:len(word)-len(half)]
		} else if i+1 < len(words) {
			if next := strings.Trim(words[i+1], ".:"); halfOf(next) == next {
				half = next
			}
		}
		if n, ok := minutesOf(word, half); ok {
			list = append(list, n)
		}
	}
	return list
}

// halfOf is the half of the day that a word ends with, as am and pm.
func halfOf(word string) string {
	for _, half := range []string{"am", "a.m", "pm", "p.m"} {
		if strings.HasSuffix(word, half) {
			return half
		}
	}
	return ""
}

// minutesOf reads an hour: 17:00, or with the half of the day 5, 5:30 or 5.30.
func minutesOf(word, half string) (int, bool) {
	if half != "" {
		word = strings.Replace(word, ".", ":", 1)
	}
	h, m, minutes := strings.Cut(word, ":")
	if m, _, _ = strings.Cut(m, ":"); !minutes {
		if half == "" {
			return 0, false
		}
		m = "00"
	}
	hours, err := strconv.Atoi(h)
	past, bad := strconv.Atoi(m)
	switch {
	case err != nil || bad != nil || len(m) != 2 || past < 0 || past > 59 || hours < 0 || hours > 24 || half != "" && (hours < 1 || hours > 12):
		return 0, false
	case half == "":
	case half[0] == 'a':
		hours %= 12
	default:
		hours = hours%12 + 12
	}
	return hours*60 + past, true
}
