package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/daybook-engine/daybook/domain/message"
	"github.com/daybook-engine/daybook/domain/when"
	"github.com/daybook-engine/daybook/projections"
)

// messageLine is one line of daybook messages --json.
type messageLine struct {
	QueuedAt  time.Time     `json:"queued_at"`
	State     message.Phase `json:"state"`
	File      bool          `json:"file,omitempty"` // it was sent into a file
	Why       string        `json:"why,omitempty"`  // it failed or was withdrawn: a code
	At        time.Time     `json:"at"`             // of what became of it
	Again     time.Time     `json:"again,omitzero"`
	Key       string        `json:"key"`
	To        string        `json:"to"`
	Recipient string        `json:"recipient"`
	Event     string        `json:"event"`
	Language  string        `json:"language"`
	Attempt   int           `json:"attempt"`
	Message   string        `json:"message"`
}

func newMessages() *cobra.Command {
	var cycle string
	var asJSON bool
	var m moment
	c := &cobra.Command{
		Use:   "messages --cycle CYCLE",
		Short: "Tell which messages were queued, to whom, and what became of them",
		Long: `Tell which messages were queued in a cycle, to whom, and what became of them, in
the order in which they were queued. They are those that the cycle's definition
asks for, and leave the house with daybook serve --mail.`,
		Example: "  daybook messages --cycle nemo-2023-autumn\n  daybook messages show 2d06eb14-3f6b-57a2-8a0d-4f0b0a6a3f11",
		Args:    args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			b, err := m.look(c, cycle)
			if err != nil {
				return err
			}
			defer b.done()
			ctx, out := c.Context(), c.OutOrStdout()
			location, err := when.Zone(b.local)
			if err != nil {
				return err
			}
			list, err := b.then.Messages(ctx, cycle)
			if err == nil && len(list) == 0 {
				_, err = b.then.Cycle(ctx, cycle)
				if err = b.unlessNotYet(c, cycle, err); err == nil {
					fmt.Fprintln(c.ErrOrStderr(), "no message was queued")
				}
			}
			if err != nil {
				return err
			}
			lines := json.NewEncoder(out)
			lines.SetEscapeHTML(false)
			for _, m := range list {
				name := b.called(ctx, string(m.Recipient))
				if b.erasing != nil {
					return b.erasing
				}
				if asJSON {
					err = lines.Encode(messageLine{m.QueuedAt, m.Phase, m.File, m.Why, m.At, m.Again, m.Key, m.To, name, m.Event, m.Language, m.Attempt, m.Message})
				} else {
					_, err = fmt.Fprintf(out, "%-20s %-10s %-18s %s, %s  %s%s\n", m.QueuedAt.In(location).Format(minute), m.State(), m.Key, name, m.To, m.Message, whyNot(m, location))
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
	cycleFlag(c, &cycle)
	m.flags(c)
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	c.AddCommand(newMessagesShow())
	return c
}

// whyNot says what more is known of a message that was not sent.
func whyNot(m projections.Message, location *time.Location) (words string) {
	if m.Why != "" {
		words = "  " + projections.Unsent(m.Why)
	}
	if !m.Again.IsZero() {
		words += ", again at " + m.Again.In(location).Format(minute)
	}
	return words
}

func newMessagesShow() *cobra.Command {
	return &cobra.Command{
		Use:   "show ID",
		Short: "Show one message: as it was sent, or as it would be written now",
		Args:  args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, given []string) error {
			b, err := readBook(c)
			if err != nil {
				return err
			}
			defer b.Close()
			ctx := c.Context()
			m, err := b.views.Message(ctx, given[0])
			if err != nil {
				return err
			}
			text, err := b.letter(ctx, m)
			if err != nil {
				return err
			}
			if _, err := io.WriteString(c.OutOrStdout(), text+newline(text)); err != nil {
				return err
			}
			how := "as it would be written now"
			if m.Written() {
				how = "as it was written to be sent"
			}
			_, err = fmt.Fprintf(c.ErrOrStderr(), "%s, %s\n", m.State(), how)
			return err
		},
	}
}

// letter is a message whole, as those who run the programme may read it: as it
// was sent or, while it waits or never was, as it would be written now.
func (b *book) letter(ctx context.Context, m projections.Message) (string, error) {
	if m.Written() {
		return b.reveal(ctx, string(m.Rendered.Digest))
	}
	l, err := b.engine.Letter(ctx, m.Message, b.reveal)
	return l.String(), err
}

// newline is what a text lacks to end a line.
func newline(text string) string {
	if len(text) > 0 && text[len(text)-1] == '\n' {
		return ""
	}
	return "\n"
}
