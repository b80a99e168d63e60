package web

import (
	"context"
	"slices"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/mentor"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/eventstore"
)

// inputOf is a question as it is put on the page, offering of everybody those who
// could be meant, as far as that is known. That decides nothing: the rules answer
// for whoever is named elsewhere, and who was chosen once, stays.
func (v *visit) inputOf(q Question, f filled, everybody []option) (inputLine, error) {
	if q.Type != "person" || len(everybody) > mostPeople { // of those too many, not all are here
		return inputOf(q, f, everybody), nil
	}
	found, only, err := v.meant(f, q)
	return inputOf(q, f, slices.DeleteFunc(slices.Clone(everybody), func(o option) bool {
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
