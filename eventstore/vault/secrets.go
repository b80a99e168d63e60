package vault

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// A row is a secret as it is stored: without salt and text, but sealed, and
// with the revisions of the keys, in the order of the subjects.
type row struct {
	Secret
	n      int64
	revs   []int64
	sealed []byte
}

// seal seals a secret under the newest keys of its subjects.
func (v *Vault) seal(s Secret) (row, error) {
	r := row{Secret: s}
	var keys [][]byte
	for _, subject := range s.Subjects {
		k, err := v.keys.get(keyID{subject, newest})
		if err != nil {
			return row{}, err
		}
		r.revs, keys = append(r.revs, k.rev), append(keys, k.key)
	}
	r.sealed = seal(joint(s.Subjects, keys), framed(string(s.Salt), s.Text), s.bound())
	return r, nil
}

func (v *Vault) unseal(r row) (Secret, error) {
	var keys [][]byte
	for i, subject := range r.Subjects {
		k, err := v.keys.get(keyID{subject, r.revs[i]})
		if err != nil {
			return Secret{}, err
		}
		keys = append(keys, k.key)
	}
	plain, err := unseal(joint(r.Subjects, keys), r.sealed, r.bound())
	if err != nil {
		return Secret{}, err
	}
	parts, err := unframed(plain, 2)
	if err != nil {
		return Secret{}, err
	}
	s := r.Secret
	s.Salt, s.Text = []byte(parts[0]), parts[1]
	return s, nil
}

// bound is what stands in the clear beside a sealed text. It is bound to it,
// so that no row opens with another's digest, people or readers.
func (s Secret) bound() []byte {
	return framed(append([]string{"text", s.Digest, s.Kind, s.Readers}, s.Subjects...)...)
}

// joint is the key of a text: its subject's, or one that only both subjects'
// keys together make, whoever was named first. Without either it is lost.
func joint(subjects []string, keys [][]byte) []byte {
	if len(keys) == 1 {
		return keys[0]
	}
	a, b := keys[0], keys[1]
	if subjects[0] > subjects[1] {
		a, b = b, a
	}
	return derive(slices.Concat(a, b), "a text about two")
}

const columns = "n, digest, subject, rev, second, second_rev, kind, readers, sealed"

func scan(s *sqlite.Stmt) row {
	r := row{n: s.ColumnInt64(0), revs: []int64{s.ColumnInt64(3)}, sealed: blob(s, 8)}
	r.Digest, r.Subjects, r.Kind, r.Readers = s.ColumnText(1), []string{s.ColumnText(2)}, s.ColumnText(6), s.ColumnText(7)
	if !s.ColumnIsNull(4) {
		r.Subjects, r.revs = append(r.Subjects, s.ColumnText(4)), append(r.revs, s.ColumnInt64(5))
	}
	return r
}

func (v *Vault) row(ctx context.Context, digest string) (r row, err error) {
	c, err := v.reader(ctx)
	if err != nil {
		return row{}, err
	}
	defer v.readers.Put(c)
	err = sqlitex.Execute(c, "SELECT "+columns+" FROM secret WHERE digest = ?", &sqlitex.ExecOptions{
		Args:       []any{digest},
		ResultFunc: func(s *sqlite.Stmt) error { r = scan(s); return nil },
	})
	if err != nil || r.n != 0 {
		return r, err
	}
	err = ErrNotFound // unless it was deleted on purpose
	return r, errors.Join(sqlitex.Execute(c, "SELECT 1 FROM erased WHERE digest = ?", &sqlitex.ExecOptions{
		Args:       []any{digest},
		ResultFunc: func(*sqlite.Stmt) error { err = ErrErased; return nil },
	}), err)
}

// insert stores a row unless its digest is there already.
func insert(c *sqlite.Conn, r row) error {
	var second, secondRev any
	if len(r.Subjects) == 2 {
		second, secondRev = r.Subjects[1], r.revs[1]
	}
	err := sqlitex.Execute(c, `
		INSERT INTO secret (digest, subject, rev, second, second_rev, kind, readers, sealed)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (digest) DO NOTHING`, &sqlitex.ExecOptions{
		Args: []any{r.Digest, r.Subjects[0], r.revs[0], second, secondRev, r.Kind, r.Readers, r.sealed},
	})
	if err != nil {
		return fmt.Errorf("insert %s: %w", r.Digest, err)
	}
	return nil
}

func (v *Vault) reader(ctx context.Context) (*sqlite.Conn, error) {
	select {
	case <-v.closed:
		return nil, ErrClosed
	default:
		return v.readers.Take(ctx)
	}
}
