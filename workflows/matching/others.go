package matching

import (
	"cmp"
	"math"
	"slices"
)

// others finds what would be instead of a matched pair: the least that is lost
// by forbidding it. It goes from the row along the least slack to the place
// that the row left, as augment does; what is lost is the length of the way.
// A way may pass through outside, as in untie.
type others struct {
	*assignment
	rows    [][]int64 // by row, when first asked: its columns, by slack and then in order, as slack<<columnBits | column
	emptied []int64   // by column: what is lost at least where a place is left empty, or goes to a row without a column
	into    []int64   // by column: the length of the shortest last step to it

	length []int64 // of the search in progress, by column and then outside
	first  []int   // the column with which the way begins; outside where the row is left without
	ways   []way   // a heap
}

// columnBits are as many as MaxPeople needs. Slack stays far below what they
// leave: no more than the sum of all values of a way.
const columnBits = 12

// A way leads to a column, or outside.
type way struct {
	length    int64
	first, to int
}

func (w way) compare(o way) int {
	return cmp.Or(cmp.Compare(w.length, o.length), cmp.Compare(w.first, o.first))
}

func newOthers(a *assignment) *others {
	o := &others{
		assignment: a, rows: make([][]int64, a.n), emptied: slices.Clone(a.cost), into: make([]int64, a.m),
		length: make([]int64, a.m+1), first: make([]int, a.m+1),
	}
	for i, at := range a.partner {
		if at == none {
			for j, v := range a.row(i) {
				o.emptied[j] = min(o.emptied[j], a.cost[j]-v) // without a price
			}
		}
	}
	copy(o.into, o.emptied)
	for i, at := range a.partner {
		for j, v := range a.row(i) {
			if j != at {
				o.into[j] = min(o.into[j], a.price[i]+a.cost[j]-v)
			}
		}
	}
	return o
}

// near are a row's columns, the least slack first.
func (o *others) near(i int) []int64 {
	if o.rows[i] == nil {
		list := make([]int64, 0, o.m)
		for j, v := range o.row(i) {
			if v != forbidden {
				list = append(list, (o.price[i]+o.cost[j]-v)<<columnBits|int64(j))
			}
		}
		slices.Sort(list)
		o.rows[i] = list
	}
	return o.rows[i]
}

// without tells what is lost where a row may not have the column it has, and
// which column it has then: the first of those with which no more is lost.
func (o *others) without(i int) (column int, loss int64) {
	at, outside := o.partner[i], o.m
	for j := range o.length {
		o.length[j] = math.MaxInt64
	}
	o.ways = o.ways[:0]
	end := way{o.price[i] + o.emptied[at], outside, at}
	arrive := func(w way) {
		if w.compare(end) < 0 {
			end = w
		}
	}
	// worth tells whether a way can yet become the shortest.
	worth := func(w way) bool { return way{w.length + o.into[at], w.first, at}.compare(end) < 0 }
	reach := func(w way) {
		if worth(w) && w.compare(way{o.length[w.to], o.first[w.to], w.to}) < 0 {
			o.length[w.to], o.first[w.to] = w.length, w.first
			o.push(w)
		}
	}
	leave := func(k int, d int64, first int) {
		for _, step := range o.near(k) {
			d, j := d+step>>columnBits, int(step&(1<<columnBits-1))
			if d+o.into[at] > end.length {
				break
			}
			if j != at {
				w := way{d, first, j}
				if k == i {
					w.first = j
				}
				reach(w)
			}
		}
	}
	reach(way{o.price[i], outside, outside})
	leave(i, 0, none)
	for len(o.ways) > 0 {
		w := o.pop()
		if !worth(w) {
			break
		}
		if w.length > o.length[w.to] || w.first > o.first[w.to] {
			continue // another was shorter
		}
		if w.to == outside {
			arrive(way{w.length + o.emptied[at], w.first, at})
			for j, lost := range o.emptied {
				if j != at {
					reach(way{w.length + lost, w.first, j})
				}
			}
			continue
		}
		if o.load[w.to] < o.room[w.to] {
			reach(way{w.length, w.first, outside})
		}
		for k := o.assignment.first[w.to]; k != none; k = o.next[k] {
			d := w.length + o.price[k]
			reach(way{d, w.first, outside})
			arrive(way{d + o.cost[at] - o.row(k)[at], w.first, at})
			leave(k, w.length, w.first)
		}
	}
	if end.first == outside {
		return none, end.length
	}
	return end.first, end.length
}

func (o *others) push(w way) {
	o.ways = append(o.ways, w)
	k := len(o.ways) - 1
	for k > 0 && w.compare(o.ways[(k-1)/2]) < 0 {
		o.ways[k] = o.ways[(k-1)/2]
		k = (k - 1) / 2
	}
	o.ways[k] = w
}

func (o *others) pop() way {
	top, last := o.ways[0], o.ways[len(o.ways)-1]
	o.ways = o.ways[:len(o.ways)-1]
	for k := 0; len(o.ways) > 0; {
		child := 2*k + 1
		if child+1 < len(o.ways) && o.ways[child+1].compare(o.ways[child]) < 0 {
			child++
		}
		if child >= len(o.ways) || last.compare(o.ways[child]) <= 0 {
			o.ways[k] = last
			break
		}
		o.ways[k] = o.ways[child]
		k = child
	}
	return top
}
