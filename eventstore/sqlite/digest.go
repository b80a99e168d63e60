package sqlite

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/google/uuid"
)

// A digester hashes events: each field that has no fixed length stands behind
// its length, so that no two events are hashed from the same bytes. The
// position is left out: it belongs to the log and not to the fact.
type digester struct{ buf []byte }

func (d *digester) digest(stream string, revision uint64, id uuid.UUID, name string, metadata, data []byte) [sha256.Size]byte {
	b := slices.Grow(d.buf[:0], 64+len(stream)+len(name)+len(metadata)+len(data))
	b = binary.BigEndian.AppendUint64(b, uint64(len(stream)))
	b = append(b, stream...)
	b = binary.BigEndian.AppendUint64(b, revision)
	b = append(b, id[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(len(name)))
	b = append(b, name...)
	b = binary.BigEndian.AppendUint64(b, uint64(len(metadata)))
	b = append(b, metadata...)
	b = binary.BigEndian.AppendUint64(b, uint64(len(data)))
	b = append(b, data...)
	d.buf = b
	return sha256.Sum256(b)
}
