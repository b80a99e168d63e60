package when

import "time"

// Months is the beginning of the day, in zone, that lies so many months after
// anchor's; the last of its month, where that has no such day. Days that the
// clocks begin later begin then.
func Months(anchor time.Time, n int, zone string) (time.Time, error) {
	loc, err := Zone(zone)
	if err != nil {
		return time.Time{}, err
	}
	year, month, day := anchor.In(loc).Date()
	last := time.Date(year, month+time.Month(n)+1, 0, 0, 0, 0, 0, time.UTC).Day()
	return existing(time.Date(year, month+time.Month(n), min(day, last), 0, 0, 0, 0, time.UTC), loc), nil
}
