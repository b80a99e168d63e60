package sqlite

// recent remembers what was used lately: between max and twice max entries,
// in two generations, of which the elder is dropped whole.
type recent[K comparable, V any] struct {
	max        int
	young, old map[K]V
}

func newRecent[K comparable, V any](max int) recent[K, V] {
	return recent[K, V]{max: max, young: map[K]V{}}
}

func (r *recent[K, V]) get(k K) (v V, ok bool) {
	if v, ok = r.young[k]; ok {
		return v, true
	}
	if v, ok = r.old[k]; ok {
		r.put(k, v)
	}
	return v, ok
}

func (r *recent[K, V]) put(k K, v V) {
	if len(r.young) >= r.max {
		r.young, r.old = make(map[K]V, r.max), r.young
	}
	r.young[k] = v
}
