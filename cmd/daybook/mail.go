package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/daybook-engine/daybook/projections"
	"github.com/daybook-engine/daybook/workflows/mail"
)

// mailHelp is what serve says of --mail.
const mailHelp = `

With --mail URL (or DAYBOOK_MAIL) the messages that definitions ask for are sent:

  smtp://USER:PASSWORD@HOST:587?from=office@example.org   by a mail server, and STARTTLS
  smtps://USER:PASSWORD@HOST:465?from=office@example.org  by TLS from the first byte
  file:DIR                                                into files, one .eml for each,
                                                          in a directory that is there

What stands for itself in a URL is written %40 for @, %3A for :, %2F for /. Without
it messages are queued and shown: daybook messages. Each is sent once: where nobody
knows whether one left the house, it waits in the work queue for a person to say.`

// mailTransport reads --mail; "" is none. Files of mail have names and addresses in
// them, so they are not kept where backups of the vault and the log are made.
func mailTransport(url, data string) (mail.Transport, error) {
	if url == "" {
		return nil, nil
	}
	transport, err := mail.Parse(url)
	if err != nil {
		return nil, usage{fmt.Errorf("--mail: %w", err)}
	}
	files, ok := transport.(mail.Files)
	if !ok {
		return transport, nil
	}
	inside, err := within(files.Dir, data)
	if inside {
		err = usage{fmt.Errorf("--mail: %s lies in the data directory, whose copies are kept: give one outside of it", files.Dir)}
	}
	if info, missing := os.Stat(files.Dir); err == nil && (missing != nil || !info.IsDir()) {
		err = usage{fmt.Errorf("--mail: there is no directory %s: make it first", files.Dir)}
	}
	return transport, err
}

// mail sends what is queued until ctx ends; without a transport it only hands to
// people what a crash left unclear. It waits until policies and clock are up to
// date: what was undone or has lapsed while nobody served is not sent any more.
func (b *book) mail(ctx context.Context, upToDate <-chan struct{}, transport mail.Transport, log *slog.Logger) error {
	select {
	case <-upToDate:
	case <-ctx.Done():
		return ctx.Err()
	}
	w := mail.Worker{Engine: b.engine, Outbox: outbox{b.views}, Reveal: b.legible, Transport: transport, Log: log}
	if transport == nil {
		return w.Recover(ctx)
	}
	return w.Run(ctx)
}

// legible is open for who sends: what a fault of the vault's own took, and no
// later try brings back, is told apart from a vault that does not answer now.
func (b *book) legible(ctx context.Context, digest string) (string, error) {
	text, err := b.open(ctx, digest)
	if unreadable(err) {
		err = fmt.Errorf("%w: %w", mail.ErrUnreadable, err)
	}
	return text, err
}

// outbox is what the read models know of messages, up to the newest event.
type outbox struct{ *projections.Views }

func (o outbox) Waiting(ctx context.Context, now time.Time) ([]mail.Entry, error) {
	if err := o.CatchUp(ctx); err != nil {
		return nil, err
	}
	list, err := o.Views.Waiting(ctx, now)
	return entries(list), err
}

func (o outbox) Claimed(ctx context.Context) ([]mail.Entry, error) {
	if err := o.CatchUp(ctx); err != nil {
		return nil, err
	}
	list, err := o.Views.Claimed(ctx)
	return entries(list), err
}

func entries(list []projections.Message) []mail.Entry {
	found := make([]mail.Entry, len(list))
	for i, m := range list {
		found[i] = mail.Entry{ID: m.Message, Claim: m.Claim}
	}
	return found
}
