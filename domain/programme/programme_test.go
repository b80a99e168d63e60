package programme_test

import (
	"strings"
	"testing"
	_ "time/tzdata"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/domaintest"
	"github.com/daybook-engine/daybook/domain/matching"
	. "github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/when"
)

func TestProgramme(t *testing.T) {
	t.Parallel()
	type row = domaintest.Row[State, Event]
	type events = []Event
	nemo, revised := domaintest.Nemo(), domaintest.Nemo()
	revised.Sessions.Max = 4
	v1, v2 := DefinitionPublished{nemo.Hash(), nemo}, DefinitionPublished{revised.Hash(), revised}
	id := ID{Programme: "nemo-121"}
	broken := nemo
	broken.Zone = "CET"
	domaintest.Run(t, []row{
		{Name: "a definition is published", When: PublishDefinition{id, nemo}, Then: events{v1}},
		{Name: "then a newer one", Given: events{v1}, When: PublishDefinition{id, revised}, Then: events{v2}},
		{Name: "and the first once more", Given: events{v1, v2}, When: PublishDefinition{id, nemo}, Then: events{v1}},
		{Name: "it is this programme's", When: PublishDefinition{ID{Programme: "mfa"}, nemo}, Err: ErrDefinition},
		{Name: "and can be run", When: PublishDefinition{id, broken}, Err: ErrDefinition},
	})

	s := State{}.Apply(v1).Apply(v2)
	for hash, want := range map[domain.Digest]DefinitionPublished{"": v2, v1.Hash: v1, v2.Hash: v2} {
		d, got, ok := s.Version(hash)
		require.True(t, ok)
		require.Equal(t, want, DefinitionPublished{got, d})
	}
	_, _, ok := s.Version("other")
	require.False(t, ok)
}

func TestADefinitionNamesWhatIsWrongWithIt(t *testing.T) {
	t.Parallel()
	require.Empty(t, domaintest.Nemo().Faults())
	for path, change := range map[string]func(*Definition){
		"programme":                       func(d *Definition) { d.Programme = "Nemo 121" },
		"title":                           func(d *Definition) { d.Title = "" },
		"owner":                           func(d *Definition) { d.Owner = "" },
		"network":                         func(d *Definition) { d.Network = "" },
		"zone":                            func(d *Definition) { d.Zone = "CET" },
		"calendar":                        func(d *Definition) { d.Calendar.Holidays = []string{"3 October"} },
		"quotas":                          func(d *Definition) { d.Quotas = nil },
		"quotas[1].quota":                 func(d *Definition) { d.Quotas[1].Quota = "" },
		"quotas[1].per":                   func(d *Definition) { d.Quotas[1].Per = "month" },
		"quotas[0].limit":                 func(d *Definition) { d.Quotas[0].Limit = 0 },
		"calls":                           func(d *Definition) { d.Calls = nil },
		"calls[0].call":                   func(d *Definition) { d.Calls[0].Call = "" },
		"calls[0].role":                   func(d *Definition) { d.Calls[0].Role = "peer" },
		"calls[0].form.version":           func(d *Definition) { d.Calls[0].Form.Version = "" },
		"calls[0].form.fields":            func(d *Definition) { d.Calls[0].Form.Fields = nil },
		"calls[0].form.fields[0].field":   func(d *Definition) { d.Calls[0].Form.Fields[0].Field = "" },
		"calls[0].form.fields[1].ranks":   func(d *Definition) { d.Calls[0].Form.Fields[1].Ranks = 11 },
		"calls[0].criteria":               func(d *Definition) { d.Calls[0].Criteria = nil },
		"calls[0].criteria[1].criterion":  func(d *Definition) { d.Calls[0].Criteria[1].Criterion = "" },
		"calls[0].routes[0].route":        func(d *Definition) { d.Calls[0].Routes[0].Route = "" },
		"calls[0].routes[1].proof":        func(d *Definition) { d.Calls[0].Routes[1].Proof = &when.Offset{At: "5pm"} },
		"calls[0].drafts_last":            func(d *Definition) { d.Calls[0].DraftsLast.Days = 99999 },
		"review.per_application":          func(d *Definition) { d.Review.PerApplication = 0 },
		"review.criteria":                 func(d *Definition) { d.Review.Criteria = nil },
		"review.max_score":                func(d *Definition) { d.Review.MaxScore = 0 },
		"offer.reply_within":              func(d *Definition) { d.Offer.ReplyWithin.At = "noon" },
		"match.first_contact_within":      func(d *Definition) { d.Match.FirstContactWithin.At = "noon" },
		"agreement.version":               func(d *Definition) { d.Agreement.Version = "" },
		"agreement.clauses":               func(d *Definition) { d.Agreement.Clauses = nil },
		"sessions.min":                    func(d *Definition) { d.Sessions.Min = 0 },
		"sessions.max":                    func(d *Definition) { d.Sessions.Min = 4 },
		"sessions.min_minutes":            func(d *Definition) { d.Sessions.MinMinutes = 0 },
		"sessions.max_minutes":            func(d *Definition) { d.Sessions.MaxMinutes = 59 },
		"sessions.modes":                  func(d *Definition) { d.Sessions.Modes = nil },
		"sessions.modes[0]":               func(d *Definition) { d.Sessions.Modes[0] = "pigeon" },
		"reflections.session[1]":          func(d *Definition) { d.Reflection.Session[1] = "museum" },
		"reflections.final[0]":            func(d *Definition) { d.Reflection.Final[0] = "museum" },
		"completion.version":              func(d *Definition) { d.Completion.Version = "" },
		"completion.conforming_sessions":  func(d *Definition) { d.Completion.ConformingSessions = 4 },
		"completion.final_reflections[0]": func(d *Definition) { d.Completion.FinalReflections[0] = "museum" },
		"matching.policy": func(d *Definition) {
			d.Matching.Rules = []matching.Rule{{Rule: "employer", Fact: "employer", Must: "differ"}}
		},
		"matching.factors[0].weight": func(d *Definition) {
			d.Matching = matching.Plan{Policy: "assignment", Factors: []matching.Factor{{Factor: "field", Measure: "part", Fact: "field"}}}
		},
		// What falls due does so later than what it follows.
		"calls[0].routes[1].proof ":   func(d *Definition) { d.Calls[0].Routes[1].Proof = &when.Offset{WorkingDays: -5, At: "17:00"} },
		"calls[0].drafts_last ":       func(d *Definition) { d.Calls[0].DraftsLast = when.Offset{} },
		"offer.reply_within ":         func(d *Definition) { d.Offer.ReplyWithin = when.Offset{At: "17:00"} },
		"match.first_contact_within ": func(d *Definition) { d.Match.FirstContactWithin = when.Offset{Days: 14, Hours: -1} },
		// What completes a match can be filed.
		"completion.final_reflections[0] ": func(d *Definition) { d.Completion.FinalReflections[0] = "mentor" },
		"completion.final_reflections[1]":  func(d *Definition) { d.Completion.FinalReflections = []string{"mentee", "mentor"} },
		// Two of one name would hide each other.
		"quotas[1].quota ":                func(d *Definition) { d.Quotas[1].Quota = "year" },
		"calls[1].call":                   func(d *Definition) { d.Calls = append(d.Calls, d.Calls[0]) },
		"calls[0].form.fields[2].field":   func(d *Definition) { d.Calls[0].Form.Fields[2].Field = "motives" },
		"calls[0].criteria[1].criterion ": func(d *Definition) { d.Calls[0].Criteria[1].Criterion = "member" },
		"calls[0].routes[1].route":        func(d *Definition) { d.Calls[0].Routes[1].Route = "own" },
		"review.criteria[1]":              func(d *Definition) { d.Review.Criteria[1] = "need" },
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			path := strings.TrimSpace(path)
			d := domaintest.Nemo()
			change(&d)
			faults := d.Faults()
			require.NotEmpty(t, faults)
			require.Equal(t, path, faults[0].Path)
			require.Contains(t, faults[0].String(), path+": expected ")
			require.NotContains(t, faults[0].String(), "nil")
			require.NotEqual(t, domaintest.Nemo().Hash(), d.Hash(), "another content, another hash")
		})
	}
}

func TestADefinitionFindsItsParts(t *testing.T) {
	t.Parallel()
	nemo := domaintest.Nemo()
	call, ok := nemo.Call("mentees")
	require.True(t, ok)
	require.Equal(t, []string{"member", "active"}, call.Keys())
	_, ok = nemo.Call("mentors")
	require.False(t, ok)
	route, ok := call.Route("nominated")
	require.True(t, ok)
	require.Equal(t, 5, route.Proof.WorkingDays)
	_, ok = call.Route("friend")
	require.False(t, ok)

	// Hashes are stored: a change to how they are taken is a new form of the event.
	require.Equal(t, domain.Digest("DLoclA7ZAs9kKbiPMFh1UCSFMhr1h9WgzFj3lXKLfG8"), nemo.Hash())
	require.Equal(t, domain.Digest("2C9wkFgCnhcORr2A7R8H6nHOFigZwfZyW8UgzuaUaxI"), nemo.Agreement.Hash())
	require.NoError(t, ID{Programme: "nemo-121"}.Check())
	require.Equal(t, "programme-nemo-121", ID{Programme: "nemo-121"}.Stream())
	require.Equal(t, "programme/nemo-121", ID{Programme: "nemo-121"}.Book())
	require.ErrorIs(t, ID{}.Check(), domain.ErrSlug)
}
