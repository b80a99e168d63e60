package web

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/access"
)

// Bulking is how whoever acts does the same for many rows of a table.
type Bulking struct {
	// Preview tells what would come of each order, and does nothing. What is
	// wrong with what all of them say is told by faults.
	Preview func(ctx context.Context, orders []Order) (Brought, []Fault, error)
	// Do issues those that would leave something, as one act of that id.
	Do func(ctx context.Context, id uuid.UUID, orders []Order, progress func(done, of int)) (Brought, error)
	// Inverse is the command that takes back what a command did; "" for none.
	Inverse func(command string) string
}

var errChoose = domain.Wrong("nothing_chosen", "choose at least one row, and what is to be done with those chosen")

// ownStep stands for what each row asks for itself.
const ownStep = "each"

// A bulk is a command for the rows of a table that were chosen.
type bulk struct {
	command string // ownStep: of each row its own
	picks   []pick
	back    string
}

// A pick is a row that can be chosen.
type pick struct {
	key   string
	known url.Values
	step  string // that it asks for
	words string
}

// bulkForm is what a table offers to do with its rows.
type bulkForm struct {
	Action   string
	Commands []option
	All      string // the words for all rows, also those of other pages
}

// bulking offers commands for the rows of a table, of those that who acts may
// issue; nil where there are none.
func (v *visit) bulking(n int, commands ...string) *bulkForm {
	a := v.s.acting
	if a == nil || a.Bulk == nil || v.whole || !v.at.at.IsZero() || n == 0 {
		return nil
	}
	f := &bulkForm{Action: v.listed()}
	for _, c := range commands {
		if c == ownStep || access.Allow(access.Role(a.Role), c) == nil {
			f.Commands = append(f.Commands, option{c, v.s.stepWords(c), false})
		}
	}
	if len(f.Commands) == 0 {
		return nil
	}
	if n > 1 {
		f.All = "All " + plural(n, "row", "rows") + " of this list"
	}
	return f
}

// listed is the address of a list, with what it is chosen by, and no page of it.
func (v *visit) listed() string {
	by := maps.Clone(v.own)
	by.Del("page")
	return href(v.path, by)
}

func (s *Server) stepWords(command string) string {
	if command == ownStep {
		return "Do what each line asks for"
	}
	return s.acting.Words(command, nil)
}

// choose begins a bulk with the rows that were chosen of a table.
func (s *Server) choose(rows func(*visit) ([]pick, error), own ...string) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		v, err := s.visit(r, r.PathValue("cycle"), own...)
		if err != nil {
			return err
		}
		defer v.close()
		picks, err := rows(v)
		if err != nil {
			return err
		}
		if !r.PostForm.Has(".all") {
			picks = slices.DeleteFunc(picks, func(p pick) bool { return !slices.Contains(r.PostForm["row"], p.key) })
		}
		command := r.PostForm.Get("command")
		if command == "" || len(picks) == 0 {
			return leading{errChoose, link{"Back to the list", v.listed()}}
		}
		return s.beginBulk(w, r, v.cycle.Cycle, &bulk{command, picks, v.listed()})
	}
}

func (s *Server) beginBulk(w http.ResponseWriter, r *http.Request, cycle string, b *bulk) error {
	key := s.drawer.put(&work{by: s.acting.by(), cycle: cycle, bulk: b}, s.now())
	http.Redirect(w, r, "/cycles/"+url.PathEscape(cycle)+"/bulk/"+key, http.StatusSeeOther)
	return nil
}

// orders are a bulk's, with what was said for all.
func (b *bulk) orders(said url.Values) []Order {
	orders := make([]Order, len(b.picks))
	for i, p := range b.picks {
		orders[i] = Order{Command: b.command, Given: maps.Clone(said)}
		if orders[i].Given == nil {
			orders[i].Given = url.Values{}
		}
		if b.command == ownStep {
			orders[i].Command = p.step
		}
		maps.Copy(orders[i].Given, p.known)
	}
	return orders
}

// shared is what is known of all rows alike.
func (b *bulk) shared() url.Values {
	known := maps.Clone(b.picks[0].known)
	maps.DeleteFunc(known, func(name string, values []string) bool {
		return slices.ContainsFunc(b.picks, func(p pick) bool { return !slices.Equal(p.known[name], values) })
	})
	return known
}

// told names the rows of a bulk in what became of them.
func (b *bulk) told(done Brought) Brought {
	for i := range done.Rows {
		done.Rows[i].Row = b.picks[i].words
	}
	return done
}

// renderBulk asks what is the same for all rows.
func (s *Server) renderBulk(w http.ResponseWriter, r *http.Request, status int, u *work, said url.Values, faults []Fault) error {
	var questions []Question
	b := u.bulk
	if b.command != ownStep {
		var err error
		if questions, err = s.acting.Ask(r.Context(), b.command, b.picks[0].known); err != nil {
			return err
		}
	}
	v, err := s.beside(r, u.cycle)
	if err != nil {
		return err
	}
	heading := s.stepWords(b.command)
	p := formPage{frame: v.plainFrame(heading, ""), Command: b.command, Heading: heading, Back: b.back, Verb: "Show what would be recorded", Action: v.path, Kept: []pair{{formDo, "preview"}}}
	var words []string
	for _, x := range b.picks[:min(len(b.picks), 10)] {
		words = append(words, x.words)
	}
	more := ""
	if n := len(b.picks) - len(words); n > 0 {
		more = "and " + plural(n, "more", "more")
	}
	p.Known = []row{{Key: plural(len(b.picks), "row", "rows"), Value: text(strings.Join(words, "; ")), Note: more}}
	f := filled{command: b.command, known: b.shared(), given: said, faults: faults}
	for _, q := range questions {
		in, err := v.inputOf(q, f)
		if err != nil {
			return err
		}
		switch {
		case b.picks[0].known.Has(q.Name):
		case q.Cause && q.Type == "person" && q.Value != "":
			p.Known = append(p.Known, row{Key: q.Label, Value: text("In each row whose act it is")})
		default:
			p.put(q, in, f)
		}
	}
	if len(faults) > 0 {
		p.Title = "Error: " + p.Title
	}
	p.Faults = v.faultLines(faults, slices.Concat(p.Inputs, p.Preset.Inputs, p.Cause.Inputs))
	return s.render(w, status, "form", p)
}
