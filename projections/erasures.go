package projections

import (
	"context"
	_ "embed"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/person"
)

//go:embed erasures.sql
var erasuresSQL string

var erasures = Projection{Name: "erasures", Schema: erasuresSQL, Names: []string{"erasure.started", "erasure.completed"}, Apply: applyErasures}

func applyErasures(tx *Tx, e *Event) error {
	completed := 0
	if _, is := e.Body.(person.ErasureCompleted); is {
		completed = 1
	}
	return exec(tx.conn, "INSERT INTO erasures (person, completed) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET completed = ?2",
		string(person.Of(e.Stream)), completed)
}

// Erasures tells of everybody who was to be erased, and whether the vault had
// done it. One that was put back since may have undone it.
func (v *Views) Erasures(ctx context.Context) (map[domain.Person]bool, error) {
	completed := map[domain.Person]bool{}
	err := v.ask(ctx, func(conn *sqlite.Conn) error {
		return query(conn, "SELECT person, completed FROM erasures ORDER BY person", func(stmt *sqlite.Stmt) error {
			completed[domain.Person(stmt.ColumnText(0))] = stmt.ColumnBool(1)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("erasures: %w", err)
	}
	return completed, nil
}
