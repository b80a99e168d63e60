package eventstore

import (
	"cmp"
	"fmt"
	"strconv"
)

// A Position is a place in the log: opaque, ordered, never counted with. The
// zero Position is before everything. An embedded log has one number; a
// cluster has two (EventStoreDB's commit and prepare position).
type Position struct{ commit, prepare uint64 }

// NewPosition makes a position of an adapter's own numbers.
func NewPosition(commit, prepare uint64) Position { return Position{commit, prepare} }

// Commit and Prepare give an adapter its numbers back.
func (p Position) Commit() uint64  { return p.commit }
func (p Position) Prepare() uint64 { return p.prepare }

func (p Position) IsZero() bool { return p == Position{} }

// Compare orders positions as the log does.
func (p Position) Compare(q Position) int {
	return cmp.Or(cmp.Compare(p.commit, q.commit), cmp.Compare(p.prepare, q.prepare))
}

// String is fixed-width hexadecimal, so that text sorts as the log does:
// 16 digits, and 16 more behind a dash where the second number differs.
func (p Position) String() string {
	if p.commit == p.prepare {
		return fmt.Sprintf("%016x", p.commit)
	}
	return fmt.Sprintf("%016x-%016x", p.commit, p.prepare)
}

// ParsePosition reads what String wrote.
func ParsePosition(s string) (Position, error) {
	bad := fmt.Errorf("position %q: expected 16 hexadecimal digits, as in 000000000000002a", s)
	if len(s) != 16 && (len(s) != 33 || s[16] != '-') {
		return Position{}, bad
	}
	commit, err := strconv.ParseUint(s[:16], 16, 64)
	if err != nil {
		return Position{}, bad
	}
	if len(s) == 16 {
		return Position{commit, commit}, nil
	}
	prepare, err := strconv.ParseUint(s[17:], 16, 64)
	if err != nil {
		return Position{}, bad
	}
	return Position{commit, prepare}, nil
}

func (p Position) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

func (p *Position) UnmarshalText(b []byte) (err error) {
	*p, err = ParsePosition(string(b))
	return err
}
