package workflows

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/access"
	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/domain/cycle"
	"github.com/daybook-engine/daybook/domain/gathering"
	"github.com/daybook-engine/daybook/domain/imports"
	"github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/workflows/sheet"
)

// An Import brings the rows of a spreadsheet in.
type Import struct {
	Kind    string
	Cycle   string
	Call    string // of applications, where no column says it
	By      string // ROLE/HANDLE
	From    string // the address of whom a mail is from, where By has made sure of that
	Channel string
	Sheet   *sheet.Sheet
	Map     sheet.Map
	// Open gives a sealed text: the name and the answers that a row is held
	// against.
	Open     func(ctx context.Context, digest domain.Digest) (string, error)
	Progress func(done, of int) // where it is set, it is told each time a row is done, of several at once and out of order
}

// A RowOutcome is what became of a row, in a word.
type RowOutcome string

const (
	RowRecorded RowOutcome = "recorded"
	RowAlready  RowOutcome = "already so"
	RowRefused  RowOutcome = "refused"
	RowAsked    RowOutcome = "needs a person"
)

// An ImportedRow is what became of a row, or would.
type ImportedRow struct {
	Row      int        `json:"row"` // as a spreadsheet shows it
	Outcome  RowOutcome `json:"outcome"`
	Code     string     `json:"code,omitempty"` // of a refusal
	Why      string     `json:"why,omitempty"`
	Commands []string   `json:"commands,omitempty"`
	Events   []string   `json:"events,omitempty"` // that are new
	Marks    []string   `json:"marks,omitempty"`  // in which ways what they tell does not conform
	Nobody   *Stranger  `json:"nobody,omitempty"` // of those asked about: whom to register first
}

// already is a row that leaves nothing, as long as nothing else is known of it.
func already(row int) ImportedRow {
	return ImportedRow{Row: row, Outcome: RowAlready, Why: "recorded before"}
}

// A Stranger is somebody whom a row names and nobody knows yet, as person.register
// asks for them.
type Stranger struct {
	Email  string `json:"email,omitempty"`
	Handle string `json:"handle,omitempty"`
}

// Imported is what became of a spreadsheet, or would.
type Imported struct {
	ID      string         `json:"import,omitempty"` // where something was recorded
	Reading *sheet.Reading `json:"-"`
	Rows    []ImportedRow  `json:"rows"`
}

// Counts adds the rows up by outcome.
func (i *Imported) Counts() imports.Finished {
	n := map[RowOutcome]int{}
	for _, r := range i.Rows {
		n[r.Outcome]++
	}
	return imports.Finished{Recorded: n[RowRecorded], Already: n[RowAlready], Refused: n[RowRefused], Asked: n[RowAsked]}
}

// ErrImport is the answer to an import that cannot begin.
var ErrImport = domain.Wrong("import_malformed", "this cannot be imported")

// Preview tells what an import would do, row by row, and does nothing of it.
// It is the import itself, on an engine of its own whose events go no further.
func (g *Engine) Preview(ctx context.Context, in Import) (*Imported, error) {
	x, err := g.plan(ctx, in)
	if err != nil {
		return nil, err
	}
	return x.done, x.preview(ctx)
}

// Import brings in what is new. Commands that have left events before, or
// would leave none, are not issued at all; those that are have one
// correlation, the import's id. Broken off, it is begun again and does the
// rest: a row's commands are known by what they say, wherever it stands.
func (g *Engine) Import(ctx context.Context, in Import) (*Imported, error) {
	x, err := g.plan(ctx, in)
	if err != nil {
		return nil, err
	}
	if err := x.preview(ctx); err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(x.done.Rows, func(r ImportedRow) bool { return len(r.Events) > 0 }) {
		return x.done, nil
	}
	x.done.ID = uuid.NewString()
	g.bringing.Store(x.done.ID, true)
	defer g.bringing.Delete(x.done.ID)
	cause := func(command string) Cause {
		id, _ := uuid.Parse(domain.UUID5(command, x.done.ID))
		return Cause{CommandID: id, Channel: in.Channel, Correlation: x.done.ID}
	}
	id := imports.ID{Cycle: in.Cycle, Import: x.done.ID}
	start := importing{id, in.Kind, x.digest(), len(x.done.Rows)}
	if _, err := x.do(ctx, g, "import.start", start, cause("import.start")); err != nil {
		return nil, err
	}
	if err := x.issue(ctx); err != nil {
		return nil, fmt.Errorf("the import was broken off; the same again does the rest: %w", err)
	}
	_, err = x.do(ctx, g, "import.finish", imports.Finish{ID: id, Finished: x.done.Counts()}, cause("import.finish"))
	return x.done, err
}

// importing is import.start as it is written.
type importing struct {
	imports.ID
	Kind string `json:"kind"`
	File string `json:"file"`
	Rows int    `json:"rows"`
}

// revertible completes the id of an import of which nothing is being recorded any
// more.
func (l lookup) revertible(id *imports.ID) error {
	if _, underWay := l.bringing.Load(id.Import); underWay {
		return imports.ErrUnderWay
	}
	return l.imported(id)
}

// imported completes the id of an import with its cycle.
func (l lookup) imported(id *imports.ID) error {
	s, err := remembered[imports.State](l, id.Stream())
	if err == nil && (s.Cycle() == "" || id.Cycle != "" && id.Cycle != s.Cycle()) {
		err = imports.ErrUnknown.Because(id.Import)
	}
	id.Cycle = s.Cycle()
	return err
}

// An importer is an import under way.
type importer struct {
	Import
	g    *Engine
	then *past  // the log as it is, for an engine whose events go no further
	l    lookup // of that
	done *Imported
	rows []rowPlan

	definition programme.Definition
	planned    cycle.Planned
	calls      map[string]aCall
	newcomers  map[string]*newcomer // by address, or by handle
	handles    map[string]bool      // that newcomers get
	shared     map[string]bool      // addresses and handles that rows give to several names
	pairs      map[match.Pair][]string
	held       []aHeld
}

// A rowPlan is what a row comes to.
type rowPlan struct {
	newcomer *newcomer
	register *rowCommand // of the newcomer, on the first of their rows
	orders   []rowCommand
	refused  *domain.Error
	says     string // what it says, in one form whatever the file's
	match    string // which its session is of: one is judged by those before
}

// A rowCommand is a command of a row's, and how it is issued.
type rowCommand struct {
	command string
	fields  json.RawMessage
	cause   Cause
}

// order makes a command of a row's. Its id follows from what it says, texts
// aside.
func (x *importer) order(command string, fields map[string]any, behalf domain.Person) (rowCommand, error) {
	maps.DeleteFunc(fields, func(_ string, v any) bool { return v == "" })
	body, err := json.Marshal(fields)
	if err != nil {
		return rowCommand{}, err
	}
	role, _, err := ParseActor(x.By)
	if err != nil {
		return rowCommand{}, err
	}
	_, cmd, err := read(role, command, body)
	if err != nil {
		return rowCommand{}, err
	}
	asked, err := schema.Asked(cmd)
	if err != nil {
		return rowCommand{}, err
	}
	id, err := uuid.Parse(domain.UUID5("import", command, string(asked)))
	return rowCommand{command, body, Cause{CommandID: id, OnBehalfOf: behalf, Channel: x.Channel}}, err
}

// do issues a command on an engine.
func (x *importer) do(ctx context.Context, g *Engine, command string, fields any, cause Cause) (Result, error) {
	body, ok := fields.(json.RawMessage)
	if !ok {
		var err error
		if body, err = json.Marshal(fields); err != nil {
			return Result{}, err
		}
	}
	return g.DoAs(ctx, x.By, command, body, nil, cause)
}

// ahead is the log as it is, with an engine that keeps nothing of what it does,
// and asks the vault once for each handle.
func (g *Engine) ahead(ctx context.Context) (then *past, err error) {
	then = rewind(g.Store, g.Config)
	then.engine.Vault = recalling{then.engine.Vault, map[string]called{}}
	then.engine.last = g.Latest()
	if then.last, err = g.Store.Head(ctx); err != nil {
		return nil, err
	}
	then.now, err = g.now()
	return then, err
}

// recalling is a vault that knows what it has answered.
type recalling struct {
	Vault
	answers map[string]called
}

// called is who has a handle, or that nobody has.
type called struct {
	person domain.Person
	err    error
}

func (v recalling) Person(ctx context.Context, handle string) (domain.Person, error) {
	a, known := v.answers[handle]
	if !known {
		a.person, a.err = v.Vault.Person(ctx, handle)
		v.answers[handle] = a
	}
	return a.person, a.err
}

// preview issues every command on that engine, one after the other. It remembers
// what it has done: a sheet has fewer rows than the engine keeps streams in memory.
func (x *importer) preview(ctx context.Context) error {
	registered := make([]int, len(x.rows)) // the events of that
	for _, registering := range []bool{true, false} {
		for i := range x.rows {
			if err := x.run(ctx, x.then.engine, i, registering, x.then.last); err != nil {
				return err
			}
			if registering {
				registered[i] = len(x.done.Rows[i].Events)
			}
		}
	}
	// Nobody is registered for the sake of rows that come to nothing.
	taking := map[*newcomer]bool{}
	for i, p := range x.rows {
		if len(p.orders) == 0 || len(x.done.Rows[i].Events) > registered[i] {
			taking[p.newcomer] = true
		}
	}
	for i, p := range x.rows {
		if r := &x.done.Rows[i]; p.register != nil && !taking[p.newcomer] {
			x.rows[i].register, r.Commands, r.Events = nil, r.Commands[1:], r.Events[registered[i]:]
		}
	}
	return nil
}

// underWay is how many rows are issued at a time: what commits together costs one
// sync.
const underWay = 32

// issue does what the preview told would leave events.
func (x *importer) issue(ctx context.Context) error {
	head, err := x.g.Store.Head(ctx)
	if err != nil {
		return err
	}
	leaves := make([]bool, len(x.rows))
	for i, r := range x.done.Rows {
		if leaves[i] = len(r.Events) > 0; leaves[i] {
			x.done.Rows[i] = already(r.Row)
		}
	}
	turns, of := make([]int, len(x.rows)), map[string]int{} // the sessions of a match one after the other
	for i, p := range x.rows {
		turns[i] = i % underWay
		if p.match == "" {
			continue
		}
		if before, ok := of[p.match]; ok {
			turns[i] = before
		}
		of[p.match] = turns[i]
	}
	for _, registering := range []bool{true, false} {
		errs := make([]error, underWay)
		var group sync.WaitGroup
		var done atomic.Int64
		for worker := range underWay {
			group.Go(func() {
				defer func() {
					if p := recover(); p != nil { // a row's trouble ends the import, not the process
						errs[worker] = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
					}
				}()
				for i := 0; i < len(x.rows) && errs[worker] == nil && ctx.Err() == nil; i++ {
					if turns[i] != worker {
						continue
					}
					if leaves[i] {
						errs[worker] = x.run(ctx, x.g, i, registering, head)
					}
					if !registering && x.Progress != nil {
						x.Progress(int(done.Add(1)), len(x.rows))
					}
				}
			})
		}
		group.Wait()
		if err := cmp.Or(errors.Join(errs...), ctx.Err()); err != nil {
			return err
		}
	}
	return nil
}

// run issues a row's commands, its registration or the others, and notes what
// came of them.
func (x *importer) run(ctx context.Context, g *Engine, i int, registering bool, head eventstore.Position) error {
	p, r := x.rows[i], &x.done.Rows[i]
	orders := p.orders
	if registering {
		orders = nil
		if p.register != nil {
			orders = []rowCommand{*p.register}
		}
	}
	for _, o := range orders {
		if r.Outcome == RowRefused || r.Outcome == RowAsked {
			return nil // each rests on the one before
		}
		r.Commands = append(r.Commands, o.command)
		o.cause.Correlation = x.done.ID
		result, err := x.do(ctx, g, o.command, o.fields, o.cause)
		refused := new(domain.Error)
		if err != nil && !errors.As(err, &refused) {
			return err
		}
		if result.Position.IsZero() || result.Position.Compare(head) > 0 { // else it was answered as the first time
			r.Events, r.Marks = append(r.Events, result.Names...), append(r.Marks, result.Marks...)
		}
		switch {
		case err != nil:
			r.Outcome, r.Code, r.Why = RowRefused, refused.Code, refused.Text
		case len(r.Events) > 0:
			r.Outcome, r.Why = RowRecorded, ""
		}
	}
	return nil
}

// digest is that of what all rows say, in whatever order they stand.
func (x *importer) digest() string {
	lines := make([]string, len(x.rows))
	for i, r := range x.rows {
		lines[i] = r.says
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// A Deed is an event that an import recorded, and what becomes of it when the
// import is taken back.
type Deed struct {
	Stream string
	Event  string
	At     eventstore.Position
	Undone bool
	Left   string // why it stands; "" where it can be taken back
	undo   order
	by     uuid.UUID
	of     eventstore.Recorded
	body   any
}

// standing tells that a deed can be taken back and was not.
func (d Deed) standing() bool { return !d.Undone && d.Left == "" }

func tally(deeds []Deed) (undone, standing, left int) {
	for _, d := range deeds {
		switch {
		case d.Undone:
			undone++
		case d.standing():
			standing++
		default:
			left++
		}
	}
	return undone, standing, left
}

// Deeds tells what an import recorded, the last first.
func (g *Engine) Deeds(ctx context.Context, id string) ([]Deed, error) {
	return lookup{ctx, g, true}.deeds(id)
}

// deeds reads in the log what an import recorded, between its two ends.
func (l lookup) deeds(id string) (deeds []Deed, err error) {
	var first, last eventstore.Position
	for r, err := range l.Store.ReadStream(l.ctx, imports.ID{Import: id}.Stream(), eventstore.ReadStream{Limit: 2}) {
		switch {
		case errors.Is(err, eventstore.ErrStreamNotFound):
			return nil, imports.ErrUnknown.Because(id)
		case err != nil:
			return nil, fmt.Errorf("import %s: %w", id, err)
		case r.Name == "import.started":
			first = r.Position
		case r.Name == "import.finished": // else it is under way, or was broken off
			last = r.Position
		}
	}
	_, underWay := l.bringing.Load(id)
	for r, err := range l.Store.ReadAll(l.ctx, eventstore.ReadAll{After: first}) {
		if err != nil {
			return nil, fmt.Errorf("what import %s recorded: %w", id, err)
		}
		if !last.IsZero() && r.Position.Compare(last) >= 0 {
			break
		}
		env, err := schema.DecodeEnvelope(r.Metadata)
		if err != nil {
			return nil, fmt.Errorf("position %s: %w", r.Position, err)
		}
		if env.Correlation != id || env.Role == string(access.Policy) {
			continue
		}
		body, err := schema.Decode(r.Name, r.Data)
		if err != nil {
			return nil, fmt.Errorf("position %s: %w", r.Position, err)
		}
		d, ok, err := l.deed(r, body)
		if err != nil {
			return nil, err
		}
		if underWay && d.standing() {
			d.Left = "rows of this import are still being recorded"
		}
		if ok {
			deeds = append(deeds, d)
		}
	}
	slices.Reverse(deeds)
	return deeds, nil
}

// deed tells how an event is taken back; ok is false for one that is only
// part of another, or nothing that anybody would take back.
func (l lookup) deed(r eventstore.Recorded, body any) (d Deed, ok bool, err error) {
	d = Deed{Stream: r.Stream, Event: r.Name, At: r.Position, by: r.ID, of: r, body: body}
	switch b := body.(type) {
	case imports.Event, application.DraftStarted, application.SubmissionRefused, match.Accepted, match.AgreementSigned, match.AgreementInForce:
		return d, false, nil
	case application.Received:
		return l.received(d, r)
	case match.Proposed:
		s, err := fold[match.State](l, r.Stream)
		if err != nil {
			return d, false, err
		}
		id := match.ParseStream(r.Stream)
		d.undo = order{"match.unwind", match.Unwind{ID: id, NoFault: true}}
		switch phase := s.Phase(); phase {
		case match.Unwinding:
			d.Undone = true
		case match.Proposal:
			d.Left = "only one of the two can decline a proposal"
		case match.Active:
		default:
			d.Left = "it is over: " + string(phase)
		}
	case gathering.AttendanceRecorded:
		s, err := fold[gathering.State](l, r.Stream)
		d.undo = order{"attendance.correct", gathering.RecordAttendance{ID: gathering.ParseStream(r.Stream), Person: b.Person}}
		now, _ := s.Attendance(b.Person)
		d.Undone = !now.Present
		if now.Present && now.Minutes != b.Minutes {
			d.Left = "it was corrected since"
		}
		return d, true, err
	case match.SessionHeld:
		s, err := fold[match.State](l, r.Stream)
		d.undo = order{"session.correct", match.CorrectSession{HoldSession: match.HoldSession{ID: match.ParseStream(r.Stream), Session: b.Session}}}
		now, retracted := s.Held(b.Session)
		d.Undone = retracted
		switch {
		case now.Slot != b.Slot || now.Minutes != b.Minutes:
			d.Left = "it was corrected since"
		case s.Reflected(b.Session):
			d.Left = match.ErrReflected.Text
		}
		return d, true, err
	default:
		d.Left = "nothing takes it back"
	}
	return d, true, nil
}

// received tells how an application is taken back: unless it was put before others
// since, or its person withdrew it. What an import was taken back by before there
// were retractions is a withdrawal, too, and is retracted.
func (l lookup) received(d Deed, r eventstore.Recorded) (Deed, bool, error) {
	s, err := fold[application.State](l, r.Stream)
	if err != nil {
		return d, false, err
	}
	c := application.Retract{ID: s.ID()}
	d.undo, d.by = order{"application.retract", c}, uuid.NewSHA1(r.ID, []byte("application.retract"))
	env, err := schema.DecodeEnvelope(r.Metadata)
	if err != nil {
		return d, false, err
	}
	for later, err := range l.Store.ReadStream(l.ctx, r.Stream, eventstore.ReadStream{From: r.Revision + 1}) {
		if err != nil {
			return d, false, fmt.Errorf("what became of an application: %w", err)
		}
		switch later.Name {
		case "application.retracted": // what came then is another's
			d.Undone = true
			return d, true, nil
		case "application.withdrawn":
			by, err := schema.DecodeEnvelope(later.Metadata)
			if err != nil {
				return d, false, err
			}
			if by.Correlation != domain.UUID5("import.revert", env.Correlation) {
				d.Left = "it was withdrawn since"
			}
		}
	}
	if err := l.retracting(&c); err != nil {
		return d, false, err
	}
	if _, err := c.Decide(s, time.Time{}); d.Left == "" && err != nil {
		d.Left = err.Error()
	}
	return d, true, nil
}

// Revert takes back what an import recorded, by commands of its own for each,
// and then records that. What nothing takes back is told and stands. Progress,
// where there is one, is told each time something was taken back.
func (g *Engine) Revert(ctx context.Context, by, id, reason, channel string, progress func(done, of int)) ([]Deed, error) {
	role, handle, err := ParseActor(by)
	if err != nil {
		return nil, err
	}
	if _, err := g.Registered(ctx, handle); err != nil {
		return nil, err
	}
	// What the record of it would be refused for is asked before anything is done.
	if err := cmp.Or(access.Allow(role, "import.revert"), access.Justify("import.revert", reason, "", channel)); err != nil {
		return nil, err
	}
	if !domain.IsUUID(id) {
		return nil, imports.ErrUnknown.Because(id)
	}
	l := lookup{ctx, g, true}
	known := imports.ID{Import: id}
	if err := l.revertible(&known); err != nil {
		return nil, err
	}
	head, err := g.Store.Head(ctx)
	if err != nil {
		return nil, err
	}
	deeds, err := l.deeds(id)
	if err != nil {
		return nil, err
	}
	correlation := domain.UUID5("import.revert", id)
	cause := func(of string) Cause {
		command, _ := uuid.Parse(domain.UUID5("import.revert", id, of))
		return Cause{CommandID: command, Channel: channel, Correlation: correlation, Reason: reason}
	}
	done := 0
	_, of, _ := tally(deeds)
	for i, d := range deeds {
		if !d.standing() {
			continue
		}
		// Somebody may have put it right meanwhile.
		if d, _, err = l.deed(d.of, d.body); err != nil {
			return nil, err
		}
		if deeds[i] = d; !d.standing() {
			continue
		}
		body, err := json.Marshal(d.undo.fields)
		if err != nil {
			return nil, err
		}
		result, err := g.DoAs(ctx, by, d.undo.command, body, nil, cause(d.by.String()))
		refused := new(domain.Error)
		switch {
		case err == nil && !result.Position.IsZero() && result.Position.Compare(head) <= 0: // answered as the first time
			deeds[i].Left = "it was taken back before, and recorded anew since"
		case err == nil:
			deeds[i].Undone = true
		case errors.As(err, &refused) && refused.Kind == domain.Refused:
			deeds[i].Left = refused.Text
		default:
			return nil, err
		}
		if done++; progress != nil {
			progress(done, of)
		}
	}
	body, err := json.Marshal(known)
	if err == nil {
		_, err = g.DoAs(ctx, by, "import.revert", body, nil, cause("all"))
	}
	return deeds, err
}

// addressed lets a person be found by an e-mail address, too, unless it is
// somebody else's already: two people may have one address.
func (l lookup) addressed(address string, p domain.Person) error {
	if address = strings.ToLower(address); address == "" {
		return nil
	}
	switch _, err := l.Vault.Person(l.ctx, address); {
	case err == nil:
		return nil
	case !errors.Is(err, domain.NotFound):
		return err
	}
	return l.Vault.SetHandle(l.ctx, address, p)
}
