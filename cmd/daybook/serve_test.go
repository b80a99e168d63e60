package main_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	main "github.com/daybook-engine/daybook/cmd/daybook"
)

// A fault is told once, and what it ended is tried again after ever longer
// pauses. Another fault is told, and so is the same after it had gone.
func TestWhatAFaultEndsIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var told strings.Builder
		var tried []time.Duration
		began := time.Now()
		err := main.Persist(ctx, slog.New(slog.NewTextHandler(&told, nil)), "clock", func(ctx context.Context) error {
			tried = append(tried, time.Since(began))
			switch n := len(tried); {
			case n < 10:
				return errors.New("no room")
			case n == 10:
				return errors.New("no light")
			case n == 11:
				time.Sleep(time.Hour)
				return errors.New("no light")
			case n == 12:
				return errors.New("no light")
			}
			cancel()
			return errors.New("interrupted") // as a database says it
		})
		require.ErrorIs(t, err, context.Canceled)
		pauses := []time.Duration{}
		for i, at := range tried[1:] {
			pauses = append(pauses, (at-tried[i])/time.Second)
		}
		require.Equal(t, []time.Duration{1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 3600 + 1, 2}, pauses)
		require.Equal(t, 1, strings.Count(told.String(), "no room"), &told)
		require.Equal(t, 2, strings.Count(told.String(), "no light"), &told)
	})
}

// A log that takes no more ends the process: whoever starts it again finds out
// what was kept.
func TestAStoppedLogIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	stopped := fmt.Errorf("append: %w", main.ErrStopped)
	err := main.Persist(t.Context(), slog.New(slog.DiscardHandler), "clock", func(context.Context) error { return stopped })
	require.Equal(t, stopped, err)
}
