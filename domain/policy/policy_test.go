package policy_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/domaintest"
	. "github.com/daybook-engine/daybook/domain/policy"
)

type events = []Event

const (
	first  = "0b9a2a52-7d0c-4a25-8f0f-3f1d8b6a5c11"
	second = "7c1d2f3e-4b5a-4968-9786-a5b4c3d2e1f0"
)

func TestPolicy(t *testing.T) {
	t.Parallel()
	type row = domaintest.Row[State, Event]
	id := func(event string) ID {
		return ID{Policy: "make-the-match", Of: "mentor-mia", Event: event, In: "installation", Cycle: "autumn", About: []domain.Person{"mia"}}
	}
	at := func(event string) At {
		return At{Policy: "make-the-match", Stream: "mentor-mia", Event: event, Cycle: "autumn"}
	}
	ill := domain.Private{Text: "mia is ill"}
	said := ill.About(domain.Personal, domain.Programme, "mia")
	deciding := func(event string) Deciding { return Deciding{ID: id(event), Note: ill, By: "carla"} }
	instead := func(with string) Repair {
		return Repair{Deciding: deciding(first), Command: "mentor.free", With: json.RawMessage(with), People: []domain.Person{"mia"}}
	}
	crowd, nobody := deciding(first), deciding(first)
	crowd.About, nobody.About = []domain.Person{"ana", "ben", "mia"}, nil
	carlas := ill.About(domain.Personal, domain.Programme, "carla")

	parked := events{Parked{At: at(first), Attempts: 5, Fault: "lookup"}}
	retried := append(parked[:1:1], Retried{At: at(first), Note: said})
	skipped := append(parked[:1:1], Skipped{At: at(first), Note: said})
	repaired := append(parked[:1:1], Repaired{At: at(first), Command: "mentor.free", With: `{"mentor":"mia"}`, People: []domain.Person{"mia"}, Note: said})
	further := append(retried[:2:2], Parked{At: at(second), Attempts: 5, Fault: "panic"})

	domaintest.Run(t, []row{
		{Name: "an instance is parked at an event", When: Park{ID: id(first), Attempts: 5, Fault: "lookup"}, Then: parked},
		{Name: "and stays there", Given: parked, When: Park{ID: id(second), Attempts: 5, Fault: "lookup"}},
		{Name: "it may be parked there again", Given: retried, When: Park{ID: id(first), Attempts: 5, Fault: "lookup"}, Then: parked},
		{Name: "a person lets it try again", Given: parked, When: Retry{Deciding: deciding(first)}, Then: retried[1:]},
		{Name: "skip the event", Given: parked, When: Skip{Deciding: deciding(first)}, Then: skipped[1:]},
		{Name: "or does it in its stead", Given: parked, When: instead(`{"mentor":"mia"}`), Then: repaired[1:]},
		{Name: "with this, and not with that", Given: repaired, When: instead(`{"mentor":"max"}`), Err: ErrNotParked},
		{Name: "of an event that they have seen", Given: parked, When: Skip{Deciding: deciding(second)}, Err: ErrNotParked},
		{Name: "not of the next that it stands at", Given: further, When: Retry{Deciding: deciding(first)}, Err: ErrNotParked},
		{Name: "nor of another way out when there was one", Given: skipped, When: Retry{Deciding: deciding(first)}, Err: ErrNotParked},
		{Name: "nor when nothing is parked", When: Skip{Deciding: deciding(first)}, Err: ErrNotParked},
		{Name: "a note about many is its author's", Given: parked, When: Skip{Deciding: crowd}, Then: events{Skipped{At: at(first), Note: carlas}}},
		{Name: "and so is one about nobody", Given: parked, When: Skip{Deciding: nobody}, Then: events{Skipped{At: at(first), Note: carlas}}},

		{Name: "policies begin after an event", When: Start{Policies: []string{"a", "b"}, After: first}, Then: events{Started{Policies: []string{"a", "b"}, After: first}}},
		{Name: "once", Given: events{Started{Policies: []string{"a"}}}, When: Start{Policies: []string{"a", "b"}, After: first}, Then: events{Started{Policies: []string{"b"}, After: first}}},
	})

	var s State
	for _, e := range slices.Concat(further, events{Repaired{At: at(second), Command: "mentor.free", With: "{}"}, Started{Policies: []string{"a"}, After: first}}) {
		s = s.Apply(e)
	}
	require.Empty(t, s.Parked())
	require.Equal(t, 2, s.Times())
	require.False(t, s.Skipped(first))
	require.True(t, State{}.Apply(skipped[1]).Skipped(first))
	command, with, ok := s.Repaired(second)
	require.Equal(t, []any{"mentor.free", "{}", true}, []any{command, with, ok})
	_, _, ok = s.Repaired(first)
	require.False(t, ok)
	after, ok := s.Start("a")
	require.True(t, ok)
	require.Equal(t, first, after)
	_, ok = s.Start("b")
	require.False(t, ok)
}

func TestAnInstanceIsAPolicyAndAStream(t *testing.T) {
	t.Parallel()
	id := ID{Policy: "make-the-match", Of: "mentor-mia", Event: first, In: "cycle/autumn"}
	require.NoError(t, id.Check())
	require.Equal(t, "policy-make-the-match.mentor-mia", id.Stream())
	require.Equal(t, "cycle/autumn", id.Book())
	require.ErrorIs(t, ID{Policy: "Make", Of: "mentor-mia", Event: first}.Check(), domain.ErrSlug)
	require.ErrorIs(t, ID{Policy: "make-the-match", Event: first}.Check(), domain.Invalid)
	require.ErrorIs(t, ID{Policy: "make-the-match", Of: "mentor-mia", Event: "mia"}.Check(), domain.Invalid)
	require.NoError(t, Start{}.Check())
	require.Equal(t, "policies-all", Start{}.Stream())
	require.Equal(t, "installation", Start{}.Book())
}
