//go:build unix

package main_test

import (
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The real program sends what was queued, before it was started and while it
// runs, once; and what it wrote is nowhere in the data directory but sealed.
func TestMailLeavesByFiles(t *testing.T) {
	t.Parallel()
	dir, out := filepath.Join(t.TempDir(), "data"), t.TempDir()
	do := func(by, command, with string) { daybook(t, dir, "do", command, "--by", by, "--with", with) }
	definition, err := os.ReadFile("testdata/canaries_definition.yaml")
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "pairs.yaml")
	require.NoError(t, os.WriteFile(file, append(definition, []byte(`
messages:
  - {message: thanks, on: application.received, to: applicant, templates: [{language: en, subject: "Thank you, {name}", text: "Dear {name}, the Seidenschwanz of {cycle} has it."}]}
`)...), 0o600))
	do("coordinator/finkenschlag", "person.register", `{"handle":"finkenschlag","register":"staff","name":"Kanari Goldammer"}`)
	for _, handle := range []string{"zeisigwald", "gimpelsang"} {
		do("coordinator/finkenschlag", "person.register", `{"handle":"`+handle+`","register":"applicants","name":"Kanari Rotkehlchen","email":"erithacus@kanari.example"}`)
	}
	daybook(t, dir, "definition", "publish", file, "--by", "coordinator/finkenschlag")
	do("coordinator/finkenschlag", "cycle.plan", `{"cycle":"spring","programme":"pairs","title":"Spring","from":"2199-03","to":"2199-05"}`)
	do("coordinator/finkenschlag", "call.open", `{"cycle":"spring","call":"mentees","deadline":{"published":"by 1 March 2199","local":"2199-03-01T17:00","zone":"Europe/Berlin","rule":"by"}}`)
	apply := func(handle string) {
		do("applicant/"+handle, "application.submit", `{"cycle":"spring","call":"mentees","route":"staff","answers":{"motives":"To learn."}}`)
	}
	apply("zeisigwald")
	require.Contains(t, daybook(t, dir, "messages", "--cycle", "spring"), " queued     thanks             Kanari Rotkehlchen, applicant  ")

	written := func(n int) (list []string) {
		require.Eventually(t, func() bool {
			list, _ = filepath.Glob(filepath.Join(out, "*.eml"))
			return len(list) >= n && strings.Count(daybook(t, dir, "messages", "--cycle", "spring"), " written to a file ") >= n
		}, patience, 50*time.Millisecond)
		require.Len(t, list, n)
		return list
	}
	for n, handle := range []string{"gimpelsang", ""} {
		_, stop := start(t, "serve", "--mail", "file:"+out+"?from=office@nemo.example", "--data", dir)
		written(n + 1)
		require.Zero(t, stop())
		if handle != "" {
			apply(handle)
		}
	}
	for _, name := range written(2) {
		f, err := os.Open(name)
		require.NoError(t, err)
		defer f.Close()
		m, err := mail.ReadMessage(f)
		require.NoError(t, err)
		require.Equal(t, "Thank you, Kanari Rotkehlchen", m.Header.Get("Subject"))
		id, _, _ := strings.Cut(filepath.Base(name), "-1.eml")
		require.Equal(t, "<"+id+"@nemo.example>", m.Header.Get("Message-ID"))
		require.Equal(t, "To: Kanari Rotkehlchen <erithacus@kanari.example>\nSubject: Thank you, Kanari Rotkehlchen\n\nDear Kanari Rotkehlchen, the Seidenschwanz of Spring has it.\n", daybook(t, dir, "messages", "show", id))
	}
	requireNoCanaryIn(t, dir, []string{"Goldammer", "Rotkehlchen", "erithacus", "Dear Kanari"})
	require.Contains(t, daybook(t, dir, "policies", "replay"), "as recorded: ")
	require.Contains(t, daybook(t, dir, "history", "--cycle", "spring", "--name", "message"), "The message “thanks” to Kanari Rotkehlchen was written to a file (the mail)")
}
