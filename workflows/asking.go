package workflows

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/access"
	"github.com/daybook-engine/daybook/domain/call"
	"github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/when"
	"github.com/daybook-engine/daybook/workflows/definition"
	"github.com/daybook-engine/daybook/workflows/document"
)

// An Input is one question of a command's form, put to a person.
type Input struct {
	Name    string // where the answer goes: deadline.local, scores.0.value
	Label   string
	Hint    string
	Type    Type
	Unit    string
	Needed  bool
	Several bool     // of the choices
	Times   int      // how many answers, the best first; 0: one
	Choices []Choice // where the values are closed
	Value   string   // what stands there at first
	Zone    string   // of a moment: where, unless it is said
	Preset  bool     // what stands there mostly stays
}

// A Choice is one of the values that there are.
type Choice struct{ Value, Text string }

// ask is what a form is made for.
type ask struct {
	role    access.Role
	command string
	known   url.Values
	plan    programme.Definition // of the cycle, where one is known
	call    programme.Call       // where one is known
	opened  time.Time            // when that was; zero: it was not
	terms   match.Terms          // of the match, or of any that is yet to be made
	phase   match.Phase          // of that
	slot    match.Slot           // of the session, where one is known,
	minutes int                  // and how long it was, where it is recorded
	match   match.State          // where one is known
	now     time.Time
}

// Ask lists the questions of a command's form for somebody in a role: the
// command's fields, and what the definition of the cycle, where one is known,
// says of them. Fields are known by the names of their inputs.
func (g *Engine) Ask(ctx context.Context, role access.Role, command string, known url.Values) ([]Input, error) {
	a, err := g.ask(ctx, role, command, known)
	if err != nil {
		return nil, err
	}
	return a.questions(), nil
}

func (g *Engine) ask(ctx context.Context, role access.Role, command string, known url.Values) (a ask, err error) {
	if !slices.Contains(Commands(), command) {
		return a, ErrCommand.Because(document.Suggest(command, Commands()))
	}
	if err := access.Allow(role, command); err != nil {
		return a, err
	}
	a = ask{role: role, command: command, known: known, now: g.Now()}
	in, of := known.Get("cycle"), known.Get("call")
	if in == "" {
		return a, nil
	}
	l := lookup{ctx, g, false}
	if a.plan, _, err = l.definition(in); errors.As(err, new(*domain.Error)) {
		return a, nil // that there is no such cycle, the command will say
	} else if err != nil {
		return a, err
	}
	a.call, _ = a.plan.Call(of)
	c, err := remembered[call.State](l, call.ID{Cycle: in, Call: of}.Stream())
	if err != nil {
		return a, err
	}
	m, err := remembered[match.State](l, match.ID{Cycle: in, Match: known.Get("match")}.Stream())
	a.opened, a.match, a.terms, a.phase = c.Opened(), m, m.Terms(), m.Phase()
	if a.phase == match.None { // it is yet to be said
		a.terms = terms(a.plan)
	}
	if n, err := strconv.Atoi(known.Get("session")); err == nil {
		a.slot, _ = m.Slot(n)
		held, _ := m.Held(n)
		a.minutes = held.Minutes
	}
	return a, err
}

// Whose is the person whose own act a command is, by what is known of it, where
// that isn't the actor; "" where it is, where nobody can tell, and for what people
// do for others only.
func (g *Engine) Whose(ctx context.Context, role access.Role, actor domain.Person, command string, known url.Values) (domain.Person, error) {
	if !slices.ContainsFunc(access.Claimable(command), personal) || personal(role) || access.Allow(role, command) != nil {
		return "", nil
	}
	a, err := g.ask(ctx, role, command, known)
	if err != nil {
		return "", err
	}
	with, faults := Compose(command, known)
	_, cmd, err := read(role, command, with)
	if len(faults) > 0 || err != nil {
		return "", nil // which the command will say
	}
	p, _ := owner(cmd, a.match, role)
	if p == actor {
		p = ""
	}
	return p, nil
}

// personal tells whether people act for themselves only in that role.
func personal(role access.Role) bool { return access.Own(role, "", "another") != nil }

func (a ask) questions() []Input {
	if a.command == "definition.publish" {
		return []Input{a.input(Field{Name: "definition", Type: Document, Needed: true}, "definition")}
	}
	return append(a.notes(), a.inputs(Form(a.command), "")...)
}

// notes tell what nothing is asked about, and somebody should see before.
func (a ask) notes() []Input {
	text := ""
	switch a.command {
	case "cycle.close":
		text = "This is for good: the cycle's figures are sealed, and a closed cycle is never opened again."
	case "application.withdraw":
		text = "This is for good: an application that was withdrawn is not taken up again, and its person cannot apply again under the same call."
	case "application.retract":
		text = "It is then as if the application had never reached you: no list or figure has it, and its person can apply under the same call, or be keyed in or imported again. The history keeps both."
	case "match.end", "match.unwind":
		text = "For two who stop before the plan is met"
		if a.command == "match.unwind" {
			text = "For two who do not get on, or never began"
		}
		text += ". This is for good: tasks about the match are withdrawn, nobody is asked to reflect on it any more, and its mentor has room again. Sessions still planned stay until they are cancelled, and the place stays filled."
	case "place.reserve":
		text = "An offer of the place follows at once, and its time to answer begins."
	case "offer.decline":
		text = "This is for good: the place goes to whoever is next in reserve."
	case "name.set":
		text = "From now on this is the name on every page, in messages and for imports. The earlier name stays in the history, sealed, until everything personal about the person is erased."
	case "eligibility.confirm":
		for _, c := range a.call.Criteria {
			text += "; " + cmp.Or(c.Text, said(c.Criterion))
		}
		text = strings.Replace(text, "; ", "You confirm that all of this is so: ", 1)
	case "session.correct":
		if retracts(a.command, a.known) {
			text = "It is then as if this session had never been recorded: no list of what was held and no figure has it. The history keeps both."
		}
	case "session.hold":
		switch {
		case a.phase == match.None:
		case a.phase.Unmade():
			text = "You can record this, but the match is not active before both sides have accepted it: the session is marked so, and listed among the exceptions."
		case a.match.InForce().IsZero():
			text = "You can record this, but no agreement is in force: the session is marked so, listed among the exceptions, and does not count towards completion."
		}
	}
	if text == "" {
		return nil
	}
	return []Input{{Name: ".note", Label: text, Type: Note, Needed: true}}
}

func (a ask) inputs(fields []Field, within string) (list []Input) {
	for _, f := range fields {
		name := within + f.Name
		switch {
		case hidden[a.command+" "+name], hidden[name], a.follows(name), a.kept(name), a.self(f, name):
		case f.Type == Answers && a.call.Call != "":
			for _, q := range a.call.Form.Fields {
				in := Input{Name: name + "." + q.Field, Label: q.Label, Type: Lines, Needed: !q.Optional, Times: q.Ranks, Hint: "Kept encrypted, where it can be erased"}
				if in.Label == "" {
					in.Label = said(q.Field)
				}
				if q.Ranks > 0 {
					in.Hint = fmt.Sprintf("Exactly %d, the best first; sealed", q.Ranks)
				}
				list = append(list, in)
			}
		case f.List && f.Within != nil && name == "scores" && len(a.plan.Review.Criteria) > 0:
			for i, criterion := range a.plan.Review.Criteria {
				at := fmt.Sprintf("%s.%d.", name, i)
				row := a.inputs(f.Within, at)
				row[0].Value, row[0].Choices = criterion, []Choice{{criterion, said(criterion)}}
				for j := range row[1:] {
					row[j+1].Label = said(criterion) + ": " + strings.ToLower(row[j+1].Label)
				}
				row[1].Hint = fmt.Sprintf("0 to %d", a.plan.Review.MaxScore)
				list = append(list, row...)
			}
		case f.Within != nil && !f.List:
			list = append(list, a.inputs(f.Within, name+".")...)
		default:
			list = append(list, a.input(f, name))
		}
	}
	return list
}

// hidden are fields that people do not fill in.
var hidden = map[string]bool{
	"deadline.instant":       true, // follows from the rest
	"person.register person": true, // nobody chooses an id
}

// kept tells whether a field is asked only of who keeps their own words, or only
// of who does not, or of who keys in what others did, or not where a record is
// taken back.
func (a ask) kept(name string) bool {
	byAuthor := a.terms.Reflections.Custody == programme.ByAuthor
	switch a.command + " " + name {
	case "match.accept accepted", "agreement.sign signed":
		return personal(a.role)
	case "reflection.file text":
		return byAuthor
	case "session.correct local", "session.correct zone", "session.correct mode", "session.correct minutes":
		return retracts(a.command, a.known)
	case "reflection.file sha256", "reflection.file words":
		return !byAuthor
	}
	return false
}

// self tells whether a field says whose doing it is, where people act for
// themselves only.
func (a ask) self(f Field, name string) bool {
	return f.Own && f.Type == Somebody && !a.known.Has(name) && personal(a.role)
}

// follows tells whether a field follows from one that is known: the engine looks
// it up.
func (a ask) follows(name string) bool {
	switch name {
	case "about", "cycle":
		return domain.IsUUID(a.known.Get("task"))
	case "programme":
		return a.known.Has("cycle") && a.command != "cycle.plan"
	case "session": // a final reflection is on none
		return a.known.Get("kind") == "final"
	}
	return false
}

func (a ask) input(f Field, name string) Input {
	l := labelOf(a.command, name)
	in := Input{Name: name, Label: l.text, Hint: l.hint, Type: f.Type, Needed: f.Needed, Unit: units[f.Name], Choices: a.choices(f)}
	switch {
	case f.List && f.Within == nil && in.Choices != nil:
		in.Several = true
	case f.List && f.Within == nil:
		in.Type = List
	case f.List:
		in.Type = Document
	}
	if in.Type == Date && in.Hint == "" {
		in.Hint = "A day, a month or a year: 2024-09-01, 2024-09"
	}
	in.Needed = in.Needed || f.Name == "route" && in.Choices != nil                                                       // a call that has routes takes no application without
	in.Needed = in.Needed || a.command == "reflection.file" && slices.Contains([]string{"text", "sha256", "words"}, name) // of those, kept asks what it must
	switch {
	case f.Type == Moment:
		in.Zone = a.plan.Zone
	case name == "local" && a.slot.Local != "": // it was held as planned, mostly
		in.Value = a.slot.Local
	case name == "mode" && a.slot.Mode != "":
		in.Value = a.slot.Mode
	case name == "mode" && strings.HasPrefix(a.command, "session.") && len(a.terms.Sessions.Modes) == 1:
		in.Value, in.Preset = a.terms.Sessions.Modes[0], true
	case a.command == "session.correct" && name == "minutes" && a.minutes > 0:
		in.Value = strconv.Itoa(a.minutes)
	case name == "local" && a.plan.Zone != "":
		in.Hint = strings.Replace(in.Hint, "the clocks of the place", "the clocks of "+a.plan.Zone, 1)
	case a.command == "session.hold" && name == "minutes" && a.terms.Sessions.MaxMinutes > 0:
		in.Hint = fmt.Sprintf("The programme plans %d to %d", a.terms.Sessions.MinMinutes, a.terms.Sessions.MaxMinutes)
	case name == "zone" && a.slot.Zone != "":
		in.Value = a.slot.Zone
	case f.Name == "zone":
		in.Value, in.Preset = a.plan.Zone, name == "zone" && a.plan.Zone != ""
	case a.command+" "+name == "session.hold session":
		in.Preset = a.plan.Zone != "" // which stands beside it
	case name == "version":
		in.Value, in.Preset = a.terms.Agreement, a.terms.Agreement != ""
	case name == "side" && (a.role == match.Mentee || a.role == match.Mentor):
		in.Value = string(a.role)
	case len(in.Choices) == 1 && !in.Several:
		in.Value = in.Choices[0].Value
	}
	return in
}

// choices are the values of a field that has only some.
func (a ask) choices(f Field) (list []Choice) {
	of := func(codes ...string) []Choice {
		for _, c := range codes {
			words, ok := choiceWords[f.Name+" "+c]
			if !ok {
				words = said(c)
			}
			if strings.HasPrefix(a.command, "session.") && f.Name == "mode" && len(a.terms.Sessions.Modes) > 0 && !slices.Contains(a.terms.Sessions.Modes, c) {
				words += ", outside the plan"
			}
			list = append(list, Choice{c, words})
		}
		return list
	}
	if f.OneOf != nil {
		return of(f.OneOf...)
	}
	switch f.Name {
	case "mode":
		if len(a.terms.Sessions.Modes) > 0 && (a.command == "session.schedule" || a.command == "session.reschedule") {
			return of(a.terms.Sessions.Modes...)
		}
		return of(programme.Vocabulary["mode"]...)
	case "call":
		for _, c := range a.plan.Calls {
			list = append(list, Choice{c.Call, said(c.Call)})
		}
	case "failed":
		for _, c := range a.call.Criteria {
			list = append(list, Choice{c.Criterion, c.Text})
		}
	case "stage":
		if a.command != "gathering.announce" { // a timetable may have others
			return nil
		}
		for _, s := range a.plan.Stages {
			if s.Gathers() {
				list = append(list, Choice{s.Stage, cmp.Or(s.Text, said(s.Stage))})
			}
		}
	case "route":
		for _, r := range a.call.Routes {
			list = append(list, Choice{r.Route, r.Text})
		}
	}
	return list
}

// A Fault is what is wrong with what was written into an input.
type Fault struct{ Input, Text string }

// Compose makes a command's fields of what was written into its inputs. What
// was left empty is not said.
func Compose(command string, given url.Values) (json.RawMessage, []Fault) {
	c := composer{given: given}
	fields := map[string]any{}
	if source := plain(given.Get("definition")); command == "definition.publish" {
		if strings.TrimSpace(source) == "" {
			return json.RawMessage("{}"), nil
		}
		if d, err := definition.Parse("definition", []byte(source)); err != nil {
			c.unread("definition", err)
		} else {
			fields = map[string]any{"programme": d.Programme, "definition": d}
		}
	} else {
		fields = c.fields(Form(command), "")
	}
	if len(c.faults) > 0 {
		return nil, c.faults
	}
	with, err := json.Marshal(fields)
	if err != nil {
		return nil, []Fault{{"", err.Error()}}
	}
	return with, nil
}

type composer struct {
	given  url.Values
	faults []Fault
}

func (c *composer) fault(input, text string) { c.faults = append(c.faults, Fault{input, text}) }

func (c *composer) fields(list []Field, within string) map[string]any {
	out := map[string]any{}
	for _, f := range list {
		if v := c.field(f, within+f.Name); v != nil {
			out[f.Name] = v
		}
	}
	return out
}

// field is what was written into a field; nil for nothing.
func (c *composer) field(f Field, name string) any {
	text := c.given.Get(name)
	blank := strings.TrimSpace(text) == ""
	switch {
	case f.List && f.Within != nil && c.below(name+".0."):
		var rows []any
		for i := 0; c.below(fmt.Sprintf("%s.%d.", name, i)); i++ {
			rows = append(rows, c.fields(f.Within, fmt.Sprintf("%s.%d.", name, i)))
		}
		return rows
	case f.Within != nil && !f.List:
		if inner := c.fields(f.Within, name+"."); len(inner) > 0 {
			return inner
		}
		return nil
	case f.Type == Answers:
		return c.answers(name + ".")
	case blank && !f.List:
		return nil
	case f.List && f.Within == nil:
		var items []string
		for _, lines := range c.given[name] {
			for line := range strings.Lines(plain(lines)) {
				if line = strings.TrimSpace(line); line != "" {
					items = append(items, line)
				}
			}
		}
		if items == nil {
			return nil
		}
		return items
	case f.List, f.Type == Document:
		return c.document(name, text)
	}
	switch f.Type {
	case Number:
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil {
			c.fault(name, "expected a whole number, found "+strconv.Quote(text))
		}
		return n
	case Yes:
		return text == "true"
	case Moment:
		at, err := c.moment(name, strings.TrimSpace(text))
		if err != nil {
			c.fault(name, err.Error())
		}
		return at
	case Lines:
		return plain(text)
	}
	return strings.TrimSpace(text)
}

func (c *composer) moment(name, text string) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	return when.Local(text, strings.TrimSpace(c.given.Get(name+".zone")))
}

func (c *composer) document(name, text string) any {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	doc, err := document.Parse(name, []byte(plain(text)))
	if err == nil {
		var node document.Node
		if err = doc.Decode(&node); err == nil {
			var v json.RawMessage
			if v, err = node.JSON(); err == nil {
				return v
			}
		}
	}
	c.unread(name, err)
	return nil
}

// unread tells each thing that is wrong with a document, and where.
func (c *composer) unread(name string, err error) {
	if list, ok := err.(interface{ Unwrap() []error }); ok {
		for _, err := range list.Unwrap() {
			c.unread(name, err)
		}
		return
	}
	text := err.Error()
	if at := new(document.Error); errors.As(err, &at) && at.Line > 0 {
		text = fmt.Sprintf("line %d, column %d: %s", at.Line, at.Column, at.Text)
	}
	c.fault(name, text)
}

// answers are those to the questions of a form.
func (c *composer) answers(within string) any {
	out := map[string]any{}
	for name, texts := range c.given {
		field, is := strings.CutPrefix(name, within)
		if !is {
			continue
		}
		list := make([]string, len(texts))
		for i, t := range texts {
			list[i] = plain(t)
		}
		if out[field] = any(list); len(list) == 1 {
			out[field] = list[0]
		}
	}
	return out
}

// below tells whether anything was given within a field.
func (c *composer) below(prefix string) bool {
	for name := range c.given {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// plain is text with the ends of lines that a file has; forms send others.
func plain(text string) string { return strings.ReplaceAll(text, "\r\n", "\n") }

// Known are the fields of a command, by the names of their inputs.
func Known(with json.RawMessage) url.Values {
	known := url.Values{}
	d := json.NewDecoder(bytes.NewReader(with))
	d.UseNumber()
	var fields map[string]any
	if d.Decode(&fields) == nil {
		flatten(known, "", fields)
	}
	return known
}

func flatten(known url.Values, within string, fields map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		switch v := fields[name].(type) {
		case map[string]any:
			flatten(known, within+name+".", v)
		case []any:
			for i, x := range v {
				if row, ok := x.(map[string]any); ok {
					flatten(known, fmt.Sprintf("%s%s.%d.", within, name, i), row)
				} else {
					known.Add(within+name, fmt.Sprint(x))
				}
			}
		case nil:
		default:
			known.Set(within+name, fmt.Sprint(v))
		}
	}
}

// sample says something into each input that is still empty, where anything
// may be said: what is refused then would be refused whatever is said. It goes
// by the time of now.
func (a ask) sample() url.Values {
	given := maps.Clone(a.known)
	zone, err := when.Zone(a.plan.Zone)
	if err != nil {
		zone = time.UTC
	}
	wall := func(d time.Duration) string { return a.now.Add(d).In(zone).Format("2006-01-02T15:04") }
	for _, in := range a.questions() {
		if given.Has(in.Name) {
			continue
		}
		value := in.Value
		switch {
		case in.Name == "received_at" && a.role == access.Coordinator && !a.opened.IsZero():
			value = a.opened.Format(time.RFC3339Nano)
		case in.Type == Local && (a.command == "session.hold" || a.command == "session.correct"):
			value = wall(-25 * time.Hour)
		case in.Type == Local:
			value = wall(10 * 365 * 24 * time.Hour)
		case value != "":
		case len(in.Choices) > 0 && in.Needed:
			value = in.Choices[0].Value
		case in.Type == Yes:
			value = "true"
		case !in.Needed || strings.HasSuffix(in.Name, "definition"):
			continue
		case in.Type == Date:
			value = a.now.In(zone).Format(time.DateOnly)
		case in.Name == "rank":
			value = "1000000"
		case in.Name == "minutes":
			value = strconv.Itoa(max(a.terms.Sessions.MinMinutes, 1))
		case in.Type == Number && strings.HasPrefix(in.Name, "scores."):
			value = "0"
		case in.Type == Number:
			value = "1"
		case in.Name == "zone" || strings.HasSuffix(in.Name, ".zone"):
			value = "UTC"
		case in.Type == Lines || in.Type == Line:
			value = "…"
		default:
			continue
		}
		for range max(in.Times, 1) {
			given.Add(in.Name, value)
		}
	}
	return given
}

// supposed are a step's fields, with something said in each of them.
func (g *Engine) supposed(ctx context.Context, role access.Role, s Step) (json.RawMessage, error) {
	a, err := g.ask(ctx, role, s.Command, Known(s.With))
	if err != nil {
		return nil, err
	}
	with, faults := Compose(s.Command, a.sample())
	if len(faults) > 0 {
		return s.With, nil
	}
	return with, nil
}

// faulty are the fields that an answer of the rules is about, by its code.
var faulty = map[string][]string{
	"agreement_version": {"version"}, "authority_missing": {AskAuthority}, "capacity_missing": {"capacity"}, "conflict_unknown": {"conflict"}, "country_malformed": {"country"},
	"criterion_unknown": {"failed"}, "dates_reversed": {"to"}, "deadline_earlier": {"local"}, "deadline_past": {"local"},
	"email_malformed": {"email"}, "handle_taken": {"handle"}, "in_future": {"local", "signed", "accepted", "proposed", "received_at", "opened_at"}, "before_opening": {"received_at"}, "before_match": {"signed"},
	"own_received_at": {"received_at"}, "own_signed": {"signed", "accepted"}, "kind_unknown": {"kind"}, "local_malformed": {"local"}, "minutes_malformed": {"minutes"}, "mode_unplanned": {"mode"},
	"name_missing": {"name"}, "override_unexplained": {AskReason}, "permit_not_later": {"local"}, "period_malformed": {"until"}, "quota_below_used": {"limit"}, "quota_malformed": {"quota"},
	"rank_missing": {"rank"}, "rank_taken": {"rank"}, "out_of_rank": {"rank"}, "reason_missing": {AskReason}, "recommendation_unknown": {"recommendation"}, "reflection_empty": {"text"},
	"reflection_kind": {"kind"}, "route_unknown": {"route"}, "rule_unknown": {"rule"}, "same_person": {"mentor"}, "scores_incomplete": {"value"}, "session_exists": {"session"},
	"session_number": {"session"}, "session_unnumbered": {"session"}, "settled_how": {"as"}, "side_unknown": {"side"}, "time_ambiguous": {"local"}, "time_in_gap": {"local"}, "weekday_mismatch": {"published"},
	"where_missing": {"where"}, "zone_abbreviation": {"zone"}, "zone_unknown": {"zone"}, "mentor_unknown": {"mentor"}, "organisation_unknown": {"organisation"},
	"language_malformed": {"language"}, "no_place": {"mentee"}, "approval_missing": {"approver"}, "definition_unpublished": {"definition"}, "digest_malformed": {"evidence", "proof"},
}

// Where tells which input an answer of the rules is about; "" where it is about
// no single one.
func Where(answer *domain.Error, inputs []Input) string {
	_, detail, _ := strings.Cut(answer.Text, " (")
	detail = strings.TrimPrefix(detail, "missing: ")
	for _, in := range inputs {
		last := in.Name[strings.LastIndexByte(in.Name, '.')+1:]
		named := strings.HasPrefix(detail, last) && !strings.ContainsFunc(detail[len(last):min(len(last)+1, len(detail))], isWord)
		if slices.Contains(faulty[answer.Code], last) || slices.Contains(faulty[answer.Code], in.Name) || named {
			return in.Name
		}
	}
	return ""
}

func isWord(r rune) bool { return r == '_' || r >= 'a' && r <= 'z' }

// The inputs that every command has: how it reached us, on whose behalf, and by
// what leave.
const (
	AskBehalf    = "cause.behalf"
	AskChannel   = "cause.channel"
	AskReason    = "cause.reason"
	AskAuthority = "cause.authority"
)

// AskCause lists what is asked about a command itself; whose is on whose behalf it
// is likely to be.
func AskCause(command string, whose domain.Person) []Input {
	reason, authority := access.Excepts(command)
	const few = "In a few words, without names or anything personal, since they are kept for ever; such as: "
	return []Input{
		{Name: AskBehalf, Label: "On behalf of", Hint: "Who told you: whose act it is, if not yours", Type: Somebody, Value: string(whose)},
		{
			Name: AskChannel, Label: "How it reached us", Type: Line, Value: "web",
			Choices: []Choice{{"web", "Here, on the web"}, {"email", "By e-mail"}, {"phone", "By telephone"}, {"paper", "On paper"}},
		},
		{Name: AskReason, Label: "Reason", Hint: few + "power cut", Type: Line, Needed: reason},
		{Name: AskAuthority, Label: "By whose authority", Hint: few + "programme owner", Type: Line, Needed: authority},
	}
}

// Coded makes a code of a few words; more than that is left to be refused.
func Coded(words string) string {
	if domain.CheckCode("", words) != nil && len(words) <= longestSlug {
		return cmp.Or(strings.ReplaceAll(slugged(words), "-", "_"), words)
	}
	return words
}

// Explained fills in of a cause what its inputs say.
func (c Cause) Explained(given url.Values) Cause {
	said := func(name string) string { return strings.TrimSpace(given.Get(name)) }
	c.Reason, c.Authority, c.OnBehalfOf = Coded(said(AskReason)), Coded(said(AskAuthority)), domain.Person(said(AskBehalf))
	if c.Channel = said(AskChannel); c.Channel == "" {
		c.Channel = "web"
	}
	return c
}
