package allocation_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/daybook-engine/daybook/domain"
	. "github.com/daybook-engine/daybook/domain/allocation"
	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/domain/cycle"
	"github.com/daybook-engine/daybook/domain/domaintest"
)

type (
	events  = []Event
	command interface {
		Decide(State, time.Time) ([]Event, error)
	}
)

func of(cycle string, person domain.Person) For {
	return For{Cycle: cycle, Call: "mentees", Person: person, Year: 2023}
}

func held(f For) Holder { return Holder(f) }

func TestAllocation(t *testing.T) {
	t.Parallel()
	type row = domaintest.Row[State, Event]
	ana, ben, cem, dia := of("autumn", "ana"), of("autumn", "ben"), of("autumn", "cem"), of("autumn", "dia")
	spring, lea := of("spring", "eva"), of("autumn", "lea")
	lea.Call = "mentors"
	quota := func(quota, per string, limit int) Event { return QuotaSet{Quota: quota, Per: per, Limit: limit} }
	placed := func(f For) Event { return PlaceReserved{held(f)} }
	after := func(given events, more ...Event) events { return append(given[:len(given):len(given)], more...) }
	reserve := func(f For, phase application.Phase) ReservePlace { return ReservePlace{For: f, Phase: phase} }
	refused := func(f For, full ...FullQuota) events { return events{PlaceRefused{Holder: held(f), Full: full}} }
	cycleFull, allYear := FullQuota{"cycle", 2, 2}, FullQuota{"year", 3, 3}

	two := events{quota("cycle", "cycle", 2), quota("year", "year", 3)}
	one := after(two, placed(ana))
	full := after(one, placed(ben))
	ranked := after(full, ReserveRanked{held(cem), 1}, ReserveRanked{held(dia), 2})
	room := after(two, ReserveRanked{held(cem), 1}, ReserveRanked{held(dia), 2})
	yearFull := after(two, placed(spring), placed(of("spring", "fay")), placed(ana), ReserveRanked{held(dia), 1}, ReserveRanked{held(of("spring", "gus")), 1})
	told := after(ranked, ReserveReleased{held(dia), 2})

	domaintest.Run(t, []row{
		{Name: "a quota is set", When: SetQuota{Quota: "cycle", Per: "cycle", Limit: 5, Published: true}, Then: events{quota("cycle", "cycle", 5)}},
		{Name: "and changed", Given: full, When: SetQuota{Quota: "cycle", Per: "cycle", Limit: 3, Published: true}, Then: events{quota("cycle", "cycle", 3)}},
		{Name: "8: as far down as the places taken", Given: one, When: SetQuota{Quota: "year", Per: "year", Limit: 1, Published: true}, Then: events{quota("year", "year", 1)}},
		{Name: "8: no further", Given: full, When: SetQuota{Quota: "cycle", Per: "cycle", Limit: 1, Published: true}, Err: ErrBelow},
		{Name: "of a programme that there is", When: SetQuota{Quota: "cycle", Per: "cycle", Limit: 5}, Err: ErrUnknown},
		{Name: "a quota is above 0", When: SetQuota{Quota: "cycle", Per: "cycle", Published: true}, Err: ErrQuota},
		{Name: "per something", When: SetQuota{Quota: "cycle", Per: "month", Limit: 5, Published: true}, Err: ErrQuota},
		{Name: "and named", When: SetQuota{Per: "year", Limit: 5, Published: true}, Err: ErrQuota},

		{Name: "S1: a place is reserved", Given: two, When: reserve(ana, application.Chosen), Then: events{placed(ana)}},
		{Name: "8: to the limit", Given: one, When: reserve(ben, application.Chosen), Then: events{placed(ben)}},
		{Name: "8: S1: the place beyond is refused, and that is kept", Given: full, When: reserve(cem, application.Chosen), Then: refused(cem, cycleFull), Err: ErrFull},
		{Name: "8: by every quota", Given: yearFull, When: reserve(ben, application.Chosen), Then: refused(ben, allYear), Err: ErrFull},
		{Name: "8: S1: and by all that are full", Given: after(full, placed(spring)), When: reserve(cem, application.Chosen), Then: refused(cem, cycleFull, allYear), Err: ErrFull},
		{Name: "8: of the year of the cycle", Given: yearFull, When: ReservePlace{For: For{Cycle: "next", Person: "ben", Year: 2024}, Phase: application.Chosen}, Then: events{PlaceReserved{Holder{Cycle: "next", Person: "ben", Year: 2024}}}},
		{Name: "a closed cycle has no more places", Given: two, When: ReservePlace{For: ana, Phase: application.Chosen, Over: true}, Err: cycle.ErrClosed},
		{Name: "nor ranks", Given: full, When: RankReserve{For: cem, Rank: 1, Phase: application.InReserve, Over: true}, Err: cycle.ErrClosed},
		{Name: "and what comes free in it goes to nobody", Given: after(ranked, PlaceReserved{held(ana)}), When: ReleasePlace{For: ana, Over: true}, Then: events{PlaceReleased{held(ana)}}},
		{Name: "no quota, no place", When: reserve(ana, application.Chosen), Err: ErrNoQuota},
		{Name: "a place is for somebody selected", Given: two, When: reserve(ana, application.OnShortlist), Err: ErrNotChosen},
		{Name: "9: or the first of the reserve", Given: room, When: reserve(cem, application.InReserve), Then: events{ReservePromoted{held(cem), 1}, placed(cem)}},
		{Name: "9: the second waits", Given: room, When: reserve(dia, application.InReserve), Err: ErrOrder},
		{Name: "9: so does one whose rank is not known yet", Given: room, When: reserve(ben, application.InReserve), Err: ErrOrder},
		{Name: "9: also when nobody else waits", Given: two, When: reserve(ben, application.InReserve), Err: ErrReserve},
		{Name: "9: one who was told that no place came free waits for the others", Given: after(told, PlaceReleased{held(ana)}), When: reserve(dia, application.InReserve), Err: ErrOrder},
		{
			Name: "9: and may still get what nobody else waits for", Given: after(told, ReserveReleased{held(cem), 1}, PlaceReleased{held(ana)}),
			When: reserve(dia, application.InReserve), Then: events{placed(dia)},
		},
		{Name: "8: S1: and where none is left, that is said", Given: told, When: reserve(dia, application.InReserve), Then: refused(dia, cycleFull), Err: ErrFull},

		{Name: "a place is filled", Given: one, When: FillPlace{For: ana}, Then: events{PlaceFilled{held(ana)}}},
		{Name: "not one that nobody holds", Given: one, When: FillPlace{For: ben}, Err: ErrNoPlace},
		{Name: "a place is released", Given: one, When: ReleasePlace{For: ana}, Then: events{PlaceReleased{held(ana)}}},
		{Name: "8: S1: first, and then the first of the reserve gets it", Given: ranked, When: ReleasePlace{For: ana}, Then: events{PlaceReleased{held(ana)}, ReservePromoted{held(cem), 1}, placed(cem)}},
		{Name: "8: also a filled one", Given: after(ranked, PlaceFilled{held(ben)}), When: ReleasePlace{For: ben}, Then: events{PlaceReleased{held(ben)}, ReservePromoted{held(cem), 1}, placed(cem)}},
		{Name: "8: if every quota has room, and in the same cycle", Given: yearFull, When: ReleasePlace{For: ana}, Then: events{PlaceReleased{held(ana)}, ReservePromoted{held(dia), 1}, placed(dia)}},
		{
			Name: "8: but not where a quota is still full", Given: after(two, placed(ana), placed(ben), placed(cem), ReserveRanked{held(dia), 1}),
			When: ReleasePlace{For: ana}, Then: events{PlaceReleased{held(ana)}},
		},
		{Name: "8: nor to the reserve of another call", Given: after(full, ReserveRanked{held(lea), 1}), When: ReleasePlace{For: ana}, Then: events{PlaceReleased{held(ana)}}},
		{
			Name: "9: whose rank does not count", Given: after(full, ReserveRanked{held(lea), 1}, ReserveRanked{held(cem), 2}),
			When: ReleasePlace{For: ana}, Then: events{PlaceReleased{held(ana)}, ReservePromoted{held(cem), 2}, placed(cem)},
		},
		{Name: "what nobody holds is not released", Given: one, When: ReleasePlace{For: ben}},
		{Name: "who only waits waits no more, and nobody gets anything", Given: ranked, When: ReleasePlace{For: cem}, Then: events{ReserveWithdrawn{held(cem), 1}}},
		{Name: "9: then the second comes first", Given: after(room, ReserveWithdrawn{held(cem), 1}), When: reserve(dia, application.InReserve), Then: events{ReservePromoted{held(dia), 2}, placed(dia)}},
		{Name: "9: and the rank is free", Given: after(ranked, ReserveWithdrawn{held(cem), 1}), When: RankReserve{For: of("autumn", "gus"), Rank: 1, Phase: application.InReserve}, Then: events{ReserveRanked{held(of("autumn", "gus")), 1}}},
		{Name: "who was told already waits for nothing", Given: told, When: ReleasePlace{For: dia}},

		{Name: "9: S1: a reserve has a rank", Given: full, When: RankReserve{For: cem, Rank: 1, Phase: application.InReserve}, Then: events{ReserveRanked{held(cem), 1}}},
		{Name: "9: of their own", Given: ranked, When: RankReserve{For: of("autumn", "gus"), Rank: 2, Phase: application.InReserve}, Then: events{RankRefused{held(of("autumn", "gus")), 2}}, Err: application.ErrRankTaken},
		{Name: "9: who is not in reserve has none", Given: ranked, When: RankReserve{For: of("autumn", "gus"), Rank: 3, Phase: application.OnShortlist}, Err: ErrReserve},
		{Name: "9: nor has who was told already", Given: told, When: RankReserve{For: dia, Rank: 3, Phase: application.InReserve}, Err: ErrReserve},
		{Name: "9: in their cycle", Given: ranked, When: RankReserve{For: spring, Rank: 2, Phase: application.InReserve}, Then: events{ReserveRanked{held(spring), 2}}},
		{Name: "9: under their call", Given: ranked, When: RankReserve{For: lea, Rank: 2, Phase: application.InReserve}, Then: events{ReserveRanked{held(lea), 2}}},
		{Name: "9: where they are the first, whoever waits under another", Given: after(room, ReserveRanked{held(lea), 3}), When: reserve(lea, application.InReserve), Then: events{ReservePromoted{held(lea), 3}, PlaceReserved{held(lea)}}},
		{Name: "9: from 1", Given: full, When: RankReserve{For: cem}, Err: application.ErrRank},
		{Name: "9: not beside a place", Given: one, When: RankReserve{For: ana, Rank: 1, Phase: application.InReserve}},
		{Name: "S1: a reserve is told that no place came free", Given: ranked, When: ReleaseReserve{For: dia}, Then: events{ReserveReleased{held(dia), 2}}},
		{Name: "also the first", Given: ranked, When: ReleaseReserve{For: cem}, Then: events{ReserveReleased{held(cem), 1}}},
		{Name: "not somebody who waits for none", Given: ranked, When: ReleaseReserve{For: ana}, Err: ErrReserve},
	})

	s := State{}.Apply(placed(ana)).Apply(placed(ben)).Apply(PlaceFilled{held(ana)})
	for person, want := range map[domain.Person][2]bool{"ana": {true, true}, "ben": {true, false}, "cem": {}} {
		holds, filled := s.Holds("autumn", person)
		require.Equal(t, want, [2]bool{holds, filled}, person)
	}
	both := PlaceRefused{Full: []FullQuota{{"cycle", 5, 5}, {"year", 10, 10}}}
	require.Equal(t, "cycle: 5 of 5, year: 10 of 10", both.Words())
	require.EqualError(t, both.Refused(), "no place is left (cycle: 5 of 5, year: 10 of 10)")
}

func TestPlacesBelongToAProgramme(t *testing.T) {
	t.Parallel()
	id := ID{Programme: "nemo-121"}
	require.NoError(t, id.Check())
	require.Equal(t, "allocation-nemo-121", id.Stream())
	require.Equal(t, "programme/nemo-121", id.Book())
	require.ErrorIs(t, ID{}.Check(), domain.ErrSlug)
}

// 8 and 9: in whatever order places are asked for, given back and limited,
// they never exceed a quota; a place comes free before it is given to a
// reserve; reserves of one call get places in order of rank; and nobody both
// waits and has a place, nor either once released.
func TestInvariants8And9PlacesFitEveryQuotaAndReservesComeInOrder(t *testing.T) {
	t.Parallel()
	year := map[string]int{"spring": 2023, "autumn": 2023, "next": 2024}
	rapid.Check(t, func(t *rapid.T) {
		var s State
		quotas, places, waiting, told := map[string]QuotaSet{}, map[Holder]bool{}, map[Holder]int{}, map[Holder]bool{}
		drawn := func() For {
			cycle := rapid.SampledFrom([]string{"spring", "autumn", "autumn", "next"}).Draw(t, "cycle")
			person := rapid.SampledFrom([]domain.Person{"s1", "s2", "s3", "r1", "r2", "r3", "r4"}).Draw(t, "person")
			call := rapid.SampledFrom([]string{"mentees", "mentees", "mentors"}).Draw(t, "call")
			return For{Cycle: cycle, Call: call, Person: person, Year: year[cycle]}
		}
		rival := func(a, b Holder) bool { return a.Cycle == b.Cycle && a.Call == b.Call }
		for range 60 {
			f := drawn()
			phase := application.Chosen
			if f.Person[0] == 'r' {
				phase = application.InReserve
			}
			per := rapid.SampledFrom([]string{"year", "cycle"}).Draw(t, "per")
			n := rapid.IntRange(1, 4).Draw(t, "limit or rank")
			cmd := rapid.SampledFrom([]command{
				SetQuota{Quota: per, Per: per, Limit: n, Published: true}, ReservePlace{For: f, Phase: phase}, ReservePlace{For: f, Phase: phase}, FillPlace{For: f},
				ReleasePlace{For: f}, RankReserve{For: f, Rank: n}, ReleaseReserve{For: f},
			}).Draw(t, "command")
			if _, ranks := cmd.(RankReserve); ranks && phase == application.Chosen {
				continue
			}
			got, _ := cmd.Decide(s, time.Time{})
			var promoted Holder
			for _, e := range got {
				s = s.Apply(e)
				switch e := e.(type) {
				case QuotaSet:
					quotas[e.Quota] = e
				case PlaceReserved:
					require.False(t, places[e.Holder], "one place each")
					if e.Person[0] == 'r' && promoted != e.Holder {
						require.True(t, told[e.Holder], "a reserve is promoted")
						for h := range waiting {
							require.False(t, rival(h, e.Holder), "or gets what nobody else waits for")
						}
					}
					places[e.Holder] = true
				case PlaceReleased:
					require.Zero(t, promoted, "a release precedes a promotion")
					delete(places, e.Holder)
				case ReserveRanked:
					require.NotZero(t, e.Rank)
					for h, rank := range waiting {
						require.False(t, rival(h, e.Holder) && rank == e.Rank, "%s waits at %d", h.Person, rank)
					}
					waiting[e.Holder] = e.Rank
				case ReservePromoted:
					for h, rank := range waiting {
						require.True(t, !rival(h, e.Holder) || rank >= e.Rank, "%s waits at %d", h.Person, rank)
					}
					require.Equal(t, waiting[e.Holder], e.Rank)
					promoted = e.Holder
					delete(waiting, e.Holder)
				case ReserveWithdrawn:
					require.Equal(t, waiting[e.Holder], e.Rank)
					require.Len(t, got, 1, "nobody gets anything by it")
					delete(waiting, e.Holder)
				case ReserveReleased:
					delete(waiting, e.Holder)
					told[e.Holder] = true
				}
				for _, q := range quotas {
					used := map[any]int{}
					for h := range places {
						used[map[string]any{"year": h.Year, "cycle": h.Cycle}[q.Per]]++
					}
					for period, n := range used {
						require.LessOrEqual(t, n, q.Limit, "%s %v", q.Quota, period)
					}
				}
			}
			h := held(f)
			require.False(t, places[h] && waiting[h] > 0)
			if _, ok := cmd.(ReleasePlace); ok {
				require.False(t, places[h] || waiting[h] > 0)
			}
		}
	})
}
