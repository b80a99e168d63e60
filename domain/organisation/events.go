package organisation

// The structs below are stored for ever. Add optional fields freely; for any
// other change, see package schema.

// Registered is organisation.registered.
type Registered struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"` // network, museum, funder, delivery, employer
	Country string `json:"country,omitempty"`
	Zone    string `json:"zone,omitempty"` // IANA
}

// MembershipRecorded is membership.recorded: the organisation belongs to a
// network.
type MembershipRecorded struct {
	Network string `json:"network"`
}
