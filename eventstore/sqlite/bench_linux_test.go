package sqlite_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/sqlite"
)

// BenchmarkAppend is one caller appending one event at a time, beside what
// the disk takes at least: the same bytes appended to a file and flushed. The
// two take turns, so that what disturbs one disturbs the other.
func BenchmarkAppend(b *testing.B) {
	s := openSlow(b, 0)
	bare, err := os.Create(filepath.Join(b.TempDir(), "bare"))
	require.NoError(b, err)
	defer bare.Close()

	var ours, least []time.Duration
	for i := 0; b.Loop(); i++ {
		stream, e := fmt.Sprintf("application-%d", i%1000), benchEvent()
		start := time.Now()
		_, err := s.Append(b.Context(), stream, eventstore.Any, e)
		ours = append(ours, time.Since(start))
		require.NoError(b, err)

		line := slices.Concat(e.ID[:], []byte(stream), []byte(e.Name), e.Data, e.Metadata)
		start = time.Now()
		_, err = bare.Write(line)
		if err == nil {
			err = unix.Fdatasync(int(bare.Fd()))
		}
		least = append(least, time.Since(start))
		require.NoError(b, err)
	}
	report(b, ours, "")
	report(b, least, "bare-")
	b.ReportMetric(float64(percentile(ours, 50))/float64(percentile(least, 50)), "×bare")
}

// BenchmarkAppend64 is 64 callers, each appending one event at a time to a
// stream of its own.
func BenchmarkAppend64(b *testing.B) { benchmarkCallers(b, 64, 0) }

// BenchmarkAppendSlow compares 64 callers and one on a disk that takes a
// millisecond more for each commit.
func BenchmarkAppendSlow(b *testing.B) {
	var rate [2]float64
	for i, callers := range []int{1, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			rate[i] = benchmarkCallers(b, callers, time.Millisecond)
			if i == 1 && rate[0] > 0 {
				b.ReportMetric(rate[1]/rate[0], "×one")
			}
		})
	}
}

func benchmarkCallers(b *testing.B, callers int, delay time.Duration) (rate float64) {
	s := openSlow(b, delay)
	took := make([][]time.Duration, callers)
	work := make(chan struct{}, callers)
	var wg sync.WaitGroup
	for c := range callers {
		stream := fmt.Sprintf("application-%d", c)
		wg.Go(func() {
			for range work {
				e := benchEvent()
				start := time.Now()
				if _, err := s.Append(b.Context(), stream, eventstore.Any, e); err != nil {
					b.Error(err)
					return
				}
				took[c] = append(took[c], time.Since(start))
			}
		})
	}
	for b.Loop() {
		work <- struct{}{}
	}
	close(work)
	wg.Wait()
	report(b, slices.Concat(took...), "")
	rate = float64(b.N) / b.Elapsed().Seconds()
	b.ReportMetric(rate, "appends/s")
	return rate
}

// BenchmarkReadAll replays a log of 200,000 events in 4,000 streams.
func BenchmarkReadAll(b *testing.B) {
	const streams, rounds, each = 4000, 10, 5
	s := openSlow(b, 0)
	for r := range rounds {
		var wg sync.WaitGroup
		callers := make(chan struct{}, 256)
		for i := range streams {
			callers <- struct{}{}
			wg.Go(func() {
				defer func() { <-callers }()
				var es []eventstore.Event
				for range each {
					es = append(es, benchEvent())
				}
				if _, err := s.Append(b.Context(), fmt.Sprintf("application-%d", i), eventstore.Any, es...); err != nil {
					b.Error(r, err)
				}
			})
		}
		wg.Wait()
	}
	b.ReportAllocs()
	rows, bytes := 0, 0
	for b.Loop() {
		for e, err := range s.ReadAll(b.Context(), eventstore.ReadAll{}) {
			if err != nil {
				b.Fatal(err)
			}
			rows++
			bytes += len(e.Data) + len(e.Metadata)
		}
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
	b.SetBytes(int64(bytes / b.N))
}

func openSlow(b *testing.B, delay time.Duration) *sqlite.Store {
	s, err := sqlite.Open(logIn(b), sqlite.Options{Delay: delay})
	require.NoError(b, err)
	b.Cleanup(func() { s.Close() })
	return s
}

func benchEvent() eventstore.Event {
	return eventstore.Event{
		ID:       uuid.New(),
		Name:     "application.received",
		Data:     slices.Concat([]byte(`{"text":"`), bytes.Repeat([]byte("answer "), 55), []byte(`"}`)),
		Metadata: slices.Concat([]byte(`{"actor":"`), bytes.Repeat([]byte("someone "), 42), []byte(`"}`)),
	}
}

func report(b *testing.B, took []time.Duration, what string) {
	for _, p := range []int{50, 99} {
		b.ReportMetric(float64(percentile(took, p).Nanoseconds())/1e3, fmt.Sprintf("%sp%d-µs", what, p))
	}
}

func percentile(took []time.Duration, p int) time.Duration {
	took = slices.Sorted(slices.Values(took))
	return took[len(took)*p/100]
}
