// Package mentor is somebody in a pool of mentors: how many matches they can
// take, and which they have. The capacity is kept here, across programmes and
// cycles.
package mentor

import (
	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/person"
)

// ID names a mentor.
type ID struct {
	Mentor domain.Person `json:"mentor"`
}

func (id ID) Stream() string { return "mentor-" + string(id.Mentor) }
func (id ID) Book() string   { return "installation" }
func (id ID) Check() error   { return person.ID{Person: id.Mentor}.Check() }
