package organisation

import (
	"slices"
	"strings"
	"time"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/when"
)

var (
	ErrUnknown = domain.Missing("organisation_unknown", "this organisation is not registered")
	ErrKind    = domain.Wrong("kind_unknown", "an organisation is a "+domain.Either(kinds))
	ErrCountry = domain.Wrong("country_malformed", "a country is two capital letters, as ISO 3166-1 has them")
	ErrName    = domain.Wrong("name_missing", "an organisation has a name")
)

// Register is organisation.register.
type Register struct {
	ID
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	Country string `json:"country,omitzero"`
	Zone    string `json:"zone,omitzero"`
}

var kinds = []string{"network", "museum", "funder", "delivery", "employer"}

func (Register) OneOf() map[string][]string { return map[string][]string{"kind": kinds} }

func (c Register) Decide(s State, _ time.Time) ([]Event, error) {
	switch {
	case c.Name == "":
		return nil, ErrName
	case !slices.Contains(kinds, c.Kind):
		return nil, ErrKind
	case c.Country != "" && !alpha2(c.Country):
		return nil, ErrCountry.Because(c.Country)
	}
	if c.Zone != "" {
		if _, err := when.Zone(c.Zone); err != nil {
			return nil, err
		}
	}
	if s.registered {
		return nil, nil
	}
	return []Event{Registered{c.Name, c.Kind, c.Country, c.Zone}}, nil
}

func alpha2(s string) bool {
	return len(s) == 2 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// RecordMembership is membership.record.
type RecordMembership struct {
	ID
	Network string `json:"network"`
}

func (c RecordMembership) Decide(s State, _ time.Time) ([]Event, error) {
	switch {
	case domain.CheckSlug("network", c.Network) != nil:
		return nil, domain.CheckSlug("network", c.Network)
	case !s.registered:
		return nil, ErrUnknown
	case s.MemberOf(c.Network):
		return nil, nil
	}
	return []Event{MembershipRecorded{c.Network}}, nil
}
