package vault

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
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
	err := v.texts.write(func(c tx) error {
		inserted, err := v.insertHandle(c, handle, person)
		if err != nil || inserted {
			return err
		}
		holder, err := v.person(c, v.tag("handle", handle))
		if err == nil && holder != person {
			err = ErrTaken
		}
		return err
	})
	if err != nil && !errors.Is(err, ErrTaken) {
		err = fmt.Errorf("set a handle: %w", err)
	}
	return err
}

// insertHandle stores a handle unless it is there already.
func (v *Vault) insertHandle(c tx, handle, person string) (inserted bool, err error) {
	tag := v.tag("handle", handle)
	// The handle is sealed too, or no other key could ever tag it.
	rows, err := c.exec("INSERT INTO handle (tag, person, sealed) VALUES ($1, $2, $3) ON CONFLICT (tag) DO NOTHING",
		tag, v.tag("person", person), seal(v.keys.handles, framed(handle, person), tag))
	return rows == 1, err
}

// Person is who a handle stands for.
func (v *Vault) Person(ctx context.Context, handle string) (person string, err error) {
	v.gate.RLock()
	defer v.gate.RUnlock()
	err = v.read(ctx, func(c tx) (err error) {
		person, err = v.person(c, v.tag("handle", handle))
		return err
	})
	if err != nil {
		return "", fmt.Errorf("find a person: %w", v.unlessErasing(err))
	}
	return person, nil
}

func (v *Vault) person(c tx, tag []byte) (string, error) {
	var sealed []byte
	if err := c.query("SELECT sealed FROM handle WHERE tag = $1", []any{tag}, []any{&sealed}, nil); err != nil {
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
