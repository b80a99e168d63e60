package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/daybook-engine/daybook/projections"
)

// applicationsPage lists a cycle's applications.
type applicationsPage struct {
	frame
	States []tally // how many are in each state
	Lines  []applicationLine
	Pages  pager
}

// A tally is a count with its words.
type tally struct{ Words, Count string }

type applicationLine struct {
	Person   link
	Call     string
	State    string
	Received instant
	Late     bool
	Reviews  string
	Refused  string // attempts to submit
}

const linesPerPage = 100

func (s *Server) showApplications(w http.ResponseWriter, r *http.Request) error {
	v, err := s.visit(r, r.PathValue("cycle"), "page")
	if err != nil {
		return err
	}
	defer v.close()
	list, err := v.views.Applications(v.ctx, v.cycle.Cycle)
	if err != nil {
		return err
	}
	p := applicationsPage{frame: v.frame("Applications", "Applications")}
	p.States = tallies(list, projections.Application.State)
	from, to, pages := v.paged(len(list))
	p.Pages = pages
	for _, a := range list[from:to] {
		p.Lines = append(p.Lines, v.applicationLine(a))
	}
	return s.render(w, http.StatusOK, "applications", p)
}

func (v *visit) applicationLine(a projections.Application) applicationLine {
	recorded := 0
	for _, r := range a.Reviews {
		if r.Counts() {
			recorded++
		}
	}
	l := applicationLine{
		Person: link{v.name(a.Person), v.href("/applications/" + url.PathEscape(a.Key))}, Call: a.Call,
		State: capital(a.State()), Received: v.instant(a.ReceivedAt), Late: a.Late,
	}
	if recorded > 0 {
		l.Reviews = plural(recorded, "review", "reviews")
	}
	if n := len(a.Refusals); n > 0 {
		l.Refused = plural(n, "refused attempt", "refused attempts")
	}
	return l
}

// tallies counts by a word, in the order in which the words first come.
func tallies[T any](list []T, word func(T) string) []tally {
	var order []string
	counts := map[string]int64{}
	for _, t := range list {
		w := word(t)
		if counts[w] == 0 {
			order = append(order, w)
		}
		counts[w]++
	}
	out := make([]tally, len(order))
	for i, w := range order {
		out[i] = tally{capital(strings.TrimSpace(w)), grouping(counts[w])}
	}
	return out
}
