package allocation

import (
	"fmt"
	"strings"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/application"
)

// The structs below are stored for ever. Add optional fields freely; for any
// other change, see package schema.

// QuotaSet is quota.set.
type QuotaSet struct {
	Quota string `json:"quota"`
	Per   string `json:"per"` // year, cycle
	Limit int    `json:"limit"`
}

// A Holder is the application that a place or a reserve rank is for.
type Holder struct {
	Cycle  string        `json:"cycle"`
	Call   string        `json:"call"`
	Person domain.Person `json:"person"`
	Year   int           `json:"year"`
}

// PlaceReserved is place.reserved.
type PlaceReserved struct{ Holder }

// PlaceRefused is place.refused, with every quota that was full.
type PlaceRefused struct {
	Holder
	Full []FullQuota `json:"full"`
}

// A FullQuota is a quota without room.
type FullQuota struct {
	Quota string `json:"quota"`
	Limit int    `json:"limit"`
	Used  int    `json:"used"`
}

// Words lists the full quotas: "cycle: 5 of 5, year: 10 of 10".
func (e PlaceRefused) Words() string {
	words := make([]string, len(e.Full))
	for i, q := range e.Full {
		words[i] = fmt.Sprintf("%s: %d of %d", q.Quota, q.Used, q.Limit)
	}
	return strings.Join(words, ", ")
}

// PlaceFilled is place.filled: the offer was accepted.
type PlaceFilled struct{ Holder }

// PlaceReleased is place.released.
type PlaceReleased struct{ Holder }

// ReserveRanked is reserve.ranked.
type ReserveRanked struct {
	Holder
	Rank int `json:"rank"`
}

// RankRefused is rank.refused: another application waits with this rank.
type RankRefused struct {
	Holder
	Rank int `json:"rank"`
}

// ReservePromoted is reserve.promoted: a place came free for the first in
// rank.
type ReservePromoted struct {
	Holder
	Rank int `json:"rank"`
}

// ReserveWithdrawn is reserve.withdrawn: somebody in reserve no longer wants
// a place.
type ReserveWithdrawn struct {
	Holder
	Rank int `json:"rank"`
}

// ReserveReleased is reserve.released: no place came free.
type ReserveReleased struct {
	Holder
	Rank int `json:"rank"`
}

// Refused is the answer that was given.
func (e RankRefused) Refused() *domain.Error {
	return application.ErrRankTaken.Because(fmt.Sprint(e.Rank))
}

// Refused is the answer that was given.
func (e PlaceRefused) Refused() *domain.Error {
	return ErrFull.Because(e.Words())
}
