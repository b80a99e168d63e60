package verify

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// A header is a leaf of a book. It is one line, without spaces, with its
// fields in this order and nothing in its strings that JSON would escape.
type header struct {
	Book   string `json:"book"`
	Day    string `json:"day"`
	Digest string `json:"digest"`
	ID     string `json:"id"`
	N      int64  `json:"n"`
	Name   string `json:"name"`
	V      int    `json:"v"`
}

func readHeader(line []byte) (h header, err error) {
	if err := json.Unmarshal(line, &h); err != nil {
		return h, fmt.Errorf("header %q: %w", line, err)
	}
	if again, err := json.Marshal(h); err != nil || !bytes.Equal(again, line) || h.V != 1 {
		return h, fmt.Errorf("header %q is not written as headers are", line)
	}
	return h, nil
}

// A fact is an event whose body was disclosed.
type fact struct {
	id, name, book, stream string
	body                   map[string]json.RawMessage
}

// disclosed checks a body against its header, and reads it.
func disclosed(h header, line []byte) (f fact, err error) {
	if len(line) < 2 || line[0] != '"' || line[len(line)-1] != '"' {
		return f, errors.New("its body is not a string")
	}
	line = line[1 : len(line)-1]
	sum := sha256.Sum256(line)
	if base64.RawURLEncoding.EncodeToString(sum[:]) != h.Digest {
		return f, errors.New("its body is missing, or is not what was recorded")
	}
	source, err := base64.RawURLEncoding.DecodeString(string(line))
	if err != nil {
		return f, err
	}
	var meta struct {
		ID         string    `json:"id"`
		Name       string    `json:"name"`
		Book       string    `json:"book"`
		RecordedAt time.Time `json:"recorded_at"`
	}
	var stored struct {
		Meta   json.RawMessage            `json:"meta"`
		Data   map[string]json.RawMessage `json:"data"`
		Stream string                     `json:"stream"`
	}
	var salt string
	if err := json.Unmarshal(source, &[2]any{&salt, &stored}); err != nil {
		return f, err
	}
	if err := json.Unmarshal(stored.Meta, &meta); err != nil {
		return f, err
	}
	if meta.ID != h.ID || meta.Name != h.Name || meta.Book != h.Book || meta.RecordedAt.UTC().Format(time.DateOnly) != h.Day {
		return f, errors.New("its body is that of another event")
	}
	return fact{h.ID, h.Name, h.Book, stored.Stream, stored.Data}, nil
}

// split gives lines, each of which ends.
func split(b []byte) ([][]byte, error) {
	if len(b) == 0 || b[len(b)-1] != '\n' {
		return nil, errors.New("it has no last line")
	}
	return bytes.Split(b[:len(b)-1], []byte("\n")), nil
}

// atoi is -1 for what is no number.
func atoi(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// A tree is an RFC 6962 Merkle tree, whole.
type tree struct {
	hashes []tlog.Hash
	n      int64
}

func grow(lines [][]byte) (*tree, error) {
	t := &tree{}
	for _, line := range lines {
		hashes, err := tlog.StoredHashes(t.n, line, t)
		if err != nil {
			return nil, err
		}
		t.hashes = append(t.hashes, hashes...)
		t.n++
	}
	return t, nil
}

func (t *tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	list := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		list[i] = t.hashes[index]
	}
	return list, nil
}

// root is that of the first size leaves, which are there.
func (t *tree) root(size int64) tlog.Hash {
	h, err := tlog.TreeHash(size, t)
	if err != nil {
		panic(err) // ReadHashes gives none
	}
	return h
}

// ProveSince is since.txt: that a ledger of these lines extends its first
// size.
func ProveSince(ledger []byte, size int64) ([]byte, error) {
	lines, err := split(ledger)
	if err != nil {
		return nil, err
	}
	t, err := grow(lines)
	if err != nil {
		return nil, err
	}
	if size < 1 || size > t.n {
		return nil, fmt.Errorf("a ledger of %d statements does not extend one of %d", t.n, size)
	}
	proof, err := tlog.ProveTree(t.n, size, t)
	b := fmt.Appendln(nil, size)
	for _, h := range proof {
		b = fmt.Appendln(b, h)
	}
	return b, err
}
