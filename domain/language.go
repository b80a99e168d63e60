package domain

import (
	"fmt"
	"strings"
)

// ErrLanguage is the answer to a language that is no tag.
var ErrLanguage = Wrong("language_malformed", "a language is a tag such as en, de or pt-BR")

// CheckLanguage tells whether tag, which may be empty, names a language as
// BCP 47 writes it: the language, and a script or a region where that matters.
func CheckLanguage(tag string) error {
	if tag == "" {
		return nil
	}
	parts := strings.Split(tag, "-")
	ok := (len(parts[0]) == 2 || len(parts[0]) == 3) && only(parts[0], 'a', 'z')
	rest := parts[1:]
	if len(rest) > 0 && len(rest[0]) == 4 {
		ok = ok && only(rest[0][:1], 'A', 'Z') && only(rest[0][1:], 'a', 'z')
		rest = rest[1:]
	}
	if len(rest) > 0 {
		ok = ok && (len(rest[0]) == 2 && only(rest[0], 'A', 'Z') || len(rest[0]) == 3 && only(rest[0], '0', '9'))
		rest = rest[1:]
	}
	if !ok || len(rest) > 0 {
		return ErrLanguage.Because(fmt.Sprintf("%q", tag))
	}
	return nil
}

func only(s string, from, to rune) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < from || r > to }) < 0
}
