package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/daybook-engine/daybook/domain/message"
	"github.com/daybook-engine/daybook/projections"
)

// messagesPage is what people in the cycle were written, or are to be.
type messagesPage struct {
	frame
	Unmailed bool
	States   []tally
	Lines    []messageLine
	Pages    pager
}

type messageLine struct {
	Message link
	To      string
	Queued  instant
	State   string
	Stands  string // where it stands, where that is more than its state
}

func (s *Server) showMessages(w http.ResponseWriter, r *http.Request) error {
	v, err := s.visit(r, r.PathValue("cycle"), "page")
	if err != nil {
		return err
	}
	defer v.close()
	list, err := v.views.Messages(v.ctx, v.cycle.Cycle)
	if err != nil {
		return err
	}
	p := messagesPage{frame: v.frame("Messages", "Messages"), Unmailed: s.unmailed && s.rehearsal == ""}
	p.States = tallies(list, func(m projections.Message) string { return m.State() })
	from, to, pages := v.paged(len(list))
	p.Pages = pages
	for _, m := range list[from:to] {
		p.Lines = append(p.Lines, messageLine{
			Message: link{capital(inWords(m.Key)), v.messageHref(m)}, To: v.name(m.Recipient) + ", " + m.To,
			Queued: v.instant(m.QueuedAt), State: capital(m.State()), Stands: v.unsent(m),
		})
	}
	return s.render(w, http.StatusOK, "messages", p)
}

func (v *visit) messageHref(m projections.Message) string {
	return v.href("/cycles/" + url.PathEscape(m.Cycle) + "/messages/" + url.PathEscape(m.Message))
}

// unsent says why a message was not sent, or is not yet.
func (v *visit) unsent(m projections.Message) string {
	if m.Why == "" {
		return ""
	}
	if m.Again.IsZero() {
		return projections.Unsent(m.Why)
	}
	again := v.instant(m.Again)
	return projections.Unsent(m.Why) + "; tried again at " + again.Local + " " + again.Zone
}

// messagePage is one message, with its words.
type messagePage struct {
	frame
	State  string
	Rows   []row
	How    string // the words are those of then, or of now
	Text   string // "" where they cannot be had
	Events []eventLine
	More   string
	Can    []stepLine
}

func (s *Server) showMessage(w http.ResponseWriter, r *http.Request) error {
	v, err := s.visit(r, r.PathValue("cycle"))
	if err != nil {
		return err
	}
	defer v.close()
	id := r.PathValue("message")
	m, err := s.views.Message(v.ctx, id)
	if err == nil && m.Cycle != v.cycle.Cycle {
		err = message.ErrUnknown.Because(id)
	}
	if err != nil {
		return err
	}
	queued := m.QueuedAt
	if m, err = v.views.Message(v.ctx, id); err != nil {
		return v.then(err, "Message", "the message was queued", queued)
	}
	p := messagePage{frame: v.frame("Message "+inWords(m.Key), "Messages"), State: capital(m.State())}
	p.Rows = []row{
		{Key: "To", Value: text(v.name(m.Recipient)), Note: m.To},
		{Key: "On", Value: link{inWords(strings.ReplaceAll(m.Event, ".", " ")), v.fileOf(m.Stream).Href}},
		{Key: "Queued", At: v.instant(m.QueuedAt)},
		{Key: "Language", Value: text(m.Language)},
	}
	if m.Phase != message.Waiting || m.Why != "" {
		p.Rows = append(p.Rows, row{Key: p.State, At: v.instant(m.At), Note: v.unsent(m)})
	}
	if m.Attempt > 1 {
		p.Rows = append(p.Rows, row{Key: "Attempt", Value: text(strconv.Itoa(m.Attempt))})
	}
	erasures, err := v.erasures(m.Recipient)
	if err != nil {
		return err
	}
	p.Rows = append(p.Rows, erasures...)
	p.How = "As it would be written now"
	if m.Written() {
		p.How = "As it was written to be sent"
	}
	if s.letters != nil {
		if p.Text, err = s.letters(v.ctx, m); err != nil {
			s.log.Error("letter", "message", m.Message, "err", err)
			p.Text = "[unreadable]"
		}
	}
	if p.Can, err = v.can(Offer{Known: said("message", m.Message)}); err != nil {
		return err
	}
	stream := message.ID{Message: m.Message}.Stream()
	if p.Events, p.More, err = v.eventsOf(projections.HistoryFilter{Stream: stream}, "stream", stream); err != nil {
		return err
	}
	return s.render(w, http.StatusOK, "message", p)
}
