package main

import (
	"github.com/daybook-engine/daybook/eventstore/vault"
	"github.com/daybook-engine/daybook/projections"
	"github.com/daybook-engine/daybook/workflows"
)

// Main is what the test binary is when it is re-entered as daybook.
var Main = main

// Persist is tested by itself, on a clock that doesn't wait.
var (
	Persist    = persist
	ErrStopped = errStopped
)

// What a book is made of, for tests that put one together over another log.
var Tzdata = tzdata

func Sealed(v *vault.Vault) workflows.Vault        { return sealed{v} }
func Agenda(v *projections.Views) workflows.Agenda { return agenda{v} }
