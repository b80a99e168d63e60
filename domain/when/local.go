package when

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	toTheMinute = "2006-01-02T15:04"
	toTheSecond = "2006-01-02T15:04:05"
)

// Zone finds a time zone by its IANA name, an area and a place, or UTC. Other
// names that a system may know (CET, Japan, US/Pacific, posix/Europe/Berlin)
// are refused, because another system may not.
func Zone(name string) (*time.Location, error) {
	areas := []string{"Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"}
	area, _, placed := strings.Cut(name, "/")
	switch {
	case name == "UTC" || name == "Etc/UTC":
		return time.UTC, nil
	case area == "Etc", !placed && name != "" && name == strings.ToUpper(name):
		return nil, ErrZoneAbbreviation.Because("it is " + quoted(name))
	case !placed || !slices.Contains(areas, area):
		return nil, unknown(name, areas)
	}
	if known, ok := zones.Load(name); ok {
		return known.(*time.Location), nil
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, unknown(name, areas)
	}
	zones.Store(name, loc)
	return loc, nil
}

// unknown is ErrZoneUnknown, with the zone that is meant by the name of its place,
// or by other letters, if there is one.
func unknown(name string, areas []string) error {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return r == ' ' || r == '_' })
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	place := strings.Join(words, "_")
	if _, city, placed := strings.Cut(place, "/"); placed && city != "" {
		place = strings.ToUpper(city[:1]) + city[1:]
	}
	if place == "" { // which is asked of whatever has no zone, and often
		return ErrZoneUnknown.Because("it is " + quoted(name))
	}
	for _, area := range areas {
		near := area + "/" + place
		if _, err := time.LoadLocation(near); err == nil {
			return ErrZoneUnknown.Because("it is " + quoted(name) + "; did you mean " + near + "?")
		}
	}
	return ErrZoneUnknown.Because("it is " + quoted(name))
}

// zones keeps what was loaded: the package time reads a zone's file each time
// it is asked, which costs more than all else a command does in memory.
var zones sync.Map

// Local is the instant of a local time like 2023-07-31T00:00, the seconds
// being optional. A time that the zone's clocks skip or show twice is refused:
// whoever typed it has to say what was meant.
func Local(text, zone string) (time.Time, error) {
	loc, err := Zone(zone)
	if err != nil {
		return time.Time{}, err
	}
	wall, ok := parseWall(text)
	if !ok {
		return time.Time{}, ErrLocalMalformed.Because("it is " + quoted(text))
	}
	at, skipped := instants(wall, loc)
	switch len(at) {
	case 0:
		until := skipped.In(loc)
		_, offset := skipped.Add(-1).In(loc).Zone()
		from := onWall(skipped, offset)
		return time.Time{}, ErrTimeInGap.Because("in " + zone + " the clocks went from " + from.Format(toTheMinute) + " straight to " + until.Format(toTheMinute))
	case 1:
		return at[0].UTC(), nil
	}
	return time.Time{}, ErrTimeAmbiguous.Because("in " + zone + " it was " + at[0].Format(time.RFC3339) + " and again " + at[1].Format(time.RFC3339))
}

// Parse reads a time as people write it, "2023-06-19T09:00 Europe/Berlin", or
// as machines do, "2023-06-19T09:00:00+02:00".
func Parse(text string) (time.Time, error) {
	if local, zone, found := strings.Cut(text, " "); found {
		if _, ok := parseWall(local); ok {
			return Local(local, zone)
		}
	} else if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t.UTC(), nil
	}
	return time.Time{}, ErrTimeMalformed.Because("it is " + quoted(text))
}

// parseWall reads what a clock on the wall showed, as if it hung in UTC.
func parseWall(text string) (time.Time, bool) {
	for _, layout := range []string{toTheMinute, toTheSecond} {
		// time.Parse alone would let "9:00" and "09:00:00.5" pass.
		if t, err := time.Parse(layout, text); err == nil && t.Format(layout) == text {
			return t, true
		}
	}
	return time.Time{}, false
}

// instants are the times, in order, at which the clocks of loc show wall:
// mostly one, two where they go back, none where they go forward. If there is
// none, skipped is the instant at which the clocks jump over it.
func instants(wall time.Time, loc *time.Location) (at []time.Time, skipped time.Time) {
	const furthest = 16 * time.Hour // no zone was ever further than that from UTC
	last := wall.Add(furthest)
	for t := wall.Add(-furthest).In(loc); ; {
		_, offset := t.Zone()
		showing := wall.Add(-time.Duration(offset) * time.Second).In(loc)
		if _, then := showing.Zone(); then == offset && !slices.ContainsFunc(at, showing.Equal) {
			at = append(at, showing)
		}
		_, change := t.ZoneBounds()
		if change.IsZero() || change.After(last) {
			return at, skipped
		}
		if !change.After(t) {
			// Past a zone's table, ZoneBounds ends every year after 365 days,
			// so that the last day of a leap year ends before it begins.
			change = t.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour).In(loc)
		}
		_, next := change.Zone()
		from, to := onWall(change, offset), onWall(change, next)
		if !from.After(wall) && to.After(wall) {
			skipped = change
		}
		t = change
	}
}

// existing is the first instant at which the clocks of loc show wall, or, if
// they skip it, the first after the jump. It serves computed times, which
// must not fail when a clock changes, as against typed ones.
func existing(wall time.Time, loc *time.Location) time.Time {
	at, skipped := instants(wall, loc)
	if len(at) == 0 {
		return skipped.UTC()
	}
	return at[0].UTC()
}

// onWall is what a clock that far from UTC shows at t, as if it hung in UTC.
func onWall(t time.Time, offset int) time.Time {
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// quoted keeps what was typed recognisable and short in an answer.
func quoted(text string) string {
	if len(text) > 60 {
		text = text[:60] + "…"
	}
	return strconv.Quote(text)
}
