package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/projections"
)

// Acting is somebody as whom everything is done that is done on the pages. Its
// functions are the engine's: which commands there are, what they ask, who may
// issue them, and what comes of it, is decided there and nowhere here.
type Acting struct {
	Person domain.Person
	Role   string

	// Offers gives, for each offer, the steps that would be accepted now.
	Offers func(ctx context.Context, offers []Offer) ([][]Step, error)
	// Words is what a command is called, by what is known of it.
	Words func(command string, known url.Values) string
	// Known are a command's fields as a form has them.
	Known func(with json.RawMessage) url.Values
	// Ask lists what a command asks, with what is known of it.
	Ask func(ctx context.Context, command string, known url.Values) ([]Question, error)
	// Do issues a command. What is wrong with a field is told by faults: with
	// an error that is the rules' answer, or alone, where nothing was asked of
	// them yet. It says which events were kept, none when it was already so; a
	// refusal may have been kept, too.
	Do func(ctx context.Context, o Order) (Done, []Fault, error)
	// Import is how they bring spreadsheets in; nil where they may not.
	Import *Importing
	// Bulk is how they do the same for many rows; nil where nothing is.
	Bulk *Bulking
}

// by is who acts, as forms tell it; "" for nobody.
func (a *Acting) by() string {
	if a == nil {
		return ""
	}
	return a.Role + "/" + string(a.Person)
}

// An Offer is a thing on a page: what is known of it, and which commands are
// about it, where those are not found by what is known. Or it is a step that is
// known.
type Offer struct {
	Known    url.Values
	Commands []string
	Task     string          // the id of a task: the commands are those of tasks
	Step     string          // a command,
	With     json.RawMessage // with its fields
}

// A Step is a command that would be accepted, with what is known of its fields.
// One that is Ready asks nothing else.
type Step struct {
	Command string
	Known   url.Values
	Ready   bool
}

// A Question is one of those that a command's form asks.
type Question struct {
	Name    string
	Label   string
	Hint    string
	Type    string // line, lines, list, number, yes, date, local, moment, person, answers, document, note
	Unit    string
	Needed  bool
	Several bool
	Times   int
	Choices []Choice
	Value   string
	Zone    string
	Preset  bool // what stands there mostly stays
	Cause   bool // it is about who does it and why, which every command may say
}

// A Choice is one of the values that a question has.
type Choice struct{ Value, Text string }

// An Order is a command as it was sent. Its id is that of the form, so that what
// is sent twice is done once.
type Order struct {
	Command string
	ID      uuid.UUID
	Given   url.Values

	Correlation string // what it belongs to with others; "" where it begins something
}

// Done is what came of an order.
type Done struct {
	Position eventstore.Position
	Names    []string
}

// A Fault is what is wrong with an answer; "" for one that is about all.
type Fault struct{ Question, Text string }

// Fields of a form's own, beside those of the command. No command's have a dot
// in front.
const (
	formID    = ".id"    // of the command
	formBy    = ".by"    // as whom it was opened
	formSince = ".since" // how far the log had come
	formBack  = ".back"  // the page to go back to

	formExample = ".example" // of a definition, which stands in the form to begin with
	noticeKey   = "recorded"
)

// A stepLine is something that can be done, on a page: a link to a form, or
// a button that does it.
type stepLine struct {
	Words   string
	Command string
	Href    string // of the form
	Action  string // where the button sends it; "" for a link
	ID      string // of the command
	IDField string
}

// own is a page that does what a form says, for who opened that form: somebody
// else may have sat down since, in another window. To them kept gives back what
// was written, where it is kept at all, as a form of who opened it. What was
// opened before there was anybody is whoever's came.
func (s *Server) own(page func(http.ResponseWriter, *http.Request) error, kept func(http.ResponseWriter, *http.Request, Fault) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := s.read(r); err != nil {
			return err
		}
		by := r.PostForm.Get(formBy)
		role, who, ok := strings.Cut(by, "/")
		switch {
		case !ok || who != "" && !domain.IsUUID(who):
			return errForm
		case who == "" || by == s.acting.by():
			return page(w, r)
		}
		called := s.people(r.Context())
		was, is := called.inRole(domain.Person(who), role), called.inRole(s.acting.Person, s.acting.Role)
		wrong := domain.Refuse("opened_as_another", "this form was opened as "+was+", and you now act as "+is+": nothing was recorded. To act as "+is+
			", open it anew; to act as "+was+", change back to them in another window, and send it once more")
		if kept == nil {
			return wrong
		}
		err := kept(w, r, Fault{"", wrong.Text})
		if refusal := new(domain.Error); errors.As(err, &refusal) && refusal.Kind == domain.Denied {
			return wrong // the form is not for who acts now
		}
		return err
	}
}

// read reads a form, all of it in memory: nothing of a file is written to a disk.
func (s *Server) read(r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return errForm
	}
	room := int64(fileRoom)
	if a := s.importing(); a != nil {
		room += int64(a.MaxFile)
	}
	switch err, large := r.ParseMultipartForm(room), new(http.MaxBytesError); {
	case errors.As(err, &large):
		return errFileLarge
	case err != nil && !errors.Is(err, http.ErrNotMultipart):
		return errForm
	}
	return nil
}

// others is as whom a form was opened, where that is not who acts now.
func (s *Server) others(given url.Values) string {
	if by := given.Get(formBy); by != s.acting.by() {
		return by
	}
	return ""
}

// said are the fields of a thing: key by value.
func said(pairs ...string) url.Values {
	known := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		known.Set(pairs[i], pairs[i+1])
	}
	return known
}

// offers are the steps that a page offers to who acts on it: none at another
// moment than now, none in a spreadsheet, and none where nobody does.
func (v *visit) offers(list ...Offer) ([][]stepLine, error) {
	a := v.s.acting
	if a == nil || v.whole || !v.at.at.IsZero() || len(list) == 0 {
		return make([][]stepLine, len(list)), nil
	}
	found, err := a.Offers(v.ctx, list)
	if err != nil {
		return nil, err
	}
	lines := make([][]stepLine, len(list))
	for i, steps := range found {
		for _, step := range steps {
			lines[i] = append(lines[i], v.stepLine(step))
		}
	}
	return lines, nil
}

// can is what can be done about the things of a page, in one list.
func (v *visit) can(list ...Offer) (all []stepLine, err error) {
	found, err := v.offers(list...)
	for _, lines := range found {
		all = append(all, lines...)
	}
	return all, err
}

func (v *visit) stepLine(step Step) stepLine {
	l := stepLine{Words: v.s.acting.Words(step.Command, step.Known), Command: step.Command}
	if side := step.Known.Get("side"); side != "" && side != v.s.acting.Role {
		l.Words += ", for the " + side
	}
	if n := step.Known.Get("limit"); n != "" {
		l.Words += ": " + n + " in each " + step.Known.Get("per")
	}
	switch step.Known.Get("kind") {
	case "session":
		l.Words += ", on session " + step.Known.Get("session")
	case "final":
		l.Words += ", on the whole match"
	}
	if c := step.Known.Get("call"); c != "" && !step.Known.Has("person") {
		l.Words += ": " + inWords(c)
	}
	to := "/do/" + url.PathEscape(step.Command)
	l.Href = href(to, step.Known, formBack, v.href(v.path))
	if step.Ready {
		l.Action, l.ID, l.IDField = l.Href, uuid.NewString(), formID
	}
	return l
}

// A notice is what the last order brought about, told on the page that it came
// from.
type notice struct {
	Lines   []link
	Nothing bool // it was already so
	Behind  bool // kept, and not to be told yet
}

// noticed reads the notice of an address.
func (v *visit) noticed(q url.Values) *notice {
	said := q.Get(noticeKey)
	if said == "" || v.s.acting == nil {
		return nil
	}
	if said == "nothing" {
		return &notice{Nothing: true}
	}
	at, err := eventstore.ParsePosition(said)
	if err != nil {
		return nil
	}
	last, err := v.s.eventAt(v.ctx, at)
	if err != nil {
		return nil
	}
	n := &notice{Behind: v.views.Position().Compare(at) < 0}
	env, err := schema.DecodeEnvelope(last.Metadata)
	if err != nil {
		return nil
	}
	for r, err := range v.s.store.ReadStream(v.ctx, last.Stream, eventstore.ReadStream{}) {
		if err != nil || r.Revision > last.Revision {
			break
		}
		if e, err := schema.DecodeEnvelope(r.Metadata); err == nil && e.CommandID == env.CommandID {
			sentence, _, _, err := v.told(e, r)
			if err != nil {
				return nil
			}
			particulars, err := v.particulars(e, r)
			if err != nil {
				v.s.log.Error("notice", "position", r.Position, "err", err)
			}
			if particulars != "" {
				sentence += " (" + particulars + ")"
			}
			n.Lines = append(n.Lines, link{sentence, v.event(r.Position.String())})
		}
	}
	return n
}

// particulars are what whoever recorded something wants to see confirmed: whose it
// is, since there are many on the match board, when it was, and who told it.
func (v *visit) particulars(e schema.Envelope, r eventstore.Recorded) (string, error) {
	body, err := schema.Decode(r.Name, r.Data)
	if err != nil {
		return "", err
	}
	var list []string
	var m projections.Match
	if match.SessionOf(body) > 0 {
		of := match.ParseStream(r.Stream)
		if m, err = v.views.Match(v.ctx, of.Cycle, of.Match); err != nil {
			return "", err
		}
		list = append(list, v.pair(m))
	}
	var slot match.Slot
	switch b := body.(type) {
	case match.SessionHeld:
		slot = b.Slot
	case match.SessionCorrected:
		slot = b.Slot
	case match.SessionRetracted:
		slot = b.Slot
	case match.SessionCancelled, match.SessionMissed: // which say no time of their own
		for _, x := range m.Sessions {
			if x.Session == match.SessionOf(body) {
				slot = x.Slot
			}
		}
	}
	if at := v.instant(e.OccurredAt); slot.Local != "" {
		list = append(list, wall(slot.Local)+" "+slot.Zone)
	} else if e.RecordedAt.Sub(e.OccurredAt) >= time.Minute {
		list = append(list, at.Local+" "+at.Zone)
	}
	if e.OnBehalfOf != "" {
		list = append(list, "on behalf of "+v.name(e.OnBehalfOf))
	}
	if e.Channel != "web" {
		list = append(list, channelWords(e.Channel))
	}
	return strings.Join(list, "; "), nil
}

// backTo is the page that an address asks to go back to, if it is one of ours.
func backTo(back string) string {
	u, err := url.Parse(back)
	if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(back, "/") || strings.HasPrefix(back, "//") || strings.ContainsAny(back, "\\\r\n\t") {
		return "/"
	}
	q := u.Query()
	q.Del(noticeKey)
	u.RawQuery = q.Encode()
	return u.String()
}

// returned leads back to a page, with what was recorded.
func returned(w http.ResponseWriter, r *http.Request, back string, done Done) {
	said := "nothing"
	if len(done.Names) > 0 {
		said = done.Position.String()
	}
	u, _ := url.Parse(back) // backTo has read it
	q := u.Query()
	q.Set(noticeKey, said)
	u.RawQuery = q.Encode()
	http.Redirect(w, r, u.String(), http.StatusSeeOther)
}
