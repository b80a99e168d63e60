package main_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	main "github.com/daybook-engine/daybook/cmd/daybook"
)

// A machine that was off over night makes its backup when it is on, one that
// failed is tried again after an hour, and one that is not due is waited for.
func TestABackupIsMadeEachDay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		began := time.Now()
		last := began.Add(-20 * time.Hour)
		var tried []time.Duration
		err := main.Daily(ctx, func() (time.Time, error) { return last, nil }, func(now time.Time) error {
			tried = append(tried, now.Sub(began)/time.Hour)
			switch len(tried) {
			case 2:
				return errors.New("no disk is there")
			case 4:
				last = now.Add(1000 * time.Hour) // the clock was ahead then
			case 5:
				cancel()
			default:
				last = now
			}
			return nil
		})
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, []time.Duration{4, 28, 29, 53, 53 + 24}, tried)
	})
}
