package web_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/cmd/daybook/web"
)

// Without the key no page is shown and nothing is done; it is taken at the first
// page alone, and then it is in no address any more.
func TestPagesAreShownToWhoHasTheKey(t *testing.T) {
	t.Parallel()
	const key = "OPENSESAME"
	s := filled(t)
	did := false
	begin := &web.Begin{Playing: func() string { return "" }, Demo: func(context.Context) error { did = true; return nil }}
	h := s.pages(func(o *web.Options) { o.Key, o.Begin, o.Rehearsal = key, begin, "autumn" })
	const cookie = "daybook-8080=" + key

	for _, path := range routes() {
		shown := ask(h, http.MethodGet, path, "Cookie", "other=1; daybook-8080=x; "+cookie)
		require.Equal(t, http.StatusOK, shown.Code, path)
		require.Empty(t, shown.Header().Get("Set-Cookie"))
		for _, without := range []string{"", "daybook-8080=", "daybook-8080=OPENSESAMF", "daybook-8080=OPENSESAMEE", "daybook-8081=" + key} {
			w := ask(h, http.MethodGet, path, "Cookie", without)
			if path == "/healthz" || path == "/favicon.ico" || strings.HasPrefix(path, "/static/") || strings.HasPrefix(path, "/people/") {
				require.Equal(t, shown.Body.String(), w.Body.String())
				continue
			}
			require.Equal(t, http.StatusForbidden, w.Code, path)
			require.Contains(t, w.Body.String(), "Start Daybook once more")
			require.NotContains(t, w.Body.String(), "autumn", "it tells nothing")
			require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
			wellMade(t, path, w.Body.String())
		}
	}
	for _, path := range []string{"/nothing", "/people/", "/people/x", "/static", "/cycles/autumn?key=" + key, "/?key=", "/?key=OPENSESAMF", "//evil.example/?key=" + key} {
		require.Equal(t, http.StatusForbidden, ask(h, http.MethodGet, path).Code, path)
	}
	send := func(with string) int {
		return post(h, "/do/demo", url.Values{}, "Cookie", with, "Sec-Fetch-Site", "same-origin").Code
	}
	require.Equal(t, http.StatusForbidden, send(""))
	require.Equal(t, http.StatusForbidden, post(h, "/?key="+key, url.Values{}, "Sec-Fetch-Site", "same-origin").Code)
	require.False(t, did)
	require.Equal(t, http.StatusSeeOther, send(cookie))
	require.True(t, did)

	given := ask(h, http.MethodGet, "/?key="+key)
	require.Equal(t, http.StatusSeeOther, given.Code)
	require.Equal(t, "/", given.Header().Get("Location"))
	require.Equal(t, cookie+"; Path=/; HttpOnly; SameSite=Lax", given.Header().Get("Set-Cookie"))
	require.NotContains(t, given.Body.String(), key)

	// Another name is refused, with the key too.
	r := httptest.NewRequest(http.MethodGet, "/?key="+key, nil)
	r.Host = "evil.example"
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	require.Equal(t, http.StatusForbidden, w.Code)
	require.Empty(t, w.Header().Get("Set-Cookie"))
}
