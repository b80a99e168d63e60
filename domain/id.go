package domain

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
)

// namespace is Daybook's own, chosen at random, once and for ever.
var namespace = [16]byte{0x6b, 0x1d, 0x0a, 0x53, 0x7c, 0x4e, 0x4f, 0x0b, 0x9e, 0x35, 0x2a, 0xd8, 0x41, 0xc6, 0xf7, 0x92}

// UUID5 is RFC 9562's name-based UUID, version 5: the same names always give
// the same id. The parts are joined by a byte that none of them may hold.
func UUID5(parts ...string) string {
	h := sha1.New() // what version 5 prescribes; nothing secret rests on it
	h.Write(namespace[:])
	h.Write([]byte(strings.Join(parts, "\x00")))
	u := h.Sum(nil)[:16]
	u[6] = u[6]&0x0f | 0x50
	u[8] = u[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// IsUUID tells a UUID's text from a handle.
func IsUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, c := range []byte(s) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		hex := c >= '0' && c <= '9' || c >= 'a' && c <= 'f'
		if dash != (c == '-') || !dash && !hex {
			return false
		}
	}
	return true
}

// ErrSlug is the answer to an id that people chose badly.
var ErrSlug = Wrong("id_malformed", "an id is lower-case letters, digits and single dashes, as in nemo-2023-autumn")

// CheckSlug tells whether s may name a programme, a cycle, a call, a match.
func CheckSlug(what, s string) error {
	if s == "" {
		return ErrSlug.Because(what + " is missing")
	}
	last := byte('-')
	for _, c := range []byte(s) {
		ok := c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' && last != '-'
		if !ok {
			return ErrSlug.Because(fmt.Sprintf("%s %q", what, s))
		}
		last = c
	}
	if last == '-' || len(s) > 64 {
		return ErrSlug.Because(fmt.Sprintf("%s %q", what, s))
	}
	return nil
}

// ErrCode is the answer to words where a code is wanted: what is not sealed
// stays for ever, so it must be nothing that anybody says about somebody.
var ErrCode = Wrong("code_malformed", "expected a code of lower-case letters, digits, - and _, as in power_cut; words about people go into a note")

// CheckCode tells whether s, which may be empty, is a code.
func CheckCode(what, s string) error {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' || len(s) > 64 {
			return ErrCode.Because(fmt.Sprintf("%s %q", what, s))
		}
	}
	return nil
}

// ErrDigest is the answer to a document's digest that is none.
var ErrDigest = Wrong("digest_malformed", "expected a SHA-256 digest, 43 characters of base64url")

// CheckDigest tells whether d, which may be empty, is a digest.
func CheckDigest(what string, d Digest) error {
	if b, err := base64.RawURLEncoding.Strict().DecodeString(string(d)); err != nil || len(b) != sha256.Size && len(b) != 0 {
		return ErrDigest.Because(fmt.Sprintf("%s %q", what, d))
	}
	return nil
}
