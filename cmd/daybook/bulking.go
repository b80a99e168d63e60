package main

import (
	"context"
	"log/slog"
	"slices"

	"github.com/google/uuid"

	"github.com/daybook-engine/daybook/cmd/daybook/web"
	"github.com/daybook-engine/daybook/workflows"
)

// bulking lets who acts on the pages do the same for many rows.
func (b *book) bulking(by string, log *slog.Logger) *web.Bulking {
	of := func(id uuid.UUID, orders []web.Order, progress func(done, of int)) workflows.Bulk {
		in := workflows.Bulk{ID: id, By: by, Progress: progress, Rows: make([]workflows.BulkRow, len(orders))}
		for i, o := range orders {
			in.Rows[i] = workflows.BulkRow{Command: o.Command, Given: o.Given}
		}
		return in
	}
	return &web.Bulking{
		Preview: func(ctx context.Context, orders []web.Order) (web.Brought, []web.Fault, error) {
			first := orders[0]
			if !slices.ContainsFunc(orders, func(o web.Order) bool { return o.Command != first.Command }) {
				if _, wrong := composed(first); len(wrong) > 0 { // with what is said for all
					return web.Brought{}, wrong, nil
				}
			}
			done, err := b.engine.PreviewBulk(ctx, of(uuid.New(), orders, nil))
			return brought(done), nil, err
		},
		Do: func(ctx context.Context, id uuid.UUID, orders []web.Order, progress func(done, of int)) (web.Brought, error) {
			done, err := b.engine.DoBulk(ctx, of(id, orders, progress))
			b.follow(ctx, log)
			return brought(done), err
		},
		Inverse: workflows.Inverse,
	}
}
