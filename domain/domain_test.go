package domain_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain"
)

func TestAnAnswerIsToldApartByItsCodeAndItsKind(t *testing.T) {
	t.Parallel()
	full := domain.Refuse("quota_full", "no place is left")
	why := full.Because("5 of 5 are taken")
	require.EqualError(t, why, "no place is left (5 of 5 are taken)")
	require.EqualError(t, full, "no place is left", "the refusal itself is unchanged")
	require.ErrorIs(t, why, full)
	require.ErrorIs(t, why, domain.Refused)
	require.NotErrorIs(t, why, domain.Refuse("order", "no place is left"))
	require.NotErrorIs(t, why, errors.New("no place is left"))
	for kind, err := range map[domain.Kind]error{
		domain.Refused: full, domain.Invalid: domain.Wrong("a", "b"), domain.Denied: domain.Deny("a", "b"), domain.NotFound: domain.Missing("a", "b"),
	} {
		require.ErrorIs(t, err, kind)
		require.NotEmpty(t, kind.Error())
	}
}

func TestADerivedIDIsAlwaysTheSame(t *testing.T) {
	t.Parallel()
	id := domain.UUID5("application", "call-autumn.mentees", "ana")
	// python3 -c 'import uuid; print(uuid.uuid5(uuid.UUID("6b1d0a53-7c4e-4f0b-9e35-2ad841c6f792"), "application\0call-autumn.mentees\0ana"))'
	require.Equal(t, "9cdc26ce-ddc2-5048-b881-55b59da9d242", id, "stored: it never changes")
	require.True(t, domain.IsUUID(id))
	require.Equal(t, byte('5'), id[14])
	require.Contains(t, "89ab", string(id[19]))
	require.NotEqual(t, domain.UUID5("a", "bc"), domain.UUID5("ab", "c"))
	for _, not := range []string{"", "ana-m", strings.ToUpper(id), id + "0", strings.Replace(id, "-", "0", 1), "g" + id[1:]} {
		require.False(t, domain.IsUUID(not), not)
	}
}

func TestAnIDThatPeopleChooseIsASlug(t *testing.T) {
	t.Parallel()
	for slug, ok := range map[string]bool{
		"nemo-2023-autumn": true, "1": true, strings.Repeat("a", 64): true, strings.Repeat("a", 65): false, "": false, "Nemo": false,
		"nemo 121": false, "nemo.121": false, "-nemo": false, "nemo-": false, "nemo--121": false, "mañana": false, "a\x00b": false,
	} {
		err := domain.CheckSlug("cycle", slug)
		require.Equal(t, ok, err == nil, "%q: %v", slug, err)
		require.True(t, ok || errors.Is(err, domain.ErrSlug))
	}
}

func TestALanguageIsATag(t *testing.T) {
	t.Parallel()
	for tag, ok := range map[string]bool{
		"": true, "en": true, "gsw": true, "pt-BR": true, "es-419": true, "sr-Latn": true, "zh-Hant-TW": true,
		"English": false, "EN": false, "e": false, "en_GB": false, "en-gb": false, "en-": false, "sr-latn": false, "en-GB-x": false, "pt-BR-Latn": false,
	} {
		err := domain.CheckLanguage(tag)
		require.Equal(t, ok, err == nil, "%q: %v", tag, err)
		require.True(t, ok || errors.Is(err, domain.ErrLanguage))
	}
}

func TestAClockActsWhenSomethingIsDueAndSaysWhetherItWasLate(t *testing.T) {
	t.Parallel()
	due := time.Date(2023, 7, 30, 22, 0, 0, 0, time.UTC)
	_, err := domain.Fire("call.close", due, due.Add(-1), "", "")
	require.ErrorIs(t, err, domain.ErrNotDue)
	_, err = domain.Fire("call.close", time.Time{}, due, "", "")
	require.ErrorIs(t, err, domain.ErrNotDue)
	for _, now := range []time.Time{due, due.Add(time.Hour)} {
		timer, err := domain.Fire("call.close", due, now, "berlin@2023", "2023c")
		require.NoError(t, err)
		require.Equal(t, domain.Timer{Rule: "call.close", Due: due, Fired: now, Calendar: "berlin@2023", Tzdata: "2023c"}, timer)
	}
}

func TestPrivateTextIsStoredAsACommitment(t *testing.T) {
	t.Parallel()
	var p domain.Private
	require.NoError(t, json.Unmarshal([]byte(`"a power cut"`), &p), "a command has the plain text")
	require.Equal(t, domain.Private{Text: "a power cut"}, p)

	p = p.About(domain.Special, domain.Pair, "ana", "mia").Commit([]byte("salt"))
	body, err := json.Marshal(p)
	require.NoError(t, err)
	// printf '["c2FsdA","a power cut"]' | basenc -w0 --base64url | tr -d = | openssl sha256 -binary | basenc --base64url
	require.Equal(t, `{"sd":"GJLSTp1h04Gl2BwlG2laRH3CVm6hg6iEvRFRCqmO1Ac","subjects":["ana","mia"],"kind":"special","readers":"pair"}`, string(body))

	var back domain.Private
	require.NoError(t, json.Unmarshal(body, &back))
	require.Equal(t, domain.Private{Digest: p.Digest, Subjects: p.Subjects, Kind: p.Kind, Readers: p.Readers}, back)
	require.NotEqual(t, p.Digest, p.Commit([]byte("pepper")).Digest)
	require.NotEmpty(t, domain.Private{}.Commit([]byte("salt")).Digest, "an empty text is committed, too")

	for name, bad := range map[string]domain.Private{
		"without a digest": {Text: "a power cut", Subjects: []domain.Person{"ana"}},
		"without a person": domain.Private{Text: "a power cut"}.Commit(nil),
	} {
		_, err := json.Marshal(struct{ Note domain.Private }{bad})
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), "power", "and not told in an error either")
	}
	for _, lost := range []string{`7`, `{}`, `{"text":"a power cut"}`, `["a power cut"]`} {
		require.Error(t, json.Unmarshal([]byte(lost), &back), lost)
	}
}

// A commitment is read and written in a quick way, or by encoding/json: either
// way it is the same.
func FuzzCommitment(f *testing.F) {
	for _, text := range []string{
		`{"sd":"d","subjects":["ana","mia"],"kind":"personal","readers":"programme"}`, `{"sd":"d","subjects":["ana"],"kind":"","readers":""}`,
		`{"sd":"","subjects":["ana"],"kind":"personal","readers":"pair"}`, `{"sd":"d","subjects":[""],"kind":"k","readers":"r"}`, `{"sd":"d","subjects":[],"kind":"k","readers":"r"}`,
		`{"sd":"d","subjects":["a","kind":"k","readers":"r"}`, `{"sd":"d","subjects":["a",""],"kind":"k","readers":"r"}`, `{"sd":"d","subjects":["a","b"],"kind":"k","readers":"r"}}`,
		`{"sd":"\u0064","subjects":["a"],"kind":"k","readers":"r"}`, `{"sd":"<é>","subjects":["a&b"],"kind":"k","readers":"r"}`, `{"sd":"d","subjects":["a"],"readers":"r","kind":"k"}`,
		`{"sd":"d","sd":"e","subjects":["a"],"kind":"k","readers":"r"}`, `{"sd":"d","subjects":["a"],"kind":"k","readers":"r","more":1}`, `{ "sd":"d"}`, `{"SD":"d"}`, `{"sd":"d","subjects":null}`, `{"sd":"d`, `{`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var want struct {
			Digest   domain.Digest      `json:"sd"`
			Subjects []domain.Person    `json:"subjects"`
			Kind     domain.PrivateKind `json:"kind"`
			Readers  domain.Readers     `json:"readers"`
		}
		if !strings.HasPrefix(text, "{") {
			return // a command's text
		}
		errWant := json.Unmarshal([]byte(text), &want)
		var got domain.Private
		err := got.UnmarshalJSON([]byte(text))
		require.Equal(t, errWant == nil && want.Digest != "", err == nil, "%v, %v", errWant, err)
		if err != nil {
			return
		}
		require.Equal(t, domain.Private{Digest: want.Digest, Subjects: want.Subjects, Kind: want.Kind, Readers: want.Readers}, got)
		if len(got.Subjects) > 0 {
			written, err := got.MarshalJSON()
			require.NoError(t, err)
			marshalled, err := json.Marshal(want)
			require.NoError(t, err)
			require.Equal(t, string(marshalled), string(written))
		}
	})
}
