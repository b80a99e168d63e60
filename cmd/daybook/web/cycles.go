package web

import (
	"net/http"
	"net/url"

	"github.com/daybook-engine/daybook/projections"
)

// cyclesPage lists the cycles.
type cyclesPage struct {
	frame
	Cycles []cycleLine
	Pages  pager
	Can    []stepLine
	Begin  *beginPart
	Begun  begun
}

// begun is what is done already of what a first cycle takes.
type begun struct{ Organisation, Definition, Quota bool }

type cycleLine struct {
	Name         link
	Phase        string
	Dates        string
	Deadline     string
	Applications string
	Places       string
	Matches      string
}

func (s *Server) showCycles(w http.ResponseWriter, r *http.Request) error {
	list, err := s.views.Cycles(r.Context())
	if err != nil {
		return err
	}
	v, err := s.beside(r, "")
	if err != nil {
		return err
	}
	p := cyclesPage{frame: v.plainFrame("Cycles", "")}
	p.Sheets = sheets("/", nil)
	p.Can, err = v.can(Offer{Known: url.Values{}, Commands: []string{
		"person.register", "name.set", "email.set", "language.set", "organisation.register", "membership.record", "mentor.join", "definition.publish", "quota.set", "cycle.plan",
	}})
	if err != nil {
		return err
	}
	if p.Begin, err = s.beginPart(r.Context()); err != nil {
		return err
	}
	v.own.Set("page", v.query.Get("page"))
	v.whole = v.query.Has("as")
	from, to, pages := v.paged(len(list))
	p.Pages = pages
	for i, c := range list {
		p.Rehearsal = rehearsalOf(p.Rehearsal, c)
		if from <= i && i < to {
			p.Cycles = append(p.Cycles, cycleLineOf(c))
		}
	}
	if len(list) == 0 {
		for name, done := range map[string]*bool{"organisation.registered": &p.Begun.Organisation, "definition.published": &p.Begun.Definition, "quota.set": &p.Begun.Quota} {
			rows, err := s.views.History(r.Context(), projections.HistoryFilter{Name: name, Limit: 1})
			if err != nil {
				return err
			}
			*done = len(rows) > 0
		}
	}
	return s.render(w, http.StatusOK, "cycles", p)
}

func cycleLineOf(c projections.Cycle) cycleLine {
	l := cycleLine{
		Name: link{c.Title, "/cycles/" + url.PathEscape(c.Cycle)}, Phase: capital(c.Phase), Dates: span(c.From, c.To),
		Applications: grouping(int64(c.Counts.Submitted)), Places: grouping(int64(c.Counts.Placed)), Matches: grouping(int64(c.Counts.Matches)),
	}
	if c.Title == "" {
		l.Name.Text = c.Cycle
	}
	for _, k := range c.Calls {
		if l.Deadline != "" {
			l.Deadline += "; "
		}
		l.Deadline += deadline(k.Deadline)
	}
	return l
}

// rehearsalOf lets a cycle of a rehearsal say so of itself, also where
// nobody told the server.
func rehearsalOf(told string, c projections.Cycle) string {
	if told == "" && c.Rehearsal {
		return "of " + c.Cycle
	}
	return told
}
