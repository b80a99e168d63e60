package sqlite

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// A lock is a file held locked for as long as its process lives; the
// operating system lets go of it however the process ends. The file stays
// behind: to remove it would be to race with the next process.
type lock struct{ file *os.File }

func acquire(path string) (*lock, error) {
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
		pid, _ := io.ReadAll(io.LimitReader(f, 20))
		f.Close()
		return nil, fmt.Errorf("%s: another daybook process (pid %s) %w", path, strings.TrimSpace(string(pid)), ErrLocked)
	}
	_, err = f.WriteAt(fmt.Appendf(nil, "%-19d\n", os.Getpid()), 0)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock: %w", err)
	}
	return &lock{f}, nil
}

func (l *lock) release() error {
	if l == nil {
		return nil
	}
	if err := l.file.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("unlock: %w", err)
	}
	return nil
}
