package matching

import (
	"context"

	"github.com/daybook-engine/daybook/domain/matching"
)

// Assign solves an input of whatever size, as Propose solves one that is checked.
func Assign(ctx context.Context, in matching.Input) error {
	e, err := newEdges(ctx, in)
	if err == nil {
		_, _, err = e.assign(ctx)
	}
	return err
}
