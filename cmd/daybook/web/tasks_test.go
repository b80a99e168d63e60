package web_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain/programme"
	tasks "github.com/daybook-engine/daybook/domain/task"
	"github.com/daybook-engine/daybook/domain/when"
)

// A file says what somebody has to do about it, and what was done; the queue
// has what is left, and who else may take it up.
func TestAFileHasItsTasks(t *testing.T) {
	t.Parallel()
	s := filled(t)
	opened := func(key, text string, about tasks.About) tasks.Opened {
		return tasks.Opened{
			Matter: tasks.Matter{Key: key, About: about}, Cycle: "autumn", Zone: "Europe/Berlin", Role: "reviewer", At: day("2023-07-03T10:00"), Due: day("2023-07-10T10:00"),
			Plan: programme.Task{Task: key, Role: "reviewer", Text: text, Due: when.Offset{Days: 7}, Escalate: programme.Escalation{After: when.Offset{Days: 1}, To: "coordinator"}},
		}
	}
	screen, greet := opened("screen", "Screen it "+hostile, tasks.About{Call: "mentees", Person: ben}), opened("greet", "Greet them", tasks.About{Match: "m1", Session: 1})
	s.add("task-1", "cycle/autumn", "2023-07-03T10:00", screen, nil)
	s.add("task-1", "cycle/autumn", "2023-07-04T10:00", tasks.Claimed{Matter: screen.Matter, Person: mia}, nil)
	s.add("task-1", "cycle/autumn", "2023-07-11T10:00", tasks.Escalated{Matter: screen.Matter, To: "coordinator", Due: screen.Due}, byClock)
	s.add("task-2", "cycle/autumn", "2023-07-03T10:00", greet, nil)
	s.add("task-2", "cycle/autumn", "2023-07-05T10:00", tasks.Completed{Matter: greet.Matter, Person: mia}, nil)
	require.NoError(t, s.views.CatchUp(t.Context()))
	h := s.pages(nil)

	file := get(t, h, "/applications/"+idOf(ben).Key())
	require.Contains(t, file, ">Tasks</h2>")
	require.NotContains(t, file, hostile)
	require.Contains(t, file, "for Mia, reviewer, or any coordinator")
	require.NotContains(t, get(t, h, "/applications/"+idOf(ana).Key()), ">Tasks</h2>")
	match := get(t, h, "/cycles/autumn/matches/m1")
	require.Contains(t, match, "Greet them, session 1")
	require.Contains(t, match, "completed by Mia; for any reviewer")
	queue := get(t, h, "/cycles/autumn/queue")
	require.Contains(t, queue, "Mia, reviewer, or coordinator")
	require.Contains(t, queue, `<strong class="db-mark">overdue</strong>`)
	require.NotContains(t, queue, "Greet them")
	history := get(t, h, "/cycles/autumn/history?name=task")
	require.Contains(t, history, "/applications/"+idOf(ben).Key(), "what is about somebody leads to their file")
	require.Contains(t, history, "/cycles/autumn/matches/m1")
}
