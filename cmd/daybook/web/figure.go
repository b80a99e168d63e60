package web

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/measure"
	"github.com/daybook-engine/daybook/projections"
)

// figurePage explains a figure: what it says, by which rule, and from which
// events.
type figurePage struct {
	frame
	Figure      figure
	Unit        string
	Version     string
	Scope       string
	Position    string
	Rule        []string // the definition in sentences
	Data        string   // the same as data, which everybody who evaluates it uses
	Sealed      string   // what it said when the cycle closed, where that was sealed
	SealedAfter string   // id of the last event that it saw then, where that is not the closing
	Closing     instant  // of the cycle, where that is
	ClosingHref string
	Events      []countedLine
	Removed     []removedLine
	Gone        string // how many those are, where it is more than are listed
	Count       string
	Sum         bool
	Distinct    string // what is told apart
	Pages       pager
}

type countedLine struct {
	eventLine
	Late bool
	Adds string
	Of   string
}

// A removedLine is an event that counted before, and the one by which it
// counts no more.
type removedLine struct {
	countedLine
	By eventLine
}

func (s *Server) showFigure(w http.ResponseWriter, r *http.Request) error {
	v, err := s.visit(r, r.PathValue("cycle"), "page")
	if err != nil {
		return err
	}
	defer v.close()
	x, err := v.views.Explain(v.ctx, v.cycle.Cycle, r.PathValue("measure"))
	if err != nil {
		return err
	}
	m := x.Measure
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	p := figurePage{
		frame: v.frame(m.Words, "Dashboard"), Figure: figureOf(m, x.Value, ""), Unit: projections.Units(x.Value, m.Unit), Version: strconv.Itoa(m.Version),
		Scope: x.Scope, Position: x.Position.String(), Rule: ruleOf(m), Data: string(data),
		Count: plural(len(x.Events), "event", "events"), Sum: m.Fold == "sum",
	}
	if m.Fold == "distinct" {
		p.Distinct = inWords(m.Of)
	}
	for _, f := range v.cycle.Sealed {
		if f.Measure == m.Measure {
			p.Sealed, p.SealedAfter = grouping(f.Value), v.cycle.SealedAfter
		}
	}
	if err := v.fillClosing(&p); err != nil {
		return err
	}
	from, to, pages := v.pagedBy(eventsPerPage, len(x.Events))
	p.Pages = pages
	for _, e := range x.Events[from:to] {
		p.Events = append(p.Events, v.countedLine(e))
	}
	for i, r := range x.Removed {
		if i == v.most() || i == eventsPerPage/2 && !v.whole {
			p.Gone = plural(i, "event", "events") + " of " + strconv.Itoa(len(x.Removed))
			break
		}
		l := removedLine{v.countedLine(r.Counted), v.eventLine(r.By)}
		l.By.Recorded = v.instant(r.By.Envelope.RecordedAt) // it may be dated as what it took out
		p.Removed = append(p.Removed, l)
	}
	return s.render(w, http.StatusOK, "figure", p)
}

// fillClosing finds the event after which figures were sealed: the closing,
// unless something else was recorded meanwhile.
func (v *visit) fillClosing(p *figurePage) error {
	if p.SealedAfter == "" {
		return nil
	}
	rows, err := v.views.History(v.ctx, projections.HistoryFilter{Cycle: v.cycle.Cycle, Name: "cycle.closed"})
	for _, r := range rows {
		if r.Envelope.ID == p.SealedAfter {
			p.SealedAfter, p.Closing, p.ClosingHref = "", v.instant(r.Envelope.OccurredAt), v.event(r.Position.String())
		}
	}
	return err
}

func (v *visit) countedLine(e projections.Counted) countedLine {
	l := countedLine{eventLine: v.eventLine(e.HistoryRow), Late: e.Late, Adds: grouping(e.Value)}
	l.Recorded = v.instant(e.Envelope.RecordedAt)
	if domain.IsUUID(e.Of) {
		l.Of = v.name(domain.Person(e.Of))
	} else {
		l.Of = e.Of
	}
	return l
}

// ruleOf puts a measure's definition into sentences.
func ruleOf(m measure.Measure) []string {
	var rule []string
	names := make([]string, len(m.Over))
	for i, s := range m.Over {
		names[i] = eventWords(s.Name) + conditions(s.Where)
	}
	over := strings.Join(names, ", or ")
	switch m.Fold {
	case "sum":
		rule = append(rule, "It adds up the "+inWords(m.Of)+" of every event "+over+".")
	case "distinct":
		rule = append(rule, "It counts every "+inWords(m.Of)+" once, over the events "+over+". Whether two are the same is told by the register of "+m.Register+".")
	default:
		rule = append(rule, "It counts the events "+over+".")
	}
	if len(m.Unless) > 0 {
		same := "in the same file"
		if len(m.Key) > 0 {
			same += " for the same " + listed(m.Key)
		}
		unless := make([]string, len(m.Unless))
		for i, name := range m.Unless {
			unless[i] = eventWords(name)
		}
		rule = append(rule, "An event counts no more once "+strings.Join(unless, " or ")+" follows "+same+"; where that is counted as well, it stands in its place.")
	}
	if m.Scope == "year" {
		rule = append(rule, "It is taken over the programme's year, not over this cycle alone.")
	}
	return rule
}

func eventWords(name string) string {
	return "“" + inWords(strings.ReplaceAll(name, ".", " ")) + "”"
}

func conditions(where []measure.Condition) string {
	words := ""
	for _, c := range where {
		field := inWords(c.Field)
		switch is := c.Is.(type) {
		case bool:
			words += " that are " + map[bool]string{false: "not "}[is] + field
		case nil:
			if c.Empty {
				words += " without " + field
			} else {
				words += " with " + field + " from the " + inWords(c.Has)
			}
		case string:
			words += " with the " + field + " “" + inWords(is) + "”"
		}
	}
	return words
}
