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

// An Ending is an event after which tasks about the same are nobody's any more.
type Ending struct {
	About string
	On    string // only those that this event opened: it is about one of several, a session or a reviewer
}

// Ends tells whether it ends the tasks that an event opens.
func (e Ending) Ends(on string) bool {
	return e.About == Happenings[on].About && (e.On == "" || e.On == on)
}

var Endings = map[string]Ending{
	"cycle.closed": {About: AboutCycle},

	"draft.expired": {About: AboutApplication}, "application.withdrawn": {About: AboutApplication}, "application.retracted": {About: AboutApplication}, "eligibility.failed": {About: AboutApplication},
	"application.passed_over": {About: AboutApplication}, "application.declined": {About: AboutApplication},
	"offer.declined": {About: AboutApplication}, "offer.lapsed": {About: AboutApplication},
	"reviewer.recused": {AboutApplication, "review.assigned"},

	"match.declined": {About: AboutMatch}, "match.unwound": {About: AboutMatch}, "match.ended": {About: AboutMatch}, "match.completed": {About: AboutMatch},
	"session.cancelled": {AboutMatch, "session.scheduled"}, "session.missed": {AboutMatch, "session.scheduled"},
	"session.retracted": {AboutMatch, "session.held"},
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
