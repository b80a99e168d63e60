package workflows

import (
	"context"
	"net/url"
	"strconv"

	"github.com/google/uuid"

	"github.com/daybook-engine/daybook/domain"
)

// A Bulk is a command for each of many things, as one act: a form that was
// filled in once, with what is known of each.
type Bulk struct {
	ID       uuid.UUID // the correlation of all, from which their ids follow
	By       string    // ROLE/HANDLE
	Rows     []BulkRow
	Progress func(done, of int)
}

// A BulkRow is one of them, by the names of its form's inputs. It is on behalf of
// whose own act it is, unless it says another.
type BulkRow struct {
	Command string
	Given   url.Values
}

// PreviewBulk tells what would come of each row, and does nothing of it.
func (g *Engine) PreviewBulk(ctx context.Context, in Bulk) (*Imported, error) {
	x, err := g.bulk(ctx, in)
	if err != nil {
		return nil, err
	}
	return x.done, x.preview(ctx)
}

// DoBulk does what is new. Broken off, the same bulk does the rest.
func (g *Engine) DoBulk(ctx context.Context, in Bulk) (*Imported, error) {
	x, err := g.bulk(ctx, in)
	if err != nil {
		return nil, err
	}
	if err := x.preview(ctx); err != nil {
		return nil, err
	}
	x.done.ID = in.ID.String()
	return x.done, x.issue(ctx)
}

// bulk makes rows of a bulk, which are then gone through as a sheet's.
func (g *Engine) bulk(ctx context.Context, in Bulk) (*importer, error) {
	role, handle, err := ParseActor(in.By)
	if err != nil {
		return nil, err
	}
	actor, err := g.Registered(ctx, handle)
	if err != nil {
		return nil, err
	}
	then, err := g.ahead(ctx)
	if err != nil {
		return nil, err
	}
	x := &importer{Import: Import{By: in.By, Progress: in.Progress}, g: g, then: then, rows: make([]rowPlan, len(in.Rows)), done: &Imported{Rows: make([]ImportedRow, len(in.Rows))}}
	for i, row := range in.Rows {
		x.done.Rows[i] = already(i + 1)
		body, wrong := Compose(row.Command, row.Given)
		if len(wrong) > 0 {
			x.done.Rows[i].Outcome, x.done.Rows[i].Why = RowAsked, wrong[0].Text
			continue
		}
		// Of what a row says nothing goes into its id, which is kept for ever.
		id, _ := uuid.Parse(domain.UUID5(in.ID.String(), strconv.Itoa(i), row.Command))
		cause := Cause{CommandID: id}.Explained(row.Given)
		if cause.OnBehalfOf == "" {
			if cause.OnBehalfOf, err = g.Whose(ctx, role, actor, row.Command, row.Given); err != nil {
				return nil, err
			}
		}
		x.rows[i].orders = []rowCommand{{row.Command, body, cause}}
	}
	return x, nil
}

// Inverse is the command that takes back what a command did to each of many; ""
// where none does.
func Inverse(command string) string {
	return map[string]string{"task.complete": "task.reopen"}[command]
}
