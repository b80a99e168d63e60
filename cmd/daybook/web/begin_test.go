package web_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/cmd/daybook/web"
	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/access"
	"github.com/daybook-engine/daybook/domain/person"
)

// Who is asked who they are finds that on the first page, well made, and is
// told so where they do not say it. Another site says nothing for them.
func TestTheFirstPageAsksWhoSitsThere(t *testing.T) {
	t.Parallel()
	chosen, playing, as := "", "", access.Role("")
	begin := &web.Begin{
		Dir: "/home/anna/daybook-data", Examples: []web.Example{{File: "pairs.yaml", Title: "Pairs", Text: []byte("programme: pairs\n")}},
		Choose:  func(_ context.Context, role access.Role, who string) error { as, chosen = role, who; return nil },
		Demo:    func(context.Context) error { playing = "http://127.0.0.1:1/"; return nil },
		Playing: func() string { return playing },
	}
	s := filled(t)
	h := s.pages(func(o *web.Options) { o.Begin = begin })
	page := get(t, h, "/")
	wellMade(t, "/", page)
	require.Contains(t, page, "Who are you?")
	require.Contains(t, page, `<option value="`+string(mia)+`">Mia (h)</option>`)
	send := func(path string, with url.Values, site string) int {
		return post(h, path, with, "Sec-Fetch-Site", site).Code
	}
	require.Equal(t, http.StatusForbidden, send("/do/sit", url.Values{"who": {string(mia)}}, "cross-site"))
	require.Equal(t, http.StatusBadRequest, send("/do/sit", nil, "same-origin"))
	require.Empty(t, chosen)
	require.Equal(t, http.StatusSeeOther, send("/do/sit", url.Values{"who": {string(mia)}}, "same-origin"))
	require.Equal(t, string(mia), chosen)
	require.Equal(t, access.Coordinator, as)
	require.Contains(t, page, `name="role"><option value="coordinator">Coordinator, who runs the programme</option>`)
	for _, role := range access.People() {
		require.Regexp(t, `<option value="`+string(role)+`">\w+, who \w+`, page)
		require.Equal(t, http.StatusSeeOther, send("/do/sit", url.Values{"who": {string(mia)}, "role": {string(role)}}, "same-origin"))
		require.Equal(t, role, as)
	}
	require.Equal(t, http.StatusBadRequest, send("/do/sit", url.Values{"who": {string(mia)}, "role": {"clock"}}, "same-origin"))
	require.NotEqual(t, access.Clock, as, "nobody sits there as the engine")
	require.Equal(t, http.StatusForbidden, send("/do/demo", nil, "cross-site"))
	require.Empty(t, playing)
	require.Equal(t, http.StatusSeeOther, send("/do/demo", nil, "same-origin"))
	require.Contains(t, get(t, h, "/"), "The season is shown at")

	// Of more people than a list is for, one is named.
	for i := range 400 {
		id := domain.Person(fmt.Sprintf("00000000-0000-4000-8000-%012d", i))
		s.add(person.ID{Person: id}.Stream(), "installation", "2023-06-01T09:00", person.Registered{
			Person: id, Register: "nemo", Handle: s.private("p", domain.Programme, id), Name: s.private("Somebody", domain.Programme, id),
		}, nil)
	}
	page = get(t, s.pages(func(o *web.Options) {
		o.Begin, o.Acting = begin, &web.Acting{Person: mia, Role: "coordinator", Words: func(command string, _ url.Values) string { return strings.ToUpper(command) }, Offers: func(_ context.Context, list []web.Offer) ([][]web.Step, error) {
			return make([][]web.Step, len(list)), nil
		}}
	}), "/")
	wellMade(t, "many", page)
	require.Regexp(t, `<input [^>]*name="who" type="text" value=""`, page)
	require.Contains(t, page, "The person&#39;s handle")

	// On an empty book there is nobody to choose.
	begin.Empty = true
	first := get(t, empty(t).pages(func(o *web.Options) {
		o.Begin = begin
		o.Acting = &web.Acting{Role: "coordinator", Words: func(command string, _ url.Values) string { return strings.ToUpper(command) }, Offers: func(_ context.Context, list []web.Offer) ([][]web.Step, error) {
			return make([][]web.Step, len(list)), nil
		}}
	}), "/")
	wellMade(t, "/", first)
	require.Contains(t, first, "/home/anna/daybook-data")
	require.Contains(t, first, `href="/do/person.register?register=staff"`)
	require.NotContains(t, first, "You act as")
	require.NotContains(t, first, "Who are you?")
}
