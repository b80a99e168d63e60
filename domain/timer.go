package domain

import "time"

// A Timer is kept in every event that the clock brought about: which rule
// fell due, when it was due, when it was acted on, and by which calendar and
// time zone data that was computed. Fired after Due says that it was late.
type Timer struct {
	Rule     string    `json:"rule"` // "call.close": the command the rule issues
	Due      time.Time `json:"due"`
	Fired    time.Time `json:"fired"`
	Calendar string    `json:"calendar,omitempty"` // name@version
	Tzdata   string    `json:"tzdata,omitempty"`
}

// ErrNotDue is the answer to a clock that asks too early.
var ErrNotDue = Refuse("not_due", "this has not fallen due")

// Fire judges whether a rule is due at now.
func Fire(rule string, due, now time.Time, calendar, tzdata string) (Timer, error) {
	if due.IsZero() || now.Before(due) {
		return Timer{}, ErrNotDue
	}
	return Timer{Rule: rule, Due: due, Fired: now, Calendar: calendar, Tzdata: tzdata}, nil
}
