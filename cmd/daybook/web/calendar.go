package web

import (
	"net/http"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/projections"
	"github.com/daybook-engine/daybook/projections/calendar"
)

const calendarPath = "/calendar.ics"

// serveCalendar answers with no page, but with a file for people's own
// calendars: the sessions of a cycle, or of one match or person of it. It has
// the names that pages have, and no more.
func (s *Server) serveCalendar(w http.ResponseWriter, r *http.Request) error {
	v, err := s.visit(r, r.PathValue("cycle"), "match", "person")
	if err != nil {
		return err
	}
	defer v.close()
	file, matches := v.cycle.Cycle, []projections.Match(nil)
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
	}
	c := calendar.Calendar{Store: s.store.ID(), Cycle: v.cycle, For: domain.Person(v.own.Get("person")), Name: v.name}
	document, _, err := c.Document(matches)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", calendar.Type)
	w.Header().Set("Content-Disposition", `attachment; filename="`+file+`.ics"`)
	_, _ = w.Write(document) // fails when the reader has gone
	return nil
}
