package web

import (
	"net/http"
	"net/http/httptest"
)

// Templates gives each template with the zero struct of its page.
func Templates() (map[string]any, func(name string, page any) (string, error), error) {
	p, err := parse("")
	structs := map[string]any{
		"application": applicationPage{}, "applications": applicationsPage{}, "columns": columnsPage{}, "compare": comparePage{}, "cycle": cyclePage{}, "cycles": cyclesPage{},
		"event": eventPage{}, "events": eventsPage{}, "exceptions": exceptionsPage{}, "fail": failPage{}, "figure": figurePage{}, "form": formPage{}, "history": historyPage{},
		"import": importPage{}, "imports": importsPage{}, "match": matchPage{}, "matches": matchesPage{}, "message": messagePage{}, "messages": messagesPage{}, "outcomes": outcomesPage{}, "places": placesPage{}, "progress": progressPage{}, "queue": queuePage{}, "run": runPage{}, "sessions": sessionsPage{}, "then": thenPage{},
		"again": againPage{}, "tour": tourPage{},
	}
	for name := range p {
		if _, ok := structs[name]; !ok {
			structs[name] = nil
		}
	}
	s := &Server{pages: p}
	return structs, func(name string, page any) (string, error) {
		w := httptest.NewRecorder()
		err := s.render(w, http.StatusOK, name, page)
		return w.Body.String(), err
	}, err
}

// Offered gives texts in the order in which a select offers them.
func Offered(texts ...string) (sorted []string) {
	for _, o := range choices(texts, "", func(text string) string { return text }) {
		sorted = append(sorted, o.Text)
	}
	return sorted
}

// Patterns lists the routes, for who acts.
func Patterns(a *Acting) []string {
	var patterns []string
	for _, r := range (&Server{acting: a}).routes() {
		patterns = append(patterns, r.pattern)
	}
	return patterns
}

// Guarded is a handler behind all that stands before a page.
func Guarded(o Options, page func(http.ResponseWriter, *http.Request) error) (http.Handler, error) {
	p, err := parse("")
	s := &Server{store: o.Store, now: o.Now, log: o.Log, rehearsal: o.Rehearsal, key: o.Key, pages: p, drawer: &Drawer{}}
	return s.guard(s.handle(page)), err
}

// Moved is asked by itself.
var Moved = moved
