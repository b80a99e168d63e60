package organisation

import (
	"slices"
	"time"

	"github.com/daybook-engine/daybook/domain"
)

var (
	ErrUnknown = domain.Missing("organisation_unknown", "this organisation is not registered")
	ErrKind    = domain.Wrong("kind_unknown", "an organisation is a network, museum, funder, delivery or employer")
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

func (c Register) Decide(s State, _ time.Time) ([]Event, error) {
	switch {
	case c.Name == "":
		return nil, ErrName
	case !slices.Contains([]string{"network", "museum", "funder", "delivery", "employer"}, c.Kind):
		return nil, ErrKind
	case s.registered:
		return nil, nil
	}
	return []Event{Registered{c.Name, c.Kind, c.Country, c.Zone}}, nil
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
