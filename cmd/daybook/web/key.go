package web

import (
	"crypto/subtle"
	"net"
	"net/http"
	"slices"
	"strings"
)

// keyed shows pages to whoever has the key. It comes with the address that is
// opened, is kept as a cookie until the browser is closed, and stays in no address
// after that. The cookie comes along when somebody follows a link from elsewhere:
// every GET only shows. It also goes to whatever else answers to this host, at any
// port (RFC 6265, section 8.5): whoever is led to another account's server while
// the pages are open hands that the key.
func (s *Server) keyed(h http.Handler) http.Handler {
	if s.key == "" {
		return h
	}
	fits := func(key string) bool { return subtle.ConstantTimeCompare([]byte(key), []byte(s.key)) == 1 }
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := cookieOf(r)
		kept := slices.ContainsFunc(r.CookiesNamed(name), func(c *http.Cookie) bool { return fits(c.Value) }) // another server may have put one beside it
		given := r.URL.Path == "/" && r.Method == http.MethodGet && fits(r.URL.Query().Get("key"))
		switch {
		case given:
			http.SetCookie(w, &http.Cookie{Name: name, Value: s.key, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
			http.Redirect(w, r, "/", http.StatusSeeOther)
		case kept, open(r.URL.Path):
			h.ServeHTTP(w, r)
		default:
			p := failPage{frame: frame{Title: "Open Daybook first"}, Locked: true}
			if err := s.render(w, http.StatusForbidden, "fail", p); err != nil {
				s.log.Error("page", "err", err)
			}
		}
	})
}

// cookieOf is what the cookie is called: browsers tell hosts apart, and not
// ports, and a machine may show several daybooks.
func cookieOf(r *http.Request) string {
	_, port, _ := net.SplitHostPort(r.Host)
	return "daybook-" + port
}

// open tells what needs no key: what tells nothing, and somebody's own calendar,
// whose address is as hard to guess, and is asked for by a program that has no
// cookie.
func open(path string) bool {
	return path == "/healthz" || path == "/favicon.ico" || strings.HasPrefix(path, "/static/") ||
		strings.HasPrefix(path, "/people/") && strings.HasSuffix(path, calendarPath)
}
