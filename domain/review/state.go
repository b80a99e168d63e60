package review

import (
	"slices"

	"github.com/daybook-engine/daybook/domain"
)

// An Event is a fact about the reviews of one application.
type Event interface{ evolve(State) State }

// State is what the rules remember.
type State struct {
	applicant domain.Person
	assigned  []domain.Person
	opened    []domain.Person
	recused   []domain.Person
	recorded  []Recorded
}

// Apply returns s after e. It never fails and never judges.
func (s State) Apply(e Event) State { return e.evolve(s) }

// Recorded lists the reviewers whose reviews count.
func (s State) Recorded() []domain.Person {
	reviewers := make([]domain.Person, len(s.recorded))
	for i, r := range s.recorded {
		reviewers[i] = r.Reviewer
	}
	return reviewers
}

// Recused lists those who have a conflict of interest.
func (s State) Recused() []domain.Person { return s.recused }

// Given tells whether somebody was asked to read the application, and may.
func (s State) Given() bool {
	return slices.ContainsFunc(s.assigned, func(p domain.Person) bool { return !slices.Contains(s.recused, p) })
}

// Subjects are the people every event of the stream is about.
func (s State) Subjects() []domain.Person {
	if s.applicant == "" {
		return nil
	}
	return []domain.Person{s.applicant}
}

func with(list []domain.Person, p domain.Person) []domain.Person {
	return append(slices.Clip(list), p)
}

func (e Assigned) evolve(s State) State {
	s.applicant, s.assigned = e.Applicant, with(s.assigned, e.Reviewer)
	return s
}

func (e Opened) evolve(s State) State { s.opened = with(s.opened, e.Reviewer); return s }

// Who was never asked to review may be the first to speak: only the note then
// tells whose application it is.
func (e ConflictDeclared) evolve(s State) State {
	if n := len(e.Note.Subjects); n > 0 && s.applicant == "" {
		s.applicant = e.Note.Subjects[n-1]
	}
	return s
}

// A review already recorded by somebody who is then recused counts no more.
func (e Recused) evolve(s State) State {
	s.recused = with(s.recused, e.Reviewer)
	s.recorded = slices.DeleteFunc(slices.Clone(s.recorded), func(r Recorded) bool { return r.Reviewer == e.Reviewer })
	return s
}

func (AccessRefused) evolve(s State) State { return s }

func (e Recorded) evolve(s State) State {
	s.recorded = append(slices.Clip(s.recorded), e)
	return s
}
