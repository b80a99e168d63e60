package workflows_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/domain/matching"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/domain/when"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/memory"
	"github.com/daybook-engine/daybook/workflows"
)

// whatIf lists what would have gone otherwise, each as event and words.
func whatIf(t *testing.T, store eventstore.Store, cycle string, d programme.Definition) (said []string) {
	t.Helper()
	found, err := workflows.WhatIf(t.Context(), store, cycle, d)
	require.NoError(t, err)
	known := map[string]string{}
	for _, r := range log(t, store) {
		known[r.ID.String()] = r.Stream + " " + r.Name + " " + r.Position.String()
	}
	for _, x := range found {
		require.Equal(t, known[x.ID.String()], x.Stream+" "+x.Event+" "+x.Position.String(), "it is about an event")
		said = append(said, x.Event+": "+x.Words)
	}
	return said
}

// Under the version that a cycle went by, nothing would have gone otherwise:
// the rules decide what they decided.
func TestWhatIfOfTheSameVersionFindsNothing(t *testing.T) {
	t.Parallel()
	store := memory.New()
	r := loadRehearsal(t, s1)
	st, _ := stage(t, store, newVault(), nil)
	_, err := st.Play(t.Context(), r)
	require.NoError(t, err)
	before := lines(t, store)
	for _, cycle := range []string{"nemo-2023-spring", "nemo-2023-autumn"} {
		require.Empty(t, whatIf(t, store, cycle, r.Definition), cycle)
	}
	require.Equal(t, before, lines(t, store), "nothing is done")

	// And what another version would have made of the same season.
	for name, x := range map[string]struct {
		change func(*programme.Definition)
		count  map[string]int
		says   string
	}{
		"offers that stand a day": {
			func(d *programme.Definition) { d.Offer.ReplyWithin = when.Offset{Days: 1} },
			map[string]int{"offer.made": 6}, "would have lapsed on Wed 2023-08-23 10:00 CEST, before it was answered",
		},
		"sessions of 75 minutes": {
			func(d *programme.Definition) { d.Sessions.MinMinutes = 75 },
			map[string]int{}, "would have been marked under min duration, and not conformed",
		},
		"three conforming sessions": {
			func(d *programme.Definition) { d.Completion.ConformingSessions = 3 },
			map[string]int{}, "to complete it would have been refused: the completion rule is not met",
		},
		"three reviews": {
			func(d *programme.Definition) { d.Review.PerApplication = 3 },
			map[string]int{}, "of 3 reviews were recorded",
		},
		"a week for drafts": {
			func(d *programme.Definition) { d.Calls[0].DraftsLast = when.Offset{Days: 7} },
			map[string]int{"draft.expired": 1}, "would have expired on Mon 2023-08-07 00:00 CEST, not on Tue 2023-08-01 12:00 CEST",
		},
		"one more question": {
			func(d *programme.Definition) {
				d.Calls[0].Form.Fields = append(d.Calls[0].Form.Fields, programme.Field{Field: "website", Label: "Your website"})
			},
			map[string]int{"application.received": 22}, "submitted would have been refused: the form is not complete (missing: website)",
		},
		"a deadline two days earlier": {
			func(d *programme.Definition) {
				d.Calls[0].Deadline = programme.Deadline{Published: "by 29 July", Local: "2023-07-29T00:00", Rule: "by"}
			},
			map[string]int{"call.opened": 1}, "submitted would have been refused: the deadline has passed",
		},
		"contact within a day": {
			func(d *programme.Definition) { d.Match.FirstContactWithin = when.Offset{Days: 1} },
			map[string]int{}, "first contact would have been due on",
		},
		"telephone only": {
			func(d *programme.Definition) { d.Sessions.Modes = []string{"telephone"} },
			map[string]int{}, "would have been marked outside plan mode",
		},
		"nobody to confirm nominations": {
			func(d *programme.Definition) { d.Calls[0].Routes[0].Proof = nil },
			map[string]int{}, "nobody would have had to confirm the nomination of",
		},
		"other criteria": {
			func(d *programme.Definition) { d.Calls[0].Criteria = d.Calls[0].Criteria[:2] },
			map[string]int{}, "would have been judged by other criteria: member-organisation, nominated",
		},
		"scores up to 3": {
			func(d *programme.Definition) { d.Review.MaxScore = 3 },
			map[string]int{}, "would have been refused: a review scores each criterion once",
		},
		"one conforming session, and no reflection": {
			func(d *programme.Definition) {
				d.Completion.ConformingSessions, d.Completion.FinalReflections = 1, nil
			},
			map[string]int{"completion.waived": 1}, "match m5 would have needed no waiver: the completion rule would have been met",
		},
		"no such call": {
			func(d *programme.Definition) { d.Calls[0].Call = "others" },
			map[string]int{"call.opened": 1}, "this call would not have been opened: there is none for mentees",
		},
		"nobody reflects": {
			func(d *programme.Definition) {
				d.Reflection = programme.Reflection{}
				d.Completion.FinalReflections = nil
			},
			map[string]int{}, "would have had to reflect: nobody",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := definitionOf(t, s1)
			x.change(&d)
			said := whatIf(t, store, "nemo-2023-autumn", d)
			require.Contains(t, strings.Join(said, "\n"), x.says)
			for event, n := range x.count {
				found := 0
				for _, line := range said {
					if strings.HasPrefix(line, event+": ") {
						found++
					}
				}
				require.Equal(t, n, found, "%s in\n%s", event, strings.Join(said, "\n"))
			}
		})
	}
}

// A run of the matching is made again, from what it was made from.
func TestWhatIfMatchesAgain(t *testing.T) {
	t.Parallel()
	o, run := takers(t, plan)
	o.must("coordinator/c1", "matching.propose", run)
	d := o.definition()
	require.Empty(t, whatIf(t, o.store, "spring", d))
	d.Matching.Rules = append(d.Matching.Rules[:1:1], matching.Rule{Rule: "other_field", Fact: "field", Must: matching.Differ})
	found, err := workflows.WhatIf(t.Context(), o.store, "spring", d)
	require.NoError(t, err)
	require.NotEmpty(t, found)
	for _, x := range found {
		require.Equal(t, "matching.proposed", x.Event)
		require.Contains(t, x.Words, "run first would have proposed ")
	}
	d.Matching = programme.Matching{}
	require.Equal(t, []string{"matching.proposed: run first would have been refused: " + matching.ErrUnplanned.Error()}, whatIf(t, o.store, "spring", d))
}

// What is under way could be complete under a milder rule, or would be none.
func TestWhatIfOfMatchesUnderWay(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.matched("a1", "m1", "first")
	d := o.definition()
	require.Empty(t, whatIf(t, o.store, "spring", d))
	d.Completion.ConformingSessions, d.Completion.FinalReflections = 0, nil
	require.Equal(t, []string{"agreement.in_force: match first could have been completed"}, whatIf(t, o.store, "spring", d))
	d.Completion = programme.Completion{}
	require.Contains(t, whatIf(t, o.store, "spring", d)[0], "match.proposed: match first would have been refused: ")
}

// That the words of a deadline were mended moves nothing, under any definition.
func TestWhatIfOfADeadline(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.must("coordinator/c1", "deadline.extend", with(call, "deadline", with(deadline("2024-02-01T12:00"), "published", "by noon on 1 February")))
	d := o.definition()
	require.Empty(t, whatIf(t, o.store, "spring", d))
	o.must("coordinator/c1", "deadline.extend", with(call, "deadline", deadline("2024-02-03T12:00")))
	require.Empty(t, whatIf(t, o.store, "spring", d))
	d.Calls[0].Deadline = programme.Deadline{Published: "by 5 February", Local: "2024-02-05T12:00", Rule: "by"}
	require.Equal(t, []string{
		"call.opened: the deadline for mentees would have been by 2024-02-05T12:00 Europe/Berlin, not by 2024-02-01T12:00 Europe/Berlin",
		"deadline.extended: the deadline for mentees would have been no earlier, and not been extended",
	}, whatIf(t, o.store, "spring", d))
}

func TestWhatIfIsAskedOfACycleOfTheProgramme(t *testing.T) {
	t.Parallel()
	o := open(t)
	d := o.definition()
	_, err := workflows.WhatIf(t.Context(), o.store, "autumn", d)
	require.ErrorIs(t, err, domain.NotFound)
	d.Programme = "walks"
	_, err = workflows.WhatIf(t.Context(), o.store, "spring", d)
	require.ErrorIs(t, err, programme.ErrDefinition)
}

// What an earlier Daybook recorded is taken as it is, also where it would be
// refused today.
func TestWhatIfOfAnOlderLog(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.matched("a1", "m1", "first")
	slot := fields{"cycle": "spring", "match": "first", "local": "2024-01-20T10:00", "zone": "Europe/Berlin", "mode": "online"}
	o.clock.Set(monday.AddDate(0, 0, 14))
	held := with(slot, "session", 1, "minutes", 60)
	o.must("mentor/m1", "session.hold", held)
	o.must("mentor/m1", "session.hold", with(slot, "session", 2, "local", "2024-01-21T10:00", "minutes", 60))
	o.must("coordinator/c1", "session.correct", with(slot, "session", 2, "minutes", 0))
	require.Empty(t, whatIf(t, o.store, "spring", o.definition()))

	id := match.ID{Cycle: "spring", Match: "first"}
	v := o.views()
	require.NoError(t, v.CatchUp(t.Context()))
	m, err := v.Match(t.Context(), "spring", "first")
	require.NoError(t, err)
	for name, e := range map[string]any{
		"session.held":    match.SessionHeld{Session: 3, Slot: m.Sessions[0].Slot, Minutes: 60, ReflectionsDue: m.Sessions[0].ReflectionsDue},
		"contact.overdue": match.ContactOverdue{Timer: domain.Timer{Due: m.ContactDue}},
	} {
		now := o.clock.Now()
		env := schema.Envelope{ID: uuid.NewString(), Name: name, RecordedAt: now, OccurredAt: now, Actor: "clock", Role: "clock", Book: id.Book()}
		metadata, err := env.Encode()
		require.NoError(t, err)
		data, err := json.Marshal(e)
		require.NoError(t, err)
		_, err = o.store.Append(t.Context(), id.Stream(), eventstore.Any, eventstore.Event{ID: uuid.MustParse(env.ID), Name: name, Data: data, Metadata: metadata})
		require.NoError(t, err)
	}
	require.Equal(t, []string{"session.held: match first: to record session 3 would have been refused: " + match.ErrTwice.Text + " (session 1)"}, whatIf(t, o.store, "spring", o.definition()))
}
