package main_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	main "github.com/daybook-engine/daybook/cmd/daybook"
)

// BenchmarkRehearse plays whole seasons as daybook rehearse does: autumn 2023 and
// the spring before it; and one of nine months with 1,000 applications; each with
// nothing kept of it, and into a directory of its own, on the disk of TMPDIR.
func BenchmarkRehearse(b *testing.B) {
	for name, write := range map[string]func(*testing.B) string{
		"autumn": func(*testing.B) string { return "rehearsals/nemo-2023-autumn.yaml" },
		"large":  largeSeason,
	} {
		b.Run(name, func(b *testing.B) {
			file := write(b)
			b.Run("dry", func(b *testing.B) {
				for b.Loop() {
					require.Zero(b, main.Run(b.Context(), []string{"rehearse", file, "--dry-run"}, io.Discard, os.Stderr))
				}
			})
			b.Run("kept", func(b *testing.B) {
				for b.Loop() {
					data := filepath.Join(b.TempDir(), "data")
					require.Zero(b, main.Run(b.Context(), []string{"rehearse", file, "--data", data}, io.Discard, os.Stderr))
				}
			})
		})
	}
}

// largeSeason writes a season of NEMO's as large as an open call: 1,050 people
// begin an application, 1,000 send theirs, 50 are not eligible, 300 are
// shortlisted, 100 are offered a place, of whom 20 do not take it, and 100 pairs
// meet twice.
func largeSeason(b *testing.B) string {
	const (
		drafts, sent, eligible, shortlist = 1050, 1000, 950, 300
		places, taken, reserve            = 100, 80, 40
		reviewers                         = 20
	)
	outside := []string{ // of any cycle
		"person.register", "organisation.register", "membership.record", "mentor.join", "definition.publish", "quota.set",
	}
	dir := b.TempDir()
	definition, err := os.ReadFile("rehearsals/nemo-one-to-one.yaml")
	require.NoError(b, err)
	require.NoError(b, os.WriteFile(filepath.Join(dir, "nemo.yaml"), definition, 0o600))

	var out strings.Builder
	parts, n := 0, 0
	name := func(part int) string { return fmt.Sprintf("large-%d", part) }
	cut := func() { // a file is at most a megabyte
		if out.Len() > 0 {
			require.NoError(b, os.WriteFile(filepath.Join(dir, name(parts)+".yaml"), []byte(out.String()), 0o600))
			out.Reset()
		}
	}
	begin := func() {
		cut()
		parts++
		fmt.Fprintf(&out, "rehearsal: %s\ndefinition: nemo.yaml\n", name(parts))
		if parts > 1 {
			fmt.Fprintf(&out, "after: [%s.yaml]\n", name(parts-1))
		}
		fmt.Fprint(&out, "steps:\n")
	}
	begin()
	do := func(at time.Time, by, command, format string, args ...any) {
		if out.Len() > 1_000_000 {
			begin()
		}
		n++
		with := fmt.Sprintf(format, args...)
		if !slices.Contains(outside, command) {
			with = strings.TrimSuffix("cycle: large, "+with, ", ")
		}
		fmt.Fprintf(&out, "  - {key: s%d, at: %s, by: %s, do: %s, with: {%s}}\n", n, at.Format(time.RFC3339), by, command, with)
	}
	day := func(month time.Month, day int) time.Time { return time.Date(2023, month, day, 8, 0, 0, 0, time.UTC) }
	// each gives the moments of something that happens count times in so many days.
	each := func(from time.Time, days, count, i int) time.Time {
		return from.Add(time.Duration(i) * time.Duration(days) * 24 * time.Hour / time.Duration(count)).Truncate(time.Minute)
	}
	const c1, text = "coordinator/c1", "What somebody writes who was asked for a line: it is sealed, and nobody else reads it."

	start := day(time.January, 9)
	do(start, c1, "person.register", "handle: c1, register: staff, name: Johanna")
	do(start, c1, "organisation.register", "organisation: nemo, name: Network, kind: network, country: DE, zone: Europe/Berlin")
	do(start, c1, "organisation.register", "organisation: museum, name: Museum, kind: museum, country: DE, zone: Europe/Berlin")
	do(start, c1, "membership.record", "organisation: museum, network: nemo")
	for i := range reviewers {
		do(start, c1, "person.register", "handle: r%d, register: staff, name: Reviewer %d", i, i)
	}
	for i := range places {
		do(start, c1, "person.register", "handle: m%d, register: mentors, name: Mentor %d", i, i)
		do(start, c1, "mentor.join", "mentor: m%d, pool: mentors, capacity: 1, expertise: [evaluation]", i)
	}
	do(start, c1, "definition.publish", "")
	do(start, c1, "quota.set", "quota: cycle, per: cycle, limit: %d", places)
	do(start, c1, "cycle.plan", "title: A large season, from: 2023-05, to: 2023-09")
	opened := day(time.January, 16)
	do(opened, c1, "call.open", `call: mentees, deadline: {published: "Apply by Sunday 26 February 2023, 23:59 in Berlin", local: 2023-02-26T23:59, zone: Europe/Berlin, rule: by}`)
	for i := range drafts {
		at := each(opened.Add(time.Hour), 40, drafts, i)
		do(at, c1, "person.register", "handle: p%d, register: applicants, name: Applicant %d", i, i)
		do(at, fmt.Sprintf("applicant/p%d", i), "draft.start", "call: mentees")
		if i < sent {
			do(at, fmt.Sprintf("applicant/p%d", i), "application.submit",
				"call: mentees, route: staff, organisation: museum, answers: {motives: \"%s\", strengths: \"%s\", priorities: [One, Two, Three]}", text, text)
		}
	}
	about := func(i int) string { return fmt.Sprintf("call: mentees, person: p%d", i) }
	for i := range sent {
		at := each(day(time.March, 1), 5, sent, i)
		if i < eligible {
			do(at, c1, "eligibility.confirm", "%s", about(i))
		} else {
			do(at, c1, "eligibility.fail", "%s, failed: [member-organisation]", about(i))
		}
	}
	for i := range eligible {
		for j := range 2 {
			do(each(day(time.March, 7), 1, eligible, i), c1, "review.assign", "%s, reviewer: r%d", about(i), (i+j)%reviewers)
		}
	}
	for i := range eligible {
		for j := range 2 {
			do(each(day(time.March, 8), 18, eligible, i), fmt.Sprintf("reviewer/r%d", (i+j)%reviewers), "review.record",
				"%s, recommendation: select, scores: [{criterion: motives, value: 4, justification: \"%[2]s\"}, {criterion: strengths, value: 3, justification: \"%[2]s\"}, {criterion: priorities, value: 5, justification: \"%[2]s\"}]", about(i), text)
		}
	}
	for i := range eligible {
		if at := each(day(time.March, 27), 1, eligible, i); i < shortlist {
			do(at, c1, "application.shortlist", "%s", about(i))
		} else {
			do(at, c1, "application.pass_over", "%s, rationale: \"%s\"", about(i), text)
		}
	}
	for i := range shortlist {
		switch at := each(day(time.April, 3), 1, shortlist, i); {
		case i < places:
			do(at, c1, "application.select", "%s, rationale: \"%s\"", about(i), text)
		case i < places+reserve:
			do(at, c1, "application.reserve", "%s, rank: %d, rationale: \"%s\"", about(i), i-places+1, text)
		default:
			do(at, c1, "application.decline", "%s, rationale: \"%s\"", about(i), text)
		}
	}
	for i := range places {
		do(day(time.April, 5), c1, "place.reserve", "%s", about(i))
	}
	for i := range places {
		switch at, by := each(day(time.April, 6), 4, places, i), fmt.Sprintf("applicant/p%d", i); {
		case i < taken:
			do(at, by, "offer.accept", "call: mentees")
		case i < taken+10: // the others' lapse, and the places go to the reserve
			do(at, by, "offer.decline", "call: mentees, note: \"%s\"", text)
		}
	}
	for i := places; i < places+places-taken; i++ {
		do(day(time.April, 14), fmt.Sprintf("applicant/p%d", i), "offer.accept", "call: mentees")
	}
	for i := places + places - taken; i < places+reserve; i++ {
		do(day(time.April, 20), c1, "reserve.release", "%s", about(i))
	}
	phase := func(from time.Time, days int, step func(at time.Time, i int, match string, who map[string]string)) {
		for i := range places {
			mentee := i
			if i >= taken {
				mentee += places - taken
			}
			step(each(from, days, places, i), i, fmt.Sprintf("match: pair%d", i), map[string]string{
				"mentee": fmt.Sprintf("p%d", mentee), "mentor": fmt.Sprintf("m%d", i),
			})
		}
	}
	sides := []string{"mentee", "mentor"}
	phase(day(time.May, 2), 1, func(at time.Time, _ int, match string, who map[string]string) {
		do(at, c1, "match.propose", "%s, mentee: %s, mentor: %s, rationale: \"%s\"", match, who["mentee"], who["mentor"], text)
	})
	phase(day(time.May, 3), 5, func(at time.Time, _ int, match string, who map[string]string) {
		for _, side := range sides {
			do(at, side+"/"+who[side], "match.accept", "%s, side: %s", match, side)
		}
		for _, side := range sides {
			do(at, side+"/"+who[side], "agreement.sign", "%s, side: %s, version: \"1\"", match, side)
		}
	})
	phase(day(time.May, 9), 14, func(at time.Time, _ int, match string, who map[string]string) {
		do(at, "mentee/"+who["mentee"], "contact.make", "%s, side: mentee", match)
	})
	for session, month := range []time.Month{time.June, time.August} {
		phase(day(month, 1), 20, func(at time.Time, _ int, match string, who map[string]string) {
			do(at, "mentee/"+who["mentee"], "session.schedule", "%s, session: %d, local: %s, zone: UTC, mode: online", match, session+1, at.AddDate(0, 0, 7).Format("2006-01-02T15:04"))
		})
		phase(day(month, 22), 20, func(at time.Time, _ int, match string, who map[string]string) {
			do(at, "mentor/"+who["mentor"], "session.hold", "%s, session: %d, local: %s, zone: UTC, mode: online, minutes: 60", match, session+1, at.Add(-2*time.Hour).Format("2006-01-02T15:04"))
			for _, side := range sides {
				do(at, side+"/"+who[side], "reflection.file", "%s, side: %s, kind: session, session: %d, text: \"%s\"", match, side, session+1, text)
			}
		})
	}
	phase(day(time.September, 15), 7, func(at time.Time, _ int, match string, who map[string]string) {
		do(at, "mentee/"+who["mentee"], "reflection.file", "%s, side: mentee, kind: final, text: \"%s\"", match, text)
		do(at, c1, "match.complete", "%s", match)
	})
	end := day(time.October, 9)
	do(end, c1, "cycle.close", "")
	for measure, value := range map[string]int{
		"applications_submitted": sent, "offers_made": places + places - taken, "places_filled": places, "sessions_held": 2 * places, "matches_completed": places,
	} {
		fmt.Fprintf(&out, "  - {check: {measure: %s, cycle: large, value: %d}}\n", measure, value)
	}
	cut()
	return filepath.Join(dir, name(parts)+".yaml")
}
