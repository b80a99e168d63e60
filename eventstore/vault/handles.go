package vault

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// SetHandle lets a person be found by a handle, the short name that a
// coordinator types. A handle is personal: of it and of the person only keyed
// hashes are stored, and both sealed. It is never given to somebody else.
func (v *Vault) SetHandle(ctx context.Context, handle, person string) error {
	if handle == "" || person == "" {
		return fmt.Errorf("set a handle: it takes a handle and a person")
	}
	if err := v.take(ctx); err != nil {
		return err
	}
	defer func() { v.turn <- struct{}{} }()
	if _, erased := v.keys.fenced(person); erased {
		return ErrErased
	}
	if err := v.insertHandle(handle, person); err != nil {
		return fmt.Errorf("set a handle: %w", err)
	}
	if v.writer.Changes() == 1 {
		return nil
	}
	switch holder, err := v.person(v.writer, v.tag("handle", handle)); {
	case err != nil:
		return fmt.Errorf("set a handle: %w", err)
	case holder != person:
		return ErrTaken
	}
	return nil
}

// insertHandle stores a handle unless it is there already.
func (v *Vault) insertHandle(handle, person string) error {
	tag := v.tag("handle", handle)
	return sqlitex.Execute(v.writer, "INSERT INTO handle (tag, person, sealed) VALUES (?, ?, ?) ON CONFLICT (tag) DO NOTHING", &sqlitex.ExecOptions{
		// The handle is sealed too, or no other key could ever tag it.
		Args: []any{tag, v.tag("person", person), seal(v.keys.handles, framed(handle, person), tag)},
	})
}

// Person is who a handle stands for.
func (v *Vault) Person(ctx context.Context, handle string) (string, error) {
	v.gate.RLock()
	defer v.gate.RUnlock()
	c, err := v.reader(ctx)
	if err != nil {
		return "", fmt.Errorf("find a person: %w", err)
	}
	defer v.readers.Put(c)
	person, err := v.person(c, v.tag("handle", handle))
	if err != nil {
		return "", fmt.Errorf("find a person: %w", v.unlessErasing(err))
	}
	return person, nil
}

func (v *Vault) person(c *sqlite.Conn, tag []byte) (string, error) {
	var sealed []byte
	err := sqlitex.Execute(c, "SELECT sealed FROM handle WHERE tag = ?", &sqlitex.ExecOptions{
		Args:       []any{tag},
		ResultFunc: func(s *sqlite.Stmt) error { sealed = blob(s, 0); return nil },
	})
	if err != nil {
		return "", err
	}
	if sealed == nil {
		return "", ErrNotFound
	}
	_, person, err := v.unsealHandle(tag, sealed)
	return person, err
}

func (v *Vault) unsealHandle(tag, sealed []byte) (handle, person string, err error) {
	plain, err := unseal(v.keys.handles, sealed, tag)
	if err != nil {
		return "", "", err
	}
	parts, err := unframed(plain, 2)
	if err != nil {
		return "", "", err
	}
	return parts[0], parts[1], nil
}

func (v *Vault) tag(what, text string) []byte {
	mac := hmac.New(sha256.New, v.keys.tagging)
	mac.Write(framed(what, text))
	return mac.Sum(nil)
}
