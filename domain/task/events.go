package task

import (
	"time"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/when"
)

// The structs below are stored for ever. Add optional fields freely; for any
// other change, see package schema.

// Matter is which task it is, in every event of it.
type Matter struct {
	Key   string `json:"key"` // in the definition
	About About  `json:"about,omitzero"`
}

// Opened is task.opened. What the definition says of the task is kept here, so
// that it is judged by it to its end.
type Opened struct {
	Matter
	Cycle    string          `json:"cycle"`
	Cause    string          `json:"cause"` // the id of the event that opened it
	Plan     programme.Task  `json:"plan"`
	Zone     string          `json:"zone"`
	Calendar when.Calendar   `json:"calendar,omitzero"`  // where something of it has a time
	Role     string          `json:"role"`               // who does it: coordinator, reviewer, applicant, mentee, mentor
	Person   domain.Person   `json:"person,omitempty"`   // whose it is from the start, where that is one person
	Concerns []domain.Person `json:"concerns,omitempty"` // whose application or match it is about
	At       time.Time       `json:"at"`
	Due      time.Time       `json:"due,omitzero"` // where it does not follow a call's deadline
}

// Claimed is task.claimed.
type Claimed struct {
	Matter
	Person domain.Person `json:"person"`
}

// Released is task.released: who had it may not have it any more, because of a
// conflict of interest.
type Released struct {
	Matter
	Person domain.Person `json:"person"`
}

// Delegated is task.delegated: handed on for a time, or for good. Handed back
// to whose it is, it ends what was said before. The envelope's reason is a code.
type Delegated struct {
	Matter
	Of    domain.Person `json:"of"` // whose it stays
	To    domain.Person `json:"to"`
	From  time.Time     `json:"from"`
	Until time.Time     `json:"until,omitzero"` // zero: for good
	Zone  string        `json:"zone,omitempty"` // in which people read those
}

// Reminded is task.reminded, with the rule that it went out by. Events of the
// first Daybooks do not say that, nor the zone.
type Reminded struct {
	Matter
	Role   string        `json:"role"`
	Person domain.Person `json:"person,omitempty"` // none: nobody in particular has it yet
	Due    time.Time     `json:"due"`              // when the task was due, as it then stood
	Timer  domain.Timer  `json:"timer"`
	Text   string        `json:"text,omitempty"`   // what is to be done, in the definition's words
	Zone   string        `json:"zone,omitempty"`   // the programme's
	Before when.Offset   `json:"before,omitzero"`  // how long before it is due, as the definition has it
	Number int           `json:"number,omitempty"` // which reminder since the task was opened, of at most
	AtMost int           `json:"at_most,omitempty"`
	Was    time.Time     `json:"was,omitzero"` // when it was due at the reminder before, where that has moved since
	// Deadline is the call's that due follows; zero where it follows none, and in
	// events from before it was kept.
	Deadline time.Time `json:"deadline,omitzero"`
}

// Escalated is task.escalated: it is overdue, and another role may take it up.
type Escalated struct {
	Matter
	To    string       `json:"to"`
	Due   time.Time    `json:"due"`
	Timer domain.Timer `json:"timer"`
}

// Completed is task.completed: somebody did it, or an event says that it is
// done.
type Completed struct {
	Matter
	Person domain.Person `json:"person,omitempty"`
	Event  string        `json:"event,omitempty"` // the event's name
}

// Reopened is task.reopened: it was not done after all, or is to be done
// though it expired. The envelope's reason is a code.
type Reopened struct {
	Matter
	At   time.Time `json:"at"`
	Due  time.Time `json:"due,omitzero"`
	Zone string    `json:"zone,omitempty"`
}

// Expired is task.expired: nobody has to do it any more.
type Expired struct {
	Matter
	Due   time.Time    `json:"due"`
	Timer domain.Timer `json:"timer"`
}

// Withdrawn is task.withdrawn: what it was about is over.
type Withdrawn struct {
	Matter
	Event string `json:"event"` // the name of the event that ended it
}
