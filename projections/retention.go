package projections

import (
	"fmt"
	"slices"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/retention"
)

// How long what is known about people who applied is kept: until then the clock
// waits, and then people.

// kept says by which rule somebody is kept, and what for.
func kept(r programme.Retention) string {
	if r == (programme.Retention{}) {
		return "kept on until then, as somebody said"
	}
	return fmt.Sprintf("%s: %s, %s", words(r.Of), r.Words(), r.Why)
}

func applyRetention(tx *Tx, e retention.Event) error {
	stream := e.Application().Stream()
	a, err := change[queueApplication](tx, "queue_application", stream)
	if err != nil {
		return err
	}
	a.Kept = a.Kept.Apply(e)
	return retain(tx, stream, a)
}

// retain tells the clock until when an application is kept; or people, that it was
// kept long enough.
func retain(tx *Tx, stream string, a *queueApplication) error {
	pinned, err := look[queueCycle](tx, "queue_cycle", a.Cycle)
	if err != nil {
		return err
	}
	d, err := look[queueDefinition](tx, "queue_definition", string(pinned.Definition))
	if err != nil {
		return err
	}
	item, err := change[Item](tx, "queue", retention.Stream(stream))
	if err != nil {
		return err
	}
	file := a.File
	file.Closed = pinned.Closed
	rule, due, over := a.Kept.Until(retention.Kept{File: file, Rules: d.Retention, Zone: d.Zone})
	if a.Erased || due.IsZero() {
		*item = Item{}
		return nil
	}
	*item = Item{
		Kind: "clock", Role: "clock", Command: "retention.expire", Words: clockWords["retention.expire"],
		Cycle: a.Cycle, Call: a.Call, About: a.Person, Stream: stream, Zone: d.Zone, Due: due, Rule: kept(rule),
		Args: args("cycle", a.Cycle, "call", a.Call, "person", string(a.Person)),
	}
	if over {
		item.Kind, item.Role, item.Command = "retention", "coordinator", "retention.extend"
		item.Words = "what is known about " + token(a.Person) + " was kept long enough (" + item.Rule + "): erase them with daybook erase, which takes two people, or say why it is kept on"
	}
	return nil
}

// retainAll tells anew until when the applications of a cycle are kept.
func retainAll(tx *Tx, cycle string) error {
	streams, err := keysOf(tx, "queue_application", func(a *queueApplication) bool { return a.Cycle == cycle }, "cycle IN (?)", cycle)
	if err != nil {
		return err
	}
	for _, stream := range streams {
		a, err := look[queueApplication](tx, "queue_application", stream)
		if err != nil {
			return err
		}
		if err := retain(tx, stream, a); err != nil {
			return err
		}
	}
	return nil
}

// retainErased tells that nothing is kept of somebody any more.
func retainErased(tx *Tx, who domain.Person) error {
	streams, err := keysOf(tx, "queue_application", func(a *queueApplication) bool { return a.Person == who }, "phase IN (?)", string(who))
	if err != nil {
		return err
	}
	for _, stream := range streams {
		a, err := change[queueApplication](tx, "queue_application", stream)
		if err != nil {
			return err
		}
		a.Erased = true
		if err := retain(tx, stream, a); err != nil {
			return err
		}
	}
	return nil
}

// elsewhere says of people who were kept long enough where else they applied:
// who is erased is gone from there, too.
func elsewhere(conn *sqlite.Conn, list []Item) error {
	for i, t := range list {
		if t.Kind != "retention" {
			continue
		}
		var cycles []string
		applied, err := bodies[queueApplication](conn, "SELECT body FROM queue_application WHERE phase = ? ORDER BY key", string(t.About))
		if err != nil {
			return err
		}
		for _, a := range applied {
			if a.Cycle != t.Cycle && !slices.Contains(cycles, a.Cycle) {
				cycles = append(cycles, a.Cycle)
			}
		}
		if slices.Sort(cycles); len(cycles) > 0 {
			list[i].Words += "; applied in " + strings.Join(cycles, ", ") + " as well, and would be erased from there, too"
		}
	}
	return nil
}
