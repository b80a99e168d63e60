package when

import (
	"slices"
	"strings"
	"time"
)

// A Rule says whether the instant of a deadline is still in time.
type Rule string

const (
	By     Rule = "by"     // received at the instant is in time
	Before Rule = "before" // received at the instant is too late
)

// A Deadline is what people were told, and the one instant that it means.
// The instant is stored with it, so that a later change of a zone's rules
// does not move what was promised.
type Deadline struct {
	Local     string    `json:"local"` // 2023-07-31T00:00
	Zone      string    `json:"zone"`  // Europe/Berlin
	Rule      Rule      `json:"rule"`
	Published string    `json:"published"` // the wording, kept as it stood
	Instant   time.Time `json:"instant,omitzero"`
	Override  string    `json:"override,omitempty"` // why a failed check of the wording was set aside
}

var rules = []string{string(By), string(Before)}

// OneOf lists the words of the fields that take no others.
func (Deadline) OneOf() map[string][]string { return map[string][]string{"rule": rules} }

// Resolve is d, checked, with its instant computed afresh in UTC, or the
// first thing that is wrong with d.
func (d Deadline) Resolve() (Deadline, error) {
	if !slices.Contains(rules, string(d.Rule)) {
		return d, ErrRuleUnknown.Because("it is " + quoted(string(d.Rule)))
	}
	instant, err := Local(d.Local, d.Zone)
	if err != nil {
		return d, err
	}
	if strings.TrimSpace(d.Override) == "" {
		wall, _ := parseWall(d.Local) // Local has just read it
		if err := CheckWording(d.Published, wall); err != nil {
			return d, err
		}
	}
	d.Instant = instant
	return d, nil
}

// Met tells whether what was received then was in time. Nothing is in time
// for a deadline that was not resolved.
func (d Deadline) Met(received time.Time) bool {
	switch d.Rule {
	case By:
		return !d.Instant.IsZero() && !received.After(d.Instant)
	case Before:
		return !d.Instant.IsZero() && received.Before(d.Instant)
	}
	return false
}
