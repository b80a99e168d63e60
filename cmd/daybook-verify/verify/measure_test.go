package verify

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain/measure"
)

// A list that was ever released stays here, so that old packs verify. When the
// list changes, append its digest.
func TestTheMeasuresOfTodayAreKnown(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(measure.All)
	require.NoError(t, err)
	require.Contains(t, known, fmt.Sprintf("%x", sha256.Sum256(b)))
}

// Two evaluators that share no line agree on seasons that no rule would let
// happen.
func TestTheFiguresAreThoseOfTheDomain(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(measure.All)
	require.NoError(t, err)
	var mine []Measure
	require.NoError(t, json.Unmarshal(text, &mine))
	fields := map[string][]string{
		"late": {"true", "false"}, "basis": {`"rule"`, `"waiver"`, `"\u0072ule"`}, "side": {`"mentee"`, `"mentor"`}, "kind": {`"session"`, `"final"`, `"supervision"`}, "present": {"true", "false"},
		"session": {"1", "2", "3"}, "nonconformities": {"[]", `["short"]`, "null"}, "reflections_due": {`["mentee"]`, `["mentor","mentee"]`, "[]", `"mentee"`},
		"cycle": {`"autumn"`, `"spring"`}, "year": {"2023", "2024"}, "call": {`"mentees"`}, "person": {`"ana"`, `"ben"`, `"\u0061na"`},
		"mentee": {`"ana"`, `"ben"`}, "mentor": {`"mia"`, `"max"`},
	}
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 0))
		theirs, tallies := measure.NewTally(measure.All), make([]tally, len(mine))
		for n := range 60 {
			m := measure.All[r.IntN(len(measure.All))]
			names := m.Names()
			body := `{"minutes":` + fmt.Sprint(r.IntN(120))
			for field, values := range fields {
				if r.IntN(3) > 0 {
					body += `,"` + field + `":` + values[r.IntN(len(values))]
				}
			}
			f := fact{
				id: fmt.Sprint(n), name: names[r.IntN(len(names))], stream: fmt.Sprint("m", r.IntN(3)),
				book: []string{"cycle/autumn", "rehearsal/cycle/autumn", "cycle/spring", "programme/nemo", "programme/gem"}[r.IntN(5)],
			}
			require.NoError(t, theirs.Add(measure.Fact{ID: f.id, Name: f.name, Stream: f.stream, Book: f.book, Body: []byte(body + "}")}))
			require.NoError(t, json.Unmarshal([]byte(body+"}"), &f.body))
			for i := range mine {
				require.NoError(t, tallies[i].add(&mine[i], f))
			}
		}
		for i, m := range measure.All {
			for _, scope := range []string{"autumn", "spring", "nemo/2023", "nemo/2024", "gem/2023"} {
				require.Equal(t, theirs.Value(m, scope), tallies[i].in(&mine[i], scope).value(), "seed %d: %s of %s", seed, m.Measure, scope)
			}
		}
	}
}

func TestAPolicySaysWhomToTrust(t *testing.T) {
	t.Parallel()
	const key = "daybook/1+f68f336b+AUyQgdc1rzPwdoVIopLeG7gCiEtrA8mJk3wOMkHg4qoJ" // of another name, so its hash is wrong
	for policy, says := range map[string]string{
		"":                                 "expected lines",
		"quorum none":                      "expected lines",
		"log " + key + "\nquorum none":     "policy: log",
		"log\nquorum none":                 "not understood",
		"log x y z\n":                      "not understood",
		"witness w1 key\nquorum w1":        "witnesses are not yet",
		"# a comment\n\nquorum 1":          "not understood",
		"log https://daybook/ \nfoo\n":     "policy: log",
		"quorum none\nquorum\n":            "not understood",
		"group g all w1 w2\nquorum none\n": "not understood",
	} {
		_, err := ReadPolicy([]byte(policy))
		require.ErrorContains(t, err, says, policy)
	}
}
