package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/uuid"

	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/workflows"
)

// checkpoint keeps how far somebody has come in the log, in a file of the data
// directory. The policies' is a spare: lost, stale or ahead of a log that was
// put back, they ask again about what they have answered, and nothing comes of
// it. A relay's target would be told everything again by a lost one: its is
// written durably, and one that cannot be read holds it up.
type checkpoint struct {
	path  string
	store uuid.UUID
	write func(path string, b []byte, perm fs.FileMode) error
}

// saved is what the file has.
type saved struct {
	Store uuid.UUID `json:"store"`
	eventstore.Place
}

func (b *book) checkpoint() workflows.Checkpoint {
	return checkpoint{filepath.Join(b.dir, "policies.checkpoint"), b.store.ID(), swap}
}

// A seldom is a checkpoint that is written every so often, or nowhere: a
// rehearsal saves one after each of its steps.
type seldom struct {
	workflows.Checkpoint                   // nil: nowhere
	at                   *eventstore.Place // nil: not loaded yet
	saves                int
}

func (s *seldom) Load(ctx context.Context) (eventstore.Place, error) {
	if s.at == nil {
		at, err := s.Checkpoint.Load(ctx)
		if err != nil {
			return at, err
		}
		s.at = &at
	}
	return *s.at, nil
}

func (s *seldom) Save(ctx context.Context, at eventstore.Place) error {
	s.at = &at
	if s.saves++; s.Checkpoint == nil || s.saves%64 != 0 {
		return nil
	}
	return s.Checkpoint.Save(ctx, at)
}

// swap writes a file in another's place, without waiting for the disk.
func swap(path string, b []byte, perm fs.FileMode) error {
	beside := path + ".new"
	if err := os.WriteFile(beside, b, perm); err != nil {
		return err
	}
	return os.Rename(beside, path)
}

func (c checkpoint) Load(context.Context) (eventstore.Place, error) {
	text, err := os.ReadFile(c.path)
	if errors.Is(err, fs.ErrNotExist) {
		return eventstore.Place{}, nil
	} else if err != nil {
		return eventstore.Place{}, err
	}
	var s saved
	if err := json.Unmarshal(text, &s); err != nil {
		return eventstore.Place{}, fmt.Errorf("%w: %s cannot be read: %w", eventstore.ErrLost, c.path, err)
	}
	if s.Store != c.store {
		return eventstore.Place{}, nil // another log's
	}
	return s.Place, nil
}

func (c checkpoint) Save(_ context.Context, at eventstore.Place) error {
	text, err := json.Marshal(saved{c.store, at})
	if err != nil {
		return err
	}
	return c.write(c.path, append(text, '\n'), 0o600)
}
