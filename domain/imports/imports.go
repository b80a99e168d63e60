// Package imports is a spreadsheet that somebody brought in: when, of what
// kind, which file, and what came of its rows. What a row recorded lies where
// it belongs and has the import's id as its correlation; here is that it came
// by this way, and whether that was taken back.
package imports

import "github.com/daybook-engine/daybook/domain"

// ID names an import within its cycle, by a random id.
type ID struct {
	Cycle  string `json:"cycle"`
	Import string `json:"import"`
}

func (id ID) Stream() string { return "import-" + id.Import }
func (id ID) Book() string   { return "cycle/" + id.Cycle }

func (id ID) Check() error {
	if !domain.IsUUID(id.Import) {
		return ErrUnknown.Because(id.Import)
	}
	return domain.CheckSlug("cycle", id.Cycle)
}
