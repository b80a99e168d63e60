package definition_test

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/workflows/definition"
)

func TestADrawingIsWellFormedWhateverIsInIt(t *testing.T) {
	t.Parallel()
	hostile := programme.Definition{Title: `<script>"&`, Stages: []programme.Stage{
		{Stage: "end", Text: `A "stage"; with: <b>#everything</b>` + "\n[*] --> x", Next: []programme.Next{{Stage: "note"}, {Stage: "end"}}},
		{Stage: "state", Text: strings.Repeat("é", 100)},
		{Stage: "note", Text: "N"},
	}}
	list := []programme.Definition{hostile, {}}
	for _, name := range five {
		list = append(list, whole(t, name))
	}
	for _, d := range list {
		for _, p := range []*definition.Path{nil, {Edges: map[definition.Edge]int{{To: "call"}: 3}, Left: map[string]int{"call": 2, "end": 1}}} {
			var b strings.Builder
			require.NoError(t, definition.SVG(&b, d, p))
			decoder := xml.NewDecoder(strings.NewReader(b.String()))
			for {
				_, err := decoder.Token()
				if errors.Is(err, io.EOF) {
					break
				}
				require.NoError(t, err, d.Title)
			}
			b.Reset()
			require.NoError(t, definition.Mermaid(&b, d, p))
			lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
			require.Equal(t, "stateDiagram-v2", lines[0])
			for _, line := range lines[1:] {
				require.Regexp(t, `^    (state "[^"<>:;#]*" as s_[a-z0-9_]+|(s_[a-z0-9_]+|\[\*\]) --> (s_[a-z0-9_]+|\[\*\])( : [^"<>:;#]+)?)$`, line)
			}
		}
	}
}
