package vault

import (
	"context"
	"errors"
	"fmt"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
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
			total = count
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
func (v *Vault) page(ctx context.Context, after int64) (rows []row, total int, err error) {
	c, err := v.reader(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer v.readers.Put(c)
	if after == 0 {
		n, err := number(c, "SELECT count(*) FROM secret")
		if err != nil {
			return nil, 0, err
		}
		total = int(n)
	}
	err = sqlitex.Execute(c, "SELECT "+columns+" FROM secret WHERE n > ? ORDER BY n LIMIT 1000", &sqlitex.ExecOptions{
		Args:       []any{after},
		ResultFunc: func(s *sqlite.Stmt) error { rows = append(rows, scan(s)); return nil },
	})
	return rows, total, err
}

func (v *Vault) checkHandles(ctx context.Context, report func(error)) error {
	c, err := v.reader(ctx)
	if err != nil {
		return err
	}
	defer v.readers.Put(c)
	return sqlitex.Execute(c, "SELECT rowid, tag, sealed FROM handle ORDER BY rowid", &sqlitex.ExecOptions{
		ResultFunc: func(s *sqlite.Stmt) error {
			if _, _, err := v.unsealHandle(blob(s, 1), blob(s, 2)); err != nil {
				report(fmt.Errorf("handle %d: %w", s.ColumnInt64(0), err))
			}
			return nil
		},
	})
}
