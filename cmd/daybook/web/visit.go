package web

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/projections"
)

// A frame is what every page has around it.
type frame struct {
	Title     string // without names of people: browsers remember it
	Rehearsal string
	Cycle     link
	Nav       []tab
	Moment    moment
	Now       instant
	Sheets    []link  // the page's tables as spreadsheets, where it has any
	Acting    string  // as whom everything is done that is done here; "" where nothing can be
	Notice    *notice // of what was just recorded
}

// A tab leads to one of the pages of a cycle.
type tab struct {
	link
	Current bool
}

func (s *Server) frame(title string) frame {
	return frame{Title: title, Rehearsal: s.rehearsal, Now: instantIn(s.now(), time.UTC)}
}

// A visit is one request for a page about a cycle: the views at the moment
// asked for, and what every part of the page is told with.
type visit struct {
	*people
	zone  *time.Location
	ctx   context.Context
	views *projections.Views
	cycle projections.Cycle // as it stood
	live  projections.Cycle // as it stands
	at    asked
	now   time.Time // the moment shown
	own   url.Values
	query url.Values
	path  string
	whole bool // lists are given whole, for a spreadsheet
	files map[string]link
	close func() error

	everyone []option // who can be chosen, once a question is of a person
}

// visit opens the views that a request asks for. Of its query only the
// page's own fields are kept in links. The caller closes the visit.
func (s *Server) visit(r *http.Request, cycleID string, own ...string) (*visit, error) {
	ctx := r.Context()
	now, err := s.views.Cycle(ctx, cycleID)
	if err != nil {
		return nil, err
	}
	v := &visit{
		people: s.people(ctx), zone: location(now.Zone), ctx: ctx, views: s.views, cycle: now, live: now, now: s.now(),
		path: r.URL.EscapedPath(), own: url.Values{}, files: map[string]link{}, close: func() error { return nil },
	}
	q := r.URL.Query()
	v.whole = q.Has("as")
	v.query = q
	for _, name := range own {
		if value := q.Get(name); value != "" {
			v.own.Set(name, value)
		}
	}
	if v.at, err = askedFor(q, v.zone, now.PlannedAt); err != nil {
		return nil, err
	}
	v.at = v.at.byNow(v.now)
	if v.at.at.IsZero() {
		return v, nil
	}
	return v, s.travel(v)
}

// travel makes the views of another moment. It replays the log, so only so
// many do at a time.
func (s *Server) travel(v *visit) error {
	select {
	case s.machines <- struct{}{}:
	case <-v.ctx.Done():
		return v.ctx.Err()
	}
	free := func() { <-s.machines }
	when := projections.When{Time: v.at.at, Clock: projections.Recorded}
	if v.at.occurred {
		when.Clock = projections.Occurred
	}
	past, err := projections.At(v.ctx, s.store, when)
	if err != nil {
		free()
		return fmt.Errorf("views at %s: %w", v.at.text, err)
	}
	v.close = func() error { defer free(); return past.Close() }
	then, err := past.Cycle(v.ctx, v.cycle.Cycle)
	if err != nil {
		return errors.Join(v.then(err, v.title(), "the cycle was planned", v.cycle.PlannedAt), v.close())
	}
	v.views, v.cycle, v.now = past, then, v.at.at
	return nil
}

// notThen is the answer where a thing is there now, and was not at the moment
// asked for: a page that says so, from which one can go on to another moment.
type notThen struct{ page thenPage }

func (*notThen) Error() string { return "not there at that moment" }

type thenPage struct {
	frame
	Began string // what it began with
	At    instant
}

// then turns "there is no such thing" into notThen where a moment was asked
// for. The caller has seen that the thing is there now, and when it began.
func (v *visit) then(err error, title, began string, at time.Time) error {
	if v.at.at.IsZero() || !errors.Is(err, domain.NotFound) {
		return err
	}
	return &notThen{thenPage{v.frame(title, ""), began, v.instant(at)}}
}

// href leads to a page at the same moment.
func (v *visit) href(path string, more ...string) string { return href(path, v.at.keep(), more...) }

// to leads to a page of the cycle.
func (v *visit) to(page string, more ...string) string {
	return v.href("/cycles/"+url.PathEscape(v.cycle.Cycle)+page, more...)
}

func (v *visit) event(at string) string { return "/events/" + url.PathEscape(at) }

func (v *visit) instant(t time.Time) instant { return instantIn(t, v.zone) }

// frame is the frame of a page of the cycle; tab says which.
func (v *visit) frame(title, current string) frame {
	f := v.acted(v.s.frame(title))
	f.Now = v.instant(v.s.now())
	f.Cycle = link{v.title(), v.to("")}
	for _, t := range [][2]string{
		{"Dashboard", ""}, {"Queue", "/queue"}, {"Applications", "/applications"}, {"Places", "/places"},
		{"Matches", "/matches"}, {"Messages", "/messages"}, {"Exceptions", "/exceptions"}, {"History", "/history"},
	} {
		f.Nav = append(f.Nav, tab{link{t[0], v.to(t[1])}, t[0] == current})
	}
	f.Rehearsal = rehearsalOf(f.Rehearsal, v.live)
	f.Sheets = v.sheets()
	last := v.s.now()
	if closed := v.live.ClosedAt; !closed.IsZero() && closed.AddDate(0, 0, 7).Before(last) {
		last = closed.AddDate(0, 0, 7)
	}
	f.Moment = v.at.slider(v.path, v.own, v.zone, v.live.PlannedAt, last)
	return f
}

// sheets lead to the page's tables, at its moment and with its own fields, but
// whole.
func (v *visit) sheets() []link {
	query := v.at.keep()
	for key, values := range v.own {
		if key != "page" && key != "before" && key != "after" {
			query[key] = values
		}
	}
	return sheets(v.path, query)
}

// most is how many of a list go on a page.
func (v *visit) most() int {
	if v.whole {
		return mostRows
	}
	return linesPerPage
}

// acted is a frame with who acts here, and what came of the last that they did.
func (v *visit) acted(f frame) frame {
	if a := v.s.acting; a != nil && a.Person != "" && !v.whole {
		f.Acting = v.inRole(a.Person, a.Role)
		f.Notice = v.noticed(v.query)
	}
	return f
}

// title is what the cycle is called.
func (v *visit) title() string {
	if v.cycle.Title == "" {
		return v.cycle.Cycle
	}
	return v.cycle.Title
}

func sortedKeys(q url.Values) []string { return slices.Sorted(maps.Keys(q)) }
