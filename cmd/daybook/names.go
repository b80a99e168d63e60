package main

import (
	"context"
	"fmt"
	"regexp"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/person"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/eventstore"
)

// name is what a person is called, for those who run the programme.
func (b *book) name(ctx context.Context, id domain.Person) (string, error) {
	for r, err := range b.store.ReadStream(ctx, person.ID{Person: id}.Stream(), eventstore.ReadStream{Limit: 1}) {
		if err != nil {
			return "", err
		}
		event, err := schema.Decode(r.Name, r.Data)
		if err != nil {
			return "", err
		}
		registered, ok := event.(person.Registered)
		if !ok {
			return "", fmt.Errorf("the stream of a person begins with %s", r.Name)
		}
		return b.reveal(ctx, string(registered.Name.Digest))
	}
	return "", eventstore.ErrStreamNotFound
}

var token = regexp.MustCompile(`\{person:([0-9a-f-]{36})\}`)

// spell puts names into a sentence, where they can be had.
func (b *book) spell(ctx context.Context, sentence string) string {
	return token.ReplaceAllStringFunc(sentence, func(t string) string {
		return b.called(ctx, token.FindStringSubmatch(t)[1])
	})
}

// called names an actor or a person: part of an id is better than nothing.
func (b *book) called(ctx context.Context, actor string) string {
	if !domain.IsUUID(actor) {
		return actor
	}
	name, err := b.name(ctx, domain.Person(actor))
	if err != nil || name == "" {
		return "person " + actor[:8]
	}
	return name
}
