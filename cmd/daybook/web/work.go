package web

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/access"
)

// A work is something that somebody has begun: it is looked at before it is
// done, and done once for each time that its form was sent.
type work struct {
	key   string
	by    string // who began it
	cycle string
	sheet Spreadsheet // or
	bulk  *bulk       // or
	undo  string      // the import that is taken back
	until time.Time

	mu   sync.Mutex
	said url.Values // that it was looked at with last; nil before
	form string     // that it was done for last
	job  *job
}

// A job is work being done, which outlives the request that began it.
type job struct {
	said     url.Values // the form that it is done for
	done, of atomic.Int64
	ended    chan struct{}

	// To be read when it has ended.
	brought Brought
	err     error
}

// idle tells that nothing is being done for it.
func (w *work) idle() bool {
	j := w.under()
	return j == nil || j.isOver()
}

// isOver tells whether a job has ended.
func (j *job) isOver() bool {
	select {
	case <-j.ended:
		return true
	default:
		return false
	}
}

// start does work for a form, once however often that is sent, and gives the job
// that does it. One that failed is begun again: what it did stands, and is not
// done twice.
func (s *Server) start(w *work, form string, said url.Values, do func(ctx context.Context, progress func(done, of int)) (Brought, error)) *job {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.form == form && (!w.job.isOver() || w.job.err == nil) {
		return w.job
	}
	j := &job{said: said, ended: make(chan struct{})}
	before := w.job
	w.form, w.job = form, j
	s.work(func(ctx context.Context) {
		defer close(j.ended)
		defer func() {
			if p := recover(); p != nil {
				j.err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
			}
			if refused := new(domain.Error); j.err != nil && !errors.As(j.err, &refused) {
				reference := rand.Text()[:10]
				s.log.Error("work", "reference", reference, "err", j.err)
				j.err = domain.Refuse("fault", "something went wrong here, and not with what you wrote. What was recorded stands; the same again does the rest. Reference "+reference)
			}
		}()
		if before != nil {
			<-before.ended
		}
		j.brought, j.err = do(ctx, func(done, of int) { j.done.Store(int64(done)); j.of.Store(int64(of)) })
	})
	return j
}

func (w *work) under() *job {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.job
}

// look keeps what work was looked at with, for whoever comes back to its address,
// and looked gives it; nil before.
func (w *work) look(said url.Values) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said = said
}

func (w *work) looked() url.Values {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.said
}

// over waits a little for a job to end, and tells whether it has.
func (j *job) over(ctx context.Context) bool {
	soon := time.NewTimer(patience)
	defer soon.Stop()
	select {
	case <-j.ended:
		return true
	case <-ctx.Done():
	case <-soon.C:
	}
	return false
}

// patience is how long an answer waits for work to be done, before it tells how
// far that is.
const patience = 2 * time.Second

// showWork asks what has to be said of work that was begun, and shows again what
// would become of it where that was said.
func (s *Server) showWork(w http.ResponseWriter, r *http.Request) error {
	u, err := s.drawer.take(s.acting.by(), r.PathValue("work"), r.PathValue("cycle"), s.now())
	if err != nil {
		return err
	}
	if said := u.looked(); said != nil {
		return s.preview(w, r, u, said)
	}
	return s.askFor(w, r, http.StatusOK, u, nil, nil)
}

// askFor asks what the columns of a file are, or what is the same for all rows of
// a bulk.
func (s *Server) askFor(w http.ResponseWriter, r *http.Request, status int, u *work, said url.Values, faults []Fault) error {
	if u.bulk != nil {
		return s.renderBulk(w, r, status, u, said, faults)
	}
	sheet := u.sheet
	sheet.Said = said
	return s.renderColumns(w, r, status, sheet, faults)
}

// lookAhead tells what would become of rows.
func (s *Server) lookAhead(ctx context.Context, u *work, said url.Values) (Brought, []Fault, error) {
	if u.bulk != nil {
		b, faults, err := s.acting.Bulk.Preview(ctx, u.bulk.orders(said))
		return u.bulk.told(b), faults, err
	}
	sheet := u.sheet
	sheet.Said = said
	return s.importing().Preview(ctx, sheet)
}

// carryOut does what is new.
func (s *Server) carryOut(ctx context.Context, u *work, id uuid.UUID, said url.Values, progress func(done, of int)) (Brought, error) {
	if u.bulk != nil {
		b, err := s.acting.Bulk.Do(ctx, id, u.bulk.orders(said), progress)
		return u.bulk.told(b), err
	}
	sheet := u.sheet
	sheet.Said = said
	return s.importing().Import(ctx, sheet, progress)
}

// goOn is the next step of work: what was said of it once more, what would become
// of its rows, that it is done, taken back, or forgotten.
func (s *Server) goOn(w http.ResponseWriter, r *http.Request) error {
	key := r.PathValue("work")
	u, err := s.drawer.take(s.acting.by(), key, r.PathValue("cycle"), s.now())
	if err != nil {
		return err
	}
	said := url.Values{}
	for name, values := range r.PostForm {
		if !strings.HasPrefix(name, ".") {
			said[name] = values
		}
	}
	switch r.PostForm.Get(formDo) {
	case "do":
		id, err := uuid.Parse(r.PostForm.Get(formID))
		if err != nil {
			return errForm
		}
		s.start(u, id.String(), said, func(ctx context.Context, progress func(done, of int)) (Brought, error) {
			return s.carryOut(ctx, u, id, said, progress)
		}).over(r.Context())
		http.Redirect(w, r, r.URL.EscapedPath()+"/report", http.StatusSeeOther)
		return nil
	case "preview":
		return s.preview(w, r, u, said)
	case "undo":
		return s.undo(w, r, u)
	case "forget":
		s.drawer.forget(key)
		back := "/cycles/" + url.PathEscape(u.cycle) + "/imports"
		if u.bulk != nil {
			back = u.bulk.back
		}
		http.Redirect(w, r, back, http.StatusSeeOther)
		return nil
	}
	return s.askFor(w, r, http.StatusOK, u, said, nil)
}

// preview shows what would become of the rows, as soon as all is said of them.
func (s *Server) preview(w http.ResponseWriter, r *http.Request, u *work, said url.Values) error {
	brought, faults, err := s.lookAhead(r.Context(), u, said)
	if refused := new(domain.Error); errors.As(err, &refused) && len(faults) == 0 {
		faults = []Fault{{"", refused.Text}}
	} else if err != nil {
		return err
	}
	if len(faults) > 0 {
		return s.askFor(w, r, http.StatusBadRequest, u, said, faults)
	}
	u.look(said)
	return s.renderPreview(w, r, u, said, brought)
}

// outcomesOf is a page about what becomes of work's rows.
func (s *Server) outcomesOf(v *visit, u *work, title, action string, said url.Values) outcomesPage {
	p := outcomesPage{frame: v.plainFrame(title, ""), Heading: title, Action: action, Kept: pairs(said)}
	if u.bulk != nil {
		p.About, p.Change, p.Forget = s.stepWords(u.bulk.command), "Change what is said for all", "Leave this"
		p.Back = link{"Back to the list", u.bulk.back}
	} else {
		p.About, p.Change, p.Forget = u.sheet.File, "Change what the columns are", "Forget this file"
		p.Back = link{"All spreadsheets brought in", v.to("/imports")}
	}
	return p
}

func (s *Server) renderPreview(w http.ResponseWriter, r *http.Request, u *work, said url.Values, b Brought) error {
	v, err := s.visit(r, u.cycle)
	if err != nil {
		return err
	}
	defer v.close()
	p := s.outcomesOf(v, u, "What would be recorded", v.path, said)
	p.ID = uuid.NewString()
	p.Vain = !slices.ContainsFunc(b.Rows, func(o Outcome) bool { return o.Became == "recorded" })
	if n := recordedIn(b); n > 0 {
		refused := 0
		for _, o := range b.Rows {
			if o.Became == "refused" && len(o.Events) > 0 {
				refused++
			}
		}
		p.Do, p.Verb = "do", "Import "+plural(n-refused, "row", "rows")
		switch {
		case p.Vain:
			p.Verb = "Record " + plural(n, "refusal", "refusals") + " all the same"
		case u.bulk != nil:
			p.Verb = p.About + ": " + plural(n, "row", "rows")
		case refused > 0:
			p.Verb += ", record " + plural(refused, "refusal", "refusals")
		}
	}
	p.Mended = v.mended(u, b)
	p.Counts, p.Lines, p.More = v.outcomes(b, p.Action)
	return s.render(w, http.StatusOK, "outcomes", p)
}

// mended is where a file goes that was mended, if anything in it is in the way.
func (v *visit) mended(u *work, b Brought) link {
	if u.bulk != nil || !slices.ContainsFunc(b.Rows, func(o Outcome) bool { return o.Became == "refused" || o.Became == "needs a person" }) {
		return link{}
	}
	return link{"upload it again", v.to("/imports", "kind", u.sheet.Kind)}
}

// undo begins a bulk that takes back what another has done.
func (s *Server) undo(w http.ResponseWriter, r *http.Request, u *work) error {
	j := u.under()
	if u.bulk == nil || j == nil || s.acting.Bulk.Inverse(u.bulk.command) == "" {
		return errForm
	}
	switch {
	case !j.isOver(): // nothing is taken back of what is not done
		return errForm
	case j.err != nil:
		return j.err
	}
	b := &bulk{command: s.acting.Bulk.Inverse(u.bulk.command), back: u.bulk.back}
	for i, o := range j.brought.Rows {
		if len(o.Events) > 0 {
			b.picks = append(b.picks, u.bulk.picks[i])
		}
	}
	if len(b.picks) == 0 {
		return errChoose
	}
	return s.beginBulk(w, r, u.cycle, b)
}

// recordedIn counts the rows that leave something behind.
func recordedIn(b Brought) (n int) {
	for _, o := range b.Rows {
		if len(o.Events) > 0 {
			n++
		}
	}
	return n
}

// showReport tells what became of work's rows, or how far that is.
func (s *Server) showReport(w http.ResponseWriter, r *http.Request) error {
	u, err := s.drawer.take(s.acting.by(), r.PathValue("work"), r.PathValue("cycle"), s.now())
	if err != nil {
		return err
	}
	j, before := u.under(), strings.TrimSuffix(r.URL.EscapedPath(), "/report")
	switch {
	case j == nil:
		http.Redirect(w, r, before, http.StatusSeeOther)
		return nil
	case !j.isOver():
		return s.renderProgress(w, r, j, "The rows are being recorded")
	case j.err != nil:
		return j.err
	}
	v, err := s.visit(r, u.cycle)
	if err != nil {
		return err
	}
	defer v.close()
	p := s.outcomesOf(v, u, "What was recorded", before, j.said)
	p.Done, p.Mended = true, v.mended(u, j.brought)
	if recordedIn(j.brought) > 0 {
		p.History = link{"All that it recorded, in the history", v.to("/history", "correlation", j.brought.ID)}
	}
	if j.brought.ID != "" && u.bulk == nil {
		p.Import = link{"What it recorded", v.to("/imports/" + url.PathEscape(j.brought.ID))}
		deeds, err := s.deeds(v.ctx, j.brought.ID)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(deeds, Deed.standing) {
			p.Import.Text += ", and how to take it back"
		}
	}
	if u.bulk != nil && recordedIn(j.brought) > 0 {
		if c := s.acting.Bulk.Inverse(u.bulk.command); c != "" && access.Allow(access.Role(s.acting.Role), c) == nil {
			p.Undo = "Take it back: " + strings.ToLower(s.acting.Words(c, nil))
		}
	}
	p.Counts, p.Lines, p.More = v.outcomes(j.brought, p.Action)
	return s.render(w, http.StatusOK, "outcomes", p)
}

// renderProgress tells how far a job is, and shows the same address again.
func (s *Server) renderProgress(w http.ResponseWriter, r *http.Request, j *job, heading string) error {
	v, err := s.visit(r, r.PathValue("cycle"))
	if err != nil {
		return err
	}
	defer v.close()
	w.Header().Set("Refresh", "2")
	return s.render(w, http.StatusOK, "progress", progressPage{frame: v.plainFrame("At work", ""), Heading: heading, Done: j.done.Load(), Of: j.of.Load(), Again: v.path})
}
