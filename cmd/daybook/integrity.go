package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/person"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/projections"
	"github.com/daybook-engine/daybook/workflows"
)

// ErrIntegrity is what every finding is.
var ErrIntegrity = errors.New("not sound")

func newIntegrity() *cobra.Command {
	return &cobra.Command{
		Use:   "integrity",
		Short: "Check every stored byte: the log, the ledger, the vault and the read models",
		Long: `Check every stored byte: that the log's events are in their places and are what
was written; that each can be read, and answers nothing but what lies before it;
that the log's books are, at every size, what the ledger stated of them, and the
ledger what was signed; that every personal text they commit to is in the vault
and is the one committed to, or was erased, and that everybody was erased whom the
log says was; that the register of erasures can be read, and all of it was carried
out; and that the read models are those that the log gives. The first thing wrong
is named, and the exit code is 1. Beside a running daybook serve everything but
the read models is checked.

That nobody wrote log and ledger anew, or cut off the end of what is not yet
stated, can only be told from what is kept elsewhere: keep ledger.key and
ledger.checkpoint there (DAYBOOK_LEDGER_KEY_FILE moves both), or write down the
position that this prints.`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			b, err := readLog(c)
			if err == nil {
				defer b.Close()
				err = b.check(c)
			}
			return unsound(err)
		},
	}
}

// unsound says of what was found wrong that it is a finding.
func unsound(err error) error {
	if isDamage(err) || errors.Is(err, eventstore.ErrLost) || errors.Is(err, workflows.ErrLedger) || errors.Is(err, workflows.ErrRolledBack) {
		return fmt.Errorf("%w: %w", ErrIntegrity, err)
	}
	return err
}

func (b *book) check(c *cobra.Command) error {
	ctx := c.Context()
	bar := progress(c, -1, "events")
	found, err := b.checkKept(ctx, b.stated, func(done, total int) {
		bar.ChangeMax(total)
		_ = bar.Set(done)
	})
	if err != nil {
		return err
	}
	_ = bar.Finish()
	views := "read models as the log gives them"
	if b.shared {
		views = "read models not looked at, because another process has them open"
	} else if err := b.openViews(); err != nil {
		return err
	} else if err := b.checkViews(ctx); err != nil {
		return err
	}
	fmt.Fprintf(c.OutOrStdout(), "sound: %s, %s\n", found, views)
	if found.sealed > found.texts {
		fmt.Fprintf(c.ErrOrStderr(), "%d sealed texts belong to no event: a command was broken off after sealing, or events are missing at the end of the log\n", found.sealed-found.texts)
	}
	return nil
}

// kept is what a sound directory has that cannot be made anew.
type kept struct {
	events, texts, statements int
	head                      eventstore.Position
	sealed                    int // texts, also those of no event
}

func (k kept) String() string {
	return fmt.Sprintf("%d events up to %s, %d sealed texts, %d statements of the ledger", k.events, k.head, k.texts, k.statements)
}

// checkKept opens one thing after the other, each when what it rests on is
// sound, and checks all that cannot be made anew.
func (b *book) checkKept(ctx context.Context, stated func(context.Context) ([]workflows.Statement, error), progress func(done, total int)) (k kept, err error) {
	if err := b.verify(ctx, progress); err != nil {
		return k, err
	}
	if err := b.openVault(ctx); err != nil {
		return k, err
	}
	if k.events, k.texts, err = b.checkMeaning(ctx); err != nil {
		return k, err
	}
	statements, err := stated(ctx)
	if err != nil {
		return k, err
	}
	k.statements = len(statements)
	if err := b.checkLedger(ctx, statements); err != nil {
		return k, err
	}
	if err := b.vault.Check(ctx, commitment, func(_, total int) { k.sealed = total }); err != nil {
		return k, err
	}
	k.head, err = b.store.Head(ctx)
	return k, err
}

func commitment(salt []byte, text string) string {
	return string(domain.CommitmentDigest(salt, text))
}

// checkMeaning reads every event, and looks for what it answers, for the texts
// it commits to, and for who should be erased.
func (b *book) checkMeaning(ctx context.Context) (events, texts int, err error) {
	seen := map[string]bool{}
	erasures := map[domain.Person]bool{}
	for r, err := range b.store.ReadAll(ctx, eventstore.ReadAll{}) {
		if err != nil {
			return events, texts, err
		}
		wrong := func(format string, args ...any) error {
			return fmt.Errorf("%w: %s at position %s: %s", ErrIntegrity, r.Name, r.Position, fmt.Sprintf(format, args...))
		}
		env, err := schema.DecodeEnvelope(r.Metadata)
		if err != nil {
			return events, texts, wrong("%v", err)
		}
		body, err := schema.Decode(r.Name, r.Data)
		switch {
		case err != nil:
			return events, texts, wrong("%v", err)
		case env.ID != r.ID.String() || env.Name != r.Name:
			return events, texts, wrong("its envelope is that of %s %s", env.Name, env.ID)
		case env.Causation != "" && !seen[env.Causation]:
			return events, texts, wrong("it answers %s, which does not lie before it", env.Causation)
		}
		seen[env.ID] = true
		switch body.(type) {
		case person.ErasureStarted:
			erasures[person.Of(r.Stream)] = false
		case person.ErasureCompleted:
			erasures[person.Of(r.Stream)] = true
		}
		for _, p := range schema.Private(body) {
			if p.Digest == "" {
				continue // none was given
			}
			_, err := b.vault.Reveal(ctx, string(p.Digest))
			if errors.Is(err, errErased) {
				continue
			} else if errors.Is(err, errErasing) {
				return events, texts, err
			} else if err != nil {
				return events, texts, wrong("personal text %s: %v", p.Digest, err)
			}
			texts++
		}
		events++
	}
	return events, texts, b.checkErasures(erasures)
}

// checkViews makes the read models again in memory and compares.
func (b *book) checkViews(ctx context.Context) error {
	if err := b.views.CatchUp(ctx); err != nil {
		return err
	}
	again, err := projections.Open("", b.store)
	if err != nil {
		return err
	}
	defer again.Close()
	if err := again.CatchUp(ctx); err != nil {
		return err
	}
	var kept, made bytes.Buffer
	if err := errors.Join(b.views.Dump(ctx, &kept), again.Dump(ctx, &made)); err != nil {
		return err
	}
	if !bytes.Equal(kept.Bytes(), made.Bytes()) {
		return fmt.Errorf("%w: the read models differ from what the log gives; make them anew with daybook rebuild", ErrIntegrity)
	}
	return nil
}
