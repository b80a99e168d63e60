package durable

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// ErrLocked: another process, or this one already, has what is to be locked.
var ErrLocked = errors.New("has this directory open")

// Lock keeps other processes from the file at path, whether it is there or not,
// for as long as this one lives or until it is closed. It returns an error
// that is ErrLocked when another has it.
//
// It is a lock on a file beside it, which the operating system lets go of
// however the process ends. The file stays behind: to remove it would be to
// race with the next process.
func Lock(path string) (io.Closer, error) {
	path += ".lock"
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	held, err := tryLock(f)
	switch {
	case err != nil:
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	case !held:
		pid := holder(f)
		f.Close()
		return nil, fmt.Errorf("%s: another daybook process (pid %s) %w", path, pid, ErrLocked)
	}
	if _, err = f.WriteAt(fmt.Appendf(nil, "%-19d\n", os.Getpid()), 0); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock: %w", err)
	}
	return lock{f}, nil
}

type lock struct{ *os.File }

// Close lets go of the lock itself, and does not leave that to the last copy of
// the descriptor to be closed: a process that is just being started by this one
// has one, until it is another program.
func (l lock) Close() error { return errors.Join(unlock(l.File), l.File.Close()) }

// Holder is the id of the process that has locked the file at path, or had it
// last; "" when none had.
func Holder(path string) string {
	f, err := os.Open(path + ".lock")
	if err != nil {
		return ""
	}
	defer f.Close()
	return holder(f)
}

func holder(f *os.File) string {
	pid, _ := io.ReadAll(io.LimitReader(f, 20))
	return strings.TrimSpace(string(pid))
}
