package workflows

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/daybook-engine/daybook/domain/access"
	"github.com/daybook-engine/daybook/domain/cycle"
	instance "github.com/daybook-engine/daybook/domain/policy"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/eventstore"
)

// Replayed is what came of running the policies over a log once more.
type Replayed struct {
	Policies   int         `json:"policies"`
	Events     int         `json:"events"`               // that were answered as recorded
	Commands   int         `json:"commands"`             // that they were answered with
	Without    int         `json:"without_events"`       // those of them that left nothing: refused, or already so
	Unanswered int         `json:"unanswered,omitempty"` // events at the end that policies have not come to yet
	Lacking    []string    `json:"lacking,omitempty"`    // fields that answers would have now, and were recorded without: "offer.made told"
	Divergence *Divergence `json:"divergence,omitempty"`
}

// A Divergence is an event that a policy would answer otherwise than it did.
type Divergence struct {
	Position eventstore.Position `json:"position"`
	Stream   string              `json:"stream"`
	Event    string              `json:"event"`
	ID       uuid.UUID           `json:"id"`
	Policy   string              `json:"policy"`
	Now      []Decision          `json:"decided_now"`
	Then     []Outcome           `json:"recorded_then"`
}

// A Decision is a command of a policy's, and what comes of it.
type Decision struct {
	Command string          `json:"command"`
	With    json.RawMessage `json:"with"`
	Refused string          `json:"refused,omitempty"`
	Events  []Outcome       `json:"events"`
}

// An Outcome is an event that a policy's command leaves. Its id follows from
// its cause, the policy, and the command with its stream and fields.
type Outcome struct {
	Stream string          `json:"stream"`
	Name   string          `json:"name"`
	ID     uuid.UUID       `json:"id"`
	Data   json.RawMessage `json:"data"`
}

func (d Divergence) String() string {
	now := make([]string, len(d.Now))
	for i, n := range d.Now {
		now[i] = n.Command + " " + string(n.With)
		switch {
		case len(n.Events) > 0:
			now[i] += ", which leaves " + words(n.Events)
		case n.Refused == "":
			now[i] += ", which is already so"
		}
		if n.Refused != "" {
			now[i] += ", refused: " + n.Refused
		}
	}
	if len(now) == 0 {
		now = []string{"nothing"}
	}
	return fmt.Sprintf("%s at position %s (%s, id %s): policy %s decides now: %s; recorded then: %s",
		d.Event, d.Position, d.Stream, d.ID, d.Policy, strings.Join(now, "; "), words(d.Then))
}

func words(list []Outcome) string {
	if len(list) == 0 {
		return "nothing"
	}
	said := make([]string, len(list))
	for i, o := range list {
		said[i] = fmt.Sprintf("%s %s in %s", o.Name, o.Data, o.Stream)
	}
	return strings.Join(said, ", ")
}

func outcomes(events []eventstore.Recorded) []Outcome {
	list := make([]Outcome, len(events))
	for i, e := range events {
		list[i] = Outcome{e.Stream, e.Name, e.ID, e.Data}
	}
	return list
}

// Replay lets the policies answer a recorded log once more, up to the first
// event that one of them answers otherwise. Nothing comes of it: there is only
// the log to read. answered is how far the policies have come, or zero where
// that is not known.
//
// A command is decided on the log as it was when it was first decided. Where it
// left events, that is known to be just before them, give or take what others
// kept at the same time. Where it left none, refused or already so, the log
// says only that it was decided after its event, and before the first answer to
// a later one, because policies answer in order: it was so if at one moment in
// between it leaves nothing, and else it was never decided.
func Replay(ctx context.Context, log Log, answered eventstore.Place) (Replayed, error) {
	return replay(ctx, log, answered, slices.Concat(policies, later), later)
}

func replay(ctx context.Context, log Log, answered eventstore.Place, list, later []policy) (Replayed, error) {
	x := &replayer{past: rewind(log, Config{})} // policies name people by id: no vault is asked
	if err := x.index(ctx, answered); err != nil {
		return Replayed{}, err
	}
	starts, err := startsOf(ctx, log)
	if err != nil {
		return Replayed{}, err
	}
	x.starts = starts
	for _, p := range later {
		if _, ok := starts[p.name]; !ok && len(x.events) > 0 { // it has yet to begin
			starts[p.name] = x.events[len(x.events)-1].position
		}
	}
	x.done.Policies = len(list)
	n := 0
	for r, err := range log.ReadAll(ctx, eventstore.ReadAll{}) {
		if err != nil {
			return x.done, fmt.Errorf("replay: %w", err)
		}
		if n == len(x.events) || x.done.Divergence != nil {
			break // it may have grown meanwhile
		}
		if err := x.answer(ctx, n, r, list); err != nil {
			return x.done, fmt.Errorf("replay, position %s: %w", r.Position, err)
		}
		n++
	}
	return x.done, nil
}

// A replayer holds some hundred bytes for each event, so that it can turn to
// any moment of the log.
type replayer struct {
	*past
	at      int // how many events there are in it
	events  []moment
	come    int                    // how many of them the policies have come to, where that is known
	answers map[uuid.UUID][]answer // of policies, by the event that they answer
	starts  map[string]eventstore.Position
	parked  map[string]instance.State // by the instance's stream, all told
	halted  map[string]instance.State // the same, without what people decided and policies have not come to yet
	waiting map[string]bool           // the instances that stand still before the event that is looked at
	done    Replayed
}

// A moment is when an event was recorded.
type moment struct {
	id       uuid.UUID
	stream   string
	position eventstore.Position
	recorded time.Time
	passed   int // how many events there were at most when the policies had answered this one; 0 when they may not have
}

// An answer is an event that a policy's command left.
type answer struct {
	eventstore.Recorded
	at      int // events before it
	policy  string
	command string
}

func (x *replayer) index(ctx context.Context, answered eventstore.Place) error {
	x.answers, x.parked, x.halted, x.waiting = map[uuid.UUID][]answer{}, map[string]instance.State{}, map[string]instance.State{}, map[string]bool{}
	for r, err := range x.Log.ReadAll(ctx, eventstore.ReadAll{}) {
		if err != nil {
			return fmt.Errorf("replay: %w", err)
		}
		env, err := schema.DecodeEnvelope(r.Metadata)
		if err != nil {
			return fmt.Errorf("replay, position %s: %w", r.Position, err)
		}
		if strings.HasPrefix(r.Name, "policy.") { // it is about their answers, and none
			body, err := schema.Decode(r.Name, r.Data)
			if err != nil {
				return fmt.Errorf("replay, position %s: %w", r.Position, err)
			}
			if e, ok := body.(instance.Event); ok {
				x.parked[r.Stream] = x.parked[r.Stream].Apply(e)
				if _, parks := e.(instance.Parked); parks || x.come == 0 {
					x.halted[r.Stream] = x.halted[r.Stream].Apply(e)
				}
			}
		} else if env.Role == string(access.Policy) {
			cause, err := uuid.Parse(env.Causation)
			if err != nil {
				return fmt.Errorf("replay, position %s: causation: %w", r.Position, err)
			}
			x.answers[cause] = append(x.answers[cause], answer{r, len(x.events), env.Actor, env.CommandID})
		}
		x.events = append(x.events, moment{id: r.ID, stream: r.Stream, position: r.Position, recorded: env.RecordedAt})
		if eventstore.PlaceOf(r) == answered {
			x.come = len(x.events)
		}
	}
	later := 0 // where the first answer to a later event lies
	for i := len(x.events) - 1; i >= 0; i-- {
		e := &x.events[i]
		if e.passed = later; later == 0 && i < x.come {
			e.passed = len(x.events)
		}
		if a := x.answers[e.id]; len(a) > 0 && (later == 0 || a[0].at < later) {
			later = a[0].at
		}
	}
	return nil
}

// answer lets the policies answer an event that has n before it.
func (x *replayer) answer(ctx context.Context, n int, r eventstore.Recorded, list []policy) error {
	env, err := schema.DecodeEnvelope(r.Metadata)
	if err != nil {
		return err
	}
	if !schema.Knows(r.Name) {
		return fmt.Errorf("%w %q", schema.ErrUnknown, r.Name)
	}
	if env.Role == string(access.Policy) && !strings.HasPrefix(r.Name, "policy.") && x.answers[uuid.MustParse(env.Causation)] != nil {
		return fmt.Errorf("it answers %s, which does not lie before it", env.Causation)
	}
	all := x.answers[r.ID]
	delete(x.answers, r.ID)
	for _, p := range list {
		if !p.answers(r.Name) {
			continue
		}
		var own []answer
		all = slices.DeleteFunc(all, func(a answer) bool {
			if a.policy == p.name {
				own = append(own, a)
			}
			return a.policy == p.name
		})
		passed := x.events[n].passed
		stream := instance.ID{Policy: p.name, Of: r.Stream}.Stream()
		s := x.parked[stream]
		waits := x.halted[stream].Parked() == r.ID.String()
		x.waiting[stream] = x.waiting[stream] || waits
		if _, _, ok := s.Repaired(r.ID.String()); ok { // what the policy had done before it failed is left to who did the rest
			own = slices.DeleteFunc(own, func(a answer) bool { return a.command != p.repair(r.ID, s).String() })
		}
		switch {
		case s.Skipped(r.ID.String()), len(own) == 0 && (x.waiting[stream] || x.starts[p.name].Compare(r.Position) >= 0):
			continue // by a person's leave, not yet, or never
		case len(own) > 0:
			passed = own[0].at
		case s.Times() > 0: // it may have waited, and been answered at any time since
			passed = x.come
		}
		if passed == 0 {
			continue
		}
		c := &cause{Recorded: r, env: env, policy: p, stands: s, waits: waits, answers: own}
		if err := x.compare(ctx, c, n+1, passed); err != nil || x.done.Divergence != nil {
			return err
		}
	}
	if len(all) > 0 {
		gone := cause{Recorded: r, policy: policy{name: all[0].policy}, answers: all}
		x.done.Divergence = gone.divergence([]Decision{})
		return nil
	}
	if x.events[n].passed == 0 {
		x.done.Unanswered++
	} else {
		x.done.Events++
	}
	return nil
}

// A cause is an event that a policy answered.
type cause struct {
	eventstore.Recorded
	env     schema.Envelope
	policy  policy
	stands  instance.State
	waits   bool // the policy stands still there: it may have answered a part
	answers []answer
}

func (c *cause) divergence(now []Decision) *Divergence {
	then := make([]eventstore.Recorded, len(c.answers))
	for i, a := range c.answers {
		then[i] = a.Recorded
	}
	return &Divergence{c.Position, c.Stream, c.Name, c.ID, c.policy.name, now, outcomes(then)}
}

// compare looks for a moment at which a policy decides what is recorded, first
// where that is to be expected, then wherever the policy can have been.
func (x *replayer) compare(ctx context.Context, c *cause, from, to int) error {
	expected := to
	if len(c.answers) == 0 {
		expected = min(max(from, x.at), to)
	}
	first, same, err := x.decide(ctx, c, expected)
	now := first
	for n := from; err == nil && !same && n <= to; n++ {
		if n != expected {
			now, same, err = x.decide(ctx, c, n)
		}
	}
	switch {
	case err != nil:
		return fmt.Errorf("policy %s: %w", c.policy.name, err)
	case !same:
		x.done.Divergence = c.divergence(first)
		return nil
	}
	x.done.Commands += len(now)
	for _, d := range now {
		if len(d.Events) == 0 {
			x.done.Without++
		}
	}
	return nil
}

// decide lets a policy decide on the first n events, and tells whether it is
// what is recorded.
func (x *replayer) decide(ctx context.Context, c *cause, n int) (now []Decision, same bool, err error) {
	x.turn(n, x.events[n-1].recorded)
	x.engine.see(c.env.RecordedAt)
	orders, _, err := x.engine.ordered(ctx, c.policy, c.Recorded, c.stands)
	if err != nil {
		return nil, false, err
	}
	now, same = []Decision{}, true // an empty array in JSON, not null
	left := len(c.answers)
	for i, o := range orders {
		var then []answer
		for _, a := range c.answers {
			if a.command == o.cause.CommandID.String() {
				then = append(then, a)
			}
		}
		if c.waits && len(then) == 0 {
			continue
		}
		if len(then) > 0 {
			at := x.at
			if i > 0 { // its own moment: what went before it was kept, too
				at = max(at, then[0].at)
			}
			x.turn(at, x.events[then[0].at].recorded)
		}
		d := Decision{Command: o.command}
		if d.With, err = json.Marshal(o.fields); err != nil {
			return nil, false, err
		}
		refused, err := x.engine.order(ctx, o.order, o.cause)
		if err != nil {
			return nil, false, err
		}
		if refused != nil {
			d.Refused = refused.Code
		}
		events := x.undo()
		d.Events = outcomes(events)
		for i := range events { // the first Daybooks named events by the command's id alone
			if i < len(then) && then[i].ID == uuid.NewSHA1(o.cause.CommandID, fmt.Append(nil, i)) {
				events[i].ID = then[i].ID
			}
		}
		same = same && slices.EqualFunc(events, then, func(e eventstore.Recorded, a answer) bool {
			return e.ID == a.ID && e.Name == a.Name && (bytes.Equal(e.Data, a.Data) || x.older(e, a.Data))
		})
		left -= len(then)
		now = append(now, d)
	}
	return now, same && left == 0, nil
}

// since lists the fields of answers that the first Daybooks did not keep yet.
var since = []string{"digest.queued at", "figures.sealed after", "match.made made", "match.made told", "match.made unsure", "offer.made told", "offer.made unsure"}

// older tells whether an event is as an older Daybook recorded it: what it kept is
// the same, as far as today's form can say it. What it did not keep yet is told,
// and no divergence: fields, and figures of measures that there were not.
func (x *replayer) older(e eventstore.Recorded, then []byte) bool {
	var is, was, read map[string]json.RawMessage
	event, err := schema.Decode(e.Name, then)
	if err != nil {
		return false
	}
	_, again, err := schema.Encode(event)
	if err != nil || json.Unmarshal(e.Data, &is) != nil || json.Unmarshal(then, &was) != nil || json.Unmarshal(again, &read) != nil {
		return false
	}
	var lacking []string
	for name := range was {
		switch value, ok := read[name]; {
		case !ok || bytes.Equal(is[name], value):
		case e.Name == "figures.sealed" && name == "figures" && fewer(value, is[name]):
			lacking = append(lacking, "figures.sealed figures")
		default:
			return false
		}
	}
	for name := range is {
		if was[name] != nil {
			continue
		}
		if !slices.Contains(since, e.Name+" "+name) {
			return false
		}
		lacking = append(lacking, e.Name+" "+name)
	}
	x.done.Lacking = append(x.done.Lacking, lacking...)
	slices.Sort(x.done.Lacking)
	x.done.Lacking = slices.Compact(x.done.Lacking)
	return true
}

// fewer tells whether the figures of one list are all in another.
func fewer(a, b []byte) bool {
	var few, all []cycle.Figure
	return json.Unmarshal(a, &few) == nil && json.Unmarshal(b, &all) == nil &&
		!slices.ContainsFunc(few, func(f cycle.Figure) bool { return !slices.Contains(all, f) })
}

// turn goes to the moment when there were n events, and the time was now. The
// way back is a new beginning: what an engine remembers is never undone.
func (x *replayer) turn(n int, now time.Time) {
	if n < x.at || now.Before(x.engine.Latest()) {
		x.past, x.at = rewind(x.Log, Config{}), n-1
	}
	for ; x.at < n; x.at++ {
		x.pass(x.events[x.at].stream, x.events[x.at].position)
	}
	x.now = now
}
