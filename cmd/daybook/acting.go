package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"time"

	"github.com/daybook-engine/daybook/cmd/daybook/web"
	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/access"
	"github.com/daybook-engine/daybook/projections"
	"github.com/daybook-engine/daybook/workflows"
)

// settling is how long an answer to a form waits for what follows from it.
const settling = 20 * time.Second

// acting lets who is named, ROLE/HANDLE, act on the pages.
func (b *book) acting(ctx context.Context, by string, log *slog.Logger) (*web.Acting, error) {
	role, handle, err := workflows.ParseActor(by)
	if err != nil {
		return nil, fmt.Errorf("--as: %w", err)
	}
	if roles := claimable(); !slices.Contains(roles, role) {
		return nil, usage{fmt.Errorf("--as: there is no role %s; there are %s", role, access.Words(roles))}
	}
	self, err := b.engine.Registered(ctx, handle)
	if err != nil {
		return nil, fmt.Errorf("--as: %w", err)
	}
	return &web.Acting{
		Person: self, Role: string(role), Words: workflows.Words, Known: workflows.Known,
		Offers: func(ctx context.Context, offers []web.Offer) ([][]web.Step, error) {
			return b.offers(ctx, role, self, by, offers)
		},
		Ask: func(ctx context.Context, command string, known url.Values) ([]web.Question, error) {
			inputs, err := b.engine.Ask(ctx, role, command, known)
			if err != nil {
				return nil, err
			}
			whose, err := b.engine.Whose(ctx, role, self, command, known)
			return questions(inputs, workflows.AskCause(command, whose)), err
		},
		Do: func(ctx context.Context, o web.Order) (web.Done, []web.Fault, error) {
			return b.order(ctx, role, by, o, log)
		},
		Import: b.importing(role, by, log),
		Bulk:   b.bulking(by, log),
	}, nil
}

// claimable are the roles in which people act.
func claimable() (roles []access.Role) {
	for _, name := range workflows.Commands() {
		roles = append(roles, access.Claimable(name)...)
	}
	slices.Sort(roles)
	return slices.Compact(roles)
}

// questions are inputs as pages know them.
func questions(inputs, cause []workflows.Input) (list []web.Question) {
	for i, in := range slices.Concat(inputs, cause) {
		q := web.Question{
			Name: in.Name, Label: in.Label, Hint: in.Hint, Type: string(in.Type), Unit: in.Unit, Needed: in.Needed, Several: in.Several,
			Times: in.Times, Value: in.Value, Zone: in.Zone, Preset: in.Preset, Cause: i >= len(inputs),
		}
		for _, c := range in.Choices {
			q.Choices = append(q.Choices, web.Choice(c))
		}
		list = append(list, q)
	}
	return list
}

// offers finds, for each thing on a page, the steps that would be accepted. What is
// somebody else's own act is no button: its form says on whose behalf it is.
func (b *book) offers(ctx context.Context, role access.Role, self domain.Person, by string, offers []web.Offer) ([][]web.Step, error) {
	lists := make([][]workflows.Step, len(offers))
	for i, o := range offers {
		switch {
		case o.Known != nil:
			lists[i] = workflows.StepsAbout(role, o.Known, o.Commands...)
		case o.Step == "policy.retry": // one of three ways out
			lists[i] = workflows.StepsAbout(role, workflows.Known(o.With))
		default:
			lists[i] = steps(projections.Item{Task: o.Task, Command: o.Step, Args: o.With})
		}
	}
	lists, err := b.engine.Available(ctx, by, lists...)
	if err != nil {
		return nil, err
	}
	found := make([][]web.Step, len(lists))
	for i, list := range lists {
		for _, s := range list {
			step := web.Step{Command: s.Command, Known: workflows.Known(s.With)}
			inputs, err := b.engine.Ask(ctx, role, s.Command, step.Known)
			if err != nil {
				return nil, err
			}
			whose, err := b.engine.Whose(ctx, role, self, s.Command, step.Known)
			if err != nil {
				return nil, err
			}
			reason, _ := access.Excepts(s.Command)
			asks := func(in workflows.Input) bool { return !step.Known.Has(in.Name) }
			step.Ready = !reason && whose == "" && !slices.ContainsFunc(inputs, asks)
			found[i] = append(found[i], step)
		}
		named := offers[i].Commands
		slices.SortStableFunc(found[i], func(a, b web.Step) int {
			return cmp.Or(grave(a.Command)-grave(b.Command), slices.Index(named, a.Command)-slices.Index(named, b.Command))
		})
	}
	return found, nil
}

// grave puts what departs from what was told or agreed behind the rest.
func grave(command string) int {
	if reason, _ := access.Excepts(command); reason {
		return 1
	}
	return 0
}

// order issues the command of a form, and lets policies and read models follow.
func (b *book) order(ctx context.Context, role access.Role, by string, o web.Order, log *slog.Logger) (web.Done, []web.Fault, error) {
	with, wrong := composed(o)
	if len(wrong) > 0 {
		return web.Done{}, wrong, nil
	}
	cause := workflows.Cause{CommandID: o.ID, Correlation: o.Correlation}.Explained(o.Given)
	result, err := b.engine.DoAs(ctx, by, o.Command, with, nil, cause)
	b.follow(ctx, log)
	if refusal := new(domain.Error); errors.As(err, &refusal) {
		inputs, asked := b.engine.Ask(ctx, role, o.Command, o.Given)
		where := ""
		if asked == nil {
			where = workflows.Where(refusal, slices.Concat(inputs, workflows.AskCause(o.Command, "")))
		}
		return web.Done{Position: result.Position, Names: result.Names}, []web.Fault{{Question: where, Text: err.Error()}}, err
	}
	if unknown := new(workflows.UnknownError); errors.As(err, &unknown) {
		return web.Done{}, []web.Fault{{Text: workflows.ErrUnknown.Error() + "; send it again, as it is: it is recorded once"}}, err
	}
	return web.Done{Position: result.Position, Names: result.Names}, nil, err
}

// composed are an order's fields, or what is wrong with them.
func composed(o web.Order) (json.RawMessage, []web.Fault) {
	with, wrong := workflows.Compose(o.Command, o.Given)
	faults := make([]web.Fault, len(wrong))
	for i, f := range wrong {
		faults[i] = web.Fault{Question: f.Input, Text: f.Text}
	}
	return with, faults
}

// onLoopback refuses to let anybody act at an address that others reach.
func onLoopback(addr, by string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return usage{fmt.Errorf("--addr %s: %w", addr, err)}
	}
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return usage{fmt.Errorf("--as %s with --addr %s: the key could be read on its way there, and whoever has it acts as %s; listen on 127.0.0.1, or leave out --as", by, addr, by)}
}
