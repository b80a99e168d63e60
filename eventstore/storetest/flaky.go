package storetest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"sync"

	"github.com/daybook-engine/daybook/eventstore"
)

// ErrInjected is what a FlakyStore fails with. Of an append it leaves the
// outcome unknown, as a lost connection does; of a read nothing is unknown,
// and it comes with eventstore.ErrUnavailable.
var ErrInjected = errors.New("injected fault")

var errCut = fmt.Errorf("%w: %w", eventstore.ErrUnavailable, ErrInjected)

// A Fault is what befalls an append.
type Fault int

const (
	NoFault    Fault = iota
	NotApplied       // the events are not written, and the caller is told ErrInjected
	Applied          // the events are written, and the caller is told ErrInjected all the same
)

// A FlakyStore is a store whose appends may fail having applied or not, and
// whose reads and subscriptions may end with an error before their first event
// or after any other. A writer that can't live with either append is wrong,
// and so is a reader that takes a part for the whole.
type FlakyStore struct {
	eventstore.Store
	mu            sync.Mutex
	next          func() Fault
	reads         func() bool
	subscriptions func() bool
	struck        Struck
	off           bool
}

// Struck counts the faults that there were.
type Struck struct{ Appends, Reads, Subscriptions int }

// Flaky makes a store flaky. next is asked at each append that has events,
// one call at a time.
func Flaky(s eventstore.Store, next func() Fault) *FlakyStore {
	never := func() bool { return false }
	return &FlakyStore{Store: s, next: next, reads: never, subscriptions: never}
}

// Cut makes reads and subscriptions end, too: each of the two is asked where
// one begins and before everything that it gives, one call at a time.
func (f *FlakyStore) Cut(reads, subscriptions func() bool) *FlakyStore {
	f.reads, f.subscriptions = reads, subscriptions
	return f
}

// Seeded gives the same faults for the same seed: about every fourth append
// fails, half of them applied.
func Seeded(seed uint64) func() Fault {
	r := rand.New(rand.NewPCG(seed, 0))
	return func() Fault {
		return []Fault{NotApplied, Applied, NoFault, NoFault, NoFault, NoFault, NoFault, NoFault}[r.IntN(8)]
	}
}

// Sometimes says yes n times, each after as many calls as every on average and
// twice that at most: the same for the same seed.
func Sometimes(seed uint64, n, every int) func() bool {
	r := rand.New(rand.NewPCG(seed, 1))
	wait := 1 + r.IntN(2*every)
	return func() bool {
		if wait--; wait > 0 || n == 0 {
			return false
		}
		n, wait = n-1, 1+r.IntN(2*every)
		return true
	}
}

// Off ends the faults.
func (f *FlakyStore) Off() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.off = true
}

// Struck tells how often each kind of request has failed.
func (f *FlakyStore) Struck() Struck {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.struck
}

func (f *FlakyStore) fault(events int) Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	if events == 0 || f.off {
		return NoFault
	}
	fault := f.next()
	if fault != NoFault {
		f.struck.Appends++
	}
	return fault
}

// cuts asks whether this is where a read ends.
func (f *FlakyStore) cuts(asked func() bool, count *int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.off || !asked() {
		return false
	}
	*count++
	return true
}

func (f *FlakyStore) Append(ctx context.Context, stream string, expected eventstore.Expected, events ...eventstore.Event) (eventstore.Result, error) {
	fault := f.fault(len(events))
	if fault == NotApplied {
		return eventstore.Result{}, ErrInjected
	}
	r, err := f.Store.Append(ctx, stream, expected, events...)
	if err == nil && fault == Applied {
		return eventstore.Result{}, ErrInjected
	}
	return r, err
}

// Count is an eventstore.Counter's, where the store is one.
func (f *FlakyStore) Count(stream string) (n uint64, ok bool) {
	return eventstore.Count(f.Store, stream)
}

func (f *FlakyStore) ReadStream(ctx context.Context, stream string, r eventstore.ReadStream) iter.Seq2[eventstore.Recorded, error] {
	return f.read(f.Store.ReadStream(ctx, stream, r))
}

func (f *FlakyStore) ReadAll(ctx context.Context, r eventstore.ReadAll) iter.Seq2[eventstore.Recorded, error] {
	return f.read(f.Store.ReadAll(ctx, r))
}

func (f *FlakyStore) read(events iter.Seq2[eventstore.Recorded, error]) iter.Seq2[eventstore.Recorded, error] {
	return func(yield func(eventstore.Recorded, error) bool) {
		if f.cuts(f.reads, &f.struck.Reads) {
			yield(eventstore.Recorded{}, errCut)
			return
		}
		for r, err := range events {
			if !yield(r, err) || err != nil {
				return
			}
			if f.cuts(f.reads, &f.struck.Reads) {
				yield(eventstore.Recorded{}, errCut)
				return
			}
		}
	}
}

func (f *FlakyStore) Head(ctx context.Context) (eventstore.Position, error) {
	if f.cuts(f.reads, &f.struck.Reads) {
		return eventstore.Position{}, errCut
	}
	return f.Store.Head(ctx)
}

func (f *FlakyStore) Subscribe(ctx context.Context, s eventstore.Subscribe) (eventstore.Subscription, error) {
	if f.cuts(f.subscriptions, &f.struck.Subscriptions) {
		return nil, errCut
	}
	sub, err := f.Store.Subscribe(ctx, s)
	if err != nil {
		return nil, err
	}
	return &flakySubscription{Subscription: sub, store: f}, nil
}

type flakySubscription struct {
	eventstore.Subscription
	store *FlakyStore
	err   error
}

func (u *flakySubscription) Recv(ctx context.Context) (eventstore.Message, error) {
	if u.err == nil && u.store.cuts(u.store.subscriptions, &u.store.struck.Subscriptions) {
		u.err = errCut
	}
	if u.err != nil {
		return eventstore.Message{}, u.err
	}
	return u.Subscription.Recv(ctx)
}
