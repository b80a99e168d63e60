// Package match is two people working together: proposed, accepted by both,
// made, agreed, their sessions and reflections, and how it ended.
//
// Decisions may be refused here, records may not: a session that was held is
// recorded whatever the plan says, marked where it does not conform, and
// counted apart.
package match

import (
	"strings"

	"github.com/daybook-engine/daybook/domain"
)

// ID names a match within its cycle.
type ID struct {
	Cycle string `json:"cycle"`
	Match string `json:"match"`
}

func (id ID) Stream() string { return "match-" + id.Cycle + "." + id.Match }
func (id ID) Book() string   { return "cycle/" + id.Cycle }

// ParseStream gives back the ID that a stream is named by.
func ParseStream(stream string) ID {
	cycle, match, _ := strings.Cut(strings.TrimPrefix(stream, "match-"), ".")
	return ID{cycle, match}
}

func (id ID) Check() error {
	if err := domain.CheckSlug("cycle", id.Cycle); err != nil {
		return err
	}
	return domain.CheckSlug("match", id.Match)
}

// The two sides of a match.
const (
	Mentee = "mentee"
	Mentor = "mentor"
)
