package main

import (
	"context"
	"errors"

	"github.com/daybook-engine/daybook/cmd/daybook/web"
	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/projections"
)

// spell puts names into a sentence, where they can be had.
func (b *book) spell(ctx context.Context, sentence string) string {
	return projections.Named(sentence, func(p domain.Person) string { return b.called(ctx, string(p)) })
}

// called names an actor or a person: part of an id is better than nothing. Not
// so beside an erasure, when nobody's name can be had: that stays in b.erasing,
// for who prints what was named.
func (b *book) called(ctx context.Context, actor string) string {
	if !domain.IsUUID(actor) {
		return actor
	}
	name, err := web.Name(ctx, b.store, b.reveal, domain.Person(actor))
	if errors.Is(err, errErasing) {
		b.erasing = errErasing
	}
	if err != nil || name == "" {
		return "person " + actor[:8]
	}
	return name
}
