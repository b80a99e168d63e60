//go:build unix

package main

import (
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// ownerOf is who a path belongs to: their number where the machine has no name
// for them, so that nothing runs as somebody with more rights.
func ownerOf(path string) string {
	uid, _, ok := owner(path)
	if !ok {
		return ""
	}
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return strconv.Itoa(uid)
}

// giveTo lets a file belong to who another belongs to.
func giveTo(file, as string) error {
	if uid, gid, ok := owner(as); ok && os.Geteuid() == 0 {
		return os.Lchown(file, uid, gid) // whoever has the directory may have put a link there
	}
	return nil
}

func owner(path string) (uid, gid int, ok bool) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, 0, false
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	return int(s.Uid), int(s.Gid), true
}
