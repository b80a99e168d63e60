package vault

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"sync"
)

// cached bounds how many people's keys are held open in memory.
const cached = 4096

// A keyring gives out people's keys, and makes them.
type keyring struct {
	wrapping []byte // seals the people's keys
	tagging  []byte // makes the tags of handles
	handles  []byte // seals handles

	mu     sync.Mutex
	db     database // nil when closed
	cache  map[keyID]dataKey
	fences []fence // of those who were erased
}

// A keyID names one key of a person; newest stands for the one in use.
type keyID struct {
	subject string
	rev     int64
}

const newest = 0

type dataKey struct {
	rev int64
	key []byte
}

// use derives a key per purpose, so that none serves two.
func (k *keyring) use(master []byte) {
	k.wrapping, k.tagging, k.handles = derive(master, "wrapping"), derive(master, "tags"), derive(master, "handles")
}

func (k *keyring) close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	db := k.db
	k.db = nil
	clear(k.cache)
	if db == nil {
		return nil
	}
	return db.close()
}

// ensure makes a key for each of the people who have none, durably and all in
// one transaction: a text must never be on disk before the key that opens it.
func (k *keyring) ensure(subjects []string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	var unknown []string
	for _, s := range subjects {
		if _, ok := k.cache[keyID{s, newest}]; !ok {
			unknown = append(unknown, s)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	if k.db == nil {
		return ErrClosed
	}
	err := k.db.write(func(c tx) error {
		for _, s := range unknown {
			there := int64(0)
			if err := c.query("SELECT count(*) FROM dek WHERE subject = $1", []any{s}, []any{&there}, nil); err != nil {
				return err
			}
			if _, erased := k.fence(s); there > 0 || erased {
				continue
			}
			key := make([]byte, keySize)
			rand.Read(key)
			const first = 1
			_, err := c.exec("INSERT INTO dek (subject, rev, wrapped) VALUES ($1, $2, $3)", s, first, seal(k.wrapping, key, wrapped(s, first)))
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("make keys: %w", err)
	}
	return nil
}

// get is a person's key of that revision, or the newest.
func (k *keyring) get(id keyID) (dataKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if key, ok := k.cache[id]; ok {
		return key, nil
	}
	if k.db == nil {
		return dataKey{}, ErrClosed
	}
	var found dataKey
	var sealed []byte
	err := k.db.read(context.Background(), func(c tx) error {
		return c.query("SELECT rev, wrapped FROM dek WHERE subject = $1 AND (rev = $2 OR $2 = 0) ORDER BY rev DESC LIMIT 1",
			[]any{id.subject, id.rev}, []any{&found.rev, &sealed}, nil)
	})
	if err != nil {
		return dataKey{}, fmt.Errorf("read a key: %w", err)
	}
	if _, erased := k.fence(id.subject); sealed == nil && erased {
		return dataKey{}, ErrErased
	}
	if sealed == nil {
		return dataKey{}, fmt.Errorf("%w: the key of %s is missing", ErrDamaged, id.subject)
	}
	if found.key, err = unseal(k.wrapping, sealed, wrapped(id.subject, found.rev)); err != nil {
		return dataKey{}, fmt.Errorf("the key of %s: %w", id.subject, err)
	}
	for other := range k.cache {
		if len(k.cache) < cached {
			break
		}
		delete(k.cache, other)
	}
	k.cache[id] = found
	return found, nil
}

// wrapped is what a key is bound to: it opens as nobody else's.
func wrapped(subject string, rev int64) []byte {
	return framed("key", subject, strconv.FormatInt(rev, 10))
}
