package programme

import (
	"maps"
	"slices"
)

// What a task may be about.
const (
	AboutCycle       = "cycle"
	AboutCall        = "call"
	AboutApplication = "application"
	AboutMatch       = "match"
)

// A Happening is an event that opens tasks: what these are then about, and
// which later events about the same may complete them by themselves.
type Happening struct {
	About string
	Then  []string
}

// Happenings lists them by the event's name.
var Happenings = map[string]Happening{
	"cycle.planned": {AboutCycle, []string{"call.opened"}},
	"call.opened":   {AboutCall, []string{"notice.published", "call.closed"}},
	"call.closed":   {AboutCall, nil},

	"draft.started":           {AboutApplication, []string{"application.received"}},
	"application.received":    {AboutApplication, []string{"nomination.received", "eligibility.confirmed", "eligibility.failed"}},
	"eligibility.confirmed":   {AboutApplication, []string{"review.recorded", "application.shortlisted", "application.passed_over"}},
	"review.assigned":         {AboutApplication, []string{"review.recorded"}},
	"application.shortlisted": {AboutApplication, []string{"application.selected", "application.reserved", "application.declined"}},
	"application.selected":    {AboutApplication, []string{"offer.made"}},
	"offer.made":              {AboutApplication, []string{"offer.accepted", "offer.declined"}},
	"offer.accepted":          {AboutApplication, nil},

	"match.proposed":     {AboutMatch, []string{"match.accepted", "match.made"}},
	"match.made":         {AboutMatch, []string{"contact.made", "agreement.signed", "agreement.in_force", "session.scheduled", "session.held", "reflection.filed"}},
	"agreement.in_force": {AboutMatch, []string{"contact.made", "session.scheduled", "session.held", "reflection.filed"}},
	"session.scheduled":  {AboutMatch, []string{"session.held", "reflection.filed"}},
	"session.held":       {AboutMatch, []string{"reflection.filed"}},
}

// Endings are the events after which a task about the same is nobody's any
// more; a session's, for the tasks about that session only, and a reviewer's,
// for what that reviewer was given.
var Endings = map[string]string{
	"cycle.closed": AboutCycle,

	"draft.expired": AboutApplication, "application.withdrawn": AboutApplication, "eligibility.failed": AboutApplication,
	"application.passed_over": AboutApplication, "application.declined": AboutApplication, "offer.declined": AboutApplication, "offer.lapsed": AboutApplication,
	"reviewer.recused": AboutApplication,

	"match.declined": AboutMatch, "match.unwound": AboutMatch, "match.ended": AboutMatch, "match.completed": AboutMatch,
	"session.cancelled": AboutMatch, "session.missed": AboutMatch,
}

// openers are the events that open tasks.
func openers() []string { return slices.Sorted(maps.Keys(Happenings)) }

// events are those that open tasks, and those that may complete them.
func events() (list []string) {
	list = openers()
	for _, h := range Happenings {
		list = append(list, h.Then...)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// holders are the roles that somebody has towards what a task is about:
// whoever runs the programme, and those whose application or match it is.
func (h Happening) holders(d Definition) []string {
	roles := slices.Clone(Vocabulary["runs"])
	switch h.About {
	case AboutApplication:
		for _, c := range d.Calls {
			if !slices.Contains(roles, c.Role) {
				roles = append(roles, c.Role)
			}
		}
	case AboutMatch:
		roles = append(roles, Vocabulary["side"]...)
	}
	return roles
}
