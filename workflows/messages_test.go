package workflows_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/message"
	"github.com/daybook-engine/daybook/domain/person"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/projections"
	"github.com/daybook-engine/daybook/workflows"
)

// messages are those of the office's log, in order.
func (o *office) messages() []projections.Message {
	o.t.Helper()
	v := o.views()
	require.NoError(o.t, v.CatchUp(o.t.Context()))
	list, err := v.Messages(o.t.Context(), "spring")
	require.NoError(o.t, err)
	return list
}

// outbox tells for each message its key, to whom it is and what became of it.
func (o *office) outbox() (list []string) {
	for _, m := range o.messages() {
		line := m.Key + " " + o.handle(m.Recipient) + " " + string(m.Phase)
		if m.Why != "" {
			line += " " + m.Why
		}
		list = append(list, line)
	}
	return list
}

func (o *office) handle(p domain.Person) string {
	o.vault.mu.Lock()
	defer o.vault.mu.Unlock()
	for handle, who := range o.vault.Handles() {
		if who == p && !strings.Contains(handle, "@") { // nor an address, by which one is found, too
			return handle
		}
	}
	return string(p)
}

// reveal opens a text as an unlocked vault would.
func (o *office) reveal(_ context.Context, digest string) (string, error) {
	text, ok := o.vault.Text(domain.Digest(digest))
	if !ok {
		return "", workflows.ErrHandle
	}
	return text, nil
}

func (o *office) letter(m projections.Message) string {
	o.t.Helper()
	l, err := o.Letter(o.t.Context(), m.Message, o.reveal)
	require.NoError(o.t, err)
	return l.String()
}

func TestADecisionQueuesItsMessages(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.must("coordinator/c1", "email.set", fields{"person": "a1", "email": "a1@example.org"})
	o.accepted("a1", "m1", "first")
	o.shortlisted("a2")
	o.must("coordinator/c1", "application.decline", with(call, "person", "a2", "rationale", "why"))
	o.settle()
	require.Equal(t, []string{
		"offer a1 withdrawn offer_accepted", "match-mentee a1 queued", "match-mentor m1 queued", "not-selected a2 queued",
	}, o.outbox())
	list := o.messages()
	require.Equal(t, "To: Name of a1 <a1@example.org>\nSubject: A place in NEMO One to One Mentoring: please answer by 2024-01-15 17:00 (Europe/Berlin)\n",
		strings.SplitAfter(o.letter(list[0]), "17:00 (Europe/Berlin)\n")[0])
	require.Contains(t, o.letter(list[1]), "\n\nDear Name of a1,\n\nYou and Name of m1 were matched: Name of m1 is your mentor in Spring.\n\nIt is yours to make first contact, by 2024-01-22 ")
	require.Contains(t, o.letter(list[2]), "To: Name of m1 <no e-mail address>\n")

	// What was queued names people by id, and tells no word.
	for _, r := range log(t, o.store) {
		require.NotContains(t, string(r.Data), "example.org")
		require.NotContains(t, string(r.Data), "Name of")
	}
	subjects := func(m projections.Message) []domain.Person {
		for _, r := range log(t, o.store) {
			if r.Stream == "message-"+m.Message {
				return envelope(t, r).Subjects
			}
		}
		return nil
	}
	require.Equal(t, []domain.Person{o.person("a1"), o.person("m1")}, subjects(list[1]), "whom it names, too")
	require.Equal(t, []domain.Person{o.person("a2")}, subjects(list[3]))

	// Delivered again, all of it, it changes nothing.
	before := lines(t, o.store)
	*o.mark = mark{}
	o.settle()
	require.Equal(t, before, lines(t, o.store))
	done := o.replay()
	require.Nil(t, done.Divergence)
}

func TestWithoutMessagesInTheDefinitionNothingIsQueued(t *testing.T) {
	t.Parallel()
	o := setup(t)
	o.change = func(d *programme.Definition) { d.Messages = nil }
	o.prepare(2)
	o.accepted("a1", "m1", "first")
	o.must("coordinator/c1", "match.unwind", fields{"cycle": "spring", "match": "first"})
	o.settle()
	for _, name := range names(t, o.store) {
		require.NotContains(t, name, "message.")
	}
}

// What can be undone today, and the message that is no longer true then.
func TestWhatIsUndoneIsNotTold(t *testing.T) {
	t.Parallel()
	o := setup(t)
	o.change = func(d *programme.Definition) {
		d.Messages = nil
		for _, m := range [][3]string{
			{"offer", "offer.made", "applicant"}, {"listed", "application.shortlisted", "applicant"}, {"review", "review.assigned", "reviewer"}, {"proved", "nomination.received", "applicant"},
			{"proposed", "match.proposed", "mentee"}, {"made", "match.made", "mentee"}, {"session", "session.scheduled", "mentee"},
		} {
			d.Messages = append(d.Messages, programme.Message{Message: m[0], On: m[1], To: m[2], Templates: []programme.Template{{Language: "en", Subject: "S", Text: "T"}}})
		}
	}
	o.prepare(4)
	told := func(who string) (list []string) {
		for _, line := range o.outbox() {
			if key, rest, _ := strings.Cut(line, " "+who+" "); rest != "" {
				list = append(list, key+" "+rest)
			}
		}
		return list
	}

	o.chosen("a1")
	o.must("coordinator/c1", "place.reserve", with(call, "person", "a1"))
	o.settle()
	o.must("applicant/a1", "application.withdraw", call)
	o.must("applicant/a1", "application.withdraw", call)
	o.settle()
	require.Equal(t, []string{"listed withdrawn application_withdrawn", "offer withdrawn application_withdrawn"}, told("a1"))
	require.Equal(t, []string{"review queued"}, told("r1"))

	o.must("applicant/a2", "application.submit", with(call, "route", "staff", "answers", form))
	o.must("coordinator/c1", "eligibility.confirm", with(call, "person", "a2"))
	o.must("coordinator/c1", "review.assign", with(call, "person", "a2", "reviewer", "r1"))
	o.must("coordinator/c1", "review.assign", with(call, "person", "a2", "reviewer", "r2"))
	o.must("reviewer/r1", "conflict.declare", with(call, "person", "a2", "reviewer", "r1", "conflict", "family"))
	o.settle()
	require.Equal(t, []string{"review queued", "review withdrawn reviewer_recused"}, told("r1"), "of one application")
	require.Equal(t, []string{"review queued", "review queued"}, told("r2"), "of one reviewer")

	for range 2 {
		o.must("applicant/a4", "application.submit", with(call, "route", "network", "answers", form))
		o.must("coordinator/c1", "nomination.receive", with(call, "person", "a4", "proof", domain.CommitmentDigest(nil, "letter")))
		if len(told("a4")) == 0 {
			o.must("coordinator/c1", "application.retract", with(call, "person", "a4"))
		}
		o.settle()
	}
	require.Equal(t, []string{"proved withdrawn application_retracted", "proved queued"}, told("a4"), "of what came after it was retracted")

	o.matched("a3", "m1", "first")
	in := fields{"cycle": "spring", "match": "first"}
	for n, local := range []string{"2024-03-01T10:00", "2024-04-01T10:00"} {
		o.must("mentee/a3", "session.schedule", with(in, "session", n+1, "local", local, "zone", "Europe/Berlin", "mode", "online"))
	}
	o.must("mentee/a3", "session.cancel", with(in, "session", 1))
	o.settle()
	require.Equal(t, []string{
		"listed queued", "offer withdrawn offer_accepted", "proposed queued", "made queued", "session withdrawn session_cancelled", "session queued",
	}, told("a3"), "one session, and not the other")
	o.must("coordinator/c1", "match.unwind", in)
	o.settle()
	require.Equal(t, []string{"proposed queued", "made withdrawn match_unwound", "session withdrawn session_cancelled", "session withdrawn match_unwound"}, told("a3")[2:])

	before := lines(t, o.store)
	*o.mark = mark{}
	o.settle()
	require.Equal(t, before, lines(t, o.store))
	require.Nil(t, o.replay().Divergence)
}

func TestAPersonWithdrawsAMessageForAReason(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.shortlisted("a1")
	o.must("coordinator/c1", "application.decline", with(call, "person", "a1", "rationale", "why"))
	o.settle()
	id := fields{"message": o.messages()[0].Message}
	_, err := o.try("coordinator/c1", "message.withdraw", id, because(""))
	require.ErrorIs(t, err, message.ErrWhy)
	_, err = o.try("coordinator/c1", "message.settle", with(id, "as", "again"), because("not_there"))
	require.NoError(t, err, "it waits already")
	_, err = o.try("coordinator/c1", "message.withdraw", fields{"message": domain.UUID5("none")})
	require.ErrorIs(t, err, message.ErrUnknown)
	o.must("coordinator/c1", "message.withdraw", id, because("told_by_phone"))
	r, env := last(t, o.store)
	require.Equal(t, "message.withdrawn", r.Name)
	require.Equal(t, "cycle/spring", env.Book)
	require.Equal(t, "told_by_phone", env.Reason)
	require.Equal(t, []domain.Person{o.person("a1")}, env.Subjects)
}

func TestWhoIsBeingErasedIsWrittenNoMore(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.shortlisted("a1", "a2", "a3")
	o.must("coordinator/c1", "application.decline", with(call, "person", "a3", "rationale", "why"))
	o.settle()
	o.must("coordinator/c1", "erasure.start", fields{"person": "a3", "approver": "r1"})
	o.must("coordinator/c1", "erasure.start", fields{"person": "a1", "approver": "r1"})
	for _, a := range []string{"a1", "a2"} {
		o.must("coordinator/c1", "application.decline", with(call, "person", a, "rationale", "why"))
	}
	o.settle()
	require.Equal(t, []string{"not-selected a3 withdrawn erased", "not-selected a2 queued"}, o.outbox())
	require.Nil(t, o.replay().Divergence)
	_, err := o.try("coordinator/c1", "email.set", fields{"person": "a1", "email": "a1@example.org"})
	require.ErrorIs(t, err, person.ErrErased)
}

func TestAPersonIsWrittenInTheirLanguage(t *testing.T) {
	t.Parallel()
	o := setup(t)
	o.change = func(d *programme.Definition) {
		d.Messages[1].Templates = append(d.Messages[1].Templates, programme.Template{Language: "de", Subject: "Ihre Bewerbung", Text: "Guten Tag {name}"})
	}
	o.prepare(2)
	o.must("coordinator/c1", "person.register", fields{"handle": "greta", "register": "register", "name": "Greta", "language": "de-AT", "email": "greta@example.org"})
	o.shortlisted("greta")
	o.must("coordinator/c1", "application.decline", with(call, "person", "greta", "rationale", "why"))
	o.settle()
	require.Equal(t, "de", o.messages()[0].Language, "of the template")
	require.Equal(t, "To: Greta <greta@example.org>\nSubject: Ihre Bewerbung\n\nGuten Tag Greta", o.letter(o.messages()[0]))

	// A language that is set later is that of what is queued from then on.
	o.must("coordinator/c1", "language.set", fields{"person": "greta", "language": "fr"})
	o.must("coordinator/c1", "language.set", fields{"person": "a1", "language": "de"})
	o.decline("a1")
	require.Equal(t, "de", o.messages()[0].Language, "as it was queued")
	require.Equal(t, "de", o.messages()[1].Language)
	_, err := o.try("coordinator/c1", "language.set", fields{"person": "greta", "language": "German"})
	require.ErrorIs(t, err, domain.ErrLanguage)

	// A name or an address that is corrected meanwhile is the new one.
	o.must("coordinator/c1", "name.set", fields{"person": "greta", "name": "Gréta"})
	o.must("coordinator/c1", "email.set", fields{"person": "greta", "email": "new@example.org"})
	require.Equal(t, "To: Gréta <new@example.org>\nSubject: Ihre Bewerbung\n\nGuten Tag Gréta", o.letter(o.messages()[0]))
	_, err = o.try("coordinator/c1", "person.register", fields{"handle": "x", "register": "register", "name": "X", "email": "x.example.org"})
	require.ErrorIs(t, err, person.ErrEmail)
	require.NotContains(t, err.Error(), "x.example.org")
}

// What a definition may tell are events, and whoever it may tell is in them.
func TestEveryEventThatIsToldIsOne(t *testing.T) {
	t.Parallel()
	for _, event := range programme.Vocabulary["told"] {
		require.Contains(t, schema.Names(), event)
		for _, undone := range programme.Undoes(event) {
			require.Contains(t, schema.Names(), undone)
		}
	}
	for _, name := range schema.Names() {
		for _, undone := range programme.Undoes(name) {
			require.Equal(t, strings.Contains(undone, "review"), strings.Contains(name, "review"), "%s undoes %s: they lie in one stream", name, undone)
		}
	}
}

func because(reason string) workflows.Cause { return workflows.Cause{Channel: "web", Reason: reason} }
