package workflows

import "sync"

// cacheSize is how many folded streams a generation holds: at about 1 KiB
// each, some tens of MiB.
const cacheSize = 1 << 14

// cache keeps folded streams in two generations: what is used moves to the
// young one, and when that is full the old one is forgotten.
type cache struct {
	mu         sync.Mutex
	young, old map[string]any
}

func (c *cache) get(stream string) (any, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if v, ok := c.young[stream]; ok {
		return v, true
	}
	v, ok := c.old[stream]
	if ok {
		c.keep(stream, v)
	}
	return v, ok
}

func (c *cache) put(stream string, v any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keep(stream, v)
}

func (c *cache) drop(stream string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.young, stream)
	delete(c.old, stream)
}

func (c *cache) keep(stream string, v any) {
	if c.young == nil || len(c.young) >= cacheSize {
		c.young, c.old = make(map[string]any), c.young
	}
	c.young[stream] = v
}
