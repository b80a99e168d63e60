//go:build unix

package main_test

import (
	"os"
	"os/signal"
	"strconv"
	"syscall"
)

// limitFiles bounds how large a file daybook may write, which is what a full
// disk looks like from inside: writes fail, with another errno.
func limitFiles() {
	limit, err := strconv.ParseUint(os.Getenv("DAYBOOK_TEST_FILE_LIMIT"), 10, 64)
	if err != nil {
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
		panic(err)
	}
}
