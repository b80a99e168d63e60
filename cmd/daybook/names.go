package main

import (
	"context"
	"errors"
	"regexp"

	"github.com/daybook-engine/daybook/cmd/daybook/web"
	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/person"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/projections"
)

// value puts names, and words that the vault has, into what something was, or is,
// by an event.
func (b *book) value(ctx context.Context, event, told string) string {
	return b.spell(ctx, projections.Revealed(event, told, func(digest string) string {
		words, err := b.reveal(ctx, digest)
		if b.beside(err); err != nil {
			return "[unreadable]"
		}
		return words
	}))
}

// spell puts names into a sentence, where they can be had.
func (b *book) spell(ctx context.Context, sentence string) string {
	return projections.Named(sentence, func(p domain.Person) string { return b.called(ctx, string(p)) })
}

// beside keeps in b.erasing, for who prints what was named, that nobody's name can
// be had beside an erasure.
func (b *book) beside(err error) {
	if errors.Is(err, errErasing) {
		b.erasing = errErasing
	}
}

// called names an actor or a person: part of an id is better than nothing, except
// beside an erasure.
func (b *book) called(ctx context.Context, actor string) string {
	if !domain.IsUUID(actor) {
		return actor
	}
	name, err := web.Name(ctx, b.store, b.reveal, domain.Person(actor))
	if b.beside(err); err != nil || name == "" {
		return "person " + actor[:8]
	}
	return name
}

var ids = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// handles puts for people's ids the handles by which they are typed, where
// those can be had.
func (b *book) handles(ctx context.Context, text string) string {
	return ids.ReplaceAllStringFunc(text, func(id string) string {
		for r, err := range b.store.ReadStream(ctx, person.ID{Person: domain.Person(id)}.Stream(), eventstore.ReadStream{Limit: 1}) {
			if err != nil {
				return id
			}
			event, _ := schema.Decode(r.Name, r.Data) // what cannot be read names nobody
			registered, _ := event.(person.Registered)
			handle, err := b.reveal(ctx, string(registered.Handle.Digest))
			if err == nil && domain.CheckSlug("", handle) == nil {
				return handle
			}
		}
		return id
	})
}

// An answered error is another, told with handles.
type answered struct {
	error
	text string
}

func (a answered) Error() string { return a.text }
func (a answered) Unwrap() error { return a.error }
