package projections

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/domain/match"
)

// A Funnel is how many came how far, and where the others left.
type Funnel struct {
	Cycle    string        `json:"cycle"`
	Stages   []FunnelStage `json:"stages"`
	Outcomes []Exit        `json:"outcomes"` // of the submitted: they add up to it
}

// A FunnelStage is how many reached a stage, and how those left who came no
// further.
type FunnelStage struct {
	Stage string `json:"stage"`
	Count int    `json:"count"`
	Exits []Exit `json:"exits,omitempty"`
}

// An Exit is where applications ended, or where they are now.
type Exit struct {
	Words string `json:"words"`
	Count int    `json:"count"`
}

// The stages of a funnel. Late and refused stand beside it: late submissions
// are among the submitted, a refused attempt is no application.
const (
	Started        = "started"
	Submitted      = "submitted"
	Late           = "late"
	Refused        = "refused"
	Withdrawn      = "withdrawn"
	Ineligible     = "ineligible"
	Eligible       = "eligible"
	NotShortlisted = "not shortlisted"
	Shortlisted    = "shortlisted"
	Declined       = "declined"
	Reserved       = "reserve"
	Selected       = "selected"
	Offered        = "offered"
	Accepted       = "accepted"
	Matched        = "matched"
	Active         = "active"
	Completed      = "completed"
)

// A Course is an application, and how far it came.
type Course struct {
	Application
	Reached []string // of the stages that follow one another
	Exit    string   // what became of it after the last of them
	Outcome string   // what became of it as seen from the call; "" where it was not submitted
}

// Last is the stage beyond which it did not come.
func (c Course) Last() string { return c.Reached[len(c.Reached)-1] }

// Courses are a cycle's applications, under all its calls, in the order in
// which they were begun: what the funnel counts.
func (v *Views) Courses(ctx context.Context, cycle string) (courses []Course, err error) {
	var list []Application
	var pairs []Match
	err = v.ask(ctx, func(conn *sqlite.Conn) error {
		if _, err := findCycle(conn, cycle); err != nil {
			return err
		}
		if list, err = applicationsOf(conn, cycle); err != nil {
			return err
		}
		pairs, err = matchesOf(conn, cycle)
		return err
	})
	made := map[domain.Person]Match{} // the newest match of each mentee
	for _, m := range pairs {
		if old, ok := made[m.Mentee]; !m.MadeAt.IsZero() && (!ok || old.MadeAt.Before(m.MadeAt)) {
			made[m.Mentee] = m
		}
	}
	for _, a := range list {
		m, matched := made[a.Person]
		courses = append(courses, courseOf(a, m, matched))
	}
	return courses, err
}

func courseOf(a Application, m Match, matched bool) Course {
	c := Course{Application: a}
	reach := func(is bool, stage string) {
		if is {
			c.Reached = append(c.Reached, stage)
		}
	}
	accepted := a.Offer.Answer == application.Accepted
	matched = matched && accepted
	reach(true, Started)
	reach(!a.ReceivedAt.IsZero(), Submitted)
	reach(a.Eligibility.Eligible, Eligible)
	reach(a.decided(application.OnShortlist), Shortlisted)
	reach(a.decided(application.Chosen) || a.decided(application.InReserve), Selected)
	reach(!a.Offer.MadeAt.IsZero(), Offered)
	reach(accepted, Accepted)
	reach(matched, Matched)
	reach(matched && (!m.Phase.Over() || m.Phase == match.Complete), Active)
	reach(matched && m.Phase == match.Complete, Completed)
	c.Exit = a.exit(c.Last(), m)
	if !a.ReceivedAt.IsZero() {
		c.Outcome = a.outcome()
	}
	return c
}

// Funnel counts a cycle's applications.
func (v *Views) Funnel(ctx context.Context, cycle string) (Funnel, error) {
	courses, err := v.Courses(ctx, cycle)
	if err != nil {
		return Funnel{Cycle: cycle}, err
	}
	refused := 0
	// An attempt that was refused was made, though nothing came of it, or what did
	// was retracted.
	err = v.ask(ctx, func(conn *sqlite.Conn) error {
		list, err := bodies[Application](conn, "SELECT body FROM applications WHERE cycle = ? AND phase = ''", cycle)
		for _, a := range list {
			refused += len(a.Refusals)
		}
		return err
	})
	f := Funnel{Cycle: cycle}
	f.count(courses, refused)
	return f, err
}

// count counts courses, and attempts that were refused beside theirs.
func (f *Funnel) count(courses []Course, refused int) {
	reached, exits := map[string]int{Refused: refused}, map[string]map[string]int{}
	outcomes := map[string]int{}
	for _, c := range courses {
		for _, stage := range c.Reached {
			reached[stage]++
		}
		beside := func(is bool, stage string, n int) {
			if is {
				reached[stage] += n
			}
		}
		beside(c.Late, Late, 1)
		beside(true, Refused, len(c.Refusals))
		beside(c.Phase == application.Withdrew && c.Outcome != "", Withdrawn, 1)
		beside(c.Phase == application.Ineligible, Ineligible, 1)
		beside(c.Phase == application.NotListed, NotShortlisted, 1)
		beside(c.Phase == application.Rejected, Declined, 1)
		beside(c.decided(application.InReserve), Reserved, 1)

		if exits[c.Last()] == nil {
			exits[c.Last()] = map[string]int{}
		}
		exits[c.Last()][c.Exit]++
		if c.Outcome != "" {
			outcomes[c.Outcome]++
		}
	}
	for _, stage := range []string{
		Started, Submitted, Late, Refused, Withdrawn, Ineligible, Eligible, NotShortlisted, Shortlisted, Declined,
		Reserved, Selected, Offered, Accepted, Matched, Active, Completed,
	} {
		f.Stages = append(f.Stages, FunnelStage{stage, reached[stage], sorted(exits[stage])})
	}
	f.Outcomes = sorted(outcomes)
}

// exit says what became of an application that came no further than a stage.
func (a Application) exit(last string, m Match) string {
	switch {
	case last == Completed:
		return "completed"
	case last == Matched || last == Active:
		return "match " + string(m.Phase)
	case last == Accepted:
		return "waiting for a match"
	}
	return a.State()
}

// outcome says what became of a submitted application, as seen from the call.
func (a Application) outcome() string {
	switch a.Phase {
	case application.Accepted:
		return "placed"
	case application.TurnedDown:
		return "offer declined"
	case application.Lapsed:
		return "offer lapsed"
	case application.NotListed, application.Rejected:
		return "not selected"
	case application.Ineligible:
		return "ineligible"
	case application.Withdrew:
		return "withdrawn"
	case application.InReserve:
		return a.State()
	}
	return "open"
}

// sorted lists the most frequent first.
func sorted(counts map[string]int) []Exit {
	var list []Exit
	for words, n := range counts {
		list = append(list, Exit{words, n})
	}
	slices.SortFunc(list, func(a, b Exit) int {
		if a.Count != b.Count {
			return b.Count - a.Count
		}
		return strings.Compare(a.Words, b.Words)
	})
	return list
}

// Count is how many reached a stage.
func (f Funnel) Count(stage string) int {
	for _, s := range f.Stages {
		if s.Stage == stage {
			return s.Count
		}
	}
	return 0
}

// String is the sum that must come out even: "submitted 22 = placed 5 + …".
func (f Funnel) String() string {
	var parts []string
	for _, o := range f.Outcomes {
		parts = append(parts, fmt.Sprintf("%s %d", o.Words, o.Count))
	}
	return fmt.Sprintf("submitted %d = %s", f.Count(Submitted), strings.Join(parts, " + "))
}
