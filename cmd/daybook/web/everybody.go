package web

import (
	"cmp"
	"slices"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/projections"
)

// mostChoices bounds a select: with more people than that it offers only
// those on the page.
const mostChoices = 150

// everybody lists the people of the cycle, and who acted in it. Those of the
// rows shown, and those chosen already, are always among them.
func (v *visit) everybody(rows []projections.HistoryRow) (people, actors []string, err error) {
	applications, err := v.views.Applications(v.ctx, v.cycle.Cycle)
	if err != nil {
		return nil, nil, err
	}
	matches, err := v.views.Matches(v.ctx, v.cycle.Cycle)
	if err != nil {
		return nil, nil, err
	}
	for _, a := range applications {
		people = append(people, string(a.Person))
		actors = append(actors, a.Eligibility.By)
		for _, r := range a.Reviews {
			people = append(people, string(r.Reviewer))
		}
		for _, d := range a.Decisions {
			actors = append(actors, d.By)
		}
	}
	for _, m := range matches {
		people = append(people, string(m.Mentee), string(m.Mentor))
	}
	actors = append(actors, people...)
	if people = distinct(people); len(people) > mostChoices {
		people = nil
	}
	if actors = distinct(actors); len(actors) > mostChoices {
		actors = nil
	}
	for _, r := range rows {
		for _, p := range r.Envelope.Subjects {
			people = append(people, string(p))
		}
		actors = append(actors, r.Envelope.Actor)
	}
	people = append(people, v.own.Get("person"))
	actors = append(actors, v.own.Get("actor"))
	return distinct(people), distinct(actors), nil
}

func distinct(ids []string) []string {
	ids = slices.DeleteFunc(ids, func(id string) bool { return id == "" })
	slices.Sort(ids)
	return slices.Compact(ids)
}

// choices are the options of a select, by their words.
func choices(ids []string, chosen string, words func(string) string) []option {
	options := make([]option, len(ids))
	for i, id := range ids {
		options[i] = option{id, words(id), id == chosen}
	}
	sortByText(options)
	return options
}

// sortByText sorts options as people sort names: Özge beside Oskar, not behind
// Zoe.
func sortByText(options []option) {
	collator := collate.New(language.Und)
	slices.SortStableFunc(options, func(a, b option) int { return collator.CompareString(a.Text, b.Text) })
}

func (v *visit) personName(id string) string { return v.name(domain.Person(id)) }

// streams offers the matches of the cycle, each with its pair, and whatever
// stream is chosen.
func (v *visit) streams(chosen string) (options []option, err error) {
	list, err := v.views.Matches(v.ctx, v.cycle.Cycle)
	if len(list) > mostChoices {
		list = slices.DeleteFunc(list, func(m projections.Match) bool { return m.Stream != chosen })
	}
	for _, m := range list {
		options = append(options, option{m.Stream, m.Match + ": " + v.name(m.Mentee) + " and " + v.name(m.Mentor), m.Stream == chosen})
	}
	if chosen != "" && !slices.ContainsFunc(options, func(o option) bool { return o.Chosen }) {
		options = append(options, option{chosen, cmp.Or(v.fileOf(chosen).Text, chosen), true})
	}
	return options, err
}
