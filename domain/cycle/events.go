package cycle

import (
	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/when"
)

// The structs below are stored for ever. Add optional fields freely; for any
// other change, see package schema.

// Planned is cycle.planned: the cycle exists and pins a definition.
type Planned struct {
	Programme  string        `json:"programme"`
	Definition domain.Digest `json:"definition"`
	Title      string        `json:"title"`
	From       when.Partial  `json:"from"`
	To         when.Partial  `json:"to"`
	Zone       string        `json:"zone"`
	Year       int           `json:"year"` // whose yearly quota its places count against
}

// DefinitionMoved is definition.moved: from here on the cycle goes by another
// version. The envelope says why, and by whose leave.
type DefinitionMoved struct {
	From domain.Digest `json:"from"`
	To   domain.Digest `json:"to"`
	Listing
}

// A Listing is what a dry run told of a move.
type Listing struct {
	Listed  domain.Digest `json:"listed"`  // SHA-256 of its lines
	Changes int           `json:"changes"` // lines about the definition
	Effects int           `json:"effects"` // lines about the cycle
}

// StageScheduled is stage.scheduled: one entry of the timetable.
type StageScheduled struct {
	Stage     string       `json:"stage"`
	From      when.Partial `json:"from"`
	To        when.Partial `json:"to,omitempty"`
	Published string       `json:"published,omitempty"` // the wording people were given
}

// Closed is cycle.closed.
type Closed struct{}

// FiguresSealed is figures.sealed: what the measures said when the cycle
// closed, and which was the last event that they saw. Positions differ from
// store to store, ids don't.
type FiguresSealed struct {
	After   string   `json:"after"` // event id
	Figures []Figure `json:"figures"`
}

// A Figure is a measure's value.
type Figure struct {
	Measure string `json:"measure"`
	Version int    `json:"version"`
	Value   int64  `json:"value"`
}
