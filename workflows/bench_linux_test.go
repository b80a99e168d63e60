package workflows_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/access"
	"github.com/daybook-engine/daybook/domain/match"
	mentoring "github.com/daybook-engine/daybook/domain/mentor"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/memory"
	"github.com/daybook-engine/daybook/eventstore/sqlite"
	sealing "github.com/daybook-engine/daybook/eventstore/vault"
	"github.com/daybook-engine/daybook/projections"
	"github.com/daybook-engine/daybook/workflows"
	"github.com/daybook-engine/daybook/workflows/sheet"
)

// sealed is the real vault as the engine knows it.
type sealed struct{ *sealing.Vault }

func (s sealed) Put(ctx context.Context, secrets []workflows.Secret) error {
	rows := make([]sealing.Secret, len(secrets))
	for i, x := range secrets {
		subjects := make([]string, len(x.Subjects))
		for j, p := range x.Subjects {
			subjects[j] = string(p)
		}
		rows[i] = sealing.Secret{Digest: string(x.Digest), Subjects: subjects, Kind: string(x.Kind), Readers: string(x.Readers), Salt: x.Salt, Text: x.Text}
	}
	return s.Vault.Put(ctx, rows...)
}

func (s sealed) SetHandle(ctx context.Context, handle string, person domain.Person) error {
	return s.Vault.SetHandle(ctx, handle, string(person))
}

func (s sealed) Person(ctx context.Context, handle string) (domain.Person, error) {
	p, err := s.Vault.Person(ctx, handle)
	return domain.Person(p), err
}

// A bench is a log with matches of ten events each, on a disk.
type bench struct {
	b     testing.TB
	store *sqlite.Store
	vault sealed
	bare  *os.File
}

func newBench(b *testing.B, delay time.Duration) *bench {
	dir := b.TempDir()
	store, err := sqlite.Open(filepath.Join(dir, "log.db"), sqlite.Options{Delay: delay})
	require.NoError(b, err)
	b.Cleanup(func() { store.Close() })
	v, err := sealing.Open(sealing.Options{Dir: dir})
	require.NoError(b, err)
	b.Cleanup(func() { v.Close() })
	bare, err := os.Create(filepath.Join(dir, "bare"))
	require.NoError(b, err)
	b.Cleanup(func() { bare.Close() })
	return &bench{b, store, sealed{v}, bare}
}

// engine is one that remembers nothing.
func (x *bench) engine() *workflows.Engine {
	g, err := workflows.New(x.b.Context(), workflows.Config{Store: x.store, Vault: x.vault, Now: time.Now, Tzdata: "2024a"})
	require.NoError(x.b, err)
	return g
}

var benchTerms = match.Terms{
	Sessions:    programme.Sessions{Min: 2, Max: 3, MinMinutes: 60, MaxMinutes: 90, Modes: []string{"online"}},
	Reflections: programme.Reflection{Session: []string{"mentee", "mentor"}, Final: []string{"mentee"}},
	Completion:  programme.Completion{Version: "1", ConformingSessions: 2, FinalReflections: []string{"mentee"}},
	Agreement:   "1", Zone: "Europe/Berlin",
}

// ten is a match's first ten events.
func ten(b testing.TB, n int) []eventstore.Event {
	mentee := domain.Person(domain.UUID5("mentee", fmt.Sprint(n%50)))
	mentor := domain.Person(domain.UUID5("mentor", fmt.Sprint(n%50)))
	pair := match.Pair{Mentee: mentee, Mentor: mentor}
	note := domain.Private{}.About(domain.Personal, domain.Programme, mentee, mentor).Commit([]byte("salt"))
	slot := func(local string) match.Slot {
		at, err := time.Parse("2006-01-02T15:04", local)
		require.NoError(b, err)
		return match.Slot{Local: local, Zone: "Europe/Berlin", Start: at.UTC(), Mode: "online"}
	}
	var out []eventstore.Event
	for i, event := range []any{
		match.Proposed{Pair: pair, Rationale: note, Terms: benchTerms},
		match.Accepted{Side: "mentee"}, match.Accepted{Side: "mentor", Both: true}, match.Made{Pair: pair, Made: monday, ContactDue: monday},
		match.AgreementSigned{Side: "mentee", Version: "1", Signed: monday}, match.AgreementSigned{Side: "mentor", Version: "1", Signed: monday},
		match.AgreementInForce{Version: "1", From: monday}, match.ContactMade{Side: "mentee"},
		match.SessionScheduled{Session: 1, Slot: slot("2024-01-10T10:00")}, match.SessionRescheduled{Session: 1, Was: slot("2024-01-10T10:00"), Now: slot("2024-01-11T10:00"), Sequence: 1},
	} {
		name, body, err := schema.Encode(event)
		require.NoError(b, err)
		command := uuid.New()
		id := uuid.NewSHA1(command, []byte("0"))
		metadata, err := schema.Envelope{
			ID: id.String(), Name: name, RecordedAt: monday.Add(time.Duration(i) * time.Minute), OccurredAt: monday, Actor: string(mentee), Role: "mentee",
			Channel: "web", Book: "cycle/spring", CommandID: command.String(), Correlation: command.String(), Subjects: []domain.Person{mentee, mentor},
			Salt: "AAAAAAAAAAAAAAAAAAAAAA",
		}.Encode()
		require.NoError(b, err)
		out = append(out, eventstore.Event{ID: id, Name: name, Data: body, Metadata: metadata})
	}
	return out
}

// matches appends matches from number first, and gives their names.
func (x *bench) matches(first, n int) []string { return x.append(first, n, 10) }

// append is matches with the first so many events of each.
func (x *bench) append(first, n, events int) []string {
	list := make([]string, n)
	callers := make(chan struct{}, 256)
	var wg sync.WaitGroup
	for i := range list {
		list[i] = fmt.Sprintf("m%d", first+i)
		callers <- struct{}{}
		wg.Go(func() {
			defer func() { <-callers }()
			_, err := x.store.Append(x.b.Context(), match.ID{Cycle: "spring", Match: list[i]}.Stream(), eventstore.NoStream, ten(x.b, i)[:events]...)
			if err != nil {
				x.b.Error(err)
			}
		})
	}
	wg.Wait()
	return list
}

// plan has the engine plan the cycle that the matches are of.
func (x *bench) plan(g *workflows.Engine) {
	x.do(g, "definition.publish", encode(x.b, fields{"programme": "nemo-121", "definition": nemo(x.b).Definition}))
	x.do(g, "cycle.plan", encode(x.b, fields{"cycle": "spring", "programme": "nemo-121", "title": "Spring", "from": "2024-03", "to": "2024-06"}))
}

// newest is the place of the log's newest event.
func (x *bench) newest() (at eventstore.Place) {
	for r, err := range x.store.ReadAll(x.b.Context(), eventstore.ReadAll{Backwards: true, Limit: 1}) {
		require.NoError(x.b, err)
		at = eventstore.PlaceOf(r)
	}
	return at
}

// reschedule always moves a session: from one hour to another.
func reschedule(name string, n int) []byte {
	return fmt.Appendf(nil, `{"cycle":"spring","match":"%s","session":1,"local":"2024-02-%02dT%02d:00","zone":"Europe/Berlin","mode":"online"}`, name, 1+n/20%28, 1+n%20)
}

var coordinator = domain.UUID5("coordinator")

func (x *bench) do(g *workflows.Engine, command string, with []byte) time.Duration {
	cause := workflows.Cause{CommandID: uuid.New(), Actor: coordinator, Role: access.Coordinator, Channel: "web"}
	start := time.Now()
	r, err := g.Do(x.b.Context(), command, with, cause)
	took := time.Since(start)
	if err != nil || len(r.Names) == 0 {
		x.b.Errorf("%s: %v %v", with, r, err)
	}
	return took
}

// beside measures what the match's last event would take at least: its bytes
// appended to a file and flushed; and what the store takes to append it.
func (x *bench) beside(name string, n int) (bare, appended time.Duration) {
	b := x.b.(*testing.B)
	var e eventstore.Recorded
	for r, err := range x.store.ReadStream(b.Context(), match.ID{Cycle: "spring", Match: name}.Stream(), eventstore.ReadStream{Backwards: true, Limit: 1}) {
		require.NoError(b, err)
		e = r
	}
	line := slices.Concat(e.ID[:], []byte(e.Stream), []byte(e.Name), e.Data, e.Metadata)
	start := time.Now()
	_, err := x.bare.Write(line)
	if err == nil {
		err = unix.Fdatasync(int(x.bare.Fd()))
	}
	bare = time.Since(start)
	require.NoError(b, err)

	e.ID = uuid.New()
	stream := fmt.Sprintf("beside-%d", n)
	start = time.Now()
	_, err = x.store.Append(b.Context(), stream, eventstore.NoStream, e.Event)
	appended = time.Since(start)
	require.NoError(b, err)
	return bare, appended
}

// single measures one caller, each command beside its own bytes.
func (x *bench) single(command func(n int) (name string, took time.Duration)) {
	b := x.b.(*testing.B)
	var ours, bare, appended []time.Duration
	for n := 0; b.Loop(); n++ {
		name, took := command(n)
		least, store := x.beside(name, n)
		ours, bare, appended = append(ours, took), append(bare, least), append(appended, store)
	}
	us := func(list []time.Duration, p int) float64 { return float64(percentile(list, p).Nanoseconds()) / 1e3 }
	b.ReportMetric(us(ours, 50), "p50_us")
	b.ReportMetric(us(ours, 99), "p99_us")
	b.ReportMetric(us(bare, 50), "bare_p50_us")
	b.ReportMetric(us(appended, 50), "append_p50_us")
	b.ReportMetric(us(ours, 50)/us(bare, 50), "ratio")
	b.ReportMetric(us(ours, 50)/us(appended, 50), "ratio_append")
}

func percentile(took []time.Duration, p int) time.Duration {
	took = slices.Sorted(slices.Values(took))
	return took[len(took)*p/100]
}

// BenchmarkCommand is one caller and one event a command, on streams of ten
// events: read from the log, in memory, and with a text to seal.
func BenchmarkCommand(b *testing.B) {
	b.Run("uncached", func(b *testing.B) {
		x := newBench(b, 0)
		const each = 2000
		list := x.matches(0, each)
		var g *workflows.Engine
		x.single(func(n int) (string, time.Duration) {
			if n%each == 0 {
				g = x.engine()
			}
			return list[n%each], x.do(g, "session.reschedule", reschedule(list[n%each], n/each))
		})
	})
	b.Run("cached", func(b *testing.B) {
		x := newBench(b, 0)
		g, list := x.engine(), x.matches(0, 500)
		for _, name := range list {
			x.do(g, "session.reschedule", reschedule(name, 0))
		}
		x.single(func(n int) (string, time.Duration) {
			return list[n%len(list)], x.do(g, "session.reschedule", reschedule(list[n%len(list)], 1+n/len(list)))
		})
	})
	b.Run("sealed", func(b *testing.B) {
		x := newBench(b, 0)
		g := x.engine()
		var list []string
		words := "We spoke about how to plan a year of workshops and whom to ask for what, and I left with three things to try."
		x.single(func(n int) (string, time.Duration) {
			if n/2 >= len(list) {
				more := x.matches(len(list), 500)
				for _, name := range more {
					x.do(g, "session.reschedule", reschedule(name, 0))
				}
				list = append(list, more...)
			}
			name := list[n/2]
			return name, x.do(g, "reflection.file", fmt.Appendf(nil, `{"cycle":"spring","match":"%s","side":"%s","kind":"final","text":"%s"}`,
				name, []string{"mentee", "mentor"}[n%2], words))
		})
	})
}

// BenchmarkEngine is what a command costs without a disk: in memory, and the
// log too.
func BenchmarkEngine(b *testing.B) {
	const streams = 500
	store := memory.New()
	for i := range streams {
		_, err := store.Append(b.Context(), match.ID{Cycle: "spring", Match: fmt.Sprintf("m%d", i)}.Stream(), eventstore.NoStream, ten(b, i)...)
		require.NoError(b, err)
	}
	g, err := workflows.New(b.Context(), workflows.Config{Store: store, Vault: newVault(), Now: time.Now, Tzdata: "2024a"})
	require.NoError(b, err)
	x := &bench{b: b}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		x.do(g, "session.reschedule", reschedule(fmt.Sprintf("m%d", n%streams), n/streams))
	}
}

// callers does b.N pieces of work from so many goroutines.
func callers(b *testing.B, n int, work func(caller, turn int) time.Duration) (rate float64, took []time.Duration) {
	lists := make([][]time.Duration, n)
	turns := make(chan struct{}, n)
	var wg sync.WaitGroup
	for c := range n {
		wg.Go(func() {
			for range turns {
				lists[c] = append(lists[c], work(c, len(lists[c])))
			}
		})
	}
	done := 0
	for b.Loop() {
		turns <- struct{}{}
		done++
	}
	close(turns)
	wg.Wait()
	return float64(done) / b.Elapsed().Seconds(), slices.Concat(lists...)
}

// BenchmarkCommands is 64 callers, each on streams of its own, in memory;
// beside it the same bytes appended straight to the store by 64 callers.
func BenchmarkCommands(b *testing.B) {
	var commands float64
	b.Run("callers=64", func(b *testing.B) { commands = manyCommands(b, 64, 0) })
	b.Run("append=64", func(b *testing.B) {
		x := newBench(b, 0)
		event := ten(b, 0)[9]
		rate, took := callers(b, 64, func(c, turn int) time.Duration {
			e := event
			e.ID = uuid.New()
			start := time.Now()
			if _, err := x.store.Append(b.Context(), fmt.Sprintf("beside-%d-%d", c, turn), eventstore.NoStream, e); err != nil {
				b.Error(err)
			}
			return time.Since(start)
		})
		b.ReportMetric(rate, "appends/s")
		b.ReportMetric(percentile(took, 99).Seconds()*1e3, "p99_ms")
		b.ReportMetric(commands/rate, "of_appends")
	})
}

// BenchmarkCommandsSlow compares 64 callers and one on a disk that takes a
// millisecond more for each commit.
func BenchmarkCommandsSlow(b *testing.B) {
	var rate [2]float64
	for i, n := range []int{1, 64} {
		b.Run(fmt.Sprintf("callers=%d", n), func(b *testing.B) {
			rate[i] = manyCommands(b, n, time.Millisecond)
			if i == 1 && rate[0] > 0 {
				b.ReportMetric(rate[1]/rate[0], "×one")
			}
		})
	}
}

func manyCommands(b *testing.B, n int, delay time.Duration) float64 {
	const each = 32
	x := newBench(b, delay)
	g, list := x.engine(), x.matches(0, n*each)
	var wg sync.WaitGroup
	for c := range n {
		wg.Go(func() {
			for i := range each {
				x.do(g, "session.reschedule", reschedule(list[c*each+i], 0))
			}
		})
	}
	wg.Wait()
	rate, took := callers(b, n, func(c, turn int) time.Duration {
		return x.do(g, "session.reschedule", reschedule(list[c*each+turn%each], 1+turn/each))
	})
	b.ReportMetric(rate, "commands/s")
	b.ReportMetric(percentile(took, 99).Seconds()*1e3, "p99_ms")
	return rate
}

// BenchmarkReplay reads a log of 200,000 events, decodes each body and folds
// it, in order. Decoding runs ahead on as many goroutines as there are cores.
func BenchmarkReplay(b *testing.B) {
	const events = 200_000
	x := newBench(b, 0)
	x.matches(0, events/10)
	size := 0
	for _, e := range ten(b, 0) {
		size += len(e.Data) + len(e.Metadata)
	}
	b.ReportMetric(float64(size)/10, "B/event")
	for b.Loop() {
		n, moved := 0, map[string]int{}
		err := replay(b.Context(), x.store, func(stream string, event any) {
			n++
			switch event.(type) {
			case match.SessionScheduled, match.SessionRescheduled:
				moved[stream]++
			}
		})
		require.NoError(b, err)
		require.Equal(b, events, n)
		require.Len(b, moved, events/10)
	}
	b.ReportMetric(float64(events*b.N)/b.Elapsed().Seconds(), "events/s")
}

// replay shows every event of a log to see, in order.
func replay(ctx context.Context, store eventstore.Store, see func(stream string, event any)) error {
	type chunk struct {
		read   []eventstore.Recorded
		events []any
		err    error
		done   chan struct{}
	}
	const length = 512
	undecoded, inOrder := make(chan *chunk, 4), make(chan *chunk, 4)
	var wg sync.WaitGroup
	defer wg.Wait()
	for range 2 {
		wg.Go(func() {
			for c := range undecoded {
				c.events = make([]any, len(c.read))
				for i, r := range c.read {
					event, err := schema.Decode(r.Name, r.Data)
					if err != nil {
						c.err = err
						break
					}
					c.events[i] = event
				}
				close(c.done)
			}
		})
	}
	wg.Go(func() {
		defer close(inOrder)
		defer close(undecoded)
		c := &chunk{done: make(chan struct{})}
		send := func() {
			undecoded <- c
			inOrder <- c
			c = &chunk{done: make(chan struct{}), read: make([]eventstore.Recorded, 0, length)}
		}
		for r, err := range store.ReadAll(ctx, eventstore.ReadAll{}) {
			if err != nil {
				c.err = err
				break
			}
			if c.read = append(c.read, r); len(c.read) == length {
				send()
			}
		}
		send()
	})
	var failed error
	for c := range inOrder {
		<-c.done
		if failed == nil {
			failed = c.err
		}
		if failed != nil {
			continue // let the others end
		}
		for i, r := range c.read {
			see(r.Stream, c.events[i])
		}
	}
	return failed
}

// BenchmarkDue lets 10,000 things fall due at one instant, first contacts in as
// many matches, while somebody does something every 5 ms. The policies and
// the read models follow, as in a serving process.
func BenchmarkDue(b *testing.B) {
	const due = 10_000
	var drained, cpu, took []time.Duration
	for n := 0; b.Loop(); n++ {
		b.StopTimer()
		x := newBench(b, 0)
		g := x.engine()
		x.plan(g)
		x.append(0, due, 4) // up to match.made
		list := x.matches(due, 500)
		views, err := projections.Open(filepath.Join(b.TempDir(), "views.db"), x.store)
		require.NoError(b, err)
		require.NoError(b, views.CatchUp(b.Context()))
		at := &mark{x.newest()} // what was appended by hand nobody answers
		b.StartTimer()

		following, end := context.WithCancel(b.Context())
		var others sync.WaitGroup
		others.Go(func() { _ = views.Run(following) })
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			next := time.NewTicker(5 * time.Millisecond)
			defer next.Stop()
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				case <-next.C:
					took = append(took, x.do(g, "session.reschedule", reschedule(list[i%len(list)], i/len(list))))
				}
			}
		}()
		issued, start, before := 0, time.Now(), worked(b)
		for more := 1; more > 0; issued += more {
			more, err = g.Tick(b.Context(), agenda{views})
			require.NoError(b, err)
			require.NoError(b, g.CatchUp(b.Context(), at))
		}
		drained, cpu = append(drained, time.Since(start)), append(cpu, worked(b)-before)
		close(stop)
		<-stopped
		require.Equal(b, due, issued)
		end()
		others.Wait()
		views.Close()
	}
	b.ReportMetric(percentile(drained, 50).Seconds(), "s/10000due")
	b.ReportMetric(percentile(cpu, 50).Seconds(), "cpu_s/10000due")
	b.ReportMetric(percentile(took, 50).Seconds()*1e3, "p50_ms")
	b.ReportMetric(percentile(took, 99).Seconds()*1e3, "p99_ms")
}

// worked is the processor time that this process has had.
func worked(b *testing.B) time.Duration {
	var u unix.Rusage
	require.NoError(b, unix.Getrusage(unix.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkReact is what policies need for an answer, on streams that have
// nothing to do with each other: one after the other, as CatchUp lets them, and
// those of different streams beside each other. Two answers make a match.
func BenchmarkReact(b *testing.B) {
	const each = 500
	prepare := func(x *bench, first int) {
		for i := range each {
			name := fmt.Sprintf("m%d", first+i)
			mentor := domain.Person(domain.UUID5("mentor", name))
			events := ten(x.b, i)[:3]
			pair := match.Pair{Mentee: domain.Person(domain.UUID5("mentee", name)), Mentor: mentor}
			note := domain.Private{}.About(domain.Personal, domain.Programme, pair.Mentee, mentor).Commit([]byte("salt"))
			put := func(stream string, events ...eventstore.Event) {
				_, err := x.store.Append(b.Context(), stream, eventstore.NoStream, events...)
				require.NoError(b, err)
			}
			events[0].Data = encodeEvent(b, match.Proposed{Pair: pair, Rationale: note, Terms: benchTerms})
			joined := ten(x.b, i)[0]
			joined.Name, joined.Data = "mentor.joined", encodeEvent(b, mentoring.Joined{Mentor: mentor, Pool: "pool", Capacity: 1})
			put("mentor-"+string(mentor), joined)
			put(match.ID{Cycle: "spring", Match: name}.Stream(), events...)
		}
	}
	run := func(name string, react func(g *workflows.Engine, events []eventstore.Recorded)) {
		b.Run(name, func(b *testing.B) {
			x := newBench(b, 0)
			var at eventstore.Position
			var took time.Duration
			for n := 0; b.Loop(); n++ {
				prepare(x, n*each)
				g := x.engine()
				for start := time.Now(); ; {
					var events []eventstore.Recorded
					for r, err := range x.store.ReadAll(b.Context(), eventstore.ReadAll{After: at}) {
						require.NoError(b, err)
						events = append(events, r)
					}
					if len(events) == 0 {
						took += time.Since(start)
						break
					}
					react(g, events)
					at = events[len(events)-1].Position
				}
			}
			made := count(names(b, x.store), "match.made")
			require.Equal(b, b.N*each, made)
			b.ReportMetric(float64(took.Microseconds())/float64(2*made), "us/answer")
		})
	}
	run("in order", func(g *workflows.Engine, events []eventstore.Recorded) {
		for _, r := range events {
			require.NoError(b, g.React(b.Context(), r))
		}
	})
	for _, beside := range []int{2, 8, 64} {
		run(fmt.Sprint("beside ", beside), func(g *workflows.Engine, events []eventstore.Recorded) {
			streams := map[string][]eventstore.Recorded{}
			for _, r := range events {
				streams[r.Stream] = append(streams[r.Stream], r)
			}
			var group errgroup.Group
			group.SetLimit(beside)
			for _, list := range streams {
				group.Go(func() error {
					for _, r := range list {
						if err := g.React(b.Context(), r); err != nil {
							return err
						}
					}
					return nil
				})
			}
			require.NoError(b, group.Wait())
		})
	}
}

func encodeEvent(b testing.TB, event any) []byte {
	_, body, err := schema.Encode(event)
	require.NoError(b, err)
	return body
}

// answering is the real vault, telling as the command line's does that nobody
// has a handle.
type answering struct{ sealed }

func (a answering) Person(ctx context.Context, handle string) (domain.Person, error) {
	p, err := a.sealed.Person(ctx, handle)
	if errors.Is(err, sealing.ErrNotFound) {
		err = workflows.ErrHandle.Because(handle)
	}
	return p, err
}

// BenchmarkImport is a spreadsheet of a thousand applications by people whom
// nobody knows yet, on a disk: previewed, brought in, and brought in again.
func BenchmarkImport(b *testing.B) {
	const rows = 1000
	f := excelize.NewFile()
	defer f.Close()
	require.NoError(b, f.SetSheetRow("Sheet1", "A1", &[]any{"Name", "E-Mail", "Eingang", "Weg", "motives", "strengths", "priorities"}))
	for n := range rows {
		require.NoError(b, f.SetSheetRow("Sheet1", fmt.Sprintf("A%d", n+2), &[]any{
			fmt.Sprintf("Person No%d", n), fmt.Sprintf("p%d@example.org", n), monday.Add(4 * time.Hour), "staff",
			"I teach alone, and would like to speak about it with somebody who has done so for long.", "Patience, and a loud voice.", "one\ntwo\nthree",
		}))
	}
	file, err := f.WriteToBuffer()
	require.NoError(b, err)
	var previewed, imported, again []time.Duration
	for b.Loop() {
		b.StopTimer()
		x := newBench(b, 0)
		clock := &workflows.VirtualClock{}
		clock.Set(monday)
		g, err := workflows.New(b.Context(), workflows.Config{Store: x.store, Vault: answering{x.vault}, Now: clock.Now, Tzdata: "2024a"})
		require.NoError(b, err)
		o := &office{Engine: g, t: b, store: x.store, clock: clock}
		o.prepare(2)
		clock.Set(monday.AddDate(0, 0, 1))
		b.StartTimer()
		timed := func(do func(context.Context, workflows.Import) (*workflows.Imported, error), recorded int) time.Duration {
			start := time.Now()
			s, err := sheet.Read("forms.xlsx", file.Bytes(), sheet.Map{})
			require.NoError(b, err)
			done, err := do(b.Context(), workflows.Import{
				Kind: "applications", Cycle: "spring", By: "coordinator/c1", Channel: "import", Sheet: s,
				Open: func(ctx context.Context, d domain.Digest) (string, error) {
					secret, err := x.vault.Reveal(ctx, string(d))
					return secret.Text, err
				},
			})
			require.NoError(b, err)
			require.Equal(b, recorded, done.Counts().Recorded)
			return time.Since(start)
		}
		previewed = append(previewed, timed(o.Preview, rows))
		imported = append(imported, timed(o.Import, rows))
		again = append(again, timed(o.Import, 0))
	}
	for name, took := range map[string][]time.Duration{"preview_ms": previewed, "import_ms": imported, "again_ms": again} {
		b.ReportMetric(float64(percentile(took, 50).Milliseconds()), name)
	}
}
