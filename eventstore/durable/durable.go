// Package durable puts small files on the disk so that a crash leaves what was
// there before or all of what was written, and so that it stays; and keeps
// other processes from a file.
package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// WriteFile writes a file in the place of what path names, if anything. When
// it returns nil the file is on the disk; after an error the old file is there
// or the new one, whole, and the same call may be made again.
func WriteFile(path string, b []byte, perm fs.FileMode) error {
	return write(path, b, perm, os.Rename)
}

// Create is WriteFile, never in the place of another: then its error is
// fs.ErrExist.
func Create(path string, b []byte, perm fs.FileMode) error {
	return write(path, b, perm, func(made, path string) error {
		return errors.Join(os.Link(made, path), os.Remove(made))
	})
}

// write makes a file beside its place, where whoever looks never sees half of
// it, and puts it there.
func write(path string, b []byte, perm fs.FileMode, put func(made, path string) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Chmod(perm), f.Sync(), f.Close())
	if err == nil {
		err = put(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	return SyncDir(filepath.Dir(path))
}

// SyncDir makes the names of new and renamed files durable, which Windows does
// by itself: it can't flush a directory, and NTFS journals the renaming.
func SyncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
