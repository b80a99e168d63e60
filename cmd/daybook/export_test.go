package main

import (
	"context"

	"github.com/daybook-engine/daybook/eventstore/sqlite"
)

// Main is what the test binary is when it is re-entered as daybook.
var Main = main

// Persist is tested by itself, on a clock that doesn't wait.
var (
	Persist    = persist
	Daily      = daily
	ErrStopped = sqlite.ErrStopped
	ErrErasing = errErasing
)

// CalledBeside names somebody, as who only reads does, when during has been done
// beside, and gives why there is no name.
func CalledBeside(ctx context.Context, dir, whom string, during func()) (string, error) {
	b := &book{dir: dir, shared: true}
	defer b.Close()
	if err := b.opened(sqlite.Open(b.path(), sqlite.Options{ReadOnly: true})); err != nil {
		return "", err
	}
	if err := b.openVault(ctx); err != nil {
		return "", err
	}
	during()
	return b.called(ctx, whom), b.erasing
}

// HelpExample is what the help of a command has for an example.
func HelpExample(command string) (flags, with string, ok bool) {
	e, ok := examples[command]
	return e.flags, e.with, ok
}
