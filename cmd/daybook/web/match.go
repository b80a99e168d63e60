package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/projections"
)

// matchPage is the file of two people working together. What they wrote is
// theirs, and until they can sign in shown to nobody: the page says that it was
// filed, and how long it is.
type matchPage struct {
	frame
	State       string
	Stands      string
	Rows        []row
	Sessions    []sessionLine
	Calendars   []link // of the match, and of each of the two
	Feeds       []link // of each of the two, with all cycles
	Reflections []reflectionLine
	Tasks       []row
	Events      []eventLine
	More        string
	Can         []stepLine
}

type sessionLine struct {
	Session string
	When    instant
	Told    string // in the local time that the two agreed on
	Mode    string
	Status  string
	Minutes string
	Marks   []string
	Reflect string // who has reflected on it, and who has still to
	Can     []stepLine
}

type reflectionLine struct {
	About string
	Side  string
	Words string
	Kept  string // who has the words
	At    instant
}

func (s *Server) showMatch(w http.ResponseWriter, r *http.Request) error {
	v, err := s.visit(r, r.PathValue("cycle"))
	if err != nil {
		return err
	}
	defer v.close()
	name := r.PathValue("match")
	m, err := s.views.Match(v.ctx, v.cycle.Cycle, name)
	if err != nil {
		return err
	}
	proposed := m.ProposedAt
	if m, err = v.views.Match(v.ctx, v.cycle.Cycle, name); err != nil {
		return v.then(err, "Match "+name, "the match was proposed", proposed)
	}
	p := matchPage{frame: v.frame("Match "+m.Match, "Matches"), Rows: v.matchRows(m)}
	p.State, p.Stands = standing(m)
	erasures, err := v.erasures(m.Mentee, m.Mentor)
	if err != nil {
		return err
	}
	p.Rows = slices.Concat(p.Rows, v.addresses(m.Mentee, m.Mentor), erasures)
	for _, x := range m.Sessions {
		p.Sessions = append(p.Sessions, v.sessionLine(m, x))
	}
	if len(m.Sessions) > 0 {
		p.Calendars = []link{
			{"this match", v.to(calendarPath, "match", m.Match)},
			{v.name(m.Mentee), v.to(calendarPath, "person", string(m.Mentee))},
			{v.name(m.Mentor), v.to(calendarPath, "person", string(m.Mentor))},
		}
		p.Feeds = []link{{v.name(m.Mentee), feed(m.Mentee)}, {v.name(m.Mentor), feed(m.Mentor)}}
	}
	for _, x := range m.Reflections {
		p.Reflections = append(p.Reflections, v.reflectionLine(x))
	}
	if err := v.offerMatch(&p, m); err != nil {
		return err
	}
	if p.Tasks, err = v.tasksOf(m.Stream); err != nil {
		return err
	}
	if p.Events, p.More, err = v.eventsOf(projections.HistoryFilter{Stream: m.Stream}, "stream", m.Stream); err != nil {
		return err
	}
	return s.render(w, http.StatusOK, "match", p)
}

const perSession = 3

// sessionOffers are what is about one session: the record, that it is taken back,
// and the reflections on it.
func sessionOffers(about []string) [perSession]Offer {
	about = slices.Clip(about)
	return [...]Offer{
		{Known: said(about...), Commands: []string{"session.hold", "session.reschedule", "session.cancel", "session.miss", "session.correct"}},
		{Known: said(append(about, "minutes", "0")...), Commands: []string{"session.correct"}},
		{Known: said(append(about, "kind", "session")...)},
	}
}

// offerMatch offers what is about the match, and with each of its sessions what
// is about that.
func (v *visit) offerMatch(p *matchPage, m projections.Match) (err error) {
	in := []string{"cycle", m.Cycle, "match", m.Match}
	var sessions []Offer
	for _, x := range m.Sessions {
		offers := sessionOffers(append(in, "session", strconv.Itoa(x.Session)))
		sessions = append(sessions, offers[:]...)
	}
	about := []Offer{
		{Known: said(in...)},
		{Known: said(append(in, "session", strconv.Itoa(following(m)))...), Commands: []string{"session.schedule", "session.hold"}},
		{Known: said(append(in, "kind", "final")...), Commands: []string{"reflection.file"}},
	}
	if !m.MadeAt.IsZero() { // what remains is mostly how it ends
		about = append(about[1:], about[0])
	}
	if p.Can, err = v.canWith(about, m.Stream); err != nil {
		return err
	}
	found, err := v.offers(sessions...)
	for i := range m.Sessions {
		p.Sessions[i].Can = slices.Concat(found[i*perSession : (i+1)*perSession]...)
	}
	return err
}

// standing is a match's state, and where it stands where that says more.
func standing(m projections.Match) (state, stands string) {
	state = capital(string(m.Phase))
	if stands = strings.TrimPrefix(m.Health, string(m.Phase)); stands == m.Health {
		return state, stands
	}
	return state + stands, ""
}

func (v *visit) matchRows(m projections.Match) []row {
	rows := []row{{Key: "Mentee", Value: text(v.name(m.Mentee))}, {Key: "Mentor", Value: text(v.name(m.Mentor))}}
	add := func(is bool, r row) {
		if is {
			rows = append(rows, r)
		}
	}
	add(m.Rationale != nil, row{Key: "Why these two", Value: text(v.rationale(m))})
	add(m.Previous != "", row{Key: "In place of", Value: link{"match " + m.Previous, v.to("/matches/" + url.PathEscape(m.Previous))}})
	add(!m.ProposedAt.IsZero(), row{Key: "Proposed", At: v.instant(m.ProposedAt)})
	for _, a := range m.Accepted {
		add(true, row{Key: "Accepted", At: v.instant(a.At), Note: "by the " + a.Side})
	}
	add(!m.MadeAt.IsZero(), row{Key: "Made", At: v.instant(m.MadeAt)})
	for _, a := range m.Signed {
		add(true, row{Key: "Agreement signed", At: v.instant(a.At), Note: "by the " + a.Side + ", version " + m.Agreement})
	}
	add(!m.InForceAt.IsZero(), row{Key: "Agreement in force", At: v.instant(m.InForceAt)})
	add(!m.ContactDue.IsZero(), row{Key: "First contact due", At: v.instant(m.ContactDue)})
	add(!m.OverdueAt.IsZero(), row{Key: "First contact overdue", At: v.instant(m.OverdueAt)})
	add(!m.ContactAt.IsZero(), row{Key: "First contact", At: v.instant(m.ContactAt)})
	add(m.Plan.Max > 0, row{Key: "Session plan", Value: text(planWords(m))})
	add(m.Rule.ConformingSessions > 0, row{Key: "Completion rule", Value: text(ruleWords(m)), Note: "version " + m.Rule.Version})
	add(!m.OverAt.IsZero(), row{Key: capital(string(m.Phase)), At: v.instant(m.OverAt), Note: overWords(m)})
	return rows
}

func (v *visit) rationale(m projections.Match) string {
	if m.Rationale == nil {
		return ""
	}
	return v.written(*m.Rationale)
}

func planWords(m projections.Match) string {
	return strconv.Itoa(m.Plan.Min) + " to " + plural(m.Plan.Max, "session", "sessions") + " of " +
		strconv.Itoa(m.Plan.MinMinutes) + " to " + plural(m.Plan.MaxMinutes, "minute", "minutes") + ", " + listed(m.Plan.Modes)
}

func ruleWords(m projections.Match) string {
	words := "at least " + plural(m.Rule.ConformingSessions, "conforming session", "conforming sessions")
	for _, side := range m.Rule.FinalReflections {
		words += ", final reflection of the " + side
	}
	return words
}

func overWords(m projections.Match) string {
	switch {
	case m.Phase == match.Complete && m.Basis == "waiver":
		return "by waiver; unmet: " + inWords(m.Waived)
	case m.Phase == match.Complete:
		return "by " + m.Basis
	case m.NoFault:
		return inWords(m.Reason) + ", nobody's fault"
	default:
		return inWords(m.Reason)
	}
}

func (v *visit) sessionLine(m projections.Match, x projections.Session) sessionLine {
	l := sessionLine{
		Session: strconv.Itoa(x.Session), When: v.instant(x.Slot.Start), Told: wall(x.Slot.Local) + " " + x.Slot.Zone,
		Mode: inWords(x.Slot.Mode), Status: capital(x.Status), Reflect: reflecting(m, x),
	}
	if x.Minutes > 0 {
		l.Minutes = strconv.Itoa(x.Minutes)
	}
	if x.Sequence > 0 {
		l.Marks = append(l.Marks, "moved "+times(x.Sequence))
	}
	if x.MissedBy != "" {
		notice := "without notice"
		if x.Notice {
			notice = "with notice"
		}
		l.Marks = append(l.Marks, "missed by the "+x.MissedBy+", "+notice)
	}
	if len(x.Nonconformities) > 0 {
		l.Marks = append(l.Marks, "does not conform: "+projections.Nonconforming(x.Nonconformities))
	}
	if x.Late() {
		l.Marks = append(l.Marks, "recorded late, "+x.RecordedAt.In(v.zone).Format("2 January 2006"))
	}
	switch {
	case x.Status == "retracted":
		l.Marks = append(l.Marks, "recorded by mistake")
	case !x.CorrectedAt.IsZero():
		l.Marks = append(l.Marks, "corrected")
	}
	return l
}

// reflecting tells by side whether there is a reflection on a session, or is one to
// come.
func reflecting(m projections.Match, x projections.Session) string {
	var words []string
	for _, side := range []string{match.Mentee, match.Mentor} {
		switch {
		case slices.ContainsFunc(m.Reflections, func(r projections.Reflection) bool { return r.Side == side && r.Session == x.Session }):
			words = append(words, side+" filed")
		case slices.Contains(m.ReflectionsOpen(side), x.Session):
			words = append(words, side+" due")
		}
	}
	return strings.Join(words, ", ")
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return strconv.Itoa(n) + " times"
}

func (v *visit) reflectionLine(x projections.Reflection) reflectionLine {
	l := reflectionLine{About: "Session " + strconv.Itoa(x.Session), Side: capital(x.Side), Words: plural(x.Words, "word", "words"), Kept: "sealed", At: v.instant(x.At)}
	if x.SHA256 != "" {
		l.Kept = "with its author; its SHA-256 is " + x.SHA256
	}
	if x.Kind == "final" {
		l.About = "The whole match"
	}
	return l
}
