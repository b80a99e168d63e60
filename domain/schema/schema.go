// Package schema holds every event name ever stored, and turns events into
// bytes and back. A name is for ever: a new form of an event gets a new name,
// and the old one an upcast to today's struct.
package schema

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/daybook-engine/daybook/domain/allocation"
	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/domain/call"
	"github.com/daybook-engine/daybook/domain/cycle"
	"github.com/daybook-engine/daybook/domain/digest"
	"github.com/daybook-engine/daybook/domain/gathering"
	"github.com/daybook-engine/daybook/domain/imports"
	"github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/domain/matching"
	"github.com/daybook-engine/daybook/domain/mentor"
	"github.com/daybook-engine/daybook/domain/message"
	"github.com/daybook-engine/daybook/domain/organisation"
	"github.com/daybook-engine/daybook/domain/person"
	"github.com/daybook-engine/daybook/domain/policy"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/retention"
	"github.com/daybook-engine/daybook/domain/review"
	"github.com/daybook-engine/daybook/domain/task"
)

// ErrUnknown is the answer to a name that is not in the list: the log was
// written by a newer Daybook, or is not one of Daybook's.
var ErrUnknown = errors.New("unknown event name")

// Names are stored; never change or reuse one.
var list = []entry{
	now[organisation.Registered]("organisation.registered"),
	now[organisation.MembershipRecorded]("membership.recorded"),

	now[person.Registered]("person.registered"),
	now[person.NameSet]("name.set"),
	now[person.EmailSet]("email.set"),
	now[person.LanguageSet]("language.set"),
	now[person.ErasureStarted]("erasure.started"),
	now[person.ErasureCompleted]("erasure.completed"),

	now[programme.DefinitionPublished]("definition.published"),

	now[cycle.Planned]("cycle.planned"),
	now[cycle.DefinitionMoved]("definition.moved"),
	now[cycle.StageScheduled]("stage.scheduled"),
	now[cycle.Closed]("cycle.closed"),
	now[cycle.FiguresSealed]("figures.sealed"),

	now[call.Opened]("call.opened"),
	now[call.NoticePublished]("notice.published"),
	now[call.DeadlineExtended]("deadline.extended"),
	now[call.PermitGranted]("permit.granted"),
	now[call.Closed]("call.closed"),

	now[application.DraftStarted]("draft.started"),
	now[application.DraftExpired]("draft.expired"),
	now[application.Received]("application.received"),
	now[application.SubmissionRefused]("submission.refused"),
	now[application.Withdrawn]("application.withdrawn"),
	now[application.Retracted]("application.retracted"),
	now[application.NominationReceived]("nomination.received"),
	now[application.NominationLapsed]("nomination.lapsed"),
	now[application.EligibilityConfirmed]("eligibility.confirmed"),
	now[application.EligibilityFailed]("eligibility.failed"),
	now[application.Shortlisted]("application.shortlisted"),
	now[application.PassedOver]("application.passed_over"),
	now[application.Selected]("application.selected"),
	now[application.Reserved]("application.reserved"),
	now[application.Declined]("application.declined"),
	now[application.OfferMade]("offer.made"),
	now[application.OfferAccepted]("offer.accepted"),
	now[application.OfferDeclined]("offer.declined"),
	now[application.OfferLapsed]("offer.lapsed"),

	now[review.Assigned]("review.assigned"),
	now[review.Opened]("review.opened"),
	now[review.ConflictDeclared]("conflict.declared"),
	now[review.Recused]("reviewer.recused"),
	now[review.AccessRefused]("access.refused"),
	now[review.Recorded]("review.recorded"),

	now[allocation.QuotaSet]("quota.set"),
	now[allocation.PlaceReserved]("place.reserved"),
	now[allocation.PlaceRefused]("place.refused"),
	now[allocation.PlaceFilled]("place.filled"),
	now[allocation.PlaceReleased]("place.released"),
	now[allocation.ReserveRanked]("reserve.ranked"),
	now[allocation.RankRefused]("rank.refused"),
	now[allocation.ReservePromoted]("reserve.promoted"),
	now[allocation.ReserveWithdrawn]("reserve.withdrawn"),
	now[allocation.ReserveReleased]("reserve.released"),

	now[mentor.Joined]("mentor.joined"),
	now[mentor.Engaged]("mentor.engaged"),
	now[mentor.EngagementRefused]("engagement.refused"),
	now[mentor.Freed]("mentor.freed"),

	now[matching.Proposed]("matching.proposed"),

	now[match.Proposed]("match.proposed"),
	now[match.Accepted]("match.accepted"),
	now[match.Declined]("match.declined"),
	now[match.Made]("match.made"),
	now[match.Unwound]("match.unwound"),
	now[match.AgreementSigned]("agreement.signed"),
	now[match.AgreementInForce]("agreement.in_force"),
	now[match.ContactMade]("contact.made"),
	now[match.ContactOverdue]("contact.overdue"),
	now[match.SessionScheduled]("session.scheduled"),
	now[match.SessionRescheduled]("session.rescheduled"),
	now[match.SessionCancelled]("session.cancelled"),
	now[match.SessionMissed]("session.missed"),
	now[match.SessionHeld]("session.held"),
	now[match.SessionCorrected]("session.corrected"),
	now[match.SessionRetracted]("session.retracted"),
	now[match.ReflectionFiled]("reflection.filed"),
	now[match.Completed]("match.completed"),
	now[match.CompletionWaived]("completion.waived"),
	now[match.Ended]("match.ended"),

	now[gathering.Announced]("gathering.announced"),
	now[gathering.Rescheduled]("gathering.rescheduled"),
	now[gathering.Cancelled]("gathering.cancelled"),
	now[gathering.AttendanceRecorded]("attendance.recorded"),
	now[gathering.AttendanceCorrected]("attendance.corrected"),

	now[retention.Expired]("retention.expired"),
	now[retention.Extended]("retention.extended"),

	now[policy.Started]("policy.started"),
	now[policy.Parked]("policy.parked"),
	now[policy.Retried]("policy.retried"),
	now[policy.Skipped]("policy.skipped"),
	now[policy.Repaired]("policy.repaired"),
	now[message.Queued]("message.queued"),
	now[message.Claimed]("message.claimed"),
	now[message.Sent]("message.sent"),
	now[message.Failed]("message.failed"),
	now[message.Unknown]("message.unknown"),
	now[message.Delayed]("message.delayed"),
	now[message.Withdrawn]("message.withdrawn"),
	now[task.Opened]("task.opened"),
	now[task.Claimed]("task.claimed"),
	now[task.Released]("task.released"),
	now[task.Delegated]("task.delegated"),
	now[task.Reminded]("task.reminded"),
	now[task.Escalated]("task.escalated"),
	now[task.Completed]("task.completed"),
	now[task.Reopened]("task.reopened"),
	now[task.Expired]("task.expired"),
	now[task.Withdrawn]("task.withdrawn"),
	now[digest.Queued]("digest.queued"),
	now[imports.Started]("import.started"),
	now[imports.Finished]("import.finished"),
	now[imports.Reverted]("import.reverted"),
}

type entry struct {
	name   string
	form   reflect.Type
	decode func([]byte) (any, error)
}

// now lists an event in its present form. An older form will be listed with
// an upcast beside it.
func now[E any](name string) entry {
	return entry{name, reflect.TypeFor[E](), func(body []byte) (any, error) {
		var e E
		err := Unmarshal(body, &e)
		return e, err
	}}
}

var (
	byName = index(func(e entry) string { return e.name })
	byForm = index(func(e entry) reflect.Type { return e.form })
)

func index[K comparable](key func(entry) K) map[K]entry {
	m := make(map[K]entry, len(list))
	for _, e := range list {
		m[key(e)] = e
	}
	return m
}

// Names lists every name, in the order of the list.
func Names() []string {
	names := make([]string, len(list))
	for i, e := range list {
		names[i] = e.name
	}
	return names
}

// Knows tells whether a name is in the list.
func Knows(name string) bool { _, ok := byName[name]; return ok }

// Name is the name under which an event is stored.
func Name(event any) (string, error) {
	e, ok := byForm[reflect.TypeOf(event)]
	if !ok {
		return "", fmt.Errorf("%T is not in the schema", event)
	}
	return e.name, nil
}

// Encode gives an event's name and body.
func Encode(event any) (name string, body []byte, err error) {
	if name, err = Name(event); err != nil {
		return "", nil, err
	}
	if body, err = Marshal(event); err != nil {
		return "", nil, fmt.Errorf("encode %s: %w", name, err)
	}
	return name, body, nil
}

// Decode gives an event back in today's form.
func Decode(name string, body []byte) (any, error) {
	e, ok := byName[name]
	if !ok {
		return nil, fmt.Errorf("%w %q", ErrUnknown, name)
	}
	event, err := e.decode(body)
	if err != nil {
		return nil, fmt.Errorf("decode %s: %w", name, err)
	}
	return event, nil
}
