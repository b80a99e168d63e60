package programme

import "github.com/daybook-engine/daybook/domain"

// The structs below are stored for ever. Add optional fields freely; for any
// other change, see package schema.

// DefinitionPublished is definition.published: a version that cycles may pin
// from now on.
type DefinitionPublished struct {
	Hash       domain.Digest `json:"hash"`
	Definition Definition    `json:"definition"`
}
