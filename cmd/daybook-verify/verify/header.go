package verify

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

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
	again, err := json.Marshal(h)
	if err == nil {
		_, err = time.Parse(time.DateOnly, h.Day) // it is printed, and could be anything
	}
	if err != nil || !bytes.Equal(again, line) || h.V != 1 {
		return h, fmt.Errorf("header %q is not written as headers are", line)
	}
	return h, nil
}

// A fact is an event whose body was disclosed.
type fact struct {
	id, name, book, stream, occurred string
	body                             map[string]json.RawMessage
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
	var parts []json.RawMessage
	if err := json.Unmarshal(source, &parts); err != nil {
		return f, err
	}
	if err := unambiguous(source); err != nil {
		return f, err
	}
	if len(parts) != 2 || base64.RawURLEncoding.EncodeToString(source) != string(line) {
		return f, errors.New("its body is not written as FORMAT.md says")
	}
	var event, meta, data map[string]json.RawMessage // by their exact names
	if err := json.Unmarshal(parts[1], &event); err != nil {
		return f, err
	}
	if err := errors.Join(json.Unmarshal(event["meta"], &meta), json.Unmarshal(event["data"], &data)); err != nil {
		return f, err
	}
	var recorded time.Time
	if err := json.Unmarshal(meta["recorded_at"], &recorded); err != nil {
		return f, fmt.Errorf("recorded_at: %w", err)
	}
	if text(meta["id"]) != h.ID || text(meta["name"]) != h.Name || text(meta["book"]) != h.Book || recorded.UTC().Format(time.DateOnly) != h.Day {
		return f, errors.New("its body is that of another event")
	}
	return fact{h.ID, h.Name, h.Book, text(event["stream"]), text(meta["occurred_at"]), data}, nil
}

// unambiguous refuses JSON with a name that stands twice in one object, also
// in another case: of the two, one reader takes the one and the next the other.
// It must be JSON, which is not nested beyond measure.
func unambiguous(source []byte) error {
	if !utf8.Valid(source) {
		return errors.New("it is no text")
	}
	tokens := json.NewDecoder(bytes.NewReader(source))
	var value func() error
	value = func() error {
		open, err := tokens.Token()
		if _, nested := open.(json.Delim); err != nil || !nested {
			return err
		}
		names := map[string]bool{}
		for tokens.More() {
			if open == json.Delim('{') {
				name, err := tokens.Token()
				if err != nil {
					return err
				}
				folded := strings.ToLower(strings.ToUpper(name.(string)))
				if names[folded] {
					return fmt.Errorf("it has %q twice", name)
				}
				names[folded] = true
			}
			if err := value(); err != nil {
				return err
			}
		}
		_, err = tokens.Token() // which closes it
		return err
	}
	return value()
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
