package web

import (
	"net/http"
	"net/url"
)

// sessionsPage is every session of a cycle. Its table as a spreadsheet can be
// filled in and brought in again: what the columns are called is understood.
type sessionsPage struct {
	frame
	States []tally
	Lines  []heldLine
	Pages  pager
	Bring  link
	Bulk   *bulkForm
}

// A heldLine is a session with whose it is.
type heldLine struct {
	Key            string
	known          url.Values
	Match          link
	Mentee, Mentor string
	sessionLine
}

func (s *Server) showSessions(w http.ResponseWriter, r *http.Request) error {
	v, err := s.visit(r, r.PathValue("cycle"), "page")
	if err != nil {
		return err
	}
	defer v.close()
	p := sessionsPage{frame: v.frame("Sessions", "")}
	if p.Lines, err = v.heldLines(); err != nil {
		return err
	}
	p.States = tallies(p.Lines, func(l heldLine) string { return l.Status })
	from, to, pages := v.paged(len(p.Lines))
	p.Bulk = v.bulking(len(p.Lines), "session.hold", "session.miss", "session.cancel")
	p.Lines, p.Pages = p.Lines[from:to], pages
	if s.importing() != nil && v.at.at.IsZero() {
		p.Bring = link{"Bring the filled-in sheet in", v.to("/imports", "kind", "sessions")}
	}
	return s.render(w, http.StatusOK, "sessions", p)
}

func (v *visit) heldLines() (lines []heldLine, err error) {
	matches, err := v.views.Matches(v.ctx, v.cycle.Cycle)
	for _, m := range matches {
		whose := heldLine{Match: link{m.Match, v.to("/matches/" + url.PathEscape(m.Match))}, Mentee: v.name(m.Mentee), Mentor: v.name(m.Mentor)}
		for _, x := range m.Sessions {
			whose.sessionLine = v.sessionLine(m, x)
			whose.Key = m.Match + "." + whose.Session
			whose.known = said("cycle", m.Cycle, "match", m.Match, "session", whose.Session, "local", x.Slot.Local, "zone", x.Slot.Zone, "mode", x.Slot.Mode)
			lines = append(lines, whose)
		}
	}
	return lines, err
}

func (v *visit) pickSessions() (picks []pick, err error) {
	lines, err := v.heldLines()
	for _, l := range lines {
		picks = append(picks, pick{key: l.Key, known: l.known, words: "match " + l.Match.Text + ", session " + l.Session})
	}
	return picks, err
}
