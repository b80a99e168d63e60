package storetest

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/daybook-engine/daybook/eventstore"
)

// ErrInjected is what a FlakyStore's appends fail with. It leaves the outcome
// unknown, as a lost connection does.
var ErrInjected = errors.New("injected fault")

// A Fault is what befalls an append.
type Fault int

const (
	NoFault    Fault = iota
	NotApplied       // the events are not written, and the caller is told ErrInjected
	Applied          // the events are written, and the caller is told ErrInjected all the same
)

// A FlakyStore is a store whose appends may fail having applied or not. A
// writer that can't live with either is wrong.
type FlakyStore struct {
	eventstore.Store
	mu   sync.Mutex
	next func() Fault
	off  atomic.Bool
}

// Flaky makes a store flaky. next is asked at each append that has events,
// one call at a time.
func Flaky(s eventstore.Store, next func() Fault) *FlakyStore {
	return &FlakyStore{Store: s, next: next}
}

// Seeded gives the same faults for the same seed: about every fourth append
// fails, half of them applied.
func Seeded(seed uint64) func() Fault {
	r := rand.New(rand.NewPCG(seed, 0))
	return func() Fault {
		return []Fault{NotApplied, Applied, NoFault, NoFault, NoFault, NoFault, NoFault, NoFault}[r.IntN(8)]
	}
}

// Off ends the faults.
func (f *FlakyStore) Off() { f.off.Store(true) }

func (f *FlakyStore) Append(ctx context.Context, stream string, expected eventstore.Expected, events ...eventstore.Event) (eventstore.Result, error) {
	fault := NoFault
	if len(events) > 0 && !f.off.Load() {
		f.mu.Lock()
		fault = f.next()
		f.mu.Unlock()
	}
	if fault == NotApplied {
		return eventstore.Result{}, ErrInjected
	}
	r, err := f.Store.Append(ctx, stream, expected, events...)
	if err == nil && fault == Applied {
		return eventstore.Result{}, ErrInjected
	}
	return r, err
}
