package web_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain/cycle"
)

// A book of many cycles is turned page by page; its spreadsheet has them all.
func TestManyCyclesAreTurned(t *testing.T) {
	t.Parallel()
	s := filled(t)
	for i := range 120 {
		id := fmt.Sprintf("c%d", i)
		s.add("cycle-"+id, "cycle/"+id, "2023-12-03T09:00", cycle.Planned{Programme: "nemo", Title: "Cycle " + id, From: "2024-01", To: "2024-03", Zone: "Europe/Berlin", Year: 2024}, nil)
	}
	require.NoError(t, s.views.CatchUp(t.Context()))
	h := s.pages(nil)
	first := get(t, h, "/")
	wellMade(t, "/", first)
	require.Equal(t, 100, strings.Count(first, `<th scope="row"`))
	require.Contains(t, first, "1 to 100 of 121")
	last := get(t, h, linkOf(t, first, "next"))
	require.Equal(t, 21, strings.Count(last, `<th scope="row"`))
	require.Equal(t, 121+1, strings.Count(get(t, h, "/?as=csv"), "\r\n"))
}
