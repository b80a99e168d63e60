// Package organisation is the register of organisations: networks, museums,
// funders, and which of them belong to which network. What is said of them
// is public; people are not kept here.
package organisation

import "github.com/daybook-engine/daybook/domain"

// ID names an organisation by slug.
type ID struct {
	Organisation string `json:"organisation"`
}

func (id ID) Stream() string { return "organisation-" + id.Organisation }
func (id ID) Book() string   { return "installation" }
func (id ID) Check() error   { return domain.CheckSlug("organisation", id.Organisation) }
