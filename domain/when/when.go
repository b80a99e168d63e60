// Package when is the time that people mean: a deadline with its zone, its
// rule and the wording it was published in, a date known only to the month or
// the season, five working days at 17:00. Each becomes an instant in one way,
// or is refused with the reason: nothing is guessed about what somebody typed.
//
// There is no clock here, and no zone but the one that is named. Instants are
// in UTC.
package when

import "github.com/daybook-engine/daybook/domain"

var (
	ErrZoneUnknown      = domain.Wrong("zone_unknown", "there is no such time zone; write an IANA name like Europe/Berlin")
	ErrZoneAbbreviation = domain.Wrong("zone_abbreviation", "an abbreviation or a fixed offset does not follow a place's clock changes; write an IANA name like Europe/Berlin")
	ErrLocalMalformed   = domain.Wrong("local_malformed", "this is not a local date and time; write it like 2023-07-31T00:00")
	ErrTimeInGap        = domain.Wrong("time_in_gap", "this local time does not exist, the clocks skip it")
	ErrTimeAmbiguous    = domain.Wrong("time_ambiguous", "this local time occurs twice, the clocks go back over it")
	ErrTimeMalformed    = domain.Wrong("time_malformed", "this is not a time; write it like 2023-06-19T09:00 Europe/Berlin or 2023-06-19T09:00:00+02:00")
	ErrDateMalformed    = domain.Wrong("date_malformed", "this is not a date; write it like 2023-09-13, 2023-09, 2023, or 2023-21 for its spring, -22 summer, -23 autumn, -24 winter")
	ErrOffsetMalformed  = domain.Wrong("offset_malformed", "this does not say how much earlier or later")
	ErrRuleUnknown      = domain.Wrong("rule_unknown", `a deadline's rule is "by" (the instant itself is in time) or "before" (it is too late)`)
	ErrWeekdayMismatch  = domain.Refuse("weekday_mismatch", "the published wording names another weekday than the date has")
	ErrWordingMismatch  = domain.Refuse("wording_mismatch", "the published wording names another day or hour than the deadline has; mend one of the two, or say in override, as a code, why it stands")
)
