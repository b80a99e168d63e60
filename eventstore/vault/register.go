package vault

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/daybook-engine/daybook/eventstore/durable"
)

// ErrRegister is for a vault that knows less than the register of erasures:
// it was restored from an older copy, or an erasure was cut short.
var ErrRegister = errors.New("the register has erasures that this vault has not carried out")

// A register is a file of erasures, a JSON object on each line, that only
// grows. Who was erased can be told from it only by who knows the id. It is
// kept elsewhere too, for the day on which the vault is restored from a copy.
type register struct{ path string }

type entry struct {
	Salt []byte `json:"salt"`
	Tag  []byte `json:"tag"`
}

// read gives the register's erasures. A last line that was cut short, by a
// crash while it was written, is none: nothing was erased by it.
func (r register) read() ([]fence, error) {
	text, err := os.ReadFile(r.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("register of erasures: %w", err)
	}
	var list []fence
	for n, line := range bytes.SplitAfter(text, []byte("\n")) {
		if !bytes.HasSuffix(line, []byte("\n")) {
			break
		}
		var e entry
		if err := json.Unmarshal(line, &e); err != nil || len(e.Salt) == 0 || len(e.Tag) == 0 {
			return nil, fmt.Errorf("register of erasures: %s, line %d: expected an object with salt and tag", r.path, n+1)
		}
		list = append(list, fence{e.Salt, e.Tag})
	}
	return list, nil
}

// add appends an erasure, durably.
func (r register) add(f fence) error {
	line, err := json.Marshal(entry{f.salt, f.tag})
	if err != nil {
		return err
	}
	text, err := os.ReadFile(r.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("register of erasures: %w", err)
	}
	whole := bytes.LastIndexByte(text, '\n') + 1
	file, err := os.OpenFile(r.path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("register of erasures: %w", err)
	}
	err = file.Truncate(int64(whole))
	if err == nil {
		_, err = file.WriteAt(append(line, '\n'), int64(whole))
	}
	if err := errors.Join(err, file.Sync(), file.Close(), durable.SyncDir(filepath.Dir(r.path))); err != nil {
		return fmt.Errorf("register of erasures: %w", err)
	}
	return nil
}
