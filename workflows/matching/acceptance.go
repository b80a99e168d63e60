package matching

import (
	"context"

	"github.com/daybook-engine/daybook/domain"
)

// rankings are both sides', without the pairs that the rules forbid.
type rankings struct {
	wishes [][]int       // by mentee: mentors, best first; of a locked one none
	place  []map[int]int // by mentor: a mentee's place
	room   []int
}

// accept finds the stable matching that is best for every mentee.
func (e *edges) accept(ctx context.Context) (partner []int, instead []alternative, err error) {
	r := e.rankings()
	partner = r.propose(none)
	instead = make([]alternative, len(partner))
	matched, score := e.sum(partner)
	for i, j := range partner {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		if j != none {
			without := r.propose(i, j)
			fewer, less := e.sum(without)
			instead[i] = alternative{without[i], matched - fewer, score - less}
		}
	}
	for i, m := range e.mentees {
		if m.locked != none {
			partner[i] = m.locked
		}
	}
	return partner, instead, nil
}

func (e *edges) rankings() rankings {
	r := rankings{make([][]int, len(e.mentees)), make([]map[int]int, len(e.mentors)), make([]int, len(e.mentors))}
	mentors := make(map[domain.Person]int, len(e.mentors))
	for j, m := range e.mentors {
		mentors[m.id], r.room[j], r.place[j] = j, m.room, map[int]int{}
	}
	for i, m := range e.mentees {
		for _, k := range e.rankers[i] {
			r.place[k.mentor][i] = k.place
		}
		for _, p := range m.ranking {
			if j := mentors[p]; m.locked == none && e.score[i*len(e.mentors)+j] != forbidden {
				r.wishes[i] = append(r.wishes[i], j)
			}
		}
	}
	return r
}

// propose is Gale and Shapley's: every mentee asks the best mentor whom she
// has not asked, and every mentor keeps the best of those who asked, as far as
// there is room. In which order they ask makes no difference. One pair may be
// barred.
func (r rankings) propose(mentee int, barred ...int) []int {
	partner, asked := make([]int, len(r.wishes)), make([]int, len(r.wishes))
	kept := make([][]int, len(r.room))
	for first := range partner {
		partner[first] = none
		for i := first; i != none && asked[i] < len(r.wishes[i]); {
			j := r.wishes[i][asked[i]]
			asked[i]++
			if i == mentee && j == barred[0] {
				continue
			}
			partner[i] = j
			if kept[j] = append(kept[j], i); len(kept[j]) <= r.room[j] {
				break
			}
			last := 0
			for k := range kept[j] {
				if r.place[j][kept[j][k]] > r.place[j][kept[j][last]] {
					last = k
				}
			}
			i, kept[j][last] = kept[j][last], kept[j][len(kept[j])-1]
			kept[j] = kept[j][:len(kept[j])-1]
			partner[i] = none
		}
	}
	return partner
}

// sum counts the mentees who are matched, and adds their scores.
func (e *edges) sum(partner []int) (matched int, score int64) {
	for i, j := range partner {
		if j != none {
			matched++
			score += e.score[i*len(e.mentors)+j]
		}
	}
	return matched, score
}
