package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain/access"
	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/domain/person"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/retention"
	"github.com/daybook-engine/daybook/workflows"
)

// keepsForAMonth is a programme that keeps those no longer who were not placed.
func keepsForAMonth(d *programme.Definition) {
	d.Retention = []programme.Retention{{Of: programme.NotPlaced, Months: 1, After: programme.AfterDecision, Why: "to answer questions"}}
}

func noon(month time.Month, day int) time.Time {
	return time.Date(2024, month, day, 12, 0, 0, 0, time.UTC)
}

// Of who is being erased the clock asks nothing: it would be refused, each time.
func TestTheClockLeavesWhoIsBeingErased(t *testing.T) {
	t.Parallel()
	o := setup(t)
	o.change = keepsForAMonth
	o.prepare(2)
	o.must("applicant/a1", "draft.start", call)
	o.until(noon(2, 5)) // and the draft has expired
	o.must("coordinator/c1", "erasure.start", fields{"person": "a1", "approver": "r1"})
	o.until(noon(3, 10))
	require.NotContains(t, names(t, o.store), "retention.expired")
}

// Nor may it say that their time is over, also where that was said by somebody and
// the programme says nothing any more.
func TestWhoIsBeingErasedIsNobodysToErase(t *testing.T) {
	t.Parallel()
	o := setup(t)
	o.change = keepsForAMonth
	o.prepare(2)
	o.must("applicant/a1", "draft.start", call)
	o.until(noon(3, 10))
	o.must("coordinator/c1", "retention.extend", with(call, "person", "a1", "local", "2024-04-01T00:00", "zone", "Europe/Berlin"))
	o.must("coordinator/c1", "definition.move", move(o.publish(func(d *programme.Definition) { d.Retention = nil })))
	o.must("coordinator/c1", "erasure.start", fields{"person": "a1", "approver": "r1"})
	o.clock.Set(noon(4, 2))
	_, err := o.Do(t.Context(), "retention.expire", encode(t, with(call, "person", o.person("a1"))), workflows.Cause{Actor: "clock", Role: access.Clock, Channel: "system"})
	require.ErrorIs(t, err, person.ErrErased)
}

// An end counts for what it was about: who goes on by permit is not asked about
// until that is over, too. Who was only ever refused is kept no longer than others.
func TestAnEndCountsForWhatItWasAbout(t *testing.T) {
	t.Parallel()
	o := setup(t)
	o.change = keepsForAMonth
	o.prepare(2)
	asked := func() (handles []string) {
		t.Helper()
		v := o.views()
		require.NoError(t, v.CatchUp(t.Context()))
		list, err := v.Queue(t.Context(), "spring", o.clock.Now())
		require.NoError(t, err)
		for _, item := range list {
			if item.Kind == "retention" {
				handles = append(handles, o.handle(item.About))
			}
		}
		return handles
	}
	o.must("applicant/a1", "draft.start", call)
	o.until(noon(2, 5)) // and the draft has expired
	_, err := o.try("applicant/a3", "application.submit", with(call, "route", "staff", "answers", form))
	require.ErrorIs(t, err, application.ErrPassed)
	o.until(noon(3, 10))
	require.Equal(t, []string{"a1", "a3"}, asked())

	o.must("coordinator/c1", "permit.grant", with(call, "person", "a1", "local", "2024-03-20T12:00", "zone", "Europe/Berlin"))
	o.must("applicant/a1", "application.submit", with(call, "route", "staff", "answers", form))
	require.Equal(t, []string{"a3"}, asked())
	_, err = o.try("coordinator/c1", "retention.extend", with(call, "person", "a1", "local", "2024-12-01T00:00", "zone", "Europe/Berlin"))
	require.ErrorIs(t, err, retention.ErrNotOver)
	o.must("applicant/a1", "application.withdraw", call)
	o.until(noon(4, 9))
	require.Equal(t, []string{"a3"}, asked())
	o.until(noon(4, 10))
	require.Equal(t, []string{"a3", "a1"}, asked())
}
