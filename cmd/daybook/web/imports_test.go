package web_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"mime/multipart"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"weak"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/cmd/daybook/web"
	"github.com/daybook-engine/daybook/domain"
)

// importing are pages on which people are brought in, and the jobs that are begun
// there. Left is why what an import recorded stands, if it has to.
func (s *season) importing(i web.Importing, left string) (http.Handler, *sync.WaitGroup) {
	var jobs sync.WaitGroup
	i.Kinds, i.MaxFile = []string{"people"}, 1<<20
	head, err := s.store.Head(s.t.Context())
	require.NoError(s.t, err)
	return s.pages(func(o *web.Options) {
		o.Go = func(work func(context.Context)) { jobs.Go(func() { work(context.Background()) }) }
		o.Deeds = func(context.Context, string) ([]web.Deed, error) {
			return []web.Deed{{Stream: idOf(ana).Stream(), Event: "application.received", At: head, Left: left}}, nil
		}
		o.Acting = &web.Acting{Person: coordinator, Role: "coordinator", Import: &i}
	}), &jobs
}

// upload sends a file and gives the address of the work that it is.
func upload(t *testing.T, h http.Handler, content string) string {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	require.NoError(t, w.WriteField("kind", "people"))
	require.NoError(t, w.WriteField(".by", "coordinator/"+string(coordinator)))
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
	h, _ := filled(t).importing(web.Importing{
		Understand: func(_ context.Context, s web.Spreadsheet) (web.Understood, []web.Fault, error) {
			files = append(files, weak.Make(&s.Source[0]))
			return web.Understood{}, nil, nil
		},
	}, "")
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

// An import is taken back to the end when nobody waits for it; how far that is, or
// why it was not done, is told on its page.
func TestAnImportIsTakenBackWhileNobodyLooks(t *testing.T) {
	t.Parallel()
	going, proceed := make(chan struct{}), make(chan error)
	h, jobs := filled(t).importing(web.Importing{
		Revert: func(ctx context.Context, id, reason string, progress func(done, of int)) error {
			if reason == "" {
				return domain.Wrong("reason_missing", "say why")
			}
			progress(1, 2)
			going <- struct{}{}
			return cmp.Or(<-proceed, ctx.Err())
		},
	}, "")
	const at = "/cycles/autumn/imports/" + brought
	require.Contains(t, get(t, h, at), "Take this import back")
	unsaid := post(h, at+"/revert", url.Values{".id": {uuid.NewString()}})
	require.Equal(t, http.StatusBadRequest, unsaid.Code)
	require.Contains(t, unsaid.Body.String(), `<a href="#f-reason">Say why`)
	require.NotContains(t, get(t, h, at), "Say why", "told once")
	require.Equal(t, http.StatusBadRequest, post(h, at+"/revert", url.Values{"reason": {"wrong_file"}}).Code)

	for _, fault := range []error{errors.New("boom"), nil} {
		form := url.Values{".id": {uuid.NewString()}, ".by": {"coordinator/" + string(coordinator)}, "reason": {"wrong_file"}}
		postAndLeave(h, at+"/revert", form)
		<-going
		under := ask(h, http.MethodGet, at)
		wellMade(t, at, under.Body.String())
		require.Equal(t, "2", under.Header().Get("Refresh"))
		require.Contains(t, under.Body.String(), "What it recorded is being taken back")
		require.Contains(t, under.Body.String(), "1 of 2 done")
		proceed <- fault
		if fault == nil { // the same again waits for it
			done := post(h, at+"/revert", form)
			require.Equal(t, http.StatusSeeOther, done.Code)
			require.Equal(t, at, done.Header().Get("Location"))
			require.NotContains(t, get(t, h, at), "the same again does the rest")
			continue
		}
		jobs.Wait()
		page := get(t, h, at)
		wellMade(t, at, page)
		require.NotContains(t, page, "boom")
		require.Contains(t, page, "the same again does the rest")
		require.Contains(t, page, `value="wrong_file"`)
	}
}

// An import is finished or not: while its rows are being recorded it was not broken
// off, and is not offered to be taken back.
func TestAnImportUnderWayIsNotOfferedToBeTakenBack(t *testing.T) {
	t.Parallel()
	h, _ := filled(t).importing(web.Importing{
		Revert: func(context.Context, string, string, func(done, of int)) error {
			return domain.Refuse("import_under_way", "wait for it")
		},
	}, "rows are being recorded")
	const at = "/cycles/autumn/imports/" + brought
	require.Contains(t, get(t, h, "/cycles/autumn/imports"), ">If it was broken off, the same file again does the rest</td>")
	require.Contains(t, get(t, h, "/cycles/autumn/imports"), ">Not finished</td>")
	page := get(t, h, at)
	require.Contains(t, page, "stands: rows are being recorded")
	require.NotContains(t, page, "Take this import back")
	refused := post(h, at+"/revert", url.Values{".id": {uuid.NewString()}, "reason": {"wrong_file"}})
	require.Equal(t, http.StatusConflict, refused.Code)
	wellMade(t, at, refused.Body.String())
	require.Contains(t, refused.Body.String(), "Wait for it")
}
