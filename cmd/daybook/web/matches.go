package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/projections"
)

// matchesPage is the match board.
type matchesPage struct {
	frame
	States []tally
	Lines  []matchLine
	Pages  pager
	All    link // sessions
	Weeks  weeks
	Run    *runBoard // the newest, if there is one
}

type matchLine struct {
	Match       link
	Mentee      string
	Mentor      string
	State       string
	Sessions    string
	Minutes     string
	Reflections string
	Stands      string // where it stands, where that is more than its state
	Can         []stepLine
}

func (s *Server) showMatches(w http.ResponseWriter, r *http.Request) error {
	v, err := s.visit(r, r.PathValue("cycle"), "page")
	if err != nil {
		return err
	}
	defer v.close()
	runs, list, err := v.proposed()
	if err != nil {
		return err
	}
	p := matchesPage{frame: v.frame("Matches", "Matches"), All: link{"All sessions, match by match", v.to("/sessions")}}
	p.States = tallies(list, func(m projections.Match) string { return string(m.Phase) })
	p.Weeks = v.weeksOf(list)
	from, to, pages := v.paged(len(list))
	p.Pages = pages
	var held []Offer
	for _, m := range list[from:to] {
		p.Lines = append(p.Lines, v.matchLine(m))
		held = append(held, Offer{Known: said("cycle", m.Cycle, "match", m.Match, "session", strconv.Itoa(v.toRecord(m))), Commands: []string{"session.hold"}})
	}
	found, err := v.offers(held...)
	if err != nil {
		return err
	}
	for i, lines := range found {
		p.Lines[i].Can = lines
	}
	if len(runs) > 0 {
		all := len(runs[0].Result.Pairs)
		board := v.runBoard(runs, 0, min(all, v.most()), list)
		if all > v.most() {
			board.More = v.runLink("All "+plural(all, "pair", "pairs"), runs[0])
		}
		p.Run = &board
	}
	return s.render(w, http.StatusOK, "matches", p)
}

func (v *visit) matchLine(m projections.Match) matchLine {
	l := matchLine{
		Match:  link{m.Match, v.to("/matches/" + url.PathEscape(m.Match))},
		Mentee: v.name(m.Mentee), Mentor: v.name(m.Mentor),
		Minutes: grouping(int64(m.Minutes())), Sessions: sessionCounts(m), Reflections: reflectionCounts(m),
	}
	l.State, l.Stands = standing(m)
	return l
}

// pair is a match with whose it is.
func (v *visit) pair(m projections.Match) string {
	return m.Match + ": " + v.name(m.Mentee) + " and " + v.name(m.Mentor)
}

// toRecord is the number of the session that is recorded next: of the first whose
// time has come, or of a new one.
func (v *visit) toRecord(m projections.Match) int {
	for _, s := range m.Sessions {
		if s.Status == "scheduled" && !s.Slot.Start.After(v.now) {
			return s.Session
		}
	}
	return following(m)
}

// following is the first number after those of all sessions.
func following(m projections.Match) int {
	next := 1
	for _, s := range m.Sessions { // by number
		next = s.Session + 1
	}
	return next
}

// sessionCounts counts sessions by what became of them: 2 held, 1 missed.
func sessionCounts(m projections.Match) string {
	counts := map[string]int{}
	for _, s := range m.Sessions {
		counts[s.Status]++
	}
	var words []string
	for _, status := range []string{"held", "scheduled", "cancelled", "missed"} {
		if n := counts[status]; n > 0 {
			words = append(words, strconv.Itoa(n)+" "+status)
		}
	}
	return strings.Join(words, ", ")
}

// reflectionCounts tells how many of those due were filed, by side.
func reflectionCounts(m projections.Match) string {
	var words []string
	for _, side := range []string{match.Mentee, match.Mentor} {
		if due := len(m.ReflectionsDue(side)); due > 0 {
			words = append(words, side+" "+strconv.Itoa(m.ReflectionsFiled(side))+" of "+strconv.Itoa(due))
		}
	}
	return strings.Join(words, ", ")
}
