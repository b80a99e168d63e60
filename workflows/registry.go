package workflows

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/access"
	"github.com/daybook-engine/daybook/domain/person"
	instance "github.com/daybook-engine/daybook/domain/policy"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/workflows/document"
)

var (
	ErrCommand = domain.Wrong("command_unknown", "there is no such command")
	ErrFields  = domain.Wrong("fields_malformed", "the command's fields cannot be read")
	ErrActor   = domain.Wrong("actor_malformed", "an actor is ROLE/HANDLE, as in coordinator/c1")
	ErrPerson  = domain.Missing("person_unknown", "nobody is registered under this id")
)

// A registration is one command by its name: the command line, the web, the
// rehearsals, the policies and the clock all find it in the same list.
type registration struct {
	name string
	form reflect.Type
	run  func(ctx context.Context, g *Engine, cmd any, cause Cause) (Result, error)
}

// on registers a command; its aggregate follows from its Decide. Before it
// decides, look fills in what it carries from elsewhere. After it decided,
// and before that is kept, each of claims sets something aside; it may do so
// again, and for nothing.
func on[C interface {
	Command
	Decide(S, time.Time) ([]E, error)
}, S state[S, E], E any](name string, look func(lookup, *C) error, claims ...func(lookup, *C) error) registration {
	return registration{name, reflect.TypeFor[C](), func(ctx context.Context, g *Engine, cmd any, cause Cause) (Result, error) {
		c := cmd.(*C)
		asked, err := schema.Asked(c)
		if err != nil {
			return Result{}, fmt.Errorf("%s: %w", name, err)
		}
		return do(ctx, g, task[S, E]{
			name: name, cmd: cmd.(Command), asked: asked, cause: cause,
			salts: schema.Commit(c, func(n int) []byte { return g.salt(cause.CommandID, n) }),
			prepare: func(fresh bool) error {
				if look == nil {
					return nil
				}
				return look(lookup{ctx, g, fresh}, c)
			},
			decide: func(s S, now time.Time) ([]E, error) { return (*c).Decide(s, now) },
			claim: func() error {
				for _, claim := range claims {
					if err := claim(lookup{ctx, g, false}, c); err != nil {
						return err
					}
				}
				return nil
			},
		})
	}}
}

// Commands lists the names of all commands.
func Commands() []string {
	names := make([]string, len(registry))
	for i, r := range registry {
		names[i] = r.name
	}
	slices.Sort(names)
	return names
}

// Exists tells whether there is a command of this name.
func Exists(name string) error {
	_, err := find(name)
	return err
}

func find(name string) (registration, error) {
	i := slices.IndexFunc(registry, func(r registration) bool { return r.name == name })
	if i < 0 {
		return registration{}, ErrCommand.Because(document.Suggest(name, Commands()))
	}
	return registry[i], nil
}

// Check tells whether role may issue a command of this name with these
// fields, as far as that can be told without a store.
func Check(role access.Role, name string, with json.RawMessage) error {
	_, _, err := read(role, name, with)
	return err
}

func read(role access.Role, name string, with json.RawMessage) (registration, any, error) {
	r, err := find(name)
	if err != nil {
		return registration{}, nil, err
	}
	if err := access.Allow(role, name); err != nil {
		return registration{}, nil, err
	}
	cmd := reflect.New(r.form).Interface()
	return r, cmd, decode(with, cmd)
}

// Do issues a command by its name for the engine itself, its fields given as
// JSON, people by id.
//
// A command id is good for one command on one stream. Issued again under its
// id, a command that left events gets the answer it got the first time, and
// nothing more is kept; one that left none is decided anew. Another command
// under that id, or other fields, are refused with ErrUsed. On another stream
// the id stands for another command.
func (g *Engine) Do(ctx context.Context, name string, with json.RawMessage, cause Cause) (Result, error) {
	r, cmd, err := read(cause.Role, name, with)
	if err != nil {
		return Result{}, err
	}
	return g.issue(ctx, r, cmd, cause)
}

// issue completes a command with who issues it, and runs it.
func (g *Engine) issue(ctx context.Context, r registration, cmd any, cause Cause) (Result, error) {
	if err := access.Justify(r.name, cause.Reason, cause.Authority, cause.Channel); err != nil {
		return Result{}, err
	}
	switch c := cmd.(type) {
	case *instance.Repair:
		if err := g.complete(ctx, c); err != nil {
			return Result{}, err
		}
	case *instance.Start: // which is how begin records it
	default:
		if g.Latest().IsZero() { // the first event there is
			if err := g.begin(ctx); err != nil {
				return Result{}, err
			}
		}
	}
	self := cause.Actor
	if cause.OnBehalfOf != "" {
		self = string(cause.OnBehalfOf)
	}
	schema.Fill(cmd, map[string]string{"self": self, "role": string(cause.Role), "actor": cause.Actor, "tzdata": g.Tzdata, "reason": cause.Reason, "causation": cause.Causation})
	if field := unsaid(reflect.ValueOf(cmd).Elem()); field != "" {
		return Result{}, ErrFields.Because(field + " is missing")
	}
	return r.run(ctx, g, cmd, cause)
}

// unsaid names the first field for a person that names nobody.
func unsaid(v reflect.Value) string {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && f.Type.Kind() == reflect.Struct:
			if field := unsaid(v.Field(i)); field != "" {
				return field
			}
		case f.Type == reflect.TypeFor[domain.Person]() && name != "-" && v.Field(i).Len() == 0:
			return name
		}
	}
	return ""
}

// ParseActor reads ROLE/HANDLE. The engine's own roles are not to be claimed.
func ParseActor(by string) (role access.Role, handle string, err error) {
	before, handle, ok := strings.Cut(by, "/")
	role = access.Role(before)
	switch {
	case !ok || handle == "":
		return "", "", ErrActor.Because(by)
	case slices.Contains(access.Engine, role):
		return "", "", access.ErrRole.Because("only the engine itself acts as " + before)
	}
	return role, handle, nil
}

// DoAs is Do for somebody outside the engine, named as ROLE/HANDLE or
// ROLE/ID; people in the fields are written by handle or id, too, and so is
// the cause's OnBehalfOf. All of them must be registered. Fields that the
// command has and that are not given are taken from defaults.
//
// The first person of an installation registers herself. Who is registered
// gets an id that nobody chooses.
func (g *Engine) DoAs(ctx context.Context, by, name string, with json.RawMessage, defaults map[string]string, cause Cause) (Result, error) {
	role, handle, err := ParseActor(by)
	if err != nil {
		return Result{}, err
	}
	r, cmd, err := read(role, name, with)
	if err != nil {
		return Result{}, err
	}
	for field, value := range defaults {
		setDefault(reflect.ValueOf(cmd).Elem(), field, value)
	}
	if cause.CommandID == uuid.Nil {
		cause.CommandID = uuid.New()
	}
	cause.Role = role
	newcomer, registers := cmd.(*person.Register)
	if registers {
		if newcomer.Person != "" {
			return Result{}, ErrFields.Because("person: nobody chooses an id")
		}
		if newcomer.Person, err = g.newcomer(ctx, newcomer.Handle.Text, cause.CommandID); err != nil {
			return Result{}, err
		}
	}
	actor, err := g.Registered(ctx, handle)
	if errors.Is(err, domain.NotFound) && registers && newcomer.Handle.Text == handle {
		g.first.Lock()
		defer g.first.Unlock()
		switch some, failed := g.anybody(ctx); {
		case failed != nil:
			err = failed
		case !some:
			actor, err = newcomer.Person, nil
		}
	}
	if err != nil {
		return Result{}, err
	}
	cause.Actor = string(actor)
	if cause.OnBehalfOf != "" {
		if cause.OnBehalfOf, err = g.Registered(ctx, string(cause.OnBehalfOf)); err != nil {
			return Result{}, err
		}
	}
	if err := schema.Resolve(cmd, func(handle string) (domain.Person, error) { return g.Vault.Person(ctx, handle) }); err != nil {
		return Result{}, err
	}
	for _, p := range schema.People(reflect.ValueOf(cmd).Elem().Interface()) {
		if registers {
			break // is to be
		}
		if _, err := g.Registered(ctx, string(p)); err != nil {
			return Result{}, err
		}
	}
	return g.issue(ctx, r, cmd, cause)
}

// Registered is who has a handle, or an id: somebody whom the log knows. A
// handle may be somebody's before they are registered.
func (g *Engine) Registered(ctx context.Context, who string) (p domain.Person, err error) {
	if p = domain.Person(who); !domain.IsUUID(who) {
		if p, err = g.Vault.Person(ctx, who); err != nil {
			return "", err
		}
	}
	for _, fresh := range []bool{false, true} {
		s, err := remembered[person.State](lookup{ctx, g, fresh}, person.ID{Person: p}.Stream())
		if err != nil || s.Registered() {
			return p, err
		}
	}
	return "", ErrPerson.Because(who)
}

// anybody tells whether the log knows any person.
func (g *Engine) anybody(ctx context.Context) (bool, error) {
	for _, err := range g.Store.ReadAll(ctx, eventstore.ReadAll{Prefixes: []string{person.ID{}.Stream()}, Limit: 1}) {
		return err == nil, err
	}
	return false, nil
}

// newcomer is the id of who is to be registered under a handle: random,
// because the command's is, and the same again when the handle was given to
// somebody whose registration was not kept.
func (g *Engine) newcomer(ctx context.Context, handle string, command uuid.UUID) (domain.Person, error) {
	if err := domain.CheckSlug("handle", handle); err != nil {
		return "", err
	}
	if domain.IsUUID(handle) {
		return "", domain.ErrSlug.Because("handle " + handle + " would be taken for an id")
	}
	p, err := g.Vault.Person(ctx, handle)
	if !errors.Is(err, domain.NotFound) {
		return p, err
	}
	p = domain.Person(domain.UUID5("person", command.String()))
	switch _, err := g.Registered(ctx, string(p)); {
	case err == nil:
		return "", ErrUsed // for somebody with another handle
	case errors.Is(err, domain.NotFound):
		return p, nil
	default:
		return "", err
	}
}

// setDefault gives a field of text its value where it has none.
func setDefault(v reflect.Value, field, value string) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && f.Type.Kind() == reflect.Struct:
			setDefault(v.Field(i), field, value)
		case name == field && f.Type.Kind() == reflect.String && v.Field(i).Len() == 0:
			v.Field(i).SetString(value)
		}
	}
}

// decode reads a command's fields strictly. A private text is text there: a
// commitment, as events have it, would be taken for nothing said.
func decode(with json.RawMessage, cmd any) error {
	if len(bytes.TrimSpace(with)) == 0 {
		return nil
	}
	err := schema.UnmarshalStrict(with, cmd)
	if err != nil { // the first version tells better what is wrong
		reflect.ValueOf(cmd).Elem().SetZero()
		d := json.NewDecoder(bytes.NewReader(with))
		d.DisallowUnknownFields()
		err = d.Decode(cmd)
		if _, more := d.Token(); err == nil && !errors.Is(more, io.EOF) {
			return ErrFields.Because("expected one JSON object and nothing after it")
		}
	}
	if err == nil {
		for _, p := range schema.Private(reflect.ValueOf(cmd).Elem().Interface()) {
			if p.Digest != "" {
				return ErrFields.Because("a private text: expected text, found an object")
			}
		}
		return nil
	}
	var (
		wrong  *json.UnmarshalTypeError
		syntax *json.SyntaxError
		clock  *time.ParseError
	)
	switch field, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); {
	case unknown:
		return ErrFields.Because("unknown field " + document.Suggest(strings.Trim(field, `"`), document.Fields(reflect.TypeOf(cmd))))
	case errors.As(err, &wrong) && wrong.Field == "":
		return ErrFields.Because("expected a JSON object, found " + wrong.Value)
	case errors.As(err, &wrong):
		return ErrFields.Because("field " + wrong.Field[strings.LastIndex(wrong.Field, ".")+1:] + ": expected " + document.Words(wrong.Type) + ", found " + wrong.Value)
	case errors.As(err, &clock):
		return ErrFields.Because("expected a time such as 2023-07-31T10:15:00+02:00, found " + clock.Value)
	case errors.As(err, &syntax):
		return ErrFields.Because(fmt.Sprintf("expected a JSON object, found a mistake at character %d", syntax.Offset))
	case errors.Is(err, io.ErrUnexpectedEOF):
		return ErrFields.Because("expected a JSON object, found the beginning of one")
	default:
		return ErrFields.Because(err.Error())
	}
}
