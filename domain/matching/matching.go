// Package matching is a cycle's runs, each of which proposes who should work
// with whom: what goes into one, and what comes out. The proposals are found by
// workflows/matching. They bind nobody: a person proposes the matches, one by
// one, and says why where that overrides a run.
package matching

import (
	"github.com/daybook-engine/daybook/domain"
)

// ID names a cycle's runs.
type ID struct {
	Cycle string `json:"cycle"`
}

func (id ID) Stream() string { return "matching-" + id.Cycle }
func (id ID) Book() string   { return "cycle/" + id.Cycle }
func (id ID) Check() error   { return domain.CheckSlug("cycle", id.Cycle) }
