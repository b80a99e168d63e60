package review_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/domain/cycle"
	"github.com/daybook-engine/daybook/domain/domaintest"
	. "github.com/daybook-engine/daybook/domain/review"
)

type events = []Event

var (
	id     = ID{Cycle: "autumn", Call: "mentees", Person: "ana"}
	rubric = domaintest.Nemo().Review
)

func scores(need, fit int) []Score {
	return []Score{{Criterion: "need", Value: need, Justification: domain.Private{Text: "a small museum"}}, {Criterion: "fit", Value: fit}}
}

func TestReview(t *testing.T) {
	t.Parallel()
	type row = domaintest.Row[State, Event]
	rita, raul := Reviewing{Reviewer: "rita"}, Reviewing{Reviewer: "raul"}
	assigned := events{Assigned{Applicant: "ana", Reviewer: "rita"}}
	declared := ConflictDeclared{Reviewer: "rita", Conflict: "employer", Note: domain.Private{Text: "my colleague"}.About(domain.Personal, domain.Programme, "rita", "ana")}
	recused := append(assigned[:1:1], declared, Recused{Reviewer: "rita"})
	unasked := recused[1:]
	said := scores(5, 0)
	for i := range said {
		said[i].Justification = said[i].Justification.About(domain.Personal, domain.Programme, "ana", "rita")
	}
	recorded := Recorded{Reviewer: "rita", Scores: said, Recommendation: "select"}
	record := func(who Reviewing, recommendation string, s []Score) Record {
		return Record{ID: id, Reviewing: who, Scores: s, Recommendation: recommendation, Rubric: rubric}
	}
	swapped := scores(5, 0)
	slices.Reverse(swapped)

	domaintest.Run(t, []row{
		{Name: "a reviewer is given an application", When: Assign{ID: id, Reviewer: "rita", Phase: application.Eligible}, Then: assigned},
		{Name: "an eligible one", When: Assign{ID: id, Reviewer: "rita", Phase: application.Submitted}, Err: ErrNotEligible},
		{Name: "not in a closed cycle", When: Assign{ID: id, Reviewer: "rita", Phase: application.Eligible, Over: true}, Err: cycle.ErrClosed},
		{Name: "6: never their own", When: Assign{ID: id, Reviewer: "ana", Phase: application.Eligible}, Err: ErrSelf},
		{Name: "6: nor again after a conflict", Given: recused, When: Assign{ID: id, Reviewer: "rita", Phase: application.Eligible}, Err: ErrRecused},

		{Name: "the reviewer reads it", Given: assigned, When: Open{ID: id, Reviewing: rita}, Then: events{Opened{Reviewer: "rita"}}},
		{Name: "others do not", Given: assigned, When: Open{ID: id, Reviewing: raul}, Err: ErrNotAssigned},
		{Name: "6: S1: who declared a conflict reads no more, and asking is kept", Given: recused, When: Open{ID: id, Reviewing: rita}, Then: events{AccessRefused{Reviewer: "rita", Command: "review.open", Code: "recused"}}, Err: ErrRecused},

		{Name: "6: S1: declaring a conflict recuses at once", Given: assigned, When: DeclareConflict{ID: id, Reviewing: rita, Conflict: "employer", Note: domain.Private{Text: "my colleague"}}, Then: recused[1:]},
		{Name: "6: not the applicant's, who has no say in any case", When: DeclareConflict{ID: id, Reviewing: Reviewing{Reviewer: "ana"}, Conflict: "other"}, Err: ErrSelf},
		{Name: "a conflict is of a known kind", Given: assigned, When: DeclareConflict{ID: id, Reviewing: rita, Conflict: "rivalry"}, Err: ErrConflict},
		{Name: "6: also somebody who was never asked", When: DeclareConflict{ID: id, Reviewing: rita, Conflict: "employer", Note: domain.Private{Text: "my colleague"}}, Then: unasked},
		{Name: "6: who is then not asked either", Given: unasked, When: Assign{ID: id, Reviewer: "rita", Phase: application.Eligible}, Err: ErrRecused},
		{Name: "6: but others are", Given: unasked, When: Assign{ID: id, Reviewer: "raul", Phase: application.Eligible}, Then: events{Assigned{Applicant: "ana", Reviewer: "raul"}}},
		{Name: "6: and what they ask to read is refused, and kept", Given: unasked, When: Open{ID: id, Reviewing: rita}, Then: events{AccessRefused{Reviewer: "rita", Command: "review.open", Code: "recused"}}, Err: ErrRecused},

		{Name: "a review is recorded", Given: assigned, When: record(rita, "select", scores(5, 0)), Then: events{recorded}},
		{Name: "it recommends one of three", Given: assigned, When: record(rita, "maybe", scores(5, 0)), Err: ErrRecommendation},
		{Name: "each criterion is scored", Given: assigned, When: record(rita, "select", scores(5, 0)[:1]), Err: ErrScores},
		{Name: "in order", Given: assigned, When: record(rita, "select", swapped), Err: ErrScores},
		{Name: "not above the highest", Given: assigned, When: record(rita, "select", scores(6, 0)), Err: ErrScores},
		{Name: "nor below nothing", Given: assigned, When: record(rita, "select", scores(4, -1)), Err: ErrScores},
		{Name: "once", Given: append(assigned[:1:1], recorded), When: record(rita, "select", scores(4, 1)), Err: ErrRecorded},
		{Name: "by somebody who was asked", Given: assigned, When: record(raul, "select", scores(5, 0)), Err: ErrNotAssigned},
		{Name: "6: who is recused writes no more", Given: recused, When: record(rita, "select", scores(5, 0)), Then: events{AccessRefused{Reviewer: "rita", Command: "review.record", Code: "recused"}}, Err: ErrRecused},
	})

	s := State{}
	require.Empty(t, s.Subjects())
	require.False(t, s.Given())
	s = s.Apply(assigned[0]).Apply(recorded)
	require.Equal(t, []domain.Person{"ana"}, s.Subjects())
	require.Equal(t, []domain.Person{"rita"}, s.Recorded())
	require.True(t, s.Given())
	s = s.Apply(Recused{Reviewer: "rita"})
	require.Empty(t, s.Recorded(), "6: what was said before counts no more")
	require.Equal(t, []domain.Person{"rita"}, s.Recused())
	require.False(t, s.Given(), "nobody reads it any more")
	require.Equal(t, []domain.Person{"ana"}, State{}.Apply(declared).Subjects(), "also before anybody is asked to review")
}

func TestReviewsBelongToAnApplication(t *testing.T) {
	t.Parallel()
	id := ID{Cycle: "autumn", Call: "mentees", Person: "0b9a2a52-7d0c-4a25-8f0f-3f1d8b6a5c11"}
	require.NoError(t, id.Check())
	require.Equal(t, "review-"+id.Application().Key(), id.Stream())
	require.Equal(t, "cycle/autumn", id.Book())
	require.ErrorIs(t, ID{Cycle: "autumn", Call: "mentees", Person: "ana"}.Check(), domain.Invalid)
}

// 6: whoever asks for what, in whatever order, no review by the applicant or
// by somebody recused counts, and from then on they write nothing.
func TestInvariant6NoReviewByTheRecusedOrTheApplicantCounts(t *testing.T) {
	t.Parallel()
	people := []domain.Person{"ana", "rita", "raul", "rosa"}
	rapid.Check(t, func(t *rapid.T) {
		s, recused := State{}, map[domain.Person]bool{}
		for range 30 {
			who := rapid.SampledFrom(people).Draw(t, "who")
			as := Reviewing{Reviewer: who}
			var got []Event
			var err error
			switch rapid.IntRange(0, 4).Draw(t, "command") {
			case 0, 1:
				got, err = Assign{ID: id, Reviewer: who, Phase: application.Eligible}.Decide(s, time.Time{})
			case 2:
				got, err = Open{ID: id, Reviewing: as}.Decide(s, time.Time{})
			case 3:
				got, err = Record{ID: id, Reviewing: as, Scores: scores(1, 2), Recommendation: "select", Rubric: rubric}.Decide(s, time.Time{})
			case 4:
				got, err = DeclareConflict{ID: id, Reviewing: as, Conflict: "other"}.Decide(s, time.Time{})
				if who == "ana" {
					require.ErrorIs(t, err, ErrSelf)
					require.Empty(t, got)
					continue
				}
				require.NoError(t, err, "anybody else may declare a conflict, asked or not")
				require.Equal(t, recused[who], len(got) == 0, "and is recused, once")
			}
			for _, e := range got {
				_, kept := e.(AccessRefused)
				require.Equal(t, kept, err != nil && recused[who], "%v %v", e, err)
				switch e := e.(type) {
				case Recused:
					recused[e.Reviewer] = true
				case Assigned:
					require.False(t, recused[e.Reviewer], "nor are they asked again")
				}
				s = s.Apply(e)
				require.Equal(t, []domain.Person{"ana"}, s.Subjects(), "from the first event on")
			}
			require.ElementsMatch(t, slices.Collect(maps.Keys(recused)), s.Recused())
			for _, p := range s.Recorded() {
				require.False(t, recused[p] || p == "ana", p)
			}
		}
	})
}
