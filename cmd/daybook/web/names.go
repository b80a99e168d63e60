package web

import (
	"context"
	"errors"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/access"
	"github.com/daybook-engine/daybook/domain/organisation"
	"github.com/daybook-engine/daybook/domain/person"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/projections"
)

// people are the names of one page: asked for when the page is made, each
// once, and forgotten with it.
type people struct {
	ctx           context.Context
	s             *Server
	known         map[domain.Person]string
	organisations map[string]string
}

func (s *Server) people(ctx context.Context) *people {
	return &people{ctx, s, map[domain.Person]string{}, map[string]string{}}
}

// name is what a page calls a person: the name while it may be shown, and
// otherwise why not, with enough of the id to tell people apart. A name that
// cannot be had is no reason to withhold the page.
func (p *people) name(id domain.Person) string {
	if id == "" {
		return "nobody"
	}
	if name, ok := p.known[id]; ok {
		return name
	}
	name, err := Name(p.ctx, p.s.store, p.s.names, id)
	switch {
	case errors.Is(err, eventstore.ErrStreamNotFound):
		name = "person " + short(string(id))
	case err != nil:
		p.s.log.Error("name", "person", id, "err", err)
		name = "[unreadable] " + short(string(id))
	case name == Withheld || name == Erased || name == "":
		name = name + " " + short(string(id))
	}
	p.known[id] = name
	return name
}

// Name is what a person is called, asked of the vault by the digest that the
// person was registered with, or has had since. It is
// eventstore.ErrStreamNotFound when nobody has this id.
func Name(ctx context.Context, store eventstore.Store, reveal func(ctx context.Context, digest string) (string, error), id domain.Person) (string, error) {
	name, _, err := written(ctx, store, id)
	if err != nil {
		return "", err
	}
	switch name.Readers {
	case "":
		return "", eventstore.ErrStreamNotFound
	case domain.Programme, domain.Public:
		return reveal(ctx, string(name.Digest))
	}
	return Withheld, nil
}

// written finds what a person is called, and where they are written to.
func written(ctx context.Context, store eventstore.Store, id domain.Person) (name, email domain.Private, err error) {
	for r, err := range store.ReadStream(ctx, person.ID{Person: id}.Stream(), eventstore.ReadStream{}) {
		if err != nil {
			return name, email, err
		}
		event, err := schema.Decode(r.Name, r.Data)
		if err != nil {
			return name, email, err
		}
		switch e := event.(type) {
		case person.Registered:
			name, email = e.Name, e.Email
		case person.NameSet:
			name = e.Name
		case person.EmailSet:
			email = e.Email
		}
	}
	return name, email, nil
}

// unwritten stands for a text of no words.
const unwritten = "[nothing was written]"

// addresses are rows that tell who runs the programme, and acts, where people are
// written to, as far as that is known.
func (v *visit) addresses(of ...domain.Person) (rows []row) {
	if a := v.s.acting; a == nil || a.Role != string(access.Coordinator) || !v.at.at.IsZero() {
		return nil
	}
	for _, id := range of {
		_, email, err := written(v.ctx, v.s.store, id)
		if err != nil {
			v.s.log.Error("address", "person", id, "err", err)
		} else if email.Digest != "" {
			if address := v.written(email); address != unwritten { // that there is none is sealed, too
				rows = append(rows, row{Key: "E-mail of " + v.name(id), Value: text(address)})
			}
		}
	}
	return rows
}

// written is a text that those who run the programme may read; otherwise it
// says why there is none. A text that they may not read is never asked for.
func (p *people) written(t domain.Private) string {
	if t.Readers != domain.Programme && t.Readers != domain.Public {
		return Withheld
	}
	return p.revealed(string(t.Digest))
}

func (p *people) revealed(digest string) string {
	words, err := p.s.names(p.ctx, digest)
	switch {
	case err != nil:
		p.s.log.Error("text", "digest", digest, "err", err)
		return "[unreadable]"
	case words == "":
		return unwritten
	}
	return words
}

// actor names who acted: a person, or a part of the engine.
func (p *people) actor(actor string) string {
	if domain.IsUUID(actor) {
		return p.name(domain.Person(actor))
	}
	return projections.Doer(actor)
}

// inRole is what a page calls somebody who acts.
func (p *people) inRole(who domain.Person, role string) string {
	return p.name(who) + ", " + inWords(role)
}

// organisation is what an organisation is called in the register, or its slug
// in words where that is not there or cannot be read.
func (p *people) organisation(slug string) string {
	name, known := p.organisations[slug]
	if known {
		return name
	}
	name = inWords(slug)
	for r, err := range p.s.store.ReadStream(p.ctx, organisation.ID{Organisation: slug}.Stream(), eventstore.ReadStream{Limit: 1}) {
		var event any
		if err == nil {
			event, err = schema.Decode(r.Name, r.Data)
		}
		if registered, ok := event.(organisation.Registered); ok {
			name = registered.Name
		}
		if err != nil && !errors.Is(err, eventstore.ErrStreamNotFound) {
			p.s.log.Error("name", "organisation", slug, "err", err)
		}
	}
	p.organisations[slug] = name
	return name
}
