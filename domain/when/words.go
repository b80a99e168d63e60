package when

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
