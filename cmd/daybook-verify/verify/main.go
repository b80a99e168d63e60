package verify

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

// Exit codes.
const (
	pass       = 0
	fail       = 1
	unreadable = 2 // or used wrongly
	untrusted  = 3 // without a policy nothing is checked
)

// Main is the program: it checks the pack that args name, prints what it found
// and gives the exit code.
func Main(name string, args []string, stdout, stderr io.Writer) int {
	say := func(code int, err any) int {
		fmt.Fprintf(stderr, "%s: %v\n", name, err)
		return code
	}
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(stderr)
	policyFile := flags.String("policy", "", "file of the keys you trust, from the grant letter or the first pack: never out of the pack")
	sinceFile := flags.String("since", "", "a pack of this cycle that you hold already: the new one must continue it")
	events := flags.Bool("events", false, "list the events that each figure was counted from, such as the sessions held, as far as the pack discloses them")
	flags.Usage = func() {
		fmt.Fprintf(stderr, "usage: %s PACK --policy FILE [--since OLDER-PACK] [--events]\n", name)
		flags.PrintDefaults()
	}
	var packs []string
	for len(args) > 0 { // flags may come after the pack
		if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
			return pass
		} else if err != nil {
			return unreadable
		}
		if args = flags.Args(); len(args) > 0 {
			packs, args = append(packs, args[0]), args[1:]
		}
	}
	if len(packs) != 1 {
		flags.Usage()
		return unreadable
	}
	if *policyFile == "" {
		return say(untrusted, "--policy FILE is missing: whose signature is to be trusted is not for the pack to say")
	}
	source, err := os.ReadFile(*policyFile)
	if err != nil {
		return say(untrusted, err)
	}
	policy, err := ReadPolicy(source)
	if err != nil {
		return say(untrusted, err)
	}
	pack, err := os.ReadFile(packs[0])
	if err != nil {
		return say(unreadable, err)
	}
	var since []byte
	if *sinceFile != "" {
		if since, err = os.ReadFile(*sinceFile); err != nil {
			return say(unreadable, err)
		}
	}
	p, err := Check(pack, policy, since)
	switch {
	case errors.Is(err, ErrUnreadable):
		return say(unreadable, err)
	case err != nil:
		fmt.Fprintf(stdout, "FAIL  %v\n", err)
		return fail
	}
	p.print(stdout, *events)
	return pass
}

func (p *Pack) print(w io.Writer, events bool) {
	c := p.Claims
	fmt.Fprintf(w, "PASS  %s of %s, for %s\n\n%s", c.Cycle, c.Programme, c.For, proven)
	if p.Rehearsal {
		fmt.Fprintln(w, "\nREHEARSAL  nothing in this pack happened: it was played on a virtual clock")
	}
	fmt.Fprintf(w, "\nkey         %s\n", Fingerprint(p.VKey))
	fmt.Fprintf(w, "log         %s\n", p.Origin)
	fmt.Fprintf(w, "ledger      %d statements, root %s\n", p.Ledger.N, p.Ledger.Hash)
	for i, book := range c.Books {
		fmt.Fprintf(w, "book        %s, all its %d events\n", book, p.Sizes[i])
	}
	fmt.Fprintf(w, "as of       %s, the day of the newest event in these books\n", p.Until)
	if p.Older != nil {
		fmt.Fprintf(w, "continues   the older pack, as of %s: nothing of its past was changed\n", p.Older.Until)
	}
	fmt.Fprintf(w, "\nFigures, recomputed here from %d events disclosed:\n\n", p.Bodies)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i, f := range c.Figures {
		value := fmt.Sprint(f.Value)
		if f.LeftOut != "" {
			value = "left out: " + f.LeftOut
		}
		fmt.Fprintf(t, "%s\t%s\t%s%s\n", f.Measure, value, p.was(f.Measure), p.Measures[i].Words)
	}
	_ = t.Flush() // who cannot be written to is not told either
	if events {
		p.printEvents(w)
	} else {
		fmt.Fprintln(w, "\nThe events that they were counted from are listed with --events.")
	}
	fmt.Fprintf(w, "\n%s", notProven)
}

// printEvents lists what each figure was counted from: when it happened, what, in
// which stream, and of its content what any measure goes by.
func (p *Pack) printEvents(w io.Writer) {
	var fields []string
	for _, m := range p.Measures {
		fields = append(append(fields, m.Key...), m.Of)
		for _, s := range m.Over {
			for _, c := range s.Where {
				fields = append(fields, c.Field)
			}
		}
	}
	for i, m := range p.Measures {
		if len(p.counted[i]) == 0 {
			continue
		}
		fmt.Fprintf(w, "\n%s  %d  %s\n", m.Measure, p.Claims.Figures[i].Value, m.Words)
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for _, e := range p.counted[i] {
			var told []string
			for _, field := range fields {
				value := text(e.fact.body[field])
				if line := field + " " + printable(value); value != "" && !slices.Contains(told, line) {
					told = append(told, line)
				}
			}
			occurred := e.fact.occurred
			if at, err := time.Parse(time.RFC3339, occurred); err == nil {
				occurred = at.UTC().Format("2006-01-02 15:04 UTC")
			}
			fmt.Fprintf(t, "  %s\t%s\t%s\t%s\n", printable(occurred), e.fact.name, printable(e.fact.stream), strings.Join(told, ", "))
		}
		_ = t.Flush()
	}
}

// printable keeps what records say from moving the cursor or turning the line.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// was is a column: what the older pack said of a measure.
func (p *Pack) was(measure string) string {
	if p.Older == nil {
		return ""
	}
	i := slices.IndexFunc(p.Older.Claims.Figures, func(f Figure) bool { return f.Measure == measure && f.LeftOut == "" })
	if i < 0 {
		return "\t"
	}
	return fmt.Sprintf("was %d\t", p.Older.Claims.Figures[i].Value)
}

// bookOf gives the id in a book's name of that kind, and "" for others.
func bookOf(book, kind string) string {
	id, ok := strings.CutPrefix(strings.TrimPrefix(book, "rehearsal/"), kind)
	if !ok {
		return ""
	}
	return id
}

// Fingerprint is a key's, to be compared by eye: sha256sum of the vkey.
func Fingerprint(vkey string) string {
	hex := fmt.Appendf(nil, "%x", sha256.Sum256([]byte(vkey)))
	return string(bytes.Join(slices.Collect(slices.Chunk(hex, 4)), []byte(" ")))
}

// What is said of every pack: what a verdict of PASS proves, and what none does.
var (
	//go:embed proven.txt
	proven string
	//go:embed not_proven.txt
	notProven string
	//go:embed readme.txt
	readme string
)

// Readme is a pack's README.txt.
func Readme(cycle, origin, vkey string) string {
	rehearsal := ""
	if strings.HasPrefix(origin, "rehearsal/") {
		rehearsal = "\nREHEARSAL: nothing in this pack happened. It was played on a virtual clock.\n"
	}
	return fmt.Sprintf(readme, cycle, rehearsal, vkey, Fingerprint(vkey), origin, notProven)
}
