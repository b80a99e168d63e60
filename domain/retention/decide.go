package retention

import (
	"time"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/person"
	"github.com/daybook-engine/daybook/domain/when"
)

var (
	ErrNotOver = domain.Refuse("retention_not_over", "the time for which this is kept is not over")
	ErrPeriod  = domain.Wrong("period_malformed", "it is kept on until a time that is to come")
)

// Expire is retention.expire: the clock's command when the time is over.
type Expire struct {
	ID
	Kept
	Tzdata string `json:"-" from:"tzdata"`
}

func (c Expire) Decide(s State, now time.Time) ([]Event, error) {
	rule, due, over := s.Until(c.Kept)
	switch {
	case over:
		return nil, nil
	case c.Erased:
		return nil, person.ErrErased
	}
	timer, err := domain.Fire("retention.expire", due, now, "", c.Tzdata)
	if err != nil {
		return nil, err
	}
	return []Event{Expired{c.ID, rule, c.Zone, timer}}, nil
}

// Extend is retention.extend: what was kept long enough is kept on, for a
// reason.
type Extend struct {
	ID
	Kept
	Local string `json:"local"`
	Zone  string `json:"zone"` // in which that is said
}

func (c Extend) Decide(s State, now time.Time) ([]Event, error) {
	until, err := when.Local(c.Local, c.Zone)
	_, _, over := s.Until(c.Kept)
	switch {
	case err != nil:
		return nil, err
	case !over && s.Said.Equal(until):
		return nil, nil
	case !over:
		return nil, ErrNotOver
	case c.Erased:
		return nil, person.ErrErased
	case !until.After(now):
		return nil, ErrPeriod
	}
	return []Event{Extended{c.ID, until.UTC(), c.Local, c.Zone}}, nil
}
