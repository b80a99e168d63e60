package web

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/daybook-engine/daybook/domain"
)

// What is on its way from one page to the next: a file of people's words lies
// in memory alone, for as long as somebody needs to say what its columns are.
const (
	keptFor  = 30 * time.Minute
	mostKept = 4
)

var errGone = domain.Missing("work_gone", "this is no longer kept: a file is forgotten after half an hour, when Daybook ends, or when others come after it. Nothing more was recorded. Choose it again")

// A drawer keeps work under keys that nobody guesses, a little of it and for a
// short time. It belongs to who acts on the pages.
type drawer struct {
	mu   sync.Mutex
	kept []*work // the newest last
}

// A work is something that somebody has begun: it is looked at before it is
// done, and done once for each time that its form was sent.
type work struct {
	key   string
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

// put keeps work, and forgets the oldest where there is too much.
func (d *drawer) put(w *work, now time.Time) (key string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.kept) >= mostKept {
		if i := slices.IndexFunc(d.kept, (*work).idle); i >= 0 {
			d.kept = slices.Delete(d.kept, i, i+1)
		}
	}
	key = rand.Text()
	w.key, w.until = key, now.Add(keptFor)
	d.kept = append(d.kept, w)
	time.AfterFunc(keptFor, func() { d.forget(key) }) // also when nobody asks any more; it holds nothing but the key
	return key
}

func (d *drawer) take(key, cycle string, now time.Time) (*work, error) {
	d.tidy(now)
	d.mu.Lock()
	defer d.mu.Unlock()
	i := slices.IndexFunc(d.kept, func(w *work) bool { return w.key == key && w.cycle == cycle })
	if i < 0 {
		return nil, errGone
	}
	return d.kept[i], nil
}

// undoing is the work of taking an import back; nil where there is none.
func (d *drawer) undoing(cycle, id string) *work {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, w := range slices.Backward(d.kept) {
		if w.cycle == cycle && w.undo == id {
			return w
		}
	}
	return nil
}

func (d *drawer) forget(key string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.kept = slices.DeleteFunc(d.kept, func(w *work) bool { return w.key == key && w.idle() })
}

// tidy forgets what has lain too long.
func (d *drawer) tidy(now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.kept = slices.DeleteFunc(d.kept, func(w *work) bool { return now.After(w.until) && w.idle() })
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
