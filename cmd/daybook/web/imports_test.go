package web_test

import (
	"bytes"
	"context"
	"mime/multipart"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"weak"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/cmd/daybook/web"
)

// importing are pages on which people are brought in.
func (s *season) importing(i web.Importing) http.Handler {
	i.Kinds, i.MaxFile = []string{"people"}, 1<<20
	return s.pages(func(o *web.Options) {
		o.Acting = &web.Acting{Person: coordinator, Role: "coordinator", Import: &i}
	})
}

// upload sends a file and gives the address of the work that it is.
func upload(t *testing.T, h http.Handler, content string) string {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	require.NoError(t, w.WriteField("kind", "people"))
	part, err := w.CreateFormFile("file", "people.csv")
	require.NoError(t, err)
	_, err = part.Write([]byte(content))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	sent := postBody(h, "/cycles/autumn/imports", body.String(), "Content-Type", w.FormDataContentType())
	require.Equal(t, http.StatusSeeOther, sent.Code, sent.Body)
	return sent.Header().Get("Location")
}

// A file that is forgotten, or made room for others, is in memory no longer.
func TestAForgottenFileIsGone(t *testing.T) {
	t.Parallel()
	var files []weak.Pointer[byte]
	h := filled(t).importing(web.Importing{
		Understand: func(_ context.Context, s web.Spreadsheet) (web.Understood, []web.Fault, error) {
			files = append(files, weak.Make(&s.Source[0]))
			return web.Understood{}, nil, nil
		},
	})
	const most = 4
	var works []string
	for range most + 1 {
		works = append(works, upload(t, h, strings.Repeat("Name;E-Mail\n", 100)))
	}
	require.Equal(t, http.StatusSeeOther, post(h, works[most], url.Values{".do": {"forget"}}).Code)
	runtime.GC()
	for i, file := range files {
		require.Equal(t, i == 0 || i == most, file.Value() == nil, "file %d", i)
	}
	runtime.KeepAlive(h)
}
