// Package allocation holds every place of a programme: its quotas, who holds
// which place, and the reserve in order of rank. The place is what people
// contend for, so all of it is one stream, and the last place is decided by
// the stream's revision.
package allocation

import "github.com/daybook-engine/daybook/domain"

// ID names a programme's places.
type ID struct {
	Programme string `json:"programme,omitzero"` // looked up from the cycle where it isn't said
}

func (id ID) Stream() string { return "allocation-" + id.Programme }
func (id ID) Book() string   { return "programme/" + id.Programme }
func (id ID) Check() error   { return domain.CheckSlug("programme", id.Programme) }
