package workflows

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/access"
	"github.com/daybook-engine/daybook/domain/allocation"
	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/domain/call"
	"github.com/daybook-engine/daybook/domain/cycle"
	"github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/domain/measure"
	instance "github.com/daybook-engine/daybook/domain/policy"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/retention"
	"github.com/daybook-engine/daybook/domain/review"
	"github.com/daybook-engine/daybook/domain/schema"
	tasks "github.com/daybook-engine/daybook/domain/task"
	"github.com/daybook-engine/daybook/domain/when"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/workflows/definition"
)

// A Move is what moving a cycle to another version of its definition changes,
// in words. People in them are tokens, {person:<id>}.
//
// A cycle is at rest when nothing is in the way: nothing has fallen due that
// was not done; policies have answered everything about the cycle; nobody is
// asked something (an offer, a proposal) on terms that the new version changes;
// no application is being reviewed by criteria that it changes; and it is
// published, and has every call that was opened, in the same zone.
type Move struct {
	Cycle    string        `json:"cycle"`
	From     domain.Digest `json:"from"`
	To       domain.Digest `json:"to"`
	Changes  []string      `json:"changes"` // of the definition
	Effects  []string      `json:"effects"` // on this cycle
	InTheWay []string      `json:"in_the_way"`
	Listed   domain.Digest `json:"listed"` // SHA-256 of the changes and the effects
}

func (m Move) listing() cycle.Listing {
	return cycle.Listing{Listed: m.Listed, Changes: len(m.Changes), Effects: len(m.Effects)}
}

// DryRun tells what moving a cycle to d would change now. Nothing comes of it:
// there is only the log to read. A closed cycle does not move.
func DryRun(ctx context.Context, log Log, id string, d programme.Definition, now time.Time) (Move, error) {
	x, err := atHead(ctx, log, now)
	if err != nil {
		return Move{}, err
	}
	l := lookup{ctx, x.engine, false}
	c, err := fold[cycle.State](l, cycle.ID{Cycle: id}.Stream())
	if err != nil {
		return Move{}, err
	}
	old, plan, err := l.definition(id)
	switch {
	case err != nil:
		return Move{}, err
	case c.IsClosed():
		return Move{}, cycle.ErrClosed
	case d.Programme != plan.Programme:
		return Move{}, programme.ErrDefinition.Because(fmt.Sprintf("it is %s's, and the cycle is %s's", d.Programme, plan.Programme))
	}
	m := mover{lookup: l, past: x, door: x.engine, old: old, new: d, Move: Move{
		Cycle: id, From: plan.Definition, To: d.Hash(), Changes: definition.Diff(old, d), Effects: []string{}, InTheWay: []string{},
	}}
	if m.From != m.To {
		p, err := fold[programme.State](l, programme.ID{Programme: plan.Programme}.Stream())
		if err != nil {
			return Move{}, err
		}
		if _, _, ok := p.Version(m.To); !ok {
			m.inTheWay("this version is not published yet: publish it first, with definition.publish")
		}
		if err := m.look(); err != nil {
			return Move{}, fmt.Errorf("move %s: %w", id, err)
		}
	}
	sum := sha256.Sum256([]byte(strings.Join(slices.Concat(m.Changes, []string{""}, m.Effects), "\n")))
	m.Listed = domain.Digest(base64.RawURLEncoding.EncodeToString(sum[:]))
	return m.Move, nil
}

// atHead is a past that knows everything recorded, with an engine whose
// decisions go no further.
func atHead(ctx context.Context, log Log, now time.Time) (_ *past, err error) {
	x := rewind(log, Config{}) // who is named is named by id: no vault is asked
	for r, err := range log.ReadAll(ctx, eventstore.ReadAll{Backwards: true, Limit: 1}) {
		if err != nil {
			return nil, fmt.Errorf("read the head of the log: %w", err)
		}
		env, err := schema.DecodeEnvelope(r.Metadata)
		if err != nil {
			return nil, fmt.Errorf("head of the log, position %s: %w", r.Position, err)
		}
		if x.last = r.Position; env.RecordedAt.After(now) {
			now = env.RecordedAt
		}
	}
	x.now = now
	x.engine.starts, err = startsOf(ctx, log)
	return x, err
}

// A door takes commands. It is an interface, because among the commands is one
// that asks what others would bring about.
type door interface {
	order(ctx context.Context, o order, cause Cause) (*domain.Error, error)
}

// A mover looks through a cycle for what a move would change.
type mover struct {
	lookup
	*past
	door door
	Move
	old, new programme.Definition
	streams  []string             // of the cycle, as they began
	offered  map[string]time.Time // when an application's last offer was made
	drafts   map[string][]domain.Person
	waiting  map[string][]tasks.State // open, by their keys
	kept     map[string]int           // people whose time ends otherwise, by how
}

func (m *mover) effect(format string, args ...any) {
	m.Effects = append(m.Effects, fmt.Sprintf(format, args...))
}

func (m *mover) inTheWay(format string, args ...any) {
	m.InTheWay = append(m.InTheWay, fmt.Sprintf(format, args...))
}

// at is an instant as people of the cycle read it.
func (m *mover) at(t time.Time) string {
	zone, err := when.Zone(m.old.Zone)
	if err != nil {
		zone = time.UTC // a definition was checked before it was published
	}
	return t.In(zone).Format("Mon 2006-01-02 15:04 MST")
}

// who stands for a person's name.
func who(p domain.Person) string { return "{person:" + string(p) + "}" }

// unnamed is a line for an answer that names nobody.
func unnamed(line string) string {
	return strings.NewReplacer("{person:", "person ", "}", "").Replace(line)
}

func (m *mover) look() error {
	if m.new.Zone != m.old.Zone {
		m.inTheWay("the cycle's days are counted in %s, and the new version's in %s", m.old.Zone, m.new.Zone)
	}
	if err := m.unanswered(); err != nil {
		return err
	}
	m.drafts, m.waiting, m.kept = map[string][]domain.Person{}, map[string][]tasks.State{}, map[string]int{}
	for _, stream := range m.streams { // an application before its call may be looked at, so drafts come first
		if !strings.HasPrefix(stream, "application-") {
			continue
		}
		if err := m.application(stream); err != nil {
			return err
		}
	}
	for _, how := range slices.Sorted(maps.Keys(m.kept)) {
		m.effect("what is known about people is kept %s: %d", how, m.kept[how])
	}
	same := 0
	for _, stream := range m.streams {
		kind, id, _ := strings.Cut(stream, "-")
		var err error
		switch kind {
		case "call":
			_, name, _ := strings.Cut(id, ".")
			err = m.call(call.ID{Cycle: m.Cycle, Call: name})
		case "match":
			err = m.match(match.ParseStream(stream), &same)
		case "task":
			err = m.task(tasks.ID{Cycle: m.Cycle, Task: id})
		}
		if err != nil {
			return err
		}
	}
	if same > 0 {
		m.effect("%d open matches go on as they are: what they agreed is in the new version, too", same)
	}
	if err := m.tasks(); err != nil {
		return err
	}
	m.messages()
	return m.quotas()
}

// unanswered finds the cycle's streams, and what a policy would still do about
// the cycle. What policies did already they are answered as then; what came to
// nothing they may try again, as after the loss of their place in the log.
func (m *mover) unanswered() error {
	known := map[string]bool{}
	m.offered = map[string]time.Time{}
	for r, err := range m.ReadAll(m.ctx, eventstore.ReadAll{}) {
		if err != nil {
			return err
		}
		body, err := schema.Decode(r.Name, r.Data)
		if err != nil {
			return fmt.Errorf("position %s: %w", r.Position, err)
		}
		env, err := schema.DecodeEnvelope(r.Metadata)
		if err != nil {
			return fmt.Errorf("position %s: %w", r.Position, err)
		}
		if measure.BookOf(env.Book, "cycle") == m.Cycle && !known[r.Stream] {
			known[r.Stream] = true
			m.streams = append(m.streams, r.Stream)
		}
		if _, ok := body.(application.OfferMade); ok {
			m.offered[r.Stream] = env.RecordedAt
		}
		of := env.Cycle(r.Data)
		if of != "" && of != m.Cycle { // and so is what comes of it
			continue
		}
		for _, p := range m.past.engine.policies {
			if !p.answers(r.Name) {
				continue
			}
			stand, asked, err := m.past.engine.stands(m.ctx, p, r, m.past.last)
			if err != nil {
				return err
			}
			if stand.Parked() == r.ID.String() && of == m.Cycle {
				m.inTheWay("%s stands still at %s; see daybook policies", p.name, r.Name)
			}
			if !asked {
				continue
			}
			commands, fault, err := m.pending(p, r, stand)
			switch {
			case fault != "" && !isWhole(m.ctx, err):
				m.inTheWay("%s has not answered %s yet, and as things are it cannot", p.name, r.Name)
			case err != nil:
				return fmt.Errorf("policy %s at position %s: %w", p.name, r.Position, err)
			}
			for _, command := range commands {
				m.inTheWay("a policy has not answered %s yet, with %s", r.Name, command)
			}
		}
	}
	return nil
}

// pending lists the commands by which an instance would bring something about in
// the cycle, were it to answer an event now; else of which kind the fault is.
func (m *mover) pending(p policy, r eventstore.Recorded, s instance.State) (commands []string, fault string, err error) {
	defer m.undo()
	defer recovered(&fault, &err)
	orders, fault, err := m.past.engine.ordered(m.ctx, p, r, s)
	if err != nil {
		return nil, fault, err
	}
	for _, o := range orders {
		if _, err := m.door.order(m.ctx, o.order, o.cause); err != nil {
			return nil, faultCommand, err
		}
		left := m.undo()
		if slices.ContainsFunc(left, m.isOfCycle) {
			commands = append(commands, o.command)
		}
	}
	return commands, "", nil
}

// isOfCycle tells whether an event is in the cycle's book, or names the cycle.
func (m *mover) isOfCycle(r eventstore.Recorded) bool {
	env, err := schema.DecodeEnvelope(r.Metadata)
	return err == nil && env.Cycle(r.Data) == m.Cycle
}

// acts tells whether a command would leave an event.
func (m *mover) acts(command string, fields json.RawMessage, cause Cause) (bool, error) {
	_, err := m.door.order(m.ctx, order{command, fields}, cause)
	return len(m.undo()) > 0, err
}

// timers are the clock's commands, by what they are about.
var timers = map[string][]string{
	"call":        {"call.close"},
	"application": {"draft.expire", "nomination.lapse", "offer.lapse", "retention.expire"},
	"match":       {"contact.mark_overdue"},
	"task":        {"task.remind", "task.escalate", "task.expire"},
}

// due tells what has fallen due about something and is not done.
func (m *mover) due(kind string, id any, about string) error {
	fields, err := json.Marshal(id)
	if err != nil {
		return err
	}
	for _, command := range timers[kind] {
		acts, err := m.acts(command, fields, Cause{Actor: "clock", Role: access.Clock, Channel: "system"})
		if err != nil {
			return err
		}
		if acts {
			m.inTheWay("%s has fallen due for %s, and is not done yet", command, about)
		}
	}
	return nil
}

func (m *mover) application(stream string) error {
	s, err := fold[application.State](m.lookup, stream)
	if err != nil {
		return err
	}
	id := s.ID()
	if err := m.due("application", id, who(id.Person)); err != nil {
		return err
	}
	if err := m.retention(retention.ID(id)); err != nil {
		return err
	}
	switch s.Phase() {
	case application.Draft:
		m.drafts[id.Call] = append(m.drafts[id.Call], id.Person)
	case application.Offered:
		told := s.ReplyBy()
		now, err := m.new.Offer.ReplyWithin.From(m.offered[stream], m.new.Zone, m.new.Calendar)
		if m.new.Offer != (programme.Offer{}) && err == nil && now.Equal(told) {
			m.effect("the offer to %s stands until %s, as it was told", who(id.Person), m.at(told))
		} else {
			m.inTheWay("an offer waits for the answer of %s until %s, and the new version would have given another time", who(id.Person), m.at(told))
		}
	case application.Submitted:
		if due := s.ProofDue(); !due.IsZero() {
			m.effect("the nomination of %s is to be confirmed by %s, as it was told", who(id.Person), m.at(due))
		}
	case application.Eligible, application.OnShortlist:
		r, err := fold[review.State](m.lookup, review.ID(id).Stream())
		if err != nil {
			return err
		}
		was, is := m.old.Review, m.new.Review
		if len(r.Recorded()) > 0 && (was.MaxScore != is.MaxScore || !slices.Equal(was.Criteria, is.Criteria)) {
			m.inTheWay("%s is under review by criteria that the new version changes", who(id.Person))
		}
		if was.PerApplication != is.PerApplication {
			m.effect("a decision about %s rests on %d reviews, not on %d; there are %d", who(id.Person), is.PerApplication, was.PerApplication, len(r.Recorded()))
		}
	}
	return nil
}

// retention counts whom the new version keeps for another time than they are
// kept for now. Of whom people are asked, and still would be, nothing changes.
func (m *mover) retention(id retention.ID) error {
	if len(m.old.Retention)+len(m.new.Retention) == 0 {
		return nil
	}
	if erased, err := m.erased(id.Person); err != nil || erased {
		return err
	}
	var k retention.Kept
	if err := m.lookup.kept(id, &k); err != nil {
		return err
	}
	s, err := fold[retention.State](m.lookup, id.Stream())
	if err != nil {
		return err
	}
	_, was, asked := s.Until(k)
	k.Rules, k.Zone = m.new.Retention, m.new.Zone
	_, is, still := s.Until(k)
	words := func(t time.Time) string {
		if t.IsZero() {
			return "without end"
		}
		return "until " + m.at(t)
	}
	if !was.Equal(is) && !(asked && still) {
		m.kept[words(is)+", not "+words(was)]++
	}
	return nil
}

func (m *mover) call(id call.ID) error {
	s, err := fold[call.State](m.lookup, id.Stream())
	if err != nil {
		return err
	}
	if err := m.due("call", id, "the call for "+id.Call); err != nil {
		return err
	}
	was, _ := m.old.Call(id.Call)
	is, ok := m.new.Call(id.Call)
	if !ok {
		m.inTheWay("the call for %s was opened, and the new version has no such call", id.Call)
		return nil
	}
	deadline := s.Deadline()
	if !s.IsClosed() {
		m.effect("the deadline of %s stays as it was told: %s", id.Call, deadline.Words())
		if was.Form.Version != is.Form.Version {
			m.effect("who applies for %s from now on answers form %s, not %s; what was received stays as it is", id.Call, is.Form.Version, was.Form.Version)
		}
	}
	type change struct{ was, is time.Time }
	drafts := map[change]int{}
	for _, p := range m.drafts[id.Call] {
		var c change
		for _, side := range []struct {
			at   *time.Time
			last when.Offset
			d    programme.Definition
		}{{&c.was, was.DraftsLast, m.old}, {&c.is, is.DraftsLast, m.new}} {
			if *side.at, err = side.last.From(deadline.Instant, side.d.Zone, side.d.Calendar); err != nil {
				return err
			}
			if permit := s.Permit(p); permit.After(*side.at) {
				*side.at = permit
			}
		}
		drafts[change{c.was.UTC(), c.is.UTC()}]++
	}
	changes := make([]change, 0, len(drafts))
	for c := range drafts {
		changes = append(changes, c)
	}
	slices.SortFunc(changes, func(a, b change) int { return cmp.Or(a.is.Compare(b.is), a.was.Compare(b.was)) })
	for _, c := range changes {
		if c.was.Equal(c.is) {
			m.effect("unsent drafts for %s expire on %s, as before: %d", id.Call, m.at(c.is), drafts[c])
		} else {
			m.effect("unsent drafts for %s expire on %s, not on %s: %d", id.Call, m.at(c.is), m.at(c.was), drafts[c])
		}
	}
	return nil
}

func (m *mover) match(id match.ID, same *int) error {
	s, err := fold[match.State](m.lookup, id.Stream())
	if err != nil || s.Phase().Over() {
		return err
	}
	if err := m.due("match", id, "match "+id.Match); err != nil {
		return err
	}
	if due := s.ContactDue(); !due.IsZero() {
		m.effect("first contact of match %s is due on %s, as before", id.Match, m.at(due))
	}
	parts := differ(s.Terms(), terms(m.new))
	switch {
	case len(parts) == 0:
		*same++
	case s.Phase() == match.Proposal:
		m.inTheWay("match %s waits to be accepted on terms that the new version changes: %s", id.Match, strings.Join(parts, ", "))
	default:
		m.effect("match %s keeps the terms that it was agreed on, and its completion rule %s (%s): the new version has other %s",
			id.Match, s.Terms().Completion.Version, s.Terms().Completion.Words(), strings.Join(parts, ", "))
	}
	return nil
}

// differ names the parts in which a pair was told one thing and another would
// be told something else. By which holidays days were counted nobody is told.
func differ(a, b match.Terms) (parts []string) {
	for _, part := range []struct {
		name string
		a, b any
	}{
		{"sessions", a.Sessions, b.Sessions},
		{"reflections", a.Reflections, b.Reflections},
		{"completion", a.Completion, b.Completion},
		{"agreement", a.Agreement + string(a.Clauses), b.Agreement + string(b.Clauses)},
		{"first contact", a.FirstContact, b.FirstContact},
	} {
		x, errX := json.Marshal(part.a)
		y, errY := json.Marshal(part.b)
		if errX != nil || errY != nil || string(x) != string(y) {
			parts = append(parts, part.name)
		}
	}
	return parts
}

func (m *mover) task(id tasks.ID) error {
	s, err := fold[tasks.State](m.lookup, id.Stream())
	if err != nil || s.Phase != tasks.Waiting {
		return err
	}
	m.waiting[s.Opened.Key] = append(m.waiting[s.Opened.Key], s)
	return m.due("task", id, "task "+id.Task)
}

// tasks tells what becomes of tasks. One that is open is judged to its end by
// what it was opened with, also as to which events close it.
func (m *mover) tasks() error {
	var keys []string
	for _, t := range slices.Concat(m.old.Tasks, m.new.Tasks) {
		if !slices.Contains(keys, t.Task) {
			keys = append(keys, t.Task)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(m.waiting)) { // of an earlier version
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	for _, key := range keys {
		was, is := taskOf(m.old, key), taskOf(m.new, key)
		switch {
		case was.On != "" && is.On == "":
			m.effect("tasks %s are opened no more", key)
		case was.On != is.On:
			m.effect("tasks %s are opened only on %s that is to come", key, is.On)
		}
		if err := m.open(key, is); err != nil {
			return err
		}
	}
	return nil
}

// open tells of the open tasks of a key that are not as the new version would
// open them.
func (m *mover) open(key string, is programme.Task) error {
	var first, last time.Time
	others := 0
	for _, s := range m.waiting[key] {
		was := s.Opened.Plan
		if reflect.DeepEqual(was, is) && (!was.Timed() || reflect.DeepEqual(s.Opened.Calendar, m.new.Calendar)) {
			continue
		}
		others++
		var t tasks.Timed
		if err := m.follow(s, &t); err != nil {
			return err
		}
		if due := s.DueBy(t.Deadline); !due.IsZero() {
			if first.IsZero() || due.Before(first) {
				first = due
			}
			if due.After(last) {
				last = due
			}
		}
	}
	if others == 0 {
		return nil
	}
	words := "open tasks " + key + " stay as they were opened"
	switch {
	case last.IsZero():
	case first.Equal(last):
		words += ", due " + m.at(last)
	default:
		words += ", due " + m.at(first) + " to " + m.at(last)
	}
	m.effect("%s: %d", words, others)
	return nil
}

// taskOf is the task of a key; nothing, where the definition has none.
func taskOf(d programme.Definition, key string) programme.Task {
	i := slices.IndexFunc(d.Tasks, func(t programme.Task) bool { return t.Task == key })
	if i < 0 {
		return programme.Task{}
	}
	return d.Tasks[i]
}

func (m *mover) messages() {
	has := func(d programme.Definition, key string) bool {
		return slices.ContainsFunc(d.Messages, func(x programme.Message) bool { return x.Message == key })
	}
	for _, x := range m.old.Messages {
		if !has(m.new, x.Message) {
			m.effect("message %s is queued no more; what waits is sent as it was queued", x.Message)
		}
	}
	for _, x := range m.new.Messages {
		if !has(m.old, x.Message) {
			m.effect("message %s is queued only on %s that is to come", x.Message, x.On)
		}
	}
}

func (m *mover) quotas() error {
	if slices.Equal(m.old.Quotas, m.new.Quotas) {
		return nil
	}
	places, err := fold[allocation.State](m.lookup, allocation.ID{Programme: m.old.Programme}.Stream())
	if err != nil {
		return err
	}
	for _, q := range places.Quotas() {
		m.effect("quota %s stays as it was set, %d in each %s; quota.set changes it", q.Quota, q.Limit, q.Per)
	}
	return nil
}

// move completes definition.move.
func (l lookup) move(c *cycle.MoveDefinition) error {
	state, err := fold[cycle.State](l, c.Stream())
	if err != nil {
		return err
	}
	plan, ok := state.Plan()
	if !ok || c.Definition == "" {
		return nil
	}
	p, err := fold[programme.State](l, programme.ID{Programme: plan.Programme}.Stream())
	if err != nil {
		return err
	}
	d, hash, ok := p.Version(c.Definition)
	if !ok {
		return nil
	}
	if c.Found = hash; hash == plan.Definition || state.IsClosed() {
		return nil
	}
	now, err := l.now()
	if err != nil {
		return err
	}
	m, err := DryRun(l.ctx, l.Store, c.Cycle, d, now)
	c.Listing, c.InTheWay = m.listing(), nil
	for _, line := range m.InTheWay {
		c.InTheWay = append(c.InTheWay, unnamed(line))
	}
	return err
}
