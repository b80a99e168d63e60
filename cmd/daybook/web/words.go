package web

import (
	"cmp"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/daybook-engine/daybook/domain/when"
)

// deadline is when something was due, as people were told.
func deadline(d when.Deadline) string {
	return fmt.Sprintf("%s %s %s", d.Rule, wall(d.Local), d.Zone)
}

// wall is a stored local time as people read it.
func wall(local string) string {
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, local); err == nil {
			return t.Format("Mon 2 Jan 2006, 15:04")
		}
	}
	return local
}

func span(from, to when.Partial) string {
	if to == "" || to == from {
		return from.Words()
	}
	return from.Words() + " to " + to.Words()
}

// inWords turns a code into words: deadline_passed is deadline passed.
func inWords(code string) string {
	return strings.NewReplacer("_", " ", "-", " ").Replace(code)
}

// channelWords is how something reached us; of what did not, the channel's name.
func channelWords(channel string) string { return cmp.Or(channels[channel], channel) }

var channels = map[string]string{"email": "by e-mail", "phone": "by telephone", "paper": "on paper", "import": "in a spreadsheet", "cli": "by command line"}

func listed(codes []string) string {
	words := make([]string, len(codes))
	for i, c := range codes {
		words[i] = inWords(c)
	}
	return strings.Join(words, ", ")
}

func capital(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return ""
	}
	return string(unicode.ToUpper(first)) + s[size:]
}

// short is enough of an id or a digest to recognise it by.
func short(id string) string {
	if len(id) > 8 {
		return id[:8]
	}
	return id
}
