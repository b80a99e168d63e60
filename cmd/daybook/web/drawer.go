package web

import (
	"crypto/rand"
	"slices"
	"sync"
	"time"

	"github.com/daybook-engine/daybook/domain"
)

// What is on its way from one page to the next: a file of people's words lies
// in memory alone, for as long as somebody needs to say what its columns are.
const (
	keptFor  = 30 * time.Minute
	mostKept = 4
)

var errTheirs = domain.Deny("work_of_another", "this was begun by somebody else, or in another role, and is theirs to go on with. What is being recorded for them goes on")

var errGone = domain.Missing("work_gone", "this is no longer kept: a file is forgotten after half an hour, when Daybook ends, or when others come after it. Nothing more was recorded. Choose it again")

// A Drawer keeps work under keys that nobody guesses, a little of it and for a
// short time. What is in it belongs to who began it.
type Drawer struct {
	mu   sync.Mutex
	kept []*work // the newest last
}

// put keeps work, and forgets the oldest where there is too much.
func (d *Drawer) put(w *work, now time.Time) (key string) {
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

func (d *Drawer) take(by, key, cycle string, now time.Time) (*work, error) {
	d.tidy(now)
	d.mu.Lock()
	defer d.mu.Unlock()
	i := slices.IndexFunc(d.kept, func(w *work) bool { return w.key == key && w.cycle == cycle })
	switch {
	case i < 0:
		return nil, errGone
	case d.kept[i].by != by:
		return nil, errTheirs
	}
	return d.kept[i], nil
}

// undoing is the work of taking an import back; nil where there is none.
func (d *Drawer) undoing(cycle, id string) *work {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, w := range slices.Backward(d.kept) {
		if w.cycle == cycle && w.undo == id {
			return w
		}
	}
	return nil
}

func (d *Drawer) forget(key string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.kept = slices.DeleteFunc(d.kept, func(w *work) bool { return w.key == key && w.idle() })
}

// tidy forgets what has lain too long.
func (d *Drawer) tidy(now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.kept = slices.DeleteFunc(d.kept, func(w *work) bool { return now.After(w.until) && w.idle() })
}
