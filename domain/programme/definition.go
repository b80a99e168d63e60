package programme

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/matching"
	"github.com/daybook-engine/daybook/domain/when"
)

// A Definition is everything that differs from programme to programme. It is
// data: workflows/definition reads it from YAML, rules read it here. The yaml
// and json names of its fields are the same; what stands behind "rule" is what
// Faults holds a field to, and what the published schema says of it.
//
// Every section may be absent but the first: a programme may have no
// applications at all. What a command needs of an absent section it refuses
// with ErrUnsaid.
type Definition struct {
	Programme  string        `json:"programme" rule:"required,slug"`
	Title      string        `json:"title" rule:"required"`
	Owner      string        `json:"owner" rule:"required,slug"`    // organisation that runs it
	Network    string        `json:"network,omitempty" rule:"slug"` // organisation whose members may take part; without it, anybody
	Pilot      bool          `json:"pilot,omitempty"`               // tried for the first time
	Aims       []string      `json:"aims,omitempty"`
	Zone       string        `json:"zone" rule:"required"` // IANA name such as Europe/London: where working days and times of day are counted
	Calendar   when.Calendar `json:"calendar,omitzero"`
	Partners   []Partner     `json:"partners,omitempty"`
	Roles      []Role        `json:"roles,omitempty"`
	Quotas     []Quota       `json:"quotas,omitempty"`
	Calls      []Call        `json:"calls,omitempty"`
	Stages     []Stage       `json:"stages,omitempty"`
	Tasks      []Task        `json:"tasks,omitempty"`
	Review     Review        `json:"review,omitzero"`
	Offer      Offer         `json:"offer,omitzero"`
	Matching   Matching      `json:"matching,omitzero"`
	Match      Match         `json:"match,omitzero"`
	Agreement  Agreement     `json:"agreement,omitzero"`
	Sessions   Sessions      `json:"sessions,omitzero"`
	Reflection Reflection    `json:"reflections,omitzero"`
	Completion Completion    `json:"completion,omitzero"`
	Outcomes   Outcomes      `json:"outcomes,omitzero"`
	Messages   []Message     `json:"messages,omitempty"`
	Retention  []Retention   `json:"retention,omitempty"`
}

// Idle are the sections and fields that are kept and shown; nothing acts on
// them yet. Of the tasks it is those that no event opens, of the stages those at
// which nobody gathers.
var Idle = []string{
	"pilot", "aims", "partners", "roles", "quotas", "calls.deadline", "calls.rolling", "calls.places", "calls.channels",
	"calls.criteria.kind", "calls.criteria.when", "stages", "tasks", "matching.on", "matching.conversation", "outcomes",
}

// Vocabulary has the words of each closed list that a rule names by "one=".
var Vocabulary = map[string][]string{
	"per":      {"year", "cycle"},
	"nation":   {"England", "Scotland"},
	"does":     {"mentors", "mentees", "funding", "delivery", "events", "network"},
	"contact":  {"awaited", "withheld"},
	"role":     {"coordinator", "partner_coordinator", "reviewer", "mentee", "mentor", "peer", "museum", "employer"},
	"invited":  {"mentee", "mentor", "peer", "museum"},
	"side":     {"mentee", "mentor"},
	"custody":  {ByAuthor},
	"channel":  {"web", "email", "phone", "paper"},
	"deadline": {"by", "before"},
	"kept":     {NotPlaced, Placed},
	"after":    {AfterDecision, AfterClosing},
	"must":     {"must", "not_required"},
	"kind": {
		"call", "screening", "review", "shortlist", "interview", "selection", "offers", "matching", "agreement", "training", "sessions", "supervision",
		"evidence", "recognition", "event", "request", "self_assessment", "peer_review",
	},
	"mode":     {"online", "in_person", "telephone"},
	"matching": {"needs", "priorities"},
	"policy":   {matching.Assignment, matching.DeferredAcceptance},
	"both":     {matching.Share, matching.Differ},
	"measure":  {matching.Part, matching.Ranked, matching.Same, matching.Different, matching.MenteeRanking, matching.MentorRanking},
	"told": {
		"application.received", "application.withdrawn", "nomination.received", "nomination.lapsed", "eligibility.confirmed", "eligibility.failed",
		"application.shortlisted", "application.passed_over", "application.selected", "application.reserved", "application.declined",
		"offer.made", "offer.accepted", "offer.declined", "offer.lapsed", "review.assigned",
		"match.proposed", "match.declined", "match.made", "match.unwound", "match.completed", "match.ended",
		"agreement.in_force", "contact.overdue", "session.scheduled", "session.rescheduled", "session.cancelled",
		"digest.queued",
	},
	"recipient": {"applicant", "reviewer", "mentee", "mentor", Holder},
	"fact":      {"role", "nation", "working_as", "member", "professional_staff", "shortlisted", "selected", "examples"},
	"opens":     openers(),
	"event":     events(),
	"due_from":  {"deadline"},
	"runs":      {"coordinator", "reviewer"},
}

// facts are the values that a condition may compare a fact with; a fact that
// is not here is a number.
var facts = map[string][]string{
	"role":               Vocabulary["role"],
	"nation":             Vocabulary["nation"],
	"working_as":         {"employee", "volunteer", "freelance"},
	"member":             {"yes", "no"}, // of the network
	"professional_staff": {"yes", "no"}, // the museum has some
	"shortlisted":        {"yes", "no"},
	"selected":           {"yes", "no"},
}

// A Partner is another organisation with a part in the programme. Partners are
// kept and shown; nothing acts on them yet.
type Partner struct {
	Organisation string       `json:"organisation" rule:"required,slug,key"`
	Text         string       `json:"text,omitempty"` // its name, and what it does
	Does         []string     `json:"does" rule:"required,one=does"`
	Since        when.Partial `json:"since,omitempty"`
	Contact      string       `json:"contact,omitempty" rule:"one=contact"` // why nobody can be named
}

// A Role is a part that people play, and how they come by it: as people of an
// organisation, together with somebody in another role (a mentor's employer),
// or else by a call. Roles are kept and shown; nothing acts on them yet.
type Role struct {
	Role         string   `json:"role" rule:"required,one=role,key"`
	Organisation string   `json:"organisation,omitempty" rule:"slug"` // whose people hold it
	Of           string   `json:"of,omitempty" rule:"one=role"`       // whose it is: of: mentor
	Text         string   `json:"text,omitempty"`
	Brings       []string `json:"brings,omitempty"` // what is expected of whoever holds it
	Cannot       []string `json:"cannot,omitempty"` // what nobody may ask of them
}

// A Quota limits the places of a programme within each year or each cycle, or
// those for one role or one nation. A coordinator sets it with quota.set;
// here it is kept and shown, and nothing acts on it yet.
type Quota struct {
	Quota  string `json:"quota" rule:"required,slug,key"`
	Per    string `json:"per" rule:"required,one=per"`
	Role   string `json:"role,omitempty" rule:"one=invited"`
	Nation string `json:"nation,omitempty" rule:"one=nation"`
	Limit  int    `json:"limit" rule:"required"`
}

// A Call is an invitation to apply: who for, with which form, judged by which
// criteria. Its deadline and its places are kept and shown; nothing acts on them
// yet: a coordinator says them with call.open and quota.set.
type Call struct {
	Call       string      `json:"call" rule:"required,slug,key"`
	Role       string      `json:"role" rule:"required,one=invited"`
	Deadline   Deadline    `json:"deadline,omitzero"`
	Rolling    bool        `json:"rolling,omitempty"` // always open: it has no deadline
	Places     int         `json:"places,omitempty"`
	Channels   []string    `json:"channels,omitempty" rule:"one=channel,once"` // how an application may reach us
	Form       Form        `json:"form,omitzero"`
	Criteria   []Criterion `json:"criteria,omitempty"`
	Routes     []Route     `json:"routes,omitempty"`
	DraftsLast when.Offset `json:"drafts_last,omitzero" rule:"offset"` // after closing: when an unsent draft expires; without it, at once
}

// A Deadline is the wording that people are given, and the one local time, in
// the programme's zone, that it means.
type Deadline struct {
	Published string `json:"published" rule:"required"`
	Local     string `json:"local" rule:"required,local"`       // 2017-04-24T10:00
	Rule      string `json:"rule" rule:"required,one=deadline"` // by: that moment is in time; before: it is too late
	Override  string `json:"override,omitempty" rule:"code"`    // why a weekday that does not fit stands all the same
}

// A Form is what applicants are asked, in one version.
type Form struct {
	Version string  `json:"version" rule:"required,version"`
	Fields  []Field `json:"fields" rule:"required"`
}

// A Field is one question. A ranked field wants exactly Ranks answers, best
// first.
type Field struct {
	Field    string `json:"field" rule:"required,slug,key"`
	Label    string `json:"label"`
	Ranks    int    `json:"ranks,omitempty" rule:"max=10"` // so many answers, best first
	Optional bool   `json:"optional,omitempty"`
}

// A Criterion is what makes an application eligible, or what is said not to
// matter. Its text is what people judge by; its kind and its condition are
// kept and shown, and nothing acts on them yet.
type Criterion struct {
	Criterion string    `json:"criterion" rule:"required,slug,key"`
	Text      string    `json:"text"`
	Kind      string    `json:"kind,omitempty" rule:"one=must"` // must, where nothing is said
	When      Condition `json:"when,omitzero"`
}

// A Condition holds when everything that it says does: all of these, any of
// those, none of the others. There is nothing else, no arithmetic, no loops, no
// scripts: none of the programmes that we know needs more.
type Condition struct {
	All []Comparison `json:"all,omitempty"`
	Any []Comparison `json:"any,omitempty"`
	Not []Comparison `json:"not,omitempty"`
}

// Said tells whether a condition is there.
func (c Condition) Said() bool { return len(c.All)+len(c.Any)+len(c.Not) > 0 }

// Holds tells whether a condition holds for what is known; an unknown fact
// compares with nothing.
func (c Condition) Holds(known map[string]string) bool {
	holds := func(k Comparison) bool {
		value, ok := known[k.Fact]
		n, err := strconv.Atoi(value)
		return ok && (k.Is != "" && value == k.Is || k.AtLeast > 0 && err == nil && n >= k.AtLeast)
	}
	fails := func(k Comparison) bool { return !holds(k) }
	return !slices.ContainsFunc(c.All, fails) && (len(c.Any) == 0 || slices.ContainsFunc(c.Any, holds)) && !slices.ContainsFunc(c.Not, holds)
}

// Words are a condition as people say it: "selected is yes and role is mentee".
func (c Condition) Words() string {
	var parts []string
	join := func(list []Comparison, before, between string) {
		var words []string
		for _, k := range list {
			fact := strings.ReplaceAll(k.Fact, "_", " ")
			if k.AtLeast > 0 {
				words = append(words, fmt.Sprintf("%s at least %d", fact, k.AtLeast))
			} else {
				words = append(words, fact+" is "+k.Is)
			}
		}
		if len(words) > 0 {
			parts = append(parts, before+strings.Join(words, between))
		}
	}
	join(c.All, "", " and ")
	join(c.Any, "", " or ")
	join(c.Not, "not ", " nor ")
	return strings.Join(parts, ", and ")
}

// A Comparison compares a named fact: one that is a word with Is, one that is a
// number with AtLeast.
type Comparison struct {
	Fact    string `json:"fact" rule:"required,one=fact"`
	Is      string `json:"is,omitempty"`
	AtLeast int    `json:"at_least,omitempty"`
}

// A Route is a way to be put forward. Where Proof is set, the nominating
// organisation confirms within that time, or the nomination lapses.
type Route struct {
	Route string       `json:"route" rule:"required,slug,key"`
	Text  string       `json:"text"`
	Proof *when.Offset `json:"proof,omitempty" rule:"required,offset"`
}

// Closed is where every way through the stages ends.
const Closed = "closed"

// A Stage is a part of the way through a programme. Stages are kept, shown and
// drawn, and nothing acts on most of them yet: a cycle's timetable is what
// stage.schedule says. Where people come together, gatherings are announced.
type Stage struct {
	Stage     string       `json:"stage" rule:"required,slug,key"`
	Kind      string       `json:"kind" rule:"required,one=kind"`
	Text      string       `json:"text" rule:"required"`
	Call      string       `json:"call,omitempty" rule:"slug"` // of a stage of kind call: which; without it, every call
	For       []string     `json:"for,omitempty" rule:"one=role,once"`
	Optional  bool         `json:"optional,omitempty"`
	Mode      string       `json:"mode,omitempty" rule:"one=mode"`
	Start     bool         `json:"start,omitempty"` // people may begin here, as at the first stage
	From      when.Partial `json:"from,omitempty"`
	To        when.Partial `json:"to,omitempty"`
	Published string       `json:"published,omitempty"`            // the dates as people were told them
	Override  string       `json:"override,omitempty" rule:"code"` // why a weekday that does not fit stands all the same
	Next      []Next       `json:"next,omitempty"`                 // without it: the stage that follows, or closed before one that starts
}

// gathers are the kinds of stages at which people come together.
var gathers = []string{"training", "supervision", "event"}

// Gathers tells whether people come together at the stage: then gatherings are
// announced of it, and who was there counts.
func (s Stage) Gathers() bool { return slices.Contains(gathers, s.Kind) }

// StageOf finds a stage by its key.
func (d Definition) StageOf(key string) (Stage, bool) {
	i := slices.IndexFunc(d.Stages, func(s Stage) bool { return s.Stage == key })
	if i < 0 {
		return Stage{}, false
	}
	return d.Stages[i], true
}

// Next is a stage that another goes on to: the first whose condition holds.
type Next struct {
	Stage string    `json:"stage" rule:"required,slug,key"` // closed ends the way
	When  Condition `json:"when,omitzero"`
}

// A Task is something that people have to do: once for each event that opens
// it, and so for each application, match or session, for each call or for the
// cycle. A task that no event opens is kept and shown, and nothing acts on it.
type Task struct {
	Task     string      `json:"task" rule:"required,slug,key"`
	Role     string      `json:"role" rule:"required,one=role"`
	Text     string      `json:"text" rule:"required"`
	Stage    string      `json:"stage,omitempty" rule:"slug"`
	On       string      `json:"on,omitempty" rule:"one=opens"`          // the event that opens it
	Done     []string    `json:"done,omitempty" rule:"one=event,once"`   // the events that complete it by themselves; without one, somebody says so
	Due      when.Offset `json:"due,omitzero" rule:"today"`              // after it is opened, or after what due_from names
	DueFrom  string      `json:"due_from,omitempty" rule:"one=due_from"` // deadline: due counts from the call's deadline in force, and moves with it; without due, at the deadline itself
	Remind   Remind      `json:"remind,omitzero"`
	Escalate Escalation  `json:"escalate,omitzero"`
	Expires  when.Offset `json:"expires,omitzero" rule:"offset"`            // after it is due: then nobody has to do it any more
	FourEyes []string    `json:"four_eyes,omitempty" rule:"one=event,once"` // not by whoever did one of these about the same application or match
}

// Remind says how long before a task is due people are reminded of it, and how
// often at most, however often its deadline is moved.
type Remind struct {
	Before []when.Offset `json:"before" rule:"required,before"`
	AtMost int           `json:"at_most" rule:"required,max=10"`
}

// Example is how a Remind is written.
func (Remind) Example() string { return "{before: [{days: 1}], at_most: 1}" }

// An Escalation lets another role take a task up, so long after it was due.
type Escalation struct {
	After when.Offset `json:"after" rule:"required,offset"`
	To    string      `json:"to" rule:"required,one=runs"`
}

// Example is how an Escalation is written.
func (Escalation) Example() string { return "{after: {days: 1}, to: coordinator}" }

// Timed tells whether a task is due at some time.
func (t Task) Timed() bool { return t.Due != (when.Offset{}) || t.DueFrom != "" }

// Review says how applications are assessed.
type Review struct {
	PerApplication int      `json:"per_application" rule:"required"` // reviews a decision rests on, at least
	Criteria       []string `json:"criteria" rule:"required,once"`
	MaxScore       int      `json:"max_score" rule:"required"` // a score is 0 to this, whole numbers
}

// Offer says how long an offer stands.
type Offer struct {
	ReplyWithin when.Offset `json:"reply_within" rule:"required,offset"`
}

// Matching says by what people are matched, and who is talked with before:
// both are kept and shown; nothing acts on them yet. A policy, with rules and
// factors, is what matching.propose goes by.
type Matching struct {
	On           []string          `json:"on,omitempty" rule:"one=matching,once"`
	Conversation []string          `json:"conversation,omitempty" rule:"one=role,once"`
	Policy       string            `json:"policy,omitempty" rule:"one=policy"` // assignment: most people, then the best pairs; deferred_acceptance: by both sides' rankings
	Rules        []matching.Rule   `json:"rules,omitempty"`
	Factors      []matching.Factor `json:"factors,omitempty"`
}

// Plan is what a run of matching goes by; without a policy there can be none.
func (m Matching) Plan() matching.Plan {
	return matching.Plan{Policy: m.Policy, Rules: m.Rules, Factors: m.Factors}
}

// Match says what is expected once two people are matched.
type Match struct {
	FirstContactWithin when.Offset `json:"first_contact_within" rule:"required,offset"`
}

// An Agreement is what both sides sign, in one version.
type Agreement struct {
	Version string   `json:"version" rule:"required,version"`
	Clauses []string `json:"clauses" rule:"required"`
}

// Hash names the agreement's exact words.
func (a Agreement) Hash() domain.Digest { return hash(a) }

// Sessions is the session plan: it limits what is scheduled and marks what is
// recorded.
type Sessions struct {
	Min        int      `json:"min" rule:"required"`
	Max        int      `json:"max" rule:"required"`
	MinMinutes int      `json:"min_minutes" rule:"required"`
	MaxMinutes int      `json:"max_minutes" rule:"required"`
	Modes      []string `json:"modes" rule:"required,one=mode,once"`
}

// Reflection says who reflects, after each held session and at the end, and who
// keeps the words.
type Reflection struct {
	Session []string `json:"session" rule:"one=side,once"`
	Final   []string `json:"final" rule:"one=side,once"`
	Custody string   `json:"custody,omitempty" rule:"one=custody"` // author: the words stay with who wrote them, and only how many they are and their SHA-256 are kept; without it they are sealed in the vault
}

// ByAuthor is the custody under which words never come here.
const ByAuthor = "author"

// Completion is the rule by which a match is complete.
type Completion struct {
	Version            string       `json:"version" rule:"required,version"`
	ConformingSessions int          `json:"conforming_sessions" rule:"required"`
	FinalReflections   []string     `json:"final_reflections" rule:"one=side,once"` // sides that must have filed theirs
	Attendance         []Attendance `json:"attendance,omitempty"`                   // who must have been where
}

// An Attendance is of sides that must have been at so many gatherings of a stage
// at least: supervision, training, an event.
type Attendance struct {
	Stage   string   `json:"stage" rule:"required,slug,key"`
	For     []string `json:"for" rule:"required,one=side,once"`
	AtLeast int      `json:"at_least" rule:"required"`
}

// Words are the rule as people say it: "2 conforming sessions and the final
// reflection of the mentee".
func (c Completion) Words() string {
	words := fmt.Sprintf("%d conforming sessions", c.ConformingSessions)
	if c.ConformingSessions == 1 {
		words = "1 conforming session"
	}
	for _, side := range c.FinalReflections {
		words += " and the final reflection of the " + side
	}
	for _, a := range c.Attendance {
		words += fmt.Sprintf(" and %s attended %d times by the %s", a.Stage, a.AtLeast, strings.Join(a.For, " and the "))
	}
	return words
}

// Outcomes are what people are to gain, in one version, each to be named by
// evidence for it. They are kept and shown; nothing acts on them yet.
type Outcomes struct {
	Version string    `json:"version" rule:"required,version"`
	Items   []Outcome `json:"items" rule:"required"`
}

// An Outcome is one item of the outcomes: what somebody gains, and what their
// organisation does of it.
type Outcome struct {
	Item       string   `json:"item" rule:"required,slug,key"`
	For        []string `json:"for,omitempty" rule:"one=role,once"`
	Text       string   `json:"text" rule:"required"`
	Gain       string   `json:"gain,omitempty"`       // for the organisation
	Incomplete bool     `json:"incomplete,omitempty"` // the words break off in the source, and are kept so
}

// What became of somebody's application, and from when on what is known about
// them is kept.
const (
	NotPlaced     = "not_placed"
	Placed        = "placed"
	AfterDecision = "decision"
	AfterClosing  = "cycle_closed"
)

// A Retention says how long what is known about people who applied is kept, by
// what became of their application: those of the one kind were placed; the
// others were not, be it that they were refused, that they withdrew, or that a
// draft was never sent. When the time is over, the coordinator is asked to erase
// them, which takes two people, or to say why and until when they are kept on.
type Retention struct {
	Of     string `json:"of" rule:"required,one=kept,key"`
	Months int    `json:"months" rule:"required,max=1200"`
	After  string `json:"after" rule:"required,one=after"` // decision: that on the application, or its withdrawal; cycle_closed: the closing of its cycle
	Why    string `json:"why" rule:"required"`             // what it is kept for, and who says so
}

// Words are the time as people say it: "12 months after the decision".
func (r Retention) Words() string {
	n, unit, from := r.Months, "month", "the "+r.After
	if n%12 == 0 {
		n, unit = n/12, "year"
	}
	if n != 1 {
		unit += "s"
	}
	if r.After == AfterClosing {
		from = "the cycle is closed"
	}
	return fmt.Sprintf("%d %s after %s", n, unit, from)
}

// A Message is a mail to somebody whom an event is about, written when that
// event is recorded. Its templates say it in one or more languages; who has not
// said theirs, or has another, is written to in the first.
type Message struct {
	Message   string     `json:"message" rule:"required,slug,key"`
	On        string     `json:"on" rule:"required,one=told"`      // the event
	To        string     `json:"to" rule:"required,one=recipient"` // who in it: applicant and reviewer of an application, mentee and mentor of a match, holder of the tasks that a digest lists
	Templates []Template `json:"templates" rule:"required"`
}

// A Template is the words of a message in one language. What stands in braces
// is filled in: {name} of who gets it, {programme} and {cycle}, and by the event
// {reply_by}, {other}, {contact_by}, {session} or {session_at}; by a digest
// {tasks}, a line for each.
type Template struct {
	Language string `json:"language" rule:"required,language,key"` // a tag such as en or pt-BR
	Subject  string `json:"subject" rule:"required"`               // one line
	Text     string `json:"text" rule:"required"`                  // plain text, not HTML
}

// Hash names the definition's content. It is taken over its JSON, whose
// fields have a fixed order.
func (d Definition) Hash() domain.Digest { return hash(d) }

func hash(v any) domain.Digest {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("hash %T: %v", v, err)) // plain data always marshals
	}
	sum := sha256.Sum256(b)
	return domain.Digest(base64.RawURLEncoding.EncodeToString(sum[:]))
}

// Call finds a call of the definition by its key.
func (d Definition) Call(key string) (Call, bool) {
	for _, c := range d.Calls {
		if c.Call == key {
			return c, true
		}
	}
	return Call{}, false
}

// Route finds a way to be put forward by its key.
func (c Call) Route(key string) (Route, bool) {
	for _, r := range c.Routes {
		if r.Route == key {
			return r, true
		}
	}
	return Route{}, false
}

// Keys lists the call's criteria.
func (c Call) Keys() []string {
	keys := make([]string, len(c.Criteria))
	for i, k := range c.Criteria {
		keys[i] = k.Criterion
	}
	return keys
}
