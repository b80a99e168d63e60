package measure

// A Tally evaluates measures over facts in the order of the log, in memory.
type Tally struct {
	byName  map[string][]Measure
	entries map[string][]Entry // by measure
	fields  Fields
}

// NewTally starts with no facts.
func NewTally(measures []Measure) *Tally {
	t := &Tally{byName: map[string][]Measure{}, entries: map[string][]Entry{}}
	for _, m := range measures {
		for _, name := range m.Names() {
			t.byName[name] = append(t.byName[name], m)
		}
	}
	return t
}

// Add takes the next fact.
func (t *Tally) Add(f Fact) error {
	for _, m := range t.byName[f.Name] {
		add, remove, err := m.Read(f, &t.fields)
		if err != nil {
			return err
		}
		entries := t.entries[m.Measure]
		if remove != "" {
			kept := entries[:0]
			for _, e := range entries {
				if e.Key != remove {
					kept = append(kept, e)
				}
			}
			entries = kept
		}
		if add != nil {
			entries = append(entries, *add)
		}
		t.entries[m.Measure] = entries
	}
	return nil
}

// Entries lists the events that count towards a measure within a scope.
func (t *Tally) Entries(m Measure, scope string) []Entry {
	var list []Entry
	for _, e := range t.entries[m.Measure] {
		if e.Scope == scope {
			list = append(list, e)
		}
	}
	return list
}

// Value is the figure within a scope.
func (t *Tally) Value(m Measure, scope string) int64 { return m.Value(t.Entries(m, scope)) }
