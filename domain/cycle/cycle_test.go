package cycle_test

import (
	"slices"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain"
	. "github.com/daybook-engine/daybook/domain/cycle"
	"github.com/daybook-engine/daybook/domain/domaintest"
	"github.com/daybook-engine/daybook/domain/when"
)

func TestCycle(t *testing.T) {
	t.Parallel()
	type row = domaintest.Row[State, Event]
	type events = []Event
	planned := events{Planned{Programme: "nemo-121", Definition: "d1", Title: "Autumn 2023", From: "2023-09", To: "2023-12", Zone: "Europe/Berlin", Year: 2023}}
	closed := append(planned[:1:1], Closed{})
	plan := func(from, to when.Partial) Plan {
		return Plan{Programme: "nemo-121", Title: "Autumn 2023", From: from, To: to, Found: "d1", Zone: "Europe/Berlin"}
	}
	winter := planned[0].(Planned)
	winter.From, winter.To = "2023-24", "2024-21"
	stage := func(from, to when.Partial, published string) ScheduleStage {
		return ScheduleStage{Stage: "review", From: from, To: to, Published: published}
	}
	review := StageScheduled{Stage: "review", From: "2023-08-07", To: "2023-08-16", Published: "from Monday 7 August"}
	later := StageScheduled{Stage: "review", From: "2023-09"}
	unzoned := plan("2023-09", "2023-12")
	unzoned.Zone = "CET"
	renamed := plan("2023-09", "2023-12")
	renamed.Title = "Autumn"
	sealed := FiguresSealed{After: "e42", Figures: []Figure{{Measure: "offers_made", Version: 1, Value: 6}}}
	seal := SealFigures{After: "e42", Figures: sealed.Figures}
	moved := DefinitionMoved{From: "d1", To: "d2", Listing: Listing{Listed: "l1", Changes: 2, Effects: 1}}
	move := MoveDefinition{Definition: "d2", Found: "d2", Listing: moved.Listing}

	domaintest.Run(t, []row{
		{Name: "a cycle is planned to the month", When: plan("2023-09", "2023-12"), Then: planned},
		{Name: "a winter counts in the year in which it begins", When: plan("2023-24", "2024-21"), Then: events{winter}},
		{Name: "it needs a programme", When: Plan{}, Err: domain.ErrSlug},
		{Name: "it needs a published definition", When: Plan{Programme: "nemo-121"}, Err: ErrDefinition},
		{Name: "it does not end before it begins", When: plan("2023-09", "2023-08"), Err: ErrOrder},
		{Name: "its dates are dates", When: plan("autumn", "2023"), Err: when.ErrDateMalformed},
		{Name: "its end is a date", When: plan("2023", ""), Err: when.ErrDateMalformed},
		{Name: "1: its zone is a place", When: unzoned, Err: when.ErrZoneAbbreviation},
		{Name: "it is not planned over", Given: planned, When: renamed, Err: ErrPlanned},

		{Name: "a stage is scheduled", Given: planned, When: stage("2023-08-07", "2023-08-16", "from Monday 7 August"), Then: events{review}},
		{Name: "and moved, to the month", Given: append(planned[:1:1], review), When: stage("2023-09", "", ""), Then: events{later}},
		{Name: "and moved back", Given: append(planned[:1:1], review, later), When: stage("2023-08-07", "2023-08-16", "from Monday 7 August"), Then: events{review}},
		{Name: "1: its weekday agrees with its date", Given: planned, When: stage("2023-08-08", "", "Monday 8 August"), Err: when.ErrWeekdayMismatch},
		{Name: "it ends after it begins", Given: planned, When: stage("2023-08-07", "2023-08-06", ""), Err: ErrOrder},
		{Name: "its end is a date, too", Given: planned, When: stage("2023-08-07", "16 August", ""), Err: when.ErrDateMalformed},
		{Name: "it has a date", Given: planned, When: stage("", "", ""), Err: when.ErrDateMalformed},
		{Name: "it is named by a slug", Given: planned, When: ScheduleStage{}, Err: domain.ErrSlug},
		{Name: "there is no stage without a cycle", When: stage("2023-08-07", "", ""), Err: ErrUnknown},
		{Name: "nor in one that is closed", Given: closed, When: stage("2023-08-07", "", ""), Err: ErrClosed},

		{Name: "a running cycle moves to another version", Given: planned, When: move, Then: events{moved}},
		{Name: "once", Given: append(planned[:1:1], moved), When: move},
		{Name: "and back", Given: append(planned[:1:1], moved), When: MoveDefinition{Definition: "d1", Found: "d1"}, Then: events{DefinitionMoved{From: "d2", To: "d1"}}},
		{Name: "not while something is on its way", Given: planned, When: MoveDefinition{Definition: "d2", Found: "d2", InTheWay: []string{"an offer"}}, Err: ErrNotAtRest},
		{Name: "but what is so already is so, whatever is on its way", Given: planned, When: MoveDefinition{Definition: "d1", Found: "d1", InTheWay: []string{"an offer"}}},
		{Name: "as it was listed", Given: planned, When: MoveDefinition{Definition: "d2", Found: "d2", Listed: "l1", Listing: moved.Listing}, Then: events{moved}},
		{Name: "and not otherwise", Given: planned, When: MoveDefinition{Definition: "d2", Found: "d2", Listed: "l0", Listing: moved.Listing}, Err: ErrListed},
		{Name: "the version is published", Given: planned, When: MoveDefinition{Definition: "d3"}, Err: ErrDefinition},
		{Name: "a closed cycle stays as it was", Given: closed, When: move, Err: ErrClosed},
		{Name: "there is nothing to move without a cycle", When: move, Err: ErrUnknown},
		{Name: "a cycle that moved is still the one that was planned", Given: append(planned[:1:1], moved), When: plan("2023-09", "2023-12")},

		{Name: "a cycle closes", Given: planned, When: Close{}, Then: events{Closed{}}},
		{Name: "unless something is open", Given: planned, When: Close{Open: []string{"the call for mentees", "match m2"}}, Err: ErrOpenItems},
		{Name: "what was never planned does not close", When: Close{}, Err: ErrUnknown},
		{Name: "18: figures are sealed at a position, when the cycle is closed", Given: closed, When: seal, Then: events{sealed}},
		{Name: "18: and stay, whatever the measures say now", Given: append(closed[:2:2], sealed), When: SealFigures{After: "e43"}},
		{Name: "18: not before", Given: planned, When: seal, Err: ErrNotClosed},
	})

	_, err := Close{Open: slices.Repeat([]string{"match m"}, 14)}.Decide(State{}.Apply(planned[0]), time.Time{})
	require.ErrorContains(t, err, "match m, match m, and 2 more")

	s := State{}
	_, ok := s.Plan()
	require.False(t, ok)
	got, ok := s.Apply(planned[0]).Plan()
	require.True(t, ok)
	require.Equal(t, planned[0], got)
	got, _ = s.Apply(planned[0]).Apply(moved).Plan()
	require.Equal(t, domain.Digest("d2"), got.Definition)
	require.False(t, s.IsClosed())
	require.True(t, s.Apply(Closed{}).IsClosed())
}

func TestACycleIsNamedBySlug(t *testing.T) {
	t.Parallel()
	id := ID{Cycle: "nemo-2023-autumn"}
	require.NoError(t, id.Check())
	require.Equal(t, "cycle-nemo-2023-autumn", id.Stream())
	require.Equal(t, "cycle/nemo-2023-autumn", id.Book())
	require.Equal(t, id, ParseStream(id.Stream()))
	require.ErrorIs(t, ID{}.Check(), domain.ErrSlug)
}
