package projections_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain/schema"
)

// samples are JSON texts of every type that a replay reads and writes: each
// event's golden body and what a season says, envelopes, and documents.
func samples(t *testing.T) map[reflect.Type][][]byte {
	list := map[reflect.Type][][]byte{}
	add := func(v any, text []byte) {
		list[reflect.TypeOf(v)] = append(list[reflect.TypeOf(v)], bytes.TrimSpace(text))
	}
	body := func(name string, text []byte) {
		event, err := schema.Decode(name, text)
		require.NoError(t, err)
		add(event, text)
	}
	for _, name := range schema.Names() {
		golden, err := os.ReadFile(filepath.Join("../domain/schema/testdata", name+".json"))
		require.NoError(t, err)
		body(name, golden)
		body(name, []byte("{}"))
	}
	for _, f := range season(t) {
		body(f.event.Name, f.event.Data)
		add(schema.Envelope{}, f.event.Metadata)
	}
	_, v := setup(t)
	document := func(v any, err error) {
		require.NoError(t, err)
		text, err := json.Marshal(v)
		require.NoError(t, err)
		add(v, text)
	}
	c, err := v.Cycle(t.Context(), autumn)
	document(c, err)
	p, err := v.Places(t.Context(), autumn)
	document(p, err)
	applications, err := v.Applications(t.Context(), autumn)
	for _, a := range applications {
		document(a, err)
	}
	matches, err := v.Matches(t.Context(), autumn)
	for _, m := range matches {
		document(m, err)
	}
	return list
}

// Those who keep the log for longer than Daybook lives read it with any JSON
// library: encoding/json gives the same values, and writes the same bytes.
func TestWhatIsStoredIsAsEncodingJSONHasIt(t *testing.T) {
	t.Parallel()
	for form, texts := range samples(t) {
		for _, text := range texts {
			want, got := reflect.New(form), reflect.New(form)
			require.NoError(t, json.Unmarshal(text, want.Interface()), "%s", text)
			require.NoError(t, schema.Unmarshal(text, got.Interface()), "%s", text)
			require.Equal(t, want.Interface(), got.Interface(), "%s", text)
			again, wantErr := json.Marshal(want.Interface())
			written, gotErr := schema.Marshal(want.Interface())
			require.Equal(t, wantErr == nil, gotErr == nil, "%v: %v", wantErr, gotErr)
			require.Equal(t, string(again), string(written))
		}
	}
}
