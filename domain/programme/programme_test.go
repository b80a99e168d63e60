package programme_test

import (
	"reflect"
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

// whole is NEMO's definition, with every section that it does not have.
func whole() Definition {
	d := domaintest.Nemo()
	d.Zone = "Europe/London"
	d.Partners = []Partner{{Organisation: "gem", Does: []string{"mentors"}, Since: "2022-01"}}
	d.Roles = []Role{{Role: "mentee"}, {Role: "mentor", Organisation: "gem"}, {Role: "employer", Of: "mentor"}}
	d.Calls[0].Places = 5
	d.Calls[0].Deadline = Deadline{Published: "by 10am on Monday 24 April 2017", Local: "2017-04-24T10:00", Rule: "by"}
	d.Calls[0].Criteria[0].When = Condition{Any: []Comparison{{Fact: "nation", Is: "England"}, {Fact: "nation", Is: "Scotland"}}}
	d.Stages = []Stage{
		{Stage: "apply", Kind: "call", Text: "Applications", Call: "mentees", From: "2017-03", To: "2017-04-24"},
		{Stage: "choose", Kind: "interview", Text: "Interviews", From: "2017-05-03", To: "2017-05-04", Published: "Wednesday 3 and Thursday 4 May 2017", Next: []Next{
			{Stage: "meet", When: Condition{All: []Comparison{{Fact: "examples", AtLeast: 3}}}}, {Stage: Closed},
		}},
		{Stage: "meet", Kind: "sessions", Text: "Sessions", From: "2017-06", To: "2017-11"},
	}
	d.Tasks = []Task{{Task: "contact", Role: "mentee", Text: "Contact the mentor", Stage: "meet"}}
	d.Matching = Matching{On: []string{"needs"}, Conversation: []string{"mentee"}}
	d.Outcomes = Outcomes{Version: "1", Items: []Outcome{{Item: "time", For: []string{"mentor"}, Text: "Protected time"}}}
	return d
}

func TestADefinitionNamesWhatIsWrongWithIt(t *testing.T) {
	t.Parallel()
	require.Empty(t, domaintest.Nemo().Faults())
	require.Empty(t, whole().Faults())
	for path, change := range map[string]func(*Definition){
		"programme":                       func(d *Definition) { d.Programme = "Nemo 121" },
		"title":                           func(d *Definition) { d.Title = "" },
		"owner":                           func(d *Definition) { d.Owner = "" },
		"zone":                            func(d *Definition) { d.Zone = "CET" },
		"calendar.holidays[0]":            func(d *Definition) { d.Calendar.Holidays = []string{"3 October"} },
		"quotas[1].quota":                 func(d *Definition) { d.Quotas[1].Quota = "" },
		"quotas[1].per":                   func(d *Definition) { d.Quotas[1].Per = "month" },
		"quotas[0].limit":                 func(d *Definition) { d.Quotas[0].Limit = 0 },
		"calls[0].call":                   func(d *Definition) { d.Calls[0].Call = "" },
		"calls[0].role":                   func(d *Definition) { d.Calls[0].Role = "friend" },
		"calls[0].form.version":           func(d *Definition) { d.Calls[0].Form.Version = "" },
		"calls[0].form.fields":            func(d *Definition) { d.Calls[0].Form.Fields = nil },
		"calls[0].form.fields[0].field":   func(d *Definition) { d.Calls[0].Form.Fields[0].Field = "" },
		"calls[0].form.fields[1].ranks":   func(d *Definition) { d.Calls[0].Form.Fields[1].Ranks = 11 },
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
			d.Matching = Matching{Policy: "assignment", Factors: []matching.Factor{{Factor: "field", Measure: "part", Fact: "field"}}}
		},
		"network":                        func(d *Definition) { d.Network = "NEMO" },
		"calls":                          func(d *Definition) { d.Calls, d.Stages = nil, nil },
		"aims[0]":                        func(d *Definition) { d.Aims = []string{" "} },
		"aims":                           func(d *Definition) { d.Aims = make([]string, 201) },
		"calls[0].form.fields[1].ranks ": func(d *Definition) { d.Calls[0].Form.Fields[1].Ranks = -1 },
		"partners[0].does[1]":            func(d *Definition) { d.Partners[0].Does = []string{"mentors", "cakes"} },
		"partners[0].since":              func(d *Definition) { d.Partners[0].Since = "January 2022" },
		"stages[1].override":             func(d *Definition) { d.Stages[1].Override = "It was printed so" },
		// What falls due does so later than what it follows.
		"calls[0].routes[1].proof ":   func(d *Definition) { d.Calls[0].Routes[1].Proof = &when.Offset{WorkingDays: -5, At: "17:00"} },
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
		"partners[1].organisation":        func(d *Definition) { d.Partners = append(d.Partners, d.Partners[0]) },
		"sessions.modes[1]":               func(d *Definition) { d.Sessions.Modes = []string{"online", "online"} },
		// What is named is there, and what is asked for can be.
		"roles[1].organisation":      func(d *Definition) { d.Roles[1].Organisation = "moma" },
		"roles[1].role":              func(d *Definition) { d.Roles[1].Organisation = "" },
		"roles[2].of":                func(d *Definition) { d.Roles[2].Of = "employer" },
		"tasks[0].role":              func(d *Definition) { d.Tasks[0].Role = "peer" },
		"tasks[0].stage":             func(d *Definition) { d.Tasks[0].Stage = "party" },
		"stages[0].call":             func(d *Definition) { d.Stages[0].Call = "mentors" },
		"stages[1].call":             func(d *Definition) { d.Stages[1].Call = "mentees" },
		"stages[2].for[0]":           func(d *Definition) { d.Stages[2].For = []string{"museum"} },
		"matching.conversation[0]":   func(d *Definition) { d.Matching.Conversation = []string{"peer"} },
		"outcomes.items[0].for[0]":   func(d *Definition) { d.Outcomes.Items[0].For = []string{"peer"} },
		"quotas[0].role":             func(d *Definition) { d.Quotas[0].Role = "peer" },
		"calls[0].routes[1].proof  ": func(d *Definition) { d.Calendar = when.Calendar{} },
		// Every stage is on a way from the beginning to the end.
		"stages[1].next[0].stage": func(d *Definition) { d.Stages[1].Next = []Next{{Stage: "party"}} },
		"stages[1].next[0]":       func(d *Definition) { d.Stages[1].Next = []Next{{Stage: Closed}, {Stage: "meet"}} },
		"stages[2].stage":         func(d *Definition) { d.Stages[1].Next = []Next{{Stage: Closed}} },
		"stages[0].stage":         func(d *Definition) { d.Stages[1].Next, d.Stages[2].Next = nil, []Next{{Stage: "apply"}} },
		"stages[2].stage ":        func(d *Definition) { d.Stages[2].Stage, d.Tasks = Closed, nil },
		"stages[2].stage  ":       func(d *Definition) { d.Stages[2].Stage = "choose" },
		// Time goes the same way, by a calendar and a clock that are.
		"calls[0].deadline.published": func(d *Definition) { d.Calls[0].Deadline.Published = "by 10am on Monday 25 April 2017" },
		"calls[0].deadline.local":     func(d *Definition) { d.Calls[0].Deadline.Local = "2017-03-26T01:30" },
		"calls[0].deadline.local ":    func(d *Definition) { d.Calls[0].Deadline.Local = "10am" },
		"calls[0].deadline.rule":      func(d *Definition) { d.Calls[0].Deadline.Rule = "until" },
		"calls[0].rolling":            func(d *Definition) { d.Calls[0].Rolling = true },
		"stages[1].from":              func(d *Definition) { d.Stages[1].From = "2017-04-23" },
		"stages[1].to":                func(d *Definition) { d.Stages[1].To = "2017-05-02" },
		"stages[2].to":                func(d *Definition) { d.Stages[2].From = "" },
		"stages[1].published":         func(d *Definition) { d.Stages[1].Published = "Thursday 3 May 2017" },
		"stages[2].from":              func(d *Definition) { d.Stages[2].From = "2017-04" },
		"stages[2].from ": func(d *Definition) { // also past a stage without dates
			d.Stages[1].From, d.Stages[1].To, d.Stages[1].Published, d.Stages[2].From = "", "", "", "2017-03"
		},
		// What is promised fits into what contains it.
		"quotas[1].limit": func(d *Definition) { d.Quotas[1].Limit = 11 },
		"calls[0].places": func(d *Definition) { d.Calls[0].Places = 6 },
		"quotas[2].limit": func(d *Definition) {
			d.Quotas = append(d.Quotas, Quota{Quota: "scotland", Per: "cycle", Role: "mentee", Nation: "Scotland", Limit: 6})
		},
		// A condition compares a fact with what it can be.
		"calls[0].criteria[0].when.any[0].fact": func(d *Definition) { d.Calls[0].Criteria[0].When.Any[0].Fact = "height" },
		"calls[0].criteria[0].when.any[1].is":   func(d *Definition) { d.Calls[0].Criteria[0].When.Any[1].Is = "Atlantis" },
		"calls[0].criteria[0].when.any[1]":      func(d *Definition) { d.Calls[0].Criteria[0].When.Any[1].AtLeast = 2 },
		"stages[1].next[0].when.all[0]":         func(d *Definition) { d.Stages[1].Next[0].When.All[0].AtLeast = 0 },
		"stages[1].next[0].when.all[0].is":      func(d *Definition) { d.Stages[1].Next[0].When.All[0].Is = "many" },
		"quotas[0].limit ":                      func(d *Definition) { d.Quotas[0].Limit = -1 },
		"matching.policy ":                      func(d *Definition) { d.Matching.Policy = "chance" },
		"matching.rules[0].must": func(d *Definition) {
			d.Matching = Matching{Policy: "assignment", Rules: []matching.Rule{{Rule: "far", Fact: "nation", Must: "be"}}}
		},
		"matching.factors[0].fact": func(d *Definition) {
			d.Matching = Matching{Policy: "assignment", Factors: []matching.Factor{{Factor: "field", Measure: "part", Weight: 1}}}
		},
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			path := strings.TrimSpace(path)
			d := whole()
			change(&d)
			faults := d.Faults()
			require.NotEmpty(t, faults)
			require.Equal(t, path, faults[0].Path)
			told := map[string]bool{}
			for _, fault := range faults {
				require.False(t, told[fault.Path], "%s is told twice", fault.Path)
				told[fault.Path] = true
			}
			require.Contains(t, faults[0].String(), path+": expected ")
			require.NotContains(t, faults[0].String(), "nil")
			require.NotEqual(t, whole().Hash(), d.Hash(), "another content, another hash")
		})
	}
}

func TestAWeightIsAsLargeAsARunTakes(t *testing.T) {
	t.Parallel()
	weight, _ := reflect.TypeFor[matching.Factor]().FieldByName("Weight")
	require.Equal(t, matching.MaxWeight, RuleOf(weight).Max)
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

func TestAConditionIsSaidAndHolds(t *testing.T) {
	t.Parallel()
	mentee, examples := Comparison{Fact: "role", Is: "mentee"}, Comparison{Fact: "examples", AtLeast: 3}
	england, scotland := Comparison{Fact: "nation", Is: "England"}, Comparison{Fact: "nation", Is: "Scotland"}
	known := map[string]string{"role": "mentee", "nation": "Scotland", "examples": "3"}
	for _, c := range []struct {
		Condition
		words string
		holds bool
	}{
		{Condition{}, "", true},
		{Condition{All: []Comparison{mentee, examples}}, "role is mentee and examples at least 3", true},
		{Condition{All: []Comparison{mentee, england}}, "role is mentee and nation is England", false},
		{Condition{Any: []Comparison{england, scotland}}, "nation is England or nation is Scotland", true},
		{Condition{Any: []Comparison{england}}, "nation is England", false},
		{Condition{Not: []Comparison{england, {Fact: "working_as", Is: "employee"}}}, "not nation is England nor working as is employee", true},
		{Condition{All: []Comparison{mentee}, Not: []Comparison{scotland}}, "role is mentee, and not nation is Scotland", false},
		{Condition{All: []Comparison{{Fact: "examples", AtLeast: 4}}}, "examples at least 4", false},
		{Condition{All: []Comparison{{Fact: "role", AtLeast: 1}}}, "role at least 1", false},
		{Condition{All: []Comparison{{Fact: "member", Is: "yes"}}}, "member is yes", false},
	} {
		require.Equal(t, c.words, c.Words())
		require.Equal(t, c.holds, c.Holds(known), c.words)
	}
}
