package projections_test

import (
	"bytes"
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/domain/call"
	"github.com/daybook-engine/daybook/domain/cycle"
	"github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/domain/measure"
	"github.com/daybook-engine/daybook/domain/message"
	"github.com/daybook-engine/daybook/domain/person"
	"github.com/daybook-engine/daybook/domain/schema"
	tasks "github.com/daybook-engine/daybook/domain/task"
	"github.com/daybook-engine/daybook/domain/when"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/memory"
	"github.com/daybook-engine/daybook/projections"
)

const autumn = "nemo-2023-autumn"

func setup(t *testing.T) (*memory.Store, *projections.Views) {
	t.Helper()
	store := memory.New()
	write(t, store, season(t))
	return store, views(t, store)
}

func views(t *testing.T, store eventstore.Store) *projections.Views {
	t.Helper()
	v, err := projections.Open("", store)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, v.Close()) })
	require.NoError(t, v.CatchUp(t.Context()))
	return v
}

func dump(t *testing.T, v *projections.Views) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, v.Dump(t.Context(), &b))
	return b.String()
}

func TestTheFiguresOfS1(t *testing.T) {
	t.Parallel()
	_, v := setup(t)
	figures, err := v.Figures(t.Context(), autumn)
	require.NoError(t, err)
	got := map[string]int64{}
	for i, f := range figures {
		require.Equal(t, measure.All[i].Measure, f.Measure)
		require.Equal(t, v.Position(), f.Position)
		got[f.Measure] = f.Value
	}
	require.Equal(t, map[string]int64{
		"drafts_started": 24, "applications_submitted": 22, "applications_late": 1, "submissions_refused": 1,
		"applications_withdrawn": 1, "applications_ineligible": 3, "applications_shortlisted": 8, "applications_not_selected": 11,
		"offers_made": 6, "offers_declined": 1, "reserves_released": 1, "places_filled": 5, "places_filled_year": 5,
		"matches_made": 6, "mentees_matched": 5, "mentors_matched": 6, "matches_active": 5,
		"sessions_scheduled": 15, "sessions_held": 13, "sessions_cancelled": 1, "sessions_missed": 1,
		"session_minutes": 945, "sessions_conforming": 12, "matches_completed_by_rule": 4, "matches_completed": 5,
		"reflections_due_mentee": 13, "reflections_filed_mentee": 11, "reflections_due_mentor": 13, "reflections_filed_mentor": 9,
		"reflections_final": 5,
		"attendances":       0, "people_attending": 0, "people_supervised": 0,
	}, got)
}

func TestAnExplanationAddsUpToItsFigure(t *testing.T) {
	t.Parallel()
	_, v := setup(t)
	figures, err := v.Figures(t.Context(), autumn)
	require.NoError(t, err)
	for _, f := range figures {
		x, err := v.Explain(t.Context(), autumn, f.Measure)
		require.NoError(t, err)
		require.Equal(t, f.Value, x.Value, f.Measure)
		require.Len(t, x.Events, f.Events, f.Measure)
		for _, e := range x.Events {
			require.Contains(t, x.Measure.Names(), e.Envelope.Name)
			require.NotEmpty(t, e.Sentence)
		}
	}
	minutes, err := v.Explain(t.Context(), autumn, "session_minutes")
	require.NoError(t, err)
	names := map[string]int{}
	for _, e := range minutes.Events {
		names[e.Envelope.Name]++
	}
	require.Equal(t, map[string]int{"session.held": 12, "session.corrected": 1}, names)

	require.Len(t, minutes.Removed, 1, "the correction stands in its place")
	require.Equal(t, "session.held", minutes.Removed[0].Envelope.Name)
	require.Equal(t, "session.corrected", minutes.Removed[0].By.Envelope.Name)
	for measure, removed := range map[string][]string{
		"matches_made": nil, "matches_active": {"match.made by match.unwound"}, "sessions_missed": nil,
		"places_filled": nil, "places_filled_year": nil, // who gave a place back had not filled it
	} {
		x, err := v.Explain(t.Context(), autumn, measure)
		require.NoError(t, err)
		var got []string
		for _, r := range x.Removed {
			got = append(got, r.Envelope.Name+" by "+r.By.Envelope.Name)
		}
		require.Equal(t, removed, got, measure)
	}

	_, err = v.Explain(t.Context(), autumn, "happiness")
	require.ErrorIs(t, err, projections.ErrMeasure)
	require.ErrorIs(t, err, domain.NotFound)
	_, err = v.Figures(t.Context(), "nowhere")
	require.ErrorIs(t, err, cycle.ErrUnknown)
}

func TestTheFunnelReconciles(t *testing.T) {
	t.Parallel()
	_, v := setup(t)
	f, err := v.Funnel(t.Context(), autumn)
	require.NoError(t, err)
	require.Equal(t, "submitted 22 = not selected 11 + placed 5 + ineligible 3 + offer declined 1 + reserve released 1 + withdrawn 1", f.String())
	for stage, n := range map[string]int{
		projections.Started: 24, projections.Late: 1, projections.Refused: 1, projections.Eligible: 18, projections.Shortlisted: 8,
		projections.NotShortlisted: 10, projections.Declined: 1, projections.Reserved: 2, projections.Selected: 7, projections.Offered: 6,
		projections.Accepted: 5, projections.Matched: 5, projections.Active: 5, projections.Completed: 5,
	} {
		require.Equal(t, n, f.Count(stage), stage)
	}
	exits := 0
	for _, s := range f.Stages {
		for _, e := range s.Exits {
			exits += e.Count
		}
	}
	require.Equal(t, 24, exits, "every application left somewhere")
}

func TestTheBoards(t *testing.T) {
	t.Parallel()
	_, v := setup(t)
	ctx := t.Context()

	c, err := v.Cycle(ctx, autumn)
	require.NoError(t, err)
	require.Equal(t, "closed", c.Phase)
	require.Equal(t, "2023-07-31T00:00", c.Calls[0].Deadline.Local)
	require.Len(t, c.Calls[0].Earlier, 1)
	require.Equal(t, projections.Counts{Submitted: 22, Placed: 5, Matches: 6}, c.Counts)
	all, err := v.Cycles(ctx)
	require.NoError(t, err)
	require.Equal(t, []projections.Cycle{c}, all)

	p, err := v.Places(ctx, autumn)
	require.NoError(t, err)
	require.Equal(t, []projections.QuotaUse{
		{Quota: "cycle", Per: "cycle", Limit: 5, Used: 5, Filled: 5, Released: 1},
		{Quota: "year", Per: "year", Limit: 10, Used: 5, Filled: 5, Released: 1},
	}, p.Quotas)
	require.Len(t, p.Refused, 1)
	require.Equal(t, "promoted", p.Reserve[0].Status)
	require.Equal(t, "released", p.Reserve[1].Status)
	require.Equal(t, 1, p.Places[5].Rank)

	m, err := v.Match(ctx, autumn, "m3")
	require.NoError(t, err)
	require.Equal(t, match.Complete, m.Phase)
	require.Equal(t, 180, m.Minutes())
	require.False(t, m.OverdueAt.IsZero())
	require.Equal(t, "cancelled", m.Sessions[2].Status)
	require.Equal(t, 1, m.Sessions[2].Sequence)

	files, err := v.Applications(ctx, autumn)
	require.NoError(t, err)
	require.Len(t, files, 24)
	a, err := v.Application(ctx, files[0].Key)
	require.NoError(t, err)
	require.Len(t, a.Reviews, 3)
	require.Equal(t, "employer", a.Reviews[1].Conflict)
	require.Len(t, a.Reviews[1].Refused, 1)
	require.Len(t, a.Decisions, 2)
	late, err := v.Application(ctx, files[21].Key)
	require.NoError(t, err)
	require.True(t, late.Late)
	require.Len(t, late.Refusals, 1)

	require.Equal(t, "reserve released", files[6].State())
	require.Equal(t, "accepted", files[0].State())

	s, err := v.Season(ctx, autumn)
	require.NoError(t, err)
	require.Len(t, s.Sessions, 15)
	require.NotEmpty(t, s.Days)
}

func TestTheRegisterOfExceptions(t *testing.T) {
	t.Parallel()
	_, v := setup(t)
	list, err := v.Exceptions(t.Context(), autumn)
	require.NoError(t, err)
	kinds := map[string]int{}
	for _, x := range list {
		for _, k := range x.Kinds {
			kinds[k]++
		}
		require.NotEmpty(t, x.Sentence)
	}
	require.Equal(t, map[string]int{
		"waiver": 1, "extension": 1, "permit": 1, "late": 1, "refused": 3, "correction": 1, "overdue": 1, "lapsed": 2, "unwound": 1,
		"nonconforming": 2, "late_entry": 11, // the builder writes one match after the other
	}, kinds)
}

// Only where Daybook puts them itself do tokens stand for sealed words.
func TestWordsAreRevealedOfNamesAlone(t *testing.T) {
	t.Parallel()
	reveal := func(digest string) string { return "the words of " + digest }
	require.Equal(t, "the words of d", projections.Revealed("name.set", "{sealed:d}", reveal))
	require.Equal(t, "{sealed:d}", projections.Revealed("deadline.extended", "{sealed:d}", reveal))
}

func TestTheErasures(t *testing.T) {
	t.Parallel()
	facts := season(t)
	erase := func(whom domain.Person, name string, body person.Event) fact {
		f := facts[0]
		env, err := schema.DecodeEnvelope(f.event.Metadata)
		require.NoError(t, err)
		f.stream, f.event = person.ID{Person: whom}.Stream(), eventstore.Event{ID: uuid.New(), Name: name}
		env.ID, env.Name = f.event.ID.String(), name
		_, f.event.Data, err = schema.Encode(body)
		require.NoError(t, err)
		f.event.Metadata, err = env.Encode()
		require.NoError(t, err)
		return f
	}
	store := memory.New()
	write(t, store, facts)
	v := views(t, store)
	none, err := v.Erasures(t.Context())
	require.NoError(t, err)
	require.Empty(t, none)
	write(t, store, []fact{
		erase("ada", "erasure.started", person.ErasureStarted{}), erase("bob", "erasure.started", person.ErasureStarted{}),
		erase("ada", "erasure.completed", person.ErasureCompleted{}),
	})
	require.NoError(t, v.CatchUp(t.Context()))
	erasures, err := v.Erasures(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[domain.Person]bool{"ada": true, "bob": false}, erasures)
}

func TestTheHistoryIsFiltered(t *testing.T) {
	t.Parallel()
	store, v := setup(t)
	all, err := v.History(t.Context(), projections.HistoryFilter{})
	require.NoError(t, err)
	head, err := store.Head(t.Context())
	require.NoError(t, err)
	require.Len(t, all, int(head.Commit()))
	mentee := all[len(all)-4].Envelope.Subjects[0]
	middle := all[100].Position

	for name, c := range map[string]struct {
		filter projections.HistoryFilter
		is     func(projections.HistoryRow) bool
	}{
		"cycle":   {projections.HistoryFilter{Cycle: autumn}, func(r projections.HistoryRow) bool { return r.Cycle == autumn }},
		"stream":  {projections.HistoryFilter{Stream: "cycle-" + autumn}, func(r projections.HistoryRow) bool { return r.Stream == "cycle-"+autumn }},
		"name":    {projections.HistoryFilter{Name: "session.held"}, func(r projections.HistoryRow) bool { return r.Envelope.Name == "session.held" }},
		"prefix":  {projections.HistoryFilter{Name: "session"}, func(r projections.HistoryRow) bool { return strings.HasPrefix(r.Envelope.Name, "session.") }},
		"nothing": {projections.HistoryFilter{Name: "sess"}, func(projections.HistoryRow) bool { return false }},
		"actor":   {projections.HistoryFilter{Actor: all[0].Envelope.Actor}, func(projections.HistoryRow) bool { return true }},
		"subject": {projections.HistoryFilter{Subject: mentee}, func(r projections.HistoryRow) bool {
			for _, s := range r.Envelope.Subjects {
				if s == mentee {
					return true
				}
			}
			return false
		}},
		"after":  {projections.HistoryFilter{After: middle}, func(r projections.HistoryRow) bool { return r.Position.Compare(middle) > 0 }},
		"before": {projections.HistoryFilter{Before: middle}, func(r projections.HistoryRow) bool { return r.Position.Compare(middle) < 0 }},
		"span": {projections.HistoryFilter{From: closes, To: closes.Add(time.Hour)}, func(r projections.HistoryRow) bool {
			return !r.Envelope.OccurredAt.Before(closes) && !r.Envelope.OccurredAt.After(closes.Add(time.Hour))
		}},
	} {
		var want []projections.HistoryRow
		for _, r := range all {
			if c.is(r) {
				want = append(want, r)
			}
		}
		got, err := v.History(t.Context(), c.filter)
		require.NoError(t, err, name)
		require.Len(t, got, len(want), name)
		if name != "nothing" {
			require.NotEmpty(t, got, name)
			require.Equal(t, want, got, name)
		}
	}
	newest, err := v.History(t.Context(), projections.HistoryFilter{Newest: true, Limit: 2, Before: all[50].Position})
	require.NoError(t, err)
	require.Equal(t, []projections.HistoryRow{all[49], all[48]}, newest)
	w := &writer{t: t, cycle: autumn, now: closes, edit: func(e *schema.Envelope) { e.ID, e.Correlation = uuid.NewString(), "import" }}
	w.in("cycle-"+autumn, cycle.StageScheduled{Stage: "review", From: "2023-08"})
	write(t, store, w.facts)
	require.NoError(t, v.CatchUp(t.Context()))
	for of, n := range map[string]int{"": 1, autumn: 1, "spring": 0} {
		together, err := v.History(t.Context(), projections.HistoryFilter{Cycle: of, Correlation: "import"})
		require.NoError(t, err)
		require.Len(t, together, n, of)
	}
}

func TestSentences(t *testing.T) {
	t.Parallel()
	for _, name := range schema.Names() {
		body, err := schema.Decode(name, []byte("{}"))
		require.NoError(t, err)
		sentence, _, _ := projections.Sentence(projections.Event{Envelope: schema.Envelope{Name: name}, Body: body})
		require.NotEqual(t, name, sentence)
		require.NotEmpty(t, sentence)
		require.NotContains(t, sentence, "%!", name)
	}
	_, v := setup(t)
	say := func(name string) []string {
		rows, err := v.History(t.Context(), projections.HistoryFilter{Name: name})
		require.NoError(t, err)
		var list []string
		for _, r := range rows {
			list = append(list, projections.Named(r.Sentence, func(domain.Person) string { return "Ana" }))
		}
		return list
	}
	require.Contains(t, say("deadline.extended"), "The deadline was moved from before Mon 24 Jul 2023 00:00 Europe/Berlin, published as “Apply before 2023-07-24T00:00” to before Mon 31 Jul 2023 00:00 Europe/Berlin, published as “Apply before 2023-07-31T00:00”")
	require.Contains(t, say("session.held"), "Session 2 was held: 45 minutes, online; does not conform: shorter than planned")
	require.Contains(t, say("place.refused"), "Place refused to Ana: every place is taken (cycle: 5 of 5)")
	require.Contains(t, say("access.refused"), "Ana was not allowed to open the application of Ana because of a declared conflict")
	require.Contains(t, say("match.made"), "Ana and mentor Ana were matched, in the place of match m4")
}

func TestADeadlineIsToldWithItsWording(t *testing.T) {
	t.Parallel()
	was := when.Deadline{Local: "2026-11-21T19:46", Zone: "Europe/Berlin", Rule: when.By, Published: "by 19:46 on 22 November", Override: "as_printed"}
	now := was
	now.Published = "by 19:46 on 21 November"
	say := func(body any) string {
		sentence, _, _ := projections.Sentence(projections.Event{Body: body})
		return sentence
	}
	require.Equal(t, "The call for mentees opened: by Sat 21 Nov 2026 19:46 Europe/Berlin, published as “by 19:46 on 22 November”", say(call.Opened{Role: "mentee", Deadline: was}))
	require.Equal(t, "The wording of the deadline was corrected from “by 19:46 on 22 November” to “by 19:46 on 21 November”; it stays by Sat 21 Nov 2026 19:46 Europe/Berlin", say(call.DeadlineExtended{Was: was, Now: now}))
	now.Local = "2026-11-22T19:46"
	require.Equal(t, "The deadline was moved from by Sat 21 Nov 2026 19:46 Europe/Berlin, published as “by 19:46 on 22 November” to by Sun 22 Nov 2026 19:46 Europe/Berlin, published as “by 19:46 on 21 November”", say(call.DeadlineExtended{Was: was, Now: now}))
}

func TestAReminderSaysWhyItGoesOutThen(t *testing.T) {
	t.Parallel()
	at := func(day, hour int) time.Time { return time.Date(2023, 6, day, hour, 0, 0, 0, time.UTC) }
	b := tasks.Reminded{Matter: tasks.Matter{Key: "screen"}, Role: "coordinator", Due: at(26, 15), Timer: domain.Timer{Due: at(23, 15), Fired: at(23, 15)}}
	say := func(body any) string {
		sentence, _, _ := projections.Sentence(projections.Event{Body: body})
		return sentence
	}
	require.Equal(t, "A coordinator is reminded of the task “screen”, due Mon 26 Jun 2023 15:00 UTC", say(b), "as it was kept before")
	b.Text, b.Zone, b.Before, b.Number, b.AtMost = "Screen the applications", "Europe/Berlin", when.Offset{WorkingDays: 1}, 1, 3
	require.Equal(t, "A coordinator is reminded of the task “Screen the applications”, due Mon 26 Jun 2023 17:00 Europe/Berlin: 1 working day earlier; reminder 1 of at most 3", say(b))
	b.Number, b.Was, b.Before = 2, at(24, 15), when.Offset{}
	require.Equal(t, "A coordinator is reminded of the task “Screen the applications”, due Mon 26 Jun 2023 17:00 Europe/Berlin: when it is due; reminder 2 of at most 3; at the last one it was due Sat 24 Jun 2023 17:00 Europe/Berlin", say(b))
	handed := tasks.Delegated{Matter: b.Matter, Of: "A", To: "B", From: at(23, 15), Zone: "Europe/Berlin"}
	require.Equal(t, "The task “screen” was handed on by {person:A} to {person:B} from Fri 23 Jun 2023 17:00 Europe/Berlin", say(handed))
}

func TestWhatBecameOfAMessageIsSaidTruly(t *testing.T) {
	t.Parallel()
	say := func(body any, reason string) string {
		sentence, _, _ := projections.Sentence(projections.Event{Envelope: schema.Envelope{Reason: reason, Subjects: []domain.Person{"F"}}, Body: body})
		return sentence
	}
	require.Equal(t, "A message to {person:F} did not arrive", say(message.Failed{Why: message.NotArrived}, "called"))
	require.Equal(t, "A message to {person:F} was not sent: the mail server refused it", say(message.Failed{Why: "refused"}, ""))
	require.Equal(t, "A message to {person:F} was withdrawn: offer accepted", say(message.Withdrawn{Why: "offer_accepted"}, ""))
	require.Equal(t, "A message to {person:F} was withdrawn", say(message.Withdrawn{Why: "told_by_phone"}, "told_by_phone"), "which is told beside it")
}

func TestWordsForWhoActed(t *testing.T) {
	t.Parallel()
	for actor, says := range map[string]string{
		"clock": "the clock", "make-the-match": "the policy that makes the match when both have accepted",
		"free-the-mentor-completed": "the policy that frees a mentor's room", "free-the-mentor-unwound": "the policy that frees a mentor's room",
		"a-policy-to-come": "a policy to come",
	} {
		require.Equal(t, says, projections.Doer(actor))
	}
	require.Equal(t, "to be confirmed by Tile Museum", projections.Organised("to be confirmed by {organisation:tile-workshop}", func(slug string) string {
		require.Equal(t, "tile-workshop", slug)
		return "Tile Museum"
	}))
}

func TestRebuiltViewsEqualLiveOnes(t *testing.T) {
	t.Parallel()
	facts := season(t)
	store := memory.New()
	path := filepath.Join(t.TempDir(), "views.db")
	live, err := projections.Open(path, store)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- live.Run(ctx) }()
	require.NoError(t, live.WaitFor(ctx, write(t, store, facts)))
	want := dump(t, live)
	require.NotEmpty(t, want)
	stop()
	require.ErrorIs(t, <-ended, context.Canceled)
	require.NoError(t, live.Close())

	var told []int64
	require.NoError(t, projections.Rebuild(t.Context(), path, store, func(n int64, done, head eventstore.Position) {
		require.LessOrEqual(t, done.Compare(head), 0)
		told = append(told, n)
	}))
	require.Equal(t, int64(len(facts)), told[len(told)-1])
	rebuilt, err := projections.Open(path, store)
	require.NoError(t, err)
	require.Equal(t, want, dump(t, rebuilt))
	require.NoError(t, rebuilt.Close())
}

// A process that starts again knows what is in the tables, and no more: one that
// starts every few events gives the rows of one that has seen them all.
func TestViewsThatAreReopenedEqualLiveOnes(t *testing.T) {
	t.Parallel()
	store := memory.New()
	live, path := views(t, store), filepath.Join(t.TempDir(), "views.db")
	for few := range slices.Chunk(season(t), 16) {
		write(t, store, few)
		require.NoError(t, live.CatchUp(t.Context()))
		reopened, err := projections.Open(path, store)
		require.NoError(t, err)
		require.NoError(t, reopened.CatchUp(t.Context()))
		require.Equal(t, dump(t, live), dump(t, reopened), "up to %s", few[len(few)-1].event.Name)
		require.NoError(t, reopened.Close())
	}
}

// The store's identity is all that two logs of the same events differ in.
func TestBatchesOfAnySizeGiveTheSameRows(t *testing.T) {
	t.Parallel()
	facts := season(t)
	var want string
	for _, size := range []int{len(facts), 1, 7, 100} {
		store := memory.New()
		v := views(t, store)
		for rest := facts; len(rest) > 0; {
			n := min(size, len(rest))
			write(t, store, rest[:n])
			require.NoError(t, v.CatchUp(t.Context()))
			rest = rest[n:]
		}
		got := strings.ReplaceAll(dump(t, v), store.ID().String(), "")
		if want == "" {
			want = got
		}
		require.Equal(t, want, got, "batches of %d", size)
	}
}

func TestAProjectionOfAnotherShapeIsReplayedAlone(t *testing.T) {
	t.Parallel()
	for name, reshape := range map[string]func(p *projections.Projection){
		"another table":    func(p *projections.Projection) { p.Schema = "-- another shape\n" + p.Schema },
		"other documents":  func(p *projections.Projection) { p.Documents = nil },
		"an index is made": func(p *projections.Projection) { p.Indexes = "" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			replayedAlone(t, reshape)
		})
	}
}

func replayedAlone(t *testing.T, reshape func(p *projections.Projection)) {
	store := memory.New()
	facts := season(t)
	write(t, store, facts[:200])
	path := filepath.Join(t.TempDir(), "views.db")
	old := projections.All()
	for i := range old {
		if old[i].Name == "matches" {
			reshape(&old[i])
		}
	}
	gone := projections.Projection{Name: "matches_old", Schema: "CREATE TABLE matches_old (n INTEGER) STRICT;", Apply: func(*projections.Tx, *projections.Event) error { return nil }}
	v, err := projections.OpenWith(path, store, append(old, gone))
	require.NoError(t, err)
	require.NoError(t, v.CatchUp(t.Context()))
	require.NoError(t, v.Close())
	write(t, store, facts[200:])

	v, err = projections.Open(path, store)
	require.NoError(t, err)
	require.True(t, v.Position().IsZero())
	require.NoError(t, v.CatchUp(t.Context()))
	require.Equal(t, dump(t, views(t, store)), dump(t, v))
	require.NoError(t, v.Close())
}

func TestTheTimeMachineOnBothClocks(t *testing.T) {
	t.Parallel()
	store, v := setup(t)
	held := func(when projections.When) (held, conforming int64, wall eventstore.Position) {
		t.Helper()
		past, err := projections.At(t.Context(), store, when)
		require.NoError(t, err)
		defer past.Close()
		figures, err := past.Figures(t.Context(), autumn)
		require.NoError(t, err)
		for _, f := range figures {
			switch f.Measure {
			case "sessions_held":
				held = f.Value
			case "sessions_conforming":
				conforming = f.Value
			}
		}
		return held, conforming, past.Position()
	}
	rows, err := v.History(t.Context(), projections.HistoryFilter{Name: "session.held", Stream: "match-" + autumn + ".m2"})
	require.NoError(t, err)
	wrong := rows[2] // held on one day, recorded three days later, then corrected
	require.True(t, wrong.Late)

	before, _, at := held(projections.When{Time: wrong.Envelope.RecordedAt.Add(-time.Second), Clock: projections.Recorded})
	require.Equal(t, wrong.Position.Commit()-1, at.Commit(), "the prefix ends before it")
	then, conforming, at := held(projections.When{Time: wrong.Envelope.RecordedAt, Clock: projections.Recorded})
	require.Equal(t, before+1, then)
	require.Equal(t, then-1, conforming, "as then known it was too short")
	require.Equal(t, wrong.Position, at)

	was, conforming, at := held(projections.When{Time: wrong.Envelope.OccurredAt.Add(-time.Second), Clock: projections.Occurred})
	require.Equal(t, int64(11), was, "the first two sessions of each match")
	require.Equal(t, was-1, conforming, "one was of 45 minutes")
	require.Equal(t, v.Position(), at, "the whole log was read")
	was, conforming, _ = held(projections.When{Time: wrong.Envelope.OccurredAt, Clock: projections.Occurred})
	require.Equal(t, int64(13), was)
	require.Equal(t, was-1, conforming, "as we now know, that session conformed")
}

// A session that took place later than was recorded had not happened before,
// as we now know, and one that took place earlier had.
func TestACorrectionMovesASessionOnTheClockOfWhatHappened(t *testing.T) {
	t.Parallel()
	store, v := setup(t)
	rows, err := v.History(t.Context(), projections.HistoryFilter{Name: "session.held", Stream: "match-" + autumn + ".m1"})
	require.NoError(t, err)
	was := rows[1].Envelope.OccurredAt
	held := func(at time.Time, clock projections.Clock) (held, minutes int64) {
		t.Helper()
		past, err := projections.At(t.Context(), store, projections.When{Time: at, Clock: clock})
		require.NoError(t, err)
		defer past.Close()
		figures, err := past.Figures(t.Context(), autumn)
		require.NoError(t, err)
		for _, f := range figures {
			switch f.Measure {
			case "sessions_held":
				held = f.Value
			case "session_minutes":
				minutes = f.Value
			}
		}
		return held, minutes
	}
	before, minutes := held(was, projections.Occurred)
	early, _ := held(was.Add(-time.Second), projections.Occurred)

	now, ids := rows[len(rows)-1].Envelope.RecordedAt.AddDate(1, 0, 0), 9_000
	record := func(to time.Time, e match.Event) {
		w := &writer{t: t, cycle: autumn, now: now}
		now, ids = now.Add(time.Hour), ids+1
		w.facts = make([]fact, ids) // its id is the next one
		w.occurred(to)
		w.in(w.match("m1"), e)
		write(t, store, w.facts[ids:])
	}
	slot := func(to time.Time) match.Slot { return match.Slot{Start: to, Mode: "online"} }
	correct := func(to time.Time, lasted int) {
		record(to, match.SessionCorrected{Session: 2, Slot: slot(to), Minutes: lasted})
	}
	later := was.AddDate(0, 2, 0)
	correct(was.AddDate(0, 3, 0), 1)
	correct(later, 95)
	got, m := held(was, projections.Occurred)
	require.Equal(t, before-1, got)
	require.Equal(t, minutes-90, m)
	all, m := held(later.Add(-time.Second), projections.Occurred)
	require.Equal(t, int64(12), all)
	got, after := held(later, projections.Occurred)
	require.Equal(t, int64(13), got, "the last correction counts")
	require.Equal(t, m+95, after)
	got, _ = held(was.AddDate(0, 1, 0), projections.Recorded)
	require.Equal(t, int64(13), got, "as was then known")

	correct(was.Add(-time.Second), 90)
	got, _ = held(was.Add(-time.Second), projections.Occurred)
	require.Equal(t, early+1, got)

	record(was, match.SessionRetracted{Session: 2, Slot: slot(was)})
	got, _ = held(was, projections.Occurred)
	require.Equal(t, before-1, got, "it never was")
	got, _ = held(was.AddDate(0, 1, 0), projections.Recorded)
	require.Equal(t, int64(13), got, "as was then known")
	got, _ = held(now, projections.Recorded)
	require.Equal(t, int64(12), got)
	correct(later, 95)
	got, _ = held(later, projections.Occurred)
	require.Equal(t, int64(13), got, "it was, after all")
}

// What was recorded by mistake never was, as we now know; until it was retracted it
// was, as was then known. What is received later counts.
func TestWhatWasRetractedNeverWas(t *testing.T) {
	t.Parallel()
	store, v := setup(t)
	ctx := t.Context()
	w := &writer{t: t, cycle: autumn, facts: make([]fact, 9_000)} // its ids are none of the season's
	file := w.application(21)
	history, err := v.History(ctx, projections.HistoryFilter{Stream: file})
	require.NoError(t, err)
	slices.SortFunc(history, func(a, b projections.HistoryRow) int { return a.Envelope.RecordedAt.Compare(b.Envelope.RecordedAt) })
	require.Equal(t, "draft.started", history[0].Envelope.Name)
	begun, withdrawn := history[0].Envelope.OccurredAt, history[len(history)-1].Envelope.OccurredAt
	told := func(at time.Time, clock projections.Clock) (list []int64) {
		t.Helper()
		past, err := projections.At(ctx, store, projections.When{Time: at, Clock: clock})
		require.NoError(t, err)
		defer past.Close()
		figures, err := past.Figures(ctx, autumn)
		require.NoError(t, err)
		refused := slices.IndexFunc(figures, func(f projections.Figure) bool { return f.Measure == "submissions_refused" })
		for _, measure := range []string{"drafts_started", "applications_submitted", "applications_withdrawn"} {
			i := slices.IndexFunc(figures, func(f projections.Figure) bool { return f.Measure == measure })
			list = append(list, figures[i].Value)
		}
		f, err := past.Funnel(ctx, autumn)
		require.NoError(t, err)
		require.Equal(t, list, []int64{int64(f.Count(projections.Started)), int64(f.Count(projections.Submitted)), int64(f.Count(projections.Withdrawn))})
		require.EqualValues(t, figures[refused].Value, f.Count(projections.Refused), "also of what was retracted")
		sum := 0
		for _, o := range f.Outcomes {
			sum += o.Count
		}
		require.Equal(t, f.Count(projections.Submitted), sum)
		return list
	}
	then, before := told(begun.Add(-time.Second), projections.Occurred), told(begun, projections.Occurred)
	require.Equal(t, then[0]+1, before[0])
	is := func(more int64) []int64 { return []int64{23 + more, 21 + more, 0} }

	w.subj = []domain.Person{w.person(21)}
	w.now = time.Date(2024, 3, 1, 9, 0, 0, 0, time.UTC)
	w.in(file, application.SubmissionRefused{Cycle: autumn, Call: "mentees", Person: w.person(21), Code: "answers_missing", ReceivedAt: w.now})
	w.occurred(begun)
	w.in(file, application.Retracted{})
	retracted := w.now
	write(t, store, w.facts[9_000:])
	require.Equal(t, then, told(begun, projections.Occurred))
	require.Equal(t, is(0), told(withdrawn, projections.Occurred))
	require.Equal(t, is(0), told(retracted, projections.Recorded))
	require.Equal(t, []int64{24, 22, 1}, told(retracted.Add(-time.Second), projections.Recorded), "as was then known")

	// No list has it, its file is still there.
	require.NoError(t, v.CatchUp(ctx))
	key := strings.TrimPrefix(file, "application-")
	list, err := v.Applications(ctx, autumn)
	require.NoError(t, err)
	require.Len(t, list, 23)
	c, err := v.Cycle(ctx, autumn)
	require.NoError(t, err)
	require.Equal(t, 21, c.Counts.Submitted)
	a, err := v.Application(ctx, key)
	require.NoError(t, err)
	require.Equal(t, application.TakenBack, a.Phase)
	require.NotEmpty(t, a.Answers)
	require.True(t, retracted.Equal(a.RetractedAt))

	w.now = w.now.AddDate(0, 0, 1)
	was := w.now.AddDate(0, -5, 0)
	for _, e := range []any{
		application.DraftStarted{Cycle: autumn, Call: "mentees", Person: w.person(21)},
		application.Received{Form: "1", ReceivedAt: was, Deadline: deadline("2023-07-31T00:00"), AnswersHash: "another"},
	} {
		w.occurred(was)
		w.in(file, e)
	}
	write(t, store, w.facts[9_001:])
	require.Equal(t, is(0), told(was.Add(-time.Second), projections.Occurred))
	require.Equal(t, is(1), told(was, projections.Occurred))
	require.Equal(t, is(0), told(retracted, projections.Recorded))
	require.Equal(t, is(1), told(w.now, projections.Recorded))
	require.NoError(t, v.CatchUp(ctx))
	a, err = v.Application(ctx, key)
	require.NoError(t, err)
	require.Equal(t, application.Submitted, a.Phase)
	require.Equal(t, domain.Digest("another"), a.AnswersHash)
	require.Empty(t, a.Answers)
	require.True(t, a.WithdrawnAt.IsZero() && a.RetractedAt.IsZero())

	x, err := v.Explain(ctx, autumn, "applications_withdrawn")
	require.NoError(t, err)
	require.Empty(t, x.Events)
	require.Len(t, x.Removed, 1)
	require.Equal(t, "application.retracted", x.Removed[0].By.Envelope.Name)
}

func TestWaitForTellsWhyTheViewsStopped(t *testing.T) {
	t.Parallel()
	store := memory.New()
	facts := season(t)[:10]
	facts[5].event.Name = "cycle.teleported"
	p := write(t, store, facts)
	v, err := projections.Open("", store)
	require.NoError(t, err)
	defer v.Close()
	err = v.Run(t.Context())
	require.ErrorIs(t, err, schema.ErrUnknown)
	require.ErrorContains(t, err, "0000000000000006")
	require.ErrorIs(t, v.WaitFor(t.Context(), p), schema.ErrUnknown)
	require.Equal(t, uint64(5), v.Position().Commit(), "what came before counts")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, views(t, memory.New()).WaitFor(ctx, p), context.Canceled)
}

// Only Run says that it stopped, and that it goes on.
func TestACatchUpDoesNotHideThatTheViewsStopped(t *testing.T) {
	t.Parallel()
	store := memory.New()
	facts := season(t)
	write(t, store, facts[:10])
	v := views(t, store)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	require.ErrorIs(t, v.Run(ctx), context.Canceled)
	at := write(t, store, facts[10:20])
	require.NoError(t, v.CatchUp(t.Context()))
	require.NoError(t, v.WaitFor(t.Context(), at))
	at = write(t, store, facts[20:21])
	ctx, stop = context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	require.ErrorIs(t, v.WaitFor(ctx, at), context.Canceled)
}

func TestViewsOfAnotherLogAreRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "views.db")
	v, err := projections.Open(path, memory.New())
	require.NoError(t, err)
	require.NoError(t, v.Close())
	_, err = projections.Open(path, memory.New())
	require.ErrorIs(t, err, projections.ErrOtherStore)
}

// An older copy of the log was put back: what the views know of is gone, or
// something else stands in its place.
func TestViewsAheadOfTheirLogAreRefused(t *testing.T) {
	t.Parallel()
	facts := season(t)
	store := memory.New()
	path := filepath.Join(t.TempDir(), "views.db")
	v, err := projections.Open(path, store)
	require.NoError(t, err)
	write(t, store, facts[:20])
	require.NoError(t, v.CatchUp(t.Context()))
	require.NoError(t, v.Close())

	older := copyOf{memory.New(), store.ID()}
	write(t, older, facts[:19])
	_, err = projections.Open(path, older)
	require.ErrorIs(t, err, eventstore.ErrLost)
	require.ErrorContains(t, err, path)
	write(t, older, append(slices.Clone(facts[20:30]), facts[19]))
	_, err = projections.Open(path, older)
	require.ErrorIs(t, err, eventstore.ErrLost)

	require.NoError(t, projections.Rebuild(t.Context(), path, older, nil))
	v, err = projections.Open(path, older)
	require.NoError(t, err)
	require.NoError(t, v.Close())
}

// copyOf is a store with another's id.
type copyOf struct {
	eventstore.Store
	id uuid.UUID
}

func (c copyOf) ID() uuid.UUID { return c.id }

// What the clock waits for, while the season goes on.
func TestTheClocksQueue(t *testing.T) {
	t.Parallel()
	facts := season(t)
	store := memory.New()
	v := views(t, store)
	upTo := func(name string) {
		t.Helper()
		for len(facts) > 0 {
			f := facts[0]
			facts = facts[1:]
			write(t, store, []fact{f})
			if f.event.Name == name {
				break
			}
		}
		require.NoError(t, v.CatchUp(t.Context()))
	}
	next := func() (time.Time, []string) {
		t.Helper()
		at, ok, err := v.Next(t.Context())
		require.NoError(t, err)
		require.True(t, ok)
		early, err := v.Due(t.Context(), at.Add(-time.Nanosecond), 0)
		require.NoError(t, err)
		require.Empty(t, early)
		due, err := v.Due(t.Context(), at, 0)
		require.NoError(t, err)
		var commands []string
		for _, d := range due {
			require.Equal(t, at, d.Due)
			commands = append(commands, d.Command)
		}
		return at, commands
	}
	upTo("call.opened")
	at, commands := next()
	require.Equal(t, deadline("2023-07-24T00:00").Instant, at)
	require.Equal(t, []string{"call.close"}, commands)
	upTo("deadline.extended")
	at, _ = next()
	require.Equal(t, closes, at)
	due, err := v.Due(t.Context(), at, 1)
	require.NoError(t, err)
	require.JSONEq(t, `{"cycle": "nemo-2023-autumn", "call": "mentees"}`, string(due[0].Args))

	upTo("call.closed")
	at, commands = next()
	require.Equal(t, []string{"nomination.lapse"}, commands)
	require.Equal(t, time.Date(2023, 8, 4, 15, 0, 0, 0, time.UTC), at)
	all, err := v.Due(t.Context(), at.AddDate(1, 0, 0), 0)
	require.NoError(t, err)
	require.Len(t, all, 4, "and three drafts")
	require.Equal(t, time.Date(2023, 8, 13, 22, 0, 0, 0, time.UTC), all[1].Due, "14 days after closing")
	tasks, err := v.Queue(t.Context(), autumn, at)
	require.NoError(t, err)
	kinds := map[string]int{}
	for _, k := range tasks {
		kinds[k.Kind]++
	}
	require.Equal(t, map[string]int{"clock": 4, "eligibility": 20, "nomination": 1}, kinds)

	upTo("offer.made")
	_, commands = next()
	require.Equal(t, []string{"draft.expire", "draft.expire"}, commands)
	upTo("match.made")
	all, err = v.Due(t.Context(), at.AddDate(1, 0, 0), 0)
	require.NoError(t, err)
	require.Equal(t, "contact.mark_overdue", all[len(all)-1].Command)
	require.JSONEq(t, `{"cycle": "nemo-2023-autumn", "match": "m1"}`, string(all[len(all)-1].Args))
	people := func() (list []projections.Item) {
		tasks, err = v.Queue(t.Context(), autumn, at)
		require.NoError(t, err)
		return slices.DeleteFunc(tasks, func(t projections.Item) bool { return t.Role == "clock" })
	}
	upTo("completion.waived")
	require.NotEmpty(t, people())
	upTo("cycle.closed")
	require.Empty(t, people(), "reflections that nobody filed are asked for no more")
}

func TestACatchUpThatIsCancelledSaysSo(t *testing.T) {
	t.Parallel()
	store := memory.New()
	write(t, store, season(t))
	v, err := projections.Open("", store)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, v.CatchUp(ctx), context.Canceled)
	require.NoError(t, v.CatchUp(t.Context()))
	require.NoError(t, v.Close())
	require.NoError(t, v.Close(), "closing again does nothing")
	_, err = v.Cycles(t.Context())
	require.Error(t, err)
}

// What was applied when a catch-up is cut short is not applied again.
func TestACatchUpThatIsCutShortLeavesNothing(t *testing.T) {
	t.Parallel()
	store := memory.New()
	write(t, store, season(t))
	var want string
	for stop := range 40 { // at every tenth event; the first time at none
		ctx, cancel := context.WithCancel(t.Context())
		seen := 0
		stopper := projections.Projection{Name: "stopper", Apply: func(*projections.Tx, *projections.Event) error {
			if seen++; seen == 10*stop {
				cancel()
			}
			return nil
		}}
		v, err := projections.OpenWith("", store, append(projections.All(), stopper))
		require.NoError(t, err)
		_ = v.CatchUp(ctx) // it may have been through
		require.NoError(t, v.CatchUp(t.Context()))
		if want == "" {
			want = dump(t, v)
		}
		require.Equal(t, want, dump(t, v))
		require.NoError(t, v.Close())
	}
}
