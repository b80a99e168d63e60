package imports

import (
	"fmt"
	"slices"
	"time"

	"github.com/daybook-engine/daybook/domain"
)

var (
	ErrUnknown  = domain.Missing("import_unknown", "there is no such import")
	ErrStarted  = domain.Refuse("import_exists", "there is already another import of this id")
	ErrKind     = domain.Wrong("kind_unknown", "an import is of people, mentors, applications, matches, sessions or attendance")
	ErrCounts   = domain.Wrong("counts_malformed", "an import's counts add up to its rows")
	ErrUnderWay = domain.Refuse("import_under_way", "rows of this import are still being recorded; take it back when that is done")
	ErrStanding = domain.Refuse("import_stands", "some of what was imported can be taken back and was not; daybook import revert does so first")
)

// Kinds lists what can be imported.
var Kinds = []string{"people", "mentors", "applications", "matches", "sessions", "attendance"}

// Start is import.start.
type Start struct {
	ID
	Kind string         `json:"kind"`
	File domain.Private `json:"file"`
	Rows int            `json:"rows"`

	Actor domain.Person `json:"-" from:"actor"`
}

func (c Start) Decide(s State, _ time.Time) ([]Event, error) {
	switch {
	case !slices.Contains(Kinds, c.Kind):
		return nil, ErrKind.Because(c.Kind)
	case c.Rows < 1:
		return nil, ErrCounts
	case s.Cycle() != "":
		return nil, ErrStarted
	}
	return []Event{Started{c.Cycle, c.Kind, c.File.About(domain.Personal, domain.Programme, c.Actor), c.Rows}}, nil
}

// Finish is import.finish.
type Finish struct {
	ID
	Finished
}

func (c Finish) Decide(s State, _ time.Time) ([]Event, error) {
	switch {
	case s.Cycle() == "":
		return nil, ErrUnknown.Because(c.Import)
	case s.finished:
		return nil, nil
	case min(c.Recorded, c.Already, c.Refused, c.Asked) < 0, c.Recorded+c.Already+c.Refused+c.Asked != s.started.Rows:
		return nil, ErrCounts
	}
	return []Event{c.Finished}, nil
}

// Revert is import.revert: the record that an import was taken back, once
// nothing of it is left that could be.
type Revert struct {
	ID

	// Looked up in the log: of what the import recorded, what was taken back,
	// what could be and was not, and what nothing takes back.
	Undone   int `json:"-"`
	Standing int `json:"-"`
	Left     int `json:"-"`
}

func (c Revert) Decide(s State, _ time.Time) ([]Event, error) {
	switch {
	case s.Cycle() == "":
		return nil, ErrUnknown.Because(c.Import)
	case s.reverted:
		return nil, nil
	case c.Standing > 0:
		return nil, ErrStanding.Because(fmt.Sprint(c.Standing))
	}
	return []Event{Reverted{c.Undone, c.Left}}, nil
}
