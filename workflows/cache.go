package workflows

import "sync"

// cacheSize is how many folded streams a generation holds: at about 1 KiB
// each, some tens of MiB.
const cacheSize = 1 << 14

// cache keeps folded streams in two generations: what is used moves to the
// young one, and when that is full the old one is forgotten.
type cache struct {
	mu         sync.Mutex
	young, old map[string]folded
}

// folded is a stream's state after so many events.
type folded struct {
	events uint64
	state  any
}

func (c *cache) get(stream string) (any, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f, ok := c.young[stream]; ok {
		return f.state, true
	}
	f, ok := c.old[stream]
	if ok {
		c.keep(stream, f)
	}
	return f.state, ok
}

// put keeps a state, unless a later one is there already: a reader may be
// overtaken by a writer.
func (c *cache) put(stream string, events uint64, state any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, generation := range []map[string]folded{c.young, c.old} {
		if f, ok := generation[stream]; ok && f.events > events {
			return
		}
	}
	c.keep(stream, folded{events, state})
}

func (c *cache) drop(stream string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.young, stream)
	delete(c.old, stream)
}

func (c *cache) keep(stream string, f folded) {
	if c.young == nil || len(c.young) >= cacheSize {
		c.young, c.old = make(map[string]folded), c.young
	}
	c.young[stream] = f
}
