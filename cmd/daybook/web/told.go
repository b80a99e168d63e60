package web

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/projections"
)

// eventsPerFile bounds the list of events under a file; the history has the
// rest.
const eventsPerFile = 100

// spell puts names into a sentence, and begins it like one.
func (v *visit) spell(sentence string) string {
	return capital(projections.Organised(projections.Named(sentence, v.name), v.organisation))
}

// value puts names into what something was, or is, by an event.
func (v *visit) value(event, told string) string {
	return projections.Named(projections.Revealed(event, told, v.revealed), v.name)
}

// fileOf is the application or match that a stream belongs to. A list names
// the same one many times.
func (v *visit) fileOf(stream string) link {
	l, known := v.files[stream]
	if !known {
		l = v.findFile(stream)
		v.files[stream] = l
	}
	return l
}

func (v *visit) findFile(stream string) link {
	kind, id, _ := strings.Cut(stream, "-")
	switch kind {
	case "application", "review":
		if a, err := v.views.Application(v.ctx, id); err == nil {
			return link{"Application of " + v.name(a.Person), v.href("/applications/" + url.PathEscape(id))}
		}
	case "message":
		if m, err := v.views.Message(v.ctx, id); err == nil {
			return link{"Message " + inWords(m.Key) + " to " + v.name(m.Recipient), v.messageHref(m)}
		}
	case "task":
		if d, err := v.views.Task(v.ctx, id); err == nil {
			return v.findFile(d.File())
		}
	case "match":
		if cycle, name, ok := strings.Cut(id, "."); ok {
			l := link{"Match " + name, v.href("/cycles/" + url.PathEscape(cycle) + "/matches/" + url.PathEscape(name))}
			if m, err := v.views.Match(v.ctx, cycle, name); err == nil {
				l.Text = "Match " + v.pair(m)
			}
			return l
		}
	case "gathering":
		if cycle, name, ok := strings.Cut(id, "."); ok {
			return link{"Gathering " + inWords(name), v.href("/cycles/" + url.PathEscape(cycle) + "#gatherings")}
		}
	}
	return link{}
}

// erasures tell of somebody erased, by whom and when: the rows of a file in
// which the name is no more.
func (v *visit) erasures(people ...domain.Person) (list []row, err error) {
	for _, p := range people {
		rows, err := v.views.History(v.ctx, projections.HistoryFilter{Cycle: v.cycle.Cycle, Subject: p, Name: "erasure"})
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			l := v.eventLine(r)
			list = append(list, row{Key: "Erasure", Value: link{l.Sentence, l.Href}, Note: l.Occurred.Local + " " + l.Occurred.Zone + ", done by " + l.Actor})
		}
	}
	return list, nil
}

// eventsOf lists the first events that a filter chooses, in the order of the
// log. Where there are more, it leads to them in the history, which is asked
// for them by that field.
func (v *visit) eventsOf(f projections.HistoryFilter, field, value string) (lines []eventLine, more string, err error) {
	f.Limit = eventsPerFile + 1
	rows, err := v.views.History(v.ctx, f)
	if len(rows) > eventsPerFile {
		rows, more = rows[:eventsPerFile], v.to("/history", field, value)
	}
	return v.eventLines(rows), more, err
}

// beside is a visit to what is no page of a cycle but is told with one: an
// event. It is always now there. Without a cycle times are in UTC.
func (s *Server) beside(r *http.Request, cycle string) (*visit, error) {
	v := &visit{people: s.people(r.Context()), zone: time.UTC, ctx: r.Context(), views: s.views, now: s.now(), path: r.URL.EscapedPath(), own: url.Values{}, query: r.URL.Query(), files: map[string]link{}}
	if cycle == "" {
		return v, nil
	}
	c, err := s.views.Cycle(r.Context(), cycle)
	if err != nil {
		return v, nil // an event may name a cycle that nobody planned
	}
	v.cycle, v.live, v.zone = c, c, location(c.Zone)
	return v, nil
}

// plainFrame is the frame of a page that shows no moment.
func (v *visit) plainFrame(title, current string) frame {
	if v.cycle.Cycle == "" {
		return v.acted(v.s.frame(title))
	}
	f := v.frame(title, current)
	f.Moment = moment{}
	return f
}
