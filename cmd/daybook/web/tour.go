package web

import (
	"net/http"
	"net/url"
	"time"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/projections"
)

// A Tour leads through a season that was played to be shown. What it says is
// asked of the book when the page is made; what would change the book was tried
// on copies of it.
type Tour struct {
	Cycle string
	// Trials gives what was tried; ok is false until all of it was.
	Trials func() (t Trials, ok bool)
}

// Trials are what was tried on copies of a book that is shown. Why says why
// there are none.
type Trials struct {
	Why string

	Altered projections.Counted // the shortest session, of which one byte was altered
	Was, Is string              // around the byte
	Found   string              // what the check of that copy said

	Pack    int // bytes
	Figures int // that it proves, before and after
	Erased  domain.Person
	Texts   int
}

// tourPage is the tour.
type tourPage struct {
	frame
	ID       string // of the cycle
	Sessions link
	Held     []countedLine
	Late     countedLine
	Day      string
	Clocks   []clockLine
	Refused  []eventLine
	Quotas   []quotaLine
	Places   link
	Over     bool
	Tried    bool
	Trials   Trials
	Altered  countedLine
	Erased   string
	Imports  link
}

// A clockLine is a figure as one of the clocks has it.
type clockLine struct {
	Clock string
	Value link
}

func (s *Server) showTour(w http.ResponseWriter, r *http.Request) error {
	if s.tour.Cycle != r.PathValue("cycle") {
		return errNoPage
	}
	v, err := s.beside(r, s.tour.Cycle) // always of now: it looks at another moment by itself
	if err != nil {
		return err
	}
	p := tourPage{frame: v.plainFrame("A tour of this season", ""), ID: v.cycle.Cycle, Over: !v.cycle.ClosedAt.IsZero(), Places: link{"The places board", v.to("/places")}, Imports: link{"the page for spreadsheets", v.to("/imports")}}
	p.Sheets = nil
	if p.Over {
		if err := v.fillTour(&p, r); err != nil {
			return err
		}
	}
	return s.render(w, http.StatusOK, "tour", p)
}

func (v *visit) fillTour(p *tourPage, r *http.Request) error {
	const held = "sessions_held"
	x, err := v.views.Explain(v.ctx, v.cycle.Cycle, held)
	if err != nil {
		return err
	}
	p.Sessions = link{counting(x.Value, x.Measure.Unit) + " held", v.to("/figures/" + held)}
	for _, e := range x.Events {
		p.Held = append(p.Held, v.countedLine(e))
	}
	if err := v.fillLate(p, r, x); err != nil {
		return err
	}
	rows, err := v.views.History(v.ctx, projections.HistoryFilter{Cycle: v.cycle.Cycle, Name: "place.refused"})
	if err != nil {
		return err
	}
	p.Refused = v.eventLines(rows)
	board, err := v.views.Places(v.ctx, v.cycle.Cycle)
	if err != nil {
		return err
	}
	p.Quotas = v.placesBoard(board).Quotas
	if p.Trials, p.Tried = v.s.tour.Trials(); p.Trials.Found != "" {
		p.Altered, p.Erased = v.countedLine(p.Trials.Altered), v.name(p.Trials.Erased)
	}
	return nil
}

func counting(n int64, unit string) string { return grouping(n) + " " + projections.Units(n, unit) }

// fillLate finds an event that was recorded in a later month than it happened
// in, and what each clock says of the figure at the end of the month before.
func (v *visit) fillLate(p *tourPage, r *http.Request, x projections.Explanation) error {
	for _, e := range x.Events {
		written := e.Envelope.RecordedAt.In(v.zone)
		month := time.Date(written.Year(), written.Month(), 1, 0, 0, 0, 0, v.zone)
		if !e.Envelope.OccurredAt.Before(month) {
			continue
		}
		day := month.AddDate(0, 0, -1)
		p.Late, p.Day = v.countedLine(e), day.Format("2 January 2006")
		for _, clock := range [][2]string{{"recorded", "As then known"}, {"occurred", "As we now know it was"}} {
			query := url.Values{"at": {day.Format(time.DateOnly)}, "clock": {clock[0]}}
			value, err := v.valueAt(r, query, x.Measure.Measure)
			if err != nil {
				return err
			}
			p.Clocks = append(p.Clocks, clockLine{clock[1], link{counting(value, x.Measure.Unit), "/cycles/" + url.PathEscape(v.cycle.Cycle) + "?" + query.Encode()}})
		}
		return nil
	}
	return nil
}

// valueAt is a figure at another moment, as its page there has it.
func (v *visit) valueAt(r *http.Request, query url.Values, measure string) (int64, error) {
	then, err := v.s.visit(at(r, query), v.cycle.Cycle)
	if err != nil {
		return 0, err
	}
	defer then.close()
	x, err := then.views.Explain(v.ctx, v.cycle.Cycle, measure)
	return x.Value, err
}
