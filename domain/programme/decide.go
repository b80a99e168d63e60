package programme

import (
	"fmt"
	"slices"
	"time"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/when"
)

// ErrDefinition is the answer to a definition that cannot be run.
var ErrDefinition = domain.Wrong("definition_invalid", "this definition cannot be published")

// PublishDefinition is definition.publish.
type PublishDefinition struct {
	ID
	Definition Definition `json:"definition"`
}

func (c PublishDefinition) Decide(s State, _ time.Time) ([]Event, error) {
	if c.Definition.Programme != c.Programme {
		return nil, ErrDefinition.Because(fmt.Sprintf("it is %s's, not %s's", c.Definition.Programme, c.Programme))
	}
	if faults := c.Definition.Faults(); len(faults) > 0 {
		return nil, ErrDefinition.Because(faults[0].String())
	}
	hash := c.Definition.Hash()
	if _, newest, ok := s.Version(""); ok && newest == hash {
		return nil, nil
	}
	return []Event{DefinitionPublished{hash, c.Definition}}, nil
}

// A Fault is one thing wrong with a definition: where, as a path of its
// fields ("calls[0].form.version"), and what was expected.
type Fault struct{ Path, Expected string }

func (f Fault) String() string { return f.Path + ": expected " + f.Expected }

// Faults checks a definition's meaning, in the order of its fields.
func (d Definition) Faults() []Fault {
	var faults []Fault
	expect := func(ok bool, path, expected string, args ...any) {
		if !ok {
			faults = append(faults, Fault{path, fmt.Sprintf(expected, args...)})
		}
	}
	slug := func(s, path string) { expect(domain.CheckSlug("", s) == nil, path, "an id such as nemo-121") }
	seen := map[[2]string]bool{}
	once := func(s, path, list string) {
		expect(!seen[[2]string{list, s}], path, "an id that no other of the %s has, not %s again", list, s)
		seen[[2]string{list, s}] = true
	}
	offset := func(o when.Offset, path string) {
		err := o.Check()
		expect(err == nil, path, "an offset such as {working_days: 5, at: \"17:00\"}: %v", err)
		expect(min(o.Days, o.WorkingDays, o.Hours) >= 0 && o.Days+o.WorkingDays+o.Hours > 0, path, "an offset into the future")
	}
	sides := func(list []string, path string) {
		for i, side := range list {
			expect(side == "mentee" || side == "mentor", fmt.Sprintf("%s[%d]", path, i), "mentee or mentor")
		}
	}

	slug(d.Programme, "programme")
	expect(d.Title != "", "title", "the programme's name")
	slug(d.Owner, "owner")
	slug(d.Network, "network")
	_, err := when.Zone(d.Zone)
	expect(err == nil, "zone", "an IANA time zone such as Europe/Berlin")
	expect(d.Calendar.Check() == nil, "calendar", "a name, a version and holidays as 2023-10-03: %v", d.Calendar.Check())
	expect(len(d.Quotas) > 0, "quotas", "at least one")
	for i, q := range d.Quotas {
		slug(q.Quota, fmt.Sprintf("quotas[%d].quota", i))
		once(q.Quota, fmt.Sprintf("quotas[%d].quota", i), "quotas")
		expect(q.Per == "year" || q.Per == "cycle", fmt.Sprintf("quotas[%d].per", i), "year or cycle")
		expect(q.Limit > 0, fmt.Sprintf("quotas[%d].limit", i), "a whole number above 0")
	}
	expect(len(d.Calls) > 0, "calls", "at least one")
	for i, c := range d.Calls {
		at := func(field string) string { return fmt.Sprintf("calls[%d].%s", i, field) }
		slug(c.Call, at("call"))
		once(c.Call, at("call"), "calls")
		expect(c.Role == "mentee" || c.Role == "mentor", at("role"), "mentee or mentor")
		expect(c.Form.Version != "", at("form.version"), "a version such as \"1\"")
		expect(len(c.Form.Fields) > 0, at("form.fields"), "at least one")
		for j, f := range c.Form.Fields {
			slug(f.Field, at(fmt.Sprintf("form.fields[%d].field", j)))
			once(f.Field, at(fmt.Sprintf("form.fields[%d].field", j)), at("form.fields"))
			expect(f.Ranks >= 0 && f.Ranks <= 10, at(fmt.Sprintf("form.fields[%d].ranks", j)), "0 to 10")
		}
		expect(len(c.Criteria) > 0, at("criteria"), "at least one")
		for j, k := range c.Criteria {
			slug(k.Criterion, at(fmt.Sprintf("criteria[%d].criterion", j)))
			once(k.Criterion, at(fmt.Sprintf("criteria[%d].criterion", j)), at("criteria"))
		}
		for j, r := range c.Routes {
			slug(r.Route, at(fmt.Sprintf("routes[%d].route", j)))
			once(r.Route, at(fmt.Sprintf("routes[%d].route", j)), at("routes"))
			if r.Proof != nil {
				offset(*r.Proof, at(fmt.Sprintf("routes[%d].proof", j)))
			}
		}
		offset(c.DraftsLast, at("drafts_last"))
	}
	expect(d.Review.PerApplication > 0, "review.per_application", "a whole number above 0")
	expect(len(d.Review.Criteria) > 0, "review.criteria", "at least one")
	for i, k := range d.Review.Criteria {
		once(k, fmt.Sprintf("review.criteria[%d]", i), "review.criteria")
	}
	expect(d.Review.MaxScore > 0, "review.max_score", "a whole number above 0")
	offset(d.Offer.ReplyWithin, "offer.reply_within")
	offset(d.Match.FirstContactWithin, "match.first_contact_within")
	expect(d.Agreement.Version != "", "agreement.version", "a version such as \"1\"")
	expect(len(d.Agreement.Clauses) > 0, "agreement.clauses", "at least one")
	expect(d.Sessions.Min > 0, "sessions.min", "a whole number above 0")
	expect(d.Sessions.Max >= d.Sessions.Min, "sessions.max", "at least sessions.min (%d)", d.Sessions.Min)
	expect(d.Sessions.MinMinutes > 0, "sessions.min_minutes", "a whole number above 0")
	expect(d.Sessions.MaxMinutes >= d.Sessions.MinMinutes, "sessions.max_minutes", "at least sessions.min_minutes (%d)", d.Sessions.MinMinutes)
	expect(len(d.Sessions.Modes) > 0, "sessions.modes", "at least one of online, in_person, telephone")
	for i, m := range d.Sessions.Modes {
		expect(slices.Contains([]string{"online", "in_person", "telephone"}, m), fmt.Sprintf("sessions.modes[%d]", i), "online, in_person or telephone")
	}
	sides(d.Reflection.Session, "reflections.session")
	sides(d.Reflection.Final, "reflections.final")
	expect(d.Completion.Version != "", "completion.version", "a version such as \"1\"")
	expect(d.Completion.ConformingSessions > 0 && d.Completion.ConformingSessions <= d.Sessions.Max,
		"completion.conforming_sessions", "1 to sessions.max (%d)", d.Sessions.Max)
	sides(d.Completion.FinalReflections, "completion.final_reflections")
	for i, side := range d.Completion.FinalReflections {
		expect(slices.Contains(d.Reflection.Final, side), fmt.Sprintf("completion.final_reflections[%d]", i), "a side that reflections.final asks")
	}
	if d.Matching.Policy != "" || len(d.Matching.Rules)+len(d.Matching.Factors) > 0 {
		for _, f := range d.Matching.Faults() {
			faults = append(faults, Fault{"matching." + f.Path, f.Expected})
		}
	}
	return faults
}
