package sqlite

import (
	"hash/maphash"
	"sync/atomic"
)

// counts has the events that were begun to be written and those that are in the
// log, of all streams of one hash. In between nobody can tell who sees them.
type counts struct {
	seed maphash.Seed
	of   [1 << 10]struct{ begun, done atomic.Uint64 }
}

func (c *counts) begin(r *request) {
	r.begun = true
	c.of[c.slot(r.stream)].begun.Add(uint64(len(r.events)))
}

// end counts what was written, or may have been.
func (c *counts) end(batch []*request) {
	for _, r := range batch {
		if r.begun {
			c.of[c.slot(r.stream)].done.Add(uint64(len(r.events)))
		}
	}
}

func (c *counts) slot(stream string) uint64 {
	return maphash.String(c.seed, stream) % uint64(len(c.of))
}

// Count is an eventstore.Counter's. Nothing can be told of a log that has
// stopped, nor of one that another process may write.
func (s *Store) Count(stream string) (n uint64, ok bool) {
	of := &s.counts.of[s.counts.slot(stream)]
	n = of.done.Load()
	return n, of.begun.Load() == n && s.stopped.Load() == nil
}
