package when

import "time"

// Words is the deadline as its rule reads it: "before 2023-07-31T00:00
// Europe/Berlin".
func (d Deadline) Words() string {
	return string(d.Rule) + " " + d.Local + " " + d.Zone
}

// Words names the calendar as events do: name@version, empty when there is
// none.
func (c Calendar) Words() string {
	if c.Name == "" {
		return ""
	}
	return c.Name + "@" + c.Version
}

// Told is a moment as people are told it: by the time zone data of then, which
// may be corrected before it comes.
type Told struct {
	Local string `json:"local"` // with its distance from UTC, RFC 3339
	Zone  string `json:"zone"`
}

// Tell says a moment as people of a zone are told it; nothing where there is no
// such zone.
func Tell(at time.Time, zone string) (t Told) {
	if location, err := Zone(zone); err == nil && !at.IsZero() {
		t = Told{at.In(location).Format(time.RFC3339), zone}
	}
	return t
}
