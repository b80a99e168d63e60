package web

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/call"
	"github.com/daybook-engine/daybook/domain/measure"
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
	Tasks      []taskLine
	MoreTasks  link
	NoTasks    bool
	Exceptions link
	Calendar   link
	Groups     []group
	Funnel     funnel
	Season     season
	Board      placesBoard
	Places     link
	Can        []stepLine
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
	p := cyclePage{frame: v.frame(v.title(), "Dashboard"), State: capital(v.cycle.Phase), Dates: span(v.cycle.From, v.cycle.To), Calendar: link{"calendar file", v.to(calendarPath)}}
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
	for _, fill := range []func(*cyclePage) error{v.fillCan, v.fillTasks, v.fillFigures, v.fillSeason, v.fillBoard} {
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
	for _, c := range d.Calls {
		about := said(append(in, "call", c.Call)...)
		list = append(list, Offer{Known: about}, Offer{Known: about, Commands: []string{"application.submit", "permit.grant"}})
	}
	if v.cycle.ClosedAt.IsZero() {
		list = append(list, Offer{Known: said(in...), Commands: []string{"stage.schedule", "matching.propose", "match.propose", "cycle.close"}})
	}
	p.Can, err = v.can(list...)
	return err
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
