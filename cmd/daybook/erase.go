package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/daybook-engine/daybook/cmd/daybook/web"
	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/access"
	"github.com/daybook-engine/daybook/domain/person"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/workflows"
)

func newErase() *cobra.Command {
	var by, approve, reason, register string
	var replay bool
	c := &cobra.Command{
		Use:   "erase PERSON --by ROLE/HANDLE --approve HANDLE",
		Short: "Destroy everything personal about one person, for ever",
		Long: `Destroy everything personal about one person, for ever: the key that opens their
texts, the texts themselves, also those about them and another, and the handle.
The master key changes, so that copies of the keys made before open no more.
Events stand, and so do figures and proofs: they never held a word. There is no
way back.

Two people agree: who asks, and who approves. At a terminal the person's name is
asked back. If it is cut short, ask again with
the person's id. Until then, and where an older copy of the vault was put back,
the vault stays shut: the log knows who was erased. So does the register,
erasures.jsonl (DAYBOOK_REGISTER_FILE moves it), for the day on which the log is an
older copy too; only who knows an id can tell whose it is from it. Keep a copy of
it elsewhere, beside that of the new master key. After restoring an older copy,
carry out what the log and the register have, and the register's copy:

  daybook erase --replay [--register COPY]`,
		Example: `  daybook erase p14 --by coordinator/c1 --approve anna --reason requested`,
		Args: args(func(c *cobra.Command, given []string) error {
			if replay {
				return cobra.NoArgs(c, given)
			}
			return cobra.ExactArgs(1)(c, given)
		}),
		RunE: func(c *cobra.Command, given []string) error {
			if replay {
				return replayErasures(c, register)
			}
			if by == "" || approve == "" {
				return usage{errors.New("an erasure takes two people: --by ROLE/HANDLE and --approve HANDLE")}
			}
			b, err := openErasing(c, false, "")
			if err != nil {
				return err
			}
			defer b.Close()
			return b.erase(c, given[0], by, approve, reason)
		},
	}
	f := c.Flags()
	f.StringVar(&by, "by", "", "who asks: ROLE/HANDLE")
	f.StringVar(&approve, "approve", "", "the handle of who approves: somebody else")
	f.StringVar(&reason, "reason", "requested", "why: a code such as requested or retention_over")
	f.BoolVar(&replay, "replay", false, "carry out the erasures of the log and of the register, after restoring an older copy")
	f.StringVar(&register, "register", "", "with --replay: a copy of the register that was kept elsewhere; the register gets what it has more")
	return c
}

func (b *book) erase(c *cobra.Command, whom, by, approve, reason string) error {
	ctx := c.Context()
	erased, err := b.person(ctx, whom)
	if err != nil {
		return err
	}
	approver, err := b.person(ctx, approve)
	if err != nil {
		return err
	}
	completed, err := b.views.Erasures(ctx)
	if err != nil {
		return err
	}
	// What was asked for before has no way back.
	if _, asked := completed[erased]; !asked {
		if err := b.confirm(c, whom, erased); err != nil {
			return err
		}
	}
	fields := fmt.Appendf(nil, `{"person":%q,"approver":%q}`, erased, approver)
	if _, err := b.engine.DoAs(ctx, by, "erasure.start", fields, nil, workflows.Cause{Channel: "cli", Reason: reason}); err != nil {
		return err
	}
	fmt.Fprintf(c.ErrOrStderr(), "erasing person %s; if this is cut short, ask again with that id\n", erased)
	texts, err := b.carryOut(ctx, erased, completed[erased])
	if err != nil {
		return err
	}
	fmt.Fprintf(c.OutOrStdout(), "erased: person %s, %d texts; keep copies of %s and of the new master key elsewhere\n", erased, texts, b.register())
	return b.settle(ctx)
}

// confirm asks whoever sits at a terminal whether this is who they mean: there
// is no way back from one handle typed for another. Whose name cannot be had is
// meant by what they were named as.
func (b *book) confirm(c *cobra.Command, named string, whom domain.Person) error {
	in, ok := c.InOrStdin().(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return nil
	}
	ctx, what := c.Context(), "name"
	name, err := web.Name(ctx, b.store, b.reveal, whom)
	if err != nil || name == "" || name == web.Erased || name == web.Withheld {
		name, what = named, "same"
	}
	fmt.Fprintf(c.ErrOrStderr(), "all that is personal about %s will be gone for ever; type the %s to go on: ", name, what)
	answer := make(chan string, 1)
	go func() { // an interrupt ends ctx, and not what reads
		line, err := bufio.NewReader(in).ReadString('\n')
		if err != nil {
			line = ""
		}
		answer <- line
	}()
	line := ""
	select {
	case line = <-answer:
	case <-ctx.Done():
	}
	switch {
	case line == "" || ctx.Err() != nil:
		fmt.Fprintln(c.ErrOrStderr())
		return errors.New("nobody was erased")
	case strings.TrimSpace(line) != name:
		return fmt.Errorf("that is not %s: nobody was erased", name)
	}
	return nil
}

// carryOut erases somebody from the vault, and tells the log unless it has it:
// an older copy of the vault holds fewer texts than were erased then.
func (b *book) carryOut(ctx context.Context, whom domain.Person, completed bool) (texts int, err error) {
	texts, err = b.vault.Erase(ctx, string(whom))
	if err != nil || completed {
		return texts, err
	}
	fields := fmt.Appendf(nil, `{"person":%q,"texts":%d}`, whom, texts)
	cause := workflows.Cause{CommandID: uuid.NewSHA1(uuid.Nil, []byte("erasure of "+whom)), Actor: "eraser", Role: access.Eraser, Channel: "system"}
	_, err = b.engine.Do(ctx, "erasure.complete", fields, cause)
	return texts, err
}

// person is somebody registered, by handle or id.
func (b *book) person(ctx context.Context, named string) (domain.Person, error) {
	if !domain.IsUUID(named) {
		return sealed{b.vault}.Person(ctx, named)
	}
	whom := domain.Person(named)
	for _, err := range b.store.ReadStream(ctx, person.ID{Person: whom}.Stream(), eventstore.ReadStream{Limit: 1}) {
		if errors.Is(err, eventstore.ErrStreamNotFound) {
			return "", workflows.ErrHandle.Because(named)
		}
		return whom, err
	}
	return whom, nil
}

// replayErasures carries out what the register has, its copy, and the log.
func replayErasures(c *cobra.Command, copied string) error {
	if copied != "" {
		if _, err := os.Stat(copied); err != nil {
			return usage{err}
		}
	}
	b, err := openErasing(c, true, copied)
	if err != nil {
		return err
	}
	defer b.Close()
	ctx := c.Context()
	completed, err := b.views.Erasures(ctx)
	if err != nil {
		return err
	}
	for _, whom := range slices.Sorted(maps.Keys(completed)) {
		erased, err := b.vault.Erased(string(whom))
		if err == nil && !(erased && completed[whom]) {
			_, err = b.carryOut(ctx, whom, completed[whom])
		}
		if err != nil {
			return err
		}
	}
	fmt.Fprintln(c.OutOrStdout(), "the vault has carried out every erasure of the log and of the register")
	return b.settle(ctx)
}
