package web_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/cmd/daybook/web"
	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/message"
	"github.com/daybook-engine/daybook/projections"
)

// write queues a message to somebody about a match, and tells what became of it.
func (s *season) write(key string, to domain.Person, became ...message.Event) message.ID {
	id := message.Of("cause", key, to, "autumn")
	s.add(id.Stream(), "cycle/autumn", "2023-12-01T10:00", message.Queued{About: message.About{
		Cycle: "autumn", Key: key, Definition: "hash", Language: "en", To: "mentee", Recipient: to, Event: "match.made", Cause: "cause", Stream: "match-autumn.m1",
	}, Attempt: 1, At: day("2023-12-01T10:00")}, nil)
	for _, e := range became {
		s.add(id.Stream(), "cycle/autumn", "2023-12-02T10:00", e, about(to))
	}
	require.NoError(s.t, s.views.CatchUp(s.t.Context()))
	return id
}

func TestMessagesAreShownWithWhatBecameOfThem(t *testing.T) {
	t.Parallel()
	s := filled(t)
	claimed := func(p domain.Person) message.Claimed {
		return message.Claimed{Claim: 1, Rendered: s.private("WRITTEN letter", domain.Programme, p)}
	}
	waiting := message.Of("cause", "match-mentee", ana, "autumn")
	unclear := s.write("match-mentee", ben, claimed(ben), message.Unknown{Claim: 1})
	s.write("match-mentor", mia, claimed(mia), message.Failed{Claim: 1, Why: "unreachable", Again: day("2023-12-02T10:05")})
	s.write("later", mia, message.Failed{Why: "no_address"})
	var fail error
	h := s.pages(func(o *web.Options) {
		o.Letters = func(_ context.Context, m projections.Message) (string, error) {
			return "WRITTEN to " + hostile + m.Message, fail
		}
	})
	list := get(t, h, "/cycles/autumn/messages")
	wellMade(t, "messages", list)
	require.NotContains(t, list, "No mail leaves from here")
	unmailed := get(t, s.pages(func(o *web.Options) { o.Unmailed = true }), "/cycles/autumn/messages")
	wellMade(t, "messages", unmailed)
	require.Contains(t, unmailed, "No mail leaves from here")
	rehearsed := get(t, s.pages(func(o *web.Options) { o.Unmailed, o.Rehearsal = true, "autumn" }), "/cycles/autumn/messages")
	wellMade(t, "messages", rehearsed)
	require.NotContains(t, rehearsed, "No mail leaves from here")
	require.Contains(t, rehearsed, "A rehearsal writes to nobody")
	for _, says := range []string{
		">Ben, mentee<", ">Unknown<", ">Queued<", "the mail server could not be reached, or would not take it now; tried again at Sat 2 Dec 2023, 10:05 CET", ">Failed <span class=\"db-quiet\">no e-mail address is known<",
		`href="/cycles/autumn/messages/` + waiting.Message + `"`,
	} {
		require.Contains(t, list, says)
	}
	require.NotContains(t, list, "WRITTEN")

	page := get(t, h, "/cycles/autumn/messages/"+waiting.Message)
	wellMade(t, "message", page)
	require.Contains(t, page, "As it would be written now")
	require.Contains(t, page, "WRITTEN to &lt;script&gt;")
	require.Contains(t, page, `<a class="govuk-link" href="/cycles/autumn/matches/m1">match made</a>`)
	require.Contains(t, page, "was queued, on match made")
	page = get(t, h, "/cycles/autumn/messages/"+unclear.Message)
	require.Contains(t, page, "As it was written to be sent")
	require.Contains(t, page, "It is not known whether the message “match mentee” to Ben was sent")

	queue := get(t, h, "/cycles/autumn/queue")
	require.Contains(t, queue, `<a class="govuk-link" href="/cycles/autumn/messages/`+unclear.Message+`">Ask whether the message “match mentee” to Ben arrived, and say so, or have it sent again</a> <code class="db-quiet">message.settle</code>`)
	require.Contains(t, queue, "The message “later” to Mia was not sent, no e-mail address is known: have it sent again, or withdraw it")
	require.Equal(t, 2, strings.Count(queue, "message.settle"), "what waits is nobody's task")

	require.Contains(t, get(t, h, "/cycles/autumn/messages/"+unclear.Message+"?at=2023-12-01T12:00"), "As it would be written now")
	require.Contains(t, get(t, h, "/cycles/autumn/messages/"+unclear.Message+"?at=2023-11-30T12:00"), "Not yet: the message was queued")
	require.Equal(t, http.StatusNotFound, ask(h, http.MethodGet, "/cycles/autumn/messages/"+idOf(ana).Key()).Code)

	fail = errors.New("the vault is away")
	page = get(t, h, "/cycles/autumn/messages/"+waiting.Message)
	require.Contains(t, page, "[unreadable]")
	require.NotContains(t, page, "WRITTEN")
}
