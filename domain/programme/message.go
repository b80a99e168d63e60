package programme

import (
	"fmt"
	"slices"
	"strings"

	"github.com/daybook-engine/daybook/domain"
)

// Holder is who has tasks to do, whatever they are: whom a digest is to.
const Holder = "holder"

// telling is what may be told of an event. What is not here is told to nobody:
// so no template can reveal why something was decided, what anybody wrote, or
// who the other of a pair is before both have accepted.
type telling struct {
	to     []string // who is named by it
	says   []string // what else than everySays
	undone []string // by these events in the same stream it is no longer so
}

// everySays is what any message may say.
var everySays = []string{"name", "programme", "cycle"}

var (
	ofApplicant = []string{"applicant"}
	ofPair      = []string{"mentee", "mentor"}
	ofHolder    = []string{Holder}
	matchOver   = []string{"match.unwound", "match.ended"}
	mistaken    = []string{"application.retracted"}
	withdrawn   = append([]string{"application.withdrawn"}, mistaken...)
	sessionOff  = append([]string{"session.rescheduled", "session.cancelled", "session.missed", "session.held"}, matchOver...)
)

// tellings are those of Vocabulary["told"].
var tellings = map[string]telling{
	"application.received":    {to: ofApplicant, undone: mistaken},
	"application.withdrawn":   {to: ofApplicant, undone: mistaken},
	"nomination.received":     {to: ofApplicant, undone: mistaken},
	"nomination.lapsed":       {to: ofApplicant, undone: append([]string{"nomination.received"}, withdrawn...)},
	"eligibility.confirmed":   {to: ofApplicant, undone: withdrawn},
	"eligibility.failed":      {to: ofApplicant, undone: mistaken},
	"application.shortlisted": {to: ofApplicant, undone: []string{"application.withdrawn"}},
	"application.passed_over": {to: ofApplicant},
	"application.selected":    {to: ofApplicant, undone: []string{"application.withdrawn"}},
	"application.reserved":    {to: ofApplicant, undone: []string{"offer.made", "application.withdrawn"}},
	"application.declined":    {to: ofApplicant},
	"offer.made":              {to: ofApplicant, says: []string{"reply_by"}, undone: []string{"offer.accepted", "offer.declined", "offer.lapsed", "application.withdrawn"}},
	"offer.accepted":          {to: ofApplicant},
	"offer.declined":          {to: ofApplicant},
	"offer.lapsed":            {to: ofApplicant},
	"review.assigned":         {to: []string{"reviewer"}, undone: []string{"reviewer.recused"}},
	"match.proposed":          {to: ofPair, undone: []string{"match.declined"}},
	"match.declined":          {to: ofPair},
	"match.made":              {to: ofPair, says: []string{"other", "contact_by"}, undone: matchOver},
	"match.unwound":           {to: ofPair, says: []string{"other"}},
	"match.completed":         {to: ofPair, says: []string{"other"}},
	"match.ended":             {to: ofPair, says: []string{"other"}},
	"agreement.in_force":      {to: ofPair, says: []string{"other"}, undone: matchOver},
	"contact.overdue":         {to: ofPair, says: []string{"other", "contact_by"}, undone: append([]string{"contact.made", "session.held"}, matchOver...)},
	"session.scheduled":       {to: ofPair, says: []string{"other", "session", "session_at"}, undone: sessionOff},
	"session.rescheduled":     {to: ofPair, says: []string{"other", "session", "session_at"}, undone: sessionOff},
	"session.cancelled":       {to: ofPair, says: []string{"other", "session"}},
	"digest.queued":           {to: ofHolder, says: []string{"tasks"}},
}

// Told tells whether a message can be about events of this name.
func Told(event string) bool { return tellings[event].to != nil }

// Undoes lists the events that are no longer so once this one is recorded in
// the same stream: what was to be told of them is told no more.
func Undoes(event string) (events []string) {
	for _, told := range Vocabulary["told"] {
		if slices.Contains(tellings[told].undone, event) {
			events = append(events, told)
		}
	}
	return events
}

// MessagesOn lists the messages about events of this name.
func (d Definition) MessagesOn(event string) (list []Message) {
	for _, m := range d.Messages {
		if m.On == event {
			list = append(list, m)
		}
	}
	return list
}

// Message finds a message of the definition by its key.
func (d Definition) Message(key string) (Message, bool) {
	for _, m := range d.Messages {
		if m.Message == key {
			return m, true
		}
	}
	return Message{}, false
}

// In is the template for who reads this language: in it, in the same language
// of another region, or else the first.
func (m Message) In(language string) Template {
	base := func(tag string) string { tag, _, _ = strings.Cut(tag, "-"); return tag }
	best := m.Templates[0]
	for _, t := range m.Templates {
		if t.Language == language {
			return t
		}
		if base(t.Language) == base(language) && base(best.Language) != base(language) {
			best = t
		}
	}
	return best
}

// Says tells whether the message has this placeholder in any language.
func (m Message) Says(placeholder string) bool {
	return slices.ContainsFunc(m.Templates, func(t Template) bool {
		return strings.Contains(t.Subject+t.Text, "{"+placeholder+"}")
	})
}

// Fill puts values in the place of the placeholders. A value is not looked
// through for placeholders itself.
func (t Template) Fill(values map[string]string) (subject, text string) {
	pairs := make([]string, 0, 2*len(values))
	for name, value := range values {
		pairs = append(pairs, "{"+name+"}", value)
	}
	r := strings.NewReplacer(pairs...)
	return r.Replace(t.Subject), r.Replace(t.Text)
}

// maxSubject is what mail programs show of a subject, and more.
const maxSubject = 150

// messages checks that each message is to somebody whom its event names, and
// says nothing but what may be said of it.
func (f *faults) messages(d Definition) {
	for i, m := range d.Messages {
		at := fmt.Sprintf("messages[%d]", i)
		told, ok := tellings[m.On]
		if !ok {
			continue // told already
		}
		if slices.Contains(Vocabulary["recipient"], m.To) {
			f.expect(slices.Contains(told.to, m.To), at+".to", "%s: %s is about nobody else", domain.Either(told.to), m.On)
		}
		known := slices.Concat(everySays, told.says)
		for j, t := range m.Templates {
			path := fmt.Sprintf("%s.templates[%d]", at, j)
			f.expect(!strings.ContainsAny(t.Subject, "\r\n") && len(t.Subject) <= maxSubject, path+".subject", "one line of at most %d bytes", maxSubject)
			f.placeholders(t.Subject, path+".subject", m.On, known)
			f.placeholders(t.Text, path+".text", m.On, known)
		}
	}
}

// placeholders checks what stands in braces.
func (f *faults) placeholders(text, path, event string, known []string) {
	for rest := text; ; {
		before, after, ok := strings.Cut(rest, "{")
		f.expect(!strings.Contains(before, "}"), path, "{ before }")
		if !ok {
			return
		}
		name, behind, closed := strings.Cut(after, "}")
		switch {
		case !closed || strings.ContainsAny(name, "{\n"):
			f.expect(false, path, "} behind {, in the same line")
			return
		case !slices.Contains(known, name):
			f.tell(Fault{path, "a placeholder that " + event + " has, " + domain.Either(known) + " in braces", "{" + name + "}", braced(known)})
		}
		rest = behind
	}
}

func braced(names []string) []string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = "{" + name + "}"
	}
	return list
}
