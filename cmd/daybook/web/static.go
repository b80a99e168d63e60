package web

import (
	"embed"
	"net/http"
	"path"
)

//go:embed static/*.css static/favicon.svg static/govuk-frontend-LICENSE.txt
var staticFiles embed.FS

func (s *Server) serveStatic(w http.ResponseWriter, r *http.Request) error {
	return serveFile(w, r.PathValue("file"))
}

// serveFavicon answers the address that browsers ask without being told.
func (s *Server) serveFavicon(w http.ResponseWriter, _ *http.Request) error {
	return serveFile(w, "favicon.svg")
}

func serveFile(w http.ResponseWriter, name string) error {
	b, err := staticFiles.ReadFile("static/" + name)
	if err != nil {
		return errNoPage
	}
	// Named here, because what a system's own table says differs.
	types := map[string]string{".css": "text/css", ".svg": "image/svg+xml", ".txt": "text/plain"}
	w.Header().Set("Content-Type", types[path.Ext(name)]+"; charset=utf-8")
	_, _ = w.Write(b) // fails when the reader has gone
	return nil
}
