package workflows

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/access"
	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/domain/call"
	"github.com/daybook-engine/daybook/domain/cycle"
	"github.com/daybook-engine/daybook/domain/digest"
	"github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/review"
	"github.com/daybook-engine/daybook/domain/schema"
	tasks "github.com/daybook-engine/daybook/domain/task"
	"github.com/daybook-engine/daybook/domain/when"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/workflows/document"
)

// What opens a task, completes it by itself, or ends what it is about, is an
// event in the stream of the application, the match, the call or the cycle
// that the task is about, or among the reviews of the application. So a task
// is found again by them: its id follows from its cause.

// taskPolicies open tasks, and close them.
var taskPolicies = []policy{
	{"open-the-task", named(isIn(programme.Happenings), func(l lookup, r eventstore.Recorded, event any) ([]order, error) {
		in, about, err := l.about(r.Stream, event)
		if err != nil {
			return nil, err
		}
		d, _, err := l.definitionAt(in, r.Position)
		if err != nil {
			return nil, err
		}
		var orders []order
		for _, t := range d.Tasks {
			if _, asked := asks(d, t, about); asked && t.On == r.Name {
				orders = append(orders, order{"task.open", tasks.Open{ID: tasks.ID{Cycle: in, About: about}, Key: t.Task}})
			}
		}
		return orders, nil
	})},
	{"complete-the-task", named(isIn(completes), func(l lookup, r eventstore.Recorded, event any) ([]order, error) {
		return l.opened(r.Stream, event, func(t programme.Task) bool {
			return slices.Contains(t.Done, r.Name) && side(event, t.Role)
		}, func(of, by tasks.About) bool { return of.Session == 0 || of.Session == by.Session }, func(id tasks.ID) order {
			return order{"task.fulfil", tasks.Fulfil{ID: id, Following: tasks.Following{Event: r.Name}}}
		})
	})},
	{"withdraw-the-task", named(isIn(programme.Endings), func(l lookup, r eventstore.Recorded, event any) ([]order, error) {
		withdraw := func(id tasks.ID) order {
			return order{"task.withdraw", tasks.Withdraw{ID: id, Following: tasks.Following{Event: r.Name}}}
		}
		ending := programme.Endings[r.Name]
		if ending.About == programme.AboutCycle {
			return l.openedIn(cycle.ParseStream(r.Stream).Cycle, withdraw)
		}
		return l.opened(r.Stream, event, func(t programme.Task) bool { return ending.Ends(t.On) }, func(_, _ tasks.About) bool { return true }, withdraw)
	})},
	{"release-the-task", named(isIn(map[string]bool{"reviewer.recused": true}), func(l lookup, r eventstore.Recorded, event any) ([]order, error) {
		_, who := part(event)
		return l.opened(r.Stream, event, func(programme.Task) bool { return true }, func(of, _ tasks.About) bool { return of.Reviewer == "" }, func(id tasks.ID) order {
			return order{"task.release", tasks.Release{ID: id, Person: who}}
		})
	})},
	{"queue-the-digest", to(func(ctx context.Context, g *Engine, stream string, e tasks.Reminded) ([]order, error) {
		s, err := fold[tasks.State](lookup{ctx, g, true}, stream)
		if err != nil {
			return nil, err
		}
		zone, err := when.Zone(s.Opened.Zone)
		if err != nil {
			return nil, err
		}
		id := digest.ID{Cycle: s.Opened.Cycle, For: digest.To{Person: e.Person}, Day: e.Timer.Fired.In(zone).Format(time.DateOnly)}
		if e.Person == "" {
			id.For.Role = e.Role
		}
		queue := digest.Queue{ID: id}
		before, err := fold[digest.State](lookup{ctx, g, true}, id.Stream())
		if err != nil {
			return nil, err
		}
		if came := s.Came(e.Person); !before.At().IsZero() && came.After(before.At()) {
			queue.Came = came
		}
		return []order{{"digest.queue", queue}}, nil
	})},
}

// part is which of several things in its stream an event is about: a session, or
// what one reviewer was given; neither, where it is about all of it.
func part(event any) (session int, reviewer domain.Person) {
	switch e := event.(type) {
	case review.Assigned:
		reviewer = e.Reviewer
	case review.Recorded:
		reviewer = e.Reviewer
	case review.Recused:
		reviewer = e.Reviewer
	default:
		session = match.SessionOf(event)
	}
	return session, reviewer
}

// named makes a policy's reaction to events by their names.
func named(answers func(name string) bool, react func(l lookup, r eventstore.Recorded, event any) ([]order, error)) reaction {
	return reaction{answers: answers, react: func(ctx context.Context, g *Engine, r eventstore.Recorded, event any) ([]order, error) {
		return react(lookup{ctx, g, false}, r, event)
	}}
}

func isIn[V any](names map[string]V) func(name string) bool {
	return func(name string) bool { _, ok := names[name]; return ok }
}

// completes has the names of the events that may complete a task.
var completes = func() map[string]bool {
	names := map[string]bool{}
	for _, h := range programme.Happenings {
		for _, name := range h.Then {
			names[name] = true
		}
	}
	return names
}()

// side tells whether an event is the doing of the side that a task is for. That
// the two have come into contact is both sides' doing.
func side(event any, role string) bool {
	var by string
	switch e := event.(type) {
	case match.Accepted:
		by = e.Side
	case match.AgreementSigned:
		by = e.Side
	case match.ReflectionFiled:
		by = e.Side
	}
	return by == "" || by == role || role != match.Mentee && role != match.Mentor
}

// about says in which cycle an event happened, and to what.
func (l lookup) about(stream string, event any) (in string, about tasks.About, err error) {
	kind, id, _ := strings.Cut(stream, "-")
	switch kind {
	case "cycle":
		in = id
	case "call":
		in, about.Call, _ = strings.Cut(id, ".")
	case "application", "review":
		s, err := remembered[application.State](l, "application-"+id)
		if err != nil {
			return "", about, err
		}
		in, about.Call, about.Person = s.ID().Cycle, s.ID().Call, s.ID().Person
	case "match":
		m := match.ParseStream(stream)
		in, about.Match = m.Cycle, m.Match
	}
	about.Session, about.Reviewer = part(event)
	return in, about, nil
}

// asks says in which role a task is done, and whether there is somebody whom
// it asks: of a participant it asks only what concerns their own call.
func asks(d programme.Definition, t programme.Task, about tasks.About) (access.Role, bool) {
	if about.Person == "" || slices.Contains(programme.Vocabulary["runs"], t.Role) {
		return access.Role(t.Role), true
	}
	c, ok := d.Call(about.Call)
	return access.Applicant, ok && c.Role == t.Role
}

// whose is the person that a task in a role is for, where it is one person's,
// and whom what it is about concerns.
func (l lookup) whose(role access.Role, in string, about tasks.About) (owner domain.Person, concerns []domain.Person, err error) {
	switch {
	case about.Match != "":
		s, err := fold[match.State](l, about.File(in))
		return s.Party(string(role)), s.Subjects(), err
	case about.Person == "":
		return "", nil, nil
	case role == access.Applicant:
		owner = about.Person
	case role == access.Reviewer:
		owner = about.Reviewer
	}
	return owner, []domain.Person{about.Person}, nil
}

// opening completes a task that is to be opened: by the definition as it was
// when that happened which opens it.
func (l lookup) opening(c *tasks.Open) error {
	c.Task = tasks.New(c.Cause, c.Key)
	moved, err := l.moved(c.Cycle)
	if err != nil {
		return err
	}
	var at map[string]eventstore.Position
	if moved { // else it makes no difference
		if at, err = l.positions(c.Cycle, c.About, c.Cause); err != nil {
			return err
		}
	}
	d, _, err := l.definitionAt(c.Cycle, at[c.Cause])
	if err != nil {
		return err
	}
	i := slices.IndexFunc(d.Tasks, func(t programme.Task) bool { return t.Task == c.Key })
	if i < 0 {
		return tasks.ErrUnknown.Because(c.Key)
	}
	role, _ := asks(d, d.Tasks[i], c.About)
	c.Plan, c.Zone, c.Calendar, c.Role = d.Tasks[i], d.Zone, d.Calendar, string(role)
	if c.Person, c.Concerns, err = l.whose(role, c.Cycle, c.About); err != nil {
		return err
	}
	if c.Over, err = l.ended(c.Cycle, c.About); err != nil || c.Over {
		return err
	}
	return l.since(c, d)
}

// since tells what happened to a task between its cause and its opening, which
// comes late where a policy was parked: what completes or ends it then found
// nothing to complete or end.
func (l lookup) since(c *tasks.Open, d programme.Definition) error {
	c.Done, c.Ended = "", "" // it may be looked up again
	abouts := []tasks.About{c.About}
	if c.About == (tasks.About{}) {
		for _, k := range d.Calls {
			abouts = append(abouts, tasks.About{Call: k.Call}) // what happens to a call concerns its cycle
		}
	}
	var cause eventstore.Position
	before := c.Plan.On == "match.made" // what two have signed who wait to be matched is signed
	for _, about := range abouts {
		err := l.read(c.Cycle, about, func(r eventstore.Recorded) error {
			done, ends := slices.Contains(c.Plan.Done, r.Name), c.Plan.On != "" && programme.Endings[r.Name].Ends(c.Plan.On)
			if r.ID.String() == c.Cause {
				cause = r.Position
			}
			if !done && !ends || !before && (cause.IsZero() || r.Position.Compare(cause) <= 0) || c.Done+c.Ended != "" {
				return nil
			}
			event, err := schema.Decode(r.Name, r.Data)
			if err != nil {
				return fmt.Errorf("%s, revision %d: %w", r.Stream, r.Revision, err)
			}
			_, by, err := l.about(r.Stream, event)
			switch {
			case err != nil || !c.About.Concerns(by):
			case ends:
				c.Ended = r.Name
			case side(event, c.Plan.Role) && (c.About.Session == 0 || c.About.Session == by.Session):
				c.Done = r.Name
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// ended tells whether what a task is about is over.
func (l lookup) ended(in string, about tasks.About) (bool, error) {
	over, err := l.over(in)
	if err != nil || over {
		return over, err
	}
	switch {
	case about.Match != "":
		s, err := fold[match.State](l, about.File(in))
		return s.Phase().Over(), err
	case about.Person != "":
		s, err := fold[application.State](l, about.File(in))
		return s.Phase().Over(), err
	}
	return false, nil
}

// files are the streams in which what opened a task is found.
func files(in string, about tasks.About) []string {
	list := []string{about.File(in)}
	switch {
	case about.Person != "":
		list = append(list, review.ID{Cycle: in, Call: about.Call, Person: about.Person}.Stream())
	case about.Call != "":
		list = append(list, cycle.ID{Cycle: in}.Stream())
	}
	return list
}

// causes lists the tasks that were opened about something, in the order of the
// events that opened them: so that a policy that comes back to an event, when
// there are more of them, gives its commands the ids that they had.
func (l lookup) causes(in string, about tasks.About, wants func(programme.Task) bool, exact func(of tasks.About) bool) (found []tasks.ID, err error) {
	moved, err := l.moved(in)
	if err != nil {
		return nil, err
	}
	wanted := func(d programme.Definition) []programme.Task {
		return slices.DeleteFunc(slices.Clone(d.Tasks), func(t programme.Task) bool { return t.On == "" || !wants(t) })
	}
	d, _, err := l.definition(in)
	list := wanted(d)
	if err != nil || len(list) == 0 && !moved {
		return nil, err
	}
	var at []eventstore.Position
	err = l.read(in, about, func(r eventstore.Recorded) error {
		if _, opens := programme.Happenings[r.Name]; opens && moved { // each has opened what there was to open then
			d, _, err := l.definitionAt(in, r.Position)
			if err != nil {
				return err
			}
			list = wanted(d)
		}
		if !slices.ContainsFunc(list, func(t programme.Task) bool { return t.On == r.Name }) {
			return nil
		}
		event, err := schema.Decode(r.Name, r.Data)
		if err != nil {
			return fmt.Errorf("%s, revision %d: %w", r.Stream, r.Revision, err)
		}
		_, of, err := l.about(r.Stream, event)
		if err != nil || !of.Concerns(about) || !exact(of) {
			return err
		}
		i, _ := slices.BinarySearchFunc(at, r.Position, func(a, b eventstore.Position) int { return cmp.Or(a.Compare(b), -1) })
		for _, t := range list {
			if t.On == r.Name {
				at = slices.Insert(at, i, r.Position)
				found = slices.Insert(found, i, tasks.ID{Cycle: in, Task: tasks.New(r.ID.String(), t.Task)})
				i++
			}
		}
		return nil
	})
	return found, err
}

// read visits what happened to what a task is about.
func (l lookup) read(in string, about tasks.About, visit func(eventstore.Recorded) error) error {
	for _, stream := range files(in, about) {
		for r, err := range l.Store.ReadStream(l.ctx, stream, eventstore.ReadStream{}) {
			if errors.Is(err, eventstore.ErrStreamNotFound) {
				break
			} else if err != nil {
				return fmt.Errorf("what a task is about: %w", err)
			}
			if err := visit(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// opened orders something for the tasks that an event concerns. Those that
// are closed already stay as they are, and so do those that were opened since.
func (l lookup) opened(stream string, event any, wants func(programme.Task) bool, exact func(of, by tasks.About) bool, do func(tasks.ID) order) (orders []order, err error) {
	in, by, err := l.about(stream, event)
	if err != nil {
		return nil, err
	}
	found, err := l.causes(in, by, wants, func(of tasks.About) bool { return exact(of, by) })
	for _, id := range found {
		orders = append(orders, do(id))
	}
	return orders, err
}

// openedIn orders something for every task of a cycle. It asks the log, not a
// view: nothing is decided from a view.
func (l lookup) openedIn(in string, do func(tasks.ID) order) (orders []order, err error) {
	for r, err := range l.Store.ReadAll(l.ctx, eventstore.ReadAll{Prefixes: []string{tasks.ID{}.Stream()}}) {
		if err != nil {
			return nil, fmt.Errorf("tasks of %s: %w", in, err)
		}
		event, err := schema.Decode(r.Name, r.Data)
		if err != nil {
			return nil, fmt.Errorf("position %s: %w", r.Position, err)
		}
		if e, ok := event.(tasks.Opened); ok && e.Cycle == in {
			orders = append(orders, do(tasks.ID{Cycle: in, Task: strings.TrimPrefix(r.Stream, tasks.ID{}.Stream())}))
		}
	}
	return orders, nil
}

// An errand is a task that somebody has now.
type errand struct {
	tasks.State
	due time.Time // zero: at no time
}

// words are an errand in those of the definition. Whom it is about is not
// said: a mail lies open longer than a page.
func (e errand) words(local func(t time.Time, zone string) string) string {
	words := e.Opened.Plan.Text
	if n := e.Opened.About.Session; n > 0 {
		words += fmt.Sprintf(" (%d)", n)
	}
	if !e.due.IsZero() {
		words += ": " + local(e.due, e.Opened.Zone)
	}
	return words
}

// errands lists what somebody has to do in a cycle, what is due first first.
func (l lookup) errands(in string, who domain.Person, now time.Time) (list []errand, err error) {
	found := map[string]int{}
	for r, err := range l.Store.ReadAll(l.ctx, eventstore.ReadAll{Prefixes: []string{tasks.ID{}.Stream()}}) {
		if err != nil {
			return nil, fmt.Errorf("tasks of %s: %w", in, err)
		}
		body, err := schema.Decode(r.Name, r.Data)
		if err != nil {
			return nil, fmt.Errorf("position %s: %w", r.Position, err)
		}
		e, ok := body.(tasks.Event)
		if !ok {
			continue
		}
		i, known := found[r.Stream]
		if opened, ok := body.(tasks.Opened); ok && !known && opened.Cycle == in {
			i, known = len(list), true
			found[r.Stream], list = i, append(list, errand{})
		}
		if known {
			list[i].State = list[i].Apply(e)
		}
	}
	list = slices.DeleteFunc(list, func(e errand) bool { return e.Phase != tasks.Waiting || e.Holder(now) != who })
	for i, e := range list {
		var t tasks.Timed
		if err := l.follow(e.State, &t); err != nil {
			return nil, err
		}
		list[i].due = e.DueBy(t.Deadline)
	}
	slices.SortStableFunc(list, func(a, b errand) int {
		if a.due.IsZero() != b.due.IsZero() {
			return b.due.Compare(a.due)
		}
		return a.due.Compare(b.due)
	})
	return list, nil
}

// before tells whether an event happened before the one that opened a task, or
// before the task was last opened again.
func (l lookup) before(id *tasks.ID, cause string) (bool, error) {
	s, err := l.task(id)
	if err != nil {
		return false, err
	}
	at, err := l.positions(id.Cycle, s.Opened.About, s.Opened.Cause, cause)
	opened, closed := at[s.Opened.Cause], at[cause]
	if err != nil || closed.IsZero() {
		return false, err
	}
	if s.Reopened == 0 {
		return closed.Compare(opened) < 0, nil
	}
	for r, err := range l.Store.ReadStream(l.ctx, id.Stream(), eventstore.ReadStream{}) {
		if err != nil {
			return false, fmt.Errorf("when a task was reopened: %w", err)
		}
		if r.Name == "task.reopened" {
			opened = r.Position
		}
	}
	return closed.Compare(opened) < 0, nil
}

// positions are where events lie that happened to what a task is about.
func (l lookup) positions(in string, about tasks.About, events ...string) (map[string]eventstore.Position, error) {
	at := map[string]eventstore.Position{}
	err := l.read(in, about, func(r eventstore.Recorded) error {
		if id := r.ID.String(); slices.Contains(events, id) {
			at[id] = r.Position
		}
		return nil
	})
	return at, err
}

// task finds a task by its id, or by its key and what it is about, and says of
// which cycle it is.
func (l lookup) task(id *tasks.ID) (tasks.State, error) {
	if !domain.IsUUID(id.Task) {
		if err := l.keyed(id); err != nil {
			return tasks.State{}, err
		}
	}
	s, err := remembered[tasks.State](l, id.Stream())
	if err == nil && (s.Phase == tasks.None || id.Cycle != "" && id.Cycle != s.Opened.Cycle) {
		err = tasks.ErrUnknown.Because(id.Task)
	}
	id.Cycle = s.Opened.Cycle
	return s, err
}

// keyed finds the id of a task that is named by its key.
func (l lookup) keyed(id *tasks.ID) error {
	if id.Task == "" || id.Cycle == "" {
		return ErrFields.Because("say which: a task's id as task, or cycle, its key as task, and what it is about")
	}
	found, err := l.causes(id.Cycle, id.About, func(t programme.Task) bool { return t.Task == id.Task }, func(tasks.About) bool { return true })
	switch {
	case err != nil:
		return err
	case len(found) == 0:
		return l.unnamed(*id)
	case len(found) > 1:
		return tasks.ErrWhich.Because(fmt.Sprintf("%d of %s", len(found), id.Task))
	}
	id.Task = found[0].Task
	return nil
}

// unnamed says why no task is named so, by the definition as it is now: what an
// earlier one opened was found.
func (l lookup) unnamed(id tasks.ID) error {
	d, _, err := l.definition(id.Cycle)
	if err != nil {
		return err
	}
	t := taskOf(d, id.Task)
	switch {
	case t.On == "":
		var keys []string
		for _, t := range d.Tasks {
			if t.On != "" {
				keys = append(keys, t.Task)
			}
		}
		return tasks.ErrUnknown.Because(document.Suggest(id.Task, keys))
	case !fits(id.About, programme.Happenings[t.On].About):
		about := programme.Happenings[t.On].About
		return tasks.ErrUnknown.Because(fmt.Sprintf("each %s is about %s: say %s", id.Task, nouns[about].is, nouns[about].say))
	}
	return tasks.ErrUnknown.Because(id.Task)
}

// nouns are what a task may be about, and how a command says which of them.
var nouns = map[string]struct{ is, say string }{
	programme.AboutCycle:       {"the cycle", "no about"},
	programme.AboutCall:        {"a call", "about.call"},
	programme.AboutApplication: {"an application", "about.call and about.person"},
	programme.AboutMatch:       {"a match", "about.match"},
}

// fits tells whether what a task is said to be about is such a thing.
func fits(about tasks.About, kind string) bool {
	switch kind {
	case programme.AboutCall:
		return about.Call != "" && about.Person == "" && about.Match == ""
	case programme.AboutApplication:
		return about.Call != "" && about.Person != ""
	case programme.AboutMatch:
		return about.Match != ""
	}
	return about == tasks.About{}
}

// hands completes a command by which a task may change hands: who may not have
// it, as of now.
func (l lookup) hands(id *tasks.ID, a *tasks.Acting) error {
	s, err := l.task(id)
	if err != nil {
		return err
	}
	about := s.Opened.About
	if about.Person != "" {
		r, err := fold[review.State](l, review.ID{Cycle: id.Cycle, Call: about.Call, Person: about.Person}.Stream())
		if err != nil {
			return err
		}
		a.Recused = r.Recused()
	}
	a.Barred = nil // it may be looked up again
	if len(s.Opened.Plan.FourEyes) == 0 {
		return nil
	}
	return l.read(id.Cycle, about, func(r eventstore.Recorded) error {
		if !slices.Contains(s.Opened.Plan.FourEyes, r.Name) {
			return nil
		}
		env, err := schema.DecodeEnvelope(r.Metadata)
		if err != nil {
			return fmt.Errorf("%s, revision %d: %w", r.Stream, r.Revision, err)
		}
		a.Barred = append(a.Barred, domain.Person(env.Actor))
		if env.OnBehalfOf != "" {
			a.Barred = append(a.Barred, env.OnBehalfOf)
		}
		return nil
	})
}

// deadline completes a command of the clock's with the deadline in force.
func (l lookup) deadline(id *tasks.ID, t *tasks.Timed) error {
	s, err := l.task(id)
	if err != nil {
		return err
	}
	return l.follow(s, t)
}

// follow says the deadline that a task follows, if it follows one.
func (l lookup) follow(s tasks.State, t *tasks.Timed) error {
	if s.Opened.Plan.DueFrom == "" {
		return nil
	}
	c, err := fold[call.State](l, call.ID{Cycle: s.Opened.Cycle, Call: s.Opened.About.Call}.Stream())
	t.Deadline = c.Deadline().Instant
	return err
}
