package matching_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/domaintest"
	. "github.com/daybook-engine/daybook/domain/matching"
)

var errWrong = domain.Wrong("matching_input", "this cannot be matched")

func TestMatching(t *testing.T) {
	t.Parallel()
	type row = domaintest.Row[State, Event]
	type events = []Event
	propose := func(run string, change func(*Propose)) Propose {
		c := Propose{ID: ID{Cycle: "autumn"}, Run: run}
		c.Input = Input{Plan: Plan{Policy: Assignment}, Mentees: []Mentee{{Mentee: "ana"}, {Mentee: "ben"}}, Mentors: []Mentor{{Mentor: "mia", Capacity: 1}}}
		c.Result = Result{Input: c.Input.Hash(), Pairs: []Pair{{Mentee: "ana", Mentor: "mia"}}}
		if change != nil {
			change(&c)
		}
		return c
	}
	c := propose("r1", nil)
	proposed := events{Proposed{Run: "r1", Input: c.Input, Result: c.Result}}
	domaintest.Run(t, []row{
		{Name: "a run proposes", When: c, Then: proposed},
		{Name: "another has another name", Given: proposed, When: propose("r2", nil), Then: events{Proposed{Run: "r2", Input: c.Input, Result: c.Result}}},
		{Name: "one name is for one input", Given: proposed, When: propose("r1", func(c *Propose) { c.Result.Input = "other" }), Err: ErrRun},
		{Name: "it is named by a slug", When: propose("The first", nil), Err: domain.ErrSlug},
		{Name: "the definition says how", When: propose("r1", func(c *Propose) { c.Input.Plan = Plan{} }), Err: ErrUnplanned},
		{Name: "a fact that nothing looks at is none", When: propose("r1", func(c *Propose) { c.Input.Mentees[0].Facts = []Fact{{Fact: "priorites", Codes: []string{"digital"}}} }), Err: ErrFact},
		{Name: "who has no place is not matched", When: propose("r1", func(c *Propose) { c.Unplaced = []domain.Person{"ben"} }), Err: ErrNoPlace},
		{Name: "nor who has a match", When: propose("r1", func(c *Propose) { c.Matched = []domain.Person{"ben"} }), Err: ErrMatched},
		{Name: "nor with more room than there is", When: propose("r1", func(c *Propose) { c.Crowded = []Mentor{{Mentor: "mia", Capacity: 1}} }), Err: ErrRoom},
		{Name: "nor with a stranger", When: propose("r1", func(c *Propose) { c.Unknown = []domain.Person{"mia"} }), Err: ErrMentor},
		{Name: "nor when the cycle is over", When: propose("r1", func(c *Propose) { c.Over = true }), Err: ErrCycleOver},
		{Name: "nor what cannot be matched", When: propose("r1", func(c *Propose) { c.Wrong = errWrong }), Err: errWrong},
		{Name: "which is told last", When: propose("r1", func(c *Propose) { c.Wrong, c.Unknown = errWrong, []domain.Person{"mia"} }), Err: ErrMentor},
	})

	s := State{}.Apply(proposed[0])
	has := func(mentee domain.Person) [2]string {
		run, mentor := s.Proposed(mentee)
		return [2]string{run, string(mentor)}
	}
	require.Equal(t, [2]string{"r1", "mia"}, has("ana"))
	require.Equal(t, [2]string{"r1", ""}, has("ben"), "nobody is a proposal, too")
	require.Equal(t, [2]string{}, has("zoe"))
	s = s.Apply(Proposed{Run: "r2", Input: c.Input})
	require.Equal(t, [2]string{"r2", ""}, has("ana"), "the last run counts")
}

func TestTheRunsOfACycleAreOneStream(t *testing.T) {
	t.Parallel()
	id := ID{Cycle: "autumn"}
	require.NoError(t, id.Check())
	require.Equal(t, "matching-autumn", id.Stream())
	require.Equal(t, "cycle/autumn", id.Book())
	require.ErrorIs(t, ID{}.Check(), domain.ErrSlug)
}
