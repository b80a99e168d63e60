package projections

import (
	"cmp"
	"context"
	_ "embed"
	"slices"
	"strconv"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/allocation"
	"github.com/daybook-engine/daybook/domain/measure"
)

// A PlacesBoard is who holds the places of a cycle, and against which quotas.
type PlacesBoard struct {
	Programme string         `json:"programme"`
	Cycle     string         `json:"cycle"`
	Year      int            `json:"year"`
	Quotas    []QuotaUse     `json:"quotas"`  // filled in when the board is asked for
	Places    []Place        `json:"places"`  // in the order in which they were reserved
	Reserve   []Reserve      `json:"reserve"` // in order of rank
	Refused   []PlaceRefusal `json:"refused"`
}

// QuotaUse is how much of a quota is used, in the cycle or in its year.
type QuotaUse struct {
	Quota    string `json:"quota"`
	Per      string `json:"per"` // year, cycle
	Limit    int    `json:"limit"`
	Used     int    `json:"used"`     // filled and offered: what counts against the limit
	Filled   int    `json:"filled"`   // offers accepted
	Offered  int    `json:"offered"`  // reserved for an offer that is not accepted yet
	Released int    `json:"released"` // given back, so used no more
}

// A Place is or was somebody's.
type Place struct {
	Call       string        `json:"call"`
	Person     domain.Person `json:"person"`
	Status     string        `json:"status"`         // reserved, filled, released
	Rank       int           `json:"rank,omitempty"` // promoted from this rank of the reserve
	ReservedAt time.Time     `json:"reserved_at,omitzero"`
	FilledAt   time.Time     `json:"filled_at,omitzero"`
	ReleasedAt time.Time     `json:"released_at,omitzero"`
}

// A Reserve waits for a place to come free.
type Reserve struct {
	Call   string        `json:"call"`
	Person domain.Person `json:"person"`
	Rank   int           `json:"rank"`
	Status string        `json:"status"` // waiting, promoted, released, withdrawn
	At     time.Time     `json:"at"`     // since when
}

// A PlaceRefusal is a place that was asked for when a quota was full.
type PlaceRefusal struct {
	Call   string        `json:"call"`
	Person domain.Person `json:"person"`
	Full   string        `json:"full"` // the quotas, in words
	At     time.Time     `json:"at"`
}

// A board's columns are the programme's year, by which yearly quotas are
// counted, and the programme.
func (b *PlacesBoard) columns() (string, string, time.Time, bool) {
	return measure.YearScope(b.Programme, itoa(b.Year)), b.Programme, time.Time{}, true
}

type programmeQuotas struct {
	Programme string                `json:"programme"`
	Quotas    []allocation.QuotaSet `json:"quotas"`
}

func (q *programmeQuotas) columns() (string, string, time.Time, bool) {
	return q.Programme, "", time.Time{}, true
}

//go:embed places.sql
var placesSQL string

var places = Projection{
	Name: "places", Schema: placesSQL, Documents: []row{&PlacesBoard{}, &programmeQuotas{}}, Apply: applyPlaces,
	Names: []string{
		"quota.set", "place.reserved", "place.refused", "place.filled", "place.released",
		"reserve.ranked", "reserve.promoted", "reserve.released", "reserve.withdrawn",
	},
}

func applyPlaces(tx *Tx, e *Event) error {
	_, prog, _ := strings.Cut(e.Stream, "-") // "allocation-<programme>"
	if b, ok := e.Body.(allocation.QuotaSet); ok {
		q, err := change[programmeQuotas](tx, "places_programme", prog)
		if err != nil {
			return err
		}
		q.Programme = prog
		if i := slices.IndexFunc(q.Quotas, func(o allocation.QuotaSet) bool { return o.Quota == b.Quota }); i >= 0 {
			q.Quotas[i] = b
		} else {
			q.Quotas = append(q.Quotas, b)
		}
		return nil
	}
	at := e.Envelope.OccurredAt
	board := func(h allocation.Holder) (*PlacesBoard, error) {
		b, err := change[PlacesBoard](tx, "places", h.Cycle)
		if err == nil {
			b.Programme, b.Cycle, b.Year = prog, h.Cycle, h.Year
		}
		return b, err
	}
	place := func(b *PlacesBoard, h allocation.Holder) *Place {
		for i := len(b.Places) - 1; i >= 0; i-- {
			if p := &b.Places[i]; p.Call == h.Call && p.Person == h.Person && p.Status != "released" {
				return p
			}
		}
		b.Places = append(b.Places, Place{Call: h.Call, Person: h.Person, Status: "reserved", ReservedAt: at})
		p := &b.Places[len(b.Places)-1]
		for _, r := range b.Reserve {
			if r.Call == h.Call && r.Person == h.Person && r.Status == "promoted" {
				p.Rank = r.Rank
			}
		}
		return p
	}
	reserve := func(b *PlacesBoard, h allocation.Holder, rank int, status string) {
		r := Reserve{h.Call, h.Person, rank, status, at}
		if i := slices.IndexFunc(b.Reserve, func(o Reserve) bool { return o.Call == h.Call && o.Person == h.Person }); i >= 0 {
			b.Reserve[i] = r
		} else {
			b.Reserve = append(b.Reserve, r)
		}
		slices.SortStableFunc(b.Reserve, func(a, b Reserve) int { return cmp.Compare(a.Rank, b.Rank) })
	}
	switch x := e.Body.(type) {
	case allocation.PlaceReserved:
		b, err := board(x.Holder)
		if err != nil {
			return err
		}
		place(b, x.Holder)
	case allocation.PlaceFilled:
		b, err := board(x.Holder)
		if err != nil {
			return err
		}
		p := place(b, x.Holder)
		p.Status, p.FilledAt = "filled", at
	case allocation.PlaceReleased:
		b, err := board(x.Holder)
		if err != nil {
			return err
		}
		p := place(b, x.Holder)
		p.Status, p.ReleasedAt = "released", at
	case allocation.PlaceRefused:
		b, err := board(x.Holder)
		if err != nil {
			return err
		}
		b.Refused = append(b.Refused, PlaceRefusal{x.Call, x.Person, x.Words(), at})
	case allocation.ReserveRanked:
		b, err := board(x.Holder)
		if err != nil {
			return err
		}
		reserve(b, x.Holder, x.Rank, "waiting")
	case allocation.ReservePromoted:
		b, err := board(x.Holder)
		if err != nil {
			return err
		}
		reserve(b, x.Holder, x.Rank, "promoted")
	case allocation.ReserveReleased:
		b, err := board(x.Holder)
		if err != nil {
			return err
		}
		reserve(b, x.Holder, x.Rank, "released")
	case allocation.ReserveWithdrawn:
		b, err := board(x.Holder)
		if err != nil {
			return err
		}
		reserve(b, x.Holder, x.Rank, "withdrawn")
	}
	return nil
}

// use counts the places of boards that share a quota.
func use(q allocation.QuotaSet, boards []PlacesBoard, cycle string) QuotaUse {
	u := QuotaUse{Quota: q.Quota, Per: q.Per, Limit: q.Limit}
	for _, b := range boards {
		if q.Per == "cycle" && b.Cycle != cycle {
			continue
		}
		for _, p := range b.Places {
			switch p.Status {
			case "filled":
				u.Filled++
			case "reserved":
				u.Offered++
			case "released":
				u.Released++
			}
		}
	}
	u.Used = u.Filled + u.Offered
	return u
}

// Places is the places board of a cycle.
func (v *Views) Places(ctx context.Context, id string) (board PlacesBoard, err error) {
	err = v.ask(ctx, func(conn *sqlite.Conn) error {
		c, err := findCycle(conn, id)
		if err != nil {
			return err
		}
		board, err = placesOf(conn, c)
		return err
	})
	return board, err
}

func placesOf(conn *sqlite.Conn, c Cycle) (PlacesBoard, error) {
	board := PlacesBoard{Programme: c.Programme, Cycle: c.Cycle, Year: c.Year}
	year, err := bodies[PlacesBoard](conn, "SELECT body FROM places WHERE cycle = ? ORDER BY key", measure.YearScope(c.Programme, itoa(c.Year)))
	if err != nil {
		return board, err
	}
	if i := slices.IndexFunc(year, func(b PlacesBoard) bool { return b.Cycle == c.Cycle }); i >= 0 {
		board = year[i]
	}
	quotas, err := bodies[programmeQuotas](conn, "SELECT body FROM places_programme WHERE key = ?", c.Programme)
	for _, p := range quotas {
		for _, q := range p.Quotas {
			board.Quotas = append(board.Quotas, use(q, year, c.Cycle))
		}
	}
	return board, err
}

func itoa(n int) string { return strconv.Itoa(n) }
