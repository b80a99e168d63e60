package vault

import (
	"context"
	"errors"
	"fmt"
)

// named bounds how many damaged rows an answer names.
const named = 20

// Check opens everything in the vault and computes every digest anew by the
// rule it is handed, which is the domain's. The error names what is damaged.
// Whether all that the log commits to is there, only the log can tell.
func (v *Vault) Check(ctx context.Context, digest func(salt []byte, text string) string, progress func(done, total int)) error {
	var wrong []error
	found := 0
	report := func(err error) {
		if found++; found <= named {
			wrong = append(wrong, err)
		}
	}
	v.gate.RLock()
	defer v.gate.RUnlock()
	total, done, last := 0, 0, int64(0)
	for {
		rows, count, err := v.page(ctx, last)
		if err != nil {
			return fmt.Errorf("check the vault: %w", err)
		}
		if total == 0 {
			total = int(count)
		}
		for _, r := range rows {
			switch s, err := v.unseal(r); {
			case errors.Is(err, ErrDamaged):
				report(fmt.Errorf("%s: %w", r.Digest, err))
			case err != nil:
				return fmt.Errorf("check the vault: %s: %w", r.Digest, err)
			case digest(s.Salt, s.Text) != r.Digest:
				report(fmt.Errorf("%s: %w: its text has another digest", r.Digest, ErrDamaged))
			}
			last = r.n
		}
		done += len(rows)
		if progress != nil {
			progress(done, max(done, total))
		}
		if len(rows) == 0 {
			break
		}
	}
	if err := v.checkHandles(ctx, report); err != nil {
		return fmt.Errorf("check the vault: %w", err)
	}
	if found > named {
		wrong = append(wrong, fmt.Errorf("and %d more", found-named))
	}
	return v.unlessErasing(errors.Join(wrong...))
}

// page reads some rows after the n-th, so that no long read keeps the
// write-ahead log from being emptied.
func (v *Vault) page(ctx context.Context, after int64) (rows []row, total int64, err error) {
	err = v.read(ctx, func(c tx) (err error) {
		if after == 0 {
			if err := c.query("SELECT count(*) FROM secret", nil, []any{&total}, nil); err != nil {
				return err
			}
		}
		rows, err = secrets(c, "WHERE n > $1 ORDER BY n LIMIT 1000", after)
		return err
	})
	return rows, total, err
}

func (v *Vault) checkHandles(ctx context.Context, report func(error)) error {
	return v.read(ctx, func(c tx) error {
		list, err := handles(c)
		for _, h := range list {
			if _, _, err := v.unsealHandle(h.tag, h.sealed); err != nil {
				report(fmt.Errorf("handle %x: %w", h.tag, err))
			}
		}
		return err
	})
}
