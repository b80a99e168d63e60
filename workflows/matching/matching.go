// Package matching proposes who should work with whom. It is pure: the same
// input gives the same result, byte for byte, whatever the order in which
// people, facts and rules are listed.
//
// Hard rules remove pairs before anything is weighed, so no score can buy a
// forbidden pair. Of what is left, two policies choose:
//
// Assignment matches as many people as can be, and of all ways to do so takes
// one with the greatest score. People come first because whoever takes part
// has been promised a partner: one good pair is no reason to leave somebody
// without any. It is the assignment problem of Kuhn (1955) and Munkres (1957)
// with capacities, solved by shortest augmenting paths after Jonker and
// Volgenant (1987).
//
// Deferred acceptance goes by both sides' rankings (Gale and Shapley 1962, as
// college admissions): mentees propose, mentors keep the best they have room
// for. The result is stable: no mentee and mentor, who may be matched, both
// prefer each other to what they were given. Of all stable results it is the
// one that every mentee likes best, and mentees cannot do better by ranking
// untruly (Roth 1982); mentors can.
//
// Ties are broken by drawing lots, once: people are ordered by the SHA-256 of
// the seed, the side and their id. Of the best assignments that one is taken
// in which the first mentee drawn has the first mentor drawn that any of them
// gives her, and so on with the next; to be matched comes before not to be.
// With strict rankings, deferred acceptance has no ties.
package matching

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/matching"
	"github.com/daybook-engine/daybook/workflows/document"
)

// Version is that of both algorithms and of what factors and rules mean. Any
// change of what a given input results in takes a new one.
const Version = 1

// ErrInput is the answer to an input that cannot be matched; it says where.
var ErrInput = domain.Wrong("matching_input", "this cannot be matched")

// Decode reads an input, strictly.
func Decode(text []byte) (matching.Input, error) {
	var in matching.Input
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return in, ErrInput.Because(err.Error())
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return in, ErrInput.Because("expected one JSON object and nothing after it")
	}
	return in, check(in)
}

// fewFaults are as many as one line tells.
const fewFaults = 3

func check(in matching.Input) error {
	faults := in.Faults()
	if len(faults) == 0 {
		return nil
	}
	var words []string
	for i, f := range faults {
		if i == fewFaults {
			words = append(words, fmt.Sprintf("and so on, %d in all", len(faults)))
			break
		}
		words = append(words, document.FromOne(f.Path)+": expected "+f.Expected)
	}
	return ErrInput.Because(strings.Join(words, "; "))
}

// Propose matches people by the policy of the input's plan. Its errors are
// ErrInput, and that of a context which ends meanwhile.
func Propose(ctx context.Context, in matching.Input) (matching.Result, error) {
	if err := check(in); err != nil {
		return matching.Result{}, err
	}
	e, err := newEdges(ctx, in)
	if err != nil {
		return matching.Result{}, err
	}
	if err := e.checkLocks(in.Locks); err != nil {
		return matching.Result{}, err
	}
	var partner []int
	var instead []alternative
	if in.Policy == matching.DeferredAcceptance {
		partner, instead, err = e.accept(ctx)
	} else {
		partner, instead, err = e.assign(ctx)
	}
	if err != nil {
		return matching.Result{}, err
	}
	r := matching.Result{Algorithm: in.Policy, Version: Version, Input: in.Hash(), Seed: in.Seed, Pairs: []matching.Pair{}}
	e.explain(&r, partner, instead)
	return r, nil
}

// none stands for no mentor.
const none = -1

// An alternative is what one mentee would get, were her pair forbidden.
type alternative struct {
	mentor int // or none
	fewer  int
	less   int64
}

// explain puts a solution in words and numbers.
func (e *edges) explain(r *matching.Result, partner []int, instead []alternative) {
	parts := e.contributions(partner)
	load := make([]int, len(e.mentors))
	for i, j := range partner {
		if j == none {
			reason := matching.Exhausted
			if e.mentees[i].admissible == 0 {
				reason = matching.NoAdmissible
			}
			r.Unmatched = append(r.Unmatched, e.unmatched(e.mentees[i].tally, e.mentees[i].id, "mentee", reason))
			continue
		}
		load[j]++
		p := matching.Pair{
			Mentee: e.mentees[i].id, Mentor: e.mentors[j].id, Locked: e.mentees[i].locked != none, Parts: parts[i],
			MenteeRank: 1 + slices.Index(e.mentees[i].ranking, e.mentors[j].id),
			MentorRank: 1 + slices.Index(e.mentors[j].ranking, e.mentees[i].id),
		}
		for _, c := range p.Parts {
			p.Score += c.Points
		}
		if !p.Locked {
			a := matching.Alternative{Mentee: p.Mentee, Fewer: instead[i].fewer, Less: instead[i].less}
			if j := instead[i].mentor; j != none {
				a.Mentor = e.mentors[j].id
			}
			r.Alternatives = append(r.Alternatives, a)
		}
		r.Score += p.Score
		r.Pairs = append(r.Pairs, p)
	}
	for j, m := range e.mentors {
		reason := matching.NotNeeded
		switch {
		case load[j] > 0:
			continue
		case m.capacity == 0:
			reason = matching.NoCapacity
		case m.admissible == 0:
			reason = matching.NoAdmissible
		}
		r.Unmatched = append(r.Unmatched, e.unmatched(m.tally, m.id, "mentor", reason))
	}
	slices.SortFunc(r.Pairs, func(a, b matching.Pair) int { return cmp.Compare(a.Mentee, b.Mentee) })
	slices.SortFunc(r.Alternatives, func(a, b matching.Alternative) int { return cmp.Compare(a.Mentee, b.Mentee) })
	slices.SortFunc(r.Unmatched, func(a, b matching.Unmatched) int {
		return cmp.Or(cmp.Compare(a.Side, b.Side), cmp.Compare(a.Person, b.Person))
	})
}

func (e *edges) unmatched(t tally, p domain.Person, side, reason string) matching.Unmatched {
	u := matching.Unmatched{Person: p, Side: side, Reason: reason, Admissible: t.admissible}
	for r, n := range t.blocked {
		if n > 0 {
			u.Blocked = append(u.Blocked, matching.Blocked{Rule: e.rules[r], Partners: n})
		}
	}
	return u
}

// drawn is a person's lot.
func drawn(seed int64, side string, p domain.Person) [sha256.Size]byte {
	return sha256.Sum256(fmt.Appendf(nil, "daybook/matching/draw\n%d\n%s\n%s", seed, side, p))
}
