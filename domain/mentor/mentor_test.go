package mentor_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/domaintest"
	. "github.com/daybook-engine/daybook/domain/mentor"
)

type events = []Event

func TestMentor(t *testing.T) {
	t.Parallel()
	type row = domaintest.Row[State, Event]
	id := ID{Mentor: "mia"}
	joined := events{Joined{Mentor: "mia", Pool: "gem", Capacity: 1}}
	busy := append(joined[:1:1], Engaged{Cycle: "autumn", Match: "m1"})
	full := func(cycle, match string) events {
		return events{EngagementRefused{Cycle: cycle, Match: match, Capacity: 1}}
	}
	queue := slices.Concat(busy, full("autumn", "m2"), full("spring", "m1"))
	domaintest.Run(t, []row{
		{
			Name: "a mentor joins a pool", When: Join{ID: id, Pool: "gem", Capacity: 1, Expertise: []string{"learning"}},
			Then: events{Joined{Mentor: "mia", Pool: "gem", Capacity: 1, Expertise: []string{"learning"}}},
		},
		{Name: "what a mentor is good at is said in codes", When: Join{ID: id, Pool: "gem", Capacity: 1, Expertise: []string{"Ask Mia!"}}, Err: domain.ErrCode},
		{Name: "a pool is named by its slug", When: Join{ID: id, Capacity: 1}, Err: domain.ErrSlug},
		{Name: "a mentor without room is none", When: Join{ID: id, Pool: "gem"}, Err: ErrCapacity},
		{Name: "once: not for more matches", Given: joined, When: Join{ID: id, Pool: "gem", Capacity: 2}, Err: ErrJoined},
		{Name: "nor in another pool", Given: busy, When: Join{ID: id, Pool: "nemo", Capacity: 1}, Err: ErrJoined},
		{Name: "nobody engages a stranger", When: Engage{ID: id, Cycle: "autumn", Match: "m1"}, Err: ErrUnknown},
		{Name: "a match takes room", Given: joined, When: Engage{ID: id, Cycle: "autumn", Match: "m1"}, Then: busy[1:]},
		{Name: "11: a mentor never exceeds their capacity", Given: busy, When: Engage{ID: id, Cycle: "autumn", Match: "m2"}, Then: full("autumn", "m2"), Err: ErrFull},
		{Name: "11: nor by a match of the same name in another cycle", Given: busy, When: Engage{ID: id, Cycle: "spring", Match: "m1"}, Then: full("spring", "m1"), Err: ErrFull},
		{Name: "a match that is over takes no room", Given: joined, When: Engage{ID: id, Cycle: "autumn", Match: "m1", Over: true}},
		{
			Name: "11: the one that waits longest gets the room", Given: queue, When: Free{ID: id, Cycle: "autumn", Match: "m1"},
			Then: events{Freed{Cycle: "autumn", Match: "m1"}, Engaged{Cycle: "autumn", Match: "m2"}},
		},
		{Name: "one that waits and is over waits no more", Given: queue, When: Free{ID: id, Cycle: "autumn", Match: "m2"}, Then: events{Freed{Cycle: "autumn", Match: "m2"}}},
		{Name: "a match that is over gives it back", Given: busy, When: Free{ID: id, Cycle: "autumn", Match: "m1"}, Then: events{Freed{Cycle: "autumn", Match: "m1"}}},
		{
			Name: "and another takes it", Given: append(busy[:2:2], Freed{Cycle: "autumn", Match: "m1"}),
			When: Engage{ID: id, Cycle: "autumn", Match: "m2"}, Then: events{Engaged{Cycle: "autumn", Match: "m2"}},
		},
		{Name: "a match that took none gives none back", Given: busy, When: Free{ID: id, Cycle: "autumn", Match: "m9"}},
	})
	require.False(t, State{}.Joined())
	require.Empty(t, State{}.Subjects())
	require.Equal(t, []domain.Person{"mia"}, State{}.Apply(joined[0]).Subjects())
}

func TestAMentorIsAPerson(t *testing.T) {
	t.Parallel()
	id := ID{Mentor: "0b9a2a52-7d0c-4a25-8f0f-3f1d8b6a5c11"}
	require.NoError(t, id.Check())
	require.Equal(t, "mentor-"+string(id.Mentor), id.Stream())
	require.Equal(t, "installation", id.Book())
	require.ErrorIs(t, ID{Mentor: "mia"}.Check(), domain.Invalid)
}

// 11: however matches come and go, those at one time fit the capacity.
func TestInvariant11AMentorIsNeverBeyondCapacity(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		capacity := rapid.IntRange(1, 3).Draw(t, "capacity")
		s, now, waiting := State{}, map[Engaged]bool{}, []Engaged(nil)
		s = s.Apply(Joined{Mentor: "mia", Pool: "gem", Capacity: capacity})
		for range 40 {
			e := Engaged{rapid.SampledFrom([]string{"spring", "autumn"}).Draw(t, "cycle"), rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "match")}
			var got []Event
			var err error
			if rapid.Bool().Draw(t, "engage") {
				got, err = Engage{Cycle: e.Cycle, Match: e.Match}.Decide(s, time.Time{})
				require.Equal(t, len(now) == capacity && !now[e], err != nil, "refused when full, and only then")
			} else {
				got, err = Free{Cycle: e.Cycle, Match: e.Match}.Decide(s, time.Time{})
				require.NoError(t, err)
			}
			for _, g := range got {
				s = s.Apply(g)
				switch e := g.(type) {
				case Engaged:
					require.False(t, now[e])
					now[e] = true
					waiting = slices.DeleteFunc(waiting, func(o Engaged) bool { return o == e })
				case EngagementRefused:
					waiting = append(waiting, Engaged{e.Cycle, e.Match})
				case Freed:
					delete(now, Engaged(e))
					waiting = slices.DeleteFunc(waiting, func(o Engaged) bool { return o == Engaged(e) })
				}
			}
			require.True(t, len(waiting) == 0 || len(now) == capacity, "nobody waits while there is room")
			require.LessOrEqual(t, len(now), capacity)
		}
	})
}
