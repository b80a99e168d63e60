// Package web shows a Daybook in the browser: every figure with the events
// behind it, every event in a plain sentence, every page as it stood at any
// date. Pages work without a script, from the keyboard, at any zoom, on a
// phone and on paper.
//
// There is no sign-in yet. Whoever has the key sees what the pages show, so they
// are served on loopback, to the person who started Daybook there. For that
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

	"github.com/daybook-engine/daybook/domain/match"
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

	maxBody     = 1 << 20
	maxRead     = 32 << 20
	maxReadFile = 1 << 30 // from this machine alone
	maxReplays  = 2
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

	// Deeds tells what an import recorded, and what of it stands. Unset, pages of
	// imports are without.
	Deeds func(ctx context.Context, id string) ([]Deed, error)

	// Go has work done that outlives the request that began it, until it is over
	// or ctx ends. Unset, nobody waits for it.
	Go func(work func(ctx context.Context))

	// Forced says in words what the best of a run of the matching with a pair in
	// it would have cost. Unset, pages of runs do not tell of those that people
	// proposed otherwise.
	Forced func(ctx context.Context, run projections.Run, pair match.Pair) (words string, err error)

	// Now is the engine's clock: a rehearsed store's is virtual. Unset, it is
	// the system's.
	Now func() time.Time

	// Rehearsal, where it is not empty, names the rehearsal that filled the
	// store, and every page says that nothing on it happened.
	Rehearsal string

	// Acting is who acts on the pages. Unset, they only show.
	Acting *Acting

	// Drawer keeps what was begun on other pages of the same daybook. Unset, there
	// were none.
	Drawer *Drawer

	// Key is what whoever opens the pages must have. Unset, they are anybody's who
	// reaches the address.
	Key string

	// Unmailed is that nobody sends the messages that are queued.
	Unmailed bool

	// Begin is how somebody begins who was started in front of the machine, and is
	// asked who they are. Unset, nobody is asked.
	Begin *Begin

	// Tour leads through a season that was played to be shown. Unset, there is none.
	Tour *Tour

	// Log is told what somebody must look at. Unset, nothing is logged.
	Log *slog.Logger
}

// A Server answers requests.
type Server struct {
	store     eventstore.Store
	views     *projections.Views
	names     func(ctx context.Context, digest string) (string, error)
	letters   func(ctx context.Context, m projections.Message) (string, error)
	deeds     func(ctx context.Context, id string) ([]Deed, error)
	work      func(func(ctx context.Context))
	forced    func(ctx context.Context, run projections.Run, pair match.Pair) (string, error)
	now       func() time.Time
	rehearsal string
	acting    *Acting
	key       string
	unmailed  bool
	begin     *Begin
	tour      *Tour
	log       *slog.Logger
	pages     pages
	machines  chan struct{} // one for each replay to another moment under way
	drawer    *Drawer
}

// New makes the handler of every page.
func New(o Options) (http.Handler, error) {
	if o.Store == nil || o.Views == nil || o.Names == nil {
		return nil, errors.New("web: Store, Views and Names must be set")
	}
	p, err := parse(o.Acting.by())
	if err != nil {
		return nil, err
	}
	s := &Server{
		store: o.Store, views: o.Views, names: o.Names, letters: o.Letters, deeds: o.Deeds, forced: o.Forced, work: o.Go, now: o.Now, rehearsal: o.Rehearsal,
		acting: o.Acting, key: o.Key, unmailed: o.Unmailed, begin: o.Begin, tour: o.Tour, log: o.Log, pages: p, machines: make(chan struct{}, maxReplays), drawer: o.Drawer,
	}
	if s.drawer == nil {
		s.drawer = &Drawer{}
	}
	if s.work == nil {
		s.work = func(work func(ctx context.Context)) { go work(context.Background()) }
	}
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
		{"GET /cycles/{cycle}/compare", s.showCompare},
		{"GET /cycles/{cycle}/queue", s.showQueue},
		{"GET /cycles/{cycle}/sessions", s.showSessions},
		{"GET /cycles/{cycle}/imports", s.showImports},
		{"GET /cycles/{cycle}/imports/{import}", s.showImport},
		{"GET /people/{person}/calendar.ics", s.servePersonal},
		{"GET /applications/{key}", s.showApplication},
		{"GET /events/{position}", s.showEvent},
		{"GET /static/{file}", s.serveStatic},
		{"GET /favicon.ico", s.serveFavicon},
		{"GET /healthz", s.healthz},
		{"/", s.showNothing},
	}
	if s.acting != nil {
		list = append(list, route{"GET /do/{command}", s.showForm}, route{"POST /do/{command}", s.own(s.act, s.keepForm)})
		list = append(list, route{"GET /cycles/{cycle}/again", s.showAgain}, route{"POST /do/again", s.own(s.planAgain, s.keepAgain)})
	}
	if s.begin != nil {
		list = append(list, route{"POST /do/sit", s.sit}, route{"POST /do/demo", s.demo})
	}
	if s.tour != nil {
		list = append(list, route{"GET /cycles/{cycle}/tour", s.showTour})
	}
	if s.acting != nil && s.acting.Bulk != nil {
		list = append(list,
			route{"POST /cycles/{cycle}/applications", s.own(s.choose((*visit).pickApplications, "stage", "exit", "outcome"), nil)},
			route{"POST /cycles/{cycle}/queue", s.own(s.choose((*visit).pickTasks), nil)},
			route{"POST /cycles/{cycle}/sessions", s.own(s.choose((*visit).pickSessions), nil)},
			route{"GET /cycles/{cycle}/bulk/{work}", s.showWork},
			route{"POST /cycles/{cycle}/bulk/{work}", s.own(s.goOn, nil)},
			route{"GET /cycles/{cycle}/bulk/{work}/report", s.showReport},
		)
	}
	if s.importing() != nil {
		list = append(list,
			route{"POST /cycles/{cycle}/imports", s.own(s.upload, nil)},
			route{"GET /cycles/{cycle}/work/{work}", s.showWork},
			route{"POST /cycles/{cycle}/work/{work}", s.own(s.goOn, nil)},
			route{"GET /cycles/{cycle}/work/{work}/report", s.showReport},
			route{"GET /cycles/{cycle}/work/{work}/register/{row}", s.registerFirst},
			route{"POST /cycles/{cycle}/imports/{import}/revert", s.own(s.revert, s.keepImport)},
		)
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
