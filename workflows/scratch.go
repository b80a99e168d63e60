package workflows

import (
	"context"
	"sync"

	"github.com/daybook-engine/daybook/domain"
)

// A Scratch is a Vault in memory, for a rehearsal that leaves nothing.
type Scratch struct {
	mu      sync.Mutex
	secrets map[domain.Digest]Secret
	handles map[string]domain.Person
}

// NewScratch makes an empty one.
func NewScratch() *Scratch {
	return &Scratch{secrets: map[domain.Digest]Secret{}, handles: map[string]domain.Person{}}
}

func (v *Scratch) Put(_ context.Context, secrets []Secret) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, s := range secrets {
		if _, kept := v.secrets[s.Digest]; !kept {
			v.secrets[s.Digest] = s
		}
	}
	return nil
}

func (v *Scratch) SetHandle(_ context.Context, handle string, person domain.Person) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if holder, taken := v.handles[handle]; taken && holder != person {
		return ErrHandleTaken.Because(handle)
	}
	v.handles[handle] = person
	return nil
}

func (v *Scratch) Person(_ context.Context, handle string) (domain.Person, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	p, ok := v.handles[handle]
	if !ok {
		return "", ErrHandle.Because(handle)
	}
	return p, nil
}

// Text gives what is kept under a digest.
func (v *Scratch) Text(digest domain.Digest) (string, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	s, ok := v.secrets[digest]
	return s.Text, ok
}
