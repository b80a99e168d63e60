package workflows

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"

	"github.com/google/uuid"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/access"
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

// nobody stands in Available for a person that is not said yet.
var nobody = domain.UUID5("nobody")

// Available gives, of each list, the steps that would be accepted now of somebody, ROLE/HANDLE,
// and change something. The registry, the table of roles and the commands' own
// rules decide that, on the log as it is, and nothing of it is kept: so no
// surface offers what would be refused. A reason, a text and a person that are
// not said count as given; and what is refused for nothing but another field
// that is not said is given as a step, too.
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
	r, cmd, err := read(cause.Role, s.Command, s.With)
	if err != nil { // there is no such command, or it is not for this role
		return false, nil
	}
	suppose(reflect.ValueOf(cmd).Elem())
	_, err = p.engine.issue(ctx, r, cmd, cause)
	left := len(p.undo()) > 0
	if refused := new(domain.Error); errors.As(err, &refused) {
		return refused.Kind == domain.Invalid, nil
	}
	return left, err
}

// suppose gives a command the people and the texts that are not said.
func suppose(v reflect.Value) {
	for i := range v.NumField() {
		field, f := v.Type().Field(i), v.Field(i)
		switch {
		case field.Anonymous && f.Kind() == reflect.Struct:
			suppose(f)
		case field.Tag.Get("json") == "-" || field.Tag.Get("from") != "":
		case f.Type() == reflect.TypeFor[domain.Person]() && f.Len() == 0:
			f.SetString(nobody)
		case f.Type() == reflect.TypeFor[domain.Private]():
			if text := f.Addr().Interface().(*domain.Private); text.Text == "" {
				text.Text = "…"
			}
		}
	}
}
