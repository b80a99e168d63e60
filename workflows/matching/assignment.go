package matching

import (
	"context"
	"math"
	"math/bits"
	"slices"
)

// assign finds the assignment that matches most people and, of those, scores
// most, the lots deciding between equals.
func (e *edges) assign(ctx context.Context) (partner []int, instead []alternative, err error) {
	// Whoever is locked is out of it, and so is the room they take.
	var rows []int
	for i, m := range e.mentees {
		if m.locked == none {
			rows = append(rows, i)
		}
	}
	n, m := len(rows), len(e.mentors)
	a := newAssignment(n, m)
	total, highest := 0, int64(0)
	for j := range e.mentors {
		a.room[j] = min(e.mentors[j].room, n)
		total += a.room[j]
	}
	for k, i := range rows {
		copy(a.row(k), e.score[i*m:(i+1)*m])
		highest = max(highest, slices.Max(a.row(k)))
	}
	// One more person is worth more than all that the scores of as many
	// pairs as there can be may differ by, up and down.
	most := int64(min(n, total)) * highest
	person := 2*most + 1
	for k, v := range a.value {
		switch {
		case a.room[k%m] == 0:
			a.value[k] = forbidden
		case v != forbidden:
			a.value[k] = v + person
		}
	}
	if err := a.solve(ctx); err != nil {
		return nil, nil, err
	}
	if err := a.untie(ctx); err != nil {
		return nil, nil, err
	}

	partner, instead = make([]int, len(e.mentees)), make([]alternative, len(e.mentees))
	for i := range e.mentees {
		partner[i] = e.mentees[i].locked
	}
	others := newOthers(a)
	for k, i := range rows {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		partner[i] = a.partner[k]
		if partner[i] == none {
			continue
		}
		mentor, loss := others.without(k)
		instead[i] = alternative{mentor: mentor, less: loss}
		if loss > most {
			instead[i].fewer, instead[i].less = 1, loss-person
		}
	}
	return partner, instead, nil
}

// An assignment is rows (mentees), each matched with one column (mentor) or
// none, and columns with room for some rows, so that the values of the matched
// pairs add up to the most. Values are above 0 or forbidden; a row without a
// column is worth 0.
//
// Each row and each column has a price, never below 0. No value exceeds the
// two prices, and a matched pair's equals them; who is not matched, and who
// has room left, has the price 0. By complementary slackness, prices and
// partners like that prove each other to be best. Slack is what the prices
// exceed a value by.
type assignment struct {
	n, m    int
	value   []int64 // by row, then column
	room    []int   // by column
	partner []int   // by row: column or none
	price   []int64 // of rows
	cost    []int64 // of columns
	load    []int   // by column
	first   []int   // by column: the first of the rows that it is matched with, or none
	next    []int   // by row: the next of them

	// Of the search in progress, by column.
	distance []int64
	from     []int // the row that reaches it
	done     []bool
	reached  []int // those that are done
}

func newAssignment(n, m int) *assignment {
	a := &assignment{
		n: n, m: m, value: make([]int64, n*m), room: make([]int, m), partner: make([]int, n), price: make([]int64, n), cost: make([]int64, m),
		load: make([]int, m), first: make([]int, m), next: make([]int, n), distance: make([]int64, m), from: make([]int, m), done: make([]bool, m),
	}
	for i := range n {
		a.partner[i] = none
	}
	for j := range m {
		a.first[j] = none
	}
	return a
}

func (a *assignment) row(i int) []int64 { return a.value[i*a.m : (i+1)*a.m] }

// match gives a row a column, or none, instead of what it has.
func (a *assignment) match(i, j int) {
	if was := a.partner[i]; was != none {
		a.load[was]--
		at := &a.first[was]
		for *at != i {
			at = &a.next[*at]
		}
		*at = a.next[i]
	}
	if a.partner[i] = j; j != none {
		a.load[j]++
		a.next[i], a.first[j] = a.first[j], i
	}
}

func (a *assignment) solve(ctx context.Context) error {
	rows := make([]int, a.n)
	for i := range rows {
		rows[i] = i
	}
	for range 2 {
		rows = a.bid(rows)
	}
	for _, i := range rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		a.augment(i)
	}
	return nil
}

// bid is Jonker and Volgenant's augmenting row reduction: a row takes the
// column that leaves it most, and where there is one place raises its cost to
// where the second best would do as well. Whoever is put out bids again. It
// finds most partners at little cost; the rows that are left are returned.
func (a *assignment) bid(rows []int) (left []int) {
	steps := 4 * a.n
	for k := 0; k < len(rows); k++ {
		i := rows[k]
		best, second, at, vacant := int64(0), int64(0), none, false
		for j, v := range a.row(i) {
			switch v -= a.cost[j]; {
			case v > best || v == best && !vacant && at != none && a.load[j] < a.room[j]:
				best, second, at, vacant = v, best, j, a.load[j] < a.room[j]
			case v > second:
				second = v
			}
		}
		if at == none {
			a.price[i] = 0 // nothing is left above it: so it stays
			continue
		}
		single := a.room[at] == 1
		if !vacant && (!single || best == second || steps == 0) {
			left = append(left, i)
			continue
		}
		if !vacant {
			steps--
			rows[k] = a.first[at]
			a.match(rows[k], none)
			k--
		}
		a.price[i] = best
		if single {
			a.cost[at] += best - second
			a.price[i] = second
		}
		a.match(i, at)
	}
	return left
}

// augment finds a partner for a row that has none, by the path of least slack
// (Dijkstra's) to a column with room, or to a row that is left without; and
// mends the prices.
func (a *assignment) augment(i int) {
	a.price[i] = 0
	for j, v := range a.row(i) {
		a.price[i] = max(a.price[i], v-a.cost[j])
	}
	for j := range a.m {
		a.distance[j], a.done[j] = math.MaxInt64, false
	}
	a.reached = a.reached[:0]
	end, out := a.price[i], i // where nobody makes room, row out is left without
	column := a.relax(i, 0)
	for column != none && a.distance[column] < end {
		d := a.distance[column]
		if a.load[column] < a.room[column] {
			end, out = d, none
			break
		}
		a.done[column] = true
		a.reached = append(a.reached, column)
		next := none
		for k := a.first[column]; k != none; k = a.next[k] {
			if d+a.price[k] < end {
				end, out = d+a.price[k], k
			}
			next = a.relax(k, d)
		}
		column = next
	}

	a.price[i] -= end
	for _, j := range a.reached {
		by := end - a.distance[j]
		if by <= 0 {
			continue
		}
		a.cost[j] += by
		for k := a.first[j]; k != none; k = a.next[k] {
			a.price[k] -= by
		}
	}
	if out == i {
		return
	}
	if out != none {
		column = a.partner[out]
		a.match(out, none)
	}
	for {
		k := a.from[column]
		was := a.partner[k]
		a.match(k, column)
		if k == i {
			return
		}
		column = was
	}
}

// relax goes on from a row that is at distance d to all columns, and gives the
// nearest that is not done: of several one with room, if any, for that ends it.
func (a *assignment) relax(i int, d int64) int {
	d += a.price[i]
	row, cost, distance, done := a.row(i), a.cost[:a.m], a.distance[:a.m], a.done[:a.m]
	best, at := int64(math.MaxInt64), none
	for j, v := range row {
		x := distance[j]
		if y := d + cost[j] - v; y < x {
			x, distance[j], a.from[j] = y, y, i
		}
		if !done[j] && (x < best || x == best && a.load[j] < a.room[j]) {
			best, at = x, j
		}
	}
	return at
}

// untie takes, of all assignments that the prices prove to be best, the one
// that is first: row for row in the first column that goes, and in none last.
//
// Those are the assignments that match rows with columns without slack, leave
// no row out that has a price and no room where there is a cost. From one to
// any other leads a chain: a row moves to another column, whose row moves on,
// until the place is taken that the first row left. A chain may pass through
// outside: somebody is left out, or takes a place that was empty, and somebody
// who was out comes in, or a place is emptied. Chains are followed from their
// end.
func (a *assignment) untie(ctx context.Context) error {
	words, outside := (a.n+63)/64, a.m
	tight := make([]uint64, a.m*words) // by column, the rows without slack
	movable := make([]uint64, words)   // the rows that come later
	for i := range a.n {
		movable[i/64] |= 1 << (i % 64)
		for j, v := range a.row(i) {
			if v == a.price[i]+a.cost[j] {
				tight[j*words+i/64] |= 1 << (i % 64)
			}
		}
	}
	unseen := make([]uint64, words)
	row, to := make([]int, a.m+1), make([]int, a.m+1) // how it goes on from a column, or from outside: which row, if any, moves where
	seen, queue := make([]bool, a.m+1), make([]int, 0, a.m+1)
	reach := func(node, by, on int) {
		if !seen[node] {
			seen[node], row[node], to[node] = true, by, on
			queue = append(queue, node)
		}
	}
	for i := range a.n {
		if err := ctx.Err(); err != nil {
			return err
		}
		word, bit := i/64, uint64(1)<<(i%64)
		movable[word] &^= bit
		at := a.partner[i]
		before := at // columns that would be better
		if at == none {
			at, before = outside, a.m
		}
		better := func(j int) int {
			for j < before && tight[j*words+word]&bit == 0 {
				j++
			}
			return j
		}
		wanted := better(0)
		if wanted == before {
			continue
		}
		clear(seen)
		queue = queue[:0]
		copy(unseen, movable)
		reach(at, none, none)
		for next := 0; next < len(queue) && !seen[wanted]; next++ {
			node := queue[next]
			if node == outside {
				for j := range a.m {
					if a.load[j] < a.room[j] {
						reach(j, none, outside)
					}
				}
				for k := i + 1; k < a.n; k++ {
					if a.partner[k] != none && a.price[k] == 0 {
						reach(a.partner[k], k, outside)
					}
				}
				continue
			}
			if a.cost[node] == 0 {
				reach(outside, none, node)
			}
			for w, b := range tight[node*words : (node+1)*words] {
				for b &= unseen[w]; b != 0; b &= b - 1 {
					k := w*64 + bits.TrailingZeros64(b)
					unseen[w] &^= b & -b
					if from := a.partner[k]; from == none {
						reach(outside, k, node)
					} else {
						reach(from, k, node)
					}
				}
			}
		}
		for wanted < before && !seen[wanted] {
			wanted = better(wanted + 1)
		}
		if wanted == before {
			continue
		}
		a.match(i, wanted)
		for node := wanted; node != at; node = to[node] {
			switch k := row[node]; {
			case k != none && to[node] == outside:
				a.match(k, none)
			case k != none:
				a.match(k, to[node])
			}
		}
	}
	return nil
}
