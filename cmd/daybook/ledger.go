package main

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/daybook-engine/daybook/projections"
	"github.com/daybook-engine/daybook/workflows"
)

// ledger opens the directory's ledger, with its key.
func (b *book) ledger() (*workflows.Ledger, error) {
	return workflows.OpenLedger(b.dir, b.ledgerKey(), b.origin(b.clock != nil), &shelf{b: b})
}

func (b *book) ledgerKey() string { return b.keptApart("DAYBOOK_LEDGER_KEY_FILE", "ledger.key") }

func (b *book) origin(rehearsal bool) string {
	origin := "daybook/" + b.store.ID().String()
	if rehearsal {
		origin = "rehearsal/" + origin
	}
	return origin
}

// stated is all that the directory's ledger states, and was signed.
func (b *book) stated(ctx context.Context) ([]workflows.Statement, error) {
	rehearsal, _, err := rehearsed(ctx, b.store)
	if err != nil {
		return nil, err
	}
	return workflows.ReadLedger(b.dir, b.ledgerKey(), b.origin(rehearsal))
}

// checkLedger holds the log against what the ledger stated of it.
func (b *book) checkLedger(ctx context.Context, stated []workflows.Statement) error {
	sizes := map[string]map[int64]bool{}
	for _, s := range stated {
		if sizes[s.Book] == nil {
			sizes[s.Book] = map[int64]bool{}
		}
		sizes[s.Book][s.Size] = true
	}
	books, err := projections.Recount(ctx, b.store, sizes) // after the ledger, which may grow meanwhile
	if err != nil {
		return err
	}
	is := map[projections.Book]bool{}
	for _, b := range books {
		is[b] = true
	}
	same := map[string]int64{} // of its first events, by book
	for _, s := range stated {
		if s.Book != "" && !is[projections.Book{Book: s.Book, Size: s.Size, Root: *s.Root}] {
			return fmt.Errorf("%w: the ledger states that %s had %d events with root %s, and the log has not: of its events %d to %d one was altered, put in or taken out; put back the newest copy of log.db",
				ErrIntegrity, s.Book, s.Size, s.Root, same[s.Book]+1, s.Size)
		}
		same[s.Book] = s.Size
	}
	return nil
}

// A shelf is the books as the ledger asks for them, one question at a time.
type shelf struct {
	b         *book
	recounted bool
}

// sound sees to it that views are of the log as it is. They could be of one
// that was put back since: what is signed does not rest on them unless once,
// since the program began, the log alone gave the same.
func (s *shelf) sound(ctx context.Context) error {
	var books []projections.Book
	if !s.recounted {
		var err error
		if books, err = projections.Recount(ctx, s.b.store, nil); err != nil {
			return err
		}
	}
	if err := s.b.views.CatchUp(ctx); err != nil {
		return err
	}
	for _, b := range books {
		if root, err := s.b.views.Root(ctx, b.Book, b.Size); err != nil || root != b.Root {
			return fmt.Errorf("%w: the read models have another %s than the log: one of the two was put back; look into it with daybook integrity", ErrIntegrity, b.Book)
		}
	}
	s.recounted = true
	return nil
}

func (s *shelf) Books(ctx context.Context) ([]workflows.Statement, error) {
	if err := s.sound(ctx); err != nil {
		return nil, err
	}
	books, err := s.b.views.Books(ctx)
	list := make([]workflows.Statement, len(books))
	for i, b := range books {
		list[i] = workflows.Statement{Book: b.Book, Root: &b.Root, Size: b.Size}
	}
	return list, err
}

func (s *shelf) Root(ctx context.Context, book string, size int64) (tlog.Hash, error) {
	if err := s.sound(ctx); err != nil {
		return tlog.Hash{}, err
	}
	return s.b.views.Root(ctx, book, size)
}
