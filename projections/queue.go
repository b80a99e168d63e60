package projections

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/domain/call"
	"github.com/daybook-engine/daybook/domain/cycle"
	"github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/domain/person"
	"github.com/daybook-engine/daybook/domain/policy"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/retention"
	"github.com/daybook-engine/daybook/domain/schema"
	tasks "github.com/daybook-engine/daybook/domain/task"
	"github.com/daybook-engine/daybook/domain/when"
	"github.com/daybook-engine/daybook/eventstore"
)

// An Item is one thing to be done: by the clock when it falls due, or by a
// person.
type Item struct {
	Kind    string          `json:"kind"`             // "clock", "task" for one of the definition's, or what a person has to do: eligibility, review, offer, …
	Words   string          `json:"words"`            // in a few words; people and organisations are tokens, see Named and Organised
	Command string          `json:"command"`          // that settles it
	Args    json.RawMessage `json:"args"`             // the fields of the command that are known: its ID's, and which session or side
	Others  []Other         `json:"others,omitempty"` // that settle it as well
	Cycle   string          `json:"cycle"`
	Call    string          `json:"call,omitempty"`
	Stream  string          `json:"stream"`
	Role    string          `json:"role"`             // who must act: clock, coordinator, reviewer, applicant, mentee, mentor
	Also    string          `json:"also,omitempty"`   // the role that it is open to as well, because it is overdue
	Person  domain.Person   `json:"person,omitempty"` // who must act, where that is one person
	About   domain.Person   `json:"about,omitempty"`  // whom it is about
	Task    string          `json:"task,omitempty"`   // the id of one of the definition's
	Due     time.Time       `json:"due,omitzero"`     // zero: no time is set, or it isn't known yet
	Rule    string          `json:"rule,omitempty"`   // how due was reckoned
	Zone    string          `json:"zone,omitempty"`
	Since   time.Time       `json:"since,omitzero"` // when it was parked, for a policy that is
	Round   int             `json:"round,omitzero"` // how often a task was reopened, or an application retracted: what fell due of it may do so anew
}

// An Other is a command that settles an item as well as its own does.
type Other struct {
	Command string          `json:"command"`
	Args    json.RawMessage `json:"args"`
}

// A DueItem is a command whose time has come.
type DueItem struct {
	Command string
	Args    json.RawMessage
	Due     time.Time
	Round   int // as of the Item
}

// An Item in the table is the clock's, a parked policy's, or somebody who was
// kept long enough; one without a command is settled, and is not kept. What is
// due by people is no concern of the clock's.
func (t *Item) columns() (in, phase string, due time.Time, keep bool) {
	if in = t.Cycle; t.Command == "draft.expire" {
		in += "." + t.Call
	}
	if t.Role == "clock" {
		due = t.Due
	}
	return in, t.Command, due, t.Command != ""
}

// queueCall is what the clock knows of a call.
type queueCall struct {
	Cycle   string                        `json:"cycle"`
	Call    string                        `json:"call"`
	Expire  time.Time                     `json:"expire,omitzero"` // when drafts do, once it is closed
	Closed  bool                          `json:"closed,omitempty"`
	Rule    string                        `json:"rule,omitempty"`
	Zone    string                        `json:"zone,omitempty"`
	Instant time.Time                     `json:"instant"` // of the deadline in force
	Permits map[domain.Person]queuePermit `json:"permits,omitempty"`
}

// A queuePermit is until when somebody may submit, and how that was said.
type queuePermit struct {
	Until time.Time `json:"until"`
	Local string    `json:"local"`
	Zone  string    `json:"zone"`
}

func (c *queueCall) columns() (string, string, time.Time, bool) {
	return c.Cycle, "", c.Expire, true
}

// queueApplication is what the clock knows of an application from its beginning.
// Its row in the queue is gone as soon as nothing is awaited.
type queueApplication struct {
	Cycle  string          `json:"cycle"`
	Call   string          `json:"call"`
	Person domain.Person   `json:"person"`
	File   retention.File  `json:"file,omitzero"`
	Kept   retention.State `json:"kept,omitzero"`
	Erased bool            `json:"erased,omitempty"` // the person, or about to be
	Round  int             `json:"round,omitzero"`   // how often it was retracted
}

func (a *queueApplication) columns() (string, string, time.Time, bool) {
	return a.Cycle, string(a.Person), time.Time{}, true
}

// queueCycle is what a cycle pins, and when it was closed.
type queueCycle struct {
	Cycle      string        `json:"cycle"`
	Definition domain.Digest `json:"definition"`
	Closed     time.Time     `json:"closed,omitzero"`
}

func (c *queueCycle) columns() (string, string, time.Time, bool) {
	return c.Cycle, "", time.Time{}, true
}

// queueDefinition is by what a definition lets the clock reckon.
type queueDefinition struct {
	Programme string                 `json:"programme"`
	Zone      string                 `json:"zone"`
	Calendar  when.Calendar          `json:"calendar"`
	Last      map[string]when.Offset `json:"last"`  // of drafts, by call
	Proof     map[string]when.Offset `json:"proof"` // by call and route, "call.route"
	Reply     when.Offset            `json:"reply"`
	Contact   when.Offset            `json:"contact"`
	Retention []programme.Retention  `json:"retention,omitempty"`
}

// rule says how an instant was reckoned from an anchor, which people call from.
// Where it was reckoned by an earlier version, only the calendar is said.
func (d *queueDefinition) rule(o when.Offset, anchor, due time.Time, from, calendar string) string {
	words := "as it was told"
	if again, err := o.From(anchor, d.Zone, d.Calendar); err == nil && again.Equal(due) {
		if words = "from " + from + ": " + o.Words(); o.WorkingDays == 0 {
			return words
		}
	}
	if calendar != "" {
		words += ", by the calendar " + calendar
	}
	return words
}

func (d *queueDefinition) columns() (string, string, time.Time, bool) {
	return d.Programme, "", time.Time{}, true
}

//go:embed queue.sql
var queueSQL string

var queue = Projection{
	Name: "queue", Schema: queueSQL, Documents: []row{&Item{}, &queueApplication{}, &queueCall{}, &queueCycle{}, &queueDefinition{}, &Task{}}, Apply: applyQueue,
	Names: []string{
		"definition.published", "cycle.planned", "definition.moved",
		"call.opened", "deadline.extended", "permit.granted", "call.closed",
		"draft.started", "draft.expired", "application.received", "submission.refused", "application.withdrawn", "application.retracted", "nomination.received", "nomination.lapsed",
		"eligibility.confirmed", "eligibility.failed", "offer.made", "offer.accepted", "offer.declined", "offer.lapsed",
		"match.made", "match.unwound", "match.completed", "match.ended", "contact.made", "contact.overdue", "session.held",
		"application.passed_over", "application.declined", "cycle.closed", "erasure.started", "erasure.completed", "retention.expired", "retention.extended",
		"policy.parked", "policy.retried", "policy.skipped", "policy.repaired",
		"task.opened", "task.claimed", "task.released", "task.delegated", "task.reminded", "task.escalated", "task.completed", "task.reopened", "task.expired", "task.withdrawn",
	},
}

func applyQueue(tx *Tx, e *Event) error {
	switch b := e.Body.(type) {
	case programme.DefinitionPublished:
		d, err := change[queueDefinition](tx, "queue_definition", string(b.Hash))
		if err != nil {
			return err
		}
		*d = queueDefinition{
			Programme: b.Definition.Programme, Zone: b.Definition.Zone, Calendar: b.Definition.Calendar, Last: map[string]when.Offset{},
			Proof: map[string]when.Offset{}, Reply: b.Definition.Offer.ReplyWithin, Contact: b.Definition.Match.FirstContactWithin,
			Retention: b.Definition.Retention,
		}
		for _, c := range b.Definition.Calls {
			d.Last[c.Call] = c.DraftsLast
			for _, r := range c.Routes {
				if r.Proof != nil {
					d.Proof[c.Call+"."+r.Route] = *r.Proof
				}
			}
		}
		return nil
	case cycle.Planned:
		c, err := change[queueCycle](tx, "queue_cycle", e.Cycle)
		if err != nil {
			return err
		}
		*c = queueCycle{Cycle: e.Cycle, Definition: b.Definition}
		return nil
	case cycle.DefinitionMoved:
		if err := moveQueue(tx, e.Cycle, b.To); err != nil {
			return err
		}
		return retainAll(tx, e.Cycle)
	case cycle.Closed:
		pinned, err := change[queueCycle](tx, "queue_cycle", e.Cycle)
		if err != nil {
			return err
		}
		pinned.Closed = e.Envelope.OccurredAt
		return retainAll(tx, e.Cycle)
	case person.ErasureStarted, person.ErasureCompleted:
		return retainErased(tx, person.Of(e.Stream))
	case retention.Event:
		return applyRetention(tx, b)
	case call.Opened, call.DeadlineExtended, call.PermitGranted, call.Closed:
		return applyQueueCall(tx, e)
	case tasks.Event:
		return applyTask(tx, e, b)
	}

	// What is left is an application's, a match's or a parked policy's event.
	t, err := change[Item](tx, "queue", e.Stream)
	if err != nil {
		return err
	}
	pinned, err := look[queueCycle](tx, "queue_cycle", e.Cycle)
	if err != nil {
		return err
	}
	d, err := look[queueDefinition](tx, "queue_definition", string(pinned.Definition))
	if err != nil {
		return err
	}
	a, err := look[queueApplication](tx, "queue_application", e.Stream)
	if err != nil {
		return err
	}
	known := *a
	switch b := e.Body.(type) {
	case application.DraftStarted:
		known.Cycle, known.Call, known.Person = b.Cycle, b.Call, b.Person
	case application.SubmissionRefused:
		known.Cycle, known.Call, known.Person = b.Cycle, b.Call, b.Person
	case application.Retracted:
		known.Round++
	}
	if known.File = known.File.After(e.Body, e.Envelope.OccurredAt); known.Person != "" && known != *a {
		if a, err = change[queueApplication](tx, "queue_application", e.Stream); err != nil {
			return err
		}
		*a = known
		if len(d.Retention) > 0 || a.Kept != (retention.State{}) {
			if err := retain(tx, e.Stream, a); err != nil {
				return err
			}
		}
	}
	clock := func(command string, due time.Time, rule, zone string) {
		*t = Item{Kind: "clock", Role: "clock", Stream: e.Stream, Cycle: e.Cycle, Command: command, Words: clockWords[command], Due: due, Rule: rule, Zone: zone}
	}
	settled := func(command string) {
		if t.Command == command || command == "" {
			t.Command = ""
		}
	}
	of := func(command string, due time.Time, rule, zone string) {
		clock(command, due, rule, zone)
		t.Call, t.About, t.Round, t.Args = a.Call, a.Person, a.Round, args("cycle", a.Cycle, "call", a.Call, "person", string(a.Person))
	}
	switch b := e.Body.(type) {
	case application.DraftStarted:
		c, err := look[queueCall](tx, "queue_call", b.Cycle+"."+b.Call)
		if err != nil {
			return err
		}
		of("draft.expire", c.expire(b.Person), c.rule(b.Person), c.Zone)
	case application.Received:
		settled("")
		if !b.ProofDue.IsZero() {
			rule := d.rule(d.Proof[a.Call+"."+b.Route], b.ReceivedAt, b.ProofDue, "the submission", b.Calendar)
			of("nomination.lapse", b.ProofDue, rule, cmp.Or(d.Zone, b.Deadline.Zone))
		}
	case application.DraftExpired, application.Withdrawn, application.Retracted:
		settled("")
	case application.NominationReceived, application.NominationLapsed, application.EligibilityConfirmed, application.EligibilityFailed:
		settled("nomination.lapse")
	case application.OfferMade:
		of("offer.lapse", b.ReplyBy, d.rule(d.Reply, e.Envelope.RecordedAt, b.ReplyBy, "the offer", b.Calendar), b.Zone)
	case application.OfferAccepted, application.OfferDeclined, application.OfferLapsed:
		settled("")
	case match.Made:
		_, id, _ := strings.Cut(e.Stream, "-")
		cycle, name, _ := strings.Cut(id, ".")
		clock("contact.mark_overdue", b.ContactDue, d.rule(d.Contact, e.Envelope.RecordedAt, b.ContactDue, "the match", b.Calendar), d.Zone)
		t.About, t.Args = b.Mentee, args("cycle", cycle, "match", name)
	case match.ContactMade, match.ContactOverdue, match.SessionHeld, match.Unwound, match.Completed, match.Ended:
		settled("")
	case policy.Parked:
		*t = Item{
			Kind: "policy", Words: Doer(b.Policy) + stands(clockWords[b.Command]) + Fault(b.Fault), Command: retry, Args: args("policy", b.Policy, "stream", b.Stream, "event", b.Event),
			Cycle: e.Cycle, Stream: b.Stream, Role: "coordinator", Since: e.Envelope.RecordedAt,
		}
	case policy.Retried, policy.Skipped, policy.Repaired:
		settled("")
	}
	return nil
}

// stands says before what a policy stands still, where that is known.
func stands(before string) string {
	if before == "" {
		return " stands still: "
	}
	return " stands still before “" + before + "”: "
}

// before says of parked policies what each stands still before, in the event's
// own words, and how many events of the same stream lie behind that.
func (v *Views) before(ctx context.Context, list []Item) error {
	for i := range list {
		var at struct{ Stream, Event string }
		if list[i].Command != retry {
			continue
		}
		if err := json.Unmarshal(list[i].Args, &at); err != nil {
			return err
		}
		behind, words := -1, ""
		for r, err := range v.store.ReadStream(ctx, at.Stream, eventstore.ReadStream{}) {
			if errors.Is(err, eventstore.ErrStreamNotFound) || errors.Is(err, eventstore.ErrStreamDeleted) {
				break
			} else if err != nil {
				return err
			}
			if r.Position.Compare(v.Position()) > 0 { // of a past moment
				break
			}
			if behind >= 0 {
				behind++
			}
			if r.ID.String() == at.Event {
				env, _ := schema.DecodeEnvelope(r.Metadata) // as far as it can be read
				behind, env.Name = 0, r.Name
				words, _, _ = Sentence(Event{Envelope: env, Data: r.Data})
			}
		}
		if behind < 0 {
			continue
		}
		list[i].Words = strings.Replace(list[i].Words, stands(""), stands(words), 1)
		if behind > 0 {
			list[i].Words += fmt.Sprintf("; %s of the same stream may wait behind it", plural(behind, "later event"))
		}
	}
	return nil
}

// retry is what marks a parked policy in the table.
const retry = "policy.retry"

var clockWords = map[string]string{
	"call.close":           "the call closes",
	"draft.expire":         "the unsent draft expires",
	"nomination.lapse":     "the nomination lapses unless it is confirmed",
	"offer.lapse":          "the offer lapses unless it is answered",
	"contact.mark_overdue": "first contact is overdue unless it is made",
	"retention.expire":     "what is known about who applied is to be erased",
	"task.remind":          "a reminder",
	"task.escalate":        "another role may take it up",
	"task.expire":          "nobody has to do it any more",
}

// expire is when somebody's draft does: a permit makes it later.
func (c *queueCall) expire(p domain.Person) time.Time {
	if until := c.Permits[p].Until; !c.Expire.IsZero() && until.After(c.Expire) {
		return until
	}
	return c.Expire
}

// rule is by which somebody's draft expires.
func (c *queueCall) rule(p domain.Person) string {
	if !c.Expire.IsZero() && c.expire(p).After(c.Expire) {
		return "when the permit to submit later ends"
	}
	return c.Rule
}

func applyQueueCall(tx *Tx, e *Event) error {
	_, key, _ := strings.Cut(e.Stream, "-") // "<cycle>.<call>"
	_, name, _ := strings.Cut(key, ".")
	c, err := change[queueCall](tx, "queue_call", key)
	if err != nil {
		return err
	}
	t, err := change[Item](tx, "queue", e.Stream)
	if err != nil {
		return err
	}
	c.Cycle, c.Call = e.Cycle, name
	closes := func(d when.Deadline) {
		c.Instant = d.Instant
		*t = Item{
			Kind: "clock", Words: clockWords["call.close"], Command: "call.close", Args: args("cycle", e.Cycle, "call", name),
			Cycle: e.Cycle, Call: name, Stream: e.Stream, Role: "clock", Due: d.Instant, Rule: d.Words(), Zone: d.Zone,
		}
	}
	switch b := e.Body.(type) {
	case call.Opened:
		closes(b.Deadline)
		return expireDrafts(tx, c, key)
	case call.DeadlineExtended:
		closes(b.Now)
		return dateTasks(tx, c, key)
	case call.PermitGranted:
		if c.Permits == nil {
			c.Permits = map[domain.Person]queuePermit{}
		}
		c.Permits[b.Person] = queuePermit{b.Until, b.Local, b.Zone}
		if c.Closed {
			return dateDrafts(tx, c, key)
		}
	case call.Closed:
		t.Command, c.Closed = "", true
		return expireDrafts(tx, c, key)
	}
	return nil
}

// moveQueue dates anew what the definition dates and nobody was told: when the
// drafts of closed calls expire.
func moveQueue(tx *Tx, id string, to domain.Digest) error {
	pinned, err := change[queueCycle](tx, "queue_cycle", id)
	if err != nil {
		return err
	}
	pinned.Definition = to
	keys, err := keysOf(tx, "queue_call", func(c *queueCall) bool { return c.Cycle == id }, "cycle IN (?)", id)
	if err != nil {
		return err
	}
	for _, key := range keys {
		c, err := change[queueCall](tx, "queue_call", key)
		if err != nil {
			return err
		}
		if err := expireDrafts(tx, c, key); err != nil {
			return err
		}
	}
	return nil
}

// expireDrafts sets by which rule the drafts of a call expire and, once it is
// closed, when.
func expireDrafts(tx *Tx, c *queueCall, key string) error {
	pinned, err := look[queueCycle](tx, "queue_cycle", c.Cycle)
	if err != nil {
		return err
	}
	d, err := look[queueDefinition](tx, "queue_definition", string(pinned.Definition))
	if err != nil {
		return err
	}
	last := d.Last[c.Call]
	due, err := last.From(c.Instant, d.Zone, d.Calendar)
	if err != nil { // the definition was checked, so it isn't there: a log that begins in the middle
		return nil
	}
	c.Rule, c.Zone = d.rule(last, c.Instant, due, "the deadline", d.Calendar.Words()), d.Zone
	if c.Closed {
		c.Expire = due.UTC()
	}
	return dateDrafts(tx, c, key)
}

// dateDrafts sets when, and by which rule, the drafts of a call expire.
func dateDrafts(tx *Tx, c *queueCall, key string) error {
	cycle, name, _ := strings.Cut(key, ".")
	isDraft := func(t *Item) bool { return t.Command == "draft.expire" && t.Call == name && t.Cycle == cycle }
	drafts, err := keysOf(tx, "queue", isDraft, "cycle IN (?) AND phase IN (?)", key, "draft.expire")
	if err != nil {
		return err
	}
	for _, stream := range drafts {
		t, err := change[Item](tx, "queue", stream)
		if err != nil {
			return err
		}
		if isDraft(t) {
			t.Due, t.Rule, t.Zone = c.expire(t.About), c.rule(t.About), c.Zone
		}
	}
	return nil
}

// keysOf lists the rows of a table that these columns find, and those that were
// changed and are meant: the table doesn't have those yet. Some come twice. The
// columns are said by IN of one, because SQLite plans a statement anew for every
// value that it compares by = when the rows are to be ordered.
func keysOf[R row](tx *Tx, table string, meant func(R) bool, columns string, values ...any) (keys []string, err error) {
	for _, c := range tx.dirty[table] {
		if meant(c.row.(R)) {
			keys = append(keys, c.key)
		}
	}
	return keys, query(tx.conn, "SELECT key FROM "+table+" WHERE "+columns+" ORDER BY key", func(stmt *sqlite.Stmt) error {
		keys = append(keys, stmt.ColumnText(0))
		return nil
	}, values...)
}

// args is a command's arguments as JSON: names and texts, in pairs.
func args(pairs ...any) json.RawMessage {
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		value, err := json.Marshal(pairs[i+1])
		if err != nil {
			panic(err) // texts and numbers always marshal
		}
		fmt.Fprintf(&b, ",%q:%s", pairs[i], value)
	}
	return json.RawMessage("{" + strings.TrimPrefix(b.String(), ",") + "}")
}

// Due lists what the clock has to do by now, the longest due first; limit 0
// means all.
func (v *Views) Due(ctx context.Context, now time.Time, limit int) (list []DueItem, err error) {
	err = v.ask(ctx, func(conn *sqlite.Conn) error {
		tasks, err := bodies[Item](conn, "SELECT body FROM queue WHERE due <= ? ORDER BY due, key LIMIT ?", now.UnixMicro(), cmp.Or(max(limit, 0), -1))
		for _, t := range tasks {
			if !t.Due.After(now) { // the column is cut to the microsecond
				list = append(list, DueItem{t.Command, t.Args, t.Due, t.Round})
			}
		}
		return err
	})
	return list, err
}

// Next is when the clock has to do something next, due or not; false when
// nothing is awaited.
func (v *Views) Next(ctx context.Context) (next time.Time, ok bool, err error) {
	err = v.ask(ctx, func(conn *sqlite.Conn) error {
		tasks, err := bodies[Item](conn, "SELECT body FROM queue WHERE due IS NOT NULL ORDER BY due, key LIMIT 1")
		if err == nil && len(tasks) > 0 {
			next, ok = tasks[0].Due, true
		}
		return err
	})
	return next, ok, err
}

// Timers opens what the clock asks alone, the queue, in memory: for who asks
// after each event, and need not wait for the other read models.
func Timers(store eventstore.Store) (*Views, error) { return open("", store, []Projection{queue}) }

// Times tells whether events of a name may change what the clock asks.
func Times(name string) bool { return slices.Contains(queue.Names, name) }

// Parked lists the policies that stand still and wait for somebody, those that
// have waited longest first.
func (v *Views) Parked(ctx context.Context) (list []Item, err error) {
	err = v.ask(ctx, func(conn *sqlite.Conn) error {
		list, err = bodies[Item](conn, "SELECT body FROM queue WHERE phase = ? ORDER BY key", retry)
		return err
	})
	if err == nil {
		err = v.before(ctx, list)
	}
	slices.SortStableFunc(list, func(a, b Item) int { return a.Since.Compare(b.Since) })
	return list, err
}

// Queue lists everything that is open in a cycle, for the clock and for
// people: what has a time first, in its order. A parked policy that is no one
// cycle's is everybody's. Sessions are to be recorded
// once they have begun, by now. When the cycle is closed nobody has to do
// anything more but about its mail and about what is kept of people; the clock
// still does what it must.
func (v *Views) Queue(ctx context.Context, id string, now time.Time) (list []Item, err error) {
	err = v.ask(ctx, func(conn *sqlite.Conn) error {
		c, err := findCycle(conn, id)
		if err != nil {
			return err
		}
		// A cycle whose definition isn't there waits for no reviews.
		d, _ := findDefinition(conn, c.Definition)
		if list, err = bodies[Item](conn, "SELECT body FROM queue WHERE cycle = ?1 OR cycle LIKE ?1 || '.%' OR cycle = '' AND phase = ?2 ORDER BY due, key", id, retry); err != nil {
			return err
		}
		if err := elsewhere(conn, list); err != nil {
			return err
		}
		messages, err := messagesOf(conn, id)
		for _, m := range messages {
			list = append(list, m.items()...)
		}
		list = append(list, stuck(messages, now)...)
		if err != nil || !c.ClosedAt.IsZero() {
			return err
		}
		list = append(list, c.doubts(d)...)
		permits, err := bodies[queueCall](conn, "SELECT body FROM queue_call WHERE cycle = ? ORDER BY key", id)
		if err != nil {
			return err
		}
		list = append(list, c.shifted(permits, now)...)
		applications, err := applicationsOf(conn, id)
		if err != nil {
			return err
		}
		for _, a := range applications {
			list = append(list, a.items(d)...)
			list = append(list, a.shifted(now)...)
		}
		matches, err := matchesOf(conn, id)
		for _, m := range matches {
			list = append(list, m.items(now)...)
			list = append(list, m.shifted(now)...)
		}
		if err != nil {
			return err
		}
		gathered, err := gatheringsOf(conn, id)
		if err != nil {
			return err
		}
		for _, g := range gathered {
			list = append(list, g.items(now)...)
		}
		all, err := tasksOf(conn, id)
		list = timers(list, all)
		at := placed(list)
		for _, t := range all {
			if t.Phase == tasks.Waiting {
				list = t.join(list, at, now)
			}
			list = append(list, t.shifted(now)...)
		}
		return err
	})
	if err == nil {
		err = v.before(ctx, list)
	}
	slices.SortStableFunc(list, func(a, b Item) int {
		if a.Due.IsZero() != b.Due.IsZero() {
			return cmp.Compare(b.Due.Unix(), a.Due.Unix()) // no time comes last
		}
		return a.Due.Compare(b.Due)
	})
	return list, err
}

// items are what people have to do about an application.
func (a Application) items(d programme.Definition) (list []Item) {
	key := []any{"cycle", a.Cycle, "call", a.Call, "person", string(a.Person)}
	add := func(t Item, more ...any) {
		t.Cycle, t.Call, t.About, t.Args = a.Cycle, a.Call, a.Person, args(append(slices.Clone(key), more...)...)
		if t.Stream == "" {
			t.Stream = "application-" + a.Key
		}
		list = append(list, t)
	}
	who := token(a.Person)
	switch a.Phase {
	case application.Submitted:
		switch n := a.Nomination; {
		case n.Due.IsZero() || n.Proof != "":
			add(Item{Kind: "eligibility", Words: "check whether " + who + " is eligible", Command: "eligibility.confirm", Role: "coordinator"})
		case !n.LapsedAt.IsZero():
			add(Item{Kind: "eligibility", Words: "the nomination of " + who + " has lapsed: decide on eligibility", Command: "eligibility.fail", Role: "coordinator"})
		default:
			add(Item{Kind: "nomination", Words: "the nomination of " + who + " is to be confirmed by " + organised(n.Organisation), Command: "nomination.receive", Role: "coordinator", Due: n.Due})
		}
	case application.Eligible:
		asked, counted := 0, 0
		for _, r := range a.Reviews {
			switch {
			case !r.RecusedAt.IsZero():
			case r.Counts():
				asked, counted = asked+1, counted+1
			default:
				asked++
				add(Item{Kind: "review", Words: "review the application of " + who, Command: "review.record", Role: "reviewer", Person: r.Reviewer, Stream: "review-" + a.Key})
			}
		}
		if need := d.Review.PerApplication; asked < need {
			add(Item{Kind: "assign", Words: fmt.Sprintf("find reviewers for %s (%d of %d)", who, asked, need), Command: "review.assign", Role: "coordinator", Stream: "review-" + a.Key})
		} else if counted >= need {
			add(Item{Kind: "shortlist", Words: "shortlist " + who + " or pass over", Command: "application.shortlist", Role: "panel"})
		}
	case application.OnShortlist:
		add(Item{Kind: "select", Words: "select, reserve or decline " + who, Command: "application.select", Role: "panel"})
	case application.Chosen:
		add(Item{Kind: "place", Words: "reserve a place for " + who, Command: "place.reserve", Role: "coordinator"})
	case application.Offered:
		add(Item{Kind: "offer", Words: who + " is to answer the offer", Command: "offer.accept", Role: "applicant", Person: a.Person, Due: a.Offer.ReplyBy, Zone: a.Offer.Zone})
	}
	return list
}

// items are what people have to do about a match.
func (m Match) items(now time.Time) (list []Item) {
	key := []any{"cycle", m.Cycle, "match", m.Match}
	person := map[string]domain.Person{match.Mentee: m.Mentee, match.Mentor: m.Mentor}
	add := func(t Item, more ...any) {
		t.Cycle, t.Stream, t.Args, t.Person = m.Cycle, m.Stream, args(append(slices.Clone(key), more...)...), person[t.Role]
		t.Words = "match " + m.Match + ": " + t.Words
		list = append(list, t)
	}
	sides := []string{match.Mentee, match.Mentor}
	for _, side := range sides {
		switch {
		case m.Phase == match.Proposal && !hasSigned(m.Accepted, side):
			add(Item{Kind: "acceptance", Words: "accept or decline the match", Command: "match.accept", Role: side}, "side", side)
		case m.Phase == match.Active && !hasSigned(m.Signed, side):
			add(Item{Kind: "agreement", Words: "sign the agreement", Command: "agreement.sign", Role: side}, "side", side, "version", m.Agreement)
		}
	}
	if m.Phase == match.Active && m.ContactAt.IsZero() && !m.Met {
		add(Item{Kind: "contact", Words: "make first contact", Command: "contact.make", Role: match.Mentee, Due: m.ContactDue, Zone: m.Zone}, "side", match.Mentee)
	}
	for _, s := range m.Sessions {
		switch {
		case s.Status != "scheduled":
		case m.Phase.Over() && !s.Slot.Start.Before(m.OverAt):
			add(Item{Kind: "session", Words: fmt.Sprintf("it is over: cancel session %d", s.Session), Command: "session.cancel", Role: "coordinator"}, "session", s.Session)
		case !s.Slot.Start.After(now):
			add(Item{Kind: "session", Words: fmt.Sprintf("record session %d", s.Session), Command: "session.hold", Role: match.Mentor, Due: s.Slot.Start, Zone: s.Slot.Zone}, "session", s.Session)
		}
	}
	if m.Phase == match.Proposal || m.Phase == match.Off {
		return list
	}
	for _, side := range sides {
		for _, n := range m.ReflectionsOpen(side) {
			add(Item{Kind: "reflection", Words: fmt.Sprintf("reflect on session %d", n), Command: "reflection.file", Role: side}, "side", side, "kind", "session", "session", n)
		}
		if slices.Contains(m.Reflect.Final, side) && !m.FinalFiled(side) && m.Phase == match.Active && m.Conforming >= m.Rule.ConformingSessions {
			add(Item{Kind: "reflection", Words: "file the final reflection", Command: "reflection.file", Role: side}, "side", side, "kind", "final")
		}
	}
	if m.Phase == match.Active && m.Unmet() == "" {
		add(Item{Kind: "completion", Words: "the completion rule is met", Command: "match.complete", Role: "coordinator"})
	}
	return list
}
