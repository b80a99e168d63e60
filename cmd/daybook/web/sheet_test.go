package web_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/csv"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"github.com/daybook-engine/daybook/cmd/daybook/web"
	"github.com/daybook-engine/daybook/projections"
)

func records(t *testing.T, document string) [][]string {
	t.Helper()
	rest, ok := strings.CutPrefix(document, "\ufeff")
	require.True(t, ok, "it says that it is UTF-8")
	rows, err := csv.NewReader(strings.NewReader(rest)).ReadAll()
	require.NoError(t, err)
	return rows
}

func TestATableIsASpreadsheet(t *testing.T) {
	t.Parallel()
	s := filled(t)
	h := s.pages(func(o *web.Options) {
		o.Names = func(context.Context, string) (string, error) { return "=HYPERLINK(1)", nil }
	})
	require.Contains(t, get(t, h, "/cycles/autumn/applications?at=2023-07-30T12:00"), `href="/cycles/autumn/applications?as=xlsx&amp;at=2023-07-30T12%3A00"`)

	w := ask(h, http.MethodGet, "/cycles/autumn/applications?as=csv")
	require.Equal(t, "text/csv; charset=utf-8", w.Header().Get("Content-Type"))
	require.Equal(t, "attachment; filename=autumn-applications.csv", w.Header().Get("Content-Disposition"))
	rows := records(t, w.Body.String())
	require.Equal(t, []string{"Applicant", "Call", "State", "Received (date)", "Received (time)", "Received (zone)", "Received (instant)", "Reviews"}, rows[0])
	list, err := s.views.Applications(t.Context(), "autumn")
	require.NoError(t, err)
	require.Len(t, rows, 1+len(list))
	require.Equal(t, "'=HYPERLINK(1)", rows[1][0], "no formula")
	require.Equal(t, "Europe/Berlin", rows[1][5])
	require.Equal(t, list[0].ReceivedAt.UTC().Format("2006-01-02T15:04:05Z"), rows[1][6])

	f, err := excelize.OpenReader(strings.NewReader(get(t, h, "/cycles/autumn/applications?as=xlsx")))
	require.NoError(t, err)
	defer f.Close()
	sheet := f.GetSheetName(0)
	require.Equal(t, "Applications in the order in", sheet)
	name, err := f.GetCellValue(sheet, "A2")
	require.NoError(t, err)
	require.Equal(t, "=HYPERLINK(1)", name)
	formula, err := f.GetCellFormula(sheet, "A2")
	require.NoError(t, err)
	require.Empty(t, formula)
	serial, err := f.GetCellValue(sheet, "D2", excelize.Options{RawCellValue: true})
	require.NoError(t, err)
	received, err := f.GetCellValue(sheet, "D2")
	require.NoError(t, err)
	require.NotEqual(t, serial, received, "a date, and not a text")

	// At another moment it is what the page is then.
	then := records(t, get(t, h, "/cycles/autumn/applications?as=csv&at=2023-07-12T00:00"))
	require.NotEqual(t, rows, then)
}

func TestASpreadsheetIsWhole(t *testing.T) {
	t.Parallel()
	s := filled(t)
	for i := range 60 {
		s.add("call-autumn.mentees", "cycle/autumn", "2023-11-21T09:00", noticeNumber(i), nil)
	}
	require.NoError(t, s.views.CatchUp(t.Context()))
	h := s.pages(nil)
	events, err := s.views.History(t.Context(), projections.HistoryFilter{Cycle: "autumn"})
	require.NoError(t, err)
	rows := records(t, get(t, h, "/cycles/autumn/history?as=csv&before="+events[1].Position.String()))
	require.Len(t, rows, 2, "but for what was asked for")
	require.Contains(t, get(t, h, "/cycles/autumn/history"), `href="/cycles/autumn/history?as=csv"`)
	rows = records(t, get(t, h, "/cycles/autumn/history?as=csv"))
	require.Len(t, rows, 1+len(events))
	require.Equal(t, events[len(events)-1].Position.String(), rows[1][0], "the newest first")
	require.Equal(t, events[len(events)-1].Envelope.Name, rows[1][len(rows[1])-1])
}

func TestSeveralTablesAreSeveralSheets(t *testing.T) {
	t.Parallel()
	h := filled(t).pages(nil)
	w := ask(h, http.MethodGet, "/cycles/autumn?as=csv")
	require.Equal(t, "application/zip", w.Header().Get("Content-Type"))
	z, err := zip.NewReader(bytes.NewReader(w.Body.Bytes()), int64(w.Body.Len()))
	require.NoError(t, err)
	f, err := excelize.OpenReader(strings.NewReader(get(t, h, "/cycles/autumn?as=xlsx")))
	require.NoError(t, err)
	defer f.Close()
	require.Greater(t, len(z.File), 3)
	for i, part := range z.File {
		require.Equal(t, f.GetSheetName(i)+".csv", part.Name)
		r, err := part.Open()
		require.NoError(t, err)
		text, err := io.ReadAll(r)
		require.NoError(t, err)
		in, err := f.GetRows(f.GetSheetName(i))
		require.NoError(t, err)
		require.Len(t, records(t, string(text)), len(in))
	}
}

func TestWhatIsNoSpreadsheetIsRefused(t *testing.T) {
	t.Parallel()
	h := filled(t).pages(nil)
	for path, code := range map[string]int{
		"/cycles/autumn/applications?as=pdf": http.StatusBadRequest,
		"/cycles/winter/applications?as=csv": http.StatusNotFound,
		"/events/0000000000000001?as=csv":    http.StatusNotFound,
	} {
		w := ask(h, http.MethodGet, path)
		require.Equal(t, code, w.Code, path)
		require.Contains(t, w.Header().Get("Content-Type"), "text/html", path)
	}
}
