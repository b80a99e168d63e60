package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/workflows/document"
)

// eventLine is one line of daybook events --json.
type eventLine struct {
	Position eventstore.Position `json:"position"`
	Stream   string              `json:"stream"`
	Revision uint64              `json:"revision"`
	schema.Envelope
	Data json.RawMessage `json:"data"`
}

func newEvents() *cobra.Command {
	var stream, name, cycle, actor, after, at string
	var asJSON bool
	c := &cobra.Command{
		Use:   "events",
		Short: "List what the log holds, in order",
		Example: `  daybook events --cycle nemo-2023-autumn --name session.held --json
  daybook events --after 000000000000002a --at 2023-10-31`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := checkName(name); err != nil {
				return err
			}
			b, err := readLog(c)
			if err != nil {
				return err
			}
			defer b.Close()
			if actor, err = b.actor(c.Context(), actor); err != nil {
				return err
			}
			if err := b.planned(c.Context(), cycle); err != nil {
				return err
			}
			read := eventstore.ReadAll{}
			if after != "" {
				if read.After, err = eventstore.ParsePosition(after); err != nil {
					return usage{err}
				}
			}
			w, past, err := moment{at, "recorded"}.parse("UTC")
			if err != nil {
				return err
			}
			out := c.OutOrStdout()
			lines := json.NewEncoder(out)
			lines.SetEscapeHTML(false)
			for r, err := range b.store.ReadAll(c.Context(), read) {
				if err != nil {
					return err
				}
				env, err := schema.DecodeEnvelope(r.Metadata)
				if err != nil {
					return fmt.Errorf("position %s: %w", r.Position, err)
				}
				switch {
				case past && env.RecordedAt.After(w.Time):
					return nil
				case stream != "" && r.Stream != stream,
					name != "" && r.Name != name && !strings.HasPrefix(r.Name, strings.TrimSuffix(name, ".")+"."),
					actor != "" && env.Actor != actor,
					cycle != "" && env.Cycle(r.Data) != cycle:
					continue
				}
				line := eventLine{r.Position, r.Stream, r.Revision, env, r.Data}
				if asJSON {
					err = lines.Encode(line)
				} else {
					_, err = fmt.Fprintf(out, "%s  %s  %-24s %s\n", r.Position, env.RecordedAt.Format(time.RFC3339), r.Name, r.Stream)
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&stream, "stream", "", "only this stream")
	f.StringVar(&name, "name", "", "only events of this name, or of its first word: session.held, session")
	f.StringVar(&cycle, "cycle", "", "only what concerns this cycle: its own book, and what the programme keeps about it")
	f.StringVar(&actor, "actor", "", "only what this actor did: a person's handle or id, clock, or a policy's name")
	f.StringVar(&after, "after", "", "only what lies after this position")
	f.StringVar(&at, "at", "", "only what was recorded by then (a date means its end, UTC)")
	f.BoolVar(&asJSON, "json", false, "one JSON object a line: place, envelope and data")
	return c
}

// actor is the id of the person who has a handle. What else can act, an id, the
// clock or a policy, is itself; only to tell a handle the vault is opened.
func (b *book) actor(ctx context.Context, name string) (string, error) {
	if name == "" || name == "clock" || domain.IsUUID(name) {
		return name, nil
	}
	if err := b.openVault(ctx); err != nil {
		return "", err
	}
	person, err := sealed{b.vault}.Person(ctx, name)
	if errors.Is(err, domain.NotFound) {
		return name, nil
	}
	return string(person), err
}

// planned tells of a cycle that the log doesn't know. It asks no view: the log
// is what one looks at when views are broken.
func (b *book) planned(ctx context.Context, id string) error {
	if id == "" {
		return nil
	}
	const prefix = "cycle-"
	known := []string{}
	for r, err := range b.store.ReadAll(ctx, eventstore.ReadAll{Prefixes: []string{prefix}}) {
		if err != nil {
			return err
		}
		switch planned := strings.TrimPrefix(r.Stream, prefix); {
		case planned == id:
			return nil
		case r.Revision == 0:
			known = append(known, planned)
		}
	}
	return usage{fmt.Errorf("there is no such cycle: %s", document.Suggest(id, known))}
}
