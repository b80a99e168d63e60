package programme_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain/domaintest"
	. "github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/when"
)

// A calendar that ends before the dates that are counted by it is no fault of a
// definition; somebody should look at it.
func TestACalendarThatEndsTooEarlyIsDoubted(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		change func(*Definition)
		want   []string
	}{
		"nothing is dated": {func(*Definition) {}, nil},
		"a deadline within it": {func(d *Definition) {
			d.Calls[0].Deadline = Deadline{Published: "by 1 July", Local: "2023-07-01T12:00", Rule: "by"}
		}, nil},
		"a deadline after it": {func(d *Definition) {
			d.Calls[0].Deadline = Deadline{Published: "by 1 July", Local: "2024-07-01T12:00", Rule: "by"}
		}, []string{"calendar.holidays: expected the holidays of 2024, which calls[0].deadline reaches: calls[0].routes[1].proof would count every weekday of it as a working day"}},
		"what is counted from a deadline": {func(d *Definition) {
			d.Calls[0].Deadline = Deadline{Published: "by 29 December", Local: "2023-12-29T12:00", Rule: "by"}
		}, []string{"calendar.holidays: expected the holidays of 2024, which what is counted from calls[0].deadline reaches: calls[0].routes[1].proof would count every weekday of it as a working day"}},
		"a stage into the next year": {func(d *Definition) {
			d.Stages = []Stage{{Stage: "sessions", Kind: "sessions", Text: "Sessions", From: "2023-11", To: "2025-01"}}
		}, []string{
			"calendar.holidays: expected the holidays of 2024, which stages[0] reaches: calls[0].routes[1].proof would count every weekday of it as a working day",
			"calendar.holidays: expected the holidays of 2025, which stages[0] reaches: calls[0].routes[1].proof would count every weekday of it as a working day",
		}},
		"a stage of a month": {func(d *Definition) {
			d.Stages = []Stage{{Stage: "sessions", Kind: "sessions", Text: "Sessions", From: "2023-12"}}
		}, nil},
		"nobody counts working days": {func(d *Definition) {
			d.Calls[0].Routes, d.Offer, d.Calendar = nil, Offer{ReplyWithin: when.Offset{Days: 3}}, when.Calendar{}
			d.Calls[0].Deadline = Deadline{Published: "by 1 July", Local: "2024-07-01T12:00", Rule: "by"}
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := domaintest.Nemo()
			x.change(&d)
			require.Empty(t, d.Faults())
			var said []string
			for _, doubt := range d.Doubts() {
				said = append(said, doubt.String())
			}
			require.Equal(t, x.want, said)
		})
	}
	d := domaintest.Nemo()
	require.Empty(t, d.Beyond("2023-09", "2023-12"))
	require.Equal(t, "2022 and 2024", d.Beyond("2022-09", "2024-03"))
	d.Calls[0].Routes, d.Offer = nil, Offer{}
	require.Empty(t, d.Beyond("2022-09", "2024-03"))
}
