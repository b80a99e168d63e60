package schema_test

import (
	"encoding/json"
	"errors"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/domain/review"
	"github.com/daybook-engine/daybook/domain/schema"
)

var update = flag.Bool("update", false, "add the golden files that are missing")

const (
	ana domain.Person = "0b9a2a52-7d0c-4a25-8f0f-3f1d8b6a5c11"
	mia domain.Person = "7c1d2f3e-4b5a-4968-9786-a5b4c3d2e1f0"
)

// What has been stored once can be read for ever, and says the same: an event
// of each name as it was stored when the name was new. A golden file is never
// changed; -update only adds.
func TestEveryNameEverStoredCanStillBeRead(t *testing.T) {
	t.Parallel()
	for _, name := range schema.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join("testdata", name+".json")
			if _, err := os.Stat(path); *update && errors.Is(err, os.ErrNotExist) {
				event := reflect.New(form(t, name)).Elem()
				fill(event, "")
				_, body, err := schema.Encode(event.Interface())
				require.NoError(t, err)
				require.NoError(t, os.MkdirAll("testdata", 0o755))
				require.NoError(t, os.WriteFile(path, append(body, '\n'), 0o644))
			}
			golden, err := os.ReadFile(path)
			require.NoError(t, err, "every name has a golden file: go test ./domain/schema -update adds it")
			event, err := schema.Decode(name, golden)
			require.NoError(t, err)
			require.Equal(t, form(t, name), reflect.TypeOf(event))
			require.True(t, reflect.TypeOf(event).NumField() == 0 || !reflect.ValueOf(event).IsZero(), "it says something")
			again, body, err := schema.Encode(event)
			require.NoError(t, err)
			require.Equal(t, name, again)
			require.Equal(t, strings.TrimSpace(string(golden)), string(body))
		})
	}
}

func TestNoNameIsEverTakenBackOrUsedTwice(t *testing.T) {
	t.Parallel()
	names := schema.Names()
	files, err := filepath.Glob("testdata/*.json")
	require.NoError(t, err)
	for _, file := range files {
		require.Contains(t, names, strings.TrimSuffix(filepath.Base(file), ".json"))
	}
	slices.Sort(names)
	require.Len(t, slices.Compact(names), len(schema.Names()))
	for _, name := range names {
		require.Regexp(t, `^[a-z]+\.[a-z]+(_[a-z]+)*(\.v[0-9]+)?$`, name)
	}
}

// form is the type that a name is decoded to.
func form(t *testing.T, name string) reflect.Type {
	event, err := schema.Decode(name, []byte("{}"))
	require.NoError(t, err)
	return reflect.TypeOf(event)
}

// fill gives every field of an event a value: words that fit its name where it
// is read as more than words, else the name itself.
func fill(v reflect.Value, name string) {
	words := map[string]string{
		"zone": "Europe/Berlin", "local": "2023-07-31T00:00", "rule": "before", "from": "2023-09", "to": "2023-12-08", "holidays": "2023-10-03",
		"at": "17:00", "side": "mentee", "mode": "online", "cycle": "nemo-2023-autumn", "call": "mentees", "match": "m1", "programme": "nemo-121",
		"per": "cycle", "published": "Apply before 31 July",
	}
	switch v.Interface().(type) {
	case domain.Private:
		v.Set(reflect.ValueOf(domain.Private{Text: name}.About(domain.Personal, domain.Pair, ana, mia).Commit([]byte(name))))
		return
	case domain.Person:
		v.SetString(string(ana))
		if name == "mentor" || name == "reviewer" {
			v.SetString(string(mia))
		}
		return
	case domain.Digest:
		v.SetString(string(domain.CommitmentDigest(nil, name)))
		return
	case time.Time:
		v.Set(reflect.ValueOf(time.Date(2023, 7, 30, 22, 0, 0, 0, time.UTC)))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			key, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			fill(v.Field(i), key)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), name)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), name)
	case reflect.String:
		v.SetString(name)
		if w, ok := words[name]; ok {
			v.SetString(w)
		}
	case reflect.Int, reflect.Int64:
		v.SetInt(3)
		if name == "year" {
			v.SetInt(2023)
		}
	case reflect.Bool:
		v.SetBool(true)
	default:
		panic(v.Kind().String() + " in an event")
	}
}

// An event that is decided and not in the list could not be stored: every
// type with an evolve method, read from the source.
func TestEveryEventIsInTheList(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../*/*.go")
	require.NoError(t, err)
	var declared, listed []string
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv != nil && f.Name.Name == "evolve" {
				declared = append(declared, filepath.Base(filepath.Dir(path))+"."+f.Recv.List[0].Type.(*ast.Ident).Name)
			}
		}
	}
	for _, name := range schema.Names() {
		listed = append(listed, form(t, name).String())
	}
	require.NotEmpty(t, declared)
	require.ElementsMatch(t, declared, listed)
}

// walk finds people and private texts in structs, slices and maps alone:
// nowhere else may an event have them, and a field without a json name would
// be stored under its Go name.
func TestNoEventHidesAPersonOrAText(t *testing.T) {
	t.Parallel()
	for _, name := range schema.Names() {
		var look func(at reflect.Type, path string)
		look = func(at reflect.Type, path string) {
			switch at.Kind() {
			case reflect.Struct:
				if at == reflect.TypeFor[time.Time]() || at == reflect.TypeFor[domain.Private]() {
					return
				}
				for i := range at.NumField() {
					f := at.Field(i)
					key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
					require.True(t, f.IsExported(), "%s.%s", path, f.Name)
					require.True(t, f.Anonymous && key == "" || key != "" && key == strings.ToLower(key), "%s.%s: %q", path, f.Name, key)
					look(f.Type, path+"."+key)
				}
			case reflect.Slice:
				look(at.Elem(), path)
			case reflect.Pointer:
				require.Equal(t, "when", filepath.Base(at.Elem().PkgPath()), path)
			case reflect.Map, reflect.Interface, reflect.Array, reflect.Float32, reflect.Float64:
				require.Fail(t, "no "+at.Kind().String()+" in an event", path)
			}
		}
		look(form(t, name), name)
	}
}

func TestAnEventWithPrivateTextsComesBackWithoutTheirWords(t *testing.T) {
	t.Parallel()
	event := review.Recorded{Reviewer: mia, Recommendation: "select", Scores: []review.Score{
		{Criterion: "need", Value: 4, Justification: domain.Private{Text: "a small museum"}.About(domain.Personal, domain.Programme, ana, mia)},
		{Criterion: "fit", Justification: domain.Private{}.About(domain.Personal, domain.Programme, ana, mia)},
	}}
	_, _, err := schema.Encode(event)
	require.Error(t, err, "words without a commitment are never stored")

	schema.Commit(&event, func(n int) []byte { return []byte{byte(n)} })
	name, body, err := schema.Encode(event)
	require.NoError(t, err)
	require.Equal(t, "review.recorded", name)
	require.NotContains(t, string(body), "museum")
	back, err := schema.Decode(name, body)
	require.NoError(t, err)
	texts := schema.Private(back)
	require.Len(t, texts, 2)
	for i, p := range schema.Private(event) {
		p.Text = ""
		require.Equal(t, p, texts[i])
	}
	require.Equal(t, []domain.Person{mia, ana}, schema.People(back), "also those whom a text is about, each once")
}

func TestWhatIsNotInTheListIsNeitherReadNorWritten(t *testing.T) {
	t.Parallel()
	_, err := schema.Decode("tea.served", []byte("{}"))
	require.ErrorIs(t, err, schema.ErrUnknown)
	require.ErrorContains(t, err, "tea.served")
	_, err = schema.Decode("cycle.planned", []byte("["))
	require.ErrorContains(t, err, "decode cycle.planned")
	_, _, err = schema.Encode(struct{}{})
	require.Error(t, err)
	_, err = schema.Name(&match.Made{})
	require.Error(t, err, "events are values")
}

func TestCommitGivesEveryTextOfACommandItsOwnSaltInOrder(t *testing.T) {
	t.Parallel()
	salt := func(n int) []byte { return []byte{byte(n)} }
	digest := func(n int, text string) domain.Digest { return domain.CommitmentDigest(salt(n), text) }

	var c application.Submit
	require.NoError(t, json.Unmarshal([]byte(`{"answers": {"b": "two", "a": ["one", ""], "c": "two"}}`), &c))
	salts := schema.Commit(&c, salt)
	require.Equal(t, map[string][]domain.Digest{"a": {digest(0, "one"), digest(1, "")}, "b": {digest(2, "two")}, "c": {digest(3, "two")}}, map[string][]domain.Digest{
		"a": {c.Answers["a"][0].Digest, c.Answers["a"][1].Digest}, "b": {c.Answers["b"][0].Digest}, "c": {c.Answers["c"][0].Digest},
	}, "a map's keys are in order, and an empty text is committed too")
	require.Len(t, salts, 4)
	require.Equal(t, salt(2), salts[digest(2, "two")])

	r := review.Record{Scores: []review.Score{{}, {Justification: domain.Private{Text: "fits"}}}}
	schema.Commit(&r, salt)
	require.Equal(t, digest(1, "fits"), r.Scores[1].Justification.Digest)

	s := application.Select{Rationale: domain.Private{Text: "a plan"}}
	schema.Commit(&s, salt)
	require.Equal(t, digest(0, "a plan"), s.Rationale.Digest)
	require.Empty(t, schema.Commit(&match.Make{}, salt))
}

func TestWhatACommandAsksIsTheSameWhateverItsTexts(t *testing.T) {
	t.Parallel()
	asked := func(with string) string {
		var c application.Submit
		require.NoError(t, json.Unmarshal([]byte(with), &c))
		b, err := schema.Asked(c)
		require.NoError(t, err)
		return string(b)
	}
	one := asked(`{"cycle":"c","route":"staff","answers":{"b":"my words","a":["x","y"]}}`)
	require.Equal(t, `{"cycle":"c","answers":{"a":[null,null],"b":[null]},"route":"staff"}`, one)
	require.Equal(t, one, asked(`{"answers":{"a":["z",""],"b":"others"},"route":"staff","cycle":"c","call":""}`))
	require.NotEqual(t, one, asked(`{"answers":{"a":["z",""],"b":"others"},"route":"network","cycle":"c"}`))
}

func TestResolveMakesHandlesIDs(t *testing.T) {
	t.Parallel()
	id := func(handle string) (domain.Person, error) {
		if handle != "mia" {
			return "", errors.New("no " + handle)
		}
		return mia, nil
	}
	c := match.Propose{Pair: match.Pair{Mentee: ana, Mentor: "mia"}}
	require.NoError(t, schema.Resolve(&c, id))
	require.Equal(t, match.Pair{Mentee: ana, Mentor: mia}, c.Pair, "embedded ones, too; an id stays as it is")
	require.NoError(t, schema.Resolve(&review.Record{}, id), "nobody is nobody's handle")
	d := application.Decline{ID: application.ID{Person: "rui"}, Assessed: application.Assessed{Reviews: []domain.Person{"mia", "max"}}}
	require.EqualError(t, schema.Resolve(&d, id), "no rui", "the first that is wrong")
	d.Person = "mia"
	require.EqualError(t, schema.Resolve(&d, id), "no max")
	require.Equal(t, []domain.Person{mia, "max"}, d.Reviews)
}

func TestFillSetsWhatIsNotACallersToSay(t *testing.T) {
	t.Parallel()
	var c application.Select
	schema.Fill(&c, map[string]string{"self": "carla", "actor": "carla"})
	require.Equal(t, domain.Person("carla"), c.Person, "who does not say means themselves")
	require.Equal(t, domain.Person("carla"), c.Actor)

	c = application.Select{ID: application.ID{Person: ana}, Assessed: application.Assessed{Unbiased: application.Unbiased{Actor: "forged"}}}
	schema.Fill(&c, map[string]string{"self": "carla", "actor": "carla"})
	require.Equal(t, ana, c.Person, "who says is believed")
	require.Equal(t, domain.Person("carla"), c.Actor, "a hidden field is always set")
	schema.Fill(&c, map[string]string{"tzdata": "2023c"})
	require.Equal(t, domain.Person("carla"), c.Actor)

	for said, want := range map[string]string{"": match.Mentee, match.Mentor: match.Mentor} {
		side := match.Accept{Acting: match.Acting{Side: said}}
		schema.Fill(&side, map[string]string{"role": match.Mentee})
		require.Equal(t, want, side.Side, "a side is the role unless it is said")
	}

	var m match.MarkContactOverdue
	schema.Fill(&m, map[string]string{"tzdata": "2023c"})
	require.Equal(t, "2023c", m.Tzdata)
}

func TestAnEnvelopeComesBackAsItWas(t *testing.T) {
	t.Parallel()
	at := time.Date(2023, 7, 30, 22, 0, 0, 0, time.UTC)
	e := schema.Envelope{ID: "e1", Name: "session.held", RecordedAt: at, OccurredAt: at, Actor: "clock", Subjects: []domain.Person{ana, mia}, Nonconformities: []string{"before_agreement"}, Salt: "c2FsdA"}
	b, err := e.Encode()
	require.NoError(t, err)
	back, err := schema.DecodeEnvelope(b)
	require.NoError(t, err)
	require.Equal(t, e, back)
	_, err = schema.DecodeEnvelope([]byte("{"))
	require.ErrorContains(t, err, "decode envelope")
}

// An envelope is read in a quick way, or in the other: whatever the quick one
// takes, the other takes for the same; and it is written as the other would.
func FuzzEnvelope(f *testing.F) {
	at := time.Date(2023, 10, 29, 1, 30, 0, 123456000, time.UTC)
	full := schema.Envelope{
		ID: "e1", Name: "session.held", RecordedAt: at, OccurredAt: at, Actor: "clock", Role: "system", OnBehalfOf: ana, Channel: "web",
		Book: "cycle/spring", CommandID: "c1", Correlation: "c0", Causation: "e0", Reason: "illness", Authority: "rule",
		Subjects: []domain.Person{ana, mia}, Nonconformities: []string{"late", "long"}, Corrects: "e2", Salt: "c2FsdA",
	}
	b, err := full.Encode()
	require.NoError(f, err)
	f.Add(b)
	for _, text := range []string{
		`{}`, `{"id":"a"}`, `{"id":"a","id":"b"}`, `{"ID":"a"}`, `{"id":null}`, `{"id":"a",}`, `{,}`, `{"id":"\u0041"}`, `{"id":"é"}`, `{"id":"a"} `, `{"id":"a"}{}`, ` {"id":"a"}`,
		`{"subjects":[]}`, `{"subjects":["a"],"subjects":["b"]}`, `{"subjects":["a",]}`, `{"subjects":null}`, `{"subjects":"a"}`, `{"subjects":[1]}`, `{"other":"a"}`, `{"id":"a"`, `{"id":"a`, `{"id"`, `{`, ``, `[]`, `null`,
		`{"recorded_at":"2023-10-29T01:30:00Z"}`, `{"recorded_at":"2023-10-29T01:30:00+01:00"}`, `{"recorded_at":"2023-10-29T1:30:00Z"}`, `{"recorded_at":"2023-10-29T01:30:00,5Z"}`, `{"recorded_at":"24:00"}`, `{"recorded_at":""}`,
		`{"recorded_at":"2023-10-29T01:30:00Z","recorded_at":"2024-10-29T01:30:00Z"}`, `{"recorded_at":"0001-01-01T00:00:00Z","recorded_at":"2024-10-29T01:30:00Z"}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var want schema.Envelope
		errWant := schema.Unmarshal(text, &want)
		got, err := schema.DecodeEnvelope(text)
		require.Equal(t, errWant == nil, err == nil, "%v, %v", errWant, err)
		if err == nil {
			require.Equal(t, want, got)
			written, err := got.Encode()
			marshalled, errMarshal := schema.Marshal(got)
			require.Equal(t, errMarshal == nil, err == nil, "%v, %v", errMarshal, err)
			require.Equal(t, string(marshalled), string(written))
		}
	})
}

func BenchmarkDecodeEnvelope(b *testing.B) {
	at := time.Date(2023, 10, 29, 1, 30, 0, 123456000, time.UTC)
	id := "3b241101-e2bb-4255-8caf-4136c566a962"
	text, err := schema.Envelope{
		ID: id, Name: "session.held", RecordedAt: at, OccurredAt: at, Actor: id, Role: "coordinator", Channel: "web", Book: "cycle/nemo-2023-autumn",
		CommandID: id, Correlation: id, Subjects: []domain.Person{ana, mia}, Salt: "AAAAAAAAAAAAAAAAAAAAAA",
	}.Encode()
	require.NoError(b, err)
	for _, way := range []struct {
		name string
		read func(e *schema.Envelope) error
	}{
		{"scan", func(e *schema.Envelope) error { return e.Decode(text) }},
		{"unmarshal", func(e *schema.Envelope) error { *e = schema.Envelope{}; return schema.Unmarshal(text, e) }},
	} {
		b.Run(way.name, func(b *testing.B) {
			b.ReportAllocs()
			var e schema.Envelope
			for b.Loop() {
				if err := way.read(&e); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
