package retention

import (
	"time"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/programme"
)

// The structs below are stored for ever. Add optional fields freely; for any
// other change, see package schema.

// Expired is retention.expired: the time is over, and somebody is to erase the
// person, or to say why not.
type Expired struct {
	ID
	Rule  programme.Retention `json:"rule,omitzero"` // of the definition that the cycle went by then; none: it was kept on until then
	Zone  string              `json:"zone"`          // the programme's, in which its days are counted
	Timer domain.Timer        `json:"timer"`
}

// Extended is retention.extended: it is kept on. The envelope says why, and by
// whose leave.
type Extended struct {
	ID
	Until time.Time `json:"until"`
	Local string    `json:"local"` // as it was said: local time
	Zone  string    `json:"zone"`
}
