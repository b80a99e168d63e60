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
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/workflows/document"
)

var (
	ErrCommand = domain.Wrong("command_unknown", "there is no such command")
	ErrFields  = domain.Wrong("fields_malformed", "the command's fields cannot be read")
	ErrActor   = domain.Wrong("actor_malformed", "an actor is ROLE/HANDLE, as in coordinator/c1")
)

// A registration is one command by its name: the command line, the web, the
// rehearsals, the policies and the clock all find it in the same list.
type registration struct {
	name string
	form reflect.Type
	run  func(ctx context.Context, g *Engine, cmd any, cause Cause) (Result, error)
}

// on registers a command; its aggregate follows from its Decide. Before it
// decides, look fills in what it carries from elsewhere.
func on[C interface {
	Command
	Decide(S, time.Time) ([]E, error)
}, S state[S, E], E any](name string, look func(lookup, *C) error) registration {
	return registration{name, reflect.TypeFor[C](), func(ctx context.Context, g *Engine, cmd any, cause Cause) (Result, error) {
		c := cmd.(*C)
		salts := schema.Commit(c, func(n int) []byte { return g.salt(cause.CommandID, n) })
		prepare := func(fresh bool) error {
			if look == nil {
				return nil
			}
			return look(lookup{ctx, g, fresh}, c)
		}
		decide := func(s S, now time.Time) ([]E, error) { return (*c).Decide(s, now) }
		return do(ctx, g, name, cmd.(Command), prepare, decide, salts, cause)
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

// Check tells whether role may issue a command of this name with these
// fields, as far as that can be told without a store.
func Check(role access.Role, name string, with json.RawMessage) error {
	_, _, err := read(role, name, with)
	return err
}

func read(role access.Role, name string, with json.RawMessage) (registration, any, error) {
	i := slices.IndexFunc(registry, func(r registration) bool { return r.name == name })
	if i < 0 {
		return registration{}, nil, ErrCommand.Because(document.Suggest(name, Commands()))
	}
	if err := access.Allow(role, name); err != nil {
		return registration{}, nil, err
	}
	cmd := reflect.New(registry[i].form).Interface()
	return registry[i], cmd, decode(with, cmd)
}

// Do issues a command by its name, its fields given as JSON: people by handle
// or id. Unknown commands and fields are refused, and the nearest name is
// suggested. The same command id always gets the same answer.
func (g *Engine) Do(ctx context.Context, name string, with json.RawMessage, cause Cause) (Result, error) {
	r, cmd, err := read(cause.Role, name, with)
	if err != nil {
		return Result{}, err
	}
	if err := access.Justify(name, cause.Reason, cause.Authority, cause.Channel); err != nil {
		return Result{}, err
	}
	if err := schema.Resolve(cmd, func(handle string) (domain.Person, error) { return g.Vault.Person(ctx, handle) }); err != nil {
		return Result{}, err
	}
	schema.Fill(cmd, "actor", cause.Actor)
	schema.Fill(cmd, "role", string(cause.Role))
	self := cause.Actor
	if cause.OnBehalfOf != "" {
		self = string(cause.OnBehalfOf)
	}
	schema.Fill(cmd, "self", self)
	schema.Fill(cmd, "tzdata", g.Tzdata)
	return r.run(ctx, g, cmd, cause)
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
// ROLE/ID. Fields that the command has and that are not given are taken from
// defaults.
func (g *Engine) DoAs(ctx context.Context, by, name string, with json.RawMessage, defaults map[string]string, cause Cause) (Result, error) {
	role, handle, err := ParseActor(by)
	if err != nil {
		return Result{}, err
	}
	if err := Check(role, name, with); err != nil {
		return Result{}, err
	}
	fields := map[string]json.RawMessage{}
	if len(with) > 0 {
		if err := json.Unmarshal(with, &fields); err != nil {
			return Result{}, ErrFields.Because(err.Error())
		}
		if fields == nil { // null
			fields = map[string]json.RawMessage{}
		}
	}
	if cause.CommandID == uuid.Nil {
		cause.CommandID = uuid.New()
	}
	if name == "person.register" {
		if err := g.issue(ctx, fields, cause.CommandID); err != nil {
			return Result{}, err
		}
	}
	has := Fields(name)
	for field, value := range defaults {
		if _, given := fields[field]; !given && slices.Contains(has, field) {
			fields[field] = quote(value)
		}
	}
	cause.Role = role
	actor := domain.Person(handle)
	if !domain.IsUUID(handle) {
		actor, err = g.Vault.Person(ctx, handle)
		if errors.Is(err, domain.NotFound) && name == "person.register" && bytes.Equal(fields["handle"], quote(handle)) {
			// The first person of an installation registers herself.
			err = json.Unmarshal(fields["person"], &actor)
		}
		if err != nil {
			return Result{}, err
		}
	}
	cause.Actor = string(actor)
	if with, err = json.Marshal(fields); err != nil {
		return Result{}, err
	}
	return g.Do(ctx, name, with, cause)
}

// issue gives a new person their id: random, because the command's is, and
// the same again when the handle is known.
func (g *Engine) issue(ctx context.Context, fields map[string]json.RawMessage, command uuid.UUID) error {
	var handle string
	if _, given := fields["person"]; given || json.Unmarshal(fields["handle"], &handle) != nil {
		return nil // what is missing is told by the command
	}
	id, err := g.Vault.Person(ctx, handle)
	if errors.Is(err, domain.NotFound) {
		id, err = domain.Person(domain.UUID5("person", command.String())), nil
	}
	fields["person"] = quote(string(id))
	return err
}

func quote(s string) json.RawMessage {
	b, _ := json.Marshal(s) // a string always marshals
	return b
}

// decode reads a command's fields strictly.
func decode(with json.RawMessage, cmd any) error {
	if len(bytes.TrimSpace(with)) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(with))
	d.DisallowUnknownFields()
	err := d.Decode(cmd)
	if err == nil {
		if _, err := d.Token(); !errors.Is(err, io.EOF) {
			return ErrFields.Because("expected one JSON object and nothing after it")
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
		return ErrFields.Because("unknown field " + document.Suggest(strings.Trim(field, `"`), jsonFields(reflect.TypeOf(cmd).Elem())))
	case errors.As(err, &wrong) && wrong.Field == "":
		return ErrFields.Because("expected a JSON object, found " + wrong.Value)
	case errors.As(err, &clock):
		return ErrFields.Because("expected a time such as 2023-07-31T10:15:00+02:00, found " + clock.Value)
	case errors.As(err, &syntax):
		return ErrFields.Because(fmt.Sprintf("expected a JSON object, found a mistake at character %d", syntax.Offset))
	case errors.Is(err, io.ErrUnexpectedEOF):
		return ErrFields.Because("expected a JSON object, found the beginning of one")
	case errors.As(err, &wrong):
		if wrong.Field == "" {
			return ErrFields.Because("expected a JSON object, found " + wrong.Value)
		}
		return ErrFields.Because("field " + wrong.Field[strings.LastIndex(wrong.Field, ".")+1:] + ": expected " + kindWords(wrong.Type) + ", found " + wrong.Value)
	default:
		return ErrFields.Because(err.Error())
	}
}

func kindWords(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return "a whole number"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "a list"
	default:
		return "an object"
	}
}

// Fields lists the fields of a command.
func Fields(name string) []string {
	for _, r := range registry {
		if r.name == name {
			return jsonFields(r.form)
		}
	}
	return nil
}

// jsonFields lists the fields that JSON may set, those inside included.
func jsonFields(t reflect.Type) []string {
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	var names []string
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" || !f.IsExported() {
			continue
		}
		if name != "" {
			names = append(names, name)
		}
		names = append(names, jsonFields(f.Type)...)
	}
	return names
}
