package web

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/access"
	"github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/domain/mentor"
	"github.com/daybook-engine/daybook/domain/organisation"
	"github.com/daybook-engine/daybook/domain/person"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/projections"
)

// inputOf is a question as it is put on the page, offering what is known: values
// that there are, and of everybody those who could be meant. That decides nothing:
// the rules answer for whoever is named elsewhere, and who was chosen once, stays.
func (v *visit) inputOf(q Question, f filled) (inputLine, error) {
	values, err := v.values(f, q)
	if err != nil {
		return inputLine{}, err
	}
	if len(values) > 0 {
		q.Choices, q.Hint = values, ""
	}
	if len(values) == 1 && q.Needed {
		q.Value = values[0].Value
	}
	if q.Type != "person" {
		return inputOf(q, f, nil), nil
	}
	if two, err := v.either(q, f); err != nil || two != nil {
		return inputOf(q, f, two), err
	}
	if v.everyone == nil {
		if v.everyone, err = v.s.registered(v.ctx); err != nil {
			return inputLine{}, err
		}
	}
	if len(v.everyone) > mostPeople { // not all are here
		if q.Value != "" {
			q.Choices = []Choice{{q.Value, v.name(domain.Person(q.Value))}}
		}
		return inputOf(q, f, v.everyone), nil
	}
	found, only, err := v.meant(f, q)
	return inputOf(q, f, slices.DeleteFunc(slices.Clone(v.everyone), func(o option) bool {
		return found[domain.Person(o.Value)] != only && !slices.Contains(f.given[q.Name], o.Value)
	})), err
}

// meant finds the only people that a question could mean, or those whom it could
// not.
func (v *visit) meant(f filled, q Question) (found map[domain.Person]bool, only bool, err error) {
	found = map[domain.Person]bool{}
	switch f.command + " " + q.Name {
	case "match.propose mentor", "mentor.join mentor":
		err = v.s.each(v.ctx, mentor.ID{}.Stream(), func(_ string, event any) bool {
			if e, ok := event.(mentor.Joined); ok {
				found[e.Mentor] = true
			}
			return true
		})
		return found, f.command == "match.propose", err
	case "match.propose mentee":
		if v.cycle.Cycle == "" {
			return found, false, nil
		}
		board, err := v.views.Places(v.ctx, v.cycle.Cycle)
		for _, p := range board.Places {
			found[p.Person] = found[p.Person] || p.Status != "released"
		}
		return found, true, err
	case "application.submit person", "draft.start person", "review.assign reviewer", "conflict.declare reviewer":
		list, err := v.views.Applications(v.ctx, v.cycle.Cycle)
		for _, a := range list {
			if a.Call != f.known.Get("call") {
				continue
			}
			own := string(a.Person) == f.known.Get("person")
			found[a.Person] = own || !a.ReceivedAt.IsZero() && f.command != "conflict.declare"
			for _, r := range a.Reviews {
				if own && (f.command == "review.assign" || !r.RecusedAt.IsZero()) {
					found[r.Reviewer] = true
				}
			}
		}
		return found, false, err
	case "attendance.record person", "attendance.correct person":
		list, err := v.views.Gatherings(v.ctx, v.cycle.Cycle)
		for _, g := range list {
			for _, a := range g.Attendance {
				found[a.Person] = found[a.Person] || g.Gathering == f.known.Get("gathering")
			}
		}
		return found, f.command == "attendance.correct", err
	}
	return found, false, nil
}

// values are what a question that names a thing can name; none where it may be a
// new one.
func (v *visit) values(f filled, q Question) (list []Choice, err error) {
	switch f.command + " " + q.Name {
	case "cycle.plan programme", "quota.set programme":
		err = v.s.each(v.ctx, programme.ID{}.Stream(), func(_ string, event any) bool {
			if e, ok := event.(programme.DefinitionPublished); ok { // the newest tells its title
				d := e.Definition
				list = slices.DeleteFunc(list, func(c Choice) bool { return c.Value == d.Programme })
				list = append(list, Choice{d.Programme, d.Title})
			}
			return true
		})
	case "membership.record organisation":
		kind := organisation.ID{}.Stream()
		err = v.s.each(v.ctx, kind, func(stream string, event any) bool {
			if e, ok := event.(organisation.Registered); ok {
				list = append(list, Choice{strings.TrimPrefix(stream, kind), e.Name})
			}
			return true
		})
	case "session.hold match":
		return v.matched()
	case "match.propose previous":
		matches, err := v.views.Matches(v.ctx, v.cycle.Cycle)
		for _, m := range matches {
			if m.Phase.Over() {
				list = append(list, Choice{m.Match, v.pair(m) + ", " + string(m.Phase)})
			}
		}
		return list, err
	}
	return list, err
}

// either offers the two of a match, for one of whom something is recorded that is
// for a pair to do; none where it is about no match, or not theirs.
func (v *visit) either(q Question, f filled) (two []option, err error) {
	theirs := slices.Contains(access.Claimable(f.command), match.Mentee)
	if !q.Cause || !theirs || !f.known.Has("match") {
		return nil, nil
	}
	m, err := v.views.Match(v.ctx, v.cycle.Cycle, f.known.Get("match"))
	if errors.Is(err, domain.NotFound) {
		return nil, nil
	}
	for side, p := range map[string]domain.Person{match.Mentee: m.Mentee, match.Mentor: m.Mentor} {
		two = append(two, option{Value: string(p), Text: v.inRole(p, side)})
	}
	sortByText(two)
	if other := f.given.Get(q.Name); other != "" && other != two[0].Value && other != two[1].Value {
		two = append(two, option{Value: other, Text: v.name(domain.Person(other))})
	}
	return two, err
}

// recordable are the matches whose sessions who acts may record.
func (v *visit) recordable() ([]projections.Match, error) {
	list, err := v.views.Matches(v.ctx, v.cycle.Cycle)
	a := v.s.acting
	return slices.DeleteFunc(list, func(m projections.Match) bool {
		return m.Phase == match.Off || a.Role == match.Mentee && m.Mentee != a.Person || a.Role == match.Mentor && m.Mentor != a.Person
	}), err
}

// matched offers those matches, by whose they are; none where they are too many to
// choose from.
func (v *visit) matched() (list []Choice, err error) {
	if a := v.s.acting; a.Role != match.Mentee && a.Role != match.Mentor && v.cycle.Counts.Matches > mostChoices {
		return nil, nil
	}
	matches, err := v.recordable()
	if len(matches) > mostChoices {
		return nil, err
	}
	var options []option
	for _, m := range matches {
		words := v.name(m.Mentee) + " and " + v.name(m.Mentor) + ", " + m.Match
		switch {
		case m.Phase != match.Active:
			words += ", " + string(m.Phase)
		case m.InForceAt.IsZero():
			words += ", no agreement in force"
		}
		if held := m.Held(); len(held) > 0 { // or it is recorded twice
			last := slices.MaxFunc(held, func(a, b projections.Session) int { return a.Slot.Start.Compare(b.Slot.Start) })
			met, layout := last.Slot.Start.In(v.zone), "2 Jan 2006"
			if met.Year() == v.now.In(v.zone).Year() {
				layout = "2 Jan"
			}
			words += ", last met " + met.Format(layout)
		}
		options = append(options, option{m.Match, words, false})
	}
	sortByText(options)
	for _, o := range options {
		list = append(list, Choice{o.Value, o.Text})
	}
	return list, err
}

// each visits the events of all streams of a kind, until visit has enough.
func (s *Server) each(ctx context.Context, kind string, visit func(stream string, event any) (more bool)) error {
	for r, err := range s.store.ReadAll(ctx, eventstore.ReadAll{Prefixes: []string{kind}}) {
		if err != nil {
			return err
		}
		event, err := schema.Decode(r.Name, r.Data)
		if err != nil {
			return err
		}
		if !visit(r.Stream, event) {
			return nil
		}
	}
	return nil
}

// registered offers everybody who is registered and can be named, by name and
// handle.
func (s *Server) registered(ctx context.Context) (options []option, err error) {
	handles := map[string]string{} // in brackets, by stream
	called := s.people(ctx)
	err = s.each(ctx, person.ID{}.Stream(), func(stream string, event any) bool {
		switch e := event.(type) {
		case person.Registered:
			if len(options) > mostPeople { // too many to choose from
				return false
			}
			if handle := called.written(e.Handle); handle != Withheld {
				handles[stream] = " (" + handle + ")"
			}
			if name := called.written(e.Name); name != Erased {
				options = append(options, option{string(e.Person), name + handles[stream], false})
			}
		case person.NameSet:
			i := slices.IndexFunc(options, func(o option) bool { return o.Value == string(person.Of(stream)) })
			if i >= 0 {
				options[i].Text = called.written(e.Name) + handles[stream]
			}
		}
		return true
	})
	sortByText(options)
	return options, err
}
