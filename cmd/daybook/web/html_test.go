package web_test

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// An element is a start tag of a page.
type element struct {
	name  string
	attrs map[string]string
	in    []string // the elements around it
}

// elements reads a page's tags and holds that they are balanced.
func elements(t *testing.T, page string) []element {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	var list []element
	var open []string
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			require.Empty(t, open)
			return list
		}
		require.NoError(t, err)
		switch x := token.(type) {
		case xml.StartElement:
			e := element{x.Name.Local, map[string]string{}, slices.Clone(open)}
			for _, a := range x.Attr {
				e.attrs[a.Name.Local] = a.Value
			}
			list = append(list, e)
			open = append(open, x.Name.Local)
		case xml.EndElement:
			require.Equal(t, open[len(open)-1], x.Name.Local)
			open = open[:len(open)-1]
		}
	}
}

// wellMade holds what every page promises to people who cannot see it, have
// no pointer, run no script, or print it.
func wellMade(t *testing.T, path, page string) []element {
	t.Helper()
	require.Less(t, len(page), 100_000, path)
	require.NotContains(t, page, "<no value>", path)
	require.NotContains(t, page, "ZgotmplZ", path)
	require.NotContains(t, page, "{person:", path)
	require.NotContains(t, page, "{organisation:", path)
	list := elements(t, page)
	count := map[string]int{}
	ids := map[string]bool{}
	labels := map[string]bool{}
	for _, e := range list {
		count[e.name]++
		if id := e.attrs["id"]; id != "" {
			require.False(t, ids[id], "%s: id %s twice", path, id)
			ids[id] = true
		}
		if e.name == "label" {
			labels[e.attrs["for"]] = true
		}
		for name := range e.attrs {
			require.False(t, name == "style" || strings.HasPrefix(name, "on"), "%s: %s has %s", path, e.name, name)
		}
	}
	for name, n := range map[string]int{"h1": 1, "main": 1, "header": 1, "footer": 1, "title": 1, "script": 0, "style": 0} {
		if name == "title" {
			require.Equal(t, 1, count["title"]-count["svg"], path)
			continue
		}
		require.Equal(t, n, count[name], "%s: %s", path, name)
	}
	require.Equal(t, count["table"], count["caption"], path)
	require.True(t, ids["main"], path)
	level := 0
	for i, e := range list {
		switch e.name {
		case "html":
			require.Equal(t, "en", e.attrs["lang"])
		case "th":
			require.NotEmpty(t, e.attrs["scope"], path)
		case "svg":
			require.Equal(t, "img", e.attrs["role"], path)
			for _, id := range strings.Fields(e.attrs["aria-labelledby"]) {
				require.True(t, ids[id], path)
			}
			require.Equal(t, "title", list[i+1].name, path)
			require.Equal(t, "desc", list[i+2].name, path)
		case "input", "select", "textarea":
			require.True(t, e.attrs["type"] == "hidden" || labels[e.attrs["id"]], "%s: %s has no label", path, e.attrs["id"])
		case "nav":
			require.NotEmpty(t, e.attrs["aria-label"], path)
		case "h1", "h2", "h3":
			n := int(e.name[1] - '0')
			require.LessOrEqual(t, n, level+1, "%s: %s after h%d", path, e.name, level)
			level = n
		case "form":
			if e.attrs["method"] != "get" {
				require.Equal(t, "post", e.attrs["method"], path)
				if action := e.attrs["action"]; action != "/do/sit" && action != "/do/demo" {
					require.Equal(t, ".by", list[i+1].attrs["name"], "%s: a form says as whom it was opened", path)
				}
				require.Regexp(t, `^/(do/|cycles/[^/]+/(imports|work/|bulk/|applications|queue|sessions))`, e.attrs["action"], "%s: what changes something goes one way only, or is one of many rows that go it", path)
			}
		}
	}
	return list
}
