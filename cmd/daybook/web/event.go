package web

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/projections"
)

var errNoEvent = domain.Missing("event_unknown", "there is no event at this place of the log")

// eventPage shows one event whole: what is known about it, and what it says.
// A private text in it is a commitment: its digest, never its words.
type eventPage struct {
	frame
	Sentence string
	Before   string
	After    string
	Name     string
	Rows     []row // who, when, why and about whom
	Stored   []row // the rest of the envelope, and the place in the log
	Earlier  string
	Later    string // the events beside it in its stream
	Body     string
	Envelope string
	Can      []stepLine // about the session that it is about
}

// A row is a key and its value, on a page.
type row struct {
	Key   string
	Value link
	At    instant
	Note  string
}

func (s *Server) showEvent(w http.ResponseWriter, r *http.Request) error {
	at, err := eventstore.ParsePosition(r.PathValue("position"))
	if err != nil {
		return errNoEvent
	}
	found, err := s.eventAt(r.Context(), at)
	if err != nil {
		return err
	}
	p, err := s.eventPage(r, found)
	if err != nil {
		return err
	}
	return s.render(w, http.StatusOK, "event", p)
}

// eventAt reads the one event at a position. The log is read after a
// position, so the one before it is found first.
func (s *Server) eventAt(ctx context.Context, at eventstore.Position) (eventstore.Recorded, error) {
	var before eventstore.Position
	for r, err := range s.store.ReadAll(ctx, eventstore.ReadAll{After: at, Backwards: true, Limit: 1}) {
		if err != nil {
			return eventstore.Recorded{}, err
		}
		before = r.Position
	}
	for r, err := range s.store.ReadAll(ctx, eventstore.ReadAll{After: before, Limit: 1}) {
		if err != nil {
			return eventstore.Recorded{}, err
		}
		if r.Position == at {
			return r, nil
		}
	}
	return eventstore.Recorded{}, errNoEvent
}

func (s *Server) eventPage(r *http.Request, found eventstore.Recorded) (eventPage, error) {
	env, err := schema.DecodeEnvelope(found.Metadata)
	if err != nil {
		return eventPage{}, err
	}
	v, err := s.beside(r, env.Cycle(found.Data))
	if err != nil {
		return eventPage{}, err
	}
	p := eventPage{frame: v.plainFrame("Event", "History"), Name: found.Name, Body: indented(found.Data), Envelope: indented(found.Metadata)}
	if p.Sentence, p.Before, p.After, err = v.told(env, found); err != nil {
		return eventPage{}, err
	}
	if strings.HasPrefix(found.Name, "session.") { // it is mended where it is found
		body, err := schema.Decode(found.Name, found.Data)
		if err != nil {
			return eventPage{}, err
		}
		of := match.ParseStream(found.Stream)
		offers := sessionOffers([]string{"cycle", of.Cycle, "match", of.Match, "session", strconv.Itoa(match.SessionOf(body))})
		file := *v
		file.path = "/cycles/" + url.PathEscape(of.Cycle) + "/matches/" + url.PathEscape(of.Match) // where it is told as it then stands
		if p.Can, err = file.can(offers[:]...); err != nil {
			return eventPage{}, err
		}
	}
	p.Rows, p.Stored = v.envelopeRows(env, found), v.storedRows(env, found)
	return p, v.neighbours(&p, env, found)
}

// told puts a stored event into words.
func (v *visit) told(env schema.Envelope, r eventstore.Recorded) (sentence, before, after string, err error) {
	sentence, before, after, err = v.views.Say(v.ctx, projections.Event{Position: r.Position, Stream: r.Stream, Revision: r.Revision, Envelope: env, Data: r.Data})
	return v.spell(sentence), v.value(r.Name, before), v.value(r.Name, after), err
}

func (v *visit) envelopeRows(e schema.Envelope, r eventstore.Recorded) []row {
	rows := []row{
		{Key: "Happened", At: v.instant(e.OccurredAt)},
		{Key: "Recorded", At: v.instant(e.RecordedAt), Note: lag(e.OccurredAt, e.RecordedAt)},
		{Key: "Done by", Value: text(v.actor(e.Actor)), Note: roleOf(e)},
	}
	add := func(key, value string) {
		if value != "" {
			rows = append(rows, row{Key: key, Value: text(value)})
		}
	}
	if e.OnBehalfOf != "" {
		add("On behalf of", v.name(e.OnBehalfOf))
	}
	add("Channel", channelWords(e.Channel))
	add("Reason", inWords(e.Reason))
	add("Authority", inWords(e.Authority))
	for _, p := range e.Subjects {
		add("About", v.name(p))
	}
	add("Does not conform", projections.Nonconforming(e.Nonconformities))
	about := projections.Event{Stream: r.Stream, Envelope: e, Data: r.Data}
	return append(rows, v.file(about.File())...)
}

func (v *visit) storedRows(e schema.Envelope, r eventstore.Recorded) []row {
	stream := link{r.Stream, ""}
	if v.cycle.Cycle != "" {
		stream.Href = v.to("/history", "stream", r.Stream)
	}
	rows := []row{{Key: "Stream", Value: stream, Note: "revision " + strconv.FormatUint(r.Revision, 10)}}
	for _, p := range e.Subjects {
		rows = append(rows, row{Key: "About", Value: text(string(p))})
	}
	for _, x := range [][2]string{
		{"Position", r.Position.String()}, {"Book", e.Book}, {"Event id", e.ID}, {"Command", e.CommandID},
		{"Begun by command", e.Correlation}, {"Caused by event", e.Causation},
	} {
		if x[1] != "" {
			rows = append(rows, row{Key: x[0], Value: text(x[1])})
		}
	}
	return rows
}

// roleOf is in what role a person acted: what part of the engine did says it
// already.
func roleOf(e schema.Envelope) string {
	if !domain.IsUUID(e.Actor) {
		return ""
	}
	return inWords(e.Role)
}

// file leads to the application or match that a stream belongs to.
func (v *visit) file(stream string) []row {
	if l := v.fileOf(stream); l.Href != "" {
		return []row{{Key: "File", Value: l}}
	}
	return nil
}

// neighbours links to the events before and after this one in its stream, to
// the one that it corrects, and to those that correct it.
func (v *visit) neighbours(p *eventPage, env schema.Envelope, at eventstore.Recorded) error {
	from := uint64(0)
	if env.Corrects == "" && at.Revision > 0 { // only a correction has to look far back
		from = at.Revision - 1
	}
	for r, err := range v.s.store.ReadStream(v.ctx, at.Stream, eventstore.ReadStream{From: from}) {
		if err != nil {
			return err
		}
		e, err := schema.DecodeEnvelope(r.Metadata)
		if err != nil {
			return err
		}
		here := "/events/" + url.PathEscape(r.Position.String())
		switch {
		case r.Revision+1 == at.Revision:
			p.Earlier = here
		case r.Revision == at.Revision+1:
			p.Later = here
		}
		key := ""
		switch {
		case env.Corrects != "" && e.ID == env.Corrects:
			key = "Corrects"
		case e.Corrects != "" && e.Corrects == env.ID:
			key = "Corrected by"
		default:
			continue
		}
		sentence, _, _, err := v.told(e, r)
		if err != nil {
			return err
		}
		p.Rows = append(p.Rows, row{Key: key, Value: link{sentence, here}})
	}
	return nil
}

// indented is JSON to read, or the bytes as they are.
func indented(b []byte) string {
	var out bytes.Buffer
	if err := json.Indent(&out, b, "", "  "); err != nil {
		return string(b)
	}
	return out.String()
}

func text(words string) link { return link{Text: words} }
