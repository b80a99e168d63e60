package workflows_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/memory"
	"github.com/daybook-engine/daybook/eventstore/sqlite"
	"github.com/daybook-engine/daybook/eventstore/storetest"
)

// A life is that of a process: so many steps, then it dies, before its last step
// is done or before it is told that it is. A step is an append, a checkpoint
// that is saved, or the beginning of a policy's reaction.
type life struct {
	left  int // at 0 it is dead; below, it does not die
	after bool
	kinds map[string]int // of the steps that it died at
}

func (l *life) step(kind string, do func() error) error {
	switch {
	case l.left == 0:
		return errDead
	case l.left == 1:
		l.left = 0
		when := " not done"
		if l.after {
			when = " done"
			if err := do(); err != nil && !errors.Is(err, eventstore.ErrConflict) {
				return err
			}
		}
		l.kinds[kind+when]++
		return errDead
	}
	l.left--
	return do()
}

// lived is a store as a process has it: what it has once it is dead is nothing.
type lived struct {
	eventstore.Store
	*life
}

func (s lived) Append(ctx context.Context, stream string, expected eventstore.Expected, events ...eventstore.Event) (at eventstore.Result, err error) {
	err = s.step("append", func() (err error) {
		at, err = s.Store.Append(ctx, stream, expected, events...)
		return err
	})
	return at, err
}

func (s lived) ReadStream(ctx context.Context, stream string, r eventstore.ReadStream) iter.Seq2[eventstore.Recorded, error] {
	reading := func() error { return nil }
	if strings.HasPrefix(stream, "policy-") {
		return orDead(s.Store.ReadStream(ctx, stream, r), s.step("reaction", reading))
	}
	if s.left == 0 {
		return orDead(nil, errDead)
	}
	return s.Store.ReadStream(ctx, stream, r)
}

func (s lived) ReadAll(ctx context.Context, r eventstore.ReadAll) iter.Seq2[eventstore.Recorded, error] {
	if s.left == 0 {
		return orDead(nil, errDead)
	}
	return s.Store.ReadAll(ctx, r)
}

func orDead(events iter.Seq2[eventstore.Recorded, error], err error) iter.Seq2[eventstore.Recorded, error] {
	if err == nil {
		return events
	}
	return func(yield func(eventstore.Recorded, error) bool) { yield(eventstore.Recorded{}, err) }
}

// livedMark is a checkpoint that outlives a process, and remembers where it was.
type livedMark struct {
	*life
	saved *[]eventstore.Place
}

func (m livedMark) Load(context.Context) (eventstore.Place, error) {
	list := *m.saved
	return list[len(list)-1], nil
}

func (m livedMark) Save(_ context.Context, at eventstore.Place) error {
	return m.step("checkpoint", func() error {
		*m.saved = append(*m.saved, at)
		return nil
	})
}

// TestASeasonEndsTheSameWhereverTheProcessDies plays the season in processes
// that die between any two steps. What is left is the log, the vault, and a
// checkpoint that may be older than it was: so policies are told of the same
// events again, too.
func TestASeasonEndsTheSameWhereverTheProcessDies(t *testing.T) {
	t.Parallel()
	want := playedSeason(t)
	count := &life{left: 1 << 30}
	_, err := want.playOn(t, lived{memory.New(), count}, newVault(), livedMark{count, &[]eventstore.Place{{}}}, nil)
	require.NoError(t, err)
	steps := 1<<30 - count.left
	require.Greater(t, steps, 1000)

	for name, open := range map[string]func(t *testing.T) eventstore.Store{
		"in memory": func(*testing.T) eventstore.Store { return memory.New() },
		"in a file": func(t *testing.T) eventstore.Store {
			store, err := sqlite.Open(filepath.Join(t.TempDir(), "log.db"), sqlite.Options{})
			require.NoError(t, err)
			t.Cleanup(func() { store.Close() })
			return store
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range seeds(t, 2, name != "in memory") {
				t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
					r := rand.New(rand.NewPCG(seed, 5))
					store, v := open(t), newVault()
					saved, died := []eventstore.Place{{}}, map[string]int{}
					figures, err := "", errDead
					lives := 0
					for ; errors.Is(err, errDead); lives++ {
						l := &life{left: 1 + r.IntN(steps/4), after: r.IntN(2) == 0, kinds: died}
						figures, err = want.playOn(t, lived{store, l}, v, livedMark{l, &saved}, nil)
						if r.IntN(2) == 0 { // what was not yet on the disk
							saved = saved[:1+r.IntN(len(saved))]
						}
					}
					require.NoError(t, err)
					require.Equal(t, want.figures, figures)
					requireLines(t, want.log, lines(t, store))
					require.Equal(t, want.vault.Size(), v.Size())
					storetest.CheckLog(t, store)
					t.Logf("%d lives; died when: %v", lives, died)
					require.Greater(t, lives, 4)
				})
			}
		})
	}
}
