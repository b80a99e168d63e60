// Package mail sends what was queued. A message is claimed before it is sent,
// so that of several who would send it one does; and once it is claimed it is
// sent at most once: where it is not known whether a mail left the house, a
// person is asked, and no second one follows by itself.
package mail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/mail"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/access"
	"github.com/daybook-engine/daybook/domain/message"
	"github.com/daybook-engine/daybook/workflows"
)

// A Mail is ready to be sent.
type Mail struct {
	ID      string // of the message, and so of every attempt at it
	Claim   int
	To      mail.Address
	Subject string
	Text    string
	HTML    string
	Date    time.Time
}

// What a Connection answers besides nil, when it was sent. Any other error says
// that it surely was not, and that it may be tried again.
var (
	// ErrRefused: it surely was not sent, and trying again would not help.
	ErrRefused = errors.New("refused")
	// ErrUnclear: it may have been sent.
	ErrUnclear = errors.New("it is not known whether it was sent")
)

// ErrUnreadable is the answer of a Reveal to who asks for what will not open
// again by itself: it is damaged, or not there.
var ErrUnreadable = errors.New("it cannot be read")

// ErrRehearsed is the answer to who would send what was only rehearsed.
var ErrRehearsed = errors.New("what was rehearsed is never sent")

// A Transport takes mail out of the house. Its errors tell no password.
type Transport interface {
	// Open finds somebody to give a mail to. That there is nobody, or that they
	// take nothing from us, is no mail's fault.
	Open(ctx context.Context) (Connection, error)
}

// A Connection takes mail; a server's takes one.
type Connection interface {
	Send(m Mail) error
	Close()
}

// An Entry is a message that is to be sent, and how often somebody was about
// to send it.
type Entry struct {
	ID    string
	Claim int
}

// An Outbox finds what is to be sent. It may be behind the log: then a claim is
// refused.
type Outbox interface {
	// Waiting lists the messages that may be sent at now, in the order in which
	// they were queued.
	Waiting(ctx context.Context, now time.Time) ([]Entry, error)
	// Claimed lists those that were claimed and of which no more is known.
	Claimed(ctx context.Context) ([]Entry, error)
}

// A Worker sends mail.
type Worker struct {
	Engine    *workflows.Engine
	Outbox    Outbox
	Reveal    func(ctx context.Context, digest string) (string, error) // opens names and addresses; see ErrUnreadable
	Transport Transport
	Log       *slog.Logger

	away  bool          // there was nobody to give a mail to
	pause time.Duration // how long it waits then
	again time.Time     // when it asks again
}

// Between these pauses a worker asks again whether there is somebody to give a
// mail to: each is twice the last.
const shortPause, longPause = 5 * time.Second, 5 * time.Minute

// Run sends what is queued until ctx ends. What is being sent then is sent and
// recorded first.
func (w *Worker) Run(ctx context.Context) error {
	if err := w.Recover(ctx); err != nil {
		return err
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		if err := w.Pass(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// Recover hands to people what was claimed by who ended before saying what came
// of it. It goes before the first Pass, and needs no Transport.
func (w *Worker) Recover(ctx context.Context) error {
	claimed, err := w.Outbox.Claimed(ctx)
	if err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	for _, e := range claimed {
		if err := w.became(ctx, e, "message.mark_unknown", message.MarkUnknown{ID: message.ID{Message: e.ID}, Claim: e.Claim}); err != nil {
			return err
		}
	}
	return nil
}

// Pass sends once what may be sent now. What goes wrong with one message keeps
// no other from being sent. While there is nobody to give them to they wait, and
// no try is spent.
func (w *Worker) Pass(ctx context.Context) error {
	if w.Engine.Rehearsal {
		return ErrRehearsed
	}
	now := w.Engine.Now()
	if now.Before(w.again) {
		return nil
	}
	waiting, err := w.Outbox.Waiting(ctx, now)
	if err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	var errs []error
	for _, e := range waiting {
		if ctx.Err() != nil {
			break
		}
		if err := w.send(ctx, e); err != nil {
			errs = append(errs, fmt.Errorf("mail, message %s: %w", e.ID, err))
		}
	}
	return errors.Join(errs...)
}

// open finds somebody to give a mail to, unless it was found in this pass that
// there is nobody. It is said once, and again when there is somebody.
func (w *Worker) open(ctx context.Context) Connection {
	if w.Engine.Now().Before(w.again) {
		return nil
	}
	connection, err := w.Transport.Open(ctx)
	switch {
	case err == nil:
		if w.away {
			w.Log.Info("there is somebody again who takes mail")
		}
		w.away, w.pause = false, 0
		return connection
	case ctx.Err() != nil:
		return nil
	case !w.away:
		w.Log.Error("nobody takes mail from us: what is queued waits until somebody does", "err", err)
	}
	w.away, w.pause = true, min(max(2*w.pause, shortPause), longPause)
	w.again = w.Engine.Now().Add(w.pause)
	return nil
}

// send writes a message, claims it, sends it, and records what came of it.
func (w *Worker) send(ctx context.Context, e Entry) error {
	id := message.ID{Message: e.ID}
	letter, err := w.Engine.Letter(ctx, e.ID, w.Reveal)
	e.Claim = letter.Claim
	fail := func(why string) message.Fail { return message.Fail{ID: id, Claim: e.Claim, Why: why, Final: true} }
	switch {
	case errors.Is(err, ErrUnreadable): // a person is asked; it keeps no other waiting
		w.Log.Error("a message cannot be written", "message", e.ID, "err", err)
		return w.record(ctx, e, uuid.New(), "message.fail", fail("unwritable"))
	case err != nil:
		return err
	}
	switch { // under ids of their own: the same may come of it again, at another attempt
	case letter.Erased:
		return w.record(ctx, e, uuid.New(), "message.withdraw", message.Withdraw{ID: id, Why: "erased"})
	case letter.Idle:
		return w.record(ctx, e, uuid.New(), "message.withdraw", message.Withdraw{ID: id, Why: "nothing_left"})
	case letter.Address == "" && letter.Digest: // of one a day, nobody is asked each day
		return w.record(ctx, e, uuid.New(), "message.withdraw", message.Withdraw{ID: id, Why: "no_address"})
	case letter.Address == "":
		return w.record(ctx, e, uuid.New(), "message.fail", fail("no_address"))
	}
	m, err := write(letter)
	if err != nil {
		return err
	}
	to := w.open(ctx)
	if to == nil {
		if ctx.Err() != nil { // it is we who leave
			return nil
		}
		return w.record(ctx, e, uuid.New(), "message.delay", message.Delay{ID: id, Why: "away"})
	}
	defer to.Close()
	// This id is nobody else's: whoever asked under the same one would be told
	// that it was claimed, too.
	fields, err := json.Marshal(map[string]string{"message": e.ID, "rendered": letter.String()})
	if err != nil {
		return err
	}
	_, err = w.Engine.Do(ctx, "message.claim", fields, cause(uuid.New()))
	switch refused := new(domain.Error); {
	case errors.Is(err, message.ErrOld) && letter.Digest: // the next one says it
		return w.record(ctx, e, uuid.New(), "message.withdraw", message.Withdraw{ID: id, Why: "too_old"})
	case errors.Is(err, message.ErrOld):
		return w.record(ctx, e, uuid.New(), "message.fail", fail("too_old"))
	case errors.As(err, &refused):
		return nil // somebody else's, or withdrawn
	case err != nil:
		return err
	}
	e.Claim++
	m.ID, m.Claim, m.Date = e.ID, e.Claim, w.Engine.Now()
	err = to.Send(m)
	ctx = context.WithoutCancel(ctx) // what is sent is recorded
	switch {
	case err == nil:
		_, file := to.(Files)
		return w.became(ctx, e, "message.send", message.Send{ID: id, Claim: e.Claim, File: file})
	case errors.Is(err, ErrUnclear):
		w.Log.Error("it is not known whether a message was sent", "message", e.ID, "err", err)
		return w.became(ctx, e, "message.mark_unknown", message.MarkUnknown{ID: id, Claim: e.Claim})
	case errors.Is(err, ErrRefused):
		w.Log.Error("a message was refused", "message", e.ID, "err", err)
		return w.became(ctx, e, "message.fail", fail("refused"))
	}
	w.Log.Error("a message was not sent", "message", e.ID, "err", err)
	return w.became(ctx, e, "message.fail", message.Fail{ID: id, Claim: e.Claim, Why: "unreachable"})
}

// became records what came of a claim: under an id that follows from it, so
// that doing so again changes nothing.
func (w *Worker) became(ctx context.Context, e Entry, name string, cmd any) error {
	of, err := uuid.Parse(e.ID)
	if err != nil {
		return err
	}
	return w.record(ctx, e, uuid.NewSHA1(of, fmt.Append(nil, name, e.Claim)), name, cmd)
}

// record issues a command about a message. That somebody else said otherwise
// before is an outcome.
func (w *Worker) record(ctx context.Context, e Entry, id uuid.UUID, name string, cmd any) error {
	fields, err := json.Marshal(cmd)
	if err != nil {
		return err
	}
	_, err = w.Engine.Do(ctx, name, fields, cause(id))
	if refused := new(domain.Error); errors.As(err, &refused) {
		w.Log.Warn("what came of a message was not recorded: it stands otherwise", "message", e.ID, "command", name, "err", err)
		return nil
	}
	return err
}

func cause(id uuid.UUID) workflows.Cause {
	return workflows.Cause{CommandID: id, Actor: "mail", Role: access.Mailer, Channel: "system"}
}

// page is a letter for who reads HTML: the same words, and nothing in them is
// markup.
var page = template.Must(template.New("mail").Parse(`<!DOCTYPE html>
<html lang="{{.Language}}"><head><meta charset="utf-8"><title>{{.Subject}}</title></head><body>
{{range .Paragraphs}}<p>{{range $i, $line := .}}{{if $i}}<br>
{{end}}{{$line}}{{end}}</p>
{{end}}</body></html>
`))

func write(l workflows.Letter) (Mail, error) {
	var paragraphs [][]string
	for part := range strings.SplitSeq(strings.Trim(l.Text, "\n"), "\n\n") {
		paragraphs = append(paragraphs, strings.Split(strings.Trim(part, "\n"), "\n"))
	}
	var html strings.Builder
	err := page.Execute(&html, struct {
		workflows.Letter
		Paragraphs [][]string
	}{l, paragraphs})
	return Mail{To: mail.Address{Name: l.Name, Address: l.Address}, Subject: l.Subject, Text: l.Text, HTML: html.String()}, err
}
