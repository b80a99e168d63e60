package schema

import (
	"github.com/go-json-experiment/json"
	jsonv1 "github.com/go-json-experiment/json/v1"

	"github.com/daybook-engine/daybook/domain"
)

// What is stored is JSON as encoding/json writes it. It is read and written by
// what is to become encoding/json/v2, told to do as the first version does:
// the same bytes and the same values, in less than half of the time.
var asVersion1 = jsonv1.DefaultOptionsV1()

// Marshal is json.Marshal.
func Marshal(v any) ([]byte, error) { return json.Marshal(v, asVersion1) }

// Unmarshal is json.Unmarshal.
func Unmarshal(text []byte, v any) error { return json.Unmarshal(text, v, asVersion1) }

// UnmarshalStrict is Unmarshal that takes no field which v hasn't.
func UnmarshalStrict(text []byte, v any) error {
	return json.Unmarshal(text, v, asVersion1, json.RejectUnknownMembers(true))
}

// Quote appends s as JSON.
func Quote(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			text, err := Marshal(s)
			if err != nil {
				panic(err) // a string always marshals
			}
			return append(b, text...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

var withoutTexts = json.WithMarshalers(json.MarshalFunc(func(domain.Private) ([]byte, error) { return []byte("null"), nil }))

// Asked is what a command says, the same bytes whenever it says the same.
// Private texts are left out: what is made of the bytes must not let anybody
// test a guess. So are fields that say nothing, now or before they were there.
func Asked(command any) ([]byte, error) {
	return json.Marshal(command, asVersion1, json.OmitZeroStructFields(true), withoutTexts)
}
