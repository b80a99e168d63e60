//go:build chromium

package main_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/when"
	"github.com/daybook-engine/daybook/workflows"
)

// An act is a step of a rehearsal as it is written in its file, for those who
// play it otherwise than daybook rehearse does.
type act struct {
	Key        string
	At         string
	By         string
	Do         string
	With       map[string]any
	OnBehalfOf string `yaml:"on_behalf_of"`
	Reason     string
	Authority  string
	Channel    string
	Expect     struct {
		Refused string
		Events  *[]string
	}
}

// actsOf are the steps of a file, without its checks.
func actsOf(t *testing.T, file string) (acts []act) {
	t.Helper()
	source, err := os.ReadFile(file)
	require.NoError(t, err)
	var read struct{ Steps []act }
	require.NoError(t, yaml.Unmarshal(source, &read))
	for _, s := range read.Steps {
		if s.Do != "" {
			acts = append(acts, s)
		}
	}
	require.NotEmpty(t, acts)
	return acts
}

// A stage is a daybook on which a season is played, the one before it being
// over.
type stage struct {
	acted
	cycle string
	names map[string]string // by handle
}

// afterSpring is NEMO's daybook in June 2023.
func afterSpring(t *testing.T, dir string) *stage {
	daybook(t, dir, "rehearse", "rehearsals/nemo-2023-spring.yaml")
	s := &stage{acted: actIn(t, dir), cycle: "nemo-2023-autumn", names: map[string]string{}}
	for _, x := range slices.Concat(actsOf(t, "rehearsals/nemo-2023-spring.yaml"), actsOf(t, "rehearsals/nemo-2023-autumn.yaml")) {
		if x.Do == "person.register" {
			s.names[x.With["handle"].(string)] = x.With["name"].(string)
		}
	}
	return s
}

// turn moves the clock to when an act happens.
func (s *stage) turn(x act) {
	if x.At == "" {
		return
	}
	at, err := when.Parse(x.At)
	require.NoError(s.t, err, x.Key)
	require.NoError(s.t, s.At(s.t.Context(), at), x.Key)
}

// play does an act by its command, and gives what it is refused with.
func (s *stage) play(x act) string {
	s.t.Helper()
	with, err := json.Marshal(x.With)
	require.NoError(s.t, err)
	cause := workflows.Cause{OnBehalfOf: domain.Person(x.OnBehalfOf), Channel: x.Channel, Reason: x.Reason, Authority: x.Authority}
	if x.With == nil {
		with = []byte("{}")
	}
	err = s.DoBecause(s.t.Context(), x.By, x.Do, string(with), s.known(), cause)
	if refusal := new(domain.Error); x.Expect.Refused != "" {
		require.ErrorAs(s.t, err, &refusal, x.Key)
		require.Equal(s.t, x.Expect.Refused, refusal.Code, x.Key)
		return refusal.Error()
	}
	require.NoError(s.t, err, x.Key)
	return ""
}

// known is what no step of the season says.
func (s *stage) known() map[string]string {
	return map[string]string{"cycle": s.cycle, "programme": "nemo-121"}
}

// written is what an act says, as it is written into the fields of its form.
func (s *stage) written(x act) url.Values {
	values := url.Values{}
	for name, text := range s.known() {
		values.Set(name, text)
	}
	for name, text := range map[string]string{"cause.behalf": x.OnBehalfOf, "cause.reason": x.Reason, "cause.authority": x.Authority, "cause.channel": x.Channel} {
		if text != "" {
			values.Set(name, text)
		}
	}
	var flat func(name string, v any)
	flat = func(name string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, inner := range v {
				flat(name+"."+k, inner)
			}
		case []any:
			for i, inner := range v {
				if _, ok := inner.(map[string]any); ok {
					flat(fmt.Sprintf("%s.%d", name, i), inner)
				} else {
					values.Add(name, fmt.Sprint(inner))
				}
			}
		default:
			values.Set(name, fmt.Sprint(v))
		}
	}
	for k, v := range x.With {
		flat(k, v)
	}
	return values
}

// role is that in which an act is done.
func (x act) role() string { return strings.Split(x.By, "/")[0] }
