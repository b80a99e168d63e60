package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/matching"
	"github.com/daybook-engine/daybook/domain/when"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/projections"
	"github.com/daybook-engine/daybook/workflows/document"
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
by one, with daybook do match.propose.`,
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
			pair.Next = &matchingNext{called(a.Mentor), a.Mentor, a.Fewer, a.Less, a.Cost()}
		}
		told.Pairs = append(told.Pairs, pair)
	}
	for _, u := range run.Result.Unmatched {
		told.Unmatched = append(told.Unmatched, matchingLeft{called(u.Person), u.Person, u.Side, u.Reason, u.Words()})
	}
	return told
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
	return err
}
