package web

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/daybook-engine/daybook/domain/measure"
	"github.com/daybook-engine/daybook/projections"
)

// comparePage puts the figures of a cycle beside those of another one, or of
// another date of the same.
type comparePage struct {
	frame
	faulty
	Action  string
	Cycles  []option
	At      string // the two dates, "" for now
	Then    string
	Ready   []link // comparisons that are often wanted
	Sides   []link // what is compared: none, or the one before and the other
	Between link   // to what was recorded from the one to the other
	Figures []compared
	Funnel  []comparedStep
	Height  int // of the funnel's picture
	Says    string
}

// A compared line is one number on both sides.
type compared struct {
	Words  string
	Values []link
	More   string // of the latter, with its sign
}

type comparedStep struct {
	compared
	LabelY int
	Bars   []bar
}

type bar struct{ Y, Width int }

// A side of a comparison.
type side struct {
	title   string
	when    string
	home    string
	at      time.Time // zero: now
	asked   string    // in the address
	upTo    string    // the last event that was recorded by then
	figures []figure
	values  []int64
	funnel  projections.Funnel
	steps   []step
}

// showCompare renders a comparison. The cycle of the path, at the moment asked
// for, is the latter side, unless two dates of it are compared the other way
// round.
func (s *Server) showCompare(w http.ResponseWriter, r *http.Request) error {
	v, err := s.visit(unmoved(r), r.PathValue("cycle"), "with", "then")
	if err != nil {
		return err
	}
	defer v.close()
	q := r.URL.Query()
	at, then, with := q.Get("at"), q.Get("then"), cmp.Or(q.Get("with"), v.cycle.Cycle)
	p := comparePage{frame: v.frame("Compare", "Dashboard"), Action: v.path, At: at, Then: then}
	p.Moment = moment{} // this page has a form of its own for that
	p.Sheets = sheets(v.path, q)
	cycles, err := s.views.Cycles(v.ctx)
	if err != nil {
		return err
	}
	if len(cycles) > mostChoices {
		cycles = slices.DeleteFunc(cycles, func(c projections.Cycle) bool { return c.Programme != v.cycle.Programme && c.Cycle != with })
	}
	cycles = cycles[:min(len(cycles), mostChoices)]
	chosen, unasked := with, !q.Has("with") && then == "" && at == ""
	if other := slices.IndexFunc(cycles, func(c projections.Cycle) bool { return c.Cycle != with }); unasked && other >= 0 {
		chosen = cycles[other].Cycle
	}
	for _, c := range cycles {
		p.Cycles = append(p.Cycles, option{c.Cycle, cycleLineOf(c).Name.Text, c.Cycle == chosen})
		if c.Cycle != v.cycle.Cycle && c.Programme == v.cycle.Programme {
			p.Ready = append(p.Ready, link{"With " + cycleLineOf(c).Name.Text, href(v.path, nil, "with", c.Cycle)})
		}
	}
	for _, ago := range []struct {
		words string
		days  int
	}{{"With a week ago", 7}, {"With a month ago", 30}} {
		if day := v.now.In(v.zone).AddDate(0, 0, -ago.days); v.cycle.ClosedAt.IsZero() && day.After(v.cycle.PlannedAt) {
			p.Ready = append(p.Ready, link{ago.words, href(v.path, nil, "then", day.Format(time.DateOnly))})
		}
	}
	if unasked {
		return s.render(w, http.StatusOK, "compare", p)
	}
	if with == v.cycle.Cycle && then == at {
		p.faulty = faulty{Verdict: "There is nothing to compare", Faults: []faultLine{{"Choose another cycle, or two dates of this one: a comparison of a thing with itself shows nothing", "#c-with"}}}
		return s.render(w, http.StatusBadRequest, "compare", p)
	}
	sides := make([]side, 2)
	for i, x := range [][2]string{{with, then}, {v.cycle.Cycle, at}} { // one after the other: a moment holds one of the few replays
		sides[i], err = s.side(r, x[0], x[1])
		if then := (*notThen)(nil); errors.As(err, &then) {
			p.faulty = faulty{Verdict: "There is nothing to compare", Faults: []faultLine{{then.page.Title + " is not there on that day: " + then.page.Began + " on " + then.page.At.Local, "#" + []string{"c-then", "c-at"}[i]}}}
			return s.render(w, http.StatusOK, "compare", p)
		} else if err != nil {
			return err
		}
	}
	if with == v.cycle.Cycle {
		if !sides[1].at.IsZero() && (sides[0].at.IsZero() || sides[0].at.After(sides[1].at)) {
			slices.Reverse(sides)
		}
		p.Between = link{"What was recorded between the two", v.to("/history", "since", sides[0].upTo, "at", sides[1].asked)}
	}
	p.fill(sides, with == v.cycle.Cycle)
	return s.render(w, http.StatusOK, "compare", p)
}

// unmoved is a request without the moment that it asks for.
func unmoved(r *http.Request) *http.Request {
	q := r.URL.Query()
	for _, name := range []string{"at", "day", "clock"} {
		q.Del(name)
	}
	return at(r, q)
}

func at(r *http.Request, q url.Values) *http.Request {
	other := r.Clone(r.Context())
	other.URL.RawQuery = q.Encode()
	return other
}

// side reads a cycle's figures at a moment.
func (s *Server) side(r *http.Request, cycle, moment string) (d side, err error) {
	q := url.Values{}
	if moment != "" {
		q.Set("at", moment)
	}
	v, err := s.visit(at(r, q), cycle)
	if err != nil {
		return d, err
	}
	defer v.close()
	d = side{title: v.title(), when: "now", home: v.to(""), at: v.at.at, asked: v.at.text, upTo: v.views.Position().String()}
	if !v.at.at.IsZero() {
		shown := v.at.at.In(v.zone)
		d.when = shown.Format(toTheMinute) + zoneName(shown)
		if day, err := time.Parse(time.DateOnly, moment); err == nil {
			d.when = "end of " + day.Format("2 January 2006")
		}
	}
	list, err := v.views.Figures(v.ctx, cycle)
	if err != nil {
		return d, err
	}
	byName := map[string]figure{}
	for _, f := range list {
		if m, ok := measure.Find(f.Measure); ok {
			x := figureOf(m, f.Value, v.to("/figures/"+f.Measure))
			d.figures, d.values, byName[f.Measure] = append(d.figures, x), append(d.values, f.Value), x
		}
	}
	if d.funnel, err = v.views.Funnel(v.ctx, cycle); err == nil {
		d.steps = v.funnelOf(d.funnel, byName).Steps
	}
	return d, err
}

func (p *comparePage) fill(sides []side, same bool) {
	for _, d := range sides {
		words := d.title
		if same {
			words = capital(d.when)
		} else if !d.at.IsZero() {
			words += ", " + d.when
		}
		p.Sides = append(p.Sides, link{words, d.home})
	}
	for i, is := range sides[1].figures { // every cycle has every figure
		was := sides[0].figures[i]
		p.Figures = append(p.Figures, compared{is.Words, []link{{was.Value, was.Href}, {is.Value, is.Href}}, signed(sides[1].values[i] - sides[0].values[i])})
	}
	p.drawFunnel(sides)
}

// drawFunnel puts two bars to each stage, on one scale.
func (p *comparePage) drawFunnel(sides []side) {
	most := 1
	for _, d := range sides {
		for _, s := range d.funnel.Stages {
			most = max(most, s.Count)
		}
	}
	for i, after := range sides[1].steps {
		before, y := sides[0].steps[i], i*comparedHeight
		counts := []int{sides[0].funnel.Count(after.Stage), sides[1].funnel.Count(after.Stage)}
		s := comparedStep{compared{after.Words, []link{{before.Count, before.Href}, {after.Count, after.Href}}, signed(int64(counts[1] - counts[0]))}, y + 18, nil}
		for j, n := range counts {
			s.Bars = append(s.Bars, bar{y + 24 + j*12, n * funnelWidth / most})
		}
		if p.Says != "" {
			p.Says += "; "
		}
		p.Says += after.Words + " " + strconv.Itoa(counts[0]) + " and " + strconv.Itoa(counts[1])
		p.Funnel = append(p.Funnel, s)
	}
	p.Height = len(p.Funnel) * comparedHeight
}

const comparedHeight = 58

// signed prints a difference; none is none.
func signed(n int64) string {
	switch {
	case n > 0:
		return "+" + grouping(n)
	case n < 0:
		return "−" + grouping(-n)
	}
	return "0"
}
