package vault

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/daybook-engine/daybook/eventstore"
)

// batch bounds how many calls share one commit.
const batch = 512

// A put is a call that waits for its commit.
type put struct {
	secrets []Secret
	done    chan error
}

// Put stores secrets, all or none, each under its digest; one that is there
// already stays as it is. When Put returns nil they are on the disk. After an
// error they may be there or not, and the same call may be made again.
//
// Calls made at the same time share one commit: whoever's turn it is to write
// writes for all that wait.
func (v *Vault) Put(ctx context.Context, secrets ...Secret) error {
	for _, s := range secrets {
		people := len(s.Subjects)
		if s.Digest == "" || people < 1 || people > 2 || slices.Contains(s.Subjects, "") || people == 2 && s.Subjects[0] == s.Subjects[1] {
			return fmt.Errorf("%w: put %q in the vault: it takes a digest and one or two people", eventstore.ErrInvalid, s.Digest)
		}
		// PostgreSQL would refuse it, and with it all that shares the commit.
		if !storable(s.Digest) || !storable(s.Kind) || !storable(s.Readers) || !storable(s.Subjects[0]) || !storable(s.Subjects[people-1]) {
			return fmt.Errorf("%w: put %q in the vault: all but salt and text is UTF-8 without NUL", eventstore.ErrInvalid, s.Digest)
		}
	}
	if v.readOnly {
		return ErrReadOnly
	}
	if len(secrets) == 0 {
		return nil
	}
	p := &put{secrets, make(chan error, 1)}
	v.mu.Lock()
	v.waiting = append(v.waiting, p)
	v.mu.Unlock()
	for { // a turn may end before it comes to this call: others waited longer
		select {
		case err := <-p.done:
			return err
		case <-v.turn:
			if next := v.next(); len(next) > 0 {
				v.write(next)
			}
			v.turn <- struct{}{}
		case <-v.closed:
			return ErrClosed
		case <-ctx.Done():
			v.mu.Lock()
			defer v.mu.Unlock()
			v.waiting = slices.DeleteFunc(v.waiting, func(w *put) bool { return w == p })
			return ctx.Err()
		}
	}
}

func storable(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// next takes the calls that wait, the longest waiting first.
func (v *Vault) next() []*put {
	v.mu.Lock()
	defer v.mu.Unlock()
	n := min(len(v.waiting), batch)
	next := v.waiting[:n:n]
	v.waiting = slices.Clone(v.waiting[n:])
	return next
}

// write commits calls together and answers each. One whose keys are damaged
// fails alone.
func (v *Vault) write(puts []*put) {
	var subjects []string
	for _, p := range puts {
		for _, s := range p.secrets {
			subjects = append(subjects, s.Subjects...)
		}
	}
	err := v.keys.ensure(subjects)
	var rows []row
	var sealed []*put
	for _, p := range puts {
		if err != nil {
			p.done <- fmt.Errorf("put in the vault: %w", err)
			continue
		}
		r, err := v.sealAll(p.secrets)
		if err != nil {
			p.done <- fmt.Errorf("put in the vault: %w", err)
			continue
		}
		rows, sealed = append(rows, r...), append(sealed, p)
	}
	err = v.insertAll(rows)
	for _, p := range sealed {
		p.done <- err
	}
}

func (v *Vault) sealAll(secrets []Secret) ([]row, error) {
	rows := make([]row, len(secrets))
	for i, s := range secrets {
		var err error
		if rows[i], err = v.seal(s); err != nil {
			return nil, fmt.Errorf("%s: %w", s.Digest, err)
		}
	}
	return rows, nil
}

func (v *Vault) insertAll(rows []row) error {
	if len(rows) == 0 {
		return nil
	}
	err := v.texts.write(func(c tx) error {
		for _, r := range rows {
			if err := insert(c, r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("put in the vault: %w", err)
	}
	return nil
}
