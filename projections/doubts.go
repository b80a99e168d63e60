package projections

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/domain/programme"
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

// shifted tells of sessions ahead whose zone's clocks changed since.
func (m Match) shifted(now time.Time) (list []Item) {
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
