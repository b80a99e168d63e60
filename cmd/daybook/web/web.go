// Package web shows a Daybook in the browser: every figure with the events
// behind it, every event in a plain sentence, every page as it stood at any
// date. Pages work without a script, from the keyboard, at any zoom, on a
// phone and on paper.
//
// There is no sign-in yet. Whoever reaches the address sees what it shows, so
// it is served on loopback, to the person who runs the machine. For that
// reason, and until somebody can be told from somebody else, the only private
// texts shown are those which who runs the programme may read: names anywhere,
// and on the file that they are about, and nowhere else, answers, reviews,
// rationales and the messages people are sent. Notes, which may tell of an illness, and what a pair wrote stay
// sealed: a page says that they are there, never what they say. Every route is
// a GET and changes nothing, unless somebody acts: then each command has a form,
// and what is sent goes the way of every command.
//
// A page is three things with one name: a struct of finished strings, the
// method that fills it, and a template.
package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/projections"
)

// Limits for whoever listens: a client that is slow or silent holds nothing
// up for long.
const (
	ReadHeaderTimeout = 5 * time.Second
	ReadTimeout       = 15 * time.Second
	WriteTimeout      = 60 * time.Second
	IdleTimeout       = 2 * time.Minute
	MaxHeaderBytes    = 64 << 10

	maxBody    = 1 << 20
	maxRead    = 32 << 20
	maxReplays = 2
)

// What Options.Names answers in the place of a text that may not be shown, or
// is no longer there.
const (
	Withheld = "[withheld]"
	Erased   = "[erased]"
)

// Options is what pages are made from. Store, Views and Names must be set.
type Options struct {
	Store eventstore.Store
	Views *projections.Views

	// Names reveals the private text of a digest for the reader in front of
	// the page, or answers Withheld or Erased. It is asked only for what who
	// runs the programme may read, when a page that shows it is made, and
	// nothing it answers is kept.
	Names func(ctx context.Context, digest string) (text string, err error)

	// Letters gives the words of a message whole, as those who run the programme
	// may read them. Unset, pages of messages are without.
	Letters func(ctx context.Context, m projections.Message) (string, error)

	// Now is the engine's clock: a rehearsed store's is virtual. Unset, it is
	// the system's.
	Now func() time.Time

	// Rehearsal, where it is not empty, names the rehearsal that filled the
	// store, and every page says that nothing on it happened.
	Rehearsal string

	// Acting is who acts on the pages. Unset, they only show.
	Acting *Acting

	// Log is told what somebody must look at. Unset, nothing is logged.
	Log *slog.Logger
}

// A Server answers requests.
type Server struct {
	store     eventstore.Store
	views     *projections.Views
	names     func(ctx context.Context, digest string) (string, error)
	letters   func(ctx context.Context, m projections.Message) (string, error)
	now       func() time.Time
	rehearsal string
	acting    *Acting
	log       *slog.Logger
	pages     pages
	machines  chan struct{} // one for each replay to another moment under way
}

// New makes the handler of every page.
func New(o Options) (http.Handler, error) {
	if o.Store == nil || o.Views == nil || o.Names == nil {
		return nil, errors.New("web: Store, Views and Names must be set")
	}
	p, err := parse()
	if err != nil {
		return nil, err
	}
	s := &Server{o.Store, o.Views, o.Names, o.Letters, o.Now, o.Rehearsal, o.Acting, o.Log, p, make(chan struct{}, maxReplays)}
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	return s.guard(s.mux()), nil
}

// A route is one line of the table below.
type route struct {
	pattern string
	page    func(http.ResponseWriter, *http.Request) error
}

func (s *Server) routes() []route {
	list := []route{
		{"GET /{$}", s.showCycles},
		{"GET /cycles/{cycle}", s.showCycle},
		{"GET /cycles/{cycle}/calendar.ics", s.serveCalendar},
		{"GET /cycles/{cycle}/figures/{measure}", s.showFigure},
		{"GET /cycles/{cycle}/history", s.showHistory},
		{"GET /cycles/{cycle}/applications", s.showApplications},
		{"GET /cycles/{cycle}/matches", s.showMatches},
		{"GET /cycles/{cycle}/matches/{match}", s.showMatch},
		{"GET /cycles/{cycle}/runs/{run}", s.showRun},
		{"GET /cycles/{cycle}/messages", s.showMessages},
		{"GET /cycles/{cycle}/messages/{message}", s.showMessage},
		{"GET /cycles/{cycle}/places", s.showPlaces},
		{"GET /cycles/{cycle}/exceptions", s.showExceptions},
		{"GET /cycles/{cycle}/queue", s.showQueue},
		{"GET /people/{person}/calendar.ics", s.servePersonal},
		{"GET /applications/{key}", s.showApplication},
		{"GET /events/{position}", s.showEvent},
		{"GET /static/{file}", s.serveStatic},
		{"GET /favicon.ico", s.serveFavicon},
		{"GET /healthz", s.healthz},
		{"/", s.showNothing},
	}
	if s.acting != nil {
		list = append(list, route{"GET /do/{command}", s.showForm}, route{"POST /do/{command}", s.act})
	}
	return list
}

func (s *Server) mux() *http.ServeMux {
	m := http.NewServeMux()
	for _, r := range s.routes() {
		m.HandleFunc(r.pattern, s.handle(r.page))
	}
	return m
}
