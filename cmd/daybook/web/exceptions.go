package web

import (
	"cmp"
	"net/http"
	"slices"

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
	if len(list) > 0 {
		p.Kinds = append(p.Kinds, kindChoice{link{"All, some of several kinds", v.to("/exceptions")}, grouping(int64(len(list))), chosen == ""})
	}
	for _, kind := range order {
		p.Kinds = append(p.Kinds, kindChoice{link{capital(kindWords(kind)), v.to("/exceptions", "kind", kind)}, grouping(counts[kind]), kind == chosen})
	}
	// After a spreadsheet was brought in, all the others would be lost among them.
	slices.SortStableFunc(shown, func(a, b projections.Exception) int { return cmp.Compare(onlyLate(a), onlyLate(b)) })
	from, to, pages := v.paged(len(shown))
	p.Pages = pages
	for _, x := range shown[from:to] {
		l := v.eventLine(x.HistoryRow)
		l.Marks = nil // the kinds say it
		for _, kind := range x.Kinds {
			l.Marks = append(l.Marks, kindWords(kind))
		}
		p.Lines = append(p.Lines, l)
	}
	if v.whole {
		return s.render(w, http.StatusOK, "events", eventsPage{p.frame, p.Lines})
	}
	return s.render(w, http.StatusOK, "exceptions", p)
}

// onlyLate is 1 for what is an exception in that it was recorded late, and in
// nothing else.
func onlyLate(x projections.Exception) int {
	if len(x.Kinds) == 1 && x.Kinds[0] == "late_entry" {
		return 1
	}
	return 0
}

// kindWords says in which way something is an exception.
func kindWords(kind string) string {
	words := map[string]string{
		"extension": "deadline extended", "moved": "moved to another definition", "permit": "late permit", "kept": "kept on", "late": "late by permit", "late_entry": "recorded late",
		"nonconforming": "does not conform", "authority": "by authority", "calendar": "counted past the calendar",
		"parked": "a policy stands still", "skipped": "not answered", "repaired": "done in a policy’s stead",
	}[kind]
	return cmp.Or(words, inWords(kind))
}
