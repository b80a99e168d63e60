package workflows_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain/programme"
)

// A definition may leave sections out. Who needs them is told which, before
// anything is promised.
func TestWhatADefinitionLeavesOpenIsRefusedWhereItIsNeeded(t *testing.T) {
	t.Parallel()
	o := open(t)
	for section, leave := range map[string]func(*programme.Definition){
		"offer":      func(d *programme.Definition) { d.Offer = programme.Offer{} },
		"match":      func(d *programme.Definition) { d.Match = programme.Match{} },
		"agreement":  func(d *programme.Definition) { d.Agreement = programme.Agreement{} },
		"sessions":   func(d *programme.Definition) { d.Sessions, d.Completion = programme.Sessions{}, programme.Completion{} },
		"completion": func(d *programme.Definition) { d.Completion = programme.Completion{} },
	} {
		d := definitionOf(t, "nemo-2023-spring.yaml")
		d.Programme = "without-" + section
		leave(&d)
		o.must("coordinator/c1", "definition.publish", fields{"programme": d.Programme, "definition": d})
		o.must("coordinator/c1", "cycle.plan", fields{"cycle": section, "programme": d.Programme, "title": "x", "from": "2024-03", "to": "2024-06"})
		command, with := "match.propose", fields{"cycle": section, "match": "x", "mentee": "a1", "mentor": "m1"}
		if section == "offer" {
			command, with = "place.reserve", fields{"cycle": section, "call": "mentees", "person": "a1"}
		}
		_, err := o.try("coordinator/c1", command, with)
		require.ErrorIs(t, err, programme.ErrUnsaid)
		require.ErrorContains(t, err, "("+section+")")
	}
}
