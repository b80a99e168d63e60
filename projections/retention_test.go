package projections_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/domain/cycle"
	"github.com/daybook-engine/daybook/domain/person"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/retention"
	"github.com/daybook-engine/daybook/eventstore/memory"
	"github.com/daybook-engine/daybook/projections"
)

// The clock waits until somebody was kept long enough, as the definition that the
// cycle goes by says it; then people are asked, until that person is erased.
func TestWhoIsKeptLongEnoughIsInTheQueue(t *testing.T) {
	t.Parallel()
	w := &writer{t: t, cycle: "winter", now: start}
	d := definition
	refused := programme.Retention{Of: programme.NotPlaced, Months: 6, After: programme.AfterDecision, Why: "to answer questions"}
	placed := programme.Retention{Of: programme.Placed, Months: 24, After: programme.AfterClosing, Why: "for the funder"}
	publish := func(rules ...programme.Retention) domain.Digest {
		d.Retention = rules
		w.add("programme-nemo-121", "programme/nemo-121", programme.DefinitionPublished{Hash: d.Hash(), Definition: d})
		return d.Hash()
	}
	hash := publish(refused, placed)
	w.in("cycle-winter", cycle.Planned{Programme: "nemo-121", Definition: hash, Title: "Winter", From: "2023-11", To: "2024-02", Zone: "Europe/Berlin", Year: 2023})
	id := func(n int) retention.ID {
		return retention.ID{Cycle: "winter", Call: "mentees", Person: w.person(n)}
	}
	stream := func(n int) string { return id(n).Application().Stream() }
	apply := func(n int) { w.in(stream(n), application.DraftStarted(id(n))) }
	for n := 1; n <= 4; n++ {
		apply(n)
	}
	w.at(time.Date(2023, 8, 31, 16, 0, 0, 0, time.UTC))
	w.in(stream(1), application.DraftExpired{})
	w.in(stream(2), application.OfferAccepted{})
	w.in(stream(3), application.OfferLapsed{})

	store, told := memory.New(), 0
	v := views(t, store)
	requireDue := func(want map[string]string) {
		t.Helper()
		write(t, store, w.facts[told:])
		told = len(w.facts)
		require.NoError(t, v.CatchUp(t.Context()))
		for _, v := range []*projections.Views{v, views(t, store)} { // and in one go
			got := map[string]string{}
			due, err := v.Due(t.Context(), w.now.AddDate(50, 0, 0), 0)
			require.NoError(t, err)
			for _, x := range due {
				if x.Command == "retention.expire" {
					got[string(x.Args)] = x.Due.Format(time.RFC3339)
				}
			}
			require.Equal(t, want, got)
		}
	}
	args := func(n int) string {
		return `{"cycle":"winter","call":"mentees","person":"` + string(w.person(n)) + `"}`
	}
	const half, year = "2024-02-28T23:00:00Z", "2024-08-30T22:00:00Z"
	requireDue(map[string]string{args(1): half, args(3): half})

	// A draft that had expired is sent by permit; a new version keeps the others longer.
	w.in(stream(1), application.Received{ReceivedAt: w.now})
	refused.Months = 12
	w.in("cycle-winter", cycle.DefinitionMoved{To: publish(refused, placed)})
	requireDue(map[string]string{args(3): year})

	// With the cycle all is decided, and who was placed begins to be kept.
	w.at(time.Date(2024, 3, 1, 11, 0, 0, 0, time.UTC))
	w.in("cycle-winter", cycle.Closed{})
	requireDue(map[string]string{args(1): "2025-02-28T23:00:00Z", args(2): "2026-02-28T23:00:00Z", args(3): year, args(4): "2025-02-28T23:00:00Z"})

	asked := func() (said []projections.Item) {
		list, err := v.Queue(t.Context(), "winter", w.now)
		require.NoError(t, err)
		for _, k := range list {
			if k.Role != "clock" {
				said = append(said, k)
			}
		}
		return said
	}
	require.Empty(t, asked())
	over := time.Date(2024, 8, 30, 22, 0, 0, 0, time.UTC)
	w.at(over)
	expired := retention.Expired{ID: id(3), Rule: refused, Zone: "Europe/Berlin", Timer: domain.Timer{Rule: "retention.expire", Due: over, Fired: over}}
	w.in(id(3).Stream(), expired)
	w.add("person-"+string(w.person(4)), "installation", person.ErasureCompleted{})
	requireDue(map[string]string{args(1): "2025-02-28T23:00:00Z", args(2): "2026-02-28T23:00:00Z"})
	list := asked()
	require.Len(t, list, 1)
	require.Equal(t, "retention.extend", list[0].Command)
	require.Equal(t, stream(3), list[0].Stream)
	require.True(t, list[0].Due.Equal(over))
	require.Equal(t, "what is known about {person:"+string(w.person(3))+"} was kept long enough (not placed: 1 year after the decision, to answer questions): erase them with daybook erase, which takes two people, or say why it is kept on", list[0].Words)

	until := time.Date(2025, 1, 1, 11, 0, 0, 0, time.UTC)
	w.in(id(3).Stream(), retention.Extended{ID: id(3), Until: until, Local: "2025-01-01T12:00", Zone: "Europe/Berlin"})
	requireDue(map[string]string{args(1): "2025-02-28T23:00:00Z", args(2): "2026-02-28T23:00:00Z", args(3): "2025-01-01T11:00:00Z"})
	require.Empty(t, asked())
	expired.Rule, expired.Timer.Due = programme.Retention{}, until
	w.in(id(3).Stream(), expired)
	requireDue(map[string]string{args(1): "2025-02-28T23:00:00Z", args(2): "2026-02-28T23:00:00Z"})
	require.Contains(t, asked()[0].Words, "was kept long enough (kept on until then, as somebody said): ")
	w.add("person-"+string(w.person(3)), "installation", person.ErasureStarted{})
	requireDue(map[string]string{args(1): "2025-02-28T23:00:00Z", args(2): "2026-02-28T23:00:00Z"})
	require.Empty(t, asked(), "it is under way")

	// What came too late was refused, and is all that is known of who sent it. A
	// draft that could be started after all is not at its end.
	w.in(stream(5), application.SubmissionRefused{Cycle: "winter", Call: "mentees", Person: w.person(5), ReceivedAt: w.now})
	w.in(stream(6), application.SubmissionRefused{Cycle: "winter", Call: "mentees", Person: w.person(6), ReceivedAt: w.now})
	apply(6)
	requireDue(map[string]string{args(1): "2025-02-28T23:00:00Z", args(2): "2026-02-28T23:00:00Z", args(5): "2025-08-30T22:00:00Z", args(6): "2025-02-28T23:00:00Z"})

	// An end counts for what it was about: who was placed since is kept for longer.
	expired = retention.Expired{ID: id(1), Rule: refused, Zone: "Europe/Berlin", Timer: domain.Timer{Rule: "retention.expire", Due: time.Date(2025, 2, 28, 23, 0, 0, 0, time.UTC)}}
	w.in(id(1).Stream(), expired)
	requireDue(map[string]string{args(2): "2026-02-28T23:00:00Z", args(5): "2025-08-30T22:00:00Z", args(6): "2025-02-28T23:00:00Z"})
	require.Len(t, asked(), 1)
	w.in(stream(1), application.OfferAccepted{})
	requireDue(map[string]string{args(1): "2026-02-28T23:00:00Z", args(2): "2026-02-28T23:00:00Z", args(5): "2025-08-30T22:00:00Z", args(6): "2025-02-28T23:00:00Z"})
	require.Empty(t, asked())
}
