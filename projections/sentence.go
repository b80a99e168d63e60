package projections

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/allocation"
	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/domain/call"
	"github.com/daybook-engine/daybook/domain/cycle"
	digests "github.com/daybook-engine/daybook/domain/digest"
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
	"github.com/daybook-engine/daybook/domain/schema"
	tasks "github.com/daybook-engine/daybook/domain/task"
	"github.com/daybook-engine/daybook/domain/when"
)

// token stands for a person's name in a sentence.
func token(p domain.Person) string { return "{person:" + string(p) + "}" }

// sealed stands for words that the vault has, in the same way.
func sealed(d domain.Digest) string {
	if d == "" {
		return ""
	}
	return "{sealed:" + string(d) + "}"
}

// fewPairs of a run are told in its sentence; events have all.
const fewPairs = 20

// organised stands for an organisation's name, in the same way.
func organised(slug string) string { return "{organisation:" + slug + "}" }

var (
	tokens        = regexp.MustCompile(`\{person:([^}]*)\}`)
	organisations = regexp.MustCompile(`\{organisation:([^}]*)\}`)
	texts         = regexp.MustCompile(`\{sealed:([^}]*)\}`)
)

// Named puts names in the place of a sentence's tokens.
func Named(sentence string, name func(domain.Person) string) string {
	return tokens.ReplaceAllStringFunc(sentence, func(t string) string {
		return name(domain.Person(tokens.FindStringSubmatch(t)[1]))
	})
}

// Organised puts names in the place of the tokens of organisations: those of
// tasks have some.
func Organised(sentence string, name func(slug string) string) string {
	return organisations.ReplaceAllStringFunc(sentence, func(t string) string {
		return name(organisations.FindStringSubmatch(t)[1])
	})
}

// Revealed puts words in the place of the tokens of texts in what something was,
// or is: a name has some. In what other events say a token is somebody's words,
// who would see by it a text that is not for them.
func Revealed(event, told string, reveal func(digest string) string) string {
	if event != "name.set" {
		return told
	}
	return texts.ReplaceAllStringFunc(told, func(t string) string {
		return reveal(texts.FindStringSubmatch(t)[1])
	})
}

// Doer says what part of the engine acted, where it was no person: an
// envelope's actor is the clock, a policy's name or the eraser.
func Doer(actor string) string {
	if words, ok := doers[actor]; ok {
		return words
	}
	rule := actor[:max(strings.LastIndex(actor, "-"), 0)] // a policy that answers several events is named after each
	return cmp.Or(doers[rule], words(actor))
}

var doers = map[string]string{
	"clock":                  "the clock",
	"eraser":                 "the vault",
	"mail":                   "the mail",
	"tell-by-message":        "the policy that queues messages",
	"rank-the-reserve":       "the policy that ranks the reserve",
	"offer-a-reserved-place": "the policy that offers a reserved place",
	"fill-the-place":         "the policy that fills a place when its offer is accepted",
	"release-the-place":      "the policy that frees a place",
	"engage-the-mentor":      "the policy that takes up a mentor's room",
	"make-the-match":         "the policy that makes the match when both have accepted",
	"free-the-mentor":        "the policy that frees a mentor's room",
	"seal-the-figures":       "the policy that seals the figures",
	"policies":               "the policies",
	"withdraw-the-message":   "the policy that withdraws messages",
	"open-the-task":          "the policy that opens tasks",
	"release-the-task":       "the policy that takes a task from who has a conflict of interest",
	"complete-the-task":      "the policy that completes a task when what it asks for has happened",
	"withdraw-the-task":      "the policy that withdraws a task when what it is about is over",
	"queue-the-digest":       "the policy that queues a day's reminders",
}

// Sentence says an event in plain words, and what it changed from and to,
// where it changed something. People are tokens, {person:<id>}: views hold no
// names, and pages put them in with Named. A body that isn't there is decoded
// from the event's data.
func Sentence(e Event) (sentence, before, after string) {
	body := e.Body
	if body == nil {
		var err error
		if body, err = schema.Decode(e.Envelope.Name, e.Data); err != nil {
			return e.Envelope.Name, "", ""
		}
	}
	about := func(i int, otherwise string) string {
		if i < len(e.Envelope.Subjects) {
			return token(e.Envelope.Subjects[i])
		}
		return otherwise
	}
	who := about(0, "the applicant")
	mail := say("A message to %s", about(0, "somebody"))
	if e.about.Key != "" {
		mail = say("The message “%s” to %s", words(e.about.Key), token(e.about.Recipient))
	}
	side := func(s string) string { return about(slices.Index([]string{match.Mentee, match.Mentor}, s), "the "+s) }
	if len(e.Envelope.Subjects) < 2 { // of a match, both sides or it isn't known which
		side = func(s string) string { return "the " + s }
	}
	switch b := body.(type) {
	case organisation.Registered:
		return say("%s was registered as %s", b.Name, article(b.Kind)), "", ""
	case organisation.MembershipRecorded:
		return say("It belongs to the network %s", b.Network), "", ""
	case person.ErasureStarted:
		return say("The erasure of %s was approved by %s", about(0, "a person"), token(b.Approver)), "", ""
	case person.ErasureCompleted:
		return say("Everything personal about %s was destroyed: %s", about(0, "a person"), plural(b.Texts, "text")), "", ""
	case person.Registered:
		return say("%s was registered with %s", token(b.Person), b.Register), "", ""
	case person.NameSet:
		return say("The name of %s was corrected", about(0, "a person")), sealed(b.Was), sealed(b.Name.Digest)
	case person.EmailSet:
		return say("The e-mail address of %s was set", about(0, "a person")), "", ""
	case person.LanguageSet:
		return say("%s is written to in %s from now on", about(0, "A person"), cmp.Or(b.Language, "no language in particular")), "", ""
	case programme.DefinitionPublished:
		return say("A definition of %s was published", b.Definition.Title), "", short(b.Hash)

	case cycle.Planned:
		return say("%s was planned, %s to %s", b.Title, b.From.Words(), b.To.Words()), "", ""
	case cycle.DefinitionMoved:
		return say("The cycle moved to another version of its definition: %s, %s on what is under way", plural(b.Changes, "change"), plural(b.Effects, "effect")), short(b.From), short(b.To)
	case cycle.StageScheduled:
		if b.To == "" {
			return say("The stage “%s” is on %s", words(b.Stage), b.From.Words()), "", b.Published
		}
		return say("The stage “%s” lasts from %s to %s", words(b.Stage), b.From.Words(), b.To.Words()), "", b.Published
	case cycle.Closed:
		return "The cycle was closed", "", ""
	case cycle.FiguresSealed:
		stood := "when the cycle closed"
		if b.After != e.Envelope.Causation { // something else was recorded meanwhile
			stood = "after event " + b.After
		}
		return say("The figures were sealed, %d of them, as they stood %s", len(b.Figures), stood), "", ""

	case call.Opened:
		return say("The call for %ss opened: %s", b.Role, worded(b.Deadline)), "", deadline(b.Deadline)
	case call.NoticePublished:
		return say("The call was made known at %s: %q", b.Where, b.Text), "", ""
	case call.DeadlineExtended:
		if b.OnlyWorded() {
			return say("The wording of the deadline was corrected from “%s” to “%s”; it stays %s", b.Was.Published, b.Now.Published, deadline(b.Now)), b.Was.Published, b.Now.Published
		}
		return say("The deadline was moved from %s to %s", worded(b.Was), worded(b.Now)), deadline(b.Was), deadline(b.Now)
	case call.PermitGranted:
		return say("%s may submit until %s %s", token(b.Person), clock(b.Local), b.Zone), "", b.Local + " " + b.Zone
	case call.Closed:
		return "The call closed" + fired(b.Timer), "open", "closed"

	case application.DraftStarted:
		return say("%s began an application", token(b.Person)), "", "draft"
	case application.DraftExpired:
		return say("The draft of %s expired unsent%s%s", who, fired(b.Timer), unsure(b.Timer.Calendar, b.Unsure)), "draft", "expired"
	case application.Received:
		if b.Late {
			return say("The application of %s was received after the deadline, by permission until %s%s", who, instant(b.Permit, b.Deadline.Zone), unsure(b.Calendar, b.Unsure)), "", "submitted, late"
		}
		return say("The application of %s was received in time (%s)%s", who, deadline(b.Deadline), unsure(b.Calendar, b.Unsure)), "", "submitted"
	case application.SubmissionRefused:
		detail := ""
		switch {
		case len(b.Missing) > 0:
			detail = ", missing: " + list(b.Missing)
		case b.Deadline.Rule != "":
			detail = " (" + deadline(b.Deadline) + ")"
		}
		return say("A submission by %s was refused: %s%s", who, words(b.Code), detail), "", ""
	case application.Withdrawn:
		return say("The application of %s was withdrawn", who), "", "withdrawn"
	case application.Retracted:
		return say("The application of %s was recorded by mistake, and is retracted", who), "", "retracted"
	case application.NominationReceived:
		return say("The nomination of %s was confirmed", who), "", ""
	case application.NominationLapsed:
		return say("The nomination of %s lapsed unconfirmed%s", who, fired(b.Timer)), "", ""
	case application.EligibilityConfirmed:
		return say("%s is eligible: %s", who, list(b.Criteria)), "submitted", "eligible"
	case application.EligibilityFailed:
		return say("%s is not eligible: %s not met", who, list(b.Failed)), "submitted", "ineligible"
	case application.Shortlisted:
		return say("%s was shortlisted", who), "eligible", "shortlisted"
	case application.PassedOver:
		return say("%s was not shortlisted", who), "eligible", "not shortlisted"
	case application.Selected:
		return say("%s was selected, on %s", who, plural(len(b.Reviews), "review")), "shortlisted", "selected"
	case application.Reserved:
		return say("%s was put in reserve with rank %d, on %s", who, b.Rank, plural(len(b.Reviews), "review")), "shortlisted", "in reserve"
	case application.Declined:
		return say("%s was declined, on %s", who, plural(len(b.Reviews), "review")), "shortlisted", "declined"
	case application.OfferMade:
		return say("%s was offered a place, to answer by %s%s", who, instant(b.ReplyBy, b.Zone), unsure(b.Calendar, b.Unsure)), "", "offered"
	case application.OfferAccepted:
		return say("%s accepted the offer", who), "offered", "accepted"
	case application.OfferDeclined:
		return say("%s declined the offer", who), "offered", "offer declined"
	case application.OfferLapsed:
		return say("The offer to %s lapsed unanswered%s", who, fired(b.Timer)), "offered", "offer lapsed"

	case review.Assigned:
		return say("%s was asked to review the application of %s", token(b.Reviewer), token(b.Applicant)), "", ""
	case review.Opened:
		return say("%s opened the application of %s", token(b.Reviewer), who), "", ""
	case review.ConflictDeclared:
		return say("%s declared a conflict of interest with %s: %s", token(b.Reviewer), who, words(b.Conflict)), "", ""
	case review.Recused:
		return say("%s no longer reviews the application of %s", token(b.Reviewer), who), "", ""
	case review.AccessRefused:
		verb := map[string]string{"review.open": "open", "review.record": "review"}[b.Command]
		why := ": " + words(b.Code)
		if b.Code == review.ErrRecused.Code {
			why = " because of a declared conflict"
		}
		return say("%s was not allowed to %s the application of %s%s", token(b.Reviewer), cmp.Or(verb, "judge"), who, why), "", ""
	case review.Recorded:
		scores := make([]string, len(b.Scores))
		for i, s := range b.Scores {
			scores[i] = say("%s %d", words(s.Criterion), s.Value)
		}
		return say("%s reviewed the application of %s and recommends to %s: %s", token(b.Reviewer), who, b.Recommendation, list(scores)), "", ""

	case allocation.QuotaSet:
		return say("The quota %s was set to %s per %s", b.Quota, plural(b.Limit, "place"), b.Per), "", strconv.Itoa(b.Limit)
	case allocation.PlaceReserved:
		return say("A place was reserved for %s", token(b.Person)), "", "reserved"
	case allocation.PlaceRefused:
		return say("Place refused to %s: every place is taken (%s)", token(b.Person), b.Words()), "", ""
	case allocation.PlaceFilled:
		return say("%s has a place", token(b.Person)), "reserved", "filled"
	case allocation.PlaceReleased:
		return say("The place of %s came free", token(b.Person)), "", "released"
	case allocation.ReserveRanked:
		return say("%s waits in reserve with rank %d", token(b.Person), b.Rank), "", ""
	case allocation.RankRefused:
		return say("%s was not given rank %d in reserve: another application waits with it", token(b.Person), b.Rank), "", ""
	case allocation.ReservePromoted:
		return say("%s moved up from the reserve, rank %d", token(b.Person), b.Rank), "in reserve", "promoted"
	case allocation.ReserveReleased:
		return say("%s was released from the reserve, rank %d: no place came free", token(b.Person), b.Rank), "in reserve", "released"
	case allocation.ReserveWithdrawn:
		return say("%s left the reserve", token(b.Person)), "in reserve", "withdrawn"

	case mentor.Joined:
		return say("%s joined the pool of %s, with room for %s", token(b.Mentor), b.Pool, rooms(b.Capacity)), "", ""
	case mentor.Engaged:
		return say("%s gives room to match %s", about(0, "the mentor"), b.Match), "", ""
	case mentor.EngagementRefused:
		return say("Match %s waits for %s, who has room for no more than %s", b.Match, about(0, "the mentor"), rooms(b.Capacity)), "", ""
	case mentor.Freed:
		return say("%s has room again after match %s", about(0, "the mentor"), b.Match), "", ""

	case matching.Proposed:
		text := say("Run %s, by %s, proposes matches for %d of %s with %s", b.Run, words(b.Result.Algorithm), len(b.Result.Pairs), plural(len(b.Input.Mentees), "mentee"), plural(len(b.Input.Mentors), "mentor"))
		for i, p := range b.Result.Pairs {
			if i == fewPairs {
				text += say(", and %d more", len(b.Result.Pairs)-i)
				break
			}
			text += [2]string{": ", ", "}[min(i, 1)] + say("%s with %s (%d)", token(p.Mentee), token(p.Mentor), p.Score)
		}
		return text, "", ""

	case match.Proposed:
		run := ""
		switch {
		case b.Override:
			run = say(", which overrides run %s", b.Run)
		case b.Run != "":
			run = say(", as run %s has it", b.Run)
		}
		return say("A match of %s with mentor %s was proposed%s%s", token(b.Mentee), token(b.Mentor), replacing(b.Previous), run), "", "proposed"
	case match.Accepted:
		both := ""
		if b.Both {
			both = ", as the other side had"
		}
		return say("%s (%s) accepted the match%s", side(b.Side), b.Side, both), "", ""
	case match.Declined:
		return say("%s (%s) declined the match", side(b.Side), b.Side), "proposed", "declined"
	case match.Made:
		return say("%s and mentor %s were matched%s%s", token(b.Mentee), token(b.Mentor), replacing(b.Previous), unsure(b.Calendar, b.Unsure)), "proposed", "made"
	case match.Unwound:
		fault := ""
		if b.NoFault {
			fault = ", through nobody's fault"
		}
		return "The match was unwound" + fault, "made", "unwound"
	case match.AgreementSigned:
		return say("%s (%s) signed the agreement, version %s", side(b.Side), b.Side, b.Version), "", ""
	case match.AgreementInForce:
		return say("The agreement is in force, version %s", b.Version), "", "in force"
	case match.ContactMade:
		return say("%s (%s) made first contact", side(b.Side), b.Side), "", ""
	case match.ContactOverdue:
		return "First contact is overdue" + fired(b.Timer), "", "overdue"
	case match.SessionScheduled:
		return say("Session %d was scheduled for %s", b.Session, slot(b.Slot)), "", slot(b.Slot)
	case match.SessionRescheduled:
		return say("Session %d was moved from %s to %s", b.Session, slot(b.Was), slot(b.Now)), slot(b.Was), slot(b.Now)
	case match.SessionCancelled:
		return say("Session %d was cancelled", b.Session), "scheduled", "cancelled"
	case match.SessionMissed:
		notice := "without notice"
		if b.Notice {
			notice = "with notice"
		}
		return say("Session %d was missed by %s (%s), %s", b.Session, side(b.Side), b.Side, notice), "scheduled", "missed"
	case match.SessionHeld:
		return say("Session %d was held: %s", b.Session, held(b)), "", "held"
	case match.SessionCorrected:
		return say("The record of session %d was corrected: %s", b.Session, held(match.SessionHeld(b))), "", held(match.SessionHeld(b))
	case match.SessionRetracted:
		return say("The record of session %d was a mistake, and is retracted", b.Session), "held", "retracted"
	case match.ReflectionFiled:
		on := "a final reflection"
		if b.Kind == "session" {
			on = say("a reflection on session %d", b.Session)
		}
		kept := ""
		if b.SHA256 != "" {
			kept = ", which stay with them"
		}
		return say("%s (%s) filed %s, %s%s", side(b.Side), b.Side, on, plural(b.Words, "word"), kept), "", ""
	case match.Completed:
		if b.Basis == "waiver" {
			return "The match was completed by waiver", "made", "completed"
		}
		return say("The match was completed by rule, on %s", plural(len(b.Sessions), "conforming session")), "made", "completed"
	case match.CompletionWaived:
		return say("The completion rule was waived; unmet: %s", b.Unmet), b.Unmet, "waived"
	case match.Ended:
		return "The match ended early", "made", "ended early"

	case retention.Expired:
		return say("What is known about %s was kept long enough, and is to be erased (%s)", token(b.Person), kept(b.Rule)), "", ""
	case retention.Extended:
		return say("What is known about %s is kept on until %s %s", token(b.Person), clock(b.Local), b.Zone), "", ""
	case gathering.Announced:
		return say("“%s” (%s) was announced for %s %s, %s, %d minutes", b.Title, words(b.Stage), clock(b.Slot.Local), b.Slot.Zone, words(b.Slot.Mode), b.Slot.Minutes), "", "announced"
	case gathering.Rescheduled:
		return say("The gathering was moved to %s %s, %s, %d minutes", clock(b.Now.Local), b.Now.Zone, words(b.Now.Mode), b.Now.Minutes), b.Was.Local + " " + b.Was.Zone, b.Now.Local + " " + b.Now.Zone
	case gathering.Cancelled:
		return "The gathering was called off", "announced", "called off"
	case gathering.AttendanceRecorded:
		return say("%s was there, at %s, for %d minutes%s", token(b.Person), words(b.Stage), b.Minutes, nonconforming(b.Nonconformities)), "", "present"
	case gathering.AttendanceCorrected:
		if !b.Present {
			return say("The record was corrected: %s was not there, at %s", token(b.Person), words(b.Stage)), "present", "absent"
		}
		return say("The record was corrected: %s was there, at %s, for %d minutes", token(b.Person), words(b.Stage), b.Minutes), "", "present"
	case policy.Started:
		what := "from here on"
		if b.After == "" {
			what = "to everything from the beginning"
		}
		return say("These policies react %s: %s", what, list(b.Policies)), "", ""
	case policy.Parked:
		return capital(Doer(b.Policy)) + " was stopped before " + b.Stream + " by a fault: " + Fault(b.Fault), "at work", "parked"
	case policy.Retried:
		return capital(Doer(b.Policy)) + " is to try again with " + b.Stream, "parked", "at work"
	case policy.Skipped:
		return capital(Doer(b.Policy)) + " is to pass by one event of " + b.Stream, "parked", "at work"
	case policy.Repaired:
		who := make([]string, len(b.People))
		for i, p := range b.People {
			who[i] = token(p)
		}
		about := ""
		if len(who) > 0 {
			about = ", for " + strings.Join(who, " and ")
		}
		return say("Somebody does in the stead of %s: “%s”%s", Doer(b.Policy), told(b.Command), about), "parked", "at work"
	case message.Queued:
		if b.Attempt > 1 {
			return say("The message “%s” to %s was queued again, attempt %d", words(b.Key), token(b.Recipient), b.Attempt), "", "queued"
		}
		return say("The message “%s” to %s was queued, on %s", words(b.Key), token(b.Recipient), told(b.Event)), "", "queued"
	case message.Claimed:
		return say("%s is about to be sent", mail), "queued", "being sent"
	case message.Delayed:
		return say("%s waits: %s", mail, Unsent(b.Why)), "", ""
	case message.Sent:
		if b.File {
			return say("%s was written to a file", mail), "being sent", "written to a file"
		}
		if b.Settled {
			return say("%s arrived after all", mail), "unknown", "sent"
		}
		return say("%s was sent", mail), "being sent", "sent"
	case message.Failed:
		if b.Why == message.NotArrived {
			return say("%s did not arrive", mail), "unknown", "failed"
		}
		next := ""
		if !b.Again.IsZero() {
			next = say("; it is tried again at %s", instant(b.Again, cmp.Or(e.zone, "UTC")))
		}
		return say("%s was not sent: %s%s", mail, Unsent(b.Why), next), "", "failed"
	case message.Unknown:
		return say("It is not known whether %s was sent", strings.ToLower(mail[:1])+mail[1:]), "being sent", "unknown"
	case message.Withdrawn:
		why := ""
		if b.Why != "" && b.Why != e.Envelope.Reason { // which is told with who did it
			why = ": " + words(b.Why)
		}
		return say("%s was withdrawn%s", mail, why), "", "withdrawn"
	case tasks.Opened:
		return say("%s has to do: %s%s", begin(doing(b.Person, b.Role)), b.Plan.Text, concerning(b.About)) + day(", by ", b.Due, b.Zone), "", "open"
	case tasks.Claimed:
		return say("%s took up the task “%s”%s", token(b.Person), words(b.Key), concerning(b.About)), "", ""
	case tasks.Released:
		return say("%s has the task “%s”%s no longer, because of a declared conflict", token(b.Person), words(b.Key), concerning(b.About)), "", ""
	case tasks.Delegated:
		if b.To == b.Of {
			return say("%s has the task “%s”%s again", token(b.Of), words(b.Key), concerning(b.About)), "", ""
		}
		return say("The task “%s”%s was handed on by %s to %s", words(b.Key), concerning(b.About), token(b.Of), token(b.To)) + day(" from ", b.From, b.Zone) + day(" until ", b.Until, b.Zone), "", ""
	case tasks.Reminded:
		return say("%s is reminded of the task “%s”%s", begin(doing(b.Person, b.Role)), cmp.Or(b.Text, words(b.Key)), concerning(b.About)) + day(", due ", b.Due, b.Zone) + reminding(b) + fired(b.Timer), "", ""
	case tasks.Escalated:
		return say("The task “%s”%s is overdue, and open to the %s, too", words(b.Key), concerning(b.About), b.To) + fired(b.Timer), "", "escalated"
	case tasks.Completed:
		if b.Event != "" {
			return say("The task “%s”%s is done: %s", words(b.Key), concerning(b.About), words(strings.ReplaceAll(b.Event, ".", " "))), "open", "completed"
		}
		return say("%s did the task “%s”%s", token(b.Person), words(b.Key), concerning(b.About)), "open", "completed"
	case tasks.Reopened:
		return say("The task “%s”%s is to be done again", words(b.Key), concerning(b.About)) + day(", by ", b.Due, b.Zone), "", "open"
	case tasks.Expired:
		return say("The task “%s”%s expired: nobody did it", words(b.Key), concerning(b.About)) + fired(b.Timer), "open", "expired"
	case tasks.Withdrawn:
		return say("Nobody has to do the task “%s”%s any more: %s", words(b.Key), concerning(b.About), words(strings.ReplaceAll(b.Event, ".", " "))), "open", "withdrawn"
	case imports.Started:
		return say("A spreadsheet of %s was brought in, %s", b.Kind, plural(b.Rows, "row")), "", ""
	case imports.Finished:
		return say("Of the spreadsheet's rows, %d recorded something, %d said what was so already, %d were refused, %d are left to a person", b.Recorded, b.Already, b.Refused, b.Asked), "", ""
	case imports.Reverted:
		return say("What the spreadsheet brought in was taken back: %s undone, %d left as they are", plural(b.Undone, "event"), b.Left), "", ""
	case digests.Queued:
		return say("What %s is reminded of on %s is put together", doing(b.For.Person, b.For.Role), b.Day), "", ""
	}
	return e.Envelope.Name, "", "" // not reached: a test asks for every name
}

// Fault says why a policy could not answer an event.
func Fault(code string) string { return cmp.Or(faults[code], words(code)) }

var faults = map[string]string{
	"unreadable":     "the event cannot be read",
	"lookup":         "what it must know cannot be found",
	"command":        "its command could neither be carried out nor refused",
	"panic":          "a mistake in the program",
	"repair_refused": "what was to be done in its stead was refused",
}

// capital begins a sentence.
func capital(s string) string { return strings.ToUpper(s[:min(len(s), 1)]) + s[min(len(s), 1):] }

// doing is who has something to do: one person, or anybody in a role.
func doing(p domain.Person, role string) string {
	if p == "" {
		return "a " + role
	}
	return token(p)
}

// begin begins a sentence; a token is no word, and stays as it is.
func begin(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// concerning says what a task is about.
func concerning(a tasks.About) string {
	switch {
	case a.Session > 0:
		return say(", session %d of match %s", a.Session, a.Match)
	case a.Match != "":
		return ", match " + a.Match
	case a.Person != "":
		return ", application of " + token(a.Person)
	case a.Call != "":
		return ", call " + a.Call
	}
	return ""
}

// reminding says why a reminder goes out when it does.
func reminding(b tasks.Reminded) string {
	if b.Number == 0 { // an event of before that was kept
		return ""
	}
	rule := "when it is due"
	if b.Before != (when.Offset{}) {
		rule = tasks.Earlier(b.Before).Words()
	}
	return say(": %s; reminder %d of at most %d", rule, b.Number, b.AtMost) + day("; at the last one it was due ", b.Was, b.Zone)
}

// day says a time, where there is one, in a zone; in UTC where none is known.
func day(before string, t time.Time, zone string) string {
	if t.IsZero() {
		return ""
	}
	if zone == "" {
		zone = "UTC"
	}
	loc, err := when.Zone(zone)
	if err != nil {
		loc, zone = time.UTC, "UTC"
	}
	return before + t.In(loc).Format("Mon 2 Jan 2006 15:04 ") + zone
}

// worded is a deadline with the words in which people were told it.
func worded(d when.Deadline) string {
	if d.Published == "" {
		return deadline(d)
	}
	return say("%s, published as “%s”", deadline(d), d.Published)
}

// deadline is what a deadline's rule says.
func deadline(d when.Deadline) string {
	return string(d.Rule) + " " + clock(d.Local) + " " + d.Zone
}

// clock puts a local time as people read it.
func clock(local string) string {
	t, err := time.Parse("2006-01-02T15:04", local)
	if err != nil {
		return local
	}
	return t.Format("Mon 2 Jan 2006 15:04")
}

// instant is a time in the zone in which it was promised.
func instant(t time.Time, zone string) string {
	loc, err := when.Zone(zone)
	if err != nil {
		loc, zone = time.UTC, "UTC"
	}
	return t.In(loc).Format("Mon 2 Jan 2006 15:04") + " " + zone
}

func slot(s match.Slot) string {
	return clock(s.Local) + " " + s.Zone + ", " + words(s.Mode)
}

func held(b match.SessionHeld) string {
	text := plural(b.Minutes, "minute") + ", " + words(b.Mode)
	text += nonconforming(b.Nonconformities)
	return text
}

func nonconforming(codes []string) string {
	if len(codes) == 0 {
		return ""
	}
	return "; does not conform: " + Nonconforming(codes)
}

// Nonconforming says in which ways a session does not conform.
func Nonconforming(codes []string) string {
	says := make([]string, len(codes))
	for i, code := range codes {
		says[i] = cmp.Or(nonconformities[code], words(code))
	}
	return strings.Join(says, ", ")
}

var nonconformities = map[string]string{
	"before_agreement":    "before the agreement was in force",
	"under_min_duration":  "shorter than planned",
	"over_max_duration":   "longer than planned",
	"over_max_sessions":   "one more than planned",
	"outside_plan_mode":   "in a mode outside the plan",
	"after_match_end":     "after the match was over",
	"not_active":          "while the match was not active",
	"gathering_cancelled": "although it had been called off",
	"after_completion":    "the match was completed with it",
	"after_cycle_close":   "recorded after the cycle closed",
}

// told is an event's name in words: an offer made is "offer made".
func told(event string) string { return words(strings.ReplaceAll(event, ".", " ")) }

// Unsent says why a message was not sent.
func Unsent(why string) string { return cmp.Or(unsent[why], words(why)) }

var unsent = map[string]string{
	"away":         "the mail server is away, or takes nothing from us",
	"no_address":   "no e-mail address is known",
	"not_arrived":  "it did not arrive",
	"nothing_left": "nothing was left to do",
	"refused":      "the mail server refused it",
	"too_old":      "it had waited too long",
	"unwritable":   "a name or an address in it cannot be read",
	"unreachable":  "the mail server could not be reached, or would not take it now",
}

// fired tells that the clock acted late, where it did by more than a minute.
func fired(t domain.Timer) string {
	if late := t.Fired.Sub(t.Due); late > time.Minute {
		return say("; the clock acted %s late", lasting(late))
	}
	return ""
}

// lasting is how long something took, as people say it.
func lasting(d time.Duration) string {
	hours, minutes := int(d.Hours()), int(d.Minutes())%60
	switch {
	case hours >= 48:
		return plural(hours/24, "day")
	case hours == 0:
		return plural(minutes, "minute")
	case minutes == 0:
		return plural(hours, "hour")
	}
	return plural(hours, "hour") + " " + plural(minutes, "minute")
}

func replacing(previous string) string {
	if previous == "" {
		return ""
	}
	return ", in the place of match " + previous
}

func say(format string, args ...any) string { return fmt.Sprintf(format, args...) }

// words makes words of a code, or of a slug.
func words(code string) string { return strings.NewReplacer("_", " ", "-", " ").Replace(code) }

func list(items []string) string {
	if len(items) == 0 {
		return "none"
	}
	return words(strings.Join(items, ", "))
}

// article puts "a" or "an" before a kind of organisation.
func article(kind string) string {
	if strings.HasPrefix(kind, "e") { // employer
		return "an " + kind
	}
	return "a " + kind
}

// unsure tells of a date that was counted through years of which the calendar
// knows no holidays.
func unsure(calendar string, years []int) string {
	if len(years) == 0 {
		return ""
	}
	return say("; a date that follows from it should be looked at: the calendar %s has no holidays of %s", calendar, strings.Trim(fmt.Sprint(years), "[]"))
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

func rooms(n int) string {
	if n == 1 {
		return "1 match"
	}
	return strconv.Itoa(n) + " matches"
}

func short(d domain.Digest) string { return string(d[:min(len(d), 12)]) }
