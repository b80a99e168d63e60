package web

import (
	"fmt"
	"strconv"
)

// A pager leads from page to page of a long list.
type pager struct {
	Earlier, Later string
	Words          string // lines 1 to 100 of 240
}

// paged gives the part of a list of n that the page in the address shows. A
// page that isn't there is the last one.
func (v *visit) paged(n int) (from, to int, p pager) { return v.pagedBy(linesPerPage, n) }

// pagedBy is paged for lines so long that a page has fewer of them.
func (v *visit) pagedBy(lines, n int) (from, to int, p pager) {
	if v.whole {
		return 0, n, p
	}
	page, err := strconv.Atoi(v.own.Get("page"))
	last := max((n-1)/lines+1, 1)
	if err != nil || page < 1 {
		page = 1
	}
	page = min(page, last)
	from = (page - 1) * lines
	to = min(from+lines, n)
	if last == 1 {
		return from, to, p
	}
	at := func(page int) string {
		if page < 1 || page > last {
			return ""
		}
		return v.href(v.path, "page", strconv.Itoa(page))
	}
	return from, to, pager{at(page - 1), at(page + 1), fmt.Sprintf("%d to %d of %d", from+1, to, n)}
}
