package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/domain/matching"
	"github.com/daybook-engine/daybook/domain/when"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/projections"
	"github.com/daybook-engine/daybook/workflows/document"
	matcher "github.com/daybook-engine/daybook/workflows/matching"
)

// matchingRun is what daybook matching --json prints.
type matchingRun struct {
	Run       string              `json:"run"`
	Position  eventstore.Position `json:"position"`
	At        time.Time           `json:"at"`
	Algorithm string              `json:"algorithm"`
	Seed      int64               `json:"seed"`
	Score     int64               `json:"score"`
	Pairs     []matchingPair      `json:"pairs"`
	Unmatched []matchingLeft      `json:"unmatched"`
	Overrides []matchingOverride  `json:"overrides,omitempty"`
}

type matchingPair struct {
	Mentee   string                  `json:"mentee"`
	MenteeID domain.Person           `json:"mentee_id"`
	Mentor   string                  `json:"mentor"`
	MentorID domain.Person           `json:"mentor_id"`
	Score    int64                   `json:"score"`
	Why      string                  `json:"why"`
	Parts    []matching.Contribution `json:"parts"`
	Next     *matchingNext           `json:"next_best,omitempty"` // none for who was decided on before
}

// A matchingNext is whom the mentee would get otherwise, and what that costs.
type matchingNext struct {
	Mentor   string        `json:"mentor"`
	MentorID domain.Person `json:"mentor_id,omitempty"`
	Fewer    int           `json:"fewer"`
	Less     int64         `json:"less"`
	Words    string        `json:"words"`
}

type matchingLeft struct {
	Person   string        `json:"person"`
	PersonID domain.Person `json:"person_id"`
	Side     string        `json:"side"`
	Reason   string        `json:"reason"`
	Words    string        `json:"words"`
}

// A matchingOverride is a pair that a person proposed and the run had not, and
// what the run would have come to with it.
type matchingOverride struct {
	Match    string        `json:"match"`
	Mentee   string        `json:"mentee"`
	MenteeID domain.Person `json:"mentee_id"`
	Mentor   string        `json:"mentor"`
	MentorID domain.Person `json:"mentor_id"`
	Reason   string        `json:"reason"`
	Fewer    int           `json:"fewer"`
	Less     int64         `json:"less"`
	Words    string        `json:"words"`
}

func newMatching() *cobra.Command {
	var cycle, name string
	var asJSON bool
	var m moment
	c := &cobra.Command{
		Use:   "matching --cycle CYCLE",
		Short: "Tell whom the matching proposes to whom, and why",
		Long: `Tell whom the newest run of the matching proposes to whom: the score and what it is
made of, what would be instead, and who is left over and why. A run is made with
daybook do matching.propose, and binds nobody: matches are proposed by people, one
by one, with daybook do match.propose. Of those that depart from the run it tells
what the best with that pair in it would have been.`,
		Example: "  daybook matching --cycle nemo-2023-autumn",
		Args:    args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			b, err := m.look(c, cycle)
			if err != nil {
				return err
			}
			defer b.done()
			runs, err := b.then.Runs(c.Context(), cycle)
			if err != nil {
				return err
			}
			if len(runs) == 0 {
				if _, err = b.then.Cycle(c.Context(), cycle); err != nil {
					return b.unlessNotYet(c, cycle, err)
				}
				fmt.Fprintln(c.ErrOrStderr(), "no run of the matching has proposed anybody")
				return nil
			}
			run := runs[0]
			if name != "" {
				names := make([]string, len(runs))
				for i, r := range runs {
					names[i] = r.Run
				}
				i := slices.Index(names, name)
				if i < 0 {
					return usage{fmt.Errorf("there is no such run: %s", document.Suggest(name, names))}
				}
				run = runs[i]
			}
			location, err := when.Zone(b.local)
			if err != nil {
				return err
			}
			told := b.matchingRun(c.Context(), run)
			if told.Overrides, err = b.overrides(c.Context(), cycle, run); err != nil {
				return err
			}
			if b.erasing != nil {
				return b.erasing
			}
			if asJSON {
				lines := json.NewEncoder(c.OutOrStdout())
				lines.SetEscapeHTML(false)
				return lines.Encode(told)
			}
			return told.print(c.OutOrStdout(), location)
		},
	}
	cycleFlag(c, &cycle)
	m.flags(c)
	c.Flags().StringVar(&name, "run", "", "this run, and not the newest")
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object")
	return c
}

// matchingRun puts a run in words and names.
func (b *book) matchingRun(ctx context.Context, run projections.Run) matchingRun {
	called := func(p domain.Person) string {
		if p == "" {
			return "nobody"
		}
		return b.called(ctx, string(p))
	}
	told := matchingRun{
		Run: run.Run, Position: run.Position, At: run.Envelope.OccurredAt, Algorithm: run.Result.Algorithm, Seed: run.Result.Seed, Score: run.Result.Score,
		Pairs: []matchingPair{}, Unmatched: []matchingLeft{},
	}
	for _, p := range run.Result.Pairs {
		pair := matchingPair{Mentee: called(p.Mentee), MenteeID: p.Mentee, Mentor: called(p.Mentor), MentorID: p.Mentor, Score: p.Score, Why: p.Why(), Parts: p.Parts}
		if a, ok := run.Instead(p.Mentee); ok {
			pair.Next = &matchingNext{called(a.Mentor), a.Mentor, a.Fewer, a.Less, run.Result.Instead(a)}
		}
		told.Pairs = append(told.Pairs, pair)
	}
	for _, u := range run.Result.Unmatched {
		told.Unmatched = append(told.Unmatched, matchingLeft{called(u.Person), u.Person, u.Side, u.Reason, u.Words()})
	}
	return told
}

// overrides lists the matches that depart from a run, as they were proposed.
func (b *look) overrides(ctx context.Context, cycle string, run projections.Run) (list []matchingOverride, err error) {
	rows, err := b.then.History(ctx, projections.HistoryFilter{Cycle: cycle, Name: "match.proposed"})
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		p, ok := row.Body.(match.Proposed)
		if !ok || !p.Override || p.Run != run.Run {
			continue
		}
		o := matchingOverride{
			Match: match.ParseStream(row.Stream).Match, Mentee: b.called(ctx, string(p.Mentee)), MenteeID: p.Mentee,
			Mentor: b.called(ctx, string(p.Mentor)), MentorID: p.Mentor, Reason: row.Envelope.Reason,
		}
		var cost matching.Alternative
		if cost, o.Words, err = forced(ctx, run, p.Pair); err != nil {
			return nil, err
		}
		o.Fewer, o.Less = cost.Fewer, cost.Less
		list = append(list, o)
	}
	return list, nil
}

// forced tells what the best of a run with a pair in it would have cost.
func forced(ctx context.Context, run projections.Run, p match.Pair) (cost matching.Alternative, words string, err error) {
	in := run.Input
	in.Locks = slices.DeleteFunc(slices.Clone(in.Locks), func(l matching.Lock) bool { return l.Mentee == p.Mentee })
	in.Locks = append(in.Locks, matching.Lock{Mentee: p.Mentee, Mentor: p.Mentor})
	with, err := matcher.Propose(ctx, in)
	switch {
	case errors.Is(err, matcher.ErrInput):
		return cost, "the run could not have made this pair: its mentor has no room in it, or a rule forbids the two", nil
	case err != nil:
		return cost, "", err
	}
	cost = matching.Alternative{Fewer: len(run.Result.Pairs) - len(with.Pairs), Less: run.Result.Score - with.Score}
	return cost, cost.Cost(), nil
}

// forcing is forced in words, for the pages.
func forcing(ctx context.Context, run projections.Run, p match.Pair) (string, error) {
	_, words, err := forced(ctx, run, p)
	return words, err
}

func (r matchingRun) print(w io.Writer, zone *time.Location) error {
	_, err := fmt.Fprintf(w, "%s  %s  run %s: %d pairs, score %d\n", r.Position, r.At.In(zone).Format(minute), r.Run, len(r.Pairs), r.Score)
	for _, p := range r.Pairs {
		if err == nil {
			_, err = fmt.Fprintf(w, "%s with %s: %d\n", p.Mentee, p.Mentor, p.Score)
		}
		if err == nil && p.Why != "" {
			_, err = fmt.Fprintf(w, "    %s\n", p.Why)
		}
		if err == nil && p.Next != nil {
			_, err = fmt.Fprintf(w, "    next best: %s; %s\n", p.Next.Mentor, p.Next.Words)
		}
	}
	for _, u := range r.Unmatched {
		if err == nil {
			_, err = fmt.Fprintf(w, "in no pair: %s, %s: %s\n", u.Person, u.Side, u.Words)
		}
	}
	for _, o := range r.Overrides {
		if err == nil {
			_, err = fmt.Fprintf(w, "overridden: %s with %s, match %s (%s): %s\n", o.Mentee, o.Mentor, o.Match, o.Reason, o.Words)
		}
	}
	return err
}
