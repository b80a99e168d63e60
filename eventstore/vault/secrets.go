package vault

import (
	"context"
	"fmt"
	"slices"
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

// secrets reads rows, each where what follows FROM secret says.
func secrets(c tx, where string, arg any) (rows []row, err error) {
	var r row
	var subject, second string
	var rev, secondRev int64
	err = c.query("SELECT n, digest, subject, rev, coalesce(second, ''), coalesce(second_rev, 0), kind, readers, sealed FROM secret "+where, []any{arg},
		[]any{&r.n, &r.Digest, &subject, &rev, &second, &secondRev, &r.Kind, &r.Readers, &r.sealed}, func() error {
			r.Subjects, r.revs = []string{subject}, []int64{rev}
			if second != "" {
				r.Subjects, r.revs = append(r.Subjects, second), append(r.revs, secondRev)
			}
			rows = append(rows, r)
			return nil
		})
	return rows, err
}

func (v *Vault) row(ctx context.Context, digest string) (r row, err error) {
	err = v.read(ctx, func(c tx) error {
		rows, err := secrets(c, "WHERE digest = $1", digest)
		if err == nil && len(rows) == 1 {
			r = rows[0]
			return nil
		}
		erased := int64(0)
		if err == nil {
			err = c.query("SELECT count(*) FROM erased WHERE digest = $1", []any{digest}, []any{&erased}, nil)
		}
		switch {
		case err != nil:
			return err
		case erased > 0: // it was deleted on purpose
			return ErrErased
		}
		return ErrNotFound
	})
	return r, err
}

// insert stores a row unless its digest is there already.
func insert(c tx, r row) error {
	var second, secondRev any
	if len(r.Subjects) == 2 {
		second, secondRev = r.Subjects[1], r.revs[1]
	}
	_, err := c.exec(`
		INSERT INTO secret (digest, subject, rev, second, second_rev, kind, readers, sealed)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (digest) DO NOTHING`,
		r.Digest, r.Subjects[0], r.revs[0], second, secondRev, r.Kind, r.Readers, r.sealed)
	if err != nil {
		return fmt.Errorf("insert %s: %w", r.Digest, err)
	}
	return nil
}
