package digest

import (
	"time"

	"github.com/daybook-engine/daybook/domain"
)

// ErrMalformed is the answer to a digest for nobody, for two, or on no day.
var ErrMalformed = domain.Wrong("digest_malformed", "a digest is for one person or one role, on a day such as 2023-10-03")

// Queue is digest.queue: a policy's command when somebody is reminded.
type Queue struct{ ID }

func (c Queue) Decide(s State, _ time.Time) ([]Event, error) {
	_, err := time.Parse(time.DateOnly, c.Day)
	switch {
	case err != nil || (c.For.Role == "") == (c.For.Person == ""):
		return nil, ErrMalformed
	case s.queued.Day != "":
		return nil, nil
	}
	return []Event{Queued(c.ID)}, nil
}
