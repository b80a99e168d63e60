package workflows

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/domain/digest"
	"github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/domain/message"
	"github.com/daybook-engine/daybook/domain/person"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/review"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/domain/when"
	"github.com/daybook-engine/daybook/eventstore"
)

// tell queues the messages that the cycle's definition had on an event.
func tell(ctx context.Context, g *Engine, r eventstore.Recorded, event any) ([]order, error) {
	l := lookup{ctx, g, false}
	return l.messages(r, event, l.queue)
}

// queue is the order of a message, none where somebody in it was erased.
func (l lookup) queue(m programme.Message, about message.About, id message.ID) (order, error) {
	p, err := remembered[person.State](l, person.ID{Person: about.Recipient}.Stream())
	if err != nil || p.Erased() {
		return order{}, err
	}
	if about.Other != "" {
		if other, err := remembered[person.State](l, person.ID{Person: about.Other}.Stream()); err != nil || other.Erased() {
			return order{}, err
		}
	}
	about.Language = m.In(p.Language()).Language
	return order{"message.queue", message.Queue{ID: id, About: about}}, nil
}

// forget withdraws the messages to and of somebody who is being erased.
func forget(ctx context.Context, g *Engine, stream string, _ person.ErasureStarted) (orders []order, err error) {
	p := person.Of(stream)
	for m, err := range g.Store.ReadAll(ctx, eventstore.ReadAll{Prefixes: []string{message.ID{}.Stream()}}) {
		if err != nil {
			return nil, fmt.Errorf("messages to %s: %w", p, err)
		}
		body, err := schema.Decode(m.Name, m.Data)
		if err != nil {
			return nil, err
		}
		if q, ok := body.(message.Queued); ok && q.Attempt == 1 && (q.Recipient == p || q.Other == p) {
			orders = append(orders, order{"message.withdraw", message.Withdraw{ID: message.ParseStream(m.Stream), Why: "erased"}})
		}
	}
	return orders, nil
}

func undoes(event string) bool { return len(programme.Undoes(event)) > 0 }

// untell withdraws the messages on what is no longer so after an event.
func untell(ctx context.Context, g *Engine, r eventstore.Recorded, event any) (orders []order, err error) {
	undone := programme.Undoes(r.Name)
	l := lookup{ctx, g, false}
	cycle, _, err := l.parties(r.Stream, event)
	if err != nil {
		return nil, err
	}
	moved, err := l.moved(cycle)
	if err != nil {
		return nil, err
	}
	d, _, err := l.definition(cycle)
	if err != nil || !moved && !slices.ContainsFunc(d.Messages, func(m programme.Message) bool { return slices.Contains(undone, m.On) }) {
		return nil, err // most say nothing of these, and the stream need not be read
	}
	for earlier, err := range g.Store.ReadStream(ctx, r.Stream, eventstore.ReadStream{}) {
		if err != nil {
			return nil, fmt.Errorf("what %s undoes: %w", r.Name, err)
		}
		if earlier.Revision >= r.Revision {
			break
		}
		if !slices.Contains(undone, earlier.Name) {
			continue
		}
		body, err := schema.Decode(earlier.Name, earlier.Data)
		if err != nil {
			return nil, err
		}
		session, reviewer := part(body)
		if s, r := part(event); session*s != 0 && session != s || reviewer != "" && r != "" && reviewer != r {
			continue // another session's, or another reviewer's
		}
		more, err := l.messages(earlier, body, func(_ programme.Message, _ message.About, id message.ID) (order, error) {
			return order{"message.withdraw", message.Withdraw{ID: id, Why: strings.ReplaceAll(r.Name, ".", "_")}}, nil
		})
		if err != nil {
			return nil, err
		}
		orders = append(orders, more...)
	}
	return orders, nil
}

// messages makes an order of each message that the cycle's definition had on
// an event when it was recorded; of none, where that is what make gives.
func (l lookup) messages(r eventstore.Recorded, event any, make func(programme.Message, message.About, message.ID) (order, error)) (orders []order, err error) {
	cycle, who, err := l.parties(r.Stream, event)
	if err != nil {
		return nil, err
	}
	d, plan, err := l.definitionAt(cycle, r.Position)
	if err != nil {
		return nil, err
	}
	for _, m := range d.MessagesOn(r.Name) {
		about := message.About{
			Cycle: cycle, Key: m.Message, Definition: plan.Definition, To: m.To, Recipient: who[m.To],
			Event: r.Name, Cause: r.ID.String(), Stream: r.Stream,
		}
		if about.Recipient == "" {
			continue // what nobody in particular has to do stands in the queue alone
		}
		if m.Says("other") {
			about.Other = who[map[string]string{match.Mentee: match.Mentor, match.Mentor: match.Mentee}[m.To]]
		}
		o, err := make(m, about, message.Of(about.Cause, m.Message, about.Recipient, cycle))
		if err != nil {
			return nil, err
		}
		if o.command != "" {
			orders = append(orders, o)
		}
	}
	return orders, nil
}

// parties are whom an event is about, by what a definition calls them.
func (l lookup) parties(stream string, event any) (cycle string, who map[string]domain.Person, err error) {
	switch e := event.(type) {
	case application.Event:
		s, err := remembered[application.State](l, stream)
		return s.ID().Cycle, map[string]domain.Person{"applicant": s.ID().Person}, err
	case match.Event:
		s, err := remembered[match.State](l, stream)
		return match.ParseStream(stream).Cycle, map[string]domain.Person{match.Mentee: s.Party(match.Mentee), match.Mentor: s.Party(match.Mentor)}, err
	case digest.Queued:
		return e.Cycle, map[string]domain.Person{programme.Holder: e.For.Person}, nil
	case review.Event:
		_, key, _ := strings.Cut(stream, "-")
		s, err := remembered[application.State](l, "application-"+key)
		assigned, _ := e.(review.Assigned)
		return s.ID().Cycle, map[string]domain.Person{"reviewer": assigned.Reviewer}, err
	}
	return "", nil, fmt.Errorf("%T is about nobody who could be told", event)
}

// message completes the id of a message that is there.
func (l lookup) message(id *message.ID) error {
	s, err := remembered[message.State](l, id.Stream())
	id.Cycle = s.About().Cycle
	return err
}

// A Letter is a message in words, as they are now: a name that was corrected
// since it was queued is the new one.
type Letter struct {
	Name, Address string // Address is "" where none is known
	Language      string
	Subject, Text string

	Erased bool // somebody in it was: it is not to be sent
	Digest bool // of tasks
	Idle   bool // it is one, and they are all done: it is not to be sent either
	Claim  int  // how often somebody was about to send it
}

// String is the letter whole.
func (l Letter) String() string {
	to := "no e-mail address"
	if l.Address != "" {
		to = l.Address
	}
	return fmt.Sprintf("To: %s <%s>\nSubject: %s\n\n%s", l.Name, to, l.Subject, l.Text)
}

// Letter writes a message. reveal opens what the vault has under a digest.
func (g *Engine) Letter(ctx context.Context, id string, reveal func(ctx context.Context, digest string) (string, error)) (letter Letter, err error) {
	l := lookup{ctx, g, true}
	s, err := fold[message.State](l, message.ID{Message: id}.Stream())
	if err != nil {
		return letter, err
	}
	if s.Phase() == message.None {
		return letter, message.ErrUnknown.Because(id)
	}
	about := s.About()
	letter.Claim, letter.Language = s.Claim(), about.Language
	_, plan, err := l.definition(about.Cycle)
	if err != nil {
		return letter, err
	}
	versions, err := remembered[programme.State](l, programme.ID{Programme: plan.Programme}.Stream())
	if err != nil {
		return letter, err
	}
	d, _, _ := versions.Version(about.Definition)
	m, ok := d.Message(about.Key)
	if !ok {
		return letter, fmt.Errorf("message %s: the definition %s has no message %s", id, about.Definition, about.Key)
	}
	text := func(digest domain.Digest) string {
		if digest == "" || err != nil {
			return "" // a log from before it was asked for
		}
		var words string
		words, err = reveal(ctx, string(digest))
		return words
	}
	called := func(p domain.Person) (name, address string) {
		known, failed := fold[person.State](l, person.ID{Person: p}.Stream())
		err = errors.Join(err, failed)
		letter.Erased = letter.Erased || known.Erased()
		n, a := known.Written()
		return text(n), text(a)
	}
	values := map[string]string{"programme": d.Title, "cycle": plan.Title}
	letter.Name, letter.Address = called(about.Recipient)
	values["name"] = letter.Name
	if about.Other != "" {
		values["other"], _ = called(about.Other)
	}
	if err != nil {
		return letter, fmt.Errorf("message %s: %w", id, err)
	}
	event, err := l.cause(about)
	if err != nil {
		return letter, fmt.Errorf("message %s: %w", id, err)
	}
	local := func(t time.Time, zone string) string {
		location, failed := when.Zone(zone)
		if failed != nil {
			location, zone = time.UTC, "UTC"
		}
		return fmt.Sprintf("%s (%s)", t.In(location).Format("2006-01-02 15:04"), zone)
	}
	switch e := event.(type) {
	case application.OfferMade:
		values["reply_by"] = local(e.ReplyBy, e.Zone)
	case match.Made:
		values["contact_by"] = local(e.ContactDue, d.Zone)
	case match.ContactOverdue:
		values["contact_by"] = local(e.Timer.Due, d.Zone)
	case match.SessionScheduled:
		values["session"], values["session_at"] = strconv.Itoa(e.Session), local(e.Start, e.Zone)
	case match.SessionRescheduled:
		values["session"], values["session_at"] = strconv.Itoa(e.Session), local(e.Now.Start, e.Now.Zone)
	case match.SessionCancelled:
		values["session"] = strconv.Itoa(e.Session)
	}
	for name, value := range values {
		values[name] = oneLine(value)
	}
	if letter.Digest = about.IsDigest(); letter.Digest {
		now, failed := g.now()
		if failed != nil {
			return letter, failed
		}
		list, failed := l.errands(about.Cycle, about.Recipient, now)
		if failed != nil {
			return letter, fmt.Errorf("message %s: %w", id, failed)
		}
		letter.Idle = len(list) == 0
		lines := make([]string, len(list))
		for i, t := range list {
			lines[i] = "- " + oneLine(t.words(local))
		}
		values["tasks"] = strings.Join(lines, "\n")
	}
	letter.Name = values["name"]
	letter.Subject, letter.Text = m.In(about.Language).Fill(values)
	return letter, nil
}

// oneLine keeps what people typed from ending a header line.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}

// cause is the event that a message tells of.
func (l lookup) cause(about message.About) (any, error) {
	for r, err := range l.Store.ReadStream(l.ctx, about.Stream, eventstore.ReadStream{}) {
		if err != nil {
			return nil, err
		}
		if r.ID.String() == about.Cause {
			return schema.Decode(r.Name, r.Data)
		}
	}
	return nil, fmt.Errorf("%s has no event %s", about.Stream, about.Cause)
}
