package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/daybook-engine/daybook/eventstore/durable"
	"github.com/daybook-engine/daybook/workflows"
)

const (
	// backupsKept is how many backups stay when another is made.
	backupsKept = 14
	// A backup is made by daybook serve when the newest is older than this.
	backupEvery = 24 * time.Hour
	// It is tried again after backupAgain: each try copies everything.
	backupAgain = time.Hour

	backupName = "daybook-20060102T150405.000Z"
	unfinished = ".unfinished"
)

func newBackup() *cobra.Command {
	return &cobra.Command{
		Use:   "backup DIR",
		Short: "Copy the daybook into a new directory within DIR, and check the copy",
		Long: fmt.Sprintf(`Copy the daybook into a new directory within DIR, also while daybook serve runs, and
check every byte of the copy as daybook integrity does. What is in DIR under such a
name is whole and was found sound. The %d newest stay, older ones are removed.

Not in it is what must be kept apart from it: master.key, without which nobody reads
its texts, erasures.jsonl, ledger.key and ledger.checkpoint. To restore, copy a backup
to where the data directory was, and put these beside it; then daybook integrity.

daybook serve --backup DIR makes one a day.`, backupsKept),
		Example: "  daybook backup /media/usb/daybook",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, given []string) error {
			b, err := readLog(c)
			if err != nil {
				return err
			}
			defer b.Close()
			if err := b.backsUp(given[0]); err != nil {
				return err
			}
			made, found, err := b.backup(c.Context(), given[0], time.Now())
			if err == nil {
				_, err = fmt.Fprintln(c.OutOrStdout(), made)
				fmt.Fprintf(c.ErrOrStderr(), "sound: %s\n", found)
			}
			return err
		},
	}
}

// backsUp tells whether the directory can be copied to within another.
func (b *book) backsUp(into string) error {
	if b.log != "" || b.seals != "" {
		return usage{errors.New("a log on a cluster and a vault in PostgreSQL are not copied by Daybook: their servers have backups of their own")}
	}
	if inside, err := within(into, b.dir); err != nil || inside {
		return errors.Join(err, usage{fmt.Errorf("%s lies in the data directory, which it is to be a copy of: give one outside of it, on another disk", into)})
	}
	return nil
}

// within tells whether a path lies in a directory, or is it.
func within(path, dir string) (bool, error) {
	path, errPath := filepath.Abs(path)
	dir, errDir := filepath.Abs(dir)
	if err := errors.Join(errPath, errDir); err != nil {
		return false, err
	}
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator)), nil
}

// backup copies the directory and checks the copy, and gives its name. After an
// error there is none.
func (b *book) backup(ctx context.Context, into string, now time.Time) (made string, found kept, err error) {
	if err := os.MkdirAll(into, 0o700); err != nil {
		return "", found, err
	}
	lock, err := durable.Lock(filepath.Join(into, "backup"))
	if err != nil {
		return "", found, err
	}
	defer lock.Close()
	if err := discard(into, unfinished, 0); err != nil {
		return "", found, err
	}
	made = filepath.Join(into, now.UTC().Format(backupName))
	if found, err = b.copyTo(ctx, made+unfinished); err != nil {
		return "", found, errors.Join(err, os.RemoveAll(made+unfinished))
	}
	if err := os.Rename(made+unfinished, made); err != nil {
		return "", found, errors.Join(err, os.RemoveAll(made+unfinished))
	}
	return made, found, errors.Join(durable.SyncDir(into), discard(into, "", backupsKept))
}

// copyTo copies what others rest on last: the ledger states nothing, and no
// target was told, of what the copy of the log has not, and the vault has every
// text of it.
func (b *book) copyTo(ctx context.Context, dir string) (found kept, err error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return found, err
	}
	stated, err := b.copyLedger(ctx, dir)
	if err != nil {
		return found, err
	}
	small, err := filepath.Glob(filepath.Join(b.dir, "relay-*"))
	if err != nil {
		return found, err
	}
	for _, path := range small {
		if err := copyFile(path, dir); err != nil {
			return found, err
		}
	}
	for _, base := range []string{"log.db", "vault.db", "keys.db"} {
		if err := b.snapshot(ctx, base, dir); err != nil {
			return found, err
		}
	}
	k, err := b.openCopy(dir)
	if err != nil {
		return found, unsound(err)
	}
	found, err = k.checkKept(ctx, func(context.Context) ([]workflows.Statement, error) { return stated, nil }, func(int, int) {})
	err = errors.Join(unsound(err), k.Close())
	for _, left := range []string{"-wal", "-shm"} { // by who read; nobody wrote
		for _, base := range []string{"log.db", "vault.db"} {
			if gone := os.Remove(filepath.Join(dir, base+left)); !errors.Is(gone, fs.ErrNotExist) {
				err = errors.Join(err, gone)
			}
		}
	}
	return found, err
}

// copyLedger gives what the copy states, as it was signed then: later the
// checkpoint, which is not copied, may be one of more.
func (b *book) copyLedger(ctx context.Context, dir string) (stated []workflows.Statement, err error) {
	rehearsal, _, err := rehearsed(ctx, b.store)
	if err != nil {
		return nil, err
	}
	for range 2 { // once more where something was signed in between
		if err = copyFile(filepath.Join(b.dir, "ledger.jsonl"), dir); err == nil {
			stated, err = workflows.ReadLedger(dir, b.ledgerKey(), b.origin(rehearsal))
		}
		if err == nil {
			break
		}
	}
	return stated, unsound(err)
}

// copyFile copies a small file, if it is there.
func copyFile(path, dir string) error {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return durable.WriteFile(filepath.Join(dir, filepath.Base(path)), content, 0o600)
}

// backups lists what backups left in a directory under names with a suffix, the
// oldest first.
func backups(dir, suffix string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		if _, other := time.Parse(backupName+suffix, e.Name()); other == nil && e.IsDir() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, err
}

// discard removes all but the newest backups of a suffix.
func discard(dir, suffix string, keep int) error {
	names, err := backups(dir, suffix)
	for _, name := range names[:max(0, len(names)-keep)] {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, name)))
	}
	return err
}

// backUpDaily makes a backup whenever the newest is a day old, until ctx ends.
func (b *book) backUpDaily(ctx context.Context, into string, log *slog.Logger) error {
	newest := func() (last time.Time, err error) {
		names, err := backups(into, "")
		if len(names) > 0 {
			last, _ = time.Parse(backupName, names[len(names)-1]) // backups has parsed it
		}
		return last, err
	}
	return daily(ctx, newest, func(now time.Time) error {
		made, found, err := b.backup(ctx, into, now)
		if err != nil {
			log.Error("no backup was made; it is tried again in an hour", "err", err)
			return err
		}
		log.Info("backed up", "to", made, "sound", found.String())
		return nil
	})
}

// daily does something whenever it was last done a day ago or more, and again
// after a while where it failed.
func daily(ctx context.Context, last func() (time.Time, error), do func(now time.Time) error) error {
	for {
		now := time.Now()
		done, err := last()
		wait := done.Add(backupEvery).Sub(now)
		if err == nil && (wait <= 0 || done.After(now)) { // done by a clock that was ahead
			wait, err = backupEvery, do(now)
		}
		if err != nil {
			wait = backupAgain
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}
