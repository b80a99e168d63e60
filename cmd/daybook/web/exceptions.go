package web

import (
	"net/http"

	"github.com/daybook-engine/daybook/projections"
)

// exceptionsPage is the register of everything that did not go by the rule,
// or set one aside.
type exceptionsPage struct {
	frame
	Kinds []kindChoice
	Lines []eventLine
	Pages pager
}

// A kindChoice leads to the exceptions of one kind.
type kindChoice struct {
	link
	Count  string
	Chosen bool
}

func (s *Server) showExceptions(w http.ResponseWriter, r *http.Request) error {
	v, err := s.visit(r, r.PathValue("cycle"), "page", "kind")
	if err != nil {
		return err
	}
	defer v.close()
	list, err := v.views.Exceptions(v.ctx, v.cycle.Cycle)
	if err != nil {
		return err
	}
	p := exceptionsPage{frame: v.frame("Exceptions", "Exceptions")}
	chosen := v.own.Get("kind")
	counts := map[string]int64{}
	var order []string
	var shown []projections.Exception
	for _, x := range list {
		is := chosen == ""
		for _, kind := range x.Kinds {
			if counts[kind] == 0 {
				order = append(order, kind)
			}
			counts[kind]++
			is = is || kind == chosen
		}
		if is {
			shown = append(shown, x)
		}
	}
	for _, kind := range order {
		p.Kinds = append(p.Kinds, kindChoice{link{capital(inWords(kind)), v.to("/exceptions", "kind", kind)}, grouping(counts[kind]), kind == chosen})
	}
	if chosen != "" {
		p.Kinds = append(p.Kinds, kindChoice{link{"All kinds", v.to("/exceptions")}, grouping(int64(len(list))), false})
	}
	from, to, pages := v.paged(len(shown))
	p.Pages = pages
	for _, x := range shown[from:to] {
		l := v.eventLine(x.HistoryRow)
		l.Marks = nil // the kinds say it
		for _, kind := range x.Kinds {
			l.Marks = append(l.Marks, inWords(kind))
		}
		p.Lines = append(p.Lines, l)
	}
	return s.render(w, http.StatusOK, "exceptions", p)
}
