package when_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain/when"
)

// A calendar covers the years that it names holidays of: through any other
// nobody can count working days and be sure.
func TestWhichYearsAnOffsetIsUnsureOf(t *testing.T) {
	t.Parallel()
	c := when.Calendar{Name: "berlin", Version: "2023", Holidays: []string{"2023-10-03", "2024-01-01", "2025-10-03"}}
	require.True(t, c.Covers(2023))
	require.False(t, c.Covers(202))
	require.Equal(t, []int{2022, 2024}, c.Uncovered(2022, 2025))
	for name, x := range map[string]struct {
		offset       when.Offset
		anchor, zone string
		unsure       []int
	}{
		"within a year":               {when.Offset{WorkingDays: 5}, "2023-12-20T12:00:00Z", "Europe/Berlin", nil},
		"into the next":               {when.Offset{WorkingDays: 5}, "2023-12-28T12:00:00Z", "Europe/Berlin", []int{2024}},
		"back from the next":          {when.Offset{WorkingDays: -5}, "2024-01-03T12:00:00Z", "Europe/Berlin", []int{2024}},
		"days are days":               {when.Offset{Days: 30}, "2023-12-28T12:00:00Z", "Europe/Berlin", nil},
		"in the zone it is next year": {when.Offset{WorkingDays: 1}, "2023-12-28T21:00:00Z", "Asia/Tbilisi", []int{2024}},
		"in the zone it is not":       {when.Offset{WorkingDays: 1}, "2023-12-28T12:00:00Z", "Asia/Tbilisi", nil},
		"all the way through it":      {when.Offset{WorkingDays: 300}, "2023-12-28T12:00:00Z", "Europe/Berlin", []int{2024}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			due, err := x.offset.From(utc(t, x.anchor), x.zone, c)
			require.NoError(t, err)
			require.Equal(t, x.unsure, x.offset.Unsure(utc(t, x.anchor), due, x.zone, c))
		})
	}
	require.Empty(t, when.Offset{WorkingDays: 1}.Unsure(utc(t, "2024-01-01T00:00:00Z"), utc(t, "2024-01-02T00:00:00Z"), "CET", c), "what has no zone has no date either")
}
