package web

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/projections"
)

// placesPage is the places board: quotas, who holds a place, who waits for
// one, and who was refused one and why.
type placesPage struct {
	frame
	placesBoard
}

type placesBoard struct {
	Quotas  []quotaLine
	Places  []placeLine
	Reserve []placeLine
	Refused []placeLine
}

type quotaLine struct {
	Quota   string
	Limit   string
	Filled  link // to the figure that counts the same
	Offered string
	Free    string
}

type placeLine struct {
	Person link
	Status string
	Note   string
	At     instant
}

func (s *Server) showPlaces(w http.ResponseWriter, r *http.Request) error {
	v, err := s.visit(r, r.PathValue("cycle"))
	if err != nil {
		return err
	}
	defer v.close()
	board, err := v.views.Places(v.ctx, v.cycle.Cycle)
	if err != nil {
		return err
	}
	return s.render(w, http.StatusOK, "places", placesPage{v.frame("Places", "Places"), v.placesBoard(board)})
}

func (v *visit) placesBoard(b projections.PlacesBoard) placesBoard {
	var p placesBoard
	for _, q := range b.Quotas {
		p.Quotas = append(p.Quotas, v.quotaLine(q, b))
	}
	for _, x := range b.Places {
		l := placeLine{Person: v.applicant(x.Call, x.Person), Status: capital(x.Status)}
		switch x.Status {
		case "filled":
			l.At = v.instant(x.FilledAt)
		case "released":
			l.At = v.instant(x.ReleasedAt)
		default:
			l.At = v.instant(x.ReservedAt)
		}
		if x.Rank > 0 {
			l.Note = "promoted from rank " + strconv.Itoa(x.Rank) + " of the reserve"
		}
		p.Places = append(p.Places, l)
	}
	for _, x := range b.Reserve {
		p.Reserve = append(p.Reserve, placeLine{v.applicant(x.Call, x.Person), capital(x.Status), "rank " + strconv.Itoa(x.Rank), v.instant(x.At)})
	}
	for _, x := range b.Refused {
		p.Refused = append(p.Refused, placeLine{
			v.applicant(x.Call, x.Person), "Refused",
			x.Full, v.instant(x.At),
		})
	}
	return p
}

func (v *visit) quotaLine(q projections.QuotaUse, b projections.PlacesBoard) quotaLine {
	words := "In this cycle"
	if q.Per == "year" {
		words = "In the year " + strconv.Itoa(b.Year)
	}
	if q.Quota != q.Per {
		words += ": " + inWords(q.Quota)
	}
	figure := map[string]string{"cycle": "places_filled", "year": "places_filled_year"}[q.Per]
	return quotaLine{
		Quota: words, Limit: strconv.Itoa(q.Limit), Filled: link{strconv.Itoa(q.Filled), v.to("/figures/" + figure)},
		Offered: strconv.Itoa(q.Offered), Free: strconv.Itoa(max(q.Limit-q.Used, 0)),
	}
}

// applicant leads to somebody's file, where they have one.
func (v *visit) applicant(call string, person domain.Person) link {
	id := application.ID{Cycle: v.cycle.Cycle, Call: call, Person: person}
	l := link{Text: v.name(person)}
	if _, err := v.views.Application(v.ctx, id.Key()); err == nil {
		l.Href = v.href("/applications/" + url.PathEscape(id.Key()))
	}
	return l
}
