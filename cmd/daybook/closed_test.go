package main_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/cmd/daybook/web"
	"github.com/daybook-engine/daybook/domain/measure"
	"github.com/daybook-engine/daybook/eventstore/sqlite"
	"github.com/daybook-engine/daybook/projections"
)

// A closed cycle keeps its figures, and whatever else is told of it, when its
// programme's completion rule changes: on both clocks, and at any date.
func TestAClosedCycleStaysAsItWasWhenTheCompletionRuleChanges(t *testing.T) {
	t.Parallel()
	const cycle = "nemo-2023-autumn"
	dir := seasonCopy(t)
	before := everythingTold(t, dir, cycle)

	source, err := os.ReadFile(filepath.Join("rehearsals", "nemo-one-to-one.yaml"))
	require.NoError(t, err)
	completion := strings.Index(string(source), "completion:\n  version: \"1\"\n  conforming_sessions: 2\n  final_reflections: [mentee]")
	require.Positive(t, completion)
	changed := strings.NewReplacer(`version: "1"`, `version: "2"`, "conforming_sessions: 2", "conforming_sessions: 3", "[mentee]", "[mentee, mentor]").Replace(string(source)[completion:])
	changed = strings.Replace(string(source)[:completion], "final: [mentee]", "final: [mentee, mentor]", 1) + changed
	file := filepath.Join(t.TempDir(), "stricter.yaml")
	require.NoError(t, os.WriteFile(file, []byte(changed), 0o600))
	require.Contains(t, daybook(t, dir, "definition", "publish", file, "--by", "coordinator/c1"), "definition.published")
	_, talk, code := tried(t, dir, nil, "definition", "move", file, "--cycle", cycle, "--by", "coordinator/c1", "--reason", "stricter")
	require.Equal(t, 1, code)
	require.Contains(t, talk, "cycle_closed")

	after := everythingTold(t, dir, cycle)
	require.Len(t, after, len(before))
	for what, said := range before {
		requireSameLines(t, what+"\n"+said, what+"\n"+after[what])
	}
	require.Contains(t, before["show --json"], `"conforming_sessions": 2`)
	require.Contains(t, daybook(t, dir, "integrity"), "sound: ")

	// A cycle that is planned now goes by the new rule.
	daybook(t, dir, "do", "cycle.plan", "--by", "coordinator/c1", "--with", `{"programme":"nemo-121","cycle":"next","title":"Next","from":"2024-03","to":"2024-06"}`)
	require.Contains(t, daybook(t, dir, "definition", "show", "--json", "--cycle", "next"), `"conforming_sessions": 3`)
}

// head is how far the log went: what is recorded elsewhere is no part of a cycle.
var head = regexp.MustCompile(`, up to position <code>[0-9a-f]{16}</code> of the log|"position":"[0-9a-f]{16}",`)

// everythingTold is what the command line and the pages tell of a cycle.
func everythingTold(t *testing.T, dir, cycle string) map[string]string {
	told := map[string]string{"show --json": daybook(t, dir, "definition", "show", "--json", "--cycle", cycle)}
	for _, at := range [][]string{nil, {"--clock", "occurred"}, {"--at", "2023-10-31"}, {"--at", "2023-10-31", "--clock", "occurred"}, {"--at", "2023-12-08"}} {
		for _, ask := range []string{"figures", "history", "timers"} {
			args := append([]string{ask, "--json", "--cycle", cycle}, at...)
			told[strings.Join(args, " ")] = head.ReplaceAllString(daybook(t, dir, args...), "")
		}
	}
	told["explain"] = head.ReplaceAllString(daybook(t, dir, "explain", "matches_completed", "--json", "--cycle", cycle), "")

	store, err := sqlite.Open(filepath.Join(dir, "log.db"), sqlite.Options{ReadOnly: true})
	require.NoError(t, err)
	defer store.Close()
	views, err := projections.Open("", store)
	require.NoError(t, err)
	defer views.Close()
	require.NoError(t, views.CatchUp(t.Context()))
	pages, err := web.New(web.Options{
		Store: store, Views: views, Names: func(context.Context, string) (string, error) { return "", nil },
		Now: func() time.Time { return time.Date(2024, 2, 1, 9, 0, 0, 0, time.UTC) },
	})
	require.NoError(t, err)
	list := []string{"", "/queue", "/applications", "/places", "/matches", "/exceptions", "/history"}
	for _, m := range measure.All {
		list = append(list, "/figures/"+m.Measure)
	}
	matches, err := views.Matches(t.Context(), cycle)
	require.NoError(t, err)
	require.NotEmpty(t, matches)
	for _, m := range matches {
		list = append(list, "/matches/"+m.Match)
	}
	for _, at := range []string{"?at=2023-10-31", "?at=2023-10-31&clock=occurred"} { // each is a replay
		list = append(list, at, "/matches"+at, "/figures/matches_completed"+at, "/matches/"+matches[0].Match+at)
	}
	for _, page := range list {
		path := "/cycles/" + cycle + page
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Host = "127.0.0.1:8080"
		w := httptest.NewRecorder()
		pages.ServeHTTP(w, r)
		require.Equal(t, http.StatusOK, w.Code, "%s: %s", path, w.Body)
		told[path] = head.ReplaceAllString(w.Body.String(), "")
	}
	sealed, err := views.Cycle(t.Context(), cycle)
	require.NoError(t, err)
	require.NotEmpty(t, sealed.Sealed)
	told["sealed"] = fmt.Sprint(sealed.Sealed, sealed.SealedAfter)
	return told
}

// What is recorded after the closing is counted, and told beside what was sealed.
func TestAFigureThatChangedSinceTheClosingSaysSo(t *testing.T) {
	t.Parallel()
	const cycle = "nemo-2023-autumn"
	dir := seasonCopy(t)
	figures := func(args ...string) string {
		return daybook(t, dir, append([]string{"figures", "--cycle", cycle}, args...)...)
	}
	require.NotContains(t, figures(), "sealed")
	require.NotContains(t, figures("--json"), "sealed")
	held := daybook(t, dir, "do", "session.hold", "--by", "coordinator/c1", "--with",
		`{"cycle":"nemo-2023-autumn","match":"m5","session":9,"local":"2023-12-01T10:00","zone":"Europe/Berlin","mode":"online","minutes":60}`)
	require.Contains(t, held, "session.held")
	var changed []string
	for line := range strings.Lines(figures()) {
		if strings.Contains(line, "sealed as") {
			changed = append(changed, strings.Join(strings.Fields(line), " "))
		}
	}
	require.Contains(t, changed, "sessions_held 14 sessions Sessions held (sealed as 13 when the cycle closed, and changed since)")
	require.Contains(t, changed, "session_minutes 1005 minutes Minutes of the sessions held (sealed as 945 when the cycle closed, and changed since)")
	require.Contains(t, figures("--json"), `"value":14,"sealed":13,`)
}
