// Package gathering is people coming together at a stage of a programme: a
// training day, a supervision group, a talk. It is announced, moved or called
// off, and afterwards it is recorded who was there, for how long; what was said
// is nobody's but theirs.
//
// Who was there is a record and is not refused, whatever had been planned: it is
// marked where it does not conform.
package gathering

import (
	"strings"

	"github.com/daybook-engine/daybook/domain"
)

// ID names a gathering within its cycle.
type ID struct {
	Cycle     string `json:"cycle"`
	Gathering string `json:"gathering"`
}

func (id ID) Stream() string { return "gathering-" + id.Cycle + "." + id.Gathering }
func (id ID) Book() string   { return "cycle/" + id.Cycle }

// ParseStream gives back the ID that a stream is named by.
func ParseStream(stream string) ID {
	cycle, gathering, _ := strings.Cut(strings.TrimPrefix(stream, "gathering-"), ".")
	return ID{cycle, gathering}
}

func (id ID) Check() error {
	if err := domain.CheckSlug("cycle", id.Cycle); err != nil {
		return err
	}
	return domain.CheckSlug("gathering", id.Gathering)
}
