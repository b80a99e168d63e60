package programme

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/when"
)

// A Fault is one thing wrong with a definition: where, as a path of its
// fields ("calls[0].form.version"), and what was expected.
type Fault struct {
	Path, Expected string
	// Found, where it is said, stands at the path, perhaps among other words,
	// and Known is what might have been meant.
	Found string
	Known []string
}

func (f Fault) String() string { return f.Path + ": expected " + f.Expected }

// Faults checks a definition: each field by its rule, then what the fields
// mean together. Of lost fields, by their paths, something was said that could not
// be read: nothing is told that may be wrong for no other reason.
func (d Definition) Faults(lost ...string) []Fault {
	f := faults{told: map[string]bool{}}
	f.walk(reflect.ValueOf(d), "")
	spoken := func(path string) bool {
		section, _, _ := strings.Cut(path, ".")
		section, _, _ = strings.Cut(section, "[")
		return slices.Contains(referred, section)
	}
	if !f.endless && !slices.ContainsFunc(lost, spoken) {
		f.meaning(d)
	}
	return slices.DeleteFunc(f.found, func(fault Fault) bool {
		return slices.ContainsFunc(lost, func(path string) bool {
			return strings.HasPrefix(path, fault.Path) || strings.HasPrefix(fault.Path, path)
		})
	})
}

// referred are the sections that others speak of.
var referred = []string{"owner", "network", "zone", "calendar", "partners", "roles", "quotas", "calls", "stages", "sessions", "reflections"}

// MaxEntries in a list are more than any programme has, and few enough to
// compare each with each.
const MaxEntries = 200

type faults struct {
	found   []Fault
	told    map[string]bool // by path
	endless bool            // a list is too long to look further
}

// expect tells one thing of a path: what is looked at later rests on what was
// wrong before.
func (f *faults) expect(ok bool, path, expected string, args ...any) {
	if !ok {
		f.tell(Fault{Path: path, Expected: fmt.Sprintf(expected, args...)})
	}
}

func (f *faults) tell(fault Fault) {
	if !f.told[fault.Path] {
		f.found, f.told[fault.Path] = append(f.found, fault), true
	}
}

// A Rule is what a field's tag says of it.
type Rule struct {
	Required bool     // where the section around it is there
	One      []string // a closed list of words
	Is       string   // slug, version, code, language, offset, today or before
	Max      int
	Key      bool // names its entry among the entries of a list
	Once     bool // no word twice
}

// Least is the smallest number that a field may have: what has to be said is
// not nothing.
func (r Rule) Least() int64 {
	if r.Required {
		return 1
	}
	return 0
}

// RuleOf reads a field's rule.
func RuleOf(field reflect.StructField) (r Rule) {
	for word := range strings.SplitSeq(field.Tag.Get("rule"), ",") {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "required":
			r.Required = true
		case "one":
			r.One = Vocabulary[value]
		case "max":
			r.Max, _ = strconv.Atoi(value)
		case "key":
			r.Key = true
		case "once":
			r.Once = true
		default:
			r.Is = name
		}
	}
	return r
}

// NameOf is a field's name as it is written.
func NameOf(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	return name
}

// walk checks the fields of a struct.
func (f *faults) walk(v reflect.Value, path string) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		at := NameOf(field)
		if path != "" {
			at = path + "." + at
		}
		f.field(v.Field(i), RuleOf(field), at)
	}
}

func (f *faults) field(v reflect.Value, r Rule, path string) {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return
		}
		v = v.Elem()
	}
	if v.IsZero() && !r.Required {
		return
	}
	switch x := v.Interface().(type) {
	case when.Offset:
		err := x.Check()
		f.expect(err == nil, path, "an offset such as {working_days: 5, at: \"17:00\"}: %v", err)
		into, counts := "an offset into the future", x.Days+x.WorkingDays+x.Hours > 0
		switch r.Is {
		case "before":
			into = "how long before it is due, in numbers above 0: nobody is reminded of what is overdue already"
		case "today":
			into, counts = "an offset into the future, or a time of the same day such as {at: \"23:30\"}", counts || x.At != ""
		}
		f.expect(min(x.Days, x.WorkingDays, x.Hours) >= 0 && counts, path, "%s", into)
		return
	case when.Calendar:
		for i, day := range x.Holidays {
			err := when.Calendar{Holidays: []string{day}}.Check()
			f.expect(err == nil, fmt.Sprintf("%s.holidays[%d]", path, i), "a day such as 2023-10-03, found %q", day)
		}
		return
	case when.Partial:
		f.expect(x.Check() == nil, path, "a date such as 2023-09-13, 2023-09, 2023, or 2023-21 for its spring")
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		f.walk(v, path)
	case reflect.Int:
		switch n, least := v.Int(), r.Least(); {
		case r.Max > 0:
			f.expect(n >= least && n <= int64(r.Max), path, "%d to %d, found %d", least, r.Max, n)
		case r.Required:
			f.expect(n >= least, path, "a whole number above 0")
		default:
			f.expect(n >= least, path, "a whole number, 0 or more")
		}
	case reflect.String:
		f.text(v.String(), r, path)
	case reflect.Slice:
		f.list(v, r, path)
	}
}

func (f *faults) text(s string, r Rule, path string) {
	switch {
	case r.One != nil && !slices.Contains(r.One, s):
		f.tell(Fault{path, domain.Either(r.One), s, r.One})
	case r.One != nil:
	case r.Is == "slug":
		f.expect(domain.CheckSlug("", s) == nil, path, "an id such as nemo-121")
	case r.Is == "language":
		f.expect(s != "" && domain.CheckLanguage(s) == nil, path, "a language tag such as en or pt-BR")
	case r.Is == "version":
		f.expect(s != "", path, "a version such as \"1\"")
	case r.Is == "code":
		f.expect(domain.CheckCode("", s) == nil && (s != "" || !r.Required), path, "a code such as printed_so, found %q", s)
	case r.Required:
		f.expect(strings.TrimSpace(s) != "", path, "some words")
	}
}

func (f *faults) list(v reflect.Value, r Rule, path string) {
	if v.Len() > MaxEntries {
		f.endless = true
		f.expect(false, path, "at most %d, found %d", MaxEntries, v.Len())
		return
	}
	if r.Required {
		of := ""
		if r.One != nil {
			of = " of " + domain.Either(r.One)
		}
		f.expect(v.Len() > 0, path, "at least one%s", of)
	}
	seen := map[string]bool{}
	for i := range v.Len() {
		item, at := v.Index(i), fmt.Sprintf("%s[%d]", path, i)
		name, once := at, r.Once
		key := item
		if item.Type() == reflect.TypeFor[when.Offset]() {
			f.field(item, Rule{Required: true, Is: r.Is}, at)
		} else if item.Kind() == reflect.Struct {
			f.walk(item, at)
			key = item.Field(0)
			if first := item.Type().Field(0); RuleOf(first).Key {
				name, once = at+"."+NameOf(first), true
			}
		} else {
			f.text(item.String(), Rule{Required: true, One: r.One}, at)
		}
		if once {
			f.expect(!seen[key.String()], name, "an id that no other of the %s has, not %s again", path, key.String())
			seen[key.String()] = true
		}
	}
}

// meaning checks what fields say together.
func (f *faults) meaning(d Definition) {
	_, err := when.Zone(d.Zone)
	f.expect(err == nil, "zone", "an IANA time zone such as Europe/Berlin")
	f.expect(len(d.Calls)+len(d.Stages) > 0, "calls", "at least one, or stages")
	f.quotas(d)
	for i, c := range d.Calls {
		f.call(d, c, fmt.Sprintf("calls[%d]", i))
	}
	f.roles(d)
	f.stages(d)
	f.messages(d)
	for i, t := range d.Tasks {
		f.task(d, t, fmt.Sprintf("tasks[%d]", i))
	}
	if counted := d.CountsWorkingDays(); counted != "" {
		f.expect(d.Calendar.Name != "", counted, "a calendar in the definition: it says which days are working days")
	}
	if m := d.Matching; m.Policy != "" || len(m.Rules)+len(m.Factors) > 0 {
		for _, fault := range m.Plan().Faults() {
			f.expect(false, "matching."+fault.Path, "%s", fault.Expected)
		}
	}
	if s := d.Sessions; s.Max > 0 {
		f.expect(s.Max >= s.Min, "sessions.max", "at least sessions.min (%d)", s.Min)
		f.expect(s.MaxMinutes >= s.MinMinutes, "sessions.max_minutes", "at least sessions.min_minutes (%d)", s.MinMinutes)
	}
	if n := d.Completion.ConformingSessions; n > 0 {
		f.expect(n <= d.Sessions.Max, "completion.conforming_sessions", "1 to sessions.max (%d)", d.Sessions.Max)
	}
	for i, side := range d.Completion.FinalReflections {
		f.expect(slices.Contains(d.Reflection.Final, side), fmt.Sprintf("completion.final_reflections[%d]", i), "a side that reflections.final asks")
	}
	for i, r := range d.Retention {
		f.expect(r.Of != Placed || r.After != AfterDecision, fmt.Sprintf("retention[%d].after", i), "%s, for who was placed takes part as long as the cycle lasts", AfterClosing)
	}
	for i, a := range d.Completion.Attendance {
		at := fmt.Sprintf("completion.attendance[%d].", i)
		s, _ := d.StageOf(a.Stage)
		f.expect(s.Gathers(), at+"stage", "a stage at which people gather: of kind %s", domain.Either(gathers))
		for j, side := range a.For {
			f.expect(len(s.For) == 0 || slices.Contains(s.For, side), fmt.Sprintf("%sfor[%d]", at, j), "somebody whom the stage is for: %s", domain.Either(s.For))
		}
	}
}

// CountsWorkingDays is the first field that does; "" when none does.
func (d Definition) CountsWorkingDays() string {
	for i, c := range d.Calls {
		if c.DraftsLast.WorkingDays > 0 {
			return fmt.Sprintf("calls[%d].drafts_last", i)
		}
		for j, r := range c.Routes {
			if r.Proof != nil && r.Proof.WorkingDays > 0 {
				return fmt.Sprintf("calls[%d].routes[%d].proof", i, j)
			}
		}
	}
	for i, t := range d.Tasks {
		for _, o := range t.offsets() {
			if o.WorkingDays > 0 {
				return fmt.Sprintf("tasks[%d].%s", i, o.path)
			}
		}
	}
	switch {
	case d.Offer.ReplyWithin.WorkingDays > 0:
		return "offer.reply_within"
	case d.Match.FirstContactWithin.WorkingDays > 0:
		return "match.first_contact_within"
	}
	return ""
}

// quotas checks that what is promised fits into what contains it.
func (f *faults) quotas(d Definition) {
	for i, q := range d.Quotas {
		for j, wide := range d.Quotas {
			within := (wide.Role == "" || wide.Role == q.Role) && (wide.Nation == "" || wide.Nation == q.Nation) && (wide.Per == "year" || wide.Per == q.Per)
			if i != j && within && wide.Limit > 0 {
				f.expect(q.Limit <= wide.Limit, fmt.Sprintf("quotas[%d].limit", i), "at most the %d that quota %s allows", wide.Limit, wide.Quota)
			}
		}
	}
	for i, c := range d.Calls {
		for _, q := range d.Quotas {
			if q.Limit > 0 && q.Nation == "" && (q.Role == "" || q.Role == c.Role) {
				f.expect(c.Places <= q.Limit, fmt.Sprintf("calls[%d].places", i), "at most the %d that quota %s allows", q.Limit, q.Quota)
			}
		}
	}
}

func (f *faults) call(d Definition, c Call, path string) {
	for i, k := range c.Criteria {
		f.condition(k.When, fmt.Sprintf("%s.criteria[%d].when", path, i))
	}
	if c.Deadline == (Deadline{}) {
		return
	}
	f.expect(!c.Rolling, path+".rolling", "a call that is always open, or one with a deadline")
	if _, err := when.Zone(d.Zone); err != nil || !slices.Contains(Vocabulary["deadline"], c.Deadline.Rule) {
		return // told already
	}
	switch _, err := c.Deadline.In(d.Zone).Resolve(); {
	case errors.Is(err, when.ErrWeekdayMismatch):
		f.expect(false, path+".deadline.published", "a weekday that fits its date, or override: why it stands: %v", err)
	case errors.Is(err, when.ErrWordingMismatch):
		f.expect(false, path+".deadline.published", "the day and the hour of local, or override: why it stands: %v", err)
	case err != nil:
		f.expect(false, path+".deadline.local", "a local time such as 2017-04-24T10:00 that the clocks show once: %v", err)
	}
}

// In is the deadline as it is told in a zone; it is yet to be resolved.
func (d Deadline) In(zone string) when.Deadline {
	return when.Deadline{Local: d.Local, Zone: zone, Rule: when.Rule(d.Rule), Published: d.Published, Override: d.Override}
}

// condition checks that a condition compares each fact with what it can be.
func (f *faults) condition(c Condition, path string) {
	for _, part := range []struct {
		name string
		list []Comparison
	}{{"all", c.All}, {"any", c.Any}, {"not", c.Not}} {
		for i, k := range part.list {
			at := fmt.Sprintf("%s.%s[%d]", path, part.name, i)
			words, isWord := facts[k.Fact]
			switch {
			case !slices.Contains(Vocabulary["fact"], k.Fact): // told by its rule
			case isWord:
				f.expect(slices.Contains(words, k.Is), at+".is", "%s", domain.Either(words))
				f.expect(k.AtLeast == 0, at, "is, for %s is no number", k.Fact)
			default:
				f.expect(k.Is == "", at+".is", "at_least, for %s is a number", k.Fact)
				f.expect(k.AtLeast > 0, at, "at_least: a whole number above 0")
			}
		}
	}
}

// roles checks that whoever is asked for something can be there.
func (f *faults) roles(d Definition) {
	var known, held, organisations []string
	for _, c := range d.Calls {
		held = append(held, c.Role)
	}
	organisations = append(organisations, d.Owner, d.Network)
	for _, p := range d.Partners {
		organisations = append(organisations, p.Organisation)
	}
	for _, r := range d.Roles {
		known = append(known, r.Role)
	}
	known = append(known, held...)
	for i, r := range d.Roles {
		at := fmt.Sprintf("roles[%d]", i)
		f.expect(r.Organisation == "" || slices.Contains(organisations, r.Organisation), at+".organisation", "the owner, the network or a partner, not %s", r.Organisation)
		f.expect(r.Of == "" || r.Of != r.Role && slices.Contains(known, r.Of), at+".of", "another role of this programme")
		f.expect(r.Organisation != "" || r.Of != "" || slices.Contains(held, r.Role), at+".role",
			"a role that somebody can hold: a call for %s, the organisation whose people they are, or of: the role they come with", r.Role)
	}
	asked := func(role, path string) {
		f.expect(role == "" || !slices.Contains(Vocabulary["role"], role) || slices.Contains(known, role), path, "a role of this programme, in roles or in a call, not %s", role)
	}
	stages := map[string]bool{}
	for i, s := range d.Stages {
		stages[s.Stage] = true
		for j, role := range s.For {
			asked(role, fmt.Sprintf("stages[%d].for[%d]", i, j))
		}
	}
	for i, t := range d.Tasks {
		asked(t.Role, fmt.Sprintf("tasks[%d].role", i))
		asked(t.Escalate.To, fmt.Sprintf("tasks[%d].escalate.to", i))
		f.expect(t.Stage == "" || stages[t.Stage], fmt.Sprintf("tasks[%d].stage", i), "a stage of this programme, not %s", t.Stage)
	}
	for i, role := range d.Matching.Conversation {
		asked(role, fmt.Sprintf("matching.conversation[%d]", i))
	}
	for i, o := range d.Outcomes.Items {
		for j, role := range o.For {
			asked(role, fmt.Sprintf("outcomes.items[%d].for[%d]", i, j))
		}
	}
	for i, q := range d.Quotas {
		asked(q.Role, fmt.Sprintf("quotas[%d].role", i))
	}
}

// An offset of a task's, and where it stands.
type taskOffset struct {
	when.Offset
	path string
}

func (t Task) offsets() []taskOffset {
	list := []taskOffset{{t.Due, "due"}, {t.Escalate.After, "escalate.after"}, {t.Expires, "expires"}}
	for i, o := range t.Remind.Before {
		list = append(list, taskOffset{o, fmt.Sprintf("remind.before[%d]", i)})
	}
	return list
}

// task checks that what a task says can come about.
func (f *faults) task(d Definition, t Task, at string) {
	if t.On == "" {
		for _, said := range []struct {
			name string
			is   bool
		}{
			{"done", len(t.Done) > 0}, {"due", t.Due != (when.Offset{})}, {"due_from", t.DueFrom != ""}, {"remind", len(t.Remind.Before) > 0},
			{"escalate", t.Escalate != (Escalation{})}, {"expires", t.Expires != (when.Offset{})}, {"four_eyes", len(t.FourEyes) > 0},
		} {
			f.expect(!said.is, at+"."+said.name, "on as well: the event that opens the task")
		}
		return
	}
	h, ok := Happenings[t.On]
	if !ok {
		return // told by its rule
	}
	f.expect(slices.Contains(h.holders(d), t.Role) || !slices.Contains(Vocabulary["role"], t.Role), at+".role",
		"somebody who can be asked when %s: %s, not %s", t.On, domain.Either(h.holders(d)), t.Role)
	for i, done := range t.Done {
		if !slices.Contains(Vocabulary["event"], done) {
			continue // told by its rule
		}
		follows := "nothing that follows " + t.On + " completes a task: somebody says that it is done"
		if len(h.Then) > 0 {
			follows = "an event that can follow " + t.On + ": " + domain.Either(h.Then)
		}
		f.expect(slices.Contains(h.Then, done), fmt.Sprintf("%s.done[%d]", at, i), "%s, not %s", follows, done)
	}
	for i, by := range t.FourEyes {
		f.expect(t.On == by || h.About != AboutCycle && sameAbout(h.About, by) || !slices.Contains(Vocabulary["event"], by), fmt.Sprintf("%s.four_eyes[%d]", at, i),
			"an event about the same %s as %s, not %s", h.About, t.On, by)
	}
	if t.DueFrom != "" {
		f.expect(h.About == AboutCall || h.About == AboutApplication, at+".due_from", "a task about a call or an application, for nothing else has a deadline")
	}
	if !t.Timed() {
		for _, o := range t.offsets() {
			f.expect(o.Offset == (when.Offset{}), at+"."+o.path, "due as well: when the task is to be done")
		}
		return
	}
	f.expect(t.Remind.AtMost >= len(t.Remind.Before), at+".remind.at_most", "at least %d, as many as there are in before", len(t.Remind.Before))
	for i, before := range t.Remind.Before {
		if t.DueFrom == "" {
			f.expect(d.fits(before, t.Due), fmt.Sprintf("%s.remind.before[%d]", at, i), "less than due: a reminder comes after the task is opened")
		}
	}
	if t.Escalate.After != (when.Offset{}) && t.Expires != (when.Offset{}) {
		f.expect(d.fits(t.Escalate.After, t.Expires), at+".escalate.after", "less than expires: nobody takes up what has expired")
	}
}

// sameAbout tells whether an event happens to what such a task is about.
func sameAbout(about, event string) bool {
	for opener, h := range Happenings {
		if h.About == about && (opener == event || slices.Contains(h.Then, event)) {
			return true
		}
	}
	return false
}

// fits tells whether one offset can be shorter than another. Working days are
// as many days as the week and the holidays make of them, so that is tried
// from each day of a year.
func (d Definition) fits(short, long when.Offset) bool {
	for day := range 366 {
		anchor := time.Date(2024, 1, 1+day, 8, 0, 0, 0, time.UTC)
		a, errShort := short.From(anchor, d.Zone, d.Calendar)
		b, errLong := long.From(anchor, d.Zone, d.Calendar)
		if errShort != nil || errLong != nil || a.Before(b) {
			return true // what is wrong with one of them is told elsewhere
		}
	}
	return false
}

// After lists what a stage goes on to. What is not said is said here: the
// stage that follows, or closed, where there is none or it starts anew.
func (d Definition) After(i int) []Next {
	switch {
	case len(d.Stages[i].Next) > 0:
		return d.Stages[i].Next
	case i+1 == len(d.Stages) || d.Stages[i+1].Start:
		return []Next{{Stage: Closed}}
	}
	return []Next{{Stage: d.Stages[i+1].Stage}}
}

// Begins tells whether people begin at a stage.
func (d Definition) Begins(i int) bool { return i == 0 || d.Stages[i].Start }

// stages checks that every stage is on a way from a beginning to the end, and
// that time goes the same way.
func (f *faults) stages(d Definition) {
	index := map[string]int{}
	for i, s := range d.Stages {
		index[s.Stage] = i
		f.expect(s.Stage != Closed, fmt.Sprintf("stages[%d].stage", i), "another id than closed, which is the end")
	}
	reached, leads, dangling := make([]bool, len(d.Stages)), make([]bool, len(d.Stages)), false
	for range d.Stages { // as often as the longest way is long
		for i := range d.Stages {
			reached[i] = reached[i] || d.Begins(i)
			for _, n := range d.After(i) {
				j, ok := index[n.Stage]
				leads[i] = leads[i] || n.Stage == Closed || ok && leads[j]
				dangling = dangling || !ok && n.Stage != Closed
				if ok && reached[i] {
					reached[j] = true
				}
			}
		}
	}
	bounds := make([]bound, len(d.Stages))
	for i, s := range d.Stages {
		at := fmt.Sprintf("stages[%d]", i)
		f.expect(reached[i] || dangling, at+".stage", "a stage that another goes on to, or start: true")
		f.expect(leads[i] || dangling, at+".stage", "a way from here to closed")
		if s.Call != "" {
			_, ok := d.Call(s.Call)
			f.expect(ok, at+".call", "a call of this programme, not %s", s.Call)
			f.expect(s.Kind == "call", at+".call", "a call only at a stage of kind call")
		}
		for j, n := range s.Next {
			to := fmt.Sprintf("%s.next[%d]", at, j)
			_, ok := index[n.Stage]
			f.expect(ok || n.Stage == Closed, to+".stage", "a stage of this programme or closed, not %s", n.Stage)
			f.expect(n.When.Said() || j == len(s.Next)-1, to, "a condition, or this as the last: what follows it is never reached")
			f.condition(n.When, to+".when")
		}
		f.dates(d, i, index, bounds)
	}
}

// A bound is a moment before which nothing that follows it may end, and what
// happens then.
type bound struct {
	time.Time
	words string
}

func (b bound) later(o bound) bound {
	if o.After(b.Time) {
		return o
	}
	return b
}

// dates checks a stage's own dates, that they are not before what leads to it,
// and hands on from when on those that follow may end. Ways back are another
// round of something, and are not followed.
func (f *faults) dates(d Definition, i int, index map[string]int, bounds []bound) {
	s, at := d.Stages[i], fmt.Sprintf("stages[%d]", i)
	zone, err := when.Zone(d.Zone)
	if err != nil {
		return // told already, and so is a date that is none
	}
	from, err := s.From.Start(d.Zone)
	if s.From != "" && err == nil {
		ends, _ := s.From.End(d.Zone)
		f.expect(!ends.Before(bounds[i].Time), at+".from", "a date that is not before %s", bounds[i].words)
		if len(s.From) == len(time.DateOnly) && s.Override == "" {
			err := when.CheckWeekday(s.Published, from.In(zone))
			f.expect(err == nil, at+".published", "a weekday that fits its date, or override: why it stands: %v", err)
		}
		bounds[i] = bounds[i].later(bound{from, s.Stage + ", which comes first (" + string(s.From) + ")"})
	}
	if to, err := s.To.End(d.Zone); s.To != "" && err == nil {
		f.expect(s.From != "" && !to.Before(from), at+".to", "an end that is not before from")
	}
	for _, c := range d.Calls {
		if s.Kind != "call" || c.Deadline == (Deadline{}) || s.Call != "" && s.Call != c.Call {
			continue
		}
		if deadline, err := c.Deadline.In(d.Zone).Resolve(); err == nil {
			bounds[i] = bounds[i].later(bound{deadline.Instant, "the deadline of " + c.Call + " (" + c.Deadline.Local + ")"})
		}
	}
	for _, n := range d.After(i) {
		if j, ok := index[n.Stage]; ok && j > i {
			bounds[j] = bounds[j].later(bounds[i])
		}
	}
}
