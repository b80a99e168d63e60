package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/workflows"
)

// checkpoint keeps how far the policies have come, in a file of the data
// directory. It is a spare: lost or stale, the policies ask again about what
// they have answered, and nothing comes of it.
type checkpoint struct{ path, store string }

func (b *book) checkpoint() workflows.Checkpoint {
	return checkpoint{filepath.Join(b.dir, "policies.checkpoint"), b.store.ID().String()}
}

func (c checkpoint) Load(context.Context) (eventstore.Position, error) {
	text, err := os.ReadFile(c.path)
	if errors.Is(err, fs.ErrNotExist) {
		return eventstore.Position{}, nil
	} else if err != nil {
		return eventstore.Position{}, err
	}
	store, position, ok := strings.Cut(strings.TrimSpace(string(text)), " ")
	if !ok || store != c.store {
		return eventstore.Position{}, nil // another log's, or half written
	}
	at, err := eventstore.ParsePosition(position)
	if err != nil {
		return eventstore.Position{}, nil
	}
	return at, nil
}

func (c checkpoint) Save(_ context.Context, at eventstore.Position) error {
	beside := c.path + ".new"
	if err := os.WriteFile(beside, fmt.Appendln(nil, c.store, at), 0o600); err != nil {
		return err
	}
	return os.Rename(beside, c.path)
}
