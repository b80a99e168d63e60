package verify

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
)

// ErrUnreadable says that something is no pack at all.
var ErrUnreadable = errors.New("not a pack")

const (
	maxFiles = 64
	maxBytes = 256 << 20 // unpacked
	maxRatio = 100
)

// Names are a pack's files, in order. since.txt may be left out.
var Names = []string{"README.txt", "claims.json", "headers.jsonl", "bodies.jsonl", "ledger.jsonl", "checkpoint", "since.txt", "manifest.json"}

// A File is one in a pack.
type File struct {
	Name string
	Body []byte
}

// Manifest is manifest.json: the length and SHA-256 of every other file.
func Manifest(files []File) []byte {
	type entry struct {
		Bytes  int    `json:"bytes"`
		Name   string `json:"name"`
		SHA256 string `json:"sha256"`
	}
	list := make([]entry, len(files))
	for i, f := range files {
		list[i] = entry{len(f.Body), f.Name, fmt.Sprintf("%x", sha256.Sum256(f.Body))}
	}
	b, err := json.MarshalIndent(list, "", " ")
	if err != nil {
		panic(err) // plain data always marshals
	}
	return append(b, '\n')
}

// unzip reads a pack's files, of which there are exactly those that its
// manifest says, in order.
func unzip(pack []byte) (map[string][]byte, error) {
	r, err := zip.NewReader(bytes.NewReader(pack), int64(len(pack)))
	if err == nil && !bytes.HasPrefix(pack, []byte("PK\x03\x04")) {
		err = zip.ErrFormat // something before it, which other programs might show
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	if len(r.File) > maxFiles {
		return nil, fmt.Errorf("%d files in one pack", len(r.File))
	}
	var list []File
	seen, files := map[string]bool{}, map[string][]byte{}
	left := min(int64(maxBytes), maxRatio*int64(len(pack)))
	for _, f := range r.File {
		switch {
		case !filepath.IsLocal(f.Name) || strings.ContainsAny(f.Name, "\\:") || !f.Mode().IsRegular():
			return nil, fmt.Errorf("%q is not a plain file of the pack", f.Name)
		case seen[strings.ToLower(f.Name)]:
			return nil, fmt.Errorf("%q is there twice", f.Name)
		case !slices.Contains(Names, f.Name):
			return nil, fmt.Errorf("%q does not belong in a pack", f.Name)
		}
		seen[strings.ToLower(f.Name)] = true
		body, err := f.Open()
		if err != nil {
			return nil, fmt.Errorf("%s is damaged: %w", f.Name, err)
		}
		b, err := io.ReadAll(io.LimitReader(body, left+1))
		if err = errors.Join(err, body.Close()); err != nil {
			return nil, fmt.Errorf("%s is damaged: %w", f.Name, err)
		}
		if left -= int64(len(b)); left < 0 {
			return nil, errors.New("it unpacks to more than a pack can be")
		}
		list, files[f.Name] = append(list, File{f.Name, b}), b
	}
	expected := slices.DeleteFunc(slices.Clone(Names), func(name string) bool { return name == "since.txt" && files[name] == nil })
	if is := slices.Collect(func(yield func(string) bool) {
		for _, f := range list {
			yield(f.Name)
		}
	}); !slices.Equal(is, expected) {
		return nil, fmt.Errorf("it holds %q, expected %q", is, expected)
	}
	last := len(list) - 1
	for i, f := range list[:last] { // alone first, so that it can be named
		one := bytes.TrimSuffix(bytes.TrimPrefix(Manifest(list[i:i+1]), []byte("[\n")), []byte("\n]\n"))
		if !bytes.Contains(list[last].Body, one) {
			return nil, fmt.Errorf("%s is not the file that manifest.json lists", f.Name)
		}
	}
	if !bytes.Equal(list[last].Body, Manifest(list[:last])) {
		return nil, errors.New("manifest.json is not written as FORMAT.md says")
	}
	return files, nil
}
