package web

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"

	"github.com/daybook-engine/daybook/domain"
)

var (
	errNoPage    = domain.Missing("page_unknown", "there is no such page")
	errMethod    = domain.Wrong("method_unknown", "pages here are read, not written: to act on them, start daybook serve with --as ROLE/HANDLE")
	errLarge     = domain.Wrong("too_large", "this is more than 1 MB, more than can be recorded at once; nothing was recorded. What you wrote is still there: go back in your browser")
	errFileLarge = domain.Wrong("file_large", "this file is larger than any spreadsheet of a programme, and nothing of it was kept: split it, or leave out what is not needed")
	errHost      = domain.Deny("host_unknown", "this daybook is not served under that name; ask for it under localhost or its plain address")
)

// handle adapts a page to the mux: what it returns as an error is answered in
// one place.
func (s *Server) handle(page func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	page = s.asSheets(page)
	return func(w http.ResponseWriter, r *http.Request) {
		s.drawer.tidy(s.now())
		if err := page(w, r); err != nil {
			s.fail(w, r, err)
		}
	}
}

// failPage tells what went wrong, to a person.
type failPage struct {
	frame
	Text      string // in a sentence, where the rules said no
	Reference string // to find the cause in the log by, where it is our fault
	Sent      bool   // it was no mere look
	Missing   bool   // there is no such thing
	Back      link   // to where it is put right
	Locked    bool   // the key is missing
}

// leading is a refusal with where what was asked is put right.
type leading struct {
	error
	at link
}

func (l leading) Unwrap() error { return l.error }

// fail is the only place that maps an error to a status and a page. Refusals
// are put to people as they are. Anything else is our fault: it is logged,
// once, under a reference that the page shows and that tells nothing.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil && errors.Is(err, context.Canceled) {
		return // the reader has left
	}
	if then := (*notThen)(nil); errors.As(err, &then) {
		err = s.render(w, http.StatusOK, "then", then.page)
		if err == nil {
			return
		}
	}
	var (
		refusal *domain.Error
		status  = http.StatusInternalServerError
		p       = failPage{frame: s.frame("Something went wrong")}
	)
	if errors.As(err, &refusal) {
		status = statusOf(refusal)
		p.Title, p.Text = titleOf(status), capital(refusal.Text)
		if status == http.StatusBadRequest && r.Method == http.MethodPost { // the address was a form's
			p.Title = "Nothing was recorded"
		}
		p.Missing = status == http.StatusNotFound
		if l := (leading{}); errors.As(err, &l) {
			p.Back = l.at
		}
	} else {
		p.Reference, p.Sent = rand.Text()[:10], r.Method == http.MethodPost
		s.log.Error("page", "reference", p.Reference, "route", r.Pattern, "err", err)
	}
	if err := s.render(w, status, "fail", p); err != nil {
		s.log.Error("error page", "err", err)
		http.Error(w, "something went wrong", http.StatusInternalServerError)
	}
}

func statusOf(err *domain.Error) int {
	switch {
	case err == errMethod:
		return http.StatusMethodNotAllowed
	case err == errLarge, err == errFileLarge:
		return http.StatusRequestEntityTooLarge
	case err.Kind == domain.Invalid:
		return http.StatusBadRequest
	case err.Kind == domain.Denied:
		return http.StatusForbidden
	case err.Kind == domain.NotFound:
		return http.StatusNotFound
	default:
		return http.StatusConflict
	}
}

func titleOf(status int) string {
	switch status {
	case http.StatusNotFound:
		return "Page not found"
	case http.StatusForbidden:
		return "You may not see this page"
	case http.StatusConflict:
		return "That is not possible"
	case http.StatusRequestEntityTooLarge:
		return "That is too much at once"
	default:
		return "That address does not make sense"
	}
}

func (s *Server) showNothing(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		return errMethod
	}
	// The same page without the slash, as people type it: never another host's.
	if path := strings.TrimRight(r.URL.EscapedPath(), "/"); strings.HasPrefix(path, "/cycles/") && path != r.URL.EscapedPath() {
		http.Redirect(w, r, href(path, r.URL.Query()), http.StatusMovedPermanently)
		return nil
	}
	return errNoPage
}

// healthz answers while the log can be asked.
func (s *Server) healthz(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.store.Head(r.Context()); err != nil {
		return fmt.Errorf("head of the log: %w", err)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, err := w.Write([]byte("ok\n"))
	return err
}

// contentPolicy lets a page load its own stylesheet and pictures and nothing
// else. No inline style or script is ever served.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// guard stands before every route. The headers are set before anything else
// can answer, the cross-origin check's own refusal included.
func (s *Server) guard(h http.Handler) http.Handler {
	var protection http.CrossOriginProtection
	h = protection.Handler(s.recovered(s.named(s.keyed(s.sized(h)))))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, header := range [][2]string{
			{"Content-Security-Policy", contentPolicy},
			{"Strict-Transport-Security", "max-age=31536000; includeSubDomains"},
			{"X-Content-Type-Options", "nosniff"},
			{"Referrer-Policy", "no-referrer"},
			{"Cross-Origin-Opener-Policy", "same-origin"},
			{"Cross-Origin-Resource-Policy", "same-origin"},
			{"Cache-Control", "no-store"},
		} {
			w.Header().Set(header[0], header[1])
		}
		h.ServeHTTP(w, r)
	})
}

// named refuses requests under any name but localhost and plain addresses:
// without sign-in, a foreign site that points its own name at this machine
// could read everything.
func (s *Server) named(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		_, err := netip.ParseAddr(strings.Trim(host, "[]"))
		if err != nil && host != "localhost" {
			s.fail(w, r, errHost)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// sized refuses what is too large. It is read to its end all the same, up to a
// point: a browser that still sends does not listen to the answer.
func (s *Server) sized(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		most, read, large := int64(maxBody), int64(maxRead), errLarge
		if a := s.importing(); a != nil && r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/imports") {
			most, read, large = int64(a.MaxFile)+fileRoom, maxReadFile, errFileLarge
		}
		if r.ContentLength > most {
			_, _ = io.CopyN(io.Discard, r.Body, min(r.ContentLength, read))
			s.fail(w, r, large)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, most)
		h.ServeHTTP(w, r)
	})
}

// recovered answers a panic as any other fault of ours. Pages are written
// whole, so nothing of the broken one has been sent.
func (s *Server) recovered(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch p := recover(); p {
			case nil:
			case http.ErrAbortHandler:
				panic(p)
			default:
				s.fail(w, r, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
			}
		}()
		h.ServeHTTP(w, r)
	})
}
