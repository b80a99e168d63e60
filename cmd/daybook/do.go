package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/access"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/workflows"
	"github.com/daybook-engine/daybook/workflows/definition"
	"github.com/daybook-engine/daybook/workflows/document"
)

func newDo() *cobra.Command {
	var with, by, id, behalf string
	cause := workflows.Cause{}
	c := &cobra.Command{
		Use:   "do COMMAND --by ROLE/HANDLE [--with JSON|@FILE]",
		Short: "Issue a command: whatever anybody does in a programme",
		Long: `Issue a command: whatever anybody does in a programme. Its fields are JSON, or a
file of JSON or YAML after @; people in them are written by handle or id. Prints
one JSON object: the position in the log and the names of the events, none when
it was already so.

The commands, the roles that may issue them, and their fields, of which people may
leave out themselves. In {} stand the fields of a field, in [] those of each of a
list; daybook do COMMAND --help tells them one by one. What is missing here only
the engine does, as an answer or when it is time.

` + commandList(),
		Example: `  daybook do person.register --by coordinator/anna --with '{"handle":"anna","register":"staff","name":"Anna Berg"}'
  daybook do definition.publish --by coordinator/anna --with @programme.yaml
  daybook do deadline.extend --by coordinator/anna --reason power_cut --with '{"cycle":"spring","call":"mentees",
     "deadline":{"local":"2024-03-01T17:00","zone":"Europe/Berlin","rule":"by","published":"by 5pm on 1 March"}}'`,
		Args:              args(cobra.ExactArgs(1)),
		ValidArgsFunction: cobra.FixedCompletions(workflows.Commands(), cobra.ShellCompDirectiveNoFileComp),
		RunE: func(c *cobra.Command, given []string) error {
			fields, err := readFields(given[0], with)
			if err != nil {
				return err
			}
			if id != "" {
				if cause.CommandID, err = uuid.Parse(id); err != nil {
					return usage{fmt.Errorf("--command-id: %w", err)}
				}
			}
			cause.OnBehalfOf = domain.Person(behalf)
			return issue(c, by, given[0], fields, cause)
		},
	}
	usual := c.HelpFunc()
	c.SetHelpFunc(func(c *cobra.Command, given []string) {
		switch name := c.Flags().Arg(0); {
		case name == "":
			usual(c, given)
		case workflows.Exists(name) != nil:
			report(c.ErrOrStderr(), workflows.Exists(name))
		case len(access.Claimable(name)) == 0:
			report(c.ErrOrStderr(), fmt.Errorf("only the engine itself issues %s", name))
		default:
			fmt.Fprint(c.OutOrStdout(), commandHelp(name))
		}
	})
	f := c.Flags()
	f.StringVar(&with, "with", "", "the command's fields: JSON, or @FILE")
	f.StringVar(&by, "by", "", "who does it: ROLE/HANDLE")
	f.StringVar(&behalf, "on-behalf-of", "", "the handle of whoever's act it is")
	f.StringVar(&cause.Channel, "channel", "cli", "how it reached us: web, cli, email, phone, paper")
	f.StringVar(&cause.Reason, "reason", "", "why: a code such as power_cut; particulars go into the command's note, which is sealed")
	f.StringVar(&cause.Authority, "authority", "", "the rule or role that allows an exception")
	f.StringVar(&id, "command-id", "", "a UUID: the same command under it again is done once, and another is refused")
	return c
}

// issue issues a command, lets policies answer, and prints what came of it.
func issue(c *cobra.Command, by, name string, fields json.RawMessage, cause workflows.Cause) error {
	if err := workflows.Exists(name); err != nil {
		return err
	}
	if by == "" {
		return usage{errors.New("--by is missing: say who does it, as in --by coordinator/anna")}
	}
	role, _, err := workflows.ParseActor(by)
	if err != nil {
		return err
	}
	if err := workflows.Check(role, name, fields); err != nil {
		return err
	}
	ctx := c.Context()
	b, err := makeBook(c, false)
	if err != nil {
		return err
	}
	defer b.Close()
	if b.begun {
		fmt.Fprintf(c.ErrOrStderr(), "a new daybook was begun in %s\n", b.dir)
	}
	b.engine.Parked = func(policy string, at eventstore.Recorded, why error) {
		report(c.ErrOrStderr(), fmt.Errorf("policy %s stands still before an event of %s; see daybook policies: %w", policy, at.Stream, why))
	}
	result, err := b.engine.DoAs(ctx, by, name, fields, nil, cause)
	if refused := new(domain.Error); err != nil && !errors.As(err, &refused) {
		return withID(err)
	}
	// Kept is kept, and is told before anything else can go wrong.
	if err == nil {
		err = tell(c, b, result)
	} else {
		err = answered{err, b.handles(ctx, err.Error())}
	}
	settled := b.settle(ctx)
	switch {
	case settled == nil:
		return err
	case err != nil:
		report(c.ErrOrStderr(), err)
	}
	return fmt.Errorf("this answer stands, but policies or read models are behind; the next command or daybook serve lets them try again: %w", settled)
}

// withID says how to find out what is not known. Without the id a person who
// asks again would have it recorded twice.
func withID(err error) error {
	if unknown := new(workflows.UnknownError); errors.As(err, &unknown) {
		return fmt.Errorf("%w; give the same command again with --command-id %s, and it is recorded once", err, unknown.CommandID)
	}
	return err
}

// done is what daybook do prints.
type done struct {
	Position eventstore.Position `json:"position,omitzero"` // none when it was already so
	Events   []string            `json:"events"`
}

// tell prints what a command brought about.
func tell(c *cobra.Command, b *book, result workflows.Result) error {
	if b.clock != nil {
		fmt.Fprintf(c.ErrOrStderr(), "this is a rehearsal's daybook: what is recorded in %s stays marked as rehearsed\n", b.dir)
	}
	if len(result.Names) == 0 {
		fmt.Fprintln(c.ErrOrStderr(), "already so: nothing was recorded")
		result.Names = []string{}
	}
	return json.NewEncoder(c.OutOrStdout()).Encode(done{result.Position, result.Names})
}

// commandList has a line for each command.
func commandList() string {
	var b strings.Builder
	for _, name := range workflows.Commands() {
		fields := inLine(workflows.Form(name))
		if name == "definition.publish" {
			fields = aDefinition
		}
		if roles := access.Claimable(name); len(roles) > 0 {
			fmt.Fprintf(&b, "  %s (%s)\n      %s\n", name, access.Words(roles), fields)
		}
	}
	return b.String()
}

const aDefinition = "@FILE.yaml, as cmd/daybook/rehearsals/nemo-one-to-one.yaml"

// inLine names fields, and those within them.
func inLine(fields []workflows.Field) string {
	words := make([]string, len(fields))
	for i, f := range fields {
		switch words[i] = f.Name; {
		case f.List && f.Within != nil:
			words[i] += "[" + inLine(f.Within) + "]"
		case f.Within != nil:
			words[i] += "{" + inLine(f.Within) + "}"
		}
	}
	return strings.Join(words, " ")
}

// commandHelp tells one command: its fields, each on a line of its own, and an
// example of one whose fields have fields.
func commandHelp(name string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s is issued by: %s\n", name, access.Words(access.Claimable(name)))
	if name == "definition.publish" {
		fmt.Fprintf(&b, "\nIts fields are a whole definition: %s\n", aDefinition)
		return b.String()
	}
	switch reason, authority := access.Excepts(name); {
	case authority:
		b.WriteString("It needs --reason, and --authority: codes such as power_cut and director\n")
	case reason:
		b.WriteString("It needs --reason: a code such as power_cut\n")
	}
	b.WriteString("\nIts fields, for --with; people are written by handle or id:\n")
	var tell func(fields []workflows.Field, indent string)
	tell = func(fields []workflows.Field, indent string) {
		for _, f := range fields {
			optional := ""
			switch {
			case f.Own:
				optional = " (not for oneself)"
			case !f.Needed:
				optional = " (may be left out)"
			}
			fmt.Fprintf(&b, "%s%-*s %s%s\n", indent, 22-len(indent), f.Name, f.Kind, optional)
			tell(f.Within, indent+"  ")
		}
	}
	tell(workflows.Form(name), "  ")
	if example, ok := examples[name]; ok {
		fmt.Fprintf(&b, "\nFor example:\n  daybook do %s %s --with '%s'\n", name, example.flags, example.with)
	}
	b.WriteString("\ndaybook do --help tells the flags.\n")
	return b.String()
}

// typed is a step as its actor types it, with … for what is not said yet.
func typed(actor string, s workflows.Step) string {
	line := "daybook do " + s.Command + " --by " + actor
	reason, authority := access.Excepts(s.Command)
	if reason {
		line += " --reason …"
	}
	if authority {
		line += " --authority …"
	}
	var said map[string]json.RawMessage
	fields := strings.TrimSuffix(string(s.With), "}")
	if err := json.Unmarshal(s.With, &said); err != nil {
		return line
	}
	forOthers := strings.HasPrefix(actor, string(access.Coordinator)+"/")
	for _, f := range workflows.Form(s.Command) {
		if _, ok := said[f.Name]; ok || f.Own && !forOthers || !f.Own && !f.Needed {
			continue
		}
		value := `"…"`
		switch {
		case f.List:
			value = "[…]"
		case f.Within != nil:
			value = "{…}"
		}
		if fields != "{" {
			fields += ","
		}
		fields += `"` + f.Name + `":` + value
	}
	return line + " --with '" + fields + "}'"
}

// examples are of the commands whose fields have fields themselves.
var examples = map[string]struct{ flags, with string }{
	"application.submit": {"--by applicant/ben", `{"cycle":"spring","call":"mentees",
    "route":"staff","organisation":"museum","answers":{"motives":"I teach alone.","priorities":["one","two","three"]}}`},
	"call.open": {"--by coordinator/anna", `{"cycle":"spring","call":"mentees",
    "deadline":{"local":"2031-03-01T17:00","zone":"Europe/Berlin","rule":"by","published":"by 5pm on 1 March"}}`},
	"deadline.extend": {"--by coordinator/anna --reason power_cut", `{"cycle":"spring","call":"mentees",
    "deadline":{"local":"2031-03-02T17:00","zone":"Europe/Berlin","rule":"by","published":"by 5pm on 2 March"}}`},
	"review.record": {"--by reviewer/anna", `{"cycle":"spring","call":"mentees","person":"ben",
    "recommendation":"select","scores":[{"criterion":"motives","value":4,"justification":"Knows what to ask for."}]}`},
	"matching.propose": {"--by coordinator/anna", `{"cycle":"spring","run":"first",
    "mentees":[{"mentee":"ben","facts":[{"fact":"expertise","codes":["school","digital"]}]},{"mentee":"cleo"}],
    "mentors":[{"mentor":"mia","capacity":1},{"mentor":"noa"}],
    "bars":[{"mentee":"ben","mentor":"noa","rule":"line_manager"}]}`},
	"task.claim": {"--by reviewer/anna", `{"cycle":"spring","task":"screen","about":{"call":"mentees","person":"ben"}}`},
	"task.delegate": {"--by reviewer/anna --reason holiday", `{"cycle":"spring","task":"screen","about":{"call":"mentees","person":"ben"},
    "to":"noa","until":"2031-03-15T09:00:00+01:00"}`},
	"task.complete": {"--by coordinator/anna --on-behalf-of ben", `{"cycle":"spring","task":"prepare","about":{"match":"m1","session":2}}`},
	"task.reopen":   {"--by coordinator/anna --reason wrong_file", `{"cycle":"spring","task":"screen","about":{"call":"mentees","person":"ben"}}`},
}

// readFields reads --with. A definition's own document is taken as the
// command that publishes it.
func readFields(command, with string) (json.RawMessage, error) {
	name, isFile := strings.CutPrefix(with, "@")
	if !isFile {
		return json.RawMessage(with), nil
	}
	source, err := readFile(name)
	if err != nil {
		return nil, err
	}
	if ext := filepath.Ext(name); ext != ".yaml" && ext != ".yml" {
		if !utf8.Valid(source) { // its letters would be kept as others
			err = usage{fmt.Errorf("%s: expected text in UTF-8; save the file again with that encoding", name)}
		}
		return source, err
	}
	if command == "definition.publish" {
		d, err := definition.Parse(name, source)
		if err != nil {
			return nil, err
		}
		return json.Marshal(map[string]any{"programme": d.Programme, "definition": d})
	}
	doc, err := document.Parse(name, source)
	if err != nil {
		return nil, err
	}
	var node document.Node
	if err := doc.Decode(&node); err != nil {
		return nil, err
	}
	return node.JSON()
}
