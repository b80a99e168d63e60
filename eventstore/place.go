package eventstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
)

// A Place is how far a reader has come in the log: which event it has read
// last. The zero Place is before the first. A reader that keeps its place
// keeps the store's ID with it, and asks Held before it goes on: a log may have
// been put back from an older copy, and have got other events since.
type Place struct {
	Position Position  `json:"position"`
	Stream   string    `json:"stream"`
	Revision uint64    `json:"revision"`
	ID       uuid.UUID `json:"id"`
}

// PlaceOf is the place of who has read r last.
func PlaceOf(r Recorded) Place { return Place{r.Position, r.Stream, r.Revision, r.ID} }

// ErrLost says that a log has not what was read from it.
var ErrLost = errors.New("the log's end is missing, or is another since")

// Held tells whether a log still has the event that was read last, and so all
// before it; ErrLost when it has not.
func (p Place) Held(ctx context.Context, s Store) error {
	if p == (Place{}) {
		return nil
	}
	for r, err := range s.ReadStream(ctx, p.Stream, ReadStream{From: p.Revision, Limit: 1}) {
		switch {
		case errors.Is(err, ErrStreamNotFound):
		case err != nil:
			return fmt.Errorf("look for position %s: %w", p.Position, err)
		case PlaceOf(r) == p:
			return nil
		}
	}
	return fmt.Errorf("%w: event %s (%s, revision %d) is not at position %s", ErrLost, p.ID, p.Stream, p.Revision, p.Position)
}
