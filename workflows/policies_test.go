package workflows_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/eventstore/storetest"
)

// accepted is a match that both sides accepted; the policies have answered.
func (o *office) accepted(mentee, mentor, name string) {
	o.t.Helper()
	o.chosen(mentee)
	o.must("coordinator/c1", "place.reserve", with(call, "person", mentee))
	o.settle()
	o.must("applicant/"+mentee, "offer.accept", call)
	o.settle()
	in := fields{"cycle": "spring", "match": name}
	o.must("coordinator/c1", "match.propose", with(in, "mentee", mentee, "mentor", mentor))
	o.must("mentee/"+mentee, "match.accept", in)
	o.must("mentor/"+mentor, "match.accept", in)
	o.settle()
}

func (o *office) recorded(stream string) (list []string) {
	for _, r := range log(o.t, o.store) {
		if r.Stream == stream {
			list = append(list, r.Name)
		}
	}
	return list
}

func TestAMatchWaitsForAMentorWithoutRoom(t *testing.T) {
	t.Parallel()
	o := setup(t)
	o.prepare(4)
	o.accepted("a1", "m1", "first")
	o.accepted("a2", "m1", "second")
	o.accepted("a3", "m1", "third")
	o.accepted("a4", "m1", "fourth")
	pool := "mentor-" + string(o.person("m1"))
	require.Equal(t, []string{"mentor.joined", "mentor.engaged", "engagement.refused", "engagement.refused", "engagement.refused"}, o.recorded(pool))

	o.must("mentee/a2", "match.decline", fields{"cycle": "spring", "match": "second"})
	o.settle()
	o.must("coordinator/c1", "match.end", fields{"cycle": "spring", "match": "first"})
	o.settle()
	require.Equal(t, []string{"mentor.freed", "mentor.freed", "mentor.engaged"}, o.recorded(pool)[5:], "who declined waits no more")
	require.Contains(t, o.recorded(match.ID{Cycle: "spring", Match: "third"}.Stream()), "match.made")
	require.NotContains(t, o.recorded(match.ID{Cycle: "spring", Match: "fourth"}.Stream()), "match.made")
	storetest.CheckLog(t, o.store)
}

// Policies that have come further than the log goes, because an older copy was
// put back, miss nothing of what is recorded since.
func TestPoliciesAheadOfTheLogBeginAgain(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.shortlisted("a1")
	older := newOffice(t, prefix(t, log(t, o.store)), o.vault)
	o.must("coordinator/c1", "notice.publish", with(call, "where", "website", "text", "x"))
	o.must("coordinator/c1", "notice.publish", with(call, "where", "radio", "text", "x"))
	o.settle()

	*older.mark = *o.mark
	older.must("coordinator/c1", "application.reserve", with(call, "person", "a1", "rank", 1, "rationale", "why"))
	older.settle()
	require.Contains(t, names(t, older.store), "reserve.ranked")
	require.Equal(t, len(log(t, older.store)), int(older.mark.at.Position.Commit()))
}

func TestARankDecidedTwiceAtOnceIsGivenOnce(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.shortlisted("a1", "a2", "a3")
	reserve := func(a string, rank int) error {
		_, err := o.try("coordinator/c1", "application.reserve", with(call, "person", a, "rank", rank, "rationale", "why"))
		return err
	}
	require.NoError(t, reserve("a1", 1))
	require.NoError(t, reserve("a2", 1), "nobody has it until the policy has answered")
	o.settle()
	require.ErrorIs(t, reserve("a3", 1), application.ErrRankTaken)
	places := "allocation-nemo-121"
	require.Equal(t, []string{"quota.set", "reserve.ranked", "rank.refused"}, o.recorded(places))
	o.must("coordinator/c1", "reserve.rank", with(call, "person", "a2", "rank", 2))
	require.Equal(t, "reserve.ranked", o.recorded(places)[3])
	o.must("coordinator/c1", "place.reserve", with(call, "person", "a1"))
	o.must("coordinator/c1", "place.reserve", with(call, "person", "a2"))
	storetest.CheckLog(t, o.store)
}

func TestAPlaceReservedForWhoWithdrewIsReleased(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.chosen("a1")
	o.must("coordinator/c1", "place.reserve", with(call, "person", "a1"))
	o.must("applicant/a1", "application.withdraw", call)
	o.settle()
	require.Equal(t, []string{"quota.set", "place.reserved", "place.released"}, o.recorded("allocation-nemo-121"))
	require.NotContains(t, names(t, o.store), "offer.made")
}

// A log that is read only so far at a time is answered to its end, however long
// it is.
func TestPoliciesGoOnWhereAReadBrokeOff(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.chosen("a1", "a2")
	for _, a := range []string{"a1", "a2"} {
		o.must("coordinator/c1", "place.reserve", with(call, "person", a))
	}
	events := len(log(t, o.store))
	store := storetest.Flaky(o.store, storetest.Seeded(1)).Cut(storetest.Sometimes(1, events*events, events/4), storetest.Sometimes(1, 0, 1))
	g := newOffice(t, store, o.vault)
	var err error
	for range events {
		if err = g.CatchUp(t.Context(), g.mark); err == nil {
			break
		}
		require.ErrorIs(t, err, storetest.ErrInjected)
	}
	require.NoError(t, err)
	require.Greater(t, store.Struck().Reads, 2)
	for _, a := range []string{"a1", "a2"} {
		require.Contains(t, o.recorded(application.ID{Cycle: "spring", Call: "mentees", Person: o.person(a)}.Stream()), "offer.made")
	}
}

// A node that once found nothing there asks again, before its policies order
// something about nobody.
func TestPoliciesRememberNothingThatIsNotThere(t *testing.T) {
	t.Parallel()
	here := open(t)
	there := newOffice(t, here.store, here.vault)
	in := fields{"cycle": "spring", "match": "first"}
	_, err := there.try("applicant/a1", "offer.accept", call)
	require.Error(t, err)
	_, err = there.try("mentee/a1", "match.accept", with(in, "side", "mentee"))
	require.Error(t, err)
	here.offered()
	here.must("applicant/a1", "offer.accept", call)
	there.settle()
	require.Contains(t, names(t, here.store), "place.filled")
	here.must("coordinator/c1", "match.propose", with(in, "mentee", "a1", "mentor", "m1"))
	here.must("mentee/a1", "match.accept", with(in, "side", "mentee"))
	here.must("mentor/m1", "match.accept", with(in, "side", "mentor"))
	there.settle()
	require.Contains(t, names(t, here.store), "match.made")
}
