package main

import (
	"slices"

	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/projections"
	"github.com/daybook-engine/daybook/workflows/definition"
)

// walk lays one application's way over a definition's stages: from where it
// began as far as it is known to have come.
func walk(path *definition.Path, d programme.Definition, course projections.Course, matches []projections.Match) {
	at := slices.IndexFunc(d.Stages, func(s programme.Stage) bool {
		return s.Kind == "call" && (s.Call == "" || s.Call == course.Call)
	})
	if at < 0 {
		return // of a call that the definition draws no stage for
	}
	known := map[string]string{"shortlisted": yes(course.Reached, projections.Shortlisted), "selected": yes(course.Reached, projections.Selected)}
	if call, ok := d.Call(course.Call); ok {
		known["role"] = call.Role
	}
	from := ""
	for range d.Stages { // which is as far as anybody goes without going round
		s := d.Stages[at]
		path.Edges[definition.Edge{From: from, To: s.Stage}]++
		if !passed(d.Stages[at:], course, matches) {
			if gone(course, matches) {
				path.Left[s.Stage]++
			}
			return
		}
		ways := d.After(at)
		i := slices.IndexFunc(ways, func(n programme.Next) bool { return n.When.Holds(known) })
		if i < 0 {
			return
		}
		if from = s.Stage; ways[i].Stage == programme.Closed {
			path.Edges[definition.Edge{From: from, To: programme.Closed}]++
			return
		}
		at = slices.IndexFunc(d.Stages, func(next programme.Stage) bool { return next.Stage == ways[i].Stage })
	}
}

func yes(reached []string, stage string) string {
	if slices.Contains(reached, stage) {
		return "yes"
	}
	return "no"
}

// passed tells whether an application came beyond the first of these stages;
// where nothing is recorded of that, beyond one that follows, and at last by
// being complete.
func passed(stages []programme.Stage, course projections.Course, matches []projections.Match) bool {
	milestones := map[string]string{
		"call": projections.Submitted, "screening": projections.Eligible, "shortlist": projections.Shortlisted, "selection": projections.Selected,
		"offers": projections.Accepted, "matching": projections.Matched, "sessions": projections.Completed,
	}
	for _, s := range stages {
		switch milestone, ok := milestones[s.Kind]; {
		case ok:
			return slices.Contains(course.Reached, milestone)
		case s.Kind == "review":
			return slices.ContainsFunc(course.Reviews, projections.Review.Counts)
		case s.Kind == "agreement":
			return slices.ContainsFunc(matches, func(m projections.Match) bool { return m.Mentee == course.Person && !m.InForceAt.IsZero() })
		}
	}
	return slices.Contains(course.Reached, projections.Completed)
}

// gone tells whether an application, or what came of it, is over.
func gone(course projections.Course, matches []projections.Match) bool {
	switch course.Phase {
	case application.Expired, application.Withdrew, application.Ineligible, application.NotListed, application.Rejected, application.TurnedDown, application.Lapsed:
		return true
	case application.InReserve:
		return !course.Released.IsZero()
	}
	last := slices.IndexFunc(matches, func(m projections.Match) bool { return m.Mentee == course.Person && !m.Phase.Over() })
	return last < 0 && slices.ContainsFunc(matches, func(m projections.Match) bool { return m.Mentee == course.Person && !m.MadeAt.IsZero() })
}
