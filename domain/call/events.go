package call

import (
	"time"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/when"
)

// The structs below are stored for ever. Add optional fields freely; for any
// other change, see package schema.

// Opened is call.opened.
type Opened struct {
	Role     string        `json:"role"`
	Form     string        `json:"form"` // version, in the pinned definition
	Criteria []string      `json:"criteria"`
	Deadline when.Deadline `json:"deadline"`
	Opened   time.Time     `json:"opened"`
}

// NoticePublished is notice.published: the call was made known somewhere.
type NoticePublished struct {
	Where string `json:"where"`
	Text  string `json:"text"` // as published
}

// DeadlineExtended is deadline.extended.
type DeadlineExtended struct {
	Was  when.Deadline `json:"was"`
	Now  when.Deadline `json:"now"`
	Told string        `json:"told,omitempty"` // to whom it was announced: a code
}

// OnlyWorded tells that the deadline stays what it was, in other words.
func (e DeadlineExtended) OnlyWorded() bool {
	return e.Was.Local == e.Now.Local && e.Was.Zone == e.Now.Zone && e.Was.Rule == e.Now.Rule
}

// PermitGranted is permit.granted: one person may submit later than the
// others.
type PermitGranted struct {
	Person   domain.Person  `json:"person"`
	Until    time.Time      `json:"until"`
	Local    string         `json:"local"` // as promised: local time
	Zone     string         `json:"zone"`
	Evidence domain.Digest  `json:"evidence,omitempty"`
	Note     domain.Private `json:"note"`
}

// Closed is call.closed.
type Closed struct {
	Timer domain.Timer `json:"timer"`
}
