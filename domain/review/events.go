package review

import "github.com/daybook-engine/daybook/domain"

// The structs below are stored for ever. Add optional fields freely; for any
// other change, see package schema.

// Assigned is review.assigned.
type Assigned struct {
	Applicant domain.Person `json:"applicant"`
	Reviewer  domain.Person `json:"reviewer"`
}

// Opened is review.opened: the reviewer saw the application.
type Opened struct {
	Reviewer domain.Person `json:"reviewer"`
}

// ConflictDeclared is conflict.declared.
type ConflictDeclared struct {
	Reviewer domain.Person  `json:"reviewer"`
	Conflict string         `json:"conflict"` // employer, line_manager, mentor, family, co_author, other
	Note     domain.Private `json:"note"`
}

// Recused is reviewer.recused.
type Recused struct {
	Reviewer domain.Person `json:"reviewer"`
}

// AccessRefused is access.refused: a recused reviewer asked again.
type AccessRefused struct {
	Reviewer domain.Person `json:"reviewer"`
	Command  string        `json:"command"`
	Code     string        `json:"code"`
}

// Recorded is review.recorded.
type Recorded struct {
	Reviewer       domain.Person `json:"reviewer"`
	Scores         []Score       `json:"scores"`
	Recommendation string        `json:"recommendation"` // select, reserve, decline
}

// A Score is what one criterion was given, and why.
type Score struct {
	Criterion     string         `json:"criterion"`
	Value         int            `json:"value"`
	Justification domain.Private `json:"justification"`
}

// Refused is the answer that the reviewer got.
func (e AccessRefused) Refused() *domain.Error { return ErrRecused }
