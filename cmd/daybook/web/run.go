package web

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/domain/matching"
	"github.com/daybook-engine/daybook/projections"
)

var errNoRun = domain.Missing("run_unknown", "this cycle has no run of the matching by this name")

// runPage is one run of the matching.
type runPage struct {
	frame
	Run   runBoard
	Pages pager
}

// A runBoard is what a run proposed, and what became of it. It binds nobody.
type runBoard struct {
	Title   string
	Event   link
	At      instant
	Pairs   []pairLine
	More    link // to the run's own page, where not all pairs are here
	Left    []leftLine
	Earlier []link

	Overrides []overrideLine
}

// An overrideLine is a pair that a person proposed and the run had not, and what
// the run would have come to with it.
type overrideLine struct {
	Mentee, Mentor, Why, Cost string
	Match                     link
}

type pairLine struct {
	Mentee  string
	Mentor  string
	Score   string
	Why     string
	Instead string
	Cost    string
	Match   link // that the two have
	State   string
}

// A leftLine is somebody in no pair.
type leftLine struct {
	Person string
	Side   string
	Why    string
}

func (s *Server) showRun(w http.ResponseWriter, r *http.Request) error {
	v, err := s.visit(r, r.PathValue("cycle"), "page")
	if err != nil {
		return err
	}
	defer v.close()
	runs, matches, err := v.proposed()
	if err != nil {
		return err
	}
	named := func(run projections.Run) bool { return run.Run == r.PathValue("run") }
	i := slices.IndexFunc(runs, named)
	if i < 0 {
		now, err := s.views.Runs(v.ctx, v.cycle.Cycle)
		if i = slices.IndexFunc(now, named); err == nil && i >= 0 {
			return v.then(errNoRun, "Run "+now[i].Run, "the run was made", now[i].Envelope.OccurredAt)
		}
		return cmp.Or(err, error(errNoRun))
	}
	p := runPage{frame: v.frame("Run "+runs[i].Run, "Matches")}
	from, to, pages := v.paged(len(runs[i].Result.Pairs))
	p.Pages, p.Run = pages, v.runBoard(runs[i:], from, to, matches)
	if p.Run.Overrides, err = v.overrides(runs[i]); err != nil {
		return err
	}
	return s.render(w, http.StatusOK, "run", p)
}

// proposed are the runs of the cycle, the newest first, and its matches.
func (v *visit) proposed() ([]projections.Run, []projections.Match, error) {
	runs, err := v.views.Runs(v.ctx, v.cycle.Cycle)
	if err != nil {
		return nil, nil, err
	}
	matches, err := v.views.Matches(v.ctx, v.cycle.Cycle)
	return runs, matches, err
}

// runBoard shows the first of the runs; of its pairs those from one to
// another.
func (v *visit) runBoard(runs []projections.Run, from, to int, matches []projections.Match) runBoard {
	run := runs[0]
	b := runBoard{
		Title: "Proposed by run " + run.Run + ": " + plural(len(run.Result.Pairs), "pair", "pairs") + " of " +
			plural(len(run.Input.Mentees), "mentee", "mentees") + " and " + plural(len(run.Input.Mentors), "mentor", "mentors"),
		Event: link{"the event, with all that it was made from", v.event(run.Position.String())}, At: v.instant(run.Envelope.OccurredAt),
	}
	for _, p := range run.Result.Pairs[from:to] {
		b.Pairs = append(b.Pairs, v.pairLine(run, p, matches))
	}
	for _, u := range run.Result.Unmatched {
		b.Left = append(b.Left, leftLine{v.name(u.Person), capital(u.Side), capital(u.Words())})
	}
	for _, earlier := range runs[1:] {
		b.Earlier = append(b.Earlier, v.runLink(earlier.Run, earlier))
	}
	return b
}

// overrides lists the matches that depart from a run, as they were proposed.
func (v *visit) overrides(run projections.Run) (list []overrideLine, err error) {
	if v.s.forced == nil {
		return nil, nil
	}
	rows, err := v.views.History(v.ctx, projections.HistoryFilter{Cycle: v.cycle.Cycle, Name: "match.proposed"})
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		p, ok := row.Body.(match.Proposed)
		if !ok || !p.Override || p.Run != run.Run {
			continue
		}
		cost, err := v.s.forced(v.ctx, run, p.Pair)
		if err != nil {
			return nil, err
		}
		name := match.ParseStream(row.Stream).Match
		list = append(list, overrideLine{
			v.name(p.Mentee), v.name(p.Mentor), capital(inWords(row.Envelope.Reason)), capital(cost), link{name, v.to("/matches/" + url.PathEscape(name))},
		})
	}
	return list, nil
}

func (v *visit) runLink(words string, run projections.Run) link {
	return link{words, v.to("/runs/" + url.PathEscape(run.Run))}
}

func (v *visit) pairLine(run projections.Run, p matching.Pair, matches []projections.Match) pairLine {
	l := pairLine{Mentee: v.name(p.Mentee), Mentor: v.name(p.Mentor), Score: strconv.FormatInt(p.Score, 10), Why: capital(p.Why())}
	if instead, ok := run.Instead(p.Mentee); ok {
		l.Instead, l.Cost = capital(v.name(instead.Mentor)), run.Result.Instead(instead)
	}
	for _, m := range matches {
		if m.Mentee == p.Mentee && m.Mentor == p.Mentor {
			l.Match, l.State = link{m.Match, v.to("/matches/" + url.PathEscape(m.Match))}, string(m.Phase)
		}
	}
	return l
}
