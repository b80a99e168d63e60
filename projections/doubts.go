package projections

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/domain/programme"
	tasks "github.com/daybook-engine/daybook/domain/task"
	"github.com/daybook-engine/daybook/domain/when"
)

// What somebody should look at before it matters: a calendar that ends too
// early, and time zone data by which something that was told would be another
// moment now. What was told stands: nothing here moves anything.

// doubts tells of a calendar that does not reach as far as the cycle.
func (c Cycle) doubts(d programme.Definition) (list []Item) {
	if years := d.Beyond(c.From, c.To); years != "" {
		list = append(list, Item{
			Kind: "calendar", Command: "definition.move", Args: args("cycle", c.Cycle), Cycle: c.Cycle, Stream: "cycle-" + c.Cycle, Role: "coordinator",
			Words: fmt.Sprintf("the calendar %s has no holidays of %s, and every weekday counts as a working day there: publish a definition that has them, and move the cycle to it", d.Calendar.Words(), years),
		})
	}
	return list
}

// shift says how a local time that was told as one instant is another by the
// time zone data that this process has; "" when it is not.
func shift(local, zone string, told time.Time) string {
	now, err := when.Local(local, zone)
	says := "the clocks do not show it once"
	switch {
	case err == nil && now.Equal(told):
		return ""
	case err == nil:
		says = "it would be " + now.Format(time.RFC3339)
	}
	return fmt.Sprintf("%s %s was recorded as %s, which stands; by the time zone data of this machine %s", clock(local), zone, told.UTC().Format(time.RFC3339), says)
}

// reshown is shift for a moment that was reckoned, and told as a local time.
func reshown(told when.Told, at time.Time) string {
	if told.Local == "" || when.Tell(at, told.Zone) == told {
		return ""
	}
	return shift(told.Local[:len("2006-01-02T15:04")], told.Zone, at)
}

// shifted tells of an answer or a confirmation that is awaited, whose zone's
// clocks changed since people were told by when.
func (a Application) shifted(now time.Time) (list []Item) {
	add := func(what, command string, told when.Told, at time.Time) {
		if words := reshown(told, at); at.After(now) && words != "" {
			list = append(list, Item{
				Kind: "zone", Words: what + ": " + words + "; tell them which holds", Command: command,
				Args: args("cycle", a.Cycle, "call", a.Call, "person", string(a.Person)), Cycle: a.Cycle, Call: a.Call,
				Stream: "application-" + a.Key, Role: "coordinator", About: a.Person, Due: at, Zone: told.Zone,
			})
		}
	}
	switch n := a.Nomination; {
	case a.Phase == application.Offered:
		add("the offer to "+token(a.Person), "offer.accept", a.Offer.Told, a.Offer.ReplyBy)
	case a.Phase == application.Submitted && n.Proof == "" && n.LapsedAt.IsZero():
		add("the nomination of "+token(a.Person), "nomination.receive", n.Told, n.Due)
	}
	return list
}

// shifted tells of a task that is due as people were told, and would be due at
// another moment if that were reckoned now.
func (t Task) shifted(now time.Time) []Item {
	due, reckoned := t.Due(), t.Reckoned(t.Deadline)
	zone, err := when.Zone(t.Opened.Zone)
	if err != nil || t.Phase != tasks.Waiting || !due.After(now) || reckoned.IsZero() || reckoned.Equal(due) {
		return nil
	}
	words := shift(reckoned.In(zone).Format("2006-01-02T15:04"), t.Opened.Zone, due)
	return []Item{{
		Kind: "zone", Words: t.words() + ": due " + words + "; tell whoever does it which holds", Command: "task.complete",
		Args: args("task", t.Task), Cycle: t.Opened.Cycle, Call: t.Opened.About.Call, Stream: t.File(), Role: "coordinator", About: t.Opened.About.Person,
		Due: due, Zone: t.Opened.Zone,
	}}
}

// shifted tells of open deadlines, and of permits that last, whose zone's clocks
// changed since they were told.
func (c Cycle) shifted(calls []queueCall, now time.Time) (list []Item) {
	for _, k := range c.Calls {
		if words := shift(k.Deadline.Local, k.Deadline.Zone, k.Deadline.Instant); k.Open && words != "" {
			list = append(list, Item{
				Kind: "zone", Words: "the deadline of " + k.Call + ": " + words + "; tell people which holds, or extend it", Command: "deadline.extend",
				Args: args("cycle", c.Cycle, "call", k.Call), Cycle: c.Cycle, Call: k.Call, Stream: "call-" + c.Cycle + "." + k.Call, Role: "coordinator",
				Due: k.Deadline.Instant, Zone: k.Deadline.Zone,
			})
		}
	}
	for _, k := range calls {
		for _, p := range slices.Sorted(maps.Keys(k.Permits)) {
			permit := k.Permits[p]
			if words := shift(permit.Local, permit.Zone, permit.Until); words != "" && permit.Until.After(now) {
				list = append(list, Item{
					Kind: "zone", Words: "the permit of " + token(p) + ": " + words + "; tell them which holds, or grant a later one", Command: "permit.grant",
					Args: args("cycle", c.Cycle, "call", k.Call, "person", string(p)), Cycle: c.Cycle, Call: k.Call,
					Stream: "call-" + c.Cycle + "." + k.Call, Role: "coordinator", About: p, Due: permit.Until, Zone: permit.Zone,
				})
			}
		}
	}
	return list
}

// shifted tells of first contact that is awaited and of sessions ahead, whose zone's clocks changed since.
func (m Match) shifted(now time.Time) (list []Item) {
	if words := reshown(m.Told, m.ContactDue); m.Phase == match.Active && m.ContactAt.IsZero() && !m.Met && m.ContactDue.After(now) && words != "" {
		list = append(list, Item{
			Kind: "zone", Words: "match " + m.Match + ": first contact: " + words + "; tell the pair which holds", Command: "contact.make",
			Args: args("cycle", m.Cycle, "match", m.Match, "side", match.Mentee), Cycle: m.Cycle, Stream: m.Stream, Role: "coordinator",
			Due: m.ContactDue, Zone: m.Told.Zone,
		})
	}
	for _, s := range m.Sessions {
		words := shift(s.Slot.Local, s.Slot.Zone, s.Slot.Start)
		if s.Status == "scheduled" && s.Slot.Start.After(now) && !m.Phase.Over() && words != "" {
			list = append(list, Item{
				Kind: "zone", Words: fmt.Sprintf("match %s: session %d: %s; ask the pair when they meet", m.Match, s.Session, words), Command: "session.reschedule",
				Args: args("cycle", m.Cycle, "match", m.Match, "session", s.Session), Cycle: m.Cycle, Stream: m.Stream, Role: match.Mentor,
				Person: m.Mentor, Due: s.Slot.Start, Zone: s.Slot.Zone,
			})
		}
	}
	return list
}
