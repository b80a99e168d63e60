package retention_test

import (
	"encoding/json"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/domain/cycle"
	"github.com/daybook-engine/daybook/domain/domaintest"
	"github.com/daybook-engine/daybook/domain/person"
	"github.com/daybook-engine/daybook/domain/programme"
	. "github.com/daybook-engine/daybook/domain/retention"
	"github.com/daybook-engine/daybook/domain/when"
)

const ana domain.Person = "0b9a2a52-7d0c-4a25-8f0f-3f1d8b6a5c11"

var (
	refused = programme.Retention{Of: programme.NotPlaced, Months: 6, After: programme.AfterDecision, Why: "to answer questions"}
	placed  = programme.Retention{Of: programme.Placed, Months: 24, After: programme.AfterClosing, Why: "the funder's rule"}
	rules   = []programme.Retention{placed, refused}
)

func TestRetention(t *testing.T) {
	t.Parallel()
	type row = domaintest.Row[State, Event]
	const eve, day, later = "2024-02-28T23:59 Europe/Berlin", "2024-02-29T00:00 Europe/Berlin", "2024-03-04T09:00 Europe/Berlin"
	id := ID{Cycle: "autumn", Call: "mentees", Person: ana}
	file := File{Decided: domaintest.At("2023-08-31T18:00 Europe/Berlin")}
	k := Kept{File: file, Rules: rules, Zone: "Europe/Berlin"}
	expire := Expire{ID: id, Tzdata: "2026a", Kept: k}
	with := func(change func(*Expire)) Expire {
		c := expire
		change(&c)
		return c
	}
	over := func(rule programme.Retention, due, fired string) []Event {
		return []Event{Expired{id, rule, "Europe/Berlin", domain.Timer{Rule: "retention.expire", Due: domaintest.At(due).UTC(), Fired: domaintest.At(fired), Tzdata: "2026a"}}}
	}
	extend := func(local string) Extend { return Extend{ID: id, Kept: k, Local: local, Zone: "Europe/Berlin"} }
	until := func(local string) Extended {
		return Extended{id, domaintest.At(local + " Europe/Berlin").UTC(), local, "Europe/Berlin"}
	}
	expired := over(refused, day, day)
	kept := append(expired[:1:1], until("2025-03-01T00:00"))
	long, closing := refused, refused
	long.Months, closing.After = 24, programme.AfterClosing
	goesOn, accepted := Kept{File: File{Open: true}, Rules: rules}, Kept{File: File{Placed: true, Decided: file.Decided, Closed: domaintest.At("2023-12-15T10:00 Europe/Berlin")}, Rules: rules, Zone: "Europe/Berlin"}
	domaintest.Run(t, []row{
		{Name: "six months later the time is over: in February, that is on its last day", Now: day, When: expire, Then: expired},
		{Name: "and not before", Now: eve, When: expire, Err: domain.ErrNotDue},
		{Name: "nor where the programme says nothing", Now: later, When: with(func(c *Expire) { c.Rules = c.Rules[:1] }), Err: domain.ErrNotDue},
		{Name: "nor where nothing is decided yet", Now: later, When: with(func(c *Expire) { c.File = File{} }), Err: domain.ErrNotDue},
		{Name: "what is erased already is nobody's to erase", Now: day, When: with(func(c *Expire) { c.Erased = true }), Err: person.ErrErased},
		{Name: "a clock that comes late says so", Now: later, When: expire, Then: over(refused, day, later)},

		{Name: "what was kept long enough is kept on for a reason", Given: expired, Now: later, When: extend("2025-03-01T00:00"), Then: kept[1:]},
		{Name: "to a time that is to come", Given: expired, Now: later, When: extend("2024-03-04T09:00"), Err: ErrPeriod},
		{Name: "that the clocks show", Given: expired, Now: later, When: extend("2024-03-31T02:30"), Err: when.ErrTimeInGap},
		{Name: "not what still has its time", Now: eve, When: extend("2025-03-01T00:00"), Err: ErrNotOver},
		{Name: "nor has been given another", Given: kept, Now: later, When: extend("2026-03-01T00:00"), Err: ErrNotOver},
		{Name: "nor what is being erased", Given: expired, Now: later, When: Extend{ID: id, Kept: Kept{File: file, Rules: rules, Zone: "Europe/Berlin", Erased: true}, Local: "2025-03-01T00:00", Zone: "Europe/Berlin"}, Err: person.ErrErased},
		{Name: "until then nobody is asked", Given: kept, Now: "2025-02-28T23:59 Europe/Berlin", When: expire, Err: domain.ErrNotDue},
		{Name: "and then again, by no rule", Given: kept, Now: "2025-03-01T00:00 Europe/Berlin", When: expire, Then: over(programme.Retention{}, "2025-03-01T00:00 Europe/Berlin", "2025-03-01T00:00 Europe/Berlin")},
		{Name: "also where the programme says nothing any more", Given: kept, Now: "2025-03-01T00:00 Europe/Berlin", When: with(func(c *Expire) { c.Rules = nil }), Then: over(programme.Retention{}, "2025-03-01T00:00 Europe/Berlin", "2025-03-01T00:00 Europe/Berlin")},
		{Name: "but not while the cycle goes on whose closing it waits for", Given: kept, Now: "2025-03-01T00:00 Europe/Berlin", When: with(func(c *Expire) { c.Rules = []programme.Retention{closing} }), Err: domain.ErrNotDue},
		{Name: "nor before what it has come to say", Given: kept, Now: "2025-08-30T23:59 Europe/Berlin", When: with(func(c *Expire) { c.Rules = []programme.Retention{long} }), Err: domain.ErrNotDue},
		{Name: "and then by that", Given: kept, Now: "2025-08-31T00:00 Europe/Berlin", When: with(func(c *Expire) { c.Rules = []programme.Retention{long} }), Then: over(long, "2025-08-31T00:00 Europe/Berlin", "2025-08-31T00:00 Europe/Berlin")},

		{Name: "who goes on after all has no end", Given: expired, Now: later, When: with(func(c *Expire) { c.Kept = goesOn }), Err: domain.ErrNotDue},
		{Name: "not even one that somebody said", Given: kept, Now: "2025-03-01T00:00 Europe/Berlin", When: with(func(c *Expire) { c.Kept = goesOn }), Err: domain.ErrNotDue},
		{Name: "and is not to be kept on", Given: expired, Now: later, When: Extend{ID: id, Kept: goesOn, Local: "2025-03-01T00:00", Zone: "Europe/Berlin"}, Err: ErrNotOver},
		{Name: "placed, they are asked about when that time is over", Given: expired, Now: "2025-12-15T00:00 Europe/Berlin", When: with(func(c *Expire) { c.Kept = accepted }), Then: over(placed, "2025-12-15T00:00 Europe/Berlin", "2025-12-15T00:00 Europe/Berlin")},
	})
	said, err := json.Marshal(Expired{ID: id})
	require.NoError(t, err)
	require.NotContains(t, string(said), `"rule":{`)
	require.Equal(t, []domain.Person{ana}, State{}.Apply(expired[0]).Subjects())
	require.Empty(t, State{}.Subjects())
}

// Until when somebody is kept follows from what became of their application, and
// of its cycle.
func TestWhatBecameOfAnApplicationSaysUntilWhen(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	at := func(local string) time.Time { return domaintest.At(local + " Europe/Berlin") }
	spring, summer, winter := at("2023-04-01T12:00"), at("2023-08-31T18:00"), at("2023-12-15T10:00")
	var f File
	until := func(of []programme.Retention) (string, string) {
		rule, due, _ := State{}.Until(Kept{File: f, Rules: of, Zone: "Europe/Berlin"})
		if due.IsZero() {
			return "", ""
		}
		return rule.Of, due.In(berlin).Format("2006-01-02T15:04")
	}
	requireUntil := func(of, day string) {
		t.Helper()
		gotOf, gotDay := until(rules)
		require.Equal(t, []string{of, day}, []string{gotOf, gotDay})
	}
	requireUntil("", "")
	f = f.After(application.DraftExpired{}, spring)
	requireUntil(programme.NotPlaced, "2023-10-01T00:00")
	f = f.After(application.Received{}, summer)
	requireUntil("", "")
	f = f.After(cycle.Closed{}, winter) // and so it was decided by that
	requireUntil(programme.NotPlaced, "2024-06-15T00:00")

	for _, ending := range []application.Event{
		application.Withdrawn{}, application.EligibilityFailed{}, application.PassedOver{}, application.Declined{}, application.OfferDeclined{}, application.OfferLapsed{},
	} {
		f = File{}.After(ending, summer)
		requireUntil(programme.NotPlaced, "2024-02-29T00:00")
		require.True(t, application.State{}.Apply(ending).Phase().Over(), "%T", ending)
	}
	f = File{}.After(application.EligibilityFailed{}, spring).After(application.Retracted{}, summer)
	requireUntil("", "")
	f = f.After(cycle.Closed{}, winter)
	requireUntil(programme.NotPlaced, "2024-06-15T00:00")
	f = File{}.After(application.SubmissionRefused{}, summer)
	requireUntil(programme.NotPlaced, "2024-02-29T00:00")
	f = f.After(application.DraftStarted{}, summer).After(application.SubmissionRefused{}, winter)
	requireUntil("", "") // the draft may still be sent
	f = f.After(application.DraftExpired{}, spring).After(application.SubmissionRefused{}, summer)
	requireUntil(programme.NotPlaced, "2024-02-29T00:00")

	closing := refused
	closing.After = programme.AfterClosing
	_, day := until([]programme.Retention{closing})
	require.Empty(t, day, "the cycle goes on")

	f = File{}.After(application.OfferAccepted{}, summer)
	requireUntil("", "")
	f = f.After(cycle.Closed{}, winter)
	requireUntil(programme.Placed, "2025-12-15T00:00")
	_, day = until([]programme.Retention{refused})
	require.Empty(t, day, "of who was placed nothing is said")
}

func TestItIsNamedByTheApplication(t *testing.T) {
	t.Parallel()
	id := ID{Cycle: "autumn", Call: "mentees", Person: ana}
	require.NoError(t, id.Check())
	require.Equal(t, "cycle/autumn", id.Book())
	require.Equal(t, id.Stream(), Stream(id.Application().Stream()))
	require.Error(t, ID{Cycle: "autumn", Call: "mentees", Person: "ana"}.Check())
}
