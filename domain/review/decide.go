package review

import (
	"fmt"
	"slices"
	"time"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/domain/cycle"
	"github.com/daybook-engine/daybook/domain/programme"
)

var (
	ErrSelf           = domain.Deny("own_application", "nobody reviews their own application")
	ErrRecused        = domain.Deny("recused", "who has a conflict of interest neither reads nor writes on this application")
	ErrNotAssigned    = domain.Deny("not_assigned", "this application was not given to this reviewer")
	ErrNotEligible    = domain.Refuse("not_eligible", "only eligible applications are reviewed")
	ErrConflict       = domain.Wrong("conflict_unknown", "a conflict is "+domain.Either(conflicts))
	ErrScores         = domain.Wrong("scores_incomplete", "a review scores each criterion once")
	ErrRecommendation = domain.Wrong("recommendation_unknown", "a review recommends "+domain.Either(recommendations))
	ErrRecorded       = domain.Refuse("review_recorded", "this reviewer has already reviewed this application")
)

// Assign is review.assign.
type Assign struct {
	ID
	Reviewer domain.Person `json:"reviewer"`

	// Looked up: where the application stands, and whether the cycle is closed.
	Phase application.Phase `json:"-"`
	Over  bool              `json:"-"`
}

func (c Assign) Decide(s State, _ time.Time) ([]Event, error) {
	switch {
	case c.Reviewer == c.Person:
		return nil, ErrSelf
	case slices.Contains(s.recused, c.Reviewer):
		return nil, ErrRecused
	case slices.Contains(s.assigned, c.Reviewer):
		return nil, nil
	case c.Over:
		return nil, cycle.ErrClosed
	case c.Phase != application.Eligible:
		return nil, ErrNotEligible
	}
	return []Event{Assigned{c.Person, c.Reviewer}}, nil
}

// Reviewing is embedded by what a reviewer does; the reviewer is the actor
// unless said otherwise.
type Reviewing struct {
	Reviewer domain.Person `json:"reviewer,omitzero" from:"self"`
}

// Owner is who may act as this reviewer.
func (c Reviewing) Owner() domain.Person { return c.Reviewer }

// admit lets assigned reviewers in. Somebody recused is refused and that is
// kept; strangers are refused without a trace here.
func (c Reviewing) admit(s State, command string) ([]Event, error) {
	switch {
	case slices.Contains(s.recused, c.Reviewer):
		return []Event{AccessRefused{c.Reviewer, command, ErrRecused.Code}}, ErrRecused
	case !slices.Contains(s.assigned, c.Reviewer):
		return nil, ErrNotAssigned
	}
	return nil, nil
}

// Open is review.open: the reviewer asks to read the application.
type Open struct {
	ID
	Reviewing
}

func (c Open) Decide(s State, _ time.Time) ([]Event, error) {
	if events, err := c.admit(s, "review.open"); err != nil {
		return events, err
	}
	if slices.Contains(s.opened, c.Reviewer) {
		return nil, nil
	}
	return []Event{Opened{c.Reviewer}}, nil
}

// DeclareConflict is conflict.declare. Declaring recuses at once, also
// somebody who was never asked to review: a panel's chair, a coordinator.
type DeclareConflict struct {
	ID
	Reviewing
	Conflict string         `json:"conflict"`
	Note     domain.Private `json:"note,omitzero"`
}

var conflicts = []string{"employer", "line_manager", "mentor", "family", "co_author", "other"}

func (DeclareConflict) OneOf() map[string][]string {
	return map[string][]string{"conflict": conflicts}
}

func (c DeclareConflict) Decide(s State, _ time.Time) ([]Event, error) {
	switch {
	case !slices.Contains(conflicts, c.Conflict):
		return nil, ErrConflict
	case c.Reviewer == c.Person:
		return nil, ErrSelf
	case slices.Contains(s.recused, c.Reviewer):
		return nil, nil
	}
	note := c.Note.About(domain.Personal, domain.Programme, c.Reviewer, c.Person)
	return []Event{ConflictDeclared{c.Reviewer, c.Conflict, note}, Recused{c.Reviewer}}, nil
}

// Record is review.record.
type Record struct {
	ID
	Reviewing
	Scores         []Score `json:"scores"`
	Recommendation string  `json:"recommendation"`

	// Looked up: the rubric of the pinned definition.
	Rubric programme.Review `json:"-"`
}

var recommendations = []string{"select", "reserve", "decline"}

func (Record) OneOf() map[string][]string {
	return map[string][]string{"recommendation": recommendations}
}

func (c Record) Decide(s State, _ time.Time) ([]Event, error) {
	if events, err := c.admit(s, "review.record"); err != nil {
		return events, err
	}
	switch {
	case !slices.Contains(recommendations, c.Recommendation):
		return nil, ErrRecommendation
	case len(c.Scores) != len(c.Rubric.Criteria):
		return nil, ErrScores.Because(fmt.Sprintf("%d of %d", len(c.Scores), len(c.Rubric.Criteria)))
	}
	scores := slices.Clone(c.Scores)
	for i, criterion := range c.Rubric.Criteria {
		sc := scores[i]
		if sc.Criterion != criterion || sc.Value < 0 || sc.Value > c.Rubric.MaxScore {
			return nil, ErrScores.Because(fmt.Sprintf("expected %s, 0 to %d, as number %d", criterion, c.Rubric.MaxScore, i+1))
		}
		scores[i].Justification = sc.Justification.About(domain.Personal, domain.Programme, c.Person, c.Reviewer)
	}
	e := Recorded{c.Reviewer, scores, c.Recommendation}
	for _, r := range s.recorded {
		if r.Reviewer != c.Reviewer {
			continue
		}
		if r.sameVerdict(e) {
			return nil, nil
		}
		return nil, ErrRecorded
	}
	return []Event{e}, nil
}

// sameVerdict compares all but the wording.
func (e Recorded) sameVerdict(o Recorded) bool {
	return e.Recommendation == o.Recommendation && slices.EqualFunc(e.Scores, o.Scores, func(a, b Score) bool {
		return a.Criterion == b.Criterion && a.Value == b.Value
	})
}
