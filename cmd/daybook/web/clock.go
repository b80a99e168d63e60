package web

import (
	"fmt"
	"time"

	"github.com/daybook-engine/daybook/domain/when"
)

// An instant is a time as pages print it: by the clocks of the cycle's place,
// and in UTC beside it for whoever compares.
type instant struct {
	Local string // Mon 31 Jul 2023, 00:30
	Zone  string // CEST
	UTC   string // 2023-07-30T22:30:00Z
	Place string // Europe/Berlin
}

// instantIn is the zero instant for the zero time: templates print nothing.
func instantIn(t time.Time, zone *time.Location) instant {
	if t.IsZero() {
		return instant{}
	}
	local := t.In(zone)
	return instant{local.Format("Mon 2 Jan 2006, 15:04"), zoneName(local), t.UTC().Format(time.RFC3339), zone.String()}
}

// zoneName is the zone's abbreviation, or its distance from UTC where it has
// only that.
func zoneName(t time.Time) string {
	name, _ := t.Zone()
	if name == "" || name[0] == '+' || name[0] == '-' {
		return t.Format("UTC-07:00")
	}
	return name
}

// location finds a cycle's zone; a name that this system doesn't know falls
// back to UTC, which every time says of itself.
func location(zone string) *time.Location {
	loc, err := when.Zone(zone)
	if err != nil {
		return time.UTC
	}
	return loc
}

// lag tells how much later than it happened something was recorded, to the nearest
// day, and nothing when that was within one.
func lag(occurred, recorded time.Time) string {
	late := recorded.Sub(occurred)
	if late <= 24*time.Hour {
		return ""
	}
	return "recorded " + plural(int(late.Round(24*time.Hour)/(24*time.Hour)), "day", "days") + " later"
}

// left tells how far off a time is.
func left(t, now time.Time) string {
	d := t.Sub(now)
	past := d < 0
	if past {
		d = -d
	}
	var n string
	switch {
	case d < time.Hour:
		n = plural(int(d.Minutes()), "minute", "minutes")
	case d < 48*time.Hour:
		n = plural(int(d.Hours()), "hour", "hours")
	default:
		n = plural(int(d.Hours()/24), "day", "days")
	}
	if past {
		return n + " ago"
	}
	return "in " + n
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
