package matching

import (
	"fmt"
	"time"

	"github.com/daybook-engine/daybook/domain"
)

var (
	ErrUnplanned = domain.Refuse("matching_unplanned", "the definition that this cycle goes by does not say how to match; matches are proposed one by one, with match.propose")
	ErrRun       = domain.Refuse("run_exists", "there is already another run of this name")
	ErrFact      = domain.Wrong("fact_unused", "no rule or factor of the programme's definition looks at this fact")
	ErrNoPlace   = domain.Refuse("no_place", "a mentee needs a filled place in this cycle")
	ErrMatched   = domain.Refuse("mentee_matched", "this mentee has a match in this cycle")
	ErrMentor    = domain.Missing("mentor_unknown", "this person is in no pool of mentors")
	ErrRoom      = domain.Refuse("no_room", "a mentor has less room than this; without capacity they take as many as there is room for")
	ErrCycleOver = domain.Refuse("cycle_closed", "this cycle is closed")
)

// Propose is matching.propose. What the programme weighs and forbids is in its
// definition; the command brings what is known of the people. A mentor takes
// as many as there is room for, or fewer, where the command says so.
type Propose struct {
	ID
	Run     string   `json:"run"`
	Seed    int64    `json:"seed,omitzero"`
	Mentees []Mentee `json:"mentees"`
	Mentors []Mentor `json:"mentors"`
	Bars    []Bar    `json:"bars,omitzero"`
	Locks   []Lock   `json:"locks,omitzero"`

	// Looked up: what the run rests on, with the room that mentors have left
	// and the pairs that there were; and what it results in, unless somebody
	// should not be in it. A match that is proposed meanwhile is judged by
	// its own rules.
	Over     bool            `json:"-"`
	Unplaced []domain.Person `json:"-"`
	Matched  []domain.Person `json:"-"`
	Unknown  []domain.Person `json:"-"` // mentors
	Crowded  []Mentor        `json:"-"` // with less room than the command says: with that
	Input    Input           `json:"-"`
	Result   Result          `json:"-"`
	Wrong    error           `json:"-"` // what the input cannot be matched for
}

// Unfit is the first reason why nothing is to be matched at all.
func (c Propose) Unfit() error {
	switch {
	case domain.CheckSlug("run", c.Run) != nil:
		return domain.CheckSlug("run", c.Run)
	case c.Over:
		return ErrCycleOver
	case c.Input.Policy == "":
		return ErrUnplanned
	case c.stray() != "":
		return ErrFact.Because(c.stray())
	case len(c.Unplaced) > 0:
		return ErrNoPlace.Because(string(c.Unplaced[0]))
	case len(c.Matched) > 0:
		return ErrMatched.Because(string(c.Matched[0]))
	case len(c.Unknown) > 0:
		return ErrMentor.Because(string(c.Unknown[0]))
	case len(c.Crowded) > 0:
		return ErrRoom.Because(fmt.Sprintf("%s has room for %d", c.Crowded[0].Mentor, c.Crowded[0].Capacity))
	}
	return nil
}

// stray is the first fact that would be kept and say nothing: it is misspelt, or
// meant for another programme.
func (c Propose) stray() string {
	for _, m := range c.Input.Mentees {
		for _, f := range m.Facts {
			if !c.Input.Uses(f.Fact) {
				return f.Fact
			}
		}
	}
	for _, m := range c.Input.Mentors {
		for _, f := range m.Facts {
			if !c.Input.Uses(f.Fact) {
				return f.Fact
			}
		}
	}
	return ""
}

func (c Propose) Decide(s State, _ time.Time) ([]Event, error) {
	if err := c.Unfit(); err != nil {
		return nil, err
	}
	if c.Wrong != nil {
		return nil, c.Wrong
	}
	switch hash, ok := s.runs[c.Run]; {
	case ok && hash == c.Result.Input:
		return nil, nil
	case ok:
		return nil, ErrRun.Because(c.Run)
	}
	return []Event{Proposed{c.Run, c.Input, c.Result}}, nil
}
