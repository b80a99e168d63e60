package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/call"
	"github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/domain/measure"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/when"
	"github.com/daybook-engine/daybook/projections"
)

// cyclePage is the dashboard: what presses first, then how the cycle stands.
type cyclePage struct {
	frame
	State      string
	Calls      []callLine
	Dates      string
	Versions   []versionLine // where it moved from one to another
	Stages     []stageLine
	Gatherings []gatheringLine
	Tasks      []taskLine
	MoreTasks  link
	NoTasks    bool
	Exceptions link
	Imports    link
	Calendar   link
	Compare    link
	Sessions   link
	Groups     []group
	Funnel     funnel
	Season     season
	Board      placesBoard
	Places     link
	Often      []stepLine // what is done most often
	Can        []stepLine
	Tour       link
}

// A callLine is a call and its deadline.
type callLine struct {
	Call    string
	State   string
	Told    string // the deadline, as published
	UTC     string
	Left    string
	Earlier []string // deadlines that were extended
}

// A versionLine is a version of the definition that the cycle went by.
type versionLine struct {
	Since instant
	Hash  string
	Why   string
}

// A gatheringLine is a training day, a supervision group, an event.
type gatheringLine struct {
	Title   string
	Stage   string
	When    instant
	How     string
	Present string
	Can     []stepLine
}

type stageLine struct{ Stage, When, Note string }

// How much of the queue and of the places the dashboard shows.
const (
	pressing   = 5
	mostPlaces = 20
)

func (s *Server) showCycle(w http.ResponseWriter, r *http.Request) error {
	v, err := s.visit(r, r.PathValue("cycle"))
	if err != nil {
		return err
	}
	defer v.close()
	p := cyclePage{frame: v.frame(v.title(), "Dashboard"), State: capital(v.cycle.Phase), Dates: span(v.cycle.From, v.cycle.To), Calendar: link{"calendar file", v.to(calendarPath)},
		Compare: link{"Compare them with another cycle, or another date", "/cycles/" + url.PathEscape(v.cycle.Cycle) + "/compare"}, Sessions: link{"table", v.to("/sessions")}}
	for _, c := range v.cycle.Calls {
		p.Calls = append(p.Calls, v.callLine(c))
	}
	if len(v.cycle.Versions) > 1 {
		for _, x := range v.cycle.Versions {
			p.Versions = append(p.Versions, versionLine{v.instant(x.Since), short(string(x.Definition)), inWords(x.Reason)})
		}
	}
	for _, x := range v.cycle.Stages {
		l := stageLine{Stage: capital(inWords(x.Stage)), When: span(x.From, x.To), Note: x.Published}
		p.Stages = append(p.Stages, l)
	}
	if s.tour != nil && s.tour.Cycle == v.cycle.Cycle {
		p.Tour = link{"Take the tour of this season", "/cycles/" + url.PathEscape(v.cycle.Cycle) + "/tour"}
	}
	for _, fill := range []func(*cyclePage) error{v.fillCan, v.fillTasks, v.fillFigures, v.fillSeason, v.fillGatherings, v.fillBoard} {
		if err := fill(&p); err != nil {
			return err
		}
	}
	return s.render(w, http.StatusOK, "cycle", p)
}

func (v *visit) callLine(c projections.Call) callLine {
	l := callLine{Call: "Call for " + inWords(c.Call), State: "closed", Told: deadline(c.Deadline), UTC: v.instant(c.Deadline.Instant).UTC}
	if c.Open {
		l.State = "open"
		l.Left = left(c.Deadline.Instant, v.now)
	}
	for i, d := range c.Earlier {
		if next := append(c.Earlier, c.Deadline)[i+1]; !(call.DeadlineExtended{Was: d, Now: next}).OnlyWorded() {
			l.Earlier = append(l.Earlier, deadline(d))
		}
	}
	return l
}

// fillCan offers what is about the cycle and its calls, and what begins
// something in them.
func (v *visit) fillCan(p *cyclePage) error {
	if v.s.acting == nil {
		return nil
	}
	d, err := v.views.Definition(v.ctx, v.cycle.VersionAt(v.now))
	if err != nil && !errors.Is(err, domain.NotFound) {
		return err
	}
	in := []string{"cycle", v.cycle.Cycle}
	var list []Offer
	often := v.cycle.Counts.Matches > 0 && v.cycle.ClosedAt.IsZero()
	if a := v.s.acting; often && (a.Role == match.Mentee || a.Role == match.Mentor) {
		own, err := v.recordable()
		if err != nil {
			return err
		}
		often = len(own) > 0
	}
	if often {
		list = append(list, Offer{Known: said(in...), Commands: []string{"session.hold"}})
	}
	for _, c := range d.Calls {
		about := said(append(in, "call", c.Call)...)
		list = append(list, Offer{Known: about}, Offer{Known: about, Commands: []string{"application.submit", "draft.start", "permit.grant"}})
	}
	if v.cycle.ClosedAt.IsZero() {
		list = append(list, Offer{Known: said(in...), Commands: []string{"stage.schedule", "gathering.announce", "matching.propose", "match.propose", "cycle.close"}})
	}
	limits, err := v.limits(d)
	if err != nil {
		return err
	}
	found, err := v.offers(append(list, limits...)...)
	if err != nil {
		return err
	}
	if often {
		p.Often, found = found[0], found[1:]
	}
	p.Can = slices.Concat(found...)
	plan, err := v.can(Offer{Known: url.Values{}, Commands: []string{"cycle.plan"}})
	if len(plan) > 0 {
		p.Can = append(p.Can, stepLine{Words: "Plan another season like this one", Href: "/cycles/" + url.PathEscape(v.cycle.Cycle) + "/again"})
	}
	if v.s.importing() != nil && v.at.at.IsZero() && !v.whole {
		p.Can = append(p.Can, stepLine{Words: "Bring a spreadsheet in", Href: v.to("/imports")})
	}
	return err
}

// limits offers to set the limits that the definition has and nobody has set,
// and any other. One for a role or a nation is no limit of all places.
func (v *visit) limits(d programme.Definition) (list []Offer, err error) {
	if !v.cycle.ClosedAt.IsZero() {
		return nil, nil
	}
	board, err := v.views.Places(v.ctx, v.cycle.Cycle)
	offer := func(known ...string) {
		known = append(known, "programme", v.cycle.Programme)
		list = append(list, Offer{Known: said(known...), Commands: []string{"quota.set"}})
	}
	for _, q := range d.Quotas {
		set := func(u projections.QuotaUse) bool { return u.Quota == q.Quota }
		if q.Role == "" && q.Nation == "" && !slices.ContainsFunc(board.Quotas, set) {
			offer("quota", q.Quota, "per", q.Per, "limit", strconv.Itoa(q.Limit))
		}
	}
	offer()
	return list, err
}

func (v *visit) fillTasks(p *cyclePage) error {
	people, clock, err := v.tasks()
	if err != nil {
		return err
	}
	p.Tasks = v.taskLines(people[:min(len(people), pressing)])
	if err := v.offerTasks(p.Tasks, people[:len(p.Tasks)]); err != nil {
		return err
	}
	p.NoTasks = len(people) == 0
	p.MoreTasks = link{"The whole queue: " + strconv.Itoa(len(people)) + " for people, " + strconv.Itoa(len(clock)) + " for the clock", v.to("/queue")}
	exceptions, err := v.views.Exceptions(v.ctx, v.cycle.Cycle)
	if err != nil {
		return err
	}
	p.Imports = link{"Spreadsheets brought in", v.to("/imports")}
	p.Exceptions = link{plural(len(exceptions), "exception", "exceptions"), v.to("/exceptions")}
	return nil
}

func (v *visit) fillFigures(p *cyclePage) error {
	list, err := v.views.Figures(v.ctx, v.cycle.Cycle)
	if err != nil {
		return err
	}
	var figures []figure
	byName := map[string]figure{}
	for _, f := range list {
		m, ok := measure.Find(f.Measure)
		if !ok {
			continue
		}
		x := figureOf(m, f.Value, v.to("/figures/"+f.Measure))
		if f.Changed() {
			x.Sealed = grouping(*f.Sealed)
		}
		figures, byName[f.Measure] = append(figures, x), x
	}
	p.Groups = grouped(figures)
	stages, err := v.views.Funnel(v.ctx, v.cycle.Cycle)
	p.Funnel = v.funnelOf(stages, byName)
	return err
}

func (v *visit) fillSeason(p *cyclePage) error {
	s, err := v.views.Season(v.ctx, v.cycle.Cycle)
	p.Season = seasonOf(happenings(s, v.zone), v.now, v.zone)
	for i, l := range p.Season.Lanes {
		if len(l.leads) > 0 {
			p.Season.Lanes[i].Count.Href = v.to(l.leads[0], l.leads[1:]...)
		}
	}
	return err
}

func (v *visit) fillGatherings(p *cyclePage) error {
	list, err := v.views.Gatherings(v.ctx, v.cycle.Cycle)
	if err != nil {
		return err
	}
	for _, g := range list {
		location, err := when.Zone(g.Slot.Zone)
		if err != nil {
			return err
		}
		l := gatheringLine{
			Title: g.Title, Stage: capital(inWords(g.Stage)), When: instantIn(g.Slot.Start, location),
			How: inWords(g.Slot.Mode) + ", " + plural(g.Slot.Minutes, "minute", "minutes"), Present: "not recorded yet",
		}
		switch {
		case len(g.Attendance) > 0:
			l.Present = strconv.Itoa(g.Present())
		case g.Cancelled:
			l.Present = "called off"
		}
		if l.Can, err = v.can(Offer{Known: said("cycle", g.Cycle, "gathering", g.Gathering)}, Offer{
			Known: said("cycle", g.Cycle, "gathering", g.Gathering), Commands: []string{"attendance.record"},
		}); err != nil {
			return err
		}
		p.Gatherings = append(p.Gatherings, l)
	}
	return nil
}

func (v *visit) fillBoard(p *cyclePage) error {
	board, err := v.views.Places(v.ctx, v.cycle.Cycle)
	p.Places = link{"The places board", v.to("/places")}
	if more := len(board.Places) - mostPlaces; more > 0 {
		board.Places = board.Places[:mostPlaces]
		p.Places.Text += " has " + strconv.Itoa(more) + " more"
	}
	p.Board = v.placesBoard(board)
	return err
}
