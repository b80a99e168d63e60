package domain

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
)

// PrivateKind tells ordinary personal text from the special categories of
// GDPR article 9.
type PrivateKind string

const (
	Personal PrivateKind = "personal"
	Special  PrivateKind = "special"
)

// Readers names who may ever be shown a text.
type Readers string

const (
	Author    Readers = "author"    // who wrote it
	Pair      Readers = "pair"      // both sides of a match
	Programme Readers = "programme" // those who run the programme
	Public    Readers = "public"    // anybody
)

// Private is personal text. Its words never enter an event: there it is a
// commitment, {"sd": digest, "subjects": […], "kind": …, "readers": …}, also
// when the text is empty; the words and their salt go to the vault, where
// they can be deleted while the event and every proof over it stand.
//
// In a command it is a plain JSON string.
type Private struct {
	Text     string // on the way in only
	Digest   Digest
	Subjects []Person // one or two: whom it is about
	Kind     PrivateKind
	Readers  Readers
}

// About says whom a text concerns and who may read it.
func (p Private) About(kind PrivateKind, readers Readers, subjects ...Person) Private {
	p.Kind, p.Readers, p.Subjects = kind, readers, subjects
	return p
}

// Commit is p with its digest, which is RFC 9901's (SD-JWT, array elements):
// SHA-256 over base64url(JSON [salt, text]), in base64url.
func (p Private) Commit(salt []byte) Private {
	p.Digest = CommitmentDigest(salt, p.Text)
	return p
}

// CommitmentDigest is the digest by which a text and its salt are found in
// the vault and proven to be what was committed.
func CommitmentDigest(salt []byte, text string) Digest {
	pair, err := json.Marshal([2]string{base64.RawURLEncoding.EncodeToString(salt), text})
	if err != nil {
		panic(err) // two strings always marshal
	}
	sum := sha256.Sum256([]byte(base64.RawURLEncoding.EncodeToString(pair)))
	return Digest(base64.RawURLEncoding.EncodeToString(sum[:]))
}

type commitment struct {
	Digest   Digest      `json:"sd"`
	Subjects []Person    `json:"subjects"`
	Kind     PrivateKind `json:"kind"`
	Readers  Readers     `json:"readers"`
}

// MarshalJSON writes the commitment. A text without one is a programming
// error, told rather than stored in the clear or lost.
func (p Private) MarshalJSON() ([]byte, error) {
	if p.Digest == "" || len(p.Subjects) == 0 {
		return nil, fmt.Errorf("private text without a digest or a subject")
	}
	c := commitment{p.Digest, p.Subjects, p.Kind, p.Readers}
	if b, ok := c.write(); ok {
		return b, nil
	}
	return json.Marshal(c)
}

// UnmarshalJSON reads a command's plain text or an event's commitment.
func (p *Private) UnmarshalJSON(b []byte) error {
	if len(b) == 0 || b[0] != '{' {
		*p = Private{}
		return json.Unmarshal(b, &p.Text)
	}
	c, ok := scanCommitment(string(b))
	if !ok {
		if err := json.Unmarshal(b, &c); err != nil {
			return err
		}
	}
	if c.Digest == "" {
		return fmt.Errorf("a private text: expected text, found an object that commits to none")
	}
	*p = Private{Digest: c.Digest, Subjects: c.Subjects, Kind: c.Kind, Readers: c.Readers}
	return nil
}

// A good part of what is stored is commitments. write gives what json.Marshal
// would, and scanCommitment reads that back; both say no to what is the least
// bit different: then encoding/json is asked, which takes many times as long.
func (c commitment) write() (b []byte, ok bool) {
	ok = plain(string(c.Digest)) && plain(string(c.Kind)) && plain(string(c.Readers))
	b = append(append(make([]byte, 0, 224), `{"sd":"`...), c.Digest...)
	for i, p := range c.Subjects {
		ok = ok && plain(string(p))
		b = append(append(b, [...]string{`","subjects":["`, `","`}[min(i, 1)]...), p...)
	}
	b = append(append(b, `"],"kind":"`...), c.Kind...)
	b = append(append(b, `","readers":"`...), c.Readers...)
	return append(b, `"}`...), ok
}

func scanCommitment(text string) (c commitment, ok bool) {
	rest, begins := strings.CutPrefix(text, `{"sd":"`)
	sd, rest, _ := strings.Cut(rest, `","subjects":["`)
	subjects, rest, _ := strings.Cut(rest, `"],"kind":"`)
	kind, rest, _ := strings.Cut(rest, `","readers":"`)
	readers, ends := strings.CutSuffix(rest, `"}`)
	if !begins || !ends || !plain(sd) || !plain(kind) || !plain(readers) {
		return c, false
	}
	people := make([]Person, 0, 2)
	for more := true; more; {
		var p string
		if p, subjects, more = strings.Cut(subjects, `","`); !plain(p) {
			return c, false
		}
		people = append(people, Person(p))
	}
	return commitment{Digest(sd), people, PrivateKind(kind), Readers(readers)}, true
}

// plain tells of text that JSON has as it is.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return false
		}
	}
	return true
}
