package workflows

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/domain/call"
	"github.com/daybook-engine/daybook/domain/cycle"
	"github.com/daybook-engine/daybook/domain/gathering"
	"github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/domain/matching"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/review"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/domain/when"
	"github.com/daybook-engine/daybook/eventstore"
	runs "github.com/daybook-engine/daybook/workflows/matching"
)

// A Difference is what would have gone otherwise about a recorded event. People
// in its words are tokens, {person:<id>}.
type Difference struct {
	Position eventstore.Position `json:"position"`
	Stream   string              `json:"stream"`
	Event    string              `json:"event"`
	ID       uuid.UUID           `json:"id"`
	Recorded time.Time           `json:"recorded_at"`
	Words    string              `json:"words"`
}

// WhatIf tells what would have gone otherwise, had a cycle gone by d from its
// beginning. What people did is taken as it is recorded, to the end, also where
// d would have refused it; what rests on a definition is decided again, by the
// same rules and at the same moments: who was in time with a whole form, by when
// to confirm, to reply and to make contact, what lapsed and expired, by which
// criteria and on how many reviews was decided, whom a run of the matching
// proposes, which sessions conform, what is complete. A deadline that was told is
// taken as it was told, unless d says another than the definition that the cycle
// was opened under.
//
// Tasks and messages are not looked at; Unlike tells whether they differ. It only
// reads. With the version that the cycle went by there is no difference.
func WhatIf(ctx context.Context, log Log, id string, d programme.Definition) ([]Difference, error) {
	w := whatIf{
		ctx: ctx, cycle: id, d: d, published: map[domain.Digest]programme.Definition{}, found: []Difference{}, calls: map[string]*call.State{},
		applications: map[string]*twin[application.State]{}, reviews: map[string]*review.State{}, matches: map[string]*twin[match.State]{},
		gatherings: map[string]gathering.State{},
	}
	for r, err := range log.ReadAll(ctx, eventstore.ReadAll{}) {
		if err != nil {
			return nil, fmt.Errorf("what if: %w", err)
		}
		if err := w.see(r); err != nil {
			return nil, fmt.Errorf("what if, position %s: %w", r.Position, err)
		}
	}
	if w.old == nil {
		return nil, cycle.ErrUnknown.Because(id)
	}
	w.end()
	return w.found, nil
}

// Unlike names the sections that WhatIf does not look at, though what happens
// goes by them, and that two definitions have otherwise.
func Unlike(a, b programme.Definition) (sections []string) {
	if !reflect.DeepEqual(a.Tasks, b.Tasks) {
		sections = append(sections, "tasks")
	}
	if !reflect.DeepEqual(a.Messages, b.Messages) {
		sections = append(sections, "messages")
	}
	return sections
}

// A twin is something as it was, and as it would have been.
type twin[S any] struct {
	was, is S
	last    eventstore.Recorded
	at      time.Time // when that was recorded
}

type whatIf struct {
	ctx       context.Context
	cycle     string
	d         programme.Definition
	published map[domain.Digest]programme.Definition
	old       *programme.Definition // that the cycle goes by
	at        eventstore.Recorded
	now       time.Time
	found     []Difference

	calls        map[string]*call.State // as they would have been
	applications map[string]*twin[application.State]
	reviews      map[string]*review.State
	matches      map[string]*twin[match.State]
	order        []string // of the matches
	gatherings   map[string]gathering.State
}

// evidence is where the two of a match have been by now.
func (w *whatIf) evidence(x *twin[match.State]) (e match.Evidence) {
	for _, stream := range slices.Sorted(maps.Keys(w.gatherings)) {
		e.Attended = append(e.Attended, attendedBy(x.was, stream, w.gatherings[stream])...)
	}
	return e
}

func (w *whatIf) differ(format string, args ...any) {
	w.found = append(w.found, Difference{w.at.Position, w.at.Stream, w.at.Name, w.at.ID, w.now, fmt.Sprintf(format, args...)})
}

// clock is an instant as the cycle's people read it.
func (w *whatIf) clock(t time.Time) string {
	zone, err := when.Zone(w.d.Zone)
	if err != nil {
		zone = time.UTC
	}
	return t.In(zone).Format("Mon 2006-01-02 15:04 MST")
}

func (w *whatIf) see(r eventstore.Recorded) error {
	body, err := schema.Decode(r.Name, r.Data)
	if err != nil {
		return err
	}
	env, err := schema.DecodeEnvelope(r.Metadata)
	if err != nil {
		return err
	}
	if b, ok := body.(programme.DefinitionPublished); ok {
		w.published[b.Hash] = b.Definition
		return nil
	}
	if strings.TrimPrefix(env.Book, "rehearsal/") != (cycle.ID{Cycle: w.cycle}).Book() {
		return nil
	}
	w.at, w.now = r, env.RecordedAt
	switch b := body.(type) {
	case gathering.Event:
		w.gatherings[r.Stream] = w.gatherings[r.Stream].Apply(b)
	case cycle.Planned:
		if b.Programme != w.d.Programme {
			return programme.ErrDefinition.Because(fmt.Sprintf("it is %s's, and the cycle is %s's", w.d.Programme, b.Programme))
		}
		old := w.published[b.Definition]
		w.old = &old
	case cycle.DefinitionMoved:
		old := w.published[b.To]
		w.old = &old
	case call.Event:
		return w.call(b)
	case application.Event:
		return w.application(b)
	case review.Event:
		w.review(b)
	case matching.Event:
		return w.matching(b)
	case match.Event:
		return w.match(b)
	}
	return nil
}

func (w *whatIf) call(e call.Event) error {
	_, id, _ := strings.Cut(w.at.Stream, ".")
	s := w.calls[id]
	plan, ok := w.d.Call(id)
	switch b := e.(type) {
	case call.Opened:
		if !ok {
			w.differ("this call would not have been opened: there is none for %s", id)
			return nil
		}
		was, _ := w.old.Call(id)
		if plan.Deadline != was.Deadline && plan.Deadline != (programme.Deadline{}) {
			d, err := plan.Deadline.In(w.d.Zone).Resolve()
			if err != nil {
				return err
			}
			if !d.Instant.Equal(b.Deadline.Instant) || d.Rule != b.Deadline.Rule {
				w.differ("the deadline for %s would have been %s, not %s", id, d.Words(), b.Deadline.Words())
			}
			b.Deadline = d
		}
		opened := call.State{}.Apply(b)
		w.calls[id] = &opened
		return nil
	case call.DeadlineExtended:
		if s != nil && s.Deadline() != b.Was && !b.Now.Instant.After(s.Deadline().Instant) {
			if b.Now.Instant.After(b.Was.Instant) { // or else its words alone were mended
				w.differ("the deadline for %s would have been no earlier, and not been extended", id)
			}
			return nil
		}
	}
	if s != nil {
		*s = s.Apply(e)
	}
	return nil
}

func (w *whatIf) application(e application.Event) error {
	x := w.applications[w.at.Stream]
	if x == nil {
		x = &twin[application.State]{}
		w.applications[w.at.Stream] = x
	}
	if b, ok := e.(application.DraftStarted); ok {
		x.was, x.is = x.was.Apply(b), x.is.Apply(b)
		return nil
	}
	if b, ok := e.(application.SubmissionRefused); ok {
		x.was, x.is = x.was.Apply(b), x.is.Apply(b)
	}
	id := x.is.ID()
	c := w.calls[id.Call]
	if c == nil { // told with its call
		return nil
	}
	plan, _ := w.d.Call(id.Call)
	is, err := w.applied(x, id, c, plan, e)
	if err != nil {
		return err
	}
	if _, ok := e.(application.SubmissionRefused); !ok {
		x.was, x.is = x.was.Apply(e), x.is.Apply(is)
	}
	return nil
}

// applied tells what would have been otherwise about an event, and gives the
// event as it would have been.
func (w *whatIf) applied(x *twin[application.State], id application.ID, c *call.State, plan programme.Call, e application.Event) (application.Event, error) {
	name := who(id.Person)
	switch b := e.(type) {
	case application.Received:
		return w.received(x, id, c, plan, b)
	case application.SubmissionRefused:
		permit := c.Permit(id.Person)
		inTime := c.Deadline().Met(b.ReceivedAt) || !permit.IsZero() && !b.ReceivedAt.After(permit)
		missing := slices.ContainsFunc(b.Missing, func(words string) bool { return requires(plan.Form, words) })
		switch {
		case b.Code == application.ErrPassed.Code && inTime:
			w.differ("what %s submitted would have been in time", name)
		case b.Code == application.ErrIncomplete.Code && !inTime:
			w.differ("what %s submitted would have been refused as late: %s", name, c.Deadline().Words())
		case b.Code == application.ErrIncomplete.Code && !missing:
			w.differ("what %s submitted would not have been refused for what was missing: %s", name, strings.Join(b.Missing, ", "))
		}
	case application.DraftExpired:
		due, err := plan.DraftsLast.From(c.Deadline().Instant, w.d.Zone, w.d.Calendar)
		if err != nil {
			return nil, err
		}
		if permit := c.Permit(id.Person); permit.After(due) {
			due = permit
		}
		if !due.Equal(b.Timer.Due) {
			w.differ("the draft of %s would have expired on %s, not on %s", name, w.clock(due), w.clock(b.Timer.Due))
		}
	case application.NominationReceived:
		if due := x.is.ProofDue(); !due.Equal(x.was.ProofDue()) && !due.IsZero() && w.now.After(due) {
			w.differ("the nomination of %s would have lapsed on %s, before it was confirmed", name, w.clock(due))
		}
	case application.NominationLapsed:
		switch due := x.is.ProofDue(); {
		case due.IsZero():
			w.differ("the nomination of %s would not have lapsed: nobody would have had to confirm it", name)
		case !due.Equal(b.Timer.Due):
			w.differ("the nomination of %s would have lapsed on %s, not on %s", name, w.clock(due), w.clock(b.Timer.Due))
		}
	case application.EligibilityConfirmed:
		if keys := plan.Keys(); !slices.Equal(keys, b.Criteria) {
			w.differ("%s would have been judged by other criteria: %s", name, strings.Join(keys, ", "))
		}
	case application.EligibilityFailed:
		_, err := application.FailEligibility{ID: id, Failed: b.Failed, Criteria: plan.Keys()}.Decide(x.is, w.now)
		w.refused("that "+name+" is not eligible", err)
	case application.Shortlisted, application.PassedOver, application.Selected, application.Reserved, application.Declined:
		n := 0
		if r := w.reviews[id.Key()]; r != nil {
			n = len(r.Recorded())
		}
		if need := w.d.Review.PerApplication; n < need {
			w.differ("nothing could have been decided about %s: %d of %d reviews were recorded", name, n, need)
		}
	case application.OfferMade:
		if w.d.Offer == (programme.Offer{}) {
			w.differ("no offer could have been made to %s: the definition does not say for how long", name)
			break
		}
		offer := application.MakeOffer{ID: id, Place: true, Reply: w.d.Offer.ReplyWithin, Zone: w.d.Zone, Calendar: w.d.Calendar}
		events, err := offer.Decide(x.is, w.now)
		if err != nil {
			return nil, err
		}
		made := events[0].(application.OfferMade)
		if !made.ReplyBy.Equal(b.ReplyBy) {
			w.differ("%s would have had until %s to reply, not until %s", name, w.clock(made.ReplyBy), w.clock(b.ReplyBy))
		}
		return made, nil
	case application.OfferAccepted, application.OfferDeclined:
		if by := x.is.ReplyBy(); !by.Equal(x.was.ReplyBy()) && w.now.After(by) {
			w.differ("the offer to %s would have lapsed on %s, before it was answered", name, w.clock(by))
		}
	case application.OfferLapsed:
		if by := x.is.ReplyBy(); !by.Equal(b.Timer.Due) {
			w.differ("the offer to %s would have lapsed on %s, not on %s", name, w.clock(by), w.clock(b.Timer.Due))
		}
	}
	return e, nil
}

// refused tells of a decision that would not have been let through.
func (w *whatIf) refused(what string, err error) {
	if err != nil {
		w.differ("%s would have been refused: %v", what, err)
	}
}

// received decides a submission again. Its words are nobody's to read here: that
// something was answered is in the event.
func (w *whatIf) received(x *twin[application.State], id application.ID, c *call.State, plan programme.Call, b application.Received) (application.Event, error) {
	answers := map[string]application.Texts{}
	for _, a := range b.Answers {
		answers[a.Field] = append(answers[a.Field], domain.Private{Text: "answered"})
	}
	again := application.Submit{
		ID: id, Answers: answers, Route: b.Route, Organisation: b.Organisation, ReceivedAt: b.ReceivedAt,
		Opened: c.Opened(), Deadline: c.Deadline(), Permit: c.Permit(id.Person), Plan: &plan, Zone: w.d.Zone, Calendar: w.d.Calendar,
	}
	events, err := again.Decide(x.is, w.now)
	if err != nil {
		w.refused("what "+who(id.Person)+" submitted", err)
		return b, nil
	}
	is := events[len(events)-1].(application.Received)
	switch {
	case is.Late && !b.Late:
		w.differ("what %s submitted would have been late, by permission", who(id.Person))
	case !is.Late && b.Late:
		w.differ("what %s submitted would have been in time, without permission", who(id.Person))
	}
	switch {
	case is.ProofDue.Equal(b.ProofDue):
	case is.ProofDue.IsZero():
		w.differ("nobody would have had to confirm the nomination of %s", who(id.Person))
	default:
		w.differ("the nomination of %s would have had to be confirmed by %s", who(id.Person), w.clock(is.ProofDue))
	}
	return is, nil
}

// requires tells whether a form wants what was missing of another, said as a
// refusal says it: "priorities (exactly 3)".
func requires(form programme.Form, missing string) bool {
	field, ranks, _ := strings.Cut(missing, " (")
	for _, f := range form.Fields {
		if f.Field == field {
			return !f.Optional && ranks == "" == (f.Ranks == 0) && (ranks == "" || ranks == fmt.Sprintf("exactly %d)", f.Ranks))
		}
	}
	return false
}

func (w *whatIf) review(e review.Event) {
	_, key, _ := strings.Cut(w.at.Stream, "-")
	s := w.reviews[key]
	if s == nil {
		s = &review.State{}
		w.reviews[key] = s
	}
	if b, ok := e.(review.Recorded); ok {
		scores := slices.Clone(b.Scores)
		for i := range scores {
			scores[i].Justification = domain.Private{}
		}
		again := review.Record{Reviewing: review.Reviewing{Reviewer: b.Reviewer}, Scores: scores, Recommendation: b.Recommendation, Rubric: w.d.Review}
		_, err := again.Decide(*s, w.now)
		w.refused("the review by "+who(b.Reviewer), err)
	}
	*s = s.Apply(e)
}

func (w *whatIf) matching(e matching.Event) error {
	b, ok := e.(matching.Proposed)
	if !ok {
		return nil
	}
	in := b.Input
	if in.Plan = w.d.Matching.Plan(); in.Policy == "" {
		w.refused("run "+b.Run, matching.ErrUnplanned)
		return nil
	}
	in = in.Canonical()
	if in.Hash() == b.Result.Input {
		return nil
	}
	result, err := runs.Propose(w.ctx, in)
	if errors.Is(err, runs.ErrInput) {
		w.refused("run "+b.Run, err)
		return nil
	} else if err != nil {
		return err
	}
	was := map[domain.Person]domain.Person{}
	for _, p := range b.Result.Pairs {
		was[p.Mentee] = p.Mentor
	}
	for _, p := range result.Pairs {
		mentor, matched := was[p.Mentee]
		switch delete(was, p.Mentee); {
		case !matched:
			w.differ("run %s would have proposed %s to %s, and not nobody", b.Run, who(p.Mentor), who(p.Mentee))
		case mentor != p.Mentor:
			w.differ("run %s would have proposed %s to %s, not %s", b.Run, who(p.Mentor), who(p.Mentee), who(mentor))
		}
	}
	for _, p := range b.Result.Pairs {
		if mentor, lost := was[p.Mentee]; lost {
			w.differ("run %s would have proposed nobody to %s, not %s", b.Run, who(p.Mentee), who(mentor))
		}
	}
	return nil
}

func (w *whatIf) match(e match.Event) error {
	id := match.ParseStream(w.at.Stream)
	x := w.matches[id.Match]
	if x == nil {
		x = &twin[match.State]{}
		w.matches[id.Match] = x
		w.order = append(w.order, id.Match)
	}
	is, err := w.matched(x, id, e)
	if err != nil {
		return err
	}
	x.was, x.is, x.last, x.at = x.was.Apply(e), x.is.Apply(is), w.at, w.now
	return nil
}

func (w *whatIf) matched(x *twin[match.State], id match.ID, e match.Event) (match.Event, error) {
	name := "match " + id.Match
	switch b := e.(type) {
	case match.Proposed:
		if open := openEnded(w.d); open != "" {
			w.refused(name, programme.ErrUnsaid.Because(open))
			return b, nil
		}
		b.Terms = terms(w.d)
		return b, nil
	case match.Made:
		due, err := x.is.Terms().FirstContact.From(w.now, x.is.Terms().Zone, x.is.Terms().Calendar)
		if err != nil {
			return nil, err
		}
		if due = due.UTC(); !due.Equal(b.ContactDue) {
			w.differ("%s: first contact would have been due on %s, not on %s", name, w.clock(due), w.clock(b.ContactDue))
		}
		b.ContactDue = due
		return b, nil
	case match.AgreementSigned: // whichever version was put before them
		b.Version, b.Clauses = x.is.Terms().Agreement, x.is.Terms().Clauses
		return b, nil
	case match.ContactMade:
		if due := x.is.ContactDue(); !due.Equal(x.was.ContactDue()) && !due.IsZero() && w.now.After(due) {
			w.differ("%s: first contact would have been overdue since %s", name, w.clock(due))
		}
	case match.ContactOverdue:
		if due := x.is.ContactDue(); !due.IsZero() && !due.Equal(b.Timer.Due) {
			w.differ("%s: first contact would have been overdue on %s, not on %s", name, w.clock(due), w.clock(b.Timer.Due))
		}
	case match.SessionScheduled:
		_, err := match.ScheduleSession{ID: id, Session: b.Session, At: at(b.Slot)}.Decide(x.is, w.now)
		w.refused(fmt.Sprintf("%s: to schedule session %d", name, b.Session), err)
	case match.SessionRescheduled:
		_, err := match.RescheduleSession{ID: id, Session: b.Session, At: at(b.Now)}.Decide(x.is, w.now)
		w.refused(fmt.Sprintf("%s: to reschedule session %d", name, b.Session), err)
	case match.SessionHeld:
		events, err := hold(id, b).Decide(x.is, w.now)
		if w.refused(fmt.Sprintf("%s: to record session %d", name, b.Session), err); len(events) == 0 {
			return b, nil
		}
		return w.session(name, b, events[0].(match.SessionHeld)), nil
	case match.SessionCorrected:
		events, err := match.CorrectSession{HoldSession: hold(id, match.SessionHeld(b))}.Decide(x.is, w.now)
		if w.refused(fmt.Sprintf("%s: to correct session %d", name, b.Session), err); len(events) == 0 { // of a session that would have been the same already
			return b, nil
		}
		return match.SessionCorrected(w.session(name, match.SessionHeld(b), match.SessionHeld(events[0].(match.SessionCorrected)))), nil
	case match.SessionRetracted:
		_, err := match.CorrectSession{HoldSession: match.HoldSession{ID: id, Session: b.Session}}.Decide(x.is, w.now)
		w.refused(fmt.Sprintf("%s: to retract session %d", name, b.Session), err)
	case match.Completed:
		if b.Basis == "rule" {
			_, err := match.CompleteMatch{ID: id, Evidence: w.evidence(x)}.Decide(x.is, w.now)
			w.refused(name+": to complete it", err)
		}
	case match.CompletionWaived:
		if _, err := (match.WaiveCompletion{ID: id, Evidence: w.evidence(x)}).Decide(x.is, w.now); err != nil {
			w.differ("%s would have needed no waiver: the completion rule would have been met", name)
		}
	case match.Ended, match.Unwound:
		w.completable(x, id)
	}
	return e, nil
}

// at is a slot as people say it.
func at(s match.Slot) match.At { return match.At{Local: s.Local, Zone: s.Zone, Mode: s.Mode} }

// hold is the command that a session was recorded with.
func hold(id match.ID, b match.SessionHeld) match.HoldSession {
	return match.HoldSession{ID: id, Session: b.Session, At: at(b.Slot), Minutes: b.Minutes, Over: slices.Contains(b.Nonconformities, "after_cycle_close")}
}

func (w *whatIf) session(name string, was, is match.SessionHeld) match.SessionHeld {
	if !slices.Equal(was.Nonconformities, is.Nonconformities) {
		w.differ("%s: session %d would have %s, and not %s", name, was.Session, conforms(is.Nonconformities), conforms(was.Nonconformities))
	}
	if !slices.Equal(was.ReflectionsDue, is.ReflectionsDue) {
		w.differ("%s: on session %d would have had to reflect: %s", name, was.Session, sides(is.ReflectionsDue))
	}
	is.Slot = was.Slot // the instant that was recorded
	return is
}

func conforms(marks []string) string {
	if len(marks) == 0 {
		return "conformed"
	}
	return "been marked " + strings.ReplaceAll(strings.Join(marks, ", "), "_", " ")
}

func sides(list []string) string {
	if len(list) == 0 {
		return "nobody"
	}
	return strings.Join(list, ", ")
}

// completable tells of a match that was not completed, and could have been.
func (w *whatIf) completable(x *twin[match.State], id match.ID) {
	_, then := match.CompleteMatch{ID: id, Evidence: w.evidence(x)}.Decide(x.was, w.now)
	if _, now := (match.CompleteMatch{ID: id, Evidence: w.evidence(x)}).Decide(x.is, w.now); now == nil && then != nil {
		w.differ("match %s could have been completed", id.Match)
	}
}

// end tells of the matches that are under way.
func (w *whatIf) end() {
	for _, name := range w.order {
		if x := w.matches[name]; x.was.Phase() == match.Active {
			w.at, w.now = x.last, x.at
			w.completable(x, match.ID{Cycle: w.cycle, Match: name})
		}
	}
}
