package projections

import (
	_ "embed"
	"slices"

	"github.com/daybook-engine/daybook/domain/access"
)

//go:embed together.sql
var togetherSQL string

// Events belong together where people gave their commands one correlation. What
// follows from each, by a policy or by time, is not among them.
var together = Projection{
	Name: "together", Schema: togetherSQL, Indexes: "CREATE INDEX IF NOT EXISTS together_correlation ON together (correlation);", Apply: applyTogether,
}

func applyTogether(tx *Tx, e *Event) error {
	if e.Envelope.Correlation == e.Envelope.CommandID || slices.Contains(access.Engine, access.Role(e.Envelope.Role)) {
		return nil
	}
	return exec(tx.conn, "INSERT INTO together (n, correlation) VALUES (?, ?)", e.N, e.Envelope.Correlation)
}
