package call_test

import (
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/daybook-engine/daybook/domain"
	. "github.com/daybook-engine/daybook/domain/call"
	"github.com/daybook-engine/daybook/domain/cycle"
	"github.com/daybook-engine/daybook/domain/domaintest"
	"github.com/daybook-engine/daybook/domain/when"
)

type events = []Event

// told is what was published, promised what it is stored as.
func told(local string, rule when.Rule, published string) when.Deadline {
	return when.Deadline{Local: local, Zone: "Europe/Berlin", Rule: rule, Published: published}
}

const proof domain.Digest = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU" // of nothing

func said(d when.Deadline, why string) when.Deadline {
	d.Override = why
	return d
}

func promised(d when.Deadline) when.Deadline {
	d.Instant = domaintest.At(d.Local + " " + d.Zone)
	return d
}

func TestCall(t *testing.T) {
	t.Parallel()
	type row = domaintest.Row[State, Event]
	plan := domaintest.Nemo().Calls[0]
	s1 := told("2023-07-31T00:00", when.Before, "Apply before 31 July")
	require.Equal(t, "2023-07-30T22:00:00Z", promised(s1).Instant.Format(time.RFC3339))
	june := "2023-06-19T09:00 Europe/Berlin"
	opened := events{Opened{Role: "mentee", Form: "1", Criteria: []string{"member", "active"}, Deadline: promised(s1), Opened: domaintest.At(june)}}
	closed := append(opened[:1:1], Closed{})
	open := func(d when.Deadline) Open { return Open{Deadline: d, Plan: &plan} }
	earlier := func(at string) Open { return Open{Deadline: s1, Plan: &plan, OpenedAt: domaintest.At(at)} }
	move := func(d when.Deadline) ExtendDeadline { return ExtendDeadline{Deadline: d, Told: "everybody"} }
	moved := func(d when.Deadline) events {
		return events{DeadlineExtended{Was: promised(s1), Now: promised(d), Told: "everybody"}}
	}
	permit := func(local string) GrantPermit {
		return GrantPermit{Person: "nino", Local: local, Zone: "Europe/Berlin", Evidence: proof, Note: domain.Private{Text: "a power cut"}}
	}
	granted := PermitGranted{
		Person: "nino", Until: domaintest.At("2023-08-01T12:00 Europe/Berlin"), Local: "2023-08-01T12:00", Zone: "Europe/Berlin",
		Evidence: proof, Note: domain.Private{Text: "a power cut"}.About(domain.Special, domain.Programme, "nino"),
	}
	longer := granted
	longer.Until, longer.Local = domaintest.At("2023-08-02T12:00 Europe/Berlin"), "2023-08-02T12:00"
	others := longer
	others.Person = "rui"
	by := promised(told("2023-07-31T00:00", when.By, ""))
	may17 := when.Deadline{Local: "2017-05-16T09:00", Zone: "Europe/London", Rule: when.By, Published: "Monday 16 May 2017", Override: "as_printed"}
	overridden := opened[0].(Opened)
	overridden.Deadline, overridden.Opened = promised(may17), domaintest.At("2017-04-24T10:00 Europe/London")
	atClose := domain.Timer{Rule: "call.close", Due: promised(s1).Instant, Fired: promised(s1).Instant, Tzdata: "2023c"}
	lateClose := atClose
	lateClose.Fired = atClose.Due.Add(time.Hour)

	domaintest.Run(t, []row{
		{Name: "S1: the call opens", Now: june, When: open(s1), Then: opened},
		{Name: "only what is in the definition opens", Now: june, When: Open{ID: ID{Call: "others"}, Deadline: s1}, Err: ErrUnknown},
		{Name: "1: a deadline names its zone", Now: june, When: open(when.Deadline{Local: "2023-07-31T00:00", Zone: "CEST", Rule: when.By}), Err: when.ErrZoneAbbreviation},
		{Name: "1: and its rule", Now: june, When: open(told("2023-07-31T00:00", "", "")), Err: when.ErrRuleUnknown},
		{Name: "1: and the right weekday", Now: june, When: open(told("2023-07-31T00:00", when.By, "Tuesday 31 July")), Err: when.ErrWeekdayMismatch},
		{Name: "1: and the right day", Now: june, When: open(told("2023-07-31T00:00", when.By, "by 1 August")), Err: when.ErrWordingMismatch},
		{Name: "1: or why that is set aside", Now: "2017-04-24T10:00 Europe/London", When: open(may17), Then: events{overridden}},
		{Name: "1: by a code, for it is kept for ever", Now: june, When: open(said(s1, "Ben says so")), Err: domain.ErrCode},
		{Name: "S2: not with a deadline that has passed", Now: "2023-08-01T00:00 Europe/Berlin", When: open(s1), Err: ErrPast},
		{Name: "nor at the instant of \"before\"", Now: "2023-07-31T00:00 Europe/Berlin", When: open(s1), Err: ErrPast},
		{Name: "one that was opened earlier is recorded so", Now: "2023-07-10T09:00 Europe/Berlin", When: earlier(june), Then: opened},
		{Name: "also when its deadline has passed since", Now: "2024-07-10T09:00 Europe/Berlin", When: earlier(june), Then: opened},
		{Name: "but not with one that had passed then", Now: "2024-07-10T09:00 Europe/Berlin", When: earlier("2023-08-01T00:00 Europe/Berlin"), Err: ErrPast},
		{Name: "and none that opens tomorrow", Now: june, When: earlier("2023-06-20T09:00 Europe/Berlin"), Err: ErrFuture},
		{Name: "2: opening again does not change the deadline", Given: opened, Now: june, When: open(told("2023-07-24T00:00", when.Before, "")), Err: ErrOpen},

		{Name: "a notice is published", Given: opened, When: PublishNotice{Where: "ne-mo.org", Text: "Apply!"}, Then: events{NoticePublished{Where: "ne-mo.org", Text: "Apply!"}}},
		{Name: "somewhere", Given: opened, When: PublishNotice{}, Err: ErrWhere},
		{Name: "not before the call opens", When: PublishNotice{Where: "ne-mo.org"}, Err: ErrNotOpen},
		{Name: "nor after it closed", Given: closed, When: PublishNotice{Where: "ne-mo.org"}, Err: ErrClosed},

		{Name: "2: S1: an open call's deadline never moves earlier", Given: opened, Now: june, When: move(told("2023-07-24T00:00", when.Before, "")), Err: ErrEarlier},
		{Name: "2: not by a minute", Given: opened, Now: june, When: move(told("2023-07-30T23:59", when.By, "")), Err: ErrEarlier},
		{Name: "2: nor from by to before", Given: events{Opened{Deadline: by, Opened: domaintest.At(june)}}, Now: june, When: move(s1), Err: ErrEarlier},
		{Name: "2: nor once it closed", Given: closed, Now: "2023-08-01T00:00 Europe/Berlin", When: move(told("2023-07-24T00:00", when.By, "")), Err: ErrEarlier},
		{Name: "2: it may move later", Given: opened, Now: june, When: move(told("2023-08-07T00:00", when.Before, "")), Then: moved(told("2023-08-07T00:00", when.Before, ""))},
		{Name: "2: if only from before to by", Given: opened, Now: june, When: move(told("2023-07-31T00:00", when.By, "")), Then: moved(told("2023-07-31T00:00", when.By, ""))},
		{
			Name: "2: also from by to before, if later", Given: events{Opened{Deadline: by, Opened: domaintest.At(june)}}, Now: june, When: move(told("2023-08-07T00:00", when.Before, "")),
			Then: events{DeadlineExtended{Was: by, Now: promised(told("2023-08-07T00:00", when.Before, "")), Told: "everybody"}},
		},
		{Name: "2: or stay and be worded otherwise", Given: opened, Now: june, When: move(told("2023-07-31T00:00", when.Before, "by the end of 30 July")), Then: moved(told("2023-07-31T00:00", when.Before, "by the end of 30 July"))},
		{Name: "1: to what is a time", Given: opened, Now: june, When: move(told("August", when.By, "")), Err: when.ErrLocalMalformed},
		{Name: "and to whom it was told is a code", Given: opened, Now: june, When: ExtendDeadline{Deadline: told("2023-08-07T00:00", when.Before, ""), Told: "Ben"}, Err: domain.ErrCode},
		{Name: "not when it was never open", Now: june, When: move(s1), Err: ErrNotOpen},
		{Name: "not when it is closed", Given: closed, Now: june, When: move(told("2023-08-07T00:00", when.By, "")), Err: ErrClosed},
		{Name: "not once it has passed, closed or not", Given: opened, Now: "2023-08-02T00:00 Europe/Berlin", When: move(told("2023-08-07T00:00", when.By, "")), Err: ErrClosed},

		{Name: "a closed cycle opens no call", Now: june, When: Open{Deadline: s1, Plan: &plan, Over: true}, Err: cycle.ErrClosed},
		{Name: "and makes none known", Given: opened, Now: june, When: PublishNotice{Where: "ne-mo.org", Over: true}, Err: cycle.ErrClosed},
		{Name: "nor extends any", Given: opened, Now: june, When: ExtendDeadline{Deadline: told("2023-08-07T00:00", when.Before, ""), Over: true}, Err: cycle.ErrClosed},
		{Name: "nor gives anybody longer", Given: closed, Now: "2023-07-31T10:15 Europe/Berlin", When: GrantPermit{Person: "nino", Local: "2023-08-01T12:00", Zone: "Europe/Berlin", Over: true}, Err: cycle.ErrClosed},

		{Name: "3: S1: after closing, one person gets longer", Given: closed, Now: "2023-07-31T10:15 Europe/Berlin", When: permit("2023-08-01T12:00"), Then: events{granted}},
		{Name: "3: and longer still", Given: append(closed[:2:2], granted), Now: "2023-07-31T10:15 Europe/Berlin", When: permit("2023-08-02T12:00"), Then: events{longer}},
		{Name: "3: a permit is not shortened", Given: append(closed[:2:2], longer), Now: "2023-07-31T10:15 Europe/Berlin", When: permit("2023-08-01T12:00"), Err: ErrNoLonger},
		{Name: "3: not by a minute", Given: append(closed[:2:2], granted), Now: "2023-07-31T10:15 Europe/Berlin", When: permit("2023-08-01T11:59"), Err: ErrNoLonger},
		{Name: "3: another person's does not count", Given: append(closed[:2:2], others), Now: "2023-07-31T10:15 Europe/Berlin", When: permit("2023-08-01T12:00"), Then: events{granted}},
		{Name: "3: not to the deadline itself", Given: opened, Now: june, When: permit("2023-07-31T00:00"), Err: ErrNoLonger},
		{Name: "3: not to a time that has passed", Given: closed, Now: "2023-08-01T12:00 Europe/Berlin", When: permit("2023-08-01T12:00"), Err: ErrNoLonger},
		{Name: "3: not to a time that is none", Given: opened, Now: june, When: permit("noon"), Err: when.ErrLocalMalformed},
		{Name: "nor lets anybody apply again", Given: opened, Now: june, When: GrantPermit{Person: "nino", Local: "2023-08-01T12:00", Zone: "Europe/Berlin", Applied: true}, Err: ErrApplied},
		{Name: "3: evidence is a digest, not words", Given: opened, Now: june, When: GrantPermit{Person: "nino", Local: "2023-08-01T12:00", Zone: "Europe/Berlin", Evidence: "an illness"}, Err: domain.ErrDigest},
		{Name: "3: not before the call opens", Now: june, When: permit("2023-08-01T12:00"), Err: ErrNotOpen},

		{Name: "S1: the clock closes it at the deadline", Given: opened, Now: "2023-07-31T00:00 Europe/Berlin", When: Close{Tzdata: "2023c"}, Then: events{Closed{atClose}}},
		{Name: "a late clock says so", Given: opened, Now: "2023-07-31T01:00 Europe/Berlin", When: Close{Tzdata: "2023c"}, Then: events{Closed{lateClose}}},
		{Name: "an early one waits", Given: opened, Now: "2023-07-30T23:59:59 Europe/Berlin", When: Close{}, Err: domain.ErrNotDue},
		{Name: "by the deadline in force", Given: append(opened[:1:1], moved(told("2023-08-07T00:00", when.Before, ""))...), Now: "2023-07-31T00:00 Europe/Berlin", When: Close{}, Err: domain.ErrNotDue},
		{Name: "what never opened does not close", When: Close{}, Err: ErrNotOpen},
	})

	s := State{}.Apply(opened[0]).Apply(granted)
	require.Equal(t, domaintest.At(june), s.Opened())
	require.False(t, s.IsClosed())
	require.True(t, s.Apply(Closed{}).IsClosed())
	require.Equal(t, promised(s1), s.Deadline())
	require.Equal(t, granted.Until, s.Permit("nino"))
	require.Zero(t, s.Permit("rui"))
}

func TestACallIsNamedWithinItsCycle(t *testing.T) {
	t.Parallel()
	id := ID{Cycle: "autumn", Call: "mentees"}
	require.NoError(t, id.Check())
	require.Equal(t, "call-autumn.mentees", id.Stream())
	require.Equal(t, "cycle/autumn", id.Book())
	require.ErrorIs(t, ID{Call: "mentees"}.Check(), domain.ErrSlug)
	require.ErrorIs(t, ID{Cycle: "autumn"}.Check(), domain.ErrSlug)
}

// 2 and 3: whatever is asked, whoever was in time stays in time, and so does
// whoever has a permit.
func TestInvariants2And3NeitherADeadlineNorAPermitEverMovesEarlier(t *testing.T) {
	t.Parallel()
	plan := domaintest.Nemo().Calls[0]
	start := domaintest.At("2023-06-19T09:00:00Z")
	rapid.Check(t, func(t *rapid.T) {
		s, now := State{}, start
		var inForce when.Deadline
		permits := map[domain.Person]time.Time{}
		for range 20 {
			now = now.Add(time.Duration(rapid.IntRange(0, 2).Draw(t, "hours passed")) * time.Hour)
			d := when.Deadline{
				Local: start.Add(time.Duration(rapid.IntRange(0, 9).Draw(t, "hour")) * time.Hour).Format("2006-01-02T15:04"),
				Zone:  "UTC", Rule: rapid.SampledFrom([]when.Rule{when.By, when.Before}).Draw(t, "rule"),
			}
			var got []Event
			switch rapid.IntRange(0, 5).Draw(t, "command") {
			case 0:
				got, _ = Open{Deadline: d, Plan: &plan}.Decide(s, now)
			case 1, 2:
				got, _ = ExtendDeadline{Deadline: d}.Decide(s, now)
			case 3:
				got, _ = Close{}.Decide(s, now)
			case 4, 5:
				got, _ = GrantPermit{Person: rapid.SampledFrom([]domain.Person{"nino", "rui"}).Draw(t, "person"), Local: d.Local, Zone: d.Zone}.Decide(s, now)
			}
			for _, e := range got {
				s = s.Apply(e)
				switch e := e.(type) {
				case Opened:
					require.Zero(t, inForce, "it opens once")
					inForce = e.Deadline
				case DeadlineExtended:
					require.Equal(t, inForce, e.Was)
					for _, received := range []time.Time{e.Was.Instant.Add(-1), e.Was.Instant} {
						require.True(t, e.Now.Met(received) || !e.Was.Met(received))
					}
					inForce = e.Now
				case PermitGranted:
					require.True(t, e.Until.After(permits[e.Person]) && e.Until.After(inForce.Instant) && e.Until.After(now))
					permits[e.Person] = e.Until
				}
			}
			require.Equal(t, inForce, s.Deadline())
			for person, until := range permits {
				require.Equal(t, until, s.Permit(person))
			}
		}
	})
}
