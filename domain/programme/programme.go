// Package programme keeps what a programme is: its definition, published
// version by version, each named by the hash of its content. A cycle pins one
// version and is judged by it to its end.
package programme

import "github.com/daybook-engine/daybook/domain"

// ID names a programme by slug.
type ID struct {
	Programme string `json:"programme"`
}

func (id ID) Stream() string { return "programme-" + id.Programme }
func (id ID) Book() string   { return "programme/" + id.Programme }
func (id ID) Check() error   { return domain.CheckSlug("programme", id.Programme) }
