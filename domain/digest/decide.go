package digest

import (
	"time"

	"github.com/daybook-engine/daybook/domain"
)

// ErrMalformed is the answer to a digest for nobody, for two, or on no day.
var ErrMalformed = domain.Wrong("digest_malformed", "a digest is for one person or one role, on a day such as 2023-10-03")

// Queue is digest.queue: a policy's command when somebody is reminded.
type Queue struct {
	ID
	Came time.Time `json:"came,omitzero"` // when what is reminded of came to whom it is for, where that was after the day's digest
}

func (c Queue) Decide(s State, now time.Time) ([]Event, error) {
	_, err := time.Parse(time.DateOnly, c.Day)
	switch {
	case err != nil || (c.For.Role == "") == (c.For.Person == ""):
		return nil, ErrMalformed
	case s.queued.Day != "" && (s.queued.At.IsZero() || !c.Came.After(s.queued.At)):
		return nil, nil
	}
	return []Event{Queued{c.Cycle, c.For, c.Day, now}}, nil
}
