package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/imports"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/workflows"
	"github.com/daybook-engine/daybook/workflows/sheet"
)

func newImport() *cobra.Command {
	var in workflows.Import
	var mapped string
	var dry, asJSON bool
	c := &cobra.Command{
		Use:   "import KIND FILE --cycle CYCLE --by ROLE/HANDLE",
		Short: "Bring a spreadsheet in: people, mentors, applications, matches, sessions, attendance",
		Long: `Bring a spreadsheet in, row by row. KIND is one of ` + strings.Join(imports.Kinds, ", ") + `;
FILE is a workbook (.xlsx), text with separators (.csv) as a spreadsheet exports it,
or a mail (.eml).

Each row becomes the commands that somebody would have given by hand, and is judged
by the same rules. It is recorded, already so, refused with a reason, or needs a
person, because it may mean two things: nothing is guessed. The same rows again,
in whatever format and order, add nothing. People are found by e-mail address or
handle; who is not known yet is registered. First it is told how the file was
understood; with --dry-run nothing is recorded.

A map says what the headings do not, in YAML:

  columns: {received: Eingang, motives: "Why do you apply?"}  # field: heading,
                                           # or "#C", the column; "" for none
  set: {mode: online}                      # the same in every row
  values: {mode: {Zoom: online}}           # what stands there: what it means
  dates: day-month                         # or month-day, for 05/06/2017
  header: 3                                # the row of the headings
  sheet: Bewerbungen                       # of a workbook
  encoding: Windows-1252                   # of text
  separator: ";"

Fields of every kind are told where one is missing or not known. Dates and times
are local ones, in the programme's zone. An application is judged by when it was
received, and so needs that once the deadline has passed.

A mail is a form that somebody filled in: a spreadsheet that it brings, or the lines
of its text that say "Label: value". It is by its sender, unless it says by whom; that
is the mail's own word, so unless it is from somebody new it is put to a person, until
you have made sure and say with --from whose it is; then it speaks for them, and for
nobody else. It was received when the topmost Received line says, which the server
wrote that took it; its Date is the sender's word alone, so a mail without such a line
is put to a person.

An import is recorded itself, and daybook import revert takes back what it
recorded, as far as anything takes it back.`,
		Example: `  daybook import people members.xlsx --cycle spring --by coordinator/anna --dry-run
  daybook import applications forms.csv --cycle spring --call mentees --by coordinator/anna --map forms.yaml
  daybook import revert 0b9a2a52-7d0c-4a25-8f0f-3f1d8b6a5c11 --by coordinator/anna --reason wrong_file`,
		Args:              args(cobra.ExactArgs(2)),
		ValidArgsFunction: cobra.FixedCompletions(imports.Kinds, cobra.ShellCompDirectiveDefault),
		RunE: func(c *cobra.Command, given []string) (err error) {
			in.Kind = given[0]
			if !slices.Contains(imports.Kinds, in.Kind) {
				return imports.ErrKind.Because(in.Kind)
			}
			if in.By == "" {
				return usage{errors.New("--by is missing: say who does it, as in --by coordinator/anna")}
			}
			if mapped != "" {
				source, err := readFile(mapped)
				if err != nil {
					return err
				}
				if in.Map, err = sheet.ParseMap(mapped, source); err != nil {
					return err
				}
			}
			source, err := readSheet(given[1])
			if err != nil {
				return err
			}
			if in.Sheet, err = sheet.Read(given[1], source, in.Map); err != nil {
				return err
			}
			if in.From != "" && !in.Sheet.Claimed {
				return usage{fmt.Errorf("--from: %s is no mail", given[1])}
			}
			in.Channel = cmp.Or(in.Channel, channel(given[1]))
			return bring(c, in, dry, asJSON)
		},
	}
	f := c.Flags()
	f.StringVar(&in.Cycle, "cycle", "", "the cycle that it is for")
	f.StringVar(&in.Call, "call", "", "the call that applications are under")
	f.StringVar(&in.By, "by", "", "who brings it in: ROLE/HANDLE")
	f.StringVar(&in.From, "from", "", "the e-mail address of whom a mail is from, when you have made sure of that")
	f.StringVar(&in.Channel, "channel", "", "how it reached us: import, email, paper (import; of a mail, email)")
	f.StringVar(&mapped, "map", "", "a map of the columns, YAML")
	f.BoolVar(&dry, "dry-run", false, "tell what would be recorded, and record nothing")
	f.BoolVar(&asJSON, "json", false, "one JSON object a line")
	_ = c.MarkFlagRequired("cycle")
	c.AddCommand(newImportRevert())
	return c
}

// readSheet reads a file, and of one that is far too large only enough to tell.
func readSheet(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, usage{err}
	}
	defer f.Close()
	source, err := io.ReadAll(io.LimitReader(f, sheet.MaxFile+1))
	if err != nil {
		return nil, usage{err}
	}
	if info, err := f.Stat(); err == nil && len(source) > sheet.MaxFile {
		return nil, &sheet.Error{File: name, Text: fmt.Sprintf("expected at most %d MB, found %d: split it, or leave out what is not needed", sheet.MaxFile>>20, info.Size()>>20)}
	}
	return source, nil
}

// bring imports a sheet, or tells what that would do.
func bring(c *cobra.Command, in workflows.Import, dry, asJSON bool) error {
	ctx := c.Context()
	open := openBook
	if dry {
		open = readBook
	}
	b, err := open(c)
	if err != nil {
		return err
	}
	defer b.Close()
	b.warn(c)
	in.Open = func(ctx context.Context, digest domain.Digest) (string, error) { return b.open(ctx, string(digest)) }
	do := b.engine.Import
	if dry {
		do = b.engine.Preview
	}
	done, err := do(ctx, in)
	if err != nil {
		if refused := new(domain.Error); errors.As(err, &refused) {
			return answered{err, b.handles(ctx, err.Error())}
		}
		return err
	}
	understood(c.ErrOrStderr(), done.Reading)
	if err := tellRows(c.OutOrStdout(), b, ctx, done, asJSON); err != nil {
		return err
	}
	n := done.Counts()
	would := ""
	if dry {
		would = "would be "
	}
	fmt.Fprintf(c.ErrOrStderr(), "%d rows: %s%d recorded, %d already so, %d refused, %d for a person\n", len(done.Rows), would, n.Recorded, n.Already, n.Refused, n.Asked)
	if dry {
		return nil
	}
	if done.ID != "" {
		fmt.Fprintf(c.ErrOrStderr(), "this is import %s\n", done.ID)
	}
	if err := b.settle(ctx); err != nil {
		return fmt.Errorf("what was imported stands, but policies or read models are behind; the next command or daybook serve lets them try again: %w", err)
	}
	if n.Refused+n.Asked > 0 {
		return exitCode(1)
	}
	return nil
}

// warn tells of policies that stand still.
func (b *book) warn(c *cobra.Command) {
	b.engine.Parked = func(policy string, at eventstore.Recorded, why error) {
		report(c.ErrOrStderr(), fmt.Errorf("policy %s stands still before an event of %s; see daybook policies: %w", policy, at.Stream, why))
	}
}

// understood tells how a sheet was read.
func understood(w io.Writer, r *sheet.Reading) {
	fmt.Fprintf(w, "%s: %s, headings in row %d\n", r.Sheet.File, r.Sheet.Form, r.Header.Number)
	for _, f := range r.Columns {
		order := ""
		if o := r.Order(f.Field); o != sheet.Unknown && (f.Field == "date" || f.Field == "received") {
			order = ", " + string(o)
		}
		fmt.Fprintf(w, "  %s: column %s, %q%s\n", f.Field, sheet.Column(f.Column), f.Heading, order)
	}
	if len(r.Unused) > 0 {
		fmt.Fprintf(w, "  not used: %s\n", strings.Join(r.Unused, ", "))
	}
}

// tellRows prints what became of each row.
func tellRows(w io.Writer, b *book, ctx context.Context, done *workflows.Imported, asJSON bool) error {
	lines := json.NewEncoder(w)
	for _, r := range done.Rows {
		r.Why = b.handles(ctx, r.Why)
		if asJSON {
			if err := lines.Encode(r); err != nil {
				return err
			}
			continue
		}
		says := string(r.Outcome)
		if len(r.Events) > 0 {
			says += ": " + strings.Join(r.Events, ", ")
		}
		if r.Code != "" {
			says += ": " + r.Code
		}
		if why := whyOf(r); why != "" {
			says += ": " + why
		}
		if _, err := fmt.Fprintf(w, "row %d: %s\n", r.Row, says); err != nil {
			return err
		}
	}
	return nil
}

func newImportRevert() *cobra.Command {
	var by, reason, channel string
	c := &cobra.Command{
		Use:   "revert IMPORT --by ROLE/HANDLE --reason CODE",
		Short: "Take back what an import recorded",
		Long: `Take back what an import recorded, as far as anything takes it back.

Applications are retracted, as if they had never reached us, and can be imported
again from a file that was mended; not what was decided on since, or is in review.
Sessions are retracted, matches are unwound, and those who attended are recorded as
absent. Of people and mentors nothing is taken back.

Each event that stands is told, and why. The history keeps both, the import and that
it was taken back.`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, given []string) error {
			if by == "" {
				return usage{errors.New("--by is missing: say who does it, as in --by coordinator/anna")}
			}
			ctx := c.Context()
			b, err := openBook(c)
			if err != nil {
				return err
			}
			defer b.Close()
			b.warn(c)
			deeds, err := b.engine.Revert(ctx, by, given[0], reason, channel, nil)
			if refused := new(domain.Error); errors.As(err, &refused) {
				return answered{err, b.handles(ctx, err.Error())}
			} else if err != nil {
				return err
			}
			undone := 0
			for _, d := range deeds {
				if d.Undone {
					undone++
					fmt.Fprintf(c.OutOrStdout(), "taken back: %s of %s\n", d.Event, d.Stream)
				} else {
					fmt.Fprintf(c.OutOrStdout(), "stands: %s of %s: %s\n", d.Event, d.Stream, d.Left)
				}
			}
			fmt.Fprintf(c.ErrOrStderr(), "%d taken back, %d stand\n", undone, len(deeds)-undone)
			return b.settle(ctx)
		},
	}
	f := c.Flags()
	f.StringVar(&by, "by", "", "who takes it back: ROLE/HANDLE")
	f.StringVar(&reason, "reason", "", "why: a code such as wrong_file")
	f.StringVar(&channel, "channel", "cli", "how it reached us")
	return c
}
