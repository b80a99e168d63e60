// Package cycle is one run of a programme, from its plan to its close: which
// definition it pins, its timetable, and the figures sealed at its end.
package cycle

import (
	"strings"

	"github.com/daybook-engine/daybook/domain"
)

// ID names a cycle by slug, unique in the installation.
type ID struct {
	Cycle string `json:"cycle"`
}

func (id ID) Stream() string { return "cycle-" + id.Cycle }
func (id ID) Book() string   { return "cycle/" + id.Cycle }

// ParseStream gives back the ID that a stream is named by.
func ParseStream(stream string) ID { return ID{strings.TrimPrefix(stream, "cycle-")} }

func (id ID) Check() error { return domain.CheckSlug("cycle", id.Cycle) }
