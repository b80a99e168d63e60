package programme_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain/programme"
)

func TestEveryEventThatIsToldHasItsTelling(t *testing.T) {
	t.Parallel()
	for _, event := range programme.Vocabulary["told"] {
		require.True(t, programme.Told(event), event)
	}
	require.False(t, programme.Told("review.recorded"), "what a reviewer wrote is told to nobody")
	require.Equal(t, []string{"offer.made"}, programme.Undoes("offer.lapsed"))
	require.Contains(t, programme.Undoes("match.unwound"), "match.made")
	require.Subset(t, programme.Undoes("application.retracted"), []string{"application.received", "eligibility.failed"})
	require.Empty(t, programme.Undoes("offer.made.v2"))
}

func TestAMessageIsWrittenInTheLanguageNearest(t *testing.T) {
	t.Parallel()
	m := programme.Message{Templates: []programme.Template{{Language: "en"}, {Language: "pt-PT"}, {Language: "pt-BR"}, {Language: "de"}}}
	for language, want := range map[string]string{
		"": "en", "en": "en", "en-IE": "en", "de-AT": "de", "pt-BR": "pt-BR", "pt": "pt-PT", "fr": "en",
	} {
		require.Equal(t, want, m.In(language).Language, language)
	}
}

func TestAValueIsNotLookedThroughForPlaceholders(t *testing.T) {
	t.Parallel()
	subject, text := programme.Template{Subject: "{name}", Text: "Dear {name}, {other} of {programme}"}.Fill(map[string]string{
		"name": "{other}", "other": "Mia {programme}", "programme": "P",
	})
	require.Equal(t, "{other}", subject)
	require.Equal(t, "Dear {other}, Mia {programme} of P", text)
}
