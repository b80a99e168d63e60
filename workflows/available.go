package workflows

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/access"
	"github.com/daybook-engine/daybook/domain/match"
	tasks "github.com/daybook-engine/daybook/domain/task"
)

// A Step is a command that somebody might issue, with what is known of its
// fields.
type Step struct {
	Command string          `json:"command"`
	With    json.RawMessage `json:"with"`
}

// StepsOf are the commands that people issue about a task: of all that are
// registered, those of a task's stream.
func StepsOf(task string) (steps []Step) {
	with, err := json.Marshal(map[string]string{"task": task})
	if err != nil {
		panic(err) // a text always marshals
	}
	for _, r := range registry {
		about := reflect.Zero(r.form).Interface().(Command).Stream()
		if strings.HasPrefix(about, tasks.ID{}.Stream()) && len(access.Claimable(r.name)) > 0 {
			steps = append(steps, Step{r.name, with})
		}
	}
	return steps
}

// StepsAbout are the commands that people issue about what is known, with all
// that is known and nothing else to say which thing they are about; where
// commands are named, those of them. What one of two sides does has a step for
// the side that somebody stands on, and for who stands on none a step for each.
func StepsAbout(role access.Role, known url.Values, commands ...string) (steps []Step) {
	for _, r := range registry {
		fields := map[string]bool{}
		for _, f := range form(r.form) {
			fields[f.Name] = true
		}
		about := len(commands) == 0 || slices.Contains(commands, r.name)
		for _, name := range identifying {
			about = about && (!fields[name] || known.Has(name) || len(commands) > 0)
		}
		for name := range known {
			about = about && fields[name]
		}
		if !about || access.Allow(role, r.name) != nil {
			continue
		}
		sides := []string{""}
		switch {
		case !fields["side"] || known.Has("side"):
		case role == match.Mentee, role == match.Mentor:
			sides = []string{string(role)}
		default:
			sides = []string{match.Mentee, match.Mentor}
		}
		for _, side := range sides {
			said := maps.Clone(known)
			if side != "" {
				said.Set("side", side)
			}
			if with, faults := Compose(r.name, said); len(faults) == 0 {
				steps = append(steps, Step{r.name, with})
			}
		}
	}
	return steps
}

// identifying are the fields that say which thing a command is about.
var identifying = []string{"cycle", "call", "person", "match", "gathering", "session", "message", "task", "stream", "import"}

// nobody stands in Available for a person that is not said yet.
var nobody = domain.UUID5("nobody")

// Available gives, of each list, the steps that would be accepted now of somebody, ROLE/HANDLE,
// and change something. The registry, the table of roles and the commands' own
// rules decide that, on the log as it is, and nothing of it is kept: so no
// surface offers what would be refused. What is not said, a reason, a text, a
// person, a time, counts as said in a way that is taken, as far as there is one
// that always is; and what is refused for nothing but another field that is not
// said is given as a step, too.
func (g *Engine) Available(ctx context.Context, by string, lists ...[]Step) (accepted [][]Step, err error) {
	role, handle, err := ParseActor(by)
	if err != nil {
		return nil, err
	}
	actor, err := g.Registered(ctx, handle)
	if err != nil {
		return nil, err
	}
	now := rewind(g.Store, g.Config)
	now.engine.brief = true
	if now.last, err = g.Store.Head(ctx); err != nil {
		return nil, err
	}
	if now.now, err = g.now(); err != nil {
		return nil, err
	}
	accepted = make([][]Step, len(lists))
	for i, steps := range lists {
		for _, s := range steps {
			ok, err := now.accepts(ctx, s, Cause{CommandID: uuid.New(), Actor: string(actor), Role: role, Channel: "web", Reason: "asked", Authority: "asked"})
			if err != nil {
				return nil, err
			}
			if ok {
				accepted[i] = append(accepted[i], s)
			}
		}
	}
	return accepted, nil
}

// accepts tells whether a step would be accepted and leave an event.
func (p *past) accepts(ctx context.Context, s Step, cause Cause) (bool, error) {
	with, err := p.engine.supposed(ctx, cause.Role, s)
	if errors.As(err, new(*domain.Error)) { // there is no such command, or it is not for this role
		return false, nil
	} else if err != nil {
		return false, err
	}
	r, cmd, err := read(cause.Role, s.Command, with)
	if err != nil {
		return false, nil
	}
	suppose(reflect.ValueOf(cmd).Elem(), cause.Role == access.Coordinator || cause.Role == access.Operator)
	_, err = p.engine.issue(ctx, r, cmd, cause)
	left := len(p.undo()) > 0
	if refused := new(domain.Error); errors.As(err, &refused) {
		return refused.Kind == domain.Invalid, nil
	}
	return left, err
}

// suppose gives a command the people and the texts that are not said. Who runs
// the programme may leave out themselves, and acts for others as a rule.
func suppose(v reflect.Value, others bool) {
	for i := range v.NumField() {
		field, f := v.Type().Field(i), v.Field(i)
		switch {
		case field.Anonymous && f.Kind() == reflect.Struct:
			suppose(f, others)
		case field.Tag.Get("json") == "-" || field.Tag.Get("from") != "" && !others:
		case f.Type() == reflect.TypeFor[domain.Person]() && f.Len() == 0:
			f.SetString(nobody)
		case f.Type() == reflect.TypeFor[domain.Private]():
			if text := f.Addr().Interface().(*domain.Private); text.Text == "" {
				text.Text = "…"
			}
		}
	}
}
