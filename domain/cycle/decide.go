package cycle

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/when"
)

var (
	ErrUnknown    = domain.Missing("cycle_unknown", "there is no such cycle")
	ErrDefinition = domain.Refuse("definition_unpublished", "the programme has published no such definition; publish it first, with definition.publish")
	ErrPlanned    = domain.Refuse("cycle_planned", "this cycle is already planned otherwise")
	ErrClosed     = domain.Refuse("cycle_closed", "this cycle is closed")
	ErrOpenItems  = domain.Refuse("open_items", "a cycle closes when its calls are closed, every application is decided, no offer stands, nobody waits in reserve, and every match is completed, ended or unwound")
	ErrNotClosed  = domain.Refuse("cycle_open", "figures are sealed when the cycle is closed")
	ErrNotAtRest  = domain.Refuse("not_at_rest", "a cycle moves to another version of its definition only at rest")
	ErrListed     = domain.Refuse("listed_otherwise", "this is no longer what the dry run listed; look at it again")
	ErrOrder      = domain.Wrong("dates_reversed", "the end lies before the beginning")
)

// Plan is cycle.plan.
type Plan struct {
	ID
	Programme  string        `json:"programme"`
	Definition domain.Digest `json:"definition,omitzero"` // empty: the newest
	Title      string        `json:"title"`
	From       when.Partial  `json:"from"`
	To         when.Partial  `json:"to"`

	// Looked up: the definition of that hash, or the newest.
	Found domain.Digest `json:"-"`
	Zone  string        `json:"-"`
}

func (c Plan) Decide(s State, _ time.Time) ([]Event, error) {
	if err := domain.CheckSlug("programme", c.Programme); err != nil {
		return nil, err
	}
	if c.Found == "" {
		return nil, ErrDefinition
	}
	zone, err := when.Zone(c.Zone)
	if err != nil {
		return nil, err
	}
	from, err := begins(c.From, c.To, c.Zone)
	if err != nil {
		return nil, err
	}
	plan := Planned{c.Programme, c.Found, c.Title, c.From, c.To, c.Zone, from.In(zone).Year()}
	switch {
	case s.plan == plan:
		return nil, nil
	case s.plan.Definition != "":
		return nil, ErrPlanned
	}
	return []Event{plan}, nil
}

// begins is the first instant of from, if to does not lie before it.
func begins(from, to when.Partial, zone string) (time.Time, error) {
	switch {
	case from.Check() != nil:
		return time.Time{}, when.ErrDateMalformed.Because(fmt.Sprintf("from: it is %q", from))
	case to.Check() != nil:
		return time.Time{}, when.ErrDateMalformed.Because(fmt.Sprintf("to: it is %q", to))
	}
	start, err := from.Start(zone)
	if err != nil {
		return time.Time{}, err
	}
	end, err := to.End(zone)
	if err == nil && end.Before(start) {
		err = ErrOrder
	}
	return start, err
}

// ScheduleStage is stage.schedule.
type ScheduleStage struct {
	ID
	Stage     string       `json:"stage"`
	From      when.Partial `json:"from"`
	To        when.Partial `json:"to,omitzero"`
	Published string       `json:"published,omitzero"`
}

func (c ScheduleStage) Decide(s State, _ time.Time) ([]Event, error) {
	if err := domain.CheckSlug("stage", c.Stage); err != nil {
		return nil, err
	}
	if s.plan.Definition == "" {
		return nil, ErrUnknown
	}
	from, err := begins(c.From, cmp.Or(c.To, c.From), s.plan.Zone)
	if err != nil {
		return nil, err
	}
	zone, err := when.Zone(s.plan.Zone)
	if err != nil {
		return nil, err
	}
	if len(c.From) == len("2023-09-13") {
		if err := when.CheckWeekday(c.Published, from.In(zone)); err != nil {
			return nil, err
		}
	}
	e := StageScheduled{c.Stage, c.From, c.To, c.Published}
	switch {
	case slices.Contains(s.stages, e):
		return nil, nil
	case s.closed:
		return nil, ErrClosed
	}
	return []Event{e}, nil
}

// MoveDefinition is definition.move: from now on the cycle goes by another
// published version of its programme's definition. What was told and agreed
// stays as it is, and nothing that was decided is decided again.
type MoveDefinition struct {
	ID
	Definition domain.Digest `json:"definition"`
	Listed     domain.Digest `json:"listed,omitzero"` // what the dry run gave that this rests on; empty: whatever it lists now

	// Looked up: the definition of that hash, what the move changes, and what
	// is on its way that it would change under somebody's hands.
	Found    domain.Digest `json:"-"`
	Listing  Listing       `json:"-"`
	InTheWay []string      `json:"-"`
}

func (c MoveDefinition) Decide(s State, _ time.Time) ([]Event, error) {
	plan, ok := s.Plan()
	switch {
	case !ok:
		return nil, ErrUnknown
	case c.Found == "":
		return nil, ErrDefinition
	case c.Found == plan.Definition:
		return nil, nil
	case s.closed:
		return nil, ErrClosed
	case len(c.InTheWay) > 0:
		return nil, ErrNotAtRest.Because("in the way: " + strings.Join(c.InTheWay, "; "))
	case c.Listed != "" && c.Listed != c.Listing.Listed:
		return nil, ErrListed
	}
	return []Event{DefinitionMoved{plan.Definition, c.Found, c.Listing}}, nil
}

// fewOpen of what keeps a cycle open are told.
const fewOpen = 12

// Close is cycle.close.
type Close struct {
	ID

	// Looked up, in words: calls that are open, people who wait for a decision,
	// an answer or a place, and matches that are neither completed nor ended nor
	// unwound. What is decided meanwhile is decided after closing; its records
	// are kept and marked.
	Open []string `json:"-"`
}

func (c Close) Decide(s State, _ time.Time) ([]Event, error) {
	switch {
	case s.plan.Definition == "":
		return nil, ErrUnknown
	case s.closed:
		return nil, nil
	case len(c.Open) > 0:
		open := c.Open[:min(len(c.Open), fewOpen)]
		if more := len(c.Open) - len(open); more > 0 {
			open = append(slices.Clip(open), fmt.Sprintf("and %d more", more))
		}
		return nil, ErrOpenItems.Because("open: " + strings.Join(open, ", "))
	}
	return []Event{Closed{}}, nil
}

// SealFigures is figures.seal: a policy's command after cycle.closed.
type SealFigures struct {
	ID

	// Looked up: every measure over the log as it stood.
	After   string   `json:"-"`
	Figures []Figure `json:"-"`
}

func (c SealFigures) Decide(s State, _ time.Time) ([]Event, error) {
	switch {
	case !s.closed:
		return nil, ErrNotClosed
	case s.sealed:
		return nil, nil
	}
	return []Event{FiguresSealed{c.After, c.Figures}}, nil
}
