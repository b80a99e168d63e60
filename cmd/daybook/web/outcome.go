package web

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/daybook-engine/daybook/domain/access"
)

// An Outcome is what becomes of a row, or would.
type Outcome struct {
	Row    string // which it is
	Words  string // some of what it says
	Became string // recorded, already so, refused, needs a person
	Code   string // of a refusal
	Why    string
	Events []string
	Nobody Stranger // whom to register first; zero where nobody is missing
}

// A Stranger is somebody whom a row names and nobody knows yet.
type Stranger struct{ Email, Handle string }

// Brought is what became of all rows, or would.
type Brought struct {
	ID   string // under which what was recorded is found; "" where nothing was
	Rows []Outcome
}

// An outcomeLine is an outcome on a page.
type outcomeLine struct {
	Row, Words, Became, What string
	Register                 link // of whom the row names; then it is looked at again
}

// outcomesPage tells what would become of rows, becomes, or became.
type outcomesPage struct {
	frame
	Heading string
	About   string
	Done    bool
	Counts  []tally
	Lines   []outcomeLine
	More    string
	Action  string
	Kept    []pair // the form as it was filled in
	ID      string // of the form that does it
	Do      string // which step that is
	Verb    string // what its button says; "" where there is nothing to do
	Vain    bool   // no row would be taken as it is: at most refusals are recorded
	Mended  link   // where a file goes that was mended
	Change  string // what the button says that leads back to what was filled in
	Forget  string
	Undo    string
	Import  link
	History link // of all that it recorded
	Back    link
}

// progressPage tells how far work is.
type progressPage struct {
	frame
	Heading  string
	Of, Done int64
	Again    string
}

// outcomes puts what a person has to look at first, and of many as much as a
// page holds. Back is where they are looked at again.
func (v *visit) outcomes(b Brought, back string) (counts []tally, lines []outcomeLine, more string) {
	rows := slices.Clone(b.Rows)
	order := []string{"refused", "needs a person", "recorded", "already so"}
	if !v.whole {
		slices.SortStableFunc(rows, func(a, b Outcome) int {
			return slices.Index(order, a.Became) - slices.Index(order, b.Became)
		})
	}
	all := tallies(rows, func(o Outcome) string { return o.Became })
	if n := len(rows); n > v.most() {
		more = "and " + plural(n-v.most(), "row more", "rows more") + ": the spreadsheet has all of them"
		rows = rows[:v.most()]
	}
	for _, o := range rows {
		l := outcomeLine{Row: o.Row, Words: o.Words, Became: capital(o.Became)}
		var said []string
		for _, e := range o.Events {
			said = append(said, inWords(strings.ReplaceAll(e, ".", " ")))
		}
		if o.Why != "" {
			said = append(said, v.saying(o.Why))
		}
		l.What = capital(strings.Join(said, ", "))
		if who := o.Nobody; who != (Stranger{}) && !v.whole && access.Allow(access.Role(v.s.acting.Role), "person.register") == nil {
			l.Register = link{"Register " + cmp.Or(who.Email, who.Handle), back + "/register/" + url.PathEscape(o.Row)}
		}
		lines = append(lines, l)
	}
	return all, lines, more
}

// registerFirst is the form for somebody whom a row names and nobody knows yet.
// Its address says which row that is and nothing of it: browsers keep addresses,
// where no erasure reaches.
func (s *Server) registerFirst(w http.ResponseWriter, r *http.Request) error {
	u, err := s.drawer.take(s.acting.by(), r.PathValue("work"), r.PathValue("cycle"), s.now())
	if err != nil {
		return err
	}
	b, _, err := s.lookAhead(r.Context(), u, u.looked())
	if err != nil {
		return err
	}
	f := filled{command: "person.register", back: "/cycles/" + url.PathEscape(u.cycle) + "/work/" + u.key}
	for _, o := range b.Rows {
		if o.Row == r.PathValue("row") && o.Nobody != (Stranger{}) {
			f.begun = said("email", o.Nobody.Email, "handle", o.Nobody.Handle)
			return s.openForm(w, r, f)
		}
	}
	http.Redirect(w, r, f.back, http.StatusSeeOther) // somebody registered them meanwhile
	return nil
}
