package projections_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/memory"
	"github.com/daybook-engine/daybook/eventstore/sqlite"
	"github.com/daybook-engine/daybook/projections"
)

// BenchmarkRebuild makes all views from a log of many seasons, and those alone that
// show a season, without proofs, messages and gatherings: from 100,000 events, or
// as many as DAYBOOK_BENCH_EVENTS says. Besides events per second it tells
// the most memory that the process held meanwhile.
func BenchmarkRebuild(b *testing.B) {
	events := benchEvents()
	ctx, dir := context.Background(), b.TempDir()
	store, err := sqlite.Open(filepath.Join(dir, "log.db"), sqlite.Options{})
	require.NoError(b, err)
	defer store.Close()
	seasons(b, store, events)
	for _, of := range []struct {
		name  string
		views []projections.Projection
	}{{"all", projections.All()}, {"season", projections.All()[:8]}} {
		b.Run(of.name, func(b *testing.B) {
			debug.FreeOSMemory()
			_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // the peak is counted from here on, where the system can
			for b.Loop() {
				require.NoError(b, projections.RebuildWith(ctx, filepath.Join(dir, "views.db"), store, of.views, nil))
			}
			b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(peak(), "MiB-peak")
		})
	}
}

// BenchmarkReady opens a log with current views, as any command does, and
// reads the head.
func BenchmarkReady(b *testing.B) {
	ctx, dir := context.Background(), b.TempDir()
	log, path := filepath.Join(dir, "log.db"), filepath.Join(dir, "views.db")
	store, err := sqlite.Open(log, sqlite.Options{})
	require.NoError(b, err)
	seasons(b, store, benchEvents())
	require.NoError(b, projections.Rebuild(ctx, path, store, nil))
	require.NoError(b, store.Close())
	for b.Loop() {
		store, err := sqlite.Open(log, sqlite.Options{})
		require.NoError(b, err)
		v, err := projections.Open(path, store)
		require.NoError(b, err)
		require.NoError(b, v.CatchUp(ctx))
		head, err := store.Head(ctx)
		require.NoError(b, err)
		require.Equal(b, head, v.Position())
		b.StopTimer()
		require.NoError(b, v.Close())
		require.NoError(b, store.Close())
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N), "ms")
}

// BenchmarkCatchUp follows a season event by event, as a rehearsal does after
// each command.
func BenchmarkCatchUp(b *testing.B) {
	ctx := context.Background()
	facts := season(b)
	var events int
	for b.Loop() {
		b.StopTimer()
		store := memory.New()
		v, err := projections.Open(filepath.Join(b.TempDir(), "views.db"), store)
		require.NoError(b, err)
		for i := range facts {
			write(b, store, facts[i:i+1])
			b.StartTimer()
			require.NoError(b, v.CatchUp(ctx))
			b.StopTimer()
		}
		events += len(facts)
		require.NoError(b, v.Close())
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(events), "us/event")
}

func benchEvents() int {
	if n, err := strconv.Atoi(os.Getenv("DAYBOOK_BENCH_EVENTS")); err == nil {
		return n
	}
	return 100_000
}

// seasons writes as many seasons as make so many events, each stream's in one
// append.
func seasons(b *testing.B, store eventstore.Store, events int) {
	written := 0
	for i := 0; written < events; i++ {
		w := &writer{t: b, cycle: fmt.Sprintf("cycle-%d", i), year: 2023 + i, now: start}
		if i == 0 {
			w.setUp()
		}
		w.season()
		w.facts = w.facts[:min(len(w.facts), events-written)]
		written += len(w.facts)
		for len(w.facts) > 0 { // neighbours in one stream go together
			n := 1
			for n < len(w.facts) && w.facts[n].stream == w.facts[0].stream {
				n++
			}
			var batch []eventstore.Event
			for _, f := range w.facts[:n] {
				batch = append(batch, f.event)
			}
			_, err := store.Append(context.Background(), w.facts[0].stream, eventstore.Any, batch...)
			require.NoError(b, err)
			w.facts = w.facts[n:]
		}
	}
}

// peak is the most memory the process held, in MiB; 0 where the system
// doesn't say.
func peak() float64 {
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		if kb, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, _ := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(kb), " kB"), 64)
			return n / 1024
		}
	}
	return 0
}
