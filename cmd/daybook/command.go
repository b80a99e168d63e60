package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/when"
	"github.com/daybook-engine/daybook/projections"
	"github.com/daybook-engine/daybook/workflows/document"
	"github.com/daybook-engine/daybook/workflows/sheet"
)

// How the program speaks: stdout is data, stderr is talk; what went wrong is
// one line of lower case after "daybook: ", without a full stop.

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "daybook",
		Short: "Keeps the book of a programme, from call opened to cycle closed",
		Long: `Keeps the book of a programme, from call opened to cycle closed.

Without arguments, as by a double click, it opens the data directory, makes it if
need be, shows it on this machine alone and opens the browser on it; the first page
says how to begin. Who registers there acts on the pages, whenever it is started so.`,
		Example: `  daybook                                              open it in the browser
  daybook demo                                         see a season play in the browser
  daybook figures --cycle nemo-2023-autumn
  daybook explain sessions_held --cycle nemo-2023-autumn`,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          openDesk,
	}
	cobra.MousetrapHelpText = "" // a double click is as good as a command
	data := os.Getenv("DAYBOOK_DATA")
	if data == "" {
		data = "daybook-data"
	}
	root.PersistentFlags().String("data", data, "data directory (DAYBOOK_DATA)")
	root.PersistentFlags().String("log", os.Getenv("DAYBOOK_LOG"), `keep the log on a cluster, esdb://HOST:2113, and the
rest in the data directory (DAYBOOK_LOG)`)
	root.PersistentFlags().String("vault", os.Getenv("DAYBOOK_VAULT"), `keep the vault in PostgreSQL, postgres://USER@HOST:5432/DATABASE,
and its master key in the data directory (DAYBOOK_VAULT)`)
	for _, name := range []string{"log", "vault"} {
		root.PersistentFlags().Lookup(name).DefValue = "" // --help would tell a password
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage{err} })
	root.AddCommand(
		newDemo(), newRehearse(), newServe(), newDo(), newImport(),
		newEvents(), newFigures(), newExplain(), newHistory(), newTasks(), newTimers(), newWhatIf(), newMatching(), newCalendar(), newMessages(),
		newEvidence(), newVerify(), newErase(), newDefinition(), newHolidays(), newSchema(),
		newRebuild(), newIntegrity(), newBackup(), newService(), newPolicies(), newVersion(),
	)
	return root
}

// usage is an error in how the program was called.
type usage struct{ error }

func (u usage) Unwrap() error { return u.error }

// args checks a command's arguments as cobra does, as an error of usage.
func args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, given []string) error {
		if err := check(c, given); err != nil {
			return usage{fmt.Errorf("%w; usage: %s", err, c.UseLine())}
		}
		return nil
	}
}

// report tells an error and gives the exit code for it.
func report(stderr io.Writer, err error) int {
	if err == nil {
		return 0
	}
	var verdict exitCode
	if errors.As(err, &verdict) {
		return int(verdict)
	}
	var refused *domain.Error
	if errors.As(err, &refused) {
		fmt.Fprintf(stderr, "daybook: %s: %v\n", refused.Code, err)
	} else {
		fmt.Fprintf(stderr, "daybook: %v\n", err)
	}
	var (
		badUsage  usage
		badSource *document.Error
		badSheet  *sheet.Error
	)
	switch {
	case errors.As(err, &badUsage), errors.As(err, &badSource), errors.As(err, &badSheet), errors.Is(err, domain.Invalid), errors.Is(err, domain.NotFound), isCobras(err):
		return 2
	}
	return 1
}

// readFile reads a file that the user names. That it cannot be read is an
// error of usage; that a file of the data directory cannot, is not.
func readFile(name string) ([]byte, error) {
	source, err := os.ReadFile(name)
	if err != nil {
		return nil, usage{err}
	}
	return source, nil
}

// isCobras knows cobra's own errors of usage, a word that is no subcommand and
// a flag left out; they have no type.
func isCobras(err error) bool {
	return strings.HasPrefix(err.Error(), "unknown command ") || strings.HasPrefix(err.Error(), "required flag(s) ")
}

// moment is the --at and --clock of whatever can be asked about the past.
type moment struct{ at, clock string }

func (m *moment) flags(c *cobra.Command) {
	c.Flags().StringVar(&m.at, "at", "", `as of when: 2023-10-31, 2023-10, "2023-10-31T18:00 Europe/Berlin" or RFC 3339; a date means its end`)
	c.Flags().StringVar(&m.clock, "clock", "recorded", "recorded: as it was then known; occurred: as we now know it was")
}

// parse gives the moment asked for, in zone where a date has none of its own;
// ok is false when none is.
func (m moment) parse(zone string) (w projections.When, ok bool, err error) {
	switch m.clock {
	case "recorded":
		w.Clock = projections.Recorded
	case "occurred":
		w.Clock = projections.Occurred
	default:
		return w, false, usage{fmt.Errorf("--clock %s: expected recorded or occurred", m.clock)}
	}
	if m.at == "" {
		return w, false, nil
	}
	if date := when.Partial(m.at); date.Check() == nil {
		w.Time, err = date.End(zone)
	} else {
		w.Time, err = when.Parse(m.at)
	}
	return w, true, err
}

// A look is a book to read from, with a cycle's read models as they are now, or
// as they were at the moment asked for.
type look struct {
	*book
	then  *projections.Views
	local string // the cycle's zone
}

// look opens a book at the moment asked for, with the zone of a cycle; of no
// cycle, with UTC. The caller calls done.
func (m moment) look(c *cobra.Command, cycle string) (*look, error) {
	b, err := readBook(c)
	if err != nil {
		return nil, err
	}
	l := &look{book: b, then: b.views}
	if l.local = "UTC"; cycle != "" {
		l.local, err = b.zone(c.Context(), cycle)
	}
	if err == nil {
		err = l.turn(c, m)
	}
	if err != nil {
		l.done()
		return nil, err
	}
	return l, nil
}

// turn makes the read models those of the moment.
func (l *look) turn(c *cobra.Command, m moment) error {
	w, past, err := m.parse(l.local)
	if err != nil {
		return err
	}
	if !past && w.Clock == projections.Recorded {
		return l.views.CatchUp(c.Context())
	}
	if now := l.engine.Now(); !past {
		w.Time = now
	} else if w.Time.After(now) {
		fmt.Fprintf(c.ErrOrStderr(), "%s is yet to come: this is how things stand now, %s\n", m.at, now.UTC().Format(time.RFC3339))
	}
	then, err := projections.At(c.Context(), l.store, w)
	if err == nil {
		l.then = then
	}
	return err
}

// done closes what look opened.
func (l *look) done() {
	if l.then != l.views {
		l.then.Close()
	}
	l.Close()
}

// pace keeps a demonstration from being over before it is seen.
func pace(step time.Duration) func(context.Context, time.Time) error {
	return func(ctx context.Context, _ time.Time) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(step):
			return nil
		}
	}
}
