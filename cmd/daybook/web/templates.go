package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

//go:embed templates
var templateFiles embed.FS

// pages are the templates by page name: one set for each, so that their
// blocks do not collide.
type pages map[string]*template.Template

// parse reads the templates; by is who acts, as every form that acts says.
func parse(by string) (pages, error) {
	files, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	p := make(pages, len(files))
	for _, file := range files {
		name := strings.TrimSuffix(path.Base(file), ".html")
		if name == "layout" || name == "parts" {
			continue
		}
		t, err := template.New("layout.html").Funcs(template.FuncMap{"by": func() string { return by }}).ParseFS(templateFiles, "templates/layout.html", "templates/parts.html", file)
		if err != nil {
			return nil, fmt.Errorf("template %s: %w", name, err)
		}
		p[name] = t
	}
	return p, nil
}

// render writes a page whole, or nothing.
func (s *Server) render(w http.ResponseWriter, status int, name string, page any) error {
	var b bytes.Buffer
	if err := s.pages[name].Execute(&b, page); err != nil {
		return fmt.Errorf("render %s: %w", name, err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = b.WriteTo(w) // fails when the reader has gone: there is nobody to tell
	return nil
}
