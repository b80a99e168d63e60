package workflows_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/when"
	"github.com/daybook-engine/daybook/eventstore/storetest"
	"github.com/daybook-engine/daybook/workflows"
)

// Whatever is offered is accepted, whatever is left out is refused or changes
// nothing: for random people, in any role, about random tasks, while those are
// handed about, fall due, and what they are about goes on. DAYBOOK_SEED repeats
// a run.
func TestWhatIsOfferedIsAcceptedAndWhatIsNotIsRefused(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("DAYBOOK_SEED"); s != "" {
		var err error
		seed, err = strconv.ParseUint(s, 10, 64)
		require.NoError(t, err)
	}
	t.Logf("DAYBOOK_SEED=%d", seed)
	p := &people{r: rand.New(rand.NewPCG(seed, 2))}
	day := when.Offset{Days: 1}
	o := asking(t,
		programme.Task{
			Task: "screen", Role: "reviewer", On: "application.received", Due: when.Offset{Days: 2}, Expires: when.Offset{Days: 4},
			Remind: programme.Remind{Before: []when.Offset{day}, AtMost: 1}, Escalate: programme.Escalation{After: day, To: "coordinator"}, FourEyes: []string{"application.received"},
		},
		programme.Task{Task: "check", Role: "coordinator", On: "eligibility.confirmed", FourEyes: []string{"eligibility.confirmed"}},
		programme.Task{Task: "read", Role: "reviewer", On: "review.assigned", Done: []string{"review.recorded"}},
		programme.Task{Task: "complete", Role: "mentee", On: "application.received"},
	)
	o.must("coordinator/c1", "person.register", fields{"handle": "c2", "register": "register", "name": "c2"})
	o.must("coordinator/c1", "person.register", fields{"handle": "neutral", "register": "register", "name": "nobody's friend"})
	o.must("coordinator/c1", "person.register", fields{"handle": "other", "register": "register", "name": "nobody's friend either"})
	for i, a := range []string{"a1", "a2", "a3", "a4"} {
		by := []string{"applicant/" + a, "coordinator/c2"}[i%2]
		o.must(by, "application.submit", with(call, "person", a, "route", "staff", "answers", form))
	}
	o.settle()
	due := agenda{o.views()}

	offered, left := map[string]int{}, map[string]int{}
	for range every(300) {
		a := with(call, "person", one(p, "a1", "a2", "a3", "a4"))
		switch p.r.IntN(12) {
		case 0:
			_, _ = o.try(one(p, "coordinator/c1", "coordinator/c2"), "eligibility.confirm", a)
		case 1:
			_, _ = o.try("coordinator/c1", "review.assign", with(a, "reviewer", one(p, "r1", "r2")))
		case 2:
			if p.r.IntN(8) == 0 {
				_, _ = o.try("coordinator/c1", "conflict.declare", with(a, "reviewer", one(p, "r1", "r2", "c1", "c2"), "conflict", "family", "note", "n"))
			}
		case 3:
			if p.r.IntN(20) == 0 {
				_, _ = o.try("applicant/"+a["person"].(string), "application.withdraw", a)
			}
		case 4:
			o.clock.Set(o.clock.Now().Add(time.Duration(p.r.IntN(8)) * time.Hour))
			_, err := o.Tick(t.Context(), due)
			require.NoError(t, err)
		}
		o.settle()
		keys := o.tasksOf(one(p, "screen", "check", "read", "complete"))
		if len(keys) == 0 {
			continue
		}
		n := p.r.IntN(len(keys))
		task := o.id(keys[n].Opened.Key, n)
		by := one(p, "coordinator/c1", "coordinator/c2", "coordinator/c2", "reviewer/r1", "reviewer/r1", "reviewer/r2", "reviewer/r2", "reviewer/a1", "applicant/a1", "applicant/a2", "mentee/a1", "mentor/m1", "operator/c1")
		steps := workflows.StepsOf(task)
		require.Len(t, steps, 4, "claim, complete, delegate, reopen")
		before, err := o.store.Head(t.Context())
		require.NoError(t, err)
		lists, err := o.Available(t.Context(), by, steps)
		require.NoError(t, err)
		available := lists[0]
		after, err := o.store.Head(t.Context())
		require.NoError(t, err)
		require.Equal(t, before, after, "asking changes nothing")
		s := one(p, steps...)
		if len(available) > 0 && p.r.IntN(8) > 0 {
			s = one(p, available...)
		}
		f := fields{"task": task}
		if s.Command == "task.delegate" {
			f["to"] = "neutral"
			if keys[n].Lent.To == o.person("neutral") {
				f["to"] = "other"
			}
		}
		is := false
		for _, a := range available {
			is = is || a.Command == s.Command
		}
		result, err := o.try(by, s.Command, f)
		if is {
			require.NoError(t, err, "%s %s of %s was offered", by, s.Command, keys[n].Opened.Key)
			require.NotEmpty(t, result.Names, "%s %s of %s was offered", by, s.Command, keys[n].Opened.Key)
			offered[s.Command]++
			continue
		}
		require.Empty(t, result.Names, "%s %s of %s was not offered", by, s.Command, keys[n].Opened.Key)
		if err != nil {
			require.True(t, errors.As(err, new(*domain.Error)), err)
		}
		left[s.Command]++
	}
	require.Len(t, left, 4, "%v", left)
	require.NotEmpty(t, offered)
	t.Logf("offered and accepted %v; left out and refused %v", offered, left)
	storetest.CheckLog(t, o.store)
}

// What the queue asks of people otherwise is judged in the same way. What is
// refused only because more is to be said is offered.
func TestStepsAreOfferedWithWhatIsStillToBeSaid(t *testing.T) {
	t.Parallel()
	o := asking(t)
	o.must("applicant/a1", "application.submit", with(call, "route", "staff", "answers", form))
	o.must("coordinator/c1", "eligibility.confirm", with(call, "person", "a1"))
	o.must("coordinator/c1", "review.assign", with(call, "person", "a1", "reviewer", "r1"))
	a1 := encode(t, with(call, "person", o.person("a1")))
	var steps []workflows.Step
	for _, command := range []string{"review.record", "review.assign", "conflict.declare", "eligibility.confirm", "offer.accept", "tea.serve"} {
		steps = append(steps, workflows.Step{Command: command, With: a1})
	}
	for by, want := range map[string]string{
		"reviewer/r1": "review.record conflict.declare", "reviewer/r2": "conflict.declare", "coordinator/c1": "review.assign conflict.declare", "applicant/a1": "",
	} {
		lists, err := o.Available(t.Context(), by, nil, steps)
		require.NoError(t, err)
		require.Empty(t, lists[0])
		var commands []string
		for _, s := range lists[1] {
			commands = append(commands, s.Command)
		}
		require.Equal(t, want, strings.Join(commands, " "), by)
	}
	_, err := o.Available(t.Context(), "clock/c1", steps)
	require.Error(t, err)
	_, err = o.Available(t.Context(), "reviewer/nobody", steps)
	require.ErrorIs(t, err, domain.NotFound)
	_, err = o.Available(t.Context(), "reviewer/r1", []workflows.Step{{Command: "review.record", With: []byte(`{"cycle":5}`)}})
	require.NoError(t, err)
}
