package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/daybook-engine/daybook/cmd/daybook-verify/verify"
	"github.com/daybook-engine/daybook/cmd/daybook/web"
	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/access"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/projections"
	"github.com/daybook-engine/daybook/workflows"
)

// tried is what the tour of a cycle shows of trials.
func (b *book) tried(ctx context.Context, cycle string, log *slog.Logger) *web.Trials {
	if b.log != "" || b.seals != "" {
		return &web.Trials{Why: "a log on a cluster and a vault in PostgreSQL are not copied by Daybook."}
	}
	t, err := b.try(ctx, cycle)
	if err != nil {
		if ctx.Err() == nil {
			log.Error("the tour's trials", "err", err)
		}
		return &web.Trials{Why: "something was in the way, which standard error tells."}
	}
	return t
}

// try tries on copies, which it removes, what would change the book.
func (b *book) try(ctx context.Context, cycle string) (*web.Trials, error) {
	dir, err := os.MkdirTemp("", "daybook-tour-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	t := &web.Trials{}
	if err := b.tryAltering(ctx, filepath.Join(dir, "altered"), cycle, t); err != nil {
		return nil, fmt.Errorf("a byte altered: %w", err)
	}
	if err := b.tryErasing(ctx, filepath.Join(dir, "erased"), cycle, t); err != nil {
		return nil, fmt.Errorf("a person erased: %w", err)
	}
	return t, nil
}

// tryAltering alters one digit of the shortest session, in the bytes of a copy
// of the log, and has the copy checked.
func (b *book) tryAltering(ctx context.Context, dir, cycle string, t *web.Trials) error {
	if _, err := b.copyTo(ctx, dir); err != nil {
		return err
	}
	x, err := b.views.Explain(ctx, cycle, "session_minutes")
	if err != nil || len(x.Events) == 0 {
		return errors.Join(err, errors.New("no session was held"))
	}
	t.Altered = slices.MinFunc(x.Events, func(a, b projections.Counted) int { return int(a.Value - b.Value) })
	t.Was, t.Is = fmt.Sprintf(`"minutes":%d`, t.Altered.Value), fmt.Sprintf(`"minutes":%d`, t.Altered.Value/10*10+(t.Altered.Value+1)%10)
	path := filepath.Join(dir, "log.db")
	file, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for r, err := range b.store.ReadStream(ctx, t.Altered.Stream, eventstore.ReadStream{From: t.Altered.Revision, Limit: 1}) {
		if err != nil {
			return err
		}
		in, at := bytes.Index(file, r.Data), bytes.Index(r.Data, []byte(t.Was))
		if in < 0 || at < 0 {
			return fmt.Errorf("%s is nowhere in the log", t.Was)
		}
		copy(file[in+at:], t.Is)
	}
	if err := os.WriteFile(path, file, 0o600); err != nil {
		return err
	}
	k, err := b.openCopy(dir)
	if err == nil {
		_, err = k.checkKept(ctx, k.stated, func(int, int) {})
	}
	found := unsound(err)
	if !errors.Is(found, ErrIntegrity) {
		return errors.Join(fmt.Errorf("the altered byte was not found: %w", found), k.Close())
	}
	t.Found = strings.ReplaceAll(found.Error(), dir+string(filepath.Separator), "")
	return k.Close()
}

// tryErasing packs the evidence of a copy that has its own keys, erases there
// whoever held the shortest session with a mentor, and packs it again.
func (b *book) tryErasing(ctx context.Context, dir, cycle string, t *web.Trials) (err error) {
	if _, err := b.copyTo(ctx, dir); err != nil {
		return err
	}
	// What is kept apart from copies, and a ledger that the copy signs itself.
	for _, x := range [][2]string{{b.keptApart("DAYBOOK_KEY_FILE", "master.key"), "master.key"}, {b.register(), "erasures.jsonl"}} {
		kept, err := os.ReadFile(x[0])
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, x[1]), kept, 0o600)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := os.Remove(filepath.Join(dir, "ledger.jsonl")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	k := &book{dir: dir, whole: true}
	if k, err = k.made(ctx, false); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, k.Close()) }()
	before, policy, err := k.pack(ctx, cycle, "the tour", nil)
	if err != nil {
		return err
	}
	by, approver, err := k.two(ctx, cycle, t)
	if err != nil {
		return err
	}
	fields := fmt.Appendf(nil, `{"person":%q,"approver":%q}`, t.Erased, approver)
	if _, err := k.engine.DoAs(ctx, by, "erasure.start", fields, nil, workflows.Cause{Channel: "cli", Reason: "requested"}); err != nil {
		return err
	}
	if t.Texts, err = k.carryOut(ctx, t.Erased, false); err != nil {
		return err
	}
	if err := k.settle(ctx); err != nil {
		return err
	}
	after, _, err := k.pack(ctx, cycle, "the tour", before)
	if err != nil {
		return err
	}
	trusted, err := verify.ReadPolicy(policy)
	if err != nil {
		return err
	}
	first, err := verify.Check(before, trusted, nil)
	if err != nil {
		return err
	}
	second, err := verify.Check(after, trusted, before)
	if err != nil {
		return err
	}
	if !slices.Equal(first.Claims.Figures, second.Claims.Figures) {
		return errors.New("the figures are others than before")
	}
	t.Pack, t.Figures = len(before), len(first.Claims.Figures)
	return nil
}

// two are who asks for an erasure and who approves it, and whom it is about: who
// planned the cycle, somebody else who acted in it, and the mentee of the
// altered session.
func (b *book) two(ctx context.Context, cycle string, t *web.Trials) (by string, approver domain.Person, err error) {
	matches, err := b.views.Matches(ctx, cycle)
	if err != nil {
		return "", "", err
	}
	for _, m := range matches {
		if m.Stream == t.Altered.Stream {
			t.Erased = m.Mentee
		}
	}
	planned, err := b.views.History(ctx, projections.HistoryFilter{Cycle: cycle, Name: "cycle.planned"})
	if err != nil {
		return "", "", err
	}
	reviews, err := b.views.History(ctx, projections.HistoryFilter{Cycle: cycle, Name: "review.recorded"})
	if err != nil {
		return "", "", err
	}
	if t.Erased == "" || len(planned) == 0 || len(reviews) == 0 {
		return "", "", errors.New("nobody is there to ask or approve")
	}
	return string(access.Coordinator) + "/" + planned[0].Envelope.Actor, domain.Person(reviews[0].Envelope.Actor), nil
}
