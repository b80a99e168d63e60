package vault

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/daybook-engine/daybook/eventstore/durable"
)

// masterKey reads the master key, 32 bytes in hexadecimal so that it can be
// kept on paper, or makes one if it may.
func masterKey(path string, mayMake bool) ([]byte, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if !mayMake {
			return nil, fmt.Errorf("%w: %s is missing, and no key can be opened without it: put it back, a new one would not do", ErrMasterKey, path)
		}
		if err := makeMasterKey(path); err != nil {
			return nil, fmt.Errorf("%w: make %s: %w", ErrMasterKey, path, err)
		}
		info, err = os.Stat(path)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMasterKey, err)
	}
	if open := info.Mode().Perm() & 0o077; open != 0 && runtime.GOOS != "windows" {
		return nil, fmt.Errorf("%w: others may use %s (mode %#o): chmod 600 %s", ErrMasterKey, path, info.Mode().Perm(), path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMasterKey, err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != keySize {
		// Not err: it would quote the key.
		return nil, fmt.Errorf("%w: %s does not hold %d bytes in hexadecimal", ErrMasterKey, path, keySize)
	}
	return key, nil
}

// makeMasterKey writes a new key whole or not at all, and never over another.
func makeMasterKey(path string) error {
	if err := makeDir(filepath.Dir(path)); err != nil {
		return err
	}
	key := make([]byte, keySize)
	rand.Read(key)
	err := durable.Create(path, fmt.Appendf(nil, "%x\n", key), 0o600)
	if errors.Is(err, fs.ErrExist) { // another process was first
		err = durable.SyncDir(filepath.Dir(path))
	}
	return err
}
