// Package call is an invitation to apply: its deadline, who got longer, and
// its closing. A deadline is told to people, so once the call is open it never
// moves earlier.
package call

import "github.com/daybook-engine/daybook/domain"

// ID names a call within its cycle, by the key it has in the definition.
type ID struct {
	Cycle string `json:"cycle"`
	Call  string `json:"call"`
}

func (id ID) Stream() string { return "call-" + id.Cycle + "." + id.Call }
func (id ID) Book() string   { return "cycle/" + id.Cycle }

func (id ID) Check() error {
	if err := domain.CheckSlug("cycle", id.Cycle); err != nil {
		return err
	}
	return domain.CheckSlug("call", id.Call)
}
