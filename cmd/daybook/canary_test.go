package main_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"index/suffixarray"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/measure"
	"github.com/daybook-engine/daybook/domain/schema"
)

// What people wrote is nowhere but in the vault, sealed: not in the log, not
// in a read model, not in a journal, and in no encoding; nor does it come out
// of what tells events and figures. Every private text of the season is a
// canary, and a small rehearsal has canaries in the private fields that the
// season does without.
func TestNoPrivateTextLeavesTheVault(t *testing.T) {
	t.Parallel()
	dir := seasonCopy(t)
	canaries := privateTexts(t, "rehearsals/nemo-2023-autumn.yaml", "rehearsals/nemo-2023-spring.yaml")
	require.Greater(t, len(canaries), 300)
	seen := privateFields(t, dir)
	requireNoCanary(t, dir, canaries, autumn)

	dir = filepath.Join(t.TempDir(), "canaries")
	daybook(t, dir, "rehearse", "testdata/canaries.yaml")
	canaries = privateTexts(t, "testdata/canaries.yaml")
	for way, more := range map[string]string{"retry": "", "skip": "", "repair": `,"command":"mentor.free","with":{"mentor":"gimpelsang","cycle":"canaries","match":"m1"}`} {
		at, err := parkedAt(t.Context(), dir, "free-the-mentor-declined", "match.declined")
		require.NoError(t, err)
		note := "The " + way + " of a nightingale."
		daybook(t, dir, "do", "policy."+way, "--by", "coordinator/finkenschlag", "--reason", "tested", "--with", "{"+at+more+`,"note":"`+note+`"}`)
		canaries = append(canaries, note)
	}
	for field := range privateFields(t, dir) {
		seen[field] = true
	}
	requireNoCanary(t, dir, append(canaries, "finkenschlag", "zeisigwald", "gimpelsang"), "canaries")

	for _, name := range schema.Names() {
		event, err := schema.Decode(name, []byte("{}"))
		require.NoError(t, err)
		for _, field := range privateIn(reflect.TypeOf(event), "") {
			if name == "message.claimed" {
				continue // nothing rehearsed is ever sent: TestMailLeavesByFiles looks for its words
			}
			require.True(t, seen[name+field], "no canary in %s%s", name, field)
		}
	}
}

// A canary that is there is found, in any of its disguises.
func TestCanariesAreFound(t *testing.T) {
	t.Parallel()
	const canary = "Kanarienvögel & Söhne"
	for name, disguised := range disguises(canary) {
		for shift := range 3 {
			hay := append(bytes.Repeat([]byte("x"), shift), disguised...)
			require.Equal(t, canary, findCanary(hay, []string{"absent", canary}), name)
		}
	}
	for shift := range 3 {
		text := []byte(strings.Repeat("y", shift) + canary + "zzzz")
		require.Equal(t, canary, findCanary([]byte(base64.StdEncoding.EncodeToString(text)), []string{canary}))
		require.Equal(t, canary, findCanary([]byte(base64.RawURLEncoding.EncodeToString(text)), []string{canary}))
	}
	require.Empty(t, findCanary([]byte("nothing of the kind"), []string{canary}))
}

func requireNoCanary(t *testing.T, dir string, canaries []string, cycle string) {
	requireNoCanaryIn(t, dir, canaries)

	told := daybook(t, dir, "events", "--json") + daybook(t, dir, "events")
	for _, flags := range [][]string{nil, {"--json"}, {"--clock", "occurred", "--at", "2023-10-31"}} {
		told += daybook(t, dir, append([]string{"figures", "--cycle", cycle}, flags...)...)
	}
	for _, m := range measure.All[:5] {
		told += daybook(t, dir, "explain", m.Measure, "--cycle", cycle, "--json")
	}
	require.Empty(t, findCanary([]byte(told), canaries))
}

// requireNoCanaryIn looks into every file of a directory.
func requireNoCanaryIn(t *testing.T, dir string, canaries []string) {
	files := 0
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) { // a server's files come and go
			return nil
		}
		files++
		require.Empty(t, findCanary(b, canaries), path)
		return err
	}))
	require.GreaterOrEqual(t, files, 5)
}

// findCanary gives the first of the canaries that stands in b, in whatever
// encoding.
func findCanary(b []byte, canaries []string) string {
	index := suffixarray.New(b)
	for _, canary := range canaries {
		for _, disguised := range disguises(canary) {
			if len(index.Lookup(disguised, 1)) > 0 {
				return canary
			}
		}
	}
	return ""
}

// disguises are the forms in which a text may lie in a file. In base64 it has
// one for each place it may begin at within three bytes, without the digits
// that it shares with its neighbours.
func disguises(text string) map[string][]byte {
	var wide []byte
	for _, u := range utf16.Encode([]rune(text)) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	quoted, _ := json.Marshal(text) // a string always marshals
	d := map[string][]byte{
		"utf-8": []byte(text), "utf-16": wide, "json": quoted[1 : len(quoted)-1],
		"hex": []byte(hex.EncodeToString([]byte(text))), "HEX": []byte(strings.ToUpper(hex.EncodeToString([]byte(text)))),
	}
	for shift := range 3 {
		padded := append(make([]byte, shift), text...)
		padded = padded[:len(padded)/3*3]
		first := []int{0, 2, 3}[shift]
		d["base64 "+string(rune('0'+shift))] = []byte(base64.StdEncoding.EncodeToString(padded)[first:])
		d["base64url "+string(rune('0'+shift))] = []byte(base64.URLEncoding.EncodeToString(padded)[first:])
	}
	return d
}

// privateTexts are the private texts in the steps of rehearsals, and the last
// names of those registered. Handles are not: that p01 stands somewhere says
// nothing.
func privateTexts(t *testing.T, files ...string) (texts []string) {
	private := map[string]bool{"note": true, "rationale": true, "justification": true, "email": true}
	var walk func(field string, v any)
	walk = func(field string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, x := range v {
				if private[field] {
					k = field
				}
				walk(k, x)
			}
		case []any:
			for _, x := range v {
				walk(field, x)
			}
		case string:
			if private[field] && v != "" {
				texts = append(texts, v)
			}
		}
	}
	for _, name := range files {
		source, err := os.ReadFile(name)
		require.NoError(t, err)
		var file struct {
			Steps []struct {
				Do   string         `yaml:"do"`
				With map[string]any `yaml:"with"`
			} `yaml:"steps"`
		}
		require.NoError(t, yaml.Unmarshal(source, &file))
		for _, s := range file.Steps {
			private["answers"] = s.Do == "application.submit"
			private["text"] = s.Do == "reflection.file"
			private["name"] = s.Do == "person.register" || s.Do == "name.set"
			walk("", s.With)
			if name, ok := s.With["name"].(string); ok && private["name"] {
				words := strings.Fields(name)
				texts = append(texts, words[len(words)-1])
			}
		}
	}
	return texts
}

// privateFields are the fields of a directory's events that commit to a
// private text.
func privateFields(t *testing.T, dir string) map[string]bool {
	seen := map[string]bool{}
	lines, _ := logOf(t, dir)
	for _, l := range lines {
		var walk func(path string, v any)
		walk = func(path string, v any) {
			switch v := v.(type) {
			case map[string]any:
				if _, ok := v["sd"]; ok {
					seen[l.Name+path] = true
					return
				}
				for k, x := range v {
					walk(path+"."+k, x)
				}
			case []any:
				for _, x := range v {
					walk(path, x)
				}
			}
		}
		walk("", l.Data)
	}
	return seen
}

// privateIn lists the private fields of an event's form.
func privateIn(form reflect.Type, path string) (fields []string) {
	switch {
	case form == reflect.TypeFor[domain.Private]():
		return []string{path}
	case form.Kind() == reflect.Slice:
		return privateIn(form.Elem(), path)
	case form.Kind() == reflect.Struct:
		for f := range form.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			switch {
			case f.Anonymous && name == "":
				fields = append(fields, privateIn(f.Type, path)...)
			case f.IsExported() && name != "-":
				fields = append(fields, privateIn(f.Type, path+"."+name)...)
			}
		}
	}
	return fields
}

// Nor does what stood in a spreadsheet: not a name, an address or an answer, nor
// anything by which a guess at one could be tested.
func TestNoWordOfASpreadsheetLeavesTheVault(t *testing.T) {
	t.Parallel()
	dir := seasonCopy(t)
	file := filepath.Join(t.TempDir(), "forms.csv")
	canaries := []string{"Kanari Kleiber", "kleiber@kanari.example", "kanari-kleiber", "The motive of a nuthatch."}
	require.NoError(t, os.WriteFile(file, []byte("Name;E-Mail;Eingang;Weg;motives;strengths;priorities\n"+
		"Kanari Kleiber;kleiber@kanari.example;14.07.2023 09:30;staff;The motive of a nuthatch.;I climb;\"one\ntwo\nthree\"\n"), 0o600))
	told := daybook(t, dir, "import", "applications", file, "--cycle", autumn, "--by", "coordinator/c1")
	require.Contains(t, told, "application.received")
	requireNoCanaryIn(t, dir, canaries)
	told += daybook(t, dir, "events", "--json")
	require.Empty(t, findCanary([]byte(told), canaries))
	for _, guess := range canaries { // an id made of a guess alone would let anybody test it
		require.NotContains(t, told, domain.UUID5("person", guess))
		require.NotContains(t, told, domain.UUID5("import", "person.register", guess))
	}
}
