// Package access says who may do what, in one table, deny by default. Until
// people sign in, a role is as good as whoever states it; the table is what
// sign-in will be held to.
package access

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/daybook-engine/daybook/domain"
)

// A Role is the capacity in which somebody acts.
type Role string

const (
	Operator    Role = "operator"    // looks after the installation
	Coordinator Role = "coordinator" // runs a cycle
	Reviewer    Role = "reviewer"
	Applicant   Role = "applicant"
	Mentee      Role = "mentee"
	Mentor      Role = "mentor"
	Clock       Role = "clock"  // the engine, when something falls due
	Policy      Role = "policy" // the engine, answering an event
	Eraser      Role = "eraser" // the engine, when the vault has erased somebody
	Mailer      Role = "mailer" // the engine, when it sends mail
)

// Engine lists the roles that nobody can claim.
var Engine = []Role{Clock, Policy, Eraser, Mailer}

// ErrNotYours is the answer to somebody who acts on what is another's.
var ErrNotYours = domain.Deny("not_yours", "in this role people act for themselves only")

// ErrRole is the answer to somebody whose role may not.
var ErrRole = domain.Deny("role_not_allowed", "this role may not do this")

// Who may issue each command. Whoever may is also bound by the command's own
// rules: a reviewer by their conflicts, a clock by what is due.
var table = map[string][]Role{
	"organisation.register": {Operator, Coordinator},
	"membership.record":     {Operator, Coordinator},
	"person.register":       {Operator, Coordinator},
	"name.set":              {Operator, Coordinator},
	"email.set":             {Operator, Coordinator},
	"language.set":          {Operator, Coordinator},
	"erasure.start":         {Operator, Coordinator},
	"erasure.complete":      {Eraser}, // by daybook erase, when the vault has done it
	"definition.publish":    {Coordinator},
	"definition.move":       {Coordinator},
	"cycle.plan":            {Coordinator},
	"cycle.close":           {Coordinator},
	"stage.schedule":        {Coordinator},
	"figures.seal":          {Policy},
	"quota.set":             {Coordinator},

	"call.open":       {Coordinator},
	"call.close":      {Clock},
	"notice.publish":  {Coordinator},
	"deadline.extend": {Coordinator},
	"permit.grant":    {Coordinator},

	"draft.start":           {Applicant, Coordinator},
	"draft.expire":          {Clock},
	"application.submit":    {Applicant, Coordinator},
	"application.withdraw":  {Applicant, Coordinator},
	"application.retract":   {Coordinator},
	"nomination.receive":    {Coordinator},
	"nomination.lapse":      {Clock},
	"eligibility.confirm":   {Coordinator},
	"eligibility.fail":      {Coordinator},
	"application.shortlist": {Coordinator},
	"application.pass_over": {Coordinator},
	"application.select":    {Coordinator},
	"application.reserve":   {Coordinator},
	"application.decline":   {Coordinator},
	"offer.make":            {Policy},
	"offer.accept":          {Applicant, Coordinator},
	"offer.decline":         {Applicant, Coordinator},
	"offer.lapse":           {Clock},
	"review.assign":         {Coordinator},
	"review.open":           {Reviewer},
	"conflict.declare":      {Reviewer, Coordinator},
	"review.record":         {Reviewer},
	"place.reserve":         {Coordinator},
	"place.fill":            {Policy},
	"place.release":         {Policy},              // a place under a standing offer is nobody's to take away
	"reserve.rank":          {Policy, Coordinator}, // who gives the rank that is free, where the one decided was taken
	"reserve.release":       {Coordinator},
	"mentor.join":           {Coordinator},
	"mentor.engage":         {Policy},
	"mentor.free":           {Policy},
	"matching.propose":      {Coordinator},
	"match.propose":         {Coordinator},
	"match.accept":          {Mentee, Mentor, Coordinator},
	"match.decline":         {Mentee, Mentor, Coordinator},
	"match.make":            {Policy},
	"match.unwind":          {Coordinator},
	"match.end":             {Coordinator},
	"match.complete":        {Coordinator}, // only evidence completes a match, never the clock
	"completion.waive":      {Coordinator},
	"agreement.sign":        {Mentee, Mentor, Coordinator},
	"contact.make":          {Mentee, Mentor, Coordinator},
	"contact.mark_overdue":  {Clock},
	"session.schedule":      {Mentee, Mentor, Coordinator},
	"session.reschedule":    {Mentee, Mentor, Coordinator},
	"session.cancel":        {Mentee, Mentor, Coordinator},
	"session.miss":          {Mentee, Mentor, Coordinator},
	"session.hold":          {Mentee, Mentor, Coordinator},
	"session.correct":       {Coordinator},
	"reflection.file":       {Mentee, Mentor, Coordinator},

	"gathering.announce":   {Coordinator},
	"gathering.reschedule": {Coordinator},
	"gathering.cancel":     {Coordinator},
	"attendance.record":    {Coordinator},
	"attendance.correct":   {Coordinator},

	"retention.expire": {Clock},
	"retention.extend": {Coordinator},

	"policy.start":         {Policy},
	"policy.park":          {Policy},
	"policy.retry":         {Operator, Coordinator},
	"policy.skip":          {Operator, Coordinator},
	"policy.repair":        {Operator, Coordinator},
	"message.queue":        {Policy},
	"message.claim":        {Mailer},
	"message.delay":        {Mailer},
	"message.send":         {Mailer},
	"message.fail":         {Mailer},
	"message.mark_unknown": {Mailer},
	"message.withdraw":     {Policy, Mailer, Coordinator},
	"message.settle":       {Coordinator},
	"task.open":            {Policy},
	"task.claim":           {Coordinator, Reviewer},
	"task.delegate":        {Coordinator, Reviewer},
	"task.complete":        {Coordinator, Reviewer, Applicant, Mentee, Mentor},
	"task.release":         {Policy},
	"task.fulfil":          {Policy},
	"task.reopen":          {Coordinator},
	"task.withdraw":        {Policy},
	"task.remind":          {Clock},
	"task.escalate":        {Clock},
	"task.expire":          {Clock},
	"digest.queue":         {Policy},
	"import.start":         {Operator, Coordinator},
	"import.finish":        {Operator, Coordinator},
	"import.revert":        {Operator, Coordinator},
}

// exceptions are the commands that depart from what was told or agreed. Each
// says why, and the graver ones by whose leave.
var exceptions = map[string]struct{ authority bool }{
	"application.retract": {},
	"deadline.extend":     {},
	"definition.move":     {},
	"erasure.start":       {},
	"import.revert":       {},
	"match.end":           {},
	"match.unwind":        {},
	"policy.repair":       {},
	"policy.retry":        {},
	"policy.skip":         {},
	"session.correct":     {},
	"attendance.correct":  {},
	"message.settle":      {},
	"task.delegate":       {},
	"task.reopen":         {},
	"permit.grant":        {authority: true},
	"completion.waive":    {authority: true},
	"retention.extend":    {authority: true},
}

var (
	// ErrReason is the answer to an exception without a why.
	ErrReason = domain.Wrong("reason_missing", "an exception needs a reason, in a few words or as a code such as power_cut")
	// ErrAuthority is the answer to one without a by whose leave.
	ErrAuthority = domain.Wrong("authority_missing", "this exception needs an authority: the rule or the role that allows it")
)

// Justify tells whether an exception says what it must, and anything only
// what may be kept for ever: codes.
func Justify(command, reason, authority, channel string) error {
	e, ok := exceptions[command]
	if err := cmp.Or(domain.CheckCode("reason", reason), domain.CheckCode("authority", authority), domain.CheckCode("channel", channel)); err != nil {
		return err
	}
	switch {
	case ok && reason == "":
		return ErrReason
	case e.authority && authority == "":
		return ErrAuthority
	}
	return nil
}

// Excepts tells whether a command departs from what was told or agreed, and so
// must say why, and whether it must say by whose leave.
func Excepts(command string) (reason, authority bool) {
	e, ok := exceptions[command]
	return ok, e.authority
}

// Allow tells whether role may issue the command of that name.
func Allow(role Role, command string) error {
	if !slices.Contains(table[command], role) {
		return ErrRole.Because(fmt.Sprintf("%s; %s is for %s", role, command, Words(table[command])))
	}
	return nil
}

// Claimable lists the roles in which people may issue the command of that
// name: none for the engine's own.
func Claimable(command string) []Role {
	return slices.DeleteFunc(slices.Clone(table[command]), func(r Role) bool { return slices.Contains(Engine, r) })
}

// People lists the roles in which people act.
func People() (roles []Role) {
	for command := range table {
		roles = append(roles, Claimable(command)...)
	}
	slices.Sort(roles)
	return slices.Compact(roles)
}

// Words lists roles for reading.
func Words(roles []Role) string {
	words := make([]string, len(roles))
	for i, r := range roles {
		words[i] = string(r)
	}
	return strings.Join(words, ", ")
}

// Own tells whether actor may act, in role, for owner. Participants act for
// themselves; whoever runs the programme acts for others, and it is kept.
func Own(role Role, actor, owner domain.Person) error {
	switch role {
	case Operator, Coordinator, Clock, Policy, Eraser, Mailer:
		return nil
	}
	if actor != owner {
		return ErrNotYours
	}
	return nil
}
