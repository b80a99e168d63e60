package main_test

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	main "github.com/daybook-engine/daybook/cmd/daybook"
	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/domain/person"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/sqlite"
)

// BenchmarkPages renders every kind of page for a coordinator who acts, one of
// each, in a daybook of 100,000 events: of NEMO's autumn season in its midst,
// many times over. It tells milliseconds and kilobytes a page.
func BenchmarkPages(b *testing.B) {
	a, err := main.Act(b.Context(), manySeasons(b, 100_000))
	require.NoError(b, err)
	defer a.Close()
	pages, err := a.Pages(b.Context(), "coordinator/c1")
	require.NoError(b, err)
	shown := func(b *testing.B, at string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, at, nil)
		r.Host = "127.0.0.1:8080"
		w := httptest.NewRecorder()
		pages.ServeHTTP(w, r)
		require.Equal(b, http.StatusOK, w.Code, at)
		return w
	}
	seen := map[string]string{} // by what it is of
	for waiting := []string{"/"}; len(waiting) > 0; waiting = waiting[1:] {
		at := waiting[0]
		if of := sortOf(at); seen[of] == "" && !strings.Contains(of, " then") {
			seen[of] = at
			for _, m := range regexp.MustCompile(` href="(/[^"#]*)`).FindAllStringSubmatch(shown(b, at).Body.String(), -1) {
				if to := strings.ReplaceAll(m[1], "&amp;", "&"); !strings.HasPrefix(to, "/static/") && !regexp.MustCompile(`[.]ics$|[?&]as=`).MatchString(to) {
					waiting = append(waiting, to)
				}
			}
		}
	}
	require.Greater(b, len(seen), 20)
	for _, of := range slices.Sorted(maps.Keys(seen)) {
		b.Run(strings.NewReplacer("/cycles/one", "", "/", "_", " ", "_").Replace(cmp.Or(strings.TrimPrefix(of, "/cycles/one"), "dashboard")), func(b *testing.B) {
			bytes := 0
			for b.Loop() {
				bytes = shown(b, seen[of]).Body.Len()
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N), "ms")
			b.ReportMetric(float64(bytes)/1000, "kB")
			b.ReportMetric(0, "ns/op")
		})
	}
}

var (
	one   = regexp.MustCompile(`/(cycles|events|applications|matches|messages|figures|runs|imports)/[^/?]+`)
	uuids = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
)

// sortOf tells pages apart by what they are of, and not by which one, or which
// part of it; what is done, by the command.
func sortOf(at string) string {
	path, query, _ := strings.Cut(at, "?")
	if strings.HasPrefix(path, "/do/") {
		return path
	}
	of := one.ReplaceAllString(path, "/$1/one")
	if strings.Contains(query, "at=") {
		of += " then"
	}
	if query != "" && query[:3] != "at=" {
		of += " some"
	}
	return of
}

// manySeasons fills a directory with so many events: NEMO's autumn season as far
// as its midst, and the same again under other names and ids, in other programmes.
func manySeasons(b *testing.B, events int) string {
	files, dir := b.TempDir(), filepath.Join(b.TempDir(), "data")
	for _, name := range []string{"nemo-one-to-one.yaml", "nemo-2023-spring.yaml", "nemo-2023-autumn.yaml"} {
		source, err := os.ReadFile(filepath.Join("rehearsals", name))
		require.NoError(b, err)
		before, after, found := strings.Cut(string(source), "{key: unwind-m4,")
		if found {
			before += "{key: unwind-m4," + after[:strings.Index(after, "\n  - {")]
		}
		require.NoError(b, os.WriteFile(filepath.Join(files, name), []byte(before), 0o600))
	}
	out, err := exec.Command("daybook", "rehearse", filepath.Join(files, "nemo-2023-autumn.yaml"), "--data", dir).CombinedOutput()
	require.NoError(b, err, string(out))

	log, err := sqlite.Open(filepath.Join(dir, "log.db"), sqlite.Options{})
	require.NoError(b, err)
	defer func() { require.NoError(b, log.Close()) }()
	const cycle, programme = "nemo-2023-autumn", "nemo-121"
	written, people := 0, map[string]bool{}
	streams, list := map[string][]eventstore.Recorded{}, []string{}
	for r, err := range log.ReadAll(b.Context(), eventstore.ReadAll{}) {
		require.NoError(b, err)
		written++
		if id, found := strings.CutPrefix(r.Stream, person.ID{}.Stream()); found {
			people[id] = true
		}
		if strings.HasSuffix(r.Stream, "-"+programme) || strings.Contains(r.Stream+string(r.Data)+string(r.Metadata), cycle) {
			if streams[r.Stream] == nil {
				list = append(list, r.Stream)
			}
			streams[r.Stream] = append(streams[r.Stream], r)
		}
	}
	last := func(stream string) eventstore.Position { return streams[stream][len(streams[stream])-1].Position }
	slices.SortFunc(list, func(a, b string) int { return last(a).Compare(last(b)) }) // the newest is the log's end, as far as which the clock goes
	for n := 0; written < events; n++ {
		number := fmt.Sprintf("-%d", n)
		other := cycle + number
		names := strings.NewReplacer(cycle, other, programme, programme+number)
		renamed := map[string]string{}
		for id := range people {
			renamed[id] = id
			renamed[application.ID{Cycle: cycle, Call: "mentees", Person: domain.Person(id)}.Key()] = application.ID{Cycle: other, Call: "mentees", Person: domain.Person(id)}.Key()
		}
		again := func(text string) string {
			return uuids.ReplaceAllStringFunc(names.Replace(text), func(id string) string {
				if to, ok := renamed[id]; ok {
					return to
				}
				return uuid.NewSHA1(uuid.MustParse(id), []byte(other)).String()
			})
		}
		for _, stream := range list {
			var batch []eventstore.Event
			for _, r := range streams[stream] {
				batch = append(batch, eventstore.Event{ID: uuid.MustParse(again(r.ID.String())), Name: r.Name, Data: []byte(again(string(r.Data))), Metadata: []byte(again(string(r.Metadata)))})
			}
			_, err := log.Append(b.Context(), again(stream), eventstore.Any, batch...)
			require.NoError(b, err)
			written += len(batch)
		}
	}
	return dir
}
