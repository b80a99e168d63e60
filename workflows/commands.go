package workflows

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/allocation"
	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/domain/call"
	"github.com/daybook-engine/daybook/domain/cycle"
	"github.com/daybook-engine/daybook/domain/digest"
	"github.com/daybook-engine/daybook/domain/gathering"
	"github.com/daybook-engine/daybook/domain/imports"
	"github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/domain/matching"
	"github.com/daybook-engine/daybook/domain/measure"
	"github.com/daybook-engine/daybook/domain/mentor"
	"github.com/daybook-engine/daybook/domain/message"
	"github.com/daybook-engine/daybook/domain/organisation"
	"github.com/daybook-engine/daybook/domain/person"
	instance "github.com/daybook-engine/daybook/domain/policy"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/retention"
	"github.com/daybook-engine/daybook/domain/review"
	"github.com/daybook-engine/daybook/domain/schema"
	tasks "github.com/daybook-engine/daybook/domain/task"
	"github.com/daybook-engine/daybook/eventstore"
	runs "github.com/daybook-engine/daybook/workflows/matching"
)

// registry lists every command there is.
var registry = []registration{
	on[organisation.Register]("organisation.register", nil),
	on[organisation.RecordMembership]("membership.record", nil),

	on("person.register", nil, func(l lookup, c *person.Register) error {
		return l.Vault.SetHandle(l.ctx, c.Handle.Text, c.Person)
	}, func(l lookup, c *person.Register) error { return l.addressed(c.Email.Text, c.Person) }),

	on[person.SetName]("name.set", nil),
	on("email.set", nil, func(l lookup, c *person.SetEmail) error { return l.addressed(c.Email.Text, c.Person) }),
	on[person.SetLanguage]("language.set", nil),
	on[person.StartErasure]("erasure.start", nil),
	on[person.CompleteErasure]("erasure.complete", nil),

	on[programme.PublishDefinition]("definition.publish", nil),

	on("cycle.plan", func(l lookup, c *cycle.Plan) error {
		p, err := fold[programme.State](l, programme.ID{Programme: c.Programme}.Stream())
		if d, hash, ok := p.Version(c.Definition); ok {
			c.Found, c.Zone = hash, d.Zone
		}
		return err
	}),
	on("definition.move", lookup.move),
	on[cycle.ScheduleStage]("stage.schedule", nil),
	on("cycle.close", func(l lookup, c *cycle.Close) (err error) {
		c.Open, err = l.openItems(c.Cycle)
		return err
	}),
	on("figures.seal", func(l lookup, c *cycle.SealFigures) (err error) {
		c.After, c.Figures, err = l.figures(c.Cycle)
		return err
	}),

	on("call.open", func(l lookup, c *call.Open) error {
		d, _, err := l.definition(c.Cycle)
		if plan, ok := d.Call(c.Call); ok {
			c.Plan = &plan
		}
		if err != nil {
			return err
		}
		return l.within(c.Cycle, &c.Over)
	}),
	on("notice.publish", func(l lookup, c *call.PublishNotice) error { return l.within(c.Cycle, &c.Over) }),
	on("deadline.extend", func(l lookup, c *call.ExtendDeadline) error { return l.within(c.Cycle, &c.Over) }),
	on("permit.grant", func(l lookup, c *call.GrantPermit) error {
		s, err := fold[application.State](l, application.ID{Cycle: c.Cycle, Call: c.Call, Person: c.Person}.Stream())
		if err != nil {
			return err
		}
		c.Applied = s.Phase().Applied()
		return l.within(c.Cycle, &c.Over)
	}),
	on[call.Close]("call.close", nil),

	on("draft.start", func(l lookup, c *application.StartDraft) error {
		s, err := remembered[call.State](l, call.ID{Cycle: c.Cycle, Call: c.Call}.Stream())
		if err != nil {
			return err
		}
		c.Deadline = s.Deadline() // zero when there is no such call
		in, err := remembered[cycle.State](l, cycle.ID{Cycle: c.Cycle}.Stream())
		c.Over = in.IsClosed()
		return err
	}),
	on("application.submit", func(l lookup, c *application.Submit) error {
		s, err := fold[call.State](l, call.ID{Cycle: c.Cycle, Call: c.Call}.Stream())
		if err != nil || s.Opened().IsZero() {
			return err
		}
		d, _, err := l.definition(c.Cycle)
		if plan, ok := d.Call(c.Call); ok {
			c.Plan = &plan
		}
		c.Opened, c.Deadline, c.Permit = s.Opened(), s.Deadline(), s.Permit(c.Person)
		c.Zone, c.Calendar = d.Zone, d.Calendar
		if err != nil {
			return err
		}
		return l.within(c.Cycle, &c.Over)
	}),
	on("draft.expire", func(l lookup, c *application.ExpireDraft) error {
		s, err := fold[call.State](l, call.ID{Cycle: c.Cycle, Call: c.Call}.Stream())
		if err != nil || !s.IsClosed() {
			return err
		}
		d, _, err := l.definition(c.Cycle)
		if err != nil {
			return err
		}
		plan, _ := d.Call(c.Call)
		c.Calendar = d.Calendar.Words()
		c.Due, err = plan.DraftsLast.From(s.Deadline().Instant, d.Zone, d.Calendar)
		c.Unsure = plan.DraftsLast.Unsure(s.Deadline().Instant, c.Due, d.Zone, d.Calendar)
		if permit := s.Permit(c.Person); permit.After(c.Due) {
			c.Due, c.Unsure = permit, nil
		}
		return err
	}),
	on[application.Withdraw]("application.withdraw", nil),
	on("application.retract", lookup.retracting),
	on[application.ReceiveNomination]("nomination.receive", nil),
	on[application.LapseNomination]("nomination.lapse", nil),
	on("eligibility.confirm", func(l lookup, c *application.ConfirmEligibility) error {
		return l.criteria(c.ID, &c.Criteria, &c.Unbiased)
	}),
	on("eligibility.fail", func(l lookup, c *application.FailEligibility) error {
		return l.criteria(c.ID, &c.Criteria, &c.Unbiased)
	}),
	on("application.shortlist", func(l lookup, c *application.Shortlist) error { return l.assessed(c.ID, &c.Assessed) }),
	on("application.pass_over", func(l lookup, c *application.PassOver) error { return l.assessed(c.ID, &c.Assessed) }),
	on("application.select", func(l lookup, c *application.Select) error { return l.assessed(c.ID, &c.Assessed) }),
	on("application.reserve", func(l lookup, c *application.Reserve) error {
		places, err := l.allocated(c.Cycle)
		if err != nil {
			return err
		}
		c.Taken = places.Taken(c.Cycle, c.Call, c.Rank)
		return l.assessed(c.ID, &c.Assessed)
	}),
	on("application.decline", func(l lookup, c *application.Decline) error { return l.assessed(c.ID, &c.Assessed) }),
	on("offer.make", func(l lookup, c *application.MakeOffer) error {
		d, _, err := l.definition(c.Cycle)
		if err != nil {
			return err
		}
		places, err := l.allocated(c.Cycle)
		if err != nil {
			return err
		}
		c.Place, _ = places.Holds(c.Cycle, c.Person)
		c.Reply, c.Zone, c.Calendar = d.Offer.ReplyWithin, d.Zone, d.Calendar
		return l.within(c.Cycle, &c.Over)
	}),
	on("offer.accept", func(l lookup, c *application.AcceptOffer) error { return l.within(c.Cycle, &c.Over) }),
	on[application.DeclineOffer]("offer.decline", nil),
	on[application.LapseOffer]("offer.lapse", nil),

	on("review.assign", func(l lookup, c *review.Assign) (err error) {
		if c.Phase, err = l.phase(c.Application()); err != nil {
			return err
		}
		return l.within(c.Cycle, &c.Over)
	}),
	on[review.Open]("review.open", nil),
	on[review.DeclareConflict]("conflict.declare", nil),
	on("review.record", func(l lookup, c *review.Record) error {
		d, _, err := l.definition(c.Cycle)
		c.Rubric = d.Review
		return err
	}),

	on("quota.set", func(l lookup, c *allocation.SetQuota) error {
		p, err := fold[programme.State](l, programme.ID{Programme: c.Programme}.Stream())
		_, _, c.Published = p.Version("")
		return err
	}),
	on("place.reserve", func(l lookup, c *allocation.ReservePlace) (err error) {
		if err := l.places(&c.ID, &c.For); err != nil {
			return err
		}
		d, _, err := l.definition(c.Cycle)
		if err != nil {
			return err
		}
		if d.Offer == (programme.Offer{}) { // which follows, and would lapse at once
			return programme.ErrUnsaid.Because("offer")
		}
		if err := l.within(c.Cycle, &c.Over); err != nil {
			return err
		}
		c.Phase, err = l.phase(application.ID{Cycle: c.Cycle, Call: c.Call, Person: c.Person})
		return err
	}),
	on("place.fill", func(l lookup, c *allocation.FillPlace) error { return l.places(&c.ID, &c.For) }),
	on("place.release", func(l lookup, c *allocation.ReleasePlace) error {
		if err := l.places(&c.ID, &c.For); err != nil {
			return err
		}
		return l.within(c.Cycle, &c.Over)
	}),
	on("reserve.rank", func(l lookup, c *allocation.RankReserve) (err error) {
		if err := l.places(&c.ID, &c.For); err != nil {
			return err
		}
		if err := l.within(c.Cycle, &c.Over); err != nil {
			return err
		}
		c.Phase, err = l.phase(application.ID{Cycle: c.Cycle, Call: c.Call, Person: c.Person})
		return err
	}),
	on("reserve.release", func(l lookup, c *allocation.ReleaseReserve) error { return l.places(&c.ID, &c.For) }),

	on[mentor.Join]("mentor.join", nil),
	on("mentor.engage", func(l lookup, c *mentor.Engage) error {
		m, err := fold[match.State](l, match.ID{Cycle: c.Cycle, Match: c.Match}.Stream())
		c.Over = m.Phase().Over()
		return err
	}),
	on[mentor.Free]("mentor.free", nil),

	on("matching.propose", func(l lookup, c *matching.Propose) error {
		if err := l.run(c); err != nil || c.Unfit() != nil {
			return err
		}
		// It may be looked up again, and to the same input. What cannot be
		// matched now may have been when the command was kept: that is the
		// decision's to tell.
		if hash := c.Input.Hash(); c.Result.Input != hash {
			r, err := runs.Propose(l.ctx, c.Input)
			if err != nil && !errors.Is(err, runs.ErrInput) {
				return err
			}
			c.Result, c.Wrong = r, err
			c.Result.Input = hash
		}
		c.Input = c.Input.Canonical()
		return nil
	}),

	on("match.propose", func(l lookup, c *match.Propose) error {
		d, _, err := l.definition(c.Cycle)
		if err != nil {
			return err
		}
		if open := openEnded(d); open != "" {
			return programme.ErrUnsaid.Because(open)
		}
		places, err := l.allocated(c.Cycle)
		if err != nil {
			return err
		}
		_, c.Placed = places.Holds(c.Cycle, c.Mentee)
		pool, err := remembered[mentor.State](l, mentor.ID{Mentor: c.Mentor}.Stream())
		if err != nil {
			return err
		}
		c.Joined = pool.Joined()
		c.Over, err = l.over(c.Cycle)
		c.Terms = terms(d)
		if err != nil {
			return err
		}
		s, err := fold[matching.State](l, matching.ID{Cycle: c.Cycle}.Stream())
		c.Run, c.Suggested = s.Proposed(c.Mentee)
		return err
	}),
	on[match.Accept]("match.accept", nil),
	on[match.Decline]("match.decline", nil),
	on("match.make", func(l lookup, c *match.Make) error {
		m, err := remembered[match.State](l, c.Stream())
		if err != nil {
			return err
		}
		s, err := fold[mentor.State](l, mentor.ID{Mentor: m.Pair().Mentor}.Stream())
		c.Waited = s.Waited(c.Cycle, c.Match)
		return err
	}),
	on[match.Unwind]("match.unwind", nil),
	on[match.End]("match.end", nil),
	on[match.SignAgreement]("agreement.sign", nil),
	on[match.MakeContact]("contact.make", nil),
	on[match.MarkContactOverdue]("contact.mark_overdue", nil),
	on[match.ScheduleSession]("session.schedule", nil),
	on[match.RescheduleSession]("session.reschedule", nil),
	on[match.CancelSession]("session.cancel", nil),
	on[match.MissSession]("session.miss", nil),
	on("session.hold", func(l lookup, c *match.HoldSession) error { return l.within(c.Cycle, &c.Over) }),
	on("session.correct", func(l lookup, c *match.CorrectSession) error { return l.within(c.Cycle, &c.Over) }),
	on[match.FileReflection]("reflection.file", nil),
	on("match.complete", func(l lookup, c *match.CompleteMatch) error { return l.attended(c.ID, &c.Evidence) }),
	on("completion.waive", func(l lookup, c *match.WaiveCompletion) error { return l.attended(c.ID, &c.Evidence) }),
	on("gathering.announce", func(l lookup, c *gathering.Announce) error {
		d, _, err := l.definition(c.Cycle)
		if err != nil {
			return err
		}
		c.Plan, _ = d.StageOf(c.Stage)
		return l.within(c.Cycle, &c.Over)
	}),
	on[gathering.Reschedule]("gathering.reschedule", nil),
	on[gathering.Cancel]("gathering.cancel", nil),
	on("attendance.record", func(l lookup, c *gathering.RecordAttendance) error { return l.gathered(c) }),
	on("attendance.correct", func(l lookup, c *gathering.CorrectAttendance) error { return l.gathered(&c.RecordAttendance) }),

	on("retention.expire", func(l lookup, c *retention.Expire) error { return l.kept(c.ID, &c.Kept) }),
	on("retention.extend", func(l lookup, c *retention.Extend) error { return l.kept(c.ID, &c.Kept) }),

	on[instance.Start]("policy.start", nil),
	on("policy.park", func(l lookup, c *instance.Park) error { return l.instance(&c.ID) }),
	on("policy.retry", func(l lookup, c *instance.Retry) error { return l.instance(&c.ID) }),
	on("policy.skip", func(l lookup, c *instance.Skip) error { return l.instance(&c.ID) }),
	on("policy.repair", func(l lookup, c *instance.Repair) error { return l.instance(&c.ID) }),
	on[message.Queue]("message.queue", nil),
	on("message.claim", func(l lookup, c *message.Claim) error { return l.message(&c.ID) }),
	on("message.delay", func(l lookup, c *message.Delay) error { return l.message(&c.ID) }),
	on("message.send", func(l lookup, c *message.Send) error { return l.message(&c.ID) }),
	on("message.fail", func(l lookup, c *message.Fail) error { return l.message(&c.ID) }),
	on("message.mark_unknown", func(l lookup, c *message.MarkUnknown) error { return l.message(&c.ID) }),
	on("message.withdraw", func(l lookup, c *message.Withdraw) error { return l.message(&c.ID) }),
	on("message.settle", func(l lookup, c *message.Settle) error { return l.message(&c.ID) }),
	on("task.open", lookup.opening),
	on("task.claim", func(l lookup, c *tasks.Claim) error { return l.hands(&c.ID, &c.Acting) }),
	on("task.delegate", func(l lookup, c *tasks.Delegate) error { return l.hands(&c.ID, &c.Acting) }),
	on("task.complete", func(l lookup, c *tasks.Complete) error { return l.hands(&c.ID, &c.Acting) }),
	on[tasks.Release]("task.release", nil),
	on("task.fulfil", func(l lookup, c *tasks.Fulfil) (err error) {
		c.Early, err = l.before(&c.ID, c.Cause)
		return err
	}),
	on("task.reopen", func(l lookup, c *tasks.Reopen) error {
		s, err := l.task(&c.ID)
		if err != nil {
			return err
		}
		c.Over, err = l.ended(c.Cycle, s.Opened.About)
		return err
	}),
	on("task.withdraw", func(l lookup, c *tasks.Withdraw) (err error) {
		c.Early, err = l.before(&c.ID, c.Cause)
		return err
	}),
	on("task.remind", func(l lookup, c *tasks.Remind) error { return l.deadline(&c.ID, &c.Timed) }),
	on("task.escalate", func(l lookup, c *tasks.Escalate) error { return l.deadline(&c.ID, &c.Timed) }),
	on("task.expire", func(l lookup, c *tasks.Expire) error { return l.deadline(&c.ID, &c.Timed) }),
	on[digest.Queue]("digest.queue", nil),
	on("import.start", func(l lookup, c *imports.Start) error {
		_, _, err := l.definition(c.Cycle)
		return err
	}),
	on("import.finish", func(l lookup, c *imports.Finish) error { return l.imported(&c.ID) }),
	on("import.revert", func(l lookup, c *imports.Revert) error {
		if err := l.revertible(&c.ID); err != nil {
			return err
		}
		deeds, err := l.deeds(c.Import)
		c.Undone, c.Standing, c.Left = tally(deeds)
		return err
	}),
}

// lookup finds the facts that a command carries from other streams.
type lookup struct {
	ctx context.Context
	*Engine
	fresh bool // a refusal is asked again: on what the store has now
}

// fold is the state of another stream, as the store has it now; the zero state
// when it has no events. Another node may have moved it, and no expected
// revision protects a command from deciding on what it was.
func fold[S state[S, E], E any](l lookup, name string) (S, error) {
	l.fresh = true
	return remembered[S](l, name)
}

// remembered is fold from memory where that can; that there is nothing is not
// remembered. It is for facts that only ever move towards accepting: what is
// remembered may refuse what now would be accepted, and a command that is refused
// is asked again, fresh; a policy is not, and asks for what never changes once it
// is there, or makes no difference to what it orders. These are all of them: a
// cycle's programme and year and the definition of a hash, which never change;
// that somebody is registered or a mentor joined, which stays so; whom a stream
// is about; and for a draft, which at worst expires, the deadline, and whether
// its cycle is closed.
func remembered[S state[S, E], E any](l lookup, name string) (S, error) {
	s, err := load[S, E](l.ctx, l.Engine, name, l.fresh)
	if err == nil && !s.exists && !l.fresh { // another node may have begun it
		s, err = load[S, E](l.ctx, l.Engine, name, true)
	}
	return s.state, err
}

// definition is what a cycle goes by now; it may have moved to another version.
func (l lookup) definition(id string) (programme.Definition, cycle.Planned, error) {
	return l.definitionAt(id, eventstore.Position{})
}

// definitionAt is what a cycle went by at a position. What an event opens, and
// who is told of it, follows from the version of then, whenever it is asked: a
// policy that comes back to an event says the same again, and finds what it said.
func (l lookup) definitionAt(id string, at eventstore.Position) (programme.Definition, cycle.Planned, error) {
	c, err := l.cycleAt(id, at)
	if err != nil {
		return programme.Definition{}, cycle.Planned{}, err
	}
	plan, ok := c.Plan()
	if !ok {
		return programme.Definition{}, cycle.Planned{}, cycle.ErrUnknown.Because(id)
	}
	stream := programme.ID{Programme: plan.Programme}.Stream()
	p, err := remembered[programme.State](l, stream)
	if err != nil {
		return programme.Definition{}, plan, err
	}
	d, _, ok := p.Version(plan.Definition)
	if !ok { // published elsewhere, since
		if p, err = fold[programme.State](l, stream); err != nil {
			return d, plan, err
		}
		d, _, ok = p.Version(plan.Definition)
	}
	if !ok {
		return d, plan, fmt.Errorf("cycle %s pins definition %s, which %s has not published", id, plan.Definition, plan.Programme)
	}
	return d, plan, nil
}

// cycleAt is a cycle as of a position; the zero position stands for now.
func (l lookup) cycleAt(id string, at eventstore.Position) (then cycle.State, err error) {
	stream := cycle.ID{Cycle: id}.Stream()
	now, err := fold[cycle.State](l, stream)
	if err != nil || at.IsZero() || !now.Moved() {
		return now, err
	}
	for r, err := range l.Store.ReadStream(l.ctx, stream, eventstore.ReadStream{}) {
		if err != nil {
			return then, fmt.Errorf("what %s went by: %w", id, err)
		}
		if r.Position.Compare(at) > 0 {
			break
		}
		body, err := schema.Decode(r.Name, r.Data)
		if err != nil {
			return then, fmt.Errorf("%s, revision %d: %w", stream, r.Revision, err)
		}
		if e, ok := body.(cycle.Event); ok {
			then = then.Apply(e)
		}
	}
	return then, nil
}

// moved tells whether a cycle ever went by another definition than now.
func (l lookup) moved(id string) (bool, error) {
	c, err := l.cycleAt(id, eventstore.Position{})
	return c.Moved(), err
}

func (l lookup) over(id string) (bool, error) {
	c, err := fold[cycle.State](l, cycle.ID{Cycle: id}.Stream())
	return c.IsClosed(), err
}

// within completes what a cycle has to be going on for, or is marked after.
func (l lookup) within(id string, over *bool) (err error) {
	*over, err = l.over(id)
	return err
}

// gathered says when a gathering began.
func (l lookup) gathered(c *gathering.RecordAttendance) error {
	s, err := fold[gathering.State](l, c.Stream())
	if err != nil {
		return err
	}
	c.Began = s.Slot().Start
	return l.within(c.Cycle, &c.Over)
}

// attended says at which of its cycle's gatherings the two of a match were,
// where its completion asks for that.
func (l lookup) attended(id match.ID, x *match.Evidence) error {
	m, err := fold[match.State](l, id.Stream())
	if err != nil || len(m.Terms().Completion.Attendance) == 0 {
		return err
	}
	x.Attended = nil
	var streams []string
	for r, err := range l.Store.ReadAll(l.ctx, eventstore.ReadAll{Prefixes: []string{gathering.ID{Cycle: id.Cycle}.Stream()}}) {
		if err != nil {
			return fmt.Errorf("who was where: %w", err)
		}
		if !slices.Contains(streams, r.Stream) {
			streams = append(streams, r.Stream)
		}
	}
	for _, stream := range streams {
		s, err := fold[gathering.State](l, stream)
		if err != nil {
			return err
		}
		x.Attended = append(x.Attended, attendedBy(m, stream, s)...)
	}
	return nil
}

// attendedBy tells which of the two of a match were at a gathering.
func attendedBy(m match.State, stream string, s gathering.State) (list []match.Attended) {
	for _, side := range []string{match.Mentee, match.Mentor} {
		if s.Attended(m.Party(side)) {
			list = append(list, match.Attended{Side: side, Stage: s.Stage(), Gathering: gathering.ParseStream(stream).Gathering})
		}
	}
	return list
}

// kept completes a command with what became of an application, and by which
// rules it is kept.
func (l lookup) kept(id retention.ID, k *retention.Kept) error {
	d, _, err := l.definition(id.Cycle)
	if err != nil {
		return err
	}
	k.Rules, k.Zone = d.Retention, d.Zone
	if k.File, err = l.file(id); err != nil {
		return err
	}
	s, err := fold[retention.State](l, id.Stream())
	if err != nil {
		return err
	}
	if _, until, _ := s.Until(*k); !until.IsZero() { // else nothing comes of it, whoever it is
		k.Erased, err = l.erased(id.Person)
	}
	return err
}

// file is what became of an application.
func (l lookup) file(id retention.ID) (f retention.File, err error) {
	for _, stream := range []string{id.Application().Stream(), cycle.ID{Cycle: id.Cycle}.Stream()} {
		for r, err := range l.Store.ReadStream(l.ctx, stream, eventstore.ReadStream{}) {
			if errors.Is(err, eventstore.ErrStreamNotFound) {
				break
			} else if err != nil {
				return f, fmt.Errorf("what became of an application: %w", err)
			}
			event, err := schema.Decode(r.Name, r.Data)
			if err != nil {
				return f, fmt.Errorf("%s, revision %d: %w", r.Stream, r.Revision, err)
			}
			env, err := schema.DecodeEnvelope(r.Metadata)
			if err != nil {
				return f, fmt.Errorf("%s, revision %d: %w", r.Stream, r.Revision, err)
			}
			f = f.After(event, env.OccurredAt)
		}
	}
	return f, nil
}

// erased tells whether somebody was erased, or is being.
func (l lookup) erased(who domain.Person) (bool, error) {
	s, err := fold[person.State](l, person.ID{Person: who}.Stream())
	return s.Erased(), err
}

// terms are what a definition expects of a match.
func terms(d programme.Definition) match.Terms {
	return match.Terms{
		Sessions: d.Sessions, Reflections: d.Reflection, Completion: d.Completion,
		Agreement: d.Agreement.Version, Clauses: d.Agreement.Hash(),
		FirstContact: d.Match.FirstContactWithin, Zone: d.Zone, Calendar: d.Calendar,
	}
}

// openEnded names the first section without which no two people can be matched.
func openEnded(d programme.Definition) string {
	switch {
	case d.Match == (programme.Match{}):
		return "match"
	case d.Agreement.Version == "":
		return "agreement"
	case d.Sessions.Max == 0:
		return "sessions"
	case d.Completion.Version == "":
		return "completion"
	}
	return ""
}

// criteria are those of an application's call, and who may not apply them.
func (l lookup) criteria(id application.ID, keys *[]string, u *application.Unbiased) error {
	d, _, err := l.definition(id.Cycle)
	if err != nil {
		return err
	}
	plan, _ := d.Call(id.Call)
	r, err := fold[review.State](l, review.ID(id).Stream())
	if err != nil {
		return err
	}
	*keys, u.Recused = plan.Keys(), r.Recused()
	return l.within(id.Cycle, &u.Over)
}

// allocated are the places of a cycle's programme.
func (l lookup) allocated(id string) (allocation.State, error) {
	_, plan, err := l.definition(id)
	if err != nil {
		return allocation.State{}, err
	}
	return fold[allocation.State](l, allocation.ID{Programme: plan.Programme}.Stream())
}

// retracting completes the retraction of an application with what it rests on.
func (l lookup) retracting(c *application.Retract) error {
	c.Begun = time.Time{} // it may be looked up again
	for r, err := range l.Store.ReadStream(l.ctx, c.Stream(), eventstore.ReadStream{}) {
		if errors.Is(err, eventstore.ErrStreamNotFound) {
			break
		} else if err != nil {
			return fmt.Errorf("what is retracted: %w", err)
		}
		env, err := schema.DecodeEnvelope(r.Metadata)
		switch {
		case err != nil:
			return fmt.Errorf("%s, revision %d: %w", r.Stream, r.Revision, err)
		case r.Name == "application.retracted":
			c.Begun = time.Time{}
		case r.Name == "submission.refused": // which it was, and stays
		case c.Begun.IsZero() || env.OccurredAt.Before(c.Begun):
			c.Begun = env.OccurredAt
		}
	}
	reviews, err := fold[review.State](l, review.ID(c.ID).Stream())
	if err != nil {
		return err
	}
	c.Given, c.Recused = reviews.Given(), reviews.Recused()
	return l.within(c.Cycle, &c.Over)
}

func (l lookup) phase(id application.ID) (application.Phase, error) {
	s, err := fold[application.State](l, id.Stream())
	return s.Phase(), err
}

func (l lookup) assessed(id application.ID, a *application.Assessed) error {
	r, err := fold[review.State](l, review.ID(id).Stream())
	if err != nil {
		return err
	}
	d, _, err := l.definition(id.Cycle)
	if err != nil {
		return err
	}
	a.Reviews, a.Recused, a.Needed = r.Recorded(), r.Recused(), d.Review.PerApplication
	return l.within(id.Cycle, &a.Over)
}

// places says which programme's places a cycle's are, and of which year.
func (l lookup) places(id *allocation.ID, f *allocation.For) error {
	_, plan, err := l.definition(f.Cycle)
	if err != nil {
		return err
	}
	if id.Programme != "" && id.Programme != plan.Programme {
		return allocation.ErrProgramme.Because(fmt.Sprintf("%s is %s's", f.Cycle, plan.Programme))
	}
	id.Programme, f.Year = plan.Programme, plan.Year
	return nil
}

// run completes what a run rests on. The pairs that there were are asked of
// the log, in every cycle; what mentors said of themselves when they joined
// counts where the command says nothing else.
func (l lookup) run(c *matching.Propose) error {
	d, _, err := l.definition(c.Cycle)
	if err != nil {
		return err
	}
	if c.Over, err = l.over(c.Cycle); err != nil {
		return err
	}
	places, err := l.allocated(c.Cycle)
	if err != nil {
		return err
	}
	c.Input = matching.Input{Plan: d.Matching.Plan(), Seed: c.Seed, Mentees: c.Mentees, Mentors: slices.Clone(c.Mentors), Bars: slices.Clone(c.Bars), Locks: c.Locks}
	c.Unplaced, c.Matched, c.Unknown, c.Crowded = nil, nil, nil, nil // it may be looked up again
	mentees, mentors, taken := map[domain.Person]bool{}, map[domain.Person]bool{}, map[domain.Person]int{}
	for _, m := range c.Mentees {
		mentees[m.Mentee] = true
		if _, ok := places.Holds(c.Cycle, m.Mentee); !ok {
			c.Unplaced = append(c.Unplaced, m.Mentee)
		}
	}
	for _, m := range c.Mentors {
		mentors[m.Mentor] = true
	}
	if len(c.Mentees)+len(c.Mentors) == 0 { // nobody's matches to look for
		return nil
	}
	err = l.matches("", func(id match.ID, m match.State) {
		pair := m.Pair()
		if open := !m.Phase().Over(); open {
			taken[pair.Mentor]++
			if id.Cycle == c.Cycle && mentees[pair.Mentee] {
				c.Matched = append(c.Matched, pair.Mentee)
			}
		}
		bar := matching.Bar{Mentee: pair.Mentee, Mentor: pair.Mentor, Rule: matching.PreviousPair}
		if mentees[bar.Mentee] && mentors[bar.Mentor] && !slices.Contains(c.Input.Bars, bar) {
			c.Input.Bars = append(c.Input.Bars, bar)
		}
	})
	if err != nil {
		return err
	}
	for i, m := range c.Mentors {
		pool, err := fold[mentor.State](l, mentor.ID{Mentor: m.Mentor}.Stream())
		if err != nil {
			return err
		}
		if !pool.Joined() {
			c.Unknown = append(c.Unknown, m.Mentor)
		}
		said := slices.ContainsFunc(m.Facts, func(f matching.Fact) bool { return f.Fact == "expertise" })
		if known := pool.Expertise(); len(known) > 0 && !said && c.Input.Uses("expertise") {
			c.Input.Mentors[i].Facts = append(slices.Clip(m.Facts), matching.Fact{Fact: "expertise", Codes: known})
		}
		switch room := max(pool.Capacity()-taken[m.Mentor], 0); {
		case m.Capacity == 0:
			c.Input.Mentors[i].Capacity = room
		case m.Capacity > room:
			c.Crowded = append(c.Crowded, matching.Mentor{Mentor: m.Mentor, Capacity: room})
		}
	}
	return nil
}

// matches visits the matches of a cycle, or of all, as they stand.
func (l lookup) matches(cycle string, visit func(match.ID, match.State)) error {
	prefix := "match-"
	if cycle != "" {
		prefix = match.ID{Cycle: cycle}.Stream()
	}
	seen := map[string]bool{}
	for r, err := range l.Store.ReadAll(l.ctx, eventstore.ReadAll{Prefixes: []string{prefix}}) {
		if err != nil {
			return fmt.Errorf("matches of %s: %w", cycle, err)
		}
		if seen[r.Stream] {
			continue
		}
		seen[r.Stream] = true
		m, err := fold[match.State](l, r.Stream)
		if err != nil {
			return err
		}
		visit(match.ParseStream(r.Stream), m)
	}
	return nil
}

// openItems lists in words what of a cycle is open: its calls, whoever waits for
// a decision, an answer or a place, and its matches. It asks the log, not a view:
// nothing is decided from a view.
func (l lookup) openItems(id string) (open []string, err error) {
	c, err := fold[cycle.State](l, cycle.ID{Cycle: id}.Stream())
	plan, ok := c.Plan()
	if err != nil || !ok || c.IsClosed() {
		return nil, err
	}
	d, _, err := l.definition(id)
	if err != nil {
		return nil, err
	}
	for _, plan := range d.Calls {
		s, err := fold[call.State](l, call.ID{Cycle: id, Call: plan.Call}.Stream())
		if err != nil {
			return nil, err
		}
		if !s.Opened().IsZero() && !s.IsClosed() {
			open = append(open, "the call for "+plan.Call)
		}
	}
	places, err := fold[allocation.State](l, allocation.ID{Programme: plan.Programme}.Stream())
	if err != nil {
		return nil, err
	}
	var matches []string
	err = l.matches(id, func(id match.ID, m match.State) {
		if !m.Phase().Over() {
			matches = append(matches, "match "+id.Match)
		}
	})
	if err != nil || l.brief && len(open)+len(matches) > 0 { // the applications of all cycles would have to be looked through
		return append(open, matches...), err
	}
	reserved, waiting := places.Pending(id)
	err = l.applications(id, func(s application.State) {
		of, phase, at := unnamed(who(s.ID().Person)), s.Phase(), func(h allocation.Holder) bool { return h.Call == s.ID().Call && h.Person == s.ID().Person }
		switch {
		case slices.ContainsFunc(reserved, at):
			open = append(open, "the offer to "+of)
		case slices.ContainsFunc(waiting, at):
			open = append(open, of+" waits in reserve")
		case phase == application.Submitted || phase == application.Eligible || phase == application.OnShortlist:
			open = append(open, "the application of "+of+" is "+string(phase))
		}
	})
	return append(open, matches...), err
}

// applications visits the applications of a cycle, as they stand.
func (l lookup) applications(in string, visit func(application.State)) error {
	seen := map[string]bool{}
	for r, err := range l.Store.ReadAll(l.ctx, eventstore.ReadAll{Prefixes: []string{"application-"}}) {
		if err != nil {
			return fmt.Errorf("applications of %s: %w", in, err)
		}
		if seen[r.Stream] {
			continue
		}
		seen[r.Stream] = true
		env, err := schema.DecodeEnvelope(r.Metadata)
		if err != nil {
			return fmt.Errorf("position %s: %w", r.Position, err)
		}
		if measure.BookOf(env.Book, "cycle") != in {
			continue
		}
		s, err := fold[application.State](l, r.Stream)
		if err != nil {
			return err
		}
		visit(s)
	}
	return nil
}

// figures evaluates every measure for a cycle over the whole log, and tells
// its last event.
func (l lookup) figures(id string) (string, []cycle.Figure, error) {
	c, err := remembered[cycle.State](l, cycle.ID{Cycle: id}.Stream())
	if err != nil {
		return "", nil, err
	}
	plan, ok := c.Plan()
	if !ok {
		return "", nil, cycle.ErrUnknown.Because(id)
	}
	scopes := map[string]string{"cycle": id, "year": measure.YearScope(plan.Programme, fmt.Sprint(plan.Year))}
	tally := measure.NewTally(measure.All)
	var last string
	for r, err := range l.Store.ReadAll(l.ctx, eventstore.ReadAll{}) {
		if err != nil {
			return "", nil, fmt.Errorf("figures of %s: %w", id, err)
		}
		fact, err := factOf(r)
		if err != nil {
			return "", nil, err
		}
		if err := tally.Add(fact); err != nil {
			return "", nil, err
		}
		last = fact.ID
	}
	figures := make([]cycle.Figure, len(measure.All))
	for i, m := range measure.All {
		figures[i] = cycle.Figure{Measure: m.Measure, Version: m.Version, Value: tally.Value(m, scopes[m.Scope])}
	}
	return last, figures, nil
}

// factOf is an event as measures see it.
func factOf(r eventstore.Recorded) (measure.Fact, error) {
	env, err := schema.DecodeEnvelope(r.Metadata)
	if err != nil {
		return measure.Fact{}, fmt.Errorf("position %s: %w", r.Position, err)
	}
	return measure.Fact{ID: env.ID, Name: r.Name, Stream: r.Stream, Book: env.Book, Body: r.Data}, nil
}
