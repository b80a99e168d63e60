package web

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/person"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/projections"
	"github.com/daybook-engine/daybook/projections/calendar"
)

const calendarPath = "/calendar.ics"

var errNobody = domain.Missing("person_unknown", "nobody has this id")

// serveCalendar answers with no page, but with a file for people's own
// calendars: the sessions of a cycle, or of one match or person of it. It has
// the names that pages have, and no more.
func (s *Server) serveCalendar(w http.ResponseWriter, r *http.Request) error {
	v, err := s.visit(r, r.PathValue("cycle"), "match", "person")
	if err != nil {
		return err
	}
	defer v.close()
	file, matches, gatherings := v.cycle.Cycle, []projections.Match(nil), []projections.Gathering(nil)
	if name := v.own.Get("match"); name != "" {
		m, err := s.views.Match(v.ctx, v.cycle.Cycle, name)
		if err != nil {
			return err
		}
		proposed := m.ProposedAt
		if m, err = v.views.Match(v.ctx, v.cycle.Cycle, name); err != nil {
			return v.then(err, "Match "+name, "the match was proposed", proposed)
		}
		file, matches = file+"-"+m.Match, []projections.Match{m}
	} else if matches, err = v.views.Matches(v.ctx, v.cycle.Cycle); err != nil {
		return err
	} else if gatherings, err = v.views.Gatherings(v.ctx, v.cycle.Cycle); err != nil {
		return err
	}
	c := calendar.Calendar{Store: s.store.ID(), Cycle: v.cycle, For: domain.Person(v.own.Get("person")), Name: v.name}
	document, _, err := c.Document(matches, gatherings)
	if err != nil {
		return err
	}
	give(w, file, document)
	return nil
}

// servePersonal is a feed for one person's own calendar: the sessions of all her
// cycles, as they now stand.
func (s *Server) servePersonal(w http.ResponseWriter, r *http.Request) error {
	ctx, who := r.Context(), domain.Person(r.PathValue("person"))
	for _, err := range s.store.ReadStream(ctx, person.ID{Person: who}.Stream(), eventstore.ReadStream{Limit: 1}) {
		if errors.Is(err, eventstore.ErrStreamNotFound) {
			return errNobody
		} else if err != nil {
			return err
		}
	}
	cycles, err := s.views.Cycles(ctx)
	if err != nil {
		return err
	}
	seasons := make([]calendar.Season, len(cycles))
	for i, c := range cycles {
		matches, err := s.views.Matches(ctx, c.Cycle)
		if err != nil {
			return err
		}
		gatherings, err := s.views.Gatherings(ctx, c.Cycle)
		if err != nil {
			return err
		}
		seasons[i] = calendar.Season{Cycle: c, Matches: matches, Gatherings: gatherings}
	}
	c := calendar.Calendar{Store: s.store.ID(), For: who, Name: s.people(ctx).name}
	document, _, err := c.Personal(seasons)
	if err != nil {
		return err
	}
	give(w, string(who), document)
	return nil
}

func give(w http.ResponseWriter, file string, document []byte) {
	w.Header().Set("Content-Type", calendar.Type)
	w.Header().Set("Content-Disposition", `attachment; filename="`+file+`.ics"`)
	_, _ = w.Write(document) // fails when the reader has gone
}

// feed leads to a person's own calendar.
func feed(who domain.Person) string { return "/people/" + url.PathEscape(string(who)) + calendarPath }
