package main_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A browser shows pages of one reader, and does with them what people do: it
// follows links by their words, fills forms in by their labels, presses buttons.
type browser struct {
	t       *testing.T
	handler http.Handler
}

// A page is what the browser shows.
type page struct {
	browser
	at    string
	code  int
	html  string
	links map[string]string // by words
	forms []*form
}

type form struct {
	method, action string
	button         string               // the last of its buttons
	buttons        map[string][2]string // the name and the value of each, by words
	kept           url.Values           // hidden, and what is written there already
	fields         map[string]control
}

// A control is what a label belongs to.
type control struct {
	name    string
	value   string            // of a radio or a checkbox
	options map[string]string // of a select, by words
	kind    string
}

func (b browser) send(method, at, body string) page {
	b.t.Helper()
	return b.sendAs("application/x-www-form-urlencoded", method, at, strings.NewReader(body))
}

func (b browser) sendAs(kind, method, at string, body io.Reader) page {
	b.t.Helper()
	return b.answered(b.request(kind, method, at, body))
}

func (b browser) request(kind, method, at string, body io.Reader) *http.Request {
	r := httptest.NewRequest(method, at, body)
	r.Host = "127.0.0.1:8080"
	if method == http.MethodPost {
		r.Header.Set("Content-Type", kind)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	return r
}

func (b browser) answered(r *http.Request) page {
	b.t.Helper()
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	if w.Code == http.StatusSeeOther {
		return b.send(http.MethodGet, w.Header().Get("Location"), "")
	}
	if strings.HasSuffix(r.URL.Path, "/report") && w.Header().Get("Refresh") != "" { // work that takes longer on a busy machine
		runtime.Gosched()
		return b.send(http.MethodGet, r.URL.RequestURI(), "")
	}
	p := page{browser: b, at: r.URL.RequestURI(), code: w.Code, html: w.Body.String(), links: map[string]string{}}
	if strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") { // and no file
		p.read()
	}
	return p
}

// open shows a page.
func (b browser) open(at string) page {
	b.t.Helper()
	p := b.send(http.MethodGet, at, "")
	require.Equal(b.t, http.StatusOK, p.code, "%s: %s", at, p.html)
	return p
}

// read takes the page's links and forms.
func (p *page) read() {
	d := xml.NewDecoder(strings.NewReader(p.html))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	var f *form
	ids, labels := map[string]control{}, map[string]string{} // by id
	var words strings.Builder
	var href, labelled, option, name string
	var options map[string]string
	var pressed [2]string
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(p.t, err)
		switch x := token.(type) {
		case xml.CharData:
			words.Write(x)
		case xml.StartElement:
			attr := map[string]string{}
			for _, a := range x.Attr {
				attr[a.Name.Local] = a.Value
			}
			switch x.Name.Local {
			case "a", "label", "button", "option", "textarea":
				words.Reset()
			}
			switch x.Name.Local {
			case "a":
				href = attr["href"]
			case "button":
				pressed = [2]string{attr["name"], attr["value"]}
			case "label":
				labelled = attr["for"]
			case "form":
				f = &form{method: attr["method"], action: attr["action"], buttons: map[string][2]string{}, kept: url.Values{}, fields: map[string]control{}}
				ids, labels = map[string]control{}, map[string]string{}
			case "option":
				option = attr["value"]
				if _, chosen := attr["selected"]; chosen {
					f.kept.Set(name, option)
				}
			case "select":
				options, name = map[string]string{}, attr["name"]
				ids[attr["id"]] = control{name: name, options: options, kind: "select"}
			case "textarea":
				name = attr["name"]
				ids[attr["id"]] = control{name: name, kind: "text"}
			case "input":
				switch attr["type"] {
				case "radio", "checkbox":
					ids[attr["id"]] = control{name: attr["name"], value: attr["value"], kind: attr["type"]}
					if _, checked := attr["checked"]; checked {
						f.kept.Add(attr["name"], attr["value"])
					}
				case "file": // see attach
				case "hidden":
					f.kept.Add(attr["name"], attr["value"])
				default:
					ids[attr["id"]] = control{name: attr["name"], kind: "text"}
					f.kept.Add(attr["name"], attr["value"])
				}
			}
		case xml.EndElement:
			said := strings.TrimSpace(words.String())
			switch x.Name.Local {
			case "a":
				p.links[said] = href
			case "label":
				labels[labelled] = strings.TrimSuffix(said, " (optional)")
			case "option":
				options[said] = option
			case "textarea":
				f.kept.Add(name, words.String())
			case "button":
				f.button, f.buttons[said] = said, pressed
			case "form":
				for id, label := range labels {
					f.fields[label] = ids[id]
				}
				p.forms = append(p.forms, f)
			}
		}
	}
}

// follow opens the link of these words.
func (p page) follow(words string) page {
	p.t.Helper()
	at, ok := p.links[words]
	require.True(p.t, ok, "%s has no link %q: %q", p.at, words, slices.Sorted(keys(p.links)))
	return p.open(at)
}

// press presses a button of this name, with what is written beside it by label,
// and gives the page that it leads to.
func (p page) press(button string, written ...string) page {
	p.t.Helper()
	f := p.form(button)
	f.fill(p.t, written...)
	if named := f.buttons[button]; named[0] != "" {
		f.kept.Set(named[0], named[1])
	}
	if f.method == "get" {
		return p.send(http.MethodGet, f.action+"?"+f.kept.Encode(), "")
	}
	return p.send(http.MethodPost, f.action, f.kept.Encode())
}

// attach sends a file with a form.
func (p page) attach(button, name string, content []byte, written ...string) page {
	p.t.Helper()
	f := p.form(button)
	f.fill(p.t, written...)
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for key, values := range f.kept {
		for _, value := range values {
			require.NoError(p.t, w.WriteField(key, value))
		}
	}
	part, err := w.CreateFormFile("file", name)
	require.NoError(p.t, err)
	_, err = part.Write(content)
	require.NoError(p.t, err)
	require.NoError(p.t, w.Close())
	return p.sendAs(w.FormDataContentType(), http.MethodPost, f.action, &body)
}

func (p page) form(button string) *form {
	p.t.Helper()
	i := slices.IndexFunc(p.forms, func(f *form) bool { _, ok := f.buttons[button]; return ok })
	require.GreaterOrEqual(p.t, i, 0, "%s has no button %q: %s", p.at, button, p.html)
	return p.forms[i]
}

// fill writes into fields, label by text.
func (f *form) fill(t *testing.T, written ...string) {
	t.Helper()
	for i := 0; i+1 < len(written); i += 2 {
		c, ok := f.fields[written[i]]
		require.True(t, ok, "no field %q in %q: %q", written[i], f.button, slices.Sorted(keys(f.fields)))
		switch c.kind {
		case "select":
			value, ok := c.options[written[i+1]]
			require.True(t, ok, "%q has no choice %q: %q", written[i], written[i+1], slices.Sorted(keys(c.options)))
			f.kept.Set(c.name, value)
		case "radio":
			f.kept.Set(c.name, c.value)
		case "checkbox":
			f.kept.Add(c.name, c.value)
		default:
			if n := strings.LastIndex(written[i], ", number "); n >= 0 { // one of a ranked list
				rank := int(written[i][len(written[i])-1] - '1')
				f.kept[c.name][rank] = written[i+1]
				continue
			}
			f.kept.Set(c.name, written[i+1])
		}
	}
}

// choices are what a select of this label offers.
func (p page) choices(label string) []string {
	p.t.Helper()
	i := slices.IndexFunc(p.forms, func(f *form) bool { return f.fields[label].kind == "select" })
	require.GreaterOrEqual(p.t, i, 0, "%s has no select %q: %s", p.at, label, p.html)
	return slices.Sorted(keys(p.forms[i].fields[label].options))
}

// recorded holds that the last that was sent was recorded, with these words.
func (p page) recorded(words string) page {
	p.t.Helper()
	_, main, _ := strings.Cut(p.html, "<main")
	require.Equal(p.t, http.StatusOK, p.code, main[:min(len(main), 1500)])
	_, banner, found := strings.Cut(p.html, `class="govuk-notification-banner`)
	require.True(p.t, found, main)
	banner, _, _ = strings.Cut(banner, "</div></div>")
	require.Contains(p.t, banner, words)
	return p
}

func keys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}
