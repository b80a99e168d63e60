package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/daybook-engine/daybook/projections"
)

// applicationsPage lists a cycle's applications.
type applicationsPage struct {
	frame
	Chosen string  // which of them are listed, where it isn't all
	All    link    // the way back to all of them
	States []tally // how many are in each state
	Lines  []applicationLine
	Pages  pager
	Bulk   *bulkForm
}

// A tally is a count with its words.
type tally struct{ Words, Count string }

type applicationLine struct {
	Key      string
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
	v, err := s.visit(r, r.PathValue("cycle"), "page", "stage", "exit", "outcome")
	if err != nil {
		return err
	}
	defer v.close()
	all, list, err := v.courses()
	if err != nil {
		return err
	}
	p := applicationsPage{frame: v.frame("Applications", "Applications")}
	p.Chosen = v.chosenWords(len(list))
	if p.Chosen != "" {
		p.All = link{"All " + plural(len(all), "application", "applications"), v.href(v.path)}
	}
	p.States = tallies(list, projections.Course.State)
	from, to, pages := v.paged(len(list))
	p.Pages = pages
	for _, c := range list[from:to] {
		p.Lines = append(p.Lines, v.applicationLine(c.Application))
	}
	p.Bulk = v.bulking(len(list), "eligibility.confirm", "eligibility.fail", "review.assign", "application.shortlist", "application.pass_over",
		"application.select", "application.reserve", "application.decline", "place.reserve", "application.withdraw", "application.retract")
	return s.render(w, http.StatusOK, "applications", p)
}

// courses are all applications, and those that the address asks for.
func (v *visit) courses() (all, list []projections.Course, err error) {
	all, err = v.views.Courses(v.ctx, v.cycle.Cycle)
	return all, slices.DeleteFunc(slices.Clone(all), func(c projections.Course) bool { return !v.chose(c) }), err
}

func (v *visit) pickApplications() (picks []pick, err error) {
	_, list, err := v.courses()
	for _, c := range list {
		picks = append(picks, pick{key: c.Key, known: said("cycle", c.Cycle, "call", c.Call, "person", string(c.Person)), words: v.name(c.Person)})
	}
	return picks, err
}

// chose tells whether the address asks for an application: by a stage that it
// reached, or beyond which it did not come, or by its outcome.
func (v *visit) chose(c projections.Course) bool {
	stage, exit, outcome := v.own.Get("stage"), v.own.Get("exit"), v.own.Get("outcome")
	switch {
	case exit != "":
		return c.Last() == stage && c.Exit == exit
	case stage != "":
		return slices.Contains(c.Reached, stage)
	default:
		return outcome == "" || outcome == c.Outcome
	}
}

// chosenWords says which applications the address asks for; "" when all.
func (v *visit) chosenWords(n int) string {
	stage, exit, outcome := v.own.Get("stage"), v.own.Get("exit"), v.own.Get("outcome")
	words := plural(n, "application", "applications")
	switch {
	case exit != "":
		return words + " that came as far as “" + stageWords(stage) + "” and no further: " + exit
	case stage != "":
		return words + " that came as far as “" + stageWords(stage) + "”, or further"
	case outcome != "":
		return words + " with the outcome “" + outcome + "”"
	}
	return ""
}

func (v *visit) applicationLine(a projections.Application) applicationLine {
	recorded := 0
	for _, r := range a.Reviews {
		if r.Counts() {
			recorded++
		}
	}
	l := applicationLine{
		Key: a.Key, Person: link{v.name(a.Person), v.href("/applications/" + url.PathEscape(a.Key))}, Call: a.Call,
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
