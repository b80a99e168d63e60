package domaintest

import (
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/when"
)

// Nemo is NEMO's One to One Mentoring as in scenario S1, fresh for each
// caller.
func Nemo() programme.Definition {
	return programme.Definition{
		Programme: "nemo-121", Title: "One to One Mentoring", Owner: "nemo", Network: "nemo", Zone: "Europe/Berlin",
		Calendar: when.Calendar{Name: "berlin", Version: "2023", Holidays: []string{"2023-10-03"}},
		Quotas:   []programme.Quota{{Quota: "year", Per: "year", Limit: 10}, {Quota: "cycle", Per: "cycle", Limit: 5}},
		Calls: []programme.Call{{
			Call: "mentees", Role: "mentee",
			Form: programme.Form{Version: "1", Fields: []programme.Field{
				{Field: "motives"}, {Field: "priorities", Ranks: 3}, {Field: "website", Optional: true},
			}},
			Criteria: []programme.Criterion{{Criterion: "member"}, {Criterion: "active"}},
			Routes: []programme.Route{
				{Route: "own"}, {Route: "nominated", Proof: &when.Offset{WorkingDays: 5, At: "17:00"}},
			},
			DraftsLast: when.Offset{Days: 2},
		}},
		Review:     programme.Review{PerApplication: 2, Criteria: []string{"need", "fit"}, MaxScore: 5},
		Offer:      programme.Offer{ReplyWithin: when.Offset{WorkingDays: 5, At: "17:00"}},
		Match:      programme.Match{FirstContactWithin: when.Offset{Days: 14}},
		Agreement:  programme.Agreement{Version: "1", Clauses: []string{"We meet.", "We keep it to ourselves."}},
		Sessions:   programme.Sessions{Min: 2, Max: 3, MinMinutes: 60, MaxMinutes: 90, Modes: []string{"online"}},
		Reflection: programme.Reflection{Session: []string{"mentee", "mentor"}, Final: []string{"mentee"}},
		Completion: programme.Completion{Version: "1", ConformingSessions: 2, FinalReflections: []string{"mentee"}},
	}
}
