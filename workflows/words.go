package workflows

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// verbs are what a command is called where people choose what to do, as the
// imperative that it is.
var verbs = map[string]string{
	"agreement.sign":        "Record a signed agreement",
	"application.decline":   "Decline the application",
	"application.pass_over": "Pass the application over",
	"application.reserve":   "Put the application in reserve",
	"application.retract":   "Retract the application as recorded by mistake",
	"application.select":    "Select the application",
	"application.shortlist": "Shortlist the application",
	"application.submit":    "Submit an application",
	"application.withdraw":  "Withdraw the application",
	"call.open":             "Open the call",
	"completion.waive":      "Waive the completion rule",
	"attendance.correct":    "Correct who was there",
	"attendance.record":     "Record who was there",
	"conflict.declare":      "Declare a conflict of interest",
	"contact.make":          "Record the first contact",
	"cycle.close":           "Close the cycle",
	"cycle.plan":            "Plan a cycle",
	"deadline.extend":       "Extend the deadline",
	"definition.move":       "Move the cycle to another definition",
	"definition.publish":    "Publish a definition",
	"draft.start":           "Start a draft",
	"eligibility.confirm":   "Confirm eligibility",
	"eligibility.fail":      "Record as not eligible",
	"email.set":             "Give or change an e-mail address",
	"erasure.start":         "Approve the erasure of somebody",
	"gathering.announce":    "Announce training, supervision or an event",
	"gathering.cancel":      "Call it off",
	"gathering.reschedule":  "Move it",
	"import.finish":         "Record what became of an import",
	"import.revert":         "Record that an import was taken back",
	"import.start":          "Record an import",
	"language.set":          "Say somebody's language",
	"match.accept":          "Accept the match",
	"match.complete":        "Complete the match",
	"match.decline":         "Decline the match",
	"match.end":             "End the match early",
	"match.propose":         "Propose a match",
	"match.unwind":          "Unwind the match",
	"matching.propose":      "Run the matching",
	"membership.record":     "Record a membership",
	"mentor.join":           "Take a mentor into a pool",
	"message.settle":        "Say what became of the message",
	"message.withdraw":      "Withdraw the message",
	"name.set":              "Correct a name",
	"nomination.receive":    "Record the proof of a nomination",
	"notice.publish":        "Record a published notice",
	"offer.accept":          "Accept the offer",
	"offer.decline":         "Decline the offer",
	"organisation.register": "Register an organisation",
	"permit.grant":          "Permit a late submission",
	"person.register":       "Register a person",
	"place.reserve":         "Reserve a place",
	"policy.repair":         "Say what is done in the policy's stead",
	"policy.retry":          "Let the policy try again",
	"policy.skip":           "Let the policy pass the event by",
	"quota.set":             "Say how many places there are",
	"reflection.file":       "File a reflection",
	"reserve.rank":          "Give a rank in the reserve",
	"reserve.release":       "Release from the reserve",
	"retention.extend":      "Keep what is known about somebody on",
	"review.assign":         "Assign a reviewer",
	"review.open":           "Open the application for review",
	"review.record":         "Record a review",
	"session.cancel":        "Cancel the session",
	"session.correct":       "Correct the record of the session",
	"session.hold":          "Record a session as held",
	"session.miss":          "Record the session as missed",
	"session.reschedule":    "Move the session",
	"session.schedule":      "Schedule a session",
	"stage.schedule":        "Put a stage into the timetable",
	"task.claim":            "Claim the task",
	"task.complete":         "Complete the task",
	"task.delegate":         "Hand the task on",
	"task.reopen":           "Reopen the task",
}

// Words is what a command is called, with the session that it is known to be
// about. A record corrected to nothing is retracted.
func Words(command string, known url.Values) string {
	words := verbs[command]
	if retracts(command, known) {
		words = strings.Replace(words, "Correct", "Retract", 1)
	}
	if n, err := strconv.Atoi(known.Get("session")); err == nil {
		which := fmt.Sprintf("session %d", n)
		words = strings.NewReplacer("the session", which, "a session", which).Replace(words)
	}
	return words
}

// retracts tells whether a record is taken back: a session of 0 minutes was none.
func retracts(command string, known url.Values) bool {
	n, err := strconv.Atoi(known.Get("minutes"))
	return command == "session.correct" && n == 0 && err == nil
}

type label struct{ text, hint string }

// labels are what fields are called where people fill them in: by command and
// field where it differs from command to command, else by field.
var labels = map[string]label{
	"about":          {"What the task is about", "Where the task's id is not known"},
	"accepted":       {"Accepted", "Where that was earlier, by letter or telephone"},
	"answers":        {"Answers", ""},
	"approver":       {"Approved by", "The second person who agrees, not yourself"},
	"as":             {"What became of it", ""},
	"bars":           {"Pairs that may not be", "A list, as in: - {mentee: ben, mentor: mia, rule: line_manager}"},
	"call":           {"Call", ""},
	"capacity":       {"Mentees at a time", ""},
	"command":        {"Command", "The one that the policy would have issued"},
	"conflict":       {"Conflict", ""},
	"country":        {"Country", "Two letters, as in DE"},
	"criterion":      {"Criterion", ""},
	"cycle":          {"Cycle", "Its short name, as in nemo-2023-autumn"},
	"definition":     {"Definition", "Its digest; left empty, the newest that is published"},
	"email":          {"E-mail address", "For messages to them, and to find them by in spreadsheets. Kept encrypted, where it can be erased"},
	"event":          {"Event", ""},
	"evidence":       {"Digest of the evidence", "SHA-256, of a document kept elsewhere"},
	"expertise":      {"Expertise", "Codes, one a line"},
	"failed":         {"Criteria that are not met", ""},
	"already":        {"Rows that were recorded before", ""},
	"asked":          {"Rows put to a person", ""},
	"file":           {"Digest of the file", "Sealed"},
	"from":           {"From", ""},
	"handle":         {"Short name", "To find them by, as in anna-berg: small letters, digits and hyphens"},
	"import":         {"Import", "Its id"},
	"recorded":       {"Rows recorded", ""},
	"refused":        {"Rows refused", ""},
	"rows":           {"Rows", ""},
	"justification":  {"Justification", "Sealed; shown to those who run the programme"},
	"kind":           {"Kind", ""},
	"language":       {"Language of messages", "A tag such as en, de or pt-BR"},
	"limit":          {"Limit", "How many places at most"},
	"listed":         {"Digest of the dry run", "As daybook definition move --dry-run gave it"},
	"local":          {"Date and time", "On the clocks of the place"},
	"locks":          {"Pairs that must be", "A list, as in: - {mentee: ben, mentor: mia}"},
	"match":          {"Match", "A short name: small letters, digits and hyphens, as in m1"},
	"mentee":         {"Mentee", ""},
	"mentees":        {"Mentees", "A list, as in: - {mentee: ben}"},
	"gathering":      {"Training, supervision or event", "A short name: small letters, digits and hyphens"},
	"mentor":         {"Mentor", ""},
	"mentors":        {"Mentors", "A list, as in: - {mentor: mia, capacity: 1}"},
	"message":        {"Message", ""},
	"minutes":        {"Length", ""},
	"mode":           {"Mode", ""},
	"name":           {"Name", ""},
	"network":        {"Network", "The short name of another organisation that this one belongs to, if any"},
	"no_fault":       {"Nobody's fault", "As where somebody fell ill"},
	"note":           {"Note", "Particulars; sealed, and shown to nobody yet"},
	"notice":         {"With notice", ""},
	"opened_at":      {"Opened", "Where the call was opened before you write it down here, also if its deadline has passed since"},
	"organisation":   {"Organisation", "A short name: small letters, digits and hyphens"},
	"override":       {"Why another weekday stands", "A code, only where the wording names a weekday that does not fit"},
	"per":            {"Counted", ""},
	"person":         {"Person", ""},
	"policy":         {"Policy", ""},
	"pool":           {"Pool", "The group of mentors that an organisation lends, by a short name such as gem"},
	"previous":       {"In place of match", "The id of an earlier match, if any"},
	"programme":      {"Programme", "Its short name, which the definition begins with"},
	"proof":          {"Digest of the proof", "SHA-256, of a document kept elsewhere"},
	"proposed":       {"Proposed", "Where that was earlier"},
	"published":      {"As published", "The wording that people are given, word for word"},
	"quota":          {"Name of this limit", "A short one, such as year: small letters, digits and hyphens"},
	"rank":           {"Rank", "1 comes first"},
	"rationale":      {"Rationale", "Sealed; shown to those who run the programme"},
	"received_at":    {"Received", "Where it reached us earlier, on paper or by e-mail"},
	"recommendation": {"Recommendation", ""},
	"register":       {"Counted among", "The list in which this person counts once, as in staff, applicants or mentors"},
	"reviewer":       {"Reviewer", ""},
	"route":          {"Put forward", ""},
	"rule":           {"In time", ""},
	"run":            {"Run", "A short name: small letters, digits and hyphens"},
	"scores":         {"Scores", ""},
	"seed":           {"Seed", "Of the lots that decide ties"},
	"session":        {"Session", "Its number"},
	"sha256":         {"SHA-256 of the text", "64 hexadecimal digits; the text stays with whoever wrote it"},
	"side":           {"Side", ""},
	"signed":         {"Signed", "Where that was earlier, on paper"},
	"stage":          {"Stage", "A short name: small letters, digits and hyphens"},
	"stream":         {"Stream", ""},
	"task":           {"Task", ""},
	"text":           {"Text", ""},
	"title":          {"Title", ""},
	"to":             {"To", ""},
	"told":           {"How people were told", "A code, as in website"},
	"until":          {"Until", "Left empty: for good"},
	"value":          {"Score", ""},
	"version":        {"Version of the agreement", ""},
	"where":          {"Where it was published", ""},
	"why":            {"Why", "A code, as in sent_by_hand"},
	"with":           {"Fields of that command", "YAML or JSON"},
	"words":          {"Length", "In words"},
	"zone":           {"Time zone", "A place, as in Europe/Berlin"},

	"cycle.plan cycle":               {"Short name of the cycle", "Small letters, digits and hyphens, as in nemo-2023-autumn: it stands in addresses"},
	"definition.publish definition":  {"Definition", "The whole document, in YAML: lines that say name: value"},
	"deadline.extend deadline.local": {"New deadline", "Date and time on the clocks of the place"},
	"call.open deadline.local":       {"Deadline", "Date and time on the clocks of the place"},
	"gathering.announce stage":       {"Stage", ""},
	"application.submit person":      {"Person", "Whoever is not here yet is registered first, on the page of all cycles"},
	"permit.grant person":            {"Person", "Whoever is not here yet is registered first, on the page of all cycles"},
	"permit.grant local":             {"Permitted until", "Date and time on the clocks of the place, still to come: it holds for whatever reached us before it"},
	"person.register name":           {"Name", "Kept encrypted, where it can be erased"},
	"name.set name":                  {"Name, as it should be", "Kept encrypted, where it can be erased"},
	"reflection.file text":           {"Reflection", "Sealed; it stays between the two"},
	"retention.extend local":         {"Kept until", "Date and time on the clocks of the place"},
	"session.miss side":              {"Missed by", ""},
	"task.delegate to":               {"To whom", ""},
	"session.correct minutes":        {"Length", "0 where it was recorded by mistake"},
	"session.correct mode":           {"How they met", ""},
	"session.hold minutes":           {"Length", ""},
	"session.hold mode":              {"How they met", ""},
	"session.hold session":           {"Session", "Its number, where that is not the next one"},
}

// labelOf is what a field of a command is called, named as in deadline.local.
func labelOf(command, field string) label {
	last := field[strings.LastIndexByte(field, '.')+1:]
	for _, key := range []string{command + " " + field, field, last} {
		if l, ok := labels[key]; ok {
			return l
		}
	}
	return label{}
}

// choiceWords are of the values, by field, whose code says too little.
var choiceWords = map[string]string{
	"as again":       "Send it again",
	"as arrived":     "It arrived",
	"as not_arrived": "It did not arrive",
	"kind final":     "Final, on the whole match",
	"kind session":   "On a session",
	"per cycle":      "In each cycle",
	"per year":       "In each year",
	"rule before":    "Before then: that moment is too late",
	"rule by":        "By then: that moment is in time",
}

// units are what numbers are of.
var units = map[string]string{"minutes": "minutes"}

// said puts a code into words: line_manager is Line manager.
func said(code string) string {
	text := strings.NewReplacer("_", " ", "-", " ").Replace(code)
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
