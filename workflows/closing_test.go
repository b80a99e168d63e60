package workflows_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/cycle"
	"github.com/daybook-engine/daybook/eventstore/storetest"
	"github.com/daybook-engine/daybook/workflows"
)

// A cycle does not close over anybody who waits, and says who and what does.
func TestACycleClosesWhenNobodyWaits(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.shortlisted("a1", "a2", "a3", "a4")
	for _, a := range []string{"a1", "a2"} {
		o.must("coordinator/c1", "application.select", with(call, "person", a))
		o.must("coordinator/c1", "place.reserve", with(call, "person", a))
	}
	o.must("coordinator/c1", "application.reserve", with(call, "person", "a3", "rank", 1))
	o.must("applicant/a5", "application.submit", with(call, "route", "staff", "answers", form))
	o.must("applicant/a6", "draft.start", call) // which nobody was sent
	o.settle()
	o.must("applicant/a2", "offer.accept", call)
	o.settle()
	o.must("coordinator/c1", "match.propose", fields{"cycle": "spring", "match": "pair", "mentee": "a2", "mentor": "m1"})

	_, err := o.try("coordinator/c1", "cycle.close", fields{"cycle": "spring"})
	require.ErrorIs(t, err, cycle.ErrOpenItems)
	_, open, _ := strings.Cut(err.Error(), "(open: ")
	for _, a := range []string{"a1", "a2", "a3", "a4", "a5", "a6"} {
		open = strings.ReplaceAll(open, "person "+string(o.person(a)), a)
	}
	require.Equal(t, "the call for mentees, the offer to a1, a3 waits in reserve, the application of a4 is shortlisted, the application of a5 is submitted, match pair)", open)

	o.must("mentor/m1", "match.decline", fields{"cycle": "spring", "match": "pair"})
	o.must("coordinator/c1", "reserve.release", with(call, "person", "a3"))
	o.must("applicant/a1", "offer.decline", call)
	o.must("coordinator/c1", "application.decline", with(call, "person", "a4"))
	o.must("coordinator/c1", "eligibility.fail", with(call, "person", "a5", "failed", []string{"nominated"}))
	o.must("coordinator/c1", "permit.grant", with(call, "person", "a6", "local", "2024-03-01T12:00", "zone", "Europe/Berlin"))
	o.woundUp()
	closing := o.must("coordinator/c1", "cycle.close", fields{"cycle": "spring"}, workflows.Cause{CommandID: uuid.UUID{1}, Channel: "web"})

	// From then on nothing is decided in it, and who tries is told why.
	o.settle()
	before := names(t, o.store)
	for _, late := range []struct {
		by, command string
		with        fields
	}{
		{"applicant/a6", "application.submit", with(call, "route", "staff", "answers", form)},
		{"coordinator/c1", "permit.grant", with(call, "person", "a7", "local", "2024-03-01T12:00", "zone", "Europe/Berlin")},
		{"coordinator/c1", "place.reserve", with(call, "person", "a3")},
		{"coordinator/c1", "match.propose", fields{"cycle": "spring", "match": "next", "mentee": "a2", "mentor": "m1"}},
	} {
		_, err := o.try(late.by, late.command, late.with)
		refused := new(domain.Error)
		require.ErrorAs(t, err, &refused, late.command)
		require.Equal(t, cycle.ErrClosed.Code, refused.Code, late.command)
	}
	require.Equal(t, append(before, "submission.refused"), names(t, o.store), "which is evidence in a complaint")
	again, err := o.try("coordinator/c1", "cycle.close", fields{"cycle": "spring"}, workflows.Cause{CommandID: uuid.UUID{1}, Channel: "web"})
	require.NoError(t, err)
	require.Equal(t, closing, again)
	storetest.CheckLog(t, o.store)
}
