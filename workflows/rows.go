package workflows

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/access"
	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/domain/gathering"
	"github.com/daybook-engine/daybook/domain/imports"
	"github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/domain/when"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/workflows/document"
	"github.com/daybook-engine/daybook/workflows/sheet"
)

// importing finds what rows of a kind are judged by, if they may be brought in.
func (g *Engine) importing(ctx context.Context, in Import) (*importer, rowKind, error) {
	kind, ok := rowKinds[in.Kind]
	if !ok {
		return nil, kind, imports.ErrKind.Because(document.Suggest(in.Kind, imports.Kinds))
	}
	role, handle, err := ParseActor(in.By)
	if err != nil {
		return nil, kind, err
	}
	if err := cmp.Or(access.Allow(role, "import.start"), access.Allow(role, kind.issues)); err != nil {
		return nil, kind, err
	}
	actor, err := g.Registered(ctx, handle)
	if err != nil {
		return nil, kind, err
	}
	in.By = string(role) + "/" + string(actor) // found once, and not by each command
	x := &importer{Import: in, g: g, newcomers: map[string]*newcomer{}, handles: map[string]bool{}, calls: map[string]aCall{}}
	if x.then, err = g.ahead(ctx); err != nil {
		return nil, kind, err
	}
	x.l = lookup{ctx, x.then.engine, true}
	if x.definition, x.planned, err = x.l.definition(in.Cycle); err != nil {
		return nil, kind, err
	}
	if in.Kind == "applications" {
		err = x.chooseCall()
	}
	return x, kind, err
}

// plan reads a sheet's rows, and makes commands of them.
func (g *Engine) plan(ctx context.Context, in Import) (*importer, error) {
	if in.Map.Import != "" && in.Map.Import != in.Kind {
		return nil, in.Map.Wrong("import", "expected a map for %s, found one for %s", in.Kind, in.Map.Import)
	}
	x, kind, err := g.importing(ctx, in)
	if err != nil {
		return nil, err
	}
	reading, err := sheet.Understand(in.Sheet, x.fields(kind), in.Map)
	if err != nil {
		return nil, err
	}
	x.done = &Imported{Reading: reading, Rows: make([]ImportedRow, len(reading.Rows))}
	if err := x.needs(kind.needs); err != nil {
		return nil, err
	}
	if len(reading.Rows) == 0 {
		return nil, &sheet.Error{File: in.Sheet.File, Row: reading.Header.Number, Text: "expected rows below the headings, found none"}
	}
	x.rows = make([]rowPlan, len(reading.Rows))
	x.namesakes()
	readers := make([]reader, len(reading.Rows))
	for i, r := range reading.Rows {
		readers[i] = reader{x: x, row: r, unsure: x.Sheet.Claimed && !x.sure()}
		kind.row(x, &readers[i], &x.rows[i])
		if err := readers[i].fault; err != nil {
			return nil, err
		}
	}
	if err := x.number(); err != nil {
		return nil, err
	}
	said := map[uuid.UUID]int{} // the row that says it first
	for i, p := range x.rows {
		r := &x.done.Rows[i]
		*r = already(reading.Rows[i].Number)
		slices.Sort(readers[i].said)
		x.rows[i].says = strings.Join(readers[i].said, "\x00")
		switch doubt := readers[i].doubt; {
		case doubt != nil:
			r.Outcome, r.Why, r.Nobody = RowAsked, doubt.Error(), readers[i].nobody
		case p.refused != nil:
			r.Outcome, r.Code, r.Why = RowRefused, p.refused.Code, p.refused.Text
		}
		if r.Outcome != RowAlready {
			x.rows[i].orders, x.rows[i].register = nil, nil
			continue
		}
		if len(p.orders) == 0 {
			if p.newcomer != nil && p.register == nil {
				r.Why = fmt.Sprintf("the same person as row %d", p.newcomer.row)
			}
			continue
		}
		// Texts are no part of a command's id: two rows may differ in them alone.
		first, twice := said[p.orders[0].cause.CommandID]
		switch {
		case !twice:
			said[p.orders[0].cause.CommandID] = i
			continue
		case x.rows[first].says != x.rows[i].says:
			r.Outcome, r.Why = RowAsked, fmt.Sprintf("row %d says the same in other words: leave one of the two out", x.done.Rows[first].Row)
		default:
			r.Why = fmt.Sprintf("the same as row %d", x.done.Rows[first].Row)
		}
		x.rows[i].orders, x.rows[i].newcomer = nil, nil
	}
	return x, nil
}

// needs tells of what a kind needs and no column says.
func (x *importer) needs(all [][]string) error {
	var missing []string
	for _, either := range all {
		if !slices.ContainsFunc(either, x.said) {
			missing = append(missing, strings.Join(either, " or "))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	found := "none of its other columns was recognised"
	if len(x.done.Reading.Unused) > 0 {
		found = "not recognised: " + strings.Join(x.done.Reading.Unused, ", ")
	}
	return &sheet.Error{File: x.Sheet.File, Row: x.done.Reading.Header.Number, Text: fmt.Sprintf("expected a column for %s (%s); name it in a map, or set it for all rows there", strings.Join(missing, ", and for "), found)}
}

// said tells whether a column, or the map, says a field.
func (x *importer) said(field string) bool {
	_, set := x.Map.Set[field]
	return set || x.done.Reading.Has(field)
}

// A reader reads one row. The first thing that it cannot read is its doubt.
type reader struct {
	x      *importer
	row    sheet.Row
	said   []string
	unsure bool      // whom the mail is from, in which it is
	doubt  error     // for a person
	nobody *Stranger // whom it is about
	fault  error     // of ours
}

func (r *reader) ask(format string, args ...any) {
	if r.doubt == nil {
		r.doubt = sheet.Doubted(format, args...)
	}
}

func (r *reader) wrong(field string, err error) {
	if err != nil {
		r.ask("%s: %v", field, err)
	}
}

// failed sorts an error: an answer of the rules is a doubt, and anything else
// a fault.
func (r *reader) failed(field string, err error) {
	switch refused := new(domain.Error); {
	case err == nil:
	case errors.As(err, &refused):
		r.wrong(field, err)
	case r.fault == nil:
		r.fault = err
	}
}

func (r *reader) note(field, value string) {
	if value != "" {
		r.said = append(r.said, field+"="+value)
	}
}

func (r *reader) text(field string) string {
	text, err := r.x.done.Reading.Text(r.row, field)
	if err != nil {
		r.ask("%v", err)
	}
	r.note(field, text)
	return text
}

func (r *reader) slug(field string) string { return strings.ToLower(r.text(field)) }

func (r *reader) whole(field string) int {
	c := r.x.done.Reading.Cell(r.row, field)
	if c.Text == "" && c.Doubt == "" {
		return 0
	}
	n, err := c.Whole()
	r.wrong(field, err)
	r.note(field, strconv.Itoa(n))
	return n
}

// local is a local date and time, of a column or of two; "" where nothing
// stands there.
func (r *reader) local(date, at string) string {
	c := r.x.done.Reading.Cell(r.row, date)
	if c.Text == "" && c.Doubt == "" {
		r.ask("%s: it is missing", date)
		return ""
	}
	day, clock, err := c.When(r.x.done.Reading.Order(date))
	r.wrong(date, err)
	if t := r.x.done.Reading.Cell(r.row, at); err == nil && (t.Text != "" || t.Doubt != "") {
		_, set := r.x.Map.Set[at]
		if said, err := t.Clock(); err != nil {
			r.wrong(at, err)
		} else if clock == "" || !set && said != clock {
			if clock != "" {
				r.ask("%s: it says %s, and %s says %s", at, said, date, clock)
			}
			clock = said
		}
	}
	switch {
	case r.doubt != nil:
		return ""
	case clock == "":
		r.ask("%s: it has no time: choose a column for it, or say one time for all rows (in a map, set: {%s: \"12:00\"})", date, at)
		return ""
	}
	r.note(date, day+"T"+clock)
	return day + "T" + clock
}

// send adds a command to what a row comes to.
func (r *reader) send(p *rowPlan, command string, fields map[string]any, behalf domain.Person) {
	o, err := r.x.order(command, fields, behalf)
	if err != nil {
		r.failed(command, err)
		return
	}
	if r.x.sure() {
		o.cause.Reason = "sender_confirmed"
	}
	if r.vouched(p, behalf); r.doubt == nil {
		p.orders = append(p.orders, o)
	}
}

func (x *importer) aPerson(r *reader, p *rowPlan) { r.who(p, x.planned.Programme) }

func (x *importer) aMentor(r *reader, p *rowPlan) {
	pool, capacity := r.slug("pool"), r.whole("capacity")
	var expertise []string
	for _, e := range strings.FieldsFunc(r.text("expertise"), func(r rune) bool { return strings.ContainsRune(",;\n", r) }) {
		if code := strings.ReplaceAll(slugged(e), "-", "_"); code != "" {
			expertise = append(expertise, code)
		}
	}
	if who := r.who(p, pool); r.doubt == nil {
		r.send(p, "mentor.join", map[string]any{"mentor": who, "pool": pool, "capacity": capacity, "expertise": expertise}, "")
	}
}

func (x *importer) anApplication(r *reader, p *rowPlan) {
	under := x.Call
	if said := r.slug("call"); said != "" {
		under = said
	}
	c, ok := x.calls[under]
	switch {
	case under == "":
		r.ask("call: it is missing; name it with --call, or in a column")
		return
	case !ok:
		r.ask("call: there is no call %q", under)
		return
	}
	var received time.Time
	if came := x.done.Reading.Cell(r.row, "received"); !came.At.IsZero() {
		received = came.At.UTC()
		r.note("received", received.Format(time.RFC3339))
	} else if x.said("received") {
		if local := r.local("received", "received_time"); local != "" {
			var err error
			received, err = when.Local(local, x.definition.Zone)
			r.wrong("received", err)
		}
	} else if c.passed {
		r.ask("received: the deadline has passed, so the row has to say when it was received")
	}
	answers := map[string]any{}
	for _, f := range c.plan.Form.Fields {
		if texts := r.answers(f); len(texts) == 1 && f.Ranks == 0 {
			answers[f.Field] = texts[0]
		} else if len(texts) > 0 {
			answers[f.Field] = texts
		}
	}
	route, organisation := r.slug("route"), slugged(r.text("organisation"))
	who := r.who(p, x.planned.Programme)
	if r.doubt != nil {
		return
	}
	fields := map[string]any{"cycle": x.Cycle, "call": under, "person": who, "answers": answers, "route": route, "organisation": organisation}
	if !received.IsZero() {
		fields["received_at"] = received
	}
	found, err := x.applied(application.ID{Cycle: x.Cycle, Call: under, Person: who}, answers, received)
	r.failed("answers", err)
	switch {
	case found.other != "":
		p.refused = application.ErrDuplicate.Because(found.other)
	case !found.same:
		r.send(p, "application.submit", fields, who)
		n := len(p.orders)
		if n == 0 {
			return
		}
		// What was refused as late is asked anew when it no longer is, and what was
		// retracted may be: under its first id it has its answer.
		id, until := &p.orders[n-1].cause.CommandID, c.state.Permit(who)
		permitted := c.state.Deadline().Met(received) || !received.After(until)
		if found.late && permitted {
			*id = uuid.NewSHA1(*id, fmt.Append(nil, until.UTC(), c.state.Deadline().Instant.UTC()))
		}
		if found.retracted != uuid.Nil && (!found.late || permitted) {
			*id = uuid.NewSHA1(*id, found.retracted[:])
		}
	}
}

// answers are what a row says to a question: of a ranked one, by rank.
func (r *reader) answers(f programme.Field) []string {
	field := answerField(f.Field)
	var texts []string
	for rank := range f.Ranks {
		texts = append(texts, r.text(field+"-"+strconv.Itoa(rank+1)))
	}
	if whole := r.text(field); whole != "" {
		texts = []string{whole}
		if f.Ranks > 0 {
			texts = listed(whole)
		}
	}
	return slices.DeleteFunc(texts, func(s string) bool { return s == "" })
}

// listed are the items of a list in one cell, each in a line or after a
// semicolon, without the numbers before them.
func listed(text string) []string {
	sign := "\n"
	if !strings.Contains(text, "\n") {
		sign = ";"
	}
	items := strings.Split(text, sign)
	for i, item := range items {
		item = strings.TrimSpace(item)
		if n := strings.TrimLeft(item, "0123456789"); n != item && (strings.HasPrefix(n, ".") || strings.HasPrefix(n, ")")) {
			item = n[1:]
		}
		items[i] = strings.TrimSpace(strings.TrimLeft(item, "-–•*"))
	}
	return items
}

// An appliedBefore is how what a row says of an application stands to what there
// is of it.
type appliedBefore struct {
	same      bool      // it was received so
	late      bool      // it was refused as late
	other     string    // it was received otherwise, and how
	retracted uuid.UUID // the last event by which it was
}

func (x *importer) applied(id application.ID, answers map[string]any, received time.Time) (found appliedBefore, err error) {
	var was *application.Received
	for r, err := range x.l.Store.ReadStream(x.l.ctx, id.Stream(), eventstore.ReadStream{}) {
		if errors.Is(err, eventstore.ErrStreamNotFound) {
			break
		} else if err != nil {
			return found, err
		}
		body, err := schema.Decode(r.Name, r.Data)
		if err != nil {
			return found, err
		}
		switch e := body.(type) {
		case application.Received:
			was = &e
		case application.SubmissionRefused:
			found.late = e.Code == application.ErrPassed.Code && e.ReceivedAt.Equal(received)
		case application.Withdrawn:
			found.other = "it was withdrawn since"
		case application.Retracted:
			was, found.other, found.retracted = nil, "", r.ID
		}
	}
	switch {
	case was == nil || found.other != "":
		return found, nil
	case !received.IsZero() && !was.ReceivedAt.Equal(received):
		found.other = "received at another time"
		return found, nil
	}
	texts := map[string][]string{}
	for _, a := range was.Answers {
		text, err := x.reveal(a.Text.Digest)
		if err != nil {
			return found, err
		}
		texts[a.Field] = append(texts[a.Field], text)
	}
	said := map[string][]string{}
	for field, v := range answers {
		switch v := v.(type) {
		case string:
			said[field] = []string{v}
		case []string:
			said[field] = v
		}
	}
	for _, field := range x.calls[id.Call].plan.Form.Fields {
		if !slices.EqualFunc(texts[field.Field], said[field.Field], func(a, b string) bool { return strings.TrimSpace(a) == b }) {
			found.other = "with other answers"
			return found, nil
		}
	}
	found.same = true
	return found, nil
}

// somebody is who a cell names by address or short name.
func (r *reader) somebody(field string) domain.Person {
	text := strings.ToLower(r.text(field))
	if text == "" {
		r.ask("%s: it is missing", field)
		return ""
	}
	p, err := r.x.l.Registered(r.x.l.ctx, text)
	if errors.Is(err, domain.NotFound) {
		switch {
		case r.doubt != nil:
		case strings.Contains(text, "@"):
			r.nobody = &Stranger{Email: text}
		case domain.CheckSlug("handle", text) == nil: // else it is a name, by which nobody is found
			r.nobody = &Stranger{Handle: text}
		}
		r.ask("%s: nobody is registered under this address or short name", field)
	} else {
		r.failed(field, err)
	}
	return p
}

func (x *importer) aMatch(r *reader, p *rowPlan) {
	mentee, mentor := r.somebody("mentee"), r.somebody("mentor")
	id := r.slug("match")
	if id == "" {
		id = "m-" + domain.UUID5("match", x.Cycle, string(mentee), string(mentor))[:8]
	}
	previous, rationale := r.slug("previous"), r.text("rationale")
	accepted, met := r.agreed("accepted")
	signed, bound := r.agreed("signed")
	version := x.definition.Agreement.Version
	switch {
	case bound && !met:
		r.ask("signed: it does not say that both accepted; choose a column for that, too")
	case bound && version == "":
		r.ask("signed: this programme has no agreement")
	case !signed.IsZero() && (accepted.IsZero() || signed.Before(accepted)):
		r.ask("signed: nobody signs before they have accepted; say on which day that was")
	}
	if r.doubt != nil {
		return
	}
	send := func(command string, behalf domain.Person, fields map[string]any) {
		fields["cycle"], fields["match"] = x.Cycle, id
		maps.DeleteFunc(fields, func(_ string, v any) bool { return v == time.Time{} }) // it does not say when
		r.send(p, command, fields, behalf)
	}
	send("match.propose", "", map[string]any{"mentee": mentee, "mentor": mentor, "previous": previous, "rationale": rationale, "proposed": accepted})
	if met {
		send("match.accept", mentee, map[string]any{"side": match.Mentee, "accepted": accepted})
		send("match.accept", mentor, map[string]any{"side": match.Mentor, "accepted": accepted})
	}
	if bound {
		send("agreement.sign", mentee, map[string]any{"side": match.Mentee, "version": version, "signed": signed})
		send("agreement.sign", mentor, map[string]any{"side": match.Mentor, "version": version, "signed": signed})
	}
}

// agreed tells whether a row says of a field that it is so, or since which day.
func (r *reader) agreed(field string) (on time.Time, yes bool) {
	c := r.x.done.Reading.Cell(r.row, field)
	if !aDate(c) {
		yes, _ = r.yes(field)
		return on, yes
	}
	day, _, err := c.When(r.x.done.Reading.Order(field))
	if r.wrong(field, err); err == nil {
		on, err = when.Local(day+"T00:00", r.x.definition.Zone)
		r.wrong(field, err)
	}
	now, fault := r.x.l.now()
	if r.failed(field, fault); on.After(now) {
		r.ask("%s: %s is still to come", field, day)
	}
	r.note(field, day)
	return on, err == nil
}

// yes tells whether a row says of a field that it is so, or that it is not.
func (r *reader) yes(field string) (yes, no bool) {
	switch said := r.slug(field); said {
	case "yes", "y", "ja", "x", "true", "1":
		return true, false
	case "no", "n", "nein", "false", "0":
		return false, true
	case "":
	default:
		r.ask("%s: expected yes or no, ja or nein, found %q", field, said)
	}
	return false, false
}

// aHeld is a session that a row says was held.
type aHeld struct {
	match   string
	n       int
	start   time.Time
	local   string
	zone    string
	minutes int
	mode    string
	reader  *reader
	plan    *rowPlan
}

func (x *importer) aSession(r *reader, p *rowPlan) {
	h := aHeld{match: r.slug("match"), n: r.whole("session"), local: r.local("date", "time"), reader: r, plan: p}
	if h.match == "" {
		h.match = r.between(r.somebody("mentee"), r.somebody("mentor"))
	}
	h.zone = cmp.Or(r.text("zone"), x.definition.Zone)
	if r.doubt != nil {
		return
	}
	var err error
	h.start, err = when.Local(h.local, h.zone)
	r.wrong("date", err)
	if r.doubt != nil || r.planned(h) {
		return
	}
	h.minutes = r.minutes()
	h.mode = r.mode()
	if r.doubt == nil {
		x.held = append(x.held, h)
	}
}

// planned tells whether a row says no more than is known: a session at its time,
// without a length. So it stands in a sheet that was downloaded.
func (r *reader) planned(h aHeld) bool {
	for _, field := range []string{"minutes", "hours"} {
		if c := r.x.done.Reading.Cell(r.row, field); c.Text != "" || c.Doubt != "" {
			return false
		}
	}
	s, err := remembered[match.State](r.x.l, match.ID{Cycle: r.x.Cycle, Match: h.match}.Stream())
	r.failed("match", err)
	slot, known := s.Slot(h.n)
	return known && slot.Start.Equal(h.start)
}

func (x *importer) anAttendance(r *reader, p *rowPlan) {
	who, at := r.somebody("person"), r.slug("gathering")
	there, absent := r.yes("present")
	if x.said("present") && !there && !absent {
		r.ask("present: it is missing")
	}
	minutes := 0
	if !absent {
		minutes = r.minutes()
	}
	if r.doubt != nil {
		return
	}
	s, err := remembered[gathering.State](x.l, gathering.ID{Cycle: x.Cycle, Gathering: at}.Stream())
	r.failed("gathering", err)
	e, said := s.Attendance(who)
	switch {
	case absent && said && e.Present:
		r.ask("present: it is recorded that they were there, which is taken back with attendance.correct")
	case absent: // there is nothing to record
	case said && !e.Present:
		p.refused = domain.Refuse("attendance_corrected", "that somebody was there was taken back, and is said again with attendance.correct")
	default:
		r.send(p, "attendance.record", map[string]any{"cycle": x.Cycle, "gathering": at, "person": who, "minutes": minutes}, "")
	}
}

// minutes is a session's length.
func (r *reader) minutes() int {
	x := r.x.done.Reading
	field := "minutes"
	if c := x.Cell(r.row, field); c.Text == "" && c.Doubt == "" && r.x.said("hours") {
		field = "hours"
	}
	c := x.Cell(r.row, field)
	if c.Text == "" && c.Doubt == "" {
		r.ask("%s: it is missing", field)
		return 0
	}
	n, err := c.Minutes(r.x.unit(field))
	r.wrong(field, err)
	r.note("minutes", strconv.Itoa(n))
	return n
}

// unit is what a field's column counts in; "" where neither the map nor the
// heading says it.
func (x *importer) unit(field string) string {
	if x.Map.Columns[field] == "" && field == "minutes" && !strings.Contains(strings.ToLower(x.done.Reading.Heading(field)), "min") {
		return ""
	}
	return field
}

// mode is how a session was held: as planned, or as the map says.
func (r *reader) mode() string {
	text := r.text("mode")
	mode := strings.ToLower(text)
	planned := r.x.definition.Sessions.Modes
	for _, p := range planned { // as a page writes it
		if strings.ReplaceAll(p, "_", " ") == mode {
			mode = p
		}
	}
	_, set := r.x.Map.Set["mode"]
	said := set
	for _, means := range r.x.Map.Values["mode"] {
		said = said || means == text
	}
	switch {
	case mode == "":
		r.ask("mode: it is missing")
	case slices.Contains(planned, mode):
	case !said:
		r.ask("mode: %q is none of those planned (%s); write one of those (or in a map, values: {mode: {%s: …}})", text, strings.Join(planned, ", "), text)
	}
	return mode
}

// between is the match of two people, by its name.
func (r *reader) between(mentee, mentor domain.Person) string {
	if r.doubt != nil || r.fault != nil {
		return ""
	}
	x := r.x
	if x.pairs == nil {
		x.pairs = map[match.Pair][]string{}
		if err := x.l.matches(x.Cycle, func(id match.ID, m match.State) {
			if id.Cycle == x.Cycle && m.Phase() != match.Off {
				x.pairs[m.Pair()] = append(x.pairs[m.Pair()], id.Match)
			}
		}); err != nil {
			r.fault = err
			return ""
		}
	}
	switch found := x.pairs[match.Pair{Mentee: mentee, Mentor: mentor}]; len(found) {
	case 0:
		r.ask("these two have no match in %s", x.Cycle)
		return ""
	case 1:
		return found[0]
	default:
		r.ask("these two have several matches in %s, %s: name one in a column match", x.Cycle, strings.Join(found, " and "))
		return ""
	}
}

// again tells whether what is said of a session may be recorded, under another
// number where there was a record of it: also when that was retracted with its
// import, and not when somebody retracted it.
func (x *importer) again(h aHeld) (bool, error) {
	var brought, retracted string // by which import, and with what
	for r, err := range x.l.Store.ReadStream(x.l.ctx, match.ID{Cycle: x.Cycle, Match: h.match}.Stream(), eventstore.ReadStream{}) {
		if errors.Is(err, eventstore.ErrStreamNotFound) {
			break
		} else if err != nil {
			return false, err
		}
		event, err := schema.Decode(r.Name, r.Data)
		if err != nil {
			return false, err
		}
		env, err := schema.DecodeEnvelope(r.Metadata)
		if err != nil {
			return false, err
		}
		switch e := event.(type) {
		case match.SessionHeld:
			if e.Start.Equal(h.start) || e.Session == h.n {
				brought, retracted = env.Correlation, ""
			}
		case match.SessionRetracted:
			if e.Start.Equal(h.start) || e.Session == h.n {
				retracted = env.Correlation
			}
		}
	}
	return retracted == "" || retracted == domain.UUID5("import.revert", brought), nil
}

// number gives sessions without one their number: that of the session which has
// the same time, else the next in order of time, whatever the order of the rows.
// Whoever has a sheet has a list of what was held: what was planned for another
// time, and is not recorded, stays planned.
func (x *importer) number() error {
	slices.SortStableFunc(x.held, func(a, b aHeld) int { return a.start.Compare(b.start) })
	next := map[string]int{}
	given := map[string]map[time.Time]int{}
	for _, h := range x.held {
		next[h.match] = max(next[h.match], h.n+1)
	}
	for _, h := range x.held {
		s, err := remembered[match.State](x.l, match.ID{Cycle: x.Cycle, Match: h.match}.Stream())
		if err != nil {
			return err
		}
		n, slot := s.At(h.start)
		if n == 0 && s.Mistaken(h.n, h.start) {
			again, err := x.again(h)
			if err != nil {
				return err
			}
			if !again {
				h.plan.refused = match.ErrRetracted
				continue
			}
		}
		if _, retracted := s.Held(h.n); retracted {
			h.n = 0
		}
		if n > 0 { // in another zone, it is the same time
			h.local, h.zone = slot.Local, slot.Zone
		}
		if h.n == 0 {
			if given[h.match] == nil {
				given[h.match] = map[time.Time]int{}
			}
			again := given[h.match][h.start]
			if h.n = cmp.Or(again, n); h.n == 0 {
				h.n = max(next[h.match], s.Next())
				next[h.match] = h.n + 1
			}
			given[h.match][h.start] = h.n
		}
		h.plan.match = h.match
		h.reader.send(h.plan, "session.hold", map[string]any{"cycle": x.Cycle, "match": h.match, "session": h.n, "local": h.local, "zone": h.zone, "mode": h.mode, "minutes": h.minutes}, "")
		if h.reader.fault != nil {
			return h.reader.fault
		}
	}
	return nil
}
