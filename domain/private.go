package domain

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
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
	return json.Marshal(commitment{p.Digest, p.Subjects, p.Kind, p.Readers})
}

// UnmarshalJSON reads a command's plain text or an event's commitment.
func (p *Private) UnmarshalJSON(b []byte) error {
	if len(b) == 0 || b[0] != '{' {
		*p = Private{}
		return json.Unmarshal(b, &p.Text)
	}
	var c commitment
	if err := json.Unmarshal(b, &c); err != nil {
		return err
	}
	if c.Digest == "" {
		return fmt.Errorf("a private text: expected text, found an object that commits to none")
	}
	*p = Private{Digest: c.Digest, Subjects: c.Subjects, Kind: c.Kind, Readers: c.Readers}
	return nil
}
